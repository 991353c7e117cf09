//! Sample words for [`super::samples`]. Tests switch them to hostile ones, so that every place
//! where a page shows somebody's words is tried with them.

/// Somebody's words on a sample page.
#[cfg(not(test))]
pub(super) fn words(text: &str) -> String {
    text.to_owned()
}

#[cfg(test)]
pub(super) use switched::{HOSTILE, with_hostile_words, words};

#[cfg(test)]
mod switched {
    use std::cell::Cell;

    /// Markup, a broken-out attribute, a script URL and a right-to-left override.
    pub(crate) const HOSTILE: &str = "javascript:alert(1)//\"'><script>alert(1)</script><img src=x onerror=alert(1)>\u{202e}evil";

    thread_local!(static ON: Cell<bool> = const { Cell::new(false) });

    pub(crate) fn words(text: &str) -> String {
        if ON.get() { HOSTILE.to_owned() } else { text.to_owned() }
    }

    /// Runs `make` with every sample word replaced by [`HOSTILE`].
    pub(crate) fn with_hostile_words<T>(make: impl FnOnce() -> T) -> T {
        ON.set(true);
        let pages = make();
        ON.set(false);
        pages
    }
}
