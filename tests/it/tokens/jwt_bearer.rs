//! Workloads and people vouched for by a trusted issuer (RFC 7523 section 2.1, RFC 8693): who is
//! believed, for what, how often.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::kit::answers::{Tokens, payload};
use crate::kit::audit::logged;
use crate::kit::checks::assert_access_token_dead;
use crate::kit::client_signer::{ClientKey, jwks};
use crate::kit::declared::{apply, changes};
use crate::kit::fixtures::{ALICE, BOB, Bed, Rp, unique};
use crate::kit::forge::{forgeries, malformed_claims};
use crate::kit::grant::{BEARER_GRANT, Clients, EXCHANGE_GRANT};
use crate::support::browser_like::Page;
use crate::support::process::wait_until_async;
use crate::support::tls_peer::{Answer, TlsPeer};
use crate::support::world::World;

const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const ID: &str = "urn:ietf:params:oauth:token-type:id_token";

/// An issuer outside, and its key.
pub struct Outside {
    pub name: String,
    pub iss: String,
    pub key: ClientKey,
}

impl Outside {
    pub fn new(alg: &'static str) -> Self {
        let name = unique("outside");
        let iss = format!("https://{name}.test");
        Self { name, iss, key: ClientKey::new(alg, "k1") }
    }

    /// Makes Doorward trust it; `settings` are further arguments.
    fn trusted(self, world: &World, settings: &[&str]) -> Self {
        let file = world.path(&format!("{}.jwks.json", self.name));
        std::fs::write(&file, jwks(&[&self.key]).to_string()).expect("write the keys");
        let file = file.display().to_string();
        let fixed = ["issuer", "create", "--name", &self.name, "--issuer", &self.iss];
        world.cli(&[&fixed[..], &["--jwks-file", &file], settings].concat());
        self
    }

    /// Claims of a token for this Doorward, with changes; null removes one.
    fn claims(&self, audience: &str, changes: &Value) -> Value {
        let now = i64::try_from(jsonwebtoken::get_current_timestamp()).unwrap();
        let mut claims = json!({ "iss": self.iss, "aud": audience, "sub": "system:serviceaccount:prod:backup",
            "iat": now, "exp": now + 600, "jti": unique("jti") });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        claims
    }

    pub fn token(&self, audience: &str, changes: &Value) -> String {
        self.sign(&json!({}), &self.claims(audience, changes).to_string())
    }

    fn sign(&self, header: &Value, claims: &str) -> String {
        let mut full = json!({ "alg": self.key.alg(), "kid": "k1", "typ": "JWT" });
        for (name, value) in header.as_object().unwrap() {
            full[name] = value.clone();
        }
        full.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        self.key.sign(&full, claims)
    }
}

/// A machine without a secret of ours, and one with.
pub fn workload(world: &World) -> Rp {
    let id = unique("workload");
    let mut clients = Clients::default();
    let metadata = json!({ "grant_types": [BEARER_GRANT], "token_endpoint_auth_method": "none",
        "scope": "backup:run backup:read openid" });
    clients.register(world, &id, ("machine", metadata));
    clients.rp(world, &id)
}

/// An app that may speak for people it knows through its own issuer.
fn portal(world: &World) -> Rp {
    let id = unique("portal");
    let mut clients = Clients::default();
    let metadata = json!({ "grant_types": [BEARER_GRANT, EXCHANGE_GRANT, "client_credentials"],
        "scope": "openid email offline_access files:read",
        "audience": ["https://files.test", world.issuer] });
    clients.register(world, &id, ("machine", metadata));
    clients.rp(world, &id)
}

pub async fn bring(rp: &Rp, assertion: &str, more: &[(&str, &str)]) -> Page {
    let fixed = [("grant_type", BEARER_GRANT), ("assertion", assertion)];
    rp.token_request(&[&fixed, more].concat()).await
}

async fn exchange(rp: &Rp, (token, kind): (&str, &str)) -> Page {
    rp.token_request(&[
        ("grant_type", EXCHANGE_GRANT),
        ("subject_token", token),
        ("subject_token_type", kind),
    ])
    .await
}

