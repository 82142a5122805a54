//! The files of the EURO/ROADEF challenge of 2012: a model and an assignment, both nothing but numbers in a fixed order.
//!
//! Line breaks carry no meaning, so numbers are read one after the other; a mistake names the line, and what the number
//! would have been.

use crate::input::error::{InputError, Mistake, Place};
use crate::input::formats::{Column, FormatPage, Kind};
use crate::model::reassignment::{Assignment, Balance, Machine, MoveWeights, Problem, Process, Resource, Service};
use std::path::Path;

/// A model.
pub const PAGE: FormatPage = FormatPage {
    name: "roadef-2012",
    kind: Kind::Inventory,
    what: "Machine reassignment of the EURO/ROADEF challenge 2012: machines and processes with what moves cost; numbers in a fixed order",
    extensions: &[".txt"],
    columns: &[
        Column { name: "resources", unit: "count", meaning: "then of each: transient (0 or 1), weight of its load" },
        Column {
            name: "machines",
            unit: "count",
            meaning: "then of each: neighbourhood, location, capacities, safety capacities, cost of a move to each machine",
        },
        Column {
            name: "services",
            unit: "count",
            meaning: "then of each: least number of locations, number of services that it depends on, their indices",
        },
        Column { name: "processes", unit: "count", meaning: "then of each: service, what it needs, cost of moving it" },
        Column {
            name: "balances",
            unit: "count",
            meaning: "then of each: two resources, target, weight; last the weights of moves: process, service, machine",
        },
    ],
    example: "2\n0 10\n0 10\n4\n0 2 4419212 4321679 3729814 3677748 0 1 1 1",
    writable: false,
};

/// The most of anything that a model may have: the challenge's largest instance has 50,000 processes.
const COUNT_MAX: u64 = 1_000_000;
/// Bytes of a file; the largest of the challenge have a hundredth of that.
const BYTES_MAX: u64 = 256 << 20;

/// Reads a model.
///
/// # Errors
/// Where it cannot be read, ends early or late, or names what does not exist.
pub fn problem(path: &Path) -> Result<Problem, InputError> {
    let text = text(path)?;
    let mut numbers = Numbers::of(path, &text);
    let resources = numbers.several("resources", |numbers| {
        Ok(Resource { transient: numbers.next("transient flag", 2)? == 1, weight: numbers.amount("weight of a load")? })
    })?;
    let width = resources.len();
    let count = numbers.count("machines")?;
    let machines = numbers.times(count, |numbers| {
        Ok(Machine {
            neighbourhood: numbers.amount("neighbourhood")?,
            location: numbers.amount("location")?,
            capacity: numbers.times(width, |numbers| numbers.amount("capacity"))?,
            safety: numbers.times(width, |numbers| numbers.amount("safety capacity"))?,
            move_cost: numbers.times(count, |numbers| numbers.amount("cost of a move between machines"))?,
        })
    })?;
    let count = numbers.count("services")?;
    let services = numbers.times(count, |numbers| {
        let spread_min = numbers.count("locations of a service")?;
        let depends_on = numbers.several("services to depend on", |numbers| numbers.index("service", count))?;
        Ok(Service { spread_min, depends_on: depends_on.into_iter().collect() })
    })?;
    let processes = numbers.several("processes", |numbers| {
        Ok(Process {
            service: numbers.index("service", services.len())?,
            needs: numbers.times(width, |numbers| numbers.amount("need of a process"))?,
            move_cost: numbers.amount("cost of moving a process")?,
        })
    })?;
    let balances = numbers.several("balances", |numbers| {
        Ok(Balance {
            of: numbers.index("resource", width)?,
            with: numbers.index("resource", width)?,
            target: numbers.amount("target of a balance")?,
            weight: numbers.amount("weight of a balance")?,
        })
    })?;
    let weights = MoveWeights {
        process: numbers.amount("weight of process moves")?,
        service: numbers.amount("weight of service moves")?,
        machine: numbers.amount("weight of machine moves")?,
    };
    numbers.end()?;
    Ok(Problem { resources, machines, services, processes, balances, weights })
}

