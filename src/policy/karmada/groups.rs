//! Which set of regions is used: the heaviest one that has enough clusters.
//!
//! Sets are tried by depth-first search over the regions by rising number of clusters; a set is complete as soon as it has
//! enough clusters and enough regions. The heaviest complete set wins, then the one with more clusters, then the one found
//! first; but where a lighter set is its beginning (by falling weight of the regions) that one is enough.

use super::schedule::SelectError;

/// Steps of the search after which it is given up. Karmada has no such limit: with dozens of regions it searches for hours.
const STEPS_MAX: u32 = 500_000;

/// A region with its clusters and weight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Name.
    pub name: String,
    /// Clusters in it.
    pub value: usize,
    /// Weight.
    pub weight: i64,
}

/// What a set of regions has to have.
#[derive(Debug, Clone, Copy)]
pub struct GroupLimits {
    /// At least so many regions.
    pub groups_min: usize,
    /// At most so many.
    pub groups_max: usize,
    /// At least so many clusters.
    pub value_min: usize,
}

/// A complete set: places of its groups, by falling weight and rising name, with the sums.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Path {
    places: Vec<usize>,
    weight: i64,
    value: usize,
}

/// Names of the chosen groups by falling weight; none where no set is complete.
///
/// # Errors
/// Where there are too many sets to try.
pub fn choose_groups(mut groups: Vec<Group>, limits: &GroupLimits) -> Result<Vec<String>, SelectError> {
    groups.sort_by(|a, b| a.value.cmp(&b.value).then(b.weight.cmp(&a.weight)).then(a.name.cmp(&b.name)));
    let mut search = Search { groups: &groups, limits, steps: 0, chosen: Vec::new(), found: Vec::new() };
    if !groups.is_empty() {
        search.descend(0, 0)?;
    }
    let best = best_of(search.found);
    Ok(best.map_or_else(Vec::new, |path| path.places.iter().map(|place| groups[*place].name.clone()).collect()))
}

struct Search<'a> {
    groups: &'a [Group],
    limits: &'a GroupLimits,
    steps: u32,
    chosen: Vec<usize>,
    found: Vec<Path>,
}

impl Search<'_> {
    fn descend(&mut self, value: usize, begin: usize) -> Result<(), SelectError> {
        self.steps += 1;
        if self.steps > STEPS_MAX {
            return Err(SelectError::TooManyRegions { regions: self.groups.len() });
        }
        let (limits, length) = (self.limits, self.chosen.len());
        if value >= limits.value_min && length >= limits.groups_min && length <= limits.groups_max {
            self.found.push(self.path());
            return Ok(());
        }
        if length >= limits.groups_max {
            return Ok(());
        }
        for place in begin..self.groups.len() {
            self.chosen.push(place);
            self.descend(value + self.groups[place].value, place + 1)?;
            // All groups are needed: there is no other set.
            if self.groups.len() == limits.groups_min {
                break;
            }
            self.chosen.pop();
        }
        Ok(())
    }

    fn path(&self) -> Path {
        let groups = self.groups;
        let mut places = self.chosen.clone();
        places.sort_by(|a, b| {
            groups[*b].weight.cmp(&groups[*a].weight).then_with(|| groups[*a].name.cmp(&groups[*b].name))
        });
        let weight = places.iter().map(|place| groups[*place].weight).sum();
        Path { weight, value: places.iter().map(|place| groups[*place].value).sum(), places }
    }
}

/// The best of the complete sets, which stand in the order in which they were found.
fn best_of(mut paths: Vec<Path>) -> Option<Path> {
    paths.sort_by(|a, b| b.weight.cmp(&a.weight).then(b.value.cmp(&a.value)));
    paths.into_iter().reduce(|best, next| {
        let is_beginning = next.places.len() < best.places.len() && best.places.starts_with(&next.places);
        if is_beginning { next } else { best }
    })
}

#[cfg(test)]
mod tests {
    use super::{Group, GroupLimits, choose_groups};
    use crate::policy::karmada::schedule::SelectError;

    fn groups(entries: &[(&str, usize, i64)]) -> Vec<Group> {
        entries
            .iter()
            .map(|(name, value, weight)| Group { name: (*name).to_owned(), value: *value, weight: *weight })
            .collect()
    }

    fn chosen(entries: &[(&str, usize, i64)], groups_min: usize, groups_max: usize, value_min: usize) -> Vec<String> {
        choose_groups(groups(entries), &GroupLimits { groups_min, groups_max, value_min }).expect("there are few")
    }

    /// The example in Karmada's source: with 2, 3, 6 and 7 clusters, seven wanted and two regions at least and at most, the
    /// complete sets are 2+6, 2+7, 3+6, 3+7 and 6+7; with weights that rise with them the last wins.
    #[test]
    fn the_heaviest_complete_set_wins() {
        let four = [("a", 2, 10), ("b", 3, 20), ("c", 6, 30), ("d", 7, 40)];
        assert_eq!(chosen(&four, 2, 2, 7), ["d", "c"]);
        // One region is enough: d alone has seven clusters. The heaviest complete set is d+b+a (70), of which d is the beginning.
        assert_eq!(chosen(&four, 1, 4, 7), ["d"]);
        // Twelve wanted: a+b+c+d (100) is heaviest, by falling weight d, c, b, a; of its beginnings d+c (13) is complete.
        assert_eq!(chosen(&four, 1, 4, 12), ["d", "c"]);
    }

    #[test]
    fn a_beginning_of_the_heaviest_set_is_enough() {
        // Complete are x+y+z (weight 90), x+z (70), y+z (60) and z (40). By falling weight the heaviest is z, x, y, of which
        // z, x and then z are beginnings.
        assert_eq!(chosen(&[("x", 1, 30), ("y", 1, 20), ("z", 5, 40)], 1, 3, 5), ["z"]);
    }

    #[test]
    fn all_regions_are_taken_where_all_are_needed() {
        assert_eq!(chosen(&[("a", 1, 5), ("b", 2, 7)], 2, 2, 3), ["b", "a"]);
        assert_eq!(chosen(&[("a", 1, 5), ("b", 1, 7)], 2, 2, 3), Vec::<String>::new());
        assert_eq!(chosen(&[("a", 1, 5)], 1, 0, 1), Vec::<String>::new());
        assert_eq!(chosen(&[], 0, 3, 0), Vec::<String>::new());
    }

    #[test]
    fn a_search_without_end_is_given_up() {
        let many: Vec<Group> =
            (0..60).map(|index| Group { name: format!("r{index:02}"), value: 1, weight: index }).collect();
        let limits = GroupLimits { groups_min: 1, groups_max: 40, value_min: 30 };
        assert_eq!(choose_groups(many, &limits), Err(SelectError::TooManyRegions { regions: 60 }));
    }
}
