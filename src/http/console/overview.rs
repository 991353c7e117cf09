//! `/admin`: how things stand, and what to do first.

use super::desk::{Answer, Desk, Stop};
use super::rows;
use crate::crypto::keyring::KeyState;
use crate::http::pages::admin::Section;
use crate::http::pages::admin::overview::{Figure, KeyAge, Overview, Progress, Step};
use crate::http::pages::{Link, When};
use crate::http::sign_in::steps;
use crate::http::site::Transport;
use crate::protocol::rights::Right;
use crate::service::figures::{self, Figures, MOST_COUNTED};
use crate::service::{audit, keys};
use crate::store::audit::AuditFilter;

/// How many of the newest events are shown.
const RECENT: i64 = 10;

pub(super) async fn show(desk: &Desk<'_>) -> Answer {
    if !desk.may(Right::OverviewRead) {
        // Whoever looks after groups begins there.
        return Ok(steps::see_other(&desk.site().path("/admin/groups")));
    }
    let counted = figures::overview(desk.site()).await?;
    let filter = AuditFilter { limit: RECENT, ..AuditFilter::default() };
    let recent = audit::list(desk.site(), &filter).await?;
    desk.show(&Overview {
        chrome: desk.chrome(),
        console: desk.console(Section::Overview),
        figures: numbers(desk, &counted),
        keys: key_ages(desk).await?,
        checklist: checklist(desk, &counted),
        recent: rows::events(desk, recent).await?,
    })
}

fn numbers(desk: &Desk<'_>, counted: &Figures) -> Vec<Figure> {
    let figure = |label: &str, number: i64, path: &str| Figure {
        label: label.to_owned(),
        value: capped(number),
        href: desk.site().path(path),
    };
    vec![
        figure("People", counted.people, "/admin/users"),
        figure("Apps", counted.apps, "/admin/clients"),
        figure("Signed in now", counted.live_sessions, "/admin/sessions"),
        figure("Sign-ins in a day", counted.sign_ins, "/admin/audit?kind=session.created"),
        figure("Failed in a day", counted.failed_sign_ins, "/admin/audit?kind=sign_in.failed"),
    ]
}

fn capped(number: i64) -> String {
    if number > MOST_COUNTED { "10,000+".to_owned() } else { number.to_string() }
}

async fn key_ages(desk: &Desk<'_>) -> Result<Vec<KeyAge>, Stop> {
    let now = desk.site().now();
    let active = |state: &str| KeyState::from_name(state) == Some(KeyState::Active);
    let mut keys = keys::list(desk.site()).await?;
    keys.retain(|key| active(&key.state));
    keys.sort_by_key(|key| key.alg);
    let age = |key: crate::store::keys::KeyRow| KeyAge {
        alg: key.alg.as_str().to_owned(),
        active_since: When::ago(key.activates_at, now),
    };
    Ok(keys.into_iter().map(age).collect())
}

/// Empty once everything is done.
fn checklist(desk: &Desk<'_>, counted: &Figures) -> Vec<Step> {
    let step = |done: bool, title: &str, text: &str, link: Option<(&str, &str)>| Step {
        progress: if done { Progress::Done } else { Progress::Open },
        title: title.to_owned(),
        text: text.to_owned(),
        link: link
            .filter(|_| !done && desk.may(Right::ClientsWrite))
            .map(|(text, path)| Link { text: text.to_owned(), href: desk.site().path(path) }),
    };
    let steps = vec![
        step(true, "Make the first administrator", "There is an owner.", None),
        step(
            counted.apps > 0,
            "Add an app",
            "Tell it where people may go once they are signed in.",
            Some(("Add an app", "/admin/clients/new")),
        ),
        step(
            counted.people > 1,
            "Invite somebody",
            "Make an account and hand over its link to choose a password.",
            Some(("Add a person", "/admin/users/new")),
        ),
        step(
            desk.site().transport == Transport::Https,
            "Move to the public address",
            "This is plain http on one machine, good for a first look. Set issuer to the https \
             address people will use.",
            None,
        ),
    ];
    let open = steps.iter().any(|step| step.progress == Progress::Open);
    if open { steps } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counting_stops_at_ten_thousand() {
        assert_eq!(capped(0), "0");
        assert_eq!(capped(10_000), "10000");
        assert_eq!(capped(10_001), "10,000+");
    }
}
