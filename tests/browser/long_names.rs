//! Names that are long and have no place to break at: no page is wider than the narrowest window.

use crate::driver::{Browser, Scheme, Script, Viewport};
use crate::fixtures::PASSWORD;
use crate::support::backends::Backend;
use crate::support::world::World;

const PERSON: &str = "maximilian.mustermann-schmidt@subdomain.corporate.example.com";
const ADMINISTRATOR: &str = "wilhelmine.mustermann-schmidt@subdomain.corporate.example.com";
const ORGANISATION: &str = "Donaudampfschifffahrtsgesellschaftskapitaen";
const APP: &str = "Kundenbeziehungsmanagementsystem";
const GROUP: &str = "Rechtsschutzversicherungsgesellschaften";
const PRODUCT: &str = "Identitaetsverwaltungsdienst";
/// WCAG 1.4.10.
const NARROWEST: u32 = 320;

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one line for every page")]
async fn no_page_is_wider_than_the_narrowest_window_because_of_a_name() {
    let builder = World::builder(Backend::Embedded).env("DOORWARD_PRODUCT_NAME", PRODUCT);
    let world = builder.env("DOORWARD_SESSION__ADMIN_STEP_UP", "7200").start().await;
    let browser = Browser::new(Viewport::Phone, Scheme::Light, Script::On).await;
    for (name, role) in [(ADMINISTRATOR, "owner"), (PERSON, "auditor")] {
        let named = ["user", "create", "--username", name, "--email", name];
        world.cli_with_input(
            &[&named[..], &["--role", role, "--password-file", "-"]].concat(),
            PASSWORD,
        );
    }
    let shown = world.cli(&["user", "show", PERSON]);
    let id = shown["id"].as_str().expect("an id");
    world.cli(&["group", "create", GROUP]);
    world.cli(&["organisation", "create", "boats", "--display-name", ORGANISATION]);
    world.cli(&["organisation", "add", "boats", PERSON, ADMINISTRATOR]);
    let redirect = "https://crm.example.com/callback";
    world.cli(&[
        "client",
        "create",
        "--name",
        APP,
        "--type",
        "web",
        "--client-id",
        "crm",
        "--redirect-uri",
        redirect,
    ]);
    browser.open(&world.url("/login?next=admin")).await;
    let mut wide = Vec::new();
    look(&browser, "sign-in", &mut wide).await;
    browser.fill("username", ADMINISTRATOR).await;
    browser.fill("password", PASSWORD).await;
    browser.submit("sign-in").await;
    browser.wait_for_address(&world.url("/admin")).await;
    let person = format!("/admin/users/{id}");
    let organisations = world.cli(&["organisation", "list"]);
    let organisation = organisations["items"][0]["id"].as_str().expect("an id");
    let organisation = format!("/admin/organisations/{organisation}");
    let paths = [
        person.clone(),
        format!("{person}/disable"),
        format!("{person}/delete"),
        format!("{person}/sign-out"),
        organisation.clone(),
        format!("{organisation}/delete"),
        format!("/admin/groups/{GROUP}"),
        format!("/admin/groups/{GROUP}/delete"),
        "/admin/clients/crm/delete".to_owned(),
        "/admin/clients/crm/disable".to_owned(),
        "/admin/clients/crm".to_owned(),
        "/admin/clients/crm/roles".to_owned(),
        "/admin/clients/crm/connect".to_owned(),
        "/admin/clients/crm/preview".to_owned(),
        "/admin/users".to_owned(),
        "/admin/organisations".to_owned(),
        "/admin/clients".to_owned(),
        "/admin/groups".to_owned(),
        "/admin".to_owned(),
        "/account".to_owned(),
        "/logout".to_owned(),
    ];
    for path in paths {
        browser.open(&world.url(&path)).await;
        look(&browser, &path, &mut wide).await;
    }
    assert!(wide.is_empty(), "{wide:#?}");
    browser.quit().await;
}

/// As long as a name may be that has no place to break at.
const LONGEST_APP: &str =
    "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunterbeamtengesellschaft";

/// What is wider than the box it is scrolled in, as the widths of both.
const CUT_OFF: &str = "
    return [...document.querySelectorAll('.scroll')]
        .filter(e => e.scrollWidth > e.clientWidth + 1)
        .map(e => `${e.scrollWidth} in ${e.clientWidth}`);";

/// The width of the narrowest value beside its name, in CSS pixels.
const NARROWEST_VALUE: &str = "
    const widths = [...document.querySelectorAll('dl.facts dd')].map(e => e.getBoundingClientRect().width);
    return widths.length ? Math.floor(Math.min(...widths)) : -1;";

#[tokio::test]
async fn every_column_and_every_value_can_be_read_beside_a_long_name() {
    let builder = World::builder(Backend::Embedded).env("DOORWARD_PRODUCT_NAME", PRODUCT);
    let world = builder.env("DOORWARD_SESSION__ADMIN_STEP_UP", "7200").start().await;
    world.cli_with_input(
        &[
            "user",
            "create",
            "--username",
            "ada",
            "--email",
            "ada@example.com",
            "--role",
            "owner",
            "--password-file",
            "-",
        ],
        PASSWORD,
    );
    let redirect = format!("https://{}.example.com/callback", "crm".repeat(15));
    let client = ["client", "create", "--name", LONGEST_APP, "--type", "web"];
    world.cli(&[&client[..], &["--redirect-uri", &redirect]].concat());
    let browser = Browser::new(Viewport::Desktop, Scheme::Light, Script::On).await;
    browser.open(&world.url("/login?next=admin")).await;
    browser.fill("username", "ada").await;
    browser.fill("password", PASSWORD).await;
    browser.submit("sign-in").await;
    browser.wait_for_address(&world.url("/admin")).await;
    browser.open(&world.url("/admin/clients")).await;
    let cut: Vec<String> = browser.asks(CUT_OFF).await;
    assert!(cut.is_empty(), "a list of apps is {cut:?} px wide");
    browser.open(&world.url("/admin/settings")).await;
    for width in [NARROWEST, 375, 600, 900] {
        assert!(browser.sticking_out(width).await.is_empty(), "{width}");
        let narrowest: i64 = browser.asks(NARROWEST_VALUE).await;
        assert!(narrowest >= 100, "a value is {narrowest} px wide in a window of {width} px");
    }
    browser.open(&world.url("/admin/audit")).await;
    for width in [NARROWEST, 800, 900, 1_000, 1_110] {
        let found = browser.sticking_out(width).await;
        assert!(found.is_empty(), "{width}: {found:#?}");
    }
    browser.quit().await;
}

async fn look(browser: &Browser, path: &str, wide: &mut Vec<String>) {
    let title = browser.title().await;
    assert!(!title.starts_with("Not found") && title.ends_with(PRODUCT), "{path}: {title}");
    let found = browser.sticking_out(NARROWEST).await;
    if !found.is_empty() {
        wide.push(format!("{path}: {found:?}"));
    }
}
