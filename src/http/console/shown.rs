//! What a form of the console shows of something that can be changed, one line for each field. By them
//! [`super::seen`] tells whether somebody else has changed it, and what is stored now.

use crate::http::pages::admin::client_forms::ClientForm;
use crate::http::pages::admin::client_parts::{
    AlgField, AlgsForm, LinksForm, LogoutForm, SignInForm,
};
use crate::http::pages::admin::client_terms::{CredentialsForm, TokensForm};
use crate::http::pages::admin::groups::GroupForm;
use crate::http::pages::admin::issuers::IssuerForm;
use crate::http::pages::admin::organisations::OrganisationForm;
use crate::http::pages::admin::profile_form::PHONE_VERIFIED;
use crate::http::pages::admin::roles::RoleForm;
use crate::http::pages::admin::upstream::UpstreamForm;
use crate::http::pages::admin::user_forms::UserForm;
use crate::http::pages::admin::webhooks::WebhookForm;

/// One field of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// The `name` of the field; where several make one answer, of the one that an error is shown at.
    pub field: &'static str,
    /// What the page calls it.
    pub label: &'static str,
    /// Its value, the same however a browser ends lines.
    pub value: String,
}

/// A form for something that is there already.
pub(super) trait Shown {
    /// Every field that can be changed.
    fn lines(&self) -> Vec<Line>;
}

fn line(field: &'static str, label: &'static str, value: &str) -> Line {
    let lines = value.lines().map(str::trim).filter(|line| !line.is_empty());
    Line { field, label, value: lines.collect::<Vec<_>>().join("\n") }
}

fn tick(field: &'static str, label: &'static str, is_on: bool) -> Line {
    line(field, label, if is_on { "on" } else { "off" })
}

/// Words whose order means nothing.
fn words<'a>(
    field: &'static str,
    label: &'static str,
    words: impl Iterator<Item = &'a str>,
) -> Line {
    let mut words: Vec<_> = words.map(str::trim).filter(|word| !word.is_empty()).collect();
    words.sort_unstable();
    words.dedup();
    line(field, label, &words.join("\n"))
}

impl Shown for UserForm {
    fn lines(&self) -> Vec<Line> {
        // The username never changes, and what becomes of new groups is asked and not stored.
        let Self { username: _, new_groups: _, name, email, email_verified, groups, role, profile } =
            self;
        let mut lines = vec![
            line("name", "Name", name),
            line("email", "E-mail address", email),
            tick("email_verified", "The e-mail address is theirs", *email_verified),
            words("groups", "Groups", groups.lines()),
            line("role", "Right to use this console", if role == "none" { "" } else { role }),
        ];
        let texts = profile.fields.iter();
        lines.extend(texts.map(|field| line(field.name(), field.text.label, &field.value)));
        let is_theirs = profile.phone_number_verified;
        lines.push(tick(PHONE_VERIFIED, "The phone number is theirs", is_theirs));
        lines
    }
}

impl Shown for GroupForm {
    fn lines(&self) -> Vec<Line> {
        let Self { name, description } = self;
        vec![line("name", "Name", name), line("description", "What it is for", description)]
    }
}

impl Shown for OrganisationForm {
    fn lines(&self) -> Vec<Line> {
        let Self { name, display_name } = self;
        vec![line("name", "Name", name), line("display_name", "What it is called", display_name)]
    }
}

impl Shown for RoleForm {
    fn lines(&self) -> Vec<Line> {
        // The name never changes.
        let Self { name: _, description } = self;
        vec![line("description", "What it allows", description)]
    }
}

impl Shown for UpstreamForm {
    fn lines(&self) -> Vec<Line> {
        // Slug and issuer never change.
        let Self { slug: _, issuer: _, display_name, client_id, auth_method, scope, .. } = self;
        let Self { username_claim, name_claim, email_claim, groups_claim, trusts_email, .. } = self;
        vec![
            line("display_name", "Name", display_name),
            line("client_id", "Client id", client_id),
            line("auth_method", "How the secret is sent", auth_method),
            words("scope", "Scopes", scope.split_whitespace()),
            line("username_claim", "Claim for the username", username_claim),
            line("name_claim", "Claim for the name", name_claim),
            line("email_claim", "Claim for the e-mail address", email_claim),
            line("groups_claim", "Claim for groups", groups_claim),
            tick("trusts_email", "Trust the e-mail addresses it has verified", *trusts_email),
        ]
    }
}

impl Shown for WebhookForm {
    fn lines(&self) -> Vec<Line> {
        let Self { name, url, events } = self;
        vec![
            line("name", "Name", name),
            line("url", "Address", url),
            words("events", "Events", events.split([' ', ',', '\r', '\n', '\t'])),
        ]
    }
}

