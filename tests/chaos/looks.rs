//! What is seen of what was acknowledged: what lives and what has ended, at each node.
//!
//! An ending is final once it is acknowledged (`docs/operations.md`, below the table of failures), so a
//! question that is asked after the answer to the ending may never be answered as before.

use std::time::Duration;

use futures_util::future::join;

use crate::flow::{SESSION_COOKIE, patiently, try_get};
use crate::history::{Ended, Lineage, Whose};
use crate::load::{Load, Outcome, Refused, Said, answered, settled};
use crate::support::browser_like::Browser;

/// Looks that are early enough to meet a node that believes for a moment longer what it remembers. A node
/// believes itself for a tenth of a second.
const EARLY: Duration = Duration::from_millis(50);

impl Load {
    /// What was acknowledged is there, whichever node is asked.
    pub async fn look_at_the_living(&self) -> Outcome<()> {
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
    pub async fn look_at_the_ended(&self) -> Outcome<()> {
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

    /// Notes what was acknowledged just now, and holds both nodes to it at once.
    pub async fn is_over(&self, ended: Vec<Ended>) {
        let ended: Vec<_> = ended.into_iter().map(|one| self.history().ends(one)).collect();
        for one in &ended {
            join(Box::pin(self.look_at(one, 0)), Box::pin(self.look_at(one, 1))).await;
        }
    }

    pub async fn look_at(&self, ended: &Ended, side: usize) {
        let (asked, access) = (ended.at.elapsed(), &ended.tokens.access);
        // On the heap: nothing else here is as large.
        let token = Box::pin(self.said_of(ended.whose, access, side));
        let cookie = Box::pin(async {
            let cookie = ended.cookie.as_ref()?;
            Some(self.said_of_cookie(&self.browser_with(cookie), side).await)
        });
        let door =
            Box::pin(async { Some(self.said_at_the_door(ended.door.as_ref()?, side).await) });
        let count = Box::pin(async { ended.has_count && self.has_count(access, side).await });
        let (token, cookie, door, count) = tokio::join!(token, cookie, door, count);
        let counts = count || [Some(token), cookie, door].contains(&Some(Said::Counts));
        assert!(!counts, "{asked:?} after {} it counts at node {side}", ended.by);
        let mut history = self.history();
        history.counts.early_looks += usize::from(asked < EARLY);
    }

    fn browser_with(&self, cookie: &str) -> Browser {
        let browser = Browser::new(&self.bases[0]);
        browser.plant_cookie(SESSION_COOKIE, cookie);
        browser
    }

    /// What userinfo and introspection say of an access token. Either word counts for it.
    pub async fn said_of(&self, whose: Whose, access: &str, side: usize) -> Said {
        self.history().counts.looks += 1;
        let userinfo = async {
            if whose == Whose::Service {
                // A token for another service says nothing of the person.
                return Said::Nothing;
            }
            match settled(self.apps[side].try_userinfo(access).await) {
                Err(Refused) => Said::Nothing,
                Ok(answer) if answer.status == 200 => Said::Counts,
                Ok(answer) => {
                    assert_eq!(answer.status, 401, "{answer:?}");
                    Said::Dead
                }
            }
        };
        let introspection = async {
            if whose == Whose::Fragile {
                // A program that is switched off is told nothing.
                return Said::Nothing;
            }
            let app = &self.apps_of(whose)[side];
            match settled(app.try_post("/oauth2/introspect", &[("token", access)]).await) {
                Err(Refused) => Said::Nothing,
                Ok(answer) if answer.json()["active"] == true => Said::Counts,
                Ok(answer) => {
                    assert_eq!(answer.text, r#"{"active":false}"#, "{answer:?}");
                    Said::Dead
                }
            }
        };
        match join(userinfo, introspection).await {
            (Said::Counts, _) | (_, Said::Counts) => Said::Counts,
            (userinfo, Said::Nothing) => userinfo,
            (_, said) => said,
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

    /// The same with patience: a "not now" of a database that has just come back takes nothing from anybody.
    async fn word_of_cookie(&self, browser: &Browser, side: usize) -> Said {
        for _ in 0..20 {
            match self.said_of_cookie(browser, side).await {
                Said::Nothing => tokio::time::sleep(Duration::from_millis(250)).await,
                said => return said,
            }
        }
        Said::Nothing
    }

    /// With everything running again: all that was acknowledged is so on both nodes.
    pub async fn hold_to_it(&self) {
        let sessions: Vec<_> = (0..10).filter_map(|_| self.history().some_session()).collect();
        let ended = self.history().newest_ended();
        for side in [0, 1] {
            for browser in sessions.iter().chain([&self.stayer]) {
                let said = self.word_of_cookie(browser, side).await;
                assert_eq!(said, Said::Counts, "a lost sign-in at node {side}");
            }
            for ended in &ended {
                self.look_at(ended, side).await;
                if ended.tokens.refresh.is_empty() {
                    continue;
                }
                let app = &self.apps_of(ended.whose)[side];
                let answer = patiently(async || app.refresh(&ended.tokens.refresh).await).await;
                answer.assert_error(400, "invalid_grant");
            }
        }
        for _ in 0..20 {
            let Some(lineage) = self.history().take() else { break };
            let app = &self.apps[self.side()];
            let answer = patiently(async || app.refresh(&lineage.tokens.refresh).await).await;
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
