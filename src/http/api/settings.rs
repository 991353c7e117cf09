//! `/api/v1/settings`: settings that may change while servers run.

use super::call::Call;
use super::reply::{Answer, Reply};
use super::sent;
use super::views::service::{SettingValue, SettingView};
use crate::service::settings::{self, Edit};

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

pub(super) async fn put(call: &Call<'_>) -> Answer {
    let before = settings::get(call.site, &call.id)?;
    call.made_from(SettingView::from(before.clone()))?;
    let SettingValue { value } = sent::parsed(&call.body)?;
    let edit = Edit { key: call.id.clone(), to: Some(value), seen: Some(before.version()) };
    settings::change(call.site, &[edit], call.actor()).await?;
    show(call)
}

pub(super) async fn delete(call: &Call<'_>) -> Answer {
    let before = settings::get(call.site, &call.id)?;
    call.made_from_if_said(SettingView::from(before.clone()))?;
    let edit = Edit { key: call.id.clone(), to: None, seen: Some(before.version()) };
    settings::change(call.site, &[edit], call.actor()).await?;
    Reply::done()
}
