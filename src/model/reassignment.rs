//! A machine reassignment problem: processes on machines, and what it costs to leave them there or to move them.
//!
//! The problem of the EURO/ROADEF challenge of 2012, posed by Google. Amounts are bare integers because the challenge
//! gives them without units. It is here, not with its reader, because readers and solvers meet in the model only.

use std::collections::BTreeSet;

/// A problem without an assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Resources, by index.
    pub resources: Vec<Resource>,
    /// Machines, by index.
    pub machines: Vec<Machine>,
    /// Services, by index.
    pub services: Vec<Service>,
    /// Processes, by index.
    pub processes: Vec<Process>,
    /// Balances between resources that are wished for.
    pub balances: Vec<Balance>,
    /// Weights of the costs of moves.
    pub weights: MoveWeights,
}

/// A resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resource {
    /// Whether a process that moves uses it on both machines.
    pub transient: bool,
    /// Cost of each unit in use above the safety capacity.
    pub weight: u64,
}

/// A machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Neighbourhood: services find those that they depend on there.
    pub neighbourhood: u64,
    /// Location: processes of a service are spread over several.
    pub location: u64,
    /// Capacity by resource.
    pub capacity: Vec<u64>,
    /// By resource, what may be in use at no cost.
    pub safety: Vec<u64>,
    /// Cost of a move from here, by machine.
    pub move_cost: Vec<u64>,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// In how many locations it must be at least.
    pub spread_min: usize,
    /// Indices of the services that must be in each neighbourhood where this one is.
    pub depends_on: BTreeSet<usize>,
}

/// A process; no two of a service share a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Index of its service.
    pub service: usize,
    /// What it needs, by resource.
    pub needs: Vec<u64>,
    /// Cost of moving it.
    pub move_cost: u64,
}

/// For each free unit of one resource, so many of another should be free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    /// Index of the resource that is free.
    pub of: usize,
    /// Index of the resource that should be free with it.
    pub with: usize,
    /// Units of `with` for each unit of `of`.
    pub target: u64,
    /// Cost of each unit that lacks.
    pub weight: u64,
}

/// Weights of the costs of moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MoveWeights {
    /// Of the sum over moved processes of their own costs.
    pub process: u64,
    /// Of the most processes that one service has moved.
    pub service: u64,
    /// Of the sum over moved processes of the cost between their machines.
    pub machine: u64,
}

/// Machine of each process, by index.
pub type Assignment = Vec<usize>;
