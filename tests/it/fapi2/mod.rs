//! The FAPI 2.0 plans, module by module.
//!
//! | module | what it proves |
//! |---|---|
//! | `flow`, `par`, `token`, `assertions`, `dpop` | the FAPI 2.0 Security Profile plan, module by module |
//! | `mtls` | the same with TLS certificates; tokens bound to them |
//! | `message_signing` | the FAPI 2.0 Message Signing plan, module by module |

mod assertions;
mod dpop;
mod flow;
mod message_signing;
mod mtls;
mod par;
mod token;
