//! The changes made with the REST API.

use reqwest::Method;
use serde_json::{Value, json};

use super::{C, Change, ELSEWHERE, Hand, NOWHERE, PASSWORD, Subject};
use crate::kit::api::{is, sent, tag};
use crate::kit::console::ISSUER_KEYS;
use crate::kit::flow::PATIENCE;
use crate::kit::pictures::png;
use crate::support::process::wait_until_async;

impl Hand<'_> {
    #[expect(clippy::too_many_lines, reason = "one arm for every change")]
    pub(super) async fn by_api(&self, change: Change, subject: &Subject) {
        let name = self.name;
        let role = format!("/clients/{name}/roles/writer");
        let Subject { id, line } = subject;
        let none = json!({});
        let metadata = json!({
            "client_name": name, "redirect_uris": ["https://rp.test/cb"], "scope": ["openid"],
        });
        let team = format!("{name}-team");
        let (org, hook) = (format!("/organisations/{name}-org"), format!("/webhooks/{id}"));
        let keys: Value = serde_json::from_str(ISSUER_KEYS).expect("keys");
        let rules = |sub: &str| json!([{ "client_id": name, "match": { "sub": sub } }]);
        let (method, path, body) = match change {
            C::ApiKeyMade | C::BackupMade | C::PeopleImported => unreachable!("{change:?}"),
            C::PersonRenamed => {
                (Method::PATCH, format!("/users/{name}"), json!({ "name": "Somebody" }))
            }
            C::ProfileChanged => {
                let known = json!({ "nickname": "Some", "address": { "country": "UK" } });
                (Method::PATCH, format!("/users/{name}"), json!({ "profile": known }))
            }
            C::ConsoleRoleGiven => {
                (Method::PATCH, format!("/users/{name}"), json!({ "role": "auditor" }))
            }
            C::ConsoleRoleTaken => {
                (Method::PATCH, format!("/users/{name}"), json!({ "role": null }))
            }
            C::LinkMade => (Method::POST, format!("/users/{name}/reset-link"), none),
            C::TemporaryPasswordGiven => {
                (Method::POST, format!("/users/{name}/temporary-password"), none)
            }
            C::AppTakenBack => (Method::DELETE, "/users/alice/apps/diary".into(), none),
            C::ConnectionEnded => (Method::DELETE, format!("/users/alice/connections/{id}"), none),
            C::SessionsEnded => {
                (Method::POST, "/sessions/end".into(), json!({ "client_id": "shop" }))
            }
            C::SessionEnded => (Method::DELETE, format!("/sessions/{id}"), none),
            C::OrganisationCreated => {
                (Method::POST, "/organisations".into(), json!({ "name": format!("{name}-org") }))
            }
            C::OrganisationMemberAdded => (Method::PUT, format!("{org}/members/{name}"), none),
            C::OrganisationMemberRemoved => (Method::DELETE, format!("{org}/members/{name}"), none),
            C::OrganisationRenamed => (Method::PATCH, org, json!({ "display_name": "Orchard" })),
            C::OrganisationDeleted => (Method::DELETE, org, none),
            C::LogoSet => return self.puts_picture(&format!("/clients/{name}/logo")).await,
            C::LogoRemoved => (Method::DELETE, format!("/clients/{name}/logo"), none),
            C::IssuerTrusted => {
                let iss = format!("https://{name}.test");
                let rules = rules("prod:backup");
                let new = json!({ "name": name, "issuer": iss, "jwks": keys, "rules": rules });
                (Method::POST, "/issuers".into(), new)
            }
            C::IssuerChanged => {
                let change = json!({ "rules": rules("prod:*") });
                (Method::PATCH, format!("/issuers/{name}"), change)
            }
            C::IssuerDisabled => (Method::POST, format!("/issuers/{name}/disable"), none),
            C::IssuerEnabled => (Method::POST, format!("/issuers/{name}/enable"), none),
            C::IssuerDistrusted => (Method::DELETE, format!("/issuers/{name}"), none),
            C::KeyRetired => (Method::DELETE, format!("/keys/{id}"), none),
            C::SettingSet => {
                self.uses("PUT /settings/session.idle");
                self.sets_idle().await;
                return;
            }
            C::SettingUnset => (Method::DELETE, "/settings/session.idle".into(), none),
            C::BrandLogoSet => return self.puts_picture("/branding/logo").await,
            C::BrandLogoRemoved => (Method::DELETE, "/branding/logo".into(), none),
            C::WebhookAdded => {
                let events = ["key.*"];
                let hook =
                    json!({ "name": format!("{name}-hook"), "url": NOWHERE, "events": events });
                (Method::POST, "/webhooks".into(), hook)
            }
            C::WebhookChanged => (Method::PATCH, hook, json!({ "events": ["backup.made"] })),
            C::WebhookTested => (Method::POST, format!("{hook}/test"), none),
            C::WebhookSecret => (Method::POST, format!("{hook}/secret"), none),
            C::WebhookDisabled => (Method::POST, format!("{hook}/disable"), none),
            C::WebhookEnabled => (Method::POST, format!("{hook}/enable"), none),
            C::WebhookDeleted => (Method::DELETE, hook, none),
            C::PersonCreated => {
                let email = format!("{name}@example.test");
                (Method::POST, "/users".into(), json!({ "username": name, "email": email }))
            }
            C::PersonDisabled => (Method::POST, format!("/users/{name}/disable"), none),
            C::PersonEnabled | C::PersonBroughtBack => {
                (Method::POST, format!("/users/{name}/enable"), none)
            }
            C::SignedOut => (Method::POST, "/users/alice/sign-out".into(), none),
            C::GroupCreated => (Method::POST, "/groups".into(), json!({ "name": name })),
            C::MemberAdded => (Method::PUT, format!("/groups/{name}/members/{name}"), none),
            C::ManagerAdded => (Method::PUT, format!("/groups/{name}/managers/{name}"), none),
            C::ManagerRemoved => (Method::DELETE, format!("/groups/{name}/managers/{name}"), none),
            C::MemberRemoved => (Method::DELETE, format!("/groups/{name}/members/{name}"), none),
            C::GroupRenamed => (Method::PATCH, format!("/groups/{name}"), json!({ "name": team })),
            C::GroupDeleted => (Method::DELETE, format!("/groups/{team}"), none),
            C::AppCreated => {
                let made = json!({ "client_id": name, "metadata": metadata });
                (Method::POST, "/clients".into(), made)
            }
            C::RoleCreated => {
                (Method::POST, format!("/clients/{name}/roles"), json!({ "name": "writer" }))
            }
            C::RoleDescribed => (Method::PATCH, role, json!({ "description": "Writes." })),
            C::RoleGiven => (Method::PUT, format!("{role}/users/{name}"), none),
            C::RoleGivenToGroup => (Method::PUT, format!("{role}/groups/crew"), none),
            C::RoleTaken => (Method::DELETE, format!("{role}/users/{name}"), none),
            C::RoleTakenFromGroup => (Method::DELETE, format!("{role}/groups/crew"), none),
            C::RoleDeleted => (Method::DELETE, role, none),
            C::Previewed => {
                let wish = json!({ "user": "alice", "scope": ["openid"] });
                (Method::POST, format!("/clients/{name}/preview"), wish)
            }
            C::MessageHurried => (Method::POST, format!("/jobs/{id}/retry"), none),
            C::MessageDiscarded => (Method::DELETE, format!("/jobs/{id}"), none),
            C::MessageRepeated => {
                (Method::POST, format!("/webhooks/{id}/deliveries/{line}/redeliver"), none)
            }
            C::MailTested => {
                (Method::POST, "/mail/test".into(), json!({ "to": "ada@example.test" }))
            }
            C::ApiKeyRevoked => (Method::DELETE, format!("/api-keys/{id}"), none),
            C::RegistrationTokenMade => {
                (Method::POST, "/registration-tokens".into(), json!({ "label": name }))
            }
            C::RegistrationTokenRevoked => {
                (Method::DELETE, format!("/registration-tokens/{id}"), none)
            }
            C::RegistrationAccessEnded => {
                (Method::POST, format!("/clients/{id}/revoke-registration"), none)
            }
            C::AppRenamed => {
                let renamed = json!({ "metadata": { "client_name": team } });
                (Method::PATCH, format!("/clients/{name}"), renamed)
            }
            C::SecretRotated => (Method::POST, format!("/clients/{name}/secret"), none),
            C::SecretAdded => (Method::POST, format!("/clients/{name}/secrets"), none),
            C::SecretRetired => (Method::DELETE, format!("/clients/{name}/secrets/{id}"), none),
            C::AppDisabled => (Method::POST, format!("/clients/{name}/disable"), none),
            C::AppEnabled => (Method::POST, format!("/clients/{name}/enable"), none),
            C::AppDeleted => (Method::DELETE, format!("/clients/{name}"), none),
            C::KeyRotated => (Method::POST, "/keys/rotate".into(), json!({ "alg": "ES256" })),
            C::PersonDeletedLater => (Method::POST, format!("/users/{name}/delete-later"), none),
            C::UpstreamAdded => {
                let provider = json!({
                    "slug": name, "display_name": name, "issuer": ELSEWHERE, "client_id": "doorward",
                    "client_secret": PASSWORD,
                });
                (Method::POST, "/upstream-providers".into(), provider)
            }
            C::UpstreamRenamed => (
                Method::PATCH,
                format!("/upstream-providers/{name}"),
                json!({ "display_name": team }),
            ),
            C::UpstreamSecret => {
                let secret = json!({ "client_secret": "another one" });
                (Method::PATCH, format!("/upstream-providers/{name}"), secret)
            }
            C::UpstreamTested => (Method::POST, format!("/upstream-providers/{name}/test"), none),
            C::UpstreamDisabled => {
                (Method::POST, format!("/upstream-providers/{name}/disable"), none)
            }
            C::UpstreamEnabled => {
                (Method::POST, format!("/upstream-providers/{name}/enable"), none)
            }
            C::UpstreamDeleted => (Method::DELETE, format!("/upstream-providers/{name}"), none),
            C::PersonDeleted => (Method::DELETE, format!("/users/{name}"), none),
        };
        self.uses(&format!("{method} {path}"));
        let answer = match method {
            Method::POST => self.api.post(&path, &body).await,
            Method::PATCH => self.api.patch_now(&path, &body).await,
            other => self.api.command(other, &path).await,
        };
        assert!(answer.status < 300, "{change:?}: {} {}", answer.status, answer.text);
    }

    /// Unsets it, and waits until the server has heard of that and of everything before.
    pub(super) async fn idle_is_usual(&self) {
        self.world.cli(&["setting", "unset", "session.idle"]);
        wait_until_async("the setting as usual", PATIENCE, async || {
            self.api.get("/settings/session.idle").await.json()["value"] != 1201
        })
        .await;
    }

    /// Sets what nobody has set, or somebody has.
    pub(super) async fn sets_idle(&self) {
        let path = "/settings/session.idle";
        let tag = tag(&is(self.api.get(path).await, 200));
        let request = self.api.request(Method::PUT, path).header("if-match", tag);
        is(sent(request.json(&json!({ "value": 1201 }))).await, 200);
    }

    async fn puts_picture(&self, path: &str) {
        self.uses(&format!("PUT {path}"));
        let request = self.api.request(Method::PUT, path).header("content-type", "image/png");
        let answer = sent(request.body(png(90))).await;
        assert!(answer.status < 300, "{path}: {}", answer.text);
    }
}
