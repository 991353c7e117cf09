//! The pages on the way through a sign-in and out again.

use actix_web::HttpResponse;
use actix_web::http::header;

use super::about::about;
use super::{chrome, page, page_with};
use crate::app::App;
use crate::http::extract::request_id;
use crate::http::headers::{Forms, framing_policy};
use crate::http::pages::consent::{Consent, Detail, claim_sentence, scope_sentence};
use crate::http::pages::form_post::{self, FormPost};
use crate::http::pages::reset_password::ResetPassword;
use crate::http::pages::setup::Setup;
use crate::http::pages::sign_in::{Purpose, Remember, SignIn};
use crate::http::pages::sign_out::{SignOut, SignedOut, SigningOut};
use crate::http::pages::views::AboutApp;
use crate::http::pages::{FieldError, FlowForm, Link, Switch};
use crate::http::sign_in::steps::{MAX_IN_URL, Visit, device_page, see_other, start_page};
use crate::http::site::Site;
use crate::protocol::authorize::reply::Reply;
use crate::protocol::client::redirect_uri;
use crate::protocol::discovery::path;
use crate::protocol::interaction::SignInReason;
use crate::protocol::logout::AfterLogout;
use crate::protocol::logout::frontchannel::Frame;
use crate::protocol::params::Params;
use crate::protocol::sign_up::SignUp;
use crate::protocol::types::UserId;
use crate::service::authorize::flow::{Flow, Target};
use crate::service::authorize::{self, AuthorizeError, ConsentPrompt, SignInPrompt};
use crate::service::failure::Failure;
use crate::service::people;
use crate::service::session::LiveSession;
use crate::service::session::logout::Next;
use crate::service::sign_in::sign_up;

/// The sign-in form before it has its browser's tokens.
pub(in crate::http) struct SignInView {
    sealed: String,
    app_name: Option<String>,
    about: AboutApp,
    purpose: Purpose,
    username: String,
    remember: Remember,
    create_href: Option<String>,
    notice: Option<&'static str>,
    errors: Vec<FieldError>,
}

impl SignInView {
    /// The form that an app's request leads to.
    pub(in crate::http) async fn of_prompt(
        site: &Site,
        prompt: SignInPrompt,
        (flow, sealed): (&Flow, String),
    ) -> Result<Self, Failure> {
        let app_name = prompt.client.metadata.client_name.clone();
        let mut view = Self::plain(sealed);
        view.about = about(&prompt.client);
        view.username = prompt.login_hint.unwrap_or_default();
        if let Some(user) = &prompt.confirm
            && let Some(username) = username_of(site, user).await?
        {
            view.username = username;
            view.remember = Remember::NotOffered;
            view.purpose = Purpose::Confirm {
                reason: reason_text(prompt.reason, &app_name),
                switch: as_another(site, flow),
            };
        }
        if prompt.sign_up == SignUp::Open {
            view.create_href = Some(to_sign_up(site, flow, &view.sealed));
        }
        view.app_name = Some(app_name);
        Ok(view)
    }

    /// The form that one of our own pages leads to.
    pub(in crate::http) async fn of_own_page(
        site: &Site,
        flow: &Flow,
        (sealed, session): (String, Option<&LiveSession>),
    ) -> Result<Self, Failure> {
        let mut view = Self::plain(sealed);
        let target = &flow.target;
        if target.is_console() {
            view.remember = Remember::NotOffered;
        } else if sign_up::is_open(site) {
            view.create_href = Some(to_sign_up(site, flow, &view.sealed));
        }
        if let Target::Gateway { back_to, .. } = target {
            view.app_name = back_to.split('/').nth(2).map(str::to_owned);
        } else if let Target::Device { .. } = target {
            view.notice = Some("Sign in first, then let the device in.");
        } else if let Some(session) = session
            && let Some(username) = username_of(site, &session.user_id).await?
        {
            view.username = username;
            view.remember = Remember::NotOffered;
            view.purpose = Purpose::Confirm {
                reason: match target {
                    Target::SignOut => "Signing out elsewhere asks for your password again.",
                    Target::AdminPage { .. } => {
                        "What you are about to do asks for your password again."
                    }
                    _ => "The console asks for your password again.",
                }
                .to_owned(),
                switch: Switch::Link(site.path("/logout")),
            };
        }
        Ok(view)
    }

