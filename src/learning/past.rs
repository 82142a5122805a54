//! What a run goes on from where another one learnt before it, and who is told what it learns: for a service, whose runs come and go.

use crate::capacity::IdentifiedBy;
use crate::capacity::online::Sample;
use crate::model::{CapacityByClass, ServiceId};
use crate::units::{Span, Time};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

/// What a run goes on from.
#[derive(Debug, Clone)]
pub struct Past {
    /// When the run starts, on the clock of the samples.
    pub started_at: Span,
    /// What is known of services; of those that are not named, nothing but what is declared.
    pub services: BTreeMap<ServiceId, Begin>,
    /// Who is told.
    pub pupil: Arc<dyn Hear>,
}

/// What is known of a service.
#[derive(Debug, Clone, Default)]
pub struct Begin {
    /// What its declared capacity is worth.
    pub stance: Stance,
    /// What was seen of it, in order of time.
    pub samples: Vec<Sample>,
}

/// What a declared capacity is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stance {
    /// It is a guess: it holds until another one is learnt, or seen to be so many times that.
    #[default]
    Open,
    /// It was learnt: it holds until another one is that rests on no assumption.
    Learnt,
    /// It holds: what is learnt raises alarms, and replaces nothing.
    Fixed,
    /// It stands for one that nobody knows: until one is learnt, policies see no rate, so that no figure follows from it.
    Unknown,
}

/// Who is told what is learnt.
pub trait Hear: Debug + Send + Sync {
    /// Takes what one sample taught.
    fn hear(&self, service: ServiceId, lesson: &Lesson);
}

/// What one sample taught.
#[derive(Debug, Clone, PartialEq)]
pub struct Lesson {
    /// The sample, on the clock of the samples.
    pub sample: Sample,
    /// The oldest sample that still counts: what is older is of a service that has changed since, or too much.
    pub since: Time,
    /// So many count.
    pub samples: usize,
    /// Whether it raised the alarm of drift.
    pub is_alarm: bool,
    /// Whether a model of its own fits all samples that count: an alarm before it is settled.
    pub is_settled: bool,
    /// Why there is no such model.
    pub refused: Option<String>,
    /// What is believed from now on, where that is something else.
    pub believed: Option<Believed>,
}

/// A capacity that is believed.
#[derive(Debug, Clone, PartialEq)]
pub struct Believed {
    /// The law, by class of clusters.
    pub capacity: CapacityByClass,
    /// What it rests on.
    pub identified_by: IdentifiedBy,
    /// Whether it is the model of before an alarm, scaled by what is known since.
    pub is_provisional: bool,
}
