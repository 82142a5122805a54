//! Where clusters stand on a schematic map: by coordinates where they have some, else by round-trip times, else in a ring.
//!
//! Classical multidimensional scaling (Torgerson 1952): the squared distances, centred twice, `B = −½·J·D²·J`, are the
//! inner products of the places that are sought; the two largest eigenvectors of `B`, each times the root of its
//! eigenvalue, are the best places in a plane. Found by power iteration from a fixed start, so that the same distances give
//! the same map.

use crate::units::Span;
use serde_json::Value;

/// Iterations of a power iteration: enough for three digits on maps of some dozens of clusters.
const ITERATIONS: usize = 200;

/// Clusters on a map.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    /// By cluster: to the right and upwards, both 0..1.
    pub places: Vec<(f64, f64)>,
    /// What the places follow.
    pub by: By,
}

/// What places follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Latitude and longitude.
    Coordinates,
    /// Round-trip times.
    RoundTrips,
    /// Nothing: a ring.
    Nothing,
}

impl Layout {
    /// The map of these clusters, by what the resolved scenario says of them.
    pub fn of(resolved: &Value, clusters: &[&str]) -> Self {
        let coordinates: Option<Vec<(f64, f64)>> = clusters.iter().map(|name| coordinates(resolved, name)).collect();
        if let Some(places) = coordinates.filter(|places| differ(places)) {
            return Self { places: fitted(&places), by: By::Coordinates };
        }
        let distances = round_trips(resolved, clusters).filter(|rows| clusters.len() > 2 && uneven(rows));
        match distances {
            Some(rows) => Self { places: fitted(&scaled(&rows)), by: By::RoundTrips },
            None => Self { places: ring(clusters.len()), by: By::Nothing },
        }
    }
}

/// Longitude and latitude of a cluster: fields of these names, or labels that end so.
fn coordinates(resolved: &Value, cluster: &str) -> Option<(f64, f64)> {
    let all = resolved.pointer("/inventory/clusters")?.as_array()?;
    let cluster = all.iter().find(|one| one["name"] == cluster)?;
    let number = |value: &Value| value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
    let find = |wanted: &str| {
        let label = cluster["labels"].as_object().into_iter().flatten();
        let label =
            label.filter(|(key, _)| key.rsplit('/').next() == Some(wanted)).find_map(|(_, value)| number(value));
        number(&cluster[wanted]).or(label).filter(|degrees| degrees.abs() <= 180.0)
    };
    Some((find("longitude")?, find("latitude")?))
}

/// Round-trip times between the clusters in milliseconds.
fn round_trips(resolved: &Value, clusters: &[&str]) -> Option<Vec<Vec<f64>>> {
    let network = resolved.get("network")?;
    let ms = |value: &Value| value.as_str()?.parse::<Span>().ok().map(|span| span.as_seconds_f64() * 1e3);
    let default = ms(&network["default_rtt"])?;
    let mut rows = vec![vec![default; clusters.len()]; clusters.len()];
    (0..clusters.len()).for_each(|index| rows[index][index] = 0.0);
    let place = |value: &Value| clusters.iter().position(|name| value == name);
    for pair in network["pairs"].as_array().into_iter().flatten() {
        let ends = (place(&pair["between"][0]), place(&pair["between"][1]));
        if let ((Some(a), Some(b)), Some(rtt)) = (ends, ms(&pair["rtt"])) {
            (rows[a][b], rows[b][a]) = (rtt, rtt);
        }
    }
    Some(rows)
}

/// Whether not all clusters are equally far from one another.
fn uneven(rows: &[Vec<f64>]) -> bool {
    let apart =
        || rows.iter().enumerate().flat_map(|(at, row)| row.iter().enumerate().filter(move |(to, _)| *to != at));
    let (low, high) = apart().fold((f64::INFINITY, 0.0f64), |(low, high), (_, one)| (low.min(*one), high.max(*one)));
    high > low * 1.001
}

fn differ(places: &[(f64, f64)]) -> bool {
    places.iter().any(|place| places[0] != *place)
}

/// The plane in which the distances are kept best.
fn scaled(distances: &[Vec<f64>]) -> Vec<(f64, f64)> {
    let count = distances.len();
    let squared: Vec<Vec<f64>> = distances.iter().map(|row| row.iter().map(|one| one * one).collect()).collect();
    let means: Vec<f64> = squared.iter().map(|row| row.iter().sum::<f64>() / count as f64).collect();
    let mean = means.iter().sum::<f64>() / count as f64;
    let centred = |row: usize, column: usize| -0.5 * (squared[row][column] - means[row] - means[column] + mean);
    let mut products: Vec<Vec<f64>> =
        (0..count).map(|row| (0..count).map(|column| centred(row, column)).collect()).collect();
    let first = leading(&mut products, 1.0);
    let second = leading(&mut products, 2.0);
    first.into_iter().zip(second).collect()
}

