//! `doorward client logo` and `doorward setting logo`: the pictures on pages.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::engine;
use super::exit::{Exit, Failure};
use super::globals::Globals;
use super::output::{Output, Table};
use crate::pictures::{LONGEST, OF_AN_APP, OF_THE_BRAND};
use crate::protocol::branding::LogoKind;
use crate::protocol::types::ClientId;
use crate::service::audit::Actor;
use crate::service::pictures;
use crate::store::pictures::Owner;

pub(super) fn about_client() -> String {
    format!(
        "\
People see it where they sign in to the app, and among their apps. It is made to fit into {OF_AN_APP} pixels
and written anew.

Examples:
  doorward client logo wiki wiki.png
  doorward client logo wiki --remove"
    )
}

pub(super) fn about_brand() -> String {
    format!(
        "\
It stands on every page in place of Doorward's mark and the product name. It is made to fit into {OF_THE_BRAND}
pixels and written anew. A logo for dark pages is optional.

Examples:
  doorward setting logo orchard.png
  doorward setting logo --dark orchard-white.png
  doorward setting logo --dark --remove"
    )
}

/// The picture a command is about.
#[derive(Debug, Clone, Args)]
pub struct PictureArgs {
    /// A PNG, JPEG or WebP file of at most 512 KiB, or - for standard input
    #[arg(required_unless_present = "remove")]
    pub file: Option<PathBuf>,
    /// Remove the logo
    #[arg(long, conflicts_with = "file")]
    pub remove: bool,
}

/// `client logo`.
#[derive(Debug, Clone, Args)]
pub struct ClientLogoArgs {
    /// The app's client_id
    pub client_id: String,
    #[command(flatten)]
    pub picture: PictureArgs,
}

/// `setting logo`.
#[derive(Debug, Clone, Args)]
pub struct BrandLogoArgs {
    /// The logo for dark pages
    #[arg(long)]
    pub dark: bool,
    #[command(flatten)]
    pub picture: PictureArgs,
}

pub(super) fn of_client(
    args: &ClientLogoArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    change(&Owner::Client(ClientId::new(&args.client_id)), &args.picture, (globals, output))
}

pub(super) fn of_brand(
    args: &BrandLogoArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let kind = if args.dark { LogoKind::Dark } else { LogoKind::Light };
    change(&Owner::Brand(kind), &args.picture, (globals, output))
}

fn change(
    owner: &Owner,
    args: &PictureArgs,
    (globals, output): (&Globals, &mut Output<'_>),
) -> Result<Exit, Failure> {
    let sent = args.file.as_deref().map(read).transpose()?;
    let now = engine::with_app(globals, async |app| {
        match sent {
            Some(sent) => pictures::set(app, owner, sent, &Actor::CommandLine).await?,
            None => pictures::remove(app, owner, &Actor::CommandLine).await?,
        }
        Ok(pictures::fingerprint(app, owner).await?)
    })?;
    let what = match owner {
        Owner::Brand(kind) => kind.as_str(),
        Owner::Client(id) => id.as_str(),
    };
    let mut table = Table::fields();
    table.row(["logo of", what]).row(["fingerprint", now.as_deref().unwrap_or("none")]);
    output.data(&json!({ "owner": what, "fingerprint": now }), &table)?;
    Ok(Exit::Done)
}

/// Reads a file no further than it takes to see that it is too long.
fn read(source: &Path) -> Result<Vec<u8>, Failure> {
    let most = u64::try_from(LONGEST).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    let outcome = if source == Path::new("-") {
        io::stdin().lock().take(most).read_to_end(&mut bytes)
    } else {
        let file = std::fs::File::open(source);
        file.and_then(|file| file.take(most).read_to_end(&mut bytes))
    };
    let shown = source.display();
    outcome.map_err(|fault| Failure::Failed(format!("{shown} could not be read: {fault}")))?;
    Ok(bytes)
}
