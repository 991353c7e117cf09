//! How long an administrator waits for a page of people where there are a hundred thousand, on both
//! databases, and what a hundred thousand sessions take in the memory of the server. `--people` runs this and
//! nothing else.

use std::ops::Range;
use std::time::{Duration, Instant};

use doorward::protocol::user::{AccountState, AdminRole};

use super::rows;
use super::town::{Size, Town};
use crate::cores::Cores;
use crate::http::{Connection, Request};
use crate::options::Options;
use crate::report::millis;
use crate::{process_cost, stage, work};

/// How many people there are, and how many sessions are used.
const MANY: usize = 100_000;
/// Sessions that are used before, so that the server has made what it makes but once.
const WARM: usize = 1_000;
const SIZE: Size = Size { users: MANY, clients: 10, sessions: WARM + MANY, families: 0 };
/// How often each page is asked for.
const ASKED: usize = 20;
/// What no page shall take.
const LIMIT: Duration = Duration::from_millis(100);

/// A page of the list: what it is called, its address, and what stands on it.
struct Page {
    name: &'static str,
    query: String,
    expect: &'static str,
}

/// Fills a town on each database, measures, prints.
///
/// # Errors
/// What came instead of an expected answer.
pub(crate) async fn run(options: &Options, cores: &Cores) -> Result<(), String> {
    for production in [false, true] {
        let options = Options { production, ..options.clone() };
        let mut town = Box::pin(Town::build(&options, cores, SIZE)).await;
        make_different(&mut town).await;
        town.start(cores);
        println!(
            "\n{MANY} people, {}",
            if production { "PostgreSQL and Redis" } else { "SQLite and in-process store" }
        );
        open_pages(&town).await?;
        // Afterwards, when the database has its pages at hand: so what is added is of the sessions.
        use_sessions(&town).await?;
    }
    Ok(())
}

/// Gives some a role and some a state, and everybody a time of their own at which they were added.
async fn make_different(town: &mut Town) {
    let (owner, auditor) = (AdminRole::Owner.as_str(), AdminRole::Auditor.as_str());
    let (now, later) = (town.pattern.now, town.pattern.now + 30 * 86_400);
    let administrator = stage::USERNAME;
    for sql in [
        "update users set created_at = created_at - cast(substr(username, 5) as bigint) \
         where username like 'user%'"
            .to_owned(),
        format!("update users set role = '{auditor}' where username like 'user%000'"),
        format!("update users set disabled_at = {now} where username like 'user%50'"),
        format!(
            "update users set disabled_at = {now}, delete_at = {later} \
             where username like 'user%075'"
        ),
        format!("update users set role = '{owner}' where username = '{administrator}'"),
    ] {
        town.side.execute(&sql).await;
    }
    town.side.settle().await;
}

/// Uses every session once and tells by how much the server has grown: by the copy of a session in use where
/// there is no Redis, by what is remembered of the visit, and by what the allocator keeps.
async fn use_sessions(town: &Town) -> Result<(), String> {
    let resident = || process_cost::of(town.world.pid()).resident_kib;
    let mut connection = open(town).await?;
    visit(&mut connection, 0..WARM).await?;
    let before = resident();
    visit(&mut connection, WARM..WARM + MANY).await?;
    let after = resident();
    println!(
        "\nresident memory of the server: {:.1} MB before and {:.1} MB after the use of {MANY} \
         sessions: {:.1} MB for {MANY} sessions",
        megabytes(before),
        megabytes(after),
        megabytes(after.saturating_sub(before)),
    );
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "memory is far below 2^52 KiB")]
fn megabytes(kib: u64) -> f64 {
    kib as f64 * 1024.0 / 1e6
}

/// The first page of somebody who is signed in, for each of these sessions.
async fn visit(connection: &mut Connection, sessions: Range<usize>) -> Result<(), String> {
    for number in sessions {
        let cookie = format!("doorward_session={}", rows::cookie("session", number));
        let request = get(connection.port(), "/", &cookie);
        let answer = connection.exchange(&request).await.map_err(|error| error.to_string())?;
        let to = answer.header("location").unwrap_or_default();
        if answer.status != 303 || !to.ends_with("/account") {
            return Err(format!("session {number} is not signed in: {} {to}", answer.status));
        }
    }
    Ok(())
}

