//! Access logs of web servers, Common and Combined Log Format: a line a request.
//!
//! ```text
//! [vhost[:port] ]client identity user [day/Mon/year:hour:minute:second ±zone] "METHOD target PROTOCOL" status size ...
//! ```
//!
//! What follows the status is not read, so the Combined format and its extensions are read too. The time states its zone.
//! `service_from` says whose a request is: `all` (one series, `all`), `vhost` (the virtual host before the client,
//! without its port), or `path` (the first segment of the target, `/` where it has none, `-` where there is no target).
//!
//! Real logs hold lines that are none: cut by a full disk, joined by a crash. Up to one in a hundred is counted and
//! noted; more are refused, and the first of them is shown. Lines that are blank do not count.

use super::clock::{self, Zone};
use super::counts::{Counting, Counts, Event, Events};
use super::error::{Place, TraceError};
use super::format::{Format, LOG, Opened, Reading, Reads};
use super::import_fault::ImportFault;
use super::lines::Lines;
use super::rows::Spot;
use super::series::Series;
use crate::input::formats::{Column, FormatPage, Kind};
use crate::units::{NANOS_PER_SECOND, Span};
use std::path::Path;

/// Registers this format in [`FORMATS`](super::format::FORMATS).
pub const FORMAT: Format = Format {
    page: &PAGE,
    takes: &["step", "service_from", "out_of_order"],
    reads: Reads::Text { begins: |line| Line::read(line, From::All).is_ok(), open },
};

/// The page of this format.
pub const PAGE: FormatPage = FormatPage {
    name: "access-log",
    kind: Kind::Rates,
    what: "Access log of a web server (Apache, nginx) in Common or Combined Log Format, a line a request, counted in steps \
           of `step` (1 min); with the virtual host first if it is written so.",
    extensions: LOG,
    columns: &[
        Column {
            name: "[day/Mon/year:hour:minute:second zone]",
            unit: "1 s",
            meaning: "when the request came; its zone is honoured; requests may stand up to `out_of_order` (10 min) \
                      behind the latest one before them",
        },
        Column {
            name: "\"METHOD target PROTOCOL\"",
            unit: "text",
            meaning: "`service_from: path` makes the first segment of the target the series",
        },
        Column { name: "status", unit: "three digits", meaning: "must be there; all requests count, failed ones too" },
        Column {
            name: "vhost",
            unit: "text",
            meaning: "the word before the client, if there is one; `service_from: vhost` makes it the series",
        },
    ],
    example: "192.0.2.7 - - [29/Feb/2024:13:55:36 +0100] \"GET /cart/7 HTTP/1.1\" 200 2326\n\
              192.0.2.9 - anna [29/Feb/2024:13:55:37 +0100] \"GET / HTTP/1.1\" 304 -\n",
    writable: false,
};

/// Lines of a hundred that may be no requests.
const MALFORMED_PERCENT: u64 = 1;
/// From so many of them on, the share is watched while the log is read; before, at its end.
const MALFORMED_MIN: u64 = 1_000;
const STEP: Span = Span::seconds(60);
/// Requests of ten minutes are rare, and logs are written at their end.
const WINDOW: Span = Span::seconds(600);

/// What makes a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    All,
    Vhost,
    Path,
}

fn open(lines: Lines, reading: Reading<'_>) -> Opened {
    let import = &reading.options.import;
    let from = match import.service_from.as_deref() {
        None | Some("all") => From::All,
        Some("vhost") => From::Vhost,
        Some("path") => From::Path,
        Some(found) => {
            let known = "`all`, `vhost` or `path`".to_owned();
            let fault = ImportFault::ServiceFrom { found: found.to_owned(), known };
            return Err(TraceError::whole(reading.path, fault.into()));
        }
    };
    let counting = Counting {
        step: import.step.unwrap_or(STEP).0,
        window: import.out_of_order.unwrap_or(WINDOW).0,
        scale: reading.options.scale,
    };
    let log = Log { lines, from, series: reading.series, time: Stamp::default(), read: 0, malformed: 0, first: None };
    Ok(Box::new(Counts::new(log, counting)))
}