impl Shown for IssuerForm {
    fn lines(&self) -> Vec<Line> {
        // The name never changes.
        let Self {
            name: _,
            issuer,
            jwks_uri,
            jwks,
            audience,
            scope,
            max_lifetime,
            allow_reuse,
            rules,
        } = self;
        vec![
            line("issuer", "Issuer", issuer),
            line("jwks_uri", "Where it publishes its keys", jwks_uri),
            line("jwks", "Its keys", jwks),
            line("rules", "Rules", rules),
            line("audience", "Further audiences", audience),
            words("scope", "Scopes", scope.split_whitespace()),
            line("max_lifetime", "Longest lifetime in seconds", max_lifetime),
            tick("allow_reuse", "The same token may be used again", *allow_reuse),
        ]
    }
}

impl Shown for CredentialsForm {
    fn lines(&self) -> Vec<Line> {
        let Self { auth_method, signing_alg, jwks_uri, jwks, tls_name, tls_value } = self;
        vec![
            line("auth_method", "How it proves itself", auth_method),
            line("signing_alg", "How assertions are signed", signing_alg),
            line("jwks_uri", "Address of its keys", jwks_uri),
            line("jwks", "Its keys", jwks),
            line("tls_value", "Its certificate", &format!("{tls_name}\n{tls_value}")),
        ]
    }
}

impl Shown for TokensForm {
    fn lines(&self) -> Vec<Line> {
        let Self { security_profile, access_token_lifetime, default_max_age, .. } = self;
        let Self { grant_types, audience, subject_type, sector_identifier_uri, .. } = self;
        let Self { dpop_bound_access_tokens, tls_client_certificate_bound_access_tokens, .. } =
            self;
        let Self { require_pushed_authorization_requests, require_signed_request_object, .. } =
            self;
        let (dpop, certificate) =
            (*dpop_bound_access_tokens, *tls_client_certificate_bound_access_tokens);
        let (pushed, signed) =
            (*require_pushed_authorization_requests, *require_signed_request_object);
        let Self { sign_in, algs, .. } = self;
        let mut lines = vec![
            line("security_profile", "Security profile", security_profile),
            words("grant_types", "Ways to get tokens", grant_types.iter().map(String::as_str)),
            line("access_token_lifetime", "Lifetime of access tokens", access_token_lifetime),
            line("audience", "What access tokens may be for", audience),
            tick("dpop_bound_access_tokens", "Bound to a DPoP key", dpop),
            tick(
                "tls_client_certificate_bound_access_tokens",
                "Bound to a certificate",
                certificate,
            ),
            line("subject_type", "The name by which it knows people", subject_type),
            line("sector_identifier_uri", "Addresses that share one name", sector_identifier_uri),
            line("default_max_age", "When the password is asked for again", default_max_age),
            tick("require_pushed_authorization_requests", "Pushed requests", pushed),
            tick("require_signed_request_object", "Signed requests", signed),
        ];
        lines.extend(sign_in.lines());
        lines.extend(algs.lines());
        lines
    }
}

impl Shown for SignInForm {
    fn lines(&self) -> Vec<Line> {
        let Self { default_acr_values, require_auth_time, authorization_details_types } = self;
        vec![
            line("default_acr_values", "How sure a sign-in has to be", default_acr_values),
            tick("require_auth_time", "When people signed in", *require_auth_time),
            line(
                "authorization_details_types",
                "Details that it may ask for",
                authorization_details_types,
            ),
        ]
    }
}

impl Shown for AlgsForm {
    fn lines(&self) -> Vec<Line> {
        let choice = |field: AlgField| line(field.name, field.label, self.chosen(field.name));
        let mut lines: Vec<_> = Self::FIELDS.into_iter().map(choice).collect();
        lines.push(line("request_uris", "Where its requests may be", &self.request_uris));
        lines
    }
}

impl Shown for LinksForm {
    fn lines(&self) -> Vec<Line> {
        let Self { policy_uri, tos_uri, contacts } = self;
        vec![
            line("policy_uri", "Privacy policy", policy_uri),
            line("tos_uri", "Terms of service", tos_uri),
            line("contacts", "Who answers for it", contacts),
        ]
    }
}

impl Shown for LogoutForm {
    fn lines(&self) -> Vec<Line> {
        let Self {
            post_logout_redirect_uris, backchannel_logout_uri, frontchannel_logout_uri, ..
        } = self;
        let Self { backchannel_logout_session_required: back, .. } = self;
        let Self { frontchannel_logout_session_required: front, .. } = self;
        vec![
            line(
                "post_logout_redirect_uris",
                "Where to go after signing out",
                post_logout_redirect_uris,
            ),
            line("backchannel_logout_uri", "Where it hears of sign-outs", backchannel_logout_uri),
            tick("backchannel_logout_session_required", "It needs to hear which session", *back),
            line(
                "frontchannel_logout_uri",
                "Page that signs people out of it",
                frontchannel_logout_uri,
            ),
            tick("frontchannel_logout_session_required", "The page needs the session", *front),
        ]
    }
}

