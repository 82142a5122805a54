//! Where the public data lie that are too large to ship.

use std::path::{Path, PathBuf};

/// `SMO_DATA_DIR`, or `../shared/data` beside the repository; `None` where neither is there.
pub fn data_dir() -> Option<PathBuf> {
    let given = std::env::var_os("SMO_DATA_DIR").map(PathBuf::from);
    let data = given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"));
    data.canonicalize().ok().filter(|data| data.is_dir())
}
