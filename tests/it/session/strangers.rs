//! What a long time and a thief leave behind: whoever comes back after all was forgotten is unfamiliar, a
//! session that was not its person's own says nothing about where they were, and sessions that nobody
//! ended are counted when they go.

use doorward::app::App;
use doorward::clock::Clock;
use doorward::protocol::types::{SessionId, UserId};
use doorward::service::audit::{Actor, Caller};
use doorward::service::maintenance;
use doorward::service::session::accounts::{Accounts, Newcomer};
use doorward::service::session::{self, Established, Remember};
use doorward::service::sign_in::{self, Credentials, Entry};
use doorward::store::audit::{AuditFilter, list};
use doorward::store::{cleanup, known_marks, sessions};

use crate::kit::flow::{PASSWORD, create_user};
use crate::kit::geoip;
use crate::kit::node::node;
use crate::support::backends::Backend;
use crate::support::world::World;

const DAY: i64 = 86_400;
const HERE: &str = "127.0.0.1";

/// A node inside the test that knows places, with a clock of its own.
struct Bed {
    _world: World,
    app: App,
    clock: Clock,
    alice: UserId,
}

impl Bed {
    async fn new(backend: Backend) -> Self {
        let mut world = World::builder(backend).prepare().await;
        geoip::known_to(&mut world);
        let alice = UserId::new(create_user(&world, "alice"));
        let clock = Clock::manual(Clock::System.now());
        let app = node(&world, &clock).await;
        Self { _world: world, app, clock, alice }
    }

    async fn sign_in(&self, address: &str) -> Established {
        let device = Some("a-browser".to_owned());
        let caller = Caller { address: Some(address.to_owned()), device, ..Caller::default() };
        let typed = Credentials {
            username: "alice".to_owned(),
            password: PASSWORD.to_owned(),
            remember: Remember::ThisVisit,
            page: None,
        };
        let browser = (&Accounts::default(), Newcomer::TakesThePlace);
        let made = Box::pin(sign_in::with_password(&self.app, typed, browser, &caller)).await;
        match made.unwrap_or_else(|error| panic!("{error}")) {
            Entry::Session(established) => *established,
            Entry::MustChoose(proof) => panic!("{proof:?}"),
        }
    }

    /// What was unlike before so far, the newest first.
    async fn anomalies(&self) -> Vec<String> {
        let kind = Some("anomaly.found".to_owned());
        let filter = AuditFilter { kind, limit: 100, ..AuditFilter::default() };
        let events = list(&self.app.store.db, &filter).await.expect("the audit events");
        events
            .iter()
            .map(|event| event.detail["anomaly"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    async fn travels(&self) -> usize {
        self.anomalies().await.iter().filter(|kind| *kind == "impossible_travel").count()
    }
}

on_both_backends! {
    async fn whoever_comes_back_after_all_was_forgotten_is_unfamiliar(backend: Backend) {
        let bed = Box::pin(Bed::new(backend)).await;
        bed.sign_in(HERE).await;
        assert!(bed.anomalies().await.is_empty(), "a first sign-in is unlike nothing");
        bed.clock.advance(91 * DAY);
        while cleanup::purge(&bed.app.store.db, bed.app.now(), 100).await.expect("a purge").rows > 0 {}
        let db = &bed.app.store.db;
        assert!(known_marks::of_user(db, &bed.alice, bed.app.now()).await.expect("marks").is_empty());
        assert_eq!(sessions::last_own(db, &bed.alice).await.expect("an answer"), None);
        bed.sign_in(HERE).await;
        let mut found = bed.anomalies().await;
        found.sort();
        assert_eq!(found, ["new_device", "new_network"]);
        // That one is known now.
        bed.clock.advance(DAY);
        bed.sign_in(HERE).await;
        assert_eq!(bed.anomalies().await.len(), 2);
    }

    async fn where_somebody_else_was_says_nothing_about_the_person(backend: Backend) {
        let bed = Box::pin(Bed::new(backend)).await;
        let own = bed.sign_in(HERE).await;
        bed.clock.advance(60);
        let thief = bed.sign_in(geoip::FAR).await;
        assert_eq!(bed.travels().await, 1, "nobody is that fast");
        // Ended by its person it still says where they were.
        let caller = Caller::default();
        let person = Actor::User(bed.alice.clone());
        session::end(&bed.app, &thief.session, (&person, &caller)).await.expect("its end");
        bed.clock.advance(60);
        let back = bed.sign_in(HERE).await;
        assert_eq!(bed.travels().await, 2);
        // An administrator ends one that looks wrong.
        bed.clock.advance(60);
        let thief = bed.sign_in(geoip::FAR).await;
        assert_eq!(bed.travels().await, 3);
        let id: &SessionId = &thief.session.id;
        let ended = session::end_by_id(&bed.app, id, (&Actor::CommandLine, &caller)).await;
        assert!(ended.expect("an answer"));
        bed.clock.advance(60);
        bed.sign_in(HERE).await;
        assert_eq!(bed.travels().await, 3, "it is compared with the one before");
        for made in [&own, &back] {
            let alive = session::current(&bed.app, made.cookie.expose()).await.expect("an answer");
            assert!(alive.is_some());
        }
    }

    async fn sessions_that_nobody_ended_are_counted_when_they_go(backend: Backend) {
        let bed = Box::pin(Bed::new(backend)).await;
        let left = bed.sign_in(HERE).await;
        let ended = bed.sign_in(HERE).await;
        bed.clock.advance(600);
        assert!(session::current(&bed.app, left.cookie.expose()).await.expect("an answer").is_some());
        // Written once it is a minute old.
        bed.clock.advance(61);
        maintenance::write_visits(&bed.app).await.expect("the visits");
        let person = Actor::User(bed.alice.clone());
        let caller = Caller::default();
        session::end(&bed.app, &ended.session, (&person, &caller)).await.expect("its end");
        let counted = |by: &str, what: &str| {
            let text = bed.app.metrics.encode();
            let name = format!("doorward_session_duration_seconds_{what}{{ended_by=\"{by}\"}} ");
            text.lines().find_map(|line| line.strip_prefix(&name).map(ToOwned::to_owned))
        };
        maintenance::clean_up(&bed.app).await.expect("a clean-up");
        assert_eq!(counted("expiry", "count"), None, "its limits are hours away");
        bed.clock.advance(13 * 3_600);
        for _ in 0..2 {
            maintenance::clean_up(&bed.app).await.expect("a clean-up");
            assert_eq!(counted("expiry", "count").as_deref(), Some("1"));
            assert_eq!(counted("expiry", "sum").as_deref(), Some("600.0"), "to its last use");
            assert_eq!(counted("person", "count").as_deref(), Some("1"));
        }
    }
}
