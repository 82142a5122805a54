//! Carbon intensity of electricity grids: hourly by grid zone, or a mean by region.
//!
//! Six forms, told apart by their headers: steps by region in the time of the run; a wide matrix of hours and zones; the
//! long hourly series of Electricity Maps; Google Cloud's yearly list; the metadata of the Green Software Foundation and
//! joined tables of regions; the emission factors of Cloud Carbon Footprint. All give g CO₂e/kWh.

use super::calendar::Calendar;
use super::regions;
use super::sheet::{Column, Sheet};
use crate::input::error::InputError;
use crate::input::formats::{self, FormatPage, Kind};
use crate::units::Time;
use std::collections::{BTreeMap, BTreeSet};

/// Steps by region in the time of the run.
pub const PAGE: FormatPage = FormatPage {
    name: "carbon-steps",
    kind: Kind::Carbon,
    what: "Values by region from instants of the run on; also for `price_factor`",
    extensions: &[".csv", ".csv.gz", ".csv.zst"],
    columns: &[
        formats::Column {
            name: "time_s",
            unit: "s",
            meaning: "from when on, since the start of the run; rising by region",
        },
        formats::Column { name: "region", unit: "text", meaning: "region of clusters" },
        formats::Column { name: "value", unit: "g CO₂e/kWh", meaning: "carbon intensity (or a factor on prices)" },
    ],
    example: "time_s,region,value\n0,europe-west1,120\n3600,europe-west1,95",
    writable: false,
};

/// Hours by grid zone, wide.
pub const PAGE_WIDE: FormatPage = FormatPage {
    name: "carbon-hourly-wide",
    kind: Kind::Carbon,
    what: "Hourly carbon intensity, a column a grid zone; `begins` says when hour 0 was",
    extensions: &[".csv", ".csv.gz", ".csv.zst"],
    columns: &[
        formats::Column { name: "hour_utc", unit: "h", meaning: "hours since `begins`, without gaps" },
        formats::Column {
            name: "ZONE",
            unit: "g CO₂e/kWh",
            meaning: "a column a zone; joins `grid_zone`; empty: the hour before holds, and a note",
        },
    ],
    example: "hour_utc,BE,ES\n0,112.53,171.12\n1,113.06,169.12",
    writable: false,
};

/// Hours by grid zone, long.
pub const PAGE_LONG: FormatPage = FormatPage {
    name: "electricity-maps",
    kind: Kind::Carbon,
    what: "Hourly carbon intensity of grid zones from Electricity Maps, a row an hour and zone",
    extensions: &[".csv", ".csv.gz", ".csv.zst"],
    columns: &[
        formats::Column { name: "datetime_utc", unit: "UTC", meaning: "begin of the hour; rising by zone" },
        formats::Column { name: "zone", unit: "text", meaning: "joins `grid_zone`" },
        formats::Column {
            name: "ci_lca_g_per_kwh",
            unit: "g CO₂e/kWh",
            meaning: "over the life cycle; `column: ci_direct_g_per_kwh` for direct emissions",
        },
    ],
    example: "datetime_utc,zone,ci_direct_g_per_kwh,ci_lca_g_per_kwh\n2021-01-01 00:00:00,ES,113.64,155.8",
    writable: false,
};

/// Means by region.
pub const PAGE_YEARLY: FormatPage = FormatPage {
    name: "gcp-region-carbon",
    kind: Kind::Carbon,
    what: "Mean carbon intensity of a year by region, as Google Cloud publishes it",
    extensions: &[".csv", ".csv.gz", ".csv.zst"],
    columns: &[
        formats::Column { name: "Google Cloud Region", unit: "text", meaning: "joins the region of a cluster" },
        formats::Column {
            name: "Grid carbon intensity (gCO2eq / kWh)",
            unit: "g CO₂e/kWh",
            meaning: "until 2020 `Lifecycle grid carbon intensity`; empty: unknown",
        },
    ],
    example: "Google Cloud Region,Location,Google CFE,Grid carbon intensity (gCO2eq / kWh)\neurope-west1,Belgium,0.84,103.37",
    writable: false,
};

