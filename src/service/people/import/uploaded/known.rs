//! What a file says of itself before anything of it is imported: that it is text, how it is written, and by what it is
//! known again.

use std::io::{BufReader, Read as _, Seek as _};

use super::{Order, UploadError};
use crate::crypto::secret;
use crate::service::people::import::lines::{self, Layout, LinesError};

/// So many bytes tell how a file is written whose name does not.
const BEGINNING: u64 = 1_024;

/// A file that can be one of people.
pub(super) struct Known {
    pub order: Order,
    pub layout: Layout,
    pub digest: String,
}

impl Known {
    pub fn of(order: Order) -> Result<Self, UploadError> {
        let (digest, layout) = look_at(&order)?;
        Ok(Self { order, layout, digest })
    }
}

/// The digest of the file, and how it is written.
fn look_at(order: &Order) -> Result<(String, Layout), UploadError> {
    let mut file = &order.file;
    file.rewind().map_err(LinesError::Io)?;
    let digest = secret::file_digest(&mut BufReader::new(file)).map_err(LinesError::Io)?;
    file.rewind().map_err(LinesError::Io)?;
    let mut beginning = Vec::new();
    file.take(BEGINNING).read_to_end(&mut beginning).map_err(LinesError::Io)?;
    if beginning.contains(&0) {
        return Err(UploadError::NotText);
    }
    let layout = layout(&order.name, &beginning);
    file.rewind().map_err(LinesError::Io)?;
    drop(lines::read(file, layout)?);
    file.rewind().map_err(LinesError::Io)?;
    Ok((digest, layout))
}

/// How a file is written, by its name, or by how it begins where the name does not tell.
fn layout(name: &str, beginning: &[u8]) -> Layout {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    ending.as_deref().and_then(Layout::of_ending).unwrap_or_else(|| {
        let text = beginning.strip_prefix("\u{feff}".as_bytes()).unwrap_or(beginning);
        if text.trim_ascii_start().starts_with(b"{") { Layout::Ndjson } else { Layout::Csv }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_or_content_tell_how_a_file_is_written() {
        for (name, text, wanted) in [
            ("people.csv", "{", Layout::Csv),
            ("PEOPLE.NDJSON", "username", Layout::Ndjson),
            ("a.b.jsonl", "", Layout::Ndjson),
            ("people.txt", "username", Layout::Csv),
            ("people", "\u{feff} \r\n{\"username\":\"a\"}", Layout::Ndjson),
            ("", "", Layout::Csv),
        ] {
            assert_eq!(layout(name, text.as_bytes()), wanted, "{name}: {text}");
        }
    }
}
