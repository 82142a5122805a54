//! Days of the Gregorian calendar, before and after 1970: the one place that counts them.
//!
//! The year is counted from March, so that the leap day is its last: months from March on have 153 days in five, and 400
//! years have 146,097 days. How a date is written is for whoever reads it.

/// Days from 0000-03-01 to 1970-01-01.
const TO_1970: i64 = 719_468;

/// Days from 1970-01-01 to a date; `None` where there is no such date.
pub fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || day < 1 || day > days_of_month(year, month) {
        return None;
    }
    let year = if month > 2 { year } else { year - 1 };
    let before_year = 365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    Some(before_year + (153 * ((month + 9) % 12) + 2) / 5 + day - 1 - TO_1970)
}

const fn days_of_month(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + leap as i64,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The date of a day counted from 1970-01-01: year, month, day.
pub fn date(days: i64) -> (i64, i64, i64) {
    let days = days + TO_1970;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let (day, month) = (of_year - (153 * shifted + 2) / 5 + 1, (shifted + 2) % 12 + 1);
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::{date, days};

    /// Method: every day from 1600 to 2800 is one after the day before, and comes back. 1,201 years with 292 leap days: 301
    /// divide by 4, and 9 of their 13 centuries do not by 400. From 1600 to 1970 it is 370 years of 365 days and 90 leap days.
    #[test]
    fn days_and_dates_are_one_to_one() {
        let mut count = -135_140;
        for (year, month, day) in
            (1_600..=2_800).flat_map(|y| (1..=12).flat_map(move |m| (1..=31).map(move |d| (y, m, d))))
        {
            let Some(found) = days(year, month, day) else { continue };
            assert_eq!((found, date(found)), (count, (year, month, day)));
            count += 1;
        }
        assert_eq!(count, -135_140 + 1_201 * 365 + 292);
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        for (year, month, day) in
            [(2023, 2, 29), (2100, 2, 29), (2024, 0, 1), (2024, 13, 1), (2024, 4, 31), (2024, 1, 0)]
        {
            assert_eq!(days(year, month, day), None);
        }
        assert_eq!(days(2000, 2, 29), Some(11_016));
    }
}
