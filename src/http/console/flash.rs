//! One message from a change to the page that is shown next: sealed into a short-lived cookie, so
//! that nothing is stored and nobody can put words into our mouth. It may bring a form that takes the
//! change back.

use actix_web::HttpRequest;
use actix_web::cookie::Cookie;

use crate::clock::Seconds;
use crate::crypto::seal::Purpose;
use crate::http::cookies::{self, Kind};
use crate::http::pages::{Flash, Tone, Undo};
use crate::http::site::Site;
use crate::protocol::types::SessionId;

/// How long a message waits for its page.
const LIFETIME: Seconds = 60;

/// The longest message, which keeps the cookie below 2 KB whatever the letters.
const MOST_CHARS: usize = 300;

/// The longest sealed message: browsers refuse cookies of more than 4 KB. Without the form it is shorter.
const MOST_BYTES: usize = 3_500;

/// What is sealed.
#[derive(serde::Serialize, serde::Deserialize)]
struct Sealed {
    /// The session it is for: shown to nobody else.
    session: SessionId,
    good: bool,
    text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    undo: Option<Undo>,
}

/// The cookie that carries a message to this session's next page.
pub(super) fn cookie(site: &Site, session: &SessionId, flash: &Flash) -> Cookie<'static> {
    let mut sealed = Sealed {
        session: session.clone(),
        good: flash.tone == Tone::Done,
        text: flash.text.chars().take(MOST_CHARS).collect(),
        undo: flash.undo.clone(),
    };
    let seal = |sealed: &Sealed| {
        let plain = serde_json::to_vec(sealed).unwrap_or_default();
        site.sealer.seal(Purpose::Flash, &plain)
    };
    let mut value = seal(&sealed);
    if value.len() > MOST_BYTES {
        sealed.undo = None;
        value = seal(&sealed);
    }
    cookies::write(site, Kind::Flash, (&value, Some(LIFETIME)))
}

/// The message that this request brings for this session.
pub(super) fn read(site: &Site, request: &HttpRequest, session: &SessionId) -> Option<Flash> {
    let value = cookies::read(site, request, Kind::Flash)?;
    let plain = site.sealer.open(Purpose::Flash, &value)?;
    let sealed: Sealed = serde_json::from_slice(&plain).ok()?;
    let tone = if sealed.good { Tone::Done } else { Tone::Warning };
    let Sealed { session: of, text, undo, .. } = sealed;
    (of == *session).then_some(Flash { tone, text, undo })
}

/// Whether there is a cookie to remove.
pub(super) fn is_there(site: &Site, request: &HttpRequest) -> bool {
    cookies::read(site, request, Kind::Flash).is_some()
}
