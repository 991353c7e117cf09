//! One message from a change to the page that is shown next: sealed into a short-lived cookie, so
//! that nothing is stored and nobody can put words into our mouth.

use actix_web::HttpRequest;
use actix_web::cookie::Cookie;

use crate::clock::Seconds;
use crate::crypto::seal::Purpose;
use crate::http::cookies::{self, Kind};
use crate::http::pages::{Flash, Tone};
use crate::http::site::Site;
use crate::protocol::types::SessionId;

/// How long a message waits for its page.
const LIFETIME: Seconds = 60;

/// The longest message, which keeps the cookie below 2 KB whatever the letters.
const MOST_CHARS: usize = 300;

/// What is sealed.
#[derive(serde::Serialize, serde::Deserialize)]
struct Sealed {
    /// The session it is for: shown to nobody else.
    session: SessionId,
    good: bool,
    text: String,
}

/// The cookie that carries a message to this session's next page.
pub(super) fn cookie(site: &Site, session: &SessionId, flash: &Flash) -> Cookie<'static> {
    let sealed = Sealed {
        session: session.clone(),
        good: flash.tone == Tone::Done,
        text: flash.text.chars().take(MOST_CHARS).collect(),
    };
    let plain = serde_json::to_vec(&sealed).unwrap_or_default();
    let value = site.sealer.seal(Purpose::Flash, &plain);
    cookies::write(site, Kind::Flash, (&value, Some(LIFETIME)))
}

/// The message that this request brings for this session.
pub(super) fn read(site: &Site, request: &HttpRequest, session: &SessionId) -> Option<Flash> {
    let value = cookies::read(site, request, Kind::Flash)?;
    let plain = site.sealer.open(Purpose::Flash, &value)?;
    let sealed: Sealed = serde_json::from_slice(&plain).ok()?;
    let tone = if sealed.good { Tone::Done } else { Tone::Warning };
    (sealed.session == *session).then_some(Flash { tone, text: sealed.text })
}

/// Whether there is a cookie to remove.
pub(super) fn is_there(site: &Site, request: &HttpRequest) -> bool {
    cookies::read(site, request, Kind::Flash).is_some()
}
