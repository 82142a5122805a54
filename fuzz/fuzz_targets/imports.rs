//! Fuzzes `imports`.
#![no_main]

#[path = "../hook.rs"]
mod hook;
#[path = "../targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    hook::spare_polars();
    targets::imports(bytes);
});
