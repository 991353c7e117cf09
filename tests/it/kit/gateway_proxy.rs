//! Not tests: NGINX, HAProxy, Caddy, Traefik and Envoy with the configurations of docs/gateway, in front of
//! an app that says back what it was sent.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::kit::gateway::{add_people, settings};
use crate::support::backends::Backend;
use crate::support::process::{Guarded, START_LIMIT, Scratch, Signal, free_port, wait_until};
use crate::support::world::World;

/// An app behind a proxy. It answers every request with the head it got, as text.
pub struct EchoApp {
    pub port: u16,
    /// The first line of each request, and its host.
    requests: Arc<Mutex<Vec<String>>>,
}

impl EchoApp {
    fn start() -> Self {
        // Not one that the system hands out again and again: messages of other tests to a server that is
        // gone would arrive here.
        let port = free_port();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("a port");
        let requests = Arc::default();
        let seen = Arc::clone(&requests);
        // Ends with the process; nobody waits for it.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let seen = Arc::clone(&seen);
                std::thread::spawn(move || echo(stream, &format!(":{port}"), &seen));
            }
        });
        Self { port, requests }
    }

    /// How many requests got here so far.
    pub fn requests(&self) -> usize {
        self.seen().len()
    }

    /// Which ones.
    pub fn seen(&self) -> Vec<String> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Answers one request. Proxies ask for their own host; somebody who asks for the app's very port means
/// another server that was there once, and is not counted.
fn echo(mut stream: TcpStream, own_port: &str, seen: &Mutex<Vec<String>>) {
    let Some(head) = read_head(&mut stream) else { return };
    let first = head.lines().next().unwrap_or_default();
    let is_host = |line: &&str| line.to_lowercase().starts_with("host:");
    let host = head.lines().find(is_host).unwrap_or_default();
    if !host.trim_end().ends_with(own_port) {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push(format!("{first} ({host})"));
    }
    let length = head.len();
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{head}"
    );
    let _ = stream.write_all(answer.as_bytes());
}

/// Everything up to the blank line.
fn read_head(stream: &mut TcpStream) -> Option<String> {
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        (stream.read(&mut byte).ok()? == 1).then_some(())?;
        head.extend(byte);
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}

/// Which proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proxy {
    Nginx,
    Haproxy,
    Caddy,
    Traefik,
    Envoy,
}

impl Proxy {
    pub const ALL: [Self; 5] =
        [Self::Nginx, Self::Haproxy, Self::Caddy, Self::Traefik, Self::Envoy];

    /// Whether it can take one cookie out of a request.
    pub fn keeps_cookies(self) -> bool {
        self != Self::Traefik
    }
}

/// A proxy in front of its own app.
pub struct Front {
    pub proxy: Proxy,
    pub port: u16,
    pub app: EchoApp,
    // Ended before its directory goes.
    process: Guarded,
    dir: Scratch,
}

/// A Doorward with all proxies and an app behind each.
pub struct Fronts {
    pub world: World,
    pub all: Vec<Front>,
}

impl Fronts {
    /// Every app has the rules of `gateway::WIKI`.
    pub async fn start(backend: Backend) -> Self {
        let ports = Proxy::ALL.map(|_| free_port());
        let [wiki, staff, others @ ..] = ports.map(|port| format!("localhost:{port}"));
        // One set of rules for all.
        let text = settings(&wiki, &staff);
        let rules = text.split("rules = [\n").nth(1).and_then(|rest| rest.split("\n]").next());
        let one = "rules = [{ path = \"/staff\", allow = [\"group:staff\"] }]";
        let rules = format!("rules = [\n{}\n]", rules.expect("the rules"));
        let text = text.replace(one, &rules);
        let others = others.map(|host| format!("\n[[gateway.apps]]\nhost = \"{host}\"\n{rules}\n"));
        let text = format!("{text}{}", others.concat());
        let world = World::builder(backend).config_file(&text);
        // Every request has a line in the log then, with its id.
        let world = world.env("DOORWARD_LOG__LEVEL", "debug").start().await;
        add_people(&world);
        let start = |(proxy, port)| Front::start(proxy, &world, port);
        let all = Proxy::ALL.into_iter().zip(ports).map(start).collect();
        Self { world, all }
    }
}

