//! The whole database, row by row, whatever is in it: read as of one moment ([`Snapshot`]) and written as
//! a whole or not at all ([`Refill`]). Which tables there are is written down here; their columns are
//! asked of the database, so that a backup of an older schema is read and written the same way.
//!
//! | module | job |
//! |---|---|
//! | `aftermath` | what ends when an older state comes back |
//! | `layout` | the columns of a table, and the statements that follow from them |
//! | `refill` | one transaction that empties a database, or finds it empty, and fills it |
//! | `rows` | values out of and into columns |
//! | `snapshot` | reading beside a running server, as of one moment |

pub mod aftermath;
mod layout;
mod refill;
mod rows;
mod snapshot;

use serde_json::Value;

use crate::store::db::migrations;

pub use layout::{Column, Kind, Table};
pub use refill::{Before, Refill, RefillError};
pub use rows::Rows;
pub use snapshot::Snapshot;

/// Every table that holds something, in an order in which rows can be added: what a row refers to comes
/// before it. A table that a later migration drops stays here: older backups have it.
pub const TABLES: [&str; 49] = [
    "users",
    "passwords",
    "groups",
    "user_groups",
    "group_managers",
    "organisations",
    "organisation_members",
    "clients",
    "client_registrations",
    "client_documents",
    "client_roles",
    "user_roles",
    "group_roles",
    "protected_resources",
    "client_groups",
    "pictures",
    "consents",
    "withdrawals",
    "sessions",
    "session_clients",
    "session_data",
    "gateway_cookies",
    "grants",
    "refresh_families",
    "one_time_links",
    "known_marks",
    "used_jtis",
    "registration_tokens",
    "trusted_issuers",
    "upstream_providers",
    "revocations",
    "outbox",
    "imports",
    "settings",
    "served_issuers",
    "activity",
    "api_keys",
    "api_requests",
    "signing_keys",
    "encryption_keys",
    "kept_keys",
    "audit_events",
    "audit_unsealed",
    "audit_chain",
    "audit_marks",
    // After the events, of which nobody is to be told once more.
    "webhooks",
    "webhook_events",
    "webhook_deliveries",
    // One row that every migrated database has.
    SINGLE_ROW,
];

/// For a transaction of PostgreSQL that takes its time, whatever the server's own limits are.
const UNLIMITED: &str = "set local statement_timeout = 0; \
    set local idle_in_transaction_session_timeout = 0; set local lock_timeout = '10s'";

/// The table whose row the migrations make.
const SINGLE_ROW: &str = "sync_state";

/// The values of a row in the order of the table's columns: text, whole numbers, truth values, JSON, or
/// null.
pub type Row = Vec<Value>;

/// The first of these migrations that this program does not know, if any.
pub fn unknown_migration(versions: &[i64]) -> Option<i64> {
    versions.iter().copied().find(|version| !migrations::known().any(|known| known == *version))
}
