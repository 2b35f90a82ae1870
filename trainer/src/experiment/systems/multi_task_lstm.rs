//! Multi-task LSTM: an LSTM for each task over word vectors of its own and vectors that all tasks share, after the shared
//! lookup tables of Collobert et al. (2011, section 6.2).
//!
//! A word's own and shared vector are joined end to end, as Collobert et al. join the lookup tables of a word; their sum
//! would add numbers of two trainings whose axes have nothing to do with each other. All vectors go on learning.

use std::path::Path;

use burn::tensor::{Device, Gradients, Tensor};
use fused_lstm::PackedBatch;
use model_core::{
    aux_lstm::{AuxLstm, AuxLstmSizes, MeanStates, Role},
    parameters::Parameters,
    vocabulary::{UNKNOWN, Vocabulary},
};
use serde::{Deserialize, Serialize};

use super::lstm::LstmSettings;
use super::networks::teach;
use crate::experiment::cell::file_name;
use crate::experiment::config::check_lambda;
use crate::experiment::system::{ExperimentError, Fitted, Problem, System};
use crate::output::{PendingFile, make_folder};
use crate::progress::Progress;
use crate::settings::{at_least_zero, within};
use crate::training::vectors::Tables;
use crate::training::{Architecture, Batch, folded};
use crate::word2vec::{self, Format, TextWriter, TrainingError, Vectors};

/// What the network has besides the settings of lstm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MultiTaskSettings {
    /// λ of Eq. 19 for the main task; the auxiliary tasks share 1 − λ.
    pub lambda: f64,
    /// How often the text of a task's training users is gone through for the task's own vectors, before the network learns.
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
    /// Whether all settings are in their ranges.
    pub fn check(&self) -> Result<(), String> {
        check_lambda("lambda", self.lambda)?;
        let epochs = self.vector_epochs;
        within("vector_epochs", epochs, epochs > 0, "at least 1")?;
        at_least_zero("vector_learning_rate", self.vector_learning_rate)
    }
}

/// The system.
pub struct MultiTaskLstm<'s> {
    pub settings: &'s MultiTaskSettings,
    pub lstm: &'s LstmSettings,
    pub lambda: f64,
}

impl System for MultiTaskLstm<'_> {
    fn fit<'a>(&self, problem: &Problem<'a>) -> Result<Fitted<'a>, ExperimentError> {
        let shared = problem.embedding()?;
        let config = self.lstm.config(problem, Some(self.lambda));
        let mut tables = Vec::new();
        for &attribute in std::iter::once(&problem.main).chain(problem.auxiliary) {
            tables.push(self.own_vectors(problem, attribute)?);
        }
        tables.push(shared.rows());
        let mut sizes = AuxLstmSizes {
            auxiliary_hidden_size: 0,
            ..config.sizes(2 * shared.dimensions())
        };
        for (role, _) in &mut sizes.tasks {
            *role = Role::Main;
        }
        let architecture = OwnAndShared {
            sizes,
            dropout: config.network.dropout,
            normalise: config.training.normalise,
            tables: Tables::new(
                tables,
                shared.dimensions(),
                self.settings.vector_learning_rate,
            ),
        };
        teach(problem, config, architecture)
    }
}

