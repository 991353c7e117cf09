//! Rules that hold for every page, tried on every sample.

use scraper::{ElementRef, Html, Selector};

use super::sample::{HOSTILE, with_hostile_words};
use super::{Chrome, form_post, samples};
use crate::http::assets;

fn all(html: &Html, selector: &str) -> Vec<String> {
    select(html, selector).map(|e| e.html()).collect()
}

fn select<'a>(html: &'a Html, selector: &str) -> impl Iterator<Item = ElementRef<'a>> {
    let selector = Selector::parse(selector).unwrap();
    html.select(&selector).collect::<Vec<_>>().into_iter()
}

fn pages() -> impl Iterator<Item = (&'static str, Html)> {
    samples().into_iter().map(|(name, html)| (name, Html::parse_document(&html)))
}

fn page(name: &str) -> Html {
    pages().find(|(n, _)| *n == name).unwrap().1
}

/// The names of a form's fields and buttons, with the values of buttons.
fn fields(html: &Html, form: &str) -> Vec<String> {
    select(html, &format!("#{form} [name]"))
        .map(|e| match (e.value().name(), e.attr("value")) {
            ("button", Some(value)) => format!("{}={value}", e.attr("name").unwrap()),
            _ => e.attr("name").unwrap().to_owned(),
        })
        .collect()
}

#[test]
fn every_page_renders_with_a_language_a_title_and_one_heading() {
    for (name, html) in pages() {
        assert_eq!(all(&html, "html[lang=en][dir=ltr]").len(), 1, "{name}: lang and dir");
        let title: String = select(&html, "head title").flat_map(|t| t.text()).collect();
        assert!(
            title.len() > " – Doorward".len() && title.ends_with(" – Doorward"),
            "{name}: {title}"
        );
        assert_eq!(all(&html, "h1").len(), 1, "{name}: one h1");
        assert_eq!(all(&html, "main#main").len(), 1, "{name}: main");
        assert_eq!(all(&html, "meta[name=viewport]").len(), 1, "{name}: viewport");
    }
}

#[test]
fn pages_with_errors_say_so_in_the_title_and_point_at_the_field() {
    let mut seen = 0;
    for (name, html) in pages() {
        let summaries = all(&html, "main .summary[role=alert][tabindex='-1'][autofocus]").len();
        let title: String = select(&html, "head title").flat_map(|t| t.text()).collect();
        assert_eq!(title.starts_with("Error: "), summaries == 1, "{name}");
        for link in select(&html, ".summary a") {
            let id = link.attr("href").unwrap().strip_prefix('#').unwrap();
            let field = select(&html, &format!("#{id}")).next().expect("the field exists");
            assert_eq!(field.attr("aria-invalid"), Some("true"), "{name}: {id}");
            let described = field.attr("aria-describedby").unwrap();
            assert!(described.contains(&format!("{id}-error")), "{name}: {id}");
            seen += 1;
        }
    }
    assert!(seen >= 4, "the samples show errors");
}

#[test]
fn every_field_has_a_label_and_every_reference_leads_somewhere() {
    for (name, html) in pages() {
        for field in select(&html, "input:not([type=hidden]), select, textarea") {
            let id = field.attr("id").unwrap_or_else(|| panic!("{name}: {}", field.html()));
            assert_eq!(all(&html, &format!("label[for='{id}']")).len(), 1, "{name}: {id}");
            assert_eq!(all(&html, &format!("[id='{id}']")).len(), 1, "{name}: {id} is there once");
        }
        for attribute in ["aria-describedby", "aria-labelledby", "data-copy"] {
            for element in select(&html, &format!("[{attribute}]")) {
                for id in element.attr(attribute).unwrap().split_whitespace() {
                    assert_eq!(all(&html, &format!("[id='{id}']")).len(), 1, "{name}: {id}");
                }
            }
        }
        for button in select(&html, "button, a") {
            let text: String = button.text().collect();
            let picture = Selector::parse("img[alt]:not([alt=''])").unwrap();
            let is_named = !text.trim().is_empty() || button.select(&picture).next().is_some();
            assert!(is_named, "{name}: {}", button.html());
        }
    }
}

