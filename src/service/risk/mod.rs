//! Signs that a sign-in is not the person's own: what is unlike before is found, judged by the
//! settings, noted, and told.
//!
//! [`assess`] looks when the password was right and nobody is signed in yet; [`note`] runs in the
//! transaction that makes the session, and remembers what it came with; [`refuse`] runs instead of it.

pub mod not_me;

use crate::app::App;
use crate::clock::Seconds;
use crate::crypto::secret::SecretHash;
use crate::mail::{Letter, SignInFacts};
use crate::origin::device;
use crate::protocol::authorize::acr::Level;
use crate::protocol::risk::{
    self as rules, Decision, Facts, Familiarity, Finding, History, Kind, Policy, Visit,
};
use crate::protocol::types::{ClientId, SessionId, UserId};
use crate::service::audit::{Actor, Caller, Event};
use crate::service::failure::Failure;
use crate::service::mail;
use crate::service::people::links::{self, About};
use crate::store::grants::Grant;
use crate::store::known_marks::{self, Mark, MarkKind};
use crate::store::links::LinkKind;
use crate::store::sessions;
use crate::store::{StoreError, Tx, audit, clients as client_rows, used_jtis, users};

/// Devices, and networks, that are remembered of one person; those not seen for longest go first.
const MOST_MARKS: usize = 20;
/// Letters about sign-ins that one person gets in a day. Whoever knows a password could else fill the
/// mailbox; the first letters say all there is to say.
const MOST_LETTERS: i64 = 20;
const DAY: i64 = 86_400;
/// How long after a letter about a refused sign-in the next one may follow.
const TOLD_AGAIN: Seconds = 3_600;
/// A mark that nothing has. It makes the next device a new one for somebody of whom all was forgotten.
const NOBODY: &str = "-";

/// Looks at a sign-in whose password was right. `failures` are the wrong ones in the hour before.
///
/// # Errors
/// [`Failure`] when SQL does not answer; nobody is signed in then.
pub async fn assess(
    app: &App,
    (user, history): (&UserId, History),
    failures: i64,
    caller: &Caller,
) -> Result<Vec<Finding>, Failure> {
    let now = app.now();
    let known = known_marks::of_user(&app.store.db, user, now).await?;
    let familiar = |kind| familiarity((&known, history), kind, &marks(caller));
    let settings = app.settings();
    let kinds = rules::kinds(&Facts {
        device: familiar(MarkKind::Device),
        network: familiar(MarkKind::Network),
        here: Visit { at: now, place: place(app, caller.address.as_deref()) },
        before: last_visit(app, user).await?,
        failures,
        burst: settings.risk.burst_failures.into(),
    });
    let policy = |kind| Finding { kind, policy: settings.risk.policy(kind) };
    Ok(kinds.into_iter().map(policy).collect())
}

/// What is done about these findings of a sign-in at this level.
#[must_use]
pub fn decide(findings: &[Finding], held: Level) -> Decision {
    rules::decide(findings, held, Level::STRONGEST)
}

/// What a sign-in came with: the browser by its cookie, the network by its name.
fn marks(caller: &Caller) -> Vec<Mark> {
    let device = caller.device.clone().map(|mark| Mark { kind: MarkKind::Device, mark });
    let network = caller.address.as_deref().map(|address| {
        let mark = SecretHash::of(&rules::network_of(address)).as_str().to_owned();
        Mark { kind: MarkKind::Network, mark }
    });
    device.into_iter().chain(network).collect()
}

fn familiarity((known, history): (&[Mark], History), kind: MarkKind, here: &[Mark]) -> Familiarity {
    let here = here.iter().find(|mark| mark.kind == kind);
    if !known.iter().any(|mark| mark.kind == kind) {
        history.with_nothing_known()
    } else if here.is_some_and(|mark| known.contains(mark)) {
        Familiarity::Known
    } else {
        Familiarity::New
    }
}

fn place(app: &App, address: Option<&str>) -> Option<rules::Place> {
    app.live.load().places.point(address?)
}

/// The person's latest sign-in, as far as its session is still kept and nobody has said that it was not
/// theirs. Without a map nothing is read.
async fn last_visit(app: &App, user: &UserId) -> Result<Option<Visit>, Failure> {
    if !app.live.load().places.are_known() {
        return Ok(None);
    }
    let last = sessions::last_own(&app.store.db, user).await?;
    Ok(last.map(|(at, address)| Visit { at, place: place(app, Some(&address)) }))
}

/// A sign-in that is taking place, or something else that a person may hear of.
pub(crate) struct SignIn<'a> {
    pub user: &'a UserId,
    /// `None` when nobody was let in.
    pub session: Option<&'a SessionId>,
    pub findings: &'a [Finding],
    /// Whether they can be written to, asked before the transaction.
    pub mailbox: Mailbox,
    pub caller: &'a Caller,
}

