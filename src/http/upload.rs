//! Forms that carry a file (`multipart/form-data`, RFC 7578). The body has been read by then, no longer
//! than the address allows.

use std::future::ready;

use actix_multipart::Multipart;
use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{HttpMessage as _, HttpRequest};
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

/// What a form with a file brought.
#[derive(Debug, Default)]
pub(super) struct Upload {
    pub fields: Params,
    /// Empty when none was chosen.
    pub file: Vec<u8>,
}

/// The body is no form, or one that no page of ours sends.
#[derive(Debug)]
pub(super) struct Unreadable;

/// Whether a body is a form that carries files. A compressed one is none.
pub(super) fn is_upload(request: &HttpRequest) -> bool {
    !request.headers().contains_key(header::CONTENT_ENCODING)
        && request.content_type().eq_ignore_ascii_case("multipart/form-data")
}

/// Reads a form with a file, or one without.
pub(super) async fn read(request: &HttpRequest, body: &Bytes) -> Result<Upload, Unreadable> {
    if extract::is_form(request) {
        let fields = extract::form(request, body).map_err(|_| Unreadable)?;
        return Ok(Upload { fields, file: Vec::new() });
    }
    if !is_upload(request) {
        return Err(Unreadable);
    }
    let body = stream::once(ready(Ok::<_, PayloadError>(body.clone())));
    parts(Multipart::new(request.headers(), body)).await
}

async fn parts(mut parts: Multipart) -> Result<Upload, Unreadable> {
    let (mut texts, mut file) = (Vec::new(), None);
    while let Some(mut part) = parts.try_next().await.map_err(|_| Unreadable)? {
        let name = part.name().unwrap_or_default().to_owned();
        let is_file = part.content_disposition().is_some_and(|of| of.get_filename().is_some());
        let mut content = Vec::new();
        while let Some(chunk) = part.try_next().await.map_err(|_| Unreadable)? {
            content.extend_from_slice(&chunk);
        }
        if is_file {
            // Two files where one was asked for mean nothing.
            if file.replace(content).is_some() {
                return Err(Unreadable);
            }
        } else if content.len() <= LONGEST_TEXT && texts.len() < MOST_FIELDS {
            texts.push((name, String::from_utf8(content).map_err(|_| Unreadable)?));
        } else {
            return Err(Unreadable);
        }
    }
    let texts = texts.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    Ok(Upload { fields: Params::from_pairs(texts), file: file.unwrap_or_default() })
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
