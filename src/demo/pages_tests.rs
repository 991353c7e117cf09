//! Each page renders from a sample, escapes what came from outside, and works without scripts.

use std::str::FromStr;
use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use openidconnect::core::CoreIdToken;
use openidconnect::{AccessToken, Nonce, RefreshToken};
use serde_json::json;

use super::*;
use crate::clock::Clock;
use crate::demo::apps;
use crate::demo::failure::Failure;
use crate::demo::flow::Tokens;
use crate::demo::problem::ProblemPage;

const HOSTILE: &str = "<script>alert(1)</script>\"'&";

fn app(theme: Theme) -> DemoApp {
    apps(8080, &Clock::System).into_iter().find(|app| app.theme == theme).unwrap()
}

fn jwt(claims: &Value) -> String {
    let header = json!({"alg": "RS256", "kid": "Yq3kd0nYQ4bDk1-5cVqkU3gP5Zx0y3yC4mH2d1F9s7Q"});
    let part = |json: &Value| BASE64URL_NOPAD.encode(json.to_string().as_bytes());
    format!("{}.{}.{}", part(&header), part(claims), BASE64URL_NOPAD.encode(&[7; 256]))
}

fn signed_in(access_token: &str) -> SignedIn {
    let id_token = jwt(&json!({
        "iss": "http://localhost:8080", "sub": "6f1f2c1e-64a1-4f7b-9d4e-2f6f4c3b8a10",
        "aud": "orchard", "exp": 1_795_000_600, "iat": 1_795_000_000, "auth_time": 1_794_999_990,
        "nonce": "p2Jm5Tn8WqXz4Rk7Vb1Yc6Hd9Fg3Ls0A2eU5iO8tQwE", "sid": "019363a4-7c1e-7d2a-9a51-5d0b7c3e9f11",
        "at_hash": "jX8rT0mVb4eW2kQzN6yHqA", "acr": "urn:doorward:password", "amr": ["pwd"],
        "groups": ["admins", "staff"]
    }));
    SignedIn {
        csrf: "csrf-token".to_owned(),
        tokens: Tokens {
            id_token: CoreIdToken::from_str(&id_token).unwrap(),
            access_token: AccessToken::new(access_token.to_owned()),
            refresh_token: Some(RefreshToken::new("r".repeat(43))),
            scope: "openid profile email".to_owned(),
            expires_in: Some(600),
            received_at: UnixTime(1_795_000_000),
            subject: "6f1f2c1e-64a1-4f7b-9d4e-2f6f4c3b8a10".to_owned(),
            auth_time: Some(UnixTime(1_794_999_990)),
            nonce: Nonce::new("n".to_owned()),
        },
        userinfo: json!({
            "sub": "6f1f2c1e-64a1-4f7b-9d4e-2f6f4c3b8a10", "name": "Alice Maria Archer",
            "given_name": "Alice", "preferred_username": "alice", "email": "alice@example.com",
            "email_verified": true, "groups": ["admins", "staff"], "updated_at": 1_794_000_000
        }),
        userinfo_at: UnixTime(1_795_000_001),
        story: Arc::new(Story {
            request: vec![
                ("response_type".to_owned(), "code".to_owned()),
                ("client_id".to_owned(), "orchard".to_owned()),
                ("state".to_owned(), "Zt6yQk1Lm8Pw3Xc5Vb7Nn9Jh2Gf4Dd0Ss".to_owned()),
                (
                    "code_challenge".to_owned(),
                    "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned(),
                ),
                ("redirect_uri".to_owned(), "http://localhost:8081/callback".to_owned()),
                ("scope".to_owned(), "openid profile email phone address groups".to_owned()),
            ],
            endpoint: "http://localhost:8080/oauth2/authorize".to_owned(),
            started_at: UnixTime(1_794_999_980),
            code: "kd83hf…9fQ2 (43 characters)".to_owned(),
            verifier: "a7Gk2p…x0Zw (43 characters)".to_owned(),
            iss: Some("http://localhost:8080".to_owned()),
        }),
        refreshes: 0,
        notice: None,
    }
}

