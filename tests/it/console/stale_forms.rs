//! Forms that come too late: somebody else has changed the same since they were opened. Nothing is saved,
//! what was typed stays, and whoever has looked saves once more.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::api::{Api, all_scopes, is, sent, tag};
use crate::kit::console::{Admin, admin, create, enter, group_path, issuer_fields, manager};
use crate::kit::flow::App;
use crate::kit::hooks::{self, Hook};
use crate::support::world::World;

/// The world's owner in the console, and another one with a program.
async fn two_owners(world: &World) -> (Admin, Api) {
    create(world, "boss", Some("owner"));
    (admin(world, "owner").await, Api::with_key(world, "boss", &all_scopes()))
}

/// A form, and a change of the same thing by somebody else.
struct Case<'a> {
    /// Where the form is in the console.
    page: &'a str,
    form: &'a str,
    /// The field that is typed into, and what.
    typed: (&'a str, &'a str),
    /// Where the REST API has it, and what is changed there.
    place: &'a str,
    change: Value,
    /// What the page says is stored now.
    told: &'a str,
}

impl Case<'_> {
    /// The form comes after the change: once as it was, once without what it was made from. In the end it
    /// is saved from a page that was opened after the change, whose address is given back.
    async fn plays(&self, owner: &Admin, api: &Api) -> String {
        let (field, typed) = self.typed;
        let late = owner.page(self.page).await.form(self.form).set(field, typed);
        let changed = is(api.patch_now(self.place, &self.change).await, 200).json();
        for form in [late.clone(), late.clone(), late.without("seen")] {
            let is_marked = form.value("seen").is_some();
            let refused = form.submit().await;
            refused.assert_status(422).assert_page_headers();
            let said = refused.text();
            let reason = "was changed meanwhile by boss. Nothing is saved yet.";
            assert_eq!(said.contains(reason), is_marked, "{said}");
            assert!(said.contains("save once more") && said.contains(self.told), "{said}");
            assert_eq!(refused.form(self.form).value(field), Some(typed), "{}", self.page);
            for link in refused.attributes(".summary a", "href") {
                assert!(refused.has(&link), "{link} on {}", self.page);
            }
            assert_eq!(is(api.get(self.place).await, 200).json(), changed, "{}", self.page);
        }
        let fresh = owner.page(self.page).await.form(self.form);
        let saved = fresh.set(field, typed).submit().await;
        saved.assert_status(303);
        let to = saved.location();
        let to =
            [to.path(), &to.query().map(|query| format!("?{query}")).unwrap_or_default()].concat();
        assert_eq!(owner.page(&to).await.form(self.form).value(field), Some(typed));
        to
    }
}

/// Of several forms that are sent at once, one is saved: what they were made from is compared in the
/// transaction, too.
async fn one_of_many_is_saved(
    owner: &Admin,
    (page, form): (&str, &str),
    (field, typed): (&str, &str),
) {
    let form = owner.page(page).await.form(form);
    let forms = (1..=4).map(|n| form.clone().set(field, &format!("{typed}{n}")).submit());
    let mut answers: Vec<_> =
        join_all(forms).await.iter().map(|page| page.status.as_u16()).collect();
    answers.sort_unstable();
    assert_eq!(answers, [303, 422, 422, 422], "{page}");
}

