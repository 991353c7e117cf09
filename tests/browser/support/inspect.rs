//! What must hold on every page: looked at in light and dark, on a phone and on a desktop.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Browser, Scheme, Script, Viewport};

/// The narrowest window in use: WCAG 1.4.10, which is also a desktop page at 400 % zoom.
const NARROWEST: u32 = 320;
/// A tablet, or half of a screen: wide enough for several columns, and for no menu beside them.
const BETWEEN: u32 = 900;

const OVERFLOW: &str = "
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    // Text may stick out of an element that itself does not.
    const out = e => {
        const box = e.getBoundingClientRect();
        return Math.max(box.right, box.left + e.scrollWidth) > width + 1;
    };
    const found = [...document.body.querySelectorAll('*')]
        .filter(e => out(e) && ![...e.children].some(out))
        .map(e => e.outerHTML.slice(0, 160));
    return found.length ? found : ['something that is no element'];";

impl Browser {
    /// Looks at the page shown in all four ways and comes back to the one in use. Saves a
    /// screenshot of each as `NAME-…png`.
    pub async fn inspect(&self, name: &str) {
        let (viewport, scheme) = (self.viewport(), self.scheme());
        self.assert_quiet(name).await;
        for size in [Viewport::Phone, Viewport::Desktop] {
            for colours in [Scheme::Light, Scheme::Dark] {
                self.look(size, colours).await;
                self.inspect_as_is(name).await;
            }
        }
        self.look(viewport, scheme).await;
    }

    /// Looks at the page shown in the size and scheme in use.
    pub async fn inspect_this_look(&self, name: &str) {
        self.assert_quiet(name).await;
        self.inspect_as_is(name).await;
    }

    async fn inspect_as_is(&self, name: &str) {
        self.screenshot(name).await;
        if self.viewport() == Viewport::Phone {
            self.assert_fits(name).await;
        }
        if self.script() == Script::On {
            self.assert_accessible().await;
        }
        // What the checks themselves left there.
        self.console().await;
    }

    async fn assert_quiet(&self, name: &str) {
        let complaints = self.complaints().await;
        assert!(complaints.is_empty(), "{name} at {}: {complaints:#?}", self.address().await);
    }

    /// What the content security policy blocked, which scripts failed and what could not be
    /// loaded, since the last look at the console.
    pub async fn complaints(&self) -> Vec<String> {
        let address = self.address().await;
        let messages = self.console().await.into_iter().map(|entry| entry.message);
        messages
            .filter(|message| !is_answer_with_error_status(message, &address))
            .filter(|message| {
                ["Content Security Policy", "Uncaught", "Failed to load"]
                    .iter()
                    .any(|sign| message.contains(sign))
            })
            .collect()
    }

    /// Nothing sticks out at the sides, down to the narrowest window. The window is a phone's again afterwards.
    async fn assert_fits(&self, name: &str) {
        for width in [NARROWEST, BETWEEN, 390] {
            let found = self.sticking_out(width).await;
            let address = self.address().await;
            assert!(found.is_empty(), "{name} is wider than {width} px ({address}): {found:#?}");
        }
    }

    /// The elements that reach beyond a window of this width, in CSS pixels, if the page can be
    /// scrolled sideways. The window keeps this width.
    pub async fn sticking_out(&self, width: u32) -> Vec<String> {
        let size = json!({"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": true});
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
        self.asks(OVERFLOW).await
    }

    /// What a script finds out about the page shown.
    pub async fn asks<T: DeserializeOwned>(&self, script: &str) -> T {
        let found = self.driver().execute(script, Vec::<Value>::new()).await;
        found.expect("look at the page").convert().expect("what the script says")
    }
}

/// The browser notes a page that came with status 400 and above; the page is then what is tested.
fn is_answer_with_error_status(message: &str, address: &str) -> bool {
    let page = address.split('#').next().unwrap_or_default();
    message.starts_with(page) && message.contains("the server responded with a status of")
}
