//! A device that was let in and has not fetched its tokens yet: whoever ends the session of the answer, or
//! all sessions of the person, takes the answer back. What has been fetched stays, as it outlives sessions.

use futures_util::future::join_all;

use super::device::living_room;
use crate::kit::answers::Tokens;
use crate::kit::checks::{assert_alive, assert_dead};
use crate::kit::fixtures::{ALICE, Bed, Rp};
use crate::kit::flow::{LIVING, count, is_signed_in, sign_out};
use crate::kit::grant::Device;
use crate::support::browser_like::{Browser, Page};
use crate::support::form::Form;

const PATH: &str = "/account/sign-out";

/// Answers the question of the account page.
async fn question(browser: &Browser, reach: &str, connections: bool) -> Form {
    let form = browser.get(PATH).await.form("sign-out-elsewhere");
    let form = if connections { form.check("connections", "on") } else { form };
    form.press("reach", reach)
}

/// A device that was let in here and has not asked since.
async fn let_in(tv: &Rp, browser: &Browser) -> Device {
    let device = Device::ask(tv.clone(), "openid offline_access").await;
    device.answer(browser, "allow").await.assert_status(303);
    device
}

async fn is_refused(device: &Device) {
    device.poll().await.assert_oauth_error(400, "access_denied");
    // For good.
    device.poll().await.assert_oauth_error(400, "access_denied");
}

fn sessions_of_alice(bed: &Bed) -> Vec<String> {
    let listed = bed.world.cli(&["session", "list", "--user", ALICE.username]);
    let items = listed["items"].as_array().expect("sessions").iter();
    items.map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
}

on_both_backends! {
    async fn signing_out_elsewhere_or_everywhere_takes_answers_back(world: World) {
        let (bed, tv) = living_room(world).await;
        let (own, other) = (bed.signed_in(&ALICE).await, bed.signed_in(&ALICE).await);
        let fetched = Device::ask(tv.clone(), "openid offline_access").await.tokens(&other).await;

        let theirs = let_in(&tv, &other).await;
        question(&own, "elsewhere", false).await.submit().await.assert_status(303);
        is_refused(&theirs).await;
        assert!(is_signed_in(&own).await);
        assert_alive(&tv, &fetched.access).await;

        // In the very browser that stays: what stays signed in by itself was to end.
        let mine = let_in(&tv, &own).await;
        question(&own, "elsewhere", true).await.submit().await.assert_status(303);
        is_refused(&mine).await;
        assert!(is_signed_in(&own).await);
        assert_dead(&tv, &fetched).await;
        // From here on it may be let in again.
        let again = Device::ask(tv.clone(), "openid offline_access").await.tokens(&own).await;

        for connections in [false, true] {
            let browser = bed.signed_in(&ALICE).await;
            let mine = let_in(&tv, &browser).await;
            question(&browser, "everywhere", connections).await.submit().await.assert_status(200);
            is_refused(&mine).await;
            if connections {
                assert_dead(&tv, &again).await;
            } else {
                assert_alive(&tv, &again.access).await;
            }
        }
        assert_eq!(count(&bed.world, LIVING).await, 0);
        bed.assert_log_is_clean();
    }

    async fn the_end_of_the_session_takes_its_answers_back_and_no_others(world: World) {
        let (bed, tv) = living_room(world).await;
        let (one, two) = (bed.signed_in(&ALICE).await, bed.signed_in(&ALICE).await);
        let newest = sessions_of_alice(&bed).swap_remove(0);
        let (of_one, of_two) = (let_in(&tv, &one).await, let_in(&tv, &two).await);
        bed.world.cli(&["session", "revoke", &newest]);
        is_refused(&of_two).await;
        let tokens = Tokens::of(&of_one.poll().await);
        let waiting = let_in(&tv, &one).await;
        sign_out(&one).await.assert_status(200);
        is_refused(&waiting).await;
        // What has been fetched outlives the session.
        assert_alive(&tv, &tokens.access).await;
        Tokens::of(&tv.refresh(tokens.refresh()).await);
        assert_eq!(count(&bed.world, LIVING).await, 1);
    }

    async fn nothing_let_in_before_the_answer_outlives_it(world: World) {
        let (bed, tv) = living_room(world).await;
        for round in 0..6 {
            let browser = bed.signed_in(&ALICE).await;
            let (mut answered, mut asked, mut answers) = (Vec::new(), Vec::new(), Vec::new());
            for _ in 0..4 {
                answered.push(let_in(&tv, &browser).await);
                let device = Device::ask(tv.clone(), "openid offline_access").await;
                let page = device.question(&browser).await;
                answers.push(page.form("device-question").press("decision", "allow"));
                asked.push(device);
            }
            let out = question(&browser, "everywhere", true).await;
            let polls = join_all(answered.iter().map(Device::poll));
            let answers = join_all(answers.into_iter().map(Form::submit));
            let (done, polled, answers) = tokio::join!(out.submit(), polls, answers);
            done.assert_status(200);
            for answer in &answers {
                assert!(answer.status.as_u16() < 500, "{}", answer.describe());
            }
            let given: Vec<&Page> = polled.iter().filter(|page| page.status == 200).collect();
            for page in given {
                assert_dead(&tv, &Tokens::of(page)).await;
            }
            for device in answered.iter().chain(&asked) {
                let page = device.poll().await;
                assert_eq!(page.status.as_u16(), 400, "round {round}: {}", page.describe());
            }
            assert_eq!(count(&bed.world, LIVING).await, 0, "round {round}");
        }
        bed.assert_log_is_clean();
    }
}
