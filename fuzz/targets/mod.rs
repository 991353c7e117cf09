//! What each fuzz target checks. The libFuzzer binaries in `fuzz_targets/` and the bounded run in
//! `tests/fuzz_smoke.rs` include this module, so that both check the same things.
//!
//! A target takes any bytes, must not panic in code under test, and asserts what has to hold for
//! every input, judged by other code than the one under test wherever there is some.

pub mod basic_header;
pub mod claim_pattern;
pub mod claims_request;
pub mod client_assertion;
pub mod client_certificate;
pub mod client_metadata;
pub mod dpop_proof;
pub mod form_parameters;
pub mod gateway_request;
pub mod jwe;
pub mod jwk_set;
pub mod jwt;
pub mod metadata_document;
pub mod redirect_uri;
pub mod request_object;
pub mod sealed_flow;
pub mod url_guard;
pub mod user_code;

/// What a target does with one input.
pub type Check = fn(&[u8]);

/// Every target with its name, which is also the folder of its seeds.
pub const ALL: [(&str, Check); 18] = [
    ("basic_header", basic_header::check),
    ("claim_pattern", claim_pattern::check),
    ("claims_request", claims_request::check),
    ("client_assertion", client_assertion::check),
    ("client_certificate", client_certificate::check),
    ("client_metadata", client_metadata::check),
    ("dpop_proof", dpop_proof::check),
    ("form_parameters", form_parameters::check),
    ("gateway_request", gateway_request::check),
    ("jwe", jwe::check),
    ("jwk_set", jwk_set::check),
    ("jwt", jwt::check),
    ("metadata_document", metadata_document::check),
    ("redirect_uri", redirect_uri::check),
    ("request_object", request_object::check),
    ("sealed_flow", sealed_flow::check),
    ("url_guard", url_guard::check),
    ("user_code", user_code::check),
];
