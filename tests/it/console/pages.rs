//! A walk through the whole console with plain forms: no script runs in these tests, so everything
//! here works without JavaScript.

use crate::kit::console::{
    Admin, admin, app_fields, can_sign_in, create, field, id_behind, people_called, sessions_on,
};
use crate::kit::flow::{self, App, PASSWORD, is_signed_in, sign_in};
use crate::support::world::World;

const NEW_PASSWORD: &str = "seven-calm-herons-mend-4-nets";

on_both_backends! {
    async fn a_person_is_invited_edited_disabled_enabled_and_deleted(world: World) {
        let owner = admin(&world, "owner").await;
        owner.page("/admin/users").await;
        let page = owner.page("/admin/users/new").await;
        let form = page.form("user").set("username", "Grace").set("name", "Grace Hopper");
        assert!(!page.has("#email_verified[checked]"), "only who knows it says so");
        let form = form.set("email", "grace@example.test").set("groups", "wiki\nstaff");
        let asked = form.check("email_verified", "on").submit().await;
        asked.assert_status(422);
        assert_eq!(people_called(&world, "grace").await, 0);
        assert!(asked.text().contains("There is no group “staff” yet."), "{}", asked.describe());
        let made = asked.form("user").check("make_groups", "on").submit().await;
        made.assert_status(200).assert_page_headers();
        let id = id_behind(&made, "/admin/users/");
        let link = field(&made, "link");

        let grace = world.browser();
        let chosen = grace.get(&link).await.form("reset-password");
        chosen.set("password", NEW_PASSWORD).submit().await.assert_status(303);
        flow::submit_sign_in(&grace, "grace", NEW_PASSWORD).await.assert_status(303);

        edit_person(&world, &owner, &id).await;
        disable_and_enable(&world, &owner, (&id, &grace)).await;

        let path = format!("/admin/users/{id}");
        let question = owner.page(&format!("{path}/delete")).await;
        let at_once = question.form_to(&format!("{path}/delete")).check("now", "on");
        let deleted = at_once.submit().await;
        assert_eq!(deleted.location().path(), "/admin/users");
        assert_eq!(owner.message_after(&deleted).await, "Grace B. Hopper is deleted.");
        owner.browser.get(&path).await.assert_status(404);
        assert_eq!(people_called(&world, "grace").await, 0);
        let history = owner.page(&format!("/admin/audit?user={id}")).await;
        assert!(history.text().contains("user.deleted"), "{}", history.describe());
        world.assert_log_is_clean(&[PASSWORD, NEW_PASSWORD, &link]);
    }

    async fn an_app_is_added_edited_given_a_new_secret_disabled_and_deleted(world: World) {
        let owner = admin(&world, "owner").await;
        let page = owner.page("/admin/clients").await;
        assert!(page.text().contains("No apps yet."), "{}", page.describe());
        let form = owner.page("/admin/clients/new?kind=machine").await.form("client");
        let made = form.set("name", "Nightly report").submit().await;
        made.assert_status(200).assert_page_headers();
        let (id, secret) = (field(&made, "client-id"), field(&made, "client-secret"));
        assert!(made.body.contains(&format!("OIDC_CLIENT_SECRET={secret}")));
        assert_eq!(field(&made, "endpoint-token"), world.url("/oauth2/token"));
        let app = App::known(&world, &id, &secret);
        assert_eq!(app.client_credentials().await.status, 200);
        let path = format!("/admin/clients/{id}");
        assert!(!owner.page(&path).await.body.contains(&secret), "shown once");

        let question = owner.page(&format!("{path}/rotate-secret")).await;
        let rotated = question.form_to(&format!("{path}/rotate-secret")).submit().await;
        rotated.assert_status(200).assert_page_headers();
        let fresh = App::known(&world, &id, &field(&rotated, "client-secret"));
        assert_eq!(app.client_credentials().await.status, 401, "the old secret is dead");
        assert_eq!(fresh.client_credentials().await.status, 200);

        let question = owner.page(&format!("{path}/disable")).await;
        let done = question.form_to(&format!("{path}/disable")).submit().await;
        assert!(owner.message_after(&done).await.starts_with("Nightly report is disabled"));
        assert_eq!(fresh.client_credentials().await.status, 401);
        let done = owner.page(&path).await.form_to(&format!("{path}/enable")).submit().await;
        owner.message_after(&done).await;
        assert_eq!(fresh.client_credentials().await.status, 200);

        let question = owner.page(&format!("{path}/delete")).await;
        let wrong = question.form("delete").set("name", "Nightly").submit().await;
        wrong.assert_status(422).assert_page_headers();
        assert_eq!(wrong.texts(".summary li"), ["Type Nightly report to delete it."]);
        assert_eq!(wrong.form("delete").value("name"), Some("Nightly"));
        owner.page(&path).await;
        let done = wrong.form("delete").set("name", "Nightly  report").submit().await;
        assert_eq!(owner.message_after(&done).await, "Nightly report is deleted.");
        owner.browser.get(&path).await.assert_status(404);
        assert_eq!(fresh.client_credentials().await.status, 401);
        world.assert_log_is_clean(&[&secret, &fresh.secret]);
    }

    async fn editing_an_app_changes_what_the_form_shows_and_keeps_the_rest(world: World) {
        let owner = admin(&world, "owner").await;
        let file = world.path("metadata.json");
        let metadata = r#"{"contacts": ["ops@rp.test"], "access_token_lifetime": 300}"#;
        std::fs::write(&file, metadata).unwrap();
        let file = file.display().to_string();
        App::register(&world, "wiki", &["--metadata", &file]);
        let form = owner.page("/admin/clients/wiki").await.form("client");
        let form = form.set("name", "Wiki").uncheck("skip_consent").check("require_pkce", "on");
        let form = form.set("redirect_uris", "https://rp.test/cb\r\n\r\nhttps://rp.test/two\r\n");
        let form = form.set("revocation", "opaque").set("id_token_alg", "ES256");
        let form = form.set("access_token_alg", "PS256");
        let form = form.uncheck("scope").check("scope", "openid").check("scope", "email");
        let mut pairs = form.pairs();
        pairs.push(("scope".into(), "wiki:edit  wiki:read".into()));
        let pairs: Vec<_> = pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let saved = crate::kit::console::post(&owner.browser, "/admin/clients/wiki/edit", &pairs).await;
        assert_eq!(owner.message_after(&saved).await, "Wiki is saved.");

        let metadata = world.cli(&["client", "show", "wiki"]);
        assert_eq!(metadata["redirect_uris"], serde_json::json!(["https://rp.test/cb", "https://rp.test/two"]));
        assert_eq!(metadata["scope"], serde_json::json!(["openid", "email", "wiki:edit", "wiki:read"]));
        for (name, value) in [
            ("client_name", "Wiki"),
            ("consent", "ask"),
            ("pkce", "required"),
            ("revocation", "opaque"),
            ("access_token_format", "opaque"),
            ("id_token_signed_response_alg", "ES256"),
            ("access_token_alg", "PS256"),
        ] {
            assert_eq!(metadata[name], value, "{name}");
        }
        assert_eq!(metadata["contacts"], serde_json::json!(["ops@rp.test"]));
        assert_eq!(metadata["access_token_lifetime"], 300);
    }

    async fn a_form_with_mistakes_comes_back_as_it_was_with_each_one_named(world: World) {
        let owner = admin(&world, "owner").await;
        let mut fields = app_fields("").to_vec();
        fields.retain(|(name, _)| *name != "redirect_uris");
        fields.push(("redirect_uris", "javascript:alert(1)\r\nhttps://ok.test/cb"));
        let page = owner.post("/admin/clients", &fields).await;
        page.assert_status(422).assert_page_headers();
        assert!(page.title().starts_with("Error: "), "{}", page.title());
        assert_eq!(page.texts(".summary li").len(), 2, "{}", page.describe());
        let typed = page.form("client");
        assert_eq!(typed.value("redirect_uris"), Some("javascript:alert(1)\nhttps://ok.test/cb"));

        create(&world, "taken", None);
        let fields = [("username", "taken"), ("email", "new@example.test"), ("role", "auditor")];
        let page = owner.post("/admin/users", &fields).await;
        page.assert_status(422);
        assert_eq!(page.attributes(".summary a", "href"), ["#username"]);
        assert_eq!(page.form("user").value("role"), Some("auditor"));
        let fields = [("username", "fresh"), ("email", "Taken@example.test")];
        let page = owner.post("/admin/users", &fields).await;
        assert_eq!(page.attributes(".summary a", "href"), ["#email"]);
        let page = owner.post("/admin/users", &[("username", "a b"), ("role", "king")]).await;
        page.assert_status(422);
        assert_eq!(people_called(&world, "fresh").await, 0);
    }

    async fn sessions_are_listed_filtered_and_ended_at_once(world: World) {
        let owner = admin(&world, "owner").await;
        create(&world, "alice", None);
        let (phone, laptop) = (sign_in(&world, "alice").await, sign_in(&world, "alice").await);
        assert_eq!(sessions_on(&owner.page("/admin/sessions").await).len(), 3);
        let mine = owner.page("/admin/sessions?user=ALICE%40example.test").await;
        let ids = sessions_on(&mine);
        assert_eq!(ids.len(), 2);
        let form = mine.form_to(&format!("/admin/sessions/{}/end", ids[0]));
        let back = form.value("back").unwrap().to_owned();
        let ended = form.submit().await;
        assert_eq!(ended.location().as_str(), world.url(&back));
        assert_eq!(owner.message_after(&ended).await, "alice is signed out there.");
        let left = [is_signed_in(&phone).await, is_signed_in(&laptop).await];
        assert_eq!(left.iter().filter(|alive| **alive).count(), 1, "one of the two is out");
        assert_eq!(sessions_on(&owner.page("/admin/sessions?user=alice").await), [ids[1].clone()]);

        let path = format!("/admin/sessions/{}/end", ids[1]);
        let evil = owner.post(&path, &[("back", "https://evil.test/admin")]).await;
        assert_eq!(evil.location().as_str(), world.url("/admin/sessions"));
        assert!(!is_signed_in(&phone).await && !is_signed_in(&laptop).await);
        let nobody = owner.page("/admin/sessions?user=nobody").await;
        assert!(nobody.text().contains("not signed in anywhere"), "{}", nobody.describe());
        owner.post("/admin/sessions/none/end", &[]).await.assert_status(404);
    }

    async fn keys_are_rotated_and_retired_and_the_audit_log_tells(world: World) {
        let owner = admin(&world, "owner").await;
        let page = owner.page("/admin/keys").await;
        let keys = "an active and a next key that sign with each algorithm, and two that decrypt";
        assert_eq!(page.texts("tbody tr").len(), 12, "{keys}");
        let rotated = page.form_to("/admin/keys/rotate").submit().await;
        assert!(owner.message_after(&rotated).await.contains("new key"));
        let page = owner.page("/admin/keys").await;
        assert_eq!(page.texts("tbody tr").len(), 13);
        assert_eq!(page.texts("tbody .act a").len(), 6, "active keys offer no retirement");
        assert!(page.text().contains("Replaced "), "{}", page.describe());
        let public = page.attributes("tbody td a[download]", "href");
        let file = owner.browser.get(&public[0]).await;
        file.assert_status(200);
        let jwk: serde_json::Value = serde_json::from_str(&file.body).expect("a JWK");
        assert!(public[0].ends_with(jwk["kid"].as_str().expect("a kid")), "{jwk}");
        assert!(jwk.get("d").is_none() && jwk["alg"].is_string(), "{jwk}");
        owner.browser.get("/admin/keys/public?kid=none").await.assert_status(303);
        let links = page.attributes("tbody .act a", "href");
        let question = owner.page(&links[0]).await;
        let retired = question.form_to("/admin/keys/retire").submit().await;
        assert_eq!(owner.message_after(&retired).await, "The key is retired.");
        owner.browser.get(&links[0]).await.assert_status(404);

        let active = world.cli(&["key", "list"]);
        let active = active.as_array().or_else(|| active["items"].as_array()).unwrap().iter();
        let active = active.clone().find(|key| key["state"] == "active").unwrap();
        let kid = active["kid"].as_str().unwrap();
        owner.page(&format!("/admin/keys/retire?kid={kid}")).await;
        let refused = owner.post("/admin/keys/retire", &[("kid", kid)]).await;
        assert!(owner.message_after(&refused).await.starts_with("This key is in use."));
        owner.post("/admin/keys/retire", &[("kid", "none")]).await.assert_status(404);
        owner.post("/admin/keys/rotate", &[("alg", "HS256")]).await.assert_status(404);

        let known = owner.page("/admin/audit").await.attributes("datalist#kinds option", "value");
        assert!(known.contains(&"key.retired".to_owned()), "{known:?}");
        assert_eq!(owner.page("/admin/audit").await.attributes("input#kind", "list"), ["kinds"]);
        let events = owner.page("/admin/audit?kind=key.retired").await;
        let rows = events.texts("tbody tr");
        assert_eq!(rows.len(), 1, "{rows:?}");
        assert!(rows[0].contains(&owner.username) && rows[0].contains("127.0.0.1"), "{rows:?}");
        let same_request = events.attributes("tbody tr a.small", "href");
        let together = owner.page(&same_request[0]).await.texts("tbody tr");
        assert!(together.len() == 1 && together[0].contains("key.retired"), "{together:?}");
        let links = events.attributes("main .actions a.button", "href");
        assert_eq!(links.len(), 2, "{links:?}");
        for (link, kind, lines) in
            [(&links[0], "text/csv; charset=utf-8; header=present", 2), (&links[1], "application/x-ndjson", 1)]
        {
            let file = owner.browser.get(link).await;
            file.assert_status(200);
            assert_eq!(file.headers["content-type"], kind);
            assert_eq!(file.body.lines().count(), lines, "{}", file.body);
            assert!(file.body.contains("key.retired"), "{}", file.body);
        }
        let unknown = owner.browser.get("/admin/audit/export?format=xml").await;
        unknown.assert_status(400);
        let own = format!("/admin/audit?user={}&kind=session.created", owner.username);
        assert_eq!(owner.page(&own).await.texts("tbody tr").len(), 1);
        for (asked, field, typed) in [
            ("since=last%20week", "#since", "last week"),
            ("until=tomorrow&result=failure", "#until", "tomorrow"),
            ("result=failed", "#result option[selected]", "failed"),
        ] {
            let page = owner.browser.get(&format!("/admin/audit?{asked}")).await;
            page.assert_status(400).assert_page_headers();
            assert!(page.title().starts_with("Error: "), "{}", page.title());
            assert!(page.has(".summary[role=alert]"), "{}", page.describe());
            assert_eq!(page.attributes(field, "value"), [typed], "what was typed stays");
            assert!(page.texts("tbody tr").is_empty(), "nothing that was not asked for");
        }
        let none = owner.page("/admin/audit?client=nothing").await;
        assert!(none.text().contains("No event matches"), "{}", none.describe());
    }

    async fn lists_go_on_page_by_page_and_are_searched_by_their_beginning(world: World) {
        let owner = admin(&world, "owner").await;
        for n in 0..27 {
            owner.add_person(&format!("p{n:02}")).await;
            owner.add_app(&format!("App {n:02}")).await;
        }
        for (list, rest) in [("/admin/users", 3), ("/admin/clients", 2)] {
            let first = owner.page(list).await;
            assert_eq!(first.texts("tbody tr").len(), 25, "{list}");
            let next = first.attributes("a[rel=next]", "href");
            let second = owner.page(&format!("{list}{}", next[0])).await;
            assert_eq!(second.texts("tbody tr").len(), rest, "{list}");
            assert!(!second.has("a[rel=next]"), "{list}");
            let mut all = first.texts("tbody th");
            all.extend(second.texts("tbody th"));
            all.sort();
            all.dedup();
            assert_eq!(all.len(), 25 + rest, "{list}: nobody twice, nobody left out");
        }
        let whole = owner.page("/admin/users?rows=50").await;
        assert_eq!((whole.texts("tbody tr").len(), whole.has("a[rel=next]")), (28, false));
        assert_eq!(whole.texts("nav.pages [aria-current]"), ["50"]);
        assert_eq!(whole.attributes("nav.pages a", "href"), ["?rows=25", "?rows=100"]);
        let events = owner.page("/admin/audit?result=success&rows=50").await;
        assert_eq!(events.texts("tbody tr").len(), 50);
        assert!(events.attributes("a[rel=next]", "href")[0].starts_with("?result=success&rows=50&after="));
        assert_eq!(owner.page("/admin/users?rows=1000000").await.texts("tbody tr").len(), 25);
        assert_eq!(owner.page("/admin/users?q=P1").await.texts("tbody tr").len(), 10);
        assert_eq!(owner.page("/admin/clients?q=app%202").await.texts("tbody tr").len(), 7);
        let nobody = owner.page("/admin/users?q=%25").await;
        assert_eq!(nobody.texts("tbody tr").len(), 0, "a wildcard is a letter like any other");
        let events = owner.page("/admin/audit").await;
        let next = events.attributes("a[rel=next]", "href");
        assert_eq!(owner.page(&format!("/admin/audit{}", next[0])).await.texts("tbody tr").len(), 25);
        assert_eq!(owner.page("/admin/audit?after=rubbish").await.texts("tbody tr").len(), 25);
    }

    async fn the_overview_counts_and_says_what_to_do_next(world: World) {
        let owner = admin(&world, "owner").await;
        let before = owner.page("/admin").await;
        assert_eq!(before.texts(".figures strong")[..5], ["1", "0", "1", "1", "0"]);
        assert_eq!(before.texts(".steps li.done").len(), 1);
        owner.add_person("alice").await;
        owner.add_app("Wiki").await;
        assert!(!can_sign_in(&world, "alice", "wrong-password").await);
        let after = owner.page("/admin").await;
        assert_eq!(after.texts(".figures strong")[..5], ["2", "1", "1", "1", "1"]);
        assert_eq!(after.texts(".steps li.done").len(), 3);
        assert_eq!(after.texts(".facts.row li").len(), 5, "a key for each algorithm");
    }

    async fn each_number_of_the_overview_leads_to_what_it_counts(world: World) {
        let owner = admin(&world, "owner").await;
        assert!(!can_sign_in(&world, "the-owner", "wrong-password").await);
        let overview = owner.page("/admin").await;
        let (links, numbers) = (overview.attributes(".figures a", "href"), overview.texts(".figures strong"));
        assert_eq!(links.len(), numbers.len());
        let mut events = 0;
        for (link, number) in links.iter().zip(&numbers) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let page = owner.page(path).await;
            assert!(anchor.is_empty() || page.has(&format!("#{anchor}")), "{link}");
            let Some((list, query)) = path.split_once('?') else { continue };
            if list == "/admin/jobs" {
                assert_eq!(page.texts("nav.spans [aria-current]"), ["Letters"], "{link}");
                continue;
            }
            // A filter the page does not know would be left out of its form.
            for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
                assert_eq!(field(&page, &name), value, "{link}");
            }
            assert!(page.body.contains("Show everything"), "{link}");
            assert_eq!(page.texts("tbody tr").len().to_string(), *number, "{link}");
            events += 1;
        }
        assert_eq!(events, 2, "sign-ins and failed ones: {links:?}");
        for anchor in ["tokens", "answers", "errors"] {
            assert!(links.contains(&format!("/admin#chart-{anchor}")), "{links:?}");
        }
    }

    async fn well_known_apps_are_connected_with_the_values_of_the_app(world: World) {
        let owner = admin(&world, "owner").await;
        let (id, secret) = owner.add_app("Charts").await;
        let path = format!("/admin/clients/{id}/connect");
        assert!(owner.page(&format!("/admin/clients/{id}")).await.body.contains(&path));
        let list = owner.page(&path).await;
        list.assert_page_headers();
        let links = list.attributes("ul a", "href");
        assert!(links.contains(&format!("{path}?app=grafana")), "{links:?}");

        let page = owner.page(&format!("{path}?app=grafana&url=https://charts.test/")).await;
        let ini = page.texts("#snippet-1").join("\n");
        assert!(ini.contains(&format!("client_id = {id}")), "{ini}");
        assert!(ini.contains(&format!("token_url = {}", world.url("/oauth2/token"))), "{ini}");
        assert!(ini.contains("YOUR_CLIENT_SECRET") && !page.body.contains(&secret));
        assert_eq!(field(&page, "uri-1"), "https://charts.test/login/generic_oauth");
        assert!(page.text().contains("Not registered with this app yet."));

        let uri = "https://charts.test/login/generic_oauth";
        world.cli(&["client", "update", &id, "--redirect-uri", uri]);
        let page = owner.page(&format!("{path}?app=grafana&url=https://charts.test")).await;
        assert!(!page.text().contains("Not registered"), "{}", page.describe());

        let wrong = owner.browser.get(&format!("{path}?app=grafana&url=https://x.test/%27")).await;
        wrong.assert_status(422).assert_page_headers();
        assert!(wrong.text().contains("may have letters, digits"), "{}", wrong.describe());
        owner.browser.get(&format!("{path}?app=nothing")).await.assert_status(404);
    }

    async fn the_command_line_prints_the_same_settings(world: World) {
        let list = world.cli(&["client", "snippet"]);
        let apps = list["items"].as_array().unwrap();
        assert!(apps.len() >= 25 && apps.iter().any(|app| app["app"] == "grafana"));
        let flags = ["--redirect-uri", "https://charts.test/login/generic_oauth"];
        let create = ["client", "create", "--name", "Charts", "--type", "web", "--client-id", "charts"];
        let made = world.cli(&[&create[..], &flags].concat());
        let ask = ["client", "snippet", "grafana", "--client-id", "charts", "--app-url"];
        let told = world.cli(&[&ask[..], &["https://charts.test/"]].concat());
        assert_eq!(told["uris"][0]["registered"], true);
        let ini = told["snippets"][0]["text"].as_str().unwrap();
        assert!(ini.contains("client_id = charts") && ini.contains("root_url = https://charts.test\n"));
        assert!(!told.to_string().contains(made["client_secret"].as_str().unwrap()));

        let plain = world.run(&[&ask[..], &["https://charts.test"]].concat());
        assert_eq!(String::from_utf8_lossy(&plain.stdout).lines().next(), Some("[server]"));
        for bad in [&["client", "snippet", "grafana"][..], &["client", "snippet", "--app-url", "x"]] {
            assert_eq!(world.run(bad).status.code(), Some(2), "{bad:?}");
        }
        let nothing = ["client", "snippet", "nothing", "--client-id", "charts"];
        let hostile = [&ask[..], &["https://charts.test/$(id)"]].concat();
        let unknown = ["client", "snippet", "grafana", "--client-id", "nobody"];
        for bad in [&nothing[..], &hostile, &unknown] {
            assert_eq!(world.run(bad).status.code(), Some(1), "{bad:?}");
        }
    }
}

