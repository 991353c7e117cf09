//! What an app would be told of somebody: the same as it then is, for whom that may be shown, and noted.
//! And the form in which an app gets claims of its own.

use serde_json::{Map, Value};

use crate::kit::console::{Admin, admin, create, enter, state};
use crate::kit::fixtures::{ALICE, Bed, payload};
use crate::kit::flow::PASSWORD;
use crate::support::browser_like::Page;

/// What is another one in each token, or comes with what the app sends.
const FRESH: [&str; 9] =
    ["iat", "exp", "auth_time", "jti", "sid", "grant", "nonce", "at_hash", "updated_at"];

fn lasting(claims: &Value) -> Map<String, Value> {
    let mut claims = claims.as_object().expect("claims").clone();
    claims.retain(|name, _| !FRESH.contains(&name.as_str()));
    claims
}

/// The claims that a page shows there.
fn shown(page: &Page, id: &str) -> Value {
    let texts = page.texts(&format!("textarea#{id}"));
    let text = texts.first().unwrap_or_else(|| panic!("no {id} on {}", page.describe()));
    serde_json::from_str(text).expect("JSON")
}

async fn previewed(admin: &Admin, id: &str, (person, scopes): (&str, &[&str])) -> Page {
    let mut fields = vec![("person", person)];
    fields.extend(scopes.iter().map(|scope| ("scope", *scope)));
    admin.post(&format!("/admin/clients/{id}/preview"), &fields).await
}

