//! Whether anybody administers this.

use super::Finding;
use crate::app::App;
use crate::service::people::links;

pub(super) async fn check(app: &App) -> Finding {
    let name = "administrator";
    match links::needs_setup(app).await {
        Ok(false) => Finding::fine(name, "there is an owner"),
        Ok(true) => Finding::failure(name, "nobody administers this yet; run: doorward setup-link"),
        Err(error) => Finding::failure(name, error.to_string()),
    }
}
