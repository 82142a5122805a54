//! What a machine type has: virtual CPUs, memory, accelerators, and its power where the table measured it.
//!
//! Six forms, told apart by their headers: the three instance tables of Cloud Carbon Footprint (the one for AWS with
//! measured power, decimal commas), the machine types of Google Cloud, AWS's list of 2017, and the results of `SPECpower`.
//! Providers write `GB` for what are GiB.

use super::sheet::{Column, Sheet};
use crate::input::error::InputError;
use crate::input::formats::{self, FormatPage, Kind};
use crate::units::{Bytes, MilliCores, Watts};
use std::collections::{BTreeMap, BTreeSet};

/// A machine type.
#[derive(Debug, Clone, PartialEq)]
pub struct Machine {
    /// Virtual CPUs.
    pub cpu: MilliCores,
    /// Memory.
    pub memory: Bytes,
    /// Accelerators.
    pub gpus: u64,
    /// Power idle and busy, where it was measured.
    pub power: Option<(Watts, Watts)>,
    /// Processor families that it may run on; power coefficients go by them.
    pub architectures: BTreeSet<String>,
}

/// The most machine types of a table: all are kept, in ten times the room of their text. All clouds together have 5,000.
const MACHINES_MAX: usize = 50_000;

/// Instance tables of Cloud Carbon Footprint.
pub const PAGE: FormatPage = FormatPage {
    name: "ccf-instances",
    kind: Kind::Inventory,
    what: "Instance types with CPUs, memory, accelerators and processor (Cloud Carbon Footprint; AWS, Azure, Google Cloud)",
    extensions: &[".csv", ".csv.gz", ".csv.zst"],
    columns: &[
        formats::Column {
            name: "Instance type | Virtual Machine | Machine type",
            unit: "text",
            meaning: "name; a type that may run on several processors has a row each",
        },
        formats::Column { name: "Instance vCPU(s)", unit: "vCPU", meaning: "virtual CPUs" },
        formats::Column { name: "Instance Memory (in GB)", unit: "GiB", meaning: "memory; decimal comma or point" },
        formats::Column {
            name: "Instance Number of GPU | Instance GPUs",
            unit: "devices",
            meaning: "empty or N/A: none",
        },
        formats::Column { name: "Microarchitecture", unit: "text", meaning: "joins the power coefficients (not AWS)" },
        formats::Column {
            name: "Instance @ Idle, Instance @ 100%",
            unit: "W",
            meaning: "measured power, accelerators included (AWS); decimal comma",
        },
    ],
    example: "Machine Family,Machine type,Microarchitecture,Instance vCPUs,Instance Memory,Instance GPUs\nn2,n2-standard-8,Cascade Lake,8,32,0",
    writable: false,
};

/// Machine types as Google Cloud lists them.
pub const PAGE_GCP: FormatPage = FormatPage {
    name: "gcp-machine-types",
    kind: Kind::Inventory,
    what: "Machine types as Google Cloud lists them, separated by semicolons",
    extensions: &[".csv", ".csv.gz", ".csv.zst"],
    columns: &[
        formats::Column { name: "NAME", unit: "text", meaning: "machine type" },
        formats::Column { name: "CPUS", unit: "vCPU", meaning: "virtual CPUs" },
        formats::Column { name: "MEMORY_GB", unit: "GiB", meaning: "memory" },
    ],
    example: "NAME;CPUS;SHARED_CPU;MEMORY_GB;DEPRECATED;ZONE\na2-highgpu-1g;12;False;85.00;;",
    writable: false,
};

/// Results of `SPECpower`.
pub const PAGE_SPEC: FormatPage = FormatPage {
    name: "specpower",
    kind: Kind::Inventory,
    what: "Servers with cores, memory and measured power (SPECpower_ssj2008 results)",
    extensions: &[".csv", ".csv.gz", ".csv.zst"],
    columns: &[
        formats::Column {
            name: "System Enclosure (if applicable)",
            unit: "text",
            meaning: "name; where several results have it, write `NAME / CPU DESCRIPTION`",
        },
        formats::Column { name: "CPU Description", unit: "text", meaning: "tells systems of one name apart" },
        formats::Column { name: "Nodes", unit: "nodes", meaning: "all else is divided by it" },
        formats::Column { name: "Cores", unit: "cores", meaning: "CPU" },
        formats::Column { name: "Total Memory (GB)", unit: "GiB", meaning: "memory" },
        formats::Column {
            name: "avg. watts @ active idle, avg. watts @ 100%",
            unit: "W",
            meaning: "power idle and busy",
        },
    ],
    example: "Hardware Vendor Test Sponsor,System Enclosure (if applicable),Nodes,CPU Description,Cores,Total Memory (GB)\nColfax,CX2266-N2,1,AMD Opteron 2216HE,4,16",
    writable: false,
};

/// A name by which tables of different origin are joined: without case, `Standard_` and kind of separator, so that
/// `n2-standard-8` is `n2_standard_8` and `D8 v3` is `Standard_D8_v3`.
pub fn key(name: &str) -> String {
    let plain: String = name
        .trim()
        .chars()
        .map(|letter| if letter.is_alphanumeric() { letter.to_ascii_lowercase() } else { '_' })
        .collect();
    plain.strip_prefix("standard_").unwrap_or(&plain).to_owned()
}

