//! The code blocks of the README, so that tests run what is printed there.

use std::fs;
use std::path::{Path, PathBuf};

/// A code block.
#[derive(Clone, Debug)]
pub struct Block {
    /// What stands behind the fence: `sh`, `json` and so on; empty where a block is
    /// only indented.
    pub language: String,
    pub text: String,
    /// The line of the README in which the block begins, from 1.
    pub line: usize,
}

/// A file of this repository.
pub fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// All code blocks, in their order: what is between fences, and what is indented.
pub fn blocks() -> Vec<Block> {
    let text = fs::read_to_string(path("README.md")).unwrap();
    let mut blocks = Vec::new();
    let mut open: Option<(bool, Block)> = None;
    for (number, line) in text.lines().enumerate() {
        let indented = line.strip_prefix("    ");
        if let Some((fenced, mut block)) = open.take() {
            let content = match fenced {
                true => Some(line).filter(|line| !line.starts_with("```")),
                false => indented.or(Some(line).filter(|line| line.is_empty())),
            };
            if let Some(content) = content {
                block.text += content;
                block.text.push('\n');
                open = Some((fenced, block));
                continue;
            }
            blocks.push(block);
            if fenced {
                continue;
            }
        }
        let begin = |language: &str| Block {
            language: language.to_owned(),
            text: String::new(),
            line: number + 1,
        };
        open = match (line.strip_prefix("```"), indented) {
            (Some(language), _) => Some((true, begin(language))),
            (None, Some(content)) => {
                let mut block = begin("");
                block.text = format!("{content}\n");
                Some((false, block))
            }
            (None, None) => None,
        };
    }
    blocks.extend(open.map(|(_, block)| block));
    blocks
}

/// The one code block that holds this text.
#[track_caller]
pub fn block(holds: &str) -> String {
    let found: Vec<Block> = blocks()
        .into_iter()
        .filter(|block| block.text.contains(holds))
        .collect();
    match &found[..] {
        [block] => block.text.clone(),
        _ => panic!("{} code blocks hold {holds:?}, not one", found.len()),
    }
}
