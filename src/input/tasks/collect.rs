//! From the tasks of a file to the tasks of a run: alike ones become a class, times start from zero, the window is cut.

use crate::input::trace::{Fault, Place, TraceError};
use crate::model::resources::DEVICE;
use crate::units::{Bytes, MilliCores, Ratio, Span, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Tasks that one scenario may have; beyond, `until` or `scale` makes it fewer. 40 bytes each.
pub const TASKS_MAX: usize = 10_000_000;
/// Classes that one scenario may have; beyond, `round` makes it fewer. A decision looks at each of them.
pub const SHAPES_MAX: usize = 20_000;

/// What a task asks for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Shape {
    /// CPU.
    pub cpu: MilliCores,
    /// Memory.
    pub memory: Bytes,
    /// Accelerators, in thousandths: less than one device, or whole ones.
    pub gpu: u64,
    /// Kinds of accelerators that will do; empty: any.
    pub kinds: BTreeSet<String>,
}

/// A task as a file has it.
#[derive(Debug, Clone, Default)]
pub struct Raw {
    /// When it arrived, in nanoseconds of the file's clock.
    pub at: u64,
    /// How long it ran; `None` where it never ended.
    pub duration: Option<Span>,
    /// What it asked for.
    pub shape: Shape,
    /// CPU that it used on average, where the file says so.
    pub cpu_used: Option<MilliCores>,
}

/// What is done to the tasks of a file.
#[derive(Debug, Clone)]
pub struct TaskOptions {
    /// Where the window begins and ends, in the file's time (its first task is 0): the begin becomes the file's begin.
    pub window: (Time, Time),
    /// How long after the start of the run the window begins.
    pub shift: Span,
    /// Each task comes so many times: 0.5 keeps every other one.
    pub scale: Ratio,
    /// How long all tasks run, whatever the file says.
    pub duration: Option<Span>,
    /// Nobody ever goes.
    pub stay: bool,
    /// Requests are rounded up to multiples of these.
    pub round: (MilliCores, Bytes),
    /// What 1.0 means where requests are shares of a machine.
    pub whole: Option<(MilliCores, Bytes)>,
    /// CPU that a task uses, as a share of what it asks for, where the file does not say.
    pub cpu_used: Ratio,
}

impl Default for TaskOptions {
    fn default() -> Self {
        Self {
            window: (Time::ZERO, Time::MAX),
            shift: Span::ZERO,
            scale: Ratio::ONE,
            duration: None,
            stay: false,
            round: (MilliCores(1), Bytes(1)),
            whole: None,
            cpu_used: Ratio::ONE,
        }
    }
}

/// One task of a [`Collected`] file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// When, in the time of the run.
    pub at: Time,
    /// Index of its shape.
    pub shape: u32,
    /// How long it runs.
    pub duration: Option<Span>,
    /// CPU that it uses.
    pub cpu_used: MilliCores,
}

/// The tasks of a file, ready for a run.
#[derive(Debug, Clone, Default)]
pub struct Collected {
    /// By arrival; those that arrive together in the order of the file.
    pub rows: Vec<Row>,
    /// What they ask for.
    pub shapes: Vec<Shape>,
    /// Tasks in the file, windows and scales aside.
    pub read: u64,
    /// What is unusual, in sentences.
    pub notes: Vec<String>,
}

/// Takes tasks as they are read.
pub struct Collector<'a> {
    path: PathBuf,
    options: &'a TaskOptions,
    known: BTreeMap<Shape, u32>,
    /// Their times are those of the file until all are there.
    rows: Vec<Row>,
    read: u64,
    unsorted: bool,
    /// What is unusual about the file.
    pub notes: Vec<String>,
}

impl<'a> Collector<'a> {
    /// For the file at `path`.
    pub fn new(path: &Path, options: &'a TaskOptions) -> Self {
        let (known, rows, notes) = (BTreeMap::new(), Vec::new(), Vec::new());
        Self { path: path.to_owned(), options, known, rows, read: 0, unsorted: false, notes }
    }

    /// What is done to the tasks.
    pub const fn options(&self) -> &TaskOptions {
        self.options
    }

    /// Takes a task that stands at `place`.
    ///
    /// # Errors
    /// Where there are too many of them, or of different ones.
    pub fn push(&mut self, raw: Raw, place: Place) -> Result<(), TraceError> {
        self.read += 1;
        let shape = self.shape(raw.shape, place)?;
        self.unsorted |= self.rows.last().is_some_and(|last| raw.at < last.at.0);
        let duration = if self.options.stay { None } else { self.options.duration.or(raw.duration) };
        let row = Row { at: Time(raw.at), shape, duration, cpu_used: raw.cpu_used.unwrap_or(MilliCores(u64::MAX)) };
        if self.rows.len() >= TASKS_MAX {
            let message = format!("more than {TASKS_MAX} tasks\n  read fewer by `until` or `scale`");
            return Err(TraceError::at(&self.path, place, "", Fault::Task(message)));
        }
        self.rows.push(row);
        Ok(())
    }

