//! What the nodes acknowledged, and so may be held to.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::flow::Tokens;
use crate::support::browser_like::Browser;

/// An access token lives for ten minutes. Whether one that is nearly over counts proves nothing.
const FRESH: Duration = Duration::from_mins(8);
/// What is remembered of a kind.
const MOST: usize = 80;

/// Tokens that must work.
pub struct Lineage {
    pub tokens: Tokens,
    /// When the access token was issued.
    pub since: Instant,
}

/// Which app has tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    App,
    /// One that people are asked about.
    Asking,
    /// One that is disabled again and again.
    Fragile,
    /// A device without a browser.
    Device,
    /// A service that exchanges what an app sends it.
    Service,
}

/// Something that was ended, which must never count again.
pub struct Ended {
    pub tokens: Tokens,
    pub whose: Whose,
    /// The session's cookie, if that ended too.
    pub cookie: Option<String>,
    /// Its cookie for the gateway.
    pub door: Option<String>,
    /// Whether a program kept a count beside it.
    pub has_count: bool,
    /// When this was acknowledged.
    pub at: Instant,
    /// What ended it.
    pub by: &'static str,
}

impl Ended {
    /// Tokens whose end was acknowledged just now.
    pub fn new(tokens: Tokens, by: &'static str) -> Self {
        let (whose, at) = (Whose::App, Instant::now());
        Self { tokens, whose, cookie: None, door: None, has_count: false, at, by }
    }

    pub fn of(self, whose: Whose) -> Self {
        Self { whose, ..self }
    }

    pub fn cookie(self, cookie: Option<String>) -> Self {
        Self { cookie, ..self }
    }

    pub fn door(self, door: Option<String>) -> Self {
        Self { door, ..self }
    }

    pub fn with_count(self) -> Self {
        Self { has_count: true, ..self }
    }
}

/// What is good once.
#[derive(Clone, Debug)]
pub enum Good {
    /// A client assertion.
    Proof(String),
    /// The name of a pushed request.
    Pushed(String),
}

/// Something that is good once, and how often it was.
#[derive(Debug)]
pub struct Once {
    pub good: Good,
    /// A different one for each.
    pub number: usize,
    /// How often a node has said that it counts.
    pub gave: usize,
    /// How often it was offered to both nodes.
    pub offers: usize,
    /// When it was made.
    pub since: Instant,
    /// When it last counted; as long as it never did, when it was made.
    pub at: Instant,
}

impl Once {
    /// One that was never offered.
    pub fn new(good: Good, number: usize) -> Self {
        let now = Instant::now();
        Self { good, number, gave: 0, offers: 0, since: now, at: now }
    }
}

/// How often something was acknowledged.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub sign_ins: usize,
    pub exchanges: usize,
    pub refreshes: usize,
    pub revocations: usize,
    pub sign_outs: usize,
    pub disabled: usize,
    pub withdrawn: usize,
    pub everywhere: usize,
    /// Devices whose end was acknowledged.
    pub devices: usize,
    /// Exchanged tokens whose origin was ended.
    pub exchanged: usize,
    /// Apps.
    pub switched_off: usize,
    /// Counts beside a session.
    pub kept: usize,
    /// Answers that asked to try again, or never came.
    pub refused: usize,
    /// Redemptions that nobody waited for to the end.
    pub given_up: usize,
    /// Codes that Redis forgot before they were redeemed.
    pub forgotten: usize,
    /// Refresh tokens that were offered to both nodes at once until each had answered.
    pub offered: usize,
    /// Families that ended because one of their old refresh tokens was.
    pub reused: usize,
    /// Client assertions that counted.
    pub proofs: usize,
    /// Pushed requests that gave a code.
    pub pushed: usize,
    /// Of both, those that were offered again, and both nodes answered.
    pub again: usize,
    /// Offers to both nodes of which one was not answered, and may have counted.
    pub maybe: usize,
    /// Answers about what lives and what has ended.
    pub looks: usize,
    /// Looks at what had ended a moment before.
    pub early_looks: usize,
}

