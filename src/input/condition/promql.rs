//! The part of PromQL that conditions are written in, as a tree; what its names mean is for `resolve` to say.
//!
//! Numbers, selectors with equality matchers and a range, function calls and aggregations (with `by` or `without`), the
//! arithmetic `+ - * /`, comparisons, `and`, `or`, parentheses, comments. By falling strength: sign, `* /`, `+ -`,
//! comparisons, `and`, `or`. What else PromQL has (offsets, subqueries, regular expressions, `unless`, powers, matching
//! of vectors) is refused with its place in the text.

use crate::input::hdag::duration;
use crate::units::Span;

/// How deep parentheses, calls and signs may be nested.
const DEPTH_MAX: usize = 50;

/// Letters that a condition may have.
const LENGTH_MAX: usize = 10_000;

/// A condition as it is written.
#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    /// A constant.
    Number(f64),
    /// A metric.
    Selector(Selector),
    /// A function or aggregation.
    Call {
        /// Its name.
        function: String,
        /// What it is given.
        arguments: Vec<Tree>,
        /// Where it stands, in letters from 1.
        at: usize,
    },
    /// Two operands.
    Binary {
        /// `or`, `and`, a comparison, or arithmetic.
        operator: &'static str,
        /// Left and right.
        operands: Box<[Tree; 2]>,
        /// Where the operator stands.
        at: usize,
    },
}

/// A metric with its labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Selector {
    /// Its name.
    pub name: String,
    /// Labels that it must have.
    pub labels: Vec<(String, String)>,
    /// The range in brackets.
    pub range: Option<Span>,
    /// Where it stands.
    pub at: usize,
}

/// What is wrong with a condition, what would be right behind the first `; `, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// In letters from 1.
    pub at: usize,
    /// Words.
    pub message: String,
}

/// Reads a condition.
///
/// # Errors
/// The first thing that is not understood.
pub fn parse(text: &str) -> Result<Tree, Fault> {
    let letters: Vec<char> = text.chars().collect();
    if letters.len() > LENGTH_MAX {
        return Err(fault(1, &format!("the condition has {} letters; write at most {LENGTH_MAX}", letters.len())));
    }
    let mut parser = Parser { letters, next: 0, depth: 0 };
    let tree = parser.binary(0)?;
    parser.skip();
    match parser.letters.get(parser.next) {
        None => Ok(tree),
        Some(letter) => Err(parser.fault(&format!("`{letter}` is not expected here; write an operator, or nothing"))),
    }
}

/// Operators by rising strength.
const LEVELS: [&[&str]; 5] = [&["or"], &["and"], &[">=", "<=", "==", "!=", ">", "<"], &["+", "-"], &["*", "/"]];

struct Parser {
    letters: Vec<char>,
    next: usize,
    depth: usize,
}

impl Parser {
    fn fault(&self, message: &str) -> Fault {
        fault(self.next + 1, message)
    }

    /// Skips blanks and comments.
    fn skip(&mut self) {
        while let Some(letter) = self.letters.get(self.next) {
            if *letter == '#' {
                let rest = self.letters[self.next..].iter();
                self.next += rest.take_while(|letter| **letter != '\n').count();
            } else if letter.is_whitespace() {
                self.next += 1;
            } else {
                break;
            }
        }
    }

    fn peek(&mut self) -> Option<char> {
        self.skip();
        self.letters.get(self.next).copied()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, wanted: char) -> Result<(), Fault> {
        if self.take(wanted) { Ok(()) } else { Err(self.fault(&format!("a `{wanted}` is missing; write it here"))) }
    }

