//! Organisations as a file declares them, and who is in them: their export, plan and changes. As with groups,
//! a person names all those they are in (`people`).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::json;

use super::DeclaredError;
use super::plan::{Action, Change, Work, created};
use super::state::OrganisationState;
use crate::app::App;
use crate::protocol::types::UserId;
use crate::service::audit::Actor;
use crate::service::failure::Failure;
use crate::service::organisations::{self, OrganisationEdit, members};
use crate::service::people;
use crate::store::managed::Declared;
use crate::store::organisations::{self as rows, OrganisationFilter};

/// Rows read at once.
const PAGE: i64 = 500;

/// Every organisation, by name.
pub(super) async fn here(app: &App) -> Result<Vec<OrganisationState>, Failure> {
    let mut found: Vec<OrganisationState> = Vec::new();
    loop {
        let after = found.last().map(|organisation| organisation.name.clone());
        let filter = OrganisationFilter { after, limit: PAGE, ..OrganisationFilter::default() };
        let page = organisations::list(app, &filter).await?;
        if page.is_empty() {
            return Ok(found);
        }
        found.extend(page.into_iter().map(|organisation| OrganisationState {
            name: organisation.name,
            display_name: Some(organisation.display_name),
        }));
    }
}

/// Which organisations the people are in whose username is behind the first and not behind the second.
pub(super) async fn of_people(
    app: &App,
    span: (&str, &str),
) -> Result<BTreeMap<String, Vec<String>>, Failure> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (user, name) in rows::of_users_between(&app.store.db, span).await? {
        found.entry(user.to_string()).or_default().push(name);
    }
    for names in found.values_mut() {
        names.sort();
    }
    Ok(found)
}

/// The name as it is stored.
pub(super) fn one_name(name: &str) -> Result<String, DeclaredError> {
    let entry = format!("organisation {name}");
    organisations::check_name(name).map_err(|error| DeclaredError::of_people(&entry, error))
}

/// What is shown of each organisation that is there and that these entries are about, by name.
pub(super) async fn there(
    app: &App,
    page: &[OrganisationState],
) -> Result<HashMap<String, String>, Failure> {
    let names = page.iter().filter_map(|organisation| one_name(&organisation.name).ok());
    let found = rows::named(&app.store.db, &names.collect::<Vec<_>>()).await?;
    Ok(found.into_iter().map(|one| (one.name, one.display_name)).collect())
}

/// What has to change for an organisation to be as the file says; `name` is as it is stored, and `there` as
/// [`there`] gives it.
pub(super) fn plan(
    there: &HashMap<String, String>,
    (entry, name): (&str, String),
    state: &OrganisationState,
) -> Result<Option<Change>, DeclaredError> {
    let wanted = state.display_name.as_deref().map(|text| {
        let checked = organisations::check_display_name(text, &name);
        checked.map_err(|error| DeclaredError::of_people(entry, error))
    });
    let wanted = wanted.transpose()?;
    let what = Declared::Organisation;
    let Some(before) = there.get(&name) else {
        let work = Work::CreateOrganisation(wanted.unwrap_or_default());
        return Ok(Some(created(what, name, work)));
    };
    let wanted = wanted.filter(|wanted| wanted != before);
    Ok(wanted.map(|wanted| Change {
        what,
        name,
        action: Action::Update,
        fields: vec![("display_name".to_owned(), json!(before), json!(wanted))],
        work: Work::UpdateOrganisation(wanted),
    }))
}

async fn of_user(app: &App, user: &UserId) -> Result<BTreeSet<String>, Failure> {
    let all = members::of_user(app, user).await?;
    Ok(all.into_iter().map(|organisation| organisation.name).collect())
}

/// Carries out the change of an organisation.
pub(super) async fn carry_out(
    app: &App,
    (entry, name): (&str, &str),
    work: Work,
) -> Result<(), DeclaredError> {
    let actor = &Actor::CommandLine;
    let changed = match work {
        Work::CreateOrganisation(display_name) => {
            organisations::create(app, (name, &display_name), actor).await.map(drop)
        }
        Work::UpdateOrganisation(display_name) => match organisations::find(app, name).await {
            Ok(before) => {
                let display_name = Some(display_name);
                let edit = OrganisationEdit { display_name, ..OrganisationEdit::default() };
                organisations::update(app, &before, edit, actor).await.map(drop)
            }
            Err(error) => Err(error),
        },
        _ => match organisations::find(app, name).await {
            Ok(before) => organisations::delete(app, &before, actor).await,
            Err(error) => Err(error),
        },
    };
    changed.map_err(|error| DeclaredError::of_organisations(entry, error))
}

/// Takes somebody into organisations, and out of all others. First out, since there is a most.
pub(super) async fn set_members(
    app: &App,
    (entry, username): (&str, &str),
    wanted: &BTreeSet<String>,
) -> Result<(), DeclaredError> {
    let actor = &Actor::CommandLine;
    let of_organisations = |error| DeclaredError::of_organisations(entry, error);
    let person = people::find(app, username).await;
    let person = person.map_err(|error| DeclaredError::of_people(entry, error))?;
    let before = of_user(app, &person.id).await?;
    for name in before.difference(wanted) {
        let about = organisations::find(app, name).await.map_err(of_organisations)?;
        members::remove(app, (&about, &person.id), actor).await.map_err(of_organisations)?;
    }
    for name in wanted.difference(&before) {
        let about = organisations::find(app, name).await.map_err(of_organisations)?;
        members::add(app, (&about, &person.id), actor).await.map_err(of_organisations)?;
    }
    Ok(())
}
