//! Where and how to connect, as values. Nothing is checked here.

use std::path::PathBuf;
use std::time::Duration;

use crate::secret::Secrets;

/// Where and how to connect. Not `Debug`, since headers hold credentials.
#[derive(Clone)]
pub struct Settings {
    /// The address, which may have a query of its own.
    pub url: String,
    /// Sent with each request, in place of this program's own of that name.
    pub headers: Vec<(String, String)>,
    /// Whether those headers or the URL hold what others must not see.
    pub secret_headers: bool,
    /// For a whole request, redirects and body included.
    pub timeout: Duration,
    /// For the name's look-up, and for the connection with its TLS handshake.
    pub connect_timeout: Duration,
    /// The most bytes that a body may have once decoded.
    pub max_body: u64,
    /// Certificates (PEM) to trust in place of the built-in ones; `system` for
    /// those of the machine.
    pub ca_file: Option<PathBuf>,
    /// The certificate (PEM) that this client shows.
    pub client_cert: Option<PathBuf>,
    /// Its private key (PEM), where that is in a file of its own.
    pub client_key: Option<PathBuf>,
    /// Where the password of a proxy is made known.
    pub secrets: Secrets,
    /// How this program names itself.
    pub user_agent: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            url: String::new(),
            headers: Vec::new(),
            secret_headers: false,
            timeout: Duration::from_secs(60),
            connect_timeout: Duration::from_secs(10),
            max_body: 256 << 20,
            ca_file: None,
            client_cert: None,
            client_key: None,
            secrets: Secrets::default(),
            user_agent: concat!("highwater/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}
