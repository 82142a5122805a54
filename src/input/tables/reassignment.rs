//! The files of the EURO/ROADEF challenge of 2012: a model and an assignment, both nothing but numbers in a fixed order.
//!
//! Line breaks carry no meaning, so numbers are read one after the other; a mistake names the line, and what the number
//! would have been. The text is not held: a number of it takes two bytes and more there, and eight once it is read.

use crate::input::error::{InputError, Mistake, Place};
use crate::input::formats::{Column, FormatPage, Kind};
use crate::input::trace::error::shown;
use crate::model::reassignment::{Assignment, Balance, Machine, MoveWeights, Problem, Process, Resource, Service};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Take};
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
    let mut numbers = Numbers::open(path)?;
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
    let mut numbers = Numbers::open(path)?;
    let machines = problem.machines.len();
    let assignment = numbers.times(problem.processes.len(), |numbers| numbers.index("machine", machines))?;
    numbers.end()?;
    Ok(assignment)
}

/// Numbers one after the other.
struct Numbers {
    label: String,
    text: BufReader<Take<File>>,
    /// The present word, as far as it is kept: no number is longer.
    word: Vec<u8>,
    /// The line that it stands in, and whether that line has ended.
    line: u64,
    is_ended: bool,
}

/// Bytes of a word that are kept; a number of 64 bits has 20.
const WORD_MAX: usize = 40;

impl Numbers {
    fn open(path: &Path) -> Result<Self, InputError> {
        let label = path.display().to_string();
        let unreadable = |error: io::Error| Mistake::in_file(&label, &format!("the file cannot be read: {error}"));
        let file = File::open(path).map_err(unreadable)?;
        if file.metadata().map_err(unreadable)?.len() > BYTES_MAX {
            let message = format!("the file is larger than the limit of {} MiB", BYTES_MAX >> 20);
            return Err(Mistake::in_file(&label, &message));
        }
        let text = BufReader::with_capacity(64 << 10, file.take(BYTES_MAX));
        Ok(Self { label, text, word: Vec::new(), line: 0, is_ended: true })
    }

    /// Goes to the next word; `false` at the end.
    fn advance(&mut self) -> Result<bool, InputError> {
        self.word.clear();
        loop {
            let part = self
                .text
                .fill_buf()
                .map_err(|error| Mistake::in_file(&self.label, &format!("the file cannot be read: {error}")))?;
            let length = part.len();
            if length == 0 {
                return Ok(!self.word.is_empty());
            }
            for (index, byte) in part.iter().enumerate() {
                if byte.is_ascii_whitespace() && !self.word.is_empty() {
                    self.text.consume(index);
                    return Ok(true);
                }
                self.line += u64::from(self.is_ended);
                self.is_ended = *byte == b'\n';
                if !byte.is_ascii_whitespace() && self.word.len() < WORD_MAX {
                    self.word.push(*byte);
                }
            }
            self.text.consume(length);
        }
    }

    /// The next number, which is `what` and less than `limit`.
    fn next(&mut self, what: &str, limit: u64) -> Result<u64, InputError> {
        if !self.advance()? {
            return Err(self.error(&format!("the file ends where a {what} would follow; copy it again")));
        }
        match std::str::from_utf8(&self.word).ok().and_then(|word| word.parse::<u64>().ok()) {
            Some(number) if number < limit => Ok(number),
            Some(number) => Err(self.error(&format!("{what} {number} is too large; it must be less than {limit}"))),
            None => {
                let short: String = String::from_utf8_lossy(&self.word).chars().take(20).collect();
                Err(self.error(&format!("`{}` is no {what}; write a whole number", shown(short.as_bytes()))))
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
        // Without trust in the count: memory follows what was read. What is left over of the last doubling is given back.
        let mut all = Vec::new();
        for _ in 0..count {
            all.push(read(self)?);
        }
        all.shrink_to_fit();
        Ok(all)
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
        if self.advance()? {
            return Err(self.error("more numbers follow than belong here; is it the right file?"));
        }
        Ok(())
    }

    fn error(&self, message: &str) -> InputError {
        Box::new(Mistake::new(Place::line(&self.label, self.line), String::new(), message)).into()
    }
}

fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
