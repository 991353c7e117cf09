//! What the console tests share: administrators, the things they make, and a look at whether
//! anything has changed.

use std::fmt::Write as _;

use reqwest::Method;
use serde_json::Value;

use crate::kit::flow::{self, PASSWORD, count, execute};
use crate::support::browser_like::{Browser, Page};
use crate::support::world::World;

/// A browser with the console open.
pub struct Admin {
    pub browser: Browser,
    pub username: String,
}

/// Makes an administrator and opens the console for them.
pub async fn admin(world: &World, role: &str) -> Admin {
    let username = format!("the-{role}");
    create(world, &username, Some(role));
    enter(world, &username).await
}

/// Makes somebody who looks after these groups, and opens the console for them.
pub async fn manager(world: &World, groups: &[&str]) -> Admin {
    create(world, "the-manager", None);
    for group in groups {
        world.cli(&["group", "create", group]);
        world.cli(&["group", "add-manager", group, "the-manager"]);
    }
    enter(world, "the-manager").await
}

/// The address of a group's page.
pub fn group_path(name: &str) -> String {
    let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    format!("/admin/groups/{}", name.replace('+', "%20"))
}

/// Makes a person with [`PASSWORD`]; gives the id.
pub fn create(world: &World, username: &str, role: Option<&str>) -> String {
    let email = format!("{username}@example.test");
    let mut arguments =
        vec!["user", "create", "--username", username, "--email", &email, "--password-file", "-"];
    arguments.extend(role.iter().flat_map(|role| ["--role", role]));
    let made = world.cli_with_input(&arguments, PASSWORD);
    made.get("id").and_then(Value::as_str).unwrap_or_else(|| panic!("no id in {made}")).to_owned()
}

/// Signs somebody in to the console.
pub async fn enter(world: &World, username: &str) -> Admin {
    let browser = world.browser();
    let page = browser.get("/login?next=admin").await;
    let form = page.form("sign-in").set("username", username).set("password", PASSWORD);
    let answer = form.submit().await;
    assert_eq!(answer.location().path(), "/admin", "{}", answer.describe());
    Admin { browser, username: username.to_owned() }
}

impl Admin {
    /// Opens a page of the console that must be there.
    pub async fn page(&self, path: &str) -> Page {
        let page = self.browser.get(path).await;
        page.assert_status(200).assert_page_headers();
        let policy = page.header("content-security-policy");
        assert!(policy.contains("form-action 'self'"), "{policy}");
        page
    }

    /// The token that this administrator's forms carry.
    pub async fn csrf(&self) -> String {
        csrf_on(&self.browser.get("/account").await)
    }

    /// Posts fields the way a form of ours does.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let csrf = self.csrf().await;
        post(&self.browser, path, &[&[("csrf", csrf.as_str())], fields].concat()).await
    }

    /// Changes what a page is about the way the form on it does, with what it says that it was made from.
    pub async fn edit(&self, page: &str, fields: &[(&str, &str)]) -> Page {
        let seen = self.seen_on(page).await;
        self.post(&format!("{page}/edit"), &[&[("seen", seen.as_str())], fields].concat()).await
    }

    /// What the form on a page says that it was made from.
    pub async fn seen_on(&self, page: &str) -> String {
        let seen = self.page(page).await.attributes("input[name=seen]", "value");
        seen.into_iter().next().unwrap_or_else(|| panic!("no form that says it on {page}"))
    }

    /// Makes a person; gives the id.
    pub async fn add_person(&self, username: &str) -> String {
        let made = self.post("/admin/users", &[("username", username)]).await;
        made.assert_status(200);
        id_behind(&made, "/admin/users/")
    }

    /// Makes a web app; gives id and secret.
    pub async fn add_app(&self, name: &str) -> (String, String) {
        let made = self.post("/admin/clients", &app_fields(name)).await;
        made.assert_status(200);
        (field(&made, "client-id"), field(&made, "client-secret"))
    }

    /// The message on the page that an answer leads to.
    pub async fn message_after(&self, answer: &Page) -> String {
        answer.assert_status(303);
        let page = answer.follow().await;
        page.assert_status(200);
        page.texts(".flash").join(" ")
    }
}

/// The fields of a plain web app.
pub fn app_fields(name: &str) -> [(&'static str, &str); 7] {
    [
        ("name", name),
        ("kind", "web"),
        ("redirect_uris", "https://rp.test/cb"),
        ("scope", "openid"),
        ("revocation", "checked"),
        ("access_token_alg", "RS256"),
        ("id_token_alg", "RS256"),
    ]
}

/// The key of an issuer outside, of RFC 7517 appendix A.1.
pub const ISSUER_KEYS: &str = r#"{"keys": [{"kty": "EC", "crv": "P-256", "use": "sig",
    "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM", "kid": "1"}]}"#;

