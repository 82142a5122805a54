//! The key of a run: sha256 over everything that it is a function of, and nothing else.
//!
//! In: program and features, the scenario as it is resolved, the files that it reads, its part in time, the policy with all
//! parameters, the seed, the warm-up. Not in: names, questions, expectations, the list of policies, numbers of seeds; so a
//! suite that is asked another question keeps its runs.

use crate::input::Loaded;
use crate::model::window::Window;
use crate::policy::PolicySpec;
use crate::record::manifest::Program;
use crate::units::Span;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Keys of a scenario that no run depends on.
const ASIDE: [&str; 5] = ["question", "expect", "policies", "seeds", "variants"];

/// Version and features of this program.
pub fn program() -> String {
    let Program { version, features, .. } = Program::this();
    if features.is_empty() { format!("smo {version}") } else { format!("smo {version} ({})", features.join(", ")) }
}

/// The hash of a world: scenario, files, part.
pub fn of_world(loaded: &Loaded, window: Window) -> String {
    let mut resolved = loaded.resolved();
    if let Value::Object(fields) = &mut resolved {
        fields.retain(|key, _| !ASIDE.contains(&key.as_str()));
    }
    // The first file is the scenario's own, which is resolved.
    let mut files: Vec<_> = loaded.inputs.iter().skip(1).map(|file| (&file.path, &file.sha256)).collect();
    files.sort();
    let until = window.until.map(|until| until.0);
    of(&json!({ "scenario": resolved, "files": files, "from": window.from.0, "until": until }))
}

/// The key of a run in a world.
pub fn of_run(world: &str, policy: &PolicySpec, seed: u64, warm_up: Span) -> String {
    let policy = policy.resolved();
    of(&json!({ "program": program(), "world": world, "policy": policy, "seed": seed, "warm_up": warm_up.0 }))
}

/// The key of a bound on the loss in a world on the day of a seed.
pub fn of_bound((world, seed): (&str, u64), warm_up: Span, bad_million_usd: f64) -> String {
    of(&json!({ "program": program(), "bound": world, "seed": seed, "warm_up": warm_up.0, "price": bad_million_usd }))
}

/// The hash of some JSON.
pub fn of(value: &Value) -> String {
    sha256(value.to_string().as_bytes())
}

/// sha256 in lower-case hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