/// Whether a person may get another letter about their sign-ins today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mailbox {
    Open,
    /// It has had its share, or there is nothing to tell.
    Closed,
}

/// Counts a letter about these findings, if they call for one. Ask before the transaction that writes
/// it: the counter is in the fast store, and nobody may wait for that with rows held. Letters go on when
/// it cannot be read.
pub(crate) async fn mailbox(app: &App, user: &UserId, findings: &[Finding]) -> Mailbox {
    let tells = findings.iter().any(|finding| finding.policy > Policy::Ignore);
    if !tells || app.mail.is_none() {
        return Mailbox::Closed;
    }
    match app.ephemeral.increment(&format!("letters:{user}"), DAY).await {
        Ok(count) if count > MOST_LETTERS => Mailbox::Closed,
        Ok(_) | Err(_) => Mailbox::Open,
    }
}

/// Like [`mailbox`] for a refresh token that was used twice.
pub(crate) async fn mailbox_for_reuse(app: &App, user: &UserId) -> Mailbox {
    mailbox(app, user, &[reuse(app)]).await
}

/// Remembers what a sign-in came with, notes what was unlike before, and puts the letter into the
/// outbox, all in its transaction; ring [`App::outbox_bell`] after the commit.
///
/// # Errors
/// [`Failure`] when SQL does not take it.
pub(crate) async fn note(app: &App, tx: &mut Tx, sign_in: &SignIn<'_>) -> Result<(), Failure> {
    remember(app, tx, sign_in).await?;
    let actor = Actor::User(sign_in.user.clone());
    let event = || Event::success("anomaly.found", &actor, app.now());
    write_findings(app, tx, sign_in, event).await?;
    if sign_in.findings.iter().all(|finding| finding.policy == Policy::Ignore) {
        return Ok(());
    }
    tell(app, tx, sign_in, Letter::NewSignIn).await
}

/// One event and one count for each thing that was unlike before.
async fn write_findings(
    app: &App,
    tx: &mut Tx,
    sign_in: &SignIn<'_>,
    event: impl Fn() -> Event,
) -> Result<(), StoreError> {
    for finding in sign_in.findings {
        let event = described(event(), *finding).user(sign_in.user).caller(sign_in.caller);
        let event = sign_in.session.into_iter().fold(event, Event::session);
        audit::append(&mut *tx, &event.into_row()).await?;
        app.metrics.anomaly(finding.kind.as_str(), finding.policy.as_str());
    }
    Ok(())
}

async fn remember(app: &App, tx: &mut Tx, sign_in: &SignIn<'_>) -> Result<(), Failure> {
    let now = app.now();
    let known = known_marks::of_user(&mut *tx, sign_in.user, now).await?;
    for mark in marks(sign_in.caller) {
        let until = now.plus(app.settings().risk.remember);
        known_marks::remember(&mut *tx, (sign_in.user, &mark), (now, until)).await?;
        let of_kind = known.iter().filter(|other| other.kind == mark.kind).count();
        if of_kind >= MOST_MARKS && !known.contains(&mark) {
            let most = i64::try_from(MOST_MARKS).unwrap_or(i64::MAX);
            known_marks::keep_newest(&mut *tx, (sign_in.user, mark.kind), most).await?;
        }
    }
    Ok(())
}

/// Notes that a sign-in was refused, and tells the person once an hour: whoever made it knows the
/// password.
///
/// # Errors
/// [`Failure`] when SQL does not take it.
pub(crate) async fn refuse(
    app: &App,
    user: &UserId,
    findings: &[Finding],
    caller: &Caller,
) -> Result<(), Failure> {
    let now = app.now();
    let told = SecretHash::of(&format!("refusal-told:{user}"));
    let mailbox = if used_jtis::is_spent(&app.store.db, told.as_str()).await? {
        Mailbox::Closed
    } else {
        mailbox(app, user, findings).await
    };
    let sign_in = SignIn { user, session: None, findings, mailbox, caller };
    let mut tx = app.store.begin().await?;
    let event = || Event::failure("anomaly.found", &Actor::Anonymous, now);
    write_findings(app, &mut tx, &sign_in, event).await?;
    let event = Event::failure("sign_in.refused", &Actor::Anonymous, now).user(user).caller(caller);
    audit::append(&mut tx, &event.into_row()).await?;
    // Spent with the letter or not at all: a transaction that fails leaves the next one to be told.
    let may_tell = matches!(sign_in.mailbox, Mailbox::Open);
    if may_tell && used_jtis::spend(&mut tx, told.as_str(), now.plus(TOLD_AGAIN)).await? {
        tell(app, &mut tx, &sign_in, Letter::SignInRefused).await?;
    }
    tx.commit().await?;
    app.outbox_bell.notify_one();
    Ok(())
}

