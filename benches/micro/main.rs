//! Microbenchmarks of the parts that compute and touch nothing: `cargo bench --bench micro`.
//!
//! | group | what |
//! |---|---|
//! | `protocol` | an authorization request, the decision what comes next, redirects, scopes, claims |
//! | `sign`, `verify` | tokens for each algorithm, beside what the crypto library needs by itself |
//! | `encrypt`, `decrypt`, `foreign` | encrypted tokens; what others have signed |
//! | `seal` | the sealed request, form tokens, secrets |
//! | `pages` | the pages of a sign-in |

#![allow(
    clippy::expect_used,
    clippy::missing_docs_in_private_items,
    reason = "a benchmark may end where a request may not"
)]

mod encryption;
mod pages;
mod protocol;
mod seal;
mod tokens;

use std::time::Duration;

use criterion::Criterion;

fn main() {
    // Half of criterion's usual times: the differences that matter here are large.
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    protocol::all(&mut criterion);
    tokens::all(&mut criterion);
    encryption::all(&mut criterion);
    seal::all(&mut criterion);
    pages::all(&mut criterion);
    criterion.final_summary();
}
