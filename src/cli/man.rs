//! `doorward man`: the manual pages, made from the grammar itself.

use std::path::PathBuf;

use clap::{Args, CommandFactory as _};

use super::exit::{Exit, Failure};
use super::output::Output;

const EXAMPLES: &str = "\
Examples:
  doorward man /usr/local/share/man/man1
  doorward man ./man && man ./man/doorward-user-import.1";

/// Write the manual pages.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct ManArgs {
    /// Directory that gets a page for each command; made if it is not there
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
}

pub(super) fn run(args: &ManArgs, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let unwritable = |error: std::io::Error| {
        Failure::Failed(format!(
            "the pages could not be written to {}: {error}",
            args.directory.display()
        ))
    };
    std::fs::create_dir_all(&args.directory).map_err(unwritable)?;
    clap_mangen::generate_to(super::Cli::command(), &args.directory).map_err(unwritable)?;
    output.note(&format!("The manual pages are in {}.", args.directory.display()));
    Ok(Exit::Done)
}
