//! The roles of a realm's clients as roles of apps, and who has them: people and groups, by themselves or
//! by a composite role. A group inside another has what the outer one has, as in Keycloak.

use std::collections::{BTreeMap, BTreeSet};

use super::realm::{KeycloakGroup, KeycloakRole, Realm};
use super::{Imported, News};
use crate::app::App;
use crate::protocol::app_roles::{MOST_ROLES, is_role_name};
use crate::protocol::types::{ClientId, UserId};
use crate::service::audit::Actor;
use crate::service::clients::roles::{self, Giving, Holder, RoleError};
use crate::service::failure::Failure;
use crate::service::people::{self, PeopleError, import::Mode};
use crate::service::sign_in::normalize_login;
use crate::store::{StoreError, users};

/// Longest description that is kept, in characters.
const LONGEST_DESCRIPTION: usize = 300;

/// A client's id and the name of one of its roles.
type OfClient = (String, String);

/// What an export says of roles. It is read before its people are, who are not kept.
pub(super) struct Roles {
    /// Of each client that is no part of Keycloak: names with descriptions.
    of_clients: BTreeMap<String, Vec<(String, String)>>,
    of_groups: Vec<(String, BTreeSet<OfClient>)>,
    of_people: Vec<Person>,
    /// Clients that have roles for themselves.
    of_services: Vec<(String, BTreeSet<OfClient>)>,
}

/// Somebody who has roles.
struct Person {
    /// Which of the users it is, counted from 1.
    number: u64,
    id: Option<String>,
    username: String,
    roles: BTreeSet<OfClient>,
}

/// The roles that somebody has, the composite ones followed.
#[derive(Default)]
pub(super) struct Reached<'a> {
    /// Of the realm.
    pub(super) realm: BTreeSet<&'a str>,
    of_clients: BTreeSet<OfClient>,
}

/// Every role by its name, to follow the composite ones.
pub(super) struct Known<'a> {
    realm: BTreeMap<&'a str, &'a KeycloakRole>,
    client: BTreeMap<(&'a str, &'a str), &'a KeycloakRole>,
}

/// A role that is still to be looked at.
enum Open<'a> {
    Realm(&'a str),
    Client(&'a str, &'a str),
}

impl<'a> Known<'a> {
    pub(super) fn of(realm: &'a Realm) -> Self {
        let by_client = |(client, roles): (&'a String, &'a Vec<KeycloakRole>)| {
            roles.iter().map(move |role| ((client.as_str(), role.name.as_str()), role))
        };
        Self {
            realm: realm.realm_roles().map(|role| (role.name.as_str(), role)).collect(),
            client: realm.client_roles().flat_map(by_client).collect(),
        }
    }

    /// The roles that somebody has who was given these. One that is part of itself is followed once.
    pub(super) fn reached(
        &self,
        (realm, client): (&'a [String], &'a BTreeMap<String, Vec<String>>),
    ) -> Reached<'a> {
        let mut open = Vec::new();
        let add = |open: &mut Vec<Open<'a>>, realm: &'a [String], client: &'a BTreeMap<_, _>| {
            open.extend(realm.iter().map(|name| Open::Realm(name)));
            for (id, names) in client {
                let names: &'a Vec<String> = names;
                let id: &'a String = id;
                open.extend(names.iter().map(|name| Open::Client(id, name)));
            }
        };
        add(&mut open, realm, client);
        let mut reached = Reached::default();
        while let Some(next) = open.pop() {
            let role = match next {
                Open::Realm(name) => {
                    if !reached.realm.insert(name) {
                        continue;
                    }
                    self.realm.get(name)
                }
                Open::Client(id, name) => {
                    if !reached.of_clients.insert((id.to_owned(), name.to_owned())) {
                        continue;
                    }
                    self.client.get(&(id, name))
                }
            };
            if let Some(role) = role {
                add(&mut open, &role.composites.realm, &role.composites.client);
            }
        }
        reached
    }
}

impl Roles {
    pub(super) fn of(realm: &Realm) -> Self {
        let known = Known::of(realm);
        let of_clients = realm.client_roles().map(|(client, roles)| {
            let roles = roles.iter().map(|role| (role.name.clone(), description(role)));
            (client.clone(), roles.collect::<Vec<_>>())
        });
        let (mut of_people, mut of_services) = (Vec::new(), Vec::new());
        for (user, number) in realm.users.iter().zip(1_u64..) {
            let roles = known.reached((&user.realm_roles, &user.client_roles)).of_clients;
            match &user.service_account_client_id {
                _ if roles.is_empty() => {}
                Some(client) => of_services.push((client.clone(), roles)),
                None => of_people.push(Person {
                    number,
                    id: user.id.clone(),
                    username: user.username.clone(),
                    roles,
                }),
            }
        }
        let mut of_groups = Vec::new();
        for group in realm.groups() {
            add_groups(&known, (group, ""), &BTreeSet::new(), &mut of_groups);
        }
        Self { of_clients: of_clients.collect(), of_groups, of_people, of_services }
    }

