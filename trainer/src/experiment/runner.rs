//! Runs an experiment: learns the cells that are not there yet and stores each at once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::HumanDuration;
use model_core::text::Segmenter;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::config::{Experiment, Plan};
use super::system::{ExperimentError, Problem, System};
use super::systems::{Learned, SystemName, Systems};
use super::users::{UserFeatures, Users};
use super::{Cell, CellError, TestUser};
use crate::device;
use crate::features::Features;
use crate::output::{OutputError, PendingFile, make_folder};
use crate::settings::{first_difference, to_toml};
use crate::training::calibration::{self, Scored};
use crate::training::class_counts;
use crate::training::examples::Parts;

/// Runs `experiment`; `segmenter` cuts the posts. What is stored in its folder already is not learned again. Setting
/// `interrupted` ends it with [`ExperimentError::Interrupted`], and what is learned by then stays.
pub fn run(
    experiment: &Experiment,
    segmenter: Segmenter,
    interrupted: &Arc<AtomicBool>,
) -> Result<(), ExperimentError> {
    let device = device::choose(&experiment.device)?;
    let folder = experiment.output.as_path();
    let cells = folder.join(Cell::FOLDER);
    make_folder(&cells)?;
    let plans = experiment.plans().map_err(ExperimentError::Unusable)?;
    let mut record = Record::read(folder)?;
    record.add_settings(experiment, &plans, folder)?;
    let users = Users::read(experiment, segmenter)?;
    record.add_data(&users, folder)?;
    record.write(folder)?;
    let mut summary = users.summary.clone();
    (summary.attributes).retain(|attribute| record.predicted.contains(&attribute.name));
    summary.write(folder)?;

    let mut left = Vec::new();
    let mut pace = Pace::default();
    for plan in &plans {
        let path = cells.join(plan.key.file_name());
        match path.exists() {
            true => pace.add(plan.system, Cell::read(&path)?.seconds),
            false => left.push(plan),
        }
    }
    let (all, stored) = (plans.len(), plans.len() - left.len());
    eprintln!("{all} cells, {stored} of them stored already");
    let progress = Mutex::new((left.clone(), pace));
    let mut shared: Option<Shared> = None;
    for together in left.chunk_by(|one, other| one.system.is_linear() && can_share(one, other)) {
        let plan = together[0];
        if !shared.as_ref().is_some_and(|shared| shared.is_for(plan)) {
            // The old ones go first: two do not have to fit into the memory.
            drop(shared.take());
            shared = Some(Shared::new(experiment, &users, plan)?);
        }
        let Some(shared) = &shared else { continue };
        let learn = |plan: &&Plan| {
            let problem = Problem {
                attributes: &experiment.attributes,
                main: plan.main,
                auxiliary: &plan.auxiliary,
                users: &users,
                parts: &shared.parts,
                features: shared.features.as_ref().map(|(_, features)| features),
                learned: &shared.learned,
                seed: plan.key.seed,
                device: &device,
                folder,
                interrupted,
            };
            problem.go_on()?;
            if !plan.system.is_linear() {
                eprintln!("{} is being learned", plan.key);
            }
            let cell = learn(plan, &problem).map_err(|error| match error {
                ExperimentError::Interrupted => error,
                error => ExperimentError::Cell {
                    cell: plan.key.to_string(),
                    source: Box::new(error),
                },
            })?;
            cell.write(&cells)?;
            let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
            let (left, pace) = &mut *progress;
            left.retain(|other| other.key != plan.key);
            pace.add(plan.system, cell.seconds);
            eprintln!(
                "{} of {all}: {}: F {:.3} on validation users, {}; {} left",
                all - left.len(),
                plan.key,
                cell.validation_f,
                HumanDuration(Duration::from_secs_f64(cell.seconds)),
                HumanDuration(pace.time_of(left)),
            );
            Ok::<_, ExperimentError>(())
        };
        for together in together.chunks(experiment.parallel) {
            match together {
                [plan] => learn(plan)?,
                _ => together.par_iter().try_for_each(learn)?,
            }
        }
    }
    Ok(())
}

/// Learns and tests one cell.
fn learn(plan: &Plan, problem: &Problem) -> Result<Cell, ExperimentError> {
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
    let fitted = plan.fit(problem)?;
    let words = |user: usize| problem.users.examples[user].words.len();
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
    Ok(Cell {
        key: plan.key.clone(),
        classes: attribute.classes.clone(),
        training_users: training.len(),
        chosen: fitted.chosen,
        validation_f,
        validation_curve: fitted.validation_curve,
        training_curve: fitted.training_curve,
        test: (test.iter().zip(test_classes).zip(scores))
            .map(|((&user, class), logits)| TestUser {
                user: problem.users.examples[user].key.clone(),
                words: words(user),
                class,
                probabilities: calibration.probabilities(&logits, words(user)),
            })
            .collect(),
        seconds: start.elapsed().as_secs_f64(),
    })
}

/// What cells of one seed have in common.
struct Shared {
    seed: u64,
    parts: Parts,
    /// Features with their settings, where the systems read them.
    features: Option<(Features, UserFeatures)>,
    learned: Learned,
}