impl Front {
    fn start(proxy: Proxy, world: &World, port: u16) -> Self {
        let (app, dir) = (EchoApp::start(), Scratch::new("proxy"));
        let mut command = match proxy {
            Proxy::Nginx => nginx(&dir, [port, world.port, app.port]),
            Proxy::Haproxy => haproxy(&dir, [port, world.port, app.port]),
            Proxy::Caddy => caddy(&dir, [port, world.port, app.port]),
            Proxy::Traefik => traefik(&dir, [port, world.port, app.port]),
            Proxy::Envoy => envoy(&dir, [port, world.port, app.port]),
        };
        let process = Guarded::start(&mut command, &dir.join("proxy.log"), Signal::Kill);
        let mut front = Self { proxy, port, app, process, dir };
        // Some listen before they have read what to do.
        wait_until(&format!("{proxy:?} passing something on"), START_LIMIT, || {
            assert!(front.process.ended().is_none(), "it ended: {}", front.describe());
            let is_there = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok();
            let open = "GET /public/ready HTTP/1.1\r\nConnection: close\r\n";
            is_there && front.send(&format!("{open}Host: localhost:{port}\r\n\r\n")) == 200
        });
        front
    }

    /// Where the app is.
    pub fn origin(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// What the proxy wrote.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("proxy.log")).unwrap_or_default()
    }

    /// Which proxy it is, what the app got, and the end of what the proxy wrote: for whoever reads why a
    /// test has failed.
    pub fn describe(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let end = lines[lines.len().saturating_sub(30)..].join("\n");
        format!("{:?} at {}; the app got {:#?}\n{end}", self.proxy, self.port, self.app.seen())
    }

    /// Sends these very bytes, as no browser would, and gives the status.
    pub fn send(&self, request: &str) -> u16 {
        let answer = self.exchange(request);
        answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
    }

    /// The same, and gives the whole answer. The request asks for the connection to be closed.
    pub fn exchange(&self, request: &str) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("the proxy");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a limit");
        stream.write_all(request.as_bytes()).expect("send the request");
        // Some are answered by closing the connection.
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }
}

/// A file of docs/gateway with these changes, each of which must be possible.
fn documented(file: &str, changes: &[(&str, &str)]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/gateway").join(file);
    let mut text = std::fs::read_to_string(path).expect("a documented configuration");
    for (from, to) in changes {
        assert!(text.contains(from), "{file} has no {from:?} any more");
        text = text.replace(from, to);
    }
    text
}

fn address(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

/// A server program, which may stand where only root looks.
fn program(name: &str) -> Command {
    let known = Path::new("/usr/sbin").join(name);
    if known.exists() { Command::new(known) } else { Command::new(name) }
}

fn nginx(dir: &Scratch, [port, doorward, app]: [u16; 3]) -> Command {
    let text = documented(
        "nginx.conf",
        &[
            ("listen 443 ssl;", &format!("listen {};", address(port))),
            (
                "listen 443 ssl default_server;",
                &format!("listen {} default_server;", address(port)),
            ),
            ("    ssl_certificate     /etc/ssl/wiki.example.com.pem;\n", ""),
            ("    ssl_certificate_key /etc/ssl/wiki.example.com.key;\n", ""),
            ("server_name wiki.example.com;", "server_name localhost;"),
            ("wiki.example.com;", &format!("localhost:{port};")),
            ("__Secure-doorward_gateway", "doorward_gateway"),
            ("127.0.0.1:8080", &address(doorward)),
            ("127.0.0.1:3000", &address(app)),
        ],
    );
    let at = dir.path().display();
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = temporary.map(|name| format!("    {name}_temp_path {at}/{name};\n")).concat();
    // One process, so that none outlives the test.
    let main = format!(
        "daemon off;\nmaster_process off;\npid {at}/nginx.pid;\nerror_log stderr warn;\n\
         events {{ worker_connections 256; }}\n\
         http {{\n    access_log off;\n{temporary}{text}\n}}\n"
    );
    std::fs::write(dir.join("nginx.conf"), main).expect("write the configuration");
    let mut command = program("nginx");
    command.arg("-e").arg("stderr").arg("-p").arg(dir.path()).arg("-c").arg(dir.join("nginx.conf"));
    command
}

fn haproxy(dir: &Scratch, [port, doorward, app]: [u16; 3]) -> Command {
    let lua = documented("doorward.lua", &[("__Secure-doorward_gateway", "doorward_gateway")]);
    std::fs::write(dir.join("doorward.lua"), lua).expect("write the script");
    let lua = dir.join("doorward.lua").display().to_string();
    let text = documented(
        "haproxy.cfg",
        &[
            (
                "bind :443 ssl crt /etc/haproxy/wiki.example.com.pem",
                &format!("bind {}", address(port)),
            ),
            ("-m str wiki.example.com", &format!("-m str localhost:{port}")),
            ("X-Forwarded-Host wiki.example.com", &format!("X-Forwarded-Host localhost:{port}")),
            ("/etc/haproxy/doorward.lua", &lua),
            ("127.0.0.1:8080", &address(doorward)),
            ("127.0.0.1:3000", &address(app)),
        ],
    );
    std::fs::write(dir.join("haproxy.cfg"), text).expect("write the configuration");
    let mut command = program("haproxy");
    command.arg("-db").arg("-f").arg(dir.join("haproxy.cfg"));
    command
}

fn caddy(dir: &Scratch, [port, doorward, app]: [u16; 3]) -> Command {
    let site = format!("http://localhost:{port} {{\n\tbind 127.0.0.1\n");
    let text = documented(
        "Caddyfile",
        &[
            ("wiki.example.com {\n", &site),
            ("__Secure-doorward_gateway", "doorward_gateway"),
            ("127.0.0.1:8080", &address(doorward)),
            ("127.0.0.1:3000", &address(app)),
        ],
    );
    let text = format!("{{\n\tadmin off\n\tauto_https off\n}}\n{text}");
    std::fs::write(dir.join("Caddyfile"), text).expect("write the configuration");
    let mut command = program("caddy");
    command.arg("run").arg("--adapter").arg("caddyfile").arg("--config").arg(dir.join("Caddyfile"));
    for name in ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
        command.env(name, dir.path());
    }
    command
}

