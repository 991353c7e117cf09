//! `/admin/clients/new` and `/admin/clients/{id}`: the form that makes or changes an app.

use super::app_parts::{Label, at_field, given, lines};
use super::desk::{Answer, Desk, Stop};
use super::seen::{self, Of, Thing};
use super::{app_parts, apps, logos, rows, step_up, trial, wizard};
use crate::http::pages::admin::Section;
use crate::http::pages::admin::client_forms::{
    ClientCreate, ClientForm, ClientSecret, Endpoint, Occasion, kind_in_words, origin_in_words,
};
use crate::http::pages::admin::clients::{
    AllowedGroup, ClientDetail, ClientView, OwnAccess, SecretState, Settings,
};
use crate::http::pages::{FieldError, When};
use crate::http::site::Site;
use crate::protocol::api;
use crate::protocol::claim_mapping::{ClaimMapping, grammar};
use crate::protocol::client::validation::MetadataProblem;
use crate::protocol::client::{
    AuthMethod, ClaimsPlacement, Client, ClientKind, ClientMetadata, ClientOrigin, ConsentPolicy,
    PkcePolicy, RevocationChoice,
};
use crate::protocol::discovery::path;
use crate::protocol::scope::Scopes;
use crate::protocol::types::SigningAlg;
use crate::service::clients::{
    self, ClientError, NewClient, WithSecret, access, refresh, registration, secrets,
};
use crate::store::clients::registrations::ClientRegistration;

/// The form of a new app, filled in with this. `app` is one of the catalogue or empty, `app_url` where
/// it is.
pub(super) fn filled(
    desk: &Desk<'_>,
    metadata: &ClientMetadata,
    (app, app_url): (&str, &str),
) -> ClientCreate {
    ClientCreate {
        chrome: desk.chrome(),
        console: desk.console(Section::Apps),
        form: stored(metadata),
        app: app.to_owned(),
        app_url: app_url.to_owned(),
        errors: Vec::new(),
    }
}

pub(super) async fn create(desk: &Desk<'_>) -> Answer {
    let form = read_form(desk);
    let errors = match ClientKind::from_name(&form.kind) {
        None => vec![FieldError { field: "kind", text: "Choose what kind of app it is.".into() }],
        Some(kind) => match apply(desk.site(), &form, ClientMetadata::for_kind(kind)) {
            Err(errors) => errors,
            Ok(metadata) => {
                let metadata = wizard::for_agent(desk, metadata);
                let metadata = api::for_the_api(metadata, desk.site().config.issuer.as_str());
                let new = NewClient { id: None, metadata, secret: None };
                match clients::create(desk.site(), new, &desk.actor()).await {
                    Ok(made) => return secret_once(desk, &made, Occasion::Created).await,
                    Err(ClientError::Invalid(problems)) => field_errors(problems),
                    Err(other) => return Err(apps::stop(other)),
                }
            }
        },
    };
    let blank = ClientMetadata::for_kind(ClientKind::Web);
    let blank = filled(desk, &blank, (&desk.text("app"), &desk.text("app_url")));
    desk.show_again(&ClientCreate { form, errors, ..blank })
}

pub(super) async fn show(desk: &Desk<'_>) -> Answer {
    let client = apps::client(desk).await?;
    desk.show(&detail(desk, &client).await?)
}

pub(super) async fn edit(desk: &Desk<'_>) -> Answer {
    let client = apps::client(desk).await?;
    let mut form = read_form(desk);
    client.metadata.kind.as_str().clone_into(&mut form.kind);
    if !seen::is_of(desk, &stored(&client.metadata)) {
        return stale(desk, &client, form).await;
    }
    let wanted = apply(desk.site(), &form, client.metadata.clone())
        .and_then(|metadata| step_up::of_app(desk, &client.metadata, metadata));
    let errors = match wanted {
        Err(errors) => errors,
        Ok(metadata) => {
            let made_from = client.clone();
            match clients::update_if(desk.site(), made_from, metadata, &desk.actor()).await {
                Ok(Some(client)) => {
                    let text = format!("{} is saved.", client.metadata.client_name);
                    return desk.done(text, &apps::path(desk, &client));
                }
                Ok(None) => return stale(desk, &apps::client(desk).await?, form).await,
                Err(ClientError::Invalid(problems)) => field_errors(problems),
                Err(other) => return Err(apps::stop(other)),
            }
        }
    };
    desk.show_again(&ClientDetail { form, errors, ..detail(desk, &client).await? })
}

/// Somebody else has changed it since the form was made.
async fn stale(desk: &Desk<'_>, now: &Client, form: ClientForm) -> Answer {
    let thing = Thing {
        name: &now.metadata.client_name,
        kinds: &["client.updated"],
        of: Of::App(now.id.as_str()),
    };
    let errors = seen::changed(desk, &thing, (&stored(&now.metadata), &form)).await?;
    desk.show_again(&ClientDetail { form, errors, ..detail(desk, now).await? })
}

