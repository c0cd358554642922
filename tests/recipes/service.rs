//! The README's systemd units and crontab, run as a user without rights on a
//! machine whose whole file system is read-only but for the one folder.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::api::Api;
use crate::support::readme::block;
use crate::support::table::Table;
use crate::support::{Outcome, Scratch, all_rows, program, run};

/// The value of a unit's setting.
fn setting(unit: &str, name: &str) -> String {
    let values = unit.lines().filter_map(|line| {
        let (found, value) = line.split_once('=')?;
        (found == name).then(|| value.to_owned())
    });
    let values: Vec<String> = values.collect();
    assert_eq!(values.len(), 1, "{name}: {values:?}");
    values.concat()
}

/// Where the program and its files are here, in the place of where they would be.
fn placed(text: &str, dir: &Scratch) -> String {
    let here = |name: &str| dir.join(name).display().to_string();
    text.replace("/usr/local/bin/highwater", &here("highwater"))
        .replace("/etc/highwater.json", &here("highwater.json"))
        .replace("/var/lib/highwater", &here("state"))
}

/// Two tables, and what the unit wants: a folder for the state, the program where
/// everybody may read it, and the connection file with its secret.
fn scene() -> (Scratch, Api) {
    let dir = Scratch::new();
    let api = Api::start(Table::users(300, 1));
    let connection = json!({
        "defaults": {"url": api.url(), "headers": {"Authorization": "Bearer ${API_TOKEN}"}},
        "tables": {"users": {}, "orders": {}},
    });
    dir.write("highwater.json", connection.to_string());
    fs::copy(program(), dir.join("highwater")).unwrap();
    fs::create_dir(dir.join("state")).unwrap();
    (dir, api)
}

/// Runs a line by a shell as nobody, where nothing can be written but the state.
fn confined(dir: &Scratch, line: &str) -> Outcome {
    let state = dir.join("state").display().to_string();
    let script = format!(
        "set -e
        chmod 755 '{root}'
        chown 65534:65534 '{state}'
        mount --make-rprivate /
        mount --bind '{state}' '{state}'
        # Whatever is mounted is read-only from here on, but for the one folder.
        awk '{{print $5}}' /proc/self/mountinfo | while read -r place; do
            [ \"$place\" = '{state}' ] || mount -o remount,bind,ro \"$place\" 2>/dev/null || true
        done
        exec env -i PATH=/usr/bin:/bin HOME=/nonexistent API_TOKEN=a-secret-token-of-the-unit \
            setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs --inh-caps=-all \
            sh -c \"$0\"",
        root = dir.path().display(),
    );
    let mut unshare = Command::new("unshare");
    run(unshare.args(["--mount", "sh", "-c", &script, line]))
}

fn receipts(text: &str) -> Vec<Value> {
    let lines = text.lines().filter(|line| line.starts_with('{'));
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
#[ignore = "needs to be root and to mount"]
fn the_service_runs_as_a_user_without_rights_on_a_read_only_root() {
    let (dir, api) = scene();
    let unit = block("StateDirectory=");
    assert_eq!(setting(&unit, "DynamicUser"), "yes");
    assert_eq!(setting(&unit, "ProtectSystem"), "strict");
    let folder = placed(&setting(&unit, "WorkingDirectory"), &dir);
    assert_eq!(Path::new(&folder), dir.join("state"));
    let start = placed(&setting(&unit, "ExecStart"), &dir);
    // That it is read-only is seen first.
    let other = dir.join("highwater.json").display().to_string();
    let line = format!("cd '{folder}' && : > writable && rm writable && ! cp /dev/null '{other}'");
    confined(
        &dir,
        &format!("{line} 2>/dev/null && test $(id -u) = 65534"),
    )
    .expect(0);
    for rows in [300, 0] {
        let outcome = confined(&dir, &format!("cd '{folder}' && {start}")).expect(0);
        assert_eq!(outcome.stderr, "");
        let receipts = receipts(&outcome.stdout);
        assert_eq!(receipts.len(), 2);
        for receipt in receipts {
            assert_eq!(
                (&receipt["rows"], &receipt["complete"]),
                (&json!(rows), &json!(true))
            );
        }
    }
    for table in ["users", "orders"] {
        assert_eq!(all_rows(&dir.join("state/out").join(table)).len(), 300);
    }
    let sent = api.requests();
    let token = sent[0].header("authorization");
    assert_eq!(token, Some("Bearer a-secret-token-of-the-unit"));
}

#[test]
#[ignore = "needs to be root and to mount"]
fn the_crontab_runs_as_a_user_without_rights_on_a_read_only_root() {
    let (dir, api) = scene();
    let crontab = block("*/30 * * * *");
    let lines: Vec<String> = crontab
        .lines()
        .filter(|line| line.starts_with('*'))
        .map(|line| {
            // Five fields of time, then the command, in which % would be a line break.
            let mut rest = line;
            for _ in 0..5 {
                rest = rest.split_once(' ').unwrap().1.trim_start();
            }
            assert!(!rest.contains('%'), "{rest}");
            placed(rest, &dir)
        })
        .collect();
    let [sync, watch] = &lines[..] else {
        panic!("{crontab}");
    };
    let mail = |line: &str| {
        let outcome = confined(&dir, line).expect(0);
        outcome.stdout + &outcome.stderr
    };
    assert!(mail(watch).contains("nothing was synced yet"));
    assert_eq!(mail(sync), "");
    assert_eq!(mail(watch), "");
    let kept = fs::read_to_string(dir.join("state/receipts.jsonl")).unwrap();
    assert_eq!(receipts(&kept).len(), 2);
    assert!(!api.requests().is_empty());
}

#[test]
#[ignore = "needs systemd-analyze"]
fn systemd_takes_the_units() {
    let (dir, _api) = scene();
    for (name, holds) in [
        ("highwater.service", "StateDirectory="),
        ("highwater.timer", "OnCalendar="),
    ] {
        let unit = block(holds).replace(
            "/usr/local/bin/highwater",
            &placed("/usr/local/bin/highwater", &dir),
        );
        let path = dir.write(name, unit.trim_start());
        let mut verify = Command::new("systemd-analyze");
        // Only what it says of these units counts, not of the machine's own.
        let outcome = run(verify
            .args(["--man=no", "--recursive-errors=no", "verify"])
            .arg(path));
        let said: Vec<&str> = outcome
            .stderr
            .lines()
            .filter(|line| line.contains(name))
            .collect();
        assert_eq!(said, [""; 0], "{}", outcome.stderr);
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    }
}
