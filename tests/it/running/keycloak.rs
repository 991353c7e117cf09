//! A realm from Keycloak: people sign in with the password they had there, apps keep their secret, and what
//! has no place is told.

use std::process::Output;

use serde_json::{Value, json};

use crate::kit::flow::{App, PASSWORD, count, create_user, submit_sign_in};
use crate::kit::imports::counted;
use crate::support::world::World;

const THEIR_PASSWORD: &str = "correct horse battery staple";
const SALT: &str = "MDEyMzQ1Njc4OWFiY2RlZg==";
/// The same password with the same salt, a thousand iterations, 64 bytes long as Keycloak makes them.
const HASHES: [(&str, &str); 3] = [
    (
        "pbkdf2-sha256",
        "yqSq2SygY1sB4EcH9f2FG0JTMES+wqLsOT5YmiRBplLYbawB4lwjdPCI3Ns1d3pRT9/+PGa1sFXN8qwjZx9S8g==",
    ),
    (
        "pbkdf2-sha512",
        "5bTW2oeyDJyGJPcmEr+mRDE11ghpozWrDGnSNhRXo2ZCu0KHRDiUMAVEGzLJC+oDhRoeIja9J1iLIv9ptDJMfQ==",
    ),
    (
        "pbkdf2",
        "wmIXv0mv7iouqkc9CKjRvCX21ppxie1kqc0WMgmDj0o+97VK8UW9s9Quxr8AjR3iqH5sGSrNnbDLUPu+/v6crg==",
    ),
];
const SECRET: &str = "dGhpcyBpcyBhIHNlY3JldCBvZiBhIHJl";

fn credential(algorithm: &str, value: &str) -> Value {
    let data =
        json!({ "hashIterations": 1000, "algorithm": algorithm, "additionalParameters": {} });
    let secret = json!({ "value": value, "salt": SALT, "additionalParameters": {} });
    json!({
        "id": "0b9e", "type": "password", "createdDate": 1_700_000_000_000_i64,
        "credentialData": data.to_string(), "secretData": secret.to_string(),
    })
}

/// Of somebody whose hash Doorward has made: as Keycloak would write it.
fn argon2(world: &World) -> Value {
    create_user(world, "model");
    let export = world.run(&["user", "export", "--with-password-hashes"]);
    let line: Value = serde_json::from_slice(&export.stdout).expect("one person");
    let phc = line["password_hash"].as_str().expect("a hash").to_owned();
    let parts: Vec<&str> = phc.split('$').collect();
    let cost = |name: &str| {
        let mut costs = parts[3].split(',').filter_map(|cost| cost.strip_prefix(name));
        costs.next().expect("a cost").to_owned()
    };
    let padded = |text: &str| format!("{text}{}", "=".repeat((4 - text.len() % 4) % 4));
    let data = json!({
        "hashIterations": cost("t=").parse::<u32>().expect("a number"), "algorithm": "argon2",
        "additionalParameters": {
            "hashLength": ["32"], "memory": [cost("m=")], "type": ["id"], "version": ["1.3"],
            "parallelism": [cost("p=")],
        },
    });
    let secret = json!({ "value": padded(parts[5]), "salt": padded(parts[4]) });
    world.cli(&["user", "delete", "model", "--yes"]);
    json!({
        "type": "password", "credentialData": data.to_string(), "secretData": secret.to_string(),
    })
}

fn user(name: &str, credentials: &[Value]) -> Value {
    json!({
        "id": format!("11111111-2222-3333-4444-{name}"), "username": name, "enabled": true,
        "email": format!("{name}@example.test"), "emailVerified": true, "firstName": "Anna",
        "lastName": name, "attributes": { "locale": ["de"], "badge": ["7"] }, "totp": false,
        "credentials": credentials, "requiredActions": [], "notBefore": 0,
        "realmRoles": ["default-roles-shop"], "groups": ["/staff", "/staff/night"],
    })
}

/// A name that no group can have.
fn long() -> String {
    "x".repeat(120)
}

fn roles() -> Value {
    json!({
        "realm": [
            { "name": "buyer", "composite": true,
              "composites": { "client": { "single": ["customer"] } } },
            { "name": "offline_access", "description": "${role_offline-access}" },
            { "name": "uma_authorization", "description": "${role_uma_authorization}" },
            { "name": "default-roles-shop", "composite": true,
              "composites": { "realm": ["offline_access", "uma_authorization"] } },
            { "name": "night-shift", "description": "Works at night.", "composite": false },
            { "name": long(), "composite": false },
        ],
        "client": {
            "wiki": [{ "name": "editor", "description": "Writes." }, { "name": "odd name" }],
            "single": [{ "name": "customer", "description": "${customer}" }],
            "pattern": [{ "name": "lost" }],
            "account": [{ "name": "view-profile" }],
        },
    })
}

