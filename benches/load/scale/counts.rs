//! What is counted: at one moment, between two, and for one operation.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use crate::process_cost;
use crate::support::world::World;

/// Everything that only grows, at one moment.
#[derive(Debug, Clone)]
pub(super) struct Look {
    at: Instant,
    counts: Counts,
}

/// Numbers of something: in all, for a second, or for an operation.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    /// Processor time in microseconds.
    pub(super) server: f64,
    pub(super) postgres: f64,
    pub(super) redis: f64,
    /// SQL statements that the server ran.
    pub(super) statements: f64,
    /// Transactions in PostgreSQL that wrote something.
    pub(super) writes: f64,
    /// Commands that Redis ran, those inside of scripts included.
    pub(super) commands: f64,
}

impl Counts {
    fn each(self, other: Self, f: impl Fn(f64, f64) -> f64) -> Self {
        Self {
            server: f(self.server, other.server),
            postgres: f(self.postgres, other.postgres),
            redis: f(self.redis, other.redis),
            statements: f(self.statements, other.statements),
            writes: f(self.writes, other.writes),
            commands: f(self.commands, other.commands),
        }
    }

    /// For one of so many.
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    pub(super) fn per(self, operations: usize) -> Self {
        self.each(self, |sum, _| sum / operations.max(1) as f64)
    }

    /// The middle of each number by itself.
    pub(super) fn median(all: &[Self]) -> Self {
        let of = |field: fn(&Self) -> f64| {
            let mut sorted: Vec<f64> = all.iter().map(field).collect();
            sorted.sort_by(f64::total_cmp);
            sorted.get(sorted.len() / 2).copied().unwrap_or_default()
        };
        Self {
            server: of(|c| c.server),
            postgres: of(|c| c.postgres),
            redis: of(|c| c.redis),
            statements: of(|c| c.statements),
            writes: of(|c| c.writes),
            commands: of(|c| c.commands),
        }
    }
}

impl Look {
    /// Looks everywhere; `writes` is the number of the newest transaction.
    pub(super) fn at(world: &World, redis: Option<&mut redis::Connection>, writes: f64) -> Self {
        let micros = |cpu: Duration| cpu.as_secs_f64() * 1e6;
        let counts = Counts {
            server: micros(process_cost::of(world.pid()).cpu),
            postgres: micros(process_cost::of_descendants(&["postgres"]).cpu),
            redis: micros(process_cost::of_descendants(&["redis-server"]).cpu),
            statements: statements(world),
            writes,
            commands: redis.map_or(0.0, |redis| info(redis, "total_commands_processed")),
        };
        Self { at: Instant::now(), counts }
    }

    /// What came in each second since.
    pub(super) fn rate_since(&self, before: &Self) -> Counts {
        let seconds = (self.at - before.at).as_secs_f64();
        self.since(before, &Counts::default()).each(Counts::default(), |sum, _| sum / seconds)
    }

    /// What came since, without what a quiet server does in that time.
    pub(super) fn since(&self, before: &Self, idle: &Counts) -> Counts {
        let seconds = (self.at - before.at).as_secs_f64();
        let grown = self.counts.each(before.counts, |now, then| now - then);
        grown.each(*idle, |grown, idle| (grown - idle * seconds).max(0.0))
    }
}

/// SQL statements so far, by the server's own metric.
fn statements(world: &World) -> f64 {
    let text = metrics(world.management_port).expect("the metrics");
    let lines =
        text.lines().filter(|line| line.starts_with("doorward_db_query_duration_seconds_count"));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

fn metrics(port: u16) -> std::io::Result<String> {
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port))?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

/// A connection to the Redis of a world, if it has one.
pub(super) fn redis(world: &World) -> Option<redis::Connection> {
    let url = world.setting("DOORWARD_REDIS__URL")?;
    let client = redis::Client::open(url).expect("the address of Redis");
    Some(client.get_connection().expect("a connection to Redis"))
}

/// A number that `INFO` tells.
pub(super) fn info(connection: &mut redis::Connection, name: &str) -> f64 {
    let text: String = redis::cmd("INFO").query(connection).expect("INFO");
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    lines.next().and_then(|number| number.trim().parse().ok()).unwrap_or_default()
}
