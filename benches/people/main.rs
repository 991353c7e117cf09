//! Everybody moved: an import, a backup, a restore, a copy and an export of 100,000 people, each as
//! long as it takes, then killed at random points and begun again. `make bench-people`.
//!
//! | module | what it does |
//! |---|---|
//! | `crowd` | the files: people of other programs, and a realm of Keycloak |
//! | `job` | a command to its end or until it is killed: seconds and memory |
//! | `compare` | whether two databases hold the same |
//! | `moves` | the moves one after the other |

#![allow(
    unreachable_pub,
    clippy::expect_used,
    clippy::missing_docs_in_private_items,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark prints, and ends when something is not as expected"
)]

mod compare;
mod crowd;
mod job;
mod moves;

#[path = "../../tests/it/support/mod.rs"]
#[macro_use]
mod support;

/// How many people are moved unless somebody says another number.
const PEOPLE: usize = 100_000;

fn main() {
    // Cargo says `--bench` to every benchmark.
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let people = match arguments.next().map(|argument| argument.parse()) {
        None => PEOPLE,
        Some(Ok(people)) if people >= 1_000 => people,
        Some(_) => {
            eprintln!(
                "cargo bench --bench people -- [PEOPLE]\n\nAt least 1000; 100000 by default."
            );
            std::process::exit(2)
        }
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.expect("a runtime").block_on(moves::all(people));
}
