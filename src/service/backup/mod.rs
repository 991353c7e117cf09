//! Backup, restore and copy: the whole database as a tar file of JSON lines, made beside running servers,
//! checked as a whole before anything is changed, and put back into either database in one transaction.
//!
//! | module | job |
//! |---|---|
//! | `archive` | the file: its entries, made and read one after the other |
//! | `copy` | from one database straight into another |
//! | `download` | a backup as a file to send |
//! | `make` | a backup of a database |
//! | `put_back` | a backup into a database, and what that ends |
//! | `tally` | rows as lines, counted and hashed |
//! | `verify` | whether a backup is whole, and whether its keys can be opened |

mod archive;
mod copy;
mod download;
mod make;
mod put_back;
mod tally;
mod verify;

use crate::crypto::seal::MasterKeyError;
use crate::store::StoreError;
use crate::store::dump::RefillError;

pub use archive::{Head, Summary};
pub use copy::copy;
pub(in crate::service) use download::nameless;
pub use download::{download, note};
pub use make::{Wanted, make};
pub use put_back::{Plan, Sessions, put_back};
pub use verify::{Contents, Opened, verify};

/// Why there is no backup, or nothing was put back. Where something was to be changed, it was not.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("there is nothing to back up: the database has no schema yet")]
    Nothing,
    #[error(
        "the database was made by a newer version of Doorward (it has migration {0}): use that version"
    )]
    NewerDatabase(i64),
    #[error(
        "the backup was made by a newer version of Doorward (it has migration {0}): use that version"
    )]
    NewerBackup(i64),
    #[error("this is no backup of Doorward, or one that is damaged: {0}")]
    Damaged(String),
    #[error("what was written is not what was read: table {0}; nothing was kept")]
    Differs(String),
    #[error("the master key in the backup cannot be used: {0}")]
    MasterKey(#[from] MasterKeyError),
    #[error(transparent)]
    Refill(#[from] RefillError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl BackupError {
    fn damaged(why: impl std::fmt::Display) -> Self {
        Self::Damaged(why.to_string())
    }
}

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Reading,
    Checking,
    Writing,
    /// Reading again what was written.
    Comparing,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct News<'a> {
    pub stage: Stage,
    pub table: &'a str,
    /// Rows of all tables, in this stage.
    pub rows: u64,
}

/// Who is told.
pub type Tell<'a> = &'a mut dyn FnMut(News<'_>);
