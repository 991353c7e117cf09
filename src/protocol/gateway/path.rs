//! Paths, as the apps behind may read them.
//!
//! Proxy, gateway and app must mean the same place by one path, or a rule for `/admin` guards nothing.
//! So a path that programs are known to read differently (`..`, `//`, an encoded slash, a backslash,
//! a double encoding) is refused, and what is left is compared three times: as it was sent, as the most
//! generous app would read it (without `;parameters`, without regard to case, without dots at the end of a
//! name), and as one that takes `/board.json` for `/board`.

use std::borrow::Cow;

use super::Refusal;

/// Longer addresses are no honest request's.
const LONGEST: usize = 8 * 1024;

/// A path without anything ambiguous in it, in its two readings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppPath {
    /// What stands between the slashes; nothing for `/`.
    names: Vec<Name>,
}

/// One name of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Name {
    /// Decoded.
    sent: String,
    /// As a generous app reads it, where that is something else.
    generous: Option<String>,
}

impl Name {
    fn read(&self, reading: Reading) -> &str {
        match (reading, &self.generous) {
            (Reading::Generous | Reading::WithoutExtension, Some(name)) => name,
            (_, None) | (Reading::AsSent, _) => &self.sent,
        }
    }
}

impl AppPath {
    /// Reads the path of a request target (RFC 9112 section 3.2.1): a path and perhaps a query. The
    /// query plays no part in rules.
    ///
    /// # Errors
    /// [`Refusal::Path`].
    pub fn of_target(target: &str) -> Result<Self, Refusal> {
        if target.len() > LONGEST {
            return Err(Refusal::Path("is too long"));
        }
        if !target.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Refusal::Path(
                "has a space, a control character or a letter to be encoded",
            ));
        }
        if target.contains('#') {
            return Err(Refusal::Path("has a fragment, which no browser sends"));
        }
        Self::parse(target.split('?').next().unwrap_or_default())
    }

    /// Reads a path alone.
    ///
    /// # Errors
    /// [`Refusal::Path`].
    pub fn parse(path: &str) -> Result<Self, Refusal> {
        let names = path.strip_prefix('/').ok_or(Refusal::Path("does not begin with a slash"))?;
        if names.contains('\\') {
            return Err(Refusal::Path("has a backslash"));
        }
        let mut read = Self { names: Vec::new() };
        let mut names = names.split('/').peekable();
        while let Some(name) = names.next() {
            if name.is_empty() {
                // A slash at the end is no name; two in a row are read differently everywhere.
                if names.peek().is_none() {
                    break;
                }
                return Err(Refusal::Path("has two slashes in a row"));
            }
            let name = decode(name)?;
            let generous = generous(&name)?;
            read.names.push(Name { sent: name.into_owned(), generous });
        }
        Ok(read)
    }

    /// Whether this path is `below` or lies below it, name by name: `/admin` covers `/admin/users` and
    /// not `/administrator`.
    #[must_use]
    pub fn is_below(&self, below: &Self, reading: Reading) -> bool {
        let below_as_read = |reading: Reading| {
            let mut pairs = self.names.iter().zip(&below.names);
            self.names.len() >= below.names.len()
                && pairs.all(|(own, other)| own.read(reading) == other.read(reading))
        };
        below_as_read(reading)
            || reading == Reading::WithoutExtension && self.is_but_for_its_extension(below)
    }

    /// Whether an app that ignores extensions takes this path for `other`. Where the extension begins,
    /// no two programs agree: of `/a.b.c` it may be `.c` or `.b.c`.
    fn is_but_for_its_extension(&self, other: &Self) -> bool {
        fn generous(name: &Name) -> &str {
            name.read(Reading::Generous)
        }
        match (self.names.split_last(), other.names.split_last()) {
            (Some((name, above)), Some((short, others_above))) => {
                let (name, short) = (generous(name), generous(short));
                let rest = name.strip_prefix(short).map(|rest| rest.trim_start_matches(' '));
                above.iter().map(generous).eq(others_above.iter().map(generous))
                    && rest.is_some_and(|rest| rest.starts_with('.'))
            }
            _ => false,
        }
    }
}

/// How the names of a path are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    AsSent,
    Generous,
    /// Generously, and the last name also without its extension.
    WithoutExtension,
}

/// A name without percent-encoding, if every program decodes it to the same.
fn decode(name: &str) -> Result<Cow<'_, str>, Refusal> {
    let text = if name.contains('%') { Cow::Owned(percent_decode(name)?) } else { name.into() };
    let refused = if text.chars().any(char::is_control) {
        "has a control character"
    } else if text.contains(['/', '\\']) {
        "has an encoded slash or backslash"
    } else if is_encoded_again(&text) {
        "is encoded twice"
    } else {
        return Ok(text);
    };
    Err(Refusal::Path(refused))
}

