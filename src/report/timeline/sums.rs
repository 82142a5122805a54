//! Sums over services and clusters at each sample: replicas, nodes, how full they are, how old telemetry is.

use crate::record::line::{Line, Series};

/// Clusters that are told apart; the others are joined.
pub const SHOWN_MAX: usize = 8;

/// Something by cluster, from the bottom up.
#[derive(Debug, Clone, PartialEq)]
pub struct Stacks(pub Vec<Stack>);

/// One cluster's, or that of several small ones.
#[derive(Debug, Clone, PartialEq)]
pub struct Stack {
    /// Which.
    pub cluster: String,
    /// At each of the times.
    pub values: Vec<f64>,
}

/// How full nodes are, 0..1.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fullness {
    /// Requested CPU over offered CPU.
    pub cpu_requested: Line,
    /// CPU in use over offered CPU.
    pub cpu_used: Line,
    /// Requested memory over offered memory.
    pub memory_requested: Line,
    /// Requested accelerators over offered ones; without a value where there are none.
    pub gpu_requested: Line,
    /// Requested CPU over the CPU of the nodes that hold a replica: how tightly those are packed.
    pub packed: Line,
}

impl Stacks {
    /// The sum over the clusters at each of the times.
    pub fn total(&self) -> Vec<f64> {
        let rows: Vec<Vec<f64>> = self.0.iter().map(|stack| stack.values.clone()).collect();
        total(&rows, self.0.first().map_or(0, |stack| stack.values.len()))
    }

    /// Whether nothing is there at any time.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|stack| stack.values.iter().all(|value| *value <= 0.0))
    }
}

/// When samples were taken: every sample has a row for every cluster.
pub fn times(series: &Series) -> Vec<f64> {
    let cluster = series.keys().find(|(service, cluster)| service.is_none() && cluster.is_some());
    let line = cluster.map(|(_, cluster)| series.line(None, cluster, "up")).unwrap_or_default();
    line.into_iter().map(|(at, _)| at).collect()
}

/// A column of all placements in each of the clusters, at each of the times.
pub fn by_cluster(series: &Series, clusters: &[&str], times: &[f64], column: &str) -> Vec<Vec<f64>> {
    let mut sums = vec![vec![0.0; times.len()]; clusters.len()];
    for (service, cluster) in series.keys() {
        let place = cluster.and_then(|name| clusters.iter().position(|other| *other == name));
        let (Some(place), Some(service)) = (place, service) else { continue };
        add(&mut sums[place], times, &series.line(Some(service), cluster, column));
    }
    sums
}

/// A column of one service's placements in all clusters, at each of the times.
pub fn of_service(series: &Series, service: &str, times: &[f64], column: &str) -> Vec<f64> {
    let mut sum = vec![0.0; times.len()];
    let keys = series.keys().filter(|(name, cluster)| *name == Some(service) && cluster.is_some());
    for (_, cluster) in keys {
        add(&mut sum, times, &series.line(Some(service), cluster, column));
    }
    sum
}

/// Adds a line to a sum; both are in order of time.
fn add(sum: &mut [f64], times: &[f64], line: &Line) {
    let mut index = 0;
    for (at, value) in line {
        while index < times.len() && times[index] < *at {
            index += 1;
        }
        if index < times.len() && times[index] <= *at {
            sum[index] += value.unwrap_or(0.0);
        }
    }
}

/// A column of the clusters themselves, at each of the times.
pub fn by_row(series: &Series, clusters: &[&str], times: &[f64], column: &str) -> Vec<Vec<f64>> {
    let of = |name: &&str| {
        let mut sum = vec![0.0; times.len()];
        add(&mut sum, times, &series.line(None, Some(name), column));
        sum
    };
    clusters.iter().map(of).collect()
}

/// The sum of rows, each with a value at each of so many times.
pub fn total(rows: &[Vec<f64>], times: usize) -> Vec<f64> {
    (0..times).map(|index| rows.iter().map(|row| row[index]).sum()).collect()
}

/// Which clusters are told apart, the same in all pictures.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    names: Vec<String>,
    /// By cluster: its place among the names.
    place: Vec<usize>,
}

/// The clusters with the most replicas, then nodes; the rest is joined where there are more than can be told apart.
pub fn shown(clusters: &[&str], replicas: &[Vec<f64>], nodes: &[Vec<f64>]) -> Shown {
    if clusters.len() <= SHOWN_MAX {
        let names = clusters.iter().map(|name| (*name).to_owned()).collect();
        return Shown { names, place: (0..clusters.len()).collect() };
    }
    let size = |index: &usize| (replicas[*index].iter().sum::<f64>(), nodes[*index].iter().sum::<f64>());
    let mut ranked: Vec<usize> = (0..clusters.len()).collect();
    ranked.sort_by(|a, b| {
        let (a, b) = (size(a), size(b));
        b.0.total_cmp(&a.0).then(b.1.total_cmp(&a.1))
    });
    let mut kept: Vec<usize> = ranked[..SHOWN_MAX - 1].to_vec();
    kept.sort_unstable();
    let place = |index| kept.iter().position(|one| *one == index).unwrap_or(SHOWN_MAX - 1);
    let mut names: Vec<String> = kept.iter().map(|index| clusters[*index].to_owned()).collect();
    names.push(format!("{} others", clusters.len() - kept.len()));
    Shown { names, place: (0..clusters.len()).map(place).collect() }
}

