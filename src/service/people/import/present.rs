//! Somebody whom a line is about and who is there already: what of them becomes as the line says.

use super::record::Candidate;
use super::{Mode, Plan};
use crate::app::App;
use crate::protocol::user::User;
use crate::service::clients::Activity;
use crate::service::people::edits::{self, FileEdit, Kept, Outcome};
use crate::service::people::{self, PeopleError};
use crate::store::users;

/// Changes whoever is there, as far as the line says otherwise. In a dry run it is only tried.
///
/// # Errors
/// [`PeopleError`].
pub(super) async fn update(
    app: &App,
    plan: &Plan,
    candidate: Candidate,
) -> Result<Outcome, PeopleError> {
    let found = match who_is_there(app, &candidate).await {
        // Somebody of the same file, who is not kept either.
        Err(PeopleError::NotFound) if plan.mode == Mode::DryRun => return Ok(Outcome::Changed),
        found => found?,
    };
    let disabled = candidate.said.disabled;
    let edit = edit(plan, candidate);
    let kept = match plan.mode {
        Mode::Write => Kept::Yes,
        Mode::DryRun => Kept::No,
    };
    let edited = edits::adjust(app, (&found.id, kept), edit, &plan.actor).await?;
    let activity = match disabled {
        Some(true) if found.disabled_at.is_none() => Activity::Disabled,
        Some(false) if found.disabled_at.is_some() => Activity::Enabled,
        _ => return Ok(edited),
    };
    if plan.mode == Mode::Write {
        people::set_activity(app, &found.id, activity, &plan.actor).await?;
    }
    Ok(Outcome::Changed)
}

/// What the line says of them; what it leaves open stays as it is.
fn edit(plan: &Plan, Candidate { user: new, said, .. }: Candidate) -> FileEdit {
    let is_verified = said.email_verified.or(plan.trust_emails.then_some(true));
    FileEdit {
        // An address that only they have given themselves is nothing that the file vouches for.
        email_verified: is_verified.filter(|_| new.email.is_some()),
        name: new.name,
        email: new.email,
        groups: said.groups,
    }
}

/// The one person that a line is about.
async fn who_is_there(app: &App, candidate: &Candidate) -> Result<User, PeopleError> {
    let db = &app.store.db;
    let mut found: Vec<User> = Vec::new();
    if let Some(id) = &candidate.said.id {
        found.extend(users::by_id(db, id).await?);
    }
    for login in std::iter::once(&candidate.user.username).chain(&candidate.user.email) {
        found.extend(users::by_login(db, login).await?);
    }
    found.dedup_by(|one, other| one.id == other.id);
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some(person), None) => Ok(person),
        (None, _) => Err(PeopleError::NotFound),
        (Some(_), Some(_)) => {
            let problem = "id, user name and e-mail address belong to different people";
            Err(PeopleError::invalid("username", problem))
        }
    }
}
