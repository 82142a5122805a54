//! Tasks of `OpenDC`: virtual machines and jobs as Parquet, and what they used in a file beside it.
//!
//! `X_tasks.parquet` says when a task came, how long it ran, how many cores it had and how fast they were. Where
//! `X_fragments.parquet` lies beside it, it says in megahertz how much of that was used, piece by piece: its mean over the
//! task's life is what the task uses here. Cores count as cores, whatever their speed.

use super::collect::{Collector, Raw, Shape};
use super::format::TaskFormat;
use crate::input::formats::{Column, FormatPage, Kind};
use crate::input::trace::parquet_file::{self, Number, ParquetFile, for_each_number};
use crate::input::trace::rows::Spot;
use crate::input::trace::{Fault, Place, TraceError};
use crate::units::{Bytes, MilliCores, Span, Time};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Registers this format.
pub const FORMAT: TaskFormat = TaskFormat { page: &PAGE, fits: |name, _| name.ends_with(".parquet"), read };

/// What `smo formats` says of it.
pub const PAGE: FormatPage = FormatPage {
    name: "opendc-tasks",
    kind: Kind::Tasks,
    what: "Virtual machines and jobs of OpenDC; what they used is read from `X_fragments.parquet` beside `X_tasks.parquet`.",
    extensions: &[".parquet"],
    columns: &[
        Column { name: "id", unit: "number", meaning: "the task, for its fragments" },
        Column { name: "submission_time", unit: "ms", meaning: "arrival, in milliseconds since 1970" },
        Column { name: "duration", unit: "ms", meaning: "how long it runs" },
        Column { name: "cpu_count", unit: "cores", meaning: "CPU that it requests" },
        Column {
            name: "cpu_capacity",
            unit: "MHz",
            meaning: "speed of all its cores together: what fragments are shares of",
        },
        Column { name: "mem_capacity", unit: "MB", meaning: "memory that it requests" },
    ],
    example: "id,submission_time,duration,cpu_count,cpu_capacity,mem_capacity (as Parquet)\n",
    writable: false,
};

/// Milliseconds to nanoseconds.
const MILLISECOND: u64 = 1_000_000;

fn read(path: &Path, collector: &mut Collector<'_>) -> Result<(), TraceError> {
    let names = ["id", "submission_time", "duration", "cpu_count", "cpu_capacity", "mem_capacity"];
    let fragments = beside(path);
    let used = match &fragments {
        Some(path) => usage(path)?,
        None => Usage::default(),
    };
    let mut table = Numbers::open(path, &names)?;
    while let Some(row) = table.next_row()? {
        let Row { values: [id, at, duration, cores, capacity, memory], place } = row;
        let shape = Shape {
            cpu: MilliCores(integer(cores, 1_000).ok_or_else(|| table.odd(place, "cpu_count", cores))?),
            memory: Bytes(integer(memory, 1_000_000).ok_or_else(|| table.odd(place, "mem_capacity", memory))?),
            ..Shape::default()
        };
        let raw = Raw {
            at: integer(at, MILLISECOND).ok_or_else(|| table.odd(place, "submission_time", at))?,
            duration: Some(Span(integer(duration, MILLISECOND).ok_or_else(|| table.odd(place, "duration", duration))?)),
            cpu_used: used.of(id, capacity, shape.cpu),
            shape,
        };
        collector.push(raw, place)?;
    }
    if fragments.is_some() {
        let note = format!("what its tasks used is the mean over {} fragments beside it", used.fragments);
        collector.notes.push(note);
    }
    Ok(())
}

/// The file of fragments beside a file of tasks, where there is one.
fn beside(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?.strip_suffix("_tasks.parquet")?;
    Some(path.with_file_name(format!("{name}_fragments.parquet"))).filter(|path| path.is_file())
}

/// Megahertz that tasks used.
#[derive(Debug, Default)]
pub struct Usage {
    /// By task: Σ MHz · ms and Σ ms.
    by_task: BTreeMap<u64, (f64, f64)>,
    /// Pieces that were read.
    pub fragments: u64,
}

impl Usage {
    /// CPU of a task: the share of its capacity that it used on average, of the cores that it asked for.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates; usage is positive")]
    fn of(&self, id: f64, capacity: f64, cpu: MilliCores) -> Option<MilliCores> {
        let (used, lasted) = self.by_task.get(&integer(id, 1)?)?;
        let share = if *lasted > 0.0 && capacity > 0.0 { used / lasted / capacity } else { 0.0 };
        Some(MilliCores((cpu.0 as f64 * share.clamp(0.0, 1.0)).round() as u64))
    }
}

