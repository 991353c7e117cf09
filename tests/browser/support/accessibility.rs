//! axe-core, loaded into the page by the driver, so no page needs to allow it.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::{Browser, Script};

/// A rule the page breaks.
#[derive(Clone, Debug, Deserialize)]
pub struct Violation {
    /// The rule, for example `color-contrast`.
    pub id: String,
    /// `minor`, `moderate`, `serious` or `critical`.
    #[serde(default)]
    pub impact: Option<String>,
    /// What to do.
    pub help: String,
    /// The elements, as CSS selectors.
    pub targets: Vec<String>,
}

const RUN: &str = "
    const done = arguments[arguments.length - 1];
    const rules = {'target-size': {enabled: true}};
    axe.run(document, {resultTypes: ['violations'], rules}).then(
        result => done(result.violations.map(v => ({
            id: v.id, impact: v.impact, help: v.help,
            targets: v.nodes.map(n => n.target.join(' ') + ': ' + (n.failureSummary || '')),
        }))),
        error => done(String(error)));";

/// The half megabyte of axe itself.
fn source() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/browser/node_modules/axe-core/axe.min.js");
    std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; run scripts/test-setup", path.display()))
}

impl Browser {
    /// What axe finds serious or critical on this page. Needs [`Script::On`].
    pub async fn axe(&self) -> Vec<Violation> {
        let mut found = self.axe_all().await;
        found.retain(|v| matches!(v.impact.as_deref(), Some("serious" | "critical")));
        found
    }

    /// Everything axe finds.
    pub async fn axe_all(&self) -> Vec<Violation> {
        assert_eq!(self.script, Script::On, "axe is a script: check the page with scripts on");
        let driver = self.driver();
        let there = driver.execute("return typeof axe === 'object'", Vec::<Value>::new()).await;
        if there.expect("ask for axe").json() != &Value::Bool(true) {
            let loaded = driver.execute(source(), Vec::<Value>::new()).await;
            loaded.expect("load axe into the page");
        }
        let result = driver.execute_async(RUN, Vec::<Value>::new()).await.expect("run axe");
        let json = result.json().clone();
        serde_json::from_value(json.clone()).unwrap_or_else(|_| panic!("axe said: {json}"))
    }

    /// Panics with a list when axe finds anything serious.
    pub async fn assert_accessible(&self) {
        let found = self.axe().await;
        assert!(found.is_empty(), "axe at {}:\n{found:#?}", self.address().await);
    }
}
