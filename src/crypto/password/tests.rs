use super::*;

const CHEAP: PasswordParams = PasswordParams { memory_kib: 64, iterations: 2, parallelism: 1 };

fn passwords(params: PasswordParams) -> Passwords {
    Passwords::new(params, 2, 8).unwrap()
}

async fn verdict(stored: &str, password: &str) -> Result<Verdict, PasswordError> {
    passwords(CHEAP).verify(password.into(), Some(stored.into())).await
}

#[tokio::test]
async fn the_right_password_matches_and_any_other_does_not() {
    let stored = passwords(CHEAP).hash("correct horse".into()).await.unwrap();
    assert!(stored.starts_with("$argon2id$v=19$m=64,t=2,p=1$"), "{stored}");
    assert_eq!(verdict(&stored, "correct horse").await, Ok(Verdict::Match));
    assert_eq!(verdict(&stored, "correct horsf").await, Ok(Verdict::Mismatch));
    assert_eq!(verdict(&stored, "").await, Ok(Verdict::Mismatch));
}

#[tokio::test]
async fn the_same_password_gets_a_different_hash_each_time() {
    let passwords = passwords(CHEAP);
    let one = passwords.hash("x".into()).await.unwrap();
    assert_ne!(one, passwords.hash("x".into()).await.unwrap());
}

#[tokio::test]
async fn the_default_cost_is_19_mib_2_passes_1_lane() {
    let stored = passwords(PasswordParams::default()).hash("x".into()).await.unwrap();
    assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
}

#[tokio::test]
async fn an_unknown_person_never_matches_and_costs_the_same_work() {
    let passwords = passwords(CHEAP);
    for password in ["wrong", ""] {
        assert_eq!(passwords.verify(password.into(), None).await, Ok(Verdict::Mismatch));
    }
    let mut hasher = Hasher::new(checked(CHEAP).unwrap(), "".into());
    let (dummy, real) = (dummy_hash(&hasher.params).unwrap(), hasher.hash("x").unwrap());
    let cost = |text: &str| text.rsplitn(3, '$').last().unwrap().to_owned();
    assert_eq!(cost(&dummy), cost(&real));
    let (dummy, real) = (PasswordHash::new(&dummy).unwrap(), PasswordHash::new(&real).unwrap());
    let lengths = |hash: &PasswordHash| {
        (hash.salt.as_ref().unwrap().as_ref().len(), hash.hash.as_ref().unwrap().len())
    };
    assert_eq!(lengths(&dummy), lengths(&real));
}

#[test]
fn a_hasher_at_rest_holds_no_memory_and_works_on() {
    let mut hasher = Hasher::new(checked(CHEAP).unwrap(), "".into());
    let stored = hasher.hash("x").unwrap();
    assert!(hasher.memory.capacity() >= OWN_MAPPING, "a mapping of its own");
    hasher.rest();
    assert_eq!(hasher.memory.capacity(), 0);
    assert_eq!(hasher.verify("x", Some(&stored)), Ok(Verdict::Match));
}

#[tokio::test]
async fn a_hash_made_with_other_parameters_is_reported_as_outdated() {
    for params in [
        PasswordParams { memory_kib: 32, ..CHEAP },
        PasswordParams { memory_kib: 128, ..CHEAP },
        PasswordParams { iterations: 1, ..CHEAP },
        PasswordParams { parallelism: 2, ..CHEAP },
    ] {
        let stored = passwords(params).hash("x".into()).await.unwrap();
        assert_eq!(verdict(&stored, "x").await, Ok(Verdict::MatchButOutdated), "{params:?}");
        assert_eq!(verdict(&stored, "y").await, Ok(Verdict::Mismatch));
    }
}

