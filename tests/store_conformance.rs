//! What a database and an ephemeral store must do to be one: every statement of `store` on SQLite
//! and PostgreSQL, every verb in process and on Redis, races, and outages.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::assigning_clones,
    clippy::cloned_ref_to_slice_refs,
    clippy::large_futures,
    reason = "a failed expectation is a failed test, and plain words read better than saved copies \
              or futures on the heap"
)]

#[path = "store_conformance/abandoned.rs"]
mod abandoned;
#[path = "store_conformance/api.rs"]
mod api;
#[path = "store_conformance/audit_chain.rs"]
mod audit_chain;
#[path = "store_conformance/audit_exchange.rs"]
mod audit_exchange;
#[path = "store_conformance/audit_search.rs"]
mod audit_search;
#[path = "store_conformance/audit_tampering.rs"]
mod audit_tampering;
#[path = "store_conformance/clean_ups.rs"]
mod clean_ups;
#[path = "store_conformance/deliveries.rs"]
mod deliveries;
#[path = "store_conformance/devices.rs"]
mod devices;
#[path = "store_conformance/dump.rs"]
mod dump;
#[path = "store_conformance/fast.rs"]
mod fast;
#[path = "store_conformance/figures.rs"]
mod figures;
#[path = "store_conformance/fixtures.rs"]
mod fixtures;
#[path = "store_conformance/growth.rs"]
mod growth;
#[path = "store_conformance/large_groups.rs"]
mod large_groups;
#[path = "store_conformance/large_organisations.rs"]
mod large_organisations;
#[path = "store_conformance/lineage.rs"]
mod lineage;
#[path = "store_conformance/marks.rs"]
mod marks;
#[path = "store_conformance/orders.rs"]
mod orders;
#[path = "store_conformance/outages.rs"]
mod outages;
#[path = "store_conformance/people.rs"]
mod people;
#[path = "store_conformance/people_filters.rs"]
mod people_filters;
#[path = "store_conformance/people_pages.rs"]
mod people_pages;
#[path = "store_conformance/pushed.rs"]
mod pushed;
#[path = "store_conformance/races.rs"]
mod races;
#[path = "store_conformance/records.rs"]
mod records;
#[path = "store_conformance/registration.rs"]
mod registration;
#[path = "store_conformance/resources.rs"]
mod resources;
#[path = "store_conformance/roles.rs"]
mod roles;
#[path = "store_conformance/schema.rs"]
mod schema;
#[path = "store_conformance/served_issuers.rs"]
mod served_issuers;
#[path = "store_conformance/servers.rs"]
mod servers;
#[path = "store_conformance/settings.rs"]
mod settings;
#[path = "store_conformance/several.rs"]
mod several;
#[path = "store_conformance/topologies.rs"]
mod topologies;
#[path = "store_conformance/trust.rs"]
mod trust;
#[path = "store_conformance/webhooks.rs"]
mod webhooks;

use doorward::clock::{Clock, UnixTime};
use doorward::store::ephemeral::{Ephemeral, MemoryStore};
use doorward::store::{DatabaseSettings, Store};
use fast::{Passing, ephemeral_conforms};
use servers::{Postgres, Redis, TempDir};

/// A new SQLite store in a directory of its own.
async fn sqlite() -> (Store, TempDir) {
    let dir = TempDir::new("sqlite");
    let url = format!("sqlite://{}/doorward.db", dir.0.display());
    let store = Store::connect(&DatabaseSettings::new(url)).await.unwrap();
    (store, dir)
}

async fn conforms(store: Store) {
    store.migrate().await.unwrap();
    store.db.ping().await.unwrap();
    people::users_conform(&store).await;
    people::clients_conform(&store).await;
    people::consents_conform(&store).await;
    lineage::sessions_conform(&store).await;
    lineage::grants_conform(&store).await;
    lineage::families_conform(&store).await;
    trust::trusted_issuers_conform(&store).await;
    trust::upstream_providers_conform(&store).await;
    trust::grants_of_a_sign_in_conform(&store).await;
    trust::held_consents_conform(&store).await;
    trust::what_is_held_does_not_end(&store).await;
    deliveries::outbox_conforms(&store).await;
    deliveries::session_clients_conform(&store).await;
    deliveries::gateway_cookies_conform(&store).await;
    records::keys_conform(&store).await;
    records::encryption_keys_conform(&store).await;
    records::links_conform(&store).await;
    marks::known_marks_conform(&store).await;
    records::revocations_conform(&store).await;
    records::used_jtis_conform(&store).await;
    records::sync_conforms(&store).await;
    records::audit_conforms(&store).await;
    registration::registration_conforms(&store).await;
    resources::protected_resources_conform(&store).await;
    orders::orders_conform(&store).await;
    roles::roles_conform(&store).await;
    several::several_conform(&store).await;
    figures::figures_conform(&store).await;
    races::one_winner_each(&store).await;
    races::counters_are_exact(&store).await;
    races::each_delivery_is_claimed_once(&store).await;
    races::groups_are_set_by_one_at_a_time(&store).await;
    races::of_what_is_allowed_at_once_nothing_is_lost(&store).await;
    races::no_session_slips_past_a_sign_out_everywhere(&store).await;
    races::no_sign_in_that_began_before_outlives_a_sign_out(&store).await;
    served_issuers::served_issuers_conform(&store).await;
    settings::settings_conform(&store).await;
    webhooks::webhooks_conform(&store).await;
    records::cleanup_conforms(&store).await;
    store.db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sqlite_conforms() {
    let (store, _dir) = sqlite().await;
    conforms(store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_conforms() {
    let server = Postgres::start();
    conforms(Store::connect(&DatabaseSettings::new(server.url())).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_in_process_store_conforms() {
    let clock = Clock::manual(UnixTime(1_763_700_000));
    let store = Ephemeral::Memory(MemoryStore::new(clock.clone()));
    ephemeral_conforms(store, Passing::Manual(clock)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn redis_conforms() {
    let server = Redis::start();
    let store = Ephemeral::connect(Some(&server.url()), Clock::System).await.unwrap();
    ephemeral_conforms(store, Passing::Really).await;
    assert_eq!(server.cli(&["--scan", "--pattern", "[^d]*"]), "", "every key begins with dw:");
}