impl Shared {
    fn new(experiment: &Experiment, users: &Users, plan: &Plan) -> Result<Self, ExperimentError> {
        let seed = plan.key.seed;
        let parts = users.divide(experiment, seed);
        let settings = plan.features();
        let features = settings.map(|settings| {
            eprintln!("features of the users, fitted to the training users of seed {seed}");
            let features = users.features(settings, &parts.training)?;
            Ok::<_, ExperimentError>((settings.clone(), features))
        });
        Ok(Self {
            seed,
            features: features.transpose()?,
            learned: Learned::default(),
            parts,
        })
    }

    /// Whether a cell can make do with it.
    fn is_for(&self, plan: &Plan) -> bool {
        let features = self.features.as_ref().map(|(settings, _)| settings);
        self.seed == plan.key.seed && (plan.features().is_none() || plan.features() == features)
    }
}

impl Plan {
    /// The settings of the features that the system reads, if it reads them.
    fn features(&self) -> Option<&Features> {
        (self.system.reads_features()).then_some(&self.settings.features)
    }
}

/// Whether two cells can be learned at a time.
fn can_share(one: &Plan, other: &Plan) -> bool {
    other.system.is_linear() && one.key.seed == other.key.seed && one.features() == other.features()
}

/// How long cells take.
#[derive(Default)]
struct Pace(BTreeMap<SystemName, Vec<f64>>);

impl Pace {
    fn add(&mut self, system: SystemName, seconds: f64) {
        self.0.entry(system).or_default().push(seconds);
    }

    /// How long these cells will take, by what others of their system took or, where there is none, of any.
    fn time_of(&self, plans: &[&Plan]) -> Duration {
        let mean = |seconds: &[f64]| seconds.iter().sum::<f64>() / seconds.len().max(1) as f64;
        let of_any = mean(&self.0.values().flatten().copied().collect::<Vec<_>>());
        let seconds: f64 = (plans.iter())
            .map(|plan| self.0.get(&plan.system).map_or(of_any, |all| mean(all)))
            .sum();
        Duration::from_secs_f64(seconds)
    }
}

/// What the cells in a folder were made of. Cells that are added later have to be made of the same.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    /// The checksum of the users.
    users: Option<u32>,
    /// The checksum of the word vectors, where a system reads them.
    vectors: Option<u32>,
    /// What all cells have in common, as TOML.
    common: Option<String>,
    /// The attributes that cells predict; others are learned beside them only.
    predicted: BTreeSet<String>,
    /// The settings of each system, as TOML; of its variants each has its own.
    systems: BTreeMap<String, String>,
}

/// The settings that all cells have in common.
#[derive(Serialize)]
struct Common<'a> {
    split: &'a super::config::Shares,
    text: &'a crate::config::Text,
    attributes: &'a [model_core::attribute::Attribute],
}

impl Record {
    const FILE: &str = "experiment.json";

    /// What is on record in a folder; nothing if it is new.
    fn read(folder: &Path) -> Result<Self, ExperimentError> {
        let path = folder.join(Self::FILE);
        if !path.exists() {
            return Ok(Self::default());
        }
        let read = std::fs::read(&path).map_err(|error| error.to_string());
        let parse =
            |text: Vec<u8>| serde_json::from_slice(&text).map_err(|error| error.to_string());
        Ok((read.and_then(parse)).map_err(|what| CellError { path, what })?)
    }

    fn write(&self, folder: &Path) -> Result<(), OutputError> {
        PendingFile::create(&folder.join(Self::FILE))?
            .finish(|out| Ok(serde_json::to_writer_pretty(out, self)?))
    }

    /// Adds the settings of an experiment; it is an error if what is on record is another.
    fn add_settings(
        &mut self,
        experiment: &Experiment,
        plans: &[Plan],
        folder: &Path,
    ) -> Result<(), ExperimentError> {
        let common = |experiment: &Experiment| {
            to_toml(&Common {
                split: &experiment.split,
                text: &experiment.text,
                attributes: &experiment.attributes,
            })
        };
        let defaults = common(&Experiment::default())?;
        let common = common(experiment)?;
        let before = self.common.get_or_insert_with(|| common.clone());
        if let Some(difference) = first_difference(before, &common, &defaults, |_| false) {
            return Err(other(folder, &format!("settings: {difference}")));
        }
        for plan in plans {
            self.predicted.insert(plan.key.main.clone());
            let name = plan.key.plan();
            let settings = to_toml(&plan.settings.of(plan.system))?;
            let defaults = to_toml(&Systems::default().of(plan.system))?;
            let before = (self.systems.entry(name.clone())).or_insert_with(|| settings.clone());
            if let Some(difference) = first_difference(before, &settings, &defaults, |_| false) {
                return Err(other(folder, &format!("settings of {name}: {difference}")));
            }
        }
        Ok(())
    }

    /// Adds the checksums of the data.
    fn add_data(&mut self, users: &Users, folder: &Path) -> Result<(), ExperimentError> {
        if *self.users.get_or_insert(users.checksum) != users.checksum {
            return Err(other(
                folder,
                "users: the corpus, its ids or the paths of its files have changed since",
            ));
        }
        if let Some(now) = users.vectors_checksum()
            && *self.vectors.get_or_insert(now) != now
        {
            return Err(other(folder, "vectors: their file has changed since"));
        }
        Ok(())
    }
}

fn other(folder: &Path, what: &str) -> ExperimentError {
    ExperimentError::Unusable(format!(
        "{} holds cells made with other {what}; choose another folder with --output",
        folder.display()
    ))
}
