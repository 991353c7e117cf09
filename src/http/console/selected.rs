//! `/admin/users/selected`: one change for several people. It is asked once, with everybody's name, and
//! carried out for one after the other, each through the use case and with the audit event of that person's
//! own page. Whoever it does not work for is told by name.

use std::collections::HashMap;

use futures_util::{StreamExt as _, stream};

use super::desk::{Answer, Desk, Stop, name_of};
use super::new_groups::{self, MAKE_GROUPS};
use super::people::sentence;
use crate::http::extract;
use crate::http::pages::admin::Section;
use crate::http::pages::admin::confirm::Confirm;
use crate::http::pages::admin::selected::SelectedOutcome;
use crate::http::pages::admin::users::ListedPeople;
use crate::http::pages::{Tone, Undo};
use crate::protocol::params::Params;
use crate::protocol::rights::Right;
use crate::protocol::types::UserId;
use crate::protocol::user::User;
use crate::service::audit::{self, Event};
use crate::service::clients::Activity;
use crate::service::people::group_names::{self, Unknown};
use crate::service::people::groups::{self, GroupError, Membership};
use crate::service::people::{self, PeopleError};
use crate::service::session::everywhere::{self, Connections, Reach, Wanted};
use crate::service::session::several;

/// The address below the issuer.
const PATH: &str = "/admin/users/selected";
/// The most people at once.
const MOST: usize = 100;
/// The most whose change can be taken back at once: they are named in the cookie of the message.
const MOST_UNDONE: usize = 25;
/// The longest address of a list, in bytes, that the form which takes the change back leads to again.
const LONGEST_CARRIED: usize = 300;
/// The most of their sessions that are counted before they are asked about.
const MOST_COUNTED: i64 = 1_000;
/// How many changes are under way at the same moment: each waits a little for every node to hear of it.
const AT_ONCE: usize = 4;

const NOT_THERE: &str = "an account that is not there any more";
const REFUSED: &str = "your role does not allow this";
const NO_GROUP: &str = "There is no group of this name.";

/// What is done with everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Disable,
    Enable,
    Join,
    Leave,
    SignOut,
}

impl Step {
    fn from_name(name: &str) -> Option<Self> {
        let all = [Self::Disable, Self::Enable, Self::Join, Self::Leave, Self::SignOut];
        all.into_iter().find(|step| step.as_str() == name)
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::Join => "join",
            Self::Leave => "leave",
            Self::SignOut => "sign-out",
        }
    }

    fn right(self) -> Right {
        match self {
            Self::Disable | Self::Enable => Right::PeopleWrite,
            Self::Join | Self::Leave => Right::GroupsMembers,
            Self::SignOut => Right::SessionsEnd,
        }
    }

    /// What brings back how it was.
    fn reverse(self) -> Option<Self> {
        match self {
            Self::Disable => Some(Self::Enable),
            Self::Enable => Some(Self::Disable),
            Self::Join => Some(Self::Leave),
            Self::Leave => Some(Self::Join),
            Self::SignOut => None,
        }
    }

    /// What the question and its button say.
    fn order(self, people: &str, group: &str) -> String {
        match self {
            Self::Disable => format!("Disable {people}"),
            Self::Enable => format!("Enable {people}"),
            Self::Join => format!("Take {people} into {group}"),
            Self::Leave => format!("Take {people} out of {group}"),
            Self::SignOut => format!("Sign out {people}"),
        }
    }

    /// What is said once it is done.
    fn report(self, (people, is_one): (&str, bool), group: &str) -> String {
        let are = if is_one { "is" } else { "are" };
        match self {
            Self::Disable => format!("{people} {are} disabled and signed out everywhere."),
            Self::Enable => format!("{people} can sign in again."),
            Self::Join => format!("{people} {are} in {group} now."),
            Self::Leave => format!("{people} {are} in {group} no more."),
            Self::SignOut => format!("{people} {are} signed out everywhere."),
        }
    }
}

