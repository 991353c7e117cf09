//! The order of a list that its address asks for, and the place where its next page begins.

use super::desk::Desk;
use crate::clock::UnixTime;
use crate::http::pages::admin::sorting::Sort;
use crate::store::Cursor;
use crate::store::order::Order;

/// What the parameter `sort` says.
pub(super) fn asked(desk: &Desk<'_>) -> Sort {
    Sort::named(&desk.asked("sort"))
}

/// This order, behind the place that the parameter `after` says. One that is none of it begins the list.
pub(super) fn order(desk: &Desk<'_>, sort: Sort) -> Order {
    let after = desk.query.sole("after").unwrap_or_default();
    match sort {
        Sort::Name => Order::Name(after.to_owned()),
        Sort::NameDown => Order::NameDown(after.to_owned()),
        Sort::Newest => Order::Newest(Cursor::parse(after)),
        Sort::Oldest => Order::Oldest(Cursor::parse(after)),
    }
}

/// The place of a row in this order.
pub(super) fn place(sort: Sort, name: &str, (at, id): (UnixTime, &str)) -> String {
    match sort {
        Sort::Name | Sort::NameDown => name.to_owned(),
        Sort::Newest | Sort::Oldest => Cursor { at, id: id.to_owned() }.to_string(),
    }
}
