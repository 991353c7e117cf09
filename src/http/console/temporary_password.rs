//! `/admin/users/{id}/temporary-password`: a password that lets a person choose another one, shown once.

use super::desk::{Answer, Desk};
use super::person::{ends, path, question};
use crate::http::pages::When;
use crate::http::pages::admin::Section;
use crate::http::pages::admin::confirm::Confirm;
use crate::http::pages::admin::user_forms::TemporaryOnce;
use crate::protocol::user::User;
use crate::service::people::temporary;

/// Said of an account that nobody signs in to.
const DISABLED: &str =
    "This account is disabled, so a temporary password would not work. Enable it first.";

pub(super) async fn ask(desk: &Desk<'_>) -> Answer {
    let user = desk.person()?;
    if user.disabled_at.is_some() {
        return desk.refused(DISABLED, &path(desk, user));
    }
    let effects = vec![
        ends(desk, user).await?,
        "The password they have now, and links to choose one, work no more.".to_owned(),
        format!(
            "You see the temporary one once. It works for {} days, and all it does is let them choose \
             their own.",
            temporary::LIFETIME / 86_400
        ),
    ];
    let page = question(desk, user, ("", "temporary-password"), effects);
    desk.show(&Confirm {
        heading: format!("Give {} a temporary password?", user.username),
        button: format!("Give {} a temporary password", user.username),
        ..page
    })
}

pub(super) async fn give(desk: &Desk<'_>) -> Answer {
    let user = desk.person()?;
    if user.disabled_at.is_some() {
        return desk.refused(DISABLED, &path(desk, user));
    }
    let given = temporary::give(desk.site(), &user.id, &desk.actor()).await?;
    desk.show(&once(desk, user, &given))
}

fn once(desk: &Desk<'_>, user: &User, given: &temporary::Given) -> TemporaryOnce {
    TemporaryOnce {
        chrome: desk.chrome(),
        console: desk.console(Section::People),
        user_id: user.id.to_string(),
        username: user.username.clone(),
        password: given.password.expose().to_owned(),
        expires: When::at(given.until),
    }
}
