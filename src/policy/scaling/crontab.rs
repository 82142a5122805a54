//! Cron expressions: the five fields of `crontab`, minute by minute.
//!
//! Instants count from 1 January 1970, a Thursday, in UTC: live that is the date, in a simulation the first day is that
//! Thursday. Blanks are written `_` and lists `|`, because policies are written in one word and commas separate parameters.
//! Where both the day of the month and the day of the week are restricted, either suffices, as in `crontab`.

use crate::units::{NANOS_PER_SECOND, Time};
use std::str::FromStr;

/// When something is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    minutes: Field,
    hours: Field,
    days: Field,
    months: Field,
    weekdays: Field,
}

/// The allowed values of a field, as bits, and whether all are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Field {
    allowed: u64,
    is_any: bool,
}

/// A text is no cron expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{given}` is not a cron expression; write minute, hour, day, month and weekday like `0_8_*_*_mon-fri` or `*/30_6-20_*_*_*`"
)]
pub struct CronError {
    /// The text as it was found.
    pub given: String,
}

const NANOS_PER_MINUTE: u64 = 60 * NANOS_PER_SECOND;
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
/// How far back a missed instant is looked for: a week and a day.
const MINUTES_MAX: u64 = 8 * 24 * 60;

impl FromStr for Cron {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, CronError> {
        let parse = || {
            let fields: Vec<&str> = text.split('_').collect();
            let [minutes, hours, days, months, weekdays] = fields.as_slice() else { return None };
            let mut weekdays = field(weekdays, (0, 7), (&WEEKDAYS, 0))?;
            // Seven is another Sunday.
            weekdays.allowed = (weekdays.allowed | (weekdays.allowed >> 7)) & 0x7f;
            Some(Self {
                minutes: field(minutes, (0, 59), (&[], 0))?,
                hours: field(hours, (0, 23), (&[], 0))?,
                days: field(days, (1, 31), (&[], 0))?,
                months: field(months, (1, 12), (&MONTHS, 1))?,
                weekdays,
            })
        };
        parse().ok_or_else(|| CronError { given: text.to_owned() })
    }
}

impl Cron {
    /// The last instant after `from` and not after `until` at which it is due.
    pub fn last_within(&self, from: Time, until: Time) -> Option<Time> {
        let (first, last) = (from.0 / NANOS_PER_MINUTE + 1, until.0 / NANOS_PER_MINUTE);
        let first = first.max(last.saturating_sub(MINUTES_MAX));
        (first..=last).rev().find(|minute| self.is_due(*minute)).map(|minute| Time(minute * NANOS_PER_MINUTE))
    }

    /// Whether it is due in this minute since 1970.
    fn is_due(&self, minute: u64) -> bool {
        let (hour, day) = (minute / 60, minute / 60 / 24);
        let (month, day_of_month) = month_and_day(day);
        let on_day = self.days.allows(day_of_month);
        let on_weekday = self.weekdays.allows((day + 4) % 7);
        let day_fits =
            if self.days.is_any || self.weekdays.is_any { on_day && on_weekday } else { on_day || on_weekday };
        self.minutes.allows(minute % 60) && self.hours.allows(hour % 24) && self.months.allows(month) && day_fits
    }
}

impl Field {
    const fn allows(self, value: u64) -> bool {
        (self.allowed >> value) & 1 == 1
    }
}

/// `*`, `5`, `mon`, `1-5`, `*/15`, `8-18/2`, and several of these joined by `|`.
fn field(text: &str, (least, most): (u64, u64), names: (&[&str], u64)) -> Option<Field> {
    let mut allowed = 0_u64;
    for part in text.split('|') {
        let (range, step) = part.split_once('/').map_or((part, Some(1)), |(range, step)| (range, step.parse().ok()));
        let step: u64 = step.filter(|step| *step > 0)?;
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (least, most),
            Some((from, to)) => (value(from, names)?, value(to, names)?),
            None if part.contains('/') => (value(range, names)?, most),
            None => (value(range, names)?, value(range, names)?),
        };
        if from < least || to > most || from > to {
            return None;
        }
        let step = usize::try_from(step).ok()?;
        (from..=to).step_by(step).for_each(|value| allowed |= 1 << value);
    }
    Some(Field { allowed, is_any: text == "*" })
}

