//! Cells, put in order and scored: rows of a table, and what makes one row better than another.

use std::collections::{BTreeMap, HashMap};

use model_core::prediction::largest;

use super::paper;
use crate::corpus::UserKey;
use crate::evaluation::{
    Bootstrap, Difference, Evaluation, Metrics, Predictions, Report, Spread, holm, macro_t_test,
};
use crate::experiment::{AttributeSummary, Cell, CellKey, CorpusSummary};

/// Below this a corrected p counts as significant, as in the paper.
pub const SIGNIFICANT: f64 = 0.05;

/// All that a report is made of.
pub struct Results {
    /// The corpus.
    pub corpus: CorpusSummary,
    /// The results for each of its attributes: those of the paper first, in its order.
    pub attributes: Vec<AttributeResults>,
}

/// All that was learned to predict one attribute.
pub struct AttributeResults {
    /// The attribute.
    pub summary: AttributeSummary,
    /// A row for each system, in the paper's order.
    pub rows: Vec<Row>,
}

/// The cells that differ in nothing but the seed.
pub struct Row {
    /// What they are cells of; the seed is the first one's.
    pub key: CellKey,
    /// What came out, by seed.
    pub runs: BTreeMap<u64, Run>,
}

/// One cell, scored.
pub struct Run {
    /// The cell.
    pub cell: Cell,
    /// On the attribute's classes and, where it has groups, on these.
    pub levels: Vec<Level>,
}

/// A cell's figures on classes or on groups.
pub struct Level {
    /// The figures.
    pub report: Report,
    /// F and accuracy in each sample of the bootstrap.
    samples: Vec<[f64; 2]>,
}

/// How one row compares with another, over the seeds that both have.
pub struct Comparison {
    /// How much F of the one is above F of the other.
    pub f: Difference,
    /// The same of accuracy.
    pub accuracy: Difference,
    /// p of the macro t-test; F1 of a class is its mean over seeds. Nothing where it cannot be had.
    pub t_test: Option<f64>,
    /// The same three p, in this order, by Holm's correction for all comparisons of the table.
    pub corrected: [Option<f64>; 3],
    /// How many seeds both have.
    pub seeds: usize,
}

impl Results {
    /// Scores cells. The bootstrap draws `resamples` samples. The error is one line that says which cell does not fit.
    pub fn new(corpus: CorpusSummary, cells: Vec<Cell>, resamples: usize) -> Result<Self, String> {
        let mut by_attribute: HashMap<String, Vec<Cell>> = HashMap::new();
        for cell in cells {
            check(&cell, &corpus)?;
            by_attribute
                .entry(cell.key.main.clone())
                .or_default()
                .push(cell);
        }
        let mut summaries = corpus.attributes.clone();
        let place = |name: &str| {
            let mut names = paper::ATTRIBUTES.iter().map(|attribute| attribute.name);
            names.position(|other| other == name).unwrap_or(usize::MAX)
        };
        summaries.sort_by_key(|summary| place(&summary.name));
        let attributes = summaries.into_iter().map(|summary| {
            let cells = by_attribute.remove(&summary.name).unwrap_or_default();
            AttributeResults::new(summary, cells, resamples)
        });
        Ok(Self {
            attributes: attributes.collect::<Result<_, _>>()?,
            corpus,
        })
    }
}

/// Whether a cell is about an attribute of the corpus.
fn check(cell: &Cell, corpus: &CorpusSummary) -> Result<(), String> {
    let file = cell.key.file_name();
    let main = &cell.key.main;
    let Some(attribute) = corpus.attribute(main) else {
        return Err(format!(
            "cell {file} is about {main:?}, which is no attribute in {}",
            CorpusSummary::FILE
        ));
    };
    if attribute.classes != cell.classes {
        return Err(format!(
            "cell {file} has other classes of {main:?} than {}",
            CorpusSummary::FILE
        ));
    }
    if cell.test.is_empty() {
        return Err(format!("cell {file} has no test users"));
    }
    Ok(())
}

impl AttributeResults {
    /// The row with the highest mean F on the validation users, of those with the most seeds: among many with one seed, the
    /// luckiest would be the best.
    pub fn best(&self) -> Option<&Row> {
        let seeds = self.rows.iter().map(|row| row.runs.len()).max()?;
        let rows = self.rows.iter().filter(|row| row.runs.len() == seeds);
        rows.max_by(|a, b| a.validation_f().total_cmp(&b.validation_f()))
    }

