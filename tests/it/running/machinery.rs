//! The support modules must be believed, so they are tested too: real servers, really killed.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use sqlx::{Connection, PgConnection};

use crate::support::backends::Backend;
use crate::support::browser_like::Browser;
use crate::support::cookies::{Jar, SetCookie};
use crate::support::process::{Guarded, Scratch, Signal, free_port, wait_until};
use crate::support::servers::{
    Durability, Persistence, PostgresProcess, PrivatePostgres, PrivateRedis, ReadOnly, RedisProcess,
};
use crate::support::world::World;

on_both_backends! {
    async fn the_macro_names_the_backend(backend: Backend) {
        let thread = std::thread::current();
        let wanted = if backend == Backend::Embedded { "::embedded" } else { "::production" };
        assert!(thread.name().unwrap().ends_with(wanted), "{:?}", thread.name());
    }

    async fn a_world_runs_commands_in_an_environment_of_its_own(backend: Backend) {
        let world = World::builder(backend).env("DOORWARD_LOG__LEVEL", "debug").prepare().await;
        let output = world.run(&["version"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(world.setting("DOORWARD_LOG__LEVEL"), Some("debug"));
        let database = world.database_url();
        let start = if backend == Backend::Embedded { "sqlite:" } else { "postgres://" };
        assert!(database.starts_with(start), "{database}");
        let command = world.command(&["version"]);
        let names: Vec<_> = command.get_envs().map(|(name, _)| name.display().to_string()).collect();
        let foreign = |name: &&String| !name.starts_with("DOORWARD_") && name.contains("CARGO");
        assert_eq!(names.iter().find(foreign), None);
    }
}

async fn run_sql(url: &str, sql: &'static str) -> sqlx::Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::raw_sql(sql).execute(&mut connection).await?;
    connection.close().await
}

#[tokio::test]
async fn every_database_is_fresh_and_copies_the_migrated_template_once() {
    let migrate = async |url: String| run_sql(&url, "create table t (a int)").await.unwrap();
    let first = PrivatePostgres::database_made_by("one table", migrate).await;
    let never = async |_| panic!("the template exists");
    let second = PrivatePostgres::database_made_by("one table", never).await;
    assert_ne!(first, second);
    run_sql(&first, "insert into t values (1)").await.unwrap();
    run_sql(&second, "insert into t values (1)").await.unwrap();
    let empty = PrivatePostgres::database().await;
    assert!(run_sql(&empty, "insert into t values (1)").await.is_err());
}

#[tokio::test]
async fn a_private_postgres_keeps_acknowledged_writes_through_a_crash() {
    let mut server = PostgresProcess::start(Durability::Fsync).await;
    let url = server.create_database().await;
    run_sql(&url, "create table t (a int); insert into t values (1)").await.unwrap();
    server.crash();
    assert!(run_sql(&url, "select 1").await.is_err());
    server.restart().await;
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let count: i64 =
        sqlx::query_scalar("select count(*) from t").fetch_one(&mut connection).await.unwrap();
    assert_eq!(count, 1);
    assert_eq!(server.terminate_backends().await, 1);
    assert!(sqlx::raw_sql("select 1").execute(&mut connection).await.is_err());
    server.set_read_only(ReadOnly::On).await;
    wait_for_write(&url, "refused", false).await;
    server.set_read_only(ReadOnly::Off).await;
    wait_for_write(&url, "accepted", true).await;
}

async fn wait_for_write(url: &str, what: &str, wanted: bool) {
    let limit = Duration::from_secs(10);
    crate::support::process::wait_until_async(what, limit, async || {
        run_sql(url, "insert into t values (2)").await.is_ok() == wanted
    })
    .await;
}

#[test]
fn a_private_redis_can_be_killed_flushed_and_set_back_to_an_older_snapshot() {
    let mut redis = RedisProcess::start(Persistence::Snapshot);
    redis.command(&["SET", "old", "1"]);
    let snapshot = redis.save_snapshot();
    redis.command(&["SET", "new", "1"]);
    redis.restore_snapshot(&snapshot);
    assert_eq!(redis.key_count(), 1);
    redis.flush();
    assert_eq!(redis.key_count(), 0);
    redis.kill9();
    redis.restart();
    assert_eq!(redis.key_count(), 1, "the snapshot is loaded again at start");
}

#[test]
fn a_redis_that_appends_keeps_its_data_through_a_kill() {
    let mut redis = RedisProcess::start(Persistence::AppendOnly);
    redis.command(&["SET", "key", "1"]);
    redis.restart();
    assert_eq!(redis.key_count(), 1);
}

#[test]
fn tests_share_a_redis_but_not_its_databases() {
    assert_ne!(PrivateRedis::fresh(), PrivateRedis::fresh());
}

#[test]
fn a_frozen_redis_answers_again_after_resuming() {
    let redis = RedisProcess::start(Persistence::Snapshot);
    redis.pause();
    redis.resume();
    assert_eq!(redis.key_count(), 0);
}

/// Runs this very test binary again on the one test below, kills it, and looks what is left.
#[test]
fn a_killed_test_process_leaves_no_server_and_no_directory() {
    let dir = Scratch::new("killed");
    let note = dir.join("note");
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([
        "--exact",
        "running::machinery::only_run_to_be_killed",
        "--ignored",
        "--nocapture",
    ]);
    command.env("DOORWARD_TEST_NOTE", &note);
    let process = Guarded::start(&mut command, &dir.join("log"), Signal::Kill);
    wait_until("the other process writing its note", Duration::from_mins(1), || note.exists());
    let written = std::fs::read_to_string(&note).unwrap();
    let (pid, left) = written.split_once(' ').unwrap();
    assert!(is_alive(pid));
    process.end(Signal::Kill, Duration::from_secs(5));
    wait_until("the server ending", Duration::from_secs(20), || !is_alive(pid));
    wait_until("the directory going", Duration::from_secs(20), || !PathBuf::from(left).exists());
}

#[test]
#[ignore = "run by a_killed_test_process_leaves_no_server_and_no_directory"]
fn only_run_to_be_killed() {
    let note = std::env::var_os("DOORWARD_TEST_NOTE").expect("only the other test runs this");
    let dir = Scratch::new("left-behind");
    let mut command = Command::new("sleep");
    let sleeper = Guarded::start(command.arg("1000"), &dir.join("log"), Signal::Terminate);
    let text = format!("{} {}", sleeper.pid(), dir.path().display());
    let draft = PathBuf::from(&note).with_extension("draft");
    std::fs::write(&draft, text).unwrap();
    std::fs::rename(draft, note).unwrap();
    std::thread::sleep(Duration::from_secs(1000));
}

/// An ended process whose parent has not asked for its status counts as gone.
fn is_alive(pid: &str) -> bool {
    match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => !stat.contains(") Z "),
        Err(_) => false,
    }
}

#[test]
fn ports_are_handed_out_once() {
    let mut ports: Vec<u16> = (0..50).map(|_| free_port()).collect();
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), 50);
}

