//! The ephemeral store.

use std::time::Duration;

use doorward::clock::{Clock, Seconds, UnixTime};
use doorward::store::StoreError;
use doorward::store::ephemeral::attempts::{self, Attempt};
use doorward::store::ephemeral::throttle::{self, Penalty, ThrottleRule};
use doorward::store::ephemeral::{Ephemeral, codes, uploads};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use super::races;

/// How a test lets time pass: Redis has a clock of its own.
pub(crate) enum Passing {
    Manual(Clock),
    Really,
}

impl Passing {
    pub(crate) async fn pass(&self, seconds: u64) {
        match self {
            Self::Manual(clock) => clock.advance(Seconds::try_from(seconds).unwrap()),
            Self::Really => {
                tokio::time::sleep(Duration::from_millis(seconds * 1000 + 100)).await;
            }
        }
    }
}

pub(crate) async fn ephemeral_conforms(ephemeral: Ephemeral, time: Passing) {
    verbs_conform(&ephemeral).await;
    expiry_conforms(&ephemeral, &time).await;
    views_conform(&ephemeral).await;
    turns_conform(&ephemeral, &time).await;
    super::devices::device_codes_conform(&ephemeral).await;
    super::pushed::pushed_requests_conform(&ephemeral, &time).await;
    races::ephemeral_one_winner_each(&ephemeral).await;
}

/// Whose turn it is to import a file from the console.
async fn turns_conform(e: &Ephemeral, time: &Passing) {
    let take = async |id| uploads::take_turn(e, id).await.unwrap();
    let keep = async |id| uploads::keep_turn(e, id).await.unwrap();
    let end = async |id| uploads::end_turn(e, id).await.unwrap();
    assert!(take("one").await && !take("two").await && !take("one").await);
    assert!(keep("one").await && !keep("two").await);
    end("two").await;
    assert!(!take("two").await, "nobody gives back what is another's");
    end("one").await;
    assert!(take("two").await, "at once");
    assert!(!keep("one").await, "not before it is given back");
    if matches!(time, Passing::Manual(_)) {
        time.pass(u64::try_from(uploads::TURN).unwrap() + 1).await;
        assert!(keep("two").await, "nobody has taken it meanwhile");
        time.pass(u64::try_from(uploads::TURN).unwrap() + 1).await;
        assert!(take("three").await && !keep("two").await, "whoever kept it is gone");
    } else {
        end("two").await;
        assert!(take("three").await);
    }
    end("three").await;
    let taking = join_all(["a", "b", "c", "d"].map(|id| uploads::take_turn(e, id))).await;
    assert_eq!(taking.into_iter().filter(|taken| *taken == Ok(true)).count(), 1);
    e.delete(&["import:turn"]).await.unwrap();
}

