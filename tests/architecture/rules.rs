//! The rules, as two tables and five functions. Each breach says where, and which rule.

use super::source::{Named, Source};

/// The most lines a file may have.
pub const MOST_LINES: usize = 500;

/// Every dependency with one home: the crate, and the beginnings of the paths that may name it.
pub const HOMES: &[(&str, &[&str])] = &[
    ("actix_web", &["src/http", "src/demo"]),
    ("actix_tls", &["src/http"]),
    ("askama", &["src/http/pages", "src/mail", "src/demo"]),
    ("rust_embed", &["src/http", "src/demo", "src/snippets"]),
    ("sqlx", &["src/store"]),
    ("sqlx_macros", &["src/store"]),
    ("redis", &["src/store/ephemeral/redis"]),
    ("jsonwebtoken", &["src/crypto"]),
    ("aws_lc_rs", &["src/crypto"]),
    ("x509_parser", &["src/crypto/certificate"]),
    ("rustls", &["src/http", "src/outbound", "src/crypto/certificate", "src/cli/serve"]),
    ("argon2", &["src/crypto/password"]),
    ("bcrypt", &["src/crypto/password/foreign.rs"]),
    ("scrypt", &["src/crypto/password/foreign.rs"]),
    ("sha_crypt", &["src/crypto/password/foreign.rs"]),
    ("rand", &["src/crypto/secret.rs"]),
    ("reqwest", &["src/outbound", "src/demo", "src/cli/healthcheck.rs"]),
    ("lettre", &["src/mail"]),
    ("openidconnect", &["src/demo"]),
    ("chrono", &["src/demo"]),
    ("config", &["src/config"]),
    ("clap", &["src/cli", "src/main.rs"]),
    ("clap_complete", &["src/cli"]),
    ("clap_mangen", &["src/cli/man.rs"]),
    ("rpassword", &["src/cli"]),
    ("indicatif", &["src/cli"]),
    ("sd_notify", &["src/cli/service_manager.rs"]),
    ("tar", &["src/service/backup"]),
    ("tempfile", &["src/cli", "src/service/backup", "src/app/exchange.rs", "src/mail/folder.rs"]),
    ("toml", &["src/cli/apply.rs", "src/snippets/app.rs", "src/snippets/tests.rs"]),
    ("csv", &["src/service/people/import/lines.rs", "src/service/audit/sheet.rs"]),
    ("opentelemetry", &["src/telemetry/traces.rs"]),
    ("opentelemetry_sdk", &["src/telemetry/traces.rs"]),
    ("opentelemetry_otlp", &["src/telemetry/traces.rs"]),
    ("tracing_opentelemetry", &["src/telemetry"]),
    ("image", &["src/pictures.rs"]),
    ("actix_multipart", &["src/http/upload.rs"]),
    ("woothee", &["src/origin/device.rs"]),
    ("maxminddb", &["src/origin/place.rs"]),
    ("rustix", &["src/service/doctor/disk.rs"]),
];

/// The floors of the house. A module may use its own floor and those below.
pub const FLOORS: &[(&str, u8)] = &[
    ("clock", 0),
    ("protocol", 1),
    ("store", 2),
    ("crypto", 2),
    ("config", 2),
    ("origin", 2),
    ("outbound", 2),
    ("mail", 2),
    ("telemetry", 2),
    ("snippets", 2),
    ("pictures", 2),
    ("app", 3),
    ("service", 4),
    ("http", 5),
    ("demo", 6),
    ("cli", 7),
    ("main", 8),
];

/// Words that `protocol/` may not contain.
const IMPURE: &[&str] =
    &["async", "await", "Clock", "SystemTime", "Instant", "OffsetDateTime", "rand", "tokio"];

/// What ends the process instead of answering.
const PANICS: &[&str] =
    &[".unwrap()", ".expect(", "panic!", "todo!", "unimplemented!", "unreachable!", "dbg!"];

