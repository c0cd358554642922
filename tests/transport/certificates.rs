//! Certificates: whom this client trusts, and what it shows of itself.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::{Place, says};

fn file(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("testdata/certificates")
        .join(name)
        .display()
        .to_string()
}

#[test]
fn a_certificate_that_cannot_be_shown_is_exit_2_and_names_the_file() {
    for (certificate, key, parts) in [
        (
            "no.pem",
            None,
            &["client_cert", "no.pem", "cannot read it"][..],
        ),
        (
            "client.key",
            None,
            &["client_cert", "client.key", "no certificate"],
        ),
        (
            "client.pem",
            None,
            &["client_cert", "client.pem", "no private key"],
        ),
        (
            "client.pem",
            Some("no.key"),
            &["client_key", "no.key", "cannot read it"],
        ),
        (
            "client.pem",
            Some("server.pem"),
            &["client_key", "no private key"],
        ),
        (
            "client.pem",
            Some("encrypted.key"),
            &["client_key", "is encrypted"],
        ),
        (
            "client.pem",
            Some("other.key"),
            &["client_key", "other.key", "does not belong"],
        ),
        (
            "client.pem",
            Some("server.key"),
            &["client_key", "does not belong"],
        ),
        (
            "old.pem",
            Some("client.key"),
            &["client_key", "X.509 version 1"],
        ),
        (
            "short.pem",
            Some("short.key"),
            &["client_key", "cannot be used", "2048"],
        ),
    ] {
        let mut of = json!({"url": "https://127.0.0.1:1/", "client_cert": file(certificate)});
        if let Some(key) = key {
            of["client_key"] = json!(file(key));
        }
        let outcome = Place::new(&of).sync(&["--max-retries", "0"]).expect(2);
        says(&outcome, parts);
        says(&outcome, &["try: "]);
        assert!(!outcome.stderr.contains("panicked"), "{}", outcome.stderr);
    }
}

#[test]
fn a_certificate_and_its_key_are_taken_from_two_files_or_one() {
    let whole =
        ["client.pem", "client.key"].map(|name| std::fs::read_to_string(file(name)).unwrap());
    for one in [false, true] {
        let place = Place::new(&match one {
            true => json!({"url": "https://127.0.0.1:1/", "client_cert": "both.pem"}),
            false => json!({
                "url": "https://127.0.0.1:1/",
                "client_cert": file("client.pem"),
                "client_key": file("client.key"),
            }),
        });
        place.scratch.write("both.pem", whole.concat());
        let outcome = place.sync(&["--max-retries", "0"]).expect(3);
        says(&outcome, &["cannot connect"]);
    }
}

#[cfg(unix)]
#[test]
fn the_systems_certificates_are_those_of_its_bundle_or_of_the_variable() {
    let place = Place::new(&json!({"url": "https://127.0.0.1:1/", "ca_file": "system"}));
    let authority = file("authority.pem");
    for (bundle, exit) in [(&*authority, 3), ("/no/such/bundle", 2)] {
        let environment = [("SSL_CERT_FILE", bundle)];
        let outcome = place
            .run("sync", &["--max-retries", "0"], &environment)
            .expect(exit);
        if exit == 2 {
            says(&outcome, &["ca_file", "/no/such/bundle"]);
        }
    }
}

/// Answers with one row, over TLS, to whoever shows a certificate.
const SERVER: &str = r#"
import http.server, json, ssl, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        row = {"id": "1", "updatedAt": "2024-01-15T10:30:00Z"}
        body = json.dumps({"data": [row], "offset": 0, "total": 1}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
folder, demands, newest = sys.argv[1], sys.argv[2] == "demands", sys.argv[3]
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(folder + "/server.pem", folder + "/server.key")
tls.maximum_version = getattr(ssl.TLSVersion, newest)
if demands:
    tls.load_verify_locations(folder + "/authority.pem")
    tls.verify_mode = ssl.CERT_REQUIRED
server.socket = tls.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
"#;

/// The server, until it is dropped.
struct Tls(Child, u16);

impl Tls {
    fn start(demands: bool, newest: &str) -> Self {
        use std::io::{BufRead, BufReader};
        let demands = if demands { "demands" } else { "does not" };
        let mut child = Command::new("python3")
            .args(["-c", SERVER, &file(""), demands, newest])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let out = child.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        Self(child, line.trim().parse().unwrap())
    }

    fn connection(&self, more: &Value) -> Place {
        let mut of = json!({
            "url": format!("https://localhost:{}/rows", self.1),
            "ca_file": file("authority.pem"),
        });
        for (key, value) in more.as_object().unwrap() {
            of[key] = value.clone();
        }
        Place::new(&of)
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn shown() -> Value {
    json!({"client_cert": file("client.pem"), "client_key": file("client.key")})
}

#[test]
#[ignore = "needs Python 3"]
fn a_certificate_that_is_demanded_is_shown_or_the_lack_of_it_named() {
    for newest in ["TLSv1_3", "TLSv1_2"] {
        let server = Tls::start(true, newest);
        assert_eq!(server.connection(&shown()).rows(&[]).len(), 1, "{newest}");
    }
    for _ in 0..5 {
        let server = Tls::start(true, "TLSv1_3");
        let place = server.connection(&json!({}));
        let outcome = place.sync(&["--max-retries", "0"]).expect(4);
        says(&outcome, &["demands a client certificate", "client_cert"]);
    }
    let server = Tls::start(true, "TLSv1_2");
    let outcome = server
        .connection(&json!({}))
        .sync(&["--max-retries", "0"])
        .expect(4);
    says(&outcome, &["client certificate"]);
    // Of another authority than the one that this server trusts.
    let server = Tls::start(true, "TLSv1_3");
    let other = json!({"client_cert": file("strange.pem"), "client_key": file("strange.key")});
    let outcome = server
        .connection(&other)
        .sync(&["--max-retries", "0"])
        .expect(4);
    says(&outcome, &["does not take the client certificate"]);
}

#[test]
#[ignore = "needs Python 3"]
fn an_authority_of_ones_own_is_trusted_where_it_is_named() {
    let server = Tls::start(false, "TLSv1_3");
    assert_eq!(server.connection(&shown()).rows(&[]).len(), 1);
    assert_eq!(server.connection(&json!({})).rows(&[]).len(), 1);
    let authority = file("authority.pem");
    let system = server.connection(&json!({"ca_file": "system"}));
    let environment = [("SSL_CERT_FILE", &*authority)];
    system.run("sync", &[], &environment).expect(0);
    let strange = Place::new(&json!({"url": format!("https://localhost:{}/rows", server.1)}));
    let outcome = strange.sync(&["--max-retries", "0"]).expect(4);
    says(&outcome, &["cannot trust", "ca_file"]);
}