fn percent_decode(name: &str) -> Result<String, Refusal> {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next(), rest.next()].map(|digit| hex(digit.unwrap_or_default()));
        let [Some(high), Some(low)] = digits else {
            return Err(Refusal::Path("has a percent sign that encodes nothing"));
        };
        bytes.push(high << 4 | low);
    }
    String::from_utf8(bytes).map_err(|_| Refusal::Path("has bytes that are no UTF-8 when decoded"))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// Whether a second decoding would find something to decode.
fn is_encoded_again(text: &str) -> bool {
    text.split('%').skip(1).any(|rest| {
        let mut digits = rest.bytes();
        let two = [digits.next(), digits.next()];
        two.into_iter().all(|digit| digit.and_then(hex).is_some())
    })
}

/// A name as the most generous app reads it: Java servers cut `;parameters` off, some file systems
/// know no case and no dot or space at the end, and what decodes twice ends at `?` or `#`. `None` where
/// that is the name itself.
fn generous(name: &str) -> Result<Option<String>, Refusal> {
    let cut = name.split([';', '?', '#']).next().unwrap_or_default();
    if matches!(cut, "." | "..") {
        return Err(Refusal::Path("goes up or stays where it is"));
    }
    let cut = cut.trim_end_matches(['.', ' ']);
    if cut.is_empty() {
        return Err(Refusal::Path("has a name that some programs read as none"));
    }
    let is_plain = cut.len() == name.len()
        && cut.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    Ok(if is_plain { None } else { Some(fold(cut)).filter(|read| read != name) })
}

