//! Forms that carry a file (`multipart/form-data`, RFC 7578). Where it is a picture, the body has been read by
//! then, no longer than the address allows ([`read`]). A file of people goes to the disk as it comes
//! ([`spool`]).

use std::fs::File;
use std::future::ready;
use std::io::Write as _;

use actix_multipart::{Field, Multipart};
use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::web::{self, Bytes, Payload};
use actix_web::{FromRequest as _, HttpMessage as _, HttpRequest};
use futures_util::TryStreamExt as _;
use futures_util::stream;

use super::extract;
use crate::pictures::LONGEST;
use crate::protocol::params::Params;

/// The longest body of a form with a picture, in bytes. A picture that is somewhat too long still gets an
/// answer that says so.
pub(super) const LONGEST_FORM: usize = 2 * LONGEST;
/// The most fields of such a form.
const MOST_FIELDS: usize = 16;
/// The longest text in a field, in bytes.
const LONGEST_TEXT: usize = 4_096;
/// What is around a file in its form, at most, in bytes.
const AROUND: u64 = 64 * 1024;
/// Bytes that go to the disk at once.
const PIECE: usize = 256 * 1024;
/// The most characters of the name of a file that are kept.
const LONGEST_NAME: usize = 100;

/// What a form with a file brought.
#[derive(Debug, Default)]
pub(super) struct Upload {
    pub fields: Params,
    /// Empty when none was chosen, and when it is `spooled`.
    pub file: Vec<u8>,
    pub spooled: Option<Spooled>,
}

/// A file that went to the disk as it came.
#[derive(Debug)]
pub(super) struct Spooled {
    /// Behind its end.
    pub file: File,
    /// In bytes.
    pub length: u64,
    /// What it was called where it came from; empty when none was chosen.
    pub name: String,
}

/// The body is no form, or one that no page of ours sends.
#[derive(Debug)]
pub(super) struct Unreadable;

/// Why a form whose file goes to the disk was not taken.
#[derive(Debug)]
pub(super) enum Refusal {
    Unreadable,
    /// The fields before the file are not those of a form of ours.
    Forged,
    TooLong,
    /// The disk does not take it.
    NoRoom(std::io::Error),
}

impl From<Unreadable> for Refusal {
    fn from(_: Unreadable) -> Self {
        Self::Unreadable
    }
}

/// What a form whose file goes to the disk is held to.
pub(super) struct Terms<'a> {
    /// The longest file, in bytes.
    pub most: u64,
    /// Whether the fields before the file are those of a form of ours: nothing else gets to the disk.
    pub is_ours: &'a dyn Fn(&Params) -> bool,
    /// A new file to write to.
    pub room: &'a dyn Fn() -> std::io::Result<File>,
}

/// Whether a body is a form that carries files. A compressed one is none.
pub(super) fn is_upload(request: &HttpRequest) -> bool {
    !request.headers().contains_key(header::CONTENT_ENCODING)
        && request.content_type().eq_ignore_ascii_case("multipart/form-data")
}

/// Reads a form with a file, or one without.
pub(super) async fn read(request: &HttpRequest, body: &Bytes) -> Result<Upload, Unreadable> {
    if extract::is_form(request) {
        return plain(request, body);
    }
    if !is_upload(request) {
        return Err(Unreadable);
    }
    let body = stream::once(ready(Ok::<_, PayloadError>(body.clone())));
    parts(Multipart::new(request.headers(), body)).await
}

/// A form without a file.
pub(super) fn plain(request: &HttpRequest, body: &Bytes) -> Result<Upload, Unreadable> {
    let fields = extract::form(request, body).map_err(|_| Unreadable)?;
    Ok(Upload { fields, ..Upload::default() })
}

async fn parts(mut parts: Multipart) -> Result<Upload, Unreadable> {
    let (mut texts, mut file) = (Texts::default(), None);
    while let Some(mut part) = parts.try_next().await.map_err(|_| Unreadable)? {
        if !is_file(&part) {
            texts.add(part).await?;
            continue;
        }
        let mut content = Vec::new();
        while let Some(chunk) = part.try_next().await.map_err(|_| Unreadable)? {
            content.extend_from_slice(&chunk);
        }
        // Two files where one was asked for mean nothing.
        if file.replace(content).is_some() {
            return Err(Unreadable);
        }
    }
    Ok(Upload { fields: texts.fields(), file: file.unwrap_or_default(), spooled: None })
}

fn is_file(part: &Field) -> bool {
    part.content_disposition().is_some_and(|of| of.get_filename().is_some())
}

/// The fields of a form that are no files.
#[derive(Default)]
struct Texts(Vec<(String, String)>);

impl Texts {
    async fn add(&mut self, mut part: Field) -> Result<(), Unreadable> {
        let name = part.name().unwrap_or_default().to_owned();
        let mut content = Vec::new();
        while let Some(chunk) = part.try_next().await.map_err(|_| Unreadable)? {
            content.extend_from_slice(&chunk);
            if content.len() > LONGEST_TEXT {
                return Err(Unreadable);
            }
        }
        if self.0.len() >= MOST_FIELDS {
            return Err(Unreadable);
        }
        self.0.push((name, String::from_utf8(content).map_err(|_| Unreadable)?));
        Ok(())
    }

