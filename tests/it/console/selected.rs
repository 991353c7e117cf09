//! One change for several people, and taking a change back by the message that tells of it.

use crate::kit::audit::logged;
use crate::kit::console::{
    Admin, admin, can_sign_in, create, enter, group_path, manager, post, state,
};
use crate::kit::flow::{PASSWORD, is_signed_in, sign_in};
use crate::support::browser_like::Page;
use crate::support::world::World;

const PATH: &str = "/admin/users/selected";

fn id_of(world: &World, name: &str) -> String {
    world.cli(&["user", "show", name])["id"].as_str().expect("an id").to_owned()
}

fn state_of(world: &World, name: &str) -> String {
    world.cli(&["user", "show", name])["state"].as_str().expect("a state").to_owned()
}

fn address(step: &str, group: &str, ids: &[String]) -> String {
    let who: Vec<_> = ids.iter().map(|id| format!("&who={id}")).collect();
    format!("{PATH}?do={step}&group={group}{}", who.concat())
}

/// Path and query that an answer leads to.
fn address_of(answer: &Page) -> String {
    let to = answer.assert_status(303).location();
    let query = to.query().map(|query| format!("?{query}"));
    format!("{}{}", to.path(), query.unwrap_or_default())
}

/// Asks, and does what the page says.
async fn go(admin: &Admin, step: &str, group: &str, ids: &[String]) -> Page {
    let question = admin.page(&address(step, group, ids)).await;
    question.form_to(PATH).submit().await
}

