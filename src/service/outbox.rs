//! Sending what the outbox holds. A change that others must hear of writes its deliveries in its own
//! transaction, so they exist exactly if the change does; this job sends them, at once and then
//! again, ever more rarely, until they have arrived or are given up.
//!
//! Each delivery is sent at least once. A node that dies between an answer and noting it leaves a
//! delivery that is sent once more, under the same id, by which receivers recognise it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::task::{Id, JoinError, JoinSet};
use tracing::Instrument as _;

use crate::app::App;
use crate::clock::{Seconds, UnixTime};
use crate::config::OutboxSettings;
use crate::crypto::secret;
use crate::protocol::types::ClientId;
use crate::service::audit::{Actor, Event};
use crate::service::failure::Failure;
use crate::service::mail;
use crate::service::pictures::fetched;
use crate::service::session::{backchannel_logout, farewell};
use crate::service::webhooks;
use crate::store::outbox::{self, Candidate, Delivery};
use crate::store::{Tx, audit};
use crate::telemetry::traces;

/// How long a node may hold a delivery: well above what one request to another server may take and
/// what the clocks of two nodes may differ by.
const HOLD: Seconds = 60;
/// How soon a delivery for which there was no turn is tried again.
const PAUSE: Seconds = 2;
/// Of the messages sent at the same time, one client gets this part at most.
const SHARE: usize = 4;
/// The fewest messages that are looked at for one place, so that the next in turn is among them.
const FEWEST_CANDIDATES: usize = 32;
/// So many clients are known by their last turn; with more, all begin anew.
const MOST_KNOWN: usize = 4_096;
/// The longest wait between two tries.
const LONGEST_WAIT: Seconds = 3_600;
/// A receiver that answers "no" is asked this often: asking it all day would not change its mind.
const MOST_REFUSALS: i64 = 5;
/// How often the outbox is looked into when nobody rings: for deliveries written by the command
/// line, those another node left behind, and those whose wait is over.
const TICK: Duration = Duration::from_secs(1);

/// Of the messages sent at the same time, webhooks get this part at most, however many of their endpoints
/// are slow: sign-outs and letters do not wait for them.
const SHARE_OF_WEBHOOKS: usize = 2;
/// And logos this part: strangers name their addresses.
const SHARE_OF_LOGOS: usize = 4;

/// The kinds of deliveries this program can send. All letters together get one share of the places.
pub const KINDS: [&str; 5] =
    [mail::KIND, backchannel_logout::KIND, farewell::KIND, webhooks::KIND, fetched::KIND];

/// How a try went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Attempt {
    Arrived,
    /// Nobody wants it any more.
    Obsolete,
    /// The receiver heard it and said no.
    Refused(String),
    /// It may not have been heard.
    Failed(String),
    /// It was not sent: too much is on its way there already.
    Busy,
    /// A part is done, and noted with [`outbox::progress`]; the rest is for another turn.
    Partly,
}

