//! What a webhook can subscribe to: the kinds of audit events, as `docs/audit.md` explains them.
//! `tests/architecture.rs` holds the list against that page.

/// Every kind of event, in order.
pub const KINDS: &[&str] = &[
    "access.ended",
    "access.refused",
    "anomaly.found",
    "api.refused",
    "api_key.created",
    "api_key.revoked",
    "assertion.accepted",
    "assertion.refused",
    "authorization.refused",
    "backup.made",
    "branding.logo_removed",
    "branding.logo_set",
    "client.authentication_failed",
    "client.created",
    "client.deleted",
    "client.disabled",
    "client.document_read",
    "client.enabled",
    "client.logo_removed",
    "client.logo_set",
    "client.previewed",
    "client.registered",
    "client.registration_revoked",
    "client.secret_added",
    "client.secret_retired",
    "client.secret_rotated",
    "client.updated",
    "code_replay",
    "connection.ended",
    "consent.denied",
    "consent.granted",
    "consent.withdrawn",
    "console.refused",
    "database.copied",
    "database.restored",
    "delivery.discarded",
    "delivery.given_up",
    "delivery.hurried",
    "device.allowed",
    "device.denied",
    "device_code_replay",
    "gateway.opened",
    "grant.created",
    "group.created",
    "group.deleted",
    "group.manager_added",
    "group.manager_removed",
    "group.member_added",
    "group.member_removed",
    "group.updated",
    "issuer.disabled",
    "issuer.distrusted",
    "issuer.enabled",
    "issuer.trusted",
    "issuer.updated",
    "key.created",
    "key.retired",
    "key.rotated",
    "key.set_aside",
    "limit.passed",
    "link.created",
    "mail.tested",
    "master_key.rotated",
    "organisation.chosen",
    "organisation.created",
    "organisation.deleted",
    "organisation.member_added",
    "organisation.member_removed",
    "organisation.updated",
    "people.exported",
    "refresh_reuse",
    "registration_token.created",
    "registration_token.revoked",
    "role.created",
    "role.deleted",
    "role.given",
    "role.taken",
    "role.updated",
    "session.created",
    "session.ended",
    "session.renewed",
    "sessions.ended",
    "setting.changed",
    "setup.completed",
    "sign_in.disowned",
    "sign_in.failed",
    "sign_in.refused",
    "sign_in.throttled",
    "sign_up.taken",
    "token.exchange_refused",
    "token.exchanged",
    "token.revoked",
    "upstream_provider.created",
    "upstream_provider.deleted",
    "upstream_provider.disabled",
    "upstream_provider.enabled",
    "upstream_provider.secret_replaced",
    "upstream_provider.tested",
    "upstream_provider.updated",
    "user.created",
    "user.deleted",
    "user.deletion_scheduled",
    "user.disabled",
    "user.enabled",
    "user.password_reset",
    "user.password_set",
    "user.signed_out_elsewhere",
    "user.signed_out_everywhere",
    "user.signed_up",
    "user.updated",
    "webhook.created",
    "webhook.deleted",
    "webhook.disabled",
    "webhook.enabled",
    "webhook.redelivered",
    "webhook.secret_rotated",
    "webhook.tested",
    "webhook.updated",
];

/// The areas that have several kinds: what stands before the dot.
pub fn areas() -> Vec<&'static str> {
    let mut areas: Vec<_> = KINDS.iter().filter_map(|kind| Some(kind.split_once('.')?.0)).collect();
    areas.dedup();
    areas
}

/// Whether an endpoint may subscribe to this: a kind, an area such as `user.*`, or `*` for everything.
///
/// # Errors
/// What is wrong with it, with the nearest kind there is.
pub fn check(pattern: &str) -> Result<(), String> {
    let known = match pattern.strip_suffix(".*") {
        Some(area) => areas().contains(&area),
        None => pattern == "*" || KINDS.contains(&pattern),
    };
    if known {
        return Ok(());
    }
    let shown: String = pattern.chars().take(40).collect();
    let nearest = KINDS
        .iter()
        .max_by(|one, other| strsim::jaro(one, &shown).total_cmp(&strsim::jaro(other, &shown)));
    Err(format!(
        "there is no event {shown:?}; did you mean {}? All events of an area are written like user.*, \
         and all there are as *",
        nearest.unwrap_or(&"*")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_areas_and_everything_can_be_subscribed_to_and_nothing_else() {
        for good in ["*", "user.*", "sign_in.*", "user.created", "code_replay"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in
            ["", "user", "user.", "user.*.*", "*.created", "user.creat*", "%", "code_replay.*"]
        {
            assert!(check(bad).is_err(), "{bad}");
        }
        assert!(check("user.create").unwrap_err().contains("did you mean user.created?"));
        assert!(check(&"x".repeat(100_000)).unwrap_err().len() < 300);
        assert!(KINDS.is_sorted());
    }
}
