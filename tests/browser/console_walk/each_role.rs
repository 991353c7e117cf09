//! Every list and form of the console as each kind of administrator sees it, and as somebody does to whom
//! it is closed.

use doorward::http::console::addresses;
use doorward::protocol::rights::{Reach, Role, TABLE};

use super::{Look, Owner};
use crate::driver::{Browser, Scheme, Script, Viewport};
use crate::fixtures::Person;

/// What each page says to somebody whose role does not allow it.
const CLOSED: &str = "Your role in the console does not allow this";

/// Pages that are there without anything having been made, apart from files.
fn pages() -> impl Iterator<Item = (&'static str, &'static str)> {
    addresses()
        .filter(|(method, path, _)| *method == "GET" && !path.contains("{id}"))
        .filter(|(_, path, _)| !path.ends_with("/export") && *path != "/admin/keys/retire")
        .map(|(_, path, right)| (path, right))
}

fn is_open(right: &str, role: Role) -> bool {
    let row = TABLE.iter().find(|(_, name, _)| *name == right);
    row.is_some_and(|(right, ..)| right.reach(role) != Reach::Nothing)
}

async fn leave(owner: &Owner) {
    owner.goes_to("/admin").await;
    owner.browser.click_text("Sign out").await;
    owner.browser.wait_for_text("You are signed out").await;
}

#[tokio::test]
async fn each_role_sees_its_own_pages_and_no_others() {
    let browser = Browser::new(Viewport::Desktop, Scheme::Light, Script::On).await;
    let owner = Owner::enters(browser, Look::AsItIs).await;
    Person("olga").has_role(&owner.world, "operator");
    Person("arno").has_role(&owner.world, "auditor");
    Person("mona").exists(&owner.world);
    Person("paul").exists(&owner.world);
    owner.world.cli(&["group", "create", "crew"]);
    owner.world.cli(&["group", "add-manager", "crew", "mona"]);
    for (name, role) in
        [("olga", Role::Operator), ("arno", Role::Auditor), ("mona", Role::GroupManager)]
    {
        leave(&owner).await;
        owner.goes_to("/login?next=admin").await;
        Person(name).sign_in(&owner.browser).await;
        owner.browser.wait_for_text("Sign out").await;
        for (path, right) in pages() {
            owner.goes_to(path).await;
            if is_open(right, role) {
                owner.browser.find("nav.sections a[aria-current]").await;
                let text = owner.browser.text().await;
                assert!(!text.contains(CLOSED), "{name}: {path}: {text}");
            } else {
                owner.browser.wait_for_text(CLOSED).await;
            }
            let page = path.trim_start_matches("/admin").trim_start_matches('/').replace('/', "-");
            owner.sees(&format!("{}-{page}", role.as_str())).await;
        }
    }
    leave(&owner).await;
    owner.goes_to("/login?next=admin").await;
    Person("paul").sign_in(&owner.browser).await;
    owner.browser.wait_for_text("The console is for people who look after this service").await;
    owner.sees("nobody").await;
    owner.leaves().await;
}
