//! Rows to store.

use doorward::clock::UnixTime;
use doorward::protocol::app_roles::AppRoles;
use doorward::protocol::client::{Client, ClientMetadata, ClientOrigin};
use doorward::protocol::scope::Scopes;
use doorward::protocol::types::{ClientId, FamilyId, GrantId, SessionId, SigningAlg, UserId};
use doorward::protocol::user::{Profile, User};
use doorward::store::api::keys::ApiKey;
use doorward::store::audit::{AuditEvent, Outcome};
use doorward::store::grants::Grant;
use doorward::store::grants::refresh_families::{RefreshFamily, Rotation};
use doorward::store::keys::KeyRow;
use doorward::store::links::{LinkKind, OneTimeLink};
use doorward::store::outbox::Delivery;
use doorward::store::sessions::Session;
use doorward::store::webhooks::deliveries::{Delivered, State};

pub(crate) const NOW: UnixTime = UnixTime(1_763_700_000);

pub(crate) fn user(name: &str) -> User {
    User {
        id: UserId::new(format!("u-{name}")),
        username: name.to_owned(),
        email: Some(format!("{name}@example.test")),
        email_verified: true,
        name: Some(format!("{name} Ünder_score 100%")),
        profile: Profile {
            locale: Some("de".to_owned()),
            phone_number_verified: Some(false),
            ..Profile::default()
        },
        groups: Vec::new(),
        external_id: None,
        app_roles: AppRoles::default(),
        role: None,
        disabled_at: None,
        delete_at: None,
        token_version: 0,
        created_at: NOW,
        updated_at: NOW,
    }
}

pub(crate) fn client(id: &str) -> Client {
    Client {
        id: ClientId::new(id),
        metadata: ClientMetadata {
            client_name: format!("The {id} App"),
            redirect_uris: vec!["https://rp.test/cb?x=1".to_owned()],
            ..ClientMetadata::default()
        },
        origin: ClientOrigin::Manual,
        secret_hashes: vec!["h1".to_owned()],
        logo: None,
        disabled_at: None,
        token_version: 0,
        created_at: NOW,
        updated_at: NOW,
    }
}

pub(crate) fn session(id: &str, user: &str) -> Session {
    Session {
        id: SessionId::new(id),
        secret_hash: format!("hash-{id}"),
        user_id: UserId::new(user),
        auth_time: NOW,
        acr: "1".to_owned(),
        amr: vec!["pwd".to_owned()],
        device: "Firefox on Linux".to_owned(),
        address: "192.0.2.0/24".to_owned(),
        place: "Lisbon, Portugal".to_owned(),
        created_at: NOW,
        last_seen_at: NOW,
        idle_seconds: 3600,
        expires_at: NOW.plus(43_200),
        revoked_at: None,
    }
}

pub(crate) fn grant(id: &str, user: &str, client: &str) -> Grant {
    Grant {
        id: GrantId::new(id),
        user_id: UserId::new(user),
        client_id: ClientId::new(client),
        session_id: None,
        scopes: Scopes::from_tokens(["openid", "email"]),
        offline: false,
        auth_time: NOW,
        acr: "1".to_owned(),
        amr: vec!["pwd".to_owned(), "otp".to_owned()],
        details: doorward::protocol::token::grant::details::GrantDetails::default(),
        organisation: None,
        created_at: NOW,
        expires_at: NOW.plus(1_000),
        revoked_at: None,
    }
}

pub(crate) fn family(id: &str, grant: &str) -> RefreshFamily {
    RefreshFamily {
        id: FamilyId::new(id),
        grant_id: GrantId::new(grant),
        generation: 0,
        current_hash: "h0".to_owned(),
        previous_hash: None,
        rotated_at: None,
        successor_sealed: None,
        idle_seconds: 100,
        idle_expires_at: NOW.plus(100),
        expires_at: NOW.plus(1_000),
        created_at: NOW,
    }
}

pub(crate) fn rotation(family: &str, presented: &str, new: &str) -> Rotation {
    Rotation {
        family: FamilyId::new(family),
        presented_hash: presented.to_owned(),
        new_hash: new.to_owned(),
        successor_sealed: Some("sealed".to_owned()),
        now: NOW.plus(10),
        idle_expires_at: NOW.plus(110),
    }
}

pub(crate) fn key(kid: &str, state: &str) -> KeyRow {
    KeyRow {
        kid: kid.to_owned(),
        alg: SigningAlg::Es256,
        state: state.to_owned(),
        sealed_private: "sealed".to_owned(),
        public_jwk: serde_json::json!({ "kid": kid, "kty": "EC", "n": 1.5, "list": [1, null] }),
        created_at: NOW,
        activates_at: NOW,
        retires_at: None,
        remove_after: None,
    }
}

pub(crate) fn link(hash: &str, user: Option<&str>) -> OneTimeLink {
    OneTimeLink {
        hash: hash.to_owned(),
        kind: if user.is_some() { LinkKind::PasswordReset } else { LinkKind::Setup },
        user_id: user.map(UserId::new),
        session_id: None,
        made_by: None,
        created_at: NOW,
        expires_at: NOW.plus(1_800),
        used_at: None,
    }
}

pub(crate) fn event(id: &str, at: UnixTime) -> AuditEvent {
    AuditEvent {
        id: id.to_owned(),
        at,
        kind: "sign_in".to_owned(),
        outcome: Outcome::Failure,
        actor: Some("alice".to_owned()),
        user_id: Some("u-alice".to_owned()),
        client_id: None,
        session_id: None,
        address: Some("192.0.2.1".to_owned()),
        request_id: Some(format!("r-{id}")),
        detail: serde_json::json!({ "reason": "wrong password" }),
        seal: None,
    }
}

pub(crate) fn delivery(id: &str) -> Delivery {
    Delivery {
        id: id.to_owned(),
        kind: "notice".to_owned(),
        client_id: Some(ClientId::new("app")),
        payload: serde_json::json!({ "user_id": "u-alice", "n": 1.5 }),
        due_at: NOW,
        attempts: 0,
        created_at: NOW,
        expires_at: NOW.plus(86_400),
    }
}

/// A message that an endpoint took at the first try.
pub(crate) fn delivered(id: &str, webhook: &str, at: UnixTime) -> Delivered {
    Delivered {
        id: id.to_owned(),
        webhook_id: webhook.to_owned(),
        message_id: format!("message-{id}"),
        kind: "user.created".to_owned(),
        state: State::Arrived,
        attempts: 1,
        status: Some(200),
        duration_ms: 12,
        problem: None,
        created_at: at,
        last_at: at,
        expires_at: at.plus(1_000),
    }
}

/// A key of a person.
pub(crate) fn api_key(id: &str, user: &str, expires_at: UnixTime) -> ApiKey {
    ApiKey {
        id: id.to_owned(),
        hash: format!("hash-{id}"),
        user_id: UserId::new(user),
        name: "Prüfstand".to_owned(),
        scopes: Scopes::from_tokens(["doorward.users:read", "doorward.groups:write"]),
        created_at: NOW,
        expires_at,
        last_used_at: None,
        revoked_at: None,
    }
}
