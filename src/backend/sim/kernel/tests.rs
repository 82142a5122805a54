//! Orders, ties, cancellation and clones, by hand and against a model.
