//! `/admin/clients/{id}/first-sign-in`: whether an app works yet, and what to do about it.

use super::apps;
use super::desk::{Answer, Desk, Stop};
use crate::http::pages::admin::Section;
use crate::http::pages::admin::confirm::Confirm;
use crate::http::pages::admin::trial::{ByHand, StumbleView, TrialPage, TrialState, TrialView};
use crate::http::pages::{Link, When};
use crate::protocol::authorize::initiate_login;
use crate::protocol::client::{Client, ClientKind, ClientMetadata, ClientOrigin, PkcePolicy};
use crate::protocol::discovery::path;
use crate::protocol::scope::Scopes;
use crate::service::clients::trial::{self, Endpoint, Stumble, Trouble};
use crate::service::clients::{self, ClientError};
use crate::service::try_it::client::CLIENT_ID;

pub(super) async fn show(desk: &Desk<'_>) -> Answer {
    let client = apps::client(desk).await?;
    let trial = view(desk, &client).await?.ok_or(Stop::NotFound)?;
    desk.show(&TrialPage {
        chrome: desk.chrome(),
        console: desk.console(Section::Apps),
        id: client.id.to_string(),
        name: client.metadata.client_name.clone(),
        trial,
    })
}

/// How far connecting an app has come; `None` for one that nobody signs in to.
pub(super) async fn view(desk: &Desk<'_>, client: &Client) -> Result<Option<TrialView>, Stop> {
    if client.metadata.kind == ClientKind::Machine {
        return Ok(None);
    }
    let (trial, now) = (trial::of(desk.site(), client).await?, desk.site().now());
    let received = trial.stumble.as_ref().and_then(sent_address);
    Ok(Some(TrialView {
        path: apps::path(desk, client),
        state: match (&trial.stumble, trial.signed_in) {
            (Some(_), _) => TrialState::Fails,
            (None, Some(_)) => TrialState::Works,
            (None, None) => TrialState::Waiting,
        },
        may_add_uri: received.is_some_and(|uri| trial::may_be_added(client, uri)),
        stumble: trial
            .stumble
            .as_ref()
            .map(|stumble| in_words(stumble, client, When::ago(stumble.at, now))),
        signed_in: trial.signed_in.map(|at| When::ago(at, now)),
        could_require_pkce: trial.could_require_pkce,
        start: start(desk, client),
        by_hand: by_hand(desk, client),
        is_own: is_own(client),
    }))
}

/// Where a sign-in is tried. An authorization request is the app's own to make: its state, nonce and
/// verifier are in the app, which would refuse the answer to one of ours. So the app is asked to begin
/// (OpenID Connect Core 1.0 section 4); where it cannot be asked, people begin there.
fn start(desk: &Desk<'_>, client: &Client) -> Option<Link> {
    let link = |text: &str, href| Link { text: text.to_owned(), href };
    // Without a hint of who it is: nothing was allowed yet.
    initiate_login::link(client, desk.site().issuer(), ("", &Scopes::default()))
        .map(|href| link("Test sign-in", href))
        .or_else(|| client.metadata.client_uri.clone().map(|href| link("Open the app", href)))
}

/// What to do at an app that cannot be asked to begin a sign-in; `None` for one that can.
fn by_hand(desk: &Desk<'_>, client: &Client) -> Option<ByHand> {
    let metadata = &client.metadata;
    if metadata.initiate_login_uri.is_some() {
        return None;
    }
    let is_in_a_browser = matches!(metadata.kind, ClientKind::Web | ClientKind::Spa);
    let text = match metadata.kind {
        ClientKind::Web | ClientKind::Spa => in_a_browser(metadata),
        ClientKind::Native => {
            "Start the app and sign in there: it begins the sign-in itself and opens a browser for it."
                .to_owned()
        }
        ClientKind::Device => format!(
            "Start the app on the device and sign in there: it shows a code, which is typed in at {}{}.",
            desk.site().issuer(),
            path::DEVICE
        ),
        // Nobody signs in to it.
        ClientKind::Machine => return None,
    };
    // A document says itself where its app is asked.
    let has_form = client.origin != ClientOrigin::Document;
    Some(ByHand { text, could_be_asked: is_in_a_browser && has_form && !is_own(client) })
}

/// Whether it is the app with which a sign-in is tried here.
fn is_own(client: &Client) -> bool {
    client.id.as_str() == CLIENT_ID
}

fn in_a_browser(metadata: &ClientMetadata) -> String {
    let begins = "a sign-in begins at the app, which knows what it has asked for.";
    if metadata.client_uri.is_some() {
        return format!("Sign in there with the app’s own button or link: {begins}");
    }
    let back = match apps::hosts(&metadata.redirect_uris) {
        hosts if hosts.is_empty() => String::new(),
        hosts => format!(" It has people sent back to {hosts}."),
    };
    format!("Open the app at its own address, as people do, and sign in there: {begins}{back}")
}

/// The address that is not registered.
fn sent_address(stumble: &Stumble) -> Option<&str> {
    match &stumble.trouble {
        Trouble::OtherRedirectUri { received, .. } => Some(received),
        Trouble::NoRedirectUri(_) | Trouble::Refused { .. } => None,
    }
}

