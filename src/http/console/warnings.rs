//! What needs an administrator's attention, each with the place where something can be done about it.
//! Few questions, each answered from an index and cut off, whatever the size of the database.

use super::desk::{Desk, Stop};
use crate::clock::Seconds;
use crate::crypto::keyring::KeyState;
use crate::http::pages::Link;
use crate::http::pages::admin::overview::Warning;
use crate::http::site::Transport;
use crate::protocol::rights::Right;
use crate::service::activity::Period;
use crate::service::figures::Figures;
use crate::service::jobs;
use crate::store::keys::KeyRow;

/// From so many failed sign-ins in an hour on, more failures than successes are worth a look.
const MANY_FAILURES: i64 = 20;
/// A signing key that has not changed this long after it should have.
const KEY_GRACE: Seconds = 86_400;

pub(super) async fn all(
    desk: &Desk<'_>,
    (counted, last_hour): (&Figures, &[Period]),
    keys: &[KeyRow],
) -> Result<Vec<Warning>, Stop> {
    let site = desk.site();
    let hour = last_hour.last().map(|period| period.counts).unwrap_or_default();
    let mut found = Vec::new();
    let mut warn = |text: String, link: Option<(Right, &str, &str)>| {
        let link = link.filter(|(right, ..)| desk.may(*right));
        let link =
            link.map(|(_, text, path)| Link { text: text.to_owned(), href: site.path(path) });
        found.push(Warning { text, link });
    };
    if hour.errors > 0 {
        let text = format!(
            "{} this hour failed by our own fault. The server's log says why.",
            counted_words(hour.errors, ("answer", "answers"))
        );
        warn(text, None);
    }
    if hour.failed_sign_ins >= MANY_FAILURES && hour.failed_sign_ins > hour.sign_ins {
        let text =
            format!("{} sign-ins failed this hour, more than succeeded.", hour.failed_sign_ins);
        warn(text, Some((Right::AuditRead, "See who tries", "/admin/audit?kind=sign_in.failed")));
    }
    let stuck = jobs::stuck(site).await?;
    if stuck > 0 {
        let text = format!(
            "{} not arrived after several tries.",
            counted_words(stuck, ("message has", "messages have"))
        );
        warn(text, Some((Right::JobsRead, "Look at the jobs", "/admin/jobs")));
    }
    let late = site.now().plus(-(site.config.keys.rotate_every + KEY_GRACE));
    let active = |key: &&KeyRow| KeyState::from_name(&key.state) == Some(KeyState::Active);
    if keys.iter().filter(active).any(|key| key.activates_at < late) {
        let text =
            "A signing key is older than it should be: keys have not been rotated as planned.";
        warn(text.to_owned(), Some((Right::KeysRead, "Look at the keys", "/admin/keys")));
    }
    if site.ephemeral.may_evict() {
        let text = "Redis may drop what has not expired. Set its maxmemory-policy to noeviction.";
        warn(text.to_owned(), None);
    }
    if site.mail.is_none() && counted.people > 1 && site.transport == Transport::Https {
        let text =
            "There is no mail server: nobody hears of a sign-in that is not theirs. Set mail.url.";
        warn(text.to_owned(), None);
    }
    Ok(found)
}

fn counted_words(count: i64, (one, many): (&str, &str)) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}