fn realm(world: &World) -> Value {
    let mut users: Vec<Value> =
        HASHES.iter().map(|(kind, value)| user(kind, &[credential(kind, value)])).collect();
    users.push(user("argon2", &[argon2(world)]));
    users.push(user("none", &[]));
    let mut disabled = user("disabled", &[credential(HASHES[0].0, HASHES[0].1)]);
    disabled["enabled"] = json!(false);
    users.push(disabled);
    users.push(user("md5", &[credential("md5-crypt", "AAAA")]));
    users.push(user("b ad", &[]));
    users[0]["clientRoles"] =
        json!({ "wiki": ["editor", "odd name"], "account": ["view-profile"] });
    users[4]["realmRoles"] = json!(["default-roles-shop", "buyer"]);
    users.push(json!({
        "username": "service-account-robot", "serviceAccountClientId": "robot",
        "clientRoles": { "wiki": ["editor"] },
    }));
    let client = |id: &str, more: Value| {
        let mut client = json!({
            "clientId": id, "enabled": true, "protocol": "openid-connect", "publicClient": false,
            "clientAuthenticatorType": "client-secret", "secret": SECRET, "consentRequired": false,
            "standardFlowEnabled": true, "redirectUris": [format!("https://{id}.example.test/in")],
            "webOrigins": ["+"], "protocolMappers": [], "fullScopeAllowed": true,
        });
        client.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        client
    };
    json!({
        "id": "shop", "realm": "shop", "notBefore": 0, "sslRequired": "external",
        "roles": roles(),
        "groups": [{ "name": "staff", "path": "/staff", "clientRoles": { "wiki": ["editor"] },
                     "subGroups": [
            { "name": "night", "path": "/staff/night", "subGroups": [], "realmRoles": ["night-shift", long()] },
        ] }],
        "users": users,
        "clients": [
            client("account", json!({})),
            client("wiki", json!({ "name": "Wiki" })),
            client("single", json!({ "publicClient": true, "attributes": {
                "pkce.code.challenge.method": "S256", "post.logout.redirect.uris": "+" } })),
            client("robot", json!({ "standardFlowEnabled": false, "serviceAccountsEnabled": true,
                "redirectUris": [] })),
            client("pattern", json!({ "redirectUris": ["https://x.example.test/*"] })),
            client("masked", json!({ "secret": "**********" })),
            client("saml", json!({ "protocol": "saml" })),
        ],
    })
}

fn import(world: &World, arguments: &[&str]) -> Output {
    world.run(&[&["--format", "json", "import", "--from", "keycloak"], arguments].concat())
}

on_both_backends! {
    async fn people_apps_and_groups_of_a_realm_go_on_as_they_were(world: World) {
        let path = world.write("realm.json", &realm(&world).to_string());
        let rejects = world.path("rejects.ndjson").display().to_string();
        let before = count(&world, "select count(*) from audit_events").await;
        let wanted = json!({
            "realm": "shop",
            "created": 6, "updated": 0, "skipped": 0, "rejected": 2, "groups": 4, "clients": 3,
            "app_roles": 2, "app_roles_given": 4, "known": 0, "left_out": 7, "realm_roles": 3, "roles": 3,
        });
        assert_eq!(counted(&import(&world, &[&path, "--dry-run"]), 3), wanted);
        assert_eq!(count(&world, "select count(*) from audit_events").await, before);
        assert_eq!(counted(&import(&world, &[&path, "--rejects", &rejects]), 3), wanted);
        let told = std::fs::read_to_string(&rejects).unwrap();
        let lost = format!("group role:{}", long());
        for (entry, word) in [
            ("user 7", "md5-crypt"), ("user 8", "id: "), ("client pattern", "pattern"),
            ("client masked", "kc.sh"), ("client saml", "OpenID Connect"),
            ("role wiki:odd name", "letters"), ("roles of pattern", "left out"),
            ("roles that client robot has", "people and groups"), (lost.as_str(), "ordinary"),
        ] {
            let line = told.lines().find(|line| line.contains(&format!("\"{entry}\"")));
            assert!(line.is_some_and(|line| line.contains(word)), "{entry}: {told}");
        }
        for (name, _) in HASHES {
            submit_sign_in(&world.browser(), name, THEIR_PASSWORD).await.assert_status(303);
        }
        submit_sign_in(&world.browser(), "argon2", PASSWORD).await.assert_status(303);
        for (name, password) in [("argon2", THEIR_PASSWORD), ("disabled", THEIR_PASSWORD)] {
            let refused = submit_sign_in(&world.browser(), name, password).await;
            assert_eq!(refused.status.as_u16(), 401, "{name}");
        }
        let person = world.cli(&["user", "show", "argon2"]);
        assert_eq!(person["id"], "11111111-2222-3333-4444-argon2");
        assert_eq!(person["groups"], json!(["role:night-shift", "staff", "staff/night"]));
        let none = world.cli(&["user", "show", "none"]);
        assert_eq!(none["groups"], json!(["role:buyer", "role:night-shift", "staff", "staff/night"]));
        assert_eq!(person["name"], "Anna argon2");
        assert_eq!(person["profile"]["locale"], "de");
        assert_eq!(App::known(&world, "wiki", SECRET).introspect("x").await.status, 200);
        assert_eq!(world.cli(&["client", "show", "single"])["kind"], "spa");
        assert_eq!(App::known(&world, "robot", SECRET).client_credentials().await.status, 200);
        // Their roles are those of the apps: of a person, of groups, and by a composite one.
        let editor = world.cli(&["role", "show", "wiki", "editor"]);
        assert_eq!(editor["description"], "Writes.");
        let groups = json!(["staff", "staff/night"]);
        assert_eq!(editor["given_to"], json!({ "users": [HASHES[0].0], "groups": groups }));
        let customer = world.cli(&["role", "show", "single", "customer"]);
        assert_eq!(customer["given_to"], json!({ "users": ["none"], "groups": [] }));
        // The same again finds everything there.
        let again = counted(&import(&world, &[&path, "--duplicates", "skip"]), 3);
        assert_eq!([&again["created"], &again["skipped"], &again["known"]], [&json!(0), &json!(6), &json!(9)]);
        world.assert_log_is_clean(&[SECRET, THEIR_PASSWORD]);
    }

    async fn what_is_no_export_is_refused(world: World) {
        for text in ["", "[]", "{\"users\":7}", "{\"users\":[{}"] {
            let output = import(&world, &[&world.write("other.json", text)]);
            assert_eq!(output.status.code(), Some(1), "{text}");
        }
    }
}
