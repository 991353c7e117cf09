//! What growth costs: the same operations in a small town and in a large one, in turn, each time by
//! somebody else. `--scale` runs this and nothing else; `docs/scaling.md` draws its model from it.
//!
//! | module | what it does |
//! |---|---|
//! | `town` | a server with people, apps, sessions and refresh families written straight into SQL |
//! | `rows` | what such a row is: names, secrets and the statements that insert it |
//! | `crowd` | one operation, each time by another of them |
//! | `counts` | statements, transactions, commands, processor time, bytes |
//! | `growth` | what does not happen for each request: lists, clean-up, making copies again, memory |
//! | `people` | pages of the console and memory where there are a hundred thousand; `--people` |
//! | `table` | what is printed and written to the file |

mod counts;
mod crowd;
mod growth;
pub(crate) mod people;
mod rows;
mod table;
mod town;

use crate::cores::Cores;
use crate::options::Options;

use counts::Counts;
use crowd::{Crowd, Op};
use town::{Size, Town};

/// Connections at the same time: enough to keep one core busy, few enough that a latency is not all
/// waiting.
const CONNECTIONS: usize = 4;

/// One round of one operation in one town.
struct Round {
    op: Op,
    large: bool,
    counts: Counts,
    latencies: Vec<std::time::Duration>,
}

/// Builds both towns, measures, prints.
///
/// # Errors
/// What came instead of an expected answer.
pub(crate) async fn run(options: &Options, cores: &Cores) -> Result<(), String> {
    let mut small = Box::pin(Town::build(options, cores, Size::SMALL)).await;
    let mut large = Box::pin(Town::build(options, cores, Size::of(options.sessions))).await;
    let started = table::Started {
        sizes: large.sizes.clone(),
        small: small.start(cores),
        large: large.start(cores),
        redis: large.copy_sessions(),
    };
    for town in [&mut small, &mut large] {
        town.listen().await;
    }
    let mut rounds = Vec::new();
    for round in 0..options.rounds {
        eprintln!("round {} of {}", round + 1, options.rounds);
        for op in Op::ALL {
            for (town, is_large) in [(&mut small, false), (&mut large, true)] {
                let (counts, latencies) = measure(town, op).await?;
                // A run is long; whoever waits sees how it goes, and keeps it if it ends early.
                eprintln!(
                    "{:<26} {} {counts:.1?}",
                    op.name(),
                    if is_large { "large" } else { "small" }
                );
                rounds.push(Round { op, large: is_large, counts, latencies });
            }
        }
    }
    let growth = growth::measure(&mut small, &mut large).await?;
    table::finish(options, &started, &rounds, &growth)
}

/// One operation by many, once or twice for warmth and then for the record.
async fn measure(town: &mut Town, op: Op) -> Result<(Counts, Vec<std::time::Duration>), String> {
    let mut crowd = Crowd::gather(town, op, CONNECTIONS).await?;
    crowd.run(op.warm_up()).await?;
    let before = town.look().await;
    let latencies = crowd.run(op.count()).await?;
    // Sealing what was noted in the audit log belongs to the operation and happens within a second.
    tokio::time::sleep(std::time::Duration::from_millis(1_300)).await;
    let after = town.look().await;
    Ok((after.since(&before, &town.idle).per(latencies.len()), latencies))
}
