//! `/admin/users/import`: many people from a file, and how far that is.

use actix_web::HttpResponse;
use actix_web::http::header;

use super::desk::{Answer, Desk, NOT_YOURS, Stop};
use super::people::sentence;
use super::table::ImportAction;
use crate::http::pages::admin::Section;
use crate::http::pages::admin::imports::{
    ImportForm, ImportNewest, ImportState, ImportView, UserImport,
};
use crate::http::pages::{FieldError, When};
use crate::http::render;
use crate::service::people::import::uploaded::{
    self, Doing, Ending, MOST_REJECTS, Order, Upload, UploadError,
};
use crate::service::people::import::{Duplicates, Mode};

/// The page of the form, and the one about the newest import, below the issuer.
const FORM: &str = "/admin/users/import";
const NEWEST: &str = "/admin/users/import/newest";

pub(super) async fn act(desk: &Desk<'_>, step: ImportAction) -> Answer {
    match step {
        ImportAction::Ask => ask(desk).await,
        ImportAction::Start => start(desk).await,
        ImportAction::Newest => newest(desk).await,
        ImportAction::Rejects => rejects(desk).await,
    }
}

async fn ask(desk: &Desk<'_>) -> Answer {
    desk.show(&page(desk, ImportForm::default(), None).await?)
}

async fn page(
    desk: &Desk<'_>,
    form: ImportForm,
    error: Option<FieldError>,
) -> Result<UserImport, Stop> {
    Ok(UserImport {
        chrome: desk.chrome(),
        console: desk.console(Section::People),
        form,
        most: render::in_bytes(desk.site().config.limits.import_bytes),
        has_newest: uploaded::newest(desk.site()).await?.is_some(),
        errors: error.into_iter().collect(),
    })
}

async fn start(desk: &Desk<'_>) -> Answer {
    let form = ImportForm {
        duplicates: desk.text("duplicates"),
        dry_run: desk.form.has("dry_run"),
        email_verified: desk.form.has("email_verified"),
    };
    let site = desk.site();
    let begun = match order(desk, &form) {
        Ok(order) => uploaded::begin(site.app(), order).await,
        Err(error) => return desk.show_again(&page(desk, form, Some(error)).await?),
    };
    match begun {
        Ok(()) => desk.done("The import has begun.", &site.path(NEWEST)),
        Err(UploadError::Taken) => {
            let text = "Another import is not through yet. Send your file again when it is.";
            desk.refused(text, &site.path(NEWEST))
        }
        Err(UploadError::Stopping) => {
            desk.refused("This server is stopping. Try again in a moment.", &site.path(FORM))
        }
        Err(UploadError::NotYours) => Err(Stop::Forbidden(NOT_YOURS)),
        Err(UploadError::Failure(failure)) => Err(Stop::Failure(failure)),
        Err(error @ (UploadError::NotText | UploadError::Unusable(_))) => {
            let error = at_file(sentence(&error.to_string()));
            desk.show_again(&page(desk, form, Some(error)).await?)
        }
    }
}

fn at_file(text: impl Into<String>) -> FieldError {
    FieldError { field: "file", text: text.into() }
}

/// What is to be done, as the form says.
fn order(desk: &Desk<'_>, form: &ImportForm) -> Result<Order, FieldError> {
    let duplicates = match form.duplicates.as_str() {
        "" | "fail" => Duplicates::Fail,
        "skip" => Duplicates::Skip,
        "update" => Duplicates::Update,
        _ => {
            let text = "Choose what becomes of people who are there already.".to_owned();
            return Err(FieldError { field: "duplicates", text });
        }
    };
    let sent = desk.spooled.take().filter(|sent| !sent.name.is_empty() || sent.length > 0);
    let sent = sent.ok_or_else(|| at_file("Choose a file."))?;
    if sent.length == 0 {
        return Err(at_file("The file is empty."));
    }
    Ok(Order {
        file: sent.file,
        length: sent.length,
        name: sent.name,
        duplicates,
        mode: if form.dry_run { Mode::DryRun } else { Mode::Write },
        trust_emails: form.email_verified,
        actor: desk.actor(),
    })
}

