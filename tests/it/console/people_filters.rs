//! Lists of people by role, by state of their account and by id, in the console, with the REST API and at the
//! command line.

use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::api::{Api, all_scopes, is, refused};
use crate::kit::console::{Admin, admin, create, manager};
use crate::support::browser_like::Page;
use crate::support::world::World;

/// Beside the owner who looks at them: two operators, of whom one is disabled; three without a role, of whom
/// one is disabled and one to be deleted.
fn town(world: &World) {
    create(world, "olga", Some("operator"));
    create(world, "otto", Some("operator"));
    for name in ["ada", "bob", "cleo"] {
        create(world, name, None);
    }
    for name in ["otto", "bob"] {
        world.cli(&["user", "disable", name]);
    }
    world.cli(&["user", "delete", "cleo", "--later"]);
}

type Filters = [(&'static str, &'static str)];

/// Filters, and who fits them.
const ASKED: [(&Filters, &[&str]); 8] = [
    (&[], &["ada", "bob", "cleo", "olga", "otto", "the-owner"]),
    (&[("role", "operator")], &["olga", "otto"]),
    (&[("role", "owner")], &["the-owner"]),
    (&[("role", "auditor")], &[]),
    (&[("state", "active")], &["ada", "olga", "the-owner"]),
    (&[("state", "disabled")], &["bob", "otto"]),
    (&[("state", "to_be_deleted")], &["cleo"]),
    (&[("role", "operator"), ("state", "disabled")], &["otto"]),
];

fn query(filters: &[(&str, &str)]) -> String {
    let pairs = filters.iter().map(|(name, value)| format!("{name}={value}"));
    pairs.collect::<Vec<_>>().join("&")
}

fn names(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().expect("items");
    items.iter().map(|user| user["username"].as_str().expect("a username")).collect()
}

fn listed(page: &Page) -> Vec<String> {
    page.texts("tbody th[scope=row]")
}

/// Every page of a list, to the last one.
async fn walk(owner: &Admin, first: &str) -> Vec<String> {
    let (mut address, mut seen) = (first.to_owned(), Vec::new());
    for _ in 0..9 {
        let page = owner.page(&address).await;
        seen.extend(listed(&page));
        let Some(next) = page.attributes("nav.pages a[rel=next]", "href").pop() else { break };
        address = format!("/admin/users{next}");
    }
    seen
}

