//! Turning what a person types into a search box into a `like` pattern.

/// Longer searches find nothing more and cost more.
const LONGEST: usize = 200;

/// The beginning of lower-case text that is meant by `typed`. `None` when nothing was typed.
pub(in crate::store) fn prefix(typed: Option<&str>) -> Option<String> {
    let typed = typed.map(str::trim).filter(|typed| !typed.is_empty())?;
    Some(typed.to_lowercase().chars().take(LONGEST).collect())
}

/// A pattern for `like $n escape '!'` that matches lower-case text beginning with `typed`.
/// `None` when nothing was typed.
pub(in crate::store) fn prefix_pattern(typed: Option<&str>) -> Option<String> {
    let prefix = prefix(typed)?;
    let mut pattern = String::with_capacity(prefix.len() + 1);
    for c in prefix.chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    Some(pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_that_were_typed_are_taken_literally() {
        assert_eq!(prefix_pattern(Some(" 50%_Off! ")).as_deref(), Some("50!%!_off!!%"));
    }

    #[test]
    fn a_beginning_is_what_was_typed_in_lower_case() {
        assert_eq!(prefix(Some(" 50%_Off! ")).as_deref(), Some("50%_off!"));
        assert_eq!(prefix(Some(" ")), None);
        let long = "É".repeat(LONGEST + 9);
        assert_eq!(prefix(Some(&long)).as_deref(), Some("é".repeat(LONGEST).as_str()));
    }

    #[test]
    fn an_empty_search_is_no_search() {
        assert_eq!(prefix_pattern(Some("  ")), None);
        assert_eq!(prefix_pattern(None), None);
    }
}
