//! What several pages show: pages of lists, sessions, and lines of the audit log.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value};

use super::desk::{Desk, Stop};
use crate::clock::UnixTime;
use crate::http::pages::When;
use crate::http::pages::admin::State;
use crate::http::pages::admin::audit::{AuditRow, Changed, Outcome, Sealed};
use crate::http::pages::admin::paging::{PageSize, Paging};
use crate::http::pages::views::SessionView;
use crate::protocol::types::UserId;
use crate::service::figures;
use crate::service::session::sightings;
use crate::store::audit::{self, AuditEvent};
use crate::store::sessions::Session;

/// What a page shows of a list that is not its own.
pub(super) const PAGE: usize = PageSize::Small.rows();

/// Rows to ask for there: one more tells whether there are others.
pub(super) const ASKED: i64 = PageSize::Small.asked();

/// Cuts what was read down to a page and says which row the next one starts behind.
pub(super) fn page<T>(
    mut rows: Vec<T>,
    size: PageSize,
    place: impl Fn(&T) -> String,
) -> (Vec<T>, Paging) {
    let more = rows.len() > size.rows();
    rows.truncate(size.rows());
    let next = rows.last().filter(|_| more).map(place);
    (rows, Paging { size, next })
}

/// A number in digits that is counted no further than one above 10,000.
pub(super) fn counted(number: i64) -> String {
    if number > figures::MOST_COUNTED { "10,000+".to_owned() } else { number.to_string() }
}

/// Whether something with this `disabled_at` works.
pub(super) fn state(disabled_at: Option<UnixTime>) -> State {
    if disabled_at.is_some() { State::Disabled } else { State::Active }
}

/// Sessions as pages show them.
pub(super) async fn sessions(
    desk: &Desk<'_>,
    rows: Vec<Session>,
) -> Result<Vec<SessionView>, Stop> {
    let now = desk.site().now();
    let seen = sightings::of(desk.site(), rows).await?;
    Ok(seen.into_iter().map(|seen| SessionView::of(seen, desk.own_session(), now)).collect())
}

/// Events as pages show them.
pub(super) async fn events(
    desk: &Desk<'_>,
    events: Vec<AuditEvent>,
) -> Result<Vec<AuditRow>, Stop> {
    let actors = events.iter().filter_map(|event| acting_person(event));
    let people = events.iter().filter_map(|event| event.user_id.as_deref());
    let names = usernames(desk, actors.chain(people)).await?;
    Ok(events.into_iter().map(|event| event_row(event, &names)).collect())
}

fn event_row(event: AuditEvent, names: &HashMap<UserId, String>) -> AuditRow {
    let name = |id: &str| names.get(&UserId::new(id)).cloned();
    // A deleted person is only remembered by the event itself.
    let remembered = event.detail.get("username").and_then(Value::as_str).map(str::to_owned);
    let actor = match acting_person(&event) {
        Some(id) => name(id).unwrap_or_else(|| id.to_owned()),
        None => event.actor.clone().unwrap_or_else(|| "anonymous".to_owned()),
    };
    let user = event.user_id.map(|id| {
        let shown = name(&id).or(remembered).unwrap_or_else(|| id.clone());
        (id, shown)
    });
    AuditRow {
        at: When::at(event.at),
        kind: event.kind,
        outcome: match event.outcome {
            audit::Outcome::Success => Outcome::Success,
            audit::Outcome::Failure => Outcome::Failure,
        },
        actor,
        user,
        client_id: event.client_id,
        address: event.address,
        request_id: event.request_id,
        detail: detail(&event.detail),
        id: event.id,
        session_id: event.session_id,
        seal: event.seal.map(|seal| Sealed {
            number: seal.seq,
            at: When::at(seal.sealed_at),
            hash: seal.hash,
        }),
        changes: changes(&event.detail),
    }
}

/// The id of the person who acted, if it was one.
fn acting_person(event: &AuditEvent) -> Option<&str> {
    event.actor.as_deref()?.strip_prefix("user:")
}

