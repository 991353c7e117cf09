//! What each address of the REST API takes and answers, for the OpenAPI document and for reading queries.

use schemars::{Schema, SchemaGenerator};

use super::client_secrets::{NewSecret, SecretView};
use super::registration_tokens::{
    NewRegistrationToken, RegistrationTokenOnce, RegistrationTokenView,
};
use super::table::{Action, Entry};
use super::views::apps::{
    ClientChange, ClientView, ClientWithSecret, NewClient, PreviewView, PreviewWish,
};
use super::views::configuration::ConfigurationView;
use super::views::organisations::{NewOrganisation, OrganisationChange, OrganisationView};
use super::views::outside::{
    DeliveryView, IssuerChange, IssuerView, NewIssuer, NewWebhook, TestResult, WebhookChange,
    WebhookView, WebhookWithSecret,
};
use super::views::overview::OverviewView;
use super::views::roles::{NewRole, RoleChange, RoleGroup, RoleHolder, RoleView};
use super::views::service::{
    ApiKeyView, AuditView, ConnectionView, JobView, KeyView, MailTest, MailTestWish, Rotation,
    SessionView, SessionsEnded, SessionsToEnd, SettingValue, SettingView,
};
use super::views::upstream::{
    Examination, NewUpstreamProvider, PersonPreview, SampleClaims, UpstreamChanges, UpstreamView,
};
use super::views::{
    AllowedApp, DeletionTime, GroupChange, GroupView, Manager, NewGroup, NewUser, ResetLink,
    SignOut, SignedOut, TemporaryPassword, UserChange, UserView,
};

/// Makes the schema of a type, or a reference to it.
pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// What an answer without error is.
#[derive(Clone, Copy)]
pub(super) enum Answered {
    /// 200 with one of these.
    One(SchemaOf),
    /// 200 with one of these and the tag by which a change says what it was made from.
    Tagged(SchemaOf),
    /// 200 with a page of these.
    Page(SchemaOf),
    /// 201 with what was made, and its tag.
    Made(SchemaOf),
    /// 201 with what was made, of which something is never shown again, so that it has no tag.
    MadeOnce(SchemaOf),
    /// 204.
    Nothing,
}

/// The body of a call.
#[derive(Clone, Copy)]
pub(super) enum Taken {
    Nothing,
    /// There may be one.
    Perhaps(SchemaOf),
    Body(SchemaOf),
    /// The bytes of a picture.
    Picture,
}

/// Whether a change names what it was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    None,
    /// `If-Match` may be there.
    Optional,
    /// Without `If-Match` the answer is 428.
    Required,
}

/// What an address takes and answers.
pub(super) struct Shape {
    /// A sentence without a full stop.
    pub summary: &'static str,
    /// Names of the parameters its query may have.
    pub query: &'static [&'static str],
    pub taken: Taken,
    pub answered: Answered,
    pub condition: Condition,
}

const fn shape(summary: &'static str, taken: Taken, answered: Answered) -> Shape {
    Shape { summary, query: &[], taken, answered, condition: Condition::None }
}

