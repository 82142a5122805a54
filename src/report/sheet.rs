//! An answer on one sheet: sentences first, then tables and pictures, the same for a terminal, Markdown and a page.
//!
//! Commands that answer a question of their own (what if, a drill, head-room) fill it in; how it looks is decided here, in
//! [`html::sheet`](super::html::sheet) and nowhere else. Text stands in it as it is meant: escaping is for whoever writes.

use super::markdown::escape;
use super::table::wrapped;
use comfy_table::presets::NOTHING;
use comfy_table::{Cell as TableCell, CellAlignment, ContentArrangement, Table};
use std::fmt::Write as _;

/// An answer and what it rests on.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sheet {
    /// Name of the page.
    pub title: String,
    /// What was run, in one line.
    pub what: String,
    /// The question.
    pub question: String,
    /// The answer, a sentence each; the first is the verdict.
    pub answer: Vec<String>,
    /// What a reader must know before believing it.
    pub beware: Vec<String>,
    /// What the answer rests on.
    pub sections: Vec<Section>,
    /// What the simulation leaves out.
    pub not_modelled: Vec<String>,
    /// The command that answers again.
    pub command: String,
}

/// A part of a sheet.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Section {
    /// What it is about.
    pub heading: String,
    /// Sentences.
    pub text: Vec<String>,
    /// Pictures; only pages have them.
    pub pictures: Vec<Picture>,
    /// Figures.
    pub grid: Option<Grid>,
    /// Lines to be copied.
    pub code: Vec<String>,
    /// Whether a terminal leaves it out, and Markdown folds it away.
    pub is_detail: bool,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Grid {
    /// What it shows.
    pub caption: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows, a cell for each column.
    pub rows: Vec<Vec<Cell>>,
}

/// The head of a column.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Column {
    /// What.
    pub title: String,
    /// In which unit; may be empty.
    pub unit: String,
    /// Whether it holds figures, which stand to the right.
    pub is_figure: bool,
}

/// A cell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cell {
    /// What it says.
    pub text: String,
    /// Whether that is good or bad.
    pub mark: Mark,
}

/// What to make of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mark {
    /// Nothing.
    #[default]
    None,
    /// It is good.
    Good,
    /// It is bad.
    Bad,
}

/// A picture, in numbers as they are shown.
#[derive(Debug, Clone, PartialEq)]
pub enum Picture {
    /// Values with their intervals, a row each, against zero and a limit.
    Intervals {
        /// What it shows.
        caption: String,
        /// What the axis shows.
        axis: String,
        /// Name, value, half of the interval, and what to make of it.
        rows: Vec<(String, f64, f64, Mark)>,
        /// Where a dashed line stands.
        limit: Option<f64>,
    },
    /// Values over time.
    Courses {
        /// What it shows.
        caption: String,
        /// Name, and value by second since the start of the run.
        lines: Vec<(String, Vec<(f64, f64)>)>,
        /// From when to when something was lost.
        lost: (f64, f64),
    },
    /// Points, good or bad ones.
    Dots {
        /// What it shows.
        caption: String,
        /// What the two axes show.
        axes: (String, String),
        /// Places, what each is called, and what to make of it.
        dots: Vec<((f64, f64), String, Mark)>,
        /// Where a dashed line lies.
        limit: Option<f64>,
    },
}

impl Column {
    /// A column of words.
    pub fn words(title: &str) -> Self {
        Self { title: title.to_owned(), ..Self::default() }
    }

    /// A column of figures.
    pub fn figures(title: &str, unit: &str) -> Self {
        Self { title: title.to_owned(), unit: unit.to_owned(), is_figure: true }
    }
}

