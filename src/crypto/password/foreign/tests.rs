use super::*;

const PASSWORD: &str = "correct horse battery staple";

/// One of each kind, made by other programs: Python's hashlib and crypt.
const HASHES: [&str; 14] = [
    "$pbkdf2-sha256$i=1000$c2FsdHNhbHRzYWx0$KQDle8SXZRa7sBUZQfkYQI6NXnZxupxhxtm+aXnClyg",
    "$pbkdf2-sha512$i=1000,l=64$c2FsdHNhbHRzYWx0$DdePUyRocgAl03UAD52hWr3T5PJAJ+XmaWPWayKeQfYfS/2o+F8xzxS6BET2RDqVLCKstA5cpv8TtN0w9Up80w",
    "$pbkdf2$1000$c2FsdHNhbHRzYWx0$MNEV9u2pN6dwoHiByKLtK5AJwGc",
    "pbkdf2_sha256$1000$seasalt$3xmXbyk2QpiyNcnoBbzRPwEBsYPTbDlRdtmLyBvQltA=",
    "$scrypt$ln=10,r=8,p=1$c2FsdHNhbHRzYWx0$uXgc3wJzN9n7Dd/ojxZBVCLFZQnD8CB2TYq0kY0xMKo",
    "{SSHA}Y1EA+/lS35ZvplKpeip42wOJWyFzYWx0c2FsdHNhbHQ=",
    "{SSHA256}3hPlliOl6vULfF7fiQ5i11SpfUZWUUvBQ0sAJrHqx11zYWx0c2FsdHNhbHQ=",
    "{SSHA384}IYfjme0RAQnTz5IeMTNcy+McIt3v4rMUVrnWi9SFUX41FJzxNHi23drRGFDOZRXuc2FsdHNhbHRzYWx0",
    "{ssha512}M72Fv/vIBKdBzW6Z2e0XXYFAHRk+HBxLcDmY8seCU5TuVG/jNYdbYopuaTq6z9EGKzTDK8NiceN2KzyjWGVC33NhbHRzYWx0c2FsdA==",
    "$6$saltsalt$CPgxBHZBXfhC6lX1yxpdEsbQfXmg3WXVj8AoVwyNFLfb5AtbfM8k6A8yehv1z6sgzoH/DUIs7YK9hVnGhTjhW/",
    "{CRYPT}$6$saltsalt$CPgxBHZBXfhC6lX1yxpdEsbQfXmg3WXVj8AoVwyNFLfb5AtbfM8k6A8yehv1z6sgzoH/DUIs7YK9hVnGhTjhW/",
    "$5$rounds=2000$saltsalt$6YEGFErWwsTRSnX1cuPYiztnCjNJIFTxp9ffLSBGipD",
    "$2b$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
    "{BCRYPT}$2y$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
];

#[test]
fn hashes_of_other_programs_meet_their_password_and_no_other() {
    for text in HASHES {
        let hash = Foreign::parse(text).ok().flatten().unwrap();
        assert!(hash.matches(PASSWORD.as_bytes()), "{text}");
        assert!(!hash.matches(b"correct horse battery stable"), "{text}");
        assert!(!hash.matches(b""), "{text}");
    }
}

#[test]
fn argon2_is_left_to_its_own() {
    assert!(
        Foreign::parse("$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA")
            .is_ok_and(|found| found.is_none())
    );
    assert!(
        Foreign::parse("{ARGON2}$argon2i$v=19$m=8,t=1,p=1$YQ$YQ")
            .is_ok_and(|found| found.is_none())
    );
}

#[test]
fn plain_passwords_and_weak_digests_are_unknown() {
    for text in [
        "",
        "secret",
        "5f4dcc3b5aa765d61d8327deb882cf99",
        "{SHA}abc",
        "{SMD5}abc",
        "$1$a$b",
        "$y$j9T$a$b",
    ] {
        assert_eq!(Foreign::parse(text).err().unwrap(), HashProblem::Unknown, "{text}");
    }
}

#[test]
fn what_is_cut_short_is_malformed() {
    for text in [
        "$2b$04$abc",
        "$6$saltsalt$short",
        "$5$rounds=1$saltsalt$6YEGFErWwsTRSnX1cuPYiztnCjNJIFTxp9ffLSBGipD",
        "$scrypt$ln=10,r=8,p=1$c2FsdHNhbHRzYWx0",
        "$pbkdf2-sha256$i=1000$c2FsdA$YQ",
        "$pbkdf2-sha256$i=0$c2FsdA$KQDle8SXZRa7sBUZQfkYQI6NXnZxupxhxtm+aXnClyg",
        "pbkdf2_sha256$1000$seasalt",
        "{SSHA}YWJj",
        // Without a salt.
        "{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
    ] {
        assert_eq!(Foreign::parse(text).err().unwrap(), HashProblem::Malformed, "{text}");
    }
}

#[test]
fn a_cost_that_would_stop_the_server_is_refused() {
    for text in [
        "$2b$31$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
        "$scrypt$ln=18,r=8,p=1$c2FsdHNhbHRzYWx0$uXgc3wJzN9n7Dd/ojxZBVCLFZQnD8CB2TYq0kY0xMKo",
        "$pbkdf2-sha256$i=4000000000$c2FsdHNhbHRzYWx0$KQDle8SXZRa7sBUZQfkYQI6NXnZxupxhxtm+aXnClyg",
        "$5$rounds=900000000$saltsalt$6YEGFErWwsTRSnX1cuPYiztnCjNJIFTxp9ffLSBGipD",
    ] {
        assert_eq!(Foreign::parse(text).err().unwrap(), HashProblem::TooCostly, "{text}");
    }
}
