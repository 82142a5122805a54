//! Tables as Parquet, some rows at a time.

use super::ReadOptions;
use super::collector::{Collector, Key, Run};
use super::csv::checked;
use super::quantity::Measure;
use super::row::{Layout, layout};
use crate::input::trace::clock::{Clock, Unit};
use crate::input::trace::parquet_file::{Frame, Kind, Number, ParquetFile, for_each_number, place};
use crate::input::trace::rows::Spot;
use crate::input::trace::{Fault, TraceError};
use polars::prelude::{ChunkedArray, Series, StringType};
use std::path::Path;

/// Whole numbers below this are exact as floating point.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// Reads a file.
///
/// # Errors
/// The first mistake in it.
pub fn read(path: &Path, options: &ReadOptions, collector: &mut Collector<'_>) -> Result<(), TraceError> {
    let mut file = ParquetFile::open(path)?;
    let mut layout = layout(path, &file.columns, options)?;
    let names = file.columns.clone();
    let text_time = layout.time.as_ref().is_some_and(|(column, _)| file.check_type(*column, Kind::Name).is_ok());
    if let Some((column, _)) = layout.time.as_ref().filter(|_| !text_time) {
        file.check_type(*column, Kind::Time)?;
    }
    layout.measures.iter().try_for_each(|(column, _)| file.check_type(*column, Kind::Rate))?;
    let labels = [layout.namespace, layout.service, layout.class, layout.cluster, layout.version];
    labels.iter().flatten().try_for_each(|column| file.check_type(*column, Kind::Name))?;
    let wanted = project(&mut layout);
    file.project(&wanted);
    collector.begin_file(path, &layout)?;
    let clock = layout.time.as_ref().map(|(_, name)| Clock::new(Unit::of_column(name), options.timezone));
    let mut reading = Reading { layout, clock, text_time, columns: Vec::new(), times: Vec::new(), rows: 0 };
    while let Some(frame) = file.next()? {
        reading.frame(&frame, collector).map_err(|(row, column, fault)| {
            let name = column.and_then(|column| wanted.get(column)).map_or("", |column| names[*column].as_str());
            file.error_at(place(Spot(frame.rows_before + row as u64)), name, fault)
        })?;
    }
    if reading.rows == 0 {
        return Err(TraceError::whole(path, Fault::NoRows));
    }
    let note = reading.clock.and_then(|clock| clock.note());
    collector.notes.extend(note.map(|note| format!("{}: {note}.", path.display())));
    Ok(())
}

/// Numbers the columns that are read anew, from 0, and says which these were.
fn project(layout: &mut Layout) -> Vec<usize> {
    let mut wanted = Vec::new();
    let mut take = |column: &mut usize| {
        wanted.push(*column);
        *column = wanted.len() - 1;
    };
    if let Some((column, _)) = &mut layout.time {
        take(column);
    }
    let labels =
        [&mut layout.namespace, &mut layout.service, &mut layout.class, &mut layout.cluster, &mut layout.version];
    labels.into_iter().flatten().for_each(&mut take);
    layout.measures.iter_mut().for_each(|(column, _)| take(column));
    wanted
}

struct Reading {
    layout: Layout,
    clock: Option<Clock>,
    text_time: bool,
    /// Values of quantities of the present frame.
    columns: Vec<Vec<f64>>,
    times: Vec<u64>,
    rows: u64,
}

/// Row in the frame, column in the frame, fault.
type Wrong = (usize, Option<usize>, Fault);

