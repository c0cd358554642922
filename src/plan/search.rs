//! Where to divide: what is known of how many rows lie before which instant,
//! and the instant to ask about next. It asks nobody and reads no clock.

use crate::cursor::Mark;
use crate::timestamp::Instant;

/// The number of questions for one edge. After these the nearest edge is taken.
const MOST: u32 = 40;
/// The same for the end, which can lie anywhere within many years.
const MOST_OF_END: u32 = 64;

/// A timestamp that a row has, and how many rows are older.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Point {
    /// The timestamp.
    pub(super) mark: Mark,
    /// Rows before it.
    pub(super) before: u64,
    /// Whoever asks from here up to there finds this row first.
    from: Instant,
    upto: Instant,
}

impl Point {
    fn new(mark: Mark, before: u64, asked: Instant) -> Self {
        Self {
            from: mark.at.min(asked),
            upto: mark.at.max(asked),
            mark,
            before,
        }
    }
}

/// How instants are written: the latest that can be written up to one, and the
/// first after one.
pub(super) trait Spelling {
    /// The latest instant up to this one that can be written.
    fn up_to(&self, at: Instant) -> Option<Mark>;
    /// The first instant after this one that can be written.
    fn after(&self, at: Instant) -> Option<Mark>;
}

/// What to do next for an edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// Ask which row comes first from here on, and how many there are.
    Ask(Mark),
    /// This is the edge.
    Edge(Point),
}

/// All that is known, oldest first. The first point is the oldest row, the last
/// one is the end, which no row needs to have at first.
#[derive(Debug)]
pub(super) struct Search {
    points: Vec<Point>,
    /// Rows in all.
    rows: u64,
    /// How far from its place an edge may lie.
    tolerance: u64,
    asked: u32,
}

impl Search {
    /// Between the oldest row and the end, where `rows` rows are to be divided
    /// into so many shards.
    pub(super) fn new(first: Mark, end: Mark, rows: u64, shards: u64) -> Self {
        let (start, stop) = (first.at, end.at);
        Self {
            points: vec![Point::new(first, 0, start), Point::new(end, rows, stop)],
            rows,
            tolerance: rows / shards.max(1) / 25,
            asked: 0,
        }
    }

    /// The end is to be a timestamp that a row has: one after which no more than
    /// so many rows are left, or the question that leads there.
    pub(super) fn last_row(&mut self, left: u64, spelling: &dyn Spelling) -> Next {
        let last = self.points.len() - 1;
        let (low, high) = (&self.points[last.saturating_sub(1)], &self.points[last]);
        let rest = self.rows.saturating_sub(low.before);
        if rest <= left || low.upto >= high.from || self.asked >= MOST_OF_END {
            return Next::Edge(low.clone());
        }
        self.asked += 1;
        let (from, upto) = (low.upto.to_nanos(), high.from.to_nanos());
        let middle = Instant::from_nanos(from + (upto - from) / 2);
        let next = middle.and_then(|at| spelling.up_to(at));
        match next.filter(|mark| mark.at > low.upto && mark.at < high.from) {
            Some(mark) => Next::Ask(mark),
            None => Next::Edge(low.clone()),
        }
    }

    /// Ends at this point, which is one of these.
    pub(super) fn end_at(&mut self, point: &Point, shards: u64) {
        self.points.retain(|known| known.mark.at <= point.mark.at);
        self.rows = point.before;
        self.tolerance = self.rows / shards.max(1) / 25;
    }

    /// The next edge is looked for.
    pub(super) fn begin(&mut self) {
        self.asked = 0;
    }

