//! LSTM: the single-task LSTM (section 4.2 of the paper).

use model_core::{aux_lstm::Role, embedding::Embedding};
use serde::{Deserialize, Serialize};

use super::attention::AttentiveLstm;
use super::networks::{NetworkTraining, tasks, train};
use crate::config::{Network, Training, Wide};
use crate::experiment::error::ExperimentError;
use crate::experiment::system::{Fitted, Problem, System, table};
use crate::training::{Architecture, JointLstm, vectors::Vectors};

/// The settings of LSTM networks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LstmSettings {
    /// The layers' sizes. Only aux-lstm has the shared LSTM.
    pub network: Network,
    /// How it is trained.
    pub training: Training,
    /// Texts are read in segments of this many words, which attention weights; 0: as a whole, with the mean over all words. Of
    /// lstm and aux-lstm only.
    pub attention_words: usize,
    /// A wide component beside the network, which the paper does not have.
    pub wide: Wide,
}

impl Default for LstmSettings {
    fn default() -> Self {
        Self {
            network: Network::default(),
            training: Training::default(),
            attention_words: 0,
            wide: Wide::none(),
        }
    }
}

impl LstmSettings {
    /// Whether all settings are in range.
    pub fn check(&self) -> Result<(), String> {
        let of_lstm = |what: String| format!("lstm.{what}");
        self.network.check().map_err(of_lstm)?;
        let tasks = [(Role::Main, 2), (Role::Auxiliary, 2)];
        (self.network.sizes(1, tasks).check()).map_err(|what| format!("lstm.network: {what}"))?;
        self.training.check().map_err(of_lstm)?;
        self.wide.check().map_err(of_lstm)
    }

    /// Trains the single-task LSTM or, if the problem has λ, Aux-LSTM.
    pub fn train<'a>(&self, problem: &Problem<'a>) -> Result<Fitted<'a>, ExperimentError> {
        let embedding = problem.embedding()?;
        let tasks = tasks(problem);
        let tasks = tasks.iter().map(|task| (task.role, task.class_count()));
        let mut sizes = self.network.sizes(embedding.dimensions(), tasks);
        if problem.lambda.is_none() {
            sizes.auxiliary_hidden_size = 0;
        }
        let network = JointLstm::new(sizes, self.network.dropout, &self.training);
        match self.attention_words {
            0 => self.train_network(problem, embedding, network),
            segment_words => {
                let network = AttentiveLstm {
                    network,
                    segment_words,
                };
                self.train_network(problem, embedding, network)
            }
        }
    }

    fn train_network<'a, A: Architecture + 'a>(
        &self,
        problem: &Problem<'a>,
        embedding: &'a Embedding,
        architecture: A,
    ) -> Result<Fitted<'a>, ExperimentError> {
        let training = NetworkTraining {
            training: &self.training,
            architecture,
            vectors: Vectors::new(embedding, self.network.vector_learning_rate),
            wide: &self.wide,
        };
        train(problem, training)
    }
}

/// The system.
#[derive(Serialize)]
pub struct Lstm {
    pub lstm: LstmSettings,
}

impl System for Lstm {
    fn settings(&self) -> toml::Table {
        table(self)
    }

    fn is_network(&self) -> bool {
        true
    }

    fn fit<'a>(&self, problem: &Problem<'a>) -> Result<Fitted<'a>, ExperimentError> {
        self.lstm.train(problem)
    }
}
