//! How often each operation of which there are very many asks the database and Redis. One question more
//! fails here; the table is the one in docs/scaling.md, which is to say the same.
//!
//! What is counted are the spans of statements and commands below that of a request, so that what the
//! server does beside the requests does not count, nor how fast the machine is.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;

use crate::kit::collector::Collector;
use crate::kit::fixtures::ALICE;
use crate::kit::flow::{App, PATIENCE};
use crate::kit::gateway::{Question, WIKI, add_people, builder, visitor};
use crate::support::backends::Backend;
use crate::support::process::wait_until_async;

/// An operation, and how often it asks the database and Redis.
type Line = (&'static str, Cost);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Cost {
    sql: usize,
    redis: usize,
}

const fn cost(sql: usize, redis: usize) -> Cost {
    Cost { sql, redis }
}

const TABLE: [Line; 15] = [
    ("page of somebody signed in, cold", cost(0, 2)),
    ("page of somebody signed in, warm", cost(0, 0)),
    ("authorize, signed in, warm", cost(0, 1)),
    ("code redemption, with a refresh token", cost(5, 1)),
    ("code redemption, opaque access token", cost(5, 2)),
    ("refresh", cost(3, 1)),
    ("refresh, opaque access token", cost(3, 2)),
    ("introspection, JWT, the first time", cost(0, 1)),
    ("introspection, opaque, the first time", cost(0, 2)),
    ("introspection, again", cost(0, 0)),
    ("userinfo, cold", cost(1, 1)),
    ("userinfo, warm", cost(0, 0)),
    ("gateway check, new cookie", cost(2, 2)),
    ("gateway check, cold", cost(0, 2)),
    ("gateway check, warm", cost(0, 0)),
];

/// How often everybody does the same; what took least counts.
const ROUNDS: usize = 4;
/// How often something is repeated that is remembered for a moment: on the busiest machine two of so
/// many follow each other within that, and SQL is heard of in between.
const REPEATED: usize = 60;

/// What each request of this name cost, in the order in which they came.
async fn costs(collector: &Collector, name: &str, count: usize) -> Vec<Cost> {
    let named = || {
        let spans = collector.spans().into_iter();
        spans.filter(|span| span.name == name).collect::<Vec<_>>()
    };
    wait_until_async(name, PATIENCE, async || named().len() >= count).await;
    let mut requests = named();
    assert_eq!(requests.len(), count, "{name}");
    requests.sort_by_key(|span| span.start_time_unix_nano);
    // What is below a request ends before it and arrives before it.
    let mut below: BTreeMap<Vec<u8>, Cost> = BTreeMap::new();
    for span in collector.spans() {
        let cost = below.entry(span.trace_id.clone()).or_insert(cost(0, 0));
        match system(&span).as_deref() {
            Some("redis") => cost.redis += 1,
            Some(_) => cost.sql += 1,
            None => {}
        }
    }
    requests.iter().map(|span| below[&span.trace_id]).collect()
}

/// Which store a span asked, if it asked one.
fn system(span: &Span) -> Option<String> {
    let attribute = span.attributes.iter().find(|attribute| attribute.key == "db.system.name")?;
    match attribute.value.as_ref()?.value.as_ref()? {
        Value::StringValue(name) => Some(name.clone()),
        _ => None,
    }
}

on_both_backends! {
    async fn the_hot_operations_ask_the_stores_as_often_as_documented(backend: Backend) {
        let collector = Collector::start();
        let traced = collector.hears(builder(backend)).env("OTEL_BSP_SCHEDULE_DELAY", "50");
        let world = traced.start().await;
        add_people(&world);
        let app = App::register(&world, "app", &[]);
        let opaque = App::register(&world, "opaque", &["--revocation", "opaque"]);
        let (alice, cookie) = visitor(&world, &ALICE).await;
        let both = [&app, &opaque];
        // The first round reads the apps, as does one during which the server hears that they are new.
        let mut tokens = Vec::new();
        for _ in 0..ROUNDS {
            for app in both {
                let first = app.tokens(&alice).await;
                let next = app.refresh(&first.refresh).await.tokens();
                app.introspect(&next.access).await;
                tokens.push(next);
            }
        }
        let of_both = async |name, count: usize| {
            let costs = costs(&collector, name, 2 * ROUNDS * count).await;
            let least = |at: usize| {
                let rounds = costs.iter().skip(at).step_by(2 * count);
                rounds.min().copied().expect("one of them")
            };
            (0..2 * count).map(least).collect::<Vec<_>>()
        };
        let token = of_both("POST /oauth2/token", 2).await;
        let authorize = of_both("GET /oauth2/authorize", 1).await;
        let introspection = of_both("POST /oauth2/introspect", 1).await;
        for _ in 0..REPEATED {
            opaque.introspect(&tokens[1].access).await;
        }
        let again = costs(&collector, "POST /oauth2/introspect", 2 * ROUNDS + REPEATED).await;

        let verify = async || Question::about(&world, WIKI, "/").cookie(&cookie).status().await;
        for _ in 0..REPEATED {
            assert_eq!(verify().await, 200);
            app.userinfo(&tokens[0].access).await;
            alice.get("/").await;
        }
        // Whatever ends makes every process look again.
        for ended in tokens.iter().skip(2).step_by(2) {
            assert_eq!(app.revoke(&ended.refresh).await.status, 200);
            assert_eq!(verify().await, 200);
            app.userinfo(&tokens[0].access).await;
            alice.get("/").await;
        }
        let repeated = async |name| costs(&collector, name, REPEATED + ROUNDS - 1).await;
        let gateway = repeated("GET /gateway/verify").await;
        let userinfo = repeated("GET /oauth2/userinfo").await;
        let page = repeated("GET /").await;

        let least = |costs: &[Cost]| costs.iter().min().copied().expect("one of them");
        let measured = [
            least(&page[REPEATED..]),
            least(&page),
            least(&authorize),
            token[0],
            token[2],
            token[1],
            token[3],
            introspection[0],
            introspection[1],
            least(&again[2 * ROUNDS..]),
            least(&userinfo[REPEATED..]),
            least(&userinfo),
            gateway[0],
            least(&gateway[REPEATED..]),
            least(&gateway),
        ];
        let without_redis = |cost: Cost| match backend {
            Backend::Production => cost,
            Backend::Embedded => Cost { redis: 0, ..cost },
        };
        let expected = TABLE.map(|(name, cost)| (name, without_redis(cost)));
        let names = TABLE.map(|(name, _)| name);
        let measured: Vec<Line> = names.into_iter().zip(measured).collect();
        assert_eq!(measured, expected, "change the table here and in docs/scaling.md");
    }
}

#[test]
fn the_document_says_the_same() {
    let document = include_str!("../../../docs/scaling.md");
    for (name, Cost { sql, redis }) in TABLE {
        let line = format!("| {name} | {sql} | {redis} |");
        assert!(document.contains(&line), "docs/scaling.md has no line {line}");
    }
}
