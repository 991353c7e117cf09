//! Who may do what in the administration: every right with every role, in one table. The console
//! names the right of each of its addresses; what an address alone cannot know, such as whose account
//! is about to change, the services ask here again inside the transaction of the change.

use std::collections::BTreeSet;

use super::user::AdminRole;

/// What an administrator is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    Owner,
    Operator,
    Auditor,
    /// Somebody without an [`AdminRole`] who looks after some groups.
    GroupManager,
}

impl Role {
    /// Every role, strongest first; the columns of [`TABLE`].
    pub const ALL: [Self; 4] = [Self::Owner, Self::Operator, Self::Auditor, Self::GroupManager];

    /// The name that people and tests know it by.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => AdminRole::Owner.as_str(),
            Self::Operator => AdminRole::Operator.as_str(),
            Self::Auditor => AdminRole::Auditor.as_str(),
            Self::GroupManager => "group_manager",
        }
    }
}

impl From<AdminRole> for Role {
    fn from(role: AdminRole) -> Self {
        match role {
            AdminRole::Owner => Self::Owner,
            AdminRole::Operator => Self::Operator,
            AdminRole::Auditor => Self::Auditor,
        }
    }
}

/// How far a right reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Everything and everybody.
    All,
    /// Everybody but those who have an [`AdminRole`]: with an owner's password, or in an owner's
    /// session, one is an owner.
    Ordinary,
    /// The groups somebody looks after, and the people in them.
    Own,
    Nothing,
}

/// Something that somebody may be allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Right {
    /// Enter the console.
    Enter,
    /// See how the whole service is doing.
    OverviewRead,
    PeopleRead,
    /// Add people; change their accounts, disable and enable them, make password links.
    PeopleWrite,
    /// Say that a mailbox is somebody's. Apps know people by their verified address.
    PeopleVouch,
    PeopleDelete,
    /// Add and change many people by a file, also with hashes of passwords.
    PeopleImport,
    /// Give out the right to use the console, and take it away.
    PeopleGrantRole,
    GroupsRead,
    /// Make, rename, describe and delete groups.
    GroupsWrite,
    /// Take people into groups and out of them.
    GroupsMembers,
    /// Say who looks after a group.
    GroupsDelegate,
    OrganisationsRead,
    /// Make, rename and delete organisations.
    OrganisationsWrite,
    /// Take people into organisations and out of them.
    OrganisationsMembers,
    ClientsRead,
    ClientsWrite,
    /// See what an app would be told of somebody. It is noted, so that nobody does it who may change
    /// nothing.
    ClientsPreview,
    /// Make new secrets for apps, and choose how else they prove who they are.
    ClientsSecret,
    /// Say which roles an app has.
    RolesWrite,
    /// Give people and groups the roles of apps, and take them away.
    RolesGive,
    SessionsRead,
    SessionsEnd,
    /// End all sessions in an app, or from an address, at once.
    SessionsEndMany,
    IssuersRead,
    IssuersWrite,
    UpstreamRead,
    /// Say at which providers elsewhere people have an account, and ask those whether it fits.
    UpstreamWrite,
    KeysRead,
    KeysRotate,
    /// See whose programs use the REST API, and for what.
    ApiKeysRead,
    /// Make keys for the REST API, and end them.
    ApiKeysWrite,
    WebhooksRead,
    /// Say who is told what happens here, and where.
    WebhooksWrite,
    /// See the configuration: every setting, where it comes from, and how what servers depend on is doing.
    SettingsRead,
    /// Change what may change while servers run, and how pages look.
    SettingsWrite,
    AuditRead,
    /// See what waits beside the requests.
    JobsRead,
    /// Send a message that waits at once, or discard it.
    JobsWrite,
    /// See when backups were made.
    BackupRead,
    /// Take a backup away.
    BackupMake,
}

use Reach::{All, Nothing, Ordinary, Own};

