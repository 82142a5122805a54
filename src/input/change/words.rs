//! The words of a clause, one after the other.

/// Words that are left.
#[derive(Debug)]
pub struct Words<'a> {
    left: Vec<&'a str>,
}

/// Signs of multiplication.
const TIMES: [&str; 3] = ["x", "×", "*"];
/// Clauses that begin so say an amount.
const AMOUNTS: [&str; 3] = ["load", "nodes", "price"];

impl<'a> Words<'a> {
    /// The words of a clause; where amounts are said, a sign and the number behind it are two.
    pub fn of(clause: &'a str) -> Self {
        let has_amounts = AMOUNTS.iter().any(|word| clause.split_whitespace().next() == Some(word));
        let mut left = Vec::new();
        for word in clause.split_whitespace() {
            let sign = word.chars().next().filter(|sign| "x×*=+-".contains(*sign)).map_or(0, char::len_utf8);
            let (head, tail) = word.split_at(sign);
            if has_amounts && sign > 0 && tail.starts_with(|letter: char| letter.is_ascii_digit() || letter == '.') {
                left.extend([head, tail]);
            } else {
                left.push(word);
            }
        }
        left.reverse();
        Self { left }
    }

    /// The next word.
    pub fn next(&mut self) -> Option<&'a str> {
        self.left.pop()
    }

    /// The next word, which is `what`.
    ///
    /// # Errors
    /// Where there is none.
    pub fn need(&mut self, what: &str) -> Result<&'a str, String> {
        self.next().ok_or_else(|| format!("{what} is missing"))
    }

    /// Takes the next word if it is this one.
    pub fn takes(&mut self, word: &str) -> bool {
        let is_it = self.left.last() == Some(&word);
        if is_it {
            self.left.pop();
        }
        is_it
    }

    /// The words up to this one, joined; all that are left where it does not come.
    pub fn until(&mut self, stop: &str) -> String {
        let mut taken = Vec::new();
        while let Some(word) = self.left.pop_if(|word| *word != stop) {
            taken.push(word);
        }
        taken.join(" ")
    }

    /// All that is left.
    pub fn rest(&mut self) -> Option<String> {
        let rest = self.until("");
        (!rest.is_empty()).then_some(rest)
    }

    /// Whether a multiplication comes next.
    pub fn peek_is_times(&self) -> bool {
        self.left.last().is_some_and(|word| TIMES.contains(word))
    }

    /// `x F`.
    ///
    /// # Errors
    /// Where that does not come, or is no factor.
    pub fn times(&mut self) -> Result<f64, String> {
        if !self.peek_is_times() {
            return Err("by how much is not clear; write `x 1.5`".to_owned());
        }
        self.left.pop();
        let text = self.need("the factor behind `x`")?;
        let digits = text.strip_suffix('%').unwrap_or(text);
        let scale = if digits == text { 1.0 } else { 0.01 };
        let factor = digits.parse::<f64>().ok().map(|factor| factor * scale);
        factor
            .filter(|factor| factor.is_finite() && *factor > 0.0)
            .ok_or_else(|| format!("`{text}` is not a factor; write a number above zero like `1.5` or `150%`"))
    }

    /// That nothing is left.
    ///
    /// # Errors
    /// What is left.
    pub fn end(&mut self) -> Result<(), String> {
        self.rest().map_or(Ok(()), |rest| Err(format!("`{rest}` is left over; join several changes by `;`")))
    }
}

#[cfg(test)]
mod tests {
    use super::Words;

    #[test]
    fn a_sign_may_stand_at_its_number() {
        let mut words = Words::of("load web x1.5");
        assert_eq!((words.next(), words.next(), words.times()), (Some("load"), Some("web"), Ok(1.5)));
        let times = |text: &str| {
            let clause = format!("load {text}");
            let mut words = Words::of(&clause);
            words.next();
            words.times()
        };
        assert_eq!(times("× 150%"), Ok(1.5));
        assert!(times("x zero").is_err() && times("x 0").is_err() && times("1.5").is_err());
        assert_eq!(Words::of("19:30 for 1 h").until("for"), "19:30");
        // A name that begins with a sign's letter stays a name.
        assert_eq!(Words::of("lose cluster x86").rest().as_deref(), Some("lose cluster x86"));
    }
}
