//! A resource server asks about the tokens for the resources it answers for, whatever its client_id
//! is (RFC 7662, RFC 8707, RFC 9701). Each resource belongs to one client, and only administrators
//! say to which.

use reqwest::Method;
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
use serde_json::{Value, json};

use crate::kit::client_signer::{refusal, register};
use crate::kit::console::{self, admin};
use crate::kit::document::App;
use crate::kit::fixtures::{ALICE, Auth, Bed, REDIRECT, Rp, Tokens, payload, unique};
use crate::kit::flow::PATIENCE;
use crate::kit::grant::EXCHANGE_GRANT;
use crate::kit::registration::{Registered, open_bed};
use crate::support::process::wait_until_async;
use crate::support::world::World;

const JWT: &str = "application/token-introspection+jwt";

/// A resource nobody answers for yet.
fn resource() -> String {
    format!("https://{}.api.test/v1", unique("protected"))
}

fn program(world: &World, id: &str, answer: &Value) -> Rp {
    let secret = answer["client_secret"].as_str().map(ToOwned::to_owned);
    Rp { secret, auth: Auth::Basic, redirect_uri: REDIRECT.into(), ..Rp::new(world, id) }
}

/// A service that answers for these resources.
fn server(world: &World, resources: &[&str]) -> Rp {
    let id = unique("server");
    let grants = ["client_credentials", EXCHANGE_GRANT];
    let metadata = json!({ "protected_resources": resources, "grant_types": grants });
    let answer = register(world, &id, "machine", &metadata);
    assert_eq!(answer["protected_resources"], json!(resources));
    program(world, &id, &answer)
}

/// An app that uses these resources.
fn app(world: &World, resources: &[&str], more: &Value) -> Rp {
    let id = unique("shopper");
    let mut metadata =
        json!({ "audience": resources, "consent": "skip", "redirect_uris": [REDIRECT] });
    metadata.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    program(world, &id, &register(world, &id, "web", &metadata))
}

/// A token of alice's for this resource, or for all of them.
async fn token(bed: &Bed, app: &Rp, resource: &str) -> String {
    let browser = bed.signed_in(&ALICE).await;
    app.tokens(&browser, &ALICE, &[("resource", resource)]).await.access
}

/// The claims of an answer as JWT.
async fn told_as_jwt(server: &Rp, token: &str) -> Value {
    let url = server.http.resolve("/oauth2/introspect");
    // In place of the browser's own.
    let accept = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(JWT))]);
    let request = server.http.request(Method::POST, &url).headers(accept);
    let request = request.basic_auth(&server.id, server.secret.as_ref()).form(&[("token", token)]);
    let page = server.http.send(request).await;
    page.assert_status(200).assert_header("content-type", JWT);
    payload(&page.body)
}

async fn assert_unknown(server: &Rp, token: &str) {
    assert_eq!(server.introspect(token).await, json!({ "active": false }), "{}", server.id);
    assert_eq!(told_as_jwt(server, token).await["token_introspection"], json!({ "active": false }));
}