async fn verbs_conform(e: &Ephemeral) {
    e.ping().await.unwrap();
    assert_eq!(e.get("none").await.unwrap(), None);
    e.put("k", "v1 ü \0", 60).await.unwrap();
    e.put("k", "v2 ü \0", 60).await.unwrap();
    assert_eq!(e.get("k").await.unwrap().as_deref(), Some("v2 ü \0"));
    assert_eq!(e.get_extend("k", 60).await.unwrap().as_deref(), Some("v2 ü \0"));
    assert_eq!(e.get_extend("none", 60).await.unwrap(), None);
    assert!(!e.put_new("k", "v3", 60).await.unwrap());
    assert!(!e.replace("k", "v1 ü \0", "v3").await.unwrap());
    assert!(e.replace("k", "v2 ü \0", "v4").await.unwrap());
    assert_eq!(e.take("k").await.unwrap().as_deref(), Some("v4"));
    assert_eq!(e.take("k").await.unwrap(), None);
    assert!(!e.replace("k", "v4", "v5").await.unwrap());
    assert_eq!(e.get("k").await.unwrap(), None, "nothing is stored where nothing was");
    assert!(e.put_new("k", "v6", 60).await.unwrap());

    e.put("other", "o", 60).await.unwrap();
    let keys = ["other".to_owned(), "none".to_owned(), "k".to_owned()];
    let found = e.get_many(&keys).await.unwrap();
    assert_eq!(found, [Some("o".to_owned()), None, Some("v6".to_owned())]);
    assert!(e.get_many(&[]).await.unwrap().is_empty());
    e.delete(&["k", "other", "none"]).await.unwrap();
    e.delete(&[]).await.unwrap();
    assert_eq!(e.get_many(&keys).await.unwrap(), [None, None, None]);

    beside_conforms(e).await;

    assert!(!e.exchange("swap", Some("v"), ("w", 60)).await.unwrap(), "there is nothing");
    assert!(e.exchange("swap", None, ("v", 60)).await.unwrap());
    assert!(!e.exchange("swap", None, ("w", 60)).await.unwrap(), "there is something");
    assert!(!e.exchange("swap", Some("x"), ("w", 60)).await.unwrap());
    assert!(e.exchange("swap", Some("v"), ("w ü", 60)).await.unwrap());
    assert_eq!(e.take("swap").await.unwrap().as_deref(), Some("w ü"));

    assert_eq!(e.increment("n", 60).await.unwrap(), 1);
    assert_eq!(e.increment("n", 60).await.unwrap(), 2);
    e.put("text", "no number", 60).await.unwrap();
    assert!(matches!(e.increment("text", 60).await, Err(StoreError::Corrupt(_))));
    assert!(e.eviction_policy().await.is_none_or(|policy| policy == "noeviction"));
    assert!(!e.may_evict());

    let beside =
        [("{s}:a".to_owned(), "1".to_owned(), 60), ("{s}:b".to_owned(), "2".to_owned(), 60)];
    e.put("{s}:m", "7", 60).await.unwrap();
    assert!(!e.replace_beside(("{s}:m", "6", "8"), &beside).await.unwrap());
    assert_eq!(e.get("{s}:a").await.unwrap(), None, "nothing is stored");
    assert!(e.replace_beside(("{s}:m", "7", "8"), &beside).await.unwrap());
    assert!(e.replace_beside(("{s}:m", "8", "8"), &[]).await.unwrap());
    let stored = e.get_many(&["{s}:m", "{s}:a", "{s}:b"].map(str::to_owned)).await.unwrap();
    assert_eq!(stored, ["8", "1", "2"].map(|text| Some(text.to_owned())));
    e.delete(&["{s}:m"]).await.unwrap();
    assert!(!e.replace_beside(("{s}:m", "8", "9"), &beside).await.unwrap(), "there is none");
}

/// A value and others beside it, all in one slot.
async fn beside_conforms(e: &Ephemeral) {
    let beside = |value: &str| {
        ["{one}:a", "{one}:b"].map(|key| (key.to_owned(), value.to_owned(), 60)).to_vec()
    };
    let keys = ["{one}:m", "{one}:a", "{one}:b"].map(str::to_owned);
    let values = |values: [Option<&str>; 3]| values.map(|value| value.map(str::to_owned)).to_vec();
    assert!(!e.replace_beside(("{one}:m", "1", "2"), &beside("x")).await.unwrap());
    assert_eq!(e.get_many(&keys).await.unwrap(), values([None, None, None]), "there was nothing");
    e.put("{one}:m", "1", 60).await.unwrap();
    assert!(!e.replace_beside(("{one}:m", "2", "3"), &beside("x")).await.unwrap());
    assert_eq!(e.get_many(&keys).await.unwrap(), values([Some("1"), None, None]));
    assert!(e.replace_beside(("{one}:m", "1", "2"), &beside("y")).await.unwrap());
    assert_eq!(e.get_many(&keys).await.unwrap(), values([Some("2"), Some("y"), Some("y")]));
    assert!(e.replace_beside(("{one}:m", "2", "3"), &[]).await.unwrap());
    assert_eq!(e.get("{one}:m").await.unwrap().as_deref(), Some("3"));
    e.delete(&["{one}:m"]).await.unwrap();
    e.delete(&["{one}:a"]).await.unwrap();
    e.delete(&["{one}:b"]).await.unwrap();
}

