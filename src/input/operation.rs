//! How the world is run and seen: the control loop and its rails, telemetry, and the platform below.

use super::at::At;
use super::error::InputError;
use super::written::{DelayFile, Positive, Share};
use crate::model::autoscaler::{Autoscaler, Expander};
use crate::model::binding::NodeScore;
use crate::model::scenario::{Learn, Platform};
use crate::model::workload::LoadNoise;
use crate::model::{Control, Rails, Telemetry};
use crate::units::{Bytes, Ratio, Span, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The control loop around a policy.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ControlFile {
    /// From one decision to the next.
    pub every: Positive<Span>,
    /// Whether tasks are decided about as soon as one arrives, or room appears for one that waits, as schedulers do;
    /// otherwise at the next regular decision.
    pub on_arrival: bool,
    /// From a decision until its first effect: API calls, controllers, propagation to the clusters.
    pub effect_after: DelayFile,
    /// Virtual time that a decision itself takes; its effects come so much later.
    pub decision_time: Span,
    /// Limits on what one decision may change.
    pub rails: RailsFile,
}

/// Limits on what one decision may change.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RailsFile {
    /// Replicas that one decision may move from one cluster to another; no limit where nothing is said.
    pub moves_per_tick: Option<u32>,
    /// Share of a service's replicas that one decision may remove (at least one may always go); no limit where nothing is
    /// said.
    pub removed_share: Option<Share>,
    /// Windows in which nothing is changed.
    pub freeze: Vec<FreezeFile>,
}

/// A window in which nothing is changed.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FreezeFile {
    /// From this instant on.
    pub from: Time,
    /// Until before this instant.
    pub until: Time,
}

/// How policies see the world: rates are averages over a window, scraped every so often, late, and sometimes lost.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetryFile {
    /// From one scrape to the next.
    pub scrape: Positive<Span>,
    /// Each service is scraped at an offset of its own, up to this; where nothing is said, up to one `scrape`.
    pub jitter: Option<Span>,
    /// Rates are averages over so long.
    pub window: Positive<Span>,
    /// From a scrape until a policy can see it.
    pub delay: Span,
    /// Share of scrapes that are lost.
    pub loss: Share,
}

/// A noise on the load that every seed draws anew: rates times a lognormal factor of mean 1 with a memory.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadNoiseFile {
    /// How far rates stray from the trace: the standard deviation of the factor's logarithm.
    pub share: Share,
    /// From one value of the noise to the next.
    #[serde(default = "LoadNoiseFile::every")]
    pub every: Positive<Span>,
    /// How long it takes until 1/e of a deviation is left.
    #[serde(default = "LoadNoiseFile::memory")]
    pub memory: Positive<Span>,
}

impl LoadNoiseFile {
    const fn every() -> Positive<Span> {
        Positive(Span::seconds(600))
    }

    const fn memory() -> Positive<Span> {
        Positive(Span::seconds(3_600))
    }

    /// As a run takes it.
    ///
    /// # Errors
    /// Noise that is drawn more often than anything can follow.
    pub fn checked(&self, at: &At<'_>) -> Result<LoadNoise, InputError> {
        if self.every.0 < Span::seconds(1) {
            let message = format!("{} from one value to the next is too short; write 1 s or more", self.every.0);
            return Err(at.key("every").error(message));
        }
        Ok(LoadNoise { share: self.share.0, every: self.every.0, memory: self.memory.0 })
    }
}

/// How capacities are learnt while a run goes on: the estimators of `smo fit`, a sample at a time.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LearnFile {
    /// From one sample to the next, at least; decisions in between add none.
    pub every: Positive<Span>,
    /// Samples before the first fit.
    pub samples: Positive<u32>,
    /// The share of its CPU request that a replica can use, where it is known; estimated or assumed otherwise.
    pub ceiling: Option<Share>,
    /// Which quantile of the estimate policies believe: `50 %` is the median, `10 %` (or less than 50 %) the careful one.
    pub quantile: Ratio,
}

impl Default for LearnFile {
    fn default() -> Self {
        Self { every: Positive(Span::seconds(60)), samples: Positive(60), ceiling: None, quantile: Ratio(500_000) }
    }
}

impl LearnFile {
    /// As a run takes it.
    ///
    /// # Errors
    /// A quantile that is not a lower one.
    pub fn checked(&self, at: &At<'_>) -> Result<Learn, InputError> {
        self.meant().map_err(|message| at.key("quantile").error(message))
    }

