//! The text of a trace, decompressed as it is read and never held.
//!
//! A small file may be made to expand for ever, so expansion has two limits. The ratio: a row of zeros needs a few bytes
//! however well it compresses, because its time rises. Measured on zeros with their times, gzip -9 and zstd -19: long 7,
//! wide of 100 services 68 and 187, of 1,000 services 325 and 951, while gzip of one repeated byte gives 1,028. So more than
//! [`RATIO_MAX`] beyond [`RATIO_FREE`] is nobody's trace. And the absolute size, which the user may set. Fields and rows
//! are limited too, because they are what a reader must hold
//! whole, and blank lines, which it passes over, count as part of a row.

use super::error::{Fault, TraceError};
use crate::units::Bytes;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How a text is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip, one member or several.
    Gzip,
    /// Zstandard, one frame or several.
    Zstd,
}

impl Compression {
    /// What the ending of a file's name says.
    pub fn by_name(name: &str) -> Self {
        match name.rsplit('.').next() {
            Some("gz") => Self::Gzip,
            Some("zst") => Self::Zstd,
            _ => Self::None,
        }
    }
}

/// What a text may expand to, over its compressed size.
const RATIO_MAX: u64 = 1_000;
/// Up to here the ratio does not count: a small file is harmless whatever it expands by.
const RATIO_FREE: Bytes = Bytes(64 << 20);
/// The longest field.
const FIELD_MAX: Bytes = Bytes(1 << 20);
/// The longest row: 100,000 columns of 40 letters. A row of nothing but commas needs nine times its length; a quotation mark that is never closed makes one row of the rest of the file.
const ROW_MAX: Bytes = Bytes(4 << 20);
const BUFFER: usize = 64 << 10;

/// How far a text was read, shared by those who read it.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes of the file.
    taken: AtomicU64,
    /// Bytes of the text.
    given: AtomicU64,
    /// Where in the text the present row began, give or take a buffer.
    row: AtomicU64,
}

impl Progress {
    /// To be called before each row is read, because a row must be held whole.
    pub fn begin_row(&self) {
        self.row.store(self.given.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

/// Opens a text, decompressed and within its limits. Faults that happen while reading arrive as [`io::Error`]s;
/// [`fault_of`] gets them out again.
///
/// # Errors
/// Where the file cannot be opened.
pub fn open(path: &Path, compression: Compression, size_max: Bytes) -> Opened {
    open_limited(path, compression, size_max, true)
}

/// As [`open`], for formats whose units are no rows and fields: whoever reads it limits what is held of it.
///
/// # Errors
/// Where the file cannot be opened.
pub fn open_free(path: &Path, compression: Compression, size_max: Bytes) -> Opened {
    open_limited(path, compression, size_max, false)
}

/// A text and how far it was read.
pub type Opened = Result<(Box<dyn Read + Send>, Arc<Progress>), TraceError>;

fn open_limited(path: &Path, compression: Compression, size_max: Bytes, in_rows: bool) -> Opened {
    let unreadable = |error: io::Error| TraceError::whole(path, Fault::Unreadable(error.to_string()));
    let progress = Arc::new(Progress::default());
    let file = Counted { file: File::open(path).map_err(unreadable)?, progress: Arc::clone(&progress) };
    let file = BufReader::with_capacity(BUFFER, file);
    let text: Box<dyn Read + Send> = match compression {
        Compression::None => Box::new(file),
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
        Compression::Zstd => Box::new(zstd::Decoder::with_buffer(file).map_err(unreadable)?),
    };
    Ok((
        Box::new(Limited { text, compression, progress: Arc::clone(&progress), size_max, in_rows, field: 0 }),
        progress,
    ))
}

/// A file that counts what was taken from it.
struct Counted {
    file: File,
    progress: Arc<Progress>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.progress.taken.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// A text that stops with a fault where it leaves its limits.
struct Limited {
    text: Box<dyn Read + Send>,
    compression: Compression,
    progress: Arc<Progress>,
    size_max: Bytes,
    /// Whether fields and rows are limited here.
    in_rows: bool,
    /// Bytes since the last end of a field.
    field: u64,
}

impl Read for Limited {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.text.read(buffer).map_err(|error| self.explained(error))?;
        self.progress.given.fetch_add(count as u64, Ordering::Relaxed);
        self.check(&buffer[..count]).map_err(io::Error::other)?;
        Ok(count)
    }
}

impl Limited {
    fn check(&mut self, read: &[u8]) -> Result<(), Fault> {
        let given = self.progress.given.load(Ordering::Relaxed);
        if self.compression != Compression::None {
            if given > RATIO_FREE.0 && given / RATIO_MAX > self.progress.taken.load(Ordering::Relaxed) {
                return Err(Fault::ExpandsTooFar { ratio: RATIO_MAX, beyond: RATIO_FREE });
            }
            if given > self.size_max.0 {
                return Err(Fault::TooLarge(self.size_max));
            }
        }
        if !self.in_rows {
            return Ok(());
        }
        self.field = match read.iter().rposition(|byte| matches!(byte, b',' | b'\n' | b'\r')) {
            Some(last) => (read.len() - 1 - last) as u64,
            None => self.field + read.len() as u64,
        };
        if self.field > FIELD_MAX.0 {
            return Err(Fault::Endless { what: "field", limit: FIELD_MAX });
        }
        if given - self.progress.row.load(Ordering::Relaxed) > ROW_MAX.0 {
            return Err(Fault::Endless { what: "row", limit: ROW_MAX });
        }
        Ok(())
    }

    fn explained(&self, error: io::Error) -> io::Error {
        let kind = match self.compression {
            Compression::None => return error,
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        };
        match error.kind() {
            io::ErrorKind::Interrupted => error,
            io::ErrorKind::UnexpectedEof => io::Error::other(Fault::Truncated(kind)),
            _ => io::Error::other(Fault::Corrupt { kind, what: error.to_string() }),
        }
    }
}

/// The fault that an error of reading carries.
pub fn fault_of(error: io::Error) -> Fault {
    error.downcast::<Fault>().unwrap_or_else(|error| Fault::Unreadable(error.to_string()))
}
