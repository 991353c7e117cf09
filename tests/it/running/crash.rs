//! The server is killed (kill -9) twenty times under mixed load. A ledger notes what the server
//! acknowledged; after every restart it is held to that: what it said is revoked is dead, what it
//! said is issued works, and no code is redeemed twice.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;

use crate::kit::flow::{
    App, PASSWORD, PATIENCE, SESSION_COOKIE, Tokens, claim, count, create_user, is_signed_in,
    sign_in, try_get, try_submit,
};
use crate::support::browser_like::Browser;
use crate::support::process::wait_until_async;
use crate::support::world::World;

const KILLS: u64 = 20;
/// Things of a kind looked at after each restart; all of them at the end would take minutes.
const LOOKS: usize = 6;

/// What the server has acknowledged.
#[derive(Default)]
struct Ledger {
    /// Lineages that must work.
    alive: Vec<Tokens>,
    /// Lineages that must be dead: access and refresh token.
    dead: Vec<Tokens>,
    /// Sessions that must be known.
    sessions: Vec<Browser>,
    /// Session cookies that must be unknown.
    dead_cookies: Vec<String>,
    /// Codes that were redeemed, with what they gave.
    redeemed: Vec<(String, Tokens)>,
    /// Codes whose redemption was never answered.
    unknown: Vec<String>,
    sign_ins: usize,
    exchanges: usize,
    refreshes: usize,
    revocations: usize,
    sign_outs: usize,
}

/// The server went away in the middle.
struct Gone;

impl From<reqwest::Error> for Gone {
    fn from(error: reqwest::Error) -> Self {
        assert!(!error.is_timeout(), "no answer within the limit: {error:?}");
        Self
    }
}

struct Load {
    app: App,
    issuer: String,
    /// Signed in before the first kill and never out.
    stayer: Browser,
    ledger: Mutex<Ledger>,
}

on_both_backends! {
    async fn a_server_killed_twenty_times_under_load_loses_nothing_it_acknowledged(
        backend: Backend
    ) {
        // A grace that outlasts a slow restart, so that an unanswered refresh can be repeated.
        let builder = World::builder(backend).env("DOORWARD_TOKENS__REFRESH_GRACE", "60");
        let mut world = builder.start().await;
        create_user(&world, "alice");
        let load = Load {
            app: App::register(&world, "app", &[]),
            issuer: world.issuer.clone(),
            stayer: sign_in(&world, "alice").await,
            ledger: Mutex::default(),
        };
        for kill in 0..KILLS {
            let lanes = join_all([
                Lane::Exchange, Lane::Exchange, Lane::Refresh, Lane::Refresh, Lane::Revoke,
                Lane::Visit, Lane::Visit,
            ].map(|lane| load.run(lane)));
            // Not before enough happened to lose something, however slow the machine is.
            let (signs, outs) = load.visits();
            let murder = async {
                wait_until_async("people signing in and out", PATIENCE, async || {
                    load.visits().0 > signs && load.visits().1 > outs
                })
                .await;
                tokio::time::sleep(Duration::from_millis(kill * 137 % 500)).await;
                world.kill9();
            };
            tokio::join!(lanes, murder);
            world.start_server().await;
            load.hold_to_it().await;
        }
        load.check_the_rows(&world).await;
        world.assert_log_is_clean(&[PASSWORD, &load.app.secret]);
    }

    async fn a_command_killed_half_way_leaves_no_half_made_person(world: World) {
        use std::io::Write as _;
        for number in 0..12_u64 {
            let (name, email) = (format!("p{number}"), format!("p{number}@example.test"));
            let mut command = world.command(&[
                "user", "create", "--username", &name, "--email", &email, "--group", &name,
                "--password-file", "-",
            ]);
            command.stdin(std::process::Stdio::piped());
            command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
            let mut child = command.spawn().unwrap();
            let mut stdin = child.stdin.take().unwrap();
            let _ = stdin.write_all(PASSWORD.as_bytes());
            drop(stdin);
            tokio::time::sleep(Duration::from_millis(20 + number * 20)).await;
            let _ = child.kill();
            child.wait().unwrap();
        }
        let people = count(&world, "select count(*) from users").await;
        let whole = "select count(*) from users u join passwords p on p.user_id = u.id \
                     join user_groups m on m.user_id = u.id \
                     join groups g on g.id = m.group_id where g.name = u.username";
        assert_eq!(count(&world, whole).await, people);
        // The database is free for the next command, and the server serves on.
        create_user(&world, "alice");
        sign_in(&world, "alice").await;
    }
}