/// The fields of an issuer that vouches for workloads of this client.
pub fn issuer_fields(client: &str, number: u32) -> [(&'static str, String); 6] {
    let rules = serde_json::json!([{ "client_id": client, "match": { "sub": "prod:backup" } }]);
    [
        ("name", format!("issuer-{number}")),
        ("issuer", format!("https://issuer-{number}.test")),
        ("jwks", ISSUER_KEYS.to_owned()),
        ("scope", String::new()),
        ("max_lifetime", "3600".to_owned()),
        ("rules", rules.to_string()),
    ]
}

/// Posts fields as a browser does from a page of the same site.
pub async fn post(browser: &Browser, path: &str, fields: &[(&str, &str)]) -> Page {
    let request = browser.request(Method::POST, &browser.resolve(path)).form(fields);
    browser.send(request.header("Sec-Fetch-Site", "same-origin")).await
}

/// The token on a page, if it has one.
pub fn csrf_on(page: &Page) -> String {
    page.attributes("input[name=csrf]", "value").into_iter().next().unwrap_or_default()
}

/// The value of a read-only field.
pub fn field(page: &Page, id: &str) -> String {
    let found = page.attributes(&format!("input[id='{id}']"), "value");
    found.into_iter().next().unwrap_or_else(|| panic!("no `{id}`: {}", page.describe()))
}

/// The id at the end of the first link below this path.
pub fn id_behind(page: &Page, path: &str) -> String {
    let links = page.attributes("main a", "href");
    let ids = links.iter().filter_map(|link| link.strip_prefix(path));
    let is_id = |id: &&str| !["new", "import"].contains(id) && !id.contains('/');
    let id = ids.map(str::to_owned).find(|id| is_id(&id.as_str()));
    id.unwrap_or_else(|| panic!("no link below {path}: {}", page.describe()))
}

/// The ids of the sessions that a page offers to end.
pub fn sessions_on(page: &Page) -> Vec<String> {
    let actions = page.attributes("main form", "action");
    let ids = actions.iter().filter_map(|action| action.strip_prefix("/admin/sessions/"));
    ids.filter_map(|id| id.strip_suffix("/end")).map(str::to_owned).collect()
}

/// Everything that administrators can change, to compare before and after. Each change is audited
/// in its own transaction, so the audit log tells even of those the lists do not show.
pub async fn state(world: &World) -> String {
    let lists =
        [["user", "list"], ["client", "list"], ["key", "list"]].map(|list| world.cli(&list));
    let live = "select cast(count(*) as bigint) from sessions where revoked_at is null";
    let links = "select cast(count(*) as bigint) from one_time_links";
    let mut state = format!("{lists:#?}");
    for number in [audited(world).await, count(world, live).await, count(world, links).await] {
        let _ = write!(state, "\n{number}");
    }
    state
}

/// How many changes the audit log has. Each is noted in its own transaction.
pub async fn audited(world: &World) -> i64 {
    let sql = "select cast(count(*) as bigint) from audit_events \
               where kind not in ('session.created', 'session.renewed', 'sign_in.failed', \
               'console.refused')";
    count(world, sql).await
}

/// Whether a person can still sign in.
pub async fn can_sign_in(world: &World, username: &str, password: &str) -> bool {
    let answer = flow::submit_sign_in(&world.browser(), username, password).await;
    answer.status.as_u16() == 303
}

/// How many people have this user name.
pub async fn people_called(world: &World, username: &str) -> i64 {
    let sql = "select cast(count(*) as bigint) from users where username = ";
    count(world, &format!("{sql}'{username}'")).await
}

/// A message that nobody sends, since no node knows its kind.
pub async fn wait_for_nobody(world: &World, id: &str, attempts: i64) {
    let now = count(world, "select cast(max(at) as bigint) from audit_events").await;
    let columns =
        "id, kind, client_id, payload, due_at, attempts, created_at, expires_at, last_error";
    let payload = r#"{"link": "https://secret.test/way-in"}"#;
    let later = now + 3_000;
    let values = format!(
        "'{id}', 'nobody', null, '{payload}', {later}, {attempts}, {now}, {later}, 'it answered <b>500'"
    );
    execute(world, &format!("insert into outbox ({columns}) values ({values})")).await;
}

/// Something of this id that an app holds for a person.
pub async fn hold(world: &World, id: &str, (username, client): (&str, &str)) {
    let of_client = "client_id, scopes, offline, auth_time, acr, amr, created_at, expires_at";
    let until = 4_000_000_000_i64;
    let sql = format!(
        "insert into grants (id, user_id, {of_client}) values \
         ('{id}', (select id from users where username = '{username}'), '{client}', 'openid', true, 1, '1', \
         '[]', 1, {until})"
    );
    execute(world, &sql).await;
}
