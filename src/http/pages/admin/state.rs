//! Whether something works, as a badge.

/// Whether an account or an app works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Active,
    Disabled,
    /// Disabled, and deleted for good some day.
    Leaving,
}

impl State {
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Disabled => "Disabled",
            Self::Leaving => "To be deleted",
        }
    }

    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Active => "good",
            Self::Disabled | Self::Leaving => "bad",
        }
    }
}
