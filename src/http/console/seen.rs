//! A change is saved only if it was made from what is stored, so that nobody undoes what somebody else
//! has done meanwhile. Each form that changes something says in its field `seen` what it was made from
//! and when; [`is_of`] compares it before, the service in the transaction of the change, and [`changed`]
//! tells what to do.

use serde_json::json;

use super::desk::{Desk, Stop};
use super::rows;
use super::shown::{Line, Shown};
use crate::clock::UnixTime;
use crate::crypto::encoding::fingerprint;
use crate::http::pages::FieldError;
use crate::protocol::rights::Right;
use crate::service::audit;
use crate::store::audit::{AuditEvent, AuditFilter, Outcome};

/// Where on a page the form is: the heading above it.
const FORM: &str = "change";

/// What is stored is told in no more letters than this.
const MOST_CHARS: usize = 200;

/// Most events of a kind that are looked through for whoever changed something.
const LOOKED_AT: i64 = 25;

/// What a form is about.
pub(super) struct Thing<'a> {
    /// What the page calls it.
    pub name: &'a str,
    /// The kinds of events that tell of a change to what the form shows.
    pub kinds: &'static [&'static str],
    pub of: Of<'a>,
}

/// By what the events about something are found.
pub(super) enum Of<'a> {
    Person(&'a str),
    App(&'a str),
    /// A detail of this name with this value.
    Detail(&'static str, &'a str),
}

/// What the field `seen` of a form says that is made from this.
pub(super) fn mark(desk: &Desk<'_>, now: &impl Shown) -> String {
    format!("{} {}", tag_of(now), desk.site().now().0)
}

/// Another one whenever anything that the form shows is different.
fn tag_of(shown: &impl Shown) -> String {
    let pairs: Vec<_> = shown.lines().into_iter().map(|line| (line.field, line.value)).collect();
    fingerprint(&json!(pairs).to_string())
}

/// What the posted form says that it was made from, and when.
fn said<'a>(desk: &'a Desk<'_>) -> Option<(&'a str, UnixTime)> {
    let (tag, at) = desk.form.sole("seen")?.split_once(' ')?;
    Some((tag, UnixTime(at.parse().ok()?)))
}

/// Whether the posted form was made from this. One that does not say it was not.
pub(super) fn is_of(desk: &Desk<'_>, now: &impl Shown) -> bool {
    said(desk).is_some_and(|(tag, _)| tag == tag_of(now))
}

/// What to say when it was not: who has changed it meanwhile, if that is known, and at each field that is
/// stored otherwise than it was typed what is stored.
pub(super) async fn changed<F: Shown>(
    desk: &Desk<'_>,
    thing: &Thing<'_>,
    (now, typed): (&F, &F),
) -> Result<Vec<FieldError>, Stop> {
    let name = thing.name;
    let text = match said(desk) {
        Some((_, since)) => {
            let by = by_whom(desk, thing, since).await?;
            let by = by.map(|by| format!(" by {by}")).unwrap_or_default();
            format!("{name} was changed meanwhile{by}. Nothing is saved yet. ")
        }
        None => format!("The form does not say which state of {name} it was made from. "),
    };
    let text = text + "Look at what is stored now, and save once more.";
    let mut errors = vec![FieldError { field: FORM, text }];
    let pairs = now.lines().into_iter().zip(typed.lines());
    errors.extend(pairs.filter(|(now, typed)| now.value != typed.value).map(|(now, _)| told(&now)));
    Ok(errors)
}

/// What is stored, at its field.
fn told(line: &Line) -> FieldError {
    let Line { field, label, value } = line;
    let field = *field;
    let whole = value.replace('\n', ", ");
    let mut shown: String = whole.chars().take(MOST_CHARS).collect();
    if shown.len() < whole.len() {
        shown.push('…');
    }
    let text = if shown.is_empty() {
        format!("{label}: nothing is stored now.")
    } else {
        format!("{label}: “{shown}” is stored now.")
    };
    FieldError { field, text }
}

/// Who was the last to change it since then. Only for those who may read the audit log.
async fn by_whom(
    desk: &Desk<'_>,
    thing: &Thing<'_>,
    since: UnixTime,
) -> Result<Option<String>, Stop> {
    if !desk.may(Right::AuditRead) {
        return Ok(None);
    }
    let mut newest: Option<AuditEvent> = None;
    for kind in thing.kinds {
        let mut filter = AuditFilter {
            kind: Some((*kind).to_owned()),
            outcome: Some(Outcome::Success),
            since: Some(since),
            limit: LOOKED_AT,
            ..AuditFilter::default()
        };
        match thing.of {
            Of::Person(id) => filter.user_id = Some(id.to_owned()),
            Of::App(id) => filter.client_id = Some(id.to_owned()),
            Of::Detail(..) => {}
        }
        let found = audit::list(desk.site(), &filter).await?;
        let found = found.into_iter().find(|event| match thing.of {
            Of::Detail(name, value) => event.detail.get(name).is_some_and(|is| is == value),
            Of::Person(_) | Of::App(_) => true,
        });
        newest = newest.into_iter().chain(found).max_by_key(|event| event.at);
    }
    match newest.and_then(|event| event.actor) {
        Some(actor) => Ok(Some(rows::actor(desk, &actor).await?)),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::pages::admin::groups::GroupForm;

    #[test]
    fn a_tag_is_another_one_for_each_difference() {
        let form = |name: &str, description: &str| {
            tag_of(&GroupForm { name: name.into(), description: description.into() })
        };
        assert_eq!(form("a", "b"), form("a", "b"));
        assert_ne!(form("a", "b"), form("a", "c"));
        assert_ne!(form("a", "b"), form("ab", ""));
    }

    #[test]
    fn what_is_stored_is_told_in_few_words() {
        let line = |value: String| told(&Line { field: "groups", label: "Groups", value }).text;
        assert_eq!(line("a\nb".into()), "Groups: “a, b” is stored now.");
        assert_eq!(line(String::new()), "Groups: nothing is stored now.");
        let long = line("ü".repeat(500));
        assert!(long.contains('…') && long.chars().count() < 240, "{long}");
    }
}
