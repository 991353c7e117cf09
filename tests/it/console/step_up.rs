//! Secrets, keys, power and backups ask for the password once more when the last sign-in is some time
//! ago, and then the page comes that asked.

use serde_json::json;

use crate::kit::api::service_for;
use crate::kit::console::{Admin, admin, create, enter, post, state};
use crate::kit::flow::{
    PASSWORD, PATIENCE, SESSION_COOKIE, count, execute, forget_copies, is_signed_in,
};
use crate::support::backends::Backend;
use crate::support::browser_like::{Browser, Page};
use crate::support::process::wait_until_async;
use crate::support::world::World;

/// A world with an owner who signed in too long ago for what is guarded, and for its forms.
async fn stale(backend: Backend) -> (World, Admin) {
    // A sign-in counts as fresh for a minute, and for another for forms.
    let world = World::builder(backend).env("DOORWARD_SESSION__ADMIN_STEP_UP", "60").start().await;
    let owner = admin(&world, "owner").await;
    execute(&world, "update sessions set auth_time = auth_time - 180").await;
    forget_copies(&world).await;
    wait_until_async("the copies being distrusted", PATIENCE, async || {
        owner.browser.get("/admin/api-keys/new").await.try_location().is_some()
    })
    .await;
    (world, owner)
}

/// Signs in where a page has led to, and gives where that leads.
async fn sign_in_at(owner: &Admin, answer: &Page) -> String {
    let to = answer.location();
    let form =
        owner.browser.get(&format!("{}?{}", to.path(), to.query().unwrap_or_default())).await;
    assert!(form.text().contains("asks for your password again"), "{}", form.describe());
    let led = form.form("sign-in").set("password", PASSWORD).submit().await.location();
    led.query().map_or_else(|| led.path().to_owned(), |query| format!("{}?{query}", led.path()))
}

/// Sends the form of an app with this name and these scopes.
async fn with_scopes(owner: &Admin, page: &str, (name, scopes): (&str, &str)) -> Page {
    let form = owner.page(page).await.form("client").set("name", name).uncheck("scope");
    let mut pairs = form.pairs();
    pairs.push(("scope".to_owned(), scopes.to_owned()));
    let pairs: Vec<_> = pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    post(&owner.browser, &format!("{page}/edit"), &pairs).await
}

/// Checks that a form is there again, with what to do first said at this field.
#[track_caller]
fn assert_asked(refused: &Page, field: &str) {
    refused.assert_status(422);
    assert!(refused.text().contains("Sign in again first"), "{}", refused.describe());
    assert_eq!(refused.attributes(".summary a", "href"), [field]);
}

