//! Words to edits: one function for each edit that takes more than a quantity.

use super::lex::{Kind, Wrong};
use super::parse::Parser;
use super::quantity::Factor;
use super::script::{Alignment, Edit, Fill, Merge, Shape, Surge, What};
use crate::units::Span;

/// All edits, as they begin.
pub const EDITS: [&str; 17] = [
    "scale", "set", "add", "clip", "cut", "shift", "repeat", "resample", "smooth", "fill", "drop", "keep", "rename",
    "sum", "merge", "sort", "begin",
];

/// Reads an edit.
///
/// # Errors
/// What is wrong with it.
pub fn edit(parser: &mut Parser) -> Result<Edit, Wrong> {
    let at = parser.spot();
    if parser.word() == Some("select") {
        return Err(parser.wrong_here("`select` begins a statement; write it after a `;` or in a new line"));
    }
    let Some(name) = parser.word().and_then(|word| EDITS.iter().copied().find(|edit| *edit == word)) else {
        return Err(parser.unknown("an edit", &EDITS));
    };
    parser.pass();
    let what = match name {
        "scale" => What::Scale(factor(parser)?),
        "set" => What::Set(parser.rate()?),
        "add" => add(parser)?,
        "clip" => clip(parser)?,
        "cut" => What::Cut(parser.during()?),
        "shift" => shift(parser)?,
        "repeat" if parser.eat_word("for") => What::RepeatFor(parser.length()?),
        "repeat" => repeat(parser)?,
        "resample" => What::Resample(parser.length()?),
        "smooth" => What::Smooth(parser.length()?),
        "fill" => fill(parser)?,
        "drop" => What::Drop,
        "keep" => What::Keep,
        "rename" => rename(parser)?,
        "sum" => sum(parser)?,
        "merge" => What::Merge(merge(parser)?),
        "begin" => {
            wanted_word(parser, "at", "`begin at 2024-01-01`")?;
            What::Begin(parser.moment()?)
        }
        _ => What::Sort,
    };
    Ok(Edit { at, what })
}

fn wanted_word(parser: &mut Parser, word: &str, example: &str) -> Result<(), Wrong> {
    let wrong = parser.wanted(&format!("`{word}`"), example);
    if parser.eat_word(word) { Ok(()) } else { Err(wrong) }
}

fn factor(parser: &mut Parser) -> Result<Factor, Wrong> {
    let wrong = parser.wanted("a factor", "`1.5`, `150%` or `3/2`");
    let text = parser.word().map(str::to_owned).unwrap_or_default();
    let found = Factor::read(&text).ok_or(wrong)?;
    parser.pass();
    Ok(found)
}

/// `add RATE`, `add burst ...` or `add crowd ...`.
fn add(parser: &mut Parser) -> Result<What, Wrong> {
    if parser.eat_word("burst") {
        return surge(parser, false).map(What::Surge);
    }
    if parser.eat_word("crowd") {
        return surge(parser, true).map(What::Surge);
    }
    if parser.word().is_some_and(|word| word.starts_with(|letter: char| letter.is_ascii_digit())) {
        return parser.rate().map(What::Add);
    }
    Err(parser.unknown("what can be added", &["burst", "crowd", "RATE"]))
}

fn surge(parser: &mut Parser, is_crowd: bool) -> Result<Surge, Wrong> {
    let (mut start, mut times, mut long, mut short, mut to) = (None, None, None, None, Vec::new());
    let words: &[&str] =
        if is_crowd { &["at", "times", "rise", "decay", "to"] } else { &["at", "for", "times", "ramp", "to"] };
    let example = if is_crowd {
        "`add crowd at 12:00 times 8 rise 2min decay 15min to web`"
    } else {
        "`add burst at 12:00 for 20min times 6 to web`"
    };
    while !matches!(parser.peek().kind, Kind::End | Kind::Pipe) {
        let Some(word) = parser.word().and_then(|word| words.iter().copied().find(|known| *known == word)) else {
            return Err(parser.unknown("a part of a burst", words));
        };
        parser.pass();
        match word {
            "at" => start = Some(parser.moment()?),
            "times" => times = Some(factor(parser)?),
            "for" | "decay" => long = Some(parser.length()?),
            "ramp" | "rise" => short = Some(parser.span()?),
            _ => to.extend(parser.names()?),
        }
    }
    let (Some(start), Some(times), Some(long)) = (start, times, long) else {
        return Err(parser.wanted("the rest of a burst", example));
    };
    let short = short.unwrap_or(Span::ZERO);
    if !is_crowd && short.repeated(2) > long {
        return Err(parser.wrong_here("the two ramps are longer than the burst; write a shorter `ramp`"));
    }
    let shape =
        if is_crowd { Shape::Crowd { rise: short, decay: long } } else { Shape::Burst { span: long, ramp: short } };
    Ok(Surge { start, times, shape, to })
}