fn pod_rule(rp: &Rp) -> [&str; 4] {
    [
        "--client",
        Box::leak(rp.id.clone().into_boxed_str()),
        "--match",
        "sub=system:serviceaccount:prod:*",
    ]
}

on_both_backends! {
    async fn a_workload_of_a_cluster_needs_no_secret_of_ours(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = workload(&bed.world);
        let reuse = ["--allow-reuse", "--audience", "doorward"];
        let cluster = Outside::new("RS256").trusted(&bed.world, &[&pod_rule(&rp)[..], &reuse].concat());
        // As a projected service-account token looks: no typ, one audience in a list.
        let claims = cluster.claims("doorward", &json!({ "aud": ["doorward"], "nbf": 1, "kubernetes.io": {
            "namespace": "prod", "pod": { "name": "backup-0" }, "serviceaccount": { "name": "backup" } } }));
        let token = cluster.sign(&json!({ "typ": null }), &claims.to_string());
        for _ in 0..3 {
            let tokens = Tokens::of(&bring(&rp, &token, &[]).await);
            assert_eq!((&tokens.refresh, &tokens.id), (&None, &None));
            assert_eq!(tokens.json["scope"], "backup:run backup:read");
            let got = payload(&tokens.access);
            assert_eq!((&got["sub"], &got["client_id"]), (&json!(rp.id), &json!(rp.id)));
            assert!(got["exp"].as_i64() <= claims["exp"].as_i64());
        }
        let narrow = bring(&rp, &token, &[("scope", "backup:read")]).await;
        assert_eq!(narrow.json()["scope"], "backup:read");
        bring(&rp, &token, &[("scope", "openid")]).await.assert_oauth_error(400, "invalid_scope");
        bring(&rp, &token, &[("resource", "https://evil.test")]).await.assert_oauth_error(400, "invalid_target");
        for other in ["system:serviceaccount:test:backup", "system:serviceaccount:prod:a:b", "backup", ""] {
            let token = cluster.token("doorward", &json!({ "sub": other }));
            bring(&rp, &token, &[]).await.assert_oauth_error(400, "invalid_grant");
        }
        // Another workload's client does not get in with it, nor one that no rule names.
        bring(&workload(&bed.world), &token, &[]).await.assert_oauth_error(400, "invalid_grant");
        bring(&bed.rp("daemon"), &token, &[]).await.assert_oauth_error(400, "unauthorized_client");
        bed.assert_log_is_clean();
    }

    async fn a_job_of_a_build_system_is_let_in_by_the_claims_it_has(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let peer = TlsPeer::shared();
        let (rp, outside) = (workload(&bed.world), Outside::new("RS256"));
        let path = format!("/{}", unique("jwks"));
        peer.serve(&path, Answer::new(200, "application/jwk-set+json", jwks(&[&outside.key]).to_string()));
        bed.world.cli(&["issuer", "create", "--name", &outside.name, "--issuer", &outside.iss,
            "--jwks-uri", &peer.url(&path), "--client", &rp.id, "--match", "repository=octo/shop",
            "--match", "sub=repo:octo/shop:ref:refs/heads/*", "--scope", "backup:run"]);
        let job = |repository: &str, git_ref: &str| json!({ "repository": repository,
            "sub": format!("repo:{repository}:ref:{git_ref}"), "actor": "octocat", "run_id": "7" });
        let good = outside.token(&bed.world.issuer, &job("octo/shop", "refs/heads/main"));
        assert_eq!(Tokens::of(&bring(&rp, &good, &[]).await).json["scope"], "backup:run");
        bring(&rp, &good, &[]).await.assert_oauth_error(400, "invalid_grant");
        assert_eq!(peer.hits(&path), 1);
        for (repository, git_ref) in [("octo/shop2", "refs/heads/main"), ("evil/shop", "refs/heads/main"),
            ("octo/shop", "refs/pull/1/merge"), ("octo/shop", "refs/heads/a:environment:prod")] {
            let token = outside.token(&bed.world.issuer, &job(repository, git_ref));
            bring(&rp, &token, &[]).await.assert_oauth_error(400, "invalid_grant");
        }
        let aud = format!("{}/oauth2/token", bed.world.issuer);
        Tokens::of(&bring(&rp, &outside.token(&aud, &job("octo/shop", "refs/heads/main")), &[]).await);
    }

    async fn an_assertion_is_good_once_under_any_race(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = workload(&bed.world);
        let outside = Outside::new("ES256").trusted(&bed.world, &pod_rule(&rp));
        for _ in 0..5 {
            let token = outside.token(&bed.world.issuer, &json!({}));
            // What is refused for another reason does not use it up.
            bring(&rp, &token, &[("scope", "files:read")]).await.assert_oauth_error(400, "invalid_scope");
            let answers = join_all((0..20).map(|_| bring(&rp, &token, &[]))).await;
            assert_eq!(answers.iter().filter(|page| page.status == 200).count(), 1);
            for page in answers.iter().filter(|page| page.status != 200) {
                page.assert_oauth_error(400, "invalid_grant");
            }
        }
        // Without a jti there is nothing to remember it by.
        let token = outside.token(&bed.world.issuer, &json!({ "jti": null }));
        for _ in 0..2 {
            bring(&rp, &token, &[]).await.assert_oauth_error(400, "invalid_grant");
        }
        let trusting = workload(&bed.world);
        let reused = [&pod_rule(&trusting)[..], &["--allow-reuse"]].concat();
        let lenient = Outside::new("ES256").trusted(&bed.world, &reused);
        let token = lenient.token(&bed.world.issuer, &json!({ "jti": null }));
        for _ in 0..2 {
            Tokens::of(&bring(&trusting, &token, &[]).await);
        }
    }

    async fn assertions_that_are_forged_malformed_late_or_for_others_are_refused(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = workload(&bed.world);
        let outside = Outside::new("RS256").trusted(&bed.world, &pod_rule(&rp));
        let issuer = &bed.world.issuer;
        let genuine = outside.token(issuer, &json!({}));
        let mut bad: Vec<_> = forgeries(&genuine, &outside.key.jwk(), "http://127.0.0.1:9")
            .into_iter()
            // Foreign tokens need no typ and may have any kid: both are the issuer's business.
            .collect();
        for (name, value) in malformed_claims() {
            let mut claims = outside.claims(issuer, &json!({ (name): null })).to_string();
            claims.truncate(claims.len() - 1);
            let rest = if value.is_empty() { String::new() } else { format!(",\"{name}\":{value}") };
            let optional = value.is_empty() && name == "iat";
            if !optional {
                bad.push((format!("{name} {value}"), outside.sign(&json!({}), &format!("{claims}{rest}}}"))));
            }
        }
        let now = i64::try_from(jsonwebtoken::get_current_timestamp()).unwrap();
        for changes in [json!({ "exp": now - 1 }), json!({ "exp": now + 8_000 }), json!({ "nbf": now + 120 }),
            json!({ "iat": now + 120 }), json!({ "aud": "https://evil.test" }), json!({ "aud": [issuer, "https://evil.test"] }),
            json!({ "aud": format!("{issuer}/") }), json!({ "iss": "https://unknown.test" }), json!({ "iss": issuer }),
            json!({ "events": { "http://schemas.openid.net/event/backchannel-logout": {} } })] {
            bad.push((changes.to_string(), outside.token(issuer, &changes)));
        }
        for header in [json!({ "typ": "at+jwt" }), json!({ "typ": "logout+jwt" }), json!({ "kid": "other" }),
            json!({ "alg": "PS256" }), json!({ "typ": 7 })] {
            bad.push((header.to_string(), outside.sign(&header, &outside.claims(issuer, &json!({})).to_string())));
        }
        for text in ["x", "a.b.c", "..", "\u{0}", &"y".repeat(20_000)] {
            bad.push((text.chars().take(9).collect(), text.to_owned()));
        }
        for (what, token) in bad {
            let page = bring(&rp, &token, &[]).await;
            assert_eq!(page.json()["error"], "invalid_grant", "{what}: {}", page.describe());
        }
        rp.token_request(&[("grant_type", BEARER_GRANT)]).await.assert_oauth_error(400, "invalid_request");
        let twice = [("assertion", genuine.as_str())];
        bring(&rp, &genuine, &twice).await.assert_oauth_error(400, "invalid_request");
        // Our own tokens vouch for nobody.
        let own = Tokens::of(&bed.rp("daemon").token_request(&[("grant_type", "client_credentials")]).await);
        bring(&rp, &own.access, &[]).await.assert_oauth_error(400, "invalid_grant");
        Tokens::of(&bring(&rp, &genuine, &[]).await);
        bed.assert_log_is_clean();
    }

    async fn an_issuer_speaks_for_people_only_where_a_rule_says_so(backend: Backend) {
        let bed = Bed::own(backend, &[]).await;
        let rp = portal(&bed.world);
        let rule = |identity: &'static str| ["--client", Box::leak(rp.id.clone().into_boxed_str()) as &str,
            "--match", "tenant=acme", "--identity", identity];
        let by_name = Outside::new("ES256").trusted(&bed.world, &rule("username"));
        let by_mail = Outside::new("EdDSA").trusted(&bed.world, &rule("email"));
        let machine = Outside::new("ES256").trusted(&bed.world, &rule("client"));
        let issuer = &bed.world.issuer;
        let says = |outside: &Outside, more: Value| {
            let mut claims = json!({ "tenant": "acme" });
            claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            outside.token(issuer, &claims)
        };
        let tokens = Tokens::of(&bring(&rp, &says(&by_name, json!({ "sub": "alice" })), &[]).await);
        assert_eq!(tokens.json["scope"], "openid email files:read");
        assert_eq!((&tokens.refresh, &tokens.id), (&None, &None));
        let known = rp.userinfo(&tokens.access).await.json();
        assert_eq!((&known["email"], &known["sub"]), (&json!(ALICE.email), &payload(&tokens.access)["sub"]));
        let mail = |address: &str, verified: Value| {
            says(&by_mail, json!({ "sub": "x", "email": address, "email_verified": verified }))
        };
        let bob = Tokens::of(&bring(&rp, &mail(&BOB.email.to_uppercase(), json!(true)), &[]).await);
        assert_eq!(rp.userinfo(&bob.access).await.json()["email"], BOB.email);
        bed.world.cli_with_input(&["user", "create", "--username", "unproved", "--email", "u@people.test",
            "--password-file", "-"], ALICE.password);
        for bad in [mail(BOB.email, json!(false)), mail(BOB.email, json!("true")), mail(BOB.email, Value::Null),
            mail("u@people.test", json!(true)), mail("nobody@people.test", json!(true)), mail("bob", json!(true)),
            says(&by_name, json!({ "sub": ALICE.email })), says(&by_name, json!({ "sub": "nobody" })),
            by_name.token(issuer, &json!({ "sub": "alice" }))] {
            bring(&rp, &bad, &[]).await.assert_oauth_error(400, "invalid_grant");
        }
        // The same words from an issuer that may not speak for people are about the client.
        let own = Tokens::of(&bring(&rp, &says(&machine, json!({ "sub": "alice" })), &[]).await);
        assert_eq!(payload(&own.access)["sub"], json!(rp.id));
        assert_eq!(own.json["scope"], "files:read");
        // What a person was given ends with the person.
        let exchanged = Tokens::of(&exchange(&rp, (&says(&by_name, json!({ "sub": "alice" })), JWT)).await);
        let third = Tokens::of(&exchange(&rp, (&exchanged.access, "urn:ietf:params:oauth:token-type:access_token")).await);
        assert_eq!(bed.audit_count("grant.created").await, 3);
        bed.world.cli(&["user", "disable", "alice"]);
        for token in [&tokens.access, &exchanged.access, &third.access] {
            wait_until_async("its end", crate::kit::flow::PATIENCE, async || {
                rp.introspect(token).await == json!({ "active": false })
            }).await;
            assert_access_token_dead(&rp, token).await;
        }
        bring(&rp, &says(&by_name, json!({ "sub": "alice" })), &[]).await.assert_oauth_error(400, "invalid_grant");
        bed.assert_log_is_clean();
    }

    async fn foreign_subject_tokens_are_exchanged_as_their_rules_and_may_act_allow(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = portal(&bed.world);
        let rule = ["--client", Box::leak(rp.id.clone().into_boxed_str()) as &str,
            "--match", "tenant=acme", "--identity", "username"];
        let outside = Outside::new("PS256").trusted(&bed.world, &rule);
        let says = |more: Value| {
            let mut claims = json!({ "tenant": "acme", "sub": "bob" });
            claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            outside.token(&bed.world.issuer, &claims)
        };
        for kind in [JWT, ID] {
            let claims = payload(&Tokens::of(&exchange(&rp, (&says(json!({})), kind)).await).access);
            assert_eq!(claims["act"], json!({ "sub": rp.id }));
            let audience = json!(["https://files.test", bed.world.issuer]);
            assert_eq!((&claims["aud"], &claims["acr"]), (&audience, &json!("vouched")));
        }
        let allowed = says(json!({ "may_act": { "sub": rp.id } }));
        Tokens::of(&exchange(&rp, (&allowed, JWT)).await);
        for refused in [says(json!({ "may_act": { "sub": "somebody-else" } })), says(json!({ "may_act": {} })),
            says(json!({ "may_act": rp.id })), says(json!({ "tenant": "other" })), says(json!({ "act": { "x": 1 } })),
            says(json!({ "act": { "sub": "a", "act": { "sub": "b", "act": { "sub": "c", "act": { "sub": "d" } } } } }))] {
            exchange(&rp, (&refused, JWT)).await.assert_oauth_error(400, "invalid_request");
        }
        let chained = says(json!({ "act": { "sub": "front", "secret": "x" } }));
        let claims = payload(&Tokens::of(&exchange(&rp, (&chained, JWT)).await).access);
        // The names are the other issuer's, and say so.
        let before = json!({ "sub": "front", "iss": outside.iss });
        assert_eq!(claims["act"], json!({ "sub": rp.id, "act": before }));
        exchange(&rp, (&says(json!({})), "urn:ietf:params:oauth:token-type:access_token")).await
            .assert_oauth_error(400, "invalid_request");
    }

    async fn what_counts_once_counts_once_whichever_grant_it_is_brought_for(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = portal(&bed.world);
        let rule = ["--client", Box::leak(rp.id.clone().into_boxed_str()) as &str,
            "--match", "tenant=acme", "--identity", "username"];
        let says = |outside: &Outside, more: Value| {
            let mut claims = json!({ "tenant": "acme", "sub": "bob" });
            claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            outside.token(&bed.world.issuer, &claims)
        };
        let strict = Outside::new("ES256").trusted(&bed.world, &rule);
        for kind in [JWT, ID] {
            let token = says(&strict, json!({}));
            // What is refused for another reason does not use it up.
            let fields = [("grant_type", EXCHANGE_GRANT), ("subject_token", &token),
                ("subject_token_type", kind), ("scope", "openid warp")];
            rp.token_request(&fields).await.assert_oauth_error(400, "invalid_scope");
            let answers = join_all((0..10).map(|_| exchange(&rp, (&token, kind)))).await;
            assert_eq!(answers.iter().filter(|page| page.status == 200).count(), 1, "{kind}");
            for page in answers.iter().filter(|page| page.status != 200) {
                page.assert_oauth_error(400, "invalid_request");
            }
            bring(&rp, &token, &[]).await.assert_oauth_error(400, "invalid_grant");
        }
        let token = says(&strict, json!({}));
        Tokens::of(&bring(&rp, &token, &[]).await);
        exchange(&rp, (&token, JWT)).await.assert_oauth_error(400, "invalid_request");
        let nameless = says(&strict, json!({ "jti": null }));
        exchange(&rp, (&nameless, JWT)).await.assert_oauth_error(400, "invalid_request");
        // As an actor token, too.
        let (subject, actor) = (says(&strict, json!({})), says(&strict, json!({})));
        Tokens::of(&exchange(&rp, (&actor, JWT)).await);
        let fields = [("grant_type", EXCHANGE_GRANT), ("subject_token", &subject),
            ("subject_token_type", JWT), ("actor_token", &actor), ("actor_token_type", JWT)];
        rp.token_request(&fields).await.assert_oauth_error(400, "invalid_request");
        let lenient = Outside::new("ES256").trusted(&bed.world, &[&rule[..], &["--allow-reuse"]].concat());
        let token = says(&lenient, json!({}));
        for _ in 0..2 {
            Tokens::of(&exchange(&rp, (&token, JWT)).await);
            Tokens::of(&bring(&rp, &token, &[]).await);
        }
    }

    async fn what_trust_gave_and_refused_is_in_the_audit_log(backend: Backend) {
        let bed = Bed::own(backend, &[]).await;
        let (rp, portal) = (workload(&bed.world), portal(&bed.world));
        let outside = Outside::new("ES256").trusted(&bed.world, &pod_rule(&rp));
        let rule = ["--client", Box::leak(portal.id.clone().into_boxed_str()) as &str,
            "--match", "tenant=acme", "--identity", "username"];
        let people = Outside::new("ES256").trusted(&bed.world, &rule);
        let events = |kind: &str| logged(&bed.world, kind);
        let token = outside.token(&bed.world.issuer, &json!({}));
        Tokens::of(&bring(&rp, &token, &[("scope", "backup:run")]).await);
        let accepted = events("assertion.accepted");
        assert_eq!(accepted.len(), 1);
        let about = &accepted[0];
        assert_eq!((&about["client_id"], &about["actor"]), (&json!(rp.id), &json!(format!("client:{}", rp.id))));
        assert_eq!(about["detail"], json!({ "issuer": outside.iss, "scope": "backup:run",
            "audience": [rp.id], "subject": rp.id }));
        for _ in 0..12 {
            bring(&rp, &token, &[]).await.assert_oauth_error(400, "invalid_grant");
        }
        let refused = events("assertion.refused");
        assert_eq!(refused.len(), 10, "the first ones only");
        assert_eq!(refused[0]["detail"], json!({ "error": "invalid_grant", "reason": "it was used before" }));
        let alice = people.token(&bed.world.issuer, &json!({ "tenant": "acme", "sub": "alice" }));
        Tokens::of(&exchange(&portal, (&alice, JWT)).await);
        exchange(&portal, (&alice, JWT)).await.assert_oauth_error(400, "invalid_request");
        let exchanged = &events("token.exchanged")[0];
        assert_eq!(exchanged["detail"], json!({ "actor": format!("client:{}", portal.id),
            "scope": "openid email files:read", "audience": ["https://files.test", bed.world.issuer] }));
        let granted = &events("grant.created")[0];
        assert_eq!(exchanged["user_id"], granted["user_id"]);
        assert_eq!(exchanged["request_id"], granted["request_id"]);
        assert_eq!(events("token.exchange_refused")[0]["detail"]["reason"], "it was used before");
        bed.assert_log_is_clean();
    }

    async fn what_an_issuer_may_vouch_for_to_an_app_goes_with_the_app(backend: Backend) {
        let bed = Bed::own(backend, &[]).await;
        let (gone, other) = (workload(&bed.world), workload(&bed.world));
        let rules = [pod_rule(&gone), pod_rule(&other)];
        let outside = Outside::new("EdDSA").trusted(&bed.world, &rules[0]);
        let second = Outside::new("EdDSA").trusted(&bed.world, &rules[1]);
        Tokens::of(&bring(&gone, &outside.token(&bed.world.issuer, &json!({})), &[]).await);
        bed.world.cli(&["client", "delete", &gone.id, "--yes"]);
        // Whoever may make apps makes one of that id, and is not let in by what somebody else had decided.
        let mut clients = Clients::default();
        let metadata = json!({ "grant_types": [BEARER_GRANT], "token_endpoint_auth_method": "none",
            "scope": "backup:run backup:read openid" });
        clients.register(&bed.world, &gone.id, ("machine", metadata));
        let again = clients.rp(&bed.world, &gone.id);
        let token = outside.token(&bed.world.issuer, &json!({}));
        bring(&again, &token, &[]).await.assert_oauth_error(400, "invalid_grant");
        assert_eq!(bed.world.cli(&["issuer", "show", &outside.name])["rules"], json!([]));
        assert_eq!(bed.audit_count("issuer.updated").await, 1);
        Tokens::of(&bring(&other, &second.token(&bed.world.issuer, &json!({})), &[]).await);
        // What has no rule left stands in no file, and nothing else is different in it.
        let text = String::from_utf8(bed.world.run(&["--format", "json", "export"]).stdout).unwrap();
        let file = bed.world.write("export.json", &text);
        assert!(!text.contains(&outside.iss) && text.contains(&second.iss), "{text}");
        assert!(changes(&apply(&bed.world, &["-f", &file])).is_empty(), "{text}");
    }

    async fn trusted_issuers_are_listed_shown_and_dropped(backend: Backend) {
        let bed = Bed::own(backend, &[]).await;
        let rp = workload(&bed.world);
        let outside = Outside::new("EdDSA").trusted(&bed.world, &pod_rule(&rp));
        Tokens::of(&bring(&rp, &outside.token(&bed.world.issuer, &json!({})), &[]).await);
        let token = outside.token(&bed.world.issuer, &json!({}));
        let shown = bed.world.cli(&["issuer", "show", &outside.name]);
        assert_eq!(shown["issuer"], json!(outside.iss));
        assert_eq!(shown["rules"][0]["client_id"], json!(rp.id));
        assert_eq!(bed.world.cli(&["issuer", "list"])["items"], json!([shown]));
        let refused = |arguments: &[&str]| {
            let output = bed.world.run(&[&["issuer", "create"], arguments].concat());
            assert!(!output.status.success(), "{arguments:?}");
            String::from_utf8_lossy(&output.stderr).into_owned()
        };
        let rule = pod_rule(&rp);
        let new = |iss: &str, name: &str, rule: &[&str]| {
            let keys = ["--jwks-uri", "https://keys.example.com/jwks"];
            refused(&[&["--name", name, "--issuer", iss], &keys[..], rule].concat())
        };
        assert!(new(&outside.iss, "again", &rule).contains("trusted already"));
        assert!(new("https://x.test", &outside.name, &rule).contains("trusted already"));
        assert!(new(&bed.world.issuer, "self", &rule).contains("this provider itself"));
        assert!(new("https://x.test", "x", &["--client", "nobody", "--match", "sub=x"]).contains("no client"));
        assert!(new("https://x.test", "x", &["--client", &rp.id, "--match", "sub=*"]).contains("fit everybody"));
        assert!(new("https://x.test", "x", &["--client", &rp.id, "--match", "sub"]).contains("pattern"));
        let metal = ["--name", "x", "--issuer", "https://x.test", "--jwks-uri", "https://169.254.169.254/"];
        assert!(refused(&[&metal[..], &rule].concat()).contains("jwks_uri"));
        assert!(refused(&[&["--name", "x", "--issuer", "https://x.test"][..], &rule].concat()).contains("jwks"));
        bed.world.cli(&["issuer", "delete", &outside.name, "--yes"]);
        bring(&rp, &token, &[]).await.assert_oauth_error(400, "invalid_grant");
        assert_eq!(bed.world.cli(&["issuer", "list"])["items"], json!([]));
        assert_eq!(bed.audit_count("issuer.trusted").await, 1);
        assert_eq!(bed.audit_count("issuer.distrusted").await, 1);
    }
}
