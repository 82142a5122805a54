//! A dashboard: panels with the queries they ask, and the model that Grafana wants of it.
//!
//! The queries can be listed, so that a test, or whoever installs us, can ask Prometheus each of them.

use crate::backend::live::digest::sha256;
use serde_json::{Value, json};

/// The longest uid that Grafana takes.
pub(super) const UID_LETTERS_MAX: usize = 40;
/// The width of Grafana's grid.
const GRID_WIDTH: usize = 24;
/// Panels beside each other.
const PANELS_A_ROW: usize = 2;
/// The height of a panel, in units of the grid.
const PANEL_HEIGHT: usize = 8;

/// What a panel shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A count.
    Count,
    /// A share of one.
    Share,
    /// Events a second.
    PerSecond,
    /// CPUs.
    Cpus,
    /// Bytes.
    Bytes,
}

/// One query of a panel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The expression, in PromQL.
    pub expr: String,
    /// What its series are called, with labels as `{{label}}`.
    pub legend: String,
}

/// One panel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panel {
    /// What people see above it.
    pub title: String,
    /// What it shows.
    pub unit: Unit,
    /// What it asks.
    pub queries: Vec<Query>,
}

/// A dashboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dashboard {
    /// Its name in addresses; stays the same.
    pub uid: String,
    /// What people see.
    pub title: String,
    /// Its panels, row by row.
    pub panels: Vec<Panel>,
}

/// How panels are drawn: `graph` is gone from newer releases, `timeseries` is not in older ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Graph,
    TimeSeries,
}

impl Dashboard {
    /// The uid of the dashboard called `name`: the name itself, or a digest where it is too long for Grafana.
    pub fn uid_of(name: &str) -> String {
        let whole = format!("smo-{name}");
        if whole.len() <= UID_LETTERS_MAX {
            return whole;
        }
        let digest = sha256(name.as_bytes()).replace("sha256:", "");
        format!("smo-{}", &digest[..UID_LETTERS_MAX - 4])
    }

    /// All that its panels ask.
    pub fn expressions(&self) -> impl Iterator<Item = &str> {
        self.panels.iter().flat_map(|panel| panel.queries.iter().map(|query| query.expr.as_str()))
    }

    /// The model that Grafana wants.
    pub(super) fn model(&self, style: Style, data_source: Option<&str>) -> Value {
        let source = match (data_source, style) {
            (None, _) => Value::Null,
            (Some(name), Style::Graph) => json!(name),
            (Some(uid), Style::TimeSeries) => json!({"type": "prometheus", "uid": uid}),
        };
        let panels = self.panels.iter().enumerate().map(|(at, panel)| panel.model(at, style, &source));
        let schema_version = match style {
            Style::Graph => 18,
            Style::TimeSeries => 36,
        };
        json!({"id": null, "title": self.title, "tags": ["smo"], "schemaVersion": schema_version, "editable": true,
            "time": {"from": "now-30m", "to": "now"}, "refresh": "10s", "panels": panels.collect::<Vec<_>>()})
    }
}

impl Panel {
    fn model(&self, at: usize, style: Style, source: &Value) -> Value {
        let width = GRID_WIDTH / PANELS_A_ROW;
        let place = json!({"x": at % PANELS_A_ROW * width, "y": at / PANELS_A_ROW * PANEL_HEIGHT, "w": width, "h": PANEL_HEIGHT});
        let targets: Vec<Value> = ('A'..='Z').zip(&self.queries).map(|(letter, query)| {
            json!({"refId": letter.to_string(), "expr": query.expr, "legendFormat": query.legend, "datasource": source})
        }).collect();
        let mut panel =
            json!({"id": at + 1, "title": self.title, "gridPos": place, "datasource": source, "targets": targets});
        let unit = self.unit.name();
        match style {
            Style::Graph => {
                panel["type"] = json!("graph");
                panel["yaxes"] = json!([{"format": unit, "min": 0, "show": true}, {"show": false}]);
                panel["lines"] = json!(true);
                panel["nullPointMode"] = json!("null");
            }
            Style::TimeSeries => {
                panel["type"] = json!("timeseries");
                panel["fieldConfig"] = json!({"defaults": {"unit": unit, "min": 0}, "overrides": []});
            }
        }
        panel
    }
}

impl Unit {
    /// As Grafana names it.
    const fn name(self) -> &'static str {
        match self {
            Self::Count | Self::Cpus => "short",
            Self::Share => "percentunit",
            Self::PerSecond => "reqps",
            Self::Bytes => "bytes",
        }
    }
}
