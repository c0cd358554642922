//! The one table of commands, and of what else there is to ask help about.

use super::{Command, Shell, Topic};

/// The words that come first, whom their flags belong to, and what they ask for.
pub(super) const COMMANDS: [(&str, Topic, Command); 9] = [
    ("sync", Topic::Sync, Command::Sync),
    ("check", Topic::Check, Command::Check),
    ("status", Topic::Status, Command::Status),
    ("table", Topic::Table, Command::Table),
    ("compact", Topic::Compact, Command::Compact),
    ("audit", Topic::Audit, Command::Audit),
    ("plan", Topic::Plan, Command::Plan),
    ("init", Topic::Init, Command::Init),
    ("help", Topic::General, Command::Help(Topic::General)),
];

/// What else there is to read, beside how a command works.
pub(super) const SUBJECTS: [(&str, Topic); 2] = [
    ("receipt", Topic::Receipt),
    ("completions", Topic::Completions),
];

/// How shells complete the program's words.
pub(super) const SHELLS: [(&str, Shell); 3] = [
    ("bash", Shell::Bash),
    ("zsh", Shell::Zsh),
    ("fish", Shell::Fish),
];

impl Topic {
    /// The command's name.
    pub(super) fn name(self) -> &'static str {
        let named = COMMANDS.iter().find(|(_, topic, _)| *topic == self);
        named.map_or("", |(name, ..)| name)
    }
}
