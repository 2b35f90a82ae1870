//! Multi-task LSTM: an LSTM for each task, over word vectors of its own and vectors that all tasks share, after the shared
//! lookup tables of Collobert et al. (2011, section 6.2).
//!
//! A word's own and shared vector are concatenated, as Collobert et al. concatenate the lookup tables of a word. A sum would
//! add vectors of two trainings, whose axes are unrelated. All vectors are trained further with the network.

use std::path::Path;

use model_core::{
    aux_lstm::{AuxLstmSizes, Role},
    vocabulary::UNKNOWN,
};
use serde::{Deserialize, Serialize};

use super::lstm::LstmSettings;
use super::networks::{NetworkTraining, tasks, train};
use crate::experiment::error::ExperimentError;
use crate::experiment::run::file_name;
use crate::experiment::system::{Fitted, Problem, System, check_lambda, table};
use crate::output::{PendingFile, make_folder};
use crate::progress::Progress;
use crate::settings::{at_least_zero, within};
use crate::training::JointLstm;
use crate::training::vectors::{TrainedVectors, Vectors};
use crate::word2vec::{self, Format, TextWriter, TrainingError};

/// The settings of Multi-task LSTM in addition to those of LSTM.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MultiTaskSettings {
    /// λ of Eq. 19 for the main task; the auxiliary tasks share 1 − λ.
    pub lambda: f64,
    /// Passes over the text of a task's training users in which the task's own vectors are trained, before the network is.
    pub vector_epochs: u16,
    /// The learning rate of the vectors, in place of `network.vector_learning_rate`.
    pub vector_learning_rate: f64,
}

impl Default for MultiTaskSettings {
    fn default() -> Self {
        Self {
            lambda: 0.75,
            vector_epochs: 1,
            vector_learning_rate: 0.01,
        }
    }
}

impl MultiTaskSettings {
    /// Whether all settings of this section are in range.
    pub fn check(&self) -> Result<(), String> {
        let &Self {
            lambda,
            vector_epochs: epochs,
            vector_learning_rate: rate,
        } = self;
        let name = |name: &str| format!("multi-task-lstm.{name}");
        check_lambda(&name("lambda"), lambda)?;
        within(&name("vector_epochs"), epochs, epochs > 0, "at least 1")?;
        at_least_zero(&name("vector_learning_rate"), rate)
    }
}

/// The system.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct MultiTaskLstm {
    pub lstm: LstmSettings,
    pub multi_task_lstm: MultiTaskSettings,
}

impl System for MultiTaskLstm {
    fn settings(&self) -> toml::Table {
        table(self)
    }

    fn lambda(&self) -> Option<f64> {
        Some(self.multi_task_lstm.lambda)
    }

    fn is_network(&self) -> bool {
        true
    }

    fn fit<'a>(&self, problem: &Problem<'a>) -> Result<Fitted<'a>, ExperimentError> {
        let shared = problem.embedding()?;
        let dimensions = shared.dimensions();
        let mut tables = Vec::new();
        for &attribute in std::iter::once(&problem.main).chain(problem.auxiliary) {
            tables.push(own_vectors(
                problem,
                attribute,
                dimensions,
                self.multi_task_lstm.vector_epochs,
            )?);
        }
        tables.push(shared.rows());
        let LstmSettings {
            network,
            training,
            wide,
            ..
        } = &self.lstm;
        // Each task has an LSTM of its own, and none is shared.
        let tasks = tasks(problem);
        let tasks = tasks.iter().map(|task| (Role::Main, task.class_count()));
        let sizes = AuxLstmSizes {
            auxiliary_hidden_size: 0,
            ..network.sizes(2 * dimensions, tasks)
        };
        let rate = self.multi_task_lstm.vector_learning_rate;
        let training = NetworkTraining {
            training,
            architecture: JointLstm::new(sizes, network.dropout, training),
            vectors: Vectors::Trained(TrainedVectors::new(tables, dimensions, rate)),
            wide,
        };
        train(problem, training)
    }
}

