//! Every form of the console is pressed by one of the walks: the table of its addresses is read, and each
//! walk that presses a form is named here with words that it waits for or counts afterwards.

use std::collections::BTreeSet;
use std::path::Path;

/// Which walk presses what: its file, and each address with words of that file.
const PRESSED: &[(&str, &[(&str, &str)])] = &[
    (
        "console_walk.rs",
        &[
            ("/admin/keys/retire", "The key is retired"),
            ("/admin/keys/rotate", "From now on a new key signs with ES256"),
            ("/admin/sessions/{id}/end", "is signed out there"),
        ],
    ),
    (
        "console_walk/api_keys.rs",
        &[
            ("/admin/api-keys", "Nightly report is made"),
            ("/admin/api-keys/{id}/revoke", "Nightly report is revoked"),
        ],
    ),
    (
        "console_walk/apps.rs",
        &[
            ("/admin/clients", "Harvest planner is added"),
            ("/admin/clients/{id}/delete", "app-delete"),
            ("/admin/clients/{id}/disable", "is disabled and its tokens work no more"),
            ("/admin/clients/{id}/edit", "Harvest planner 2 is saved"),
            ("/admin/clients/{id}/enable", "People can sign in to Harvest planner 2 again"),
            ("/admin/clients/{id}/rotate-secret", "The old one has stopped working"),
        ],
    ),
    ("console_walk/connections.rs", &[("/admin/users/{id}/end-connection", "It has ended")]),
    (
        "console_walk/documents.rs",
        &[("/admin/clients/{id}/refresh", "is now what its document says")],
    ),
    ("console_walk/downloads.rs", &[("/admin/backup", "backup.made")]),
    (
        "console_walk/groups.rs",
        &[
            ("/admin/groups", "team/wiki is there"),
            ("/admin/groups/{id}/add-manager", "looks after team/wiki now"),
            ("/admin/groups/{id}/add-member", "is in team/wiki now"),
            ("/admin/groups/{id}/delete", "editors is deleted"),
            ("/admin/groups/{id}/edit", "editors is saved"),
        ],
    ),
    (
        "console_walk/imports.rs",
        &[("/admin/users/import/start", "Nothing was kept: this was a dry run.")],
    ),
    (
        "console_walk/issuers.rs",
        &[
            ("/admin/issuers", "cluster is trusted from now on"),
            ("/admin/issuers/{id}/delete", "cluster is trusted no more"),
            ("/admin/issuers/{id}/disable", "cluster is disabled"),
            ("/admin/issuers/{id}/edit", "cluster is saved"),
            ("/admin/issuers/{id}/enable", "The word of cluster counts again"),
        ],
    ),
    (
        "console_walk/jobs.rs",
        &[
            ("/admin/get-started/dismiss", "The first steps are hidden"),
            ("/admin/jobs/{id}/discard", "The message is discarded"),
            ("/admin/jobs/{id}/retry", "It is sent now"),
        ],
    ),
    (
        "console_walk/letters.rs",
        &[("/admin/settings/mail/test", "The mail server has taken a letter to")],
    ),
    (
        "console_walk/memberships.rs",
        &[
            ("/admin/clients/{id}/roles/edit", "reader is saved"),
            ("/admin/clients/{id}/roles/take", "Nobody is reader by crew any more"),
            ("/admin/groups/{id}/remove-manager", "mia looks after crew no more"),
            ("/admin/groups/{id}/remove-member", "mia is in crew no more"),
        ],
    ),
    (
        "console_walk/organisations.rs",
        &[
            ("/admin/organisations", "Acme Holding is there"),
            ("/admin/organisations/{id}/add-member", "olga is in Acme Holding now"),
            ("/admin/organisations/{id}/delete", "Birch and Sons is deleted"),
            ("/admin/organisations/{id}/edit", "Birch and Sons is saved"),
            ("/admin/organisations/{id}/remove-member", "olga is in Acme Holding no more"),
        ],
    ),
    (
        "console_walk/people.rs",
        &[
            ("/admin/users", "A link for dora"),
            ("/admin/users/{id}/delete", "is deleted in 7 days"),
            ("/admin/users/{id}/disable", "is disabled and signed out everywhere"),
            ("/admin/users/{id}/edit", "Dora D. Doorman is saved"),
            ("/admin/users/{id}/enable", "can sign in again"),
            ("/admin/users/{id}/reset-link", "Make a password link"),
        ],
    ),
    (
        "console_walk/registration_tokens.rs",
        &[
            ("/admin/clients/{id}/revoke-registration", "Self-made can change itself no more"),
            ("/admin/registration-tokens", "The token is made"),
            ("/admin/registration-tokens/{id}/revoke", "Partners is revoked"),
        ],
    ),
    (
        "console_walk/roles.rs",
        &[
            ("/admin/clients/{id}/roles", "gardener is there"),
            ("/admin/clients/{id}/roles/delete", "gardener is deleted"),
            ("/admin/clients/{id}/roles/give", "is gardener in Harvest planner 2 now"),
        ],
    ),
    (
        "console_walk/secrets.rs",
        &[
            ("/admin/clients/{id}/add-secret", "The old one works beside it"),
            ("/admin/clients/{id}/credentials/edit", "The credentials of Ledger are saved"),
            ("/admin/clients/{id}/retire-secret", "The secret is retired"),
        ],
    ),
    ("console_walk/selected.rs", &[("/admin/users/selected", "2 people are in choir now")]),
    (
        "console_walk/settings.rs",
        &[
            ("/admin/settings/logo/{id}", "The logo for light pages is saved"),
            ("/admin/settings/logo/{id}/remove", "The logo for light pages is removed"),
            ("/admin/settings/{id}", "Name and look: saved"),
        ],
    ),
    (
        "console_walk/sign_outs.rs",
        &[
            ("/admin/sessions/sign-out", "2 sessions are signed out"),
            ("/admin/users/{id}/remove-app", "is removed from their apps"),
            ("/admin/users/{id}/sign-out", "sid is signed out everywhere"),
        ],
    ),
    (
        "console_walk/temporary_password.rs",
        &[("/admin/users/{id}/temporary-password", "A temporary password for tess")],
    ),
    (
        "console_walk/terms.rs",
        &[
            ("/admin/clients/{id}/add-redirect-uri", "The address is registered"),
            ("/admin/clients/{id}/logo", "The logo of Wiki is saved"),
            ("/admin/clients/{id}/logo/remove", "The logo of Wiki is removed"),
            ("/admin/clients/{id}/preview", "client.previewed"),
            ("/admin/clients/{id}/require-pkce", "must send PKCE from now on"),
            ("/admin/clients/{id}/tokens/edit", "The tokens of Wiki are saved"),
        ],
    ),
    (
        "console_walk/trial.rs",
        &[
            ("/admin/try/app", "The app is there"),
            ("/admin/try/refresh", "The refresh token was used and replaced by another one"),
            ("/admin/try/sign-out", "try-sign-out"),
            ("/admin/try/start", "Somebody said no"),
        ],
    ),
    (
        "console_walk/upstream.rs",
        &[
            ("/admin/upstream", "Our school is added"),
            ("/admin/upstream/{id}/delete", "The school is deleted"),
            ("/admin/upstream/{id}/disable", "The school is disabled"),
            ("/admin/upstream/{id}/edit", "The school is saved"),
            ("/admin/upstream/{id}/enable", "The school is enabled"),
            ("/admin/upstream/{id}/preview", "What would be known of somebody with these claims"),
            ("/admin/upstream/{id}/set-secret", "The secret for The school is kept"),
            ("/admin/upstream/{id}/test", "What the test found"),
        ],
    ),
    (
        "console_walk/webhooks.rs",
        &[
            ("/admin/webhooks", "Staff chat is added"),
            ("/admin/webhooks/{id}/delete", "Staff chat is deleted"),
            ("/admin/webhooks/{id}/disable", "Staff chat is disabled"),
            ("/admin/webhooks/{id}/edit", "Staff chat is saved"),
            ("/admin/webhooks/{id}/enable", "hears of what happens from now on"),
            ("/admin/webhooks/{id}/redeliver", "The message is on its way again"),
            ("/admin/webhooks/{id}/rotate-secret", "A new secret for Staff chat"),
            ("/admin/webhooks/{id}/test", "The test did not arrive"),
        ],
    ),
];

