//! What is outside: issuers that are trusted, upstream providers, and webhooks.

use super::About::Nobody;
use super::{Action, Entry, entry};
use crate::http::programs::Verb::{Delete, Get, Patch, Post};
use crate::protocol::api::ApiScope as S;
use crate::protocol::rights::Right as R;

pub(super) const TABLE: &[Entry] = &[
    entry((Get, "/issuers"), (S::IssuersRead, R::IssuersRead), Nobody, Action::IssuersList),
    entry((Post, "/issuers"), (S::IssuersWrite, R::IssuersWrite), Nobody, Action::IssuerCreate),
    entry((Get, "/issuers/{id}"), (S::IssuersRead, R::IssuersRead), Nobody, Action::IssuerShow),
    entry(
        (Patch, "/issuers/{id}"),
        (S::IssuersWrite, R::IssuersWrite),
        Nobody,
        Action::IssuerPatch,
    ),
    entry(
        (Delete, "/issuers/{id}"),
        (S::IssuersWrite, R::IssuersWrite),
        Nobody,
        Action::IssuerDelete,
    ),
    entry(
        (Post, "/issuers/{id}/disable"),
        (S::IssuersWrite, R::IssuersWrite),
        Nobody,
        Action::IssuerDisable,
    ),
    entry(
        (Post, "/issuers/{id}/enable"),
        (S::IssuersWrite, R::IssuersWrite),
        Nobody,
        Action::IssuerEnable,
    ),
    entry(
        (Get, "/upstream-providers"),
        (S::UpstreamRead, R::UpstreamRead),
        Nobody,
        Action::UpstreamList,
    ),
    entry(
        (Post, "/upstream-providers"),
        (S::UpstreamWrite, R::UpstreamWrite),
        Nobody,
        Action::UpstreamCreate,
    ),
    entry(
        (Get, "/upstream-providers/{id}"),
        (S::UpstreamRead, R::UpstreamRead),
        Nobody,
        Action::UpstreamShow,
    ),
    entry(
        (Patch, "/upstream-providers/{id}"),
        (S::UpstreamWrite, R::UpstreamWrite),
        Nobody,
        Action::UpstreamPatch,
    ),
    entry(
        (Delete, "/upstream-providers/{id}"),
        (S::UpstreamWrite, R::UpstreamWrite),
        Nobody,
        Action::UpstreamDelete,
    ),
    entry(
        (Post, "/upstream-providers/{id}/disable"),
        (S::UpstreamWrite, R::UpstreamWrite),
        Nobody,
        Action::UpstreamDisable,
    ),
    entry(
        (Post, "/upstream-providers/{id}/enable"),
        (S::UpstreamWrite, R::UpstreamWrite),
        Nobody,
        Action::UpstreamEnable,
    ),
    entry(
        (Post, "/upstream-providers/{id}/test"),
        (S::UpstreamWrite, R::UpstreamWrite),
        Nobody,
        Action::UpstreamTest,
    ),
    entry(
        (Post, "/upstream-providers/{id}/preview"),
        (S::UpstreamWrite, R::UpstreamWrite),
        Nobody,
        Action::UpstreamPreview,
    ),
    entry((Get, "/webhooks"), (S::WebhooksRead, R::WebhooksRead), Nobody, Action::WebhooksList),
    entry((Post, "/webhooks"), (S::WebhooksWrite, R::WebhooksWrite), Nobody, Action::WebhookCreate),
    entry((Get, "/webhooks/{id}"), (S::WebhooksRead, R::WebhooksRead), Nobody, Action::WebhookShow),
    entry(
        (Patch, "/webhooks/{id}"),
        (S::WebhooksWrite, R::WebhooksWrite),
        Nobody,
        Action::WebhookPatch,
    ),
    entry(
        (Delete, "/webhooks/{id}"),
        (S::WebhooksWrite, R::WebhooksWrite),
        Nobody,
        Action::WebhookDelete,
    ),
    entry(
        (Post, "/webhooks/{id}/disable"),
        (S::WebhooksWrite, R::WebhooksWrite),
        Nobody,
        Action::WebhookDisable,
    ),
    entry(
        (Post, "/webhooks/{id}/enable"),
        (S::WebhooksWrite, R::WebhooksWrite),
        Nobody,
        Action::WebhookEnable,
    ),
    entry(
        (Post, "/webhooks/{id}/secret"),
        (S::WebhooksWrite, R::WebhooksWrite),
        Nobody,
        Action::WebhookSecret,
    ),
    entry(
        (Post, "/webhooks/{id}/test"),
        (S::WebhooksWrite, R::WebhooksWrite),
        Nobody,
        Action::WebhookTest,
    ),
    entry(
        (Get, "/webhooks/{id}/deliveries"),
        (S::WebhooksRead, R::WebhooksRead),
        Nobody,
        Action::DeliveriesList,
    ),
    entry(
        (Post, "/webhooks/{id}/deliveries/{delivery}/redeliver"),
        (S::WebhooksWrite, R::WebhooksWrite),
        Nobody,
        Action::DeliveryRepeat,
    ),
];
