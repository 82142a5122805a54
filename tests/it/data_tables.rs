//! Every table of the public data is read whole by its importer: rows and sums as the data's own notes state them, or as
//! counted from the files by other means.
#![expect(clippy::print_stdout, reason = "what was skipped")]

use crate::data_dir;
use smo::input::tables::calendar::Calendar;
use smo::input::tables::carbon::{self, Carbon, Hours, Wanted};
use smo::input::tables::sheet::Sheet;
use smo::input::tables::{latency, machine_types, machines, power, prices, regions, sites};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

fn data() -> Option<std::path::PathBuf> {
    let data = data_dir();
    if data.is_none() {
        println!("skipped: no SMO_DATA_DIR and no ../shared/data");
    }
    data
}

fn sheet(data: &Path, file: &str) -> Sheet {
    Sheet::of(&data.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[track_caller]
fn about(found: f64, wanted: f64) {
    assert!((found - wanted).abs() <= 1e-9 * wanted.abs(), "{found} instead of {wanted}");
}

#[test]
fn tables_of_regions_have_all_regions() {
    let Some(data) = data() else { return };
    for (file, provider, count, with_zone, with_pue) in [
        ("inventories/gcp_regions.csv", None, 43, 39, 13),
        ("inventories/aws_regions.csv", None, 33, 30, 22),
        ("inventories/azure_regions.csv", None, 27, 25, 27),
        ("region_carbon/gsf_Cloud_Region_Metadata.csv", Some("Google"), 43, 39, 13),
        ("region_carbon/gsf_Cloud_Region_Metadata.csv", Some("amazon"), 33, 30, 22),
    ] {
        let all = regions::read(&mut sheet(&data, file), provider).unwrap();
        assert_eq!(all.len(), count, "{file} {provider:?}");
        assert_eq!(all.values().filter(|region| region.grid_zone.is_some()).count(), with_zone, "{file} {provider:?}");
        assert_eq!(all.values().filter(|region| region.pue.is_some()).count(), with_pue, "{file} {provider:?}");
    }
    let joined = regions::read(&mut sheet(&data, "inventories/gcp_regions.csv"), None).unwrap();
    let belgium = &joined["europe-west1"];
    assert_eq!(
        (belgium.grid_zone.as_deref(), belgium.pue, belgium.location),
        (Some("BE"), Some(1.09), Some((51.1333, 4.5667)))
    );
    // The joined tables were made of the metadata by the rule that `regions` states: both say the same of every region.
    let metadata =
        regions::read(&mut sheet(&data, "region_carbon/gsf_Cloud_Region_Metadata.csv"), Some("Google")).unwrap();
    for (name, region) in &joined {
        let other = &metadata[name];
        assert_eq!(
            (&region.grid_zone, region.pue, region.location),
            (&other.grid_zone, other.pue, other.location),
            "{name}"
        );
    }
    let estimate =
        regions::read(&mut sheet(&data, "region_carbon/gsf_Cloud_Region_Metadata_estimate.csv"), None).unwrap();
    assert_eq!(estimate.len(), 98);
}

#[test]
fn latencies_have_all_pairs() {
    let Some(data) = data() else { return };
    let read = |file: &str, dataset| latency::read(&mut sheet(&data, file), dataset).unwrap();
    let matrix = read("inventories/gcp_latency_ms_matrix.csv", None);
    let pairs = read("region_latency/gcp_latency_2022_2024.csv", None);
    assert_eq!(matrix, pairs, "the matrix was made of the pairs");
    assert_eq!(matrix.len(), 34 * 34 - 34);
    assert_eq!(pairs.values().map(|span| span.0).sum::<u64>(), 160_868 * 1_000_000);
    let aws = read("inventories/aws_latency_ms_matrix_2020.csv", None);
    assert_eq!(aws, read("region_latency/fantoch_ping_aws_gcp.csv", Some("aws_2020_06_05")));
    assert_eq!(aws.len(), 19 * 19);
    assert_eq!(aws[&("af-south-1".to_owned(), "ap-east-1".to_owned())].0, 382_868_000);
    for (file, dataset, count) in [
        ("region_latency/fantoch_ping_aws_gcp.csv", "aws_2021_02_13", 25),
        ("region_latency/fantoch_ping_aws_gcp.csv", "gcp", 400),
        ("region_latency/ibm_inter_region.csv", "16 Aug 2026", 13 * 12),
        ("region_latency/ibm_inter_region.csv", "19 Jul 2026", 13 * 12),
        ("region_latency/ibm_inter_az.csv", "2 Aug 2026", 124),
    ] {
        assert_eq!(read(file, Some(dataset)).len(), count, "{file} {dataset}");
    }
    let undecided =
        latency::read(&mut sheet(&data, "region_latency/ibm_inter_region.csv"), None).unwrap_err().to_string();
    assert!(undecided.contains("choose one by `dataset`: `16 Aug 2026`"), "{undecided}");
    let egress = latency::egress(&mut sheet(&data, "region_latency/aws_transfer_costs_usd_per_gb.csv")).unwrap();
    assert_eq!(egress.len(), 674);
    about(egress.values().map(|price| price.0).sum(), 39.947_8);
}

fn hourly(data: &Path, file: &str, column: Option<&str>) -> BTreeMap<String, Hours> {
    let begins = Some("2022-01-01T00:00Z".parse().unwrap());
    match carbon::read(&mut sheet(data, file), &Wanted { begins, column, ..Wanted::default() }).unwrap() {
        Carbon::Hourly(zones) => zones,
        other => panic!("{file} is not hourly: {other:?}"),
    }
}

#[test]
fn the_hours_of_all_grid_zones_are_read_and_empty_cells_stay_unknown() {
    let Some(data) = data() else { return };
    let zones = hourly(&data, "carbon_zones_hourly/carbon_2022_hourly_123zones_wide.csv.gz", None);
    assert_eq!(zones.len(), 123);
    assert!(zones.values().all(|hours| hours.len() == 8_760));
    assert_eq!(zones["BE"].last().map(|(instant, _)| instant.to_string()).as_deref(), Some("2022-12-31T23:00Z"));
    let unknown = |hours: &Hours| hours.iter().filter(|(_, value)| value.is_none()).count();
    let gaps: Vec<_> =
        zones.iter().map(|(zone, hours)| (zone.as_str(), unknown(hours))).filter(|(_, gaps)| *gaps > 0).collect();
    let stated = [("BA", 39), ("DK-BHM", 58), ("LU", 181), ("US-CAL-TIDC", 3), ("US-MIDW-AECI", 1), ("US-SW-TEPC", 4)];
    assert_eq!(gaps, stated);
    assert_eq!(gaps.iter().map(|(_, gaps)| gaps).sum::<usize>(), 286);
    about(zones.values().flatten().filter_map(|(_, value)| *value).sum(), 414_484_844.230_065_3);
}

#[test]
fn the_long_hours_of_electricity_maps_are_read() {
    let Some(data) = data() else { return };
    let file = "carbon_zones_hourly/electricitymaps_2021_2023_BR_ES_NO_CISO.csv.gz";
    let zones = hourly(&data, file, None);
    assert_eq!(zones.keys().collect::<Vec<_>>(), ["BR", "ES", "NO", "US-CAL-CISO"]);
    assert!(zones.values().all(|hours| hours.len() == 26_280));
    about(zones.values().flatten().filter_map(|(_, value)| *value).sum(), 15_783_779.07);
    assert_eq!(zones["BR"][1], (Calendar::utc("2021-01-01 01:00:00").unwrap(), Some(163.11)));
    assert_eq!(hourly(&data, file, Some("ci_direct_g_per_kwh"))["BR"][1].1, Some(119.98));
}

fn means(data: &Path, file: &str, wanted: &Wanted<'_>) -> BTreeMap<String, f64> {
    match carbon::read(&mut sheet(data, file), wanted).unwrap() {
        Carbon::Means(means) => means,
        other => panic!("{file} has no means: {other:?}"),
    }
}

#[test]
fn yearly_means_of_regions_are_read() {
    let Some(data) = data() else { return };
    let all = Wanted::default();
    for (year, count, taiwan) in [
        (2019, 24, 541.0),
        (2020, 27, 540.0),
        (2021, 34, 456.0),
        (2022, 36, 453.0),
        (2023, 40, 451.0),
        (2024, 44, 439.29),
    ] {
        let found = means(&data, &format!("region_carbon/gcp_{year}.csv"), &all);
        assert_eq!(found.len(), count, "{year}");
        about(found["asia-east1"], taiwan);
    }
    // Two factors of Azure's table lack their `0.`; a scenario that needs one of the two is refused.
    for (provider, count, sum) in [("aws", 25, 10_701.78), ("azure", 24, 479_008_693.918_999_97), ("gcp", 24, 9_955.0)]
    {
        let file = format!("cloud_carbon_coefficients/data_grid-emissions-factors-{provider}.csv");
        let factors = means(&data, &file, &all);
        assert_eq!(factors.len(), count, "{provider}");
        about(factors.values().sum(), sum);
    }
    let gsf = "region_carbon/gsf_Cloud_Region_Metadata.csv";
    about(means(&data, gsf, &all)["af-south-1"], 702.03);
    let of_2022 = means(&data, gsf, &Wanted { year: Some(2022), provider: Some("Amazon"), ..Wanted::default() });
    assert!(of_2022.keys().all(|region| region.contains('-')) && of_2022.len() == 30, "{of_2022:?}");
    about(means(&data, "inventories/gcp_regions.csv", &all)["europe-west1"], 103.37);
    let column = Some("zone_ci_2022_mean_g_per_kwh");
    about(means(&data, "inventories/gcp_regions.csv", &Wanted { column, ..Wanted::default() })["europe-west1"], 177.74);
}

/// What a table of prices adds up to.
#[derive(Debug, Default)]
struct Sums {
    rows: usize,
    by_provider: BTreeMap<String, usize>,
    on_demand: f64,
    spot: f64,
    without_spot: usize,
    regions: BTreeSet<String>,
}

fn sums(data: &Path, file: &str) -> Sums {
    let mut sums = Sums::default();
    prices::each(&mut sheet(data, file), &mut |_, price| {
        sums.rows += 1;
        *sums.by_provider.entry(price.provider.to_owned()).or_default() += 1;
        sums.on_demand += price.on_demand.unwrap_or(0.0);
        sums.spot += price.spot.unwrap_or(0.0);
        sums.without_spot += usize::from(price.spot.is_none());
        sums.regions.insert(price.region.to_owned());
        Ok(())
    })
    .unwrap();
    sums
}

#[test]
fn prices_have_all_rows_and_add_up() {
    let Some(data) = data() else { return };
    let now = sums(&data, "cloud_prices/on_demand_spot_usd_per_hour_2026.csv.gz");
    assert_eq!((now.rows, now.without_spot), (83_079, 70_358));
    let by_provider: Vec<_> = now.by_provider.iter().map(|(name, rows)| (name.as_str(), *rows)).collect();
    assert_eq!(by_provider, [("aws", 2_686), ("azure", 67_672), ("gcp", 12_721)]);
    about(now.on_demand, 532_116.019_025_006_7);
    about(now.spot, 24_319.290_743_000_04);
    let then = sums(&data, "cloud_prices/aws_2017_all_regions.csv.gz");
    assert_eq!((then.rows, then.regions.len()), (909, 15));
    about(then.on_demand, 1_787.671_4);
    // 43 regions times 7 machines; 33 regions times 5 machines.
    assert_eq!(sums(&data, "inventories/gcp_regions.csv").rows, 43 * 7);
    assert_eq!(sums(&data, "inventories/aws_regions.csv").rows, 33 * 5);
    let accelerators = prices::accelerators(&mut sheet(&data, "cloud_prices/gcp_acceleratortyperegion.csv")).unwrap();
    assert_eq!(accelerators.len(), 283);
}

#[test]
fn machines_have_their_shape_and_power() {
    let Some(data) = data() else { return };
    let read = |file: &str| machines::read(&mut sheet(&data, file)).unwrap();
    let gcp = read("cloud_carbon_coefficients/data_gcp-instances.csv");
    let n2 = &gcp[&machines::key("n2-standard-8")];
    assert_eq!((n2.cpu.0, n2.memory.0 >> 30, n2.gpus), (8_000, 32, 0));
    assert_eq!(gcp[&machines::key("e2-standard-8")].architectures.len(), 4);
    let aws = read("cloud_carbon_coefficients/data_aws-instances.csv");
    assert_eq!(aws.len(), 621);
    // Decimal commas: "17,6" and "79,8".
    let m5 = aws[&machines::key("m5.2xlarge")].power.unwrap();
    assert_eq!((m5.0.0, m5.1.0), (17.6, 79.8));
    let counts = [
        ("cloud_carbon_coefficients/data_azure-instances.csv", 393),
        ("cloud_carbon_coefficients/data_gcp-instances.csv", 126),
        ("cloud_prices/gcp_machinetypes.csv", 568),
    ];
    for (file, count) in counts {
        assert_eq!(read(file).len(), count, "{file}");
    }
    assert!(read("cloud_prices/aws_2017_all_regions.csv.gz").contains_key("m4_2xlarge"));
    let spec = read("cloud_carbon_coefficients/data_SPECpower-full-results.csv.gz");
    let server = &spec[&machines::key("CX2266-N2")];
    assert_eq!((server.cpu.0, server.memory.0 >> 30), (4_000, 16));
    assert_eq!(server.power.map(|(idle, max)| (idle.0, max.0)), Some((164.0, 276.0)));
    for (file, families) in [("aws", 11), ("azure", 8), ("gcp", 8)] {
        let file = format!("cloud_carbon_coefficients/output_coefficients-{file}-use.csv");
        assert_eq!(power::read(&mut sheet(&data, &file)).unwrap().len(), families, "{file}");
    }
    let coefficients =
        power::read(&mut sheet(&data, "cloud_carbon_coefficients/output_coefficients-gcp-use.csv")).unwrap();
    let (idle, max) = power::of(n2, &coefficients).unwrap();
    about(idle.0, 8.0 * 0.638_949_358_152_351_9);
    about(max.0, 8.0 * 3.642_452_028_511_403_5);
}

#[test]
fn sites_users_and_machine_types_are_all_there() {
    let Some(data) = data() else { return };
    let known = sites::read(&mut sheet(&data, "eua_edge_sites/site-optus-melbCBD.csv")).unwrap();
    assert_eq!(known.len(), 125);
    assert_eq!((known["10003026"].lat, known["10003026"].lon), (-37.815_17, 144.974_76));
    assert_eq!(sites::users(&mut sheet(&data, "eua_edge_sites/users-melbcbd-generated.csv")).unwrap().len(), 816);
    let types = machine_types::read(&mut sheet(&data, "inventories/google2011_machine_types.csv")).unwrap();
    assert_eq!(types.len(), 10);
    assert_eq!(types.iter().map(|kind| kind.machines).sum::<u64>(), 12_583);
}
