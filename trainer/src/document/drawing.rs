//! Plots as SVG. Colours and dashes are style classes, for which the page has a light and a dark theme.

use std::fmt::Write;

use html_escape::encode_double_quoted_attribute as escape;

/// The size of a plot, in the units of its SVG.
const WIDTH: f64 = 400.0;
const WIDE: f64 = 2.0 * WIDTH;
const HEIGHT: f64 = 290.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 18.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 46.0;
/// The approximate width of a character.
const LETTER: f64 = 6.2;

/// An axis of a plot.
pub struct Axis {
    label: String,
    from: f64,
    to: f64,
    ticks: Vec<(f64, String)>,
    logarithmic: bool,
}

/// Points in one colour.
pub struct Series {
    /// The style class.
    pub class: String,
    /// Whether a line joins them.
    pub joined: bool,
    /// The points, sorted by x where a line joins them.
    pub points: Vec<Point>,
}

/// A point of a plot.
#[derive(Clone, Default)]
pub struct Point {
    /// The horizontal coordinate.
    pub x: f64,
    /// The vertical coordinate.
    pub y: f64,
    /// An error bar, from and to, in units of y.
    pub range: Option<(f64, f64)>,
    /// The text beside it, may be empty.
    pub label: String,
    /// The tooltip.
    pub title: String,
}

/// A dashed line across a plot.
pub struct Guide {
    /// The left end, x and y.
    pub from: (f64, f64),
    /// The right end.
    pub to: (f64, f64),
    /// The text above its right end, may be empty.
    pub label: String,
}

impl Axis {
    /// A linear axis that includes these values, with a margin.
    pub fn around(label: &str, values: impl IntoIterator<Item = f64>) -> Self {
        let (low, high) = extent(values);
        let room = ((high - low) * 0.08).max(0.005);
        Self::between(label, low - room, high + room)
    }

    /// A linear axis between two values.
    pub fn between(label: &str, from: f64, to: f64) -> Self {
        Self {
            label: label.into(),
            from,
            to,
            ticks: linear_ticks(from, to),
            logarithmic: false,
        }
    }

    /// A logarithmic axis that includes these positive values.
    pub fn logarithmic(label: &str, values: impl IntoIterator<Item = f64>) -> Self {
        let (low, high) = extent(values);
        let (from, to) = (low.max(1.0) / 1.3, high.max(1.0) * 1.3);
        let mut ticks = Vec::new();
        let mut power = 10_f64.powf(from.log10().floor());
        while power <= to {
            for step in [1.0, 2.0, 5.0] {
                let value = step * power;
                if (from..=to).contains(&value) {
                    ticks.push((value, indicatif::HumanCount(value as u64).to_string()));
                }
            }
            power *= 10.0;
        }
        Self {
            label: label.into(),
            from,
            to,
            ticks,
            logarithmic: true,
        }
    }

    /// The position of a value, from 0 to 1.
    fn place(&self, value: f64) -> f64 {
        let place = match self.logarithmic {
            true => (value.max(1e-9) / self.from).ln() / (self.to / self.from).ln(),
            false => (value - self.from) / (self.to - self.from),
        };
        place.clamp(0.0, 1.0)
    }
}

fn extent(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let finite = values.into_iter().filter(|value| value.is_finite());
    let start = (f64::INFINITY, f64::NEG_INFINITY);
    match finite.fold(start, |(low, high), value| {
        (low.min(value), high.max(value))
    }) {
        (low, high) if low <= high => (low, high),
        _ => (0.0, 1.0),
    }
}

/// Four to nine round numbers.
fn linear_ticks(from: f64, to: f64) -> Vec<(f64, String)> {
    let rough = ((to - from) / 5.0).max(1e-9);
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .map(|factor| factor * power)
        .into_iter()
        .find(|step| *step >= rough * 0.999)
        .unwrap_or(rough);
    let places = (-step.log10().floor()).max(0.0) as usize;
    let (first, last) = (
        (from / step - 1e-9).ceil() as i64,
        (to / step + 1e-9).floor() as i64,
    );
    (first..=last)
        .map(|index| index as f64 * step)
        .map(|value| (value, format!("{value:.places$}").replace('-', "−")))
        .collect()
}

/// The opening tag of an SVG of this size.
fn begin(width: f64, height: f64, name: &str) -> String {
    let name = escape(name);
    format!(
        "<svg viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\" \
         aria-label=\"{name}\">\n"
    )
}

/// Draws a plot. `name` is its accessible name.
pub fn plot(name: &str, x: &Axis, y: &Axis, guides: &[Guide], series: &[Series]) -> String {
    draw(WIDTH, name, x, y, guides, series)
}

