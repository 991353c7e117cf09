//! Rights that are asked again in the transaction of a change: whoever loses their power while a request
//! of theirs is on its way changes nothing any more.

use std::fmt::Display;
use std::pin::Pin;
use std::time::Duration;

use doorward::app::App;
use doorward::clock::Clock;
use doorward::crypto::secret::Secret;
use doorward::protocol::client::{ClientKind, ClientMetadata};
use doorward::protocol::token::trusted_issuer::TrustedIssuer;
use doorward::protocol::types::{ClientId, KeyEncryptionAlg, SessionId, SigningAlg, UserId};
use doorward::protocol::user::{AdminRole, User};
use doorward::service::audit::{Actor, Caller};
use doorward::service::clients::registration::permissions::{self, NewPermission};
use doorward::service::clients::{self, Activity, NewClient, registration, secrets};
use doorward::service::keys::{self, encryption};
use doorward::service::people::{self, NewPerson};
use doorward::service::session::everywhere::{self, Connections, Reach, Wanted};
use doorward::service::upstream::{self, NewUpstream, UpstreamChange};
use doorward::service::webhooks::{self, WebhookSettings};
use doorward::service::{jobs, mail, session, trusted_issuers};
use doorward::store::sessions::{self, Session};
use doorward::store::{clients as client_rows, users};
use serde_json::json;

use crate::kit::audit::events;
use crate::kit::console::{ISSUER_KEYS, state};
use crate::kit::node::node;
use crate::support::world::World;

/// What a refusal says.
const REFUSED: &str = "your role does not allow this";
/// The same of what is about a person.
const NOT_THEIRS: &str = "this is not yours to change";
/// So long the taking away of a role is held back, so that a change has begun before it counts.
const UNDER_WAY: Duration = Duration::from_millis(60);

/// A change that somebody makes, and why it did not come about.
type Work<'a> = Pin<Box<dyn Future<Output = Option<String>> + 'a>>;

fn work<'a>(change: impl Future<Output = Option<String>> + 'a) -> Work<'a> {
    Box::pin(change)
}

fn refusal<T, E: Display>(outcome: Result<T, E>) -> Option<String> {
    outcome.err().map(|error| error.to_string())
}

async fn owner(app: &App, name: &str) -> User {
    let role = Some(AdminRole::Owner);
    let new = NewPerson { username: name.to_owned(), role, ..NewPerson::default() };
    people::create(app, new, &Actor::CommandLine).await.expect("an administrator")
}

fn metadata() -> ClientMetadata {
    ClientMetadata {
        client_name: "Wiki".to_owned(),
        redirect_uris: vec!["https://wiki.test/callback".to_owned()],
        ..ClientMetadata::for_kind(ClientKind::Web)
    }
}

fn settings(name: &str) -> WebhookSettings {
    let (url, events) = ("https://hooks.test/in".to_owned(), vec!["user.*".to_owned()]);
    WebhookSettings { name: name.to_owned(), url, events }
}

fn permission() -> NewPermission {
    NewPermission { label: "Bench".to_owned(), days: 1, max_uses: 1 }
}

fn provider(slug: &str) -> NewUpstream {
    NewUpstream {
        slug: slug.to_owned(),
        kind: upstream::UpstreamKind::Oidc,
        issuer: "https://upstream.invalid".to_owned(),
        display_name: "Our school".to_owned(),
        client_id: "doorward".to_owned(),
        settings: upstream::UpstreamSettings::default(),
        secret: Secret::from_text("a secret".to_owned()),
    }
}

fn issuer(name: &str, client: &str) -> TrustedIssuer {
    let keys: serde_json::Value = serde_json::from_str(ISSUER_KEYS).expect("keys");
    let rules = json!([{ "client_id": client, "match": { "sub": "prod:backup" } }]);
    let settings = serde_json::from_value(json!({ "jwks": keys, "rules": rules }));
    TrustedIssuer {
        name: name.to_owned(),
        issuer: format!("https://{name}.test"),
        settings: settings.expect("settings"),
        created_at: doorward::clock::UnixTime(0),
        disabled_at: None,
    }
}

/// What there is to change.
struct Scene<'a> {
    app: &'a App,
    client: ClientId,
    webhook: String,
    kid: String,
    /// The id of a token with which apps register.
    permission: String,
}

