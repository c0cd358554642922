//! Tokens that expire: where they come from, when they are renewed, and that
//! they show nowhere.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::http::{Reply, Request, Server};
use crate::{Place, page, says};

/// Gives out tokens at `/login` and `/token`, and takes only the last one, which
/// is good for so many requests.
struct Gate {
    server: Server,
    given: Arc<AtomicU32>,
}

/// What a gate asks of whoever wants a token.
type Entry = fn(&Request) -> Result<Value, Reply>;

fn token(number: u32) -> String {
    format!("t0k/en+{number:03}\"x")
}

impl Gate {
    fn start(uses: u32, entry: Entry) -> Self {
        let given = Arc::new(AtomicU32::new(0));
        let left = Mutex::new(0);
        let ours = Arc::clone(&given);
        let server = Server::start(move |request| {
            let mut left = left.lock().unwrap();
            if ["/login", "/token"].contains(&&*request.path) {
                let answer = match entry(request) {
                    Ok(answer) => answer,
                    Err(reply) => return reply,
                };
                *left = uses;
                let token = token(1 + ours.fetch_add(1, Ordering::SeqCst));
                let text = answer.to_string();
                return Reply::json(text.replace("TOKEN", token.replace('"', "\\\"").as_str()));
            }
            let wanted = format!("Bearer {}", token(ours.load(Ordering::SeqCst)));
            if *left == 0 || request.header("Authorization") != Some(&wanted) {
                let sent = request.header("Authorization").unwrap_or("nothing");
                let echo = json!({"error": "token expired", "sent": sent});
                return Reply::json(echo).with_status(401);
            }
            *left -= 1;
            let mut page = page(request, 200);
            page["echo"] = json!(request.header("Authorization"));
            Reply::json(page)
        });
        Self { server, given }
    }

    fn given(&self) -> u32 {
        self.given.load(Ordering::SeqCst)
    }

    fn logins(&self) -> Vec<Request> {
        let mut requests = self.server.requests();
        requests.retain(|request| ["/login", "/token"].contains(&&*request.path));
        requests
    }

    fn connection(&self, auth: &Value) -> Value {
        json!({
            "url": self.server.url("/rows"),
            "headers": {"Authorization": "Bearer {token}"},
            "auth": auth,
        })
    }
}

/// A login with a password, answered with a token that lasts for an hour.
fn password(request: &Request) -> Result<Value, Reply> {
    let body = request.json();
    if body != json!({"user": "reader", "password": "p4ssw0rd"}) {
        return Err(Reply::json(json!({"error": "who?", "sent": body})).with_status(403));
    }
    Ok(json!({"data": {"access_token": "TOKEN", "expires_in": 3600}}))
}

fn login(gate: &Gate) -> Value {
    gate.connection(&json!({
        "login": {
            "url": gate.server.url("/login"),
            "headers": {"X-Tenant": "7"},
            "body": {"user": "reader", "password": "${PASSWORD}"},
        },
        "token": "/data/access_token",
    }))
}

const PASSWORD: [(&str, &str); 1] = [("PASSWORD", "p4ssw0rd")];

#[test]
fn a_token_that_expires_in_the_middle_of_a_sync_is_renewed_and_the_sync_goes_on() {
    let gate = Gate::start(2, password);
    let place = Place::new(&login(&gate));
    let flags = ["-vv", "--max-retries", "0", "--record", "r.jsonl"];
    let outcome = place.run("sync", &flags, &PASSWORD).expect(0);
    let receipt = outcome.receipt();
    assert_eq!(receipt["rows"], 200);
    assert_eq!(gate.given(), 3);
    assert_eq!(receipt["retries"], 2);
    let logins = gate.logins();
    assert_eq!(logins[0].method, "POST");
    assert_eq!(logins[0].header("x-tenant"), Some("7"));
    assert_eq!(logins[0].header("authorization"), None);

    let all = place.written() + &outcome.stderr + &outcome.stdout;
    for piece in ["t0k/en", "t0k\\/en", "t0k%2Fen", "p4ssw0rd"] {
        assert!(!all.contains(piece), "{piece} shows in {all}");
    }
    assert!(all.contains("Bearer ${token}"), "{all}");

    // A replay logs in nowhere, and needs no password.
    drop(gate);
    let flags = ["--replay", "r.jsonl", "--out", "again"];
    let receipt = place.run("sync", &flags, &[]).expect(0).receipt();
    assert_eq!(receipt["rows"], 200);
}

