//! Who may do what at the REST API: every address with each role, a service and each scope, generated from the
//! API's own table, the table of rights and the OpenAPI document, which all say the same (security catalogue, row
//! 106).

use std::collections::{BTreeMap, BTreeSet};

use doorward::http::api::addresses;
use doorward::protocol::rights::{Reach, Role, TABLE};
use doorward::protocol::user::AdminRole;
use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::api::{Api, all_scopes, header, is, make_key, refused, sent, service, tag};
use crate::kit::console::{create, hold, manager, wait_for_nobody};
use crate::kit::flow::{Answer, count, execute, sign_in};
use crate::kit::pictures::png;
use crate::kit::upstream;
use crate::support::world::World;

fn is_allowed(role: Role, right: &str) -> bool {
    let row = TABLE.iter().find(|(_, name, _)| *name == right);
    let (right, ..) = row.unwrap_or_else(|| panic!("a right that is not in the table: {right}"));
    right.reach(role) != Reach::Nothing
}

/// What the people and apps are like that addresses are about.
struct Subject {
    /// The role of the people.
    role: Option<AdminRole>,
    app: Value,
}

/// Something for an address to be about, made anew each time, since some delete it.
#[expect(clippy::too_many_lines, reason = "one arm for every kind of address")]
async fn filled(world: &World, maker: &Api, (path, n): (&str, usize), subject: &Subject) -> String {
    let username = format!("subject-{n}");
    let role = subject.role.map(AdminRole::as_str);
    let made = json!({ "username": username, "groups": ["crew"], "role": role });
    if path.starts_with("/users/{id}") || path.contains("{member}") {
        is(maker.post("/users", &made).await, 201);
    }
    let (mut secret, mut delivery) = (String::new(), String::new());
    let id = match path {
        path if path.starts_with("/users/{id}") => username.clone(),
        path if path.starts_with("/groups/{id}") => {
            // A group of its own, which a manager looks after, too.
            let name = format!("crew-{n}");
            is(maker.post("/groups", &json!({ "name": name })).await, 201);
            let charge = format!("/groups/{name}/managers/the-manager");
            is(maker.command(Method::PUT, &charge).await, 204);
            name
        }
        path if path.starts_with("/organisations/{id}") => {
            let name = format!("org-{n}");
            is(maker.post("/organisations", &json!({ "name": name })).await, 201);
            name
        }
        path if path.starts_with("/clients/{id}") => {
            let made = is(maker.post("/clients", &subject.app).await, 201).json();
            let id = made["client_id"].as_str().expect("an id").to_owned();
            if path.contains("{secret}") {
                let more = format!("/clients/{id}/secrets");
                let more = is(maker.post(&more, &json!({})).await, 201).json();
                more["id"].as_str().expect("a mark").clone_into(&mut secret);
            }
            if path.contains("{role}") {
                let roles = format!("/clients/{id}/roles");
                is(maker.post(&roles, &json!({ "name": "kept" })).await, 201);
            }
            id
        }
        path if path.starts_with("/branding/{id}") => "logo".to_owned(),
        path if path.starts_with("/sessions/{id}") => {
            sign_in(world, "subject").await;
            let list = is(maker.get("/sessions?user=subject").await, 200).json();
            list["items"][0]["id"].as_str().expect("a session").to_owned()
        }
        path if path.starts_with("/keys/{id}") => {
            let list = is(maker.get("/keys").await, 200).json();
            let keys = list["items"].as_array().expect("keys");
            let next = keys.iter().find(|key| key["state"] == "next").expect("a next key");
            next["kid"].as_str().expect("a kid").to_owned()
        }
        path if path.starts_with("/issuers/{id}") => {
            let made = is(maker.post("/issuers", &issuer(&format!("kept-{n}"))).await, 201).json();
            made["name"].as_str().expect("a name").to_owned()
        }
        path if path.starts_with("/upstream-providers/{id}") => {
            let new = upstream::body(&format!("kept-{n}"), "https://upstream.invalid");
            let made = is(maker.post("/upstream-providers", &new).await, 201).json();
            made["id"].as_str().expect("an id").to_owned()
        }
        path if path.starts_with("/webhooks/{id}") => {
            let made = maker.post("/webhooks", &webhook(&format!("kept-{n}"))).await;
            let id = is(made, 201).json()["id"].as_str().expect("an id").to_owned();
            if path.contains("{delivery}") {
                is(maker.command(Method::POST, &format!("/webhooks/{id}/test")).await, 200);
                let log = is(maker.get(&format!("/webhooks/{id}/deliveries")).await, 200).json();
                log["items"][0]["id"].as_str().expect("a line").clone_into(&mut delivery);
            }
            id
        }
        path if path.starts_with("/jobs/{id}") => {
            let id = format!("019a-{n}");
            wait_for_nobody(world, &id, 0).await;
            id
        }
        path if path.starts_with("/api-keys/{id}") => {
            make_key(world, "maker", &["doorward.users:read"]).0
        }
        path if path.starts_with("/registration-tokens/{id}") => {
            let made = is(maker.post("/registration-tokens", &json!({})).await, 201).json();
            made["id"].as_str().expect("an id").to_owned()
        }
        path if path.starts_with("/settings/{id}") => "session.idle".to_owned(),
        _ => String::new(),
    };
    let path = path.replace("{id}", &id).replace("{secret}", &secret);
    let path = path.replace("{role}", "kept").replace("{group}", "crew");
    if path.contains("{connection}") {
        hold(world, &format!("held-{n}"), (&username, "the-app")).await;
    }
    path.replace("{member}", &username)
        .replace("{delivery}", &delivery)
        .replace("{client}", "the-app")
        .replace("{connection}", &format!("held-{n}"))
}

