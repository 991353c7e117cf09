//! Exchanging the master key: what a start does while there are two, and the pair of files beside an
//! embedded database.

use std::fs::{File, Metadata, Permissions};
use std::io::{Error, ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::App;
use super::boot::{self, BootError, Process, known_master_key, previous_master_key};
use crate::clock::UnixTime;
use crate::config::{Config, MasterKeySource};
use crate::crypto::heirloom::Heirloom;
use crate::crypto::seal::{MasterKey, Purpose, Sealer};
use crate::store::kept_keys::KeptKey;
use crate::store::{Store, StoreError, kept_keys, keys};

/// How far an exchange is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// There is no master key.
    NoKey,
    /// There is one key, or the same one twice.
    OneKey,
    /// There are two.
    TwoKeys,
}

/// How far the exchange of the master key is, as this configuration says.
///
/// # Errors
/// [`BootError::MasterKey`] if a key cannot be read or is none.
pub fn stage(config: &Config) -> Result<Stage, BootError> {
    let Some(present) = known_master_key(config)? else { return Ok(Stage::NoKey) };
    let previous = previous_master_key(config)?;
    let differs = previous.is_some_and(|previous| !is_same(&present, &previous));
    Ok(if differs { Stage::TwoKeys } else { Stage::OneKey })
}

fn is_same(one: &MasterKey, other: &MasterKey) -> bool {
    one.to_text().expose() == other.to_text().expose()
}

/// What opens whatever was sealed under the master key, or under either of two while one is exchanged for the
/// other. `None` if there is none.
///
/// # Errors
/// [`BootError::MasterKey`] if a key cannot be read or is none.
pub fn opener(config: &Config) -> Result<Option<Sealer>, BootError> {
    let Some(present) = known_master_key(config)? else { return Ok(None) };
    let sealer = Sealer::new(&present);
    let previous = previous_master_key(config)?;
    Ok(Some(match previous {
        Some(previous) => sealer.with_previous(&previous),
        None => sealer,
    }))
}

/// The sealer of this configuration, with what it has inherited; and, while there are two keys, what
/// outlives them. Who serves puts that down, so that it is there when the previous key is taken away. A
/// command works it out each time, and leaves the database as it is.
pub(super) async fn sealer(
    config: &Config,
    store: &Store,
    (process, now): (Process, UnixTime),
) -> Result<(Sealer, Vec<Heirloom>), BootError> {
    let database = |error: StoreError| BootError::Database(error.to_string());
    let present = boot::master_key(config, store).await?;
    let mut sealer = Sealer::new(&present);
    let mut heirlooms = Vec::new();
    if let Some(previous) = previous_master_key(config)? {
        sealer = sealer.with_previous(&previous);
        let made = Made::read(store).await.map_err(database)?;
        // Before anything is put down: keys of a pair that is another database's would stay in this one
        // for good, and nobody could open them.
        if !made.opened_by(&sealer) {
            return Err(BootError::MasterKey(NEITHER.to_owned()));
        }
        heirlooms = outliving((&made, &sealer), (&present, &previous))?;
    }
    if process == Process::Server {
        let kept = sealed(&sealer, &heirlooms, now)
            .ok_or_else(|| BootError::MasterKey("a key could not be sealed".to_owned()))?;
        kept_keys::keep(&store.db, &kept).await.map_err(database)?;
    }
    let kept = kept_keys::all(&store.db).await.map_err(database)?;
    for kept in &kept {
        let key = sealer.open(Purpose::KeptKey, &kept.sealed).map(Zeroizing::new);
        let heirloom = key.map(|key| Heirloom { name: kept.name.clone(), key });
        if !heirloom.is_some_and(|heirloom| sealer.inherit(&heirloom)) {
            let why = "what the database holds was sealed under another master key: set that one as \
                       secrets.previous_master_key until doorward secret rotate-master has been run";
            return Err(BootError::MasterKey(why.to_owned()));
        }
    }
    let missing = |heirloom: &&Heirloom| kept.iter().all(|kept| kept.name != heirloom.name);
    for heirloom in heirlooms.iter().filter(missing) {
        if !sealer.inherit(heirloom) {
            return Err(BootError::MasterKey("a key could not be derived from it".to_owned()));
        }
    }
    Ok((sealer, heirlooms))
}

