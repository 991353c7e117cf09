//! `/admin/sessions`: who is signed in where, and ending that, one by one or all that were chosen.

use actix_web::http::StatusCode;
use url::form_urlencoded::Serializer;

use super::desk::{Answer, Desk, NOT_YOURS, Stop, name_of};
use super::rows;
use crate::http::extract;
use crate::http::pages::FieldError;
use crate::http::pages::admin::Section;
use crate::http::pages::admin::confirm::Confirm;
use crate::http::pages::admin::sessions::{SessionQuery, SessionsList};
use crate::http::site::Site;
use crate::protocol::params::Params;
use crate::protocol::types::{ClientId, SessionId};
use crate::service::people::PeopleError;
use crate::service::session::several::{self, Chosen};
use crate::service::{clients, figures, session};
use crate::store::Cursor;

const PATH: &str = "/admin/sessions";

/// What was asked for, in words.
fn query(sent: &Params) -> SessionQuery {
    let asked = |name| sent.sole(name).unwrap_or_default().trim().to_owned();
    SessionQuery { user: asked("user"), client: asked("client"), address: asked("address") }
}

/// What was asked for, looked up.
enum Sought {
    These(Chosen),
    /// There is no such person, so that nobody is signed in.
    Nobody,
    Unclear(Vec<FieldError>),
}

async fn seek(desk: &Desk<'_>, asked: &SessionQuery) -> Result<Sought, Stop> {
    let (mut chosen, mut errors) = (Chosen::default(), Vec::new());
    if !asked.address.is_empty() {
        chosen.address = several::address_of(&asked.address);
        if chosen.address.is_none() {
            let text = "Enter an IP address, such as 192.0.2.7 or 2001:db8::7.".to_owned();
            errors.push(FieldError { field: "address", text });
        }
    }
    if !asked.client.is_empty() {
        let id = ClientId::new(asked.client.as_str());
        if clients::find(desk.site(), &id).await?.is_some() {
            chosen.client = Some(id);
        } else {
            let text = "There is no app with this client id. It is on the app’s page.".to_owned();
            errors.push(FieldError { field: "client", text });
        }
    }
    if !errors.is_empty() {
        return Ok(Sought::Unclear(errors));
    }
    if !asked.user.is_empty() {
        match desk.find_person(&asked.user).await {
            Ok(user) => chosen.user = Some(user.id),
            Err(Stop::NotFound) => return Ok(Sought::Nobody),
            Err(other) => return Err(other),
        }
    }
    Ok(Sought::These(chosen))
}

pub(super) async fn list(desk: &Desk<'_>) -> Answer {
    let asked = query(&desk.query);
    let after = desk.query.sole("after").and_then(Cursor::parse);
    let (found, errors) = match seek(desk, &asked).await? {
        Sought::These(chosen) => (
            several::list(desk.site(), (&chosen, after), desk.page_size().asked()).await?,
            Vec::new(),
        ),
        Sought::Nobody => (Vec::new(), Vec::new()),
        Sought::Unclear(errors) => (Vec::new(), errors),
    };
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let (found, paging) =
        rows::page(found, desk.page_size(), |session| session.cursor().to_string());
    let mut response = desk.show(&SessionsList {
        chrome: desk.chrome(),
        console: desk.console(Section::Sessions),
        filter: asked,
        errors,
        rows: rows::sessions(desk, found).await?,
        paging,
    })?;
    *response.status_mut() = status;
    Ok(response)
}

