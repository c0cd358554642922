//! `highwater` copies the rows that changed out of a REST API that pages by
//! offset and filters by timestamp, onto a disk: none is lost and none is
//! doubled. This page is the architecture: the parts, how a row travels through
//! them, and where to add what is missing.
//!
//! ```text
//!            asks                 answers              rows that are new
//!  cursor ─────────▶ source ───────────────▶ page ──┬─────────────────▶ row ──▶ sink ──▶ store
//!    ▲               live, record, replay,          │                  lines   files,   state,
//!    │               retry around it                │                          stdout   lock
//!    └──────────────────────────────────────────────┘
//!                 accepts the page, or finds that rows have moved
//! ```
//!
//! # The parts, and which may import which
//!
//! A part imports only from its own level and from the levels below it, and no
//! two parts import each other.
//!
//! | level | parts | what they do |
//! |---|---|---|
//! | program | `main`, [`log_lines`] | chooses the command, writes the logs, exits |
//! | commands | [`session`] (`sync`), [`check`], [`init`], [`plan`], [`audit`], [`table`], [`compact`], [`status`], [`fleet`] (several tables) | one module for each command |
//! | loop | [`sync`], [`progress`] | the one loop that asks, decides and writes, and the line that shows it |
//! | plugs | [`source`], [`answer`], [`sink`], [`store`], [`load`], [`connect`], [`cli`] | the network, the files, the state, the hand-over, the words of the command line |
//! | decisions | [`cursor`], [`page`], [`row`], [`checkpoint`], [`seen`] | pure: values in, values out |
//! | settings | [`config`], [`template`], [`secret`] | the connection file |
//! | values | [`exchange`], [`types`], [`json`], [`timestamp`], [`zone`], [`zoneinfo`], [`clock`], [`disk`], [`error`] | what all others are made of |
//!
//! Three rules follow from this. What decides is pure: the cursor, the page and
//! the row know no socket, no file and no clock, so that the tests can try every
//! change at every moment. The live source alone knows the HTTP library. Whatever
//! durability depends on goes through [`disk`], which tests replace by a disk that
//! fails and loses power.
//!
//! # The states of the cursor
//!
//! They are drawn in [`cursor`], with the reasons why no row is lost and none
//! comes twice. In short: a *window* walks the pages of one bound; each page must
//! join what was read; a page that does not is thrown away, and a new window opens
//! at the last timestamp.
//!
//! # The life of a row
//!
//! 1. [`cursor::Cursor::request`] says which page is wanted, and
//!    [`config::Connection`] makes an [`exchange::Request`] of it.
//! 2. [`source::retry`] sends it until there is an answer. The body's bytes come
//!    into one buffer that is used again for each page.
//! 3. [`answer`] says whether the answer holds rows, none, or an error.
//!    [`page::Page::decode`] finds the rows in the bytes. It copies nothing: a row
//!    is a range of the buffer, with its key and its timestamp.
//! 4. [`cursor::Cursor::accept`] says which of the rows are new. It compares keys
//!    and contents, as hashes, with [`seen`].
//! 5. [`row`] copies the new rows' bytes into lines of NDJSON or CSV, and checks
//!    values against the columns' types. A row with a fault is an error, or goes
//!    with its reason to the file of rejected rows.
//! 6. [`sink`] appends the lines to the `.part` file and makes them durable. Then
//!    [`store`] replaces the state, which says how much of the file is committed
//!    and where the next sync begins. Rows and state are committed together.
//! 7. At the end of the sync the file gets its final name. [`load`] hands it to
//!    the user's command, and [`table`], [`compact`] and [`audit`] read it back.
//!
//! # How to add something
//!
//! Each comes with its test first, and with the README and `--help` in the same
//! commit. A pattern to follow is named with each.
//!
//! - **A format of the files**: a variant of [`row::FileFormat`] with its
//!   extension, its lines in `src/row/` (as `csv.rs`), the word in
//!   `src/cli/flags.rs`, its names in `src/store/names.rs` and
//!   `src/table/files.rs`, how it is read back in `src/table/read.rs` and
//!   `src/table/encode.rs`, and how its rows are counted in `src/load/count.rs`.
//!   The compiler names most of these places, which are a `match`. The tests are in
//!   `tests/program/output.rs` and `tests/table/`.
//! - **A proof** that a walk has to pass: a file in `src/cursor/proof/` that opens
//!   with what it finds (as `positions.rs`), and the place in `src/cursor.rs` where
//!   it is asked. A proof that has questions of its own is a variant of the phase in
//!   `src/cursor/phase.rs`. An API that breaks what the proof proves goes to
//!   `tests/cursor/broken.rs`; that sound APIs pass is tested by
//!   `tests/cursor/exhaustive.rs` and `random.rs`.
//! - **A clause** that `check` tells about: a variant with its name in
//!   `src/check/clause.rs`, a file in `src/check/clauses/` that judges it by the
//!   evidence (as `ties.rs`), and its line in the table of `src/check/clauses.rs`.
//!   What has to be asked for it goes to `src/check/questions.rs` and
//!   `src/check/evidence.rs`. The tests are in `tests/check/clauses.rs`.
//! - **A way to log in**: a variant of [`config::auth::Auth`] and its keys in
//!   `src/config/auth.rs`, a [`source::auth::Giver`] in `src/source/auth/` (as
//!   `login.rs`), and its line in `src/connect.rs`. Values that must never show are
//!   made known to [`secret::Secrets`]. The tests are in `tests/transport/tokens.rs`.
//! - **A known API**: a connection file in `testdata/connections/` with an entry in
//!   its `README.md`, and a model of the API in `tests/gallery/` (as `netbox.rs`).
//!
//! # One sync, by hand
//!
//! The API's table changes while it is read.
//!
//! ```
//! use highwater::config::Connection;
//! use highwater::cursor::{Answer, Bound, Cursor, Order, Paging, Settings, Start};
//! use highwater::exchange::Response;
//! use highwater::page::Page;
//! use highwater::timestamp::{self, Format, Instant};
//! use std::time::Duration;
//!
//! let of = Connection { page_size: 3, ..Connection::default() };
//! let settings = Settings {
//!     limit: 3,
//!     max_offset: 10_000,
//!     exclusive: false,
//!     order: Order::Sorted,
//!     paging: Paging::Offset,
//!     filters: true,
//!     limits: true,
//!     format: Format::AsReceived,
//!     lookback: Duration::ZERO,
//!     until: None,
//! };
//! let bound = Bound { text: of.since.first.clone(), at: Instant::MIN };
//! let mut cursor = Cursor::new(settings, Start::new(bound));
//! let now = timestamp::parse("2024-02-01T00:00:00Z").unwrap();
//!
//! // Each answer: its rows as id and day of January, and the total.
//! let mut answer = |rows: &[(u32, u32)], total: u32| {
//!     let asked = cursor.request().offset;
//!     let rows: Vec<String> = rows
//!         .iter()
//!         .map(|(id, day)| format!(r#"{{"id": "{id}", "updatedAt": "2024-01-{day:02}T00:00:00Z"}}"#))
//!         .collect();
//!     let rows = rows.join(",");
//!     let body = format!(r#"{{"data": [{rows}], "offset": {asked}, "total": {total}}}"#);
//!     let mut page = Page::default();
//!     page.decode(body.as_bytes(), &Response::default(), &of).unwrap();
//!     let view = page.view(body.as_bytes(), &of);
//!     let answer = Answer::new(page.offset, page.total, now);
//!     let step = cursor.accept(&view, &answer).unwrap();
//!     (asked, step.deliver, step.drift.is_some(), step.done)
//! };
//!
//! // Rows 1 to 5, of which the first three come.
//! assert_eq!(answer(&[(1, 1), (2, 2), (3, 3)], 5), (0, vec![0..3], false, false));
//! // The next page overlaps by two. But row 1 was updated meanwhile, so all
//! // moved up by one, and the page does not begin where it should.
//! assert_eq!(answer(&[(3, 3), (4, 4), (5, 5)], 5), (1, vec![], true, false));
//! // A new window, from the last timestamp: row 3 is known, the rest is new,
//! assert_eq!(answer(&[(3, 3), (4, 4), (5, 5)], 4), (0, vec![1..3], false, false));
//! // and row 1 comes once more, in its new version. Where rows move, windows
//! // are short.
//! assert_eq!(answer(&[(5, 5), (1, 6)], 2), (0, vec![1..2], false, false));
//! // A window at the last timestamp says that this is the end.
//! assert_eq!(answer(&[(1, 6)], 1), (0, vec![], false, true));
//! assert_eq!(cursor.mark().unwrap().text, "2024-01-06T00:00:00Z");
//! ```

pub mod answer;
pub mod audit;
mod calendar;
pub mod check;
pub mod checkpoint;
pub mod cli;
pub mod clock;
pub mod compact;
pub mod config;
pub mod connect;
pub mod cursor;
pub mod disk;
pub mod error;
pub mod exchange;
pub mod fleet;
mod hash;
mod http_date;
pub mod init;
pub mod json;
pub mod load;
pub mod log_lines;
pub mod page;
pub mod plan;
pub mod progress;
pub mod row;
pub mod secret;
pub mod seen;
pub mod session;
pub mod sink;
pub mod source;
pub mod stamp;
pub mod status;
pub mod store;
pub mod sync;
pub mod table;
pub mod template;
pub mod timestamp;
pub mod types;
pub mod zone;
pub mod zoneinfo;
