//! `docs/configuration.md`, written from the catalog so that it cannot lie.

use std::fmt::Write as _;

use super::catalog::{Setting, sections, settings};
use super::runtime::is_runtime;

const HEAD: &str = "\
# Configuration

<!-- Made by `doorward config schema --markdown > docs/configuration.md`. Do not edit. -->

Every setting has a default: `doorward` starts without any file. Values are looked up in this
order, and the first one found wins:

1. flags of the command line,
2. environment variables: `DOORWARD_` and the setting's path with `__` between levels, so
   `server.listen` is `DOORWARD_SERVER__LISTEN`. Lists are separated by commas. An empty variable
   counts as not set,
3. `$CREDENTIALS_DIRECTORY/<setting>` (systemd's `LoadCredential=`), for secrets,
4. files: those given with `--config`, or `$DOORWARD_CONFIG`, or `./doorward.toml`, or
   `/etc/doorward/doorward.toml`,
5. the defaults below.

A setting marked *live* may also be set while servers run: in the console, with `doorward setting set session.idle 1800`
or at the REST API. What was set that way is kept in the database and comes right before the defaults, so
whatever fixes the setting elsewhere wins; every node follows within a second.

Lifetimes are whole seconds. A setting marked *secret* can also be read from a file: add `_file`
to its name (`_FILE` to its variable). One newline at the end of that file is ignored. Unknown
settings are errors. `doorward config check` says what is wrong, `doorward config show --origin`
where each value comes from, and `doorward config schema` prints a JSON Schema for editors.

```toml
# doorward.toml
issuer = \"https://id.example.com\"

[server]
listen = [\"127.0.0.1:8080\"]
trusted_proxies = [\"127.0.0.1\"]

[database]
url_file = \"/run/secrets/database_url\"

[redis]
url = \"redis://localhost:6379\"

[secrets]
master_key_file = \"/run/secrets/master_key\"
```
";

/// The reference page of every setting, in Markdown.
#[must_use]
pub fn markdown() -> String {
    let mut page = HEAD.to_owned();
    table(&mut page, "General", "", settings().values().filter(|s| !s.key.contains('.')));
    for (section, description) in sections() {
        let inside = settings()
            .values()
            .filter(|s| s.key.split_once('.').is_some_and(|(name, _)| name == section));
        table(&mut page, &format!("`[{section}]`"), &description, inside);
    }
    page
}

fn table<'a>(
    page: &mut String,
    title: &str,
    description: &str,
    rows: impl Iterator<Item = &'a Setting>,
) {
    // Writing to a string cannot fail.
    let _ = write!(page, "\n## {title}\n\n");
    if !description.is_empty() {
        let _ = write!(page, "{description}\n\n");
    }
    page.push_str("| setting | variable | default | meaning |\n|---|---|---|---|\n");
    for setting in rows {
        let Setting { key, default, .. } = setting;
        let _ = writeln!(
            page,
            "| `{key}` | `{}` | {default} | {} |",
            setting.variable(),
            meaning(setting)
        );
    }
}

fn meaning(setting: &Setting) -> String {
    let mut text = setting.description.replace('|', "\\|");
    if !setting.choices.is_empty() {
        let _ = write!(text, " One of `{}`.", setting.choices.join("`, `"));
    }
    if let (Some(low), Some(high)) = (setting.minimum, setting.maximum) {
        let _ = write!(text, " {low} to {high}.");
    }
    if setting.secret {
        text.push_str(" *Secret.*");
    }
    if is_runtime(&setting.key) {
        text.push_str(" *Live.*");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_page_is_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/configuration.md");
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed == markdown(),
            "docs/configuration.md is out of date. Refresh it with:\n\
             cargo run -- config schema --markdown > docs/configuration.md"
        );
    }

    #[test]
    fn the_reference_page_names_every_setting() {
        let page = markdown();
        for key in settings().keys() {
            assert!(page.contains(&format!("| `{key}` |")), "{key} is missing");
        }
    }
}
