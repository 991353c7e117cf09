//! A TCP proxy between a node and a store that delays, swallows, breaks and cuts what passes.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What happens to what passes, in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Everything passes.
    None,
    /// Each piece is held back for this long.
    Delay(Duration),
    /// Nothing passes and nobody is told: connections open and stay open.
    BlackHole,
    /// Connections are reset, old ones and new ones.
    Reset,
    /// Requests pass; of the first answer on each connection half arrives, and then it ends.
    Cut,
}

/// A proxy in front of one port of this machine. Ends, with its connections, when dropped.
pub struct FaultProxy {
    port: u16,
    fault: watch::Sender<Fault>,
    accepting: tokio::task::JoinHandle<()>,
}

impl FaultProxy {
    /// A proxy that lets everything pass to `target`, which need not listen yet.
    pub async fn start(target: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (fault, seen) = watch::channel(Fault::None);
        let accepting = tokio::spawn(accept(listener, target, seen));
        Self { port, fault, accepting }
    }

    /// Where clients connect.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on this happens, to open connections as well.
    pub fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }

    /// A URL with the port of the store replaced by the proxy's.
    pub fn in_front_of(&self, url: &str, store: u16) -> String {
        let (from, to) = (format!(":{store}/"), format!(":{}/", self.port));
        assert!(url.contains(&from), "{url} does not name port {store}");
        url.replace(&from, &to)
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Holds the connections: when it ends, they end.
async fn accept(listener: TcpListener, target: u16, fault: watch::Receiver<Fault>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        connections.spawn(serve(client, target, fault.clone()));
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(client: TcpStream, target: u16, mut fault: watch::Receiver<Fault>) {
    // A black hole takes the connection and does nothing about it.
    if !passable(&mut fault).await {
        reset(&client);
        return;
    }
    let Ok(server) = TcpStream::connect(("127.0.0.1", target)).await else {
        reset(&client);
        return;
    };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let requests = Flow { direction: Direction::Request, fault: fault.clone() };
    let answers = Flow { direction: Direction::Answer, fault };
    let end = tokio::select! {
        end = requests.pump(&mut from_client, &mut to_server) => end,
        end = answers.pump(&mut from_server, &mut to_client) => end,
    };
    if end == End::Reset {
        reset(to_client.as_ref());
        reset(to_server.as_ref());
    }
}

/// Waits out a black hole; whether something may pass now.
async fn passable(fault: &mut watch::Receiver<Fault>) -> bool {
    let now = fault.wait_for(|fault| *fault != Fault::BlackHole).await;
    now.is_ok_and(|fault| *fault != Fault::Reset)
}

/// Makes the coming end of a connection an abrupt one.
fn reset(stream: &TcpStream) {
    let _ = stream.set_zero_linger();
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Request,
    Answer,
}

/// How a direction of a connection ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    InOrder,
    Reset,
}

struct Flow {
    direction: Direction,
    fault: watch::Receiver<Fault>,
}

impl Flow {
    async fn pump(mut self, from: &mut OwnedReadHalf, to: &mut OwnedWriteHalf) -> End {
        let mut piece = vec![0; 16 * 1024];
        loop {
            let length = tokio::select! {
                read = from.read(&mut piece) => match read {
                    Ok(0) | Err(_) => return End::InOrder,
                    Ok(length) => length,
                },
                _ = self.fault.wait_for(|fault| *fault == Fault::Reset) => return End::Reset,
            };
            let now = *self.fault.borrow_and_update();
            if let Fault::Delay(pause) = now {
                tokio::time::sleep(pause).await;
            }
            if !passable(&mut self.fault).await {
                return End::Reset;
            }
            let is_cut = now == Fault::Cut && self.direction == Direction::Answer;
            let passes = if is_cut { length / 2 } else { length };
            if to.write_all(&piece[..passes]).await.is_err() || is_cut {
                return End::InOrder;
            }
        }
    }
}