/// A name without its case, letter by letter: in lower, then upper, then lower case. Any one of them
/// leaves letters apart that an app may take for one: `ı` and `i`, `ſ` and `s`, `ß` and `ss` meet in upper
/// case, the Kelvin sign and `k` in lower case. `İ` meets `i` in some languages only, and nobody here knows
/// in which one the app reads.
fn fold(name: &str) -> String {
    let letters = name.chars().map(|letter| if letter == 'İ' { 'i' } else { letter });
    let lower = letters.flat_map(char::to_lowercase);
    lower.flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_refused(target: &str) -> bool {
        AppPath::of_target(target).is_err()
    }

    fn lies_below(path: &str, below: &str, reading: Reading) -> bool {
        AppPath::of_target(path).unwrap().is_below(&AppPath::parse(below).unwrap(), reading)
    }

    #[test]
    fn whatever_goes_up_is_refused_in_every_spelling() {
        for bad in [
            "/public/../admin",
            "/public/..",
            "/./admin",
            "/public/%2e%2e/admin",
            "/%2E/admin",
            "/public/.%2e/admin",
            "/public/..;/admin",
            "/public/..;a=b/admin",
            "/public/%2e%2e%3b/x",
            "/public/..%2fadmin",
            "/public%2f..%2fadmin",
            "/public/..%5cadmin",
            "/public\\..\\admin",
            "/public/%252e%252e/admin",
            "/public/%25%32%65%25%32%65/admin",
            "/public/...",
            "/public/%c0%ae%c0%ae/admin",
            "/public/..%00/admin",
            "/public/.. /admin",
        ] {
            assert!(is_refused(bad), "{bad}");
        }
    }

    #[test]
    fn what_programs_read_differently_is_refused() {
        for bad in [
            "",
            "admin",
            "*",
            "//admin",
            "/public//admin",
            "//evil.test/x",
            "/a/%2f/b",
            "/a%5Cb",
            "/a%00",
            "/a%0d%0aX-User-ID:1",
            "/a%0",
            "/a%",
            "/a%zz",
            "/a%g0",
            "/%ff",
            "/a\tb",
            "/ä",
            "/a b",
            "/a#b",
            "/a\u{0}b",
            "/;x",
            "/a/;jsessionid=1",
            "/%3fx",
            "/a/%23",
            "https://wiki.test/x",
            "http:/x",
        ] {
            assert!(is_refused(bad), "{bad:?}");
        }
        assert!(is_refused(&format!("/{}", "a".repeat(LONGEST))));
    }

    #[test]
    fn ordinary_paths_are_read() {
        for good in [
            "/",
            "/a",
            "/a/",
            "/a/b.c/d",
            "/%C3%A4",
            "/C%23.html",
            "/a?q=/../x&r=%zz",
            "/a%20b",
            "/.well-known/x",
            "/a..b",
            "/~me/x;v=1",
            "/100%25",
            "/a@b:c",
            "/a?x=%00",
        ] {
            assert!(!is_refused(good), "{good}");
        }
    }

    #[test]
    fn a_prefix_ends_at_a_slash() {
        assert!(lies_below("/admin", "/admin", Reading::AsSent));
        assert!(lies_below("/admin/users?x", "/admin/", Reading::AsSent));
        assert!(lies_below("/%61dmin/users", "/admin", Reading::AsSent));
        assert!(lies_below("/anything", "/", Reading::AsSent));
        assert!(!lies_below("/administrator", "/admin", Reading::AsSent));
        assert!(!lies_below("/", "/admin", Reading::AsSent));
    }

    #[test]
    fn a_generous_app_reads_more_paths_as_the_same() {
        for like_admin in
            ["/Admin", "/ADMIN/x", "/admin;v=1/x", "/admin./x", "/admin%20", "/admin%3fx"]
        {
            assert!(lies_below(like_admin, "/admin", Reading::Generous), "{like_admin}");
            assert!(!lies_below(like_admin, "/admin", Reading::AsSent), "{like_admin}");
        }
    }

    #[test]
    fn an_app_without_regard_to_case_may_compare_in_upper_or_in_lower_case() {
        for (sent, ruled) in [
            ("/adm%C4%B1n", "/admin"),
            ("/ADM%C4%B0N", "/admin"),
            ("/%C5%BFtaff", "/staff"),
            ("/%E2%84%AAeys", "/keys"),
            ("/admin", "/adm%C4%B1n"),
            ("/strasse", "/stra%C3%9Fe"),
            ("/STRASSE/x", "/stra%C3%9Fe"),
            ("/%CE%A3%CE%91%CE%A3", "/%CF%83%CE%B1%CF%82"),
            ("/%CE%BCm", "/%C2%B5m"),
            ("/%EF%AC%81les", "/files"),
            ("/%C3%84", "/%C3%A4"),
            ("/%E1%BA%9E", "/ss"),
        ] {
            assert!(lies_below(sent, ruled, Reading::Generous), "{sent}");
            assert!(!lies_below(sent, ruled, Reading::AsSent), "{sent}");
        }
        assert!(lies_below("/%C5%BFtaff.json", "/staff", Reading::WithoutExtension));
        assert!(!lies_below("/%C3%A4dmin", "/admin", Reading::Generous));
    }

    #[test]
    fn no_letter_is_another_in_upper_or_in_lower_case() {
        for letter in ('\0'..=char::MAX).filter(|letter| *letter != 'İ') {
            let folded = fold(&letter.to_string());
            assert!(!folded.is_empty());
            assert_eq!(fold(&letter.to_uppercase().to_string()), folded, "{letter:?}");
            assert_eq!(fold(&letter.to_lowercase().to_string()), folded, "{letter:?}");
            assert_eq!(fold(&folded), folded, "{letter:?}");
        }
    }

    #[test]
    fn an_app_may_ignore_the_extension_of_the_last_name() {
        for like_board in [
            "/board",
            "/board/x.json",
            "/board.json",
            "/Board.JSON",
            "/board.tar.gz",
            "/board.json;v=1",
            "/board;v=1.json",
            "/board.json/",
            "/board%2ejson?x",
            "/board%20.json",
        ] {
            assert!(lies_below(like_board, "/board", Reading::WithoutExtension), "{like_board}");
        }
        for other in
            ["/boardroom.json", "/x/board.json", "/board-json", "/board%20x", "/.board", "/"]
        {
            assert!(!lies_below(other, "/board", Reading::WithoutExtension), "{other}");
        }
        assert!(lies_below("/a/b.c.d", "/a/b.c", Reading::WithoutExtension));
        assert!(!lies_below("/board.json", "/board", Reading::Generous));
    }

    proptest! {
        #[test]
        fn each_reading_covers_what_the_one_before_covers(
            path in "(/[abAB.;]{1,4}){0,3}",
            rule in "(/[ab.]{1,3}){0,2}",
        ) {
            let path = AppPath::parse(&format!("/{}", path.trim_start_matches('/')));
            let rule = AppPath::parse(&format!("/{}", rule.trim_start_matches('/')));
            if let (Ok(path), Ok(rule)) = (path, rule) {
                let covers = |reading| path.is_below(&rule, reading);
                prop_assert!(!covers(Reading::AsSent) || covers(Reading::Generous));
                prop_assert!(!covers(Reading::Generous) || covers(Reading::WithoutExtension));
            }
        }

        #[test]
        fn no_target_makes_it_panic_and_what_is_read_has_no_way_up(target in "/[ -~]{0,40}") {
            if let Ok(path) = AppPath::of_target(&target) {
                let both = [Reading::AsSent, Reading::Generous];
                for name in path.names.iter().flat_map(|name| both.map(|way| name.read(way))) {
                    prop_assert!(!name.is_empty() && name != "." && name != "..");
                    prop_assert!(!name.contains(['/', '\\', '\0']));
                }
            }
        }
    }
}
