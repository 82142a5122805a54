//! Tables of facts about regions, machines and grids, and how a scenario joins them.
//!
//! ```text
//! regions, sites, machine_types ─► expand ─► inventory.clusters        (before variants and --set: clusters are named)
//! machines, power, prices ───────► join ───► cpu, memory, power, price (after them: a variant may name another machine)
//! carbon, latency, egress, users ──────────► environment, network      (by region, grid zone or place of the clusters)
//! ```
//!
//! A file is recognised by the names of its columns, never by its own name. What a table does not know is an error that
//! names the pair, or a note where something else is assumed; an empty cell is never zero.

pub mod calendar;
pub mod carbon;
pub mod expand;
pub mod grid;
pub mod join;
pub mod latency;
pub mod machine_types;
pub mod machines;
pub mod network;
pub mod power;
pub mod prices;
pub mod reassignment;
pub mod regions;
pub mod sheet;
pub mod sites;
mod tree;