/// Everything this file does against the rules, one line each.
pub fn breaches(source: &Source) -> Vec<String> {
    let mut found = too_long(source);
    if source.path.starts_with("src/") {
        let paths = source.paths();
        found.extend(crates_away_from_home(source, &paths));
        found.extend(upward_imports(source, &paths));
        found.extend(impure_protocol(source));
        found.extend(panics(source));
    }
    found
}

fn breach(source: &Source, line: usize, rule: &str) -> String {
    format!("{}:{line}: {rule}", source.path)
}

fn too_long(source: &Source) -> Vec<String> {
    let count = source.line_count;
    let rule = format!("a file has at most {MOST_LINES} lines; this one has {count}: split it");
    let long = (count > MOST_LINES).then(|| breach(source, MOST_LINES + 1, &rule));
    long.into_iter().collect()
}

fn crates_away_from_home(source: &Source, paths: &[Named]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, homes) in HOMES {
        let at_home = homes.iter().any(|home| source.path.starts_with(home));
        // A module of the same name in the same file wins over the crate.
        if at_home || source.declares_module(name) {
            continue;
        }
        for path in
            paths.iter().filter(|path| path.segments.first().is_some_and(|first| first == name))
        {
            let homes = homes.join(", ");
            let rule = format!("`{name}` has its home in {homes}; use what is offered there");
            found.push(breach(source, path.line, &rule));
        }
    }
    found
}

fn upward_imports(source: &Source, paths: &[Named]) -> Vec<String> {
    let own = module_path(&source.path);
    let Some(own_name) = own.first() else { return Vec::new() };
    let Some(own_floor) = floor(own_name) else {
        let rule = "a new module of the crate needs its floor in tests/architecture/rules.rs";
        return vec![breach(source, 1, rule)];
    };
    let mut found = Vec::new();
    for path in paths {
        let Some(target) = module_of_crate(&own, &path.segments) else { continue };
        if let Some(target_floor) = floor(&target).filter(|floor| *floor > own_floor) {
            let rule = format!(
                "`{own_name}` (floor {own_floor}) may not use `{target}` (floor {target_floor}): \
                 imports go down the house, never up"
            );
            found.push(breach(source, path.line, &rule));
        }
    }
    found
}

fn impure_protocol(source: &Source) -> Vec<String> {
    if !source.path.starts_with("src/protocol") {
        return Vec::new();
    }
    let rule =
        |word: &str| format!("protocol is pure: no `{word}`; time and secrets come as arguments");
    each_hit(source, IMPURE, Source::lines_with_word, rule)
}

fn panics(source: &Source) -> Vec<String> {
    let rule = |text: &str| format!("`{text}` ends the request: answer with an error instead");
    each_hit(source, PANICS, Source::lines_with, rule)
}

/// One breach for each line on which `find` finds one of the texts.
fn each_hit(
    source: &Source,
    texts: &[&str],
    find: impl Fn(&Source, &str) -> Vec<usize>,
    rule: impl Fn(&str) -> String,
) -> Vec<String> {
    let lines =
        texts.iter().flat_map(|text| find(source, text).into_iter().map(move |l| (l, text)));
    lines.map(|(line, text)| breach(source, line, &rule(text))).collect()
}

fn floor(module: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor)
}

/// `src/store/db/mod.rs` → `store, db`; `src/lib.rs` → nothing: the root names all its modules.
fn module_path(path: &str) -> Vec<String> {
    let inner = path.strip_prefix("src/").unwrap_or(path).trim_end_matches(".rs");
    let mut parts: Vec<String> = inner.split('/').map(ToOwned::to_owned).collect();
    if matches!(parts.last().map(String::as_str), Some("mod" | "lib")) {
        parts.pop();
    }
    parts
}

/// The top module that a path leads to, if it stays in this crate.
fn module_of_crate(own: &[String], segments: &[String]) -> Option<String> {
    match segments[0].as_str() {
        "crate" | "doorward" => segments.get(1).cloned(),
        "super" => {
            let ups = segments.iter().take_while(|segment| *segment == "super").count();
            let above = own.len().checked_sub(ups)?;
            if above == 0 { segments.get(ups).cloned() } else { own.first().cloned() }
        }
        _ => None,
    }
}
