//! Pictures as inline SVG, drawn by plotters.
//!
//! A chart is a [`Frame`] (axes) and [`Shape`]s in its coordinates; one function draws them all. Colours are roles
//! ([`Ink`]), which the page's style sheet turns into colours for light, dark and paper. The canvas is twice as fine as
//! it is shown, since SVG from plotters has whole coordinates.

pub mod axis;
pub mod intervals;
pub mod map;
pub mod over_time;
pub mod scatter;
pub mod split;
pub mod svg;
pub mod thin;

use axis::Axis;
use plotters::backend::SVGBackend;
use plotters::chart::ChartBuilder;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::element::{Circle, EmptyElement, PathElement, Polygon, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, IntoFont, RGBColor, TextStyle};

/// Width of the canvas, in its own pixels.
pub const WIDTH: u32 = 1_040;
/// Height of the canvas.
pub const HEIGHT: u32 = 480;
/// Width of a letter, roughly.
pub const LETTER: u32 = 17;
/// Size of letters as plotters counts it: the SVG says 1.24 times less.
const FONT: u32 = 38;
/// Around the picture.
const MARGIN: u32 = 14;
/// Below the plot: the labels and the title of the axis.
const BELOW: u32 = 98;

/// What a colour is for. The style sheet has a class `k<number>` for strokes and `f<number>` for fills of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// Letters.
    Letters,
    /// Axes.
    Axis,
    /// Lines of the grid.
    Grid,
    /// Load that arrives.
    Offered,
    /// Load that is served.
    Served,
    /// Load that arrives and is not served.
    Lost,
    /// What could be served.
    Capacity,
    /// The promise.
    Slo,
    /// While something is broken.
    Fault,
    /// Not to be seen; says something when it is pointed at.
    Hover,
    /// One of several alike, counted from zero; there are [`Ink::SERIES`].
    Series(u8),
}

impl Ink {
    /// How many can be told apart.
    pub const SERIES: usize = 8;

    /// The colour of a cluster, by its place among those that are told apart.
    pub fn of_cluster(place: usize) -> Self {
        Self::Series(u8::try_from(place % Self::SERIES).unwrap_or(0))
    }

    /// The number of its classes.
    pub const fn number(self) -> u8 {
        match self {
            Self::Letters => 0,
            Self::Axis => 1,
            Self::Grid => 2,
            Self::Offered => 3,
            Self::Served => 4,
            Self::Lost => 5,
            Self::Capacity => 6,
            Self::Slo => 7,
            Self::Fault => 8,
            Self::Hover => 9,
            Self::Series(index) => 10 + index,
        }
    }

    /// A colour that stands for the role until [`svg::finish`] replaces it.
    const fn colour(self) -> RGBColor {
        RGBColor(254, 0, self.number())
    }
}

/// The axes of a chart.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Whether the axes are drawn.
    pub axes: bool,
    /// What a listener is told about the picture.
    pub label: String,
    /// To the right.
    pub x: Axis,
    /// Upwards.
    pub y: Axis,
}

/// Something in a chart, in the coordinates of its frame.
#[derive(Debug, Clone)]
pub enum Shape {
    /// A line of that width.
    Line(Vec<(f64, f64)>, Ink, u32),
    /// A filled outline.
    Area(Vec<(f64, f64)>, Ink),
    /// The whole height between two instants.
    Band(f64, f64, Ink),
    /// The whole height between two places, which says something when it is pointed at.
    Hover(f64, f64, String),
    /// A line of that width that says something when it is pointed at.
    HoverLine(Vec<(f64, f64)>, String, u32),
    /// A point of that radius.
    Point((f64, f64), Ink, i32),
    /// Letters beside a place, with the offset in pixels and what of them lies there.
    Letters((f64, f64), String, (i32, i32), Side),
}

/// Which end of the letters is fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// They begin there.
    Left,
    /// They end there.
    Right,
    /// They lie around it.
    Centre,
}

