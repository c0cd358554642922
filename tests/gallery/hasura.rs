//! GraphQL with an offset, as Hasura has it: the query in one string, its
//! variables beside it, and every error with status 200.

use serde_json::{Value, json};

use crate::contract::{self, Contract, Trial};
use crate::model::{counted, list, table};
use crate::support::clock;
use crate::support::http::{Reply, Request};
use crate::support::table::{Row, Table, Ties};

const SECRET: &str = "my-admin-secret-key";

static HASURA: Contract = Contract {
    name: "hasura",
    path: "/v1/graphql",
    secret: ("HASURA_SECRET", SECRET),
    answer,
    table: |count| table(Ties::Insertion, user, counted, 123_456, count),
    id: counted,
    key: "/id",
};

fn user(row: &Row) -> String {
    let (id, version) = (&row.id, row.version);
    let updated = clock::rfc3339(row.updated).replace('Z', "+00:00");
    format!("{{\"id\":{id},\"name\":\"user {version}\",\"updated_at\":\"{updated}\"}}")
}

fn errors(code: &str, message: &str) -> Reply {
    let extensions = json!({"path": "$", "code": code});
    Reply::json(json!({"errors": [{"message": message, "extensions": extensions}]}))
}

fn answer(request: &Request, table: &Table) -> Reply {
    if request.header("x-hasura-admin-secret") != Some(SECRET) {
        let message = "invalid \"x-hasura-admin-secret\"/\"x-hasura-access-key\"";
        return errors("access-denied", message);
    }
    let body = request.json();
    let query = body["query"].as_str().unwrap();
    let (open, close) = (query.matches('{').count(), query.matches('}').count());
    assert_eq!(open, close, "{query}");
    for part in ["limit: $limit", "offset: $offset", "{ id name updated_at }"] {
        assert!(query.contains(part), "{query}");
    }
    let variables = &body["variables"];
    let number = |value: &Value| value.as_u64().and_then(|n| usize::try_from(n).ok());
    let (Some(limit), Some(offset)) = (number(&variables["limit"]), number(&variables["offset"]))
    else {
        return errors(
            "validation-failed",
            "expected a 32-bit integer for type Int",
        );
    };
    let bound = variables["where"]["updated_at"]["_gte"].as_str().unwrap();
    let Some(since) = clock::parse(bound) else {
        let message =
            format!("invalid input syntax for type timestamp with time zone: \"{bound}\"");
        return errors("data-exception", &message);
    };
    let sorted = query.contains("order_by: [{updated_at: asc}, {id: asc}]");
    let (rows, total) = match sorted {
        true => table.select(Some(since), true, offset, limit),
        false => table.select_unsorted(Some(since), true, offset, limit),
    };
    let users = list(&rows);
    Reply::json(format!(
        "{{\"data\":{{\"users\":{users},\"users_aggregate\":{{\"aggregate\":{{\"count\":{total}}}}}}}}}"
    ))
}

#[test]
fn all_rows_and_then_the_changes() {
    contract::brings_all_rows_and_then_the_changes(&HASURA);
}

#[test]
fn nothing_is_lost_while_rows_move() {
    contract::loses_nothing_while_rows_move(&HASURA);
}

#[test]
fn a_refusal_says_why_though_its_status_is_200() {
    contract::tells_why_it_was_refused(&HASURA, "x-hasura-admin-secret");
    contract::tells_which_bound_was_refused(
        &HASURA,
        "\"first\": \"0001-01-01T00:00:00+00:00\"",
        "invalid input syntax",
    );
}

#[test]
fn an_error_beside_rows_is_an_error() {
    // What could be resolved comes with the errors.
    let half = |_: &Request, _: &Table| {
        let data = json!({"users": [], "users_aggregate": {"aggregate": {"count": 0}}});
        Reply::json(json!({"data": data, "errors": [{"message": "timed out"}]}))
    };
    let mut trial = Trial::start(&HASURA, 0);
    trial.model = crate::model::Model::start(table(Ties::Insertion, user, counted, 0, 0), half);
    let outcome = trial.sync(&[]).expect(4);
    assert!(outcome.stderr.contains("timed out"), "{}", outcome.stderr);
}
