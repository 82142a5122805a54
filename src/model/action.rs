//! What was asked for and is under way.

use super::id::{ActionId, ClusterId, ServiceId};
use crate::units::Time;
use serde::Serialize;

/// A change of the replicas of one service in one cluster that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Action {
    /// Its id.
    pub id: ActionId,
    /// Whose replicas.
    pub service: ServiceId,
    /// Where.
    pub cluster: ClusterId,
    /// How many there were to be.
    pub from: u32,
    /// How many there are to be.
    pub to: u32,
    /// When it was asked for.
    pub asked_at: Time,
}

impl Action {
    /// Asks for `newer` besides what is under way. What one of them asks for otherwise, of the same service in the same cluster, is not
    /// under way any more.
    pub fn supersede(under_way: &mut Vec<Self>, newer: &[Self]) {
        let whose = |action: &Self| (action.service, action.cluster);
        under_way.retain(|old| newer.iter().all(|new| whose(new) != whose(old)));
        under_way.extend_from_slice(newer);
    }
}
