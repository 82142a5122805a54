//! Prices of machines by region: on-demand and spot list prices of 2026, AWS's of 2017, and those in tables of regions.
//!
//! The table of 2026 has 83,079 rows, so rows are handed on one by one and nobody holds all.

use super::regions;
use super::sheet::{Column, Sheet};
use crate::input::error::InputError;
use crate::input::formats::{self, FormatPage, Kind};
use std::collections::BTreeMap;

/// What a machine costs in a region for an hour, in $.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price<'a> {
    /// `aws`, `azure`, `gcp`; empty in a table of one provider.
    pub provider: &'a str,
    /// Region.
    pub region: &'a str,
    /// Machine, in the spelling of the table.
    pub machine: &'a str,
    /// On demand.
    pub on_demand: Option<f64>,
    /// Spot.
    pub spot: Option<f64>,
}

/// List prices.
pub const PAGE: FormatPage = FormatPage {
    name: "machine-prices",
    kind: Kind::Prices,
    what: "Hourly prices of machines by region, on demand and spot; also AWS's list of 2017 and tables of regions",
    extensions: &[".csv", ".csv.gz", ".csv.zst"],
    columns: &[
        formats::Column { name: "provider", unit: "text", meaning: "`aws`, `azure` or `gcp`; chosen by `provider`" },
        formats::Column { name: "region", unit: "text", meaning: "region; joins the region of a cluster" },
        formats::Column { name: "instance_type", unit: "text", meaning: "machine; joins `machine` of a pool" },
        formats::Column {
            name: "on_demand_usd_per_hour",
            unit: "$ an hour",
            meaning: "list price (2017: `linux_on_demand_usd_per_hour`); empty: not sold",
        },
        formats::Column {
            name: "spot_usd_per_hour",
            unit: "$ an hour",
            meaning: "spot price, for pools with `spot: true`; empty: unknown, which such a pool refuses",
        },
    ],
    example: "provider,region,instance_type,on_demand_usd_per_hour,spot_usd_per_hour\ngcp,europe-west1,n2-standard-8,0.427336,0.093776",
    writable: false,
};

/// Accelerators by region.
pub const PAGE_ACCELERATORS: FormatPage = FormatPage {
    name: "gcp-accelerators",
    kind: Kind::Inventory,
    what: "Which kinds of accelerators Google Cloud offers in which region, separated by semicolons",
    extensions: &[".csv", ".csv.gz", ".csv.zst"],
    columns: &[
        formats::Column { name: "NAME", unit: "text", meaning: "kind of accelerator" },
        formats::Column { name: "ZONE", unit: "text", meaning: "region that has it" },
    ],
    example: "NAME;ZONE\nnvidia-l4;europe-west4",
    writable: false,
};

/// Hands each price of a table to `take`.
///
/// # Errors
/// Another table, a broken cell, or what `take` says.
pub fn each(
    sheet: &mut Sheet,
    take: &mut dyn FnMut(&Sheet, Price<'_>) -> Result<(), InputError>,
) -> Result<(), InputError> {
    if sheet.has(regions::JOINED) {
        return each_of_regions(sheet, take);
    }
    let by_header =
        |listed: &str| sheet.has(&["region", "instance_type", listed]).then(|| sheet.find(listed)).flatten();
    let Some(on_demand) = by_header("on_demand_usd_per_hour").or_else(|| by_header("linux_on_demand_usd_per_hour"))
    else {
        return Err(sheet.unknown_header(
            "tables of prices have `region`, `instance_type` and `on_demand_usd_per_hour`, or are tables of regions",
        ));
    };
    let [region, machine] = [sheet.column("region")?, sheet.column("instance_type")?];
    let (provider, spot) = (sheet.find("provider"), sheet.find("spot_usd_per_hour"));
    while sheet.read()? {
        let price = Price {
            provider: provider.map_or(Ok(""), |column| sheet.text(column))?,
            region: sheet.name(region)?,
            machine: sheet.name(machine)?,
            on_demand: sheet.number(on_demand)?,
            spot: spot.map_or(Ok(None), |column| sheet.number(column))?,
        };
        take(sheet, price)?;
    }
    Ok(())
}

/// Prices that stand in the columns of a table of regions: `n2_standard_8_usd_h` and `n2_standard_8_spot_usd_h`.
fn each_of_regions(
    sheet: &mut Sheet,
    take: &mut dyn FnMut(&Sheet, Price<'_>) -> Result<(), InputError>,
) -> Result<(), InputError> {
    let region = sheet.column("region")?;
    let columns: BTreeMap<&str, Column> =
        sheet.columns().iter().enumerate().map(|(index, title)| (title.as_str(), Column(index))).collect();
    let machine = |(index, title): (usize, &String)| {
        let column = title.strip_suffix("_usd_h").filter(|column| !column.ends_with("_spot"))?;
        let spot = columns.get(format!("{column}_spot_usd_h").as_str()).copied();
        Some((column.strip_suffix("_2017").unwrap_or(column).to_owned(), Column(index), spot))
    };
    let machines: Vec<_> = sheet.columns().iter().enumerate().filter_map(machine).collect();
    while sheet.read()? {
        for (machine, on_demand, spot) in &machines {
            let price = Price {
                provider: "",
                region: sheet.name(region)?,
                machine,
                on_demand: sheet.number(*on_demand)?,
                spot: spot.map_or(Ok(None), |column| sheet.number(column))?,
            };
            take(sheet, price)?;
        }
    }
    Ok(())
}

/// Reads which kinds of accelerators are where: (kind, region).
///
/// # Errors
/// A missing column or an empty cell.
pub fn accelerators(sheet: &mut Sheet) -> Result<std::collections::BTreeSet<(String, String)>, InputError> {
    let [name, region] = [sheet.column("NAME")?, sheet.column("ZONE")?];
    let mut all = std::collections::BTreeSet::new();
    while sheet.read()? {
        all.insert((sheet.name(name)?.to_owned(), sheet.name(region)?.to_owned()));
    }
    Ok(all)
}
