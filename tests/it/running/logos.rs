//! Logos of the installation and of apps: written anew, kept here, served by every node; by console, REST
//! API and command line alike.

use image::ImageFormat;
use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::api::{Api, is, refused, sent};
use crate::kit::console::{Admin, admin, create};
use crate::kit::fixtures::{ALICE, Bed, fill_in};
use crate::kit::flow::{Answer, PATIENCE, count, every_node, get, http_client};
use crate::kit::pictures::{bomb, picture, png, upload, upload_with, with_text};
use crate::support::browser_like::{Browser, Page};
use crate::support::process::wait_until_async;
use crate::support::world::World;

const SCOPES: [&str; 2] = ["doorward.settings:write", "doorward.clients:write"];
const BRAND: &str = "/admin/settings/logo/logo";

/// Puts a picture.
async fn put(api: &Api, path: &str, (kind, bytes): (&str, Vec<u8>)) -> Answer {
    sent(api.request(Method::PUT, path).header("content-type", kind).body(bytes)).await
}

/// Writes a file for a command.
fn file(world: &World, name: &str, bytes: &[u8]) -> String {
    let path = world.path(name);
    std::fs::write(&path, bytes).expect("a file");
    path.display().to_string()
}

fn client(world: &World, id: &str) {
    let fixed = ["client", "create", "--name", "Wiki", "--type", "web", "--client-id", id];
    world.cli(
        &[&fixed[..], &["--redirect-uri", "https://rp.test/cb", "--scope", "openid"]].concat(),
    );
}

/// Kind, outcome, app and details of every event about logos, oldest first.
fn events(world: &World) -> Vec<Value> {
    let mut found = Vec::new();
    for kind in
        ["branding.logo_set", "branding.logo_removed", "client.logo_set", "client.logo_removed"]
    {
        let list = world.cli(&["audit", "list", "--kind", kind]);
        let items = list["items"].as_array().expect("a list").iter().rev();
        found.extend(items.map(|event| {
            let mut detail = event["detail"].clone();
            // By which key it came.
            detail.as_object_mut().expect("details").remove("api_key");
            json!([event["kind"], event["result"], event["client_id"], detail])
        }));
    }
    found
}

