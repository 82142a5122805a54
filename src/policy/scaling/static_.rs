//! Static: replicas as declared. The baseline that every other scaling has to beat.

use super::wish::bounded;
use super::{Entry, Parameter, ParameterError, Parameters};
use crate::model::{Snapshot, Wanted, Why};
use crate::policy::{PolicyError, Scaling};
use crate::seed::Stream;

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "static",
    summary: "replicas as declared, always",
    about: "r = replicas as declared, within the bounds of the service.",
    parameters: &[Parameter {
        name: "replicas",
        default: "declared",
        summary: "replicas of every service, within its bounds, or `declared`",
    }],
    partner: "greedy",
    build: |parameters| Ok(Box::new(Static { replicas: read(parameters)? })),
};

/// The same number at all times.
#[derive(Debug, Clone, Copy)]
pub struct Static {
    /// For every service; `None` for what each declares.
    replicas: Option<u32>,
}

impl Scaling for Static {
    fn scale(&mut self, snapshot: &Snapshot, _: &mut Stream) -> Result<Wanted, PolicyError> {
        let services = || snapshot.known.application.requests().map(|service| snapshot.service(service));
        let replicas = services().map(|service| bounded(service, self.replicas.unwrap_or(service.replicas))).collect();
        let why = services().map(|_| Why::new("replicas as declared", &[])).collect();
        Ok(Wanted::counts(replicas, why))
    }

    fn fork(&self) -> Box<dyn Scaling> {
        Box::new(*self)
    }
}

fn read(parameters: &Parameters) -> Result<Option<u32>, ParameterError> {
    let text: String = parameters.get("replicas")?;
    match text.parse() {
        _ if text == "declared" => Ok(None),
        Ok(replicas) => Ok(Some(replicas)),
        Err(_) => Err(parameters.invalid("replicas", format!("`{text}` is neither a number nor `declared`"))),
    }
}
