//! Hypervolume: how much of the space below a reference point a set of points covers, less being better in every aim.
//!
//! `HV(S, r) = volume of ∪ [s, r] over s ∈ S` (Zitzler and Thiele, PPSN V, 1998), by slicing: along the last aim the space is
//! cut at the points' values, and each slice is its height times the hypervolume of what lies below it in the other aims
//! (While et al., A faster algorithm for calculating hypervolume, IEEE TEC 10, 2006). Quadratic in 2 and cubic in 3 aims,
//! which is nothing for dozens of policies. What lies beyond the reference in some aim covers nothing.

/// The hypervolume of `points` with regard to `reference`, all with as many aims.
pub fn hypervolume(points: &[Vec<f64>], reference: &[f64]) -> f64 {
    let Some((last, others)) = reference.split_last() else { return 0.0 };
    let aims = others.len();
    let mut points: Vec<&[f64]> = points.iter().map(Vec::as_slice).filter(|one| one[aims] < *last).collect();
    points.sort_by(|a, b| a[aims].total_cmp(&b[aims]));
    let mut volume = 0.0;
    for (index, point) in points.iter().enumerate() {
        let height = points.get(index + 1).map_or(*last, |next| next[aims]) - point[aims];
        let below: Vec<Vec<f64>> = points[..=index].iter().map(|one| one[..aims].to_vec()).collect();
        // Without other aims a slice is its height.
        volume += height * if others.is_empty() { 1.0 } else { hypervolume(&below, others) };
    }
    volume
}

/// What of the hypervolume is covered by each point alone.
pub fn exclusive(points: &[Vec<f64>], reference: &[f64]) -> Vec<f64> {
    let all = hypervolume(points, reference);
    let without = |index: usize| {
        let others: Vec<Vec<f64>> =
            points.iter().enumerate().filter(|(at, _)| *at != index).map(|(_, point)| point.clone()).collect();
        (all - hypervolume(&others, reference)).max(0.0)
    };
    (0..points.len()).map(without).collect()
}

#[cfg(test)]
mod tests {
    use super::{exclusive, hypervolume};
    use crate::seed::Seed;
    use rand::Rng;

    /// (1, 3), (2, 2), (3, 1) below (4, 4): columns of width 1 and heights 1, 2, 3, so 6. Alone: (1, 3) covers the
    /// unit square at its corner that (2, 2) leaves, and so do the others.
    #[test]
    fn three_steps_cover_six_squares() {
        let points = [vec![1.0, 3.0], vec![2.0, 2.0], vec![3.0, 1.0]];
        assert!((hypervolume(&points, &[4.0, 4.0]) - 6.0).abs() < 1e-12);
        assert_eq!(exclusive(&points, &[4.0, 4.0]), [1.0, 1.0, 1.0]);
        assert!((hypervolume(&[vec![1.0, 1.0, 1.0], vec![0.0, 0.0, 5.0]], &[2.0, 3.0, 4.0]) - 6.0).abs() < 1e-12);
        assert!(hypervolume(&[], &[1.0, 1.0]).abs() < 1e-12);
    }

    /// Goal: the slices leave nothing out and count nothing twice, in two and three aims.
    /// Method: against counting the cells of a grid on which all coordinates lie, over 60 random sets; dominated and equal
    /// points and points beyond the reference included.
    #[test]
    fn slices_agree_with_counting_cells() {
        for (case, aims) in (0..60_u64).zip([2_usize, 3].into_iter().cycle()) {
            let mut stream = Seed(case).stream("hypervolume", 0);
            let mut draw = || (stream.next_u64() % 9) as f64;
            let points: Vec<Vec<f64>> = (0..7).map(|_| (0..aims).map(|_| draw()).collect()).collect();
            let reference = vec![7.0; aims];
            let covered = |cell: &[f64]| {
                let within = |point: &Vec<f64>| point.iter().zip(cell).all(|(at, cell)| at <= cell);
                points.iter().any(within)
            };
            let mut cells = 0.0;
            let aims = u32::try_from(aims).unwrap();
            for index in 0..7_usize.pow(aims) {
                let cell: Vec<f64> = (0..aims).map(|aim| (index / 7_usize.pow(aim) % 7) as f64).collect();
                cells += f64::from(u8::from(covered(&cell)));
            }
            let found = hypervolume(&points, &reference);
            assert!((found - cells).abs() < 1e-9, "case {case}: {found} and not {cells}");
        }
    }
}
