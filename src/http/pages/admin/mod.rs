//! The console: one struct per page, and the frame they share. Every change is a POST form with
//! `csrf`; changes that cannot be undone go through [`confirm::Confirm`] first.

pub mod api_keys;
pub mod audit;
pub mod backup;
pub mod chart;
pub mod client_forms;
pub mod client_parts;
pub mod client_terms;
pub mod clients;
pub mod configuration;
pub mod confirm;
pub mod connect;
pub mod delete_named;
pub mod denied;
pub mod groups;
pub mod imports;
pub mod issuers;
pub mod jobs;
pub mod keys;
pub mod logos;
pub mod mail;
pub mod members;
pub mod missing;
pub mod organisations;
pub mod overview;
pub mod paging;
pub mod preview;
pub mod profile_form;
pub mod registration_tokens;
pub mod roles;
mod samples;
pub mod selected;
pub mod sessions;
pub mod settings;
pub mod sorting;
mod state;
pub mod trial;
pub mod try_it;
pub mod upstream;
pub mod user_forms;
pub mod users;
pub mod webhooks;
pub mod wizard;

pub(super) use self::samples::samples;
pub use self::state::State;
use super::sample::words;
use super::views::{Flash, Tone, Undo};
use crate::protocol::rights::{Reach, Right, Role};

/// What surrounds every console page.
#[derive(Debug, Clone)]
pub struct Console {
    pub section: Section,
    /// Name or username of the signed-in administrator.
    pub admin: String,
    /// What they may do; pages leave out what they may not. Handlers check it again.
    pub role: Role,
    pub subject: Subject,
    /// For every form on the page.
    pub csrf: String,
    /// Whether they have signed in lately enough for what is guarded.
    pub is_fresh: bool,
    /// What the last action did, shown once.
    pub flash: Option<Flash>,
}

/// What becomes of the person or group a page is about in this administrator's hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// What their role may do with others of its kind.
    Changeable,
    /// They may only look at this one.
    ReadOnly,
}

/// The entries of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    Overview,
    People,
    Groups,
    Organisations,
    Apps,
    Sessions,
    Issuers,
    Upstream,
    Keys,
    ApiKeys,
    Webhooks,
    Settings,
    Audit,
    Jobs,
    Backup,
}

impl Section {
    /// In the order of the navigation.
    pub const ALL: [Self; 15] = [
        Self::Overview,
        Self::People,
        Self::Groups,
        Self::Organisations,
        Self::Apps,
        Self::Sessions,
        Self::Issuers,
        Self::Upstream,
        Self::Keys,
        Self::ApiKeys,
        Self::Webhooks,
        Self::Settings,
        Self::Audit,
        Self::Jobs,
        Self::Backup,
    ];

    fn label(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::People => "People",
            Self::Groups => "Groups",
            Self::Organisations => "Organisations",
            Self::Apps => "Apps",
            Self::Sessions => "Sessions",
            Self::Issuers => "Issuers",
            Self::Upstream => "Upstream",
            Self::Keys => "Keys",
            Self::ApiKeys => "API keys",
            Self::Webhooks => "Webhooks",
            Self::Settings => "Settings",
            Self::Audit => "Audit",
            Self::Jobs => "Jobs",
            Self::Backup => "Backup",
        }
    }

    /// The section in which a path below the issuer lies; the overview for any other.
    #[must_use]
    pub fn of_path(path: &str) -> Self {
        let lies_below = |folder: &str| {
            let rest = path.strip_prefix(folder);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        // Not below `/admin/clients`, where it could be the id of an app.
        if lies_below("/admin/registration-tokens") {
            return Self::Apps;
        }
        // The overview's path begins all others'.
        let holds = |section: &Self| lies_below(section.path());
        Self::ALL.into_iter().rev().find(holds).unwrap_or(Self::Overview)
    }

    /// Path below the issuer.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Overview => "/admin",
            Self::People => "/admin/users",
            Self::Groups => "/admin/groups",
            Self::Organisations => "/admin/organisations",
            Self::Apps => "/admin/clients",
            Self::Sessions => "/admin/sessions",
            Self::Issuers => "/admin/issuers",
            Self::Upstream => "/admin/upstream",
            Self::Keys => "/admin/keys",
            Self::ApiKeys => "/admin/api-keys",
            Self::Webhooks => "/admin/webhooks",
            Self::Settings => "/admin/settings",
            Self::Audit => "/admin/audit",
            Self::Jobs => "/admin/jobs",
            Self::Backup => "/admin/backup",
        }
    }
}

/// One entry of the navigation as the layout shows it.
struct NavEntry {
    label: &'static str,
    path: &'static str,
    current: bool,
}

