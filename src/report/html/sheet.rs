//! A sheet as a page: the answer first, then what it rests on, and how to run it again.

use super::chart::intervals::{ROWS_MAX, ink, line_ink, picture};
use super::markup::{self, Head, escape, figure, list, prose, put};
use super::{background, document};
use crate::report::sheet::{Cell, Grid, Mark, Picture, Section, Sheet};

/// The page as HTML.
pub fn page(sheet: &Sheet) -> String {
    let mut html =
        format!("<header><p class=\"what\">{}</p>\n<h1>{}</h1>\n", escape(&sheet.what), escape(&sheet.question));
    for sentence in sheet.answer.iter().take(1) {
        put(&mut html, format_args!("<p class=\"answer\">{}</p>\n", prose(sentence)));
    }
    html += "</header>\n";
    html += &list(sheet.answer.iter().skip(1).map(String::as_str));
    for sentence in &sheet.beware {
        put(&mut html, format_args!("<p class=\"beware\"><b>Beware:</b> {}</p>\n", prose(sentence)));
    }
    html.extend(sheet.sections.iter().map(section));
    html += &background::not_modelled(&sheet.not_modelled.iter().map(String::as_str).collect::<Vec<_>>());
    put(&mut html, format_args!("<h2>How to run it again</h2>\n<pre><code>{}</code></pre>\n", escape(&sheet.command)));
    document(&sheet.title, &html)
}

fn section(section: &Section) -> String {
    let mut html = String::new();
    for sentence in &section.text {
        put(&mut html, format_args!("<p>{}</p>\n", prose(sentence)));
    }
    html += &pictures(&section.pictures);
    html += &section.grid.as_ref().map(grid).unwrap_or_default();
    if !section.code.is_empty() {
        put(&mut html, format_args!("<pre><code>{}</code></pre>\n", escape(&section.code.join("\n"))));
    }
    let heading = escape(&section.heading);
    if section.is_detail {
        return format!("<details><summary>{heading}</summary>\n{html}</details>\n");
    }
    if heading.is_empty() { html } else { format!("<h2>{heading}</h2>\n{html}") }
}

fn pictures(pictures: &[Picture]) -> String {
    let drawn: Vec<String> = pictures.iter().filter_map(drawn).collect();
    if drawn.is_empty() { String::new() } else { format!("<div class=\"grid\">\n{}</div>\n", drawn.concat()) }
}

fn drawn(of: &Picture) -> Option<String> {
    let svg = picture(of)?;
    let marks = |marks: &[(Mark, &str)]| -> Vec<(String, u8)> {
        marks.iter().map(|(mark, what)| ((*what).to_owned(), ink(*mark).number())).collect()
    };
    Some(match of {
        Picture::Intervals { caption, rows, .. } => {
            let more = rows.len().saturating_sub(ROWS_MAX);
            let more = if more > 0 { format!("; {more} more stand in the table") } else { String::new() };
            figure(&format!("{caption}{more}"), &svg, &[])
        }
        Picture::Courses { caption, lines, .. } => {
            let legend = lines.iter().enumerate().map(|(index, line)| (line.0.clone(), line_ink(index).number()));
            figure(caption, &svg, &legend.collect::<Vec<_>>())
        }
        Picture::Dots { caption, .. } => {
            figure(caption, &svg, &marks(&[(Mark::Good, "passes"), (Mark::Bad, "does not")]))
        }
    })
}

fn grid(grid: &Grid) -> String {
    let heads: Vec<Head> = grid.columns.iter().map(|column| Head::with_unit(&column.title, &column.unit)).collect();
    let row = |cells: &Vec<Cell>| -> Vec<markup::Cell> {
        cells.iter().zip(&grid.columns).map(|(one, column)| cell(one, column.is_figure)).collect()
    };
    markup::table(&grid.caption, &heads, &grid.rows.iter().map(row).collect::<Vec<_>>())
}

fn cell(cell: &Cell, is_figure: bool) -> markup::Cell {
    match (cell.mark, is_figure) {
        (Mark::Good, true) => markup::Cell::best(&cell.text),
        (Mark::Bad, true) => markup::Cell::worse(&cell.text),
        (Mark::None, true) => markup::Cell::number(&cell.text),
        (Mark::Bad, false) => markup::Cell::failing(&cell.text),
        (_, false) => markup::Cell::text(&cell.text),
    }
}
