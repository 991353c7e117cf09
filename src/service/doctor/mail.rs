//! The mail server: whether it can be reached, agrees on TLS and takes the password.

use super::Finding;
use crate::mail::Mailer;

pub(super) async fn check(mailer: &Mailer) -> Finding {
    match mailer.check().await {
        Ok(()) => Finding::fine("mail", "the mail server lets us in"),
        Err(fault) => Finding::failure("mail", format!("{fault}; check the settings below [mail]")),
    }
}
