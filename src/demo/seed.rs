//! The people and clients the demo provider is filled with, and the sample apps that match them.
//! The passwords are printed on the sample apps' pages and the client secret is in the source:
//! both are worthless outside the demo, which listens on the loopback interface only.

use super::{DemoApp, Theme};
use crate::clock::Clock;
use crate::protocol::client::{
    AuthMethod, ClientKind, ClientMetadata, ConsentPolicy, GrantType, PkcePolicy, RevocationChoice,
};
use crate::protocol::scope::Scopes;
use crate::protocol::types::{ClientId, SigningAlg};
use crate::protocol::user::{Address, AdminRole, Profile};

/// The highest port the demo provider can use, since the sample apps take the next two.
pub const HIGHEST_PORT: u16 = u16::MAX - 2;

/// What both sample apps ask for. Not `offline_access`: their refresh tokens belong to the SSO
/// session and end with it, which is what signing out everywhere is about.
pub(super) const SCOPES: [&str; 6] = ["openid", "profile", "email", "phone", "address", "groups"];

/// A person the demo provider knows from the start.
#[derive(Debug, Clone, Copy)]
pub struct DemoPerson {
    pub username: &'static str,
    /// In plain text, since the sample apps' pages show it.
    pub password: &'static str,
    /// The `name` claim.
    pub name: &'static str,
    pub email: &'static str,
    pub groups: &'static [&'static str],
    /// The right to use the console.
    pub role: Option<AdminRole>,
    given_name: &'static str,
    middle_name: &'static str,
    family_name: &'static str,
    nickname: &'static str,
    gender: &'static str,
    birthdate: &'static str,
    zoneinfo: &'static str,
    locale: &'static str,
    phone_number: &'static str,
    street: &'static str,
    locality: &'static str,
    region: &'static str,
    postal_code: &'static str,
    country: &'static str,
}

/// The people of the demo. Alice is also the owner, so that the console can be looked at.
pub const SEED: [DemoPerson; 2] = [
    DemoPerson {
        username: "alice",
        password: "alice-opens-doors",
        name: "Alice Maria Archer",
        email: "alice@example.com",
        groups: &["admins", "staff"],
        role: Some(AdminRole::Owner),
        given_name: "Alice",
        middle_name: "Maria",
        family_name: "Archer",
        nickname: "Ally",
        gender: "female",
        birthdate: "1990-04-23",
        zoneinfo: "Europe/Lisbon",
        locale: "en-GB",
        phone_number: "+351 210 000 001",
        street: "Rua do Pomar 12",
        locality: "Lisboa",
        region: "Lisboa",
        postal_code: "1200-001",
        country: "Portugal",
    },
    DemoPerson {
        username: "bob",
        password: "bob-opens-doors",
        name: "Bob James Baker",
        email: "bob@example.com",
        groups: &["staff"],
        role: None,
        given_name: "Bob",
        middle_name: "James",
        family_name: "Baker",
        nickname: "Bobby",
        gender: "male",
        birthdate: "1985-11-02",
        zoneinfo: "America/Halifax",
        locale: "en-CA",
        phone_number: "+1 902 555 0100",
        street: "7 Lighthouse Road",
        locality: "Halifax",
        region: "Nova Scotia",
        postal_code: "B3H 0A1",
        country: "Canada",
    },
];

impl DemoPerson {
    /// Every standard claim that [`Profile`] can hold, so that each scope has all its claims to
    /// show. `preferred_username` and `updated_at` come from the account itself.
    #[must_use]
    pub fn profile(&self) -> Profile {
        let text = |value: &str| Some(value.to_owned());
        let page = |kind: &str| Some(format!("https://example.com/{}/{kind}", self.username));
        Profile {
            given_name: text(self.given_name),
            family_name: text(self.family_name),
            middle_name: text(self.middle_name),
            nickname: text(self.nickname),
            profile: page("profile"),
            picture: page("picture.png"),
            website: page("blog"),
            gender: text(self.gender),
            birthdate: text(self.birthdate),
            zoneinfo: text(self.zoneinfo),
            locale: text(self.locale),
            phone_number: text(self.phone_number),
            phone_number_verified: Some(true),
            address: Some(Address {
                formatted: Some(format!(
                    "{}\n{} {}\n{}",
                    self.street, self.postal_code, self.locality, self.country
                )),
                street_address: text(self.street),
                locality: text(self.locality),
                region: text(self.region),
                postal_code: text(self.postal_code),
                country: text(self.country),
            }),
        }
    }
}

/// A client the demo provider must know, to be inserted or brought up to date at start.
#[derive(Debug, Clone)]
pub struct DemoClient {
    pub id: ClientId,
    pub metadata: ClientMetadata,
    /// The client secret in plain text; `None` for the public client.
    pub secret: Option<&'static str>,
}

/// What tells the two sample apps apart.
struct Sample {
    id: &'static str,
    name: &'static str,
    tagline: &'static str,
    theme: Theme,
    secret: Option<&'static str>,
}

