//! json-server 0 and 1, LoopBack 4 and pygeoapi.

use serde_json::{Value, json};

use crate::support::clock;
use crate::support::http::Request;
use crate::support::reply::Reply;
use crate::world::{Ask, Row, World, either, number, refuse};

fn post(row: &Row) -> Value {
    json!({"id": row.id, "title": format!("v{}", row.version), "updatedAt": clock::rfc3339(row.updated)})
}

/// Every parameter without a meaning of its own is a filter for equality, so
/// that one that is not known leaves nothing.
pub(crate) fn json_server_0(request: &Request, world: &World) -> Reply {
    const OWN: [&str; 7] = ["_sort", "_order", "_page", "_limit", "_start", "_end", "q"];
    let mut since = None;
    let mut equal = true;
    for (name, value) in &request.query {
        match &**name {
            "updatedAt_gte" => since = clock::parse(value).map(|time| (time, true)),
            name if OWN.contains(&name) => {}
            _ => equal = false,
        }
    }
    let falls = match request.param("_sort") {
        Some(fields) if fields.split(',').next() == Some("updatedAt") => {
            let order = request.param("_order").unwrap_or("asc");
            Some(order.split(',').next() == Some("desc"))
        }
        _ => None,
    };
    either((|| {
        let limit = number(
            request,
            "_limit",
            if request.param("_page").is_some() {
                10
            } else {
                10_000
            },
        )?;
        let page = number(request, "_page", 1)?.max(1);
        let start = number(request, "_start", (page - 1) * limit)?;
        let ask = Ask {
            since,
            falls,
            offset: start,
            limit,
        };
        let (rows, total) = if equal {
            world.page(ask)
        } else {
            (Vec::new(), 0)
        };
        let reply = Reply::json(rows.iter().map(post).collect::<Value>());
        let counted = ["_page", "_limit", "_start"]
            .iter()
            .any(|name| request.param(name).is_some());
        Ok(if counted {
            reply.header("X-Total-Count", total)
        } else {
            reply
        })
    })())
}

/// A page is an object of its own; without `_page` all rows come as a list.
pub(crate) fn json_server_1(request: &Request, world: &World) -> Reply {
    let mut since = None;
    let mut equal = true;
    for (name, value) in &request.query {
        match &**name {
            "updatedAt:gte" | "updatedAt_gte" => {
                since = clock::parse(value).map(|time| (time, true))
            }
            "_sort" | "_page" | "_per_page" | "_embed" => {}
            // An operator that is not known is left out.
            name if name.contains(':') => {}
            _ => equal = false,
        }
    }
    let falls = match request.param("_sort").unwrap_or_default().split(',').next() {
        Some("updatedAt") => Some(false),
        Some("-updatedAt") => Some(true),
        _ => None,
    };
    either((|| {
        let paged = request.param("_page").is_some();
        let limit = if paged {
            number(request, "_per_page", 10)?.max(1)
        } else {
            usize::MAX
        };
        let asked = number(request, "_page", 1)?.max(1);
        let all = |offset| {
            let ask = Ask {
                since,
                falls,
                offset,
                limit,
            };
            if equal {
                world.page(ask)
            } else {
                (Vec::new(), 0)
            }
        };
        // A page beyond the last is the last.
        let pages = all(0).1.div_ceil(limit).max(1);
        let page = asked.min(pages);
        let (rows, total) = all((page - 1).saturating_mul(limit));
        let data: Value = rows.iter().map(post).collect();
        Ok(Reply::json(if paged {
            let next = (page < pages).then_some(page + 1);
            let prev = (page > 1).then(|| page - 1);
            json!({"first": 1, "prev": prev, "next": next, "last": pages, "pages": pages, "items": total, "data": data})
        } else {
            data
        }))
    })())
}

/// The whole question is JSON in one parameter; other parameters are ignored,
/// unknown keys of the filter refused.
pub(crate) fn loopback(request: &Request, world: &World) -> Reply {
    let bad = |message: &str| {
        refuse(
            400,
            json!({"error": {"statusCode": 400, "name": "BadRequestError", "message": message}}),
        )
    };
    let text = request.param("filter").unwrap_or("{}");
    let Ok(Value::Object(filter)) = serde_json::from_str::<Value>(text) else {
        return bad("Invalid JSON value for parameter \"filter\".");
    };
    let mut ask = Ask {
        limit: usize::MAX,
        ..Ask::default()
    };
    for (key, value) in &filter {
        let whole = value.as_u64().map(|value| value as usize);
        match (&**key, whole) {
            ("limit", Some(limit)) if limit > 0 => ask.limit = limit,
            ("skip" | "offset", Some(offset)) => ask.offset = offset,
            ("where", _) => {
                let Some(bound) = value.pointer("/updatedAt/gte").and_then(Value::as_str) else {
                    return bad("Invalid where");
                };
                let Some(time) = clock::parse(bound) else {
                    return bad("Invalid date");
                };
                ask.since = Some((time, true));
            }
            ("order", _) => {
                let first = value
                    .pointer("/0")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                ask.falls = match first {
                    "updatedAt ASC" => Some(false),
                    "updatedAt DESC" => Some(true),
                    _ => None,
                };
            }
            _ => return bad("The filter has an unknown key"),
        }
    }
    let (rows, _) = world.page(ask);
    Reply::json(rows.iter().map(post).collect::<Value>())
}

/// Unknown parameters are refused, limits clamped; fields are in `properties`.
pub(crate) fn pygeoapi(request: &Request, world: &World) -> Reply {
    let bad = |description: &str| {
        refuse(
            400,
            json!({"code": "InvalidParameterValue", "type": "InvalidParameterValue", "description": description}),
        )
    };
    let mut since = None;
    let mut falls = None;
    for (name, value) in &request.query {
        match &**name {
            "f" | "limit" | "offset" => {}
            "datetime" => match value.strip_suffix("/..").map(clock::parse) {
                Some(Some(time)) => since = Some((time, true)),
                _ => return bad("datetime parameter out of range"),
            },
            "sortby" => {
                falls = match &**value {
                    "updated" | "+updated" => Some(false),
                    "-updated" => Some(true),
                    _ => return bad("bad sort property"),
                }
            }
            other => return bad(&format!("unknown query parameter: {other}")),
        }
    }
    either((|| {
        let limit = number(request, "limit", 10)?;
        if limit == 0 {
            return Err(bad("limit value should be strictly positive"));
        }
        let offset = number(request, "offset", 0)?;
        let (rows, total) = world.page(Ask {
            since,
            falls,
            offset,
            limit: limit.min(50),
        });
        let features: Vec<Value> = rows
            .iter()
            .map(|row| {
                json!({"type": "Feature", "id": row.id, "geometry": {"type": "Point", "coordinates": [-75.0, 45.0]},
                    "properties": {"updated": clock::rfc3339(row.updated), "value": row.version}})
            })
            .collect();
        let (links, returned): (Vec<Value>, usize) =
            (vec![json!({"rel": "self", "href": "x"})], features.len());
        Ok(Reply::json(json!({"type": "FeatureCollection", "features": features, "numberMatched": total,
            "numberReturned": returned, "links": links, "timeStamp": "2026-01-01T00:00:00.000000Z"}))
            .header("Content-Type", "application/geo+json"))
    })())
}
