//! The README's commands, run as they are printed there, with the files and the
//! output that it shows. A code block that no test claims fails here.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use highwater::config::Connection;
use highwater::secret::Secrets;
use serde_json::{Value, json};

use crate::support::api::Api;
use crate::support::clock;
use crate::support::http::Reply;
use crate::support::readme::{block, blocks, path};
use crate::support::table::Table;
use crate::support::{Outcome, Scratch, all_rows, files, program, run};

/// Who runs a code block.
enum Claim {
    /// A test: its file below `tests/`, and its name.
    Test(&'static str, &'static str),
    /// `.ci/run`, which has these words.
    Ci(&'static str),
}
use Claim::{Ci, Test};

const HERE: &str = "program/readme.rs";
const RECIPES: &str = "recipes/main.rs";
const SHARDS: &str = "recipes/shards.rs";
const SERVICE: &str = "recipes/service.rs";

/// A text that one code block alone holds, and who runs that block.
const CLAIMS: [(&str, Claim); 35] = [
    ("cargo test\n", Test(HERE, "the_first_screen_works")),
    ("Amber Conway", Test(HERE, "the_first_screen_works")),
    ("out/\n", Test(HERE, "the_first_screen_works")),
    ("second.jsonl", Test(HERE, "the_first_screen_works")),
    ("\"started\":", Test(HERE, "the_first_screen_works")),
    ("cargo install", Test(HERE, "an_api_of_ones_own_is_synced")),
    (
        "\"createdAt\": \"UTC_DATETIME\"",
        Test(HERE, "an_api_of_ones_own_is_synced"),
    ),
    (
        "--example drift",
        Ci("cargo run --release --locked --example drift"),
    ),
    (
        "plain walk",
        Ci("the README shows other figures of this experiment"),
    ),
    (
        "jq -r .file",
        Test(HERE, "jq_takes_the_file_of_the_receipt"),
    ),
    (
        "/srv/inbox/",
        Test(RECIPES, "cp_puts_each_file_into_the_inbox"),
    ),
    ("read_json", Test(RECIPES, "duckdb_has_the_table")),
    (
        "> staging.sql ",
        Test(RECIPES, "postgresql_stages_every_version_as_it_came"),
    ),
    (
        "> users.sql ",
        Test(RECIPES, "postgresql_has_the_table_from_ndjson"),
    ),
    (
        "> users-csv.sql ",
        Test(RECIPES, "postgresql_has_the_table_from_csv"),
    ),
    ("> users.sqlite ", Test(RECIPES, "sqlite_has_the_table")),
    (
        "highwater table >",
        Test(HERE, "the_table_is_printed_and_compacted"),
    ),
    (
        "highwater audit  ",
        Test(HERE, "an_audit_is_repaired_and_then_runs_by_cron"),
    ),
    (
        "highwater audit --repair",
        Test(HERE, "an_audit_is_repaired_and_then_runs_by_cron"),
    ),
    (
        "audit.txt",
        Test(HERE, "an_audit_is_repaired_and_then_runs_by_cron"),
    ),
    (
        "\"defaults\"",
        Test(HERE, "several_tables_stand_in_one_file"),
    ),
    (
        "--state users.state.json",
        Test(SHARDS, "with_the_state_elsewhere_a_folder_holds_rows_alone"),
    ),
    (
        "StateDirectory=",
        Test(
            SERVICE,
            "the_service_runs_as_a_user_without_rights_on_a_read_only_root",
        ),
    ),
    ("OnCalendar=", Test(SERVICE, "systemd_takes_the_units")),
    (
        "*/30 * * * *",
        Test(
            SERVICE,
            "the_crontab_runs_as_a_user_without_rights_on_a_read_only_root",
        ),
    ),
    (
        "--until 2024-02-01",
        Test(HERE, "a_part_of_a_backfill_has_the_rows_of_its_range"),
    ),
    (
        "--config users.json > plan",
        Test(SHARDS, "xargs_runs_the_shards_and_the_sync_goes_on"),
    ),
    (
        "--until 2024-03-02",
        Test(HERE, "a_plan_has_lines_like_the_one_that_is_shown"),
    ),
    (
        "cat > shard.sh",
        Test(SHARDS, "xargs_runs_the_shards_and_the_sync_goes_on"),
    ),
    (
        "-P 8",
        Test(SHARDS, "xargs_runs_the_shards_and_the_sync_goes_on"),
    ),
    (
        "parallel -j 8",
        Test(SHARDS, "parallel_runs_the_shards_and_the_sync_goes_on"),
    ),
    (
        "from pyspark.sql",
        Test(SHARDS, "spark_runs_the_shards_and_a_task_that_fails_again"),
    ),
    (
        "--example shards",
        Ci("cargo run --release --locked --example shards"),
    ),
    (
        "\"on_bad_row\"",
        Test(HERE, "the_defaults_are_those_of_an_empty_file"),
    ),
    (
        "\"auth\": {\"command\"",
        Test(HERE, "each_way_to_a_token_is_taken"),
    ),
];

fn read(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("read {name}: {error}"))
}

