//! Settings that administrators change while servers run. Every node has them within a second: a change
//! raises the number of the catalogue, and whoever notices that reads them again.
//!
//! What a flag, the environment or a file fixes is not changed here, since it would come to nothing.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::app::App;
use crate::config::{Config, Origin, Problems, Setting, Values, is_runtime, runtime_settings};
use crate::protocol::rights::Right;
use crate::service::audit::{Actor, Event};
use crate::service::failure::Failure;
use crate::service::people::PeopleError;
use crate::service::people::authority::Authority;
use crate::store::settings::{self as store, StoredSetting};
use crate::store::{StoreError, Tx, audit, pictures, sync};

/// What is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    pub key: String,
    /// What to write in its place.
    pub problem: String,
}

/// Why a setting was not changed.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    #[error("there is no setting {0} that may change while servers run")]
    NotFound(String),
    #[error("{key} is fixed by {origin}: change it there, or take it away there and set it here")]
    Fixed { key: String, origin: Origin },
    #[error("{}", list(.0))]
    Invalid(Vec<Wrong>),
    /// Somebody else was faster.
    #[error("{key} was changed meanwhile{}", by_whom(.by.as_deref()))]
    Changed { key: String, by: Option<String> },
    #[error("your role does not allow this")]
    NotYours,
    #[error(transparent)]
    Failure(#[from] Failure),
}

fn list(wrong: &[Wrong]) -> String {
    let lines = wrong.iter().map(|wrong| format!("{}: {}", wrong.key, wrong.problem));
    lines.collect::<Vec<_>>().join("; ")
}

fn by_whom(by: Option<&str>) -> String {
    by.map(|by| format!(" by {by}")).unwrap_or_default()
}

impl From<StoreError> for SettingError {
    fn from(error: StoreError) -> Self {
        Self::Failure(error.into())
    }
}

/// A setting as it is now.
#[derive(Debug, Clone)]
pub struct Shown {
    pub setting: &'static Setting,
    /// In effect.
    pub value: Value,
    /// What it is without anybody's doing.
    pub default: Value,
    pub origin: Origin,
    /// What the database holds, in effect or not.
    pub stored: Option<StoredSetting>,
    /// Why the stored value is not in effect, if it is none that can be used.
    pub problem: Option<String>,
}

impl Shown {
    /// Whether a flag, the environment or a file says what it is.
    #[must_use]
    pub fn is_fixed(&self) -> bool {
        !matches!(self.origin, Origin::Default | Origin::Database)
    }

    /// What a change says that it was made from; 0 for what is not stored.
    #[must_use]
    pub fn version(&self) -> i64 {
        self.stored.as_ref().map_or(0, |stored| stored.version)
    }
}

/// One change.
#[derive(Debug, Clone)]
pub struct Edit {
    pub key: String,
    /// The new value; `None` for the default.
    pub to: Option<Value>,
    /// [`Shown::version`] of what it was made from, for whoever wants to lose nobody's change.
    pub seen: Option<i64>,
}

/// Every setting that may change, in the order in which people see them.
#[must_use]
pub fn all(app: &App) -> Vec<Shown> {
    let (now, defaults) = (app.settings(), Config::default());
    let shown = |setting: &'static Setting| {
        let key = setting.key.as_str();
        let problem = now.problems.iter().find(|problem| problem.key == key);
        Shown {
            setting,
            value: now.value_of(key),
            default: defaults.value_of(key),
            origin: now.origin(key).clone(),
            stored: now.stored.get(key).cloned(),
            problem: problem.map(|problem| problem.text.clone()),
        }
    };
    runtime_settings().map(shown).collect()
}

/// One setting.
///
/// # Errors
/// [`SettingError::NotFound`].
pub fn get(app: &App, key: &str) -> Result<Shown, SettingError> {
    let found = all(app).into_iter().find(|shown| shown.setting.key == key);
    found.ok_or_else(|| SettingError::NotFound(key.to_owned()))
}

/// Reads what the database says. It counts unless somebody who read later was quicker.
///
/// # Errors
/// [`Failure`] when SQL does not answer; what is known stays.
pub async fn reload(app: &App) -> Result<(), Failure> {
    // Before the settings: what changes after this number may be missing from them, and has a higher one.
    let as_of = sync::read(&app.store.db).await?.catalog;
    app.watch.saw_catalog(as_of);
    let stored = store::all(&app.store.db).await?;
    let pictures = pictures::of_brand(&app.store.db).await?;
    app.running.learn((stored, pictures), as_of);
    Ok(())
}