#[test]
fn nothing_on_a_page_needs_a_loose_content_security_policy() {
    for (name, html) in pages() {
        for element in select(&html, "*") {
            for (attribute, _) in element.value().attrs() {
                assert_ne!(attribute, "style", "{name}: {}", element.html());
                assert!(!attribute.starts_with("on"), "{name}: {}", element.html());
            }
        }
        assert!(all(&html, "style, object, embed, base").is_empty(), "{name}");
        // The apps' sign-out pages may not touch the page they are in.
        let frames = all(&html, "iframe").len();
        let tame = all(&html, "iframe[hidden][title][sandbox='allow-scripts allow-same-origin']");
        assert_eq!(frames, tame.len(), "{name}");
        assert_eq!(frames > 0, matches!(name, "signed_out" | "signing_out"), "{name}");
        for element in select(&html, "link, script") {
            let constant =
                name.starts_with("form_post") && element.inner_html() == form_post::SCRIPT;
            let nonced = element.attr("nonce") == Some(&Chrome::sample().nonce);
            assert!(constant || nonced, "{name}: {}", element.html());
            assert!(constant || element.inner_html().is_empty(), "{name}: {}", element.html());
        }
    }
}

#[test]
fn every_file_a_page_loads_exists_under_its_hashed_name() {
    for (name, html) in pages() {
        for element in select(&html, "[src]:not(iframe), link[href]") {
            let url = element.attr("src").or(element.attr("href")).unwrap();
            // That of the installation's own colour is made when it is asked for, and logos are in SQL.
            if url.starts_with("/branding/accent.") || url.starts_with("/branding/picture.") {
                continue;
            }
            let path = url.strip_prefix("/static/").unwrap_or_else(|| panic!("{name}: {url}"));
            assert!(assets::by_path(path).is_some(), "{name}: {url}");
        }
    }
}

#[test]
fn every_form_that_changes_something_is_protected_against_forgery() {
    for (name, html) in pages() {
        for form in select(&html, "form") {
            let csrf = Selector::parse("input[type=hidden][name=csrf]").unwrap();
            match form.attr("method") {
                Some("post") if name.starts_with("form_post") => {}
                Some("post") => {
                    assert_eq!(form.select(&csrf).count(), 1, "{name}: {}", form.html());
                }
                Some("get") => assert_eq!(form.select(&csrf).count(), 0, "{name}"),
                other => panic!("{name}: method {other:?}"),
            }
            assert!(
                form.attr("action")
                    .is_some_and(|a| a.starts_with('/') || name.starts_with("form_post"))
            );
        }
    }
}

#[test]
fn the_forms_that_programs_fill_in_keep_their_names() {
    assert_eq!(
        fields(&page("sign_in"), "sign-in"),
        ["flow", "csrf", "username", "password", "remember"]
    );
    assert_eq!(
        fields(&page("sign_in/confirm"), "sign-in"),
        ["flow", "csrf", "username", "password"]
    );
    assert_eq!(
        fields(&page("choose_account"), "choose-account"),
        ["flow", "csrf", "account=session-1", "account=session-2", "account=another"]
    );
    assert_eq!(
        fields(&page("consent"), "consent"),
        ["flow", "csrf", "decision=allow", "decision=deny"]
    );
    assert_eq!(fields(&page("device"), "device"), ["flow", "csrf", "user_code"]);
    assert_eq!(
        fields(&page("device_question"), "device-question"),
        ["flow", "csrf", "user_code", "decision=allow", "decision=deny"]
    );
    assert_eq!(
        fields(&page("setup"), "setup"),
        ["flow", "csrf", "token", "username", "name", "email", "password"]
    );
    assert_eq!(
        fields(&page("sign_up"), "sign-up"),
        ["flow", "csrf", "username", "email", "name", "password"]
    );
    assert_eq!(
        fields(&page("reset_password"), "reset-password"),
        ["flow", "csrf", "token", "username", "password"]
    );
    assert_eq!(
        fields(&page("choose_password"), "choose-password"),
        ["flow", "csrf", "username", "password"]
    );
    assert_eq!(fields(&page("not_me"), "not-me"), ["flow", "csrf", "token", "others"]);
    assert_eq!(
        fields(&page("sign_out"), "sign-out"),
        ["flow", "csrf", "decision=logout", "decision=stay"]
    );
    assert_eq!(
        fields(&page("account_sign_out"), "sign-out-elsewhere"),
        ["csrf", "connections", "reach=elsewhere", "reach=everywhere"]
    );
    assert_eq!(fields(&page("admin/confirm"), "confirm"), ["csrf", "version", "connections"]);
}

