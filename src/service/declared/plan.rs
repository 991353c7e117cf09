//! What has to change for a file to be true. Reads, checks everything that can be checked beforehand, and
//! changes nothing.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};

use super::DeclaredError;
use super::named::{Made, needed};
use super::people::There;
use super::state::{ClientState, RoleState, State, members};
use super::{endpoints, groups, organisations, people, roles, upstream};
use crate::app::App;
use crate::crypto::secret::Secret;
use crate::protocol::client::{Client, ClientMetadata};
use crate::protocol::token::trusted_issuer::TrustedIssuer;
use crate::protocol::types::{ClientId, UserId};
use crate::service::clients::checks::{self, Author};
use crate::service::clients::{self, Activity, ClientError, NewClient, secret_matches};
use crate::service::people::edits::FileEdit;
use crate::service::people::{NewPerson, check_groups};
use crate::service::upstream::{NewUpstream, UpstreamChange};
use crate::service::webhooks::WebhookSettings;
use crate::store::managed::{self, Declared};

/// Entries about which the database is asked at once.
pub(super) const PAGE: usize = 512;

/// What becomes of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    Create,
    Update,
    Delete,
}

/// Whether what an earlier file made goes when this one does not name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pruning {
    Keep,
    Prune,
}

/// Reads the secret in a file; the error says why it cannot.
pub type Secrets<'a> = &'a dyn Fn(&Path) -> Result<String, String>;

/// One change.
pub struct Change {
    pub what: Declared,
    /// Of a group, an organisation, a webhook or an issuer, a user name, a client id or a slug.
    pub name: String,
    pub action: Action,
    /// What changes: the name of a member, what it was and what it becomes. Never a secret.
    pub fields: Vec<(String, Value, Value)>,
    pub(super) work: Work,
}

/// What is done for it.
pub(super) enum Work {
    /// With its description; empty is none.
    CreateGroup(String),
    UpdateGroup(String),
    DeleteGroup,
    /// All who look after it.
    SetManagers(BTreeSet<String>),
    /// With what is shown of it; empty is one like its name.
    CreateOrganisation(String),
    UpdateOrganisation(String),
    DeleteOrganisation,
    CreateUser(Box<NewPerson>, Option<Activity>),
    /// With what the file says of them, if anything of it is otherwise.
    UpdateUser(UserId, Option<Box<FileEdit>>, Option<Activity>),
    DeleteUser(UserId),
    /// All that somebody is in, and who it is if they are there and leave none.
    SetOrganisations(BTreeSet<String>, Option<UserId>),
    CreateClient(Box<NewClient>, Option<Activity>),
    UpdateClient(Option<Box<ClientMetadata>>, Option<Secret>, Option<Activity>),
    DeleteClient,
    SetRoles(Vec<RoleState>),
    CreateWebhook(WebhookSettings, Option<Activity>),
    /// By its id.
    UpdateWebhook(String, Option<WebhookSettings>, Option<Activity>),
    DeleteWebhook,
    CreateIssuer(Box<TrustedIssuer>, Option<Activity>),
    UpdateIssuer(Option<Box<TrustedIssuer>>, Option<Activity>),
    DeleteIssuer,
    CreateUpstream(Box<NewUpstream>, Option<Activity>),
    UpdateUpstream(Option<Box<UpstreamChange>>, Option<Activity>),
    DeleteUpstream,
}

impl Change {
    /// The entry in words.
    pub fn entry(&self) -> String {
        format!("{} {}", self.what.as_str(), self.name)
    }
}