on_both_backends! {
    async fn several_people_are_changed_at_once_and_each_is_an_event(world: World) {
        let owner = admin(&world, "owner").await;
        let ids: Vec<_> = ["ada", "bob", "carol"].map(|name| create(&world, name, None)).into();
        world.cli(&["group", "create", "crew"]);
        let browser = sign_in(&world, "ada").await;
        // By the form of the list, with a box for each.
        let list = owner.page("/admin/users?q=").await;
        assert_eq!(list.attributes("input[name=who]", "value").len(), 4);
        let before = state(&world).await;
        let question = owner.page(&address("disable", "", &ids)).await;
        let text = question.text();
        assert!(text.contains("Disable 3 people?"), "{}", question.describe());
        for word in ["ada, bob, carol", "This ends 1 session.", "Nothing is deleted."] {
            assert!(text.contains(word), "{word}: {}", question.describe());
        }
        assert_eq!(state(&world).await, before, "asking changes nothing");
        let done = question.form_to(PATH).submit().await;
        let message = owner.message_after(&done).await;
        assert_eq!(message, "3 people are disabled and signed out everywhere.");
        assert!(!is_signed_in(&browser).await);
        assert!(!can_sign_in(&world, "bob", PASSWORD).await);
        assert_eq!(logged(&world, "user.disabled").len(), 3);
        // The same again finds nothing to do.
        let again = owner.browser.get(&address("disable", "", &ids)).await;
        assert!(owner.message_after(&again).await.contains("ada (is disabled already)"));

        let done = go(&owner, "enable", "", &ids[..1]).await;
        assert_eq!(owner.message_after(&done).await, "1 person can sign in again.");
        assert!(can_sign_in(&world, "ada", PASSWORD).await);
        let done = go(&owner, "join", "crew", &ids).await;
        assert_eq!(owner.message_after(&done).await, "3 people are in crew now.");
        assert_eq!(world.cli(&["group", "show", "crew"])["members"], 3);
        let done = go(&owner, "leave", "crew", &ids[1..]).await;
        assert_eq!(owner.message_after(&done).await, "2 people are in crew no more.");
        let browser = sign_in(&world, "ada").await;
        let done = go(&owner, "sign-out", "", &ids[..1]).await;
        assert_eq!(owner.message_after(&done).await, "1 person is signed out everywhere.");
        assert!(!is_signed_in(&browser).await);
    }

    async fn the_list_comes_back_as_it_was_left(world: World) {
        let owner = admin(&world, "owner").await;
        let ids: Vec<_> = ["ada", "bob", "carol"].map(|name| create(&world, name, None)).into();
        let place = "/admin/users?role=&state=active&sort=-name&rows=50&after=carol";
        let left = "/admin/users?state=active&sort=-name&rows=50&after=carol";
        let list = owner.page(place).await;
        assert_eq!(list.texts("tbody th"), ["bob", "ada"]);
        let question = list.form("selected").check("who", &ids[1]).set("do", "disable").submit().await;
        let cancel = question.attributes("#confirm a.button", "href");
        assert_eq!(cancel, [left], "{}", question.describe());
        let done = question.form_to(PATH).submit().await;
        assert_eq!(address_of(&done), left);
        let list = done.follow().await;
        assert_eq!(list.texts("tbody th"), ["ada"]);
        // The page is there, too, when nobody is left on it.
        let question = list.form("selected").check("who", &ids[0]).set("do", "disable").submit().await;
        let empty = question.form_to(PATH).submit().await.follow().await;
        assert!(empty.text().contains("There is nobody on this page any more."), "{}", empty.describe());
        let first = "/admin/users?state=active&sort=-name&rows=50";
        assert!(empty.attributes(".empty a", "href").contains(&first.to_owned()), "{}", empty.describe());
        // Whatever else is answered leads to the same place.
        let undone = empty.form("undo").submit().await;
        assert_eq!(address_of(&undone), left);
        let nobody = undone.follow().await.form("selected").submit().await;
        assert_eq!(address_of(&nobody), left);
        let nothing = owner.browser.get(&address("enable", "&q=a&of_role=owner&rows=100", &ids[..1])).await;
        assert_eq!(address_of(&nothing), "/admin/users?q=a&role=owner&rows=100");
        // What the list does not know is left out.
        let odd = owner.browser.get(&format!("{PATH}?do=disable&sort=evil&rows=7&after=")).await;
        assert_eq!(address_of(&odd), "/admin/users");
    }

    async fn one_box_chooses_a_whole_page_where_a_script_shows_it(world: World) {
        let owner = admin(&world, "owner").await;
        let list = owner.page("/admin/users").await;
        assert!(list.has("form#selected [data-choose=who][hidden] input#choose-all:not([name])"));
        let loads = |page: &Page| page.body.contains("/static/choose-all.");
        assert!(loads(&list), "{}", list.describe());
        assert!(!loads(&admin(&world, "auditor").await.page("/admin/users").await), "nothing to choose");
    }

    async fn whoever_it_does_not_work_for_is_told_by_name(world: World) {
        let owner = admin(&world, "owner").await;
        let operator = admin(&world, "operator").await;
        let ada = create(&world, "ada", None);
        let (own, theirs) = (id_of(&world, "the-operator"), id_of(&world, "the-owner"));
        let ids = [ada.clone(), own, theirs, "nobody".to_owned()];
        let question = operator.page(&address("disable", "", &ids)).await;
        let text = question.text();
        assert!(text.contains("Disable 1 person?"), "{}", question.describe());
        assert!(text.contains("the-owner (your role does not allow this)"), "{text}");
        assert!(text.contains("an account that is not there any more"), "{text}");
        // What the question leaves out is refused all the same.
        let mut fields = vec![("do", "disable")];
        fields.extend(ids.iter().map(|id| ("who", id.as_str())));
        let outcome = operator.post(PATH, &fields).await;
        outcome.assert_status(200);
        assert_eq!(outcome.texts(".flash"), ["1 person is disabled and signed out everywhere."]);
        let failed = outcome.texts("main li").join("; ");
        assert!(failed.contains("the-owner (your role does not allow this)"), "{failed}");
        assert_eq!([state_of(&world, "ada"), state_of(&world, "the-owner")], ["disabled", "enabled"]);
        assert_eq!(logged(&world, "console.refused").len(), 1);
        // Owners may disable each other, but not the last, and nobody themselves on the way.
        let question = owner.browser.get(&address("disable", "", &[id_of(&world, "the-owner")])).await;
        assert!(owner.message_after(&question).await.contains("this is you"));
        create(&world, "second-owner", Some("owner"));
        let second = enter(&world, "second-owner").await;
        let both = [id_of(&world, "the-owner"), id_of(&world, "the-operator")];
        let done = go(&second, "disable", "", &both).await;
        assert_eq!(second.message_after(&done).await, "2 people are disabled and signed out everywhere.");
    }

    async fn group_managers_change_their_own_people_alone(world: World) {
        let keeper = manager(&world, &["crew"]).await;
        let (ada, bob) = (create(&world, "ada", None), create(&world, "bob", None));
        world.cli(&["group", "add-member", "crew", "ada"]);
        world.cli(&["group", "create", "board"]);
        let outcome = keeper.post(PATH, &[("do", "disable"), ("who", &ada), ("who", &bob)]).await;
        outcome.assert_status(200);
        assert!(!outcome.text().contains("bob"), "whom they do not see is not there");
        assert_eq!([state_of(&world, "ada"), state_of(&world, "bob")], ["disabled", "enabled"]);
        let refused = keeper.post(PATH, &[("do", "join"), ("group", "board"), ("who", &ada)]).await;
        assert_eq!(keeper.message_after(&refused).await, "There is no group of this name.");
        assert_eq!(world.cli(&["group", "show", "board"])["members"], 0);
    }

    async fn a_group_that_is_not_there_is_asked_about_before_it_is_made(world: World) {
        let owner = admin(&world, "owner").await;
        let ids: Vec<_> = ["ada", "bob"].map(|name| create(&world, name, None)).into();
        world.cli(&["group", "create", "staff"]);
        let before = state(&world).await;
        let question = owner.page(&address("join", "staf", &ids)).await;
        let told = "There is no group “staf” yet. Did you mean “staff”? It is made now, with these people in it.";
        assert!(question.text().contains(told), "{}", question.describe());
        let unasked = owner.post(PATH, &[("do", "join"), ("group", "staf"), ("who", &ids[0])]).await;
        let message = owner.message_after(&unasked).await;
        assert_eq!(message, "There is no group “staf” yet. Did you mean “staff”?");
        assert_eq!(state(&world).await, before);
        let done = question.form_to(PATH).submit().await;
        assert_eq!(owner.message_after(&done).await, "2 people are in staf now.");
        assert_eq!(world.cli(&["group", "show", "staf"])["members"], 2);
        assert_eq!((logged(&world, "group.created").len(), logged(&world, "group.member_added").len()), (2, 2));
        // The form of one person asks in the same way.
        for path in [format!("/admin/users/{}", ids[0]), "/admin/users/new".to_owned()] {
            let page = owner.page(&path).await;
            assert!(!page.has("#make_groups"), "{}", page.describe());
            let form = page.form("user").set("groups", "staff\nboard");
            let form = if path.ends_with("new") { form.set("username", "carol") } else { form };
            let asked = form.submit().await;
            asked.assert_status(422);
            assert_eq!(asked.attributes(".summary a", "href"), ["#groups"], "{path}");
            assert!(asked.text().contains("There is no group “board” yet."), "{}", asked.describe());
            let other = asked.form("user").set("groups", "staff").submit().await;
            assert!(other.status.as_u16() < 400, "{}", other.describe());
        }
        let named = |world: &World| world.cli(&["group", "list"])["items"].as_array().map(Vec::len);
        assert_eq!(named(&world), Some(2));
        let form = owner.page(&format!("/admin/users/{}", ids[0])).await.form("user");
        let asked = form.set("groups", "board").submit().await;
        asked.form("user").check("make_groups", "on").submit().await.assert_status(303);
        assert_eq!(named(&world), Some(3));
        // A name that cannot be one is refused as before.
        let form = owner.page("/admin/users/new").await.form("user").set("username", "dave");
        let refused = form.set("groups", "..").submit().await;
        assert!(refused.text().contains("1 to 100 ordinary characters"), "{}", refused.describe());
    }

    async fn what_cannot_be_meant_is_said_and_changes_nothing(world: World) {
        let owner = admin(&world, "owner").await;
        let auditor = admin(&world, "auditor").await;
        let ada = create(&world, "ada", None);
        let before = state(&world).await;
        let many: Vec<_> = (0..101).map(|n| format!("person-{n}")).collect();
        for (address, words) in [
            (PATH.to_owned(), "Choose people"),
            (format!("{PATH}?do=delete&who={ada}"), "Choose people"),
            (format!("{PATH}?do=disable"), "at least one"),
            (address("disable", "", &many), "At most 100"),
            (address("join", "", std::slice::from_ref(&ada)), "which group"),
            (address("leave", "none", std::slice::from_ref(&ada)), "no group"),
            (address("join", "..", std::slice::from_ref(&ada)), "no group"),
        ] {
            let answer = owner.browser.get(&address).await;
            assert!(owner.message_after(&answer).await.contains(words), "{address}");
        }
        auditor.browser.get(&address("disable", "", std::slice::from_ref(&ada))).await.assert_status(403);
        auditor.post(PATH, &[("do", "disable"), ("who", &ada)]).await.assert_status(403);
        let forged = post(&owner.browser, PATH, &[("do", "disable"), ("who", &ada)]).await;
        forged.assert_status(403);
        assert_eq!(state(&world).await, before);
        assert!(!auditor.page("/admin/users").await.has("#selected"), "nothing to choose");
    }

    async fn a_message_takes_back_what_it_tells_of(world: World) {
        let owner = admin(&world, "owner").await;
        let ids: Vec<_> = ["ada", "bob"].map(|name| create(&world, name, None)).into();
        world.cli(&["group", "create", "crew"]);
        world.cli(&["group", "add-member", "crew", "ada"]);
        let (app, _) = owner.add_app("Wiki").await;
        // Somebody who was in it before stays in it.
        let done = go(&owner, "join", "crew", &ids).await;
        let told = done.follow().await;
        assert_eq!(told.texts(".flash"), ["1 person is in crew now."]);
        let undone = told.form("undo").submit().await;
        assert_eq!(owner.message_after(&undone).await, "1 person is in crew no more.");
        assert_eq!(world.cli(&["group", "show", "crew"])["members"], 1);

        let done = go(&owner, "disable", "", &ids).await;
        let undone = done.follow().await.form("undo").submit().await;
        assert_eq!(owner.message_after(&undone).await, "2 people can sign in again.");
        assert_eq!(state_of(&world, "bob"), "enabled");

        let member = format!("{}/remove-member", group_path("crew"));
        let out = owner.post(&member, &[("member", &ids[0])]).await.follow().await;
        assert_eq!(world.cli(&["group", "show", "crew"])["members"], 0);
        out.form("undo").submit().await.assert_status(303);
        assert_eq!(world.cli(&["group", "show", "crew"])["members"], 1);

        for path in [format!("/admin/users/{}", ids[0]), format!("/admin/clients/{app}")] {
            let off = owner.post(&format!("{path}/disable"), &[]).await.follow().await;
            let on = off.form("undo").submit().await;
            assert!(owner.message_after(&on).await.contains("sign in"), "{path}");
            assert!(!owner.page(&path).await.has("#undo"), "said once");
        }
        assert_eq!(state_of(&world, "ada"), "enabled");
    }
}
