//! Fewer points a line, none of its peaks lost.

use crate::record::line::Line;

/// The line in pieces without gaps, with the least and the largest value of each of so many buckets, in their order.
///
/// # Panics
/// Never: there is a piece from the start.
pub fn thin(line: &Line, buckets: usize) -> Vec<Vec<(f64, f64)>> {
    let mut pieces = vec![Vec::new()];
    for bucket in line.chunks(bucket_size(line.len(), buckets)) {
        let known: Vec<(f64, f64)> = bucket.iter().filter_map(|(at, value)| Some((*at, (*value)?))).collect();
        if known.len() < bucket.len() && pieces.last().is_some_and(|piece: &Vec<_>| !piece.is_empty()) {
            pieces.push(Vec::new());
        }
        let by_value = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
        let (Some(least), Some(largest)) = (known.iter().min_by(by_value), known.iter().max_by(by_value)) else {
            continue;
        };
        let piece = pieces.last_mut().expect("there is always a last piece");
        let (first, second) = if least.0 <= largest.0 { (least, largest) } else { (largest, least) };
        piece.push(*first);
        if second.0 > first.0 {
            piece.push(*second);
        }
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

/// Indices of the samples that a stack keeps: of every bucket the one with the least and the one with the largest sum.
pub fn thin_stack(sums: &[f64], buckets: usize) -> Vec<usize> {
    let size = bucket_size(sums.len(), buckets);
    let mut kept = Vec::new();
    for (bucket, values) in sums.chunks(size).enumerate() {
        let of = |index: Option<usize>| index.map(|index| bucket * size + index);
        let least = of((0..values.len()).min_by(|a, b| values[*a].total_cmp(&values[*b])));
        let largest = of((0..values.len()).max_by(|a, b| values[*a].total_cmp(&values[*b])));
        kept.extend(least);
        kept.extend(largest);
    }
    kept.sort_unstable();
    kept.dedup();
    kept
}

const fn bucket_size(samples: usize, buckets: usize) -> usize {
    let size = samples.div_ceil(if buckets == 0 { 1 } else { buckets });
    if size == 0 { 1 } else { size }
}

#[cfg(test)]
mod tests {
    use super::{thin, thin_stack};

    #[test]
    fn peaks_stay_and_points_are_few() {
        let mut line: Vec<(f64, Option<f64>)> = (0..10_000).map(|at| (f64::from(at), Some(1.0))).collect();
        line[5_001].1 = Some(99.0);
        line[7_003].1 = Some(-5.0);
        let [piece] = &thin(&line, 360)[..] else { panic!("no gap") };
        assert!(piece.len() <= 720, "{}", piece.len());
        assert!(piece.contains(&(5_001.0, 99.0)) && piece.contains(&(7_003.0, -5.0)));
        assert!(piece.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn a_gap_stays_a_gap() {
        let line = vec![(0.0, Some(1.0)), (1.0, None), (2.0, None), (3.0, Some(2.0)), (4.0, Some(3.0))];
        assert_eq!(thin(&line, 360), [vec![(0.0, 1.0)], vec![(3.0, 2.0), (4.0, 3.0)]]);
        assert!(thin(&vec![(0.0, None)], 360).is_empty());
    }

    #[test]
    fn a_stack_keeps_its_highest_and_lowest() {
        let mut sums = vec![3.0; 3_600];
        sums[100] = 9.0;
        sums[2_000] = 1.0;
        let kept = thin_stack(&sums, 360);
        assert!(kept.len() <= 720 && kept.contains(&100) && kept.contains(&2_000));
    }
}
