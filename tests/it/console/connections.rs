//! What stays signed in by itself, seen and ended for somebody by console, REST API and command line.

use doorward::clock::{Clock, UnixTime};
use doorward::protocol::client::{ClientKind, ClientMetadata};
use doorward::protocol::scope::Scopes;
use doorward::protocol::token::grant::details::GrantDetails;
use doorward::protocol::types::{ClientId, GrantId};
use doorward::protocol::user::{AdminRole, User};
use doorward::service::audit::{Actor, Caller};
use doorward::service::clients::{self, NewClient};
use doorward::service::people::{self, NewPerson, PeopleError};
use doorward::service::session::connections::{self, Outcome};
use doorward::store::grants::{self, Grant};
use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::api::{Api, all_scopes, is, refused};
use crate::kit::audit::{events, logged};
use crate::kit::checks::{assert_alive, assert_dead};
use crate::kit::console::{admin, create, manager};
use crate::kit::fixtures::{Rp, Tokens};
use crate::kit::flow::{App, is_signed_in, sign_in};
use crate::kit::grant::{Clients, Device};
use crate::kit::node::node;
use crate::support::browser_like::{Browser, Page};
use crate::support::world::World;

const SECTION: &str = "section[aria-labelledby=connections]";

/// A television.
fn tv(world: &World) -> Rp {
    let mut clients = Clients::default();
    clients.register(world, "tv", ("device", json!({})));
    clients.rp(world, "tv")
}

async fn let_in(tv: &Rp, browser: &Browser) -> Tokens {
    Device::ask(tv.clone(), "openid offline_access").await.tokens(browser).await
}

/// The ids in a list, in its order.
fn ids(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap_or_else(|| panic!("no list: {list}"));
    items.iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
}

/// What an app holds for somebody.
fn grant(id: &str, (user, client): (&User, &ClientId), now: UnixTime) -> Grant {
    Grant {
        id: GrantId::new(id),
        user_id: user.id.clone(),
        client_id: client.clone(),
        session_id: None,
        scopes: Scopes::from_tokens(["openid"]),
        offline: true,
        auth_time: now,
        acr: "1".to_owned(),
        amr: vec!["pwd".to_owned()],
        details: GrantDetails::default(),
        organisation: None,
        created_at: now,
        expires_at: now.plus(3_600),
        revoked_at: None,
    }
}

/// Ends it on somebody's word.
async fn end(
    app: &doorward::app::App,
    actor: &Actor,
    (id, of): (&str, &User),
) -> Result<Outcome, PeopleError> {
    connections::end(app, (&GrantId::new(id), &of.id), (actor, &Caller::default())).await
}