on_both_backends! {
    async fn a_late_form_of_a_person_a_group_or_an_organisation_undoes_nothing(world: World) {
        let (owner, api) = two_owners(&world).await;
        let id = owner.add_person("grace").await;
        let (page, place) = (format!("/admin/users/{id}"), format!("/users/{id}"));
        let case = Case {
            page: &page, form: "user", typed: ("name", "Grace"), place: &place,
            change: json!({ "email": "new@example.test" }),
            told: "E-mail address: “new@example.test” is stored now.",
        };
        case.plays(&owner, &api).await;
        assert_eq!(world.cli(&["user", "show", "grace"])["email"], "new@example.test");
        one_of_many_is_saved(&owner, (&page, "user"), ("name", "Grace ")).await;

        world.cli(&["group", "create", "crew"]);
        let case = Case {
            page: "/admin/groups/crew", form: "group", typed: ("name", "deck"), place: "/groups/crew",
            change: json!({ "description": "Sails." }), told: "What it is for: “Sails.” is stored now.",
        };
        let page = case.plays(&owner, &api).await;
        assert_eq!(page, group_path("deck"));
        assert_eq!(is(api.get("/groups/deck").await, 200).json()["description"], "Sails.");
        one_of_many_is_saved(&owner, (&page, "group"), ("description", "Sails ")).await;

        let made = world.cli(&["organisation", "create", "acme"]);
        let id = made["id"].as_str().unwrap();
        let (page, place) = (format!("/admin/organisations/{id}"), format!("/organisations/{id}"));
        let case = Case {
            page: &page, form: "organisation", typed: ("name", "birch"), place: &place,
            change: json!({ "display_name": "Acme & Sons" }),
            told: "What it is called: “Acme & Sons” is stored now.",
        };
        case.plays(&owner, &api).await;
        assert_eq!(is(api.get(&place).await, 200).json()["display_name"], "Acme & Sons");
        one_of_many_is_saved(&owner, (&page, "organisation"), ("display_name", "Birch ")).await;
    }

    async fn a_late_form_of_an_app_does_not_open_it_to_everyone(world: World) {
        let (owner, api) = two_owners(&world).await;
        world.cli(&["group", "create", "staff"]);
        let (id, _) = owner.add_app("Wiki").await;
        let (page, place) = (format!("/admin/clients/{id}"), format!("/clients/{id}"));
        let allowed = async || is(api.get(&place).await, 200).json()["metadata"]["allowed_groups"].clone();
        let late = owner.page(&page).await.form("client").set("name", "Late");
        let case = Case {
            page: &page, form: "client", typed: ("name", "Wiki 2"), place: &place,
            change: json!({ "metadata": { "allowed_groups": ["staff"] } }),
            told: "Who may use it: “staff” is stored now.",
        };
        case.plays(&owner, &api).await;
        assert_eq!(allowed().await, json!(["staff"]));
        one_of_many_is_saved(&owner, (&page, "client"), ("name", "Wiki no. ")).await;
        assert_eq!(allowed().await, json!(["staff"]));
        // What is not in the form is nobody's business here.
        let open = owner.page(&page).await.form("client").set("name", "Wiki 3");
        let age = json!({ "metadata": { "default_max_age": 600 } });
        is(api.patch_now(&place, &age).await, 200);
        open.submit().await.assert_status(303);
        let now = is(api.get(&place).await, 200).json();
        assert_eq!(now["metadata"]["default_max_age"], 600);
        // Who has been told what is stored, and saves the page that came back, means it.
        let refused = late.submit().await;
        refused.assert_status(422);
        refused.form("client").submit().await.assert_status(303);
        assert_eq!(allowed().await, Value::Null);
    }

    async fn a_late_form_of_a_webhook_or_an_issuer_undoes_nothing(backend: Backend) {
        let world = hooks::world(backend).await;
        let (owner, api) = two_owners(&world).await;
        let hook = Hook::add(&world, &["user.*"]);
        let (page, place) = (format!("/admin/webhooks/{}", hook.id), format!("/webhooks/{}", hook.id));
        let case = Case {
            page: &page, form: "webhook-form", typed: ("name", "Chat"), place: &place,
            change: json!({ "events": ["group.*"] }), told: "Events: “group.*” is stored now.",
        };
        case.plays(&owner, &api).await;
        assert_eq!(is(api.get(&place).await, 200).json()["events"], json!(["group.*"]));
        one_of_many_is_saved(&owner, (&page, "webhook-form"), ("name", "Chat ")).await;

        let (client, _) = owner.add_app("Backup").await;
        let fields = issuer_fields(&client, 1);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        owner.post("/admin/issuers", &fields).await.assert_status(303);
        let (page, place) = ("/admin/issuers/issuer-1", "/issuers/issuer-1");
        let case = Case {
            page, form: "issuer-form", typed: ("max_lifetime", "600"), place,
            change: json!({ "audience": ["cluster"] }), told: "Further audiences: “cluster” is stored now.",
        };
        case.plays(&owner, &api).await;
        assert_eq!(is(api.get(place).await, 200).json()["audience"], json!(["cluster"]));
        one_of_many_is_saved(&owner, (page, "issuer-form"), ("max_lifetime", "60")).await;
    }

    async fn a_late_form_of_a_role_or_a_provider_undoes_nothing(world: World) {
        let (owner, api) = two_owners(&world).await;
        for app in ["Wiki", "Shop"] {
            App::register(&world, app, &[]);
            world.cli(&["role", "create", app, "writer", "--description", "Writes."]);
        }
        let (page, place) = ("/admin/clients/Wiki/roles?role=writer", "/clients/Wiki/roles/writer");
        let case = Case {
            page, form: "describe", typed: ("description", "Reads and writes."), place,
            change: json!({ "description": "Deletes." }),
            told: "What it allows: “Deletes.” is stored now.",
        };
        assert_eq!(case.plays(&owner, &api).await, page);
        one_of_many_is_saved(&owner, (page, "describe"), ("description", "Writes ")).await;
        // A role of this name in another app is another one.
        let late = owner.page(page).await.form("describe").set("description", "Late.");
        is(api.patch_now("/clients/Shop/roles/writer", &json!({ "description": "Sells." })).await, 200);
        late.submit().await.assert_status(303);

        let provider = [
            "upstream", "create", "--slug", "school", "--name", "School", "--issuer", "https://id.school.test",
            "--client-id", "doorward", "--secret-file", "-",
        ];
        let made = world.cli_with_input(&provider, "a secret of the provider");
        let page = format!("/admin/upstream/{}", made["id"].as_str().expect("an id"));
        let place = "/upstream-providers/school";
        let case = Case {
            page: &page, form: "upstream-form", typed: ("display_name", "Orchard School"), place,
            change: json!({ "client_id": "another" }), told: "Client id: “another” is stored now.",
        };
        case.plays(&owner, &api).await;
        let now = is(api.get(place).await, 200).json();
        assert_eq!((&now["client_id"], &now["display_name"]), (&json!("another"), &json!("Orchard School")));
        one_of_many_is_saved(&owner, (&page, "upstream-form"), ("display_name", "School ")).await;
        // Another secret is no other state of what the form shows.
        let late = owner.page(&page).await.form("upstream-form").set("display_name", "School");
        world.cli_with_input(&["upstream", "update", "school", "--secret-file", "-"], "another secret");
        late.submit().await.assert_status(303);
    }

    async fn who_may_not_read_the_audit_log_is_not_told_who_it_was(world: World) {
        let (owner, api) = two_owners(&world).await;
        let helper = manager(&world, &["crew"]).await;
        let id = owner.add_person("grace").await;
        world.cli(&["group", "add-member", "crew", "grace"]);
        let late = helper.page(&format!("/admin/users/{id}")).await.form("user").set("name", "Grace");
        is(api.patch_now(&format!("/users/{id}"), &json!({ "email": "new@example.test" })).await, 200);
        let refused = late.submit().await;
        refused.assert_status(422);
        assert!(refused.text().contains("changed meanwhile. Nothing is saved yet."), "{}", refused.text());
        assert!(!refused.body.contains("boss"), "{}", refused.body);
        refused.form("user").set("email", "new@example.test").submit().await.assert_status(303);
    }

    async fn a_late_form_of_settings_names_the_setting_and_the_person(world: World) {
        let (owner, api) = two_owners(&world).await;
        let late = owner.page("/admin/settings").await.form("settings-general");
        let before = tag(&is(api.get("/settings/product_name").await, 200));
        let change = api.request(Method::PUT, "/settings/product_name").header("if-match", before);
        is(sent(change.json(&json!({ "value": "Orchard" }))).await, 200);
        let refused = late.set("product_name", "Harbour").submit().await;
        refused.assert_status(422);
        let said = refused.texts(".summary").join(" ");
        assert!(said.contains("Product name was changed meanwhile by boss. Look at it"), "{said}");
        let main = refused.texts("main").join(" ");
        assert!(main.contains("by boss") && !main.contains("user:"), "{main}");
        // Somebody who is not there any more is still told apart.
        world.cli(&["--yes", "user", "delete", "boss"]);
        let again = enter(&world, "the-owner").await.page("/admin/settings").await;
        assert!(again.texts("main").join(" ").contains("by user:"), "{}", again.text());
    }
}