struct Log {
    lines: Lines,
    from: From,
    series: Series,
    time: Stamp,
    /// Lines so far that are not blank, those of them that are no requests, and the first of these.
    read: u64,
    malformed: u64,
    first: Option<(Spot, &'static str)>,
}

impl Log {
    fn is_malformed_beyond_share(&self) -> bool {
        self.malformed * 100 > self.read * MALFORMED_PERCENT
    }

    fn too_malformed(&self) -> TraceError {
        let (spot, what) = self.first.unwrap_or_default();
        let (malformed, lines) = (self.malformed, self.read);
        let fault = ImportFault::Malformed { what, malformed, lines, percent: MALFORMED_PERCENT };
        self.lines.error(spot, "", fault.into())
    }
}

impl Events for Log {
    fn next(&mut self) -> Result<Option<Event>, TraceError> {
        loop {
            let Some(line) = self.lines.line()? else {
                return if self.is_malformed_beyond_share() { Err(self.too_malformed()) } else { Ok(None) };
            };
            if line.is_empty() {
                continue;
            }
            self.read += 1;
            let parsed = Line::read(line, self.from).and_then(|line| Ok((self.time.read(line.time)?, line.series)));
            match parsed {
                Ok((at, series)) => {
                    let service = self.series.service(series);
                    let service = service.map_err(|fault| self.lines.error(self.lines.spot(), "", fault))?;
                    return Ok(Some(Event { at, service }));
                }
                Err(why) => {
                    self.malformed += 1;
                    self.first = self.first.or(Some((self.lines.spot(), why)));
                    if self.malformed >= MALFORMED_MIN && self.is_malformed_beyond_share() {
                        return Err(self.too_malformed());
                    }
                }
            }
        }
    }

    fn series(&self) -> &Series {
        &self.series
    }

    fn spot(&self) -> Spot {
        self.lines.spot()
    }

    fn place(&self, spot: Spot) -> Place {
        self.lines.place(spot)
    }

    fn path(&self, spot: Spot) -> &Path {
        self.lines.path(spot)
    }

    fn notes(&self) -> Vec<String> {
        let Some((spot, why)) = self.first else { return Vec::new() };
        let (malformed, read, place) = (self.malformed, self.read, self.lines.place(spot));
        let line = if let Place::Line(line) = place { line } else { 0 };
        vec![format!("{malformed} of {read} lines are no requests and do not count, first line {line}: {why}")]
    }
}

/// What is read of a line.
struct Line<'a> {
    /// What stands in brackets: 26 bytes.
    time: &'a [u8],
    series: &'a [u8],
}

/// Bytes of `10/Oct/2000:13:55:36 -0700`.
const TIME_LENGTH: usize = 26;

impl<'a> Line<'a> {
    fn read(line: &'a [u8], from: From) -> Result<Self, &'static str> {
        const NO_TIME: &str = "there is no time in brackets like `[10/Oct/2000:13:55:36 -0700]`";
        const NO_REQUEST: &str = "there is no request in quotation marks after the time";
        let bracket = bracket(line).ok_or(NO_TIME)?;
        let after = bracket + 1 + TIME_LENGTH;
        let time = line.get(bracket + 1..after).ok_or(NO_TIME)?;
        let request = line[after..].strip_prefix(b"] \"").ok_or(NO_REQUEST)?;
        let end = quotation_end(request).ok_or("the request has no closing quotation mark")?;
        match &request[end + 1..] {
            [b' ', b'1'..=b'5', b'0'..=b'9', b'0'..=b'9', b' ' | b'\t', ..]
            | [b' ', b'1'..=b'5', b'0'..=b'9', b'0'..=b'9'] => {}
            _ => return Err("there is no status of three digits after the request"),
        }
        let series = match from {
            From::All => b"all",
            From::Path => segment(&request[..end]),
            From::Vhost => vhost(&line[..bracket]).ok_or("there is no virtual host before the client")?,
        };
        Ok(Self { time, series })
    }
}

/// Where the bracket of the time stands: the first one after a space.
fn bracket(line: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'[', line).find(|&at| at > 0 && line[at - 1] == b' ')
}

