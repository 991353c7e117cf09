//! `/api/v1/configuration`: what the server that answers runs with.

use super::call::Call;
use super::reply::{Answer, Reply};
use super::views::configuration::ConfigurationView;
use crate::service::configuration;

pub(super) async fn show(call: &Call<'_>) -> Answer {
    Reply::shown(ConfigurationView::from(Box::pin(configuration::look(call.site)).await))
}
