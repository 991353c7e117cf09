//! What browsers say about where a request comes from and what it is for (Fetch Metadata Request
//! Headers). A request without these headers says nothing.

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::HeaderName;

const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

fn says(request: &HttpRequest, header: &HeaderName, value: &str) -> bool {
    request.headers().get(header).is_some_and(|said| said.as_bytes() == value.as_bytes())
}

/// Whether a page of another site posts this. Our cookies are not sent with it, since they are
/// `SameSite=Lax`; so nothing can be concluded from their absence, and none may be replaced.
pub fn is_posted_by_another_site(request: &HttpRequest) -> bool {
    request.method() == Method::POST && says(request, &SITE, "cross-site")
}

/// Whether a window or tab opens this address: then whatever cookies there are have been sent. Not so
/// with pictures, scripts and frames of another site.
pub fn opens_a_window(request: &HttpRequest) -> bool {
    request.method() == Method::GET
        && says(request, &MODE, "navigate")
        && says(request, &DEST, "document")
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn only_what_opens_a_window_by_get_is_known_to_bring_every_cookie() {
        let opens = |method: Method, mode: &str, dest: &str| {
            let request = TestRequest::default().method(method);
            let request = request.insert_header((MODE, mode)).insert_header((DEST, dest));
            opens_a_window(&request.to_http_request())
        };
        assert!(opens(Method::GET, "navigate", "document"));
        assert!(!opens(Method::POST, "navigate", "document"));
        assert!(!opens(Method::GET, "navigate", "iframe"));
        assert!(!opens(Method::GET, "no-cors", "image"));
        assert!(!opens_a_window(&TestRequest::default().to_http_request()));
    }
}
