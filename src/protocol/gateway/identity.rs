//! What an app behind the gateway is told about who is there: as headers, and as an assertion it can
//! verify by itself.
//!
//! Values may hold any letter, and header values must not. Everything but printable ASCII is
//! percent-encoded as UTF-8 (RFC 3986 section 2.1), and so are the percent sign itself, a space at
//! either end, and the comma in names of lists. An app that decodes gets the very text back.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::clock::{Seconds, UnixTime};
use crate::protocol::app_roles::AppRoles;
use crate::protocol::authorize::acr::Level;
use crate::protocol::token::claims::MAX_GROUPS_IN_TOKEN;
use crate::protocol::types::{ClientId, OrganisationId, SessionId, UserId};
use crate::protocol::user::{AdminRole, User};

/// How long an assertion counts, in seconds.
pub const ASSERTION_LIFETIME: Seconds = 60;

/// Every header an app is told something in. A proxy must overwrite them all.
pub const HEADERS: [&str; 7] = [
    "x-user-id",
    "x-user-email",
    "x-user-name",
    "x-user-groups",
    "x-user-roles",
    "x-org-id",
    "x-session-id",
];

/// The header of the assertion.
pub const ASSERTION_HEADER: &str = "x-doorward-assertion";

/// A person as rules and apps know them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub id: UserId,
    pub username: String,
    /// Only a mailbox that is known to be theirs: apps take this header at its word.
    pub email: Option<String>,
    pub name: Option<String>,
    pub groups: Vec<String>,
    #[serde(default)]
    pub app_roles: AppRoles,
    /// The right to use the console.
    pub role: Option<AdminRole>,
}

impl Person {
    /// What of an account concerns the gateway.
    #[must_use]
    pub fn of(user: &User) -> Self {
        Self {
            id: user.id.clone(),
            username: user.username.clone(),
            email: user.email.clone().filter(|_| user.email_verified),
            name: user.name.clone(),
            groups: user.groups.clone(),
            app_roles: user.app_roles.clone(),
            role: user.role,
        }
    }

    /// The roles an app is told: its own, or that in the console where it has none of its own.
    fn told_roles(&self, client: Option<&ClientId>) -> Vec<String> {
        match client {
            Some(client) => self.app_roles.in_app(client),
            None => self.role.iter().map(|role| role.as_str().to_owned()).collect(),
        }
    }

    /// The groups an app is told; nobody's when they are too many for a header, since a part of them
    /// could be mistaken for the whole.
    fn told_groups(&self) -> &[String] {
        if self.groups.len() <= MAX_GROUPS_IN_TOKEN { &self.groups } else { &[] }
    }
}

/// Somebody at the door, known by a cookie or a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visitor {
    pub person: Person,
    /// The public id of the session, which proves nothing; absent for a token that outlives it.
    pub session: Option<SessionId>,
    /// The organisation they act for.
    pub organisation: Option<OrganisationId>,
    pub auth_time: Option<UnixTime>,
    /// `None` for a sign-in that somebody else vouches for.
    pub level: Option<Level>,
}