fn in_words(stumble: &Stumble, client: &Client, at: When) -> StumbleView {
    let (text, advice, code) = match &stumble.trouble {
        Trouble::NoRedirectUri(problem) => (
            format!("It did not say once where to send people back to: {problem}."),
            "Set the redirect URI in the app.",
            String::new(),
        ),
        Trouble::OtherRedirectUri { received, hint } => {
            let registered = client.metadata.redirect_uris.join(", ");
            // It ends in "is".
            let hint = hint.strip_prefix("; one").map(|hint| format!(" One{hint}."));
            (
                format!(
                    "It asked to send people back to {received}, which is not registered. Registered: \
                     {registered}.{}",
                    hint.unwrap_or_default()
                ),
                "The two must be equal, character for character: change it in the app, or register this \
                 address here if it is the app’s.",
                String::new(),
            )
        }
        Trouble::Refused { endpoint, code, description, detail } => {
            let place = match endpoint {
                Endpoint::Authorization => "Its authorization request was refused",
                Endpoint::Token => "Its token request was refused",
            };
            let detail = if detail.is_empty() { String::new() } else { format!(" ({detail})") };
            (format!("{place}: {description}{detail}"), advice(code), code.clone())
        }
    };
    StumbleView { at, text, advice: advice.to_owned(), code }
}

/// What most likely mends it.
fn advice(code: &str) -> &'static str {
    match code {
        "invalid_client" => {
            "Check the client id and the secret in the app. Spaces around them count."
        }
        "invalid_grant" => {
            "Try once more. If it stays, see that the app sends the same redirect URI and PKCE verifier \
             for the code as before, and that only one program uses it."
        }
        "invalid_scope" => "Allow it the scopes it asks for in the settings below.",
        "unauthorized_client" | "unsupported_grant_type" => {
            "The kind of the app, or its grant types, are other than what it does."
        }
        "access_denied" => "Somebody said no, or the app asked for somebody else.",
        "unsupported_response_type" => "Set the app to the authorization code flow.",
        _ => "Compare the settings of the app with those to paste.",
    }
}

pub(super) async fn ask_add_uri(desk: &Desk<'_>) -> Answer {
    let client = apps::client(desk).await?;
    let path = apps::path(desk, &client);
    // What was sent, never what a link says.
    let Some(uri) = proposed(desk, &client).await? else { return nothing_to_add(desk, &path) };
    desk.show(&Confirm {
        chrome: desk.chrome(),
        console: desk.console(Section::Apps),
        heading: format!("Register this address for {}?", client.metadata.client_name),
        effects: vec![
            uri.clone(),
            "People who sign in to the app can be sent back there, with what signs them in. Register it \
             only if it is the app’s."
                .to_owned(),
        ],
        action: format!("{path}/add-redirect-uri"),
        hidden: vec![("uri".to_owned(), uri)],
        choices: Vec::new(),
        button: "Register it".to_owned(),
        cancel: format!("{path}/first-sign-in"),
    })
}

pub(super) async fn add_uri(desk: &Desk<'_>) -> Answer {
    let client = apps::client(desk).await?;
    let path = apps::path(desk, &client);
    let uri = desk.text("uri");
    if !trial::may_be_added(&client, &uri) {
        return nothing_to_add(desk, &path);
    }
    let mut metadata = client.metadata.clone();
    if !metadata.redirect_uris.contains(&uri) {
        metadata.redirect_uris.push(uri);
    }
    match clients::update(desk.site(), &client.id, metadata, &desk.actor()).await {
        Ok(_) => desk.done("The address is registered. Try again in the app.", &on(&path)),
        Err(ClientError::Invalid(problems)) => desk.refused(
            problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
            &on(&path),
        ),
        Err(other) => Err(apps::stop(other)),
    }
}

/// The address that the app has sent and that may be added.
async fn proposed(desk: &Desk<'_>, client: &Client) -> Result<Option<String>, Stop> {
    let stumble = trial::of(desk.site(), client).await?.stumble;
    let sent = stumble.as_ref().and_then(sent_address).map(str::to_owned);
    Ok(sent.filter(|uri| trial::may_be_added(client, uri)))
}

fn nothing_to_add(desk: &Desk<'_>, path: &str) -> Answer {
    desk.refused("There is no address to register: the app has not sent one of its own.", path)
}

pub(super) async fn require_pkce(desk: &Desk<'_>) -> Answer {
    let client = apps::client(desk).await?;
    let path = apps::path(desk, &client);
    let mut metadata = client.metadata.clone();
    metadata.pkce = PkcePolicy::Required;
    match clients::update(desk.site(), &client.id, metadata, &desk.actor()).await {
        Ok(client) => {
            let text = format!("{} must send PKCE from now on.", client.metadata.client_name);
            desk.done(text, &path)
        }
        Err(ClientError::Invalid(_)) => {
            desk.refused("The document of this app says how it works. Change it there.", &path)
        }
        Err(other) => Err(apps::stop(other)),
    }
}

fn on(path: &str) -> String {
    format!("{path}/first-sign-in")
}
