//! What a server said before it closed. Where sending fails because the other
//! side is gone, its last bytes may not have been read yet, such as the TLS
//! alert that says why. They are read before the failure counts.

use ureq::Error;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};

use crate::source::body::is_end;

/// Listens on every connection.
#[derive(Debug)]
pub(super) struct LastWords;

impl<In: Transport> Connector<In> for LastWords {
    type Out = Listening<In>;

    fn connect(
        &self,
        _: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        Ok(chained.map(|inner| Listening {
            inner,
            heard: false,
        }))
    }
}

/// A connection that is listened to where it cannot be spoken to.
#[derive(Debug)]
pub(super) struct Listening<In> {
    inner: In,
    /// Whether the other side is gone, and left words that are still to be read.
    heard: bool,
}

impl<In: Transport> Transport for Listening<In> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        // The next reader gets these bytes, and after them the end.
        if self.heard {
            return Ok(());
        }
        match self.inner.transmit_output(amount, timeout) {
            Err(Error::Io(cause)) if is_end(&cause) => match self.inner.await_input(timeout) {
                Ok(true) => {
                    self.heard = true;
                    Ok(())
                }
                _ => Err(Error::Io(cause)),
            },
            outcome => outcome,
        }
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.inner.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        !self.heard && self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}
