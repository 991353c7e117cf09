//! What the audit log says of a new account and of an edit of one, and of who comes into a group or leaves it.

use crate::clock::UnixTime;
use crate::protocol::profile_texts;
use crate::protocol::types::UserId;
use crate::protocol::user::{AdminRole, User};
use crate::service::audit::{Actor, Event};
use crate::service::people::groups::Membership;
use crate::store::{StoreError, Tx, audit};

/// Writes events in the caller's transaction.
pub(in crate::service) async fn write(tx: &mut Tx, events: Vec<Event>) -> Result<(), StoreError> {
    let rows: Vec<_> = events.into_iter().map(Event::into_row).collect();
    audit::append_all(tx, &rows).await
}

/// One event that names the right to use the console, if they have it, and one for each group that they came
/// into, as if it had been done at the group; before these, one for each group that was `made` for them.
pub(in crate::service) fn creation((user, made): (&User, &[String]), actor: &Actor) -> Vec<Event> {
    let by = (actor, user.created_at);
    let mut event = Event::success("user.created", actor, user.created_at)
        .user(&user.id)
        .detail("username", user.username.as_str());
    if let Some(role) = user.role {
        event = event.detail("role_after", role.as_str());
    }
    let mut events = vec![event];
    events.extend(made.iter().map(|group| group_made(group, by)));
    let joined = user.groups.iter();
    events.extend(joined.map(|group| membership(Membership::In, (group, &user.id), by)));
    if user.disabled_at.is_some() {
        events.push(Event::success("user.disabled", actor, user.created_at).user(&user.id));
    }
    events
}

/// A group that was not there before.
pub(in crate::service) fn group_made(name: &str, (actor, now): (&Actor, UnixTime)) -> Event {
    Event::success("group.created", actor, now).detail("group", name)
}

/// Somebody was enabled, and is not to be deleted any more.
pub(in crate::service) fn enabled(before: &User, (actor, now): (&Actor, UnixTime)) -> Event {
    let event = Event::success("user.enabled", actor, now).user(&before.id);
    match before.delete_at {
        Some(_) => event.detail("deletion", "taken back"),
        None => event,
    }
}

/// One event that names what has changed, without the values, which are about a person, and one for each
/// group that they came into or left, as if it had been done at the group; before these, one for each group that
/// was `made` for them.
pub(in crate::service) fn edit(
    (before, after): (&User, &User),
    made: &[String],
    (actor, now): (&Actor, UnixTime),
) -> Vec<Event> {
    let mut event = Event::success("user.updated", actor, now)
        .user(&after.id)
        .detail("changed", changed(before, after))
        .detail("role_before", before.role.map(AdminRole::as_str))
        .detail("role_after", after.role.map(AdminRole::as_str));
    if before.username != after.username {
        event = event.detail("username_before", before.username.as_str());
        event = event.detail("username", after.username.as_str());
    }
    let left = before.groups.iter().filter(|group| !after.groups.contains(group));
    let joined = after.groups.iter().filter(|group| !before.groups.contains(group));
    let mut events = vec![event];
    let moved = |way: Membership, group: &str| membership(way, (group, &after.id), (actor, now));
    events.extend(made.iter().map(|group| group_made(group, (actor, now))));
    events.extend(left.map(|group| moved(Membership::Out, group)));
    events.extend(joined.map(|group| moved(Membership::In, group)));
    events
}

/// Somebody came into a group, or left it.
pub(super) fn membership(
    way: Membership,
    (group, user): (&str, &UserId),
    (actor, now): (&Actor, UnixTime),
) -> Event {
    let event = match way {
        Membership::In => Event::success("group.member_added", actor, now),
        Membership::Out => Event::success("group.member_removed", actor, now),
    };
    event.user(user).detail("group", group)
}

/// The members that are not what they were, by the names they have at the REST API.
fn changed(before: &User, after: &User) -> Vec<&'static str> {
    let all = [
        ("username", before.username != after.username),
        ("name", before.name != after.name),
        ("email", before.email != after.email),
        ("email_verified", before.email_verified != after.email_verified),
        ("groups", before.groups != after.groups),
        ("role", before.role != after.role),
        ("external_id", before.external_id != after.external_id),
    ];
    let names = all.into_iter().filter(|(_, is_other)| *is_other).map(|(name, _)| name);
    names.chain(profile_texts::changed(&before.profile, &after.profile)).collect()
}
