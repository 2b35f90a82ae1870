//! What all networks have in common: they learn in a run of their own, without a folder.

use std::collections::BTreeMap;

use model_core::aux_lstm::Role;

use crate::config::{Config, Task, Training, Wide};
use crate::experiment::system::{ExperimentError, Fitted, Model, Problem};
use crate::training::{Architecture, Data, Finished, Run};

/// The config of a run that learns the main task and, with λ, the auxiliary ones.
pub fn config(problem: &Problem, lambda: Option<f64>, training: Training) -> Config {
    let task = |attribute: usize, role, weight| Task {
        name: problem.attributes[attribute].name.clone(),
        classes: problem.attributes[attribute].classes.clone(),
        coarse_classes: Vec::new(),
        role,
        weight,
        corpora: BTreeMap::new(),
    };
    let mut attributes = vec![task(problem.main, Role::Main, lambda.unwrap_or(1.0))];
    if let Some(lambda) = lambda {
        let weight = (1.0 - lambda) / problem.auxiliary.len() as f64;
        let auxiliary = problem.auxiliary.iter();
        attributes.extend(auxiliary.map(|&attribute| task(attribute, Role::Auxiliary, weight)));
    }
    Config {
        seed: problem.seed,
        training,
        wide: Wide {
            features: 0,
            ..Wide::default()
        },
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
        model: Box::new(Finished::new(run, &problem.users.reader.vocabulary)?),
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
        user.intervals = tasks
            .iter()
            .map(|&task| user.intervals[task].clone())
            .collect();
    }
    let mut parts = problem.parts.clone();
    for part in [&mut parts.training, &mut parts.validation, &mut parts.test] {
        part.retain(|&user| users[user].is_labelled());
    }
    Ok(Data::new(config, users, parts)?)
}

impl<A: Architecture> Model for Finished<A> {
    fn scores(&self, users: &[usize]) -> Result<Vec<Vec<f32>>, ExperimentError> {
        let of_main = Finished::scores(self, users)?.swap_remove(0);
        Ok(of_main.into_iter().map(|text| text.logits).collect())
    }
}
