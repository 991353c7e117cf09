//! Redirect URIs are compared character for character (security catalogue, part B).

use crate::kit::checks::{assert_error_page, assert_success};
use crate::kit::fixtures::{ALICE, Bed, Callback, Rp, STATE, walk};
use crate::kit::flow::PATIENCE;
use crate::support::browser_like::Browser;
use crate::support::process::wait_until_async;

/// Everything that a parser, a prefix test or a normaliser could take for `https://rp.test/cb`.
const LOOKALIKES: [&str; 56] = [
    "https://rp.test.evil.test/cb",
    "https://rp.testevil.test/cb",
    "https://evil.test/https://rp.test/cb",
    "https://evil.test?https://rp.test/cb",
    "https://evil.test#https://rp.test/cb",
    "https://rp.test/cb/evil",
    "https://rp.test/cbx",
    "https://rp.test/cb/../x",
    "https://rp.test/cb/..;/x",
    "https://rp.test/x/../cb",
    "https://rp.test/./cb",
    "https://rp.test/%2e/cb",
    "https://rp.test/x/%2e%2e/cb",
    "https://rp.test%2fcb",
    "https://rp.test/%63b",
    "https://rp.test/cb%2f",
    "https://rp.test/%2563b",
    "https://rp.test/cb%00",
    "https://rp.test/cb%0d%0aSet-Cookie:x=1",
    "https://rp.test@evil.test/cb",
    "https://rp.test:x@evil.test/cb",
    "https://evil.test@rp.test/cb",
    "https://a@b@rp.test/cb",
    "https://@rp.test/cb",
    "https://rp.test\\@evil.test/cb",
    "https://evil.test\\@rp.test/cb",
    "https:\\\\rp.test\\cb",
    "https:/rp.test/cb",
    "https:///rp.test/cb",
    "https:rp.test/cb",
    "//rp.test/cb",
    "/cb",
    "rp.test/cb",
    "https://rp.test/cb\t",
    "https://rp.test/cb\n",
    "https://rp.test/\tcb",
    "\thttps://rp.test/cb",
    " https://rp.test/cb",
    "https://rp.test/cb\u{0}",
    "https://rp.test/cb#",
    "https://rp.test/cb#x",
    "https://rp.test:443/cb",
    "https://rp.test:8443/cb",
    "https://rp.test:/cb",
    "HTTPS://rp.test/cb",
    "https://RP.test/cb",
    "https://rp.test/CB",
    "https://rp.test/cb/",
    "https://rp.test./cb",
    "https://rp.test/cb.",
    "https://rp.test/cb?",
    "https://rp.test/cb?x=1",
    "https://rp.test//cb",
    "http://rp.test/cb",
    "https://rр.test/cb",
    "https://rp.test\u{ff0f}cb",
];

/// The same for the loopback addresses of a native client.
const LOOPBACK_LOOKALIKES: [&str; 24] = [
    "http://localhost.evil.test/cb",
    "http://127.0.0.1.evil.test/cb",
    "http://127.0.0.1:80.evil.test/cb",
    "http://127.0.0.1:80@evil.test/cb",
    "http://127.0.0.1@evil.test/cb",
    "http://evil.test@127.0.0.1/cb",
    "http://127.1/cb",
    "http://127.0.0.2/cb",
    "http://0x7f000001/cb",
    "http://0177.0.0.1/cb",
    "http://2130706433/cb",
    "http://0.0.0.0/cb",
    "http://localhost/cb",
    "http://[::ffff:127.0.0.1]/cb",
    "http://[0:0:0:0:0:0:0:1]/cb",
    "http://127.0.0.1:65536/cb",
    "http://127.0.0.1:-1/cb",
    "http://127.0.0.1:8x/cb",
    "http://127.0.0.1:/cb",
    "http://127.0.0.1:8080/other",
    "http://127.0.0.1:8080/cb?x=1",
    "http://127.0.0.1:8080/cb#x",
    "http://127.0.0.1:8080/cb/",
    "https://127.0.0.1:8080/cb",
];

async fn assert_refused(rp: &Rp, browser: &Browser, uri: &str) {
    let page = rp.authorize(browser, &[("redirect_uri", uri)]).await;
    assert_eq!(page.status.as_u16(), 400, "{uri:?}: {}", page.describe());
    assert_error_page(&page);
    let raw = page.has("script:not([nonce])") || page.body.contains("evil.test\"");
    assert!(!raw, "{uri:?} leads somewhere in {}", page.body);
}