/// Draws a plot of twice the width.
pub fn wide_plot(name: &str, x: &Axis, y: &Axis, guides: &[Guide], series: &[Series]) -> String {
    draw(WIDE, name, x, y, guides, series)
}

fn draw(width: f64, name: &str, x: &Axis, y: &Axis, guides: &[Guide], series: &[Series]) -> String {
    let mut svg = begin(width, HEIGHT, name);
    let right = width - RIGHT;
    let bottom = HEIGHT - BOTTOM;
    let at_x = |value: f64| LEFT + x.place(value) * (right - LEFT);
    let at_y = |value: f64| bottom - y.place(value) * (bottom - TOP);
    frame(&mut svg, right, x, y, &at_x, &at_y);
    for guide in guides {
        let (x1, y1) = (at_x(guide.from.0), at_y(guide.from.1));
        let (x2, y2) = (at_x(guide.to.0), at_y(guide.to.1));
        let _ = writeln!(
            svg,
            "<line class=\"guide\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
        );
        if !guide.label.is_empty() {
            let (x, y, label) = (x2 - 4.0, y2 - 5.0, escape(&guide.label));
            let _ = writeln!(
                svg,
                "<text class=\"quiet\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"end\">{label}</text>"
            );
        }
    }
    for one in series {
        if one.joined && one.points.len() > 1 {
            let points: Vec<String> = (one.points.iter())
                .map(|point| format!("{:.1},{:.1}", at_x(point.x), at_y(point.y)))
                .collect();
            let (class, points) = (&one.class, points.join(" "));
            let _ = writeln!(
                svg,
                "<polyline class=\"line {class}\" points=\"{points}\"/>"
            );
        }
    }
    // Points are drawn above all lines.
    for one in series {
        let class = &one.class;
        for point in &one.points {
            let (x, y) = (at_x(point.x), at_y(point.y));
            if let Some((low, high)) = point.range {
                let (low, high) = (at_y(low), at_y(high));
                let _ = writeln!(
                    svg,
                    "<line class=\"range {class}\" x1=\"{x:.1}\" y1=\"{low:.1}\" x2=\"{x:.1}\" y2=\"{high:.1}\"/>"
                );
            }
            let title = escape(&point.title);
            let _ = writeln!(
                svg,
                "<circle class=\"point {class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"><title>{title}</title></circle>"
            );
        }
    }
    let points = || series.iter().flat_map(|one| &one.points);
    let labelled = points()
        .filter(|point| !point.label.is_empty())
        .map(|point| (at_x(point.x), at_y(point.y), point.label.as_str()));
    let marks = points().map(|point| {
        let (low, high) = point.range.unwrap_or((point.y, point.y));
        let (x, top, bottom) = (at_x(point.x), at_y(high), at_y(low));
        (
            x - 4.0,
            top.min(at_y(point.y) - 4.0),
            x + 4.0,
            bottom.max(at_y(point.y) + 4.0),
        )
    });
    labels(&mut svg, right, labelled.collect(), marks.collect());
    svg + "</svg>"
}

/// Draws the grid, the ticks and the names of the axes.
fn frame(
    svg: &mut String,
    right: f64,
    x: &Axis,
    y: &Axis,
    at_x: &dyn Fn(f64) -> f64,
    at_y: &dyn Fn(f64) -> f64,
) {
    let bottom = HEIGHT - BOTTOM;
    for (value, text) in &y.ticks {
        let (y, label, text) = (at_y(*value), LEFT - 8.0, escape(text));
        let _ = writeln!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\"/>\
             <text x=\"{label}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
            y + 4.0
        );
    }
    for (value, text) in &x.ticks {
        let (x, text) = (at_x(*value), escape(text));
        let _ = writeln!(
            svg,
            "<line class=\"grid\" x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{bottom}\"/>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{text}</text>",
            bottom + 17.0
        );
    }
    let (middle, height) = ((LEFT + right) / 2.0, (TOP + bottom) / 2.0);
    let (across, up) = (escape(&x.label), escape(&y.label));
    let _ = writeln!(
        svg,
        "<text class=\"axis\" x=\"{middle}\" y=\"{:.1}\" text-anchor=\"middle\">{across}</text>\
         <text class=\"axis\" transform=\"translate(13 {height}) rotate(-90)\" text-anchor=\"middle\">{up}</text>",
        HEIGHT - 8.0
    );
}

/// Left, top, right and bottom.
type Area = (f64, f64, f64, f64);

