//! People, groups and organisations.

use super::About::{Group, Member, Nobody, Organisation, OrganisationMember, Person};
use super::{Action, Entry, Further as F, entry};
use crate::http::programs::Verb::{Delete, Get, Patch, Post, Put};
use crate::protocol::api::ApiScope as S;
use crate::protocol::rights::Right as R;

pub(super) const TABLE: &[Entry] = &[
    entry((Get, "/users"), (S::UsersRead, R::PeopleRead), Nobody, Action::UsersList),
    entry((Post, "/users"), (S::UsersWrite, R::PeopleWrite), Nobody, Action::UserCreate)
        .with(&[F::Groups, F::Role]),
    entry((Get, "/users/{id}"), (S::UsersRead, R::PeopleRead), Person, Action::UserShow),
    entry((Patch, "/users/{id}"), (S::UsersWrite, R::PeopleWrite), Person, Action::UserPatch)
        .with(&[F::Groups, F::Role, F::Administrator]),
    entry((Delete, "/users/{id}"), (S::UsersWrite, R::PeopleDelete), Person, Action::UserDelete)
        .with(&[F::Administrator]),
    entry(
        (Post, "/users/{id}/delete-later"),
        (S::UsersWrite, R::PeopleDelete),
        Person,
        Action::UserDeleteLater,
    )
    .with(&[F::Administrator]),
    entry(
        (Post, "/users/{id}/disable"),
        (S::UsersWrite, R::PeopleWrite),
        Person,
        Action::UserDisable,
    )
    .with(&[F::Administrator]),
    entry(
        (Post, "/users/{id}/enable"),
        (S::UsersWrite, R::PeopleWrite),
        Person,
        Action::UserEnable,
    )
    .with(&[F::Administrator]),
    entry(
        (Post, "/users/{id}/sign-out"),
        (S::SessionsWrite, R::SessionsEnd),
        Person,
        Action::UserSignOut,
    ),
    entry((Get, "/users/{id}/apps"), (S::UsersRead, R::PeopleRead), Person, Action::UserApps),
    entry(
        (Delete, "/users/{id}/apps/{client}"),
        (S::SessionsWrite, R::SessionsEnd),
        Person,
        Action::UserAppRemove,
    ),
    // As much as the person's page in the console shows to those who see the person.
    entry(
        (Get, "/users/{id}/connections"),
        (S::SessionsRead, R::PeopleRead),
        Person,
        Action::UserConnections,
    ),
    entry(
        (Delete, "/users/{id}/connections/{connection}"),
        (S::SessionsWrite, R::SessionsEnd),
        Person,
        Action::UserConnectionEnd,
    ),
    entry(
        (Post, "/users/{id}/reset-link"),
        (S::UsersWrite, R::PeopleWrite),
        Person,
        Action::UserResetLink,
    )
    .with(&[F::Administrator]),
    entry(
        (Post, "/users/{id}/temporary-password"),
        (S::UsersWrite, R::PeopleWrite),
        Person,
        Action::UserTemporaryPassword,
    )
    .with(&[F::Administrator]),
    entry((Get, "/groups"), (S::GroupsRead, R::GroupsRead), Nobody, Action::GroupsList),
    entry((Post, "/groups"), (S::GroupsWrite, R::GroupsWrite), Nobody, Action::GroupCreate),
    entry((Get, "/groups/{id}"), (S::GroupsRead, R::GroupsRead), Group, Action::GroupShow),
    entry((Patch, "/groups/{id}"), (S::GroupsWrite, R::GroupsWrite), Group, Action::GroupPatch),
    entry((Delete, "/groups/{id}"), (S::GroupsWrite, R::GroupsWrite), Group, Action::GroupDelete),
    entry(
        (Get, "/groups/{id}/members"),
        (S::GroupsRead, R::GroupsRead),
        Group,
        Action::MembersList,
    ),
    entry(
        (Put, "/groups/{id}/members/{member}"),
        (S::GroupsWrite, R::GroupsMembers),
        Member,
        Action::MemberAdd,
    ),
    entry(
        (Delete, "/groups/{id}/members/{member}"),
        (S::GroupsWrite, R::GroupsMembers),
        Member,
        Action::MemberRemove,
    ),
    entry(
        (Get, "/groups/{id}/managers"),
        (S::GroupsRead, R::GroupsRead),
        Group,
        Action::ManagersList,
    ),
    entry(
        (Put, "/groups/{id}/managers/{member}"),
        (S::GroupsWrite, R::GroupsDelegate),
        Member,
        Action::ManagerAdd,
    )
    .with(&[F::Role]),
    entry(
        (Delete, "/groups/{id}/managers/{member}"),
        (S::GroupsWrite, R::GroupsDelegate),
        Member,
        Action::ManagerRemove,
    )
    .with(&[F::Role]),
    entry(
        (Get, "/organisations"),
        (S::OrganisationsRead, R::OrganisationsRead),
        Nobody,
        Action::OrganisationsList,
    ),
    entry(
        (Post, "/organisations"),
        (S::OrganisationsWrite, R::OrganisationsWrite),
        Nobody,
        Action::OrganisationCreate,
    ),
    entry(
        (Get, "/organisations/{id}"),
        (S::OrganisationsRead, R::OrganisationsRead),
        Organisation,
        Action::OrganisationShow,
    ),
    entry(
        (Patch, "/organisations/{id}"),
        (S::OrganisationsWrite, R::OrganisationsWrite),
        Organisation,
        Action::OrganisationPatch,
    ),
    entry(
        (Delete, "/organisations/{id}"),
        (S::OrganisationsWrite, R::OrganisationsWrite),
        Organisation,
        Action::OrganisationDelete,
    ),
    entry(
        (Get, "/organisations/{id}/members"),
        (S::OrganisationsRead, R::OrganisationsRead),
        Organisation,
        Action::OrganisationPeople,
    ),
    entry(
        (Put, "/organisations/{id}/members/{member}"),
        (S::OrganisationsWrite, R::OrganisationsMembers),
        OrganisationMember,
        Action::OrganisationAdd,
    ),
    entry(
        (Delete, "/organisations/{id}/members/{member}"),
        (S::OrganisationsWrite, R::OrganisationsMembers),
        OrganisationMember,
        Action::OrganisationRemove,
    ),
];
