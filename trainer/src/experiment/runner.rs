//! Executes an experiment: makes the runs that are missing and stores each as soon as it is complete.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::HumanDuration;
use model_core::text::Segmenter;
use rayon::prelude::*;

use super::cache::Cache;
use super::claims::Claim;
use super::config::Experiment;
use super::corpus::CorpusSummary;
use super::error::ExperimentError;
use super::labels::Labels;
use super::plan::{Plan, plans};
use super::record::Record;
use super::run::{Run, RunKey, TestUser};
use super::system::Problem;
use super::users::{Source, UserFeatures, Users};
use crate::corpus::Shard;
use crate::device;
use crate::features::Features;
use crate::lock::FolderLock;
use crate::output::make_folder;
use crate::progress::notice;
use crate::table::counted;
use crate::training::calibration::{self, Scored};
use crate::training::class_counts;
use crate::training::examples::{Example, Parts};

/// Which runs a process makes.
#[derive(Clone, Debug)]
pub enum Chosen {
    /// All.
    All,
    /// One of several parts.
    Part(Shard),
    /// Those of these names, see [`list`].
    Named(Vec<String>),
}

impl Chosen {
    /// Keeps the runs that are chosen.
    fn among(&self, plans: &mut Vec<Plan>) -> Result<(), String> {
        match self {
            Self::All => {}
            Self::Part(part) => {
                let mut positions = 0..;
                plans.retain(|_| positions.next().is_some_and(|position| part.has(position)));
            }
            Self::Named(names) => {
                let known: Vec<String> = plans.iter().map(|plan| plan.key.name()).collect();
                if let Some(name) = names.iter().find(|name| !known.contains(name)) {
                    return Err(format!("there is no run {name:?}; --list prints the names"));
                }
                plans.retain(|plan| names.contains(&plan.key.name()));
            }
        }
        Ok(())
    }
}

/// The files beside the runs that an experiment writes into its folder.
pub fn files(folder: &Path) -> [PathBuf; 2] {
    [Record::FILE, CorpusSummary::FILE].map(|name| folder.join(name))
}

/// The runs of `experiment`, and whether each is stored.
///
/// # Errors
/// If the settings are not valid.
pub fn list(experiment: &Experiment) -> Result<Vec<(RunKey, bool)>, ExperimentError> {
    let runs = experiment.output.join(Run::FOLDER);
    let plans = plans(experiment).map_err(ExperimentError::Unusable)?;
    let with_state = |plan: Plan| {
        let is_stored = runs.join(plan.key.file_name()).exists();
        (plan.key, is_stored)
    };
    Ok(plans.into_iter().map(with_state).collect())
}

