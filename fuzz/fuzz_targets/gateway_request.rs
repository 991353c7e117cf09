//! libFuzzer binary of `targets::gateway_request`.

#![no_main]
#![allow(dead_code, reason = "every binary includes all targets and runs its own")]

#[path = "../targets/mod.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::gateway_request::check(data));
