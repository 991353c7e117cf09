//! Devices that wait to be let in.

use doorward::store::ephemeral::Ephemeral;
use doorward::store::ephemeral::device_codes::{self, Read};
use futures_util::future::join_all;

pub(crate) async fn device_codes_conform(e: &Ephemeral) {
    let record = "waiting".to_owned();
    assert!(device_codes::put(e, ("dev", "user"), &record, 60).await.unwrap());
    assert!(!device_codes::put(e, ("other", "user"), &record, 60).await.unwrap());
    assert!(device_codes::by_device::<String>(e, "other").await.unwrap().is_none());
    assert_eq!(device_codes::device_of(e, "user").await.unwrap().as_deref(), Some("dev"));
    assert_eq!(device_codes::device_of(e, "nobody").await.unwrap(), None);
    let read: Read<String> = device_codes::by_device(e, "dev").await.unwrap().unwrap();
    assert_eq!(read.value, "waiting");

    let answers: Vec<String> = (0..20).map(|n| format!("answer {n}")).collect();
    let counted = answers.iter().map(|text| device_codes::answer(e, "dev", (&read, text)));
    let counted: Vec<bool> = join_all(counted).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(counted.iter().filter(|counted| **counted).count(), 1, "one answer counts");
    let winner = counted.iter().position(|counted| *counted).unwrap();
    let read: Read<String> = device_codes::by_device(e, "dev").await.unwrap().unwrap();
    assert_eq!(read.value, answers[winner]);
    device_codes::forget_user_code(e, "user").await.unwrap();
    assert_eq!(device_codes::device_of(e, "user").await.unwrap(), None);

    assert!(device_codes::pace::<i64>(e, "dev").await.unwrap().is_none());
    assert!(device_codes::set_pace(e, "dev", (None, &1_i64), 60).await.unwrap());
    assert!(!device_codes::set_pace(e, "dev", (None, &1_i64), 60).await.unwrap());
    let pace: Read<i64> = device_codes::pace(e, "dev").await.unwrap().unwrap();
    assert!(device_codes::set_pace(e, "dev", (Some(&pace), &2_i64), 60).await.unwrap());
    assert!(!device_codes::set_pace(e, "dev", (Some(&pace), &3_i64), 60).await.unwrap());
}
