//! The pure core: what every sign-in runs through besides the signature.

use std::collections::BTreeSet;
use std::hint::black_box;

use criterion::Criterion;
use data_encoding::BASE64;
use doorward::clock::UnixTime;
use doorward::protocol::app_roles::AppRoles;
use doorward::protocol::authorize::acr::Level;
use doorward::protocol::authorize::claims_request::Asked;
use doorward::protocol::authorize::reply::ReplyTo;
use doorward::protocol::authorize::{self, AuthorizeRequest, Choices};
use doorward::protocol::client::{
    Client, ClientKind, ClientMetadata, ClientOrigin, authentication, redirect_uri,
};
use doorward::protocol::interaction::{self, Allowed, Expected, Progress, SessionFacts, Situation};
use doorward::protocol::params::Params;
use doorward::protocol::scope::Scopes;
use doorward::protocol::token::claims::{self, Authentication, IdTokenFacts};
use doorward::protocol::types::{ClientId, SessionId, UserId};
use doorward::protocol::user::{Profile, User};

const ISSUER: &str = "https://id.example.test";
const NOW: UnixTime = UnixTime(1_800_000_000);
const QUERY: &str = "response_type=code&client_id=portal&redirect_uri=https%3A%2F%2Frp.test%2Fcb\
    &scope=openid+profile+email+groups&state=af0ifjsldkj&nonce=n-0S6_WzA2Mj\
    &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";

pub(crate) fn all(criterion: &mut Criterion) {
    authorization(criterion);
    comparing(criterion);
    scopes(criterion);
    person(criterion);
}

fn authorization(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("protocol");
    let client = client();
    let params = Params::parse(QUERY.as_bytes()).expect("parameters");
    group.bench_function("Params::parse, 8 fields", |b| {
        b.iter(|| Params::parse(black_box(QUERY.as_bytes())));
    });
    group.bench_function("authorize::validate", |b| {
        b.iter(|| validated(black_box(&client), black_box(&params)));
    });
    let request = validated(&client, &params);
    let session = SessionFacts {
        id: SessionId::new("session"),
        user_id: UserId::new("alice"),
        auth_time: NOW,
        level: Level::Aal1,
    };
    let consent =
        Allowed { scopes: Scopes::from_tokens(Scopes::STANDARD), claims: BTreeSet::new() };
    let progress = Progress::default();
    let situation = Situation {
        request: &request,
        client: &client,
        session: Some(&session),
        expected: Expected::Anybody,
        access: interaction::Access::LetIn,
        acting: interaction::Acting::Settled,
        reachable: Level::Aal1,
        consent: Some(&consent),
        progress: &progress,
        now: NOW,
    };
    group.bench_function("interaction::next_step, signed in", |b| {
        b.iter(|| interaction::next_step(black_box(&situation)));
    });
    group.bench_function("ReplyTo::success", |b| {
        b.iter(|| request.reply_to.success(black_box("SplxlOBeZQQYbYS6WxSbIA"), None));
    });
    group.finish();
}

fn validated(client: &Client, params: &Params) -> AuthorizeRequest {
    let reply_to = ReplyTo::from_request(client, params, ISSUER).expect("a registered URI");
    authorize::validate(client, params, reply_to, Choices::default()).expect("a good request")
}

fn comparing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("protocol");
    let native = ClientKind::Native;
    group.bench_function("redirect_uri::matches, same text", |b| {
        b.iter(|| {
            redirect_uri::matches(black_box("https://rp.test/cb"), "https://rp.test/cb", native)
        });
    });
    group.bench_function("redirect_uri::matches, loopback port", |b| {
        b.iter(|| {
            redirect_uri::matches(
                black_box("http://127.0.0.1/callback"),
                "http://127.0.0.1:51234/callback",
                native,
            )
        });
    });
    let header = format!("Basic {}", BASE64.encode(b"portal:Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9v"));
    let body = Params::parse(b"grant_type=authorization_code&code=x").expect("parameters");
    group.bench_function("authentication::read, Basic", |b| {
        b.iter(|| {
            let decode = |text: &str| BASE64.decode(text.as_bytes()).ok();
            authentication::read(Some(black_box(&header)), &body, decode, |_| None)
        });
    });
    group.finish();
}

fn scopes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("protocol");
    let all = Scopes::from_tokens(Scopes::STANDARD);
    let some = Scopes::from_tokens(["openid", "profile", "email", "groups"]);
    group.bench_function("Scopes::parse, 4 tokens", |b| {
        b.iter(|| Scopes::parse(black_box("openid profile email groups")));
    });
    group.bench_function("Scopes::intersection, 4 of 7", |b| {
        b.iter(|| black_box(&some).intersection(black_box(&all)));
    });
    group.finish();
}

fn person(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("protocol");
    let (client, user, session) = (client(), alice(), SessionId::new("session"));
    let scopes = Scopes::from_tokens(["openid", "profile", "email", "groups"]);
    let amr = vec!["pwd".to_owned()];
    let asked = Asked::new();
    let facts = IdTokenFacts {
        issuer: ISSUER,
        client: &client,
        user: &user,
        subject: user.id.as_str(),
        asked: &asked,
        scopes: &scopes,
        authentication: Authentication {
            auth_time: NOW,
            acr: Level::Aal1.as_str(),
            amr: &amr,
            session_id: Some(&session),
        },
        organisation: None,
        nonce: Some("n-0S6_WzA2Mj"),
        at_hash: Some("77QmUPtjPfzWtF2AnpK9RQ".into()),
        now: NOW,
        lifetime: 600,
    };
    group.bench_function("claims::id_token", |b| b.iter(|| claims::id_token(black_box(&facts))));
    group.bench_function("claims::userinfo", |b| {
        b.iter(|| {
            claims::userinfo(
                (black_box(&user), &client),
                user.id.as_str(),
                (black_box(&scopes), &asked),
                None,
            )
        });
    });
    group.finish();
}

fn client() -> Client {
    Client {
        id: ClientId::new("portal"),
        metadata: ClientMetadata {
            client_name: "Portal".into(),
            redirect_uris: vec!["https://rp.test/other".into(), "https://rp.test/cb".into()],
            ..ClientMetadata::default()
        },
        origin: ClientOrigin::Manual,
        secret_hashes: Vec::new(),
        logo: None,
        disabled_at: None,
        token_version: 0,
        created_at: NOW,
        updated_at: NOW,
    }
}

fn alice() -> User {
    User {
        id: UserId::new("0b4a5d1e-9f0c-4f5e-8a5d-2f1f6f5b7c11"),
        username: "alice".into(),
        email: Some("alice@example.test".into()),
        email_verified: true,
        name: Some("Alice Example".into()),
        profile: Profile::default(),
        groups: vec!["everyone".into(), "staff".into()],
        external_id: None,
        app_roles: AppRoles::default(),
        role: None,
        disabled_at: None,
        delete_at: None,
        token_version: 0,
        created_at: NOW,
        updated_at: NOW,
    }
}
