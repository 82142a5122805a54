//! Power of a virtual CPU by processor family: the coefficients of Cloud Carbon Footprint.

use super::machines::Machine;
use super::sheet::Sheet;
use crate::input::error::InputError;
use crate::input::formats::{Column, FormatPage, Kind};
use crate::units::Watts;
use std::collections::BTreeMap;

/// Watts of one virtual CPU, idle and busy, by family (see [`family`]).
pub type Coefficients = BTreeMap<String, (Watts, Watts)>;

/// Coefficients of use.
pub const PAGE: FormatPage = FormatPage {
    name: "ccf-power",
    kind: Kind::Inventory,
    what: "Watts of one virtual CPU by processor family (Cloud Carbon Footprint, coefficients of use)",
    extensions: &[".csv", ".csv.gz", ".csv.zst"],
    columns: &[
        Column { name: "Architecture", unit: "text", meaning: "processor family; joins the instance tables" },
        Column { name: "Min Watts", unit: "W per vCPU", meaning: "idle" },
        Column { name: "Max Watts", unit: "W per vCPU", meaning: "busy" },
    ],
    example: ",Architecture,Min Watts,Max Watts,GB/Chip\n4,Cascade Lake,0.6389493581523519,3.6424520285114035,98.1",
    writable: false,
};

/// A family by which tables are joined: `Sky Lake` is `Skylake`.
pub fn family(name: &str) -> String {
    name.chars().filter(|letter| !letter.is_whitespace()).collect::<String>().to_lowercase()
}

/// Reads all coefficients.
///
/// # Errors
/// A missing column, a broken or empty cell, or a busy processor that draws less than an idle one.
pub fn read(sheet: &mut Sheet) -> Result<Coefficients, InputError> {
    let [name, min, max] = [sheet.column("Architecture")?, sheet.column("Min Watts")?, sheet.column("Max Watts")?];
    let mut all = BTreeMap::new();
    while sheet.read()? {
        let (idle, busy) = (sheet.given(min, sheet.number(min)?)?, sheet.given(max, sheet.number(max)?)?);
        if busy < idle {
            return Err(sheet.error(max, &format!("{busy} W busy is less than {idle} W idle; exchange the two")));
        }
        all.insert(family(sheet.name(name)?), (Watts(idle), Watts(busy)));
    }
    Ok(all)
}

/// Power of a machine that does nothing, and of one whose virtual CPUs are all busy: vCPUs × the mean over the families
/// that it may run on. `None` where a family has no coefficient, or none is known.
pub fn of(machine: &Machine, coefficients: &Coefficients) -> Option<(Watts, Watts)> {
    let known: Option<Vec<_>> =
        machine.architectures.iter().map(|name| coefficients.get(&family(name)).copied()).collect();
    let known = known.filter(|all| !all.is_empty())?;
    #[expect(clippy::cast_precision_loss, reason = "processor families are few")]
    let per = machine.cpu.cores() / known.len() as f64;
    let sum = |pick: fn(&(Watts, Watts)) -> f64| known.iter().map(pick).sum::<f64>() * per;
    Some((Watts(sum(|both| both.0.0)), Watts(sum(|both| both.1.0))))
}
