//! What people and apps do meanwhile, on whichever node they happen to reach.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{RwLock, RwLockWriteGuard};

use crate::devices::{Helpers, SETTLER};
use crate::flow::{
    Answer, App, PASSWORD, SESSION_COOKIE, Tokens, create_user, http_client, try_get, try_submit,
};
use crate::history::{Counts, Ended, History, Lineage, Whose};
use crate::more::{GIVER, KEEPER, WANDERER};
use crate::rig::{Commands, PATIENCE, Rig};
use crate::single_use::Prover;
use crate::support::browser_like::{Browser, Page};
use crate::support::process::wait_until_async;

/// People who come and go. One of them is disabled again and again.
const VISITORS: [&str; 3] = ["alice", "bob", "carol"];
const DISABLED: &str = "mallory";

/// No answer, or one that asks to try again. What was asked for may have been done or not.
pub struct Refused;

pub type Outcome<T> = Result<T, Refused>;

/// What is said of something that may have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    Counts,
    Dead,
    /// Try again.
    Nothing,
}

/// Somebody who is signed in, and what proves it.
pub struct Guest {
    browser: Browser,
    tokens: Tokens,
    cookie: Option<String>,
    door: Option<String>,
}

/// The same app and people at both nodes.
pub struct Load {
    pub apps: [App; 2],
    asking: [App; 2],
    fragile: [App; 2],
    pub helpers: Helpers,
    pub prover: Prover,
    pub bases: [String; 2],
    /// Signed in before the first fault and never out.
    pub stayer: Browser,
    pub commands: Commands,
    pub http: reqwest::Client,
    history: Mutex<History>,
    /// Held by each step; see [`Load::still`].
    at_work: RwLock<()>,
    /// Somebody waits for that; what takes long comes to its end.
    pub hurry: AtomicBool,
    over: AtomicBool,
    asked: AtomicUsize,
}

/// What goes on at the same time.
#[derive(Clone, Copy, Debug)]
pub enum Lane {
    Exchange,
    GiveUp,
    Refresh,
    Revoke,
    Visit,
    Disable,
    Withdraw,
    LeaveEverywhere,
    SwitchOff,
    KeepCount,
    LetDeviceIn,
    Delegate,
    OfferRefreshToken,
    OfferProof,
    OfferPushed,
    LookAtTheLiving,
    LookAtTheEnded,
    /// Only where the previous refresh token has no grace.
    OfferWithoutGrace,
}

/// What goes on in every test.
pub const LANES: [Lane; 19] = [
    Lane::Exchange,
    Lane::GiveUp,
    Lane::Refresh,
    Lane::Refresh,
    Lane::Revoke,
    Lane::Visit,
    Lane::Disable,
    Lane::Withdraw,
    Lane::LeaveEverywhere,
    Lane::SwitchOff,
    Lane::KeepCount,
    Lane::LetDeviceIn,
    Lane::Delegate,
    Lane::OfferRefreshToken,
    Lane::OfferProof,
    Lane::OfferPushed,
    Lane::LookAtTheLiving,
    Lane::LookAtTheEnded,
    Lane::LookAtTheEnded,
];