impl Shown {
    /// The rows of all clusters, those that are not told apart as one.
    pub fn joined(&self, rows: &[Vec<f64>]) -> Stacks {
        let length = rows.first().map_or(0, Vec::len);
        let mut stacks: Vec<Stack> =
            self.names.iter().map(|name| Stack { cluster: name.clone(), values: vec![0.0; length] }).collect();
        for (row, place) in rows.iter().zip(&self.place) {
            stacks[*place].values.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
        Stacks(stacks)
    }
}

impl Fullness {
    /// Over these clusters together.
    pub fn of(series: &Series, clusters: &[&str]) -> Self {
        let sum = |column: &str| {
            let lines = clusters.iter().map(|name| series.line(None, Some(name), column));
            lines.reduce(|mut sum, line| {
                sum.iter_mut().zip(line).for_each(|(sum, (_, value))| sum.1 = sum.1.zip(value).map(|(a, b)| a + b));
                sum
            })
        };
        let share = |part: &str, whole: &str| -> Line {
            let (part, whole) = (sum(part).unwrap_or_default(), sum(whole).unwrap_or_default());
            let ratio = |(part, whole): (Option<f64>, Option<f64>)| part.zip(whole.filter(|whole| *whole > 0.0));
            let pair = |((at, part), (_, whole))| (at, ratio((part, whole)).map(|(part, whole)| part / whole));
            part.into_iter().zip(whole).map(pair).collect()
        };
        Self {
            cpu_requested: share("cpu_requested_cores", "cpu_allocatable_cores"),
            cpu_used: share("cpu_used_cores", "cpu_allocatable_cores"),
            memory_requested: share("memory_requested_bytes", "memory_allocatable_bytes"),
            gpu_requested: share("gpu_requested", "gpu_allocatable"),
            packed: share("cpu_requested_cores", "cpu_allocatable_used_cores"),
        }
    }
}

/// The mean of what is known, weighing every sample alike.
pub fn mean(line: &Line) -> Option<f64> {
    let known: Vec<f64> = line.iter().filter_map(|(_, value)| *value).collect();
    (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
}

/// Over the services at each sample: the largest age, the median of the ages, and the share of which nothing is seen.
pub fn ages(series: &Series, times: &[f64]) -> (Line, Line, Line) {
    let services = series.keys().filter(|(service, cluster)| service.is_some() && cluster.is_none());
    let lines: Vec<Line> = services.map(|(service, _)| series.line(service, None, "rate_age_s")).collect();
    let (mut worst, mut median, mut unseen) = (Line::new(), Line::new(), Line::new());
    let mut ages = Vec::new();
    for (index, at) in times.iter().enumerate() {
        ages.clear();
        let here = lines.iter().filter_map(|line| line.get(index)).filter(|(time, _)| time.total_cmp(at).is_eq());
        let mut count = 0;
        for (_, age) in here {
            count += 1;
            ages.extend(*age);
        }
        ages.sort_by(f64::total_cmp);
        worst.push((*at, ages.last().copied()));
        median.push((*at, ages.get(ages.len() / 2).copied()));
        unseen.push((*at, (count > 0).then(|| 1.0 - ages.len() as f64 / f64::from(count))));
    }
    (worst, median, unseen)
}

/// What a sum over the clusters grows by, per hour, between samples.
pub fn rate_per_hour(series: &Series, clusters: &[&str], column: &str) -> Line {
    let lines: Vec<Line> = clusters.iter().map(|name| series.line(None, Some(name), column)).collect();
    let Some(first) = lines.first() else { return Line::new() };
    let sum = |index: usize| lines.iter().filter_map(|line| line.get(index)?.1).sum::<f64>();
    let step = |index: usize| {
        let (before, now) = (first[index - 1].0, first[index].0);
        let hours = (now - before) / 3_600.0;
        (now, (hours > 0.0).then(|| (sum(index) - sum(index - 1)) / hours))
    };
    (1..first.len()).map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::{SHOWN_MAX, add, shown};

    #[test]
    fn more_clusters_than_colours_are_joined_and_none_is_lost() {
        let names: Vec<String> = (1..=10).map(|size| size.to_string()).collect();
        let clusters: Vec<&str> = names.iter().map(String::as_str).collect();
        let replicas: Vec<Vec<f64>> = (1..=10).map(|size| vec![f64::from(size)]).collect();
        let joined = shown(&clusters, &replicas, &replicas).joined(&replicas);
        assert_eq!(joined.0.len(), SHOWN_MAX);
        assert_eq!((joined.0[7].cluster.as_str(), joined.0[7].values[0]), ("3 others", 1.0 + 2.0 + 3.0));
        assert_eq!(joined.total(), [55.0]);
    }

    #[test]
    fn what_is_missing_at_a_time_adds_nothing() {
        let mut sum = vec![0.0; 3];
        add(&mut sum, &[0.0, 1.0, 2.0], &vec![(1.0, Some(4.0)), (1.5, Some(9.0)), (2.0, None)]);
        assert_eq!(sum, [0.0, 4.0, 0.0]);
    }
}
