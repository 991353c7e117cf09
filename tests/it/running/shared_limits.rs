//! What is counted against guessing is counted for all nodes together.

use crate::kit::flow::{SecondNode, create_user, submit_sign_in};
use crate::support::backends::Backend;
use crate::support::browser_like::Browser;
use crate::support::world::World;

/// Five failures are forgiven; so many at each of two nodes are too many for one that counts for both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_that_alternate_between_nodes_trip_one_limit() {
    let world = World::start(Backend::Production).await;
    let mut second = SecondNode::spawn(&world);
    second.ready().await;
    create_user(&world, "alice");
    let browsers = [world.browser(), Browser::new(&second.base())];
    let mut answers = Vec::new();
    for n in 0..10 {
        let page = submit_sign_in(&browsers[n % 2], "alice", &format!("guess number {n}")).await;
        assert!(matches!(page.status.as_u16(), 401 | 429), "{}", page.describe());
        answers.push(page.status.as_u16());
    }
    assert_eq!(answers[..5], [401; 5], "the first ones are forgiven");
    assert!(answers.contains(&429), "each node counts for itself: {answers:?}");
}
