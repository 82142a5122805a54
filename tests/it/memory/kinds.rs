//! The kinds of input, what a large one of each is, and how it is read.

use super::texts::*;
use smo::input::kubernetes::{clusters_of, workloads_of};
use smo::input::tables::calendar::Calendar;
use smo::input::tables::sheet::Sheet;
use smo::input::tables::{carbon, latency, machines, prices, reassignment, regions, sites};
use smo::input::tasks::{TaskOptions, format};
use smo::input::trace::{self, Import, TraceOptions};
use smo::input::{self, InputError, Request, hdag};
use smo::units::{Bytes, MilliCores, Span};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// A kind of input.
pub struct Kind {
    /// What it is.
    pub name: &'static str,
    /// The name of its file.
    pub file: &'static str,
    /// Text of about so many bytes.
    pub make: fn(usize) -> String,
    /// Whether it is YAML of the shortest values that there are, as many of them as are let in.
    pub is_dense: bool,
    /// Reads the file.
    pub read: fn(&Path) -> Result<(), String>,
}

fn said<T, E: ToString>(result: Result<T, E>) -> Result<(), String> {
    result.map(drop).map_err(|error| error.to_string())
}

fn table<T>(path: &Path, read: impl Fn(&mut Sheet) -> Result<T, InputError>) -> Result<(), String> {
    said(Sheet::of(path).and_then(|mut sheet| read(&mut sheet)))
}

fn rates(path: &Path) -> Result<(), String> {
    let (_, mut trace) = trace::open_whole(path, &TraceOptions::default()).map_err(|error| error.to_string())?;
    said(trace::survey(&mut trace))
}

fn counted(path: &Path) -> Result<(), String> {
    let import = Import { step: Some(Span::seconds(60)), ..Import::default() };
    let options = TraceOptions { import, ..TraceOptions::default() };
    let (_, mut trace) = trace::open_whole(path, &options).map_err(|error| error.to_string())?;
    said(trace::survey(&mut trace))
}

fn tasks(path: &Path) -> Result<(), String> {
    said(format::read(path, None, &TaskOptions::default()))
}

fn google(path: &Path) -> Result<(), String> {
    let whole = Some((MilliCores(64_000), Bytes(256 << 30)));
    said(format::read(path, Some("google-2011"), &TaskOptions { whole, ..TaskOptions::default() }))
}

fn clusters(path: &Path) -> Result<(), String> {
    said(clusters_of(&BTreeMap::from([(None, vec![path.to_owned()])])))
}

fn scenario_of_one_trace(path: &Path) -> Result<(), String> {
    let trace = "timestamp_s,service,requests_per_s\n0,service-000000,1\n60,service-000000,1\n";
    said(fs::write(path.with_file_name("load.csv"), trace))?;
    said(input::load(path, &Request::default()))
}

