//! Patterns of names: `*` stands for any letters, `?` for one; and the labels that a name may bear.

use std::fmt;

/// A pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob(pub String);

impl Glob {
    /// Whether a name fits.
    pub fn fits(&self, name: &str) -> bool {
        self.parts(name).is_some()
    }

    /// What the stars of this pattern stand for in a name; `None` where it does not fit. A question mark is a part too.
    ///
    /// The shortest text for each star from the left, by going back to the last star only: linear in the pattern times the
    /// name, however many stars there are.
    pub fn parts(&self, name: &str) -> Option<Vec<String>> {
        let (pattern, name): (Vec<char>, Vec<char>) = (self.0.chars().collect(), name.chars().collect());
        // For each sign of the pattern that stands for something: from where to where in the name.
        let mut parts: Vec<(usize, usize)> = Vec::new();
        let (mut at, mut read, mut star) = (0, 0, None);
        while read < name.len() {
            match pattern.get(at) {
                Some('*') => {
                    parts.push((read, read));
                    star = Some((at, parts.len()));
                    at += 1;
                }
                Some('?') => {
                    parts.push((read, read + 1));
                    (at, read) = (at + 1, read + 1);
                }
                Some(letter) if *letter == name[read] => (at, read) = (at + 1, read + 1),
                _ => {
                    let (back, count) = star?;
                    parts.truncate(count);
                    parts[count - 1].1 += 1;
                    (at, read) = (back + 1, parts[count - 1].1);
                }
            }
        }
        while pattern.get(at) == Some(&'*') {
            parts.push((read, read));
            at += 1;
        }
        let text = |(from, to): (usize, usize)| name[from..to].iter().collect();
        (at == pattern.len()).then(|| parts.into_iter().map(text).collect())
    }

    /// This pattern with each `*` and `?` replaced by the next of `parts`; `None` where there are fewer.
    pub fn filled(&self, parts: &[String]) -> Option<String> {
        let (mut filled, mut parts) = (String::new(), parts.iter());
        for letter in self.0.chars() {
            match letter {
                '*' | '?' => filled.push_str(parts.next()?),
                letter => filled.push(letter),
            }
        }
        Some(filled)
    }

    /// Whether it stands for one name only.
    pub fn is_plain(&self) -> bool {
        !self.0.contains(['*', '?'])
    }

    /// A text in quotation marks.
    pub fn quoted(text: &str) -> String {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Self::quoted(&self.0))
    }
}

/// The value of a label in a name like `requests{service="cart",zone="a"}`.
pub fn label<'a>(name: &'a str, label: &str) -> Option<&'a str> {
    let mut rest = name.split_once('{')?.1.strip_suffix('}')?;
    loop {
        let (key, after) = rest.split_once("=\"")?;
        let (value, after) = after.split_once('"')?;
        if key.trim_start_matches([',', ' ']) == label {
            return Some(value);
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::{Glob, label};

    #[test]
    fn patterns_fit_as_in_a_shell() {
        let fits = |pattern: &str, name: &str| Glob(pattern.to_owned()).fits(name);
        for (pattern, name) in
            [("*", ""), ("web-*", "web-1"), ("*-b", "a-b-b"), ("a?c", "abc"), ("a*b*c", "aXbXbc"), ("ü*", "übung")]
        {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("web-*", "web"), ("a?c", "ac"), ("*-b", "a-b-c"), ("", "a"), ("Web", "web")] {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
        assert!(!fits(&"*a".repeat(40), &"a".repeat(39)));
    }

    #[test]
    fn stars_are_taken_over_in_order() {
        let parts = Glob("web-*-?".to_owned()).parts("web-eu-west-1").unwrap();
        assert_eq!(parts, ["eu-west", "1"]);
        assert_eq!(Glob("shop-*-?".to_owned()).filled(&parts).as_deref(), Some("shop-eu-west-1"));
        assert_eq!(Glob("*-*-*".to_owned()).filled(&parts), None);
    }

    #[test]
    fn labels_are_read_from_a_name() {
        let name = "requests{service=\"cart\", zone=\"a\"}";
        assert_eq!((label(name, "zone"), label(name, "service"), label(name, "pod")), (Some("a"), Some("cart"), None));
        assert_eq!(label("cart", "zone"), None);
    }
}
