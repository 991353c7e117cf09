//! `[mail]`: the server that takes mail for people, and whom it is from.

use std::path::PathBuf;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::Config;
use super::problem::Problems;
use crate::clock::Seconds;

/// Mail to people: notices about their account. Without `mail.url` nothing is sent.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MailSettings {
    /// The mail server: `smtp://HOST[:PORT]` (port 587 unless given, STARTTLS) or
    /// `smtps://HOST[:PORT]` (port 465, TLS from the first byte). Name and password are settings of
    /// their own. With `file:DIR` each letter becomes a file in that directory, for development and
    /// tests, and reaches nobody.
    #[schemars(with = "Option<String>", extend("x-default" = "no mail is sent"))]
    pub url: Option<MailUrl>,
    /// Whether a `smtp://` server must offer STARTTLS: `auto` (it must, unless it is on this machine),
    /// `required`, or `never`.
    pub starttls: StartTls,
    /// The name to sign in to the mail server with, if it wants one.
    pub username: Option<String>,
    /// The password to that name.
    #[serde(skip_serializing)]
    #[schemars(with = "Option<String>", extend("writeOnly" = true))]
    pub password: Option<SecretString>,
    /// The sender, `Doorward <sso@example.com>` or only the address. Required with `mail.url`.
    pub from: Option<String>,
    /// Where answers go, if not to the sender.
    pub reply_to: Option<String>,
    /// Seconds that handing over one message may take.
    #[schemars(range(min = 1, max = 40))]
    pub timeout: Seconds,
}

impl Default for MailSettings {
    fn default() -> Self {
        Self {
            url: None,
            starttls: StartTls::Auto,
            username: None,
            password: None,
            from: None,
            reply_to: None,
            timeout: 20,
        }
    }
}

/// Whether mail may leave without TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StartTls {
    /// TLS, unless the server is on this machine.
    #[default]
    Auto,
    Required,
    Never,
}

/// Where letters go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum MailUrl {
    /// To a mail server.
    Server(MailServer),
    /// Into files of this directory, and to nobody.
    Folder(PathBuf),
}

/// A mail server's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailServer {
    pub transport: MailTransport,
    pub host: String,
    pub port: u16,
}

/// How the connection begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailTransport {
    /// In plain text; STARTTLS follows (RFC 3207).
    Smtp,
    /// With TLS (RFC 8314 section 3).
    Smtps,
}

impl MailServer {
    /// Whether the server is this very machine, so that nobody is between.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        bare == "localhost"
            || bare.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
    }

    /// Whether somebody between could read along without STARTTLS.
    fn is_open_to_others(&self) -> bool {
        self.transport == MailTransport::Smtp && !self.is_loopback()
    }
}

const FORM: &str = "it is not the address of a mail server. Write smtp://HOST:PORT or \
                    smtps://HOST:PORT, for example smtp://mail.example.com:587, or file:DIR";

impl TryFrom<String> for MailUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let Some(path) = text.strip_prefix("file:") else {
            return MailServer::try_from(text).map(Self::Server);
        };
        // As a URL has it, with a host that is empty: file:///var/letters.
        let path = match path.strip_prefix("//") {
            Some(rest) if rest.starts_with('/') => rest,
            Some(_) => return Err(FORM.to_owned()),
            None => path,
        };
        if path.is_empty() || path.contains('\0') {
            return Err(FORM.to_owned());
        }
        Ok(Self::Folder(PathBuf::from(path)))
    }
}

impl From<MailUrl> for String {
    fn from(url: MailUrl) -> Self {
        match url {
            MailUrl::Server(server) => server.into(),
            MailUrl::Folder(path) => format!("file:{}", path.display()),
        }
    }
}

impl TryFrom<String> for MailServer {
    type Error = String;

    /// The text is not repeated in errors: it may hold a password.
    fn try_from(text: String) -> Result<Self, String> {
        let url = url::Url::parse(&text).map_err(|_| FORM.to_owned())?;
        let (transport, port) = match url.scheme() {
            "smtp" => (MailTransport::Smtp, 587),
            "smtps" => (MailTransport::Smtps, 465),
            _ => return Err(FORM.to_owned()),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a name and password do not belong in it. Set mail.username, and \
                        mail.password or mail.password_file"
                .to_owned());
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| FORM.to_owned())?;
        let bare = matches!(url.path(), "" | "/") && url.query().is_none();
        if !bare || url.fragment().is_some() {
            return Err(FORM.to_owned());
        }
        Ok(Self { transport, host: host.to_owned(), port: url.port().unwrap_or(port) })
    }
}

