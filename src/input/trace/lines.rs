//! Lines and words of texts of any length, one file after the other, as slices of a buffer.
//!
//! For formats that are no CSV: no quotation, no header. One line or word is held, and it has a limit.

use super::error::{Fault, Place, TraceError};
use super::rows::Spot;
use super::text::{self, Compression, Progress};
use crate::units::Bytes;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The longest line or word.
pub const LINE_MAX: Bytes = Bytes(1 << 20);
/// What is read at once, and kept in the processor's cache meanwhile.
const BUFFER: usize = 256 << 10;
/// Lines are told apart from files in a [`Spot`] by these bits.
const FILE_SHIFT: u32 = 44;

/// The texts of one trace.
pub struct Lines {
    /// All files; the first `opened` of them were opened.
    paths: Vec<PathBuf>,
    opened: usize,
    size_max: Bytes,
    text: Option<(Box<dyn Read + Send>, Arc<Progress>)>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Lines or words of the present file so far.
    count: u64,
}

impl Lines {
    /// Opens the first of these files; the others follow.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub fn open(paths: Vec<PathBuf>, size_max: Bytes) -> Result<Self, TraceError> {
        let buffer = vec![0; BUFFER];
        let mut lines = Self { paths, opened: 0, size_max, text: None, buffer, start: 0, end: 0, count: 0 };
        lines.open_next()?;
        Ok(lines)
    }

    /// Opens the next file; `false` where there is none.
    fn open_next(&mut self) -> Result<bool, TraceError> {
        let Some(path) = self.paths.get(self.opened) else { return Ok(false) };
        let compression = Compression::by_name(&path.to_string_lossy().to_lowercase());
        self.text = Some(text::open_free(path, compression, self.size_max)?);
        (self.opened, self.count, self.start, self.end) = (self.opened + 1, 0, 0, 0);
        Ok(true)
    }

    /// The next line, without its end; `None` after the last one.
    ///
    /// # Errors
    /// Where a file is broken there, or the line has no end.
    pub fn line(&mut self) -> Result<Option<&[u8]>, TraceError> {
        let mut searched = 0;
        loop {
            let held = &self.buffer[self.start..self.end];
            if let Some(length) = memchr::memchr(b'\n', &held[searched..]) {
                return Ok(Some(self.take(self.start + searched + length, 1)));
            }
            searched = held.len();
            if !self.fill()? {
                if searched > 0 {
                    return Ok(Some(self.take(self.end, 0)));
                }
                if !self.open_next()? {
                    return Ok(None);
                }
            }
        }
    }

    /// The next line as [`line`](Self::line), or as much of it as tells what kind of text this is.
    ///
    /// # Errors
    /// As [`line`](Self::line), but not where it is long.
    pub fn begin(&mut self) -> Result<Option<&[u8]>, TraceError> {
        if self.start == self.end {
            self.fill()?;
        }
        let held = &self.buffer[self.start..self.end];
        if memchr::memchr(b'\n', held).is_none() && !held.is_empty() {
            return Ok(Some(self.take(self.end, 0)));
        }
        self.line()
    }

    /// The next word between blanks and line breaks; `None` after the last one.
    ///
    /// # Errors
    /// As [`line`](Self::line).
    pub fn word(&mut self) -> Result<Option<&[u8]>, TraceError> {
        loop {
            let held = &self.buffer[self.start..self.end];
            self.start += held.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(held.len());
            let held = &self.buffer[self.start..self.end];
            if let Some(length) = held.iter().position(u8::is_ascii_whitespace) {
                return Ok(Some(self.take(self.start + length, 1)));
            }
            let length = held.len();
            if !self.fill()? {
                if length > 0 {
                    return Ok(Some(self.take(self.end, 0)));
                }
                if !self.open_next()? {
                    return Ok(None);
                }
            }
        }
    }

    /// Hands out what stands before `end`, and passes over what follows.
    fn take(&mut self, end: usize, separator: usize) -> &[u8] {
        let start = std::mem::replace(&mut self.start, end + separator);
        self.count += 1;
        self.buffer[start..end].strip_suffix(b"\r").unwrap_or(&self.buffer[start..end])
    }

    /// Reads on; `false` at the end of the file.
    fn fill(&mut self) -> Result<bool, TraceError> {
        let Some((text, _)) = &mut self.text else { return Ok(false) };
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        if self.end == self.buffer.len() {
            if self.end as u64 >= LINE_MAX.0 {
                let fault = Fault::Endless { what: "line", limit: LINE_MAX };
                return Err(self.error(self.next_spot(), "", fault));
            }
            self.buffer.resize(2 * self.end, 0);
        }
        match read(text, &mut self.buffer[self.end..]) {
            Ok(0) => {
                self.text = None;
                Ok(false)
            }
            Ok(count) => {
                self.end += count;
                Ok(true)
            }
            Err(error) => Err(self.error(self.next_spot(), "", text::fault_of(error))),
        }
    }

    /// Where the line or word stands that was read last.
    pub fn spot(&self) -> Spot {
        Spot((self.opened.saturating_sub(1) as u64) << FILE_SHIFT | self.count)
    }

    fn next_spot(&self) -> Spot {
        Spot(self.spot().0 + 1)
    }

    /// All files, for who reads them in another way.
    pub fn into_paths(self) -> Vec<PathBuf> {
        self.paths
    }

    /// The file of a spot.
    pub fn path(&self, spot: Spot) -> &Path {
        let index = usize::try_from(spot.0 >> FILE_SHIFT).unwrap_or(usize::MAX);
        self.paths.get(index).or(self.paths.first()).map_or(Path::new(""), PathBuf::as_path)
    }

    /// A line as people find it.
    #[expect(clippy::unused_self, reason = "as all readers do")]
    pub fn place(&self, spot: Spot) -> Place {
        Place::Line(spot.0 & ((1 << FILE_SHIFT) - 1))
    }

    /// A mistake at a line.
    pub fn error(&self, spot: Spot, field: &str, fault: Fault) -> TraceError {
        TraceError::at(self.path(spot), self.place(spot), field, fault)
    }
}

fn read(text: &mut (impl Read + ?Sized), buffer: &mut [u8]) -> std::io::Result<usize> {
    loop {
        match text.read(buffer) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}
