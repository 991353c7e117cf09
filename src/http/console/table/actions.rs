//! What addresses of the console do of which a file of their own makes a choice.

/// What an address below `/admin/webhooks` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http::console) enum WebhookAction {
    List,
    New,
    Create,
    Show,
    Edit,
    Test,
    Redeliver,
    Enable,
    AskDisable,
    Disable,
    AskRotateSecret,
    RotateSecret,
    AskDelete,
    Delete,
}

/// What an address below `/admin/upstream` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http::console) enum UpstreamAction {
    List,
    New,
    Create,
    Show,
    Edit,
    AskSecret,
    SetSecret,
    Test,
    Preview,
    Enable,
    AskDisable,
    Disable,
    AskDelete,
    Delete,
}

/// What an address below `/admin/try` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http::console) enum TryAction {
    Show,
    SetUp,
    Start,
    Result,
    Refresh,
    SignOut,
}
