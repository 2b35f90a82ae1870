//! Base rates: how often each class occurs among the users, before a text is read.
//!
//! A calibrated probability holds for users among whom each class is as frequent as among the training users. For other
//! users it follows by Bayes' rule: p′(c) ∝ p(c) · π′(c) / π(c), with the base rates π of the training users and π′ of the
//! users (Saerens et al. 2002, Eq. 2.4). This holds if the users of a class write alike in both places.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::attribute::Attribute;

/// The base rates that predictions assume.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(export_to = "protocol.d.ts")
)]
pub enum BaseRates {
    /// Every class is as likely as any other. Rare classes are found best. Of an attribute with coarse classes, each of these
    /// is as likely as any other, and each class within it: see [`Attribute::equal_base_rates`].
    #[default]
    Equal,
    /// Those of the training users.
    Corpus,
    /// Given ones, by attribute and by class or coarse class. The classes of a coarse class divide its share as among the
    /// training users. An attribute that is not named has equal base rates.
    #[serde(untagged)]
    Given(BTreeMap<String, BTreeMap<String, f64>>),
}

/// Given base rates do not fit the attributes of a model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("base rates: {0}")]
pub struct BaseRatesError(String);

/// How far the sum of given shares may be from 1.
const TOLERANCE: f64 = 0.01;

impl BaseRates {
    /// Checks given shares against the attributes of a model.
    ///
    /// # Errors
    /// One line that names the attribute and what is wrong: it is unknown, a class is unknown, missing or named twice, or the
    /// shares are negative or do not sum to 1.
    pub fn check(&self, attributes: &[Attribute]) -> Result<(), BaseRatesError> {
        let Self::Given(given) = self else {
            return Ok(());
        };
        for (name, shares) in given {
            let attribute = attributes.iter().find(|attribute| attribute.name == *name);
            let Some(attribute) = attribute else {
                let names: Vec<&str> = (attributes.iter())
                    .map(|attribute| attribute.name.as_str())
                    .collect();
                let names = names.join(", ");
                return Err(BaseRatesError(format!(
                    "the model does not predict {name:?}, only {names}"
                )));
            };
            spread(attribute, shares, &vec![1.0; attribute.classes.len()])
                .map_err(|error| BaseRatesError(format!("{name:?}: {error}")))?;
        }
        Ok(())
    }

    /// The base rate of each class of `attribute`, where the training users have those in `corpus`.
    pub fn of(&self, attribute: &Attribute, corpus: &[f32]) -> Vec<f64> {
        match self {
            Self::Corpus => corpus.iter().copied().map(f64::from).collect(),
            Self::Equal => attribute.equal_base_rates(),
            // `check` has refused shares that cannot be spread.
            Self::Given(given) => (given.get(&attribute.name))
                .and_then(|shares| spread(attribute, shares, corpus).ok())
                .unwrap_or_else(|| attribute.equal_base_rates()),
        }
    }

    /// The factor π′(c) / π(c) of each class, for [`adjust`].
    pub fn factors(&self, attribute: &Attribute, corpus: &[f32]) -> Vec<f64> {
        (self.of(attribute, corpus).into_iter().zip(corpus))
            .map(|(to, &from)| to / f64::from(from))
            .collect()
    }
}

/// The share of each class, from the shares of classes and coarse classes.
fn spread(
    attribute: &Attribute,
    shares: &BTreeMap<String, f64>,
    corpus: &[f32],
) -> Result<Vec<f64>, String> {
    let by_coarse = attribute.classes_by_coarse();
    let mut rates = vec![None; attribute.classes.len()];
    for (label, &share) in shares {
        if !(0.0..=1.0 + TOLERANCE).contains(&share) {
            return Err(format!(
                "the share of {label:?} is {share}, not from 0 to 1"
            ));
        }
        let own = attribute.classes.iter().position(|class| class == label);
        let coarse = || {
            let labels = attribute.coarse_classes.iter().map(|coarse| &coarse.label);
            labels.zip(&by_coarse).find(|(other, _)| *other == label)
        };
        let classes = match own {
            Some(class) => vec![class],
            None => {
                let (_, classes) = coarse().ok_or_else(|| {
                    format!(
                        "{label:?} is none of its classes: {}",
                        attribute.classes.join(", ")
                    )
                })?;
                classes.clone()
            }
        };
        let sum: f64 = classes.iter().map(|&class| f64::from(corpus[class])).sum();
        for class in classes {
            let part = share * f64::from(corpus[class]) / sum;
            if rates[class].replace(part).is_some() {
                return Err(format!(
                    "class {:?} has two shares",
                    attribute.classes[class]
                ));
            }
        }
    }
    if let Some(class) = rates.iter().position(Option::is_none) {
        return Err(format!("class {:?} has no share", attribute.classes[class]));
    }
    let rates: Vec<f64> = rates.into_iter().flatten().collect();
    let sum: f64 = rates.iter().sum();
    if (sum - 1.0).abs() > TOLERANCE {
        return Err(format!("the shares sum to {sum:.3}, not to 1"));
    }
    Ok(rates.into_iter().map(|rate| rate / sum).collect())
}

