//! Words to options: which command they name, which flags they give, and which
//! of these contradict each other. It judges only the words.

use std::ffi::{OsStr, OsString};

use super::commands::{COMMANDS, SHELLS, SUBJECTS};
use super::flags::{FLAGS, Flag};
use super::{Command, Options, Out, StateAt, Topic, help};
use crate::error::{Error, Result, excerpt, nearest};

/// Flags that contradict each other, and why.
const APART: [(&str, &str, &str); 2] = [
    ("record", "replay", "a replay answers without any network"),
    ("verbose", "quiet", "one asks for more and one for less"),
];

/// A flag as it was given.
type Given = (&'static Flag, OsString);

impl Options {
    /// Reads the words that follow the program's own name.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`], naming the word and the one that was
    /// most likely meant.
    pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Self> {
        let words: Vec<OsString> = words.into_iter().collect();
        let first = || words.iter().find_map(|word| command(word.to_str()?));
        let guess = || first().map(|(_, topic, _)| *topic);
        // A person who asks for help gets it, whatever else is wrong.
        if words.iter().any(|word| word == "-h" || word == "--help") {
            let topic = guess().unwrap_or(Topic::General);
            return Ok(Self::new(Command::Help(topic)));
        }
        let (plain, given) = sort(&words, guess())?;
        let has = |name: &str| given.iter().any(|(flag, _)| flag.name == name);
        let plain: Vec<&str> = plain.iter().map(String::as_str).collect();
        let (topic, command, rest) = match &plain[..] {
            [] if has("help") => return Ok(Self::new(Command::Help(Topic::General))),
            _ if has("version") => return Ok(Self::new(Command::Version)),
            [] => return Err(Error::usage(help::USAGE)),
            ["help", rest @ ..] => return Ok(Self::new(Command::Help(subject(rest)?))),
            [name, rest @ ..] => {
                let found = command(name).ok_or_else(|| unknown_command(name))?;
                (found.1, found.2, rest)
            }
        };
        if has("help") {
            return Ok(Self::new(Command::Help(topic)));
        }
        let url = match rest {
            [url] if command == Command::Init => Some(*url),
            [] => None,
            [_, extra, ..] if command == Command::Init => {
                return Err(unexpected(extra, "init takes one URL, and flags"));
            }
            [extra, ..] => return Err(unexpected(extra, "there is one command, and flags")),
        };
        let options = Self::fill(command, topic, given)?;
        match (options.url.is_some(), url) {
            (true, Some(url)) => Err(unexpected(url, "--url says already where the API answers")),
            (false, Some(url)) => Ok(Self {
                url: Some(url.to_owned()),
                ..options
            }),
            (false, None) if command == Command::Init && options.config.is_none() => {
                Err(Error::usage("init needs the URL where the API answers")
                    .hint("highwater init https://api.example.com/v1/users"))
            }
            _ => Ok(options),
        }
    }

    /// Takes the flags' values, which have to suit the command.
    fn fill(command: Command, of: Topic, given: Vec<Given>) -> Result<Self> {
        let mut options = Self::new(command);
        for (index, (flag, _)) in given.iter().enumerate() {
            let name = flag.name;
            if !flag.of.contains(&of) {
                let owners: Vec<&str> = flag.of.iter().map(|topic| topic.name()).collect();
                let (of, owners) = (of.name(), owners.join(", "));
                let owners = match owners.rsplit_once(", ") {
                    Some((others, last)) => format!("{others} and {last}"),
                    None => owners,
                };
                return Err(
                    Error::usage(format!("--{name} is no flag of {of}, only of {owners}"))
                        .hint(format!("see highwater help {of}")),
                );
            }
            let mut before = given.iter().take(index);
            if !flag.repeats && before.any(|(other, _)| other.name == name) {
                return Err(
                    Error::usage(format!("--{name} is given twice")).hint("leave one of them out")
                );
            }
        }
        for (one, other, why) in APART {
            let has = |name: &str| given.iter().any(|(flag, _)| flag.name == name);
            if has(one) && has(other) {
                let message = format!("--{one} and --{other} do not go together");
                return Err(Error::usage(message).hint(why));
            }
        }
        for (flag, value) in given {
            (flag.set)(&mut options, value)
                .map_err(|message| Error::usage(message).at(format_args!("--{}", flag.name)))?;
        }
        if options.load.is_some() {
            options.check_load()?;
        }
        if command == Command::Audit && !options.repair {
            let needless = given_of_repair(&options);
            if let Some(name) = needless {
                return Err(Error::usage(format!("--{name} is for --repair"))
                    .hint("an audit without --repair writes nothing"));
            }
        }
        if command == Command::Plan && options.shards.is_none() {
            return Err(
                Error::usage("plan needs to know into how many shards: --shards N")
                    .hint("about as many as may ask the API at once, as --shards 8"),
            );
        }
        if command == Command::Status && options.state == StateAt::None {
            return Err(
                Error::usage("status has no state to show with --state none")
                    .hint("a file that is called none is --state ./none"),
            );
        }
        let folder = matches!(command, Command::Table | Command::Compact | Command::Audit);
        if folder && options.out == Out::Stdout {
            let name = of.name();
            return Err(
                Error::usage(format!("{name} needs the folder of the files"))
                    .at("--out")
                    .hint("a folder that is called - is --out ./-"),
            );
        }
        Ok(options)
    }

    /// Refuses a hand-over that has no files, or nowhere to note them.
    fn check_load(&self) -> Result<()> {
        let (message, hint) = match (&self.out, &self.state) {
            (Out::Stdout, _) => (
                "--load hands over files, and --out - writes none",
                "use --out DIR; a pipe acknowledges nothing, --load does",
            ),
            (Out::Dir(_), StateAt::None) => (
                "--load needs a state, which notes what was handed over",
                "leave out --state none, or name a file with --state",
            ),
            _ => return Ok(()),
        };
        Err(Error::usage(message).hint(hint))
    }
}

/// A flag that says how a repair is written.
fn given_of_repair(options: &Options) -> Option<&'static str> {
    let given = [
        ("yes", options.yes),
        ("metadata", options.metadata),
        ("format", options.format.is_some()),
    ];
    given
        .into_iter()
        .find_map(|(name, is_given)| is_given.then_some(name))
}