    /// The edge before which `target` rows are to lie, or the question that
    /// leads there.
    pub(super) fn next(&mut self, target: u64, spelling: &dyn Spelling) -> Next {
        let target = target.min(self.rows);
        let high = self.points.partition_point(|point| point.before < target);
        let (Some(low), Some(high)) = (
            self.points.get(high.saturating_sub(1)),
            self.points.get(high),
        ) else {
            // Targets lie between the first point and the last.
            return Next::Edge(self.points[self.points.len() - 1].clone());
        };
        let near = if target - low.before.min(target) <= high.before - target {
            low
        } else {
            high
        };
        let found = near.before.abs_diff(target) <= self.tolerance;
        let room = low.upto < high.from;
        if found || !room || self.asked >= MOST {
            return Next::Edge(near.clone());
        }
        let (from, upto) = (low.upto.to_nanos(), high.from.to_nanos());
        let wide = upto - from;
        let share = match self.asked % 3 {
            // First as if rows were spread evenly; then the middle, which
            // halves the search wherever the rows are.
            0 => {
                let part = i128::from(target - low.before.min(target));
                let all = i128::from((high.before - low.before).max(1));
                // The division comes first, since a product of both could be
                // too large.
                wide / all * part + wide % all * part / all
            }
            1 => wide / 2,
            // This is one step further, past a crowd of rows at one instant.
            _ => 0,
        };
        let inside = |mark: &Mark| mark.at > low.upto && mark.at < high.from;
        let middle = Instant::from_nanos(from + share);
        let spelled = middle.filter(|_| share > 0);
        let spelled = spelled.and_then(|at| spelling.up_to(at)).filter(inside);
        let next = spelled.or_else(|| spelling.after(low.upto).filter(inside));
        self.asked += 1;
        match next {
            Some(mark) => Next::Ask(mark),
            None => Next::Edge(near.clone()),
        }
    }

    /// Takes an answer: the first row from `asked` on, and how many there are
    /// before it.
    pub(super) fn take(&mut self, asked: Instant, first: Option<Mark>, before: u64) {
        let end = self.points.len() - 1;
        let stop = self.points[end].mark.at;
        let Some(mark) = first.filter(|first| first.at < stop) else {
            let last = &mut self.points[end];
            last.from = last.from.min(asked);
            return;
        };
        match self
            .points
            .binary_search_by_key(&mark.at, |point| point.mark.at)
        {
            Ok(known) => {
                let point = &mut self.points[known];
                point.from = point.from.min(asked);
                point.upto = point.upto.max(asked);
            }
            // The oldest row has changed meanwhile, or another came before it.
            Err(0) => self.points[0].upto = self.points[0].upto.max(asked),
            Err(place) => {
                // Rows change while they are counted.
                let least = self.points[place - 1].before;
                let most = self.points[place].before.max(least);
                let before = before.clamp(least, most);
                self.points.insert(place, Point::new(mark, before, asked));
            }
        }
    }

    /// Forgets an edge whose row is not there any more.
    pub(super) fn forget(&mut self, edge: &Mark) {
        let end = self.points.len() - 1;
        let found = self.points[..end]
            .iter()
            .position(|point| point.mark == *edge);
        if let Some(place) = found.filter(|_| end > 1) {
            self.points.remove(place);
        }
    }

    /// Whether no row lies before a timestamp that is later than the first one:
    /// then the total does not count them all.
    pub(super) fn is_flat(&self) -> bool {
        let inner = 1..self.points.len() - 1;
        self.points[inner].iter().any(|point| point.before == 0)
    }

