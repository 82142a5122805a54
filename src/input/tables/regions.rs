//! Tables of cloud regions: where each is, which electricity grid feeds it, how much its buildings draw.
//!
//! Two forms. The joined form has a row a region (`region, location, lat, lon, em_zone, pue, ...`). The Green Software
//! Foundation's metadata have a row a region and year with many empty cells: each attribute is that of the latest year
//! that has it. Cells that are empty in all years stay unknown.

use super::sheet::{Column, Sheet, Spot};
use crate::input::error::InputError;
use crate::input::formats::{self, FormatPage, Kind};
use std::collections::BTreeMap;

/// A region, as far as its table knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Region {
    /// Where it stands; of several rows the first.
    pub spot: Spot,
    /// Degrees north and east.
    pub location: Option<(f64, f64)>,
    /// Zone of the electricity grid, as Electricity Maps names it.
    pub grid_zone: Option<String>,
    /// Power usage effectiveness.
    pub pue: Option<f64>,
}

/// Tables of regions in the joined form.
pub const PAGE: FormatPage = FormatPage {
    name: "regions",
    kind: Kind::Inventory,
    what: "Cloud regions, a row each: place, electricity grid, PUE, and prices of some machines",
    extensions: &[".csv", ".csv.gz", ".csv.zst"],
    columns: &[
        formats::Column { name: "region", unit: "text", meaning: "name of the region" },
        formats::Column { name: "lat, lon", unit: "degrees", meaning: "north and east; empty: unknown" },
        formats::Column {
            name: "em_zone",
            unit: "text",
            meaning: "zone of the electricity grid, as Electricity Maps names it; empty: unknown",
        },
        formats::Column {
            name: "pue",
            unit: "1",
            meaning: "power usage effectiveness; empty: the default, and a note",
        },
        formats::Column {
            name: "MACHINE_usd_h, MACHINE_spot_usd_h",
            unit: "$ an hour",
            meaning: "list and spot price of a machine, `-` and `.` of its name as `_`; empty: not sold there",
        },
        formats::Column {
            name: "..._g_per_kwh",
            unit: "g CO₂e/kWh",
            meaning: "mean carbon intensity, where `environment.carbon.column` names the column",
        },
    ],
    example: "region,location,lat,lon,em_zone,pue,n2_standard_8_usd_h\neurope-west1,Belgium,51.1333,4.5667,BE,1.09,0.427336",
    writable: false,
};

/// The metadata of the Green Software Foundation.
pub const PAGE_GSF: FormatPage = FormatPage {
    name: "gsf-region-metadata",
    kind: Kind::Inventory,
    what: "Cloud region metadata of the Green Software Foundation: a row a region and year, the latest known value counts",
    extensions: &[".csv", ".csv.gz", ".csv.zst"],
    columns: &[
        formats::Column { name: "year", unit: "year", meaning: "year that the row is about" },
        formats::Column { name: "cloud-provider", unit: "text", meaning: "chosen by `provider`, or a part of it" },
        formats::Column { name: "cloud-region", unit: "text", meaning: "name of the region" },
        formats::Column { name: "em-zone-id", unit: "text", meaning: "zone of the electricity grid" },
        formats::Column { name: "geolocation", unit: "degrees", meaning: "`north,east`" },
        formats::Column { name: "power-usage-effectiveness", unit: "1", meaning: "PUE" },
        formats::Column {
            name: "grid-carbon-intensity-average-consumption-annual",
            unit: "g CO₂e/kWh",
            meaning: "mean carbon intensity; `environment.carbon.column` may name another column",
        },
    ],
    example: "year,cloud-provider,cloud-region,em-zone-id,geolocation,power-usage-effectiveness\n2024,Amazon Web Services,af-south-1,ZA,\"-33.9253,18.4239\",1.24",
    writable: false,
};

/// Columns by which the joined form is known.
pub const JOINED: &[&str] = &["region", "em_zone", "pue"];
/// Columns by which the metadata are known.
pub const METADATA: &[&str] = &["year", "cloud-provider", "cloud-region", "em-zone-id"];

