//! Small values that several pages show.

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::sample::words;
use crate::clock::UnixTime;
use crate::protocol::types::SessionId;
use crate::service::session::connections::{Bound, Connection};
use crate::service::session::sightings::Sighting;

/// A message shown once, after something was done.
#[derive(Debug, Clone)]
pub struct Flash {
    pub tone: Tone,
    pub text: String,
    /// What takes it back, where that can be done.
    pub undo: Option<Undo>,
}

/// The form of a message that takes back what the message tells of.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Undo {
    /// Path that it posts to, with the issuer's path.
    pub path: String,
    pub fields: Vec<(String, String)>,
}

/// Whether a message is good news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// It worked.
    Done,
    /// It did not, or there is something to look out for.
    Warning,
}

impl Tone {
    /// The CSS class.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Warning => "warning",
        }
    }
}

/// What is wrong with one field: shown in the summary and at the field.
#[derive(Debug, Clone)]
pub struct FieldError {
    /// The `name` of the field; see each page for the names it has.
    pub field: &'static str,
    /// What to do about it.
    pub text: String,
}

/// The text for the field called `name`, if something is wrong with it.
pub(super) fn error_of<'a>(errors: &'a [FieldError], name: &str) -> Option<&'a str> {
    errors.iter().find(|error| error.field == name).map(|error| error.text.as_str())
}

/// What an app says of itself, on the pages people see before they use it; nothing for our own pages.
#[derive(Debug, Clone, Default)]
pub struct AboutApp {
    /// The path of its picture below the issuer.
    pub logo: Option<String>,
    /// The app's privacy policy.
    pub policy_uri: Option<String>,
    /// The app's terms of service.
    pub tos_uri: Option<String>,
    /// Set for an app that nobody who answers for this server has looked at.
    pub unreviewed: Option<Unreviewed>,
}

/// How an app came here without an administrator.
#[derive(Debug, Clone)]
pub enum Unreviewed {
    /// It registered itself.
    Registered,
    /// Its client id is the address of a document, on this host.
    Document { host: String },
}

impl AboutApp {
    pub(super) fn sample() -> Self {
        Self {
            logo: None,
            policy_uri: Some(words("https://orchard.example/privacy")),
            tos_uri: Some(words("https://orchard.example/terms")),
            unreviewed: None,
        }
    }

    pub(super) fn sample_unreviewed() -> Self {
        Self {
            logo: Some("/branding/picture.0123456789abcdef.png".to_owned()),
            unreviewed: Some(Unreviewed::Document { host: words("orchard.example") }),
            ..Self::sample()
        }
    }
}

/// A named address.
#[derive(Debug, Clone)]
pub struct Link {
    pub text: String,
    /// Web address or path; anything a browser would run is replaced by `#` when shown.
    pub href: String,
}

impl Link {
    pub(super) fn sample(text: &str, href: &str) -> Self {
        Self { text: words(text), href: words(href) }
    }
}

/// A moment, in words and for machines.
#[derive(Debug, Clone)]
pub struct When {
    /// RFC 3339 in UTC, for the `datetime` attribute.
    pub iso: String,
    /// What people read.
    pub text: String,
}

