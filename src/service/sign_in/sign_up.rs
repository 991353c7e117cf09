//! People who make their own accounts. A name that is taken must be told, so telling is throttled; an
//! address is never compared with anybody's, so it tells nothing.

use crate::app::App;
use crate::clock::Seconds;
use crate::crypto::secret;
use crate::protocol::app_roles::AppRoles;
use crate::protocol::authorize::acr::Level;
use crate::protocol::password_policy::PasswordRefusal;
use crate::protocol::sign_up::{self as rules, SignUp};
use crate::protocol::types::UserId;
use crate::protocol::user::{Footing, Profile, User};
use crate::service::audit::{self, Actor, Caller, Event};
use crate::service::brake::{self, Limit};
use crate::service::failure::Failure;
use crate::service::people::{self, PeopleError};
use crate::service::session::accounts::{Accounts, Newcomer};
use crate::service::session::{self, Authenticated, Established, Remember};
use crate::service::sign_in::address_rule;
use crate::store::{StoreError, users};

/// For how long the accounts of one network are counted.
const WINDOW: Seconds = 3_600;

/// What the person typed.
#[derive(Debug, Clone, Default)]
pub struct Typed {
    pub username: String,
    /// Empty for somebody who gives none.
    pub email: String,
    /// Empty for somebody who gives none.
    pub name: String,
    pub password: String,
}

/// What is wrong with one field; the text tells the person what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("Use 1 to 64 letters from a to z, digits, dots, dashes and underscores.")]
    Username,
    #[error("This username is taken. Choose another one, or sign in if it is yours.")]
    Taken,
    #[error("Enter an address in the format name@example.com.")]
    Email,
    #[error("Enter an address that ends with {}.", ends(.0))]
    EmailDomain(Vec<String>),
    #[error("Use at most 200 ordinary characters.")]
    Name,
    #[error(transparent)]
    Password(PasswordRefusal),
}

fn ends(domains: &[String]) -> String {
    let ends: Vec<String> = domains.iter().map(|domain| format!("@{domain}")).collect();
    ends.join(" or ")
}

impl Problem {
    /// The field it is about, by its name on the form.
    #[must_use]
    pub fn field(&self) -> &'static str {
        match self {
            Self::Username | Self::Taken => "username",
            Self::Email | Self::EmailDomain(_) => "email",
            Self::Name => "name",
            Self::Password(_) => "password",
        }
    }
}

