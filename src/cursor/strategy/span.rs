//! How many pages a window may have. Where rows move while they are read, a
//! window of one page cannot drift; where they rest, fewer windows spare the
//! API's counting. After a drift windows are one page long, then two, four
//! and so on; each further drift doubles how long the short ones are kept.

/// The most windows of one length in a row before longer ones are tried.
const PATIENCE: u32 = 64;

/// The length of windows.
#[derive(Debug, Default)]
pub(in crate::cursor) struct Span {
    /// Pages, None for as many as there are.
    pages: Option<u64>,
    /// Windows of this length that are still to come.
    calm: u32,
    patience: u32,
}

impl Span {
    /// Whether a window of so many pages is long enough.
    pub(in crate::cursor) fn is_over(&self, pages: u64) -> bool {
        self.pages.is_some_and(|most| pages >= most)
    }

    /// Rows have moved within a window.
    pub(in crate::cursor) fn drift(&mut self) {
        self.patience = (self.patience * 2).clamp(1, PATIENCE);
        self.pages = Some(1);
        self.calm = self.patience;
    }

    /// A window was closed without a drift; `most` pages need no limit.
    pub(in crate::cursor) fn close(&mut self, most: u64) {
        self.calm = self.calm.saturating_sub(1);
        if self.calm > 0 {
            return;
        }
        self.pages = self
            .pages
            .map(|pages| pages * 2)
            .filter(|pages| *pages < most);
        self.calm = 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_one_page_long_after_a_drift_and_double_while_nothing_moves() {
        let mut span = Span::default();
        assert!(!span.is_over(1_000));
        span.drift();
        for pages in [1, 2, 4, 8] {
            assert!(span.is_over(pages) && !span.is_over(pages - 1));
            span.close(16);
        }
        assert!(!span.is_over(1_000));
    }

    #[test]
    fn each_further_drift_keeps_them_short_for_longer() {
        let mut span = Span::default();
        let mut lengths = Vec::new();
        for _ in 0..8 {
            span.drift();
            let mut short = 0;
            while span.is_over(1) {
                short += 1;
                span.close(100);
            }
            lengths.push(short);
        }
        assert_eq!(lengths, [1, 2, 4, 8, 16, 32, 64, 64]);
    }
}
