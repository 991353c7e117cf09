//! `doorward backup`: the whole database into one file.

use std::fs::File;
use std::io::{BufWriter, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::engine;
use super::exit::{Exit, Failure};
use super::globals::Globals;
use super::output::{Output, Table};
use super::progress::Progress;
use crate::app::{Stage, known_master_key, stage};
use crate::clock::Clock;
use crate::config::Config;
use crate::crypto::seal::MasterKey;
use crate::service::audit::Actor;
use crate::service::backup::{self, BackupError, Head, Summary, Wanted};
use crate::service::start::StartError;
use crate::store::Store;

pub(super) const EXAMPLES: &str = "\
It works while servers run and holds what the database held at one moment, whichever of the two databases
that is. The file is a tar archive of JSON lines; its name appears once all of it is on the disk. It holds
password hashes and personal data: keep it as you would keep the database.

The master key is not in it. Keep that elsewhere: without it nothing signs. With --include-master-key
the file alone is enough to sign in as anybody. While the master key is exchanged a backup may need both.

Examples:
  doorward backup /backup/doorward-monday.tar
  doorward backup - | zstd | age -r age1… > doorward.tar.zst.age
  doorward restore --dry-run /backup/doorward-monday.tar";

/// `backup`.
#[derive(Debug, Clone, Args)]
pub struct BackupArgs {
    /// File to write; it must not exist. - for standard output
    pub file: PathBuf,
    /// Put the master key into the file, too
    #[arg(long)]
    pub include_master_key: bool,
}

pub(super) fn run(
    args: &BackupArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let config = engine::prepare_existing(globals)?;
    let key = args.include_master_key.then(|| master_key(&config)).transpose()?;
    let mut progress = Progress::new(globals);
    let is_pipe = args.file == Path::new("-");
    if is_pipe && std::io::stdout().is_terminal() {
        let why = "a backup is nothing for a terminal: give a file, or pipe it on";
        return Err(Failure::Usage(why.to_owned()));
    }
    let outcome = engine::block_on(async {
        let store = open(&config).await?;
        if is_pipe {
            let pipe = std::io::stdout().lock();
            let (mut pipe, head, summary) =
                write(&store, pipe, key.as_ref(), &mut progress).await?;
            pipe.flush()?;
            let noted = note(&store, &summary).await;
            Ok::<_, Failure>((head, summary, noted))
        } else {
            let file = Unfinished::create(&args.file)?;
            let (writer, head, summary) =
                write(&store, file.writer()?, key.as_ref(), &mut progress).await?;
            writer.into_inner().map_err(std::io::IntoInnerError::into_error)?;
            file.finish(&args.file)?;
            let noted = note(&store, &summary).await;
            Ok((head, summary, noted))
        }
    })?;
    progress.finish();
    let (head, summary, noted) = outcome?;
    if is_pipe {
        output.note(&format!("{} rows written.", summary.rows()));
    } else {
        let file = args.file.display().to_string();
        output.data(&document(&file, &head, &summary), &table(&file, &head, &summary))?;
    }
    if let Err(error) = noted {
        output.note(&format!("The audit log could not be told of it: {error}"));
    }
    if key.is_none() {
        let both = matches!(stage(&config), Ok(Stage::TwoKeys));
        output.note(if both { BOTH_KEYS } else { ONE_KEY });
    }
    Ok(Exit::Done)
}

/// Tells the audit log, where the console looks for the last backup.
async fn note(store: &Store, summary: &Summary) -> Result<(), BackupError> {
    backup::note(store, (summary, Clock::System.now()), &Actor::CommandLine).await
}

async fn write<W: std::io::Write>(
    store: &Store,
    output: W,
    master_key: Option<&MasterKey>,
    progress: &mut Progress,
) -> Result<(W, Head, Summary), Failure> {
    let wanted = Wanted { master_key, now: Clock::System.now() };
    let mut tell = |news: backup::News<'_>| progress.hear(news);
    Ok(Box::pin(backup::make(store, output, &wanted, &mut tell)).await?)
}

const ONE_KEY: &str = "The master key is not in it: keep a copy of that elsewhere.";

const BOTH_KEYS: &str = "The master key is not in it, nor is the previous one, and it may need both: keep \
    copies of them elsewhere.";

const ONE_OF_TWO: &str = "a backup carries one master key, and may need two while one is exchanged for the \
    other: finish the exchange first (doorward secret rotate-master) and take the previous key away, or \
    leave --include-master-key out and keep copies of both";

fn master_key(config: &Config) -> Result<MasterKey, Failure> {
    if stage(config).map_err(StartError::from)? == Stage::TwoKeys {
        return Err(Failure::Failed(ONE_OF_TWO.to_owned()));
    }
    let key = known_master_key(config).map_err(StartError::from)?;
    key.ok_or_else(|| Failure::Failed("there is no master key yet".to_owned()))
}

/// Opens the database of the configuration as it is: nothing is migrated.
pub(super) async fn open(config: &Config) -> Result<Store, Failure> {
    config.prepare_data_dir()?;
    let store = Store::connect(&crate::app::database_of(config)).await;
    store.map_err(|error| Failure::Failed(format!("database: {error}")))
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Io(error) => Self::Io(error),
            other => Self::Failed(other.to_string()),
        }
    }
}

/// A file under another name until it is complete.
struct Unfinished(tempfile::NamedTempFile);

impl Unfinished {
    fn create(path: &Path) -> Result<Self, Failure> {
        let failed = |why: &dyn std::fmt::Display| {
            Failure::Failed(format!("the file {} could not be made: {why}", path.display()))
        };
        if path.exists() {
            return Err(failed(&"it is there already"));
        }
        let Some(name) = path.file_name() else { return Err(failed(&"it has no name")) };
        let mut builder = tempfile::Builder::new();
        let prefix = format!(".{}.", name.to_string_lossy());
        // Only its owner may read it: that is how the crate makes files.
        builder.prefix(&prefix).suffix(".partial");
        builder.tempfile_in(folder(path)).map(Self).map_err(|error| failed(&error))
    }

    fn writer(&self) -> Result<BufWriter<File>, Failure> {
        Ok(BufWriter::with_capacity(1 << 16, self.0.as_file().try_clone()?))
    }

    /// Gives it its name, once all of it is on the disk.
    fn finish(self, path: &Path) -> Result<(), Failure> {
        self.0.as_file().sync_all()?;
        self.0.persist_noclobber(path).map_err(|error| Failure::Io(error.error))?;
        // The name is on the disk when its folder is.
        Ok(File::open(folder(path))?.sync_all()?)
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// What a backup is, for programs.
pub(super) fn document(file: &str, head: &Head, summary: &Summary) -> Value {
    json!({
        "file": file,
        "made_at": head.made_at,
        "version": head.version,
        "schema": head.migrations.last(),
        "rows": summary.rows(),
        "tables": figures(summary),
    })
}

/// What tables hold, for programs.
pub(super) fn figures(summary: &Summary) -> Value {
    let tables = summary.tables.iter().map(|table| {
        (table.name.clone(), json!({ "rows": table.rows, "sha256_sum": table.sha256_sum }))
    });
    Value::Object(tables.collect())
}

/// What a backup is, for people.
pub(super) fn table(file: &str, head: &Head, summary: &Summary) -> Table {
    let schema = head.migrations.last().map(ToString::to_string).unwrap_or_default();
    let mut table = Table::fields();
    table
        .row(["file", file])
        .row(["made at", &head.made_at])
        .row(["by version", &head.version])
        .row(["schema", &schema])
        .row(["rows", &summary.rows().to_string()]);
    table
}
