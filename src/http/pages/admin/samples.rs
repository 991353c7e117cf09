//! Every console page with sample data, by the area it is about.

use super::client_terms::{ClientCredentials, ClientTokens};
use super::{
    api_keys, audit, backup, client_forms, clients, configuration, confirm, connect, delete_named,
    denied, groups, imports, issuers, jobs, keys, mail, missing, organisations, overview, preview,
    registration_tokens, roles, selected, sessions, settings, trial, try_it, upstream, user_forms,
    users, webhooks, wizard,
};
use crate::http::pages::render;

/// Every console page with sample data; see [`crate::http::pages::samples`].
pub(in crate::http::pages) fn samples() -> Vec<(&'static str, String)> {
    let mut samples = samples_of_people();
    samples.extend(samples_of_apps());
    samples.extend(samples_of_operations());
    samples.extend(registration_tokens::samples());
    samples
}

fn samples_of_people() -> Vec<(&'static str, String)> {
    vec![
        ("admin/overview", render(&overview::Overview::sample())),
        ("admin/users", render(&users::UsersList::sample())),
        ("admin/users/none", render(&users::UsersList::sample_empty())),
        ("admin/users/none-chosen", render(&users::UsersList::sample_none_chosen())),
        ("admin/users/wrong", render(&users::UsersList::sample_wrong())),
        ("admin/users/behind", render(&users::UsersList::sample_behind())),
        ("admin/user", render(&users::UserDetail::sample())),
        ("admin/user/read_only", render(&users::UserDetail::sample_read_only())),
        ("admin/user_new", render(&user_forms::UserCreate::sample())),
        ("admin/user_new/group", render(&user_forms::UserCreate::sample_new_group())),
        ("admin/user_import", render(&imports::UserImport::sample())),
        ("admin/user_import/wrong", render(&imports::UserImport::sample_wrong())),
        ("admin/user_import_newest", render(&imports::ImportNewest::sample())),
        ("admin/user_import_newest/done", render(&imports::ImportNewest::sample_done())),
        ("admin/user_import_newest/broken", render(&imports::ImportNewest::sample_broken())),
        ("admin/user_import_newest/none", render(&imports::ImportNewest::sample_none())),
        ("admin/link_once", render(&user_forms::LinkOnce::sample())),
        ("admin/temporary_once", render(&user_forms::TemporaryOnce::sample())),
        ("admin/selected", render(&selected::SelectedOutcome::sample())),
        ("admin/users/deleted", render(&users::UsersList::sample_leaving())),
        ("admin/users/manager", render(&users::UsersList::sample_of_manager())),
        ("admin/groups", render(&groups::GroupsList::sample())),
        ("admin/groups/none", render(&groups::GroupsList::sample_empty())),
        ("admin/groups/wrong", render(&groups::GroupsList::sample_wrong())),
        ("admin/group", render(&groups::GroupDetail::sample())),
        ("admin/group/manager", render(&groups::GroupDetail::sample_of_manager())),
        ("admin/organisations", render(&organisations::OrganisationsList::sample())),
        ("admin/organisations/none", render(&organisations::OrganisationsList::sample_empty())),
        ("admin/organisations/wrong", render(&organisations::OrganisationsList::sample_wrong())),
        ("admin/organisation", render(&organisations::OrganisationDetail::sample())),
        ("admin/organisation/wrong", render(&organisations::OrganisationDetail::sample_wrong())),
        ("admin/delete_named", render(&delete_named::DeleteNamed::sample())),
        ("admin/delete_named/wrong", render(&delete_named::DeleteNamed::sample_wrong())),
    ]
}

fn samples_of_apps() -> Vec<(&'static str, String)> {
    vec![
        ("admin/clients", render(&clients::ClientsList::sample())),
        ("admin/clients/none", render(&clients::ClientsList::sample_empty())),
        ("admin/client", render(&clients::ClientDetail::sample())),
        ("admin/client/document", render(&clients::ClientDetail::sample_document())),
        ("admin/client/itself", render(&clients::ClientDetail::sample_self_registered())),
        ("admin/client/itself_ended", render(&clients::ClientDetail::sample_access_ended())),
        ("admin/connect", render(&connect::Connect::sample())),
        ("admin/connect/list", render(&connect::Connect::sample_list())),
        ("admin/connect/wrong", render(&connect::Connect::sample_wrong())),
        ("admin/wizard", render(&wizard::Wizard::sample())),
        ("admin/wizard/none", render(&wizard::Wizard::sample_none())),
        ("admin/wizard_address", render(&wizard::WizardAddress::sample())),
        ("admin/wizard_address/agent", render(&wizard::WizardAddress::sample_agent())),
        ("admin/wizard_address/wrong", render(&wizard::WizardAddress::sample_wrong())),
        ("admin/client_new", render(&client_forms::ClientCreate::sample())),
        ("admin/client_secret", render(&client_forms::ClientSecret::sample())),
        ("admin/client_secret/app", render(&client_forms::ClientSecret::sample_of_catalogue())),
        ("admin/trial", render(&trial::TrialPage::sample())),
        ("admin/trial/done", render(&trial::TrialPage::sample_done())),
        ("admin/roles", render(&roles::RolesList::sample())),
        ("admin/roles/wrong", render(&roles::RolesList::sample_wrong())),
        ("admin/role", render(&roles::RoleDetail::sample())),
        ("admin/role/wrong", render(&roles::RoleDetail::sample_wrong())),
        ("admin/preview", render(&preview::PreviewPage::sample())),
        ("admin/preview/wrong", render(&preview::PreviewPage::sample_wrong())),
        ("admin/preview/machine", render(&preview::PreviewPage::sample_machine())),
        ("admin/try_it", render(&try_it::TryIt::sample())),
        ("admin/try_it/wrong", render(&try_it::TryIt::sample_wrong())),
        ("admin/try_it/none", render(&try_it::TryIt::sample_none())),
        ("admin/try_it/moved", render(&try_it::TryIt::sample_moved())),
        ("admin/try_it_result", render(&try_it::TryItResult::sample())),
        ("admin/try_it_result/refused", render(&try_it::TryItResult::sample_refused())),
        ("admin/try_it_result/none", render(&try_it::TryItResult::sample_none())),
    ]
}