/// All of it.
#[derive(Default)]
pub struct History {
    /// Lineages that nobody works on at the moment.
    alive: Vec<Lineage>,
    ended: Vec<Arc<Ended>>,
    /// Browsers that must be signed in, and since when.
    sessions: Vec<(Browser, Instant)>,
    /// Codes that gave tokens.
    pub redeemed: Vec<String>,
    /// Codes whose redemption was not answered.
    pub unanswered: Vec<String>,
    /// What is good once and was offered.
    once: Vec<Once>,
    pub counts: Counts,
    turn: usize,
}

/// A moment with nothing under way, which the database may fall back to.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    at: Instant,
    redeemed: usize,
    unanswered: usize,
}

impl Lineage {
    pub fn new(tokens: Tokens) -> Self {
        Self { tokens, since: Instant::now() }
    }

    /// Whether its access token has to count.
    pub fn is_fresh(&self) -> bool {
        self.since.elapsed() < FRESH
    }
}

impl History {
    /// Notes tokens that must work from now on.
    pub fn lives(&mut self, lineage: Lineage) {
        self.alive.push(lineage);
    }

    /// Whether there are enough lineages for now.
    pub fn is_full(&self) -> bool {
        self.alive.len() >= MOST
    }

    /// Takes a lineage, so that nobody else touches it meanwhile.
    pub fn take(&mut self) -> Option<Lineage> {
        let index = self.next(self.alive.len())?;
        Some(self.alive.swap_remove(index))
    }

    /// Notes an ending that was acknowledged just now.
    pub fn ends(&mut self, ended: Ended) -> Arc<Ended> {
        let ended = Arc::new(ended);
        self.ended.push(Arc::clone(&ended));
        if self.ended.len() > 4 * MOST {
            self.ended.drain(..MOST);
        }
        ended
    }

    /// One thing that has ended: mostly one of the newest, which a fault could have hidden, sometimes
    /// an older one, which it could have revived.
    pub fn some_ended(&mut self) -> Option<Arc<Ended>> {
        let newest = self.ended.len().saturating_sub(6);
        let index = match self.next(4)? {
            0 => self.next(self.ended.len())?,
            _ => newest + self.next(self.ended.len() - newest)?,
        };
        self.ended.get(index).map(Arc::clone)
    }

    /// The newest things that have ended.
    pub fn newest_ended(&self) -> Vec<Arc<Ended>> {
        self.ended.iter().rev().take(20).map(Arc::clone).collect()
    }

    /// Notes a browser that stays signed in.
    pub fn stays(&mut self, browser: Browser) {
        self.sessions.push((browser, Instant::now()));
        if self.sessions.len() > MOST / 4 {
            self.sessions.remove(0);
        }
    }

    /// A browser that must be signed in.
    pub fn some_session(&mut self) -> Option<Browser> {
        let index = self.next(self.sessions.len())?;
        self.sessions.get(index).map(|(browser, _)| browser.clone())
    }

    /// Remembers what was offered for as long as it could count once more.
    pub fn was_offered(&mut self, once: Once, lifetime: Duration) {
        self.once.push(once);
        self.once.retain(|once| once.since.elapsed() < lifetime);
        if self.once.len() > MOST {
            self.once.remove(0);
        }
    }

    /// Takes something that was offered, so that nobody else offers it meanwhile.
    pub fn take_once(&mut self) -> Option<Once> {
        let index = self.next(self.once.len())?;
        Some(self.once.swap_remove(index))
    }

    /// This moment.
    pub fn mark(&self) -> Mark {
        let (redeemed, unanswered) = (self.redeemed.len(), self.unanswered.len());
        Mark { at: Instant::now(), redeemed, unanswered }
    }

    /// The database was set back: what it acknowledged since the mark binds nobody. What it acknowledged
    /// before does.
    pub fn forget_since(&mut self, mark: Mark) {
        self.alive.retain(|lineage| lineage.since < mark.at);
        self.ended.retain(|ended| ended.at < mark.at);
        self.sessions.retain(|(_, since)| *since < mark.at);
        self.once.retain(|once| once.at < mark.at);
        self.redeemed.truncate(mark.redeemed);
        self.unanswered.truncate(mark.unanswered);
    }

    /// A different number below `count` each time; none when there is nothing to choose from.
    pub fn next(&mut self, count: usize) -> Option<usize> {
        self.turn = self.turn.wrapping_mul(25_214_903_917).wrapping_add(11);
        (count > 0).then(|| (self.turn >> 16) % count)
    }
}
