//! Device authorization (RFC 8628): a device without a browser shows a short code, and the person
//! types it in on another device where they can sign in.
//!
//! ```text
//! begin ──▶ Pending ── allow ──▶ Allowed ──▶ the device's next poll makes the grant
//!              └────── deny ───▶ Denied
//! ```

use serde::{Deserialize, Serialize};

use super::client::{Client, GrantType};
use super::error::{ErrorCode, OAuthError};
use super::params::Params;
use super::scope::Scopes;
use super::types::{ClientId, GrantId, SessionId, UserId};
use super::user::Footing;
use crate::clock::{Seconds, UnixTime};
use crate::protocol::authorize::target;
use crate::protocol::token::grant::details::GrantDetails;

/// The letters of user codes: no vowels, so that no code spells a word, and nothing that is read
/// as something else (RFC 8628 section 6.1).
const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// 20^8 codes, of which a handful are alive at a time: guessing one is hopeless under the throttle.
const LETTERS: usize = 8;
/// Longer texts are no codes, however they are written.
const MAX_TYPED: usize = 64;

/// What the person types in. Eight letters, shown as `BCDF-GHJK`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserCode(String);

impl UserCode {
    /// A code from unpredictable bytes, every code as likely as every other; `None` when too few
    /// of the bytes could be used, so that the caller brings fresh ones.
    #[must_use]
    pub fn from_random(bytes: &[u8]) -> Option<Self> {
        // Above the last full round the first letters would come up more often.
        let fair = 256 - 256 % ALPHABET.len();
        let letters = bytes.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < fair);
        let letters = letters.filter_map(|byte| ALPHABET.get(byte % ALPHABET.len()));
        let code: String = letters.take(LETTERS).map(|letter| char::from(*letter)).collect();
        (code.len() == LETTERS).then_some(Self(code))
    }

    /// Reads what somebody typed: in any case, with or without spaces and dashes of any kind
    /// (RFC 8628 section 6.1).
    #[must_use]
    pub fn parse(typed: &str) -> Option<Self> {
        if typed.len() > MAX_TYPED {
            return None;
        }
        let letters = typed.chars().filter(|c| !is_separator(*c)).map(|c| c.to_ascii_uppercase());
        let code: String = letters.collect();
        let known = |byte: u8| ALPHABET.contains(&byte);
        (code.len() == LETTERS && code.bytes().all(known)).then_some(Self(code))
    }

    /// The letters alone.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for UserCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (left, right) = self.0.split_at(LETTERS / 2);
        write!(f, "{left}-{right}")
    }
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, '-' | '_' | '.' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// One device waiting to be let in, kept under the hash of its device code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRecord {
    /// The grant that redeeming will insert: the single-use gate.
    pub grant_id: GrantId,
    pub client_id: ClientId,
    pub scopes: Scopes,
    #[serde(default)]
    pub details: GrantDetails,
    /// Where the device asked from, for the person to compare.
    pub address: Option<String>,
    pub requested_at: UnixTime,
    /// When the client was made; not known of one that another version has written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_since: Option<UnixTime>,
    /// The client's token version then: what ends its tokens together ends the code; not known of a client that
    /// was not stored, before somebody answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_version: Option<i64>,
    pub expires_at: UnixTime,
    pub state: DeviceState,
}

/// How far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceState {
    /// Nobody has answered yet.
    Pending,
    Allowed(Approval),
    Denied,
}

/// Who let the device in, and how they had signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    pub user_id: UserId,
    /// The person's token version then: disabling the account afterwards takes the answer back.
    pub user_version: i64,
    /// The person's sign-in epoch then: so does ending their sessions together.
    #[serde(default)]
    pub sign_in_epoch: i64,
    /// Where they answered: so does ending this session. One that no session was noted for is not
    /// redeemed.
    #[serde(default = "no_session")]
    pub session_id: SessionId,
    /// How often they had taken back by then what they allowed the client: allowing it anew does not bring the
    /// answer back. Not known of one that another version has written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawals: Option<i64>,
    pub auth_time: UnixTime,
    pub acr: String,
    pub amr: Vec<String>,
}

/// Before sessions were noted; codes are forgotten within minutes.
fn no_session() -> SessionId {
    SessionId::new("")
}

impl Approval {
    /// What the answer stands on.
    #[must_use]
    pub fn footing(&self) -> Footing {
        Footing { token_version: self.user_version, sign_in_epoch: self.sign_in_epoch }
    }
}