impl Load {
    /// Registers the app, makes the people, and signs one of them in. The nodes are at these addresses.
    pub async fn start(rig: &Rig, bases: [String; 2]) -> Self {
        let others = [DISABLED, "stayer", GIVER, WANDERER, KEEPER, SETTLER];
        // At the same time: starting a command takes longer than what it does.
        tokio::task::block_in_place(|| {
            std::thread::scope(|scope| {
                for name in VISITORS.into_iter().chain(others) {
                    scope.spawn(|| create_user(&rig.world, name));
                }
            });
        });
        let app = App::register(&rig.world, "app", &[]);
        let asking = App::register(&rig.world, "asking", &[]);
        // Its tokens say nothing by themselves.
        let opaque = ["--ask-consent", "--revocation", "opaque"];
        rig.world.cli(&[&["client", "update", "asking"], &opaque[..]].concat());
        let fragile = App::register(&rig.world, "fragile", &[]);
        let at_both = |app: App| [0, 1].map(|side: usize| app.at_address(bases[side].clone()));
        let (apps, asking, fragile) = (at_both(app), at_both(asking), at_both(fragile));
        let helpers = Helpers::register(&rig.world, at_both);
        let prover = Prover::register(&rig.world);
        let stayer = Browser::new(&bases[0]);
        let (commands, history) = (rig.commands(), Mutex::default());
        let (over, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
        let (http, at_work) = (http_client(), RwLock::default());
        let hurry = AtomicBool::new(false);
        #[rustfmt::skip]
        let load = Self {
            apps, asking, fragile, helpers, prover, bases, stayer, commands, http, history, at_work, hurry,
            over, asked,
        };
        load.sign_in(&load.stayer, "stayer", || 0).await.ok().expect("the first sign-in");
        load
    }

    /// The apps' secrets, which no log may tell.
    pub fn secrets(&self) -> [&str; 6] {
        let Helpers { devices, fronts, services, .. } = &self.helpers;
        let all = [&self.apps, &self.asking, &self.fragile, devices, fronts, services];
        all.map(|apps| apps[0].secret.as_str())
    }

    /// An app at each node.
    pub fn apps_of(&self, whose: Whose) -> &[App; 2] {
        match whose {
            Whose::App => &self.apps,
            Whose::Asking => &self.asking,
            Whose::Fragile => &self.fragile,
            Whose::Device => &self.helpers.devices,
            Whose::Service => &self.helpers.services,
        }
    }

    /// What was noted so far.
    pub fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How much was acknowledged so far.
    pub fn counts(&self) -> Counts {
        self.history().counts
    }

    /// Waits until more has happened, so that there is something to lose, however slow the machine is.
    pub async fn is_going_on(&self) {
        let before = self.counts();
        wait_until_async("people and apps going on", PATIENCE, async || {
            let now = self.counts();
            now.sign_outs > before.sign_outs
                && now.refreshes > before.refreshes
                && now.revocations > before.revocations
                && now.kept > before.kept
        })
        .await;
    }

    /// Enough happened for the faults to have had something to hit.
    pub fn assert_enough_happened(&self) {
        let counts = self.counts();
        eprintln!("{counts:?}");
        assert!(counts.sign_outs >= 5 && counts.revocations >= 10, "too little load: {counts:?}");
        assert!(counts.exchanges >= 10 && counts.refreshes >= 10, "too little load: {counts:?}");
        assert!(counts.withdrawn >= 1 && counts.everywhere >= 1, "too little load: {counts:?}");
        assert!(counts.switched_off >= 1 && counts.kept >= 10, "too little load: {counts:?}");
        assert!(counts.disabled >= 1 && counts.looks >= 50, "too little load: {counts:?}");
        assert!(counts.devices >= 2 && counts.exchanged >= 2, "too little load: {counts:?}");
        assert!(counts.given_up >= 10, "too little load: {counts:?}");
        assert!(counts.offered >= 5 && counts.reused >= 1, "too little load: {counts:?}");
        assert!(counts.proofs >= 3 && counts.pushed >= 3, "too little load: {counts:?}");
        assert!(counts.again >= 3, "too little load: {counts:?}");
        assert!(counts.early_looks >= 20, "nobody looked early: {counts:?}");
    }

    /// Lets every lane come to an end.
    pub fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    /// Waits until nothing is under way, and lets nothing begin as long as the guard is held.
    pub async fn still(&self) -> RwLockWriteGuard<'_, ()> {
        self.hurry.store(true, Ordering::SeqCst);
        let still = self.at_work.write().await;
        self.hurry.store(false, Ordering::SeqCst);
        still
    }

