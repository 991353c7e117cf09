//! Rules for every file of the catalogue.

use std::collections::BTreeSet;

use saphyr::LoadableYamlNode as _;
use serde_json::Value;

use super::advice::{self, Purpose};
use super::app::Template;
use super::language::Language;
use super::render::{Rendered, SECRET, Values, render};
use super::*;
use crate::clock::UnixTime;
use crate::protocol::client::Client;
use crate::protocol::client::redirect_uri;
use crate::protocol::client::tests::client;
use crate::protocol::scope::Scopes;

/// What would break out of a careless snippet of any of the languages.
const HOSTILE: &str = "a\"b'c\\d#{e}${f}`g`$(h);i: j\n[k]\r\nl = %(m)s & {issuer} <n>\u{2028}o";

fn values(client_id: &str) -> Values {
    Values {
        issuer: "https://id.test/base".into(),
        client_id: client_id.into(),
        client_secret: None,
        app_url: "https://app.test/sub".into(),
    }
}

fn templates() -> impl Iterator<Item = (&'static App, &'static Template)> {
    all().iter().flat_map(|app| app.snippets.iter().map(move |snippet| (app, snippet)))
}

/// What stands in braces and could be a placeholder.
fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    let inside = text.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
    inside.map(|(name, _)| name).filter(|name| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
    })
}

#[test]
fn every_file_is_an_app_with_all_it_needs() {
    let mut names = BTreeSet::new();
    for (id, text) in files() {
        let app = App::parse(&id, &text).unwrap_or_else(|error| panic!("{id}: {error}"));
        assert!(id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
        assert!(names.insert(app.name.to_lowercase()), "{id}: two apps of one name");
        assert!(app.documentation.starts_with("https://"), "{id}");
        assert!(UnixTime::parse(&app.read_on).is_some() && app.read_on.len() == 10, "{id}");
        assert_eq!(app_url::check(&app.example).as_ref(), Ok(&app.example), "{id}");
        assert!(!app.redirect_uris.is_empty() && !app.snippets.is_empty(), "{id}");
        assert!(app.scopes.iter().any(|scope| scope == "openid"), "{id}");
        let odd = |scope: &&String| !Scopes::STANDARD.contains(&scope.as_str());
        assert_eq!(app.scopes.iter().find(odd), None, "{id}");
        assert!(!app.quirks.is_empty(), "{id}");
        for quirk in &app.quirks {
            assert!(quirk.ends_with('.') && !quirk.contains(['\n', '|']), "{id}: {quirk}");
        }
        for snippet in &app.snippets {
            assert!(!snippet.place.trim().is_empty() && !snippet.text.trim().is_empty(), "{id}");
        }
    }
    assert!(names.len() >= 25, "{}", names.len());
    assert_eq!(all().len(), names.len());
    assert!(all().iter().all(|app| find(&app.id) == Some(app)));
}

#[test]
fn every_placeholder_is_known_and_every_name_has_a_value() {
    for name in Values::NAMES {
        assert!(values("c").get(name).is_some(), "{name}");
    }
    for app in all() {
        let uris = app.redirect_uris.iter().chain(&app.post_logout_redirect_uris);
        let uris = uris.chain(&app.backchannel_logout_uri);
        for text in uris.chain(app.snippets.iter().map(|snippet| &snippet.text)) {
            for name in placeholders(text) {
                assert!(Values::NAMES.contains(&name), "{}: {{{name}}}", app.id);
            }
        }
        let texts: String = app.snippets.iter().map(|snippet| snippet.text.as_str()).collect();
        let named: Vec<&str> = placeholders(&texts).collect();
        assert!(named.contains(&"client_id"), "{}: does not say who it is", app.id);
        let secret = app.kind.is_confidential();
        assert_eq!(named.contains(&"client_secret"), secret, "{}: the secret", app.id);
    }
}

#[test]
fn a_placeholder_stands_between_the_quotes_of_its_language() {
    for (app, snippet) in templates() {
        let Some(quote) = snippet.language.quote() else { continue };
        for line in snippet.text.lines() {
            for (at, _) in line.match_indices('{') {
                if placeholders(&line[at..]).next().is_some_and(|n| line[at + 1..].starts_with(n)) {
                    let quotes = line[..at].matches(quote).count();
                    assert_eq!(quotes % 2, 1, "{}: {line}", app.id);
                }
            }
        }
    }
}

#[test]
fn every_snippet_is_filled_in_and_can_be_read() {
    for app in all() {
        let rendered = render(app, &values("my-client"));
        for snippet in &rendered.snippets {
            assert_eq!(placeholders(&snippet.text).next(), None, "{}", app.id);
            read(snippet.language, &snippet.text).unwrap_or_else(|error| {
                panic!("{}, {}: {error}\n{}", app.id, snippet.place, snippet.text)
            });
        }
        let all: String = rendered.snippets.iter().map(|snippet| snippet.text.as_str()).collect();
        assert!(all.contains("https://id.test/base"), "{}: names no address of ours", app.id);
        assert_eq!(all.contains(SECRET), app.kind.is_confidential(), "{}", app.id);
    }
}

#[test]
fn a_hostile_value_stays_one_value_wherever_it_stands() {
    for app in all() {
        let plain = render(app, &values("MARK"));
        let hostile = render(app, &values(HOSTILE));
        for (plain, hostile) in plain.snippets.iter().zip(&hostile.snippets) {
            let language = plain.language;
            let Ok(Some(expected)) = read(language, &plain.text) else { continue };
            let found = read(language, &hostile.text)
                .unwrap_or_else(|error| panic!("{}: {error}\n{}", app.id, hostile.text));
            let value = match language {
                Language::Ini => language.escape(HOSTILE),
                _ => HOSTILE.replace(['\n', '\r', '\u{2028}'], ""),
            };
            assert_eq!(found, Some(replaced(&expected, &value)), "{}", app.id);
        }
    }
}

#[test]
fn the_shell_reads_a_hostile_value_as_one_word() {
    let value = HOSTILE.replace(['\n', '\r', '\u{2028}'], "");
    for language in [Language::Shell, Language::Env] {
        let script = format!("printf %s '{}'", language.escape(HOSTILE));
        let shell = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8(shell.stdout).unwrap(), value);
    }
}

