//! The ways to reach Redis: one server, a sentinel-watched pair, or a cluster. Everything above
//! sees one [`Wire`].

use std::time::Duration;

use futures_util::future::select_ok;
use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::sentinel::{SentinelClient, SentinelNodeConnectionInfo, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, FromRedisValue, IntoConnectionInfo,
    RedisConnectionInfo, RedisResult, TlsMode,
};
use tokio::sync::Mutex;

use super::EphemeralConnectError;

/// How long one attempt to connect, and one answer, may take.
pub(super) const ANSWER_LIMIT: Duration = Duration::from_millis(800);
/// Commands that may wait to be written before callers wait for room.
const PIPELINE: usize = 1_000;

/// How to connect.
pub(super) enum Link {
    Single(Box<Client>),
    /// The sentinels are asked for the present master on every connect: one client for each of them.
    Sentinels(Vec<Mutex<SentinelClient>>),
    Cluster(Box<ClusterClient>),
}

/// A connection that any number of tasks share.
#[derive(Clone)]
pub(super) enum Wire {
    /// One server. When it breaks it stays broken: connect again.
    One(MultiplexedConnection),
    /// A cluster, which mends itself node by node.
    Cluster(ClusterConnection),
}

/// The parts of a URL with several hosts, which the `url` crate cannot read.
struct Parts<'u> {
    tls: bool,
    username: Option<&'u str>,
    password: Option<&'u str>,
    hosts: Vec<&'u str>,
    path: Vec<&'u str>,
}

impl Link {
    /// Reads the URL; connects to nothing yet.
    pub(super) fn parse(url: &str) -> Result<Self, EphemeralConnectError> {
        let (scheme, rest) = url
            .split_once("://")
            .ok_or_else(|| EphemeralConnectError::Url("it has no scheme".to_owned()))?;
        match scheme {
            "redis" | "rediss" | "redis+unix" | "unix" => {
                Client::open(url).map(|client| Self::Single(Box::new(client))).map_err(refused)
            }
            "redis+cluster" | "rediss+cluster" => cluster(&Parts::read(scheme, rest)?),
            "redis+sentinel" | "rediss+sentinel" => sentinel(&Parts::read(scheme, rest)?),
            _ => Err(EphemeralConnectError::Url(format!("{scheme} is no scheme for Redis"))),
        }
    }

    /// A new connection.
    pub(super) async fn connect(&self) -> RedisResult<Wire> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(ANSWER_LIMIT))
            .set_response_timeout(Some(ANSWER_LIMIT))
            .set_pipeline_buffer_size(PIPELINE);
        match self {
            Self::Single(client) => {
                client.get_multiplexed_async_connection_with_config(&config).await.map(Wire::One)
            }
            Self::Sentinels(clients) => {
                // All at once, and the first answer counts: one after the other, a sentinel that hangs
                // would use up the time in which the next one could have answered.
                let asked = clients.iter().map(|client| {
                    Box::pin(async {
                        client.lock().await.get_async_connection_with_config(&config).await
                    })
                });
                let (connection, _) = select_ok(asked).await?;
                Ok(Wire::One(connection))
            }
            Self::Cluster(client) => client.get_async_connection().await.map(Wire::Cluster),
        }
    }
}

impl Wire {
    /// Sends one command and reads its answer.
    pub(super) async fn call<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        match self.clone() {
            Self::One(mut connection) => command.query_async(&mut connection).await,
            Self::Cluster(mut connection) => command.query_async(&mut connection).await,
        }
    }
}

impl<'u> Parts<'u> {
    fn read(scheme: &str, rest: &'u str) -> Result<Self, EphemeralConnectError> {
        let (login, rest) = match rest.rsplit_once('@') {
            Some((login, rest)) => (Some(login), rest),
            None => (None, rest),
        };
        let (username, password) = match login.map(|login| login.split_once(':')) {
            Some(Some((name, password))) => (Some(name), Some(password)),
            Some(None) => (None, login),
            None => (None, None),
        };
        let mut segments = rest.split('/');
        let hosts: Vec<_> = segments
            .next()
            .unwrap_or_default()
            .split(',')
            .filter(|host| !host.is_empty())
            .collect();
        if hosts.is_empty() {
            return Err(EphemeralConnectError::Url("it names no host".to_owned()));
        }
        Ok(Self {
            tls: scheme.starts_with("rediss"),
            username: username.filter(|name| !name.is_empty()),
            password,
            hosts,
            path: segments.filter(|segment| !segment.is_empty()).collect(),
        })
    }

