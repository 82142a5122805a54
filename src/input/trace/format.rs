//! The formats that a trace may have: the registry that help, detection and tests walk.
//!
//! The extension says how the bytes are packed, the header says what they mean. A new format is one file with a [`Format`]
//! and one line here.

use super::csv_file::CsvFile;
use super::error::{Fault, TraceError};
use super::parquet_file::ParquetFile;
use super::rows::Rows;
use super::series::Series;
use super::text::Compression;
use super::{long_csv, long_parquet, wide_csv, wide_parquet};
use crate::units::{Bytes, Ratio};
use std::path::Path;

/// One format.
#[derive(Debug)]
pub struct Format {
    /// Name.
    pub name: &'static str,
    /// What its header looks like.
    pub header: &'static str,
    /// Extensions, compressed ones included.
    pub extensions: &'static [&'static str],
    /// Whether a header with these columns is of this format.
    pub fits: fn(&[String]) -> bool,
    /// How it is read.
    pub reads: Reads,
}

/// The rows of a trace, at its first row.
pub type Opened = Result<Box<dyn Rows>, TraceError>;

/// How a format is read, once its columns are known.
#[derive(Debug, Clone, Copy)]
pub enum Reads {
    /// From records of text.
    Csv(fn(CsvFile, Series, Ratio) -> Opened),
    /// From frames of columns.
    Parquet(fn(ParquetFile, Series, Ratio) -> Opened),
}

/// All formats, in the order in which they are tried.
pub const FORMATS: &[Format] = &[long_csv::FORMAT, wide_csv::FORMAT, long_parquet::FORMAT, wide_parquet::FORMAT];

/// Extensions of CSV.
pub const CSV: &[&str] = &[".csv", ".csv.gz", ".csv.zst"];
/// Extensions of Parquet.
pub const PARQUET: &[&str] = &[".parquet"];

/// Opens the rows of a trace, each rate times `scale`, with a text of at most `size_max`.
///
/// # Errors
/// Where it cannot be read, or is of no format.
pub fn open(path: &Path, series: Series, scale: Ratio, size_max: Bytes) -> Opened {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let is_one_of = |extensions: &[&str]| extensions.iter().any(|extension| name.ends_with(extension));
    let unknown = || TraceError::whole(path, Fault::UnknownExtension(extensions()));
    if is_one_of(CSV) {
        let file = CsvFile::open(path, compression(&name), size_max)?;
        let read = FORMATS.iter().find_map(|format| match format.reads {
            Reads::Csv(read) if (format.fits)(&file.columns) => Some(read),
            _ => None,
        });
        return read.ok_or_else(unknown)?(file, series, scale);
    }
    if is_one_of(PARQUET) {
        let file = ParquetFile::open(path)?;
        let read = FORMATS.iter().find_map(|format| match format.reads {
            Reads::Parquet(read) if (format.fits)(&file.columns) => Some(read),
            _ => None,
        });
        return read.ok_or_else(unknown)?(file, series, scale);
    }
    Err(unknown())
}

fn compression(name: &str) -> Compression {
    match name.rsplit('.').next() {
        Some("gz") => Compression::Gzip,
        Some("zst") => Compression::Zstd,
        _ => Compression::None,
    }
}

fn extensions() -> String {
    CSV.iter().chain(PARQUET).map(|extension| format!("`{extension}`")).collect::<Vec<_>>().join(", ")
}