#[test]
fn a_second_refusal_straight_after_a_new_token_is_exit_4() {
    let gate = Gate::start(0, password);
    let place = Place::new(&login(&gate));
    let outcome = place.run("sync", &[], &PASSWORD).expect(4);
    says(&outcome, &["401", "token expired", "${token}"]);
    assert!(!outcome.stderr.contains("t0k/en"), "{}", outcome.stderr);
    assert_eq!(gate.given(), 2);
}

#[test]
fn a_login_that_is_refused_is_exit_4_and_shows_no_password() {
    let gate = Gate::start(9, password);
    let place = Place::new(&login(&gate));
    let wrong = [("PASSWORD", "not-the-p4ss")];
    let outcome = place.run("sync", &["-vv"], &wrong).expect(4);
    says(
        &outcome,
        &["the login", "403", "who?", "${PASSWORD}", "try: "],
    );
    assert!(
        !outcome.stderr.contains("not-the-p4ss"),
        "{}",
        outcome.stderr
    );
    assert_eq!(gate.logins().len(), 1);
}

#[test]
fn a_login_that_fails_for_now_is_tried_again() {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    let gate = Gate::start(99, |request| match ASKED.fetch_add(1, Ordering::SeqCst) {
        0 => Err(Reply::status(503).header("Retry-After", 0)),
        _ => password(request),
    });
    let place = Place::new(&login(&gate));
    let outcome = place.run("sync", &[], &PASSWORD).expect(0);
    says(&outcome, &["the login", "503", "retrying"]);
    assert_eq!(outcome.receipt()["rows"], 200);
}

#[test]
fn an_answer_without_a_token_is_exit_4_and_is_not_shown() {
    let gate = Gate::start(9, |_| Ok(json!({"session": "TOKEN"})));
    let place = Place::new(&login(&gate));
    let outcome = place.run("sync", &["-vv"], &PASSWORD).expect(4);
    says(&outcome, &["the login", "holds no token", "\"token\""]);
    assert!(!outcome.stderr.contains("t0k"), "{}", outcome.stderr);
}

#[test]
fn a_login_that_answers_200_with_an_error_is_told() {
    let gate = Gate::start(9, |_| {
        Ok(json!({"error": {"message": "no such user"}, "id": "TOKEN"}))
    });
    let place = Place::new(&login(&gate));
    let outcome = place.run("sync", &[], &PASSWORD).expect(4);
    says(&outcome, &["the login", "no such user"]);
    assert!(!outcome.stderr.contains("t0k"), "{}", outcome.stderr);
}

#[test]
fn a_token_in_a_header_of_the_answer_is_found() {
    let server = Server::start(|request| match &*request.path {
        "/login" => Reply::status(201).header("X-Auth-Token", "abcdefgh"),
        _ if request.header("X-Token") == Some("abcdefgh") => Reply::json(page(request, 60)),
        _ => Reply::status(401),
    });
    let place = Place::new(&json!({
        "url": server.url("/rows"),
        "headers": {"X-Token": "{token}"},
        "auth": {
            "login": {"method": "POST", "url": server.url("/login")},
            "token": "header:X-Auth-Token",
        },
    }));
    assert_eq!(place.rows(&[]).len(), 60);
}

#[test]
fn a_token_that_is_about_to_expire_is_renewed_before_a_request_is_refused() {
    let gate = Gate::start(99, |_| {
        Ok(json!({"access_token": "TOKEN", "expires_in": 0.000001, "token_type": "bearer"}))
    });
    let place = Place::new(&client(&gate));
    assert_eq!(place.rows(&[]).len(), 200);
    let requests = gate.server.requests();
    let refused = requests.len() - gate.logins().len();
    assert_eq!(u32::try_from(refused).unwrap(), gate.given());
}

fn client(gate: &Gate) -> Value {
    gate.connection(&json!({
        "token_url": gate.server.url("/token"),
        "client_id": "id:1",
        "client_secret": "s3cret&=",
        "scope": "read all",
    }))
}

