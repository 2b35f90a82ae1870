//! The report on a training run: what it was, and how good its model is.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use super::{BUNDLE, SPLIT, TestFigures, data::Data, metrics::EpochMetrics};
use crate::{
    config::Config,
    document::{
        Document, Figure, Grid,
        drawing::{self, Axis, Point, Series},
    },
    evaluation::{INTERVALS, MEANINGS, add_sections, comparison},
    progress::notice,
    table::count,
};

/// What is reported.
pub struct RunReport<'a> {
    pub config: &'a Config,
    /// The settings as TOML.
    pub settings: &'a str,
    pub data: &'a Data,
    pub history: &'a [EpochMetrics],
    /// The index of the best epoch.
    pub best: Option<usize>,
    pub figures: &'a TestFigures,
    /// How long reading, training, and all that followed took.
    pub times: [Duration; 3],
}

/// The table of the test figures.
fn test_table(figures: &TestFigures) -> Grid {
    comparison(&figures.model, "model", "linear baseline", |report| {
        figures.baseline_of(report)
    })
}

/// Prints the table of the test figures to standard error.
pub fn print_test_table(figures: &TestFigures) {
    if figures.model.is_empty() {
        return;
    }
    notice!("on test users, under equal base rates, with 95 % intervals:");
    for line in test_table(figures).to_text().lines() {
        notice!("{line}");
    }
}