impl Reading {
    fn frame(&mut self, frame: &Frame, collector: &mut Collector<'_>) -> Result<(), Wrong> {
        self.read_times(frame)?;
        self.columns.clear();
        for (column, measure) in &self.layout.measures {
            self.columns.push(
                values(&frame.series[*column], frame.rows, measure)
                    .map_err(|(row, what)| (row, Some(*column), Fault::Observed(what)))?,
            );
        }
        let text = |column: Option<usize>| column.and_then(|column| frame.series[column].str().ok());
        let Layout { namespace, service, class, cluster, version, .. } = &self.layout;
        let labels = [*namespace, *service, *class, *cluster].map(text);
        let versions = text(*version);
        let key_at = |row: usize| labels.map(|label| text_at(label, row));
        let version_at = |row: usize| versions.map(|label| text_at(Some(label), row));
        let mut begin = 0;
        while begin < frame.rows {
            // Rows of one series stand together as a rule, and are taken together.
            let ([namespace, service, class, cluster], version) = (key_at(begin), version_at(begin));
            let is_same =
                |row: &usize| key_at(*row) == [namespace, service, class, cluster] && version_at(*row) == version;
            let labelled = labels.iter().chain([&versions]).any(Option::is_some);
            let end = if labelled {
                (begin + 1..frame.rows).find(|row| !is_same(row)).unwrap_or(frame.rows)
            } else {
                frame.rows
            };
            let [namespace, service, class, cluster] = [namespace, service, class, cluster].map(str::as_bytes);
            let run = Run { times: &self.times[begin..end], version: version.map(str::as_bytes) };
            let pushed = collector.push_run(
                Key { namespace, service, class, cluster },
                run,
                self.columns.iter().map(|column| &column[begin..end]),
            );
            pushed.map_err(|(_, fault)| (begin, None, fault))?;
            begin = end;
        }
        self.rows += frame.rows as u64;
        Ok(())
    }

    fn read_times(&mut self, frame: &Frame) -> Result<(), Wrong> {
        self.times.clear();
        let (Some((column, _)), Some(clock)) = (&self.layout.time, &mut self.clock) else {
            self.times.extend((0..frame.rows as u64).map(|row| (self.rows + row) * 60_000_000_000));
            return Ok(());
        };
        let series = &frame.series[*column];
        if self.text_time {
            let texts = series.str().map_err(|_| (0, Some(*column), Fault::Missing))?;
            for (row, text) in texts.iter().enumerate() {
                let at = clock.read(text.unwrap_or("").as_bytes()).map_err(|fault| (row, Some(*column), fault))?;
                self.times.push(at);
            }
            return Ok(());
        }
        let mut wrong = None;
        let times = &mut self.times;
        for_each_number(series, |row, number| {
            if wrong.is_some() {
                return;
            }
            // A missing value is not visited, and leaves the times out of step.
            let at = if row == times.len() { time(number, clock) } else { Err(Fault::Missing) };
            match at {
                Ok(at) => times.push(at),
                Err(fault) => wrong = Some((row.min(times.len()), Some(*column), fault)),
            }
        });
        match wrong {
            Some(wrong) => Err(wrong),
            None if times.len() < frame.rows => Err((times.len(), Some(*column), Fault::Missing)),
            None => Ok(()),
        }
    }
}

fn text_at(label: Option<&ChunkedArray<StringType>>, row: usize) -> &str {
    label.and_then(|label| label.get(row)).unwrap_or("")
}

fn time(number: Number, clock: &mut Clock) -> Result<u64, Fault> {
    match number {
        Number::Integer(value) => match u64::try_from(value) {
            Ok(value) => clock.read_integer(value),
            Err(_) => clock.read(number.text().as_bytes()),
        },
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number below 2^53")]
        Number::Float(value) if (1.0..WHOLE_MAX).contains(&value) && value.fract() == 0.0 => {
            clock.read_integer(value as u64)
        }
        // The shortest text of a fraction is what was meant: its binary value is not.
        Number::Float(_) => clock.read(number.text().as_bytes()),
    }
}

/// The numbers of a column, in the unit of its quantity; NaN where there is none.
fn values(series: &Series, rows: usize, measure: &Measure) -> Result<Vec<f64>, (usize, String)> {
    let mut values = vec![f64::NAN; rows];
    let mut wrong = None;
    for_each_number(series, |row, number| {
        let value = match number {
            Number::Float(value) => value,
            #[expect(clippy::cast_precision_loss, reason = "an observation needs no 53 bits")]
            Number::Integer(value) => value as f64,
        };
        if value.is_nan() || wrong.is_some() {
            return;
        }
        let checked = if value.is_finite() {
            checked(value, measure)
        } else {
            Err(format!("{value} is not finite\n  leave it null where it is not known"))
        };
        match checked {
            Ok(value) => values[row] = value,
            Err(what) => wrong = Some((row, what)),
        }
    });
    wrong.map_or(Ok(values), Err)
}
