//! Imports of people from a file, with the command line and in the console, and what they counted.

use std::fmt::Write as _;
use std::process::Output;
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use crate::kit::console::Admin;
use crate::support::browser_like::{Browser, Page};
use crate::support::process::wait_until_async;
use crate::support::world::World;

pub fn import(world: &World, arguments: &[&str]) -> Output {
    world.run(&[&["--format", "json", "user", "import"], arguments].concat())
}

/// How many people were created, updated, skipped and rejected, if the import ended with this code.
#[track_caller]
pub fn figures(output: &Output, code: i32) -> [i64; 4] {
    let said = counted(output, code);
    ["created", "updated", "skipped", "rejected"].map(|name| said[name].as_i64().expect(name))
}

/// Everything that an import counted, if it ended with this code.
#[track_caller]
pub fn counted(output: &Output, code: i32) -> Value {
    let messages = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{messages}");
    serde_json::from_slice(&output.stdout).expect("one document")
}

/// Where the form of the console posts to.
pub const START: &str = "/admin/users/import/start";
/// The page about the newest import.
pub const NEWEST: &str = "/admin/users/import/newest";

/// Sends a file with its name as the form of the console does, with these fields.
pub async fn send(admin: &Admin, file: (&str, &[u8]), fields: &[(&str, &str)]) -> Page {
    let csrf = admin.csrf().await;
    send_with(&admin.browser, file, &[&[("csrf", csrf.as_str())], fields].concat()).await
}

/// The same with these fields alone.
pub async fn send_with(
    browser: &Browser,
    (name, content): (&str, &[u8]),
    fields: &[(&str, &str)],
) -> Page {
    let mut body = String::new();
    for (field, value) in fields {
        write!(
            body,
            "--edge\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n"
        )
        .expect("text");
    }
    write!(
        body,
        "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    )
    .expect("text");
    let body = [body.as_bytes(), content, b"\r\n--edge--\r\n"].concat();
    let request = browser.request(Method::POST, &browser.resolve(START)).body(body);
    let request = request.header("Content-Type", "multipart/form-data; boundary=edge");
    browser.send(request.header("Sec-Fetch-Site", "same-origin")).await
}

/// Whether the page says that it goes on: without scripts, it is shown anew then.
pub fn is_running(page: &Page) -> bool {
    page.body.contains("http-equiv=\"refresh\"")
}

/// The page about the newest import, when it is through.
pub async fn ended(admin: &Admin) -> Page {
    wait_until_async("the import being through", Duration::from_mins(2), async || {
        !is_running(&admin.page(NEWEST).await)
    })
    .await;
    admin.page(NEWEST).await
}

/// How many lines the page says were read, and people added, changed, left as they were, and left out.
#[track_caller]
pub fn shown(page: &Page) -> [i64; 5] {
    let numbers = page.texts("dl.facts dd");
    let number = |text: &String| {
        let text = text.split(',').next().expect("text").trim();
        text.parse().unwrap_or_else(|_| panic!("no number: {text}"))
    };
    let numbers: Vec<i64> = numbers.iter().map(number).collect();
    numbers.try_into().unwrap_or_else(|_| panic!("other figures: {}", page.describe()))
}
