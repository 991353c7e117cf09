//! `/admin/issuers`: issuers outside whose tokens count here.

use super::desk::{Answer, Desk, NOT_YOURS, Stop};
use super::people::sentence;
use super::rows;
use super::seen::{self, Of, Thing};
use crate::clock::{Seconds, UnixTime};
use crate::http::pages::admin::confirm::Confirm;
use crate::http::pages::admin::issuers::{
    IssuerCreate, IssuerDetail, IssuerForm, IssuerRow, IssuersList, SpeaksFor,
};
use crate::http::pages::admin::{Section, path_below};
use crate::http::pages::{FieldError, Undo, When};
use crate::protocol::scope::Scopes;
use crate::protocol::token::trusted_issuer::{
    Identity, IssuerProblem, IssuerSettings, Reuse, Rule, TrustedIssuer,
};
use crate::service::clients::Activity;
use crate::service::trusted_issuers::{self, IssuerError};

/// What is wrong with JSON is told in no more letters than this.
const MOST_CHARS: usize = 200;

pub(super) async fn list(desk: &Desk<'_>) -> Answer {
    let found = trusted_issuers::all(desk.site()).await?;
    desk.show(&IssuersList {
        chrome: desk.chrome(),
        console: desk.console(Section::Issuers),
        rows: found.iter().map(|issuer| row(desk, issuer)).collect(),
    })
}

fn row(desk: &Desk<'_>, issuer: &TrustedIssuer) -> IssuerRow {
    let of_apps = |rule: &Rule| rule.identity == Identity::Client;
    let apps_alone = issuer.settings.rules.iter().all(of_apps);
    IssuerRow {
        name: issuer.name.clone(),
        issuer: issuer.issuer.clone(),
        speaks_for: if apps_alone { SpeaksFor::Apps } else { SpeaksFor::People },
        state: rows::state(issuer.disabled_at),
        created: When::ago(issuer.created_at, desk.site().now()),
    }
}

pub(super) fn new(desk: &Desk<'_>) -> Answer {
    desk.show(&blank(desk))
}

fn blank(desk: &Desk<'_>) -> IssuerCreate {
    let form = IssuerForm { max_lifetime: "3600".to_owned(), ..IssuerForm::default() };
    IssuerCreate {
        chrome: desk.chrome(),
        console: desk.console(Section::Issuers),
        form,
        errors: Vec::new(),
    }
}

pub(super) async fn create(desk: &Desk<'_>) -> Answer {
    let form = read_form(desk, desk.text("name").trim().to_owned());
    let errors = match typed(&form) {
        Err(errors) => errors,
        Ok(issuer) => match trusted_issuers::create(desk.site(), issuer, &desk.actor()).await {
            Ok(made) => {
                let text = format!("{} is trusted from now on.", made.name);
                return desk.done(text, &path(desk, &made.name));
            }
            Err(error) => mendable(error)?,
        },
    };
    desk.show_again(&IssuerCreate { form, errors, ..blank(desk) })
}

pub(super) async fn show(desk: &Desk<'_>) -> Answer {
    let issuer = issuer(desk).await?;
    desk.show(&detail(desk, &issuer))
}

pub(super) async fn edit(desk: &Desk<'_>) -> Answer {
    let before = issuer(desk).await?;
    let form = read_form(desk, before.name.clone());
    if !seen::is_of(desk, &stored(&before)) {
        return stale(desk, &before, form).await;
    }
    let errors = match typed(&form) {
        Err(errors) => errors,
        Ok(after) => {
            match trusted_issuers::update_if(desk.site(), &before, after, &desk.actor()).await {
                Ok(Some(saved)) => {
                    let text = format!("{} is saved.", saved.name);
                    return desk.done(text, &path(desk, &saved.name));
                }
                Ok(None) => return stale(desk, &issuer(desk).await?, form).await,
                Err(error) => mendable(error)?,
            }
        }
    };
    desk.show_again(&IssuerDetail { form, errors, ..detail(desk, &before) })
}

/// Somebody else has changed it since the form was made.
async fn stale(desk: &Desk<'_>, now: &TrustedIssuer, form: IssuerForm) -> Answer {
    let kinds = &["issuer.updated"];
    let thing = Thing { name: &now.name, kinds, of: Of::Detail("name", &now.name) };
    let errors = seen::changed(desk, &thing, (&stored(now), &form)).await?;
    desk.show_again(&IssuerDetail { form, errors, ..detail(desk, now) })
}

fn detail(desk: &Desk<'_>, issuer: &TrustedIssuer) -> IssuerDetail {
    IssuerDetail {
        chrome: desk.chrome(),
        console: desk.console(Section::Issuers),
        issuer: row(desk, issuer),
        seen: seen::mark(desk, &stored(issuer)),
        form: stored(issuer),
        errors: Vec::new(),
    }
}