/// What has to change, in the order in which it can.
///
/// # Errors
/// [`DeclaredError`]; the first entry that cannot be as it says.
pub async fn plan(
    app: &App,
    (state, pruning): (&State, Pruning),
    secrets: Secrets<'_>,
) -> Result<Vec<Change>, DeclaredError> {
    let (mut changes, mut named) = (Vec::new(), Names::default());
    for page in state.groups.chunks(PAGE) {
        let there = groups::there(app, page).await?;
        for group in page {
            let name = one_group(&group.name)?;
            let entry = named.once(Declared::Group, &name)?;
            changes.extend(groups::plan(&there, (&entry, name), group)?);
        }
    }
    let mut made_organisations = BTreeSet::new();
    for page in state.organisations.chunks(PAGE) {
        let there = organisations::there(app, page).await?;
        for organisation in page {
            let name = organisations::one_name(&organisation.name)?;
            let entry = named.once(Declared::Organisation, &name)?;
            made_organisations.insert(name.clone());
            changes.extend(organisations::plan(&there, (&entry, name), organisation)?);
        }
    }
    for page in state.users.chunks(PAGE) {
        let there = There::read(app, page, &made_organisations).await?;
        for user in page {
            let name = people::one_person(&user.username)?;
            let entry = named.once(Declared::User, &name)?;
            changes.extend(people::plan(&there, (&entry, &name), (user, secrets))?);
            changes.extend(people::plan_organisations(&there, (&entry, &name), user)?);
        }
    }
    let made = Made::by(state)?;
    for group in &state.groups {
        changes.extend(groups::plan_managers(app, &made, group).await?);
    }
    for client in &state.clients {
        let entry = named.once(Declared::Client, &client.client_id)?;
        changes.extend(Box::pin(one_app(app, &entry, (client, secrets))).await?);
        changes.extend(roles::plan(app, (&entry, &made), client).await?);
    }
    for webhook in &state.webhooks {
        let entry = named.once(Declared::Webhook, &webhook.name)?;
        changes.extend(endpoints::plan_webhook(app, &entry, webhook).await?);
    }
    let made: BTreeSet<&str> =
        state.clients.iter().map(|client| client.client_id.as_str()).collect();
    for issuer in &state.issuers {
        let entry = named.once(Declared::Issuer, &issuer.name)?;
        changes.extend(endpoints::plan_issuer(app, (&entry, &made), issuer).await?);
    }
    for provider in &state.upstream_providers {
        let entry = named.once(Declared::Upstream, &provider.slug)?;
        changes.extend(upstream::plan(app, &entry, (provider, secrets)).await?);
    }
    if pruning == Pruning::Prune {
        named.0.extend(needed(state)?);
        prune(app, &named.0, &mut changes).await?;
    }
    Ok(changes)
}

/// What the entries of a file are about.
#[derive(Default)]
struct Names(BTreeSet<(Declared, String)>);

impl Names {
    /// Takes the name of an entry, and gives the entry in words.
    fn once(&mut self, what: Declared, name: &str) -> Result<String, DeclaredError> {
        let is_new = self.0.insert((what, name.to_owned()));
        let entry = format!("{} {name}", what.as_str());
        if is_new { Ok(entry) } else { Err(DeclaredError::entry(&entry, "is named twice")) }
    }
}

/// The name of a group as it is stored.
pub(super) fn one_group(name: &str) -> Result<String, DeclaredError> {
    let names = check_groups(vec![name.to_owned()]);
    let names = names.map_err(|error| DeclaredError::of_people(&format!("group {name}"), error))?;
    Ok(names.into_iter().next().unwrap_or_default())
}

pub(super) fn created(what: Declared, name: String, work: Work) -> Change {
    Change { what, name, action: Action::Create, fields: Vec::new(), work }
}

pub(super) fn activity(
    is_disabled: bool,
    disabled: Option<bool>,
    fields: &mut Vec<(String, Value, Value)>,
) -> Option<Activity> {
    let wanted = disabled.filter(|wanted| *wanted != is_disabled)?;
    fields.push(("disabled".to_owned(), json!(is_disabled), json!(wanted)));
    Some(if wanted { Activity::Disabled } else { Activity::Enabled })
}

