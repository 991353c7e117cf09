//! The list of first steps on the overview: what each is called, where it is done, and how the list goes.

use super::desk::{Answer, Desk, NOT_YOURS, Stop};
use super::people::sentence;
use crate::http::pages::Link;
use crate::http::pages::admin::overview::{Progress, Step as Row};
use crate::protocol::rights::Right;
use crate::service::failure::Failure;
use crate::service::figures::Figures;
use crate::service::get_started::{self, SETTING, Step};
use crate::service::settings::SettingError;

/// A place where a step is done: the right it needs, what the link says, and where it leads.
type Place = (Right, &'static str, &'static str);

/// Empty once everything is done or put away.
pub(super) async fn list(desk: &Desk<'_>, counted: &Figures) -> Result<Vec<Row>, Failure> {
    let row = |(step, is_done): (Step, bool)| {
        let (title, text, place) = in_words(step);
        let place = place.filter(|(right, ..)| !is_done && desk.may(*right));
        Row {
            progress: if is_done { Progress::Done } else { Progress::Open },
            title: title.to_owned(),
            text: text.to_owned(),
            link: place.map(|(_, text, path)| Link {
                text: text.to_owned(),
                href: desk.site().path(path),
            }),
        }
    };
    Ok(get_started::steps(desk.site(), counted).await?.into_iter().map(row).collect())
}

/// Whether the list can be hidden by whoever looks at it.
pub(super) fn may_be_dismissed(desk: &Desk<'_>) -> bool {
    desk.may(Right::SettingsWrite) && !desk.site().settings().fixes(SETTING)
}

fn in_words(step: Step) -> (&'static str, &'static str, Option<Place>) {
    match step {
        Step::FirstOwner => ("Make the first administrator", "There is an owner.", None),
        Step::FirstApp => (
            "Add an app",
            "Tell it where people may go once they are signed in.",
            Some((Right::ClientsWrite, "Add an app", "/admin/clients/new")),
        ),
        Step::FirstSignIn => (
            "Try a sign-in",
            "Sign in as people will and see what an app gets. It needs no other app.",
            Some((Right::ClientsPreview, "Try a sign-in", "/admin/try")),
        ),
        Step::SecondPerson => (
            "Invite somebody",
            "Make an account and hand over its link to choose a password.",
            Some((Right::PeopleWrite, "Add a person", "/admin/users/new")),
        ),
        Step::Mail => (
            "Set up mail",
            "Without it nobody hears of a sign-in that is not theirs. Set mail.url and mail.from.",
            Some((Right::SettingsRead, "See the configuration", "/admin/configuration")),
        ),
        Step::PublicAddress => (
            "Move to the public address",
            "This is plain http on one machine, good for a first look. Set issuer to the https \
             address people will use.",
            None,
        ),
        Step::SecondOwner => (
            "Have a second owner",
            "Somebody who lets you in again if you cannot sign in. Choose the role on their page.",
            Some((Right::PeopleGrantRole, "Choose a person", "/admin/users")),
        ),
        Step::Backup => (
            "Make a backup",
            "One now, and one every night with the command line.",
            Some((Right::BackupMake, "Make a backup", "/admin/backup")),
        ),
    }
}

pub(super) async fn dismiss(desk: &Desk<'_>) -> Answer {
    let overview = desk.site().path("/admin");
    match get_started::dismiss(desk.site(), &desk.actor()).await {
        Ok(()) => {
            desk.done("The first steps are hidden. Settings, Console shows them again.", &overview)
        }
        Err(SettingError::NotYours) => Err(Stop::Forbidden(NOT_YOURS)),
        Err(SettingError::Failure(failure)) => Err(Stop::Failure(failure)),
        Err(other) => desk.refused(sentence(&other.to_string()), &overview),
    }
}
