//! Several traces as one: their rows in order of time, each service from one of them.
//!
//! A trace that ends before the others takes its load with it: its services get rate zero there, so that the merged trace
//! has as many requests as its parts. Two traces for one service are refused and not added up: it is more often a mistake
//! than a wish, and a wish can be written into one file.

use super::error::{Fault, TraceError};
use super::series::ServiceNames;
use crate::model::ServiceId;
use crate::model::id::Id;
use crate::model::workload::{RateRow, RateSource, WorkloadError};
use crate::units::{Rate, Time};
use std::path::PathBuf;

/// One of the traces to be merged.
pub struct Part {
    /// The file, as the user named it.
    pub path: PathBuf,
    /// Its rows.
    pub source: Box<dyn RateSource>,
}

/// Merges traces by time; a single one is left as it is.
///
/// # Errors
/// Where the first row of a trace cannot be read.
pub fn merge(mut parts: Vec<Part>, services: &ServiceNames) -> Result<Box<dyn RateSource>, WorkloadError> {
    if parts.len() == 1 {
        return Ok(parts.remove(0).source);
    }
    let heads = parts.into_iter().map(|part| Head { part, row: RateRow::default(), state: State::Ahead });
    let owners = vec![None; services.count()];
    let mut merged = Merged { heads: heads.collect(), services: services.clone(), owners };
    (0..merged.heads.len()).try_for_each(|index| merged.advance(index))?;
    Ok(Box::new(merged))
}

struct Merged {
    heads: Vec<Head>,
    services: ServiceNames,
    /// The trace that each service has its rates from.
    owners: Vec<Option<usize>>,
}

struct Head {
    part: Part,
    /// The next row, or the zeros at the end.
    row: RateRow,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// `row` is the next one of the trace.
    Ahead,
    /// `row` is the end of the trace.
    Ending,
    Done,
}

impl Merged {
    /// Reads the next row of a trace.
    fn advance(&mut self, index: usize) -> Result<(), WorkloadError> {
        let head = &mut self.heads[index];
        match head.state {
            State::Ahead if head.part.source.next_row(&mut head.row)? => return self.claim(index),
            State::Ahead => {
                let owned = self.owners.iter().enumerate().filter(|(_, owner)| **owner == Some(index));
                head.row.at = head.part.source.end();
                head.row.rates = owned.map(|(service, _)| (ServiceId::from_index(service), Rate::ZERO)).collect();
                head.state = State::Ending;
            }
            State::Ending | State::Done => head.state = State::Done,
        }
        Ok(())
    }

    /// Makes a trace the owner of all services that its row names.
    fn claim(&mut self, index: usize) -> Result<(), WorkloadError> {
        for &(service, _) in &self.heads[index].row.rates {
            let owner = *self.owners[service.index()].get_or_insert(index);
            if owner != index {
                let other = self.heads[owner].part.path.clone();
                let fault = Fault::Claimed { service: self.services.name(service).to_owned(), other };
                return Err(TraceError::whole(&self.heads[index].part.path, fault).into());
            }
        }
        Ok(())
    }

    fn active(&self) -> impl Iterator<Item = &Head> {
        self.heads.iter().filter(|head| head.state != State::Done)
    }
}

impl RateSource for Merged {
    fn next_row(&mut self, row: &mut RateRow) -> Result<bool, WorkloadError> {
        let Some(at) = self.active().map(|head| head.row.at).min() else { return Ok(false) };
        if self.active().all(|head| head.state == State::Ending && head.row.at == at) {
            return Ok(false);
        }
        row.at = at;
        row.rates.clear();
        for index in 0..self.heads.len() {
            if self.heads[index].state != State::Done && self.heads[index].row.at == at {
                row.rates.extend_from_slice(&self.heads[index].row.rates);
                self.advance(index)?;
            }
        }
        Ok(true)
    }

    fn end(&self) -> Time {
        self.heads.iter().map(|head| head.part.source.end()).max().unwrap_or_default()
    }

    fn fork(&self) -> Result<Box<dyn RateSource>, WorkloadError> {
        let fork = |head: &Head| {
            let part = Part { path: head.part.path.clone(), source: head.part.source.fork()? };
            Ok(Head { part, row: head.row.clone(), state: head.state })
        };
        let heads: Result<_, WorkloadError> = self.heads.iter().map(fork).collect();
        Ok(Box::new(Self { heads: heads?, services: self.services.clone(), owners: self.owners.clone() }))
    }
}
