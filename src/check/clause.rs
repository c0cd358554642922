//! The clauses of the contract, in the order in which they are shown. What is
//! asked of each is in its own file.

/// One clause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Clause {
    /// The address answers.
    Reachable,
    /// The credentials are taken.
    Credentials,
    /// The parameters are taken.
    Parameters,
    /// The rows are where the connection says.
    Rows,
    /// Each row has a key of its own.
    Key,
    /// Each row has a timestamp.
    Cursor,
    /// How fine the timestamps are.
    Precision,
    /// Rows come in the order of their timestamps.
    Sorted,
    /// The filter leaves out what is older than its bound, and nothing else.
    Filter,
    /// Every row passes a filter that is older than all rows.
    Coverage,
    /// Whether rows at the bound pass the filter.
    Bound,
    /// The API accepts timestamps as it writes them.
    Spelling,
    /// Rows of one timestamp keep their order.
    Ties,
    /// Rows are skipped as they are asked to be.
    Offset,
    /// The answer repeats the offset that was asked for.
    Echo,
    /// As many rows come as are asked for.
    Limit,
    /// The total counts the rows that pass the filter.
    Total,
    /// How deep offsets are served.
    Depth,
    /// What comes after the last row.
    End,
    /// A sync and the one after it can be rehearsed.
    Sync,
    /// What the API says of its limits.
    RateLimit,
    /// The API's clock and ours agree.
    Clock,
    /// The columns' types fit.
    Columns,
}

impl Clause {
    /// Whether a sync without it loses rows or fails, so that it has to be
    /// proved before anybody relies on a sync.
    pub(super) fn is_vital(self) -> bool {
        matches!(
            self,
            Self::Rows | Self::Key | Self::Cursor | Self::Sorted | Self::Filter | Self::Offset
        )
    }

    /// What it is called.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Reachable => "reachable",
            Self::Credentials => "credentials",
            Self::Parameters => "parameters",
            Self::Rows => "rows",
            Self::Key => "key",
            Self::Cursor => "cursor",
            Self::Precision => "precision",
            Self::Sorted => "sorted",
            Self::Filter => "filter",
            Self::Coverage => "coverage",
            Self::Bound => "bound",
            Self::Spelling => "spelling",
            Self::Ties => "ties",
            Self::Offset => "offset",
            Self::Echo => "echo",
            Self::Limit => "limit",
            Self::Total => "total",
            Self::Depth => "depth",
            Self::End => "end",
            Self::Sync => "sync",
            Self::RateLimit => "rate limit",
            Self::Clock => "clock",
            Self::Columns => "columns",
        }
    }
}