/// What was asked for.
struct Order {
    step: Step,
    /// The name of a group; empty where none is needed.
    group: String,
    /// What is known of the group if it is not there and would be made.
    new_group: Option<Unknown>,
    /// Each once.
    who: Vec<UserId>,
    /// The page of the list they were chosen in.
    list: ListedPeople,
}

/// The name of a group, and what is known of it if people would be the first in it.
type Named = (String, Option<Unknown>);

/// Those it can be done with, and everybody else with the reason.
struct Sorted {
    fit: Vec<User>,
    left_out: Vec<(String, String)>,
}

/// Reads what was asked for; a problem is something to choose otherwise in the list.
async fn read(desk: &Desk<'_>, sent: &Params) -> Result<Result<Order, String>, Stop> {
    let problem = |text: &str| Ok(Err(text.to_owned()));
    let mut who: Vec<UserId> = Vec::new();
    for id in sent.all("who").map(UserId::new) {
        if !who.contains(&id) {
            who.push(id);
        }
    }
    let Some(step) = Step::from_name(sent.sole("do").unwrap_or_default()) else {
        return problem("Choose people, and what to do with them.");
    };
    if who.is_empty() {
        return problem("Choose at least one person.");
    }
    if who.len() > MOST {
        return problem("At most 100 people can be changed at once.");
    }
    if !desk.may(step.right()) {
        return Err(Stop::Forbidden(super::desk::NOT_YOURS));
    }
    let (mut group, mut new_group) = (String::new(), None);
    if matches!(step, Step::Join | Step::Leave) {
        let typed = sent.sole("group").unwrap_or_default().trim();
        match group_of(desk, step, typed).await? {
            Ok(named) => (group, new_group) = named,
            Err(text) => return Ok(Err(text)),
        }
    }
    Ok(Ok(Order { step, group, new_group, who, list: listed(sent) }))
}

/// The group that was named.
async fn group_of(desk: &Desk<'_>, step: Step, typed: &str) -> Result<Result<Named, String>, Stop> {
    if typed.is_empty() {
        return Ok(Err("Say which group.".to_owned()));
    }
    match groups::find(desk.site(), typed).await {
        Ok(group) if desk.standing().covers(Right::GroupsMembers, &group.name) => {
            return Ok(Ok((group.name, None)));
        }
        Err(GroupError::Failure(failure)) => return Err(Stop::Failure(failure)),
        // Whoever may make no groups does not learn which others there are.
        Err(_) if desk.may(Right::GroupsWrite) => {}
        Ok(_) | Err(_) => return Ok(Err(NO_GROUP.to_owned())),
    }
    let unknown = match group_names::unknown(desk.site(), vec![typed.to_owned()]).await {
        Ok(mut unknown) => unknown.pop(),
        Err(PeopleError::Failure(failure)) => return Err(Stop::Failure(failure)),
        Err(_) => None,
    };
    Ok(match unknown {
        Some(unknown) if step == Step::Join => Ok((unknown.name.clone(), Some(unknown))),
        Some(unknown) => Err(new_groups::told(&[unknown])),
        None => Err(NO_GROUP.to_owned()),
    })
}

/// Looks at everybody who was chosen, in a few statements however many they are.
async fn sort(desk: &Desk<'_>, order: &Order) -> Result<Sorted, Stop> {
    let found = people::find_all(desk.site(), &order.who).await?;
    let mut found: HashMap<UserId, User> =
        found.into_iter().map(|user| (user.id.clone(), user)).collect();
    let in_order = order.who.iter().filter_map(|id| found.remove(id));
    // Whom this administrator does not see is not there.
    let seen: Vec<_> = in_order.filter(|user| desk.standing().may_see(&user.groups)).collect();
    let theirs = match order.step {
        Step::Join | Step::Leave => desk.movable(&order.group, &seen).await?,
        step => desk.changeable(step.right(), &seen).await?,
    };
    let gone = order.who.len().saturating_sub(seen.len());
    let mut sorted =
        Sorted { fit: Vec::new(), left_out: vec![(NOT_THERE.to_owned(), String::new()); gone] };
    for user in seen {
        let unfit =
            if theirs.contains(&user.id) { unfit(desk, order, &user) } else { Some(REFUSED) };
        match unfit {
            None => sorted.fit.push(user),
            Some(reason) => sorted.left_out.push((name_of(&user).to_owned(), reason.to_owned())),
        }
    }
    Ok(sorted)
}

