//! An independent client, the openidconnect crate, through the whole flow: discovery, code with
//! PKCE and nonce, ID token verification, silent sign-in, userinfo, refresh, a rotated key, a wrong
//! redirect URI, a no, sign-out. `docs/clients.md` has it beside the clients of `tests/clients`.

use std::borrow::Cow;

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreClient, CoreIdToken,
    CoreIdTokenClaims, CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreResponseType,
    CoreTokenResponse, CoreUserInfoClaims,
};
use openidconnect::{
    AccessTokenHash, AuthorizationCode, AuthorizationRequest, ClientId, ClientSecret, CsrfToken,
    EndSessionUrl, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse,
    IssuerUrl, LogoutRequest, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier,
    PostLogoutRedirectUrl, ProviderMetadataWithLogout, RedirectUrl, Scope, SubjectIdentifier,
    TokenResponse as _, http,
};

use crate::journal::{Journal, Step};
use crate::kit::checks::{assert_client_error, assert_error_page};
use crate::kit::fixtures::{AFTER_LOGOUT, ALICE, BOB, Bed, Callback, Rp, fill_in, walk};
use crate::kit::flow::PATIENCE;
use crate::support::browser_like::Browser;
use crate::support::process::wait_until_async;
use crate::support::world::World;

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;
type Request<'a> = AuthorizationRequest<'a, CoreAuthDisplay, CoreAuthPrompt, CoreResponseType>;

/// Carries the crate's requests; never follows a redirect.
async fn carry(request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .tls_certs_only([])
        .build()?;
    let answer = client.execute(request.try_into()?).await?;
    let mut response = http::Response::builder().status(answer.status());
    *response.headers_mut().expect("headers") = answer.headers().clone();
    Ok(response.body(answer.bytes().await?.to_vec()).expect("a response"))
}

fn scopes() -> Vec<Scope> {
    ["profile", "email", "phone", "address", "offline_access"]
        .map(|name| Scope::new(name.to_owned()))
        .to_vec()
}

/// A program on the crate that signs people in at one client. It believes nothing unchecked.
struct Program {
    client: Client,
    issuer: IssuerUrl,
    algorithm: CoreJwsSigningAlgorithm,
}

/// What is remembered of a request until its answer comes.
struct Started {
    url: url::Url,
    state: CsrfToken,
    nonce: Nonce,
    verifier: PkceCodeVerifier,
}

impl Program {
    async fn discover(rp: &Rp, algorithm: CoreJwsSigningAlgorithm) -> Self {
        let issuer = IssuerUrl::new(rp.issuer.clone()).unwrap();
        let metadata = CoreProviderMetadata::discover_async(issuer.clone(), &carry).await.unwrap();
        let secret = rp.secret.clone().map(ClientSecret::new);
        let client =
            CoreClient::from_provider_metadata(metadata, ClientId::new(rp.id.clone()), secret);
        let redirect = RedirectUrl::new(rp.redirect_uri.clone()).unwrap();
        Self { client: client.set_redirect_uri(redirect), issuer, algorithm }
    }

