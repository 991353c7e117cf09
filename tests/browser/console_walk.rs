//! The console in a browser: an owner walks every page, with JavaScript and without.

mod api_keys;
mod apps;
mod connections;
mod documents;
mod downloads;
mod each_role;
mod groups;
mod imports;
mod issuers;
mod jobs;
mod letters;
mod memberships;
mod organisations;
mod people;
mod presses;
mod registration_tokens;
mod roles;
mod scripts;
mod secrets;
mod selected;
mod settings;
mod sign_outs;
mod temporary_password;
mod terms;
mod trial;
mod upstream;
mod webhooks;
mod without_scripts;

use std::path::Path;

use crate::driver::{Browser, Scheme, Script, Viewport};
use crate::fixtures::{App, PASSWORD, Person};
use crate::support::backends::Backend;
use crate::support::town::APPS_COME;
use crate::support::world::{World, WorldBuilder};

/// What a page holds whose only matter is a question.
const PAGE_THAT_ASKS: &str = "#confirm";

/// How a walk looks at the pages it comes by.
#[derive(Clone, Copy)]
enum Look {
    /// In every size and scheme.
    Everywhere,
    /// As it is, only this once.
    AsItIs,
}

/// An owner at the console.
struct Owner {
    world: World,
    browser: Browser,
    look: Look,
}

impl Owner {
    /// Signs in to the console of a Doorward that nobody used yet.
    async fn enters(browser: Browser, look: Look) -> Self {
        Self::enters_one(Self::patient(Backend::Embedded), browser, look).await
    }

    /// A Doorward on whose walks nobody is asked for the password again.
    fn patient(backend: Backend) -> WorldBuilder {
        let builder = World::builder(backend).env("DOORWARD_SESSION__ADMIN_STEP_UP", "7200");
        builder.env(APPS_COME.0, APPS_COME.1)
    }

    /// Starts a Doorward and signs in to its console.
    async fn enters_one(builder: WorldBuilder, browser: Browser, look: Look) -> Self {
        let world = builder.start().await;
        Person("ada").is_owner(&world);
        let owner = Self { world, browser, look };
        owner.goes_to("/admin").await;
        owner.browser.wait_for_address(&owner.world.url("/login?next=admin")).await;
        Person("ada").sign_in(&owner.browser).await;
        owner.is_at("/admin", "Get started").await;
        owner
    }

    async fn goes_to(&self, path: &str) {
        self.browser.open(&self.world.url(path)).await;
    }

    /// Waits for a page of the console.
    async fn is_at(&self, path: &str, text: &str) {
        self.browser.wait_for_address(&self.world.url(path)).await;
        self.browser.wait_for_text(text).await;
    }

    async fn sees(&self, name: &str) {
        let name = format!("console-{name}");
        match self.look {
            Look::Everywhere => self.browser.inspect(&name).await,
            Look::AsItIs => self.browser.inspect_this_look(&name).await,
        }
    }

    /// Follows a link that asks first, says yes, and waits for the answer.
    async fn confirms(&self, link: &str, name: &str, answer: &str) {
        self.browser.click_text(link).await;
        self.says_yes(self.question(), name, answer).await;
    }

    /// Where a link asks first: with JavaScript in a dialog over the page, without on a page.
    fn question(&self) -> &'static str {
        match self.browser.script() {
            Script::On => "dialog[open]",
            Script::Off => PAGE_THAT_ASKS,
        }
    }

    /// Says yes to the question that is asked there, and waits for the answer.
    async fn says_yes(&self, question: &str, name: &str, answer: &str) {
        self.browser.find(question).await;
        self.sees(name).await;
        self.browser.click(&format!("{question} button.danger")).await;
        self.browser.wait_for_text(answer).await;
    }

    /// Follows a link to the page that asks for a name to be typed: first with another one, then with it.
    async fn deletes_by_name(&self, named: &str, name: &str, answer: &str) {
        let browser = &self.browser;
        browser.click_text("Delete").await;
        browser.wait_for_text("It cannot be undone").await;
        self.sees(name).await;
        browser.fill("name", "something else").await;
        browser.click("form#delete button.danger").await;
        browser.wait_for_text(&format!("Type {named} to delete it.")).await;
        self.sees(&format!("{name}-error")).await;
        browser.fill("name", named).await;
        browser.click("form#delete button.danger").await;
        browser.wait_for_text(answer).await;
    }

    /// How many events of this kind were noted.
    fn noted(&self, kind: &str) -> usize {
        let listed = self.world.cli(&["audit", "list", "--kind", kind, "--limit", "1000"]);
        listed["items"].as_array().expect("events").len()
    }

    /// Chooses a file in a field.
    async fn chooses(&self, css: &str, file: &Path) {
        let field = self.browser.find(css).await;
        field.send_keys(file.display().to_string()).await.expect("choose a file");
    }

    async fn leaves(self) {
        self.browser.quit().await;
        self.world.assert_log_is_clean(&[PASSWORD]);
    }
}

