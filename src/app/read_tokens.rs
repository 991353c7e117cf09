//! Access tokens of ours that were read a moment ago: verified if they are JWTs, fetched if they are
//! opaque. What a token says never changes, so each is read once.
//!
//! Whether it has ended is another question. The answer is remembered with the newest revocation known
//! before it was asked, and counts until this process knows a newer one ([`super::Watch::remembers_as_of`]).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use moka::sync::Cache;

use super::known::Moment;
use crate::clock::UnixTime;
use crate::crypto::secret::SecretHash;
use crate::protocol::token::claims::AccessTokenClaims;

/// Most entries. Verifying ES256 costs as much as three signatures.
const MOST: u64 = 100_000;
/// What no revocation has the number of.
const NEVER: i64 = -1;

/// A token that is ours, alive or not.
#[derive(Debug)]
pub struct ReadToken {
    pub claims: Arc<AccessTokenClaims>,
    alive_as_of: AtomicI64,
}

impl ReadToken {
    /// Nobody has asked yet whether it has ended.
    #[must_use]
    pub fn new(claims: AccessTokenClaims) -> Self {
        Self { claims: Arc::new(claims), alive_as_of: AtomicI64::new(NEVER) }
    }

    /// Whether it was found alive when this was the newest revocation.
    #[must_use]
    pub fn was_alive_as_of(&self, newest: i64) -> bool {
        self.alive_as_of.load(Ordering::SeqCst) == newest
    }

    /// Nothing that it descends from had ended, up to this revocation.
    pub fn found_alive_as_of(&self, newest: i64) {
        self.alive_as_of.fetch_max(newest, Ordering::SeqCst);
    }
}

/// The memory of one process.
pub struct ReadTokens {
    tokens: Cache<SecretHash, Arc<ReadToken>>,
    forgotten: AtomicU64,
}

impl Default for ReadTokens {
    fn default() -> Self {
        Self { tokens: Cache::new(MOST), forgotten: AtomicU64::default() }
    }
}

impl ReadTokens {
    /// A token that was read before and has not expired.
    #[must_use]
    pub fn get(&self, hash: &SecretHash, now: UnixTime) -> Option<Arc<ReadToken>> {
        let token = self.tokens.get(hash)?;
        if token.claims.exp > now {
            return Some(token);
        }
        self.tokens.invalidate(hash);
        None
    }

    /// To be taken before a token is verified.
    #[must_use]
    pub fn moment(&self) -> Moment {
        Moment(self.forgotten.load(Ordering::SeqCst))
    }

    /// Remembers a token verified with the keys of `moment` or later ones.
    pub fn insert(&self, hash: SecretHash, token: Arc<ReadToken>, moment: Moment) {
        let key = hash.clone();
        self.tokens.insert(hash, token);
        if self.moment() != moment {
            self.tokens.invalidate(&key);
        }
    }

    /// Forgets all: a signing key was removed.
    pub fn forget(&self) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.tokens.invalidate_all();
    }
}