/// The picture as an `<svg>` element.
///
/// # Panics
/// Never: drawing into a string does not fail.
pub fn draw(frame: &Frame, shapes: &[Shape]) -> String {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (WIDTH, HEIGHT)).into_drawing_area();
        draw_on(&area, frame, shapes).expect("drawing into a string does not fail");
    }
    let said: Vec<&str> = shapes
        .iter()
        .filter_map(|shape| match shape {
            Shape::Hover(.., text) | Shape::HoverLine(_, text, _) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    svg::finish(&text, &frame.label, &said)
}

/// Pixels that the labels of the vertical axis need.
pub fn left_of(frame: &Frame) -> u32 {
    if !frame.axes {
        return MARGIN;
    }
    let longest = frame.y.ticks.iter().map(|(_, label)| label.chars().count()).max().unwrap_or(0);
    u32::try_from(longest).unwrap_or(0).saturating_mul(LETTER) + 28
}

/// Pixels below the plot.
const fn below(frame: &Frame) -> u32 {
    if frame.axes { BELOW } else { MARGIN }
}

/// Pixels of the plot itself: width and height.
pub fn plot_size(frame: &Frame) -> (f64, f64) {
    let (width, height) = (WIDTH - 4 * MARGIN - left_of(frame), HEIGHT - 2 * MARGIN - below(frame));
    (f64::from(width), f64::from(height))
}

type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Failure = DrawingAreaErrorKind<std::io::Error>;

fn draw_on(area: &Canvas<'_>, frame: &Frame, shapes: &[Shape]) -> Result<(), Failure> {
    let ink = Ink::Letters.colour();
    let letters = TextStyle::from(("sans-serif", FONT).into_font()).color(&ink);
    let (x, y) = (&frame.x, &frame.y);
    let mut chart = ChartBuilder::on(area)
        .margin(MARGIN)
        // The last label of the horizontal axis hangs over the end of the plot.
        .margin_right(3 * MARGIN)
        .x_label_area_size(below(frame))
        .y_label_area_size(left_of(frame))
        .build_cartesian_2d(x.clone(), y.clone())?;
    if frame.axes {
        chart
            .configure_mesh()
            .disable_x_mesh()
            .set_all_tick_mark_size(8)
            .bold_line_style(Ink::Grid.colour().stroke_width(2))
            .axis_style(Ink::Axis.colour().stroke_width(2))
            .label_style(letters.clone())
            .axis_desc_style(letters.clone())
            .x_desc(x.title.clone())
            .draw()?;
    }
    for shape in shapes {
        match shape.clone() {
            Shape::Line(points, ink, width) => {
                chart.draw_series([PathElement::new(points, ink.colour().stroke_width(width))])?;
            }
            Shape::Area(points, ink) => {
                chart.draw_series([Polygon::new(points, ink.colour().filled())])?;
            }
            Shape::Band(from, to, ink) => {
                let corners = [(from.max(x.from), y.from), (to.min(x.to), y.to)];
                chart.draw_series([Rectangle::new(corners, ink.colour().filled())])?;
            }
            Shape::Hover(from, to, _) => {
                let corners = [(from.max(x.from), y.from), (to.min(x.to), y.to)];
                chart.draw_series([Rectangle::new(corners, Ink::Hover.colour().filled())])?;
            }
            Shape::HoverLine(points, _, width) => {
                chart.draw_series([PathElement::new(points, Ink::Hover.colour().stroke_width(width))])?;
            }
            Shape::Point(at, ink, radius) => {
                chart.draw_series([Circle::new(at, radius, ink.colour().filled())])?;
            }
            Shape::Letters(at, text, offset, side) => {
                let side = match side {
                    Side::Left => HPos::Left,
                    Side::Right => HPos::Right,
                    Side::Centre => HPos::Center,
                };
                let style = letters.clone().pos(Pos::new(side, VPos::Center));
                chart.draw_series([EmptyElement::at(at) + Text::new(text, offset, style)])?;
            }
        }
    }
    area.present()
}
