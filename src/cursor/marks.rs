//! How far the reading got: the last timestamp, the high-water mark, and where
//! the next sync takes up. None of them passes a row that was not read, and
//! none goes back, but to proved ground where a proof refutes the walk.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::proof::ground::Ground;
use super::window::Window;
use super::{Bound, Mark, Question, Rows, Settings};
use crate::timestamp::Instant;

/// The marks of a sync.
#[derive(Debug)]
pub(super) struct Marks {
    /// The last timestamp read and the one before it. Where rows are not
    /// sorted, the newest from before the walk, and the newest ripe one.
    last: Option<Mark>,
    before: Option<Mark>,
    mark: Option<Mark>,
    /// Where the next sync resumes: this mark, or else where this one began.
    resume: Bound,
    resume_mark: Option<Mark>,
    /// Set once a row was read that was too young to be passed for good.
    frozen: bool,
    /// Where rows are not sorted, timestamps that are ripe by the clock but
    /// may not be by the newest row, which is known when all rows are.
    recent: BTreeMap<Instant, String>,
    /// Where rows are sorted, these, each with how old it was by the clock.
    waiting: VecDeque<Waiting>,
    /// A row that is to be looked at again: the resume bound stays before it.
    cap: Instant,
}

/// A timestamp that the resume bound moves to if the newest row agrees.
#[derive(Debug)]
struct Waiting {
    mark: Mark,
    /// How much older than the lookback it was when it was asked for.
    spare: Duration,
    /// How its rows were reached, and from which bound.
    question: Question,
    bound: Instant,
}

/// Of so many parts of a page each has a timestamp that waits.
const PARTS: usize = 8;

/// What the clocks say of a page's rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ages {
    /// Rows up to here are older than the lookback.
    pub(super) old: Instant,
    /// By how much the rows' own clock may be behind.
    pub(super) skew: Duration,
    /// Rows beyond this carry a timestamp of the far future.
    pub(super) horizon: Instant,
}

impl Marks {
    pub(super) fn new(bound: Bound, mark: Option<Mark>) -> Self {
        Self {
            last: None,
            before: None,
            mark,
            resume: bound,
            resume_mark: None,
            frozen: false,
            recent: BTreeMap::new(),
            waiting: VecDeque::new(),
            cap: Instant::MAX,
        }
    }

    pub(super) fn last(&self) -> Option<&Mark> {
        self.last.as_ref()
    }

    pub(super) fn mark(&self) -> Option<&Mark> {
        self.mark.as_ref()
    }

    /// Where the next sync is to ask from.
    pub(super) fn resume(&self) -> &Bound {
        &self.resume
    }

    /// The same as the API spelled it, or where this sync began.
    pub(super) fn resume_text(&self) -> Option<&str> {
        let received = self.resume_mark.as_ref().map(|mark| &*mark.text);
        received.or(self.resume.text.as_deref())
    }

    /// Where this one began, as long as the next one is to begin there: rows before
    /// that instant are not wanted, whatever the bound's text lets through.
    pub(super) fn start_at(&self) -> Option<Instant> {
        let at = self.resume.at;
        (self.resume_mark.is_none() && at != Instant::MIN).then_some(at)
    }

    /// Keeps the resume bound from passing a row that is to be read again.
    pub(super) fn hold(&mut self, at: Instant) {
        self.cap = self.cap.min(at);
    }

    /// Leaves the resume bound where it is from here on.
    pub(super) fn freeze(&mut self) {
        self.frozen = true;
    }

    pub(super) fn ground(&self) -> Ground {
        Ground {
            mark: self.mark.clone(),
            resume: self.resume.clone(),
            resume_mark: self.resume_mark.clone(),
        }
    }

    /// Goes back to proved ground.
    pub(super) fn return_to(&mut self, ground: &Ground) {
        self.mark.clone_from(&ground.mark);
        self.resume.clone_from(&ground.resume);
        self.resume_mark.clone_from(&ground.resume_mark);
    }

    /// The bound that everything not read yet is at or after; `from` is that
    /// of the present window.
    pub(super) fn anchor(&self, set: &Settings, from: &Bound) -> Bound {
        let last = if set.exclusive {
            &self.before
        } else {
            &self.last
        };
        last.as_ref()
            .filter(|_| set.sorted())
            .map(|mark| Bound::spelled(mark, &set.format))
            .filter(|anchor| anchor.at > from.at)
            .unwrap_or_else(|| from.clone())
    }

    /// Moves up to the first `inside` rows of a page. Where the resume bound
    /// moves, how its rows were reached, if that was from an older bound.
    /// Where the page is not known to be gapless, it does not move.
    pub(super) fn advance<R: Rows>(
        &mut self,
        page: &R,
        inside: usize,
        ages: Ages,
        window: Option<&Window>,
        set: &Settings,
    ) -> Option<Question> {
        let end = inside.checked_sub(1)?;
        let passed = (0..inside).rev().find(|row| page.at(*row) <= ages.old);
        if let Some((row, window)) = passed.zip(window)
            && !self.frozen
        {
            self.wait(page, row, ages, window, set);
        }
        let reached = self.resume_at(ages.skew, set);
        self.frozen |= passed != Some(end);
        if (self.last.as_ref()).is_none_or(|last| last.at < page.at(end)) {
            self.before = self.previous(page, end);
            self.last = Some(Mark::of(page, end));
            let newest = (0..inside).rev().find(|row| page.at(*row) <= ages.horizon);
            if let Some(row) = newest {
                self.raise(page, row);
            }
        }
        reached
    }

