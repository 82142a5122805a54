//! How sums are split among clusters: a bar a sum, all of one length.

use super::axis::Axis;
use super::{Frame, Ink, Shape, draw};

/// A sum and its parts.
#[derive(Debug, Clone)]
pub struct Bar {
    /// What is summed up.
    pub what: &'static str,
    /// The sum with its unit.
    pub sum: String,
    /// Its parts with their unit, by cluster: name, text, size, and the cluster's place among those that are told apart.
    pub parts: Vec<(String, String, f64, usize)>,
}

/// The picture; sums of nothing are left out.
pub fn split(bars: &[Bar]) -> Option<String> {
    let bars: Vec<&Bar> = bars.iter().filter(|bar| total(bar) > 0.0).collect();
    if bars.is_empty() {
        return None;
    }
    let count = bars.len() as f64;
    let level = |index: usize| count - 0.5 - index as f64;
    let ticks = bars.iter().enumerate().map(|(index, bar)| (level(index), bar.what.to_owned())).collect();
    let y = Axis { from: 0.0, to: count, ticks, title: String::new(), log: false };
    let mut x = Axis::between(0.0, 100.0).titled("% of the sum");
    x.to = 100.0;
    let words = bars.iter().map(|bar| {
        let parts = bar.parts.iter().map(|(name, text, ..)| format!("{name} {text}"));
        format!("{} {}: {}", bar.what, bar.sum, parts.collect::<Vec<_>>().join(", "))
    });
    let frame = Frame { axes: true, label: words.collect::<Vec<_>>().join(". "), x, y };
    let mut shapes = Vec::new();
    for (index, bar) in bars.iter().enumerate() {
        let (middle, sum) = (level(index), total(bar));
        let mut from = 0.0;
        for (name, text, size, place) in &bar.parts {
            let until = from + size / sum * 100.0;
            let (low, high) = (middle - 0.3, middle + 0.3);
            let corners = vec![(from, low), (until, low), (until, high), (from, high)];
            if *size > 0.0 {
                shapes.push(Shape::Area(corners, Ink::of_cluster(*place)));
                let words = format!("{} of {name}: {text}, {:.0} %", bar.what, size / sum * 100.0);
                shapes.push(Shape::HoverLine(vec![(from, middle), (until, middle)], words, 64));
            }
            from = until;
        }
    }
    Some(draw(&frame, &shapes))
}

fn total(bar: &Bar) -> f64 {
    bar.parts.iter().map(|(_, _, size, _)| size).sum()
}