impl Visitor {
    /// The headers for the app, in the order of [`HEADERS`]; blank where there is nothing to say. `client` is
    /// the app whose roles it knows; without one it is told the role in the console.
    #[must_use]
    pub fn headers(&self, client: Option<&ClientId>) -> [(&'static str, String); 7] {
        let person = &self.person;
        let [id, email, name, groups, roles, org, session] = HEADERS;
        let text = |value: Option<&str>| value.map(header_text).unwrap_or_default();
        let shown = person.name.as_deref().unwrap_or(&person.username);
        [
            (id, header_text(person.id.as_str())),
            (email, text(person.email.as_deref())),
            (name, header_text(shown)),
            (groups, list(person.told_groups())),
            (roles, list(&person.told_roles(client))),
            (org, text(self.organisation.as_ref().map(OrganisationId::as_str))),
            (session, text(self.session.as_ref().map(SessionId::as_str))),
        ]
    }

    /// The claims of an assertion for the app with this host.
    #[must_use]
    pub fn assertion<'a>(
        &'a self,
        (issuer, host, client): (&'a str, &'a str, Option<&ClientId>),
        now: UnixTime,
    ) -> Assertion<'a> {
        let person = &self.person;
        Assertion {
            iss: issuer,
            aud: host,
            sub: &person.id,
            iat: now,
            exp: now.plus(ASSERTION_LIFETIME),
            sid: self.session.as_ref(),
            org_id: self.organisation.as_ref(),
            preferred_username: &person.username,
            email: person.email.as_deref(),
            name: person.name.as_deref(),
            groups: person.told_groups(),
            roles: person.told_roles(client),
            auth_time: self.auth_time,
            acr: self.level.map(Level::as_str),
        }
    }
}

/// The claims of an assertion. Its `typ` header keeps it from being anything else, and its audience,
/// a bare host, is that of no access token.
#[derive(Debug, Clone, Serialize)]
pub struct Assertion<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a UserId,
    iat: UnixTime,
    exp: UnixTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a SessionId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    org_id: Option<&'a OrganisationId>,
    preferred_username: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    groups: &'a [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    roles: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<UnixTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'static str>,
}

fn list(names: &[String]) -> String {
    let names: Vec<String> =
        names.iter().map(|name| header_text(name).replace(',', "%2C")).collect();
    names.join(",")
}