/// The bytes at an address, and its headers checked.
async fn served(address: &str) -> Vec<u8> {
    let answer = http_client().get(address).send().await.expect("an answer");
    assert_eq!(answer.status(), 200, "{address}");
    let header = |name: &str| answer.headers()[name].to_str().expect("text").to_owned();
    assert_eq!(header("content-type"), "image/png");
    assert_eq!(header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert!(header("content-security-policy").starts_with("default-src 'none'"));
    assert!(!answer.headers().contains_key("set-cookie"));
    answer.bytes().await.expect("bytes").to_vec()
}

/// Waits until the logo in the header of the sign-in page is there, or gone; gives its address.
async fn wait_for_logo(base: &str, there: bool) -> String {
    wait_until_async("the logo", PATIENCE, async || {
        Browser::new(base).get("/login").await.has(".brand .own") == there
    })
    .await;
    let page = Browser::new(base).get("/login").await;
    page.attributes(".brand .own", "src").into_iter().next().unwrap_or_default()
}

async fn assert_refused(admin: &Admin, path: &str, bytes: &[u8], why: &str) -> Page {
    let answer = upload(admin, path, bytes).await;
    let told = admin.message_after(&answer).await;
    assert!(told.contains(why), "{why}: {told}");
    answer
}

/// The most memory the server has ever had, in KiB.
fn most_memory(world: &World) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", world.pid())).expect("/proc");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

on_both_backends! {
    async fn console_api_and_commands_set_logos_alike(world: World) {
        let owner = admin(&world, "owner").await;
        let api = Api::with_key(&world, "the-owner", &SCOPES);
        client(&world, "wiki");
        // The same picture by each of them, with one between that makes it a change.
        for (name, app) in [("logo", false), ("wiki", true)] {
            let one = file(&world, "one.png", &png(10));
            let command: &[&str] = if app { &["client", "logo", "wiki"] } else { &["setting", "logo"] };
            let path = if app { "/clients/wiki/logo" } else { "/branding/logo" };
            let page = if app { "/admin/clients/wiki/logo" } else { BRAND };
            let set = world.cli(&[command, &[one.as_str()]].concat());
            assert_eq!(set["owner"], name);
            world.cli(&[command, &["--remove"]].concat());
            is(put(&api, path, ("image/png", png(10))).await, 204);
            is(api.delete(path).await, 204);
            owner.message_after(&upload(&owner, page, &png(10)).await).await;
            owner.message_after(&owner.post(&format!("{page}/remove"), &[]).await).await;
            // What changes nothing leaves no trace.
            is(api.delete(path).await, 204);
            is(put(&api, path, ("image/png", png(20))).await, 204);
            is(put(&api, path, ("image/png", png(20))).await, 204);
            is(api.delete(path).await, 204);
        }
        let found = events(&world);
        assert_eq!(found.len(), 16, "{found:#?}");
        // Those of one second may come in any order.
        for (of_kind, alike) in [(0..4, 3), (4..8, 4), (8..12, 3), (12..16, 4)] {
            let of_kind = &found[of_kind];
            let counted = of_kind.iter().map(|one| of_kind.iter().filter(|other| *other == one).count());
            assert_eq!(counted.max(), Some(alike), "{of_kind:#?}");
        }
        assert_eq!(count(&world, "select count(*) from pictures").await, 0);
    }

    async fn a_picture_is_written_anew_and_nothing_else_of_it_is_served(world: World) {
        let owner = admin(&world, "owner").await;
        let script = "<script>alert(document.domain)</script>";
        let mut polyglot = with_text(&png(10), script);
        polyglot.extend_from_slice(format!("<!doctype html>{script}PK\x03\x04").as_bytes());
        let mut jpeg = picture(ImageFormat::Jpeg, (900, 90), 10);
        // A comment segment behind the start of the file.
        let comment = [&[0xff, 0xfe, 0, u8::try_from(script.len() + 2).unwrap()], script.as_bytes()].concat();
        jpeg.splice(2..2, comment);
        for (sent, size) in [(polyglot, (300, 60)), (jpeg, (640, 64)), (picture(ImageFormat::WebP, (80, 80), 9), (80, 80))] {
            owner.message_after(&upload(&owner, BRAND, &sent).await).await;
            let page = world.browser().get("/login").await;
            page.assert_page_headers();
            let src = page.attributes(".brand .own", "src").remove(0);
            let bytes = served(&world.url(&src)).await;
            assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n"), "{src}");
            for hidden in ["<script", "doctype", "Comment", "PK\x03\x04", "Exif"] {
                assert!(!bytes.windows(hidden.len()).any(|part| part == hidden.as_bytes()), "{hidden}");
            }
            let read = image::load_from_memory(&bytes).expect("a PNG");
            assert_eq!((read.width(), read.height()), size);
            let told = |name| page.attributes(".brand .own", name).remove(0);
            assert_eq!((told("width"), told("height")), (size.0.to_string(), size.1.to_string()));
            assert_eq!(told("alt"), "Doorward");
        }
        for other in ["/branding/picture.png", "/branding/picture.x.png", "/branding/picture..png"] {
            assert_eq!(get(&world.url(other)).await.status, 404, "{other}");
        }
        let nobodys = format!("/branding/picture.{}.png", "A".repeat(43));
        assert_eq!(get(&world.url(&nobodys)).await.status, 404);
    }

    async fn what_is_no_picture_or_too_much_of_one_is_refused_by_each_face(world: World) {
        let owner = admin(&world, "owner").await;
        let api = Api::with_key(&world, "the-owner", &SCOPES);
        client(&world, "wiki");
        let before = most_memory(&world);
        let whole = png(10);
        let half = whole[..whole.len() / 2].to_vec();
        for (bytes, why) in [
            (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>".to_vec(), "no PNG, JPEG or WebP"),
            (b"<!doctype html><script>alert(1)</script>".to_vec(), "no PNG, JPEG or WebP"),
            (b"GIF89a\x01\0\x01\0\0\0\0".to_vec(), "no PNG, JPEG or WebP"),
            (bomb(60_000), "more than 4096 pixels"),
            (bomb(0x7fff_ffff), "more than 4096 pixels"),
            (half, "ends early"),
            (Vec::new(), "empty"),
        ] {
            for path in ["/clients/wiki/logo", "/branding/logo-dark"] {
                let answer = put(&api, path, ("image/png", bytes.clone())).await;
                let answer = refused(answer, 422, "unusable_picture").json();
                assert!(answer["detail"].as_str().unwrap().contains(why), "{why}: {answer}");
            }
            assert_refused(&owner, "/admin/clients/wiki/logo", &bytes, why).await;
            assert_refused(&owner, BRAND, &bytes, why).await;
            let path = file(&world, "bad.png", &bytes);
            let output = world.run(&["setting", "logo", &path]);
            assert!(!output.status.success());
            assert!(String::from_utf8_lossy(&output.stderr).contains(why), "{output:?}");
        }
        let long = vec![0; 600 * 1024];
        assert_refused(&owner, BRAND, &long, "longer than 512 KiB").await;
        refused(put(&api, "/branding/logo", ("image/png", long)).await, 413, "too_large");
        let longer = upload(&owner, BRAND, &vec![0; 2 * 1024 * 1024]).await;
        assert_eq!(longer.status.as_u16(), 413, "{}", longer.describe());
        assert!(longer.text().contains("choose a smaller one"), "{}", longer.describe());
        for kind in ["image/svg+xml", "text/html", "application/json", "multipart/form-data"] {
            refused(put(&api, "/branding/logo", (kind, png(1))).await, 415, "unsupported_media_type");
        }
        for path in ["/branding/logo-blue", "/branding/wiki", "/clients/nobody/logo"] {
            refused(put(&api, path, ("image/png", png(1))).await, 404, "not_found");
            refused(api.delete(path).await, 404, "not_found");
        }
        upload(&owner, "/admin/settings/logo/blue", &png(1)).await.assert_status(404);
        upload(&owner, "/admin/clients/nobody/logo", &png(1)).await.assert_status(404);
        let grown = most_memory(&world).saturating_sub(before);
        assert!(grown < 64 * 1024, "{grown} KiB more");
        assert_eq!(count(&world, "select count(*) from pictures").await, 0);
    }

    async fn only_whom_the_role_allows_changes_logos_and_only_from_our_pages(world: World) {
        let owner = admin(&world, "owner").await;
        client(&world, "wiki");
        for csrf in ["", "forged"] {
            upload_with(&owner, BRAND, (&png(1), csrf)).await.assert_status(403);
        }
        let auditor = admin(&world, "auditor").await;
        let api = Api::with_key(&world, "the-auditor", &SCOPES);
        for (page, path) in [(BRAND, "/branding/logo"), ("/admin/clients/wiki/logo", "/clients/wiki/logo")] {
            upload(&auditor, page, &png(1)).await.assert_status(403);
            auditor.post(&format!("{page}/remove"), &[]).await.assert_status(403);
            refused(put(&api, path, ("image/png", png(1))).await, 403, "forbidden");
            refused(api.delete(path).await, 403, "forbidden");
        }
        assert!(!auditor.page("/admin/settings").await.has("input[type=file]"));
        assert!(!auditor.page("/admin/clients/wiki").await.has("input[type=file]"));
        let operator = admin(&world, "operator").await;
        upload(&operator, BRAND, &png(1)).await.assert_status(403);
        upload(&operator, "/admin/clients/wiki/logo", &png(1)).await.assert_status(303);
        create(&world, "reader", Some("owner"));
        let reader = Api::with_key(&world, "reader", &["doorward.settings:read"]);
        refused(put(&reader, "/branding/logo", ("image/png", png(1))).await, 403, "insufficient_scope");
        assert_eq!(count(&world, "select count(*) from pictures").await, 1);
        world.cli(&["client", "delete", "wiki", "--yes"]);
        assert_eq!(count(&world, "select count(*) from pictures").await, 0, "gone with its app");
    }

    async fn every_node_shows_a_logo_within_a_second_and_one_that_starts_later_too(backend: Backend) {
        let world = World::builder(backend).start().await;
        let (bases, _node) = every_node(&world).await;
        let (light, dark) = (file(&world, "light.png", &png(10)), file(&world, "dark.png", &png(200)));
        // One serves for both kinds of pages.
        world.cli(&["setting", "logo", "--dark", &dark]);
        for base in &bases {
            let src = wait_for_logo(base, true).await;
            served(&format!("{base}{src}")).await;
            assert!(!Browser::new(base).get("/login").await.has(".brand source"));
        }
        world.cli(&["setting", "logo", &light]);
        for base in &bases {
            wait_until_async("both logos", PATIENCE, async || {
                Browser::new(base).get("/login").await.has(".brand source[media='(prefers-color-scheme: dark)']")
            })
            .await;
            let page = Browser::new(base).get("/login").await;
            let two = [page.attributes(".brand source", "srcset"), page.attributes(".brand .own", "src")].concat();
            assert_ne!(two[0], two[1]);
            for src in two {
                served(&format!("{base}{src}")).await;
            }
        }
        world.cli(&["setting", "logo", "--remove"]);
        world.cli(&["setting", "logo", "--dark", "--remove"]);
        for base in &bases {
            wait_for_logo(base, false).await;
        }
    }

    async fn an_apps_logo_is_on_its_pages_and_nothing_comes_from_elsewhere(backend: Backend) {
        let bed = Bed::own(backend, &["conf-basic"]).await;
        let path = file(&bed.world, "app.png", &picture(ImageFormat::Png, (900, 900), 77));
        let set = bed.world.cli(&["client", "logo", "conf-basic", &path]);
        let address = format!("/branding/picture.{}.png", set["fingerprint"].as_str().expect("set"));
        let rp = bed.rp("conf-basic");
        wait_until_async("the app's logo", PATIENCE, async || {
            let page = rp.authorize(&bed.world.browser(), &[]).await.follow_within().await;
            page.has(".logo img")
        })
        .await;
        let browser = bed.world.browser();
        let sign_in = rp.authorize(&browser, &[]).await.follow_within().await;
        let consent = fill_in(&sign_in, &ALICE).submit().await.follow_within().await;
        assert!(sign_in.has_form("sign-in") && consent.has_form("consent"));
        for page in [&sign_in, &consent] {
            page.assert_page_headers();
            let policy = page.header("content-security-policy");
            assert!(policy.contains("img-src 'self' data:;"), "{policy}");
            assert_eq!(page.attributes(".logo img", "src"), [address.as_str()]);
        }
        let bytes = served(&bed.world.url(&address)).await;
        let read = image::load_from_memory(&bytes).expect("a PNG");
        assert_eq!((read.width(), read.height()), (512, 512));
        bed.assert_log_is_clean();
    }
}
