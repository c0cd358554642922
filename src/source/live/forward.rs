//! Plain http by way of a proxy, as RFC 9112 (section 3.2.2) has it: the proxy is
//! sent the whole address, `GET http://host/path`. The HTTP library only knows
//! tunnels, which many proxies allow to port 443 alone; so each request's first
//! line is completed here on its way out.

use ureq::Error;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};

/// Completes the requests of every connection.
#[derive(Clone)]
pub(super) struct Forward {
    /// What goes before the path: scheme and authority.
    pub(super) origin: String,
    /// A header line with its end, empty where the proxy wants none.
    pub(super) authorization: String,
}

impl std::fmt::Debug for Forward {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Forward")
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

impl<In: Transport> Connector<In> for Forward {
    type Out = Forwarding<In>;

    fn connect(
        &self,
        _: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        Ok(chained.map(|inner| Forwarding {
            inner,
            by: self.clone(),
            begins: true,
        }))
    }
}

/// A connection to a proxy.
#[derive(Debug)]
pub(super) struct Forwarding<In> {
    inner: In,
    by: Forward,
    /// Whether what is sent next begins a request.
    begins: bool,
}

impl<In: Transport> Transport for Forwarding<In> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if !std::mem::take(&mut self.begins) {
            return self.inner.transmit_output(amount, timeout);
        }
        let head = self.inner.buffers().output()[..amount].to_vec();
        let head = complete(&head, &self.by);
        let mut rest = &head[..];
        while !rest.is_empty() {
            let room = self.inner.buffers().output();
            let part = rest.len().min(room.len());
            room[..part].copy_from_slice(&rest[..part]);
            self.inner.transmit_output(part, timeout)?;
            rest = &rest[part..];
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        // The request is out; what is sent after its answer begins another.
        self.begins = true;
        self.inner.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

/// The head of a request with the whole address in its first line.
fn complete(head: &[u8], by: &Forward) -> Vec<u8> {
    let mut out = Vec::with_capacity(head.len() + by.origin.len() + by.authorization.len());
    let method = head.iter().position(|byte| *byte == b' ');
    let line = head.windows(2).position(|pair| pair == b"\r\n");
    match (method, line) {
        (Some(method), Some(line)) if method < line => {
            out.extend_from_slice(&head[..=method]);
            out.extend_from_slice(by.origin.as_bytes());
            out.extend_from_slice(&head[method + 1..line + 2]);
            out.extend_from_slice(by.authorization.as_bytes());
            out.extend_from_slice(&head[line + 2..]);
        }
        _ => out.extend_from_slice(head),
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_gets_the_whole_address_and_the_rest_stays() {
        let by = Forward {
            origin: "http://api.example.test:81".to_owned(),
            authorization: "Proxy-Authorization: Basic eA==\r\n".to_owned(),
        };
        assert_eq!(
            String::from_utf8_lossy(&complete(b"GET /rows?a=b HTTP/1.1\r\nhost: h\r\n\r\n", &by)),
            "GET http://api.example.test:81/rows?a=b HTTP/1.1\r\n\
             Proxy-Authorization: Basic eA==\r\nhost: h\r\n\r\n"
        );
        assert_eq!(complete(b"no head", &by), b"no head");
    }
}
