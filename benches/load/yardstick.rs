//! What no identity provider can beat: an HTTP server that does nothing, and signatures and hashes
//! with nothing around them. Both run as a process of their own on the server's core, since this
//! file's program starts itself again with other arguments.

use std::collections::HashMap;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use actix_web::{App, HttpResponse, HttpServer, web};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};

use crate::support::process::free_port;

const SERVE: &str = "--yardstick-serve";
const COMPUTE: &str = "--yardstick-compute";

/// Microseconds of processor time for one signature or hash, by name.
pub(crate) type Computed = HashMap<String, f64>;

/// Runs as a yardstick if that is what this process was started for.
pub(crate) fn ran() -> bool {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some(SERVE) => {
            let port = arguments.next().and_then(|port| port.parse().ok()).expect("a port");
            serve(port).expect("the bare server runs");
        }
        Some(COMPUTE) => compute(),
        _ => return false,
    }
    true
}

/// The bare server, running until dropped.
pub(crate) struct BareServer {
    child: Child,
    pub(crate) port: u16,
}

impl BareServer {
    /// Starts it where this thread runs.
    pub(crate) fn start() -> Self {
        let port = free_port();
        let child = itself(&[SERVE, &port.to_string()]).spawn().expect("start the bare server");
        let server = Self { child, port };
        let start = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(start.elapsed() < Duration::from_secs(10), "the bare server did not come up");
            std::thread::sleep(Duration::from_millis(5));
        }
        server
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for BareServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Signs and hashes for a second where this thread runs.
pub(crate) fn measure() -> Computed {
    let output = itself(&[COMPUTE]).stdout(Stdio::piped()).output().expect("run the yardstick");
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("yardstick: {error}: {text}"))
}

fn itself(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("the path of this program"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn serve(port: u16) -> std::io::Result<()> {
    actix_web::rt::System::new().block_on(async {
        let bodies = || {
            App::new().route(
                "/{length}",
                web::get().to(async |length: web::Path<usize>| {
                    HttpResponse::Ok().content_type("application/json").body(body(*length))
                }),
            )
        };
        HttpServer::new(bodies).workers(1).bind(("127.0.0.1", port))?.run().await
    })
}

/// Bytes made once, as a server that does nothing else would hold them.
fn body(length: usize) -> web::Bytes {
    static ALL: [u8; 16 * 1024] = [b'x'; 16 * 1024];
    web::Bytes::from_static(ALL.get(..length).unwrap_or(&ALL))
}

fn compute() {
    // As long as an access token with its header, before the signature.
    let message = [b'x'; 700];
    let random = SystemRandom::new();
    let mut found = Computed::new();
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
    let mut signature = vec![0; rsa.public_modulus_len()];
    found.insert(
        "RS256".into(),
        micros(|| {
            rsa.sign(&RSA_PKCS1_SHA256, &random, &message, &mut signature).expect("a signature");
        }),
    );
    let p256 = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
    found.insert(
        "ES256".into(),
        micros(|| {
            p256.sign(&random, &message).expect("a signature");
        }),
    );
    let ed25519 = Ed25519KeyPair::generate().expect("a key");
    found.insert(
        "EdDSA".into(),
        micros(|| {
            std::hint::black_box(ed25519.sign(&message));
        }),
    );
    let params = Params::new(19 * 1024, 2, 1, Some(32)).expect("parameters");
    let mut blocks = vec![Block::default(); params.block_count()];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    found.insert(
        "argon2id".into(),
        micros(|| {
            let mut out = [0; 32];
            argon2
                .hash_password_into_with_memory(
                    b"password",
                    b"sixteen bytes of",
                    &mut out,
                    &mut blocks,
                )
                .expect("a hash");
        }),
    );
    println!("{}", serde_json::to_string(&found).expect("JSON"));
}

/// Processor time of one call, over about a quarter of a second.
fn micros(mut call: impl FnMut()) -> f64 {
    call();
    let (started, before) = (Instant::now(), thread_cpu());
    let mut calls = 0_u32;
    while started.elapsed() < Duration::from_millis(250) {
        call();
        calls += 1;
    }
    thread_cpu().saturating_sub(before).as_secs_f64() * 1e6 / f64::from(calls)
}

/// Time this thread spent on a processor, in nanoseconds (proc(5), `schedstat`).
fn thread_cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("a /proc");
    let first = text.split_whitespace().next().and_then(|field| field.parse().ok());
    Duration::from_nanos(first.expect("a number"))
}
