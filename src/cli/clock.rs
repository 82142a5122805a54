//! Instants of a run as a clock shows them, which `--at` reads back.

/// `19:30`, `06:00:15`, `00:00:07.5`; from the second day on `2 d 06:00` (two days and six hours after the start).
pub fn clock(seconds: f64) -> String {
    let millis = (seconds.max(0.0) * 1e3).round();
    let whole = (millis / 1e3).floor();
    let (days, rest) = ((whole / 86_400.0).floor(), whole % 86_400.0);
    let (hours, minutes, second) = ((rest / 3_600.0).floor(), (rest % 3_600.0 / 60.0).floor(), rest % 60.0);
    let fraction = millis - whole * 1e3;
    let days = if days > 0.0 { format!("{days} d ") } else { String::new() };
    let second = if second > 0.0 || fraction > 0.0 { format!(":{second:02}") } else { String::new() };
    let fraction = if fraction > 0.0 { format!(".{fraction:03}") } else { String::new() };
    format!("{days}{hours:02}:{minutes:02}{second}{}", fraction.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::clock;

    #[test]
    fn instants_read_like_a_clock() {
        let shown = [0.0, 70_200.0, 21_615.0, 7.5, 194_400.0, 59.999_9].map(clock);
        assert_eq!(shown, ["00:00", "19:30", "06:00:15", "00:00:07.5", "2 d 06:00", "00:01"]);
    }
}