    fn shape(&mut self, mut shape: Shape, place: Place) -> Result<u32, TraceError> {
        let (cpu, memory) = self.options.round;
        shape.cpu = MilliCores(shape.cpu.0.checked_next_multiple_of(cpu.0).unwrap_or(u64::MAX));
        shape.memory = Bytes(shape.memory.0.checked_next_multiple_of(memory.0).unwrap_or(u64::MAX));
        if let Some(known) = self.known.get(&shape) {
            return Ok(*known);
        }
        if self.known.len() >= SHAPES_MAX {
            let message = format!(
                "more than {SHAPES_MAX} different requests\n  round them up, like `round: {{cpu: 500m, memory: 1 GiB}}`"
            );
            return Err(TraceError::at(&self.path, place, "", Fault::Task(message)));
        }
        let index = u32::try_from(self.known.len()).expect("there are few shapes");
        self.known.insert(shape, index);
        Ok(index)
    }

    /// All tasks were taken.
    ///
    /// # Errors
    /// Where there are none.
    pub fn finish(mut self) -> Result<Collected, TraceError> {
        let empty =
            || TraceError::whole(&self.path, Fault::Task("there are no tasks in it\n  name another file".to_owned()));
        let begin = self.rows.iter().map(|row| row.at.0).min().ok_or_else(empty)?;
        if self.unsorted {
            self.notes.push("its tasks are not in order of arrival: they were sorted".to_owned());
            self.rows.sort_by_key(|row| row.at);
        }
        let mut shapes = vec![Shape::default(); self.known.len()];
        for (shape, index) in std::mem::take(&mut self.known) {
            shapes[index as usize] = shape;
        }
        let mut rows = std::mem::take(&mut self.rows);
        rows.retain_mut(|row| self.place(row, begin, &shapes));
        let rows = if self.options.scale == Ratio::ONE { rows } else { self.scaled(&rows)? };
        Ok(Collected { rows, shapes, read: self.read, notes: self.notes })
    }

    /// Puts a task of the file into the time of the run; `false` where it is outside the window.
    fn place(&self, row: &mut Row, begin: u64, shapes: &[Shape]) -> bool {
        let (from, until) = self.options.window;
        let at = Time(row.at.0 - begin);
        if at < from || at >= until {
            return false;
        }
        row.at = Time((at.0 - from.0).saturating_add(self.options.shift.0));
        if row.cpu_used == MilliCores(u64::MAX) {
            let asked = u128::from(shapes[row.shape as usize].cpu.0) * u128::from(self.options.cpu_used.0);
            row.cpu_used = MilliCores(u64::try_from(asked / 1_000_000).unwrap_or(u64::MAX));
        }
        true
    }

    /// Each task as many times as the scale says, spread evenly.
    fn scaled(&self, rows: &[Row]) -> Result<Vec<Row>, TraceError> {
        let (mut copies, mut scaled) = (0u128, Vec::new());
        for row in rows {
            let before = copies / 1_000_000;
            copies += u128::from(self.options.scale.0);
            if copies / 1_000_000 > TASKS_MAX as u128 {
                let message = format!("more than {TASKS_MAX} tasks once they are scaled\n  write a smaller `scale`");
                return Err(TraceError::whole(&self.path, Fault::Task(message)));
            }
            scaled.extend((before..copies / 1_000_000).map(|_| *row));
        }
        Ok(scaled)
    }
}

impl Shape {
    /// How a class of this shape is called: `4c-16384Mi-460mgpu-T4`.
    pub fn name(&self) -> String {
        let Self { cpu, memory, gpu, kinds } = self;
        let whole = |amount: u64, unit: u64| amount.is_multiple_of(unit).then_some(amount / unit);
        let cpu = whole(cpu.0, 1_000).map_or_else(|| format!("{}m", cpu.0), |cores| format!("{cores}c"));
        let memory = whole(memory.0, 1 << 20).map_or_else(|| format!("{}B", memory.0), |mib| format!("{mib}Mi"));
        let gpu = whole(*gpu, DEVICE).map_or_else(|| format!("{gpu}mgpu"), |devices| format!("{devices}gpu"));
        let kinds = kinds.iter().map(String::as_str).collect::<Vec<_>>().join("|");
        let parts = [(true, cpu), (self.memory.0 > 0, memory), (self.gpu > 0, gpu), (!kinds.is_empty(), kinds)];
        parts.into_iter().filter(|(there, _)| *there).map(|(_, part)| part).collect::<Vec<_>>().join("-")
    }
}
