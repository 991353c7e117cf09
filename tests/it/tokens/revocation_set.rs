//! Revocation is final and immediate: whatever ends a lineage kills its access tokens at userinfo
//! and introspection and its refresh tokens at once, and nothing brings them back.

use crate::kit::flow::{
    App, PASSWORD, PATIENCE, Tokens, create_user, execute, is_signed_in, sign_in, sign_out,
    submit_sign_in,
};
use crate::support::backends::Backend;
use crate::support::browser_like::Browser;
use crate::support::process::wait_until_async;
use crate::support::world::World;

/// A person signed in at an app with JWTs and at one with opaque tokens.
struct Lineages {
    browser: Browser,
    jwt: App,
    opaque: App,
    jwt_tokens: Tokens,
    opaque_tokens: Tokens,
}

impl Lineages {
    async fn make(world: &World, username: &str) -> Self {
        create_user(world, username);
        let jwt = App::register(world, &format!("{username}-jwt"), &[]);
        let flags = ["--access-token-format", "opaque"];
        let opaque = App::register(world, &format!("{username}-opaque"), &flags);
        Self::sign_in(world, username, (jwt, opaque)).await
    }

    async fn sign_in(world: &World, username: &str, (jwt, opaque): (App, App)) -> Self {
        let browser = sign_in(world, username).await;
        let (jwt_tokens, opaque_tokens) =
            (jwt.tokens(&browser).await, opaque.tokens(&browser).await);
        assert_eq!(jwt_tokens.access.split('.').count(), 3);
        assert!(!opaque_tokens.access.contains('.'));
        let lineages = Self { browser, jwt, opaque, jwt_tokens, opaque_tokens };
        lineages.assert_alive().await;
        lineages
    }

    fn apps(&self) -> (App, App) {
        (self.jwt.clone(), self.opaque.clone())
    }

    async fn assert_alive(&self) {
        assert!(is_signed_in(&self.browser).await);
        self.jwt.assert_alive(&self.jwt_tokens).await;
        self.opaque.assert_alive(&self.opaque_tokens).await;
    }

    async fn assert_tokens_dead(&self) {
        self.jwt.assert_dead(&self.jwt_tokens).await;
        self.opaque.assert_dead(&self.opaque_tokens).await;
    }

    async fn wait_until_all_dead(&self) {
        self.jwt.wait_until_dead(&self.jwt_tokens).await;
        self.opaque.wait_until_dead(&self.opaque_tokens).await;
        assert!(!is_signed_in(&self.browser).await);
    }
}

/// One grant takes as long to end or delete as hundreds of thousands do, which is longer than PostgreSQL may
/// take for anything else. SQLite is not limited.
async fn slow_down(world: &World) {
    if world.backend == Backend::Production {
        execute(
            world,
            "create function slow() returns trigger language plpgsql as \
             $f$ begin perform pg_sleep(2.5); return coalesce(new, old); end $f$; \
             create trigger slow before update or delete on grants \
             for each row execute function slow()",
        )
        .await;
    }
}

