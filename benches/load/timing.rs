//! Whether the time of a refused sign-in tells why it was refused: every class in turn, many times,
//! and each pair of classes compared. `--timing` runs this and nothing else.

use std::time::Instant;

use doorward::store::{DatabaseSettings, Store};

use crate::cores::{Cores, Role};
use crate::http::{Connection, Request};
use crate::options::Options;
use crate::support::backends::Backend;
use crate::support::world::World;

const RIGHT: &str = "vQ7mZ2kLr9TxW4pB";
const WRONG: &str = "vQ7mZ2kLr9TxW4pC";

/// Of each class.
const SAMPLES: usize = 300;
/// Accounts of each class: one may fail a hundred times before it has to wait.
const ACCOUNTS: usize = 4;

/// The bound on the difference of two medians, and on the chance that two classes are one.
const LEAST_BOUND_MS: f64 = 2.0;
const BOUND_SHARE: f64 = 0.05;
const LEAST_P: f64 = 0.01;

/// A reason to be refused: its name, the beginning of its accounts' names, what is typed.
struct Class {
    name: &'static str,
    account: &'static str,
    password: &'static str,
}

const CLASSES: [Class; 6] = [
    Class { name: "known, wrong password", account: "known", password: WRONG },
    Class { name: "unknown", account: "nobod", password: WRONG },
    Class { name: "disabled, wrong password", account: "disab", password: WRONG },
    Class { name: "disabled, right password", account: "barre", password: RIGHT },
    Class { name: "without a password", account: "nopas", password: WRONG },
    Class { name: "known, empty password", account: "empty", password: "" },
];

/// Takes the samples and prints the comparison.
///
/// # Errors
/// When an answer is not the refusal it should be.
pub(crate) async fn run(options: &Options, cores: &Cores) -> Result<(), String> {
    cores.go(Role::Stores);
    let backend = if options.production { Backend::Production } else { Backend::Embedded };
    let mut builder = World::builder(backend)
        .env("DOORWARD_SERVER__WORKERS", "1")
        .env("DOORWARD_PASSWORD__THREADS", "1")
        .env("DOORWARD_LIMITS__LOGIN_FREE_FAILURES", "100")
        .env("DOORWARD_LIMITS__LOGIN_HOURLY_FAILURES", "10000")
        .env("DOORWARD_LIMITS__ADDRESS_FREE_FAILURES", "100000");
    for (name, value) in &options.environment {
        builder = builder.env(name, value);
    }
    let mut world = builder.prepare().await;
    cores.go(Role::Server);
    world.start_server().await;
    cores.go(Role::Driver);
    make_accounts(&world).await;
    let samples = sample(&world).await?;
    print(&samples);
    Ok(())
}

async fn make_accounts(world: &World) {
    for class in CLASSES.iter().filter(|class| class.account != "nobod") {
        for number in 0..ACCOUNTS {
            let name = format!("{}{number}", class.account);
            let email = format!("{name}@example.test");
            let arguments = ["user", "create", "--username", &name, "--email", &email];
            world.cli_with_input(&[&arguments[..], &["--password-file", "-"]].concat(), RIGHT);
            if matches!(class.account, "disab" | "barre") {
                world.cli(&["user", "disable", &name]);
            }
        }
    }
    let store = Store::connect(&DatabaseSettings::new(world.database_url())).await;
    let store = store.expect("the database");
    let forget = "delete from passwords where user_id in \
                  (select id from users where username like 'nopas%')";
    store.db.query(forget).execute().await.expect("accounts without a password");
    store.db.close().await;
}