/// Sorts words into flags with their values and those that stand alone.
/// `guess` is the command they seem to be for.
fn sort(words: &[OsString], guess: Option<Topic>) -> Result<(Vec<String>, Vec<Given>)> {
    let (mut plain, mut given) = (Vec::new(), Vec::<Given>::new());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let shown = word.to_string_lossy();
        if shown == "--" {
            return Err(Error::usage("\"--\" has no use here")
                .hint("every word but the command belongs to a flag"));
        }
        if let Some(rest) = shown.strip_prefix("--") {
            let name = rest.split_once('=').map_or(rest, |(name, _)| name);
            let flag = FLAGS.iter().find(|flag| flag.name == name);
            let flag = flag.ok_or_else(|| unknown_flag(&format!("--{name}"), guess))?;
            let value = match rest.len() > name.len() {
                true => Some(after(word, 2 + name.len() + 1, name)?),
                false => None,
            };
            given.push((flag, value_of(flag, value, &mut words)?));
        } else if let Some(letters) = shown.strip_prefix('-').filter(|rest| !rest.is_empty()) {
            for letter in letters.chars() {
                let flag = FLAGS.iter().find(|flag| flag.short == Some(letter));
                let flag = flag.ok_or_else(|| unknown_flag(&shown, guess))?;
                given.push((flag, OsString::new()));
            }
        } else {
            plain.push(shown.into_owned());
        }
    }
    Ok((plain, given))
}

/// A flag's value: what followed its `=`, else the next word.
fn value_of<'a>(
    flag: &Flag,
    joined: Option<OsString>,
    words: &mut impl Iterator<Item = &'a OsString>,
) -> Result<OsString> {
    let (name, what) = (flag.name, flag.value);
    if what.is_empty() {
        return match joined {
            None => Ok(OsString::new()),
            Some(_) => Err(Error::usage(format!("--{name} takes no value"))),
        };
    }
    let missing = || Error::usage(format!("--{name} needs a value: --{name} {what}"));
    let is_joined = joined.is_some();
    let value = joined.or_else(|| words.next().cloned());
    let value = value
        .filter(|value| !value.is_empty())
        .ok_or_else(missing)?;
    let shown = value.to_string_lossy();
    // Timestamps can be numbers below zero, and no flag is a number.
    let number =
        matches!(name, "since" | "until") && matches!(shown.as_bytes(), [b'-', b'0'..=b'9', ..]);
    if !is_joined && shown.len() > 1 && shown.starts_with('-') && !number {
        let shown = excerpt(&shown);
        return Err(Error::usage(format!(
            "--{name} needs a value, and {shown:?} looks like a flag"
        ))
        .hint(format!("where that is the value, write --{name}={shown}")));
    }
    Ok(value)
}