/// A text as a header value.
fn header_text(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    let last = text.len().saturating_sub(1);
    for (at, byte) in text.bytes().enumerate() {
        let at_an_end = at == 0 || at == last;
        match byte {
            b' ' if !at_an_end => value.push(' '),
            byte if byte.is_ascii_graphic() && byte != b'%' => value.push(char::from(byte)),
            byte => {
                // Writing to a String cannot fail.
                let _ = write!(value, "%{byte:02X}");
            }
        }
    }
    value
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(in crate::protocol::gateway) fn alice() -> Visitor {
        let person = Person {
            id: UserId::new("u-1"),
            username: "alice".into(),
            email: Some("alice@people.test".into()),
            name: Some("Alice Liddell".into()),
            groups: vec!["climbers".into(), "staff".into()],
            app_roles: AppRoles::default(),
            role: Some(AdminRole::Auditor),
        };
        Visitor {
            person,
            session: Some(SessionId::new("s-1")),
            organisation: Some(OrganisationId::new("o-1")),
            auth_time: Some(UnixTime(1_700_000_000)),
            level: Some(Level::Aal1),
        }
    }

    fn value(visitor: &Visitor, name: &str) -> String {
        let headers = visitor.headers(None);
        headers.into_iter().find(|(known, _)| *known == name).unwrap().1
    }

    #[test]
    fn every_header_is_there_and_blank_when_there_is_nothing_to_say() {
        let visitor = alice();
        for (name, expected) in [
            ("x-user-id", "u-1"),
            ("x-user-email", "alice@people.test"),
            ("x-user-name", "Alice Liddell"),
            ("x-user-groups", "climbers,staff"),
            ("x-user-roles", "auditor"),
            ("x-org-id", "o-1"),
            ("x-session-id", "s-1"),
        ] {
            assert_eq!(value(&visitor, name), expected, "{name}");
        }
        let person =
            Person { email: None, name: None, groups: vec![], role: None, ..alice().person };
        let bare = Visitor { person, session: None, organisation: None, ..alice() };
        assert_eq!(bare.headers(None).map(|(name, _)| name), HEADERS);
        for name in ["x-user-email", "x-user-groups", "x-user-roles", "x-org-id", "x-session-id"] {
            assert_eq!(value(&bare, name), "", "{name}");
        }
        let claims = bare.assertion(("i", "h", None), UnixTime(0));
        assert_eq!(serde_json::to_value(claims).unwrap().get("org_id"), None);
        assert_eq!(value(&bare, "x-user-name"), "alice", "the user name stands in");
    }

    #[test]
    fn a_value_is_printable_and_decodes_to_what_it_was() {
        let mut visitor = alice();
        visitor.person.name = Some("Zoë\r\nX-User-Roles: owner".into());
        assert_eq!(value(&visitor, "x-user-name"), "Zo%C3%AB%0D%0AX-User-Roles: owner");
        visitor.person.groups = vec!["a,b".into(), "100%".into(), " c ".into()];
        assert_eq!(value(&visitor, "x-user-groups"), "a%2Cb,100%25,%20c%20");
    }

    #[test]
    fn an_app_with_roles_of_its_own_is_told_those_and_no_others() {
        let (mut visitor, wiki) = (alice(), ClientId::new("wiki"));
        let pairs = [("wiki", "writer"), ("wiki", "a/b"), ("shop", "owner")];
        let pairs = pairs.map(|(app, role)| (ClientId::new(app), role.to_owned()));
        visitor.person.app_roles = pairs.into_iter().collect();
        let [.., (name, roles), _, _] = visitor.headers(Some(&wiki));
        assert_eq!((name, roles.as_str()), ("x-user-roles", "a/b,writer"));
        let claims = visitor.assertion(("i", "h", Some(&wiki)), UnixTime(0));
        assert_eq!(
            serde_json::to_value(claims).unwrap()["roles"],
            serde_json::json!(["a/b", "writer"])
        );
        visitor.person.app_roles = AppRoles::default();
        let [.., (_, roles), _, _] = visitor.headers(Some(&wiki));
        assert_eq!(roles, "", "an owner of Doorward is nobody in particular there");
    }

    #[test]
    fn too_many_groups_are_told_as_none() {
        let mut visitor = alice();
        visitor.person.groups = (0..=MAX_GROUPS_IN_TOKEN).map(|n| n.to_string()).collect();
        assert_eq!(value(&visitor, "x-user-groups"), "");
        let claims =
            serde_json::to_value(visitor.assertion(("i", "h", None), UnixTime(0))).unwrap();
        assert_eq!(claims["groups"], serde_json::json!([]));
    }

    #[test]
    fn an_unverified_mailbox_is_nobody_s() {
        let mut user = crate::protocol::user::User {
            id: UserId::new("u"),
            username: "u".into(),
            email: Some("u@people.test".into()),
            email_verified: false,
            name: None,
            profile: crate::protocol::user::Profile::default(),
            external_id: None,
            groups: Vec::new(),
            app_roles: AppRoles::default(),
            role: None,
            disabled_at: None,
            delete_at: None,
            token_version: 0,
            created_at: UnixTime(0),
            updated_at: UnixTime(0),
        };
        assert_eq!(Person::of(&user).email, None);
        user.email_verified = true;
        assert_eq!(Person::of(&user).email.as_deref(), Some("u@people.test"));
    }

    #[test]
    fn an_assertion_is_for_one_host_and_one_minute() {
        let visitor = alice();
        let claims = visitor.assertion(("https://id.test", "wiki.test", None), UnixTime(100));
        let claims = serde_json::to_value(claims).unwrap();
        assert_eq!(claims["aud"], "wiki.test");
        assert_eq!(claims["sub"], "u-1");
        assert_eq!(claims["sid"], "s-1");
        assert_eq!(claims["org_id"], "o-1");
        assert_eq!((&claims["iat"], &claims["exp"]), (&100.into(), &160.into()));
        assert_eq!(claims["roles"], serde_json::json!(["auditor"]));
    }

    proptest! {
        #[test]
        fn no_text_breaks_out_of_its_header(text in "\\PC{0,30}|[\\x00-\\x7f]{0,30}") {
            let value = header_text(&text);
            prop_assert!(value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()));
            prop_assert_eq!(value.trim(), value.as_str());
        }
    }
}