impl<'a> Scene<'a> {
    async fn set(app: &'a App) -> Self {
        let actor = &Actor::CommandLine;
        let client = ClientId::new("wiki");
        let new = NewClient { id: Some(client.clone()), metadata: metadata(), secret: None };
        clients::create(app, new, actor).await.expect("an app");
        secrets::add(app, &client, actor).await.expect("a second secret");
        trusted_issuers::create(app, issuer("cluster", "wiki"), actor).await.expect("an issuer");
        let (webhook, _) = webhooks::create(app, settings("chat"), actor).await.expect("a webhook");
        upstream::create(app, provider("school"), actor).await.expect("a provider");
        let rows = keys::list(app).await.expect("keys");
        let next = rows.iter().find(|row| row.state == "next").expect("a next key");
        let made = permissions::create(app, permission(), actor).await.expect("a permission");
        let (webhook, kid) = (webhook.id, next.kid.clone());
        Self { app, client, webhook, kid, permission: made.0.id }
    }

    /// Everything that administrators change and that is about no person.
    fn changes(&'a self, actor: &'a Actor) -> Vec<(&'static str, Work<'a>)> {
        let mut all = self.changes_of_apps(actor);
        all.extend(self.other_changes(actor));
        all.extend(self.changes_of_providers(actor));
        all.extend(self.changes_of_permissions(actor));
        all
    }

    fn changes_of_apps(&'a self, actor: &'a Actor) -> Vec<(&'static str, Work<'a>)> {
        let (app, id) = (self.app, &self.client);
        let renamed = || ClientMetadata { client_name: "Other".to_owned(), ..metadata() };
        let new = || NewClient { id: None, metadata: metadata(), secret: None };
        vec![
            ("create", work(async move { refusal(clients::create(app, new(), actor).await) })),
            (
                "update",
                work(async move { refusal(clients::update(app, id, renamed(), actor).await) }),
            ),
            (
                "disable",
                work(async move {
                    refusal(clients::set_activity(app, id, Activity::Disabled, actor).await)
                }),
            ),
            (
                "rotate the secret",
                Box::pin(
                    async move { refusal(clients::rotate_secret(app, id, None, actor).await) },
                ),
            ),
            (
                "retire a secret",
                work(async move {
                    let client = clients::get(app, id).await.expect("the app");
                    let mark = secrets::marks(&client).remove(0);
                    refusal(secrets::retire(app, id, &mark, actor).await)
                }),
            ),
            ("delete", work(async move { refusal(clients::delete(app, id, actor).await) })),
            ("add a secret", work(async move { refusal(secrets::add(app, id, actor).await) })),
            (
                "take the registration token",
                Box::pin(
                    async move { refusal(registration::care::revoke_token(app, id, actor).await) },
                ),
            ),
        ]
    }

    fn changes_of_permissions(&'a self, actor: &'a Actor) -> Vec<(&'static str, Work<'a>)> {
        let (app, token) = (self.app, self.permission.as_str());
        vec![
            (
                "make a registration token",
                work(async move { refusal(permissions::create(app, permission(), actor).await) }),
            ),
            (
                "take a registration token back",
                work(async move { refusal(permissions::revoke(app, token, actor).await) }),
            ),
        ]
    }

    fn changes_of_providers(&'a self, actor: &'a Actor) -> Vec<(&'static str, Work<'a>)> {
        let (app, off) = (self.app, Activity::Disabled);
        vec![
            (
                "add a provider",
                Box::pin(
                    async move { refusal(upstream::create(app, provider("other"), actor).await) },
                ),
            ),
            (
                "change a provider",
                work(async move {
                    let before = upstream::get(app, "school").await.expect("a provider");
                    let none = UpstreamChange::none(&before);
                    let change = UpstreamChange { client_id: "other".to_owned(), ..none };
                    refusal(upstream::update(app, "school", (change, actor)).await)
                }),
            ),
            (
                "switch a provider off",
                work(
                    async move { refusal(upstream::set_activity(app, "school", (off, actor)).await) },
                ),
            ),
            (
                "test a provider",
                work(async move { refusal(upstream::test(app, "school", actor).await) }),
            ),
            (
                "delete a provider",
                work(async move { refusal(upstream::delete(app, "school", actor).await) }),
            ),
        ]
    }

