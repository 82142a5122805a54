//! Words to statements, by recursive descent: statements, selections, and the names in them. Edits are in
//! [`parse_edit`](super::parse_edit).

use super::glob::Glob;
use super::lex::{Kind, Token, Wrong, tokens};
use super::parse_edit::edit;
use super::quantity::{Moment, span};
use super::script::{During, Named, Script, Select, Spot, Statement};
use crate::input::error::nearest;
use crate::units::{Rate, Span};

/// The longest script.
const TEXT_MAX: usize = 1 << 20;
/// Edits of a script: each one is a stage that rows pass through.
const EDITS_MAX: usize = 256;

/// Reads a script.
///
/// # Errors
/// The first thing that is wrong, and where.
pub fn script(text: &str) -> Result<Script, Wrong> {
    if text.len() > TEXT_MAX {
        let message = format!("the script is longer than the limit of {} KiB; split it", TEXT_MAX >> 10);
        return Err(Wrong { at: Spot { line: 1, column: 1 }, message });
    }
    let mut parser = Parser { tokens: tokens(text)?, next: 0 };
    let mut script = Script::default();
    while !parser.is_over() {
        if parser.eat(&Kind::End) {
            continue;
        }
        script.statements.push(parser.statement()?);
        if script.edits().count() > EDITS_MAX {
            return Err(
                parser.wrong_here(&format!("more than {EDITS_MAX} edits; write some of them to a file in between"))
            );
        }
    }
    Ok(script)
}

/// Tokens that are read one after the other; the last one is an end.
pub struct Parser {
    tokens: Vec<Token>,
    next: usize,
}

impl Parser {
    fn is_over(&self) -> bool {
        self.next >= self.tokens.len()
    }

    /// The next token; at the end the last one, again and again.
    pub fn peek(&self) -> &Token {
        &self.tokens[self.next.min(self.tokens.len() - 1)]
    }

    /// Where the next token stands.
    pub fn spot(&self) -> Spot {
        self.peek().at
    }

    /// Passes over the next token.
    pub fn pass(&mut self) {
        self.next += 1;
    }

    /// Passes over the next token if it is this one.
    pub fn eat(&mut self, kind: &Kind) -> bool {
        let found = !self.is_over() && self.peek().kind == *kind;
        self.next += usize::from(found);
        found
    }

    /// Passes over the next word if it is this one.
    pub fn eat_word(&mut self, word: &str) -> bool {
        let found = self.word() == Some(word);
        self.next += usize::from(found);
        found
    }

    /// Takes a minus off the next word.
    pub fn take_minus(&mut self) -> bool {
        let index = self.next.min(self.tokens.len() - 1);
        let Kind::Word(word) = &mut self.tokens[index].kind else { return false };
        match word.strip_prefix('-').map(str::to_owned) {
            Some(rest) if !rest.is_empty() => {
                *word = rest;
                true
            }
            _ => false,
        }
    }

    /// The next token, if it is a word.
    pub fn word(&self) -> Option<&str> {
        match &self.peek().kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }

    /// A mistake at the next token.
    pub fn wrong_here(&self, message: &str) -> Wrong {
        Wrong { at: self.spot(), message: message.to_owned() }
    }

    /// Something else was wanted here.
    pub fn wanted(&self, what: &str, example: &str) -> Wrong {
        self.wrong_here(&format!("{} stands where {what} is wanted; write it like {example}", self.peek().kind.shown()))
    }

    /// None of the words that may stand here.
    pub fn unknown(&self, what: &str, words: &[&str]) -> Wrong {
        let known: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
        let hint = self.word().and_then(|word| nearest(word, words.iter().copied()));
        let hint = hint.map(|word| format!("did you mean `{word}`? ")).unwrap_or_default();
        let shown = self.peek().kind.shown();
        self.wrong_here(&format!("{shown} is not {what}; {hint}there are {}", known.join(", ")))
    }

    fn statement(&mut self) -> Result<Statement, Wrong> {
        let mut statement = Statement::default();
        if self.eat_word("select") {
            statement.select = self.select()?;
            if !self.eat(&Kind::Pipe) {
                return Err(self.unknown("a part of a selection", &["service", "except", "label", "during", "| EDIT"]));
            }
        }
        loop {
            statement.edits.push(edit(self)?);
            if self.eat(&Kind::End) || self.is_over() {
                return Ok(statement);
            }
            if !self.eat(&Kind::Pipe) {
                return Err(self.wrong_here(&format!(
                    "{} follows a whole edit; write `|` before the next edit, or begin a new line",
                    self.peek().kind.shown()
                )));
            }
        }
    }