/// Why a start with two keys ends before it writes anything.
const NEITHER: &str = "neither secrets.master_key nor secrets.previous_master_key opens every key in the \
    database: it was made with another master key. Nothing was changed";

/// The keys that the database holds, sealed, the oldest first.
struct Made {
    keys: Vec<(Purpose, String)>,
    kept: Vec<KeptKey>,
}

impl Made {
    async fn read(store: &Store) -> Result<Self, StoreError> {
        let signing = keys::all(&store.db).await?.into_iter();
        let signing = signing.map(|row| (row.created_at, Purpose::SigningKey, row.sealed_private));
        let encryption = keys::encryption::all(&store.db).await?.into_iter();
        let encryption =
            encryption.map(|row| (row.created_at, Purpose::EncryptionKey, row.sealed_private));
        let mut keys: Vec<_> = signing.chain(encryption).collect();
        keys.sort_by_key(|(created_at, ..)| *created_at);
        let keys = keys.into_iter().map(|(_, purpose, sealed)| (purpose, sealed)).collect();
        Ok(Self { keys, kept: kept_keys::all(&store.db).await? })
    }

    /// Whether this opens every key.
    fn opened_by(&self, sealer: &Sealer) -> bool {
        let kept = self.kept.iter().map(|kept| (Purpose::KeptKey, kept.sealed.as_str()));
        let keys = self.keys.iter().map(|(purpose, sealed)| (*purpose, sealed.as_str()));
        keys.chain(kept).all(|(purpose, sealed)| sealer.open(purpose, sealed).is_some())
    }

    /// Whether the previous key is the one that the database was made with, of two that open every key: the
    /// present one does not open the oldest. Before an exchange the next key may be told to every node as the
    /// previous one, and is not; nor is it where somebody has made a key under it already.
    fn is_from_previous(&self, sealer: &Sealer) -> bool {
        self.keys.first().is_some_and(|(purpose, sealed)| !sealer.opens_now(*purpose, sealed))
    }
}

/// What outlives these two keys.
fn outliving(
    (made, sealer): (&Made, &Sealer),
    (present, previous): (&MasterKey, &MasterKey),
) -> Result<Vec<Heirloom>, BootError> {
    let names_of = if made.is_from_previous(sealer) { previous } else { present };
    let derived = [names_of.alias_heirloom(), present.chain_heirloom(), previous.chain_heirloom()];
    let derived: Option<Vec<_>> = derived.into_iter().collect();
    let mut derived = derived
        .ok_or_else(|| BootError::MasterKey("no other key could be derived from it".to_owned()))?;
    // Two nodes that put them down at once do so in the same order, and never wait in a circle.
    derived.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(derived)
}

/// The rows in which these keys are kept. `None` only if the library fails.
fn sealed(sealer: &Sealer, heirlooms: &[Heirloom], now: UnixTime) -> Option<Vec<KeptKey>> {
    let rows = heirlooms.iter().map(|heirloom| {
        let text = sealer.seal(Purpose::KeptKey, &heirloom.key);
        let name = heirloom.name.clone();
        // The empty text is what sealing gives when the library fails: a row with it would stay for good.
        (!text.is_empty()).then_some(KeptKey { name, sealed: text, created_at: now })
    });
    rows.collect()
}

impl App {
    /// Puts down what outlives the two master keys while there are two, unless it is.
    ///
    /// # Errors
    /// [`StoreError`] when SQL does not take it.
    pub(crate) async fn keep_heirlooms(&self) -> Result<(), StoreError> {
        let failed = || StoreError::Corrupt("a key could not be sealed".to_owned());
        let kept = sealed(&self.sealer, &self.heirlooms, self.now()).ok_or_else(failed)?;
        kept_keys::keep(&self.store.db, &kept).await
    }

    /// Whether a server was ever started with these two master keys: what outlives them is put down.
    ///
    /// # Errors
    /// [`StoreError`] when SQL does not answer.
    pub(crate) async fn are_heirlooms_kept(&self) -> Result<bool, StoreError> {
        let kept = kept_keys::all(&self.store.db).await?;
        let is_kept = |heirloom: &Heirloom| kept.iter().any(|kept| kept.name == heirloom.name);
        Ok(self.heirlooms.iter().all(is_kept))
    }
}

