//! A panel: what it asks, and how each kind of Grafana draws it.
//!
//! `graph` and `singlestat` are gone from newer releases, `timeseries`, `stat` and `gauge` of this shape are not in older ones.

use serde_json::{Value, json};

/// Colours of what is well, what is not, and what is bad.
const COLOURS: [&str; 3] = ["rgba(50, 172, 45, 0.97)", "rgba(237, 129, 40, 0.89)", "rgba(245, 54, 54, 0.9)"];

/// What a panel shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unit {
    /// A count.
    #[default]
    Count,
    /// A share of one.
    Share,
    /// Events a second.
    PerSecond,
    /// CPUs.
    Cpus,
    /// Bytes.
    Bytes,
    /// Bytes a second.
    BytesPerSecond,
}

/// How a panel shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// Lines over time.
    #[default]
    Lines,
    /// Areas over time, one upon the other.
    Stacked,
    /// The newest figure.
    Figure,
    /// The newest figure, as a share of a whole.
    Gauge,
}

/// One query of a panel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The expression, in PromQL.
    pub expr: String,
    /// What its series are called, with labels as `{{label}}`.
    pub legend: String,
}

/// A place on Grafana's grid of 24 columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// From the left.
    pub x: usize,
    /// From the top.
    pub y: usize,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

/// One panel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Panel {
    /// What people see above it.
    pub title: String,
    /// What it shows.
    pub unit: Unit,
    /// What it asks.
    pub queries: Vec<Query>,
    /// How it shows it.
    pub kind: Kind,
    /// From how many hundredths on a share is orange, and from how many on it is red.
    pub limits: Option<(u32, u32)>,
    /// Where it stands; two in a row, in their order, where nothing is said.
    pub place: Option<Place>,
    /// The variable for each of whose values it is there once.
    pub repeat: Option<String>,
    /// Series whose name begins so have another unit, on the right.
    pub aside: Option<(String, Unit)>,
}

/// How panels are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// As before Grafana 8.
    Graph,
    /// As since.
    TimeSeries,
}

impl Panel {
    /// The model that Grafana wants, for a panel with that number, at that place.
    pub(super) fn model(&self, id: usize, place: Place, (style, source): (Style, &Value)) -> Value {
        let Place { x, y, width, height } = place;
        let targets: Vec<Value> = ('A'..='Z').zip(&self.queries).map(|(letter, query)| {
            json!({"refId": letter.to_string(), "expr": query.expr, "legendFormat": query.legend, "datasource": source})
        }).collect();
        let place = json!({"x": x, "y": y, "w": width, "h": height});
        let mut panel =
            json!({"id": id, "title": self.title, "gridPos": place, "datasource": source, "targets": targets});
        if let Some(variable) = &self.repeat {
            panel["repeat"] = json!(variable);
            panel["repeatDirection"] = json!("h");
        }
        match (style, self.kind) {
            (Style::Graph, Kind::Lines | Kind::Stacked) => self.graph(&mut panel),
            (Style::Graph, Kind::Figure | Kind::Gauge) => self.single(&mut panel),
            (Style::TimeSeries, Kind::Lines | Kind::Stacked) => self.time_series(&mut panel),
            (Style::TimeSeries, Kind::Figure | Kind::Gauge) => self.newest(&mut panel),
        }
        panel
    }

    /// The most that there can be: only of shares that add up to a whole.
    fn most(&self) -> Option<u32> {
        (self.unit == Unit::Share && self.kind != Kind::Lines).then_some(1)
    }

    fn graph(&self, panel: &mut Value) {
        let stacks = self.kind == Kind::Stacked;
        panel["type"] = json!("graph");
        let mut left = json!({"format": self.unit.name(), "min": 0, "show": true});
        if let Some(most) = self.most() {
            left["max"] = json!(most);
        }
        let right = self
            .aside
            .as_ref()
            .map_or_else(|| json!({"show": false}), |(_, unit)| json!({"format": unit.name(), "min": 0, "show": true}));
        panel["yaxes"] = json!([left, right]);
        if let Some((start, _)) = &self.aside {
            panel["seriesOverrides"] = json!([{"alias": format!("/^{start}/"), "yaxis": 2}]);
        }
        panel["lines"] = json!(true);
        panel["stack"] = json!(stacks);
        panel["fill"] = json!(u32::from(stacks));
        panel["nullPointMode"] = json!("null");
    }

    fn single(&self, panel: &mut Value) {
        panel["type"] = json!("singlestat");
        panel["format"] = json!(self.unit.name());
        panel["valueName"] = json!("current");
        panel["nullText"] = json!("N/A");
        panel["valueMaps"] = json!([{"op": "=", "text": "N/A", "value": "null"}]);
        if self.kind == Kind::Gauge {
            panel["gauge"] = json!({"show": true, "minValue": 0, "maxValue": 1, "thresholdMarkers": true});
        }
        if let Some((orange, red)) = self.limits {
            panel["thresholds"] = json!(format!("{},{}", hundredths(orange), hundredths(red)));
            panel["colors"] = json!(COLOURS);
            panel["colorValue"] = json!(self.kind == Kind::Figure);
        }
    }

