//! Codes that are redeemed while somebody loses what they were given for.

use std::process::Command;
use std::time::Duration;

use futures_util::future::join_all;

use crate::kit::flow::{Answer, App};

/// Runs the command that takes it away and, this much later, redeems the codes; the first one only when both
/// are done. Nothing that any of them was good for may be alive. Gives how many were refused.
pub async fn redeemed_while(
    app: &App,
    (mut command, later): (Command, Duration),
    codes: &[String],
) -> usize {
    let (last, codes) = codes.split_first().expect("a code");
    let take = async {
        let run = tokio::task::spawn_blocking(move || command.output());
        let output = run.await.expect("a thread").expect("the program");
        assert!(output.status.success(), "{output:?}");
    };
    let redeem = async {
        tokio::time::sleep(later).await;
        join_all(codes.iter().map(|code| app.redeem(code))).await
    };
    let ((), mut answers) = tokio::join!(take, redeem);
    answers.push(app.redeem(last).await);
    refused_of(app, answers).await
}

/// How many codes were refused; whatever came of the others is dead.
pub async fn refused_of(app: &App, answers: Vec<Answer>) -> usize {
    let mut refused = 0;
    for answer in answers {
        if answer.status == 200 {
            app.assert_dead(&answer.tokens()).await;
        } else {
            answer.assert_error(400, "invalid_grant");
            refused += 1;
        }
    }
    refused
}
