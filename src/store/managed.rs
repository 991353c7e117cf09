//! What `doorward apply` has made: a mark on the row itself, so that it goes with the row.

use super::db::repeated::Repeated;
use super::db::{Db, Sql};
use super::error::StoreError;

/// What can be declared in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Declared {
    Group,
    User,
    Client,
    Webhook,
    Issuer,
    Organisation,
    Upstream,
}

impl Declared {
    pub const ALL: [Self; 7] = [
        Self::Group,
        Self::User,
        Self::Client,
        Self::Webhook,
        Self::Issuer,
        Self::Organisation,
        Self::Upstream,
    ];

    /// The word for one of them.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::User => "user",
            Self::Client => "client",
            Self::Webhook => "webhook",
            Self::Issuer => "issuer",
            Self::Organisation => "organisation",
            Self::Upstream => "upstream",
        }
    }
}

/// Marks one as made from a file; its name is what [`list`] gives.
pub async fn mark<'a>(sql: impl Sql<'a>, what: Declared, name: &str) -> Result<bool, StoreError> {
    let statement = match what {
        Declared::Group => "update groups set managed = true where name = $1",
        Declared::User => "update users set managed = true where username = $1",
        Declared::Client => "update clients set managed = true where id = $1",
        Declared::Webhook => "update webhooks set managed = true where name = $1",
        Declared::Issuer => "update trusted_issuers set managed = true where name = $1",
        Declared::Organisation => "update organisations set managed = true where name = $1",
        Declared::Upstream => "update upstream_providers set managed = true where slug = $1",
    };
    Ok(sql.into().query(statement).bind(name).execute().await? == 1)
}

static MARK_PEOPLE: Repeated =
    Repeated::new("update users set managed = true where username in (", "?", ")");

/// As [`mark`], for many people at once, by their user names.
pub async fn mark_people<'a>(sql: impl Sql<'a>, usernames: &[&str]) -> Result<(), StoreError> {
    let mut sql = sql.into();
    for (text, page) in MARK_PEOPLE.pages(usernames) {
        let bound = page.iter().fold(sql.query(text), |statement, name| statement.bind(*name));
        bound.execute().await?;
    }
    Ok(())
}

/// The names of all that were made from a file: of groups, user names, client ids, names of webhooks, issuers
/// and organisations, short names of upstream providers.
pub async fn list(db: &Db, what: Declared) -> Result<Vec<String>, StoreError> {
    let statement = match what {
        Declared::Group => "select name from groups where managed order by name",
        Declared::User => "select username from users where managed order by username",
        Declared::Client => "select id from clients where managed order by id",
        Declared::Webhook => "select name from webhooks where managed order by name",
        Declared::Issuer => "select name from trusted_issuers where managed order by name",
        Declared::Organisation => "select name from organisations where managed order by name",
        Declared::Upstream => "select slug from upstream_providers where managed order by slug",
    };
    let rows: Vec<(String,)> = db.query(statement).all().await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}