    fn new(summary: AttributeSummary, cells: Vec<Cell>, resamples: usize) -> Result<Self, String> {
        let mut runs: Vec<Run> = (cells.into_iter())
            .map(|cell| Run::new(cell, &summary))
            .collect();
        resample(&mut runs, &summary, resamples);
        let mut rows: Vec<Row> = Vec::new();
        for run in runs {
            let (key, file) = (run.cell.key.clone(), run.cell.key.file_name());
            let twice = match rows.iter_mut().find(|row| row.is_of(&key)) {
                Some(row) => row.runs.insert(key.seed, run).is_some(),
                None => {
                    let runs = BTreeMap::from([(key.seed, run)]);
                    rows.push(Row { key, runs });
                    false
                }
            };
            if twice {
                return Err(format!(
                    "there are two cells of what {file} is the name for"
                ));
            }
        }
        rows.sort_by_cached_key(|row| row.place(&summary.name));
        Ok(Self { summary, rows })
    }

    /// The row of a system as it is, with these attributes learned beside this one.
    pub fn row(&self, system: &str, auxiliary: &[String]) -> Option<&Row> {
        (self.rows.iter()).find(|row| {
            row.key.system == system && row.key.auxiliary == auxiliary && row.key.variant.is_empty()
        })
    }

    /// The row of the single LSTM.
    pub fn lstm(&self) -> Option<&Row> {
        self.row(paper::LSTM, &[])
    }
}

/// Draws users and keeps what every run has in every sample. All runs share the samples, so that their
/// differences are those on the same users.
fn resample(runs: &mut [Run], summary: &AttributeSummary, resamples: usize) {
    let mut index_of: HashMap<&UserKey, usize> = HashMap::new();
    for tested in runs.iter().flat_map(|run| &run.cell.test) {
        let next = index_of.len();
        index_of.entry(&tested.user).or_insert(next);
    }
    let attribute = summary.attribute();
    let mut predictions = Vec::new();
    for run in runs.iter() {
        let test = &run.cell.test;
        let users: Vec<usize> = (test.iter()).map(|tested| index_of[&tested.user]).collect();
        let best = |row: &[f32]| largest(row).unwrap_or(0);
        predictions.push(Predictions {
            users: users.clone(),
            gold: test.iter().map(|user| user.class).collect(),
            predicted: test.iter().map(|user| best(&user.probabilities)).collect(),
            classes: attribute.classes.len(),
        });
        if !attribute.coarse_classes.is_empty() {
            let group = |class| attribute.coarse_class_of(class).unwrap_or(0);
            let summed = |row: &[f32]| best(&attribute.coarse_probabilities(row));
            predictions.push(Predictions {
                users,
                gold: test.iter().map(|user| group(user.class)).collect(),
                predicted: test
                    .iter()
                    .map(|user| summed(&user.probabilities))
                    .collect(),
                classes: attribute.coarse_classes.len(),
            });
        }
    }
    let bootstrap = Bootstrap {
        users: index_of.len(),
        resamples,
        seed: 1,
    };
    let samples = bootstrap.figures(&predictions, |metrics: &Metrics| {
        [metrics.f, metrics.accuracy]
    });
    let levels = runs.iter_mut().flat_map(|run| &mut run.levels);
    for (column, level) in levels.enumerate() {
        level.samples = samples.iter().map(|row| row[column]).collect();
    }
}

impl Run {
    fn new(cell: Cell, summary: &AttributeSummary) -> Self {
        let attribute = summary.attribute();
        let mut evaluation = Evaluation::new(&attribute, 0.0);
        for user in &cell.test {
            evaluation.add_class(user.class, user.probabilities.clone());
        }
        let level = |report| Level {
            report,
            samples: Vec::new(),
        };
        Self {
            levels: evaluation.reports().into_iter().map(level).collect(),
            cell,
        }
    }
}

impl Row {
    fn is_of(&self, key: &CellKey) -> bool {
        let seed = self.key.seed;
        let key = CellKey {
            seed,
            ..key.clone()
        };
        self.key == key
    }

    /// Systems in the paper's order, with the auxiliary attributes in its order too, then all others.
    fn place(&self, main: &str) -> impl Ord + use<> {
        let CellKey {
            system,
            auxiliary,
            variant,
            ..
        } = &self.key;
        let order = paper::attribute(main).map_or([""; 2], |attribute| attribute.auxiliary);
        let known: Vec<usize> = (auxiliary.iter())
            .map(|name| order.iter().position(|other| other == name).unwrap_or(2))
            .collect();
        (
            !variant.is_empty(),
            auxiliary.len(),
            known,
            auxiliary.clone(),
            paper::system_place(system),
            system.clone(),
            // Numbers in their own order.
            variant.split_once('=').map(|(name, _)| name.to_owned()),
            (variant.split_once('='))
                .and_then(|(_, value)| value.parse::<f64>().ok())
                .map(|value| (value * 1e6) as i64),
            variant.clone(),
        )
    }