    fn nodes(&self) -> Result<Vec<ConnectionInfo>, EphemeralConnectError> {
        let scheme = if self.tls { "rediss" } else { "redis" };
        self.hosts
            .iter()
            .map(|host| format!("{scheme}://{host}").into_connection_info().map_err(refused))
            .collect()
    }

    fn login(&self) -> RedisConnectionInfo {
        let mut info = RedisConnectionInfo::default();
        if let Some(username) = self.username {
            info = info.set_username(username);
        }
        if let Some(password) = self.password {
            info = info.set_password(password);
        }
        info
    }
}

fn cluster(parts: &Parts<'_>) -> Result<Link, EphemeralConnectError> {
    let mut builder = ClusterClient::builder(parts.nodes()?)
        .connection_timeout(ANSWER_LIMIT)
        .response_timeout(ANSWER_LIMIT)
        .retries(2)
        .min_retry_wait(20)
        .max_retry_wait(200);
    if let Some(username) = parts.username {
        builder = builder.username(username);
    }
    if let Some(password) = parts.password {
        builder = builder.password(password);
    }
    builder.build().map(|client| Link::Cluster(Box::new(client))).map_err(refused)
}

fn sentinel(parts: &Parts<'_>) -> Result<Link, EphemeralConnectError> {
    let service = parts
        .path
        .first()
        .ok_or_else(|| EphemeralConnectError::Url("it names no sentinel service".to_owned()))?;
    let mut login = parts.login();
    if let Some(database) = parts.path.get(1) {
        let number = database
            .parse()
            .map_err(|_| EphemeralConnectError::Url("the database is no number".to_owned()))?;
        login = login.set_db(number);
    }
    let mut node = SentinelNodeConnectionInfo::default().set_redis_connection_info(login);
    if parts.tls {
        node = node.set_tls_mode(TlsMode::Secure);
    }
    let client = |sentinel| {
        let master = SentinelServerType::Master;
        SentinelClient::build(vec![sentinel], *service, Some(node.clone()), master).map(Mutex::new)
    };
    let clients: RedisResult<Vec<_>> = parts.nodes()?.into_iter().map(client).collect();
    clients.map(Link::Sentinels).map_err(refused)
}

#[expect(clippy::needless_pass_by_value, reason = "passed to map_err")]
fn refused(error: redis::RedisError) -> EphemeralConnectError {
    // The category only: the detail could repeat the URL with its password.
    EphemeralConnectError::Url(error.category().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_url_may_name_several_nodes_and_a_login() {
        let parts = Parts::read("rediss+cluster", "me:p@ss@a:1,b:2").unwrap();
        assert_eq!((parts.username, parts.password), (Some("me"), Some("p@ss")));
        assert_eq!(parts.hosts, ["a:1", "b:2"]);
        assert!(parts.tls);
    }

    #[test]
    fn a_sentinel_url_names_the_service_and_perhaps_a_database() {
        let parts = Parts::read("redis+sentinel", "secret@a:1/main/2").unwrap();
        assert_eq!((parts.username, parts.password), (None, Some("secret")));
        assert_eq!(parts.path, ["main", "2"]);
        assert!(matches!(Link::parse("redis+sentinel://a:1/main/2"), Ok(Link::Sentinels(_))));
    }

    #[test]
    fn a_url_that_cannot_work_is_refused_without_repeating_it() {
        for url in [
            "localhost:6379",
            "http://h",
            "redis+sentinel://a:1",
            "redis+cluster://",
            "redis+sentinel://a:1/main/zero",
            "redis://h:port:secret@",
        ] {
            let error = Link::parse(url).err().unwrap_or_else(|| panic!("{url}")).to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
