//! What changes by itself, by region: carbon intensity of the grid and prices; constant, in steps, or from a CSV file.

use super::at::At;
use super::defaults;
use super::error::InputError;
use super::file::Files;
use super::tables::calendar::Calendar;
use super::tables::carbon;
use super::tables::grid::{self, Grid};
use super::tables::sheet::Sheet;
use super::written::{NonNegative, Positive, Written};
use crate::model::environment::{Environment, StepSeries};
use crate::units::{Span, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Carbon and prices.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EnvironmentFile {
    /// Where in the calendar the run starts, with its zone: `2022-07-01T00:00Z`. Needed for series by the hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Calendar>,
    /// Carbon intensity of the grid in grams of `CO₂e` per kWh. Every region of a cluster needs one, or there is a `default`.
    pub carbon: Option<RegionSeries>,
    /// What list prices of nodes are multiplied by (spot markets, tariffs); 1 where nothing is said.
    pub price_factor: Option<RegionSeries>,
}

/// Values by region, over time.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RegionSeries {
    /// For every region that is not named.
    pub default: Option<NonNegative>,
    /// By region: a number, or steps `[{from, value}, ...]` by rising time.
    pub regions: BTreeMap<String, Written<NonNegative, Vec<StepFile>>>,
    /// A CSV file with the columns `time_s`, `region` and `value`, times rising in each region. For carbon also a table of
    /// hours by grid zone, which joins `grid_zone` of the clusters, or of means by region (`smo formats`).
    pub file: Option<String>,
    /// When hour 0 of a file was that counts hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub begins: Option<Calendar>,
    /// The column of the values, in a file that has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The year, in a file of several; the latest that is known where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year: Option<u32>,
    /// The provider, in a file of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// After this time all series begin again: `24 h` lets one day serve for many.
    pub period: Option<Positive<Span>>,
}

/// A value from an instant on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepFile {
    /// From when on; the first value of a series also holds before its time.
    pub from: Time,
    /// The value.
    pub value: NonNegative,
}

/// Checks the environment for the regions of the clusters in `grid`, and says in `notes` what was assumed.
///
/// # Errors
/// What is wrong, at `at`, which is the environment, or in a CSV file.
pub fn environment(
    file: &EnvironmentFile,
    grid: &Grid<'_>,
    files: &mut Files,
    at: &At<'_>,
) -> Result<Environment, InputError> {
    let carbon = match &file.carbon {
        None => {
            let value = defaults::CARBON_G_PER_KWH;
            files.note(format!(
                "No carbon intensity is given: {value} g CO₂e/kWh everywhere, the world's mean of 2023."
            ));
            BTreeMap::new()
        }
        Some(series) => {
            let at = at.key("carbon");
            let of_file = grid::steps(series, grid, files, &at)?;
            let regions = region_series(series, of_file, &at)?;
            let missing = grid.clusters.iter().find(|cluster| !regions.contains_key(&cluster.region));
            if let (Some(cluster), None) = (missing, series.default) {
                return Err(at.key("regions").error(format!(
                    "region `{}` of cluster `{}` has no carbon intensity; add `{}: 300` here, or a `default`",
                    cluster.region, cluster.name.0, cluster.region
                )));
            }
            regions
        }
    };
    let carbon_default =
        file.carbon.as_ref().and_then(|carbon| carbon.default).map_or(defaults::CARBON_G_PER_KWH, |v| v.0);
    let mut price_factor = BTreeMap::new();
    if let Some(series) = &file.price_factor {
        let at = at.key("price_factor");
        let of_file = factors(series, files, &at)?;
        price_factor = region_series(series, of_file, &at)?;
        for cluster in &grid.clusters {
            let otherwise = series.default.map_or(1.0, |value| value.0);
            price_factor.entry(cluster.region.clone()).or_insert_with(|| Arc::new(StepSeries::constant(otherwise)));
        }
    }
    Ok(Environment { carbon, carbon_default: StepSeries::constant(carbon_default), price_factor })
}

/// Factors on prices from a file; only steps are such.
fn factors(
    series: &RegionSeries,
    files: &mut Files,
    at: &At<'_>,
) -> Result<BTreeMap<String, Vec<(Time, f64)>>, InputError> {
    let carbon_only = [
        ("begins", series.begins.is_some()),
        ("column", series.column.is_some()),
        ("year", series.year.is_some()),
        ("provider", series.provider.is_some()),
    ];
    if let Some((key, _)) = carbon_only.iter().find(|(_, given)| *given) {
        return Err(at
            .key(key)
            .error("this is for tables of carbon intensity; a file of factors has `time_s,region,value`"));
    }
    match &series.file {
        Some(path) => carbon::steps(&mut Sheet::open(path, files, &at.key("file"))?),
        None => Ok(BTreeMap::new()),
    }
}

fn region_series(
    file: &RegionSeries,
    of_file: BTreeMap<String, Vec<(Time, f64)>>,
    at: &At<'_>,
) -> Result<BTreeMap<String, Arc<StepSeries>>, InputError> {
    let period = file.period.map_or(Span::ZERO, |period| period.0);
    let series = |steps: Vec<(Time, f64)>| Arc::new(StepSeries { steps, period });
    let mut all: BTreeMap<String, Arc<StepSeries>> =
        of_file.into_iter().map(|(region, steps)| (region, series(steps))).collect();
    for (region, written) in &file.regions {
        let at = at.key("regions").key(region);
        let steps = match written {
            Written::Short(value) => vec![(Time::ZERO, value.0)],
            Written::Long(steps) => checked_steps(steps, &at)?,
        };
        all.insert(region.clone(), series(steps));
    }
    for (region, series) in &all {
        let last = series.steps.last().map_or(Time::ZERO, |(from, _)| *from);
        if period.0 > 0 && last.0 >= period.0 {
            return Err(at.key("period").error(format!(
                "the series of `{region}` has a step at {last}, after the period of {period}; write a longer period"
            )));
        }
    }
    Ok(all)
}

fn checked_steps(steps: &[StepFile], at: &At<'_>) -> Result<Vec<(Time, f64)>, InputError> {
    if steps.is_empty() {
        return Err(
            at.error("a series without steps has no value; write a number, or steps `[{from: 0 h, value: 300}]`")
        );
    }
    if let Some(index) = (1..steps.len()).find(|index| steps[*index].from <= steps[index - 1].from) {
        return Err(at.index(index).key("from").error(format!(
            "{} does not come after {}; sort the steps by time",
            steps[index].from,
            steps[index - 1].from
        )));
    }
    Ok(steps.iter().map(|step| (step.from, step.value.0)).collect())
}
