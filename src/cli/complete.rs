//! Completions for shells, made from the tables of commands and flags, so that
//! they cannot be out of date.

use super::commands::{COMMANDS, SHELLS, SUBJECTS};
use super::flags::{FLAGS, Flag};
use super::{Shell, Topic};

/// What a shell reads to complete the program's words.
pub(super) fn script(shell: Shell) -> String {
    match shell {
        Shell::Bash => format!("{}{BASH}", functions()),
        Shell::Zsh => format!("#compdef highwater\n{}{ZSH}", functions()),
        Shell::Fish => fish(),
    }
}

const BASH: &str = r#"_highwater() {
    local current=$2 previous=$3 command=
    local word words=("${COMP_WORDS[@]:1:COMP_CWORD-1}")
    for word in "${words[@]}"; do
        case $word in -*) ;; *) command=$word && break ;; esac
    done
    local known
    known=$(_highwater_values "$previous")
    if [ "$known" = FILE ]; then
        COMPREPLY=()
        compopt -o default 2>/dev/null
    elif [ -n "$known" ]; then
        [ "$known" = VALUE ] && known=
        COMPREPLY=($(compgen -W "$known" -- "$current"))
    else
        COMPREPLY=($(compgen -W "$(_highwater_words "$command")" -- "$current"))
    fi
}
complete -F _highwater highwater
"#;

const ZSH: &str = r#"_highwater() {
    local command word known
    for word in "${(@)words[2,CURRENT-1]}"; do
        case $word in -*) ;; *) command=$word && break ;; esac
    done
    known=$(_highwater_values "${words[CURRENT-1]}")
    if [ "$known" = FILE ]; then
        _files
    elif [ -n "$known" ]; then
        [ "$known" = VALUE ] || compadd -- ${=known}
    else
        compadd -- $(_highwater_words "$command")
    fi
}
compdef _highwater highwater
"#;

/// Two functions that every shell of the family takes: the words that may
/// follow a command, and those that may follow a flag.
fn functions() -> String {
    let mut out = String::from("_highwater_words() {\n    case $1 in\n");
    for (name, topic, _) in COMMANDS {
        let words = if topic == Topic::General {
            asked_for()
        } else {
            words_of(topic)
        };
        out += &format!("    {name}) echo '{words}' ;;\n");
    }
    let names = COMMANDS.map(|(name, ..)| name).join(" ");
    out += &format!("    *) echo '{names} --help --version' ;;\n    esac\n}}\n");
    out += "_highwater_values() {\n    case $1 in\n";
    for flag in FLAGS.iter().filter(|flag| !flag.value.is_empty()) {
        out += &format!("    --{}) echo '{}' ;;\n", flag.name, values_of(flag));
    }
    let shells = SHELLS.map(|(name, _)| name).join(" ");
    out + &format!("    completions) echo '{shells}' ;;\n    esac\n}}\n")
}

/// What `help` can be asked about.
fn asked_for() -> String {
    let commands = COMMANDS.iter().map(|(name, ..)| *name);
    let subjects = SUBJECTS.iter().map(|(name, _)| *name);
    commands.chain(subjects).collect::<Vec<_>>().join(" ")
}

/// The flags of a command.
fn words_of(topic: Topic) -> String {
    let known = FLAGS.iter().filter(|flag| flag.of.contains(&topic));
    let names: Vec<String> = known.map(|flag| format!("--{}", flag.name)).collect();
    names.join(" ")
}

/// What may stand where a flag's value does: `FILE` for any file, `VALUE` for
/// what no shell can know.
fn values_of(flag: &Flag) -> &'static str {
    match (flag.name, flag.value) {
        ("format", _) => "ndjson csv",
        (_, "FILE" | "DIR") => "FILE",
        _ => "VALUE",
    }
}

fn fish() -> String {
    let mut out = String::from("complete -c highwater -f\n");
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('\'', "\\'");
    let line = |when: &str, rest: &str| format!("complete -c highwater -n '{when}' {rest}\n");
    let names = COMMANDS.map(|(name, ..)| name).join(" ");
    let none = format!("not __fish_seen_subcommand_from {names}");
    out += &line(&none, &format!("-a '{names}'"));
    for (name, topic, _) in COMMANDS {
        let when = format!("__fish_seen_subcommand_from {name}");
        if topic == Topic::General {
            out += &line(&when, &format!("-a '{}'", asked_for()));
        }
        for flag in FLAGS.iter().filter(|flag| flag.of.contains(&topic)) {
            let short = flag.short.map_or_else(String::new, |s| format!(" -s {s}"));
            let takes = match values_of(flag) {
                _ if flag.value.is_empty() => String::new(),
                "FILE" => " -r -F".to_owned(),
                "VALUE" => " -x".to_owned(),
                words => format!(" -x -a '{words}'"),
            };
            let text = quoted(flag.text);
            out += &line(
                &when,
                &format!("-l {}{short}{takes} -d '{text}'", flag.name),
            );
        }
    }
    let shells = SHELLS.map(|(name, _)| name).join(" ");
    out + &line(
        "__fish_seen_subcommand_from completions",
        &format!("-a '{shells}'"),
    )
}