async fn open_pages(town: &Town) -> Result<(), String> {
    let mut connection = open(town).await?;
    let cookies = enter(&mut connection).await?;
    println!("\n{:<52}{:>10}{:>10}  under {LIMIT:?}", "GET /admin/users", "median ms", "longest");
    for page in pages(town) {
        let path = format!("/admin/users{}", page.query);
        let request = get(connection.port(), &path, &cookies);
        let mut took = Vec::with_capacity(ASKED);
        for _ in 0..ASKED {
            let began = Instant::now();
            let opened = work::expect(&mut connection, &request, (200, page.expect)).await;
            opened.map_err(|problem| format!("{}: {problem}", page.name))?;
            took.push(began.elapsed());
        }
        took.sort_unstable();
        let (median, longest) = (took[took.len() / 2], took[took.len() - 1]);
        println!(
            "{:<52}{:>10.1}{:>10.1}  {}",
            page.name,
            millis(median),
            millis(longest),
            if longest < LIMIT { "yes" } else { "no" }
        );
    }
    Ok(())
}

/// First pages, pages from the middle, searches for few and for many, filters, and every order.
fn pages(town: &Town) -> Vec<Page> {
    let page = |name, query: &str, expect| Page { name, query: query.to_owned(), expect };
    let auditors = format!("?role={}", AdminRole::Auditor.as_str());
    let in_state = |state: AccountState| format!("?state={}", state.as_str());
    // Somebody was added in each second.
    let added = town.pattern.now - i64::try_from(MANY / 2).unwrap_or_default();
    let middle = format!("&after={added}.80000000-0000-4000-8000-000000000000");
    vec![
        page("first page", "", "user0000001"),
        page("by name, from the middle", "?after=user0050000", "user0050001"),
        page("by name downwards", "?sort=-name", "user0099999"),
        page("by name downwards, from the middle", "?sort=-name&after=user0050000", "user0049999"),
        page("newest first", "?sort=-added", "user0000001"),
        page("newest first, from the middle", &format!("?sort=-added{middle}"), "user005000"),
        page("oldest first", "?sort=added", "user0099999"),
        page("oldest first, from the middle", &format!("?sort=added{middle}"), "user00499"),
        page("search: beginning of every username", "?q=user", "user0000001"),
        page("search: beginning of a hundred usernames", "?q=user00999", "User 99900"),
        page("search: one username", "?q=user0099999", "User 99999"),
        page("search: one username, newest first", "?q=user0099999&sort=-added", "User 99999"),
        page("search: beginning of one e-mail address", "?q=user0099999%40", "User 99999"),
        page("search: one name", "?q=User%2099999", "user0099999"),
        page("search: nobody", "?q=zz-nobody", ""),
        page("with a role", &auditors, "user0001000"),
        page("with a role, newest first", &format!("{auditors}&sort=-added"), "user0001000"),
        page("active", &in_state(AccountState::Active), "user0000001"),
        page("disabled", &in_state(AccountState::Disabled), "user0000150"),
        page("deleted some day", &in_state(AccountState::ToBeDeleted), "user0000075"),
        page(
            "deleted some day, oldest first",
            &format!("{}&sort=added", in_state(AccountState::ToBeDeleted)),
            "user0099075",
        ),
    ]
}

async fn open(town: &Town) -> Result<Connection, String> {
    Connection::open(town.world.port).await.map_err(|error| error.to_string())
}

fn get(port: u16, path: &str, cookies: &str) -> Vec<u8> {
    let headers = &[("cookie", cookies)];
    Request { port, method: "GET", path, headers, body: None }.write()
}

/// The owner signs in to the console; gives the cookies.
async fn enter(connection: &mut Connection) -> Result<String, String> {
    let port = connection.port();
    let request =
        Request { port, method: "GET", path: "/login?next=admin", headers: &[], body: None };
    let page = connection.exchange(&request.write()).await.map_err(|error| error.to_string())?;
    let parts = (page.hidden("flow"), page.hidden("csrf"), page.cookie("doorward_browser"));
    let (Some(flow), Some(csrf), Some(browser)) = parts else {
        return Err(format!("no form to sign in with: {}", page.status));
    };
    let browser = browser.to_owned();
    let (username, password) = (stage::USERNAME, stage::PASSWORD);
    let body = format!("flow={flow}&csrf={csrf}&username={username}&password={password}");
    let headers = &[("cookie", browser.as_str()), ("sec-fetch-site", "same-origin")];
    let request = Request { port, method: "POST", path: "/login", headers, body: Some(&body) };
    let answer = connection.exchange(&request.write()).await.map_err(|error| error.to_string())?;
    let session = answer.cookie("doorward_session").filter(|_| answer.status == 303);
    let session = session.ok_or_else(|| format!("the owner is not let in: {}", answer.status))?;
    Ok(format!("{browser}; {session}"))
}