/// Every right: its name, and how far it reaches for each of [`Role::ALL`].
pub const TABLE: [(Right, &str, [Reach; 4]); 41] = [
    //                                             owner operator  auditor  group manager
    (Right::Enter, "console.enter", [All, All, All, All]),
    (Right::OverviewRead, "overview.read", [All, All, All, Nothing]),
    (Right::PeopleRead, "people.read", [All, All, All, Own]),
    (Right::PeopleWrite, "people.write", [All, Ordinary, Nothing, Own]),
    (Right::PeopleVouch, "people.vouch", [All, Ordinary, Nothing, Nothing]),
    (Right::PeopleDelete, "people.delete", [All, Ordinary, Nothing, Nothing]),
    (Right::PeopleImport, "people.import", [All, Ordinary, Nothing, Nothing]),
    (Right::PeopleGrantRole, "people.grant_role", [All, Nothing, Nothing, Nothing]),
    (Right::GroupsRead, "groups.read", [All, All, All, Own]),
    (Right::GroupsWrite, "groups.write", [All, All, Nothing, Nothing]),
    (Right::GroupsMembers, "groups.members", [All, Ordinary, Nothing, Own]),
    (Right::GroupsDelegate, "groups.delegate", [All, Nothing, Nothing, Nothing]),
    (Right::OrganisationsRead, "organisations.read", [All, All, All, Nothing]),
    (Right::OrganisationsWrite, "organisations.write", [All, All, Nothing, Nothing]),
    (Right::OrganisationsMembers, "organisations.members", [All, Ordinary, Nothing, Nothing]),
    (Right::ClientsRead, "clients.read", [All, All, All, Nothing]),
    (Right::ClientsWrite, "clients.write", [All, All, Nothing, Nothing]),
    (Right::ClientsPreview, "clients.preview", [All, All, Nothing, Nothing]),
    (Right::ClientsSecret, "clients.secret", [All, Nothing, Nothing, Nothing]),
    (Right::RolesWrite, "roles.write", [All, All, Nothing, Nothing]),
    (Right::RolesGive, "roles.give", [All, Ordinary, Nothing, Nothing]),
    (Right::SessionsRead, "sessions.read", [All, All, All, Nothing]),
    (Right::SessionsEnd, "sessions.end", [All, Ordinary, Nothing, Own]),
    (Right::SessionsEndMany, "sessions.end_many", [All, Ordinary, Nothing, Nothing]),
    (Right::IssuersRead, "issuers.read", [All, All, All, Nothing]),
    (Right::IssuersWrite, "issuers.write", [All, Nothing, Nothing, Nothing]),
    (Right::UpstreamRead, "upstream.read", [All, All, All, Nothing]),
    (Right::UpstreamWrite, "upstream.write", [All, All, Nothing, Nothing]),
    (Right::KeysRead, "keys.read", [All, All, All, Nothing]),
    (Right::KeysRotate, "keys.rotate", [All, Nothing, Nothing, Nothing]),
    (Right::ApiKeysRead, "api_keys.read", [All, All, All, Nothing]),
    (Right::ApiKeysWrite, "api_keys.write", [All, Nothing, Nothing, Nothing]),
    (Right::WebhooksRead, "webhooks.read", [All, All, All, Nothing]),
    (Right::WebhooksWrite, "webhooks.write", [All, Nothing, Nothing, Nothing]),
    (Right::SettingsRead, "settings.read", [All, All, All, Nothing]),
    (Right::SettingsWrite, "settings.write", [All, Nothing, Nothing, Nothing]),
    (Right::AuditRead, "audit.read", [All, All, All, Nothing]),
    (Right::JobsRead, "jobs.read", [All, All, All, Nothing]),
    (Right::JobsWrite, "jobs.write", [All, All, Nothing, Nothing]),
    (Right::BackupRead, "backup.read", [All, All, All, Nothing]),
    (Right::BackupMake, "backup.make", [All, Nothing, Nothing, Nothing]),
];

impl Right {
    /// The name, as documents and tests have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        TABLE.iter().find(|(right, ..)| *right == self).map_or("", |(_, name, _)| *name)
    }

    /// How far it reaches for a role.
    #[must_use]
    pub fn reach(self, role: Role) -> Reach {
        let row = TABLE.iter().find(|(right, ..)| *right == self);
        let mut columns = row.into_iter().flat_map(|(.., reaches)| Role::ALL.iter().zip(reaches));
        columns.find(|(column, _)| **column == role).map_or(Nothing, |(_, reach)| *reach)
    }
}

impl Right {
    /// With which roles can be done what somebody with this role may not do, strongest first: those that have the
    /// right, and in full where this role has it for everybody but administrators.
    #[must_use]
    pub fn enough(self, role: Role) -> Vec<AdminRole> {
        let has_most = matches!(self.reach(role), All | Ordinary);
        let is_enough = |other: &AdminRole| match self.reach((*other).into()) {
            All => true,
            Ordinary => !has_most,
            Own | Nothing => false,
        };
        AdminRole::ALL.into_iter().filter(is_enough).collect()
    }
}

