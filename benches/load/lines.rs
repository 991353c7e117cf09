//! What is measured: one line of the table each, with what it has to cost at least and may cost at
//! most.

/// The apps that the lines use. Each differs from the others in what it gets signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct App {
    /// The `client_id`.
    pub(crate) id: &'static str,
    pub(crate) kind: &'static str,
    /// `id_token_signed_response_alg` and `access_token_alg`.
    pub(crate) alg: &'static str,
    /// `access_token_format`.
    pub(crate) format: Format,
    /// `grant_types`.
    pub(crate) grants: &'static [&'static str],
    pub(crate) special: Special,
}

/// What else sets an app apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Special {
    Nothing,
    /// It proves who it is by what it signs.
    PrivateKeyJwt,
    /// Its tokens are bound to its key.
    Dpop,
    /// Its tokens are also for this other app.
    For(&'static str),
}

/// The form of an app's access tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Format {
    Jwt,
    Opaque,
}

impl Format {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::Opaque => "opaque",
        }
    }
}

const CODE: &[&str] = &["authorization_code"];
const REFRESH: &[&str] = &["authorization_code", "refresh_token"];
const MACHINE: &[&str] = &["client_credentials"];
pub(crate) const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// A web app that gets codes, and perhaps refresh tokens.
const fn web(
    id: &'static str,
    (alg, format): (&'static str, Format),
    grants: &'static [&'static str],
) -> App {
    App { id, kind: "web", alg, format, grants, special: Special::Nothing }
}

const fn machine(id: &'static str, (alg, format): (&'static str, Format)) -> App {
    App { id, kind: "machine", alg, format, grants: MACHINE, special: Special::Nothing }
}

pub(crate) const MACHINE_RS256: App = machine("machine-rs256", ("RS256", Format::Jwt));
pub(crate) const MACHINE_ES256: App = machine("machine-es256", ("ES256", Format::Jwt));
pub(crate) const MACHINE_EDDSA: App = machine("machine-eddsa", ("EdDSA", Format::Jwt));
pub(crate) const MACHINE_OPAQUE: App = machine("machine-opaque", ("RS256", Format::Opaque));
pub(crate) const WEB_RS256: App = web("web-rs256", ("RS256", Format::Jwt), CODE);
pub(crate) const WEB_RS256_OPAQUE: App = web("web-rs256-opaque", ("RS256", Format::Opaque), CODE);
pub(crate) const WEB_ES256: App = web("web-es256", ("ES256", Format::Jwt), CODE);
pub(crate) const KEEP_RS256: App = web("keep-rs256", ("RS256", Format::Jwt), REFRESH);
pub(crate) const KEEP_RS256_OPAQUE: App =
    web("keep-rs256-opaque", ("RS256", Format::Opaque), REFRESH);
pub(crate) const KEEP_ES256: App = web("keep-es256", ("ES256", Format::Jwt), REFRESH);
pub(crate) const KEEP_ES256_OPAQUE: App =
    web("keep-es256-opaque", ("ES256", Format::Opaque), REFRESH);

pub(crate) const ASSERTING_ES256: App =
    App { special: Special::PrivateKeyJwt, ..machine("asserting-es256", ("ES256", Format::Jwt)) };
pub(crate) const DPOP_ES256: App =
    App { special: Special::Dpop, ..web("dpop-es256", ("ES256", Format::Jwt), CODE) };
/// The app whose tokens [`EXCHANGING_ES256`] exchanges.
pub(crate) const FRONT_ES256: App = App {
    special: Special::For("exchanging-es256"),
    ..web("front-es256", ("ES256", Format::Jwt), CODE)
};
pub(crate) const EXCHANGING_ES256: App = App {
    grants: &[EXCHANGE],
    special: Special::For("reports"),
    ..machine("exchanging-es256", ("ES256", Format::Jwt))
};

/// All of them, to be registered.
pub(crate) const APPS: [App; 15] = [
    MACHINE_RS256,
    MACHINE_ES256,
    MACHINE_EDDSA,
    MACHINE_OPAQUE,
    WEB_RS256,
    WEB_RS256_OPAQUE,
    WEB_ES256,
    KEEP_RS256,
    KEEP_RS256_OPAQUE,
    KEEP_ES256,
    KEEP_ES256_OPAQUE,
    ASSERTING_ES256,
    DPOP_ES256,
    FRONT_ES256,
    EXCHANGING_ES256,
];

