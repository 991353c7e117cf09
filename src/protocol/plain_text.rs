//! Which characters of a text that somebody else chose can disguise what it says. One list for
//! everything that is stored, shown or printed.

/// Whether a character says nothing itself and changes how the rest is read: control characters,
/// line and paragraph separators, those that turn the direction of text around (Unicode's
/// `Bidi_Control`), tags, and those that are not seen (`Default_Ignorable_Code_Point`, and two that only
/// their fonts leave blank). Joiners and those that choose a form of the character before are in
/// [`is_disguised`], since they have a place in some scripts.
#[must_use]
pub fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180e}'
                | '\u{200b}'
                | '\u{200e}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d159}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Whether a text holds a deceptive character, or one of these where it has no place: a joiner (U+200C,
/// U+200D) in a script that needs none (Persian, Sinhala and other names are written with them,
/// "Goo<U+200D>gle" is not), and a variation selector behind anything but a picture or a Mongolian letter.
#[must_use]
pub fn is_disguised(text: &str) -> bool {
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let has_place = match c {
            '\u{200c}' | '\u{200d}' => may_be_joined(before),
            '\u{fe0e}' | '\u{fe0f}' => {
                may_be_picture(before) || may_be_key(before) && rest.peek() == Some(&'\u{20e3}')
            }
            '\u{fe00}'..='\u{fe0d}' => false,
            '\u{180b}'..='\u{180d}' | '\u{180f}' => matches!(before, '\u{1820}'..='\u{18aa}'),
            other => !is_deceptive(other),
        };
        if !has_place {
            return true;
        }
        before = c;
    }
    false
}

/// Whether a name can be seen and told apart: not disguised, and not of spaces and marks alone, which show
/// at whatever stands before them.
#[must_use]
pub fn is_plain_name(text: &str) -> bool {
    !is_disguised(text) && text.chars().any(|c| !c.is_whitespace() && !is_mark(c))
}

/// Combining marks that belong to no script, and what only joins or varies.
fn is_mark(c: char) -> bool {
    matches!(
        c,
        '\u{300}'..='\u{36f}'
            | '\u{1ab0}'..='\u{1aff}'
            | '\u{1dc0}'..='\u{1dff}'
            | '\u{200c}'..='\u{200d}'
            | '\u{20d0}'..='\u{20ff}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{fe20}'..='\u{fe2f}'
    )
}

/// Arabic to Sinhala, Tibetan, Myanmar, Khmer and Mongolian letters and marks, and pictures.
fn may_be_joined(c: char) -> bool {
    matches!(c, '\u{600}'..='\u{dff}' | '\u{f00}'..='\u{109f}' | '\u{1780}'..='\u{18af}')
        || matches!(c, '\u{2600}'..='\u{27bf}' | '\u{fe0f}' | '\u{1f000}'..='\u{1faff}')
}

/// What a variation selector shows as text or as a picture (Unicode's `emoji-variation-sequences.txt`).
fn may_be_picture(c: char) -> bool {
    matches!(c, '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}')
        || matches!(c, '\u{2194}'..='\u{21aa}' | '\u{231a}'..='\u{23fa}' | '\u{24c2}')
        || matches!(c, '\u{25aa}'..='\u{27bf}' | '\u{2934}'..='\u{2935}' | '\u{2b05}'..='\u{2b55}')
        || matches!(
            c,
            '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}' | '\u{1f000}'..='\u{1faff}'
        )
}

/// What is written on a key: with U+20E3 behind it, a picture of one.
fn may_be_key(c: char) -> bool {
    matches!(c, '0'..='9' | '#' | '*')
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
            '\u{34f}',
            '\u{115f}',
            '\u{1160}',
            '\u{17b4}',
            '\u{2800}',
            '\u{3164}',
            '\u{ffa0}',
            '\u{fe00}',
            '\u{fe0e}',
            '\u{fe0f}',
            '\u{180b}',
            '\u{e0100}',
            '\u{e01ef}',
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
            "I ❤\u{fe0f} Wiki\u{2122}\u{fe0f}",
            "1\u{fe0f}\u{20e3} First",
            "👁\u{fe0f}\u{200d}🗨\u{fe0f}",
            "ᠭ\u{180b}ᠠ",
            "한글",
        ] {
            assert!(!is_disguised(good) && is_plain_name(good), "{good:?}");
        }
    }

    #[test]
    fn a_variation_has_a_place_behind_what_it_varies_only() {
        for bad in ["wiki\u{fe0f}", "1\u{fe0f}", "❤\u{fe0f}\u{fe0f}", "❤\u{fe01}", "東\u{e0100}京"]
        {
            assert!(is_disguised(bad), "{bad:?}");
        }
    }

    #[test]
    fn a_name_of_nothing_that_is_seen_is_none() {
        for bad in
            ["", " ", "\u{a0}", "\u{3000}\u{2003}", "\u{301}", "\u{3164}", "\u{2800}", "\u{20dd} "]
        {
            assert!(!is_plain_name(bad), "{bad:?}");
        }
    }
}
