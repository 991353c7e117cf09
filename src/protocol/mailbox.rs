//! Addresses of mail as settings write them (RFC 5322 section 3.4): an address, or a name and the
//! address in angle brackets. Less than the grammar allows: no quotes, comments, groups or routes,
//! which nobody needs to name a sender.

/// The name, if there is one, and the address of a mailbox; `None` when it is none.
#[must_use]
pub fn split(text: &str) -> Option<(Option<&str>, &str)> {
    let text = text.trim();
    let Some(inner) = text.strip_suffix('>') else {
        return is_address(text).then_some((None, text));
    };
    let (name, address) = inner.rsplit_once('<')?;
    let name = name.trim();
    let plain = |c: char| !c.is_control() && !matches!(c, '<' | '>' | '"' | '\\');
    let good = is_address(address) && name.chars().all(plain) && name.chars().count() <= 100;
    good.then_some(((!name.is_empty()).then_some(name), address))
}

/// Whether this is a mailbox that [`split`] can read.
#[must_use]
pub fn is_mailbox(text: &str) -> bool {
    split(text).is_some()
}

/// Whether this is one plain address, with nothing that could end a line of a header.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let good = |c: char| !c.is_control() && !c.is_whitespace() && !"<>()[]\\,;:\"@".contains(c);
    !local.is_empty()
        && !domain.is_empty()
        && text.len() <= 254
        && local.chars().all(good)
        && domain.chars().all(good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_stands_alone_or_after_a_name() {
        assert_eq!(split("sso@example.com"), Some((None, "sso@example.com")));
        assert_eq!(split(" Our Door <a@b.test> "), Some((Some("Our Door"), "a@b.test")));
        assert_eq!(split("<a@b.test>"), Some((None, "a@b.test")));
    }

    #[test]
    fn what_could_be_two_addresses_or_two_lines_is_none() {
        for bad in [
            "",
            "a",
            "@b",
            "a@",
            "a@b, c@d",
            "a@b@c",
            "a b@c",
            "a@b\r\nBcc: c@d",
            "Name\r\nBcc: c@d <a@b>",
            "\"x\" <a@b>",
            "x <a@b> y",
            "<a@b",
        ] {
            assert_eq!(split(bad), None, "{bad:?}");
        }
    }
}
