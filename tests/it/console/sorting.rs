//! Lists in the order that somebody chooses: by the head of a column, with every filter kept, to the last
//! page.

use serde_json::json;

use crate::kit::console::{Admin, admin};
use crate::kit::flow::execute;

/// The names on every page of a list, from this address on.
async fn walk(owner: &Admin, first: &str, names: &str) -> Vec<String> {
    let (mut address, mut seen) = (first.to_owned(), Vec::new());
    for _ in 0..5 {
        let page = owner.page(&address).await;
        seen.extend(page.texts(names));
        let Some(next) = page.attributes("nav.pages a[rel=next]", "href").pop() else { break };
        let path = first.split('?').next().unwrap();
        address = format!("{path}{next}");
    }
    seen
}

on_both_backends! {
    async fn people_and_apps_come_in_the_order_that_was_chosen(world: World) {
        let owner = admin(&world, "owner").await;
        let people: Vec<_> =
            (1..=30).map(|number| json!({ "username": format!("p{number:02}") }).to_string()).collect();
        world.cli(&["user", "import", &world.write("people.ndjson", &people.join("\n"))]);
        for name in ["Zebra", "Apple"] {
            owner.add_app(name).await;
        }
        // The first of them was added last.
        execute(
            &world,
            "update users set created_at = created_at - cast(substr(username, 2) as bigint) \
             where username like 'p%'",
        )
        .await;
        execute(&world, "update clients set created_at = created_at - 60 where name_lower = 'apple'").await;
        let forwards: Vec<_> = (1..=30).map(|number| format!("p{number:02}")).collect();
        let backwards: Vec<_> = forwards.iter().rev().cloned().collect();
        let names = "tbody th[scope=row]";
        for (sort, expected) in [
            ("", &forwards), ("nonsense", &forwards), ("-name", &backwards), ("-added", &forwards),
            ("added", &backwards),
        ] {
            let seen = walk(&owner, &format!("/admin/users?q=p&sort={sort}"), names).await;
            assert_eq!(&seen, expected, "{sort}");
        }
        let apps = walk(&owner, "/admin/clients?sort=-added", names).await;
        assert_eq!(apps, ["Zebra", "Apple"]);
        assert_eq!(walk(&owner, "/admin/clients?sort=added", names).await, ["Apple", "Zebra"]);
        // A place of another order, or of none, begins the list.
        for place in ["p05", "x.y", "-1.p05", "99999999999999999999.p"] {
            let page = owner.page(&format!("/admin/users?q=p&sort=-added&after={place}")).await;
            page.assert_status(200);
        }
    }

    async fn the_head_of_a_column_says_how_it_is_sorted_and_keeps_the_filters(world: World) {
        let owner = admin(&world, "owner").await;
        let page = owner.page("/admin/users?q=the&rows=50").await;
        let heads = |page: &crate::support::browser_like::Page| {
            (page.attributes("th[aria-sort]", "aria-sort"), page.attributes("th[aria-sort] a", "href"))
        };
        let (sorted, links) = heads(&page);
        assert_eq!(sorted, ["ascending", "none"]);
        assert_eq!(links, ["?q=the&rows=50&sort=-name", "?q=the&rows=50&sort=-added"]);
        let newest = owner.page(&format!("/admin/users{}", links[1])).await;
        let (sorted, links) = heads(&newest);
        assert_eq!(sorted, ["none", "descending"]);
        assert_eq!(links, ["?q=the&rows=50", "?q=the&rows=50&sort=added"]);
        assert!(newest.text().contains("newest first"), "{}", newest.describe());
    }
}
