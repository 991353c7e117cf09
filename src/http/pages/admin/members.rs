//! People in something, as the pages of a group and of an organisation show them.

use super::State;
use crate::http::pages::sample::words;

/// One of those in it.
#[derive(Debug, Clone)]
pub struct MemberRow {
    pub id: String,
    pub username: String,
    pub name: Option<String>,
    pub state: State,
    pub way_out: WayOut,
}

/// How this administrator takes somebody out: POST `…/remove-member` with `member`, or first the question,
/// GET `…/remove-member?member=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WayOut {
    AtOnce,
    Asked,
    /// They may not.
    Closed,
}

impl MemberRow {
    /// Two people, one of whom can be taken out.
    pub(super) fn samples(way_out: WayOut) -> Vec<Self> {
        let row = |username: &str, name: &str, state, way_out| Self {
            id: words(&format!("5f0c1f0e-{username}")),
            username: words(username),
            name: Some(words(name)),
            state,
            way_out,
        };
        vec![
            row("ada", "Ada Lovelace", State::Active, WayOut::Closed),
            row("noor", "نور الهدى", State::Disabled, way_out),
        ]
    }
}
