//! People whose account was read a moment ago. Apps ask userinfo about the same person again and
//! again; nothing here is older than a second, and nothing outlives a revocation that this process
//! knows. Every change of a person is one: what ends them, and what only changes what copies say
//! (`service::revocation::Subject::Facts`).

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;

use crate::protocol::types::UserId;
use crate::protocol::user::User;

/// How long an entry may answer. What another node changes is heard of sooner than that.
const OLDEST: Duration = Duration::from_secs(1);
/// Most entries.
const MOST: u64 = 10_000;

/// The memory of one process.
pub struct People {
    /// With the newest revocation that was known before the account was read.
    seen: Cache<UserId, (i64, Arc<User>)>,
}

impl Default for People {
    fn default() -> Self {
        Self { seen: Cache::builder().max_capacity(MOST).time_to_live(OLDEST).build() }
    }
}

impl People {
    /// The person as they were a moment ago, if nothing has changed since. `newest` is the newest
    /// revocation this process knows.
    #[must_use]
    pub fn remembers(&self, id: &UserId, newest: i64) -> Option<Arc<User>> {
        let (revocations, user) = self.seen.get(id)?;
        (revocations == newest).then_some(user)
    }

    /// Remembers somebody for a second. `newest` was the newest revocation before they were read.
    pub fn remember(&self, user: Arc<User>, newest: i64) {
        self.seen.insert(user.id.clone(), (newest, user));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixTime;
    use crate::protocol::user::Profile;

    fn alice() -> User {
        User {
            id: UserId::new("u-1"),
            username: "alice".into(),
            email: None,
            email_verified: false,
            name: None,
            profile: Profile::default(),
            groups: Vec::new(),
            role: None,
            disabled_at: None,
            token_version: 0,
            created_at: UnixTime(0),
            updated_at: UnixTime(0),
        }
    }

    #[test]
    fn whoever_is_remembered_is_forgotten_with_the_next_revocation() {
        let (people, somebody) = (People::default(), Arc::new(alice()));
        people.remember(Arc::clone(&somebody), 7);
        assert!(people.remembers(&somebody.id, 7).is_some());
        assert!(people.remembers(&somebody.id, 8).is_none());
        assert!(people.remembers(&UserId::new("somebody-else"), 7).is_none());
    }
}