/// It was answered before, or nobody did in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no device waits for this answer any more")]
pub struct NotPending;

impl DeviceRecord {
    /// Whether an answer still counts.
    #[must_use]
    pub fn is_pending(&self, now: UnixTime) -> bool {
        self.state == DeviceState::Pending && now < self.expires_at
    }

    /// Whether who signed in at `auth_time` has to do so again before they answer: the client has a
    /// `default_max_age` (OpenID Connect Registration section 2). Signing in since the device asked is
    /// recent enough for any.
    #[must_use]
    pub fn needs_fresh_sign_in(&self, client: &Client, auth_time: UnixTime, now: UnixTime) -> bool {
        let too_old = |max: Seconds| max == 0 || now.since(auth_time) > max;
        auth_time < self.requested_at && client.metadata.default_max_age.is_some_and(too_old)
    }

    /// The person lets it in.
    ///
    /// # Errors
    /// [`NotPending`].
    pub fn allow(self, approval: Approval, now: UnixTime) -> Result<Self, NotPending> {
        self.answer(DeviceState::Allowed(approval), now)
    }

    /// The person does not.
    ///
    /// # Errors
    /// [`NotPending`].
    pub fn deny(self, now: UnixTime) -> Result<Self, NotPending> {
        self.answer(DeviceState::Denied, now)
    }

    fn answer(self, state: DeviceState, now: UnixTime) -> Result<Self, NotPending> {
        if self.is_pending(now) { Ok(Self { state, ..self }) } else { Err(NotPending) }
    }
}

/// What a device may ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRequest {
    pub scopes: Scopes,
    pub details: GrantDetails,
}

impl DeviceRequest {
    /// Checks a request of an authenticated client (RFC 8628 section 3.1). Scopes that are unknown
    /// or not allowed are left out, as at the authorization endpoint; without `scope` it is about
    /// everything the client is registered for.
    ///
    /// # Errors
    /// `unauthorized_client`, `invalid_scope`, `invalid_target`, `invalid_authorization_details`,
    /// `invalid_request`.
    pub fn read(client: &Client, params: &Params) -> Result<Self, OAuthError> {
        if !client.allows(GrantType::DeviceCode) {
            return Err(OAuthError::new(
                ErrorCode::UnauthorizedClient,
                "This client is not registered for the device_code grant.",
            ));
        }
        // RFC 9396 section 5: what is asked for in vain must not look granted.
        if params.has("authorization_details") {
            return Err(OAuthError::new(
                ErrorCode::InvalidAuthorizationDetails,
                "authorization_details are not taken from devices.",
            ));
        }
        let resources = target::resources(params)?;
        target::audience(client, &[], &resources)?;
        let details = GrantDetails { resources, ..GrantDetails::default() };
        Ok(Self { scopes: scopes(client, params)?, details })
    }
}

