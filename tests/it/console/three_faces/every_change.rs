//! Nothing that changes something is forgotten: each face's own list of what it can do against what was done.

use std::collections::BTreeSet;

use clap::CommandFactory as _;
use doorward::cli::Cli;
use doorward::http::{api, console};

use super::Face;
use super::changes::{ALONE, READERS, SHOWING};

/// Fails with what this face can change and nobody has, and with what is said to be of one face alone and
/// is not, or is not there any more.
pub fn is_there(face: Face, used: &BTreeSet<String>) {
    let all = match face {
        Face::CommandLine => commands(),
        Face::Api => addresses(api::addresses().map(|(method, path, ..)| (method, path))),
        Face::Console => addresses(console::addresses().map(|(method, path, _)| (method, path))),
    };
    let is_used = |known: &String| match face {
        Face::CommandLine => used.contains(known),
        Face::Api | Face::Console => used.iter().any(|used| first_of(&all, used) == Some(known)),
    };
    let alone: BTreeSet<_> =
        ALONE.iter().filter(|(of, ..)| *of == face).map(|(_, what, _)| *what).collect();
    let forgotten: Vec<_> =
        all.iter().filter(|known| !is_used(known) && !alone.contains(known.as_str())).collect();
    assert!(forgotten.is_empty(), "{face:?}: in CHANGES or in ALONE belongs {forgotten:#?}");
    let stale: Vec<_> = alone
        .into_iter()
        .filter(|what| all.iter().find(|known| known == what).is_none_or(&is_used))
        .collect();
    assert!(stale.is_empty(), "{face:?}: not in ALONE belongs {stale:#?}");
}

/// Every address with a method that changes something.
fn addresses(all: impl Iterator<Item = (&'static str, &'static str)>) -> Vec<String> {
    all.filter(|(method, _)| *method != "GET")
        .map(|(method, path)| format!("{method} {path}"))
        .collect()
}

/// Which of these answers a request: of two that fit it, the earlier one.
fn first_of<'a>(all: &'a [String], used: &str) -> Option<&'a String> {
    all.iter().find(|known| {
        let (parts, wanted) = (used.split('/'), known.split('/'));
        parts.clone().count() == wanted.clone().count()
            && parts.zip(wanted).all(|(part, known)| known.starts_with('{') || part == known)
    })
}

/// Every command but those that only show something.
fn commands() -> Vec<String> {
    let mut all = Vec::new();
    for noun in Cli::command().get_subcommands() {
        if !noun.has_subcommands() {
            all.push(noun.get_name().to_owned());
        }
        let verbs = noun.get_subcommands().filter(|verb| !SHOWING.contains(&verb.get_name()));
        all.extend(verbs.map(|verb| format!("{} {}", noun.get_name(), verb.get_name())));
    }
    let unknown: Vec<_> =
        READERS.iter().filter(|reader| !all.iter().any(|known| known == *reader)).collect();
    assert!(unknown.is_empty(), "no commands: {unknown:?}");
    all.retain(|command| !READERS.contains(&command.as_str()));
    all
}