    /// The same, with what is wrong with the quantile as a sentence.
    ///
    /// # Errors
    /// A quantile that is not a lower one.
    pub fn meant(&self) -> Result<Learn, String> {
        if self.quantile == Ratio::ZERO || self.quantile > Ratio(500_000) {
            return Err(format!("{} is no quantile to plan by; write more than 0 % and at most 50 %", self.quantile));
        }
        let ceiling = self.ceiling.map(|share| share.0);
        Ok(Learn { every: self.every.0, samples: self.samples.0, ceiling, quantile: self.quantile })
    }
}

/// The platform that hosts the replicas.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PlatformFile {
    /// Bytes per second at which a node pulls images.
    pub pull_per_second: Positive<Bytes>,
    /// Fixed part of every pull: registry, unpacking.
    pub pull_latency: DelayFile,
    /// From the loss of a cluster or node until the control plane calls it lost.
    pub loss_noticed_after: Span,
    /// How nodes with room are ranked: `least_allocated` spreads, `most_allocated` packs.
    pub node_score: NodeScore,
    /// How node pools grow and shrink, as the Cluster Autoscaler of Kubernetes does it.
    pub autoscaler: AutoscalerFile,
}

/// How node pools with room to grow and shrink do so.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AutoscalerFile {
    /// Which pool grows, where several could take the replicas that wait.
    pub expander: Expander,
    /// A node whose replicas fit elsewhere is emptied and given back, once it has been used less than this for the pool's
    /// `idle_timeout`; `0 %`: only nodes are given back that are empty of themselves.
    pub utilisation: Share,
    /// After a request for nodes, none is given back for so long.
    pub delay_after_add: Span,
    /// From one look for unneeded nodes to the next.
    pub scan: Positive<Span>,
}

impl TelemetryFile {
    /// Fills in what depends on other fields.
    pub fn complete(&mut self) {
        self.jitter.get_or_insert(self.scrape.0);
    }

    /// Checks what is not wrong in itself.
    ///
    /// # Errors
    /// A jitter beyond the scrape interval, at `at`, which is the telemetry.
    pub fn checked(&self, at: &At<'_>) -> Result<Telemetry, InputError> {
        let (scrape, jitter) = (self.scrape.0, self.jitter.unwrap_or(self.scrape.0));
        if jitter > scrape {
            return Err(at
                .key("jitter")
                .error(format!("a jitter of {jitter} is more than one scrape of {scrape}; write at most {scrape}")));
        }
        Ok(Telemetry { scrape, jitter, window: self.window.0, delay: self.delay, loss: self.loss.0 })
    }
}

impl ControlFile {
    /// Checks what is not wrong in itself.
    ///
    /// # Errors
    /// A freeze that ends before it begins, at `at`, which is the control.
    pub fn checked(&self, at: &At<'_>) -> Result<Control, InputError> {
        let freezes_at = at.key("rails").key("freeze");
        for (index, freeze) in self.rails.freeze.iter().enumerate() {
            if freeze.until <= freeze.from {
                return Err(freezes_at.index(index).key("until").error(format!(
                    "the freeze ends at {} and begins at {}; write an end after the beginning",
                    freeze.until, freeze.from
                )));
            }
        }
        Ok(Control {
            every: self.every.0,
            on_arrival: self.on_arrival,
            effect_after: self.effect_after.0,
            decision_time: self.decision_time,
            rails: Rails {
                moves_per_tick: self.rails.moves_per_tick,
                removed_share: self.rails.removed_share.map(|share| share.0),
                freezes: self.rails.freeze.iter().map(|freeze| (freeze.from, freeze.until)).collect(),
            },
        })
    }
}

impl PlatformFile {
    /// As the model has it.
    pub const fn checked(&self) -> Platform {
        Platform {
            pull_bytes_per_second: self.pull_per_second.0,
            pull_latency: self.pull_latency.0,
            loss_noticed_after: self.loss_noticed_after,
            node_score: self.node_score,
            autoscaler: Autoscaler {
                expander: self.autoscaler.expander,
                utilisation: self.autoscaler.utilisation.0,
                delay_after_add: self.autoscaler.delay_after_add,
                scan: self.autoscaler.scan.0,
            },
        }
    }
}
