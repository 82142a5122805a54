//! How a command fails: what is said, and the exit code that scripts see.

use std::io::{self, Write};

/// The exit code for a failure at run time.
const RUN: u8 = 1;
/// The exit code for wrong usage or input; clap uses the same.
const INPUT: u8 = 2;

/// The exit code of a plan that could not place everything.
const REFUSED: u8 = 3;
/// The exit code of a suite that got worse than its gate allows.
const WORSE: u8 = 4;

/// A command did not do what it was asked.
#[derive(Debug)]
pub struct Failure {
    /// Exit code.
    pub code: u8,
    /// What is to be said; `None` where everything has been.
    pub error: Option<anyhow::Error>,
}

impl Failure {
    /// The input, or the way it was asked, is wrong.
    pub fn input(error: impl Into<anyhow::Error>) -> Self {
        Self { code: INPUT, error: Some(error.into()) }
    }

    /// Something went wrong on the way.
    pub fn run(error: impl Into<anyhow::Error>) -> Self {
        Self { code: RUN, error: Some(error.into()) }
    }

    /// Something was not as it should be, and the output says what.
    pub const fn told(input: bool) -> Self {
        Self { code: if input { INPUT } else { RUN }, error: None }
    }

    /// Something found no place, and the output says what.
    pub const fn refused() -> Self {
        Self { code: REFUSED, error: None }
    }

    /// Something got worse than is allowed, and the output says what.
    pub const fn worse() -> Self {
        Self { code: WORSE, error: None }
    }

    /// Says what is wrong: the error, then its causes, as far as they are not said yet.
    ///
    /// # Errors
    /// Where it cannot be said.
    pub fn tell(&self, err: &mut dyn Write) -> io::Result<()> {
        let Some(error) = &self.error else { return Ok(()) };
        let mut said = error.to_string();
        writeln!(err, "error: {said}")?;
        for cause in error.chain().skip(1).map(ToString::to_string) {
            if !said.contains(&cause) {
                writeln!(err, "  {cause}")?;
                said = cause;
            }
        }
        Ok(())
    }
}

impl From<io::Error> for Failure {
    /// An output that cannot be written is a failure, unless its reader has just seen enough.
    fn from(error: io::Error) -> Self {
        let error = anyhow::Error::new(error);
        // A writer in between (CSV, compression) wraps it.
        if error.chain().filter_map(|cause| cause.downcast_ref()).any(is_hung_up) {
            return Self { code: 0, error: None };
        }
        Self::run(error.context("the output cannot be written"))
    }
}

fn is_hung_up(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

#[cfg(test)]
mod tests {
    use super::Failure;
    use anyhow::anyhow;
    use std::io::{Error, ErrorKind};

    #[test]
    fn the_chain_of_causes_is_told_without_repetition() {
        let failure = Failure::run(anyhow!("no room").context("b: no room").context("a failed"));
        let mut said = Vec::new();
        failure.tell(&mut said).unwrap();
        assert_eq!(String::from_utf8(said).unwrap(), "error: a failed\n  b: no room\n");
    }

    #[test]
    fn a_reader_that_hangs_up_is_no_failure() {
        assert_eq!(Failure::from(Error::from(ErrorKind::BrokenPipe)).code, 0);
        assert_eq!(Failure::from(Error::from(ErrorKind::StorageFull)).code, 1);
    }
}
