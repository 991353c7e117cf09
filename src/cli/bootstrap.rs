//! The first owner and the first apps, from variables of the environment (`config::bootstrap`): read by a
//! server that starts with nobody in its database, and ignored by every later one.

use std::path::Path;
use std::time::Duration;

use secrecy::ExposeSecret as _;

use super::apply;
use super::exit::Failure;
use super::input;
use crate::app::App;
use crate::config::bootstrap::{
    ADMIN_EMAIL, ADMIN_PASSWORD_FILE, ADMIN_USERNAME, Bootstrap, CLIENTS_FILE,
};
use crate::config::{Origin, Problem, Problems};
use crate::service::declared::{self, DeclaredError, Pruning, State};
use crate::service::people::first_owner::{self, Candidate};
use crate::service::people::{NewPerson, PeopleError};

/// How often a plan is made anew when another node, which starts at the same time, carries out the same one.
const TRIES: u32 = 5;

/// How long is waited for that node.
const PAUSE: Duration = Duration::from_millis(300);

/// Makes what the environment says, if this is the first start. Everything is checked before anything is made;
/// the owner comes last, so that an interrupted start is repeated.
///
/// # Errors
/// [`Failure::Configuration`] for what cannot be used.
pub(super) async fn run(app: &App) -> Result<(), Failure> {
    let told = &app.config.bootstrap;
    if told.is_empty() {
        return Ok(());
    }
    let is_first = first_owner::nobody_is_here(app).await?
        && (told.has_owner() || first_owner::nothing_is_here(app).await?);
    if !is_first {
        tracing::info!("DOORWARD_BOOTSTRAP_… is ignored: this is not the first start");
        return Ok(());
    }
    let owner = if told.has_owner() { Some(owner(app, told).await?) } else { None };
    if let Some(file) = &told.clients_file {
        apps(app, file).await?;
    }
    if let Some(owner) = owner {
        let made = first_owner::make(app, owner).await.map_err(|error| refused(&error))?;
        if let Some(user) = made {
            tracing::info!(username = user.username, "made the first owner");
        }
    }
    Ok(())
}

fn wrong(variable: &str, text: impl Into<String>) -> Failure {
    let origin = Origin::Environment(variable.to_owned()).to_string();
    Failure::Configuration(Problems::from(Problem {
        key: String::new(),
        origin,
        text: text.into(),
    }))
}

async fn owner(app: &App, told: &Bootstrap) -> Result<Candidate, Failure> {
    let missing =
        |variable| wrong(variable, "it is missing. Set it, or none of DOORWARD_BOOTSTRAP_ADMIN_…");
    let username = told.username.clone().ok_or_else(|| missing(ADMIN_USERNAME))?;
    let email = told.email.clone().ok_or_else(|| missing(ADMIN_EMAIL))?;
    let file = told.password_file.as_ref().ok_or_else(|| missing(ADMIN_PASSWORD_FILE))?;
    let password = input::read_secret(file).map_err(|fault| {
        wrong(ADMIN_PASSWORD_FILE, format!("{fault}. Name a file with the password"))
    })?;
    let person = NewPerson {
        username,
        email: Some(email),
        password: Some(password.expose_secret().to_owned()),
        ..NewPerson::default()
    };
    first_owner::check(app, person).await.map_err(|error| refused(&error))
}

/// Which variable it is that cannot be used.
fn refused(error: &PeopleError) -> Failure {
    let variable = match error {
        PeopleError::Failure(failure) => return Failure::Failed(failure.to_string()),
        PeopleError::Password(_) => ADMIN_PASSWORD_FILE,
        PeopleError::Invalid { field: "email", .. } => ADMIN_EMAIL,
        _ => ADMIN_USERNAME,
    };
    wrong(variable, format!("it cannot be used: {error}. Set another one"))
}

async fn apps(app: &App, file: &Path) -> Result<(), Failure> {
    let state = apply::read(file).map_err(|fault| wrong(CLIENTS_FILE, fault.to_string()))?;
    let only =
        State { groups: state.groups.clone(), clients: state.clients.clone(), ..State::default() };
    if state != only {
        let text = format!(
            "{} has more than groups and apps. Leave the rest to: doorward apply -f FILE",
            file.display()
        );
        return Err(wrong(CLIENTS_FILE, text));
    }
    let secrets = apply::secrets_beside(file);
    let mut tries = 0;
    loop {
        let planned = Box::pin(declared::plan(app, (&state, Pruning::Keep), &secrets)).await;
        let changes = planned.map_err(|error| unusable(file, &error))?;
        match Box::pin(declared::carry_out(app, changes, &mut |_| {})).await {
            Ok(()) => return Ok(()),
            // Another node may have made it in this moment: then the next plan leaves it out.
            Err(DeclaredError::Entry { .. }) if tries < TRIES => {
                tries += 1;
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(unusable(file, &error)),
        }
    }
}

fn unusable(file: &Path, error: &DeclaredError) -> Failure {
    match error {
        DeclaredError::Failure(failure) => Failure::Failed(failure.to_string()),
        DeclaredError::Entry { .. } => {
            wrong(CLIENTS_FILE, format!("{}: {error}. Mend the file", file.display()))
        }
    }
}
