//! Apps: how they prove who they are, and how they come to be known.
//!
//! | module | what it proves |
//! |---|---|
//! | `access` | only people in the groups that an app names get anything by it |
//! | `client_auth` | who may ask for what, and where it is sent |
//! | `conformance_dynamic` | the OpenID certification plans, module by module |
//! | `registration`, `conformance_registration` | apps register and look after themselves |
//! | `registration_attacks` | hostile URLs, words and statements of apps |
//! | `registration_care` | what administrators do about such apps stays done; which are removed |
//! | `metadata_documents` | apps whose id is the URL of a document |
//! | `document_clients` | such apps push requests and let devices in |
//! | `pairwise` | every sector knows a person by a name of its own |
//! | `client_assertion`, `client_jwks_uri` | private_key_jwt: good once, from the right key, wherever that is published |
//! | `client_certificate` | tls_client_auth and self_signed_tls_client_auth: by TLS and by a proxy's header |
//! | `same_id` | an app that is made with the id of a deleted one begins with nothing of it |
//! | `organisations` | for which organisation somebody acts, and that nothing is left when they have left it |
//! | `outbound_guard` | addresses that apps supply: what is reached, and what is given up on |

mod access;
mod client_assertion;
mod client_auth;
mod client_certificate;
mod client_jwks_uri;
mod conformance_dynamic;
mod conformance_registration;
mod document_clients;
mod metadata_documents;
mod organisations;
mod outbound_guard;
mod pairwise;
mod registration;
mod registration_attacks;
mod registration_care;
mod same_id;
