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

const USAGE: &str = "cargo bench --bench people -- [PEOPLE [import|declared|databases]]

At least 1000 people; 100000 by default. With `import` they are only imported, once on each database; with
`declared` they are imported, exported as a file, and the file carried out there and elsewhere; with `databases`
they are imported, and the databases backed up, restored and copied.";

/// What is done with them.
enum Moves {
    All,
    Import,
    Declared,
    Databases,
}

fn main() {
    // Cargo says `--bench` to every benchmark.
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let people = arguments.next().map_or(Ok(PEOPLE), |argument| argument.parse());
    let (people, moves) = match (people, arguments.next().as_deref()) {
        (Ok(people), None) if people >= 1_000 => (people, Moves::All),
        (Ok(people), Some("import")) if people >= 1_000 => (people, Moves::Import),
        (Ok(people), Some("declared")) if people >= 1_000 => (people, Moves::Declared),
        (Ok(people), Some("databases")) if people >= 1_000 => (people, Moves::Databases),
        _ => {
            eprintln!("{USAGE}");
            std::process::exit(2)
        }
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        match moves {
            Moves::All => moves::all(people).await,
            Moves::Import => moves::imports(people).await,
            Moves::Declared => moves::files(people).await,
            Moves::Databases => moves::databases(people).await,
        }
    });
}
