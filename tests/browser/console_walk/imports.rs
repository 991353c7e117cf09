//! People from a file: tried without keeping anything, brought, and sent once more.

use std::path::Path;

use thirtyfour::By;

use super::Owner;

const FORM: &str = "/admin/users/import";
const NEWEST: &str = "/admin/users/import/newest";

/// Two people and a line that is nobody.
const PEOPLE: &str = "username,email,name\n\
    pim,pim@example.test,Pim P.\n\
    b b,,\n\
    rob,rob@example.test,\n";

impl Owner {
    pub(super) async fn imports_people(&self) {
        let browser = &self.browser;
        let file = self.world.path("people.csv");
        std::fs::write(&file, PEOPLE).expect("a file");
        let before = self.noted("user.created");
        browser.click_text("People").await;
        browser.click_text("Import a file").await;
        self.is_at(FORM, "Adds everybody in a file").await;
        self.sees("import").await;
        browser.submit("import").await;
        browser.wait_for_text("Choose a file.").await;
        self.sees("import-error").await;

        self.chooses("#file", &file).await;
        browser.click("#dry_run").await;
        browser.submit("import").await;
        assert_eq!(self.counted().await, ["3", "2", "0", "0", "1"]);
        assert!(browser.shows("Nothing was kept: this was a dry run.").await);
        self.sees("import-tried").await;
        assert!(!self.is_there("pim"), "a dry run keeps nobody");

        self.sends_the_file_again(&file, "fail").await;
        assert_eq!(self.counted().await, ["3", "2", "0", "0", "1"]);
        assert!(!browser.shows("dry run").await);
        let told = browser.find("#import tbody tr").await.text().await.expect("the line");
        assert!(told.contains('3') && told.contains("username: "), "{told}");
        self.sees("imported").await;
        browser.click_text("Download them all").await;
        let left_out = browser.downloaded("left-out.ndjson").await;
        let left_out = std::fs::read_to_string(left_out).expect("lines");
        assert!(
            left_out.starts_with("{\"line\":3,") && left_out.lines().count() == 1,
            "{left_out}"
        );
        assert_eq!(self.world.cli(&["user", "show", "pim"])["name"], "Pim P.");
        assert!(self.is_there("rob"));
        assert_eq!(self.noted("user.created"), before + 2);

        self.sends_the_file_again(&file, "skip").await;
        assert_eq!(self.counted().await, ["3", "0", "0", "2", "1"]);
        assert_eq!(self.noted("user.created"), before + 2, "nobody twice");
    }

    /// From the page about the newest import, with what becomes of people who are there.
    async fn sends_the_file_again(&self, file: &Path, duplicates: &str) {
        let browser = &self.browser;
        browser.click_text("Import a file").await;
        self.is_at(FORM, "How far the newest import is").await;
        self.chooses("#file", file).await;
        browser.click(&format!("#duplicates option[value='{duplicates}']")).await;
        browser.submit("import").await;
    }

    /// Waits until the import is through, for which the page is shown anew by itself. Gives how many
    /// lines were read, and people added, changed, left as they were, and left out.
    async fn counted(&self) -> Vec<String> {
        self.is_at(NEWEST, "Done").await;
        let found = self.browser.driver().find_all(By::Css("dl.facts dd")).await.expect("figures");
        let mut figures = Vec::new();
        for figure in found {
            let text = figure.text().await.expect("a figure");
            // How many that was a second stands behind the comma.
            figures.push(text.split(',').next().unwrap_or_default().to_owned());
        }
        figures
    }

    fn is_there(&self, username: &str) -> bool {
        self.world.run(&["user", "show", username]).status.success()
    }
}
