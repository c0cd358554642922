//! A token from a program: what the program prints. The program gets no input
//! and a limited time. What it says of a failure is passed on, redacted.

use std::io::{Error as IoError, ErrorKind, Read, Result as IoResult};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::login::answer;
use super::{Given, Giver};
use crate::error::{Error, Result, shortened};
use crate::secret::redacted;

/// The most that is read of what a program prints.
const MOST: u64 = 1 << 20;

/// A program that prints a token.
pub struct Program {
    words: Vec<String>,
    timeout: Duration,
}

impl Program {
    /// The program and its arguments, and how long it may take.
    pub fn new(words: Vec<String>, timeout: Duration) -> Self {
        Self { words, timeout }
    }

    fn run(&self, child: &mut Child) -> IoResult<(ExitStatus, Vec<u8>, Vec<u8>)> {
        let out = reader(child.stdout.take());
        let err = reader(child.stderr.take());
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if begun.elapsed() >= self.timeout {
                let _ = child.kill();
                let _ = child.wait();
                return Err(IoError::from(ErrorKind::TimedOut));
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        // A grandchild that was left behind may hold the pipe open for longer.
        let rest = |pipe: JoinHandle<Vec<u8>>| {
            while !pipe.is_finished() && begun.elapsed() < self.timeout {
                std::thread::sleep(Duration::from_millis(1));
            }
            match pipe.is_finished() {
                true => pipe.join().unwrap_or_default(),
                false => Vec::new(),
            }
        };
        Ok((status, rest(out), rest(err)))
    }
}

impl Giver for Program {
    fn give(&mut self) -> Result<Given> {
        let place = "\"auth\", \"command\"";
        let program = self.words.first().map_or("", |word| &**word);
        let spawned = Command::new(program)
            .args(self.words.iter().skip(1))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = spawned.map_err(|cause| {
            Error::usage(format!("cannot run {program:?}: {cause}"))
                .at(place)
                .hint("is it installed, and in PATH? a pipeline needs [\"sh\", \"-c\", \"…\"]")
        })?;
        let (status, out, err) = self.run(&mut child).map_err(|cause| {
            let error = match cause.kind() {
                ErrorKind::TimedOut => Error::temporary(format!(
                    "{program:?} gave no token within {:?}",
                    self.timeout
                ))
                .hint("does it wait for an input? it gets none; --timeout gives it longer"),
                _ => Error::local(format!("cannot wait for {program:?}: {cause}")),
            };
            error.at(place)
        })?;
        if !status.success() {
            let said = String::from_utf8_lossy(&err);
            let said: Vec<&str> = said.split_whitespace().collect();
            let said = shortened(&redacted(&said.join(" ")), 300);
            let colon = if said.is_empty() { "" } else { ": " };
            return Err(
                Error::refused(format!("{program:?} ended with {status}{colon}{said}"))
                    .at(place)
                    .hint("run it by hand: it is to print a token, and to end with 0"),
            );
        }
        given(&out).map_err(|error| error.at(place))
    }
}

/// What a program printed: a token alone, or OAuth's answer with one.
fn given(out: &[u8]) -> Result<Given> {
    let wrong = |what: &str| {
        Error::refused(what).hint(
            "it is to print the token alone, or {\"access_token\": \"…\", \"expires_in\": 3600}",
        )
    };
    let text = std::str::from_utf8(out).map_err(|_| wrong("what it printed is no text"))?;
    let text = text.trim();
    if text.starts_with('{') {
        return answer(text.as_bytes(), &["access_token".to_owned()])
            .ok_or_else(|| wrong("what it printed holds no \"access_token\""));
    }
    if text.is_empty() {
        return Err(wrong("it printed no token"));
    }
    if text.chars().any(char::is_control) {
        return Err(wrong("it printed more than one line"));
    }
    Ok(Given {
        token: text.to_owned(),
        expires_in: None,
    })
}

fn reader(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            let _ = pipe.by_ref().take(MOST).read_to_end(&mut bytes);
            // A program that prints more must not be blocked by it.
            let _ = std::io::copy(&mut pipe, &mut std::io::sink());
        }
        bytes
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_prints_is_the_token_or_an_answer_with_it() {
        let told = |text: &str| {
            let given = given(text.as_bytes()).map_err(|error| error.to_string())?;
            Ok::<_, String>((given.token, given.expires_in))
        };
        assert_eq!(told("  abc.def\n"), Ok(("abc.def".into(), None)));
        assert_eq!(
            told("{\"access_token\": \"a\", \"expires_in\": \"60\"}"),
            Ok(("a".into(), Some(Duration::from_secs(60))))
        );
        for text in ["", " \n", "one\ntwo", "{\"token\": \"a\"}", "{"] {
            assert!(told(text).is_err(), "{text:?}");
        }
    }
}
