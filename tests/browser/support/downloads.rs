//! The files that pages give to be saved.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use super::Browser;
use crate::support::process::wait_until_async;

/// How long a file may take.
const WAIT: Duration = Duration::from_secs(20);

impl Browser {
    /// Lets pages give files, which wait for [`Browser::downloaded`].
    pub(super) async fn takes_files(&self) {
        let folder = self.dir.join("downloads").display().to_string();
        let asked = json!({"behavior": "allow", "downloadPath": folder});
        self.devtools("Browser.setDownloadBehavior", asked).await;
    }

    /// Waits until a file whose name ends like this is there whole; it is the only one, and the next one
    /// that ends so is another.
    pub async fn downloaded(&self, ending: &str) -> PathBuf {
        wait_until_async("a downloaded file", WAIT, async || !self.saved(ending).is_empty()).await;
        let saved = self.saved(ending);
        let [file] = &saved[..] else { panic!("several files: {saved:?}") };
        let taken = self.dir.join("taken");
        std::fs::create_dir_all(&taken).expect("make the folder");
        let taken = taken.join(file.file_name().expect("a name"));
        std::fs::rename(file, &taken).expect("take the file");
        taken
    }

    /// While it comes, a file has another ending.
    fn saved(&self, ending: &str) -> Vec<PathBuf> {
        let Ok(folder) = std::fs::read_dir(self.dir.join("downloads")) else { return Vec::new() };
        let paths = folder.map(|entry| entry.expect("an entry").path());
        paths.filter(|path| path.display().to_string().ends_with(ending)).collect()
    }
}
