//! Not tests: people, apps and peers that the tests are made with.
//!
//! | module | what it holds |
//! |---|---|
//! | `fixtures`, `rp`, `answers`, `checks`, `forge` | people, clients, safe outcomes, forgeries |
//! | `audit` | what the audit log has |
//! | `race` | codes redeemed while somebody loses what they were given for |
//! | `grant` | devices, and the clients of the further grants |
//! | `dpop` | keys and proofs for the modules about DPoP |
//! | `fapi2` | a client under the FAPI 2.0 profile |
//! | `registration` | a Doorward that lets apps register themselves, and such apps |
//! | `document` | apps that a document describes |
//! | `request` | apps that sign or push their requests |
//! | `flow` | an app, people and a look into the database for the modules below |
//! | `cut` | a node that reaches its stores through proxies that can be broken |
//! | `node` | a node inside the test, with a clock of its own |
//! | `geoip` | a database that knows the place of this machine |
//! | `collector` | a collector of traces |
//! | `hooks` | an endpoint that is told what happens |
//! | `logout` | an app that is told of sign-outs |
//! | `smtp` | a mail server that takes letters, or does not |
//! | `declared` | files as `apply` takes them, and what it says of them |
//! | `imports` | imports of people, and what they counted |
//! | `gateway` | apps behind the gateway, and what a proxy asks |
//! | `gateway_proxy` | the five reverse proxies as documented, and an app that echoes |
//! | `session_data` | an app's program that keeps values beside sessions |
//! | `api` | programs that use the REST API |
//! | `pictures` | pictures, good and bad, and how they are uploaded |
//! | `console` | administrators, and what they make |
//! | `client_signer` | keys of apps and what apps sign |
//! | `upstream` | a provider elsewhere, and a Doorward that may ask it |
//! | `mtls` | a Doorward that asks for certificates, and clients that have some |

pub mod answers;
pub mod api;
pub mod audit;
pub mod checks;
pub mod client_signer;
pub mod collector;
pub mod console;
pub mod cut;
pub mod declared;
pub mod document;
pub mod dpop;
pub mod fapi2;
pub mod fixtures;
pub mod flow;
pub mod forge;
pub mod gateway;
pub mod gateway_proxy;
pub mod geoip;
pub mod grant;
pub mod hooks;
pub mod imports;
pub mod logout;
pub mod mtls;
pub mod node;
pub mod pictures;
pub mod race;
pub mod registration;
pub mod request;
pub mod rp;
pub mod session_data;
pub mod smtp;
pub mod upstream;