    fn fields(&self) -> Params {
        Params::from_pairs(self.0.iter().map(|(name, text)| (name.as_str(), text.as_str())))
    }
}

/// Reads a form whose file goes to the disk as it comes, or one without a file.
pub(super) async fn spool(
    request: &HttpRequest,
    payload: Payload,
    terms: &Terms<'_>,
) -> Result<Upload, Refusal> {
    if extract::is_form(request) {
        let body = Bytes::from_request(request, &mut payload.into_inner()).await;
        return Ok(plain(request, &body.map_err(|_| Refusal::TooLong)?)?);
    }
    let said = request.headers().get(header::CONTENT_LENGTH).and_then(|said| said.to_str().ok());
    let said = said.and_then(|said| said.parse::<u64>().ok());
    if said.is_some_and(|said| said > terms.most.saturating_add(AROUND)) {
        return Err(Refusal::TooLong);
    }
    let mut parts = Multipart::new(request.headers(), payload);
    let (mut texts, mut spooled) = (Texts::default(), None);
    while let Some(part) = parts.try_next().await.map_err(|_| Refusal::Unreadable)? {
        if !is_file(&part) {
            texts.add(part).await?;
        } else if spooled.is_some() {
            return Err(Refusal::Unreadable);
        } else if (terms.is_ours)(&texts.fields()) {
            spooled = Some(to_disk(part, terms).await?);
        } else {
            return Err(Refusal::Forged);
        }
    }
    Ok(Upload { fields: texts.fields(), file: Vec::new(), spooled })
}

async fn to_disk(mut part: Field, terms: &Terms<'_>) -> Result<Spooled, Refusal> {
    let name = name_of(&part);
    let file = (terms.room)().map_err(Refusal::NoRoom)?;
    let mut sheet = Sheet { file, piece: Vec::with_capacity(PIECE) };
    let mut length = 0_u64;
    while let Some(chunk) = part.try_next().await.map_err(|_| Refusal::Unreadable)? {
        length = length.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        if length > terms.most {
            return Err(Refusal::TooLong);
        }
        sheet.piece.extend_from_slice(&chunk);
        if sheet.piece.len() >= PIECE {
            sheet = sheet.written().await.map_err(Refusal::NoRoom)?;
        }
    }
    let sheet = sheet.written().await.map_err(Refusal::NoRoom)?;
    Ok(Spooled { file: sheet.file, length, name })
}

/// What a file was called, without where it was.
fn name_of(part: &Field) -> String {
    let name = part.content_disposition().and_then(|of| of.get_filename()).unwrap_or_default();
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    name.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect()
}

/// A file, and what comes next in it.
struct Sheet {
    file: File,
    piece: Vec<u8>,
}

impl Sheet {
    /// Writes what is there, off the threads that answer.
    async fn written(mut self) -> std::io::Result<Self> {
        let written = web::block(move || {
            self.file.write_all(&self.piece)?;
            self.piece.clear();
            Ok(self)
        });
        written.await.map_err(std::io::Error::other)?
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    const KIND: (&str, &str) = ("content-type", "multipart/form-data; boundary=x");

    async fn read_as(kind: (&str, &str), body: &'static str) -> Result<Upload, Unreadable> {
        let request = TestRequest::default().insert_header(kind).to_http_request();
        read(&request, &Bytes::from_static(body.as_bytes())).await
    }

    #[actix_web::test]
    async fn fields_and_the_file_are_told_apart() {
        let body = "--x\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\nabc\r\n\
             --x\r\nContent-Disposition: form-data; name=\"picture\"; filename=\"a.png\"\r\n\
             Content-Type: image/png\r\n\r\nPNG\r\n--x--\r\n";
        let upload = read_as(KIND, body).await.unwrap();
        assert_eq!(upload.fields.sole("csrf"), Some("abc"));
        assert_eq!(upload.file, b"PNG");
        let plain = ("content-type", "application/x-www-form-urlencoded");
        let upload = read_as(plain, "csrf=abc").await.unwrap();
        assert_eq!((upload.fields.sole("csrf"), upload.file.len()), (Some("abc"), 0));
    }

    #[actix_web::test]
    async fn what_no_page_of_ours_sends_is_unreadable() {
        let file = "--x\r\nContent-Disposition: form-data; name=\"p\"; filename=\"a\"\r\n\r\n1\r\n";
        let twice: &'static str = Box::leak(format!("{file}{file}--x--\r\n").into_boxed_str());
        for body in
            [twice, "", "--x\r\n", "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1"]
        {
            assert!(read_as(KIND, body).await.is_err(), "{body:?}");
        }
        assert!(read_as(("content-type", "application/json"), "{}").await.is_err());
    }
}
