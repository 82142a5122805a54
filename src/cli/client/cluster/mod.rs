//! `smo cluster`: the clusters of a server's control plane, as they were seen last, and what an operator says of them.

#[cfg(feature = "live")]
mod table;

use super::flags::Common;

const LIST: &str = "\
Examples:
  smo cluster list
  smo cluster list --format json | jq '.[] | select(.ready | not) | .name'";

const SHOW: &str = "\
Examples:
  smo cluster show edge-1
  smo cluster show edge-1 --format yaml";

const SYNC: &str = "\
Examples:
  smo cluster sync
  smo cluster sync --format json";

const SET: &str = "\
Examples:
  smo cluster set edge-1 location=Milan carbon=270 pue=1.4
  smo cluster set edge-1 price=0.031 acceleration=yes trusted=yes near-devices=yes
  smo cluster set edge-1 rtt=edge-2:4.5,core:32       ms there and back to others
  smo cluster set edge-1 carbon=                      take it away again

Fields: location (words), price ($ of a core for an hour), carbon (g CO2e per kWh of its grid),
pue (at least 1), acceleration, trusted (graphs with the security intent may run there),
near-devices (yes or no) and rtt (CLUSTER:MS,...; goes before what Submariner measures).";

/// What can be asked about clusters.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List clusters with what is free of them, as they were seen last.
    #[command(after_help = LIST)]
    List(Common),
    /// Ask the control plane for its clusters now.
    #[command(after_help = SYNC)]
    Sync(Common),
    /// Show a cluster.
    #[command(after_help = SHOW)]
    Show(Show),
    /// Say of a cluster what its control plane does not know: where it is, what it costs.
    #[command(after_help = SET)]
    Set(Set),
}

/// Which cluster is shown.
#[derive(Debug, clap::Args)]
pub struct Show {
    /// The cluster, as the control plane calls it.
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    common: Common,
}

/// What is said of a cluster.
#[derive(Debug, clap::Args)]
pub struct Set {
    /// The cluster, as the control plane calls it.
    #[arg(value_name = "NAME")]
    name: String,
    /// A field and its value; without a value it is taken away.
    #[arg(value_name = "FIELD=VALUE", required = true)]
    fields: Vec<String>,
    #[command(flatten)]
    common: Common,
}

#[cfg(feature = "live")]
pub use doing::run;

#[cfg(feature = "live")]
mod doing {
    use super::{Command, Set, table};
    use crate::cli::Failure;
    use crate::cli::client::server::{Ask, Server};
    use crate::cli::client::told::{self, counted, items};
    use crate::input::known_names;
    use anyhow::anyhow;
    use reqwest::Method;
    use serde_json::{Map, Value};
    use std::io::Write;

    /// What a field is read as.
    #[derive(Debug, Clone, Copy)]
    enum Kind {
        Words,
        Number,
        YesNo,
        Distances,
    }

    /// Fields: as they are written here, as the server calls them, what they hold.
    const FIELDS: [(&str, &str, Kind); 8] = [
        ("location", "location", Kind::Words),
        ("price", "price_per_core_hour", Kind::Number),
        ("carbon", "carbon", Kind::Number),
        ("pue", "pue", Kind::Number),
        ("acceleration", "acceleration", Kind::YesNo),
        ("trusted", "trusted", Kind::YesNo),
        ("near-devices", "near_devices", Kind::YesNo),
        ("rtt", "rtt_ms", Kind::Distances),
    ];

    /// Does what was asked.
    ///
    /// # Errors
    /// A server that does not answer, a cluster that is not there, a field that is none.
    pub async fn run(command: &Command, out: &mut dyn Write) -> Result<(), Failure> {
        match command {
            Command::List(common) => {
                let server = Server::open(&common.at)?;
                let clusters = items(server.ask(&Ask::get(&["clusters"])).await?.body);
                told::print(common.format, &clusters, out, table::list)
            }
            Command::Sync(common) => {
                let server = Server::open(&common.at)?;
                let clusters = items(server.ask(&Ask::post(&["clusters", "sync"])).await?.body);
                let count = counted(clusters.as_array().map_or(0, Vec::len), "cluster");
                told::print(common.format, &clusters, out, |clusters| {
                    format!("synchronised {count}\n\n{}", table::list(clusters))
                })
            }
            Command::Show(arguments) => {
                let server = Server::open(&arguments.common.at)?;
                let cluster = server.ask(&Ask::get(&["clusters", &arguments.name])).await?.body;
                told::print(arguments.common.format, &cluster, out, table::cluster)
            }
            Command::Set(arguments) => set(arguments, out).await,
        }
    }