impl From<MailServer> for String {
    fn from(server: MailServer) -> Self {
        let scheme = match server.transport {
            MailTransport::Smtp => "smtp",
            MailTransport::Smtps => "smtps",
        };
        format!("{scheme}://{}:{}", server.host, server.port)
    }
}

/// Rules between the settings of this section.
pub(super) fn validate(config: &Config, problems: &mut Problems) {
    let mail = &config.mail;
    let mut wrong = |key: &str, text: &str| problems.add(key, config.origin(key), text);
    let Some(url) = &mail.url else {
        if mail.from.is_some() || mail.username.is_some() {
            let key = if mail.from.is_some() { "mail.from" } else { "mail.username" };
            wrong(key, "there is no mail server yet. Set mail.url as well");
        }
        return;
    };
    if mail.from.is_none() {
        wrong("mail.url", "nobody is the sender yet. Set mail.from, for example sso@example.com");
    }
    for (key, value) in [("mail.from", &mail.from), ("mail.reply_to", &mail.reply_to)] {
        if value.as_deref().is_some_and(|text| !crate::protocol::mailbox::is_mailbox(text)) {
            wrong(key, "write an address such as sso@example.com, or Name <sso@example.com>");
        }
    }
    if mail.username.is_some() != mail.password.is_some() {
        let (key, other) = match &mail.username {
            Some(_) => ("mail.username", "mail.password or mail.password_file is missing"),
            None => ("mail.password", "mail.username is missing"),
        };
        wrong(key, &format!("{other}. Set both or neither"));
    }
    let open = mail.starttls == StartTls::Never && mail.password.is_some();
    if open && matches!(url, MailUrl::Server(server) if server.is_open_to_others()) {
        let text = "the password would go over the network in plain text. Set auto or required";
        wrong("mail.starttls", text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(text: &str) -> Result<MailServer, String> {
        MailServer::try_from(text.to_owned())
    }

    #[test]
    fn a_server_is_read_with_the_port_of_its_kind_and_shown_as_it_is() {
        for (text, shown) in [
            ("smtp://mail.example.com", "smtp://mail.example.com:587"),
            ("smtps://mail.example.com/", "smtps://mail.example.com:465"),
            ("smtp://127.0.0.1:2525", "smtp://127.0.0.1:2525"),
            ("smtps://[::1]:1465", "smtps://[::1]:1465"),
        ] {
            assert_eq!(String::from(server(text).expect(text)), shown);
        }
    }

    #[test]
    fn only_loopback_is_this_machine() {
        for near in ["smtp://localhost", "smtp://127.0.0.9", "smtp://[::1]"] {
            assert!(server(near).expect(near).is_loopback(), "{near}");
        }
        for far in ["smtp://localhost.example", "smtp://10.0.0.1", "smtp://127.0.0.1.nip.example"] {
            assert!(!server(far).expect(far).is_loopback(), "{far}");
        }
    }

    #[test]
    fn a_directory_is_a_path_as_it_stands_or_a_url() {
        let url = |text: &str| MailUrl::try_from(text.to_owned());
        for (text, path) in [
            ("file:./letters", "./letters"),
            ("file:letters of today", "letters of today"),
            ("file:/var/letters", "/var/letters"),
            ("file:///var/letters", "/var/letters"),
        ] {
            let read = url(text).expect(text);
            assert_eq!(read, MailUrl::Folder(PathBuf::from(path)));
            assert_eq!(String::from(read), format!("file:{path}"));
        }
        for bad in ["file:", "file://", "file://host/letters", "file:a\0b", "/var/letters"] {
            assert!(url(bad).expect_err(bad).contains("file:DIR"), "{bad}");
        }
        let server = url("smtp://localhost").expect("a server");
        assert_eq!(String::from(server), "smtp://localhost:587");
    }

    #[test]
    fn a_password_in_the_address_is_refused_and_not_repeated() {
        let fault = server("smtp://me:s3cret@mail.example.com").expect_err("a fault");
        assert!(fault.contains("mail.password") && !fault.contains("s3cret"), "{fault}");
        for bad in [
            "mail.example.com",
            "https://mail.example.com",
            "smtp://",
            "smtp://h/x",
            "smtp://h?x=s3cret",
        ] {
            assert!(!server(bad).expect_err(bad).contains("s3cret"), "{bad}");
        }
    }
}
