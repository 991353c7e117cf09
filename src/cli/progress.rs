//! How far long work is, on standard error: a line that moves on a terminal, else one line now and then.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::globals::Globals;
use super::output::Format;
use crate::service::backup::{News, Stage};

/// How often something is said when nobody watches a terminal.
pub(super) const PAUSE: Duration = Duration::from_secs(5);

/// A line on the terminal, with its style and how far the work goes if that is known; and whether anybody
/// watches it. It is hidden if not.
pub(super) fn bar(globals: &Globals, (style, length): (&str, Option<u64>)) -> (ProgressBar, bool) {
    let is_watched =
        std::io::stderr().is_terminal() && globals.format == Format::Table && !globals.quiet;
    let target =
        if is_watched { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(length, target);
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    (bar, is_watched)
}

/// Who is told.
pub struct Progress {
    bar: ProgressBar,
    format: Format,
    is_quiet: bool,
    is_watched: bool,
    last: Instant,
}

impl Progress {
    /// Begins to count.
    pub fn new(globals: &Globals) -> Self {
        let (bar, is_watched) = bar(globals, ("{spinner} {msg} ({elapsed}, {per_sec})", None));
        let (format, is_quiet) = (globals.format, globals.quiet);
        Self { bar, format, is_quiet, is_watched, last: Instant::now() }
    }

    /// Takes note of how far it is.
    pub fn hear(&mut self, news: News<'_>) {
        let doing = match news.stage {
            Stage::Reading => "reading",
            Stage::Checking => "checking",
            Stage::Writing => "writing",
            Stage::Comparing => "comparing",
        };
        self.bar.set_position(news.rows);
        self.bar.set_message(format!("{doing} {}: {} rows", news.table, news.rows));
        if self.is_watched || self.is_quiet || self.last.elapsed() < PAUSE {
            return;
        }
        self.last = Instant::now();
        let text = match self.format {
            Format::Table => format!("{doing} {}: {} rows so far", news.table, news.rows),
            Format::Json => {
                json!({ "progress": { "stage": doing, "table": news.table, "rows": news.rows } })
                    .to_string()
            }
        };
        // Nobody hears it if this fails, and the work is the more important.
        let _ = writeln!(std::io::stderr(), "{text}");
    }

    /// Takes the line away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
