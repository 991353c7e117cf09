//! Preconditions of a request (RFC 9110 section 13).

/// The conditional headers of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    pub if_match: Option<Tags>,
    pub if_none_match: Option<Tags>,
}

impl Conditions {
    /// Whether `If-Match` names another value than the one with this tag; `None` is no value.
    #[must_use]
    pub fn names_another(&self, tag: Option<&str>) -> bool {
        self.if_match.as_ref().is_some_and(|tags| !tag.is_some_and(|tag| tags.name(tag)))
    }

    /// Whether they forbid to change the value with this tag; `None` is no value.
    #[must_use]
    pub fn forbid_change_of(&self, tag: Option<&str>) -> bool {
        self.names_another(tag) || tag.is_some_and(|tag| self.is_known(tag))
    }

    /// Whether the sender of `If-None-Match` knows the value with this tag.
    #[must_use]
    pub fn is_known(&self, tag: &str) -> bool {
        self.if_none_match.as_ref().is_some_and(|tags| tags.name_weakly(tag))
    }
}

/// Tags in a conditional header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tags {
    Any,
    These(Vec<Tag>),
}

/// One tag of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    strength: Strength,
    /// Without its quotes.
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strength {
    Strong,
    Weak,
}

impl Tags {
    /// Reads a header's value (RFC 9110 sections 8.8.3 and 13.1); `None` if it is not understood.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        if header.trim() == "*" {
            return Some(Self::Any);
        }
        let mut tags = Vec::new();
        let mut rest = header;
        loop {
            // Empty members of a list are ignored (section 5.6.1).
            rest = rest.trim_start_matches([' ', '\t', ',']);
            if rest.is_empty() {
                break;
            }
            let (tag, behind) = Tag::at_the_start_of(rest)?;
            tags.push(tag);
            rest = behind.trim_start_matches([' ', '\t']);
            if !rest.is_empty() && !rest.starts_with(',') {
                return None;
            }
        }
        (!tags.is_empty()).then_some(Self::These(tags))
    }

    /// Whether a tag with this text is among them. Strong comparison (section 8.8.3.2): a weak tag names
    /// nothing.
    #[must_use]
    pub fn name(&self, tag: &str) -> bool {
        match self {
            Self::Any => true,
            Self::These(tags) => {
                tags.iter().any(|one| one.strength == Strength::Strong && one.text == tag)
            }
        }
    }

    fn name_weakly(&self, tag: &str) -> bool {
        match self {
            Self::Any => true,
            Self::These(tags) => tags.iter().any(|one| one.text == tag),
        }
    }
}

impl Tag {
    /// The tag that a text begins with, and what follows it.
    fn at_the_start_of(text: &str) -> Option<(Self, &str)> {
        let (strength, quoted) = match text.strip_prefix("W/") {
            Some(rest) => (Strength::Weak, rest),
            None => (Strength::Strong, text),
        };
        let (text, behind) = quoted.strip_prefix('"')?.split_once('"')?;
        let plain = text.chars().all(|c| c.is_ascii_graphic());
        plain.then(|| (Self { strength, text: text.to_owned() }, behind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_lists_of_tags() {
        assert_eq!(Tags::parse(" * "), Some(Tags::Any));
        let some = Tags::parse(" \"a\" ,, W/\"b,c\",\"\"").unwrap();
        assert!(some.name("a") && some.name("") && !some.name("b,c"));
        assert!(some.name_weakly("b,c") && !some.name_weakly("b"));
        for text in ["", " ", ",", "a", "\"", "*, \"a\"", "\"a\" \"b\"", "w/\"a\"", "\"a b\""] {
            assert_eq!(Tags::parse(text), None, "{text}");
        }
    }

    #[test]
    fn no_value_satisfies_if_match_and_every_value_fails_if_none_match_of_any() {
        let demand = Conditions { if_match: Some(Tags::Any), if_none_match: None };
        assert!(demand.forbid_change_of(None) && !demand.forbid_change_of(Some("t")));
        let only_new = Conditions { if_match: None, if_none_match: Some(Tags::Any) };
        assert!(!only_new.forbid_change_of(None) && only_new.forbid_change_of(Some("t")));
    }
}
