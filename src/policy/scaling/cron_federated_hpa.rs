//! Karmada's `CronFederatedHPA`: at set times it writes the replicas of a workload, or the range of its autoscaler.
//!
//! A rule with one number writes `spec.replicas`; the autoscaler, where one is on, changes it again at its next sync. A rule
//! with a range writes `minReplicas` and `maxReplicas` of the `FederatedHPA`, which stay until another rule changes them. A rule
//! that became due while nobody decided is carried out at the next decision; what was due before the start is not.

use super::crontab::Cron;
use super::hpa::{HPA_PARAMETERS, Hpa};
use super::wish::{Wishes, bounded};
use super::{Entry, Parameter, ParameterError, Parameters};
use crate::model::{Snapshot, Wanted, Why};
use crate::policy::{PolicyError, Scaling};
use crate::seed::Stream;
use crate::units::Time;

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "cron-federated-hpa",
    summary: "Karmada's CronFederatedHPA: replicas, or the range of a FederatedHPA, at set times",
    about: "At the times of `rules`: one number n sets spec.replicas = n, a range a..b sets minReplicas = a and maxReplicas = b \
        of the FederatedHPA (see `federated-hpa`), which decides in between; with `hpa=off` only the rules do. Source: \
        Karmada v1.18.2, pkg/controllers/cronfederatedhpa.",
    parameters: &PARAMETERS,
    partner: "karmada",
    build: |parameters| Ok(Box::new(CronHpa::read(parameters)?)),
};

const PARAMETERS: [Parameter; HPA_PARAMETERS.len() + 2] = {
    let mut all = [HPA_PARAMETERS[0]; HPA_PARAMETERS.len() + 2];
    all[0] = Parameter {
        name: "rules",
        default: "none",
        summary: "`CRON>replicas` or `CRON>min..max` separated by `;`, blanks of the expression as `_`: `0_8_*_*_mon-fri>5..20`",
    };
    all[1] = Parameter {
        name: "hpa",
        default: "on",
        summary: "whether a FederatedHPA decides between the rules: `on` or `off`",
    };
    let mut index = 0;
    while index < HPA_PARAMETERS.len() {
        all[index + 2] = HPA_PARAMETERS[index];
        index += 1;
    }
    all
};

/// The rules and the autoscaler.
#[derive(Debug, Clone)]
pub struct CronHpa {
    rules: Vec<Rule>,
    hpa: Hpa,
    is_hpa_on: bool,
    wishes: Wishes,
    /// Up to when rules were carried out.
    done_until: Option<Time>,
}

#[derive(Debug, Clone)]
struct Rule {
    when: Cron,
    change: Change,
}

/// What a rule writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Replicas(u32),
    Range(u32, u32),
}

impl CronHpa {
    fn read(parameters: &Parameters) -> Result<Self, ParameterError> {
        let text = parameters.get::<String>("rules")?;
        let rules = if text == "none" {
            Vec::new()
        } else {
            let rules = text.split(';').map(|text| rule(text).map_err(|reason| parameters.invalid("rules", reason)));
            rules.collect::<Result<_, _>>()?
        };
        let is_hpa_on = match parameters.get::<String>("hpa")?.as_str() {
            "on" => true,
            "off" => false,
            other => return Err(parameters.invalid("hpa", format!("`{other}` is neither `on` nor `off`"))),
        };
        let hpa = Hpa::read(parameters)?.federated();
        Ok(Self { rules, hpa, is_hpa_on, wishes: Wishes::default(), done_until: None })
    }

    /// The changes that have become due, in the order of their instants.
    fn due(&mut self, now: Time) -> Vec<Change> {
        let from = self.done_until.replace(now).unwrap_or_else(|| Time(now.0.saturating_sub(1)));
        if from >= now {
            return Vec::new();
        }
        let due = self.rules.iter().filter_map(|rule| Some((rule.when.last_within(from, now)?, rule.change)));
        let mut due: Vec<(Time, Change)> = due.collect();
        due.sort_by_key(|(at, _)| *at);
        due.into_iter().map(|(_, change)| change).collect()
    }
}

fn rule(text: &str) -> Result<Rule, String> {
    let mistake = || format!("`{text}` is not like `0_8_*_*_mon-fri>10` or `0_8_*_*_mon-fri>5..20`");
    let (when, change) = text.split_once('>').ok_or_else(mistake)?;
    let number = |text: &str| text.parse::<u32>().map_err(|_| mistake());
    let change = match change.split_once("..") {
        Some((min, max)) => Change::Range(number(min)?, number(max)?),
        None => Change::Replicas(number(change)?),
    };
    match change {
        Change::Range(min, max) if min == 0 || min > max => Err(format!("{min}..{max} is no range from 1 on")),
        _ => Ok(Rule { when: when.parse().map_err(|error: super::crontab::CronError| error.to_string())?, change }),
    }
}

impl Scaling for CronHpa {
    fn scale(&mut self, snapshot: &Snapshot, stream: &mut Stream) -> Result<Wanted, PolicyError> {
        for change in self.due(snapshot.at) {
            match change {
                Change::Range(min, max) => self.hpa.set_range(snapshot, (min, max)),
                Change::Replicas(replicas) if self.is_hpa_on => self.hpa.overwrite(snapshot, replicas),
                Change::Replicas(replicas) => {
                    for service in snapshot.known.application.requests() {
                        self.wishes.last(snapshot, service);
                        self.wishes.set(service, bounded(snapshot.service(service), replicas));
                    }
                }
            }
        }
        if self.is_hpa_on {
            return self.hpa.scale(snapshot, stream);
        }
        let services = || snapshot.known.application.requests();
        let replicas = services().map(|service| self.wishes.last(snapshot, service)).collect();
        let why = Why::new("what the last rule wrote", &[]);
        Ok(Wanted::counts(replicas, services().map(|_| why).collect()))
    }

    fn fork(&self) -> Box<dyn Scaling> {
        Box::new(self.clone())
    }
}
