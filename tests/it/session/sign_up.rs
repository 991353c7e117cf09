//! People make their own accounts (Initiating User Registration via OpenID Connect 1.0).

use reqwest::Method;
use serde_json::json;
use tokio::sync::OnceCell;

use crate::kit::checks::{assert_client_error, assert_success};
use crate::kit::fixtures::{ALICE, BOB, Bed, Callback, Person, Rp, STATE, Tokens, unique, walk};
use crate::kit::flow::{SESSION_COOKIE, count, is_signed_in};
use crate::support::backends::Backend;
use crate::support::browser_like::{Browser, Page};
use crate::support::form::Form;
use crate::support::world::World;

/// What everybody here chooses.
pub const PASSWORD: &str = "eleven paper kites over town";
const CREATE: [(&str, &str); 1] = [("prompt", "create")];

/// The bed that all tests share which only make accounts of their own.
pub async fn open(backend: Backend) -> &'static Bed {
    static BEDS: [OnceCell<Bed>; 2] = [OnceCell::const_new(), OnceCell::const_new()];
    let cell = &BEDS[usize::from(backend == Backend::Production)];
    cell.get_or_init(async || {
        open_with(backend, &[("PER_HOUR", "10000")], &["conf-basic", "trusted"]).await
    })
    .await
}

/// A bed of one's own with these settings of the section.
pub async fn open_with(backend: Backend, settings: &[(&str, &str)], clients: &[&str]) -> Bed {
    let world = World::builder(backend).env("DOORWARD_SIGN_UP__MODE", "open");
    let world = settings
        .iter()
        .fold(world, |world, (name, value)| world.env(&format!("DOORWARD_SIGN_UP__{name}"), value));
    Bed::new(world.start().await, clients).await
}

/// The form with a name and the password.
pub fn fill_in(page: &Page, username: &str) -> Form {
    page.form("sign-up").set("username", username).set("password", PASSWORD)
}

async fn sign_in(browser: &Browser, username: &str) -> Page {
    let page = browser.get("/login").await;
    page.form("sign-in").set("username", username).set("password", PASSWORD).submit().await
}

async fn tokens(rp: &Rp, page: &Page) -> Tokens {
    let code = Callback::of(page).code();
    Tokens::of(&rp.redeem(&code).await)
}

