//! The check for apps that speak no OpenID Connect.
//!
//! | module | what it proves |
//! |---|---|
//! | `verify`, `attacks` | who may pass, what the app is told; forged and ambiguous requests |
//! | `tokens` | access tokens at the gateway; the assertion for the app |
//! | `roles` | the roles people have in an app, as they are now |
//! | `organisations` | for which organisation they are there, as they have chosen |
//! | `end` | access ends with the session at once, on every node, whatever fails |
//! | `proxies` | both proxies for real: sign-in, lies, rules, spellings, and Doorward gone |

mod attacks;
mod end;
mod organisations;
mod proxies;
mod roles;
mod tokens;
mod verify;
