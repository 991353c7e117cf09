//! The composition root: everything a use case may need, made once from the configuration and
//! shared by every worker.
//!
//! | module | job |
//! |---|---|
//! | `boot` | makes it: connects, migrates, loads the master key |
//! | `exchange` | the master key and the one before, while one is exchanged for the other |
//! | `running`, `look` | the settings of this moment, and what pages have of them |
//! | `live` | what is replaced when the operator asks for it |
//! | `known` | clients that were read, as long as the catalogue is the same |
//! | `recent`, `read_tokens` | what was read a moment ago: sessions and people, and tokens |
//! | `doorkeeper` | who was let through the gateway a moment ago |
//! | `watch`, `heard` | what is known of changes made elsewhere, and how long that counts |
//! | `key_sets`, `documents`, `request_objects` | what was fetched from addresses of apps |
//! | `software_issuers` | whose software statements are believed |
//! | `pictures` | those that browsers asked for lately, and whose turn it is to have one decoded |
//! | `errands` | work that outlives its request |
//! | `turns` | those who want to change the same thing wait for each other here |
//! | `timekeeper` | by which time to delete, where a clock may be ahead |

mod boot;
mod documents;
mod doorkeeper;
mod errands;
mod exchange;
pub(crate) mod heard;
mod key_sets;
mod known;
mod live;
mod look;
mod pictures;
mod read_tokens;
mod recent;
mod request_objects;
mod running;
mod software_issuers;
mod timekeeper;
mod turns;
mod watch;

use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use tokio::sync::Notify;

pub use boot::{
    BootError, Migrations, Process, REVISION, VERSION, boot, database_of, keep_master_key,
    known_master_key, previous_master_key,
};
pub use documents::{Document, Documents};
pub use doorkeeper::{Doorkeeper, Means, Seen, Shown, Written};
pub use errands::{Errand, Errands};
pub use exchange::{Stage, make_next_master_key, opener, stage};
pub use key_sets::{KeySet, KeySets, Slot};
pub use known::Known;
pub use live::Live;
pub use look::{Logo, Logos, Look, sheet_name};
pub use pictures::Pictures;
pub use read_tokens::{ReadToken, ReadTokens};
pub use recent::Recent;
pub use request_objects::RequestObjects;
pub use running::{Running, Settings};
pub use software_issuers::SoftwareIssuers;
pub use timekeeper::Timekeeper;
pub use turns::Turns;
pub(crate) use watch::marked;
pub use watch::{Freshness, Watch};

use crate::clock::{Clock, UnixTime};
use crate::config::Config;
use crate::crypto::heirloom::Heirloom;
use crate::crypto::keyring::Keyring;
use crate::crypto::password::Passwords;
use crate::crypto::seal::Sealer;
use crate::crypto::secret::SecretHash;
use crate::mail::Mailer;
use crate::outbound::Outbound;
use crate::protocol::session::LiveSession;
use crate::protocol::types::UserId;
use crate::protocol::user::User;
use crate::store::Store;
use crate::store::ephemeral::Ephemeral;
use crate::telemetry::metrics::Metrics;

/// The running provider.
pub struct App {
    /// As it was read at start. Settings that may change meanwhile are in [`App::settings`].
    pub config: Config,
    /// The settings of this moment.
    pub running: Running,
    pub clock: Clock,
    pub store: Store,
    pub ephemeral: Ephemeral,
    pub sealer: Arc<Sealer>,
    /// What outlives the two master keys while one is exchanged for the other.
    heirlooms: Vec<Heirloom>,
    pub passwords: Passwords,
    /// Replaced as a whole when keys change.
    pub keyring: ArcSwap<Keyring>,
    /// The number of the catalogue that was read before the keys of `keyring` were.
    pub keyring_as_of: Mutex<i64>,
    /// Clients read recently; emptied when any client changes anywhere.
    pub known: Known,
    /// Keys of clients fetched from their own addresses.
    pub key_sets: KeySets,
    /// Our own access tokens that were read already.
    pub read_tokens: ReadTokens,
    /// What this process knows of changes made elsewhere.
    pub watch: Watch,
    /// Access tokens issued up to then count no more: after that an older database was restored.
    pub tokens_from: UnixTime,
    /// Whether the clock may be believed when something is to be deleted for good.
    pub timekeeper: Timekeeper,
    /// Rung when something was put into the outbox, so that it leaves at once.
    pub outbox_bell: Notify,
    /// Work that goes on after the request that began it.
    pub errands: Errands,
    /// What the operator may change without a restart; replaced as a whole.
    pub live: ArcSwap<Live>,
    /// Requests to addresses that others supplied.
    pub outbound: Outbound,
    /// The way to the mail server, if there is one.
    pub mail: Option<Mailer>,
    /// Who was let through the gateway a moment ago.
    pub doorkeeper: Doorkeeper,
    /// Whose account was read a moment ago.
    pub people: Recent<UserId, User>,
    /// Whose session a cookie stood for a moment ago, and when.
    pub sessions: Recent<SecretHash, (UnixTime, LiveSession)>,
    /// Who may change session data next.
    pub turns: Turns,
    /// Client ID metadata documents read lately.
    pub documents: Documents,
    /// Pictures that browsers asked for lately.
    pub pictures: Pictures,
    /// Request objects fetched lately.
    pub request_objects: RequestObjects,
    /// Whose software statements are believed.
    pub software_issuers: SoftwareIssuers,
    pub metrics: Metrics,
    /// Whether this process answers requests. A command does its work beside one that may.
    pub serves: bool,
    /// A line above every page, such as the demo's.
    pub banner: Option<String>,
}

impl App {
    /// The issuer, byte for byte as configured.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.config.issuer.as_str()
    }

    /// The settings of this moment: what the database says of those that may change while servers run
    /// laid over [`App::config`]. Nothing is waited for.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        self.running.now()
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> UnixTime {
        self.clock.now()
    }

    /// Counts the country that something came from: a `sign_in` or a `refresh`. Without a database of places nothing
    /// is counted.
    pub fn count_origin(&self, event: &'static str, address: Option<&str>) {
        let live = self.live.load();
        if live.places.are_known() {
            self.metrics.origin(event, address.and_then(|address| live.places.country(address)));
        }
    }
}
