//! A browser and its system, read from the `User-Agent` header. Anybody can send anything there, so the
//! words are for people to recognise and never for a decision.

use woothee::parser::Parser;

const UNKNOWN: &str = "Unknown browser";

/// A few words such as `Firefox on Linux`. They are all ours: nothing of the header itself is in them.
#[must_use]
pub fn label(user_agent: Option<&str>) -> String {
    let parser = Parser::new();
    let Some(found) = user_agent.and_then(|text| parser.parse(text)) else {
        return UNKNOWN.to_owned();
    };
    let program = program(found.name, found.category);
    match (program, system(found.os)) {
        (Some(program), Some(system)) => format!("{program} on {system}"),
        (Some(only), None) | (None, Some(only)) => only.to_owned(),
        (None, None) => UNKNOWN.to_owned(),
    }
}

fn program<'a>(name: &'a str, category: &str) -> Option<&'a str> {
    match (name, category) {
        (_, "misc" | "crawler") => Some("A program"),
        ("UNKNOWN" | "", _) => None,
        ("SamsungBrowser", _) => Some("Samsung Internet"),
        (name, _) => Some(name),
    }
}

/// Systems by the names people call them, without versions, which browsers no longer tell truly.
fn system(name: &str) -> Option<&str> {
    match name {
        "UNKNOWN" | "" => None,
        "Mac OSX" => Some("macOS"),
        windows if windows.starts_with("Windows") && !windows.contains("Phone") => Some("Windows"),
        other => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use super::label;

    #[test]
    fn browsers_are_called_what_people_call_them() {
        let webkit = "AppleWebKit/605.1.15 (KHTML, like Gecko)";
        let blink = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0";
        let windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)";
        let phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X)";
        for (agent, words) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0".to_owned(),
                "Firefox on Linux",
            ),
            (format!("{windows} {blink} Safari/537.36"), "Chrome on Windows"),
            (format!("{windows} {blink} Safari/537.36 Edg/140.0.0.0"), "Edge on Windows"),
            (format!("{windows} {blink} Safari/537.36 OPR/115.0.0.0"), "Opera on Windows"),
            (
                format!(
                    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {webkit} Version/18.1 \
                      Safari/605.1.15"
                ),
                "Safari on macOS",
            ),
            (
                format!("{phone} {webkit} Version/18.1 Mobile/15E148 Safari/604.1"),
                "Safari on iPhone",
            ),
            (
                format!("{phone} {webkit} CriOS/140.0 Mobile/15E148 Safari/604.1"),
                "Chrome on iPhone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) \
                 SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36"
                    .to_owned(),
                "Samsung Internet on Android",
            ),
            (
                format!("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {blink} Safari/537.36"),
                "Chrome on ChromeOS",
            ),
            ("curl/8.5.0".to_owned(), "A program"),
        ] {
            assert_eq!(label(Some(&agent)), words, "{agent}");
        }
    }

    #[test]
    fn what_says_nothing_or_lies_is_unknown_and_never_repeated() {
        assert_eq!(label(None), "Unknown browser");
        let long = "Mozilla/5.0 (".repeat(400);
        for odd in ["", " ", "-", "<script>alert(1)</script>", "\u{202e}evil", "Firefox", &long] {
            let words = label(Some(odd));
            assert!(words.len() < 40 && !words.contains(['<', '\u{202e}']), "{words}");
        }
    }
}
