//! What the shells complete.

use std::process::Command;

use crate::support::{Scratch, highwater, run};

/// What is printed for a shell.
fn script(shell: &str) -> String {
    let dir = Scratch::new();
    let mut command = highwater(dir.path());
    run(command.args(["help", "completions", shell]))
        .expect(0)
        .stdout
}

/// Has the shell check the script without running it.
fn check(shell: &str) {
    let dir = Scratch::new();
    let path = dir.write("completions", script(shell));
    let output = Command::new(shell).arg("-n").arg(path).output();
    let output = output.unwrap_or_else(|error| panic!("this test needs {shell}: {error}"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stderr.is_empty(), "{stderr}");
}

/// What bash completes these words to.
fn completed(words: &[&str]) -> Vec<String> {
    let dir = Scratch::new();
    dir.write("completions", script("bash"));
    let ask = "source ./completions
        COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1))
        _highwater \"$1\" \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD-1]}\"
        printf '%s\\n' \"${COMPREPLY[@]}\"";
    let mut bash = Command::new("bash");
    bash.current_dir(dir.path()).args(["-c", ask, "bash"]);
    let outcome = run(bash.args(words)).expect(0);
    let lines = outcome.stdout.lines().filter(|line| !line.is_empty());
    lines.map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_their_flags_and_values() {
    check("bash");
    assert_eq!(completed(&["highwater", "sy"]), ["sync"]);
    assert_eq!(
        completed(&["highwater", "sync", "--full"]),
        ["--full-refresh"]
    );
    assert_eq!(
        completed(&["highwater", "-v", "sync", "--load"]),
        ["--load"]
    );
    assert_eq!(completed(&["highwater", "plan", "--sh"]), ["--shards"]);
    assert_eq!(completed(&["highwater", "sync", "--shards"]), [""; 0]);
    assert_eq!(
        completed(&["highwater", "sync", "--format", "n"]),
        ["ndjson"]
    );
    assert_eq!(completed(&["highwater", "help", "rec"]), ["receipt"]);
    let shells = completed(&["highwater", "help", "completions", ""]);
    assert_eq!(shells, ["bash", "zsh", "fish"]);
    // A file is completed as any shell does, and a time is not guessed.
    assert_eq!(completed(&["highwater", "sync", "--since", ""]), [""; 0]);
    let all = completed(&["highwater", ""]);
    for command in [
        "sync",
        "check",
        "audit",
        "plan",
        "init",
        "help",
        "--version",
    ] {
        assert!(all.contains(&command.to_owned()), "{all:?}");
    }
}

#[test]
#[ignore = "needs zsh and fish"]
fn zsh_and_fish_understand_what_is_printed_for_them() {
    check("zsh");
    check("fish");
}

#[test]
fn zsh_and_fish_are_told_every_flag_of_every_command() {
    let (zsh, fish) = (script("zsh"), script("fish"));
    assert!(zsh.starts_with("#compdef highwater\n"));
    for text in [&zsh, &fish] {
        let quotes = text.replace("\\'", "").matches('\'').count();
        assert_eq!(quotes % 2, 0, "{text}");
    }
    let dir = Scratch::new();
    for command in [
        "sync", "check", "status", "table", "compact", "audit", "plan", "init",
    ] {
        let help = run(highwater(dir.path()).args(["help", command]))
            .expect(0)
            .stdout;
        let flags = help.lines().filter_map(|line| {
            let line = line.strip_prefix("  ")?;
            let line =
                line.split_once(", ").map_or(
                    line,
                    |(short, rest)| {
                        if short.len() == 2 { rest } else { line }
                    },
                );
            line.strip_prefix("--")?.split(' ').next()
        });
        let flags: Vec<&str> = flags.collect();
        assert!(flags.len() >= 8, "{command}: {flags:?}");
        let words = zsh
            .lines()
            .find(|line| line.trim().starts_with(&format!("{command}) ")));
        let of = format!("complete -c highwater -n '__fish_seen_subcommand_from {command}' -l ");
        for flag in flags {
            let all = words.unwrap().replace('\'', " ");
            let in_zsh = all.split(' ').any(|word| word == format!("--{flag}"));
            assert!(in_zsh, "{command} --{flag}");
            let line = |line: &str| {
                let rest = line.strip_prefix(&of);
                rest.is_some_and(|rest| rest.split(' ').next() == Some(flag))
            };
            assert!(fish.lines().any(line), "{command} --{flag}");
        }
    }
}

#[test]
fn an_unknown_shell_is_told_the_known_ones() {
    let dir = Scratch::new();
    let words = ["help", "completions", "csh"];
    let outcome = run(highwater(dir.path()).args(words)).expect(2);
    assert!(
        outcome.stderr.contains("bash, zsh, fish"),
        "{}",
        outcome.stderr
    );
    let outcome = run(highwater(dir.path()).args(["help", "completions"])).expect(0);
    assert!(outcome.stdout.contains("~/.bashrc"), "{}", outcome.stdout);
}
