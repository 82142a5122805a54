//! `smo` on the command line: parse, dispatch, print the error chain, set the exit code.
//!
//! Exit codes: 0; 1 for a failure at run time; 2 for wrong usage or input; 3 for a plan that could not place
//! everything, or a drill with `--check` that fails. A reader that hangs up (`smo policies | head -1`) is no failure.

use clap::Parser;
use smo::cli::{Cli, Failure};
use std::io::{self, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let done = Cli::parse().run(&mut out).and_then(|()| out.flush().map_err(Failure::from));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nobody may be there to read it either.
            let _ = out.flush();
            let _ = failure.tell(&mut io::stderr().lock());
            ExitCode::from(failure.code)
        }
    }
}
