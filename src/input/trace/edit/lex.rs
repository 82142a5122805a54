//! Text to words: every token knows its line and column.
//!
//! A word is whatever stands between spaces and the few signs of the language, so that `2h`, `web-*`, `150%`, `12:00` and
//! `2021-08-01T12:00Z` are words, and only who expects one says what it means. Two points part a range even without spaces
//! (`2h..4h`); a name with a sign in it is quoted.

use super::script::Spot;

/// A piece of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Where it begins.
    pub at: Spot,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Anything without spaces and signs.
    Word(String),
    /// What stood between quotation marks.
    Quoted(String),
    /// `..`
    Range,
    /// `|`
    Pipe,
    /// `,`
    Comma,
    /// `;` or the end of a line.
    End,
}

impl Kind {
    /// As a message shows it.
    pub fn shown(&self) -> String {
        match self {
            Self::Word(text) | Self::Quoted(text) => {
                format!("`{}`", crate::input::trace::error::shown(text.as_bytes()))
            }
            Self::Range => "`..`".to_owned(),
            Self::Pipe => "`|`".to_owned(),
            Self::Comma => "`,`".to_owned(),
            Self::End => "the end of the statement".to_owned(),
        }
    }
}

/// What is wrong with a text, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Where.
    pub at: Spot,
    /// What is wrong and, after the first `; `, what would be right.
    pub message: String,
}

/// Splits a script into tokens; the last one is an [`End`](Kind::End).
///
/// # Errors
/// A quotation mark that is not closed, or a sign that means nothing.
pub fn tokens(text: &str) -> Result<Vec<Token>, Wrong> {
    let mut lexer = Lexer { letters: text.chars().peekable(), spot: Spot { line: 1, column: 1 } };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next()? {
        tokens.push(token);
    }
    tokens.push(Token { kind: Kind::End, at: lexer.spot });
    Ok(tokens)
}

struct Lexer<'a> {
    letters: std::iter::Peekable<std::str::Chars<'a>>,
    spot: Spot,
}

impl Lexer<'_> {
    fn step(&mut self) -> Option<char> {
        let letter = self.letters.next()?;
        self.spot = match letter {
            '\n' => Spot { line: self.spot.line + 1, column: 1 },
            _ => Spot { column: self.spot.column + 1, ..self.spot },
        };
        Some(letter)
    }

    fn next(&mut self) -> Result<Option<Token>, Wrong> {
        loop {
            let at = self.spot;
            let Some(&letter) = self.letters.peek() else { return Ok(None) };
            let kind = match letter {
                '#' => {
                    while self.letters.peek().is_some_and(|letter| *letter != '\n') {
                        self.step();
                    }
                    continue;
                }
                '"' => self.quoted(at)?,
                '|' => self.sign(Kind::Pipe),
                ',' => self.sign(Kind::Comma),
                ';' | '\n' => self.sign(Kind::End),
                letter if letter.is_whitespace() => {
                    self.step();
                    continue;
                }
                letter if letter.is_control() => {
                    let message = format!("`{}` means nothing here; remove it", letter.escape_default());
                    return Err(Wrong { at, message });
                }
                _ => self.word(),
            };
            return Ok(Some(Token { kind, at }));
        }
    }

    fn sign(&mut self, kind: Kind) -> Kind {
        self.step();
        kind
    }

    fn quoted(&mut self, at: Spot) -> Result<Kind, Wrong> {
        let wrong = |message: &str| Err(Wrong { at, message: message.to_owned() });
        self.step();
        let mut text = String::new();
        loop {
            match self.step() {
                Some('"') => return Ok(Kind::Quoted(text)),
                Some('\\') => match self.step() {
                    Some(letter @ ('"' | '\\')) => text.push(letter),
                    _ => return wrong("only `\\\"` and `\\\\` follow a backslash; write `\\\\` for a backslash"),
                },
                Some('\n') | None => {
                    return wrong("the quotation mark is not closed in its line; write `\"` after the name");
                }
                Some(letter) => text.push(letter),
            }
        }
    }

    /// A word, or `..` where it begins with that.
    fn word(&mut self) -> Kind {
        let mut text = String::new();
        while let Some(&letter) = self.letters.peek() {
            if letter.is_whitespace() || letter.is_control() || "|,;\"#".contains(letter) || self.is_range() {
                break;
            }
            text.push(letter);
            self.step();
        }
        if !text.is_empty() {
            return Kind::Word(text);
        }
        self.step();
        self.step();
        Kind::Range
    }

    fn is_range(&self) -> bool {
        let mut ahead = self.letters.clone();
        (ahead.next(), ahead.next()) == (Some('.'), Some('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, tokens};

    #[test]
    fn words_need_no_spaces_around_signs() {
        let kinds: Vec<Kind> =
            tokens("cut 2h..4.5h|scale \"a b\",x# no\n").unwrap().into_iter().map(|t| t.kind).collect();
        let word = |text: &str| Kind::Word(text.to_owned());
        let expected = [
            word("cut"),
            word("2h"),
            Kind::Range,
            word("4.5h"),
            Kind::Pipe,
            word("scale"),
            Kind::Quoted("a b".to_owned()),
            Kind::Comma,
            word("x"),
            Kind::End,
            Kind::End,
        ];
        assert_eq!(kinds, expected);
    }

    #[test]
    fn places_are_counted_in_letters() {
        let found = tokens("ä ö\n  ü").unwrap();
        let places: Vec<(u64, u64)> = found.iter().map(|token| (token.at.line, token.at.column)).collect();
        assert_eq!(places, [(1, 1), (1, 3), (1, 4), (2, 3), (2, 4)]);
        let wrong = tokens("rename \"a\nb\"").unwrap_err();
        assert_eq!((wrong.at.line, wrong.at.column), (1, 8));
    }
}
