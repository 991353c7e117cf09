use super::*;
use crate::protocol::rights::{Reach, Role};

fn is_closed_to(entry: &Entry, role: Role) -> bool {
    entry.right.reach(role) == Reach::Nothing
}

fn name(entry: &Entry) -> String {
    format!("{} {}", entry.method.as_str(), entry.path)
}

#[test]
fn an_owner_may_do_everything() {
    assert!(TABLE.iter().all(|entry| entry.right.reach(Role::Owner) == Reach::All));
}

#[test]
fn an_operator_may_do_everything_but_what_gives_power_or_secrets_away() {
    let closed: Vec<_> =
        TABLE.iter().filter(|entry| is_closed_to(entry, Role::Operator)).map(name).collect();
    assert_eq!(
        closed,
        [
            "POST /admin/get-started/dismiss",
            "POST /admin/groups/{id}/add-manager",
            "POST /admin/groups/{id}/remove-manager",
            "POST /admin/clients/{id}/add-secret",
            "GET /admin/clients/{id}/retire-secret",
            "POST /admin/clients/{id}/retire-secret",
            "POST /admin/clients/{id}/credentials/edit",
            "GET /admin/clients/{id}/rotate-secret",
            "POST /admin/clients/{id}/rotate-secret",
            "POST /admin/issuers",
            "GET /admin/issuers/new",
            "POST /admin/issuers/{id}/edit",
            "POST /admin/issuers/{id}/enable",
            "GET /admin/issuers/{id}/disable",
            "POST /admin/issuers/{id}/disable",
            "GET /admin/issuers/{id}/delete",
            "POST /admin/issuers/{id}/delete",
            "POST /admin/keys/rotate",
            "GET /admin/keys/retire",
            "POST /admin/keys/retire",
            "POST /admin/api-keys",
            "GET /admin/api-keys/new",
            "GET /admin/api-keys/{id}/revoke",
            "POST /admin/api-keys/{id}/revoke",
            "POST /admin/webhooks",
            "GET /admin/webhooks/new",
            "POST /admin/webhooks/{id}/edit",
            "POST /admin/webhooks/{id}/test",
            "POST /admin/webhooks/{id}/redeliver",
            "POST /admin/webhooks/{id}/enable",
            "GET /admin/webhooks/{id}/disable",
            "POST /admin/webhooks/{id}/disable",
            "GET /admin/webhooks/{id}/rotate-secret",
            "POST /admin/webhooks/{id}/rotate-secret",
            "GET /admin/webhooks/{id}/delete",
            "POST /admin/webhooks/{id}/delete",
            "POST /admin/settings/mail/test",
            "POST /admin/settings/{id}",
            "POST /admin/settings/logo/{id}",
            "POST /admin/settings/logo/{id}/remove",
            "POST /admin/backup",
        ]
    );
}

#[test]
fn an_auditor_may_look_at_every_list_and_detail_and_at_nothing_else() {
    for entry in TABLE {
        let asks = [
            "/new",
            "/disable",
            "/delete",
            "/sign-out",
            "/rotate-secret",
            "/set-secret",
            "/retire",
            "/retire-secret",
            "/revoke",
            "/revoke-registration",
            "/add-redirect-uri",
            "/discard",
            "/preview",
            "/remove-member",
            "/remove-app",
            "/temporary-password",
            "/try/result",
            "/selected",
            "/import",
            "/import/newest",
            "/import/rejects",
        ];
        let shows =
            entry.method == Method::Get && !asks.iter().any(|step| entry.path.ends_with(step));
        assert_eq!(!is_closed_to(entry, Role::Auditor), shows, "{}", name(entry));
    }
}

#[test]
fn a_group_manager_gets_to_people_groups_and_sessions_of_theirs_alone() {
    let open: Vec<_> =
        TABLE.iter().filter(|entry| !is_closed_to(entry, Role::GroupManager)).collect();
    for entry in &open {
        let reach = entry.right.reach(Role::GroupManager);
        assert!(reach == Reach::Own || entry.path == "/admin", "{}", name(entry));
    }
    let open: Vec<_> = open.into_iter().map(name).collect();
    assert_eq!(
        open,
        [
            "GET /admin",
            "GET /admin/users",
            "POST /admin/users",
            "GET /admin/users/new",
            "GET /admin/users/selected",
            "POST /admin/users/selected",
            "GET /admin/users/{id}",
            "POST /admin/users/{id}/edit",
            "POST /admin/users/{id}/enable",
            "GET /admin/users/{id}/disable",
            "POST /admin/users/{id}/disable",
            "POST /admin/users/{id}/reset-link",
            "GET /admin/users/{id}/temporary-password",
            "POST /admin/users/{id}/temporary-password",
            "GET /admin/users/{id}/sign-out",
            "POST /admin/users/{id}/sign-out",
            "GET /admin/users/{id}/remove-app",
            "POST /admin/users/{id}/remove-app",
            "POST /admin/users/{id}/end-connection",
            "GET /admin/groups",
            "GET /admin/groups/{id}",
            "POST /admin/groups/{id}/add-member",
            "POST /admin/groups/{id}/remove-member",
            "POST /admin/sessions/{id}/end",
        ]
    );
}

#[test]
fn what_gives_secrets_keys_or_power_away_asks_for_a_fresh_sign_in() {
    let ends = [
        "-secret",
        "/keys/rotate",
        "/keys/retire",
        "/add-manager",
        "/export",
        "/reset-link",
        "/temporary-password",
        "/import",
        "/import/start",
    ];
    // What is made there speaks for itself or for others: an app and a webhook with their secret, an API
    // key, somebody whose tokens count. With a registration token strangers bring in apps.
    let made = [
        "/admin/api-keys",
        "/admin/clients",
        "/admin/issuers",
        "/admin/registration-tokens",
        "/admin/upstream",
        "/admin/webhooks",
    ];
    for entry in TABLE {
        let is_made = made.iter().any(|list| match entry.method {
            Method::Get => entry.path.strip_prefix(list) == Some("/new"),
            Method::Post => entry.path == *list,
        });
        let wanted = ends.iter().any(|end| entry.path.ends_with(end))
            || is_made
            || (entry.method, entry.path) == (Method::Post, "/admin/backup")
            || entry.path == "/admin/issuers/{id}/enable"
            || entry.path.contains("/credentials");
        assert_eq!(entry.is_guarded, wanted, "{}", name(entry));
    }
}

#[test]
fn every_change_needs_more_than_the_right_to_read() {
    for entry in TABLE.iter().filter(|entry| entry.method == Method::Post) {
        assert!(!entry.right.as_str().contains(".read"), "{}", entry.path);
        assert!(is_closed_to(entry, Role::Auditor), "{}", entry.path);
    }
}

#[test]
fn everything_about_one_person_session_or_group_looks_at_which() {
    for entry in TABLE {
        let about = match entry.path {
            path if path.starts_with("/admin/users/{id}") => About::Person,
            path if path.starts_with("/admin/sessions/{id}") => About::Session,
            path if path.starts_with("/admin/groups/{id}") => About::Group,
            _ => About::Nobody,
        };
        assert_eq!(entry.about, about, "{}", entry.path);
    }
}

#[test]
fn no_address_and_no_action_is_there_twice() {
    for (n, entry) in TABLE.iter().enumerate() {
        for other in TABLE.iter().skip(n + 1) {
            assert_ne!((entry.method, entry.path), (other.method, other.path));
            assert_ne!(entry.action, other.action);
        }
    }
}
