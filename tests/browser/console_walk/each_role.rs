//! Every page of the console's table as each kind of administrator sees it, pointed at something that is
//! there, and as somebody does to whom the console is closed. No page offers what a role may not do.

use doorward::http::console::addresses;
use doorward::protocol::rights::{Reach, Role, TABLE};

use crate::driver::{Browser, Scheme, Script, Viewport};
use crate::support::backends::Backend;
use crate::support::town::{self, APPS_COME, MANAGER, OWNER, PASSWORD, Town, pages};
use crate::support::world::World;

/// What each page says to somebody whose role does not allow it.
const CLOSED: &str = "Your role in the console does not allow this";

/// Where the page shown leads and what its forms do, as `METHOD path`.
const OFFERS: &str = "
    const forms = [...document.querySelectorAll('form')]
        .map(form => [form.method, form.getAttribute('action') || location.pathname]);
    const buttons = [...document.querySelectorAll('[formaction]')]
        .map(button => [button.formMethod || button.form.method, button.getAttribute('formaction')]);
    const links = [...document.querySelectorAll('a[href]')].map(link => ['get', link.getAttribute('href')]);
    return [...forms, ...buttons, ...links].map(([method, path]) => `${method.toUpperCase()} ${path}`);";

fn reach(right: &str, role: Role) -> Reach {
    let row = TABLE.iter().find(|(_, name, _)| *name == right);
    row.unwrap_or_else(|| panic!("no right {right}")).0.reach(role)
}

/// The right that an address of the console needs; of two entries that fit it, the earlier one answers.
fn right_of(offer: &str) -> Option<(&'static str, &'static str)> {
    let (method, path) = offer.split_once(' ').expect("a method and a path");
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let fits = |known: &str| {
        let (parts, wanted) = (path.split('/'), known.split('/'));
        parts.clone().count() == wanted.clone().count()
            && parts.zip(wanted).all(|(part, known)| known == "{id}" || part == known)
    };
    let mut all = addresses();
    all.find(|(known, path, _)| *known == method && fits(path))
        .map(|(_, path, right)| (path, right))
}

/// One administrator at the console of a small town.
struct Visitor {
    world: World,
    browser: Browser,
    town: Town,
    role: Role,
}

impl Visitor {
    async fn enters(name: &str, role: Role, look: (Viewport, Scheme)) -> Self {
        // Nobody is asked for the password again on the way.
        let builder = World::builder(Backend::Embedded);
        let builder = builder.env("DOORWARD_SESSION__ADMIN_STEP_UP", "7200");
        let world = builder.env(APPS_COME.0, APPS_COME.1).start().await;
        let town = Town::build(&world).await;
        if ![OWNER, MANAGER].contains(&name) {
            town::person(&world, name, Some(role.as_str()));
        }
        let browser = Browser::new(look.0, look.1, Script::On).await;
        signs_in(&browser, &world, name).await;
        browser.wait_for_text("Sign out").await;
        Self { world, browser, town, role }
    }

    async fn goes_to(&self, path: &str) {
        self.browser.open(&self.world.url(path)).await;
    }

    /// Walks every page of the table.
    async fn walks(self) {
        let (mut open, mut offered) = (0, 0);
        for (path, right) in pages() {
            self.goes_to(&self.town.at(path)).await;
            if reach(right, self.role) == Reach::Nothing {
                self.browser.wait_for_text(CLOSED).await;
            } else {
                open += 1;
                offered += self.may_do_what_is_offered(path, &[]).await;
            }
            let page = path.trim_start_matches("/admin").trim_start_matches('/');
            let page = page.replace('/', "-").replace("{id}", "one");
            let name = format!("console-{}-{page}", self.role.as_str());
            self.browser.inspect_this_look(&name).await;
        }
        // More than their own places in the menu.
        assert!(offered > 3 * open, "{open} pages offer something: {offered}");
        if self.role != Role::GroupManager {
            self.goes_to(&format!("/admin/users/{}", self.town.owner)).await;
            self.may_do_what_is_offered("an owner", &[Reach::Ordinary]).await;
        }
        self.browser.quit().await;
        self.world.assert_log_is_clean(&[PASSWORD]);
    }

    /// The page shown is the one that was asked for, and each of its forms and links is open to this role.
    /// Of what is about this page's subject, rights that reach no further than this are not enough. Gives
    /// how many there are.
    async fn may_do_what_is_offered(&self, what: &str, too_short: &[Reach]) -> usize {
        self.browser.find("nav.sections a[aria-current]").await;
        let text = self.browser.text().await;
        assert!(!text.contains(CLOSED), "{:?}: {what}: {text}", self.role);
        let here = self.browser.asks::<String>("return location.pathname").await;
        let offers: Vec<String> = self.browser.asks(OFFERS).await;
        let mut known = 0;
        for offer in offers {
            let Some((path, right)) = right_of(&offer) else {
                assert!(!offer.contains(" /admin"), "{what} leads nowhere: {offer}");
                continue;
            };
            known += 1;
            let reach = reach(right, self.role);
            let about_this =
                path.contains("{id}") && offer.contains(&here) && offer.starts_with("POST");
            let is_open = reach != Reach::Nothing && !(about_this && too_short.contains(&reach));
            assert!(is_open, "{:?} is offered {offer} on {what}, which needs {right}", self.role);
        }
        known
    }
}

async fn signs_in(browser: &Browser, world: &World, name: &str) {
    browser.open(&world.url("/login?next=admin")).await;
    browser.fill("username", name).await;
    browser.fill("password", PASSWORD).await;
    browser.submit("sign-in").await;
}

#[tokio::test]
async fn an_owner_walks_past_every_page() {
    let look = (Viewport::Phone, Scheme::Light);
    Visitor::enters(OWNER, Role::Owner, look).await.walks().await;
}

#[tokio::test]
async fn an_operator_walks_past_every_page() {
    let look = (Viewport::Desktop, Scheme::Dark);
    Visitor::enters("oscar", Role::Operator, look).await.walks().await;
}

#[tokio::test]
async fn an_auditor_walks_past_every_page() {
    let look = (Viewport::Phone, Scheme::Dark);
    Visitor::enters("aline", Role::Auditor, look).await.walks().await;
}

#[tokio::test]
async fn a_group_manager_walks_past_every_page() {
    let look = (Viewport::Desktop, Scheme::Light);
    Visitor::enters(MANAGER, Role::GroupManager, look).await.walks().await;
}

#[tokio::test]
async fn the_console_is_closed_to_a_plain_user() {
    let world = World::start(Backend::Embedded).await;
    town::person(&world, "paul", None);
    let browser = Browser::new(Viewport::Phone, Scheme::Light, Script::On).await;
    signs_in(&browser, &world, "paul").await;
    let closed = "The console is for people who look after this service";
    browser.wait_for_text(closed).await;
    browser.inspect_this_look("console-nobody").await;
    for (path, _) in pages() {
        // Nothing has to be there: whoever may not come in is told no more.
        browser.open(&world.url(&path.replace("{id}", "any"))).await;
        browser.wait_for_text(closed).await;
        let complaints = browser.complaints().await;
        assert!(complaints.is_empty(), "{path}: {complaints:#?}");
    }
    browser.quit().await;
    world.assert_log_is_clean(&[PASSWORD]);
}
