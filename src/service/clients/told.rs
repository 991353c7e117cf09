//! What the audit log says of a change of an app's metadata.

use crate::protocol::client::{Client, ClientMetadata};
use crate::service::audit::{Actor, Event};

/// One event that names what has changed, and whom the app was for if that is one of it.
pub(super) fn updated(actor: &Actor, before: &ClientMetadata, client: &Client) -> Event {
    let after = &client.metadata;
    let event = Event::success("client.updated", actor, client.updated_at)
        .client(&client.id)
        .detail("changed", before.differs_in(after));
    if before.allowed_groups == after.allowed_groups {
        return event;
    }
    event
        .detail("allowed_groups_before", before.allowed_groups.clone())
        .detail("allowed_groups", after.allowed_groups.clone())
}
