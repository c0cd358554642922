//! The example API of Fivetran's Connector SDK, Django REST framework, PostgREST
//! and Platformatic.

use serde_json::{Value, json};

use crate::support::clock;
use crate::support::http::Request;
use crate::support::reply::Reply;
use crate::world::{Ask, Row, World, either, number, refuse};

/// The example API as its playground is: unknown parameters, a limit beyond
/// 50 and fractions of a second are refused.
pub(crate) fn playground(request: &Request, world: &World) -> Reply {
    let refused = |name: &str| refuse(400, json!({"error": format!("Invalid {name}")}));
    const KNOWN: [&str; 5] = ["order_by", "order_type", "updated_since", "limit", "offset"];
    if let Some((name, _)) = request
        .query
        .iter()
        .find(|(name, _)| !KNOWN.contains(&&**name))
    {
        return refused(name);
    }
    let since = match request.param("updated_since") {
        Some(text) if text.contains('.') => return refused("updated_since"),
        Some(text) => match clock::parse(text) {
            Some(time) => Some((time, true)),
            None => return refused("updated_since"),
        },
        None => None,
    };
    let falls = match (request.param("order_by"), request.param("order_type")) {
        (None | Some("id"), None | Some("asc")) => None,
        (Some("updatedAt"), None | Some("asc")) => Some(false),
        (Some("updatedAt"), Some("desc")) => Some(true),
        _ => return refused("order_by"),
    };
    either((|| {
        let (limit, offset) = (number(request, "limit", 50)?, number(request, "offset", 0)?);
        if !(1..=50).contains(&limit) {
            return Err(refused("limit"));
        }
        let (rows, total) = world.page(Ask {
            since,
            falls,
            offset,
            limit,
        });
        let data: Vec<Value> = rows
            .iter()
            .map(|row| json!({"id": row.id.to_string(), "name": format!("v{}", row.version), "updatedAt": clock::rfc3339(row.updated)}))
            .collect();
        Ok(Reply::json(
            json!({"data": data, "offset": offset, "limit": limit, "total": total}),
        ))
    })())
}

fn django_row(row: &Row) -> Value {
    json!({"url": format!("http://example.com/users/{}/", row.id), "id": row.id, "logins": row.version,
        "created_at": "2020-01-01T00:00:00Z", "updated_at": clock::rfc3339(row.updated)})
}

/// The filter and the order of django-filter: unknown names are ignored, bad
/// values refused.
fn django(request: &Request) -> Result<Ask, Reply> {
    let since = match request.param("updated_at__gte") {
        None | Some("") => None,
        Some(text) => {
            let bad = json!({"updated_at__gte": ["Enter a valid date/time."]});
            Some((clock::parse(text).ok_or_else(|| refuse(400, bad))?, true))
        }
    };
    let terms = request.param("ordering").unwrap_or_default();
    let term = terms
        .split(',')
        .find(|term| matches!(*term, "updated_at" | "-updated_at"));
    Ok(Ask {
        since,
        falls: term.map(|term| term.starts_with('-')),
        ..Ask::default()
    })
}

/// With `LimitOffsetPagination`, at most 100 rows.
pub(crate) fn django_offset(request: &Request, world: &World) -> Reply {
    let read = |name: &str| request.param(name).and_then(|text| text.parse().ok());
    either(django(request).map(|ask| {
        let limit = read("limit")
            .filter(|limit| *limit > 0)
            .unwrap_or(50)
            .min(100);
        let offset = read("offset").unwrap_or(0);
        let (rows, total) = world.page(Ask {
            offset,
            limit,
            ..ask
        });
        let next = (offset + rows.len() < total)
            .then(|| format!("http://example.com/?offset={}", offset + limit));
        Reply::json(json!({"count": total, "next": next, "previous": null,
            "results": rows.iter().map(django_row).collect::<Vec<_>>()}))
    }))
}

/// With `PageNumberPagination` as it comes: twenty rows a page, and no
/// parameter that changes it; a page beyond the last is not found.
pub(crate) fn django_page(request: &Request, world: &World) -> Reply {
    const SIZE: usize = 20;
    either(django(request).and_then(|ask| {
        let page = request.param("page").unwrap_or("1");
        let invalid = || refuse(404, json!({"detail": "Invalid page."}));
        let page: usize = page.parse().map_err(|_| invalid())?;
        let offset = page.checked_sub(1).ok_or_else(invalid)? * SIZE;
        let (rows, total) = world.page(Ask {
            offset,
            limit: SIZE,
            ..ask
        });
        if rows.is_empty() && page > 1 {
            return Err(invalid());
        }
        let next = (offset + rows.len() < total).then_some("http://example.com/?page=n");
        Ok(Reply::json(
            json!({"count": total, "next": next, "previous": null,
            "results": rows.iter().map(django_row).collect::<Vec<_>>()}),
        ))
    }))
}