    fn select(&mut self) -> Result<Select, Wrong> {
        let mut select = Select::default();
        loop {
            if self.eat_word("service") || self.eat_word("services") {
                select.services.extend(self.names()?);
            } else if self.eat_word("except") {
                select.except.extend(self.names()?);
            } else if self.eat_word("label") || self.eat_word("labels") {
                self.labels(&mut select.labels)?;
            } else if self.eat_word("during") {
                if select.during.is_some() {
                    return Err(self.wrong_here("a second `during`; write a statement for each time"));
                }
                select.during = Some(self.during()?);
            } else if select == Select::default() {
                return Err(self.unknown("a selection", &["service", "except", "label", "during"]));
            } else {
                return Ok(select);
            }
        }
    }

    /// Names with commas between them.
    pub fn names(&mut self) -> Result<Vec<Named>, Wrong> {
        let mut names = vec![self.name()?];
        while self.eat(&Kind::Comma) {
            names.push(self.name()?);
        }
        Ok(names)
    }

    /// A name or a pattern, in quotation marks or not.
    pub fn name(&mut self) -> Result<Named, Wrong> {
        let at = self.spot();
        match &self.peek().kind {
            Kind::Word(text) | Kind::Quoted(text) if !text.trim().is_empty() && !self.is_over() => {
                let glob = Glob(text.trim().to_owned());
                self.pass();
                Ok(Named { glob, at })
            }
            _ => Err(self.wanted("the name of a service", "`web`, `web-*` or `\"web 1\"`")),
        }
    }

    fn labels(&mut self, labels: &mut Vec<(String, Named)>) -> Result<(), Wrong> {
        loop {
            let at = self.spot();
            let example = "`zone=eu-*` or `zone=\"eu west\"`";
            let (name, value) = match self.word().and_then(|word| word.split_once('=')) {
                Some((name, value)) if !name.is_empty() => (name.to_owned(), value.to_owned()),
                _ => return Err(self.wanted("a label", example)),
            };
            self.pass();
            let named = if value.is_empty() { self.name()? } else { Named { glob: Glob(value), at } };
            labels.push((name, named));
            if !self.eat(&Kind::Comma) {
                return Ok(());
            }
        }
    }

    /// `A..B`, `A..` or `..B`.
    pub fn during(&mut self) -> Result<During, Wrong> {
        let at = self.spot();
        let from = if self.peek().kind == Kind::Range { None } else { Some(self.moment()?) };
        if !self.eat(&Kind::Range) {
            return Err(self.wanted("`..`", "`2h..4h`, `2h..` or `..4h`"));
        }
        let until = match self.word() {
            Some(word) if !["service", "services", "except", "label", "labels", "during"].contains(&word) => {
                Some(self.moment()?)
            }
            _ => None,
        };
        if from.is_none() && until.is_none() {
            return Err(Wrong { at, message: "the range has neither begin nor end; write one of them".to_owned() });
        }
        Ok(During { from, until, at })
    }

    /// A moment.
    pub fn moment(&mut self) -> Result<Moment, Wrong> {
        if self.word().is_none() {
            return Err(self.wanted("a moment", "`2h`, `12:00` or `2021-08-01T12:00Z`"));
        }
        let at = self.spot();
        Moment::read(&self.with_unit()).map_err(|message| Wrong { at, message })
    }

    /// A span of time.
    pub fn span(&mut self) -> Result<Span, Wrong> {
        let wrong = self.wanted("a span of time", "`30s`, `20 min` or `1h30min`");
        span(&self.with_unit()).ok_or(wrong)
    }

    /// A span of time that is not zero.
    pub fn length(&mut self) -> Result<Span, Wrong> {
        let wrong = self.wrong_here("the span is zero; write a longer one");
        self.span().and_then(|span| if span == Span::ZERO { Err(wrong) } else { Ok(span) })
    }

    /// A rate.
    pub fn rate(&mut self) -> Result<Rate, Wrong> {
        let wrong = self.wanted("a rate", "`12.5/s`, `300 rps` or `90/min`");
        self.with_unit().parse().map_err(|_| wrong)
    }

    /// The next word, with the one after it where that is the unit of a bare number.
    fn with_unit(&mut self) -> String {
        const UNITS: [&str; 14] =
            ["ns", "us", "µs", "ms", "s", "min", "h", "d", "/s", "rps", "req/s", "/min", "/h", "%"];
        let Some(word) = self.word().map(str::to_owned) else { return String::new() };
        self.pass();
        let bare = word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'_');
        match self.word() {
            Some(unit) if bare && UNITS.contains(&unit) => {
                let joined = word + unit;
                self.pass();
                joined
            }
            _ => word,
        }
    }
}
