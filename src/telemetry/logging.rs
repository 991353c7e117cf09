//! The log, on standard error: text on a terminal, one JSON object per line elsewhere. In JSON the
//! fields of the surrounding spans (such as `request_id`) stand beside those of the event, so that
//! a line can be read, and searched, alone.

use std::fmt;
use std::io::IsTerminal as _;
use std::sync::OnceLock;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, JsonFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormattedFields, MakeWriter};
use tracing_subscriber::layer::{Filter, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Scope};
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::left_out::{LeftOut, TextFields};
use super::traces::{self, Export};
use crate::config::{LogFormat, LogLevel, LogSettings};

/// Libraries whose everyday messages would drown ours.
const QUIET_LIBRARIES: &str = "sqlx=warn,hyper=warn,h2=warn,rustls=warn,actix_server=warn,mio=warn";

/// Sets the level of this process's log, once that has been started.
type SetLevel = Box<dyn Fn(LogLevel) -> Result<(), reload::Error> + Send + Sync>;
static SET_LEVEL: OnceLock<SetLevel> = OnceLock::new();

/// Starts the log for the whole process, and traces where a collector is configured.
///
/// # Errors
/// A sentence, when the collector's address cannot be used.
pub fn init(settings: &LogSettings, export: Export) -> Result<(), String> {
    let spans = traces::tracer(export)?.map(|tracer| {
        let layer = tracing_opentelemetry::layer().with_tracer(tracer);
        let layer = layer.with_location(false).with_threads(false).with_tracked_inactivity(false);
        layer.with_filter(Targets::new().with_target(traces::TARGET, tracing::Level::INFO))
    });
    let (level, handle) = reload::Layer::new(filter(settings.level));
    let log = layer(settings, std::io::stderr, level);
    let subscriber = tracing_subscriber::registry().with(spans).with(log);
    // A second subscriber exists only where a test has installed its own.
    if subscriber.try_init().is_ok() {
        let _ = SET_LEVEL.set(Box::new(move |level| handle.reload(filter(level))));
    }
    Ok(())
}

/// Writes messages from this level on, from now on.
///
/// # Errors
/// A sentence, when that is not possible; the level stays as it is.
pub fn set_level(level: LogLevel) -> Result<(), String> {
    let Some(set) = SET_LEVEL.get() else { return Ok(()) };
    set(level).map_err(|error| format!("log.level: {error}"))
}

/// What [`init`] installs for the log, writing to any writer; tests use it with a buffer.
pub fn subscriber<W>(settings: &LogSettings, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::registry().with(layer(settings, writer, filter(settings.level)))
}

fn layer<S, W, F>(settings: &LogSettings, writer: W, level: F) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    F: Filter<S> + Send + Sync + 'static,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let terminal = std::io::stderr().is_terminal();
    let json = match settings.format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !terminal,
    };
    let left_out = LeftOut::new(&settings.exclude_fields);
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    if json {
        let layer = layer.fmt_fields(JsonFields::new()).event_format(JsonLines(left_out));
        layer.with_filter(level).boxed()
    } else {
        let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        layer.with_ansi(colour).fmt_fields(TextFields(left_out)).with_filter(level).boxed()
    }
}

fn filter(level: LogLevel) -> EnvFilter {
    let quiet = matches!(level, LogLevel::Info | LogLevel::Debug);
    let libraries = if quiet { QUIET_LIBRARIES } else { "" };
    // Spans for a collector are no part of the log.
    EnvFilter::new(format!("{},{libraries},{}=off", level.as_str(), traces::TARGET))
}

/// One flat JSON object per event: `timestamp`, `level`, `target`, `message`, then the fields that are
/// not left out.
struct JsonLines(LeftOut);

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        let mut line = Map::new();
        for span in context.event_scope().into_iter().flat_map(Scope::from_root) {
            let extensions = span.extensions();
            let fields = extensions.get::<FormattedFields<N>>();
            let fields = fields.and_then(|text| serde_json::from_str(&text.fields).ok());
            line.extend(fields.unwrap_or_else(Map::new));
        }
        event.record(&mut Collector(&mut line));
        line.retain(|name, _| !self.0.holds(name));
        // Last, so that no field can pass itself off as one of these.
        let about = event.metadata();
        line.insert("timestamp".to_owned(), timestamp.into());
        line.insert("level".to_owned(), about.level().as_str().to_lowercase().into());
        line.insert("target".to_owned(), about.target().into());
        writeln!(writer, "{}", Value::Object(line))
    }
}

/// Collects the fields of an event as JSON values.
struct Collector<'a>(&'a mut Map<String, Value>);

impl Collector<'_> {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Collector<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::config::LogField;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(settings: &LogSettings, work: impl FnOnce()) -> String {
        let buffer = Buffer::default();
        let writer = buffer.clone();
        let subscriber = subscriber(settings, move || writer.clone());
        tracing::subscriber::with_default(subscriber, work);
        String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap()
    }

    fn settings(level: LogLevel, format: LogFormat) -> LogSettings {
        LogSettings { level, format, ..LogSettings::default() }
    }

    #[test]
    fn a_field_that_is_left_out_is_in_no_line_of_either_layout() {
        for format in [LogFormat::Json, LogFormat::Text] {
            let exclude_fields = vec![LogField::UserId, LogField::ClientId];
            let settings = LogSettings { level: LogLevel::Info, format, exclude_fields };
            let text = logged(&settings, || {
                let span = tracing::error_span!("request", request_id = "abcd1234", user_id = 4711);
                let _inside = span.enter();
                let name = "some-app";
                tracing::info!(client_id = %name, user_id = "alice", code = "known", "refused");
            });
            for gone in ["user_id", "4711", "alice", "client_id", "some-app"] {
                assert!(!text.contains(gone), "{format:?}: {gone} in {text}");
            }
            for kept in ["request_id", "abcd1234", "code", "known", "refused"] {
                assert!(text.contains(kept), "{format:?}: no {kept} in {text}");
            }
        }
    }

    #[test]
    fn a_json_line_carries_the_fields_of_its_spans_and_cannot_be_broken() {
        let text = logged(&settings(LogLevel::Info, LogFormat::Json), || {
            let span = tracing::info_span!("request", request_id = "abcd1234");
            let _inside = span.enter();
            tracing::info!(status = 200, level = "forged", client = "a\nb", "answered");
        });
        assert_eq!(text.lines().count(), 1, "{text}");
        let line: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["message"], "answered");
        assert_eq!(line["level"], "info");
        assert_eq!(line["request_id"], "abcd1234");
        assert_eq!(line["status"], 200);
        assert_eq!(line["client"], "a\nb");
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'), "{text}");
        assert!(line["target"].as_str().unwrap().starts_with("doorward::"), "{text}");
    }

    #[test]
    fn messages_below_the_level_are_not_written() {
        let text = logged(&settings(LogLevel::Warn, LogFormat::Text), || {
            tracing::info!("quiet");
            tracing::warn!("loud");
        });
        assert!(text.contains("loud") && !text.contains("quiet"), "{text}");
    }
}
