//! Holm's step-down correction: of all findings of a family that are none, the chance to call even one a finding stays 5 %.
//!
//! With p-values in rising order, the adjusted k-th of m is `max over j ≤ k of min(1, (m − j + 1) · p₍ⱼ₎)` (Holm, A Simple
//! Sequentially Rejective Multiple Test Procedure, Scandinavian Journal of Statistics 6, 1979). It holds whatever the
//! dependence, so comparisons may share a baseline.

/// The adjusted p-values, in the order of `p`.
pub fn adjusted(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let mut adjusted = vec![1.0; p.len()];
    let mut highest = 0.0_f64;
    for (step, index) in order.into_iter().enumerate() {
        highest = highest.max(((p.len() - step) as f64 * p[index]).min(1.0));
        adjusted[index] = highest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::adjusted;

    /// 0.01, 0.04, 0.03, 0.005 of four: 0.005·4 = 0.02, 0.01·3 = 0.03, 0.03·2 = 0.06, 0.04·1 = 0.04 but not below 0.06.
    /// R: `p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")` gives the same.
    #[test]
    fn the_step_down_is_as_worked_by_hand() {
        let wanted = [0.03, 0.06, 0.06, 0.02];
        for (found, wanted) in adjusted(&[0.01, 0.04, 0.03, 0.005]).into_iter().zip(wanted) {
            assert!((found - wanted).abs() < 1e-12, "{found} {wanted}");
        }
        assert_eq!(adjusted(&[]), Vec::<f64>::new());
        assert_eq!(adjusted(&[0.7, 0.9]), [1.0, 1.0]);
    }
}