    fn start(&self, change: impl for<'a> FnOnce(Request<'a>) -> Request<'a>) -> Started {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let request = self.client.authorize_url(flow, CsrfToken::new_random, Nonce::new_random);
        let request = request.add_scopes(scopes()).set_pkce_challenge(challenge);
        let (url, state, nonce) = change(request).url();
        Started { url, state, nonce, verifier }
    }

    /// The tokens for an answer, and what the ID token says.
    async fn finish(
        &self,
        callback: &Callback,
        started: Started,
    ) -> (CoreTokenResponse, CoreIdTokenClaims) {
        assert_eq!(callback.get("state"), Some(started.state.secret().as_str()));
        assert_eq!(callback.get("iss"), Some(self.issuer.as_str()));
        let code = AuthorizationCode::new(callback.code());
        let request = self.client.exchange_code(code).unwrap();
        let request = request.set_pkce_verifier(started.verifier);
        let tokens = request.request_async(&carry).await.unwrap();
        let claims = self.claims(tokens.id_token().expect("an ID token"), &started.nonce);
        self.check_hash(&tokens, &claims);
        (tokens, claims)
    }

    fn claims(&self, id_token: &CoreIdToken, nonce: &Nonce) -> CoreIdTokenClaims {
        assert_eq!(id_token.signing_alg().unwrap(), &self.algorithm);
        let verifier = self.client.id_token_verifier();
        let verifier = verifier.set_allowed_algs([self.algorithm.clone()]);
        assert!(id_token.claims(&verifier, &Nonce::new("another".into())).is_err());
        id_token.claims(&verifier, nonce).expect("claims that verify").clone()
    }

    fn check_hash(&self, tokens: &CoreTokenResponse, claims: &CoreIdTokenClaims) {
        let id_token = tokens.id_token().expect("an ID token");
        let verifier = self.client.id_token_verifier();
        let key = id_token.signing_key(&verifier).unwrap();
        let access = tokens.access_token();
        let actual = AccessTokenHash::from_token(access, &self.algorithm, key).unwrap();
        assert_eq!(claims.access_token_hash(), Some(&actual));
    }

    /// A sign-in by someone who does what every page asks.
    async fn sign_in(&self, browser: &Browser) -> (CoreTokenResponse, CoreIdTokenClaims) {
        let started = self.start(|request| request);
        let page = walk(browser.get(started.url.as_str()).await, &ALICE).await;
        self.finish(&Callback::of(&page), started).await
    }

    /// A sign-in that shows no page.
    async fn silent_sign_in(&self, browser: &Browser) -> (CoreTokenResponse, CoreIdTokenClaims) {
        let started = self.start(|request| request.add_prompt(CoreAuthPrompt::None));
        let page = browser.get(started.url.as_str()).await;
        self.finish(&Callback::of(&page), started).await
    }

    async fn check_userinfo(&self, tokens: &CoreTokenResponse, subject: &SubjectIdentifier) {
        let access = tokens.access_token().clone();
        let request = self.client.user_info(access, Some(subject.clone())).unwrap();
        let info: CoreUserInfoClaims = request.request_async(&carry).await.unwrap();
        assert_eq!(info.email().map(|email| email.as_str()), Some(ALICE.email));
        assert_eq!(info.email_verified(), Some(true));
        assert_eq!(info.name().unwrap().get(None).unwrap().as_str(), ALICE.name);
        assert_eq!(info.address().unwrap().country.as_ref().unwrap().as_str(), "GB");
        assert!(info.updated_at().is_some() && info.phone_number_verified() == Some(true));
    }

    async fn refresh(
        &self,
        tokens: &CoreTokenResponse,
        subject: &SubjectIdentifier,
    ) -> CoreTokenResponse {
        let request = self.client.exchange_refresh_token(tokens.refresh_token().unwrap()).unwrap();
        let refreshed = request.request_async(&carry).await.unwrap();
        assert_ne!(refreshed.access_token().secret(), tokens.access_token().secret());
        if let Some(again) = refreshed.id_token() {
            let verifier = self.client.id_token_verifier();
            let verifier = verifier.set_allowed_algs([self.algorithm.clone()]);
            let no_nonce = |_: Option<&Nonce>| Ok(());
            assert_eq!(again.claims(&verifier, no_nonce).unwrap().subject(), subject);
        }
        refreshed
    }

    async fn a_wrong_redirect(&self, browser: &Browser) {
        let elsewhere = RedirectUrl::new("https://rp.test/elsewhere".to_owned()).unwrap();
        let started = self.start(|request| request.set_redirect_uri(Cow::Owned(elsewhere)));
        assert_error_page(&browser.get(started.url.as_str()).await);
    }

    async fn a_no(&self, browser: &Browser) {
        let started = self.start(|request| request.add_prompt(CoreAuthPrompt::Consent));
        let page = browser.get(started.url.as_str()).await.follow_within().await;
        let page = fill_in(&page, &BOB).submit().await.follow_within().await;
        let page = page.form("consent").press("decision", "deny").submit().await;
        let callback = Callback::of(&page.follow_within().await);
        assert_eq!(callback.get("error"), Some("access_denied"), "{callback:?}");
        assert_eq!(callback.get("state"), Some(started.state.secret().as_str()));
        assert_eq!(callback.get("iss"), Some(self.issuer.as_str()));
    }

    async fn sign_out(&self, browser: &Browser, id_token: &CoreIdToken) {
        let issuer = self.issuer.clone();
        let metadata = ProviderMetadataWithLogout::discover_async(issuer, &carry).await.unwrap();
        let end: EndSessionUrl =
            metadata.additional_metadata().end_session_endpoint.clone().unwrap();
        let after = PostLogoutRedirectUrl::new(AFTER_LOGOUT.to_owned()).unwrap();
        let url = LogoutRequest::from(end)
            .set_id_token_hint(id_token)
            .set_post_logout_redirect_uri(after)
            .set_state(CsrfToken::new("bye".into()))
            .http_get_url();
        let page = browser.get(url.as_str()).await;
        assert_eq!(page.location().as_str(), format!("{AFTER_LOGOUT}?state=bye"));
    }
}

