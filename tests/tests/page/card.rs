//! The model card: how reliable the probabilities are.

use model_core::card::{AttributeFigures, CoveragePoint, ReliabilityBin};
use serde_json::json;
use tests::{
    BUNDLE,
    browser::{Page, SOON, Visit},
    site,
};

use crate::{bundle, cells};

/// Users, mean confidence and accuracy of each bin.
const BINS: [(usize, f64, f64); 3] = [(20, 0.55, 0.4), (80, 0.9, 0.75), (5, 0.98, 1.0)];
/// Threshold, coverage and accuracy of each point.
const POINTS: [(f32, f64, f64); 3] = [(0.0, 1.0, 0.7), (0.5, 0.8, 0.75), (0.9, 0.25, 0.96)];

/// The figures of an attribute, with these bins and points.
fn figures(
    attribute: &str,
    bins: &[(usize, f64, f64)],
    points: &[(f32, f64, f64)],
) -> AttributeFigures {
    let bins = bins.iter().copied();
    let points = points.iter().copied();
    AttributeFigures {
        attribute: attribute.into(),
        language: None,
        corpus: None,
        adapted: false,
        users: 105,
        majority: 0.5,
        accuracy: 0.7,
        precision: 0.7,
        recall: 0.7,
        macro_f1: Some(0.65),
        f: 0.7,
        calibration_error: 0.1,
        reliability: (bins.map(|(users, confidence, accuracy)| ReliabilityBin {
            users,
            confidence,
            accuracy,
        }))
        .collect(),
        coverage: (points.map(|(threshold, coverage, accuracy)| CoveragePoint {
            threshold,
            coverage,
            accuracy,
        }))
        .collect(),
    }
}

/// A visit to a page whose model has a card with these figures.
fn visit(figures: Vec<AttributeFigures>) -> Visit {
    let model = bundle(|bundle| bundle.card.figures = figures);
    Visit::default().instead(BUNDLE, model)
}

/// Waits for the model and opens its card.
async fn open(page: &Page) {
    page.ready().await;
    page.click("//footer//summary[starts-with(normalize-space(), 'About the model')]")
        .await;
    page.find("//footer//details[@class='about']/dl").await;
}

#[test]
fn plots_and_tables_show_the_cards_figures() {
    let known = [figures("age", &[], &[]), figures("gender", &BINS, &POINTS)];
    visit(known.into()).run(async |page| {
        open(&page).await;
        let headings = "return [...document.querySelectorAll('.reliability h3, .reliability h4')].map(one => one.innerText)";
        // An attribute without bins has no plots.
        let wanted = json!(["How reliable are the probabilities?", "Gender"]);
        assert_eq!(page.script(headings).await, wanted);
        let names = "return [...document.querySelectorAll('footer svg')].map(one => `${one.role} ${one.ariaLabel}`)";
        let wanted = json!(["img Gender: Calibration", "img Gender: If it may abstain"]);
        assert_eq!(page.script(names).await, wanted);

        let dots = numbers(&page, "
            [...svg.querySelectorAll('circle')].map(dot => {
                const { x, y, width, height } = dot.getBoundingClientRect();
                return [...share(x + width / 2, y + height / 2), width];
            })", 0).await;
        assert_eq!(dots.len(), BINS.len());
        for (dot, (users, confidence, accuracy)) in dots.iter().zip(BINS) {
            near(dot, &[confidence, accuracy, dot[2]]);
            // Areas are proportional to users. The outline adds a little to the width.
            let ratio = (dot[2] / dots[1][2]).powi(2);
            assert!((ratio - users as f64 / 80.0).abs() < 0.1, "{users} users: {ratio}");
        }
        let corners = "[...svg.querySelectorAll('polyline')].flatMap(line =>
            [...line.points].map(({ x, y }) => {
                const at = new DOMPoint(x, y).matrixTransform(svg.getScreenCTM());
                return share(at.x, at.y);
            }))";
        let answered = POINTS.map(|(threshold, coverage, _)| [f64::from(threshold), coverage]);
        let right = POINTS.map(|(threshold, _, accuracy)| [f64::from(threshold), accuracy]);
        let lines = numbers(&page, corners, 1).await;
        assert_eq!(lines.len(), 6);
        for (corner, wanted) in lines.iter().zip(answered.iter().chain(&right)) {
            near(corner, wanted);
        }
        let honest = "[...svg.querySelectorAll('line')].map(line => {
            const { left, bottom, right, top } = line.getBoundingClientRect();
            return [...share(left, bottom), ...share(right, top)];
        })";
        near(&numbers(&page, honest, 0).await[0], &[0.0, 0.0, 1.0, 1.0]);

        page.click("//footer//summary[.='Gender in numbers']").await;
        let wanted = [
            ["Stated probability", "Correct", "Writers"],
            ["55.0%", "40.0%", "20"],
            ["90.0%", "75.0%", "80"],
            ["98.0%", "100.0%", "5"],
            ["Minimum probability", "Answered", "Correct of these"],
            ["0.0%", "100.0%", "70.0%"],
            ["50.0%", "80.0%", "75.0%"],
            ["90.0%", "25.0%", "96.0%"],
        ];
        let shown = cells(&page, "//*[@class='reliability']//table").await;
        assert_eq!(shown, wanted);
    });
}

