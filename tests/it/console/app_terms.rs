//! How an app proves who it is, and what its tokens are like, set by form in the console.

use crate::kit::audit::logged;
use crate::kit::console::{ISSUER_KEYS, admin};
use crate::kit::flow::{App, PATIENCE, create_user, execute, forget_copies, sign_in};
use crate::support::process::wait_until_async;
use crate::support::world::World;

const KEYS: [(&str, &str); 2] = [("auth_method", "private_key_jwt"), ("jwks", ISSUER_KEYS)];
const PLAIN: [(&str, &str); 3] = [
    ("security_profile", "standard"),
    ("subject_type", "public"),
    ("grant_types", "authorization_code"),
];

on_both_backends! {
    async fn the_credentials_of_an_app_are_set_by_form(world: World) {
        let owner = admin(&world, "owner").await;
        App::register(&world, "wiki", &[]);
        let page = "/admin/clients/wiki/credentials";
        assert!(owner.page("/admin/clients/wiki").await.attributes("p a", "href").iter().any(|to| to.ends_with(page)));
        for (fields, says) in [
            (&[("auth_method", "password")][..], "Choose one of the ways in the list."),
            (&[("auth_method", "private_key_jwt"), ("jwks", "{")], "Its keys: this is no JSON"),
            (&[("auth_method", "private_key_jwt")], "Its keys:"),
            (&[("auth_method", "private_key_jwt"), ("jwks_uri", "http://rp.test/keys")], "Address of its keys:"),
            (&[("auth_method", "tls_client_auth")], "Its certificate:"),
            (&[("auth_method", "tls_client_auth"), ("tls_name", "tls_client_auth_san_ip"), ("tls_value", "x")], "Its certificate:"),
            (&[("auth_method", "client_secret"), ("tls_name", "tls_client_auth_san_dns")], "Its certificate:"),
        ] {
            let answer = owner.edit(page, fields).await;
            answer.assert_status(422);
            assert!(answer.text().contains(says), "{fields:?}: {}", answer.describe());
        }
        assert_eq!(logged(&world, "client.updated").len(), 0);
        let saved = owner.edit(page, &KEYS).await;
        assert_eq!(owner.message_after(&saved).await, "The credentials of wiki are saved.");
        let metadata = world.cli(&["client", "show", "wiki"]);
        assert_eq!(metadata["token_endpoint_auth_method"], "private_key_jwt");
        assert_eq!(metadata["jwks"]["keys"][0]["kid"], "1");
        assert_eq!(metadata["redirect_uris"][0], "https://rp.test/cb", "the rest stays");
        // What is stored is what the form shows, and a form made from something else saves nothing.
        let shown = owner.page(page).await;
        assert!(shown.text().contains("MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"), "{}", shown.describe());
        let stale = owner.post(&format!("{page}/edit"), &KEYS).await;
        stale.assert_status(422);
        // A server that asks for no certificates takes no app that needs one.
        let dns = [
            ("auth_method", "tls_client_auth"),
            ("tls_name", "tls_client_auth_san_dns"),
            ("tls_value", "rp.test"),
        ];
        let refused = owner.edit(page, &dns).await;
        refused.assert_status(422);
        assert!(refused.text().contains("needs client certificates"), "{}", refused.describe());
        owner.edit(page, &[("auth_method", "client_secret")]).await.assert_status(303);
        let metadata = world.cli(&["client", "show", "wiki"]);
        assert_eq!(metadata["token_endpoint_auth_method"], "client_secret");
        assert!(metadata["jwks"].is_null());

        let operator = admin(&world, "operator").await;
        assert!(!operator.page(page).await.has("form#client"), "they read it");
        operator.post(&format!("{page}/edit"), &KEYS).await.assert_status(403);
        operator.page("/admin/clients/wiki/tokens").await;
    }

    async fn an_auditor_reads_the_terms_of_an_app_and_sees_no_form(backend: Backend) {
        // An auditor is asked for no fresh sign-in: there is nothing to give away.
        let world = World::builder(backend).env("DOORWARD_SESSION__ADMIN_STEP_UP", "60").start().await;
        let owner = admin(&world, "owner").await;
        let wiki = App::register(&world, "wiki", &[]);
        let auditor = admin(&world, "auditor").await;
        owner.edit("/admin/clients/wiki/credentials", &[("auth_method", "client_secret_post"), ("jwks_uri", "https://rp.test/keys")]).await.assert_status(303);
        execute(&world, "update sessions set auth_time = auth_time - 180").await;
        forget_copies(&world).await;
        wait_until_async("the copies being distrusted", PATIENCE, async || {
            owner.browser.get("/admin/clients/wiki/credentials").await.try_location().is_some()
        })
        .await;
        let app = auditor.page("/admin/clients/wiki").await;
        for (part, facts) in [
            ("credentials", ["client_secret_post", "https://rp.test/keys"]),
            ("tokens", ["Standard: OpenID Connect", "A person signs in in a browser"]),
        ] {
            let path = format!("/admin/clients/wiki/{part}");
            assert!(app.attributes("p a", "href").contains(&path), "{}", app.describe());
            let page = auditor.page(&path).await;
            for fact in facts {
                assert!(page.text().contains(fact), "{}", page.describe());
            }
            assert!(!page.has("main form"), "{}", page.describe());
            assert!(!wiki.secret.is_empty() && !page.body.contains(&wiki.secret), "no secret");
            auditor.post(&format!("{path}/edit"), &[]).await.assert_status(403);
        }
    }

    async fn the_ways_to_get_tokens_are_boxes(world: World) {
        let owner = admin(&world, "owner").await;
        let wiki = App::register(&world, "wiki", &["--scope", "openid files:read"]);
        let named = || world.cli(&["client", "show", "wiki"])["grant_types"].clone();
        let before = named();
        let page = "/admin/clients/wiki/tokens";
        let shown = owner.page(page).await;
        assert_eq!(shown.attributes("[name=grant_types]", "value").len(), 6, "a web app may have each");
        assert_eq!(serde_json::json!(shown.attributes("[name=grant_types][checked]", "value")), before);
        let token = async || {
            wiki.try_post("/oauth2/token", &[("grant_type", "client_credentials")]).await.expect("an answer")
        };
        token().await.assert_error(400, "unauthorized_client");
        // What nobody touches stays as it is.
        shown.form("client").submit().await.assert_status(303);
        assert_eq!(named(), before);
        let form = owner.page(page).await.form("client").check("grant_types", "client_credentials");
        form.submit().await.assert_status(303);
        assert_eq!(token().await.status, 200);
        let told = logged(&world, "client.updated").into_iter().find(|event| {
            event["detail"]["changed"] == serde_json::json!(["grant_types"])
        });
        assert!(told.is_some_and(|event| event["detail"]["before"]["grant_types"] == before));
        let form = owner.page(page).await.form("client").uncheck("grant_types");
        form.check("grant_types", "authorization_code").submit().await.assert_status(303);
        assert_eq!(named(), serde_json::json!(["authorization_code"]));
        token().await.assert_error(400, "unauthorized_client");
        // An app that keeps no secret is not offered what would give to everybody.
        let fixed = ["client", "create", "--name", "Spa", "--type", "spa", "--client-id", "spa"];
        world.cli(&[&fixed[..], &["--redirect-uri", "https://spa.test/cb"]].concat());
        let page = "/admin/clients/spa/tokens";
        let offered = owner.page(page).await.attributes("[name=grant_types]", "value");
        assert_eq!(offered.len(), 4, "{offered:?}");
        let refused = owner.edit(page, &[&PLAIN[..], &[("grant_types", "client_credentials")]].concat()).await;
        refused.assert_status(422);
        let says = "Ways to get tokens: a public client cannot use client_credentials.";
        assert!(refused.text().contains(says), "{}", refused.describe());
        assert_eq!(refused.attributes(".summary a", "href"), ["#grant_types"]);
    }

    async fn the_tokens_of_an_app_are_set_by_form(world: World) {
        let owner = admin(&world, "owner").await;
        let wiki = App::register(&world, "wiki", &[]);
        create_user(&world, "ada");
        let page = "/admin/clients/wiki/tokens";
        for (field, value, says) in [
            ("access_token_lifetime", "long", "Lifetime of access tokens: write a number of seconds."),
            ("access_token_lifetime", "5", "Lifetime of access tokens: must be 60 to 3600 seconds."),
            ("default_max_age", "-1", "must not be negative"),
            ("audience", "not a uri\u{7f}", "What access tokens may be for:"),
            ("security_profile", "mine", "Choose one of the profiles in the list."),
            ("subject_type", "mine", "Choose one of the two."),
            ("grant_types", "password", "Ways to get tokens: choose among those in the list."),
            ("other", "", "Ways to get tokens: needs at least one entry."),
        ] {
            let mut fields = PLAIN.to_vec();
            fields.retain(|(name, _)| *name != field && (field, *name) != ("other", "grant_types"));
            fields.push((field, value));
            let answer = owner.edit(page, &fields).await;
            answer.assert_status(422);
            assert!(answer.text().contains(says), "{field}: {}", answer.describe());
        }
        let fapi = [("security_profile", "fapi2_security"), PLAIN[1], PLAIN[2]];
        let refused = owner.edit(page, &fapi).await;
        refused.assert_status(422);
        assert!(!refused.attributes(".summary li a", "href").is_empty(), "{}", refused.describe());
        assert_eq!(logged(&world, "client.updated").len(), 0);

        let operator = admin(&world, "operator").await;
        let fields = [
            ("security_profile", "standard"),
            ("subject_type", "pairwise"),
            PLAIN[2],
            ("access_token_lifetime", "120"),
            ("audience", "https://api.test/\nhttps://files.test/"),
        ];
        let saved = operator.edit(page, &fields).await;
        assert_eq!(operator.message_after(&saved).await, "The tokens of wiki are saved.");
        let metadata = world.cli(&["client", "show", "wiki"]);
        assert_eq!(metadata["subject_type"], "pairwise");
        assert_eq!(metadata["audience"], serde_json::json!(["https://api.test/", "https://files.test/"]));
        let browser = sign_in(&world, "ada").await;
        let code = wiki.code(&browser).await;
        assert_eq!(wiki.redeem(&code).await.json()["expires_in"], 120);
        let shown = operator.page(page).await;
        assert_eq!(shown.attributes("#access_token_lifetime", "value"), ["120"]);
    }
}