on_both_backends! {
    async fn a_preview_is_what_is_then_issued(backend: Backend) {
        let bed = Bed::own(backend, &["conf-basic", "opaque", "with-audience"]).await;
        let world = &bed.world;
        let owner = admin(world, "owner").await;
        world.cli(&["role", "create", "conf-basic", "writer"]);
        world.cli(&["role", "give", "conf-basic", "writer", "--user", "alice"]);
        for id in ["conf-basic", "opaque", "with-audience"] {
            world.cli(&["client", "update", id,
                "--claim-mapping", "login@id_token,access_token,userinfo=profile:username",
                "--claim-mapping", "tier@access_token=group:staff=2",
                "--claim-mapping", "is_board@id_token,userinfo=group:board"]);
        }
        let browser = bed.signed_in(&ALICE).await;
        for (id, scopes) in [
            ("conf-basic", &["openid", "profile", "groups"][..]),
            ("conf-basic", &["openid", "offline_access"]),
            ("opaque", &["openid", "email"]),
            ("with-audience", &["openid"]),
        ] {
            let page = previewed(&owner, id, ("alice", scopes)).await;
            page.assert_status(200).assert_page_headers();
            let rp = bed.rp(id);
            let scope = scopes.join(" ");
            let asked = [("scope", scope.as_str()), ("prompt", "consent")];
            let tokens = rp.tokens(&browser, &ALICE, &asked).await;
            assert_eq!(lasting(&shown(&page, "id-token")), lasting(&tokens.id_claims()), "{id} {scope}");
            let access = shown(&page, "access-token");
            assert_eq!(access["tier"], 2, "{access}");
            if tokens.access.contains('.') {
                assert_eq!(lasting(&access), lasting(&payload(&tokens.access)), "{id} {scope}");
                assert_eq!(access.get("sid").is_some(), payload(&tokens.access).get("sid").is_some());
            }
            let userinfo = rp.userinfo(&tokens.access).await;
            if page.has("textarea#userinfo") {
                userinfo.assert_status(200);
                assert_eq!(lasting(&shown(&page, "userinfo")), lasting(&userinfo.json()), "{id} {scope}");
            } else {
                assert_eq!((id, userinfo.status.as_u16()), ("with-audience", 401));
            }
        }
        bed.assert_log_is_clean();
    }

    async fn it_is_noted_and_issues_nothing(world: World) {
        let owner = admin(&world, "owner").await;
        create(&world, "grace", None);
        let (id, _) = owner.add_app("Wiki").await;
        let path = format!("/admin/clients/{id}/preview");
        let app = owner.page(&format!("/admin/clients/{id}")).await;
        assert!(app.attributes("main a", "href").contains(&path), "{}", app.describe());
        let form = owner.page(&path).await.form("preview").set("person", " grace@example.test ");
        let answer = form.submit().await;
        answer.assert_status(200);
        assert_eq!(shown(&answer, "access-token")["client_id"], id.as_str());
        let listed = world.cli(&["audit", "list", "--limit", "1000"]);
        let events = listed["items"].as_array().expect("events");
        let noted: Vec<_> = events.iter().filter(|event| event["kind"] == "client.previewed").collect();
        assert_eq!(noted.len(), 1, "{events:?}");
        assert_eq!(noted[0]["client_id"], id.as_str());
        assert_eq!(noted[0]["user_id"], world.cli(&["user", "show", "grace"])["id"]);
        assert_eq!(noted[0]["detail"]["scope"], "openid");
        assert!(!events.iter().any(|event| event["kind"] == "grant.created"), "{events:?}");
        world.assert_log_is_clean(&[PASSWORD]);
    }

    async fn what_cannot_be_shown_is_said_at_its_field(world: World) {
        let owner = admin(&world, "owner").await;
        create(&world, "grace", None);
        let (id, _) = owner.add_app("Wiki").await;
        let made = world.cli(&["client", "create", "--name", "Report", "--type", "machine"]);
        let machine = made["client_id"].as_str().unwrap().to_owned();
        world.cli(&["user", "disable", "grace"]);
        let before = state(&world).await;
        for (app, person, scopes, field) in [
            (&id, "nobody", &["openid"][..], "person"),
            (&id, "", &["openid"], "person"),
            (&id, "<script>alert(1)</script>", &["openid"], "person"),
            (&id, "grace", &["openid"], "person"),
            (&machine, "the-owner", &["openid"], "person"),
            (&id, "the-owner", &[], "scope"),
            (&id, "the-owner", &["wiki:edit", "\u{0}"], "scope"),
        ] {
            let page = previewed(&owner, app, (person, scopes)).await;
            page.assert_status(422).assert_page_headers();
            assert_eq!(page.attributes(".summary a", "href"), [format!("#{field}")], "{person:?}");
            assert!(!page.has("textarea"), "{}", page.describe());
            if app == &id {
                assert_eq!(page.form("preview").value("person"), Some(person));
            }
        }
        previewed(&owner, "nowhere", ("the-owner", &["openid"])).await.assert_status(404);
        let page = owner.page(&format!("/admin/clients/{machine}/preview")).await;
        assert!(page.text().contains("Nobody signs in"), "{}", page.describe());
        assert_eq!(state(&world).await, before);
    }

    async fn those_who_may_change_apps_may_look_and_auditors_may_not(world: World) {
        let owner = admin(&world, "owner").await;
        let (id, _) = owner.add_app("Wiki").await;
        let path = format!("/admin/clients/{id}/preview");
        let operator = admin(&world, "operator").await;
        operator.page(&path).await;
        previewed(&operator, &id, ("the-owner", &["openid"])).await.assert_status(200);
        let auditor = admin(&world, "auditor").await;
        auditor.browser.get(&path).await.assert_status(403);
        previewed(&auditor, &id, ("the-owner", &["openid"])).await.assert_status(403);
        let app = auditor.page(&format!("/admin/clients/{id}")).await;
        assert!(!app.body.contains("/preview"), "{}", app.describe());
        create(&world, "grace", None);
        let nobody = crate::kit::flow::sign_in(&world, "grace").await;
        nobody.get(&path).await.assert_status(403);
    }

    async fn the_form_of_an_app_has_its_claims_and_loses_nothing_that_is_wrong(world: World) {
        create(&world, "the-owner", Some("owner"));
        let owner = enter(&world, "the-owner").await;
        let (id, _) = owner.add_app("Wiki").await;
        let path = format!("/admin/clients/{id}");
        let typed = "plan @ id_token = value: gold plan\r\n\r\ntier@userinfo=group:staff=2\r\n";
        let saved = owner.page(&path).await.form("client").set("claim_mappings", typed).submit().await;
        assert_eq!(owner.message_after(&saved).await, "Wiki is saved.");
        let kept = "plan@id_token=value:gold plan\ntier@userinfo=group:staff=2";
        assert_eq!(owner.page(&path).await.form("client").value("claim_mappings"), Some(kept));
        let before = state(&world).await;
        for (bad, said) in [
            ("plan@id_token=value:gold\nnonsense", "Line 2"),
            ("plan@everywhere=value:gold", "Line 1"),
            ("sub@id_token=value:root", "\"sub\" is a claim that this server answers itself"),
            ("<script>alert(1)</script>@id_token=value:1", "is no name for a claim"),
            ("x@id_token=group:a\u{202e}b", "name of a group"),
        ] {
            let form = owner.page(&path).await.form("client").set("name", "Other");
            let page = form.set("claim_mappings", bad).submit().await;
            page.assert_status(422).assert_page_headers();
            assert_eq!(page.attributes(".summary a", "href"), ["#claim_mappings"], "{bad}");
            assert!(page.texts(".summary li")[0].contains(said), "{}", page.describe());
            let again = page.form("client");
            assert_eq!((again.value("claim_mappings"), again.value("name")), (Some(bad), Some("Other")));
        }
        assert_eq!(state(&world).await, before);
    }
}
