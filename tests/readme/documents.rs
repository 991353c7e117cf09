//! Reading the documents: what they show as commands, link to and name.

use std::path::Path;
use std::path::PathBuf;

/// A Markdown file of the repository.
pub struct Document {
    pub path: String,
    pub text: String,
}

impl Document {
    pub fn read(path: &str) -> Self {
        let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
        Self { path: path.to_owned(), text }
    }

    /// Every document people are meant to read.
    pub fn all() -> Vec<Self> {
        let mut paths: Vec<PathBuf> =
            ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(PathBuf::from).into();
        paths.extend(files(Path::new("docs"), "md"));
        paths.iter().map(|path| Self::read(&path.display().to_string())).collect()
    }

    /// The shell blocks between this heading and the next of its level.
    pub fn shell_blocks_under(&self, heading: &str) -> Vec<String> {
        let (_, rest) = self.text.split_once(&format!("\n{heading}\n")).expect("the heading");
        let section = rest.split("\n## ").next().unwrap_or(rest);
        blocks(section)
    }

    /// What begins with `doorward` in shell blocks and inline code, up to a redirection, comment or
    /// pipe.
    pub fn doorward_commands(&self) -> Vec<String> {
        let shell = blocks(&self.text).into_iter().flat_map(|block| {
            block.replace("\\\n", " ").lines().map(str::to_owned).collect::<Vec<_>>()
        });
        shell
            .chain(self.inline_code())
            .filter_map(|line| {
                line.split(['>', '#', '|']).next().map(|part| part.trim().to_owned())
            })
            .filter(|line| line.starts_with("doorward "))
            // The only name with a space; words are split at spaces.
            .map(|line| line.replace("\"Nightly backup\"", "Nightly-backup"))
            .collect()
    }

    /// Text between single backticks outside blocks.
    fn inline_code(&self) -> Vec<String> {
        let mut outside = String::new();
        for (number, part) in self.text.split("```").enumerate() {
            if number % 2 == 0 {
                outside.push_str(part);
            }
        }
        outside.split('`').skip(1).step_by(2).map(|text| text.replace('\n', " ")).collect()
    }

    /// Targets of links and pictures inside the repository, without fragments.
    pub fn relative_links(&self) -> Vec<String> {
        let targets = self.text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        targets
            .filter(|target| !target.contains("://") && !target.starts_with('#'))
            .map(|target| target.split('#').next().unwrap_or_default().to_owned())
            .collect()
    }

    /// Inline code that reads as a path in the repository.
    pub fn named_paths(&self) -> Vec<String> {
        const ROOTS: [&str; 9] = [
            "src/",
            "tests/",
            "docs/",
            "templates/",
            "static/",
            "migrations/",
            "scripts/",
            "fuzz/",
            "benches/",
        ];
        let found = self.inline_code().into_iter();
        found
            .filter(|text| ROOTS.iter().any(|root| text.starts_with(root)))
            .filter(|text| !text.contains([' ', '*', '{', '<']))
            .collect()
    }

    /// Every variable of Doorward that is named here is in this reference of settings.
    pub fn assert_names_settings_of(&self, reference: &Self) {
        // No settings either: what the first start alone reads.
        let first_start = Self::read("src/config/bootstrap.rs").text;
        for variable in self.words_with("DOORWARD_") {
            if first_start.contains(&format!("\"{variable}\"")) {
                continue;
            }
            // Not settings of the configuration: where it is, how commands print, and what was built.
            let others = ["DOORWARD_CONFIG", "DOORWARD_FORMAT", "DOORWARD_REVISION", "DOORWARD_"];
            if others.contains(&variable.as_str()) {
                continue;
            }
            let plain = variable.strip_suffix("_FILE").unwrap_or(&variable);
            let known = [variable.as_str(), plain]
                .iter()
                .any(|name| reference.text.contains(&format!("`{name}`")));
            assert!(known, "{} names {variable}", self.path);
        }
    }

    /// Words made of letters, digits and underscores that begin like this.
    pub fn words_with(&self, start: &str) -> Vec<String> {
        let words = self.text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        words.filter(|word| word.starts_with(start)).map(str::to_owned).collect()
    }
}

fn blocks(text: &str) -> Vec<String> {
    let parts = text.split("```sh\n").skip(1);
    parts.filter_map(|rest| rest.split("```").next()).map(str::to_owned).collect()
}

/// Whether a path, perhaps with `..` in it, is there.
pub fn exists(path: &Path) -> bool {
    path.exists()
}

/// What stands between backticks in one cell of a table.
pub fn code_spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The files of a folder and the folders in it that have this extension, in order.
pub fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("node_modules") {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}
