//! RP-Initiated Logout 1.0: what a logout request may lead to.

pub mod frontchannel;
pub mod logout_token;
pub mod session_state;

use serde::{Deserialize, Serialize};

use super::client::Client;
use super::error::OAuthError;
use super::params::Params;
use super::types::{ClientId, SessionId, UserId};

/// The request's parameters (section 2).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EndSessionRequest {
    pub id_token_hint: Option<String>,
    pub client_id: Option<ClientId>,
    pub post_logout_redirect_uri: Option<String>,
    pub state: Option<String>,
}

impl EndSessionRequest {
    /// Reads them.
    ///
    /// # Errors
    /// `invalid_request` when a parameter is repeated.
    pub fn read(params: &Params) -> Result<Self, OAuthError> {
        let text = |name| Ok::<_, OAuthError>(params.get(name)?.map(str::to_owned));
        Ok(Self {
            id_token_hint: text("id_token_hint")?,
            client_id: text("client_id")?.map(ClientId::new),
            post_logout_redirect_uri: text("post_logout_redirect_uri")?,
            state: text("state")?,
        })
    }
}

/// What a verified `id_token_hint` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    pub client_id: ClientId,
    pub user_id: UserId,
    pub session_id: Option<SessionId>,
}

/// Where the browser goes once the person is signed out. It can be made from nothing but a
/// registered URI, as `ReplyTo` is for sign-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AfterLogout(String);

impl AfterLogout {
    /// The place `request` asks for, if the client has registered it. Nobody has looked at where a
    /// client sends people that came by itself, so for those an ID token has to confirm that they are
    /// on their way back to it (section 3); without one they stay here.
    ///
    /// # Errors
    /// The text says what is wrong; the browser must not be redirected then (section 3).
    pub fn from_request(
        client: Option<&Client>,
        request: &EndSessionRequest,
    ) -> Result<Option<Self>, &'static str> {
        let Some(uri) = &request.post_logout_redirect_uri else { return Ok(None) };
        let client = client.ok_or(
            "The request names a page to return to but neither a valid id_token_hint nor a client_id.",
        )?;
        if !client.metadata.post_logout_redirect_uris.contains(uri) {
            return Err("The post_logout_redirect_uri is not registered for this app.");
        }
        if !client.origin.is_reviewed() && request.id_token_hint.is_none() {
            return Ok(None);
        }
        let Some(state) = &request.state else { return Ok(Some(Self(uri.clone()))) };
        let joint = if uri.contains('?') { '&' } else { '?' };
        let state: String = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("state", state)
            .finish();
        Ok(Some(Self(format!("{uri}{joint}{state}"))))
    }

    /// The complete URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether the person must be asked first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmation {
    /// The app proved with its ID token that it speaks of this very session.
    NotNeeded,
    /// Anybody could have made this link.
    Needed,
}

/// Decides for the session of this browser (section 2: the hint must be of the current person).
#[must_use]
pub fn confirmation(hint: Option<&Hint>, session: (&SessionId, &UserId)) -> Confirmation {
    match hint {
        Some(hint)
            if hint.user_id == *session.1
                && hint.session_id.as_ref().is_none_or(|id| id == session.0) =>
        {
            Confirmation::NotNeeded
        }
        _ => Confirmation::Needed,
    }
}

#[cfg(test)]
mod tests {
    use super::super::client::ClientOrigin;
    use super::super::client::tests::client;
    use super::*;

    fn after(query: &str) -> Result<Option<AfterLogout>, &'static str> {
        let mut client = client();
        client.metadata.post_logout_redirect_uris =
            vec!["https://rp.test/bye".into(), "https://rp.test/bye?a=1".into()];
        let request = EndSessionRequest::read(&Params::parse(query.as_bytes()).unwrap()).unwrap();
        AfterLogout::from_request(Some(&client), &request)
    }

    #[test]
    fn state_is_returned_exactly_and_alone() {
        let to =
            after("post_logout_redirect_uri=https://rp.test/bye&state=a%26b").unwrap().unwrap();
        assert_eq!(to.as_str(), "https://rp.test/bye?state=a%26b");
        let to =
            after("post_logout_redirect_uri=https://rp.test/bye?a%3D1&state=s").unwrap().unwrap();
        assert_eq!(to.as_str(), "https://rp.test/bye?a=1&state=s");
        let to = after("post_logout_redirect_uri=https://rp.test/bye").unwrap().unwrap();
        assert_eq!(to.as_str(), "https://rp.test/bye");
    }

    #[test]
    fn an_unregistered_uri_is_never_a_destination() {
        for bad in ["https://rp.test/bye?foo=bar", "https://evil.test/", "https://rp.test/bye/"] {
            assert!(after(&format!("post_logout_redirect_uri={bad}")).is_err());
        }
    }

    #[test]
    fn a_client_nobody_has_looked_at_gets_people_back_only_with_a_token_of_theirs() {
        let query = "post_logout_redirect_uri=https://rp.test/bye";
        for origin in [ClientOrigin::Dynamic, ClientOrigin::Document] {
            let mut client = Client { origin, ..client() };
            client.metadata.post_logout_redirect_uris = vec!["https://rp.test/bye".into()];
            let after = |query: &str| {
                let params = Params::parse(query.as_bytes()).unwrap();
                let request = EndSessionRequest::read(&params).unwrap();
                AfterLogout::from_request(Some(&client), &request)
            };
            assert_eq!(after(query), Ok(None));
            assert!(after(&format!("{query}&id_token_hint=x")).unwrap().is_some());
            assert!(after("post_logout_redirect_uri=https://evil.test/").is_err());
        }
    }

    #[test]
    fn only_a_hint_about_this_session_spares_the_question() {
        let (session, alice, bob) = (SessionId::new("s"), UserId::new("a"), UserId::new("b"));
        let hint = |user: &UserId, sid: &str| Hint {
            client_id: ClientId::new("c"),
            user_id: user.clone(),
            session_id: Some(SessionId::new(sid)),
        };
        let ask = |hint: Option<Hint>| confirmation(hint.as_ref(), (&session, &alice));
        assert_eq!(ask(Some(hint(&alice, "s"))), Confirmation::NotNeeded);
        assert_eq!(ask(Some(hint(&alice, "other"))), Confirmation::Needed);
        assert_eq!(ask(Some(hint(&bob, "s"))), Confirmation::Needed);
        assert_eq!(ask(None), Confirmation::Needed);
    }
}