/// What one operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An empty HTTP server's answer as long as that of the path at Doorward.
    Bare(&'static str),
    /// A document of Doorward's.
    Document(&'static str),
    /// The file below `/static/` that the sign-in page links by this name: what Doorward answers
    /// without asking anybody.
    StaticPage(&'static str),
    ClientCredentials(App),
    /// `/authorize` with a live session, then `/token`.
    CodeFlow(App),
    Refresh(App),
    Userinfo(App),
    Introspection(App),
    /// What a reverse proxy asks about each request of a signed-in person.
    GatewayCheck,
    /// A signed-in person's `GET /`, which reads the session and leads on.
    SessionRead,
    /// `client_credentials` with a client assertion, which is spent each time.
    Assertion(App),
    /// A person's token for one for the service behind.
    Exchange(App),
    /// `/par` and `/token` with a proof each, and `/authorize` with a live session between them.
    PushedDpopFlow(App),
    /// An app that comes by itself.
    Registration,
    /// The sign-in page and the form, as a browser that was never here.
    SignIn,
}

/// How often it is done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Pace {
    /// One operation after another on every connection.
    Full,
    /// Half as many a second as [`Pace::Full`] has managed in this run, evenly on every connection.
    Half,
    /// So many a second on one connection, for latency without a queue.
    PerSecond(f64),
    /// So many a second on one connection, while sign-ins keep every other connection busy.
    WhileSigningIn(f64),
}

/// The expensive part of an operation, which no implementation can avoid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Core {
    Nothing,
    Signatures(&'static str, u32),
    Argon2,
}

/// One line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) pace: Pace,
    pub(crate) requests: u32,
    pub(crate) core: Core,
    /// Most processor time, as a multiple of the floor.
    pub(crate) times_floor: Option<f64>,
    /// Most processor time, in microseconds: a share of what the best peer needs.
    pub(crate) micros: Option<f64>,
    /// Whether it is held against a static page of the same server.
    pub(crate) beside_static: bool,
}

/// What a check may do at least of what the same server does of static pages: most processor time is
/// a static page's divided by this.
pub(crate) const OF_STATIC: f64 = 0.70;
/// The slowest of a hundred at half load, in milliseconds.
pub(crate) const HALF_LOAD_P99_MS: f64 = 1.0;

impl Line {
    const fn new(name: &'static str, kind: Kind) -> Self {
        let (requests, core) = match kind {
            Kind::CodeFlow(app) => (2, signatures(app)),
            Kind::Refresh(app) => (1, signatures(app)),
            Kind::SignIn => (2, Core::Argon2),
            Kind::ClientCredentials(app) | Kind::Assertion(app) | Kind::Exchange(app) => {
                (1, Core::Signatures(app.alg, jwt(app)))
            }
            Kind::PushedDpopFlow(app) => (3, signatures(app)),
            _ => (1, Core::Nothing),
        };
        let pace = Pace::Full;
        let (times_floor, micros, beside_static) = (None, None, false);
        Self { name, kind, pace, requests, core, times_floor, micros, beside_static }
    }

    /// Held against a static page.
    const fn beside_static(mut self) -> Self {
        self.beside_static = true;
        self
    }

