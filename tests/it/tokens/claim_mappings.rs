//! Claims of an app's own: told to that app where its administrator says so, to no other, and never by the
//! app's own wish.

use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::api::{Api, all_scopes, is, refused};
use crate::kit::console::create;
use crate::kit::fixtures::{ALICE, Bed, Rp, Tokens, payload};
use crate::kit::flow::PATIENCE;
use crate::kit::registration::{Registered, open_bed};
use crate::support::process::wait_until_async;
use crate::support::world::World;

const LINES: [&str; 6] = [
    "login@id_token,access_token,userinfo=profile:username",
    "language@userinfo=profile:locale",
    "is_staff@access_token=group:staff",
    "is_board@id_token,access_token=group:board",
    "tier@id_token,userinfo=group:climbers=2",
    "https://app.test/plan@access_token=value:gold",
];

/// The arguments that give an app these mappings.
fn update<'a>(id: &'a str, lines: &[&'a str]) -> Vec<&'a str> {
    let flags = lines.iter().flat_map(|line| ["--claim-mapping", *line]);
    ["client", "update", id].into_iter().chain(flags).collect()
}

/// What every token and answer says beyond what they say without mappings: ID token, access token,
/// userinfo, introspection.
async fn told(rp: &Rp, tokens: &Tokens) -> [Value; 4] {
    let names = ["login", "language", "is_staff", "is_board", "tier", "https://app.test/plan"];
    let userinfo = rp.userinfo(&tokens.access).await;
    userinfo.assert_status(200);
    let said = [
        tokens.id_claims(),
        payload(&tokens.access),
        userinfo.json(),
        rp.introspect(&tokens.access).await,
    ];
    said.map(|claims| {
        let mut claims = claims.as_object().expect("claims").clone();
        claims.retain(|name, _| names.contains(&name.as_str()));
        Value::Object(claims)
    })
}

/// What the command line says to these arguments, which are wrong.
#[track_caller]
fn refusal(world: &World, arguments: &[&str]) -> String {
    let refused = world.run(arguments);
    assert!(!refused.status.success(), "{arguments:?}");
    String::from_utf8_lossy(&refused.stderr).into_owned()
}

on_both_backends! {
    async fn an_app_is_told_its_own_claims_and_no_other_app_is(backend: Backend) {
        let bed = Bed::own(backend, &["conf-basic", "second"]).await;
        let browser = bed.signed_in(&ALICE).await;
        let shown = bed.world.cli(&update("conf-basic", &LINES));
        assert_eq!(shown["claim_mappings"].as_array().unwrap().len(), LINES.len());
        let asked = [("scope", "openid")];
        let access = json!({
            "login": "alice", "is_staff": true, "is_board": false, "https://app.test/plan": "gold",
        });
        let own = [
            json!({ "login": "alice", "is_board": false, "tier": 2 }),
            access.clone(),
            json!({ "login": "alice", "language": "en-GB", "tier": 2 }),
            access,
        ];
        let rp = bed.rp("conf-basic");
        let tokens = rp.tokens(&browser, &ALICE, &asked).await;
        assert_eq!(told(&rp, &tokens).await, own);
        let other = bed.rp("second");
        let others = other.tokens(&browser, &ALICE, &asked).await;
        assert_eq!(told(&other, &others).await, [(); 4].map(|()| json!({})));
        // What the person agrees to is as it was: no scope, no name.
        assert!(rp.userinfo(&tokens.access).await.json().get("name").is_none());

        // An opaque token stands for the same claims.
        bed.world.cli(&["client", "update", "conf-basic", "--revocation", "opaque"]);
        wait_until_async("opaque tokens", PATIENCE, async || {
            let opaque = rp.tokens(&browser, &ALICE, &asked).await;
            let is_opaque = !opaque.access.contains('.');
            if is_opaque {
                let introspected = rp.introspect(&opaque.access).await;
                assert_eq!(introspected["https://app.test/plan"], "gold", "{introspected}");
                assert_eq!(introspected["is_staff"], true, "{introspected}");
            }
            is_opaque
        }).await;
        bed.assert_log_is_clean();
    }

    async fn a_change_is_in_userinfo_at_once_and_in_the_next_token(backend: Backend) {
        let bed = Bed::own(backend, &["conf-basic"]).await;
        let (world, rp) = (&bed.world, bed.rp("conf-basic"));
        let browser = bed.signed_in(&ALICE).await;
        let asked = [("scope", "openid offline_access"), ("prompt", "consent")];
        let tokens = rp.tokens(&browser, &ALICE, &asked).await;
        world.cli(&["group", "create", "board"]);
        let mut refresh = tokens.refresh().to_owned();
        let everywhere = "is_board@id_token,access_token,userinfo=group:board";
        for (change, expected) in [
            (update("conf-basic", &[everywhere]), json!(false)),
            (vec!["group", "add-member", "board", "alice"], json!(true)),
            (vec!["group", "remove-member", "board", "alice"], json!(false)),
            (update("conf-basic", &[""]), Value::Null),
        ] {
            world.cli(&change);
            wait_until_async("userinfo saying it", PATIENCE, async || {
                rp.userinfo(&tokens.access).await.json()["is_board"] == expected
            }).await;
            let next = Tokens::of(&rp.refresh(&refresh).await);
            assert_eq!(payload(&next.access)["is_board"], expected, "{change:?}");
            next.refresh().clone_into(&mut refresh);
        }
    }

    async fn hostile_mappings_are_refused_by_every_way_in(world: World) {
        world.cli(&["client", "create", "--name", "App", "--type", "web", "--client-id", "app",
            "--redirect-uri", "https://rp.test/cb"]);
        create(&world, "boss", Some("owner"));
        let api = Api::with_key(&world, "boss", &all_scopes());
        let before = world.cli(&["client", "show", "app"]);
        for name in ["sub", "ISS", "roles", "groups", "email", "name", "scope", "events", "act", "a b", "1"] {
            let line = format!("{name}@access_token=value:x");
            let text = refusal(&world, &update("app", &[&line]));
            assert!(text.contains("claim_mappings"), "{text}");
            let sent = json!({ "metadata": { "claim_mappings": [
                { "claim": name, "in": ["access_token"], "value": "x" },
            ] } });
            refused(api.patch_now("/clients/app", &sent).await, 422, "invalid");
        }
        let long = "x".repeat(201);
        for value in [json!(long), json!(""), json!("a\u{202e}b"), json!(9_007_199_254_740_992_i64), json!([]),
            json!({ "a": 1 }), json!(null), json!(0.5)]
        {
            let sent = json!({ "metadata": { "claim_mappings": [
                { "claim": "x", "in": ["access_token"], "value": value },
            ] } });
            let answer = api.patch_now("/clients/app", &sent).await;
            assert!([400, 422].contains(&answer.status), "{value}: {}", answer.text);
        }
        let many: Vec<_> = (0..21).map(|n| format!("c{n}@userinfo=value:1")).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        assert!(refusal(&world, &update("app", &many)).contains("more than 20"));
        let large: Vec<_> = (0..20).map(|n| format!("c{n}@access_token=profile:name")).collect();
        let large: Vec<_> = large.iter().map(String::as_str).collect();
        assert!(refusal(&world, &update("app", &large)).contains("2048 is the most"));
        for line in ["plan", "plan@nowhere=value:1", "plan@id_token=profile:password"] {
            assert_eq!(world.run(&update("app", &[line])).status.code(), Some(2), "{line}");
        }
        assert_eq!(world.cli(&["client", "show", "app"]), before);
    }

    async fn a_token_with_all_the_claims_there_can_be_stays_small(backend: Backend) {
        let bed = Bed::own(backend, &["conf-basic"]).await;
        let text = "x".repeat(190);
        let lines: Vec<_> = (0..10).map(|n| format!("c{n}@id_token,access_token=value:{text}")).collect();
        bed.world.cli(&update("conf-basic", &lines.iter().map(String::as_str).collect::<Vec<_>>()));
        let tokens = bed.rp("conf-basic").tokens(&bed.world.browser(), &ALICE, &[("scope", "openid")]).await;
        assert_eq!(payload(&tokens.access)["c9"], text);
        for token in [&tokens.access, tokens.id.as_ref().unwrap()] {
            assert!(token.len() < 4096, "{} bytes", token.len());
        }
    }

    async fn an_app_that_registered_itself_neither_sets_nor_loses_them(backend: Backend) {
        let bed = open_bed(backend).await;
        let own = json!([{ "claim": "plan", "in": ["id_token"], "value": "gold" }]);
        let app = Registered::new(&bed.world, json!({ "claim_mappings": own })).await;
        let id = app.rp.id.as_str();
        let shown = || bed.world.cli(&["client", "show", id]).get("claim_mappings").cloned();
        assert_eq!(shown(), None);
        bed.world.cli(&update(id, &["tier@userinfo=group:staff"]));
        let given = json!([{ "claim": "tier", "in": ["userinfo"], "group": "staff" }]);
        for mappings in [json!([]), own] {
            let changed = app.replacement(json!({ "claim_mappings": mappings }));
            app.manage(Method::PUT, Some(&changed)).await.assert_status(200);
            assert_eq!(shown(), Some(given.clone()));
        }
        let read = app.manage(Method::GET, None).await;
        assert!(!read.body.contains("claim_mappings"), "{}", read.describe());
    }

    async fn they_are_in_the_interface_and_in_files(world: World) {
        create(&world, "boss", Some("owner"));
        let api = Api::with_key(&world, "boss", &all_scopes());
        let mappings = json!([
            { "claim": "plan", "in": ["id_token", "userinfo"], "value": "gold" },
            { "claim": "tier", "in": ["access_token"], "group": "gold", "value": 2 },
            { "claim": "login", "in": ["userinfo"], "profile": "username" },
        ]);
        let metadata = json!({
            "client_name": "App", "redirect_uris": ["https://rp.test/cb"], "claim_mappings": mappings,
        });
        let new = json!({ "client_id": "app", "metadata": metadata });
        is(api.post("/clients", &new).await, 201);
        let shown = is(api.get("/clients/app").await, 200).json();
        assert_eq!(shown["metadata"]["claim_mappings"], mappings);
        let told = world.cli(&["client", "show", "app"]);
        assert_eq!(told["claim_mappings"], mappings);

        let file = world.path("state.toml").display().to_string();
        let exported = world.run(&["export"]);
        assert!(exported.status.success(), "{exported:?}");
        std::fs::write(&file, &exported.stdout).expect("write a file");
        world.cli(&update("app", &[""]));
        assert_eq!(world.cli(&["client", "show", "app"]).get("claim_mappings"), None);
        for changed in [1, 0] {
            let applied = world.cli(&["apply", "--file", &file]);
            assert_eq!(applied["changes"].as_array().unwrap().len(), changed, "{applied}");
            assert_eq!(world.cli(&["client", "show", "app"])["claim_mappings"], mappings);
        }
        let none = json!({ "metadata": { "claim_mappings": [] } });
        let changed = is(api.patch_now("/clients/app", &none).await, 200).json();
        assert_eq!(changed["metadata"].get("claim_mappings"), None);
    }
}
