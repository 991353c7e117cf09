//! A real mail server on loopback: the protocol is the `mailin` crate's, the letters are read by
//! `mailparse`; neither shares code with what Doorward sends by.
//!
//! ```ignore
//! let post = SmtpServer::start(Security::Plain);
//! let world = post.known_to(World::builder(backend)).start().await;
//! post.answer(Reply::Busy, 2);                    // the next two letters hear 451
//! let letters = post.wait_for("alice@people.test", 1).await;
//! ```

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mailin::response::{INTERNAL_ERROR, INVALID_CREDENTIALS, NO_MAILBOX, OK};
use mailin::{Action, AuthMechanism, Handler, Response, SessionBuilder};
use mailparse::{MailHeaderMap as _, ParsedMail};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::support::authority::{Authority, Name};
use crate::support::process::wait_until_async;
use crate::support::world::WorldBuilder;

/// Who may hand letters in, over what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Anybody, in plain text.
    Plain,
    /// After STARTTLS, with [`USERNAME`] and [`PASSWORD`].
    StartTls,
    /// With TLS from the first byte, with name and password.
    Tls,
}

/// What the server takes as name and password.
pub const USERNAME: &str = "doorward";
pub const PASSWORD: &str = "mail-pass-7f31";

/// What becomes of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// 451: try later.
    Busy,
    /// 550: never.
    NoMailbox,
}

/// A letter as it arrived.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The receiver of the envelope.
    pub to: String,
    pub raw: Vec<u8>,
}

impl Letter {
    fn parsed(&self) -> ParsedMail<'_> {
        mailparse::parse_mail(&self.raw).expect("a letter")
    }

    /// A header by its name; empty when it is not there.
    pub fn header(&self, name: &str) -> String {
        self.parsed().headers.get_first_value(name).unwrap_or_default()
    }

    /// The part of this type, decoded.
    fn part(&self, kind: &str) -> String {
        let mail = self.parsed();
        let part = mail.subparts.iter().find(|part| part.ctype.mimetype == kind);
        part.unwrap_or_else(|| panic!("no {kind}")).get_body().expect("a body")
    }

    pub fn text(&self) -> String {
        self.part("text/plain")
    }

    pub fn html(&self) -> String {
        self.part("text/html")
    }

    /// The only link in it.
    #[track_caller]
    pub fn link(&self) -> String {
        let text = self.text();
        let links: Vec<_> = text.lines().filter(|line| line.contains("?token=")).collect();
        assert_eq!(links.len(), 1, "{text}");
        assert!(self.html().contains(links[0]), "{}", self.html());
        links[0].to_owned()
    }
}

#[derive(Default)]
struct State {
    letters: Vec<Letter>,
    replies: Vec<Reply>,
    /// Letters that were not taken.
    refused: usize,
}

/// The running server; it ends with the test process.
#[derive(Clone)]
pub struct SmtpServer {
    security: Security,
    port: u16,
    state: Arc<Mutex<State>>,
}