on_both_backends! {
    async fn nothing_but_the_registered_text_is_a_redirect_uri(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("conf-basic");
        // Somebody who is signed in and has consented: a slip would hand out a code.
        let browser = bed.world.browser();
        rp.code(&browser, &ALICE, &[]).await;
        for uri in LOOKALIKES {
            assert_refused(&rp, &browser, uri).await;
        }
        bed.assert_log_is_clean();
    }

    async fn only_the_port_of_a_native_client_s_loopback_address_may_vary(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let native = bed.rp("native");
        let browser = bed.world.browser();
        for uri in [
            "http://127.0.0.1/cb", "http://127.0.0.1:1/cb", "http://127.0.0.1:49152/cb",
            "http://127.0.0.1:65535/cb", "http://[::1]:61023/cb",
        ] {
            let page = native.authorize(&browser, &[("redirect_uri", uri)]).await;
            let callback = Callback::of(&walk(page, &ALICE).await);
            let code = assert_success(&callback, &native, STATE);
            // And the token request must name the same port again.
            let other = [("redirect_uri", "http://127.0.0.1:7/cb")];
            native.redeem_with(&code, &other).await.assert_oauth_error(400, "invalid_grant");
            native.redeem_with(&code, &[("redirect_uri", uri)]).await.assert_status(200);
        }
        for uri in LOOPBACK_LOOKALIKES {
            assert_refused(&native, &browser, uri).await;
        }
        // A web client has no such freedom.
        let web = bed.rp("conf-basic");
        for uri in ["http://127.0.0.1:8080/cb", "http://localhost/cb", "https://rp.test:1/cb"] {
            assert_refused(&web, &browser, uri).await;
        }
    }

    async fn a_request_names_its_redirect_uri_however_few_are_registered(backend: Backend) {
        let bed = Bed::own(backend, &["conf-basic", "two-uris"]).await;
        let browser = bed.signed_in(&ALICE).await;
        for id in ["conf-basic", "two-uris"] {
            let page = bed.rp(id).authorize(&browser, &[("redirect_uri", "")]).await;
            assert_error_page(&page);
        }
        let rp = bed.rp("two-uris");
        let other = [("redirect_uri", "https://rp.test/other")];
        let callback = rp.ask(&browser, &ALICE, &other).await;
        assert_eq!(callback.target, "https://rp.test/other");
    }

    async fn a_registered_query_is_kept_and_compared(backend: Backend) {
        let bed = Bed::own(backend, &["with-query"]).await;
        let rp = bed.rp("with-query");
        let browser = bed.signed_in(&ALICE).await;
        let callback = rp.ask(&browser, &ALICE, &[]).await;
        assert_eq!(callback.get("fixed"), Some("1"), "{callback:?}");
        assert_success(&callback, &rp, STATE);
        for other in [
            "https://rp.test/cb", "https://rp.test/cb?fixed=2", "https://rp.test/cb?fixed=1&x=2",
            "https://rp.test/cb?x=2&fixed=1", "https://rp.test/cb?fixed=1&", "https://rp.test/cb?",
        ] {
            assert_refused(&rp, &browser, other).await;
        }
        // The query stays in error answers, too.
        let page = rp.authorize(&bed.world.browser(), &[("prompt", "none")]).await;
        let callback = Callback::of(&page);
        let got = (callback.get("fixed"), callback.get("error"));
        assert_eq!(got, (Some("1"), Some("login_required")));
    }

    async fn the_log_tells_what_is_different_about_a_near_miss(backend: Backend) {
        let bed = Bed::own(backend, &["conf-basic"]).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.world.browser());
        for (uri, told) in [
            ("https://rp.test/cb/", "differs only in the slash at the end"),
            ("http://rp.test/cb", "differs only in http or https"),
            ("https://rp.test/cb?x=1", "differs only in what follows the path"),
        ] {
            let page = rp.authorize(&browser, &[("redirect_uri", uri)]).await;
            assert_error_page(&page);
            assert!(!page.body.contains("differs only"), "the page is for anybody: {}", page.body);
            wait_until_async("a word in the log", PATIENCE, async || {
                bed.world.log().contains(told)
            })
            .await;
        }
    }

    async fn a_dangerous_redirect_uri_cannot_be_registered(backend: Backend) {
        let bed = Bed::shared(backend).await;
        for (kind, uri) in [
            ("web", "javascript:alert(1)"), ("web", "JaVaScRiPt:alert(1)"),
            ("web", "data:text/html,x"), ("web", "file:///etc/passwd"),
            ("web", "vbscript:x"), ("web", "http://rp.test/cb"), ("web", "https://*.rp.test/cb"),
            ("web", "https://rp.test/*"), ("web", "https://rp.test/cb#x"),
            ("web", "https://user@rp.test/cb"), ("web", "https://user:pw@rp.test/cb"),
            ("web", "/cb"), ("web", "rp.test"), ("web", ""), ("web", "myapp:/cb"),
            ("web", "https://rp.test/c b"), ("web", "https://rp.test/\\cb"),
            ("native", "javascript:alert(1)"), ("native", "http://rp.test/cb"),
            ("native", "blob:https://rp.test/x"), ("native", "myapp:/cb"), ("spa", "data:,x"),
        ] {
            let id = crate::kit::fixtures::unique("bad");
            let output = bed.world.run(&[
                "client", "create", "--name", "Bad", "--type", kind, "--client-id", &id,
                "--redirect-uri", uri,
            ]);
            assert!(matches!(output.status.code(), Some(1 | 2)), "{uri}: {output:?}");
            assert!(!output.stderr.is_empty(), "{uri}: no word about it");
            let show = bed.world.run(&["client", "show", &id]);
            assert_eq!(show.status.code(), Some(1), "{uri} was registered: {show:?}");
        }
    }
}
