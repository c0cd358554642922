//! The rows of a table that changed, out of a REST API that pages by offset
//! and filters by timestamp, and onto a disk: none lost, none twice.
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
//! [`sync`] is the loop that drives this, [`session`] puts it together from
//! [`cli`] and [`connect`], and [`load`] hands the finished files to a consumer
//! afterwards. What decides is pure: [`cursor`] which rows are new
//! and what to ask for next, [`answer`] whether there are any, [`page`] what an
//! answer holds, [`row`] how a row is
//! written, [`checkpoint`] what a state says. Only [`source::live`] knows the
//! network, only [`disk`] the file system. Why nothing is lost is told in
//! [`cursor`], [`store`] and [`load`]. [`table`] reads what the syncs wrote back
//! as the table, and [`compact`] puts one file in the place of many. [`plan`]
//! divides a first sync into many that run at once, and [`init`] writes the
//! first connection file.
//!
//! One sync, by hand, over an API whose table changes while it is read:
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
