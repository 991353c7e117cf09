//! The web console for administrators.
//!
//! | module | what it proves |
//! |---|---|
//! | `pages` | every page and every change of the console, with plain forms |
//! | `issuers` | trusted issuers and encryption keys in the console |
//! | `imports` | a file of people sent with a form: what becomes of it, who may, interrupted and gone on |
//! | `organisations` | organisations by console, REST API and command line, which leave the same events |
//! | `overview` | charts and warnings, what waits to be sent, backups |
//! | `configuration` | every setting with where it comes from, the parts a server depends on, no secret |
//! | `get_started` | first steps that are done by what is there, and hidden on every node |
//! | `preview` | what an app would be told of somebody, and the claims of its own |
//! | `profiles` | what else is known of a person, by form, program and command, and who is told |
//! | `roles` | the roles of apps: made, given, taken, deleted; who may, and what is noted |
//! | `rights` | each address with each role, operators and their betters, the last owner |
//! | `lost_power` | rights are asked again in the transaction of a change |
//! | `outlived` | links and API keys end with the power they were made with |
//! | `mail` | test letters from each face, what the mail server says to them, and how many may leave |
//! | `many_sessions` | sessions by app and address, and signing out all that were found |
//! | `app_terms` | how an app proves who it is, and what its tokens are like, by form |
//! | `app_parts` | sign-outs, links, signatures and encryption of an app, by form |
//! | `person_apps` | what a person has allowed an app, taken back for them |
//! | `connections` | what somebody has let in that stays signed in by itself, seen and ended for them |
//! | `selected` | one change for several people, and taking changes back |
//! | `people_filters` | people by role, state and id, on each face |
//! | `sorting` | lists in the order of a column, page by page |
//! | `wizard` | adding an app step by step, its first sign-in, two secrets |
//! | `api_keys` | API keys in the console: made, used, seen, revoked |
//! | `registration_tokens` | tokens with which apps register, the registration access of one app; who may not |
//! | `step_up` | secrets, keys, power and backups ask for the password once more |
//! | `closing` | the console closes after a time without use, and after a longer one in any case |
//! | `deletion` | deleted accounts that can be brought back |
//! | `stale_forms` | forms that come after a change by somebody else undo nothing |
//! | `three_faces` | command line, REST API and console leave the same audit events |
//! | `safety` | forged forms, links that change nothing, hostile words, sealed messages |
//! | `told` | what the audit log says of changed and deleted apps and of changed issuers |
//! | `try_it` | a sign-in tried with Doorward's own app: the whole walk, and whose answer is taken |
//! | `upstream` | upstream providers in the console: added, tested, previewed, changed, removed |
//! | `webhooks` | webhooks in the console: added, tested, sent again, changed, removed |
//! | `weight` | every page within its budget of statements and bytes, however much there is |

mod api_keys;
mod app_parts;
mod app_terms;
mod closing;
mod configuration;
mod connections;
mod deletion;
mod get_started;
mod group_managers;
mod groups;
mod imports;
mod issuers;
mod lost_power;
mod mail;
mod many_sessions;
mod organisations;
mod outlived;
mod overview;
mod pages;
mod people_filters;
mod person_apps;
mod preview;
mod profiles;
mod registration_tokens;
mod rights;
mod roles;
mod safety;
mod selected;
mod sorting;
mod stale_forms;
mod step_up;
mod three_faces;
mod told;
mod try_it;
mod upstream;
mod webhooks;
mod weight;
mod wizard;
