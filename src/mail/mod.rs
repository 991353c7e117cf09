//! Mail to people: what a letter says ([`letter`]) and handing it to the mail server (SMTP, RFC 5321),
//! or into a directory (`folder`).
//!
//! Nothing waits for mail: use cases put letters into the outbox, which sends them later and as often
//! as it takes. Whatever stands in a header is an address that was parsed as one, or a constant with
//! the product's name; people's and apps' words stand in the body only.

mod folder;
pub mod letter;

use std::path::Path;
use std::time::{Duration, SystemTime};

use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use secrecy::ExposeSecret as _;

pub use letter::{About, Letter, SignInFacts};

use crate::clock::UnixTime;
use crate::config::{Config, MailServer, MailSettings, MailTransport, MailUrl, StartTls};
use crate::protocol::mailbox;
use folder::Folder;

/// Characters of a server's reply that are told: some explain at length.
const LONGEST_REPLY: usize = 300;

/// Why a letter was not handed over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailFault {
    /// The server heard it and will not take it (a reply 5yz about the letter).
    #[error("{0}")]
    Refused(String),
    /// It may work later: nobody answers, the server is busy, or does not accept us.
    #[error("{0}")]
    Failed(String),
}

/// What came of a letter that was not taken, in more words than [`MailFault`] has: the server's own may
/// name the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The server's reply code (RFC 5321 section 4.2), if it gave one.
    pub code: Option<u16>,
    /// On one line, at most 300 characters.
    pub said: String,
}

/// Only a reply about the letter is final. That the server does not accept us (530 to 538, RFC 4954
/// section 6) is for the administrator to put right, and the letter waits for that.
impl From<Rejection> for MailFault {
    fn from(rejection: Rejection) -> Self {
        let is_final = rejection.is_about_the_letter();
        match rejection.code {
            Some(code) if is_final => Self::Refused(format!("the mail server answered {code}")),
            Some(code) => Self::Failed(format!("the mail server answered {code}")),
            None => Self::Failed(letter::one_line(&rejection.said)),
        }
    }
}

impl Rejection {
    fn without_reply(said: impl Into<String>) -> Self {
        Self { code: None, said: said.into() }
    }

    /// Whether the server heard the letter and will not take it.
    #[must_use]
    pub fn is_about_the_letter(&self) -> bool {
        self.code.is_some_and(|code| (500..=599).contains(&code) && !self.is_about_us())
    }

    /// Whether the server does not accept Doorward itself (RFC 4954 section 6).
    #[must_use]
    pub fn is_about_us(&self) -> bool {
        self.code.is_some_and(|code| (530..=538).contains(&code))
    }
}

/// Whether a letter can be addressed to this.
#[must_use]
pub fn is_address(text: &str) -> bool {
    mailbox::is_mailbox(text) && text.parse::<Address>().is_ok()
}

/// One letter on its way.
#[derive(Debug)]
pub struct Envelope<'a> {
    /// The address as the account has it.
    pub to: &'a str,
    /// The same through every try, so that a receiver can tell a repetition.
    pub id: &'a str,
    pub at: UnixTime,
    /// What this installation calls itself.
    pub product_name: &'a str,
    pub letter: &'a Letter,
}

/// Where letters are handed over.
enum Way {
    Server(Box<AsyncSmtpTransport<Tokio1Executor>>),
    Folder(Folder),
}

/// The way to the mail server, or into the directory that stands in for one.
pub struct Mailer {
    way: Way,
    from: Mailbox,
    reply_to: Option<Mailbox>,
    /// The issuer's host: our name to the server, and the right side of message ids.
    host: String,
    issuer: String,
    timeout: Duration,
}

impl Mailer {
    /// `None` when no mail server is configured. Connects to nothing yet.
    ///
    /// # Errors
    /// What is wrong with an address or the certificates, in one line.
    pub fn new(config: &Config) -> Result<Option<Self>, String> {
        let settings = &config.mail;
        let (Some(url), Some(from)) = (&settings.url, &settings.from) else { return Ok(None) };
        let way = match url {
            MailUrl::Server(server) => Way::Server(Box::new(transport(config, server)?)),
            MailUrl::Folder(path) => Way::Folder(Folder::at(path)),
        };
        Ok(Some(Self {
            way,
            from: sender(from)?,
            reply_to: settings.reply_to.as_deref().map(sender).transpose()?,
            host: config.issuer.host().to_owned(),
            issuer: config.issuer.as_str().to_owned(),
            timeout: limit(settings),
        }))
    }

