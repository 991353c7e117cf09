//! Turning the decision about a flow into an answer for the browser.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use tracing::Instrument as _;

use crate::http::cookies::BrowserBinding;
use crate::http::render::{self, SignInView};
use crate::http::sign_in::{accounts, choose_account, choose_organisation, login, sign_up};
use crate::http::site::Site;
use crate::http::{csrf, extract, gateway};
use crate::protocol::authorize::reply::Reply;
use crate::protocol::discovery::path;
use crate::protocol::interaction::AccountChoice;
use crate::protocol::params::Params;
use crate::protocol::types::ClientId;
use crate::service::authorize::flow::{Flow, FlowError, Target};
use crate::service::authorize::{self, AuthorizeError, Outcome, ShutOut, ShutOutAnswer, refusals};
use crate::service::clients;
use crate::service::clients::access::{self, Door};
use crate::service::failure::Failure;
use crate::service::session::LiveSession;
use crate::service::session::accounts::Accounts;

/// Longer sealed requests travel in the page instead of the URL.
pub(in crate::http) const MAX_IN_URL: usize = 6_000;

/// One request of a browser, as flow handlers see it.
pub(in crate::http) struct Visit<'a> {
    pub site: &'a Site,
    pub request: &'a HttpRequest,
    pub browser: &'a BrowserBinding,
    pub session: Option<&'a LiveSession>,
}

impl Visit<'_> {
    /// The CSRF token of forms that work before anybody is signed in.
    pub fn csrf(&self) -> String {
        csrf::token(self.site, &self.browser.value, None)
    }

    /// The CSRF token of forms that act for the session.
    pub fn session_csrf(&self) -> String {
        csrf::token(self.site, &self.browser.value, self.session.map(|session| &session.id))
    }

    /// Adds the binding cookie to an answer if this is the browser's first visit.
    pub fn bind(&self, mut response: HttpResponse) -> HttpResponse {
        if let Some(cookie) = &self.browser.fresh
            && let Err(error) = response.add_cookie(cookie)
        {
            tracing::error!(%error, "cookie could not be set");
        }
        response
    }
}

/// A posted form with whom it is from: what every handler of a form starts with.
pub(in crate::http) struct PostedForm<'a> {
    site: &'a Site,
    request: &'a HttpRequest,
    pub form: Params,
    pub browser: BrowserBinding,
    /// Everybody signed in in this browser.
    pub accounts: Accounts,
    /// The session that the form's flow is about, or the active one.
    pub session: Option<LiveSession>,
}

impl<'a> PostedForm<'a> {
    /// Reads the form and the session it is sent from, if any.
    ///
    /// # Errors
    /// The answer to a body that is no form, or when no store can say who is signed in.
    pub async fn read(
        site: &'a Site,
        request: &'a HttpRequest,
        body: &[u8],
    ) -> Result<Self, HttpResponse> {
        let form = extract::form(request, body).map_err(|_| render::bad_request(site, request))?;
        let accounts = accounts::of(site, request).await?;
        let session = accounts::session_of_form(site, request, (&accounts, &form)).await?;
        let browser = BrowserBinding::of(site, request);
        Ok(Self { site, request, form, browser, accounts, session })
    }

    /// The flow that the form goes on with, if a page shown to this browser made it.
    pub fn flow(&self) -> Posted {
        let visit = self.visit();
        match open_flow(&visit, &self.form, csrf_ok(&visit, &self.form)) {
            Posted::Answer(response) => Posted::Answer(visit.bind(response)),
            flow @ Posted::Flow(_) => flow,
        }
    }

    /// Reads the form of a page that anybody may open.
    ///
    /// # Errors
    /// As [`read`](Self::read), and the answer to a form that no page shown to this browser made.
    pub async fn of_visitor(
        site: &'a Site,
        request: &'a HttpRequest,
        body: &[u8],
    ) -> Result<Self, HttpResponse> {
        let posted = Self::read(site, request, body).await?;
        let visit = posted.visit();
        if csrf_ok(&visit, &posted.form) {
            return Ok(posted);
        }
        Err(visit.bind(render::forged_form(site, request)))
    }

