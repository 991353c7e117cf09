//! `/admin/settings`: settings that may change while servers run, and how pages look.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use serde_json::Value;

use super::desk::{Answer, Desk, NOT_YOURS, Stop};
use super::people::sentence;
use super::setting_words::{choice, label};
use super::{rows, step_up};
use crate::config::{Setting, SettingKind, runtime_settings};
use crate::http::branding;
use crate::http::pages::admin::Section;
use crate::http::pages::admin::logos::{Ground, PictureForm};
use crate::http::pages::admin::settings::{Entry, Group, Look, Offer, SettingField, SettingsPage};
use crate::http::pages::{FieldError, LogoFile, When};
use crate::pictures::OF_THE_BRAND;
use crate::protocol::branding::{Accent, Colour, LogoKind, Used};
use crate::service::settings::{self, Edit, SettingError, Shown};
use crate::service::sign_in::sign_up;

/// What is saved together: an id, a title, and what the names of its settings begin with.
const GROUPS: [(&str, &str, &[&str]); 10] = [
    ("general", "Name and look", &["product_name", "branding."]),
    ("sign-up", "Making an account", &["sign_up."]),
    ("registration", "Logos of apps", &["registration.fetch_logos"]),
    (
        "limits",
        "Rate limits",
        &[
            "limits.",
            "authorization.pushed_requests_per_minute",
            "registration.open_per_hour",
            "registration.changes_per_hour",
            "registration.documents_per_minute",
        ],
    ),
    ("password", "Passwords", &["password."]),
    ("session", "Sessions", &["session."]),
    ("tokens", "Tokens", &["tokens."]),
    ("risk", "Signs of somebody else", &["risk."]),
    ("audit", "Audit log", &["audit."]),
    ("console", "Console", &["console."]),
];

/// The name of a setting's field: its own with `-` for `.`, as in `session-idle`. Empty for what is no
/// setting.
fn field_of(key: &str) -> &'static str {
    static FIELDS: LazyLock<Vec<(&str, String)>> = LazyLock::new(|| {
        let named =
            |setting: &'static Setting| (setting.key.as_str(), setting.key.replace('.', "-"));
        runtime_settings().map(named).collect()
    });
    let found = FIELDS.iter().find(|(known, _)| *known == key);
    found.map_or("", |(_, field)| field.as_str())
}

pub(super) async fn show(desk: &Desk<'_>) -> Answer {
    desk.show(&page(desk).await?)
}

pub(super) async fn save(desk: &Desk<'_>) -> Answer {
    let group = GROUPS.iter().find(|(id, ..)| *id == desk.id).ok_or(Stop::NotFound)?;
    let (_, title, starts) = group;
    let known = settings::all(desk.site());
    let inside = known.iter().filter(|shown| is_of(shown.setting.key.as_str(), starts));
    let edits: Vec<_> = inside.filter_map(|shown| edit(desk, shown)).collect();
    // A setting may let everybody in, or end what asks for the password here.
    if let Some(first) = edits.first().filter(|_| !step_up::is_in_time(desk)) {
        return show_typed(desk, vec![step_up::at(field_of(&first.key))]).await;
    }
    match settings::change(desk.site(), &edits, &desk.actor()).await {
        Ok(()) => {
            let text = format!("{title}: saved. Every node has it within a second.");
            desk.done(text, &desk.site().path("/admin/settings"))
        }
        Err(error) => show_typed(desk, mendable(desk, error).await?).await,
    }
}

/// The page with what was typed, and what is wrong with it.
async fn show_typed(desk: &Desk<'_>, errors: Vec<FieldError>) -> Answer {
    let mut page = SettingsPage { errors, ..page(desk).await? };
    for field in page.groups.iter_mut().flat_map(|group| &mut group.fields) {
        if let Some(typed) = desk.form.sole(field.field) {
            typed.clone_into(&mut field.value);
            field.is_reset = is_reset(desk, field.key);
        }
    }
    desk.show_again(&page)
}