    fn time_series(&self, panel: &mut Value) {
        let stacks = self.kind == Kind::Stacked;
        panel["type"] = json!("timeseries");
        let mut defaults = self.defaults();
        defaults["custom"] = json!({"lineWidth": 1, "fillOpacity": if stacks { 30 } else { 0 },
            "stacking": {"mode": if stacks { "normal" } else { "none" }, "group": "A"}});
        let overrides: Vec<Value> = self
            .aside
            .iter()
            .map(|(start, unit)| {
                json!({"matcher": {"id": "byRegexp", "options": format!("/^{start}/")}, "properties": [
                {"id": "unit", "value": unit.name()}, {"id": "custom.axisPlacement", "value": "right"}]})
            })
            .collect();
        panel["fieldConfig"] = json!({"defaults": defaults, "overrides": overrides});
    }

    fn newest(&self, panel: &mut Value) {
        panel["type"] = json!(if self.kind == Kind::Gauge { "gauge" } else { "stat" });
        panel["fieldConfig"] = json!({"defaults": self.defaults(), "overrides": []});
        panel["options"] = json!({"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": false}});
    }

    fn defaults(&self) -> Value {
        let mut defaults = json!({"unit": self.unit.name(), "min": 0, "noValue": "N/A"});
        if let Some(most) = self.most() {
            defaults["max"] = json!(most);
        }
        if let Some((orange, red)) = self.limits {
            let steps = [(None, COLOURS[0]), (Some(orange), COLOURS[1]), (Some(red), COLOURS[2])];
            let step = |(from, colour): (Option<u32>, &str)| json!({"value": from.map(hundredths), "color": colour});
            defaults["thresholds"] = json!({"mode": "absolute", "steps": steps.map(step)});
        }
        defaults
    }
}

fn hundredths(count: u32) -> f64 {
    f64::from(count) / 100.0
}

impl Unit {
    /// As Grafana names it.
    const fn name(self) -> &'static str {
        match self {
            Self::Count | Self::Cpus => "short",
            Self::Share => "percentunit",
            Self::PerSecond => "reqps",
            Self::Bytes => "bytes",
            Self::BytesPerSecond => "Bps",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Panel, Place, Query, Style, Unit};
    use serde_json::{Value, json};

    fn panel(kind: Kind) -> Panel {
        let query = Query { expr: "up".into(), legend: "up".into() };
        Panel {
            title: "Up".into(),
            unit: Unit::Share,
            queries: vec![query],
            kind,
            limits: Some((75, 90)),
            ..Panel::default()
        }
    }

    fn drawn(panel: &Panel, style: Style) -> Value {
        panel.model(3, Place { x: 1, y: 2, width: 6, height: 7 }, (style, &Value::Null))
    }

    #[test]
    fn each_kind_is_drawn_by_what_the_release_has() {
        let kinds = [Kind::Lines, Kind::Stacked, Kind::Figure, Kind::Gauge];
        let of = |style| kinds.map(|kind| drawn(&panel(kind), style)["type"].as_str().unwrap().to_owned());
        assert_eq!(of(Style::Graph), ["graph", "graph", "singlestat", "singlestat"]);
        assert_eq!(of(Style::TimeSeries), ["timeseries", "timeseries", "stat", "gauge"]);
        let gauge = drawn(&panel(Kind::Gauge), Style::TimeSeries);
        assert_eq!(gauge["gridPos"], json!({"x": 1, "y": 2, "w": 6, "h": 7}));
        let defaults = &gauge["fieldConfig"]["defaults"];
        assert_eq!((&defaults["max"], &defaults["noValue"]), (&json!(1), &json!("N/A")));
        let values: Vec<&Value> =
            defaults["thresholds"]["steps"].as_array().unwrap().iter().map(|step| &step["value"]).collect();
        assert_eq!(values, [&json!(null), &json!(0.75), &json!(0.9)]);
        assert_eq!(drawn(&panel(Kind::Gauge), Style::Graph)["thresholds"], "0.75,0.9");
        assert_eq!(drawn(&panel(Kind::Lines), Style::TimeSeries)["fieldConfig"]["defaults"].get("max"), None);
    }

    #[test]
    fn what_has_another_unit_goes_to_the_right() {
        let panel = Panel { aside: Some(("io time".to_owned(), Unit::Share)), unit: Unit::Bytes, ..panel(Kind::Lines) };
        let old = drawn(&panel, Style::Graph);
        assert_eq!(
            (&old["yaxes"][1]["format"], &old["seriesOverrides"][0]["alias"]),
            (&json!("percentunit"), &json!("/^io time/"))
        );
        let new = &drawn(&panel, Style::TimeSeries)["fieldConfig"]["overrides"][0];
        assert_eq!(
            (&new["matcher"]["options"], &new["properties"][0]["value"]),
            (&json!("/^io time/"), &json!("percentunit"))
        );
    }
}
