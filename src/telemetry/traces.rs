//! Traces for an OpenTelemetry collector, sent by OTLP over HTTP.
//!
//! Nothing is traced until `OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`
//! names a collector; the other `OTEL_` variables mean what the OpenTelemetry specification says.
//! A span holds routes, statement texts and outcomes, never a path, a value or a secret.

use std::collections::HashMap;
use std::sync::OnceLock;

use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The target of every span that is exported, and of nothing else.
pub const TARGET: &str = "doorward::trace";

/// The header in which W3C Trace Context names a trace, and where in it the sender is.
pub const TRACE_PARENT: &str = "traceparent";

/// Where the standard looks for the collector's address.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// Whether this process tells a collector what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Export {
    /// If the environment names one: the server.
    IfConfigured,
    /// In no case: commands.
    Never,
}

/// The tracer, where a collector is configured. The error is a sentence.
pub(super) fn tracer(export: Export) -> Result<Option<SdkTracer>, String> {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let disabled =
        std::env::var("OTEL_SDK_DISABLED").is_ok_and(|value| value.eq_ignore_ascii_case("true"));
    if export == Export::Never || disabled || !ENDPOINTS.iter().any(|name| set(name)) {
        return Ok(None);
    }
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .build()
        .map_err(|error| format!("traces cannot be exported: {error}"))?;
    let resource = Resource::builder();
    let resource =
        if set("OTEL_SERVICE_NAME") { resource } else { resource.with_service_name("doorward") };
    let provider =
        SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource.build());
    let provider = PROVIDER.get_or_init(|| provider.build());
    Ok(Some(provider.tracer("doorward")))
}

/// Sends what has not been sent yet; at most five seconds. Called when the process ends.
pub fn finish() {
    if let Some(provider) = PROVIDER.get()
        && let Err(error) = provider.shutdown()
    {
        tracing::warn!(error = %error, "the last traces were not exported");
    }
}

/// Whether there is anybody to tell. Each layer of the log decides for itself what it writes, so a
/// span that no layer wants is made all the same, at a tenth of the cost of a short request.
fn is_exporting() -> bool {
    PROVIDER.get().is_some()
}

/// The span of one HTTP request, by the semantic conventions for HTTP servers. `parent` holds the
/// `traceparent` of a caller that is trusted to name one (W3C Trace Context).
#[must_use]
pub fn request(method: &str, parent: Option<&str>) -> Span {
    if !is_exporting() {
        return Span::none();
    }
    let span = tracing::info_span!(
        target: TARGET,
        "request",
        otel.kind = "server",
        otel.status_code = tracing::field::Empty,
        "http.request.method" = method,
        "http.route" = tracing::field::Empty,
        "http.response.status_code" = tracing::field::Empty,
        "doorward.request_id" = tracing::field::Empty,
    );
    if let (false, Some(parent)) = (span.is_disabled(), parent) {
        // A parent that cannot be read is no parent; the span begins a trace of its own.
        let _ = span.set_parent(caller(parent));
    }
    span
}

/// The id of the trace that a request belongs to: that of its span or, where nothing is exported, the one
/// that a trusted caller names in `traceparent`. Call it before the span is entered.
#[must_use]
pub fn trace_id(span: &Span, parent: Option<&str>) -> Option<String> {
    let context = if span.is_disabled() { caller(parent?) } else { span.context() };
    let context = context.span().span_context().clone();
    context.is_valid().then(|| context.trace_id().to_string())
}

/// Where a caller is in its trace; nowhere, if what it says cannot be read.
fn caller(parent: &str) -> Context {
    let carrier = HashMap::from([(TRACE_PARENT.to_owned(), parent.to_owned())]);
    TraceContextPropagator::new().extract(&carrier)
}

/// The `traceparent` for a request to another server that is sent now; `None` where nothing is exported,
/// outside every span, and in a trace that is not sampled. It holds two random ids and nothing else.
#[must_use]
pub fn outgoing() -> Option<String> {
    if !is_exporting() {
        return None;
    }
    let context = Context::current();
    if !context.span().span_context().is_sampled() {
        return None;
    }
    let mut carrier: HashMap<String, String> = HashMap::new();
    TraceContextPropagator::new().inject_context(&context, &mut carrier);
    carrier.remove(TRACE_PARENT)
}

/// The span of one question to a database: the text of a statement or the name of a command, which
/// hold no values (semantic conventions for database clients).
#[must_use]
pub fn statement(system: &'static str, text: &str) -> Span {
    if !is_exporting() {
        return Span::none();
    }
    tracing::info_span!(
        target: TARGET,
        "statement",
        otel.kind = "client",
        otel.name = text.split_whitespace().next().unwrap_or(system),
        "db.system.name" = system,
        "db.query.text" = text,
    )
}

/// The span of a part of the work that takes long by itself.
#[must_use]
pub fn part(name: &'static str) -> Span {
    if !is_exporting() {
        return Span::none();
    }
    tracing::info_span!(target: TARGET, "part", otel.name = name)
}

/// What became of a request.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    pub method: &'a str,
    /// The route's pattern.
    pub route: &'a str,
    pub status: u16,
    pub request_id: &'a str,
    /// The trace it belongs to, if there is one.
    pub trace_id: Option<&'a str>,
}

/// Completes the span of a request.
pub fn answered(span: &Span, answer: &Answer<'_>) {
    if span.is_disabled() {
        return;
    }
    span.record("http.route", answer.route);
    span.record("http.response.status_code", answer.status);
    span.record("doorward.request_id", answer.request_id);
    if answer.status >= 500 {
        span.record("otel.status_code", "ERROR");
    }
    let context = span.context();
    let exported = context.span();
    // The route is known only now, and the name of a span that has begun is changed here alone.
    exported.update_name(format!("{} {}", answer.method, answer.route));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_nothing_is_exported_the_trace_is_that_of_the_caller() {
        let id = "0af7651916cd43dd8448eb211c80319c";
        for flags in ["00", "01"] {
            let parent = format!("00-{id}-b7ad6b7169203331-{flags}");
            assert_eq!(trace_id(&Span::none(), Some(&parent)).as_deref(), Some(id));
        }
        let nothing = format!("00-{}-b7ad6b7169203331-01", "0".repeat(32));
        for wrong in ["", "nonsense", &nothing] {
            assert_eq!(trace_id(&Span::none(), Some(wrong)), None, "{wrong}");
        }
        assert_eq!(trace_id(&Span::none(), None), None);
        assert_eq!(outgoing(), None);
    }
}
