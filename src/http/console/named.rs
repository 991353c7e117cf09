//! Deleting what many people would miss: its name has to be typed. Everything else that cannot be undone asks
//! with a button ([`crate::http::pages::admin::confirm`]).

use super::desk::{Answer, Desk};
use crate::http::pages::FieldError;
use crate::http::pages::admin::Section;
use crate::http::pages::admin::delete_named::DeleteNamed;

/// What is to be deleted.
pub(super) struct Loss {
    pub section: Section,
    /// What it is called.
    pub named: String,
    /// What is to be typed: its name as lists have it.
    pub word: String,
    /// What will happen, in whole sentences.
    pub effects: Vec<String>,
    /// What to do in place of it, if there is anything.
    pub instead: Option<&'static str>,
    /// Path of its page.
    pub path: String,
}

/// What can be switched off and on again.
pub(super) const DISABLE: Option<&str> = Some("To keep it for later, disable it instead.");

/// Asks for the name.
pub(super) fn ask(desk: &Desk<'_>, loss: Loss) -> Answer {
    desk.show(&page(desk, loss))
}

/// Asks once more, since something else was typed.
pub(super) fn ask_again(desk: &Desk<'_>, loss: Loss) -> Answer {
    let text = format!("Type {} to delete it.", loss.word);
    let errors = vec![FieldError { field: "name", text }];
    desk.show_again(&DeleteNamed { typed: desk.text("name"), errors, ..page(desk, loss) })
}

/// Whether the name was typed. Pages show one space where a name has several.
pub(super) fn is_typed(desk: &Desk<'_>, word: &str) -> bool {
    desk.text("name").split_whitespace().eq(word.split_whitespace())
}

fn page(desk: &Desk<'_>, loss: Loss) -> DeleteNamed {
    let Loss { section, named, word, effects, instead, path } = loss;
    DeleteNamed {
        chrome: desk.chrome(),
        console: desk.console(section),
        named,
        effects,
        instead,
        word,
        path,
        typed: String::new(),
        errors: Vec::new(),
    }
}