/// `A..B`, `A..` or `..B`.
fn clip(parser: &mut Parser) -> Result<What, Wrong> {
    let low = if parser.peek().kind == Kind::Range { None } else { Some(parser.rate()?) };
    if !parser.eat(&Kind::Range) {
        return Err(parser.wanted("`..`", "`1/s..100/s`, `1/s..` or `..100/s`"));
    }
    let high = if parser.word().is_some() { Some(parser.rate()?) } else { None };
    match (low, high) {
        (None, None) => Err(parser.wanted("a rate", "`1/s..100/s`, `1/s..` or `..100/s`")),
        (Some(low), Some(high)) if low > high => {
            Err(parser.wrong_here("the lower bound is above the upper one; exchange them"))
        }
        _ => Ok(What::Clip(low, high)),
    }
}

fn shift(parser: &mut Parser) -> Result<What, Wrong> {
    let earlier = parser.take_minus();
    parser.span().map(|span| What::Shift(span, earlier))
}

fn repeat(parser: &mut Parser) -> Result<What, Wrong> {
    const REPEATS_MAX: u64 = 1_000_000;
    let wrong = parser.wanted("a number of times from 1 to 1000000", "`repeat 7` or `repeat for 30d`");
    let count = parser.word().and_then(|word| word.parse().ok()).filter(|count| (1..=REPEATS_MAX).contains(count));
    let count = count.ok_or(wrong)?;
    parser.pass();
    Ok(What::Repeat(count))
}

fn fill(parser: &mut Parser) -> Result<What, Wrong> {
    let hows = [Fill::Previous, Fill::Zero, Fill::Linear];
    let Some(how) = hows.into_iter().find(|how| parser.word() == Some(how.word())) else {
        return Err(parser.unknown("what gaps can be filled with", &hows.map(Fill::word)));
    };
    parser.pass();
    let step = if parser.eat_word("every") { Some(parser.length()?) } else { None };
    Ok(What::Fill(how, step))
}

fn rename(parser: &mut Parser) -> Result<What, Wrong> {
    let old = parser.name()?;
    wanted_word(parser, "to", "`rename web to shop` or `rename \"web-*\" to \"shop-*\"`")?;
    let new = parser.name()?;
    let count = |text: &str| text.chars().filter(|letter| matches!(letter, '*' | '?')).count();
    if count(&new.glob.0) > count(&old.glob.0) {
        let message =
            format!("`{}` has more stars than `{}`, so nothing stands for them; write as many", new.glob.0, old.glob.0);
        return Err(Wrong { at: new.at, message });
    }
    Ok(What::Rename(old, new))
}

fn sum(parser: &mut Parser) -> Result<What, Wrong> {
    wanted_word(parser, "into", "`sum into web`")?;
    let name = parser.name()?;
    if name.glob.is_plain() {
        return Ok(What::Sum(name));
    }
    let message = format!("`{}` is a pattern; write the name of one service", name.glob.0);
    Err(Wrong { at: name.at, message })
}

fn merge(parser: &mut Parser) -> Result<Merge, Wrong> {
    let wrong = parser.wanted("the path of a trace", "`merge \"other.csv\"`");
    let file = parser.name().map_err(|_| wrong)?.glob.0;
    let place = if parser.eat_word("at") {
        Alignment::At(parser.moment()?)
    } else if parser.eat_word("by") {
        wanted_word(parser, "clock", "`merge \"other.csv\" by clock`")?;
        Alignment::Clock
    } else {
        Alignment::Begin
    };
    Ok(Merge { file, place, adding: parser.eat_word("adding") })
}