    /// The end.
    pub(super) fn last(&self) -> Point {
        self.points[self.points.len() - 1].clone()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    struct Seconds;

    fn mark(secs: i64) -> Mark {
        Mark {
            text: secs.to_string(),
            at: Instant { secs, nanos: 0 },
        }
    }

    impl Spelling for Seconds {
        fn up_to(&self, at: Instant) -> Option<Mark> {
            Some(mark(at.secs))
        }
        fn after(&self, at: Instant) -> Option<Mark> {
            Some(mark(at.secs + 1))
        }
    }

    /// Divides rows at these seconds; how many lie before each edge, and how
    /// many questions it took.
    fn divide(rows: &[i64], shards: u64) -> (Vec<u64>, u32) {
        let total = rows.len() as u64;
        let end = rows[rows.len() - 1] + 1;
        let mut search = Search::new(mark(rows[0]), mark(end), total, shards);
        let (mut edges, mut asked) = (Vec::new(), 0);
        for nth in 1..shards {
            search.begin();
            let edge = loop {
                match search.next(total * nth / shards, &Seconds) {
                    Next::Edge(edge) => break edge,
                    Next::Ask(from) => {
                        asked += 1;
                        let place = rows.partition_point(|at| *at < from.at.secs);
                        let first = rows.get(place).map(|at| mark(*at));
                        search.take(from.at, first, place as u64);
                    }
                }
            };
            let place = rows.partition_point(|at| *at < edge.mark.at.secs) as u64;
            assert_eq!(edge.before, place);
            edges.push(place);
        }
        (edges, asked)
    }

    #[test]
    fn even_rows_are_divided_with_a_question_or_two_an_edge() {
        let rows: Vec<i64> = (0..100_000).map(|n| n * 7).collect();
        let (edges, asked) = divide(&rows, 8);
        assert!(asked <= 14, "{asked}");
        for (nth, edge) in edges.iter().enumerate() {
            assert!(edge.abs_diff((nth as u64 + 1) * 12_500) <= 500, "{edges:?}");
        }
    }

    #[test]
    fn rows_in_clusters_are_divided_too_where_they_can_be() {
        // Nine tenths within a minute of ten years.
        let mut rows: Vec<i64> = (0..1000).map(|n| n * 300_000).collect();
        rows.extend((0..9000).map(|n| 150_000_000 + n / 150));
        rows.sort_unstable();
        let (edges, asked) = divide(&rows, 8);
        assert!(asked <= 7 * 30, "{asked}");
        for (nth, edge) in edges.iter().enumerate() {
            assert!(edge.abs_diff((nth as u64 + 1) * 1250) <= 150, "{edges:?}");
        }
    }

    #[test]
    fn a_crowd_at_one_instant_is_not_divided_and_costs_few_questions() {
        let mut rows: Vec<i64> = (0..1000).map(|n| n * 300_000).collect();
        rows.extend([150_000_000; 9000]);
        rows.sort_unstable();
        let (edges, asked) = divide(&rows, 4);
        assert_eq!(edges, [500, 500, 9501]);
        assert!(asked <= 3 * MOST, "{asked}");
        let (edges, asked) = divide(&[5; 100], 4);
        assert_eq!((edges, asked), (vec![0, 0, 100], 0));
    }

    #[test]
    fn the_end_is_one_of_the_last_rows_wherever_it_lies() {
        for (gap, left) in [(1, 1), (100, 50), (1_000_000_000, 50), (1_000_000_000, 1)] {
            let rows: Vec<i64> = (0..100_000).map(|n| n * 7).collect();
            let end = rows[rows.len() - 1] + gap;
            let mut search = Search::new(mark(0), mark(end), 100_000, 8);
            let mut asked = 0;
            let point = loop {
                match search.last_row(left, &Seconds) {
                    Next::Edge(point) => break point,
                    Next::Ask(from) => {
                        asked += 1;
                        let place = rows.partition_point(|at| *at < from.at.secs);
                        let first = rows.get(place).map(|at| mark(*at));
                        search.take(from.at, first, place as u64);
                    }
                }
            };
            assert!(100_000 - point.before <= left, "{gap} {left}: {point:?}");
            assert!(asked <= 31, "{gap} {left}: {asked}");
            search.end_at(&point, 8);
            assert_eq!(search.last(), point);
            assert!(matches!(
                search.next(point.before / 2, &Seconds),
                Next::Ask(_) | Next::Edge(_)
            ));
        }
    }

    #[test]
    fn the_smallest_tables_are_divided_row_by_row() {
        assert_eq!(divide(&[1], 1).0, Vec::<u64>::new());
        assert_eq!(divide(&[1, 5, 9], 3).0, [1, 2]);
        assert_eq!(divide(&[1, 2], 4).0, [0, 1, 1]);
    }
}