/// Makes the next master key in the file of the data directory; the present one stays beside it as the
/// previous one. `None` if the configuration gives the key itself.
///
/// # Errors
/// [`BootError::MasterKey`] if a file cannot be written, or another exchange is under way; the two files open
/// everything then, too.
pub fn make_next_master_key(config: &Config) -> Result<Option<PathBuf>, BootError> {
    let (MasterKeySource::File(present), Some(MasterKeySource::File(previous))) =
        (config.master_key_source(), config.previous_master_key_source())
    else {
        return Ok(None);
    };
    exchange_files(&present, &previous)
        .map_err(|error| BootError::MasterKey(format!("{}: {error}", present.display())))?;
    Ok(Some(present))
}

/// First a copy of the key becomes the previous one, then the next key takes the place of the key. Each
/// file appears whole, under its name, once it is on the disk: killed before, between or after the two, the
/// key that everything is sealed under is in one of the files.
///
/// A previous key that is another one is never written over: whoever else was asked to make the next key a
/// moment ago has made it, and everything is sealed under the one before.
fn exchange_files(present: &Path, previous: &Path) -> std::io::Result<()> {
    // Until it is dropped. What was known of the files before counts for nothing.
    let _alone = lock(folder(previous))?;
    // A name that leads elsewhere goes on to do so.
    let present = std::fs::canonicalize(present)?;
    let like = std::fs::metadata(&present)?;
    let mut previous = previous.to_path_buf();
    let key = read_key(&present)?;
    if previous.try_exists()? {
        previous = std::fs::canonicalize(&previous)?;
        if !is_same(&read_key(&previous)?, &key) {
            return Err(Error::new(ErrorKind::AlreadyExists, UNDER_WAY));
        }
    }
    for path in [&present, &previous] {
        sweep(folder(path))?;
    }
    put(&previous, key.to_text().expose(), &like)?;
    put(&present, MasterKey::generate().to_text().expose(), &like)
}

/// Why there is no third key.
const UNDER_WAY: &str = "there is another key in master.key.previous already, so an exchange is under way: \
    nothing was changed";

/// Waits until nobody else exchanges the files of this folder. The folder itself is locked: a file in it
/// would have to be made, by root in a folder of somebody who may have put a link in its place.
fn lock(folder: &Path) -> std::io::Result<File> {
    let folder = File::open(folder)?;
    folder.lock()?;
    Ok(folder)
}

fn read_key(path: &Path) -> std::io::Result<MasterKey> {
    let text = Zeroizing::new(std::fs::read_to_string(path)?);
    MasterKey::from_text(&text).map_err(|error| Error::new(ErrorKind::InvalidData, error))
}

/// How the names of files begin and end that are not whole yet.
const UNFINISHED: (&str, &str) = (".master.key.", ".partial");

/// Gives a file to whoever has the one that it is `like`: the command may be run by root, and the server
/// must be able to read what it has made.
fn give(file: &File, like: &Metadata) -> std::io::Result<()> {
    let here = file.metadata()?;
    if (here.uid(), here.gid()) == (like.uid(), like.gid()) {
        return Ok(());
    }
    fchown(file, Some(like.uid()), Some(like.gid())).map_err(|error| {
        let why = format!("a file cannot be given to its owner ({error}): run this as that user");
        Error::new(error.kind(), why)
    })
}

/// Puts a file in the place of whatever has this name, for those who may read the one that it is `like`.
fn put(path: &Path, text: &str, like: &Metadata) -> std::io::Result<()> {
    let folder = folder(path);
    let (begin, end) = UNFINISHED;
    // Only its owner may read it at first: that is how the crate makes files.
    let mut file = tempfile::Builder::new().prefix(begin).suffix(end).tempfile_in(folder)?;
    give(file.as_file(), like)?;
    // Never for everybody, whatever the other one allows.
    let mode = (like.mode() & 0o770) | 0o600;
    file.as_file().set_permissions(Permissions::from_mode(mode))?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    // The name is on the disk when its folder is.
    File::open(folder)?.sync_all()
}

