//! A trace of which nothing is known but its file: which services it has, and all of it as it lies.
//!
//! A run knows its services and wants to hear of strangers; a tool that describes or rewrites a file takes whatever is there.
//! A wide file says its services in the header; a long one has to be read through, so it is read twice, and never held.

use super::error::TraceError;
use super::rows::RawRow;
use super::series::{Found, Series, ServiceNames};
use super::{Trace, TraceOptions, format, open};
use std::path::Path;

/// The services of a trace in the order in which the file names them.
///
/// # Errors
/// What is wrong with the file.
pub fn services(path: &Path, options: &TraceOptions) -> Result<ServiceNames, TraceError> {
    let found = Found::default();
    let mut rows = format::open(path, Series::finding(&found), options)?;
    if !rows.knows_all_series() {
        // The order is of no matter to the names, and is checked where rows are read for their rates.
        rows.take_any_order();
        let mut row = RawRow::default();
        while rows.next(&mut row)? {}
    }
    Ok(found.names())
}

/// Opens a trace with all its services and all its rows, those without a known rate included.
///
/// # Errors
/// What is wrong with the file.
pub fn open_whole(path: &Path, options: &TraceOptions) -> Result<(ServiceNames, Trace), TraceError> {
    let names = services(path, options)?;
    let options = TraceOptions { empty_rows: true, ..options.clone() };
    let trace = open(path, &names, &options)?;
    Ok((names, trace))
}