/// Reads all regions, those of `provider` only where one is named.
///
/// # Errors
/// Another table; a broken cell; a region that stands twice in the joined form.
pub fn read(sheet: &mut Sheet, provider: Option<&str>) -> Result<BTreeMap<String, Region>, InputError> {
    if sheet.has(METADATA) {
        return metadata(sheet, provider);
    }
    if sheet.has(JOINED) {
        return joined(sheet);
    }
    Err(sheet.unknown_header("tables of regions have `region`, `em_zone` and `pue`, or are the metadata of the GSF"))
}

fn joined(sheet: &mut Sheet) -> Result<BTreeMap<String, Region>, InputError> {
    let [region, zone, pue] = [sheet.column("region")?, sheet.column("em_zone")?, sheet.column("pue")?];
    let degrees = sheet.find("lat").zip(sheet.find("lon"));
    let mut all = BTreeMap::new();
    while sheet.read()? {
        let location = match degrees {
            Some((lat, lon)) => sheet.signed(lat)?.zip(sheet.signed(lon)?),
            None => None,
        };
        let found = Region {
            spot: sheet.spot(),
            location,
            grid_zone: filled(sheet.text(zone)?),
            pue: checked_pue(sheet, pue)?,
        };
        let name = sheet.name(region)?.to_owned();
        if all.insert(name.clone(), found).is_some() {
            return Err(sheet.error(region, &format!("a second row is about `{name}`; remove one of the two")));
        }
    }
    Ok(all)
}

fn metadata(sheet: &mut Sheet, provider: Option<&str>) -> Result<BTreeMap<String, Region>, InputError> {
    let [year, vendor, region] =
        [sheet.column("year")?, sheet.column("cloud-provider")?, sheet.column("cloud-region")?];
    let zone = sheet.column("em-zone-id")?;
    let [place, pue] = [sheet.column("geolocation")?, sheet.column("power-usage-effectiveness")?];
    let mut all: BTreeMap<String, (Region, [u64; 3])> = BTreeMap::new();
    while sheet.read()? {
        if !is_of(sheet.text(vendor)?, provider) {
            continue;
        }
        let now = sheet.given(year, sheet.exact(year, 1)?)?;
        let found = (location(sheet, place)?, filled(sheet.text(zone)?), checked_pue(sheet, pue)?);
        let name = sheet.name(region)?.to_owned();
        let first = || Region { spot: sheet.spot(), location: None, grid_zone: None, pue: None };
        let (known, since) = all.entry(name).or_insert_with(|| (first(), [0; 3]));
        latest(&mut known.location, found.0, &mut since[0], now);
        latest(&mut known.grid_zone, found.1, &mut since[1], now);
        latest(&mut known.pue, found.2, &mut since[2], now);
    }
    Ok(all.into_iter().map(|(name, (region, _))| (name, region)).collect())
}

/// Whether a vendor's full name (`Amazon Web Services`) is the wanted one, or holds it (`amazon`).
pub fn is_of(vendor: &str, provider: Option<&str>) -> bool {
    provider.is_none_or(|wanted| vendor.to_lowercase().contains(&wanted.to_lowercase()))
}

/// Keeps what is known of the latest year.
fn latest<T>(known: &mut Option<T>, found: Option<T>, since: &mut u64, now: u64) {
    if found.is_some() && now >= *since {
        *known = found;
        *since = now;
    }
}

fn location(sheet: &Sheet, column: Column) -> Result<Option<(f64, f64)>, InputError> {
    let text = sheet.text(column)?;
    if text.is_empty() {
        return Ok(None);
    }
    let degrees = |part: &str| part.trim().parse::<f64>().ok().filter(|degrees| degrees.is_finite());
    let both = text.split_once(',').and_then(|(lat, lon)| degrees(lat).zip(degrees(lon)));
    both.map(Some)
        .ok_or_else(|| sheet.error(column, "this is no place; write degrees north and east, like `52.5,13.4`"))
}

fn checked_pue(sheet: &Sheet, column: Column) -> Result<Option<f64>, InputError> {
    match sheet.number(column)? {
        Some(pue) if pue < 1.0 => {
            Err(sheet.error(column, &format!("a PUE of {pue} is below 1; correct the cell, or empty it")))
        }
        pue => Ok(pue),
    }
}

fn filled(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