/// The leading eigenvector times the root of its eigenvalue; the matrix loses its part.
fn leading(matrix: &mut [Vec<f64>], phase: f64) -> Vec<f64> {
    let mut vector: Vec<f64> = (0..matrix.len()).map(|index| (index as f64 * phase + 1.0).sin()).collect();
    let mut value = 0.0;
    for _ in 0..ITERATIONS {
        let next: Vec<f64> = matrix.iter().map(|row| row.iter().zip(&vector).map(|(a, b)| a * b).sum()).collect();
        let length = next.iter().map(|one| one * one).sum::<f64>().sqrt();
        if length <= 1e-12 {
            return vec![0.0; matrix.len()];
        }
        value = next.iter().zip(&vector).map(|(a, b)| a * b).sum();
        vector = next.into_iter().map(|one| one / length).collect();
    }
    for (row, a) in matrix.iter_mut().zip(&vector) {
        row.iter_mut().zip(&vector).for_each(|(one, b)| *one -= value * a * b);
    }
    // A negative eigenvalue says that no plane has such distances: that direction says nothing.
    vector.into_iter().map(|one| one * value.max(0.0).sqrt()).collect()
}

/// Moved and scaled into 0..1, both directions alike.
fn fitted(places: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let range = |get: fn(&(f64, f64)) -> f64| {
        let values = places.iter().map(get);
        (values.clone().fold(f64::INFINITY, f64::min), values.fold(f64::NEG_INFINITY, f64::max))
    };
    let (across, up) = (range(|place| place.0), range(|place| place.1));
    // The picture is about twice as wide as it is high.
    let size = (across.1 - across.0).max((up.1 - up.0) * 2.0).max(1e-9);
    let inside = |value: f64, (low, high): (f64, f64), size: f64| 0.5 + (value - f64::midpoint(low, high)) / size;
    places.iter().map(|(x, y)| (inside(*x, across, size), inside(*y, up, size / 2.0))).collect()
}

fn ring(count: usize) -> Vec<(f64, f64)> {
    let turn = |index: usize| index as f64 / count.max(1) as f64 * std::f64::consts::TAU;
    let place = |index: usize| (0.5 - 0.5 * turn(index).cos(), 0.5 + 0.5 * turn(index).sin());
    (0..count).map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::{By, Layout};
    use serde_json::json;

    fn distance(layout: &Layout, a: usize, b: usize) -> f64 {
        let (a, b) = (layout.places[a], layout.places[b]);
        // Upwards, a unit is half as long as to the right.
        ((a.0 - b.0).powi(2) + ((a.1 - b.1) / 2.0).powi(2)).sqrt()
    }

    /// 3, 4 and 5 ms make a right triangle, which a plane keeps exactly.
    #[test]
    fn round_trips_that_fit_a_plane_are_kept() {
        let pair = |a: &str, b: &str, rtt: &str| json!({"between": [a, b], "rtt": rtt});
        let pairs = [pair("a", "b", "3 ms"), pair("b", "c", "4 ms"), pair("a", "c", "5 ms")];
        let resolved = json!({"network": {"default_rtt": "20 ms", "pairs": pairs}});
        let layout = Layout::of(&resolved, &["a", "b", "c"]);
        assert_eq!(layout.by, By::RoundTrips);
        assert!((distance(&layout, 0, 1) / distance(&layout, 0, 2) - 0.6).abs() < 1e-3, "{layout:?}");
        assert!((distance(&layout, 1, 2) / distance(&layout, 0, 2) - 0.8).abs() < 1e-3, "{layout:?}");
        assert!(layout.places.iter().all(|(x, y)| (0.0..=1.0).contains(x) && (0.0..=1.0).contains(y)));
    }

    #[test]
    fn coordinates_win_and_without_anything_there_is_a_ring() {
        let cluster = |name: &str, x: f64| json!({"name": name, "labels": {"geo/longitude": x.to_string(), "geo/latitude": "50"}});
        let resolved = json!({"inventory": {"clusters": [cluster("a", 4.0), cluster("b", 9.0)]}});
        let layout = Layout::of(&resolved, &["a", "b"]);
        assert_eq!((layout.by, layout.places[0].0, layout.places[1].0), (By::Coordinates, 0.0, 1.0));
        assert_eq!(Layout::of(&json!({}), &["a", "b"]).by, By::Nothing);
        assert_eq!(Layout::of(&json!({}), &[]).places.len(), 0);
    }
}
