//! The token that requests carry: it is asked for when one is needed, kept
//! until shortly before it expires, and each one that ever came is made known
//! as a secret. How to ask for one is the giver's part. Nothing here shows or
//! stores a token.

pub mod command;
pub mod login;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::error::Result;
use crate::secret::Secrets;

/// The name that is shown in the place of a token.
const NAME: &str = "token";

/// A token is renewed this long before it expires, but never in the first nine
/// tenths of its life.
const MARGIN: Duration = Duration::from_secs(30);

/// Something that gives out tokens.
pub trait Giver {
    /// Asks for a token.
    ///
    /// # Errors
    /// Whatever kept it from coming; the error says whether to ask again.
    fn give(&mut self) -> Result<Given>;
}

/// A token as it was given.
#[derive(Clone, PartialEq, Eq)]
pub struct Given {
    /// The token.
    pub token: String,
    /// How long it lasts, if that was told.
    pub expires_in: Option<Duration>,
}

/// The present token, and the giver of the next one. A clone shares both.
#[derive(Clone)]
pub struct Tokens(Rc<RefCell<Store>>);

struct Store {
    giver: Option<Box<dyn Giver>>,
    secrets: Secrets,
    present: Option<(String, Option<Instant>)>,
}

impl Tokens {
    /// Tokens from this giver, made known to these secrets.
    pub fn new(giver: Box<dyn Giver>, secrets: Secrets) -> Self {
        Self::of(Store {
            giver: Some(giver),
            secrets,
            present: None,
        })
    }

    fn of(store: Store) -> Self {
        Self(Rc::new(RefCell::new(store)))
    }

    /// What a recording has where a token was sent: a replay needs none.
    pub fn recorded() -> Self {
        Self::of(Store {
            giver: None,
            secrets: Secrets::default(),
            present: Some((format!("${{{NAME}}}"), None)),
        })
    }

    /// A token that has not expired.
    ///
    /// # Errors
    /// Whatever kept a new one from coming.
    pub fn present(&mut self) -> Result<String> {
        let now = Instant::now();
        let store = &mut *self.0.borrow_mut();
        match (&store.present, &mut store.giver) {
            (Some((token, until)), _) if until.is_none_or(|until| now < until) => Ok(token.clone()),
            (Some((token, _)), None) => Ok(token.clone()),
            (None, None) => Ok(String::new()),
            (_, Some(giver)) => {
                let given = giver.give()?;
                store.secrets.add(NAME, &given.token);
                let until = given.expires_in.map(|life| now + kept(life));
                store.present = Some((given.token.clone(), until));
                Ok(given.token)
            }
        }
    }

    /// The present token was refused: the next request takes a new one.
    pub fn forget(&mut self) {
        let mut store = self.0.borrow_mut();
        if store.giver.is_some() {
            store.present = None;
        }
    }
}

/// How long a token of this life is used.
fn kept(life: Duration) -> Duration {
    // Clocks do not accept just any number.
    let life = life.min(Duration::from_secs(365 * 86_400));
    life - MARGIN.min(life / 10)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::error::Error;

    struct Counting(u32, Option<Duration>);

    impl Giver for Counting {
        fn give(&mut self) -> Result<Given> {
            self.0 += 1;
            if self.0 == 3 {
                return Err(Error::refused("no more"));
            }
            Ok(Given {
                token: format!("token-number-{}", self.0),
                expires_in: self.1,
            })
        }
    }

    #[test]
    fn a_token_is_kept_until_it_expires_or_is_refused() {
        let secrets = Secrets::default();
        let mut tokens = Tokens::new(Box::new(Counting(0, None)), secrets.clone());
        assert_eq!(tokens.present().unwrap(), "token-number-1");
        assert_eq!(tokens.present().unwrap(), "token-number-1");
        tokens.forget();
        assert_eq!(tokens.present().unwrap(), "token-number-2");
        assert_eq!(
            secrets.redact("token-number-1 token-number-2"),
            "${token} ${token}"
        );
        tokens.forget();
        assert_eq!(tokens.present().unwrap_err().to_string(), "no more");
    }

    #[test]
    fn a_token_is_renewed_before_it_expires() {
        let giver = Box::new(Counting(0, Some(Duration::ZERO)));
        let mut tokens = Tokens::new(giver, Secrets::default());
        assert_eq!(tokens.present().unwrap(), "token-number-1");
        assert_eq!(tokens.present().unwrap(), "token-number-2");
        for (life, expected) in [(3600, 3570.0), (100, 90.0), (2, 1.8)] {
            assert_eq!(kept(Duration::from_secs(life)).as_secs_f64(), expected);
        }
        assert!(kept(Duration::MAX) < Duration::MAX);
    }

    #[test]
    fn a_replay_has_the_name_in_place_of_a_token() {
        let mut tokens = Tokens::recorded();
        tokens.forget();
        assert_eq!(tokens.present().unwrap(), "${token}");
    }
}
