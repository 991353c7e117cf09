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
}

impl Backup {
    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Backup),
            made: AuditRow::samples(),
        }
    }

    /// Before the first one.
    #[must_use]
    pub fn sample_none() -> Self {
        let mut page = Self { made: Vec::new(), ..Self::sample() };
        page.console.is_fresh = false;
        page
    }
}