/// Makes the chosen runs of `experiment` that its folder does not contain, but not those that other processes are making.
/// `segmenter` segments the posts.
///
/// When `interrupted` becomes true, it ends with [`ExperimentError::Interrupted`]; completed runs stay.
pub fn run(
    experiment: &Experiment,
    chosen: &Chosen,
    segmenter: Segmenter,
    interrupted: &Arc<AtomicBool>,
) -> Result<(), ExperimentError> {
    let mut plans = plans(experiment).map_err(ExperimentError::Unusable)?;
    let device = device::choose(&experiment.device)?;
    let folder = experiment.output.as_path();
    let runs = folder.join(Run::FOLDER);
    make_folder(&runs)?;
    // Before the users are read, which takes long; and again when it is written.
    Record::read(folder)?.add_settings(experiment, &plans, folder)?;
    let attributes = experiment.attributes();
    let source = Source {
        name: &experiment.name,
        paper: experiment.paper,
        corpus: &experiment.corpus,
        options: experiment.columns.options(experiment.strict),
        vectors: &experiment.vectors,
        text: &experiment.text,
        attributes: &attributes,
        labels: experiment.labels().map_err(ExperimentError::Unusable)?,
        keeps_posts: plans.iter().any(|plan| plan.system.features().is_some()),
    };
    let users = Users::read(&source, segmenter)?;
    {
        let _lock = FolderLock::wait(folder)?;
        let record = add_to_record(experiment, &plans, &users)?;
        let mut summary = users.summary.clone();
        (summary.attributes).retain(|attribute| record.predicted.contains(&attribute.name));
        summary.write(folder)?;
    }
    (chosen.among(&mut plans)).map_err(ExperimentError::Unusable)?;

    let mut left = Vec::new();
    let mut pace = Pace::default();
    for plan in &plans {
        match Run::find(&runs, &plan.key)? {
            Some(run) => pace.add(plan, run.seconds),
            None => left.push(plan),
        }
    }
    let (all, stored) = (plans.len(), plans.len() - left.len());
    notice!(
        "{}, {stored} of them already stored",
        counted(all as u64, "run")
    );
    let progress = Mutex::new(Progress {
        all,
        left: left.clone(),
        others: 0,
        pace,
    });
    let mut shared: Option<Shared> = None;
    for together in left.chunk_by(|one, other| can_be_parallel(one, other)) {
        let plan = together[0];
        if !shared.as_ref().is_some_and(|shared| shared.is_for(plan)) {
            // Dropped first, so that two need not fit into memory.
            drop(shared.take());
            shared = Some(Shared::new(experiment, &users, plan)?);
        }
        let Some(shared) = &mut shared else { continue };
        for plan in together {
            shared.label(&users, plan);
        }
        let shared = &*shared;
        let execute = |plan: &&Plan| {
            let labelled = shared.labelled(plan);
            let problem = Problem {
                attributes: &attributes,
                main: plan.main,
                auxiliary: &plan.auxiliary,
                lambda: plan.lambda,
                users: &users,
                examples: &labelled.examples,
                parts: &shared.parts,
                features: shared.features.as_ref().map(|(_, features)| features),
                seed: plan.key.seed,
                device: &device,
                cache: &labelled.cache,
                folder,
                interrupted,
            };
            make(experiment, plan, &problem, &runs, &progress)
        };
        for together in together.chunks(experiment.parallel) {
            match together {
                [plan] => execute(plan)?,
                _ => together.par_iter().try_for_each(execute)?,
            }
        }
    }
    let Progress { others, .. } = progress
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    if others > 0 {
        let others = counted(others as u64, "run");
        notice!(
            "{others} left to other processes, which were making them; the same command tells what is missing"
        );
    }
    Ok(())
}

/// The record of the experiment's folder, which must be locked, with these runs and the data added.
fn add_to_record(
    experiment: &Experiment,
    plans: &[Plan],
    users: &Users,
) -> Result<Record, ExperimentError> {
    let folder = experiment.output.as_path();
    let before = Record::read(folder)?;
    let mut record = before.clone();
    record.add_settings(experiment, plans, folder)?;
    record.add_data(users, folder)?;
    if record != before {
        record.write(folder)?;
    }
    Ok(record)
}

/// Makes one run, stores it in the folder `runs` and reports it, unless another process makes it.
fn make(
    experiment: &Experiment,
    plan: &Plan,
    problem: &Problem,
    runs: &Path,
    progress: &Mutex<Progress>,
) -> Result<(), ExperimentError> {
    problem.check_interrupted()?;
    let claim = Claim::take(problem.folder, &plan.key)?;
    let stored = match &claim {
        Some(_) => Run::find(runs, &plan.key)?,
        None => None,
    };
    if claim.is_none() || stored.is_some() {
        let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress.left.retain(|other| other.key != plan.key);
        progress.others += usize::from(claim.is_none());
        return Ok(());
    }
    if plan.system.is_network() {
        notice!("training {}", plan.key);
    }
    let run = fit_and_evaluate(plan, problem).map_err(|error| match error {
        ExperimentError::Interrupted => error,
        error => ExperimentError::Run {
            run: plan.key.to_string(),
            source: Box::new(error),
        },
    })?;
    {
        // The record may have been deleted or replaced since, and the run may belong to no other.
        let _lock = FolderLock::wait(problem.folder)?;
        add_to_record(experiment, std::slice::from_ref(plan), problem.users)?;
        run.write(runs)?;
    }
    let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
    let Progress {
        all, left, pace, ..
    } = &mut *progress;
    left.retain(|other| other.key != plan.key);
    pace.add(plan, run.seconds);
    notice!(
        "{} of {all}: {}: F (paper) {:.3} on validation users, {}; {} left",
        *all - left.len(),
        plan.key,
        run.validation_f,
        HumanDuration(Duration::from_secs_f64(run.seconds)),
        HumanDuration(pace.time_of(left)),
    );
    Ok(())
}

