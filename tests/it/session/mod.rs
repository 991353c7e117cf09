//! Sessions of people: signing in, staying, choosing, leaving.
//!
//! | module | what it proves |
//! |---|---|
//! | `connections` | what stays signed in by itself is listed and ended one by one |
//! | `consent_withdrawal` | taking back what one has allowed, on the account page |
//! | `logout` | tokens and sessions in use, and their end |
//! | `accounts` | several people in one browser: added, chosen, named by an app, signed out |
//! | `notices`, `not_me` | sign-ins unlike those before: found, told, and disowned by a link |
//! | `sign_up`, `sign_up_attacks` | people make their own accounts (`prompt=create`) |
//! | `cross_site` | what pages of other sites post, frame and load signs nobody out |
//! | `login_form`, `csrf`, `headers`, `hostile_text` | the pages under attack |
//! | `first_start` | nonsense on every route; the first administrator |
//! | `session_life` | the session cookie: renewed, protected, limited, listed and ended |
//! | `backchannel_logout` | apps are told when a session ends, whatever fails meanwhile |
//! | `frontchannel_logout` | the browser loads the apps' sign-out pages; what sign-outs leave alone |
//! | `session_management` | apps notice another session; sign-ins that start here |

mod accounts;
mod backchannel_logout;
mod connections;
mod consent_withdrawal;
mod cross_site;
mod csrf;
mod first_start;
mod frontchannel_logout;
mod headers;
mod hostile_text;
mod login_form;
mod logout;
mod not_me;
mod notices;
mod session_life;
mod session_management;
mod sign_up;
mod sign_up_attacks;
