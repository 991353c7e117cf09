//! What the audit log says of a change of an app's metadata, and of the end of an app.

use crate::clock::UnixTime;
use crate::protocol::client::{Client, ClientMetadata};
use crate::protocol::members;
use crate::protocol::types::ClientId;
use crate::service::audit::{Actor, Event};

/// Members whose values an event does not repeat: keys say nothing to people, contacts and the mailbox in a
/// certificate are people, and whom the app is for is told whole.
const UNSAID: [&str; 4] = ["jwks", "contacts", "tls_client_auth_san_email", "allowed_groups"];

/// One event that names what has changed, and whom the app was for if that is one of it.
pub(super) fn updated(actor: &Actor, before: &ClientMetadata, client: &Client) -> Event {
    let after = &client.metadata;
    let event = Event::success("client.updated", actor, client.updated_at)
        .client(&client.id)
        .change_of((&members::of(before), &members::of(after)), &UNSAID);
    if before.allowed_groups == after.allowed_groups {
        return event;
    }
    event
        .detail("allowed_groups_before", before.allowed_groups.clone())
        .detail("allowed_groups", after.allowed_groups.clone())
}

/// What ended with an app that was deleted.
pub(super) struct Ended {
    /// How many people had allowed it something.
    pub consents: u64,
    /// How many sign-ins, devices and services held tokens.
    pub grants: usize,
}

/// One event that names the app, which nobody can look up any more, and what ended with it.
pub(super) fn deleted(client: &Client, ended: &Ended, (actor, now): (&Actor, UnixTime)) -> Event {
    deleted_called((&client.id, &client.metadata.client_name), (actor, now))
        .detail("consents", ended.consents)
        .detail("grants", ended.grants)
}

/// The same of an app that nothing was issued to.
pub(super) fn deleted_called(
    (id, name): (&ClientId, &str),
    (actor, now): (&Actor, UnixTime),
) -> Event {
    Event::success("client.deleted", actor, now).client(id).detail("client_name", name)
}
