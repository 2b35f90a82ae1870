//! What a network is trained on: users, their division, and a task for each attribute.

use std::path::{Path, PathBuf};

use model_core::{attribute::Attribute, aux_lstm::Role, joint_loss::Target};

use super::{
    Batch, TrainError,
    batches::Item,
    examples::{Example, Parts},
};
use crate::config;
use crate::evaluation::few_users_warning;
use crate::output::{OutputError, PendingFile};
use crate::progress::notice;
use crate::table::counted;

/// What a network learns about one attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// The attribute.
    pub attribute: Attribute,
    /// Its role in joint learning.
    pub role: Role,
    /// λ of Eq. 19.
    pub weight: f64,
    /// The weight in the cost of the users of each file of the corpus. Files beyond the end of the list have weight 1.
    pub file_weights: Vec<f32>,
}

impl Task {
    /// The weight in the cost of a file's users; 0: ignored by this task.
    pub fn file_weight(&self, file: usize) -> f32 {
        self.file_weights.get(file).copied().unwrap_or(1.0)
    }

    /// The number of classes.
    pub fn class_count(&self) -> usize {
        self.attribute.classes.len()
    }
}

/// Users and tasks. They stay the same throughout training.
pub struct Data {
    /// The tasks.
    pub tasks: Vec<Task>,
    /// All users, with a class or none for each task.
    pub users: Vec<Example>,
    /// Their division.
    pub parts: Parts,
    /// The weight in the cost of each class, by task.
    class_weights: Vec<Vec<f32>>,
}

impl Data {
    /// Classes are weighted by their frequency among the training users to the power of −`class_balance`.
    ///
    /// # Errors
    /// A task of which the training users have fewer than two classes.
    pub fn new(
        tasks: Vec<Task>,
        users: Vec<Example>,
        parts: Parts,
        class_balance: f64,
    ) -> Result<Self, TrainError> {
        let class_weights = (tasks.iter().enumerate())
            .map(|(index, task)| {
                let training = parts.training.iter();
                let classes = training.filter_map(|&user| users[user].classes[index]);
                class_weights(&task.attribute, classes, class_balance)
            })
            .collect::<Result<_, _>>()
            .map_err(TrainError::Unusable)?;
        Ok(Self {
            tasks,
            users,
            parts,
            class_weights,
        })
    }

    /// Whether there are validation users to choose the epoch on, and a wide component if the settings ask for one. Checked
    /// before training, which takes long.
    ///
    /// # Errors
    /// If there are none, or none with a label of a main task.
    pub fn check_validation(&self, wide: &config::Wide) -> Result<(), TrainError> {
        let validation = &self.parts.validation;
        if validation.is_empty() {
            return match wide.features > 0 {
                true => Err(TrainError::Unusable(
                    "the wide component needs validation users, and there are none; increase split.validation, or set \
                     wide.features = 0"
                        .into(),
                )),
                false => Ok(()),
            };
        }
        let is_labelled = |index| {
            let mut users = validation.iter();
            users.any(|&user| self.users[user].classes_of(index).is_some())
        };
        let mut tasks = self.tasks.iter().enumerate();
        let unlabelled =
            tasks.find(|(index, task)| task.role == Role::Main && !is_labelled(*index));
        match unlabelled {
            Some((_, task)) => Err(TrainError::Unusable(format!(
                "{}: none of the {} has a label, so no epoch can be chosen; increase split.validation, or set \
                 split.stratify_by = {0:?}",
                task.attribute.name,
                counted(validation.len() as u64, "validation user")
            ))),
            None => Ok(()),
        }
    }

    /// A warning for each task with classes of few test users, or without any.
    pub(super) fn test_warnings(&self) -> Vec<String> {
        let of_task = |(index, task): (usize, &Task)| {
            let mut users = vec![0; task.class_count()];
            for &user in &self.parts.test {
                if let Some(class) = self.users[user].classes[index] {
                    users[class] += 1;
                }
            }
            let name = &task.attribute.name;
            match users.iter().all(|&users| users == 0) && !self.parts.test.is_empty() {
                true => Some(format!(
                    "{name}: none of them has a label, so this attribute is not tested"
                )),
                false => few_users_warning(name, &task.attribute.classes, &users),
            }
        };
        self.tasks.iter().enumerate().filter_map(of_task).collect()
    }