/// Fits and evaluates one system.
fn fit_and_evaluate(plan: &Plan, problem: &Problem) -> Result<Run, ExperimentError> {
    let start = Instant::now();
    let attribute = &problem.attributes[plan.main];
    let unusable = ExperimentError::Unusable;
    let (training, classes) = problem.labelled(&problem.parts.training, plan.main);
    class_counts(attribute, classes.into_iter()).map_err(unusable)?;
    let (validation, validation_classes) = problem.labelled(&problem.parts.validation, plan.main);
    let (test, test_classes) = problem.labelled(&problem.parts.test, plan.main);
    if validation.is_empty() || test.is_empty() {
        return Err(unusable(format!(
            "{} validation and {} test users have a label, at least one of each is needed",
            validation.len(),
            test.len()
        )));
    }
    let fitted = plan.system.fit(problem)?;
    let words = |user: usize| problem.examples[user].words.len();
    let scores = fitted.model.scores(&validation)?;
    let validation_f = problem.f(plan.main, &validation_classes, &scores);
    let scored: Vec<Scored> = (validation.iter().zip(&validation_classes).zip(scores))
        .map(|((&user, &class), logits)| Scored {
            logits,
            classes: class..class + 1,
            words: words(user),
        })
        .collect();
    let calibration = calibration::fit(&scored);
    let scores = fitted.model.scores(&test)?;
    Ok(Run {
        key: plan.key.clone(),
        classes: attribute.classes.clone(),
        training_users: training.len(),
        validation_users: validation.len(),
        chosen: fitted.chosen,
        validation_f,
        validation_curve: fitted.validation_curve,
        training_curve: fitted.training_curve,
        test: (test.iter().zip(test_classes).zip(scores))
            .map(|((&user, class), logits)| TestUser {
                user: problem.examples[user].key.clone(),
                words: words(user),
                class,
                probabilities: calibration.probabilities(&logits, words(user)),
            })
            .collect(),
        seconds: start.elapsed().as_secs_f64(),
    })
}

/// Data shared by the runs with one seed and the same features.
struct Shared {
    seed: u64,
    parts: Parts,
    /// The features with their settings, where the systems read them.
    features: Option<(Features, UserFeatures)>,
    labelled: Vec<Labelled>,
}

/// Users with the labels that some runs learn from, and what these runs have fitted.
struct Labelled {
    key: LabelsKey,
    examples: Vec<Example>,
    cache: Cache,
}

/// The key of equal labels: with a share of them also the main attribute, with shuffled ones also the auxiliary attributes.
#[derive(PartialEq)]
struct LabelsKey(Labels, Option<usize>, Option<Vec<usize>>);

impl LabelsKey {
    fn of(plan: &Plan) -> Self {
        let Labels { share, shuffled } = plan.labels;
        let main = (share < 1.0 || shuffled).then_some(plan.main);
        Self(plan.labels, main, shuffled.then(|| plan.auxiliary.clone()))
    }
}