    /// Reads a form that somebody signed in sends from a page of their own.
    ///
    /// # Errors
    /// As [`read`](Self::read), and the answer to a form without a session, or one that no page of
    /// this session made.
    pub async fn of_session(
        site: &'a Site,
        request: &'a HttpRequest,
        body: &[u8],
    ) -> Result<(Self, LiveSession), HttpResponse> {
        let posted = Self::read(site, request, body).await?;
        let session = posted.session.clone();
        let session = session.ok_or_else(|| see_other(&site.path("/login")))?;
        if !session_csrf_ok(&posted.visit(), &posted.form) {
            return Err(render::forged_form(site, request));
        }
        Ok((posted, session))
    }

    pub fn visit(&self) -> Visit<'_> {
        let Self { site, request, browser, session, .. } = self;
        Visit { site, request, browser, session: session.as_ref() }
    }

    /// A field that is there once; empty when it is not.
    pub fn text(&self, name: &'static str) -> String {
        self.form.sole(name).unwrap_or_default().to_owned()
    }
}

/// How the browser came here: after a POST the next page gets its own URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Arrival {
    Get,
    Post,
}

/// Takes a flow as far as it goes and answers with what comes then.
pub(in crate::http) async fn advance(
    visit: &Visit<'_>,
    flow: Flow,
    arrival: Arrival,
) -> HttpResponse {
    let site = visit.site;
    match &flow.target {
        Target::Account => return see_other(&site.path("/account")),
        Target::SignOut => return see_other(&site.path("/account/sign-out")),
        Target::Admin => return see_other(&site.path("/admin")),
        Target::AdminPage { page } => return see_other(&site.path(page)),
        Target::Device { user_code } => {
            return visit.bind(for_device(visit, &flow, user_code.as_deref()).await);
        }
        Target::Gateway { back_to, acr } => {
            return see_other(&start_page(site, (back_to, acr.as_deref())));
        }
        Target::Authorize { .. } => {}
    }
    let outcome = authorize::advance(site, &flow, visit.session);
    let outcome = outcome.instrument(extract::log_span(visit.request)).await;
    let response = match outcome {
        Ok(outcome) => answer(visit, &flow, (outcome, arrival)).await,
        Err(error) => refused_flow(site, visit.request, (&flow, &error)).await,
    };
    visit.bind(response)
}

/// Says and notes that the request of a flow cannot be answered.
pub(in crate::http) async fn refused_flow(
    site: &Site,
    request: &HttpRequest,
    (flow, error): (&Flow, &AuthorizeError),
) -> HttpResponse {
    let params = match &flow.target {
        Target::Authorize { params, .. } => Params::parse(params.as_bytes()).unwrap_or_default(),
        _ => Params::default(),
    };
    refused(site, request, (params.sole("client_id"), error)).await
}

/// Says and notes that an authorization request with this `client_id` cannot be answered.
pub(in crate::http) async fn refused(
    site: &Site,
    request: &HttpRequest,
    what: (Option<&str>, &AuthorizeError),
) -> HttpResponse {
    refusals::note_page(site, what, &extract::caller(site, request)).await;
    render::authorize_error(site, request, what.1)
}

/// The page that lets a device in, with its code; before that, another account if that is wanted.
async fn for_device(visit: &Visit<'_>, flow: &Flow, user_code: Option<&str>) -> HttpResponse {
    match &flow.progress.account {
        AccountChoice::Open => match flow.seal(visit.site) {
            Ok(sealed) => choose_account::page(visit, (None, sealed)).await,
            Err(failure) => render::failure(visit.site, visit.request, &failure),
        },
        AccountChoice::Another => login::own_form(visit, flow).await,
        AccountChoice::NotAsked | AccountChoice::Chosen(_) => {
            see_other(&device_page(visit.site, user_code))
        }
    }
}