#[test]
fn client_credentials_are_sent_as_a_form() {
    let gate = Gate::start(2, |request| {
        let form = |name| request.form(name).unwrap_or_default();
        let sent = ["grant_type", "client_id", "client_secret", "scope"].map(form);
        assert_eq!(sent, ["client_credentials", "id:1", "s3cret&=", "read all"]);
        let kind = request.header("content-type");
        assert_eq!(kind, Some("application/x-www-form-urlencoded"));
        assert_eq!(
            (&*request.method, request.header("authorization")),
            ("POST", None)
        );
        Ok(json!({"access_token": "TOKEN", "token_type": "Bearer", "expires_in": "3600"}))
    });
    let place = Place::new(&client(&gate));
    let outcome = place.run("sync", &["-vv", "--record", "r"], &[]).expect(0);
    assert_eq!(outcome.receipt()["rows"], 200);
    assert_eq!(gate.given(), 3);
    let all = place.written() + &outcome.stderr + &outcome.stdout;
    for piece in ["t0k/en", "s3cret", "s3cret%26"] {
        assert!(!all.contains(piece), "{piece} shows in {all}");
    }
}

#[test]
fn client_credentials_go_into_a_header_where_the_server_wants_them_there() {
    let gate = Gate::start(9, |request| {
        match request.header("authorization") {
            // id%3A1:s3cret%26%3D
            Some("Basic aWQlM0ExOnMzY3JldCUyNiUzRA==") => {
                assert_eq!(request.form("client_secret"), None);
                Ok(json!({"access_token": "TOKEN"}))
            }
            _ => Err(Reply::json(json!({"error": "invalid_client"})).with_status(401)),
        }
    });
    let place = Place::new(&client(&gate));
    assert_eq!(place.rows(&[]).len(), 200);
    assert_eq!(gate.logins().len(), 2);
}

#[test]
fn client_credentials_that_are_refused_are_exit_4_with_the_first_reason() {
    let gate = Gate::start(9, |request| {
        let how = request.header("authorization").map_or("form", |_| "header");
        let said = json!({"error": "invalid_client", "how": how, "sent": "s3cret&="});
        Err(Reply::json(said).with_status(400))
    });
    let outcome = Place::new(&client(&gate)).sync(&[]).expect(4);
    says(
        &outcome,
        &["token_url", "invalid_client", "form", "${client_secret}"],
    );
    assert!(!outcome.stderr.contains("s3cret"), "{}", outcome.stderr);
}

#[cfg(unix)]
#[test]
fn a_command_is_run_once_more_when_its_token_is_refused() {
    let server = Server::start(|_| Reply::status(401));
    let place = Place::new(&json!({
        "url": server.url("/rows"),
        "headers": {"Authorization": "Bearer {token}"},
        "auth": {"command": ["sh", "-c", "echo run >> runs; printf '\n  abc def \n'"]},
    }));
    place.sync(&[]).expect(4);
    assert_eq!(place.read("runs").lines().count(), 2);
    let sent = server.requests();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].header("Authorization"), Some("Bearer abc def"));
}

#[cfg(unix)]
#[test]
fn a_command_whose_token_expires_is_run_again_and_the_sync_goes_on() {
    let used = AtomicU32::new(0);
    let server = Server::start(move |request| {
        // Each token is good for two requests.
        let number = 1 + used.load(Ordering::SeqCst) / 2;
        if request.header("Authorization") != Some(&format!("Bearer c0mmand-{number}")) {
            return Reply::status(401);
        }
        used.fetch_add(1, Ordering::SeqCst);
        Reply::json(page(request, 200))
    });
    let place = Place::new(&json!({
        "url": server.url("/rows"),
        "headers": {"Authorization": "Bearer {token}"},
        "auth": {"command": ["sh", "-c", "echo run >> runs; echo c0mmand-$(wc -l < runs)"]},
    }));
    let outcome = place.run("sync", &["-vv", "--record", "r"], &[]).expect(0);
    assert_eq!(outcome.receipt()["rows"], 200);
    assert_eq!(place.read("runs").lines().count(), 3);
    let all = place.read("r") + &place.read("out/state.json") + &outcome.stderr;
    assert!(!all.contains("c0mmand"), "{all}");
}

