//! What the addresses of the console are pointed at.

use std::collections::BTreeMap;

use serde_json::json;

use crate::kit::console::{
    Admin, app_fields, group_path, issuer_fields, sessions_on, wait_for_nobody,
};
use crate::kit::flow::sign_in;
use crate::kit::registration::{register, request};
use crate::kit::upstream;
use crate::support::world::World;

/// What an address can be about, by how it begins; of two that fit the first one is meant.
const KINDS: [&str; 17] = [
    "/admin/users/{id}",
    "/admin/groups/{id}",
    "/admin/organisations/{id}",
    "/admin/clients/{id}/roles",
    "/admin/clients/{id}/revoke-registration",
    "/admin/clients/{id}",
    "/admin/registration-tokens/{id}",
    "/admin/sessions/{id}",
    "/admin/issuers/{id}",
    "/admin/upstream/{id}",
    "/admin/webhooks/{id}/redeliver",
    "/admin/webhooks/{id}",
    "/admin/settings/logo/{id}",
    "/admin/settings/{id}",
    "/admin/api-keys/{id}",
    "/admin/jobs/{id}",
    "/admin/keys/retire",
];

/// Something to point an address at: its id, and the number that its name has.
#[derive(Clone)]
pub struct Subject {
    pub id: String,
    pub number: u32,
}

impl Subject {
    /// The address of it.
    pub fn at(&self, path: &str) -> String {
        let at = path.replace("{id}", &self.id);
        match path {
            "/admin/organisations/{id}/remove-member" => format!("{at}?member=subject"),
            "/admin/keys/retire" => format!("{at}?kid={}", self.id),
            _ if path.starts_with("/admin/clients/{id}/roles/") => format!("{at}?role=reader"),
            _ => at,
        }
    }
}

/// Makes subjects as an owner.
pub struct Subjects<'a> {
    world: &'a World,
    owner: &'a Admin,
    made: u32,
    /// What nobody has changed yet, by its kind.
    kept: BTreeMap<&'static str, Subject>,
}

impl<'a> Subjects<'a> {
    pub fn new(world: &'a World, owner: &'a Admin) -> Self {
        Self { world, owner, made: 0, kept: BTreeMap::new() }
    }

    /// One that all addresses share which change nothing.
    pub async fn kept(&mut self, path: &str) -> Subject {
        let Some(kind) = kind(path) else { return self.fresh(path).await };
        if let Some(there) = self.kept.get(kind) {
            return there.clone();
        }
        let made = self.fresh(path).await;
        self.kept.insert(kind, made.clone());
        made
    }

    /// One of its own, for an address that changes it.
    pub async fn fresh(&mut self, path: &str) -> Subject {
        self.made += 1;
        let id = match kind(path) {
            Some(kind) => self.make(kind).await,
            None => String::new(),
        };
        Subject { id, number: self.made }
    }

    async fn make(&self, kind: &str) -> String {
        let name = format!("subject-{}", self.made);
        match kind {
            "/admin/users/{id}" => {
                let id = self.owner.add_person(&name).await;
                self.post("/admin/groups/crew/add-member", &[("member", &name)]).await;
                id
            }
            "/admin/groups/{id}" => self.group().await,
            "/admin/organisations/{id}" => {
                let made = ["organisation", "create", &format!("org-{}", self.made)];
                self.world.cli(&made)["id"].as_str().expect("an id").to_owned()
            }
            "/admin/clients/{id}/roles" => {
                let id = self.owner.add_app("Subject").await.0;
                self.post(&format!("/admin/clients/{id}/roles"), &[("name", "reader")]).await;
                id
            }
            "/admin/clients/{id}" => self.owner.add_app("Subject").await.0,
            "/admin/clients/{id}/revoke-registration" => self.registered().await,
            "/admin/registration-tokens/{id}" => self.permission("id"),
            "/admin/sessions/{id}" => {
                sign_in(self.world, "subject").await;
                let list = self.owner.page("/admin/sessions?user=subject").await;
                sessions_on(&list).into_iter().next().expect("a session")
            }
            "/admin/issuers/{id}" => self.issuer().await,
            "/admin/upstream/{id}" => self.upstream(&name).await,
            "/admin/webhooks/{id}" => self.webhook().await,
            "/admin/webhooks/{id}/redeliver" => {
                let id = self.webhook().await;
                self.post(&format!("/admin/webhooks/{id}/test"), &[]).await;
                id
            }
            "/admin/settings/logo/{id}" => "logo".to_owned(),
            "/admin/settings/{id}" => "session".to_owned(),
            "/admin/api-keys/{id}" => self.api_key(),
            "/admin/jobs/{id}" => {
                let id = format!("019a-{}", self.made);
                wait_for_nobody(self.world, &id, 0).await;
                id
            }
            "/admin/keys/retire" => self.key().await,
            other => panic!("nothing to point {other} at"),
        }
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) {
        self.owner.post(path, fields).await.assert_status(303);
    }

    /// The name of a group, as it stands in an address.
    async fn group(&self) -> String {
        let name = format!("crew/{}", self.made);
        self.post("/admin/groups", &[("name", &name)]).await;
        let path = group_path(&name);
        self.post(&format!("{path}/add-manager"), &[("manager", "the-manager")]).await;
        path.trim_start_matches("/admin/groups/").to_owned()
    }