#[test]
fn a_set_cookie_header_is_taken_apart() {
    let cookie = SetCookie::parse("__Host-a=b=c; Path=/; Secure; HttpOnly; SameSite=Lax");
    assert_eq!((cookie.name.as_str(), cookie.value.as_str()), ("__Host-a", "b=c"));
    assert!(cookie.has("secure") && cookie.has("httponly") && !cookie.has("domain"));
    assert_eq!(cookie.attribute("samesite"), "Lax");
    assert!(!cookie.deletes());
    assert!(SetCookie::parse("a=; Max-Age=0").deletes());
}

#[test]
fn cookies_belong_to_a_host_and_a_path() {
    let url = |text| url::Url::parse(text).unwrap();
    let mut headers = reqwest::header::HeaderMap::new();
    headers.append("set-cookie", "a=1; Path=/".parse().unwrap());
    headers.append("set-cookie", "b=2; Path=/admin".parse().unwrap());
    let mut jar = Jar::default();
    jar.store(&url("http://localhost:1/x"), &headers);
    assert_eq!(jar.header(&url("http://localhost:2/")).as_deref(), Some("a=1"));
    assert_eq!(jar.header(&url("http://localhost:2/admin/x")).as_deref(), Some("a=1; b=2"));
    assert_eq!(jar.header(&url("http://localhost:2/administer")).as_deref(), Some("a=1"));
    assert_eq!(jar.header(&url("http://127.0.0.1:2/")), None);
}

/// A server of one connection at a time that answers what `answer` says to a request's text.
fn tiny_server(answer: fn(&str) -> String) -> String {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (mut request, mut buffer) = (String::new(), [0; 4096]);
            loop {
                let count = stream.read(&mut buffer).unwrap();
                request.push_str(&String::from_utf8_lossy(&buffer[..count]));
                let Some((head, body)) = request.split_once("\r\n\r\n") else { continue };
                let length = head
                    .to_lowercase()
                    .split_once("content-length: ")
                    .map_or(0, |(_, n)| n.split("\r\n").next().unwrap().parse::<usize>().unwrap());
                if body.len() >= length {
                    break;
                }
            }
            stream.write_all(answer(&request).as_bytes()).unwrap();
        }
    });
    format!("http://{address}")
}

fn sign_in_page(request: &str) -> String {
    if request.starts_with("POST /login") {
        let echo = request.replace("\r\n", "\n");
        return format!(
            "HTTP/1.1 303 See Other\r\nLocation: /done\r\nSet-Cookie: sid=s3; Path=/\r\n\
             X-Echo: {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            echo.rsplit("\n\n").next().unwrap()
        );
    }
    let html = "<!doctype html><title>Sign in</title><form id=sign-in method=post action=/login>\
         <input type=hidden name=csrf value='a&amp;b'><input name=username>\
         <input type=password name=password><input type=checkbox name=remember value=yes>\
         <button>Sign in</button></form>";
    let seen = if request.to_lowercase().contains("cookie: sid=s3") { "known" } else { "new" };
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nX-Seen: {seen}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{html}",
        html.len()
    )
}

#[tokio::test]
async fn the_browser_fills_in_a_form_keeps_the_cookie_and_follows_when_told() {
    let browser = Browser::new(&tiny_server(sign_in_page));
    let page = browser.get("/login").await;
    page.assert_status(200).assert_header("x-seen", "new");
    assert_eq!(page.title(), "Sign in");
    let form = page.form("sign-in").set("username", "alice").set("password", "pass word");
    assert_eq!(form.value("csrf"), Some("a&b"));
    let answer = form.submit().await;
    answer.assert_status(303);
    answer.assert_header("x-echo", "csrf=a%26b&username=alice&password=pass+word");
    assert_eq!(browser.cookie("sid").as_deref(), Some("s3"));
    let other = browser.copy();
    other.forget_cookies();
    answer.follow_within().await.assert_status(200).assert_header("x-seen", "known");
    other.get("/login").await.assert_header("x-seen", "new");
}

#[tokio::test]
async fn a_form_sends_boxes_only_when_ticked_and_forged_fields_when_asked() {
    let page = Browser::new(&tiny_server(sign_in_page)).get("/").await;
    let form = page.form("sign-in").check("remember", "yes").forge("csrf", "x").without("password");
    let pairs = form.pairs();
    let names: Vec<_> = pairs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["username", "remember", "csrf"]);
    assert_eq!(form.uncheck("remember").pairs().len(), 2);
}
