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
//! | `guessing` | many passwords at once, under every name of an account, and what is told of it |
//! | `first_start` | nonsense on every route; the first administrator |
//! | `copies` | the fast copy of a session is believed for an hour, however often it is used |
//! | `visits` | SQL is told when sessions were last used |
//! | `session_life` | the session cookie: renewed, protected, limited, listed and ended |
//! | `everywhere` | signing out everywhere and everywhere else, by the person, the console and commands |
//! | `many_sessions` | sessions that end together, however many, and how they are counted |
//! | `password_reset` | a password chosen by a link ends what the old one opened, and signs nobody in |
//! | `under_way` | a sign-in that began before all sessions ended makes none; a refused one changes nothing |
//! | `second_click` | two clicks on the button of one sign-in form make one session |
//! | `strangers` | who is unfamiliar after a long time; where a thief was does not count |
//! | `temporary_passwords` | what an administrator gives opens nothing but the page that replaces it |
//! | `travel` | sign-ins from two places too far apart: found, told, refused, disowned |
//! | `sightings` | what people and administrators see of sessions |
//! | `session_data` | what apps keep beside sessions: conditions, races, limits, who sees it |
//! | `session_data_end` | what apps keep is gone with the session, whatever Redis remembers |
//! | `session_data_races` | changes under way while what they belong to ends; copies that were not removed |
//! | `backchannel_logout` | apps are told when a session ends, whatever fails meanwhile |
//! | `backchannel_ends` | the same, whoever ends sessions and however |
//! | `farewell` | very many messages to one app, or a kind that fails, keep nobody else waiting |
//! | `frontchannel_logout` | the browser loads the apps' sign-out pages; what sign-outs leave alone |
//! | `session_management` | apps notice another session; sign-ins that start here |

mod accounts;
mod backchannel_ends;
mod backchannel_logout;
mod connections;
mod consent_withdrawal;
mod copies;
mod cross_site;
mod csrf;
mod everywhere;
mod farewell;
mod first_start;
mod frontchannel_logout;
mod guessing;
mod headers;
mod hostile_text;
mod login_form;
mod logout;
mod many_sessions;
mod not_me;
mod notices;
mod outlived;
mod password_reset;
mod second_click;
mod session_data;
mod session_data_end;
mod session_data_races;
mod session_life;
mod session_management;
mod sightings;
mod sign_up;
mod sign_up_attacks;
mod strangers;
mod temporary_passwords;
mod travel;
mod under_way;
mod visits;