/// What somebody's account opens beyond what everybody in their groups has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    None,
    /// Somebody gave them, and not a group of theirs, a role of an app, or took them into an organisation.
    Entrusted,
    /// They look after a group.
    Manager,
    /// They have an [`AdminRole`].
    Role,
}

/// What has to be known of the person somebody wants to change.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    pub power: Power,
    /// Names of the groups they are in.
    pub groups: &'a [String],
}

/// An administrator: the role, and for group managers their groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub role: Role,
    /// Names of the groups they look after; counts only for [`Role::GroupManager`].
    pub groups: BTreeSet<String>,
}

impl Standing {
    /// What somebody with this role is who looks after these groups; `None` for somebody to whom the
    /// administration is closed. A role says it all: the groups count for people without one.
    #[must_use]
    pub fn of(role: Option<AdminRole>, looks_after: BTreeSet<String>) -> Option<Self> {
        match role {
            Some(role) => Some(Self { role: role.into(), groups: BTreeSet::new() }),
            None if looks_after.is_empty() => None,
            None => Some(Self { role: Role::GroupManager, groups: looks_after }),
        }
    }

    /// Whether they have this right at all.
    #[must_use]
    pub fn may(&self, right: Right) -> bool {
        right.reach(self.role) != Nothing
    }

    /// Whether somebody in these groups is there for them at all.
    #[must_use]
    pub fn may_see(&self, groups: &[String]) -> bool {
        match Right::PeopleRead.reach(self.role) {
            All | Ordinary => true,
            Own => groups.iter().any(|group| self.groups.contains(group)),
            Nothing => false,
        }
    }

    /// Whether they may change this person's account, or end what the person has. A group manager may
    /// when all groups of the person are their own, and nobody has given the person more: the account opens
    /// whatever else the person has, and that is not theirs to give.
    #[must_use]
    pub fn may_change(&self, right: Right, person: &Person<'_>) -> bool {
        match right.reach(self.role) {
            All => true,
            Ordinary => person.power != Power::Role,
            Own => person.power == Power::None && self.may_choose(person.groups),
            Nothing => false,
        }
    }

    /// Whether they may take this person into a group or out of it. A group manager only those they
    /// see already: whoever could take in anybody could change anybody.
    #[must_use]
    pub fn may_move(&self, group: &str, person: &Person<'_>) -> bool {
        match Right::GroupsMembers.reach(self.role) {
            All => true,
            Ordinary => person.power != Power::Role,
            Own => {
                matches!(person.power, Power::None | Power::Entrusted)
                    && self.groups.contains(group)
                    && self.may_see(person.groups)
            }
            Nothing => false,
        }
    }

    /// Whether somebody may be in exactly these groups by their word.
    #[must_use]
    pub fn may_choose(&self, groups: &[String]) -> bool {
        match Right::PeopleWrite.reach(self.role) {
            All | Ordinary => true,
            Own => !groups.is_empty() && groups.iter().all(|group| self.groups.contains(group)),
            Nothing => false,
        }
    }

