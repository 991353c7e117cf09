//! Keys change while others verify (OpenID Connect Core section 10.1.1; security catalogue, row
//! 144): nothing is refused that is genuine, and nothing lives on that a removed key has signed.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::kit::flow::{
    Answer, App, PATIENCE, SecondNode, create_user, get, http_client, patiently, read, sign_in,
};
use crate::support::backends::Backend;
use crate::support::process::wait_until_async;
use crate::support::world::World;

const JWKS: &str = "/.well-known/jwks.json";
/// How many ask for tokens at once, each for the next as soon as it has verified the last.
const CALLERS: usize = 8;
const ROTATIONS: usize = 5;
/// How many tokens are verified under every key. Where 200 come in a second, that is one second of
/// them; where the machine is slower, it takes longer and not fewer.
const PER_KEY: usize = 200;
/// Every so many tokens of a caller, Doorward itself verifies one as well: on the node that did not make
/// it, where there are two.
const ASKED: usize = 10;
/// A key is used no earlier than this long after it was published.
const BETWEEN_ROTATIONS: Duration = Duration::from_secs(2);
/// Longer than any machine needs for a key's share.
const LONG: Duration = Duration::from_mins(3);

/// A resource server that keeps the key set as long as it may, and asks again, naming what it has,
/// when that time is over or a token names a key it does not know.
struct ResourceServer {
    addresses: Vec<String>,
    issuer: String,
    kept: Mutex<Option<Kept>>,
    fetches: AtomicUsize,
    http: reqwest::Client,
}

struct Kept {
    keys: JwkSet,
    tag: String,
    until: Instant,
}

impl ResourceServer {
    fn new(world: &World, nodes: &[String]) -> Self {
        Self {
            addresses: nodes.iter().map(|node| format!("{node}{JWKS}")).collect(),
            issuer: world.issuer.clone(),
            kept: Mutex::new(None),
            fetches: AtomicUsize::new(0),
            http: http_client(),
        }
    }

    async fn verify(&self, token: &str) -> Result<(), String> {
        let header = jsonwebtoken::decode_header(token).map_err(|error| error.to_string())?;
        let kid = header.kid.ok_or("no kid")?;
        let mut kept = self.kept.lock().await;
        let is_good = |kept: &Kept| kept.until > Instant::now() && kept.keys.find(&kid).is_some();
        if !kept.as_ref().is_some_and(is_good) {
            *kept = Some(self.fetch(kept.take()).await);
        }
        let jwk = kept.as_ref().and_then(|kept| kept.keys.find(&kid)).ok_or("an unknown key")?;
        let key = DecodingKey::from_jwk(jwk).map_err(|error| error.to_string())?;
        drop(kept);
        let mut validation = Validation::new(header.alg);
        validation.set_issuer(&[&self.issuer]);
        validation.validate_aud = false;
        let claims = jsonwebtoken::decode::<Value>(token, &key, &validation);
        claims.map(drop).map_err(|error| error.to_string())
    }

    /// Asks one node after the other, as a load balancer would send it.
    async fn fetch(&self, kept: Option<Kept>) -> Kept {
        let count = self.fetches.fetch_add(1, Ordering::SeqCst);
        let mut request = self.http.get(&self.addresses[count % self.addresses.len()]);
        if let Some(kept) = &kept {
            request = request.header("If-None-Match", &kept.tag);
        }
        let answer = read(request).await.expect("an answer");
        let until = Instant::now() + max_age(&answer);
        match (answer.status, kept) {
            (304, Some(kept)) => Kept { until, ..kept },
            (200, _) => Kept {
                keys: serde_json::from_str(&answer.text).expect("a key set"),
                tag: answer.headers["etag"].to_str().expect("a tag").to_owned(),
                until,
            },
            _ => panic!("no key set: {answer:?}"),
        }
    }
}

fn max_age(answer: &Answer) -> Duration {
    let header = answer.headers["cache-control"].to_str().expect("text");
    let seconds = header.split("max-age=").nth(1).expect("max-age");
    Duration::from_secs(seconds.parse().expect("seconds"))
}

/// Where the world can be asked: two nodes wherever two can share the data.
async fn nodes(world: &World) -> (Vec<String>, Option<SecondNode>) {
    match world.backend {
        Backend::Embedded => (vec![world.issuer.clone()], None),
        Backend::Production => {
            let mut second = SecondNode::spawn(world);
            second.ready().await;
            (vec![world.issuer.clone(), second.base()], Some(second))
        }
    }
}

