//! The service: application graphs that are kept running on a Karmada control plane, over REST.
//!
//! ```text
//!  REST ─► api ─► store (what is wanted) ─► engine ─► a keeper a graph ─► backend::live ─► the world
//!                   ▲                                     │
//!                   └──────── what is observed ◄──────────┘
//! ```
//!
//! In reading order: `at` (times), `store` (what is wanted, what was observed, by whom: SQLite or PostgreSQL), `config`, `auth`,
//! `engine` (who keeps which graph, and how), `artifact`, `nfvcl`, `webhooks`, `api` (routes, problems, the original's routes), `acting` (the engine as
//! the interface knows it), `traces` (what is done, for a collector), `server` with `logs` (all of it put together).
//!
//! What always holds: what is wanted is stored before it is acted on; a status is what was observed, never what was wished; a
//! graph has one keeper at a time, whatever number of servers share a store; everything that touches the world goes through
//! [`backend::live`](crate::backend::live).

pub mod acting;
pub mod api;
pub mod artifact;
pub mod at;
pub mod auth;
pub mod config;
pub mod engine;
mod logs;
pub mod nfvcl;
pub mod server;
pub mod store;
pub mod traces;
pub mod webhooks;
