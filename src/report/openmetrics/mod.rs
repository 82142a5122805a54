//! A run as `OpenMetrics` text with timestamps, for `promtool tsdb create-blocks-from openmetrics`: Grafana then shows a
//! simulated run with the dashboards of a live one.
//!
//! [`families`] lists what is written and where live systems have other figures under the name. Families are sorted by name,
//! the points of a series by time, counters never fall. What the record does not have is left out, with two exceptions: a
//! service that left a cluster has zero replicas there, and counters keep their value while nobody reports.

pub mod families;

use crate::record::line::{Line, Series};
use crate::record::{RecordError, RunRecord};
use families::{FAMILIES, Family, Kind, Per};
use serde_json::Value;
use std::io::{self, Write};

/// A run that is exported.
#[derive(Debug)]
pub struct Export {
    run: RunRecord,
    series: Series,
    /// Seconds since 1970 at the start of the run.
    start_s: f64,
    /// When samples were taken.
    times: Vec<f64>,
}

/// Of whom a series tells.
#[derive(Debug, Clone, Copy)]
pub struct Who<'a> {
    /// The service.
    pub service: Option<&'a str>,
    /// The cluster.
    pub cluster: Option<&'a str>,
}

impl Export {
    /// Reads the run, whose start is to be at `start_s` seconds since 1970.
    ///
    /// # Errors
    /// Where the series cannot be read.
    pub fn read(run: RunRecord, start_s: f64) -> Result<Self, RecordError> {
        let mut columns: Vec<&str> = FAMILIES.iter().flat_map(|family| family.columns.iter().copied()).collect();
        columns.push("up");
        columns.sort_unstable();
        columns.dedup();
        let series = run.series(&columns)?;
        let times = super::timeline::sums::times(&series);
        Ok(Self { run, series, start_s, times })
    }

