//! HTML in small pieces. Text goes in through [`escape`] or through functions that do it; everything else here is ours.

use std::fmt::Write as _;

/// The text with the five characters that mean something to HTML spelled out.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Sentences, in which a number is not parted from its sign and its unit at the end of a line; what stands between two
/// backticks is code.
pub fn prose(text: &str) -> String {
    let mut text = escape(text);
    while text.matches('`').nth(1).is_some() {
        text = text.replacen('`', "<code>", 1).replacen('`', "</code>", 1);
    }
    for unit in ["%", "$", "×", "±", "ms", "kWh", "kg", "h)", "h,"] {
        text = text.replace(&format!(" {unit}"), &format!("\u{a0}{unit}"));
    }
    for sign in ["±", "&lt;", "&gt;", "≤", "≥"] {
        text = text.replace(&format!("{sign} "), &format!("{sign}\u{a0}"));
    }
    text
}

/// A cell of a table.
#[derive(Debug, Clone)]
pub struct Cell {
    html: String,
    class: &'static str,
}

impl Cell {
    /// Words.
    pub fn text(text: &str) -> Self {
        Self { html: escape(text), class: "" }
    }

    /// The same with a link to a place on the page behind it.
    #[must_use]
    pub fn with_link(self, text: &str, anchor: &str) -> Self {
        let html = format!("{} <a href=\"#{}\">{}</a>", self.html, escape(anchor), escape(text));
        Self { html: html.trim_start().to_owned(), ..self }
    }

    /// The label of a policy, which may break behind its parts.
    pub fn label(label: &str) -> Self {
        let mut html = escape(label);
        for end in ["+", ":", ","] {
            html = html.replace(end, &format!("{end}<wbr>"));
        }
        Self { html, class: "" }
    }

    /// A number, aligned to the right.
    pub fn number(text: &str) -> Self {
        Self { html: escape(text), class: "n" }
    }

    /// The best number of its column.
    pub fn best(text: &str) -> Self {
        Self { html: format!("<strong>{}</strong>", escape(text)), class: "n best" }
    }

    /// A number that is worse than what it is compared with.
    pub fn worse(text: &str) -> Self {
        Self { html: format!("<b>{}</b>", escape(text)), class: "n fails" }
    }

    /// The same as a place that links lead to.
    #[must_use]
    pub fn at(self, anchor: &str) -> Self {
        Self { html: format!("<span id=\"{}\">{}</span>", escape(anchor), self.html), ..self }
    }

    /// Words that say that something is bad.
    pub fn failing(text: &str) -> Self {
        Self { html: format!("<b>{}</b>", escape(text)), class: "fails" }
    }

    /// A number with a bar for its share of the column, 0..1.
    pub fn bar(text: &str, share: f64) -> Self {
        let width = (share.clamp(0.0, 1.0) * 100.0).round();
        let bar = format!(r#"<span class="bar" style="width:{width}%" aria-hidden="true"></span>"#);
        Self { html: escape(text) + &bar, class: "n wide" }
    }

    /// Letters of one width: names of files, hashes, formulas.
    pub fn code(text: &str) -> Self {
        Self { html: format!("<code>{}</code>", escape(text)), class: "" }
    }
}

/// Head of a column: what it is, a second line (unit), and an explanation; each may be empty.
#[derive(Debug, Clone, Default)]
pub struct Head {
    /// What.
    pub title: String,
    /// In which unit.
    pub unit: String,
    /// What it means, shown when pointed at.
    pub means: String,
}

impl Head {
    /// A head of one line.
    pub fn new(title: &str) -> Self {
        Self { title: title.to_owned(), ..Self::default() }
    }

    /// A head with a unit.
    pub fn with_unit(title: &str, unit: &str) -> Self {
        Self { title: title.to_owned(), unit: unit.to_owned(), ..Self::default() }
    }
}

/// A table that scrolls by itself where it is wider than the page. The first cell of each row is its head.
pub fn table(caption: &str, heads: &[Head], rows: &[Vec<Cell>]) -> String {
    made(&escape(caption), heads, rows, "")
}

/// A table with sentences in its cells: on a narrow page each row becomes a paragraph, whose cells say their heads.
pub fn table_of_words(caption: &str, heads: &[Head], rows: &[Vec<Cell>]) -> String {
    made(&escape(caption), heads, rows, " class=\"words\"")
}

/// The same about one thing, whose name stands out in the caption.
pub fn table_of_words_about((name, caption): (&str, &str), heads: &[Head], rows: &[Vec<Cell>]) -> String {
    made(&format!("<b>{}</b>: {}", escape(name), escape(caption)), heads, rows, " class=\"words\"")
}

/// A table with a caption in HTML.
fn made(caption: &str, heads: &[Head], rows: &[Vec<Cell>], class: &str) -> String {
    let says_heads = !class.is_empty();
    let mut html = format!("<div class=\"scroll\"><table{class}>{}<thead><tr>", caption_of(caption));
    let numeric =
        |column: usize| rows.iter().any(|row| row.get(column).is_some_and(|cell| cell.class.starts_with('n')));
    for (column, head) in heads.iter().enumerate() {
        let class = if numeric(column) { r#" class="n""# } else { "" };
        let title = if head.means.is_empty() { String::new() } else { format!(" title=\"{}\"", escape(&head.means)) };
        let unit = if head.unit.is_empty() { String::new() } else { format!("<small>{}</small>", escape(&head.unit)) };
        put(&mut html, format_args!("<th scope=\"col\"{class}{title}>{}{unit}</th>", escape(&head.title)));
    }
    html += "</tr></thead>\n<tbody>\n";
    for row in rows {
        html += "<tr>";
        for (column, cell) in row.iter().enumerate() {
            let class = if cell.class.is_empty() { String::new() } else { format!(" class=\"{}\"", cell.class) };
            let (tag, scope) = if column == 0 { ("th", " scope=\"row\"") } else { ("td", "") };
            let head = heads.get(column).filter(|_| says_heads && column > 0 && !cell.html.is_empty());
            let head =
                head.map(|head| format!(" data-head=\"{}\"", escape(format!("{} {}", head.title, head.unit).trim())));
            let head = head.unwrap_or_default();
            put(&mut html, format_args!("<{tag}{scope}{class}{head}>{}</{tag}>", cell.html));
        }
        html += "</tr>\n";
    }
    html + "</tbody></table></div>\n"
}

/// Without words no caption: what is folded away has a summary above it.
fn caption_of(caption: &str) -> String {
    if caption.is_empty() { String::new() } else { format!("<caption>{caption}</caption>\n") }
}

/// A picture with words above it and its colours explained below.
pub fn figure(caption: &str, svg: &str, legend: &[(String, u8)]) -> String {
    let mut html = format!("<figure><figcaption>{}</figcaption>\n{svg}", escape(caption));
    if !legend.is_empty() {
        html += "<ul class=\"legend\">";
        for (what, ink) in legend {
            put(&mut html, format_args!("<li><span class=\"key b{ink}\"></span>{}</li>", escape(what)));
        }
        html += "</ul>";
    }
    html + "</figure>\n"
}

/// A list of sentences.
pub fn list<'a>(items: impl IntoIterator<Item = &'a str>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| format!("<li>{}</li>\n", prose(item))).collect();
    if items.is_empty() { String::new() } else { format!("<ul>\n{}</ul>\n", items.concat()) }
}

/// Appends formatted HTML.
///
/// # Panics
/// Never: a string takes all.
pub fn put(html: &mut String, arguments: std::fmt::Arguments<'_>) {
    html.write_fmt(arguments).expect("a string takes all");
}
