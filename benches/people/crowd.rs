//! People as other programs write them to a file.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

/// What their password was hashed with elsewhere. An import keeps each as it is, so it does not matter
/// that many have the same.
const HASHES: [&str; 3] = [
    "$2b$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
    "pbkdf2_sha256$1000$seasalt$3xmXbyk2QpiyNcnoBbzRPwEBsYPTbDlRdtmLyBvQltA=",
    "{SSHA}Y1EA+/lS35ZvplKpeip42wOJWyFzYWx0c2FsdHNhbHQ=",
];

/// Groups, of which everybody is in two.
const GROUPS: usize = 200;

/// A CSV file of people with an address, two names, two groups and a hash.
pub(crate) fn write_people(path: &Path, people: usize) {
    let mut text =
        String::from("username,email,email_verified,given_name,family_name,groups,password_hash\n");
    for number in 0..people {
        let (group, hash) = (number % GROUPS, HASHES[number % HASHES.len()]);
        let _ = writeln!(
            text,
            "person{number},person{number}@example.test,true,Given{number},Family{number},\
             everybody;team{group},{hash}"
        );
    }
    std::fs::write(path, text).expect("write the file");
}

/// What Keycloak writes of a realm with so many people, fifty apps and the same groups.
pub(crate) fn write_realm(path: &Path, people: usize) {
    let group = |number: usize| json!({ "name": format!("team{number}"), "path": format!("/team{number}") });
    let app = |number: usize| {
        json!({
            "clientId": format!("app{number}"), "name": format!("App {number}"), "enabled": true,
            "protocol": "openid-connect", "publicClient": true, "standardFlowEnabled": true,
            "redirectUris": [format!("https://app{number}.example.test/callback")],
        })
    };
    let realm = json!({
        "realm": "town", "enabled": true,
        "groups": (0..GROUPS).map(group).collect::<Vec<_>>(),
        "clients": (0..50).map(app).collect::<Vec<_>>(),
        "users": (0..people).map(realm_user).collect::<Vec<_>>(),
    });
    std::fs::write(path, realm.to_string()).expect("write the file");
}

fn realm_user(number: usize) -> Value {
    json!({
        "username": format!("person{number}"), "email": format!("person{number}@example.test"),
        "emailVerified": true, "enabled": true,
        "firstName": format!("Given{number}"), "lastName": format!("Family{number}"),
        "groups": [format!("/team{}", number % GROUPS)],
        "credentials": [{
            "type": "password",
            "secretData": json!({ "value": HASH_OF_KEYCLOAK, "salt": "c2VhcyBhbHQ=" }).to_string(),
            "credentialData":
                json!({ "hashIterations": 27_500, "algorithm": "pbkdf2-sha256" }).to_string(),
        }],
    })
}

/// 32 bytes: nobody signs in with them here.
const HASH_OF_KEYCLOAK: &str = "3xmXbyk2QpiyNcnoBbzRPwEBsYPTbDlRdtmLyBvQltA=";
