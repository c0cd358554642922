//! The README's ways to run a first sync in shards: xargs, GNU parallel, Spark
//! (PYSPARK_PYTHON names a Python that has it). Each brings every row once, also
//! where a shard fails at first, and the sync after them brings nothing twice.

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::support::api::Api;
use crate::support::clock;
use crate::support::http::Reply;
use crate::support::readme::block;
use crate::support::table::Table;
use crate::support::{Outcome, Scratch, all_rows, highwater, latest_by_id, ndjson, program, run};

/// A folder with the program in its path and a connection file.
fn scene(rows: usize) -> (Scratch, Api) {
    let dir = Scratch::new();
    let api = Api::start(Table::users(rows, 3));
    let connection = json!({"url": api.url(), "max_retries": 0});
    dir.write("users.json", connection.to_string());
    fs::create_dir(dir.join("bin")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(program(), dir.join("bin/highwater")).unwrap();
    (dir, api)
}

/// The folder's program first in the path.
fn path(dir: &Scratch) -> String {
    let path = std::env::var("PATH").unwrap();
    format!("{}:{path}", dir.join("bin").display())
}

fn shell(dir: &Scratch, block: &str) -> Outcome {
    let mut shell = Command::new("sh");
    shell.current_dir(dir.path()).env("PATH", path(dir));
    run(shell.args(["-e", "-c", block]))
}

/// Fails one shard's first request for its second page, once.
fn fail_once(api: &Api) {
    let failed = AtomicBool::new(false);
    api.set_fault(move |request, _| {
        let deep = request.param("offset") != Some("0");
        let fails = deep && !failed.swap(true, Ordering::SeqCst);
        fails.then(|| Reply::status(503))
    });
}

/// Runs a recipe twice, of which the first time fails, and then what follows.
fn completes(holds: &str) {
    let (dir, api) = scene(2000);
    shell(&dir, &block("--config users.json > plan")).expect(0);
    let plan = fs::read_to_string(dir.join("plan")).unwrap();
    assert_eq!(plan.lines().count(), 8, "{plan}");
    shell(&dir, &block("cat > shard.sh")).expect(0);
    let recipe = block(holds);
    fail_once(&api);
    let outcome = shell(&dir, &recipe);
    assert_ne!(outcome.code, Some(0), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("503"), "{}", outcome.stderr);
    assert!(!dir.join("out/state.json").exists());
    let outcome = shell(&dir, &recipe).expect(0);
    let rest = outcome.receipt()["rows"].as_u64().unwrap();
    assert!((1..=62).contains(&rest), "{rest}");
    let all = all_rows(&dir.join("out"));
    assert_eq!(all.len(), 2000);
    assert_eq!(latest_by_id(&all), api.table().contents());
    afterwards(&dir, &api);
}

/// The folder is as any other from then on.
fn afterwards(dir: &Scratch, api: &Api) {
    api.table().update("7", clock::now());
    let command = |words: &[&str]| {
        let words = words.iter().chain(&["--config", "users.json"]);
        run(highwater(dir.path()).args(words)).expect(0)
    };
    assert_eq!(command(&["sync"]).receipt()["rows"], 1);
    assert_eq!(command(&["table"]).stdout.lines().count(), 2000);
    let audit = command(&["audit", "--json", "--lookback", "0s"]).receipt();
    assert_eq!(
        (&audit["missing"], &audit["deleted"]),
        (&json!(0), &json!(0))
    );
    let count = "echo >> loaded";
    let loaded = command(&["sync", "--load", count]).receipt();
    assert_eq!(
        (&loaded["rows"], &loaded["loaded"]),
        (&json!(0), &json!(10))
    );
    assert_eq!(command(&["compact"]).receipt()["rows"], 2000);
    assert_eq!(all_rows(&dir.join("out")).len(), 2000);
}

#[test]
#[cfg(unix)]
fn xargs_runs_the_shards_and_the_sync_goes_on() {
    completes("-P 8");
}

#[test]
#[cfg(unix)]
fn xargs_leaves_to_the_sync_what_cannot_be_divided() {
    let (dir, api) = scene(0);
    api.table().insert("7", clock::now());
    shell(&dir, &block("--config users.json > plan")).expect(0);
    assert_eq!(fs::read_to_string(dir.join("plan")).unwrap(), "");
    shell(&dir, &block("cat > shard.sh")).expect(0);
    let outcome = shell(&dir, &block("-P 8")).expect(0);
    assert_eq!(outcome.receipt()["rows"], 1);
}

#[test]
#[ignore = "needs GNU parallel"]
fn parallel_runs_the_shards_and_the_sync_goes_on() {
    completes("parallel -j 8");
}

fn python(dir: &Scratch, script: &str) -> Outcome {
    let python = std::env::var("PYSPARK_PYTHON").unwrap_or("python3".to_owned());
    let mut command = Command::new(&python);
    command.current_dir(dir.path()).env("PATH", path(dir));
    command.env("PYSPARK_PYTHON", &python);
    command.env("SPARK_LOCAL_IP", "127.0.0.1");
    run(command.args(["-c", script]))
}

#[test]
#[ignore = "needs pyspark and Java"]
fn spark_runs_the_shards_and_a_task_that_fails_again() {
    let (dir, api) = scene(2000);
    shell(&dir, &block("--config users.json > plan")).expect(0);
    fail_once(&api);
    // A master of one machine tries again only where it is told to.
    let recipe = block("from pyspark.sql").replace(
        "builder.getOrCreate()",
        "builder.master(\"local[2,4]\").getOrCreate()",
    );
    let script = format!("{recipe}\nprint(users.count(), users.select('id').distinct().count())\n");
    let outcome = python(&dir, &script).expect(0);
    let counts = outcome
        .stdout
        .trim()
        .split(' ')
        .map(|count| count.parse().unwrap());
    let counts: Vec<u64> = counts.collect();
    let plan = fs::read_to_string(dir.join("plan")).unwrap();
    let mark = plan.trim_end().rsplit(' ').next().unwrap();
    let words = ["sync", "--config", "users.json", "--since", mark];
    let receipt = run(highwater(dir.path()).args(words)).expect(0).receipt();
    let rest = receipt["rows"].as_u64().unwrap();
    assert!((1..=62).contains(&rest), "{rest}");
    assert_eq!(counts, [2000 - rest; 2]);
}

/// Two syncs with the state elsewhere, as the README has it.
fn apart() -> Scratch {
    let (dir, api) = scene(200);
    let sync = block("--state users.state.json");
    shell(&dir, &sync).expect(0);
    api.table().update("7", clock::now());
    shell(&dir, &sync).expect(0);
    dir
}

#[test]
#[cfg(unix)]
fn with_the_state_elsewhere_a_folder_holds_rows_alone() {
    let dir = apart();
    let mut rows: Vec<Value> = Vec::new();
    for name in crate::support::files(&dir.join("users")) {
        if !name.starts_with('.') {
            rows.extend(ndjson(dir.join("users").join(name)));
        }
    }
    assert_eq!(rows.len(), 201);
    assert!(rows.iter().all(|row| row["id"].is_string()));
    let words = [
        "status",
        "--out",
        "users",
        "--state",
        "users.state.json",
        "--max-age",
        "15m",
    ];
    run(highwater(dir.path()).args(words)).expect(0);
}

#[test]
#[ignore = "needs pyspark and Java"]
fn spark_reads_a_folder_whole_where_the_state_is_elsewhere() {
    let dir = apart();
    let script = "from pyspark.sql import SparkSession\n\
        spark = SparkSession.builder.master('local[1]').getOrCreate()\n\
        rows = spark.read.json('users')\n\
        print(rows.count(), rows.select('id').distinct().count(), sorted(rows.columns)[0])";
    let outcome = python(&dir, script).expect(0);
    assert!(
        outcome.stdout.contains("201 200 address"),
        "{}",
        outcome.stdout
    );
}
