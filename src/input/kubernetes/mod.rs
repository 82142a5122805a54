//! x
pub mod documents;
pub mod quantity;