impl Shown for ClientForm {
    fn lines(&self) -> Vec<Line> {
        // The kind never changes.
        let Self { kind: _, name, client_uri, redirect_uris, scope, .. } = self;
        let Self { initiate_login_uri, links, logout, .. } = self;
        let Self { allowed_origins, protected_resources, claim_mappings, .. } = self;
        let Self { access, allowed_groups, revocation, access_token_alg, id_token_alg, .. } = self;
        let Self { skip_consent, require_pkce, claims_in_id_token, .. } = self;
        let allowed: &str = if access == "groups" { allowed_groups } else { "everyone" };
        let mut lines = vec![
            line("name", "Name", name),
            line("client_uri", "Address of the app", client_uri),
            line("initiate_login_uri", "Where it begins a sign-in", initiate_login_uri),
            line("redirect_uris", "Redirect URIs", redirect_uris),
            line("allowed_groups", "Who may use it", allowed),
            words("scope", "What it may ask for", scope.split_whitespace()),
            tick("skip_consent", "Do not ask people for consent", *skip_consent),
            tick("require_pkce", "Require PKCE", *require_pkce),
            tick(
                "claims_in_id_token",
                "Put the person’s details in the ID token too",
                *claims_in_id_token,
            ),
            line("claim_mappings", "Claims of its own", claim_mappings),
            line("allowed_origins", "Browser origins", allowed_origins),
            line("protected_resources", "Protected resources", protected_resources),
            line("revocation", "Access tokens that have ended", revocation),
            line("access_token_alg", "Access tokens are signed with", access_token_alg),
            line("id_token_alg", "ID tokens are signed with", id_token_alg),
        ];
        lines.extend(logout.lines());
        lines.extend(links.lines());
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_makes_of_a_form_is_no_change() {
        let stored = WebhookForm {
            name: "Chat".into(),
            url: "https://a.test/".into(),
            events: "a\nb".into(),
        };
        let sent =
            WebhookForm { name: " Chat".into(), events: "b\r\n\r\na\r\n".into(), ..stored.clone() };
        assert_eq!(stored.lines(), sent.lines());
        let other = WebhookForm { events: "a".into(), ..stored.clone() };
        assert_ne!(stored.lines(), other.lines());
    }

    #[test]
    fn an_app_for_everyone_is_another_one_than_an_app_for_groups() {
        let open = ClientForm { access: "everyone".into(), ..ClientForm::default() };
        let shut = ClientForm {
            access: "groups".into(),
            allowed_groups: "staff".into(),
            ..ClientForm::default()
        };
        assert_ne!(open.lines(), shut.lines());
        // What stands in a field that does not count is no difference.
        let noted = ClientForm { allowed_groups: "staff".into(), ..open.clone() };
        assert_eq!(open.lines(), noted.lines());
    }

    #[test]
    fn every_member_of_a_providers_form_that_can_change_is_shown() {
        let blank = UpstreamForm::default().lines();
        let full = UpstreamForm {
            slug: "x".into(),
            issuer: "x".into(),
            display_name: "x".into(),
            client_id: "x".into(),
            auth_method: "x".into(),
            scope: "x".into(),
            username_claim: "x".into(),
            name_claim: "x".into(),
            email_claim: "x".into(),
            groups_claim: "x".into(),
            trusts_email: true,
        };
        for (blank, full) in blank.iter().zip(full.lines()) {
            assert_ne!(*blank, full);
        }
    }

    #[test]
    fn groups_are_one_a_line_in_any_order() {
        let form = |groups: &str| UserForm { groups: groups.into(), ..UserForm::default() }.lines();
        assert_eq!(form("a\r\nb, c\r\n"), form("b, c\na"));
        assert_ne!(form("a\nb, c"), form("a\nb\nc"));
    }

    #[test]
    fn every_member_of_an_apps_form_is_shown() {
        let blank = ClientForm::default().lines();
        let full = ClientForm {
            kind: "web".into(),
            name: "x".into(),
            client_uri: "x".into(),
            initiate_login_uri: "x".into(),
            redirect_uris: "x".into(),
            links: LinksForm { policy_uri: "x".into(), tos_uri: "x".into(), contacts: "x".into() },
            logout: LogoutForm {
                post_logout_redirect_uris: "x".into(),
                backchannel_logout_uri: "x".into(),
                backchannel_logout_session_required: true,
                frontchannel_logout_uri: "x".into(),
                frontchannel_logout_session_required: true,
            },
            allowed_origins: "x".into(),
            protected_resources: "x".into(),
            claim_mappings: "x".into(),
            access: "groups".into(),
            allowed_groups: "x".into(),
            scope: "x".into(),
            skip_consent: true,
            require_pkce: true,
            claims_in_id_token: true,
            revocation: "x".into(),
            access_token_alg: "x".into(),
            id_token_alg: "x".into(),
        };
        for (blank, full) in blank.iter().zip(full.lines()) {
            assert_ne!(*blank, full);
        }
    }
}
