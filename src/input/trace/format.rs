//! The formats that a trace may have: the registry that help, detection and tests walk.
//!
//! The extension says how the bytes are packed, the header or the first line says what they mean. A new format is one file
//! with a [`Format`] and one line here.

use super::csv_file::CsvFile;
use super::error::{Fault, TraceError, shown};
use super::import_fault::ImportFault;
use super::joined::Joined;
use super::lines::Lines;
use super::parquet_file::ParquetFile;
use super::rows::Rows;
use super::series::Series;
use super::text::Compression;
use super::{
    TraceOptions, access_log, arrivals, azure_functions, cloudwatch, concurrency, limbo, long_csv, long_parquet,
    prometheus, values, wide_csv, wide_parquet,
};
use crate::input::formats::FormatPage;
use std::path::{Path, PathBuf};

/// One format.
#[derive(Debug)]
pub struct Format {
    /// What it is.
    pub page: &'static FormatPage,
    /// Options of [`Import`](super::Import) that it has a use for.
    pub takes: &'static [&'static str],
    /// How it is recognised and read.
    pub reads: Reads,
}

/// The rows of a trace, at its first row.
pub type Opened = Result<Box<dyn Rows>, TraceError>;

/// What a file is read with.
pub struct Reading<'a> {
    /// The file; where several are read as one, the first.
    pub path: &'a Path,
    /// Whose its series are.
    pub series: Series,
    /// What was asked for.
    pub options: &'a TraceOptions,
}

