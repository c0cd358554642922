//! Strapi 4 and 5, Directus and WordPress.

use serde_json::{Value, json};

use crate::support::clock::{self, SECOND};
use crate::support::http::Request;
use crate::support::reply::Reply;
use crate::world::{Ask, Row, World, either, number, refuse};

/// Times to the millisecond, as JavaScript writes them.
fn millis(micros: i64) -> String {
    clock::rfc3339(micros).replace('Z', ".000Z")
}

fn invalid(message: &str) -> Reply {
    let error =
        json!({"status": 400, "name": "ValidationError", "message": message, "details": {}});
    refuse(400, json!({"data": null, "error": error}))
}

/// What Strapi makes of a question: invalid keys are refused, a limit is
/// clamped to 100, 25 where nothing is said.
fn strapi(request: &Request, key: &str) -> Result<(Ask, Value), Reply> {
    let mut ask = Ask {
        limit: 25,
        ..Ask::default()
    };
    let mut page = None;
    for (name, value) in &request.query {
        let whole = || {
            value
                .parse::<usize>()
                .map_err(|_| invalid("Invalid pagination"))
        };
        match &**name {
            "filters[updatedAt][$gte]" => {
                let bad = || invalid("Invalid format, expected a timestamp or an ISO date");
                ask.since = Some((clock::parse(value).ok_or_else(bad)?, true));
            }
            "sort" | "sort[0]" | "sort[1]" => match value.split_once(':').unwrap_or((value, "asc"))
            {
                ("updatedAt", way) if name != "sort[1]" => ask.falls = Some(way == "desc"),
                (field, "asc" | "desc") if field == key || field == "id" => {}
                _ => return Err(invalid("Invalid key in sort")),
            },
            "pagination[start]" => ask.offset = whole()?,
            "pagination[limit]" | "pagination[pageSize]" => ask.limit = whole()?.clamp(1, 100),
            "pagination[page]" => page = Some(whole()?.max(1)),
            "pagination[withCount]" => {}
            _ => return Err(invalid(&format!("Invalid key {name}"))),
        }
    }
    let mut told = json!({"start": ask.offset, "limit": ask.limit});
    if request.param("pagination[start]").is_none() && request.param("pagination[limit]").is_none()
    {
        let page = page.unwrap_or(1);
        ask.offset = (page - 1) * ask.limit;
        told = json!({"page": page, "pageSize": ask.limit, "pageCount": 6});
    } else if page.is_some() {
        return Err(invalid(
            "Invalid pagination attributes. The page parameters are incorrect",
        ));
    }
    Ok((ask, told))
}

fn strapi_reply(world: &World, ask: Ask, mut told: Value, row: fn(&Row) -> Value) -> Reply {
    let (rows, total) = world.page(ask);
    told["total"] = total.into();
    Reply::json(
        json!({"data": rows.iter().map(row).collect::<Vec<_>>(), "meta": {"pagination": told}}),
    )
}

/// The fields are in `attributes`.
pub(crate) fn strapi_4(request: &Request, world: &World) -> Reply {
    let row = |row: &Row| {
        json!({"id": row.id, "attributes": {"title": format!("v{}", row.version),
            "createdAt": "2020-01-01T00:00:00.000Z", "updatedAt": millis(row.updated)}})
    };
    either(strapi(request, "id").map(|(ask, told)| strapi_reply(world, ask, told, row)))
}

/// `documentId` stays, `id` is another with every version.
pub(crate) fn strapi_5(request: &Request, world: &World) -> Reply {
    let row = |row: &Row| {
        json!({"id": row.version * 1000 + row.id, "documentId": format!("doc{:021}", row.id),
            "title": format!("v{}", row.version), "createdAt": "2020-01-01T00:00:00.000Z",
            "updatedAt": millis(row.updated), "publishedAt": null})
    };
    either(strapi(request, "documentId").map(|(ask, told)| strapi_reply(world, ask, told, row)))
}