/// Writes labels beside points, where possible without overlapping each other or `taken`.
fn labels(svg: &mut String, right: f64, points: Vec<(f64, f64, &str)>, mut taken: Vec<Area>) {
    let overlap = |a: Area, b: Area| a.0 < b.2 && b.0 < a.2 && a.1 < b.3 && b.1 < a.3;
    let inside = (LEFT, TOP, right, HEIGHT - BOTTOM);
    for (x, y, label) in points {
        let width = label.chars().count() as f64 * LETTER;
        let beside = |left: f64, top: f64| (left, top, left + width, top + 13.0);
        // Candidates: beside the point, above or below it, then further and further up or down.
        let (after, before) = (x + 7.0, x - 7.0 - width);
        let over = [-20.0, 7.0].map(|down| beside(x - width / 2.0, y + down));
        let lines = [0.0, -1.0, 1.0, -2.0, 2.0, -3.0, 3.0].map(|lines| y - 7.0 + 13.0 * lines);
        let places = (lines.iter().take(1))
            .flat_map(|&top| [beside(after, top), beside(before, top)])
            .chain(over)
            .chain(
                (lines.iter().skip(1)).flat_map(|&top| [beside(after, top), beside(before, top)]),
            );
        let fits = |place: &Area| {
            place.0 >= inside.0
                && place.2 <= inside.2
                && place.1 >= inside.1
                && place.3 <= inside.3
                && !taken.iter().any(|other| overlap(*place, *other))
        };
        let place = (places.clone().find(fits)).unwrap_or_else(|| beside(after, y - 7.0));
        taken.push(place);
        let (left, base, label) = (place.0, place.3 - 3.0, escape(label));
        let _ = writeln!(
            svg,
            "<text class=\"label\" x=\"{left:.1}\" y=\"{base:.1}\">{label}</text>"
        );
    }
}

/// Draws a bar for each value, with as many names below as fit.
pub fn bars(name: &str, x: &str, y: &str, values: &[(String, u64)]) -> String {
    let mut svg = begin(WIDE, HEIGHT, name);
    let most = values.iter().map(|(_, value)| *value).max().unwrap_or(0);
    let axis = Axis::between(y, 0.0, most.max(1) as f64 * 1.02);
    let (right, bottom) = (WIDE - RIGHT, HEIGHT - BOTTOM);
    let at_y = |value: f64| bottom - axis.place(value) * (bottom - TOP);
    for (value, _) in axis.ticks.iter().filter(|(value, _)| value.fract() == 0.0) {
        let (y, text) = (at_y(*value), indicatif::HumanCount(*value as u64));
        let _ = writeln!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\"/>\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
            LEFT - 8.0,
            y + 4.0
        );
    }
    let step = (right - LEFT) / values.len().max(1) as f64;
    let widest = values.iter().map(|(name, _)| name.chars().count()).max();
    let each = (((widest.unwrap_or(1) + 1) as f64 * LETTER) / step)
        .ceil()
        .max(1.0) as usize;
    for (index, (name, value)) in values.iter().enumerate() {
        let (left, top) = (LEFT + index as f64 * step, at_y(*value as f64));
        let (width, height, name) = (step * 0.8, bottom - top, escape(name));
        let _ = writeln!(
            svg,
            "<rect class=\"bar\" x=\"{:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\">\
             <title>{name}: {}</title></rect>",
            left + step * 0.1,
            indicatif::HumanCount(*value)
        );
        if index % each == 0 {
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{name}</text>",
                left + step / 2.0,
                bottom + 17.0
            );
        }
    }
    let (middle, height) = ((LEFT + right) / 2.0, (TOP + bottom) / 2.0);
    let _ = writeln!(
        svg,
        "<text class=\"axis\" x=\"{middle}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\
         <text class=\"axis\" transform=\"translate(13 {height}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
        HEIGHT - 8.0,
        escape(x),
        escape(y)
    );
    svg + "</svg>"
}

/// Draws a bar for each share, from 0 to 1, with its interval as a line across the end.
pub fn shares(name: &str, shares: &[(String, f64, [f64; 2])]) -> String {
    const ROW: f64 = 26.0;
    let widest = shares.iter().map(|(label, ..)| label.chars().count()).max();
    let left = widest.unwrap_or(0) as f64 * 1.2 * LETTER + 14.0;
    let right = WIDTH - RIGHT - 40.0;
    let at_x = |share: f64| left + share.clamp(0.0, 1.0) * (right - left);
    let mut svg = begin(WIDTH, shares.len() as f64 * ROW + 8.0, name);
    for (row, (label, share, [low, high])) in shares.iter().enumerate() {
        let top = 4.0 + row as f64 * ROW;
        let (middle, label) = (top + ROW / 2.0, escape(label));
        let _ = writeln!(
            svg,
            "<g><title>{label}: {:.1} % ({:.1}–{:.1} %)</title>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>\
             <rect class=\"bar\" x=\"{left:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>\
             <line class=\"guide\" x1=\"{:.1}\" y1=\"{middle:.1}\" x2=\"{:.1}\" y2=\"{middle:.1}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\">{:.0} %</text></g>",
            100.0 * share,
            100.0 * low,
            100.0 * high,
            left - 7.0,
            middle + 4.0,
            top + 5.0,
            at_x(*share) - left,
            ROW - 10.0,
            at_x(*low),
            at_x(*high),
            right + 6.0,
            middle + 4.0,
            100.0 * share
        );
    }
    svg + "</svg>"
}

