//! Apps, their secrets and their roles, and the tokens by which apps register.

use super::About::{Nobody, RoleHolder};
use super::{Action, Entry, Further as F, entry};
use crate::http::programs::Verb::{Delete, Get, Patch, Post, Put};
use crate::protocol::api::ApiScope as S;
use crate::protocol::rights::Right as R;

pub(super) const TABLE: &[Entry] = &[
    entry((Get, "/clients"), (S::ClientsRead, R::ClientsRead), Nobody, Action::ClientsList),
    entry((Post, "/clients"), (S::ClientsWrite, R::ClientsWrite), Nobody, Action::ClientCreate)
        .with(&[F::AppsOwn]),
    entry((Get, "/clients/{id}"), (S::ClientsRead, R::ClientsRead), Nobody, Action::ClientShow),
    entry(
        (Patch, "/clients/{id}"),
        (S::ClientsWrite, R::ClientsWrite),
        Nobody,
        Action::ClientPatch,
    )
    .with(&[F::AppsOwn]),
    entry(
        (Delete, "/clients/{id}"),
        (S::ClientsWrite, R::ClientsWrite),
        Nobody,
        Action::ClientDelete,
    ),
    entry(
        (Post, "/clients/{id}/disable"),
        (S::ClientsWrite, R::ClientsWrite),
        Nobody,
        Action::ClientDisable,
    ),
    entry(
        (Post, "/clients/{id}/enable"),
        (S::ClientsWrite, R::ClientsWrite),
        Nobody,
        Action::ClientEnable,
    )
    .with(&[F::AppsOwn]),
    entry(
        (Post, "/clients/{id}/refresh"),
        (S::ClientsWrite, R::ClientsWrite),
        Nobody,
        Action::ClientRefresh,
    ),
    entry(
        (Post, "/clients/{id}/revoke-registration"),
        (S::ClientsWrite, R::ClientsWrite),
        Nobody,
        Action::ClientRevokeRegistration,
    ),
    entry(
        (Post, "/clients/{id}/secret"),
        (S::ClientsWrite, R::ClientsSecret),
        Nobody,
        Action::ClientSecret,
    )
    .with(&[F::AppsOwn]),
    entry(
        (Post, "/clients/{id}/preview"),
        (S::ClientsWrite, R::ClientsPreview),
        Nobody,
        Action::ClientPreview,
    )
    .with(&[F::People]),
    entry(
        (Get, "/clients/{id}/secrets"),
        (S::ClientsRead, R::ClientsRead),
        Nobody,
        Action::SecretsList,
    ),
    entry(
        (Post, "/clients/{id}/secrets"),
        (S::ClientsWrite, R::ClientsSecret),
        Nobody,
        Action::SecretAdd,
    )
    .with(&[F::AppsOwn]),
    entry(
        (Delete, "/clients/{id}/secrets/{secret}"),
        (S::ClientsWrite, R::ClientsSecret),
        Nobody,
        Action::SecretRemove,
    ),
    entry((Get, "/clients/{id}/roles"), (S::RolesRead, R::ClientsRead), Nobody, Action::RolesList),
    entry(
        (Post, "/clients/{id}/roles"),
        (S::RolesWrite, R::RolesWrite),
        Nobody,
        Action::RoleCreate,
    ),
    entry(
        (Get, "/clients/{id}/roles/{role}"),
        (S::RolesRead, R::ClientsRead),
        Nobody,
        Action::RoleShow,
    ),
    entry(
        (Patch, "/clients/{id}/roles/{role}"),
        (S::RolesWrite, R::RolesWrite),
        Nobody,
        Action::RolePatch,
    ),
    entry(
        (Delete, "/clients/{id}/roles/{role}"),
        (S::RolesWrite, R::RolesWrite),
        Nobody,
        Action::RoleDelete,
    ),
    entry(
        (Get, "/clients/{id}/roles/{role}/users"),
        (S::RolesRead, R::ClientsRead),
        Nobody,
        Action::RoleUsersList,
    ),
    entry(
        (Put, "/clients/{id}/roles/{role}/users/{member}"),
        (S::RolesWrite, R::RolesGive),
        RoleHolder,
        Action::RoleUserAdd,
    ),
    entry(
        (Delete, "/clients/{id}/roles/{role}/users/{member}"),
        (S::RolesWrite, R::RolesGive),
        RoleHolder,
        Action::RoleUserRemove,
    ),
    entry(
        (Get, "/clients/{id}/roles/{role}/groups"),
        (S::RolesRead, R::ClientsRead),
        Nobody,
        Action::RoleGroupsList,
    ),
    entry(
        (Put, "/clients/{id}/roles/{role}/groups/{group}"),
        (S::RolesWrite, R::RolesGive),
        Nobody,
        Action::RoleGroupAdd,
    ),
    entry(
        (Delete, "/clients/{id}/roles/{role}/groups/{group}"),
        (S::RolesWrite, R::RolesGive),
        Nobody,
        Action::RoleGroupRemove,
    ),
    entry(
        (Put, "/clients/{id}/logo"),
        (S::ClientsWrite, R::ClientsWrite),
        Nobody,
        Action::ClientLogoPut,
    )
    .with(&[F::AppsOwn]),
    entry(
        (Delete, "/clients/{id}/logo"),
        (S::ClientsWrite, R::ClientsWrite),
        Nobody,
        Action::ClientLogoDelete,
    )
    .with(&[F::AppsOwn]),
    entry(
        (Get, "/registration-tokens"),
        (S::ClientsRead, R::ClientsRead),
        Nobody,
        Action::RegistrationTokensList,
    ),
    entry(
        (Post, "/registration-tokens"),
        (S::ClientsWrite, R::ClientsWrite),
        Nobody,
        Action::RegistrationTokenCreate,
    ),
    entry(
        (Get, "/registration-tokens/{id}"),
        (S::ClientsRead, R::ClientsRead),
        Nobody,
        Action::RegistrationTokenShow,
    ),
    entry(
        (Delete, "/registration-tokens/{id}"),
        (S::ClientsWrite, R::ClientsWrite),
        Nobody,
        Action::RegistrationTokenRevoke,
    ),
];