/// Why it cannot, or need not, be done with somebody with whom this administrator may do it.
fn unfit(desk: &Desk<'_>, order: &Order, user: &User) -> Option<&'static str> {
    let is_in = user.groups.contains(&order.group);
    let is_self = user.id == desk.admin().id;
    match order.step {
        Step::Disable | Step::SignOut if is_self => Some("this is you"),
        Step::Disable if user.disabled_at.is_some() => Some("is disabled already"),
        Step::Enable if user.disabled_at.is_none() => Some("is enabled already"),
        Step::Join if is_in => Some("is in the group already"),
        Step::Leave if !is_in => Some("is not in the group"),
        _ => None,
    }
}

pub(super) async fn ask(desk: &Desk<'_>) -> Answer {
    let order = match read(desk, &desk.query).await? {
        Ok(order) => order,
        Err(problem) => return desk.refused(problem, &list(desk, &listed(&desk.query))),
    };
    let sorted = sort(desk, &order).await?;
    if sorted.fit.is_empty() {
        let text = format!("There is nothing to do. {}", left_out(&sorted.left_out));
        return desk.refused(text, &list(desk, &order.list));
    }
    let (people, _) = counted(sorted.fit.len());
    let heading = order.step.order(&people, &order.group);
    let mut hidden = fields(order.step, &order.group, sorted.fit.iter());
    if order.new_group.is_some() {
        hidden.push((MAKE_GROUPS.to_owned(), "on".to_owned()));
    }
    hidden.extend(carried(&order.list));
    desk.show(&Confirm {
        chrome: desk.chrome(),
        console: desk.console(Section::People),
        heading: format!("{heading}?"),
        effects: effects(desk, &order, &sorted).await?,
        action: desk.site().path(PATH),
        hidden,
        choices: Vec::new(),
        button: heading,
        cancel: list(desk, &order.list),
    })
}

/// What will happen, to whom, and to whom it will not.
async fn effects(desk: &Desk<'_>, order: &Order, sorted: &Sorted) -> Result<Vec<String>, Stop> {
    let names: Vec<&str> = sorted.fit.iter().map(name_of).collect();
    let mut effects = vec![format!("This is about {}.", names.join(", "))];
    if let Some(unknown) = &order.new_group {
        let told = new_groups::told(std::slice::from_ref(unknown));
        effects.push(format!("{told} It is made now, with these people in it."));
    }
    if matches!(order.step, Step::Disable | Step::SignOut) {
        effects.push(devices(desk, &sorted.fit).await?);
    }
    let what = match order.step {
        Step::Disable => {
            "They cannot sign in until you enable the accounts again. Nothing is deleted."
        }
        Step::Enable => "They can sign in again. What they were signed in to stays ended.",
        Step::Join => "What apps let people in this group do, they may do from now on.",
        Step::Leave => "What apps let them do because of this group they may do no more.",
        Step::SignOut => {
            "Apps are told. The accounts stay as they are: they can sign in again at once. Devices and \
             apps that stay signed in by themselves do so."
        }
    };
    effects.push(what.to_owned());
    if !sorted.left_out.is_empty() {
        effects.push(left_out(&sorted.left_out));
    }
    Ok(effects)
}

/// How much they are signed out of.
async fn devices(desk: &Desk<'_>, people: &[User]) -> Result<String, Stop> {
    let ids: Vec<_> = people.iter().map(|user| user.id.clone()).collect();
    Ok(match several::count_of(desk.site(), &ids, MOST_COUNTED + 1).await? {
        0 => "Nobody of them is signed in anywhere at the moment.".to_owned(),
        1 => "This ends 1 session.".to_owned(),
        n if n > MOST_COUNTED => format!("This ends more than {MOST_COUNTED} sessions."),
        n => format!("This ends {n} sessions."),
    })
}

fn left_out(people: &[(String, String)]) -> String {
    let all: Vec<_> = people.iter().map(|(name, reason)| in_words(name, reason)).collect();
    if all.is_empty() { String::new() } else { format!("Left out: {}.", all.join(", ")) }
}

fn in_words(name: &str, reason: &str) -> String {
    if reason.is_empty() { name.to_owned() } else { format!("{name} ({reason})") }
}

/// So many people, and whether it is one.
fn counted(people: usize) -> (String, bool) {
    if people == 1 { ("1 person".to_owned(), true) } else { (format!("{people} people"), false) }
}

/// The form that does this with these people.
fn fields<'a>(
    step: Step,
    group: &str,
    people: impl Iterator<Item = &'a User>,
) -> Vec<(String, String)> {
    let mut fields = vec![("do".to_owned(), step.as_str().to_owned())];
    if !group.is_empty() {
        fields.push(("group".to_owned(), group.to_owned()));
    }
    fields.extend(people.map(|user| ("who".to_owned(), user.id.to_string())));
    fields
}