on_both_backends! {
    async fn a_server_learns_of_the_tokens_for_its_resources_and_of_no_others(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (a, b, c) = (resource(), resource(), resource());
        let first = server(&bed.world, &[&a]);
        let second = server(&bed.world, &[&b, &c]);
        for format in ["jwt", "opaque"] {
            let app = app(&bed.world, &[&a, &b, &c], &json!({ "access_token_format": format }));
            let narrow = token(bed, &app, &a).await;
            let told = first.introspect(&narrow).await;
            assert_eq!((&told["active"], &told["aud"]), (&json!(true), &json!(a)), "{told}");
            assert_eq!(told["client_id"], app.id.as_str());
            assert_unknown(&second, &narrow).await;
            assert_unknown(&bed.rp("rs"), &narrow).await;
            assert_eq!(app.introspect(&narrow).await["active"], true, "its own token");
            let wide = token(bed, &app, "").await;
            for server in [&first, &second] {
                assert_eq!(server.introspect(&wide).await["aud"], json!([a, b, c]));
            }
        }
        bed.assert_log_is_clean();
    }

    async fn an_answer_as_jwt_names_the_resource_it_is_for(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (a, b, c) = (resource(), resource(), resource());
        let app = app(&bed.world, &[&a], &json!({}));
        let token = token(bed, &app, &a).await;
        let one = told_as_jwt(&server(&bed.world, &[&a]), &token).await;
        assert_eq!((&one["aud"], &one["iss"]), (&json!(a), &json!(bed.world.issuer)));
        assert_eq!(one["token_introspection"]["active"], true);
        let two = told_as_jwt(&server(&bed.world, &[&b, &c]), &token).await;
        assert_eq!(two["aud"], json!([b, c]), "its own, not the token's");
        assert_eq!(two["token_introspection"], json!({ "active": false }));
        let none = server(&bed.world, &[]);
        assert_eq!(told_as_jwt(&none, &token).await["aud"], none.id.as_str());
    }

    async fn a_token_for_its_resource_is_one_a_server_may_exchange(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (a, b) = (resource(), resource());
        let app = app(&bed.world, &[&a], &json!({ "scope": "openid orders:read" }));
        let id = unique("gateway");
        let grants = json!({ "grant_types": [EXCHANGE_GRANT], "scope": "openid orders:read",
            "audience": [b], "protected_resources": [a] });
        let gateway = program(&bed.world, &id, &register(&bed.world, &id, "machine", &grants));
        let browser = bed.signed_in(&ALICE).await;
        let wanted = [("resource", a.as_str()), ("scope", "openid orders:read")];
        let token = app.tokens(&browser, &ALICE, &wanted).await.access;
        let kind = "urn:ietf:params:oauth:token-type:access_token";
        let fields = [
            ("grant_type", EXCHANGE_GRANT), ("subject_token", &token),
            ("subject_token_type", kind), ("resource", &b),
        ];
        let exchanged = Tokens::of(&gateway.token_request(&fields).await);
        assert_eq!(payload(&exchanged.access)["aud"], json!(b));
        // Another server may not, since the token is not for it.
        let other = server(&bed.world, &[&resource()]);
        other.token_request(&fields[..3]).await.assert_oauth_error(400, "invalid_request");
    }

    async fn a_resource_belongs_to_one_client_until_it_is_taken_away(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let a = resource();
        let owner = server(&bed.world, &[&a]);
        let app = app(&bed.world, &[&a], &json!({}));
        let token = token(bed, &app, &a).await;
        let told = refusal(&bed.world, &json!({ "protected_resources": [resource(), a] }));
        assert!(told.contains(&a) && told.contains(&owner.id), "{told}");
        let other = server(&bed.world, &[]);
        let claim = ["client", "update", &other.id, "--protected-resource", &a];
        assert!(!bed.world.run(&claim).status.success());
        assert_unknown(&other, &token).await;
        // Another spelling is another name, which no token bears.
        for near in [format!("{a}/"), a.replace("https", "HTTPS"), a.replace("/v1", "/V1")] {
            assert_unknown(&server(&bed.world, &[&near]), &token).await;
        }
        bed.world.cli(&["client", "update", &owner.id, "--protected-resource", ""]);
        let shown = bed.world.cli(&claim);
        assert_eq!(shown["protected_resources"], json!([a]));
        wait_until_async("the server hearing of it", PATIENCE, async || {
            other.introspect(&token).await["active"] == true
                && owner.introspect(&token).await["active"] == false
        }).await;
        bed.world.cli(&["--yes", "client", "delete", &other.id]);
        let heir = server(&bed.world, &[&a]);
        assert_eq!(heir.introspect(&token).await["active"], true);
    }

    async fn what_is_no_resource_of_a_service_cannot_be_given(backend: Backend) {
        let bed = Bed::shared(backend).await;
        for bad in [
            "api", "/v1", "https://api.test/#x", "https://api.test/ x", "https://api.test/\n",
            &bed.world.issuer, &format!("{}/", bed.world.issuer),
        ] {
            let told = refusal(&bed.world, &json!({ "protected_resources": [bad] }));
            assert!(told.contains("protected_resources"), "{bad}: {told}");
        }
        let public = json!({ "protected_resources": [resource()], "token_endpoint_auth_method": "none",
            "grant_types": [crate::kit::grant::DEVICE_GRANT] });
        assert!(refusal(&bed.world, &public).contains("protected_resources"));
    }

    async fn nobody_registers_a_resource_for_themselves(backend: Backend) {
        let bed = open_bed(backend).await;
        let a = resource();
        let app = app(&bed.world, &[&a], &json!({}));
        let token = token(bed, &app, &a).await;
        let claim = json!({ "protected_resources": [a], "resource": a, "resources": [a] });
        let greedy = Registered::new(&bed.world, claim.clone()).await;
        assert!(greedy.json.get("protected_resources").is_none(), "{}", greedy.json);
        assert_unknown(&greedy.rp, &token).await;
        let replaced = greedy.manage(Method::PUT, Some(&greedy.replacement(claim))).await;
        replaced.assert_status(200);
        assert_unknown(&greedy.rp, &token).await;
        // It is still to be had by whoever an administrator gives it to.
        assert_eq!(server(&bed.world, &[&a]).introspect(&token).await["active"], true);
        bed.assert_log_is_clean();
    }

    async fn what_an_administrator_gave_an_app_that_registered_itself_it_cannot_change(
        backend: Backend
    ) {
        let bed = open_bed(backend).await;
        let a = resource();
        let own = Registered::new(&bed.world, json!({})).await;
        let id = own.rp.id.as_str();
        bed.world.cli(&["client", "update", id, "--protected-resource", &a]);
        let changed = own.replacement(json!({ "client_name": "Renamed", "protected_resources": [] }));
        own.manage(Method::PUT, Some(&changed)).await.assert_status(200);
        let shown = bed.world.cli(&["client", "show", id]);
        assert_eq!((&shown["client_name"], &shown["protected_resources"]), (&json!("Renamed"), &json!([a])));
        assert!(refusal(&bed.world, &json!({ "protected_resources": [a] })).contains(id));
    }

    async fn a_document_and_a_resource_cannot_have_the_same_name(backend: Backend) {
        let bed = open_bed(backend).await;
        let key = crate::kit::client_signer::ClientKey::new("ES256", "k1");
        // The resource was given away before: the document may live there, and is nobody here.
        let squatter = App::with_key(bed, &key);
        let owner = server(&bed.world, &[&squatter.rp.id]);
        let app = app(&bed.world, &[&squatter.rp.id], &json!({}));
        let token = token(bed, &app, &squatter.rp.id).await;
        assert_eq!(owner.introspect(&token).await["active"], true);
        let fields = [("token".to_owned(), token.clone())];
        let page = squatter.post("/oauth2/introspect", &fields, &key).await;
        page.assert_oauth_error(401, "invalid_client");
        let page = squatter.rp.authorize(&bed.signed_in(&ALICE).await, &[]).await.follow_within().await;
        let page = page.form("consent").press("decision", "allow").submit().await;
        crate::kit::checks::assert_error_page(&page.follow_within().await);
        assert!(!squatter.is_stored(bed));
        // And the other way round: who was allowed something keeps its name.
        let settled = App::publish(bed, &json!({ "protected_resources": [resource()] }));
        settled.rp.tokens(&bed.world.browser(), &ALICE, &[]).await;
        let told = refusal(&bed.world, &json!({ "protected_resources": [settled.rp.id] }));
        assert!(told.contains("protected_resources"), "{told}");
        let shown = bed.world.cli(&["client", "show", &settled.rp.id]);
        assert_eq!(shown["protected_resources"], json!([]));
    }

    async fn the_console_gives_resources_and_says_whose_one_is(world: World) {
        let owner = admin(&world, "owner").await;
        let (orders, _) = owner.add_app("Orders").await;
        let (stock, _) = owner.add_app("Stock").await;
        let path = |id: &str| format!("/admin/clients/{id}");
        let form = owner.page(&path(&orders)).await.form("client");
        let uris = "https://orders.test/v1\r\n\r\nurn:example:orders";
        let saved = form.set("protected_resources", uris).submit().await;
        assert_eq!(owner.message_after(&saved).await, "Orders is saved.");
        let shown = world.cli(&["client", "show", &orders]);
        assert_eq!(shown["protected_resources"], json!(["https://orders.test/v1", "urn:example:orders"]));
        for (typed, told) in [("urn:example:orders", orders.as_str()), ("orders", "absolute URI")] {
            let form = owner.page(&path(&stock)).await.form("client");
            let page = form.set("protected_resources", typed).submit().await;
            page.assert_status(422);
            assert!(page.text().contains(told), "{}", page.text());
            assert_eq!(page.form("client").value("protected_resources"), Some(typed));
        }
        // A form that was opened before shows what is stored, and changing something else keeps it.
        let form = owner.page(&path(&orders)).await.form("client").set("name", "Orders 2");
        owner.message_after(&form.submit().await).await;
        assert_eq!(world.cli(&["client", "show", &orders])["protected_resources"][0], "https://orders.test/v1");
        let auditor = admin(&world, "auditor").await;
        let fields = [&console::app_fields("Stock")[..], &[("protected_resources", "urn:x")]];
        let page = auditor.post(&format!("{}/edit", path(&stock)), &fields.concat()).await;
        page.assert_status(403);
    }
}
