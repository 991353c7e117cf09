//! `/admin/backup`: when the last backup was made and how, and one to download.

use std::fs::File;
use std::io::Read as _;

use actix_web::HttpResponse;
use actix_web::body::SizedStream;
use actix_web::http::header;
use actix_web::web::{self, Bytes};

use super::desk::{Answer, Desk, Stop};
use super::rows;
use crate::http::pages::admin::Section;
use crate::http::pages::admin::backup::Backup;
use crate::service::audit;
use crate::service::backup::{self, BackupError};
use crate::service::failure::Failure;
use crate::store::audit::AuditFilter;

/// How many of the last ones are shown.
const SHOWN: i64 = 5;
/// Bytes on their way at once.
const PIECE: usize = 256 * 1024;

pub(super) async fn show(desk: &Desk<'_>) -> Answer {
    let filter = AuditFilter {
        kind: Some("backup.made".to_owned()),
        limit: SHOWN,
        ..AuditFilter::default()
    };
    let made = audit::list(desk.site(), &filter).await?;
    desk.show(&Backup {
        chrome: desk.chrome(),
        console: desk.console(Section::Backup),
        made: rows::events(desk, made).await?,
    })
}

/// Makes one and sends it: first as a whole into a file that nobody can open and that is gone when the
/// download ends, so that a backup that fails half-way is never taken for one.
pub(super) async fn download(desk: &Desk<'_>) -> Answer {
    let made = backup::download(desk.site().app(), &desk.actor()).await;
    let (file, bytes) = match made {
        Ok(made) => made,
        Err(BackupError::Io(error)) => {
            tracing::warn!(%error, "a backup could not be written");
            let text = "There is no room for a backup in the data directory of this node, or it may not \
                        be written to. Make one with the command line.";
            return desk.refused(text, &desk.site().path("/admin/backup"));
        }
        Err(BackupError::Store(error)) => return Err(Stop::Failure(error.into())),
        Err(other) => return Err(Stop::Failure(Failure::Internal(other.to_string()))),
    };
    let name = format!("doorward-{}.tar", desk.site().now().rfc3339().replace(':', "-"));
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/x-tar"))
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .body(SizedStream::new(bytes, pieces(file))))
}

/// A file in pieces, read off the threads that answer.
fn pieces(file: File) -> impl futures_util::Stream<Item = std::io::Result<Bytes>> {
    futures_util::stream::try_unfold(file, |mut file| async move {
        let read = web::block(move || {
            let mut piece = Vec::with_capacity(PIECE);
            let limit = u64::try_from(PIECE).unwrap_or(u64::MAX);
            file.by_ref().take(limit).read_to_end(&mut piece)?;
            Ok::<_, std::io::Error>((Bytes::from(piece), file))
        });
        let (piece, file) = read.await.map_err(std::io::Error::other)??;
        Ok((!piece.is_empty()).then_some((piece, file)))
    })
}
