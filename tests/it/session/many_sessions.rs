//! Many sessions of one person that end together: very many at once hold up nobody, and each is counted
//! among those that lasted so long.

use doorward::app::App;
use doorward::clock::{Clock, UnixTime};
use doorward::protocol::types::{SessionId, UserId};
use doorward::service::audit::{Actor, Caller};
use doorward::service::clients::Activity;
use doorward::service::people::{self, NewPerson};
use doorward::service::session::everywhere::{self, Connections, Reach, Wanted};
use doorward::store::revocations::{self, RevocationKind};
use doorward::store::sessions::{self, Session};

use crate::kit::fixtures::unique;
use crate::kit::node::node;
use crate::support::world::World;

/// As many as take several statements of different lengths.
const VERY_MANY: usize = 700;

async fn somebody(app: &App) -> UserId {
    let new = NewPerson { username: unique("many"), ..NewPerson::default() };
    people::create(app, new, &Actor::System).await.expect("a person").id
}

/// Adds sessions that began an hour ago and were last used when told.
async fn add_sessions(
    app: &App,
    user: &UserId,
    (count, seen): (usize, UnixTime),
) -> Vec<SessionId> {
    let now = app.now();
    let mut tx = app.store.begin().await.expect("a transaction");
    let mut ids = Vec::new();
    for _ in 0..count {
        let id = SessionId::new(unique("session"));
        let row = Session {
            id: id.clone(),
            secret_hash: unique("hash"),
            user_id: user.clone(),
            auth_time: now,
            acr: "1".to_owned(),
            amr: vec!["pwd".to_owned()],
            device: String::new(),
            address: String::new(),
            place: String::new(),
            created_at: now.plus(-3_600),
            last_seen_at: seen,
            idle_seconds: 600,
            expires_at: now.plus(3_600),
            revoked_at: None,
        };
        sessions::insert(&mut tx, &row).await.expect("a session");
        ids.push(id);
    }
    tx.commit().await.expect("the commit");
    ids
}

/// How many sessions the metric has counted, and their sum, as ended by these.
fn counted(app: &App, by: &str) -> (u32, f64) {
    let text = app.metrics.encode();
    let value = |what: &str| {
        let name = format!("doorward_session_duration_seconds_{what}{{ended_by=\"{by}\"}} ");
        text.lines().find_map(|line| line.strip_prefix(&name)?.parse::<f64>().ok())
    };
    let count = value("count").unwrap_or_default();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small count")]
    let count = count as u32;
    (count, value("sum").unwrap_or_default())
}

async fn sign_out(app: &App, user: &UserId, (reach, actor): (Reach<'_>, &Actor)) -> usize {
    let wanted = Wanted { user, reach, connections: Connections::Keep };
    let ended = everywhere::sign_out(app, &wanted, (actor, &Caller::default())).await;
    ended.expect("an end").expect("a person").sessions
}

on_both_backends! {
    async fn very_many_sessions_end_together(backend: Backend) {
        let world = World::builder(backend).prepare().await;
        let app = node(&world, &Clock::System).await;
        let user = somebody(&app).await;
        let ids = add_sessions(&app, &user, (VERY_MANY, app.now())).await;
        let actor = Actor::User(user.clone());
        assert_eq!(sign_out(&app, &user, (Reach::Elsewhere(&ids[0]), &actor)).await, VERY_MANY - 1);
        for (n, id) in ids.iter().enumerate() {
            let asked = [(RevocationKind::Session, id.as_str())];
            let ended = revocations::any(&app.store.db, &asked).await.expect("an answer");
            assert_eq!(ended.is_empty(), n == 0, "{n}");
        }
        assert_eq!(counted(&app, "person").0 as usize, VERY_MANY - 1);
        // One number for all of them, and their cookies.
        let newest = app.watch.newest_revocation();
        let made = revocations::since(&app.store.db, newest - 1, 9_999).await.expect("the set");
        assert_eq!(made.len(), 2 * (VERY_MANY - 1));
    }

    async fn whoever_ends_them_all_they_are_counted_as_those_ended_one_by_one(backend: Backend) {
        let world = World::builder(backend).prepare().await;
        let app = node(&world, &Clock::manual(Clock::System.now())).await;
        let now = app.now();
        let hour = 3_600.0;
        let user = somebody(&app).await;
        let (own, other) = (Actor::User(user.clone()), Actor::CommandLine);
        let again = async || add_sessions(&app, &user, (2, now)).await;

        let kept = again().await.swap_remove(0);
        sign_out(&app, &user, (Reach::Elsewhere(&kept), &own)).await;
        assert_eq!(counted(&app, "person"), (1, hour));
        sign_out(&app, &user, (Reach::Everywhere, &own)).await;
        assert_eq!(counted(&app, "person"), (2, 2.0 * hour));
        again().await;
        sign_out(&app, &user, (Reach::Everywhere, &other)).await;
        assert_eq!(counted(&app, "administrator"), (2, 2.0 * hour));

        again().await;
        let password = || "a-fine-4-word-phrase".to_owned();
        people::set_password(&app, &user, password(), &own).await.expect("a password");
        assert_eq!(counted(&app, "person"), (4, 4.0 * hour));
        again().await;
        people::set_activity(&app, &user, Activity::Disabled, &other).await.expect("its end");
        assert_eq!(counted(&app, "administrator"), (4, 4.0 * hour));
        again().await;
        // One that nobody has used for longer than its limit was over before.
        add_sessions(&app, &user, (1, now.plus(-900))).await;
        people::deletion::delete(&app, &user, &other).await.expect("its end");
        assert_eq!(counted(&app, "administrator"), (6, 6.0 * hour));
        assert_eq!(counted(&app, "person"), (4, 4.0 * hour));
        assert_eq!(counted(&app, "expiry"), (1, 2_700.0), "to its last use");
    }
}
