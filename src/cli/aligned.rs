//! Text in columns, each as wide as its widest cell: names to the left, figures to the right.

use std::io::{self, Write};

/// A table that is printed without lines.
#[derive(Debug, Default)]
pub struct Columns {
    head: Vec<(String, bool)>,
    rows: Vec<Vec<String>>,
}

impl Columns {
    /// Columns with these heads; those that begin with `>` are figures.
    pub fn new<'a>(heads: impl IntoIterator<Item = &'a str>) -> Self {
        let head = heads.into_iter().map(|head| match head.strip_prefix('>') {
            Some(figures) => (figures.to_owned(), true),
            None => (head.to_owned(), false),
        });
        Self { head: head.collect(), rows: Vec::new() }
    }

    /// Adds a row, which has a cell for each column.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Adds the last cell of each row, which may be as wide as there is room.
    pub fn last(&mut self, cells: impl IntoIterator<Item = String>) {
        for (row, cell) in self.rows.iter_mut().zip(cells) {
            row.push(cell);
        }
    }

    fn width(&self, column: usize) -> usize {
        let cells =
            self.rows.iter().filter_map(|row| row.get(column)).chain(self.head.get(column).map(|(head, _)| head));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    }

    /// How wide all columns but the last one are, with the spaces between.
    pub fn width_before_last(&self) -> usize {
        (0..self.head.len().saturating_sub(1)).map(|column| self.width(column) + 2).sum()
    }

    /// Prints the table, each line behind `indent`.
    ///
    /// # Errors
    /// Where the output does not take it.
    pub fn print(&self, indent: &str, out: &mut dyn Write) -> io::Result<()> {
        let heads: Vec<String> = self.head.iter().map(|(head, _)| head.clone()).collect();
        let columns: Vec<(usize, bool)> =
            self.head.iter().enumerate().map(|(column, (_, figures))| (self.width(column), *figures)).collect();
        let mut lines = std::iter::once(&heads).chain(&self.rows).map(|row| in_line(row, &columns));
        lines.try_for_each(|line| writeln!(out, "{}", format!("{indent}{line}").trim_end()))
    }
}

/// Lines of aligned columns, two blanks apart.
pub fn aligned(rows: &[Vec<String>]) -> Vec<String> {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        (cells.map(|cell| cell.chars().count()).max().unwrap_or(0), false)
    };
    let columns: Vec<(usize, bool)> = (0..count).map(width).collect();
    rows.iter().map(|row| in_line(row, &columns)).collect()
}

/// A row as a line: each cell as wide as its column, to the right where that holds figures.
fn in_line(row: &[String], columns: &[(usize, bool)]) -> String {
    let cells = row.iter().zip(columns).map(|(cell, (width, figures))| match figures {
        true => format!("{cell:>width$}"),
        false => format!("{cell:width$}"),
    });
    cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Columns, aligned};

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["a", "10 /s", "x"], ["long", "–", ""]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(aligned(&rows), ["a     10 /s  x", "long  –"]);
        assert_eq!(aligned(&[]), Vec::<String>::new());
    }

    #[test]
    fn names_stand_left_and_figures_right() {
        let mut columns = Columns::new(["name", ">count"]);
        columns.row(vec!["übung".to_owned(), "7".to_owned()]);
        let mut out = Vec::new();
        columns.print("  ", &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "  name   count\n  übung      7\n");
        assert_eq!(columns.width_before_last(), 7);
    }
}
