//! The web console for administrators.
//!
//! | module | what it proves |
//! |---|---|
//! | `pages` | every page and every change of the console, with plain forms |
//! | `issuers` | trusted issuers and encryption keys in the console |
//! | `rights` | each address with each role, operators and their betters, the last owner |
//! | `safety` | forged forms, links that change nothing, hostile words, sealed messages |

mod group_managers;
mod groups;
mod issuers;
mod pages;
mod rights;
mod safety;