/// Writes an outcome.
pub(in crate::http) async fn answer(
    visit: &Visit<'_>,
    flow: &Flow,
    (outcome, arrival): (Outcome, Arrival),
) -> HttpResponse {
    let site = visit.site;
    let sealed = match flow.seal(site) {
        Ok(sealed) => sealed,
        Err(failure) => return render::failure(site, visit.request, &failure),
    };
    match outcome {
        Outcome::Refused(refused) => {
            refusals::note_reply(site, &refused, &extract::caller(site, visit.request)).await;
            let app_name = app_name(site, (flow, &refused.reply)).await;
            render::reply(site, &refused.reply, app_name.as_deref())
        }
        Outcome::Reply(reply) => {
            let app_name = app_name(site, (flow, &reply)).await;
            render::reply(site, &reply, app_name.as_deref())
        }
        Outcome::SignUp(prompt) => sign_up::page(visit, prompt, (flow, sealed)),
        Outcome::ChooseAccount(client) => {
            choose_account::page(visit, (Some(&client.metadata.client_name), sealed)).await
        }
        Outcome::SignIn(prompt) => {
            match SignInView::of_prompt(site, prompt, (flow, sealed)).await {
                Ok(view) => render::sign_in(visit, view),
                Err(failure) => render::failure(site, visit.request, &failure),
            }
        }
        Outcome::ChooseOrganisation(prompt) => choose_organisation::page(visit, prompt, sealed),
        Outcome::ShutOut(shut_out) => turned_away(visit, (flow, sealed), (shut_out, arrival)).await,
        Outcome::Consent(prompt) => {
            if arrival == Arrival::Post && sealed.len() <= MAX_IN_URL {
                see_other(&site.path(&format!("/consent?flow={sealed}")))
            } else {
                render::consent(visit, &prompt, flow)
            }
        }
    }
}

/// Says that the app is not for this person: by a page, or to the app where it wants no page.
async fn turned_away(
    visit: &Visit<'_>,
    (flow, sealed): (&Flow, String),
    (shut_out, arrival): (ShutOut, Arrival),
) -> HttpResponse {
    let site = visit.site;
    let is_page = matches!(shut_out.answer, ShutOutAnswer::Page { .. });
    if is_page && arrival == Arrival::Post && sealed.len() <= MAX_IN_URL {
        // The page has an address of its own, and is noted there.
        return see_other(&site.path(&format!("/consent?flow={sealed}")));
    }
    let caller = extract::caller(site, visit.request);
    let who = (&shut_out.client.id, &shut_out.user);
    if let Err(failure) = access::note_refusal(site, who, (Door::SignIn, &caller)).await {
        return render::failure(site, visit.request, &failure);
    }
    let app_name = shut_out.client.metadata.client_name.as_str();
    match &shut_out.answer {
        ShutOutAnswer::Page { account } => {
            render::shut_out(visit, (app_name, account), (flow, sealed))
        }
        ShutOutAnswer::Silent(reply) => render::reply(site, reply, Some(app_name)),
    }
}

/// What the app calls itself, where the answer is a page that names it.
async fn app_name(site: &Site, (flow, reply): (&Flow, &Reply)) -> Option<String> {
    let (Reply::FormPost { .. }, Target::Authorize { params, .. }) = (reply, &flow.target) else {
        return None;
    };
    let params = Params::parse(params.as_bytes()).ok()?;
    let client = clients::find(site, &ClientId::new(params.sole("client_id")?)).await.ok()??;
    Some(client.metadata.client_name.clone())
}

/// A redirect after a POST, or to another page of ours.
pub(in crate::http) fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, location)).finish()
}