#[tokio::test]
async fn an_owner_looks_after_people() {
    let browser = Browser::new(Viewport::Desktop, Scheme::Light, Script::On).await;
    let owner = Owner::enters(browser, Look::Everywhere).await;
    owner.sees("overview-new").await;
    owner.looks_after_people().await;
    owner.leaves().await;
}

#[tokio::test]
async fn an_owner_looks_after_groups_and_lets_somebody_look_after_one() {
    let browser = Browser::new(Viewport::Desktop, Scheme::Light, Script::On).await;
    let owner = Owner::enters(browser, Look::Everywhere).await;
    owner.looks_after_groups().await;
    owner.lets_a_group_manager_in().await;
    owner.leaves().await;
}

#[tokio::test]
async fn an_owner_looks_after_apps_keys_sessions_and_the_audit_list() {
    let browser = Browser::new(Viewport::Desktop, Scheme::Light, Script::On).await;
    let owner = Owner::enters(browser, Look::Everywhere).await;
    owner.looks_after_apps().await;
    owner.looks_after_keys().await;
    owner.looks_after_issuers().await;
    owner.looks_after_sessions().await;
    owner.looks_at_jobs_and_backups().await;
    owner.reads_the_audit_list().await;
    owner.leaves().await;
}

#[tokio::test]
async fn an_owner_looks_after_webhooks_and_api_keys() {
    let browser = Browser::new(Viewport::Desktop, Scheme::Light, Script::On).await;
    let owner = Owner::enters(browser, Look::Everywhere).await;
    owner.looks_after_webhooks().await;
    owner.looks_after_api_keys().await;
    owner.looks_after_registration_tokens().await;
    owner.leaves().await;
}

#[tokio::test]
async fn an_owner_does_all_of_it_without_javascript() {
    let browser = Browser::new(Viewport::Phone, Scheme::Dark, Script::Off).await;
    let owner = Owner::enters(browser, Look::AsItIs).await;
    owner.looks_after_groups().await;
    owner.looks_after_apps().await;
    owner.looks_after_keys().await;
    owner.looks_after_issuers().await;
    owner.looks_after_webhooks().await;
    owner.looks_after_api_keys().await;
    owner.looks_after_registration_tokens().await;
    owner.looks_after_sessions().await;
    owner.looks_at_jobs_and_backups().await;
    owner.reads_the_audit_list().await;
    owner.looks_after_people().await;
    owner.lets_a_group_manager_in().await;
    owner.leaves().await;
}

#[tokio::test]
async fn a_question_in_a_dialog_is_left_by_escape_and_by_cancel() {
    let browser = Browser::new(Viewport::Desktop, Scheme::Light, Script::On).await;
    let owner = Owner::enters(browser, Look::AsItIs).await;
    let browser = &owner.browser;
    Person("bob").exists(&owner.world);
    owner.goes_to("/admin/users").await;
    browser.click_text("bob").await;
    for _ in 0..2 {
        browser.click_text("Disable").await;
        browser.find("dialog[open]").await;
        let focused = browser.driver().active_element().await.unwrap();
        assert_eq!(focused.text().await.unwrap(), "Cancel", "the harmless answer has the focus");
        focused.send_keys(thirtyfour::Key::Escape).await.unwrap();
        browser.wait_until_gone("dialog").await;
        let focused = browser.driver().active_element().await.unwrap();
        assert_eq!(focused.text().await.unwrap(), "Disable", "the focus comes back");
    }
    browser.click_text("Disable").await;
    browser.find("dialog[open]").await;
    browser.click("dialog a.button").await;
    browser.wait_until_gone("dialog").await;
    assert!(owner.world.cli(&["user", "show", "bob"])["disabled_at"].is_null());
    owner.leaves().await;
}

