//! Small values that apps keep beside a session: what a key may look like, what a change does, and
//! limits. One document holds all values of one app in one place; it is read, changed and written
//! back as a whole.

pub mod conditions;
pub mod merge_patch;

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::conditions::Conditions;

/// The longest name of a value.
const MOST_NAME: usize = 64;

/// Where a value lives, said by its key: `[user:][durable:]name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub owner: Owner,
    pub storage: Storage,
    pub name: String,
}

/// Who shares a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// One session: one browser.
    Session,
    /// The person, on all their devices.
    User,
}

/// What a value survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// Nothing but the next request: it is in the fast store alone.
    Fast,
    /// Restarts and outages of the fast store.
    Durable,
}

impl Key {
    /// What [`Key::parse`] reads, as a regular expression (ECMA-262).
    pub const PATTERN: &str = "^(user:)?(durable:)?[A-Za-z0-9._-]{1,64}$";

    /// Reads a key; `None` if it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (owner, rest) = match text.strip_prefix("user:") {
            Some(rest) => (Owner::User, rest),
            None => (Owner::Session, text),
        };
        let (storage, name) = match rest.strip_prefix("durable:") {
            Some(name) => (Storage::Durable, name),
            None => (Storage::Fast, rest),
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let fits = !name.is_empty() && name.len() <= MOST_NAME && name.bytes().all(plain);
        fits.then(|| Self { owner, storage, name: name.to_owned() })
    }
}

/// The token versions of app and person that values were written under, and how often the person had
/// taken back what they allowed the app. A raised one ends everything issued before, and these values
/// with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generation {
    pub client: i64,
    pub user: i64,
    #[serde(default)]
    pub withdrawals: i64,
}

impl Generation {
    /// Whether anything was raised since `other`.
    #[must_use]
    pub fn is_after(self, other: Self) -> bool {
        // An app that was deleted and made again counts withdrawals anew.
        match self.client.cmp(&other.client) {
            Ordering::Equal => self.user > other.user || self.withdrawals > other.withdrawals,
            order => order == Ordering::Greater,
        }
    }
}

/// All values of one app in one place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document {
    pub generation: Generation,
    entries: BTreeMap<String, Stored>,
}

/// A value and the tag of this writing of it (RFC 9110 section 8.8.3), without quotes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    pub tag: String,
    pub value: Value,
}

/// What a request wants to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    Replace(Value),
    /// RFC 7396.
    Merge(Value),
    Remove,
}

/// Why a request is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such value.
    Absent,
    /// The value is not the one that was meant.
    PreconditionFailed,
    /// With this change there would be too much.
    TooLarge,
}

/// What a change has led to.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Created(Stored),
    Changed(Stored),
    Removed,
}

/// A change with what it depends on.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    pub name: &'a str,
    pub change: &'a Change,
    pub conditions: &'a Conditions,
    /// The most bytes the whole document may have afterwards, as it is kept.
    pub most_bytes: usize,
}

impl Document {
    /// An empty one.
    #[must_use]
    pub fn new(generation: Generation) -> Self {
        Self { generation, entries: BTreeMap::new() }
    }

    /// The value of this name, on the conditions of a request that reads it.
    ///
    /// # Errors
    /// [`Refusal`]. Conditions only count where there is something to be had without them (RFC 9110
    /// section 13.2.1).
    pub fn read(&self, name: &str, conditions: &Conditions) -> Result<&Stored, Refusal> {
        let stored = self.entries.get(name).ok_or(Refusal::Absent)?;
        // If-None-Match of a reader asks for 304, not for a refusal.
        if conditions.names_another(Some(&stored.tag)) {
            return Err(Refusal::PreconditionFailed);
        }
        Ok(stored)
    }

    /// Makes a change; what is written gets this tag, which must be fresh: no tag ever stands for two
    /// values, whatever a store forgets or remembers.
    ///
    /// # Errors
    /// [`Refusal`]; the document is as it was.
    pub fn change(&mut self, wanted: &Wanted<'_>, tag: String) -> Result<Outcome, Refusal> {
        let before = self.entries.get(wanted.name);
        if before.is_none() && *wanted.change == Change::Remove {
            return Err(Refusal::Absent);
        }
        if wanted.conditions.forbid_change_of(before.map(|stored| &*stored.tag)) {
            return Err(Refusal::PreconditionFailed);
        }
        let value = match wanted.change {
            Change::Remove => {
                self.entries.remove(wanted.name);
                return Ok(Outcome::Removed);
            }
            Change::Replace(value) => value.clone(),
            Change::Merge(patch) => {
                merge_patch::merged(before.map(|stored| stored.value.clone()), patch)
            }
        };
        self.put(wanted, Stored { tag, value })
    }