/// Makes all of these changes or none. Values that are what they were change nothing and leave no trace.
///
/// # Errors
/// [`SettingError`].
pub async fn change(app: &App, edits: &[Edit], actor: &Actor) -> Result<(), SettingError> {
    let base = app.running.base();
    let edits = check(&base, edits)?;
    let mut tx = begin(app, actor).await?;
    // From here on nobody else changes a setting: what is read holds until the commit.
    let version = sync::bump_catalog(&mut tx).await?;
    let before: BTreeMap<_, _> =
        store::all(&mut tx).await?.into_iter().map(|row| (row.key.clone(), row)).collect();
    let values: Values = before.iter().map(|(key, row)| (key.clone(), row.value.clone())).collect();
    let was = base.with_stored(&values);
    let is = base.with_stored(&after(&edits, &before, values)?);
    fit(&was.problems, &is.problems)?;
    let mut changed = false;
    for edit in edits {
        let stored = before.get(&edit.key).map(|row| &row.value);
        if stored == edit.to.as_ref() {
            continue;
        }
        changed = true;
        let event = Event::success("setting.changed", actor, app.now());
        let event = event.detail("key", edit.key.as_str());
        let event = event.detail("before", was.config.value_of(&edit.key));
        let event = event.detail("after", is.config.value_of(&edit.key));
        let event = event.detail("origin", is.config.origin(&edit.key).to_string());
        write(&mut tx, edit, (version, app, actor)).await?;
        audit::append(&mut tx, &event.into_row()).await?;
    }
    if changed {
        tx.commit().await?;
        // Whoever made the change sees it at once. Elsewhere, and if this fails, it is noticed soon.
        if let Err(error) = reload(app).await {
            tracing::warn!(%error, "changed settings are read in a moment");
        }
    }
    Ok(())
}

/// What is stored once these changes are made, if nobody has changed the same meanwhile.
fn after(
    edits: &[Edit],
    before: &BTreeMap<String, StoredSetting>,
    mut values: Values,
) -> Result<Values, SettingError> {
    for edit in edits {
        let stored = before.get(&edit.key);
        if edit.seen.is_some_and(|seen| seen != stored.map_or(0, |row| row.version)) {
            let by = stored.map(|row| row.changed_by.clone());
            return Err(SettingError::Changed { key: edit.key.clone(), by });
        }
        match &edit.to {
            Some(value) => values.insert(edit.key.clone(), value.clone()),
            None => values.remove(&edit.key),
        };
    }
    Ok(values)
}

async fn write(
    tx: &mut Tx,
    edit: Edit,
    (version, app, actor): (i64, &App, &Actor),
) -> Result<(), StoreError> {
    let Some(value) = edit.to else { return store::delete(tx, &edit.key).await.map(drop) };
    let row = StoredSetting {
        key: edit.key,
        value,
        version,
        changed_at: app.now(),
        changed_by: actor.to_string(),
    };
    store::put(tx, &row).await
}

/// What can be said of each change alone; brings values into their types.
fn check(base: &Config, edits: &[Edit]) -> Result<Vec<Edit>, SettingError> {
    let (mut checked, mut wrong) = (Vec::new(), Vec::new());
    for edit in edits {
        let key = edit.key.as_str();
        if !is_runtime(key) {
            return Err(SettingError::NotFound(key.to_owned()));
        }
        if base.fixes(key) {
            let origin = base.origin(key).clone();
            return Err(SettingError::Fixed { key: key.to_owned(), origin });
        }
        match edit.to.clone().map(|value| Config::typed(key, value)).transpose() {
            Ok(to) => checked.push(Edit { to, ..edit.clone() }),
            Err(problem) => wrong.push(Wrong { key: key.to_owned(), problem }),
        }
    }
    checked.sort_by(|one, other| one.key.cmp(&other.key));
    if wrong.is_empty() { Ok(checked) } else { Err(SettingError::Invalid(wrong)) }
}

/// Refuses values that do not fit together. What was wrong before is nobody's fault now.
fn fit(before: &Problems, after: &Problems) -> Result<(), SettingError> {
    let known = |key: &str, text: &str| before.iter().any(|old| old.key == key && old.text == text);
    let new = after.iter().filter(|problem| !known(&problem.key, &problem.text));
    let wrong: Vec<_> = new
        .map(|problem| Wrong { key: problem.key.clone(), problem: problem.text.clone() })
        .collect();
    if wrong.is_empty() { Ok(()) } else { Err(SettingError::Invalid(wrong)) }
}

/// Begins a transaction of somebody who may change settings.
async fn begin(app: &App, actor: &Actor) -> Result<Tx, SettingError> {
    let mut tx = app.store.begin().await?;
    let authority = Authority::of(&mut tx, actor, None).await.map_err(|error| match error {
        PeopleError::Failure(failure) => SettingError::Failure(failure),
        _ => SettingError::NotYours,
    })?;
    if authority.may(Right::SettingsWrite) { Ok(tx) } else { Err(SettingError::NotYours) }
}
