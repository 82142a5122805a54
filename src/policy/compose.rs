//! A scaling and a placement make a policy: first how many, then where.

use super::{Budget, Context, Placement, Policy, PolicyError, Scaling};
use crate::model::{Explanation, Plan, Snapshot};
use crate::seed::Stream;

/// `scaling` says how many, `placement` says where.
pub struct Composed {
    /// Where.
    pub placement: Box<dyn Placement>,
    /// How many.
    pub scaling: Box<dyn Scaling>,
}

impl Policy for Composed {
    fn decide(&mut self, snapshot: &Snapshot, budget: &Budget, stream: &mut Stream) -> Result<Plan, PolicyError> {
        let wanted = self.scaling.scale(snapshot, stream)?;
        let mut plan = self.placement.place(snapshot, &wanted, Context { budget, stream })?;
        if plan.why.is_empty() {
            plan.why = wanted.why;
        }
        Ok(plan)
    }

    fn explain(&self, snapshot: &Snapshot, plan: &Plan) -> Explanation {
        self.placement.explain(snapshot, plan)
    }

    fn fork(&self) -> Box<dyn Policy> {
        Box::new(Self { placement: self.placement.fork(), scaling: self.scaling.fork() })
    }
}