    /// Puts some of a page's timestamps up to that of `last` in the queue.
    fn wait<R: Rows>(
        &mut self,
        page: &R,
        last: usize,
        ages: Ages,
        window: &Window,
        set: &Settings,
    ) {
        let parts = if ages.skew.is_zero() { 1 } else { PARTS };
        for part in 1..=parts {
            let row = (last + 1) * part / parts;
            let Some(row) = row.checked_sub(1) else {
                continue;
            };
            let mark = if set.exclusive {
                self.previous(page, row)
            } else {
                Some(Mark::of(page, row))
            };
            let Some(mark) = mark else {
                continue;
            };
            let spare = ages.old.to_nanos() - page.at(row).to_nanos();
            self.waiting.push_back(Waiting {
                mark,
                spare: Duration::from_nanos(u64::try_from(spare).unwrap_or(u64::MAX)),
                question: window.question(),
                bound: window.bound().at,
            });
        }
    }

    /// Moves the resume bound as far as the newest row allows.
    fn resume_at(&mut self, skew: Duration, set: &Settings) -> Option<Question> {
        let mut reached = None;
        while let Some(next) = self.waiting.front() {
            let free = next.mark.at < self.cap || next.mark.at == self.cap && !set.exclusive;
            if next.spare < skew || !free {
                break;
            }
            let Some(next) = self.waiting.pop_front() else {
                break;
            };
            let newer = match &self.resume_mark {
                Some(resume) => next.mark.at > resume.at,
                None => next.mark.at >= self.resume.at,
            };
            if !newer {
                continue;
            }
            let bound = Bound::spelled(&next.mark, &set.format);
            let older = next.bound < bound.at && next.question.since != bound.text;
            if bound.at > self.resume.at && older {
                reached = Some(next.question);
            }
            self.resume = Bound {
                at: bound.at.max(self.resume.at),
                text: bound.text,
            };
            self.resume_mark = Some(next.mark);
        }
        reached
    }

    fn raise<R: Rows>(&mut self, page: &R, row: usize) {
        if self
            .mark
            .as_ref()
            .is_none_or(|mark| mark.at <= page.at(row))
        {
            self.mark = Some(Mark::of(page, row));
        }
    }

    /// The last timestamp before a row's, as far as it was read.
    fn previous<R: Rows>(&self, page: &R, row: usize) -> Option<Mark> {
        let at = page.at(row);
        if let Some(older) = (0..row).rev().find(|older| page.at(*older) < at) {
            return Some(Mark::of(page, older));
        }
        let older = |mark: &&Mark| mark.at < at;
        let last = self.last.as_ref().filter(older);
        last.or(self.before.as_ref().filter(older)).cloned()
    }

    /// Takes note of a row of a table in no order: those up to `known` are
    /// known when the walk ends, those up to `sure` for good, and those up to
    /// `ripe` if the newest row does not say otherwise.
    pub(super) fn gather<R: Rows>(
        &mut self,
        page: &R,
        row: usize,
        (known, ripe, sure): (Instant, Instant, Instant),
    ) {
        let at = page.at(row);
        if at <= known && self.last.as_ref().is_none_or(|last| last.at < at) {
            self.last = Some(Mark::of(page, row));
        }
        if at <= sure && self.before.as_ref().is_none_or(|before| before.at < at) {
            self.before = Some(Mark::of(page, row));
        }
        if at > sure && at <= ripe {
            self.recent.entry(at).or_insert_with(|| page.mark(row));
        }
    }

    /// The newest timestamp of a table in no order that is old enough: up to
    /// `ripe`, or before it where the bound is exclusive.
    pub(super) fn ripe(&self, ripe: Instant, set: &Settings) -> Option<Mark> {
        let ripe = ripe.min(self.cap);
        let old = |at: &Instant| *at < ripe || (*at == ripe && !set.exclusive);
        let recent = self.recent.iter().rev().find(|(at, _)| old(at));
        let recent = recent.map(|(at, text)| Mark {
            text: text.clone(),
            at: *at,
        });
        let before = || self.before.clone().filter(|mark| old(&mark.at));
        recent.or_else(before)
    }

    /// Moves the mark once all rows in no order were read, and the resume
    /// bound to `ripe`; whether the bound moved.
    pub(super) fn conclude(&mut self, ripe: Option<Mark>, set: &Settings) -> bool {
        let newer = |last: &&Mark| self.mark.as_ref().is_none_or(|mark| mark.at < last.at);
        if let Some(last) = self.last.as_ref().filter(newer) {
            self.mark = Some(last.clone());
        }
        let Some(ripe) = ripe else {
            return false;
        };
        let bound = Bound::spelled(&ripe, &set.format);
        if bound.at < self.resume.at {
            return false;
        }
        let moved = bound.at > self.resume.at;
        self.resume = bound;
        self.resume_mark = Some(ripe);
        moved
    }
}