    /// Makes the roles of the apps that are here, and tells those that can be had.
    ///
    /// # Errors
    /// [`Failure`] when SQL does not answer.
    pub(super) async fn create(
        &self,
        app: &App,
        (here, mode): (&BTreeSet<String>, Mode),
        (imported, tell): (&mut Imported, &mut dyn FnMut(News<'_>)),
    ) -> Result<BTreeSet<OfClient>, Failure> {
        let mut there = BTreeSet::new();
        for (client, listed) in &self.of_clients {
            if !here.contains(client) {
                let reason = "their app is left out".to_owned();
                leave_out(imported, (&mut *tell, format!("roles of {client}")), reason);
                continue;
            }
            let mut room = MOST_ROLES;
            for (name, description) in listed {
                let role = (client.as_str(), name.as_str());
                match one(app, (role, description, room), mode).await {
                    Ok(()) => imported.roles += 1,
                    Err(RoleError::Taken) => imported.known += 1,
                    Err(RoleError::Failure(failure)) => return Err(failure),
                    Err(problem) => {
                        let entry = format!("role {client}:{name}");
                        leave_out(imported, (&mut *tell, entry), problem.to_string());
                        continue;
                    }
                }
                room = room.saturating_sub(1);
                there.insert((client.clone(), name.clone()));
            }
        }
        for (client, roles) in &self.of_services {
            if !roles.is_disjoint(&there) {
                let reason =
                    "an app has no roles itself here; only people and groups have".to_owned();
                leave_out(
                    imported,
                    (&mut *tell, format!("roles that client {client} has")),
                    reason,
                );
            }
        }
        Ok(there)
    }

    /// Gives those roles that are `there` to the groups and people of the realm. Whoever is not here has been told
    /// of; nobody gets one who is here with another id.
    ///
    /// # Errors
    /// [`Failure`] when SQL does not answer.
    pub(super) async fn give(
        &self,
        app: &App,
        (there, rejected, mode): (&BTreeSet<OfClient>, &BTreeSet<u64>, Mode),
        imported: &mut Imported,
    ) -> Result<(), Failure> {
        for (group, roles) in &self.of_groups {
            if people::check_groups(vec![group.clone()]).is_err() {
                continue;
            }
            for role in roles.intersection(there) {
                let holder = Holder::Group(group.trim());
                imported.given += u64::from(give(app, (role, holder), mode).await?);
            }
        }
        for person in self.of_people.iter().filter(|person| !rejected.contains(&person.number)) {
            let Some(id) = find(app, (person, mode)).await? else { continue };
            for role in person.roles.intersection(there) {
                imported.given += u64::from(give(app, (role, Holder::Person(&id)), mode).await?);
            }
        }
        Ok(())
    }
}

/// The group and those inside it, each with the roles of those around it.
fn add_groups<'a>(
    known: &Known<'a>,
    (group, around): (&'a KeycloakGroup, &str),
    outer: &BTreeSet<OfClient>,
    all: &mut Vec<(String, BTreeSet<OfClient>)>,
) {
    let mut roles = known.reached((&group.realm_roles, &group.client_roles)).of_clients;
    roles.extend(outer.iter().cloned());
    let path = format!("{around}{}", group.name);
    for inner in &group.sub_groups {
        add_groups(known, (inner, &format!("{path}/")), &roles, all);
    }
    if !roles.is_empty() {
        all.push((path, roles));
    }
}

/// What a role is for; a placeholder for a text of Keycloak's own says nothing.
pub(super) fn description(role: &KeycloakRole) -> String {
    let text = role.description.as_deref().unwrap_or_default().trim();
    if text.starts_with("${") {
        return String::new();
    }
    text.chars().take(LONGEST_DESCRIPTION).collect()
}

fn leave_out(
    imported: &mut Imported,
    (tell, entry): (&mut dyn FnMut(News<'_>), String),
    reason: String,
) {
    imported.left_out += 1;
    tell(News::LeftOut { entry, reason });
}

/// Makes a role of an app that has room for so many, or says what would happen.
async fn one(
    app: &App,
    ((client, name), description, room): ((&str, &str), &str, usize),
    mode: Mode,
) -> Result<(), RoleError> {
    let id = ClientId::new(client);
    match mode {
        Mode::Write => {
            match roles::create(app, &id, (name, description), &Actor::CommandLine).await {
                // The name is what apps know it by; a description that cannot be kept is none.
                Err(RoleError::Invalid { field: "description", .. }) => {
                    roles::create(app, &id, (name, ""), &Actor::CommandLine).await.map(drop)
                }
                other => other.map(drop),
            }
        }
        Mode::DryRun => {
            if roles::find(app, (&id, name)).await.is_ok() {
                return Err(RoleError::Taken);
            }
            if !is_role_name(name.trim()) {
                let problem = "it has letters that no role has here";
                return Err(RoleError::Invalid { field: "name", problem });
            }
            if room == 0 { Err(RoleError::TooMany) } else { Ok(()) }
        }
    }
}

/// Gives a role; tells whether the holder has it now.
async fn give(
    app: &App,
    ((client, name), holder): (&OfClient, Holder<'_>),
    mode: Mode,
) -> Result<bool, Failure> {
    if mode == Mode::DryRun {
        return Ok(true);
    }
    let id = ClientId::new(client.as_str());
    let giving = (holder, Giving::Given);
    match roles::change(app, (&id, name.trim()), giving, &Actor::CommandLine).await {
        Ok(()) => Ok(true),
        Err(RoleError::Failure(failure) | RoleError::People(PeopleError::Failure(failure))) => {
            Err(failure)
        }
        // It went away meanwhile, or was left out.
        Err(_) => Ok(false),
    }
}

/// Who somebody of the realm is here. In a dry run also who would be.
async fn find(app: &App, (person, mode): (&Person, Mode)) -> Result<Option<UserId>, StoreError> {
    let id = person.id.as_deref().map(UserId::new);
    if let Some(id) = &id
        && let Some(user) = users::by_id(&app.store.db, id).await?
    {
        return Ok(Some(user.id));
    }
    let username = normalize_login(&person.username);
    let named = users::by_login(&app.store.db, &username).await?;
    let named = named.filter(|user| user.username == username);
    Ok(match (named, mode) {
        // Somebody else of the same name has another id.
        (Some(user), _) => id.is_none().then_some(user.id),
        (None, Mode::DryRun) => Some(id.unwrap_or_else(|| UserId::new(username))),
        (None, Mode::Write) => None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Realm, Roles};

    fn roles(of: &std::collections::BTreeSet<super::OfClient>) -> Vec<String> {
        of.iter().map(|(client, name)| format!("{client}:{name}")).collect()
    }

    #[test]
    fn composite_roles_and_outer_groups_are_followed() {
        let realm: Realm = serde_json::from_value(json!({
            "realm": "shop",
            "roles": {
                "realm": [
                    { "name": "everybody", "composites": {
                        "realm": ["buyer"], "client": { "wiki": ["reader"] } } },
                    { "name": "buyer", "composites": { "realm": ["everybody"] } },
                ],
                "client": { "wiki": [
                    { "name": "reader", "description": "${role_reader}" },
                    { "name": "writer", "composites": { "client": { "shop": ["clerk"] } } },
                ], "shop": [{ "name": "clerk", "description": " At the till. " }],
                "account": [{ "name": "view-profile" }] },
            },
            "groups": [{ "name": "staff", "clientRoles": { "shop": ["clerk"] }, "subGroups": [
                { "name": "night", "realmRoles": ["buyer"] },
            ] }, { "name": "empty" }],
            "users": [
                { "username": "ada", "realmRoles": ["buyer"], "clientRoles": {
                    "account": ["view-profile"] } },
                { "username": "bob", "id": "b", "clientRoles": { "wiki": ["writer", "gone"] } },
                { "username": "eve", "realmRoles": ["unknown"] },
            ],
        }))
        .unwrap();
        let all = Roles::of(&realm);
        assert_eq!(all.of_clients.keys().collect::<Vec<_>>(), ["shop", "wiki"]);
        assert_eq!(all.of_clients["shop"], [("clerk".to_owned(), "At the till.".to_owned())]);
        assert_eq!(all.of_clients["wiki"][0], ("reader".to_owned(), String::new()));
        let groups: Vec<_> =
            all.of_groups.iter().map(|(name, of)| (name.as_str(), roles(of))).collect();
        let clerk = "shop:clerk".to_owned();
        let inner = vec![clerk.clone(), "wiki:reader".to_owned()];
        assert_eq!(groups, [("staff/night", inner), ("staff", vec![clerk])]);
        let people: Vec<_> = all
            .of_people
            .iter()
            .map(|of| (of.number, of.username.as_str(), roles(&of.roles)))
            .collect();
        let [of_ada, of_bob] = [
            &["account:view-profile", "wiki:reader"][..],
            &["shop:clerk", "wiki:gone", "wiki:writer"],
        ]
        .map(|names| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(people, [(1, "ada", of_ada), (2, "bob", of_bob)]);
    }
}