impl Cell {
    /// A cell with a mark.
    pub fn marked(text: impl Into<String>, mark: Mark) -> Self {
        Self { text: text.into(), mark }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { text, mark: Mark::None }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl Sheet {
    /// For a terminal of that width; a line feed ends it.
    ///
    /// # Panics
    /// Never: a string takes all.
    pub fn text(&self, width: usize) -> String {
        let mut text = wrapped(&self.what, width);
        for sentence in &self.answer {
            text += &wrapped(sentence, width);
        }
        for sentence in &self.beware {
            text += &wrapped(&format!("Beware: {sentence}"), width);
        }
        for section in self.sections.iter().filter(|section| !section.is_detail) {
            text += "\n";
            if !section.heading.is_empty() {
                text += &wrapped(&section.heading, width);
            }
            for sentence in &section.text {
                text += &wrapped(sentence, width);
            }
            if let Some(grid) = &section.grid {
                writeln!(text, "{}", grid.text(width)).expect("a string takes all");
            }
            for line in &section.code {
                writeln!(text, "  {line}").expect("a string takes all");
            }
        }
        text
    }

    /// As Markdown, for a pull request; a line feed ends it.
    ///
    /// # Panics
    /// Never: a string takes all.
    pub fn markdown(&self) -> String {
        let mut text = format!("## {}\n\n", escape(&self.question));
        let mut line = |line: &str| writeln!(text, "{line}\n").expect("a string takes all");
        for (index, sentence) in self.answer.iter().enumerate() {
            let sentence = escape(sentence);
            line(&if index == 0 { format!("**{sentence}**") } else { sentence });
        }
        self.beware.iter().for_each(|sentence| line(&format!("> Beware: {}", escape(sentence))));
        self.sections.iter().for_each(|section| line(&section.markdown()));
        line(&format!("{}.", escape(&self.what)));
        line(&format!(
            "<details><summary>How to run it again</summary>\n\n```console\n$ {}\n```\n\n</details>",
            self.command
        ));
        text.truncate(text.trim_end().len());
        text + "\n"
    }
}

impl Section {
    fn markdown(&self) -> String {
        let mut parts: Vec<String> = self.text.iter().map(|sentence| escape(sentence)).collect();
        parts.extend(self.grid.as_ref().map(Grid::markdown));
        if !self.code.is_empty() {
            parts.push(format!("```text\n{}\n```", self.code.join("\n")));
        }
        let body = parts.join("\n\n");
        let heading = escape(&self.heading);
        match (self.is_detail, heading.is_empty()) {
            (true, _) => format!("<details><summary>{heading}</summary>\n\n{body}\n\n</details>"),
            (false, true) => body,
            (false, false) => format!("### {heading}\n\n{body}"),
        }
    }
}

impl Grid {
    fn text(&self, width: usize) -> String {
        let mut table = Table::new();
        table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        let cell = |text: String, column: &Column| {
            let side = if column.is_figure { CellAlignment::Right } else { CellAlignment::Left };
            TableCell::new_owned(text).set_alignment(side)
        };
        let head = |column: &Column| {
            let text = format!("{}\n{}", column.title, column.unit);
            cell(text.trim_end().to_owned(), column)
        };
        table.set_header(self.columns.iter().map(head).collect::<Vec<_>>());
        for row in 0..self.rows.len() {
            let cells = self.in_text(row).into_iter().zip(&self.columns).map(|(text, column)| cell(text, column));
            table.add_row(cells.collect::<Vec<_>>());
        }
        for (index, column) in table.column_iter_mut().enumerate() {
            column.set_padding((if index == 0 { 0 } else { 2 }, 0));
        }
        if table.lines().any(|line| line.trim_end().chars().count() > width) {
            table.set_content_arrangement(ContentArrangement::Dynamic);
            table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
        }
        table.trim_fmt()
    }

    fn markdown(&self) -> String {
        let row = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
        let head = |column: &Column| escape(format!("{} {}", column.title, column.unit).trim());
        let rule = |column: &Column| if column.is_figure { "--:" } else { ":--" }.to_owned();
        let mut lines =
            vec![row(self.columns.iter().map(head).collect()), row(self.columns.iter().map(rule).collect())];
        let cells = |index: usize| self.in_text(index).iter().map(|text| escape(text)).collect();
        lines.extend((0..self.rows.len()).map(|index| row(cells(index))));
        lines.join("\n")
    }
}

impl Grid {
    /// What the cells of a row say in text: a name that stands in the row above is not repeated, and a bad figure, which
    /// has no colour here, has a mark.
    fn in_text(&self, row: usize) -> Vec<String> {
        let cells = &self.rows[row];
        let is_repeated = row > 0 && cells.len() > 1 && self.rows[row - 1][0] == cells[0];
        let text = |(place, (cell, column)): (usize, (&Cell, &Column))| match (place, cell.mark) {
            (0, _) if is_repeated => String::new(),
            (_, Mark::Bad) if column.is_figure => format!("{} !", cell.text),
            _ => cell.text.clone(),
        };
        cells.iter().zip(&self.columns).enumerate().map(text).collect()
    }
}
