//! How long the certificate of the issuer is good: the one that is served, and the one in the file.

use super::Finding;
use crate::app::App;
use crate::clock::{Seconds, UnixTime};
use crate::crypto::certificate::Certificate;
use crate::outbound::own::{Answer, NoAnswer};

const NAME: &str = "tls";
const DAY: Seconds = 86_400;

/// Whoever renews certificates by themselves has done so long before.
const SOON: Seconds = 14 * DAY;

/// Nothing where there is no certificate to look at.
pub(super) fn check(app: &App, seen: &Result<Answer, NoAnswer>) -> Option<Finding> {
    let now = app.now();
    if let Some(path) = &app.config.server.tls_cert_file {
        let Some(until) =
            std::fs::read(path).ok().and_then(|pem| last_moment(Certificate::from_pem(&pem).ok()))
        else {
            let text = format!("no certificate could be read in {}", path.display());
            return Some(Finding::failure(NAME, text));
        };
        let found = judge(until, now, &path.display().to_string());
        // The file may be newer than what is served; what is worse with it is worth saying first.
        if !matches!(found.outcome, super::Outcome::Fine(_)) {
            return Some(found);
        }
    }
    let served = seen.as_ref().ok().and_then(|answer| answer.certificate.clone());
    if let Some(der) = served {
        let until = last_moment(Certificate::new(der, Vec::new()).ok());
        return until.map(|until| judge(until, now, "the certificate that is served"));
    }
    match (seen, &app.config.server.tls_cert_file) {
        (Err(NoAnswer::Untrusted(why)), _) => Some(Finding::failure(
            NAME,
            format!("the certificate that is served is refused: {why}"),
        )),
        (_, Some(path)) => {
            let pem = std::fs::read(path).ok()?;
            let until = last_moment(Certificate::from_pem(&pem).ok())?;
            Some(judge(until, now, &path.display().to_string()))
        }
        _ => None,
    }
}

fn last_moment(certificate: Option<Certificate>) -> Option<UnixTime> {
    certificate?.expires_at()
}

fn judge(until: UnixTime, now: UnixTime, what: &str) -> Finding {
    let left = until.since(now);
    let days = left / DAY;
    if left < 0 {
        let text =
            format!("{what} expired on {}; renew it, and reload the server", until.rfc3339());
        return Finding::failure(NAME, text);
    }
    if left < SOON {
        let text = format!("{what} expires in {days} days; renew it, and reload the server");
        return Finding::warning(NAME, text);
    }
    Finding::fine(NAME, format!("{what} is good for {days} days"))
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;

    #[test]
    fn a_certificate_is_judged_by_the_days_it_has_left() {
        let now = UnixTime(1_000 * DAY);
        let outcome = |until: Seconds| judge(now.plus(until), now, "it").outcome;
        assert!(matches!(outcome(15 * DAY), Outcome::Fine(_)));
        assert!(matches!(outcome(13 * DAY), Outcome::Warning(_)));
        assert!(matches!(outcome(0), Outcome::Warning(_)));
        assert!(matches!(outcome(-1), Outcome::Failure(_)));
    }
}
