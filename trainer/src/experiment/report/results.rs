//! The evaluated runs, as rows of tables, and the comparisons of rows.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use model_core::prediction::largest;

use super::paper;
use crate::corpus::UserKey;
use crate::evaluation::{
    Bootstrap, Difference, Evaluation, Metrics, Predictions, Report, Spread, holm, macro_t_test,
};
use crate::experiment::labels::{SHARE, SHUFFLED, TRUE_CLASSES};
use crate::experiment::{AttributeSummary, CorpusSummary, Run, RunKey};

/// A difference is significant if its corrected p is below this, as in the paper.
pub const SIGNIFICANT: f64 = 0.05;

/// Everything that a report shows.
pub struct Results {
    /// The corpus.
    pub corpus: CorpusSummary,
    /// The results for each of its attributes, those of the paper first, in its order. Without a comparison with the paper,
    /// all of them have rows.
    pub attributes: Vec<AttributeResults>,
}

/// The results of one attribute.
pub struct AttributeResults {
    /// The attribute.
    pub summary: AttributeSummary,
    /// A row for each system, in the paper's order.
    pub rows: Vec<Row>,
}

/// The runs that differ in the seed only.
pub struct Row {
    /// What they learned; the seed is that of the first one.
    pub key: RunKey,
    /// The runs, by seed.
    pub runs: BTreeMap<u64, EvaluatedRun>,
}

/// A run with its figures.
pub struct EvaluatedRun {
    /// The run.
    pub run: Run,
    /// The figures on the attribute's classes and, where it has them, on its coarse classes.
    pub levels: Vec<Level>,
}

/// A run's figures on classes or on coarse classes.
pub struct Level {
    /// The figures.
    pub report: Report,
    /// Macro-F1, the paper's F and accuracy in each sample of the bootstrap.
    samples: Vec<[f64; 3]>,
}

/// The difference of one row to another, over the seeds that both have.
pub struct Comparison {
    /// The difference in macro-F1.
    pub macro_f1: Difference,
    /// The difference in the paper's F.
    pub f: Difference,
    /// The difference in accuracy.
    pub accuracy: Difference,
    /// p of the macro t-test on the classes' F1, averaged over seeds; none where it is not defined.
    pub t_test: Option<f64>,
    /// The four p, in this order, with Holm's correction for all comparisons of the table.
    pub corrected: [Option<f64>; 4],
    /// The number of seeds that both have.
    pub seeds: usize,
}

impl Results {
    /// Evaluates runs. The bootstrap draws `resamples` samples.
    ///
    /// # Errors
    /// One line that names a run that does not fit the corpus or another run.
    pub fn new(corpus: CorpusSummary, runs: Vec<Run>, resamples: usize) -> Result<Self, String> {
        let mut by_attribute: HashMap<String, Vec<Run>> = HashMap::new();
        for run in runs {
            check(&run, &corpus)?;
            by_attribute
                .entry(run.key.main.clone())
                .or_default()
                .push(run);
        }
        let mut summaries = corpus.attributes.clone();
        let place = |name: &str| {
            let mut names = paper::ATTRIBUTES.iter().map(|attribute| attribute.name);
            names.position(|other| other == name).unwrap_or(usize::MAX)
        };
        summaries.sort_by_key(|summary| place(&summary.name));
        let attributes = summaries.into_iter().map(|summary| {
            let runs = by_attribute.remove(&summary.name).unwrap_or_default();
            AttributeResults::new(summary, runs, resamples)
        });
        let mut attributes: Vec<AttributeResults> = attributes.collect::<Result<_, _>>()?;
        attributes.retain(|attribute| corpus.paper || !attribute.rows.is_empty());
        Ok(Self { attributes, corpus })
    }
}

/// Whether a run predicts an attribute of the corpus.
fn check(run: &Run, corpus: &CorpusSummary) -> Result<(), String> {
    let file = run.key.file_name();
    let main = &run.key.main;
    let Some(attribute) = corpus.attribute(main) else {
        return Err(format!(
            "run {file} predicts {main:?}, which {} does not have",
            CorpusSummary::FILE
        ));
    };
    if attribute.classes != run.classes {
        return Err(format!(
            "run {file} has other classes of {main:?} than {}",
            CorpusSummary::FILE
        ));
    }
    if run.test.is_empty() {
        return Err(format!("run {file} has no test users"));
    }
    Ok(())
}

impl AttributeResults {
    /// The row with the highest mean F on the validation users, of those with the most seeds, because the best of many rows
    /// with few seeds is a lucky one. Controls are excluded, and so are rows that learned from a share of the labels, whose
    /// validation users are few.
    pub fn best(&self) -> Option<&Row> {
        let rows = || {
            let rows = self.rows.iter();
            rows.filter(|row| !has_few(row) && !is_control(row))
        };
        let seeds = rows().map(|row| row.runs.len()).max()?;
        let rows = rows().filter(|row| row.runs.len() == seeds);
        rows.max_by(|a, b| a.validation_f().total_cmp(&b.validation_f()))
    }

