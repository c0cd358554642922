//! The connection to the reference API, which is what a connection is where the
//! file says nothing else.

use std::time::Duration;

use super::{Connection, Field, Layout, Place, Since, Statuses};
use crate::exchange::Method;
use crate::timestamp::Format;
use crate::types::Type;

impl Default for Connection {
    fn default() -> Self {
        let columns = |names: &[&str], of: Type| -> Vec<(Field, Type)> {
            names.iter().map(|name| (Field::named(name), of)).collect()
        };
        let query = |name: &str, value: &str| (name.to_owned(), value.parse().unwrap_or_default());
        let mut user = columns(
            &["id", "name", "email", "address", "company", "job"],
            Type::String,
        );
        user.extend(columns(&["updatedAt", "createdAt"], Type::UtcDatetime));
        let token = |name: &str| vec![name.to_owned()];
        Self {
            url: "http://127.0.0.1:5001/pagination/offset".into(),
            table: "user".into(),
            primary_key: vec![Field::named("id")],
            cursor: Field::named("updatedAt"),
            columns: Some(user),
            method: Method::Get,
            headers: Vec::new(),
            query: vec![
                query("order_by", "updatedAt"),
                query("order_type", "asc"),
                query("updated_since", "{since}"),
                query("limit", "{limit}"),
                query("offset", "{offset}"),
            ],
            body: None,
            auth: None,
            expired: Vec::new(),
            pace: Duration::ZERO,
            statuses: Statuses::default(),
            response: Layout {
                rows: token("data"),
                row: Vec::new(),
                columns: None,
                offset: Some(Place::Body(token("offset"))),
                total: Some(Place::Body(token("total"))),
                error: None,
                more: None,
                next: None,
            },
            since: Since {
                exclusive: false,
                format: Format::AsReceived,
                first: Some("0001-01-01T00:00:00Z".into()),
                zone: None,
                fallback: None,
            },
            page_size: 50,
            max_offset: 10_000,
            lookback: Duration::from_secs(60),
            sorted: true,
            reject_bad_rows: false,
            ignore: Vec::new(),
            ca_file: None,
            client_cert: None,
            client_key: None,
            timeout: Duration::from_secs(60),
            max_body: 64 << 20,
            max_retries: 5,
        }
    }
}
