//! `doorward user export`: everybody, as an import reads them.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;

use crate::cli::engine;
use crate::cli::exit::{Exit, Failure};
use crate::cli::globals::Globals;
use crate::cli::new_file::NewFile;
use crate::cli::output::Output;
use crate::service::audit::Actor;
use crate::service::people::export::{self, Hashes};

pub(super) const EXAMPLES: &str = "\
One JSON object on each line, as user import reads them. Who may use the console is not part of it.

Examples:
  doorward user export --output people.ndjson
  doorward user export --with-password-hashes --output moving.ndjson";

/// `user export`.
#[derive(Debug, Clone, Args)]
pub struct UserExportArgs {
    /// Write password hashes, too; keep such a file as you would keep the passwords
    #[arg(long)]
    pub with_password_hashes: bool,
    /// File to write; it must not exist. Without it standard output
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

pub(super) fn run(
    args: &UserExportArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let hashes = if args.with_password_hashes { Hashes::Included } else { Hashes::LeftOut };
    let mut file = args.output.as_deref().map(NewFile::create).transpose()?;
    let count = engine::with_app(globals, async |app| {
        export::begin(app, hashes, &Actor::CommandLine).await?;
        let (mut after, mut count): (Option<String>, usize) = (None, 0);
        loop {
            let people = export::page(app, after.as_deref(), hashes).await?;
            let Some(last) = people.last() else { return Ok(count) };
            after = Some(last.username.clone());
            count += people.len();
            let mut lines = String::new();
            for person in &people {
                let line = serde_json::to_string(person).map_err(std::io::Error::from)?;
                // Writing to a string cannot fail.
                let _ = writeln!(lines, "{line}");
            }
            match &mut file {
                Some(file) => file.write(&lines)?,
                None => output.text(&lines)?,
            }
        }
    })?;
    if let Some(file) = file {
        file.finish()?;
    }
    output.note(&format!("{count} people written."));
    Ok(Exit::Done)
}