#[test]
fn the_english_card_had_no_language_of_its_own_in_a_chinese_page() {
    visit(vec![figures("gender", &[], &[])]).run(async |page| {
        open(&page).await;
        page.press("中文").await;
        let marked = "const facts = [...document.querySelectorAll('footer dd')];
            return document.documentElement.lang === 'zh-Hans'
                && facts.length > 2 && facts.every(fact => fact.lang === 'en')";
        page.until(marked, SOON).await;
    });
}

#[test]
fn the_papers_f_was_shown_alone_and_as_f() {
    visit(vec![figures("gender", &[], &[])]).run(async |page| {
        open(&page).await;
        let shown = cells(&page, "//footer//table").await;
        assert_eq!(shown[0][4..], ["Macro-F1", "F (paper)"]);
        assert_eq!(shown[1][4..], ["0.650", "0.700"]);
        let text = page.text("//footer//details[@class='about']").await;
        assert!(
            text.contains("Macro-F1 is the mean of the classes’ F1."),
            "{text}"
        );
        assert!(
            text.contains("Base rates: every class equally likely."),
            "{text}"
        );
    });
}

#[test]
fn figures_of_an_adapted_model_were_called_those_of_a_refit() {
    let adapted = AttributeFigures {
        adapted: true,
        ..figures("gender", &[], &[])
    };
    let model = bundle(|bundle| {
        bundle.card.figures = vec![figures("age", &[], &[]), adapted];
        bundle.card.refit = true;
    });
    Visit::default().instead(BUNDLE, model).run(async |page| {
        open(&page).await;
        let shown = cells(&page, "//footer//table").await;
        let names: Vec<&str> = shown[1..].iter().map(|row| row[0].as_str()).collect();
        assert_eq!(names, ["Age", "Gender, adapted"]);
        let caption = page.text("//footer//table/caption").await;
        assert!(
            caption.contains("with these writers included. Where it says “adapted”"),
            "{caption}"
        );
    });
}

#[test]
fn an_older_card_shows_its_figures_and_no_plots() {
    let older = AttributeFigures {
        macro_f1: None,
        ..figures("gender", &[], &[])
    };
    visit(vec![older]).run(async |page| {
        open(&page).await;
        let shown = cells(&page, "//footer//table").await;
        assert_eq!(shown[1], ["Gender", "105", "70.0%", "50.0%", "–", "0.700"]);
        let plots = "return document.querySelectorAll('.reliability, footer svg').length";
        assert_eq!(page.script(plots).await, 0);
    });
}

#[test]
fn the_pages_models_say_how_reliable_they_are() {
    /// The attributes and corpora of both English models.
    const TESTED: [&str; 9] = [
        "Profession, blogs",
        "Age, blogs",
        "Age range, blogs",
        "Gender, blogs",
        "Age, blogs-other",
        "Age range, blogs-other",
        "Gender, blogs-other",
        "Gender, tweets-gender",
        "Gender, blogposts-gender",
    ];
    for name in [BUNDLE, "widget/models/en-single.safetensors"] {
        let model = site::read(name);
        Visit::default()
            .instead(BUNDLE, model)
            .run(async move |page| {
                open(&page).await;
                let figures = cells(&page, "(//footer//table)[1]").await;
                let names: Vec<&str> = figures[1..].iter().map(|row| row[0].as_str()).collect();
                assert_eq!(names, TESTED);
                for row in &figures[1..] {
                    let (name, right) = (&row[0], &row[2]);
                    page.click(&format!("//footer//summary[.='{name} in numbers']"))
                        .await;
                    let is_open = format!(
                        "return [...document.querySelectorAll('footer details[open] > summary')]
                            .some(summary => summary.innerText.trim() === '{name} in numbers')"
                    );
                    page.until(&is_open, SOON).await;
                    let table =
                        format!("//footer//h4[.='{name}']/following-sibling::details[1]//table");
                    let bins = cells(&page, &format!("({table})[1]")).await;
                    let users = bins[1..]
                        .iter()
                        .map(|bin| bin[2].parse::<u64>().expect("a number"));
                    assert_eq!(users.sum::<u64>().to_string(), row[1], "{name}");
                    // At threshold 0 the accuracy is that of the figures.
                    let points = cells(&page, &format!("({table})[2]")).await;
                    assert_eq!(points[1], ["0.0%", "100.0%", right], "{name}");
                }
            });
    }
}

/// Rows of numbers that a script finds in the plot of this index. In the script, `svg` is the plot, and `share` converts a
/// place on the screen to its two shares, horizontal and vertical.
async fn numbers(page: &Page, script: &str, plot: usize) -> Vec<Vec<f64>> {
    let script = format!(
        "const svg = document.querySelectorAll('footer svg')[{plot}];
        const frame = svg.querySelector('rect').getBoundingClientRect();
        const share = (x, y) => [(x - frame.x) / frame.width, (frame.bottom - y) / frame.height];
        return ({script})"
    );
    page.until(
        "return document.querySelector('footer svg rect').getBoundingClientRect().width > 100",
        SOON,
    )
    .await;
    let rows = page.script(&script).await;
    serde_json::from_value(rows).expect("rows of numbers")
}

/// Checks numbers that were measured on the screen.
fn near(found: &[f64], wanted: &[f64]) {
    let is_near = |(found, wanted): (&f64, &f64)| (found - wanted).abs() < 0.015;
    assert!(
        found.len() == wanted.len() && found.iter().zip(wanted).all(is_near),
        "{found:?} instead of {wanted:?}"
    );
}
