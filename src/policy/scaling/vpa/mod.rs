//! The Kubernetes vertical pod autoscaler's recommender, and what it comes to where replicas cannot change their size.
//!
//! `histogram` and `recommender` are pure and do what the recommender does: histograms whose past decays, percentiles, a
//! margin, and bounds that are wide while little is known. The simulated world has no vertical scaling, so the policy
//! takes a service as one container: the recommended request for all of it, divided by the request that one replica has,
//! is the number of replicas. It is as slow as the recommender is: half of what it knows is older than a day or so.

mod histogram;
mod recommender;

pub use histogram::{Buckets, Histogram};
pub use recommender::{Recommendation, Recommender, Settings};

use super::each::{Choice, Rule, ServiceByService, Sight, whole};
use super::{Entry, Parameter, ParameterError, Parameters};
use crate::model::{ServiceId, Why};
use crate::units::{MilliCores, Span, Time};

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "vpa",
    summary: "as many replicas as the vertical pod autoscaler's recommended request is worth",
    about: "R = max(25m, p90·1.15) of a histogram of the service's CPU use whose weights halve every `half_life`; r = ⌈R ÷ request of \
        a replica⌉, moved only when r·request leaves [lower, upper] = [p50·1.15·(1 + 0.001 ÷ days)⁻², p95·1.15·(1 + 1 ÷ days)]. \
        There is no vertical scaling here, so the service as a whole is the container. Source: the recommender of \
        kubernetes/autoscaler, whose unit tests' figures are reproduced.",
    parameters: &[
        Parameter { name: "percentile", default: "90 %", summary: "percentile of CPU use that is recommended" },
        Parameter { name: "margin", default: "15 %", summary: "what is recommended on top" },
        Parameter { name: "half_life", default: "24 h", summary: "time in which a sample loses half of its weight" },
        Parameter {
            name: "act",
            default: "always",
            summary: "`always`, or `outside`: only beyond the lower and upper bound",
        },
        Parameter { name: "stale", default: "2 min", summary: "age from which on a sample is not believed any more" },
    ],
    partner: "spread",
    build: |parameters| Ok(ServiceByService::boxed(Vpa::read(parameters)?)),
};

/// From one sample to the next, as metrics-server has them.
const SAMPLE: Span = Span::seconds(60);

/// Replicas by the recommended request.
#[derive(Debug, Clone)]
struct Vpa {
    settings: Settings,
    always: bool,
    stale: Span,
}

/// What is known of a service.
#[derive(Debug, Clone)]
struct Memory {
    recommender: Recommender,
    sampled: Option<Time>,
}

impl Vpa {
    fn read(parameters: &Parameters) -> Result<Self, ParameterError> {
        let half_life = parameters.span("half_life")?;
        if half_life < SAMPLE {
            return Err(parameters.invalid("half_life", format!("{half_life} is less than {SAMPLE}, one sample")));
        }
        let act: String = parameters.get("act")?;
        if !["always", "outside"].contains(&act.as_str()) {
            return Err(parameters.invalid("act", format!("`{act}` is neither `always` nor `outside`")));
        }
        let settings = Settings {
            target: parameters.ratio("percentile", 0.0, 1.0)?.as_f64(),
            margin: parameters.ratio("margin", 0.0, 10.0)?.as_f64(),
            half_life,
            ..Settings::default()
        };
        Ok(Self { settings, always: act == "always", stale: parameters.span("stale")? })
    }
}

impl Rule for Vpa {
    type Memory = Memory;

    fn memory(&self, _: ServiceId) -> Memory {
        Memory { recommender: Recommender::new(self.settings), sampled: None }
    }

    fn least(&self) -> u32 {
        1
    }

    fn decide(&self, sight: &Sight<'_>, memory: &mut Memory) -> Choice {
        let usage = match sight.usage(self.stale) {
            Ok(usage) => usage,
            Err(held) => return held,
        };
        let request = sight.declared().request.cpu;
        if request == MilliCores::ZERO {
            return sight.hold("hold: the service states no CPU request to measure against", Span::ZERO);
        }
        if memory.sampled.is_none_or(|at| usage.at.since(at) >= SAMPLE) {
            memory.sampled = Some(usage.at);
            memory.recommender.add(usage.at, usage.used.cores());
        }
        let Recommendation { lower, target, upper } = memory.recommender.recommend();
        let asked = f64::from(sight.last) * request.cores();
        let is_inside = (lower..=upper).contains(&asked);
        let replicas = if is_inside && !self.always { sight.last } else { whole(target / request.cores()).max(1) };
        let rule = if is_inside && !self.always {
            "what is asked for lies within the bounds"
        } else {
            "the recommended request over that of one replica"
        };
        // An upper bound of nearly nothing known is no figure for people.
        let figures = [
            ("lower_cores", lower),
            ("target_cores", target),
            ("upper_cores", upper.min(1e6)),
            ("replicas", replicas.into()),
        ];
        (replicas, Why::new(rule, &figures))
    }
}