    /// The texts of a batch.
    pub(super) fn batch(&self, items: &[Item]) -> Batch<'_> {
        Batch {
            users: items.iter().map(|item| item.user).collect(),
            texts: (items.iter())
                .map(|item| &self.users[item.user].words[item.words.clone()])
                .collect(),
        }
    }

    /// The labels of `users` for each task.
    pub(super) fn targets(&self, users: &[usize]) -> Vec<Target> {
        let users = || users.iter().map(|&user| &self.users[user]);
        (self.tasks.iter().zip(&self.class_weights).enumerate())
            .map(|(index, (task, class_weights))| Target {
                classes: users().map(|user| user.classes_of(index)).collect(),
                user_weights: users().map(|user| task.file_weight(user.file)).collect(),
                weight: task.weight as f32,
                class_weights: class_weights.clone(),
            })
            .collect()
    }

    /// The share of each class of a task among the training users whose words `is_in` accepts. A class without any counts as
    /// half a user, so that no share is 0.
    pub(super) fn base_rates(&self, task: usize, is_in: impl Fn(&[u32]) -> bool) -> Vec<f32> {
        let mut counts = vec![0.0_f32; self.tasks[task].class_count()];
        for user in self.parts.training.iter().map(|&user| &self.users[user]) {
            if let Some(class) = user.classes[task].filter(|_| is_in(&user.words)) {
                counts[class] += 1.0;
            }
        }
        let counts: Vec<f32> = counts.into_iter().map(|count| count.max(0.5)).collect();
        let users: f32 = counts.iter().sum();
        counts.into_iter().map(|count| count / users).collect()
    }

    /// Writes the users of each part.
    pub(super) fn write_split(&self, path: &Path, corpus: &[PathBuf]) -> Result<(), OutputError> {
        let split = self.parts.to_split(&self.users, corpus);
        PendingFile::create(path)?.finish(|out| Ok(serde_json::to_writer(out, &split)?))
    }
}

/// The number of training users of each class.
///
/// # Errors
/// Fewer than two classes with users.
pub fn class_counts(
    attribute: &Attribute,
    classes: impl Iterator<Item = usize>,
) -> Result<Vec<usize>, String> {
    let mut counts = vec![0; attribute.classes.len()];
    classes.for_each(|class| counts[class] += 1);
    match counts.iter().filter(|&&count| count > 0).count() {
        0..=1 => {
            let counts = attribute.classes.iter().zip(&counts);
            let counts: Vec<String> = counts
                .map(|(class, count)| format!("{class:?} ({count})"))
                .collect();
            Err(format!(
                "attribute {:?}: the training users have too few of its classes: {}; at least two are needed",
                attribute.name,
                counts.join(", ")
            ))
        }
        _ => Ok(counts),
    }
}

/// A weight for each class: its frequency to the power of −`balance`, scaled to mean 1 over the training users; 0 for a class
/// without training users. [`sparse_linear::Examples::balanced_weights`] does not scale to this mean, because the cost C makes
/// up for it.
fn class_weights(
    attribute: &Attribute,
    classes: impl Iterator<Item = usize>,
    balance: f64,
) -> Result<Vec<f32>, String> {
    let counts = class_counts(attribute, classes)?;
    for (class, count) in attribute.classes.iter().zip(&counts) {
        if *count == 0 {
            notice!(
                "attribute {:?}: no training user has class {class:?}, it cannot be learned",
                attribute.name
            );
        }
    }
    let factor = |count: usize| match count {
        0 => 0.0,
        count => (count as f64).powf(-balance),
    };
    let users: usize = counts.iter().sum();
    let sum: f64 = (counts.iter())
        .map(|&count| factor(count) * count as f64)
        .sum();
    Ok((counts.iter())
        .map(|&count| (factor(count) * users as f64 / sum) as f32)
        .collect())
}
