//! Who was let through the gateway a moment ago. The nearest of the three places a gateway check looks
//! in: nothing here is older than a second, and nothing outlives a revocation that this process knows.

use std::any::Any;
use std::sync::{Arc, OnceLock};

use super::Recent;
use crate::clock::UnixTime;
use crate::crypto::secret::SecretHash;
use crate::protocol::gateway::identity::Visitor;

/// By what somebody is known. One is never taken for the other, whatever its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Means {
    Cookie,
    Token,
}

/// What was shown at the door.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Shown {
    pub means: Means,
    pub hash: SecretHash,
    /// Which app it was for: the place in the list.
    pub app: usize,
}

/// Somebody, with all that an app is told about them.
#[derive(Debug)]
pub struct Seen {
    pub visitor: Visitor,
    /// The headers for this app, the assertion among them.
    pub headers: Vec<(&'static str, String)>,
    /// The same as they are sent.
    pub written: Written,
    /// When the session or token ends by itself.
    pub until: UnixTime,
}

/// What the HTTP layer makes of the headers: made for the first answer, since making them costs more
/// than all the rest of a check. This layer knows no HTTP and keeps it as it is.
#[derive(Debug, Default)]
pub struct Written(OnceLock<Box<dyn Any + Send + Sync>>);

impl Written {
    /// What `make` gave when it was first called. `None` for whoever asks for another type than the
    /// first one did.
    pub fn get_or_make<T: Any + Send + Sync>(&self, make: impl FnOnce() -> T) -> Option<&T> {
        self.0.get_or_init(|| Box::new(make())).downcast_ref()
    }
}

/// The memory of one process.
#[derive(Default)]
pub struct Doorkeeper {
    seen: Recent<Shown, Seen>,
}

impl Doorkeeper {
    /// Whom this proof stood for a moment ago, if nothing has ended since.
    #[must_use]
    pub fn remembers(&self, shown: &Shown, (newest, now): (i64, UnixTime)) -> Option<Arc<Seen>> {
        self.seen.remembers(shown, newest).filter(|known| known.until > now)
    }

    /// Remembers somebody for a second. `newest` was the newest revocation this process knew before it
    /// read any of this.
    pub fn remember(&self, shown: Shown, known: Arc<Seen>, newest: i64) {
        self.seen.remember(shown, known, newest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::app_roles::AppRoles;
    use crate::protocol::gateway::identity::Person;
    use crate::protocol::types::UserId;

    fn known() -> Seen {
        let person = Person {
            id: UserId::new("u"),
            username: "u".into(),
            email: None,
            name: None,
            groups: Vec::new(),
            app_roles: AppRoles::default(),
            role: None,
        };
        let visitor =
            Visitor { person, session: None, organisation: None, auth_time: None, level: None };
        let (headers, written) = (Vec::new(), Written::default());
        Seen { visitor, headers, written, until: UnixTime(100) }
    }

    #[test]
    fn whoever_is_remembered_is_forgotten_with_the_next_revocation_and_at_the_end() {
        let keeper = Doorkeeper::default();
        let shown = Shown { means: Means::Cookie, hash: SecretHash::of("x"), app: 0 };
        keeper.remember(shown.clone(), Arc::new(known()), 7);
        assert!(keeper.remembers(&shown, (7, UnixTime(99))).is_some());
        assert!(keeper.remembers(&shown, (8, UnixTime(99))).is_none());
        assert!(keeper.remembers(&shown, (7, UnixTime(100))).is_none());
        let elsewhere = Shown { app: 1, ..shown.clone() };
        let otherwise = Shown { means: Means::Token, ..shown };
        for other in [elsewhere, otherwise] {
            assert!(keeper.remembers(&other, (7, UnixTime(99))).is_none(), "{other:?}");
        }
    }

    #[test]
    fn what_is_written_is_written_once() {
        let written = Written::default();
        assert_eq!(written.get_or_make(|| 1), Some(&1));
        assert_eq!(written.get_or_make(|| 2), Some(&1));
        assert_eq!(written.get_or_make(|| "two"), None);
    }
}