/// Emission factors.
pub const PAGE_FACTORS: FormatPage = FormatPage {
    name: "ccf-grid-factors",
    kind: Kind::Carbon,
    what: "Mean carbon intensity by region (Cloud Carbon Footprint, grid emission factors)",
    extensions: &[".csv", ".csv.gz", ".csv.zst"],
    columns: &[
        formats::Column { name: "Region", unit: "text", meaning: "joins the region of a cluster" },
        formats::Column { name: "CO2e (metric ton/kWh)", unit: "t/kWh", meaning: "times 10⁶ is g/kWh" },
    ],
    example: "Region,Location,CO2e (metric ton/kWh),Source\nus-central1,Iowa,0.000479,Google",
    writable: false,
};

/// What is wanted of a table.
#[derive(Debug, Clone, Default)]
pub struct Wanted<'a> {
    /// Zones to keep; all where none is named.
    pub zones: BTreeSet<&'a str>,
    /// The column, where a table has several.
    pub column: Option<&'a str>,
    /// The year, in a table of several; the latest that is known where none is named.
    pub year: Option<u32>,
    /// The provider, in a table of several.
    pub provider: Option<&'a str>,
    /// When hour 0 was, in a table that counts hours.
    pub begins: Option<Calendar>,
}

/// Hours of a zone, rising; an empty cell is `None`.
pub type Hours = Vec<(Calendar, Option<f64>)>;

/// What a table holds, in g CO₂e/kWh.
#[derive(Debug, Clone, PartialEq)]
pub enum Carbon {
    /// By region, from instants of the run on.
    Steps(BTreeMap<String, Vec<(Time, f64)>>),
    /// By grid zone and hour of the calendar.
    Hourly(BTreeMap<String, Hours>),
    /// One value a region.
    Means(BTreeMap<String, f64>),
}

const YEARLY: [&str; 2] = ["Grid carbon intensity (gCO2eq / kWh)", "Lifecycle grid carbon intensity (gCO2eq / kWh)"];
const FACTOR: &str = "CO2e (metric ton/kWh)";

/// Reads a table.
///
/// # Errors
/// A table of no known form, a broken cell, or hours without `begins`.
pub fn read(sheet: &mut Sheet, wanted: &Wanted<'_>) -> Result<Carbon, InputError> {
    if sheet.has(&["time_s", "region", "value"]) {
        return steps(sheet).map(Carbon::Steps);
    }
    if sheet.has(&["hour_utc"]) {
        return wide(sheet, wanted).map(Carbon::Hourly);
    }
    if sheet.has(&["datetime_utc", "zone"]) {
        return long(sheet, wanted).map(Carbon::Hourly);
    }
    let yearly = YEARLY.iter().find_map(|name| sheet.find(name));
    let means = if let (Some(region), Some(value)) = (sheet.find("Google Cloud Region"), yearly) {
        by_region(sheet, region, value, 1.0)
    } else if let (Some(region), Some(value)) = (sheet.find("Region"), sheet.find(FACTOR)) {
        by_region(sheet, region, value, 1e6)
    } else if sheet.has(regions::METADATA) {
        by_year(sheet, wanted)
    } else if sheet.has(regions::JOINED) {
        let value = sheet.column(wanted.column.unwrap_or("grid_ci_avg_g_per_kwh"))?;
        let region = sheet.column("region")?;
        by_region(sheet, region, value, 1.0)
    } else {
        return Err(sheet.unknown_header(
            "`time_s`, `region` and `value` make steps; `smo formats` lists the tables of carbon intensity",
        ));
    };
    means.map(Carbon::Means)
}

/// Reads `time_s,region,value`.
///
/// # Errors
/// A missing column, a broken or empty cell, or a time that does not rise.
pub fn steps(sheet: &mut Sheet) -> Result<BTreeMap<String, Vec<(Time, f64)>>, InputError> {
    let [time, region, value] = [sheet.column("time_s")?, sheet.column("region")?, sheet.column("value")?];
    let mut all: BTreeMap<String, Vec<(Time, f64)>> = BTreeMap::new();
    while sheet.read()? {
        let at = Time(sheet.given(time, sheet.exact(time, crate::units::NANOS_PER_SECOND)?)?);
        let number = sheet.given(value, sheet.number(value)?)?;
        let steps = all.entry(sheet.name(region)?.to_owned()).or_default();
        if let Some((previous, _)) = steps.last().filter(|(previous, _)| at <= *previous) {
            let message = format!("{at} follows {previous} in the same region; sort the file by `time_s`");
            return Err(sheet.error(time, &message));
        }
        steps.push((at, number));
    }
    Ok(all)
}

