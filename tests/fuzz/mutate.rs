//! Inputs that come of samples: tokens and whole values are swapped, repeated,
//! left out, nested and taken from another sample, so that much of what comes out
//! is still JSON; and bytes are changed and cut off, so that some is not.

use std::ops::Range;

use crate::engine::Dice;

/// No input becomes larger than this by far.
const LARGEST: usize = 1 << 16;

/// What stands in the place of a token: numbers at the edges of every type,
/// times that do not exist, escapes, and what ends or begins something.
const TOKENS: [&str; 62] = [
    "0",
    "-0",
    "-1",
    "1.50",
    "01",
    "1e999",
    "-1e-400",
    "1E5",
    "9007199254740993",
    "127",
    "128",
    "255",
    "65536",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999999999999999999",
    "-9223372036854775809",
    "0.1e+1",
    "null",
    "true",
    "false",
    "nul",
    "{}",
    "[]",
    "\"\"",
    "[[]]",
    "{\"\":{}}",
    "{\"id\":\"1\",\"id\":\"2\"}",
    "\"\\ud800\"",
    "\"\\udc00\\ud800\"",
    "\"\\ud83d\\ude00\"",
    "\"\\u0000\"",
    "\"\\\"\\\\\\/\"",
    "\"\\u0069d\"",
    "\"é\u{202e}\u{feff}\"",
    "\"0001-01-01T00:00:00Z\"",
    "\"9999-12-31T23:59:60.999999999+23:59\"",
    "\"2024-02-30\"",
    "\"2024-01-15T10:30:00.1234567890123Z\"",
    "\"-1\"",
    "\"0\"",
    "\"18446744073709551616\"",
    "\"${NAME}\"",
    "\"{since}\"",
    "\"{limit}{offset}{page}\"",
    "\"{token}\"",
    "\"{since\"",
    "\"/\"",
    "\"/a/0/~1~0\"",
    "\"../x\"",
    "\"10s\"",
    "\"1h\"",
    "\"header:X\"",
    "\"99999999999999999999h\"",
    ",",
    ":",
    "\"",
    "}",
];

/// Bytes that mean something somewhere, or nothing in UTF-8.
const BYTES: &[u8] =
    b"\x00\x01\t\n\r \"\\/{}[]:,.-+eE0919azZ_@=;~$\x7F\x80\xBF\xC0\xC3\xE2\xED\xF0\xF4\xFE\xFF";

/// Characters that are more than a byte, or less than one.
const ODD: [&[u8]; 10] = [
    "\u{FEFF}".as_bytes(),
    "\u{2028}".as_bytes(),
    "\u{10FFFF}".as_bytes(),
    "\u{0301}".as_bytes(),
    b"\xC0\x80",
    b"\xED\xA0\x80",
    b"\xF5\x80\x80\x80",
    b"\xE2\x82",
    b"\\u12",
    b"\\ud83d",
];

/// One to a few changes to one of the samples.
pub(crate) fn mutate(dice: &mut Dice, samples: &[Vec<u8>]) -> Vec<u8> {
    let mut input = dice.pick(samples).clone();
    for _ in 0..=dice.below(4) {
        // Where inputs shall stay JSON, none of the changes breaks it.
        match dice.below(8) {
            0..3 => value(dice, &mut input, samples),
            3..6 => token(dice, &mut input, samples),
            6 => bytes(dice, &mut input),
            _ => lines(dice, &mut input, samples),
        }
        input.truncate(2 * LARGEST);
    }
    input
}

/// Where every token is: a string, a word or number, or one sign.
fn tokens(text: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let start = at;
        at += 1;
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => continue,
            b'"' => {
                while text.get(at).is_some_and(|byte| *byte != b'"') {
                    at += 1 + usize::from(text[at] == b'\\');
                }
                at = (at + 1).min(text.len());
            }
            b'{' | b'}' | b'[' | b']' | b':' | b',' => {}
            _ => {
                let inside = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
                at += text[at..].iter().take_while(|byte| inside(byte)).count();
            }
        }
        found.push(start..at);
    }
    found
}

/// Where every value is that is a whole, the ones inside others included.
fn values(text: &[u8]) -> Vec<Range<usize>> {
    let (mut found, mut open) = (Vec::new(), Vec::new());
    for token in tokens(text) {
        match text[token.start] {
            b'{' | b'[' => open.push(token.start),
            b'}' | b']' => found.extend(open.pop().map(|start: usize| start..token.end)),
            b':' | b',' => {}
            _ => found.push(token),
        }
    }
    found
}

fn put(input: &mut Vec<u8>, place: Range<usize>, new: &[u8]) {
    input.splice(place, new.iter().copied());
}