    /// Whether a right that is about groups covers this one.
    #[must_use]
    pub fn covers(&self, right: Right, group: &str) -> bool {
        match right.reach(self.role) {
            All | Ordinary => true,
            Own => self.groups.contains(group),
            Nothing => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(role: Role) -> Standing {
        let groups = match role {
            Role::GroupManager => ["wiki".to_owned(), "garden".to_owned()].into(),
            Role::Owner | Role::Operator | Role::Auditor => BTreeSet::new(),
        };
        Standing { role, groups }
    }

    fn names(groups: &[&str]) -> Vec<String> {
        groups.iter().map(|group| (*group).to_owned()).collect()
    }

    #[test]
    fn every_right_is_there_once_and_owners_have_all_of_it() {
        for (n, (right, name, reaches)) in TABLE.iter().enumerate() {
            assert!(TABLE.iter().skip(n + 1).all(|(r, other, _)| r != right && other != name));
            assert_eq!(right.as_str(), *name);
            assert_eq!(reaches[0], All, "{name}");
            for (role, reach) in Role::ALL.into_iter().zip(reaches) {
                assert_eq!(right.reach(role), *reach, "{name}: {role:?}");
            }
        }
    }

    #[test]
    fn what_a_role_may_not_do_is_done_by_those_that_have_the_right_or_more_of_it() {
        let (owner, operator) = (AdminRole::Owner, AdminRole::Operator);
        for (right, role, enough) in [
            (Right::PeopleWrite, Role::Auditor, &[owner, operator][..]),
            // With an administrator's account only an owner does anything.
            (Right::PeopleWrite, Role::Operator, &[owner]),
            (Right::PeopleWrite, Role::GroupManager, &[owner, operator]),
            (Right::KeysRotate, Role::Operator, &[owner]),
            (Right::AuditRead, Role::GroupManager, &AdminRole::ALL),
        ] {
            assert_eq!(right.enough(role), enough, "{right:?} {role:?}");
        }
    }

    #[test]
    fn an_auditor_reads_all_and_changes_nothing() {
        for (_, name, [.., auditor, _]) in TABLE {
            let reads = name.contains(".read") || name == "console.enter";
            assert_eq!(auditor, if reads { All } else { Nothing }, "{name}");
        }
    }

    #[test]
    fn nobody_but_an_owner_gives_out_power_or_changes_those_who_have_it() {
        for right in [Right::PeopleGrantRole, Right::GroupsDelegate, Right::ClientsSecret] {
            for role in [Role::Operator, Role::Auditor, Role::GroupManager] {
                assert_eq!(right.reach(role), Nothing, "{right:?} {role:?}");
            }
        }
        let groups = names(&["wiki"]);
        let administrator = Person { power: Power::Role, groups: &groups };
        for (right, ..) in TABLE {
            if matches!(right, Right::PeopleWrite | Right::PeopleDelete | Right::SessionsEnd) {
                assert!(standing(Role::Owner).may_change(right, &administrator));
                for role in [Role::Operator, Role::Auditor, Role::GroupManager] {
                    assert!(!standing(role).may_change(right, &administrator), "{role:?}");
                    assert!(!standing(role).may_move("wiki", &administrator), "{role:?}");
                }
            }
        }
    }

    #[test]
    fn a_group_manager_sees_who_is_in_a_group_of_theirs_and_changes_who_is_in_no_other() {
        let manager = standing(Role::GroupManager);
        let ours = [names(&["wiki"]), names(&["garden", "wiki"])];
        for groups in &ours {
            let person = Person { power: Power::None, groups };
            assert!(manager.may_see(groups));
            assert!(manager.may_change(Right::PeopleWrite, &person));
            assert!(!manager.may_change(Right::PeopleDelete, &person));
            let entrusted = Person { power: Power::Entrusted, groups };
            assert!(!manager.may_change(Right::PeopleWrite, &entrusted), "a role of their own");
            assert!(!manager.may_change(Right::SessionsEnd, &entrusted), "a role of their own");
            assert!(
                manager.may_move("wiki", &entrusted),
                "who is in the group stays theirs to say"
            );
            let other = Person { power: Power::Manager, groups };
            assert!(!manager.may_change(Right::PeopleWrite, &other), "another manager");
            assert!(!manager.may_move("wiki", &other), "another manager");
        }
        let shared = names(&["board", "wiki"]);
        let person = Person { power: Power::None, groups: &shared };
        assert!(manager.may_see(&shared));
        assert!(!manager.may_change(Right::PeopleWrite, &person), "the account opens board, too");
        assert!(manager.may_move("garden", &person) && !manager.may_move("board", &person));
        for strangers in [names(&[]), names(&["board"])] {
            let person = Person { power: Power::None, groups: &strangers };
            assert!(!manager.may_see(&strangers));
            assert!(!manager.may_change(Right::PeopleWrite, &person));
            assert!(!manager.may_move("wiki", &person), "nobody they do not see");
        }
    }

    #[test]
    fn a_group_manager_chooses_among_their_own_groups_and_at_least_one() {
        let manager = standing(Role::GroupManager);
        assert!(manager.may_choose(&names(&["wiki", "garden"])));
        assert!(!manager.may_choose(&names(&[])));
        assert!(!manager.may_choose(&names(&["wiki", "board"])));
        assert!(manager.covers(Right::GroupsRead, "wiki"));
        assert!(!manager.covers(Right::GroupsRead, "board"));
        assert!(!manager.covers(Right::GroupsWrite, "wiki"));
        assert!(standing(Role::Operator).may_choose(&[]));
    }

    #[test]
    fn a_role_says_it_all_and_without_one_the_groups_count() {
        let wiki = || BTreeSet::from(["wiki".to_owned()]);
        assert_eq!(Standing::of(None, BTreeSet::new()), None);
        assert_eq!(Standing::of(None, wiki()).map(|s| s.role), Some(Role::GroupManager));
        let auditor = Standing::of(Some(AdminRole::Auditor), wiki());
        assert_eq!(auditor, Some(standing(Role::Auditor)));
        assert!(!standing(Role::Auditor).covers(Right::GroupsMembers, "wiki"));
    }
}
