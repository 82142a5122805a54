//! The one integration binary: a file a behaviour.

mod readme;
mod tidy;

use std::path::{Path, PathBuf};

/// Where the public data lie that are too large to ship: `SMO_DATA_DIR`, or `../shared/data`; `None` where neither is there.
fn data_dir() -> Option<PathBuf> {
    let given = std::env::var_os("SMO_DATA_DIR").map(PathBuf::from);
    let data = given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"));
    data.canonicalize().ok().filter(|data| data.is_dir())
}