/// Reads a file of fragments.
///
/// # Errors
/// What is wrong with it.
pub fn usage(path: &Path) -> Result<Usage, TraceError> {
    let mut table = Numbers::open(path, &["id", "duration", "cpu_usage"])?;
    let mut usage = Usage::default();
    while let Some(Row { values: [id, duration, mhz], place }) = table.next_row()? {
        let task = integer(id, 1).ok_or_else(|| table.odd(place, "id", id))?;
        let sums = usage.by_task.entry(task).or_default();
        *sums = (sums.0 + mhz.max(0.0) * duration, sums.1 + duration);
        usage.fragments += 1;
    }
    Ok(usage)
}

/// A failure of an `OpenDC` trace.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Failure {
    /// When it begins.
    pub at: Time,
    /// How long it lasts.
    pub lasts: Span,
    /// Share of the hosts that it strikes.
    pub intensity: f64,
}

/// Reads a trace of failures: `failure_interval` is the time since the failure before, in milliseconds.
///
/// # Errors
/// What is wrong with it.
pub fn failures(path: &Path) -> Result<Vec<Failure>, TraceError> {
    let names = ["failure_interval", "failure_duration", "failure_intensity"];
    let mut table = Numbers::open(path, &names)?;
    let (mut at, mut failures) = (Time::ZERO, Vec::new());
    while let Some(Row { values: [interval, duration, intensity], place }) = table.next_row()? {
        at = at + Span(integer(interval, MILLISECOND).ok_or_else(|| table.odd(place, names[0], interval))?);
        let lasts = Span(integer(duration, MILLISECOND).ok_or_else(|| table.odd(place, names[1], duration))?);
        if !(0.0..=1.0).contains(&intensity) {
            return Err(table.odd(place, names[2], intensity));
        }
        failures.push(Failure { at, lasts, intensity });
    }
    Ok(failures)
}

/// A number from 0 up in a smaller unit, where it is one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
pub fn integer(value: f64, unit: u64) -> Option<u64> {
    let scaled = value * unit as f64;
    (0.0..1.8e19).contains(&scaled).then(|| scaled.round() as u64)
}

/// Columns of numbers of a Parquet file, a row at a time. Integers beyond 2⁵³ are no figures of tasks.
pub struct Numbers<const N: usize> {
    file: ParquetFile,
    path: PathBuf,
    columns: [Vec<f64>; N],
    before: u64,
    next: usize,
}

/// One row and where it stands.
pub struct Row<const N: usize> {
    /// The numbers, NaN where there is none.
    pub values: [f64; N],
    /// Where.
    pub place: Place,
}

impl<const N: usize> Numbers<N> {
    /// The columns `names` of the file at `path`.
    ///
    /// # Errors
    /// Where it cannot be read, or a column is missing.
    pub fn open(path: &Path, names: &[&str; N]) -> Result<Self, TraceError> {
        let mut file = ParquetFile::open(path)?;
        let mut indices = Vec::with_capacity(N);
        for name in names {
            let index = file.columns.iter().position(|column| column == name);
            indices.push(index.ok_or_else(|| {
                let found: Vec<&str> = file.columns.iter().map(String::as_str).collect();
                let known = crate::input::error::known_names(name, "its columns", &found);
                TraceError::at(path, Place::Whole, name, Fault::Task(format!("the column is missing\n  {known}")))
            })?);
        }
        for index in &indices {
            file.check_type(*index, parquet_file::Kind::Rate)?;
        }
        file.project(&indices);
        Ok(Self { file, path: path.to_owned(), columns: std::array::from_fn(|_| Vec::new()), before: 0, next: 0 })
    }

    /// The next row; `None` at the end.
    ///
    /// # Errors
    /// Where the file is broken.
    pub fn next_row(&mut self) -> Result<Option<Row<N>>, TraceError> {
        while self.next == self.columns[0].len() {
            let Some(frame) = self.file.next()? else { return Ok(None) };
            for (column, series) in self.columns.iter_mut().zip(&frame.series) {
                column.clear();
                column.resize(frame.rows, f64::NAN);
                for_each_number(series, |row, number| column[row] = float(number));
            }
            (self.before, self.next) = (frame.rows_before, 0);
        }
        let row = self.next;
        self.next += 1;
        let values = std::array::from_fn(|column| self.columns[column][row]);
        Ok(Some(Row { values, place: parquet_file::place(Spot(self.before + row as u64)) }))
    }

    /// A number that is none, or out of range.
    pub fn odd(&self, place: Place, column: &str, value: f64) -> TraceError {
        TraceError::at(
            &self.path,
            place,
            column,
            Fault::Task(format!("`{value}` is no number from 0 up\n  correct the row")),
        )
    }
}

fn float(number: Number) -> f64 {
    match number {
        Number::Integer(value) => value as f64,
        Number::Float(value) => value,
    }
}