    async fn set(arguments: &Set, out: &mut dyn Write) -> Result<(), Failure> {
        let change = change(&arguments.fields)?;
        let server = Server::open(&arguments.common.at)?;
        let ask = Ask::new(Method::PATCH, &["clusters", &arguments.name]).sending_json(&change);
        let cluster = server.ask(&ask).await?.body;
        told::print(arguments.common.format, &cluster, out, table::cluster)
    }

    /// Fields as the server takes them: what is taken away is `null`.
    fn change(fields: &[String]) -> Result<Value, Failure> {
        let mut change = Map::new();
        for field in fields {
            let wrong = |what: &str| Failure::input(anyhow!("`{field}`: {what}"));
            let (name, text) = field.split_once('=').ok_or_else(|| wrong("no value\n  write it like carbon=270"))?;
            let known = FIELDS.iter().find(|(known, _, _)| *known == name);
            let (_, key, kind) = known.ok_or_else(|| {
                let names = FIELDS.map(|(name, _, _)| name);
                Failure::input(anyhow!("a cluster has no field `{name}`\n  {}", known_names(name, "fields", &names)))
            })?;
            let value = value(text.trim(), *kind).map_err(|what| wrong(&what))?;
            if change.insert((*key).to_owned(), value).is_some() {
                return Err(wrong("said twice\n  once is enough"));
            }
        }
        Ok(change.into())
    }

    fn value(text: &str, kind: Kind) -> Result<Value, String> {
        if text.is_empty() {
            return Ok(Value::Null);
        }
        match kind {
            Kind::Words => Ok(text.into()),
            Kind::Number => number(text)
                .map(Value::from)
                .ok_or_else(|| "no number of at least 0\n  write it like carbon=270".to_owned()),
            Kind::Distances => {
                let one = |pair: &str| {
                    let (name, ms) = pair.split_once(':')?;
                    Some((name.trim().to_owned(), number(ms.trim())?.into())).filter(|(name, _)| !name.is_empty())
                };
                let all: Option<Map<String, Value>> = text.split(',').map(one).collect();
                all.map(Value::from)
                    .ok_or_else(|| "no distances\n  write them like rtt=edge-2:4.5,core:32, in ms".to_owned())
            }
            Kind::YesNo => match text {
                "yes" | "true" => Ok(true.into()),
                "no" | "false" => Ok(false.into()),
                _ => Err("neither `yes` nor `no`\n  write one of them".to_owned()),
            },
        }
    }

    fn number(text: &str) -> Option<f64> {
        text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0)
    }

    #[cfg(test)]
    mod tests {
        use super::{FIELDS, change};
        use crate::serve::store::rows::ClusterAttributes;
        use serde_json::json;

        fn of(fields: &[&str]) -> Result<serde_json::Value, String> {
            let fields: Vec<String> = fields.iter().map(|field| (*field).to_owned()).collect();
            change(&fields).map_err(|failure| failure.error.unwrap().to_string())
        }

        #[test]
        fn fields_are_read_as_what_they_hold() {
            let found = of(&["location=Milan, Bovisa", "price=0.031", "trusted=yes", "near-devices=no", "carbon="]);
            let wanted = json!({
                "location": "Milan, Bovisa", "price_per_core_hour": 0.031, "trusted": true, "near_devices": false, "carbon": null,
            });
            assert_eq!(found.unwrap(), wanted);
            let distances = json!({"rtt_ms": {"edge-2": 4.5, "core": 32.0}});
            assert_eq!(of(&["rtt=edge-2:4.5, core:32"]).unwrap(), distances);
        }

        #[test]
        fn every_field_is_one_of_the_servers() {
            for (_, key, _) in FIELDS {
                assert!(serde_json::from_value::<ClusterAttributes>(json!({key: null})).is_ok(), "{key}");
            }
        }

        #[test]
        fn what_is_no_field_or_no_value_is_refused_with_the_way_out() {
            for (field, wanted) in [
                ("carbn=1", "did you mean `carbon`"),
                ("carbon", "write it like carbon=270"),
                ("carbon=green", "no number"),
                ("pue=-1", "no number"),
                ("trusted=maybe", "neither `yes` nor `no`"),
                ("rtt=edge-2", "write them like rtt=edge-2:4.5"),
                ("rtt=:4", "no distances"),
            ] {
                let said = of(&[field]).unwrap_err();
                assert!(said.contains(wanted), "{field}: {said}");
            }
            assert!(of(&["pue=1.2", "pue=1.3"]).unwrap_err().contains("twice"));
        }
    }
}