/// The facts of an event as `name: value` pairs, without those that [`changes`] shows.
fn detail(detail: &Value) -> String {
    let Some(members) = detail.as_object() else { return String::new() };
    let is_apart = |name: &str, value: &Value| SIDES.contains(&name) && value.is_object();
    let facts = members
        .iter()
        .filter(|(name, value)| !value.is_null() && !is_apart(name, value))
        .map(|(name, value)| format!("{name}: {}", plain(value)));
    // Values have commas.
    facts.collect::<Vec<_>>().join("; ")
}

/// The members of an event's detail that say what something was and is now.
const SIDES: [&str; 2] = ["before", "after"];

/// What members of something were and are now, by name, where an event says it.
fn changes(detail: &Value) -> Vec<Changed> {
    let [before, after] = SIDES.map(|side| detail.get(side).and_then(Value::as_object));
    let names: BTreeSet<&String> = before.into_iter().chain(after).flat_map(Map::keys).collect();
    let shown = |side: Option<&Map<String, Value>>, name: &str| {
        let text = side.and_then(|members| members.get(name)).map(plain).unwrap_or_default();
        if text.is_empty() { "–".to_owned() } else { text }
    };
    let change = |name: &String| Changed {
        member: name.clone(),
        before: shown(before, name),
        after: shown(after, name),
    };
    names.into_iter().map(change).collect()
}

/// A value as people read it.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Object(members) => {
            let pairs = members.iter().map(|(name, value)| format!("{name}: {}", plain(value)));
            pairs.collect::<Vec<_>>().join(", ")
        }
    }
}

/// What to call whoever did something, from what the audit log and settings remember of them.
pub(super) async fn actor(desk: &Desk<'_>, actor: &str) -> Result<String, Stop> {
    let Some(id) = actor.strip_prefix("user:") else { return Ok(actor.to_owned()) };
    let name = usernames(desk, std::iter::once(id)).await?.remove(&UserId::new(id));
    // Somebody who is deleted is only known by id.
    Ok(name.unwrap_or_else(|| actor.to_owned()))
}

/// What to call people whose ids are known.
pub(super) async fn usernames<'a>(
    desk: &Desk<'_>,
    ids: impl Iterator<Item = &'a str>,
) -> Result<HashMap<UserId, String>, Stop> {
    let mut ids: Vec<_> = ids.map(UserId::new).collect();
    ids.sort();
    ids.dedup();
    Ok(figures::usernames(desk.site(), &ids).await?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_page_has_25_rows_and_a_next_one_only_if_there_are_more() {
        let (rows, paging) = page((0..26).collect(), PageSize::Small, ToString::to_string);
        assert_eq!((rows.len(), paging.next.as_deref()), (25, Some("24")));
        let whole = page((0..25).collect::<Vec<i32>>(), PageSize::Small, ToString::to_string);
        assert_eq!((whole.0.len(), whole.1.next), (25, None));
    }

    #[test]
    fn the_facts_of_an_event_read_as_pairs() {
        let facts = json!({ "alg": "RS256", "role_before": null, "tries": 3 });
        assert_eq!(detail(&facts), "alg: RS256; tries: 3");
        assert_eq!(detail(&json!({})), "");
    }

    #[test]
    fn what_was_and_is_reads_as_pairs_and_not_as_json() {
        let facts = json!({
            "changed": ["logo", "scope", "rules"],
            "before": { "logo": null, "scope": ["openid", "email"], "rules": [{ "sub": "x" }] },
            "after": { "logo": "x.png", "scope": [] },
        });
        assert_eq!(detail(&facts), "changed: logo, scope, rules");
        let read = changes(&facts);
        let read = read.iter().map(|one| [&one.member, &one.before, &one.after]);
        let read: Vec<_> = read.map(|texts| texts.map(String::as_str)).collect();
        let expected =
            [["logo", "–", "x.png"], ["rules", "sub: x", "–"], ["scope", "openid, email", "–"]];
        assert_eq!(read, expected);
        assert!(changes(&json!({ "before": "yesterday" })).is_empty());
        assert_eq!(detail(&json!({ "before": "yesterday" })), "before: yesterday");
    }
}