/// Why no account was made.
#[derive(Debug, thiserror::Error)]
pub enum SignUpError {
    /// Administrators make the accounts here.
    #[error("people cannot register here by themselves")]
    Off,
    /// Every field that has to change.
    #[error("{} fields have to change", .0.len())]
    Problems(Vec<Problem>),
    /// Too many names were tried, or too many accounts made, from this network.
    #[error("throttled for {retry_after} seconds")]
    Throttled { retry_after: Seconds },
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<StoreError> for SignUpError {
    fn from(error: StoreError) -> Self {
        Self::Failure(error.into())
    }
}

impl From<Problem> for SignUpError {
    fn from(problem: Problem) -> Self {
        Self::Problems(vec![problem])
    }
}

/// Whether people may make their own accounts.
#[must_use]
pub fn is_open(app: &App) -> bool {
    app.settings().sign_up.mode == SignUp::Open
}

/// Makes the account and signs the person in. Whoever is signed in in this browser stays so.
///
/// # Errors
/// [`SignUpError`]. After a [`Failure`] the account may be there: the person signs in then.
pub async fn create(
    app: &App,
    typed: Typed,
    accounts: &Accounts,
    caller: &Caller,
) -> Result<Established, SignUpError> {
    if !is_open(app) {
        return Err(SignUpError::Off);
    }
    let network = caller.network();
    let user = check(app, &typed).map_err(SignUpError::Problems)?;
    refuse_if_throttled(app, &network).await?;
    // An answer before the expensive hash; what decides is the insert.
    let reserved = rules::is_reserved(&user.username, &app.settings().sign_up.reserved_usernames);
    if reserved || users::by_login(&app.store.db, &user.username).await?.is_some() {
        return Err(taken(app, &network, caller).await?);
    }
    refuse_flood(app, &network, caller).await?;
    let phc = app.passwords.hash(typed.password).await.map_err(Failure::from)?;
    match insert(app, &user, &phc, caller).await {
        Ok(()) => {}
        Err(PeopleError::Taken) => return Err(taken(app, &network, caller).await?),
        Err(PeopleError::Failure(failure)) => return Err(failure.into()),
        Err(other) => return Err(Failure::Internal(format!("a checked account: {other}")).into()),
    }
    app.metrics.login_attempt("sign_up", "success");
    let who = Authenticated {
        user_id: user.id,
        footing: Footing { token_version: user.token_version, ..Footing::default() },
        acr: Level::Aal1.as_str().to_owned(),
        amr: vec!["pwd".to_owned()],
        remember: Remember::ThisVisit,
        findings: Vec::new(),
        claimed: None,
    };
    let established = session::establish(app, who, (accounts, Newcomer::IsAdded), caller).await?;
    let gone = || Failure::Unavailable("the new account was changed at this very moment".into());
    Ok(established.ok_or_else(gone)?)
}

/// Everything about the account that can be known without looking, or all that has to change.
fn check(app: &App, typed: &Typed) -> Result<User, Vec<Problem>> {
    let mut problems = Vec::new();
    let username = rules::username(&typed.username).unwrap_or_else(|| {
        problems.push(Problem::Username);
        String::new()
    });
    let email = email(app, &typed.email).unwrap_or_else(|problem| {
        problems.push(problem);
        None
    });
    let name = people::check_name(Some(typed.name.clone())).unwrap_or_else(|_| {
        problems.push(Problem::Name);
        None
    });
    let now = app.now();
    let mut groups = app.settings().sign_up.groups.clone();
    groups.sort();
    groups.dedup();
    let user = User {
        id: UserId::new(secret::opaque_id()),
        username,
        email,
        email_verified: false,
        name,
        profile: Profile::default(),
        groups,
        external_id: None,
        app_roles: AppRoles::default(),
        role: None,
        disabled_at: None,
        delete_at: None,
        token_version: 0,
        created_at: now,
        updated_at: now,
    };
    if let Err(refusal) = people::check_password(app, &user, &typed.password) {
        problems.push(Problem::Password(refusal));
    }
    if problems.is_empty() { Ok(user) } else { Err(problems) }
}

fn email(app: &App, typed: &str) -> Result<Option<String>, Problem> {
    let settings = app.settings();
    let domains = &settings.sign_up.email_domains;
    let outside = || Problem::EmailDomain(domains.clone());
    match people::check_email(Some(typed.to_owned())).map_err(|_| Problem::Email)? {
        Some(email) if rules::is_in_domains(&email, domains) => Ok(Some(email)),
        None if domains.is_empty() => Ok(None),
        Some(_) | None => Err(outside()),
    }
}

/// The gate: of any number of people who choose one name at once, one gets it. The address is kept
/// beside the account and is no name to sign in with, so it takes nothing from its owner.
async fn insert(app: &App, user: &User, phc: &str, caller: &Caller) -> Result<(), PeopleError> {
    let mut tx = app.store.begin().await?;
    let without_address = User { email: None, ..user.clone() };
    // In no group.
    let _ = people::insert(&mut tx, &without_address, Some(phc)).await?;
    if let Some(email) = &user.email {
        users::claim_email(&mut tx, &user.id, email).await?;
    }
    let event = Event::success("user.signed_up", &Actor::User(user.id.clone()), user.created_at)
        .user(&user.id)
        .caller(caller)
        .detail("username", user.username.as_str());
    crate::store::audit::append(&mut tx, &event.into_row()).await?;
    Ok(tx.commit().await?)
}

/// Fails closed: when the counters cannot be read, nobody may try names.
async fn refuse_if_throttled(app: &App, network: &str) -> Result<(), SignUpError> {
    match brake::wait(app, &[throttle_key(network)], "sign_up").await? {
        Some(retry_after) => Err(SignUpError::Throttled { retry_after }),
        None => Ok(()),
    }
}

/// Counts a name that is taken: each such answer tells that an account exists.
async fn taken(app: &App, network: &str, caller: &Caller) -> Result<SignUpError, Failure> {
    let now = app.now();
    brake::note_failure(app, ("sign_up", &throttle_key(network), &address_rule(app)), caller)
        .await?;
    app.metrics.login_attempt("sign_up", "failure");
    let event = Event::failure("sign_up.taken", &Actor::Anonymous, now).caller(caller);
    audit::write(app, event).await?;
    Ok(Problem::Taken.into())
}

/// Each account is a hash and rows that stay, so one network cannot fill the database.
async fn refuse_flood(app: &App, network: &str, caller: &Caller) -> Result<(), SignUpError> {
    let (key, most) = (&format!("sign-ups:{network}"), app.settings().sign_up.per_hour.into());
    let limit = Limit { key, window: WINDOW, most, scope: "sign_up" };
    if brake::is_passed(app, &limit, caller).await? {
        return Err(SignUpError::Throttled { retry_after: WINDOW });
    }
    Ok(())
}

fn throttle_key(network: &str) -> String {
    format!("sign-up:{network}")
}
