//! What the console gives to be saved: the audit log, the public half of a key, and a backup.

use serde_json::Value;

use super::Owner;

impl Owner {
    pub(super) async fn saves_files(&self) {
        self.saves_the_audit_log().await;
        self.saves_a_key().await;
        self.saves_a_backup().await;
    }

    async fn saves_the_audit_log(&self) {
        let browser = &self.browser;
        browser.click_text("Audit").await;
        self.is_at("/admin/audit", "Events, newest first").await;
        browser.click("a[href*='format=csv']").await;
        let rows = std::fs::read_to_string(browser.downloaded(".csv").await).expect("rows");
        assert!(rows.lines().count() > 1 && rows.contains("session.created"), "{rows}");
        browser.click("a[href*='format=ndjson']").await;
        let lines = std::fs::read_to_string(browser.downloaded(".ndjson").await).expect("lines");
        for line in lines.lines() {
            serde_json::from_str::<Value>(line).expect("an event");
        }
        assert!(lines.contains("session.created"), "{lines}");
    }

    async fn saves_a_key(&self) {
        let browser = &self.browser;
        browser.click_text("Keys").await;
        self.is_at("/admin/keys", "Every key").await;
        browser.click("a[download]").await;
        let key = std::fs::read(browser.downloaded(".jwk.json").await).expect("a key");
        let key: Value = serde_json::from_slice(&key).expect("JSON");
        assert!(key["kty"].is_string() && key["d"].is_null(), "the public half alone: {key}");
    }

    async fn saves_a_backup(&self) {
        let browser = &self.browser;
        browser.click_text("Backup").await;
        self.is_at("/admin/backup", "No backup is known of").await;
        browser.submit("backup").await;
        let file = browser.downloaded(".tar").await;
        let checked = self.world.run(&["restore", "--dry-run", &file.display().to_string()]);
        assert!(checked.status.success(), "{checked:?}");
        assert_eq!(self.noted("backup.made"), 1);
        self.goes_to("/admin/backup").await;
        self.is_at("/admin/backup", "Backups, newest first").await;
        self.sees("backup-made").await;
    }
}
