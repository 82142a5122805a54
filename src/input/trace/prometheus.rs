//! Answers of Prometheus to range queries: `/api/v1/query_range`, as they come, one or several after the other.
//!
//! Values are taken as requests per second, what `sum by (service) (rate(http_requests_total[1m]))` asks for; with
//! `counter: true` as counters, whose increase is divided by the time between two samples. The label that `service_from`
//! names (`service`) says whose a series is. Prometheus gives at most 11,000 points of a series, so a long time is several
//! answers: one file with all of them, or several files.
//!
//! A value `NaN` (a division by zero requests) is unknown, not zero. Infinite and negative values are refused.

use super::decimal;
use super::error::{Fault, Place, TraceError, listed, shown};
use super::format::{Format, JSON, Opened, Reading, Reads};
use super::import_fault::ImportFault;
use super::lines::Lines;
use super::matrix::{Matrix, Sample};
use super::rows::{ALL, RawRow, Rows, Spot};
use super::series::ServiceNames;
use super::text::{self, Compression};
use crate::input::formats::{Column, FormatPage, Kind};
use crate::units::{Bytes, Ratio};
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufReader, Read};
use std::path::Path;

/// Registers this format in [`FORMATS`](super::format::FORMATS).
pub const FORMAT: Format = Format {
    page: &PAGE,
    takes: &["service_from", "counter"],
    reads: Reads::Text { begins: |line| line.trim_ascii_start().starts_with(b"{"), open },
};

/// The page of this format.
pub const PAGE: FormatPage = FormatPage {
    name: "prometheus",
    kind: Kind::Rates,
    what: "What Prometheus, Thanos, Mimir or VictoriaMetrics answer to a range query (`/api/v1/query_range`), one answer or \
           several after the other.",
    extensions: JSON,
    columns: &[
        Column {
            name: "metric.<label>",
            unit: "text",
            meaning: "the series: the label that `service_from` names (`service`); series of one name are added up; \
                      `service_from: all` adds up all of them",
        },
        Column { name: "values[][0]", unit: "s since 1970", meaning: "when; to the millisecond" },
        Column {
            name: "values[][1]",
            unit: "1/s",
            meaning: "the rate from here to the next value; with `counter: true` a count that rises, and starts again at \
                      zero where it falls; a missing value or `NaN` is a gap",
        },
    ],
    example: "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[\n\
              {\"metric\":{\"service\":\"cart\"},\"values\":[[1709208000,\"12.5\"],[1709208060,\"13\"]]}]}}\n",
    writable: false,
};

/// The longest text or number.
const TOKEN_MAX: Bytes = Bytes(1 << 20);
/// What a file of answers may be long, because they are held.
const ANSWERS_MAX: Bytes = Bytes(1 << 30);

fn open(lines: Lines, mut reading: Reading<'_>) -> Opened {
    let mut answers = Answers { matrix: Matrix::default(), unknown: 0, values: 0 };
    for path in lines.into_paths() {
        answers.read(&path, &mut reading)?;
    }
    let whole = |fault| TraceError::whole(reading.path, fault);
    reading.series.check_all_met().map_err(whole)?;
    let counter = reading.options.import.counter;
    answers.matrix.finish(counter).map_err(whole)?;
    let Answers { matrix, unknown, values } = answers;
    let (names, path) = (reading.series.services(), reading.path.into());
    Ok(Box::new(Prometheus { matrix, names, path, counter, unknown, values }))
}

struct Answers {
    matrix: Matrix,
    /// Values that are not numbers, of how many.
    unknown: u64,
    values: u64,
}

impl Answers {
    fn read(&mut self, path: &Path, reading: &mut Reading<'_>) -> Result<(), TraceError> {
        let compression = Compression::by_name(&path.to_string_lossy().to_lowercase());
        let text = Bounded::open(path, compression, reading.options.size_max)?;
        let stream = serde_json::Deserializer::from_reader(BufReader::with_capacity(64 << 10, text));
        let stream = stream.into_iter::<Answer<RawSeries>>();
        let mut is_empty = true;
        for answer in stream {
            let answer = answer.map_err(|error| explained(path, error))?;
            let taken = self.take(answer, reading);
            taken.map_err(|(field, fault)| TraceError::at(path, Place::Whole, &field, fault))?;
            is_empty = false;
        }
        if is_empty { Err(TraceError::whole(path, Fault::Empty)) } else { Ok(()) }
    }