const fn list(summary: &'static str, query: &'static [&'static str], of: SchemaOf) -> Shape {
    Shape { query, ..shape(summary, Taken::Nothing, Answered::Page(of)) }
}

const fn change(summary: &'static str, taken: SchemaOf, answered: SchemaOf) -> Shape {
    Shape {
        condition: Condition::Required,
        ..shape(summary, Taken::Body(taken), Answered::Tagged(answered))
    }
}

const fn show(summary: &'static str, answered: SchemaOf) -> Shape {
    shape(summary, Taken::Nothing, Answered::Tagged(answered))
}

const fn delete(summary: &'static str) -> Shape {
    Shape { condition: Condition::Optional, ..shape(summary, Taken::Nothing, Answered::Nothing) }
}

const fn command(summary: &'static str) -> Shape {
    shape(summary, Taken::Nothing, Answered::Nothing)
}

const PAGED: &[&str] = &["cursor", "limit"];
const SEARCHED: &[&str] = &["search", "cursor", "limit"];
const OF_PEOPLE: &[&str] = &["search", "role", "state", "cursor", "limit"];
const OF_AUDIT: &[&str] = &[
    "kind",
    "result",
    "outcome",
    "user",
    "user_id",
    "client_id",
    "address",
    "request_id",
    "since",
    "until",
    "cursor",
    "limit",
];

/// Whether the body of an address is a picture.
pub(super) fn takes_picture(entry: &Entry) -> bool {
    matches!(of(entry.action).taken, Taken::Picture)
}

/// The shape of an address.
#[expect(clippy::too_many_lines, reason = "a table: one entry for each address")]
pub(super) fn of(action: Action) -> Shape {
    let schema = SchemaGenerator::subschema_for::<UserView>;
    let client = SchemaGenerator::subschema_for::<ClientView>;
    let group = SchemaGenerator::subschema_for::<GroupView>;
    let issuer = SchemaGenerator::subschema_for::<IssuerView>;
    let upstream = SchemaGenerator::subschema_for::<UpstreamView>;
    let webhook = SchemaGenerator::subschema_for::<WebhookView>;
    let organisation = SchemaGenerator::subschema_for::<OrganisationView>;
    let role = SchemaGenerator::subschema_for::<RoleView>;
    match action {
        Action::UsersList => list("List people by user name", OF_PEOPLE, schema),
        Action::UserCreate => shape(
            "Make a person",
            Taken::Body(SchemaGenerator::subschema_for::<NewUser>),
            Answered::Made(schema),
        ),
        Action::UserShow => show("Show a person", schema),
        Action::UserPatch => {
            change("Change a person", SchemaGenerator::subschema_for::<UserChange>, schema)
        }
        Action::UserDelete => delete("Delete a person and everything they have"),
        Action::UserDeleteLater => shape(
            "Disable a person and delete them in seven days, unless they are enabled before",
            Taken::Nothing,
            Answered::One(SchemaGenerator::subschema_for::<DeletionTime>),
        ),
        Action::UserDisable => command("Disable a person, which signs them out everywhere"),
        Action::UserEnable => command("Enable a person again"),
        Action::UserApps => list(
            "List the apps a person has allowed something",
            &[],
            SchemaGenerator::subschema_for::<AllowedApp>,
        ),
        Action::UserAppRemove => {
            command("Take back what a person has allowed an app, and what it holds for them")
        }
        Action::UserConnections => list(
            "List the apps and devices that get a person's tokens without a sign-in, newest first",
            PAGED,
            SchemaGenerator::subschema_for::<ConnectionView>,
        ),
        Action::UserConnectionEnd => {
            command("End an app or device that gets a person's tokens without a sign-in")
        }
        Action::UserSignOut => shape(
            "Sign a person out everywhere",
            Taken::Perhaps(SchemaGenerator::subschema_for::<SignOut>),
            Answered::One(SchemaGenerator::subschema_for::<SignedOut>),
        ),
        Action::UserResetLink => shape(
            "Make a link by which a person chooses a password; an earlier one stops working",
            Taken::Nothing,
            Answered::One(SchemaGenerator::subschema_for::<ResetLink>),
        ),
        Action::UserTemporaryPassword => shape(
            "Give a person a password with which they choose another one, and sign them out everywhere",
            Taken::Nothing,
            Answered::One(SchemaGenerator::subschema_for::<TemporaryPassword>),
        ),
        Action::GroupsList => list("List groups by name", SEARCHED, group),
        Action::GroupCreate => shape(
            "Make a group",
            Taken::Body(SchemaGenerator::subschema_for::<NewGroup>),
            Answered::Made(group),
        ),
        Action::GroupShow => show("Show a group", group),
        Action::GroupPatch => change(
            "Give a group another name or description",
            SchemaGenerator::subschema_for::<GroupChange>,
            group,
        ),
        Action::GroupDelete => delete("Delete a group; its people stay"),
        Action::MembersList => list("List who is in a group", PAGED, schema),
        Action::MemberAdd => command("Take a person into a group"),
        Action::MemberRemove => command("Take a person out of a group"),
        Action::ManagersList => list(
            "List who looks after a group; a hundred at most",
            &[],
            SchemaGenerator::subschema_for::<Manager>,
        ),
        Action::ManagerAdd => command("Let a person look after a group"),
        Action::ManagerRemove => command("Let a person look after a group no more"),
        Action::OrganisationsList => list("List organisations by name", SEARCHED, organisation),
        Action::OrganisationCreate => shape(
            "Make an organisation",
            Taken::Body(SchemaGenerator::subschema_for::<NewOrganisation>),
            Answered::Made(organisation),
        ),
        Action::OrganisationShow => show("Show an organisation", organisation),
        Action::OrganisationPatch => change(
            "Give an organisation another name or display name",
            SchemaGenerator::subschema_for::<OrganisationChange>,
            organisation,
        ),
        Action::OrganisationDelete => {
            delete("Delete an organisation and what apps were given for it; its people stay")
        }
        Action::OrganisationPeople => list("List who is in an organisation", PAGED, schema),
        Action::OrganisationAdd => command("Take a person into an organisation"),
        Action::OrganisationRemove => {
            command("Take a person out of an organisation, which ends what apps were given for it")
        }
        Action::ClientsList => list("List apps by client_id", SEARCHED, client),
        Action::ClientCreate => shape(
            "Make an app; its secret is shown this once",
            Taken::Body(SchemaGenerator::subschema_for::<NewClient>),
            Answered::MadeOnce(SchemaGenerator::subschema_for::<ClientWithSecret>),
        ),
        Action::ClientShow => show("Show an app", client),
        Action::ClientPatch => {
            change("Change an app", SchemaGenerator::subschema_for::<ClientChange>, client)
        }
        Action::ClientDelete => delete("Delete an app and everything issued to it"),
        Action::ClientDisable => command("Disable an app, which ends its tokens"),
        Action::ClientEnable => command("Enable an app again"),
        Action::ClientRefresh => shape(
            "Read the metadata document of an app again, now",
            Taken::Nothing,
            Answered::One(client),
        ),
        Action::ClientRevokeRegistration => command(
            "Take the token away with which an app that registered itself can change or delete itself",
        ),
        Action::ClientSecret => shape(
            "Give an app a new secret, shown this once; the old one stops working",
            Taken::Nothing,
            Answered::One(SchemaGenerator::subschema_for::<ClientWithSecret>),
        ),
        Action::ClientLogoPut => shape("Give an app a logo", Taken::Picture, Answered::Nothing),
        Action::ClientLogoDelete => command("Take the logo of an app away"),
        Action::ClientPreview => shape(
            "Show what an app would be told of somebody; needs doorward.users:read, too, and is noted",
            Taken::Body(SchemaGenerator::subschema_for::<PreviewWish>),
            Answered::One(SchemaGenerator::subschema_for::<PreviewView>),
        ),
        Action::SecretsList => list(
            "List the secrets of an app that work, newest first; what they are is not shown",
            &[],
            SchemaGenerator::subschema_for::<SecretView>,
        ),
        Action::SecretAdd => shape(
            "Give an app a second secret, shown this once; the one it has goes on working",
            Taken::Nothing,
            Answered::MadeOnce(SchemaGenerator::subschema_for::<NewSecret>),
        ),
        Action::SecretRemove => command("End a secret of an app that has another one"),
        Action::RolesList => list("List the roles of an app by name", &[], role),
        Action::RoleCreate => shape(
            "Make a role of an app, which nobody has yet",
            Taken::Body(SchemaGenerator::subschema_for::<NewRole>),
            Answered::Made(role),
        ),
        Action::RoleShow => show("Show a role of an app", role),
        Action::RolePatch => change(
            "Give a role another description",
            SchemaGenerator::subschema_for::<RoleChange>,
            role,
        ),
        Action::RoleDelete => delete("Delete a role; whoever had it has it no more"),
        Action::RoleUsersList => list(
            "List who has a role by themselves, by user name",
            PAGED,
            SchemaGenerator::subschema_for::<RoleHolder>,
        ),
        Action::RoleUserAdd => command("Give a person a role"),
        Action::RoleUserRemove => command("Take a role from a person"),
        Action::RoleGroupsList => list(
            "List which groups give a role to those in them, by name",
            PAGED,
            SchemaGenerator::subschema_for::<RoleGroup>,
        ),
        Action::RoleGroupAdd => command("Give a role to everybody in a group"),
        Action::RoleGroupRemove => command("Take a role from a group"),
        Action::RegistrationTokensList => list(
            "List the tokens with which apps register, newest first; what they are is not shown",
            PAGED,
            SchemaGenerator::subschema_for::<RegistrationTokenView>,
        ),
        Action::RegistrationTokenCreate => shape(
            "Make a token with which apps register themselves, shown this once",
            Taken::Perhaps(SchemaGenerator::subschema_for::<NewRegistrationToken>),
            Answered::MadeOnce(SchemaGenerator::subschema_for::<RegistrationTokenOnce>),
        ),
        Action::RegistrationTokenShow => shape(
            "Show a token with which apps register, without what it is",
            Taken::Nothing,
            Answered::One(SchemaGenerator::subschema_for::<RegistrationTokenView>),
        ),
        Action::RegistrationTokenRevoke => {
            command("Take a registration token back; apps registered with it stay")
        }
        Action::SessionsList => list(
            "List where people are signed in, newest first",
            &["user", "client_id", "address", "cursor", "limit"],
            SchemaGenerator::subschema_for::<SessionView>,
        ),
        Action::SessionsEndMany => shape(
            "End the sessions of a person, in an app or from an address, or where these meet",
            Taken::Body(SchemaGenerator::subschema_for::<SessionsToEnd>),
            Answered::One(SchemaGenerator::subschema_for::<SessionsEnded>),
        ),
        Action::SessionEnd => command("Sign a person out of one device"),
        Action::KeysList => list("List keys", &[], SchemaGenerator::subschema_for::<KeyView>),
        Action::KeysRotate => shape(
            "Let the next key of an algorithm take over now",
            Taken::Body(SchemaGenerator::subschema_for::<Rotation>),
            Answered::Nothing,
        ),
        Action::KeyRetire => command("Remove a key that has leaked; what it signed stops working"),
        Action::IssuersList => list("List trusted issuers by name", &[], issuer),
        Action::IssuerCreate => shape(
            "Trust an issuer",
            Taken::Body(SchemaGenerator::subschema_for::<NewIssuer>),
            Answered::Made(issuer),
        ),
        Action::IssuerShow => show("Show a trusted issuer", issuer),
        Action::IssuerPatch => change(
            "Change what an issuer is trusted with",
            SchemaGenerator::subschema_for::<IssuerChange>,
            issuer,
        ),
        Action::IssuerDelete => {
            delete("Stop trusting an issuer; what was issued on its word lives until it expires")
        }
        Action::IssuerDisable => command("Switch an issuer off for the time being"),
        Action::IssuerEnable => command("Let an issuer's word count again"),
        Action::UpstreamList => list("List upstream providers by slug", &[], upstream),
        Action::UpstreamCreate => shape(
            "Add an upstream provider",
            Taken::Body(SchemaGenerator::subschema_for::<NewUpstreamProvider>),
            Answered::Made(upstream),
        ),
        Action::UpstreamShow => show("Show an upstream provider", upstream),
        Action::UpstreamPatch => change(
            "Change an upstream provider, or its secret",
            SchemaGenerator::subschema_for::<UpstreamChanges>,
            upstream,
        ),
        Action::UpstreamDelete => delete("Delete an upstream provider and its secret"),
        Action::UpstreamDisable => command("Switch an upstream provider off"),
        Action::UpstreamEnable => command("Switch an upstream provider on again"),
        Action::UpstreamTest => shape(
            "Ask an upstream provider for its metadata and keys, and tell whether all of it fits",
            Taken::Nothing,
            Answered::One(SchemaGenerator::subschema_for::<Examination>),
        ),
        Action::UpstreamPreview => shape(
            "Show what a person would look like who came with these claims; nothing of it is kept",
            Taken::Body(SchemaGenerator::subschema_for::<SampleClaims>),
            Answered::One(SchemaGenerator::subschema_for::<PersonPreview>),
        ),
        Action::WebhooksList => list("List webhooks by name", &[], webhook),
        Action::WebhookCreate => shape(
            "Make a webhook; the secret it signs with is shown this once",
            Taken::Body(SchemaGenerator::subschema_for::<NewWebhook>),
            Answered::MadeOnce(SchemaGenerator::subschema_for::<WebhookWithSecret>),
        ),
        Action::WebhookShow => show("Show a webhook", webhook),
        Action::WebhookPatch => {
            change("Change a webhook", SchemaGenerator::subschema_for::<WebhookChange>, webhook)
        }
        Action::WebhookDelete => delete("Delete a webhook and its log"),
        Action::WebhookDisable => command("Disable a webhook; what waits for it is dropped"),
        Action::WebhookEnable => command("Enable a webhook again"),
        Action::WebhookSecret => shape(
            "Give a webhook a new secret, shown this once; for a day the old one signs as well",
            Taken::Nothing,
            Answered::One(SchemaGenerator::subschema_for::<WebhookWithSecret>),
        ),
        Action::WebhookTest => shape(
            "Send a webhook a test message now, and tell what came back",
            Taken::Nothing,
            Answered::One(SchemaGenerator::subschema_for::<TestResult>),
        ),
        Action::DeliveriesList => list(
            "List what a webhook was sent, newest first",
            PAGED,
            SchemaGenerator::subschema_for::<DeliveryView>,
        ),
        Action::DeliveryRepeat => {
            command("Send a webhook a message once more, under the same webhook-id")
        }
        Action::AuditList => list(
            "Search the audit log, newest first",
            OF_AUDIT,
            SchemaGenerator::subschema_for::<AuditView>,
        ),
        Action::JobsList => list(
            "List what waits to be sent, the oldest first",
            &["state", "topic", "cursor", "limit"],
            SchemaGenerator::subschema_for::<JobView>,
        ),
        Action::JobRetry => command("Send a message now that waits for its next try"),
        Action::JobDiscard => command("Give a message up; whoever it is for never hears of it"),
        Action::MailTest => shape(
            "Send a test letter now, and tell what the mail server makes of it",
            Taken::Perhaps(SchemaGenerator::subschema_for::<MailTestWish>),
            Answered::One(SchemaGenerator::subschema_for::<MailTest>),
        ),
        Action::ApiKeysList => list(
            "List API keys, newest first; what they are is not shown",
            &["user", "cursor", "limit"],
            SchemaGenerator::subschema_for::<ApiKeyView>,
        ),
        Action::ApiKeyRevoke => command("Make an API key work no more"),
        Action::OverviewShow => Shape {
            query: &["span"],
            ..shape(
                "Show how things stand, with what needs attention",
                Taken::Nothing,
                Answered::One(SchemaGenerator::subschema_for::<OverviewView>),
            )
        },
        Action::ConfigurationShow => shape(
            "Show what this server runs with: version, every setting with where it comes from, dependencies",
            Taken::Nothing,
            Answered::One(SchemaGenerator::subschema_for::<ConfigurationView>),
        ),
        Action::SettingsList => list(
            "List the settings that may change while servers run, with where each comes from",
            &[],
            SchemaGenerator::subschema_for::<SettingView>,
        ),
        Action::SettingShow => {
            show("Show a setting", SchemaGenerator::subschema_for::<SettingView>)
        }
        Action::SettingPut => change(
            "Set a setting, on every node within a second",
            SchemaGenerator::subschema_for::<SettingValue>,
            SchemaGenerator::subschema_for::<SettingView>,
        ),
        Action::SettingDelete => delete("Let a setting be its default again"),
        Action::BrandLogoPut => shape(
            "Set the logo on every page (`logo`), or another one for dark pages (`logo-dark`)",
            Taken::Picture,
            Answered::Nothing,
        ),
        Action::BrandLogoDelete => command("Take a logo off every page"),
    }
}
