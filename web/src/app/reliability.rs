//! How reliable the probabilities are: for each attribute two plots, and tables with the same numbers.

use leptos::prelude::*;
use model_core::card::{AttributeFigures, CoveragePoint};

use crate::locale::Locale;
use crate::summary;

/// The square in which shares from 0 to 1 are plotted: its left edge, its upper edge and the length of its sides.
const LEFT: f64 = 44.0;
const TOP: f64 = 8.0;
const SIDE: f64 = 180.0;
/// The radius of the dot that stands for the most users.
const LARGEST_DOT: f64 = 9.0;

/// The messages of a plot, by key.
struct Plot {
    name: &'static str,
    help: &'static str,
    /// The label of the vertical axis.
    up: &'static str,
    /// The columns of the table. The first is also the label of the horizontal axis.
    columns: [&'static str; 3],
}

/// The share of correct answers by stated probability.
const CALIBRATION: Plot = Plot {
    name: "calibration",
    help: "calibration_help",
    up: "correct",
    columns: ["stated_probability", "correct", "writers"],
};

/// The share of answers, and of correct ones among them, by the minimum probability of an answer.
const COVERAGE: Plot = Plot {
    name: "coverage",
    help: "coverage_help",
    up: "share_of_writers",
    columns: ["minimum_probability", "answered", "correct_of_answered"],
};

/// Plots and tables of each attribute for which the card has them.
#[component]
pub fn Reliability(figures: Vec<AttributeFigures>, locale: Locale) -> impl IntoView {
    let plotted = (figures.iter()).filter(|figures| !figures.reliability.is_empty());
    let plotted: Vec<AnyView> = plotted.map(|figures| attribute(figures, locale)).collect();
    (!plotted.is_empty()).then(|| {
        let help = [CALIBRATION, COVERAGE].map(|plot| {
            let heading = locale.format("plot_heading", &[("plot", &locale.t(plot.name))]);
            view! { <p class="note"><strong>{heading}</strong> " " {locale.t(plot.help)}</p> }
                .into_any()
        });
        view! {
            <section class="reliability">
                <h3>{locale.t("reliability")}</h3>
                {Vec::from(help)}
                {plotted}
            </section>
        }
    })
}

fn attribute(figures: &AttributeFigures, locale: Locale) -> AnyView {
    let name = summary::figures_name(figures, locale);
    let (bins, points) = (&figures.reliability, &figures.coverage);

    let most = bins.iter().map(|bin| bin.users).max().unwrap_or(1);
    let dots = bins.iter().map(|bin| {
        let radius = LARGEST_DOT * (bin.users as f64 / most as f64).sqrt();
        let radius = format!("{:.1}", radius.max(1.5));
        view! { <circle cx=across(bin.confidence) cy=up(bin.accuracy) r=radius /> }.into_any()
    });
    let dots: Vec<AnyView> = dots.collect();
    let calibration = view! {
        <line class="honest" x1=across(0.0) y1=up(0.0) x2=across(1.0) y2=up(1.0) />
        {dots}
    };
    let line = |share: fn(&CoveragePoint) -> f64| {
        let places = points.iter();
        polyline(places.map(|point| (f64::from(point.threshold), share(point))))
    };
    let coverage = view! {
        <polyline class="answered" points=line(|point| point.coverage) />
        <polyline class="right" points=line(|point| point.accuracy) />
    };

    let bins = bins.iter().map(|bin| {
        [
            share(bin.confidence),
            share(bin.accuracy),
            bin.users.to_string(),
        ]
    });
    let points = points.iter().map(|point| {
        [
            share(f64::from(point.threshold)),
            share(point.coverage),
            share(point.accuracy),
        ]
    });
    view! {
        <h4>{name.clone()}</h4>
        <div class="plots">
            {plot(&name, &CALIBRATION, calibration.into_any(), locale)}
            {plot(&name, &COVERAGE, coverage.into_any(), locale)}
        </div>
        <details>
            <summary>{locale.format("in_numbers", &[("attribute", &name)])}</summary>
            <div class="plots">
                {table(&CALIBRATION, bins.collect(), locale)}
                {table(&COVERAGE, points.collect(), locale)}
            </div>
        </details>
    }
    .into_any()
}

/// A horizontal axis: its label, and the text at places from 0 to 1.
pub struct Axis<'a> {
    /// The label.
    pub label: &'a str,
    /// Places with their texts.
    pub ticks: Vec<(f64, String)>,
}

/// A plot with both axes from 0 to 1. The table has the same numbers for screen readers.
fn plot(attribute: &str, plot: &Plot, content: AnyView, locale: Locale) -> AnyView {
    let label = locale.format(
        "plot_label",
        &[("attribute", &attribute), ("plot", &locale.t(plot.name))],
    );
    let axis = Axis {
        label: locale.t(plot.columns[0]),
        ticks: SHARES.map(|value| (value, whole_percent(value))).into(),
    };
    axes(label, axis, locale.t(plot.up), content)
}

/// The shares that the axes name.
const SHARES: [f64; 3] = [0.0, 0.5, 1.0];

fn whole_percent(share: f64) -> String {
    format!("{:.0}%", share * 100.0)
}

/// The axes of a plot, the vertical one from 0 to 100%, with the content between them.
pub fn axes(label: String, axis: Axis<'_>, vertical: &str, content: AnyView) -> AnyView {
    let across_ticks = axis.ticks.into_iter().map(|(value, text)| {
        view! { <text x=across(value) y="203" text-anchor="middle">{text}</text> }.into_any()
    });
    let up_ticks = SHARES.map(|value| {
        let text = whole_percent(value);
        view! { <text x="39" y=up(value) dy="0.35em" text-anchor="end">{text}</text> }.into_any()
    });
    let ticks: Vec<AnyView> = across_ticks.chain(up_ticks).collect();
    let side = format!("{SIDE}");
    view! {
        <svg class="plot" role="img" aria-label=label viewBox="0 0 240 224">
            <rect x=across(0.0) y=up(1.0) width=side.clone() height=side />
            {ticks}
            <text x=across(0.5) y="220" text-anchor="middle">{axis.label.to_owned()}</text>
            <text transform="translate(10 98) rotate(-90)" text-anchor="middle">{vertical.to_owned()}</text>
            {content}
        </svg>
    }
    .into_any()
}

/// The corners of a line through these places, from 0 to 1 on both axes.
pub fn polyline(places: impl Iterator<Item = (f64, f64)>) -> String {
    let corners = places.map(|(right, high)| format!("{},{}", across(right), up(high)));
    corners.collect::<Vec<_>>().join(" ")
}

fn table(plot: &Plot, rows: Vec<[String; 3]>, locale: Locale) -> AnyView {
    let columns = plot
        .columns
        .map(|column| view! { <th scope="col">{locale.t(column)}</th> }.into_any());
    let rows = rows.into_iter().map(|row| {
        let cells = row.map(|cell| view! { <td>{cell}</td> }.into_any());
        view! { <tr>{Vec::from(cells)}</tr> }.into_any()
    });
    view! {
        <table>
            <caption>{locale.t(plot.name)}</caption>
            <thead><tr>{Vec::from(columns)}</tr></thead>
            <tbody>{rows.collect::<Vec<_>>()}</tbody>
        </table>
    }
    .into_any()
}

fn across(share: f64) -> String {
    format!("{:.1}", LEFT + SIDE * share)
}

fn up(share: f64) -> String {
    format!("{:.1}", TOP + SIDE * (1.0 - share))
}

/// A share as the tables show it.
pub fn share(value: f64) -> String {
    format!("{:.1}%", value * 100.0)
}
