//! Certificates out of PEM files: the authorities to trust, the machine's own or
//! those of a file, and the one that this client shows. It refuses a file that
//! does not hold what is wanted of it before anything is sent.

use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};

use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, RustlsConnector, Transport,
};

use super::resolver::Remembering;

use crate::error::{Error, Result, shortened};

/// What `ca_file` says for the machine's own authorities.
const SYSTEM: &str = "system";

/// Where systems keep their authorities in one file; the first that is there.
const BUNDLES: [&str; 7] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
    "/usr/local/etc/openssl/cert.pem",
];

/// The authorities of a file, or the machine's.
pub(super) fn roots(path: &Path) -> Result<RootCerts> {
    let path = if path == Path::new(SYSTEM) {
        system()?
    } else {
        path.to_owned()
    };
    let certificates = certificates("ca_file", &path)?;
    Ok(RootCerts::new_with_certs(&certificates))
}

/// The machine's bundle of authorities; SSL_CERT_FILE names another, as it does
/// for OpenSSL.
fn system() -> Result<PathBuf> {
    let named = std::env::var_os("SSL_CERT_FILE").filter(|name| !name.is_empty());
    let known = BUNDLES
        .iter()
        .map(PathBuf::from)
        .find(|path| path.is_file());
    named.map(PathBuf::from).or(known).ok_or_else(|| {
        Error::usage("the system's certificates are in none of the places known")
            .at("\"ca_file\"")
            .hint("name their file (PEM) in SSL_CERT_FILE, or in \"ca_file\" itself")
    })
}

/// The certificate that this client shows, with those that lead to its
/// authority, and its key, which may be in the same file.
pub(super) fn client(certificate: &Path, key: Option<&Path>) -> Result<ClientCert> {
    let chain = certificates("client_cert", certificate)?;
    let (name, path) = match key {
        Some(path) => ("client_key", path),
        None => ("client_cert", certificate),
    };
    let wrong = |why: &str| {
        Error::usage(why)
            .at(format_args!("{name} {}", path.display()))
            .hint(
                "name a file with a private key in PEM that has no passphrase: \
                 -----BEGIN PRIVATE KEY-----",
            )
    };
    let pem = read(name, path)?;
    let mut keys = items(name, path, &pem)?
        .into_iter()
        .filter_map(|item| match item {
            PemItem::PrivateKey(key) => Some(key),
            _ => None,
        });
    let key: PrivateKey<'static> = match keys.next() {
        Some(key) => key,
        None if String::from_utf8_lossy(&pem).contains("ENCRYPTED") => {
            return Err(wrong("its private key is encrypted"));
        }
        None => return Err(wrong("it holds no private key")),
    };
    let client = ClientCert::new_with_certs(&chain, key);
    let Some(why) = misfit(&client) else {
        return Ok(client);
    };
    let (what, hint) = if why.contains("KeyMismatch") {
        (
            "the private key does not belong to the certificate".to_owned(),
            "compare `openssl x509 -noout -pubkey` of the one with `openssl pkey -pubout` of the \
             other",
        )
    } else if why.contains("UnsupportedCertVersion") {
        (
            "the certificate is of X.509 version 1".to_owned(),
            "have it issued as version 3: `openssl x509 -req` needs -extfile for that",
        )
    } else {
        (
            format!("this certificate and its key cannot be used: {why}"),
            "keys are RSA from 2048 bits on, ECDSA on P-256 or P-384, or Ed25519",
        )
    };
    Err(Error::usage(what)
        .at(format_args!("{name} {}", path.display()))
        .hint(hint))
}

fn read(name: &str, path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|cause| {
        Error::usage(format!("cannot read it: {cause}"))
            .at(format_args!("{name} {}", path.display()))
            .hint("name a file in PEM that can be read")
    })
}

fn items(name: &str, path: &Path, pem: &[u8]) -> Result<Vec<PemItem<'static>>> {
    let items = parse_pem(pem).map(|item| {
        item.map_err(|cause| {
            Error::usage(cause.to_string())
                .at(format_args!("{name} {}", path.display()))
                .hint("is it PEM, and whole?")
        })
    });
    items.collect()
}

fn certificates(name: &str, path: &Path) -> Result<Vec<Certificate<'static>>> {
    let pem = read(name, path)?;
    let mut certificates = Vec::new();
    for item in items(name, path, &pem)? {
        if let PemItem::Certificate(certificate) = item {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(Error::usage("it holds no certificate")
            .at(format_args!("{name} {}", path.display()))
            .hint("name a file of certificates in PEM: -----BEGIN CERTIFICATE-----"));
    }
    Ok(certificates)
}

/// Why a certificate and its key cannot be used, if so. Only the TLS library can
/// tell, and it panics where they cannot; so it is asked once, with a connection
/// that leads nowhere, where that can be caught.
fn misfit(client: &ClientCert) -> Option<String> {
    let tls = TlsConfig::builder()
        .client_cert(Some(client.clone()))
        .build();
    let config = ureq::Agent::config_builder().proxy(None).tls_config(tls);
    let connector = ().chain(Nowhere).chain(RustlsConnector::default());
    let agent = ureq::Agent::with_parts(config.build(), connector, Remembering::default());
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let asked = panic::catch_unwind(AssertUnwindSafe(|| {
        let _ = agent.get("https://127.0.0.1/").call();
    }));
    panic::set_hook(hook);
    let payload = asked.err()?;
    let text = payload.downcast_ref::<String>().map_or("", |text| text);
    let why = text.split_once(": ").map_or(text, |(_, why)| why);
    Some(shortened(why, 120))
}

/// A connection that leads nowhere.
#[derive(Debug)]
struct Nowhere;

impl Connector<()> for Nowhere {
    type Out = NoTransport;

    fn connect(
        &self,
        _: &ConnectionDetails<'_>,
        _: Option<()>,
    ) -> std::result::Result<Option<Self::Out>, ureq::Error> {
        Ok(Some(NoTransport(LazyBuffers::new(1024, 1024))))
    }
}

#[derive(Debug)]
struct NoTransport(LazyBuffers);

impl Transport for NoTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.0
    }

    fn transmit_output(
        &mut self,
        _: usize,
        _: NextTimeout,
    ) -> std::result::Result<(), ureq::Error> {
        Err(ureq::Error::ConnectionFailed)
    }

    fn await_input(&mut self, _: NextTimeout) -> std::result::Result<bool, ureq::Error> {
        Err(ureq::Error::ConnectionFailed)
    }

    fn is_open(&mut self) -> bool {
        false
    }
}