fn samples_of_operations() -> Vec<(&'static str, String)> {
    vec![
        ("admin/client/credentials", render(&ClientCredentials::sample())),
        ("admin/client/credentials/wrong", render(&ClientCredentials::sample_wrong())),
        ("admin/client/credentials/auditor", render(&ClientCredentials::sample_of_auditor())),
        ("admin/client/tokens", render(&ClientTokens::sample())),
        ("admin/client/tokens/wrong", render(&ClientTokens::sample_wrong())),
        ("admin/client/tokens/auditor", render(&ClientTokens::sample_of_auditor())),
        ("admin/sessions", render(&sessions::SessionsList::sample())),
        ("admin/sessions/unclear", render(&sessions::SessionsList::sample_unclear())),
        ("admin/issuers", render(&issuers::IssuersList::sample())),
        ("admin/issuers/none", render(&issuers::IssuersList::sample_empty())),
        ("admin/issuer", render(&issuers::IssuerDetail::sample())),
        ("admin/issuer_new", render(&issuers::IssuerCreate::sample())),
        ("admin/upstream_providers", render(&upstream::UpstreamList::sample())),
        ("admin/upstream_providers/none", render(&upstream::UpstreamList::sample_empty())),
        ("admin/upstream_provider", render(&upstream::UpstreamDetail::sample())),
        ("admin/upstream_provider/tested", render(&upstream::UpstreamDetail::sample_tested())),
        ("admin/upstream_provider/person", render(&upstream::UpstreamDetail::sample_previewed())),
        ("admin/upstream_provider/wrong", render(&upstream::UpstreamDetail::sample_wrong())),
        ("admin/upstream_provider_new", render(&upstream::UpstreamCreate::sample())),
        ("admin/upstream_provider_new/wrong", render(&upstream::UpstreamCreate::sample_wrong())),
        ("admin/upstream_provider_secret", render(&upstream::UpstreamSecret::sample())),
        ("admin/keys", render(&keys::KeysList::sample())),
        ("admin/api_keys", render(&api_keys::ApiKeysList::sample())),
        ("admin/api_keys/none", render(&api_keys::ApiKeysList::sample_none())),
        ("admin/api_key_new", render(&api_keys::ApiKeyCreate::sample())),
        ("admin/api_key_new/wrong", render(&api_keys::ApiKeyCreate::sample_wrong())),
        ("admin/api_key_once", render(&api_keys::ApiKeyOnce::sample())),
        ("admin/webhooks", render(&webhooks::WebhooksList::sample())),
        ("admin/webhooks/none", render(&webhooks::WebhooksList::sample_empty())),
        ("admin/webhook", render(&webhooks::WebhookDetail::sample())),
        ("admin/webhook_new", render(&webhooks::WebhookCreate::sample())),
        ("admin/webhook_secret", render(&webhooks::WebhookSecret::sample())),
        ("admin/settings", render(&settings::SettingsPage::sample())),
        ("admin/settings/wrong", render(&settings::SettingsPage::sample_wrong())),
        ("admin/mail", render(&mail::MailPage::sample())),
        ("admin/mail/none", render(&mail::MailPage::sample_none())),
        ("admin/mail/refused", render(&mail::MailPage::sample_refused())),
        ("admin/mail/wrong", render(&mail::MailPage::sample_wrong())),
        ("admin/configuration", render(&configuration::ConfigurationPage::sample())),
        ("admin/configuration/fine", render(&configuration::ConfigurationPage::sample_fine())),
        ("admin/audit", render(&audit::AuditList::sample())),
        ("admin/audit/wrong", render(&audit::AuditList::sample_wrong())),
        ("admin/jobs", render(&jobs::JobsList::sample())),
        ("admin/jobs/none", render(&jobs::JobsList::sample_empty())),
        ("admin/backup", render(&backup::Backup::sample())),
        ("admin/backup/none", render(&backup::Backup::sample_none())),
        ("admin/confirm", render(&confirm::Confirm::sample())),
        ("admin/missing", render(&missing::Missing::sample())),
        ("admin/denied", render(&denied::Denied::sample())),
    ]
}