#[derive(Clone, Copy)]
enum Lane {
    Exchange,
    Refresh,
    Revoke,
    /// A person signs in, uses the app, and signs out or stays.
    Visit,
}

impl Load {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sign-ins and sign-outs acknowledged so far: the slowest of what happens.
    fn visits(&self) -> (usize, usize) {
        let ledger = self.ledger();
        (ledger.sign_ins, ledger.sign_outs)
    }

    /// Goes on until the server is gone.
    async fn run(&self, lane: Lane) {
        loop {
            let step = match lane {
                Lane::Exchange => self.exchange().await,
                Lane::Refresh => self.refresh().await,
                Lane::Revoke => self.revoke().await,
                Lane::Visit => self.visit().await,
            };
            if step.is_err() {
                return;
            }
        }
    }

    /// One code, redeemed once.
    async fn exchange(&self) -> Result<(), Gone> {
        let page = try_get(&self.stayer, &self.app.authorize_path(&[])).await?;
        let code = page.location_parameter("code").unwrap_or_else(|| panic!("{}", page.describe()));
        self.ledger().unknown.push(code.clone());
        let tokens = self.app.try_redeem(&code).await?.tokens();
        let mut ledger = self.ledger();
        ledger.exchanges += 1;
        ledger.unknown.retain(|known| *known != code);
        ledger.alive.push(tokens.clone());
        ledger.redeemed.push((code, tokens));
        Ok(())
    }

    /// Takes a lineage for itself: no other lane touches it meanwhile.
    fn take_lineage(&self) -> Option<Tokens> {
        let mut ledger = self.ledger();
        if ledger.alive.is_empty() {
            return None;
        }
        let index = ledger.refreshes * 7 % ledger.alive.len();
        Some(ledger.alive.swap_remove(index))
    }

    async fn refresh(&self) -> Result<(), Gone> {
        let Some(lineage) = self.take_lineage() else { return self.pause().await };
        let answer = self.app.try_refresh(&lineage.refresh).await;
        let mut ledger = self.ledger();
        // Without an answer it may have rotated or not; the same token must work either way.
        let next = match answer {
            Ok(answer) => answer.tokens(),
            Err(error) => {
                ledger.alive.push(lineage);
                return Err(error.into());
            }
        };
        ledger.refreshes += 1;
        ledger.alive.push(next);
        Ok(())
    }

    async fn revoke(&self) -> Result<(), Gone> {
        self.pause().await?;
        let Some(lineage) = self.take_lineage() else { return Ok(()) };
        // Without an answer nothing is known of it, and it is forgotten.
        let answer = self.app.try_post("/oauth2/revoke", &[("token", &lineage.refresh)]).await?;
        assert_eq!(answer.status, 200, "{answer:?}");
        let mut ledger = self.ledger();
        ledger.revocations += 1;
        ledger.dead.push(lineage);
        Ok(())
    }

    async fn pause(&self) -> Result<(), Gone> {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Ok(())
    }

    async fn visit(&self) -> Result<(), Gone> {
        let browser = Browser::new(&self.issuer);
        let page = try_get(&browser, "/login").await?;
        let form = page.form("sign-in").set("username", "alice").set("password", PASSWORD);
        let answer = try_submit(&browser, form).await?;
        assert_eq!(answer.status.as_u16(), 303, "{}", answer.describe());
        self.ledger().sign_ins += 1;
        let page = try_get(&browser, &self.app.authorize_path(&[])).await?;
        let code = page.location_parameter("code").unwrap_or_else(|| panic!("{}", page.describe()));
        let tokens = self.app.try_redeem(&code).await?.tokens();
        if self.ledger().sign_ins.is_multiple_of(3) {
            self.ledger().sessions.push(browser);
            return Ok(());
        }
        let cookie = browser.cookie(SESSION_COOKIE).expect("a session cookie");
        let page = try_get(&browser, "/logout").await?;
        let form = page.form("sign-out").press("decision", "logout");
        let left = try_submit(&browser, form).await?;
        assert!(left.status.as_u16() < 400, "{}", left.describe());
        let mut ledger = self.ledger();
        ledger.sign_outs += 1;
        ledger.dead.push(tokens);
        ledger.dead_cookies.push(cookie);
        Ok(())
    }

