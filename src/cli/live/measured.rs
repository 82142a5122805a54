//! How much of a recorded load somebody measured: what a simulation makes of the rest is told here, since nobody is told there.
//!
//! A trace is read so: a service has no load until its first value, and its last rate in every gap after that. So one that nobody
//! measured at all would be simulated at rest, without a word. What is judged is the file, read as `smo simulate` reads it: in it,
//! a recording that was interrupted is whole.

use crate::input::InputError;
use crate::input::trace::{self, ServiceNames, TraceOptions};
use crate::model::id::Id;
use crate::model::workload::{RateRow, RateSource};
use crate::units::{Span, Time};
use std::path::Path;

/// When the rate of a service was measured. Times are from the begin of the recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Course {
    /// The service.
    name: String,
    /// The first value and the last one so far; `None` where there is none.
    measured: Option<(Time, Time)>,
    /// The longest time without a value after the first, and since when.
    gap: (Span, Time),
}

/// The courses of these services in `load`, a recording with a row at each `step`.
///
/// # Errors
/// Where it is no trace of these services.
pub fn courses(load: &Path, names: &[&str], step: Span) -> Result<Vec<Course>, InputError> {
    let none = |name: &&str| Course { name: (*name).to_owned(), measured: None, gap: (Span::ZERO, Time::ZERO) };
    let mut courses: Vec<Course> = names.iter().map(none).collect();
    let services = ServiceNames::new(names.iter().copied());
    let mut rows = trace::open(load, &services, &TraceOptions::default())?;
    let mut row = RateRow::default();
    while rows.next_row(&mut row)? {
        for (service, _) in &row.rates {
            courses[service.index()].add(row.at, step);
        }
    }
    let end = rows.end();
    for course in &mut courses {
        course.miss(end, step);
    }
    Ok(courses)
}

impl Course {
    /// Takes a value.
    fn add(&mut self, at: Time, step: Span) {
        self.miss(at, step);
        self.measured = Some((self.measured.map_or(at, |(first, _)| first), at));
    }

    /// The next value comes `at`, or no other until then: what is missing since the last one holds its step.
    fn miss(&mut self, at: Time, step: Span) {
        let Some((_, last)) = self.measured else { return };
        let since = last + step;
        if at.since(since) > self.gap.0 {
            self.gap = (at.since(since), since);
        }
    }
}

/// The services that nobody measured at any time, between backticks.
pub fn never(courses: &[Course]) -> Vec<String> {
    courses.iter().filter(|course| course.measured.is_none()).map(|course| format!("`{}`", course.name)).collect()
}

/// What is simulated without having been measured, in words.
pub fn notes(courses: &[Course], step: Span) -> Vec<String> {
    let is_late = |first: Time, begin: Time| first.since(begin) > step;
    let first = courses.iter().filter_map(|course| Some(course.measured?.0)).min().unwrap_or(Time::ZERO);
    // What is true of all is said once; one alone has a name.
    let begin = if courses.len() > 1 && is_late(first, Time::ZERO) { first } else { Time::ZERO };
    let mut notes = Vec::new();
    if begin > Time::ZERO {
        notes.push(format!("nobody measured any rate before {begin}: until then the simulation has no load"));
    }
    for Course { name, measured, gap: (longest, since) } in courses {
        if let Some((first, _)) = measured.filter(|(first, _)| is_late(*first, begin)) {
            notes.push(format!(
                "nobody measured the rate of `{name}` before {first}: until then it is simulated without load"
            ));
        }
        if *longest > Span::ZERO {
            notes.push(format!(
                "nobody measured the rate of `{name}` for up to {longest}, from {since} on: meanwhile its last rate holds"
            ));
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::{Course, courses, never, notes};
    use crate::units::Span;
    use std::fmt::Write as _;

    const HOUR: Span = Span::seconds(3_600);

    /// The courses of `web` and `shop`: a row an hour, from some hour of the world's clock on.
    fn of(rows: &[&str]) -> Vec<Course> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("load.csv");
        let mut text = "timestamp_s,web,shop\n".to_owned();
        for (hour, rates) in rows.iter().enumerate() {
            writeln!(text, "{},{rates}", 1_790_000_000 + 3_600 * hour).unwrap();
        }
        std::fs::write(&path, text).unwrap();
        courses(&path, &["web", "shop"], HOUR).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn a_column_without_a_value_is_a_service_that_nobody_measured() {
        assert_eq!(never(&of(&[",5", ",", ",6"])), ["`web`"]);
        assert_eq!(never(&of(&[",", ","])), ["`web`", "`shop`"]);
        assert_eq!(never(&of(&[",0", ",", "0,"])), Vec::<String>::new(), "zero was measured");
    }

    #[test]
    fn what_begins_late_is_told_and_once_where_it_is_true_of_all() {
        let told = |rows: &[&str]| notes(&of(rows), HOUR);
        assert_eq!(told(&["1,2", "1,2"]), Vec::<String>::new());
        assert_eq!(told(&["1,", "1,2", "1,2"]), Vec::<String>::new(), "a step late is what a query with a window is");
        let shop = "nobody measured the rate of `shop` before 3 h: until then it is simulated without load";
        assert_eq!(told(&["1,", "1,", "1,", "1,2"]), [shop]);
        let all = "nobody measured any rate before 3 h: until then the simulation has no load";
        assert_eq!(told(&[",", ",", ",", "1,2", "1,2"]), [all]);
        let later = "nobody measured the rate of `shop` before 5 h: until then it is simulated without load";
        assert_eq!(told(&[",", ",", ",", "1,", "1,", "1,2"]), [all, later]);
    }

    /// `web` misses hour 1 and hours 3 and 4, `shop` all from hour 2 until the end, which is hour 6.
    #[test]
    fn the_longest_gap_of_each_service_is_told_also_at_the_end() {
        let web = "nobody measured the rate of `web` for up to 2 h, from 3 h on: meanwhile its last rate holds";
        let shop = "nobody measured the rate of `shop` for up to 4 h, from 2 h on: meanwhile its last rate holds";
        assert_eq!(notes(&of(&["1,2", ",2", "1,", ",", ",", "1,"]), HOUR), [web, shop]);
    }

    #[test]
    fn one_service_alone_that_begins_late_is_told_by_its_name() {
        let both = of(&["1,", "1,", "1,2"]);
        let late = "nobody measured the rate of `shop` before 2 h: until then it is simulated without load";
        assert_eq!(notes(&both[1..], HOUR), [late]);
    }
}
