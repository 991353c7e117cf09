//! `/admin/upstream`: providers elsewhere at which people of ours have an account.

use super::desk::{Answer, Desk, NOT_YOURS, Stop};
use super::named::{self, Loss};
use super::rows;
use super::seen::{self, Of, Thing};
use super::table::UpstreamAction;
use super::upstream_forms::{mendable, of_settings, read_form, stored, typed, typed_secret};
use crate::http::pages::admin::confirm::Confirm;
use crate::http::pages::admin::upstream::{
    CheckRow, PersonRow, UpstreamCreate, UpstreamDetail, UpstreamForm, UpstreamList, UpstreamRow,
    UpstreamSecret, Verdict as Shown,
};
use crate::http::pages::admin::{Section, path_below};
use crate::http::pages::{FieldError, Undo, When};
use crate::protocol::check::{Check, Verdict};
use crate::service::clients::Activity;
use crate::service::upstream::{
    self, NewUpstream, UpstreamChange, UpstreamError, UpstreamKind, UpstreamProvider,
    UpstreamSettings, preview,
};

/// Does what an address stands for.
pub(super) async fn act(desk: &Desk<'_>, step: UpstreamAction) -> Answer {
    match step {
        UpstreamAction::List => list(desk).await,
        UpstreamAction::New => new(desk),
        UpstreamAction::Create => create(desk).await,
        UpstreamAction::Show => show(desk).await,
        UpstreamAction::Edit => edit(desk).await,
        UpstreamAction::AskSecret => ask_secret(desk).await,
        UpstreamAction::SetSecret => set_secret(desk).await,
        UpstreamAction::Test => test(desk).await,
        UpstreamAction::Preview => show_person(desk).await,
        UpstreamAction::Enable => enable(desk).await,
        UpstreamAction::AskDisable => ask_disable(desk).await,
        UpstreamAction::Disable => disable(desk).await,
        UpstreamAction::AskDelete => ask_delete(desk).await,
        UpstreamAction::Delete => delete(desk).await,
    }
}

async fn list(desk: &Desk<'_>) -> Answer {
    let found = upstream::all(desk.site()).await?;
    desk.show(&UpstreamList {
        chrome: desk.chrome(),
        console: desk.console(Section::Upstream),
        rows: found.iter().map(|provider| row(desk, provider)).collect(),
    })
}

fn row(desk: &Desk<'_>, provider: &UpstreamProvider) -> UpstreamRow {
    UpstreamRow {
        id: provider.id.clone(),
        slug: provider.slug.clone(),
        display_name: provider.display_name.clone(),
        kind: match provider.kind {
            UpstreamKind::Oidc => "OpenID Connect",
        },
        issuer: provider.issuer.clone(),
        state: rows::state(provider.disabled_at),
        created: When::ago(provider.created_at, desk.site().now()),
    }
}

fn new(desk: &Desk<'_>) -> Answer {
    desk.show(&blank(desk))
}

fn blank(desk: &Desk<'_>) -> UpstreamCreate {
    UpstreamCreate {
        chrome: desk.chrome(),
        console: desk.console(Section::Upstream),
        form: of_settings(&UpstreamSettings::default()),
        errors: Vec::new(),
    }
}

async fn create(desk: &Desk<'_>) -> Answer {
    let form = read_form(desk);
    let errors = match typed(&form) {
        Err(errors) => errors,
        Ok(settings) => {
            let new = NewUpstream {
                slug: form.slug.clone(),
                kind: UpstreamKind::Oidc,
                issuer: form.issuer.clone(),
                display_name: form.display_name.clone(),
                client_id: form.client_id.clone(),
                settings,
                secret: typed_secret(desk),
            };
            match upstream::create(desk.site(), new, &desk.actor()).await {
                Ok(made) => {
                    let text = format!("{} is added. Test the connection next.", made.display_name);
                    return desk.done(text, &path(desk, &made));
                }
                Err(error) => mendable(error)?,
            }
        }
    };
    desk.show_again(&UpstreamCreate { form, errors: secret_again(errors), ..blank(desk) })
}

/// A secret that was typed is not sent back: whoever mends another field types it once more, and is told so.
fn secret_again(mut errors: Vec<FieldError>) -> Vec<FieldError> {
    if errors.iter().all(|error| error.field != "client_secret") {
        let text = "Type the secret once more: it is not shown again.".to_owned();
        errors.push(FieldError { field: "client_secret", text });
    }
    errors
}

