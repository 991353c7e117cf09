//! Roles of apps: made, described, given to people and groups, taken and deleted; who may do it; and that the
//! command line leaves the same events.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use super::resources::{events, owner, since};
use crate::kit::api::{Api, all_scopes, header, is, refused, service, tag};
use crate::kit::console::create;

const WIKI: &str = "/clients/wiki/roles";

async fn wiki(api: &Api) {
    let metadata = json!({ "client_name": "Wiki", "redirect_uris": ["https://rp.test/cb"] });
    is(api.post("/clients", &json!({ "client_id": "wiki", "metadata": metadata })).await, 201);
}

/// What was noted about roles since.
fn of_roles(
    before: &BTreeMap<String, usize>,
    after: &BTreeMap<String, usize>,
) -> BTreeMap<String, usize> {
    let mut more = since(before, after);
    more.retain(|kind, _| kind.starts_with("role."));
    more
}

fn names(page: &Value, member: &str) -> Vec<String> {
    let items = page["items"].as_array().expect("items").iter();
    items.map(|item| item[member].as_str().expect(member).to_owned()).collect()
}

on_both_backends! {
    async fn a_role_from_the_first_day_to_the_last(world: World) {
        let api = owner(&world);
        wiki(&api).await;
        create(&world, "grace", None);
        world.cli(&["group", "create", "team/wiki"]);
        let before = events(&api).await;
        assert_eq!(is(api.get(WIKI).await, 200).json(), json!({ "items": [], "next": null }));
        let new = json!({ "name": "wiki:write", "description": "Writes." });
        let made = is(api.post_once(WIKI, "first", &new).await, 201);
        assert_eq!(is(api.post_once(WIKI, "first", &new).await, 201).json(), made.json());
        assert!(header(&made, "location").ends_with("/api/v1/clients/wiki/roles/wiki%3Awrite"));
        let path = format!("{WIKI}/wiki%3Awrite");
        let shown = is(api.get(&path).await, 200);
        assert_eq!((shown.json(), tag(&shown)), (made.json(), tag(&made)));
        assert_eq!((&shown.json()["people"], &shown.json()["groups"]), (&json!(0), &json!(0)));
        refused(api.post(WIKI, &new).await, 409, "taken");
        // Changes name what they were made from.
        let change = json!({ "description": "Edits." });
        let changed = is(api.patch(&path, &tag(&shown), &change).await, 200);
        assert_eq!(changed.json()["description"], "Edits.");
        refused(api.patch(&path, &tag(&shown), &change).await, 412, "precondition_failed");
        refused(api.command(Method::PATCH, &path).await, 428, "precondition_required");
        assert_eq!(is(api.patch(&path, &tag(&changed), &json!({})).await, 200).json(), changed.json());
        let emptied = is(api.patch_now(&path, &json!({ "description": null })).await, 200);
        assert_eq!(emptied.json()["description"], Value::Null);

        for (holder, list, member) in
            [("users/grace@example.test", "users", "username"), ("groups/team%2Fwiki", "groups", "name")]
        {
            for _ in 0..2 {
                is(api.command(Method::PUT, &format!("{path}/{holder}")).await, 204);
            }
            let found = is(api.get(&format!("{path}/{list}")).await, 200).json();
            let wanted = if list == "users" { "grace" } else { "team/wiki" };
            assert_eq!(names(&found, member), [wanted]);
        }
        let given = is(api.get(&path).await, 200).json();
        assert_eq!((&given["people"], &given["groups"]), (&json!(1), &json!(1)));
        let shown = world.cli(&["role", "show", "wiki", "wiki:write"]);
        assert_eq!(shown["given_to"], json!({ "users": ["grace"], "groups": ["team/wiki"] }));
        for holder in ["users/grace", "groups/team%2Fwiki"] {
            for _ in 0..2 {
                is(api.delete(&format!("{path}/{holder}")).await, 204);
            }
        }
        is(api.delete(&path).await, 204);
        refused(api.get(&path).await, 404, "not_found");
        let by_api = of_roles(&before, &events(&api).await);
        let wanted = [("role.created", 1), ("role.updated", 2), ("role.given", 2), ("role.taken", 2), ("role.deleted", 1)];
        assert_eq!(by_api, wanted.map(|(kind, count)| (kind.to_owned(), count)).into());
        let between = events(&api).await;
        world.cli(&["role", "create", "wiki", "two"]);
        for text in ["Edits.", ""] {
            world.cli(&["role", "update", "wiki", "two", "--description", text]);
        }
        for step in ["give", "take"] {
            world.cli(&["role", step, "wiki", "two", "--user", "grace", "--group", "team/wiki"]);
        }
        world.cli(&["role", "delete", "wiki", "two", "--yes"]);
        assert_eq!(of_roles(&between, &events(&api).await), by_api, "as from the command line");
    }

    async fn who_has_a_role_is_listed_page_by_page(world: World) {
        let api = owner(&world);
        wiki(&api).await;
        is(api.post(WIKI, &json!({ "name": "reader" })).await, 201);
        let path = format!("{WIKI}/reader");
        for n in 0..5 {
            create(&world, &format!("person-{n}"), None);
            is(api.command(Method::PUT, &format!("{path}/users/person-{n}")).await, 204);
            world.cli(&["group", "create", &format!("group-{n}")]);
            is(api.command(Method::PUT, &format!("{path}/groups/group-{n}")).await, 204);
        }
        for (list, member, name) in [("users", "username", "person"), ("groups", "name", "group")] {
            let (mut found, mut cursor) = (Vec::new(), String::new());
            loop {
                let page = is(api.get(&format!("{path}/{list}?limit=2{cursor}")).await, 200).json();
                found.extend(names(&page, member));
                let Some(next) = page["next"].as_str() else { break };
                cursor = format!("&cursor={next}");
            }
            assert_eq!(found, (0..5).map(|n| format!("{name}-{n}")).collect::<Vec<_>>());
        }
    }

    async fn what_cannot_be_is_refused_by_name_and_changes_nothing(world: World) {
        let api = owner(&world);
        wiki(&api).await;
        is(api.post(WIKI, &json!({ "name": "reader" })).await, 201);
        let before = of_roles(&BTreeMap::new(), &events(&api).await);
        for (body, field) in [
            (json!({ "name": "" }), "name"), (json!({ "name": "a b" }), "name"), (json!({ "name": "x".repeat(41) }), "name"),
            (json!({ "name": "é" }), "name"), (json!({ "name": "x", "description": "y".repeat(301) }), "description"),
            (json!({ "name": "x", "people": 7 }), "people"), (json!({}), "name"),
        ] {
            let answer = refused(api.post(WIKI, &body).await, 422, "invalid");
            assert_eq!(answer.json()["errors"][0]["field"], field, "{body}");
        }
        refused(api.patch_now(&format!("{WIKI}/reader"), &json!({ "name": "writer" })).await, 422, "invalid");
        for (method, path) in [
            (Method::GET, "/clients/nowhere/roles"), (Method::GET, "/clients/wiki/roles/none"),
            (Method::GET, "/clients/wiki/roles/none/users"), (Method::GET, "/clients/nowhere/roles/reader/groups"),
            (Method::POST, "/clients/nowhere/roles"), (Method::DELETE, "/clients/wiki/roles/none"),
            (Method::PUT, "/clients/wiki/roles/none/users/boss"), (Method::PUT, "/clients/wiki/roles/reader/users/nobody"),
            (Method::PUT, "/clients/nowhere/roles/reader/users/boss"), (Method::DELETE, "/clients/wiki/roles/none/users/boss"),
            (Method::PUT, "/clients/wiki/roles/reader/groups/nobody"), (Method::PUT, "/clients/wiki/roles/%01/groups/x"),
        ] {
            let answer = if method == Method::POST {
                api.post(path, &json!({ "name": "x" })).await
            } else {
                api.command(method.clone(), path).await
            };
            refused(answer, 404, "not_found");
        }
        refused(api.command(Method::PUT, "/clients/wiki/roles/%00/users/boss").await, 400, "malformed_request");
        for n in 1..40 {
            is(api.post(WIKI, &json!({ "name": format!("role-{n}") })).await, 201);
        }
        refused(api.post(WIKI, &json!({ "name": "one-too-many" })).await, 409, "too_many_roles");
        let mut after = of_roles(&BTreeMap::new(), &events(&api).await);
        after.entry("role.created".to_owned()).and_modify(|count| *count -= 39);
        assert_eq!(after, before);
    }

    /// Security catalogue, row 108.
    async fn operators_and_services_give_roles_to_others_and_never_to_those_with_power(world: World) {
        let api = owner(&world);
        wiki(&api).await;
        is(api.post(WIKI, &json!({ "name": "writer" })).await, 201);
        create(&world, "hand", Some("operator"));
        create(&world, "grace", None);
        for group in ["theirs", "others"] {
            world.cli(&["group", "create", group]);
        }
        world.cli(&["group", "add-member", "theirs", "hand"]);
        let operator = Api::with_key(&world, "hand", &all_scopes());
        let robot = service(&world, "robot", &["doorward.roles:write"]);
        let robot = Api::of_service(&world, &robot).await;
        let path = format!("{WIKI}/writer");
        for holder in ["users/hand", "users/boss", "groups/theirs"] {
            let to = format!("{path}/{holder}");
            refused(operator.command(Method::PUT, &to).await, 403, "forbidden");
        }
        refused(robot.command(Method::PUT, &format!("{path}/users/boss")).await, 403, "forbidden");
        let given = is(api.get(&path).await, 200).json();
        assert_eq!((&given["people"], &given["groups"]), (&json!(0), &json!(0)));
        for (who, holder) in [(&operator, "users/grace"), (&operator, "groups/others"), (&robot, "groups/theirs")] {
            is(who.command(Method::PUT, &format!("{path}/{holder}")).await, 204);
        }
        is(robot.delete(&format!("{path}/users/grace")).await, 204);
        // The scope of apps is not that of what people may do in them.
        let other = Api::with_key(&world, "boss", &["doorward.clients:write", "doorward.users:write"]);
        refused(other.get(WIKI).await, 403, "insufficient_scope");
        refused(other.command(Method::PUT, &format!("{path}/users/grace")).await, 403, "insufficient_scope");
    }
}
