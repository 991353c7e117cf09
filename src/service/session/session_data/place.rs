//! Where the values of an app are.

use crate::crypto::secret::SecretHash;
use crate::protocol::types::{ClientId, SessionId, UserId};
pub(super) use crate::store::sessions::session_data::Place;

impl Place {
    /// Beside a session.
    pub(super) fn of_session((client, user): (&ClientId, &UserId), session: &SessionId) -> Self {
        Self {
            id: session_place(client, session),
            client_id: client.clone(),
            user_id: user.clone(),
            session_id: Some(session.clone()),
        }
    }

    /// With the person, on all devices.
    pub(super) fn of_user((client, user): (&ClientId, &UserId)) -> Self {
        Self {
            id: user_place(client, user),
            client_id: client.clone(),
            user_id: user.clone(),
            session_id: None,
        }
    }
}

pub(super) fn session_place(client: &ClientId, session: &SessionId) -> String {
    id_of(&["session", client.as_str(), session.as_str()])
}

pub(super) fn user_place(client: &ClientId, user: &UserId) -> String {
    id_of(&["user", client.as_str(), user.as_str()])
}

/// Lengths in front, so that no two lists make the same text.
fn id_of(parts: &[&str]) -> String {
    let parts: Vec<_> = parts.iter().map(|part| format!("{}:{part}:", part.len())).collect();
    SecretHash::of(&format!("session-data:{}", parts.concat())).as_str().to_owned()
}

/// The key in the ephemeral store.
pub(super) fn fast_key(id: &str) -> String {
    format!("sd:{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_places_have_the_same_id() {
        let client = |text: &str| ClientId::new(text);
        let session = |text: &str| SessionId::new(text);
        let ids = [
            session_place(&client("a"), &session("bc")),
            session_place(&client("ab"), &session("c")),
            session_place(&client("a:1"), &session("b")),
            user_place(&client("a"), &UserId::new("bc")),
        ];
        let different: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(different.len(), ids.len());
    }
}
