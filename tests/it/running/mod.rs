//! The program as it runs: starts, changes, failures, floods and nonsense.
//!
//! | module | what it proves |
//! |---|---|
//! | `machinery` | the support itself: servers start, crash, restore and vanish; forms fill in |
//! | `floods` | what strangers can make the server do and keep |
//! | `audit_log` | events are found, exported and sealed; a hand in the database is noticed |
//! | `mail` | letters arrive, once, over TLS, whatever the mail server does |
//! | `malformed`, `routes` | nonsense on every route, and that it is every one |
//! | `nonsense` | thousands of random requests on every route |
//! | `methods` | HEAD is GET without the body; other methods are told what there is |
//! | `finality` | an acknowledged end is over at every node, whatever it remembers |
//! | `redis_faults` | Redis and PostgreSQL fail, forget and come back with old data |
//! | `revocation_copy` | the copy of what was revoked gets complete, stays so, or is not believed |
//! | `path_issuer` | an issuer with a path has everything below it, and no page leads out |
//! | `outages` | Redis is full, a store is slow, a node cannot reach one of them |
//! | `while_away` | what works while a store is away, row by row of what the operators' page promises |
//! | `webhooks` | endpoints hear of what they asked for, signed, once it is true, until it has arrived |
//! | `two_faults` | one node cannot reach PostgreSQL, another one cannot reach Redis |
//! | `topologies` | Redis behind sentinels and as a cluster, each with real failures |
//! | `surroundings` | clocks that differ or jump, a disk with no room left |
//! | `set_clocks` | a clock set ahead by mistake has nothing deleted for good |
//! | `fetched_logos` | logos that apps name themselves, asked for only if a setting says so |
//! | `logos` | logos of the installation and of apps, decoded, kept and served |
//! | `logs` | what the lines of a request say of it, and what is left out of them |
//! | `settings` | settings that change while servers run, on every node; name, colour, links |
//! | `settings_effects` | what is set while a server runs does what it says |
//! | `rate_limits` | rate limits that change while servers run |
//! | `shared_limits` | guesses are counted for all nodes together |
//! | `soak` | days of use leave nothing behind, in no table and in no fast store |
//! | `crash` | the server is killed twenty times under load and loses nothing it acknowledged |
//! | `backups` | backup, restore and copy, killed in the middle, damaged, and from one kind of database to the other |
//! | `bootstrap` | the first start makes the owner and the apps that its environment names, once |
//! | `first_nodes` | four nodes start at once on an empty database, and none complains |
//! | `declared` | people, groups and apps as a file says, written, carried out and pruned |
//! | `declared_endpoints` | webhooks and trusted issuers as a file says, their secrets told once |
//! | `declared_organisations` | organisations as a file says, and who is in them |
//! | `declared_people` | very many people as a file says: what they cost, who cannot be, and what a kill leaves |
//! | `declared_upstream` | upstream providers as a file says, their secrets in files of their own |
//! | `doctor` | what works, what is worth a look, and what does not work |
//! | `import_care` | what an import vouches for, loses or gives up: nothing that it should not |
//! | `imports` | many people from a file, interrupted and resumed, with passwords from elsewhere |
//! | `keycloak` | a realm from Keycloak: people with their passwords, apps with their secrets, and what is left out |
//! | `lost_commits` | a database that has lost its last commits, and what ends after that |
//! | `lock_order` | thirty-four who change the same rows at once, and never wait in a circle |
//! | `costs` | how often each hot operation asks the database and Redis |
//! | `cli_changes` | what a command changes reaches a running server |
//! | `command_line` | what all commands have in common: exit codes, formats, where they find their configuration |
//! | `master_key` | the master key is exchanged, and everything works on |
//! | `meanwhile` | what others change while a file of people is compared and carried out stays |
//! | `monitoring` | dashboard, alert rules and documents speak of metrics that are exported |
//! | `reload` | SIGHUP: certificates and some settings change without a restart |
//! | `operations` | health, metrics, request ids, a clean log, an orderly stop, two nodes |
//! | `service_manager` | systemd hears when it is ready, alive and stopping |
//! | `tls` | what TLS itself lets in, where Doorward ends it |
//! | `startup_errors` | every configuration mistake ends the start with one clear line |
//! | `traces` | spans reach an OpenTelemetry collector, whole and without secrets |

mod audit_log;
mod backups;
mod bootstrap;
mod cli_changes;
mod command_line;
mod costs;
mod crash;
mod declared;
mod declared_endpoints;
mod declared_organisations;
mod declared_people;
mod declared_upstream;
mod doctor;
mod fetched_logos;
mod finality;
mod first_nodes;
mod floods;
mod import_care;
mod imports;
mod keycloak;
mod lock_order;
mod logos;
mod logs;
mod lost_commits;
mod machinery;
mod mail;
pub(crate) mod malformed;
mod master_key;
mod meanwhile;
mod methods;
mod monitoring;
mod nonsense;
mod operations;
mod outages;
mod path_issuer;
mod rate_limits;
mod redis_faults;
mod reload;
mod revocation_copy;
mod routes;
mod service_manager;
mod set_clocks;
mod settings;
mod settings_effects;
mod shared_limits;
mod soak;
mod startup_errors;
mod surroundings;
mod tls;
mod topologies;
mod traces;
mod two_faults;
mod webhooks;
mod while_away;