#[test]
fn every_code_block_is_run_by_one_test() {
    let blocks = blocks();
    assert!(blocks.len() > 30);
    for block in &blocks {
        let claims = CLAIMS
            .iter()
            .filter(|(holds, _)| block.text.contains(holds));
        let claims: Vec<&str> = claims.map(|(holds, _)| *holds).collect();
        assert_eq!(
            claims.len(),
            1,
            "the code block at README.md:{} is claimed by {claims:?}:\n{}",
            block.line,
            block.text
        );
    }
    for (holds, claim) in &CLAIMS {
        block(holds);
        match claim {
            Test(file, name) => {
                let source = read(&format!("tests/{file}"));
                assert!(source.contains(&format!("fn {name}()")), "{file}: {name}");
                // It is the claim here, and the use of it there.
                let least = if *file == HERE { 2 } else { 1 };
                let quoted = format!("{holds:?}");
                let uses = source.matches(&quoted).count();
                assert!(uses >= least, "{file} does not use {quoted}");
            }
            Ci(words) => assert!(read(".ci/run").contains(words), "{words}"),
        }
    }
}

/// What a heading is called in a link.
fn slug(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ');
    let text: String = heading.to_lowercase().chars().filter(kept).collect();
    text.replace(' ', "-")
}

/// The targets of a page's links.
fn links(text: &str) -> Vec<&str> {
    let rest = text.split("](").skip(1);
    rest.filter_map(|rest| Some(rest.split_once(')')?.0))
        .collect()
}

#[test]
fn every_link_leads_somewhere_and_every_connection_file_is_linked() {
    for (page, folder) in [
        ("README.md", ""),
        ("testdata/connections/README.md", "testdata/connections/"),
    ] {
        let text = read(page);
        let headings: BTreeSet<String> = text
            .lines()
            .filter(|line| line.starts_with('#'))
            .map(|line| slug(line.trim_start_matches('#').trim()))
            .collect();
        let mut linked = BTreeSet::new();
        for link in links(&text) {
            if let Some(heading) = link.strip_prefix('#') {
                assert!(headings.contains(heading), "{page}: {link}");
            } else if !link.starts_with("https://") {
                let target = format!("{folder}{link}");
                assert!(path(&target).exists(), "{page}: {link}");
                linked.insert(target);
            }
        }
        for name in files(&path("testdata/connections")) {
            let name = format!("testdata/connections/{name}");
            let there = linked.contains(&name) || !name.ends_with(".json");
            assert!(there, "{page} has no link to {name}");
        }
    }
}

/// A folder in which a shell finds the program as `highwater` and as what cargo
/// runs, and `users.json` as the connection file where a command names none.
struct Scene {
    dir: Scratch,
    api: Api,
}

