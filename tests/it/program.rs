//! Starts the program as a user does, in a scratch directory that looks like a clone.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

/// A directory with the scenarios and traces that ship.
pub fn scratch() -> TempDir {
    let scratch = tempfile::tempdir().unwrap();
    for shared in ["scenarios", "suites", "traces"] {
        std::os::unix::fs::symlink(Path::new(env!("CARGO_MANIFEST_DIR")).join(shared), scratch.path().join(shared))
            .unwrap();
    }
    scratch
}

/// `smo ARGUMENTS` in `directory`.
pub fn smo<A: AsRef<OsStr>>(directory: &Path, arguments: impl IntoIterator<Item = A>) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smo"));
    command.args(arguments).current_dir(directory).env("NO_COLOR", "1");
    if let Some(data) = crate::data_dir() {
        command.env("SMO_DATA_DIR", data);
    }
    Said::from(command.output().unwrap())
}

/// What a program said.
#[derive(Debug)]
pub struct Said {
    /// The exit code.
    pub code: i32,
    /// On standard output.
    pub out: String,
    /// On standard error.
    pub err: String,
}

impl Said {
    /// That it ended well.
    #[track_caller]
    pub fn well(self) -> Self {
        assert_eq!(self.code, 0, "{}\n{}", self.out, self.err);
        self
    }

    /// That it ended with this code, and said `wanted` on standard error.
    #[track_caller]
    pub fn refused(self, code: i32, wanted: &str) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        assert!(self.err.contains(wanted), "wanted {wanted:?}, said:\n{}", self.err);
        self
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().expect("no signal ended it"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
