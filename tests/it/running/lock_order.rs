//! Many who change the same people, apps, sessions and grants at the same moment, and the clean-up that
//! takes them away: each waits for some of the others, and never two for each other. docs/architecture.md has the order in which rows are held.

use std::fmt::Display;
use std::pin::Pin;

use doorward::app::App;
use doorward::clock::{Clock, UnixTime};
use doorward::crypto::secret::Secret;
use doorward::protocol::client::{Client, ClientMetadata, ClientOrigin};
use doorward::protocol::scope::Scopes;
use doorward::protocol::token::grant::details::GrantDetails;
use doorward::protocol::types::{ClientId, FamilyId, GrantId, SessionId, UserId};
use doorward::protocol::user::User;
use doorward::service::audit::{Actor, Caller};
use doorward::service::authorize::consent;
use doorward::service::clients::{self, Activity};
use doorward::service::people::{self, NewPerson, links};
use doorward::service::risk::not_me::{self, OtherSessions};
use doorward::service::session::everywhere::{self, Connections, Reach, Wanted};
use doorward::store::grants::refresh_families::{self, RefreshFamily};
use doorward::store::grants::{self, Grant};
use doorward::store::links::{self as link_rows, LinkKind, OneTimeLink};
use doorward::store::sessions::session_clients;
use doorward::store::sessions::{self, Session};
use doorward::store::{StoreError, cleanup, clients as client_rows, consents};
use futures_util::future::join_all;

use crate::kit::fixtures::unique;
use crate::kit::node::node;
use crate::support::world::World;

const ROUNDS: usize = 8;
const CROWD: usize = 34;
const SESSIONS: usize = 6;

/// What somebody does, and why it did not go well.
type Work<'a> = Pin<Box<dyn Future<Output = Option<String>> + 'a>>;

fn problem<T, E: Display>(outcome: Result<T, E>) -> Option<String> {
    outcome.err().map(|error| error.to_string())
}

/// A person and what they have, of one round.
struct Scene<'a> {
    app: &'a App,
    user: User,
    sessions: Vec<SessionId>,
    /// One that the person has allowed something, and one that nobody has used yet.
    clients: [ClientId; 2],
    reset: String,
    disowned: [Secret; 2],
}

impl<'a> Scene<'a> {
    async fn set(app: &'a App) -> Self {
        let new = NewPerson { username: unique("crowd"), ..NewPerson::default() };
        let user = people::create(app, new, &Actor::System).await.expect("a person");
        let now = app.now();
        let mut ids = Vec::new();
        for n in 0..SESSIONS {
            let row = session(&user.id, n, now);
            sessions::insert(&app.store.db, &row).await.expect("a session");
            ids.push(row.id);
        }
        let clients = [unique("used"), unique("new")].map(ClientId::new);
        for id in &clients {
            client_rows::insert(&app.store.db, &client(id, now)).await.expect("a client");
        }
        let link = links::create_reset_link(app, &user.id, &Actor::System).await.expect("a link");
        let reset = link.split('=').next_back().expect("a token").to_owned();
        let disowned = [Secret::generate(), Secret::generate()];
        for secret in &disowned {
            let link = OneTimeLink {
                hash: secret.hash().as_str().to_owned(),
                kind: LinkKind::NotMe,
                user_id: Some(user.id.clone()),
                session_id: ids.last().cloned(),
                made_by: None,
                created_at: now,
                expires_at: now.plus(600),
                used_at: None,
            };
            link_rows::insert(&app.store.db, &link).await.expect("a link");
        }
        Self { app, user, sessions: ids, clients, reset, disowned }
    }

    /// What they have done before the crowd comes.
    async fn begin(&self) -> Result<(), StoreError> {
        self.allow(0).await?;
        for session in 0..SESSIONS {
            self.grant((session, 0)).await?;
        }
        Ok(())
    }

