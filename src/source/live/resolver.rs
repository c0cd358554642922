//! Looks names up once a minute rather than once a page: with a timeout set
//! the library starts a thread for every look-up, on an open connection too.

use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// How long an address is taken for that of its host. Hosts move.
const FRESH: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(super) struct Remembering {
    /// Whose address is taken in place of the asked one's: that of a proxy which
    /// is sent the requests themselves.
    instead: Option<Uri>,
    lookup: DefaultResolver,
    last: Mutex<Option<(Uri, Instant, Vec<SocketAddr>)>>,
}

impl Remembering {
    /// Takes this proxy's address in place of every other.
    pub(super) fn instead(proxy: Uri) -> Self {
        Self {
            instead: Some(proxy),
            ..Self::default()
        }
    }
}

impl Resolver for Remembering {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let uri = self.instead.as_ref().unwrap_or(uri);
        let mut known = self.empty();
        if let Some(address) = literal(uri) {
            known.push(address);
            return Ok(known);
        }
        let same =
            |other: &Uri| other.authority() == uri.authority() && other.scheme() == uri.scheme();
        // The data is good even where another thread has panicked.
        let mut last = self
            .last
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        match &*last {
            Some((host, when, addresses)) if same(host) && when.elapsed() < FRESH => {
                for address in addresses {
                    known.push(*address);
                }
            }
            _ => {
                known = self.lookup.resolve(uri, config, timeout)?;
                *last = Some((uri.clone(), Instant::now(), known.to_vec()));
            }
        }
        Ok(known)
    }
}

/// The address that a URL has in place of a name.
fn literal(uri: &Uri) -> Option<SocketAddr> {
    let authority = uri.authority()?;
    let host = authority.host();
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    let address: IpAddr = host.parse().ok()?;
    let https = uri.scheme_str() == Some("https");
    let port = authority.port_u16().unwrap_or(if https { 443 } else { 80 });
    Some(SocketAddr::new(address, port))
}
