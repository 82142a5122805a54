//! Clusters on a schematic map, and the replicas that moved between them as arrows.

use super::axis::Axis;
use super::{Frame, HEIGHT, Ink, Shape, Side, WIDTH, draw};
use crate::report::timeline::layout::{By, Layout};
use serde_json::Value;
use std::collections::BTreeMap;

/// Clusters that are drawn; those without moves go first.
const CLUSTERS_MAX: usize = 24;
/// Arrows that are drawn; the largest ones.
const ARROWS_MAX: usize = 24;
/// Pixels that two clusters are kept apart.
const APART: f64 = 150.0;
/// Pixels from a cluster's middle at which arrows begin and end.
const AROUND: f64 = 30.0;
/// Letters of a name before it is cut.
const NAME_MAX: usize = 18;

/// Places in the picture, one after the other.
type Path = Vec<(f64, f64)>;

/// Replicas that left one cluster for another.
pub type Moves = BTreeMap<(String, String), u64>;

/// The map, and in words what its places follow.
pub fn map(resolved: &Value, clusters: &[&str], moves: &Moves) -> (String, &'static str) {
    let moving = |name: &&str| moves.keys().any(|(from, to)| from == name || to == name);
    let (first, last): (Vec<&str>, Vec<&str>) = clusters.iter().copied().partition(moving);
    let mut drawn: Vec<&str> = first.into_iter().chain(last).take(CLUSTERS_MAX).collect();
    drawn.sort_by_key(|name| clusters.iter().position(|other| other == name));
    let layout = Layout::of(resolved, &drawn);
    let places = spread(layout.places.iter().map(|place| inside(*place)).collect());
    let total: u64 = moves.values().sum();
    let label = format!("{total} replicas moved between clusters: {}", said(moves));
    let frame =
        Frame { axes: false, label, x: Axis::between(0.0, f64::from(WIDTH)), y: Axis::between(0.0, f64::from(HEIGHT)) };
    let at = |name: &str| drawn.iter().position(|one| *one == name).map(|index| places[index]);
    let largest = moves.values().copied().max().unwrap_or(1) as f64;
    let mut shapes = Vec::new();
    let mut hovers = Vec::new();
    for ((from, to), count) in ranked(moves) {
        let Some((from_at, to_at)) = at(from).zip(at(to)) else { continue };
        let width = 3.0 + 11.0 * (*count as f64 / largest).sqrt();
        let (line, head) = arrow(from_at, to_at, width);
        shapes.push(Shape::Line(line.clone(), Ink::Offered, pixels(width)));
        shapes.push(Shape::Area(head, Ink::Offered));
        hovers.push(Shape::HoverLine(line, format!("{from} → {to}: {}", replicas(*count)), 40));
    }
    for (name, place) in drawn.iter().zip(&places) {
        shapes.push(Shape::Point(*place, Ink::Capacity, 18));
        shapes.push(Shape::Letters(*place, cut(name), (0, 44), Side::Centre));
    }
    shapes.extend(hovers);
    let by = match layout.by {
        By::Coordinates => "places follow latitude and longitude",
        By::RoundTrips => "the nearer two clusters, the shorter the round trip between them",
        By::Nothing => "in a circle: no distances are known",
    };
    (draw(&frame, &shapes), by)
}

/// The moves, the most first.
pub fn ranked(moves: &Moves) -> Vec<(&(String, String), &u64)> {
    let mut ranked: Vec<_> = moves.iter().collect();
    ranked.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    ranked.truncate(ARROWS_MAX);
    ranked
}

fn said(moves: &Moves) -> String {
    let parts = ranked(moves).into_iter().take(6).map(|((from, to), count)| format!("{from} to {to} {count}"));
    parts.collect::<Vec<_>>().join(", ")
}

fn replicas(count: u64) -> String {
    format!("{count} {}", if count == 1 { "replica" } else { "replicas" })
}

