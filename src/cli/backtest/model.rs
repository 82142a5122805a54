//! Which model a series is tested by: that of the file, or one fitted to its own training part.

use crate::capacity::{Fitted, FittedGroup, Observations, Series};
use crate::cli::fit::file::to_fitted;
use crate::cli::fit::gather::Gathered;
use crate::input::capacities::{ALL, FittedFile};

/// The samples of each series before the split.
pub fn training_part(gathered: &Gathered, train: f64) -> Gathered {
    let cut = |series: &Series| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
        let rows = (series.len() as f64 * train).round() as usize;
        series.first(rows)
    };
    let series = gathered.observations.series.iter().map(cut).collect();
    Gathered {
        observations: Observations { series },
        class_of: gathered.class_of.clone(),
        notes: Vec::new(),
        has_dates: gathered.has_dates,
    }
}

/// The group of a series.
pub fn group_of<'a>(groups: &'a [FittedGroup], series: &Series) -> Option<&'a FittedGroup> {
    groups.iter().find(|group| group.service == series.service && group.class == series.class)
}

/// The model that was fitted to the training part.
///
/// # Errors
/// Why there is none.
pub fn of_groups(groups: &[FittedGroup], series: &Series) -> Result<Fitted, String> {
    let group = group_of(groups, series).ok_or_else(|| "the training part has nothing of it".to_owned())?;
    match (group.fitted(), group.refused()) {
        (Some(fitted), _) => Ok(fitted.clone()),
        (None, Some(refusal)) => Err(format!("the training part does not identify it: {}", refusal.reason)),
        (None, None) => Err("the training part does not identify it".to_owned()),
    }
}

/// The model of the file.
///
/// # Errors
/// Why there is none.
pub fn of_file(file: &FittedFile, series: &Series, gathered: &Gathered) -> Result<Fitted, String> {
    let class = gathered.class_of.get(&series.class).unwrap_or(&series.class);
    let classes =
        file.services.get(&series.service).ok_or_else(|| "the file of capacities has no such service".to_owned())?;
    let found = classes.get(class).or_else(|| classes.get(ALL)).ok_or_else(|| {
        let known: Vec<&str> = classes.keys().map(String::as_str).collect();
        format!("the file of capacities has no class {class} of it, only {}", known.join(", "))
    })?;
    match &found.refused {
        Some(refused) => Err(format!("it was refused: {}", refused.reason)),
        None => to_fitted(found).ok_or_else(|| "the file of capacities has no coefficients of it".to_owned()),
    }
}
