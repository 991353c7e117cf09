//! The first steps on the overview: each is done by what is really there, and they go when they are all done or
//! an owner hides them.

use serde_json::json;

use crate::kit::api::{Api, is};
use crate::kit::audit::noted;
use crate::kit::console::{Admin, admin, create};
use crate::kit::flow::{App, PATIENCE, every_node, sign_in};
use crate::kit::smtp::{Security, SmtpServer};
use crate::support::process::wait_until_async;
use crate::support::world::World;

/// Those of the steps that are done, in their order.
async fn done(owner: &Admin) -> Vec<String> {
    owner.page("/admin").await.texts(".steps li.done strong")
}

on_both_backends! {
    async fn a_step_is_done_once_it_is_there(backend: Backend) {
        let world = World::builder(backend).start().await;
        let owner = admin(&world, "owner").await;
        let mut wanted = vec!["Make the first administrator"];
        assert_eq!(done(&owner).await, wanted);
        assert_eq!(owner.page("/admin").await.texts(".steps li").len(), 8);
        let app = App::register(&world, "wiki", &[]);
        wanted.push("Add an app");
        assert_eq!(done(&owner).await, wanted);
        create(&world, "alice", None);
        wanted.push("Invite somebody");
        assert_eq!(done(&owner).await, wanted);
        // A code that nobody redeems is no sign-in yet.
        let alice = sign_in(&world, "alice").await;
        let code = app.code(&alice).await;
        assert_eq!(done(&owner).await, wanted);
        app.redeem(&code).await.tokens();
        wanted.insert(2, "Try a sign-in");
        assert_eq!(done(&owner).await, wanted);
        create(&world, "second", Some("owner"));
        wanted.push("Have a second owner");
        assert_eq!(done(&owner).await, wanted);
        // Somebody who cannot sign in lets nobody in.
        world.cli(&["user", "disable", "second"]);
        wanted.pop();
        assert_eq!(done(&owner).await, wanted);
        world.cli(&["backup", &world.path("town.tar").display().to_string()]);
        wanted.push("Make a backup");
        let page = owner.page("/admin").await;
        assert_eq!(page.texts(".steps li.done strong"), wanted);
        let links = page.attributes(".steps li.open a", "href");
        assert_eq!(links, ["/admin/configuration", "/admin/users"]);
        for link in links {
            owner.page(&link).await;
        }
        // What somebody may not do leads nowhere.
        let auditor = admin(&world, "auditor").await;
        let page = auditor.page("/admin").await;
        assert_eq!(page.attributes(".steps li.open a", "href"), ["/admin/configuration"]);
        assert!(!page.has_form("dismiss"), "{}", page.describe());
    }

    async fn with_a_mail_server_mail_is_done(backend: Backend) {
        let post = SmtpServer::start(Security::Plain);
        let world = post.known_to(World::builder(backend)).start().await;
        let owner = admin(&world, "owner").await;
        assert_eq!(done(&owner).await, ["Make the first administrator", "Set up mail"]);
    }

    async fn an_owner_hides_the_list_on_every_node_and_shows_it_again(backend: Backend) {
        let world = World::builder(backend).start().await;
        let owner = admin(&world, "owner").await;
        let (bases, _node) = every_node(&world).await;
        let hidden = owner.page("/admin").await.form("dismiss").submit().await;
        assert_eq!(hidden.location().path(), "/admin");
        assert!(owner.message_after(&hidden).await.starts_with("The first steps are hidden."));
        assert!(!owner.page("/admin").await.has(".steps"));
        let events = noted(&world, "setting.changed");
        assert_eq!(events.len(), 1, "{events:?}");
        assert_eq!(events[0]["key"], "console.get_started");
        // The button of a page that was open before changes nothing more.
        owner.post("/admin/get-started/dismiss", &[]).await.assert_status(303);
        assert_eq!(noted(&world, "setting.changed").len(), 1);
        let api = Api::with_key(&world, "the-owner", &["doorward.settings:read"]);
        for base in &bases {
            let path = format!("{base}/api/v1/settings/console.get_started");
            wait_until_async("every node having it", PATIENCE, async || {
                let asked = crate::kit::flow::http_client().get(&path).bearer_auth(&api.credential);
                crate::kit::api::sent(asked).await.json()["value"] == "hidden"
            })
            .await;
        }
        let operator = admin(&world, "operator").await;
        assert!(!operator.page("/admin").await.has(".steps"));
        operator.post("/admin/get-started/dismiss", &[]).await.assert_status(403);
        world.cli(&["setting", "unset", "console.get_started"]);
        wait_until_async("the list", PATIENCE, async || owner.page("/admin").await.has(".steps")).await;
        let shown = is(api.get("/settings/console.get_started").await, 200).json();
        assert_eq!((&shown["value"], &shown["choices"]), (&json!("shown"), &json!(["shown", "hidden"])));
    }

    async fn what_the_environment_fixes_is_not_offered(backend: Backend) {
        let world =
            World::builder(backend).env("DOORWARD_CONSOLE__GET_STARTED", "shown").start().await;
        let owner = admin(&world, "owner").await;
        let page = owner.page("/admin").await;
        assert!(page.has(".steps") && !page.has_form("dismiss"), "{}", page.describe());
        let forged = owner.post("/admin/get-started/dismiss", &[]).await;
        let told = owner.message_after(&forged).await;
        assert!(told.contains("DOORWARD_CONSOLE__GET_STARTED"), "{told}");
        assert!(owner.page("/admin").await.has(".steps"));
    }
}