impl SmtpServer {
    pub fn start(security: Security) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let server = Self { security, port, state: Arc::default() };
        let answering = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = answering.clone();
                // A client that goes away in the middle is no fault of the server.
                std::thread::spawn(move || server.serve(stream).unwrap_or_default());
            }
        });
        server
    }

    /// Settings with which Doorward sends mail through this server.
    pub fn known_to(&self, builder: WorldBuilder) -> WorldBuilder {
        let scheme = if self.security == Security::Tls { "smtps" } else { "smtp" };
        let mut builder = builder
            .env("DOORWARD_MAIL__URL", &format!("{scheme}://127.0.0.1:{}", self.port))
            .env("DOORWARD_MAIL__FROM", "Our Door <sso@door.test>")
            .env("DOORWARD_OUTBOX__FIRST_RETRY", "1");
        if self.security != Security::Plain {
            let path = std::env::temp_dir()
                .join(format!("doorward-test-mail-ca-{}.pem", std::process::id()));
            std::fs::write(&path, Authority::shared().pem()).expect("write the certificate");
            builder = builder
                .env("DOORWARD_MAIL__STARTTLS", "required")
                .env("DOORWARD_MAIL__USERNAME", USERNAME)
                .env("DOORWARD_MAIL__PASSWORD", PASSWORD)
                .env("DOORWARD_OUTBOUND__EXTRA_CA_FILE", &path.display().to_string());
        }
        builder
    }

    /// Gives this reply to the next letters.
    pub fn answer(&self, reply: Reply, times: usize) {
        self.state().replies.extend(std::iter::repeat_n(reply, times));
    }

    /// The letters to this address so far, the oldest first.
    pub fn letters(&self, to: &str) -> Vec<Letter> {
        self.state().letters.iter().filter(|letter| letter.to == to).cloned().collect()
    }

    /// Letters that were not taken so far.
    pub fn refused(&self) -> usize {
        self.state().refused
    }

    /// Waits until this address has so many letters.
    pub async fn wait_for(&self, to: &str, count: usize) -> Vec<Letter> {
        let what = format!("{count} letters to {to}");
        wait_until_async(&what, Duration::from_secs(20), async || self.letters(to).len() >= count)
            .await;
        self.letters(to)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let mut session = SessionBuilder::new("post.test");
        match self.security {
            Security::Plain => {}
            Security::StartTls | Security::Tls => {
                session.enable_start_tls().enable_auth(AuthMechanism::Plain);
            }
        }
        let inbox = Inbox { state: Arc::clone(&self.state), to: String::new(), raw: Vec::new() };
        let mut session = session.build(IpAddr::V4(Ipv4Addr::LOCALHOST), inbox);
        if self.security == Security::Tls {
            session.tls_active();
            let mut stream = BufReader::new(secured(stream)?);
            say(stream.get_mut(), &session.greeting())?;
            return converse(&mut session, &mut stream).map(drop);
        }
        let mut plain = BufReader::new(stream.try_clone()?);
        say(plain.get_mut(), &session.greeting())?;
        if converse(&mut session, &mut plain)? == Action::UpgradeTls {
            session.tls_active();
            converse(&mut session, &mut BufReader::new(secured(stream)?))?;
        }
        Ok(())
    }
}

/// Answers line by line until the connection ends, or goes on with TLS.
fn converse<S: Read + Write>(
    session: &mut mailin::Session<Inbox>,
    stream: &mut BufReader<S>,
) -> std::io::Result<Action> {
    let mut line = Vec::new();
    loop {
        line.clear();
        if stream.read_until(b'\n', &mut line)? == 0 {
            return Ok(Action::Close);
        }
        let response = session.process(&line);
        if response.action != Action::NoReply {
            say(stream.get_mut(), &response)?;
        }
        if matches!(response.action, Action::Close | Action::UpgradeTls) {
            return Ok(response.action);
        }
    }
}

fn say(stream: &mut impl Write, response: &Response) -> std::io::Result<()> {
    stream.write_all(&response.buffer()?)?;
    stream.flush()
}

fn secured(stream: TcpStream) -> std::io::Result<StreamOwned<ServerConnection, TcpStream>> {
    let names = [Name::Address("127.0.0.1"), Name::Dns("localhost")];
    let identity = Authority::shared().issue(&names);
    let config = ServerConfig::builder_with_provider(Arc::new(
        rustls::crypto::aws_lc_rs::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .expect("protocol versions")
    .with_no_client_auth()
    .with_single_cert(vec![identity.certificate.clone()], identity.private_key())
    .expect("a certificate");
    let connection = ServerConnection::new(Arc::new(config)).map_err(std::io::Error::other)?;
    Ok(StreamOwned::new(connection, stream))
}

/// Takes the letters of one connection.
struct Inbox {
    state: Arc<Mutex<State>>,
    to: String,
    raw: Vec<u8>,
}

impl Handler for Inbox {
    fn rcpt(&mut self, to: &str) -> Response {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.replies.is_empty() {
            to.clone_into(&mut self.to);
            return OK;
        }
        state.refused += 1;
        match state.replies.remove(0) {
            Reply::Busy => INTERNAL_ERROR,
            Reply::NoMailbox => NO_MAILBOX,
        }
    }

    fn data(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.raw.extend_from_slice(bytes);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        let letter = Letter { to: self.to.clone(), raw: std::mem::take(&mut self.raw) };
        self.state.lock().unwrap_or_else(PoisonError::into_inner).letters.push(letter);
        OK
    }

    fn auth_plain(&mut self, _: &str, name: &str, password: &str) -> Response {
        if (name, password) == (USERNAME, PASSWORD) {
            mailin::response::AUTH_OK
        } else {
            INVALID_CREDENTIALS
        }
    }
}
