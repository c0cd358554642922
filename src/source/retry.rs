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
            let again = error.is_worth();
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
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;
    use crate::error::{Error, Kind};
    use crate::timestamp;

    type Pauses = Rc<RefCell<Vec<f64>>>;

    struct Watch(Pauses);

    impl Clock for Watch {
        fn now(&self) -> timestamp::Instant {
            timestamp::Instant { secs: 0, nanos: 7 }
        }

        fn sleep(&mut self, time: Duration) {
            self.0.borrow_mut().push(time.as_secs_f64());
        }
    }

    /// Fails as told, then succeeds.
    struct Failing(Vec<Again>, usize, bool);

    impl Source for Failing {
        fn fetch(&mut self, _: &Request, _: &mut Vec<u8>) -> Result<Response> {
            self.1 += 1;
            match self.0.get(self.1 - 1) {
                Some(again) => Err(Error::temporary("down").again(*again)),
                None => Ok(Response::default()),
            }
        }

        fn waits(&self) -> bool {
            self.2
        }
    }

    fn retry(max: u32, source: impl Source + 'static) -> (Retry, Pauses) {
        let pauses = Pauses::default();
        let clock = Box::new(Watch(Rc::clone(&pauses)));
        (Retry::new(Box::new(source), clock, max), pauses)
    }

    fn fetch(retry: &mut Retry) -> Result<Response> {
        retry.fetch(&|_| Request::default(), &mut Vec::new(), &mut |_, _, _| {
            Ok(())
        })
    }

    /// Fails as told, then succeeds; the tries made, the pauses, the outcome.
    fn run(max: u32, waits: bool, failures: &[Again]) -> (u64, Vec<f64>, Result<Response>) {
        let (mut retry, pauses) = retry(max, Failing(failures.to_vec(), 0, waits));
        let outcome = fetch(&mut retry);
        assert_eq!(retry.count(), retry.requests() - 1);
        (retry.requests(), pauses.take(), outcome)
    }

    #[test]
    fn pauses_double_up_to_half_a_minute() {
        let (tries, pauses, outcome) = run(9, true, &[Again::Later; 9]);
        assert!(outcome.is_ok());
        assert_eq!(tries, 10);
        for (pause, whole) in pauses
            .iter()
            .zip([0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0])
        {
            assert!((whole / 2.0..=whole).contains(pause), "{pause} of {whole}");
        }
        assert_eq!(pauses.len(), 9);
    }

    #[test]
    fn the_last_error_says_how_often_it_was_tried() {
        let (tries, _, outcome) = run(2, true, &[Again::Later; 9]);
        assert_eq!(tries, 3);
        let error = outcome.unwrap_err();
        assert_eq!(error.to_string(), "after 3 tries: down");
        assert_eq!(error.kind(), Kind::Temporary);
        let (tries, _, outcome) = run(0, true, &[Again::Now]);
        assert_eq!(
            (tries, outcome.unwrap_err().to_string()),
            (1, "down".to_owned())
        );
    }

    #[test]
    fn what_cannot_change_is_not_tried_again() {
        assert_eq!(run(5, true, &[Again::Never]).0, 1);
        assert_eq!(run(5, true, &[Again::Later, Again::Never]).0, 2);
    }

    #[test]
    fn the_pause_that_was_asked_for_is_kept() {
        let (_, pauses, _) = run(5, true, &[Again::After(Duration::from_secs(20))]);
        assert!((20.0..=22.0).contains(&pauses[0]), "{pauses:?}");
    }

    #[test]
    fn a_dead_connection_is_replaced_at_once_but_not_twice_in_a_row() {
        assert_eq!(run(5, true, &[Again::Now]).1, Vec::<f64>::new());
        assert_eq!(run(5, true, &[Again::Now; 2]).1.len(), 1);
        assert_eq!(
            run(5, true, &[Again::Now, Again::Later, Again::Now])
                .1
                .len(),
            1
        );
    }

    #[test]
    fn a_replay_is_never_waited_for() {
        let (tries, pauses, outcome) = run(5, false, &[Again::Later; 5]);
        assert!(outcome.is_ok());
        assert_eq!((tries, pauses.len()), (6, 0));
    }

    #[test]
    fn seeds_spread_the_pauses() {
        let first = |seed| {
            let (mut retry, _) = retry(1, Failing(Vec::new(), 0, true));
            retry.random = seed;
            (retry.backoff(0), retry.backoff(u32::MAX))
        };
        assert_ne!(first(1).0, first(2).0);
        assert!(first(1).1 <= LONGEST);
    }

    #[test]
    fn pauses_that_the_server_names_do_not_use_up_the_retries() {
        let named = |seconds| Again::After(Duration::from_secs(seconds));
        assert_eq!(run(5, true, &[named(2); 30]).0, 31);
        assert!(run(5, true, &[named(2); 31]).2.is_err());
        assert_eq!(run(5, true, &[named(60); 9]).0, 6);
        assert_eq!(run(2, true, &[named(0); 9]).0, 3);
        assert_eq!(run(0, true, &[named(1); 9]).0, 1);
    }

    #[test]
    fn requests_keep_their_pace_and_so_do_retries() {
        let (retry, pauses) = retry(5, Failing(vec![Again::Now], 0, true));
        let mut retry = retry.pace(Duration::from_secs(3600), Last::default());
        fetch(&mut retry).unwrap();
        fetch(&mut retry).unwrap();
        let pauses = pauses.take();
        assert_eq!(pauses.len(), 2);
        assert!(pauses.iter().all(|pause| (3590.0..=3600.0).contains(pause)));
    }

    /// Knows tokens by their number, and takes one from some number on.
    struct Guarded(u32, Rc<RefCell<Vec<String>>>);

    impl Source for Guarded {
        fn fetch(&mut self, request: &Request, _: &mut Vec<u8>) -> Result<Response> {
            let token = request.credentials[0].1.clone();
            self.1.borrow_mut().push(token.clone());
            let status = match token.parse::<u32>().unwrap() >= self.0 {
                true => 200,
                false => 401,
            };
            Ok(Response {
                status,
                ..Response::default()
            })
        }
    }

    struct Counting(u32);

    impl crate::source::auth::Giver for Counting {
        fn give(&mut self) -> Result<crate::source::auth::Given> {
            self.0 += 1;
            Ok(crate::source::auth::Given {
                token: format!("{:06}", self.0),
                expires_in: None,
            })
        }
    }

    #[test]
    fn a_token_that_is_refused_is_renewed_once() {
        let asked = |first_good| {
            let seen = Rc::new(RefCell::new(Vec::new()));
            let (retry, pauses) = retry(5, Guarded(first_good, Rc::clone(&seen)));
            let giver = Box::new(Counting(0));
            let tokens = Tokens::new(giver, secret::Secrets::default());
            let mut retry = retry.tokens(Some(tokens));
            let make = |token: Option<&str>| Request {
                credentials: vec![("A".to_owned(), token.unwrap().to_owned())],
                ..Request::default()
            };
            let outcome = retry.fetch(&make, &mut Vec::new(), &mut |response, _, _| match response
                .status
            {
                200 => Ok(()),
                _ => Err(Error::refused("no")),
            });
            assert_eq!(pauses.take(), Vec::<f64>::new());
            (seen.take(), outcome.map(|_| ()).map_err(|e| e.kind()))
        };
        assert_eq!(asked(1), (vec!["000001".to_owned()], Ok(())));
        let both = vec!["000001".to_owned(), "000002".to_owned()];
        assert_eq!(asked(2), (both.clone(), Ok(())));
        assert_eq!(asked(3), (both, Err(Kind::Refused)));
    }
}
