//! Request objects fetched lately from addresses of apps, for as long as their servers allow.

use std::sync::Arc;

use moka::sync::Cache;

use crate::clock::{Seconds, UnixTime};

/// Objects remembered by one process.
const MOST: u64 = 500;
/// Longer ones are not kept.
const LONGEST: usize = 16 * 1024;
/// No object is kept for longer than this, however long its server allows.
const LONGEST_KEPT: Seconds = 300;

/// What is remembered of request objects, by their whole URL: a fragment names a version.
pub struct RequestObjects(Cache<String, (UnixTime, Arc<str>)>);

impl Default for RequestObjects {
    fn default() -> Self {
        Self(Cache::new(MOST))
    }
}

impl RequestObjects {
    /// The object, while it is fresh.
    #[must_use]
    pub fn fresh(&self, uri: &str, now: UnixTime) -> Option<Arc<str>> {
        let (until, object) = self.0.get(uri)?;
        (until > now).then_some(object)
    }

    /// Remembers an object for as many seconds as its server said.
    pub fn keep(&self, uri: &str, object: &str, (now, max_age): (UnixTime, Option<Seconds>)) {
        let seconds = max_age.unwrap_or(0).min(LONGEST_KEPT);
        if seconds > 0 && object.len() <= LONGEST {
            self.0.insert(uri.to_owned(), (now.plus(seconds), object.into()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_kept_as_long_as_its_server_allows_and_no_longer() {
        let objects = RequestObjects::default();
        let now = UnixTime(1_000);
        objects.keep("https://rp.test/a#1", "x", (now, Some(60)));
        objects.keep("https://rp.test/b", "x", (now, None));
        objects.keep("https://rp.test/c", "x", (now, Some(86_400)));
        objects.keep("https://rp.test/d", &"x".repeat(LONGEST + 1), (now, Some(60)));
        let fresh = |uri: &str, after| objects.fresh(uri, now.plus(after)).is_some();
        assert!(fresh("https://rp.test/a#1", 59) && !fresh("https://rp.test/a#1", 60));
        assert!(!fresh("https://rp.test/a#2", 0) && !fresh("https://rp.test/a", 0));
        assert!(!fresh("https://rp.test/b", 0) && !fresh("https://rp.test/d", 0));
        assert!(fresh("https://rp.test/c", 299) && !fresh("https://rp.test/c", 300));
    }
}