    const fn at(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    const fn goal(mut self, times_floor: Option<f64>, micros: Option<f64>) -> Self {
        self.times_floor = times_floor;
        self.micros = micros;
        self
    }
}

/// An ID token, and the access token if it is signed.
const fn signatures(app: App) -> Core {
    Core::Signatures(app.alg, 1 + jwt(app))
}

const fn jwt(app: App) -> u32 {
    match app.format {
        Format::Jwt => 1,
        Format::Opaque => 0,
    }
}

pub(crate) const LIVEZ: &str = "/livez";
pub(crate) const DISCOVERY: &str = "/.well-known/openid-configuration";
pub(crate) const JWKS: &str = "/.well-known/jwks.json";

/// Every line, yardsticks first. Goals in microseconds are shares of what node-oidc-provider, and
/// where it is better Rauthy, needed for the same operation on such a core (docs/benchmarks.md).
pub(crate) fn all() -> Vec<Line> {
    [documents(), tokens(), checks(), others(), at_a_pace()].concat()
}

/// What is the same for everybody, beside a bare server.
fn documents() -> Vec<Line> {
    use Kind::{Bare, Document, StaticPage};
    let line = Line::new;
    vec![
        line("bare server, empty", Bare(LIVEZ)),
        line("bare server, as long as discovery", Bare(DISCOVERY)),
        line("bare server, as long as JWKS", Bare(JWKS)),
        line("empty answer (/livez)", Document(LIVEZ)),
        line("discovery", Document(DISCOVERY)).goal(Some(1.8), None),
        line("JWKS", Document(JWKS)).goal(Some(1.8), None),
        line("static page, style sheet", StaticPage("flow.")),
        line("static page, small script", StaticPage("show-password.")),
    ]
}

/// Tokens being made.
fn tokens() -> Vec<Line> {
    use Kind::{ClientCredentials, CodeFlow, Refresh};
    let line = Line::new;
    vec![
        line("client_credentials RS256", ClientCredentials(MACHINE_RS256))
            .goal(Some(1.2), Some(0.65 * 488.0)),
        line("client_credentials ES256", ClientCredentials(MACHINE_ES256))
            .goal(None, Some(203.0 / 4.0)),
        line("client_credentials EdDSA", ClientCredentials(MACHINE_EDDSA))
            .goal(None, Some(168.0 / 4.0)),
        line("client_credentials opaque", ClientCredentials(MACHINE_OPAQUE))
            .goal(None, Some(86.0 / 2.0)),
        line("code flow RS256, opaque access token", CodeFlow(WEB_RS256_OPAQUE))
            .goal(None, Some(0.40 * 1154.0)),
        line("code flow RS256, JWT access token", CodeFlow(WEB_RS256))
            .goal(Some(1.35), Some(3020.0 / 4.0)),
        line("code flow ES256, JWT access token", CodeFlow(WEB_ES256))
            .goal(None, Some(863.0 / 3.0)),
        line("code flow ES256, and a refresh token", CodeFlow(KEEP_ES256)),
        line("refresh RS256, opaque access token", Refresh(KEEP_RS256_OPAQUE))
            .goal(None, Some(0.65 * 588.0)),
        line("refresh RS256, JWT access token", Refresh(KEEP_RS256)),
        line("refresh ES256, opaque access token", Refresh(KEEP_ES256_OPAQUE))
            .goal(None, Some(359.0 / 3.0)),
        line("refresh ES256, JWT access token", Refresh(KEEP_ES256)),
    ]
}

/// Tokens and sessions being looked at.
fn checks() -> Vec<Line> {
    use Kind::{GatewayCheck, Introspection, SessionRead, Userinfo};
    let line = Line::new;
    vec![
        line("userinfo, JWT ES256", Userinfo(WEB_ES256)).goal(None, Some(108.0 / 3.0)),
        line("userinfo, opaque", Userinfo(WEB_RS256_OPAQUE)).goal(None, Some(108.0 / 3.0)),
        line("introspection, JWT ES256", Introspection(WEB_ES256))
            .goal(None, Some(104.0 / 3.0))
            .beside_static(),
        line("introspection, opaque", Introspection(WEB_RS256_OPAQUE))
            .goal(None, Some(104.0 / 3.0))
            .beside_static(),
        line("gateway check, steady state", GatewayCheck)
            .goal(Some(1.0 / 0.70), None)
            .beside_static(),
        line("session read", SessionRead).beside_static(),
    ]
}

/// What happens less often.
fn others() -> Vec<Line> {
    use Kind::{Assertion, Exchange, PushedDpopFlow, Registration, SignIn};
    let line = Line::new;
    vec![
        line("client_credentials ES256, private_key_jwt", Assertion(ASSERTING_ES256)),
        line("token exchange ES256", Exchange(EXCHANGING_ES256)),
        line("code flow ES256, pushed, with DPoP", PushedDpopFlow(DPOP_ES256)),
        line("registration", Registration),
        line("password sign-in", SignIn).goal(Some(1.0 / 0.95), None),
    ]
}

/// Latencies at a steady pace.
fn at_a_pace() -> Vec<Line> {
    use Kind::{
        ClientCredentials, CodeFlow, Document, GatewayCheck, Introspection, SessionRead, StaticPage,
    };
    let line = Line::new;
    vec![
        line("half load: static page, small script", StaticPage("show-password.")).at(Pace::Half),
        line("half load: introspection, JWT ES256", Introspection(WEB_ES256)).at(Pace::Half),
        line("half load: gateway check, steady state", GatewayCheck).at(Pace::Half),
        line("half load: session read", SessionRead).at(Pace::Half),
        line("50/s: empty answer", Document(LIVEZ)).at(Pace::PerSecond(50.0)),
        line("50/s: client_credentials ES256", ClientCredentials(MACHINE_ES256))
            .at(Pace::PerSecond(50.0)),
        line("20/s: code flow RS256, JWT access token", CodeFlow(WEB_RS256))
            .at(Pace::PerSecond(20.0)),
        line(
            "50/s while people sign in: client_credentials ES256",
            ClientCredentials(MACHINE_ES256),
        )
        .at(Pace::WhileSigningIn(50.0)),
    ]
}
