//! What the registration tests share: a Doorward that lets apps register themselves, with a peer
//! that serves what apps publish, and requests of such apps.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::kit::fixtures::{Auth, Bed, DETAIL_TYPES, Rp};
use crate::support::backends::Backend;
use crate::support::browser_like::{Browser, Page};
use crate::support::tls_peer::{TlsPeer, reachable};
use crate::support::world::{World, WorldBuilder};

/// Where apps register.
pub const REGISTER: &str = "/oauth2/register";
/// Where the apps of these tests are answered.
pub const CALLBACK: &str = "https://rp.test/cb";

/// A world in which anybody may register, apps may describe themselves by documents, and
/// [`TlsPeer::shared`] is reached.
pub fn open_world(backend: Backend) -> WorldBuilder {
    reachable(World::builder(backend), &[TlsPeer::shared()])
        .env("DOORWARD_REGISTRATION__MODE", "open")
        .env(DETAIL_TYPES.0, DETAIL_TYPES.1)
        .env("DOORWARD_REGISTRATION__DETAIL_TYPES", "account_information")
        .env("DOORWARD_REGISTRATION__OPEN_PER_HOUR", "100000")
        .env("DOORWARD_REGISTRATION__CHANGES_PER_HOUR", "100000")
        .env("DOORWARD_REGISTRATION__MAX_CLIENTS", "1000000")
        .env("DOORWARD_REGISTRATION__METADATA_DOCUMENTS", "true")
        .env("DOORWARD_REGISTRATION__DOCUMENTS_PER_MINUTE", "100000")
}

/// The bed that all tests of this process share which only add apps of their own.
pub async fn open_bed(backend: Backend) -> &'static Bed {
    static BEDS: [OnceCell<Bed>; 2] = [OnceCell::const_new(), OnceCell::const_new()];
    let cell = &BEDS[usize::from(backend == Backend::Production)];
    cell.get_or_init(async || Bed::new(open_world(backend).start().await, &["conf-basic"]).await)
        .await
}

/// A bed of its own that also fetches the pictures that apps name.
pub async fn fetching_bed(backend: Backend) -> Bed {
    let world = open_world(backend).env("DOORWARD_REGISTRATION__FETCH_LOGOS", "true");
    Bed::new(world.start().await, &[]).await
}

/// A registration request with these changes; null removes a member.
#[expect(clippy::needless_pass_by_value, reason = "reads well with json! at the call")]
pub fn request(changes: Value) -> Value {
    let mut request = json!({
        "client_name": "Self-made", "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
        "token_endpoint_auth_method": "client_secret_basic",
    });
    let members = request.as_object_mut().expect("an object");
    for (name, value) in changes.as_object().expect("an object").clone() {
        if value.is_null() {
            members.remove(&name);
        } else {
            members.insert(name, value);
        }
    }
    request
}

/// A request with a JSON body and perhaps a bearer token.
pub async fn send(
    browser: &Browser,
    (method, address): (Method, &str),
    (token, body): (Option<&str>, Option<&Value>),
) -> Page {
    let mut sent = browser.request(method, &browser.resolve(address));
    if let Some(token) = token {
        sent = sent.bearer_auth(token);
    }
    if let Some(body) = body {
        sent = sent.json(body);
    }
    browser.send(sent).await
}

/// Asks to register.
pub async fn register(world: &World, token: Option<&str>, body: &Value) -> Page {
    send(&world.browser(), (Method::POST, REGISTER), (token, Some(body))).await
}

/// A client that has registered itself.
#[derive(Clone)]
pub struct Registered {
    pub rp: Rp,
    pub json: Value,
}

impl Registered {
    /// Registers with these changes; it must work.
    pub async fn new(world: &World, changes: Value) -> Self {
        let page = register(world, None, &request(changes)).await;
        Self::of(world, &page)
    }

    /// Reads the answer to a registration.
    pub fn of(world: &World, page: &Page) -> Self {
        page.assert_status(201);
        let json = page.json();
        let text = |name: &str| json[name].as_str().map(ToOwned::to_owned);
        let id = text("client_id").expect("a client_id");
        let rp = Rp {
            secret: text("client_secret"),
            auth: match text("token_endpoint_auth_method").as_deref() {
                Some("client_secret_basic") => Auth::Basic,
                Some("client_secret_post") => Auth::Post,
                _ => Auth::None,
            },
            redirect_uri: json["redirect_uris"][0].as_str().unwrap_or_default().to_owned(),
            ..Rp::new(world, &id)
        };
        Self { rp, json }
    }

    /// Where the client looks after itself.
    pub fn place(&self) -> &str {
        self.json["registration_client_uri"].as_str().expect("a registration_client_uri")
    }

    /// The token for that.
    pub fn token(&self) -> &str {
        self.json["registration_access_token"].as_str().expect("a registration_access_token")
    }

    /// A request at its own place with its own token.
    pub async fn manage(&self, method: Method, body: Option<&Value>) -> Page {
        self.manage_with(self.token(), method, body).await
    }

    /// A request at its own place with this token.
    pub async fn manage_with(&self, token: &str, method: Method, body: Option<&Value>) -> Page {
        send(self.rp.bare(), (method, self.place()), (Some(token), body)).await
    }

    /// What a client sends to change itself: all it was told, without what only the server sets.
    #[expect(clippy::needless_pass_by_value, reason = "reads well with json! at the call")]
    pub fn replacement(&self, changes: Value) -> Value {
        let mut body = self.json.clone();
        let members = body.as_object_mut().expect("an object");
        for name in [
            "registration_access_token",
            "registration_client_uri",
            "client_secret_expires_at",
            "client_id_issued_at",
        ] {
            members.remove(name);
        }
        members.extend(changes.as_object().expect("an object").clone());
        body
    }
}

/// How many clients are stored.
pub async fn clients(bed: &Bed) -> usize {
    use doorward::store::clients::ClientFilter;
    use doorward::store::clients::list;
    let store = bed.store().await;
    let filter = ClientFilter { limit: 100_000, ..ClientFilter::default() };
    let found = list(&store.db, &filter).await.expect("the clients").len();
    store.db.close().await;
    found
}

/// A refused registration: status, code, and a description that is allowed and repeats nothing.
#[track_caller]
pub fn assert_refused(page: &Page, status: u16, error: &str) {
    page.assert_status(status).assert_header("cache-control", "no-store");
    let json = page.json();
    assert_eq!(json["error"], error, "{}", page.describe());
    assert!(json.get("client_id").is_none(), "{}", page.describe());
    crate::kit::checks::assert_description(
        json["error_description"].as_str().expect("a description"),
    );
}