    fn new(summary: AttributeSummary, runs: Vec<Run>, resamples: usize) -> Result<Self, String> {
        let mut runs: Vec<EvaluatedRun> = (runs.into_iter())
            .map(|run| EvaluatedRun::new(run, &summary))
            .collect();
        resample(&mut runs, &summary, resamples);
        let mut rows: Vec<Row> = Vec::new();
        for evaluated in runs {
            let (key, file) = (evaluated.run.key.clone(), evaluated.run.key.file_name());
            let twice = match rows.iter_mut().find(|row| row.is_of(&key)) {
                Some(row) => row.runs.insert(key.seed, evaluated).is_some(),
                None => {
                    let runs = BTreeMap::from([(key.seed, evaluated)]);
                    rows.push(Row { key, runs });
                    false
                }
            };
            if twice {
                return Err(format!("two files contain the run {file}"));
            }
        }
        rows.sort_by(|one, other| one.order(other, &summary.name));
        Ok(Self { summary, rows })
    }

    /// The row of a system without a variant, with these auxiliary attributes.
    pub fn row(&self, system: &str, auxiliary: &[String]) -> Option<&Row> {
        (self.rows.iter()).find(|row| {
            row.key.system == system && row.key.auxiliary == auxiliary && row.key.variant.is_empty()
        })
    }

    /// The row of LSTM.
    pub fn lstm(&self) -> Option<&Row> {
        self.row(paper::LSTM, &[])
    }
}

/// The share of the labels that the runs of a row learn from, and what else its variant says.
pub fn share_of_labels(row: &Row) -> (f64, String) {
    let parts = || row.key.variant.split(", ");
    let share = parts().find_map(|part| part.strip_prefix(SHARE)?.parse().ok());
    let others: Vec<&str> = parts().filter(|part| !part.starts_with(SHARE)).collect();
    (share.unwrap_or(1.0), others.join(", "))
}

/// Whether the runs of a row learn from a share of the labels.
pub fn has_few(row: &Row) -> bool {
    share_of_labels(row).0 < 1.0
}

/// Whether the runs of a row read true classes of test users or learn shuffled labels: to compare with, not to use.
fn is_control(row: &Row) -> bool {
    let mut parts = row.key.variant.split(", ");
    parts.any(|part| [TRUE_CLASSES, SHUFFLED].contains(&part))
}

/// Draws samples of users and stores the figures of every run in each. All runs share the samples, so that differences are on
/// the same users.
fn resample(runs: &mut [EvaluatedRun], summary: &AttributeSummary, resamples: usize) {
    let mut index_of: HashMap<&UserKey, usize> = HashMap::new();
    for tested in runs.iter().flat_map(|evaluated| &evaluated.run.test) {
        let next = index_of.len();
        index_of.entry(&tested.user).or_insert(next);
    }
    let attribute = summary.attribute();
    let mut predictions = Vec::new();
    for evaluated in runs.iter() {
        let test = &evaluated.run.test;
        let users: Vec<usize> = (test.iter()).map(|tested| index_of[&tested.user]).collect();
        let best = |row: &[f32]| largest(row).unwrap_or(0);
        predictions.push(Predictions {
            users: users.clone(),
            gold: test.iter().map(|user| user.class).collect(),
            predicted: test.iter().map(|user| best(&user.probabilities)).collect(),
            classes: attribute.classes.len(),
        });
        if !attribute.coarse_classes.is_empty() {
            let coarse = |class| attribute.coarse_class_of(class).unwrap_or(0);
            let summed = |row: &[f32]| best(&attribute.coarse_probabilities(row));
            predictions.push(Predictions {
                users,
                gold: test.iter().map(|user| coarse(user.class)).collect(),
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
        [metrics.macro_f1, metrics.f, metrics.accuracy]
    });
    let levels = runs.iter_mut().flat_map(|run| &mut run.levels);
    for (column, level) in levels.enumerate() {
        level.samples = samples.iter().map(|row| row[column]).collect();
    }
}

impl EvaluatedRun {
    fn new(run: Run, summary: &AttributeSummary) -> Self {
        let attribute = summary.attribute();
        let mut evaluation = Evaluation::new(&attribute);
        for user in &run.test {
            evaluation.add_class(user.class, user.probabilities.clone());
        }
        let level = |report| Level {
            report,
            samples: Vec::new(),
        };
        Self {
            levels: evaluation.reports().into_iter().map(level).collect(),
            run,
        }
    }
}

impl Row {
    fn is_of(&self, key: &RunKey) -> bool {
        let seed = self.key.seed;
        let key = RunKey {
            seed,
            ..key.clone()
        };
        self.key == key
    }

    /// The order of rows: by [`place`](Self::place), then values of a setting in numerical order.
    fn order(&self, other: &Self, main: &str) -> Ordering {
        let value = |row: &Self| -> Option<f64> {
            let (_, value) = row.key.variant.split_once('=')?;
            value.parse().ok()
        };
        let by_value = match (value(self), value(other)) {
            (Some(one), Some(other)) => one.total_cmp(&other),
            (one, other) => one.is_some().cmp(&other.is_some()),
        };
        (self.place(main).cmp(&other.place(main)))
            .then(by_value)
            .then_with(|| self.key.variant.cmp(&other.key.variant))
    }

    /// The sort key: systems and auxiliary attributes in the paper's order, then all others.
    fn place(&self, main: &str) -> impl Ord + use<> {
        let RunKey {
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
            variant.split_once('=').map(|(name, _)| name.to_owned()),
        )
    }

    /// Its label in tables, such as `Aux-LSTM (Gender+Age), lambda=0.5`.
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
        let f = self
            .runs
            .values()
            .map(|evaluated| evaluated.run.validation_f);
        f.sum::<f64>() / self.runs.len() as f64
    }

    /// Compares this row with another; none if they have no seed in common.
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
        // The test is paired, so the differences of classes are tested against 0.
        let classes = pairs[0].0.report.labels.len();
        let differences: Vec<f64> = (0..classes)
            .map(|class| {
                let f1 = |level: &Level| level.report.metrics.classes[class].f1.unwrap_or(0.0);
                mean(&|(a, b)| f1(a) - f1(b))
            })
            .collect();
        Some(Comparison {
            macro_f1: Difference::new(observed(|metrics| metrics.macro_f1), resampled(0)),
            f: Difference::new(observed(|metrics| metrics.f), resampled(1)),
            accuracy: Difference::new(observed(|metrics| metrics.accuracy), resampled(2)),
            t_test: macro_t_test(&differences, &vec![0.0; classes]),
            corrected: [None; 4],
            seeds,
        })
    }
}

