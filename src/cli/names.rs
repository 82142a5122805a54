//! Names of run directories: safe for a file name, and never the same twice.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A name without what shells and file systems find special; what people know stays readable.
pub fn file_name(label: &str) -> String {
    let mut name = String::with_capacity(label.len());
    for letter in label.chars() {
        match letter {
            ':' | ',' => name.push('-'),
            '%' => name.push_str("pct"),
            letter if letter.is_alphanumeric() || "._+=-".contains(letter) => name.push(letter),
            _ => name.push('_'),
        }
    }
    let hidden = name.starts_with('.') || name.is_empty();
    if hidden { format!("_{name}") } else { name }
}

/// Directories that were given out.
#[derive(Debug, Default)]
pub struct Names(BTreeSet<PathBuf>);

impl Names {
    /// A directory in `parent` for `label`: nobody else's, and the same for the same order of requests.
    pub fn directory(&mut self, parent: &Path, label: &str) -> PathBuf {
        let name = file_name(label);
        let (mut path, mut count) = (parent.join(&name), 1_u32);
        while self.0.contains(&path) {
            count += 1;
            path = parent.join(format!("{name}~{count}"));
        }
        self.0.insert(path.clone());
        path
    }
}

#[cfg(test)]
mod tests {
    use super::{Names, file_name};
    use std::path::{Path, PathBuf};

    #[test]
    fn labels_become_names_that_no_shell_minds() {
        assert_eq!(file_name("greedy+rate:headroom=20%,floor=2"), "greedy+rate-headroom=20pct-floor=2");
        assert_eq!(file_name("../a b/c"), "_.._a_b_c");
        assert_eq!(file_name(""), "_");
    }

    #[test]
    fn names_that_fall_together_are_told_apart_in_their_order() {
        let mut names = Names::default();
        let given: Vec<PathBuf> = ["a:b", "a,b", "a-b"].map(|label| names.directory(Path::new("runs"), label)).into();
        assert_eq!(given, ["runs/a-b", "runs/a-b~2", "runs/a-b~3"].map(PathBuf::from));
    }
}
