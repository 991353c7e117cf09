//! `/api/v1/overview`: how things stand.

use super::call::Call;
use super::fault::Fault;
use super::reply::{Answer, Reply};
use super::views::overview::OverviewView;
use crate::service::overview::{self, Span};

pub(super) async fn show(call: &Call<'_>) -> Answer {
    let span = match call.query.sole("span") {
        None => Span::Day,
        Some(name) => {
            Span::from_name(name).ok_or_else(|| Fault::malformed("span is day, week or month."))?
        }
    };
    let found = overview::overview(call.site, span).await?;
    Reply::shown(OverviewView::from(found))
}
