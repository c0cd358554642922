//! The layout of the code, measured from its text as rustfmt leaves it: how
//! long files and functions are, and which module imports which.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const FILE: usize = 400;
const FUNCTION: usize = 70;

/// The files of the source, each as its path below `src` and its text.
fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => walk(&path, found),
                false => found.push(path),
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    walk(&root, &mut paths);
    let sources = paths.into_iter().map(|path| {
        let name = path.strip_prefix(&root).unwrap().display().to_string();
        (name, fs::read_to_string(&path).unwrap())
    });
    sources.collect()
}

/// The functions of a text that have a body, with the lines that each takes.
fn functions(text: &str) -> Vec<(&str, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (first, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let words: Vec<&str> = code.split_whitespace().collect();
        let Some(place) = words.iter().position(|word| *word == "fn") else {
            continue;
        };
        let mut before = words[..place].iter();
        if !before.all(|word| word.starts_with("pub") || ["const", "in"].contains(word)) {
            continue;
        }
        let end = |line: &&&str| line.ends_with(['{', '}', ';']);
        let head = lines[first..].iter().find(end).unwrap();
        if !head.ends_with('{') {
            continue;
        }
        let close = format!("{}}}", &line[..line.len() - code.len()]);
        let rest = lines[first..].iter();
        let length = 1 + rest.clone().position(|line| *line == close).unwrap();
        found.push((code, length));
    }
    found
}

#[test]
fn no_file_and_no_function_is_too_long_to_be_read() {
    let sources = sources();
    assert!(sources.len() > 100, "{} files", sources.len());
    let mut count = 0;
    for (name, text) in &sources {
        let lines = text.lines().count();
        assert!(lines <= FILE, "{name} has {lines} lines");
        for (function, lines) in functions(text) {
            assert!(lines <= FUNCTION, "{name}: {lines} lines: {function}");
            count += 1;
        }
    }
    assert!(count > 1000, "{count} functions");
}

#[test]
fn functions_are_measured_from_their_head_to_their_brace() {
    let text = "trait T {\n    fn a(&self);\n    fn b(\n        &self,\n    ) {\n        if x {\n        }\n    }\n}\npub(crate) const fn c() {}\n";
    assert_eq!(functions(text), [("fn b(", 6)]);
}

/// Which of the crate's modules each module names.
fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let mut imports = BTreeMap::<_, BTreeSet<_>>::new();
    for (name, text) in sources() {
        let module = name.split(['/', '.']).next().unwrap_or_default().to_owned();
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        for piece in code.flat_map(|line| line.split("crate::").skip(1)) {
            let end = piece.find(|c: char| !c.is_alphanumeric() && c != '_');
            let other = &piece[..end.unwrap_or(piece.len())];
            if other != module {
                let others = imports.entry(module.clone()).or_default();
                others.insert(other.to_owned());
            }
        }
    }
    imports
}

#[test]
fn no_module_imports_one_that_imports_it() {
    let mut imports = imports();
    assert!(imports.len() > 25, "{imports:?}");
    // What imports nothing that is left is taken off, until nothing is left.
    loop {
        let left: BTreeSet<String> = imports.keys().cloned().collect();
        let before = imports.len();
        imports.retain(|_, others| {
            others.retain(|other| left.contains(other));
            !others.is_empty()
        });
        if imports.len() == before {
            break;
        }
    }
    assert!(imports.is_empty(), "in a circle, or above one: {imports:?}");
}