    /// The form once more, after a try that failed.
    pub(in crate::http) async fn again(
        site: &Site,
        flow: &Flow,
        (sealed, session): (String, Option<&LiveSession>),
    ) -> Result<Self, Failure> {
        match authorize::sign_in_again(site, flow, session).await {
            Ok(Some(prompt)) => Self::of_prompt(site, prompt, (flow, sealed)).await,
            Err(AuthorizeError::Failure(failure)) => Err(failure),
            Err(AuthorizeError::NotAnApp) => Self::of_own_page(site, flow, (sealed, session)).await,
            // Signed in meanwhile in another tab: the form still works, for whoever types.
            Ok(None) | Err(_) => Ok(Self::plain(sealed)),
        }
    }

    /// Says what has just been done.
    pub(in crate::http) fn with_notice(mut self, notice: Option<&'static str>) -> Self {
        self.notice = notice;
        self
    }

    /// Says what was wrong; the name stays, the password does not.
    pub(in crate::http) fn with_error(mut self, typed: &str, message: &str) -> Self {
        if self.purpose == Purpose::SignIn {
            typed.clone_into(&mut self.username);
        }
        self.errors = vec![FieldError { field: "username", text: message.to_owned() }];
        self
    }

    fn plain(sealed: String) -> Self {
        Self {
            sealed,
            app_name: None,
            about: AboutApp::default(),
            purpose: Purpose::SignIn,
            username: String::new(),
            remember: Remember::Unticked,
            create_href: None,
            notice: None,
            errors: Vec::new(),
        }
    }
}

async fn username_of(app: &App, id: &UserId) -> Result<Option<String>, Failure> {
    match people::find(app, id.as_str()).await {
        Ok(user) => Ok(Some(user.username)),
        Err(people::PeopleError::Failure(failure)) => Err(failure),
        Err(_) => Ok(None),
    }
}

fn reason_text(reason: SignInReason, app_name: &str) -> String {
    match reason {
        SignInReason::MaxAge => {
            format!("{app_name} wants a more recent sign-in than your last one.")
        }
        SignInReason::StepUp(_) => {
            format!("{app_name} asks for a stronger proof that it is you.")
        }
        SignInReason::PromptLogin
        | SignInReason::NoSession
        | SignInReason::SelectAccount
        | SignInReason::AnotherPerson => {
            format!("{app_name} asks you to confirm that it is you.")
        }
    }
}

/// The sign-in form.
pub(in crate::http) fn sign_in(visit: &Visit<'_>, view: SignInView) -> HttpResponse {
    let chrome = chrome(visit.site);
    let nonce = chrome.nonce.clone();
    let form = FlowForm { flow: view.sealed, csrf: visit.csrf() };
    let body = SignIn {
        chrome,
        form,
        app_name: view.app_name,
        about: view.about,
        purpose: view.purpose,
        username: view.username,
        remember: view.remember,
        create_href: view.create_href,
        notice: view.notice.map(str::to_owned),
        errors: view.errors,
        request_id: request_id(visit.request),
    };
    page(&nonce, &body, Forms::Anywhere)
}

/// Said when an answer to the list as it was before did not count.
const LIST_CHANGED: &str =
    "What this app asks for has changed. Look at the list once more before you allow it.";

/// The consent form. What it lists is sealed into it.
pub(in crate::http) fn consent(
    visit: &Visit<'_>,
    prompt: &ConsentPrompt,
    flow: &Flow,
) -> HttpResponse {
    let changed = flow.listed.as_ref().is_some_and(|listed| *listed != prompt.listed);
    let flow = Flow { listed: Some(prompt.listed.clone()), ..flow.clone() };
    let sealed = match flow.seal(visit.site) {
        Ok(sealed) => sealed,
        Err(failure) => return super::failure(visit.site, visit.request, &failure),
    };
    let chrome = chrome(visit.site);
    let nonce = chrome.nonce.clone();
    let metadata = &prompt.client.metadata;
    let about = about(&prompt.client);
    let body = Consent {
        chrome,
        form: FlowForm { flow: sealed, csrf: visit.session_csrf() },
        notice: changed.then(|| LIST_CHANGED.to_owned()),
        app_name: metadata.client_name.clone(),
        redirect_host: destination(&prompt.redirect_uri),
        account: prompt.account.clone(),
        switch: as_another(visit.site, &flow),
        permissions: permissions(prompt),
        details: prompt.authorization_details.iter().map(Detail::of).collect(),
        about,
    };
    page(&nonce, &body, Forms::Anywhere)
}

