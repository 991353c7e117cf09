//! What gets tokens without a browser of its own: a device that a person lets in, and a service that goes on
//! with what an app sent it.

use std::time::{Duration, Instant};

use crate::flow::{Answer, App, SESSION_COOKIE, Tokens, try_get, try_submit};
use crate::history::{Ended, Whose};
use crate::load::{Load, Outcome, Refused, Said, answered, settled};
use crate::support::browser_like::Browser;
use crate::support::world::World;

/// Who lets devices in, and does nothing else.
pub const SETTLER: &str = "settler";

const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const EXCHANGE_GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// By how much the clocks of nodes may differ.
const CLOCKS_MAY_DIFFER: Duration = Duration::from_secs(30);
const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";

/// The programs of these lanes, at each node.
pub struct Helpers {
    pub devices: [App; 2],
    /// Apps whose tokens are for the services, too.
    pub fronts: [App; 2],
    pub services: [App; 2],
    since: Instant,
}

impl Helpers {
    pub fn register(world: &World, at_both: impl Fn(App) -> [App; 2]) -> Self {
        let grants = ["--grant-type", DEVICE_GRANT, "--grant-type", "refresh_token"];
        let devices = at_both(App::register(world, "printer", &grants));
        let file = world.path("front.json");
        let metadata = r#"{ "audience": ["front", "service"] }"#;
        std::fs::write(&file, metadata).expect("write the metadata");
        let metadata = ["--metadata", &file.display().to_string()];
        let fronts = at_both(App::register(world, "front", &metadata));
        let services = at_both(App::register(world, "service", &["--grant-type", EXCHANGE_GRANT]));
        Self { devices, fronts, services, since: Instant::now() }
    }
}

impl Load {
    /// Somebody lets a device in. It gives its token back, or an administrator ends all that person has.
    pub async fn let_device_in(&self) -> Outcome<()> {
        let browser = Browser::new(&self.bases[self.side()]);
        self.sign_in(&browser, SETTLER, || self.side()).await?;
        let tokens = self.tokens_of_device(&browser).await?;
        let said = self.said_of(Whose::Device, &tokens.access, self.side()).await;
        assert_ne!(said, Said::Dead, "a device was let in, and its token is lost");
        let ended = if self.counts().devices.is_multiple_of(2) {
            let fields = [("token", tokens.refresh.as_str())];
            let device = &self.helpers.devices[self.side()];
            let answer = settled(device.try_post("/oauth2/revoke", &fields).await)?;
            assert_eq!(answer.status, 200, "{answer:?}");
            Ended::new(tokens, "a device giving back its token")
        } else {
            let everything = ["session", "revoke", "--user", SETTLER, "--all"];
            if !self.commands.run(&everything).await {
                return Err(Refused);
            }
            let cookie = browser.cookie(SESSION_COOKIE);
            Ended::new(tokens, "ending all that a person has").cookie(cookie)
        };
        self.history().counts.devices += 1;
        self.is_over(vec![ended.of(Whose::Device)]).await;
        Ok(())
    }

    /// Each step at whichever node: the code, the person's answer, and what the device gets.
    async fn tokens_of_device(&self, browser: &Browser) -> Outcome<Tokens> {
        let device = |side: usize| &self.helpers.devices[side];
        let wanted = [("scope", "openid offline_access")];
        let path = "/oauth2/device_authorization";
        let codes = settled(device(self.side()).try_post(path, &wanted).await)?;
        assert_eq!(codes.status, 200, "{codes:?}");
        let codes = codes.json();
        let text = |name: &str| codes[name].as_str().expect("a code").to_owned();
        let base = &self.bases[self.side()];
        let address = format!("{base}/device?user_code={}", text("user_code"));
        let page = answered(try_get(browser, &address).await)?;
        if !page.has_form("device-question") {
            // Redis has forgotten what was asked for.
            return self.forgotten();
        }
        let form = page.form("device-question").press("decision", "allow");
        let allowed = answered(try_submit(browser, form).await)?;
        if allowed.status != 303 {
            return self.forgotten();
        }
        let fields = [("grant_type", DEVICE_GRANT), ("device_code", &text("device_code"))];
        let answer = settled(device(self.side()).try_post("/oauth2/token", &fields).await)?;
        if answer.status == 200 { Ok(answer.tokens()) } else { self.forgotten() }
    }

    fn forgotten<T>(&self) -> Outcome<T> {
        self.history().counts.forgotten += 1;
        Err(Refused)
    }

    /// A service exchanges the token that an app sent it; then the app's grant ends, and the exchanged token
    /// with it.
    pub async fn delegate(&self) -> Outcome<()> {
        let front = |side: usize| &self.helpers.fronts[side];
        let address = front(self.side()).authorize_path(&[]);
        let page = answered(try_get(&self.stayer, &address).await)?;
        let Some(code) = page.location_parameter("code") else { return Err(Refused) };
        let tokens = self.redeem_at(front(self.side()), &code).await?;
        let exchanged = self.exchanged(&tokens.access).await?;
        let said = self.said_of(Whose::Service, &exchanged.access, self.side()).await;
        assert_ne!(said, Said::Dead, "an exchanged token is lost");
        let fields = [("token", tokens.refresh.as_str())];
        let answer: Answer = settled(front(self.side()).try_post("/oauth2/revoke", &fields).await)?;
        assert_eq!(answer.status, 200, "{answer:?}");
        self.history().counts.exchanged += 1;
        let ended = Ended::new(exchanged, "ending what it was exchanged for").of(Whose::Service);
        self.is_over(vec![ended]).await;
        Ok(())
    }

    async fn exchanged(&self, subject: &str) -> Outcome<Tokens> {
        let service = &self.helpers.services[self.side()];
        let fields = [
            ("grant_type", EXCHANGE_GRANT),
            ("subject_token", subject),
            ("subject_token_type", ACCESS),
        ];
        let answer = settled(service.try_post("/oauth2/token", &fields).await)?;
        if answer.status == 400 && self.helpers.since.elapsed() < CLOCKS_MAY_DIFFER {
            // A node whose clock is behind has made a token that seems older than the service is.
            return Err(Refused);
        }
        Ok(answer.tokens())
    }
}
