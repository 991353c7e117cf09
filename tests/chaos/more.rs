//! More that goes on: people at the gateway, consents taken back, everything signed out, an app switched
//! off and on, and a program that counts beside a session.

use std::sync::atomic::Ordering;
use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::json;

use crate::flow::{App, SESSION_COOKIE, Tokens, read, try_get, try_submit};
use crate::history::{Ended, Whose};
use crate::load::{Load, Outcome, Refused, Said, answered, settled};
use crate::support::browser_like::Browser;

/// An app behind the gateway. It need not run: the test plays the proxy.
const HOST: &str = "localhost:1001";
pub const COOKIE: &str = "doorward_gateway";
/// The rules of the gateway.
pub const SETTINGS: &str = "[server]\ntrusted_proxies = [\"127.0.0.1\"]\n\n[gateway]\nenabled = true\n\n\
    [[gateway.apps]]\nhost = \"localhost:1001\"\nrules = [{ path = \"/\", allow = [\"signed-in\"] }]\n";

/// People of these lanes alone.
pub const GIVER: &str = "giver";
pub const WANDERER: &str = "wanderer";
pub const KEEPER: &str = "keeper";
/// How often a program counts before it signs out.
const COUNTS: i64 = 12;

/// Where a browser gets the gateway's cookie.
pub fn entrance(base: &str) -> String {
    format!("{base}/gateway/start?rd=http%3A%2F%2F{HOST}%2F")
}

/// What a proxy asks about a request to the app that came with this cookie.
pub fn question(request: RequestBuilder, cookie: &str) -> RequestBuilder {
    let request = request.header("x-forwarded-proto", "http").header("x-forwarded-host", HOST);
    let request = request.header("x-forwarded-uri", "/").header("x-forwarded-method", "GET");
    request.header("cookie", format!("{COOKIE}={cookie}"))
}

impl Load {
    /// The gateway's cookie for a browser that is signed in; none when it has had too many lately.
    pub async fn enter(
        &self,
        browser: &Browser,
        at: impl Fn() -> usize,
    ) -> Outcome<Option<String>> {
        let base = &self.bases[at()];
        let page = answered(try_get(browser, &entrance(base)).await)?;
        if page.status == 429 {
            return Ok(None);
        }
        assert_eq!(page.status, 303, "{}", page.describe());
        let cookie = browser.cookie(COOKIE);
        assert!(cookie.is_some(), "signed in, and sent to sign in: {}", page.describe());
        Ok(cookie)
    }

    /// What a node says to a proxy about a gateway cookie.
    pub async fn said_at_the_door(&self, cookie: &str, side: usize) -> Said {
        self.history().counts.looks += 1;
        let request = self.http.get(format!("{}/gateway/verify", self.bases[side]));
        match settled(read(question(request, cookie)).await) {
            Err(Refused) => Said::Nothing,
            Ok(answer) if answer.status == 200 => Said::Counts,
            Ok(answer) => {
                assert_eq!(answer.status, 401, "{answer:?}");
                Said::Dead
            }
        }
    }

    /// Somebody allows an app something and takes it back. The session goes on.
    pub async fn withdraw(&self) -> Outcome<()> {
        let browser = Browser::new(&self.bases[self.side()]);
        self.sign_in(&browser, GIVER, || self.side()).await?;
        let apps = self.apps_of(Whose::Asking);
        let page = answered(try_get(&browser, &apps[self.side()].authorize_path(&[])).await)?;
        let page = if page.has_form("consent") {
            let form = page.form("consent").press("decision", "allow");
            answered(try_submit(&browser, form).await)?
        } else {
            page
        };
        let Some(code) = page.location_parameter("code") else {
            let error = page.location_parameter("error");
            assert_eq!(error.as_deref(), Some("temporarily_unavailable"), "{}", page.describe());
            return Err(Refused);
        };
        let tokens = self.redeem_at(&apps[self.side()], &code).await?;
        let base = &self.bases[self.side()];
        let account = answered(try_get(&browser, &format!("{base}/account")).await)?;
        let csrf = account.attributes("input[name='csrf']", "value").remove(0);
        let url = browser.resolve(&format!("{base}/account/allowed/end"));
        let fields = [("csrf", csrf.as_str()), ("client_id", "asking")];
        let request = browser.request(Method::POST, &url).form(&fields);
        let request = request.header("Sec-Fetch-Site", "same-origin");
        let done = answered(browser.try_send(request).await)?;
        assert_eq!(done.status, 303, "{}", done.describe());
        let ended = Ended::new(tokens, "taking a consent back").of(Whose::Asking);
        let said = self.said_of_cookie(&browser, self.side()).await;
        assert_ne!(said, Said::Dead, "only the consent was taken back");
        self.history().counts.withdrawn += 1;
        self.is_over(vec![ended]).await;
        Ok(())
    }

    pub async fn redeem_at(&self, app: &App, code: &str) -> Outcome<Tokens> {
        let answer = settled(app.try_redeem(code).await)?;
        if answer.error().as_deref() == Some("invalid_grant") {
            self.history().counts.forgotten += 1;
            return Err(Refused);
        }
        Ok(answer.tokens())
    }