#[test]
fn no_language_lets_a_line_end_or_its_own_quote_through() {
    for language in Language::ALL {
        let written = language.escape(HOSTILE);
        assert!(!written.contains(['\n', '\r', '\u{2028}']), "{language:?}");
        let escaped = match language.quote() {
            Some('\'') => written.replace("'\\''", ""),
            _ => written.replace("\\\\", "").replace("\\\"", ""),
        };
        assert!(language.quote().is_none_or(|quote| !escaped.contains(quote)), "{language:?}");
    }
    assert!(Language::Ruby.escape(HOSTILE).contains("\\#{e}"));
    for language in [Language::Apache, Language::Ini] {
        assert!(!language.escape(HOSTILE).contains(['$', '#', ';', '{', '"', ' ', '\\']));
    }
}

#[test]
fn every_uri_may_be_registered() {
    for app in all() {
        for url in [&app.example, "https://app.test/sub", "http://localhost:3000"] {
            let rendered = render(app, &Values { app_url: url.to_owned(), ..values("c") });
            let Rendered { redirect_uris, post_logout_redirect_uris, .. } = &rendered;
            for uri in redirect_uris.iter().chain(post_logout_redirect_uris) {
                assert_eq!(redirect_uri::validate(uri, app.kind), Ok(()), "{}: {uri}", app.id);
            }
            if let Some(uri) = &rendered.backchannel_logout_uri {
                assert!(uri.starts_with(url), "{}", app.id);
            }
        }
    }
}