    /// Allows an app something, as the consent page does.
    async fn allow(&self, client: usize) -> Result<(), StoreError> {
        let (user, client) = (&self.user.id, &self.clients[client]);
        let mut tx = self.app.store.begin().await?;
        let mut held = consents::hold_or_begin(&mut tx, user, client, self.app.now()).await?;
        held.scopes = Scopes::from_tokens(["openid"]);
        consents::upsert(&mut tx, &held).await?;
        tx.commit().await
    }

    /// Redeems a code of a session, as the token endpoint does.
    async fn grant(&self, (session, client): (usize, usize)) -> Result<(), StoreError> {
        let (user, client) = (&self.user.id, &self.clients[client]);
        let session = &self.sessions[session];
        let mut tx = self.app.store.begin().await?;
        let firm = sessions::hold(&mut tx, session).await?
            && consents::hold(&mut tx, user, client).await?.is_some();
        if !firm {
            return Ok(());
        }
        let now = self.app.now();
        let grant = Grant {
            id: GrantId::new(unique("grant")),
            user_id: user.clone(),
            client_id: client.clone(),
            session_id: Some(session.clone()),
            scopes: Scopes::from_tokens(["openid"]),
            offline: false,
            auth_time: now,
            acr: "1".to_owned(),
            amr: Vec::new(),
            details: GrantDetails::default(),
            organisation: None,
            created_at: now,
            expires_at: now.plus(3_600),
            revoked_at: None,
        };
        grants::insert(&mut tx, &grant).await?;
        refresh_families::insert(&mut tx, &family(&grant, now)).await?;
        session_clients::remember(&mut tx, session, client).await?;
        tx.commit().await
    }

    /// Changes an app so much that what it was allowed counts no more.
    async fn renounce(&self, client: usize) -> Result<(), StoreError> {
        let id = &self.clients[client];
        let mut tx = self.app.store.begin().await?;
        client_rows::hold(&mut tx, id).await?;
        consents::delete_for_client(&mut tx, id).await?;
        grants::revoke_for_client(&mut tx, id, self.app.now()).await?;
        tx.commit().await
    }

    async fn sign_out(&self, reach: Reach<'_>, connections: Connections) -> Option<String> {
        let wanted = Wanted { user: &self.user.id, reach, connections };
        let who = (&Actor::System, &Caller::default());
        problem(everywhere::sign_out(self.app, &wanted, who).await)
    }

    /// Notes visits to all sessions, as every node does now and then.
    async fn visit(&self) -> Option<String> {
        let at = self.app.now().plus(1);
        let seen: Vec<_> = self.sessions.iter().rev().map(|id| (id.clone(), at)).collect();
        problem(sessions::touch_many(&self.app.store.db, &seen).await)
    }

    /// Removes everything, as if it had expired, and forgets the successors of all refresh tokens.
    async fn clean_up(&self) -> Option<String> {
        let db = &self.app.store.db;
        let later = self.app.now().plus(100_000);
        let forgotten = refresh_families::clear_successors(db, later, 500).await;
        problem(forgotten).or(problem(cleanup::purge(db, later, 500).await))
    }