    /// The directory that letters are written into, when there is no server.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        match &self.way {
            Way::Server(_) => None,
            Way::Folder(folder) => Some(folder.path()),
        }
    }

    /// Hands one letter over.
    ///
    /// # Errors
    /// [`MailFault`]; it names no address and none of the letter.
    pub async fn send(&self, envelope: &Envelope<'_>) -> Result<(), MailFault> {
        let message = self.message(envelope)?;
        self.hand_over(message, envelope.id).await.map_err(MailFault::from)
    }

    /// As [`Mailer::send`], for somebody who waits to hear what becomes of it.
    ///
    /// # Errors
    /// [`Rejection`].
    pub async fn try_out(&self, envelope: &Envelope<'_>) -> Result<(), Rejection> {
        let message = self.message(envelope);
        let message = message.map_err(|fault| Rejection::without_reply(fault.to_string()))?;
        self.hand_over(message, envelope.id).await
    }

    async fn hand_over(&self, message: Message, id: &str) -> Result<(), Rejection> {
        match &self.way {
            Way::Server(server) => within(self.timeout, server.send(message)).await.map(drop),
            Way::Folder(folder) => {
                let written = folder.put(id, message.formatted(), self.timeout).await;
                written.map_err(Rejection::without_reply)
            }
        }
    }

    /// Connects, agrees on TLS and signs in, and sends nothing; of a directory, whether it can be written.
    ///
    /// # Errors
    /// [`MailFault`].
    pub async fn check(&self) -> Result<(), MailFault> {
        let server = match &self.way {
            Way::Server(server) => server,
            Way::Folder(folder) => {
                let checked = folder.check(self.timeout).await;
                return checked.map_err(|fault| Rejection::without_reply(fault).into());
            }
        };
        if within(self.timeout, server.test_connection()).await? {
            return Ok(());
        }
        Err(MailFault::Failed("the mail server does not answer as one".to_owned()))
    }

    fn message(&self, envelope: &Envelope<'_>) -> Result<Message, MailFault> {
        let broken =
            |what: &str| MailFault::Refused(format!("the letter could not be made: {what}"));
        let to: Address = envelope.to.parse().map_err(|_| broken("its address is none"))?;
        let seconds = Duration::from_secs(envelope.at.0.unsigned_abs());
        let about =
            About { product_name: envelope.product_name.to_owned(), issuer: self.issuer.clone() };
        let written = envelope.letter.write(&about).map_err(|_| broken("its template"))?;
        let mut builder = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(letter::one_line(&written.subject))
            .date(SystemTime::UNIX_EPOCH + seconds)
            .message_id(Some(format!("<{}@{}>", envelope.id, self.host)))
            .header(AutoSubmitted);
        if let Some(reply_to) = &self.reply_to {
            builder = builder.reply_to(reply_to.clone());
        }
        let body = MultiPart::alternative_plain_html(written.text, written.html);
        builder.multipart(body).map_err(|_| broken("its headers"))
    }
}

/// RFC 3834 section 5: a program wrote this, so no holiday notice need answer it.
#[derive(Debug, Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// The whole exchange has one limit: a server that answers a byte a second would else hold it open.
async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, SmtpError>>,
) -> Result<T, Rejection> {
    match tokio::time::timeout(limit, work).await {
        Ok(answer) => answer.map_err(|error| Rejection {
            code: error.status().map(u16::from),
            said: letter::on_one_line(&told(&error), LONGEST_REPLY),
        }),
        Err(_) => Err(Rejection::without_reply("the mail server took too long")),
    }
}

/// An error with what caused it; the outermost alone says little.
fn told(error: &SmtpError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

/// The way to a server; connects to nothing yet.
fn transport(
    config: &Config,
    server: &MailServer,
) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
    let settings = &config.mail;
    let tls = tls(server, settings.starttls, config.outbound.extra_ca_file.as_deref())?;
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(bare(server))
        .port(server.port)
        .tls(tls)
        .timeout(Some(limit(settings)))
        .hello_name(ClientId::Domain(config.issuer.host().to_owned()));
    if let Some(credentials) = credentials(settings) {
        builder = builder.credentials(credentials);
    }
    Ok(builder.build())
}

