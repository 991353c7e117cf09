//! Mail to people: what a letter says ([`letter`]) and handing it to the mail server (SMTP, RFC 5321).
//!
//! Nothing waits for mail: use cases put letters into the outbox, which sends them later and as often
//! as it takes. Whatever stands in a header is an address that was parsed as one, or a constant with
//! the product's name; people's and apps' words stand in the body only.

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
use crate::config::{Config, MailServer, MailSettings, MailTransport, StartTls};
use crate::protocol::mailbox;

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

/// The way to the mail server.
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
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
        let (Some(server), Some(from)) = (&settings.url, &settings.from) else { return Ok(None) };
        let timeout = Duration::from_secs(settings.timeout.unsigned_abs());
        let tls = tls(server, settings.starttls, config.outbound.extra_ca_file.as_deref())?;
        let host = config.issuer.host().to_owned();
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(bare(server))
            .port(server.port)
            .tls(tls)
            .timeout(Some(timeout))
            .hello_name(ClientId::Domain(host.clone()));
        if let Some(credentials) = credentials(settings) {
            builder = builder.credentials(credentials);
        }
        Ok(Some(Self {
            transport: builder.build(),
            from: sender(from)?,
            reply_to: settings.reply_to.as_deref().map(sender).transpose()?,
            host,
            issuer: config.issuer.as_str().to_owned(),
            timeout,
        }))
    }

    /// Hands one letter over.
    ///
    /// # Errors
    /// [`MailFault`]; it names no address and none of the letter.
    pub async fn send(&self, envelope: &Envelope<'_>) -> Result<(), MailFault> {
        let message = self.message(envelope)?;
        within(self.timeout, self.transport.send(message)).await.map(drop)
    }

    /// Connects, agrees on TLS and signs in, and sends nothing.
    ///
    /// # Errors
    /// [`MailFault`].
    pub async fn check(&self) -> Result<(), MailFault> {
        if within(self.timeout, self.transport.test_connection()).await? {
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
) -> Result<T, MailFault> {
    match tokio::time::timeout(limit, work).await {
        Ok(answer) => answer.map_err(|error| fault(&error)),
        Err(_) => Err(MailFault::Failed("the mail server took too long".to_owned())),
    }
}

/// Only a reply about the letter is final. That the server does not accept us (530 to 538, RFC 4954
/// section 6) is for the administrator to put right, and the letter waits for that.
fn fault(error: &SmtpError) -> MailFault {
    let status = error.status().map(u16::from);
    match status {
        Some(code @ 500..=599) if !(530..=538).contains(&code) => {
            MailFault::Refused(format!("the mail server answered {code}"))
        }
        Some(code) => MailFault::Failed(format!("the mail server answered {code}")),
        None => MailFault::Failed(letter::one_line(&told(error))),
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