#[test]
fn what_a_client_lacks_is_said_and_no_more_once_it_has_it() {
    let nextcloud = find("nextcloud").unwrap();
    let rendered = render(nextcloud, &values("c"));
    let mut cloud = client();
    cloud.metadata.scope = Scopes::from_tokens(["openid", "profile"]);
    let needed = advice::uris(&rendered, &cloud);
    assert_eq!(
        needed.iter().map(|n| (n.purpose, n.registered)).collect::<Vec<_>>(),
        [(Purpose::Redirect, false), (Purpose::BackChannel, false)]
    );
    let hints = advice::hints(nextcloud, &cloud);
    assert_eq!(hints.len(), 2, "{hints:?}");
    assert!(hints[0].contains("email, groups"), "{hints:?}");

    cloud.metadata.redirect_uris = rendered.redirect_uris.clone();
    cloud.metadata.backchannel_logout_uri = rendered.backchannel_logout_uri.clone();
    cloud.metadata.scope = Scopes::from_tokens(nextcloud.scopes.iter().map(String::as_str));
    cloud.metadata.claims_in = crate::protocol::client::ClaimsPlacement::IdTokenToo;
    assert!(advice::uris(&rendered, &cloud).iter().all(|needed| needed.registered));
    assert_eq!(advice::hints(nextcloud, &cloud), Vec::<String>::new());
    assert_eq!(advice::hints(find("kubernetes").unwrap(), &cloud).len(), 1, "another kind");
}

#[test]
fn the_address_is_the_one_asked_for_or_the_apps_own_or_an_example() {
    let grafana = find("grafana").unwrap();
    let mut own = client();
    let url = |asked: Option<&str>, own: &Client| advice::start_url(asked, own, grafana);
    assert_eq!(url(None, &own).unwrap(), grafana.example);
    own.metadata.client_uri = Some("https://own.test/".into());
    assert_eq!(url(None, &own).unwrap(), "https://own.test");
    assert_eq!(url(Some("https://asked.test"), &own).unwrap(), "https://asked.test");
    assert!(url(Some("https://asked.test/'"), &own).is_err());
    own.metadata.client_uri = Some("https://own.test/?x".into());
    assert_eq!(url(None, &own).unwrap(), grafana.example);
}

#[test]
fn the_page_of_apps_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/apps.md");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == page::markdown(all()),
        "docs/apps.md is out of date. Refresh it with:\n\
         cargo run -- client snippet --markdown > docs/apps.md"
    );
}

/// Reads a snippet as the app would, for the languages there is a reader of here.
fn read(language: Language, text: &str) -> Result<Option<Value>, String> {
    match language {
        Language::Json => serde_json::from_str(text).map(Some).map_err(|e| e.to_string()),
        Language::Toml => toml::from_str(text).map(Some).map_err(|e| e.to_string()),
        Language::Yaml => yaml(text).map(Some),
        Language::Ini => {
            let ini = ini::Ini::load_from_str(text).map_err(|e| e.to_string())?;
            let pairs = ini.iter().flat_map(|(section, properties)| {
                properties.iter().map(move |(key, value)| {
                    (format!("{}.{key}", section.unwrap_or_default()), Value::from(value))
                })
            });
            Ok(Some(Value::Object(pairs.collect())))
        }
        _ => Ok(None),
    }
}

fn yaml(text: &str) -> Result<Value, String> {
    let documents = saphyr::Yaml::load_from_str(text).map_err(|error| error.to_string())?;
    let [document] = documents.as_slice() else { return Err("not one document".into()) };
    yaml_value(document)
}

fn yaml_value(yaml: &saphyr::Yaml<'_>) -> Result<Value, String> {
    if let Some(text) = yaml.as_str() {
        // Configuration inside a block is YAML of its own (Argo CD).
        return if text.contains('\n') { self::yaml(text) } else { Ok(Value::from(text)) };
    }
    if let Some(mapping) = yaml.as_mapping() {
        let pairs = mapping.iter().map(|(key, value)| {
            Ok((key.as_str().ok_or("a key that is no text")?.to_owned(), yaml_value(value)?))
        });
        return pairs.collect::<Result<_, String>>().map(Value::Object);
    }
    if let Some(items) = yaml.as_sequence() {
        return items.iter().map(yaml_value).collect::<Result<_, _>>().map(Value::Array);
    }
    yaml.as_bool().map(Value::from).ok_or_else(|| format!("{yaml:?}"))
}

/// The document with another value where the mark stands.
fn replaced(document: &Value, value: &str) -> Value {
    match document {
        Value::String(text) => Value::from(text.replace("MARK", value)),
        Value::Array(items) => items.iter().map(|item| replaced(item, value)).collect(),
        Value::Object(members) => {
            let members = members.iter().map(|(key, item)| (key.clone(), replaced(item, value)));
            Value::Object(members.collect())
        }
        other => other.clone(),
    }
}