    /// Somebody with two browsers signs out everywhere.
    pub async fn leave_everywhere(&self) -> Outcome<()> {
        let mut open = Vec::new();
        for _ in 0..2 {
            let browser = Browser::new(&self.bases[self.side()]);
            self.sign_in(&browser, WANDERER, || self.side()).await?;
            let tokens = self.tokens(&browser, || self.side()).await?;
            let door = self.enter(&browser, || self.side()).await?;
            open.push((browser, tokens, door));
        }
        let address = format!("{}/account/sign-out", self.bases[self.side()]);
        let browser = &open[0].0;
        let page = answered(try_get(browser, &address).await)?;
        let form = page.form("sign-out-elsewhere").press("reach", "everywhere");
        let kept: Vec<_> =
            open.iter().map(|(browser, ..)| browser.cookie(SESSION_COOKIE)).collect();
        let left = answered(try_submit(browser, form).await)?;
        assert!(left.status.as_u16() < 400, "{}", left.describe());
        let ended = open.into_iter().zip(kept).map(|((_, tokens, door), cookie)| {
            Ended::new(tokens, "signing out everywhere").cookie(cookie).door(door)
        });
        self.history().counts.everywhere += 1;
        self.is_over(ended.collect()).await;
        Ok(())
    }

    /// An administrator switches an app off, and on again. What it had stays dead.
    pub async fn switch_off(&self) -> Outcome<()> {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let apps = self.apps_of(Whose::Fragile);
        let address = apps[self.side()].authorize_path(&[]);
        let page = answered(try_get(&self.stayer, &address).await)?;
        // Just switched on again, and one node has not heard of it.
        let Some(code) = page.location_parameter("code") else { return Err(Refused) };
        let answer = settled(apps[self.side()].try_redeem(&code).await)?;
        if answer.status != 200 {
            return Err(Refused);
        }
        let is_done = self.commands.run(&["client", "update", "fragile", "--disable"]).await;
        if is_done {
            let ended = Ended::new(answer.tokens(), "disabling the app").of(Whose::Fragile);
            self.history().counts.switched_off += 1;
            self.is_over(vec![ended]).await;
        }
        while !self.commands.run(&["client", "update", "fragile", "--enable"]).await {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        if is_done { Ok(()) } else { Err(Refused) }
    }

    /// A program counts up in a durable value beside a session, and signs out. No count that was
    /// acknowledged is lost, and none is there afterwards.
    pub async fn keep_count(&self) -> Outcome<()> {
        let browser = Browser::new(&self.bases[self.side()]);
        self.sign_in(&browser, KEEPER, || self.side()).await?;
        let tokens = self.tokens(&browser, || self.side()).await?;
        let access = tokens.access.as_str();
        // What was acknowledged, and what may have been done without an answer.
        let (mut sure, mut maybe) = (None, None);
        for _ in 0..20 * COUNTS {
            if sure == Some(COUNTS) || self.hurry.load(Ordering::SeqCst) {
                break;
            }
            let Ok((there, tag)) = self.count_of(access, self.side()).await else {
                self.history().counts.refused += 1;
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let is_known = there == sure || (maybe.is_some() && there == maybe);
            assert!(is_known, "{there:?} was read; {sure:?} was acknowledged, {maybe:?} tried");
            sure = there;
            let next = sure.map_or(0, |count| count + 1);
            maybe = Some(next);
            let condition = tag.map_or(("if-none-match", "*".to_owned()), |tag| ("if-match", tag));
            let url = format!("{}/api/v1/session-data/durable:count", self.bases[self.side()]);
            let request = self.http.put(url).bearer_auth(access).header(condition.0, condition.1);
            let request = request.header("content-type", "application/json");
            match settled(read(request.body(json!(next).to_string())).await) {
                Ok(answer) if answer.status < 300 => {
                    sure = Some(next);
                    self.history().counts.kept += 1;
                }
                // One of before, without an answer, has arrived after all.
                Ok(answer) => assert_eq!(answer.status, 412, "{answer:?}"),
                Err(Refused) => {}
            }
        }
        let cookie = browser.cookie(SESSION_COOKIE);
        let address = format!("{}/logout", self.bases[self.side()]);
        let page = answered(try_get(&browser, &address).await)?;
        let form = page.form("sign-out").press("decision", "logout");
        let left = answered(try_submit(&browser, form).await)?;
        assert!(left.status.as_u16() < 400, "{}", left.describe());
        let ended = Ended::new(tokens, "signing out with a count").cookie(cookie).with_count();
        self.history().counts.sign_outs += 1;
        self.is_over(vec![ended]).await;
        Ok(())
    }

    /// The count and its tag; none when there is none.
    async fn count_of(&self, access: &str, side: usize) -> Outcome<(Option<i64>, Option<String>)> {
        let url = format!("{}/api/v1/session-data/durable:count", self.bases[side]);
        let answer = settled(read(self.http.get(url).bearer_auth(access)).await)?;
        if answer.status == 404 {
            return Ok((None, None));
        }
        assert_eq!(answer.status, 200, "{answer:?}");
        let tag = answer.headers.get("etag").and_then(|tag| tag.to_str().ok());
        Ok((answer.json().as_i64(), tag.map(ToOwned::to_owned)))
    }

    /// Whether a value is still given to the holder of this token.
    pub async fn has_count(&self, access: &str, side: usize) -> bool {
        let url = format!("{}/api/v1/session-data/durable:count", self.bases[side]);
        let answer = settled(read(self.http.get(url).bearer_auth(access)).await);
        answer.is_ok_and(|answer| answer.status == 200)
    }
}