    /// The name of an issuer that is trusted.
    async fn issuer(&self) -> String {
        let client = self.owner.add_app("Subject").await.0;
        let fields = issuer_fields(&client, self.made);
        let fields: Vec<_> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
        self.post("/admin/issuers", &fields).await;
        format!("issuer-{}", self.made)
    }

    /// The id of an upstream provider.
    async fn upstream(&self, slug: &str) -> String {
        let fields = upstream::fields(slug, "https://upstream.test");
        let fields: Vec<_> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let made = self.owner.post("/admin/upstream", &fields).await;
        made.location().path().trim_start_matches("/admin/upstream/").to_owned()
    }

    /// The id of a webhook.
    async fn webhook(&self) -> String {
        let fields = webhook_fields(self.made);
        let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
        self.owner.post("/admin/webhooks", &fields).await.assert_status(200);
        self.world.cli(&["webhook", "show", fields[0].1])["id"].as_str().unwrap().to_owned()
    }

    /// The id of an API key that works.
    fn api_key(&self) -> String {
        let key = ["--name", "Report", "--scope", "doorward.users:read", "--format", "json"];
        let made =
            self.world.cli(&[&["api-key", "create", "--user", "the-owner"], &key[..]].concat());
        made["id"].as_str().unwrap().to_owned()
    }

    /// Something of a new token with which apps register.
    fn permission(&self, member: &str) -> String {
        let made = self.world.cli(&["registration-token", "create", "--label", "Subject"]);
        made[member].as_str().unwrap().to_owned()
    }

    /// The id of an app that registered itself.
    async fn registered(&self) -> String {
        let token = self.permission("token");
        let made = register(self.world, Some(&token), &request(json!({}))).await;
        made.assert_status(201).json()["client_id"].as_str().unwrap().to_owned()
    }

    /// A key that may be retired.
    async fn key(&self) -> String {
        let links = self.owner.page("/admin/keys").await.attributes("tbody .act a", "href");
        links[0].split_once("kid=").expect("a key's id").1.to_owned()
    }

    /// Fields that make the form of any address complete.
    pub async fn fields(&self, path: &str, subject: &Subject) -> Vec<(String, String)> {
        let number = subject.number;
        let mut fields = Fields::default();
        fields.set(app_fields("Subject"));
        // What a group manager has to say, and nobody else minds.
        fields.set([("username", format!("made-{number}").as_str()), ("groups", "crew")]);
        fields.set([("make_groups", "on")]);
        fields.set([("alg", "ES256")]);
        fields.set([("auth_method", "client_secret"), ("subject_type", "public")]);
        fields.set([("security_profile", "standard"), ("grant_types", "authorization_code")]);
        if path.starts_with("/admin/groups") {
            fields.set([("name", format!("made/{number}").as_str())]);
            fields.set([("member", "subject"), ("manager", "subject")]);
        }
        if path.starts_with("/admin/organisations") {
            let deletes = path.ends_with("/delete");
            let name = format!("{}-{number}", if deletes { "org" } else { "made" });
            fields.set([("name", name.as_str()), ("member", "subject")]);
        }
        if path.starts_with("/admin/issuers") {
            let client = self.owner.add_app("Subject").await.0;
            // Not those of the issuer in the path, which keeps its name.
            fields.set(issuer_fields(&client, number + 100_000));
        }
        if path.contains("/roles") {
            fields.set([("app_role", "reader"), ("person", "subject")]);
        }
        if path.ends_with("/preview") {
            fields.set([("person", "subject")]);
        }
        if path.starts_with("/admin/webhooks") {
            // Not the name of the webhook in the path.
            fields.set(webhook_fields(number + 100_000));
        }
        if path.starts_with("/admin/upstream") {
            fields.set(upstream::fields(&format!("made-{number}"), "https://upstream.test"));
            fields.set([("claims", "{}")]);
            // What has to be typed before it is deleted.
            fields.set([("name", "Our school")]);
        }
        if path == "/admin/webhooks/{id}/redeliver" {
            let log = self.world.cli(&["webhook", "log", &format!("hook-{number}")]);
            let line = log["items"][0]["id"].as_str().expect("a line of the log");
            fields.set([("delivery", line)]);
        }
        if path == "/admin/api-keys" {
            fields.set([("user", "the-owner"), ("days", "7"), ("scope", "doorward.users:read")]);
        }
        if path == "/admin/registration-tokens" {
            fields.set([("max_uses", "1"), ("days", "7")]);
        }
        if path == "/admin/keys/retire" {
            fields.set([("kid", subject.id.as_str())]);
        }
        fields.0
    }
}

fn kind(path: &str) -> Option<&'static str> {
    let kind = KINDS.into_iter().find(|kind| path.starts_with(kind));
    assert!(kind.is_some() || !path.contains("{id}"), "nothing to point {path} at");
    kind
}

/// The fields of a form, each with one value.
#[derive(Default)]
struct Fields(Vec<(String, String)>);

impl Fields {
    fn set<'a>(&mut self, more: impl IntoIterator<Item = (&'a str, impl Into<String>)>) {
        for (name, value) in more {
            self.0.retain(|(other, _)| other != name);
            self.0.push((name.to_owned(), value.into()));
        }
    }
}

/// Its name leads nowhere, on any machine (RFC 6761).
fn webhook_fields(number: u32) -> [(&'static str, String); 3] {
    let url = "https://webhook.test/in".to_owned();
    [("name", format!("hook-{number}")), ("url", url), ("events", "key.*".to_owned())]
}