const DAY_AND_TIME: &[BorrowedFormatItem<'_>] =
    format_description!("[day padding:none] [month repr:short] [year], [hour]:[minute] UTC");

impl When {
    /// Date and time: `21 Nov 2026, 04:36 UTC`.
    #[must_use]
    pub fn at(moment: UnixTime) -> Self {
        let iso = moment.rfc3339();
        let text = time::OffsetDateTime::from_unix_timestamp(moment.0)
            .ok()
            .and_then(|t| t.format(DAY_AND_TIME).ok())
            .unwrap_or_else(|| iso.clone());
        Self { iso, text }
    }

    /// How long ago for the past week (`3 hours ago`), the date before that and for the future.
    #[must_use]
    pub fn ago(moment: UnixTime, now: UnixTime) -> Self {
        let passed = now.since(moment);
        let text = match passed {
            0..60 => "just now".to_owned(),
            60..3_600 => count(passed / 60, "minute"),
            3_600..86_400 => count(passed / 3_600, "hour"),
            86_400..604_800 => count(passed / 86_400, "day"),
            _ => return Self::at(moment),
        };
        Self { iso: moment.rfc3339(), text }
    }

    pub(super) fn sample(seconds_ago: i64) -> Self {
        const NOW: UnixTime = UnixTime(1_795_236_000);
        Self::ago(NOW.plus(-seconds_ago), NOW)
    }
}

fn count(number: i64, unit: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{plural} ago")
}

/// One place where a person is signed in.
#[derive(Debug, Clone)]
pub struct SessionView {
    /// The public session id (`sid`).
    pub id: String,
    pub user_id: String,
    pub username: String,
    /// Browser and system in words (`Firefox on Linux`).
    pub device: String,
    pub address: String,
    /// Where that is; empty when it is not known.
    pub place: String,
    /// The names of the apps signed in to through it.
    pub apps: Vec<String>,
    pub started: When,
    pub last_seen: When,
    /// Whether this is the session that is looking at the page.
    pub current: bool,
}

impl SessionView {
    /// A session as a page shows it to whoever is in `own`.
    pub(in crate::http) fn of(seen: Sighting, own: &SessionId, now: UnixTime) -> Self {
        let Sighting { session, username, apps } = seen;
        Self {
            current: session.id == *own,
            id: session.id.to_string(),
            user_id: session.user_id.to_string(),
            username,
            device: session.device,
            address: session.address,
            place: session.place,
            apps,
            started: When::ago(session.created_at, now),
            last_seen: When::ago(session.last_seen_at, now),
        }
    }

    pub(super) fn samples() -> Vec<Self> {
        let session = |device: &str, address: &str, seen: i64| Self {
            id: words("019a6b3e-7c1f-7d90-8a55-0d1e2f3a4b5c"),
            user_id: words("5f0c1f0e-8a53-4a52-b7f6-0d6b8f1d2a34"),
            username: words("ada"),
            device: words(device),
            address: words(address),
            place: if seen == 0 { words("Lisbon, Portugal") } else { String::new() },
            apps: if seen == 0 { vec![words("Orchard Wiki"), words("Ledger")] } else { Vec::new() },
            started: When::sample(seen + 7_300),
            last_seen: When::sample(seen),
            current: seen == 0,
        };
        vec![
            session("Firefox on Linux", "192.0.2.14", 0),
            session("Safari on iPhone", "2001:db8:4a::7", 10_900),
            session("Chrome on Windows", "198.51.100.23", 190_000),
        ]
    }
}

/// Something that stays signed in by itself.
#[derive(Debug, Clone)]
pub struct ConnectionView {
    pub id: String,
    pub client_id: String,
    /// The name of its app.
    pub name: String,
    pub stays: Stays,
    pub since: When,
    pub last_used: When,
}

/// For how long something stays signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stays {
    /// A device with a screen of its own.
    OnDevice,
    /// Also when the person signs out here.
    AfterSignOut,
    /// As long as the browser's session.
    UntilSignOut,
}

impl Stays {
    /// In words.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::OnDevice => "On a device you let in",
            Self::AfterSignOut => "Stays when you sign out here",
            Self::UntilSignOut => "Until you sign out",
        }
    }

    /// In words, to somebody else.
    #[must_use]
    pub fn label_for_others(self) -> &'static str {
        match self {
            Self::OnDevice => "A device they let in",
            Self::AfterSignOut => "Stays when they sign out",
            Self::UntilSignOut => "Until they sign out",
        }
    }
}

impl ConnectionView {
    pub(in crate::http) fn of(connection: Connection, now: UnixTime) -> Self {
        let Connection { grant, client, bound, since, last_used, .. } = connection;
        Self {
            id: grant.to_string(),
            client_id: client.id.to_string(),
            name: client.metadata.client_name.clone(),
            stays: match bound {
                Bound::Device => Stays::OnDevice,
                Bound::Offline => Stays::AfterSignOut,
                Bound::Session => Stays::UntilSignOut,
            },
            since: When::ago(since, now),
            last_used: When::ago(last_used, now),
        }
    }

    pub(super) fn samples() -> Vec<Self> {
        let connection = |name: &str, stays, seen: i64| Self {
            id: words("019a6b3e-7c1f-7d90-8a55-0d1e2f3a4b5d"),
            client_id: words("orchard-tv"),
            name: words(name),
            stays,
            since: When::sample(seen + 86_400),
            last_used: When::sample(seen),
        };
        vec![
            connection("Orchard TV", Stays::OnDevice, 400),
            connection("Harbour Mail", Stays::AfterSignOut, 7_300),
            connection("Ledger", Stays::UntilSignOut, 90),
        ]
    }
}

/// How somebody else takes the place of whoever is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Switch {
    /// An address.
    Link(String),
    /// A button of the page's own form, which carries a request that is too long for an address.
    Button,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recent_moments_read_as_how_long_ago() {
        let now = UnixTime(1_000_000_000);
        for (ago, text) in [
            (0, "just now"),
            (60, "1 minute ago"),
            (7_199, "1 hour ago"),
            (7_200, "2 hours ago"),
            (86_400, "1 day ago"),
            (604_800, "2 Sep 2001, 01:46 UTC"),
            (-5, "9 Sep 2001, 01:46 UTC"),
        ] {
            assert_eq!(When::ago(now.plus(-ago), now).text, text, "{ago}");
        }
    }

    #[test]
    fn a_moment_carries_its_exact_time_for_machines() {
        assert_eq!(When::at(UnixTime(0)).iso, "1970-01-01T00:00:00Z");
    }
}
