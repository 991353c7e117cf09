//! Reads Rust source as far as the rules need it: what is code, what is a comment, a string or a
//! test; and which paths a file names.

/// One file.
pub struct Source {
    /// From the repository's root, with `/`.
    pub path: String,
    /// The text with comments, strings and tests blanked out: same length, same lines.
    pub code: String,
    /// Lines of the whole file.
    pub line_count: usize,
    test_files: Vec<String>,
}

/// A path named in code, as `crate::store::users` or `sqlx::query`, with its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its segments.
    pub segments: Vec<String>,
    /// Counted from 1.
    pub line: usize,
}

impl Source {
    /// Takes the text of the file at `path`.
    pub fn new(path: &str, text: &str) -> Self {
        let plain = blank_text(text);
        let (code, tests) = blank_tests(&plain);
        let declared = tests.iter().filter_map(|(start, end)| {
            module_file(path, &text[*start..*end], &plain[*start..*end])
        });
        let test_files = declared.flatten().collect();
        let line_count = text.lines().count();
        Self { path: path.to_owned(), code, line_count, test_files }
    }

    /// Files that are tests because this one declares them as `#[cfg(test)] mod x;`: how their
    /// paths begin.
    pub fn test_files(&self) -> &[String] {
        &self.test_files
    }

    /// Every path the code names, `use` trees written out.
    pub fn paths(&self) -> Vec<Named> {
        let mut found = Vec::new();
        let tokens = tokens(&self.code);
        let mut at = 0;
        while at < tokens.len() {
            if tokens[at].text == "use" {
                at = use_tree(&tokens, at + 1, &[], &mut found);
            } else if is_word(tokens[at].text) && (at == 0 || tokens[at - 1].text != "::") {
                let (path, next) = plain_path(&tokens, at);
                if path.segments.len() > 1 {
                    found.push(path);
                }
                at = next;
            } else {
                at += 1;
            }
        }
        found
    }

    /// Lines on which this word stands alone in the code.
    pub fn lines_with_word(&self, word: &str) -> Vec<usize> {
        let hits = tokens(&self.code).into_iter().filter(|token| token.text == word);
        hits.map(|token| token.line).collect()
    }

    /// Lines whose code, white space removed, contains this text.
    pub fn lines_with(&self, text: &str) -> Vec<usize> {
        let lines = self.code.lines().enumerate();
        let squeezed = lines.map(|(number, line)| (number + 1, line.replace(' ', "")));
        squeezed.filter(|(_, line)| line.contains(text)).map(|(number, _)| number).collect()
    }

    /// Whether the file itself declares a module of this name.
    pub fn declares_module(&self, name: &str) -> bool {
        let tokens = tokens(&self.code);
        tokens.windows(2).any(|pair| pair[0].text == "mod" && pair[1].text == name)
    }
}

#[derive(Clone, Copy)]
struct Token<'a> {
    text: &'a str,
    line: usize,
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Words, `::`, and single other characters.
fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let mut rest = line;
        while let Some(first) = rest.chars().next() {
            let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let length = match word {
                0 if rest.starts_with("::") => 2,
                0 => first.len_utf8(),
                length => length,
            };
            if !first.is_whitespace() {
                found.push(Token { text: &rest[..length], line: number + 1 });
            }
            rest = &rest[length..];
        }
    }
    found
}

