//! What is good once, offered to both nodes at the same moment while things break: a refresh token, an app's
//! signed proof, a pushed request.
//!
//! An offer that was not answered may have counted. So what is held to the rule is the sum of the answers: one
//! refresh token has one successor, which both nodes give within the grace and one of them at most without;
//! everything else counts once at most.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use data_encoding::BASE64URL_NOPAD;
use doorward::clock::Clock;
use futures_util::future::{join, join_all};
use serde_json::{Value, json};
use url::Url;

use crate::faults::hold_the_rows_to_it;
use crate::flow::{Answer, Tokens, claim, count, read, try_get};
use crate::history::{Ended, Good, Lineage, Once};
use crate::load::{Lane, Load, Outcome, Refused, answered, settled};
use crate::rig::{PATIENCE, Rig};
use crate::support::fault_proxy::Fault;
use crate::support::process::wait_until_async;
use crate::support::world::World;

/// Between two steps of a lane: enough happens, and most of the machine is left to the others.
const PAUSE: Duration = Duration::from_millis(250);
/// Before the next try when a node has not answered.
const AGAIN: Duration = Duration::from_millis(50);
/// The grace for a token whose successor was lost on the way is a minute.
const GRACE_IS_CERTAIN: Duration = Duration::from_secs(55);
/// How long a signed proof is valid. Five minutes are the most that is taken, by the clock of either node.
const PROOF_LIVES: Duration = Duration::from_secs(270);
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const PROVER: &str = "prover";

/// A service that has no secret and signs for itself.
pub struct Prover {
    key: Ed25519KeyPair,
    issuer: String,
    made: AtomicUsize,
    /// A replica of Redis that has not heard of everything may take over. Pushed requests are known to Redis
    /// alone: that one was used may be forgotten then, and the person who is asked is the same one.
    pub is_behind: AtomicBool,
}

impl Prover {
    pub fn register(world: &World) -> Self {
        let key = Ed25519KeyPair::generate().expect("a key");
        let public = BASE64URL_NOPAD.encode(key.public_key().as_ref());
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": public, "kid": "k1", "use": "sig" });
        let metadata = json!({
            "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": [jwk] },
        });
        let file = world.path("prover.json");
        std::fs::write(&file, metadata.to_string()).expect("write the metadata");
        let file = file.display().to_string();
        let fixed = ["client", "create", "--name", PROVER, "--type", "machine"];
        let more = ["--client-id", PROVER, "--metadata", file.as_str()];
        world.cli(&[&fixed[..], &more[..]].concat());
        let (issuer, made) = (world.issuer.clone(), AtomicUsize::new(0));
        Self { key, issuer, made, is_behind: AtomicBool::new(false) }
    }

    /// A different number each time.
    fn number(&self) -> usize {
        self.made.fetch_add(1, Ordering::SeqCst)
    }

    /// A proof of its own for this number.
    fn proof(&self, number: usize) -> String {
        let now = Clock::System.now().0;
        let lives = i64::try_from(PROOF_LIVES.as_secs()).expect("seconds");
        let claims = json!({
            "iss": PROVER, "sub": PROVER, "aud": self.issuer, "jti": format!("proof-{number}"),
            "iat": now, "exp": now + lives,
        });
        let encode = |part: &Value| BASE64URL_NOPAD.encode(part.to_string().as_bytes());
        let header = json!({ "alg": "EdDSA", "kid": "k1" });
        let signed = format!("{}.{}", encode(&header), encode(&claims));
        let signature = self.key.sign(signed.as_bytes());
        format!("{signed}.{}", BASE64URL_NOPAD.encode(signature.as_ref()))
    }
}

impl Load {
    /// Both nodes are offered one refresh token and give the same successor. Sometimes the first token comes
    /// back when the successor has been used: no node takes it, and the family ends.
    pub async fn offer_refresh_token(&self) -> Outcome<()> {
        tokio::time::sleep(PAUSE).await;
        let Some(lineage) = self.history().take() else { return Ok(()) };
        let first = &lineage.tokens.refresh;
        let Some(second) = self.successor_of(first).await else { return Ok(()) };
        self.history().counts.offered += 1;
        if !self.counts().offered.is_multiple_of(3) {
            self.history().lives(Lineage::new(second));
            return Ok(());
        }
        let Some(third) = self.successor_of(&second.refresh).await else { return Ok(()) };
        let answers = self.refresh_at_both(first).await;
        let are_both = answers.iter().all(Result::is_ok);
        for answer in answers.into_iter().flatten() {
            answer.assert_error(400, "invalid_grant");
        }
        if !are_both {
            // It may have ended or not.
            self.history().counts.maybe += 1;
            return Err(Refused);
        }
        self.history().counts.reused += 1;
        self.is_over(vec![Ended::new(third, "an old refresh token at both nodes")]).await;
        Ok(())
    }