/// How a format is recognised, and read from there.
#[derive(Debug, Clone, Copy)]
pub enum Reads {
    /// From records of text, by the names of their columns.
    Csv {
        /// Whether a header with these columns is of this format.
        fits: fn(&[String]) -> bool,
        /// Reads it.
        open: fn(CsvFile, Reading<'_>) -> Opened,
    },
    /// From frames of columns.
    Parquet {
        /// Whether a file with these columns is of this format.
        fits: fn(&[String]) -> bool,
        /// Reads it.
        open: fn(ParquetFile, Reading<'_>) -> Opened,
    },
    /// From text that is no CSV; several files are one text.
    Text {
        /// Whether a text with this first line is of this format.
        begins: fn(&[u8]) -> bool,
        /// Reads it.
        open: fn(Lines, Reading<'_>) -> Opened,
    },
}

/// All formats, in the order in which they are tried.
pub const FORMATS: &[Format] = &[
    azure_functions::FORMAT,
    arrivals::FORMAT,
    cloudwatch::FORMAT,
    concurrency::FORMAT,
    long_csv::FORMAT,
    wide_csv::FORMAT,
    long_parquet::FORMAT,
    wide_parquet::FORMAT,
    prometheus::FORMAT,
    access_log::FORMAT,
    limbo::FORMAT,
    values::FORMAT,
];

/// Extensions of CSV.
pub const CSV: &[&str] = &[".csv", ".csv.gz", ".csv.zst"];
/// Extensions of Parquet.
pub const PARQUET: &[&str] = &[".parquet"];
/// Extensions of logs. A rotated one has its number or date after `.log`.
pub const LOG: &[&str] = &[".log", ".log.gz", ".log.zst"];
/// Extensions of JSON.
pub const JSON: &[&str] = &[".json", ".json.gz", ".json.zst", ".jsonl", ".jsonl.gz", ".jsonl.zst"];
/// Extensions of plain text.
pub const TEXT: &[&str] = &[".txt", ".txt.gz", ".txt.zst"];

/// How the bytes of a file are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    Csv,
    Parquet,
    Text,
}

impl Packing {
    fn of(path: &Path) -> Option<Self> {
        let name = lowercase_name(path);
        let ends = |extensions: &[&str]| extensions.iter().any(|extension| name.ends_with(extension));
        let is_log = name.contains(".log.") || name.contains(".log-") || name.contains("access_log");
        match () {
            () if ends(CSV) => Some(Self::Csv),
            () if ends(PARQUET) => Some(Self::Parquet),
            () if ends(LOG) || ends(JSON) || ends(TEXT) || is_log => Some(Self::Text),
            () => None,
        }
    }
}

impl Format {
    /// Its name.
    pub const fn name(&self) -> &'static str {
        self.page.name
    }

    const fn packing(&self) -> Packing {
        match self.reads {
            Reads::Csv { .. } => Packing::Csv,
            Reads::Parquet { .. } => Packing::Parquet,
            Reads::Text { .. } => Packing::Text,
        }
    }
}

/// Opens the rows of a trace: those of the file, and of the files that continue it.
///
/// # Errors
/// Where it cannot be read, or is of no format.
pub fn open(path: &Path, series: Series, options: &TraceOptions) -> Opened {
    let whole = |fault| TraceError::whole(path, fault);
    let forced = options.import.format.as_deref().map(named).transpose().map_err(whole)?;
    let packing = match (Packing::of(path), forced) {
        // Text has any ending, if it is told to be text.
        (None, Some(format)) if format.packing() == Packing::Text => Packing::Text,
        (Some(packing), Some(format)) if packing != format.packing() => {
            let endings = endings(format.page.extensions);
            return Err(whole(ImportFault::OtherEnding { format: format.name(), endings }.into()));
        }
        (Some(packing), _) => packing,
        (None, _) => return Err(whole(Fault::UnknownExtension(all_endings()))),
    };
    let reading = Reading { path, series, options };
    match packing {
        Packing::Text => open_text(forced, reading),
        _ if options.import.then.is_empty() => open_table(packing, forced, reading),
        _ => {
            let Reading { series, .. } = reading;
            let paths = std::iter::once(path.to_owned()).chain(options.import.then.iter().cloned()).collect();
            Ok(Box::new(Joined::open(paths, series, options)?))
        }
    }
}

/// The format that a file is read as.
///
/// # Errors
/// Where it cannot be read, or is of no format.
pub fn of(path: &Path, options: &TraceOptions) -> Result<&'static Format, TraceError> {
    let whole = |fault| TraceError::whole(path, fault);
    if let Some(name) = &options.import.format {
        return named(name).map_err(whole);
    }
    let fits = |columns: &[String]| {
        let fits = |format: &&Format| match format.reads {
            Reads::Csv { fits, .. } => Packing::of(path) == Some(Packing::Csv) && fits(columns),
            Reads::Parquet { fits, .. } => Packing::of(path) == Some(Packing::Parquet) && fits(columns),
            Reads::Text { .. } => false,
        };
        FORMATS.iter().find(fits).ok_or_else(|| whole(Fault::UnknownExtension(all_endings())))
    };
    match Packing::of(path) {
        Some(Packing::Csv) if options.import.time_from.is_some() => Ok(&arrivals::FORMAT),
        Some(Packing::Csv) => {
            let compression = Compression::by_name(&lowercase_name(path));
            fits(&CsvFile::open(path, compression, options.size_max)?.columns)
        }
        Some(Packing::Parquet) => fits(&ParquetFile::open(path)?.columns),
        Some(Packing::Text) => by_begin(Lines::open(vec![path.to_owned()], options.size_max)?, path),
        None => Err(whole(Fault::UnknownExtension(all_endings()))),
    }
}

/// Opens one file of a trace alone.
///
/// # Errors
/// As [`open`].
pub fn open_part(path: &Path, series: Series, options: &TraceOptions) -> Opened {
    let whole = |fault| TraceError::whole(path, fault);
    let forced = options.import.format.as_deref().map(named).transpose().map_err(whole)?;
    let packing = Packing::of(path).ok_or_else(|| whole(Fault::UnknownExtension(all_endings())))?;
    open_table(packing, forced, Reading { path, series: series.of_part(), options })
}