/// Reads `a::b::c` from `at`; gives it and where to go on.
fn plain_path(tokens: &[Token<'_>], mut at: usize) -> (Named, usize) {
    let mut path = Named { segments: vec![tokens[at].text.to_owned()], line: tokens[at].line };
    at += 1;
    while at + 1 < tokens.len() && tokens[at].text == "::" && is_word(tokens[at + 1].text) {
        path.segments.push(tokens[at + 1].text.to_owned());
        at += 2;
    }
    (path, at)
}

/// Reads a `use` tree from `at` below `prefix`; gives where it ends.
fn use_tree(tokens: &[Token<'_>], at: usize, prefix: &[String], out: &mut Vec<Named>) -> usize {
    let mut at = at;
    let mut segments = prefix.to_vec();
    while at < tokens.len() {
        match tokens[at].text {
            "::" => at += 1,
            "{" => {
                at += 1;
                while at < tokens.len() && tokens[at].text != "}" {
                    at = use_tree(tokens, at, &segments, out);
                    if at < tokens.len() && tokens[at].text == "," {
                        at += 1;
                    }
                }
                return at + 1;
            }
            "as" => at += 2,
            word if is_word(word) => {
                segments.push(word.to_owned());
                at += 1;
            }
            "*" => at += 1,
            _ => break,
        }
    }
    let line = tokens[at.saturating_sub(1).min(tokens.len() - 1)].line;
    out.push(Named { segments, line });
    at
}

/// Blanks comments, strings and character literals; every byte keeps its place.
fn blank_text(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = literal_end(&chars, at);
        if end > at {
            for character in &chars[at..end] {
                let blank = if *character == '\n' { "\n" } else { " " };
                out.push_str(&blank.repeat(character.len_utf8()));
            }
            at = end;
        } else {
            out.push(chars[at]);
            at += 1;
        }
    }
    out
}

/// Where the comment or literal that begins at `at` ends; `at` when none begins there.
fn literal_end(chars: &[char], at: usize) -> usize {
    let next = |n: usize| chars.get(at + n).copied().unwrap_or('\0');
    let inside_word = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
    match chars[at] {
        '/' if next(1) == '/' => find(chars, at, |i| chars[i] == '\n'),
        '/' if next(1) == '*' => block_comment_end(chars, at),
        '"' => quoted_end(chars, at),
        'r' if !inside_word && (next(1) == '"' || next(1) == '#') => raw_string_end(chars, at),
        'b' if !inside_word && next(1) == '"' => quoted_end(chars, at + 1),
        'b' if !inside_word && next(1) == 'r' => raw_string_end(chars, at + 1).max(at),
        '\'' if next(1) == '\\' => find(chars, at + 3, |i| chars[i] == '\'') + 1,
        '\'' if next(2) == '\'' => at + 3,
        _ => at,
    }
}

fn find(chars: &[char], from: usize, stop: impl Fn(usize) -> bool) -> usize {
    (from..chars.len()).find(|i| stop(*i)).unwrap_or(chars.len())
}

fn quoted_end(chars: &[char], quote: usize) -> usize {
    let mut at = quote + 1;
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

/// For `r"…"` and `r#"…"#`; `at` when it is a raw identifier such as `r#type`.
fn raw_string_end(chars: &[char], at: usize) -> usize {
    let hashes = find(chars, at + 1, |i| chars[i] != '#') - at - 1;
    if chars.get(at + 1 + hashes) != Some(&'"') {
        return at;
    }
    let closes = |i: usize| {
        chars[i] == '"' && chars[i + 1..].iter().take_while(|c| **c == '#').count() >= hashes
    };
    (find(chars, at + hashes + 2, closes) + 1 + hashes).min(chars.len())
}

fn block_comment_end(chars: &[char], at: usize) -> usize {
    let (mut at, mut depth) = (at, 0);
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// Blanks every item under `#[cfg(test)]`, and the whole file under `#![cfg(test)]`; gives where
/// the items began and ended.
fn blank_tests(code: &str) -> (String, Vec<(usize, usize)>) {
    let mut items = Vec::new();
    let mut from = 0;
    while let Some(found) = code[from..].find("#[cfg(test)]") {
        let start = from + found;
        from = item_end(code, start);
        items.push((start, from));
    }
    let mut bytes = code.as_bytes().to_vec();
    let whole = code.contains("#![cfg(test)]").then_some((0, code.len()));
    for (start, end) in items.iter().copied().chain(whole) {
        for byte in bytes[start..end].iter_mut().filter(|byte| **byte != b'\n') {
            *byte = b' ';
        }
    }
    (String::from_utf8_lossy(&bytes).into_owned(), items)
}

/// How the path of the file begins that an item in `path` declares, if it is a `mod x;`: with
/// `#[path = "…"]` taken from `text`, the item as written, else by name from `code`.
fn module_file(path: &str, text: &str, code: &str) -> Option<Vec<String>> {
    let words: Vec<_> = tokens(code).iter().map(|token| token.text).collect();
    let name = words.windows(3).find(|words| words[0] == "mod" && words[2] == ";")?[1];
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    if let Some((_, rest)) = text.split_once("#[path = \"") {
        return Some(vec![format!("{folder}/{}", rest.split('"').next()?)]);
    }
    let base = path.trim_end_matches(".rs").trim_end_matches("/mod").trim_end_matches("/lib");
    Some(vec![format!("{base}/{name}.rs"), format!("{base}/{name}/")])
}

/// The end of the item that begins with an attribute at `start`: its `;` or its closing brace.
fn item_end(code: &str, start: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, character) in code[start..].char_indices() {
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return start + offset + 1;
                }
            }
            ';' if depth == 0 => return start + offset + 1,
            _ => {}
        }
    }
    code.len()
}
