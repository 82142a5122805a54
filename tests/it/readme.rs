//! What the README shows is executed as it is written.

use crate::shown;
use std::path::Path;

#[test]
fn every_command_of_the_readme_runs_as_it_is_written() {
    assert!(shown::run_all(Path::new("README.md")) >= 5, "the README shows commands in `console` blocks");
}