impl Scene {
    fn new(rows: usize) -> Self {
        let dir = Scratch::new();
        let api = Api::start(Table::users(rows, 1));
        let connection = json!({"url": api.url(), "table": "users"});
        dir.write("users.json", connection.to_string());
        fs::create_dir(dir.join("bin")).unwrap();
        let scene = Self { dir, api };
        let program = program().display().to_string();
        scene.script(
            "highwater",
            &format!(
                "case \" $* \" in *\" --config \"*|*\" --replay \"*) exec '{program}' \"$@\" ;; esac
                exec '{program}' \"$@\" --config users.json"
            ),
        );
        scene.script(
            "cargo",
            &format!(
                "case \"$*\" in
                'run --release -- '*) shift 3; exec '{program}' \"$@\" ;;
                'test' | 'install --path .') exit 0 ;;
                *) exit 64 ;;
                esac"
            ),
        );
        scene
    }

    /// Puts a program into the shell's path.
    fn script(&self, name: &str, body: &str) {
        let script = self.dir.join("bin").join(name);
        fs::write(&script, format!("#!/bin/sh\n{body}\n")).unwrap();
        run(Command::new("chmod").arg("+x").arg(&script)).expect(0);
    }

    /// Where the README has an API of the reader's, this one.
    fn shell(&self, text: &str) -> Outcome {
        let url = self.api.url();
        let origin = url.strip_suffix("/pagination/offset").unwrap();
        let text = text.replace("https://api.example.com", origin);
        let path = std::env::var("PATH").unwrap();
        let path = format!("{}:{path}", self.dir.join("bin").display());
        let mut shell = Command::new("sh");
        shell.current_dir(self.dir.path()).env("PATH", path);
        run(shell.args(["-e", "-c", &text]))
    }
}

/// A receipt without what differs from run to run: it is there, whatever it is.
fn steady(line: &str) -> Value {
    let mut receipt: Value = serde_json::from_str(line).expect(line);
    assert!(receipt["seconds"].take().is_number());
    for time in ["started", "finished"] {
        assert!(receipt[time].take().is_string());
    }
    if let Some(file) = receipt["file"].as_str() {
        receipt["file"] = shape(file).into();
    }
    receipt
}

/// A text with another time in it is like it.
fn shape(text: &str) -> String {
    text.replace(|c: char| c.is_ascii_digit(), "0")
}

#[test]
#[cfg(unix)]
fn the_first_screen_works() {
    let scene = Scene::new(1);
    std::os::unix::fs::symlink(path("testdata"), scene.dir.join("testdata")).unwrap();
    let first = scene.shell(&block("cargo test\n")).expect(0);
    let row = block("Amber Conway");
    let out = scene.dir.join("out");
    let rows = all_rows(&out);
    assert_eq!(rows.len(), 200);
    let written = files(&out);
    let written = written.iter().find(|name| name.ends_with(".ndjson"));
    let written = fs::read_to_string(out.join(written.unwrap())).unwrap();
    assert_eq!(written.lines().next(), Some(row.trim_end()));
    let tree = block("out/\n");
    let mut listed: Vec<String> = tree
        .lines()
        .skip(1)
        .filter_map(|line| line.split_whitespace().next().map(shape))
        .collect();
    listed.sort_unstable();
    let there: Vec<String> = files(&out).iter().map(|name| shape(name)).collect();
    assert_eq!(there, listed);
    let second = scene.shell(&block("second.jsonl")).expect(0);
    let receipts = block("\"started\":");
    let shown: Vec<Value> = receipts.lines().map(steady).collect();
    assert_eq!(shown, [steady(&first.stdout), steady(&second.stdout)]);
}

#[test]
fn an_api_of_ones_own_is_synced() {
    let scene = Scene::new(300);
    let commands = block("cargo install");
    let (_, token) = commands.split_once("API_TOKEN=").unwrap();
    let wanted = format!("Bearer {}", token.lines().next().unwrap());
    scene.api.set_fault(move |request, _| {
        let let_in = request.header("authorization") == Some(&wanted);
        (!let_in).then(|| Reply::status(401))
    });
    fs::remove_file(scene.dir.join("users.json")).unwrap();
    let outcome = scene.shell(&commands).expect(0);
    assert_eq!(outcome.receipt()["rows"], 300);
    let written = fs::read_to_string(scene.dir.join("users.json")).unwrap();
    let url = scene.api.url();
    let origin = url.strip_suffix("/pagination/offset").unwrap();
    let written = written.replace(origin, "https://api.example.com");
    assert_eq!(written, block("\"createdAt\": \"UTC_DATETIME\""));
}

#[test]
#[ignore = "needs jq"]
fn jq_takes_the_file_of_the_receipt() {
    let scene = Scene::new(60);
    let outcome = scene.shell(&block("jq -r .file")).expect(0);
    assert!(scene.dir.join(outcome.stdout.trim_end()).is_file());
}

