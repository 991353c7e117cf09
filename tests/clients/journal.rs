//! What an independent client was seen doing, held against its row in `docs/clients.md`.
//!
//! ```ignore
//! let mut journal = Journal::of("Authlib");
//! journal.note(Step::SignIn);                 // after the step was seen to work
//! journal.assert_complete();                  // the row says yes to exactly these steps
//! ```

use std::collections::BTreeSet;

/// A column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    SignIn,
    SilentSignIn,
    Refresh,
    Userinfo,
    WrongRedirect,
    DeniedConsent,
    RotatedKey,
    Logout,
}

impl Step {
    const ALL: [(Self, &str); 8] = [
        (Self::SignIn, "sign-in"),
        (Self::SilentSignIn, "silent re-sign-in"),
        (Self::Refresh, "refresh"),
        (Self::Userinfo, "userinfo"),
        (Self::WrongRedirect, "wrong redirect"),
        (Self::DeniedConsent, "denied consent"),
        (Self::RotatedKey, "rotated key"),
        (Self::Logout, "logout"),
    ];
}

/// The steps of one client.
pub struct Journal {
    client: &'static str,
    seen: BTreeSet<Step>,
}

impl Journal {
    /// A client by its name in the table.
    pub fn of(client: &'static str) -> Self {
        Self { client, seen: BTreeSet::new() }
    }

    /// A step was seen to work.
    pub fn note(&mut self, step: Step) {
        self.seen.insert(step);
    }

    /// Checks that the table says of this client what was seen.
    #[track_caller]
    pub fn assert_complete(&self) {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/clients.md");
        let text = std::fs::read_to_string(path).expect("docs/clients.md");
        let rows = text.lines().filter(|line| line.starts_with("| "));
        let rows: Vec<Vec<&str>> = rows.map(cells).collect();
        let heads = rows.first().expect("a table");
        let row = rows.iter().find(|row| row.first() == Some(&self.client));
        let row = row.unwrap_or_else(|| panic!("docs/clients.md has no row for {}", self.client));
        for (step, head) in Step::ALL {
            let column = heads.iter().position(|cell| *cell == head).expect("a column");
            let expected = if self.seen.contains(&step) { "yes" } else { "no" };
            assert_eq!(row[column], expected, "{}: {head}", self.client);
        }
    }
}

fn cells(line: &str) -> Vec<&str> {
    line.trim().trim_matches('|').split('|').map(str::trim).collect()
}
