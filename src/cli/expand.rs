//! From what was asked to the runs: scenario × variant × policy × seed, in this order, each with its directory.

use super::Failure;
use super::job::{Job, Setting};
use super::names::Names;
use super::simulate::Arguments;
use crate::input::Request;
use crate::model::Expectation;
use crate::policy::{Asked, PolicySpec};
use crate::report::metric;
use crate::seed::Seed;
use anyhow::{Context, anyhow};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// All runs of one scenario.
#[derive(Debug)]
pub struct Batch {
    /// Where they lie, and their page.
    pub directory: PathBuf,
    /// What is expected of them.
    pub expect: Vec<Expectation>,
    /// The runs.
    pub jobs: Vec<Job>,
}

/// Reads everything that was asked for, before anything is run or written.
///
/// # Errors
/// The first thing that is wrong.
pub fn batches(arguments: &Arguments) -> Result<Vec<Batch>, Failure> {
    let mut names = Names::default();
    let mut paths: Vec<&Path> = Vec::new();
    for path in &arguments.scenarios {
        if !paths.contains(&path.as_path()) {
            paths.push(path);
        }
    }
    paths.into_iter().map(|path| batch(path, arguments, &mut names)).collect()
}

fn batch(path: &Path, arguments: &Arguments, names: &mut Names) -> Result<Batch, Failure> {
    let base = Arc::new(load(path, arguments, None)?);
    metric::check(&base.loaded.expect).with_context(|| path.display().to_string()).map_err(Failure::input)?;
    let policies = policies(&base, &arguments.policies)?;
    let seeds = arguments.seeds.unwrap_or(base.loaded.seeds);
    let directory = names.directory(&arguments.out, &base.loaded.name);
    let variants = variants(&base, &arguments.variants)?;
    let mut settings = vec![(base.clone(), directory.clone())];
    for variant in variants {
        let setting = load(path, arguments, Some(variant.clone()))?;
        settings.push((Arc::new(setting), names.directory(&directory, &variant)));
    }
    let mut jobs = Vec::new();
    for (setting, parent) in &settings {
        for policy in &policies {
            for seed in 1..=u64::from(seeds) {
                let directory = names.directory(parent, &format!("{}-{seed}", policy.label));
                jobs.push(Job { setting: setting.clone(), policy: policy.clone(), seed: Seed(seed), directory });
            }
        }
    }
    Ok(Batch { directory, expect: base.loaded.expect.clone(), jobs })
}

fn load(path: &Path, arguments: &Arguments, variant: Option<String>) -> Result<Setting, Failure> {
    let request = Request { set: arguments.set.clone(), variant, until: arguments.until, ..Request::default() };
    Setting::load(path, request).map_err(Failure::input)
}

/// The policies that were asked for, or else the scenario's, each once.
///
/// # Errors
/// One in the scenario that does not exist so.
pub fn policies(setting: &Setting, asked: &[Asked]) -> Result<Vec<PolicySpec>, Failure> {
    let written = || {
        let parse = |text: &String| {
            let at = || format!("{}: field `policies`", setting.path.display());
            text.parse::<Asked>().with_context(at).map_err(Failure::input)
        };
        setting.loaded.policies.iter().map(parse).collect::<Result<Vec<_>, Failure>>()
    };
    let all = if asked.is_empty() { written()? } else { asked.to_vec() };
    let mut once: Vec<PolicySpec> = Vec::new();
    for policy in all.into_iter().flat_map(|asked| asked.policies) {
        if once.iter().all(|one| one.label != policy.label) {
            once.push(policy);
        }
    }
    Ok(once)
}

/// The labels of a recorded scenario's policies, kinds written out; those that this program does not know as they stand.
pub fn labels(resolved: &serde_json::Value) -> Vec<String> {
    let written = resolved["policies"].as_array().into_iter().flatten().filter_map(serde_json::Value::as_str);
    let of = |text: &str| match text.parse::<Asked>() {
        Ok(asked) => asked.policies.into_iter().map(|policy| policy.label).collect(),
        Err(_) => vec![text.split_whitespace().collect()],
    };
    written.flat_map(of).collect::<Vec<String>>()
}

/// The variants that were asked for, or else all, each once.
fn variants(base: &Setting, asked: &[String]) -> Result<Vec<String>, Failure> {
    let known = &base.loaded.variants;
    if let Some(stranger) = asked.iter().find(|name| !known.contains(name)) {
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let scenario = base.path.display();
        return Err(Failure::input(anyhow!("{scenario}: no variant is called `{stranger}`; there are: {known}")));
    }
    let stays = |name: &&String| asked.is_empty() || asked.contains(name);
    Ok(known.iter().filter(stays).cloned().collect())
}
