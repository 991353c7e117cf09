//! Tokens: how they are got, what they are worth, and what ends them.
//!
//! | module | what it proves |
//! |---|---|
//! | `claim_mappings` | claims of an app's own, and that no other app hears them |
//! | `code`, `refresh`, `client_credentials` | the grants: spent once, by their owner, in time |
//! | `deleted_meanwhile` | a client or person is deleted while a token is being made |
//! | `device` | a device without a browser: codes, page, polling, races |
//! | `device_taken_back` | an answer counts no more once its session has ended, or all of them |
//! | `token_exchange` | a service gets a token for the services behind it, and never more |
//! | `exchange_limits` | what an exchanged token can neither reach nor outlive |
//! | `jwt_bearer` | workloads and people vouched for by issuers outside |
//! | `userinfo`, `introspection`, `revocation` | tokens and sessions in use, and their end |
//! | `roles` | what people may be in an app, in every token and answer of that app alone |
//! | `discovery` | the OpenID certification plans, module by module |
//! | `dpop`, `dpop_attacks` | tokens bound to a key; every defect a proof can have |
//! | `protected_resources` | a server asks about the tokens for its resources, and nobody else does |
//! | `algorithms`, `encrypted` | each client's algorithms; signed and encrypted answers; the key set |
//! | `jwt_attacks` | forged and misused tokens, everywhere one is read |
//! | `races` | one code, one grant; one refresh token, one lineage, under fifty at once |
//! | `revocation_choice` | what each client chose about revoked access tokens, kept |
//! | `revocation_set` | whatever ends a lineage kills its tokens at once and for good |
//! | `keys`, `rotation` | keys rotate under load and are removed with all they signed |

mod algorithms;
mod claim_mappings;
mod client_credentials;
mod code;
mod deleted_meanwhile;
pub mod device;
mod device_taken_back;
mod discovery;
mod dpop;
mod dpop_attacks;
pub(crate) mod encrypted;
mod exchange_limits;
mod introspection;
mod jwt_attacks;
pub(crate) mod jwt_bearer;
mod keys;
mod protected_resources;
mod races;
mod refresh;
mod revocation;
mod revocation_choice;
mod revocation_set;
mod roles;
mod rotation;
mod token_exchange;
mod userinfo;

pub(crate) use device::living_room;
