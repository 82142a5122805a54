//! The instances of the EURO/ROADEF challenge in a folder, as its public copies name the files.

use crate::cli::Failure;
use crate::input::tables::reassignment::{assignment, problem};
use crate::model::reassignment::{Assignment, Problem};
use crate::solver::reassignment::{breaches, cost};
use anyhow::anyhow;
use std::fs;
use std::path::Path;

/// An instance, with what is known of it.
#[derive(Debug)]
pub struct Instance {
    /// `a1_1`.
    pub name: String,
    /// Machines, processes and rules.
    pub problem: Problem,
    /// Where the processes are.
    pub given: Assignment,
    /// What that costs.
    pub original: u128,
    /// No assignment costs less, says its file.
    pub bound: Option<u128>,
    /// The best assignment that Gurobi found within an hour.
    pub gurobi: Option<u128>,
}

/// Costs that Gurobi reached in 3,600 s on the whole model, by the logs of `mdeboute/challenge_ROADEF_Google` (2022); on
/// `a2_4` and `a2_5` it found no assignment at all.
const GUROBI: &[(&str, u128)] = &[
    ("a1_1", 44_306_501),
    ("a1_2", 777_531_842),
    ("a1_3", 583_005_719),
    ("a1_4", 262_086_758),
    ("a1_5", 727_578_311),
    ("a2_1", 8_592_396),
    ("a2_2", 1_111_598_241),
    ("a2_3", 1_375_256_887),
];

/// All instances of a folder, by name.
///
/// # Errors
/// A folder without instances, and what is wrong with the first file that cannot be used.
pub fn all(folder: &Path) -> Result<Vec<Instance>, Failure> {
    let names = names(folder)?;
    if names.is_empty() {
        let hint = "an instance is a `model_NAME.txt` with an `assignment_NAME.txt`";
        return Err(Failure::input(anyhow!("{}: no instance is there\n  {hint}", folder.display())));
    }
    names.into_iter().map(|name| read(folder, name)).collect()
}

fn names(folder: &Path) -> Result<Vec<String>, Failure> {
    let unreadable =
        |error: std::io::Error| Failure::input(anyhow!("{}: the folder cannot be read: {error}", folder.display()));
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        let name = name.to_str().and_then(|name| name.strip_prefix("model_")?.strip_suffix(".txt"));
        names.extend(name.map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

fn read(folder: &Path, name: String) -> Result<Instance, Failure> {
    let path = |kind: &str| folder.join(format!("{kind}_{name}.txt"));
    let problem = problem(&path("model")).map_err(Failure::input)?;
    let given_path = path("assignment");
    let given = assignment(&given_path, &problem).map_err(Failure::input)?;
    if let Some(breach) = breaches(&problem, &given, &given).first() {
        let place = given_path.display();
        return Err(Failure::input(anyhow!(
            "{place}: the assignment breaks a rule, so that no plan can start: {breach}"
        )));
    }
    let original = cost(&problem, &given, &given).total();
    let stated_path = path("original_cost");
    if let Some(stated) = number(&stated_path)?.filter(|stated| *stated != original) {
        let place = stated_path.display();
        return Err(Failure::input(anyhow!(
            "{place}: states {stated}, but the given assignment costs {original}\n  are the files of one instance?"
        )));
    }
    let bound = number(&path("lb"))?;
    let gurobi = GUROBI.iter().find(|(known, _)| *known == name).map(|(_, cost)| *cost);
    Ok(Instance { name, problem, given, original, bound, gurobi })
}

/// The number that a file holds, where there is such a file.
fn number(path: &Path) -> Result<Option<u128>, Failure> {
    let wrong = |what: String| Failure::input(anyhow!("{}: {what}", path.display()));
    let length = match fs::metadata(path) {
        Ok(about) => about.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(wrong(format!("the file cannot be read: {error}"))),
    };
    if length > 1_000 {
        return Err(wrong("the file is too long for one whole number".to_owned()));
    }
    let text = fs::read_to_string(path).map_err(|error| wrong(format!("the file cannot be read: {error}")))?;
    let number = text.trim().parse().map_err(|_| wrong("the file is to hold one whole number".to_owned()))?;
    Ok(Some(number))
}