    /// Goes on until [`end`](Self::end).
    pub async fn run(&self, lane: Lane) {
        while !self.over.load(Ordering::SeqCst) {
            let at_work = self.at_work.read().await;
            let step = match lane {
                Lane::Exchange => self.exchange().await,
                Lane::GiveUp => self.give_up().await,
                Lane::Refresh => self.refresh().await,
                Lane::Revoke => self.revoke().await,
                Lane::Visit => self.visit().await,
                Lane::Disable => self.disable().await,
                Lane::Withdraw => self.withdraw().await,
                Lane::LeaveEverywhere => self.leave_everywhere().await,
                Lane::SwitchOff => self.switch_off().await,
                Lane::KeepCount => self.keep_count().await,
                Lane::LetDeviceIn => self.let_device_in().await,
                Lane::Delegate => self.delegate().await,
                Lane::OfferRefreshToken => self.offer_refresh_token().await,
                Lane::OfferProof => self.offer_proof().await,
                Lane::OfferPushed => self.offer_pushed().await,
                Lane::OfferWithoutGrace => self.offer_without_grace().await,
                Lane::LookAtTheLiving => self.look_at_the_living().await,
                Lane::LookAtTheEnded => self.look_at_the_ended().await,
            };
            if step.is_err() {
                self.history().counts.refused += 1;
            }
            drop(at_work);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// One node after the other, as a proxy without sticky sessions would choose.
    pub fn side(&self) -> usize {
        self.asked.fetch_add(1, Ordering::SeqCst) % 2
    }

    async fn exchange(&self) -> Outcome<()> {
        if self.history().is_full() {
            return Ok(());
        }
        self.exchange_at([self.side(), self.side()]).await.map(drop)
    }

    /// Gets a code at one node and redeems it at the other; whether that gave tokens.
    pub async fn exchange_at(&self, sides: [usize; 2]) -> Outcome<bool> {
        let code = self.code(&self.stayer, sides[0]).await?;
        let outcome = settled(self.apps[sides[1]].try_redeem(&code).await);
        let mut history = self.history();
        match outcome {
            Ok(answer) if answer.status == 200 => {
                history.counts.exchanges += 1;
                history.redeemed.push(code);
                history.lives(Lineage::new(answer.tokens()));
                Ok(true)
            }
            // Redis may have lost it on the way: it never gives anything then.
            Ok(answer) => {
                answer.assert_error(400, "invalid_grant");
                history.counts.forgotten += 1;
                history.unanswered.push(code);
                Ok(false)
            }
            Err(Refused) => {
                history.unanswered.push(code);
                Err(Refused)
            }
        }
    }

    /// Redeems a code and goes away before it is answered, each time at another moment: what others are told
    /// meanwhile must not go with what nobody waits for any more.
    async fn give_up(&self) -> Outcome<()> {
        if self.history().is_full() {
            return Ok(());
        }
        let code = self.code(&self.stayer, self.side()).await?;
        let patience =
            Duration::from_micros(300 + self.asked.load(Ordering::SeqCst) as u64 % 23 * 200);
        let redeemed = self.apps[self.side()].try_redeem(&code);
        let answered = tokio::time::timeout(patience, redeemed).await.is_ok();
        let mut history = self.history();
        history.unanswered.push(code);
        history.counts.given_up += usize::from(!answered);
        Ok(())
    }

    /// A code for a browser that is signed in, from this node.
    async fn code(&self, browser: &Browser, side: usize) -> Outcome<String> {
        let address = self.apps[side].authorize_path(&[]);
        let page = answered(try_get(browser, &address).await)?;
        if page.location_parameter("error").as_deref() == Some("temporarily_unavailable") {
            return Err(Refused);
        }
        let code = page.location_parameter("code");
        Ok(code.unwrap_or_else(|| {
            panic!("somebody who is signed in gets no code: {}", page.describe())
        }))
    }

    /// Whatever happens to the answer, the same token works until its successor has arrived.
    async fn refresh(&self) -> Outcome<()> {
        let Some(lineage) = self.history().take() else { return Ok(()) };
        let began = Instant::now();
        loop {
            let answer = settled(self.apps[self.side()].try_refresh(&lineage.tokens.refresh).await);
            if let Ok(answer) = answer {
                // The grace for a token whose successor was lost on the way is a minute.
                let is_late = began.elapsed() > Duration::from_secs(55);
                assert!(
                    answer.status == 200 || is_late,
                    "an acknowledged token was lost: {answer:?}"
                );
                if answer.status == 200 {
                    let mut history = self.history();
                    history.counts.refreshes += 1;
                    history.lives(Lineage::new(answer.tokens()));
                }
                return Ok(());
            }
            self.history().counts.refused += 1;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn revoke(&self) -> Outcome<()> {
        tokio::time::sleep(Duration::from_millis(60)).await;
        self.revoke_at(self.side()).await.map(drop)
    }

    /// Revokes a lineage at this node, if there is one; whether there was.
    pub async fn revoke_at(&self, side: usize) -> Outcome<bool> {
        let Some(lineage) = self.history().take() else { return Ok(false) };
        let fields = [("token", lineage.tokens.refresh.as_str())];
        let answer = settled(self.apps[side].try_post("/oauth2/revoke", &fields).await)?;
        assert_eq!(answer.status, 200, "{answer:?}");
        let ended = Ended::new(lineage.tokens, "revoking");
        self.history().counts.revocations += 1;
        self.is_over(vec![ended]).await;
        Ok(true)
    }

    /// Somebody signs in, and out again most times.
    async fn visit(&self) -> Outcome<()> {
        if self.counts().sign_ins.is_multiple_of(4) {
            let browser = Browser::new(&self.bases[self.side()]);
            self.sign_in(&browser, self.visitor(), || self.side()).await?;
            self.history().stays(browser);
            return Ok(());
        }
        self.come_and_go(|| self.side()).await
    }

    fn visitor(&self) -> &'static str {
        VISITORS[(self.counts().sign_ins + self.side() + self.side()) % VISITORS.len()]
    }

    /// Somebody signs in and out, at the nodes that this gives one after the other.
    pub async fn come_and_go(&self, at: impl Fn() -> usize + Copy) -> Outcome<()> {
        let guest = self.arrive(at).await?;
        self.leave(&guest, at).await
    }

    /// Somebody signs in, to an app and at the gateway, too.
    pub async fn arrive(&self, at: impl Fn() -> usize + Copy) -> Outcome<Guest> {
        let browser = Browser::new(&self.bases[at()]);
        self.sign_in(&browser, self.visitor(), at).await?;
        let tokens = self.tokens(&browser, at).await?;
        let door = self.enter(&browser, at).await?;
        if let Some(door) = &door {
            let said = self.said_at_the_door(door, at()).await;
            assert_ne!(said, Said::Dead, "an acknowledged cookie for the gateway was lost");
        }
        Ok(Guest { cookie: browser.cookie(SESSION_COOKIE), browser, tokens, door })
    }

    /// They sign out.
    pub async fn leave(&self, guest: &Guest, at: impl Fn() -> usize) -> Outcome<()> {
        let browser = &guest.browser;
        let page = answered(try_get(browser, &format!("{}/logout", self.bases[at()])).await)?;
        // One of before, without an answer, may have done it.
        if page.has_form("sign-out") {
            let form = page.form("sign-out").press("decision", "logout");
            let left = answered(try_submit(browser, form).await)?;
            assert!(left.status.as_u16() < 400, "{}", left.describe());
        }
        let Guest { tokens, cookie, door, .. } = guest;
        let ended = Ended::new(tokens.clone(), "signing out").cookie(cookie.clone());
        self.history().counts.sign_outs += 1;
        self.is_over(vec![ended.door(door.clone())]).await;
        Ok(())
    }

    pub async fn sign_in(
        &self,
        browser: &Browser,
        name: &str,
        at: impl Fn() -> usize + Copy,
    ) -> Outcome<()> {
        let address = format!("{}/login", self.bases[at()]);
        let page = answered(try_get(browser, &address).await)?;
        let form = page.form("sign-in").set("username", name).set("password", PASSWORD);
        let answer = answered(try_submit(browser, form).await)?;
        match answer.status.as_u16() {
            303 => self.history().counts.sign_ins += 1,
            // Just enabled again, and one node has not heard of it; or throttled for a moment.
            200 | 400 | 401 | 429 if name == DISABLED => return Err(Refused),
            429 => return Err(Refused),
            // An ending of everything that was never answered has come between.
            401 if [WANDERER, SETTLER].contains(&name) => return Err(Refused),
            _ => panic!("a sign-in was refused: {}", answer.describe()),
        }
        Ok(())
    }

    pub async fn tokens(
        &self,
        browser: &Browser,
        at: impl Fn() -> usize + Copy,
    ) -> Outcome<Tokens> {
        let code = self.code(browser, at()).await?;
        let answer = settled(self.apps[at()].try_redeem(&code).await)?;
        if answer.error().as_deref() == Some("invalid_grant") {
            self.history().counts.forgotten += 1;
            return Err(Refused);
        }
        Ok(answer.tokens())
    }

    /// An administrator disables somebody at the command line, and lets them in again.
    async fn disable(&self) -> Outcome<()> {
        tokio::time::sleep(Duration::from_millis(400)).await;
        let browser = Browser::new(&self.bases[self.side()]);
        let at = || self.side();
        self.sign_in(&browser, DISABLED, at).await?;
        let tokens = self.tokens(&browser, at).await?;
        let door = self.enter(&browser, at).await?;
        let is_done = self.commands.run(&["user", "disable", DISABLED]).await;
        if is_done {
            let cookie = browser.cookie(SESSION_COOKIE);
            let ended = Ended::new(tokens, "disabling").cookie(cookie).door(door);
            self.history().counts.disabled += 1;
            self.is_over(vec![ended]).await;
        }
        while !self.commands.run(&["user", "enable", DISABLED]).await {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        if is_done { Ok(()) } else { Err(Refused) }
    }
}

/// A page, unless none came or it asks to try again.
pub fn answered(page: reqwest::Result<Page>) -> Outcome<Page> {
    let page = page.map_err(|error| gone(&error))?;
    match page.status.as_u16() {
        503 => Err(Refused),
        status => {
            assert!(status < 500, "{}", page.describe());
            Ok(page)
        }
    }
}

/// An answer for a program, unless none came or it asks to try again.
pub fn settled(answer: reqwest::Result<Answer>) -> Outcome<Answer> {
    let answer = answer.map_err(|error| gone(&error))?;
    assert!(answer.status < 500 || answer.status == 503, "{answer:?}");
    if answer.status == 503 { Err(Refused) } else { Ok(answer) }
}

fn gone(error: &reqwest::Error) -> Refused {
    assert!(!error.is_timeout(), "no answer within the limit: {error:?}");
    Refused
}
