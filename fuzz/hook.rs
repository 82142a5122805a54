//! Which panics are no findings: those inside polars, which the reader of Parquet catches and reports as a broken file.

use std::sync::Once;

/// Lets panics of polars pass on to who catches them; all others still end the process.
pub fn spare_polars() {
    static SET: Once = Once::new();
    SET.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !info.location().is_some_and(|place| place.file().contains("polars")) {
                before(info);
            }
        }));
    });
}
