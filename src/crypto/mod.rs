//! Every cryptographic operation, and the only home of the crates that perform them: aws-lc-rs and
//! jsonwebtoken ([`keyring`], [`jose`], [`jwe`], [`foreign`], [`seal`]), argon2 ([`password`]) and rand ([`secret`]).
//!
//! Nothing here knows about people, clients or storage: values in, values out.

pub mod alias;
pub mod certificate;
pub mod chain;
pub mod digest;
pub mod encoding;
pub mod foreign;
pub mod heirloom;
pub mod jose;
pub mod jwe;
mod key_pair;
pub mod keyring;
pub mod password;
mod pool;
pub mod seal;
pub mod secret;
pub mod webhook;
