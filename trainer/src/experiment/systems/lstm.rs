//! LSTM and Aux-LSTM.

use model_core::aux_lstm::{AuxLstmSizes, Role};
use serde::{Deserialize, Serialize};

use super::attention::AttentiveLstm;
use super::networks::{config, teach};
use crate::config::{Config, Network, Training, Wide};
use crate::experiment::system::{ExperimentError, Fitted, Problem, System};
use crate::training::{JointLstm, vectors::Vectors};

/// The settings of networks of LSTMs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LstmSettings {
    /// Train as the paper says, whatever `training` says of the optimiser, its decay, normalising, class balance and
    /// windows: Adagrad, none of the others.
    pub paper: bool,
    /// The layers' sizes; that of the shared LSTM is for aux-lstm alone.
    pub network: Network,
    /// How it is trained.
    pub training: Training,
    /// Texts are read in segments of so many words that attention weighs; 0: as a whole, with the mean over all words. Of lstm
    /// and aux-lstm only.
    pub attention_words: usize,
    /// A wide component beside it, which the paper has not.
    pub wide: Wide,
}

impl Default for LstmSettings {
    fn default() -> Self {
        Self {
            paper: false,
            network: Network::default(),
            training: Training::default(),
            attention_words: 0,
            wide: Wide {
                features: 0,
                ..Wide::default()
            },
        }
    }
}

impl LstmSettings {
    /// Whether all settings are in their ranges.
    pub fn check(&self) -> Result<(), String> {
        self.network.check()?;
        let tasks = [Role::Main, Role::Auxiliary].map(|role| (role, 2));
        AuxLstmSizes {
            input_size: 1,
            auxiliary_hidden_size: self.network.auxiliary_hidden_size,
            main_hidden_size: self.network.main_hidden_size,
            dense_size: self.network.dense_size,
            tasks: tasks.to_vec(),
        }
        .check()
        .map_err(|what| format!("network: {what}"))?;
        self.training.check()?;
        self.wide.check()
    }

    /// The config of a run that learns the main task and, with λ, the auxiliary ones.
    pub fn config(&self, problem: &Problem, lambda: Option<f64>) -> Config {
        let training = match self.paper {
            true => self.training.clone().as_in_the_paper(),
            false => self.training.clone(),
        };
        Config {
            network: self.network.clone(),
            wide: self.wide.clone(),
            ..config(problem, lambda, training)
        }
    }
}

/// A network of the main task alone or, with λ, of the paper's tasks.
pub struct Lstm<'s> {
    pub settings: &'s LstmSettings,
    pub lambda: Option<f64>,
}

impl System for Lstm<'_> {
    fn fit<'a>(&self, problem: &Problem<'a>) -> Result<Fitted<'a>, ExperimentError> {
        let embedding = problem.embedding()?;
        let mut config = self.settings.config(problem, self.lambda);
        if self.lambda.is_none() {
            config.network.auxiliary_hidden_size = 0;
        }
        let sizes = config.sizes(embedding.dimensions());
        let dropout = config.network.dropout;
        let normalise = config.training.normalise;
        let vectors = Vectors::new(embedding, config.network.vector_learning_rate);
        match self.settings.attention_words {
            0 => {
                let architecture = JointLstm {
                    vectors,
                    sizes,
                    dropout,
                    normalise,
                };
                teach(problem, config, architecture)
            }
            segment => {
                let architecture = AttentiveLstm {
                    vectors,
                    sizes,
                    dropout,
                    normalise,
                    segment,
                };
                teach(problem, config, architecture)
            }
        }
    }
}
