//! Request bodies that are answered before they end.
//!
//! The connection goes on reading a chunked body whose reader is gone, however long it gets, to find
//! the next request behind it: a body without end would keep it busy without end. While the reader
//! exists, the connection stops reading, and closes after the answer. So the body of such a request
//! is kept until its answer has been written. Bodies with a length need none of this.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::HttpMessage;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::web::Bytes;
use futures_util::Stream;

/// The body of a request, shared between its reader and us.
#[derive(Clone)]
pub(super) struct Shared(Rc<RefCell<Payload>>);

/// Keeps the body of a request if it is one that could have no end.
pub(super) fn keep(request: &mut ServiceRequest) -> Option<Shared> {
    if !request.headers().contains_key(header::TRANSFER_ENCODING) {
        return None;
    }
    let shared = Shared(Rc::new(RefCell::new(request.take_payload())));
    request.set_payload(Payload::Stream { payload: Box::pin(shared.clone()) });
    Some(shared)
}

/// The answer, which lets go of the request's body when it has been written.
pub(super) fn until_answered(
    body: Option<Shared>,
    response: ServiceResponse<BoxBody>,
) -> ServiceResponse<BoxBody> {
    match body {
        None => response,
        body => response.map_body(|_, answer| kept_by(body, answer)),
    }
}

/// The same for the body of an answer.
pub(super) fn kept_by(body: Option<Shared>, answer: BoxBody) -> BoxBody {
    match body {
        None => answer,
        Some(request) => Keeping { answer, _request: request }.boxed(),
    }
}

impl Stream for Shared {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_next(context)
    }
}

/// An answer's body that holds the request's.
struct Keeping {
    answer: BoxBody,
    _request: Shared,
}

impl MessageBody for Keeping {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.answer.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.answer).poll_next(context)
    }
}