pub(super) async fn carry_out(desk: &Desk<'_>) -> Answer {
    let order = match read(desk, &desk.form).await? {
        Ok(order) => order,
        Err(problem) => return desk.refused(problem, &list(desk, &listed(&desk.form))),
    };
    let Sorted { fit, left_out } = sort(desk, &order).await?;
    let new_group = order.new_group.as_ref().filter(|_| !fit.is_empty());
    if let Some(unknown) = new_group {
        if !desk.form.has(MAKE_GROUPS) {
            let text = new_groups::told(std::slice::from_ref(unknown));
            return desk.refused(text, &list(desk, &order.list));
        }
        make_group(desk, &unknown.name).await?;
    }
    let chosen = &order;
    let work = stream::iter(&fit).map(|user| async move { (user, one(desk, chosen, user).await) });
    let outcomes: Vec<_> = Box::pin(work.buffered(AT_ONCE).collect()).await;
    let (mut done, mut failed) = (Vec::new(), left_out);
    for (user, outcome) in outcomes {
        match outcome {
            Ok(()) => done.push(user),
            Err(reason) => failed.push((name_of(user).to_owned(), reason)),
        }
    }
    note_refusals(desk, &order, &failed).await?;
    let (people, is_one) = counted(done.len());
    let report = order.step.report((&people, is_one), &order.group);
    let back = list(desk, &order.list);
    if failed.is_empty() {
        let undo = order.step.reverse().filter(|_| done.len() <= MOST_UNDONE);
        let undo = undo.map(|reverse| undo_of(desk, &order, (reverse, &done)));
        return desk.done_undoably(report, &back, undo);
    }
    let (tone, report) = match new_group {
        _ if !done.is_empty() => (Tone::Done, report),
        None => (Tone::Warning, "Nothing was changed.".to_owned()),
        // They could all join a moment ago.
        Some(made) => (Tone::Warning, format!("“{}” is made, with nobody in it yet.", made.name)),
    };
    desk.show(&SelectedOutcome {
        chrome: desk.chrome(),
        console: desk.console(Section::People),
        report,
        tone,
        failed: failed.into_iter().map(|(name, reason)| in_words(&name, &reason)).collect(),
        back,
    })
}

