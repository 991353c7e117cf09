//! What the pages of the console cost, in SQL statements and bytes, each for itself: nothing that a page does
//! grows with how much there is. The pages come from the console's own table.

use std::cmp::Ordering;
use std::fmt::Write as _;
use std::ops::Range;
use std::slice;

use doorward::protocol::rights::{Reach, Role, TABLE};
use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::api::{Api, all_scopes, is, make_key};
use crate::kit::console::{Admin, ISSUER_KEYS, admin, create, enter, manager, wait_for_nobody};
use crate::kit::flow::{App, http_client, sign_in};
use crate::support::town::{APPS_COME, GROUP, MANAGER, NEIGHBOUR, OWNER, PERSON, Town, pages};
use crate::support::world::World;

/// The most statements that a page may take, those that say who is asking among them.
const MOST_STATEMENTS: u64 = 16;
/// The overview sums up everything.
const MOST_STATEMENTS_OF_THE_OVERVIEW: u64 = 32;
/// What a page of 25 rows may take more than one of a few: what the server does by itself is now and then counted
/// with it. One for each row would be more than twenty.
const MORE_FOR_A_FULL_PAGE: u64 = 3;
/// The most bytes of a page, as it is before it is compressed.
const MOST_BYTES: usize = 60_000;
/// A few of everything, and then more than a page.
const FEW: Range<u32> = 0..3;
const MORE: Range<u32> = 3..33;

/// What one page took.
#[derive(Debug, Clone)]
struct Cost {
    who: Role,
    path: String,
    statements: u64,
    bytes: usize,
}

/// How many statements the server has run.
async fn statements(world: &World) -> u64 {
    let text = http_client().get(world.management_url("/metrics")).send().await;
    let text = text.expect("the metrics").text().await.expect("text");
    let counts =
        text.lines().filter(|line| line.starts_with("doorward_db_query_duration_seconds_count"));
    let counts = counts.map(|line| line.rsplit(' ').next().expect("a number"));
    counts.map(|number| number.parse::<u64>().expect("a number")).sum()
}

/// Opens a page until the fewest statements were counted so often: what the server does meanwhile by itself is
/// not the page's.
async fn counted(world: &World, (who, admin): (Role, &Admin), (path, often): (&str, u32)) -> Cost {
    let (mut fewest, mut times, mut bytes) = (u64::MAX, 0, 0);
    for _ in 0..10 * often {
        let before = statements(world).await;
        bytes = admin.page(path).await.body.len();
        let ran = statements(world).await - before;
        times = match ran.cmp(&fewest) {
            Ordering::Less => 1,
            Ordering::Equal => times + 1,
            Ordering::Greater => times,
        };
        fewest = fewest.min(ran);
        if times == often {
            break;
        }
    }
    Cost { who, path: path.to_owned(), statements: fewest, bytes }
}

/// What a page takes.
async fn cost(world: &World, admin: (Role, &Admin), path: &str) -> Cost {
    counted(world, admin, (path, 2)).await
}

/// Counts once more, and for longer, what seems too much: where a page takes a second, something that the
/// server does by itself falls into almost every one.
async fn recounted(world: &World, admins: &[(Role, Admin)], (few, many): (&[Cost], &mut [Cost])) {
    for (few, many) in few.iter().zip(many) {
        if too_much(slice::from_ref(few), slice::from_ref(many)).is_empty() {
            continue;
        }
        let admin = admins.iter().find(|(role, _)| *role == many.who);
        let (role, admin) = admin.expect("who opened it before");
        let again = counted(world, (*role, admin), (&many.path, 10)).await;
        many.statements = many.statements.min(again.statements);
    }
}

fn is_open(right: &str, role: Role) -> bool {
    let row = TABLE.iter().find(|(_, name, _)| *name == right);
    row.is_some_and(|(right, ..)| right.reach(role) != Reach::Nothing)
}

/// What every page takes, with each role that sees it otherwise than an owner.
async fn costs(world: &World, town: &Town, admins: &[(Role, Admin)]) -> Vec<Cost> {
    let mut all = Vec::new();
    for (role, admin) in admins {
        let person = format!("/admin/users/{NEIGHBOUR}");
        let known =
            pages().filter(|(_, right)| is_open(right, *role)).map(|(path, _)| town.at(path));
        let more = (*role == Role::Owner).then_some(person);
        // A manager's first page is another one.
        let known = known.filter(|path| *role != Role::GroupManager || path != "/admin");
        for path in known.chain(more) {
            all.push(cost(world, (*role, admin), &path).await);
        }
    }
    all
}