/// Every page with a name, as the screenshots and the sweeping checks want them.
fn samples() -> Vec<(&'static str, String)> {
    let (orchard, lighthouse) = (app(Theme::Orchard), app(Theme::Lighthouse));
    let alice =
        signed_in(&jwt(&json!({"iss": "http://localhost:8080", "aud": "orchard", "exp": 1})));
    let mut known = signed_in("an-opaque-token-of-some-length-0123456789");
    known.story = Arc::new(Story {
        request: known.story.request.clone(),
        endpoint: known.story.endpoint.clone(),
        started_at: UnixTime(1_795_000_000),
        code: known.story.code.clone(),
        verifier: known.story.verifier.clone(),
        iss: None,
    });
    known.notice = Some(Notice::Refreshed);
    let refused = Failure::refused("access_denied", Some("The person chose to cancel"));
    let away = Failure::Unreachable("Connection refused (os error 111)".to_owned());
    vec![
        ("home-orchard", HomePage::new(&orchard, None).render().unwrap()),
        ("home-lighthouse", HomePage::new(&lighthouse, Some(ENDED_ELSEWHERE)).render().unwrap()),
        ("signed-in-orchard", SignedInPage::new(&orchard, &alice).render().unwrap()),
        ("signed-in-lighthouse", SignedInPage::new(&lighthouse, &known).render().unwrap()),
        ("refused", ProblemPage::of(&orchard, &refused).render().unwrap()),
        ("unreachable", ProblemPage::of(&lighthouse, &away).render().unwrap()),
        ("stranger", ProblemPage::of(&orchard, &Failure::Stranger).render().unwrap()),
        ("not-known", ProblemPage::not_known(&orchard).render().unwrap()),
        ("signed-out", SignedOutPage { app: &orchard }.render().unwrap()),
    ]
}

#[test]
fn every_page_has_one_heading_a_title_a_language_and_no_script_or_inline_style() {
    for (name, html) in samples() {
        let page = scraper::Html::parse_document(&html);
        let count = |css: &str| page.select(&scraper::Selector::parse(css).unwrap()).count();
        assert_eq!(count("h1"), 1, "{name}");
        assert_eq!(count("html[lang]"), 1, "{name}");
        assert_eq!(count("title"), 1, "{name}");
        assert_eq!(count("main#main"), 1, "{name}");
        assert_eq!(count("script, style, [style], [onclick], iframe"), 0, "{name}");
        assert_eq!(count("table:not(:has(caption))"), 0, "{name}");
        assert!(!html.contains("{{") && !html.contains("{%"), "{name}");
    }
}

#[test]
fn every_form_is_a_post_that_carries_the_session_token() {
    let alice = signed_in("opaque");
    let app = app(Theme::Orchard);
    let html = SignedInPage::new(&app, &alice).render().unwrap();
    let page = scraper::Html::parse_document(&html);
    let forms: Vec<_> = page.select(&scraper::Selector::parse("form").unwrap()).collect();
    assert_eq!(forms.len(), 3);
    let token =
        scraper::Selector::parse("input[type=hidden][name=csrf][value=csrf-token]").unwrap();
    for form in forms {
        assert_eq!(form.attr("method"), Some("post"));
        assert_eq!(form.select(&token).count(), 1);
    }
}

#[test]
fn what_came_from_outside_is_escaped() {
    let app = app(Theme::Orchard);
    let mut person = signed_in(&jwt(&json!({"iss": HOSTILE})));
    person.userinfo = json!({"name": HOSTILE, "given_name": HOSTILE, "email": HOSTILE,
        "groups": [HOSTILE], "preferred_username": HOSTILE, "sub": HOSTILE});
    let failure = Failure::refused(HOSTILE, Some(HOSTILE));
    for html in [
        SignedInPage::new(&app, &person).render().unwrap(),
        ProblemPage::of(&app, &failure).render().unwrap(),
    ] {
        assert!(!html.contains("<script"), "{html}");
        assert!(html.contains("&#60;script&#62;"), "{html}");
    }
}

#[test]
fn secrets_do_not_reach_the_page() {
    let app = app(Theme::Orchard);
    let opaque = "opaque-access-token-0123456789-abcdefghij";
    let html = SignedInPage::new(&app, &signed_in(opaque)).render().unwrap();
    assert!(!html.contains(opaque));
    assert!(!html.contains(&"r".repeat(43)));
    assert!(!html.contains(app.client_secret.as_deref().unwrap()));
}

#[test]
fn the_page_tells_a_fresh_sign_in_from_single_sign_on() {
    let samples = samples();
    let page = |name: &str| &samples.iter().find(|(n, _)| *n == name).unwrap().1;
    assert!(page("signed-in-orchard").contains("You signed in at Doorward"));
    assert!(page("signed-in-lighthouse").contains("Doorward knew you already"));
    assert!(page("signed-in-lighthouse").contains("opaque"));
}

#[test]
fn the_front_page_names_the_demo_people_and_their_passwords() {
    let app = app(Theme::Lighthouse);
    let html = HomePage::new(&app, None).render().unwrap();
    for person in SEED {
        assert!(html.contains(person.username) && html.contains(person.password));
    }
}
