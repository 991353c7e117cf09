//! Trusted issuers: add, change, switch off and on, delete.

use super::Owner;

impl Owner {
    pub(super) async fn looks_after_issuers(&self) {
        let browser = &self.browser;
        self.world.cli(&[
            "client",
            "create",
            "--name",
            "Backup",
            "--type",
            "machine",
            "--client-id",
            "backup",
        ]);
        browser.click_text("Issuers").await;
        self.is_at("/admin/issuers", "No issuer is trusted yet").await;
        self.sees("issuers-empty").await;
        browser.click_text("Add an issuer").await;
        self.is_at("/admin/issuers/new", "Where it publishes its keys").await;
        self.sees("issuer-new").await;
        browser.fill("name", "cluster").await;
        browser.fill("issuer", "https://kubernetes.default.svc.cluster.local").await;
        browser.fill("jwks_uri", "https://keys.example.com/jwks.json").await;
        browser.fill("rules", "backup").await;
        browser.submit("issuer-form").await;
        browser.wait_for_text("The rules cannot be read").await;
        self.sees("issuer-new-error").await;
        let rules = r#"[{"client_id": "backup", "match": {"sub": "prod:backup"}}]"#;
        browser.fill("rules", rules).await;
        browser.submit("issuer-form").await;
        browser.wait_for_text("cluster is trusted from now on").await;
        self.sees("issuer").await;
        browser.fill("issuer", "https://cluster.example.com").await;
        browser.submit("issuer-form").await;
        browser.wait_for_text("cluster is saved").await;
        self.confirms("Disable", "issuer-disable", "cluster is disabled").await;
        browser.click_text("Enable").await;
        browser.wait_for_text("The word of cluster counts again").await;
        browser.click_text("Issuers").await;
        self.is_at("/admin/issuers", "https://cluster.example.com").await;
        self.sees("issuers").await;
        browser.click_text("cluster").await;
        self.confirms("Delete", "issuer-delete", "cluster is trusted no more").await;
    }
}