/// Where the quotation ends; a backslash takes the meaning of the byte after it.
fn quotation_end(request: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'"', request).find(|&at| {
        let slashes = request[..at].iter().rev().take_while(|byte| **byte == b'\\').count();
        slashes % 2 == 0
    })
}

/// The first segment of the target of `METHOD target PROTOCOL`.
fn segment(request: &[u8]) -> &[u8] {
    let mut words = request.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let Some(target) = words.nth(1) else { return b"-" };
    // A proxy is asked for `http://host/path`.
    let path = match memchr::memmem::find(target, b"://") {
        Some(scheme) if !target[..scheme].contains(&b'/') => {
            let rest = &target[scheme + 3..];
            memchr::memchr(b'/', rest).map_or(&b""[..], |slash| &rest[slash..])
        }
        _ => target,
    };
    let path = path.strip_prefix(b"/").unwrap_or(path);
    let end = path.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#' | b';')).unwrap_or(path.len());
    match &path[..end] {
        [] => b"/",
        segment if std::str::from_utf8(segment).is_err() => b"-",
        segment => segment,
    }
}

/// The first of four words, without the port.
fn vhost(before: &[u8]) -> Option<&[u8]> {
    let words = before.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    if words.clone().count() < 4 {
        return None;
    }
    let host = words.into_iter().next()?;
    let port = host.iter().rposition(|byte| *byte == b':');
    let port = port.filter(|at| *at > 0 && host[at + 1..].iter().all(u8::is_ascii_digit));
    Some(&host[..port.unwrap_or(host.len())])
}

/// Reads times, most of which differ from the one before in their last digits only.
#[derive(Debug, Default)]
struct Stamp {
    /// The day and the zone as they were written last, and the second that the day begins at in UTC.
    day: [u8; 11],
    zone: [u8; 5],
    midnight: Option<i64>,
}

const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

impl Stamp {
    /// `10/Oct/2000:13:55:36 -0700` as nanoseconds since 1970.
    fn read(&mut self, text: &[u8]) -> Result<u64, &'static str> {
        const FORM: &str = "the time in brackets does not look like `10/Oct/2000:13:55:36 -0700`";
        if text.len() != TIME_LENGTH || [text[11], text[14], text[17], text[20]] != *b"::: " {
            return Err(FORM);
        }
        let midnight = match self.midnight {
            Some(midnight) if self.day == text[..11] && self.zone == text[21..] => midnight,
            _ => self.turn_to(text)?,
        };
        let part = |at: usize| clock::pair(&text[at..at + 2]).map(i64::from).ok_or(FORM);
        let (hour, minute, second) = (part(12)?, part(15)?, part(18)?);
        if hour > 23 || minute > 59 || second > 60 {
            return Err("there is no such time of day");
        }
        let seconds = midnight + hour * 3_600 + minute * 60 + second;
        let nanos = u64::try_from(seconds).ok().and_then(|seconds| seconds.checked_mul(NANOS_PER_SECOND));
        nanos.ok_or("its time is before 1970 or after 2553")
    }

    fn turn_to(&mut self, text: &[u8]) -> Result<i64, &'static str> {
        const DAY: &str = "there is no such day";
        if text[2] != b'/' || text[6] != b'/' {
            return Err(DAY);
        }
        let month = (1..).zip(MONTHS).find(|(_, name)| **name == text[3..6]).map(|(month, _)| month);
        let year = clock::pair(&text[7..9]).zip(clock::pair(&text[9..11])).map(|(century, year)| century * 100 + year);
        let days = (|| clock::days(year?, month?, clock::pair(&text[..2])?))().ok_or(DAY)?;
        let zone = Zone::read(&text[21..]).ok_or("the time has no zone like `-0700`")?;
        let midnight = days * 86_400 - i64::from(zone.0);
        self.day.copy_from_slice(&text[..11]);
        self.zone.copy_from_slice(&text[21..]);
        self.midnight = Some(midnight);
        Ok(midnight)
    }
}
