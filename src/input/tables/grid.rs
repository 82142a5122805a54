//! Carbon intensity of the clusters' regions, from a table: hours of the calendar become steps of the run.
//!
//! The run has a start in the calendar only because the scenario says so. An hour without a value keeps that of the hour
//! before it and is counted in a note; a run that outlasts its table is refused where its end is known.

use super::calendar::Calendar;
use super::carbon::{self, Carbon, Hours, Wanted};
use super::sheet::Sheet;
use crate::input::at::At;
use crate::input::defaults::limits;
use crate::input::environment::RegionSeries;
use crate::input::error::{InputError, known_names};
use crate::input::file::Files;
use crate::input::inventory::ClusterFile;
use crate::units::{Span, Time};
use std::collections::BTreeMap;

/// What a table is joined to.
pub struct Grid<'a> {
    /// The clusters that are switched on.
    pub clusters: Vec<&'a ClusterFile>,
    /// Where in the calendar the run starts.
    pub start: Option<Calendar>,
    /// How long it lasts, where that is known.
    pub until: Option<Span>,
}

/// Steps by region of the run, from the table of `series`.
///
/// # Errors
/// What is wrong with the table or does not fit it; `at` is the series.
pub fn steps(
    series: &RegionSeries,
    grid: &Grid<'_>,
    files: &mut Files,
    at: &At<'_>,
) -> Result<BTreeMap<String, Vec<(Time, f64)>>, InputError> {
    let Some(path) = &series.file else { return Ok(BTreeMap::new()) };
    let mut sheet = Sheet::open(path, files, &at.key("file"))?;
    let wanted = Wanted {
        zones: grid.clusters.iter().filter_map(|cluster| cluster.grid_zone.as_deref()).collect(),
        column: series.column.as_deref(),
        year: series.year,
        provider: series.provider.as_deref(),
        begins: series.begins,
    };
    let steps = match carbon::read(&mut sheet, &wanted)? {
        Carbon::Steps(steps) => steps,
        Carbon::Means(means) => {
            let regions: Vec<&str> = grid.clusters.iter().map(|cluster| cluster.region.as_str()).collect();
            let here = means.into_iter().filter(|(region, _)| regions.contains(&region.as_str()));
            here.map(|(region, mean)| (region, vec![(Time::ZERO, mean)])).collect()
        }
        Carbon::Hourly(zones) => hourly(&zones, (series, grid), files, at)?,
    };
    plausible(&steps, at)?;
    Ok(steps)
}

/// Published tables have slips (a factor of `000077` instead of `0.000077` in one of them).
fn plausible(steps: &BTreeMap<String, Vec<(Time, f64)>>, at: &At<'_>) -> Result<(), InputError> {
    for (region, steps) in steps {
        if let Some((_, value)) = steps.iter().find(|(_, value)| *value > limits::CARBON_G_PER_KWH) {
            return Err(at.key("file").error(format!(
                "region `{region}` would have {value} g CO₂e/kWh, more than any grid; correct the table, or write the value \
                 in `regions` and leave the file out"
            )));
        }
    }
    Ok(())
}

fn hourly(
    zones: &BTreeMap<String, Hours>,
    (series, grid): (&RegionSeries, &Grid<'_>),
    files: &mut Files,
    at: &At<'_>,
) -> Result<BTreeMap<String, Vec<(Time, f64)>>, InputError> {
    let Some(start) = grid.start else {
        return Err(at.key("file").error(
            "the file gives hours of the calendar, and nothing says when the run starts; write \
             `environment.start: 2022-07-01T00:00Z`",
        ));
    };
    let mut zone_of: BTreeMap<&str, &str> = BTreeMap::new();
    let mut all = BTreeMap::new();
    for cluster in &grid.clusters {
        let Some(zone) = cluster.grid_zone.as_deref() else { continue };
        let region = cluster.region.as_str();
        if let Some(other) = zone_of.insert(region, zone).filter(|other| *other != zone) {
            return Err(at.error(format!(
                "clusters of region `{region}` are in the grid zones `{other}` and `{zone}`; give one of them another region"
            )));
        }
        let Some(hours) = zones.get(zone).filter(|hours| !hours.is_empty()) else {
            // A value by hand, or a default, may stand in: who has neither is told so.
            if !series.regions.contains_key(region) && series.default.is_none() {
                let known: Vec<&str> = zones.keys().map(String::as_str).collect();
                let message =
                    format!("the file has no grid zone `{zone}`; {}", known_names(zone, "wanted zones in it", &known));
                return Err(at.key("file").error(message));
            }
            continue;
        };
        if !all.contains_key(region) {
            let window = Window { zone, start, until: grid.until, period: series.period.map(|period| period.0) };
            all.insert(region.to_owned(), window.steps(hours, files, at)?);
        }
    }
    Ok(all)
}

/// The part of a zone's hours that a run sees.
struct Window<'a> {
    zone: &'a str,
    start: Calendar,
    until: Option<Span>,
    period: Option<Span>,
}

impl Window<'_> {
    fn steps(&self, hours: &Hours, files: &mut Files, at: &At<'_>) -> Result<Vec<(Time, f64)>, InputError> {
        let zone = self.zone;
        let (first, last) = (hours[0].0, hours[hours.len() - 1].0);
        let step = if hours.len() > 1 { last.0 - hours[hours.len() - 2].0.0 } else { 3600 };
        let end = Calendar(last.0 + step);
        let long = self.period.or(self.until);
        let wanted_end = long.map(|long| Calendar(self.start.0.saturating_add(whole_seconds(long))));
        if self.start < first || self.start >= end || wanted_end.is_some_and(|wanted| wanted > end) {
            let start = self.start;
            let wanted = wanted_end.map_or_else(String::new, |wanted| format!(" to {wanted}"));
            return Err(at.key("file").error(format!(
                "zone `{zone}` is known from {first} to {end}, and the run needs {start}{wanted}; change `environment.start`, \
                 end earlier, or repeat a part by `period`"
            )));
        }
        if wanted_end.is_none() {
            files.note(format!(
                "Carbon intensity of {zone} is known until {end}: if the run goes on after that, its last hour holds."
            ));
        }
        let mut steps: Vec<(Time, f64)> = Vec::new();
        let (mut seen, mut missing) = (0u64, 0u64);
        for (instant, value) in hours {
            let until = wanted_end.unwrap_or(end);
            if *instant >= until {
                break;
            }
            let since = u64::try_from(instant.0 - self.start.0).unwrap_or(0);
            // Of the hours before the start only the last value counts.
            let is_before = *instant <= self.start;
            if instant.0 + step > self.start.0 {
                seen += 1;
                missing += u64::from(value.is_none());
            }
            let Some(value) = value else { continue };
            if is_before {
                steps.clear();
            }
            steps.push((Time(since.saturating_mul(crate::units::NANOS_PER_SECOND)), *value));
        }
        if missing > 0 {
            files.note(format!(
                "Carbon intensity of {zone} is unknown in {missing} of {seen} hours: the hour before holds."
            ));
        }
        if steps.is_empty() {
            return Err(at.key("file").error(format!(
                "zone `{zone}` has no value at all in that time; choose another start, or write its value by hand in `regions`"
            )));
        }
        Ok(steps)
    }
}

/// Seconds of a span, a begun one counted.
fn whole_seconds(span: Span) -> i64 {
    i64::try_from(span.0.div_ceil(crate::units::NANOS_PER_SECOND)).unwrap_or(i64::MAX)
}