    /// Holds the restarted server to what it acknowledged: the newest of each kind, which the kill
    /// could have taken, and a few old ones, which a restart could have revived.
    async fn hold_to_it(&self) {
        assert!(is_signed_in(&self.stayer).await, "the first session was lost");
        for tokens in self.some(|ledger| &ledger.dead) {
            self.app.assert_dead(&tokens).await;
        }
        for browser in self.some(|ledger| &ledger.sessions) {
            assert!(is_signed_in(&browser).await, "an acknowledged sign-in was lost");
        }
        for cookie in self.some(|ledger| &ledger.dead_cookies) {
            let browser = Browser::new(&self.issuer);
            browser.plant_cookie(SESSION_COOKIE, &cookie);
            assert!(!is_signed_in(&browser).await, "an ended session came back");
        }
        self.check_the_living().await;
        self.check_the_codes().await;
    }

    fn some<T: Clone>(&self, pick: impl Fn(&Ledger) -> &Vec<T>) -> Vec<T> {
        let ledger = self.ledger();
        let all = pick(&ledger);
        let newest = all.iter().rev().take(LOOKS);
        let older = all.iter().rev().skip(LOOKS).step_by(all.len() / LOOKS + 1);
        newest.chain(older).cloned().collect()
    }

    async fn check_the_living(&self) {
        for _ in 0..LOOKS {
            let Some(newest) = self.ledger().alive.pop() else { return };
            self.app.assert_alive(&newest).await;
            let next = self.app.refresh(&newest.refresh).await;
            assert_eq!(next.status, 200, "an acknowledged rotation was lost: {next:?}");
            self.ledger().alive.insert(0, next.tokens());
        }
    }

    /// A code gives tokens at most once, whether or not the first answer arrived. Trying again
    /// kills the lineage, so it is moved to the dead.
    async fn check_the_codes(&self) {
        let newest = self.ledger().redeemed.pop();
        if let Some((code, first)) = newest {
            let again = self.app.redeem(&code).await;
            again.assert_error(400, "invalid_grant");
            self.ledger().alive.retain(|known| !same_lineage(known, &first));
        }
        let unknown = std::mem::take(&mut self.ledger().unknown);
        for code in unknown {
            let answers = [self.app.redeem(&code).await, self.app.redeem(&code).await];
            let good: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
            assert!(good.len() <= 1, "a code was redeemed twice");
            for answer in good {
                self.app.assert_dead(&answer.tokens()).await;
            }
        }
    }

    async fn check_the_rows(&self, world: &World) {
        let half = "select count(*) from grants g where not exists \
                    (select 1 from refresh_families f where f.grant_id = g.id)";
        assert_eq!(count(world, half).await, 0, "half-made grants");
        let survivors = "select count(*) from grants g join sessions s on s.id = g.session_id \
                         where s.revoked_at is not null and g.revoked_at is null";
        assert_eq!(count(world, survivors).await, 0, "grants outlive their session");
        let grants = count(world, "select count(*) from grants").await;
        let ledger = self.ledger();
        let acknowledged = i64::try_from(ledger.exchanges).unwrap();
        assert!(grants >= acknowledged, "{grants} grants, {acknowledged} acknowledged");
        // Enough happened for the kills to have had something to hit.
        assert!(ledger.sign_ins >= 20 && ledger.sign_outs >= 20, "too little load");
        for number in [ledger.exchanges, ledger.refreshes, ledger.revocations] {
            assert!(number >= 20, "too little load: {number}");
        }
    }
}

/// Refreshing keeps the grant, which a JWT names in its claims.
fn same_lineage(one: &Tokens, other: &Tokens) -> bool {
    let grant = |tokens: &Tokens| claim(&tokens.access, "grant");
    grant(one) == grant(other)
}
