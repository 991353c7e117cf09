//! A few fixed answers over HTTP, to test the driver without Doorward.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

/// Path (without query) → content security policy and HTML. Anything else is an empty 404.
pub type Pages = &'static [(&'static str, &'static str, &'static str)];

/// Serves the pages for the rest of the test process; gives the address. `{echo}` in a page is
/// replaced with what was posted to it.
pub fn serve(pages: Pages) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
    let address = listener.local_addr().expect("its address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Browsers open connections they may never use: one thread for each.
            std::thread::spawn(move || answer(stream, pages));
        }
    });
    format!("http://{address}")
}

fn answer(mut stream: TcpStream, pages: Pages) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut posted = vec![0; length];
    reader.read_exact(&mut posted)?;
    let path = first.split([' ', '?']).nth(1).unwrap_or_default();
    let found = pages.iter().find(|(known, ..)| *known == path);
    let (status, policy, html) =
        found.map_or(("404 Not Found", "", ""), |(_, policy, html)| ("200 OK", *policy, *html));
    let body = html.replace("{echo}", &String::from_utf8_lossy(&posted));
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\n\
         Content-Security-Policy: {policy}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}
