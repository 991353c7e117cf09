//! What Doorward tells its operators: the log, the metrics, traces, and the request ids that join
//! them.
//! None of it ever carries a secret, a code, a token or a full query string.

pub mod activity;
mod labels;
mod left_out;
pub mod logging;
pub mod metrics;
mod process;
pub mod request_id;
pub mod traces;

pub use metrics::{HttpRequest, Metrics};
pub use request_id::request_id;