async fn newest(desk: &Desk<'_>) -> Answer {
    let now = desk.site().now();
    let upload = uploaded::newest(desk.site()).await?;
    desk.show(&ImportNewest {
        chrome: desk.chrome(),
        console: desk.console(Section::People),
        import: upload.map(|upload| {
            let doing = upload.doing(now);
            view(upload, doing, |at| When::ago(at, now))
        }),
    })
}

fn view(upload: Upload, doing: Doing, when: impl Fn(crate::clock::UnixTime) -> When) -> ImportView {
    let progress = &upload.progress;
    let (created, updated) = (progress.created, progress.updated);
    let (skipped, rejected) = (progress.skipped, progress.rejected);
    let state = match (doing, &upload.ending) {
        (Doing::Running, _) => ImportState::Running,
        (Doing::Ended, Some(Ending::Done)) => ImportState::Done,
        (Doing::Ended | Doing::Lost, _) => ImportState::Broken,
    };
    let percent = match state {
        ImportState::Done => 100,
        _ => upload.position.saturating_mul(100).checked_div(upload.length).unwrap_or_default(),
    };
    ImportView {
        state,
        is_dry_run: upload.mode == Mode::DryRun,
        percent: percent.min(100),
        read: created + updated + skipped + rejected,
        created,
        updated,
        skipped,
        rejected,
        rate: upload.rate().filter(|_| state != ImportState::Broken),
        began: when(upload.began_at),
        resumed: upload.resumed,
        trouble: trouble(&upload, doing),
        rejects: upload.rejects.into_iter().map(|left| (left.line, left.reason)).collect(),
        most_rejects: i64::try_from(MOST_REJECTS).unwrap_or(i64::MAX),
        name: upload.name,
    }
}

/// What went wrong and what to do about it; empty where nothing did.
fn trouble(upload: &Upload, doing: Doing) -> String {
    let again = match upload.mode {
        Mode::Write => "Send the same file again: it goes on where it stopped.",
        Mode::DryRun => "Send it again.",
    };
    match (&upload.ending, doing) {
        (Some(Ending::Done), _) | (None, Doing::Running | Doing::Ended) => String::new(),
        (None, Doing::Lost) => {
            format!("The server that did it has not been heard of for a while. {again}")
        }
        (Some(Ending::Duplicate { line, username }), _) => format!(
            "Line {line}: {username} is there already. Choose what becomes of such people. {again}"
        ),
        (Some(Ending::OpenQuote { line }), _) => format!(
            "A quoted cell begins in line {line} and does not end within a few lines, so nobody behind it was \
             read. Close the quote, and send the file with such people left as they are who are there by then."
        ),
        (Some(Ending::Busy), _) => format!("The database was too busy. {again}"),
        (Some(Ending::Stopped), _) => format!("The server was stopped. {again}"),
        (Some(Ending::Overtaken), _) => format!(
            "Somebody else imports the same file, perhaps at the command line. Wait until that is through. {again}"
        ),
        (Some(Ending::NotYours), _) => "Whoever had begun it may import people no more.".to_owned(),
        (Some(Ending::Failed), _) => {
            format!("It broke off; why is in the log of the server. {again}")
        }
    }
}

async fn rejects(desk: &Desk<'_>) -> Answer {
    let rejects = uploaded::rejects(desk.site()).await?;
    if rejects.is_empty() {
        return desk.refused("No line was left out.", &desk.site().path(NEWEST));
    }
    let mut lines = String::new();
    for reject in rejects {
        let line = serde_json::json!({ "line": reject.line, "reason": reject.reason });
        lines.push_str(&line.to_string());
        lines.push('\n');
    }
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/x-ndjson"))
        .insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"left-out.ndjson\""))
        .body(lines))
}
