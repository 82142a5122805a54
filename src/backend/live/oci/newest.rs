//! Which tag is the newest: the highest version, release before preview; where no tag is a version, the one called `latest`.

use std::cmp::Ordering;

/// The newest of these tags.
pub(super) fn of(tags: &[String]) -> Result<&str, String> {
    let newest =
        tags.iter().filter_map(|tag| Some((version(tag)?, tag))).max_by(|one, other| compare(&one.0, &other.0));
    if let Some((_, tag)) = newest {
        return Ok(tag);
    }
    if let Some(latest) = tags.iter().find(|tag| *tag == "latest") {
        return Ok(latest);
    }
    let mut known: Vec<&str> = tags.iter().map(String::as_str).take(20).collect();
    known.sort_unstable();
    Err(format!("which version is meant? none of its tags is one: [{}]", known.join(", ")))
}

/// Numbers, and what comes behind a hyphen.
type Version<'a> = (Vec<u64>, Option<&'a str>);

fn version(tag: &str) -> Option<Version<'_>> {
    // What comes behind `+` (written `_` in tags) does not order versions.
    let tag = tag.strip_prefix('v').unwrap_or(tag).split(['+', '_']).next()?;
    let (numbers, preview) = tag.split_once('-').map_or((tag, None), |(numbers, preview)| (numbers, Some(preview)));
    let numbers: Option<Vec<u64>> = numbers.split('.').map(|number| number.parse().ok()).collect();
    Some((numbers?, preview))
}

fn compare(one: &Version<'_>, other: &Version<'_>) -> Ordering {
    let longest = one.0.len().max(other.0.len());
    let padded = |numbers: &[u64]| (0..longest).map(|at| numbers.get(at).copied().unwrap_or(0)).collect::<Vec<_>>();
    padded(&one.0).cmp(&padded(&other.0)).then_with(|| match (one.1, other.1) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(one), Some(other)) => previews(one, other),
    })
}

/// Part by part: numbers by size and before words, words by letters, and more parts are newer.
fn previews(one: &str, other: &str) -> Ordering {
    let key =
        |part: &str| part.parse::<u64>().map_or_else(|_| (1, 0, part.to_owned()), |number| (0, number, String::new()));
    one.split('.').map(key).cmp(other.split('.').map(key))
}

#[cfg(test)]
mod tests {
    use super::of;

    fn newest(tags: &[&str]) -> Result<String, String> {
        let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
        of(&tags).map(str::to_owned)
    }

    #[test]
    fn versions_are_compared_as_numbers_and_a_release_is_newer_than_its_previews() {
        assert_eq!(newest(&["0.9.0", "0.10.0", "latest", "0.2"]).unwrap(), "0.10.0");
        assert_eq!(newest(&["1.0.0-rc.2", "1.0.0-rc.10", "1.0.0-alpha"]).unwrap(), "1.0.0-rc.10");
        assert_eq!(newest(&["v2.0.0", "2.0.0-rc.1", "1.9"]).unwrap(), "v2.0.0");
        assert_eq!(newest(&["main", "latest"]).unwrap(), "latest");
        let reason = newest(&["main", "dev"]).unwrap_err();
        assert_eq!(reason, "which version is meant? none of its tags is one: [dev, main]");
        assert!(newest(&[]).is_err());
    }
}
