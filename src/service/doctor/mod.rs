//! Looking at everything Doorward depends on. Each check says how it is, and where something is wrong what
//! to do about it. Nothing is changed, and nothing is waited for longer than a few seconds.
//!
//! | module | what it looks at |
//! |---|---|
//! | `apps` | apps with settings that deserve a second look |
//! | `cache` | Redis: its version, its role and what it may drop |
//! | `certificate` | how long the certificate of the issuer is good |
//! | `clocks` | the clocks of this machine, the database and whoever answers for the issuer |
//! | `database` | its version, its schema and how fast it answers |
//! | `disk` | room where the database is |
//! | `files` | who may read what holds secrets |
//! | `hashing` | what a password costs |
//! | `issuer` | whether the issuer answers, from outside, as this configuration says; whether it was another one before |
//! | `keys` | the age of signing keys |
//! | `mail` | whether the mail server takes letters |
//! | `people` | whether anybody administers this |
//! | `proxies` | which proxies are believed |
//! | `randomness` | whether the machine gives random bytes |

mod apps;
mod cache;
mod certificate;
mod clocks;
mod database;
mod disk;
mod files;
mod hashing;
mod issuer;
mod keys;
mod mail;
mod people;
mod proxies;
mod randomness;

use std::time::Duration;

use tokio::time::timeout;

use crate::app::App;
use crate::config::Config;
use crate::service::health;

/// How long one check may take. Each has shorter limits of its own; this is for what they do not cover.
const LIMIT: Duration = Duration::from_secs(15);

/// How a check went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All is well; the text says what was found.
    Fine(String),
    /// It works, and somebody should look at it: what is so, and what to do.
    Warning(String),
    /// It does not work: what is wrong, and what to do.
    Failure(String),
}

impl Outcome {
    /// The name for programs.
    #[must_use]
    pub fn state(&self) -> &'static str {
        match self {
            Self::Fine(_) => "ok",
            Self::Warning(_) => "warning",
            Self::Failure(_) => "failure",
        }
    }

    /// What was found, or what is wrong; may be empty where all is well.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Fine(text) | Self::Warning(text) | Self::Failure(text) => text,
        }
    }
}

/// One thing looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Stable, for programs.
    pub name: &'static str,
    pub outcome: Outcome,
}

impl Finding {
    /// All is well.
    pub fn fine(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, outcome: Outcome::Fine(found.into()) }
    }

    /// Somebody should look at it.
    pub fn warning(name: &'static str, text: impl Into<String>) -> Self {
        Self { name, outcome: Outcome::Warning(text.into()) }
    }

    /// It does not work.
    pub fn failure(name: &'static str, text: impl Into<String>) -> Self {
        Self { name, outcome: Outcome::Failure(text.into()) }
    }

    /// Whether it does not work.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        matches!(self.outcome, Outcome::Failure(_))
    }
}

/// What can be looked at without opening anything: the machine and its files.
pub async fn examine_machine(config: &Config) -> Vec<Finding> {
    let mut findings = vec![proxies::check(config), files::check(config)];
    findings.extend(disk::check(config));
    findings.push(bounded("randomness", randomness::check()).await);
    findings
}

/// What a server would use: database, Redis, mail, keys, apps, and the issuer as others see it.
pub async fn examine(app: &App) -> Vec<Finding> {
    let mut findings = examine_parts(app, LIMIT).await;
    findings.push(bounded("key-age", keys::check(app)).await);
    let seen = issuer::ask(app).await;
    findings.push(issuer::check(app, &seen));
    findings.push(bounded("issuer-change", issuer::change(app)).await);
    findings.extend(certificate::check(app, &seen));
    findings.push(bounded("clocks", clocks::check(app, &seen)).await);
    findings.push(bounded("password-hashing", hashing::check(app)).await);
    findings.push(bounded("apps", apps::check(app)).await);
    findings.push(bounded("administrator", people::check(app)).await);
    findings
}

/// What a server cannot do without, and the mail server if there is one: each is asked at the same time as
/// the others, and may take so long.
pub async fn examine_parts(app: &App, limit: Duration) -> Vec<Finding> {
    let mail = async {
        match &app.mail {
            Some(mailer) => Some(within(limit, "mail", mail::check(mailer)).await),
            None => None,
        }
    };
    let (ready, cache, mail) =
        tokio::join!(Box::pin(readiness(app, limit)), Box::pin(cache::check(app)), Box::pin(mail));
    ready.into_iter().chain(cache).chain(mail).collect()
}

/// What `/readyz` looks at; more about the database.
async fn readiness(app: &App, limit: Duration) -> Vec<Finding> {
    let mut findings = Vec::new();
    // What the database is asked below says more about its schema.
    for check in health::check(app, &[health::SCHEMA]).await {
        findings.push(match check.problem {
            Some(problem) => Finding::failure(check.name, problem),
            None if check.name == health::DATABASE => {
                within(limit, health::DATABASE, database::check(app)).await
            }
            None => Finding::fine(check.name, ""),
        });
    }
    findings
}

/// The finding of a check, or that it did not come to an end.
async fn bounded(name: &'static str, check: impl Future<Output = Finding>) -> Finding {
    within(LIMIT, name, check).await
}

async fn within(
    limit: Duration,
    name: &'static str,
    check: impl Future<Output = Finding>,
) -> Finding {
    let late = || {
        let text = format!("no answer within {} seconds; look at the log", limit.as_secs());
        Finding::failure(name, text)
    };
    // On the heap: some of them hold a whole connection.
    timeout(limit, Box::pin(check)).await.unwrap_or_else(|_| late())
}