    /// The operator of `level` that stands next, taken.
    fn operator(&mut self, level: usize) -> Option<&'static str> {
        self.skip();
        let rest = &self.letters[self.next..];
        let found = LEVELS[level].iter().find(|operator| {
            let length = operator.len();
            let same = rest.len() >= length && operator.chars().zip(rest).all(|(a, b)| a == *b);
            let is_word = operator.starts_with(char::is_alphabetic);
            same && !(is_word && rest.get(length).is_some_and(|letter| is_of_name(*letter)))
        })?;
        self.next += found.len();
        Some(found)
    }

    /// Everything from `level` on, from the left.
    fn binary(&mut self, level: usize) -> Result<Tree, Fault> {
        if level == LEVELS.len() {
            return self.signed();
        }
        let mut left = self.binary(level + 1)?;
        loop {
            let at = self.next + 1;
            let Some(operator) = self.operator(level) else { return Ok(left) };
            let right = self.binary(level + 1)?;
            left = Tree::Binary { operator, operands: Box::new([left, right]), at };
        }
    }

    fn signed(&mut self) -> Result<Tree, Fault> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.fault(&format!("nested too deep; write at most {DEPTH_MAX} levels")));
        }
        let at = self.next + 1;
        let tree = if self.take('-') {
            let operands = Box::new([Tree::Number(0.0), self.signed()?]);
            Tree::Binary { operator: "-", operands, at }
        } else if self.take('+') {
            self.signed()?
        } else {
            self.primary()?
        };
        self.depth -= 1;
        Ok(tree)
    }

    fn primary(&mut self) -> Result<Tree, Fault> {
        if self.take('(') {
            let tree = self.binary(0)?;
            self.expect(')')?;
            return Ok(tree);
        }
        match self.peek() {
            Some(letter) if letter.is_ascii_digit() || letter == '.' => self.number(),
            Some(letter) if is_first_of_name(letter) || letter == '{' => self.named(),
            Some(letter) => Err(self.fault(&format!("`{letter}` is not understood; write a metric, a number or `(`"))),
            None => Err(self.fault("the condition ends too early; write a metric or a number here")),
        }
    }

    fn number(&mut self) -> Result<Tree, Fault> {
        let start = self.next;
        let mut before = ' ';
        while let Some(letter) = self.letters.get(self.next) {
            let is_exponent_sign = matches!(letter, '+' | '-') && matches!(before, 'e' | 'E');
            if !(letter.is_ascii_alphanumeric() || *letter == '.' || is_exponent_sign) {
                break;
            }
            before = *letter;
            self.next += 1;
        }
        let text: String = self.letters[start..self.next].iter().collect();
        let wrong = || fault(start + 1, &format!("`{text}` is no number; write it like `12`, `0.5` or `1e3`"));
        let number: f64 = text.parse().map_err(|_| wrong())?;
        if number.is_finite() { Ok(Tree::Number(number)) } else { Err(wrong()) }
    }

    fn name(&mut self) -> String {
        let rest = self.letters[self.next..].iter();
        let name: String = rest.take_while(|letter| is_of_name(**letter)).collect();
        self.next += name.chars().count();
        name
    }

    /// A function, an aggregation, or a metric.
    fn named(&mut self) -> Result<Tree, Fault> {
        let at = self.next + 1;
        let name = self.name();
        if matches!(self.peek(), Some('(')) || self.is_grouping() {
            return self.call(name, at);
        }
        let mut labels = Vec::new();
        if self.take('{') {
            self.labels(&mut labels)?;
        }
        let mut name = name;
        if let Some(position) = labels.iter().position(|(key, _): &(String, String)| key == "__name__") {
            name = labels.remove(position).1;
        }
        let range = if self.take('[') { Some(self.range()?) } else { None };
        for word in ["offset", "@", "[", ":"] {
            let rest: String = self.letters[self.next..].iter().take(word.len()).collect();
            if rest == word {
                return Err(self.fault(&format!("`{word}` is not understood; leave it out")));
            }
        }
        Ok(Tree::Selector(Selector { name, labels, range, at }))
    }

    fn is_grouping(&mut self) -> bool {
        self.skip();
        let word: String = self.letters[self.next..].iter().take_while(|letter| is_of_name(**letter)).collect();
        ["by", "without"].contains(&word.as_str())
    }

    fn call(&mut self, function: String, at: usize) -> Result<Tree, Fault> {
        self.grouping()?;
        self.expect('(')?;
        let mut arguments = Vec::new();
        while !self.take(')') {
            if !arguments.is_empty() {
                self.expect(',')?;
            }
            arguments.push(self.binary(0)?);
        }
        self.grouping()?;
        Ok(Tree::Call { function, arguments, at })
    }

    /// `by (a, b)`: all that is asked about is one number, so the groups say nothing.
    fn grouping(&mut self) -> Result<(), Fault> {
        if !self.is_grouping() {
            return Ok(());
        }
        self.name();
        self.expect('(')?;
        while !self.take(')') {
            self.skip();
            if self.name().is_empty() && !self.take(',') {
                return Err(self.fault("a label is wanted here; write names with `,` between them, then `)`"));
            }
        }
        Ok(())
    }

    fn labels(&mut self, labels: &mut Vec<(String, String)>) -> Result<(), Fault> {
        while !self.take('}') {
            if !labels.is_empty() {
                self.expect(',')?;
                if self.take('}') {
                    break;
                }
            }
            self.skip();
            let key = self.name();
            if key.is_empty() {
                return Err(self.fault("a label is wanted here; write `label=\"value\"`"));
            }
            let is_equality = self.take('=') && !matches!(self.letters.get(self.next), Some('~' | '='));
            if !is_equality {
                return Err(self.fault(&format!("only `=` is understood; write `{key}=\"value\"`")));
            }
            let value = self.quoted()?;
            labels.push((key, value));
        }
        Ok(())
    }

    fn quoted(&mut self) -> Result<String, Fault> {
        let Some(quote @ ('"' | '\'' | '`')) = self.peek() else {
            return Err(self.fault("a value in quotes is wanted here; write `\"value\"`"));
        };
        let start = self.next + 1;
        let length = self.letters[start..].iter().position(|letter| *letter == quote);
        let Some(length) = length else { return Err(self.fault("the quotes are not closed; write another one")) };
        self.next = start + length + 1;
        Ok(self.letters[start..start + length].iter().collect())
    }

    fn range(&mut self) -> Result<Span, Fault> {
        let at = self.next;
        let text: String = self.letters[at..].iter().take_while(|letter| **letter != ']').collect();
        self.next += text.chars().count();
        self.expect(']')?;
        let span = duration(&text).filter(|span| *span > Span::ZERO);
        span.ok_or_else(|| fault(at + 1, &format!("`{text}` is no range; write it like `1m` or `90s`")))
    }
}