/// Makes the group that people are taken into. That somebody else has just made it is as good.
async fn make_group(desk: &Desk<'_>, name: &str) -> Result<(), Stop> {
    match groups::create(desk.site(), (name, ""), &desk.actor()).await {
        Ok(_) | Err(GroupError::Taken) => Ok(()),
        Err(GroupError::Failure(failure)) => Err(Stop::Failure(failure)),
        Err(GroupError::People(error)) => Err(error.into()),
        Err(_) => Err(Stop::NotFound),
    }
}

/// The form that takes the change of these people back.
fn undo_of(desk: &Desk<'_>, order: &Order, (reverse, done): (Step, &[&User])) -> Undo {
    let mut fields = fields(reverse, &order.group, done.iter().copied());
    // It travels in a cookie: a long search is not worth losing the form for.
    if order.list.address().len() <= LONGEST_CARRIED {
        fields.extend(carried(&order.list));
    }
    Undo { path: desk.site().path(PATH), fields }
}

/// Does it with one person; the error says why not.
async fn one(desk: &Desk<'_>, order: &Order, user: &User) -> Result<(), String> {
    let (site, actor) = (desk.site(), desk.actor());
    let moved = |membership| groups::change(site, (&order.group, &user.id), membership, &actor);
    match order.step {
        Step::Disable | Step::Enable => {
            let activity = match order.step {
                Step::Enable => Activity::Enabled,
                _ => Activity::Disabled,
            };
            let changed = Box::pin(people::set_activity(site, &user.id, activity, &actor)).await;
            changed.map_err(|error| reason(&error))
        }
        Step::Join | Step::Leave => {
            let membership =
                if order.step == Step::Join { Membership::In } else { Membership::Out };
            Box::pin(moved(membership)).await.map_err(|error| match error {
                GroupError::People(error) => reason(&error),
                GroupError::Failure(failure) => reason(&PeopleError::Failure(failure)),
                other => sentence(&other.to_string()),
            })
        }
        Step::SignOut => {
            let wanted =
                Wanted { user: &user.id, reach: Reach::Everywhere, connections: Connections::Keep };
            let caller = extract::caller(site, desk.visit.request);
            match Box::pin(everywhere::sign_out(site, &wanted, (&actor, &caller))).await {
                Ok(Some(_)) => Ok(()),
                Ok(None) => Err("is not there any more".to_owned()),
                Err(error) => Err(reason(&error)),
            }
        }
    }
}

fn reason(error: &PeopleError) -> String {
    match error {
        PeopleError::LastOwner => "is the last owner".to_owned(),
        PeopleError::NotYours => REFUSED.to_owned(),
        PeopleError::NotFound => "is not there any more".to_owned(),
        PeopleError::Failure(failure) => {
            tracing::error!(%failure, "one of several people could not be changed");
            "it did not work just now; try again".to_owned()
        }
        other => other.to_string(),
    }
}

/// Somebody who tries to change what their role does not allow is worth knowing about; once for all.
async fn note_refusals(
    desk: &Desk<'_>,
    order: &Order,
    failed: &[(String, String)],
) -> Result<(), Stop> {
    let refused = failed.iter().filter(|(_, reason)| reason == REFUSED).count();
    if refused == 0 {
        return Ok(());
    }
    let event = Event::failure("console.refused", &desk.actor(), desk.site().now())
        .detail("address", PATH)
        .detail("right", order.step.right().as_str())
        .detail("people", u64::try_from(refused).unwrap_or(u64::MAX));
    audit::write(desk.site(), event).await?;
    Ok(())
}

/// The page of the list that somebody comes from.
fn listed(sent: &Params) -> ListedPeople {
    ListedPeople::of_carried(|name| sent.sole(name).unwrap_or_default().to_owned())
}

/// The same as fields of a form.
fn carried(list: &ListedPeople) -> Vec<(String, String)> {
    list.carried().into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The list as it was narrowed and sorted, at the page it was left at.
fn list(desk: &Desk<'_>, from: &ListedPeople) -> String {
    format!("{}{}", desk.site().path("/admin/users"), from.address())
}
