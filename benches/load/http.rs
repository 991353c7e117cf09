//! The smallest HTTP/1.1 client that does the work: one connection kept alive, one request at a
//! time, answers with a `Content-Length`. It costs the driver little, so that the driver never is
//! what is measured.

use std::fmt::Write as _;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A connection that is kept.
pub(crate) struct Connection {
    stream: TcpStream,
    port: u16,
    /// What has been read; the last answer and nothing else.
    buffer: Vec<u8>,
}

/// An answer, borrowed from the connection.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    head: &'a str,
    pub(crate) body: &'a str,
}

impl Connection {
    pub(crate) async fn open(port: u16) -> std::io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, port, buffer: Vec::with_capacity(16 * 1024) })
    }

    /// Sends a request and waits for the whole answer.
    ///
    /// # Errors
    /// What the network says, or `InvalidData` for an answer this client does not understand.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> std::io::Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let mut body_start = None;
        let mut end = usize::MAX;
        while self.buffer.len() < end {
            let read = self.stream.read_buf(&mut self.buffer).await?;
            if read == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            if body_start.is_none()
                && let Some(length) = find(&self.buffer, b"\r\n\r\n")
            {
                let head = text(self.buffer.get(..length))?;
                body_start = Some(length + 4);
                end = length + 4 + content_length(head)?;
                if wants_to_close(head) {
                    // A server that closes would be measured connecting; better to say so.
                    let problem = format!("the server closes the connection:\n{head}");
                    return Err(std::io::Error::other(problem));
                }
            }
        }
        let start = body_start.unwrap_or(end);
        let head = text(self.buffer.get(..start))?;
        let status = head.get(9..12).and_then(|digits| digits.parse().ok());
        let status = status.ok_or_else(not_understood)?;
        let body = text(self.buffer.get(start..end))?;
        Ok(Answer { status, head, body })
    }

    /// The port it talks to.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

impl Answer<'_> {
    /// A header of the answer; `name` in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(self.head, name)
    }

    /// The `name=value` of a cookie it sets.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| value_of(line, "set-cookie"));
        let mut pairs = lines.map(|line| line.split(';').next().unwrap_or(line));
        pairs.find(|pair| pair.split('=').next() == Some(name))
    }

    /// A string member of a JSON body, without reading the rest: tokens have no escapes.
    pub(crate) fn json_text(&self, name: &str) -> Option<&str> {
        between(self.body, &format!("\"{name}\":\""), "\"")
    }

    /// The value of a hidden field of a page; ours need no decoding.
    pub(crate) fn hidden(&self, name: &str) -> Option<&str> {
        between(self.body, &format!("name=\"{name}\" value=\""), "\"")
    }
}

/// A request, written out.
pub(crate) struct Request<'a> {
    pub(crate) port: u16,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) headers: &'a [(&'a str, &'a str)],
    /// Form fields, already encoded, unless a header says that it is something else.
    pub(crate) body: Option<&'a str>,
}

impl Request<'_> {
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut text = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        let _ = write!(text, "host: localhost:{}\r\n", self.port);
        for (name, value) in self.headers {
            let _ = write!(text, "{name}: {value}\r\n");
        }
        if let Some(body) = self.body {
            if !self.headers.iter().any(|(name, _)| *name == "content-type") {
                text.push_str("content-type: application/x-www-form-urlencoded\r\n");
            }
            let _ = write!(text, "content-length: {}\r\n\r\n{body}", body.len());
        } else {
            text.push_str("\r\n");
        }
        text.into_bytes()
    }
}

/// What stands between two texts.
pub(crate) fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let rest = text.get(text.find(before)? + before.len()..)?;
    rest.get(..rest.find(after)?)
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| value_of(line, name))
}

fn value_of<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (found, value) = line.split_once(':')?;
    found.eq_ignore_ascii_case(name).then(|| value.trim())
}

fn content_length(head: &str) -> std::io::Result<usize> {
    match header(head, "content-length") {
        Some(length) => length.parse().map_err(|_| not_understood()),
        None if header(head, "transfer-encoding").is_some() => Err(not_understood()),
        None => Ok(0),
    }
}

fn wants_to_close(head: &str) -> bool {
    header(head, "connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

fn text(bytes: Option<&[u8]>) -> std::io::Result<&str> {
    bytes.and_then(|bytes| std::str::from_utf8(bytes).ok()).ok_or_else(not_understood)
}

fn not_understood() -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, "an answer this client cannot read")
}
