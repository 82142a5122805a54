//! Tables become clusters, prices, power, carbon and distances of a scenario, and what they do not know is said with its place.
#![expect(clippy::float_cmp, reason = "what is read from a decimal is that decimal")]

use smo::input::{Loaded, Request, load};
use smo::units::{Money, Span, Time};
use std::fmt::Write as _;
use std::path::Path;
use tempfile::TempDir;

const REGIONS: &str = "region,location,lat,lon,em_zone,pue,big_8_usd_h,big_8_spot_usd_h\n\
    north,N,60.0,10.0,NO,1.1,0.50,0.20\n\
    south,S,40.0,10.0,ES,,0.40,\n\
    west,W,,,,1.2,,\n";
const SHAPES: &str = "Machine type,Microarchitecture,Instance vCPUs,Instance Memory,Instance GPUs\n\
    big-8,Old,8,32,0\nbig-8,New,8,32,0\nbig-16,New,16,64,0\n";
const POWER: &str = "Architecture,Min Watts,Max Watts\nOld,1,3\nNew,0.5,2\n";
const LATENCY: &str = "sending_region,north,south,west\nnorth,,40.5,\nsouth,41,,70\nwest,60,70,\n";
const EGRESS: &str = "src,dst,cost\nnorth,south,0.02\nsouth,north,0.09\n";
const SITES: &str = "SITE_ID,LATITUDE,LONGITUDE,NAME\n7,0,0,a\n8,0,1,b\n9,0,2,c\n";
const USERS: &str = "Latitude,Longitude\n0,0.1\n0,0.2\n0,-0.3\n0,1.9\n";
const TYPES: &str = "cpu,memory,capacity,number_of_machines\n1.0,0.5,1,30\n0.25,0.2,1,4\n";

const SCENARIO: &str = "question: Is it joined?
application:
  services: [{name: web, cpu: 500m, memory: 512 MiB, capacity: {gamma: 10}}]
inventory:
  regions:
    file: regions.csv
    choose: [north, south]
    pools: [{name: main, machine: big-8, nodes: 2}]
  machines: {shapes: shapes.csv, power: power.csv}
traces: [{file: load.csv}]
network:
  latency: {file: latency.csv}
environment:
  start: 2024-02-28T22:00-02:00
  carbon: {file: carbon.csv, begins: 2024-02-28T00:00Z}
policies: [spread]
until: 2 h
variants:
  larger: {inventory.clusters.north.pools.main.machine: big-16, inventory.clusters.north.pools.main.price_per_hour: 1 $}
  elsewhere: {inventory.regions.choose: [south]}
";

/// The scenario and its tables. Hour 24 is the leap day's first; ES is empty in it.
fn world() -> TempDir {
    let scratch = tempfile::tempdir().unwrap();
    let mut carbon = String::from("hour_utc,NO,ES\n");
    for hour in 0..48 {
        let spain = if hour == 24 { String::new() } else { format!("{}", 200 + hour) };
        writeln!(carbon, "{hour},{},{spain}", 20 + hour).unwrap();
    }
    for (name, text) in [
        ("regions.csv", REGIONS),
        ("shapes.csv", SHAPES),
        ("power.csv", POWER),
        ("latency.csv", LATENCY),
        ("egress.csv", EGRESS),
        ("sites.csv", SITES),
        ("users.csv", USERS),
        ("types.csv", TYPES),
        ("carbon.csv", &carbon),
        ("load.csv", "timestamp_s,service,requests_per_s\n0,web,10\n7200,web,10\n"),
        ("s.yaml", SCENARIO),
    ] {
        std::fs::write(scratch.path().join(name), text).unwrap();
    }
    scratch
}

fn request(variant: Option<&str>, set: &[(&str, &str)]) -> Request {
    let set = set.iter().map(|(path, value)| ((*path).to_owned(), (*value).to_owned())).collect();
    Request { variant: variant.map(str::to_owned), set, ..Request::default() }
}