    fn other_changes(&'a self, actor: &'a Actor) -> Vec<(&'static str, Work<'a>)> {
        let (app, webhook, kid) = (self.app, self.webhook.as_str(), self.kid.as_str());
        let (signs, decrypts) = (SigningAlg::Es256, KeyEncryptionAlg::ALL[0]);
        let off = Activity::Disabled;
        vec![
            ("rotate keys", work(async move { refusal(keys::rotate(app, signs, actor).await) })),
            (
                "rotate keys that decrypt",
                work(async move { refusal(encryption::rotate(app, decrypts, actor).await) }),
            ),
            ("retire a key", work(async move { refusal(keys::retire(app, kid, actor).await) })),
            (
                "trust",
                work(async move {
                    refusal(trusted_issuers::create(app, issuer("other", "wiki"), actor).await)
                }),
            ),
            (
                "change an issuer",
                work(async move {
                    refusal(trusted_issuers::update(app, issuer("cluster", "wiki"), actor).await)
                }),
            ),
            (
                "switch an issuer off",
                work(async move {
                    refusal(trusted_issuers::set_activity(app, "cluster", off, actor).await)
                }),
            ),
            (
                "distrust",
                Box::pin(
                    async move { refusal(trusted_issuers::delete(app, "cluster", actor).await) },
                ),
            ),
            (
                "add a webhook",
                Box::pin(
                    async move { refusal(webhooks::create(app, settings("more"), actor).await) },
                ),
            ),
            (
                "delete a webhook",
                work(async move { refusal(webhooks::delete(app, webhook, actor).await) }),
            ),
            (
                "hurry a message",
                work(async move { refusal(jobs::try_now(app, "none", actor).await) }),
            ),
            (
                "send a test letter",
                work(async move {
                    refusal(mail::send_test(app, Some("ada@example.test"), actor).await)
                }),
            ),
            (
                "discard a message",
                work(async move { refusal(jobs::discard(app, "none", actor).await) }),
            ),
        ]
    }
}

/// A session of this person.
async fn signed_in(app: &App, user: &UserId) -> SessionId {
    let (id, now) = (SessionId::new("of-bob"), app.now());
    let row = Session {
        id: id.clone(),
        secret_hash: "hash".to_owned(),
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
    };
    sessions::insert(&app.store.db, &row).await.expect("a session");
    id
}

/// Makes a change while the role of whoever makes it is being taken away.
async fn losing_power(app: &App, admin: &User, work: Work<'_>) -> Option<String> {
    let mut tx = app.store.begin().await.expect("a transaction");
    users::hold_owners(&mut tx).await.expect("the owners are held");
    let nobody = User { role: None, ..admin.clone() };
    assert!(users::update(&mut tx, &nobody).await.expect("an update"));
    let lost = async {
        tokio::time::sleep(UNDER_WAY).await;
        tx.commit().await.expect("a commit");
    };
    let (outcome, ()) = tokio::join!(work, lost);
    users::update(&app.store.db, admin).await.expect("the role comes back");
    outcome
}

/// Makes a change while the service that makes it is being disabled.
async fn being_stopped(app: &App, id: &ClientId, work: Work<'_>) -> Option<String> {
    let now = app.now();
    let mut tx = app.store.begin().await.expect("a transaction");
    users::hold_owners(&mut tx).await.expect("the owners are held");
    assert!(client_rows::set_disabled(&mut tx, id, Some(now), now).await.expect("an update"));
    let lost = async {
        tokio::time::sleep(UNDER_WAY).await;
        tx.commit().await.expect("a commit");
    };
    let (outcome, ()) = tokio::join!(work, lost);
    client_rows::set_disabled(&app.store.db, id, None, now).await.expect("it works again");
    outcome
}

