//! `/api/v1/settings`: settings that may change while servers run.

use serde_json::Value;

use super::call::Call;
use super::fault::Fault;
use super::reply::{Answer, Reply};
use super::sent;
use super::views::service::{SettingValue, SettingView};
use crate::service::failure::EndpointError;
use crate::service::settings::{self, Edit, Shown};

pub(super) fn list(call: &Call<'_>) -> Answer {
    let rows = settings::all(call.site).into_iter().map(|shown| {
        let place = shown.setting.key.clone();
        (SettingView::from(shown), place)
    });
    call.page(rows.collect(), i64::MAX)
}

pub(super) fn show(call: &Call<'_>) -> Answer {
    let found = settings::get(call.site, &call.id)?;
    Ok(Reply::shown(SettingView::from(found))?.tagged())
}

/// As it is shown, to make its tag from.
fn shown(setting: &Shown) -> Result<Value, Fault> {
    let shown = serde_json::to_value(SettingView::from(setting.clone()));
    shown.map_err(|error| Fault::Endpoint(EndpointError::from(error)))
}

pub(super) async fn put(call: &Call<'_>) -> Answer {
    let before = settings::get(call.site, &call.id)?;
    call.made_from(&shown(&before)?)?;
    let SettingValue { value } = sent::parsed(&call.body)?;
    let edit = Edit { key: call.id.clone(), to: Some(value), seen: Some(before.version()) };
    settings::change(call.site, &[edit], call.actor()).await?;
    show(call)
}

pub(super) async fn delete(call: &Call<'_>) -> Answer {
    let before = settings::get(call.site, &call.id)?;
    call.made_from_if_said(&shown(&before)?)?;
    let edit = Edit { key: call.id.clone(), to: None, seen: Some(before.version()) };
    settings::change(call.site, &[edit], call.actor()).await?;
    Reply::done()
}