/// Adds a delivery, to a client if it is for one, inside the caller's transaction; ring [`App::outbox_bell`] after the
/// commit. `payload` must be a JSON object.
///
/// # Errors
/// [`Failure`] when SQL does not take it.
pub(crate) async fn add(
    app: &App,
    tx: &mut Tx,
    (kind, client): (&'static str, Option<&ClientId>),
    payload: Value,
) -> Result<(), Failure> {
    let now = app.now();
    let delivery = Delivery {
        id: secret::new_id(now),
        kind: kind.to_owned(),
        client_id: client.cloned(),
        payload,
        due_at: now,
        attempts: 0,
        created_at: now,
        expires_at: now.plus(app.config.outbox.give_up_after),
    };
    Ok(outbox::insert(tx, &delivery).await?)
}

/// Sends what is due, now and from now on. Never returns.
pub async fn run(app: Arc<App>) {
    let mut under_way = UnderWay::default();
    loop {
        if let Err(error) = start_due(&app, &mut under_way).await {
            tracing::warn!(%error, "the outbox could not be looked into; it is tried again");
        }
        tokio::select! {
            () = app.outbox_bell.notified() => {}
            () = tokio::time::sleep(TICK) => {}
            // A place is free for the next one.
            () = under_way.next_ended() => {}
        }
    }
}

/// When each kind and client had its last turn. Places go to whoever has waited for one longest: with
/// few of them, those of whom much is due would else take each that becomes free.
#[derive(Default)]
struct Turns {
    now: u64,
    kinds: HashMap<&'static str, u64>,
    clients: HashMap<Option<ClientId>, u64>,
}

impl Turns {
    fn take(&mut self, kind: &'static str, client: Option<&ClientId>) {
        self.pass(kind);
        if self.clients.len() >= MOST_KNOWN {
            self.clients.clear();
        }
        self.clients.insert(client.cloned(), self.now);
    }

    /// A kind of which nothing could be looked for has had its turn as well. It would else be the first
    /// again, and the others would wait for its failure each time.
    fn pass(&mut self, kind: &'static str) {
        self.now += 1;
        self.kinds.insert(kind, self.now);
    }

    /// The kinds, next in turn first.
    fn kinds(&self) -> [&'static str; KINDS.len()] {
        let mut kinds = KINDS;
        kinds.sort_by_key(|kind| self.kinds.get(kind));
        kinds
    }

    /// Brings the client first that is next in turn; those alike stay as they are.
    fn order(&self, candidates: &mut [Candidate]) {
        candidates.sort_by_key(|(_, client)| self.clients.get(client));
    }
}

/// What is being sent, and to whom.
#[derive(Default)]
struct UnderWay {
    tasks: JoinSet<()>,
    clients: HashMap<Id, (&'static str, Option<ClientId>)>,
    turns: Turns,
}

impl UnderWay {
    fn start(
        &mut self,
        (kind, client): (&'static str, Option<ClientId>),
        work: impl Future<Output = ()> + Send + 'static,
    ) {
        self.turns.take(kind, client.as_ref());
        let id = self.tasks.spawn(work).id();
        self.clients.insert(id, (kind, client));
    }

    /// How much of a kind is being sent.
    fn of_kind(&self, kind: &str) -> usize {
        self.clients.values().filter(|(known, _)| *known == kind).count()
    }

    /// How much is being sent to this client.
    fn to(&self, client: Option<&ClientId>) -> usize {
        self.clients.values().filter(|(_, known)| known.as_ref() == client).count()
    }

    fn forget_ended(&mut self) {
        while let Some(ended) = self.tasks.try_join_next_with_id() {
            self.forget(ended);
        }
    }

    /// Waits for the next one to end; for ever when nothing is under way.
    async fn next_ended(&mut self) {
        match self.tasks.join_next_with_id().await {
            Some(ended) => self.forget(ended),
            None => std::future::pending().await,
        }
    }

    /// However it ended: one that panicked stays held, and is tried again by whoever finds it due.
    fn forget(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
        self.clients.remove(&id);
    }
}

/// Starts sending what is due, as far as there are places. A kind that fails keeps no other waiting; the
/// first failure is the answer.
async fn start_due(app: &Arc<App>, under_way: &mut UnderWay) -> Result<(), Failure> {
    under_way.forget_ended();
    let mut first = None;
    for kind in under_way.turns.kinds() {
        if under_way.tasks.len() >= app.config.outbox.at_once {
            break;
        }
        if let Err(error) = start_due_of(app, under_way, kind).await {
            tracing::warn!(kind, %error, "messages of a kind could not be looked for");
            under_way.turns.pass(kind);
            first = first.or(Some(error));
        }
    }
    first.map_or(Ok(()), Err)
}

/// Starts sending what is due of a kind, as far as there are places. One client gets a share of them: a
/// server that never answers would else take all, and every other app would hear of sign-outs late.
async fn start_due_of(
    app: &Arc<App>,
    under_way: &mut UnderWay,
    kind: &'static str,
) -> Result<(), Failure> {
    let places = app.config.outbox.at_once;
    let share = (places / SHARE).max(1);
    let bounds = (bound(share), bound((2 * places).max(FEWEST_CANDIDATES)));
    let mut due = match kind {
        webhooks::KIND => outbox::due_for_webhooks(&app.store.db, (kind, app.now())).await?,
        _ => outbox::due(&app.store.db, (kind, app.now()), bounds).await?,
    };
    under_way.turns.order(&mut due);
    for (id, client) in due {
        if under_way.tasks.len() >= places || under_way.of_kind(kind) >= most_of(kind, places) {
            break;
        }
        if under_way.to(client.as_ref()) >= share {
            continue;
        }
        let now = app.now();
        // Another node may have been faster.
        let claimed = outbox::claim(&app.store.db, &id, now, now.plus(HOLD)).await?;
        if let Some(delivery) = claimed {
            let app = Arc::clone(app);
            let sending = async move { deliver(&app, (kind, &delivery)).await };
            // No request waits for it, so it is a trace of its own.
            under_way.start((kind, client), sending.instrument(traces::part(kind)));
        }
    }
    Ok(())
}

/// How many places deliveries of a kind may take.
fn most_of(kind: &str, places: usize) -> usize {
    match kind {
        webhooks::KIND => (places / SHARE_OF_WEBHOOKS).max(1),
        fetched::KIND => (places / SHARE_OF_LOGOS).max(1),
        _ => places,
    }
}

fn bound(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

async fn deliver(app: &App, (kind, delivery): (&'static str, &Delivery)) {
    let attempt = if is_overdue(app, delivery) {
        Ok(Attempt::Failed("its time was over".to_owned()))
    } else {
        match kind {
            backchannel_logout::KIND => backchannel_logout::send(app, delivery).await,
            farewell::KIND => farewell::send(app, delivery).await,
            mail::KIND => mail::send(app, delivery).await,
            webhooks::KIND => webhooks::send(app, delivery).await,
            fetched::KIND => fetched::send(app, delivery).await,
            _ => Ok(Attempt::Obsolete),
        }
    };
    let attempt = attempt.unwrap_or_else(|failure| Attempt::Failed(failure.to_string()));
    if let Err(error) = settle(app, (kind, delivery), attempt).await {
        // It stays held until another try is due, and is then sent once more.
        tracing::warn!(%error, id = delivery.id, "the outcome of a delivery could not be noted");
    }
}

/// Whether the last try has ended without anybody noting how. A delivery whose sending fails in a way
/// nobody foresaw would else be tried for ever.
fn is_overdue(app: &App, delivery: &Delivery) -> bool {
    delivery.attempts > 1 && app.now() > delivery.expires_at.plus(HOLD)
}

/// Notes how a try went.
async fn settle(
    app: &App,
    (kind, delivery): (&'static str, &Delivery),
    attempt: Attempt,
) -> Result<(), Failure> {
    // What has come further has got more time than `delivery` knows of.
    let has_time = attempt == Attempt::Partly || app.now() < delivery.expires_at;
    let (reason, refused) = match attempt {
        Attempt::Arrived => {
            outbox::remove(&app.store.db, delivery).await?;
            app.metrics.outbox_attempt(kind, "arrived");
            return Ok(());
        }
        Attempt::Obsolete => {
            outbox::remove(&app.store.db, delivery).await?;
            return Ok(());
        }
        Attempt::Refused(reason) => (reason, true),
        Attempt::Failed(reason) => (reason, false),
        Attempt::Busy | Attempt::Partly if has_time => {
            outbox::release(&app.store.db, delivery, app.now().plus(PAUSE)).await?;
            app.metrics.outbox_attempt(kind, "busy");
            return Ok(());
        }
        Attempt::Busy | Attempt::Partly => ("its server was busy to the end".to_owned(), false),
    };
    let now = app.now();
    if now >= delivery.expires_at || (refused && delivery.attempts >= MOST_REFUSALS) {
        return give_up(app, (kind, delivery), &reason).await;
    }
    let wait = wait_after(delivery.attempts, &app.config.outbox, jitter());
    let due_at = now.plus(wait).min(delivery.expires_at.max(now.plus(1)));
    outbox::postpone(&app.store.db, delivery, (due_at, &reason)).await?;
    app.metrics.outbox_attempt(kind, "retried");
    tracing::info!(
        kind,
        id = delivery.id,
        client_id = delivery.client_id.as_ref().map(ClientId::as_str),
        attempts = delivery.attempts,
        reason,
        "a delivery has not arrived; it is tried again"
    );
    Ok(())
}

/// Removes a delivery that cannot be made, and says so where administrators look.
async fn give_up(
    app: &App,
    (kind, delivery): (&'static str, &Delivery),
    reason: &str,
) -> Result<(), Failure> {
    let now: UnixTime = app.now();
    let mut tx = app.store.begin().await?;
    if !outbox::remove(&mut tx, delivery).await? {
        return Ok(());
    }
    if kind == webhooks::KIND {
        webhooks::give_up(&mut tx, delivery).await?;
        tx.commit().await?;
        app.metrics.outbox_attempt(kind, "given_up");
        return Ok(());
    }
    let mut event = Event::failure("delivery.given_up", &Actor::System, now)
        .detail("kind", kind)
        .detail("attempts", delivery.attempts)
        .detail("reason", reason);
    if let Some(client) = &delivery.client_id {
        event = event.client(client);
    }
    let event = match kind {
        backchannel_logout::KIND => backchannel_logout::describe(event, &delivery.payload),
        mail::KIND => mail::describe(event, &delivery.payload),
        _ => event,
    };
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    app.metrics.outbox_attempt(kind, "given_up");
    tracing::warn!(kind, id = delivery.id, reason, "a delivery was given up");
    Ok(())
}

/// How long to wait after so many tries: doubling, and between half and the whole of that at
/// random, so that what failed together does not come back together. `jitter` is 0 to 255.
fn wait_after(attempts: i64, settings: &OutboxSettings, jitter: u8) -> Seconds {
    let doublings = u32::try_from(attempts.clamp(1, 20) - 1).unwrap_or(0);
    let whole = settings.first_retry.saturating_mul(1 << doublings).min(LONGEST_WAIT);
    let half = whole / 2;
    (half + (whole - half) * Seconds::from(jitter) / 255).max(1)
}

fn jitter() -> u8 {
    let [byte] = secret::random_bytes::<1>();
    byte
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wait_is_twice_the_one_before_up_to_an_hour() {
        let settings = OutboxSettings::default();
        let longest: Vec<_> = (1..=13).map(|n| wait_after(n, &settings, 255)).collect();
        assert_eq!(longest, [2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 3_600, 3_600]);
        assert_eq!(wait_after(i64::MAX, &settings, 255), LONGEST_WAIT);
    }

    #[test]
    fn a_place_goes_to_whoever_has_waited_for_one_longest() {
        let (loud, quiet) = (ClientId::new("loud"), ClientId::new("quiet"));
        let of = |id: &str, client: &ClientId| (id.to_owned(), Some(client.clone()));
        let due = [of("l1", &loud), of("q1", &quiet), of("l2", &loud)];
        let mut turns = Turns::default();
        let order = |turns: &Turns| {
            let mut due = due.clone();
            turns.order(&mut due);
            due.map(|(id, _)| id)
        };
        assert_eq!(turns.kinds(), KINDS);
        assert_eq!(order(&turns), ["l1", "q1", "l2"]);
        turns.take(KINDS[0], Some(&loud));
        assert_eq!(turns.kinds(), [KINDS[1], KINDS[2], KINDS[3], KINDS[4], KINDS[0]]);
        assert_eq!(order(&turns), ["q1", "l1", "l2"]);
        turns.take(KINDS[1], Some(&quiet));
        assert_eq!(turns.kinds(), [KINDS[2], KINDS[3], KINDS[4], KINDS[0], KINDS[1]]);
        assert_eq!(order(&turns), ["l1", "l2", "q1"]);
    }

    #[test]
    fn a_kind_that_could_not_be_looked_for_has_had_its_turn() {
        let mut turns = Turns::default();
        turns.pass(KINDS[0]);
        assert_eq!(turns.kinds(), [KINDS[1], KINDS[2], KINDS[3], KINDS[4], KINDS[0]]);
        turns.take(KINDS[1], None);
        turns.pass(KINDS[0]);
        assert_eq!(turns.kinds(), [KINDS[2], KINDS[3], KINDS[4], KINDS[1], KINDS[0]]);
    }

    #[test]
    fn chance_takes_off_up_to_half_and_never_makes_a_wait_vanish() {
        let settings = OutboxSettings::default();
        assert_eq!(wait_after(5, &settings, 0), 16);
        let hasty = OutboxSettings { first_retry: 1, ..settings };
        assert_eq!(wait_after(1, &hasty, 0), 1);
        for jitter in 0..=255 {
            assert!((16..=32).contains(&wait_after(5, &OutboxSettings::default(), jitter)));
        }
    }
}
