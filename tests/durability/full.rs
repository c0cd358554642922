//! Disks that are full.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::api::Api;
use crate::support::table::Table;
use crate::support::{self, Scratch, highwater, run};

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_as_stdout_moves_no_mark() {
    let scratch = Scratch::new();
    let api = Api::start(Table::users(9, 1));
    let url = format!("--url={}", api.url());
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let mut command = highwater(scratch.path());
    command.args(["sync", "--out", "-", &url, "--page-size=4"]);
    let status = command
        .stdin(Stdio::null())
        .stdout(full)
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(6));
    assert!(!scratch.join("state.json").exists());
    let rows = run(highwater(scratch.path()).args(["sync", "--out", "-", &url])).expect(0);
    assert_eq!(rows.stdout.lines().count(), 9);
}

/// A small file system of its own, unmounted on drop.
struct Mount<'a>(&'a Path);

impl<'a> Mount<'a> {
    fn tmpfs(at: &'a Path, bytes: u64) -> Self {
        fs::create_dir_all(at).unwrap();
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"])
            .arg(at);
        let status = mount.status().unwrap();
        assert!(status.success(), "mount is not permitted here: {status}");
        Self(at)
    }
}

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

#[test]
#[ignore = "needs to mount"]
fn a_disk_that_fills_up_costs_nothing_once_there_is_room() {
    let api = Api::start(Table::users(300, 2));
    let url = format!("--url={}", api.url());
    for kib in [4, 8, 16, 24, 36, 48, 64, 80] {
        let scratch = Scratch::new();
        let disk = scratch.join("disk");
        let mount = Mount::tmpfs(&disk, kib * 1024);
        let sync = || run(highwater(&disk).args(["sync", "--page-size=7", &url]));
        let said = sync().expect(6).stderr;
        assert!(said.contains("No space left"), "{said}");
        assert!(said.contains("make room"), "{said}");
        // Still full: refused again, and nothing is worse.
        sync().expect(6);
        let grown = Command::new("mount")
            .args(["-o", "remount,size=4m"])
            .arg(&disk)
            .status()
            .unwrap();
        assert!(grown.success());
        sync().expect(0);
        let rows = support::all_rows(&disk.join("out"));
        assert_eq!(
            (rows.len(), support::latest_by_id(&rows)),
            (300, api.table().contents()),
            "{kib} KiB"
        );
        support::assert_no_leftovers(&disk.join("out"));
        drop(mount);
    }
}