/// What follows the byte `at` of a word that names the flag `name`.
fn after(word: &OsStr, at: usize, name: &str) -> Result<OsString> {
    #[cfg(unix)]
    let rest = {
        use std::os::unix::ffi::OsStrExt;
        let rest = word.as_bytes().get(at..);
        rest.map(|rest| OsStr::from_bytes(rest).to_owned())
    };
    #[cfg(not(unix))]
    let rest = word
        .to_str()
        .and_then(|word| word.get(at..))
        .map(Into::into);
    rest.ok_or_else(|| Error::usage("the value is not Unicode").at(format_args!("--{name}")))
}

/// The command of that name.
fn command(name: &str) -> Option<&'static (&'static str, Topic, Command)> {
    COMMANDS.iter().find(|(known, ..)| *known == name)
}

/// What `help` is asked about.
fn subject(words: &[&str]) -> Result<Topic> {
    let shells = || SHELLS.map(|(name, _)| name).join(", ");
    match words {
        [] => Ok(Topic::General),
        ["completions", name] => match SHELLS.iter().find(|(known, _)| known == name) {
            Some((_, shell)) => Ok(Topic::Shell(*shell)),
            None => Err(unexpected(name, &format!("the shells are {}", shells()))),
        },
        ["completions", _, extra, ..] => Err(unexpected(extra, "completions are for one shell")),
        [name] => SUBJECTS
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, topic)| *topic)
            .or_else(|| command(name).map(|(_, topic, _)| *topic))
            .ok_or_else(|| unknown_command(name)),
        [_, extra, ..] => Err(unexpected(extra, "help takes one command")),
    }
}

fn unknown_flag(word: &str, guess: Option<Topic>) -> Error {
    let message = format!("unknown flag {:?}", excerpt(word));
    let fits = |flag: &&Flag| guess.is_none_or(|of| of == Topic::General || flag.of.contains(&of));
    let bare = word.trim_start_matches('-');
    let bare = bare.split_once('=').map_or(bare, |(bare, _)| bare);
    let near = nearest(bare, FLAGS.iter().filter(fits).map(|flag| flag.name));
    match near.or_else(|| nearest(bare, FLAGS.iter().map(|flag| flag.name))) {
        Some(meant) => Error::usage(format!("{message}, did you mean --{meant}?")),
        None => Error::usage(message),
    }
    .hint(see(guess))
}

fn see(topic: Option<Topic>) -> String {
    match topic {
        None | Some(Topic::General) => "see highwater help".to_owned(),
        Some(topic) => format!("see highwater help {}", topic.name()),
    }
}

fn unknown_command(word: &str) -> Error {
    let message = format!("unknown command {:?}", excerpt(word));
    let error = match (
        nearest(word, COMMANDS.map(|(name, ..)| name)),
        flag_like(word),
    ) {
        (_, Some(flag)) => Error::usage(format!("{message}, did you mean --{flag}?")),
        (Some(meant), None) => Error::usage(format!("{message}, did you mean {meant:?}?")),
        (None, None) => Error::usage(format!(
            "{message}, the commands are {}",
            COMMANDS.map(|(name, ..)| name).join(", ")
        )),
    };
    error.hint(see(None))
}

fn unexpected(word: &str, rule: &str) -> Error {
    let message = format!("unexpected word {:?}", excerpt(word));
    match flag_like(word) {
        Some(flag) => Error::usage(format!("{message}, did you mean --{flag}?")),
        None => Error::usage(message),
    }
    .hint(rule)
}

/// The flag that a word without its dashes names.
fn flag_like(word: &str) -> Option<&'static str> {
    let name = word.split_once('=').map_or(word, |(name, _)| name);
    let named = FLAGS.iter().find(|flag| flag.name == name);
    named.map(|flag| flag.name)
}
