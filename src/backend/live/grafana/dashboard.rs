//! A dashboard: panels with the queries they ask, and the model that Grafana wants of it.
//!
//! The queries can be listed, so that a test, or whoever installs us, can ask Prometheus each of them.

use super::panel::{Panel, Place, Style};
use crate::backend::live::digest::sha256;
use serde_json::{Value, json};

/// The longest uid that Grafana takes.
pub(super) const UID_LETTERS_MAX: usize = 40;
/// The width of Grafana's grid.
pub(super) const GRID_WIDTH: usize = 24;
/// Panels beside each other.
const PANELS_A_ROW: usize = 2;
/// The height of a panel, in units of the grid.
pub(super) const PANEL_HEIGHT: usize = 8;

/// A dashboard.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dashboard {
    /// Its name in addresses; stays the same.
    pub uid: String,
    /// What people see.
    pub title: String,
    /// Its panels, row by row.
    pub panels: Vec<Panel>,
    /// What people can choose.
    pub variables: Vec<Variable>,
}

/// Something that people choose one or several values of, or all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name, which queries have as `$name`.
    pub name: String,
    /// Its values.
    pub values: Vec<String>,
}

/// Whether `letter` may stand in a uid.
pub(super) const fn is_uid_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_')
}

impl Dashboard {
    /// The uid of the dashboard called `name`: the name itself, or a digest where Grafana would not take it.
    pub fn uid_of(name: &str) -> String {
        let whole = format!("smo-{name}");
        if whole.len() <= UID_LETTERS_MAX && whole.chars().all(is_uid_letter) {
            return whole;
        }
        let digest = sha256(name.as_bytes()).replace("sha256:", "");
        format!("smo-{}", &digest[..UID_LETTERS_MAX - 4])
    }

    /// The uid of what lies below several names of Kubernetes: of `c` in `a-b` it is another than of `b-c` in `a`.
    pub fn uid_below(names: &[&str]) -> String {
        // `_` is in no such name. Where two names have no dash either, theirs is as plain.
        let is_plain = names.len() == 2 && !names.iter().any(|name| name.contains('-'));
        Self::uid_of(&names.join(if is_plain { "-" } else { "_" }))
    }

    /// All that its panels ask.
    pub fn expressions(&self) -> impl Iterator<Item = &str> {
        self.panels.iter().flat_map(|panel| panel.queries.iter().map(|query| query.expr.as_str()))
    }

    /// A digest of all of it.
    pub fn digest(&self) -> String {
        sha256(format!("{self:?}").as_bytes())
    }

    /// The model that Grafana wants.
    pub(super) fn model(&self, style: Style, data_source: Option<&str>) -> Value {
        let source = match (data_source, style) {
            (None, _) => Value::Null,
            (Some(name), Style::Graph) => json!(name),
            (Some(uid), Style::TimeSeries) => json!({"type": "prometheus", "uid": uid}),
        };
        let panels = self.panels.iter().enumerate().map(|(at, panel)| {
            let place = panel.place.unwrap_or_else(|| in_order(at));
            panel.model(at + 1, place, (style, &source))
        });
        let schema_version = match style {
            Style::Graph => 18,
            Style::TimeSeries => 36,
        };
        let variables: Vec<Value> = self.variables.iter().map(Variable::model).collect();
        json!({"id": null, "title": self.title, "tags": ["smo"], "schemaVersion": schema_version, "editable": true,
            "time": {"from": "now-30m", "to": "now"}, "refresh": "10s", "templating": {"list": variables},
            "panels": panels.collect::<Vec<_>>()})
    }
}

/// The place of a panel that has none of its own.
const fn in_order(at: usize) -> Place {
    let width = GRID_WIDTH / PANELS_A_ROW;
    Place { x: at % PANELS_A_ROW * width, y: at / PANELS_A_ROW * PANEL_HEIGHT, width, height: PANEL_HEIGHT }
}

impl Variable {
    /// All values are chosen at first.
    fn model(&self) -> Value {
        let all = json!({"text": "All", "value": "$__all", "selected": true});
        let option = |value: &String| json!({"text": value, "value": value, "selected": false});
        let options: Vec<Value> = [all].into_iter().chain(self.values.iter().map(option)).collect();
        json!({"name": self.name, "type": "custom", "hide": 0, "includeAll": true, "multi": true, "query": self.values.join(","),
            "current": {"text": "All", "value": "$__all"}, "options": options})
    }
}

#[cfg(test)]
mod tests {
    use super::{Dashboard, UID_LETTERS_MAX};

    #[test]
    fn no_two_share_a_uid() {
        let uids = [
            Dashboard::uid_below(&["a", "b"]),
            Dashboard::uid_below(&["a-b", "c"]),
            Dashboard::uid_below(&["a", "b-c"]),
            Dashboard::uid_below(&["a", "b", "c"]),
            Dashboard::uid_below(&["a-b", "c", "d"]),
            Dashboard::uid_below(&["a", "b-c", "d"]),
        ];
        assert_eq!(uids[..4], ["smo-a-b", "smo-a-b_c", "smo-a_b-c", "smo-a_b_c"]);
        let distinct: std::collections::BTreeSet<&String> = uids.iter().collect();
        assert_eq!(distinct.len(), uids.len());
    }

    #[test]
    fn a_uid_is_one_that_grafana_takes() {
        for name in ["x".repeat(60), "with.dot".to_owned(), "ü".to_owned()] {
            let uid = Dashboard::uid_of(&name);
            assert_eq!(uid.len(), UID_LETTERS_MAX, "{name}");
            assert!(uid.starts_with("smo-") && uid.chars().all(super::is_uid_letter), "{uid}");
        }
        assert_eq!(Dashboard::uid_of("with.dot"), Dashboard::uid_of("with.dot"));
        assert_ne!(Dashboard::uid_of("with.dot"), Dashboard::uid_of("with-dot"));
    }
}
