//! `/api/v1/mail`: a test letter.

use super::call::Call;
use super::reply::{Answer, Reply};
use super::sent;
use super::views::service::{MailTest, MailTestWish};
use crate::service::mail;

pub(super) async fn test(call: &Call<'_>) -> Answer {
    let wish: MailTestWish = sent::parsed(&call.body)?;
    let tested = mail::send_test(call.site, wish.to.as_deref(), call.actor()).await?;
    Reply::shown(MailTest::from(tested))
}