#[test]
fn a_form_that_comes_back_still_holds_what_was_typed() {
    let values = |page: &Html, form: &str| -> Vec<String> {
        let inputs = format!("#{form} input:not([type=hidden], [type=password], [type=checkbox])");
        select(page, &inputs).map(|e| e.attr("value").unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(values(&page("setup"), "setup"), ["ada", "Ada Lovelace", "ada@"]);
    let new = page("admin/user_new");
    let typed = values(&new, "user");
    assert_eq!(typed[..3], ["grace", "Grace Hopper", "grace@orchard.example"]);
    assert!(typed.contains(&"America/New_York".to_owned()), "{typed:?}");
    let groups = select(&new, "#user textarea#groups").map(|e| e.text().collect::<String>());
    assert_eq!(groups.collect::<Vec<_>>(), ["engineering\nwiki-editors"]);
    assert_eq!(
        values(&page("sign_up/wrong"), "sign-up"),
        ["ada", "ada@orchard.example", "Ada Lovelace"]
    );
    assert_eq!(values(&page("admin/groups/wrong"), "group"), ["engineering", "Builds."]);
    let app = page("admin/client_new");
    assert_eq!(values(&app, "client").first().unwrap(), "Orchard Wiki");
    let lines: String = select(&app, "#redirect_uris").flat_map(|e| e.text()).collect();
    assert_eq!(lines.trim(), "https://wiki.orchard.example/callback");
    let ticked: Vec<_> = select(&app, "#client [checked]").map(|e| e.attr("id").unwrap()).collect();
    assert_eq!(
        ticked,
        [
            "kind",
            "backchannel_logout_session_required",
            "access-groups",
            "scope-openid",
            "scope-profile",
            "scope-email",
            "require_pkce"
        ]
    );
    assert_eq!(select(&app, "#scope").next().unwrap().attr("value"), Some("wiki:edit"));
}

#[test]
fn password_managers_find_what_they_look_for() {
    let sign_in = page("sign_in");
    let username = "input#username[name=username][type=text][autocomplete='username webauthn']\
                    [autocapitalize=none][autocorrect=off][spellcheck=false]";
    assert_eq!(all(&sign_in, username).len(), 1);
    let password = "input#current-password[type=password][autocomplete=current-password]";
    assert_eq!(all(&sign_in, password).len(), 1);
    let fixed = page("sign_in/confirm");
    assert_eq!(all(&fixed, "input#username[readonly][autocomplete=username]").len(), 1);
    for name in ["setup", "sign_up", "reset_password", "choose_password"] {
        let html = page(name);
        let password = "input#new-password[type=password][autocomplete=new-password]";
        assert_eq!(all(&html, password).len(), 1, "{name}");
        assert_eq!(all(&html, "input[type=password]").len(), 1, "{name}: never typed twice");
        assert_eq!(all(&html, "input[autocomplete=username]").len(), 1, "{name}");
    }
    for (name, html) in pages() {
        assert!(all(&html, "input[type=password][maxlength]").is_empty(), "{name}");
        assert!(all(&html, "input[type=password][value]").is_empty(), "{name}: never sent back");
        assert!(all(&html, "input[type=password][autocomplete=off], [placeholder]").is_empty());
    }
}

#[test]
fn allow_and_sign_out_are_never_focused_beforehand() {
    for name in
        ["consent", "device_question", "sign_out", "account_sign_out", "not_me", "admin/confirm"]
    {
        assert!(all(&page(name), "[autofocus]").is_empty(), "{name}");
    }
}

#[test]
fn tables_have_captions_and_headers() {
    for (name, html) in pages() {
        for table in select(&html, "table") {
            let has = |s: &str| table.select(&Selector::parse(s).unwrap()).count();
            assert_eq!(has("caption"), 1, "{name}");
            assert_eq!(has("thead th:not([scope=col])"), 0, "{name}");
            let columns = has("thead th");
            for row in table.select(&Selector::parse("tbody tr").unwrap()) {
                let cells = row.child_elements().count();
                assert_eq!(cells, columns, "{name}: {}", row.html());
            }
        }
    }
}

#[test]
fn an_auditor_is_offered_nothing_that_changes_anything() {
    let html = page("admin/user/read_only");
    let forms: Vec<_> = select(&html, "form").map(|f| f.attr("action").unwrap()).collect();
    assert_eq!(forms, ["/logout"]);
    assert!(all(&html, "[data-confirm]").is_empty());
}

#[test]
fn a_group_manager_is_offered_what_is_theirs_alone() {
    let html = page("admin/group/manager");
    let forms: Vec<_> = select(&html, "main form").filter_map(|f| f.attr("id")).collect();
    assert_eq!(forms, ["add-member"]);
    assert!(all(&html, "[data-confirm]").is_empty());
    for name in ["admin/group/manager", "admin/users/manager"] {
        let html = page(name);
        let sections = select(&html, "nav.sections a").filter_map(|a| a.attr("href"));
        assert_eq!(sections.collect::<Vec<_>>(), ["/admin/users", "/admin/groups"], "{name}");
    }
}

#[test]
fn somebody_elses_words_are_inert_on_every_page() {
    let hostile = with_hostile_words(samples);
    for ((name, calm), (_, html)) in samples().into_iter().zip(hostile) {
        let (calm, html) = (Html::parse_document(&calm), Html::parse_document(&html));
        assert!(html.html().contains("onerror"), "{name}: the words are shown");
        for selector in ["script", "img", "link", "form", "input", "svg", "iframe"] {
            let (before, after) = (all(&calm, selector).len(), all(&html, selector).len());
            assert_eq!(before, after, "{name}: {selector}");
        }
        for element in select(&html, "*") {
            for (attribute, value) in element.value().attrs() {
                assert!(!attribute.starts_with("on"), "{name}: {}", element.html());
                if matches!(attribute, "href" | "action" | "src") {
                    let safe = ["/", "#", "?", "https://"].iter().any(|s| value.starts_with(s));
                    assert!(safe, "{name}: {value}");
                    assert!(!value.contains(['<', '"', ' ', '\u{202e}']), "{name}: {value}");
                }
            }
        }
        text_directions_end_where_they_began(name, &html);
    }
}

/// A right-to-left override may only stand where it cannot reach the words around it.
fn text_directions_end_where_they_began(name: &str, html: &Html) {
    for node in html.root_element().descendants() {
        let Some(text) = node.value().as_text() else { continue };
        if !text.contains('\u{202e}') {
            continue;
        }
        let isolated = node.ancestors().filter_map(ElementRef::wrap).any(|e| {
            matches!(e.value().name(), "bdi" | "textarea") || e.attr("aria-hidden").is_some()
        });
        assert!(isolated, "{name}: {}", text.replace(HOSTILE, "…"));
    }
}

#[test]
fn lists_keep_their_filters_on_the_next_page() {
    let html = page("admin/audit");
    let href = select(&html, "a[rel=next]").next().unwrap().attr("href").unwrap();
    assert_eq!(href, "?user=ada&after=019a6b3e");
}

#[test]
fn every_address_starts_with_the_issuers_path() {
    let mut page = super::sign_in::SignIn::sample();
    page.chrome.base = "/sso".to_owned();
    let html = Html::parse_document(&super::render(&page));
    for element in select(&html, "[href]:not(.skip, [rel^=noopener]), [src], [action]") {
        let url = ["href", "src", "action"].iter().find_map(|a| element.attr(a)).unwrap();
        assert!(url.starts_with("/sso/"), "{url}");
    }
}

#[test]
fn the_sign_in_page_and_the_scripts_stay_light() {
    let size = |name: &str| {
        assets::by_path(assets::url(name).strip_prefix("/static/").unwrap()).unwrap().bytes.len()
    };
    let heaviest =
        samples().iter().filter(|(n, _)| !n.starts_with("admin")).map(|(_, h)| h.len()).max();
    assert!(heaviest.unwrap() + size("flow.css") <= 40_000, "about 14 kB compressed");
    let scripts = [
        "show-password.js",
        "copy.js",
        "confirm.js",
        "once.js",
        "live.js",
        "search.js",
        "choose-all.js",
        "form-post.js",
        "signing-out.js",
    ];
    assert!(scripts.into_iter().map(size).sum::<usize>() < 10_000);
}
