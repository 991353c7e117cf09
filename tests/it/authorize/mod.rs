//! The authorization request: who may ask for what, how it may be asked, and where the answer goes.
//!
//! | module | what it proves |
//! |---|---|
//! | `requests`, `redirect_uri`, `pkce` | who may ask for what, and where it is sent |
//! | `conformance_basic`, `conformance_parameters`, `form_post` | the OpenID certification plans, module by module |
//! | `claims_parameter`, `assurance` | claims by name; how strong a sign-in has to be |
//! | `resources`, `rich_requests` | tokens for one API only; authorization details |
//! | `request_objects`, `request_object_attacks`, `par` | requests as signed objects, and pushed ones |
//! | `jarm` | authorization responses as signed JWTs |
//! | `consent` | a click on Allow counts for the list that was shown |
//! | `encrypted_requests` | request objects only Doorward can read, and answers only the client can |
//! | `refusals` | what an app got wrong is found by the request id, and nobody fills the audit log with it |
//! | `relying_party` | the openidconnect crate as an independent client |
//! | `hostile_apps` | apps with names that are meant to harm, in browsers and terminals |

mod assurance;
mod claims_parameter;
mod conformance_basic;
mod conformance_parameters;
mod consent;
mod encrypted_requests;
mod form_post;
mod hostile_apps;
pub(crate) mod jarm;
mod par;
mod pkce;
mod redirect_uri;
mod refusals;
mod relying_party;
mod request_object_attacks;
mod request_objects;
mod requests;
mod resources;
mod rich_requests;
