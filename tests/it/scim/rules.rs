//! Rights, conditions, pages and filters; hostile input; and that a change leaves the audit events that the
//! same change leaves at the REST API.

use futures_util::future::join;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Directory, id, is, refused, sent};
use crate::kit::api::{Api, all_scopes, header, service};
use crate::kit::console::create;
use crate::kit::flow::{PATIENCE, count, http_client};
use crate::support::process::wait_until_async;
use crate::support::world::World;

/// How many events of the kinds that changes leave there are.
async fn events(world: &World, kind: &str) -> i64 {
    count(
        world,
        &format!("select count(*) from audit_events where kind = '{kind}' and outcome = 'success'"),
    )
    .await
}

/// Changes or deletes what was read with this tag; gives the status.
async fn made_from(directory: &Directory, path: &str, tag: &str, change: Option<&Value>) -> u16 {
    let method = if change.is_some() { Method::PATCH } else { Method::DELETE };
    let request = directory.request(method, path).header("if-match", tag);
    let request = match change {
        Some(change) => request.json(change),
        None => request,
    };
    sent(request).await.status
}

on_both_backends! {
    async fn scope_and_role_decide(world: World) {
        let owner = Directory::new(&world);
        create(&world, "eyes", Some("auditor"));
        let path = format!("/Users/{}", id(&is(owner.post("/Users", &json!({ "userName": "x" })).await, 201).json()));
        let group = format!("/Groups/{}", id(&is(owner.post("/Groups", &json!({ "displayName": "g" })).await, 201).json()));
        let reader = Directory::with(&world, &Api::with_key(&world, "boss", &["doorward.users:read"]).credential);
        is(reader.get("/Users").await, 200);
        is(reader.get("/Groups").await, 403);
        let auditor = Directory::with(&world, &Api::with_key(&world, "eyes", &all_scopes()).credential);
        is(auditor.get(&path).await, 200);
        is(auditor.get(&group).await, 200);
        for (method, path, scope, _) in doorward::http::scim::addresses() {
            if method == "GET" || path.ends_with("/.search") {
                continue;
            }
            let path = path.replace("{id}", "none");
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            is(auditor.send(method.clone(), &path, &json!({})).await, 403);
            let answer = is(reader.send(method, &path, &json!({})).await, 403);
            assert!(header(&answer, "www-authenticate").contains(scope), "{answer:?}");
        }
        // A service is an operator: whoever has a role is not its to change.
        let app = service(&world, "sync", &all_scopes());
        let sync = Directory::with(&world, &app.client_credentials().await.tokens().access);
        let found = sync.found("/Users", "userName eq \"eyes\"").await;
        let eyes = format!("/Users/{}", id(&found["Resources"][0]));
        is(sync.patch(&eyes, &json!([{ "op": "replace", "path": "active", "value": false }])).await, 403);
        is(sync.delete(&path).await, 204);
        let nobody = sent(http_client().get(format!("{}/Users", owner.base))).await;
        assert!(header(&is(nobody, 401), "www-authenticate").contains("Bearer"));
        let wrong = Directory::with(&world, "dwk_wrong");
        assert!(header(&is(wrong.get("/Users").await, 401), "www-authenticate").contains("invalid_token"));
        is(owner.patch("/Users/boss", &json!([{ "op": "add", "value": {} }])).await, 404);
        // Nobody is left without an owner, and then nothing else of the change is done either.
        let boss = id(&owner.found("/Users", "userName eq \"boss\"").await["Resources"][0]);
        let change = json!([{ "op": "replace", "value": { "active": false, "displayName": "Gone" } }]);
        is(owner.patch(&format!("/Users/{boss}"), &change).await, 409);
        assert_eq!(is(owner.get(&format!("/Users/{boss}")).await, 200).json()["displayName"], Value::Null);
    }

    async fn filters_find_by_what_a_directory_knows(world: World) {
        let directory = Directory::new(&world);
        for n in 0..5 {
            let body = json!({
                "userName": format!("p{n}"), "externalId": format!("x{n}"), "displayName": format!("Person {n}"),
                "emails": [{ "value": format!("p{n}@example.test") }],
            });
            is(directory.post("/Users", &body).await, 201);
            is(directory.post("/Groups", &json!({ "displayName": format!("G{n}"), "externalId": format!("g{n}") })).await, 201);
        }
        for filter in [
            "userName eq \"P3\"", "externalId EQ \"x3\"", "emails.value eq \"p3@Example.test\"", "displayName eq \"person 3\"",
            "userName eq \"p3\" and externalId eq \"x3\"",
        ] {
            let found = directory.found("/Users", filter).await;
            assert_eq!((&found["totalResults"], &found["Resources"][0]["userName"]), (&json!(1), &json!("p3")), "{filter}");
            let own = id(&found["Resources"][0]);
            assert_eq!(directory.found("/Users", &format!("id eq \"{own}\"")).await["totalResults"], 1);
        }
        for filter in ["userName eq \"p3\" and externalId eq \"x4\"", "id eq \"a\" and id eq \"b\"", "externalId eq \"X3\"", "displayName eq \"%\""] {
            assert_eq!(directory.found("/Users", filter).await["totalResults"], 0, "{filter}");
        }
        for filter in ["displayName eq \"G2\"", "externalId eq \"g2\""] {
            assert_eq!(directory.found("/Groups", filter).await["Resources"][0]["displayName"], "G2", "{filter}");
        }
        let deep = format!("{}userName eq \"a\"{}", "(".repeat(500), ")".repeat(500));
        for filter in ["userName co \"p\"", "title eq \"x\"", "active eq true", "userName eq", "a or b", &deep] {
            for folder in ["/Users", "/Groups"] {
                let request = directory.request(Method::GET, folder).query(&[("filter", filter)]);
                refused(sent(request).await, 400, "invalidFilter");
            }
        }
        // Pages: six people with the owner.
        let page = is(directory.get("/Users?startIndex=5&count=4").await, 200).json();
        assert_eq!((&page["totalResults"], &page["itemsPerPage"], &page["startIndex"]), (&json!(6), &json!(2), &json!(5)));
        for (query, items) in [("count=0", 0), ("count=-3", 0), ("count=9999", 6), ("startIndex=-1", 6), ("startIndex=9999999999999", 0)] {
            let page = is(directory.get(&format!("/Users?{query}")).await, 200).json();
            assert_eq!((&page["totalResults"], &page["itemsPerPage"]), (&json!(6), &json!(items)), "{query}");
        }
        let few = is(directory.get("/Users?attributes=userName&aadOptscim062020").await, 200).json();
        assert_eq!(few["Resources"][0].as_object().unwrap().len(), 3, "schemas, id and userName");
        let less = is(directory.get("/Groups?excludedAttributes=members").await, 200).json();
        assert_eq!(less["Resources"][0]["members"], Value::Null);
        for query in ["count=x", "startIndex=1&startIndex=2"] {
            refused(directory.get(&format!("/Users?{query}")).await, 400, "invalidValue");
        }
    }

    async fn a_change_says_what_it_was_made_from(world: World) {
        let directory = Directory::new(&world);
        let made = is(directory.post("/Users", &json!({ "userName": "x" })).await, 201);
        let (address, tag) = (format!("/Users/{}", id(&made.json())), header(&made, "etag"));
        let schema = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
        let change = |name: &str| json!({ "schemas": [schema], "Operations": [{ "op": "add", "path": "displayName", "value": name }] });
        let patch = async |name: &str, tag: &str| {
            let request = directory.request(Method::PATCH, &address).header("if-match", tag);
            sent(request.json(&change(name))).await
        };
        let newer = header(&is(patch("One", &tag).await, 200), "etag");
        is(patch("Two", &tag).await, 412);
        is(patch("Three", &newer).await, 200);
        is(patch("Four", "*").await, 200);
        is(patch("Five", "nonsense").await, 400);
        let request = directory.request(Method::DELETE, &address).header("if-match", &tag);
        is(sent(request).await, 412);
        assert_eq!(is(directory.get(&address).await, 200).json()["displayName"], "Four");
    }

    /// However near to each other they come: it is looked at once more inside the transaction.
    async fn of_two_changes_made_from_the_same_one_counts(world: World) {
        let directory = Directory::new(&world);
        let operation = |operation: Value| {
            let schema = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
            json!({ "schemas": [schema], "Operations": [operation] })
        };
        let join_group = |who: &str| operation(json!({ "op": "add", "path": "members", "value": [{ "value": who }] }));
        for round in 0..4 {
            let mut people = Vec::new();
            for n in 0..4 {
                let made = directory.post("/Users", &json!({ "userName": format!("p-{round}-{n}") })).await;
                people.push(id(&is(made, 201).json()));
            }
            let made = is(directory.post("/Groups", &json!({ "displayName": format!("g-{round}") })).await, 201);
            let (group, tag) = (format!("/Groups/{}", id(&made.json())), header(&made, "etag"));
            let [one, two, three] = [&people[0], &people[1], &people[2]].map(|who| join_group(who.as_str()));
            let one = made_from(&directory, &group, &tag, Some(&one));
            let (one, two) = join(one, made_from(&directory, &group, &tag, Some(&two))).await;
            assert!(matches!((one, two), (200, 412) | (412, 200)), "{one} {two}");
            let shown = is(directory.get(&group).await, 200);
            assert_eq!(shown.json()["members"].as_array().map(Vec::len), Some(1), "{shown:?}");
            // A change and a deletion, of a group and of a person.
            let tag = header(&shown, "etag");
            let changed = made_from(&directory, &group, &tag, Some(&three));
            let outcome = join(changed, made_from(&directory, &group, &tag, None)).await;
            assert!(matches!(outcome, (200, 412) | (404 | 412, 204)), "{outcome:?}");
            let person = format!("/Users/{}", people[3]);
            let tag = header(&is(directory.get(&person).await, 200), "etag");
            let renamed = operation(json!({ "op": "replace", "path": "displayName", "value": "New" }));
            let changed = made_from(&directory, &person, &tag, Some(&renamed));
            let outcome = join(changed, made_from(&directory, &person, &tag, None)).await;
            assert!(matches!(outcome, (200, 412) | (404 | 412, 204)), "{outcome:?}");
        }
    }

    async fn the_same_sent_again_changes_nothing(world: World) {
        let directory = Directory::new(&world);
        let person = json!({
            "userName": " Ada ", "displayName": "Ada L. ", "locale": " en-GB",
            "name": { "givenName": "Ada ", "familyName": " " }, "emails": [{ "value": "Ada@Example.test " }],
        });
        let made = is(directory.post("/Users", &person).await, 201).json();
        let user = format!("/Users/{}", id(&made));
        for _ in 0..2 {
            let put = is(directory.put(&user, &person).await, 200).json();
            assert_eq!(put["name"]["givenName"], "Ada");
        }
        assert_eq!(events(&world, "user.updated").await, 0);
    }

    async fn hostile_input_is_refused_with_words(world: World) {
        let directory = Directory::new(&world);
        let made = is(directory.post("/Users", &json!({ "userName": "x" })).await, 201).json();
        let user = format!("/Users/{}", id(&made));
        let raw = async |method: Method, address: &str, kind: &str, body: String| {
            let request = directory.request(method, address).header("content-type", kind);
            sent(request.body(body)).await
        };
        let json_type = "application/scim+json";
        is(raw(Method::POST, "/Users", "text/plain", "{}".to_owned()).await, 415);
        is(raw(Method::POST, "/Users", json_type, format!("{{\"userName\":\"{}\"}}", "x".repeat(70_000))).await, 413);
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(5_000), "]".repeat(5_000));
        for bad in ["", "{", "null", "[]", "7", &deep, "{\"userName\":\"a\",\"userName\":\"b\"}"] {
            refused(raw(Method::POST, "/Users", json_type, bad.to_owned()).await, 400, "invalidSyntax");
        }
        for bad in [
            json!({}), json!({ "userName": 7 }), json!({ "userName": "" }), json!({ "userName": "a b" }), json!({ "userName": "a\u{0}" }),
            json!({ "userName": "y", "emails": 7 }), json!({ "userName": "y", "emails": [7] }), json!({ "userName": "y", "active": [] , "name": [7] }),
            json!({ "userName": "y", "externalId": "x".repeat(300) }), json!({ "userName": "y", "password": "x" }),
            json!({ "userName": "y", "emails": [{ "value": "none" }] }), json!({ "userName": "y", "locale": "\u{202e}" }),
            json!({ "userName": "y", "schemas": ["none"] }), json!({ "userName": "y", "schemas": 7 }),
        ] {
            refused(directory.post("/Users", &bad).await, 400, "invalidValue");
        }
        for bad in [json!([]), json!([7]), json!([{ "op": "x" }]), json!({ "op": "add" }), json!(null)] {
            refused(directory.patch(&user, &bad).await, 400, "invalidSyntax");
        }
        for bad in ["[", "a[", "emails[", "members[value gt 1]", &"[".repeat(3_000)] {
            let answer = directory.patch(&user, &json!([{ "op": "add", "path": bad, "value": "x" }])).await;
            assert!(is(answer, 400).json()["scimType"].is_string(), "{bad}");
        }
        for bad in [json!({ "displayName": 7 }), json!({ "displayName": "g", "members": [{ "value": "nobody" }] }), json!({ "displayName": "\u{7}" })] {
            refused(directory.post("/Groups", &bad).await, 400, "invalidValue");
        }
        for path in ["/Users/%00", "/Users/%ff", "/Users/nobody", "/Groups/nobody", "/nowhere", "/Bulk", "/Schemas/none", "/Users/a/b"] {
            is(directory.get(path).await, 404);
        }
        assert!(header(&is(directory.delete("/Users").await, 405), "allow").contains("POST"));
        for path in ["/ServiceProviderConfig", "/ResourceTypes", "/ResourceTypes/User", "/Schemas"] {
            let open = sent(http_client().get(format!("{}{path}", directory.base))).await;
            is(open, 200);
        }
        assert_eq!(count(&world, "select count(*) from users where username = 'y'").await, 0);
    }

    async fn a_change_leaves_the_events_of_the_rest_api(world: World) {
        let directory = Directory::new(&world);
        let made = is(directory.post("/Users", &json!({ "userName": "x" })).await, 201).json();
        let user = format!("/Users/{}", id(&made));
        let group = is(directory.post("/Groups", &json!({ "displayName": "g" })).await, 201).json();
        let group = format!("/Groups/{}", id(&group));
        let member = json!([{ "value": id(&made) }]);
        is(directory.patch(&user, &json!([{ "op": "replace", "path": "displayName", "value": "X" }])).await, 200);
        is(directory.patch(&user, &json!([{ "op": "replace", "path": "displayName", "value": "X" }])).await, 200);
        is(directory.patch(&user, &json!([{ "op": "replace", "path": "active", "value": false }])).await, 200);
        is(directory.patch(&user, &json!([{ "op": "replace", "path": "active", "value": true }])).await, 200);
        is(directory.patch(&group, &json!([{ "op": "add", "path": "members", "value": member }])).await, 200);
        is(directory.patch(&group, &json!([{ "op": "remove", "path": "members", "value": member }])).await, 200);
        is(directory.patch(&group, &json!([{ "op": "replace", "path": "displayName", "value": "h" }])).await, 200);
        is(directory.delete(&group).await, 204);
        is(directory.delete(&user).await, 204);
        // One of each, though one change was sent twice; the owner was created, too.
        for (kind, often) in [
            ("user.created", 2), ("user.updated", 1), ("user.disabled", 1), ("user.enabled", 1), ("user.deleted", 1),
            ("group.created", 1), ("group.member_added", 1), ("group.member_removed", 1), ("group.updated", 1), ("group.deleted", 1),
        ] {
            wait_until_async("the events", PATIENCE, async || events(&world, kind).await == often).await;
        }
    }
}