/// The issuer in the path.
async fn issuer(desk: &Desk<'_>) -> Result<TrustedIssuer, Stop> {
    trusted_issuers::get(desk.site(), &desk.id).await.map_err(stop)
}

fn stop(error: IssuerError) -> Stop {
    match error {
        IssuerError::Failure(failure) => Stop::Failure(failure),
        IssuerError::NotYours => Stop::Forbidden(NOT_YOURS),
        IssuerError::NotFound | IssuerError::Taken | IssuerError::Invalid(_) => Stop::NotFound,
    }
}

/// What the form can mend of an error.
fn mendable(error: IssuerError) -> Result<Vec<FieldError>, Stop> {
    match error {
        IssuerError::Invalid(problems) => Ok(problems.iter().map(field_error).collect()),
        IssuerError::Taken => {
            let text = "An issuer of this name, or with this iss, is trusted already.".to_owned();
            Ok(vec![FieldError { field: "issuer", text }])
        }
        other => Err(stop(other)),
    }
}

/// Where on the form a problem is shown.
fn field_error(problem: &IssuerProblem) -> FieldError {
    let IssuerProblem { field, problem } = problem;
    let said = |label: &str| format!("{label} {problem}.");
    match *field {
        "name" => FieldError { field: "name", text: said("The name") },
        "issuer" => FieldError { field: "issuer", text: said("The issuer") },
        field @ ("jwks" | "jwks_uri") => {
            FieldError { field, text: sentence(&format!("keys: {problem}")) }
        }
        "max_lifetime" => FieldError { field: "max_lifetime", text: said("The lifetime") },
        _ => FieldError { field: "rules", text: sentence(&format!("rules: {problem}")) },
    }
}

pub(super) async fn enable(desk: &Desk<'_>) -> Answer {
    let name = set_activity(desk, Activity::Enabled).await?;
    desk.done(format!("The word of {name} counts again."), &path(desk, &name))
}

pub(super) async fn ask_disable(desk: &Desk<'_>) -> Answer {
    let effects = [
        "Its tokens get nobody in any more. What was issued on its word lives until it expires, an \
         hour at most.",
        "You can enable it again as it is.",
    ];
    ask(desk, ("Disable", "disable"), &effects).await
}

pub(super) async fn disable(desk: &Desk<'_>) -> Answer {
    let name = set_activity(desk, Activity::Disabled).await?;
    let to = path(desk, &name);
    let undo = Undo { path: format!("{to}/enable"), fields: Vec::new() };
    desk.done_undoably(format!("{name} is disabled: its word counts no more."), &to, undo)
}

async fn set_activity(desk: &Desk<'_>, activity: Activity) -> Result<String, Stop> {
    let changed =
        trusted_issuers::set_activity(desk.site(), &desk.id, activity, &desk.actor()).await;
    changed.map(|issuer| issuer.name).map_err(stop)
}

pub(super) async fn ask_delete(desk: &Desk<'_>) -> Answer {
    let effects = [
        "Programs that rely on it get no tokens any more. What was issued on its word lives until it \
         expires, an hour at most.",
        "It cannot be undone. To keep its rules for later, disable it instead.",
    ];
    ask(desk, ("Delete", "delete"), &effects).await
}

pub(super) async fn delete(desk: &Desk<'_>) -> Answer {
    let gone = trusted_issuers::delete(desk.site(), &desk.id, &desk.actor()).await.map_err(stop)?;
    desk.done(format!("{} is trusted no more.", gone.name), &desk.site().path("/admin/issuers"))
}

async fn ask(desk: &Desk<'_>, (verb, step): (&str, &str), effects: &[&str]) -> Answer {
    let issuer = issuer(desk).await?;
    let path = path(desk, &issuer.name);
    desk.show(&Confirm {
        chrome: desk.chrome(),
        console: desk.console(Section::Issuers),
        heading: format!("{verb} {}?", issuer.name),
        effects: effects.iter().map(|text| (*text).to_owned()).collect(),
        action: format!("{path}/{step}"),
        hidden: Vec::new(),
        choices: Vec::new(),
        button: format!("{verb} {}", issuer.name),
        cancel: path,
    })
}

fn path(desk: &Desk<'_>, name: &str) -> String {
    path_below(&desk.site().base, "/admin/issuers/", name)
}