async fn edit_person(world: &World, owner: &Admin, id: &str) {
    let path = format!("/admin/users/{id}");
    let page = owner.page(&path).await;
    assert_eq!(sessions_on(&page).len(), 1);
    let form = page.form("user");
    assert_eq!(form.value("groups"), Some("staff\nwiki"));
    let form = form.set("name", "Grace B. Hopper").set("role", "operator");
    let saved = form.uncheck("email_verified").set("groups", "staff").submit().await;
    saved.assert_status(303);
    let shown = saved.follow().await;
    assert_eq!(shown.texts(".flash"), ["Grace B. Hopper is saved."]);
    assert!(!owner.page(&path).await.has(".flash"), "a message is shown once");
    let user = world.cli(&["user", "show", "grace"]);
    assert_eq!(user["groups"], serde_json::json!(["staff"]));
    assert_eq!((&user["role"], &user["email_verified"]), (&"operator".into(), &false.into()));

    let form = owner.page(&path).await.form("user").set("email", "no address").set("name", "Typed");
    let wrong = form.submit().await;
    wrong.assert_status(422).assert_page_headers();
    assert_eq!(wrong.attributes(".summary a", "href"), ["#email"]);
    assert_eq!(wrong.form("user").value("name"), Some("Typed"));
    assert_eq!(world.cli(&["user", "show", "grace"])["name"], "Grace B. Hopper");
}

