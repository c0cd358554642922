//! Trying again: a source around a source, which sends a request until there is
//! an answer to it. It waits between tries, keeps the pace that was set, and
//! logs in where a token is wanted. It does not judge an answer: the caller
//! does, and its error says whether another try is worth while.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::error::{Again, Error, Refusal, Result};
use crate::exchange::{Request, Response};
use crate::secret;
use crate::source::Source;
use crate::source::auth::Tokens;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

/// A pause that the server names costs a whole retry from this length on, and a
/// shorter pause costs its share of one. So the retries last for at least a
/// minute of such pauses, and are not used up where a server names many short
/// ones.
const NAMED: Duration = Duration::from_secs(12);

/// How a request is made, given the token if there is one. It is made anew for
/// each try.
pub type Make<'a> = dyn Fn(Option<&str>) -> Request + 'a;

/// What is wrong with an answer, if anything; it is told the time in unix
/// seconds.
pub type Judge<'a> = dyn FnMut(&Response, &mut Vec<u8>, i64) -> Result<()> + 'a;

/// A source that is asked again where that can help.
pub struct Retry {
    source: Box<dyn Source>,
    clock: Box<dyn Clock>,
    tokens: Option<Tokens>,
    max: u32,
    pace: Duration,
    random: u64,
    count: u64,
    requests: u64,
    status: Option<u16>,
    last: Last,
}

/// When the last request was sent. A clone shares it.
pub type Last = Rc<Cell<Option<Instant>>>;

impl Retry {
    /// At most `max` retries of one request to this source. By the clock the
    /// pauses are spread too, so that clients that failed together do not come
    /// back together.
    pub fn new(source: Box<dyn Source>, clock: Box<dyn Clock>, max: u32) -> Self {
        Self {
            random: u64::from(clock.now().nanos),
            source,
            clock,
            tokens: None,
            max,
            pace: Duration::ZERO,
            count: 0,
            requests: 0,
            status: None,
            last: Last::default(),
        }
    }

    /// The same source with a login.
    #[must_use]
    pub fn tokens(mut self, tokens: Option<Tokens>) -> Self {
        self.tokens = tokens;
        self
    }

    /// Sets the patience from here on: at most `max` retries of a request.
    pub fn set_patience(&mut self, max: u32) {
        self.max = max;
    }

    /// With at least so long from the start of one request to that of the next,
    /// whoever sent the `last` one.
    #[must_use]
    pub fn pace(mut self, pace: Duration, last: Last) -> Self {
        (self.pace, self.last) = (pace, last);
        self
    }

    /// All retries so far, of all requests.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// All requests so far, failures included.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// The status of the last request's answer, None where none came.
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// Whether waiting can change an answer: not in a replay.
    pub fn waits(&self) -> bool {
        self.source.waits()
    }

    /// Makes attempts until an answer passes the judge, one fails in a way that
    /// another try cannot change, or the retries are used up.
    ///
    /// # Errors
    /// The last attempt's.
    pub fn fetch(
        &mut self,
        make: &Make<'_>,
        body: &mut Vec<u8>,
        judge: &mut Judge<'_>,
    ) -> Result<Response> {
        let waits = self.source.waits();
        let (mut tries, mut backoffs, mut spent) = (0, 0, 0.0);
        let (mut hurried, mut renewed) = (false, false);
        loop {
            tries += 1;
            let error = match self.attempt(make, body, judge) {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            let expired = self.status == Some(401) || error.refusal() == Some(Refusal::Expired);
            if expired && !renewed && self.renew(&error) {
                renewed = true;
                continue;
            }
            let again = error.again_when();
            let cost = match again {
                Again::After(pause) if !pause.is_zero() => {
                    (pause.as_secs_f64() / NAMED.as_secs_f64()).min(1.0)
                }
                _ => 1.0,
            };
            // A rest that is left of a sum of shares is no retry.
            if again == Again::Never || spent + cost > f64::from(self.max) + 1e-9 {
                return Err(match tries {
                    1 => error,
                    _ => error.at(format_args!("after {tries} tries")),
                });
            }
            spent += cost;
            let pause = match again {
                Again::Now if !hurried => Duration::ZERO,
                Again::After(pause) => pause.saturating_add(pause.mul_f64(0.1 * self.fraction())),
                _ => {
                    backoffs += 1;
                    self.backoff(backoffs - 1)
                }
            };
            hurried = again == Again::Now && !hurried;
            self.count += 1;
            let when = if waits && !pause.is_zero() {
                format!("in {:.1} s", pause.as_secs_f64())
            } else {
                "at once".to_owned()
            };
            let reason = error.to_string();
            let reason = secret::redacted(&reason);
            let nth = spent.ceil();
            log::warn!("{reason}; retrying {when} ({nth} of {})", self.max);
            if waits && !pause.is_zero() {
                self.clock.sleep(pause);
            }
        }
    }

    /// One try.
    fn attempt(
        &mut self,
        make: &Make<'_>,
        body: &mut Vec<u8>,
        judge: &mut Judge<'_>,
    ) -> Result<Response> {
        self.status = None;
        let token = match &mut self.tokens {
            Some(tokens) => Some(tokens.present()?),
            None => None,
        };
        let request = make(token.as_deref());
        self.keep_pace();
        self.requests += 1;
        let response = self.source.fetch(&request, body)?;
        self.status = Some(response.status);
        judge(&response, body, self.clock.now().secs)?;
        Ok(response)
    }

    /// Whether there is a login that may help against the refusal.
    fn renew(&mut self, error: &Error) -> bool {
        let Some(tokens) = &mut self.tokens else {
            return false;
        };
        let reason = error.to_string();
        let reason = secret::redacted(&reason);
        log::info!("{reason}; asking for a new token");
        tokens.forget();
        self.count += 1;
        true
    }

    fn keep_pace(&mut self) {
        if let Some(last) = self.last.get().filter(|_| self.source.waits()) {
            let rest = self.pace.saturating_sub(last.elapsed());
            if !rest.is_zero() {
                self.clock.sleep(rest);
            }
        }
        self.last.set(Some(Instant::now()));
    }

    /// Half a second, doubled each time up to half a minute; of that a random
    /// half to whole.
    fn backoff(&mut self, n: u32) -> Duration {
        let whole = FIRST.saturating_mul(2_u32.saturating_pow(n)).min(LONGEST);
        whole.mul_f64(0.5 + 0.5 * self.fraction())
    }

    /// The next number from 0 to 1, by splitmix64.
    fn fraction(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        f64::from((z >> 32) as u32) / f64::from(u32::MAX)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
