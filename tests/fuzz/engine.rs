//! The loop: an input from a seed, a check of it, and where the check fails, a
//! smaller input that fails too.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use crate::mutate::mutate;

/// A source of numbers that look random and are the same for the same seed.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, zero where there is none.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    pub(crate) fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// No check of one input may take longer, in a slow build on a busy machine.
const SLOWEST: Duration = Duration::from_secs(20);
/// How long smaller inputs are looked for.
const SHRINKING: Duration = Duration::from_secs(10);

/// The number of this name in the environment, or the default.
fn number(name: &str, default: u64) -> u64 {
    let Ok(text) = std::env::var(name) else {
        return default;
    };
    let parsed = text.parse();
    parsed.unwrap_or_else(|_| panic!("{name}={text} is no number"))
}

/// Inputs of a run whose time was not said, so that it tries the same ones on
/// every machine.
const INPUTS: u64 = 1_000;

/// Checks inputs that come of `samples`, which are checked as they are first,
/// until the time is over that `FUZZ_SECONDS` says. Every input has a seed of its own, one more than the
/// seed of the input before it.
pub(crate) fn fuzz(name: &str, samples: &[Vec<u8>], check: impl Fn(&[u8]) -> Result<(), String>) {
    let seconds = number("FUZZ_SECONDS", 0);
    let time = (seconds > 0).then(|| Duration::from_secs(seconds));
    let first = number("SEED", 1);
    for sample in samples {
        if let Some(reason) = fault(&check, sample) {
            panic!("{name}: {reason}\nsample: {}", sample.escape_ascii());
        }
    }
    let (begun, mut tried) = (Instant::now(), 0);
    while time.map_or(tried < INPUTS, |time| begun.elapsed() < time) {
        let seed = first.wrapping_add(tried);
        let input = mutate(&mut Dice(seed), samples);
        let before = Instant::now();
        let reason = fault(&check, &input);
        if reason.is_some() {
            let small = shrink(input, |input| fault(&check, input).is_some());
            let reason = fault(&check, &small).unwrap_or_default();
            panic!(
                "{name}: {reason}\ninput: b\"{}\"\nreplay: SEED={seed} cargo test --test fuzz {name}",
                small.escape_ascii()
            );
        }
        let took = before.elapsed();
        assert!(
            took < SLOWEST,
            "{name}: {took:?} for {} bytes\nreplay: SEED={seed} cargo test --test fuzz {name}",
            input.len()
        );
        tried += 1;
    }
    println!("{name}: {tried} inputs from SEED={first} on");
}

/// Why a check fails, a panic included.
fn fault(check: &impl Fn(&[u8]) -> Result<(), String>, input: &[u8]) -> Option<String> {
    match catch_unwind(AssertUnwindSafe(|| check(input))) {
        Ok(checked) => checked.err(),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Some(format!("panicked: {}", text.unwrap_or("no text")))
        }
    }
}

/// Leaves out parts of an input, large ones first, as long as it fails without.
fn shrink(mut input: Vec<u8>, fails: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let (mut size, begun) = (input.len() / 2, Instant::now());
    let in_time = || begun.elapsed() < SHRINKING;
    while size > 0 && in_time() {
        let (mut start, mut smaller) = (0, false);
        while start < input.len() && in_time() {
            let end = input.len().min(start + size);
            let without = [&input[..start], &input[end..]].concat();
            if fails(&without) {
                (input, smaller) = (without, true);
            } else {
                start = end;
            }
        }
        if !smaller || size > 1 {
            size /= 2;
        }
    }
    input
}

#[test]
fn a_failure_is_found_made_small_and_reached_again_by_its_seed() {
    let samples = [br#"{"a": [1, 2, {"b": "text"}], "c": null}"#.to_vec()];
    // A fault that no sample has: two openings of a list side by side.
    let check = |input: &[u8]| match input.windows(2).any(|two| two == b"[[") {
        true => Err("two".to_owned()),
        false => Ok(()),
    };
    let seed = (0..100_000).find(|seed| check(&mutate(&mut Dice(*seed), &samples)).is_err());
    let input = || mutate(&mut Dice(seed.unwrap()), &samples);
    assert_eq!(input(), input());
    assert_eq!(shrink(input(), |input| check(input).is_err()), b"[[");
    let panics = |input: &[u8]| -> Result<(), String> { panic!("{} bytes", input.len()) };
    assert_eq!(fault(&panics, b"abc").unwrap(), "panicked: 3 bytes");
}