fn open_table(packing: Packing, forced: Option<&'static Format>, reading: Reading<'_>) -> Opened {
    let candidates = FORMATS.iter().filter(|format| forced.is_none_or(|forced| forced.name() == format.name()));
    let unknown = TraceError::whole(reading.path, Fault::UnknownExtension(all_endings()));
    let is_forced = forced.is_some();
    if packing == Packing::Csv {
        let compression = Compression::by_name(&lowercase_name(reading.path));
        let file = CsvFile::open(reading.path, compression, reading.options.size_max)?;
        for format in candidates {
            if let Reads::Csv { fits, open } = format.reads
                && (is_forced || format.is_asked_for(&reading) || fits(&file.columns))
            {
                format.check(&reading)?;
                return open(file, reading);
            }
        }
        return Err(unknown);
    }
    let file = ParquetFile::open(reading.path)?;
    for format in candidates {
        if let Reads::Parquet { fits, open } = format.reads
            && (is_forced || fits(&file.columns))
        {
            format.check(&reading)?;
            return open(file, reading);
        }
    }
    Err(unknown)
}

impl Format {
    /// Whether an option asks for this format without naming it: only requests have a column of times that needs a name.
    fn is_asked_for(&self, reading: &Reading<'_>) -> bool {
        reading.options.import.time_from.is_some() && self.takes.contains(&"time_from")
    }

    fn check(&self, reading: &Reading<'_>) -> Result<(), TraceError> {
        let checked = reading.options.import.check(self.name(), self.takes);
        checked.map_err(|fault| TraceError::whole(reading.path, fault))
    }
}

fn open_text(forced: Option<&'static Format>, reading: Reading<'_>) -> Opened {
    let paths = || -> Vec<PathBuf> {
        std::iter::once(reading.path.to_owned()).chain(reading.options.import.then.iter().cloned()).collect()
    };
    let lines = || Lines::open(paths(), reading.options.size_max);
    let format = match forced {
        Some(format) => format,
        None => by_begin(lines()?, reading.path)?,
    };
    format.check(&reading)?;
    match format.reads {
        Reads::Text { open, .. } => open(lines()?, reading),
        Reads::Csv { .. } | Reads::Parquet { .. } => {
            Err(TraceError::whole(reading.path, Fault::UnknownExtension(all_endings())))
        }
    }
}

/// The format whose files begin like this one. A log may begin with a broken line, so the first ones are tried.
fn by_begin(mut lines: Lines, path: &Path) -> Result<&'static Format, TraceError> {
    const TRIED: usize = 20;
    let mut first = None;
    for _ in 0..TRIED {
        let Some(line) = lines.begin()? else { break };
        if line.trim_ascii().is_empty() {
            continue;
        }
        let begins = |format: &&Format| matches!(format.reads, Reads::Text { begins, .. } if begins(line));
        if let Some(format) = FORMATS.iter().find(begins) {
            return Ok(format);
        }
        first.get_or_insert_with(|| shown(line));
    }
    let Some(begin) = first else { return Err(TraceError::whole(path, Fault::Empty)) };
    let texts = FORMATS.iter().filter(|format| format.packing() == Packing::Text);
    let known = endings(&texts.map(Format::name).collect::<Vec<_>>());
    Err(TraceError::whole(path, ImportFault::UnknownBegin { begin, known }.into()))
}

fn named(name: &str) -> Result<&'static Format, Fault> {
    FORMATS.iter().find(|format| format.name() == name).ok_or_else(|| {
        let known = endings(&FORMATS.iter().map(Format::name).collect::<Vec<_>>());
        ImportFault::UnknownFormat { name: shown(name.as_bytes()), known }.into()
    })
}

fn lowercase_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().to_lowercase()
}

fn endings(extensions: &[&str]) -> String {
    extensions.iter().map(|extension| format!("`{extension}`")).collect::<Vec<_>>().join(", ")
}

fn all_endings() -> String {
    endings(&[CSV, PARQUET, LOG, JSON, TEXT].concat())
}
