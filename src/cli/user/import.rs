//! `doorward user import`: many people from a file.

use std::fs::File;
use std::io::{BufReader, Read, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use serde_json::{Value, json};

use crate::cli::engine;
use crate::cli::exit::{Exit, Failure};
use crate::cli::globals::Globals;
use crate::cli::output::{Format, Output, Table};
use crate::cli::progress::{self, PAUSE};
use crate::cli::rejects::{Rejects, Telling};
use crate::crypto::secret::file_digest;
use crate::service::audit::Actor;
use crate::service::people::import::lines::{self, Layout};
use crate::service::people::import::{self, Duplicates, ImportError, Mode, News, Plan};
use crate::store::imports::ImportProgress;

pub(super) const EXAMPLES: &str = "\
CSV needs a line of titles: username, and any of id, email, email_verified, name, groups (with ; between
them), disabled, password_hash, and the claims of a profile such as given_name. NDJSON has one object on
each line with the same names; there the claims are in profile, and groups is a list.

Password hashes are kept as they are (argon2, bcrypt, scrypt, pbkdf2, SHA-crypt, salted SHA); each is
replaced by one of today's kind when its owner signs in. An import that was interrupted goes on where it
stopped when the same command is given again.

Exit code 3 says that some lines were left out; each is told with its number. It also says that an import
stopped and that those it had added before stay, with their figures.

Examples:
  doorward user import people.csv --dry-run
  doorward user import people.csv --email-verified --rejects left-out.ndjson
  doorward user import moving.ndjson --duplicates skip";

/// What becomes of people who are there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DuplicatesArg {
    /// Stop there; nobody of the thousand lines around is added
    Fail,
    /// Leave them as they are
    Skip,
    /// Change what the file says of name, e-mail address, groups and whether they are disabled
    Update,
}

impl From<DuplicatesArg> for Duplicates {
    fn from(argument: DuplicatesArg) -> Self {
        match argument {
            DuplicatesArg::Fail => Self::Fail,
            DuplicatesArg::Skip => Self::Skip,
            DuplicatesArg::Update => Self::Update,
        }
    }
}

/// How people, or events, are written in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LayoutArg {
    /// Columns, with a line of titles
    Csv,
    /// One JSON object on each line
    Ndjson,
}

/// `user import`.
#[derive(Debug, Clone, Args)]
pub struct UserImportArgs {
    /// File to read, or - for standard input
    pub file: PathBuf,
    /// How the file is written; its name tells if this does not
    #[arg(long = "as", value_enum, value_name = "LAYOUT")]
    pub layout: Option<LayoutArg>,
    /// What becomes of people who are there already
    #[arg(long, value_enum, default_value = "fail")]
    pub duplicates: DuplicatesArg,
    /// Try everything and keep nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Every mailbox is known to be its owner's, whatever the file says
    #[arg(long)]
    pub email_verified: bool,
    /// File that gets every line left out, with its number and the reason
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,
    /// Begin with the first line, also when an import of this file was interrupted
    #[arg(long)]
    pub restart: bool,
}

pub(super) fn run(
    args: &UserImportArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let layout = layout(args)?;
    let source = Source::open(&args.file)?;
    let plan = Plan {
        duplicates: args.duplicates.into(),
        mode: if args.dry_run { Mode::DryRun } else { Mode::Write },
        trust_emails: args.email_verified,
        // What a dry run did is not there to go on from.
        digest: source.digest.clone().filter(|_| !args.dry_run),
        actor: Actor::CommandLine,
    };
    let mut watch = Watch::new(args, (globals, output), source.length)?;
    let outcome = engine::with_app(globals, async |app| {
        if let (true, Some(digest)) = (args.restart, &plan.digest) {
            import::forget(app, digest).await?;
        }
        let mut lines = lines::read(source.input, layout)
            .map_err(|error| Failure::Failed(error.to_string()))?;
        let mut tell = |news: News<'_>| watch.hear(&news);
        let run = import::run(app, &mut *lines, &plan, &mut tell);
        Ok(Box::pin(run).await)
    })?;
    let so_far = watch.so_far;
    let finished = watch.finish();
    match outcome {
        Ok(progress) => {
            finished?;
            print(&progress, plan.mode, output)
        }
        Err(error) => Err(stopped(&plan, (error, &so_far), output)?),
    }
}

/// What is said of an import that ended before its file: who is there all the same, and how it goes on.
fn stopped(
    plan: &Plan,
    (error, so_far): (ImportError, &ImportProgress),
    output: &mut Output<'_>,
) -> Result<Failure, Failure> {
    if plan.mode == Mode::DryRun || !so_far.is_something() {
        return Ok(error.into());
    }
    print(so_far, plan.mode, output)?;
    let way_on = match plan.digest {
        Some(_) => "the same command goes on behind them",
        None => "with --duplicates skip the same command leaves them as they are",
    };
    Ok(Failure::Partial(format!(
        "{error}. Before that, up to line {}, {} people were added and {} changed, which stays: {way_on}",
        so_far.line, so_far.created, so_far.updated
    )))
}

