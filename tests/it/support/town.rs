//! A small town: one of everything that the console has a page about, made with commands and by using it.
//! The pages come from the console's own table, so one that nothing was made for fails its test by name.

use std::collections::BTreeMap;
use std::time::Duration;

use doorward::http::console::addresses;
use reqwest::Method;
use serde_json::{Value, json};

use super::process::wait_until_async;
use super::world::World;

/// The group that the person in the town is in.
pub const GROUP: &str = "crew";
/// Whoever looks after [`GROUP`], and nothing else.
pub const MANAGER: &str = "mona";
/// The person in the town. Their group and the app they use are all there is to know of them.
pub const PERSON: &str = "peter";
/// Somebody who was given more than that.
pub const NEIGHBOUR: &str = "pia";
/// Whoever owns the service.
pub const OWNER: &str = "olivia";
/// The app that [`PERSON`] uses.
const DIARY: &str = "diary";
/// Everybody's password.
pub const PASSWORD: &str = "nine-quiet-otters-paint-8-doors";

/// What an address can be about, by how it begins; of two that fit the first one is meant.
const KINDS: [&str; 13] = [
    "/admin/users/",
    "/admin/groups/",
    "/admin/organisations/",
    // An app that registered itself.
    "/admin/clients/{id}/revoke-registration",
    "/admin/clients/",
    "/admin/registration-tokens/",
    "/admin/issuers/",
    "/admin/upstream/",
    "/admin/webhooks/",
    "/admin/api-keys/",
    "/admin/jobs/",
    // These two are in the query.
    "/admin/keys/retire",
    "/admin/clients/{id}/retire-secret",
];

/// What lets apps register themselves with a token.
pub const APPS_COME: (&str, &str) = ("DOORWARD_REGISTRATION__MODE", "token");

/// How the addresses of files end.
const FILES: [&str; 3] = ["/export", "/keys/public", "/import/rejects"];

/// What the pages are pointed at.
pub struct Town {
    ids: BTreeMap<&'static str, String>,
    /// Of [`OWNER`].
    pub owner: String,
}

/// Every page of the console, as `(path, right)`: what is read there, apart from files.
pub fn pages() -> impl Iterator<Item = (&'static str, &'static str)> {
    addresses()
        .filter(|(method, path, _)| {
            *method == "GET" && !FILES.iter().any(|end| path.ends_with(end))
        })
        .map(|(_, path, right)| (path, right))
}

/// Somebody with [`PASSWORD`]; gives the id.
pub fn person(world: &World, name: &str, role: Option<&str>) -> String {
    let email = format!("{name}@example.test");
    let mut arguments =
        vec!["user", "create", "--username", name, "--email", &email, "--password-file", "-"];
    arguments.extend(role.iter().flat_map(|role| ["--role", role]));
    text(&world.cli_with_input(&arguments, PASSWORD), "id")
}

fn text(document: &Value, name: &str) -> String {
    document[name].as_str().unwrap_or_else(|| panic!("no {name} in {document}")).to_owned()
}

impl Town {
    /// Makes it, with an [`OWNER`] and a [`MANAGER`], in a world with [`APPS_COME`].
    pub async fn build(world: &World) -> Self {
        let owner = person(world, OWNER, Some("owner"));
        let mut ids = BTreeMap::new();
        person(world, MANAGER, None);
        ids.insert("/admin/users/", person(world, PERSON, None));
        person(world, NEIGHBOUR, None);
        world.cli(&["group", "create", GROUP]);
        world.cli(&["group", "add-member", GROUP, PERSON]);
        world.cli(&["group", "add-manager", GROUP, MANAGER]);
        ids.insert("/admin/groups/", GROUP.to_owned());
        let acme = world.cli(&["organisation", "create", "acme", "--display-name", "Acme"]);
        ids.insert("/admin/organisations/", text(&acme, "id"));
        world.cli(&["organisation", "add", "acme", NEIGHBOUR]);
        ids.insert("/admin/clients/", app(world).await);
        ids.insert("/admin/clients/{id}/retire-secret", second_secret(world));
        let (token, registered) = self_registered(world).await;
        ids.insert("/admin/registration-tokens/", token);
        ids.insert("/admin/clients/{id}/revoke-registration", registered);
        use_diary(world).await;
        ids.insert("/admin/issuers/", issuer(world));
        ids.insert("/admin/upstream/", provider(world));
        let key = ["api-key", "create", "--user", OWNER, "--name", "Report", "--scope"];
        let key = world.cli(&[&key[..], &["doorward.users:read"]].concat());
        ids.insert("/admin/api-keys/", text(&key, "id"));
        ids.insert("/admin/keys/retire", spare_key(world));
        ids.insert("/admin/webhooks/", webhook(world));
        ids.insert("/admin/jobs/", message(world).await);
        Self { ids, owner }
    }

    fn id(&self, kind: &str) -> &str {
        self.ids.get(kind).unwrap_or_else(|| panic!("nothing was made for {kind}"))
    }