/// Vectors of `dimensions` numbers, trained on the words of those training users that have a label for `attribute`: a row for
/// each word id. They are stored for other runs.
fn own_vectors(
    problem: &Problem,
    attribute: usize,
    dimensions: usize,
    epochs: u16,
) -> Result<Vec<f32>, ExperimentError> {
    let settings = vector_settings(dimensions, epochs, problem.seed, attribute)?;
    let vocabulary = &problem.users.reader.vocabulary;
    let (training, _) = problem.labelled(&problem.parts.training, attribute);
    let texts = || {
        (training.iter()).map(|&user| {
            let words = problem.examples[user].words.iter();
            words.filter_map(|&id| vocabulary.word(id))
        })
    };
    let folder = problem.folder.join("vectors");
    make_folder(&folder)?;
    // The name contains a checksum of everything that decides the vectors: the settings and the whole text.
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(format!("{settings:?}").as_bytes());
    for text in texts() {
        text.for_each(|word| {
            hasher.update(word.as_bytes());
            hasher.update(b" ");
        });
        hasher.update(b"\n");
    }
    let name = file_name(&problem.attributes[attribute].name);
    let path = folder.join(format!("{name}__{:08x}.bin", hasher.finalize()));
    if !path.exists() {
        let mut text = TextWriter::new()?;
        for words in texts() {
            text.add_post(words)?;
        }
        train_vectors(problem, text, &settings, &path)?;
    }
    let vectors = word2vec::read_vectors(&path)?;
    // Words that these users do not use have the vector 0.
    let mut rows = vec![0.0; vocabulary.len() * dimensions];
    for (word, row) in (vectors.words.iter()).zip(vectors.values.chunks_exact(dimensions)) {
        let id = vocabulary.id(word);
        if id != UNKNOWN {
            rows[id as usize * dimensions..][..dimensions].copy_from_slice(row);
        }
    }
    Ok(rows)
}

/// How the vectors of [`own_vectors`] are trained.
///
/// # Errors
/// More dimensions than word2vec can train.
fn vector_settings(
    dimensions: usize,
    epochs: u16,
    seed: u64,
    attribute: usize,
) -> Result<word2vec::Settings, ExperimentError> {
    let Ok(dimensions) = u16::try_from(dimensions) else {
        return Err(ExperimentError::Unusable(format!(
            "the word vectors have {dimensions} dimensions; permitted: at most {}",
            u16::MAX
        )));
    };
    Ok(word2vec::Settings {
        dimensions,
        window: 5,
        epochs,
        negative: 5,
        learning_rate: 0.05,
        subsample: 1e-4,
        // With several threads the vectors would differ each time.
        threads: 1,
        // Different for each task, so that tasks with the same users have different vectors.
        seed: seed.wrapping_mul(31).wrapping_add(attribute as u64),
    })
}

