//! Queries in a body, of people, of groups and of both; the first password; what is removed from a person.

use serde_json::{Value, json};

use super::{Directory, id, is, refused};
use crate::kit::api::{Api, header};
use crate::kit::console::{can_sign_in, manager};
use crate::kit::flow::PASSWORD;

const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

on_both_backends! {
    async fn a_query_may_come_in_a_body(world: World) {
        let directory = Directory::new(&world);
        for n in 0..4 {
            let shared = format!("x{n}");
            is(directory.post("/Users", &json!({ "userName": format!("p{n}"), "externalId": shared })).await, 201);
            is(directory.post("/Groups", &json!({ "displayName": format!("G{n}"), "externalId": shared })).await, 201);
        }
        let names = |page: &Value| -> Vec<String> {
            let name = |resource: &Value| resource["userName"].as_str().or(resource["displayName"].as_str()).unwrap().to_owned();
            page["Resources"].as_array().unwrap().iter().map(name).collect()
        };
        let asked = json!({ "schemas": [SEARCH], "filter": "userName eq \"P3\"", "attributes": ["userName"] });
        let found = is(directory.post("/Users/.search", &asked).await, 200).json();
        assert_eq!(found["Resources"][0].as_object().unwrap().len(), 3, "schemas, id and userName");
        assert_eq!(names(&found), ["p3"]);
        let less = json!({ "count": 2, "startIndex": 2, "excludedAttributes": ["members"], "sortBy": "displayName" });
        let found = is(directory.post("/Groups/.search", &less).await, 200).json();
        assert_eq!((names(&found), &found["totalResults"]), (vec!["G1".to_owned(), "G2".to_owned()], &json!(4)));
        assert_eq!(found["Resources"][0]["members"], Value::Null);
        // Both: five people with the owner, then four groups.
        for (start, count, expected) in [
            (1, 200, vec!["boss", "p0", "p1", "p2", "p3", "G0", "G1", "G2", "G3"]),
            (5, 2, vec!["p3", "G0"]), (7, 2, vec!["G1", "G2"]), (2, 1, vec!["p0"]), (10, 5, vec![]), (1, 0, vec![]),
        ] {
            let found = directory.post("/.search", &json!({ "startIndex": start, "count": count })).await;
            let found = is(found, 200).json();
            assert_eq!(names(&found), expected, "{start} {count}");
            assert_eq!((&found["totalResults"], &found["startIndex"]), (&json!(9), &json!(start)));
        }
        for (filter, expected) in [
            ("externalId eq \"x1\"", vec!["p1", "G1"]), ("userName eq \"p1\"", vec!["p1"]),
            ("meta.resourceType eq \"Group\" and externalId eq \"x1\"", vec!["G1"]),
            ("meta.resourceType eq \"Group\" and userName eq \"p1\"", vec![]), ("meta.resourceType eq \"Device\"", vec![]),
        ] {
            let found = is(directory.post("/.search", &json!({ "filter": filter })).await, 200).json();
            assert_eq!(names(&found), expected, "{filter}");
        }
        for folder in ["", "/Users", "/Groups"] {
            let address = format!("{folder}/.search");
            for bad in [
                json!({ "schemas": ["x"] }), json!({ "count": "2" }), json!({ "count": 1.5 }), json!({ "startIndex": [] }),
                json!({ "attributes": "userName" }), json!({ "attributes": [7] }), json!({ "filter": 7 }),
            ] {
                refused(directory.post(&address, &bad).await, 400, "invalidValue");
            }
            for bad in ["title eq \"x\"", "id co \"x\"", "("] {
                refused(directory.post(&address, &json!({ "filter": bad })).await, 400, "invalidFilter");
            }
            let known = is(directory.get(&address).await, 405);
            assert_eq!(header(&known, "allow"), "POST");
        }
    }

    async fn who_searches_sees_what_they_see_otherwise(world: World) {
        let directory = Directory::new(&world);
        is(directory.post("/Users", &json!({ "userName": "stranger" })).await, 201);
        is(directory.post("/Groups", &json!({ "displayName": "others" })).await, 201);
        let key = |username: &str, scopes: &[&str]| Directory::with(&world, &Api::with_key(&world, username, scopes).credential);
        let people = key("boss", &["doorward.users:read"]);
        is(people.post("/Users/.search", &json!({})).await, 200);
        for address in ["/.search", "/Groups/.search"] {
            let answer = is(people.post(address, &json!({})).await, 403);
            assert!(header(&answer, "www-authenticate").contains("doorward.groups:read"), "{answer:?}");
        }
        manager(&world, &["crew"]).await;
        let charge = key("the-manager", &["doorward.users:read", "doorward.groups:read"]);
        let found = is(charge.post("/.search", &json!({})).await, 200).text;
        assert!(found.contains("crew"), "{found}");
        assert!(!found.contains("stranger") && !found.contains("others") && !found.contains("boss"), "{found}");
    }

    async fn a_directory_gives_the_first_password_and_no_other(world: World) {
        let directory = Directory::new(&world);
        for (name, by_patch) in [("one", true), ("two", false)] {
            let path = format!("/Users/{}", id(&is(directory.post("/Users", &json!({ "userName": name })).await, 201).json()));
            let give = async |password: &str| {
                if by_patch {
                    directory.patch(&path, &json!([{ "op": "add", "path": "password", "value": password }])).await
                } else {
                    directory.put(&path, &json!({ "userName": name, "password": password })).await
                }
            };
            refused(give("short").await, 400, "invalidValue");
            let answer = is(give(PASSWORD).await, 200);
            assert!(!answer.text.contains(PASSWORD));
            assert!(can_sign_in(&world, name, PASSWORD).await);
            refused(give("opens-no-door-any-more").await, 400, "mutability");
            assert!(can_sign_in(&world, name, PASSWORD).await);
            is(directory.put(&path, &json!({ "userName": name })).await, 200);
            assert!(can_sign_in(&world, name, PASSWORD).await, "what is not said of it leaves it");
        }
        world.assert_log_is_clean(&[PASSWORD]);
    }

    async fn what_everybody_has_is_not_removed(world: World) {
        let directory = Directory::new(&world);
        let body = json!({
            "userName": "x", "displayName": "A L", "name": { "givenName": "A", "familyName": "L" },
            "emails": [{ "value": "x@example.test" }],
        });
        let path = format!("/Users/{}", id(&is(directory.post("/Users", &body).await, 201).json()));
        for attribute in ["active", "userName", "password", "groups", "id", "emails[type eq \"work\"].primary"] {
            let removed = directory.patch(&path, &json!([{ "op": "remove", "path": attribute }])).await;
            refused(removed, 400, "mutability");
        }
        let after = directory.patch(&path, &json!([{ "op": "remove", "path": "name" }])).await;
        let after = is(after, 200).json();
        assert_eq!((&after["name"], &after["displayName"]), (&Value::Null, &Value::Null));
        assert_eq!(after["emails"][0]["value"], "x@example.test");
        let group = is(directory.post("/Groups", &json!({ "displayName": "g" })).await, 201).json();
        let removed = json!([{ "op": "remove", "path": "displayName" }]);
        refused(directory.patch(&format!("/Groups/{}", id(&group)), &removed).await, 400, "mutability");
    }
}