/// A refresh token that was used twice, for the transaction that ends what it was good for.
///
/// # Errors
/// [`Failure`] when SQL does not take it.
pub(crate) async fn note_reuse(
    app: &App,
    tx: &mut Tx,
    grant: &Grant,
    (mailbox, caller): (Mailbox, &Caller),
) -> Result<(), Failure> {
    let finding = reuse(app);
    app.metrics.anomaly(finding.kind.as_str(), finding.policy.as_str());
    if finding.policy == Policy::Ignore {
        return Ok(());
    }
    let name = app_name(tx, &grant.client_id).await?;
    let (user, session) = (&grant.user_id, grant.session_id.as_ref());
    let reuse = SignIn { user, session, findings: &[finding], mailbox, caller };
    tell(app, tx, &reuse, |facts| Letter::AccessEnded { app: name, facts }).await
}

/// Read inside the transaction, which holds a connection already.
async fn app_name(tx: &mut Tx, id: &ClientId) -> Result<String, Failure> {
    let client = client_rows::by_id(&mut *tx, id).await?;
    Ok(client.map_or_else(|| id.to_string(), |client| client.metadata.client_name))
}

/// What the settings say about a refresh token that was used twice.
fn reuse(app: &App) -> Finding {
    Finding { kind: Kind::RefreshReuse, policy: app.settings().risk.policy(Kind::RefreshReuse) }
}

/// Adds score and action to the event of a refresh token that was used twice.
pub(crate) fn describe_reuse(app: &App, event: Event) -> Event {
    described(event, reuse(app))
}

fn described(event: Event, finding: Finding) -> Event {
    event
        .detail("anomaly", finding.kind.as_str())
        .detail("score", finding.kind.score())
        .detail("action", finding.policy.as_str())
}

/// Puts a letter with a fresh link into the outbox, if the person can be written to.
async fn tell(
    app: &App,
    tx: &mut Tx,
    sign_in: &SignIn<'_>,
    letter: impl FnOnce(SignInFacts) -> Letter,
) -> Result<(), Failure> {
    let caller = sign_in.caller;
    if sign_in.mailbox == Mailbox::Closed {
        return Ok(());
    }
    let Some(user) = users::by_id(&mut *tx, sign_in.user).await? else { return Ok(()) };
    if mail::address(app, &user).is_none() {
        return Ok(());
    }
    let now = app.now();
    // Links of other letters stay: each is about a sign-in of its own.
    let (user_id, session) = (Some(&user.id), sign_in.session);
    let about = About { kind: LinkKind::NotMe, user: user_id, session, actor: &Actor::System };
    let secret = links::add(tx, about, (now, app.settings().risk.link_lifetime)).await?;
    let reasons = sign_in.findings.iter().filter(|finding| finding.policy > Policy::Ignore);
    let facts = SignInFacts {
        username: user.username.clone(),
        reasons: reasons.map(|finding| finding.kind.words().to_owned()).collect(),
        device: device::label(caller.user_agent.as_deref()),
        address: caller.address.clone().unwrap_or_default(),
        at: now,
        link: format!("{}/login/not-me?token={}", app.issuer(), secret.expose()),
        hours: app.settings().risk.link_lifetime / 3_600,
    };
    mail::enqueue(app, tx, &user, letter(facts)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(device: Option<&str>, address: &str) -> Caller {
        let device = device.map(ToOwned::to_owned);
        Caller { device, address: Some(address.to_owned()), ..Caller::default() }
    }

    #[test]
    fn a_mark_is_new_only_to_somebody_who_has_others() {
        let here = marks(&caller(Some("d1"), "192.0.2.7"));
        let familiarity = |known: &[Mark], kind, here: &[Mark]| {
            super::familiarity((known, History::Newcomer), kind, here)
        };
        assert_eq!(familiarity(&[], MarkKind::Device, &here), Familiarity::First);
        let returning = super::familiarity((&[], History::Returning), MarkKind::Device, &here);
        assert_eq!(returning, Familiarity::New);
        let same_network = marks(&caller(None, "192.0.2.200"));
        let known = marks(&caller(Some("d1"), "192.0.2.9"));
        assert_eq!(familiarity(&known, MarkKind::Device, &here), Familiarity::Known);
        assert_eq!(familiarity(&known, MarkKind::Network, &same_network), Familiarity::Known);
        // A browser that brings no cookie has not been here.
        assert_eq!(familiarity(&known, MarkKind::Device, &same_network), Familiarity::New);
        let elsewhere = marks(&caller(Some("d2"), "198.51.100.1"));
        assert_eq!(familiarity(&known, MarkKind::Device, &elsewhere), Familiarity::New);
        assert_eq!(familiarity(&known, MarkKind::Network, &elsewhere), Familiarity::New);
    }
}