async fn detail(desk: &Desk<'_>, client: &Client) -> Result<ClientDetail, Stop> {
    let registration = match client.origin {
        ClientOrigin::Dynamic => registration::of(desk.site(), &client.id).await?,
        ClientOrigin::Manual | ClientOrigin::Document => None,
    };
    Ok(ClientDetail {
        chrome: desk.chrome(),
        console: desk.console(Section::Apps),
        client: ClientView {
            id: client.id.to_string(),
            name: client.metadata.client_name.clone(),
            kind: kind_in_words(client.metadata.kind).to_owned(),
            own_access: registration.as_ref().map(own_access),
            origin: origin(client, registration),
            allowed_groups: allowed_groups(desk, client).await?,
            settings: match client.origin {
                ClientOrigin::Document => Settings::InDocument,
                ClientOrigin::Manual | ClientOrigin::Dynamic => Settings::Here,
            },
            state: rows::state(client.disabled_at),
            secret: secret_state(client),
            secrets: secrets::marks(client),
            created: When::at(client.created_at),
            updated: When::at(client.updated_at),
            document_read: document_read(desk, client).await?,
        },
        seen: seen::mark(desk, &stored(&client.metadata)),
        form: stored(&client.metadata),
        errors: Vec::new(),
        endpoints: endpoints(desk.site()),
        trial: trial::view(desk, client).await?,
        logo: logos::form_of_app(desk, client),
    })
}

/// The groups an app lets in, and whether they are still there.
async fn allowed_groups(
    desk: &Desk<'_>,
    client: &Client,
) -> Result<Option<Vec<AllowedGroup>>, Stop> {
    let missing = access::missing_groups(desk.site(), client).await?;
    let group =
        |name: &String| AllowedGroup { name: name.clone(), is_there: !missing.contains(name) };
    let groups = client.metadata.allowed_groups.as_ref();
    Ok(groups.map(|groups| groups.iter().map(group).collect()))
}

fn secret_state(client: &Client) -> SecretState {
    match client.metadata.token_endpoint_auth_method {
        AuthMethod::None => SecretState::NotUsed,
        method if method.uses_secret() => SecretState::Kept,
        _ => SecretState::OwnProof,
    }
}

/// When the document of an app was last read, if it has one.
async fn document_read(desk: &Desk<'_>, client: &Client) -> Result<Option<When>, Stop> {
    if client.origin != ClientOrigin::Document {
        return Ok(None);
    }
    Ok(refresh::last_read(desk.site(), &client.id).await?.map(When::at))
}

/// Who added an app, and how.
fn origin(client: &Client, registration: Option<ClientRegistration>) -> String {
    let words = origin_in_words(client.origin);
    match client.origin {
        ClientOrigin::Manual => words.to_owned(),
        ClientOrigin::Document => format!("{words}, at the address that is its client id"),
        ClientOrigin::Dynamic => {
            let mut text = words.to_owned();
            if let Some(how) = registration {
                text.extend([", from ", &how.address]);
                let with = how.permission.map(|id| format!(", with the registration token {id}"));
                text.extend(with);
                text.extend(how.statement_by.map(|issuer| format!(", vouched for by {issuer}")));
            }
            text
        }
    }
}

/// Whether an app that registered itself can still change itself.
fn own_access(registration: &ClientRegistration) -> OwnAccess {
    if registration.has_token() { OwnAccess::Kept } else { OwnAccess::Ended }
}

/// The page that shows a secret, this once.
pub(super) async fn secret_once(desk: &Desk<'_>, made: &WithSecret, occasion: Occasion) -> Answer {
    let id = made.client.id.to_string();
    let secret = made.secret.as_ref().map(|secret| secret.expose().to_owned());
    let mut snippet = format!("OIDC_ISSUER={}\nOIDC_CLIENT_ID={id}", desk.site().issuer());
    if let Some(secret) = &secret {
        snippet.push_str("\nOIDC_CLIENT_SECRET=");
        snippet.push_str(secret);
    }
    desk.show(&ClientSecret {
        chrome: desk.chrome(),
        console: desk.console(Section::Apps),
        occasion,
        settings: wizard::settings(desk, &id, secret.as_deref()),
        trial: trial::view(desk, &made.client).await?,
        client_id: id,
        name: made.client.metadata.client_name.clone(),
        secret,
        endpoints: endpoints(desk.site()),
        snippet,
    })
}

