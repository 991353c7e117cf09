//! What needs an administrator's attention, each with the place where something can be done about it.

use super::desk::Desk;
use crate::http::pages::Link;
use crate::http::pages::admin::overview::Warning;
use crate::protocol::rights::Right;
use crate::service::overview::Concern;

pub(super) fn all(desk: &Desk<'_>, concerns: Vec<Concern>) -> Vec<Warning> {
    let warning = |concern: Concern| {
        let link = place(concern).filter(|(right, ..)| desk.may(*right));
        let link = link
            .map(|(_, text, path)| Link { text: text.to_owned(), href: desk.site().path(path) });
        Warning { text: concern.text(), link }
    };
    concerns.into_iter().map(warning).collect()
}

/// Where something can be done about it, and the right one needs there.
fn place(concern: Concern) -> Option<(Right, &'static str, &'static str)> {
    match concern {
        Concern::FailedSignIns(_) => {
            Some((Right::AuditRead, "See who tries", "/admin/audit?kind=sign_in.failed"))
        }
        Concern::StuckMessages(_) => Some((Right::JobsRead, "Look at the jobs", "/admin/jobs")),
        Concern::WaitingLetters(_) => {
            Some((Right::JobsRead, "Look at the letters", "/admin/jobs?topic=letters"))
        }
        Concern::LostLetters(_) => {
            Some((Right::AuditRead, "See why", "/admin/audit?kind=delivery.given_up"))
        }
        Concern::Unsealed(_) => Some((Right::AuditRead, "Look at the audit log", "/admin/audit")),
        Concern::LateRotation => Some((Right::KeysRead, "Look at the keys", "/admin/keys")),
        Concern::NoMail => {
            Some((Right::SettingsRead, "Look at the mail server", "/admin/settings/mail"))
        }
        Concern::Errors(_) | Concern::Eviction => None,
    }
}
