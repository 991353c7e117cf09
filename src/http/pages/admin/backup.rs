//! Backups: the last ones, one to download, and how one is put back.

use askama::Template;

use super::audit::AuditRow;
use super::{Console, Section};
use crate::http::pages::chrome::Chrome;
use crate::http::pages::filters;

/// `GET /admin/backup`. Form `backup`: POST to the same address; the answer is a file.
#[derive(Debug, Template)]
#[template(path = "admin/backup.html")]
pub struct Backup {
    pub chrome: Chrome,
    pub console: Console,
    /// The last ones, newest first.
    pub made: Vec<AuditRow>,
    /// Whether the administrator has signed in lately enough to take one away.
    pub is_fresh: bool,
}

impl Backup {
    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Backup),
            made: AuditRow::samples(),
            is_fresh: true,
        }
    }

    /// Before the first one.
    #[must_use]
    pub fn sample_none() -> Self {
        Self { made: Vec::new(), is_fresh: false, ..Self::sample() }
    }
}