/// A whole value becomes another one.
fn value(dice: &mut Dice, input: &mut Vec<u8>, samples: &[Vec<u8>]) {
    let places = values(input);
    if places.is_empty() {
        return bytes(dice, input);
    }
    let place = dice.pick(&places).clone();
    let old = input[place.clone()].to_vec();
    let new = match dice.below(8) {
        // From elsewhere in the same text, or from another one.
        0 | 1 => input[dice.pick(&places).clone()].to_vec(),
        2 => {
            let other = dice.pick(samples);
            let places = values(other);
            if places.is_empty() {
                return;
            }
            other[dice.pick(&places).clone()].to_vec()
        }
        // Beside itself, as often as there is room for.
        3 => {
            let most = [2, 2, 3, 20, 1_000][dice.below(5)];
            let times = most.min(1 + LARGEST / old.len().max(1));
            vec![old; times].join(&b","[..])
        }
        // Inside of something.
        4 => {
            let depth = [1, 2, 120, 126, 127, 128, 129, 5_000][dice.below(8)];
            let (open, close) = *dice.pick(&[("[", "]"), ("{\"k\":", "}"), ("[{\"\":", "}]")]);
            let (open, close) = (open.repeat(depth), close.repeat(depth));
            [open.as_bytes(), &old, close.as_bytes()].concat()
        }
        5 => match old.first() {
            // The same string, longer or with an escape more.
            Some(b'"') if old.len() > 1 => {
                let at = 1 + dice.below(old.len() - 1);
                let more =
                    *dice.pick(&["\\u0000", "\\n", "é", "{", "\\ud83d\\ude00", "x", "/", "."]);
                let more = more.repeat([1, 1, 1, 7, 300][dice.below(5)]);
                [&old[..at], more.as_bytes(), &old[at..]].concat()
            }
            Some(b'0'..=b'9') => {
                let zeros = "0".repeat([1, 5, 19, 400][dice.below(4)]);
                let more = *dice.pick(&[".5", "e5", &*zeros, ".0"]);
                [&old, more.as_bytes()].concat()
            }
            _ => b"{\"a\":[1,\"x\"],\"b\":null}".to_vec(),
        },
        _ => dice.pick(&TOKENS).as_bytes().to_vec(),
    };
    put(input, place, &new);
}

/// Tokens are swapped, repeated, left out or put in, whatever they are.
fn token(dice: &mut Dice, input: &mut Vec<u8>, samples: &[Vec<u8>]) {
    let places = tokens(input);
    if places.is_empty() {
        return bytes(dice, input);
    }
    let first = dice.below(places.len());
    let last = (first + dice.below(8)).min(places.len() - 1);
    let run = places[first].start..places[last].end;
    match dice.below(6) {
        0 => put(input, run, b""),
        1 => {
            let twice = input[run.clone()].repeat(2);
            put(input, run, &twice);
        }
        2 => {
            let other = dice.below(places.len());
            let (one, other) = (first.min(other), first.max(other));
            let (one, other) = (places[one].clone(), places[other].clone());
            let (here, there) = (input[one.clone()].to_vec(), input[other.clone()].to_vec());
            put(input, other, &here);
            put(input, one, &there);
        }
        3 => {
            // The beginning of this one, the end of another.
            let other = dice.pick(samples);
            let theirs = tokens(other);
            if !theirs.is_empty() {
                input.truncate(run.start);
                input.extend(&other[dice.pick(&theirs).start..]);
            }
        }
        4 => put(input, places[first].clone(), dice.pick(&TOKENS).as_bytes()),
        _ => put(input, run.start..run.start, dice.pick(&TOKENS).as_bytes()),
    }
}

/// Bytes are changed, put in, left out or cut off, whatever they belong to.
fn bytes(dice: &mut Dice, input: &mut Vec<u8>) {
    let at = dice.below(input.len() + 1);
    let end = (at + 1 + dice.below(4)).min(input.len());
    match dice.below(7) {
        0 => input.truncate(at),
        1 => put(input, at..end, b""),
        2 => put(input, at..at, ODD[dice.below(ODD.len())]),
        3 => put(input, at..at, &[*dice.pick(BYTES)]),
        4 if at < end => input[at] ^= 1 << dice.below(8),
        5 => {
            let many = vec![*dice.pick(BYTES); 1 + dice.below(300)];
            put(input, at..at, &many);
        }
        _ if at < end => input[at] = *dice.pick(BYTES),
        _ => input.push(*dice.pick(BYTES)),
    }
}

/// Whole lines are swapped, repeated, left out, or end in another way.
fn lines(dice: &mut Dice, input: &mut Vec<u8>, samples: &[Vec<u8>]) {
    let mut lines: Vec<Vec<u8>> = input.split(|byte| *byte == b'\n').map(Vec::from).collect();
    let (one, other) = (dice.below(lines.len()), dice.below(lines.len()));
    match dice.below(6) {
        0 => lines.swap(one, other),
        1 => lines.insert(other, lines[one].clone()),
        2 => drop(lines.remove(one)),
        3 => lines[one].push(b'\r'),
        4 => lines.insert(one, b" \t".to_vec()),
        _ => {
            let theirs: Vec<&[u8]> = dice.pick(samples).split(|byte| *byte == b'\n').collect();
            lines.insert(one, dice.pick(&theirs).to_vec());
        }
    }
    *input = lines.join(&b'\n');
}