    /// Where a page of the table is found.
    pub fn at(&self, path: &str) -> String {
        let person = self.id("/admin/users/");
        let at = match KINDS.into_iter().find(|kind| path.starts_with(kind)) {
            Some(kind) if path.contains("{id}") => path.replace("{id}", self.id(kind)),
            _ => path.to_owned(),
        };
        assert!(!at.contains('{'), "nothing to point {path} at");
        match path {
            "/admin/users/selected" => format!("{at}?do=sign-out&who={person}"),
            "/admin/users/{id}/remove-app" => format!("{at}?client_id={DIARY}"),
            "/admin/sessions/sign-out" => format!("{at}?user={PERSON}"),
            "/admin/organisations/{id}/remove-member" => format!("{at}?member={NEIGHBOUR}"),
            "/admin/clients/{id}/roles/delete" => format!("{at}?role=reader"),
            "/admin/clients/{id}/retire-secret" => format!("{at}?secret={}", self.id(path)),
            "/admin/keys/retire" => format!("{at}?kid={}", self.id(path)),
            _ => at,
        }
    }
}

/// An app with a role that somebody has, and a request of its own that did not fit.
async fn app(world: &World) -> String {
    let create =
        ["client", "create", "--name", "Town wiki", "--type", "web", "--client-id", "wiki"];
    let address = ["--redirect-uri", "https://wiki.test/callback", "--scope", "openid"];
    world.cli(&[&create[..], &address].concat());
    world.cli(&["role", "create", "wiki", "reader", "--description", "Reads."]);
    world.cli(&["role", "give", "wiki", "reader", "--user", NEIGHBOUR, "--group", GROUP]);
    let request = "/oauth2/authorize?response_type=code&client_id=wiki&scope=openid\
                   &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\
                   &code_challenge_method=S256&redirect_uri=https%3A%2F%2Fwiki.test%2Fother";
    world.browser().get(request).await.assert_status(400);
    "wiki".to_owned()
}

/// Makes an app, and somebody signs in to it and allows what it asks for; it goes on getting their tokens.
async fn use_diary(world: &World) {
    let create = ["client", "create", "--name", "Diary", "--type", "web", "--client-id", DIARY];
    let address = ["--redirect-uri", "https://diary.test/callback", "--scope", "openid"];
    let secret = text(&world.cli(&[&create[..], &address].concat()), "client_secret");
    world.cli(&["client", "update", DIARY, "--ask-consent"]);
    let request = "/oauth2/authorize?response_type=code&client_id=diary&scope=openid\
                   &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\
                   &code_challenge_method=S256&redirect_uri=https%3A%2F%2Fdiary.test%2Fcallback";
    let form = world.browser().get(request).await.follow_within().await.form("sign-in");
    let signed_in = form.set("username", PERSON).set("password", PASSWORD).submit().await;
    let question = signed_in.follow_within().await.form("consent");
    let allowed = question.press("decision", "allow").submit().await;
    allowed.assert_status(303);
    let code = allowed.location_parameter("code").expect("a code");
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", "https://diary.test/callback"),
        ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
    ];
    let program = world.browser();
    let request = program.request(Method::POST, &program.resolve("/oauth2/token"));
    let request = request.basic_auth(DIARY, Some(&secret)).form(&fields);
    program.send(request).await.assert_status(200);
}

/// The mark of the app's second secret.
fn second_secret(world: &World) -> String {
    world.cli(&["client", "add-secret", "wiki"]);
    let app = world.cli(&["client", "show", "wiki"]);
    app["secrets"][1].as_str().unwrap_or_else(|| panic!("no second secret in {app}")).to_owned()
}

/// A token with which apps register, and an app that has done so: their ids.
async fn self_registered(world: &World) -> (String, String) {
    let made = ["registration-token", "create", "--label", "Test bench", "--max-uses", "20"];
    let made = world.cli(&made);
    let app = json!({ "client_name": "Self-made", "redirect_uris": ["https://self-made.test/cb"] });
    let browser = world.browser();
    let request = browser.request(Method::POST, &browser.resolve("/oauth2/register"));
    let answer = browser.send(request.bearer_auth(text(&made, "token")).json(&app)).await;
    answer.assert_status(201);
    (text(&made, "id"), text(&answer.json(), "client_id"))
}

fn issuer(world: &World) -> String {
    let name = ["issuer", "create", "--name", "cluster", "--issuer", "https://cluster.test"];
    let keys = ["--jwks-uri", "https://cluster.test/jwks", "--client", "wiki"];
    world.cli(&[&name[..], &keys, &["--match", "sub=prod:backup"]].concat());
    "cluster".to_owned()
}

fn provider(world: &World) -> String {
    let name = ["upstream", "create", "--slug", "school", "--name", "Our school", "--issuer"];
    let there = ["https://school.test", "--client-id", "doorward", "--secret-file", "-"];
    text(&world.cli_with_input(&[&name[..], &there].concat(), PASSWORD), "id")
}

/// A key that may be retired.
fn spare_key(world: &World) -> String {
    let keys = world.cli(&["key", "list"]);
    let all = keys["items"].as_array().or(keys.as_array()).expect("keys");
    let spare = all.iter().find(|key| key["state"] != "active");
    text(spare.unwrap_or_else(|| panic!("no spare key in {keys}")), "kid")
}

/// Its name leads nowhere, on any machine (RFC 6761).
fn webhook(world: &World) -> String {
    let name = ["webhook", "create", "--name", "Chat", "--url", "https://chat.test/in"];
    text(&world.cli(&[&name[..], &["--event", "group.*"]].concat()), "id")
}

/// A message for the webhook, which waits since it does not arrive.
async fn message(world: &World) -> String {
    world.cli(&["group", "create", "choir"]);
    let first = || {
        let waiting = world.cli(&["job", "list"]);
        waiting["items"].as_array().and_then(|items| items.first().cloned())
    };
    let limit = Duration::from_secs(20);
    wait_until_async("a message that waits", limit, async || first().is_some()).await;
    text(&first().expect("a message"), "id")
}