impl Shared {
    fn new(experiment: &Experiment, users: &Users, plan: &Plan) -> Result<Self, ExperimentError> {
        let seed = plan.key.seed;
        let parts = users.divide(&experiment.attributes(), &experiment.split.split(seed));
        let features = plan.system.features().map(|settings| {
            notice!("extracting features, fitted to the training users of seed {seed}");
            let features = users.features(settings, &parts.training)?;
            Ok::<_, ExperimentError>((settings.clone(), features))
        });
        Ok(Self {
            seed,
            features: features.transpose()?,
            labelled: Vec::new(),
            parts,
        })
    }

    /// Prepares the labels of a run.
    fn label(&mut self, users: &Users, plan: &Plan) {
        let key = LabelsKey::of(plan);
        if !self.labelled.iter().any(|labelled| labelled.key == key) {
            let examples = (plan.labels).of(
                &users.examples,
                &self.parts,
                plan.main,
                &plan.auxiliary,
                self.seed,
            );
            self.labelled.push(Labelled {
                key,
                examples,
                cache: Cache::default(),
            });
        }
    }

    /// The labels of a run, which [`label`](Self::label) has prepared.
    fn labelled(&self, plan: &Plan) -> &Labelled {
        let key = LabelsKey::of(plan);
        let mut labelled = self.labelled.iter();
        (labelled.find(|labelled| labelled.key == key)).expect("the labels were prepared")
    }

    /// Whether a run has the same seed and features.
    fn is_for(&self, plan: &Plan) -> bool {
        let features = self.features.as_ref().map(|(settings, _)| settings);
        let needed = plan.system.features();
        self.seed == plan.key.seed && (needed.is_none() || needed == features)
    }
}

/// Whether two systems can be fitted at the same time.
fn can_be_parallel(one: &Plan, other: &Plan) -> bool {
    !one.system.is_network()
        && !other.system.is_network()
        && one.key.seed == other.key.seed
        && one.system.features() == other.system.features()
}

/// How far an experiment is.
struct Progress<'a> {
    /// The number of all runs.
    all: usize,
    /// The runs that are still to be made.
    left: Vec<&'a Plan>,
    /// The number of runs that other processes were making.
    others: usize,
    pace: Pace,
}

/// The seconds that runs of each system took.
#[derive(Default)]
struct Pace(BTreeMap<String, Vec<f64>>);

impl Pace {
    fn add(&mut self, plan: &Plan, seconds: f64) {
        let of_system = self.0.entry(plan.key.system.clone()).or_default();
        of_system.push(seconds);
    }

    /// The expected time of runs: the mean of their system, or of all systems where that has none yet.
    fn time_of(&self, plans: &[&Plan]) -> Duration {
        let mean = |seconds: &[f64]| seconds.iter().sum::<f64>() / seconds.len().max(1) as f64;
        let of_all = mean(&self.0.values().flatten().copied().collect::<Vec<_>>());
        let seconds: f64 = (plans.iter())
            .map(|plan| {
                let of_system = self.0.get(&plan.key.system);
                of_system.map_or(of_all, |seconds| mean(seconds))
            })
            .sum();
        // Stored seconds may be larger than any duration.
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The time left used to panic where a stored run had taken more seconds than a [`Duration`] can hold.
    #[test]
    fn huge_stored_seconds_do_not_end_an_experiment() {
        let experiment: Experiment = toml::from_str(
            "[[attributes]]\nname = 'age'\nclasses = ['13-20', '21+']\n\
             [[runs]]\nsystems = ['svm']\nmain = ['age']\n",
        )
        .unwrap();
        let plans = plans(&experiment).unwrap();
        let mut pace = Pace::default();
        pace.add(&plans[0], 1.5);
        assert_eq!(pace.time_of(&[&plans[0]]), Duration::from_millis(1500));
        pace.add(&plans[0], f64::MAX);
        assert_eq!(pace.time_of(&[&plans[0], &plans[0]]), Duration::MAX);
    }
}