/// One sentence for each scope, and for each claim that none of the scopes gives.
fn permissions(prompt: &ConsentPrompt) -> Vec<String> {
    let scopes = prompt.scopes.iter().map(scope_sentence);
    scopes.chain(prompt.claims.iter().map(|claim| claim_sentence(claim))).collect()
}

/// An answer for the client: a redirect, or a form that posts itself and says to whom.
pub(in crate::http) fn reply(site: &Site, reply: &Reply, app_name: Option<&str>) -> HttpResponse {
    match reply {
        Reply::Redirect(url) => {
            HttpResponse::SeeOther().insert_header((header::LOCATION, url.as_str())).finish()
        }
        Reply::FormPost { action, fields } => {
            let app_name = app_name.map_or_else(|| destination(action), str::to_owned);
            self_posting(site, Some(app_name), (action.clone(), fields.clone()))
        }
    }
}

/// A form that sends itself: to an app of this name, or back to us.
fn self_posting(
    site: &Site,
    app_name: Option<String>,
    (action, params): (String, Vec<(String, String)>),
) -> HttpResponse {
    let chrome = chrome(site);
    let nonce = chrome.nonce.clone();
    let policy = format!(
        "default-src 'none'; script-src {}; style-src 'nonce-{nonce}'; img-src 'self' data:; \
         frame-ancestors 'none'; base-uri 'none'; object-src 'none'",
        form_post::SCRIPT_SOURCE,
    );
    let body = FormPost { chrome, app_name, action, params };
    let mut response = page(&nonce, &body, Forms::Anywhere);
    if let Ok(value) = header::HeaderValue::from_str(&policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, value);
    }
    response
}

/// The same authorization request once more, from a page of ours: so it comes with the cookies that
/// browsers keep back from what other sites post. As an address if it is short enough for one.
pub(in crate::http) fn authorize_again(site: &Site, params: &Params) -> HttpResponse {
    let encoded = params.encode();
    let address = site.path(path::AUTHORIZE);
    if encoded.len() <= MAX_IN_URL {
        return see_other(&format!("{address}?{encoded}"));
    }
    let action = format!("{}{}", site.issuer(), path::AUTHORIZE);
    self_posting(site, None, (action, params.pairs()))
}

/// Where an address leads, in words that nobody can invent: the host of a web address. Any other
/// address is a program's on this device, whatever it writes where a host would be.
fn destination(uri: &str) -> String {
    redirect_uri::web_host(uri).unwrap_or_else(|| {
        let scheme = uri.split(':').next().unwrap_or_default();
        format!("{scheme}: on this device")
    })
}

/// "Sign out?"
pub(in crate::http) fn ask_sign_out(
    visit: &Visit<'_>,
    (sealed, account, others): (&str, String, Vec<String>),
    (apps, app_name): (Vec<String>, Option<String>),
) -> HttpResponse {
    let chrome = chrome(visit.site);
    let nonce = chrome.nonce.clone();
    let form = FlowForm { flow: sealed.to_owned(), csrf: visit.session_csrf() };
    let body = SignOut { chrome, form, app_name, account, others, apps };
    page(&nonce, &body, Forms::Anywhere)
}

/// "You are signed out."
pub(in crate::http) fn signed_out(site: &Site, then: &Next, frames: &[Frame]) -> HttpResponse {
    let chrome = chrome(site);
    let policy = framing_policy(&chrome.nonce, frames.iter().map(|frame| frame.origin.as_str()));
    let app = then.client_name.clone().zip(then.client_uri.clone());
    let body = SignedOut {
        chrome,
        app: app.map(|(text, href)| Link { text, href }),
        frames: frames.iter().map(|frame| frame.src.clone()).collect(),
    };
    page_with(policy, &body)
}

/// "You are signed out", and on to the app once the other apps' pages have loaded.
pub(in crate::http) fn signing_out(
    site: &Site,
    (then, next): (&Next, &AfterLogout),
    frames: &[Frame],
) -> HttpResponse {
    let chrome = chrome(site);
    let policy = framing_policy(&chrome.nonce, frames.iter().map(|frame| frame.origin.as_str()));
    let body = SigningOut {
        chrome,
        app_name: then.client_name.clone(),
        next: next.as_str().to_owned(),
        frames: frames.iter().map(|frame| frame.src.clone()).collect(),
    };
    page_with(policy, &body)
}

