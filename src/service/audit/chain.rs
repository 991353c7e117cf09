//! Sealing the audit log: committed events get the next number and a hash over themselves and the
//! hash before them, in batches, about once a second, on whichever node is first. Sign-ins do not
//! wait for it. Retention takes whole beginnings off the chain and leaves a signed mark there.
//!
//! A hash alone could be computed anew by anybody who can write to the database, so places in the
//! chain are signed under a key derived from the master key, which is not in the database.

use serde_json::Value;

use crate::clock::UnixTime;
use crate::crypto::chain::{self, Field};
use crate::crypto::seal::{Purpose, Sealer};
use crate::service::failure::Failure;
use crate::store::Db;
use crate::store::audit::chain::{self as audit_chain, Link, Mark, MarkName};
use crate::store::audit::{AuditEvent, Seal};

/// Events sealed or removed in one transaction.
pub const BATCH: i64 = 500;

/// What sealing works with.
#[derive(Debug, Clone, Copy)]
pub struct Chain<'a> {
    pub db: &'a Db,
    pub sealer: &'a Sealer,
    pub now: UnixTime,
    /// The highest number this process knows to be sealed: the head never goes back behind it.
    pub known: i64,
}

/// How a step of sealing went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sealing {
    /// Nothing waits.
    Idle,
    /// So many events were sealed; the last one has this number.
    Sealed { count: usize, head: i64 },
    /// Another node was faster.
    Overtaken,
    /// The chain is not as it was left, and adding to it would hide that.
    Refused(&'static str),
}

/// How a step of retention went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// So many events were removed.
    Removed(u64),
    Overtaken,
    /// The chain does not hold there; what shows it is kept.
    Refused(i64),
}

/// Seals the oldest waiting events, at most [`BATCH`].
///
/// # Errors
/// [`Failure`]; nothing was sealed then.
pub async fn seal(chain: &Chain<'_>) -> Result<Sealing, Failure> {
    // The head before what waits: whoever seals in between moves it, and is noticed by that. The other way round
    // their events would be given a second place behind them.
    let before = audit_chain::mark(chain.db, MarkName::Head).await?;
    let waiting = audit_chain::waiting(chain.db, BATCH).await?;
    if waiting.is_empty() {
        return Ok(Sealing::Idle);
    }
    if let Some(reason) = distrust(chain, before.as_ref()) {
        return Ok(Sealing::Refused(reason));
    }
    let (mut seq, mut hash) = place_of(before.as_ref());
    let count = waiting.len();
    let mut links = Vec::with_capacity(count);
    for event in waiting {
        seq += 1;
        hash = hash_of(&hash, &event, (seq, chain.now));
        let seal = Seal { seq, hash: hash.clone(), sealed_at: chain.now };
        links.push(Link { event_id: event.id.clone(), seal, signature: None, event: Some(event) });
    }
    if let Some(last) = links.last_mut() {
        last.signature = Some(sign_link(chain.sealer, (seq, &hash)));
    }
    let head = signed_mark(chain, MarkName::Head, (seq, hash));
    let mut tx = chain.db.begin().await?;
    if !audit_chain::move_mark(&mut tx, MarkName::Head, (before.as_ref(), &head)).await? {
        return Ok(Sealing::Overtaken);
    }
    audit_chain::extend(&mut tx, &links).await?;
    tx.commit().await?;
    Ok(Sealing::Sealed { count, head: seq })
}