fn layout(args: &UserImportArgs) -> Result<Layout, Failure> {
    let said = match args.layout {
        Some(LayoutArg::Csv) => Some(Layout::Csv),
        Some(LayoutArg::Ndjson) => Some(Layout::Ndjson),
        None => {
            args.file.extension().and_then(|ending| ending.to_str()).and_then(Layout::of_ending)
        }
    };
    said.ok_or_else(|| {
        let why =
            "the name of the file does not say how it is written: give --as csv or --as ndjson";
        Failure::Usage(why.to_owned())
    })
}

/// Where the lines come from.
struct Source {
    input: Box<dyn Read>,
    length: Option<u64>,
    digest: Option<String>,
}

impl Source {
    fn open(path: &Path) -> Result<Self, Failure> {
        if path == Path::new("-") {
            return Ok(Self { input: Box::new(std::io::stdin()), length: None, digest: None });
        }
        let unreadable =
            |error: std::io::Error| Failure::Failed(format!("{}: {error}", path.display()));
        let mut file = File::open(path).map_err(unreadable)?;
        let digest = file_digest(&mut BufReader::new(&file)).map_err(unreadable)?;
        file.rewind().map_err(unreadable)?;
        let length = file.metadata().map_err(unreadable)?.len();
        Ok(Self { input: Box::new(file), length: Some(length), digest: Some(digest) })
    }
}

/// What is said while it goes on.
struct Watch {
    bar: ProgressBar,
    format: Format,
    is_watched: bool,
    last: Instant,
    /// What is there for good, also from an earlier start of the same import.
    so_far: ImportProgress,
    rejects: Rejects,
}

impl Watch {
    fn new(
        args: &UserImportArgs,
        (globals, output): (&Globals, &Output<'_>),
        length: Option<u64>,
    ) -> Result<Self, Failure> {
        let style = "{bar:30} {percent}% {msg} ({elapsed}, {eta} to go)";
        let (bar, is_watched) = progress::bar(globals, (style, length));
        Ok(Self {
            bar,
            format: output.format(),
            is_watched,
            last: Instant::now(),
            so_far: ImportProgress::default(),
            rejects: Rejects::open(args.rejects.as_deref())?,
        })
    }

    fn hear(&mut self, news: &News<'_>) {
        match news {
            News::Resumed(before) => {
                self.so_far = **before;
                self.say(&format!(
                    "This file was begun before: going on behind line {}.",
                    before.line
                ));
            }
            News::Rejected { line, reason } => self.rejected(*line, reason),
            News::Batch(progress, position) => {
                self.so_far = **progress;
                self.batch(progress, *position);
            }
        }
    }

    fn rejected(&mut self, line: u64, reason: &str) {
        match self.rejects.add(&json!({ "line": line, "reason": reason })) {
            Telling::Reason => self.say(&format!("line {line}: {reason}")),
            Telling::More => {
                self.say("More lines are left out; --rejects FILE keeps the reasons of all.");
            }
            Telling::Nothing => {}
        }
    }

    fn batch(&mut self, progress: &ImportProgress, position: u64) {
        self.bar.set_position(position);
        self.bar.set_message(format!("{} added", progress.created));
        if self.is_watched || self.last.elapsed() < PAUSE {
            return;
        }
        self.last = Instant::now();
        match self.format {
            Format::Json => self.say(&json!({ "progress": figures(progress) }).to_string()),
            Format::Table => {
                self.say(&format!("line {}: {} added so far", progress.line, progress.created));
            }
        }
    }

    fn say(&self, text: &str) {
        self.bar.suspend(|| {
            // Nobody hears it if this fails, and the import is the more important.
            let _ = writeln!(std::io::stderr(), "{text}");
        });
    }

    fn finish(self) -> Result<(), Failure> {
        self.bar.finish_and_clear();
        self.rejects.finish("everybody")
    }
}

fn figures(progress: &ImportProgress) -> Value {
    json!({
        "line": progress.line,
        "created": progress.created,
        "updated": progress.updated,
        "skipped": progress.skipped,
        "rejected": progress.rejected,
    })
}

fn print(progress: &ImportProgress, mode: Mode, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let mut table = Table::fields();
    table
        .row(["added", &progress.created.to_string()])
        .row(["changed", &progress.updated.to_string()])
        .row(["left as they were", &progress.skipped.to_string()])
        .row(["lines left out", &progress.rejected.to_string()]);
    output.data(&figures(progress), &table)?;
    if mode == Mode::DryRun {
        output.note("Nothing was kept: this was a dry run.");
    }
    Ok(if progress.rejected > 0 { Exit::Partial } else { Exit::Done })
}
