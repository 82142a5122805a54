//! Tables as CSV, a row at a time.

use super::ReadOptions;
use super::collector::{Collector, Key, Where};
use super::quantity::Measure;
use super::row::layout;
use crate::input::trace::clock::{Clock, Unit};
use crate::input::trace::csv_file::CsvFile;
use crate::input::trace::error::shown;
use crate::input::trace::text::Compression;
use crate::input::trace::{Fault, TraceError};
use std::path::Path;

/// Reads a file.
///
/// # Errors
/// The first mistake in it.
pub fn read(path: &Path, options: &ReadOptions, collector: &mut Collector<'_>) -> Result<(), TraceError> {
    let compression = Compression::by_name(&path.to_string_lossy().to_lowercase());
    let mut file = CsvFile::open(path, compression, options.size_max)?;
    let layout = layout(path, &file.columns, options)?;
    collector.begin_file(path, &layout)?;
    let mut clock = layout.time.as_ref().map(|(_, name)| Clock::new(Unit::of_column(name), options.timezone));
    let mut values = vec![f64::NAN; layout.measures.len()];
    let mut rows: u64 = 0;
    while file.read()? {
        let at = match (&mut clock, &layout.time) {
            (Some(clock), Some((column, name))) => {
                clock.read(file.field(*column)).map_err(|fault| file.error(name, fault))?
            }
            _ => rows * 60_000_000_000,
        };
        for ((column, measure), value) in layout.measures.iter().zip(&mut values) {
            *value = number(file.field(*column), measure)
                .map_err(|what| file.error(&file.columns[*column], Fault::Observed(what)))?;
        }
        let field = |column: Option<usize>| column.map_or(&b""[..], |column| file.field(column));
        let key = Key {
            namespace: field(layout.namespace),
            service: field(layout.service),
            class: field(layout.class),
            cluster: field(layout.cluster),
        };
        let row = Where { at, version: layout.version.map(|column| file.field(column)) };
        collector.push(key, row, &values).map_err(|(field, fault)| file.error(field, fault))?;
        rows += 1;
    }
    if rows == 0 {
        return Err(TraceError::whole(path, Fault::NoRows));
    }
    collector.notes.extend(clock.and_then(|clock| clock.note()).map(|note| format!("{}: {note}.", path.display())));
    Ok(())
}

/// Words for a value that is not known.
const UNKNOWN: [&str; 8] = ["nan", "null", "none", "na", "n/a", "-", "nil", "<na>"];

/// The value of a field in the unit of its quantity; NaN where it is not known.
///
/// # Errors
/// In words, what is wrong with it.
pub fn number(field: &[u8], measure: &Measure) -> Result<f64, String> {
    if field.is_empty() {
        return Ok(f64::NAN);
    }
    let text = std::str::from_utf8(field).unwrap_or("?");
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => checked(value, measure),
        Ok(value) if value.is_nan() => Ok(f64::NAN),
        _ if UNKNOWN.contains(&text.to_ascii_lowercase().as_str()) => Ok(f64::NAN),
        _ => Err(format!(
            "`{}` is not a number\n  write a finite number in the unit of the column, like `12.5`; leave the field empty where it is not known",
            shown(field)
        )),
    }
}

/// A finite value of a column, in the unit of its quantity.
///
/// # Errors
/// In words, what is wrong with it.
pub fn checked(value: f64, measure: &Measure) -> Result<f64, String> {
    let words = measure.quantity.words();
    if value < 0.0 {
        return Err(format!("{value} is negative\n  {words} cannot be; leave the field empty where it is not known"));
    }
    let scaled = value * measure.unit;
    let is_share = measure.quantity.is_share() && measure.form == super::quantity::Form::Plain;
    if is_share && scaled > 1.0 + 1e-9 {
        return Err(format!(
            "{value} is more than all\n  {words} lies between 0 and 1; a column of per cents is named `..._percent`"
        ));
    }
    Ok(scaled)
}