    /// Takes the series of an answer; the field and the fault of a mistake.
    fn take(&mut self, answer: Answer<RawSeries>, reading: &mut Reading<'_>) -> Result<(), (String, Fault)> {
        let here = |fault: ImportFault| (String::new(), Fault::from(fault));
        let series = answer.matrix().map_err(here)?;
        series.into_iter().enumerate().try_for_each(|(index, series)| {
            self.add(series, reading).map_err(|fault| (format!("data.result.{index}"), fault))
        })
    }

    fn add(&mut self, series: RawSeries, reading: &mut Reading<'_>) -> Result<(), Fault> {
        let label = reading.options.import.service_from.as_deref().unwrap_or("service");
        let name = match series.metric.get(label) {
            _ if label == ALL || series.metric.is_empty() => ALL,
            Some(name) => name,
            None => {
                let labels: Vec<&str> = series.metric.keys().map(String::as_str).collect();
                return Err(ImportFault::NoLabel { label: label.to_owned(), found: listed(labels.into_iter()) }.into());
            }
        };
        if series.values.is_empty() && series.histograms.is_some() {
            return Err(ImportFault::NotAMatrix("histograms".to_owned()).into());
        }
        self.values += series.values.len() as u64;
        let service = reading.series.service(name.as_bytes())?;
        let Some(service) = service else { return Ok(()) };
        let scaled =
            scaled(series.values, reading.options.scale).ok_or(ImportFault::TooMuch("a value is too large"))?;
        self.unknown += scaled.1;
        let labels = format!("{:?}", series.metric);
        self.matrix.add(&labels, (service, name), scaled.0)
    }
}

/// The samples that are known, times `scale`, and how many are not.
fn scaled(values: Vec<RawSample>, scale: Ratio) -> Option<(Vec<Sample>, u64)> {
    let all = values.len();
    let one = u128::from(Ratio::ONE.0);
    let scaled = |value: u64| u64::try_from((u128::from(value) * u128::from(scale.0) + one / 2) / one).ok();
    let known = values.into_iter().filter_map(|RawSample(at, value)| Some((at, value?)));
    let known: Option<Vec<Sample>> = known.map(|(at, value)| Some((at, scaled(value)?))).collect();
    let known = known?;
    let unknown = (all - known.len()) as u64;
    Some((known, unknown))
}

/// A mistake of JSON or of the file under it.
pub(in crate::input) fn explained(path: &Path, error: serde_json::Error) -> TraceError {
    let line = error.line() as u64;
    let place = if line == 0 { Place::Whole } else { Place::Line(line) };
    if error.is_io() {
        return TraceError::at(path, place, "", text::fault_of(io::Error::from(error)));
    }
    let what = error.to_string();
    let what = what.split(" at line ").next().unwrap_or_default();
    let what = format!("{} (column {})", shown(what.as_bytes()), error.column());
    TraceError::at(path, place, "", ImportFault::Json(what).into())
}

/// An answer, or the `data` of one alone; its series as the reader wants them.
#[derive(serde::Deserialize)]
pub struct Answer<S> {
    error: Option<String>,
    data: Option<Data<S>>,
    #[serde(default, rename = "resultType")]
    result_type: String,
    result: Option<Vec<S>>,
}

#[derive(serde::Deserialize)]
struct Data<S> {
    #[serde(default, rename = "resultType")]
    result_type: String,
    result: Vec<S>,
}

impl<S> Answer<S> {
    /// The series of a range query.
    ///
    /// # Errors
    /// A query that failed, or that was no range query.
    pub fn matrix(self) -> Result<Vec<S>, ImportFault> {
        if let Some(error) = self.error {
            return Err(ImportFault::QueryFailed(shown(error.as_bytes())));
        }
        let Data { result_type, result } =
            self.data.unwrap_or(Data { result_type: self.result_type, result: self.result.unwrap_or_default() });
        match result_type.as_str() {
            "matrix" => Ok(result),
            "" => Err(ImportFault::NotAMatrix("no `resultType`".to_owned())),
            kind => Err(ImportFault::NotAMatrix(format!("a {}", shown(kind.as_bytes())))),
        }
    }
}

#[derive(serde::Deserialize)]
struct RawSeries {
    metric: BTreeMap<String, String>,
    #[serde(default)]
    values: Vec<RawSample>,
    histograms: Option<IgnoredAny>,
}

/// Nanoseconds since 1970, and millionths; `None` where it is not a number.
struct RawSample(u64, Option<u64>);