fn value(text: &str, (names, first): (&[&str], u64)) -> Option<u64> {
    let named = names.iter().position(|name| text.eq_ignore_ascii_case(name));
    named.map_or_else(|| text.parse().ok(), |place| Some(first + u64::try_from(place).ok()?))
}

/// Month from 1 and day from 1 of a day since 1970, by the Gregorian calendar (H. Hinnant, *chrono-compatible date
/// algorithms*): eras of 400 years that begin on 1 March.
const fn month_and_day(day: u64) -> (u64, u64) {
    let of_era = (day + 719_468) % 146_097;
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day_of_month = of_year - (153 * from_march + 2) / 5 + 1;
    (if from_march < 10 { from_march + 3 } else { from_march - 9 }, day_of_month)
}

#[cfg(test)]
mod tests {
    use super::{Cron, month_and_day};
    use crate::units::{NANOS_PER_SECOND, Time};

    const fn at(day: u64, hour: u64, minute: u64) -> Time {
        Time(((day * 24 + hour) * 60 + minute) * 60 * NANOS_PER_SECOND)
    }

    fn cron(text: &str) -> Cron {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        // 2000-02-29 is day 11,016, 2026-11-28 is day 20,785.
        assert_eq!(month_and_day(0), (1, 1));
        assert_eq!(month_and_day(11_016), (2, 29));
        assert_eq!(month_and_day(11_017), (3, 1));
        assert_eq!(month_and_day(20_785), (11, 28));
    }

    #[test]
    fn the_last_due_instant_of_an_interval_is_found() {
        let weekdays = cron("0_8_*_*_mon-fri");
        // Day 0 is a Thursday: due on days 0 and 1, not on the weekend, again on day 4.
        assert_eq!(weekdays.last_within(at(0, 7, 0), at(0, 8, 0)), Some(at(0, 8, 0)));
        assert_eq!(weekdays.last_within(at(0, 8, 0), at(1, 7, 59)), None);
        assert_eq!(weekdays.last_within(at(0, 8, 0), at(3, 12, 0)), Some(at(1, 8, 0)));
        assert_eq!(weekdays.last_within(at(1, 8, 0), at(4, 8, 0)), Some(at(4, 8, 0)));
        assert_eq!(cron("*/15_*_*_*_*").last_within(at(0, 0, 14), at(0, 0, 44)), Some(at(0, 0, 30)));
        assert_eq!(cron("5|50_1|2_*_*_*").last_within(at(0, 0, 0), at(0, 23, 0)), Some(at(0, 2, 50)));
        assert_eq!(cron("0_0_1_mar_*").last_within(at(58, 0, 0), at(59, 0, 0)), Some(at(59, 0, 0)));
    }

    #[test]
    fn a_restricted_day_or_a_restricted_weekday_suffices() {
        // The 3rd (day 2, a Saturday) or a Monday (day 4).
        let either = cron("0_0_3_*_mon");
        assert_eq!(either.last_within(at(1, 0, 0), at(2, 0, 0)), Some(at(2, 0, 0)));
        assert_eq!(either.last_within(at(2, 0, 0), at(4, 0, 0)), Some(at(4, 0, 0)));
        assert_eq!(cron("0_0_*_*_7").last_within(at(2, 0, 0), at(3, 0, 0)), Some(at(3, 0, 0)));
    }

    #[test]
    fn nonsense_is_no_expression() {
        for text in [
            "",
            "* * * * *",
            "60_0_*_*_*",
            "0_24_*_*_*",
            "0_0_0_*_*",
            "0_0_*_13_*",
            "*/0_*_*_*_*",
            "5-1_*_*_*_*",
            "x_0_*_*_*",
        ] {
            assert!(text.parse::<Cron>().is_err(), "{text}");
        }
    }
}
