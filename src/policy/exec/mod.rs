//! `exec:COMMAND`: a policy that is a program of the user's, in any language.
//!
//! The program reads JSON lines and answers each with one (`wire` has the words): first what was declared, then, at every
//! decision, what is seen; it says the whole wish. It is judged by the checker that judges every policy, so an unsound wish is
//! recorded and not carried out. This is the one policy that is not pure by construction: whether the same input gives the
//! same plan is the program's to keep, and only its timeout looks at a clock.
//!
//! A program that does not answer in time, dies, or says what nobody can read, has no say in that decision: everything
//! stays as it is, the reason stands in the record as a refusal, and the program is started again for the next decision.
//! [`FAILURES_MAX`] failures in a row end the run.
//!
//! A program that keeps state says so in its first answer. When a run is forked, its copy is started anew and is told
//! again all that the first one was told.

mod process;
mod wire;

use self::process::{Fault, Program};
use super::{Budget, Policy, PolicyError};
use crate::model::{Plan, Refusal, ServiceId, Snapshot, Table, Targets, Why, id::Id};
use crate::seed::Stream;
use crate::units::Span;

/// The word in front of the command.
pub const PREFIX: &str = "exec:";

/// One line for lists.
pub const SUMMARY: &str = "a program of yours: JSON lines in (what is seen), JSON lines out (the whole wish)";

/// How it decides.
pub const ABOUT: &str = "`exec:COMMAND` starts COMMAND by `sh -c` and speaks JSON lines with it; `exec:timeout=2s,COMMAND` \
    waits that long for an answer (5 s where nothing is said). First line: {\"smo\": 1, \"application\", \"clusters\", \
    \"network\"}, answered by {\"stateful\": false}. Each decision: {\"at_s\", \"clusters\", \"services\", \"targets\"}, answered \
    by {\"targets\": [{\"service\", \"cluster\", \"replicas\"}], \"refusals\": [{\"service\", \"replicas\", \"reason\"}]}. The checker \
    that judges every policy judges the answer. No answer in time, or one that cannot be read: everything stays as it is, and \
    the record says why.";

/// Failures in a row that end a run.
pub const FAILURES_MAX: u32 = 3;

/// A command and how long to wait for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// For `sh -c`.
    pub line: String,
    /// For one answer.
    pub timeout: Span,
}

impl Command {
    /// Reads what follows `exec:`.
    ///
    /// # Errors
    /// A sentence about what is wrong: no command, or a timeout that is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (timeout, line) = match text.strip_prefix("timeout=").and_then(|rest| rest.split_once(',')) {
            Some((timeout, line)) => (timeout.trim().parse::<Span>().map_err(|error| error.to_string())?, line.trim()),
            None => (Span::seconds(5), text),
        };
        if timeout == Span::ZERO {
            return Err("a timeout of nothing lets no program answer; say `timeout=5s`".to_owned());
        }
        if line.is_empty() {
            return Err("no command follows; write `exec:python3 policy.py`".to_owned());
        }
        Ok(Self { line: line.to_owned(), timeout })
    }
}

/// A policy that asks a program.
pub struct Exec {
    command: Command,
    program: Option<Program>,
    /// What a program that keeps state has been told; told again to a copy.
    told: Vec<String>,
    is_stateful: bool,
    failures: u32,
}

impl Exec {
    /// A policy whose program is not yet started.
    pub const fn new(command: Command) -> Self {
        Self { command, program: None, told: Vec::new(), is_stateful: false, failures: 0 }
    }

    /// Asks the program, started and told what it has to know.
    fn ask(&mut self, snapshot: &Snapshot) -> Result<Plan, Fault> {
        if self.program.is_none() {
            self.program = Some(self.start(snapshot)?);
        }
        let program = self.program.as_mut().expect("it was just started");
        let question = wire::question(snapshot);
        let answer = program.ask(&question)?;
        let plan = wire::plan(snapshot, &answer).map_err(|reason| Fault::Garbage { reason, answer })?;
        if self.is_stateful {
            self.told.push(question);
        }
        Ok(plan)
    }

    /// Starts the program, introduces the world, and repeats what it was told before.
    fn start(&mut self, snapshot: &Snapshot) -> Result<Program, Fault> {
        let mut program = Program::start(&self.command)?;
        let answer = program.ask(&wire::introduction(&snapshot.known))?;
        self.is_stateful = wire::is_stateful(&answer).map_err(|reason| Fault::Garbage { reason, answer })?;
        for question in &self.told {
            program.ask(question)?;
        }
        Ok(program)
    }

    fn failed(&self, fault: &Fault) -> PolicyError {
        let reason = format!("{fault}; that was failure {} in a row", self.failures);
        PolicyError { policy: format!("{PREFIX}{}", self.command.line), reason }
    }
}

impl Policy for Exec {
    fn decide(&mut self, snapshot: &Snapshot, _: &Budget, _: &mut Stream) -> Result<Plan, PolicyError> {
        match self.ask(snapshot) {
            Ok(plan) => {
                self.failures = 0;
                Ok(plan)
            }
            Err(fault) => {
                self.program = None;
                self.failures += 1;
                let gives_up = self.failures >= FAILURES_MAX || matches!(fault, Fault::NotStarted(_));
                if gives_up { Err(self.failed(&fault)) } else { Ok(unchanged(snapshot, &fault)) }
            }
        }
    }

    fn fork(&self) -> Box<dyn Policy> {
        Box::new(Self {
            command: self.command.clone(),
            program: None,
            told: self.told.clone(),
            is_stateful: self.is_stateful,
            failures: self.failures,
        })
    }
}

/// Everything stays as it is, and the first service carries the reason.
fn unchanged(snapshot: &Snapshot, fault: &Fault) -> Plan {
    let missing = |service: ServiceId| {
        let minimum = snapshot.service(service).replicas_min;
        minimum.saturating_sub(snapshot.targets.total(service))
    };
    let refuse = |service: ServiceId| Refusal {
        service,
        replicas: missing(service),
        reason: format!("the program decided nothing: {fault}"),
        remedy: None,
    };
    let concerned = |service: &ServiceId| service.index() == 0 || missing(*service) > 0;
    Plan {
        targets: snapshot.targets.clone(),
        refusals: snapshot.services.ids().filter(concerned).map(refuse).collect(),
        quality: None,
        why: snapshot.services.values().map(|_| Why::new("the program did not answer: kept", &[])).collect(),
    }
}

/// The plan of a program's answer: its wish, its refusals.
fn plan_of(snapshot: &Snapshot, targets: Targets, refusals: Vec<Refusal>) -> Plan {
    let why: Table<ServiceId, Why> = snapshot.services.values().map(|_| Why::new("as the program says", &[])).collect();
    Plan { targets, refusals, quality: None, why }
}

#[cfg(test)]
mod tests {
    use super::Command;
    use crate::units::Span;

    #[test]
    fn a_command_keeps_its_blanks_and_may_have_a_timeout() {
        let command = Command::parse(" python3 my policy.py --x=1,2 ").unwrap();
        assert_eq!((command.line.as_str(), command.timeout), ("python3 my policy.py --x=1,2", Span::seconds(5)));
        let command = Command::parse("timeout=2 s, ./policy").unwrap();
        assert_eq!((command.line.as_str(), command.timeout), ("./policy", Span::seconds(2)));
        assert!(Command::parse("  ").unwrap_err().contains("no command"));
        assert!(Command::parse("timeout=0s,x").unwrap_err().contains("nothing"));
        assert!(Command::parse("timeout=fast,x").unwrap_err().contains("fast"));
    }
}