/// Reads an assignment of `problem`'s processes.
///
/// # Errors
/// Where it cannot be read, has too few or many numbers, or names a machine that does not exist.
pub fn assignment(path: &Path, problem: &Problem) -> Result<Assignment, InputError> {
    let text = text(path)?;
    let mut numbers = Numbers::of(path, &text);
    let machines = problem.machines.len();
    let assignment = numbers.times(problem.processes.len(), |numbers| numbers.index("machine", machines))?;
    numbers.end()?;
    Ok(assignment)
}

fn text(path: &Path) -> Result<String, InputError> {
    let label = path.display().to_string();
    let unreadable = |error: std::io::Error| Mistake::in_file(&label, &format!("the file cannot be read: {error}"));
    if std::fs::metadata(path).map_err(unreadable)?.len() > BYTES_MAX {
        return Err(Mistake::in_file(&label, &format!("the file is larger than the limit of {} MiB", BYTES_MAX >> 20)));
    }
    std::fs::read_to_string(path).map_err(unreadable)
}

/// Numbers one after the other.
struct Numbers<'a> {
    label: String,
    lines: std::iter::Enumerate<std::str::Lines<'a>>,
    rest: std::str::SplitAsciiWhitespace<'a>,
    line: u64,
}

impl<'a> Numbers<'a> {
    fn of(path: &Path, text: &'a str) -> Self {
        Self {
            label: path.display().to_string(),
            lines: text.lines().enumerate(),
            rest: "".split_ascii_whitespace(),
            line: 0,
        }
    }

    fn word(&mut self) -> Option<&'a str> {
        loop {
            if let Some(word) = self.rest.next() {
                return Some(word);
            }
            let (index, line) = self.lines.next()?;
            self.line = index as u64 + 1;
            self.rest = line.split_ascii_whitespace();
        }
    }

    /// The next number, which is `what` and less than `limit`.
    fn next(&mut self, what: &str, limit: u64) -> Result<u64, InputError> {
        let Some(word) = self.word() else {
            return Err(self.error(&format!("the file ends where a {what} would follow; copy it again")));
        };
        match word.parse::<u64>() {
            Ok(number) if number < limit => Ok(number),
            Ok(number) => Err(self.error(&format!("{what} {number} is too large; it must be less than {limit}"))),
            Err(_) => {
                let short: String = word.chars().take(20).collect();
                Err(self.error(&format!("`{short}` is no {what}; write a whole number")))
            }
        }
    }

    /// An amount; 63 bits, so that differences of two have room.
    fn amount(&mut self, what: &str) -> Result<u64, InputError> {
        self.next(what, 1 << 62)
    }

    fn index(&mut self, what: &str, count: usize) -> Result<usize, InputError> {
        self.next(what, count as u64).map(to_usize)
    }

    fn count(&mut self, what: &str) -> Result<usize, InputError> {
        self.next(&format!("number of {what}"), COUNT_MAX).map(to_usize)
    }

    fn times<T>(
        &mut self,
        count: usize,
        mut read: impl FnMut(&mut Self) -> Result<T, InputError>,
    ) -> Result<Vec<T>, InputError> {
        // Collected without trust in the count: memory follows what was read.
        (0..count).map(|_| read(self)).collect()
    }

    fn several<T>(
        &mut self,
        what: &str,
        read: impl FnMut(&mut Self) -> Result<T, InputError>,
    ) -> Result<Vec<T>, InputError> {
        let count = self.count(what)?;
        self.times(count, read)
    }

    fn end(&mut self) -> Result<(), InputError> {
        match self.word() {
            None => Ok(()),
            Some(_) => Err(self.error("more numbers follow than belong here; is it the right file?")),
        }
    }

    fn error(&self, message: &str) -> InputError {
        Box::new(Mistake::new(Place::line(&self.label, self.line), String::new(), message)).into()
    }
}

fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
