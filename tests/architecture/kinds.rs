//! `docs/audit.md` names every kind of audit event, and no other.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Where an event's kind is not written beside `Event::success(` or `Event::failure(`: the file, and
/// the kinds it writes.
const ELSEWHERE: [(&str, &[&str]); 17] = [
    ("src/service/clients/mod.rs", &["client.enabled", "client.disabled"]),
    (
        "src/service/clients/roles.rs",
        &["role.created", "role.updated", "role.deleted", "role.given", "role.taken"],
    ),
    ("src/service/authorize/consent.rs", &["consent.granted", "consent.denied"]),
    ("src/service/keys/encryption.rs", &["key.created", "key.rotated"]),
    (
        "src/service/pictures.rs",
        &["branding.logo_set", "branding.logo_removed", "client.logo_set", "client.logo_removed"],
    ),
    ("src/service/sign_in/mod.rs", &["sign_in.failed", "sign_in.throttled"]),
    ("src/service/token/authorization_code.rs", &["code_replay"]),
    ("src/service/trusted_issuers.rs", &["issuer.enabled", "issuer.disabled"]),
    ("src/service/token/device_code.rs", &["device_code_replay"]),
    ("src/service/token/jwt_bearer.rs", &["assertion.accepted"]),
    ("src/service/token/token_exchange.rs", &["token.exchanged"]),
    ("src/service/token/witness.rs", &["token.exchange_refused", "assertion.refused"]),
    (
        "src/service/webhooks/mod.rs",
        &[
            "webhook.created",
            "webhook.updated",
            "webhook.enabled",
            "webhook.disabled",
            "webhook.secret_rotated",
            "webhook.deleted",
        ],
    ),
    (
        "src/service/upstream/mod.rs",
        &[
            "upstream_provider.created",
            "upstream_provider.updated",
            "upstream_provider.secret_replaced",
            "upstream_provider.enabled",
            "upstream_provider.disabled",
            "upstream_provider.deleted",
        ],
    ),
    ("src/service/upstream/trial.rs", &["upstream_provider.tested"]),
    ("src/service/webhooks/posting.rs", &["webhook.disabled"]),
    ("src/service/webhooks/trial.rs", &["webhook.tested", "webhook.redelivered"]),
];

/// Files that pass on a kind they are given.
const GIVEN: [&str; 1] = ["src/service/token/lineage.rs"];

/// Everything that does not fit, one line each. `sources` is every file below `src` with its text.
pub fn undocumented(root: &Path, sources: &BTreeMap<String, String>) -> Vec<String> {
    let document = std::fs::read_to_string(root.join("docs/audit.md")).unwrap_or_default();
    let documented = kinds_of_document(&document);
    let mut found = Vec::new();
    let mut written = BTreeSet::new();
    for (path, text) in sources {
        for start in ["Event::success(", "Event::failure("] {
            for (place, _) in text.match_indices(start) {
                let line = text[..place].lines().count();
                match literal(&text[place + start.len()..]) {
                    Some(kind) => {
                        written.insert(kind.to_owned());
                    }
                    None if GIVEN.contains(&path.as_str()) || is_elsewhere(path) => {}
                    None => found.push(format!(
                        "{path}:{line}: write the kind of the event here, or name the file and its \
                         kinds in tests/architecture/kinds.rs"
                    )),
                }
            }
        }
    }
    for (path, kinds) in ELSEWHERE {
        for kind in kinds {
            let text = sources.get(path).map(String::as_str).unwrap_or_default();
            if text.contains(&format!("\"{kind}\"")) {
                written.insert((*kind).to_owned());
            } else {
                found.push(format!("{path} does not write `{kind}` any more"));
            }
        }
    }
    for kind in written.difference(&documented) {
        found.push(format!("the audit event `{kind}` is missing in the table of docs/audit.md"));
    }
    // What webhooks can subscribe to.
    let list = sources.get("src/service/webhooks/kinds.rs").map(String::as_str).unwrap_or_default();
    let list = list.split("KINDS: &[&str] = &[").nth(1).and_then(|rest| rest.split("];").next());
    let offered: BTreeSet<_> = list.unwrap_or_default().lines().filter_map(literal).collect();
    let known: BTreeSet<_> = documented.iter().map(String::as_str).collect();
    for kind in offered.symmetric_difference(&known) {
        found.push(format!(
            "`{kind}` is in one of docs/audit.md and src/service/webhooks/kinds.rs only"
        ));
    }
    for kind in documented.difference(&written) {
        found.push(format!("docs/audit.md has `{kind}`, which nothing writes"));
    }
    found
}

fn is_elsewhere(path: &str) -> bool {
    ELSEWHERE.iter().any(|(known, _)| *known == path)
}

/// The text literal at the beginning, if there is one.
fn literal(text: &str) -> Option<&str> {
    text.trim_start().strip_prefix('"')?.split('"').next()
}

/// The first cells of the table under "Events".
fn kinds_of_document(document: &str) -> BTreeSet<String> {
    let events = document.split("## Events").nth(1).unwrap_or_default();
    let table = events.split("\n## ").next().unwrap_or_default();
    let cells = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    cells.map(ToOwned::to_owned).collect()
}

#[test]
fn a_kind_is_found_on_the_same_line_and_on_the_next() {
    assert_eq!(literal("\"a.b\", &actor"), Some("a.b"));
    assert_eq!(literal("\n        \"a.b\","), Some("a.b"));
    assert_eq!(literal("kind, &actor"), None);
}