    fn put(&mut self, wanted: &Wanted<'_>, stored: Stored) -> Result<Outcome, Refusal> {
        let before = self.entries.insert(wanted.name.to_owned(), stored.clone());
        let size = serde_json::to_string(self).map_or(usize::MAX, |text| text.len());
        if size <= wanted.most_bytes {
            return Ok(match before {
                Some(_) => Outcome::Changed(stored),
                None => Outcome::Created(stored),
            });
        }
        match before {
            Some(before) => self.entries.insert(wanted.name.to_owned(), before),
            None => self.entries.remove(wanted.name),
        };
        Err(Refusal::TooLarge)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::conditions::Tags;
    use super::*;

    const GENERATION: Generation = Generation { client: 1, user: 1, withdrawals: 1 };

    fn document() -> Document {
        Document::new(GENERATION)
    }

    fn matching(header: &str) -> Conditions {
        Conditions { if_match: Tags::parse(header), if_none_match: None }
    }

    /// Changes the value `k` of a document that may have 200 bytes.
    fn change(
        document: &mut Document,
        (change, conditions): (Change, Conditions),
        tag: &str,
    ) -> Result<Outcome, Refusal> {
        let wanted =
            Wanted { name: "k", change: &change, conditions: &conditions, most_bytes: 200 };
        document.change(&wanted, tag.to_owned())
    }

    fn put(value: i64) -> Change {
        Change::Replace(json!(value))
    }

    #[test]
    fn a_key_says_where_it_lives() {
        let key = Key::parse("user:durable:theme").unwrap();
        assert_eq!((key.owner, key.storage, &*key.name), (Owner::User, Storage::Durable, "theme"));
        let key = Key::parse("cart.v2").unwrap();
        assert_eq!((key.owner, key.storage), (Owner::Session, Storage::Fast));
        for text in ["", "user:", "a/b", "a b", "durable:user:x", "ä", "a:b", &"x".repeat(65)] {
            assert_eq!(Key::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_condition_holds_for_the_value_it_names_and_no_other() {
        let mut document = document();
        let none = Conditions::default;
        let failed = Err(Refusal::PreconditionFailed);
        let only_new = || Conditions { if_none_match: Some(Tags::Any), if_match: None };
        assert_eq!(change(&mut document, (put(1), matching("*")), "t0"), failed);
        let made = change(&mut document, (put(1), only_new()), "t1");
        assert!(matches!(made, Ok(Outcome::Created(_))));
        assert_eq!(change(&mut document, (put(2), only_new()), "t2"), failed);
        for other in ["\"t2\"", "W/\"t1\"", "\"T1\""] {
            assert_eq!(change(&mut document, (put(2), matching(other)), "t2"), failed, "{other}");
        }
        let changed = change(&mut document, (put(2), matching("\"x\", \"t1\"")), "t2");
        assert!(matches!(changed, Ok(Outcome::Changed(_))));
        assert_eq!(change(&mut document, (put(3), matching("\"t1\"")), "t3"), failed);
        assert!(change(&mut document, (put(3), none()), "t3").is_ok());
        assert_eq!(change(&mut document, (Change::Remove, matching("\"t2\"")), ""), failed);
        let removed = change(&mut document, (Change::Remove, none()), "");
        assert_eq!(removed, Ok(Outcome::Removed));
        let again = change(&mut document, (Change::Remove, matching("\"t3\"")), "");
        assert_eq!(again, Err(Refusal::Absent));
    }

    #[test]
    fn reading_minds_if_match_only_where_there_is_a_value() {
        let mut document = document();
        assert_eq!(document.read("k", &matching("\"x\"")), Err(Refusal::Absent));
        change(&mut document, (put(1), Conditions::default()), "t1").unwrap();
        assert_eq!(document.read("k", &matching("\"x\"")), Err(Refusal::PreconditionFailed));
        assert_eq!(document.read("k", &matching("\"t1\"")).unwrap().value, json!(1));
    }

    #[test]
    fn too_much_is_refused_and_changes_nothing() {
        let mut document = document();
        let text = |length: usize| Change::Replace(json!("x".repeat(length)));
        let none = Conditions::default;
        let empty = serde_json::to_string(&document).unwrap().len();
        let fixed = empty + r#""k":{"tag":"t","value":""}"#.len();
        assert_eq!(change(&mut document, (text(201 - fixed), none()), "t"), Err(Refusal::TooLarge));
        assert_eq!(document, Document::new(GENERATION));
        change(&mut document, (text(200 - fixed), none()), "t").unwrap();
        let before = document.clone();
        assert_eq!(change(&mut document, (text(201 - fixed), none()), "t"), Err(Refusal::TooLarge));
        assert_eq!(document, before);
    }

    #[test]
    fn any_version_ends_a_generation() {
        let newer = [
            Generation { client: 2, ..GENERATION },
            Generation { user: 2, ..GENERATION },
            Generation { withdrawals: 2, ..GENERATION },
        ];
        for newer in newer {
            assert!(newer.is_after(GENERATION));
            assert!(!GENERATION.is_after(newer));
        }
        assert!(!GENERATION.is_after(GENERATION));
    }
}
