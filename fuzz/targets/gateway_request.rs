//! What a proxy tells the gateway about a request: whatever is in the headers, what is read of them means
//! one thing, and no spelling of a path leads to a laxer rule than the plain one.
//!
//! Input: scheme, host, path with query, method, and the address and method of the other way to say it,
//! with line breaks between them. What is missing or empty is not sent.

use doorward::protocol::gateway::original::{Original, Said, Told};
use doorward::protocol::gateway::rules::GatewayApp;
use serde_json::json;
use url::Url;

const HOST: &str = "wiki.test";

pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let lines: Vec<&str> = text.split('\n').collect();
    let said = |place: usize| match lines.get(place) {
        None | Some(&"") => Said::Nothing,
        Some(text) => Said::Once(text),
    };
    let told = Told {
        forwarded_proto: said(0),
        forwarded_host: said(1),
        forwarded_uri: said(2),
        forwarded_method: said(3),
        original_url: said(4),
        original_method: said(5),
    };
    if let Ok(original) = Original::from_headers(&told) {
        means_one_thing(&original, &told);
    }
    for target in lines {
        for host in [HOST, "WIKI.TEST:443"] {
            let parts = Original::from_parts(
                (Said::Once("https"), "X-Forwarded-Proto"),
                (Said::Once(host), "X-Forwarded-Host"),
                ("GET", target),
            );
            if let Ok(original) = parts {
                assert_eq!(original.host, HOST);
                keeps_to_its_rule(&original);
            }
        }
    }
}

fn means_one_thing(original: &Original, told: &Told<'_>) {
    let url = original.url();
    assert_eq!(Original::from_url(&url, &original.method).as_ref(), Ok(original), "read again");
    let parsed = Url::parse(&url);
    // Names that are no names, such as numbers too large for an address.
    let Ok(parsed) = parsed else { return };
    assert_eq!(parsed.scheme(), original.scheme.as_str());
    assert!(parsed.username().is_empty() && parsed.password().is_none(), "{url}");
    assert!(parsed.fragment().is_none(), "{url}");
    let path = original.target.split('?').next().unwrap_or_default();
    let slashes = |text: &str| text.matches('/').count();
    assert_eq!(slashes(parsed.path()), slashes(path), "a browser goes up or down: {url}");
    for said in [told.forwarded_uri, told.forwarded_method] {
        let Said::Once(text) = said else { continue };
        assert!(text == original.target || text == original.method, "not what was said: {text}");
    }
}

/// A path with one kind of reader in mind: decoded once, in lower case.
fn plain(target: &str) -> String {
    let path = target.split('?').next().unwrap_or_default().as_bytes();
    let (mut read, mut at) = (Vec::new(), 0);
    while let Some(byte) = path.get(at) {
        let digits = path.get(at + 1..at + 3).and_then(|two| std::str::from_utf8(two).ok());
        let code = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
        match (byte, code) {
            (b'%', Some(code)) => {
                read.push(code);
                at += 3;
            }
            (byte, _) => {
                read.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&read).to_lowercase()
}

fn keeps_to_its_rule(original: &Original) {
    let app: GatewayApp = serde_json::from_value(json!({
        "host": HOST,
        "rules": [
            { "path": "/board", "allow": ["group:board"] },
            { "path": "/static", "allow": ["public"] },
            { "path": "/a/b.c", "allow": ["group:board"] },
            { "path": "/", "allow": ["signed-in"] },
        ],
    }))
    .expect("rules");
    let Ok(Some(rule)) = app.rule_for(original) else { return };
    let number = app.rules.iter().position(|known| known == rule).expect("one of them");
    let path = plain(&original.target);
    let below = |rule: &str| {
        let rest = path.strip_prefix(rule).map(|rest| rest.trim_start_matches(' '));
        rest.is_some_and(|rest| {
            // Only the last name has an extension.
            let is_extension = rest.starts_with('.') && !rest.trim_end_matches('/').contains('/');
            rest.is_empty() || rest.starts_with(['/', ';', '?', '#']) || is_extension
        })
    };
    // The board's own are the board's in every reading, and so is all else.
    assert_eq!(number == 0, below("/board"), "{path}");
    assert!(number != 1 || below("/static"), "{path} is public");
    assert!(number <= 2 || !below("/a/b.c"), "{path}");
    for way_up in ["/../", "/./", "//", "\\"] {
        assert!(!path.contains(way_up), "{path}");
    }
}