/// A plain web app.
fn app() -> Value {
    json!({ "metadata": { "client_name": "Made", "redirect_uris": ["https://rp.test/cb"] } })
}

/// An issuer with this name that speaks for an app that is there.
fn issuer(name: &str) -> Value {
    let issuer = format!("https://{name}.test");
    json!({
        "name": name, "issuer": issuer, "jwks_uri": format!("{issuer}/keys"),
        "rules": [{ "client_id": "the-app", "match": { "sub": "x" } }],
    })
}

/// An endpoint with this name that nobody answers at.
fn webhook(name: &str) -> Value {
    json!({ "name": name, "url": "https://hook.invalid/", "events": ["backup.made"] })
}

/// How much has been changed so far: each change is an event in its own transaction.
async fn changes(world: &World) -> i64 {
    count(world, "select count(*) from audit_events where outcome = 'success'").await
}

async fn call(api: &Api, (method, path): (&str, &str), n: usize) -> Answer {
    let name = method;
    let method = Method::from_bytes(name.as_bytes()).expect("a method");
    let body = match path {
        "/users" => json!({ "username": format!("made-{n}"), "groups": ["crew"] }),
        "/groups" => json!({ "name": format!("made/{n}") }),
        "/organisations" => json!({ "name": format!("made-{n}") }),
        "/clients" => app(),
        path if path.ends_with("/roles") => json!({ "name": "made" }),
        path if path.contains("/roles/") => json!({ "description": format!("Number {n}.") }),
        path if path.ends_with("/preview") => json!({ "user": "subject" }),
        path if path.starts_with("/clients/") => json!({ "metadata": {} }),
        "/issuers" => issuer(&format!("made-{n}")),
        "/upstream-providers" => upstream::body(&format!("made-{n}"), "https://upstream.invalid"),
        "/webhooks" => webhook(&format!("made-{n}")),
        path if path.starts_with("/settings/") => json!({ "value": 1200 }),
        "/sessions/end" => json!({ "address": "192.0.2.77" }),
        "/keys/rotate" => json!({ "alg": "ES256" }),
        _ => json!({}),
    };
    let request = api.request(method, path);
    match name {
        "GET" | "DELETE" => sent(request).await,
        "PUT" if path.contains("/logo") => {
            sent(request.header("content-type", "image/png").body(png(1))).await
        }
        "PUT" if !path.starts_with("/settings/") => sent(request).await,
        // Those who may not read either are refused before it matters.
        "PATCH" | "PUT" => {
            let shown = api.get(path).await;
            let tag = if shown.status == 200 { tag(&shown) } else { "\"x\"".to_owned() };
            sent(request.header("if-match", tag).json(&body)).await
        }
        _ => sent(request.json(&body)).await,
    }
}

/// Who comes in.
#[derive(Debug, Clone, Copy)]
enum Who {
    /// With a key of somebody with this role.
    Key(Role),
    /// With a token of a service.
    Service,
}

