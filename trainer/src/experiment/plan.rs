//! The runs that an experiment's settings describe.

use std::path::PathBuf;
use std::sync::Arc;

use super::config::{Auxiliary, Experiment, Group};
use super::labels::{Labels, SHARE, SHUFFLED, TRUE_CLASSES};
use super::run::RunKey;
use super::system::{System, check_lambda};
use crate::corpus::attribute_index;
use crate::settings::{self, ConfigError, within};

/// Reads the settings of an experiment from files, with `overrides`, and checks them and the runs, see [`settings::read`].
pub fn read(paths: &[PathBuf], overrides: &[String]) -> Result<Experiment, ConfigError> {
    settings::read(paths, overrides, |experiment: &Experiment| {
        experiment.check()?;
        plans(experiment).map(drop)
    })
}

/// A run to be made.
#[derive(Clone)]
pub struct Plan {
    /// What is learned.
    pub key: RunKey,
    /// The system.
    pub system: Arc<dyn System>,
    /// The attribute that is predicted, as an index.
    pub main: usize,
    /// The attributes learned beside it.
    pub auxiliary: Vec<usize>,
    /// λ of the main task, if the system has it.
    pub lambda: Option<f64>,
    /// The labels that it learns from.
    pub labels: Labels,
}

/// The most bytes of a file name on the usual file systems.
const LONGEST_NAME: usize = 255;

/// All runs, one seed after the other; within a seed those of linear systems come first.
///
/// # Errors
/// One line that names the group of runs and what is wrong with it.
pub fn plans(experiment: &Experiment) -> Result<Vec<Plan>, String> {
    let mut plans: Vec<Plan> = Vec::new();
    for (index, group) in experiment.runs.iter().enumerate() {
        let wrong = |what: String| format!("runs, group {}: {what}", index + 1);
        for plan in of_group(experiment, group).map_err(wrong)? {
            let file = plan.key.file_name().len();
            if file > LONGEST_NAME {
                return Err(wrong(format!(
                    "the names of variant and attributes make a file name of {file} bytes; permitted: at most \
                     {LONGEST_NAME}, where all but plain letters and digits count several times"
                )));
            }
            let configuration = plan.key.configuration();
            let mut others = plans
                .iter()
                .filter(|other| other.key.configuration() == configuration);
            if others.any(|other| other.system.settings() != plan.system.settings()) {
                return Err(wrong(format!(
                    "an earlier group has {configuration} with other settings; give these runs a variant"
                )));
            }
            if !plans.iter().any(|other| other.key == plan.key) {
                plans.push(plan);
            }
        }
    }
    if plans.is_empty() {
        return Err("runs: name systems and attributes in [[runs]]".into());
    }
    if experiment.vectors.as_os_str().is_empty()
        && let Some(plan) = plans.iter().find(|plan| plan.system.is_network())
    {
        return Err(format!(
            "vectors: {} reads word vectors, name a file of them (auxlstm embed makes one)",
            plan.key.system
        ));
    }
    plans.sort_by_key(|plan| (plan.key.seed, plan.system.is_network()));
    Ok(plans)
}