/// What no walk presses, each with the reason.
const NOT_PRESSED: &[(&str, &str)] = &[];

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The addresses that forms of the console are sent to, as its table has them.
fn forms(table: &str) -> BTreeSet<&str> {
    let paths = table.split("post(").skip(1).filter_map(|entry| {
        let path = entry.trim_start().strip_prefix('"')?;
        path.split('"').next()
    });
    paths.filter(|path| path.starts_with("/admin/")).collect()
}

#[test]
fn every_form_of_the_console_is_pressed_by_a_walk() {
    let table = read("src/http/console/table.rs");
    let forms = forms(&table);
    assert!(forms.len() > 80, "{forms:?}");
    let mut named = BTreeSet::new();
    for (file, presses) in PRESSED {
        let walk = read(&format!("tests/browser/{file}"));
        for (path, words) in *presses {
            assert!(walk.contains(words), "{file} says nothing of `{words}` any more: {path}");
            assert!(named.insert(*path), "{path} stands here twice");
        }
    }
    for (path, reason) in NOT_PRESSED {
        assert!(!reason.is_empty(), "{path} is not pressed for no reason");
        assert!(named.insert(*path), "{path} is pressed and not pressed");
    }
    let forgotten: Vec<_> = forms.difference(&named).collect();
    assert!(forgotten.is_empty(), "no walk presses these forms: {forgotten:?}");
    let gone: Vec<_> = named.difference(&forms).collect();
    assert!(gone.is_empty(), "these are forms no more: {gone:?}");
}
