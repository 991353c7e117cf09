//! Hostile text wherever text comes from outside (security catalogue, rows 54 and 78): the pages
//! gain no element, no handler and no address that runs.

use scraper::Html;

use crate::kit::fixtures::{ALICE, Bed, Person};
use crate::support::browser_like::Page;

/// Ways out of text, attributes, addresses, scripts, comments, templates and headers.
const HOSTILE: [&str; 40] = [
    "<script>alert(1)</script>",
    "\"><script>alert(1)</script>",
    "'><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "--><script>alert(1)</script>",
    "]]><script>x</script>",
    "<img src=x onerror=alert(1)>",
    "\" onmouseover=\"alert(1)",
    "' onfocus='alert(1)' autofocus='",
    "x onfocus=alert(1) autofocus ",
    "`onload=alert(1)`",
    "<svg onload=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script>",
    "<math><mi//xlink:href=\"data:x\">",
    "<iframe src=javascript:alert(1)>",
    "<iframe srcdoc='<script>x</script>'>",
    "<object data=javascript:alert(1)>",
    "<embed src=//evil.test>",
    "<base href=//evil.test>",
    "<meta http-equiv=refresh content=0;url=//evil.test>",
    "<link rel=stylesheet href=//evil.test>",
    "<form action=//evil.test><button>x</button>",
    "<input name=password type=text>",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,<script>x",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "{{7*7}}",
    "${7*7}",
    "{% include 'x' %}",
    "\u{202e}gnp.exe",
    "\u{2028}alert(1)\u{2029}",
    "a\r\nSet-Cookie: evil=1\r\n\r\n<script>x</script>",
    "\u{0}<script>alert(1)</script>",
];

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
        for name in ["state", "nonce", "login_hint", "ui_locales", "claims_locales", "acr_values",
            "display", "error", "error_description", "claims", "x"] {
            let harmless = shape(&rp.authorize(&browser, &[(name, "harmless")]).await);
            for text in HOSTILE {
                let page = rp.authorize(&browser, &[(name, text)]).await;
                assert_same_shape(&page, &harmless, &format!("{name}={text}"));
            }
        }
        bed.assert_log_is_clean();
    }

    async fn hostile_text_on_error_pages_stays_text(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.world.browser());
        browser.get("/login").await;
        for name in ["client_id", "redirect_uri"] {
            let harmless = shape(&rp.authorize(&browser, &[(name, "harmless")]).await);
            for text in HOSTILE {
                let page = rp.authorize(&browser, &[(name, text)]).await;
                assert_same_shape(&page, &harmless, &format!("{name}={text}"));
            }
        }
        for path in ["/", "/setup?token=", "/login/reset?token=", "/login?next=", "/consent?flow=",
            "/oauth2/logout?post_logout_redirect_uri=", "/oauth2/logout?client_id=", "/account/"] {
            let harmless = shape(&browser.get(&format!("{path}harmless")).await);
            for text in HOSTILE {
                let text: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
                let page = browser.get(&format!("{path}{text}")).await;
                assert_same_shape(&page, &harmless, &format!("{path}{text}"));
            }
        }
        let signed_in = bed.signed_in(&ALICE).await;
        for browser in [&browser, &signed_in] {
            let harmless = shape(&browser.get("/device?user_code=harmless").await);
            for text in HOSTILE {
                let text: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
                let page = browser.get(&format!("/device?user_code={text}")).await;
                assert_same_shape(&page, &harmless, &format!("/device {text}"));
            }
        }
        let page = browser.get("/login").await;
        let wrong = page.form("sign-in").set("username", "harmless").set("password", "x");
        let harmless = shape(&wrong.submit().await);
        for text in HOSTILE.into_iter().take(12) {
            let form = browser.get("/login").await.form("sign-in");
            let page = form.set("username", text).set("password", "x").submit().await;
            assert_same_shape(&page, &harmless, &format!("username={text}"));
        }
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