async fn show(desk: &Desk<'_>) -> Answer {
    let provider = provider(desk).await?;
    desk.show(&detail(desk, &provider))
}

async fn edit(desk: &Desk<'_>) -> Answer {
    let before = provider(desk).await?;
    let form = UpstreamForm {
        slug: before.slug.clone(),
        issuer: before.issuer.clone(),
        ..read_form(desk)
    };
    if !seen::is_of(desk, &stored(&before)) {
        return stale(desk, &before, form).await;
    }
    let errors = match typed(&form) {
        Err(errors) => errors,
        Ok(settings) => {
            let change = UpstreamChange {
                display_name: form.display_name.clone(),
                client_id: form.client_id.clone(),
                settings,
                secret: None,
            };
            match upstream::update_if(desk.site(), &before, (change, &desk.actor())).await {
                Ok(Some(saved)) => {
                    let text = format!("{} is saved.", saved.display_name);
                    return desk.done(text, &path(desk, &saved));
                }
                Ok(None) => return stale(desk, &provider(desk).await?, form).await,
                Err(error) => mendable(error)?,
            }
        }
    };
    desk.show_again(&UpstreamDetail { form, errors, ..detail(desk, &before) })
}

/// Somebody else has changed it since the form was made.
async fn stale(desk: &Desk<'_>, now: &UpstreamProvider, form: UpstreamForm) -> Answer {
    let kinds = &["upstream_provider.updated"];
    let thing = Thing { name: &now.display_name, kinds, of: Of::Detail("upstream", &now.slug) };
    let errors = seen::changed(desk, &thing, (&stored(now), &form)).await?;
    desk.show_again(&UpstreamDetail { form, errors, ..detail(desk, now) })
}

fn detail(desk: &Desk<'_>, provider: &UpstreamProvider) -> UpstreamDetail {
    UpstreamDetail {
        chrome: desk.chrome(),
        console: desk.console(Section::Upstream),
        provider: row(desk, provider),
        seen: seen::mark(desk, &stored(provider)),
        form: stored(provider),
        checks: Vec::new(),
        claims: String::new(),
        person: Vec::new(),
        errors: Vec::new(),
    }
}

async fn ask_secret(desk: &Desk<'_>) -> Answer {
    let provider = provider(desk).await?;
    desk.show(&secret_page(desk, &provider))
}

fn secret_page(desk: &Desk<'_>, provider: &UpstreamProvider) -> UpstreamSecret {
    UpstreamSecret {
        chrome: desk.chrome(),
        console: desk.console(Section::Upstream),
        id: provider.id.clone(),
        display_name: provider.display_name.clone(),
        errors: Vec::new(),
    }
}

async fn set_secret(desk: &Desk<'_>) -> Answer {
    let before = provider(desk).await?;
    let secret = Some(typed_secret(desk));
    let change = UpstreamChange { secret, ..UpstreamChange::none(&before) };
    let errors = match upstream::update_if(desk.site(), &before, (change, &desk.actor())).await {
        Ok(Some(saved)) => {
            let text = format!("The secret for {} is kept.", saved.display_name);
            return desk.done(text, &path(desk, &saved));
        }
        // What else is stored of it would be undone with it.
        Ok(None) => {
            let text = "Somebody else changed the provider at this moment. Type the secret again.";
            vec![FieldError { field: "client_secret", text: text.to_owned() }]
        }
        Err(error) => mendable(error)?,
    };
    desk.show_again(&UpstreamSecret { errors, ..secret_page(desk, &before) })
}

async fn test(desk: &Desk<'_>) -> Answer {
    let tested = upstream::test(desk.site(), &desk.id, &desk.actor()).await;
    let (provider, checks) = tested.map_err(stop)?;
    let checks = checks.into_iter().map(check_row).collect();
    desk.show(&UpstreamDetail { checks, ..detail(desk, &provider) })
}

pub(super) fn check_row(check: Check) -> CheckRow {
    let verdict = match check.verdict {
        Verdict::Ok => Shown::Ok,
        Verdict::Warning => Shown::Warning,
        Verdict::Failed => Shown::Failed,
    };
    CheckRow { about: check.about, verdict, said: check.said }
}

