//! Jobs as the GAIA project publishes them: arrival and length in hours, and CPUs.

use super::SECOND;
use super::collect::{Collector, Raw, Shape};
use super::format::TaskFormat;
use super::records::Records;
use crate::input::formats::{Column, FormatPage, Kind};
use crate::input::trace::TraceError;
use crate::units::{Bytes, MilliCores, Span};
use std::path::Path;

/// Registers this format.
pub const FORMAT: TaskFormat =
    TaskFormat { page: &PAGE, fits: |_, header| header.starts_with("arrival_time,length,cpus"), read };

/// What `smo formats` says of it.
pub const PAGE: FormatPage = FormatPage {
    name: "gaia-jobs",
    kind: Kind::Tasks,
    what: "Jobs of a year as the GAIA project publishes them: Azure VMs, Alibaba PAI, LANL Mustang.",
    extensions: &[".csv", ".csv.gz", ".csv.zst"],
    columns: &[
        Column { name: "arrival_time", unit: "h", meaning: "arrival" },
        Column { name: "length", unit: "h", meaning: "how long the job runs" },
        Column { name: "cpus", unit: "cores", meaning: "CPU that it requests; it requests no memory" },
    ],
    example: "arrival_time,length,cpus\n0.57694,25.12944,1\n",
    writable: false,
};

fn read(path: &Path, collector: &mut Collector<'_>) -> Result<(), TraceError> {
    let mut records = Records::with_header(path)?;
    let [arrival, length, cpus] = [records.column("arrival_time")?, records.column("length")?, records.column("cpus")?];
    while records.next()? {
        let shape = Shape { cpu: MilliCores(records.number(cpus, 1_000)?), memory: Bytes(0), ..Shape::default() };
        let duration = Some(Span(records.number(length, 3_600 * SECOND)?));
        let at = records.number(arrival, 3_600 * SECOND)?;
        collector.push(Raw { at, duration, shape, cpu_used: None }, records.place())?;
    }
    collector.notes.push("its jobs request CPU only: memory is not looked at".to_owned());
    Ok(())
}