/// Fills a town with so many of everything.
async fn fill((world, town): (&World, &Town), api: &Api, numbers: Range<u32>) {
    let keys: Value = serde_json::from_str(ISSUER_KEYS).expect("keys");
    let put = async |path: String| is(api.command(Method::PUT, &path).await, 204);
    let webhook = town.at("/admin/webhooks/{id}");
    let webhook = webhook.trim_start_matches("/admin/webhooks/");
    for n in numbers.clone() {
        let name = format!("many-{n}");
        let person = json!({ "username": name, "groups": [GROUP] });
        is(api.post("/users", &person).await, 201);
        put(format!("/groups/{GROUP}/managers/{name}")).await;
        put(format!("/organisations/acme/members/{name}")).await;
        is(api.post("/groups", &json!({ "name": name })).await, 201);
        put(format!("/groups/{name}/members/{NEIGHBOUR}")).await;
        is(api.post("/organisations", &json!({ "name": name })).await, 201);
        put(format!("/organisations/{name}/members/{NEIGHBOUR}")).await;
        let app = json!({ "client_name": name, "redirect_uris": ["https://rp.test/cb"] });
        let app = json!({ "client_id": name, "metadata": app });
        is(api.post("/clients", &app).await, 201);
        is(api.post("/clients/wiki/roles", &json!({ "name": name })).await, 201);
        put(format!("/clients/wiki/roles/reader/users/{name}")).await;
        put(format!("/clients/wiki/roles/{name}/groups/{GROUP}")).await;
        let rules = json!([{ "client_id": "wiki", "match": { "sub": name } }]);
        let iss = format!("https://{name}.test");
        let issuer = json!({ "name": name, "issuer": iss, "jwks": keys, "rules": rules });
        is(api.post("/issuers", &issuer).await, 201);
        let provider = json!({
            "slug": name, "display_name": name, "issuer": iss, "client_id": "x", "client_secret": name,
        });
        is(api.post("/upstream-providers", &provider).await, 201);
        let hook = json!({ "name": name, "url": "https://hook.invalid/", "events": ["key.*"] });
        is(api.post("/webhooks", &hook).await, 201);
        is(api.post(&format!("/webhooks/{webhook}/test"), &json!({})).await, 200);
        is(api.post("/registration-tokens", &json!({ "label": name })).await, 201);
        make_key(world, OWNER, &["doorward.users:read"]);
        wait_for_nobody(world, &format!("019a-{name}"), 0).await;
    }
    for person in [PERSON, NEIGHBOUR] {
        for n in numbers.clone() {
            let browser = sign_in(world, person).await;
            if n % 8 == 0 {
                App::register(world, &format!("{person}-uses-{n}"), &[]).tokens(&browser).await;
            }
        }
    }
}

/// What is too much, a line each.
fn too_much(few: &[Cost], many: &[Cost]) -> String {
    let mut found = String::new();
    for (few, many) in few.iter().zip(many) {
        assert_eq!((few.who, &few.path), (many.who, &many.path));
        let most = match many.path.as_str() {
            "/admin" => MOST_STATEMENTS_OF_THE_OVERVIEW,
            _ => MOST_STATEMENTS,
        };
        let grows = many.statements > few.statements + MORE_FOR_A_FULL_PAGE;
        if grows || many.statements > most || many.bytes > MOST_BYTES {
            let Cost { who, path, statements, bytes } = many;
            let _ = writeln!(
                found,
                "{who:?} at {path}: {} and then {statements} statements, {bytes} bytes",
                few.statements
            );
        }
    }
    found
}

on_both_backends! {
    async fn no_page_takes_more_than_its_budget_however_much_there_is(backend: Backend) {
        let world = World::builder(backend)
            .env("DOORWARD_SESSION__ADMIN_STEP_UP", "7200")
            .env("DOORWARD_SESSION__ADMIN_IDLE", "7200")
            .env(APPS_COME.0, APPS_COME.1);
        let world = world.start().await;
        let town = Town::build(&world).await;
        create(&world, "the-operator", Some("operator"));
        let mut admins = Vec::new();
        for (role, name) in
            [(Role::Owner, OWNER), (Role::Operator, "the-operator"), (Role::GroupManager, MANAGER)]
        {
            admins.push((role, enter(&world, name).await));
        }
        // What does not arrive is tried again and again, which would count with the pages.
        world.cli(&["webhook", "update", "Chat", "--event", "key.*"]);
        let api = Api::with_key(&world, OWNER, &all_scopes());
        fill((&world, &town), &api, FEW).await;
        let few = costs(&world, &town, &admins).await;
        assert!(few.len() > 80, "{} pages", few.len());
        fill((&world, &town), &api, MORE).await;
        let mut many = costs(&world, &town, &admins).await;
        recounted(&world, &admins, (&few, &mut many)).await;
        let found = too_much(&few, &many);
        assert!(found.is_empty(), "too much:\n{found}");
    }

    async fn a_hundred_chosen_people_are_asked_about_as_two_are(world: World) {
        let owner = admin(&world, "owner").await;
        let keeper = manager(&world, &[GROUP, "garden"]).await;
        let api = Api::with_key(&world, "the-owner", &all_scopes());
        let mut chosen = Vec::new();
        for n in 0..100 {
            let person = json!({ "username": format!("many-{n}"), "groups": [GROUP] });
            let made = is(api.post("/users", &person).await, 201).json();
            chosen.push(format!("&who={}", made["id"].as_str().expect("an id")));
        }
        let admins = [(Role::Owner, &owner), (Role::GroupManager, &keeper)];
        for order in ["disable", "sign-out", "join&group=garden", "leave&group=crew"] {
            for (role, admin) in admins {
                let of = async |chosen: &[String]| {
                    let path = format!("/admin/users/selected?do={order}{}", chosen.concat());
                    cost(&world, (role, admin), &path).await
                };
                let (two, hundred) = (of(&chosen[..2]).await, of(&chosen).await);
                let most = MOST_STATEMENTS.min(two.statements + MORE_FOR_A_FULL_PAGE);
                assert!(hundred.statements <= most, "{order}: {two:?}, {hundred:?}");
                assert!(hundred.bytes <= MOST_BYTES, "{hundred:?}");
            }
        }
    }
}
