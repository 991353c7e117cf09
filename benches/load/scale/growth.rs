//! What does not happen for each request: pages of lists, counts, clean-up, making the copy of the
//! revocation set again, and the memory that all of it takes.

use std::time::{Duration, Instant};

use doorward::clock::UnixTime;
use doorward::protocol::types::UserId;
use doorward::store::clients::ClientFilter;
use doorward::store::grants::refresh_families;
use doorward::store::order::Order;
use doorward::store::sessions::SessionFilter;
use doorward::store::users::UserFilter;
use doorward::store::{
    DatabaseSettings, Store, StoreError, cleanup, clients, figures, sessions, users,
};

use super::CONNECTIONS;
use super::crowd::{Crowd, Op, POOL};
use super::rows;
use super::town::{Side, Size, Town};
use crate::process_cost;

/// How often each question is asked.
const ASKED: usize = 20;
/// Rows that are made to have expired, of families and of grants; of sessions half as many.
const EXPIRED: usize = 200_000;
/// Rows that one step of the clean-up takes from each table, as the server's own does.
const BATCH: i64 = 500;
/// Entries in the revocation set that is copied again.
const REVOKED: usize = 100_000;

/// Everything of this file.
pub(super) struct Growth {
    /// What was asked, and the least and the middle time in the small town and the large one.
    pub(super) lists: Vec<(&'static str, [Duration; 2], [Duration; 2])>,
    pub(super) cleanup: Cleanup,
    /// Entries, and how long until the copy was complete.
    pub(super) rebuild: Option<(usize, Duration)>,
    /// Resident memory of the server in KiB.
    pub(super) small_kib: u64,
    pub(super) large_kib: u64,
    pub(super) after_kib: u64,
    /// People who came to an app behind the gateway one after the other, and by how much the server
    /// grew for it.
    pub(super) visitors: usize,
    pub(super) visitors_kib: u64,
    /// Events of the audit log, and the bytes of one with its place in the chain; PostgreSQL only.
    pub(super) events: Option<(i64, i64)>,
}

/// Cleaning up while people come.
pub(super) struct Cleanup {
    pub(super) rows: u64,
    pub(super) steps: usize,
    pub(super) longest: Duration,
    pub(super) took: Duration,
    /// Of `/authorize`, before and meanwhile.
    pub(super) before: Vec<Duration>,
    pub(super) meanwhile: Vec<Duration>,
}

/// Measures it all. The large town is not the same afterwards.
///
/// # Errors
/// What came instead of an expected answer.
pub(super) async fn measure(small: &mut Town, large: &mut Town) -> Result<Growth, String> {
    let (small_kib, large_kib) = (resident(small), resident(large));
    let few = ask(small).await.map_err(|error| error.to_string())?;
    let many = ask(large).await.map_err(|error| error.to_string())?;
    let lists = few.into_iter().zip(many).map(|((name, few), (_, many))| (name, few, many));
    let lists = lists.collect();
    let visitors = large.size.sessions / 10;
    Crowd::at_the_gateway(large, 0..visitors, CONNECTIONS).await?.run(visitors).await?;
    let visitors_kib = resident(large).saturating_sub(large_kib);
    let events = events(large).await;
    let rebuild = rebuild(large).await;
    let cleanup = clean_up(large).await?;
    let after_kib = resident(large);
    Ok(Growth {
        lists,
        cleanup,
        rebuild,
        small_kib,
        large_kib,
        after_kib,
        visitors,
        visitors_kib,
        events,
    })
}

fn resident(town: &Town) -> u64 {
    process_cost::of(town.world.pid()).resident_kib
}

async fn store(town: &Town) -> Result<Store, StoreError> {
    let settings = DatabaseSettings::new(town.world.database_url());
    Ok(Store::connect(&settings).await.expect("the town's database"))
}

/// The least and the middle time of several.
async fn timed<T>(
    mut question: impl AsyncFnMut() -> Result<T, StoreError>,
) -> Result<[Duration; 2], StoreError> {
    let mut took = Vec::with_capacity(ASKED);
    for _ in 0..ASKED {
        let began = Instant::now();
        question().await?;
        took.push(began.elapsed());
    }
    took.sort_unstable();
    Ok([took[0], took[took.len() / 2]])
}

type Answers = Vec<(&'static str, [Duration; 2])>;

async fn ask(town: &Town) -> Result<Answers, StoreError> {
    let store = store(town).await?;
    let (db, now, size) = (&store.db, UnixTime(town.pattern.now), town.size);
    let person = UserId::new(rows::user(size.users / 2));
    let some = |text: &str| Some(text.to_owned());
    let people = |search| UserFilter { search, limit: 26, ..UserFilter::default() };
    let apps = |search| ClientFilter { search, order: Order::default(), limit: 26 };
    let of =
        |user| SessionFilter { user, live_at: Some(now), limit: 26, ..SessionFilter::default() };
    // The last of all, by name and by something that nobody is called.
    let last = rows::username(size.users - 1);
    let (by_name, by_nothing) = (people(some(&last)), people(some("zz-nobody")));
    let answers = vec![
        ("people, first page", timed(async || users::list(db, &people(None)).await).await?),
        ("people, one by name", timed(async || users::list(db, &by_name).await).await?),
        ("people, nobody found", timed(async || users::list(db, &by_nothing).await).await?),
        ("apps, first page", timed(async || clients::list(db, &apps(None)).await).await?),
        (
            "apps, nothing found",
            timed(async || clients::list(db, &apps(some("zz-nothing"))).await).await?,
        ),
        ("sessions, first page", timed(async || sessions::list(db, &of(None)).await).await?),
        (
            "sessions of one person",
            timed(async || sessions::list(db, &of(Some(person.clone()))).await).await?,
        ),
        (
            "apps connected to one person",
            timed(async || refresh_families::living_of_user(db, (&person, None), now, 100).await)
                .await?,
        ),
        ("counting people, to 10 000", timed(async || figures::count_users(db).await).await?),
        (
            "counting live sessions, to 10 000",
            timed(async || sessions::count_live(db, now, 10_000).await).await?,
        ),
        (
            "counting live sessions, to a million",
            timed(async || sessions::count_live(db, now, 1_000_000).await).await?,
        ),
    ];
    store.db.close().await;
    Ok(answers)
}

async fn events(town: &mut Town) -> Option<(i64, i64)> {
    if matches!(town.side, Side::Sqlite(_)) {
        return None;
    }
    let count = town.side.number("select count(*) from audit_events").await;
    let size =
        "select pg_total_relation_size('audit_events') + pg_total_relation_size('audit_chain')";
    Some((count, town.side.number(size).await / count.max(1)))
}

/// Makes Redis forget how complete its copy of the revocation set is.
async fn rebuild(town: &mut Town) -> Option<(usize, Duration)> {
    const MARKER: &str = "dw:{rv}:marker";
    let mut redis = super::counts::redis(&town.world)?;
    let (now, end) = (town.pattern.now, town.pattern.now + 86_400);
    town.side.execute("begin").await;
    for from in (0..REVOKED).step_by(rows::AT_ONCE) {
        let row = |i| format!("'grant', '{}', 0, {now}, {end}", rows::grant(i + 3_000_000));
        let table = ("revocations", "kind, subject, version, revoked_at, expires_at");
        let sql = rows::insert(table, from..from + rows::AT_ONCE, row);
        town.side.execute(&sql).await;
    }
    town.side.execute("commit").await;
    let began = Instant::now();
    redis::cmd("DEL").arg(MARKER).query::<()>(&mut redis).expect("DEL");
    while !redis::cmd("EXISTS").arg(MARKER).query::<bool>(&mut redis).expect("EXISTS") {
        assert!(began.elapsed() < Duration::from_mins(2), "the copy is not made again");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Some((REVOKED, began.elapsed()))
}

/// Lets many rows expire at once and removes them as the server does, while people go on.
async fn clean_up(town: &mut Town) -> Result<Cleanup, String> {
    let Size { sessions, families, .. } = town.size;
    let expired = EXPIRED.min(families / 4);
    let (from, to) = (families / 2, families / 2 + expired);
    let (first, last) = (rows::family(from), rows::family(to));
    let sql = format!(
        "update refresh_families set idle_expires_at = 1 where id >= '{first}' and id < '{last}'"
    );
    town.side.execute(&sql).await;
    let (first, last) = (rows::grant(from), rows::grant(to));
    let sql = format!("update grants set expires_at = 1 where id >= '{first}' and id < '{last}'");
    town.side.execute(&sql).await;
    // Not those whose people come meanwhile.
    let stay: Vec<String> =
        (0..POOL).map(|n| format!("'{}'", rows::session(n * (sessions / POOL)))).collect();
    let (from, to) = (rows::session(from / 2), rows::session(to / 2));
    let sql = format!(
        "update sessions set expires_at = 1 where id >= '{from}' and id < '{to}' and id not in ({})",
        stay.join(", ")
    );
    town.side.execute(&sql).await;
    town.side.settle().await;
    let before = Crowd::gather(town, Op::Authorize, CONNECTIONS).await?.run(4_000).await?;
    let mut crowd = Crowd::gather(town, Op::Authorize, CONNECTIONS).await?;
    let store = store(town).await.map_err(|error| error.to_string())?;
    let removing = async {
        let (mut rows, mut steps, mut longest, began) = (0, 0, Duration::ZERO, Instant::now());
        loop {
            let step = Instant::now();
            let now = UnixTime(town.pattern.now);
            let gone = cleanup::purge(&store.db, now, BATCH).await;
            let gone = gone.map_err(|error| error.to_string())?;
            if gone.rows == 0 {
                return Ok::<_, String>((rows, steps, longest, began.elapsed()));
            }
            longest = longest.max(step.elapsed());
            rows += gone.rows;
            steps += 1;
        }
    };
    let (removed, meanwhile) = tokio::join!(removing, crowd.run(4_000));
    let ((rows, steps, longest, took), meanwhile) = (removed?, meanwhile?);
    store.db.close().await;
    Ok(Cleanup { rows, steps, longest, took, before, meanwhile })
}
