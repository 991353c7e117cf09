//! Clocks: tokens are judged by those of other machines, and clients refuse what is from the future.

use super::Finding;
use crate::app::App;
use crate::clock::{Seconds, UnixTime};
use crate::outbound::own::{Answer, NoAnswer};
use crate::store::sync;

/// What tokens are forgiven.
const FORGIVEN: Seconds = 30;

/// What the way of an answer, and seconds that are cut off, explain.
const NOTICED: Seconds = 5;

pub(super) async fn check(app: &App, seen: &Result<Answer, NoAnswer>) -> Finding {
    let mut apart = Vec::new();
    let date = seen.as_ref().ok().and_then(|answer| answer.date.as_deref());
    if let Some(there) = date.and_then(UnixTime::parse_http) {
        apart.push(("whoever answers for the issuer", there.since(app.now())));
    }
    match sync::clock(&app.store.db).await {
        Ok(there) => apart.extend(there.map(|there| ("the database", there.since(app.now())))),
        Err(error) => return Finding::failure("clocks", error.to_string()),
    }
    judge(&apart)
}

fn judge(apart: &[(&str, Seconds)]) -> Finding {
    let name = "clocks";
    let Some((who, most)) = apart.iter().max_by_key(|(_, seconds)| seconds.abs()) else {
        return Finding::fine(name, "no other clock to compare with");
    };
    let text = format!(
        "the clock of {who} is {} seconds {} that of this machine; let both follow a time server (NTP)",
        most.abs(),
        if *most < 0 { "behind" } else { "ahead of" }
    );
    match most.abs() {
        seconds if seconds > FORGIVEN => Finding::failure(name, text),
        seconds if seconds > NOTICED => Finding::warning(name, text),
        seconds => Finding::fine(name, format!("agree to within {} seconds", seconds.max(1))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;

    #[test]
    fn the_clock_that_is_furthest_off_is_the_one_reported() {
        let outcome =
            |issuer, database| judge(&[("issuer", issuer), ("database", database)]).outcome;
        assert!(matches!(outcome(1, -2), Outcome::Fine(_)));
        assert!(
            matches!(outcome(0, -10), Outcome::Warning(text) if text.contains("database is 10"))
        );
        assert!(
            matches!(outcome(31, 2), Outcome::Failure(text) if text.contains("31 seconds ahead"))
        );
        assert!(matches!(judge(&[]).outcome, Outcome::Fine(_)));
    }
}
