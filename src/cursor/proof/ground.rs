//! Memory of a refuted walk: the last ground that is proved, to which the
//! state returns when an answer speaks against the walk. What is after it
//! may have been skipped, so the next sync begins there; rows may come once
//! more then, and none is lost.

use super::super::{Bound, Mark};

/// How far everything is proved.
#[derive(Debug, Clone)]
pub(in crate::cursor) struct Ground {
    /// The high-water mark.
    pub(in crate::cursor) mark: Option<Mark>,
    /// Where the next sync asks from: a mark, or else where this one began.
    pub(in crate::cursor) resume: Bound,
    pub(in crate::cursor) resume_mark: Option<Mark>,
}

/// From where on a walk is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cursor) enum Doubt {
    /// From the present page on: all that was read before it is proved.
    Here,
    /// From where the window before this one was opened.
    Window,
    /// From where the bound was last confirmed.
    Confirmed,
    /// From where the sync began.
    Start,
}

#[cfg(test)]
mod tests {
    use super::super::super::marks::Marks;
    use super::super::super::testing::{bound, instant};
    use super::super::super::trust::Trust;
    use super::*;
    use crate::error::Error;
    use crate::seen::Seen;

    fn at(secs: i64) -> Ground {
        Marks::new(bound(instant(secs)), None).ground()
    }

    #[test]
    fn the_state_returns_to_what_was_proved_before_the_answer_in_doubt() {
        let mut trust = Trust::new(at(1), Seen::default(), None, Bound::NONE, None);
        trust.confirm(at(2));
        trust.turn_to(at(4));
        let error = Error::contract("rows are out of order");
        for (doubt, proved) in [(Doubt::Start, 1), (Doubt::Confirmed, 2), (Doubt::Here, 4)] {
            let ground = trust.refute(&error, doubt);
            assert_eq!(ground.resume.at, instant(proved), "{doubt:?}");
        }
        assert_eq!(trust.refuted(), Some("rows are out of order"));
        trust.believe();
        assert_eq!(trust.refuted(), None);
    }

    #[test]
    fn marks_return_to_the_ground_and_keep_nothing_that_lies_after_it() {
        let mut marks = Marks::new(bound(instant(5)), None);
        marks.return_to(&at(3));
        assert_eq!(marks.resume().at, instant(3));
        assert_eq!(marks.resume_text(), bound(instant(3)).text.as_deref());
        assert!(marks.mark().is_none());
    }
}