/// Why nothing may be added after this head. Whoever can write to the database must not get a
/// signature for a chain they have made up.
fn distrust(chain: &Chain<'_>, head: Option<&Mark>) -> Option<&'static str> {
    match head {
        None if chain.known > 0 => Some("the head of the audit chain is gone"),
        Some(head) if head.seq < chain.known => Some("the audit chain was cut back"),
        Some(head) if !is_signed(chain.sealer, MarkName::Head, head) => {
            Some("the head of the audit chain is not signed by this installation")
        }
        None | Some(_) => None,
    }
}

/// Removes the oldest events that happened before `cutoff`, at most [`BATCH`], and marks where the
/// chain begins now.
///
/// # Errors
/// [`Failure`]; nothing was removed then.
pub async fn remove_before(chain: &Chain<'_>, cutoff: UnixTime) -> Result<Removal, Failure> {
    let before = audit_chain::mark(chain.db, MarkName::Start).await?;
    let (mut seq, mut hash) = place_of(before.as_ref());
    if let Some(start) = &before
        && !is_signed(chain.sealer, MarkName::Start, start)
    {
        return Ok(Removal::Refused(start.seq));
    }
    let oldest = audit_chain::links(chain.db, (seq, BATCH)).await?;
    for link in &oldest {
        let old = |event: &AuditEvent| event.at < cutoff;
        match &link.event {
            Some(event) if !old(event) => break,
            Some(event) if holds(&hash, link, event) && link.seal.seq == seq + 1 => {
                seq = link.seal.seq;
                hash.clone_from(&link.seal.hash);
            }
            // What shows that the log was tampered with is not cleaned away.
            Some(_) | None => return Ok(Removal::Refused(link.seal.seq)),
        }
    }
    if place_of(before.as_ref()).0 == seq {
        return Ok(Removal::Removed(0));
    }
    let start = signed_mark(chain, MarkName::Start, (seq, hash));
    let mut tx = chain.db.begin().await?;
    if !audit_chain::move_mark(&mut tx, MarkName::Start, (before.as_ref(), &start)).await? {
        return Ok(Removal::Overtaken);
    }
    let removed = audit_chain::remove_up_to(&mut tx, seq).await?;
    tx.commit().await?;
    Ok(Removal::Removed(removed))
}

/// Number and hash at a mark; before the first event without one.
pub(crate) fn place_of(mark: Option<&Mark>) -> (i64, String) {
    mark.map_or_else(|| (0, String::new()), |mark| (mark.seq, mark.hash.clone()))
}

/// Whether an event has the hash of its place, after `previous`.
pub(crate) fn holds(previous: &str, link: &Link, event: &AuditEvent) -> bool {
    hash_of(previous, event, (link.seal.seq, link.seal.sealed_at)) == link.seal.hash
}

/// The hash of an event at its place, after the hash of the one before it: every column counts.
#[must_use]
pub fn hash_of(previous: &str, event: &AuditEvent, (seq, sealed_at): (i64, UnixTime)) -> String {
    let mut detail = String::new();
    write_canonical(&event.detail, &mut detail);
    let fields = [
        Field::Number(seq),
        Field::Number(sealed_at.0),
        Field::Text(&event.id),
        Field::Number(event.at.0),
        Field::Text(&event.kind),
        Field::Text(event.outcome.as_str()),
        event.actor.as_deref().into(),
        event.user_id.as_deref().into(),
        event.client_id.as_deref().into(),
        event.session_id.as_deref().into(),
        event.address.as_deref().into(),
        event.request_id.as_deref().into(),
        Field::Text(&detail),
    ];
    chain::link(previous, &fields)
}

/// JSON without spaces and with names in order, so that it does not matter how a database keeps it.
pub(crate) fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(members) => {
            let mut names: Vec<_> = members.iter().collect();
            names.sort_by_key(|(name, _)| *name);
            out.push('{');
            for (place, (name, value)) in names.into_iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push(':');
                write_canonical(value, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write_canonical(item, out);
            }
            out.push(']');
        }
        plain => out.push_str(&plain.to_string()),
    }
}

fn signed_mark(chain: &Chain<'_>, name: MarkName, (seq, hash): (i64, String)) -> Mark {
    let unsigned = Mark { seq, hash, at: chain.now, signature: String::new() };
    let signature = chain.sealer.mac(Purpose::AuditChain, &mark_message(name, &unsigned));
    Mark { signature, ..unsigned }
}

/// Whether a mark is one of ours.
pub(crate) fn is_signed(sealer: &Sealer, name: MarkName, mark: &Mark) -> bool {
    sealer.mac_matches(Purpose::AuditChain, &mark_message(name, mark), &mark.signature)
}

/// The same mark under the present master key; `None` if it is signed so already, or is none of ours.
pub(in crate::service) fn signed_anew(
    sealer: &Sealer,
    (name, mark): (MarkName, &Mark),
) -> Option<Mark> {
    let message = mark_message(name, mark);
    if sealer.mac_matches_now(Purpose::AuditChain, &message, &mark.signature)
        || !is_signed(sealer, name, mark)
    {
        return None;
    }
    let signature = sealer.mac(Purpose::AuditChain, &message);
    Some(Mark { signature, ..mark.clone() })
}

// The kind of what is signed comes first: the signature of a place inside the chain must not pass
// for that of its head, or the chain could be cut back to there.
fn mark_message(name: MarkName, mark: &Mark) -> Vec<u8> {
    let fields = [
        Field::Text(name.as_str()),
        Field::Number(mark.seq),
        Field::Text(&mark.hash),
        Field::Number(mark.at.0),
    ];
    chain::message(&fields)
}

fn sign_link(sealer: &Sealer, place: (i64, &str)) -> String {
    sealer.mac(Purpose::AuditChain, &link_message(place))
}

/// Whether a place in the chain was signed by us, under this master key or one before: the marks, which are
/// signed anew when the key is exchanged, hold every place before them.
pub(crate) fn is_link_signed(sealer: &Sealer, place: (i64, &str), signature: &str) -> bool {
    sealer.chain_matches(&link_message(place), signature)
}

fn link_message((seq, hash): (i64, &str)) -> Vec<u8> {
    chain::message(&[Field::Text("link"), Field::Number(seq), Field::Text(hash)])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_order_of_names_in_a_detail_does_not_matter_and_everything_else_does() {
        let written = |value: Value| {
            let mut out = String::new();
            write_canonical(&value, &mut out);
            out
        };
        let one = serde_json::from_str(r#"{"b":[1,{"d":null,"c":"\""}],"a":1.5}"#).unwrap();
        let other = serde_json::from_str(r#"{"a":1.5,"b":[1,{"c":"\"","d":null}]}"#).unwrap();
        assert_eq!(written(one), r#"{"a":1.5,"b":[1,{"c":"\"","d":null}]}"#);
        assert_eq!(written(other), r#"{"a":1.5,"b":[1,{"c":"\"","d":null}]}"#);
        assert_ne!(written(json!({ "a": [1, 2] })), written(json!({ "a": [2, 1] })));
    }
}
