//! The formats of files of tasks: what help, detection and tests walk. A new one is one file and one line.

use super::collect::{Collected, Collector, TaskOptions};
use super::records::first_line;
use super::{gaia, google, openb, opendc, simkube};
use crate::input::error::known_names;
use crate::input::formats::FormatPage;
use crate::input::trace::{Fault, TraceError};
use std::path::Path;

/// One format.
pub struct TaskFormat {
    /// What it is.
    pub page: &'static FormatPage,
    /// Whether a file of this name, in small letters, with this first line is of the format.
    pub fits: fn(&str, &str) -> bool,
    /// Reads a file.
    pub read: fn(&Path, &mut Collector<'_>) -> Result<(), TraceError>,
}

/// All formats, in the order in which they are tried.
pub const TASK_FORMATS: &[TaskFormat] = &[opendc::FORMAT, simkube::FORMAT, openb::FORMAT, gaia::FORMAT, google::FORMAT];

/// Reads the tasks of a file, by the format that is named or else by its name and first line.
///
/// # Errors
/// What is wrong with the file, with its place.
pub fn read(path: &Path, named: Option<&str>, options: &TaskOptions) -> Result<Collected, TraceError> {
    let format = match named {
        Some(name) => TASK_FORMATS.iter().find(|format| format.page.name == name),
        None => detected(path)?,
    };
    let names: Vec<&str> = TASK_FORMATS.iter().map(|format| format.page.name).collect();
    let unknown = || {
        let known = known_names(named.unwrap_or_default(), "formats", &names);
        let what = named.map_or_else(
            || "its tasks are in no known format".to_owned(),
            |name| format!("no format is called `{name}`"),
        );
        TraceError::whole(path, Fault::Task(format!("{what}\n  {known}; `format` names one")))
    };
    let format = format.ok_or_else(unknown)?;
    let mut collector = Collector::new(path, options);
    (format.read)(path, &mut collector)?;
    collector.finish()
}

fn detected(path: &Path) -> Result<Option<&'static TaskFormat>, TraceError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let line = if name.ends_with(".parquet") { String::new() } else { first_line(path)? };
    Ok(TASK_FORMATS.iter().find(|format| {
        let extension = format.page.extensions.iter().any(|extension| name.ends_with(extension));
        extension && (format.fits)(&name, line.trim_start_matches('\u{feff}'))
    }))
}
