//! The concave, rising curve nearest to capacities by level: a reference for the parametric shapes.
//!
//! **Formula.** Pool-adjacent-violators for a curve that never falls, then the least concave majorant of it and the origin
//! (upper hull): piecewise linear, slopes only decrease.
//!
//! **Assumes** that more replicas never serve less and that each adds no more than the one before. **Source**: Barlow et al.
//! 1972; policies §6.2 (alternatives). **Fails** beyond the largest level, where it can only continue its last slope: it is
//! compared and reported, and never emitted as a model. A majorant lies above the mean of noisy levels.

/// The corners of the curve, ascending, from the origin on; `points` are `(replicas, throughput)` in any order.
pub fn corners(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut sorted = points.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut hull = vec![(0.0, 0.0)];
    for point in never_falling(&sorted) {
        while hull.len() >= 2 && slope(hull[hull.len() - 2], hull[hull.len() - 1]) <= slope(hull[hull.len() - 1], point)
        {
            hull.pop();
        }
        hull.push(point);
    }
    hull
}

/// The curve at `replicas`, continued by its last slope.
pub fn at(corners: &[(f64, f64)], replicas: f64) -> f64 {
    let Some(pairs) = corners.len().checked_sub(1).filter(|pairs| *pairs > 0) else { return f64::NAN };
    let right = corners[1..].iter().position(|corner| corner.0 >= replicas).unwrap_or(pairs - 1);
    let (from, to) = (corners[right], corners[right + 1]);
    from.1 + slope(from, to) * (replicas - from.0)
}

/// Pool adjacent violators: the non-decreasing sequence with the least squared distance.
fn never_falling(sorted: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for point in sorted {
        pools.push((point.1, 1));
        while let [.., (before, count_before), (after, count_after)] = pools[..] {
            if before <= after {
                break;
            }
            let count = count_before + count_after;
            let mean = (before * count_before as f64 + after * count_after as f64) / count as f64;
            pools.truncate(pools.len() - 2);
            pools.push((mean, count));
        }
    }
    let values = pools.iter().flat_map(|(value, count)| std::iter::repeat_n(*value, *count));
    sorted.iter().zip(values).map(|(point, value)| (point.0, value)).collect()
}

fn slope(from: (f64, f64), to: (f64, f64)) -> f64 {
    if to.0 > from.0 { (to.1 - from.1) / (to.0 - from.0) } else { f64::INFINITY }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the values are exact")]
mod tests {
    use super::{at, corners};

    /// 10, 18, 15, 24 at 1..4: 18 and 15 pool to 16.5; from (1,10) to (4,24) the slope 14/3 passes 14.67 and 19.33, so
    /// (2,16.5) is a corner: slope 6.5, then (24−16.5)/2 = 3.75.
    #[test]
    fn a_dip_is_pooled_and_slopes_fall() {
        let corners = corners(&[(4.0, 24.0), (1.0, 10.0), (2.0, 18.0), (3.0, 15.0)]);
        assert_eq!(corners, vec![(0.0, 0.0), (1.0, 10.0), (2.0, 16.5), (4.0, 24.0)]);
        assert_eq!(at(&corners, 3.0), 20.25);
        assert_eq!(at(&corners, 5.0), 27.75);
    }
}
