//! People and groups from the first day to the last, in the dialects of two directories.

use serde_json::{Value, json};

use super::{Directory, id, is, refused};
use crate::kit::api::{Api, header};
use crate::kit::audit::noted;
use crate::kit::console::{can_sign_in, create};
use crate::kit::flow::{PASSWORD, is_signed_in, sign_in};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

on_both_backends! {
    async fn a_person_from_the_first_day_to_the_last(world: World) {
        let directory = Directory::new(&world);
        let body = json!({
            "schemas": [USER, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
            "userName": "Alice@Example.test", "externalId": "00u1", "active": true, "locale": "de-CH",
            "name": { "givenName": "Alice", "familyName": "Liddell" }, "password": PASSWORD,
            "emails": [{ "value": "Alice@Example.test", "type": "work", "primary": true }],
            "title": "Dr",
        });
        let answer = is(directory.post("/Users", &body).await, 201);
        assert!(!answer.text.contains(PASSWORD) && !answer.text.contains("title"), "{answer:?}");
        let alice = answer.json();
        assert_eq!(header(&answer, "location"), alice["meta"]["location"].as_str().unwrap());
        assert_eq!(header(&answer, "etag"), alice["meta"]["version"].as_str().unwrap());
        assert_eq!(alice["userName"], "alice@example.test");
        assert_eq!(alice["displayName"], "Alice Liddell");
        assert_eq!(alice["name"]["familyName"], "Liddell");
        assert_eq!((&alice["externalId"], &alice["locale"]), (&json!("00u1"), &json!("de-CH")));
        refused(directory.post("/Users", &body).await, 409, "uniqueness");
        let path = format!("/Users/{}", id(&alice));
        assert_eq!(is(directory.get(&path).await, 200).json(), alice);
        // Signed in, and out at once when the directory says so.
        let browser = sign_in(&world, "alice@example.test").await;
        assert!(is_signed_in(&browser).await);
        let entra = json!([{ "op": "Replace", "path": "active", "value": "False" }]);
        assert_eq!(is(directory.patch(&path, &entra).await, 200).json()["active"], false);
        assert!(!is_signed_in(&browser).await);
        assert!(!can_sign_in(&world, "alice@example.test", PASSWORD).await);
        let okta = json!([{ "op": "replace", "value": { "active": true } }]);
        assert_eq!(is(directory.patch(&path, &okta).await, 200).json()["active"], true);
        assert!(can_sign_in(&world, "alice@example.test", PASSWORD).await);
        let several = json!([
            { "op": "Add", "path": "name.givenName", "value": "Alicia" },
            { "op": "Replace", "path": "emails[type eq \"work\"].value", "value": "alicia@example.test" },
            { "op": "Replace", "path": "userName", "value": "alicia" },
            { "op": "Add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "value": "x" },
            { "op": "remove", "path": "locale" },
        ]);
        let alicia = is(directory.patch(&path, &several).await, 200).json();
        assert_eq!((&alicia["userName"], &alicia["locale"]), (&json!("alicia"), &Value::Null));
        assert_eq!(alicia["emails"][0]["value"], "alicia@example.test");
        refused(directory.patch(&path, &json!([{ "op": "add", "path": "id", "value": "x" }])).await, 400, "mutability");
        // What a whole person does not say is gone; whether they are active stays.
        let whole = json!({ "schemas": [USER], "userName": "alicia", "displayName": "A" });
        let whole = is(directory.put(&path, &whole).await, 200).json();
        assert_eq!((&whole["externalId"], &whole["emails"]), (&Value::Null, &Value::Null));
        assert_eq!((&whole["displayName"], &whole["active"]), (&json!("A"), &json!(true)));
        is(directory.delete(&path).await, 204);
        is(directory.get(&path).await, 404);
        is(directory.delete(&path).await, 404);
        world.assert_log_is_clean(&[&directory.credential, PASSWORD]);
    }

    async fn whoever_is_disabled_comes_back_without_keys_and_is_not_deleted(world: World) {
        let directory = Directory::new(&world);
        let path = format!("/Users/{}", create(&world, "auditor", Some("auditor")));
        let key = Api::with_key(&world, "auditor", &["doorward.users:read"]);
        assert_eq!(key.get("/users").await.status, 200);
        for active in [false, true] {
            let change = json!([{ "op": "replace", "value": { "active": active } }]);
            assert_eq!(is(directory.patch(&path, &change).await, 200).json()["active"], active);
        }
        assert_eq!(key.get("/users").await.status, 401, "disabled in between");
        assert_eq!(noted(&world, "api_key.revoked").len(), 1);
        assert_eq!(noted(&world, "user.enabled")[0].get("deletion"), None);
        // Somebody who was to be deleted is not any more, and the audit log says so.
        world.cli(&["user", "delete", "auditor", "--later"]);
        let enabled = json!([{ "op": "replace", "value": { "active": true } }]);
        assert_eq!(is(directory.patch(&path, &enabled).await, 200).json()["active"], true);
        assert_eq!(noted(&world, "user.enabled")[0]["deletion"], "taken back");
    }

    async fn a_group_from_the_first_day_to_the_last(world: World) {
        let directory = Directory::new(&world);
        let mut ids = Vec::new();
        for name in ["one", "two", "three"] {
            ids.push(id(&is(directory.post("/Users", &json!({ "userName": name })).await, 201).json()));
        }
        let body = json!({
            "schemas": [GROUP], "displayName": "Crew", "externalId": "g1", "members": [{ "value": ids[0] }],
        });
        let crew = is(directory.post("/Groups", &body).await, 201).json();
        assert_eq!(crew["members"][0]["display"], "one");
        refused(directory.post("/Groups", &body).await, 409, "uniqueness");
        let path = format!("/Groups/{}", id(&crew));
        let entra = json!([
            { "op": "Add", "path": "members", "value": [{ "value": ids[1] }, { "value": ids[2] }] },
            { "op": "Remove", "path": "members", "value": [{ "value": ids[0] }] },
        ]);
        let members = async || {
            let shown = is(directory.get(&path).await, 200).json();
            let mut names: Vec<String> = shown["members"].as_array().unwrap().iter()
                .map(|member| member["display"].as_str().unwrap().to_owned()).collect();
            names.sort();
            names
        };
        is(directory.patch(&path, &entra).await, 200);
        assert_eq!(members().await, ["three", "two"]);
        let okta = json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", ids[2]) }]);
        is(directory.patch(&path, &okta).await, 200);
        assert_eq!(members().await, ["two"]);
        // Another name, the same id.
        let renamed = json!([{ "op": "replace", "value": { "id": id(&crew), "displayName": "Team" } }]);
        let team = is(directory.patch(&path, &renamed).await, 200).json();
        assert_eq!((id(&team), &team["displayName"]), (id(&crew), &json!("Team")));
        let two = is(directory.get(&format!("/Users/{}", ids[1])).await, 200).json();
        assert_eq!(two["groups"][0]["value"], crew["id"]);
        assert_eq!(two["groups"][0]["display"], "Team");
        // Nobody is moved when one of them is not there.
        let nobody = json!([{ "op": "add", "path": "members", "value": [{ "value": ids[0] }, { "value": "x" }] }]);
        refused(directory.patch(&path, &nobody).await, 400, "invalidValue");
        assert_eq!(members().await, ["two"]);
        let whole = json!({ "displayName": "Team", "members": [{ "value": ids[0] }] });
        assert_eq!(is(directory.put(&path, &whole).await, 200).json()["externalId"], Value::Null);
        assert_eq!(members().await, ["one"]);
        is(directory.delete(&path).await, 204);
        is(directory.get(&path).await, 404);
        let again = is(directory.post("/Groups", &json!({ "displayName": "Team" })).await, 201).json();
        assert_ne!(id(&again), id(&crew), "an id is not given out twice");
    }
}
