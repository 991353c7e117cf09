//! The page behind "this was not me".

use actix_web::HttpResponse;

use super::{chrome, page};
use crate::http::headers::Forms;
use crate::http::pages::not_me::{NotMe, Where};
use crate::http::pages::{FlowForm, When};
use crate::http::sign_in::steps::Visit;
use crate::service::risk::not_me::Disputed;

/// What happened, and the button.
pub(in crate::http) fn not_me(
    visit: &Visit<'_>,
    token: String,
    disputed: Disputed,
) -> HttpResponse {
    let chrome = chrome(visit.site);
    let nonce = chrome.nonce.clone();
    let session = disputed.session;
    let body = NotMe {
        chrome,
        form: FlowForm { flow: String::new(), csrf: visit.csrf() },
        token,
        username: disputed.user.username,
        at: When::at(disputed.told_at),
        session: session.map(|row| Where { device: row.device, address: row.address }),
    };
    page(&nonce, &body, Forms::HereOnly)
}