fn train_vectors(
    problem: &Problem,
    text: TextWriter,
    settings: &word2vec::Settings,
    path: &Path,
) -> Result<(), ExperimentError> {
    let text = text.finish()?;
    let words = text.words() * u64::from(settings.epochs);
    let mut bar = Progress::new("word vectors of a task", "words", Some(words));
    // The vocabulary has no rare words.
    let vectors = word2vec::train(text, 1, settings, problem.interrupted, |share| {
        bar.set((share * words as f64) as u64)
    });
    let vectors = vectors.map_err(|error| match error {
        TrainingError::Interrupted => ExperimentError::Interrupted,
        error => error.into(),
    })?;
    PendingFile::create(path)?
        .finish(|out| word2vec::write_vectors(out, &vectors, Format::Binary))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::{Architecture, Batch};
    use burn::tensor::{Device, Tensor};
    use model_core::parameters::{Parameters, TensorSpec, glorot_uniform};
    use rand::{Rng, SeedableRng, rngs::StdRng};

    const WORDS: usize = 7;
    const TEXTS: [&[u32]; 2] = [&[2, 3, 2, 6], &[3, 4]];

    fn batch() -> Batch<'static> {
        Batch {
            users: vec![0, 1],
            texts: TEXTS.to_vec(),
        }
    }

    /// The sum of the squared logits, a cost to be minimised.
    fn cost(logits: &[Tensor<2>]) -> Tensor<1> {
        (logits.iter())
            .map(|logits| logits.clone().square().sum())
            .reduce(|sum, cost| sum + cost)
            .unwrap()
    }

    #[test]
    fn seeds_that_are_65536_apart_have_other_vectors() {
        let seed = |seed: u64| vector_settings(4, 1, seed, 2).unwrap().seed;
        assert_ne!(seed(1), seed(1 + 65_536));
        assert_ne!(seed(1 + 65_536), seed(1 + 2 * 65_536));
    }

    #[test]
    fn more_dimensions_than_word2vec_has_are_refused() {
        let error = vector_settings(65_537, 1, 1, 0).unwrap_err().to_string();
        assert!(error.contains("65537 dimensions"), "{error}");
    }

    #[test]
    fn vectors_of_the_batch_are_trained_and_others_stay() {
        let mut random = StdRng::seed_from_u64(3);
        let tables = (0..3).map(|_| {
            let rows = (0..WORDS * 4).map(|_| random.random_range(-1.0..1.0));
            rows.collect()
        });
        let mut vectors = Vectors::Trained(TrainedVectors::new(tables.collect(), 4, 0.01));
        let architecture = JointLstm {
            sizes: AuxLstmSizes {
                input_size: 8,
                auxiliary_hidden_size: 0,
                main_hidden_size: 5,
                dense_size: 6,
                tasks: vec![(Role::Main, 2), (Role::Main, 3)],
            },
            dropout: 0.0,
            normalise: false,
            by_words: false,
        };
        let (plain, device) = (Device::flex(), Device::flex().autodiff());
        let source = |wanted: &TensorSpec| Ok::<_, ()>(glorot_uniform(wanted, &mut random));
        let network = (architecture.network(&mut Parameters::new(&device, source))).unwrap();
        let for_inference = architecture.for_inference(&network, std::iter::empty(), &plain);
        let cost_now = |vectors: &Vectors| {
            let words = vectors.embed(&TEXTS, &plain);
            let logits = architecture.evaluate(&for_inference, &batch(), &words, &plain);
            cost(&logits).into_scalar::<f32>()
        };
        fn rows_mut<'v>(vectors: &'v mut Vectors, table: usize) -> &'v mut [f32] {
            vectors.trained_mut().unwrap().rows_mut(table)
        }
        // Finite differences of every number of every table.
        let mut slopes = Vec::new();
        for table in 0..3 {
            for at in 0..WORDS * 4 {
                let mut change = |by: f32| {
                    rows_mut(&mut vectors, table)[at] += by;
                    let cost = cost_now(&vectors);
                    rows_mut(&mut vectors, table)[at] -= by;
                    cost
                };
                slopes.push((change(0.05) - change(-0.05)) / 0.1);
            }
        }
        let rows = |vectors: &mut Vectors| -> Vec<f32> {
            let tables = (0..3).map(|table| rows_mut(vectors, table).to_vec());
            tables.flatten().collect()
        };
        let before = rows(&mut vectors);
        vectors.trained_mut().unwrap().snapshot();
        let cost_before = cost_now(&vectors);
        let words = vectors.embed_for_training(&TEXTS, &device);
        let logits = architecture.forward(&network, &batch(), &words, &device);
        let gradients = cost(&logits).backward();
        vectors.trained_mut().unwrap().apply_gradients(&gradients);
        assert!(cost_now(&vectors) < cost_before);
        let after = rows(&mut vectors);
        for (place, (after, before)) in after.iter().zip(&before).enumerate() {
            let word = place / 4 % WORDS;
            let slope = slopes[place];
            // The first step of Adagrad is as long as the learning rate, whatever the slope.
            let expected = match slope {
                _ if ![2, 3, 4, 6].contains(&word) => 0.0,
                slope if slope.abs() > 1e-3 => -0.01 * slope.signum(),
                _ => continue,
            };
            assert!(
                (after - before - expected).abs() < 1e-5,
                "{place}: {after} from {before}, slope {slope}"
            );
        }
        assert!(slopes.iter().filter(|slope| slope.abs() > 1e-3).count() > 30);
        vectors.trained_mut().unwrap().restore();
        assert_eq!(cost_now(&vectors), cost_before);
    }
}
