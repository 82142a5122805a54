//! `series.parquet` read back: one column of a service, placement or cluster over time.
//!
//! A table of a day has millions of rows, of which most say nothing in most columns: a column belongs to one kind of row. So
//! the table is taken in part by part as it lies on the disk, and only what is there is kept, by whom it is of.

use polars::prelude::{DataFrame, DataType, Float64Chunked, PolarsResult};
use std::collections::BTreeMap;

/// Some columns of a run's series.
#[derive(Debug, Clone, Default)]
pub struct Series {
    /// The number of each service, placement and cluster, in the order in which they first appear.
    keys: BTreeMap<Key, usize>,
    /// When each of them was sampled.
    times: Vec<Vec<f64>>,
    columns: BTreeMap<String, Values>,
}

/// The values of a column by number of their key, as many as there are times or fewer: what is missing at the end, or is not
/// a number, is no value.
#[derive(Debug, Clone, Default)]
struct Values {
    by_key: Vec<Vec<f64>>,
    /// Kinds of rows in which there was a value.
    kinds: [bool; KINDS],
}

/// Service and cluster of a row, as they were read.
type Names<'a> = (Option<&'a str>, Option<&'a str>);

/// Service and cluster of a row.
type Key = (Option<String>, Option<String>);

/// A column of one service, placement or cluster over time: seconds since the start, and the value where there is one.
pub type Line = Vec<(f64, Option<f64>)>;

/// Services, placements, clusters, and neither.
const KINDS: usize = 4;

/// Whose a row is: its key, its place among the rows of that key, and its place in the part.
#[derive(Debug, Clone, Copy)]
struct Owner {
    key: usize,
    place: usize,
    row: usize,
}

impl Series {
    /// Takes in the next part of a table with `time_s`, `service`, `cluster` and the named columns.
    pub(super) fn take(&mut self, part: &DataFrame, columns: &[&str]) -> PolarsResult<()> {
        let floats = |name: &str| -> PolarsResult<Float64Chunked> {
            Ok(part.column(name)?.cast(&DataType::Float64)?.f64()?.rechunk().into_owned())
        };
        let time_s = floats("time_s")?;
        let (services, clusters) = (part.column("service")?.str()?, part.column("cluster")?.str()?);
        let times = time_s.iter().map(|at| at.unwrap_or(f64::NAN));
        let owners = self.owners(services.iter().zip(clusters.iter()).zip(times));
        for name in columns {
            let values = self.columns.entry((*name).to_owned()).or_default();
            values.take(&floats(name)?, &owners);
        }
        Ok(())
    }

    /// Whose each row is, by kind of row. Samples name the same ones in the same order, so the next is looked for behind the
    /// last.
    fn owners<'a>(&mut self, rows: impl Iterator<Item = (Names<'a>, f64)>) -> [Vec<Owner>; KINDS] {
        let mut owners: [Vec<Owner>; KINDS] = Default::default();
        let mut known: Vec<Names<'a>> = Vec::new();
        let mut numbers: Vec<usize> = Vec::new();
        let mut seen = BTreeMap::new();
        let mut next = 0;
        for (row, (names, at)) in rows.enumerate() {
            let local = match known.get(next) {
                Some(expected) if *expected == names => next,
                _ => *seen.entry(names).or_insert_with(|| {
                    known.push(names);
                    numbers.push(self.number_of(names));
                    known.len() - 1
                }),
            };
            next = if local + 1 < known.len() { local + 1 } else { 0 };
            let key = numbers[local];
            let kind = 2 * usize::from(names.0.is_none()) + usize::from(names.1.is_none());
            owners[kind].push(Owner { key, place: self.times[key].len(), row });
            self.times[key].push(at);
        }
        owners
    }

    fn number_of(&mut self, names: Names<'_>) -> usize {
        let count = self.times.len();
        let owned = |name: Option<&str>| name.map(str::to_owned);
        let number = *self.keys.entry((owned(names.0), owned(names.1))).or_insert(count);
        if number == count {
            self.times.push(Vec::new());
        }
        number
    }

    /// The services and clusters that there are rows of.
    pub fn keys(&self) -> impl Iterator<Item = (Option<&str>, Option<&str>)> {
        self.keys.keys().map(|(service, cluster)| (service.as_deref(), cluster.as_deref()))
    }

    /// Whether a column has a value anywhere: one that nobody measured has none.
    pub fn has(&self, column: &str) -> bool {
        self.columns.get(column).is_some_and(|values| values.kinds.contains(&true))
    }

    /// One column of a service (no cluster), a placement, or a cluster (no service); empty where there is none.
    pub fn line(&self, service: Option<&str>, cluster: Option<&str>, column: &str) -> Line {
        let key = (service.map(str::to_owned), cluster.map(str::to_owned));
        let (Some(key), Some(values)) = (self.keys.get(&key), self.columns.get(column)) else { return Line::new() };
        let values = values.by_key.get(*key).map_or(&[][..], Vec::as_slice);
        let known = values.iter().map(|value| Some(*value).filter(|value| !value.is_nan()));
        self.times[*key].iter().copied().zip(known.chain(std::iter::repeat(None))).collect()
    }
}

