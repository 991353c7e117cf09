//! Turning what a person types into a search box into a `like` pattern.

/// Longer searches find nothing more and cost more.
const LONGEST: usize = 200;

/// A pattern for `like $n escape '!'` that matches lower-case text beginning with `typed`.
/// `None` when nothing was typed.
pub(in crate::store) fn prefix_pattern(typed: Option<&str>) -> Option<String> {
    let typed = typed.map(str::trim).filter(|typed| !typed.is_empty())?;
    let mut pattern = String::with_capacity(typed.len() + 1);
    for c in typed.to_lowercase().chars().take(LONGEST) {
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
    fn an_empty_search_is_no_search() {
        assert_eq!(prefix_pattern(Some("  ")), None);
        assert_eq!(prefix_pattern(None), None);
    }
}
