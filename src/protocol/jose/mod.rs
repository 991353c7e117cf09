//! JOSE as the protocol sees it: the algorithms in use, sets of keys, and strict reading of claims.

pub mod algorithms;
pub mod jwk_set;
pub mod jwt_claims;
pub mod strict_json;
