//! Fields that the settings leave out of every line of the log (`log.exclude_fields`).

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use tracing::field::{Field, Visit};
use tracing_subscriber::field::{MakeVisitor, VisitFmt, VisitOutput};
use tracing_subscriber::fmt::format::{DefaultVisitor, Writer};

use crate::config::LogField;

/// Which fields no line holds, in whatever layout.
#[derive(Debug, Clone)]
pub(super) struct LeftOut(Arc<[LogField]>);

impl LeftOut {
    pub(super) fn new(fields: &[LogField]) -> Self {
        Self(fields.into())
    }

    /// Whether a field of this name is one of them.
    pub(super) fn holds(&self, name: &str) -> bool {
        self.0.iter().any(|field| field.as_str() == name)
    }
}

/// The fields of spans and events as text, without those that are left out.
#[derive(Debug)]
pub(super) struct TextFields(pub(super) LeftOut);

impl<'a> MakeVisitor<Writer<'a>> for TextFields {
    type Visitor = Sieve<'a>;

    fn make_visitor(&self, target: Writer<'a>) -> Self::Visitor {
        Sieve { written: DefaultVisitor::new(target, true), left_out: self.0.clone() }
    }
}

/// Hands on what is not left out. Numbers and all else come as [`Visit::record_debug`].
pub(super) struct Sieve<'a> {
    written: DefaultVisitor<'a>,
    left_out: LeftOut,
}

impl Visit for Sieve<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if !self.left_out.holds(field.name()) {
            self.written.record_str(field, value);
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        if !self.left_out.holds(field.name()) {
            self.written.record_error(field, value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if !self.left_out.holds(field.name()) {
            self.written.record_debug(field, value);
        }
    }
}

impl VisitOutput<fmt::Result> for Sieve<'_> {
    fn finish(self) -> fmt::Result {
        self.written.finish()
    }
}

impl VisitFmt for Sieve<'_> {
    fn writer(&mut self) -> &mut dyn fmt::Write {
        self.written.writer()
    }
}