/// Milliseconds of each class, the classes in turn and each round starting with another one.
async fn sample(world: &World) -> Result<Vec<Vec<f64>>, String> {
    let mut connection = Connection::open(world.port).await.map_err(|error| error.to_string())?;
    let page =
        Request { port: world.port, method: "GET", path: "/login", headers: &[], body: None };
    let page = page.write();
    let page = connection.exchange(&page).await.map_err(|error| error.to_string())?;
    let parts = (page.hidden("flow"), page.hidden("csrf"), page.cookie("doorward_browser"));
    let (Some(flow), Some(csrf), Some(cookie)) = parts else { return Err("no form".into()) };
    let form = format!("flow={flow}&csrf={csrf}");
    let headers = [("cookie", cookie.to_owned()), ("sec-fetch-site", "same-origin".to_owned())];
    let headers = [(headers[0].0, headers[0].1.as_str()), (headers[1].0, headers[1].1.as_str())];
    let mut samples = vec![Vec::with_capacity(SAMPLES); CLASSES.len()];
    // The first round warms up.
    for round in 0..=SAMPLES {
        for turn in 0..CLASSES.len() {
            let number = (round + turn) % CLASSES.len();
            let (class, account) = (&CLASSES[number], round % ACCOUNTS);
            let (name, password) = (class.account, class.password);
            let body = format!("{form}&username={name}{account}&password={password}");
            let request = Request {
                port: world.port,
                method: "POST",
                path: "/login",
                headers: &headers,
                body: Some(&body),
            };
            let request = request.write();
            let started = Instant::now();
            let answer = connection.exchange(&request).await.map_err(|error| error.to_string())?;
            let took = started.elapsed();
            if answer.status != 401 {
                return Err(format!("{}: {} {}", class.name, answer.status, answer.body));
            }
            if round > 0 {
                samples[number].push(took.as_secs_f64() * 1e3);
            }
        }
    }
    Ok(samples)
}

fn print(samples: &[Vec<f64>]) {
    println!("Refused sign-ins, {SAMPLES} of each class in turn\n");
    println!("{:<28}{:>10}{:>10}", "class", "median ms", "p90 ms");
    for (class, times) in CLASSES.iter().zip(samples) {
        let (middle, late) = (percentile(times, 0.5), percentile(times, 0.9));
        println!("{:<28}{middle:>10.2}{late:>10.2}", class.name);
    }
    println!("\n{:<56}{:>8}{:>9}{:>8}", "pair", "Δ ms", "bound", "p");
    let mut met = true;
    for (first, one) in samples.iter().enumerate() {
        for (second, other) in samples.iter().enumerate().skip(first + 1) {
            let (a, b) = (percentile(one, 0.5), percentile(other, 0.5));
            let bound = LEAST_BOUND_MS.max(BOUND_SHARE * a.min(b));
            let p = mann_whitney(one, other);
            let holds = (a - b).abs() <= bound && p > LEAST_P;
            met &= holds;
            let pair = format!("{} – {}", CLASSES[first].name, CLASSES[second].name);
            let mark = if holds { "met" } else { "missed" };
            println!("{pair:<56}{:>8.2}{bound:>9.2}{p:>8.3} {mark}", (a - b).abs());
        }
    }
    let verdict = if met { "every pair is within" } else { "not every pair is within" };
    println!(
        "\n{verdict} the bound: Δ of medians at most max({LEAST_BOUND_MS} ms, 5 %), p above {LEAST_P}"
    );
}

fn percentile(times: &[f64], share: f64) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "few samples"
    )]
    let place = ((sorted.len() - 1) as f64 * share).round() as usize;
    sorted[place]
}

/// The two-sided p-value of the Mann-Whitney U test: how likely a difference like this one is if
/// both come from the same distribution. By the normal approximation, which hundreds of samples
/// allow; ties do not occur in times of this resolution.
#[expect(clippy::cast_precision_loss, reason = "few samples")]
fn mann_whitney(one: &[f64], other: &[f64]) -> f64 {
    let mut all: Vec<(f64, bool)> = one.iter().map(|time| (*time, true)).collect();
    all.extend(other.iter().map(|time| (*time, false)));
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let ranks = all.iter().zip(1..).filter(|((_, of_one), _)| *of_one);
    let sum: f64 = ranks.map(|(_, rank)| f64::from(rank)).sum();
    let (n, m) = (one.len() as f64, other.len() as f64);
    let u = sum - n * (n + 1.0) / 2.0;
    let z = (u - n * m / 2.0).abs() / (n * m * (n + m + 1.0) / 12.0).sqrt();
    2.0 * upper_tail(z)
}

/// The chance of a standard normal value above `z` ≥ 0 (Abramowitz and Stegun 26.2.17, error below
/// 10⁻⁷).
fn upper_tail(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z);
    let terms = [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let sum = terms.iter().rev().fold(0.0, |sum, term| (sum + term) * t);
    (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt() * sum
}
