//! The fast copy of a session is believed for an hour at most, however often it is used: else whoever
//! goes on asking with a dead cookie would outlast the tombstone that ends it.

use doorward::app::App;
use doorward::clock::Clock;
use doorward::protocol::gateway::original::Original;
use doorward::protocol::types::UserId;
use doorward::protocol::user::Footing;
use doorward::service::audit::{Actor, Caller};
use doorward::service::gateway::{self, Proof, Verdict};
use doorward::service::maintenance;
use doorward::service::session::accounts::{Accounts, Newcomer};
use doorward::service::session::{self, Authenticated, Established, Remember};

use crate::kit::flow::create_user;
use crate::kit::gateway::builder;
use crate::kit::node::node;
use crate::support::backends::Backend;
use crate::support::world::World;

/// A node with a gateway and a clock of its own, and a session of a person.
pub async fn signed_in(backend: Backend, clock: &Clock) -> (World, App, Established) {
    let world = builder(backend).prepare().await;
    let user = UserId::new(create_user(&world, "alice"));
    let app = node(&world, clock).await;
    let who = Authenticated {
        user_id: user,
        acr: "aal1".to_owned(),
        amr: vec!["pwd".to_owned()],
        remember: Remember::OnThisDevice,
        footing: Footing::default(),
        findings: Vec::new(),
        claimed: None,
    };
    let accounts = (&Accounts::default(), Newcomer::TakesThePlace);
    let made = session::establish(&app, who, accounts, &Caller::default()).await;
    let made = made.expect("an answer").expect("a session");
    (world, app, made)
}

async fn passes(app: &App, cookie: &str) -> bool {
    let page = Original::from_url("http://localhost:1001/page", "GET").expect("a page");
    let proof = Proof::Cookies(&[cookie.to_owned()]);
    let verdict = gateway::check(app, &page, proof).await.expect("an answer");
    matches!(verdict, Verdict::Allow(_))
}

on_both_backends! {
    async fn a_session_that_has_ended_never_comes_back_however_often_it_is_tried(backend: Backend) {
        let clock = Clock::manual(Clock::System.now());
        let (_world, app, made) = Box::pin(signed_in(backend, &clock)).await;
        let caller = Caller::default();
        let cookie = made.cookie.expose();
        let none_yet = (gateway::Fitness::Unfit, &caller);
        let issued = gateway::issue(&app, &made.session, none_yet).await.expect("an answer");
        let entrance = issued.expect("a cookie").cookie;
        // A living one goes on, asked twice an hour for three hours.
        for _ in 0..6 {
            // A node that hears nothing from SQL believes no copy, and this is about copies.
            maintenance::notice_changes(&app).await.expect("a word from SQL");
            assert!(session::current(&app, cookie).await.expect("an answer").is_some());
            assert!(passes(&app, entrance.expose()).await);
            clock.advance(1_800);
        }
        let who = (&Actor::User(made.session.user_id.clone()), &caller);
        session::end(&app, &made.session, who).await.expect("its end");
        for minute in (0..240).step_by(10) {
            maintenance::notice_changes(&app).await.expect("a word from SQL");
            let found = session::current(&app, cookie).await.expect("an answer");
            assert!(found.is_none(), "the session is back after {minute} minutes");
            assert!(!passes(&app, entrance.expose()).await, "at the gateway, after {minute} minutes");
            clock.advance(600);
        }
        app.store.db.close().await;
    }
}
