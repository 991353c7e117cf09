//! Adding an app step by step, and watching the first sign-in to it, with plain forms: no script runs
//! in these tests.

use serde_json::{Value, json};

use crate::kit::api::{Api, is};
use crate::kit::audit::events;
use crate::kit::console::{Admin, admin, create, field, post};
use crate::kit::fixtures::{Auth, Person, Rp, payload};
use crate::kit::flow::{App, PASSWORD, REDIRECT, sign_in};
use crate::support::browser_like::Page;
use crate::support::world::World;

/// Where the app is whose redirect URI the kit's apps use.
const AT: &str = "https://rp.test";

/// The words of the card that says how far an app has come.
fn card(page: &Page) -> String {
    page.texts("#trial").join(" ")
}

/// Where the hints of that card lead.
fn hints(page: &Page) -> Vec<String> {
    page.attributes("#trial p.hint a", "href")
}

/// Goes through the steps for a web app at [`AT`]; gives id and secret.
async fn add_web_app(owner: &Admin) -> (String, String) {
    let start = owner.page("/admin/clients/new").await;
    assert!(start.attributes("main a", "href").contains(&"/admin/clients/new?kind=web".to_owned()));
    let form = owner.page("/admin/clients/new?kind=web").await.form("address");
    let page = form.set("url", AT).submit().await;
    page.assert_status(200).assert_page_headers();
    let form = page.form("client");
    assert_eq!(form.value("redirect_uris"), Some("https://rp.test/callback"));
    assert_eq!(form.value("post_logout_redirect_uris"), Some("https://rp.test/"));
    assert_eq!(form.value("client_uri"), Some(AT));
    let made = form.set("name", "Wiki").check("skip_consent", "on").submit().await;
    made.assert_status(200).assert_page_headers();
    assert!(card(&made).contains("Waiting for the first sign-in"), "{}", made.describe());
    (field(&made, "client-id"), field(&made, "client-secret"))
}