async fn show_person(desk: &Desk<'_>) -> Answer {
    let provider = provider(desk).await?;
    let claims = desk.text("claims");
    let page = UpstreamDetail { claims: claims.clone(), ..detail(desk, &provider) };
    match preview::of(&provider.settings, &claims) {
        Ok(lines) => {
            let row = |line: preview::Line| PersonRow {
                about: line.about,
                claim: line.claim,
                value: line.values.join("\n"),
                note: line.note,
            };
            let person = lines.into_iter().map(row).collect();
            desk.show(&UpstreamDetail { person, ..page })
        }
        Err(problem) => {
            let errors =
                vec![FieldError { field: "claims", text: format!("The claims {problem}.") }];
            desk.show_again(&UpstreamDetail { errors, ..page })
        }
    }
}

async fn enable(desk: &Desk<'_>) -> Answer {
    let provider = set_activity(desk, Activity::Enabled).await?;
    desk.done(format!("{} is enabled.", provider.display_name), &path(desk, &provider))
}

async fn ask_disable(desk: &Desk<'_>) -> Answer {
    let effects = ["Nobody will be able to sign in with it.", "You can enable it again as it is."];
    ask(desk, ("Disable", "disable"), &effects).await
}

async fn disable(desk: &Desk<'_>) -> Answer {
    let provider = set_activity(desk, Activity::Disabled).await?;
    let to = path(desk, &provider);
    let undo = Undo { path: format!("{to}/enable"), fields: Vec::new() };
    desk.done_undoably(format!("{} is disabled.", provider.display_name), &to, undo)
}

async fn set_activity(desk: &Desk<'_>, activity: Activity) -> Result<UpstreamProvider, Stop> {
    let change = (activity, &desk.actor());
    upstream::set_activity(desk.site(), &desk.id, change).await.map_err(stop)
}

async fn ask_delete(desk: &Desk<'_>) -> Answer {
    named::ask(desk, loss(desk, &provider(desk).await?))
}

fn loss(desk: &Desk<'_>, provider: &UpstreamProvider) -> Loss {
    Loss {
        section: Section::Upstream,
        named: provider.display_name.clone(),
        word: provider.display_name.clone(),
        effects: vec!["What is written about it is deleted, and so is its secret.".to_owned()],
        instead: named::DISABLE,
        path: path(desk, provider),
    }
}

async fn delete(desk: &Desk<'_>) -> Answer {
    let provider = provider(desk).await?;
    if !named::is_typed(desk, &provider.display_name) {
        return named::ask_again(desk, loss(desk, &provider));
    }
    let gone = upstream::delete(desk.site(), &provider.id, &desk.actor()).await.map_err(stop)?;
    desk.done(format!("{} is deleted.", gone.display_name), &desk.site().path("/admin/upstream"))
}

async fn ask(desk: &Desk<'_>, (verb, step): (&str, &str), effects: &[&str]) -> Answer {
    let provider = provider(desk).await?;
    let path = path(desk, &provider);
    desk.show(&Confirm {
        chrome: desk.chrome(),
        console: desk.console(Section::Upstream),
        heading: format!("{verb} {}?", provider.display_name),
        effects: effects.iter().map(|text| (*text).to_owned()).collect(),
        action: format!("{path}/{step}"),
        hidden: Vec::new(),
        choices: Vec::new(),
        button: format!("{verb} {}", provider.display_name),
        cancel: path,
    })
}

/// The provider in the path.
async fn provider(desk: &Desk<'_>) -> Result<UpstreamProvider, Stop> {
    upstream::get(desk.site(), &desk.id).await.map_err(stop)
}

pub(super) fn stop(error: UpstreamError) -> Stop {
    match error {
        UpstreamError::Failure(failure) => Stop::Failure(failure),
        UpstreamError::NotYours => Stop::Forbidden(NOT_YOURS),
        UpstreamError::NotFound | UpstreamError::Taken | UpstreamError::Invalid(_) => {
            Stop::NotFound
        }
    }
}

fn path(desk: &Desk<'_>, provider: &UpstreamProvider) -> String {
    path_below(&desk.site().base, "/admin/upstream/", &provider.id)
}
