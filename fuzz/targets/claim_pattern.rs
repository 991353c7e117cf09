//! Patterns of trusted issuers: a value fits a pattern exactly when a plain backtracking search says
//! so, and no wildcard crosses a separator.
//!
//! Input: the pattern and the value with a line break between them.

use doorward::protocol::token::trusted_issuer::fits;

pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Some((pattern, value)) = text.split_once('\n') else { return };
    // The search below takes exponential time for many wildcards.
    if pattern.len() > 24 || value.len() > 48 || pattern.matches('*').count() > 4 {
        return;
    }
    let found = fits(pattern, value);
    assert_eq!(found, search(pattern, value), "{pattern:?} {value:?}");
    let separators = |text: &str| text.chars().filter(|c| matches!(c, ':' | '/')).count();
    if found {
        assert_eq!(separators(pattern), separators(value), "{pattern:?} {value:?}");
    }
}

fn search(pattern: &str, value: &str) -> bool {
    let Some(wanted) = pattern.chars().next() else { return value.is_empty() };
    let rest = &pattern[wanted.len_utf8()..];
    if wanted != '*' {
        return value.strip_prefix(wanted).is_some_and(|value| search(rest, value));
    }
    let ends = value.char_indices().take_while(|(_, c)| !matches!(c, ':' | '/'));
    let mut ends = ends.map(|(start, c)| start + c.len_utf8());
    ends.any(|end| search(rest, &value[end..]))
}