fn limit(settings: &MailSettings) -> Duration {
    Duration::from_secs(settings.timeout.unsigned_abs())
}

fn credentials(settings: &MailSettings) -> Option<Credentials> {
    let (name, password) = (settings.username.as_ref()?, settings.password.as_ref()?);
    Some(Credentials::new(name.clone(), password.expose_secret().to_owned()))
}

fn sender(text: &str) -> Result<Mailbox, String> {
    let fault = || format!("{text:?} is not an address of mail");
    let (name, address) = mailbox::split(text).ok_or_else(fault)?;
    Ok(Mailbox::new(name.map(ToOwned::to_owned), address.parse().map_err(|_| fault())?))
}

/// The host as sockets and certificates know it: IPv6 without brackets.
fn bare(server: &MailServer) -> &str {
    server.host.trim_start_matches('[').trim_end_matches(']')
}

fn tls(server: &MailServer, starttls: StartTls, extra: Option<&Path>) -> Result<Tls, String> {
    let open = match starttls {
        StartTls::Auto => server.is_loopback(),
        StartTls::Required => false,
        StartTls::Never => true,
    };
    if open && server.transport == MailTransport::Smtp {
        return Ok(Tls::None);
    }
    let mut parameters = TlsParameters::builder(bare(server).to_owned());
    if let Some(path) = extra {
        let shown = path.display();
        let pem = std::fs::read(path)
            .map_err(|fault| format!("the file {shown} could not be read: {fault}"))?;
        let certificate = Certificate::from_pem(&pem)
            .map_err(|_| format!("the file {shown} holds no certificate in PEM"))?;
        parameters = parameters.add_root_certificate(certificate);
    }
    let parameters =
        parameters.build_rustls().map_err(|fault| format!("TLS to the mail server: {fault}"))?;
    Ok(match server.transport {
        MailTransport::Smtp => Tls::Required(parameters),
        MailTransport::Smtps => Tls::Wrapper(parameters),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailer() -> Mailer {
        let mut config = Config::default();
        config.mail.url = Some("smtp://127.0.0.1:1".to_owned().try_into().unwrap());
        config.mail.from = Some("Our Door <sso@example.test>".to_owned());
        Mailer::new(&config).unwrap().unwrap()
    }

    fn wire(to: &str, letter: &Letter) -> Result<String, MailFault> {
        let at = UnixTime(1_800_000_000);
        let envelope = Envelope { to, id: "id-1", at, product_name: "Our Door", letter };
        Ok(String::from_utf8(mailer().message(&envelope)?.formatted()).unwrap())
    }

    #[test]
    fn a_letter_has_one_sender_one_receiver_and_says_that_a_program_wrote_it() {
        let text = wire("ada@example.test", &Letter::sample_password_changed()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        for line in [
            "<sso@example.test>",
            "To: ada@example.test",
            "Message-ID: <id-1@localhost>",
            "Auto-Submitted: auto-generated",
            "Date: Fri, 15 Jan 2027 08:00:00 +0000",
        ] {
            assert!(head.contains(line), "{line} is not in\n{head}");
        }
        assert!(body.contains("text/plain") && body.contains("text/html"), "{body}");
    }

    #[test]
    fn nobodys_words_get_into_a_header() {
        for to in ["a@b.test\r\nBcc: c@d.test", "a@b.test, c@d.test", "a\0@b.test", "", "a@b.test>"]
        {
            let fault = wire(to, &Letter::sample_password_changed()).unwrap_err();
            assert!(matches!(fault, MailFault::Refused(_)), "{to:?}");
        }
        for letter in Letter::samples_with("x\r\nBcc: c@d.test\r\n\r\nhello\u{202e}") {
            let text = wire("ada@example.test", &letter).unwrap();
            let (head, _) = text.split_once("\r\n\r\n").unwrap();
            assert!(!head.contains("Bcc"), "{head}");
        }
    }
}
