//! An HTML form, filled in and sent the way a browser does it.

use scraper::{ElementRef, Html, Selector};
use url::Url;

use super::browser_like::{Browser, Page};

/// A form of a [`Page`] with the values the page gave it.
#[derive(Clone)]
pub struct Form {
    browser: Browser,
    page: Url,
    /// Where it goes.
    pub action: Url,
    /// `get` or `post`.
    pub method: String,
    fields: Vec<Field>,
    buttons: Vec<(String, String)>,
    pressed: Option<(String, String)>,
}

#[derive(Clone)]
struct Field {
    name: String,
    value: String,
    /// Unchecked boxes and radio buttons are on the page but not sent.
    sent: bool,
}

impl Form {
    /// The form with this id. Panics, showing the page, when there is none.
    pub(super) fn find(page: &Page, id: &str) -> Self {
        let document = Html::parse_document(&page.body);
        let wanted = selector(&format!("form[id='{id}']"));
        let form = document.select(&wanted).next();
        let form = form.unwrap_or_else(|| panic!("no form `{id}` on {}", page.describe()));
        Self::read(page, form)
    }

    /// The form that goes to this path. Panics, showing the page, when there is none.
    pub(super) fn find_by_path(page: &Page, path: &str) -> Self {
        let document = Html::parse_document(&page.body);
        let wanted = selector(&format!("form[action='{path}']"));
        let form = document.select(&wanted).next();
        let form = form.unwrap_or_else(|| panic!("no form to `{path}` on {}", page.describe()));
        Self::read(page, form)
    }

    fn read(page: &Page, form: ElementRef<'_>) -> Self {
        let attribute = |name| form.value().attr(name);
        let action = attribute("action").filter(|action| !action.is_empty());
        let action = action.map_or_else(
            || page.url.clone(),
            |action| page.url.join(action).expect("an action that is a URL"),
        );
        let mut read = Self {
            browser: page.browser.clone(),
            page: page.url.clone(),
            action,
            method: attribute("method").unwrap_or("get").to_ascii_lowercase(),
            fields: Vec::new(),
            buttons: Vec::new(),
            pressed: None,
        };
        for element in form.select(&selector("input, select, textarea, button")) {
            read.take(element);
        }
        read
    }

    fn take(&mut self, element: ElementRef<'_>) {
        let attribute = |name| element.value().attr(name);
        let Some(name) = attribute("name").filter(|name| !name.is_empty()) else { return };
        if attribute("disabled").is_some() {
            return;
        }
        let name = name.to_owned();
        let value = attribute("value").unwrap_or_default().to_owned();
        let kind = attribute("type").unwrap_or_default();
        let field = |value, sent| Field { name: name.clone(), value, sent };
        match (element.value().name(), kind) {
            ("button", "" | "submit") | ("input", "submit") => self.buttons.push((name, value)),
            ("button", _) | ("input", "button" | "reset" | "image") => {}
            ("input", "checkbox" | "radio") => {
                let value = attribute("value").unwrap_or("on").to_owned();
                self.fields.push(field(value, attribute("checked").is_some()));
            }
            ("textarea", _) => {
                let text: String = element.text().collect();
                let text = text.strip_prefix('\n').map_or(text.clone(), ToOwned::to_owned);
                self.fields.push(field(text, true));
            }
            ("select", _) => self.fields.push(field(chosen_option(element), true)),
            _ => self.fields.push(field(value, true)),
        }
    }

    /// Types into a field. Panics when the form has no such field.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        let names: Vec<_> = self.fields.iter().map(|field| field.name.clone()).collect();
        let field = self.fields.iter_mut().find(|field| field.name == name);
        let field = field.unwrap_or_else(|| panic!("no field `{name}` among {names:?}"));
        value.clone_into(&mut field.value);
        field.sent = true;
        self
    }

    /// Ticks a box, or the one with this value among several of a name.
    #[must_use]
    pub fn check(mut self, name: &str, value: &str) -> Self {
        let field = self.fields.iter_mut().find(|f| f.name == name && f.value == value);
        field.unwrap_or_else(|| panic!("no box `{name}` with value `{value}`")).sent = true;
        self
    }

    /// Takes the tick off every box of this name.
    #[must_use]
    pub fn uncheck(mut self, name: &str) -> Self {
        for field in self.fields.iter_mut().filter(|field| field.name == name) {
            field.sent = false;
        }
        self
    }

    /// Chooses the button to send the form with. Panics when the form has no such button.
    #[must_use]
    pub fn press(mut self, name: &str, value: &str) -> Self {
        let button = (name.to_owned(), value.to_owned());
        let known = self.buttons.contains(&button);
        assert!(known, "no button {name}={value} among {:?}", self.buttons);
        self.pressed = Some(button);
        self
    }

    /// Sends a value the page did not offer: changes a hidden field or adds one.
    #[must_use]
    pub fn forge(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|field| field.name != name);
        let field = Field { name: name.to_owned(), value: value.to_owned(), sent: true };
        self.fields.push(field);
        self
    }

    /// Leaves a field out.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.fields.retain(|field| field.name != name);
        self
    }

    /// The value the field has now.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|field| field.name == name).map(|field| field.value.as_str())
    }

    /// Every named control, in page order.
    pub fn names(&self) -> Vec<&str> {
        self.fields.iter().map(|field| field.name.as_str()).collect()
    }

    /// The name-value pairs a browser would send now.
    pub fn pairs(&self) -> Vec<(String, String)> {
        let sent = self.fields.iter().filter(|field| field.sent);
        let mut pairs: Vec<_> = sent.map(|f| (f.name.clone(), f.value.clone())).collect();
        let button = self.pressed.clone().or_else(|| {
            let several = self.buttons.len() > 1;
            assert!(!several, "press one of the buttons {:?}", self.buttons);
            self.buttons.first().cloned()
        });
        pairs.extend(button);
        pairs
    }

    /// Sends it; redirects are not followed.
    pub async fn submit(self) -> Page {
        let pairs = self.pairs();
        let mut request = if self.method == "post" {
            self.browser.request(reqwest::Method::POST, &self.action).form(&pairs)
        } else {
            let mut action = self.action.clone();
            action.query_pairs_mut().clear().extend_pairs(&pairs);
            self.browser.request(reqwest::Method::GET, &action)
        };
        let site = relation(&self.page, &self.action);
        let origin = self.page.origin().ascii_serialization();
        request = request.header("Sec-Fetch-Site", site).header("Sec-Fetch-Mode", "navigate");
        if self.method == "post" {
            request = request.header("Origin", origin);
        }
        self.browser.send(request).await
    }
}

/// What a browser says in `Sec-Fetch-Site` about a request from one page to another address.
fn relation(from: &Url, to: &Url) -> &'static str {
    if from.origin() == to.origin() {
        "same-origin"
    } else if from.host() == to.host() && from.scheme() == to.scheme() {
        "same-site"
    } else {
        "cross-site"
    }
}

fn chosen_option(select: ElementRef<'_>) -> String {
    let options = selector("option");
    let chosen = |option: &ElementRef<'_>| option.value().attr("selected").is_some();
    let option = select.select(&options).find(chosen).or_else(|| select.select(&options).next());
    option.map_or_else(String::new, |option| {
        let text = || option.text().collect::<String>().trim().to_owned();
        option.value().attr("value").map_or_else(text, ToOwned::to_owned)
    })
}

pub(super) fn selector(css: &str) -> Selector {
    Selector::parse(css).unwrap_or_else(|error| panic!("selector `{css}`: {error}"))
}
