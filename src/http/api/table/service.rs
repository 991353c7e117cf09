//! The service itself: sessions, keys, the audit log, settings and the rest of the configuration, messages that
//! wait, mail, API keys and how things stand.

use super::About::{Nobody, Session};
use super::{Action, Entry, entry};
use crate::http::programs::Verb::{Delete, Get, Post, Put};
use crate::protocol::api::ApiScope as S;
use crate::protocol::rights::Right as R;

pub(super) const TABLE: &[Entry] = &[
    entry((Get, "/sessions"), (S::SessionsRead, R::SessionsRead), Nobody, Action::SessionsList),
    entry(
        (Post, "/sessions/end"),
        (S::SessionsWrite, R::SessionsEndMany),
        Nobody,
        Action::SessionsEndMany,
    ),
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
    entry(
        (Get, "/configuration"),
        (S::SettingsRead, R::SettingsRead),
        Nobody,
        Action::ConfigurationShow,
    ),
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
    entry((Get, "/jobs"), (S::JobsRead, R::JobsRead), Nobody, Action::JobsList),
    entry((Post, "/jobs/{id}/retry"), (S::JobsWrite, R::JobsWrite), Nobody, Action::JobRetry),
    entry((Delete, "/jobs/{id}"), (S::JobsWrite, R::JobsWrite), Nobody, Action::JobDiscard),
    entry((Post, "/mail/test"), (S::SettingsWrite, R::SettingsWrite), Nobody, Action::MailTest),
    entry((Get, "/api-keys"), (S::ApiKeysRead, R::ApiKeysRead), Nobody, Action::ApiKeysList),
    entry(
        (Delete, "/api-keys/{id}"),
        (S::ApiKeysWrite, R::ApiKeysWrite),
        Nobody,
        Action::ApiKeyRevoke,
    ),
    entry((Get, "/overview"), (S::OverviewRead, R::OverviewRead), Nobody, Action::OverviewShow),
    entry(
        (Put, "/branding/{id}"),
        (S::SettingsWrite, R::SettingsWrite),
        Nobody,
        Action::BrandLogoPut,
    ),
    entry(
        (Delete, "/branding/{id}"),
        (S::SettingsWrite, R::SettingsWrite),
        Nobody,
        Action::BrandLogoDelete,
    ),
];
