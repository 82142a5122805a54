//! Static: replicas as declared. The baseline that every other scaling has to beat.

use super::wish::bounded;
use super::{Entry, Parameter, ParameterError, Parameters};
use crate::model::{Snapshot, Wanted, Why};
use crate::policy::{PolicyError, Scaling};
use crate::seed::Stream;
use crate::units::Ratio;

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "static",
    summary: "replicas as declared, always",
    about: "r = ⌈scale · replicas⌉ with the replicas that are declared or given, within the bounds of the service. The best \
        `scale` or `replicas` in hindsight is the yardstick that every policy that moves has to beat.",
    parameters: &[
        Parameter {
            name: "replicas",
            default: "declared",
            summary: "replicas of every service, within its bounds, or `declared`",
        },
        Parameter { name: "scale", default: "100 %", summary: "all of them times this, rounded up" },
    ],
    partner: "greedy",
    build: |parameters| {
        Ok(Box::new(Static { replicas: read(parameters)?, scale: parameters.ratio("scale", 0.0, 1e3)? }))
    },
};

/// The same number at all times.
#[derive(Debug, Clone, Copy)]
pub struct Static {
    /// For every service; `None` for what each declares.
    replicas: Option<u32>,
    /// Times this.
    scale: Ratio,
}

impl Scaling for Static {
    fn scale(&mut self, snapshot: &Snapshot, _: &mut Stream) -> Result<Wanted, PolicyError> {
        let services = || snapshot.known.application.requests().map(|service| snapshot.service(service));
        let scaled = |replicas: u32| {
            let millionths = (u64::from(replicas) * self.scale.0).div_ceil(Ratio::ONE.0);
            u32::try_from(millionths).unwrap_or(u32::MAX)
        };
        let count = |service| bounded(service, scaled(self.replicas.unwrap_or(service.replicas)));
        let replicas = services().map(count).collect();
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
