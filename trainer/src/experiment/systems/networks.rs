//! What all networks have in common: they are trained without a folder, on the main task and, with λ, on auxiliary ones.

use model_core::attribute::Attribute;
use model_core::aux_lstm::Role;

use crate::config::{Training, Wide};
use crate::experiment::error::ExperimentError;
use crate::experiment::system::{Fitted, Model, Problem};
use crate::training::vectors::Vectors;
use crate::training::{Architecture, Data, Setup, Task, Trained, Trainer};

/// A network and the settings of its training.
pub struct NetworkTraining<'s, 'a, A> {
    pub training: &'s Training,
    pub architecture: A,
    pub vectors: Vectors<'a>,
    pub wide: &'s Wide,
}

/// The tasks of a problem: the main one and, with λ (Eq. 19), the auxiliary ones, which share 1 − λ.
pub fn tasks(problem: &Problem) -> Vec<Task> {
    let task = |attribute: usize, role, weight| Task {
        attribute: Attribute {
            coarse_classes: Vec::new(),
            ..problem.attributes[attribute].clone()
        },
        role,
        weight,
        file_weights: Vec::new(),
    };
    let mut tasks = vec![task(
        problem.main,
        Role::Main,
        problem.lambda.unwrap_or(1.0), // λ of Eq. 19
    )];
    if let Some(lambda) = problem.lambda {
        let weight = (1.0 - lambda) / problem.auxiliary.len() as f64; // 1 − λ of Eq. 19
        let auxiliary = problem.auxiliary.iter();
        tasks.extend(auxiliary.map(|&attribute| task(attribute, Role::Auxiliary, weight)));
    }
    tasks
}

/// Trains a network on the [`tasks`] of a problem.
pub fn train<'a, A: Architecture + 'a>(
    problem: &Problem<'a>,
    network: NetworkTraining<'_, 'a, A>,
) -> Result<Fitted<'a>, ExperimentError> {
    let data = data(problem, network.training.class_balance)?;
    data.check_validation(network.wide)?;
    let setup = Setup {
        training: network.training.clone(),
        seed: problem.seed,
        data,
        architecture: network.architecture,
        vectors: network.vectors,
    };
    let mut trainer = Trainer::new(setup, problem.device)?;
    if !trainer.train(problem.interrupted)? {
        return Err(ExperimentError::Interrupted);
    }
    let best = trainer.best().map_or(0, |best| best + 1);
    let mut chosen = vec![("epoch".to_owned(), best.to_string())];
    if let Some(lambda) = problem.lambda {
        chosen.push(("lambda".into(), lambda.to_string()));
    }
    let history = trainer.history();
    let vocabulary = &problem.users.reader.vocabulary;
    Ok(Fitted {
        chosen,
        validation_curve: history.iter().map(|epoch| epoch.tasks[0].f).collect(),
        training_curve: history.iter().map(|epoch| epoch.training_loss).collect(),
        model: Box::new(Trained::new(trainer, network.wide, vocabulary)?),
    })
}

/// The users with their classes of the tasks. Those without a label for any task are in no part.
fn data(problem: &Problem, class_balance: f64) -> Result<Data, ExperimentError> {
    let tasks = tasks(problem);
    let attributes: Vec<usize> = (std::iter::once(&problem.main)
        .chain(problem.auxiliary)
        .copied())
    .take(tasks.len())
    .collect();
    let mut users = problem.examples.to_vec();
    for user in &mut users {
        user.classes = (attributes.iter())
            .map(|&attribute| user.classes[attribute])
            .collect();
        user.intervals = (attributes.iter())
            .map(|&attribute| user.intervals[attribute].clone())
            .collect();
    }
    let mut parts = problem.parts.clone();
    for part in [&mut parts.training, &mut parts.validation, &mut parts.test] {
        part.retain(|&user| users[user].is_labelled());
    }
    Ok(Data::new(tasks, users, parts, class_balance)?)
}

impl<A: Architecture> Model for Trained<'_, A> {
    fn scores(&self, users: &[usize]) -> Result<Vec<Vec<f32>>, ExperimentError> {
        let of_main = Trained::scores(self, users)?.swap_remove(0);
        Ok(of_main.into_iter().map(|text| text.logits).collect())
    }
}