    /// What the `n`-th of the crowd does.
    fn work(&'a self, n: usize) -> Work<'a> {
        let (app, id, actor) = (self.app, &self.user.id, &Actor::System);
        let password = || "a-fine-4-word-phrase".to_owned();
        match n % 17 {
            0 => {
                Box::pin(
                    async move { problem(links::redeem_reset(app, &self.reset, password()).await) },
                )
            }
            1 => {
                Box::pin(
                    async move { problem(people::set_password(app, id, password(), actor).await) },
                )
            }
            2 | 3 => Box::pin(async move {
                let activity =
                    if n.is_multiple_of(2) { Activity::Disabled } else { Activity::Enabled };
                problem(people::set_activity(app, id, activity, actor).await)
            }),
            4 => Box::pin(async move {
                let (token, caller) = (self.disowned[n / 17 % 2].expose(), Caller::default());
                let others = if n < 17 { OtherSessions::End } else { OtherSessions::Keep };
                problem(not_me::redeem(app, token, others, &caller).await)
            }),
            5 => Box::pin(self.sign_out(Reach::Elsewhere(&self.sessions[3]), Connections::End)),
            6 => Box::pin(self.sign_out(Reach::Everywhere, Connections::Keep)),
            7 => Box::pin(self.visit()),
            8 | 9 => Box::pin(async move { problem(self.grant((n % 5, 0)).await) }),
            10 => Box::pin(async move { problem(self.allow(1).await) }),
            11 => Box::pin(async move { problem(self.renounce(1).await) }),
            12 => Box::pin(async move {
                let whose = (id, &self.clients[0]);
                problem(consent::withdraw(app, whose, (actor, &Caller::default())).await)
            }),
            13 => Box::pin(async move {
                problem(
                    clients::set_activity(app, &self.clients[0], Activity::Disabled, actor).await,
                )
            }),
            14 => Box::pin(async move {
                problem(clients::delete(app, &self.clients[n / 17 % 2], actor).await)
            }),
            // In the middle of all that, two at once.
            15 => Box::pin(self.clean_up()),
            _ => Box::pin(async move {
                if n < 17 {
                    self.visit().await
                } else {
                    problem(people::deletion::delete(app, id, actor).await)
                }
            }),
        }
    }
}

fn session(user: &UserId, n: usize, now: UnixTime) -> Session {
    let id = unique(&format!("session-{n}"));
    Session {
        secret_hash: format!("hash of {id}"),
        id: SessionId::new(id),
        user_id: user.clone(),
        auth_time: now,
        acr: "1".to_owned(),
        amr: vec!["pwd".to_owned()],
        device: String::new(),
        address: String::new(),
        place: String::new(),
        created_at: now,
        last_seen_at: now,
        idle_seconds: 3_600,
        expires_at: now.plus(3_600),
        revoked_at: None,
    }
}

/// One whose token has just been used, so that there is a successor to forget.
fn family(grant: &Grant, now: UnixTime) -> RefreshFamily {
    RefreshFamily {
        id: FamilyId::new(unique("family")),
        grant_id: grant.id.clone(),
        generation: 1,
        current_hash: unique("current"),
        previous_hash: Some(unique("previous")),
        rotated_at: Some(now),
        successor_sealed: Some("sealed".to_owned()),
        idle_seconds: 3_600,
        idle_expires_at: now.plus(3_600),
        expires_at: now.plus(3_600),
        created_at: now,
    }
}

fn client(id: &ClientId, now: UnixTime) -> Client {
    let metadata = ClientMetadata { client_name: id.to_string(), ..ClientMetadata::default() };
    Client {
        id: id.clone(),
        metadata,
        origin: ClientOrigin::Manual,
        secret_hashes: Vec::new(),
        logo: None,
        disabled_at: None,
        token_version: 0,
        created_at: now,
        updated_at: now,
    }
}

on_both_backends! {
    async fn a_crowd_that_changes_the_same_rows_never_waits_in_a_circle(backend: Backend) {
        let builder = World::builder(backend).env("DOORWARD_DATABASE__MAX_CONNECTIONS", "48");
        let mut world = builder.own_postgres().prepare().await;
        let app = node(&world, &Clock::System).await;
        let mut problems = Vec::new();
        for round in 0..ROUNDS {
            let scene = Scene::set(&app).await;
            if let Err(error) = scene.begin().await {
                panic!("{error}\n{}", world.postgres().log());
            }
            // Everybody begins with somebody else in each round.
            let crowd = (0..CROWD).map(|n| scene.work((n + 5 * round) % CROWD));
            problems.extend(join_all(crowd).await.into_iter().flatten());
        }
        let circles: Vec<_> =
            problems.iter().filter(|problem| problem.contains("40P01")).collect();
        // Who waited for whom stands in the log of the server alone.
        let log = if circles.is_empty() { String::new() } else { world.postgres().log() };
        assert!(circles.is_empty(), "{} of them: {circles:#?}\n{log}", circles.len());
        // Nobody stops the others by more than being there first.
        let internal = problems.iter().filter(|problem| problem.contains("internal")).count();
        assert_eq!(internal, 0, "{problems:#?}");
    }
}