/// What the form asks of a setting; `None` if it stays as it is.
fn edit(desk: &Desk<'_>, shown: &Shown) -> Option<Edit> {
    let key = shown.setting.key.as_str();
    let typed = desk.form.sole(field_of(key))?;
    let to = if is_reset(desk, key) {
        None
    } else if same(typed, &text_of(&shown.value)) {
        return None;
    } else {
        Some(value_of(shown, typed))
    };
    let seen = desk.form.all("seen").find_map(|seen| {
        let (of, version) = seen.split_once(' ')?;
        version.parse().ok().filter(|_| of == key)
    });
    // A form that does not say what it was made from was made from nothing.
    Some(Edit { key: key.to_owned(), to, seen: Some(seen.unwrap_or(-1)) })
}

fn is_reset(desk: &Desk<'_>, key: &str) -> bool {
    desk.form.all("reset").any(|name| name == key)
}

/// Whether two texts are the same but for the ends of their lines.
fn same(one: &str, other: &str) -> bool {
    one.trim_end().lines().eq(other.trim_end().lines())
}

/// What was typed, as a list where the setting is one.
fn value_of(shown: &Shown, typed: &str) -> Value {
    if shown.setting.kind != SettingKind::List {
        return Value::from(typed.trim());
    }
    let lines = typed.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().into()
}

/// A value as it is typed.
pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text_of).collect::<Vec<_>>().join("\n"),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn is_of(key: &str, starts: &[&str]) -> bool {
    starts.iter().any(|start| key.starts_with(start))
}

async fn page(desk: &Desk<'_>) -> Result<SettingsPage, Stop> {
    let known = settings::all(desk.site());
    let stored = known.iter().filter_map(|shown| shown.stored.as_ref());
    let changed_by: BTreeSet<_> = stored.map(|row| row.changed_by.as_str()).collect();
    let mut names = HashMap::new();
    for by in changed_by {
        names.insert(by.to_owned(), rows::actor(desk, by).await?);
    }
    let group = |(id, title, starts): (&'static str, &'static str, &[&str])| {
        let inside = known.iter().filter(|shown| is_of(shown.setting.key.as_str(), starts));
        Group { id, title, fields: inside.map(|shown| field(desk, shown, &names)).collect() }
    };
    Ok(SettingsPage {
        chrome: desk.chrome(),
        console: desk.console(Section::Settings),
        groups: GROUPS.into_iter().map(group).collect(),
        accent: accent(desk),
        logos: logos(desk),
        looks: looks(desk),
        errors: Vec::new(),
    })
}

/// `names`: what to call those who have changed settings.
fn field(desk: &Desk<'_>, shown: &Shown, names: &HashMap<String, String>) -> SettingField {
    let setting = shown.setting;
    let entry = match setting.kind {
        _ if !setting.choices.is_empty() => Entry::Choice(offers(&setting.choices)),
        SettingKind::Integer => Entry::Number,
        SettingKind::List => Entry::Lines,
        SettingKind::Boolean => Entry::Choice(offers(&["false", "true"])),
        SettingKind::Text => Entry::Line,
    };
    let now = desk.site().now();
    let changed = shown.stored.as_ref();
    SettingField {
        key: setting.key.as_str(),
        field: field_of(&setting.key),
        label: label(&setting.key).to_owned(),
        hint: hint(shown),
        value: text_of(&shown.value),
        entry,
        fixed_by: shown.is_fixed().then(|| shown.origin.to_string()),
        version: shown.version(),
        default: text_of(&shown.default).replace('\n', ", "),
        changed: changed.map(|row| {
            let by = names.get(&row.changed_by).unwrap_or(&row.changed_by);
            (When::ago(row.changed_at, now), by.clone())
        }),
        problem: shown.problem.as_deref().map(sentence),
        is_reset: false,
    }
}

/// Values to choose from.
fn offers(values: &[impl AsRef<str>]) -> Vec<Offer> {
    let offer = |value: &str| Offer { value: value.to_owned(), words: choice(value) };
    values.iter().map(|value| offer(value.as_ref())).collect()
}