/// What the form shows of an issuer.
fn stored(issuer: &TrustedIssuer) -> IssuerForm {
    let settings = &issuer.settings;
    let pretty = |value: Result<String, serde_json::Error>| value.unwrap_or_default();
    IssuerForm {
        name: issuer.name.clone(),
        issuer: issuer.issuer.clone(),
        jwks_uri: settings.jwks_uri.clone().unwrap_or_default(),
        jwks: settings
            .jwks
            .as_ref()
            .map(serde_json::to_string_pretty)
            .map_or_else(String::new, pretty),
        audience: settings.audience.join("\n"),
        scope: settings.scope.as_ref().map(ToString::to_string).unwrap_or_default(),
        max_lifetime: settings.max_lifetime.to_string(),
        allow_reuse: settings.reuse == Reuse::Allowed,
        rules: pretty(serde_json::to_string_pretty(&settings.rules)),
    }
}

fn read_form(desk: &Desk<'_>, name: String) -> IssuerForm {
    IssuerForm {
        name,
        issuer: desk.text("issuer"),
        jwks_uri: desk.text("jwks_uri"),
        jwks: desk.text("jwks"),
        audience: desk.text("audience"),
        scope: desk.text("scope"),
        max_lifetime: desk.text("max_lifetime"),
        allow_reuse: desk.form.has("allow_reuse"),
        rules: desk.text("rules"),
    }
}

/// What was typed, or what cannot be read of it.
fn typed(form: &IssuerForm) -> Result<TrustedIssuer, Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut wrong = |field, text: String| errors.push(FieldError { field, text });
    let jwks = json::<serde_json::Value>(&form.jwks);
    if let Err(problem) = &jwks {
        wrong("jwks", format!("The keys are no JSON: {problem}."));
    }
    let rules = json::<Vec<Rule>>(&form.rules);
    if let Err(problem) = &rules {
        wrong("rules", format!("The rules cannot be read: {problem}."));
    }
    let scope = (!form.scope.trim().is_empty()).then(|| Scopes::parse(form.scope.trim()));
    if scope == Some(None) {
        wrong("scope", "Write scopes without quotes, backslashes and accents.".to_owned());
    }
    let max_lifetime = form.max_lifetime.trim().parse::<Seconds>();
    if max_lifetime.is_err() {
        wrong("max_lifetime", "Write a whole number of seconds, such as 3600.".to_owned());
    }
    let (Ok(jwks), Ok(rules), Ok(max_lifetime), true) =
        (jwks, rules, max_lifetime, errors.is_empty())
    else {
        return Err(errors);
    };
    let lines = form.audience.lines().map(str::trim).filter(|line| !line.is_empty());
    Ok(TrustedIssuer {
        name: form.name.clone(),
        issuer: form.issuer.trim().to_owned(),
        settings: IssuerSettings {
            jwks,
            jwks_uri: Some(form.jwks_uri.trim().to_owned()).filter(|uri| !uri.is_empty()),
            audience: lines.map(str::to_owned).collect(),
            scope: scope.flatten(),
            max_lifetime,
            reuse: if form.allow_reuse { Reuse::Allowed } else { Reuse::Once },
            rules: rules.unwrap_or_default(),
        },
        created_at: UnixTime::default(),
        disabled_at: None,
    })
}

/// A field with JSON; `None` when it is empty.
fn json<T: serde::de::DeserializeOwned>(text: &str) -> Result<Option<T>, String> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let cut = |error: serde_json::Error| error.to_string().chars().take(MOST_CHARS).collect();
    serde_json::from_str(text).map(Some).map_err(cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> IssuerForm {
        IssuerForm {
            name: "cluster".into(),
            issuer: " https://cluster.test ".into(),
            jwks_uri: "https://cluster.test/keys".into(),
            audience: "a\r\n\r\n b \n".into(),
            scope: "backup.run".into(),
            max_lifetime: "600".into(),
            rules: r#"[{"client_id": "backup", "match": {"sub": "x:*"}}]"#.into(),
            ..IssuerForm::default()
        }
    }

    #[test]
    fn what_was_typed_comes_back_from_what_is_stored() {
        let issuer = typed(&form()).unwrap();
        assert_eq!(
            (issuer.issuer.as_str(), issuer.settings.audience.len()),
            ("https://cluster.test", 2)
        );
        assert_eq!(typed(&stored(&issuer)).unwrap(), issuer);
    }

    #[test]
    fn everything_that_cannot_be_read_is_said_at_once_and_in_few_words() {
        let bad = IssuerForm {
            jwks: "{".into(),
            rules: format!(r#"[{{"client_id": "a", "match": {{}}, "{}": 1}}]"#, "x".repeat(5_000)),
            scope: "\"".into(),
            max_lifetime: "soon".into(),
            ..form()
        };
        let errors = typed(&bad).unwrap_err();
        let fields: Vec<_> = errors.iter().map(|error| error.field).collect();
        assert_eq!(fields, ["jwks", "rules", "scope", "max_lifetime"]);
        assert!(errors.iter().all(|error| error.text.chars().count() < 300), "{errors:?}");
    }
}