/// Unknown parameters are ignored, unknown fields forbidden; counts come where
/// `meta` asks for them.
pub(crate) fn directus(request: &Request, world: &World) -> Reply {
    let error = |status: u16, code: &str, message: String| {
        refuse(
            status,
            json!({"errors": [{"message": message, "extensions": {"code": code}}]}),
        )
    };
    let forbidden = |field: &str| {
        error(
            403,
            "FORBIDDEN",
            format!(
                "You don't have permission to access field \"{field}\" in collection \"articles\" or it does not exist."
            ),
        )
    };
    let mut since = None;
    for (name, value) in &request.query {
        let Some(filter) = name.strip_prefix("filter[") else {
            continue;
        };
        if filter != "date_updated][_gte]" {
            return forbidden(filter.split(']').next().unwrap());
        }
        match clock::parse(value) {
            Some(time) => since = Some((time, true)),
            None => {
                return error(
                    400,
                    "INVALID_QUERY",
                    "\"date_updated\" has to be a valid date".to_owned(),
                );
            }
        }
    }
    let mut falls = None;
    for (number, term) in request.param("sort").unwrap_or("id").split(',').enumerate() {
        match term {
            "date_updated" | "-date_updated" if number == 0 => falls = Some(term.starts_with('-')),
            "date_updated" | "-date_updated" | "id" | "-id" => {}
            other => return forbidden(other),
        }
    }
    either((|| {
        let limit = number(request, "limit", 100)?;
        let page = number(request, "page", 1)?.max(1);
        let offset = number(request, "offset", (page - 1) * limit)?;
        let (rows, total) = world.page(Ask {
            since,
            falls,
            offset,
            limit,
        });
        let data: Vec<Value> = rows
            .iter()
            .map(|row| {
                json!({"id": row.id, "status": "published", "revision": row.version,
                    "date_created": "2020-01-01T00:00:00.000Z", "date_updated": millis(row.updated)})
            })
            .collect();
        let mut body = json!({"data": data});
        let meta = request.param("meta").unwrap_or_default();
        for (name, count) in [("total_count", world.rows.len()), ("filter_count", total)] {
            if meta.split(',').any(|word| word == name || word == "*") {
                body["meta"][name] = count.into();
            }
        }
        Ok(Reply::json(body))
    })())
}

/// The site is in New York, in winter.
const AHEAD: i64 = -5 * 3600 * SECOND;

/// Times on the site's wall and in UTC, both without a zone; the filter reads
/// its bound on the wall where it has no zone, and leaves out the bound.
pub(crate) fn wordpress(request: &Request, world: &World) -> Reply {
    let bad = |name: &str| {
        let message = format!("Invalid parameter(s): {name}");
        refuse(
            400,
            json!({"code": "rest_invalid_param", "message": message, "data": {"status": 400}}),
        )
    };
    let since = match request.param("modified_after") {
        None => None,
        Some(text) => match (clock::parse(text), clock::parse(&format!("{text}Z"))) {
            (Some(time), _) => Some((time, false)),
            (None, Some(wall)) => Some((wall - AHEAD, false)),
            (None, None) => return bad("modified_after"),
        },
    };
    let down = match request.param("order") {
        Some("asc") => false,
        None | Some("desc") => true,
        Some(_) => return bad("order"),
    };
    let falls = match request.param("orderby") {
        Some("modified") => Some(down),
        None | Some("date" | "id") => None,
        Some(_) => return bad("orderby"),
    };
    either((|| {
        let limit = number(request, "per_page", 10)?;
        if !(1..=100).contains(&limit) {
            return Err(bad("per_page"));
        }
        let page = number(request, "page", 1)?.max(1);
        let offset = number(request, "offset", (page - 1) * limit)?;
        let (rows, total) = world.page(Ask {
            since,
            falls,
            offset,
            limit,
        });
        if rows.is_empty() && page > 1 {
            return Err(refuse(
                400,
                json!({"code": "rest_post_invalid_page_number"}),
            ));
        }
        let wall = |time: i64| clock::rfc3339(time).trim_end_matches('Z').to_owned();
        let rows: Vec<Value> = rows
            .iter()
            .map(|row| {
                json!({"id": row.id, "date": "2020-01-01T00:00:00", "date_gmt": "2020-01-01T05:00:00",
                    "modified": wall(row.updated + AHEAD), "modified_gmt": wall(row.updated),
                    "slug": format!("post-{}", row.id), "title": {"rendered": format!("v{}", row.version)}})
            })
            .collect();
        Ok(Reply::json(Value::from(rows))
            .header("X-WP-Total", total)
            .header("X-WP-TotalPages", total.div_ceil(limit)))
    })())
}