/// The page that lets a device in, with its code if that is known.
pub(in crate::http) fn device_page(site: &Site, user_code: Option<&str>) -> String {
    let page = site.path(path::DEVICE);
    match user_code {
        Some(code) => format!("{page}?{}", Params::from_pairs([("user_code", code)]).encode()),
        None => page,
    }
}

/// The page that leads into an app behind the gateway.
pub(in crate::http) fn start_page(site: &Site, (back_to, acr): (&str, Option<&str>)) -> String {
    let mut query = Params::from_pairs([("rd", back_to)]);
    if let Some(acr) = acr {
        query = query.with("acr", acr);
    }
    format!("{}?{}", site.path(gateway::START), query.encode())
}

/// What a posted form of a flow brings.
pub(in crate::http) enum Posted {
    Flow(Box<Flow>),
    /// An answer to give instead.
    Answer(HttpResponse),
}

/// Checks that a posted form is ours and opens its flow.
pub(in crate::http) fn open_flow(visit: &Visit<'_>, form: &Params, csrf_ok: bool) -> Posted {
    let (site, request) = (visit.site, visit.request);
    let sealed = form.sole("flow").unwrap_or_default();
    // A browser without its binding cookie cannot be told from another browser.
    let cookie = visit.browser.fresh.is_none().then_some(visit.browser.value.as_str());
    match Flow::open(site, sealed, cookie) {
        Ok(flow) if csrf_ok => Posted::Flow(Box::new(flow)),
        Ok(_) => Posted::Answer(render::forged_form(site, request)),
        Err(FlowError::Expired(flow)) if csrf_ok => {
            // Nothing is lost: the same request starts again in this tab.
            Posted::Answer(render::flow_lost(site, request, Some(&flow)))
        }
        Err(FlowError::Expired(_) | FlowError::Unreadable) => {
            Posted::Answer(render::forged_form(site, request))
        }
        Err(FlowError::OtherBrowser(flow)) => {
            Posted::Answer(render::other_browser(site, request, &flow))
        }
    }
}

/// The secret of the one-time link that leads here.
pub(in crate::http) fn link_token(request: &HttpRequest) -> String {
    let query = Params::parse(request.query_string().as_bytes()).unwrap_or_default();
    query.sole("token").unwrap_or_default().to_owned()
}

/// Whether a form came from a page of this site in a browser that was shown one.
pub(in crate::http) fn came_from_here(visit: &Visit<'_>) -> bool {
    csrf::comes_from_here(visit.site, visit.request) && visit.browser.fresh.is_none()
}

/// Whether a form of an anonymous page came from this browser's own page.
pub(in crate::http) fn csrf_ok(visit: &Visit<'_>, form: &Params) -> bool {
    let presented = form.sole("csrf").unwrap_or_default();
    came_from_here(visit) && csrf::is_ours(visit.site, presented, (&visit.browser.value, None))
}

/// Whether a form of a signed-in page came from this session's own page.
pub(in crate::http) fn session_csrf_ok(visit: &Visit<'_>, form: &Params) -> bool {
    let presented = form.sole("csrf").unwrap_or_default();
    let session = visit.session.map(|session| &session.id);
    came_from_here(visit) && csrf::is_ours(visit.site, presented, (&visit.browser.value, session))
}

/// The session that the flow in this form or query is about.
pub(in crate::http) async fn session_of_form(
    site: &Site,
    request: &HttpRequest,
    form: &Params,
) -> Result<Option<LiveSession>, HttpResponse> {
    let accounts = accounts::of(site, request).await?;
    accounts::session_of_form(site, request, (&accounts, form)).await
}

/// Reads the session or answers with the failure.
pub(in crate::http) async fn session_or_failure(
    site: &Site,
    request: &HttpRequest,
) -> Result<Option<LiveSession>, HttpResponse> {
    let session = extract::current_session(site, request).await;
    session.map_err(|failure: Failure| render::failure(site, request, &failure))
}
