//! `/admin/configuration`: what this server runs with, and how what it depends on is doing.

use super::desk::{Answer, Desk};
use super::people::sentence;
use super::settings;
use crate::config::Origin;
use crate::http::pages::admin::Section;
use crate::http::pages::admin::configuration::{ConfigurationPage, PartRow, SettingRow, State};
use crate::service::configuration::{self, Effective, Held};
use crate::service::doctor::{Finding, Outcome};

pub(super) async fn show(desk: &Desk<'_>) -> Answer {
    let found = configuration::look(desk.site()).await;
    // They begin with the name of a setting, which has no capital letter.
    let cautions = found.cautions.iter().map(|caution| format!("{caution}."));
    let unused = found.unused.iter().map(|problem| format!("{}: {}.", problem.key, problem.text));
    desk.show(&ConfigurationPage {
        chrome: desk.chrome(),
        console: desk.console(Section::Settings),
        version: found.version,
        revision: found.revision,
        parts: found.parts.iter().map(part).collect(),
        cautions: cautions.collect(),
        unused: unused.collect(),
        settings: found.settings.into_iter().map(row).collect(),
    })
}

fn part(finding: &Finding) -> PartRow {
    PartRow {
        name: in_words(finding.name),
        state: match finding.outcome {
            Outcome::Fine(_) => State::Fine,
            Outcome::Warning(_) => State::Warning,
            Outcome::Failure(_) => State::Failure,
        },
        text: sentence(finding.outcome.text()),
    }
}

fn in_words(name: &'static str) -> &'static str {
    match name {
        "database" => "Database",
        "ephemeral" => "Fast store",
        "signing-keys" => "Signing keys",
        "cache" => "Fast store, its kind",
        "redis-eviction" => "What Redis drops",
        "mail" => "Mail server",
        other => other,
    }
}

fn row(setting: Effective) -> SettingRow {
    SettingRow {
        value: match setting.held {
            Held::Nothing => None,
            Held::Secret => Some("set".to_owned()),
            Held::Value(value) => {
                Some(settings::text_of(&value).replace('\n', ", ")).filter(|text| !text.is_empty())
            }
        },
        is_default: setting.origin == Origin::Default,
        origin: setting.origin.to_string(),
        is_live: setting.is_live,
        key: setting.key,
    }
}