impl Values {
    /// Takes in the values of a part. Kinds of rows that never had any are looked at only while some are not yet found.
    fn take(&mut self, part: &Float64Chunked, owners: &[Vec<Owner>; KINDS]) {
        let Some(array) = part.downcast_iter().next() else { return };
        let (values, validity) = (array.values().as_slice(), array.validity());
        let mut left = part.len() - part.null_count();
        let mut kinds: Vec<usize> = (0..KINDS).collect();
        kinds.sort_by_key(|kind| !self.kinds[*kind]);
        for kind in kinds {
            if left == 0 {
                break;
            }
            for owner in &owners[kind] {
                if validity.is_none_or(|validity| validity.get_bit(owner.row)) {
                    self.put(owner, values[owner.row]);
                    self.kinds[kind] = true;
                    left -= 1;
                }
            }
        }
    }

    fn put(&mut self, owner: &Owner, value: f64) {
        if self.by_key.len() <= owner.key {
            self.by_key.resize(owner.key + 1, Vec::new());
        }
        let line = &mut self.by_key[owner.key];
        line.resize(owner.place, f64::NAN);
        line.push(value);
    }
}

#[cfg(test)]
mod tests {
    use super::Series;
    use polars::prelude::{Column, DataFrame};

    /// Time, service, cluster and a value.
    type Row = (f64, Option<&'static str>, Option<&'static str>, Option<f64>);

    /// A part of a table.
    fn part(rows: &[Row]) -> DataFrame {
        let columns = vec![
            Column::new("time_s".into(), rows.iter().map(|row| row.0).collect::<Vec<_>>()),
            Column::new("service".into(), rows.iter().map(|row| row.1).collect::<Vec<_>>()),
            Column::new("cluster".into(), rows.iter().map(|row| row.2).collect::<Vec<_>>()),
            Column::new("value".into(), rows.iter().map(|row| row.3).collect::<Vec<_>>()),
        ];
        DataFrame::new(rows.len(), columns).expect("columns of one length")
    }

    /// Goal: every value is found where it stands, whatever the order of rows, and over the seams of parts.
    /// Method: rows in no order, in two parts; a kind of row that has its first value in the second part.
    #[test]
    fn rows_are_found_whatever_their_order() {
        let (a, b, c) = (Some("a"), Some("b"), Some("c"));
        let first = [(0.0, a, None, Some(1.0)), (0.0, b, None, None), (0.0, None, c, None), (1.0, a, None, None)];
        let second = [
            (1.0, None, c, Some(7.0)),
            (1.0, b, None, Some(2.0)),
            (2.0, b, c, Some(9.0)),
            (2.0, b, None, None),
            (2.0, a, None, Some(3.0)),
        ];
        let mut series = Series::default();
        for rows in [&first[..], &second[..]] {
            series.take(&part(rows), &["value"]).expect("the columns are there");
        }
        let line = |service, cluster| series.line(service, cluster, "value");
        assert_eq!(line(a, None), [(0.0, Some(1.0)), (1.0, None), (2.0, Some(3.0))]);
        assert_eq!(line(b, None), [(0.0, None), (1.0, Some(2.0)), (2.0, None)]);
        assert_eq!(line(None, c), [(0.0, None), (1.0, Some(7.0))]);
        assert_eq!(line(b, c), [(2.0, Some(9.0))]);
        assert!(series.has("value") && !series.has("other"));
        assert!(line(c, None).is_empty() && series.line(a, None, "other").is_empty());
        assert_eq!(series.keys().count(), 4);
    }
}
