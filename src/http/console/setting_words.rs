//! What the console calls settings and the values that can be chosen for them: one table for people, beside the
//! names that stand in files.

/// What each setting is called, by its name.
const LABELS: [(&str, &str); 43] = [
    ("audit.retention_days", "Days that events are kept"),
    ("authorization.pushed_requests_per_minute", "Pushed requests in a minute"),
    ("branding.accent", "Colour of buttons and links"),
    ("branding.footer", "Line at the foot of every page"),
    ("branding.links", "Links at the foot of every page"),
    ("console.get_started", "First steps on the overview"),
    ("limits.address_free_failures", "Wrong passwords from one address before a wait"),
    ("limits.login_free_failures", "Wrong passwords for one account before a wait"),
    ("limits.login_hourly_failures", "Wrong passwords for one account in an hour"),
    ("password.min_length", "Shortest new password"),
    ("product_name", "Product name"),
    ("registration.changes_per_hour", "Changes that an app makes to itself in an hour"),
    ("registration.documents_per_minute", "Documents of unused apps read in a minute"),
    ("registration.fetch_logos", "Fetch the logos that apps name"),
    ("registration.open_per_hour", "Open registrations in an hour"),
    ("risk.burst_failures", "Wrong passwords that are a burst"),
    ("risk.failure_burst", "The right password after a burst of wrong ones"),
    ("risk.impossible_travel", "A sign-in from too far away"),
    ("risk.link_lifetime", "How long the link “this was not me” works"),
    ("risk.new_device", "A sign-in on a new device"),
    ("risk.new_network", "A sign-in from a new network"),
    ("risk.refresh_reuse", "A refresh token used twice"),
    ("risk.remember", "How long devices and networks stay known"),
    ("session.absolute", "Longest session"),
    ("session.admin_absolute", "Longest time in the console"),
    ("session.admin_idle", "Longest time in the console without use"),
    ("session.admin_step_up", "Time until secrets, keys and roles ask again"),
    ("session.idle", "Longest time without use"),
    ("session.remember", "Both for “keep me signed in”"),
    ("sign_up.email_domains", "Domains of e-mail addresses"),
    ("sign_up.groups", "Groups that newcomers join"),
    ("sign_up.mode", "Who may make an account"),
    ("sign_up.per_hour", "Accounts made in an hour from one address"),
    ("sign_up.reserved_usernames", "Usernames that nobody may choose"),
    ("tokens.access_token_lifetime", "Access token"),
    ("tokens.authorization_code_lifetime", "Authorization code"),
    ("tokens.device_code_lifetime", "Codes of a device that waits"),
    ("tokens.id_token_lifetime", "ID token"),
    ("tokens.offline_absolute", "All offline refresh tokens of a sign-in"),
    ("tokens.offline_idle", "Offline refresh token without use"),
    ("tokens.refresh_absolute", "All refresh tokens of a sign-in"),
    ("tokens.refresh_grace", "How long the refresh token before still answers"),
    ("tokens.refresh_idle", "Refresh token without use"),
];

/// What the values are called that can be chosen.
const CHOICES: [(&str, &str); 10] = [
    ("false", "No"),
    ("true", "Yes"),
    ("off", "Administrators"),
    ("open", "Anybody"),
    ("shown", "Shown"),
    ("hidden", "Hidden"),
    ("ignore", "Do nothing"),
    ("notify", "Tell the person"),
    ("step_up", "Ask for more proof"),
    ("refuse", "Let nobody in"),
];

/// What the setting of this name is called.
pub(super) fn label(key: &str) -> &str {
    found(&LABELS, key).unwrap_or(key)
}

/// A value that can be chosen, in words where there are some, and as files have it.
pub(super) fn choice(value: &str) -> String {
    found(&CHOICES, value).map_or_else(|| value.to_owned(), |words| format!("{words} ({value})"))
}

fn found(table: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    table.iter().find(|(known, _)| *known == name).map(|(_, words)| *words)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::config::runtime_settings;

    #[test]
    fn every_setting_has_a_label_of_its_own_and_every_label_a_setting() {
        let settings: BTreeSet<_> =
            runtime_settings().map(|setting| setting.key.as_str()).collect();
        let labelled: BTreeSet<_> = LABELS.iter().map(|(key, _)| *key).collect();
        assert_eq!(labelled, settings);
        let labels: BTreeSet<_> = LABELS.iter().map(|(_, label)| *label).collect();
        assert_eq!(labels.len(), LABELS.len());
    }

    #[test]
    fn every_value_that_can_be_chosen_has_words() {
        for value in runtime_settings().flat_map(|setting| &setting.choices) {
            assert!(found(&CHOICES, value).is_some(), "{value}");
        }
        assert_eq!(choice("step_up"), "Ask for more proof (step_up)");
        assert_eq!(choice("x"), "x");
    }
}
