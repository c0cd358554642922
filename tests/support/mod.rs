//! What the tests and benchmarks stand on: a fake API in this process, a directory
//! of their own, the program under test, and readers of what it wrote. On std and
//! serde_json alone, so that it shares no bug with the code it tests.

// Several test binaries include this, and each uses another part of it.
#![allow(dead_code, unused_imports, unreachable_pub, missing_docs)]
#![allow(clippy::unwrap_used)]

pub mod api;
pub mod clock;
pub mod gzip;
pub mod http;
pub mod readme;
pub mod reply;
pub mod table;
pub mod versions;
pub mod zone;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// A run that takes longer hangs, and is killed.
const RUN_LIMIT: Duration = Duration::from_secs(180);

/// A directory of one's own, removed on drop.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!("highwater-{}-{number}", std::process::id());
            let path = std::env::temp_dir().join(name);
            // One may be left from a killed run whose process number has come again.
            match fs::create_dir(&path) {
                Ok(()) => return Self(path),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => panic!("create {}: {error}", path.display()),
            }
        }
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file there and returns its path.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        path
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Where the program under test is.
pub fn program() -> PathBuf {
    if let Some(path) = option_env!("CARGO_BIN_EXE_highwater") {
        return path.into();
    }
    // Examples are not told: they lie a folder below the programs.
    let here = std::env::current_exe().unwrap();
    let name = format!("highwater{}", std::env::consts::EXE_SUFFIX);
    here.ancestors()
        .skip(1)
        .take(3)
        .map(|folder| folder.join(&name))
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("no {name} near {}: build it first", here.display()))
}

/// The program, to be run in this directory, with nothing in its environment that
/// would change what it does.
pub fn highwater(dir: &Path) -> Command {
    let mut command = Command::new(program());
    command.current_dir(dir).env_remove("RUST_LOG");
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(name);
        command.env_remove(name.to_lowercase());
    }
    command
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// None where a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    /// Fails the test, and shows what the program said, unless it exited with this.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "exit code\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// The last line on stdout.
    #[track_caller]
    pub fn receipt(&self) -> Value {
        let line = self.stdout.lines().last().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|error| panic!("no receipt: {error}\n{self:#?}"))
    }
}

/// Runs it to its end and collects both outputs. Its stdin is empty.
#[track_caller]
pub fn run(command: &mut Command) -> Outcome {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("start {command:?}: {error}"));
    let mut stdout = child.stdout.take().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let child = Arc::new(Mutex::new(child));
    let (done, watched) = mpsc::channel::<()>();
    let watchdog = {
        let child = Arc::clone(&child);
        thread::spawn(move || {
            let hangs = watched.recv_timeout(RUN_LIMIT) == Err(RecvTimeoutError::Timeout);
            if hangs {
                let _ = child.lock().unwrap().kill();
            }
            hangs
        })
    };
    let errors = thread::spawn(move || read(&mut stderr));
    let stdout = read(&mut stdout);
    let stderr = errors.join().unwrap();
    let status = child.lock().unwrap().wait().unwrap();
    drop(done);
    let hung = watchdog.join().unwrap();
    assert!(!hung, "{command:?} hangs\n--- stderr\n{stderr}");
    Outcome {
        code: status.code(),
        stdout,
        stderr,
    }
}

fn read(from: &mut impl Read) -> String {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The rows of one file.
#[track_caller]
pub fn ndjson(path: impl AsRef<Path>) -> Vec<Value> {
    let path = path.as_ref();
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()));
    assert!(
        text.is_empty() || text.ends_with('\n'),
        "{} ends in half a line",
        path.display()
    );
    let row = |(at, line): (usize, &str)| {
        serde_json::from_str(line)
            .unwrap_or_else(|error| panic!("{}:{}: {error}", path.display(), at + 1))
    };
    text.lines().enumerate().map(row).collect()
}

/// The names of the files there, sorted; empty where there is no directory.
pub fn files(dir: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    let name = |entry: std::io::Result<fs::DirEntry>| {
        entry.unwrap().file_name().to_string_lossy().into_owned()
    };
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}

/// The rows of all finished NDJSON files there, oldest file first, without the
/// rejected ones.
#[track_caller]
pub fn all_rows(dir: &Path) -> Vec<Value> {
    files(dir)
        .iter()
        .filter(|name| name.ends_with(".ndjson") && !name.ends_with(".rejected.ndjson"))
        .flat_map(|name| ndjson(dir.join(name)))
        .collect()
}

/// The table that a log of row versions comes to: the last one of each `id`.
#[track_caller]
pub fn latest_by_id(rows: &[Value]) -> BTreeMap<String, Value> {
    let keyed = |row: &Value| {
        let id = match &row["id"] {
            Value::String(id) => id.clone(),
            Value::Null => panic!("a row without an id: {row}"),
            id => id.to_string(),
        };
        (id, row.clone())
    };
    rows.iter().map(keyed).collect()
}

/// Fails where a finished sync has left something half done.
#[track_caller]
pub fn assert_no_leftovers(dir: &Path) {
    let left: Vec<String> = files(dir)
        .into_iter()
        .filter(|name| name.ends_with(".part") || name.ends_with(".tmp"))
        .collect();
    assert!(left.is_empty(), "left in {}: {left:?}", dir.display());
}
