//! LSTM and Aux-LSTM over frozen vectors.

use model_core::aux_lstm::Role;
use serde::{Deserialize, Serialize};

use crate::config::{Config, Network, Task, Training, Wide};
use crate::experiment::system::{ExperimentError, Fitted, Model, Problem, System};
use crate::training::{Architecture, Data, Finished, JointLstm, Run};

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
    /// A wide branch beside it, which the paper has not.
    pub wide: Wide,
}

impl Default for LstmSettings {
    fn default() -> Self {
        Self {
            paper: false,
            network: Network::default(),
            training: Training::default(),
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
        self.training().check()?;
        self.wide.check()
    }

    /// How it is trained.
    pub fn training(&self) -> Training {
        match self.paper {
            true => self.training.clone().as_in_the_paper(),
            false => self.training.clone(),
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
        let mut config = config(self.settings, problem, self.lambda);
        if self.lambda.is_none() {
            config.network.auxiliary_hidden_size = 0;
        }
        let architecture = JointLstm {
            embedding,
            sizes: config.sizes(embedding.dimensions()),
            dropout: config.network.dropout,
            normalise: config.training.normalise,
        };
        teach(problem, config, architecture)
    }
}

/// The config of a run that learns the main task and, with λ, the auxiliary ones.
pub fn config(settings: &LstmSettings, problem: &Problem, lambda: Option<f64>) -> Config {
    let task = |attribute: usize, role, weight| Task {
        name: problem.attributes[attribute].name.clone(),
        classes: problem.attributes[attribute].classes.clone(),
        groups: Vec::new(),
        role,
        weight,
    };
    let mut attributes = vec![task(problem.main, Role::Main, lambda.unwrap_or(1.0))];
    if let Some(lambda) = lambda {
        let weight = (1.0 - lambda) / problem.auxiliary.len() as f64;
        let auxiliary = problem.auxiliary.iter();
        attributes.extend(auxiliary.map(|&attribute| task(attribute, Role::Auxiliary, weight)));
    }
    Config {
        seed: problem.seed,
        network: settings.network.clone(),
        training: settings.training(),
        wide: settings.wide.clone(),
        attributes,
        ..Config::default()
    }
}

/// Teaches a network of the tasks of `config`, the first of which is the main one.
pub fn teach<'a, A: Architecture + 'a>(
    problem: &Problem<'a>,
    config: Config,
    architecture: A,
) -> Result<Fitted<'a>, ExperimentError> {
    let mut run = Run::without_folder(
        config.clone(),
        data(problem, &config)?,
        architecture,
        problem.device,
    )?;
    if !run.learn(problem.interrupted)? {
        return Err(ExperimentError::Interrupted);
    }
    let best = run.best().map_or(0, |best| best + 1);
    let mut chosen = vec![("epoch".to_owned(), best.to_string())];
    if config.attributes.len() > 1 {
        chosen.push(("lambda".into(), config.attributes[0].weight.to_string()));
    }
    let history = run.history();
    Ok(Fitted {
        chosen,
        validation_curve: history.iter().map(|epoch| epoch.tasks[0].f).collect(),
        training_curve: history.iter().map(|epoch| epoch.training_loss).collect(),
        model: Box::new(Finished::new(run)?),
    })
}

/// The users with their classes of the config's tasks; those without any are in no part.
fn data(problem: &Problem, config: &Config) -> Result<Data, ExperimentError> {
    let tasks: Vec<usize> = (std::iter::once(&problem.main)
        .chain(problem.auxiliary)
        .copied())
    .take(config.attributes.len())
    .collect();
    let mut users = problem.users.examples.clone();
    for user in &mut users {
        user.classes = tasks.iter().map(|&task| user.classes[task]).collect();
    }
    let mut parts = problem.parts.clone();
    for part in [&mut parts.training, &mut parts.validation, &mut parts.test] {
        part.retain(|&user| users[user].classes.iter().any(Option::is_some));
    }
    Ok(Data::new(config, users, parts)?)
}

impl<A: Architecture> Model for Finished<A> {
    fn scores(&self, users: &[usize]) -> Result<Vec<Vec<f32>>, ExperimentError> {
        let of_main = Finished::scores(self, users)?.swap_remove(0);
        Ok(of_main.into_iter().map(|text| text.logits).collect())
    }
}
