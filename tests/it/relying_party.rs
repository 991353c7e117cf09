//! An independent client, the openidconnect crate, through the whole flow: discovery, code with
//! PKCE and nonce, ID token verification, userinfo, refresh, sign-out.

use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreIdToken, CoreIdTokenVerifier, CoreJwsSigningAlgorithm,
    CoreProviderMetadata, CoreUserInfoClaims,
};
use openidconnect::{
    AccessTokenHash, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndSessionUrl,
    HttpRequest, HttpResponse, IssuerUrl, LogoutRequest, Nonce, OAuth2TokenResponse as _,
    PkceCodeChallenge, PostLogoutRedirectUrl, ProviderMetadataWithLogout, RedirectUrl, Scope,
    TokenResponse as _, http,
};

use crate::checks::assert_client_error;
use crate::fixtures::{AFTER_LOGOUT, ALICE, Bed, Callback, Rp, walk};

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

/// Signs alice in at this client and out again, believing nothing unchecked.
async fn whole_flow(bed: &Bed, rp: &Rp, algorithm: CoreJwsSigningAlgorithm) {
    let issuer = IssuerUrl::new(bed.world.issuer.clone()).unwrap();
    let metadata = CoreProviderMetadata::discover_async(issuer.clone(), &carry).await.unwrap();
    let secret = rp.secret.clone().map(ClientSecret::new);
    let client = CoreClient::from_provider_metadata(metadata, ClientId::new(rp.id.clone()), secret);
    let client = client.set_redirect_uri(RedirectUrl::new(rp.redirect_uri.clone()).unwrap());

    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state, nonce) = client
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        )
        .add_scopes(scopes())
        .set_pkce_challenge(challenge)
        .url();
    let browser = bed.world.browser();
    let callback = Callback::of(&walk(browser.get(url.as_str()).await, &ALICE).await);
    assert_eq!(callback.get("state"), Some(state.secret().as_str()));
    assert_eq!(callback.get("iss"), Some(issuer.as_str()));

    let code = AuthorizationCode::new(callback.code());
    let tokens = client.exchange_code(code).unwrap().set_pkce_verifier(verifier);
    let tokens = tokens.request_async(&carry).await.unwrap();
    let id_token = tokens.id_token().expect("an ID token");
    assert_eq!(id_token.signing_alg().unwrap(), &algorithm);
    let verifier: CoreIdTokenVerifier<'_> = client.id_token_verifier();
    let verifier = verifier.set_allowed_algs([algorithm.clone()]);
    let claims = id_token.claims(&verifier, &nonce).expect("claims that verify");
    let expected = claims.access_token_hash().expect("at_hash");
    let key = id_token.signing_key(&verifier).unwrap();
    let actual = AccessTokenHash::from_token(tokens.access_token(), &algorithm, key).unwrap();
    assert_eq!(*expected, actual);
    assert!(id_token.claims(&verifier, &Nonce::new("another".into())).is_err());

    let subject = claims.subject().clone();
    let request = client.user_info(tokens.access_token().clone(), Some(subject.clone())).unwrap();
    let info: CoreUserInfoClaims = request.request_async(&carry).await.unwrap();
    assert_eq!(info.email().map(|email| email.as_str()), Some(ALICE.email));
    assert_eq!(info.email_verified(), Some(true));
    assert_eq!(info.name().unwrap().get(None).unwrap().as_str(), ALICE.name);
    assert_eq!(info.address().unwrap().country.as_ref().unwrap().as_str(), "GB");
    assert!(info.updated_at().is_some() && info.phone_number_verified() == Some(true));

    let refreshed = client.exchange_refresh_token(tokens.refresh_token().unwrap()).unwrap();
    let refreshed = refreshed.request_async(&carry).await.unwrap();
    assert_ne!(refreshed.access_token().secret(), tokens.access_token().secret());
    if let Some(again) = refreshed.id_token() {
        let no_nonce = |_: Option<&Nonce>| Ok(());
        assert_eq!(*again.claims(&verifier, no_nonce).unwrap().subject(), subject);
    }

    let end_url = end_session_url(issuer, id_token).await;
    let page = browser.get(end_url.as_str()).await;
    assert_eq!(page.location().as_str(), format!("{AFTER_LOGOUT}?state=bye"));
    let page = rp.authorize(&browser, &[("prompt", "none")]).await;
    assert_client_error(&page, rp, "login_required");
}

/// Where to send the browser to sign out.
async fn end_session_url(issuer: IssuerUrl, id_token: &CoreIdToken) -> url::Url {
    let metadata = ProviderMetadataWithLogout::discover_async(issuer, &carry).await.unwrap();
    let end: EndSessionUrl = metadata.additional_metadata().end_session_endpoint.clone().unwrap();
    let after = PostLogoutRedirectUrl::new(AFTER_LOGOUT.to_owned()).unwrap();
    LogoutRequest::from(end)
        .set_id_token_hint(id_token)
        .set_post_logout_redirect_uri(after)
        .set_state(CsrfToken::new("bye".into()))
        .http_get_url()
}

on_both_backends! {
    async fn an_independent_client_goes_the_whole_way(backend: Backend) {
        let bed = Bed::shared(backend).await;
        for (id, algorithm) in [
            ("conf-basic", CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256),
            ("es256", CoreJwsSigningAlgorithm::EcdsaP256Sha256),
            ("eddsa", CoreJwsSigningAlgorithm::EdDsa),
            ("ps256", CoreJwsSigningAlgorithm::RsaSsaPssSha256),
            ("es384", CoreJwsSigningAlgorithm::EcdsaP384Sha384),
            ("spa", CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256),
            ("opaque", CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256),
        ] {
            whole_flow(bed, &bed.rp(id), algorithm).await;
        }
        bed.assert_log_is_clean();
    }
}
