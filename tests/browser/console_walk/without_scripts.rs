//! What an owner does on a phone whose browser runs no scripts. Each walk presses the buttons of its pages
//! and asks afterwards what has become of it.

use super::documents::documents_at;
use super::{Look, Owner};
use crate::driver::{Browser, Scheme, Script, Viewport};
use crate::post::{Security, SmtpServer};
use crate::support::tls_peer::TlsPeer;
use crate::support::world::WorldBuilder;

/// An owner at the console of a Doorward like this.
async fn owner(builder: WorldBuilder) -> Owner {
    let browser = Browser::new(Viewport::Phone, Scheme::Light, Script::Off).await;
    Owner::enters_one(builder, browser, Look::AsItIs).await
}

on_both_backends! {
    async fn organisations_and_upstream_providers_need_no_javascript(backend: Backend) {
        let owner = owner(Owner::patient(backend)).await;
        owner.looks_after_organisations().await;
        owner.looks_after_upstream_providers().await;
        owner.leaves().await;
    }

    async fn people_are_brought_changed_together_and_helped_without_javascript(backend: Backend) {
        let owner = owner(Owner::patient(backend)).await;
        owner.imports_people().await;
        owner.changes_several_people().await;
        owner.ends_a_connection().await;
        owner.gives_a_temporary_password().await;
        owner.leaves().await;
    }

    async fn what_apps_come_in_with_needs_no_javascript(backend: Backend) {
        let peer = TlsPeer::start();
        let owner = owner(documents_at(&peer, Owner::patient(backend))).await;
        owner.looks_after_credentials_of_an_app().await;
        owner.looks_after_registration_tokens().await;
        owner.refreshes_a_document(&peer).await;
        owner.leaves().await;
    }

    async fn sign_outs_memberships_terms_and_messages_need_no_javascript(backend: Backend) {
        let owner = owner(Owner::patient(backend)).await;
        owner.hides_the_first_steps().await;
        owner.signs_people_out().await;
        owner.takes_memberships_away().await;
        owner.looks_after_the_terms_of_apps().await;
        owner.looks_after_a_message().await;
        owner.saves_files().await;
        owner.leaves().await;
    }

    async fn a_letter_and_a_sign_in_are_tried_without_javascript(backend: Backend) {
        let post = SmtpServer::start(Security::Plain);
        let owner = owner(post.known_to(Owner::patient(backend))).await;
        owner.sends_test_letters(&post).await;
        owner.tries_a_sign_in().await;
        owner.leaves().await;
    }

    async fn a_message_goes_out_again_and_settings_are_saved_without_javascript(backend: Backend) {
        let peer = TlsPeer::start();
        let owner = owner(documents_at(&peer, Owner::patient(backend))).await;
        owner.sends_a_message_again(&peer).await;
        owner.saves_settings().await;
        owner.leaves().await;
    }
}
