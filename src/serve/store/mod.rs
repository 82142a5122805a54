//! The store: what is wanted, what was observed of it, and who did what. SQLite in a file, or PostgreSQL, by the same statements.
//!
//! `rows` are the types; everything else is how they are kept. A graph is one row: what is wanted is written by the interface, and
//! what was observed by the graph's keeper, each without touching the other's columns.

pub mod rows;
