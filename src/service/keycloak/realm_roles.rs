//! The roles of the realm itself as groups: they are of no app, and apps see groups. `buyer` becomes
//! `role:buyer`, with everybody who has it: by themselves, by a composite role, or by a group they are in or
//! one around it.

use std::collections::{BTreeMap, BTreeSet};

use super::realm::{KeycloakGroup, Realm};
use super::roles::{Known, description};

/// What stands before the name of a role, so that no group of people is meant by accident.
const BEFORE: &str = "role:";

/// What an export says of them. It is read before its people are, who are not kept.
pub(super) struct RealmRoles {
    /// Names and descriptions of the groups.
    pub(super) groups: Vec<(String, String)>,
    /// The groups of people by their number, counted from 1.
    of_people: BTreeMap<u64, Vec<String>>,
}

impl RealmRoles {
    pub(super) fn of(realm: &Realm) -> Self {
        let known = Known::of(realm);
        let groups = realm.own_roles().map(|role| (group(&role.name), description(role)));
        let mut by_path = BTreeMap::new();
        for group in realm.groups() {
            add(&known, (group, ""), &BTreeSet::new(), &mut by_path);
        }
        let mut of_people = BTreeMap::new();
        for (user, number) in realm.users.iter().zip(1_u64..) {
            let mut names = known.reached((&user.realm_roles, &user.client_roles)).realm;
            for path in &user.groups {
                names.extend(by_path.get(path.trim_start_matches('/')).into_iter().flatten());
            }
            let names: Vec<String> =
                names.into_iter().filter(|name| !realm.is_keycloaks(name)).map(group).collect();
            if !names.is_empty() {
                of_people.insert(number, names);
            }
        }
        Self { groups: groups.collect(), of_people }
    }

    /// Takes the groups that a user of this number gets by their roles.
    pub(super) fn take(&mut self, number: u64) -> Vec<String> {
        self.of_people.remove(&number).unwrap_or_default()
    }
}

fn group(role: impl AsRef<str>) -> String {
    format!("{BEFORE}{}", role.as_ref())
}

/// The group and those inside it, each with the roles of those around it, by their paths.
fn add<'a>(
    known: &Known<'a>,
    (group, around): (&'a KeycloakGroup, &str),
    outer: &BTreeSet<&'a str>,
    all: &mut BTreeMap<String, BTreeSet<&'a str>>,
) {
    let mut roles = known.reached((&group.realm_roles, &group.client_roles)).realm;
    roles.extend(outer);
    let path = format!("{around}{}", group.name);
    for inner in &group.sub_groups {
        add(known, (inner, &format!("{path}/")), &roles, all);
    }
    all.insert(path, roles);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whoever_has_a_role_by_any_way_is_in_its_group() {
        let realm: Realm = serde_json::from_value(json!({
            "realm": "Shop",
            "roles": {
                "realm": [
                    { "name": "default-roles-shop", "composites": {
                        "realm": ["offline_access", "guest"] } },
                    { "name": "offline_access" }, { "name": "uma_authorization" },
                    { "name": "guest", "description": " May look. " },
                    { "name": "manager", "composites": { "realm": ["clerk", "manager"] } },
                    { "name": "clerk", "description": "${clerk}" },
                ],
                "client": { "till": [{ "name": "chief", "composites": { "realm": ["clerk"] } }] },
            },
            "groups": [{ "name": "staff", "realmRoles": ["clerk"], "subGroups": [
                { "name": "night", "realmRoles": ["guest"] },
            ] }],
            "users": [
                { "username": "ada", "realmRoles": ["default-roles-shop", "manager"] },
                { "username": "bob", "groups": ["/staff/night"] },
                { "username": "cleo", "clientRoles": { "till": ["chief"] } },
                { "username": "dan", "realmRoles": ["uma_authorization"] },
            ],
        }))
        .unwrap();
        let mut roles = RealmRoles::of(&realm);
        let groups: Vec<_> =
            roles.groups.iter().map(|(name, about)| (name.as_str(), about.as_str())).collect();
        assert_eq!(groups, [("role:guest", "May look."), ("role:manager", ""), ("role:clerk", "")]);
        for (number, names) in [
            (1, &["role:clerk", "role:guest", "role:manager"][..]),
            (2, &["role:clerk", "role:guest"]),
            (3, &["role:clerk"]),
            (4, &[]),
        ] {
            assert_eq!(roles.take(number), names, "{number}");
        }
    }
}