#[test]
fn the_table_is_printed_and_compacted() {
    let scene = Scene::new(60);
    scene.shell("highwater sync").expect(0);
    scene.api.table().update("7", clock::now());
    scene.shell("highwater sync").expect(0);
    let outcome = scene.shell(&block("highwater table >")).expect(0);
    assert_eq!(outcome.receipt()["rows"], 60);
    let table = fs::read_to_string(scene.dir.join("users.ndjson")).unwrap();
    assert_eq!(table.lines().count(), 60);
    assert!(outcome.stdout.starts_with("id,"), "{}", outcome.stdout);
    assert_eq!(all_rows(&scene.dir.join("out")).len(), 60);
}

#[test]
fn an_audit_is_repaired_and_then_runs_by_cron() {
    let scene = Scene::new(60);
    scene.shell("highwater sync").expect(0);
    scene.shell(&block("highwater audit  ")).expect(0);
    scene.api.table().delete("7");
    scene.shell(&block("highwater audit  ")).expect(1);
    scene.shell(&block("highwater audit --repair")).expect(0);
    scene.shell(&block("highwater audit  ")).expect(0);
    let crontab = block("audit.txt");
    let commands: Vec<&str> = crontab
        .lines()
        .map(|line| &line[line.find("highwater ").expect(line)..])
        .collect();
    let [sync, audit] = commands[..] else {
        panic!("{crontab}");
    };
    scene.shell(sync).expect(0);
    assert_eq!(scene.shell(audit).expect(0).stdout, "");
    scene.api.table().delete("8");
    // What a cron job prints is mailed.
    let mailed = scene.shell(audit).expect(0).stdout;
    assert!(mailed.contains("deleted"), "{mailed}");
}

#[test]
fn several_tables_stand_in_one_file() {
    let scene = Scene::new(60);
    let url = scene.api.url();
    let origin = url.strip_suffix("/pagination/offset").unwrap();
    let text = block("\"defaults\"").replace("https://api.example.com", origin);
    scene.dir.write("all.json", text);
    let command = "API_TOKEN=a-token-of-the-tables highwater sync --config all.json";
    let receipts = scene.shell(command).expect(0).stdout;
    assert_eq!(receipts.lines().count(), 2);
    for table in ["users", "orders"] {
        assert_eq!(all_rows(&scene.dir.join("out").join(table)).len(), 60);
    }
}

#[test]
fn a_part_of_a_backfill_has_the_rows_of_its_range() {
    let scene = Scene::new(0);
    let day = 86_400 * clock::SECOND;
    let start = clock::parse("2023-12-30T00:00:00Z").unwrap();
    for number in 0..60 {
        let id = number.to_string();
        scene.api.table().insert(&id, start + number * day);
    }
    let rows = scene.shell(&block("--until 2024-02-01")).expect(0).stdout;
    assert_eq!(rows.lines().count(), 31);
}

#[test]
fn a_plan_has_lines_like_the_one_that_is_shown() {
    let scene = Scene::new(2000);
    let shown = block("--until 2024-03-02");
    let plan = scene.shell("highwater plan --shards 8").expect(0).stdout;
    assert_eq!(plan.lines().count(), 8);
    for line in plan.lines().skip(1) {
        assert_eq!(shape(line), shape(shown.trim_end()));
    }
}

fn parse(text: &str) -> Connection {
    let secret = |_: &str| Some("a-secret-of-the-environment".to_owned());
    let parsed = Connection::parse(text, &secret, false, &mut Secrets::default());
    parsed.unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn the_defaults_are_those_of_an_empty_file() {
    assert_eq!(parse(&block("\"on_bad_row\"")), parse("{}"));
}

#[test]
fn each_way_to_a_token_is_taken() {
    let text = block("\"auth\": {\"command\"").replace('…', "example.com");
    let (header, ways) = text.split_once("\n\"auth\"").unwrap();
    let ways: Vec<&str> = ways.split("\n\"auth\"").collect();
    assert_eq!(ways.len(), 3);
    for way in ways {
        let connection = parse(&format!("{{{header}\"auth\"{way}}}"));
        assert!(connection.auth.is_some());
    }
}