async fn command(world: &World, arguments: &[&str]) {
    let output = tokio::process::Command::from(world.command(arguments)).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Whether a node knows a token to be good; one that cannot say at the moment is asked again.
async fn counts(app: &App, token: &str) -> bool {
    let mut told = app.introspect(token).await;
    wait_until_async("an answer about a token", PATIENCE, async || {
        if told.status == 503 {
            told = app.introspect(token).await;
        }
        told.status != 503
    })
    .await;
    told.json()["active"] == true
}

/// An app that signs with what is quick to make and to rotate.
fn machine(world: &World) -> App {
    let file = world.path("machine.json");
    let metadata = json!({
        "grant_types": ["authorization_code", "client_credentials"],
        "access_token_alg": "ES256",
        "scope": ["openid", "jobs"],
    });
    std::fs::write(&file, metadata.to_string()).unwrap();
    App::register(world, "machine", &["--metadata", &file.display().to_string()])
}

fn kid(token: &str) -> String {
    jsonwebtoken::decode_header(token).expect("a JOSE header").kid.expect("a kid")
}

/// The published keys that are for `purpose`, `sig` or `enc`.
async fn published(world: &World, purpose: &str) -> Vec<String> {
    let set = get(&world.url(JWKS)).await.json();
    let keys = set["keys"].as_array().expect("keys").iter().filter(|key| key["use"] == purpose);
    keys.map(|key| key["kid"].as_str().expect("a kid").to_owned()).collect()
}

on_both_backends! {
    async fn of_a_thousand_tokens_verified_while_keys_rotate_none_fails(world: World) {
        let (addresses, second) = nodes(&world).await;
        let app = machine(&world);
        let apps: Vec<App> = match &second {
            Some(second) => vec![app.clone(), app.at(second)],
            None => vec![app.clone()],
        };
        let server = ResourceServer::new(&world, &addresses);
        let (stop, verified) = (AtomicBool::new(false), AtomicUsize::new(0));
        let call = async |caller: usize| {
            let mut last = String::new();
            let mut count = 0_usize;
            while !stop.load(Ordering::SeqCst) {
                let app = &apps[caller % apps.len()];
                let answer = patiently(async || app.client_credentials().await).await;
                last = answer.tokens().access;
                if let Err(error) = server.verify(&last).await {
                    panic!("a genuine token is refused: {error}");
                }
                count += 1;
                if count.is_multiple_of(ASKED) {
                    assert!(counts(&apps[(caller + 1) % apps.len()], &last).await);
                }
                verified.fetch_add(1, Ordering::SeqCst);
            }
            last
        };
        let rotate = async {
            for _ in 0..ROTATIONS {
                let before = verified.load(Ordering::SeqCst);
                tokio::time::sleep(BETWEEN_ROTATIONS).await;
                wait_until_async("a key's share of tokens", LONG, async || {
                    verified.load(Ordering::SeqCst) >= before + PER_KEY
                })
                .await;
                command(&world, &["key", "rotate", "--alg", "ES256"]).await;
            }
            stop.store(true, Ordering::SeqCst);
        };
        let calls = futures_util::future::join_all((0..CALLERS).map(call));
        let (mut last, ()) = tokio::join!(calls, rotate);
        assert!(verified.load(Ordering::SeqCst) >= ROTATIONS * PER_KEY);
        // Published ahead: a key is met unknown at most once by each who keeps the set.
        let fetches = server.fetches.load(Ordering::SeqCst);
        assert!(fetches <= ROTATIONS + 1, "{fetches} fetches");

        // The key of the last token has leaked.
        let token = last.pop().unwrap();
        let leaked = kid(&token);
        for app in &apps {
            assert_eq!(app.introspect(&token).await.json()["active"], true);
        }
        command(&world, &["key", "rotate", "--alg", "ES256"]).await;
        command(&world, &["--yes", "key", "retire", &leaked]).await;
        for app in &apps {
            wait_until_async("the token dying on every node", PATIENCE, async || {
                app.introspect(&token).await.text == r#"{"active":false}"#
            })
            .await;
        }
        for address in &addresses {
            let set = get(&format!("{address}{JWKS}")).await.text;
            assert!(!set.contains(&leaked), "a removed key is published");
        }
        for app in &apps {
            let fresh = app.client_credentials().await.tokens().access;
            server.verify(&fresh).await.unwrap();
        }
        world.assert_log_is_clean(&[&app.secret]);
    }

    async fn a_rotation_publishes_a_new_key_beside_the_old_one(world: World) {
        create_user(&world, "alice");
        let app = App::register(&world, "app", &[]);
        let browser = sign_in(&world, "alice").await;
        let before = published(&world, "sig").await;
        let old = app.tokens(&browser).await;
        world.cli(&["key", "rotate"]);
        let mut after = before.clone();
        wait_until_async("a new signing key", PATIENCE, async || {
            after = published(&world, "sig").await;
            after.iter().any(|kid| !before.contains(kid))
        })
        .await;
        assert!(before.iter().any(|kid| after.contains(kid)), "no old key is left");
        assert!(after.contains(&kid(&old.id)), "the key of a living token is gone");
        app.assert_alive(&old).await;
    }

    async fn a_replaced_encryption_key_is_published_no_more_and_kept_for_what_is_under_way(
        world: World
    ) {
        let listed = || {
            let all = world.cli(&["key", "list"])["items"].as_array().unwrap().clone();
            all.into_iter().filter(|key| key["use"] == "enc").collect::<Vec<Value>>()
        };
        let old = published(&world, "enc").await;
        assert_eq!(old.len(), 2, "RSA-OAEP-256 and ECDH-ES");
        assert!(listed().iter().all(|key| key["state"] == "active"));
        let refused = world.run(&["--yes", "key", "retire", &old[0]]);
        assert!(!refused.status.success(), "the key in use cannot be removed");
        for alg in ["RSA-OAEP-256", "ECDH-ES"] {
            world.cli(&["key", "rotate", "--alg", alg]);
        }
        wait_until_async("new encryption keys", PATIENCE, async || {
            let now = published(&world, "enc").await;
            now.len() == 2 && now.iter().all(|kid| !old.contains(kid))
        })
        .await;
        let keys = listed();
        let state = |kid: &String| {
            let found = keys.iter().find(|key| key["kid"] == kid.as_str());
            found.map(|key| key["state"].as_str().unwrap().to_owned())
        };
        assert!(old.iter().all(|kid| state(kid).as_deref() == Some("retiring")), "{keys:?}");
        assert_eq!(keys.len(), 4);
        world.cli(&["--yes", "key", "retire", &old[0]]);
        assert_eq!(listed().len(), 3);
    }
}
