//! `/admin`: how things stand, and what to do first.

use super::desk::{Answer, Desk};
use super::{get_started, rows, warnings};
use crate::http::pages::When;
use crate::http::pages::admin::Section;
use crate::http::pages::admin::chart::{Bar, Chart};
use crate::http::pages::admin::overview::{Figure, KeyAge, Overview};
use crate::http::sign_in::steps;
use crate::protocol::rights::Right;
use crate::service::activity::Period;
use crate::service::audit;
use crate::service::figures::LATELY;
use crate::service::overview::{self, Span};
use crate::store::audit::AuditFilter;
use crate::store::keys::KeyRow;
use crate::telemetry::activity::Counts;

/// How many of the newest events are shown.
const RECENT: i64 = 10;

pub(super) async fn show(desk: &Desk<'_>) -> Answer {
    if !desk.may(Right::OverviewRead) {
        // Whoever looks after groups begins there.
        return Ok(steps::see_other(&desk.site().path("/admin/groups")));
    }
    let span = Span::from_name(&desk.asked("span")).unwrap_or(Span::Day);
    let found = overview::overview(desk.site(), span).await?;
    let filter = AuditFilter { limit: RECENT, ..AuditFilter::default() };
    let recent = audit::list(desk.site(), &filter).await?;
    desk.show(&Overview {
        chrome: desk.chrome(),
        console: desk.console(Section::Overview),
        figures: numbers(desk, &found),
        warnings: warnings::all(desk, found.concerns),
        span,
        charts: charts(&found.periods),
        keys: key_ages(desk, found.keys),
        checklist: get_started::list(desk, &found.figures).await?,
        may_dismiss: get_started::may_be_dismissed(desk),
        recent: rows::events(desk, recent).await?,
    })
}

fn numbers(desk: &Desk<'_>, found: &overview::Overview) -> Vec<Figure> {
    let (counted, hour) = (&found.figures, found.hour);
    let shown = |label: &str, value: String, path: &str| Figure {
        label: label.to_owned(),
        value,
        href: desk.site().path(path),
    };
    let figure = |label: &str, number: i64, path: &str| shown(label, rows::counted(number), path);
    let lately = |kind: &str| {
        // To the minute, which is what the field of a browser takes.
        let since: String = desk.site().now().plus(-LATELY).rfc3339().chars().take(16).collect();
        format!("/admin/audit?kind={kind}&since={since}")
    };
    vec![
        figure("People", counted.people, "/admin/users"),
        figure("Apps", counted.apps, "/admin/clients"),
        figure("Signed in now", counted.live_sessions, "/admin/sessions"),
        figure("Sign-ins in a day", counted.sign_ins, &lately("session.created")),
        figure("Failed in a day", counted.failed_sign_ins, &lately("sign_in.failed")),
        figure("Letters waiting", found.queued_letters, "/admin/jobs?topic=letters"),
        // These are counted and not recorded one by one: their charts have the hours before.
        figure("Tokens this hour", hour.tokens, "/admin#chart-tokens"),
        shown("95 of 100 answers", within(hour), "/admin#chart-answers"),
        figure("Errors this hour", hour.errors, "/admin#chart-errors"),
    ]
}

/// How long nearly all answers took at most.
fn within(counts: Counts) -> String {
    match counts.p95_within() {
        Some(bound) => format!("≤ {bound} ms"),
        None if counts.requests == 0 => "–".to_owned(),
        None => "> 500 ms".to_owned(),
    }
}

fn charts(lately: &[Period]) -> Vec<Chart> {
    let chart = |names, parts: &[&'static str], values: fn(Counts) -> Vec<i64>| {
        let bar =
            |period: &Period| Bar { from: When::at(period.from), values: values(period.counts) };
        Chart::new(names, parts, lately.iter().map(bar).collect())
    };
    vec![
        chart(("sign-ins", "Sign-ins"), &["Signed in", "Failed"], |counts| {
            vec![counts.sign_ins, counts.failed_sign_ins]
        }),
        chart(("tokens", "Tokens issued"), &["Tokens"], |counts| vec![counts.tokens]),
        chart(("answers", "Answers"), &["Within 100 ms", "Slower"], |counts| {
            vec![counts.within_100, counts.requests - counts.within_100]
        }),
        chart(("errors", "Errors of this server"), &["Errors"], |counts| vec![counts.errors]),
    ]
}

fn key_ages(desk: &Desk<'_>, keys: Vec<KeyRow>) -> Vec<KeyAge> {
    let now = desk.site().now();
    let age = |key: KeyRow| KeyAge {
        alg: key.alg.as_str().to_owned(),
        active_since: When::ago(key.activates_at, now),
    };
    keys.into_iter().map(age).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counting_stops_at_ten_thousand() {
        assert_eq!(rows::counted(0), "0");
        assert_eq!(rows::counted(10_000), "10000");
        assert_eq!(rows::counted(10_001), "10,000+");
    }
}
