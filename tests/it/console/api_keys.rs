//! API keys in the console: made with a plain form, shown once, used, seen by others, revoked.

use crate::kit::audit::events;
use crate::kit::console::{admin, create, field, manager};
use crate::kit::flow::{PASSWORD, count};
use crate::support::world::World;

const HOSTILE: &str = "\"><script>alert(1)</script>\u{202e}x";

/// What the REST API answers to a key.
async fn status(world: &World, path: &str, key: &str) -> u16 {
    let call = reqwest::Client::new().get(world.url(path)).bearer_auth(key);
    call.send().await.expect("an answer").status().as_u16()
}

on_both_backends! {
    async fn a_key_is_made_used_and_revoked(world: World) {
        let owner = admin(&world, "owner").await;
        let empty = owner.page("/admin/api-keys").await;
        assert!(empty.text().contains("There are no keys."), "{}", empty.text());
        let form = owner.page("/admin/api-keys/new").await.form("api-key");
        assert_eq!(form.value("user"), Some("the-owner"));
        let form = form.set("name", "Nightly report").check("scope", "doorward.groups:read");
        let made = form.set("days", "30").submit().await;
        made.assert_status(200);
        let key = field(&made, "api-key");
        assert!(made.text().contains("/api/v1/groups"), "{}", made.text());
        assert_eq!(status(&world, "/api/v1/groups", &key).await, 200);
        assert_eq!(status(&world, "/api/v1/users", &key).await, 403);

        let list = owner.page("/admin/api-keys").await;
        let row = list.texts("tbody tr").join(" ");
        for part in ["Nightly report", "the-owner", "doorward.groups:read", "Works"] {
            assert!(row.contains(part), "{part}: {row}");
        }
        assert!(!list.body.contains(&key), "shown once");
        let question = list.attributes("tbody .act a", "href")[0].clone();
        let done = owner.page(&question).await.form_to(&question).submit().await;
        assert_eq!(owner.message_after(&done).await, "Nightly report is revoked.");
        assert_eq!(status(&world, "/api/v1/groups", &key).await, 401);
        let row = owner.page("/admin/api-keys").await.texts("tbody tr").join(" ");
        assert!(row.contains("Revoked"), "{row}");
        // Once more does nothing and says so.
        let late = owner.post(&question, &[]).await;
        assert!(owner.message_after(&late).await.starts_with("There is no such key"));
        for kind in ["api_key.created", "api_key.revoked"] {
            assert_eq!(events(&world, kind).await, 1, "{kind}");
        }
        world.assert_log_is_clean(&[&key, PASSWORD]);
    }

    async fn what_makes_no_key_is_said_at_its_field_and_nothing_typed_is_lost(world: World) {
        let owner = admin(&world, "owner").await;
        create(&world, "alice", None);
        let (long, read) = ("x".repeat(101), "doorward.users:read");
        for (name, user, scope, days, wrong) in [
            ("", "the-owner", read, "7", "name"), (&*long, "the-owner", read, "7", "name"),
            (HOSTILE, "the-owner", read, "7", "name"), ("x", "", read, "7", "user"),
            ("x", "nobody", read, "7", "user"), ("x", HOSTILE, read, "7", "user"),
            // She has no right to use the console.
            ("x", "alice", read, "7", "user"), ("x", "the-owner", "openid", "7", "scope"),
            ("x", "the-owner", HOSTILE, "7", "scope"), ("x", "the-owner", read, "", "days"),
            ("x", "the-owner", read, "0", "days"), ("x", "the-owner", read, "-1", "days"),
            ("x", "the-owner", read, "367", "days"), ("x", "the-owner", read, "99999999999999999999", "days"),
        ] {
            let fields = [("name", name), ("user", user), ("scope", scope), ("days", days)];
            let page = owner.post("/admin/api-keys", &fields).await;
            page.assert_status(422);
            assert_eq!(page.attributes(&format!("#{wrong}"), "aria-invalid").len(), 1, "{wrong}: {}", page.text());
            assert!(!page.body.contains("<script>alert"), "{}", page.body);
            let form = page.form("api-key");
            assert_eq!((form.value("user"), form.value("days")), (Some(user), Some(days)));
        }
        let none = [("name", "x"), ("user", "the-owner"), ("days", "7")];
        owner.post("/admin/api-keys", &none).await.assert_status(422);
        assert_eq!(count(&world, "select count(*) from api_keys").await, 0);
        owner.browser.get("/admin/api-keys/none/revoke").await.assert_status(404);
    }

    async fn others_see_keys_and_make_none(world: World) {
        let owner = admin(&world, "owner").await;
        let fields = [("name", "Report"), ("user", "the-owner"), ("scope", "doorward.users:read"), ("days", "7")];
        let made = owner.post("/admin/api-keys", &fields).await;
        made.assert_status(200);
        let id = owner.page("/admin/api-keys").await.attributes("tbody .act a", "href")[0].clone();
        for role in ["operator", "auditor"] {
            let reader = admin(&world, role).await;
            let page = reader.page("/admin/api-keys").await;
            assert!(page.text().contains("Report") && !page.has("main form, main .act"), "{}", page.body);
            reader.browser.get("/admin/api-keys/new").await.assert_status(403);
            reader.post("/admin/api-keys", &fields).await.assert_status(403);
            reader.post(&id, &[]).await.assert_status(403);
        }
        // Who looks after groups is not shown them either.
        let keeper = manager(&world, &["crew"]).await;
        for path in ["/admin/api-keys", "/admin/api-keys/new", id.as_str()] {
            keeper.browser.get(path).await.assert_status(403);
        }
        keeper.post("/admin/api-keys", &fields).await.assert_status(403);
        keeper.post(&id, &[]).await.assert_status(403);
        assert_eq!(count(&world, "select count(*) from api_keys where revoked_at is null").await, 1);
    }
}