/// The addresses an app needs.
pub(super) fn endpoints(site: &Site) -> Vec<Endpoint> {
    let endpoint =
        |id, label, path: &str| Endpoint { id, label, value: format!("{}{path}", site.issuer()) };
    vec![
        endpoint("issuer", "Issuer", ""),
        endpoint("discovery", "Discovery document", path::OPENID_CONFIGURATION),
        endpoint("authorize", "Authorization endpoint", path::AUTHORIZE),
        endpoint("token", "Token endpoint", path::TOKEN),
        endpoint("userinfo", "User information endpoint", path::USERINFO),
        endpoint("jwks", "Signing keys", path::JWKS),
        endpoint("logout", "Sign-out endpoint", path::LOGOUT),
    ]
}

/// What the form shows of an app.
fn stored(metadata: &ClientMetadata) -> ClientForm {
    ClientForm {
        name: metadata.client_name.clone(),
        kind: metadata.kind.as_str().to_owned(),
        client_uri: metadata.client_uri.clone().unwrap_or_default(),
        initiate_login_uri: metadata.initiate_login_uri.clone().unwrap_or_default(),
        redirect_uris: metadata.redirect_uris.join("\n"),
        links: app_parts::links_of(metadata),
        logout: app_parts::logout_of(metadata),
        allowed_origins: metadata.allowed_origins.join("\n"),
        protected_resources: metadata.protected_resources.join("\n"),
        claim_mappings: told_lines(&metadata.claim_mappings),
        access: if metadata.allowed_groups.is_some() { "groups" } else { "everyone" }.to_owned(),
        allowed_groups: metadata.allowed_groups.as_deref().unwrap_or_default().join("\n"),
        scope: metadata.scope.to_string(),
        skip_consent: metadata.consent == ConsentPolicy::Skip,
        require_pkce: metadata.pkce == PkcePolicy::Required,
        claims_in_id_token: metadata.claims_in == ClaimsPlacement::IdTokenToo,
        revocation: metadata.revocation.as_str().to_owned(),
        access_token_alg: metadata.access_token_alg.as_str().to_owned(),
        id_token_alg: metadata.id_token_signed_response_alg.as_str().to_owned(),
    }
}

/// What was typed.
fn read_form(desk: &Desk<'_>) -> ClientForm {
    ClientForm {
        name: desk.text("name"),
        kind: desk.text("kind"),
        client_uri: desk.text("client_uri"),
        initiate_login_uri: desk.text("initiate_login_uri"),
        redirect_uris: desk.text("redirect_uris"),
        links: app_parts::typed_links(desk),
        logout: app_parts::typed_logout(desk),
        allowed_origins: desk.text("allowed_origins"),
        protected_resources: desk.text("protected_resources"),
        claim_mappings: desk.text("claim_mappings"),
        access: desk.text("access"),
        allowed_groups: desk.text("allowed_groups"),
        scope: desk.form.all("scope").collect::<Vec<_>>().join(" "),
        skip_consent: desk.form.has("skip_consent"),
        require_pkce: desk.form.has("require_pkce"),
        claims_in_id_token: desk.form.has("claims_in_id_token"),
        revocation: desk.text("revocation"),
        access_token_alg: desk.text("access_token_alg"),
        id_token_alg: desk.text("id_token_alg"),
    }
}

/// Puts what was typed over the metadata; what the form does not show stays.
fn apply(
    site: &Site,
    form: &ClientForm,
    before: ClientMetadata,
) -> Result<ClientMetadata, Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut wrong = |field, text: &str| errors.push(FieldError { field, text: text.to_owned() });
    let scope = Scopes::parse(&form.scope);
    if scope.is_none() {
        wrong("scope", "Write scopes without quotes, backslashes and accents.");
    }
    let revocation = RevocationChoice::from_name(&form.revocation);
    if revocation.is_none() {
        wrong("revocation", "Choose one of the three.");
    }
    let claim_mappings = grammar::read_all(&form.claim_mappings);
    if let Err(bad) = &claim_mappings {
        let lines = bad.iter().map(|(n, error)| format!("Line {n} of the claims: {error}."));
        wrong("claim_mappings", &lines.collect::<Vec<_>>().join(" "));
    }
    let mut alg = |field, name: &str, before: SigningAlg| {
        let usable = |alg: &SigningAlg| *alg == before || site.config.keys.algorithms.contains(alg);
        let alg = SigningAlg::from_name(name).filter(usable);
        if alg.is_none() {
            wrong(field, "There is no key for this algorithm. Choose another one.");
        }
        alg
    };
    let access_alg = alg("access_token_alg", &form.access_token_alg, before.access_token_alg);
    let id_alg = alg("id_token_alg", &form.id_token_alg, before.id_token_signed_response_alg);
    let (
        Some(scope),
        Some(revocation),
        Some(access_token_alg),
        Some(id_token_signed_response_alg),
        Ok(claim_mappings),
    ) = (scope, revocation, access_alg, id_alg, claim_mappings)
    else {
        return Err(errors);
    };
    let public = !before.kind.is_confidential();
    let before = app_parts::with_logout(&form.logout, app_parts::with_links(&form.links, before));
    Ok(ClientMetadata {
        client_name: form.name.trim().to_owned(),
        client_uri: given(&form.client_uri),
        initiate_login_uri: given(&form.initiate_login_uri),
        redirect_uris: lines(&form.redirect_uris),
        allowed_origins: lines(&form.allowed_origins),
        protected_resources: lines(&form.protected_resources),
        claim_mappings,
        allowed_groups: chosen_groups(form, &before),
        scope: scope_for(before.kind, &scope),
        consent: if form.skip_consent { ConsentPolicy::Skip } else { ConsentPolicy::Ask },
        pkce: if form.require_pkce || public { PkcePolicy::Required } else { PkcePolicy::Optional },
        claims_in: claims_in(form),
        revocation,
        access_token_alg,
        id_token_signed_response_alg,
        ..before
    })
}