const SAMPLES: [Sample; 2] = [
    Sample {
        id: "orchard",
        name: "Orchard",
        tagline: "Where the team plans the harvest",
        theme: Theme::Orchard,
        secret: Some("orchard-demo-secret-known-to-everyone-loopback-only"),
    },
    Sample {
        id: "lighthouse",
        name: "Lighthouse",
        tagline: "Where the night watch keeps its log",
        theme: Theme::Lighthouse,
        secret: None,
    },
];

/// Where the provider of a demo on `port` is reached.
fn issuer(port: u16) -> String {
    format!("http://localhost:{port}")
}

/// Where the sample app is reached that stands `place` doors down from the provider.
fn base_url(port: u16, place: u16) -> String {
    format!("http://localhost:{}", port.saturating_add(place))
}

/// The clients of a demo whose provider is on `port` (at most [`HIGHEST_PORT`]).
///
/// Orchard shows the defaults most apps use: RS256 and JWT access tokens. Lighthouse shows the
/// other choices: ES256 and opaque access tokens. Neither asks for consent, as an organisation's
/// own apps would not, so that the second app opens without a form.
#[must_use]
pub fn clients(port: u16) -> Vec<DemoClient> {
    SAMPLES.iter().zip(1..).map(|(sample, place)| client(sample, &base_url(port, place))).collect()
}

fn client(sample: &Sample, base_url: &str) -> DemoClient {
    let common = ClientMetadata {
        client_name: sample.name.to_owned(),
        redirect_uris: vec![format!("{base_url}/callback")],
        post_logout_redirect_uris: vec![format!("{base_url}/signed-out")],
        scope: Scopes::from_tokens(SCOPES),
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        pkce: PkcePolicy::Required,
        consent: ConsentPolicy::Skip,
        client_uri: Some(base_url.to_owned()),
        ..ClientMetadata::default()
    };
    let metadata = match sample.theme {
        Theme::Orchard => ClientMetadata {
            kind: ClientKind::Web,
            token_endpoint_auth_method: AuthMethod::ClientSecretBasic,
            ..common
        },
        Theme::Lighthouse => ClientMetadata {
            kind: ClientKind::Spa,
            token_endpoint_auth_method: AuthMethod::None,
            id_token_signed_response_alg: SigningAlg::Es256,
            revocation: RevocationChoice::Opaque,
            ..common
        },
    };
    DemoClient { id: ClientId::new(sample.id), metadata, secret: sample.secret }
}

/// The sample apps of a demo whose provider is on `port` (at most [`HIGHEST_PORT`]): Orchard for
/// `port + 1`, then Lighthouse for `port + 2`.
#[must_use]
pub fn apps(port: u16, clock: &Clock) -> Vec<DemoApp> {
    let mut apps: Vec<DemoApp> = SAMPLES
        .iter()
        .zip(1..)
        .map(|(sample, place)| DemoApp {
            name: sample.name.to_owned(),
            tagline: sample.tagline.to_owned(),
            theme: sample.theme,
            base_url: base_url(port, place),
            issuer: issuer(port),
            client_id: sample.id.to_owned(),
            client_secret: sample.secret.map(str::to_owned),
            peer: (String::new(), String::new()),
            clock: clock.clone(),
        })
        .collect();
    if let [first, second] = apps.as_mut_slice() {
        first.peer = (second.name.clone(), second.base_url.clone());
        second.peer = (first.name.clone(), first.base_url.clone());
    }
    apps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_demo_password_is_long_enough_for_the_password_policy() {
        for person in SEED {
            assert!(person.password.len() >= 12, "{}", person.username);
        }
    }

    #[test]
    fn demo_people_have_every_standard_claim() {
        for person in SEED {
            let profile = serde_json::to_value(person.profile()).unwrap();
            let claims = profile.as_object().unwrap();
            // Profile minus nothing: every optional field is present and none is empty.
            assert_eq!(claims.len(), 14, "{claims:?}");
            assert!(claims.values().all(|value| value != ""));
            assert_eq!(claims["address"].as_object().unwrap().len(), 6);
        }
    }

    #[test]
    fn each_app_has_a_client_with_exactly_its_own_redirect_uris() {
        let clients = clients(8080);
        let apps = apps(8080, &Clock::System);
        assert_eq!(clients.len(), 2);
        for (app, client) in apps.iter().zip(&clients) {
            assert_eq!(app.client_id, client.id.as_str());
            assert_eq!(app.client_secret.as_deref(), client.secret);
            assert_eq!(client.metadata.redirect_uris, [format!("{}/callback", app.base_url)]);
            assert_eq!(
                client.metadata.post_logout_redirect_uris,
                [format!("{}/signed-out", app.base_url)]
            );
        }
        assert_eq!(apps[0].base_url, "http://localhost:8081");
        assert_eq!(apps[1].base_url, "http://localhost:8082");
        assert_eq!(apps[1].peer, ("Orchard".to_owned(), apps[0].base_url.clone()));
    }

    #[test]
    fn only_the_confidential_client_has_a_secret() {
        for client in clients(8080) {
            assert_eq!(client.secret.is_some(), client.metadata.kind.is_confidential());
        }
    }
}
