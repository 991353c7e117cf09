//! The people and apps of a town, each doing one thing once.

use std::time::{Duration, Instant};

use futures_util::future::try_join_all;

use super::rows;
use super::town::Town;
use crate::http::Connection;
use crate::stage;
use crate::work;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    SignIn,
    Authorize,
    Redeem,
    Refresh,
    Userinfo,
    Introspection,
    Gateway,
    ClientCredentials,
    SignOut,
}

impl Op {
    pub(super) const ALL: [Self; 9] = [
        Self::SignIn,
        Self::Authorize,
        Self::Redeem,
        Self::Refresh,
        Self::Userinfo,
        Self::Introspection,
        Self::Gateway,
        Self::ClientCredentials,
        Self::SignOut,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in with a password",
            Self::Authorize => "authorize, signed in",
            Self::Redeem => "code redemption",
            Self::Refresh => "refresh",
            Self::Userinfo => "userinfo",
            Self::Introspection => "introspection",
            Self::Gateway => "gateway check",
            Self::ClientCredentials => "client_credentials",
            Self::SignOut => "sign-out (page and form)",
        }
    }

    /// How many for the record.
    pub(super) fn count(self) -> usize {
        match self {
            Self::SignIn => 100,
            Self::SignOut => 400,
            Self::Authorize | Self::Redeem | Self::Refresh => 1_000,
            Self::Userinfo | Self::Introspection | Self::Gateway | Self::ClientCredentials => 4_000,
        }
    }

    /// How many before.
    pub(super) fn warm_up(self) -> usize {
        match self {
            Self::SignIn => 4,
            Self::SignOut => 20,
            Self::Redeem | Self::Refresh => 100,
            // Everybody of the pool once, so that the fast store knows them.
            _ => POOL,
        }
    }
}

/// Sessions and apps that come more than once.
pub(super) const POOL: usize = 1_000;

/// What one of the crowd brings.
enum Ticket {
    Number(usize),
    Code(String, usize),
    Refresh(String, usize),
    Access(String, usize),
}

/// The crowd: a line of tickets at each connection.
pub(super) struct Crowd {
    op: Op,
    port: u16,
    secrets: (String, String),
    size: super::town::Size,
    lines: Vec<(Connection, std::vec::IntoIter<Ticket>)>,
}

impl Crowd {
    /// Everybody with what they need, which is not measured.
    ///
    /// # Errors
    /// What came instead of an expected answer.
    pub(super) async fn gather(
        town: &mut Town,
        op: Op,
        connections: usize,
    ) -> Result<Self, String> {
        let count = op.count() + op.warm_up();
        let port = town.world.port;
        let first = Connection::open(port).await;
        let mut first = first.map_err(|error| error.to_string())?;
        let tickets = tickets(town, op, (count, &mut first)).await?;
        Self::line_up(town, op, (tickets, connections)).await
    }

    /// Those who have these cookies for the apps behind the gateway.
    ///
    /// # Errors
    /// What the network says.
    pub(super) async fn at_the_gateway(
        town: &Town,
        numbers: std::ops::Range<usize>,
        connections: usize,
    ) -> Result<Self, String> {
        let tickets = numbers.map(Ticket::Number).collect();
        Self::line_up(town, Op::Gateway, (tickets, connections)).await
    }

    async fn line_up(
        town: &Town,
        op: Op,
        (tickets, connections): (Vec<Ticket>, usize),
    ) -> Result<Self, String> {
        let port = town.world.port;
        let mut lines = Vec::new();
        let mut waiting: Vec<Vec<Ticket>> = (0..connections).map(|_| Vec::new()).collect();
        for (place, ticket) in tickets.into_iter().enumerate() {
            waiting[place % connections].push(ticket);
        }
        for line in waiting {
            let connection = Connection::open(port).await.map_err(|error| error.to_string())?;
            lines.push((connection, line.into_iter()));
        }
        Ok(Self { op, port, secrets: town.secrets.clone(), size: town.size, lines })
    }

    /// The next `count` of them; how long each took.
    ///
    /// # Errors
    /// What came instead of an expected answer.
    pub(super) async fn run(&mut self, count: usize) -> Result<Vec<Duration>, String> {
        let each = count / self.lines.len();
        let (op, port, secrets, size) = (self.op, self.port, &self.secrets, self.size);
        let lines = self.lines.iter_mut().map(async |(connection, line)| {
            let mut latencies = Vec::with_capacity(each);
            for ticket in line.take(each) {
                let began = Instant::now();
                let act = Act { op, port, secrets, size };
                act.once(connection, &ticket).await.map_err(|e| format!("{}: {e}", op.name()))?;
                latencies.push(began.elapsed());
            }
            Ok::<_, String>(latencies)
        });
        Ok(try_join_all(lines).await?.concat())
    }
}

struct Act<'a> {
    op: Op,
    port: u16,
    secrets: &'a (String, String),
    size: super::town::Size,
}