#[tokio::test]
async fn a_key_leads_to_the_search_until_it_is_turned_off() {
    let browser = Browser::new(Viewport::Phone, Scheme::Light, Script::On).await;
    let owner = Owner::enters(browser, Look::AsItIs).await;
    let browser = &owner.browser;
    let presses = async |key: &str| {
        let focused = browser.driver().active_element().await.unwrap();
        focused.send_keys(key).await.unwrap();
        browser.driver().active_element().await.unwrap().attr("id").await.unwrap()
    };
    for (page, field) in [("users", "q"), ("groups", "q"), ("sessions", "user"), ("audit", "kind")]
    {
        owner.goes_to(&format!("/admin/{page}")).await;
        browser.wait_for_text("Turn it off").await;
        assert_eq!(presses("/").await.as_deref(), Some(field), "{page}");
        assert_eq!(browser.value(field).await.as_deref(), Some(""), "{page}");
        presses("a/b").await;
        assert_eq!(browser.value(field).await.as_deref(), Some("a/b"), "what is typed stays");
    }
    owner.sees("search-key").await;
    browser.click_text("Turn it off").await;
    browser.wait_for_text("Turn it on").await;
    owner.goes_to("/admin/users").await;
    browser.wait_for_text("Turn it on").await;
    assert_eq!(presses("/").await.as_deref().unwrap_or_default(), "");
    browser.click_text("Turn it on").await;
    assert_eq!(presses("/").await.as_deref(), Some("q"));
    owner.leaves().await;
}

impl Owner {
    async fn looks_after_keys(&self) {
        let browser = &self.browser;
        browser.click_text("Keys").await;
        self.is_at("/admin/keys", "Every key").await;
        self.sees("keys").await;
        browser.click_text("Rotate ES256").await;
        self.is_at("/admin/keys", "From now on a new key signs with ES256").await;
        self.sees("keys-rotated").await;
        self.confirms("Retire", "key-retire", "The key is retired").await;
    }

    async fn looks_at_jobs_and_backups(&self) {
        let browser = &self.browser;
        browser.click_text("Jobs").await;
        self.is_at("/admin/jobs", "Nothing waits").await;
        self.sees("jobs-empty").await;
        self.looks_at_settings().await;
        browser.click_text("Backup").await;
        self.is_at("/admin/backup", "No backup is known of").await;
        self.sees("backup").await;
        browser.click_text("Overview").await;
        self.is_at("/admin", "Sign-ins as a table").await;
        self.sees("overview").await;
        browser.click_text("A week, by six hours").await;
        self.is_at("/admin?span=week", "Sign-ins as a table").await;
    }

    async fn looks_after_sessions(&self) {
        let browser = &self.browser;
        Person("carol").exists(&self.world);
        let elsewhere = self.world.browser();
        let form = elsewhere.get("/login").await.form("sign-in");
        let form = form.set("username", "carol").set("password", PASSWORD);
        form.submit().await.assert_status(303);
        browser.click_text("Sessions").await;
        self.is_at("/admin/sessions", "carol").await;
        self.sees("sessions").await;
        browser.click("button[aria-label^='Sign out carol']").await;
        self.is_at("/admin/sessions", "is signed out there").await;
        elsewhere.get("/account").await.assert_status(303);
        browser.fill("user", "carol").await;
        browser.click("form.search button").await;
        self.is_at("/admin/sessions?user=carol", "is not signed in anywhere").await;
        self.sees("sessions-none").await;
    }

    async fn reads_the_audit_list(&self) {
        let browser = &self.browser;
        browser.click_text("Audit").await;
        self.is_at("/admin/audit", "session.created").await;
        self.sees("audit").await;
        browser.click_text("same request").await;
        self.is_at("/admin/audit?request_id=", "Show everything").await;
        browser.fill("kind", "no.such.event").await;
        browser.click("form.search button").await;
        self.is_at("/admin/audit?", "No event matches these filters").await;
        self.sees("audit-none").await;
        self.goes_to("/admin/clients/nobody").await;
        browser.wait_for_text("There is no such page").await;
        self.sees("no-such-page").await;
        browser.click("p.actions a.button").await;
        self.is_at("/admin/clients", "Apps").await;
        self.goes_to("/admin").await;
        self.is_at("/admin", "Overview").await;
    }

    /// Somebody signs in to an app and lets it in.
    async fn lets_somebody_in(&self, browser: &Browser, person: &Person) {
        let app = App::registered(&self.world);
        browser.open(&app.request("scope=openid+email&state=x")).await;
        person.sign_in(browser).await;
        browser.click("button[value='allow']").await;
        let code = app.answer(browser).await["code"].clone();
        app.redeem(&code).await;
    }
}
