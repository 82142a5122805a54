//! A script as data: statements, what they select, and their edits; printed, it reads back as itself.

use super::glob::Glob;
use super::quantity::{Factor, Moment};
use crate::units::{Rate, Span};
use std::fmt;

/// Where something stands in a script, from 1. Two scripts that differ in this alone are the same script.
#[derive(Debug, Clone, Copy, Default)]
pub struct Spot {
    /// Line.
    pub line: u64,
    /// Column in letters.
    pub column: u64,
}

impl PartialEq for Spot {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Spot {}

/// Edits, in the order in which they are made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    /// The statements.
    pub statements: Vec<Statement>,
}

/// Edits of one selection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statement {
    /// What they are made to.
    pub select: Select,
    /// The edits.
    pub edits: Vec<Edit>,
}

/// Which series, and when. Nothing said: all, always.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Select {
    /// Names, one of which must fit.
    pub services: Vec<Named>,
    /// Names, none of which may fit.
    pub except: Vec<Named>,
    /// Labels, all of which must fit.
    pub labels: Vec<(String, Named)>,
    /// When.
    pub during: Option<During>,
}

/// A pattern of names and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The pattern.
    pub glob: Glob,
    /// Where.
    pub at: Spot,
}

/// From one moment to another; the first belongs to it, the last does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct During {
    /// `None`: from the begin.
    pub from: Option<Moment>,
    /// `None`: to the end.
    pub until: Option<Moment>,
    /// Where.
    pub at: Spot,
}

/// One edit and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Where.
    pub at: Spot,
    /// What.
    pub what: What,
}

/// What an edit does; [the module](super) says it precisely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Multiplies rates.
    Scale(Factor),
    /// Sets rates.
    Set(Rate),
    /// Adds to rates.
    Add(Rate),
    /// Keeps rates within bounds.
    Clip(Option<Rate>, Option<Rate>),
    /// A burst or a flash crowd.
    Surge(Surge),
    /// Keeps a part of the time.
    Cut(During),
    /// Moves series in time: later, or (`true`) earlier.
    Shift(Span, bool),
    /// The trace so many times, one after the other.
    Repeat(u64),
    /// The trace again and again, for so long.
    RepeatFor(Span),
    /// Rows at a step.
    Resample(Span),
    /// Means over a window.
    Smooth(Span),
    /// States unknown rates.
    Fill(Fill, Option<Span>),
    /// Removes series.
    Drop,
    /// Removes all other series.
    Keep,
    /// Gives series other names.
    Rename(Named, Named),
    /// Adds series up.
    Sum(Named),
    /// Takes the series of another file.
    Merge(Merge),
    /// Sorts rows by time.
    Sort,
    /// Moves the trace's own clock.
    Begin(Moment),
}

/// A time with many more requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surge {
    /// When it begins.
    pub start: Moment,
    /// How many times the rate at its height.
    pub times: Factor,
    /// How it goes.
    pub shape: Shape,
    /// Whose; all of the selection where none is named.
    pub to: Vec<Named>,
}

/// How a surge goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `span` long, of which it rises and falls for `ramp` each.
    Burst {
        /// From begin to end.
        span: Span,
        /// How long it rises, and how long it falls.
        ramp: Span,
    },
    /// A flash crowd: it rises for `rise` and then decays by `e` in every `decay`.
    Crowd {
        /// How long it rises.
        rise: Span,
        /// How long until 1/e is left.
        decay: Span,
    },
}

/// What an unknown rate becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// The one before.
    Previous,
    /// Zero.
    Zero,
    /// On the line between the one before and the one after.
    Linear,
}

/// The series of another file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// The file.
    pub file: String,
    /// Where its begin comes to lie.
    pub place: Alignment,
    /// Whether series of one name are added up.
    pub adding: bool,
}

/// How two traces lie in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alignment {
    /// The begin of the other at the begin of this one.
    Begin,
    /// The begin of the other at this moment.
    At(Moment),
    /// As their own clocks say.
    Clock,
}