on_both_backends! {
    async fn a_new_person_goes_from_the_form_through_consent_to_the_app(backend: Backend) {
        let bed = open(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.world.browser());
        browser.get("/").await;
        let planted = "A".repeat(43);
        browser.plant_cookie(SESSION_COOKIE, &planted);
        let asked = [("prompt", "create"), ("scope", "openid profile email groups")];
        let page = rp.authorize(&browser, &asked).await;
        page.assert_status(200).assert_page_headers();
        assert_eq!(page.title(), "Create your account – Doorward");
        for field in [
            "#username[autocomplete=username]", "#email[autocomplete=email]",
            "#name[autocomplete=name]", "#new-password[autocomplete=new-password]",
        ] {
            assert!(page.has(field), "{field}");
        }
        let name = unique("nina");
        let form = fill_in(&page, &name.to_uppercase()).set("name", "Nina Neu");
        let consent = form.set("email", "Nina@Fresh.test").submit().await.follow_within().await;
        let text = consent.text();
        assert!(consent.has_form("consent") && text.contains("nina@fresh.test"), "{text}");
        assert_ne!(browser.cookie(SESSION_COOKIE).unwrap(), planted, "never adopted");
        let page = consent.form("consent").press("decision", "allow").submit().await;
        assert_success(&Callback::of(&page), &rp, STATE);
        let tokens = tokens(&rp, &page).await;
        let claims = tokens.id_claims();
        assert_eq!((&claims["amr"], &claims["acr"]), (&json!(["pwd"]), &json!("aal1")));
        let person = rp.userinfo(&tokens.access).await.json();
        assert_eq!(person["preferred_username"], name);
        assert_eq!((&person["name"], &person["email"]), (&json!("Nina Neu"), &json!("nina@fresh.test")));
        assert_eq!(person["email_verified"], false);
        assert!(person.get("groups").is_none_or(|groups| *groups == json!([])), "{person}");
        // The flow is over: the same app gets its next code without a page.
        let silent = rp.authorize(&browser, &[("prompt", "none")]).await;
        assert_success(&Callback::of(&silent), &rp, STATE);
        let events = "select count(*) from audit_events where kind = 'user.signed_up' and user_id = ";
        let id = format!("(select id from users where username = '{name}')");
        assert_eq!(count(&bed.world, &format!("{events}{id}")).await, 1);
        assert_eq!(sign_in(&bed.world.browser(), &name).await.status.as_u16(), 303);
        bed.world.assert_log_is_clean(&[PASSWORD]);
    }

    async fn everything_that_has_to_change_is_said_at_its_field(backend: Backend) {
        let bed = open(backend).await;
        let (rp, browser) = (bed.rp("trusted"), bed.world.browser());
        let page = rp.authorize(&browser, &CREATE).await;
        let long = "n".repeat(201);
        let form = page.form("sign-up").set("username", "a b").set("email", "nobody");
        let page = form.set("name", &long).set("password", "short").submit().await;
        page.assert_status(422).assert_page_headers();
        assert_eq!(page.title(), "Error: Create your account – Doorward");
        for field in ["username", "email", "name", "new-password"] {
            assert!(page.has(&format!("#{field}[aria-invalid=true]")), "{field}");
            assert_eq!(page.texts(&format!("#{field}-error")).len(), 1, "{field}");
        }
        let form = page.form("sign-up");
        for (field, typed) in
            [("username", "a b"), ("email", "nobody"), ("name", &*long), ("password", "")]
        {
            assert_eq!(form.value(field), Some(typed), "{field}");
        }
        assert!(page.text().contains("to go on to trusted"), "the app is still there");
        // A guessable password alone: the rest is right by now, and the flow goes on.
        let name = unique("norma");
        let form = form.set("username", &name).set("email", "").set("name", "");
        let page = form.set("password", &format!("{name}{name}")).submit().await;
        page.assert_status(422);
        assert_eq!(page.texts(".summary li").len(), 1, "{}", page.text());
        let page = fill_in(&page, &name).submit().await;
        assert_success(&Callback::of(&page), &rp, STATE);
    }

    async fn the_sign_in_page_leads_there_and_back_whatever_the_way(backend: Backend) {
        let bed = open(backend).await;
        let (rp, browser) = (bed.rp("trusted"), bed.world.browser());
        let to = |page: &Page, text: &str| {
            let place = page.texts("main a").iter().position(|link| link == text);
            let place = place.unwrap_or_else(|| panic!("no link {text}: {}", page.describe()));
            page.attributes("main a", "href").swap_remove(place)
        };
        // In the clear, and pushed: the app gets its answer on both ways.
        let pushed = rp.post("/oauth2/par", &rp.parameters(&[("prompt", "login")])).await.json();
        let uri = pushed["request_uri"].as_str().unwrap();
        let by_uri = format!("/oauth2/authorize?client_id=trusted&request_uri={uri}");
        for start in [rp.authorize_url(&[("prompt", "login"), ("login_hint", "n@x.test")]), by_uri] {
            let browser = bed.world.browser();
            let form = browser.get(&start).await;
            let page = browser.get(&to(&form, "Create an account")).await;
            assert!(page.has_form("sign-up"), "{}", page.describe());
            let back = browser.get(&to(&page, "Sign in")).await;
            assert!(back.has_form("sign-in"), "{}", back.describe());
            let page = browser.get(&to(&back, "Create an account")).await;
            let page = fill_in(&page, &unique("nora")).submit().await;
            assert_success(&Callback::of(&page), &rp, STATE);
        }
        // Our own pages: the account page, and a device with its code.
        let form = browser.get("/login").await;
        let page = browser.get(&to(&form, "Create an account")).await;
        assert_eq!(to(&page, "Sign in"), "/login");
        let page = fill_in(&page, &unique("nell")).submit().await;
        assert_eq!(page.location().path(), "/account");
        let page = page.follow().await;
        assert!(page.text().contains("Your username is nell-"), "{}", page.text());
        let browser = bed.world.browser();
        let form = browser.get("/device?user_code=BCDF-GHJK").await;
        let page = browser.get(&to(&form, "Create an account")).await;
        assert_eq!(to(&page, "Sign in"), "/device?user_code=BCDF-GHJK");
        let page = fill_in(&page, &unique("nils")).submit().await;
        assert!(page.location().as_str().ends_with("/device?user_code=BCDF-GHJK"));
        // Nobody becomes an administrator like this.
        let console = browser.get("/login?next=admin").await;
        assert!(!console.texts("main a").contains(&"Create an account".to_owned()));
    }

    async fn a_hint_of_the_app_fills_in_the_field_it_fits(backend: Backend) {
        let bed = open(backend).await;
        let (rp, browser) = (bed.rp("trusted"), bed.world.browser());
        for (hint, field) in [("neo", "username"), ("neo@people.test", "email")] {
            let page = rp.authorize(&browser, &[CREATE[0], ("login_hint", hint)]).await;
            let form = page.form("sign-up");
            for name in ["username", "email"] {
                let expected = if name == field { hint } else { "" };
                assert_eq!(form.value(name), Some(expected), "{hint} {name}");
            }
        }
    }

    async fn the_new_account_joins_those_of_the_browser(backend: Backend) {
        let bed = open(backend).await;
        let (rp, browser) = (bed.rp("trusted"), bed.world.browser());
        let alice = rp.tokens(&browser, &ALICE, &[]).await;
        let page = rp.authorize(&browser, &CREATE).await;
        assert!(page.has_form("sign-up"), "whoever is signed in: {}", page.describe());
        let name = unique("nadia");
        let page = fill_in(&page, &name).submit().await;
        let nadia = tokens(&rp, &page).await;
        assert_ne!(alice.id_claims()["sub"], nadia.id_claims()["sub"]);
        rp.userinfo(&alice.access).await.assert_status(200);
        let page = rp.authorize(&browser, &[("prompt", "select_account")]).await;
        let names = page.texts("#choose-account button");
        assert_eq!(names.len(), 3, "{names:?}");
        assert!(names[0].contains(&name) && names[1].contains(ALICE.name), "{names:?}");
        // Other values of prompt beside it are satisfied by the new account.
        let asked = [("prompt", "login create select_account consent")];
        let page = rp.authorize(&browser, &asked).await;
        let page = fill_in(&page, &unique("nadia")).submit().await.follow_within().await;
        assert!(page.has_form("consent"), "{}", page.describe());
    }

    async fn prompt_create_is_announced_and_honoured_where_people_may_register(backend: Backend) {
        let bed = open(backend).await;
        let (rp, browser) = (bed.rp("trusted"), bed.world.browser());
        let prompts = |document: serde_json::Value| document["prompt_values_supported"].clone();
        let announced = prompts(browser.get("/.well-known/openid-configuration").await.json());
        assert_eq!(announced, json!(["none", "login", "consent", "select_account", "create"]));
        for bad in ["create none", "none create"] {
            let page = rp.authorize(&browser, &[("prompt", bad)]).await;
            assert_client_error(&page, &rp, "invalid_request");
        }
        // An app that knows whom it expects cannot want somebody new.
        let hint = rp.tokens(&browser, &BOB, &[]).await.id.unwrap();
        let page = rp.authorize(&browser, &[CREATE[0], ("id_token_hint", &hint)]).await;
        assert_client_error(&page, &rp, "login_required");
        let stranger = bed.world.browser();
        let page = rp.authorize(&stranger, &[("id_token_hint", &hint)]).await;
        assert!(!page.text().contains("Create an account"), "{}", page.text());

        let closed = Bed::shared(backend).await;
        let (rp, browser) = (closed.rp("trusted"), closed.world.browser());
        let announced = prompts(browser.get("/.well-known/openid-configuration").await.json());
        assert_eq!(announced, json!(["none", "login", "consent", "select_account"]));
        let page = rp.authorize(&browser, &CREATE).await;
        assert_client_error(&page, &rp, "invalid_request");
        assert!(Callback::of(&page).get("error_description").unwrap().contains("create"));
        let form = browser.get("/login").await;
        assert!(!form.text().contains("Create an account"));
        browser.get("/login/create").await.assert_status(404);
        let fields = [("flow", "flow"), ("csrf", "csrf")].map(|(name, field)| {
            (name, form.form("sign-in").value(field).unwrap().to_owned())
        });
        let url = browser.resolve("/login/create");
        let typed = [("username", "nobody"), ("password", PASSWORD)];
        let request = browser.request(Method::POST, &url).form(&[
            (fields[0].0, fields[0].1.as_str()), (fields[1].0, &fields[1].1), typed[0], typed[1],
        ]);
        let page = browser.send(request.header("Sec-Fetch-Site", "same-origin")).await;
        page.assert_status(404);
        assert!(!is_signed_in(&browser).await);
    }

    async fn domains_and_groups_follow_the_settings(backend: Backend) {
        let settings = [("EMAIL_DOMAINS", "corp.test,corp.example"), ("GROUPS", "guests,all people")];
        let bed = open_with(backend, &settings, &["trusted"]).await;
        let (rp, browser) = (bed.rp("trusted"), bed.world.browser());
        let mut page = rp.authorize(&browser, &[CREATE[0], ("scope", "openid groups email")]).await;
        assert!(page.text().contains("It ends with @corp.test or @corp.example."), "{}", page.text());
        for outside in ["", "n@people.test", "n@evil-corp.test", "n@corp.test.evil"] {
            page = fill_in(&page, "nemo").set("email", outside).submit().await;
            page.assert_status(422);
            assert_eq!(page.texts("#email-error").len(), 1, "{outside}");
        }
        page = fill_in(&page, "nemo").set("email", "N@Corp.Example").submit().await;
        let tokens = tokens(&rp, &page).await;
        let person = rp.userinfo(&tokens.access).await.json();
        assert_eq!(person["groups"], json!(["all people", "guests"]));
        assert_eq!((&person["email"], &person["email_verified"]), (&json!("n@corp.example"), &json!(false)));
    }

    async fn an_administrator_confirms_an_address_that_is_free(backend: Backend) {
        let bed = open_with(backend, &[], &["trusted"]).await;
        let (rp, browser) = (bed.rp("trusted"), bed.world.browser());
        let page = rp.authorize(&browser, &CREATE).await;
        let page = fill_in(&page, "nancy").set("email", "nancy@people.test").submit().await;
        assert_success(&Callback::of(&page), &rp, STATE);
        let admin = crate::kit::console::admin(&bed.world, "owner").await;
        let list = admin.page("/admin/users?q=nancy%40people").await;
        let id = crate::kit::console::id_behind(&list, "/admin/users/");
        let by_address = async || sign_in(&bed.world.browser(), "nancy@people.test").await;
        assert_eq!(by_address().await.status.as_u16(), 401);
        // Saved as she is, her address stays what it was; confirmed, she signs in with it.
        let edit = async |verified: &[(&str, &str)]| {
            let known = [("name", "Nancy"), ("email", "nancy@people.test"), ("groups", "")];
            let path = format!("/admin/users/{id}");
            let fields = [&known[..], verified].concat();
            admin.edit(&path, &fields).await.assert_status(303);
        };
        edit(&[]).await;
        assert_eq!(by_address().await.status.as_u16(), 401);
        edit(&[("email_verified", "on")]).await;
        assert_eq!(by_address().await.status.as_u16(), 303);
        let nancy = Person { username: "nancy", email: "", name: "", password: PASSWORD };
        let page = walk(rp.authorize(&bed.world.browser(), &[("scope", "openid email")]).await, &nancy);
        let tokens = tokens(&rp, &page.await).await;
        assert_eq!(rp.userinfo(&tokens.access).await.json()["email_verified"], true);
    }
}
