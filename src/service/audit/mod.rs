//! Writing the audit log. Every use case that changes something writes its event in the same
//! transaction; refusals worth knowing are written on their own.

pub mod chain;
pub(in crate::service) mod changes;
pub mod export;
mod sheet;
pub mod verification;

use serde_json::{Value, json};

use crate::app::App;
use crate::clock::UnixTime;
use crate::crypto::secret;
use crate::protocol::types::{ClientId, SessionId, UserId};
use crate::service::failure::Failure;
use crate::store::audit::{self, AuditEvent, AuditFilter, Outcome};

/// Where a request came from, for the audit log and throttling.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Caller {
    /// The peer's address as text; `None` for the command line.
    pub address: Option<String>,
    pub request_id: Option<String>,
    /// The browser's own description of itself, cut to a sane length.
    pub user_agent: Option<String>,
    /// The hash of the cookie by which a browser is known that somebody has signed in with.
    pub device: Option<String>,
}

impl Caller {
    /// The network that limits count by: an IPv4 address itself; of an IPv6 address the /64, since one
    /// household owns all of it. Empty where no address is known.
    #[must_use]
    pub fn network(&self) -> String {
        self.address.as_deref().map(network_of).unwrap_or_default()
    }
}

fn network_of(address: &str) -> String {
    match address.parse() {
        Ok(std::net::IpAddr::V6(v6)) => {
            let [a, b, c, d, ..] = v6.segments();
            v6.to_ipv4_mapped()
                .map_or_else(|| format!("{a:x}:{b:x}:{c:x}:{d:x}::/64"), |v4| v4.to_string())
        }
        _ => address.to_owned(),
    }
}

/// Who makes a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A signed-in person.
    User(UserId),
    /// An administrator in the console. Where the request came from is part of every event.
    Console(UserId, Caller),
    /// A program with an administrator's API key: whose it is, and which. Where the request came from
    /// is part of every event, and so is the key.
    Key { owner: UserId, key: String, caller: Caller },
    /// A service at the REST API with an access token of its own. Where the request came from is part of
    /// every event.
    Service(ClientId, Caller),
    /// A client acting for itself.
    Client(ClientId),
    /// Somebody with access to the server's machine.
    CommandLine,
    /// Doorward itself, on schedule.
    System,
    /// Nobody is signed in.
    Anonymous,
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User(id) | Self::Console(id, _) | Self::Key { owner: id, .. } => {
                write!(f, "user:{id}")
            }
            Self::Client(id) | Self::Service(id, _) => write!(f, "client:{id}"),
            Self::CommandLine => f.write_str("command-line"),
            Self::System => f.write_str("system"),
            Self::Anonymous => f.write_str("anonymous"),
        }
    }
}

/// An event being described.
#[derive(Debug, Clone)]
pub struct Event(AuditEvent);

impl Event {
    /// Something that happened.
    #[must_use]
    pub fn success(kind: &'static str, actor: &Actor, now: UnixTime) -> Self {
        Self::new(kind, actor, (Outcome::Success, now))
    }

    /// Something that was refused.
    #[must_use]
    pub fn failure(kind: &'static str, actor: &Actor, now: UnixTime) -> Self {
        Self::new(kind, actor, (Outcome::Failure, now))
    }

    fn new(kind: &'static str, actor: &Actor, (outcome, at): (Outcome, UnixTime)) -> Self {
        let event = Self::blank(kind, actor, (outcome, at));
        match actor {
            Actor::Console(_, caller) | Actor::Service(_, caller) => event.caller(caller),
            Actor::Key { key, caller, .. } => event.caller(caller).detail("api_key", key.as_str()),
            Actor::User(_)
            | Actor::Client(_)
            | Actor::CommandLine
            | Actor::System
            | Actor::Anonymous => event,
        }
    }

    fn blank(kind: &'static str, actor: &Actor, (outcome, at): (Outcome, UnixTime)) -> Self {
        Self(AuditEvent {
            id: secret::new_id(at),
            at,
            kind: kind.to_owned(),
            outcome,
            actor: Some(actor.to_string()),
            user_id: None,
            client_id: None,
            session_id: None,
            address: None,
            request_id: None,
            detail: json!({}),
            seal: None,
        })
    }

    #[must_use]
    pub fn user(mut self, id: &UserId) -> Self {
        self.0.user_id = Some(id.to_string());
        self
    }

    #[must_use]
    pub fn client(mut self, id: &ClientId) -> Self {
        self.0.client_id = Some(id.to_string());
        self
    }

    #[must_use]
    pub fn session(mut self, id: &SessionId) -> Self {
        self.0.session_id = Some(id.to_string());
        self
    }

    #[must_use]
    pub fn caller(mut self, caller: &Caller) -> Self {
        self.0.address.clone_from(&caller.address);
        self.0.request_id.clone_from(&caller.request_id);
        self
    }

    /// Adds a fact; never a secret.
    #[must_use]
    pub fn detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        if let Some(members) = self.0.detail.as_object_mut() {
            members.insert(name.to_owned(), value.into());
        }
        self
    }

    /// The row to append.
    #[must_use]
    pub fn into_row(self) -> AuditEvent {
        self.0
    }
}

/// Appends an event outside any transaction.
///
/// # Errors
/// [`Failure`] when SQL does not take it.
pub async fn write(app: &App, event: Event) -> Result<(), Failure> {
    Ok(audit::append(&app.store.db, &event.into_row()).await?)
}

/// Events, newest first.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn list(app: &App, filter: &AuditFilter) -> Result<Vec<AuditEvent>, Failure> {
    Ok(audit::list(&app.store.db, filter).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv6_addresses_are_counted_by_their_64() {
        assert_eq!(network_of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(network_of("2001:db8:1:2::9"), "2001:db8:1:2::/64");
        assert_eq!(network_of("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(network_of("192.0.2.1"), "192.0.2.1");
    }
}
