//! A cookie jar as browsers keep one: per host, not per port.

use std::collections::BTreeMap;

use reqwest::header::{HeaderMap, SET_COOKIE};
use url::Url;

/// One `Set-Cookie`, taken apart so that tests can ask about its attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetCookie {
    /// Its name.
    pub name: String,
    /// Its value as sent.
    pub value: String,
    /// Attribute names in lower case; flags have an empty value.
    pub attributes: BTreeMap<String, String>,
}

impl SetCookie {
    /// Reads one header value.
    pub fn parse(header: &str) -> Self {
        let mut parts = header.split(';').map(str::trim);
        let (name, value) = parts.next().and_then(|pair| pair.split_once('=')).unwrap_or_default();
        let attributes = parts
            .map(|part| part.split_once('=').unwrap_or((part, "")))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        Self { name: name.to_owned(), value: value.to_owned(), attributes }
    }

    /// All cookies an answer sets.
    pub fn all(headers: &HeaderMap) -> Vec<Self> {
        let values = headers.get_all(SET_COOKIE).iter();
        values.map(|value| Self::parse(value.to_str().expect("an ASCII cookie"))).collect()
    }

    /// Whether the attribute is there (`secure`, `httponly`, `domain`…).
    pub fn has(&self, attribute: &str) -> bool {
        self.attributes.contains_key(attribute)
    }

    /// The attribute's value, empty when absent.
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }

    /// Whether it tells the browser to forget the cookie.
    pub fn deletes(&self) -> bool {
        let past = self.attribute("expires").contains(" 1970 ");
        past || self.attribute("max-age").parse::<i64>().is_ok_and(|seconds| seconds <= 0)
    }
}

/// The cookies of one browser.
#[derive(Clone, Debug, Default)]
pub struct Jar(BTreeMap<(String, String), (String, String)>);

impl Jar {
    /// Takes in what an answer from `url` sets.
    pub fn store(&mut self, url: &Url, headers: &HeaderMap) {
        for cookie in SetCookie::all(headers) {
            let key = (host(url), cookie.name.clone());
            if cookie.deletes() {
                self.0.remove(&key);
            } else {
                let path = Some(cookie.attribute("path")).filter(|path| path.starts_with('/'));
                let path = path.unwrap_or("/").to_owned();
                self.0.insert(key, (cookie.value, path));
            }
        }
    }

    /// The `Cookie` header for a request to `url`, if any cookie fits.
    pub fn header(&self, url: &Url) -> Option<String> {
        let fits = |path: &str| {
            let rest = url.path().strip_prefix(path.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let host = host(url);
        let pairs: Vec<String> = self
            .0
            .iter()
            .filter(|((owner, _), (_, path))| *owner == host && fits(path))
            .map(|((_, name), (value, _))| format!("{name}={value}"))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// The value of the cookie for the host of `url`.
    pub fn get(&self, url: &Url, name: &str) -> Option<String> {
        self.0.get(&(host(url), name.to_owned())).map(|(value, _)| value.clone())
    }

    /// Puts a cookie in by hand, as an attacker would.
    pub fn plant(&mut self, url: &Url, name: &str, value: &str) {
        let entry = (value.to_owned(), "/".to_owned());
        self.0.insert((host(url), name.to_owned()), entry);
    }

    /// Forgets one cookie.
    pub fn remove(&mut self, url: &Url, name: &str) {
        self.0.remove(&(host(url), name.to_owned()));
    }

    /// Names of the cookies kept for the host of `url`.
    pub fn names(&self, url: &Url) -> Vec<String> {
        let host = host(url);
        let own = self.0.keys().filter(|(owner, _)| *owner == host);
        own.map(|(_, name)| name.clone()).collect()
    }
}

fn host(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}