fn claims_in(form: &ClientForm) -> ClaimsPlacement {
    if form.claims_in_id_token { ClaimsPlacement::IdTokenToo } else { ClaimsPlacement::Userinfo }
}

fn chosen_groups(form: &ClientForm, before: &ClientMetadata) -> Option<Vec<String>> {
    match form.access.as_str() {
        "everyone" => None,
        "groups" => Some(lines(&form.allowed_groups)),
        // Nobody opens an app by leaving the question out.
        _ => before.allowed_groups.clone(),
    }
}

/// A machine acts for no person, so the scopes about a person mean nothing to it.
fn scope_for(kind: ClientKind, scope: &Scopes) -> Scopes {
    match kind {
        ClientKind::Machine => {
            Scopes::from_tokens(scope.iter().filter(|token| !Scopes::STANDARD.contains(token)))
        }
        ClientKind::Web | ClientKind::Spa | ClientKind::Native | ClientKind::Device => {
            scope.clone()
        }
    }
}

fn told_lines(mappings: &[ClaimMapping]) -> String {
    mappings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Where something is wrong, in the words of the page.
const LABELS: &[Label] = &[
    ("redirect_uris", "Redirect URIs"),
    ("client_uri", "Address of the app"),
    ("initiate_login_uri", "Where it begins a sign-in"),
    ("policy_uri", "Privacy policy"),
    ("tos_uri", "Terms of service"),
    ("contacts", "Who answers for it"),
    ("post_logout_redirect_uris", "Where to go after signing out"),
    ("backchannel_logout_uri", "Where it hears of sign-outs"),
    ("frontchannel_logout_uri", "Page that signs people out of it"),
    ("allowed_groups", "Who may use it"),
    ("claim_mappings", "Claims of its own"),
    ("allowed_origins", "Browser origins"),
    ("protected_resources", "Protected resources"),
];

/// Where on the form each problem is shown. What the form does not show is named in words.
fn field_errors(problems: Vec<MetadataProblem>) -> Vec<FieldError> {
    let place = |problem: MetadataProblem| {
        if problem.field == "client_name" {
            return FieldError { field: "name", text: format!("The name {}.", problem.text()) };
        }
        at_field(&problem, (problem.field, LABELS), "name")
    };
    problems.into_iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_come_one_a_line_with_any_line_end() {
        assert_eq!(
            lines("https://a.test/\r\n\r\n  https://b.test/ \nx"),
            ["https://a.test/", "https://b.test/", "x"]
        );
        assert!(lines(" \r\n").is_empty());
    }

    #[test]
    fn a_machine_keeps_only_scopes_of_its_own() {
        let scope = Scopes::parse("openid reports:read email").unwrap();
        assert_eq!(scope_for(ClientKind::Machine, &scope).to_string(), "reports:read");
        assert_eq!(scope_for(ClientKind::Web, &scope), scope);
    }

    #[test]
    fn every_problem_is_shown_at_a_field_of_the_form() {
        let problem = |field| MetadataProblem::new(field, "is wrong");
        let wrong = ["client_name", "redirect_uris", "initiate_login_uri", "tos_uri", "jwks_uri"];
        let errors = field_errors(wrong.map(problem).into());
        let shown: Vec<_> = errors.iter().map(|e| (e.field, e.text.as_str())).collect();
        assert_eq!(
            shown,
            [
                ("name", "The name is wrong."),
                ("redirect_uris", "Redirect URIs: is wrong."),
                ("initiate_login_uri", "Where it begins a sign-in: is wrong."),
                ("tos_uri", "Terms of service: is wrong."),
                ("name", "Jwks_uri is wrong."),
            ]
        );
    }
}
