//! Lists, a page at a time.

use super::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Items of a page where nothing is said.
const LIMIT: u32 = 100;
/// Items of a page at most.
const LIMIT_MAX: u32 = 1_000;

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// Its items.
    pub items: Vec<T>,
    /// Where the next page begins, if there may be one: hand it over as the parameter that the operation names.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// A list that is complete.
    pub const fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }

    /// A page of numbered items; after a full one there may be another.
    pub fn numbered(items: Vec<T>, limit: u32, number: impl Fn(&T) -> i64) -> Self {
        let full = items.len() >= limit as usize;
        let next = items.last().filter(|_| full).map(|last| number(last).to_string());
        Self { items, next }
    }
}

/// How many items a page is to have.
///
/// # Errors
/// 400 for none, and for too many.
pub fn limit(asked: Option<u32>) -> Result<u32, Problem> {
    match asked {
        None => Ok(LIMIT),
        Some(asked) if (1..=LIMIT_MAX).contains(&asked) => Ok(asked),
        Some(asked) => Err(Problem::bad_request(format!("`limit` is {asked}; it goes from 1 to {LIMIT_MAX}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::{Page, limit};

    #[test]
    fn only_a_full_page_has_a_next_one() {
        let number = |item: &i64| *item;
        assert_eq!(Page::numbered(vec![4, 5], 2, number).next.as_deref(), Some("5"));
        assert_eq!(Page::numbered(vec![4, 5], 3, number).next, None);
        assert_eq!(Page::numbered(Vec::new(), 1, number).next, None);
    }

    #[test]
    fn a_page_has_between_one_item_and_a_thousand() {
        assert_eq!(limit(None).unwrap(), 100);
        assert_eq!(limit(Some(1_000)).unwrap(), 1_000);
        assert!(limit(Some(0)).is_err() && limit(Some(1_001)).is_err());
    }
}
