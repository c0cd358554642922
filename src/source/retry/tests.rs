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