on_both_backends! {
    async fn an_app_of_the_catalogue_is_added_with_everything_filled_in(world: World) {
        let owner = admin(&world, "owner").await;
        let found = owner.page("/admin/clients/new?q=GRAF").await;
        let tiles = found.attributes("main .launcher a", "href");
        assert_eq!(tiles[0], "/admin/clients/new?app=grafana");
        assert!(!tiles.iter().any(|to| to.contains("app=gitlab")), "{tiles:?}");
        let none = owner.page("/admin/clients/new?q=no+such+app").await;
        assert!(none.text().contains("None of them is called"), "{}", none.describe());

        let step = owner.page(&tiles[0]).await;
        let wrong = step.form("address").set("url", "grafana.test").submit().await;
        wrong.assert_status(422).assert_page_headers();
        assert_eq!(wrong.form("address").value("url"), Some("grafana.test"));
        let page = step.form("address").set("url", "https://grafana.test/").submit().await;
        let form = page.form("client");
        assert_eq!(form.value("name"), Some("Grafana"));
        assert_eq!(form.value("redirect_uris"), Some("https://grafana.test/login/generic_oauth"));
        let made = form.submit().await;
        made.assert_status(200).assert_page_headers();
        let (id, secret) = (field(&made, "client-id"), field(&made, "client-secret"));
        let snippets = made.texts("textarea").join("\n");
        for part in [format!("client_id = {id}"), format!("client_secret = {secret}")] {
            assert!(snippets.contains(&part), "{part}: {snippets}");
        }
        assert!(snippets.contains(&world.url("/oauth2/token")), "{snippets}");
        assert!(!snippets.contains("YOUR_CLIENT_SECRET"), "{snippets}");
        let kept = world.cli(&["client", "show", &id]);
        assert_eq!(kept["claims_in"], "id_token_too");
        assert_eq!(kept["client_uri"], "https://grafana.test");
        let later = owner.page(&format!("/admin/clients/{id}/connect?app=grafana")).await;
        assert!(!later.body.contains(&secret), "shown once");

        owner.browser.get("/admin/clients/new?app=nothing").await.assert_status(404);
        owner.browser.get("/admin/clients/new?kind=king").await.assert_status(404);
        world.assert_log_is_clean(&[PASSWORD, &secret]);
    }

    async fn an_agent_is_registered_for_the_server_that_it_calls(world: World) {
        const SERVER: &str = "https://mcp.test/mcp";
        let owner = admin(&world, "owner").await;
        create(&world, "alice", None);
        let start = owner.page("/admin/clients/new").await;
        let step = "/admin/clients/new?kind=agent";
        assert!(start.attributes("main .launcher a", "href").contains(&step.to_owned()));
        let page = owner.page(step).await;
        assert!(page.text().contains("That is off here"), "{}", page.describe());
        let wrong = page.form("address").set("url", "http://mcp.test").submit().await;
        wrong.assert_status(422);
        let form = wrong.form("address").set("url", &format!("{SERVER}/")).submit().await.form("client");
        let redirects = form.value("redirect_uris").expect("a list");
        assert!(redirects.contains("http://127.0.0.1/callback") && redirects.contains("http://[::1]/callback"));
        // Something to mend loses nothing.
        let again = form.set("name", " ").submit().await;
        again.assert_status(422);
        let made = again.form("client").set("name", "Agent").submit().await;
        made.assert_status(200).assert_page_headers();
        let id = field(&made, "client-id");
        assert!(!made.has("#client-secret"), "it has none");
        let told = made.texts("textarea").join("\n");
        for part in [
            world.issuer.clone(),
            world.url("/.well-known/oauth-authorization-server"),
            format!("\"resource\": \"{SERVER}\""),
        ] {
            assert!(told.contains(&part), "{part}: {told}");
        }
        let kept = world.cli(&["client", "show", &id]);
        assert_eq!((&kept["pkce"], &kept["audience"]), (&json!("required"), &json!([SERVER])));
        let rp = Rp {
            auth: Auth::None,
            redirect_uri: "http://127.0.0.1:49152/callback".to_owned(),
            ..Rp::new(&world, &id)
        };
        let (username, email, name) = ("alice", "alice@example.test", "alice");
        let alice = Person { username, email, name, password: PASSWORD };
        let asked = [("resource", SERVER), ("scope", "openid offline_access"), ("prompt", "consent")];
        let tokens = rp.tokens(&world.browser(), &alice, &asked).await;
        assert_eq!(payload(&tokens.access)["aud"], SERVER);
        assert!(!tokens.refresh.as_deref().unwrap_or_default().is_empty());
    }

    async fn an_agent_with_a_document_needs_nothing_where_that_is_on(backend: Backend) {
        let world = World::builder(backend).env("DOORWARD_REGISTRATION__METADATA_DOCUMENTS", "true");
        let world = world.start().await;
        let page = admin(&world, "owner").await.page("/admin/clients/new?kind=agent").await;
        assert!(page.text().contains("That is on here"), "{}", page.describe());
    }

    async fn the_first_sign_in_is_watched_and_what_goes_wrong_is_said_in_words(world: World) {
        let owner = admin(&world, "owner").await;
        create(&world, "alice", None);
        let (id, secret) = add_web_app(&owner).await;
        let (app, alice) = (App::known(&world, &id, &secret), sign_in(&world, "alice").await);
        let path = format!("/admin/clients/{id}");
        let watched = format!("{path}/first-sign-in");
        assert!(card(&owner.page(&watched).await).contains("Waiting"));

        alice.get(&app.authorize_path(&[])).await.assert_status(400);
        let page = owner.page(&watched).await;
        let words = card(&page);
        for part in ["The last try failed", REDIRECT, "https://rp.test/callback"] {
            assert!(words.contains(part), "{part}: {words}");
        }
        let question = owner.page(&format!("{path}/add-redirect-uri")).await;
        assert!(page.attributes("#trial a", "href").contains(&format!("{path}/add-redirect-uri")));
        let added = question.form_to(&format!("{path}/add-redirect-uri")).submit().await;
        assert!(owner.message_after(&added).await.contains("is registered"));
        assert!(world.cli(&["client", "show", &id])["redirect_uris"].to_string().contains(REDIRECT));

        let stranger = App::known(&world, &id, "not-the-secret-of-this-app-at-all-000000000");
        let code = app.code(&alice).await;
        stranger.redeem(&code).await.assert_error(401, "invalid_client");
        let words = card(&owner.page(&watched).await);
        assert!(words.contains("invalid_client") && words.contains("Check the client id"), "{words}");

        app.redeem(&code).await.tokens();
        let page = owner.page(&path).await;
        let words = card(&page);
        assert!(words.contains("It works") && words.contains("sends PKCE"), "{words}");
        let required = page.form_to(&format!("{path}/require-pkce")).submit().await;
        assert_eq!(owner.message_after(&required).await, "Wiki must send PKCE from now on.");
        assert_eq!(world.cli(&["client", "show", &id])["pkce"], "required");
        assert!(!card(&owner.page(&path).await).contains("sends PKCE"));
        world.assert_log_is_clean(&[PASSWORD, &secret]);
    }

    async fn a_sign_in_is_tried_where_the_app_begins_it_and_its_outcome_is_shown(world: World) {
        let owner = admin(&world, "owner").await;
        let (id, secret) = add_web_app(&owner).await;
        let path = format!("/admin/clients/{id}");
        let pages = [path.clone(), format!("{path}/first-sign-in")];
        let button = async |page: &str| {
            let page = owner.page(page).await;
            let href = page.attributes("#trial a.button[target=_blank]", "href");
            (page.texts("#trial a.button[target=_blank]"), href)
        };
        let api = Api::with_key(&world, "the-owner", &["doorward.clients:write"]);
        let set = async |metadata: Value| {
            let change = json!({ "metadata": metadata });
            is(api.patch_now(&format!("/clients/{id}"), &change).await, 200);
        };
        set(json!({ "client_uri": null })).await;
        for page in &pages {
            assert_eq!(button(page).await, (Vec::new(), Vec::new()), "nobody knows where the app is");
        }
        set(json!({ "client_uri": "https://rp.test/home", "redirect_uris": [REDIRECT] })).await;
        for page in &pages {
            let (text, href) = button(page).await;
            assert_eq!((text, href), (vec!["Open the app".to_owned()], vec!["https://rp.test/home".to_owned()]));
        }
        set(json!({ "initiate_login_uri": "https://rp.test/login" })).await;
        let issuer: String = url::form_urlencoded::byte_serialize(world.issuer.as_bytes()).collect();
        let wanted = format!(
            "https://rp.test/login?iss={issuer}&target_link_uri=https%3A%2F%2Frp.test%2Fhome"
        );
        for page in &pages {
            let (text, href) = button(page).await;
            assert_eq!((text, href), (vec!["Test sign-in".to_owned()], vec![wanted.clone()]));
        }
        // What the app does when it is asked: it begins, and the card says how it went.
        let app = App::known(&world, &id, &secret);
        assert!(card(&owner.page(&path).await).contains("Waiting"));
        app.tokens(&owner.browser).await;
        assert!(card(&owner.page(&path).await).contains("It works"));
    }

    async fn an_app_s_form_says_where_it_begins_a_sign_in(world: World) {
        let owner = admin(&world, "owner").await;
        let (id, _) = add_web_app(&owner).await;
        let path = format!("/admin/clients/{id}");
        let kept = || world.cli(&["client", "show", &id])["initiate_login_uri"].clone();
        let changes = async || events(&world, "client.updated").await;
        // As the command line and the REST API have it: https alone, also where the app is on loopback.
        for wrong in [
            "http://rp.test/login", "http://localhost/login", "https://rp.test/login#x",
            "javascript:alert(1)", "rp.test/login",
        ] {
            let form = owner.page(&path).await.form("client").set("initiate_login_uri", wrong);
            let page = form.submit().await;
            page.assert_status(422).assert_page_headers();
            assert_eq!(page.attributes(".summary a", "href"), ["#initiate_login_uri"], "{wrong}");
            assert_eq!(page.form("client").value("initiate_login_uri"), Some(wrong));
        }
        assert_eq!((kept(), changes().await), (Value::Null, 0));
        let login = "https://rp.test/login";
        let form = owner.page(&path).await.form("client").set("initiate_login_uri", &format!(" {login} "));
        assert_eq!(owner.message_after(&form.submit().await).await, "Wiki is saved.");
        assert_eq!((kept(), changes().await), (json!(login), 1));
        let page = owner.page(&path).await;
        assert_eq!(page.texts("#trial a.button[target=_blank]"), ["Test sign-in"]);
        // The rest of the form leaves it alone, and an empty field takes it away.
        page.form("client").set("name", "Notes").submit().await.assert_status(303);
        assert_eq!(kept(), json!(login));
        let form = owner.page(&path).await.form("client").set("initiate_login_uri", "");
        form.submit().await.assert_status(303);
        assert_eq!(kept(), Value::Null);

        // An app that is added says it as well, and its last page tests it.
        let step = owner.page("/admin/clients/new?kind=web").await.form("address");
        let form = step.set("url", AT).submit().await.form("client").set("name", "Board");
        let made = form.set("initiate_login_uri", login).submit().await;
        made.assert_status(200).assert_page_headers();
        assert_eq!(made.texts("#trial a.button[target=_blank]"), ["Test sign-in"]);
        let board = world.cli(&["client", "show", &field(&made, "client-id")]);
        assert_eq!(board["initiate_login_uri"], login);
    }

    async fn where_an_app_cannot_be_asked_its_pages_say_how_a_sign_in_begins(world: World) {
        let owner = admin(&world, "owner").await;
        let (id, _) = owner.add_app("Wiki").await;
        let path = format!("/admin/clients/{id}");
        let step = owner.page("/admin/clients/new?kind=web").await.form("address");
        let last = step.set("url", AT).submit().await.form("client").set("name", "Board").submit().await;
        last.assert_status(200).assert_page_headers();
        assert!(card(&last).contains("with the app’s own button or link"), "{}", card(&last));
        let board = format!("/admin/clients/{}", field(&last, "client-id"));
        assert_eq!(hints(&last), [format!("{board}#initiate_login_uri"), "/admin/try".to_owned()]);
        for page in [path.clone(), format!("{path}/first-sign-in")] {
            let page = owner.page(&page).await;
            for part in ["Open the app at its own address", "people sent back to rp.test."] {
                assert!(card(&page).contains(part), "{part}: {}", card(&page));
            }
            assert_eq!(hints(&page), [format!("{path}#initiate_login_uri"), "/admin/try".to_owned()]);
        }
        let page = owner.page(&path).await;
        assert!(page.has("form[id='client'] #initiate_login_uri"), "where the link leads");
        // Who may only look is told how, and is offered nothing that is not theirs to do.
        let auditor = admin(&world, "auditor").await;
        let page = auditor.page(&path).await;
        assert!(card(&page).contains("Open the app at its own address"), "{}", page.describe());
        assert!(hints(&page).is_empty(), "{}", page.describe());

        let issuer = &world.issuer;
        for (kind, part) in [
            ("native", "opens a browser for it".to_owned()),
            ("device", format!("which is typed in at {issuer}/device.")),
        ] {
            let mut made = vec!["client", "create", "--name", kind, "--type", kind, "--client-id", kind];
            if kind == "native" {
                made.extend(["--redirect-uri", "http://127.0.0.1/callback"]);
            }
            world.cli(&made);
            let page = owner.page(&format!("/admin/clients/{kind}")).await;
            assert!(card(&page).contains(&part), "{part}: {}", card(&page));
            assert_eq!(hints(&page), ["/admin/try"], "no browser begins a sign-in to it");
        }
        world.cli(&["client", "create", "--name", "Robot", "--type", "machine", "--client-id", "robot"]);
        assert!(!owner.page("/admin/clients/robot").await.has("#trial"), "nobody signs in to it");
        // The app with which a sign-in is tried does not offer itself.
        let tried = owner.page("/admin/try").await.form("try-app").submit().await;
        tried.assert_status(303);
        let page = owner.page("/admin/clients/doorward-try-it").await;
        assert!(hints(&page).is_empty(), "{}", page.describe());
        assert_eq!(page.texts("#trial a.button[target=_blank]"), ["Open the app"]);
    }

    async fn nobody_talks_an_administrator_into_an_address_of_their_own(world: World) {
        let owner = admin(&world, "owner").await;
        let (id, secret) = add_web_app(&owner).await;
        let app = App::known(&world, &id, &secret);
        let path = format!("/admin/clients/{id}");
        let evil = "https://evil.test/<script>alert(1)</script>";
        let sent = app.authorize_path(&[]).replace("rp.test", "evil.test");
        world.browser().get(&sent).await.assert_status(400);
        let page = owner.page(&path).await;
        assert!(card(&page).contains("https://evil.test/"), "{}", page.describe());
        let offers = |page: &Page| {
            page.attributes("#trial a", "href").iter().any(|to| to.contains("redirect-uri"))
        };
        assert!(!offers(&page), "only what is at a host that the app has is proposed");
        let before = world.cli(&["client", "show", &id])["redirect_uris"].clone();
        for address in [format!("{path}/add-redirect-uri"), format!("{path}/add-redirect-uri?uri={evil}")] {
            owner.browser.get(&address).await.assert_status(303);
        }
        for uri in [evil, "https://evil.test/cb", "javascript:alert(1)", "", "https://rp.test/#x"] {
            let answer = owner.post(&format!("{path}/add-redirect-uri"), &[("uri", uri)]).await;
            assert!(owner.message_after(&answer).await.starts_with("There is no address"), "{uri}");
        }
        assert_eq!(world.cli(&["client", "show", &id])["redirect_uris"], before);
    }

    async fn an_app_has_two_secrets_for_as_long_as_it_takes_to_change_it(world: World) {
        let owner = admin(&world, "owner").await;
        let made = owner.page("/admin/clients/new?kind=machine").await.form("client");
        let made = made.set("name", "Nightly report").submit().await;
        let (id, first) = (field(&made, "client-id"), field(&made, "client-secret"));
        let path = format!("/admin/clients/{id}");
        let old = App::known(&world, &id, &first);
        let page = owner.page(&path).await;
        assert!(!page.has(&format!("a[href^='{path}/retire-secret']")), "never the only one");
        let alone = owner.browser.get(&format!("{path}/retire-secret?secret=x")).await;
        assert!(owner.message_after(&alone).await.starts_with("This is the only secret"));

        let added = page.form_to(&format!("{path}/add-secret")).submit().await;
        added.assert_status(200).assert_page_headers();
        let second = field(&added, "client-secret");
        let new = App::known(&world, &id, &second);
        for app in [&old, &new] {
            assert_eq!(app.client_credentials().await.status, 200);
        }
        let third = owner.post(&format!("{path}/add-secret"), &[]).await;
        assert!(owner.message_after(&third).await.contains("two secrets at most"));

        let page = owner.page(&path).await;
        let links = page.attributes("#secrets ~ .scroll a", "href");
        assert_eq!(links.len(), 2, "{}", page.describe());
        let question = owner.page(&links[1]).await;
        let retired = question.form_to(&format!("{path}/retire-secret")).submit().await;
        assert_eq!(owner.message_after(&retired).await, "The secret is retired.");
        assert_eq!(old.client_credentials().await.status, 401, "the older one is dead");
        assert_eq!(new.client_credentials().await.status, 200);
        let marks = world.cli(&["audit", "list", "--client", &id]).to_string();
        assert!(marks.contains("client.secret_added") && marks.contains("client.secret_retired"));
        for (secret, what) in [(&first, "first"), (&second, "second")] {
            assert!(!marks.contains(secret.as_str()), "{what}");
        }
        let mark = marks.split("\"secret\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        let last = owner.post(&format!("{path}/retire-secret"), &[("secret", mark)]).await;
        let said = owner.message_after(&last).await;
        assert!(said.contains("only secret") || said.contains("no such secret"), "{said}");
        assert_eq!(new.client_credentials().await.status, 200);
        world.assert_log_is_clean(&[&first, &second]);
    }

    async fn of_two_who_retire_a_secret_each_at_once_one_stays(world: World) {
        let owner = admin(&world, "owner").await;
        let (id, _) = owner.add_app("Subject").await;
        let path = format!("/admin/clients/{id}");
        for _ in 0..4 {
            owner.post(&format!("{path}/add-secret"), &[]).await.assert_status(200);
            let page = owner.page(&path).await;
            let links = page.attributes("#secrets ~ .scroll a", "href");
            let marks: Vec<_> = links.iter().filter_map(|to| to.split_once("secret=")).collect();
            let [(_, one), (_, other)] = marks[..] else { panic!("two secrets: {links:?}") };
            let csrf = owner.csrf().await;
            let step = format!("{path}/retire-secret");
            let (one, other) = ([("csrf", csrf.as_str()), ("secret", one)], [("csrf", csrf.as_str()), ("secret", other)]);
            let (one, other) =
                tokio::join!(post(&owner.browser, &step, &one), post(&owner.browser, &step, &other));
            one.assert_status(303);
            other.assert_status(303);
            let page = owner.page(&path).await;
            assert_eq!(page.texts("#secrets ~ .scroll tbody tr").len(), 1, "{}", page.describe());
        }
    }

    async fn a_page_that_asks_by_itself_keeps_no_console_open_and_reads_no_message(world: World) {
        let owner = admin(&world, "owner").await;
        let (id, _) = owner.add_app("Subject").await;
        let path = format!("/admin/clients/{id}");
        let done = owner.post(&format!("{path}/enable"), &[]).await;
        done.assert_status(303);
        let quiet = owner.browser.get(&format!("{path}/first-sign-in?live=1")).await;
        quiet.assert_status(200);
        assert!(quiet.texts(".flash").is_empty(), "{}", quiet.describe());
        assert!(owner.message_after(&done).await.contains("can sign in to Subject again"));
    }
}
