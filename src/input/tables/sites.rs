//! Edge sites and users by their coordinates: the EUA data set (base stations and users in Melbourne).

use super::sheet::Sheet;
use crate::input::error::{InputError, Place};
use crate::input::formats::{Column, FormatPage, Kind};
use std::collections::BTreeMap;

/// A site.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    /// Where it stands.
    pub place: Place,
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lon: f64,
}

/// Edge sites.
pub const PAGE: FormatPage = FormatPage {
    name: "edge-sites",
    kind: Kind::Inventory,
    what: "Edge sites by their coordinates (EUA data set, from a register of base stations)",
    extensions: &[".csv", ".csv.gz", ".csv.zst"],
    columns: &[
        Column { name: "SITE_ID", unit: "text", meaning: "id; the cluster there is called `site-ID`" },
        Column { name: "LATITUDE, LONGITUDE", unit: "degrees", meaning: "north and east" },
    ],
    example: "SITE_ID,LATITUDE,LONGITUDE,NAME\n10003026,-37.81517,144.97476,Spring and Flinders ucell",
    writable: false,
};

/// Users by their coordinates.
pub const PAGE_USERS: FormatPage = FormatPage {
    name: "users",
    kind: Kind::Distances,
    what: "Users by their coordinates, a row each: each calls from the nearest cluster (EUA data set)",
    extensions: &[".csv", ".csv.gz", ".csv.zst"],
    columns: &[Column { name: "Latitude, Longitude", unit: "degrees", meaning: "north and east" }],
    example: "Latitude,Longitude\n-37.814619463998895,144.9744434939978",
    writable: false,
};

/// Reads all sites, by their ids.
///
/// # Errors
/// A missing column, a broken or empty cell, an id that stands twice.
pub fn read(sheet: &mut Sheet) -> Result<BTreeMap<String, Site>, InputError> {
    let [id, lat, lon] = [sheet.column("SITE_ID")?, sheet.column("LATITUDE")?, sheet.column("LONGITUDE")?];
    let mut all = BTreeMap::new();
    while sheet.read()? {
        let degrees = |column| sheet.given(column, sheet.signed(column)?);
        let site = Site { place: sheet.place(), lat: degrees(lat)?, lon: degrees(lon)? };
        let name = sheet.name(id)?.to_owned();
        if all.insert(name.clone(), site).is_some() {
            return Err(sheet.error(id, &format!("a second site has the id `{name}`; remove one of the two")));
        }
    }
    Ok(all)
}

/// Reads where all users are: degrees north and east.
///
/// # Errors
/// A missing column, a broken or empty cell, a file without users.
pub fn users(sheet: &mut Sheet) -> Result<Vec<(f64, f64)>, InputError> {
    let [lat, lon] = [sheet.column("Latitude")?, sheet.column("Longitude")?];
    let mut all = Vec::new();
    while sheet.read()? {
        let degrees = |column| sheet.given(column, sheet.signed(column)?);
        all.push((degrees(lat)?, degrees(lon)?));
    }
    if all.is_empty() {
        return Err(sheet.error(lat, "there is not one user; a row is a user"));
    }
    Ok(all)
}

/// Kilometres between two places on a sphere of the Earth's mean radius, 6,371.0088 km: the haversine formula
/// `2 R asin √(sin²(Δφ/2) + cos φ₁ cos φ₂ sin²(Δλ/2))` with latitudes φ and longitudes λ.
pub fn kilometres(one: (f64, f64), other: (f64, f64)) -> f64 {
    const RADIUS_KM: f64 = 6_371.008_8;
    let half_sine = |difference: f64| (difference.to_radians() / 2.0).sin();
    let (north, east) = (half_sine(other.0 - one.0), half_sine(other.1 - one.1));
    let chord = north * north + one.0.to_radians().cos() * other.0.to_radians().cos() * east * east;
    2.0 * RADIUS_KM * chord.min(1.0).sqrt().asin()
}

#[cfg(test)]
mod tests {
    use super::kilometres;

    /// A quarter of a great circle is π/2 · R = 10,007.557 km; a degree of the equator is 111.195 km.
    #[test]
    fn distances_are_those_of_great_circles() {
        assert!((kilometres((0.0, 0.0), (90.0, 17.0)) - 10_007.557_2).abs() < 0.001);
        assert!((kilometres((0.0, 179.5), (0.0, -179.5)) - 111.195).abs() < 0.001);
        assert!(kilometres((48.0, 11.0), (48.0, 11.0)).abs() < 1e-9);
    }
}
