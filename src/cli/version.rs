//! `doorward version`.

use serde_json::json;

use super::exit::{Exit, Failure};
use super::output::{Format, Output};
use crate::app::{REVISION, VERSION};

pub(super) fn run(output: &mut Output<'_>) -> Result<Exit, Failure> {
    match output.format() {
        Format::Json => output
            .document(&json!({ "name": "doorward", "version": VERSION, "revision": REVISION }))?,
        Format::Table => output.text(&format!("doorward {VERSION}\n"))?,
    }
    Ok(Exit::Done)
}