fn hint(shown: &Shown) -> String {
    let setting = shown.setting;
    // Marks of the reference page mean nothing here.
    let mut hint = setting.description.replace('`', "");
    if let (Some(low), Some(high)) = (setting.minimum, setting.maximum) {
        hint = format!("{hint} From {low} to {high}.");
    }
    if setting.kind == SettingKind::List {
        hint.push_str(" One a line.");
    }
    hint
}

/// The logos of the installation.
fn logos(desk: &Desk<'_>) -> Vec<PictureForm> {
    let settings = desk.site().settings();
    let form = |kind: LogoKind| {
        let (now, label, ground) = match kind {
            LogoKind::Light => (&settings.look.logos.light, "Logo", Ground::Light),
            LogoKind::Dark => (&settings.look.logos.dark, "Logo for dark pages", Ground::Dark),
        };
        PictureForm {
            id: kind.as_str(),
            label,
            action: format!("/admin/settings/logo/{}", kind.as_str()),
            src: now.as_ref().map(|logo| branding::picture_path(&logo.fingerprint)),
            room: OF_THE_BRAND,
            ground,
        }
    };
    LogoKind::ALL.map(form).into()
}

/// What the sign-in page looks like on both kinds of screens.
fn looks(desk: &Desk<'_>) -> Vec<Look> {
    let logo = branding::logo(&desk.site().settings().look.logos);
    let dark = logo.as_ref().and_then(|logo| logo.dark.as_ref());
    let light = logo.as_ref().map(|logo| &logo.plain);
    let can_sign_up = sign_up::is_open(desk.site());
    let look =
        |ground: Ground, logo: Option<&LogoFile>| Look { ground, logo: logo.cloned(), can_sign_up };
    vec![look(Ground::Light, light), look(Ground::Dark, dark.or(light))]
}

/// What becomes of the chosen colour.
fn accent(desk: &Desk<'_>) -> Vec<String> {
    let settings = desk.site().settings();
    let Some(accent) = Colour::parse(&settings.branding.accent).map(Accent::of) else {
        return Vec::new();
    };
    let told = |pages: &str, used: Used| {
        let Used { colour, is_changed, chosen_contrast, contrast } = used;
        if is_changed {
            format!(
                "{pages} pages use {colour} (contrast {contrast:.1} to 1): the chosen colour would \
                 have {chosen_contrast:.1} to 1, and text needs 4.5 to 1."
            )
        } else {
            format!("{pages} pages use {colour} (contrast {contrast:.1} to 1).")
        }
    };
    vec![told("Light", accent.on_light_pages()), told("Dark", accent.on_dark_pages())]
}

/// What the form can mend of an error.
async fn mendable(desk: &Desk<'_>, error: SettingError) -> Result<Vec<FieldError>, Stop> {
    let about = |key: &str, text: String| FieldError { field: field_of(key), text };
    match error {
        SettingError::Invalid(wrong) => {
            let told = wrong.iter().map(|wrong| about(&wrong.key, sentence(&wrong.problem)));
            Ok(told.collect())
        }
        SettingError::Changed { key, by } => {
            let by = match by {
                Some(by) => format!(" by {}", rows::actor(desk, &by).await?),
                None => String::new(),
            };
            let what = label(&key);
            let text = format!("{what} was changed meanwhile{by}. Look at it, and save once more.");
            Ok(vec![about(&key, text)])
        }
        SettingError::Fixed { key, origin } => {
            let text = format!(
                "{} is fixed by {origin}. Change it there, or take it away there and set it here.",
                label(&key)
            );
            Ok(vec![about(&key, text)])
        }
        SettingError::NotFound(_) => Err(Stop::NotFound),
        SettingError::NotYours => Err(Stop::Forbidden(NOT_YOURS)),
        SettingError::Failure(failure) => Err(Stop::Failure(failure)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_in_one_group() {
        for setting in runtime_settings() {
            let homes = GROUPS.iter().filter(|(_, _, starts)| is_of(&setting.key, starts));
            assert_eq!(homes.count(), 1, "{}", setting.key);
        }
    }
}