/// Rotates the keys of the server.
async fn rotate_keys(world: &World) {
    let published = async || world.browser().get("/.well-known/jwks.json").await.body;
    let before = published().await;
    world.cli(&["key", "rotate"]);
    wait_until_async("other keys being published", PATIENCE, async || published().await != before)
        .await;
}

/// Every step of the table at this client.
async fn whole_session(bed: &Bed, rp: &Rp, algorithm: CoreJwsSigningAlgorithm) {
    let program = Program::discover(rp, algorithm).await;
    let mut journal = Journal::of("openidconnect");
    let browser = bed.world.browser();
    let (tokens, claims) = program.sign_in(&browser).await;
    let subject = claims.subject();
    journal.note(Step::SignIn);
    let (_, again) = program.silent_sign_in(&browser).await;
    assert_eq!((again.subject(), again.auth_time()), (subject, claims.auth_time()));
    journal.note(Step::SilentSignIn);
    program.check_userinfo(&tokens, subject).await;
    journal.note(Step::Userinfo);
    let tokens = program.refresh(&tokens, subject).await;
    journal.note(Step::Refresh);

    // A program that has found the next key in the key set it has goes on.
    rotate_keys(&bed.world).await;
    let tokens = program.refresh(&tokens, subject).await;
    program.check_userinfo(&tokens, subject).await;
    let (_, rotated) = program.silent_sign_in(&browser).await;
    assert_eq!(rotated.subject(), subject);
    // A key that it has never seen sends it to the key set again.
    rotate_keys(&bed.world).await;
    let fresh = Program::discover(rp, program.algorithm.clone()).await;
    let (tokens, rotated) = fresh.silent_sign_in(&browser).await;
    assert_eq!(rotated.subject(), subject);
    assert!(tokens.id_token().unwrap().signing_key(&program.client.id_token_verifier()).is_err());
    let program = fresh;
    journal.note(Step::RotatedKey);

    program.a_wrong_redirect(&browser).await;
    journal.note(Step::WrongRedirect);
    program.a_no(&bed.world.browser()).await;
    journal.note(Step::DeniedConsent);
    program.sign_out(&browser, tokens.id_token().unwrap()).await;
    let page = rp.authorize(&browser, &[("prompt", "none")]).await;
    assert_client_error(&page, rp, "login_required");
    journal.note(Step::Logout);
    journal.assert_complete();
}

on_both_backends! {
    async fn an_independent_client_goes_the_whole_way(backend: Backend) {
        let clients = [
            ("conf-basic", CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256),
            ("es256", CoreJwsSigningAlgorithm::EcdsaP256Sha256),
            ("eddsa", CoreJwsSigningAlgorithm::EdDsa),
            ("ps256", CoreJwsSigningAlgorithm::RsaSsaPssSha256),
            ("es384", CoreJwsSigningAlgorithm::EcdsaP384Sha384),
            ("spa", CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256),
            ("opaque", CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256),
        ];
        let bed = Bed::own(backend, &clients.each_ref().map(|(id, _)| *id)).await;
        for (id, algorithm) in clients {
            Box::pin(whole_session(&bed, &bed.rp(id), algorithm)).await;
        }
        bed.assert_log_is_clean();
    }
}
