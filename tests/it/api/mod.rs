//! The REST API for administrators' programs.
//!
//! | module | what it proves |
//! |---|---|
//! | `access` | keys and tokens: what opens the API, what does not, and what ends it |
//! | `document` | the OpenAPI document is true, as schemathesis sees it, too, for each kind of caller |
//! | `limits` | strict bodies and queries, paging, conditions, what is carried out once |
//! | `outside` | two secrets of an app, members that are null, trusted issuers, webhooks |
//! | `registration_tokens` | tokens with which apps register, and the end of an app's registration access |
//! | `resources` | people, groups, apps, sessions and keys from end to end, with the same audit events |
//! | `rights` | every address with each role, a service and each scope, as the document says it |
//! | `roles` | roles of apps, and who has them |
//! | `work` | messages that wait, API keys, messages sent again, figures and previews |
//! | `upstream` | upstream providers from end to end, with the same audit events as commands leave |

mod access;
mod document;
mod limits;
mod outside;
mod registration_tokens;
mod resources;
mod rights;
mod roles;
mod upstream;
mod work;