/// Columns of a form; those that are not there are none.
struct Form {
    names: [&'static str; 4],
    gpus: &'static str,
    architecture: &'static str,
    watts: [&'static str; 2],
}

const FORMS: &[Form] = &[
    Form {
        names: ["Instance type", "Instance vCPU", "Instance Memory (in GB)", ""],
        gpus: "Instance Number of GPU",
        architecture: "",
        watts: ["Instance @ Idle", "Instance @ 100%"],
    },
    Form {
        names: ["Virtual Machine", "Instance vCPUs", "Instance Memory", ""],
        gpus: "Instance GPUs",
        architecture: "Microarchitecture",
        watts: ["", ""],
    },
    Form {
        names: ["Machine type", "Instance vCPUs", "Instance Memory", ""],
        gpus: "Instance GPUs",
        architecture: "Microarchitecture",
        watts: ["", ""],
    },
    Form { names: ["NAME", "CPUS", "MEMORY_GB", ""], gpus: "", architecture: "", watts: ["", ""] },
    Form { names: ["instance_type", "vcpus", "memory_gib", ""], gpus: "gpus", architecture: "", watts: ["", ""] },
    Form {
        names: ["System Enclosure (if applicable)", "Cores", "Total Memory (GB)", "CPU Description"],
        gpus: "",
        architecture: "",
        watts: ["avg. watts @ active idle", "avg. watts @ 100%"],
    },
];

/// Reads all machine types, by their [`key`]. Rows without CPUs or memory are passed over.
///
/// # Errors
/// Another table; a broken cell; two rows of one name that differ in shape.
pub fn read(sheet: &mut Sheet) -> Result<BTreeMap<String, Machine>, InputError> {
    let fits = |form: &&Form| form.names.iter().all(|name| name.is_empty() || sheet.find(name).is_some());
    let Some(form) = FORMS.iter().find(fits) else {
        return Err(sheet.unknown_header("tables of machines are listed by `smo formats`"));
    };
    let [name, cpu, memory] = [0, 1, 2].map(|index| sheet.find(form.names[index]).unwrap_or(Column(usize::MAX)));
    // A table may have a column without a name: that is none of the columns that a form does not have.
    let find = |name: &str| if name.is_empty() { None } else { sheet.find(name) };
    let (detail, nodes) = (find(form.names[3]), find("Nodes"));
    let (gpus, architecture) = (find(form.gpus), find(form.architecture));
    let watts = find(form.watts[0]).zip(find(form.watts[1]));
    let mut all = BTreeMap::new();
    while sheet.read()? {
        let (Some(cpus), Some(gib)) = (quantity(sheet, cpu)?, quantity(sheet, memory)?) else { continue };
        let share = match nodes {
            Some(nodes) => 1.0 / quantity(sheet, nodes)?.filter(|nodes| *nodes >= 1.0).unwrap_or(1.0),
            None => 1.0,
        };
        let power = match watts {
            Some((idle, busy)) => quantity(sheet, idle)?.zip(quantity(sheet, busy)?),
            None => None,
        };
        let machine = Machine {
            cpu: MilliCores(whole(cpus * share * 1e3)),
            memory: Bytes(whole(gib * share * f64::from(1 << 30))),
            gpus: gpus.map_or(Ok(None), |gpus| quantity(sheet, gpus))?.map_or(0, whole),
            power: power.map(|(idle, busy)| (Watts(idle * share), Watts(busy * share))),
            architectures: architecture.map_or(Ok(""), |column| sheet.text(column)).map(of_text)?,
        };
        let written = sheet.name(name)?;
        if let Some(detail) = detail {
            add(&mut all, key(&format!("{written} / {}", sheet.text(detail)?)), &machine);
        }
        add(&mut all, key(written), &machine);
        if all.len() > MACHINES_MAX {
            return Err(sheet.error(name, &format!("more than {MACHINES_MAX} machine types; keep those that are used")));
        }
    }
    let ambiguous = |(name, found): (String, Found)| found.machine.map(|machine| (name, machine));
    Ok(all.into_iter().filter_map(ambiguous).collect())
}

/// A machine under a name; none where several share the name and differ.
struct Found {
    machine: Option<Machine>,
}

fn add(all: &mut BTreeMap<String, Found>, name: String, machine: &Machine) {
    let Some(found) = all.get_mut(&name) else {
        all.insert(name, Found { machine: Some(machine.clone()) });
        return;
    };
    if let Some(known) = &mut found.machine {
        if (known.cpu, known.memory, known.gpus, known.power)
            == (machine.cpu, machine.memory, machine.gpus, machine.power)
        {
            known.architectures.extend(machine.architectures.iter().cloned());
        } else {
            found.machine = None;
        }
    }
}

fn of_text(text: &str) -> BTreeSet<String> {
    (!text.is_empty()).then(|| text.to_owned()).into_iter().collect()
}

/// A number with a decimal point or comma; `None` for an empty cell and `N/A`.
fn quantity(sheet: &Sheet, column: Column) -> Result<Option<f64>, InputError> {
    let text = sheet.text(column)?;
    if text.is_empty() || text.eq_ignore_ascii_case("n/a") || text == "NC" {
        return Ok(None);
    }
    match text.replace(',', ".").parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => Ok(Some(number)),
        _ => Err(sheet.error(column, &format!("`{text}` is not a number from 0 up; write it like `12.5` or `12,5`"))),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "cells are not negative; the cast saturates"
)]
fn whole(number: f64) -> u64 {
    number.round() as u64
}

#[cfg(test)]
mod tests {
    use super::key;

    #[test]
    fn names_of_different_tables_meet() {
        assert_eq!(key("n2-standard-8"), key("n2_standard_8"));
        assert_eq!(key("m4.2xlarge"), key("m4_2xlarge"));
        assert_eq!(key("D8 v3"), key("Standard_D8_v3"));
        assert_ne!(key("n2-standard-8"), key("n2-standard-80"));
        assert_ne!(key("Standard_A1"), key("Basic_A1"));
    }
}
