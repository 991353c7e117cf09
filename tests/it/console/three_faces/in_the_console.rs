//! The changes made in the console.

use super::{C, CHANGES, Change, ELSEWHERE, Hand, NOWHERE, PASSWORD, Subject};
use crate::kit::console::{app_fields, id_behind, issuer_fields};
use crate::kit::imports;
use crate::kit::pictures::{png, upload};
use crate::kit::upstream;

impl Hand<'_> {
    #[expect(clippy::too_many_lines, reason = "one arm for every change")]
    pub(super) async fn in_the_console(&self, change: Change, subject: &Subject) {
        let name = self.name;
        let Subject { id, line } = subject;
        let (email, team) = (format!("{name}@example.test"), format!("{name}-team"));
        let (person, alice) = (format!("/admin/users/{name}"), "/admin/users/alice");
        let (group, app) = (format!("/admin/groups/{name}"), self.app_path(change).await);
        let provider = format!("/admin/upstream/{name}");
        let hook = format!("/admin/webhooks/{id}");
        let issuer = format!("/admin/issuers/{name}");
        let org = format!("/admin/organisations/{name}-org");
        match change {
            C::PeopleImported => {
                let people = format!("username,groups\n{name}-imported,{name}-imported\n");
                self.uses("POST /admin/users/import/start");
                imports::send(self.owner, ("people.csv", people.as_bytes()), &[])
                    .await
                    .assert_status(303);
                imports::ended(self.owner).await;
            }
            C::PersonRenamed => self.submit(&person, "user", &[("name", "Somebody")]).await,
            C::ProfileChanged => {
                self.submit(&person, "user", &[("nickname", "Some"), ("country", "UK")]).await;
            }
            C::ConsoleRoleGiven => self.submit(&person, "user", &[("role", "auditor")]).await,
            C::ConsoleRoleTaken => self.submit(&person, "user", &[("role", "none")]).await,
            C::LinkMade => self.post(&format!("{person}/reset-link"), &[]).await,
            C::TemporaryPasswordGiven => {
                self.post(&format!("{person}/temporary-password"), &[]).await;
            }
            C::SessionEnded => self.post(&format!("/admin/sessions/{id}/end"), &[]).await,
            C::OrganisationCreated => {
                let named = format!("{name}-org");
                self.submit("/admin/organisations", "organisation", &[("name", &named)]).await;
            }
            C::OrganisationMemberAdded => {
                self.post(&format!("{org}/add-member"), &[("member", name)]).await;
            }
            C::OrganisationMemberRemoved => {
                self.post(&format!("{org}/remove-member"), &[("member", name)]).await;
            }
            C::OrganisationRenamed => {
                self.submit(&org, "organisation", &[("display_name", "Orchard")]).await;
            }
            C::OrganisationDeleted => {
                let typed = format!("{name}-org");
                self.post(&format!("{org}/delete"), &[("name", &typed)]).await;
            }
            C::LogoSet => self.uploads(&format!("{app}/logo")).await,
            C::LogoRemoved => self.post(&format!("{app}/logo/remove"), &[]).await,
            C::IssuerTrusted => {
                let client = app.trim_start_matches("/admin/clients/");
                let mut fields = issuer_fields(client, 1);
                name.clone_into(&mut fields[0].1);
                fields[1].1 = format!("https://{name}.test");
                let fields = fields.each_ref().map(|(field, value)| (*field, value.as_str()));
                self.post("/admin/issuers", &fields).await;
            }
            C::IssuerChanged => {
                let form = self.owner.page(&issuer).await.form("issuer-form");
                let rules = form.value("rules").expect("rules").replace("prod:backup", "prod:*");
                self.submit(&issuer, "issuer-form", &[("rules", &rules)]).await;
            }
            C::IssuerDisabled => self.post(&format!("{issuer}/disable"), &[]).await,
            C::IssuerEnabled => self.post(&format!("{issuer}/enable"), &[]).await,
            C::IssuerDistrusted => {
                self.post(&format!("{issuer}/delete"), &[("name", name)]).await;
            }
            C::KeyRetired => self.post("/admin/keys/retire", &[("kid", id)]).await,
            C::SettingSet => {
                let fields = [("session-idle", "1201")];
                self.submit("/admin/settings", "settings-session", &fields).await;
            }
            C::SettingUnset => {
                let form = self.owner.page("/admin/settings").await.form("settings-session");
                self.uses(&format!("POST {}", form.action.path()));
                form.check("reset", "session.idle").submit().await.assert_status(303);
            }
            C::BrandLogoSet => self.uploads("/admin/settings/logo/logo").await,
            C::BrandLogoRemoved => self.post("/admin/settings/logo/logo/remove", &[]).await,
            C::ApiKeyMade => {
                let who = [("name", name), ("user", "the-owner")];
                let what = [("days", "90"), ("scope", "doorward.users:read")];
                self.post("/admin/api-keys", &[who, what].concat()).await;
            }
            C::WebhookAdded => {
                let named = format!("{name}-hook");
                let fields = [("name", named.as_str()), ("url", NOWHERE), ("events", "key.*")];
                self.post("/admin/webhooks", &fields).await;
            }
            C::WebhookChanged => {
                self.submit(&hook, "webhook-form", &[("events", "backup.made")]).await;
            }
            C::WebhookTested => self.post(&format!("{hook}/test"), &[]).await,
            C::WebhookSecret => self.post(&format!("{hook}/rotate-secret"), &[]).await,
            C::WebhookDisabled => self.post(&format!("{hook}/disable"), &[]).await,
            C::WebhookEnabled => self.post(&format!("{hook}/enable"), &[]).await,
            C::WebhookDeleted => self.post(&format!("{hook}/delete"), &[]).await,
            C::BackupMade => self.post("/admin/backup", &[]).await,
            C::PersonCreated => {
                self.submit("/admin/users/new", "user", &[("username", name), ("email", &email)])
                    .await;
            }
            C::PersonDisabled => self.post(&format!("{person}/disable"), &[]).await,
            C::PersonEnabled | C::PersonBroughtBack => {
                self.post(&format!("{person}/enable"), &[]).await;
            }
            C::ConnectionEnded => {
                self.post(&format!("{alice}/end-connection"), &[("connection", id)]).await;
            }
            C::AppTakenBack => {
                self.post(&format!("{alice}/remove-app"), &[("client_id", "diary")]).await;
            }
            C::SessionsEnded => self.post("/admin/sessions/sign-out", &[("client", "shop")]).await,
            C::SignedOut => self.post(&format!("{alice}/sign-out"), &[]).await,
            C::GroupCreated => self.submit("/admin/groups", "group", &[("name", name)]).await,
            C::MemberAdded => self.submit(&group, "add-member", &[("member", name)]).await,
            C::ManagerAdded => self.submit(&group, "add-manager", &[("manager", name)]).await,
            C::ManagerRemoved => self.press_on(&group, "remove-manager").await,
            C::MemberRemoved => self.press_on(&group, "remove-member").await,
            C::GroupRenamed => self.submit(&group, "group", &[("name", &team)]).await,
            C::GroupDeleted => self.post(&format!("{group}-team/delete"), &[("name", &team)]).await,
            C::AppCreated => {
                let fields = app_fields(name);
                self.post("/admin/clients", &fields).await;
            }
            C::RoleCreated => self.post(&format!("{app}/roles"), &[("name", "writer")]).await,
            C::RoleDescribed => {
                let page = format!("{app}/roles?role=writer");
                self.submit(&page, "describe", &[("description", "Writes.")]).await;
            }
            C::RoleGiven => self.role(&app, "give", ("person", name)).await,
            C::RoleGivenToGroup => self.role(&app, "give", ("group", "crew")).await,
            C::RoleTaken => self.role(&app, "take", ("person", name)).await,
            C::RoleTakenFromGroup => self.role(&app, "take", ("group", "crew")).await,
            C::RoleDeleted => self.role(&app, "delete", ("person", "")).await,
            C::Previewed => {
                let fields = [("person", "alice"), ("scope", "openid")];
                self.post(&format!("{app}/preview"), &fields).await;
            }
            C::MessageHurried => self.post(&format!("/admin/jobs/{id}/retry"), &[]).await,
            C::MessageDiscarded => self.post(&format!("/admin/jobs/{id}/discard"), &[]).await,
            C::MessageRepeated => {
                let fields = [("delivery", line.as_str())];
                self.post(&format!("/admin/webhooks/{id}/redeliver"), &fields).await;
            }
            C::MailTested => {
                self.submit("/admin/settings/mail", "mail-test", &[("to", "ada@example.test")])
                    .await;
            }
            C::ApiKeyRevoked => self.post(&format!("/admin/api-keys/{id}/revoke"), &[]).await,
            C::RegistrationTokenMade => {
                let page = "/admin/registration-tokens/new";
                self.submit(page, "registration-token", &[("label", name)]).await;
            }
            C::RegistrationTokenRevoked => {
                self.post(&format!("/admin/registration-tokens/{id}/revoke"), &[]).await;
            }
            C::RegistrationAccessEnded => {
                self.post(&format!("/admin/clients/{id}/revoke-registration"), &[]).await;
            }
            C::AppRenamed => self.submit(&app, "client", &[("name", &team)]).await,
            C::SecretRotated => self.post(&format!("{app}/rotate-secret"), &[]).await,
            C::SecretAdded => self.post(&format!("{app}/add-secret"), &[]).await,
            C::SecretRetired => {
                self.post(&format!("{app}/retire-secret"), &[("secret", id)]).await;
            }
            C::AppDisabled => self.post(&format!("{app}/disable"), &[]).await,
            C::AppEnabled => self.post(&format!("{app}/enable"), &[]).await,
            C::AppDeleted => self.post(&format!("{app}/delete"), &[("name", &team)]).await,
            C::KeyRotated => self.post("/admin/keys/rotate", &[("alg", "ES256")]).await,
            C::PersonDeletedLater => self.post(&format!("{person}/delete"), &[]).await,
            C::PersonDeleted => self.post(&format!("{person}/delete"), &[("now", "on")]).await,
            C::UpstreamAdded => {
                let mut fields = upstream::fields(name, ELSEWHERE);
                for (field, value) in &mut fields {
                    match *field {
                        "display_name" => name.clone_into(value),
                        "client_secret" => PASSWORD.clone_into(value),
                        _ => {}
                    }
                }
                let fields: Vec<_> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
                self.post("/admin/upstream", &fields).await;
            }
            C::UpstreamRenamed => {
                self.submit(&provider, "upstream-form", &[("display_name", &team)]).await;
            }
            C::UpstreamSecret => {
                let (page, secret) = (format!("{provider}/set-secret"), "another one");
                self.submit(&page, "secret", &[("client_secret", secret)]).await;
            }
            C::UpstreamTested => self.post(&format!("{provider}/test"), &[]).await,
            C::UpstreamDisabled => self.post(&format!("{provider}/disable"), &[]).await,
            C::UpstreamEnabled => self.post(&format!("{provider}/enable"), &[]).await,
            C::UpstreamDeleted => {
                self.post(&format!("{provider}/delete"), &[("name", &team)]).await;
            }
        }
    }

    /// The page of this hand's app, whose id the console has made up.
    pub(super) async fn app_path(&self, change: Change) -> String {
        let place = |wanted: Change| CHANGES.iter().position(|change| *change == wanted);
        if place(change) <= place(C::AppCreated) || place(change) > place(C::AppDeleted) {
            return String::new();
        }
        let list = self.owner.page(&format!("/admin/clients?q={}", self.name)).await;
        format!("/admin/clients/{}", id_behind(&list, "/admin/clients/"))
    }

    /// Does this with the role of this hand's app.
    async fn role(&self, app: &str, step: &str, field: (&str, &str)) {
        self.post(&format!("{app}/roles/{step}"), &[("app_role", "writer"), field]).await;
    }

    /// Fills in a form of a page.
    async fn submit(&self, path: &str, id: &str, fields: &[(&str, &str)]) {
        let form = self.owner.page(path).await.form(id);
        let form = fields.iter().fold(form, |form, (name, value)| form.set(name, value));
        self.uses(&format!("POST {}", form.action.path()));
        let answer = form.submit().await;
        assert!(answer.status.as_u16() < 400, "{}", answer.describe());
    }

    /// Presses the one button of a page that does this.
    async fn press_on(&self, path: &str, what: &str) {
        self.uses(&format!("POST {path}/{what}"));
        let answer = self.owner.page(path).await.form_to(&format!("{path}/{what}")).submit().await;
        answer.assert_status(303);
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) {
        self.uses(&format!("POST {path}"));
        let answer = self.owner.post(path, fields).await;
        assert!(answer.status.as_u16() < 400, "{}", answer.describe());
    }

    async fn uploads(&self, path: &str) {
        self.uses(&format!("POST {path}"));
        upload(self.owner, path, &png(90)).await.assert_status(303);
    }
}
