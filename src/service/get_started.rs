//! What to do first: steps that are done once what they are about is really there, and a list of them that
//! goes by itself when all are, or when an owner has seen enough of it.

use serde_json::json;

use crate::app::App;
use crate::config::Visibility;
use crate::protocol::types::ClientId;
use crate::service::audit::Actor;
use crate::service::clients;
use crate::service::failure::Failure;
use crate::service::figures::Figures;
use crate::service::settings::{self, Edit, SettingError};
use crate::service::try_it::client::CLIENT_ID;
use crate::store::audit::{self, AuditFilter, Outcome};
use crate::store::users;

/// The setting that hides the list.
pub const SETTING: &str = "console.get_started";

/// Something to do first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Done when anybody sees the list.
    FirstOwner,
    FirstApp,
    /// Somebody has signed in to an app.
    FirstSignIn,
    /// There is somebody beside the owner.
    SecondPerson,
    Mail,
    /// The issuer is more than an address of this machine.
    PublicAddress,
    /// Somebody else can let the first owner in again.
    SecondOwner,
    /// A backup was made that is known of.
    Backup,
}

/// The steps in their order, each with whether it is done. Empty once all are, and where the list is hidden.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn steps(app: &App, figures: &Figures) -> Result<Vec<(Step, bool)>, Failure> {
    if app.settings().console.get_started == Visibility::Hidden {
        return Ok(Vec::new());
    }
    let steps = vec![
        (Step::FirstOwner, true),
        (Step::FirstApp, figures.apps > i64::from(has_try_it(app).await?)),
        (Step::FirstSignIn, has_happened(app, "grant.created").await?),
        (Step::SecondPerson, figures.people > 1),
        (Step::Mail, app.mail.is_some()),
        (Step::PublicAddress, app.config.issuer.is_https()),
        (Step::SecondOwner, users::count_enabled_owners(&app.store.db).await? > 1),
        (Step::Backup, has_happened(app, "backup.made").await?),
    ];
    let is_open = steps.iter().any(|(_, is_done)| !is_done);
    Ok(if is_open { steps } else { Vec::new() })
}

/// Whether the app is there that is Doorward's own: it is nobody's first app.
async fn has_try_it(app: &App) -> Result<bool, Failure> {
    Ok(clients::find(app, &ClientId::new(CLIENT_ID)).await?.is_some())
}

/// Whether the audit log has such an event.
async fn has_happened(app: &App, kind: &str) -> Result<bool, Failure> {
    let filter = AuditFilter {
        kind: Some(kind.to_owned()),
        outcome: Some(Outcome::Success),
        limit: 1,
        ..AuditFilter::default()
    };
    Ok(!audit::list(&app.store.db, &filter).await?.is_empty())
}

/// Hides the list on every node, for everybody: it is a setting like any other.
///
/// # Errors
/// [`SettingError`].
pub async fn dismiss(app: &App, actor: &Actor) -> Result<(), SettingError> {
    let hidden = Edit { key: SETTING.to_owned(), to: Some(json!("hidden")), seen: None };
    settings::change(app, &[hidden], actor).await
}