impl Script {
    /// Whether nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }

    /// All edits.
    pub fn edits(&self) -> impl Iterator<Item = &Edit> {
        self.statements.iter().flat_map(|statement| &statement.edits)
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.statements.iter().try_for_each(|statement| writeln!(f, "{statement}"))
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<String> = self.edits.iter().map(|edit| edit.what.to_string()).collect();
        if self.select != Select::default() {
            parts.insert(0, self.select.to_string());
        }
        f.write_str(&parts.join(" | "))
    }
}

fn listed(names: &[Named]) -> String {
    names.iter().map(|named| named.glob.to_string()).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Select {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("select")?;
        if !self.services.is_empty() {
            write!(f, " service {}", listed(&self.services))?;
        }
        if !self.except.is_empty() {
            write!(f, " except {}", listed(&self.except))?;
        }
        for (name, value) in &self.labels {
            write!(f, " label {}={}", name, value.glob)?;
        }
        self.during.as_ref().map_or(Ok(()), |during| write!(f, " during {during}"))
    }
}

impl fmt::Display for During {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |moment: &Option<Moment>| moment.as_ref().map(ToString::to_string).unwrap_or_default();
        write!(f, "{}..{}", text(&self.from), text(&self.until))
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = |rate: &Option<Rate>| rate.map(|rate| rate.to_string()).unwrap_or_default();
        match self {
            Self::Scale(factor) => write!(f, "scale {factor}"),
            Self::Set(rate) => write!(f, "set {rate}"),
            Self::Add(rate) => write!(f, "add {rate}"),
            Self::Clip(low, high) => write!(f, "clip {}..{}", rate(low), rate(high)),
            Self::Surge(surge) => surge.fmt(f),
            Self::Cut(during) => write!(f, "cut {during}"),
            Self::Shift(span, earlier) => write!(f, "shift {}{span}", if *earlier { "-" } else { "" }),
            Self::Repeat(count) => write!(f, "repeat {count}"),
            Self::RepeatFor(span) => write!(f, "repeat for {span}"),
            Self::Resample(step) => write!(f, "resample {step}"),
            Self::Smooth(window) => write!(f, "smooth {window}"),
            Self::Fill(how, None) => write!(f, "fill {}", how.word()),
            Self::Fill(how, Some(step)) => write!(f, "fill {} every {step}", how.word()),
            Self::Drop => f.write_str("drop"),
            Self::Keep => f.write_str("keep"),
            Self::Rename(old, new) => write!(f, "rename {} to {}", old.glob, new.glob),
            Self::Sum(name) => write!(f, "sum into {}", name.glob),
            Self::Merge(merge) => merge.fmt(f),
            Self::Sort => f.write_str("sort"),
            Self::Begin(moment) => write!(f, "begin at {moment}"),
        }
    }
}

impl Fill {
    /// As it is written.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Previous => "previous",
            Self::Zero => "zero",
            Self::Linear => "linear",
        }
    }
}

impl fmt::Display for Surge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { start, times, shape, to } = self;
        match shape {
            Shape::Burst { span, ramp } if *ramp == Span::ZERO => {
                write!(f, "add burst at {start} for {span} times {times}")?;
            }
            Shape::Burst { span, ramp } => write!(f, "add burst at {start} for {span} times {times} ramp {ramp}")?,
            Shape::Crowd { rise, decay } => write!(f, "add crowd at {start} times {times} rise {rise} decay {decay}")?,
        }
        if to.is_empty() { Ok(()) } else { write!(f, " to {}", listed(to)) }
    }
}

impl fmt::Display for Merge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "merge {}", Glob::quoted(&self.file))?;
        match &self.place {
            Alignment::Begin => {}
            Alignment::At(moment) => write!(f, " at {moment}")?,
            Alignment::Clock => f.write_str(" by clock")?,
        }
        if self.adding { f.write_str(" adding") } else { Ok(()) }
    }
}