/// The filter and the order of PostgREST.
fn postgrest_ask(request: &Request) -> Result<Ask, Reply> {
    let unknown = |name: &str| {
        let message = format!("column orders.{name} does not exist");
        refuse(
            400,
            json!({"code": "42703", "details": null, "hint": null, "message": message}),
        )
    };
    let unparsed = || {
        refuse(
            400,
            json!({"code": "PGRST100", "details": "unexpected", "hint": null, "message": "\"failed to parse filter\""}),
        )
    };
    let (mut since, mut falls) = (None, None);
    for (name, value) in &request.query {
        match &**name {
            "limit" | "offset" => {}
            "order" => {
                for (number, term) in value.split(',').enumerate() {
                    let (column, way) = term.split_once('.').unwrap_or((term, "asc"));
                    match (column, way) {
                        ("updated_at", "asc" | "desc") if number == 0 => {
                            falls = Some(way == "desc");
                        }
                        ("updated_at" | "id", "asc" | "desc") => {}
                        ("updated_at" | "id", _) => return Err(unparsed()),
                        (other, _) => return Err(unknown(other)),
                    }
                }
            }
            "updated_at" => match value.strip_prefix("gte.").map(clock::parse) {
                None => return Err(unparsed()),
                Some(None) => {
                    return Err(refuse(
                        400,
                        json!({"code": "22007", "message": "invalid input syntax for type timestamp with time zone"}),
                    ));
                }
                Some(Some(time)) => since = Some((time, true)),
            },
            "id" => return Err(unparsed()),
            other => return Err(unknown(other)),
        }
    }
    Ok(Ask {
        since,
        falls,
        ..Ask::default()
    })
}

/// Every unknown parameter is a filter on a column; the total is counted where
/// it is asked for.
pub(crate) fn postgrest(request: &Request, world: &World) -> Reply {
    either((|| {
        let ask = postgrest_ask(request)?;
        let limit = number(request, "limit", 1000)?.min(1000);
        let offset = number(request, "offset", 0)?;
        let (rows, total) = world.page(Ask {
            offset,
            limit,
            ..ask
        });
        let counted = request.header("Prefer") == Some("count=exact");
        if counted && offset > total {
            let body = json!({"code": "PGRST103", "message": "Requested range not satisfiable"});
            return Err(refuse(416, body).header("Content-Range", format!("*/{total}")));
        }
        let range = match rows.len() {
            0 => "*".to_owned(),
            count => format!("{offset}-{}", offset + count - 1),
        };
        let told = if counted {
            total.to_string()
        } else {
            "*".to_owned()
        };
        let partial = counted && rows.len() < total;
        let rows: Vec<Value> = rows
            .iter()
            .map(|row| {
                let time = clock::rfc3339(row.updated).replace('Z', "+00:00");
                json!({"id": row.id, "amount": row.version, "updated_at": time})
            })
            .collect();
        Ok(Reply::json(Value::from(rows))
            .with_status(if partial { 206 } else { 200 })
            .header("Content-Range", format!("{range}/{told}")))
    })())
}

/// Unknown parameters are dropped before the handler sees them; at most 100
/// rows, ten where nothing is said.
pub(crate) fn platformatic(request: &Request, world: &World) -> Reply {
    let bad = |what: &str| {
        refuse(
            400,
            json!({"statusCode": 400, "error": "Bad Request", "message": what}),
        )
    };
    let since = match request.param("where.updatedAt.gte") {
        None => None,
        Some(text) => match clock::parse(text) {
            None => return bad("querystring/where.updatedAt.gte must match format \"date-time\""),
            Some(time) => Some((time, true)),
        },
    };
    let falls = match request.param("orderby.updatedAt") {
        None => None,
        Some("asc") => Some(false),
        Some("desc") => Some(true),
        Some(_) => {
            return bad("querystring/orderby.updatedAt must be equal to one of the allowed values");
        }
    };
    either((|| {
        let (limit, offset) = (number(request, "limit", 10)?, number(request, "offset", 0)?);
        if limit > 100 {
            return Err(bad("Param offset=1000 too large"));
        }
        let (rows, total) = world.page(Ask {
            since,
            falls,
            offset,
            limit,
        });
        let rows: Vec<Value> = rows
            .iter()
            .map(|row| json!({"id": row.id, "title": format!("v{}", row.version), "updatedAt": clock::rfc3339(row.updated)}))
            .collect();
        let reply = Reply::json(Value::from(rows));
        Ok(match request.param("totalCount") {
            Some("true") => reply.header("X-Total-Count", total),
            _ => reply,
        })
    })())
}