async fn one_app(
    app: &App,
    entry: &str,
    (state, secrets): (&ClientState, Secrets<'_>),
) -> Result<Option<Change>, DeclaredError> {
    let metadata = state.read_metadata().map_err(|error| DeclaredError::entry(entry, error))?;
    let secret = state.secret_file.as_deref().map(secrets).transpose();
    let secret = secret.map_err(|problem| DeclaredError::entry(entry, problem))?;
    let id = ClientId::new(&state.client_id);
    let before = match clients::get(app, &id).await {
        Ok(client) => Some(client),
        Err(ClientError::NotFound) => None,
        Err(error) => return Err(DeclaredError::of_clients(entry, error)),
    };
    let known = before.as_ref().map(|client| &client.metadata);
    checks::check(app, &metadata, Author::Administrator, known)
        .map_err(|problems| DeclaredError::of_clients(entry, ClientError::Invalid(problems)))?;
    if let Some(before) = before {
        return changed_app(entry, &before, (metadata, secret.as_deref(), state.disabled));
    }
    if metadata.token_endpoint_auth_method.uses_secret() && secret.is_none() {
        let problem =
            "needs a secret: name a secret_file, since one that is made here could not be shown";
        return Err(DeclaredError::entry(entry, problem));
    }
    let activity = (state.disabled == Some(true)).then_some(Activity::Disabled);
    let new = NewClient { id: Some(id), metadata, secret: secret.map(Secret::from_text) };
    let work = Work::CreateClient(Box::new(new), activity);
    Ok(Some(created(Declared::Client, state.client_id.clone(), work)))
}

fn changed_app(
    entry: &str,
    before: &Client,
    (after, secret, disabled): (ClientMetadata, Option<&str>, Option<bool>),
) -> Result<Option<Change>, DeclaredError> {
    let unreadable = |error: serde_json::Error| DeclaredError::entry(entry, error);
    let after = checks::kept(after);
    let (old, new) =
        (members(&before.metadata).map_err(unreadable)?, members(&after).map_err(unreadable)?);
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let value =
        |of: &serde_json::Map<String, Value>, name| of.get(name).cloned().unwrap_or_default();
    let mut fields: Vec<_> = names
        .into_iter()
        .map(|name| (name.clone(), value(&old, name), value(&new, name)))
        .filter(|(_, old, new)| old != new)
        .collect();
    let metadata = (!fields.is_empty()).then(|| Box::new(after));
    let is_new = |secret: &&str| {
        before.uses_secret()
            && !before.secret_hashes.iter().any(|hash| secret_matches(hash, secret))
    };
    let secret = secret.filter(is_new).map(|text| Secret::from_text(text.to_owned()));
    if secret.is_some() {
        fields.push(("secret".to_owned(), Value::Null, Value::Null));
    }
    let activity = activity(before.disabled_at.is_some(), disabled, &mut fields);
    let work = Work::UpdateClient(metadata, secret, activity);
    let (what, name) = (Declared::Client, before.id.to_string());
    let change = Change { what, name, action: Action::Update, fields, work };
    Ok(Some(change).filter(|change| !change.fields.is_empty()))
}

/// What earlier files have made and this one does not name.
async fn prune(
    app: &App,
    named: &BTreeSet<(Declared, String)>,
    changes: &mut Vec<Change>,
) -> Result<(), DeclaredError> {
    let order = [
        Declared::Upstream,
        Declared::Issuer,
        Declared::Webhook,
        Declared::Client,
        Declared::User,
        Declared::Organisation,
        Declared::Group,
    ];
    for what in order {
        let mut unnamed = managed::list(&app.store.db, what).await?;
        unnamed.retain(|name| !named.contains(&(what, name.clone())));
        let work: fn() -> Work = match what {
            Declared::Client => || Work::DeleteClient,
            Declared::Group => || Work::DeleteGroup,
            Declared::Organisation => || Work::DeleteOrganisation,
            Declared::Webhook => || Work::DeleteWebhook,
            Declared::Issuer => || Work::DeleteIssuer,
            Declared::Upstream => || Work::DeleteUpstream,
            Declared::User => {
                changes.extend(people::prune(app, &unnamed).await?);
                continue;
            }
        };
        changes.extend(unnamed.into_iter().map(|name| Change {
            what,
            name,
            action: Action::Delete,
            fields: Vec::new(),
            work: work(),
        }));
    }
    Ok(())
}