fn scopes(client: &Client, params: &Params) -> Result<Scopes, OAuthError> {
    let registered = &client.metadata.scope;
    let requested = match params.get("scope")? {
        Some(text) => Scopes::parse(text).ok_or_else(|| {
            OAuthError::invalid_scope(
                "scope has a character that is not allowed, or too many values.",
            )
        })?,
        None => registered.clone(),
    };
    let refreshes = client.allows(GrantType::RefreshToken);
    let allowed = requested.intersection(registered);
    let allowed = allowed.iter().filter(|token| refreshes || *token != "offline_access");
    let allowed = Scopes::from_tokens(allowed);
    if allowed.is_empty() {
        return Err(OAuthError::invalid_scope("This client may use none of the requested scopes."));
    }
    Ok(allowed)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::client::tests::client;
    use super::*;

    pub(crate) fn record() -> DeviceRecord {
        DeviceRecord {
            grant_id: GrantId::new("g"),
            client_id: ClientId::new("conf-basic"),
            scopes: Scopes::from_tokens(["openid"]),
            details: GrantDetails::default(),
            address: None,
            requested_at: UnixTime(0),
            client_since: None,
            client_version: None,
            expires_at: UnixTime(600),
            state: DeviceState::Pending,
        }
    }

    pub(crate) fn approval() -> Approval {
        Approval {
            user_id: UserId::new("alice"),
            user_version: 0,
            sign_in_epoch: 0,
            session_id: SessionId::new("s"),
            withdrawals: None,
            auth_time: UnixTime(1),
            acr: "aal1".into(),
            amr: vec!["pwd".into()],
        }
    }

    #[test]
    fn a_code_is_read_in_any_case_with_or_without_spaces_and_dashes() {
        let code = UserCode::parse("BCDF-GHJK").unwrap();
        for typed in [
            "bcdfghjk",
            " bcdf ghjk ",
            "BCDF\u{2013}GHJK",
            "b-c-d-f-g-h-j-k",
            "BcDf\u{a0}gHjK",
            "bcdf.ghjk",
        ] {
            assert_eq!(UserCode::parse(typed), Some(code.clone()), "{typed:?}");
        }
        assert_eq!(code.to_string(), "BCDF-GHJK");
    }

    #[test]
    fn what_is_no_code_is_not_read_as_one() {
        for typed in ["", "BCDFGHJ", "BCDFGHJKL", "ABCDFGHJ", "BCDF-GHJ0", "ßCDFGHJK", "ＢCDFGHJK"]
        {
            assert_eq!(UserCode::parse(typed), None, "{typed:?}");
        }
        assert_eq!(UserCode::parse(&format!("BCDFGHJK{}", " ".repeat(100))), None);
    }

    #[test]
    fn every_letter_is_as_likely_as_every_other() {
        let mut counts = [0_u32; 256];
        for byte in 0..=255_u8 {
            let bytes = [byte, 0, 0, 0, 0, 0, 0, 0];
            let Some(code) = UserCode::from_random(&bytes) else { continue };
            counts[usize::from(code.as_str().as_bytes()[0])] += 1;
        }
        for letter in ALPHABET {
            assert_eq!(counts[usize::from(*letter)], 12, "{}", char::from(*letter));
        }
        assert_eq!(UserCode::from_random(&[255; 40]), None, "bytes beyond the last full round");
        assert_eq!(UserCode::from_random(&[7; 7]), None, "too few bytes");
    }

    #[test]
    fn an_answer_counts_once_and_in_time() {
        let allowed = record().allow(approval(), UnixTime(599)).unwrap();
        assert_eq!(allowed.clone().deny(UnixTime(599)), Err(NotPending));
        assert_eq!(allowed.allow(approval(), UnixTime(599)), Err(NotPending));
        let denied = record().deny(UnixTime(1)).unwrap();
        assert_eq!(denied.allow(approval(), UnixTime(1)), Err(NotPending));
        assert_eq!(record().allow(approval(), UnixTime(600)), Err(NotPending));
    }

    #[test]
    fn an_answer_from_before_sessions_were_noted_is_read_and_belongs_to_none() {
        let old = r#"{"user_id":"a","user_version":3,"auth_time":1,"acr":"aal1","amr":["pwd"]}"#;
        let read: Approval = serde_json::from_str(old).unwrap();
        assert_eq!(read.footing(), Footing { token_version: 3, sign_in_epoch: 0 });
        assert_eq!(read.session_id.as_str(), "");
    }

    #[test]
    fn a_device_asks_for_what_its_client_is_registered_for() {
        let mut device = client();
        let read = |client: &Client, query: &str| {
            DeviceRequest::read(client, &Params::parse(query.as_bytes()).unwrap())
        };
        assert_eq!(read(&device, "").unwrap_err().code.as_str(), "unauthorized_client");
        device.metadata.grant_types = vec![GrantType::DeviceCode];
        device.metadata.scope = Scopes::parse("openid email offline_access").unwrap();
        let scopes = |query: &str| read(&device, query).map(|r| r.scopes.to_string());
        assert_eq!(scopes("").unwrap(), "openid email");
        assert_eq!(scopes("scope=openid+offline_access+warp").unwrap(), "openid");
        assert!(scopes("scope=warp").is_err());
        assert!(read(&device, "resource=https://evil.test").is_err());
        let details = read(&device, "authorization_details=%5B%5D").unwrap_err();
        assert_eq!(details.code.as_str(), "invalid_authorization_details");
    }

    proptest::proptest! {
        #[test]
        fn any_code_is_read_back_however_it_is_written(
            bytes in proptest::collection::vec(0u8..240, 8), dashes: bool, lower: bool
        ) {
            let code = UserCode::from_random(&bytes).unwrap();
            let mut text = if dashes { code.to_string() } else { code.as_str().to_owned() };
            if lower {
                text = text.to_lowercase();
            }
            proptest::prop_assert_eq!(UserCode::parse(&text), Some(code));
        }
    }
}
