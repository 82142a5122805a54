//! Karmada's `FederatedHPA`: the horizontal pod autoscaler on the pods of all member clusters.
//!
//! The algorithm is that of [`hpa`](super::hpa) with one thing more. Karmada may run another number of replicas than the
//! template says (a scheduler that finds no room, duplicated replicas), and the controller counts pods where they run; so each
//! proposal that follows from a number of pods is divided by the *calibration*, Σ `spec.replicas` of the members over
//! `spec.replicas` of the template. It assumes that all pods share the load equally, wherever they are: with users near one
//! cluster that is wrong, and the mean over clusters hides it.

use super::hpa::{HPA_PARAMETERS, Hpa};
use super::{Entry, Scaling};

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "federated-hpa",
    summary: "Karmada's FederatedHPA: the HPA on the pods of all clusters, calibrated by what runs",
    about: "As `hpa`, with proposal = ⌈ratio·pods ÷ calibration⌉, calibration = Σ replicas asked of the clusters ÷ replicas \
        wanted. Pods of all clusters count alike, as if they shared the load equally. Source: Karmada v1.18.2, \
        pkg/controllers/federatedhpa (replica_calculator.go).",
    parameters: &HPA_PARAMETERS,
    partner: "karmada",
    build: |parameters| {
        let scaling: Box<dyn Scaling> = Box::new(Hpa::read(parameters)?.federated());
        Ok(scaling)
    },
};