impl RunReport<'_> {
    /// The report.
    pub fn document(&self) -> Document {
        let name = match self.config.card.name.as_str() {
            "" => self.config.output.display().to_string(),
            name => name.to_owned(),
        };
        let mut document = Document::new(format!("Training run: {name}"));
        self.add_test(&mut document);
        self.add_parts(&mut document);
        self.add_curve(&mut document);
        if !self.figures.model.is_empty() {
            document.section("All test figures");
            add_sections(&mut document, &self.figures.model);
        }
        self.add_origin(&mut document);
        document.section("Settings");
        document.listing(self.settings);
        document
    }

    fn add_test(&self, document: &mut Document) {
        document.section("Test");
        if self.figures.model.is_empty() {
            document.text(match self.config.is_refit() {
                true => {
                    "This model is a refit: it learned from its test users too. Its card has the figures of the model before \
                     the refit."
                }
                false => "No test user has a label, so nothing was measured.",
            });
            return;
        }
        document.text(
            "On the test users, who took no part in training. Labels are those under equal base rates. The linear baseline \
             is a support vector machine over TF-IDF values of words and word pairs, learned from the same training users. It \
             knows the words of the vectors only, as the model does. Its cost is chosen on the same validation users.",
        );
        document.table(test_table(self.figures));
        document.text(MEANINGS);
        document.text(INTERVALS);
    }

    /// The users of each part, by class.
    fn add_parts(&self, document: &mut Document) {
        document.section("Users");
        let Data {
            tasks,
            users,
            parts,
            ..
        } = self.data;
        let parts = [&parts.training, &parts.validation, &parts.test];
        let mut table = Grid::new(["", "training", "validation", "test"]);
        let mut row = |name: String, users: &dyn Fn(&[usize]) -> usize| {
            let counts = parts.map(|part| count(users(part) as u64));
            table.row(std::iter::once(name).chain(counts));
        };
        row("all users".into(), &|part| part.len());
        for (index, task) in tasks.iter().enumerate() {
            let attribute = &task.attribute;
            for (class, label) in attribute.classes.iter().enumerate() {
                row(format!("{}: {label}", attribute.name), &|part| {
                    let of_class = |&&user: &&usize| users[user].classes[index] == Some(class);
                    part.iter().filter(of_class).count()
                });
            }
            row(format!("{}: interval label", attribute.name), &|part| {
                let has_interval = |&&user: &&usize| users[user].intervals[index].is_some();
                part.iter().filter(has_interval).count()
            });
            row(format!("{}: no label", attribute.name), &|part| {
                let has_none = |&&user: &&usize| users[user].classes_of(index).is_none();
                part.iter().filter(has_none).count()
            });
        }
        document.table(table);
    }

    fn add_curve(&self, document: &mut Document) {
        document.section("Learning curve");
        let select_by = self.config.training.select_by;
        let (users, _) = self.data.parts.evaluated();
        let loss = format!("loss on {users}");
        if let Some(best) = self.best.and_then(|best| self.history.get(best)) {
            let (name, figure) = best.deciding_figure(select_by);
            document.text(format!(
                "Epoch {} is the best one, by {name} {figure:.4} on {users}, and is the model.",
                best.epoch
            ));
        }
        let deciding = self
            .history
            .first()
            .map_or("", |epoch| epoch.deciding_figure(select_by).0);
        let tasks = self.data.tasks.iter().map(|task| &task.attribute.name);
        let mut table = Grid::new(
            ["epoch", "training cost", &loss, deciding]
                .map(String::from)
                .into_iter()
                .chain(tasks.clone().map(|name| format!("{name}: macro-F1"))),
        );
        for epoch in self.history {
            let mark = match self.best.map(|best| best + 1) == Some(epoch.epoch) {
                true => " (best)",
                false => "",
            };
            let (_, deciding) = epoch.deciding_figure(select_by);
            let figures = [epoch.training_loss, epoch.validation_loss, deciding];
            let of_tasks = epoch.tasks.iter().map(|task| task.macro_f1);
            table.row(
                std::iter::once(format!("{}{mark}", epoch.epoch)).chain(
                    figures
                        .into_iter()
                        .chain(of_tasks)
                        .map(|value| format!("{value:.4}")),
                ),
            );
        }
        document.table(table);
        let curve = |class: &str, value: &dyn Fn(&EpochMetrics) -> f64| Series {
            class: class.into(),
            joined: true,
            points: (self.history.iter())
                .map(|epoch| Point {
                    x: epoch.epoch as f64,
                    y: value(epoch),
                    title: format!("epoch {}: {:.4}", epoch.epoch, value(epoch)),
                    ..Point::default()
                })
                .collect(),
        };
        let losses = [
            curve("c0 d0", &|epoch| epoch.training_loss),
            curve("c1 d0", &|epoch| epoch.validation_loss),
        ];
        let class = |index: usize| format!("c{} d{}", index % COLOURS, (index / COLOURS).min(3));
        let f1: Vec<Series> = (0..self.data.tasks.len())
            .map(|task| curve(&class(task), &|epoch| epoch.tasks[task].macro_f1))
            .collect();
        let plot = |title: &str, series: &[Series], legend: Vec<(String, String)>| {
            let points = || series.iter().flat_map(|series| &series.points);
            let last = points().map(|point| point.x).fold(2.0, f64::max);
            let x = Axis::between("epoch", 1.0, last);
            let y = Axis::around(title, points().map(|point| point.y));
            Figure {
                title: title.into(),
                drawing: drawing::plot(title, &x, &y, &[], series),
                legend,
            }
        };
        let named = |class: &str, name: &str| (class.to_owned(), name.to_owned());
        document.figures(vec![
            plot(
                "cost and loss",
                &losses,
                vec![named("c0 d0", "training cost"), named("c1 d0", &loss)],
            ),
            plot(
                &format!("macro-F1 on {users}"),
                &f1,
                (tasks.enumerate())
                    .map(|(index, name)| (class(index), name.clone()))
                    .collect(),
            ),
        ]);
    }

    /// Files with their checksums, versions and time.
    fn add_origin(&self, document: &mut Document) {
        document.section("Data, versions and time");
        let mut files = Grid::new(["file", "CRC-32"]);
        for path in self.config.corpus.iter().chain([&self.config.vectors]) {
            let checksum = checksum(path).unwrap_or_else(|error| error.to_string());
            files.row([path.display().to_string(), checksum]);
        }
        document.table(files);
        let [reading, training, rest] = self
            .times
            .map(|time| format!("{:.1} s", time.as_secs_f64()));
        let mut table = Grid::new(["", "value"]);
        for (name, value) in [
            ("auxlstm", env!("CARGO_PKG_VERSION").to_owned()),
            (
                "system",
                format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            ),
            ("device", self.config.device.clone()),
            ("reading", reading),
            ("training, since it was last started", training),
            ("calibration, test and baseline", rest),
        ] {
            table.row([name.to_owned(), value]);
        }
        document.table(table);
        document.text(format!(
            "The model is {BUNDLE} in this folder, and {SPLIT} lists the users of each part."
        ));
    }
}

/// The number of colours of the style sheet.
const COLOURS: usize = 8;

/// The CRC-32 of a file.
fn checksum(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = crc32fast::Hasher::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(format!("{:08x}", hasher.finalize())),
            read => hasher.update(&buffer[..read]),
        }
    }
}