fn cut(name: &str) -> String {
    if name.chars().count() <= NAME_MAX {
        return name.to_owned();
    }
    name.chars().take(NAME_MAX - 1).chain(['…']).collect()
}

/// From 0..1 into the picture, with room for names at the sides and below.
fn inside((x, y): (f64, f64)) -> (f64, f64) {
    (170.0 + x * (f64::from(WIDTH) - 370.0), 110.0 + y * (f64::from(HEIGHT) - 200.0))
}

/// Pushes places apart until names do not overlap, as far as there is room.
fn spread(mut places: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    for _ in 0..60 {
        for a in 0..places.len() {
            for b in a + 1..places.len() {
                let (dx, dy) = (places[b].0 - places[a].0, places[b].1 - places[a].1);
                let far = dx.hypot(dy);
                if far >= APART {
                    continue;
                }
                // Two in one place part along a direction of their own.
                let turn = (a * 7 + b * 3) as f64;
                let (ux, uy) = if far > 1.0 { (dx / far, dy / far) } else { (turn.cos(), turn.sin()) };
                let push = (APART - far) / 2.0;
                places[a] = clamped((places[a].0 - ux * push, places[a].1 - uy * push));
                places[b] = clamped((places[b].0 + ux * push, places[b].1 + uy * push));
            }
        }
    }
    places
}

fn clamped((x, y): (f64, f64)) -> (f64, f64) {
    (x.clamp(150.0, f64::from(WIDTH) - 200.0), y.clamp(90.0, f64::from(HEIGHT) - 60.0))
}

/// A bent line from one place to the other, and its head. There and back are bent to different sides.
fn arrow(from: (f64, f64), to: (f64, f64), width: f64) -> (Path, Path) {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let far = dx.hypot(dy).max(1.0);
    let bend = (-dy / far * 0.16 * far, dx / far * 0.16 * far);
    let middle = (f64::midpoint(from.0, to.0) + bend.0, f64::midpoint(from.1, to.1) + bend.1);
    let at = |t: f64| {
        let blend = |a: f64, b: f64, c: f64| (1.0 - t).powi(2) * a + 2.0 * t * (1.0 - t) * b + t * t * c;
        (blend(from.0, middle.0, to.0), blend(from.1, middle.1, to.1))
    };
    let skip = (AROUND / far).min(0.3);
    let long = 14.0 + width;
    let head_at = (1.0 - skip - long / far).max(skip + 0.05);
    let line = (0..=10).map(|step| at(skip + (head_at - skip) * f64::from(step) / 10.0)).collect();
    let (tip, base) = (at(1.0 - skip), at(head_at));
    let (hx, hy) = (tip.0 - base.0, tip.1 - base.1);
    let length = hx.hypot(hy).max(1.0);
    let side = (-hy / length * (6.0 + width), hx / length * (6.0 + width));
    (line, vec![tip, (base.0 + side.0, base.1 + side.1), (base.0 - side.0, base.1 - side.1)])
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few pixels")]
fn pixels(width: f64) -> u32 {
    width.round() as u32
}

#[cfg(test)]
mod tests {
    use super::{Moves, map, spread};
    use serde_json::json;

    #[test]
    fn arrows_say_how_many_moved_and_names_are_kept_apart() {
        let pair = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        let moves = Moves::from([(pair("a", "b"), 12), (pair("b", "a"), 1)]);
        let (svg, by) = map(&json!({}), &["a", "b", "c"], &moves);
        assert!(svg.contains("<title>a → b: 12 replicas</title>") && svg.contains("b → a: 1 replica<"), "{svg}");
        assert_eq!(by, "in a circle: no distances are known");
        let apart = spread(vec![(400.0, 200.0), (400.0, 200.0), (410.0, 200.0)]);
        for (a, b) in [(0, 1), (0, 2), (1, 2)] {
            let far = (apart[a].0 - apart[b].0).hypot(apart[a].1 - apart[b].1);
            assert!(far > 140.0, "{apart:?}");
        }
    }
}
