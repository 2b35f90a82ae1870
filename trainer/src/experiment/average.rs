//! Systems averaged: what the mean of their probabilities says of the test users.

use std::collections::BTreeSet;

use super::{Cell, CellKey, TestUser};

/// Between the names of the systems of an average.
const AND: &str = " + ";

/// A cell for each attribute and seed of which there are cells of all systems named, such as `svm + aux-lstm (with a wide component)`:
/// each with its variant in parentheses, if it has one. Of a system that learned an attribute beside several sets of others the
/// largest set is taken.
///
/// The error is one line that says which name has no cells, or whose cells are of other users.
pub fn average(cells: &[Cell], systems: &str) -> Result<Vec<Cell>, String> {
    let names: Vec<&str> = systems.split(AND).map(str::trim).collect();
    if names.len() < 2 {
        return Err(format!(
            "{systems:?} names one system: join several by {AND:?}"
        ));
    }
    for name in &names {
        if !cells.iter().any(|cell| cell.key.plan() == *name) {
            let mut known: Vec<String> = cells.iter().map(|cell| cell.key.plan()).collect();
            known.sort();
            known.dedup();
            return Err(format!(
                "there are no cells of {name:?}; permitted: {}",
                known.join(", ")
            ));
        }
    }
    let grid: BTreeSet<(&str, u64)> = (cells.iter())
        .map(|cell| (cell.key.main.as_str(), cell.key.seed))
        .collect();
    let mut averages = Vec::new();
    for (main, seed) in grid {
        let part = |name: &&str| {
            (cells.iter())
                .filter(|cell| cell.key.main == main && cell.key.seed == seed)
                .filter(|cell| cell.key.plan() == *name)
                .max_by_key(|cell| cell.key.auxiliary.len())
        };
        if let Some(parts) = names.iter().map(part).collect::<Option<Vec<_>>>() {
            averages.push(mean(systems, &parts)?);
        }
    }
    Ok(averages)
}

/// The cell of the mean of the cells' probabilities.
fn mean(systems: &str, cells: &[&Cell]) -> Result<Cell, String> {
    let first = cells[0];
    let of_same_users = |other: &&Cell| {
        let pairs = || first.test.iter().zip(&other.test);
        first.test.len() == other.test.len()
            && first.classes == other.classes
            && pairs().all(|(one, other)| one.user == other.user)
    };
    if let Some(other) = cells.iter().find(|other| !of_same_users(other)) {
        let [one, other] = [first, other].map(|cell| cell.key.file_name());
        return Err(format!("{one} and {other} were tested on other users"));
    }
    let users = first.test.iter().enumerate().map(|(place, user)| {
        let class = |class| {
            let sum: f32 = (cells.iter())
                .map(|cell| cell.test[place].probabilities[class])
                .sum();
            sum / cells.len() as f32
        };
        TestUser {
            probabilities: (0..first.classes.len()).map(class).collect(),
            ..user.clone()
        }
    });
    Ok(Cell {
        key: CellKey {
            system: format!("mean of {systems}"),
            auxiliary: Vec::new(),
            variant: String::new(),
            ..first.key.clone()
        },
        classes: first.classes.clone(),
        training_users: first.training_users,
        chosen: Vec::new(),
        // Nobody keeps what was said of validation users: no average is the best there.
        validation_f: f64::NEG_INFINITY,
        validation_curve: Vec::new(),
        training_curve: Vec::new(),
        test: users.collect(),
        seconds: cells.iter().map(|cell| cell.seconds).sum(),
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

    fn cell(system: &str, auxiliary: &[&str], variant: &str, probabilities: [f32; 2]) -> Cell {
        Cell {
            key: CellKey {
                system: system.into(),
                main: "gender".into(),
                auxiliary: auxiliary.iter().map(|&name| name.into()).collect(),
                variant: variant.into(),
                seed: 1,
            },
            classes: vec!["female".into(), "male".into()],
            training_users: 9,
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
    fn an_average_is_of_the_named_systems_and_the_most_attributes() {
        let cells = [
            cell("svm", &[], "", [0.5, 0.5]),
            cell("aux-lstm", &["age"], "wide", [1.0, 0.0]),
            cell("aux-lstm", &["age", "profession"], "wide", [0.25, 0.75]),
            cell("aux-lstm", &["age", "profession"], "", [1.0, 0.0]),
        ];
        let found = average(&cells, "svm + aux-lstm (wide)").unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].key.to_string(),
            "mean of svm + aux-lstm (wide) gender, seed 1"
        );
        assert_eq!(found[0].test[0].probabilities, [0.375, 0.625]);
        // Another order of the names changes nothing but the name.
        let other = average(&cells, "aux-lstm (wide) + svm").unwrap();
        assert_eq!(other.len(), 1);
        assert_eq!(other[0].test, found[0].test);
    }

    #[test]
    fn what_cannot_be_averaged_is_named() {
        let mut cells = [
            cell("svm", &[], "", [0.5, 0.5]),
            cell("me", &[], "", [0.25, 0.75]),
        ];
        let error = |cells: &[Cell], systems| average(cells, systems).unwrap_err();
        assert!(error(&cells, "svm").contains("\"svm\" names one system"));
        assert!(error(&cells, "svm + lstm").contains("\"lstm\"; permitted: me, svm"));
        cells[1].test[0].user = user(8);
        let error = error(&cells, "svm + me");
        assert!(
            error.contains("svm__gender__1.json and me__gender__1.json"),
            "{error}"
        );
    }
}