/// All kinds.
pub const KINDS: &[Kind] = &[
    Kind { name: "scenario", file: "s.yaml", is_dense: false, make: scenario, read: scenario_of_one_trace },
    Kind {
        name: "hdag",
        file: "h.yaml",
        is_dense: false,
        make: descriptor,
        read: |path| said(hdag::parse(fs::read_to_string(path).map_err(|error| error.to_string())?, "h.yaml")),
    },
    Kind { name: "scenario, dense", file: "s.yaml", is_dense: true, make: dense_scenario, read: scenario_of_one_trace },
    Kind { name: "kubectl nodes", file: "n.yaml", is_dense: false, make: nodes, read: clusters },
    Kind { name: "kubectl nodes, bare JSON", file: "n.json", is_dense: false, make: bare_nodes, read: clusters },
    Kind { name: "kubectl nodes, dense JSON", file: "n.json", is_dense: true, make: dense_nodes, read: clusters },
    Kind {
        name: "kubernetes workloads",
        file: "w.yaml",
        is_dense: false,
        make: deployments,
        read: |path| said(workloads_of(path)),
    },
    Kind { name: "long CSV", file: "r.csv", is_dense: false, make: long_csv, read: rates },
    Kind { name: "long CSV, gzip", file: "r.csv.gz", is_dense: false, make: long_csv, read: rates },
    Kind { name: "long CSV, Zstandard", file: "r.csv.zst", is_dense: false, make: long_csv, read: rates },
    Kind {
        name: "wide CSV",
        file: "v.csv",
        is_dense: false,
        make: |length| lines("timestamp_s,a,b\n", length, numbered!("{i},12.5,3")),
        read: rates,
    },
    Kind { name: "long CSV as Parquet", file: "r.parquet", is_dense: false, make: long_csv, read: rates },
    Kind { name: "Prometheus", file: "p.json", is_dense: false, make: prometheus, read: rates },
    Kind { name: "access log", file: "a.log", is_dense: false, make: log, read: counted },
    Kind { name: "Azure functions", file: "f.csv", is_dense: false, make: functions, read: rates },
    Kind { name: "containers", file: "c.csv", is_dense: false, make: containers, read: rates },
    Kind {
        name: "values",
        file: "v.txt",
        is_dense: false,
        make: |length| lines("", length, numbered!("1{i}")),
        read: counted,
    },
    Kind {
        name: "prices",
        file: "p.csv",
        is_dense: false,
        make: |length| {
            let head = "provider,region,instance_type,on_demand_usd_per_hour,spot_usd_per_hour\n";
            lines(head, length, numbered!("gcp,europe-west{i},n2-standard-{i},0.427336,0.093776"))
        },
        read: |path| table(path, |sheet| prices::each(sheet, &mut |_, _| Ok(()))),
    },
    Kind {
        name: "carbon, long",
        file: "cl.csv.gz",
        is_dense: false,
        make: carbon_long,
        read: |path| table(path, |sheet| carbon::read(sheet, &carbon::Wanted::default())),
    },
    Kind {
        name: "carbon, wide",
        file: "cw.csv.gz",
        is_dense: false,
        make: carbon_wide,
        read: |path| {
            let wanted = carbon::Wanted { begins: Some(Calendar(1_640_995_200)), ..carbon::Wanted::default() };
            table(path, |sheet| carbon::read(sheet, &wanted))
        },
    },
    Kind {
        name: "latency pairs",
        file: "l.csv",
        is_dense: false,
        make: |length| {
            lines(
                "sending_region,receiving_region,milliseconds\n",
                length,
                numbered!("europe-southwest{i},australia-southeast{i},299"),
            )
        },
        read: |path| table(path, |sheet| latency::read(sheet, None)),
    },
    Kind {
        name: "regions",
        file: "g.csv",
        is_dense: false,
        make: |length| {
            lines(
                "region,location,lat,lon,em_zone,pue\n",
                length,
                numbered!("europe-west{i},St. Ghislain in Belgium,51.1333,4.5667,BE,1.09"),
            )
        },
        read: |path| table(path, |sheet| regions::read(sheet, None)),
    },
    Kind {
        name: "machines",
        file: "m.csv",
        is_dense: false,
        make: |length| lines("instance_type,vcpus,memory_gib,gpus\n", length / 12, numbered!("n2-standard-{i},8,32,0")),
        read: |path| table(path, machines::read),
    },
    Kind {
        name: "sites",
        file: "e.csv",
        is_dense: false,
        make: |length| {
            lines(
                "SITE_ID,LATITUDE,LONGITUDE,NAME\n",
                length,
                numbered!("{i},-37.81517,144.97476,Spring and Flinders corner {i}"),
            )
        },
        read: |path| table(path, sites::read),
    },
    Kind {
        name: "reassignment",
        file: "m.txt",
        is_dense: false,
        make: machine_model,
        read: |path| said(reassignment::problem(path)),
    },
    Kind {
        name: "tasks, gaia",
        file: "g.csv.gz",
        is_dense: false,
        make: |length| lines("arrival_time,length,cpus\n", length, numbered!("{i}.5,25.12944,1")),
        read: tasks,
    },
    Kind {
        name: "tasks, Google",
        file: "t.csv.gz",
        is_dense: false,
        make: |length| {
            lines(
                "",
                length,
                numbered!(
                    "{i}000000,,3418309,{i},4155527081,0,70s3v5qRyCO/1PCdI6fVXnrW8FU/w+5CKRSa72xgcIo=,3,9,0.125,0.07446,0.0004244,0"
                ),
            )
        },
        read: google,
    },
    Kind { name: "tasks, SimKube", file: "k.json", is_dense: false, make: simkube, read: tasks },
];