on_both_backends! {
    async fn each_face_narrows_a_list_of_people_by_role_and_state(world: World) {
        let owner = admin(&world, "owner").await;
        town(&world);
        let api = Api::with_key(&world, "the-owner", &all_scopes());
        for (filters, expected) in ASKED {
            let page = owner.page(&format!("/admin/users?{}", query(filters))).await;
            assert_eq!(listed(page.assert_status(200)), expected, "{filters:?}");
            let answer = is(api.get(&format!("/users?{}", query(filters))).await, 200).json();
            assert_eq!(names(&answer), expected, "{filters:?}");
            let flags: Vec<_> = filters.iter().map(|(name, value)| format!("--{name}={value}")).collect();
            let mut command = vec!["user", "list"];
            command.extend(flags.iter().map(String::as_str));
            assert_eq!(names(&world.cli(&command)), expected, "{filters:?}");
        }
        // Page by page, with the filter in the address of the next one.
        let first = is(api.get("/users?state=disabled&limit=1").await, 200).json();
        assert_eq!(names(&first), ["bob"]);
        let next = format!("/users?state=disabled&limit=1&cursor={}", first["next"].as_str().unwrap());
        assert_eq!(names(&is(api.get(&next).await, 200).json()), ["otto"]);
        // A name that means nothing is told, and not taken for everybody.
        for (asked, known) in [("role=boss", "owner, operator, auditor"), ("state=enabled", "active, disabled, to_be_deleted")] {
            let problem = refused(api.get(&format!("/users?{asked}")).await, 400, "malformed_request").json();
            assert!(problem["detail"].as_str().unwrap().contains(known), "{problem}");
            let page = owner.browser.get(&format!("/admin/users?{asked}")).await;
            assert!(listed(page.assert_status(400)).is_empty(), "{}", page.describe());
            assert!(page.text().contains("in the list."), "{}", page.describe());
        }
        is(api.command(Method::POST, "/users/bob/enable").await, 204);
        assert_eq!(names(&is(api.get("/users?state=disabled").await, 200).json()), ["otto"]);
    }

    async fn somebody_is_found_by_their_whole_id(world: World) {
        let owner = admin(&world, "owner").await;
        let ada = create(&world, "ada", None);
        create(&world, "bob", None);
        let api = Api::with_key(&world, "the-owner", &all_scopes());
        assert_eq!(listed(&owner.page(&format!("/admin/users?q={ada}")).await), ["ada"]);
        assert_eq!(names(&is(api.get(&format!("/users?search={ada}")).await, 200).json()), ["ada"]);
        assert_eq!(names(&world.cli(&["user", "list", "--search", &ada])), ["ada"]);
        let beginning = &ada[..ada.len() - 1];
        assert!(listed(&owner.page(&format!("/admin/users?q={beginning}")).await).is_empty());
        let none = owner.page(&format!("/admin/users?q={ada}&role=owner")).await;
        assert!(listed(&none).is_empty(), "{}", none.describe());
    }

    async fn filters_stay_with_search_order_and_pages(world: World) {
        let owner = admin(&world, "owner").await;
        let people: Vec<_> =
            (1..=60).map(|number| json!({ "username": format!("p{number:02}") }).to_string()).collect();
        world.cli(&["user", "import", &world.write("people.ndjson", &people.join("\n"))]);
        let api = Api::with_key(&world, "the-owner", &all_scopes());
        let mut disabled = Vec::new();
        for number in (1..=60).step_by(2) {
            let name = format!("p{number:02}");
            is(api.command(Method::POST, &format!("/users/{name}/disable")).await, 204);
            disabled.push(name);
        }
        let backwards: Vec<_> = disabled.iter().rev().cloned().collect();
        for (sort, expected) in [("", &disabled), ("-name", &backwards)] {
            let seen = walk(&owner, &format!("/admin/users?q=p&state=disabled&sort={sort}")).await;
            assert_eq!(&seen, expected, "{sort}");
        }
        for sort in ["added", "-added"] {
            let mut seen = walk(&owner, &format!("/admin/users?state=disabled&sort={sort}")).await;
            seen.sort();
            assert_eq!(seen, disabled, "{sort}");
        }
        let page = owner.page("/admin/users?q=p&role=owner&state=disabled&sort=-added&rows=50").await;
        let chosen = page.attributes("form.filters option[selected]", "value");
        assert_eq!(chosen, ["owner", "disabled"]);
        assert_eq!(page.attributes("form.filters input[type=hidden]", "value"), ["-added", "50"]);
        assert!(page.text().contains("2 filters are chosen."), "{}", page.describe());
        assert!(page.text().contains("fits the filters chosen above"), "{}", page.describe());
        let clear = page.attributes(".actions a", "href");
        assert!(clear.contains(&"/admin/users?q=p&sort=-added&rows=50".to_owned()), "{clear:?}");
        assert!(page.attributes(".empty a", "href").contains(&"/admin/users".to_owned()));
        // The heads of the columns keep them.
        let page = owner.page("/admin/users?state=disabled").await;
        assert_eq!(
            page.attributes("th[aria-sort] a", "href"),
            ["?state=disabled&sort=-name", "?state=disabled&sort=-added"]
        );
    }

    async fn chosen_people_lead_back_to_the_list_they_were_chosen_in(world: World) {
        let owner = admin(&world, "owner").await;
        town(&world);
        let list = owner.page("/admin/users?q=b&state=disabled").await;
        let who = list.attributes("input[name=who]", "value");
        let asked = list.form("selected").set("do", "enable").check("who", &who[0]);
        let question = asked.submit().await;
        let done = question.form_to("/admin/users/selected").submit().await;
        assert!(done.location().as_str().ends_with("/admin/users?q=b&state=disabled"));
        assert_eq!(owner.message_after(&done).await, "1 person can sign in again.");
        // An operator, who gives out no roles, comes along with a filter by role as well.
        let operator = crate::kit::console::enter(&world, "olga").await;
        let list = operator.page("/admin/users?state=active&q=a").await;
        let who = list.attributes("input[name=who]", "value");
        let question = format!("/admin/users/selected?do=disable&of_role=owner&who={}", who[0]);
        let question = operator.page(&question).await;
        let done = question.form_to("/admin/users/selected").submit().await;
        assert!(done.location().as_str().ends_with("/admin/users?role=owner"), "{}", done.describe());
    }

    async fn a_group_manager_narrows_the_list_of_their_own_people(world: World) {
        let keeper = manager(&world, &["crew"]).await;
        admin(&world, "owner").await;
        let api = Api::with_key(&world, "the-owner", &all_scopes());
        for name in ["ada", "bob"] {
            is(api.post("/users", &json!({ "username": name, "groups": ["crew"] })).await, 201);
        }
        create(&world, "zoe", None);
        for name in ["bob", "zoe"] {
            is(api.command(Method::POST, &format!("/users/{name}/disable")).await, 204);
        }
        assert_eq!(listed(&keeper.page("/admin/users?state=disabled").await), ["bob"]);
        assert!(listed(&keeper.page("/admin/users?role=owner").await).is_empty());
        let zoe = world.cli(&["user", "show", "zoe"])["id"].as_str().unwrap().to_owned();
        assert!(listed(&keeper.page(&format!("/admin/users?q={zoe}")).await).is_empty());
    }
}
