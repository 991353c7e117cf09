//! Redis, where there is one: whether it is the kind of server that `redis.url` says, and what it may drop.

use secrecy::ExposeSecret as _;

use super::Finding;
use crate::app::App;
use crate::config::DatabaseKind;
use crate::store::ephemeral::About;

/// The oldest Redis that is supported: its first two numbers.
const OLDEST: (u64, u64) = (6, 2);

pub(super) async fn check(app: &App) -> Vec<Finding> {
    let Some(url) = &app.config.redis.url else {
        let text = "in this process, for one node";
        return vec![Finding::fine("cache", text)];
    };
    let about = app.ephemeral.about().await;
    let scheme = url.expose_secret().split_once("://").map_or("", |(scheme, _)| scheme);
    let topology = match &about {
        Some(about) => topology(scheme, about),
        None => {
            Finding::warning("cache", "Redis does not tell what it is; allow INFO to see it here")
        }
    };
    let alone = app.config.database_kind() == DatabaseKind::Sqlite;
    let topology = match topology {
        Finding { outcome: super::Outcome::Fine(found), .. } if alone => Finding::fine(
            "cache",
            format!("{found}; with SQLite there is one node, which needs no Redis"),
        ),
        other => other,
    };
    vec![topology, eviction(app.ephemeral.eviction_policy().await.as_deref())]
}

fn topology(scheme: &str, about: &About) -> Finding {
    let name = "cache";
    let version = about.versions.first().map_or("unknown", String::as_str);
    let clustered = scheme.ends_with("+cluster");
    if about.is_cluster && !clustered {
        let text = "Redis is a node of a cluster, and redis.url names one server; write redis+cluster://HOST,HOST";
        return Finding::failure(name, text);
    }
    if !about.is_cluster && clustered {
        let text = "redis.url names a cluster, and Redis is none; write redis://HOST";
        return Finding::failure(name, text);
    }
    if !clustered && about.roles.iter().any(|role| role == "slave") {
        let text = "Redis is a replica, which takes no writes; name its master in redis.url, or its sentinels";
        return Finding::failure(name, text);
    }
    if about.versions.iter().any(|version| numbers(version) < OLDEST) {
        let (major, minor) = OLDEST;
        let text = format!("Redis {version} is older than {major}.{minor}; upgrade it");
        return Finding::warning(name, text);
    }
    let kind = match (clustered, scheme.ends_with("+sentinel")) {
        (true, _) => format!("a cluster of {} nodes", about.versions.len()),
        (_, true) => "behind sentinels".to_owned(),
        _ => "one server".to_owned(),
    };
    Finding::fine(name, format!("Redis {version}, {kind}"))
}

/// The first two numbers of a version.
fn numbers(version: &str) -> (u64, u64) {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or_default());
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}

fn eviction(policy: Option<&str>) -> Finding {
    let name = "redis-eviction";
    match policy {
        Some("noeviction") => Finding::fine(name, "maxmemory-policy is noeviction"),
        Some(policy) => Finding::failure(
            name,
            format!(
                "maxmemory-policy is {policy}; set it to noeviction, or Redis may forget what was spent"
            ),
        ),
        None => Finding::warning(
            name,
            "Redis does not tell its maxmemory-policy; make sure that it is noeviction",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(role: &str, is_cluster: bool) -> About {
        About { versions: vec!["7.2.4".to_owned()], roles: vec![role.to_owned()], is_cluster }
    }

    #[test]
    fn a_server_that_is_not_what_the_url_says_is_a_failure() {
        for (scheme, role, is_cluster, is_failure) in [
            ("redis", "master", false, false),
            ("rediss", "slave", false, true),
            ("redis", "master", true, true),
            ("redis+cluster", "master", true, false),
            // Replicas of a cluster answer as well.
            ("redis+cluster", "slave", true, false),
            ("redis+cluster", "master", false, true),
            ("redis+sentinel", "master", false, false),
        ] {
            let found = topology(scheme, &about(role, is_cluster));
            assert_eq!(found.is_failure(), is_failure, "{scheme} {role}: {found:?}");
        }
    }

    #[test]
    fn an_old_server_is_a_warning() {
        let old = About { versions: vec!["6.0.16".to_owned()], ..about("master", false) };
        assert!(matches!(topology("redis", &old).outcome, super::super::Outcome::Warning(_)));
        assert!(numbers("6.2") >= OLDEST && numbers("10.0.1") >= OLDEST && numbers("5.9") < OLDEST);
    }
}
