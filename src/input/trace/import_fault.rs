//! What can be wrong with a trace that another tool wrote, and what would be right.

use crate::units::Bytes;

/// What is wrong, and on the second line what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportFault {
    /// A format that does not exist.
    #[error("no trace format is called `{name}`\n  formats are {known}")]
    UnknownFormat {
        /// As it was written.
        name: String,
        /// All formats.
        known: String,
    },
    /// A format that is packed in another way.
    #[error("a file of format `{format}` does not end like this\n  it ends in {endings}")]
    OtherEnding {
        /// The format.
        format: &'static str,
        /// Its endings.
        endings: String,
    },
    /// A text that begins like none of the formats.
    #[error("the file begins like no format that we know: `{begin}`\n  `format:` says which it is: {known}")]
    UnknownBegin {
        /// The first bytes.
        begin: String,
        /// Formats that are text.
        known: String,
    },
    /// An option without effect.
    #[error("`{option}` means nothing for the format `{format}`\n  it takes {takes}")]
    NoUse {
        /// The format.
        format: &'static str,
        /// The option.
        option: &'static str,
        /// What the format takes.
        takes: String,
    },
    /// An option that the format cannot do without.
    #[error("the format `{format}` does not say {what}\n  say it by `{option}`")]
    Needed {
        /// The format.
        format: &'static str,
        /// What is missing.
        what: &'static str,
        /// The option, with an example.
        option: &'static str,
    },
    /// A value of `service_from` that a format does not know.
    #[error("`service_from: {found}` names nothing that a request has\n  write {known}")]
    ServiceFrom {
        /// As it was written.
        found: String,
        /// What there is.
        known: String,
    },
    /// A column that was named and is not there.
    #[error("there is no column `{column}`, only {found}\n  `{option}` names a column of the header")]
    NoColumn {
        /// The column.
        column: String,
        /// The columns that are there.
        found: String,
        /// The option that names it.
        option: &'static str,
    },
    /// A header of something else.
    #[error("the header is not that of the format `{format}`\n  {expected}")]
    OtherHeader {
        /// The format.
        format: &'static str,
        /// What its header looks like.
        expected: String,
    },
    /// A line that is none of the format.
    #[error(
        "`{text}` cannot be read: {why}\n  a line holds the middle of an interval and its arrivals, like `0.5,306.0;`"
    )]
    NotALine {
        /// The line.
        text: String,
        /// Why.
        why: &'static str,
    },
    /// A number of requests that is none.
    #[error("`{text}` is not a number of requests: {why}\n  write a number that is not negative, like `94`")]
    NotACount {
        /// As it was found.
        text: String,
        /// Why.
        why: &'static str,
    },
    /// A time that is none.
    #[error(
        "`{text}` is not a time: {why}\n  write it like `2024-02-29T12:00:00Z`, `2024-02-29 12:00:00+01:00` or `1709208000`"
    )]
    NotATime {
        /// As it was found.
        text: String,
        /// Why.
        why: &'static str,
    },
    /// A local time of nowhere.
    #[error("`{0}` states no time zone\n  say which it is, like `timezone: UTC` or `timezone: +02:00`")]
    NoZone(String),
    /// A number that may be seconds or anything else.
    #[error(
        "`{0}` may be seconds, milliseconds or anything else\n  name the column with its unit, like `arrived_ms`: only numbers of the years 1973 to 2286 tell by themselves"
    )]
    UnclearUnit(String),
    /// Two kinds of times in one file.
    #[error("`{text}` is {found}, but the times before are {before}\n  one file has one kind of time")]
    MixedTimes {
        /// As it was found.
        text: String,
        /// What it is.
        found: String,
        /// What the others are.
        before: String,
    },
    /// A request that is much too late.
    #[error(
        "{at} s stands {behind} s behind the latest time before it\n  sort the file, or allow more than {allowed} s by `out_of_order`"
    )]
    TooLate {
        /// Its time.
        at: String,
        /// How far behind.
        behind: String,
        /// How far is allowed.
        allowed: String,
    },
    /// Lines that are none of the format.
    #[error(
        "{what}; so are {malformed} of {lines} lines, more than {percent} %\n  remove what is not of the log, or name the right `format`"
    )]
    Malformed {
        /// What the first of them is.
        what: &'static str,
        /// How many of them.
        malformed: u64,
        /// Of how many.
        lines: u64,
        /// How many are allowed.
        percent: u64,
    },
    /// JSON that is none, or says something else.
    #[error(
        "not an answer of a range query: {0}\n  a file holds what `/api/v1/query_range` answers, one answer or several"
    )]
    Json(String),
    /// An answer of another kind.
    #[error("the answer holds {0}\n  ask `/api/v1/query_range`, which answers with a matrix")]
    NotAMatrix(String),
    /// A query that failed.
    #[error("the answer is an error: {0}\n  ask again")]
    QueryFailed(String),
    /// A series that does not say whose it is.
    #[error("a series has no label `{label}`, only {found}\n  `service_from` names the label that says the service")]
    NoLabel {
        /// The label.
        label: String,
        /// The labels that are there.
        found: String,
    },
    /// Two values at once that contradict each other.
    #[error("`{service}` has two values at {at} s, {first} and {second}\n  remove one of them")]
    Contradiction {
        /// The service.
        service: String,
        /// When.
        at: String,
        /// The first one.
        first: String,
        /// The other.
        second: String,
    },
    /// Something that has to be held whole and is too large for it.
    #[error("{what} is longer than {limit}\n  is the file what its format says? if so, split it")]
    TooLong {
        /// What.
        what: &'static str,
        /// The limit.
        limit: Bytes,
    },
    /// A file that continues another one and begins before its end.
    #[error("begins at {at} s, but the file before it goes on until {previous} s\n  list the files of `then` by time")]
    NotAfter {
        /// The first time here.
        at: String,
        /// The last time there.
        previous: String,
    },
    /// A trace that begins before its own zero.
    #[error(
        "begins at {begin} s, before its `epoch` {epoch} s\n  write an earlier `epoch`; `from` leaves out the begin of a trace"
    )]
    BeforeEpoch {
        /// The first time.
        begin: String,
        /// The time that was to be 0.
        epoch: String,
    },
    /// A value that fits no counter.
    #[error("{0}\n  split the file, or choose a larger `step`")]
    TooMuch(&'static str),
}