/// What the set-up form keeps when something was wrong.
#[derive(Default)]
pub(in crate::http) struct SetupView {
    pub token: String,
    pub username: String,
    pub name: String,
    pub email: String,
    pub error: Option<(&'static str, String)>,
}

/// The set-up form.
pub(in crate::http) fn setup(visit: &Visit<'_>, view: SetupView) -> HttpResponse {
    let chrome = chrome(visit.site);
    let nonce = chrome.nonce.clone();
    let body = Setup {
        chrome,
        form: FlowForm { flow: String::new(), csrf: visit.csrf() },
        token: view.token,
        username: view.username,
        name: view.name,
        email: view.email,
        min_password: visit.site.settings().password.min_length,
        errors: view.error.into_iter().map(|(field, text)| FieldError { field, text }).collect(),
    };
    page(&nonce, &body, Forms::HereOnly)
}

/// What the reset form shows.
pub(in crate::http) struct ResetView {
    pub token: String,
    pub username: String,
    pub error: Option<String>,
}

/// The reset form.
pub(in crate::http) fn reset(visit: &Visit<'_>, view: ResetView) -> HttpResponse {
    let chrome = chrome(visit.site);
    let nonce = chrome.nonce.clone();
    let error = view.error.map(|text| FieldError { field: "password", text });
    let body = ResetPassword {
        chrome,
        form: FlowForm { flow: String::new(), csrf: visit.csrf() },
        token: view.token,
        username: view.username,
        min_password: visit.site.settings().password.min_length,
        errors: error.into_iter().collect(),
    };
    page(&nonce, &body, Forms::HereOnly)
}

/// The same request for somebody else: the app still gets its answer. What is too long for an address
/// goes back with the form that carries it anyway.
pub(super) fn as_another(site: &Site, flow: &Flow) -> Switch {
    let href = match flow.target.clone().asking_for_account() {
        Target::Authorize { params, arrival } if arrival.is_plain() => {
            format!("{}?{params}", site.path(path::AUTHORIZE))
        }
        Target::Authorize { .. } => again(site, flow, "&as=another"),
        _ => site.path("/logout"),
    };
    if href.len() <= MAX_IN_URL { Switch::Link(href) } else { Switch::Button }
}

/// Where somebody who is on the way makes an account first.
fn to_sign_up(site: &Site, flow: &Flow, sealed: &str) -> String {
    match flow.target.clone().asking_for_new_account() {
        Target::Authorize { params, arrival } if arrival.is_plain() => {
            format!("{}?{params}", site.path(path::AUTHORIZE))
        }
        Target::Authorize { .. } => again(site, flow, "&as=new"),
        _ => site.path(&format!("/login/create?flow={sealed}")),
    }
}

/// Where somebody goes on who has an account after all.
pub(super) fn to_sign_in(site: &Site, flow: &Flow) -> String {
    match flow.target.clone().asking_to_sign_in() {
        Target::Authorize { params, arrival } if arrival.is_plain() => {
            format!("{}?{params}", site.path(path::AUTHORIZE))
        }
        Target::Authorize { .. } => again(site, flow, "&as=known"),
        _ => start_again(site, Some(flow)),
    }
}

/// Where a request starts over that cannot come again in the clear.
pub(super) fn again(site: &Site, flow: &Flow, how: &str) -> String {
    match flow.seal(site) {
        Ok(sealed) => site.path(&format!("/login/again?flow={sealed}{how}")),
        Err(_) => site.path("/"),
    }
}

/// The sign-in that leads to a page of the console.
pub(in crate::http) fn to_console(site: &Site, page: &str) -> String {
    let query = Params::from_pairs([("next", "admin"), ("page", page)]);
    format!("{}?{}", site.path("/login"), query.encode())
}

/// Where the request of a lost flow starts again.
pub(super) fn start_again(site: &Site, flow: Option<&Flow>) -> String {
    match flow.map(|flow| (&flow.target, flow)) {
        Some((Target::Authorize { params, arrival }, _)) if arrival.is_plain() => {
            format!("{}?{params}", site.path(path::AUTHORIZE))
        }
        Some((Target::Authorize { .. }, flow)) => again(site, flow, ""),
        Some((Target::Admin, _)) => site.path("/login?next=admin"),
        Some((Target::AdminPage { page }, _)) => to_console(site, page),
        Some((Target::SignOut, _)) => site.path("/login?next=sign-out"),
        Some((Target::Device { user_code }, _)) => device_page(site, user_code.as_deref()),
        Some((Target::Gateway { back_to, acr }, _)) => start_page(site, (back_to, acr.as_deref())),
        Some((Target::Account, _)) | None => site.path("/login"),
    }
}