fn wide(sheet: &mut Sheet, wanted: &Wanted<'_>) -> Result<BTreeMap<String, Hours>, InputError> {
    let hour = sheet.column("hour_utc")?;
    let Some(begins) = wanted.begins else {
        return Err(
            sheet.error(hour, "the file counts hours and does not say from when; write `begins: 2022-01-01T00:00Z`")
        );
    };
    let zone = |(index, title): (usize, &String)| {
        let kept = wanted.zones.is_empty() || wanted.zones.contains(title.as_str());
        (Column(index) != hour && kept).then(|| (Column(index), title.clone(), Hours::new()))
    };
    let mut zones: Vec<_> = sheet.columns().iter().enumerate().filter_map(zone).collect();
    let mut expected = 0;
    while sheet.read()? {
        let found = sheet.given(hour, sheet.exact(hour, 1)?)?;
        if found != expected {
            let message = format!("hour {found} stands where {expected} would follow; give each hour a row, from 0 on");
            return Err(sheet.error(hour, &message));
        }
        let at = Calendar(begins.0.saturating_add(expected.saturating_mul(3600).cast_signed()));
        for (column, _, hours) in &mut zones {
            hours.push((at, sheet.number(*column)?));
        }
        expected += 1;
    }
    Ok(zones.into_iter().map(|(_, zone, hours)| (zone, hours)).collect())
}

fn long(sheet: &mut Sheet, wanted: &Wanted<'_>) -> Result<BTreeMap<String, Hours>, InputError> {
    let [time, zone] = [sheet.column("datetime_utc")?, sheet.column("zone")?];
    let value = sheet.column(wanted.column.unwrap_or("ci_lca_g_per_kwh"))?;
    let mut all: BTreeMap<String, Hours> = BTreeMap::new();
    while sheet.read()? {
        let name = sheet.name(zone)?;
        if !wanted.zones.is_empty() && !wanted.zones.contains(name) {
            continue;
        }
        let written = sheet.text(time)?;
        let at = Calendar::utc(written).ok_or_else(|| {
            sheet.error(time, &format!("`{written}` is no instant; write it like `2021-01-01 00:00:00`"))
        })?;
        let number = sheet.number(value)?;
        let hours = all.entry(name.to_owned()).or_default();
        if hours.last().is_some_and(|(previous, _)| at <= *previous) {
            return Err(
                sheet.error(time, &format!("{at} does not come after the row before it in its zone; sort the file"))
            );
        }
        hours.push((at, number));
    }
    Ok(all)
}

fn by_region(sheet: &mut Sheet, region: Column, value: Column, unit: f64) -> Result<BTreeMap<String, f64>, InputError> {
    let mut all = BTreeMap::new();
    while sheet.read()? {
        if let Some(number) = sheet.number(value)? {
            all.insert(sheet.name(region)?.to_owned(), number * unit);
        }
    }
    Ok(all)
}

/// Of the wanted year, or of the latest one that has a value.
fn by_year(sheet: &mut Sheet, wanted: &Wanted<'_>) -> Result<BTreeMap<String, f64>, InputError> {
    let value = sheet.column(wanted.column.unwrap_or("grid-carbon-intensity-average-consumption-annual"))?;
    let [year, vendor, region] =
        [sheet.column("year")?, sheet.column("cloud-provider")?, sheet.column("cloud-region")?];
    let mut all: BTreeMap<String, (u64, f64)> = BTreeMap::new();
    while sheet.read()? {
        let now = sheet.given(year, sheet.exact(year, 1)?)?;
        let is_wanted = wanted.year.is_none_or(|year| u64::from(year) == now)
            && regions::is_of(sheet.text(vendor)?, wanted.provider);
        if let Some(number) = sheet.number(value)?.filter(|_| is_wanted) {
            let known = all.entry(sheet.name(region)?.to_owned()).or_insert((now, number));
            if now >= known.0 {
                *known = (now, number);
            }
        }
    }
    Ok(all.into_iter().map(|(region, (_, number))| (region, number)).collect())
}