    /// Writes all families and the end.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut families: Vec<&Family> = FAMILIES.iter().collect();
        families.sort_by_key(|family| family.name);
        let mut before = "";
        for family in families {
            if family.name != before {
                describe(family, out)?;
            }
            before = family.name;
            self.write_series(family, out)?;
        }
        writeln!(out, "# EOF")
    }

    fn write_series(&self, family: &Family, out: &mut dyn Write) -> io::Result<()> {
        let name = family.name;
        let suffix = if family.kind == Kind::Counter { "_total" } else { "" };
        for (service, cluster) in self.series.keys() {
            let wanted = match family.per {
                Per::Service => service.is_some() && cluster.is_none(),
                Per::Placement => service.is_some() && cluster.is_some(),
                Per::Cluster => service.is_none() && cluster.is_some(),
            };
            if !wanted {
                continue;
            }
            let who = Who { service, cluster };
            let points = (family.points)(self, who);
            if points.is_empty() {
                continue;
            }
            let labels = self.labels(family, who);
            for (at, value) in points {
                writeln!(out, "{name}{suffix}{{{labels}}} {value} {}", self.start_s + at)?;
            }
        }
        Ok(())
    }

    /// The labels that live dashboards select by, those of the family, and which run it was.
    fn labels(&self, family: &Family, who: Who<'_>) -> String {
        let header = &self.run.manifest.header;
        let application = header.resolved.pointer("/application/name").and_then(Value::as_str).unwrap_or("default");
        let seed = header.seed.to_string();
        let pod = format!("{}-{}", who.service.unwrap_or_default(), who.cluster.unwrap_or_default());
        let mut labels: Vec<(&str, &str)> = Vec::new();
        if let Some(service) = who.service {
            labels.push(("namespace", application));
            if family.like_live {
                labels.extend([("deployment", service), ("container", service), ("pod", &pod)]);
            } else {
                labels.push(("service", service));
            }
        }
        if let Some(cluster) = who.cluster {
            labels.push((if family.like_live { "source" } else { "cluster" }, cluster));
            if family.like_live && who.service.is_none() {
                labels.push(("instance", cluster));
            }
        }
        labels.extend(family.labels);
        labels.extend([("scenario", header.scenario.as_str()), ("policy", header.policy.as_str()), ("seed", &seed)]);
        labels.extend(header.variant.as_deref().map(|variant| ("variant", variant)));
        let text = labels.into_iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value)));
        text.collect::<Vec<_>>().join(",")
    }

    /// A column of somebody, where there is a value.
    fn column(&self, who: Who<'_>, column: &str) -> Vec<(f64, f64)> {
        known(&self.series.line(who.service, who.cluster, column))
    }

    /// A column of a placement at every sample: zero while there is none.
    fn filled(&self, who: Who<'_>, column: &str) -> Vec<(f64, f64)> {
        let mut points = self.column(who, column).into_iter().peekable();
        let at = |at: &f64| points.next_if(|(time, _)| time <= at).map_or((*at, 0.0), |(_, value)| (*at, value));
        self.times.iter().map(at).collect()
    }

    /// A counter: the largest value so far.
    fn counted(&self, who: Who<'_>, column: &str) -> Vec<(f64, f64)> {
        rising(self.column(who, column))
    }

    /// A mean rate since the sample before, added up.
    fn summed(&self, who: Who<'_>, column: &str) -> Vec<(f64, f64)> {
        let (mut sum, mut before) = (0.0, 0.0);
        let add = |(at, rate): (f64, f64)| {
            sum += rate.max(0.0) * (at - before);
            before = at;
            (at, sum)
        };
        self.column(who, column).into_iter().map(add).collect()
    }

    /// Seconds of the cluster's whole CPU: the share `of` offered CPU, held since the sample before.
    fn cpu_seconds(&self, who: Who<'_>, of: fn(f64, f64) -> f64) -> Vec<(f64, f64)> {
        let used = self.column(who, "cpu_used_cores");
        let offered = self.column(who, "cpu_allocatable_cores");
        let (mut sum, mut before) = (0.0, 0.0);
        let add = |((at, used), (_, offered)): ((f64, f64), (f64, f64))| {
            let share = if offered > 0.0 { of(used, offered).clamp(0.0, 1.0) } else { 0.0 };
            sum += share * (at - before);
            before = at;
            (at, sum)
        };
        used.into_iter().zip(offered).map(add).collect()
    }

    /// What one replica of a service requests, times its ready replicas; nothing where the manifest does not say.
    fn requested(&self, who: Who<'_>, field: &str, read: fn(&str) -> Option<f64>) -> Vec<(f64, f64)> {
        let services = self.run.manifest.header.resolved.pointer("/application/services");
        let mut services = services.and_then(Value::as_array).into_iter().flatten();
        let service = services.find(|service| service["name"].as_str() == who.service);
        let Some(each) = service.and_then(|service| read(service[field].as_str()?)) else { return Vec::new() };
        self.filled(who, "replicas_ready").into_iter().map(|(at, ready)| (at, ready * each)).collect()
    }
}

/// The lines that open a family.
fn describe(family: &Family, out: &mut dyn Write) -> io::Result<()> {
    let name = family.name;
    let kind = match family.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
    };
    writeln!(out, "# TYPE {name} {kind}")?;
    if !family.unit.is_empty() {
        writeln!(out, "# UNIT {name} {}", family.unit)?;
    }
    writeln!(out, "# HELP {name} {}", escaped(family.help))
}

fn known(line: &Line) -> Vec<(f64, f64)> {
    line.iter().filter_map(|(at, value)| Some((*at, (*value)?))).collect()
}

/// Sums of floats may lose a last digit.
fn rising(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let mut largest = 0.0f64;
    let hold = |(at, value): (f64, f64)| {
        largest = largest.max(value);
        (at, largest)
    };
    points.into_iter().map(hold).collect()
}

/// As label values and help texts are escaped.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