impl<'de> Deserialize<'de> for RawSample {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(SampleVisitor)
    }
}

struct SampleVisitor;

impl<'de> Visitor<'de> for SampleVisitor {
    type Value = RawSample;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a pair like `[1709208000.5, \"12.5\"]`")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<RawSample, A::Error> {
        /// The last millisecond that fits nanoseconds of 64 bits.
        const LAST_MS: f64 = 18_446_744_073_709.0;
        let short = || A::Error::custom("a sample has a time and a value");
        let seconds: f64 = items.next_element()?.ok_or_else(short)?;
        let ms = (seconds * 1e3).round();
        if !(0.0..LAST_MS).contains(&ms) {
            return Err(A::Error::custom("a time is seconds since 1970"));
        }
        let Amount(value) = items.next_element()?.ok_or_else(short)?;
        if items.next_element::<IgnoredAny>()?.is_some() {
            return Err(A::Error::custom("a sample has only a time and a value"));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
        Ok(RawSample(ms as u64 * 1_000_000, value))
    }
}

/// Millionths; `None` where it is not a number.
struct Amount(Option<u64>);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(AmountVisitor)
    }
}

struct AmountVisitor;

impl Visitor<'_> for AmountVisitor {
    type Value = Amount;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value as text, like `\"12.5\"`")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Amount, E> {
        if text == "NaN" {
            return Ok(Amount(None));
        }
        let value = decimal::rate(text.as_bytes(), Ratio::ONE);
        value
            .map(|value| Amount(Some(value.0)))
            .map_err(|why| E::custom(format_args!("`{}` is not a number of requests: {why}", shown(text.as_bytes()))))
    }
}

/// JSON whose texts and numbers end, and which ends itself.
pub(in crate::input) struct Bounded {
    text: Box<dyn Read + Send>,
    /// Bytes of the present text or number, and of the file.
    token: u64,
    total: u64,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Between,
    InText,
    Escaped,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.text.read(buffer)?;
        self.total += count as u64;
        let too_long = |what, limit| Err(io::Error::other(Fault::from(ImportFault::TooLong { what, limit })));
        if self.total > ANSWERS_MAX.0 {
            return too_long("what is held of the answers", ANSWERS_MAX);
        }
        for byte in &buffer[..count] {
            self.pass(*byte);
            if self.token > TOKEN_MAX.0 {
                return too_long("a text or number", TOKEN_MAX);
            }
        }
        Ok(count)
    }
}

impl Bounded {
    /// Opens a file.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub(in crate::input) fn open(path: &Path, compression: Compression, size_max: Bytes) -> Result<Self, TraceError> {
        let (text, _) = text::open_free(path, compression, size_max)?;
        Ok(Self { text, token: 0, total: 0, state: State::Between })
    }

    fn pass(&mut self, byte: u8) {
        self.token += 1;
        match (self.state, byte) {
            (State::InText, b'\\') => self.state = State::Escaped,
            (State::Escaped, _) => self.state = State::InText,
            (State::InText, b'"') => (self.state, self.token) = (State::Between, 0),
            (State::Between, b'"') => (self.state, self.token) = (State::InText, 0),
            (State::Between, b',' | b':' | b'[' | b']' | b'{' | b'}' | b' ' | b'\n' | b'\r' | b'\t') => self.token = 0,
            _ => {}
        }
    }
}

struct Prometheus {
    matrix: Matrix,
    names: ServiceNames,
    path: Box<Path>,
    counter: bool,
    unknown: u64,
    values: u64,
}

impl Rows for Prometheus {
    fn next(&mut self, row: &mut RawRow) -> Result<bool, TraceError> {
        let next = self.matrix.next(row);
        next.map_err(|why| TraceError::whole(&self.path, ImportFault::TooMuch(why).into()))
    }

    fn place(&self, _spot: Spot) -> Place {
        Place::Whole
    }

    fn end(&self) -> Option<u64> {
        self.matrix.end()
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = self.matrix.notes(|service| self.names.name(service));
        let kind = if self.counter {
            "its values are counters: the rate is their increase over the time between them"
        } else {
            "its values are taken as requests per second; `counter: true` if they are counters"
        };
        notes.push(kind.to_owned());
        if self.unknown > 0 {
            notes.push(format!("{} of {} values are not numbers (NaN): unknown", self.unknown, self.values));
        }
        notes
    }
}