/// Draws a confusion matrix: for each true class (row), the share that was predicted to be of each class (column).
pub fn confusion(name: &str, labels: &[String], counts: &[Vec<usize>]) -> String {
    let classes = labels.len().max(1) as f64;
    let side = (280.0 / classes).clamp(30.0, 70.0);
    let short: Vec<String> = (labels.iter())
        .map(|label| match label.chars().count() {
            0..=14 => label.clone(),
            _ => label.chars().take(13).chain(['…']).collect(),
        })
        .collect();
    let widest = short.iter().map(|label| label.chars().count()).max();
    let margin = widest.unwrap_or(0) as f64 * LETTER;
    let (left, top) = (margin + 34.0, 8.0);
    let slanted = margin > side - 4.0;
    let below = if slanted { margin * 0.78 + 42.0 } else { 42.0 };
    let (width, bottom) = (left + classes * side + 12.0, top + classes * side);
    let mut svg = begin(width, bottom + below, name);
    for (row, counts) in counts.iter().enumerate() {
        let all: usize = counts.iter().sum();
        let y = top + row as f64 * side;
        let middle = y + side / 2.0 + 4.0;
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{middle:.1}\" text-anchor=\"end\">{}</text>",
            left - 7.0,
            escape(&short[row])
        );
        for (column, count) in counts.iter().enumerate() {
            let share = *count as f64 / all.max(1) as f64;
            let x = left + column as f64 * side;
            let tenth = (share * 10.0).floor();
            let _ = writeln!(
                svg,
                "<g><title>{} of {} {} are predicted to be {}</title>\
                 <rect class=\"empty\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{side:.1}\" height=\"{side:.1}\"/>\
                 <rect class=\"full\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{side:.1}\" height=\"{side:.1}\" \
                 fill-opacity=\"{share:.3}\"/>\
                 <text class=\"t{tenth}\" x=\"{:.1}\" y=\"{middle:.1}\" text-anchor=\"middle\">{:.0}</text></g>",
                indicatif::HumanCount(*count as u64),
                indicatif::HumanCount(all as u64),
                escape(&labels[row]),
                escape(&labels[column]),
                x + side / 2.0,
                100.0 * share
            );
        }
    }
    for (column, label) in short.iter().enumerate() {
        let (x, y) = (left + (column as f64 + 0.5) * side, bottom + 15.0);
        let label = escape(label);
        let _ = match slanted {
            true => writeln!(
                svg,
                "<text transform=\"translate({:.1} {y:.1}) rotate(-45)\" text-anchor=\"end\">{label}</text>",
                x + 3.0
            ),
            false => {
                writeln!(
                    svg,
                    "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">{label}</text>"
                )
            }
        };
    }
    let (middle, height) = (left + classes * side / 2.0, top + classes * side / 2.0);
    let _ = writeln!(
        svg,
        "<text class=\"axis\" x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">predicted, % of the row</text>\
         <text class=\"axis\" transform=\"translate(13 {height:.1}) rotate(-90)\" text-anchor=\"middle\">true</text>",
        bottom + below - 6.0
    );
    svg + "</svg>"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within() {
        let labels = |from, to| -> Vec<String> {
            (linear_ticks(from, to).into_iter())
                .map(|(_, label)| label)
                .collect()
        };
        assert_eq!(labels(0.0, 1.0), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(-0.011, 0.02), ["−0.01", "0.00", "0.01", "0.02"]);
        assert_eq!(labels(1.0, 22.0), ["5", "10", "15", "20"]);
    }

    #[test]
    fn an_axis_of_one_value_or_none_can_be_drawn() {
        for axis in [Axis::around("", []), Axis::around("", [0.25])] {
            let place = axis.place(0.25);
            assert!(place > 0.0 && place < 1.0, "{place}");
        }
        let words = Axis::logarithmic("", [100.0, 10_000.0]);
        assert!((words.place(1000.0) - 0.5).abs() < 1e-9);
        let labels: Vec<&str> = (words.ticks.iter())
            .map(|(_, label)| label.as_str())
            .collect();
        assert_eq!(
            labels,
            ["100", "200", "500", "1,000", "2,000", "5,000", "10,000"]
        );
    }
}
