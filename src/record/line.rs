//! `series.parquet` read back: one column of a service, placement or cluster over time.
//!
//! A report needs a few lines of a table with hundreds of thousands of rows. So the columns stay as they were read, and
//! only who stands in which row is made an index.

use polars::prelude::{Column, DataFrame, DataType, Float64Chunked, PolarsResult};
use std::collections::BTreeMap;

/// Some columns of a run's series.
#[derive(Debug, Clone)]
pub struct Series {
    time_s: Vec<f64>,
    rows: BTreeMap<Key, Vec<u32>>,
    columns: BTreeMap<String, Float64Chunked>,
}

/// Service and cluster of a row, as they were read.
type Names<'a> = (Option<&'a str>, Option<&'a str>);

/// Service and cluster of a row.
type Key = (Option<String>, Option<String>);

/// A column of one service, placement or cluster over time: seconds since the start, and the value where there is one.
pub type Line = Vec<(f64, Option<f64>)>;

impl Series {
    /// The named columns of a table with `time_s`, `service` and `cluster`.
    pub(super) fn of(frame: &DataFrame, columns: &[&str]) -> PolarsResult<Self> {
        let floats = |column: &Column| -> PolarsResult<Float64Chunked> {
            Ok(column.cast(&DataType::Float64)?.f64()?.rechunk().into_owned())
        };
        let time_s = floats(frame.column("time_s")?)?.iter().map(|at| at.unwrap_or(f64::NAN)).collect();
        let named = |name: &&str| Ok(((*name).to_owned(), floats(frame.column(name)?)?));
        let columns = columns.iter().map(named).collect::<PolarsResult<_>>()?;
        let (services, clusters) = (frame.column("service")?.str()?, frame.column("cluster")?.str()?);
        Ok(Self { time_s, rows: index(services.iter().zip(clusters.iter())), columns })
    }

    /// The services and clusters that there are rows of.
    pub fn keys(&self) -> impl Iterator<Item = (Option<&str>, Option<&str>)> {
        self.rows.keys().map(|(service, cluster)| (service.as_deref(), cluster.as_deref()))
    }

    /// One column of a service (no cluster), a placement, or a cluster (no service); empty where there is none.
    pub fn line(&self, service: Option<&str>, cluster: Option<&str>, column: &str) -> Line {
        let key = (service.map(str::to_owned), cluster.map(str::to_owned));
        let (Some(rows), Some(values)) = (self.rows.get(&key), self.columns.get(column)) else { return Line::new() };
        rows.iter().map(|row| (self.time_s[*row as usize], values.get(*row as usize))).collect()
    }
}

/// Which rows belong to whom. Samples name the same ones in the same order, so the next is looked for behind the last.
fn index<'a>(rows: impl Iterator<Item = Names<'a>>) -> BTreeMap<Key, Vec<u32>> {
    let mut found: Vec<(Names<'a>, Vec<u32>)> = Vec::new();
    let mut places = BTreeMap::new();
    let mut next = 0;
    for (row, key) in rows.enumerate() {
        let place = match found.get(next) {
            Some((expected, _)) if *expected == key => next,
            _ => *places.entry(key).or_insert_with(|| {
                found.push((key, Vec::new()));
                found.len() - 1
            }),
        };
        found[place].1.push(u32::try_from(row).unwrap_or(u32::MAX));
        next = if place + 1 < found.len() { place + 1 } else { 0 };
    }
    let owned = |name: Option<&str>| name.map(str::to_owned);
    found.into_iter().map(|((service, cluster), rows)| ((owned(service), owned(cluster)), rows)).collect()
}

#[cfg(test)]
mod tests {
    use super::index;

    #[test]
    fn rows_are_found_whatever_their_order() {
        let rows = [("a", 0), ("b", 1), ("c", 2), ("a", 3), ("c", 4), ("d", 5), ("d", 6), ("b", 7), ("a", 8)];
        let found = index(rows.iter().map(|(name, _)| (Some(*name), None)));
        for (name, wanted) in [("a", vec![0, 3, 8]), ("b", vec![1, 7]), ("c", vec![2, 4]), ("d", vec![5, 6])] {
            assert_eq!(found[&(Some(name.to_owned()), None)], wanted);
        }
    }
}
