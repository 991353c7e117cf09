//! An app that a document of its own describes: the document changes, and an administrator has it read.

use serde_json::json;

use super::Owner;
use crate::fixtures::{PASSWORD, Person};
use crate::support::tls_peer::{Answer, TlsPeer, reachable};
use crate::support::world::WorldBuilder;

/// Where the document is.
const PATH: &str = "/wanderer.json";

/// Lets apps come whose documents are at this peer.
pub(super) fn documents_at(peer: &TlsPeer, builder: WorldBuilder) -> WorldBuilder {
    reachable(builder, &[peer]).env("DOORWARD_REGISTRATION__METADATA_DOCUMENTS", "true")
}

impl Owner {
    pub(super) async fn refreshes_a_document(&self, peer: &TlsPeer) {
        let browser = &self.browser;
        publish(peer, "Wanderer");
        self.comes_by(peer).await;
        browser.click_text("Apps").await;
        browser.click_text("Wanderer").await;
        self.is_at("/admin/clients/", "The document of this app says how it works").await;
        self.sees("client-document").await;
        browser.click_text("Refresh from its document").await;
        browser.wait_for_text("The document says what it said before").await;

        publish(peer, "Settler");
        browser.click_text("Refresh from its document").await;
        browser.wait_for_text("Settler is now what its document says. Changed: client_name").await;
        self.sees("client-document-refreshed").await;

        peer.serve(PATH, Answer::status(404));
        browser.click_text("Refresh from its document").await;
        browser.wait_for_text("does not answer with the document").await;
        assert!(browser.shows("Settler").await, "what was known stays");
        self.sees("client-document-gone").await;
    }

    /// Somebody, elsewhere, comes from the app for the first time and says yes to it.
    async fn comes_by(&self, peer: &TlsPeer) {
        let mut request = url::form_urlencoded::Serializer::new(String::new());
        request.append_pair("client_id", &peer.url(PATH));
        request.append_pair("redirect_uri", &peer.url("/cb"));
        request.append_pair("response_type", "code").append_pair("scope", "openid");
        request.append_pair("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        request.append_pair("code_challenge_method", "S256");
        let address = format!("/oauth2/authorize?{}", request.finish());
        Person("wim").exists(&self.world);
        let sign_in = self.world.browser().get(&address).await.follow_within().await;
        let sign_in = sign_in.form("sign-in").set("username", "wim").set("password", PASSWORD);
        let asked = sign_in.submit().await.follow_within().await;
        let allowed = asked.form("consent").press("decision", "allow").submit().await;
        allowed.follow_within().await.location_parameter("code").expect("a code");
    }
}

fn publish(peer: &TlsPeer, name: &str) {
    let document = json!({
        "client_id": peer.url(PATH), "client_name": name, "redirect_uris": [peer.url("/cb")],
    });
    peer.serve(PATH, Answer::json(&document));
}