/// Turns probabilities that hold under the training users' base rates into those under others, by the factor of each class.
pub fn adjust(probabilities: &mut [f32], factors: &[f64]) {
    let weighted = || {
        (probabilities.iter().zip(factors))
            .map(|(&probability, factor)| f64::from(probability) * factor)
    };
    let sum: f64 = weighted().sum();
    // A probability may have been rounded to 0, and a given base rate may be 0. If only such classes are left, the text
    // contradicts the base rates, and the text decides.
    if sum > 0.0 {
        let adjusted: Vec<f32> = weighted().map(|share| (share / sum) as f32).collect();
        probabilities.copy_from_slice(&adjusted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::CoarseClass;

    fn age() -> Attribute {
        Attribute {
            name: "age".into(),
            classes: ["13", "14", "23+"].map(String::from).to_vec(),
            coarse_classes: vec![
                CoarseClass {
                    label: "young".into(),
                    classes: vec!["13".into(), "14".into()],
                },
                CoarseClass {
                    label: "grown".into(),
                    classes: vec!["23+".into()],
                },
            ],
        }
    }

    fn given(shares: &[(&str, f64)]) -> BaseRates {
        let shares = (shares.iter()).map(|&(label, share)| (label.to_owned(), share));
        BaseRates::Given([("age".to_owned(), shares.collect())].into())
    }

    const CORPUS: [f32; 3] = [0.1, 0.3, 0.6];

    #[test]
    fn a_text_without_information_has_the_base_rates() {
        for (rates, expected) in [
            (BaseRates::Equal, [0.25, 0.25, 0.5]),
            (
                given(&[("13", 0.2), ("14", 0.2), ("23+", 0.6)]),
                [0.2, 0.2, 0.6],
            ),
            (given(&[("young", 0.8), ("grown", 0.2)]), [0.2, 0.6, 0.2]),
        ] {
            rates.check(&[age()]).unwrap();
            let mut probabilities = CORPUS;
            adjust(&mut probabilities, &rates.factors(&age(), &CORPUS));
            for (found, expected) in probabilities.iter().zip(expected) {
                assert!((found - expected as f32).abs() < 1e-6, "{rates:?}");
            }
        }
        let mut unchanged = [0.5, 0.25, 0.25];
        adjust(&mut unchanged, &BaseRates::Corpus.factors(&age(), &CORPUS));
        assert_eq!(unchanged, [0.5, 0.25, 0.25]);
    }

    #[test]
    fn the_ratio_of_two_classes_changes_with_the_ratio_of_their_base_rates() {
        let mut probabilities = [0.5, 0.25, 0.25];
        adjust(&mut probabilities, &[2.0, 2.0 / 3.0, 1.0]);
        // 0.5 · 2 : 0.25 · 2/3 : 0.25 · 1.
        let sum = 1.0 + 0.5 / 3.0 + 0.25;
        for (found, expected) in probabilities.iter().zip([1.0, 0.5 / 3.0, 0.25]) {
            assert!((found - expected / sum).abs() < 1e-6, "{probabilities:?}");
        }
        let mut ruled_out = [1.0, 0.0, 0.0];
        adjust(&mut ruled_out, &[0.0, 0.5, 0.5]);
        assert_eq!(ruled_out, [1.0, 0.0, 0.0]);
    }

    #[test]
    fn errors_name_what_is_wrong() {
        for (shares, what) in [
            (given(&[("13", 0.5), ("14", 0.5)]), "\"23+\" has no share"),
            (
                given(&[("young", 0.5), ("13", 0.1), ("23+", 0.4)]),
                "\"13\" has two shares",
            ),
            (given(&[("young", 0.5), ("grown", 0.6)]), "sum to 1.100"),
            (given(&[("young", -0.5), ("grown", 1.0)]), "is -0.5"),
            (
                given(&[("young", 0.5), ("old", 0.5)]),
                "\"old\" is none of its classes",
            ),
        ] {
            let error = shares.check(&[age()]).unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        }
        let other = BaseRates::Given([("gender".to_owned(), BTreeMap::new())].into());
        let error = other.check(&[age()]).unwrap_err().to_string();
        assert!(
            error.contains("does not predict \"gender\", only age"),
            "{error}"
        );
    }

    #[test]
    fn fuzz_base_rates() {
        let seeds = [
            "{\"age\": {\"13\": 0.2, \"14\": 0.2, \"23+\": 0.6}}",
            "{\"age\": {\"young\": 0.5, \"grown\": 0.5}}",
            "\"equal\"",
        ];
        fuzzing::fuzz("base rates", &seeds, |bytes| {
            let Ok(rates) = serde_json::from_slice::<BaseRates>(bytes) else {
                return;
            };
            if rates.check(&[age()]).is_ok() {
                let factors = rates.factors(&age(), &CORPUS);
                assert!(factors.iter().all(|factor| factor.is_finite()));
            }
        });
    }
}