impl Who {
    fn all() -> impl Iterator<Item = Self> {
        Role::ALL.map(Self::Key).into_iter().chain([Self::Service])
    }

    /// What counts in the table of rights.
    fn role(self) -> Role {
        match self {
            Self::Key(role) => role,
            Self::Service => Role::Operator,
        }
    }

    /// With every scope there is.
    async fn enter(self, world: &World) -> Api {
        match self {
            Self::Service => Api::of_service(world, &service(world, "robot", &all_scopes())).await,
            Self::Key(role) => Api::with_key(world, &somebody(world, role), &all_scopes()),
        }
    }

    /// Whether the document offers an operation to them.
    fn is_offered(self, operation: &Value) -> bool {
        let ways = operation["security"].as_array().expect("ways in");
        assert!(!ways.is_empty(), "{operation}");
        ways.iter().any(|way| match self {
            Self::Key(role) => {
                way["key"].as_array().is_some_and(|roles| roles.contains(&json!(role.as_str())))
            }
            Self::Service => way["service"].is_array(),
        })
    }
}

/// The user name of somebody who is this, and made here unless they look after groups.
fn somebody(world: &World, role: Role) -> String {
    if role == Role::GroupManager {
        return "the-manager".to_owned();
    }
    let username = format!("an-{}", role.as_str());
    create(world, &username, Some(role.as_str()));
    username
}

/// The area of a scope.
fn area(scope: &str) -> &str {
    scope.split(':').next().expect("an area")
}

/// A path with something in it that is nowhere.
fn of_nothing(path: &str) -> String {
    let part = |part: &str| if part.starts_with('{') { "x".to_owned() } else { part.to_owned() };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// The OpenAPI document.
async fn document(api: &Api) -> Value {
    let answer = sent(api.bare(Method::GET, "/openapi.json")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// What the document says of an address.
fn operation<'a>(document: &'a Value, (method, path): (&str, &str)) -> &'a Value {
    let found = &document["paths"][path][method.to_lowercase()];
    assert!(found.is_object(), "{method} {path}");
    found
}

/// Checks the status and the headers of an answer against what the document says of it.
fn is_as_described(document: &Value, operation: &Value, answer: &Answer) {
    let mut described = &operation["responses"][answer.status.to_string()];
    assert!(described.is_object(), "{operation}: {answer:?}");
    let resolved = |value: &'_ Value| {
        let reference = value["$ref"].as_str().and_then(|text| text.strip_prefix('#'));
        reference.map(str::to_owned)
    };
    if let Some(pointer) = resolved(described) {
        described = document.pointer(&pointer).expect("what is referred to");
    }
    let headers = described["headers"].as_object();
    for name in ["ETag", "Location", "Link", "Retry-After", "WWW-Authenticate"] {
        let is_there = !header(answer, name).is_empty();
        let said = headers.and_then(|headers| headers.get(name));
        let said = said.map(|said| match resolved(said) {
            Some(pointer) => document.pointer(&pointer).expect("what is referred to"),
            None => said,
        });
        match said {
            None => assert!(!is_there, "{name} {operation}: {answer:?}"),
            Some(said) if said["required"] == true => assert!(is_there, "{name}: {answer:?}"),
            Some(_) => {}
        }
    }
}

