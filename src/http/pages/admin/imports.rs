//! Many people from a file: the form that sends it, and how far its import is.

use askama::Template;

use super::{Console, Section};
use crate::http::pages::chrome::Chrome;
use crate::http::pages::filters;
use crate::http::pages::sample::words;
use crate::http::pages::views::{FieldError, When, error_of};

/// `GET /admin/users/import`. The form posts to `/admin/users/import/start`, as `multipart/form-data` with the
/// file last: what comes before it says whether it is taken.
#[derive(Debug, Template)]
#[template(path = "admin/user_import.html")]
pub struct UserImport {
    pub chrome: Chrome,
    pub console: Console,
    pub form: ImportForm,
    /// The longest file, such as `256 MiB`.
    pub most: String,
    /// Whether there is an import to look at.
    pub has_newest: bool,
    /// Fields: `file`, `duplicates`.
    pub errors: Vec<FieldError>,
}

/// What the form holds beside the file.
#[derive(Debug, Clone, Default)]
pub struct ImportForm {
    /// `fail`, `skip` or `update`.
    pub duplicates: String,
    pub dry_run: bool,
    pub email_verified: bool,
}

/// `GET /admin/users/import/newest`.
#[derive(Debug, Template)]
#[template(path = "admin/user_import_newest.html")]
pub struct ImportNewest {
    pub chrome: Chrome,
    pub console: Console,
    /// `None` when there was none for a day.
    pub import: Option<ImportView>,
}

/// How far an import is.
#[derive(Debug, Clone)]
pub struct ImportView {
    /// What the file was called.
    pub name: String,
    pub state: ImportState,
    pub is_dry_run: bool,
    /// How much of the file is done, 0 to 100.
    pub percent: u64,
    /// Lines, and what became of them.
    pub read: i64,
    pub created: i64,
    pub updated: i64,
    pub skipped: i64,
    pub rejected: i64,
    /// Lines in a second.
    pub rate: Option<i64>,
    pub began: When,
    /// The line behind which it goes on, of a file that was begun before.
    pub resumed: Option<i64>,
    /// What went wrong and what to do about it; may be empty.
    pub trouble: String,
    /// The first lines that were left out, each with the reason.
    pub rejects: Vec<(u64, String)>,
    /// How many of them can be downloaded at most.
    pub most_rejects: i64,
}

/// How an import is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportState {
    Running,
    Done,
    /// It has ended before its file.
    Broken,
}

impl ImportState {
    fn label(self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::Done => "Done",
            Self::Broken => "Stopped before the end",
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Running => "",
            Self::Done => "good",
            Self::Broken => "bad",
        }
    }
}

impl ImportForm {
    /// What may become of people who are there already, with the words for it.
    fn choices() -> [(&'static str, &'static str); 3] {
        [
            ("fail", "Stop at the first of them"),
            ("skip", "Leave them as they are"),
            ("update", "Change what the file says"),
        ]
    }
}

impl ImportView {
    /// Whether more lines were left out than the page shows.
    fn has_more(&self) -> bool {
        i64::try_from(self.rejects.len()).is_ok_and(|shown| shown < self.rejected)
    }
}

impl UserImport {
    fn hint(&self) -> String {
        format!("CSV or NDJSON in UTF-8, at most {}.", self.most)
    }

    fn error(&self, field: &str) -> Option<&str> {
        error_of(&self.errors, field)
    }

    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::People),
            form: ImportForm::default(),
            most: "256 MiB".to_owned(),
            has_newest: true,
            errors: Vec::new(),
        }
    }

    /// A file that cannot be read.
    #[must_use]
    pub fn sample_wrong() -> Self {
        let text = words("The first line must name the columns; username is missing.");
        Self {
            form: ImportForm { duplicates: "skip".to_owned(), dry_run: true, email_verified: true },
            errors: vec![FieldError { field: "file", text }],
            ..Self::sample()
        }
    }
}

impl ImportNewest {
    fn is_running(&self) -> bool {
        self.import.as_ref().is_some_and(|import| import.state == ImportState::Running)
    }

    #[must_use]
    pub fn sample() -> Self {
        let import = ImportView {
            name: words("people.csv"),
            state: ImportState::Running,
            is_dry_run: false,
            percent: 42,
            read: 42_000,
            created: 41_800,
            updated: 0,
            skipped: 198,
            rejected: 2,
            rate: Some(4_700),
            began: When::sample(9),
            resumed: Some(12_000),
            trouble: String::new(),
            rejects: vec![
                (17, words("username: use 1 to 100 letters, digits or the characters . - _ @ +")),
                (40_100, words("5 columns instead of 6")),
            ],
            most_rejects: 1_000,
        };
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::People),
            import: Some(import),
        }
    }

    /// A dry run that is through.
    #[must_use]
    pub fn sample_done() -> Self {
        Self::of(|import| {
            (import.state, import.is_dry_run, import.percent) = (ImportState::Done, true, 100);
            (import.rejected, import.resumed) = (2_000, None);
        })
    }

    /// One that has ended before its file.
    #[must_use]
    pub fn sample_broken() -> Self {
        Self::of(|import| {
            import.state = ImportState::Broken;
            import.trouble = words("The server was stopped. Send the same file again.");
        })
    }

    /// None for a day.
    #[must_use]
    pub fn sample_none() -> Self {
        Self { import: None, ..Self::sample() }
    }

    fn of(change: impl FnOnce(&mut ImportView)) -> Self {
        let mut page = Self::sample();
        if let Some(import) = &mut page.import {
            change(import);
        }
        page
    }
}
