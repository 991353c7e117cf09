//! The pictures that apps name by `logo_uri`: not asked for by anybody unless `registration.fetch_logos`
//! says so, and then once, by this server, and kept here.

use serde_json::{Value, json};

use crate::kit::console::{Admin, admin};
use crate::kit::fixtures::{ALICE, Bed, fill_in, unique};
use crate::kit::flow::{PATIENCE, count};
use crate::kit::pictures::{bomb, png};
use crate::kit::registration::{CALLBACK, Registered, fetching_bed, open_world};
use crate::support::process::wait_until_async;
use crate::support::tls_peer::{Answer as TlsAnswer, Body, TlsPeer};
use crate::support::world::World;

const WAITING: &str = "select count(*) from outbox where kind = 'logo'";

/// Has the peer answer at an address of its own; the address, and its path.
fn serve(answer: TlsAnswer) -> (String, String) {
    let (peer, path) = (TlsPeer::shared(), format!("/{}", unique("logo")));
    peer.serve(&path, answer);
    (peer.url(&path), path)
}

/// Writes a file for a command.
fn file(world: &World, name: &str, bytes: &[u8]) -> String {
    let path = world.path(name);
    std::fs::write(&path, bytes).expect("a file");
    path.display().to_string()
}

/// The fingerprint of the logo of an app; null if it has none.
fn logo_of(world: &World, id: &str) -> Value {
    world.cli(&["client", "show", id])["logo"].clone()
}

/// An administrator has the app name another picture.
fn name_another(world: &World, app: &Registered, uri: &str) {
    let metadata =
        json!({ "client_name": "Self-made", "redirect_uris": [CALLBACK], "logo_uri": uri });
    let path = file(world, "uri.json", metadata.to_string().as_bytes());
    world.cli(&["client", "update", &app.rp.id, "--metadata", &path]);
}

/// The pages on the way to the app have no picture of it and nothing of this address.
async fn assert_no_logo(world: &World, app: &Registered, uri: &str) {
    let sign_in = app.rp.authorize(&world.browser(), &[]).await.follow_within().await;
    let consent = fill_in(&sign_in, &ALICE).submit().await.follow_within().await;
    assert!(sign_in.has_form("sign-in") && consent.has_form("consent"));
    let origin = TlsPeer::shared().url("");
    assert!(uri.starts_with(&origin));
    for page in [sign_in, consent] {
        assert!(!page.has(".logo"), "{}", page.body);
        assert!(!page.body.contains(&origin), "{}", page.body);
        assert!(page.header("content-security-policy").contains("img-src 'self' data:;"));
    }
}

/// Switches it on or off in the console.
async fn switch(owner: &Admin, to: &str) {
    let form = owner.page("/admin/settings").await.form("settings-registration");
    let saved = form.set("registration-fetch_logos", to).submit().await;
    owner.message_after(&saved).await;
    let form = owner.page("/admin/settings").await.form("settings-registration");
    assert_eq!(form.value("registration-fetch_logos"), Some(to));
}

on_both_backends! {
    async fn nobody_asks_for_a_picture_unless_the_setting_says_so(backend: Backend) {
        let bed = Bed::new(open_world(backend).start().await, &[]).await;
        let (world, peer) = (&bed.world, TlsPeer::shared());
        let owner = admin(world, "owner").await;
        let (early, early_path) = serve(TlsAnswer::new(200, "image/png", png(1)));
        let first = Registered::new(world, json!({ "logo_uri": early })).await;
        assert_eq!(first.json["logo_uri"], early);
        assert_eq!(count(world, WAITING).await, 0);
        assert_no_logo(world, &first, &early).await;

        switch(&owner, "true").await;
        let (good, good_path) = serve(TlsAnswer::new(200, "image/png", png(2)));
        let second = Registered::new(world, json!({ "logo_uri": good })).await;
        let shown = async || logo_of(world, &second.rp.id).is_string();
        wait_until_async("the logo", PATIENCE, shown).await;
        assert_eq!((peer.hits(&good_path), peer.hits(&early_path)), (1, 0));

        // What waits for another try is not tried any more, and what there is stays.
        let (broken, broken_path) = serve(TlsAnswer::status(500));
        Registered::new(world, json!({ "logo_uri": broken })).await;
        peer.wait_for(&broken_path, 1).await;
        switch(&owner, "false").await;
        wait_until_async("nothing to fetch", PATIENCE, async || count(world, WAITING).await == 0).await;
        assert!(peer.hits(&broken_path) < 3, "asked for as if nothing had been said");
        assert!(logo_of(world, &second.rp.id).is_string());
        let (late, late_path) = serve(TlsAnswer::new(200, "image/png", png(3)));
        name_another(world, &second, &late);
        assert_eq!(logo_of(world, &second.rp.id), Value::Null);
        assert_no_logo(world, &second, &late).await;
        assert_eq!((count(world, WAITING).await, peer.hits(&late_path)), (0, 0));
    }

    async fn what_an_app_names_is_fetched_once_and_what_an_administrator_chose_stays(backend: Backend) {
        let bed = fetching_bed(backend).await;
        let peer = TlsPeer::shared();
        let shown = async |id: &str| logo_of(&bed.world, id);
        let (good, good_path) = serve(TlsAnswer::new(200, "text/plain", png(33)));
        let svg = b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec();
        let bad = [
            serve(TlsAnswer::new(200, "image/png", svg)),
            serve(TlsAnswer::new(200, "image/png", bomb(50_000))),
            serve(TlsAnswer::redirect(&good)),
            serve(TlsAnswer::of_body(Body::Endless)),
        ];
        let mut apps = Vec::new();
        for (uri, path) in &bad {
            let app = Registered::new(&bed.world, json!({ "logo_uri": uri })).await;
            wait_until_async("it being asked for", PATIENCE, async || peer.hits(path) > 0).await;
            apps.push(app);
        }
        let app = Registered::new(&bed.world, json!({ "logo_uri": good })).await;
        wait_until_async("the logo", PATIENCE, async || shown(&app.rp.id).await.is_string()).await;
        assert_eq!(peer.hits(&good_path), 1);
        let fetched = shown(&app.rp.id).await;
        let list = bed.world.cli(&["audit", "list", "--kind", "client.logo_set", "--client", &app.rp.id]);
        let event = &list["items"][0];
        assert_eq!((&event["actor"], &event["detail"]["logo_uri"]), (&json!("system"), &json!(good)));
        // Somebody who answers for this server chooses another one.
        let own = file(&bed.world, "own.png", &png(34));
        bed.world.cli(&["client", "logo", &app.rp.id, &own]);
        let chosen = shown(&app.rp.id).await;
        assert_ne!(chosen, fetched);
        let (other, other_path) = serve(TlsAnswer::new(200, "image/png", png(35)));
        name_another(&bed.world, &app, &other);
        wait_until_async("the other one being asked for", PATIENCE, async || peer.hits(&other_path) > 0).await;
        // Whoever is through with the outbox has kept it, or not.
        let waiting = format!("{WAITING} and attempts < 2");
        wait_until_async("nothing to fetch", PATIENCE, async || count(&bed.world, &waiting).await == 0).await;
        assert_eq!(shown(&app.rp.id).await, chosen);
        for app in apps {
            assert_eq!(shown(&app.rp.id).await, Value::Null);
            let page = app.rp.authorize(&bed.world.browser(), &[]).await.follow_within().await;
            assert!(page.has_form("sign-in") && !page.has(".logo"));
            assert!(page.header("content-security-policy").contains("img-src 'self' data:;"));
        }
    }
}