on_both_backends! {
    async fn whoever_loses_their_power_meanwhile_changes_nothing(backend: Backend) {
        let world = World::builder(backend).prepare().await;
        let app = node(&world, &Clock::System).await;
        let admin = owner(&app, "grace").await;
        owner(&app, "ada").await;
        let scene = Scene::set(&app).await;
        let actor = Actor::Console(admin.id.clone(), Caller::default());
        let before = state(&world).await;
        for (what, change) in scene.changes(&actor) {
            let outcome = losing_power(&app, &admin, change).await;
            assert_eq!(outcome.as_deref(), Some(REFUSED), "{what}");
        }
        assert_eq!(state(&world).await, before);
        // With their power they do it: it is not for another reason that nothing happened.
        let renamed = ClientMetadata { client_name: "Other".to_owned(), ..metadata() };
        clients::update(&app, &scene.client, renamed, &actor).await.expect("a change");
        assert_ne!(state(&world).await, before);
    }

    async fn a_change_needs_the_right_itself_and_not_only_a_role(backend: Backend) {
        let world = World::builder(backend).prepare().await;
        let app = node(&world, &Clock::System).await;
        let scene = Scene::set(&app).await;
        let new = NewPerson {
            username: "auditor".to_owned(),
            role: Some(AdminRole::Auditor),
            ..NewPerson::default()
        };
        let auditor = people::create(&app, new, &Actor::CommandLine).await.expect("an auditor");
        let before = state(&world).await;
        let actor = Actor::Console(auditor.id, Caller::default());
        for (what, change) in scene.changes(&actor) {
            assert_eq!(change.await.as_deref(), Some(REFUSED), "{what}");
        }
        assert_eq!(state(&world).await, before);
    }
    async fn whoever_loses_their_power_meanwhile_signs_nobody_out(backend: Backend) {
        let world = World::builder(backend).prepare().await;
        let app = node(&world, &Clock::System).await;
        let admin = owner(&app, "grace").await;
        owner(&app, "ada").await;
        let new = NewPerson { username: "bob".to_owned(), ..NewPerson::default() };
        let bob = people::create(&app, new, &Actor::CommandLine).await.expect("a person").id;
        let id = signed_in(&app, &bob).await;
        let caller = Caller::default();
        let actor = Actor::Console(admin.id.clone(), caller.clone());
        let who = (&actor, &caller);
        let reach = Reach::Everywhere;
        let all = Wanted { user: &bob, reach, connections: Connections::End };
        let few = Wanted { connections: Connections::Keep, ..all };
        for wanted in [&all, &few] {
            let ends = work(async { refusal(everywhere::sign_out(&app, wanted, who).await) });
            assert_eq!(losing_power(&app, &admin, ends).await.as_deref(), Some(NOT_THEIRS));
        }
        let ends = work(async { refusal(session::end_by_id(&app, &id, who).await) });
        assert_eq!(losing_power(&app, &admin, ends).await.as_deref(), Some(NOT_THEIRS));
        for kind in ["session.ended", "user.signed_out_everywhere"] {
            assert_eq!(events(&world, kind).await, 0, "{kind}");
        }
        // With their power they do it, and what is one's own needs none.
        assert!(session::end_by_id(&app, &id, who).await.expect("an answer"));
        assert!(!session::end_by_id(&app, &id, who).await.expect("an answer"));
        let own = Actor::User(bob.clone());
        let ended = everywhere::sign_out(&app, &all, (&own, &caller)).await.expect("an answer");
        assert_eq!(ended.expect("a person").sessions, 0);
    }
    async fn a_service_that_is_stopped_meanwhile_changes_nothing(backend: Backend) {
        let world = World::builder(backend).prepare().await;
        let app = node(&world, &Clock::System).await;
        let id = ClientId::new("robot");
        let new = NewClient { id: Some(id.clone()), metadata: metadata(), secret: None };
        clients::create(&app, new, &Actor::CommandLine).await.expect("an app");
        let actor = Actor::Service(id.clone(), Caller::default());
        let somebody =
            |name: &str| NewPerson { username: name.to_owned(), ..NewPerson::default() };
        // Where there is no owner to hold, and where there is one.
        for name in ["bob", "carl"] {
            let makes = work(async { refusal(people::create(&app, somebody(name), &actor).await) });
            assert_eq!(being_stopped(&app, &id, makes).await.as_deref(), Some(NOT_THEIRS), "{name}");
            people::create(&app, somebody(name), &actor).await.expect("a person");
            if name == "bob" {
                owner(&app, "grace").await;
            }
        }
        // A change that came first is through before the service is known to be stopped.
        let mut tx = app.store.begin().await.expect("a transaction");
        users::hold_owners(&mut tx).await.expect("the owners are held");
        let first = async {
            tokio::time::sleep(UNDER_WAY).await;
            let row = client_rows::by_id(&app.store.db, &id).await.expect("an answer");
            assert_eq!(row.expect("the app").disabled_at, None);
            tx.commit().await.expect("a commit");
        };
        let off = clients::set_activity(&app, &id, Activity::Disabled, &Actor::CommandLine);
        let (stopped, ()) = tokio::join!(off, first);
        stopped.expect("an end");
        let refused = refusal(people::create(&app, somebody("dora"), &actor).await);
        assert_eq!(refused.as_deref(), Some(NOT_THEIRS));
    }
}
