//! One run over several tables: which tables the options and the connection
//! file name, and the options of each table, as if it were alone. It syncs
//! nothing itself and does not know the results.

use crate::cli::{Command, Options, Out, StateAt};
use crate::config::Tables;
use crate::connect;
use crate::error::{Error, Result};

/// The options of each table. Without a connection file of several tables
/// these are the options as they are.
///
/// # Errors
/// [`crate::error::Kind::Usage`] where there is no such table, and where the
/// tables would get in each other's way.
pub fn each(options: &Options) -> Result<Vec<Options>> {
    let alone = |what: &str| match options.table {
        None => Ok(vec![options.clone()]),
        Some(_) => Err(Error::usage(what)
            .at("--table")
            .hint("leave it out; with --config it picks one of \"tables\"")),
    };
    let Some(path) = &options.config else {
        return alone("there is no connection file that it could pick a table of");
    };
    let text = connect::read(path)?;
    let place = |error: Error| error.at(path.display());
    let Some(tables) = Tables::read(&text).map_err(place)? else {
        return alone("the connection file describes one table, and has no \"tables\"");
    };
    let names = match &options.table {
        Some(name) => {
            tables.of(name).map_err(place)?;
            vec![&**name]
        }
        None => tables.names(),
    };
    if options.table.is_none() && names.len() > 1 {
        check(options)?;
    }
    Ok(names.iter().map(|name| one(options, name)).collect())
}

/// The options of one table, which gets a folder of its own.
fn one(options: &Options, name: &str) -> Options {
    Options {
        one_of: Some(name.to_owned()),
        out: match &options.out {
            Out::Dir(folder) => Out::Dir(folder.join(name)),
            Out::Stdout => Out::Stdout,
        },
        ..options.clone()
    }
}

/// Refuses options that only a single table can have.
fn check(options: &Options) -> Result<()> {
    let bad = |flag: &str, what: &str| {
        Err(Error::usage(what)
            .at(flag)
            .hint("pick one table with --table NAME"))
    };
    match (&options.state, &options.out) {
        (StateAt::File(_), _) => return bad("--state", "each table has a state of its own"),
        (_, Out::Stdout) => return bad("--out", "the rows of several tables would be mixed"),
        _ => {}
    }
    match options.command {
        Command::Table => return bad("table", "it prints one table, and the file has several"),
        Command::Plan => return bad("plan", "it divides one table, and the file has several"),
        Command::Init => return bad("init", "it describes one table, and the file has several"),
        _ => {}
    }
    if options.record.is_some() || options.replay.is_some() {
        return bad("--record, --replay", "a recording is of one table");
    }
    if options.suggest {
        return bad("--suggest", "it describes one table");
    }
    Ok(())
}

/// The gravest of several exit codes. The order is: this machine, the API's
/// contract, a refusal, the command, and errors that may pass by themselves.
pub fn gravest(codes: impl IntoIterator<Item = u8>) -> u8 {
    let grave = |code: &u8| {
        let order = [0, 1, 3, 2, 4, 5, 6];
        order.iter().position(|known| known == code)
    };
    codes.into_iter().max_by_key(grave).unwrap_or_default()
}
