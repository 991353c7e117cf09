//! Apps that nobody has looked at, with names that are meant to harm: refused where they come in, and
//! words wherever they are shown, in browsers and in terminals.

use doorward::store::clients;
use serde_json::json;

use crate::kit::console::admin;
use crate::kit::fixtures::{ALICE, Bed, Rp, Tokens, fill_in, unique};
use crate::kit::grant::Device;
use crate::kit::registration::{
    Registered, assert_refused, open_bed, open_world, register, request,
};
use crate::support::browser_like::Page;
use crate::support::tls_peer::{Answer, TlsPeer};
use crate::support::world::World;

/// What no app may be called.
fn refused_names() -> Vec<String> {
    let mut names =
        ["a\u{1b}[2Jb", "a\u{9b}2Jb", "a\u{7}b", "a\nb", "a\u{0}b"].map(str::to_owned).to_vec();
    names.extend(["Bank\u{202e}knaB", "a\u{2066}b\u{2069}", "a\u{200f}b"].map(str::to_owned));
    names.push("x".repeat(2_000));
    names
}

/// No element or handler that our own templates did not write, and no direction that leaks out.
#[track_caller]
fn assert_inert(page: &Page) {
    assert!(page.status.as_u16() < 400, "{}", page.describe());
    assert!(page.texts("script").iter().all(String::is_empty), "{}", page.body);
    assert!(!page.has("img[onerror], [onerror], [onload]"), "{}", page.body);
    for (position, _) in page.body.match_indices('\u{202e}') {
        let before = &page.body[..position];
        let open = before.rfind("<bdi>").unwrap_or(0) > before.rfind("</bdi>").unwrap_or(0);
        // Or inside an attribute, which ends with its quote.
        let in_tag = before.rfind('<').unwrap_or(0) > before.rfind('>').unwrap_or(0);
        let in_area =
            before.rfind("<textarea").unwrap_or(0) > before.rfind("</textarea").unwrap_or(0);
        assert!(
            open || in_tag || in_area,
            "{}",
            &page.body[position.saturating_sub(200)..position]
        );
    }
}