/// A program from the environment of tests/proxies, which `scripts/test-setup` makes.
fn packaged(name: &str) -> Command {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/proxies/.venv/bin");
    let path = folder.join(name);
    assert!(path.exists(), "{} is not there: run scripts/test-setup", path.display());
    Command::new(path)
}

fn traefik(dir: &Scratch, [port, doorward, app]: [u16; 3]) -> Command {
    let text = documented(
        "traefik.yaml",
        &[
            ("Host(`wiki.example.com`)", "Host(`localhost`)"),
            ("      tls: {}\n", ""),
            ("127.0.0.1:8080", &address(doorward)),
            ("127.0.0.1:3000", &address(app)),
        ],
    );
    // Not traefik.yaml, which it would take for the settings of its own.
    std::fs::write(dir.join("apps.yaml"), text).expect("write the configuration");
    let mut command = packaged("traefik");
    command
        .arg(format!("--entrypoints.websecure.address={}", address(port)))
        .arg(format!("--providers.file.filename={}", dir.join("apps.yaml").display()))
        .args(["--providers.file.watch=false", "--log.level=INFO"])
        .args(["--global.checknewversion=false", "--global.sendanonymoususage=false"]);
    command
}

fn envoy(dir: &Scratch, [port, doorward, app]: [u16; 3]) -> Command {
    let text = documented(
        "envoy.yaml",
        &[
            ("{ address: 0.0.0.0, port_value: 443 }", &socket(port)),
            ("domains: [\"wiki.example.com\"]", &format!("domains: [\"localhost:{port}\"]")),
            ("__Secure-doorward_gateway", "doorward_gateway"),
            ("{ address: 127.0.0.1, port_value: 8080 }", &socket(doorward)),
            ("http://127.0.0.1:8080", &format!("http://{}", address(doorward))),
            ("{ address: 127.0.0.1, port_value: 3000 }", &socket(app)),
        ],
    );
    let (before, rest) = text.split_once("        - transport_socket:\n").expect("TLS");
    let (_, after) = rest.split_once("          filters:\n").expect("filters");
    let text = format!("{before}        - filters:\n{after}");
    std::fs::write(dir.join("envoy.yaml"), text).expect("write the configuration");
    let mut command = packaged("envoy");
    command.arg("-c").arg(dir.join("envoy.yaml"));
    command.args(["--disable-hot-restart", "--concurrency", "1", "--log-level", "warning"]);
    command
}

fn socket(port: u16) -> String {
    format!("{{ address: 127.0.0.1, port_value: {port} }}")
}
