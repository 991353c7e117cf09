//! Answers that are no errors.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fault::Fault;
use crate::crypto::encoding::fingerprint;
use crate::service::failure::EndpointError;

/// What a handler answers.
pub(super) type Answer = Result<Reply, Fault>;

/// An answer that is no error.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Reply {
    status: u16,
    location: Option<String>,
    link: Option<String>,
    tag: Option<String>,
    body: Option<Value>,
}

impl Reply {
    /// Something to look at.
    pub(super) fn shown(body: impl Serialize) -> Answer {
        Self::with(StatusCode::OK, body)
    }

    /// Something that has just been made, and where it is.
    pub(super) fn created(body: impl Serialize, location: String) -> Answer {
        let reply = Self::with(StatusCode::CREATED, body)?;
        Ok(Self { location: Some(location), ..reply })
    }

    /// It is done, and there is nothing to say about it.
    #[expect(clippy::unnecessary_wraps, reason = "handlers end like this")]
    pub(super) fn done() -> Answer {
        let status = StatusCode::NO_CONTENT.as_u16();
        Ok(Self { status, location: None, link: None, tag: None, body: None })
    }

    fn with(status: StatusCode, body: impl Serialize) -> Answer {
        let body = serde_json::to_value(body).map_err(EndpointError::from);
        let body = body.map_err(Fault::Endpoint)?;
        Ok(Self {
            status: status.as_u16(),
            location: None,
            link: None,
            tag: None,
            body: Some(body),
        })
    }

    /// With its entity tag (RFC 9110 section 8.8.3), by which a change can say what it was made from.
    pub(super) fn tagged(self) -> Self {
        Self { tag: self.body.as_ref().map(tag_of), ..self }
    }

    /// With the address of the next page (RFC 8288).
    pub(super) fn linked(self, link: Option<String>) -> Self {
        Self { link, ..self }
    }

    pub(super) fn response(self) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let mut response = HttpResponse::build(status);
        let link = self.link.map(|next| format!("<{next}>; rel=\"next\""));
        let tag = self.tag.map(|tag| format!("\"{tag}\""));
        for (name, value) in
            [(header::LOCATION, self.location), (header::LINK, link), (header::ETAG, tag)]
        {
            if let Some(value) = value {
                response.insert_header((name, value));
            }
        }
        match self.body {
            Some(body) => response.json(body),
            None => response.finish(),
        }
    }
}

/// The tag of what is shown: another one whenever anything of it is different.
pub(super) fn tag_of(body: &Value) -> String {
    fingerprint(&body.to_string())
}

/// What every list answers.
pub(super) fn list_body(items: &[impl Serialize], next: Option<&str>) -> Value {
    serde_json::json!({ "items": items, "next": next })
}
