//! What an attacker may try against a signed-in administrator: forged forms, links that change
//! something, and words that want to be markup.

use reqwest::Method;
use scraper::{Html, Selector};

use crate::kit::console::{Admin, admin, app_fields, create, enter, state};
use crate::support::browser_like::Page;
use crate::support::world::World;

const HOSTILE: &str =
    "\"'></textarea></title><script>alert(1)</script><img src=x onerror=alert(1)>";

on_both_backends! {
    async fn no_form_is_taken_without_this_sessions_own_token(world: World) {
        let owner = admin(&world, "owner").await;
        let other = other_owner(&world).await;
        let person = owner.add_person("grace").await;
        let (app, _) = owner.add_app("Wiki").await;
        let foreign = other.csrf().await;
        let before = state(&world).await;
        for path in posts(&person, &app) {
            for token in ["", "rubbish", &foreign] {
                let mut fields = app_fields("Forged").to_vec();
                fields.extend([("username", "forged"), ("alg", "ES256"), ("csrf", token)]);
                let request = owner.browser.request(Method::POST, &owner.browser.resolve(&path));
                let request = request.form(&fields).header("Sec-Fetch-Site", "same-origin");
                let answer = owner.browser.send(request).await;
                answer.assert_status(403).assert_page_headers();
            }
        }
        assert_eq!(state(&world).await, before);
    }

    async fn no_form_is_taken_from_another_site_or_in_another_shape(world: World) {
        let owner = admin(&world, "owner").await;
        let csrf = owner.csrf().await;
        let before = state(&world).await;
        let fields = [("csrf", csrf.as_str()), ("username", "forged")];
        let foreign = [
            ("Sec-Fetch-Site", "cross-site"),
            ("Sec-Fetch-Site", "same-site"),
            ("Origin", "https://evil.test"),
            ("Origin", "null"),
        ];
        let url = owner.browser.resolve("/admin/users");
        for (name, value) in foreign {
            let request = owner.browser.request(Method::POST, &url).form(&fields);
            owner.browser.send(request.header(name, value)).await.assert_status(403);
        }
        assert_eq!(state(&world).await, before);
        let person = owner.add_person("grace").await;
        let (app, _) = owner.add_app("Wiki").await;
        let before = state(&world).await;
        for path in posts(&person, &app) {
            let url = owner.browser.resolve(&path);
            for kind in ["text/plain", "application/json", "multipart/form-data; boundary=x", ""] {
                let body = format!("csrf={csrf}&username=forged");
                let request = owner.browser.request(Method::POST, &url).body(body);
                let request = request.header("Content-Type", kind);
                // It says who sent it, before anybody asks what it is.
                let foreign = request.try_clone().expect("a body that is there");
                let foreign = foreign.header("Sec-Fetch-Site", "cross-site");
                owner.browser.send(foreign).await.assert_status(403).assert_page_headers();
                let takes_file = path.contains("/logo") && !path.ends_with("/remove")
                    || path.ends_with("/import/start");
                let is_upload = takes_file && kind.starts_with("multipart");
                // The body of an upload has to be one, too.
                let wanted = if is_upload { 400 } else { 415 };
                owner.browser.send(request).await.assert_status(wanted).assert_page_headers();
            }
        }
        assert_eq!(state(&world).await, before);
        let in_address = format!("/admin/users?csrf={csrf}&username=forged");
        let request = owner.browser.request(Method::POST, &owner.browser.resolve(&in_address));
        owner.browser.send(request.form(&[("x", "y")])).await.assert_status(403);
        assert_eq!(state(&world).await, before);
    }

    async fn opening_a_page_changes_nothing(world: World) {
        let owner = admin(&world, "owner").await;
        let person = owner.add_person("grace").await;
        let (app, _) = owner.add_app("Wiki").await;
        let before = state(&world).await;
        let csrf = owner.csrf().await;
        for path in posts(&person, &app) {
            let with_fields = format!("{path}?csrf={csrf}&username=x&alg=ES256&decision=yes");
            let answer = owner.browser.get(&with_fields).await;
            let status = answer.status.as_u16();
            // 303: there is nothing to ask about.
            assert!([200, 303, 404, 405].contains(&status), "{}", answer.describe());
        }
        assert_eq!(state(&world).await, before);
    }

    async fn a_message_is_sealed_and_shown_to_its_own_session_only(world: World) {
        let owner = admin(&world, "owner").await;
        let other = other_owner(&world).await;
        let id = owner.add_person("grace").await;
        let saved = owner.edit(&format!("/admin/users/{id}"), &[("name", "Grace")]).await;
        let cookies = saved.set_cookies();
        let cookie = cookies.iter().find(|c| c.name == "doorward_flash").expect("the cookie");
        assert!(cookie.has("httponly") && !cookie.has("domain"));
        assert_eq!((cookie.attribute("samesite"), cookie.attribute("path")), ("Strict", "/"));
        assert!(!cookie.value.contains("Grace") && cookie.value.len() < 2_048);

        other.browser.plant_cookie("doorward_flash", &cookie.value);
        assert!(!other.page("/admin").await.has(".flash"), "not somebody else's message");
        let mut changed = cookie.value.clone();
        changed.replace_range(40..41, if &changed[40..41] == "A" { "B" } else { "A" });
        let page = owner.browser.copy();
        page.plant_cookie("doorward_flash", &changed);
        assert!(!page.get("/admin").await.has(".flash"), "not one that was edited");
        let shown = owner.page("/admin").await;
        assert_eq!(shown.texts(".flash"), ["Grace is saved."]);
        assert!(shown.set_cookies().iter().any(|c| c.name == "doorward_flash" && c.deletes()));
    }

    async fn hostile_words_stay_words_on_every_page(world: World) {
        let owner = admin(&world, "owner").await;
        let new = ("make_groups", "on");
        let fields = [("username", "grace"), ("name", HOSTILE), ("groups", HOSTILE), new];
        assert_inert(&owner.post("/admin/users", &fields[..3]).await, "a question about a group");
        let made = owner.post("/admin/users", &fields).await;
        let id = crate::kit::console::id_behind(&made, "/admin/users/");
        let mut fields = app_fields("x").to_vec();
        fields[0] = ("name", HOSTILE);
        // 100 characters are allowed; the words fit.
        let app = owner.post("/admin/clients", &fields).await;
        assert_inert(&app, "the new app's page");
        app.assert_status(200);
        let app = crate::kit::console::field(&app, "client-id");
        let saved = owner.edit(&format!("/admin/users/{id}"), &fields).await;
        let message = saved.follow().await;
        assert!(message.texts(".flash")[0].starts_with(HOSTILE), "{}", message.describe());
        assert_inert(&message, "a message with the name");

        let typed: String = url::form_urlencoded::byte_serialize(HOSTILE.as_bytes()).collect();
        let mut pages = vec![
            "/admin".to_owned(),
            "/admin/clients".to_owned(),
            "/admin/groups".to_owned(),
            format!("/admin/groups/{typed}").replace('+', "%20"),
            format!("/admin/groups/{typed}/delete").replace('+', "%20"),
            format!("/admin/clients/{app}"),
            format!("/admin/users/{id}"),
            format!("/admin/keys/retire?kid={typed}"),
            format!("/admin/users/{typed}"),
            format!("/admin/clients/{typed}"),
            format!("/admin/audit?kind={typed}&user={typed}&client={typed}&request_id={typed}&after={typed}"),
        ];
        for list in ["users?q", "clients?q", "groups?q", "sessions?user"] {
            pages.push(format!("/admin/{list}={typed}&after={typed}"));
        }
        for step in ["disable", "delete"] {
            pages.push(format!("/admin/users/{id}/{step}"));
            pages.push(format!("/admin/clients/{app}/{step}"));
        }
        for path in pages {
            let page = owner.browser.get(&path).await;
            assert!([200, 404].contains(&page.status.as_u16()), "{}", page.describe());
            assert_inert(&page, &path);
        }
        let fields = [("username", HOSTILE), ("email", HOSTILE), ("groups", HOSTILE)];
        assert_inert(&owner.post("/admin/users", &fields).await, "a form that comes back");
        let mut fields = app_fields("x").to_vec();
        fields.push(("redirect_uris", HOSTILE));
        fields.push(("client_uri", "javascript:alert(1)"));
        assert_inert(&owner.post("/admin/clients", &fields).await, "an app that comes back");
    }

    async fn unknown_ids_are_not_found(world: World) {
        let owner = admin(&world, "owner").await;
        for path in posts("nobody", "no-app") {
            // Of a message nobody can tell whether it has arrived or never was.
            let about_something = (path.contains("nobody") || path.contains("no-app"))
                && !path.starts_with("/admin/jobs");
            if about_something {
                owner.post(&path, &app_fields("x")).await.assert_status(404);
                let page = owner.browser.get(&path).await;
                assert!([404, 405].contains(&page.status.as_u16()), "{}", page.describe());
                page.assert_page_headers();
            }
        }
        for path in ["/admin/users/nobody", "/admin/clients/%00", "/admin/clients/a%2Fb", "/admin/x"] {
            let page = owner.browser.get(path).await;
            page.assert_status(404).assert_page_headers();
            // Whoever has lost the way in the console is still in it.
            assert_eq!(page.texts("nav.sections a").len(), 15, "{}", page.describe());
            let stranger = world.browser().get(path).await;
            assert!([303, 404].contains(&stranger.status.as_u16()), "{}", stranger.describe());
            assert!(!stranger.has("nav.sections"), "{path}");
        }
        let section = owner.browser.get("/admin/clients/none").await;
        assert_eq!(section.attributes("main a.button", "href"), ["/admin/clients"]);
    }
}

/// Every address that changes something, about this person and this app.
fn posts(person: &str, app: &str) -> Vec<String> {
    let posts = doorward::http::console::addresses().filter(|(method, _, _)| *method == "POST");
    let paths = posts.map(|(_, path, _)| {
        let id = if path.starts_with("/admin/clients") { app } else { person };
        path.replace("{id}", id)
    });
    paths.collect()
}

async fn other_owner(world: &World) -> Admin {
    create(world, "other-owner", Some("owner"));
    enter(world, "other-owner").await
}

/// No element, handler or address that our own templates did not write.
fn assert_inert(page: &Page, what: &str) {
    let document = Html::parse_document(&page.body);
    let every = Selector::parse("*").unwrap();
    for element in document.select(&every) {
        let element = element.value();
        let inline = element.name() == "script" && element.attr("src").is_none();
        let foreign = element.name() == "img" && element.attr("src") == Some("x");
        assert!(!inline && !foreign, "{what}: {element:?}");
        for (name, value) in element.attrs() {
            assert!(!name.starts_with("on"), "{what}: {element:?}");
            let link = matches!(name, "href" | "src" | "action" | "formaction");
            assert!(!(link && value.trim().to_lowercase().starts_with("javascript:")), "{what}");
        }
    }
}