fn fault(at: usize, message: &str) -> Fault {
    Fault { at, message: message.to_owned() }
}

const fn is_first_of_name(letter: char) -> bool {
    letter.is_ascii_alphabetic() || letter == '_' || letter == ':'
}

const fn is_of_name(letter: char) -> bool {
    is_first_of_name(letter) || letter.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::{Tree, parse};
    use crate::units::Span;

    /// The tree with all parentheses.
    fn shown(tree: &Tree) -> String {
        match tree {
            Tree::Number(number) => number.to_string(),
            Tree::Selector(selector) => {
                let labels: String = selector
                    .labels
                    .iter()
                    .map(|(key, value)| format!("{{{key}={value}}}"))
                    .collect::<Vec<_>>()
                    .concat();
                let range =
                    selector.range.map(|range| format!("[{}]", range.0 / Span::seconds(1).0)).unwrap_or_default();
                format!("{}{labels}{range}", selector.name)
            }
            Tree::Call { function, arguments, .. } => {
                format!("{function}({})", arguments.iter().map(shown).collect::<Vec<_>>().join(","))
            }
            Tree::Binary { operator, operands, .. } => {
                format!("({} {operator} {})", shown(&operands[0]), shown(&operands[1]))
            }
        }
    }

    #[test]
    fn conditions_are_read_by_the_strength_of_their_operators() {
        let cases = [
            ("sum(rate(crane_frames_total[1m])) > 12", "(sum(rate(crane_frames_total[60])) > 12)"),
            ("a > 1 or b < 2 and c == 3", "((a > 1) or ((b < 2) and (c == 3)))"),
            ("1 - 2 - 3 * 4 / 5 >= -x", "(((1 - 2) - ((3 * 4) / 5)) >= (0 - x))"),
            ("(1 + 2) * 3 != 1e-3", "(((1 + 2) * 3) != 0.001)"),
            ("sum by (le, app) (rate(x_bucket{app=\"a\", z='b',}[5m]))", "sum(rate(x_bucket{app=a}{z=b}[300]))"),
            ("sum(x) by (app)", "sum(x)"),
            ("absent(up{prometheus=\"kc1/operator\"})", "absent(up{prometheus=kc1/operator})"),
            ("{__name__=\"a.b\"} > 1 # busy", "(a.b > 1)"),
            ("order > 1", "(order > 1)"),
            ("histogram_quantile(0.95, sum(rate(x[1h30m])) by (le))", "histogram_quantile(0.95,sum(rate(x[5400])))"),
        ];
        for (text, wanted) in cases {
            let tree = parse(text).unwrap_or_else(|fault| panic!("{text}: {fault:?}"));
            assert_eq!(shown(&tree), wanted, "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_place() {
        let cases = [
            ("", 1, "ends too early"),
            ("a >", 4, "ends too early"),
            ("(a > 1", 7, "a `)` is missing"),
            ("a b", 3, "`b` is not expected"),
            ("a{b=~\"c\"}", 5, "only `=`"),
            ("a{b!=\"c\"}", 4, "only `=`"),
            ("a{b=\"c", 5, "not closed"),
            ("a[5]", 3, "no range"),
            ("a[0s]", 3, "no range"),
            ("rate(a[1m] offset 5m)", 12, "`offset`"),
            ("1x", 1, "no number"),
            ("1e999", 1, "no number"),
            ("a ^ 2", 3, "`^` is not expected"),
            ("a > bool 1", 10, "not expected"),
            ("sum(a, )", 8, "not understood"),
        ];
        for (text, at, wanted) in cases {
            let fault = parse(text).expect_err(text);
            assert!(fault.message.contains(wanted) && fault.message.contains("; "), "{text}: {fault:?}");
            assert_eq!(fault.at, at, "{text}: {fault:?}");
        }
        assert!(parse(&"(".repeat(9_000)).expect_err("deep").message.contains("too deep"));
        assert!(parse(&"x".repeat(20_000)).expect_err("long").message.contains("letters"));
    }
}
