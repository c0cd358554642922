//! Where answers come from: the network, a recording, or a network that is
//! being recorded. Whoever asks cannot tell which, and nothing here knows what
//! a page is.

pub(crate) mod address;
pub mod auth;
mod body;
mod failure;
pub(crate) mod fault;
mod limit;
pub mod live;
mod proxy;
pub mod record;
mod redirect;
pub mod replay;
pub mod retry;
mod settings;
pub mod status;

use crate::error::Result;
use crate::exchange::{Request, Response};

/// Something that answers requests.
pub trait Source {
    /// Sends one request, once. The body replaces what `body` held; where this
    /// fails, `body` is empty.
    fn fetch(&mut self, request: &Request, body: &mut Vec<u8>) -> Result<Response>;

    /// Whether waiting between two tries can change the answer.
    fn waits(&self) -> bool {
        true
    }
}

impl<S: Source + ?Sized> Source for Box<S> {
    fn fetch(&mut self, request: &Request, body: &mut Vec<u8>) -> Result<Response> {
        (**self).fetch(request, body)
    }

    fn waits(&self) -> bool {
        (**self).waits()
    }
}

impl<S: Source + ?Sized> Source for &mut S {
    fn fetch(&mut self, request: &Request, body: &mut Vec<u8>) -> Result<Response> {
        (**self).fetch(request, body)
    }

    fn waits(&self) -> bool {
        (**self).waits()
    }
}