async fn expiry_conforms(e: &Ephemeral, time: &Passing) {
    e.put("short", "v", 1).await.unwrap();
    e.put("kept", "v", 1).await.unwrap();
    e.put("replaced", "v", 1).await.unwrap();
    e.put("swapped", "v", 1).await.unwrap();
    e.put_new("new", "v", 1).await.unwrap();
    assert_eq!(e.increment("window", 2).await.unwrap(), 1);
    assert!(e.get_extend("kept", 60).await.unwrap().is_some());
    assert!(e.replace("replaced", "v", "w").await.unwrap());
    assert!(e.exchange("swapped", Some("v"), ("w", 60)).await.unwrap());
    time.pass(1).await;
    assert_eq!(e.get("short").await.unwrap(), None);
    assert_eq!(e.get("replaced").await.unwrap(), None, "replacing does not extend");
    assert_eq!(e.get("swapped").await.unwrap().as_deref(), Some("w"), "an exchange does");
    assert_eq!(e.take("new").await.unwrap(), None);
    assert_eq!(e.get("kept").await.unwrap().as_deref(), Some("v"));
    assert!(e.put_new("short", "again", 60).await.unwrap());
    assert_eq!(e.increment("window", 60).await.unwrap(), 2);
    time.pass(1).await;
    assert_eq!(e.increment("window", 60).await.unwrap(), 1, "only the first call sets the end");
    e.put("least", "v", -5).await.unwrap();
    e.sweep(UnixTime(1_763_700_030), usize::MAX);
    assert_eq!(e.get("kept").await.unwrap().as_deref(), Some("v"));
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Payload {
    grant: String,
    n: i64,
}

async fn views_conform(e: &Ephemeral) {
    let payload = Payload { grant: "g".to_owned(), n: 7 };
    codes::put_code(e, "hash", &payload, 60).await.unwrap();
    assert_eq!(codes::code(e, "hash").await.unwrap(), Some(payload));
    assert_eq!(codes::count_failure(e, "hash", 60).await.unwrap(), 1);
    assert_eq!(codes::count_failure(e, "hash", 60).await.unwrap(), 2);
    assert!(matches!(codes::code::<Vec<u8>>(e, "hash").await, Err(StoreError::Corrupt(_))));
    codes::burn(e, "hash").await.unwrap();
    assert_eq!(codes::code::<Payload>(e, "hash").await.unwrap(), None);
    assert_eq!(codes::count_failure(e, "hash", 60).await.unwrap(), 1);

    let now = UnixTime(1_763_700_000);
    let (rule, key) = (ThrottleRule::ACCOUNT, "account:x");
    for n in 1..=5 {
        let penalty = throttle::register_failure(e, &rule, key, now).await.unwrap();
        assert_eq!(penalty, Penalty { failures: n, blocked_until: None });
    }
    let keys = [key.to_owned(), "address:y".to_owned()];
    assert_eq!(throttle::blocked_until(e, &keys).await.unwrap(), None);
    for seconds in [2, 4, 8] {
        let penalty = throttle::register_failure(e, &rule, key, now).await.unwrap();
        assert_eq!(penalty.blocked_until, Some(now.plus(seconds)));
        assert_eq!(throttle::blocked_until(e, &keys).await.unwrap(), penalty.blocked_until);
    }
    attempts_conform(e, now).await;
}

/// Tries that come at once are counted one by one, and no more are allowed than the rule says.
async fn attempts_conform(e: &Ephemeral, now: UnixTime) {
    let (rule, key) = (ThrottleRule::ACCOUNT, "login:x");
    let all = join_all((0..100).map(|_| attempts::begin(e, (key, &rule), now))).await;
    let mut allowed = Vec::new();
    for attempt in all {
        match attempt.unwrap() {
            Attempt::Allowed(penalty) => allowed.push(penalty.failures),
            Attempt::Blocked(until) => assert_eq!(until, now.plus(2)),
        }
    }
    allowed.sort_unstable();
    assert_eq!(allowed, [1, 2, 3, 4, 5, 6]);
    let sixth = Penalty { failures: 6, blocked_until: Some(now.plus(2)) };
    attempts::take_back(e, (key, &sixth), (now, now)).await.unwrap();
    assert_eq!(attempts::begin(e, (key, &rule), now).await.unwrap(), Attempt::Allowed(sixth));
    attempts::clear(e, key).await.unwrap();
    let first = Penalty { failures: 1, blocked_until: None };
    assert_eq!(attempts::begin(e, (key, &rule), now).await.unwrap(), Attempt::Allowed(first));
    attempts::clear(e, key).await.unwrap();
}
