//! `doorward completions`.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::exit::{Exit, Failure};
use super::output::Output;

const EXAMPLES: &str = "\
Examples:
  doorward completions bash > /etc/bash_completion.d/doorward
  doorward completions zsh > ~/.zfunc/_doorward
  doorward completions fish > ~/.config/fish/completions/doorward.fish";

/// Write the completions of a shell.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

pub(super) fn run(args: &CompletionsArgs, output: &mut Output<'_>) -> Result<Exit, Failure> {
    // Into memory first: the generator panics when its writer fails, as a closed pipe does.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::Cli::command(), "doorward", &mut script);
    output.text(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
