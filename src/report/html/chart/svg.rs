//! From what plotters writes to what the page wants: classes for colours, fewer points, and words for those who listen.

use crate::report::html::markup::{escape, put};

/// The `<svg>` element with its label, what is `said` when its places are pointed at, classes in the place of the colours that stand for roles, and lines without the
/// points that change nothing.
pub fn finish(drawn: &str, label: &str, said: &[&str]) -> String {
    let mut text = String::with_capacity(drawn.len());
    let mut said = said.iter();
    for line in drawn.lines() {
        let line = with_classes(line).replace(r#" opacity="1""#, "").replace(r#" font-family="sans-serif""#, "");
        let line = thinned(&line);
        let hovers = line.contains(r#"class="f9""#) || line.contains(r#"class="k9""#);
        match (said.as_slice().first().filter(|_| hovers), line.trim_end().strip_suffix("/>")) {
            (Some(words), Some(open)) => {
                let element = open.trim_start_matches('<').split(' ').next().unwrap_or_default();
                put(&mut text, format_args!("{open}><title>{}</title></{element}>", escape(words)));
                said.next();
            }
            _ => text += &line,
        }
        text.push('\n');
    }
    let head = text.find('>').map_or(0, |end| end + 1);
    let view = format!("0 0 {} {}", super::WIDTH, super::HEIGHT);
    let label = escape(label);
    format!(r#"<svg viewBox="{view}" role="img" aria-label="{label}"><title>{label}</title>{}"#, &text[head..])
}

/// `stroke="#FE0003"` → `class="k3"`, `fill="#FE0003"` → `class="f3"`. An element has one such colour at most.
fn with_classes(line: &str) -> String {
    let mut text = line.to_owned();
    for (attribute, class) in [("stroke", 'k'), ("fill", 'f')] {
        let start = format!(r##"{attribute}="#FE00"##);
        while let Some(at) = text.find(&start) {
            let digits = at + start.len();
            let number = u8::from_str_radix(&text[digits..digits + 2], 16).unwrap_or_default();
            text.replace_range(at..=digits + 2, &format!(r#"class="{class}{number}""#));
        }
    }
    text
}

/// Drops the points of a line that lie on a horizontal or vertical between their neighbours.
fn thinned(line: &str) -> String {
    let key = r#" points=""#;
    let Some((before, rest)) = line.split_once(key) else { return line.to_owned() };
    let Some((points, after)) = rest.split_once('"') else { return line.to_owned() };
    let points: Vec<(&str, &str)> = points.split_whitespace().filter_map(|point| point.split_once(',')).collect();
    let mut kept: Vec<(&str, &str)> = Vec::new();
    for point in points {
        let straight =
            |a: (&str, &str), b: (&str, &str)| (a.0 == b.0 && b.0 == point.0) || (a.1 == b.1 && b.1 == point.1);
        // A spike within one column of pixels goes up and comes back: only the way on may be shortened.
        if let [.., a, b] = kept.as_slice()
            && straight(*a, *b)
            && between(*a, *b, point)
        {
            kept.pop();
        }
        if kept.last() != Some(&point) {
            kept.push(point);
        }
    }
    let points: Vec<String> = kept.iter().map(|(x, y)| format!("{x},{y}")).collect();
    format!("{before}{key}{}\"{after}", points.join(" "))
}

/// Whether `b` lies between `a` and `c` in both coordinates.
fn between(a: (&str, &str), b: (&str, &str), c: (&str, &str)) -> bool {
    let on = |a: &str, b: &str, c: &str| {
        let parse = |text: &str| text.parse::<i64>().unwrap_or_default();
        let (a, b, c) = (parse(a), parse(b), parse(c));
        (a.min(c)..=a.max(c)).contains(&b)
    };
    on(a.0, b.0, c.0) && on(a.1, b.1, c.1)
}

#[cfg(test)]
mod tests {
    use super::{finish, thinned, with_classes};

    #[test]
    fn roles_become_classes_and_labels_are_escaped() {
        assert_eq!(with_classes(r##"<line stroke="#FE000A" fill="none"/>"##), r#"<line class="k10" fill="none"/>"#);
        let svg = finish("<svg width=\"1\" height=\"1\">\n<text fill=\"#FE0000\" opacity=\"1\">\n</svg>", "a < b", &[]);
        assert!(svg.contains(r#"aria-label="a &lt; b""#) && svg.contains(r#"<text class="f0">"#), "{svg}");
    }

    #[test]
    fn places_say_their_words_in_order() {
        let drawn =
            "<svg>\n<rect x=\"1\" fill=\"#FE0009\"/>\n<rect fill=\"#FE0003\"/>\n<polyline stroke=\"#FE0009\"/>\n</svg>";
        let svg = finish(drawn, "", &["one", "<two>"]);
        assert!(svg.contains(r#"<rect x="1" class="f9"><title>one</title></rect>"#), "{svg}");
        assert!(svg.contains(r#"<polyline class="k9"><title>&lt;two&gt;</title></polyline>"#), "{svg}");
    }

    #[test]
    fn only_points_that_change_nothing_are_dropped() {
        let line = r#"<polyline points="0,5 1,5 2,5 2,1 2,9 3,9 3,9 4,2 "/>"#;
        assert_eq!(thinned(line), r#"<polyline points="0,5 2,5 2,1 2,9 3,9 4,2"/>"#);
    }
}
