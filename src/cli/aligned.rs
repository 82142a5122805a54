//! Text in columns: each as wide as its widest cell, the last one unpadded.

/// Lines of aligned columns, two blanks apart.
pub fn aligned(rows: &[Vec<String>]) -> Vec<String> {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let wide = |text: &str| text.chars().count();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| wide(cell)).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::aligned;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["a", "10 /s", "x"], ["long", "–", ""]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(aligned(&rows), ["a     10 /s  x", "long  –"]);
        assert_eq!(aligned(&[]), Vec::<String>::new());
    }
}