/// Takes away what was left by somebody who was killed: there is a key in it.
fn sweep(folder: &Path) -> std::io::Result<()> {
    let (begin, end) = UNFINISHED;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(begin) && name.ends_with(end) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn key(path: &Path) -> MasterKey {
        MasterKey::from_text(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    /// A folder with a key; where that is, where the previous one will be, and the key.
    fn begun() -> (tempfile::TempDir, PathBuf, PathBuf, MasterKey) {
        let folder = tempfile::tempdir().unwrap();
        let (present, previous) =
            (folder.path().join("master.key"), folder.path().join("master.key.previous"));
        let first = MasterKey::generate();
        std::fs::write(&present, first.to_text().expose()).unwrap();
        allow(&present, 0o600);
        (folder, present, previous, first)
    }

    fn allow(path: &Path, mode: u32) {
        std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    fn allowed(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().mode() & 0o777
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn the_key_becomes_the_previous_one_and_another_takes_its_place() {
        let (folder, present, previous, first) = begun();
        exchange_files(&present, &previous).unwrap();
        assert!(is_same(&key(&previous), &first));
        assert!(!is_same(&key(&present), &first));
        for path in [&present, &previous] {
            assert_eq!(allowed(path), 0o600, "{}", path.display());
        }
        assert_eq!(names(folder.path()), ["master.key", "master.key.previous"]);
    }

    #[test]
    fn killed_between_the_two_files_it_goes_on() {
        let (_folder, present, previous, first) = begun();
        std::fs::write(&previous, first.to_text().expose()).unwrap();
        exchange_files(&present, &previous).unwrap();
        assert!(is_same(&key(&previous), &first) && !is_same(&key(&present), &first));
    }

    #[test]
    fn asked_for_twice_in_a_row_the_second_fails_and_both_files_stay() {
        let (_folder, present, previous, first) = begun();
        exchange_files(&present, &previous).unwrap();
        let next = key(&present);
        let refused = exchange_files(&present, &previous).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
        assert!(is_same(&key(&previous), &first) && is_same(&key(&present), &next));
    }

    #[test]
    fn of_many_at_once_one_makes_the_next_key() {
        let (_folder, present, previous, first) = begun();
        let done = std::thread::scope(|scope| {
            let exchange = || exchange_files(&present, &previous).is_ok();
            let all: Vec<_> = (0..8).map(|_| scope.spawn(exchange)).collect();
            all.into_iter().map(|one| one.join().unwrap()).filter(|done| *done).count()
        });
        assert_eq!(done, 1);
        assert!(is_same(&key(&previous), &first) && !is_same(&key(&present), &first));
    }

    #[test]
    fn whoever_may_read_the_key_may_read_both_and_nobody_else() {
        for (before, after) in [(0o600, 0o600), (0o640, 0o640), (0o400, 0o600), (0o644, 0o640)] {
            let (_folder, present, previous, _) = begun();
            allow(&present, before);
            let owner = std::fs::metadata(&present).unwrap();
            exchange_files(&present, &previous).unwrap();
            for path in [&present, &previous] {
                assert_eq!(allowed(path), after, "{before:o}");
                let made = std::fs::metadata(path).unwrap();
                assert_eq!((made.uid(), made.gid()), (owner.uid(), owner.gid()));
            }
        }
    }

    #[test]
    fn a_name_that_leads_elsewhere_stays_and_what_was_left_there_goes() {
        let (folder, present, previous, first) = begun();
        let elsewhere = tempfile::tempdir().unwrap();
        let target = elsewhere.path().join("doorward.key");
        std::fs::rename(&present, &target).unwrap();
        symlink(&target, &present).unwrap();
        for left in [&folder, &elsewhere] {
            std::fs::write(left.path().join(".master.key.Ab12.partial"), "a key").unwrap();
        }
        exchange_files(&present, &previous).unwrap();
        assert!(std::fs::symlink_metadata(&present).unwrap().is_symlink());
        assert!(is_same(&key(&previous), &first) && !is_same(&key(&target), &first));
        assert_eq!(names(elsewhere.path()), ["doorward.key"]);
        assert_eq!(names(folder.path()).len(), 2);
    }

    #[test]
    fn a_previous_key_that_cannot_be_read_is_not_written_over() {
        let (_folder, present, previous, first) = begun();
        std::fs::write(&previous, "no key").unwrap();
        assert_eq!(exchange_files(&present, &previous).unwrap_err().kind(), ErrorKind::InvalidData);
        assert_eq!(std::fs::read_to_string(&previous).unwrap(), "no key");
        assert!(is_same(&key(&present), &first));
    }
}
