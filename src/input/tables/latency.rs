//! Round-trip times between regions, and the price of traffic between them.
//!
//! Four forms of times, told apart by their headers: a matrix, pairs (Google Cloud), pings with quantiles (fantoch: AWS and
//! Google Cloud in several data sets), pairs by month (IBM Cloud). All are round trips in milliseconds. A pair that a table
//! does not have stays unknown: the network decides what then.

use super::sheet::{Column, Sheet};
use crate::input::error::InputError;
use crate::input::formats::{self, FormatPage, Kind};
use crate::units::{Money, Span};
use std::collections::{BTreeMap, BTreeSet};

/// Round-trip time from one region to another.
pub type Latencies = BTreeMap<(String, String), Span>;

/// A matrix.
pub const PAGE: FormatPage = FormatPage {
    name: "latency-matrix",
    kind: Kind::Distances,
    what: "Round-trip times between regions as a matrix, a row and a column a region",
    extensions: &[".csv", ".csv.gz", ".csv.zst"],
    columns: &[
        formats::Column { name: "from_region | sending_region", unit: "text", meaning: "region that sends" },
        formats::Column { name: "REGION", unit: "ms", meaning: "round trip to it; empty: unknown" },
    ],
    example: "sending_region,europe-west1,us-central1\neurope-west1,,103.0",
    writable: false,
};

/// Pairs.
pub const PAGE_PAIRS: FormatPage = FormatPage {
    name: "latency-pairs",
    kind: Kind::Distances,
    what: "Round-trip times between regions, a row a pair (Google Cloud, IBM Cloud, fantoch's pings)",
    extensions: &[".csv", ".csv.gz", ".csv.zst"],
    columns: &[
        formats::Column { name: "sending_region | from_region | from", unit: "text", meaning: "region that sends" },
        formats::Column { name: "receiving_region | to_region | to", unit: "text", meaning: "region that answers" },
        formats::Column { name: "milliseconds | rtt_avg_ms", unit: "ms", meaning: "mean round trip; empty: unknown" },
        formats::Column {
            name: "dataset | window_end",
            unit: "text",
            meaning: "which measurement; where a file has several, `dataset` must choose one",
        },
    ],
    example: "sending_region,receiving_region,milliseconds\neurope-southwest1,australia-southeast2,299",
    writable: false,
};

/// Prices of traffic.
pub const PAGE_EGRESS: FormatPage = FormatPage {
    name: "egress-prices",
    kind: Kind::Prices,
    what: "Price of traffic from region to region (skyplane, AWS)",
    extensions: &[".csv", ".csv.gz", ".csv.zst"],
    columns: &[
        formats::Column { name: "src", unit: "text", meaning: "region that sends" },
        formats::Column { name: "dst", unit: "text", meaning: "region that receives" },
        formats::Column { name: "cost", unit: "$ per 10⁹ B", meaning: "price" },
    ],
    example: "src,dst,cost\nus-east-1,us-west-2,0.02",
    writable: false,
};

/// Columns of the pairs: from, to, milliseconds, and the measurement.
const PAIRS: [[&str; 4]; 3] = [
    ["sending_region", "receiving_region", "milliseconds", ""],
    ["from_region", "to_region", "rtt_avg_ms", "dataset"],
    ["from", "to", "rtt_avg_ms", "window_end"],
];

const NANOS_PER_MILLISECOND: u64 = 1_000_000;

/// Reads all pairs of a table, or of one of its measurements.
///
/// # Errors
/// A table of no known form, a broken cell, a pair that stands twice, or several measurements and none chosen.
pub fn read(sheet: &mut Sheet, dataset: Option<&str>) -> Result<Latencies, InputError> {
    if let Some(names) = PAIRS.iter().find(|names| sheet.has(&names[..3])) {
        let [from, to, time] = [0, 1, 2].map(|index| sheet.find(names[index]));
        let (Some(from), Some(to), Some(time)) = (from, to, time) else {
            return Err(sheet.unknown_header("pairs have three columns"));
        };
        return pairs(sheet, [from, to, time], sheet.find(names[3]), dataset);
    }
    let first = sheet.columns().first().map(String::as_str);
    if matches!(first, Some("from_region" | "sending_region")) {
        return matrix(sheet);
    }
    Err(sheet.unknown_header("`smo formats` lists the tables of distances"))
}

fn matrix(sheet: &mut Sheet) -> Result<Latencies, InputError> {
    let to: Vec<String> = sheet.columns().iter().skip(1).cloned().collect();
    let mut all = Latencies::new();
    while sheet.read()? {
        let from = sheet.name(Column(0))?.to_owned();
        for (index, to) in to.iter().enumerate() {
            if let Some(nanos) = sheet.exact(Column(index + 1), NANOS_PER_MILLISECOND)? {
                all.insert((from.clone(), to.clone()), Span(nanos));
            }
        }
    }
    Ok(all)
}

fn pairs(
    sheet: &mut Sheet,
    [from, to, time]: [Column; 3],
    measurement: Option<Column>,
    wanted: Option<&str>,
) -> Result<Latencies, InputError> {
    let mut all = Latencies::new();
    let mut measurements = BTreeSet::new();
    while sheet.read()? {
        if let Some(column) = measurement {
            let name = sheet.name(column)?;
            if !measurements.contains(name) {
                measurements.insert(name.to_owned());
            }
            if wanted.is_some_and(|wanted| wanted != name) {
                continue;
            }
            if wanted.is_none() && measurements.len() > 1 {
                continue;
            }
        }
        let Some(nanos) = sheet.exact(time, NANOS_PER_MILLISECOND)? else { continue };
        let pair = (sheet.name(from)?.to_owned(), sheet.name(to)?.to_owned());
        if all.insert(pair, Span(nanos)).is_some() {
            return Err(sheet.error(to, "this pair stands here for the second time; remove one of the two rows"));
        }
    }
    let is_chosen = wanted.is_some_and(|wanted| measurements.contains(wanted)) || measurements.len() < 2;
    match measurement {
        Some(column) if !is_chosen => {
            let known: Vec<String> = measurements.iter().map(|name| format!("`{name}`")).collect();
            let message = format!("the file has several measurements; choose one by `dataset`: {}", known.join(", "));
            Err(sheet.error(column, &message))
        }
        _ => Ok(all),
    }
}

/// Reads the price of 10⁹ bytes by source and destination.
///
/// # Errors
/// A missing column, a broken or empty cell, a pair that stands twice.
pub fn egress(sheet: &mut Sheet) -> Result<BTreeMap<(String, String), Money>, InputError> {
    let [src, dst, cost] = [sheet.column("src")?, sheet.column("dst")?, sheet.column("cost")?];
    let mut all = BTreeMap::new();
    while sheet.read()? {
        let price = sheet.given(cost, sheet.number(cost)?)?;
        let pair = (sheet.name(src)?.to_owned(), sheet.name(dst)?.to_owned());
        if all.insert(pair, Money(price)).is_some() {
            return Err(sheet.error(dst, "this pair stands here for the second time; remove one of the two rows"));
        }
    }
    Ok(all)
}
