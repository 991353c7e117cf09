//! The service itself: sessions, keys, the audit log and settings.

use super::About::{Nobody, Session};
use super::Method::{Delete, Get, Post, Put};
use super::{Action, Entry, entry};
use crate::protocol::api::ApiScope as S;
use crate::protocol::rights::Right as R;

pub(super) const TABLE: &[Entry] = &[
    entry((Get, "/sessions"), (S::SessionsRead, R::SessionsRead), Nobody, Action::SessionsList),
    entry(
        (Delete, "/sessions/{id}"),
        (S::SessionsWrite, R::SessionsEnd),
        Session,
        Action::SessionEnd,
    ),
    entry((Get, "/keys"), (S::KeysRead, R::KeysRead), Nobody, Action::KeysList),
    entry((Post, "/keys/rotate"), (S::KeysWrite, R::KeysRotate), Nobody, Action::KeysRotate),
    entry((Delete, "/keys/{id}"), (S::KeysWrite, R::KeysRotate), Nobody, Action::KeyRetire),
    entry((Get, "/audit-events"), (S::AuditRead, R::AuditRead), Nobody, Action::AuditList),
    entry((Get, "/settings"), (S::SettingsRead, R::SettingsRead), Nobody, Action::SettingsList),
    entry((Get, "/settings/{id}"), (S::SettingsRead, R::SettingsRead), Nobody, Action::SettingShow),
    entry(
        (Put, "/settings/{id}"),
        (S::SettingsWrite, R::SettingsWrite),
        Nobody,
        Action::SettingPut,
    ),
    entry(
        (Delete, "/settings/{id}"),
        (S::SettingsWrite, R::SettingsWrite),
        Nobody,
        Action::SettingDelete,
    ),
];
