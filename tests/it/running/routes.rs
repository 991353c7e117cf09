//! No route is forgotten where every route is tried: the URL map in the source against the list that is
//! typed by hand.

use std::collections::BTreeMap;
use std::path::Path;

use super::malformed::ROUTES;

/// What the source gives to the URL map other than as a text or a constant, and the addresses behind it.
const ELSEWHERE: [(&str, &[&str]); 7] = [
    // Of `only` itself.
    ("path", &[]),
    ("path: &str", &[]),
    // An issuer with a path has its metadata in a second place.
    ("&inserted", &[]),
    ("document", &["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"]),
    ("format!(\"{ENVOY}{{target:.*}}\")", &["/gateway/envoy{target:.*}"]),
    // The table of the REST API, one address of each form.
    (
        "format!(\"/api/v1{path}\")",
        &[
            "/api/v1/{list}",
            "/api/v1/{list}/{id}",
            "/api/v1/{list}/{id}/{part}",
            "/api/v1/{list}/{id}/{part}/{member}",
        ],
    ),
    ("format!(\"{}/{{client_id}}\", path::REGISTER)", &["/oauth2/register/{client_id}"]),
];

/// Answered on the listener for operators alone.
const MANAGEMENT: [&str; 1] = ["/metrics"];

/// Every Rust source below a folder, one after the other.
fn sources(folder: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            all.extend(sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            all.push(std::fs::read_to_string(&path).expect("a source"));
        }
    }
    all
}

/// `NAME: &str = "/path"` anywhere in these sources.
fn constants(sources: &[String]) -> BTreeMap<String, String> {
    let lines = sources.iter().flat_map(|text| text.lines());
    let read = lines.filter_map(|line| {
        let (name, value) = line.split_once(": &str = \"/")?;
        let name = name.rsplit(' ').next()?;
        Some((name.to_owned(), format!("/{}", value.split('"').next()?)))
    });
    read.collect()
}

/// The first argument of a call, up to its comma or the end of the call.
fn first_argument(rest: &str) -> &str {
    let mut depth = 0;
    let end = rest.find(|letter: char| {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        depth < 0 || depth == 0 && letter == ','
    });
    rest[..end.expect("the end of a call")].trim()
}

/// Whether this address is answered by the route of this pattern.
fn is_of(address: &str, pattern: &str) -> bool {
    let address = address.split('?').next().unwrap_or_default();
    if let Some(place) = pattern
        .find("{target:.*}")
        .or_else(|| pattern.find("{name:.*}"))
        .or_else(|| pattern.find("{rest:.*}"))
    {
        return address.starts_with(&pattern[..place]);
    }
    let (address, pattern) = (address.split('/'), pattern.split('/'));
    address.clone().count() == pattern.clone().count()
        && address.zip(pattern).all(|(name, known)| known.starts_with('{') || name == known)
}

#[test]
fn the_list_of_all_routes_has_all_routes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = sources(&root.join("src/http"));
    let paths = std::fs::read_to_string(root.join("src/protocol/discovery/path.rs"));
    let constants = constants(&[&sources[..], &[paths.expect("the paths")]].concat());
    let mut found = Vec::new();
    for text in &sources {
        for start in [" only(", "(only(", "web::resource("] {
            for (place, _) in text.match_indices(start) {
                let argument = first_argument(&text[place + start.len()..]);
                let name = argument.rsplit("::").next().unwrap_or_default();
                if let Some(literal) = argument.strip_prefix('"') {
                    found.push(literal.trim_end_matches('"').to_owned());
                } else if let Some((_, routes)) =
                    ELSEWHERE.iter().find(|(known, _)| *known == argument)
                {
                    found.extend(routes.iter().map(|route| (*route).to_owned()));
                } else if let Some(route) = constants.get(name) {
                    found.push(route.clone());
                } else {
                    // A constant may be named before it is known: it belongs in the table above.
                    panic!("which route is {argument:?}? Say so in ELSEWHERE");
                }
            }
        }
    }
    assert!(found.len() > 30, "the URL map is written in another way: {found:?}");
    let forgotten: Vec<_> = found
        .iter()
        .filter(|route| !route.starts_with("/admin") && !MANAGEMENT.contains(&route.as_str()))
        .filter(|route| !ROUTES.iter().any(|address| is_of(address, route)))
        .collect();
    assert!(forgotten.is_empty(), "not in ROUTES: {forgotten:?}");
}