    /// What both nodes give for a refresh token; none when its grace may have been over before both had
    /// answered.
    async fn successor_of(&self, token: &str) -> Option<Tokens> {
        let began = Instant::now();
        let mut successor: Option<Tokens> = None;
        loop {
            let answers = self.refresh_at_both(token).await;
            let are_both = answers.iter().all(Result::is_ok);
            for answer in answers.into_iter().flatten() {
                if answer.status != 200 && began.elapsed() > GRACE_IS_CERTAIN {
                    return None;
                }
                assert_eq!(answer.status, 200, "one of two nodes refuses it: {answer:?}");
                let given = answer.tokens();
                let known = successor.get_or_insert_with(|| given.clone());
                assert_eq!(known.refresh, given.refresh, "two successors of one refresh token");
                let (one, two) = (claim(&known.access, "jti"), claim(&given.access, "jti"));
                assert_eq!(one, two, "two access tokens of one refresh token");
            }
            if are_both {
                return successor;
            }
            self.history().counts.maybe += 1;
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// Without a grace a refresh token is taken once at most, and the second offer ends its family. It is
    /// offered until both nodes have answered twice.
    pub async fn offer_without_grace(&self) -> Outcome<()> {
        tokio::time::sleep(PAUSE).await;
        let Some(lineage) = self.history().take() else { return Ok(()) };
        let (mut winner, mut complete, mut is_unanswered) = (None, 0, false);
        while complete < 2 {
            let answers = self.refresh_at_both(&lineage.tokens.refresh).await;
            let are_both = answers.iter().all(Result::is_ok);
            for answer in answers.into_iter().flatten() {
                if answer.status == 200 {
                    assert!(winner.is_none() && complete == 0, "taken twice: {answer:?}");
                    winner = Some(answer.tokens());
                } else {
                    answer.assert_error(400, "invalid_grant");
                }
            }
            if are_both && complete == 0 && !is_unanswered {
                // Whoever ended it has answered, so it has ended everywhere.
                let tokens = winner.as_ref().unwrap_or(&lineage.tokens).clone();
                self.is_over(vec![Ended::new(tokens, "a refresh token at both nodes")]).await;
            }
            complete += usize::from(are_both);
            if !are_both {
                is_unanswered = true;
                self.history().counts.maybe += 1;
                tokio::time::sleep(AGAIN).await;
            }
        }
        if let Some(winner) = winner {
            for answer in self.refresh_at_both(&winner.refresh).await.into_iter().flatten() {
                answer.assert_error(400, "invalid_grant");
            }
        }
        self.history().counts.offered += 1;
        Ok(())
    }

    async fn refresh_at_both(&self, token: &str) -> [Outcome<Answer>; 2] {
        let (one, two) = join(
            Box::pin(self.apps[0].try_refresh(token)),
            Box::pin(self.apps[1].try_refresh(token)),
        )
        .await;
        [settled(one), settled(two)]
    }

    /// A service proves by one assertion at both nodes at once who it is, and tries an older one again.
    pub async fn offer_proof(&self) -> Outcome<()> {
        tokio::time::sleep(PAUSE).await;
        let number = self.prover.number();
        let good = Good::Proof(self.prover.proof(number));
        self.offer(Once::new(good, number)).await?;
        self.offer_again().await
    }

    /// An app pushes a request, and a browser takes it to both nodes at once; later another one again.
    pub async fn offer_pushed(&self) -> Outcome<()> {
        tokio::time::sleep(PAUSE).await;
        let good = Good::Pushed(self.push(self.side()).await?);
        self.offer(Once::new(good, self.prover.number())).await?;
        self.offer_again().await
    }

    /// With everything running again: what has counted counts no more, at either node.
    pub async fn offer_all_again(&self) {
        for _ in 0..20 {
            if self.offer_again().await.is_err() {
                self.history().counts.refused += 1;
            }
        }
    }

    async fn offer_again(&self) -> Outcome<()> {
        let Some(once) = self.history().take_once() else { return Ok(()) };
        self.offer(once).await
    }

    /// Offers it to both nodes at once. However often it was offered by now, it has counted once at most.
    async fn offer(&self, mut once: Once) -> Outcome<()> {
        let (left, right) =
            join(Box::pin(self.counts_at(&once, 0)), Box::pin(self.counts_at(&once, 1))).await;
        let are_both = left.is_ok() && right.is_ok();
        let gave = [left, right].into_iter().flatten().filter(|counts| *counts).count();
        if gave > 0 {
            once.gave += gave;
            once.at = Instant::now();
        }
        let is_pushed = matches!(once.good, Good::Pushed(_));
        let may_be_forgotten = is_pushed && self.prover.is_behind.load(Ordering::SeqCst);
        assert!(once.gave <= 1 || may_be_forgotten, "it has counted {} times: {once:?}", once.gave);
        let mut history = self.history();
        if is_pushed {
            history.counts.pushed += gave;
        } else {
            history.counts.proofs += gave;
        }
        history.counts.again += usize::from(are_both && once.offers > 0);
        history.counts.maybe += usize::from(!are_both);
        once.offers += 1;
        history.was_offered(once, PROOF_LIVES);
        if are_both { Ok(()) } else { Err(Refused) }
    }

    /// Whether it counts at this node.
    async fn counts_at(&self, once: &Once, side: usize) -> Outcome<bool> {
        match &once.good {
            Good::Proof(proof) => self.is_proof_taken(proof, once.number, side).await,
            Good::Pushed(uri) => self.gives_code(uri, side).await,
        }
    }

    async fn is_proof_taken(&self, proof: &str, number: usize, side: usize) -> Outcome<bool> {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", proof),
        ];
        let request = self.http.post(format!("{}/oauth2/token", self.bases[side])).form(&fields);
        // Each from an address of its own: whoever fails often from one is slowed down.
        let address = format!("10.{}.{}.7", number / 250 % 250, number % 250);
        let answer = settled(read(request.header("x-forwarded-for", address)).await)?;
        if answer.status == 200 {
            return Ok(true);
        }
        answer.assert_error(401, "invalid_client");
        Ok(false)
    }

    /// Pushes a request of the app at this node; its name.
    async fn push(&self, side: usize) -> Outcome<String> {
        let app = &self.apps[side];
        let address = Url::parse(&app.authorize_path(&[])).expect("a URL");
        let owned: Vec<(String, String)> = address.query_pairs().into_owned().collect();
        let fields: Vec<(&str, &str)> =
            owned.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = settled(app.try_post("/oauth2/par", &fields).await)?;
        assert_eq!(answer.status, 201, "{answer:?}");
        Ok(answer.json()["request_uri"].as_str().expect("a request_uri").to_owned())
    }

    /// Whether the browser of somebody who is signed in gets a code for a pushed request.
    async fn gives_code(&self, uri: &str, side: usize) -> Outcome<bool> {
        let base = &self.bases[side];
        let mut address = Url::parse(&format!("{base}/oauth2/authorize")).expect("a URL");
        let names = [("client_id", self.apps[side].id.as_str()), ("request_uri", uri)];
        address.query_pairs_mut().extend_pairs(names);
        let page = answered(try_get(&self.stayer, address.as_str()).await)?;
        if page.try_location().is_none() {
            // Used before, or Redis has forgotten it.
            assert_eq!(page.status.as_u16(), 400, "{}", page.describe());
            return Ok(false);
        }
        match page.location_parameter("error").as_deref() {
            Some("temporarily_unavailable") => Err(Refused),
            Some(error) => {
                assert_eq!(error, "invalid_request", "{}", page.describe());
                Ok(false)
            }
            None => {
                assert!(page.location_parameter("code").is_some(), "{}", page.describe());
                Ok(true)
            }
        }
    }

    /// Waits until some more refresh tokens were offered to both nodes.
    async fn offers_go_on(&self) {
        let before = self.counts().offered;
        wait_until_async("refresh tokens offered to both nodes", PATIENCE, async || {
            self.counts().offered >= before + 2
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_a_grace_a_refresh_token_offered_to_both_nodes_is_taken_once_at_most() {
    let mut rig = Rig::start(&[("DOORWARD_TOKENS__REFRESH_GRACE", "0")]).await;
    let load = Load::start(&rig, rig.bases()).await;
    let lanes = [Lane::Exchange, Lane::OfferWithoutGrace, Lane::OfferWithoutGrace];
    let lanes = join_all(lanes.map(|lane| load.run(lane)));
    let faults = async {
        let away = Duration::from_millis(300);
        load.offers_go_on().await;
        rig.kill_node(0).await;
        load.offers_go_on().await;
        rig.kill_postgres(away).await;
        rig.ready().await;
        load.offers_go_on().await;
        rig.kill_redis(away).await;
        rig.ready().await;
        load.offers_go_on().await;
        for fault in [Fault::Cut, Fault::Reset] {
            rig.nodes[1].postgres.set(fault);
            tokio::time::sleep(away).await;
            rig.nodes[1].postgres.set(Fault::None);
            rig.ready().await;
            load.offers_go_on().await;
        }
        load.end();
    };
    tokio::join!(lanes, faults);
    eprintln!("{:?}", load.counts());
    let twice = "select count(*) from refresh_families where generation > 1";
    assert_eq!(count(&rig.world, twice).await, 0, "a token was taken after it was used");
    hold_the_rows_to_it(&rig, &load).await;
}