#[cfg(unix)]
#[test]
fn a_command_that_gives_no_token_says_what_it_said() {
    let gate = Gate::start(9, |_| Ok(json!(null)));
    for (words, exit, parts) in [
        (
            json!(["sh", "-c", "echo no ticket >&2; exit 3"]),
            4,
            &["exit status: 3", "no ticket"][..],
        ),
        (json!(["sh", "-c", "true"]), 4, &["printed no token"]),
        (
            json!(["sh", "-c", "echo a; echo b"]),
            4,
            &["more than one line"],
        ),
        (
            json!(["no-such-program-here"]),
            2,
            &["cannot run \"no-such-program-here\""],
        ),
        (json!(["sleep", "30"]), 3, &["no token within"]),
    ] {
        let place = Place::new(&gate.connection(&json!({"command": words})));
        let flags = ["--timeout", "300ms", "--max-retries", "0"];
        let outcome = place.sync(&flags).expect(exit);
        says(&outcome, parts);
        says(&outcome, &["\"command\"", "try: "]);
    }
}

#[test]
fn a_token_goes_into_a_parameter_or_a_body_too() {
    let server = Server::start(|request| match &*request.path {
        "/login" => Reply::json(json!({"t": "a\"b\\c&d"})),
        _ => {
            let body = request.json();
            assert_eq!(body["auth"]["token"], "a\"b\\c&d");
            assert_eq!(request.param("token"), Some("a\"b\\c&d"));
            Reply::json(crate::page_of(
                60,
                None,
                body["skip"].as_u64().unwrap() as usize,
                50,
            ))
        }
    });
    let place = Place::new(&json!({
        "url": server.url("/rows"),
        "query": {"token": "{token}", "since": "{since}"},
        "body": {"auth": {"token": "{token}"}, "skip": "{offset}"},
        "auth": {"login": {"url": server.url("/login")}, "token": "/t"},
    }));
    let rows = place.rows(&["--record", "r"]);
    assert_eq!(rows.len(), 60);
    assert!(!place.read("r").contains("b\\\\c"), "{}", place.read("r"));
    drop(server);
    assert_eq!(place.rows(&["--replay", "r", "--out", "again"]), rows);
}

#[test]
fn what_an_api_calls_expired_is_a_token_to_renew_whatever_the_status() {
    for status in [200, 400, 403, 419, 440] {
        let left = Mutex::new((0, 0));
        let server = Server::start(move |request| {
            let (given, left) = &mut *left.lock().unwrap();
            if request.path == "/login" {
                (*given, *left) = (*given + 1, 2);
                return Reply::json(json!({"t": format!("t0k3n-{given}")}));
            }
            let wanted = format!("Bearer t0k3n-{given}");
            if *left == 0 || request.header("Authorization") != Some(&wanted) {
                let said = json!({"ok": false, "message": "your session ended: /log\u{e9}/in"});
                let said = said.to_string().replace('/', "\\/");
                return Reply::json(said).with_status(status);
            }
            *left -= 1;
            let mut page = page(request, 200);
            // Rows may say whatever they like.
            for row in page["data"].as_array_mut().unwrap() {
                row["note"] = json!("your session ended: /log");
            }
            Reply::json(page)
        });
        let place = Place::new(&json!({
            "url": server.url("/rows"),
            "headers": {"Authorization": "Bearer {token}"},
            "auth": {"login": {"url": server.url("/login")}, "token": "/t",
                     "expired": ["something else", "session ended: /log"]},
        }));
        let outcome = place.run("sync", &["--max-retries", "0"], &[]).expect(0);
        assert_eq!(outcome.receipt()["rows"], 200, "{status}");
        let logins = server.requests().into_iter();
        assert!(logins.filter(|request| request.path == "/login").count() > 2);
        // A check has one token for as long.
        let outcome = place.run("check", &["--max-retries", "0"], &[]);
        assert!(!outcome.stdout.contains("t0k3n"), "{}", outcome.stdout);
        assert!(
            !outcome.stderr.contains("session ended"),
            "{}",
            outcome.stderr
        );
    }
}

#[test]
fn texts_of_an_expired_token_that_cannot_be_meant_are_exit_2() {
    for (expired, parts) in [
        (json!([""]), &["\"expired\"", "empty"][..]),
        (json!(["x", "  "]), &["\"expired\"", "empty"]),
        (json!("x"), &["\"expired\"", "line 1"]),
        (json!([1]), &["\"expired\""]),
    ] {
        let place = Place::new(&json!({
            "headers": {"A": "{token}"},
            "auth": {"command": ["true"], "expired": expired},
        }));
        says(&place.sync(&[]).expect(2), parts);
    }
    let place = Place::new(&json!({"auth": {"command": ["true"], "expires": ["x"]}}));
    says(&place.sync(&[]).expect(2), &["\"expires\"", "\"expired\""]);
}
