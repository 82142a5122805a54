//! Names that Kubernetes takes, and that may stand in a path, a flag or a selector as they are.

/// Whether `text` is a name of at most `letters` letters: a-z, 0-9, and - inside.
pub fn is_name(text: &str, letters: usize) -> bool {
    let is_letter = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    let is_cut = text.is_empty() || text.starts_with('-') || text.ends_with('-');
    text.len() <= letters && text.chars().all(is_letter) && !is_cut
}

#[cfg(test)]
mod tests {
    use super::is_name;

    #[test]
    fn names_are_told_from_flags_and_paths() {
        assert!(is_name("web-1", 5));
        for wrong in ["", "-n", "web-", "Web", "a/b", "..", "a.b", "a b", "web-12"] {
            assert!(!is_name(wrong, 5), "{wrong}");
        }
    }
}
