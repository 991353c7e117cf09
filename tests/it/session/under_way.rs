//! A sign-in between its beginning and its session. If all sessions of the person end meanwhile it makes
//! none, whatever else stays; and one that is refused leaves the browser as it was.

use std::sync::Arc;

use doorward::app::App;
use doorward::clock::Clock;
use doorward::crypto::secret::Secret;
use doorward::protocol::types::{SessionId, UserId};
use doorward::protocol::user::Footing;
use doorward::service::audit::{Actor, Caller};
use doorward::service::clients::Activity;
use doorward::service::people;
use doorward::service::risk::not_me::{self, OtherSessions};
use doorward::service::session::accounts::{Accounts, Newcomer};
use doorward::service::session::everywhere::{self, Connections, Reach, Wanted};
use doorward::service::session::{self, Authenticated, Established, Remember};
use doorward::service::sign_in::{self, Credentials, SignInError};
use doorward::store::links::{self, LinkKind, OneTimeLink};
use doorward::store::{sessions, users};
use futures_util::poll;

use crate::kit::flow::{PASSWORD, PATIENCE, count, create_user};
use crate::kit::node::node;
use crate::support::backends::Backend;
use crate::support::process::wait_until_async;
use crate::support::world::World;

const NEW_PASSWORD: &str = "eleven brave teapots rehearse";
/// A stored hash that takes seconds to check: another password's, of no meaning.
const SLOW: &str = "$argon2id$v=19$m=19456,t=200,p=1$c29tZXNhbHRzb21lc2FsdA\
                    $AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// A node inside the test, and who is on it.
struct Bed {
    world: World,
    app: Arc<App>,
    alice: UserId,
}

impl Bed {
    async fn new(backend: Backend) -> Self {
        let world = World::builder(backend).env("DOORWARD_PASSWORD__THREADS", "1").prepare().await;
        let alice = UserId::new(create_user(&world, "alice"));
        let app = Arc::new(node(&world, &Clock::System).await);
        Self { world, app, alice }
    }

    /// What a sign-in that begins now stands on.
    async fn footing(&self, name: &str) -> Footing {
        let found = users::with_password(&self.app.store.db, name).await.expect("an answer");
        found.expect("a person").footing
    }

    /// Ends a sign-in that began with this footing, in this browser.
    async fn finish(
        &self,
        (user, footing): (&UserId, Footing),
        held: &Accounts,
    ) -> Option<Established> {
        let who = Authenticated {
            user_id: user.clone(),
            footing,
            acr: "aal1".to_owned(),
            amr: vec!["pwd".to_owned()],
            remember: Remember::ThisVisit,
            findings: Vec::new(),
            claimed: None,
        };
        let browser = (held, Newcomer::TakesThePlace);
        let made = session::establish(&self.app, who, browser, &Caller::default()).await;
        made.expect("an answer")
    }

    async fn signed_in(&self, name: &str) -> Established {
        let login = users::with_password(&self.app.store.db, name).await.expect("an answer");
        let login = login.expect("a person");
        let made = self.finish((&login.user.id, login.footing), &Accounts::default()).await;
        made.expect("a session")
    }

    async fn lives(&self, made: &Established) -> bool {
        let found = session::current(&self.app, made.cookie.expose()).await;
        found.expect("an answer").is_some()
    }

    async fn sign_out(&self, reach: Reach<'_>, connections: Connections) {
        let wanted = Wanted { user: &self.alice, reach, connections };
        let actor = Actor::User(self.alice.clone());
        let ended = everywhere::sign_out(&self.app, &wanted, (&actor, &Caller::default())).await;
        ended.expect("an answer").expect("a person");
    }

    /// The person presses the button behind the link about this session.
    async fn disown(&self, session: &SessionId) {
        let secret = Secret::generate();
        let now = self.app.now();
        let link = OneTimeLink {
            hash: secret.hash().as_str().to_owned(),
            kind: LinkKind::NotMe,
            user_id: Some(self.alice.clone()),
            session_id: Some(session.clone()),
            made_by: None,
            created_at: now,
            expires_at: now.plus(600),
            used_at: None,
        };
        links::insert(&self.app.store.db, &link).await.expect("a link");
        let caller = Caller::default();
        let redeemed = not_me::redeem(&self.app, secret.expose(), OtherSessions::Keep, &caller);
        redeemed.await.expect("a reset link");
    }

    async fn set_password(&self) {
        let password = NEW_PASSWORD.to_owned();
        let set = people::set_password(&self.app, &self.alice, password, &Actor::CommandLine);
        set.await.expect("a password");
    }

    async fn set_activity(&self, activity: Activity) {
        let set = people::set_activity(&self.app, &self.alice, activity, &Actor::CommandLine);
        set.await.expect("an answer");
    }
}

/// What ends the sessions of a person together.
#[derive(Debug, Clone, Copy)]
enum Way {
    ElsewhereKeep,
    ElsewhereEnd,
    EverywhereKeep,
    EverywhereEnd,
    NotMe,
    Disabled,
    NewPassword,
}

const WAYS: [Way; 7] = [
    Way::ElsewhereKeep,
    Way::ElsewhereEnd,
    Way::EverywhereKeep,
    Way::EverywhereEnd,
    Way::NotMe,
    Way::Disabled,
    Way::NewPassword,
];

