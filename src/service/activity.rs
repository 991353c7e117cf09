//! What happened lately, hour by hour: each node counts and tells SQL twice a minute, the console reads
//! a row for each hour. Nothing is decided by these numbers; a node that dies takes half a minute of
//! them along.

use crate::app::App;
use crate::clock::{Seconds, UnixTime};
use crate::service::failure::Failure;
use crate::store::activity;
use crate::telemetry::activity::Counts;

const HOUR: Seconds = 3_600;

/// Some hours together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    pub from: UnixTime,
    pub counts: Counts,
}

/// Tells SQL what this process has counted since it last did.
///
/// # Errors
/// [`Failure`] when SQL does not take it; it is told next time.
pub async fn tell(app: &App) -> Result<(), Failure> {
    let counts = app.metrics.activity().take();
    if counts == Counts::default() {
        return Ok(());
    }
    let told = activity::add(&app.store.db, app.now(), &counts).await;
    if told.is_err() {
        app.metrics.activity().put_back(counts);
    }
    Ok(told?)
}

/// The last so many periods of so many hours, the oldest first and the present one last. What this
/// node has not told SQL yet is in it.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn lately(app: &App, (periods, hours): (i64, i64)) -> Result<Vec<Period>, Failure> {
    let (periods, hours) = (periods.max(1), hours.max(1));
    let now = activity::hour_of(app.now());
    // Periods lie where they lie for everybody: a bar does not move while it is looked at.
    let newest = now.div_euclid(hours);
    let oldest = newest - periods + 1;
    let mut rows = activity::since(&app.store.db, oldest * hours).await?;
    rows.push((now, app.metrics.activity().untold()));
    Ok((oldest..=newest).map(|number| period(number, hours, &rows)).collect())
}

fn period(number: i64, hours: i64, rows: &[(i64, Counts)]) -> Period {
    let inside = rows.iter().filter(|(hour, _)| hour.div_euclid(hours) == number);
    let counts = inside.fold(Counts::default(), |sum, (_, counts)| sum.plus(*counts));
    Period { from: UnixTime(number.saturating_mul(hours).saturating_mul(HOUR)), counts }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_the_hours_in_it() {
        let hour = |n, sign_ins| (n, Counts { sign_ins, ..Counts::default() });
        let rows = [hour(5, 1), hour(6, 2), hour(11, 4), hour(12, 8), hour(12, 16)];
        let sum = |number, hours| period(number, hours, &rows).counts.sign_ins;
        assert_eq!((sum(0, 6), sum(1, 6), sum(2, 6), sum(3, 6)), (1, 6, 24, 0));
        assert_eq!(sum(12, 1), 24);
        assert_eq!(period(2, 6, &rows).from, UnixTime(12 * 3_600));
    }
}