/// The list with this filter.
fn back(desk: &Desk<'_>, asked: &SessionQuery) -> String {
    let mut query = Serializer::new(String::new());
    for (name, value) in asked.fields() {
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    let query = query.finish();
    let path = desk.site().path(PATH);
    if query.is_empty() { path } else { format!("{path}?{query}") }
}

/// Those that were asked for, without the one that asks; or where to go with what is wrong.
async fn chosen(desk: &Desk<'_>, asked: &SessionQuery) -> Result<Result<Chosen, String>, Stop> {
    Ok(match seek(desk, asked).await? {
        Sought::These(chosen) if chosen.is_everybody() => {
            Err("Say whose sessions, in which app or from which address.".to_owned())
        }
        Sought::These(chosen) => Ok(Chosen { except: Some(desk.own_session().clone()), ..chosen }),
        Sought::Nobody => Err("There is no session left to end.".to_owned()),
        Sought::Unclear(errors) => {
            let texts: Vec<_> = errors.into_iter().map(|error| error.text).collect();
            Err(texts.join(" "))
        }
    })
}

pub(super) async fn ask_end_many(desk: &Desk<'_>) -> Answer {
    let asked = query(&desk.query);
    let chosen = match chosen(desk, &asked).await? {
        Ok(chosen) => chosen,
        Err(problem) => return desk.refused(problem, &desk.site().path(PATH)),
    };
    let most = figures::MOST_COUNTED + 1;
    let live = several::count(desk.site(), (&chosen, desk.standing()), most).await?;
    if live == 0 {
        let text = "There is no session here that you can end. Your own stays, and only owners \
                    sign out people who may use the console.";
        return desk.refused(text, &back(desk, &asked));
    }
    let signs_out = match live {
        1 => "This signs out 1 session".to_owned(),
        _ => format!("This signs out {} sessions", rows::counted(live)),
    };
    let mut effects = vec![
        format!("{signs_out}{}.", in_words(&asked)),
        "Apps are told. The people can sign in again at once, and what stays signed in by itself does so."
            .to_owned(),
        "The session you do this from stays, and so do those that you may not end.".to_owned(),
    ];
    if usize::try_from(live).is_ok_and(|live| live > several::MOST) {
        effects.push(format!("{} end at a time; then you can go on.", several::MOST));
    }
    let hidden = asked.fields().into_iter().filter(|(_, value)| !value.is_empty());
    desk.show(&Confirm {
        chrome: desk.chrome(),
        console: desk.console(Section::Sessions),
        heading: "Sign out all of these?".to_owned(),
        effects,
        action: desk.site().path("/admin/sessions/sign-out"),
        hidden: hidden.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        choices: Vec::new(),
        button: "Sign out all of these".to_owned(),
        cancel: back(desk, &asked),
    })
}

/// The filter as the end of a sentence.
fn in_words(asked: &SessionQuery) -> String {
    let mut words = String::new();
    for (before, value) in
        [(" of ", &asked.user), (" in the app ", &asked.client), (" from ", &asked.address)]
    {
        if !value.is_empty() {
            words.push_str(before);
            words.push_str(value);
        }
    }
    words
}

pub(super) async fn end_many(desk: &Desk<'_>) -> Answer {
    let asked = query(&desk.form);
    let chosen = match chosen(desk, &asked).await? {
        Ok(chosen) => chosen,
        Err(problem) => return desk.refused(problem, &desk.site().path(PATH)),
    };
    let caller = extract::caller(desk.site(), desk.visit.request);
    let ended = match several::end(desk.site(), &chosen, (&desk.actor(), &caller)).await {
        Ok(ended) => ended,
        Err(PeopleError::Failure(failure)) => return Err(failure.into()),
        Err(_) => return Err(Stop::Forbidden(NOT_YOURS)),
    };
    let text = match (ended.sessions, ended.is_partial) {
        (0, _) => return desk.refused("They had ended already.", &back(desk, &asked)),
        (1, false) => "1 session is signed out.".to_owned(),
        (n, false) => format!("{n} sessions are signed out."),
        (n, true) => format!("{n} sessions are signed out. There are more: go on with the rest."),
    };
    desk.done(text, &back(desk, &asked))
}

pub(super) async fn end(desk: &Desk<'_>) -> Answer {
    let site = desk.site();
    let person = desk.person()?;
    let id = SessionId::new(desk.id.as_str());
    let caller = extract::caller(site, desk.visit.request);
    let ended = session::end_by_id(site, &id, (&desk.actor(), &caller)).await?;
    let back = desk.form.sole("back").filter(|back| is_way_back(site, back));
    let back = back.map_or_else(|| site.path("/admin/sessions"), str::to_owned);
    if ended {
        desk.done(format!("{} is signed out there.", name_of(person)), &back)
    } else {
        desk.done(format!("{} was signed out there already.", name_of(person)), &back)
    }
}

/// Whether a path from a form leads back into the console and nowhere else.
fn is_way_back(site: &Site, back: &str) -> bool {
    is_below(&site.path("/admin"), back)
}

fn is_below(console: &str, back: &str) -> bool {
    let Some(rest) = back.strip_prefix(console) else { return false };
    let ends = rest.is_empty() || rest.starts_with('/') || rest.starts_with('?');
    let plain = back.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    let path = rest.split('?').next().unwrap_or_default();
    // Neither up again, nor anything a browser could take for another host.
    ends && plain && !path.contains("..") && !path.contains("//") && !path.contains('%')
}

#[cfg(test)]
mod tests {
    use super::is_below;

    #[test]
    fn the_way_back_stays_in_the_console() {
        for good in ["/admin", "/admin/sessions?user=a%40b.test", "/admin/users/5f0c-1"] {
            assert!(is_below("/admin", good), "{good}");
        }
        assert!(is_below("/sso/admin", "/sso/admin/sessions"));
        for bad in [
            "",
            "/",
            "/administrator",
            "/account",
            "https://evil.test/admin",
            "//evil.test/admin",
            "/admin/../account",
            "/admin/%2e%2e/account",
            "/admin//evil.test",
            "/admin\\evil.test",
            "/admin\r\nset-cookie:x",
            "/admin/ü",
        ] {
            assert!(!is_below("/admin", bad), "{bad:?}");
        }
        assert!(!is_below("/sso/admin", "/admin"));
    }
}
