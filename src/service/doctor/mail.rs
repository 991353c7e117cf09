//! The mail server: whether it can be reached, agrees on TLS and takes the password; or the directory that stands
//! in for one.

use super::Finding;
use crate::mail::Mailer;

pub(super) async fn check(mailer: &Mailer) -> Finding {
    match mailer.check().await {
        Ok(()) => Finding::fine("mail", found(mailer)),
        Err(fault) => Finding::failure("mail", format!("{fault}; check the settings below [mail]")),
    }
}

fn found(mailer: &Mailer) -> String {
    match mailer.folder() {
        Some(folder) => format!("letters are written into {} and reach nobody", folder.display()),
        None => "the mail server lets us in".to_owned(),
    }
}
