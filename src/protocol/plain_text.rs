//! Which characters of a text that somebody else chose can disguise what it says. One list for
//! everything that is stored, shown or printed.

/// Whether a character says nothing itself and changes how the rest is read: control characters,
/// line and paragraph separators, those that turn the direction of text around (Unicode's
/// `Bidi_Control`), those that are not seen, and tags. Joiners are in [`is_disguised`], since they
/// have a place in some scripts.
#[must_use]
pub fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'
                | '\u{200e}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// Whether a text holds a deceptive character, or a joiner (U+200C, U+200D) where no script needs
/// one: Persian, Sinhala and other names are written with them, "Goo<U+200D>gle" is not.
#[must_use]
pub fn is_disguised(text: &str) -> bool {
    let mut before = ' ';
    text.chars().any(|c| {
        let joins_nothing = matches!(c, '\u{200c}' | '\u{200d}') && !may_be_joined(before);
        before = c;
        joins_nothing || is_deceptive(c)
    })
}

/// Arabic to Sinhala, Tibetan, Myanmar, Khmer and Mongolian letters and marks, and pictures.
fn may_be_joined(c: char) -> bool {
    matches!(c, '\u{600}'..='\u{dff}' | '\u{f00}'..='\u{109f}' | '\u{1780}'..='\u{18af}')
        || matches!(c, '\u{2600}'..='\u{27bf}' | '\u{fe0f}' | '\u{1f000}'..='\u{1faff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_a_disguise() {
        for bad in [
            '\0',
            '\n',
            '\u{7f}',
            '\u{85}',
            '\u{ad}',
            '\u{61c}',
            '\u{200b}',
            '\u{200c}',
            '\u{200d}',
            '\u{200e}',
            '\u{2028}',
            '\u{2029}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{2069}',
            '\u{feff}',
            '\u{e0041}',
        ] {
            assert!(is_disguised(&format!("Goo{bad}gle")), "{bad:?}");
            assert!(is_disguised(&format!("{bad}Google")), "{bad:?}");
        }
    }

    #[test]
    fn names_in_every_script_are_plain() {
        for good in [
            "Ärztin",
            "Ὀδυσσεύς",
            "東京",
            "مرحبا",
            "שלום",
            "cafe\u{301}",
            "🚲 – “x”",
            "a\u{a0}\u{3000}b",
            "می\u{200c}خواهم",
            "ශ\u{dca}\u{200d}රී",
            "👩\u{200d}🚒",
        ] {
            assert!(!is_disguised(good), "{good:?}");
        }
    }
}
