//! The program: read the command line and run what it says. Everything else is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    match doorward::cli::parse(std::env::args_os()) {
        Ok(cli) => doorward::cli::run(&cli),
        Err(exit) => exit,
    }
}