    /// What a table calls it, such as `Aux-LSTM (Gender+Age), lambda=0.5`.
    pub fn label(&self) -> String {
        label(&self.key.system, &self.key.main, &self.key.auxiliary) + &self.variant()
    }

    fn variant(&self) -> String {
        match self.key.variant.as_str() {
            "" => String::new(),
            variant => format!(", {variant}"),
        }
    }

    /// A figure's mean and spread over the seeds.
    pub fn spread(&self, level: usize, figure: impl Fn(&Report) -> f64) -> Option<Spread> {
        let figures: Vec<f64> = (self.runs.values())
            .filter_map(|run| run.levels.get(level))
            .map(|level| figure(&level.report))
            .collect();
        Spread::of(&figures)
    }

    /// The mean F over seeds on the validation users.
    pub fn validation_f(&self) -> f64 {
        let f = self.runs.values().map(|run| run.cell.validation_f);
        f.sum::<f64>() / self.runs.len() as f64
    }

    /// Compares this row with another; nothing if they have no seed in common.
    pub fn compare(&self, other: &Self, level: usize) -> Option<Comparison> {
        let pairs: Vec<(&Level, &Level)> = (self.runs.iter())
            .filter_map(|(seed, run)| {
                run.levels
                    .get(level)
                    .zip(other.runs.get(seed)?.levels.get(level))
            })
            .collect();
        let seeds = pairs.len();
        if seeds == 0 {
            return None;
        }
        let mean = |difference: &dyn Fn(&(&Level, &Level)) -> f64| {
            pairs.iter().map(difference).sum::<f64>() / seeds as f64
        };
        let samples = pairs[0].0.samples.len();
        let resampled = |figure: usize| {
            let of_sample = |sample: usize| {
                mean(&|(a, b)| a.samples[sample][figure] - b.samples[sample][figure])
            };
            (0..samples).map(of_sample).collect()
        };
        let observed = |figure: fn(&Metrics) -> f64| {
            mean(&|(a, b)| figure(&a.report.metrics) - figure(&b.report.metrics))
        };
        // The differences of classes, against none.
        let classes = pairs[0].0.report.labels.len();
        let differences: Vec<f64> = (0..classes)
            .map(|class| {
                let f1 = |level: &Level| level.report.metrics.classes[class].f1;
                mean(&|(a, b)| f1(a) - f1(b))
            })
            .collect();
        Some(Comparison {
            f: Difference::new(observed(|metrics| metrics.f), resampled(0)),
            accuracy: Difference::new(observed(|metrics| metrics.accuracy), resampled(1)),
            t_test: macro_t_test(&differences, &vec![0.0; classes]),
            corrected: [None; 3],
            seeds,
        })
    }
}

/// What a table calls a system that learns an attribute beside others.
pub fn label(system: &str, main: &str, auxiliary: &[String]) -> String {
    let name = paper::system_name(system).unwrap_or(system);
    if auxiliary.is_empty() {
        return name.to_owned();
    }
    let attributes: Vec<String> = std::iter::once(main)
        .chain(auxiliary.iter().map(String::as_str))
        .map(capitalised)
        .collect();
    format!("{name} ({})", attributes.join("+"))
}

/// With a capital letter first.
pub fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

impl Comparison {
    /// Corrects all comparisons of a table for each other, each kind of test for itself.
    pub fn correct(comparisons: &mut [&mut Self]) {
        let figures: [fn(&Self) -> Option<f64>; 3] = [
            |comparison| Some(comparison.f.p),
            |comparison| Some(comparison.accuracy.p),
            |comparison| comparison.t_test,
        ];
        for (kind, figure) in figures.into_iter().enumerate() {
            let known: Vec<usize> = (0..comparisons.len())
                .filter(|&index| figure(comparisons[index]).is_some())
                .collect();
            let p: Vec<f64> = known
                .iter()
                .filter_map(|&index| figure(comparisons[index]))
                .collect();
            for (index, corrected) in known.into_iter().zip(holm(&p)) {
                comparisons[index].corrected[kind] = Some(corrected);
            }
        }
    }

    /// Whether F differs significantly, and if so whether it is above.
    pub fn verdict(&self) -> Option<bool> {
        let significant = self.corrected[0]? < SIGNIFICANT;
        significant.then_some(self.f.observed > 0.0)
    }
}