impl MultiTaskLstm<'_> {
    /// Vectors learned from the words of those training users that have a label for `attribute`, one for each word id. They
    /// are kept for the other cells of this attribute and seed.
    fn own_vectors(
        &self,
        problem: &Problem,
        attribute: usize,
    ) -> Result<Vec<f32>, ExperimentError> {
        let dimensions = problem.embedding()?.dimensions();
        let vocabulary = &problem.users.reader.vocabulary;
        let folder = problem.folder.join("vectors");
        make_folder(&folder)?;
        let name = &problem.attributes[attribute].name;
        let path = folder.join(format!("{}__{}.bin", file_name(name), problem.seed));
        if !path.exists() {
            self.learn_vectors(problem, attribute, dimensions, &path)?;
        }
        let Vectors {
            words,
            values,
            dimensions: found,
        } = word2vec::read_vectors(&path)?;
        if found != dimensions {
            return Err(ExperimentError::Unusable(format!(
                "{} has vectors of {found} dimensions instead of {dimensions}: delete it",
                path.display()
            )));
        }
        // A word that these users have not says nothing yet.
        let mut rows = vec![0.0; vocabulary.len() * dimensions];
        for (word, row) in words.iter().zip(values.chunks_exact(dimensions)) {
            let id = vocabulary.id(word);
            if id != UNKNOWN {
                rows[id as usize * dimensions..][..dimensions].copy_from_slice(row);
            }
        }
        Ok(rows)
    }

    fn learn_vectors(
        &self,
        problem: &Problem,
        attribute: usize,
        dimensions: usize,
        path: &Path,
    ) -> Result<(), ExperimentError> {
        let vocabulary: &Vocabulary = &problem.users.reader.vocabulary;
        let (training, _) = problem.labelled(&problem.parts.training, attribute);
        let mut text = TextWriter::new()?;
        for user in training {
            let words = problem.users.examples[user].words.iter();
            text.add_post(words.filter_map(|&id| vocabulary.word(id)))?;
        }
        let settings = word2vec::Settings {
            dimensions: dimensions as u16,
            window: 5,
            // The vocabulary has no rare words.
            min_count: 1,
            epochs: self.settings.vector_epochs,
            negative: 5,
            learning_rate: 0.05,
            subsample: 1e-4,
            // More would give other vectors each time.
            threads: 1,
            // Another for each task: of the same users, equal vectors would be nobody's own.
            seed: (problem.seed as u16)
                .wrapping_mul(31)
                .wrapping_add(attribute as u16),
        };
        let text = text.finish()?;
        let words = text.words() * u64::from(settings.epochs);
        let mut bar = Progress::new("word vectors of a task", "words", Some(words));
        let vectors = word2vec::train(text, &settings, problem.interrupted, |share| {
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
}

/// LSTMs that share no layer, each over the vectors of a table of its own and of one that all read.
struct OwnAndShared {
    sizes: AuxLstmSizes,
    dropout: f64,
    normalise: bool,
    /// One table for each task, then the shared one.
    tables: Tables,
}

impl OwnAndShared {
    /// The mean states of each task's LSTM over texts of words with these vectors in each table.
    fn states(
        network: &AuxLstm,
        vectors: &[Tensor<2>],
        texts: &[Vec<u32>],
    ) -> MeanStates<Tensor<2>> {
        let (shared, own) = vectors.split_last().expect("there is a shared table");
        let words = own.iter().map(|own| {
            let vectors = Tensor::cat(vec![own.clone(), shared.clone()], 1);
            PackedBatch::new(vectors, texts.to_vec())
        });
        network.mean_states_apart(&words.collect::<Vec<_>>())
    }
}

impl Architecture for OwnAndShared {
    type Network = AuxLstm;

    fn network<E>(&self, parameters: &mut Parameters<'_, E>) -> Result<AuxLstm, E> {
        AuxLstm::new(parameters, &self.sizes, self.dropout)
    }

    fn forward(&mut self, network: &AuxLstm, batch: &Batch, device: &Device) -> Vec<Tensor<2>> {
        let (ids, texts) = PackedBatch::distinct(&batch.texts);
        let vectors = self.tables.embed_to_learn(ids, device);
        let states = Self::states(network, &vectors, &texts);
        network.logits(if self.normalise {
            states.normalised()
        } else {
            states
        })
    }

    fn follow(&mut self, gradients: &Gradients) {
        self.tables.follow(gradients);
    }

    fn finished<'b>(
        &self,
        network: &AuxLstm,
        batches: impl Iterator<Item = Batch<'b>>,
        device: &Device,
    ) -> AuxLstm {
        folded(network, self.normalise, batches, |network, batch| {
            let (ids, texts) = PackedBatch::distinct(&batch.texts);
            Self::states(network, &self.tables.embed(&ids, device), &texts)
        })
    }

    fn evaluate(&self, network: &AuxLstm, batch: &Batch, device: &Device) -> Vec<Tensor<2>> {
        let (ids, texts) = PackedBatch::distinct(&batch.texts);
        network.logits(Self::states(
            network,
            &self.tables.embed(&ids, device),
            &texts,
        ))
    }

    fn keep(&mut self) {
        self.tables.keep();
    }

    fn restore(&mut self) {
        self.tables.restore();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model_core::parameters::{TensorSpec, glorot_uniform};
    use rand::{Rng, SeedableRng, rngs::StdRng};

    const WORDS: usize = 7;
    const TEXTS: [&[u32]; 2] = [&[2, 3, 2, 6], &[3, 4]];

    fn batch() -> Batch<'static> {
        Batch {
            users: vec![0, 1],
            texts: TEXTS.to_vec(),
        }
    }

    /// All logits squared: something to make small.
    fn cost(logits: &[Tensor<2>]) -> Tensor<1> {
        (logits.iter())
            .map(|logits| logits.clone().square().sum())
            .reduce(|sum, cost| sum + cost)
            .unwrap()
    }

    #[test]
    fn vectors_of_the_batch_follow_their_gradients_and_others_stay() {
        let mut random = StdRng::seed_from_u64(3);
        let tables = (0..3).map(|_| {
            let rows = (0..WORDS * 4).map(|_| random.random_range(-1.0..1.0));
            rows.collect()
        });
        let mut architecture = OwnAndShared {
            sizes: AuxLstmSizes {
                input_size: 8,
                auxiliary_hidden_size: 0,
                main_hidden_size: 5,
                dense_size: 6,
                tasks: vec![(Role::Main, 2), (Role::Main, 3)],
            },
            dropout: 0.0,
            normalise: false,
            tables: Tables::new(tables.collect(), 4, 0.01),
        };
        let (plain, device) = (Device::flex(), Device::flex().autodiff());
        let source = |wanted: &TensorSpec| Ok::<_, ()>(glorot_uniform(wanted, &mut random));
        let network = (architecture.network(&mut Parameters::new(&device, source))).unwrap();
        let finished = architecture.finished(&network, std::iter::empty(), &plain);
        let cost_now = |architecture: &OwnAndShared| {
            let logits = architecture.evaluate(&finished, &batch(), &plain);
            cost(&logits).into_scalar::<f32>()
        };
        // Finite differences of every number of every table.
        let mut slopes = Vec::new();
        for table in 0..3 {
            for at in 0..WORDS * 4 {
                let mut change = |by: f32| {
                    architecture.tables.rows_mut(table)[at] += by;
                    let cost = cost_now(&architecture);
                    architecture.tables.rows_mut(table)[at] -= by;
                    cost
                };
                slopes.push((change(0.05) - change(-0.05)) / 0.1);
            }
        }
        let rows = |architecture: &mut OwnAndShared| -> Vec<f32> {
            let tables = (0..3).map(|table| architecture.tables.rows_mut(table).to_vec());
            tables.flatten().collect()
        };
        let before = rows(&mut architecture);
        architecture.keep();
        let cost_before = cost_now(&architecture);
        let logits = architecture.forward(&network, &batch(), &device);
        architecture.follow(&cost(&logits).backward());
        assert!(cost_now(&architecture) < cost_before);
        let after = rows(&mut architecture);
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
        architecture.restore();
        assert_eq!(cost_now(&architecture), cost_before);
    }
}