on_both_backends! {
    async fn what_is_guarded_asks_for_the_password_and_then_comes_back(backend: Backend) {
        let (world, owner) = stale(backend).await;
        let (client, _) = {
            let owner = enter(&world, "the-owner").await;
            owner.add_app("Wiki").await
        };
        world.cli(&["group", "create", "crew"]);
        create(&world, "bob", None);
        let before = state(&world).await;
        let app = format!("/admin/clients/{client}");
        let rotate = format!("{app}/rotate-secret");
        // A page comes back as it was asked for.
        for page in [&*rotate, "/admin/api-keys/new", "/admin/upstream/new", "/admin/keys/retire?kid=a%2Fb",
            "/admin/clients/new", "/admin/issuers/new", "/admin/webhooks/new", "/admin/users/import",
            "/admin/registration-tokens/new"] {
            let answer = owner.browser.get(page).await;
            assert_eq!(answer.location().path(), "/login", "{}", answer.describe());
        }
        // A form, at the page that has it; nothing is done.
        for (form, page) in [
            (&*rotate, &*app), (&format!("{app}/add-secret"), &*app), ("/admin/keys/rotate", "/admin/keys"),
            ("/admin/groups/crew/add-manager", "/admin/groups/crew"), ("/admin/backup", "/admin/backup"),
            ("/admin/api-keys", "/admin/api-keys"), ("/admin/upstream", "/admin/upstream"),
            ("/admin/upstream/x/set-secret", "/admin/upstream/x"), ("/admin/users/bob/reset-link", "/admin/users/bob"),
            ("/admin/users/bob/temporary-password", "/admin/users/bob"),
            ("/admin/clients", "/admin/clients"), ("/admin/issuers", "/admin/issuers"),
            ("/admin/webhooks", "/admin/webhooks"), ("/admin/users/import/start", "/admin/users/import"),
            ("/admin/registration-tokens", "/admin/registration-tokens"),
        ] {
            let fields = [("alg", "ES256"), ("manager", "bob"), ("name", "x"), ("scope", "doorward.users:read")];
            let answer = owner.post(form, &fields).await;
            let to = answer.location();
            assert_eq!(to.path(), "/login", "{form}: {}", answer.describe());
            assert!(to.query_pairs().any(|(name, value)| name == "page" && value == page), "{form}: {to}");
        }
        assert_eq!(state(&world).await, before);
        // What is not guarded goes on as before.
        owner.post("/admin/groups", &[("name", "other")]).await.assert_status(303);
        let answer = owner.browser.get(&rotate).await;
        assert_eq!(sign_in_at(&owner, &answer).await, rotate);
        world.assert_log_is_clean(&[PASSWORD]);
    }

    async fn the_cookie_from_before_the_password_opens_nothing_any_more(backend: Backend) {
        let (world, owner) = stale(backend).await;
        let page = "/admin/api-keys/new";
        let leads_to_sign_in = async |browser: &Browser, path: &str| {
            let answer = browser.get(path).await;
            answer.try_location().is_some_and(|to| to.path() == "/login")
        };
        let (old, stolen) = (owner.browser.cookie(SESSION_COOKIE), owner.browser.copy());
        assert!(old.is_some() && is_signed_in(&stolen).await);
        assert!(!leads_to_sign_in(&stolen, "/admin").await, "so far it opens the console");
        let answer = owner.browser.get(page).await;
        assert_eq!(sign_in_at(&owner, &answer).await, page);
        let renewed = owner.browser.cookie(SESSION_COOKIE);
        assert!(renewed.is_some() && renewed != old, "the cookie is a new one");
        owner.page(page).await;
        // At once, at what is guarded, at the rest of the console and everywhere else.
        for path in [page, "/admin", "/account"] {
            assert!(leads_to_sign_in(&stolen, path).await, "{path}");
        }
        let living = "select count(*) from sessions where revoked_at is null";
        assert_eq!(count(&world, living).await, 1, "the session is the same one");

        // A sign-in for something else renews the cookie, too, and the console is not open to that one.
        let (console, stolen) = (owner.browser.cookie(SESSION_COOKIE), owner.browser.copy());
        let form = owner.browser.get("/login?next=sign-out").await.form("sign-in");
        form.set("password", PASSWORD).submit().await.assert_status(303);
        assert_ne!(owner.browser.cookie(SESSION_COOKIE), console);
        assert!(is_signed_in(&owner.browser).await && !is_signed_in(&stolen).await);
        for browser in [&owner.browser, &stolen] {
            assert!(leads_to_sign_in(browser, "/admin").await);
        }
        world.assert_log_is_clean(&[PASSWORD]);
    }

    async fn power_is_given_by_who_has_just_signed_in(backend: Backend) {
        let (world, owner) = stale(backend).await;
        create(&world, "bob", None);
        let page = owner.page("/admin/users/bob").await;
        let form = page.form("user");
        assert!(!form.names().contains(&"role"), "{}", page.describe());
        // Everything else is saved, and the role stays as it is.
        form.set("name", "Bob B.").submit().await.assert_status(303);
        for (path, name) in [("/admin/users/bob/edit", "Robert"), ("/admin/users", "Mallory")] {
            let fields = [("username", "mallory"), ("name", name), ("role", "owner")];
            let refused = match path.strip_suffix("/edit") {
                Some(page) => owner.edit(page, &fields).await,
                None => owner.post(path, &fields).await,
            };
            refused.assert_status(422);
            assert!(refused.text().contains("Sign in again first"), "{}", refused.describe());
            assert_eq!(refused.form("user").value("name"), Some(name));
        }
        let bob = world.cli(&["user", "show", "bob"]);
        assert!(bob["role"].is_null() && bob["name"] == "Bob B.", "{bob}");
        let link = page.attributes("#role a", "href")[0].clone();
        let asked = owner.browser.get(&link).await;
        let led = asked.form("sign-in").set("password", PASSWORD).submit().await.location();
        assert!(led.path().starts_with("/admin/users/"), "{led}");
    }

    async fn a_webhook_is_led_elsewhere_by_who_has_just_signed_in(backend: Backend) {
        let (world, owner) = stale(backend).await;
        let hook = ["webhook", "create", "--name", "chat", "--url", "https://chat.invalid/in", "--event", "key.*"];
        let id = world.cli(&hook)["id"].as_str().expect("an id").to_owned();
        let page = format!("/admin/webhooks/{id}");
        let before = world.cli(&["webhook", "show", "chat"]);
        for (url, events) in [("https://evil.invalid/in", "key.*"), ("https://chat.invalid/in", "*")] {
            let fields = [("name", "chat"), ("url", url), ("events", events)];
            let refused = owner.edit(&page, &fields).await;
            refused.assert_status(422);
            assert!(refused.text().contains("Sign in again first"), "{}", refused.describe());
        }
        assert_eq!(world.cli(&["webhook", "show", "chat"]), before);
        let renamed = [("name", "talk"), ("url", "https://chat.invalid/in"), ("events", "key.*")];
        owner.edit(&page, &renamed).await.assert_status(303);
    }

    async fn an_app_gains_power_at_the_api_by_who_has_just_signed_in(backend: Backend) {
        let (world, owner) = stale(backend).await;
        let (read, write) = ("doorward.users:read", "doorward.users:write");
        service_for(&world, ("robot", "https://api.rp.test"), &[read], &json!({}));
        let shown = || world.cli(&["client", "show", "robot"]);
        let before = shown();
        let (page, tokens) = ("/admin/clients/robot", "/admin/clients/robot/tokens");
        let audience = format!("{}/api/v1", world.issuer);
        let refused = with_scopes(&owner, page, ("Typed", write)).await;
        assert_asked(&refused, "#scope");
        let again = refused.form("client");
        assert_eq!(again.value("name"), Some("Typed"));
        assert!(again.pairs().contains(&("scope".to_owned(), write.to_owned())), "{}", refused.describe());
        let form = owner.page(tokens).await.form("client");
        let refused = form.set("audience", &audience).set("access_token_lifetime", "120").submit().await;
        assert_asked(&refused, "#audience");
        let again = refused.form("client");
        assert_eq!(again.value("audience"), Some(&*audience));
        assert_eq!(again.value("access_token_lifetime"), Some("120"));
        assert_eq!(shown(), before);
        // What gives no power goes on as before.
        with_scopes(&owner, page, ("Robot", "wiki:read")).await.assert_status(303);
        let form = owner.page(tokens).await.form("client").set("audience", &audience);
        form.submit().await.assert_status(303);
        let answer = owner.browser.get("/admin/clients/new").await;
        sign_in_at(&owner, &answer).await;
        with_scopes(&owner, page, ("Robot", write)).await.assert_status(303);
        let robot = shown();
        assert_eq!((&robot["scope"], &robot["audience"]), (&json!([write]), &json!([audience])));
    }

    async fn a_mailbox_is_vouched_for_by_who_has_just_signed_in(backend: Backend) {
        let (world, owner) = stale(backend).await;
        let people = ["bob", "hand", "keeper"];
        for (who, role) in people.into_iter().zip([None, Some("operator"), None]) {
            create(&world, who, role);
        }
        world.cli(&["group", "create", "crew"]);
        world.cli(&["group", "add-manager", "crew", "keeper"]);
        let shown = |who: &str| world.cli(&["user", "show", who]);
        let before = people.map(shown);
        // That an address is theirs, and another one of somebody who may use the console.
        for (who, email, is_ticked, field) in [
            ("bob", "bob@example.test", true, "#email_verified"),
            ("bob", "mallory@example.test", true, "#email_verified"),
            ("hand", "mallory@example.test", false, "#email"),
            ("keeper", "mallory@example.test", false, "#email"),
        ] {
            let form = owner.page(&format!("/admin/users/{who}")).await.form("user");
            let form = form.set("email", email).set("name", "Typed");
            let form = if is_ticked { form.check("email_verified", "on") } else { form };
            let refused = form.submit().await;
            assert_asked(&refused, field);
            let again = refused.form("user");
            assert_eq!((again.value("email"), again.value("name")), (Some(email), Some("Typed")));
            assert_eq!(refused.has("#email_verified[checked]"), is_ticked);
        }
        assert_eq!(people.map(shown), before);
        // An address that nobody vouches for goes on as before, and so does the name of an administrator.
        for (who, field, text) in [("bob", "email", "robert@example.test"), ("hand", "name", "Hand")] {
            let form = owner.page(&format!("/admin/users/{who}")).await.form("user");
            form.set(field, text).submit().await.assert_status(303);
        }
        let answer = owner.browser.get("/admin/clients/new").await;
        sign_in_at(&owner, &answer).await;
        let form = owner.page("/admin/users/bob").await.form("user").check("email_verified", "on");
        form.submit().await.assert_status(303);
        let form = owner.page("/admin/users/hand").await.form("user");
        form.set("email", "hand@other.test").submit().await.assert_status(303);
        let (bob, hand) = (shown("bob"), shown("hand"));
        assert_eq!((&bob["email"], &bob["email_verified"]), (&json!("robert@example.test"), &json!(true)));
        assert_eq!(hand["email"], "hand@other.test");
    }

    async fn an_app_with_power_at_the_api_is_enabled_by_who_has_just_signed_in(backend: Backend) {
        let (world, owner) = stale(backend).await;
        for (id, scope) in [("robot", "doorward.users:read"), ("plain", "wiki:read")] {
            service_for(&world, (id, "https://api.rp.test"), &[scope], &json!({}));
            world.cli(&["client", "update", id, "--disable"]);
        }
        let state_of = |id: &str| world.cli(&["client", "show", id])["state"].clone();
        let page = "/admin/clients/robot";
        let enable = format!("{page}/enable");
        let asked = owner.page(page).await.form_to(&enable).submit().await;
        let to = asked.location();
        assert_eq!(to.path(), "/login", "{}", asked.describe());
        assert!(to.query_pairs().any(|(name, value)| name == "page" && value == page), "{to}");
        assert_eq!(state_of("robot"), "disabled");
        // One that can do nothing there goes on as before.
        let plain = "/admin/clients/plain";
        let done = owner.page(plain).await.form_to(&format!("{plain}/enable")).submit().await;
        assert_eq!(done.location().path(), plain, "{}", done.describe());
        assert_eq!(state_of("plain"), "enabled");
        // Neither does it take a sign-in to stop one.
        world.cli(&["client", "update", "robot", "--enable"]);
        owner.post(&format!("{page}/disable"), &[]).await.assert_status(303);
        assert_eq!(state_of("robot"), "disabled");
        assert_eq!(sign_in_at(&owner, &asked).await, page);
        let done = owner.page(page).await.form_to(&enable).submit().await;
        assert_eq!(done.location().path(), page, "{}", done.describe());
        assert_eq!(state_of("robot"), "enabled");
    }

    async fn a_mailbox_of_somebody_new_is_vouched_for_by_who_has_just_signed_in(backend: Backend) {
        let (world, owner) = stale(backend).await;
        let form = owner.page("/admin/users/new").await.form("user");
        let form = form.set("username", "carla").set("name", "Carla").set("email", "carla@example.test");
        let refused = form.check("email_verified", "on").submit().await;
        assert_asked(&refused, "#email_verified");
        let again = refused.form("user");
        let typed = ["username", "name", "email"].map(|field| again.value(field));
        assert_eq!(typed, [Some("carla"), Some("Carla"), Some("carla@example.test")]);
        assert!(refused.has("#email_verified[checked]"), "{}", refused.describe());
        assert_eq!(count(&world, "select count(*) from users where username = 'carla'").await, 0);
        // Nobody need vouch for an address to add somebody.
        again.uncheck("email_verified").submit().await.assert_status(200);
        assert_eq!(world.cli(&["user", "show", "carla"])["email_verified"], false);
        let answer = owner.browser.get("/admin/clients/new").await;
        sign_in_at(&owner, &answer).await;
        let form = owner.page("/admin/users/new").await.form("user");
        let form = form.set("username", "dora").set("email", "dora@example.test");
        form.check("email_verified", "on").submit().await.assert_status(200);
        assert_eq!(world.cli(&["user", "show", "dora"])["email_verified"], true);
    }

    async fn settings_are_changed_by_who_has_just_signed_in(backend: Backend) {
        let (world, owner) = stale(backend).await;
        let page = owner.page("/admin/settings").await;
        assert!(page.has("main a[href*='/login?next=admin']"), "{}", page.describe());
        // What keeps open consoles from giving power away cannot be ended from one.
        let form = page.form("settings-session").set("session-idle", "1234");
        let refused = form.submit().await;
        refused.assert_status(422);
        assert!(refused.text().contains("Sign in again first"), "{}", refused.describe());
        assert_eq!(refused.form("settings-session").value("session-idle"), Some("1234"));
        assert_eq!(world.cli(&["setting", "get", "session.idle"])["origin"], "default");
        // Neither is what people look at before they type their password.
        for logo in ["/admin/settings/logo/logo", "/admin/settings/logo/logo-dark/remove"] {
            let refused = owner.post(logo, &[]).await;
            assert_eq!(refused.location().path(), "/admin/settings", "{}", refused.describe());
            let said = owner.page("/admin/settings").await;
            assert!(said.text().contains("Sign in again first"), "{}", said.describe());
        }
        let link = page.attributes("main a[href*='/login?next=admin']", "href")[0].clone();
        let asked = owner.browser.get(&link).await;
        let led = asked.form("sign-in").set("password", PASSWORD).submit().await.location();
        assert_eq!(led.path(), "/admin/settings");
        let form = owner.page("/admin/settings").await.form("settings-session");
        form.set("session-idle", "1234").submit().await.assert_status(303);
        assert_eq!(world.cli(&["setting", "get", "session.idle"])["value"], 1234);
    }

    async fn a_sign_in_leads_to_pages_of_the_console_and_nowhere_else(world: World) {
        let owner = admin(&world, "owner").await;
        for page in [
            "https://evil.test/", "//evil.test", "/admin//evil.test", "/admin/../account", "/admin/%0d%0aX:%20y\r\nZ",
            "/account", "/adminx", "\\\\evil.test", "/admin/\\evil.test", "javascript:alert(1)", "/admin/ü", "",
        ] {
            let query = serde_urlencoded::to_string([("next", "admin"), ("page", page)]).unwrap();
            let form = owner.browser.get(&format!("/login?{query}")).await.form("sign-in");
            let led = form.set("password", PASSWORD).submit().await;
            assert_eq!(led.location().path(), "/admin", "{page}: {}", led.describe());
            assert_eq!(led.location().query(), None);
        }
        let long = format!("/admin/{}", "x".repeat(2_000));
        let form = owner.browser.get(&format!("/login?next=admin&page={long}")).await.form("sign-in");
        assert_eq!(form.set("password", PASSWORD).submit().await.location().path(), "/admin");
    }
}
