//! The files under `static/`, compiled into the binary and served under names that carry a hash of
//! their bytes, so that browsers may keep them forever and never see a stale one.
//!
//! A style sheet that pages load is a bundle of several files: one request per page, one copy of
//! the rules that both layouts share.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use rust_embed::RustEmbed;

/// What to send as `Cache-Control` with every asset: the URL changes whenever the bytes do.
pub const CACHE_CONTROL: &str = "public, max-age=31536000, immutable";

/// How many bytes of each file's SHA-256 go into an asset's name: 48 bits tell versions of one
/// file apart; they need not resist an attacker.
const HASH_BYTES: usize = 6;

/// Style sheets made of several files, in the order in which their rules apply.
const BUNDLES: [(&str, &[&str]); 2] =
    [("flow.css", &["base.css", "flow.css"]), ("console.css", &["base.css", "console.css"])];

#[derive(RustEmbed)]
#[folder = "static/"]
struct Files;

/// One file as browsers receive it.
#[derive(Debug)]
pub struct Asset {
    /// The name with the hash, as it stands after `/static/`.
    pub path: String,
    /// The content.
    pub bytes: Vec<u8>,
    /// The `Content-Type`, with a charset for text.
    pub mime: &'static str,
}

static BY_NAME: LazyLock<HashMap<String, Asset>> = LazyLock::new(load);

static NAME_BY_PATH: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
    BY_NAME.iter().map(|(name, asset)| (asset.path.as_str(), name.as_str())).collect()
});

/// The asset a browser asks for with the part of the URL after `/static/`
/// (`flow.0123456789ab.css`); `None` for any other name, hence for a hash that is not current.
#[must_use]
pub fn by_path(path: &str) -> Option<&'static Asset> {
    BY_NAME.get(*NAME_BY_PATH.get(path)?)
}

/// The path of an asset from the root of the site (`/static/flow.0123456789ab.css`) by its plain
/// name (`flow.css`). A name that does not exist gives a path that does not exist either; a test
/// over every page looks for those.
#[must_use]
pub fn url(name: &str) -> String {
    let path = BY_NAME.get(name).map_or(name, |asset| asset.path.as_str());
    format!("/static/{path}")
}

/// Every asset, for tests and for listing.
#[cfg(test)]
pub fn all() -> impl Iterator<Item = &'static Asset> {
    BY_NAME.values()
}

fn load() -> HashMap<String, Asset> {
    let parts: Vec<&str> = BUNDLES.iter().flat_map(|(_, files)| files.iter().copied()).collect();
    let single: Vec<String> =
        Files::iter().map(Cow::into_owned).filter(|name| !parts.contains(&name.as_str())).collect();
    let single = single.iter().map(|name| asset(name, &[name]));
    single.chain(BUNDLES.iter().map(|(name, files)| asset(name, files))).collect()
}

/// Joins `files` into the asset called `name`.
fn asset(name: &str, files: &[&str]) -> (String, Asset) {
    let (mut bytes, mut hash) = (Vec::new(), String::new());
    for file in files.iter().filter_map(|file| Files::get(file)) {
        bytes.extend_from_slice(&file.data);
        for byte in file.metadata.sha256_hash().iter().take(HASH_BYTES) {
            // Writing to a String cannot fail.
            let _ = write!(hash, "{byte:02x}");
        }
    }
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, "bin"));
    let path = format!("{stem}.{hash}.{extension}");
    (name.to_owned(), Asset { path, bytes, mime: mime_of(extension) })
}

/// SHA-256 of a file as it is written, for content security policy sources.
#[cfg(test)]
pub(crate) fn sha256(file: &str) -> Option<[u8; 32]> {
    Some(Files::get(file)?.metadata.sha256_hash())
}

fn mime_of(extension: &str) -> &'static str {
    match extension {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asset_is_found_under_the_url_the_pages_use() {
        for name in ["flow.css", "console.css", "mark.svg", "show-password.js"] {
            let url = url(name);
            let asset = by_path(url.strip_prefix("/static/").unwrap()).unwrap();
            assert!(!asset.bytes.is_empty(), "{name}");
            assert_ne!(asset.path, name, "the name carries a hash");
        }
    }

    #[test]
    fn plain_names_stale_hashes_and_paths_out_of_the_folder_are_not_found() {
        for path in ["flow.css", "flow.000000000000.css", "../Cargo.toml", "", "base.css"] {
            assert!(by_path(path).is_none(), "{path}");
        }
    }

    #[test]
    fn every_asset_has_a_known_type() {
        for asset in all() {
            assert_ne!(asset.mime, "application/octet-stream", "{}", asset.path);
        }
    }

    #[test]
    fn a_bundle_starts_with_the_shared_rules() {
        let base = Files::get("base.css").unwrap().data;
        for name in ["flow.css", "console.css"] {
            assert!(BY_NAME.get(name).unwrap().bytes.starts_with(&base), "{name}");
        }
    }
}
