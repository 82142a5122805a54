//! Files in, a checked world out: the only stage that parses.
//!
//! A scenario is read as a tree in which every value knows its line (`yaml`, `node`); variants and `--set` change the tree
//! (`variant`), other files are spliced into it (`load`); then the raw types are read from it (`read`), which refuse
//! unknown keys and wrong units, and what must agree between values is checked part by part. The raw types are the format:
//! their documentation is what `smo scenario schema` prints. Defaults and limits stand in [`defaults`] and nowhere else.
//!
//! Deliberately absent: expressions, conditions, includes of includes. A scenario is data.

mod application;
mod at;
pub mod capacities;
mod capacity;
mod change;
mod civil;
pub mod condition;
pub mod connection;
mod cut;
pub mod defaults;
mod environment;
mod error;
mod expectation;
mod fault;
mod file;
pub mod formats;
pub mod gate;
pub mod hdag;
pub mod intents;
mod inventory;
pub mod kubernetes;
mod letters;
mod load;
mod machines;
mod neighbours;
mod network;
mod node;
pub mod observations;
mod occupied;
mod operation;
mod placed;
mod read;
mod rules;
mod scenario;
pub mod settings;
mod source;
pub mod suite;
mod table;
pub mod tables;
pub mod tasks;
mod terms;
pub mod trace;
mod truth;
mod variant;
pub mod world;
mod written;
mod yaml;

pub use capacity::CapacityLaw;
pub use change::{Change, change};
pub use error::{InputError, Mistake, Place, known_names};
pub use expectation::{Criterion, Nameable, criterion, expectation};
pub use file::InputFile;
pub use load::{Loaded, Request, load};
pub use operation::LearnFile;
pub use scenario::ScenarioFile;
pub use written::Share;

/// JSON Schema of a scenario, made from the types that read it, for editors and for people.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(ScenarioFile).to_value()
}
