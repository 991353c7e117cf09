//! The REST API's own tables.
//!
//! | module | job |
//! |---|---|
//! | `keys` | the keys of administrators' programs |
//! | `requests` | requests that must not be carried out twice |

pub mod keys;
pub mod requests;