impl Section {
    /// What its pages need to be shown.
    fn reads(self) -> Right {
        match self {
            Self::Overview => Right::OverviewRead,
            Self::People => Right::PeopleRead,
            Self::Groups => Right::GroupsRead,
            Self::Organisations => Right::OrganisationsRead,
            Self::Apps => Right::ClientsRead,
            Self::Sessions => Right::SessionsRead,
            Self::Issuers => Right::IssuersRead,
            Self::Upstream => Right::UpstreamRead,
            Self::Keys => Right::KeysRead,
            Self::ApiKeys => Right::ApiKeysRead,
            Self::Webhooks => Right::WebhooksRead,
            Self::Settings => Right::SettingsRead,
            Self::Audit => Right::AuditRead,
            Self::Jobs => Right::JobsRead,
            Self::Backup => Right::BackupRead,
        }
    }

    /// What its forms need, but for those that need more.
    fn writes(self) -> Option<Right> {
        match self {
            Self::Overview | Self::Audit => None,
            Self::People => Some(Right::PeopleWrite),
            Self::Groups => Some(Right::GroupsWrite),
            Self::Organisations => Some(Right::OrganisationsWrite),
            Self::Apps => Some(Right::ClientsWrite),
            Self::Sessions => Some(Right::SessionsEnd),
            Self::Issuers => Some(Right::IssuersWrite),
            Self::Upstream => Some(Right::UpstreamWrite),
            Self::Keys => Some(Right::KeysRotate),
            Self::ApiKeys => Some(Right::ApiKeysWrite),
            Self::Jobs => Some(Right::JobsWrite),
            Self::Backup => Some(Right::BackupMake),
            Self::Webhooks => Some(Right::WebhooksWrite),
            Self::Settings => Some(Right::SettingsWrite),
        }
    }
}

impl Console {
    fn nav(&self) -> Vec<NavEntry> {
        let shown = Section::ALL.into_iter().filter(|section| self.may(section.reads()));
        let entry = |section: Section| NavEntry {
            label: section.label(),
            path: section.path(),
            current: section == self.section,
        };
        shown.map(entry).collect()
    }

    /// Whether this administrator may change what the section's pages are about.
    fn can_change(&self) -> bool {
        let may = self.section.writes().is_some_and(|right| self.may(right));
        may && self.subject == Subject::Changeable
    }

    fn may(&self, right: Right) -> bool {
        right.reach(self.role) != Reach::Nothing
    }

    /// Whether this administrator may give out the right to use the console.
    fn can_grant(&self) -> bool {
        self.may(Right::PeopleGrantRole)
    }

    /// Whether this administrator may say that a mailbox is somebody's.
    fn can_vouch(&self) -> bool {
        self.may(Right::PeopleVouch)
    }

    fn can_import_people(&self) -> bool {
        self.may(Right::PeopleImport)
    }

    fn can_delete_people(&self) -> bool {
        self.may(Right::PeopleDelete)
    }

    fn can_move_people(&self) -> bool {
        self.may(Right::GroupsMembers)
    }

    /// Whether this administrator may take people into organisations and out of them.
    fn can_fill_organisations(&self) -> bool {
        self.may(Right::OrganisationsMembers)
    }

    /// Whether this administrator may say who looks after a group.
    fn can_delegate(&self) -> bool {
        self.may(Right::GroupsDelegate)
    }

    /// Whether this administrator sees the groups they look after, and who is in them, alone.
    fn looks_after_groups(&self) -> bool {
        Right::PeopleRead.reach(self.role) == Reach::Own
    }

    /// What to type where groups are asked for.
    fn groups_hint(&self) -> &'static str {
        if self.looks_after_groups() {
            "Names of groups you look after, one a line."
        } else {
            "One a line. You are asked before a new one is made."
        }
    }

    fn can_see_apps(&self) -> bool {
        self.may(Right::ClientsRead)
    }

    /// Whether this administrator may make new secrets for apps.
    fn can_renew_secrets(&self) -> bool {
        self.may(Right::ClientsSecret)
    }

    /// Whether this administrator may try a sign-in, and see what an app is told.
    fn can_try(&self) -> bool {
        self.may(Right::ClientsPreview)
    }

    /// Whether this administrator may sign out many people at once.
    fn can_end_sessions(&self) -> bool {
        self.may(Right::SessionsEndMany)
    }

    fn can_read_audit(&self) -> bool {
        self.may(Right::AuditRead)
    }

    fn sample(section: Section) -> Self {
        let flash = (section == Section::Sessions).then(|| Flash {
            tone: Tone::Done,
            text: words("Signed out ada on Safari on iPhone."),
            undo: Some(Undo {
                path: "/admin/groups/crew/add-member".to_owned(),
                fields: vec![("member".to_owned(), words("5f0c1f0e"))],
            }),
        });
        Self {
            section,
            admin: words("Ada Lovelace"),
            role: Role::Owner,
            subject: Subject::Changeable,
            csrf: words("csrf-value"),
            is_fresh: true,
            flash,
        }
    }
}

/// `base`, `folder` and an id, which may hold any character, as one path.
pub(in crate::http) fn path_below(base: &str, folder: &str, id: &str) -> String {
    let id: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
    format!("{base}{folder}{}", id.replace('+', "%20"))
}

/// What a form says that it was made from: a tag, and when.
pub(super) fn seen_sample() -> String {
    "u4y9K1m0cE2 1795300000".to_owned()
}
