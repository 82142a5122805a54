//! How fast traces are read on one core, each form against what others need for the same file in the same run.
//!
//! Checked before anything is timed: every request of the file is found. Then the peak memory of each reader over what
//! stood before is told, and must stay below four times the text and a fixed base. Then the processor time of ten readings,
//! which says what one core does however many others want it, as the time on the wall does not; then that one.
//! `SMO_BENCH_SMOKE`: small files, once.

#![expect(clippy::print_stdout, reason = "a bench tells what it found")]
#![expect(clippy::cast_possible_truncation, reason = "draws that are cut to what a line needs")]

use criterion::{Criterion, Throughput};
use polars::prelude::{ParallelStrategy, ParquetReader, SerReader};
use rand::Rng;
use smo::input::trace::write::{Compress, long_csv, wide_parquet};
use smo::input::trace::{self, Import, Selection, ServiceNames, TraceOptions};
use smo::model::ServiceId;
use smo::model::workload::{RateRow, RowsInMemory};
use smo::seed::Seed;
use smo::units::{Rate, Span, Time};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const SERVICES: u32 = 10;
const S: u64 = 1_000_000_000;
/// Memory that a reader may take whatever the file: buffers, and a slice of a Parquet file with its decoder.
const BASE: u64 = 16 << 20;

fn names() -> ServiceNames {
    ServiceNames::new((0..SERVICES).map(|index| format!("service-{index}")))
}

/// Rates that are drawn, a row a second, and what they add up to in 10⁻¹⁵ requests.
fn rates(rows: u64) -> (RowsInMemory, u128) {
    let mut stream = Seed(1).stream("bench_reading_rates", 0);
    let mut sum = 0;
    let mut row = |at: u64| {
        let mut rate = |service: u32| {
            let rate = u64::from(stream.next_u32() % 1_000_000_000);
            sum += u128::from(rate);
            (ServiceId(service), Rate(rate))
        };
        RateRow { at: Time(at * S), rates: (0..SERVICES).map(&mut rate).collect() }
    };
    let rows = (0..rows).map(&mut row).collect();
    (RowsInMemory::new(rows, Span::seconds(1)), sum * u128::from(S))
}

/// A Combined log of a day, a request every few milliseconds.
fn log(lines: u64) -> String {
    let mut stream = Seed(1).stream("bench_reading_log", 0);
    let mut text = String::new();
    for index in 0..lines {
        let second = index * 86_400 / lines;
        let (draw, other) = (stream.next_u64(), stream.next_u64());
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        writeln!(
            text,
            "192.0.{}.{} - - [29/Feb/2024:{hour:02}:{minute:02}:{second:02} +0100] \"GET /service-{}/items/{}?page={} \
             HTTP/1.1\" 200 {} \"https://shop.example/catalogue/{}\" \"Mozilla/5.0 (X11; Linux x86_64; rv:123.0) \
             Gecko/20100101 Firefox/123.0\"",
            draw as u8,
            (draw >> 8) as u8,
            draw >> 16 & 7,
            draw >> 32,
            other as u8,
            other >> 8 & 0xffff,
            other >> 40,
        )
        .expect("memory takes it");
    }
    text
}