fn web_basic(secrets: &(String, String), size: super::town::Size, number: usize) -> String {
    Town::basic(&rows::web(number % size.clients), &secrets.0)
}

/// The cookies of a browser in which somebody is signed in.
fn browser(number: usize) -> String {
    format!("doorward_session={}", rows::cookie("session", number))
}

impl Act<'_> {
    async fn once(&self, connection: &mut Connection, ticket: &Ticket) -> Result<(), String> {
        let (port, clients) = (self.port, self.size.clients);
        match (self.op, ticket) {
            (Op::SignIn, Ticket::Number(n)) => {
                let authorize = work::authorize_request(port, &rows::web(n % clients), None);
                let name = rows::username(n % self.size.users);
                work::sign_in(connection, &authorize, (&name, stage::PASSWORD)).await.map(drop)
            }
            (Op::Authorize, Ticket::Number(n)) => {
                authorized(connection, (port, *n), clients).await.map(drop)
            }
            (Op::Redeem, Ticket::Code(code, n)) => {
                let basic = web_basic(self.secrets, self.size, *n);
                work::redeem(connection, &basic, code).await.map(drop)
            }
            (Op::Refresh, Ticket::Refresh(token, n)) => {
                let basic = web_basic(self.secrets, self.size, *n);
                work::refresh(connection, &basic, token).await.map(drop)
            }
            (Op::Userinfo, Ticket::Access(token, _)) => {
                let request = stage::userinfo(port, token);
                work::expect(connection, &request, (200, "\"sub\":\"")).await
            }
            (Op::Introspection, Ticket::Access(token, n)) => {
                let basic = web_basic(self.secrets, self.size, *n);
                let request = stage::introspection(port, &basic, token);
                work::expect(connection, &request, (200, "\"active\":true")).await
            }
            (Op::Gateway, Ticket::Number(n)) => {
                let cookie = format!("doorward_gateway={}", rows::cookie("gateway", *n));
                let request = stage::gateway_check(port, &cookie);
                work::expect(connection, &request, (200, "")).await
            }
            (Op::ClientCredentials, Ticket::Number(n)) => {
                let id = rows::machine(n % (clients / 10));
                let basic = Town::basic(&id, &self.secrets.1);
                let body = "grant_type=client_credentials";
                let request = work::token_request(port, &basic, body);
                work::expect(connection, &request, (200, "\"access_token\":\"")).await
            }
            (Op::SignOut, Ticket::Number(n)) => work::sign_out(connection, &browser(*n)).await,
            _ => Err("the wrong ticket".to_owned()),
        }
    }
}

/// A code for an app of the session's person.
async fn authorized(
    connection: &mut Connection,
    (port, session): (u16, usize),
    clients: usize,
) -> Result<String, String> {
    let request =
        work::authorize_request(port, &rows::web(session % clients), Some(&browser(session)));
    work::authorized(connection, &request).await
}

async fn tickets(
    town: &mut Town,
    op: Op,
    (count, connection): (usize, &mut Connection),
) -> Result<Vec<Ticket>, String> {
    let (port, clients) = (town.world.port, town.size.clients);
    let spread = town.size.sessions / POOL;
    // Over the whole town, so that neighbours do not share a page of the database.
    let of_pool = |n: usize| (n % POOL) * spread;
    Ok(match op {
        Op::SignOut => {
            let from = town.left;
            town.left += count;
            if town.left / POOL + 1 >= spread {
                return Err("nobody is left to sign out: fewer rounds, please".to_owned());
            }
            (from..from + count).map(|n| Ticket::Number(town.leaving(n, POOL))).collect()
        }
        Op::SignIn => (0..count).map(|n| Ticket::Number(n * 7)).collect(),
        Op::Gateway => (0..count).map(|n| Ticket::Number((n % POOL) * (spread / 5))).collect(),
        Op::Authorize => (0..count).map(|n| Ticket::Number(of_pool(n))).collect(),
        Op::ClientCredentials => (0..count).map(Ticket::Number).collect(),
        Op::Redeem => {
            let mut codes = Vec::new();
            for n in 0..count {
                let session = of_pool(n);
                let code = authorized(connection, (port, session), clients).await?;
                codes.push(Ticket::Code(code, session));
            }
            codes
        }
        Op::Refresh => {
            let tokens = town.refresh_tokens(spread, count).await;
            tokens.into_iter().map(|(token, n)| Ticket::Refresh(token, n)).collect()
        }
        Op::Userinfo | Op::Introspection => {
            let mut access = Vec::new();
            for (token, n) in town.refresh_tokens(spread, 200).await {
                let basic = web_basic(&town.secrets, town.size, n);
                let tokens = work::refresh(connection, &basic, &token).await?;
                access.push((tokens.access, n));
            }
            let all = access.iter().cycle().take(count);
            all.map(|(token, n)| Ticket::Access(token.clone(), *n)).collect()
        }
    })
}
