//! Every integration test runs on both ways to run Doorward.

/// Where a Doorward under test keeps its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// SQLite and the in-process store: the default.
    Embedded,
    /// PostgreSQL and Redis.
    Production,
}

impl Backend {
    /// Both, for tests that loop.
    pub const ALL: [Self; 2] = [Self::Embedded, Self::Production];
}

/// Writes each `async fn name(world: World) { … }` as two tests, `name::embedded` and
/// `name::production`, which start a world of their own. With `(backend: Backend)` instead the test
/// gets the backend and builds what it needs.
///
/// ```ignore
/// on_both_backends! {
///     async fn a_spent_code_is_refused(world: World) { … }
/// }
/// ```
macro_rules! on_both_backends {
    () => {};
    ($(#[$meta:meta])* async fn $name:ident($world:ident: World) $body:block $($rest:tt)*) => {
        $crate::support::backends::both_tests!([$(#[$meta])*] $name, backend, {
            let $world = $crate::support::world::World::start(backend).await;
            $body
        });
        on_both_backends!($($rest)*);
    };
    ($(#[$meta:meta])* async fn $name:ident(mut $world:ident: World) $body:block $($rest:tt)*) => {
        $crate::support::backends::both_tests!([$(#[$meta])*] $name, backend, {
            let mut $world = $crate::support::world::World::start(backend).await;
            $body
        });
        on_both_backends!($($rest)*);
    };
    ($(#[$meta:meta])* async fn $name:ident($backend:ident: Backend) $body:block $($rest:tt)*) => {
        $crate::support::backends::both_tests!([$(#[$meta])*] $name, $backend, $body);
        on_both_backends!($($rest)*);
    };
}

/// The two tests of one body; only for [`on_both_backends`].
macro_rules! both_tests {
    ([$(#[$meta:meta])*] $name:ident, $backend:ident, $body:block) => {
        mod $name {
            #[allow(unused_imports, reason = "a short body may need nothing from around it")]
            use super::*;

            async fn run($backend: $crate::support::backends::Backend) {
                $body
            }

            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn embedded() {
                run($crate::support::backends::Backend::Embedded).await;
            }

            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn production() {
                run($crate::support::backends::Backend::Production).await;
            }
        }
    };
}
pub(crate) use both_tests;