/// An answer of a range query for ten series.
fn answer(points: u64) -> String {
    let mut text = r#"{"status":"success","data":{"resultType":"matrix","result":["#.to_owned();
    for service in 0..SERVICES {
        let comma = if service == 0 { "" } else { "," };
        write!(text, r#"{comma}{{"metric":{{"service":"service-{service}"}},"values":["#).expect("memory takes it");
        for point in 0..points {
            let comma = if point == 0 { "" } else { "," };
            write!(text, r#"{comma}[{},"{}.5"]"#, 1_709_208_000 + point, point % 977).expect("memory takes it");
        }
        text.push_str("]}");
    }
    text + "]}}\n"
}

/// A day of functions, most of whose minutes are empty.
fn functions(count: u64) -> String {
    let minutes: Vec<String> = (1..=1_440).map(|minute| minute.to_string()).collect();
    let mut text = format!("HashOwner,HashApp,HashFunction,Trigger,{}\n", minutes.join(","));
    for function in 0..count {
        write!(text, "o,a,service-{},http", function % u64::from(SERVICES)).expect("memory takes it");
        (0..1_440).for_each(|minute| text.push_str(if minute % 7 == function % 7 { ",3" } else { ",0" }));
        text.push('\n');
    }
    text
}

fn requests(rows: u64) -> String {
    let row = |index: u64| format!("{},{}\n", index * 5, index % 4_096);
    "at_ms,size\n".to_owned() + &(0..rows).map(row).collect::<String>()
}

/// A file to be read.
#[derive(Clone)]
struct Sample {
    name: &'static str,
    path: PathBuf,
    /// Bytes of its text or of its values.
    bytes: u64,
    /// Whole requests.
    requests: u128,
}

impl Sample {
    fn read(&self) -> u128 {
        let (_, _, options) = FORMS.iter().find(|(name, ..)| *name == self.name).expect("it is in the table");
        let mut trace = trace::open(&self.path, &names(), &options()).expect("it is sound");
        trace::survey(&mut trace).expect("it is sound").total().nearest()
    }
}

fn as_one(import: Import) -> TraceOptions {
    TraceOptions { selection: Selection::Only("service-0".into()), import, ..TraceOptions::default() }
}

fn by_path() -> TraceOptions {
    let import = Import { service_from: Some("path".into()), ..Import::default() };
    TraceOptions { import, ..TraceOptions::default() }
}

fn by_column() -> TraceOptions {
    as_one(Import { time_from: Some("at_ms".into()), ..Import::default() })
}

/// Processor time of this process so far, in nanoseconds, with that of commands that have ended, in whole ticks of 10 ms;
/// where the system tells.
fn processor_time() -> Option<u64> {
    let mut sum = 0;
    for thread in fs::read_dir("/proc/self/task").ok()? {
        let told = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        sum += told.split_whitespace().next()?.parse::<u64>().ok()?;
    }
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program, in parentheses, is the second of the fields, and the only one with blanks.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(13..15)?.iter().map(|ticks| ticks.parse::<u64>()).sum::<Result<u64, _>>().ok()?;
    Some(sum + ticks * 10_000_000)
}

/// Tells what a core reads in a second of its time: the median of so many readings, and their range.
fn time(name: &str, bytes: u64, readings: usize, work: impl Fn()) {
    let mut rates = Vec::with_capacity(readings);
    for _ in 0..readings {
        let Some(before) = processor_time() else { return };
        work();
        let Some(spent) = processor_time().map(|after| after - before).filter(|spent| *spent > 0) else { return };
        rates.push(bytes as f64 * 1e3 / spent as f64);
    }
    rates.sort_by(f64::total_cmp);
    let (least, most) = (rates[0], rates[readings - 1]);
    println!("  {name}: {:.0} MB/s of processor time ({least:.0} to {most:.0})", rates[readings / 2]);
}

/// What is read: name, file, options.
type Form = (&'static str, &'static str, fn() -> TraceOptions);

const FORMS: &[Form] = &[
    ("access log, one series", "access.log", || as_one(Import::default())),
    ("access log by path", "access.log", by_path),
    ("arrivals", "arrivals.csv", by_column),
    ("long CSV", "rates.csv", TraceOptions::default),
    ("long CSV, gzip", "rates.csv.gz", TraceOptions::default),
    ("wide Parquet, by its values", "rates.parquet", TraceOptions::default),
    ("answer of Prometheus", "answer.json", TraceOptions::default),
    // Several functions of one name cannot be told apart, so they are added up.
    ("Azure Functions 2019", "functions.d01.csv", TraceOptions::default),
];

/// Writes all files.
fn samples(folder: &Path, smoke: bool) -> Vec<Sample> {
    let size = |full: u64| if smoke { full / 500 } else { full };
    let put = |name: &'static str, text: &str, requests: u128| {
        let (_, file, _) = FORMS.iter().find(|(form, ..)| *form == name).expect("it is in the table");
        let path = folder.join(file);
        fs::write(&path, text).expect("there is room");
        Sample { name, path, bytes: text.len() as u64, requests }
    };
    let (lines, asked, points, rows) = (size(400_000), size(4_000_000), size(150_000), size(10_000));
    let text = log(lines);
    let mut samples =
        ["access log, one series", "access log by path"].map(|name| put(name, &text, lines.into())).to_vec();
    samples.push(put("arrivals", &requests(asked), asked.into()));
    samples.extend(rate_samples(folder, size(200_000)));
    // Each series goes through 0.5, 1.5 ... 976.5 again and again.
    let whole: u64 = (0..points).map(|point| 2 * (point % 977) + 1).sum();
    samples.push(put("answer of Prometheus", &answer(points), u128::from(whole) * u128::from(SERVICES) / 2));
    let called = |function: u64| (0..1_440).filter(|minute| minute % 7 == function % 7).count() as u128;
    samples.push(put("Azure Functions 2019", &functions(rows), (0..rows).map(|function| called(function) * 3).sum()));
    samples
}

/// The same rates as long CSV, the same compressed, and as wide Parquet.
fn rate_samples(folder: &Path, rows: u64) -> Vec<Sample> {
    let (source, sum) = rates(rows);
    let requests = (sum + 500_000_000_000_000) / 1_000_000_000_000_000;
    let write = |name: &str, compress| {
        let path = folder.join(name);
        let out = File::create(&path).expect("there is room");
        long_csv(&mut source.clone(), &names(), out, compress).expect("there is room");
        path
    };
    let (plain, packed) = (write("rates.csv", Compress::No), write("rates.csv.gz", Compress::Gzip));
    let parquet = folder.join("rates.parquet");
    wide_parquet(&mut source.clone(), &names(), File::create(&parquet).expect("there is room")).expect("there is room");
    let bytes = fs::metadata(&plain).expect("it was written").len();
    let values = rows * u64::from(SERVICES + 1) * 8;
    let sample = |name, path, bytes| Sample { name, path, bytes, requests };
    vec![
        sample("long CSV", plain, bytes),
        sample("long CSV, gzip", packed, bytes),
        sample("wide Parquet, by its values", parquet, values),
    ]
}

/// Peak memory of a process that reads a sample and nothing else, over one that reads nothing; where the system tells.
fn peak(sample: &Sample) -> Option<u64> {
    let of = |index: &str| {
        let program = std::env::current_exe().expect("it runs");
        let folder = sample.path.parent().expect("it is in one");
        let done = Command::new(program).env(CHILD, folder).arg(index).output().expect("it can run again");
        String::from_utf8(done.stdout).expect("it prints a number").trim().parse::<u64>().ok()
    };
    Some(of(sample.name)?.saturating_sub(of("")?))
}

/// Set for the process whose memory is measured: the folder of the files.
const CHILD: &str = "SMO_BENCH_READING_CHILD";

/// Reads the sample of the first argument and prints the peak memory so far.
fn measure(folder: &Path) {
    let name = std::env::args().nth(1).unwrap_or_default();
    if let Some((_, file, options)) = FORMS.iter().find(|(form, ..)| *form == name) {
        let mut trace = trace::open(&folder.join(file), &names(), &options()).expect("it is sound");
        black_box(trace::survey(&mut trace).expect("it is sound"));
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    println!("{}", kibibytes.map_or_else(|| "unknown".to_owned(), |kibibytes| (kibibytes << 10).to_string()));
}

fn check(samples: &[Sample]) {
    for sample in samples {
        assert_eq!(sample.read(), sample.requests, "{}", sample.name);
        let Some(peak) = peak(sample) else { continue };
        println!(
            "{}: {} MB of text or values, peak memory {} MB",
            sample.name,
            sample.bytes / 1_000_000,
            peak / 1_000_000
        );
        assert!(peak <= BASE + 4 * sample.bytes, "{}: {peak} bytes", sample.name);
    }
}

/// Runs a command of the shell over a file; what it prints.
fn shell(command: &str, path: &Path) -> String {
    let done = Command::new("sh").arg("-c").arg(command).arg("sh").arg(path).output().expect("there is a shell");
    String::from_utf8(done.stdout).expect("it prints numbers")
}

/// What others need for the file of a sample: name and work.
type Reference = (&'static str, fn(&Path));

fn references(sample: &Sample) -> Vec<Reference> {
    let records: Reference = ("records of the csv crate", |path| {
        let mut reader = csv::Reader::from_path(path).expect("it is there");
        let (mut record, mut fields) = (csv::ByteRecord::new(), 0);
        while reader.read_byte_record(&mut record).expect("it is sound") {
            fields += record.len();
        }
        black_box(fields);
    });
    let lines: Reference = ("wc -l", |path| drop(black_box(shell("wc -l < \"$1\"", path))));
    match sample.name {
        "long CSV" => vec![records, lines],
        "long CSV, gzip" => vec![("zcat | wc -c", |path| drop(black_box(shell("zcat \"$1\" | wc -c", path))))],
        "wide Parquet, by its values" => vec![("polars' own reader, one thread", |path| {
            let file = File::open(path).expect("it is there");
            let reader = ParquetReader::new(file).read_parallel(ParallelStrategy::None);
            drop(black_box(reader.finish().expect("it is sound")));
        })],
        "access log, one series" => vec![
            lines,
            ("awk, counting by time", |path| {
                drop(black_box(shell("awk '{n[$4]++} END {for (t in n) k++; print k}' \"$1\"", path)));
            }),
        ],
        "arrivals" => vec![records],
        _ => Vec::new(),
    }
}

fn bench(criterion: &mut Criterion, samples: &[Sample]) {
    for sample in samples {
        let mut group = criterion.benchmark_group(sample.name);
        group.throughput(Throughput::BytesDecimal(sample.bytes));
        group.bench_function("smo", |bencher| bencher.iter(|| black_box(sample.read())));
        for (name, work) in references(sample) {
            group.bench_function(name, |bencher| bencher.iter(|| work(&sample.path)));
        }
        group.finish();
    }
}

fn main() {
    if let Some(folder) = std::env::var_os(CHILD) {
        return measure(Path::new(&folder));
    }
    let smoke = std::env::var_os("SMO_BENCH_SMOKE").is_some();
    let mut criterion = Criterion::default().configure_from_args().sample_size(10);
    if smoke {
        let short = Duration::from_millis(1);
        criterion = criterion.warm_up_time(short).measurement_time(short);
    }
    let folder = tempfile::tempdir().expect("a temporary directory");
    let samples = samples(folder.path(), smoke);
    check(&samples);
    let readings = if smoke { 1 } else { 10 };
    for sample in &samples {
        println!("{}", sample.name);
        time("smo", sample.bytes, readings, || {
            black_box(sample.read());
        });
        // `wc -l` is over before a tick of the clock that commands are measured by.
        for (name, work) in references(sample).into_iter().filter(|(name, _)| *name != "wc -l") {
            time(name, sample.bytes, readings, || work(&sample.path));
        }
    }
    bench(&mut criterion, &samples);
    criterion.final_summary();
}
