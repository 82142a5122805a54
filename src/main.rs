//! `smo` on the command line: parse, dispatch, print the error chain, set the exit code.

fn main() {}
