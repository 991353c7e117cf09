//! How a command ends: the exit codes scripts rely on, and what is said on the way out.

use std::process::ExitCode;

use crate::config::Problems;

/// Exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything was done.
    Done,
    /// Nothing was done.
    Failed,
    /// The arguments are wrong.
    Usage,
    /// Some of it was done.
    Partial,
    /// The server, or what it depends on, does not work.
    Unhealthy,
    /// The configuration is wrong (`EX_CONFIG` of sysexits.h).
    BadConfiguration,
}

impl Exit {
    /// The number the shell sees.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Partial => 3,
            Self::Unhealthy => 4,
            Self::BadConfiguration => 78,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command could not do its work. The texts are for the person who typed it.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The work failed.
    #[error("{0}")]
    Failed(String),
    /// The arguments contradict each other, or one is missing that cannot be asked for.
    #[error("{0}")]
    Usage(String),
    /// A part of the work was done; the text says which.
    #[error("{0}")]
    Partial(String),
    /// Something that should run does not.
    #[error("{0}")]
    Unhealthy(String),
    /// One line for each mistake in the configuration.
    #[error("{0}")]
    Configuration(#[from] Problems),
    /// Reading or writing failed.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl Failure {
    /// The exit code of this failure. A reader who closed the pipe (`| head`) has seen enough,
    /// so that is no failure.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Io(_) if self.is_closed_pipe() => Exit::Done,
            Self::Failed(_) | Self::Io(_) => Exit::Failed,
            Self::Usage(_) => Exit::Usage,
            Self::Partial(_) => Exit::Partial,
            Self::Unhealthy(_) => Exit::Unhealthy,
            Self::Configuration(_) => Exit::BadConfiguration,
        }
    }

    pub(super) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Io(fault) if fault.kind() == std::io::ErrorKind::BrokenPipe)
    }
}
