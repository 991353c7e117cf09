//! How things stand: what the first page of the console shows, and what programs and the command line are
//! told of it. Few questions, each answered from an index and cut off, whatever the size of the database.

use crate::app::App;
use crate::clock::Seconds;
use crate::crypto::keyring::KeyState;
use crate::service::activity::{self, Period};
use crate::service::failure::Failure;
use crate::service::figures::{self, Figures};
use crate::service::{jobs, keys};
use crate::store::keys::KeyRow;
use crate::store::waiting::Troubles;
use crate::telemetry::activity::Counts;

/// From so many failed sign-ins in an hour on, more failures than successes are worth a look.
const MANY_FAILURES: i64 = 20;
/// A signing key that has not changed this long after it should have.
const KEY_GRACE: Seconds = 86_400;

/// Events wait for about a second to be sealed. After so long nobody seals any more; the shipped alarm goes by the
/// same.
const UNSEALED: Seconds = 300;

/// How far back it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    Day,
    Week,
    Month,
}

impl Span {
    pub const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    /// The name for programs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// The span with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|span| span.as_str() == name)
    }

    /// How many periods, and of how many hours each.
    #[must_use]
    pub fn periods(self) -> (i64, i64) {
        match self {
            Self::Day => (24, 1),
            Self::Week => (28, 6),
            Self::Month => (28, 24),
        }
    }
}

/// Something that needs an administrator's attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concern {
    /// So many answers of this hour failed by our own fault.
    Errors(i64),
    /// So many sign-ins failed this hour, more than succeeded.
    FailedSignIns(i64),
    /// So many messages that are no letters have been tried several times.
    StuckMessages(i64),
    /// So many letters to people were tried, and wait to be tried again.
    WaitingLetters(i64),
    /// So many letters to people were given up within a day.
    LostLetters(i64),
    /// Events of the audit log have waited so many seconds to be sealed.
    Unsealed(Seconds),
    /// A signing key is older than it should be.
    LateRotation,
    /// Redis may drop what has not expired.
    Eviction,
    /// Nobody can be sent a letter.
    NoMail,
}

impl Concern {
    /// The name for programs; stays the same.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Errors(_) => "errors",
            Self::FailedSignIns(_) => "failed_sign_ins",
            Self::StuckMessages(_) => "stuck_messages",
            Self::WaitingLetters(_) => "waiting_letters",
            Self::LostLetters(_) => "lost_letters",
            Self::Unsealed(_) => "unsealed_audit",
            Self::LateRotation => "late_rotation",
            Self::Eviction => "eviction",
            Self::NoMail => "no_mail",
        }
    }

    /// What is the matter, and what to do about it, in words.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::Errors(count) => format!(
                "{} this hour failed by our own fault. The server's log says why.",
                counted(count, ("answer", "answers"))
            ),
            Self::FailedSignIns(count) => {
                format!("{count} sign-ins failed this hour, more than succeeded.")
            }
            Self::StuckMessages(count) => format!(
                "{} not arrived after several tries.",
                counted(count, ("message has", "messages have"))
            ),
            Self::WaitingLetters(count) => format!(
                "{} that the mail server has not taken yet. Each says what is in the way; a test letter \
                 shows whether the next one arrives.",
                counted(count, ("letter waits", "letters wait"))
            ),
            Self::LostLetters(count) => format!(
                "{} given up in the last 24 hours: nobody gets them any more. The audit log says why; \
                 whoever waits for one has to ask again.",
                counted(count, ("letter was", "letters were"))
            ),
            Self::Unsealed(seconds) => format!(
                "Events of the audit log have waited {} to be sealed. Run doorward audit verify, and look \
                 into the server's log; docs/audit.md says what to do when the end of the log is lost.",
                counted(seconds / 60, ("minute", "minutes"))
            ),
            Self::LateRotation => "A signing key is older than it should be: keys have not been \
                                   rotated as planned."
                .to_owned(),
            Self::Eviction => "Redis may drop what has not expired. Set its maxmemory-policy to \
                               noeviction."
                .to_owned(),
            Self::NoMail => {
                "There is no mail server: nobody hears of a sign-in that is not theirs. \
                             Set mail.url."
                    .to_owned()
            }
        }
    }
}

fn counted(count: i64, (one, many): (&str, &str)) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

/// How things stand.
#[derive(Debug)]
pub struct Overview {
    pub figures: Figures,
    /// Letters to people that wait to be sent, those that were tried in vain among them; counted as the figures are.
    pub queued_letters: i64,
    /// The present hour as far as it has come.
    pub hour: Counts,
    /// The oldest first and the present one last.
    pub periods: Vec<Period>,
    /// The signing keys in use, one for each algorithm.
    pub keys: Vec<KeyRow>,
    pub concerns: Vec<Concern>,
}

/// Counts everything.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn overview(app: &App, span: Span) -> Result<Overview, Failure> {
    let figures = figures::overview(app).await?;
    let periods = activity::lately(app, span.periods()).await?;
    let last_hour = activity::lately(app, (1, 1)).await?;
    let hour = last_hour.last().map(|period| period.counts).unwrap_or_default();
    let mut keys = keys::list(app).await?;
    keys.retain(|key| KeyState::from_name(&key.state) == Some(KeyState::Active));
    keys.sort_by_key(|key| key.alg);
    let troubles = jobs::troubles(app).await?;
    let concerns = concerns(app, (&figures, hour), (keys.as_slice(), troubles));
    let queued_letters = troubles.queued_letters;
    Ok(Overview { figures, queued_letters, hour, periods, keys, concerns })
}

fn concerns(
    app: &App,
    (figures, hour): (&Figures, Counts),
    (active, troubles): (&[KeyRow], Troubles),
) -> Vec<Concern> {
    let Troubles { stuck, letters, lost_letters, unsealed_since, .. } = troubles;
    let unsealed = unsealed_since.map_or(0, |at| app.now().since(at));
    let late = app.now().plus(-(app.config.keys.rotate_every + KEY_GRACE));
    let is_for_all = figures.people > 1 && app.config.issuer.is_https();
    let all = [
        (hour.errors > 0, Concern::Errors(hour.errors)),
        (
            hour.failed_sign_ins >= MANY_FAILURES && hour.failed_sign_ins > hour.sign_ins,
            Concern::FailedSignIns(hour.failed_sign_ins),
        ),
        (stuck > 0, Concern::StuckMessages(stuck)),
        (letters > 0, Concern::WaitingLetters(letters)),
        (lost_letters > 0, Concern::LostLetters(lost_letters)),
        (unsealed > UNSEALED, Concern::Unsealed(unsealed)),
        (active.iter().any(|key| key.activates_at < late), Concern::LateRotation),
        (app.ephemeral.may_evict(), Concern::Eviction),
        (app.mail.is_none() && is_for_all, Concern::NoMail),
    ];
    all.into_iter().filter(|(is_so, _)| *is_so).map(|(_, concern)| concern).collect()
}
