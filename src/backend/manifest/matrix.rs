//! Placements as the original writes them: a matrix of services and clusters, and names by service or by cluster.
//!
//! The original stores the matrix without the names of its columns, so that it means something else once a cluster has come or
//! gone; here names are given with it and counted.

use serde_json::{Map, Value};

/// A matrix that does not fit its names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MatrixError {
    /// Other numbers of rows.
    #[error("the placement has {rows} rows for {services} services; each needs one")]
    Rows {
        /// Rows.
        rows: usize,
        /// Services.
        services: usize,
    },
    /// Other numbers of columns.
    #[error("row {row} of the placement has {columns} columns for {clusters} clusters; each needs one")]
    Columns {
        /// Which row, from 0.
        row: usize,
        /// Its columns.
        columns: usize,
        /// Clusters.
        clusters: usize,
    },
}

/// The cluster of each service: that of the first one in its row. A row without a one is left out, as the original warns.
///
/// # Errors
/// A matrix that does not fit the names.
pub fn by_service(
    matrix: &[Vec<f64>],
    services: &[String],
    clusters: &[String],
) -> Result<Map<String, Value>, MatrixError> {
    if matrix.len() != services.len() {
        return Err(MatrixError::Rows { rows: matrix.len(), services: services.len() });
    }
    let mut places = Map::new();
    for (row, (flags, service)) in matrix.iter().zip(services).enumerate() {
        if flags.len() != clusters.len() {
            return Err(MatrixError::Columns { row, columns: flags.len(), clusters: clusters.len() });
        }
        if let Some(column) = flags.iter().position(|flag| (flag - 1.0).abs() < 1e-9) {
            places.insert(service.clone(), clusters[column].clone().into());
        }
    }
    Ok(places)
}

/// The services of each cluster, both in the order in which they are given.
pub fn by_cluster<'a>(places: impl Iterator<Item = (&'a str, &'a str)>) -> Map<String, Value> {
    let mut clusters: Map<String, Value> = Map::new();
    for (service, cluster) in places {
        let services = clusters.entry(cluster).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(services) = services {
            services.push(service.into());
        }
    }
    clusters
}

#[cfg(test)]
mod tests {
    use super::{MatrixError, by_cluster, by_service};
    use serde_json::json;

    #[test]
    fn names_are_counted_with_the_matrix() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let (services, clusters) = (names(&["a", "b"]), names(&["x", "y"]));
        let placed = by_service(&[vec![0.0, 1.0], vec![0.0, 0.0]], &services, &clusters);
        assert_eq!(placed.map(|placed| json!(placed)), Ok(json!({"a": "y"})));
        let narrow = by_service(&[vec![1.0], vec![1.0]], &services, &clusters);
        assert_eq!(narrow, Err(MatrixError::Columns { row: 0, columns: 1, clusters: 2 }));
        let swapped = by_cluster([("a", "y"), ("b", "x"), ("c", "y")].into_iter());
        assert_eq!(json!(swapped), json!({"y": ["a", "c"], "x": ["b"]}));
    }
}