on_both_backends! {
    async fn signing_out_kills_every_token_of_the_session_at_once(world: World) {
        let out = Lineages::make(&world, "alice").await;
        let other = Lineages::sign_in(&world, "alice", out.apps()).await;
        sign_out(&out.browser).await;
        out.assert_tokens_dead().await;
        assert!(!is_signed_in(&out.browser).await);
        other.assert_alive().await;
    }

    async fn a_code_of_an_ended_session_is_worth_nothing(world: World) {
        let lineages = Lineages::make(&world, "alice").await;
        let code = lineages.jwt.code(&lineages.browser).await;
        sign_out(&lineages.browser).await;
        lineages.jwt.redeem(&code).await.assert_error(400, "invalid_grant");
    }

    async fn a_person_disabled_by_command_loses_everything_and_enabling_brings_nothing_back(
        world: World
    ) {
        let lineages = Lineages::make(&world, "alice").await;
        let (bystander, code) = (Lineages::make(&world, "bob").await, lineages.jwt.code(&lineages.browser).await);
        world.cli(&["user", "disable", "alice"]);
        lineages.wait_until_all_dead().await;
        lineages.jwt.redeem(&code).await.assert_error(400, "invalid_grant");
        let refused = submit_sign_in(&world.browser(), "alice", PASSWORD).await;
        assert_eq!(refused.status.as_u16(), 401);
        world.cli(&["user", "enable", "alice"]);
        // A person signed in anew is alive; what was before stays dead.
        Lineages::sign_in(&world, "alice", lineages.apps()).await;
        lineages.wait_until_all_dead().await;
        bystander.assert_alive().await;
    }

    async fn a_changed_password_ends_everything(world: World) {
        let lineages = Lineages::make(&world, "alice").await;
        let new = "another-fine-9-word-phrase";
        world.cli_with_input(&["user", "set-password", "alice", "--password-file", "-"], new);
        lineages.wait_until_all_dead().await;
        let old = submit_sign_in(&world.browser(), "alice", PASSWORD).await;
        assert_eq!(old.status.as_u16(), 401);
        submit_sign_in(&world.browser(), "alice", new).await.assert_status(303);
    }

    async fn a_deleted_person_leaves_nothing_alive(world: World) {
        let lineages = Lineages::make(&world, "alice").await;
        world.cli(&["--yes", "user", "delete", "alice"]);
        lineages.wait_until_all_dead().await;
        assert_eq!(submit_sign_in(&world.browser(), "alice", PASSWORD).await.status.as_u16(), 401);
        // The same name again is another person.
        create_user(&world, "alice");
        Lineages::sign_in(&world, "alice", lineages.apps()).await;
        lineages.wait_until_all_dead().await;
    }

    async fn a_disabled_client_loses_its_tokens_and_enabling_brings_none_back(world: World) {
        let lineages = Lineages::make(&world, "alice").await;
        let Lineages { browser, jwt, jwt_tokens, opaque, opaque_tokens } = &lineages;
        world.cli(&["client", "update", &jwt.id, "--disable"]);
        wait_until_async("the client being refused", PATIENCE, async || {
            jwt.introspect(&jwt_tokens.access).await.status == 401
        })
        .await;
        assert_eq!(jwt.userinfo(&jwt_tokens.access).await.status, 401);
        jwt.refresh(&jwt_tokens.refresh).await.assert_error(401, "invalid_client");
        assert!(browser.get(&jwt.authorize_path(&[])).await.status.is_client_error());
        opaque.assert_alive(opaque_tokens).await;
        world.cli(&["client", "update", &jwt.id, "--enable"]);
        wait_until_async("the client being known again", PATIENCE, async || {
            jwt.introspect(&jwt_tokens.access).await.status == 200
        })
        .await;
        jwt.assert_dead(jwt_tokens).await;
        let again = jwt.tokens(browser).await;
        jwt.assert_alive(&again).await;
        jwt.refresh(&again.refresh).await.tokens();
    }

    async fn an_app_is_stopped_and_deleted_however_long_that_takes(world: World) {
        let lineages = Lineages::make(&world, "alice").await;
        let Lineages { jwt, jwt_tokens, opaque, opaque_tokens, .. } = &lineages;
        slow_down(&world).await;
        world.cli(&["client", "update", &jwt.id, "--disable"]);
        world.cli(&["--yes", "client", "delete", &opaque.id]);
        for (app, tokens) in [(jwt, jwt_tokens), (opaque, opaque_tokens)] {
            wait_until_async("the client being refused", PATIENCE, async || {
                app.introspect(&tokens.access).await.status == 401
            })
            .await;
            assert_eq!(app.userinfo(&tokens.access).await.status, 401);
        }
        world.cli(&["client", "update", &jwt.id, "--enable"]);
        wait_until_async("the client being known again", PATIENCE, async || {
            jwt.introspect(&jwt_tokens.access).await.status == 200
        })
        .await;
        jwt.assert_dead(jwt_tokens).await;
    }

    async fn a_deleted_client_leaves_nothing_alive_and_a_new_one_of_that_name_works(world: World) {
        let lineages = Lineages::make(&world, "alice").await;
        let Lineages { browser, jwt, jwt_tokens, opaque, opaque_tokens } = &lineages;
        world.cli(&["--yes", "client", "delete", &jwt.id]);
        wait_until_async("the client being unknown", PATIENCE, async || {
            jwt.introspect(&jwt_tokens.access).await.status == 401
        })
        .await;
        assert_eq!(jwt.userinfo(&jwt_tokens.access).await.status, 401);
        assert!(browser.get(&jwt.authorize_path(&[])).await.status.is_client_error());
        let renewed = App::register(&world, &jwt.id, &[]);
        wait_until_async("the new client being known", PATIENCE, async || {
            renewed.introspect(&jwt_tokens.access).await.status == 200
        })
        .await;
        renewed.assert_dead(jwt_tokens).await;
        let fresh = renewed.tokens(browser).await;
        renewed.assert_alive(&fresh).await;
        renewed.refresh(&fresh.refresh).await.tokens();
        opaque.assert_alive(opaque_tokens).await;
    }

    async fn revoking_any_token_ends_its_grant_and_no_other(world: World) {
        let lineages = Lineages::make(&world, "alice").await;
        let Lineages { browser, jwt, opaque, .. } = &lineages;
        for app in [jwt, opaque] {
            for pick in [|t: &Tokens| t.access.clone(), |t: &Tokens| t.refresh.clone()] {
                let (revoked, kept) = (app.tokens(browser).await, app.tokens(browser).await);
                assert_eq!(app.revoke(&pick(&revoked)).await.status, 200);
                app.assert_dead(&revoked).await;
                app.assert_alive(&kept).await;
                assert_eq!(app.revoke(&pick(&revoked)).await.status, 200, "again, as harmless");
            }
        }
        assert_eq!(jwt.revoke("no-such-token").await.status, 200);
        assert!(is_signed_in(browser).await);
    }

    async fn nobody_revokes_the_token_of_another_client(world: World) {
        let lineages = Lineages::make(&world, "alice").await;
        let Lineages { jwt, jwt_tokens, opaque, .. } = &lineages;
        for token in [&jwt_tokens.access, &jwt_tokens.refresh] {
            let answer = opaque.revoke(token).await;
            assert!([200, 400].contains(&answer.status), "{answer:?}");
        }
        lineages.assert_alive().await;
        jwt.refresh(&jwt_tokens.refresh).await.tokens();
    }

    async fn an_offline_grant_survives_the_sign_out_and_dies_with_the_person(world: World) {
        create_user(&world, "alice");
        let scopes = "openid profile email offline_access";
        let app = App::register(&world, "offline", &[]);
        let browser = sign_in(&world, "alice").await;
        let extra = [("scope", scopes), ("prompt", "consent")];
        let page = browser.get(&app.authorize_path(&extra)).await;
        let page = if page.has_form("consent") {
            page.form("consent").press("decision", "allow").submit().await.follow_within().await
        } else {
            page
        };
        let code = page.location_parameter("code").expect("a code");
        let answer = app.redeem(&code).await;
        let granted = answer.json()["scope"].as_str().unwrap_or_default().to_owned();
        assert!(granted.contains("offline_access"), "{answer:?}");
        let tokens = answer.tokens();
        sign_out(&browser).await;
        app.assert_alive(&tokens).await;
        let next = app.refresh(&tokens.refresh).await.tokens();
        app.assert_alive(&next).await;
        world.cli(&["user", "disable", "alice"]);
        app.wait_until_dead(&next).await;
    }

    async fn what_is_revoked_stays_so_after_a_restart(mut world: World) {
        let signed_out = Lineages::make(&world, "alice").await;
        let disabled = Lineages::make(&world, "bob").await;
        let alive = Lineages::make(&world, "carol").await;
        let revoked = alive.jwt.tokens(&alive.browser).await;
        sign_out(&signed_out.browser).await;
        world.cli(&["user", "disable", "bob"]);
        assert_eq!(alive.jwt.revoke(&revoked.access).await.status, 200);
        world.kill9();
        world.start_server().await;
        signed_out.assert_tokens_dead().await;
        disabled.assert_tokens_dead().await;
        assert!(!is_signed_in(&disabled.browser).await);
        assert!(!is_signed_in(&signed_out.browser).await);
        alive.jwt.assert_dead(&revoked).await;
        // The in-process store of the embedded backend forgets opaque tokens with the process.
        alive.jwt.assert_alive(&alive.jwt_tokens).await;
        assert!(is_signed_in(&alive.browser).await);
        if world.backend == Backend::Production {
            alive.assert_alive().await;
        }
    }

    async fn a_token_of_a_client_acting_for_itself_dies_by_revocation_and_with_its_client(
        world: World
    ) {
        let flags = ["--grant-type", "client_credentials"];
        let machine = ["client", "create", "--name", "m", "--type", "machine", "--client-id", "m"];
        let made = world.cli(&[&machine[..], &flags].concat());
        let secret = made["client_secret"].as_str().expect("a secret");
        let machine = App::known(&world, "m", secret);
        let (one, two) =
            (machine.client_credentials().await.tokens(), machine.client_credentials().await.tokens());
        let active = async |tokens: &Tokens| machine.introspect(&tokens.access).await.json()["active"] == true;
        assert!(active(&one).await && active(&two).await);
        assert_eq!(machine.revoke(&one.access).await.status, 200);
        assert!(!active(&one).await && active(&two).await);
    }
}
