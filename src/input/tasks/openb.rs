//! Alibaba's GPU cluster trace of 2023 ("openb"): pods with shares of GPUs.
//!
//! `gpu_milli` counts for each of `num_gpu` devices, so it is less than 1,000 only for a share of one. A pod runs from
//! `scheduled_time` to `deletion_time`. Pods that were never scheduled count with their whole life, because how long they
//! would have run is not known. The variants without times are lists to be packed: all pods arrive at once and stay.

use super::SECOND;
use super::collect::{Collector, Raw, Shape};
use super::format::TaskFormat;
use super::records::Records;
use crate::input::formats::{Column, FormatPage, Kind};
use crate::input::trace::TraceError;
use crate::model::resources::DEVICE;
use crate::units::{Bytes, MilliCores};
use std::path::Path;

/// Registers this format.
pub const FORMAT: TaskFormat =
    TaskFormat { page: &PAGE, fits: |_, header| header.starts_with("name,cpu_milli,memory_mib,num_gpu"), read };

/// What `smo formats` says of it.
pub const PAGE: FormatPage = FormatPage {
    name: "openb-pods",
    kind: Kind::Tasks,
    what: "Pods of Alibaba's GPU cluster trace of 2023 (openb), shares of GPUs included.",
    extensions: &[".csv", ".csv.gz", ".csv.zst"],
    columns: &[
        Column { name: "cpu_milli", unit: "millicores", meaning: "CPU that the pod requests" },
        Column { name: "memory_mib", unit: "MiB", meaning: "memory that it requests" },
        Column { name: "num_gpu", unit: "devices", meaning: "accelerators that it requests" },
        Column {
            name: "gpu_milli",
            unit: "1/1000 device",
            meaning: "of each of them; less than 1000 is a share of one",
        },
        Column { name: "gpu_spec", unit: "text", meaning: "kinds that will do, joined by `|`; empty: any" },
        Column {
            name: "creation_time",
            unit: "s",
            meaning: "arrival; without the column all pods come at once and stay",
        },
        Column {
            name: "scheduled_time",
            unit: "s",
            meaning: "begin; empty for a pod that never ran, whose whole life counts",
        },
        Column { name: "deletion_time", unit: "s", meaning: "end" },
    ],
    example: "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n\
              openb-pod-0001,6000,12288,1,460,,LS,Running,427061,12902960,427061\n",
    writable: false,
};

fn read(path: &Path, collector: &mut Collector<'_>) -> Result<(), TraceError> {
    let mut records = Records::with_header(path)?;
    let request = [
        records.column("cpu_milli")?,
        records.column("memory_mib")?,
        records.column("num_gpu")?,
        records.column("gpu_milli")?,
    ];
    let kinds = records.find("gpu_spec");
    let times = match records.find("creation_time") {
        Some(created) => Some([created, records.column("scheduled_time")?, records.column("deletion_time")?]),
        None => None,
    };
    let mut never_ran = 0;
    while records.next()? {
        let shape = shape(&records, request, kinds)?;
        let (mut at, mut duration) = (0, None);
        if let Some([created, scheduled, deleted]) = times {
            at = records.number(created, SECOND)?;
            let ran = !records.is_empty(scheduled);
            never_ran += u64::from(!ran);
            duration = Some(records.span(if ran { scheduled } else { created }, deleted)?);
        }
        collector.push(Raw { at, duration, shape, cpu_used: None }, records.place())?;
    }
    if never_ran > 0 {
        let note =
            format!("{never_ran} pods were never scheduled there: their whole life counts as the time that they run");
        collector.notes.push(note);
    }
    if times.is_none() {
        collector.notes.push("it has no times: all pods arrive at once and stay".to_owned());
    }
    Ok(())
}

fn shape(
    records: &Records,
    [cpu, memory, devices, share]: [usize; 4],
    kinds: Option<usize>,
) -> Result<Shape, TraceError> {
    let (count, milli) = (records.number(devices, 1)?, records.number(share, 1)?);
    if count > 1 && milli != DEVICE {
        let message =
            format!("{milli} of each of {count} devices\n  only a pod with one device may have a share of it");
        return Err(records.error(share, message));
    }
    if milli > DEVICE {
        return Err(records.error(share, format!("{milli} is more than a device\n  write at most {DEVICE}")));
    }
    let spec = kinds.filter(|_| count > 0).map_or("", |column| std::str::from_utf8(records.text(column)).unwrap_or(""));
    Ok(Shape {
        cpu: MilliCores(records.number(cpu, 1)?),
        memory: Bytes(records.number(memory, 1 << 20)?),
        gpu: count.saturating_mul(milli),
        kinds: spec.split('|').filter(|kind| !kind.is_empty()).map(str::to_owned).collect(),
    })
}