/// What a command writes for people to read.
fn table(world: &World, arguments: &[&str]) -> String {
    let output = world.run(&[&["--format", "table"], arguments].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[track_caller]
fn assert_tame(text: &str) {
    let wild = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert!(!text.contains(wild), "{text:?}");
}

/// Every page that shows this app: on the way to it, afterwards, and to administrators.
async fn pages_of(bed: &Bed, rp: &Rp) -> Vec<Page> {
    let browser = bed.world.browser();
    let sign_in =
        rp.authorize(&browser, &[("scope", "openid offline_access")]).await.follow_within().await;
    let consent = fill_in(&sign_in, &ALICE).submit().await.follow_within().await;
    assert!(consent.has_form("consent"), "{}", consent.describe());
    let answer = consent.form("consent").press("decision", "allow").submit().await;
    let code = answer.follow_within().await.location_parameter("code").expect("a code");
    Tokens::of(&rp.redeem(&code).await);
    let mut pages =
        vec![sign_in, consent, browser.get("/account").await, browser.get("/logout").await];
    pages.push(rp.authorize(&browser, &[("prompt", "login")]).await);
    pages.push(rp.authorize(&browser, &[("prompt", "select_account")]).await);
    pages
}

on_both_backends! {
    async fn names_that_disguise_or_flood_are_refused_at_both_doors(backend: Backend) {
        let bed = open_bed(backend).await;
        for name in refused_names() {
            let page = register(&bed.world, None, &request(json!({ "client_name": name }))).await;
            assert_refused(&page, 400, "invalid_client_metadata");
            // The same in a document of its own.
            let path = format!("/{}.json", unique("hostile"));
            let peer = TlsPeer::shared();
            let id = peer.url(&path);
            let document = json!({ "client_id": id, "client_name": name, "redirect_uris": [peer.url("/cb")] });
            peer.serve(&path, Answer::json(&document));
            let rp = Rp { redirect_uri: peer.url("/cb"), ..Rp::new(&bed.world, &id) };
            let page = rp.authorize(&bed.world.browser(), &[]).await;
            page.assert_status(400).assert_page_headers();
            assert!(page.try_location().is_none());
            assert!(!page.body.contains('\u{202e}') && !page.body.contains('\u{1b}'), "{}", page.body);
        }
    }

    async fn markup_in_the_name_of_an_app_is_text_on_every_page(backend: Backend) {
        let world = open_world(backend).start().await;
        let bed = Bed::new(world, &[]).await;
        let owner = admin(&bed.world, "owner").await;
        for name in ["<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "{{7*7}}<b>&lt;"] {
            let app = Registered::new(&bed.world, json!({
                "client_name": name, "scope": "openid offline_access", "client_uri": "https://rp.test/",
            })).await;
            let mut pages = pages_of(&bed, &app.rp).await;
            pages.push(owner.page("/admin/clients").await);
            let detail = format!("/admin/clients/{}", app.rp.id);
            for step in ["", "/disable", "/delete"] {
                pages.push(owner.page(&format!("{detail}{step}")).await);
            }
            for page in &pages {
                assert_inert(page);
            }
            for shown in [&pages[0], &pages[1], &pages[2], &pages[6], &pages[7]] {
                assert!(shown.text().contains(name), "{}", shown.text());
            }
            let list = table(&bed.world, &["client", "list"]);
            assert!(list.contains(name), "{list}");
            assert_tame(&list);
        }
        bed.assert_log_is_clean();
    }

    async fn a_name_that_got_in_before_is_harmless_in_browsers_and_terminals(backend: Backend) {
        let world = open_world(backend).start().await;
        let mut bed = Bed::new(world, &[]).await;
        let app = Registered::new(&bed.world, json!({
            "scope": "openid offline_access", "client_uri": "https://rp.test/",
        })).await;
        let evil = format!("\u{1b}]0;pwned\u{7}\u{1b}[2J\u{202e}<script>alert(1)</script>{}", "x".repeat(2_000));
        let store = bed.store().await;
        let id = doorward::protocol::types::ClientId::new(app.rp.id.as_str());
        let mut stored = clients::by_id(&store.db, &id).await.unwrap().unwrap();
        stored.metadata.client_name = evil.clone();
        stored.metadata.grant_types.push(doorward::protocol::client::GrantType::DeviceCode);
        assert!(clients::update(&store.db, &stored).await.unwrap());
        store.db.close().await;
        bed.world.restart().await;

        let owner = admin(&bed.world, "owner").await;
        let mut pages = pages_of(&bed, &app.rp).await;
        let browser = bed.signed_in(&ALICE).await;
        pages.push(Device::ask(app.rp.clone(), "openid").await.question(&browser).await);
        let detail = format!("/admin/clients/{}", app.rp.id);
        for path in ["/admin/clients", &detail, &format!("{detail}/disable"), &format!("{detail}/delete"), "/admin/audit"] {
            pages.push(owner.page(path).await);
        }
        for page in &pages {
            assert_inert(page);
            page.assert_page_headers();
        }
        let disabled = owner.post(&format!("{detail}/disable"), &[]).await;
        assert_inert(&disabled.follow().await);
        for arguments in [&["client", "list"][..], &["client", "show", &app.rp.id]] {
            let text = table(&bed.world, arguments);
            assert!(text.contains("pwned"), "{text:?}");
            assert_tame(&text);
        }
        // For programs it stays what it is.
        assert_eq!(bed.world.cli(&["client", "show", &app.rp.id])["client_name"], evil.as_str());
        let log = bed.world.log();
        assert!(!log.contains('\u{1b}'), "the log is read in terminals, too");
    }
}
