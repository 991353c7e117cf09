//! The program as it runs: starts, changes, failures, floods and nonsense.
//!
//! | module | what it proves |
//! |---|---|
//! | `machinery` | the support itself: servers start, crash, restore and vanish; forms fill in |
//! | `floods` | what strangers can make the server do and keep |
//! | `audit_log` | events are found, exported and sealed; a hand in the database is noticed |
//! | `mail` | letters arrive, once, over TLS, whatever the mail server does |
//! | `malformed` | nonsense on every route; the first administrator |
//! | `methods` | HEAD is GET without the body; other methods are told what there is |
//! | `redis_faults` | Redis and PostgreSQL fail, forget and come back with old data |
//! | `crash` | the server is killed twenty times under load and loses nothing it acknowledged |
//! | `cli_changes` | what a command changes reaches a running server |
//! | `operations` | health, metrics, request ids, a clean log, an orderly stop, two nodes |
//! | `startup_errors` | every configuration mistake ends the start with one clear line |

mod audit_log;
mod cli_changes;
mod crash;
mod floods;
mod machinery;
mod mail;
mod malformed;
mod methods;
mod operations;
mod redis_faults;
mod startup_errors;
