//! The page of a back test: the answer first, then service by service what was predicted against what was recorded.
//!
//! It is made of plain figures, so that whoever tests and whoever draws do not know each other; [`super::backtested_charts`]
//! draws. What each figure means, over which hours it is, and which way is better stands on the page itself: a reader was
//! not there.

use super::backtested_charts::{over_time, residuals, statistic};
use super::document;
use super::markup::{Cell, Head, escape, figure, list, prose, put, table_of_words};

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct BacktestPage {
    /// The answer, a sentence each.
    pub answer: Vec<String>,
    /// Where the model comes from, and what is predicted of which samples.
    pub about: Vec<String>,
    /// How the observations were read.
    pub notes: Vec<String>,
    /// What figures mean: a term and its explanation.
    pub definitions: Vec<[String; 2]>,
    /// The command that tests again.
    pub command: String,
    /// Service by service.
    pub sections: Vec<BacktestSection>,
}

/// One service on one class of clusters.
#[derive(Debug, Clone, Default)]
pub struct BacktestSection {
    /// Service and class.
    pub name: String,
    /// The result in a sentence.
    pub answer: String,
    /// Why it was not tested.
    pub untested: Option<String>,
    /// How it drifted, where it did.
    pub drifted: Option<String>,
    /// Over which hours it was tested, and after which.
    pub hours: String,
    /// When the first sample was.
    pub begin: String,
    /// Seconds from the first to the last sample.
    pub span_s: f64,
    /// Seconds to the first sample that was tested.
    pub split_s: f64,
    /// Seconds to where drift begins.
    pub drifted_s: Option<f64>,
    /// Seconds to its alarm.
    pub alarm_s: Option<f64>,
    /// CPU, latency, replicas.
    pub tracks: Vec<Track>,
    /// Decisions that the model would have spoilt.
    pub decisions: Vec<Decision>,
    /// Path of the drift statistic: seconds, upper sum, lower sum.
    pub path: Vec<(f64, f64, f64)>,
    /// Where it raises the alarm.
    pub threshold: f64,
}

/// Something that was predicted.
#[derive(Debug, Clone, Default)]
pub struct Track {
    /// What.
    pub what: String,
    /// In which unit.
    pub unit: &'static str,
    /// What its interval is.
    pub interval: &'static str,
    /// Samples compared, MAPE, bias, share inside the interval; `None` where nothing could be compared.
    pub errors: Option<[String; 4]>,
    /// In order of time.
    pub points: Vec<Compared>,
}

/// A count of wrong decisions.
#[derive(Debug, Clone, Default)]
pub struct Decision {
    /// What.
    pub what: &'static str,
    /// How many, of how many.
    pub count: String,
    /// What it means, and which way is better.
    pub means: &'static str,
}

/// A sample.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "as in a test; missing values are NaN")]
pub struct Compared {
    pub at_s: f64,
    pub recorded: f64,
    pub predicted: f64,
    pub low: f64,
    pub high: f64,
    pub is_tested: bool,
    pub is_saturated: bool,
}

/// Services that are drawn; more would make the page too large to read or to send.
const DRAWN_MAX: usize = 40;

/// The page as HTML.
pub fn page(page: &BacktestPage) -> String {
    let mut html = String::from(
        "<header class=\"which\"><p class=\"what\">smo backtest</p>\n<h1>Does the model predict what came after?</h1>\n",
    );
    for sentence in &page.answer {
        put(&mut html, format_args!("<p class=\"answer\">{}</p>\n", prose(sentence)));
    }
    html += &list(page.about.iter().map(String::as_str));
    html += "</header>\n";
    html += &overview(page);
    for (index, section) in page.sections.iter().enumerate() {
        html += &of_section(section, index < DRAWN_MAX);
    }
    if page.sections.len() > DRAWN_MAX {
        put(&mut html, format_args!("<p>Pictures are drawn of the first {DRAWN_MAX} services.</p>\n"));
    }
    html += "<h2>What the figures mean</h2>\n";
    let rows: Vec<Vec<Cell>> =
        page.definitions.iter().map(|[term, means]| vec![Cell::text(term), Cell::text(means)]).collect();
    html += &table_of_words("", &[Head::new("figure"), Head::new("meaning")], &rows);
    if !page.notes.is_empty() {
        html += "<h2>How the observations were read</h2>\n";
        html += &list(page.notes.iter().map(String::as_str));
    }
    put(&mut html, format_args!("<h2>Again</h2>\n<pre><code>{}</code></pre>\n", escape(&page.command)));
    document("back test", &html)
}

