//! The REST API's own use cases: who calls, the keys that administrators make for their programs, and
//! requests that must not be carried out twice. What the API then does are the use cases of the console.
//!
//! | module | job |
//! |---|---|
//! | `access` | who calls, with which scopes and which role |
//! | `ending` | keys that end with what they stood on |
//! | `keys` | making, listing and revoking API keys |
//! | `requests` | the same answer to the same `Idempotency-Key` |

pub mod access;
pub(in crate::service) mod ending;
pub mod keys;
pub mod requests;
