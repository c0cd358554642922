//! The versions in a finished file, one by one, through a buffer of fixed size.
//! A file that was cut short or changed is refused, with the number of the
//! line.

use std::io::{self, BufRead, BufReader, Read};
use std::str::from_utf8;

use crate::disk::Disk;
use crate::error::{Error, Result, excerpt};
use crate::row::FileFormat;
use crate::store::failed;
use crate::table::columns::Columns;
use crate::table::files::File;
use crate::table::key::Part;

/// How much is read at once.
const CHUNK: usize = 1 << 18;

/// A version of a row, as its file has it.
#[derive(Clone, Copy)]
pub(crate) enum Version<'a> {
    /// A line of NDJSON, without what surrounds it. It is valid UTF-8.
    Line(&'a [u8]),
    /// A record of CSV, under its file's header. Its cells are valid UTF-8.
    Record(&'a Columns, &'a csv::ByteRecord),
}

/// Gives every version of a file, in order.
///
/// # Errors
/// [`crate::error::Kind::Local`] where the file cannot be read or is not as it
/// was written, and what `visit` answers; each with its place.
pub(crate) fn each(
    disk: &dyn Disk,
    file: &File,
    key: &[Part],
    visit: &mut impl FnMut(Version<'_>) -> Result<()>,
) -> Result<()> {
    let mut open = file.open(disk).map_err(|error| {
        let gone = error.kind() == io::ErrorKind::NotFound;
        let error = failed("cannot read", &file.path, &error);
        match gone {
            true => error.hint("it was moved away, or compact has replaced it: run again"),
            false => error,
        }
    })?;
    match file.format {
        FileFormat::Ndjson => lines(file, &mut open, visit),
        FileFormat::Csv => records(file, &mut open, key, visit),
    }?;
    file.keep(open);
    Ok(())
}

/// An error at a line of a file, with what to try where nothing is said.
fn at(file: &File, line: u64, error: Error) -> Error {
    let error = error.at(format_args!("{}, line {line}", file.path.display()));
    match error.hint_text() {
        "" => error.hint(
            "the file was changed after it was written: put a good copy back, or move it away and run sync --full-refresh",
        ),
        _ => error,
    }
}

fn lines(
    file: &File,
    open: impl Read,
    visit: &mut impl FnMut(Version<'_>) -> Result<()>,
) -> Result<()> {
    let mut reader = BufReader::with_capacity(CHUNK, open);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = reader.read_until(b'\n', &mut line);
        let read = read.map_err(|error| failed("cannot read", &file.path, &error))?;
        if read == 0 {
            break;
        }
        let mut text = &line[..];
        if let (1, Some(rest)) = (number, text.strip_prefix("\u{FEFF}".as_bytes())) {
            text = rest;
        }
        let text = text.trim_ascii();
        if text.is_empty() {
            continue;
        }
        let sound = from_utf8(text).is_ok() && u32::try_from(text.len()).is_ok();
        let visited = match sound {
            true => visit(Version::Line(text)),
            false => Err(Error::local(
                "the line is not Unicode, or larger than 4 GiB",
            )),
        };
        visited.map_err(|error| at(file, number, error))?;
    }
    Ok(())
}

/// Passes a CSV file on, and checks that it ends where a record ends.
struct Ending<R> {
    from: R,
    last: u8,
    quotes: usize,
}

impl<R: Read> Read for Ending<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        let bytes = &buffer[..read];
        self.last = bytes.last().copied().unwrap_or(self.last);
        self.quotes += bytes.iter().filter(|byte| **byte == b'"').count();
        Ok(read)
    }
}

fn records(
    file: &File,
    open: impl Read,
    key: &[Part],
    visit: &mut impl FnMut(Version<'_>) -> Result<()>,
) -> Result<()> {
    let ending = Ending {
        from: open,
        last: b'\n',
        quotes: 0,
    };
    let mut reader = csv::ReaderBuilder::new()
        .buffer_capacity(CHUNK)
        .from_reader(ending);
    let header = reader.byte_headers().map_err(|error| broken(file, error))?;
    if !header.is_empty() {
        let columns = columns(header, key).map_err(|error| at(file, 1, error))?;
        let mut record = csv::ByteRecord::new();
        let mut line = 0;
        while {
            let more = reader.read_byte_record(&mut record);
            more.map_err(|error| broken(file, error))?
        } {
            line = record.position().map_or(line, csv::Position::line);
            let sound =
                record.as_slice().is_ascii() || record.iter().all(|cell| from_utf8(cell).is_ok());
            let visited = match sound {
                true => visit(Version::Record(&columns, &record)),
                false => Err(Error::local("a field is not Unicode")),
            };
            visited.map_err(|error| at(file, line, error))?;
        }
    }
    let line = reader.position().line();
    let ending = reader.into_inner();
    if ending.last != b'\n' || ending.quotes % 2 == 1 {
        let error = Error::local("the file is cut short: it ends inside a record");
        return Err(at(file, line, error));
    }
    Ok(())
}

/// The header's names, each of which is there once.
fn columns(header: &csv::ByteRecord, key: &[Part]) -> Result<Columns> {
    let mut names: Vec<String> = Vec::with_capacity(header.len());
    for name in header {
        let Ok(name) = from_utf8(name) else {
            return Err(Error::local("the header is not Unicode"));
        };
        if names.iter().any(|other| other == name) {
            let name = excerpt(name);
            return Err(Error::local(format!("the column {name:?} is there twice")));
        }
        names.push(name.to_owned());
    }
    Columns::new(names, key).map_err(|name| {
        let name = excerpt(&name);
        Error::local(format!("no column holds {name:?} of the primary key"))
            .hint("declare it in \"columns\", so that it is in the CSV, and move this file away; or name the right key with --config")
    })
}

fn broken(file: &File, error: csv::Error) -> Error {
    let place = error.position().map_or(1, csv::Position::line);
    match error.into_kind() {
        csv::ErrorKind::Io(error) => failed("cannot read", &file.path, &error),
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => {
            let error = format!("the record has {len} fields, the header {expected_len}");
            at(file, place, Error::local(error))
        }
        kind => at(file, place, Error::local(format!("no CSV: {kind:?}"))),
    }
}
