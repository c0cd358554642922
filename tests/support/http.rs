//! A small HTTP/1.1 server on the loopback, on std alone: a thread a connection,
//! kept alive, joined on drop. It reads requests; what it answers is the handler's.

use std::collections::HashMap;
use std::io::{self, Read};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

pub use super::reply::{Body, Quirk, Reply};

/// The longest request head that is read.
const MAX_HEAD: usize = 64 * 1024;

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    /// Decoded, in their order.
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    /// Path and query as they were sent.
    pub raw_target: String,
    pub body: Vec<u8>,
}

impl Request {
    /// The first query parameter of this name.
    pub fn param(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name)?;
        Some(&found.1)
    }

    /// The body, which must be JSON, or null where there is none.
    pub fn json(&self) -> serde_json::Value {
        match self.body.is_empty() {
            true => serde_json::Value::Null,
            false => serde_json::from_slice(&self.body).unwrap(),
        }
    }

    /// The body, as a form has it.
    pub fn form(&self, name: &str) -> Option<String> {
        let text = String::from_utf8_lossy(&self.body);
        let mut pairs = text.split('&').filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.find(|(key, _)| decode(key) == name)?;
        Some(decode(value))
    }

    /// The first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        Some(&found.1)
    }

    fn parse(head: &str) -> Option<Self> {
        let mut lines = head.split("\r\n");
        let mut words = lines.next()?.split(' ');
        let (method, target) = (words.next()?, words.next()?);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let pair = |part: &str| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(name), decode(value))
        };
        Some(Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query
                .split('&')
                .filter(|part| !part.is_empty())
                .map(pair)
                .collect(),
            headers: lines
                .filter_map(|line| line.split_once(':'))
                .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
                .collect(),
            raw_target: target.to_owned(),
            body: Vec::new(),
        })
    }
}

/// Percent-decodes; a plus is a space, and a stray percent sign stays one.
fn decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.as_bytes();
    while let Some((&byte, rest)) = bytes.split_first() {
        bytes = rest;
        let hex = rest.get(..2).filter(|_| byte == b'%');
        let value = hex
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match value {
            Some(value) => {
                out.push(value);
                bytes = &rest[2..];
            }
            None => out.push(if byte == b'+' { b' ' } else { byte }),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The flag that ends every wait of the server's threads.
#[derive(Default)]
pub(super) struct Stop {
    set: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    /// Waits this long, or until the server stops; whether it did.
    pub(super) fn wait(&self, time: Duration) -> bool {
        let set = self.set.lock().unwrap();
        *self
            .changed
            .wait_timeout_while(set, time, |set| !*set)
            .unwrap()
            .0
    }

    fn is_set(&self) -> bool {
        *self.set.lock().unwrap()
    }

    fn set(&self) {
        *self.set.lock().unwrap() = true;
        self.changed.notify_all();
    }
}

type Handler = dyn Fn(&Request) -> Reply + Send + Sync;

struct Shared {
    handler: Box<Handler>,
    stop: Stop,
    /// The open connections, so that a stop can wake the threads that block on them.
    open: Mutex<HashMap<usize, Arc<TcpStream>>>,
    log: Mutex<Vec<Request>>,
    connections: AtomicUsize,
}

/// The server; it serves from `start` until it is dropped.
pub struct Server {
    addr: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<Vec<JoinHandle<()>>>>,
}

impl Server {
    /// On a free port.
    pub fn start(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), handler)
    }

    /// On a given address, such as that of a server that was dropped.
    pub fn start_at(
        addr: SocketAddr,
        handler: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(addr).unwrap();
        let addr = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            handler: Box::new(handler),
            stop: Stop::default(),
            open: Mutex::default(),
            log: Mutex::default(),
            connections: AtomicUsize::new(0),
        });
        let acceptor = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || accept(&listener, &shared))
        };
        Self {
            addr,
            shared,
            acceptor: Some(acceptor),
        }
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://127.0.0.1:PORT` and this path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// Every request so far, in the order of their arrival.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.log.lock().unwrap().clone()
    }

    /// How many connections were opened so far.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop.set();
        // The acceptor blocks in accept; a connection wakes it. It is joined first,
        // so that nothing is opened behind the shutdowns below.
        let _ = TcpStream::connect_timeout(&self.addr, Duration::from_secs(1));
        let Some(Ok(threads)) = self.acceptor.take().map(JoinHandle::join) else {
            return;
        };
        for stream in self.shared.open.lock().unwrap().values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        for thread in threads {
            // A handler that panicked has said so on stderr already.
            let _ = thread.join();
        }
    }
}

/// An address on which nobody listens.
pub fn refusing_addr() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) -> Vec<JoinHandle<()>> {
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    loop {
        let accepted = listener.accept();
        if shared.stop.is_set() {
            return threads;
        }
        let Ok((stream, _)) = accepted else {
            // Out of descriptors, most likely: some will come free.
            shared.stop.wait(Duration::from_millis(10));
            continue;
        };
        let number = shared.connections.fetch_add(1, Ordering::SeqCst);
        let stream = Arc::new(stream);
        shared
            .open
            .lock()
            .unwrap()
            .insert(number, Arc::clone(&stream));
        let shared = Arc::clone(shared);
        threads.retain(|thread| !thread.is_finished());
        threads.push(thread::spawn(move || {
            let _open = Open(&shared, number);
            // The client may leave at any time; that is no error of the server's.
            let _ = serve(&stream, &shared);
            drop(stream);
        }));
    }
}

/// Takes a connection off the list of open ones, even where the handler panics.
/// The list holds the socket too, so it does not close before this.
struct Open<'a>(&'a Shared, usize);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.open.lock().unwrap().remove(&self.1);
    }
}

fn serve(stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; MAX_HEAD];
    while let Some(length) = peek_head(stream, &mut buffer, &shared.stop)? {
        let head = String::from_utf8_lossy(&buffer[..length]);
        let Some(mut request) = Request::parse(&head) else {
            return Ok(());
        };
        let body = request.header("content-length").map(str::parse::<usize>);
        let body = body.and_then(Result::ok).filter(|length| *length > 0);
        if let Some(rest) = body {
            consume(stream, &mut buffer, length)?;
            request.body = vec![0; rest];
            (&mut &*stream).read_exact(&mut request.body)?;
        }
        shared.log.lock().unwrap().push(request.clone());
        let reply = (shared.handler)(&request);
        if !reply.delay.is_zero() && shared.stop.wait(reply.delay) {
            return Ok(());
        }
        if reply.quirk == Quirk::Reset {
            // The request is still unread, and so closing is a reset.
            return Ok(());
        }
        if body.is_none() {
            consume(stream, &mut buffer, length)?;
        }
        let keep = reply.send(stream, &shared.stop)?;
        let leaves = request
            .header("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"));
        if !keep || leaves {
            return Ok(());
        }
    }
    Ok(())
}

fn consume(mut stream: &TcpStream, buffer: &mut [u8], length: usize) -> io::Result<()> {
    stream.read_exact(&mut buffer[..length])
}

/// Waits for a whole request head and leaves it in the socket; its length, or None
/// where the client has left.
fn peek_head(stream: &TcpStream, buffer: &mut [u8], stop: &Stop) -> io::Result<Option<usize>> {
    loop {
        let seen = stream.peek(buffer)?;
        if let Some(end) = buffer[..seen]
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
        {
            return Ok(Some(end + 4));
        }
        // Part of a head is there, so the next peek would not block.
        if seen == 0 || seen == buffer.len() || stop.wait(Duration::from_millis(1)) {
            return Ok(None);
        }
    }
}