#[track_caller]
fn loaded(world: &Path, variant: Option<&str>, set: &[(&str, &str)]) -> Loaded {
    load(&world.join("s.yaml"), &request(variant, set)).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn refused(world: &Path, set: &[(&str, &str)], wanted: &[&str]) {
    let error = load(&world.join("s.yaml"), &request(None, set)).expect_err("it is refused").to_string();
    for part in wanted {
        assert!(error.contains(part), "wanted {part:?}, said:\n{error}");
    }
}

fn names(loaded: &Loaded) -> Vec<&str> {
    loaded.scenario.known.clusters.values().map(|cluster| cluster.name.as_str()).collect()
}

/// 8 cores keep 7,910m; power is the mean of two families, 8 · 0.75 and 8 · 2.5 W.
#[test]
fn clusters_come_from_regions_with_shape_power_and_price() {
    let world = world();
    let loaded = loaded(world.path(), None, &[]);
    assert_eq!(names(&loaded), ["north", "south"]);
    let north = loaded.scenario.known.clusters.values().next().unwrap();
    let pool = north.pools.values().next().unwrap();
    assert_eq!((pool.shape.cpu.0, pool.shape.memory.0 >> 20, pool.nodes), (7_910, 29_022, 2));
    assert_eq!((pool.power_idle.0, pool.power_max.0, pool.price_per_hour), (6.0, 20.0, Money(0.5)));
    assert_eq!(north.pue.as_f64(), 1.1);
    let resolved = loaded.resolved();
    let echoed = resolved.pointer("/inventory/clusters/1/pools/0/price_per_hour").unwrap();
    assert_eq!(echoed, "0.4 $");
    assert!(resolved.pointer("/inventory/regions").is_none(), "the echo holds the clusters");
    let said = loaded.notes.join("\n");
    assert!(said.contains("No PUE is known of south: 1.58 is assumed."), "{said}");
    let read: Vec<&str> = loaded.inputs.iter().map(|input| input.path.as_str()).collect();
    for table in ["regions.csv", "shapes.csv", "power.csv", "latency.csv", "carbon.csv"] {
        assert_eq!(read.iter().filter(|path| **path == table).count(), 1, "{table} in {read:?}");
    }
}

#[test]
fn variants_change_the_choice_and_the_machines() {
    let world = world();
    let larger = loaded(world.path(), Some("larger"), &[]);
    let pool = larger.scenario.known.clusters.values().next().unwrap().pools.values().next().unwrap();
    assert_eq!((pool.shape.cpu.0, pool.price_per_hour), (15_890, Money(1.0)));
    assert_eq!(names(&loaded(world.path(), Some("elsewhere"), &[])), ["south"]);
    // Sections are left out by `null`.
    let by_hand = loaded(
        world.path(),
        None,
        &[
            ("inventory.regions", "null"),
            ("inventory.clusters", "[{name: a, pools: [{name: p, cpu: 1, memory: 1 GiB, nodes: 1}]}]"),
            ("environment.carbon", "null"),
            ("network.latency", "null"),
        ],
    );
    assert_eq!(names(&by_hand), ["a"]);
}

/// 22:00 at -02:00 is midnight UTC of the leap day, hour 24 of the file.
#[test]
fn hours_of_the_calendar_become_steps_of_the_run() {
    let world = world();
    let loaded = loaded(world.path(), None, &[]);
    let environment = &loaded.scenario.environment;
    let hour = |hours: u64| Time(hours * 3_600_000_000_000);
    let at = |region: &str, hours| environment.carbon_of(region).at(hour(hours));
    assert_eq!((at("north", 0), at("north", 1)), (44.0, 45.0));
    assert_eq!((at("south", 0), at("south", 1)), (223.0, 225.0), "the hour before holds");
    let said = loaded.notes.join("\n");
    assert!(said.contains("Carbon intensity of ES is unknown in 1 of 2 hours: the hour before holds."), "{said}");
    // Half an hour later, the steps are half an hour earlier.
    let later = self::loaded(world.path(), None, &[("environment.start", "2024-02-29T00:30Z")]);
    assert_eq!(later.scenario.environment.carbon_of("north").next_change(hour(0)), Some(Time(1_800_000_000_000)));
}

#[test]
fn what_the_calendar_lacks_is_asked_for() {
    let world = world();
    let world = world.path();
    refused(world, &[("environment.start", "null")], &["environment.carbon.file", "write `environment.start:"]);
    refused(
        world,
        &[("environment.carbon.begins", "null")],
        &["carbon.csv: line 1: field `hour_utc`", "write `begins:"],
    );
    refused(
        world,
        &[("environment.start", "2024-02-29T23:30Z")],
        &["is known from 2024-02-28T00:00Z to 2024-03-01T00:00Z", "2024-03-01T01:30Z"],
    );
    refused(world, &[("environment.start", "2023-02-29T00:00Z")], &["no instant of the calendar"]);
    refused(world, &[("environment.start", "2024-02-29T00:00")], &["does not say its time zone"]);
    refused(
        world,
        &[
            ("inventory.regions.choose", "[north, west]"),
            ("inventory.clusters.west.pools.main.price_per_hour", "1 $"),
            ("network.default_rtt", "9 ms"),
        ],
        &["region `west` of cluster `west` has no carbon intensity"],
    );
    refused(world, &[("inventory.clusters.north.grid_zone", "XX")], &["the file has no grid zone `XX`"]);
    refused(
        world,
        &[("environment.price_factor", "{file: carbon.csv, begins: 2024-01-01T00:00Z}")],
        &["this is for tables of carbon intensity"],
    );
}

#[test]
fn distances_come_from_the_table_and_missing_pairs_are_named() {
    let world = world();
    let world = world.path();
    let joined = loaded(world, None, &[]);
    let rtt: Vec<u64> =
        joined.scenario.known.network.rtt.values().flat_map(|row| row.values().map(|span| span.0)).collect();
    assert_eq!(rtt, [500_000, 40_500_000, 41_000_000, 500_000]);
    let west = [
        ("inventory.regions.choose", "[north, west]"),
        ("inventory.clusters.west.pools.main.price_per_hour", "1 $"),
        ("environment.carbon", "null"),
    ];
    refused(
        world,
        &west,
        &["no round-trip time is known from `north` (north) to `west` (west)", "network.default_rtt"],
    );
    let mut given = west.to_vec();
    given.push(("network.default_rtt", "9 ms"));
    assert_eq!(
        loaded(world, None, &given).scenario.known.network.rtt.values().next().unwrap().values().nth(1),
        Some(&Span(9_000_000))
    );
    let mut by_hand = west.to_vec();
    by_hand.push(("network.pairs", "[{between: [north, west], rtt: 8 ms}]"));
    assert_eq!(
        loaded(world, None, &by_hand).scenario.known.network.rtt.values().next().unwrap().values().nth(1),
        Some(&Span(8_000_000))
    );
    let egress = loaded(world, None, &[("network.egress", "{file: egress.csv}")]);
    let prices: Vec<f64> = egress
        .scenario
        .known
        .network
        .egress_per_gb
        .values()
        .flat_map(|row| row.values().map(|price| price.0))
        .collect();
    assert_eq!(prices, [0.0, 0.02, 0.09, 0.0]);
}

#[test]
fn machines_and_prices_that_are_not_known_are_refused() {
    let world = world();
    let world = world.path();
    let spot = ("inventory.regions.pools.main.spot", "true");
    refused(
        world,
        &[spot],
        &[
            "s.yaml: line 8",
            "inventory.clusters.south.pools.main.machine",
            "no spot price of `big-8` in region `south`",
        ],
    );
    let north = loaded(world, None, &[spot, ("inventory.regions.choose", "[north]")]);
    assert_eq!(
        north.scenario.known.clusters.values().next().unwrap().pools.values().next().unwrap().price_per_hour,
        Money(0.2)
    );
    assert!(
        north.notes.iter().any(|note| note.contains("that they may be taken away is not simulated")),
        "{:?}",
        north.notes
    );
    refused(
        world,
        &[("inventory.clusters.north.pools.main.machine", "big-9")],
        &["the table does not know `big-9`", "did you mean"],
    );
    refused(world, &[("inventory.machines.shapes", "null")], &["nothing says what `big-8` has"]);
    refused(
        world,
        &[("inventory.regions.choose", "[nort]")],
        &["the table does not know `nort`", "did you mean `north`?"],
    );
    refused(
        world,
        &[("inventory.regions.file", "power.csv")],
        &["power.csv: line 1: no table that is known begins with"],
    );
    std::fs::write(world.join("power.csv"), "Architecture,Min Watts,Max Watts\nOld,1,x\n").unwrap();
    refused(world, &[], &["power.csv: line 2: field `Max Watts`: `x` is not a number"]);
}

/// A degree of the equator is 111.195 km. Three users are nearest to site 7, at 11.12, 22.24 and 33.36 km, one to site 9.
#[test]
fn sites_and_users_are_placed_by_distance() {
    let world = world();
    let set = [
        ("inventory.regions", "null"),
        (
            "inventory.sites",
            "{file: sites.csv, choose: ['7', '9'], region: city, grid_zone: NO, pools: {file: types.csv, largest: {cpu: 8, memory: 64 GiB}, scale: 10 %}}",
        ),
        ("network", "{by_distance: {base: 1 ms, per_km: 20 us}, users: {file: users.csv, access_rtt: 5 ms}}"),
    ];
    let loaded = loaded(world.path(), None, &set);
    assert_eq!(names(&loaded), ["site-7", "site-9"]);
    let network = &loaded.scenario.known.network;
    let between = network.rtt.values().next().unwrap().values().nth(1).unwrap();
    assert!(between.0.abs_diff(1_000_000 + 222_390 * 20) < 100, "{between}");
    let origins: Vec<_> = network.origins.iter().map(|origin| (origin.name.as_str(), origin.share.as_f64())).collect();
    assert_eq!(origins, [("near-site-7", 0.75), ("near-site-9", 0.25)]);
    let access = network.origins[0].rtt.values().next().unwrap();
    assert!(access.0.abs_diff(5_000_000 + 22_239 * 20) < 100, "{access}");
    // A tenth of 30 machines and of 4, which leaves none.
    let pools = &loaded.scenario.known.clusters.values().next().unwrap().pools;
    let shapes: Vec<_> = pools.values().map(|pool| (pool.nodes, pool.shape.cpu.0, pool.shape.memory.0 >> 30)).collect();
    assert_eq!(shapes, [(3, 8_000, 32)]);
    assert!(
        loaded.notes.iter().any(|note| note.contains("no machine is left of type-2 (4 machines)")),
        "{:?}",
        loaded.notes
    );
}

/// Goal: whoever asks for a table of regions without prices gets clusters without prices, and is told so.
#[test]
fn regions_without_prices_are_free_and_that_is_noted() {
    let world = world();
    let unpriced = "year,cloud-provider,cloud-region,em-zone-id,geolocation,power-usage-effectiveness\n\
        2022,Cloud One,north,NO,\"60.0,10.0\",1.3\n2023,Cloud One,north,,,1.2\n2022,Cloud Two,south,ES,,\n";
    std::fs::write(world.path().join("regions.csv"), unpriced).unwrap();
    let set = [("inventory.regions.provider", "cloud one"), ("inventory.regions.choose", "[]")];
    let loaded = loaded(world.path(), None, &set);
    assert_eq!(names(&loaded), ["north"]);
    let north = loaded.scenario.known.clusters.values().next().unwrap();
    assert_eq!(north.pue.as_f64(), 1.2, "of the latest year that has one");
    assert_eq!(loaded.scenario.environment.carbon_of("north").at(Time::ZERO), 44.0, "the zone of the year before");
    assert!(loaded.notes.iter().any(|note| note.contains("have no price")), "{:?}", loaded.notes);
}
