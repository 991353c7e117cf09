//! What stays signed in by itself for somebody: one of two is ended on their page.

use serde_json::Value;

use super::Owner;
use crate::fixtures::{App, PASSWORD, Person};
use crate::support::browser_like::Browser;

impl Owner {
    pub(super) async fn ends_a_connection(&self) {
        let browser = &self.browser;
        Person("cora").exists(&self.world);
        let app = App::registered(&self.world);
        let (_, kept) = self.lets_in(&app, "cora", "openid offline_access").await;
        let (_, ended) = self.lets_in(&app, "cora", "openid email offline_access").await;
        browser.click_text("People").await;
        browser.click_text("cora").await;
        self.is_at("/admin/users/", "What stays signed in by itself").await;
        self.sees("person-connections").await;
        let connections = self.connections_of_cora();
        assert_eq!(connections.len(), 2, "{connections:?}");
        let later = connections
            .iter()
            .find(|one| one["scope"].as_str().is_some_and(|scope| scope.contains("email")));
        let id = later.expect("the later one")["id"].as_str().expect("an id");
        browser.click(&format!("form:has(input[value='{id}']) button[aria-label^='End ']")).await;
        self.is_at("/admin/users/", "It has ended").await;
        self.sees("person-connection-ended").await;
        let left = self.connections_of_cora();
        assert_eq!(left.len(), 1, "{left:?}");
        assert!(!browser.has(&format!("input[value='{id}']")).await, "its row is gone");
        assert!(browser.has("button[aria-label='End Orchard Wiki']").await, "the other one stays");
        assert!(!app.refreshes(&ended).await);
        assert!(app.refreshes(&kept).await, "nothing else notices");
        assert_eq!(self.noted("connection.ended"), 1);
    }

    fn connections_of_cora(&self) -> Vec<Value> {
        let listed = self.world.cli(&["user", "connections", "cora"]);
        listed["items"].as_array().expect("a list").clone()
    }

    /// Somebody signs in to the app elsewhere and lets it in; gives their browser and its refresh token.
    pub(super) async fn lets_in(&self, app: &App, name: &str, scope: &str) -> (Browser, String) {
        let elsewhere = self.world.browser();
        let scope = scope.replace(' ', "+");
        let asked = elsewhere.get(&app.request(&format!("scope={scope}&state=c"))).await;
        let form = asked.follow_within().await.form("sign-in");
        let form = form.set("username", name).set("password", PASSWORD);
        let mut page = form.submit().await.follow_within().await;
        if page.has_form("consent") {
            page = page.form("consent").press("decision", "allow").submit().await;
        }
        let code = page.location_parameter("code").expect("a code");
        let tokens = app.redeem(&code).await;
        let refresh = tokens["refresh_token"].as_str().expect("a refresh token");
        (elsewhere, refresh.to_owned())
    }
}