/// All services in a table: one that is read from the left, where the answer is.
fn overview(page: &BacktestPage) -> String {
    if page.sections.len() < 2 {
        return String::new();
    }
    let row = |section: &BacktestSection| {
        let mut cells = vec![Cell::label(&section.name)];
        let mape = |track: &Track| track.errors.as_ref().map_or_else(|| "–".to_owned(), |errors| errors[1].clone());
        cells.extend((0..3).map(|at| Cell::number(&section.tracks.get(at).map_or_else(|| "–".to_owned(), mape))));
        let words =
            section.untested.as_ref().map_or_else(|| section.answer.clone(), |why| format!("Not tested: {why}."));
        cells.push(Cell::text(&words));
        cells
    };
    let heads = [
        Head::new("service"),
        Head::with_unit("CPU", "MAPE, lower is better"),
        Head::with_unit("latency", "MAPE, lower is better"),
        Head::with_unit("replicas", "MAPE, lower is better"),
        Head::new("answer"),
    ];
    table_of_words("All services, over the test part", &heads, &page.sections.iter().map(row).collect::<Vec<_>>())
}

fn of_section(section: &BacktestSection, is_drawn: bool) -> String {
    let mut html = format!("<article>\n<h2>{}</h2>\n", escape(&section.name));
    if let Some(why) = &section.untested {
        put(&mut html, format_args!("<p class=\"beware\"><b>Not tested</b>: {}.</p>\n</article>\n", escape(why)));
        return html;
    }
    put(&mut html, format_args!("<p class=\"answer\">{}</p>\n", prose(&section.answer)));
    if let Some(drifted) = &section.drifted {
        put(&mut html, format_args!("<p class=\"beware\"><b>Drift</b>: it {}.</p>\n", prose(drifted)));
    }
    put(&mut html, format_args!("<p>{}</p>\n", prose(&section.hours)));
    html += &errors(section);
    if is_drawn {
        html += &pictures(section);
    }
    html += &decisions(section);
    html + "</article>\n"
}

fn errors(section: &BacktestSection) -> String {
    let row = |track: &Track| {
        let none = || std::array::from_fn(|_| "–".to_owned());
        let figures: [String; 4] = track.errors.clone().unwrap_or_else(none);
        let mut cells = vec![Cell::text(&track.what)];
        cells.extend(figures.iter().map(|text| Cell::number(text)));
        let why_none = "nothing to compare: it was not recorded, or the model has no figure of it";
        cells.push(Cell::text(if track.errors.is_some() { track.interval } else { why_none }));
        cells
    };
    let heads = [
        Head::new("predicted"),
        Head::with_unit("samples", "compared"),
        Head::with_unit("MAPE", "lower is better"),
        Head::with_unit("bias", "nearest 0 is better"),
        Head::with_unit("inside", "nearest 90 % is better"),
        Head::new("the 90 % interval is"),
    ];
    let rows: Vec<Vec<Cell>> = section.tracks.iter().map(row).collect();
    table_of_words("Errors over the test part", &heads, &rows)
}

fn decisions(section: &BacktestSection) -> String {
    let row = |one: &Decision| vec![Cell::text(one.what), Cell::number(&one.count), Cell::text(one.means)];
    let rows: Vec<Vec<Cell>> = section.decisions.iter().map(row).collect();
    let heads = [Head::new("in the test part"), Head::with_unit("samples", "of how many"), Head::new("meaning")];
    table_of_words("Decisions that the model would have spoilt", &heads, &rows)
}

fn pictures(section: &BacktestSection) -> String {
    let since = format!("time since {}", section.begin);
    let mut html = String::from("<div class=\"grid\">\n");
    for track in &section.tracks {
        if let Some((svg, legend)) = over_time(section, track) {
            // A count has no unit besides its name.
            let unit = if track.unit == "replicas" { String::new() } else { format!(" in {}", track.unit) };
            html += &figure(&format!("{}{unit}, {since}", track.what), &svg, &legend);
        }
    }
    for track in &section.tracks[..section.tracks.len().min(1)] {
        if let Some((svg, legend)) = residuals(section, track) {
            let caption = format!("{}: recorded less predicted, in % of what was predicted, {since}", track.what);
            html += &figure(&caption, &svg, &legend);
        }
    }
    if let Some((svg, legend)) = statistic(section) {
        let caption =
            format!("Drift statistic (no unit; below the alarm level is better; cut off far above it), {since}");
        html += &figure(&caption, &svg, &legend);
    }
    html + "</div>\n"
}
