//! Options that say how observations are to be understood, for every command that reads them.

use super::super::Failure;
use super::super::page::quoted;
use crate::input::observations::ReadOptions;
use crate::input::trace::Zone;
use anyhow::anyhow;

/// How observations are to be understood.
#[derive(Debug, Clone, clap::Args)]
pub struct Reading {
    /// What a column or metric is, where its name does not say it: `cpu=cpu_cores`, `lat=latency_p95_ms`; `NAME=` leaves it
    /// out. May be given again.
    #[arg(long = "column", value_name = "NAME=QUANTITY", value_parser = parse_column)]
    pub columns: Vec<(String, String)>,
    /// The column, or the label of Prometheus, that names the service.
    #[arg(long, value_name = "NAME")]
    pub service_from: Option<String>,
    /// The column, or the label of Prometheus, that names the class of clusters.
    #[arg(long, value_name = "NAME")]
    pub class_from: Option<String>,
    /// The zone of dates that state none: `UTC` or `+02:00`.
    #[arg(long, value_name = "ZONE")]
    pub timezone: Option<String>,
    /// Every row is a level of a load test at its highest throughput: needs no time.
    #[arg(long)]
    pub load_test: bool,
}

fn parse_column(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, quantity)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), quantity.trim().to_owned())),
        _ => Err(format!("`{text}` maps no column; write NAME=QUANTITY, like `cpu=cpu_cores`")),
    }
}

impl Reading {
    /// What is said of the reading, as it is typed.
    pub fn words(&self) -> Vec<String> {
        let column =
            |(name, quantity): &(String, String)| format!("--column {}", quoted(&format!("{name}={quantity}")));
        let mut words: Vec<String> = self.columns.iter().map(column).collect();
        let named =
            [("service-from", &self.service_from), ("class-from", &self.class_from), ("timezone", &self.timezone)];
        words.extend(
            named.into_iter().filter_map(|(name, value)| Some(format!("--{name} {}", quoted(value.as_ref()?)))),
        );
        words.extend(self.load_test.then(|| "--load-test".to_owned()));
        words
    }

    /// As the reader takes them.
    ///
    /// # Errors
    /// A zone that is none, or a column that is mapped twice.
    pub fn options(&self) -> Result<ReadOptions, Failure> {
        let zone = |text: &String| {
            Zone::read(text.as_bytes())
                .ok_or_else(|| Failure::input(anyhow!("--timezone {text} is no zone\n  write `UTC`, or `+02:00`")))
        };
        let mut options = ReadOptions {
            timezone: self.timezone.as_ref().map(zone).transpose()?,
            service_from: self.service_from.clone(),
            class_from: self.class_from.clone(),
            load_test: self.load_test,
            ..ReadOptions::default()
        };
        for (name, quantity) in &self.columns {
            if options.columns.insert(name.clone(), quantity.clone()).is_some() {
                let what = format!("--column {name} is given twice\n  say once what it is");
                return Err(Failure::input(anyhow!(what)));
            }
        }
        Ok(options)
    }
}
