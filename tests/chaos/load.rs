//! What people and apps do meanwhile, on whichever node they happen to reach.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::flow::{
    Answer, App, PASSWORD, SESSION_COOKIE, Tokens, create_user, http_client, try_get, try_submit,
};
use crate::history::{Counts, Ended, HEARD, History, Lineage, Whose};
use crate::more::{GIVER, KEEPER, WANDERER};
use crate::rig::{Commands, Rig};
use crate::support::browser_like::{Browser, Page};

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

/// The same app and people at both nodes.
pub struct Load {
    apps: [App; 2],
    asking: [App; 2],
    fragile: [App; 2],
    pub bases: [String; 2],
    /// Signed in before the first fault and never out.
    pub stayer: Browser,
    pub commands: Commands,
    pub http: reqwest::Client,
    history: Mutex<History>,
    over: AtomicBool,
    asked: AtomicUsize,
}

/// What goes on at the same time.
#[derive(Clone, Copy, Debug)]
pub enum Lane {
    Exchange,
    Refresh,
    Revoke,
    Visit,
    Disable,
    Withdraw,
    LeaveEverywhere,
    SwitchOff,
    KeepCount,
    LookAtTheLiving,
    LookAtTheEnded,
}

impl Load {
    /// Registers the app, makes the people, and signs one of them in.
    pub async fn start(rig: &Rig) -> Self {
        for name in VISITORS.iter().chain([&DISABLED, &"stayer", &GIVER, &WANDERER, &KEEPER]) {
            create_user(&rig.world, name);
        }
        let app = App::register(&rig.world, "app", &[]);
        let bases = [rig.nodes[0].base(), rig.nodes[1].base()];
        let asking = App::register(&rig.world, "asking", &[]);
        rig.world.cli(&["client", "update", "asking", "--ask-consent"]);
        let fragile = App::register(&rig.world, "fragile", &[]);
        let at_both = |app: App| [0, 1].map(|side: usize| app.at_address(bases[side].clone()));
        let (apps, asking, fragile) = (at_both(app), at_both(asking), at_both(fragile));
        let stayer = Browser::new(&bases[0]);
        let (commands, history) = (rig.commands(), Mutex::default());
        let (over, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
        let http = http_client();
        let load =
            Self { apps, asking, fragile, bases, stayer, commands, http, history, over, asked };
        load.sign_in(&load.stayer, "stayer").await.ok().expect("the first sign-in");
        load
    }

    /// The apps' secrets, which no log may tell.
    pub fn secrets(&self) -> [&str; 3] {
        [&self.apps, &self.asking, &self.fragile].map(|apps| apps[0].secret.as_str())
    }

    /// An app at each node.
    pub fn apps_of(&self, whose: Whose) -> &[App; 2] {
        match whose {
            Whose::App => &self.apps,
            Whose::Asking => &self.asking,
            Whose::Fragile => &self.fragile,
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

    /// Lets every lane come to an end.
    pub fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    /// Goes on until [`end`](Self::end).
    pub async fn run(&self, lane: Lane) {
        while !self.over.load(Ordering::SeqCst) {
            let step = match lane {
                Lane::Exchange => self.exchange().await,
                Lane::Refresh => self.refresh().await,
                Lane::Revoke => self.revoke().await,
                Lane::Visit => self.visit().await,
                Lane::Disable => self.disable().await,
                Lane::Withdraw => self.withdraw().await,
                Lane::LeaveEverywhere => self.leave_everywhere().await,
                Lane::SwitchOff => self.switch_off().await,
                Lane::KeepCount => self.keep_count().await,
                Lane::LookAtTheLiving => self.look_at_the_living().await,
                Lane::LookAtTheEnded => self.look_at_the_ended().await,
            };
            if step.is_err() {
                self.history().counts.refused += 1;
            }
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
        let code = self.code(&self.stayer).await?;
        let outcome = settled(self.apps[self.side()].try_redeem(&code).await);
        let mut history = self.history();
        match outcome {
            Ok(answer) if answer.status == 200 => {
                history.counts.exchanges += 1;
                history.redeemed.push(code);
                history.lives(Lineage::new(answer.tokens()));
            }
            // Redis may have lost it on the way: it never gives anything then.
            Ok(answer) => {
                answer.assert_error(400, "invalid_grant");
                history.counts.forgotten += 1;
                history.unanswered.push(code);
            }
            Err(Refused) => {
                history.unanswered.push(code);
                return Err(Refused);
            }
        }
        Ok(())
    }

    /// A code for a browser that is signed in.
    async fn code(&self, browser: &Browser) -> Outcome<String> {
        let address = self.apps[self.side()].authorize_path(&[]);
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
        let Some(lineage) = self.history().take() else { return Ok(()) };
        let fields = [("token", lineage.tokens.refresh.as_str())];
        let answer = settled(self.apps[self.side()].try_post("/oauth2/revoke", &fields).await)?;
        assert_eq!(answer.status, 200, "{answer:?}");
        let mut history = self.history();
        history.counts.revocations += 1;
        history.ends(Ended::new(lineage.tokens, "revoking"));
        Ok(())
    }

    async fn visit(&self) -> Outcome<()> {
        let number = self.side() + self.side();
        let name = VISITORS[(self.counts().sign_ins + number) % VISITORS.len()];
        let browser = Browser::new(&self.bases[self.side()]);
        self.sign_in(&browser, name).await?;
        let tokens = self.tokens(&browser).await?;
        if self.counts().sign_ins.is_multiple_of(4) {
            self.history().stays(browser);
            return Ok(());
        }
        let (cookie, door) = (browser.cookie(SESSION_COOKIE), self.enter(&browser).await?);
        if let Some(door) = &door {
            let said = self.said_at_the_door(door, self.side()).await;
            assert_ne!(said, Said::Dead, "an acknowledged cookie for the gateway was lost");
        }
        let address = format!("{}/logout", self.bases[self.side()]);
        let page = answered(try_get(&browser, &address).await)?;
        let form = page.form("sign-out").press("decision", "logout");
        let left = answered(try_submit(&browser, form).await)?;
        assert!(left.status.as_u16() < 400, "{}", left.describe());
        let mut history = self.history();
        history.counts.sign_outs += 1;
        history.ends(Ended::new(tokens, "signing out").cookie(cookie).door(door));
        Ok(())
    }

    pub async fn sign_in(&self, browser: &Browser, name: &str) -> Outcome<()> {
        let address = format!("{}/login", self.bases[self.side()]);
        let page = answered(try_get(browser, &address).await)?;
        let form = page.form("sign-in").set("username", name).set("password", PASSWORD);
        let answer = answered(try_submit(browser, form).await)?;
        match answer.status.as_u16() {
            303 => self.history().counts.sign_ins += 1,
            // Just enabled again, and one node has not heard of it; or throttled for a moment.
            200 | 400 | 401 | 429 if name == DISABLED => return Err(Refused),
            429 => return Err(Refused),
            // A sign-out everywhere that was never answered has come between.
            401 if name == WANDERER => return Err(Refused),
            _ => panic!("a sign-in was refused: {}", answer.describe()),
        }
        Ok(())
    }

    pub async fn tokens(&self, browser: &Browser) -> Outcome<Tokens> {
        let code = self.code(browser).await?;
        let answer = settled(self.apps[self.side()].try_redeem(&code).await)?;
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
        self.sign_in(&browser, DISABLED).await?;
        let tokens = self.tokens(&browser).await?;
        let door = self.enter(&browser).await?;
        let is_done = self.commands.run(&["user", "disable", DISABLED]).await;
        if is_done {
            let mut history = self.history();
            history.counts.disabled += 1;
            let cookie = browser.cookie(SESSION_COOKIE);
            history.ends(Ended::new(tokens, "disabling").cookie(cookie).door(door));
        }
        while !self.commands.run(&["user", "enable", DISABLED]).await {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        if is_done { Ok(()) } else { Err(Refused) }
    }

    /// What was acknowledged is there, whichever node is asked.
    async fn look_at_the_living(&self) -> Outcome<()> {
        let session = self.history().some_session();
        for browser in session.iter().chain([&self.stayer]) {
            let said = self.said_of_cookie(browser, self.side()).await;
            assert_ne!(said, Said::Dead, "an acknowledged sign-in was lost");
        }
        let Some(lineage) = self.history().take() else { return Ok(()) };
        let said = self.said_of(Whose::App, &lineage.tokens.access, self.side()).await;
        let is_lost = said == Said::Dead && lineage.is_fresh();
        assert!(!is_lost, "an acknowledged access token was lost");
        self.history().lives(lineage);
        if said == Said::Nothing { Err(Refused) } else { Ok(()) }
    }

    /// Whoever left is out, whichever node is asked; and so is whoever was never in.
    async fn look_at_the_ended(&self) -> Outcome<()> {
        let side = self.side();
        assert_ne!(
            self.said_of(Whose::App, "a.forged.token", side).await,
            Said::Counts,
            "a guess was let in"
        );
        let forged = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let stranger = self.browser_with(forged);
        assert_ne!(self.said_of_cookie(&stranger, side).await, Said::Counts, "a stranger is in");
        assert_ne!(self.said_at_the_door(forged, side).await, Said::Counts, "a stranger is let in");
        let Some(ended) = self.history().some_ended() else { return Ok(()) };
        for side in [side, 1 - side] {
            self.look_at(&ended, side).await;
        }
        Ok(())
    }

    async fn look_at(&self, ended: &Ended, side: usize) {
        let asked = ended.at.elapsed();
        let access = &ended.tokens.access;
        let mut counts = self.said_of(ended.whose, access, side).await == Said::Counts;
        if let Some(cookie) = &ended.cookie {
            let browser = self.browser_with(cookie);
            counts |= self.said_of_cookie(&browser, side).await == Said::Counts;
        }
        if let Some(door) = &ended.door {
            counts |= self.said_at_the_door(door, side).await == Said::Counts;
        }
        if ended.has_count {
            counts |= self.has_count(access, side).await;
        }
        assert!(!counts || asked < HEARD, "{asked:?} after {} it counts at node {side}", ended.by);
        let mut history = self.history();
        if counts {
            history.latest = history.latest.max(asked);
        }
    }

    fn browser_with(&self, cookie: &str) -> Browser {
        let browser = Browser::new(&self.bases[0]);
        browser.plant_cookie(SESSION_COOKIE, cookie);
        browser
    }

    /// What userinfo and introspection say of an access token. Either word counts for it.
    async fn said_of(&self, whose: Whose, access: &str, side: usize) -> Said {
        self.history().counts.looks += 1;
        let userinfo = match settled(self.apps[side].try_userinfo(access).await) {
            Err(Refused) => Said::Nothing,
            Ok(answer) if answer.status == 200 => return Said::Counts,
            Ok(answer) => {
                assert_eq!(answer.status, 401, "{answer:?}");
                Said::Dead
            }
        };
        if whose == Whose::Fragile {
            // A program that is switched off is told nothing.
            return userinfo;
        }
        let fields = [("token", access)];
        let app = &self.apps_of(whose)[side];
        match settled(app.try_post("/oauth2/introspect", &fields).await) {
            Err(Refused) => userinfo,
            Ok(answer) if answer.json()["active"] == true => Said::Counts,
            Ok(answer) => {
                assert_eq!(answer.text, r#"{"active":false}"#, "{answer:?}");
                Said::Dead
            }
        }
    }

    pub async fn said_of_cookie(&self, browser: &Browser, side: usize) -> Said {
        self.history().counts.looks += 1;
        let address = format!("{}/account", self.bases[side]);
        match answered(try_get(browser, &address).await) {
            Err(Refused) => Said::Nothing,
            Ok(page) if page.status == 200 => Said::Counts,
            Ok(page) => {
                assert_eq!(page.status.as_u16(), 303, "{}", page.describe());
                Said::Dead
            }
        }
    }

    /// With everything running again: all that was acknowledged is so on both nodes.
    pub async fn hold_to_it(&self) {
        let sessions: Vec<_> = (0..10).filter_map(|_| self.history().some_session()).collect();
        let ended = self.history().newest_ended();
        for side in [0, 1] {
            for browser in sessions.iter().chain([&self.stayer]) {
                assert_eq!(
                    self.said_of_cookie(browser, side).await,
                    Said::Counts,
                    "a lost sign-in"
                );
            }
            for ended in &ended {
                self.look_at(ended, side).await;
                let app = &self.apps_of(ended.whose)[side];
                let answer = app.refresh(&ended.tokens.refresh).await;
                answer.assert_error(400, "invalid_grant");
            }
        }
        for _ in 0..20 {
            let Some(lineage) = self.history().take() else { break };
            let answer = self.apps[self.side()].refresh(&lineage.tokens.refresh).await;
            let next = answer.tokens();
            let said = self.said_of(Whose::App, &next.access, self.side()).await;
            assert_eq!(said, Said::Counts);
            self.history().lives(Lineage::new(next));
        }
    }

    /// Nothing is spent twice: a code that gave tokens gives none again, and one whose redemption was
    /// not answered gives them once at most. `grants` counts the rows.
    pub async fn spend_again(&self, grants: impl AsyncFn() -> i64) {
        let redeemed = std::mem::take(&mut self.history().redeemed);
        for code in redeemed.iter().rev().take(10) {
            for app in &self.apps {
                app.redeem(code).await.assert_error(400, "invalid_grant");
            }
        }
        let unanswered = std::mem::take(&mut self.history().unanswered);
        for code in unanswered.iter().rev().take(40) {
            let before = grants().await;
            let (one, two) = tokio::join!(self.apps[0].redeem(code), self.apps[1].redeem(code));
            let good = i64::from(one.status == 200) + i64::from(two.status == 200);
            // If the answer that was lost had given tokens, their grant was there before.
            assert!(good <= 1 && grants().await == before + good, "spent twice: {one:?} {two:?}");
        }
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