/// The label of a system with its attributes.
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

/// A name with a capital first letter.
pub fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

impl Comparison {
    /// Applies Holm's correction to all comparisons of a table, separately for each kind of test.
    pub fn correct(comparisons: &mut [&mut Self]) {
        let figures: [fn(&Self) -> Option<f64>; 4] = [
            |comparison| Some(comparison.macro_f1.p),
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

    /// Whether the paper's F is higher, if it differs significantly.
    pub fn verdict(&self) -> Option<bool> {
        let significant = self.corrected[1]? < SIGNIFICANT;
        significant.then_some(self.f.observed > 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::RecordKey;
    use crate::experiment::TestUser;

    /// A control that reads the true classes of test users used to be called the best system, and few-label runs with more
    /// seeds than the others left none.
    #[test]
    fn the_best_system_was_one_that_nobody_can_use() {
        let run = |system: &str, variant: &str, seed: u64, validation_f: f64| Run {
            key: RunKey {
                system: system.into(),
                main: "gender".into(),
                auxiliary: Vec::new(),
                variant: variant.into(),
                seed,
            },
            classes: vec!["female".into(), "male".into()],
            training_users: 2,
            validation_users: 2,
            chosen: Vec::new(),
            validation_f,
            validation_curve: Vec::new(),
            training_curve: Vec::new(),
            test: vec![TestUser {
                user: UserKey {
                    file: "users.jsonl".into(),
                    record: RecordKey::Record(1),
                },
                words: 10,
                class: 0,
                probabilities: vec![0.9, 0.1],
            }],
            seconds: 1.0,
        };
        let runs = vec![
            run("svm", "", 1, 0.6),
            run("lstm", "", 1, 0.5),
            run("meta-learning", "true classes", 1, 0.9),
            run("meta-learning", "auxiliary labels shuffled", 1, 0.8),
            run("svm", "labels=0.05", 1, 0.7),
            run("svm", "labels=0.05", 2, 0.7),
        ];
        let summary = AttributeSummary {
            name: "gender".into(),
            classes: vec!["female".into(), "male".into()],
            counts: vec![3, 3],
            coarse_classes: Vec::new(),
        };
        let results = AttributeResults::new(summary, runs, 10).unwrap();
        assert_eq!(results.best().unwrap().key.configuration(), "svm");
    }

    /// Values used to be compared in millionths, so that smaller ones were in the order of their text.
    #[test]
    fn tiny_values_of_a_setting_are_in_numerical_order() {
        let row = |variant: &str| Row {
            key: RunKey {
                system: "lstm".into(),
                main: "age".into(),
                auxiliary: Vec::new(),
                variant: variant.into(),
                seed: 1,
            },
            runs: BTreeMap::new(),
        };
        let mut rows = ["rate=0.5", "rate=1e-7", "rate=3e-8", ""].map(row);
        rows.sort_by(|one, other| one.order(other, "age"));
        let variants = rows.map(|row| row.key.variant);
        assert_eq!(variants, ["", "rate=3e-8", "rate=1e-7", "rate=0.5"]);
    }
}