on_both_backends! {
    async fn every_address_answers_each_caller_as_rights_and_document_say(world: World) {
        manager(&world, &["crew"]).await;
        create(&world, "subject", None);
        world.cli(&["group", "add-member", "crew", "subject"]);
        create(&world, "maker", Some("owner"));
        let maker = Api::with_key(&world, "maker", &all_scopes());
        is(maker.post("/clients", &json!({ "client_id": "the-app", "metadata": app()["metadata"] })).await, 201);
        let document = document(&maker).await;
        let subject = Subject { role: None, app: app() };
        let mut n = 0;
        for who in Who::all() {
            let api = who.enter(&world).await;
            for (method, path, _, right) in addresses() {
                n += 1;
                let operation = operation(&document, (method, path));
                let path = filled(&world, &maker, (path, n), &subject).await;
                let before = changes(&world).await;
                let answer = call(&api, (method, &path), n).await;
                let what = format!("{method} {path} as {who:?}: {answer:?}");
                let allowed = is_allowed(who.role(), right);
                assert_eq!(who.is_offered(operation), allowed, "{what}");
                is_as_described(&document, operation, &answer);
                // What a test sent is never sent again, and an app that somebody made has no document and did
                // not register itself, whoever asks.
                let reasons = [
                    ("/redeliver", "not_now"), ("/refresh", "not_described"),
                    ("/revoke-registration", "not_self_registered"),
                ];
                let reason = reasons.iter().find(|(end, _)| path.ends_with(end) && answer.status == 409);
                if let Some((_, code)) = reason {
                    assert!(allowed, "{what}");
                    assert_eq!(answer.json()["code"], *code, "{what}");
                } else if allowed {
                    assert!((200..300).contains(&answer.status), "{what}");
                } else {
                    assert_eq!(answer.status, 403, "{what}");
                    assert_eq!(answer.json()["code"], "forbidden", "{what}");
                    assert_eq!(changes(&world).await, before, "{what}");
                }
            }
        }
    }

    /// With apps that have a scope of the API, and with administrators.
    async fn every_further_scope_that_the_document_names_is_needed_and_no_other_is(world: World) {
        let (of_app, administrators) = ("doorward.keys:read", "doorward.administrators:write");
        manager(&world, &["crew"]).await;
        create(&world, "subject", None);
        create(&world, "maker", Some("owner"));
        let maker = Api::with_key(&world, "maker", &all_scopes());
        is(maker.post("/clients", &json!({ "client_id": "the-app", "metadata": app()["metadata"] })).await, 201);
        let without = |missing: &[&str]| -> Vec<_> {
            all_scopes().into_iter().filter(|scope| !missing.contains(scope)).collect()
        };
        let without_all = without(&[of_app, "doorward.keys:write", administrators]);
        let api = Api::with_key(&world, "maker", &without_all);
        let document = document(&maker).await;
        let robot = json!({ "metadata": { "client_name": "Robot", "kind": "machine", "scope": [of_app] } });
        let subject = Subject { role: Some(AdminRole::Auditor), app: robot.clone() };
        for (n, (method, path, ..)) in addresses().enumerate() {
            let text = operation(&document, (method, path))["description"].as_str().expect("a text").to_owned();
            let areas = ["/users/{id}", "/clients/{id}", "/groups/{id}/managers/{member}"];
            if !areas.iter().any(|area| path.starts_with(area)) {
                let takes_more = ["/users", "/clients"].contains(&path) && method == "POST";
                assert_eq!(text.contains(", too, "), takes_more, "{method} {path}: {text}");
                continue;
            }
            let wanted = [("each scope of this API, too", of_app), (administrators, administrators)];
            let wanted = wanted.iter().find(|(said, _)| text.contains(said)).map(|(_, scope)| *scope);
            let address = filled(&world, &maker, (path, n), &subject).await;
            let answer = call(&api, (method, &address), n).await;
            let challenge = header(&answer, "www-authenticate");
            match wanted {
                Some(scope) => {
                    let answer = refused(answer, 403, "insufficient_scope");
                    assert!(challenge.contains(&format!("scope=\"{scope}\"")), "{path}: {answer:?}");
                }
                None => assert!(!challenge.contains("insufficient_scope"), "{path}: {answer:?}"),
            }
        }
        // What is in the body says that it is needed.
        create(&world, "alice", None);
        let bodies = [
            ("/users", json!({ "username": "bob", "groups": ["crew"] }), "doorward.groups:write"),
            ("/users", json!({ "username": "bob", "role": "auditor" }), administrators),
            ("/clients", robot, of_app),
            ("/clients/the-app", json!({ "metadata": { "scope": ["openid", of_app] } }), of_app),
            ("/users/alice", json!({ "groups": ["crew"] }), "doorward.groups:write"),
            ("/users/alice", json!({ "role": "auditor" }), administrators),
        ];
        for (path, body, scope) in bodies {
            let api = Api::with_key(&world, "maker", &without(&[scope, "doorward.keys:write"]));
            let answer = match path {
                "/users" | "/clients" => api.post(path, &body).await,
                _ => api.patch_now(path, &body).await,
            };
            let answer = refused(answer, 403, "insufficient_scope");
            assert!(header(&answer, "www-authenticate").contains(&format!("scope=\"{scope}\"")), "{body}");
        }
    }

    async fn every_address_needs_its_scope_and_a_credential(world: World) {
        create(&world, "boss", Some("owner"));
        let mut keys = BTreeMap::new();
        for scope in all_scopes() {
            // Everything but the one that is needed, and the stronger one of its area.
            let reads = scope.ends_with(":read");
            let others: Vec<_> = all_scopes()
                .into_iter()
                .filter(|other| *other != scope && !(reads && area(other) == area(scope)))
                .collect();
            keys.insert(scope, Api::with_key(&world, "boss", &others));
        }
        let before = changes(&world).await;
        for (method, path, scope, _) in addresses() {
            let path = of_nothing(path);
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            let api = &keys[scope];
            let answer = is(sent(api.request(method.clone(), &path)).await, 403);
            assert_eq!(answer.json()["code"], "insufficient_scope", "{path}");
            assert!(header(&answer, "www-authenticate").contains(&format!("scope=\"{scope}\"")));
            let answer = is(sent(api.bare(method, &path)).await, 401);
            assert!(header(&answer, "www-authenticate").contains("Bearer realm="), "{path}");
        }
        assert_eq!(changes(&world).await, before);
    }

    /// The scope is needed whatever the role allows, also where the key has those of other areas, and one to
    /// look does not do for a change.
    async fn no_role_opens_an_address_without_its_scope(world: World) {
        manager(&world, &["crew"]).await;
        let scopes = all_scopes();
        let areas: BTreeSet<_> = scopes.iter().copied().map(area).collect();
        let even: BTreeSet<_> = areas.into_iter().step_by(2).collect();
        let of = |wanted: bool| -> Vec<_> {
            scopes.iter().copied().filter(|scope| even.contains(area(scope)) == wanted).collect()
        };
        let reading: Vec<_> = scopes.iter().copied().filter(|scope| scope.ends_with(":read")).collect();
        for role in Role::ALL {
            let username = somebody(&world, role);
            let [evens, odds, reader] =
                [&of(true), &of(false), &reading].map(|scopes| Api::with_key(&world, &username, scopes));
            let before = changes(&world).await;
            for (method, path, scope, _) in addresses() {
                let other = if even.contains(area(scope)) { &odds } else { &evens };
                let lacking = [other].into_iter().chain(scope.ends_with(":write").then_some(&reader));
                for api in lacking {
                    let verb = Method::from_bytes(method.as_bytes()).expect("a method");
                    let answer = sent(api.request(verb, &of_nothing(path))).await;
                    let answer = refused(answer, 403, "insufficient_scope");
                    let challenge = header(&answer, "www-authenticate");
                    let named = challenge.contains(&format!("scope=\"{scope}\""));
                    assert!(named, "{role:?}: {method} {path}: {challenge}");
                }
            }
            assert_eq!(changes(&world).await, before, "{role:?}");
        }
    }

    /// The role counts that the owner of a key has at the moment of the call, not the one they had when it was made.
    async fn a_key_does_what_its_owner_may_do_at_that_moment(world: World) {
        let keeper = manager(&world, &["crew"]).await;
        create(&world, "alice", None);
        create(&world, "helper", Some("operator"));
        let api = Api::with_key(&world, "helper", &all_scopes());
        is(api.command(Method::POST, "/users/alice/disable").await, 204);
        let becomes = async |role: &str| {
            execute(&world, &format!("update users set role = {role} where username = 'helper'")).await;
        };
        becomes("'auditor'").await;
        is(api.get("/users/alice").await, 200);
        let before = changes(&world).await;
        refused(api.command(Method::POST, "/users/alice/enable").await, 403, "forbidden");
        refused(api.post("/groups", &json!({ "name": "more" })).await, 403, "forbidden");
        refused(api.delete("/api-keys/x").await, 403, "forbidden");
        assert_eq!(changes(&world).await, before);
        becomes("'operator'").await;
        is(api.command(Method::POST, "/users/alice/enable").await, 204);
        becomes("null").await;
        refused(api.get("/users/alice").await, 401, "invalid_token");
        // Likewise somebody who looks after a group, from the moment that is taken away.
        let of_group = Api::with_key(&world, &keeper.username, &all_scopes());
        is(of_group.get("/groups/crew").await, 200);
        refused(of_group.get("/api-keys").await, 403, "forbidden");
        world.cli(&["group", "remove-manager", "crew", &keeper.username]);
        refused(of_group.get("/groups/crew").await, 401, "invalid_token");
    }
}
