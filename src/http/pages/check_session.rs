//! The page that apps load, unseen, to ask whether the session has changed (Session Management 1.0
//! section 3.2). It is for scripts: nobody looks at it, and any site may frame it.

use askama::Template;

/// The script on the page. It is constant, so that its hash can stand in the policy and browsers may
/// keep the page.
pub const SCRIPT: &str = include_str!("../../../static/check-session.js");

/// What lets [`SCRIPT`], and nothing else, run.
pub const SCRIPT_SOURCE: &str = "'sha256-m+IYtOA7UYVkgKC34bEq6yxKHCCSZ0qdSG47uHUzvmQ='";

/// `GET /oauth2/check_session`.
#[derive(Debug, Template)]
#[template(path = "check_session.html")]
pub struct CheckSession {
    /// The name of the cookie that holds the browser state.
    pub cookie: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::assets;

    #[test]
    fn the_policy_source_is_the_hash_of_the_script() {
        let digest = assets::sha256("check-session.js").unwrap();
        let source = format!("'sha256-{}'", data_encoding::BASE64.encode(&digest));
        assert_eq!(SCRIPT_SOURCE, source);
    }

    #[test]
    fn the_page_names_the_cookie_and_carries_the_script_byte_for_byte() {
        let html = CheckSession { cookie: "__Host-doorward_state" }.render().unwrap();
        assert!(html.contains(&format!("<script>{SCRIPT}</script>")));
        assert!(html.contains(r#"data-cookie="__Host-doorward_state""#));
    }
}
