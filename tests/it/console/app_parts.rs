//! What few apps need, set by form in the console: how an app hears of sign-outs, where people read about it,
//! what its sign-ins are like, and with what is signed and encrypted.

use serde_json::{Value, json};

use crate::kit::audit::noted;
use crate::kit::console::admin;
use crate::kit::flow::App;
use crate::support::world::World;

const PAGE: &str = "/admin/clients/wiki";
const TOKENS: &str = "/admin/clients/wiki/tokens";

/// The one event that tells of a change with this member, as its names and what they were and are.
fn change(world: &World, member: &str) -> Value {
    let told = noted(world, "client.updated");
    let names = |detail: &Value| detail["changed"].as_array().cloned().unwrap_or_default();
    let mut told = told.into_iter().filter(|detail| names(detail).contains(&json!(member)));
    let found = told.next().unwrap_or_else(|| panic!("no event with {member}"));
    assert!(told.next().is_none(), "{member} was changed once");
    found
}

on_both_backends! {
    async fn sign_outs_and_what_people_find_of_an_app_are_set_by_form(world: World) {
        let owner = admin(&world, "owner").await;
        App::register(&world, "wiki", &[]);
        let long = "a".repeat(255);
        for (field, value, says) in [
            ("backchannel_logout_uri", "http://rp.test/back", "Where it hears of sign-outs:"),
            ("frontchannel_logout_uri", "https://elsewhere.test/front", "Page that signs people out of it:"),
            ("policy_uri", "javascript:alert(1)", "Privacy policy:"),
            ("tos_uri", "http://rp.test/terms", "Terms of service:"),
            ("contacts", long.as_str(), "Who answers for it:"),
        ] {
            let form = owner.page(PAGE).await.form("client").set(field, value);
            let refused = form.submit().await;
            refused.assert_status(422);
            assert_eq!(refused.attributes(".summary a", "href"), [format!("#{field}")]);
            let said = refused.texts(&format!("#{field}-error")).join(" ");
            assert!(said.starts_with(says), "{field}: {said}");
            assert_eq!(refused.form("client").value(field), Some(value), "what was typed stays");
        }
        assert!(noted(&world, "client.updated").is_empty());

        let form = owner.page(PAGE).await.form("client");
        let form = form.set("backchannel_logout_uri", "https://rp.test/back");
        let form = form.check("backchannel_logout_session_required", "on");
        let form = form.set("frontchannel_logout_uri", "https://rp.test/front");
        let form = form.check("frontchannel_logout_session_required", "on");
        let form = form.set("post_logout_redirect_uris", "https://rp.test/bye");
        let form = form.set("policy_uri", "https://rp.test/privacy").set("tos_uri", "https://rp.test/terms");
        let saved = form.set("contacts", "ops@rp.test\r\nhelp@rp.test").submit().await;
        assert_eq!(owner.message_after(&saved).await, "wiki is saved.");
        let metadata = world.cli(&["client", "show", "wiki"]);
        for (member, value) in [
            ("backchannel_logout_uri", json!("https://rp.test/back")),
            ("backchannel_logout_session_required", json!(true)),
            ("frontchannel_logout_uri", json!("https://rp.test/front")),
            ("frontchannel_logout_session_required", json!(true)),
            ("post_logout_redirect_uris", json!(["https://rp.test/bye"])),
            ("policy_uri", json!("https://rp.test/privacy")),
            ("tos_uri", json!("https://rp.test/terms")),
            ("contacts", json!(["ops@rp.test", "help@rp.test"])),
        ] {
            assert_eq!(metadata[member], value, "{member}");
        }
        let told = change(&world, "frontchannel_logout_uri");
        assert_eq!(told["before"]["frontchannel_logout_uri"], Value::Null);
        assert_eq!(told["after"]["frontchannel_logout_uri"], "https://rp.test/front");

        // What is stored is what the form shows: sent as it is, it changes nothing.
        let same = owner.page(PAGE).await.form("client").submit().await;
        same.assert_status(303);
        assert_eq!(world.cli(&["client", "show", "wiki"])["contacts"], metadata["contacts"]);
        let auditor = admin(&world, "auditor").await;
        let seen = auditor.page(PAGE).await.text();
        for member in ["backchannel_logout_uri", "frontchannel_logout_uri", "policy_uri", "tos_uri"] {
            let fact = metadata[member].as_str().expect("an address");
            assert!(seen.contains(fact), "{fact}: {seen}");
        }
    }

    async fn what_is_signed_and_encrypted_is_chosen_from_lists(world: World) {
        let owner = admin(&world, "owner").await;
        App::register(&world, "wiki", &[]);
        let folded = "details:not([open]) #id_token_encrypted_response_alg";
        assert!(owner.page(TOKENS).await.has(folded), "few need it");
        for (field, value, says) in [
            ("id_token_encrypted_response_alg", "ECDH-ES", "ID tokens are encrypted with: needs a key"),
            ("userinfo_encrypted_response_enc", "A128GCM", "What is in encrypted user information, with:"),
            ("userinfo_signed_response_alg", "none", "Choose one of the algorithms in the list."),
            ("request_uris", "http://rp.test/request", "Where its requests may be:"),
            ("default_acr_values", "two words", "How sure a sign-in has to be:"),
        ] {
            let refused = owner.page(TOKENS).await.form("client").set(field, value).submit().await;
            refused.assert_status(422);
            assert_eq!(refused.attributes(".summary a", "href"), [format!("#{field}")]);
            let said = refused.texts(&format!("#{field}-error")).join(" ");
            assert!(said.starts_with(says), "{field}: {said}");
            let is_folded = refused.has(folded);
            assert_eq!(is_folded, field == "default_acr_values", "an error is never hidden");
            let typed = refused.form("client").value(field).map(str::to_owned);
            assert_eq!(typed.as_deref(), Some(if value == "none" { "" } else { value }), "{field}");
        }
        let keys = [("auth_method", "client_secret"), ("jwks_uri", "https://rp.test/keys")];
        owner.edit(&format!("{PAGE}/credentials"), &keys).await.assert_status(303);

        let chosen = [
            ("id_token_encrypted_response_alg", "RSA-OAEP-256"),
            ("id_token_encrypted_response_enc", "A256GCM"),
            ("userinfo_signed_response_alg", "ES256"),
            ("userinfo_encrypted_response_alg", "ECDH-ES"),
            ("userinfo_encrypted_response_enc", "A128GCM"),
            ("introspection_signed_response_alg", "PS256"),
            ("introspection_encrypted_response_alg", "ECDH-ES"),
            ("introspection_encrypted_response_enc", "A128CBC-HS256"),
            ("authorization_signed_response_alg", "EdDSA"),
            ("authorization_encrypted_response_alg", "RSA-OAEP-256"),
            ("authorization_encrypted_response_enc", "A256GCM"),
            ("request_object_signing_alg", "ES384"),
            ("request_object_encryption_alg", "ECDH-ES"),
            ("request_object_encryption_enc", "A256GCM"),
        ];
        let operator = admin(&world, "operator").await;
        let form = operator.page(TOKENS).await.form("client");
        let form = chosen.iter().fold(form, |form, (field, value)| form.set(field, value));
        let form = form.set("request_uris", "https://rp.test/request#1");
        let form = form.set("default_acr_values", "aal1").check("require_auth_time", "on");
        let saved = form.set("authorization_details_types", "payment\r\naccount").submit().await;
        assert_eq!(operator.message_after(&saved).await, "The tokens of wiki are saved.");
        let metadata = world.cli(&["client", "show", "wiki"]);
        for (member, value) in chosen {
            assert_eq!(metadata[member], value, "{member}");
        }
        assert_eq!(metadata["request_uris"], json!(["https://rp.test/request#1"]));
        assert_eq!(metadata["default_acr_values"], json!(["aal1"]));
        assert_eq!(metadata["require_auth_time"], true);
        assert_eq!(metadata["authorization_details_types"], json!(["payment", "account"]));
        let told = change(&world, "request_object_signing_alg");
        assert_eq!(told["after"]["request_object_signing_alg"], "ES384");
        assert_eq!(told["before"]["request_object_signing_alg"], Value::Null);

        // What is stored is shown, and what is taken back is gone.
        let shown = operator.page(TOKENS).await.form("client");
        for (field, value) in chosen {
            assert_eq!(shown.value(field), Some(value), "{field}");
        }
        let empty = chosen.iter().fold(shown, |form, (field, _)| form.set(field, ""));
        empty.set("request_uris", "").submit().await.assert_status(303);
        let metadata = world.cli(&["client", "show", "wiki"]);
        assert!(chosen.iter().all(|(member, _)| metadata[*member].is_null()), "{metadata}");
        assert_eq!(metadata["request_uris"], json!([]));
        assert_eq!(metadata["require_auth_time"], true, "the rest stays");

        // A form from before a change of somebody else says what is stored now, where it can be seen.
        let late = operator.page(TOKENS).await.form("client");
        let form = owner.page(TOKENS).await.form("client").set("userinfo_signed_response_alg", "ES256");
        form.submit().await.assert_status(303);
        let refused = late.submit().await;
        refused.assert_status(422);
        let said = refused.texts("#userinfo_signed_response_alg-error").join(" ");
        assert_eq!(said, "User information is signed with: “ES256” is stored now.");
        assert!(!refused.has(folded), "{}", refused.describe());
        assert_eq!(world.cli(&["client", "show", "wiki"])["userinfo_signed_response_alg"], "ES256");
    }
}