async fn disable_and_enable(
    world: &World,
    owner: &Admin,
    (id, grace): (&str, &crate::support::browser_like::Browser),
) {
    let path = format!("/admin/users/{id}");
    let question = owner.page(&format!("{path}/disable")).await;
    assert!(question.text().contains("signs them out of 1 device"), "{}", question.describe());
    assert!(is_signed_in(grace).await, "asking changes nothing");
    let done = question.form_to(&format!("{path}/disable")).submit().await;
    assert!(owner.message_after(&done).await.contains("is disabled"));
    assert!(!is_signed_in(grace).await);
    assert!(!can_sign_in(world, "grace", NEW_PASSWORD).await);

    let page = owner.page(&path).await;
    let refused = page.form_to(&format!("{path}/reset-link")).submit().await;
    assert!(owner.message_after(&refused).await.contains("Enable it first."));
    let done = page.form_to(&format!("{path}/enable")).submit().await;
    assert!(owner.message_after(&done).await.contains("can sign in again"));
    assert!(can_sign_in(world, "grace", NEW_PASSWORD).await);

    let link = owner.page(&path).await.form_to(&format!("{path}/reset-link")).submit().await;
    link.assert_status(200).assert_page_headers();
    assert!(field(&link, "link").starts_with(&world.url("/login/reset?token=")));
}