#[tokio::test]
async fn hashes_of_the_reference_implementation_are_understood() {
    // From the test suite of the reference implementation: 64 MiB, "password", "somesalt".
    let argon2i = "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ\
                   $wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA";
    let argon2id = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ\
                    $CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    for stored in [argon2i, argon2id] {
        assert_eq!(verdict(stored, "password").await, Ok(Verdict::MatchButOutdated));
        assert_eq!(verdict(stored, "passwore").await, Ok(Verdict::Mismatch));
    }
}

#[tokio::test]
async fn a_stored_hash_that_asks_for_too_much_or_is_garbled_fails() {
    let salt_and_hash = "c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    for stored in [
        format!("$argon2id$v=19$m=4294967295,t=1,p=1${salt_and_hash}"),
        format!("$argon2id$v=19$m=1024,t=4294967295,p=1${salt_and_hash}"),
        format!("$argon2id$v=19$m=1024,t=1,p=4294967295${salt_and_hash}"),
        format!("$argon2id$v=20$m=64,t=1,p=1${salt_and_hash}"),
        format!("$scrypt$v=19$m=64,t=1,p=1${salt_and_hash}"),
        "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ".into(),
        "$argon2id$v=19$m=64,t=1,p=1".into(),
        "plaintext".into(),
        String::new(),
    ] {
        assert_eq!(verdict(&stored, "password").await, Err(PasswordError::Failed), "{stored}");
    }
}

#[tokio::test]
async fn long_passwords_emoji_and_inner_nul_are_hashed_whole() {
    let cases = ["é".repeat(512), "🦀".repeat(64), "before\0after".to_owned(), "x".repeat(5000)];
    for password in cases {
        let stored = passwords(CHEAP).hash(password.clone()).await.unwrap();
        assert_eq!(verdict(&stored, &password).await, Ok(Verdict::Match));
        let mut shorter = password;
        shorter.pop();
        assert_eq!(verdict(&stored, &shorter).await, Ok(Verdict::Mismatch));
    }
}

#[tokio::test]
async fn composed_and_decomposed_letters_are_the_same_password() {
    let (composed, decomposed) = ("caf\u{e9}", "cafe\u{301}");
    assert_eq!(normalize(decomposed), composed);
    let stored = passwords(CHEAP).hash(decomposed.into()).await.unwrap();
    assert_eq!(verdict(&stored, composed).await, Ok(Verdict::Match));
    assert_eq!(verdict(&stored, "cafe").await, Ok(Verdict::Mismatch));
}

#[tokio::test]
async fn more_passwords_than_the_queue_holds_are_told_busy_and_the_pool_recovers() {
    let passwords = Passwords::new(PasswordParams { memory_kib: 4096, ..CHEAP }, 1, 2).unwrap();
    let crowd = (0..40).map(|_| passwords.verify("x".into(), None));
    let answers = futures_util::future::join_all(crowd).await;
    let busy = answers.iter().filter(|answer| **answer == Err(PasswordError::Busy)).count();
    let served = answers.iter().filter(|answer| **answer == Ok(Verdict::Mismatch)).count();
    assert!(busy > 0 && served > 0, "{busy} busy, {served} served");
    assert_eq!(busy + served, 40);
    assert_eq!(passwords.queue_length(), 0);
    assert_eq!(passwords.verify("x".into(), None).await, Ok(Verdict::Mismatch));
}

#[test]
fn parameters_that_cannot_work_are_refused_at_the_start() {
    for params in [
        PasswordParams { memory_kib: 1, ..CHEAP },
        PasswordParams { iterations: 0, ..CHEAP },
        PasswordParams { parallelism: 0, ..CHEAP },
        PasswordParams { parallelism: u32::MAX, ..CHEAP },
        PasswordParams { memory_kib: u32::MAX, ..CHEAP },
        PasswordParams { iterations: u32::MAX, ..CHEAP },
    ] {
        let refused = Passwords::new(params, 1, 1);
        assert!(matches!(refused, Err(PasswordSetupError::Parameters)), "{params:?}");
    }
}