on_both_backends! {
    async fn what_somebody_has_let_in_is_on_their_page_and_ended_there(world: World) {
        let owner = admin(&world, "owner").await;
        let auditor = admin(&world, "auditor").await;
        let (tv, wiki) = (tv(&world), App::register(&world, "wiki", &[]));
        let id = create(&world, "ada", None);
        let path = format!("/admin/users/{id}");
        let end = format!("{path}/end-connection");
        let page = owner.page(&path).await;
        assert!(page.texts(SECTION).concat().contains("No app and no device."), "{}", page.describe());
        let ada = sign_in(&world, "ada").await;
        let (kept, gone) = (let_in(&tv, &ada).await, let_in(&tv, &ada).await);
        let of_session = wiki.tokens(&ada).await;

        let page = owner.page(&path).await;
        let rows = page.texts(&format!("{SECTION} tbody tr"));
        assert_eq!(rows.len(), 3, "{}", page.describe());
        for (row, [name, how_long]) in rows.iter().zip([
            // What outlives their sessions is not pushed off the page by what is newer.
            ["tv", "A device they let in"],
            ["tv", "A device they let in"],
            ["wiki", "Until they sign out"],
        ]) {
            assert!(row.contains(name) && row.contains(how_long), "{row}");
        }
        let shown = page.attributes(&format!("{SECTION} input[name=connection]"), "value");
        let mut newest = ids(&world.cli(&["user", "connections", "ada"]));
        newest.rotate_left(1);
        assert_eq!(shown, newest);
        let seen = auditor.page(&path).await;
        let names = |page: &Page| page.texts(&format!("{SECTION} tbody th"));
        assert_eq!(names(&seen), names(&page));
        assert!(!seen.has(&format!("{SECTION} form")), "{}", seen.describe());
        auditor.post(&end, &[("connection", &shown[0])]).await.assert_status(403);
        assert_eq!(logged(&world, "connection.ended").len(), 0);

        let done = owner.post(&end, &[("connection", &shown[0])]).await;
        assert!(owner.message_after(&done).await.starts_with("It has ended"));
        assert_dead(&tv, &gone).await;
        assert_alive(&tv, &kept.access).await;
        wiki.assert_alive(&of_session).await;
        assert!(is_signed_in(&ada).await, "nothing else notices");
        let ended = logged(&world, "connection.ended");
        assert_eq!(ended.len(), 1);
        assert_eq!((&ended[0]["client_id"], &ended[0]["user_id"]), (&json!("tv"), &json!(id)));
        assert_eq!(ended[0]["detail"]["connection"], json!(shown[0]));

        // Gone is gone, and what somebody else has let in is none of theirs.
        let bob = create(&world, "bob", None);
        let of_bob = format!("/admin/users/{bob}/end-connection");
        let tries = [(&end, shown[0].as_str()), (&end, ""), (&end, "nothing"), (&of_bob, shown[1].as_str())];
        for (path, connection) in tries {
            let none = owner.post(path, &[("connection", connection)]).await;
            let said = owner.message_after(&none).await;
            assert_eq!(said, "There is no such connection any more.", "{path} {connection}");
        }
        assert_alive(&tv, &kept.access).await;
        assert_eq!(logged(&world, "connection.ended").len(), 1);
        // What an app has of the browser's session ends by itself, too; the button is a plain form.
        for connection in &shown[1..] {
            let button = owner.page(&path).await.form_to(&end);
            assert_eq!(button.value("connection"), Some(connection.as_str()));
            button.submit().await.assert_status(303);
        }
        wiki.assert_dead(&of_session).await;
        assert!(is_signed_in(&ada).await);
    }

    async fn connections_are_listed_page_by_page_and_ended_by_program_and_by_command(world: World) {
        let tv = tv(&world);
        create(&world, "boss", Some("owner"));
        create(&world, "deputy", Some("operator"));
        create(&world, "ada", None);
        let (ada, boss) = (sign_in(&world, "ada").await, sign_in(&world, "boss").await);
        let first = let_in(&tv, &ada).await;
        let (second, third) = (let_in(&tv, &ada).await, let_in(&tv, &ada).await);
        let of_boss = let_in(&tv, &boss).await;
        let deputy = Api::with_key(&world, "deputy", &all_scopes());
        let page = is(deputy.get("/users/ada/connections?limit=2").await, 200).json();
        let next = page["next"].as_str().expect("a next page");
        let rest = format!("/users/ada/connections?limit=2&cursor={next}");
        let rest = is(deputy.get(&rest).await, 200).json();
        assert_eq!(rest["next"], Value::Null);
        let all = [ids(&page), ids(&rest)].concat();
        assert_eq!(all.len(), 3, "{page} {rest}");
        let item = &page["items"][0];
        for (member, value) in [("client_id", "tv"), ("client_name", "tv"), ("kind", "device")] {
            assert_eq!(item[member], value, "{item}");
        }
        assert!(item["scope"].as_str().is_some_and(|scope| scope.contains("offline_access")), "{item}");

        let listed = world.cli(&["user", "connections", "ada"]);
        assert_eq!((&listed["items"][0], ids(&listed)), (item, all.clone()));
        let page = world.cli(&["user", "connections", "ada", "--limit", "2"]);
        let place = page["next"].as_str().expect("a place");
        let rest = world.cli(&["user", "connections", "ada", "--limit", "2", "--after", place]);
        assert_eq!(ids(&rest), all[2..]);

        // An operator ends nothing of an owner, also where it is said to be somebody else's.
        let theirs = ids(&world.cli(&["user", "connections", "boss"])).remove(0);
        refused(deputy.delete(&format!("/users/boss/connections/{theirs}")).await, 403, "forbidden");
        refused(deputy.delete(&format!("/users/ada/connections/{theirs}")).await, 404, "not_found");
        assert_alive(&tv, &of_boss.access).await;
        let path = format!("/users/ada/connections/{}", all[0]);
        is(deputy.delete(&path).await, 204);
        assert_dead(&tv, &third).await;
        is(deputy.command(Method::DELETE, &path).await, 204);
        assert_eq!(logged(&world, "connection.ended").len(), 1);
        world.cli(&["user", "end-connection", "ada", &all[1]]);
        assert_dead(&tv, &second).await;
        assert!(!world.run(&["user", "end-connection", "ada", &all[1]]).status.success());
        assert!(!world.run(&["user", "end-connection", "ada", &theirs]).status.success());
        assert_alive(&tv, &first.access).await;
        assert_alive(&tv, &of_boss.access).await;
        assert_eq!(logged(&world, "connection.ended").len(), 2);

        let reader = Api::with_key(&world, "boss", &["doorward.users:read"]);
        refused(reader.get("/users/ada/connections").await, 403, "insufficient_scope");
        for bad in ["limit=0", "cursor=x", "search=ada"] {
            let answer = deputy.get(&format!("/users/ada/connections?{bad}")).await;
            refused(answer, 400, "malformed_request");
        }
    }

    async fn group_managers_end_what_people_of_none_but_their_groups_have_let_in(world: World) {
        let tv = tv(&world);
        admin(&world, "owner").await;
        let keeper = manager(&world, &["crew"]).await;
        let id = create(&world, "ada", None);
        create(&world, "bob", None);
        world.cli(&["group", "add-member", "crew", "ada"]);
        let (ada, bob) = (sign_in(&world, "ada").await, sign_in(&world, "bob").await);
        let (first, second) = (let_in(&tv, &ada).await, let_in(&tv, &ada).await);
        let of_bob = let_in(&tv, &bob).await;
        let path = format!("/admin/users/{id}");
        let page = keeper.page(&path).await;
        assert!(!page.has(&format!("{SECTION} a")), "apps are not theirs to see: {}", page.describe());
        let done = page.form_to(&format!("{path}/end-connection")).submit().await;
        assert!(keeper.message_after(&done).await.starts_with("It has ended"));
        assert_dead(&tv, &second).await;
        let api = Api::with_key(&world, "the-manager", &all_scopes());
        let left = ids(&is(api.get("/users/ada/connections").await, 200).json());
        assert_eq!(left.len(), 1);
        refused(api.get("/users/bob/connections").await, 404, "not_found");
        // They see who is in another group as well, and leave them as they are.
        world.cli(&["group", "create", "board"]);
        world.cli(&["group", "add-member", "board", "ada"]);
        is(api.get("/users/ada/connections").await, 200);
        refused(api.delete(&format!("/users/ada/connections/{}", left[0])).await, 403, "forbidden");
        keeper.post(&format!("{path}/end-connection"), &[("connection", &left[0])]).await.assert_status(403);
        assert_alive(&tv, &first.access).await;
        assert_alive(&tv, &of_bob.access).await;
    }

    async fn the_right_to_end_one_is_asked_again_where_it_ends(backend: Backend) {
        let world = World::builder(backend).prepare().await;
        let app = node(&world, &Clock::System).await;
        let known = async |username: &str, role: Option<AdminRole>| {
            let new = NewPerson { username: username.to_owned(), role, ..NewPerson::default() };
            people::create(&app, new, &Actor::CommandLine).await.expect("a person")
        };
        let auditor = known("auditor", Some(AdminRole::Auditor)).await;
        let operator = known("operator", Some(AdminRole::Operator)).await;
        let (ada, owner) = (known("ada", None).await, known("owner", Some(AdminRole::Owner)).await);
        let metadata = ClientMetadata {
            client_name: "Wiki".to_owned(),
            redirect_uris: vec!["https://wiki.test/callback".to_owned()],
            ..ClientMetadata::for_kind(ClientKind::Web)
        };
        let wiki = ClientId::new("wiki");
        let new = NewClient { id: Some(wiki.clone()), metadata, secret: None };
        clients::create(&app, new, &Actor::CommandLine).await.expect("an app");
        for (id, user) in [("of-ada", &ada), ("of-owner", &owner)] {
            let grant = grant(id, (user, &wiki), app.now());
            grants::insert(&app.store.db, &grant).await.expect("a grant");
        }
        let as_admin = |user: &User| Actor::Console(user.id.clone(), Caller::default());
        for (admin, what) in [
            (&auditor, ("of-ada", &ada)),
            (&operator, ("of-owner", &owner)),
            (&ada, ("of-ada", &ada)),
        ] {
            let refusal = end(&app, &as_admin(admin), what).await;
            assert!(matches!(refusal, Err(PeopleError::NotYours)), "{refusal:?}");
        }
        assert_eq!(events(&world, "connection.ended").await, 0);
        for (of, outcome) in [
            (("of-owner", &ada), Outcome::None),
            (("of-ada", &ada), Outcome::Ended),
            (("of-ada", &ada), Outcome::HadEnded),
            (("of-nobody", &ada), Outcome::None),
        ] {
            assert_eq!(end(&app, &as_admin(&operator), of).await.expect("an answer"), outcome, "{}", of.0);
        }
        // What is one's own needs no role.
        let own = Actor::User(owner.id.clone());
        assert_eq!(end(&app, &own, ("of-owner", &owner)).await.expect("an end"), Outcome::Ended);
        assert_eq!(events(&world, "connection.ended").await, 2);
    }
}
