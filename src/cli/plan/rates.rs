//! The rates that a plan is made for: those of the load at an instant, or as given, carried along the calls.

use crate::cli::Failure;
use crate::model::workload::{RateRow, RateSource};
use crate::model::{Application, ServiceId, Table};
use crate::units::{Rate, Time};
use anyhow::anyhow;
use std::collections::BTreeMap;
use std::str::FromStr;

/// `service=RPS` on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Whose.
    pub service: String,
    /// How many requests per second arrive there.
    pub rate: Rate,
}

impl FromStr for Given {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (service, rate) = text.split_once('=').ok_or("write `service=rate`, like `gateway=120/s`")?;
        let bare = rate.trim().parse::<f64>().ok().filter(|rate| rate.is_finite() && *rate >= 0.0);
        let rate = bare.map_or_else(|| rate.trim().parse(), |rate| Ok(Rate::from_per_second(rate)));
        Ok(Self { service: service.trim().to_owned(), rate: rate.map_err(|error| error.to_string())? })
    }
}

/// Rates of the services that the load names, as they are at `at`.
///
/// # Errors
/// A trace that cannot be read, or is over by then.
pub fn of_load(mut load: Box<dyn RateSource>, at: Time) -> Result<BTreeMap<ServiceId, Rate>, Failure> {
    let mut rates = BTreeMap::new();
    let mut row = RateRow::default();
    while load.next_row(&mut row).map_err(Failure::input)? {
        if row.at > at {
            return Ok(rates);
        }
        rates.extend(row.rates.iter().copied());
    }
    // A load that is over at once is none: there are tasks only.
    if load.end() > Time::ZERO && load.end() <= at {
        let end = load.end();
        return Err(Failure::input(anyhow!("--at {at}: the load ends at {end}\n  choose an earlier instant")));
    }
    Ok(rates)
}

/// What was given on the command line, by service.
///
/// # Errors
/// A service that there is not.
pub fn as_given(application: &Application, given: &[Given]) -> Result<BTreeMap<ServiceId, Rate>, Failure> {
    let find = |one: &Given| {
        let known = || {
            let names: Vec<&str> = application.services.values().map(|service| service.name.as_str()).collect();
            let name = &one.service;
            Failure::input(anyhow!("--rate {name}: no service is called `{name}`\n  services are {}", names.join(", ")))
        };
        application.service(&one.service).map(|service| (service, one.rate)).ok_or_else(known)
    };
    given.iter().map(find).collect()
}

/// The rate of every service: its own where it is in `rates`, else what its callers make of theirs. `None` where nothing is
/// known of a service nor of anyone who calls it: missing is not zero.
pub fn along_calls(application: &Application, rates: &BTreeMap<ServiceId, Rate>) -> Table<ServiceId, Option<Rate>> {
    let mut all: Table<ServiceId, Option<Rate>> =
        application.services.ids().map(|service| rates.get(&service).copied()).collect();
    for caller in &application.order {
        let Some(rate) = all[*caller] else { continue };
        for call in application.calls_of(*caller).filter(|call| !rates.contains_key(&call.to)) {
            let before = all[call.to].unwrap_or(Rate::ZERO);
            all[call.to] = Some(before + rate.scaled(call.per_request));
        }
    }
    all
}
