//! Counts the rows of a finished file that no state has counted: it is read
//! once, in pieces.

use std::io::{self, Read};
use std::path::Path;

use crate::disk::Disk;
use crate::error::Result;
use crate::row::FileFormat;
use crate::store::failed;

/// How much is read at once.
const PIECE: u64 = 1 << 18;

/// The lines of an NDJSON file, the records of a CSV without its header.
pub(super) fn rows(disk: &dyn Disk, path: &Path, bytes: u64, format: FileFormat) -> Result<u64> {
    let file = Pieces {
        disk,
        path,
        at: 0,
        end: bytes,
        piece: Vec::new(),
        taken: 0,
    };
    let counted = match format {
        FileFormat::Ndjson => lines(file),
        FileFormat::Csv => records(file),
    };
    counted.map_err(|error| failed("cannot read", path, &error))
}

fn lines(mut file: impl Read) -> io::Result<u64> {
    let mut buffer = vec![0; 1 << 16];
    let mut rows = 0;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(rows);
        }
        rows += buffer[..read].iter().filter(|byte| **byte == b'\n').count() as u64;
    }
}

fn records(file: impl Read) -> io::Result<u64> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(file);
    let mut record = csv::ByteRecord::new();
    let mut rows = 0;
    while reader.read_byte_record(&mut record)? {
        rows += 1;
    }
    Ok(rows)
}

/// A file of a disk, read in pieces.
struct Pieces<'a> {
    disk: &'a dyn Disk,
    path: &'a Path,
    at: u64,
    end: u64,
    piece: Vec<u8>,
    taken: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.piece.len() && self.at < self.end {
            let end = self.end.min(self.at + PIECE);
            self.piece = self.disk.read_range(self.path, self.at, end)?;
            self.taken = 0;
            self.at = end;
        }
        let read = (&self.piece[self.taken..]).read(out)?;
        self.taken += read;
        Ok(read)
    }
}