fn of_group(experiment: &Experiment, group: &Group) -> Result<Vec<Plan>, String> {
    if group.systems.is_empty() || group.main.is_empty() {
        return Err("name at least one of systems and one of main".into());
    }
    let settings =
        (group.settings.over(&experiment.systems)).map_err(|error| format!("settings: {error}"))?;
    (settings.check()).map_err(|what| format!("settings.{what}"))?;
    if !group.settings.is_empty() && group.variant.is_empty() {
        return Err("settings need a variant that names them".into());
    }
    let systems: Vec<(String, Arc<dyn System>)> = (group.systems.iter())
        .map(|name| (name.to_string(), name.build(&settings)))
        .collect();
    let is_joint = systems.iter().any(|(_, system)| system.is_joint());
    if is_joint == group.auxiliary.is_empty() {
        return Err(match is_joint {
            true => "a joint system needs auxiliary, the attributes learned beside main".into(),
            false => "auxiliary: none of these systems learns attributes jointly".to_owned(),
        });
    }
    if group.auxiliary.iter().any(|set| set.names().is_empty()) {
        return Err("auxiliary: an empty list names no attribute".into());
    }
    let has_lambda = |(_, system): &(String, Arc<dyn System>)| system.lambda().is_some();
    if !group.lambda.is_empty() && !systems.iter().any(has_lambda) {
        return Err("lambda: none of these systems has it".into());
    }
    if group.shuffled && !systems.iter().all(|(_, system)| system.is_joint()) {
        return Err("shuffled: a system that is not joint learns no auxiliary labels".into());
    }
    let shares = match group.labels.as_slice() {
        [] => vec![1.0],
        shares => shares.to_vec(),
    };
    for &share in &shares {
        within(
            "labels",
            share,
            share > 0.0 && share <= 1.0,
            "above 0, at most 1",
        )?;
    }
    let seeds = match group.seeds.is_empty() {
        true => &experiment.seeds,
        false => &group.seeds,
    };
    let mut plans = Vec::new();
    for (name, system) in &systems {
        for (main, index) in group.main.iter().zip(indices(experiment, &group.main)?) {
            let before = plans.len();
            for (auxiliary, lambda) in tasks(group, &**system) {
                if auxiliary.contains(main) {
                    continue;
                }
                let mut variant: Vec<String> = Vec::new();
                if !group.variant.is_empty() {
                    variant.push(group.variant.clone());
                }
                if system.reads_true_classes() && group.variant != TRUE_CLASSES {
                    variant.push(TRUE_CLASSES.into());
                }
                if let Some(lambda) = lambda.filter(|_| lambda != system.lambda()) {
                    check_lambda("lambda", lambda)?;
                    variant.push(format!("lambda={lambda}"));
                }
                if group.shuffled {
                    variant.push(SHUFFLED.into());
                }
                let auxiliaries = indices(experiment, auxiliary)?;
                for (&share, &seed) in shares
                    .iter()
                    .flat_map(|share| seeds.iter().map(move |seed| (share, seed)))
                {
                    let mut variant = variant.clone();
                    if share < 1.0 {
                        variant.push(format!("{SHARE}{share}"));
                    }
                    plans.push(Plan {
                        key: RunKey {
                            system: name.clone(),
                            main: main.clone(),
                            auxiliary: auxiliary.to_vec(),
                            variant: variant.join(", "),
                            seed,
                        },
                        system: Arc::clone(system),
                        main: index,
                        auxiliary: auxiliaries.clone(),
                        lambda,
                        labels: Labels {
                            share,
                            shuffled: group.shuffled,
                        },
                    });
                }
            }
            if plans.len() == before {
                return Err(format!(
                    "{main:?} is in main and in all that auxiliary names; name another attribute to learn beside it"
                ));
            }
        }
    }
    Ok(plans)
}

/// The sets of attributes that a system learns beside the main one, each with its values of λ.
fn tasks<'a>(group: &'a Group, system: &dyn System) -> Vec<(&'a [String], Option<f64>)> {
    if !system.is_joint() {
        return vec![(&[], None)];
    }
    let lambdas: Vec<Option<f64>> = match system.lambda() {
        Some(_) if !group.lambda.is_empty() => group.lambda.iter().copied().map(Some).collect(),
        own => vec![own],
    };
    (group.auxiliary.iter().map(Auxiliary::names))
        .flat_map(|auxiliary| lambdas.iter().map(move |&lambda| (auxiliary, lambda)))
        .collect()
}

/// The indices of attributes by their names.
fn indices(experiment: &Experiment, names: &[String]) -> Result<Vec<usize>, String> {
    let mut indices = Vec::new();
    for name in names {
        let index = attribute_index(&experiment.attributes(), name)?;
        if indices.contains(&index) {
            return Err(format!("{name:?} is listed twice"));
        }
        indices.push(index);
    }
    Ok(indices)
}
