//! Opening a database and bringing its schema up to date.

use std::os::unix::fs::PermissionsExt;

use doorward::store::{ConnectError, DatabaseSettings, MigrationError, Store};
use sqlx::{Connection, SqliteConnection};

use super::servers::{Postgres, TempDir};
use super::sqlite;

async fn migrates_once_and_reports_it(store: &Store) {
    let before = store.migration_status().await.unwrap();
    assert!(!before.is_empty() && before.iter().all(|migration| !migration.applied));
    let (one, two) = tokio::join!(store.migrate(), store.migrate());
    one.unwrap();
    two.unwrap();
    let after = store.migration_status().await.unwrap();
    assert!(after.iter().all(|migration| migration.applied && !migration.description.is_empty()));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_may_migrate_a_sqlite_file_at_once() {
    let (store, dir) = sqlite().await;
    migrates_once_and_reports_it(&store).await;
    for entry in std::fs::read_dir(&dir.0).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.path());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_may_migrate_a_postgres_database_at_once() {
    let server = Postgres::start();
    let store = Store::connect(&DatabaseSettings::new(server.url())).await.unwrap();
    migrates_once_and_reports_it(&store).await;
    let plan = server
        .sql("set enable_seqscan = off; explain select id from users where username like 'ali%'");
    assert!(plan.contains("users_username_prefix"), "{plan}");
    // What a clean-up and a new copy of the revocation set go through page by page is in order.
    let in_order =
        "set enable_seqscan = off; set enable_bitmapscan = off; set enable_sort = off; explain";
    let plan = server.sql(&format!(
        "{in_order} select id from refresh_families where idle_expires_at <= 9 \
         order by idle_expires_at limit 500"
    ));
    assert!(plan.contains("refresh_families_idle") && !plan.contains("Sort"), "{plan}");
    let plan = server.sql(&format!(
        "{in_order} select kind, subject from revocations \
         where (kind, subject) > ('grant', 'g') and expires_at > 9 order by kind, subject limit 500"
    ));
    assert!(plan.contains("revocations_pkey") && !plan.contains("Sort"), "{plan}");
}

#[tokio::test]
async fn a_schema_made_by_a_newer_program_is_refused() {
    let (store, dir) = sqlite().await;
    store.migrate().await.unwrap();
    let url = format!("sqlite://{}/doorward.db", dir.0.display());
    let mut bystander = SqliteConnection::connect(&url).await.unwrap();
    sqlx::query(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time) \
         values (9999, 'later', true, x'00', 1)",
    )
    .execute(&mut bystander)
    .await
    .unwrap();
    let error = store.migrate().await.unwrap_err();
    assert!(
        matches!(error, MigrationError::NewerSchema { found: 9999, known } if known < 9999),
        "{error}"
    );
    let status = store.migration_status().await.unwrap();
    assert!(status.last().unwrap().applied && status.last().unwrap().version == 9999);
}

#[tokio::test]
async fn a_url_that_cannot_work_is_refused_in_one_line_without_the_password() {
    let dir = TempDir::new("urls");
    let text = dir.0.join("text.db");
    std::fs::write(&text, "this is no database, and it is long enough to tell ".repeat(50))
        .unwrap();
    let urls = [
        "mysql://root:hush@localhost/x".to_owned(),
        "sqlite::memory:".to_owned(),
        format!("sqlite://{}/no/such/directory/x.db", dir.0.display()),
        format!("sqlite://{}", text.display()),
        "postgres://doorward:hush@127.0.0.1:1/doorward".to_owned(),
        "postgres://doorward:hush@127.0.0.1:port/doorward".to_owned(),
        "doorward.db".to_owned(),
    ];
    for url in urls {
        let error = Store::connect(&DatabaseSettings::new(&url)).await.unwrap_err();
        let line = error.to_string();
        assert!(!line.contains("hush") && !line.contains('\n'), "{url}: {line}");
        assert!(!format!("{:?}", DatabaseSettings::new(&url)).contains("hush"));
    }
    let error = Store::connect(&DatabaseSettings::new("sqlite::memory:")).await.unwrap_err();
    assert!(matches!(error, ConnectError::InMemory));
}