impl Way {
    async fn go(self, bed: &Bed, kept: &Established) {
        let elsewhere = Reach::Elsewhere(&kept.session.id);
        match self {
            Self::ElsewhereKeep => bed.sign_out(elsewhere, Connections::Keep).await,
            Self::ElsewhereEnd => bed.sign_out(elsewhere, Connections::End).await,
            Self::EverywhereKeep => bed.sign_out(Reach::Everywhere, Connections::Keep).await,
            Self::EverywhereEnd => bed.sign_out(Reach::Everywhere, Connections::End).await,
            Self::NotMe => {
                let thief = bed.signed_in("alice").await;
                bed.disown(&thief.session.id).await;
                // With a password again, only the epoch tells a sign-in from before.
                let now = bed.app.now();
                let set = users::set_password(&bed.app.store.db, &bed.alice, "phc", now).await;
                set.expect("a password");
            }
            Self::Disabled => {
                bed.set_activity(Activity::Disabled).await;
                bed.set_activity(Activity::Enabled).await;
            }
            Self::NewPassword => bed.set_password().await,
        }
    }

    /// Whether the browser that asked for it stays signed in.
    fn spares_one(self) -> bool {
        matches!(self, Self::ElsewhereKeep | Self::ElsewhereEnd | Self::NotMe)
    }
}

on_both_backends! {
    async fn a_sign_in_that_began_before_all_sessions_ended_makes_none(backend: Backend) {
        let bed = Box::pin(Bed::new(backend)).await;
        for way in WAYS {
            let kept = bed.signed_in("alice").await;
            let began = bed.footing("alice").await;
            Box::pin(way.go(&bed, &kept)).await;
            let nobody = Accounts::default();
            assert!(bed.finish((&bed.alice, began), &nobody).await.is_none(), "{way:?}");
            assert_eq!(bed.lives(&kept).await, way.spares_one(), "{way:?}");
            // Nor does it renew the session of a browser that was spared.
            let held = Accounts::read(&bed.app, Some(kept.cookie.expose()), None).await;
            let held = held.expect("an answer");
            assert!(bed.finish((&bed.alice, began), &held).await.is_none(), "{way:?}");
            assert_eq!(bed.lives(&kept).await, way.spares_one(), "{way:?}");
            // One that begins now does.
            let made = bed.finish((&bed.alice, bed.footing("alice").await), &held).await;
            assert!(bed.lives(&made.expect("a session")).await, "{way:?}");
            bed.sign_out(Reach::Everywhere, Connections::Keep).await;
        }
        let living = "select count(*) from sessions where revoked_at is null";
        assert_eq!(count(&bed.world, living).await, 0);
    }

    async fn a_password_being_checked_while_all_others_are_signed_out_lets_nobody_in(
        backend: Backend
    ) {
        let bed = Box::pin(Bed::new(backend)).await;
        let kept = bed.signed_in("alice").await;
        let passwords = &bed.app.passwords;
        // The only thread is busy for a while.
        let mut busy = Box::pin(passwords.verify("x".to_owned(), Some(SLOW.to_owned())));
        assert!(poll!(&mut busy).is_pending());
        wait_until_async("the thread being busy", PATIENCE, async || passwords.queue_length() == 0)
            .await;
        let signing_in = tokio::spawn({
            let app = Arc::clone(&bed.app);
            async move {
                let (username, password) = ("alice".to_owned(), PASSWORD.to_owned());
                let remember = Remember::ThisVisit;
                let typed = Credentials { username, password, remember, page: None };
                let browser = (&Accounts::default(), Newcomer::TakesThePlace);
                Box::pin(sign_in::with_password(&app, typed, browser, &Caller::default())).await
            }
        });
        wait_until_async("a sign-in under way", PATIENCE, async || passwords.queue_length() == 1).await;
        bed.sign_out(Reach::Elsewhere(&kept.session.id), Connections::Keep).await;
        busy.await.expect("a verdict");
        let refused = signing_in.await.expect("an end");
        assert!(matches!(refused, Err(SignInError::Wrong)), "{:?}", refused.err());
        assert!(bed.lives(&kept).await);
        let living = "select count(*) from sessions where revoked_at is null";
        assert_eq!(count(&bed.world, living).await, 1);
    }

    async fn a_refused_sign_in_leaves_the_session_before_as_it_was(backend: Backend) {
        let bed = Box::pin(Bed::new(backend)).await;
        create_user(&bed.world, "bob");
        let bobs = bed.signed_in("bob").await;
        let held = Accounts::read(&bed.app, Some(bobs.cookie.expose()), None).await;
        let held = held.expect("an answer");
        let began = bed.footing("alice").await;
        bed.sign_out(Reach::Everywhere, Connections::Keep).await;
        assert!(bed.finish((&bed.alice, began), &held).await.is_none());
        assert!(bed.lives(&bobs).await);
        let ends = "select count(*) from audit_events where kind = 'session.ended'";
        assert_eq!(count(&bed.world, ends).await, 0);
        // With a proof that counts, it takes the place.
        let made = bed.finish((&bed.alice, bed.footing("alice").await), &held).await;
        let made = made.expect("a session");
        assert_eq!(made.ended.as_ref(), Some(&bobs.session.id));
        assert!(!bed.lives(&bobs).await && bed.lives(&made).await);
        assert_eq!(count(&bed.world, ends).await, 1);
        let row = sessions::by_id(&bed.app.store.db, &bobs.session.id).await.expect("an answer");
        assert!(row.expect("a row").revoked_at.is_some());
    }
}
