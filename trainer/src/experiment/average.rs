//! Averages of systems: the mean of their probabilities for each test user.

use std::collections::BTreeSet;

use super::{Run, RunKey, TestUser};

/// The separator between the systems of an average.
const AND: &str = " + ";

/// The average of systems, such as `svm + aux-lstm (with a wide component)`, as a run for each attribute and seed of which all
/// of them have runs. Where a joint system has runs with several sets of auxiliary attributes, the largest set is taken.
///
/// # Errors
/// One line that names a system without runs, or runs with different test users.
pub fn average(runs: &[Run], systems: &str) -> Result<Vec<Run>, String> {
    let names: Vec<&str> = systems.split(AND).map(str::trim).collect();
    if names.len() < 2 {
        return Err(format!(
            "{systems:?} names one system; join several by {AND:?}"
        ));
    }
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            return Err(format!("{systems:?} names {name:?} twice"));
        }
        if !runs.iter().any(|run| run.key.configuration() == *name) {
            let mut known: Vec<String> = runs.iter().map(|run| run.key.configuration()).collect();
            known.sort();
            known.dedup();
            return Err(format!(
                "there are no runs of {name:?}; permitted: {}",
                known.join(", ")
            ));
        }
    }
    let grid: BTreeSet<(&str, u64)> = (runs.iter())
        .map(|run| (run.key.main.as_str(), run.key.seed))
        .collect();
    let mut averages = Vec::new();
    for (main, seed) in grid {
        let part = |name: &&str| {
            (runs.iter())
                .filter(|run| run.key.main == main && run.key.seed == seed)
                .filter(|run| run.key.configuration() == *name)
                .max_by_key(|run| run.key.auxiliary.len())
        };
        if let Some(parts) = names.iter().map(part).collect::<Option<Vec<_>>>() {
            averages.push(mean(systems, &parts)?);
        }
    }
    Ok(averages)
}

/// The run whose probabilities are the mean of those of `runs`.
fn mean(systems: &str, runs: &[&Run]) -> Result<Run, String> {
    let first = runs[0];
    let of_same_users = |other: &&Run| {
        let pairs = || first.test.iter().zip(&other.test);
        first.test.len() == other.test.len()
            && first.classes == other.classes
            && pairs().all(|(one, other)| one.user == other.user)
    };
    if let Some(other) = runs.iter().find(|other| !of_same_users(other)) {
        let [one, other] = [first, other].map(|run| run.key.file_name());
        return Err(format!("{one} and {other} have different test users"));
    }
    let users = first.test.iter().enumerate().map(|(place, user)| {
        let class = |class| {
            let sum: f32 = (runs.iter())
                .map(|run| run.test[place].probabilities[class])
                .sum();
            sum / runs.len() as f32
        };
        TestUser {
            probabilities: (0..first.classes.len()).map(class).collect(),
            ..user.clone()
        }
    });
    Ok(Run {
        key: RunKey {
            system: format!("mean of {systems}"),
            auxiliary: Vec::new(),
            variant: String::new(),
            ..first.key.clone()
        },
        classes: first.classes.clone(),
        training_users: first.training_users,
        validation_users: first.validation_users,
        chosen: Vec::new(),
        // Predictions for validation users are not stored, so an average is never the best system on them.
        validation_f: f64::NEG_INFINITY,
        validation_curve: Vec::new(),
        training_curve: Vec::new(),
        test: users.collect(),
        seconds: runs.iter().map(|run| run.seconds).sum(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::{RecordKey, UserKey};

    fn user(id: u64) -> UserKey {
        UserKey {
            file: "users.jsonl".into(),
            record: RecordKey::Id(id.into()),
        }
    }

    fn run(system: &str, auxiliary: &[&str], variant: &str, probabilities: [f32; 2]) -> Run {
        Run {
            key: RunKey {
                system: system.into(),
                main: "gender".into(),
                auxiliary: auxiliary.iter().map(|&name| name.into()).collect(),
                variant: variant.into(),
                seed: 1,
            },
            classes: vec!["female".into(), "male".into()],
            training_users: 9,
            validation_users: 2,
            chosen: Vec::new(),
            validation_f: 0.5,
            validation_curve: Vec::new(),
            training_curve: Vec::new(),
            test: vec![TestUser {
                user: user(7),
                words: 40,
                class: 1,
                probabilities: probabilities.to_vec(),
            }],
            seconds: 1.0,
        }
    }

    #[test]
    fn an_average_takes_the_runs_with_the_most_attributes() {
        let runs = [
            run("svm", &[], "", [0.5, 0.5]),
            run("aux-lstm", &["age"], "wide", [1.0, 0.0]),
            run("aux-lstm", &["age", "profession"], "wide", [0.25, 0.75]),
            run("aux-lstm", &["age", "profession"], "", [1.0, 0.0]),
        ];
        let found = average(&runs, "svm + aux-lstm (wide)").unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].key.to_string(),
            "mean of svm + aux-lstm (wide) gender, seed 1"
        );
        assert_eq!(found[0].test[0].probabilities, [0.375, 0.625]);
        // The order of the names has no influence on the probabilities.
        let other = average(&runs, "aux-lstm (wide) + svm").unwrap();
        assert_eq!(other.len(), 1);
        assert_eq!(other[0].test, found[0].test);
    }

    #[test]
    fn an_impossible_average_names_the_cause() {
        let mut runs = [
            run("svm", &[], "", [0.5, 0.5]),
            run("me", &[], "", [0.25, 0.75]),
        ];
        let error = |runs: &[Run], systems| average(runs, systems).unwrap_err();
        assert!(error(&runs, "svm").contains("\"svm\" names one system"));
        assert!(error(&runs, "svm + svm").contains("names \"svm\" twice"));
        assert!(error(&runs, "svm + lstm").contains("\"lstm\"; permitted: me, svm"));
        runs[1].test[0].user = user(8);
        let error = error(&runs, "svm + me");
        assert!(
            error.contains("svm__gender__1.json and me__gender__1.json"),
            "{error}"
        );
    }
}
