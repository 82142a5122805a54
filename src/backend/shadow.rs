//! Watches a backend and never acts: what would this policy have done?

use super::{Backend, BackendError};
use crate::model::observation::Action;
use crate::model::{Observation, Plan, Totals};
use crate::units::Span;
use std::collections::BTreeMap;

/// Observes what the inner backend observes, and applies nothing.
#[derive(Debug, Clone)]
pub struct Shadow<B>(pub B);

impl<B: Backend> Backend for Shadow<B> {
    fn observe(&mut self) -> Result<Observation, BackendError> {
        self.0.observe()
    }

    fn apply(&mut self, _: &Plan) -> Result<Vec<Action>, BackendError> {
        Ok(Vec::new())
    }

    fn so_far(&mut self) -> Option<Totals> {
        self.0.so_far()
    }

    fn troubles(&self) -> BTreeMap<String, u64> {
        self.0.troubles()
    }

    fn foresee(&mut self, span: Span) {
        self.0.foresee(span);
    }
}
