//! What an answer may not be: for another offset, empty below its own total,
//! out of order.

use super::super::Rows;
use crate::error::{Error, Result};

/// Refuses an answer for another offset than the one that was asked for.
pub(in crate::cursor) fn check_echo(echoed: Option<u64>, asked: u64) -> Result<()> {
    match echoed.filter(|echoed| *echoed != asked) {
        None => Ok(()),
        Some(echoed) => Err(Error::contract(format!(
            "the answer is for offset {echoed}, asked for was {asked}"
        ))
        .hint("does the API honour the offset? highwater check tells")),
    }
}

/// Refuses an empty page that starts before the end that it tells itself.
pub(in crate::cursor) fn check_empty(rows: u64, total: Option<u64>, from: u64) -> Result<()> {
    match total.filter(|total| rows == 0 && *total > from) {
        None => Ok(()),
        Some(total) => Err(Error::contract(format!(
            "an empty page, though the total is {total}"
        ))
        .hint("the API caps its offsets (try --max-offset below this one), its permissions hide rows, or the total counts rows that the filter leaves out (then set \"total\": null)")),
    }
}

/// Refuses rows that are not sorted by the cursor, ascending.
pub(in crate::cursor) fn check_order<R: Rows>(page: &R) -> Result<()> {
    let mut rows = 1..page.count();
    match rows.find(|row| page.at(*row) < page.at(row - 1)) {
        None => Ok(()),
        Some(row) => {
            let (earlier, later) = (page.mark(row - 1), page.mark(row));
            Err(Error::contract(format!(
                "rows are out of order: {later:?} comes after {earlier:?}"
            ))
            .at(format_args!("row {row} (id {:?})", page.shown(row)))
            .hint("have the API sort by the cursor, ascending, with a parameter in \"query\"; if it cannot, set \"sorted\": false"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{page, reason};
    use super::*;

    #[test]
    fn an_echo_of_another_offset_is_refused_and_none_is_not() {
        assert!(check_echo(None, 5).is_ok() && check_echo(Some(5), 5).is_ok());
        assert!(reason(check_echo(Some(7), 5)).contains("for offset 7, asked for was 5"));
    }

    #[test]
    fn an_empty_page_is_refused_only_below_its_own_total() {
        assert!(check_empty(0, Some(5), 5).is_ok() && check_empty(0, None, 5).is_ok());
        assert!(check_empty(1, Some(9), 5).is_ok());
        assert!(reason(check_empty(0, Some(6), 5)).contains("the total is 6"));
    }

    #[test]
    fn rows_out_of_order_are_named() {
        assert!(check_order(&page(&[(1, 1), (2, 1), (3, 2)])).is_ok());
        let error = reason(check_order(&page(&[(1, 1), (2, 3), (3, 2)])));
        assert!(error.starts_with("row 2 (id \"3\")"), "{error}");
    }
}
