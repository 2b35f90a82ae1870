//! Fits calibrations, so that predicted probabilities agree with observed frequencies for texts of any length.

use std::ops::Range;

use model_core::{
    attribute::Attribute,
    base_rates::{self, BaseRates},
    bundle::{ConfidenceThresholds, LanguageCalibration},
    calibration::{BIAS_LENGTHS, Calibration, bias_weights},
    population::{ClassMoments, LabelledPosterior, likelihoods},
};
use nalgebra::{SMatrix, SVector};
use rayon::prelude::*;

use crate::evaluation::{self, Confidences};

/// The lengths in words to which validation texts are cut for calibration, in addition to the whole texts.
pub const LENGTHS: [usize; 6] = [3, 10, 30, 100, 300, 1000];

/// The logits of a labelled text.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// A logit for each class.
    pub logits: Vec<f32>,
    /// The label: one class, or several for an interval label.
    pub classes: Range<usize>,
    /// The length of the text in words.
    pub words: usize,
}

impl Scored {
    /// The true class, unless the label is an interval.
    pub fn class(&self) -> Option<usize> {
        (self.classes.len() == 1).then_some(self.classes.start)
    }
}

/// The calibration without biases that has the lowest log loss; [`Calibration::ONE`] without texts.
pub fn fit(texts: &[Scored]) -> Calibration {
    let mut calibration = Calibration::ONE;
    if !texts.is_empty() {
        let weights = vec![1.0; texts.len()];
        for _ in 0..ROUNDS {
            fit_scalars(&mut calibration, texts, &weights);
        }
    }
    calibration
}

/// The calibration with biases that has the lowest log loss for users with these base rates: the share of each class, above
/// 0. The calibrated probabilities then hold under them.
///
/// The validation users have other shares by chance, so each text is weighted by the share that its class should have, over
/// the share that it has. A penalty keeps the biases of rare classes and of untried lengths small.
pub fn fit_with_biases(texts: &[Scored], base_rates: &[f32]) -> Calibration {
    let mut calibration = Calibration {
        base_rates: base_rates.to_vec(),
        ..Calibration::ONE
    };
    if texts.is_empty() {
        return calibration;
    }
    let weights = importance_weights(texts, base_rates);
    calibration.biases = vec![vec![0.0; base_rates.len()]; BIAS_LENGTHS.len()];
    for _ in 0..ROUNDS {
        fit_scalars(&mut calibration, texts, &weights);
        for _ in 0..STEPS {
            improve_biases(&mut calibration, texts, &weights);
        }
    }
    calibration
}

/// The lengths in words to which validation texts are cut for the class moments; the last texts are whole.
pub const MOMENT_LENGTHS: [usize; 4] = [30, 300, 1000, usize::MAX];

/// The number of words of all texts.
pub fn words_of(texts: &[Scored]) -> usize {
    texts.iter().map(|text| text.words).sum()
}

/// The class moments of a task in one language, from the same texts cut to each of several lengths, ascending; the last are
/// whole. `None` without texts of one class.
pub fn class_moments(
    texts: &[(usize, &[Scored])],
    attribute: &Attribute,
    calibration: &Calibration,
) -> Option<ClassMoments> {
    let (&(_, whole), cut) = texts.split_last()?;
    let typical = median_words(whole);
    // Most texts must be longer, or the lengths hardly differ.
    let cut = cut.iter().filter(|(length, _)| typical > 2 * length);
    let lengths: Vec<(f32, Vec<LabelledPosterior>)> = (cut.copied().chain([(typical, whole)]))
        .map(|(length, texts)| (length as f32, posteriors(texts, attribute, calibration)))
        .collect();
    let lengths: Vec<(f32, &[LabelledPosterior])> = (lengths.iter())
        .map(|(length, users)| (*length, users.as_slice()))
        .collect();
    ClassMoments::of(&lengths)
}

/// The median number of words of texts, at least 1.
pub fn median_words(texts: &[Scored]) -> usize {
    let mut words: Vec<usize> = texts.iter().map(|text| text.words).collect();
    words.sort_unstable();
    words.get(words.len() / 2).map_or(1, |&words| words.max(1))
}

/// The class and the [likelihoods] of each text that has one class.
pub fn posteriors(
    texts: &[Scored],
    attribute: &Attribute,
    calibration: &Calibration,
) -> Vec<LabelledPosterior> {
    let base_rates = calibration.base_rates(attribute.classes.len());
    let posterior = |text: &Scored| {
        let probabilities = calibration.probabilities(&text.logits, text.words);
        Some((text.class()?, likelihoods(&probabilities, &base_rates)))
    };
    texts.iter().filter_map(posterior).collect()
}

/// The calibration of a task in one language, with the thresholds with which its confident predictions have this accuracy.
pub fn measured(
    texts: &[Scored],
    attribute: &Attribute,
    base_rates: &[f32],
    accuracy: f64,
) -> LanguageCalibration {
    let calibration = fit_with_biases(texts, base_rates);
    let thresholds = confidence_thresholds(texts, attribute, &calibration, accuracy);
    LanguageCalibration::measured(calibration, thresholds)
}

/// The lowest thresholds with which confident predictions on these texts, under equal base rates, have this accuracy; 1 where
/// none has.
pub fn confidence_thresholds(
    texts: &[Scored],
    attribute: &Attribute,
    calibration: &Calibration,
    accuracy: f64,
) -> ConfidenceThresholds {
    let corpus = calibration.base_rates(attribute.classes.len());
    let factors = BaseRates::Equal.factors(attribute, &corpus);
    let (mut of_classes, mut of_coarse_classes) = (Vec::new(), Vec::new());
    for text in texts {
        let mut probabilities = calibration.probabilities(&text.logits, text.words);
        base_rates::adjust(&mut probabilities, &factors);
        let Some((label, coarse_label)) = attribute.label(&probabilities) else {
            continue;
        };
        let coarse_class = attribute.coarse_class_of_all(text.classes.clone());
        if let (Some(class), Some(label)) = (coarse_class, coarse_label) {
            let probability = attribute.coarse_probabilities(&probabilities)[label];
            of_coarse_classes.push((probability, label == class));
        }
        if let Some(class) = text.class() {
            of_classes.push((probabilities[label], label == class));
        }
    }
    let lowest = |labels: Vec<(f32, bool)>| {
        let least_users = LEAST_CONFIDENT / labels.len().max(1) as f64;
        Confidences(labels)
            .coverage()
            .into_iter()
            .find(|point| point.accuracy >= accuracy && point.coverage >= least_users)
            .map_or(1.0, |point| point.threshold)
    };
    ConfidenceThresholds {
        class: lowest(of_classes),
        coarse_class: lowest(of_coarse_classes),
    }
}

/// The fewest texts on which a confidence threshold can rest.
const LEAST_CONFIDENT: f64 = 30.0;

/// Rounds of coordinate descent. In practice the loss has one minimum in the logarithm of each parameter, and a few rounds
/// converge.
const ROUNDS: usize = 8;
/// Steps of the biases in each round.
const STEPS: usize = 40;
/// The weight of the penalty, the sum of the squared biases.
const PENALTY: f64 = 3e-4;

/// Fits the three parameters that all classes share, one after the other.
fn fit_scalars(calibration: &mut Calibration, texts: &[Scored], weights: &[f64]) {
    let mut search = |low: f64, high: f64, place: fn(&mut Calibration) -> &mut f32| {
        let with = |log: f64| {
            let mut changed = calibration.clone();
            *place(&mut changed) = log.exp() as f32;
            changed
        };
        let best = minimum(low, high, |log| weighted_loss(texts, weights, &with(log)));
        *calibration = with(best);
    };
    search(0.02, 20.0, |calibration| &mut calibration.asymptote);
    search(0.01, 500.0, |calibration| {
        &mut calibration.length_coefficient
    });
    search(1e-4, 0.9, |calibration| &mut calibration.base_rate_weight);
}

const KNOTS: usize = BIAS_LENGTHS.len();

/// One step of the biases that never raises the penalised loss.
///
/// The mixture and interval labels are handled as in expectation maximisation: a text counts with the probability that
/// its label was drawn from the softmax and not from the base rates, and for each of its possible classes as far as it is of that class. The Hessian of
/// what remains, a multinomial logistic regression on the lengths' weights, is at most half of their cross products (Böhning
/// 1992), so Newton's step with that bound in its place is safe.
fn improve_biases(calibration: &mut Calibration, texts: &[Scored], weights: &[f64]) {
    let classes = calibration.biases[0].len();
    let total: f64 = weights.iter().sum();
    let softmax = Calibration {
        base_rate_weight: 0.0,
        ..calibration.clone()
    };
    let sums = texts.par_iter().zip(weights).map(|(text, &weight)| {
        let (modelled, slopes) = bias_slopes(text, &softmax, calibration.base_rate_weight);
        let weight = weight / total * modelled;
        let at = bias_weights(text.words);
        let gradient: Vec<[f64; KNOTS]> = (slopes.iter())
            .map(|slope| at.map(|part| weight * part * slope))
            .collect();
        let bound = at.map(|one| at.map(|other| weight * one * other / 2.0));
        (gradient, bound)
    });
    // Added up in order, so that the result does not depend on the threads.
    let mut gradient = vec![[0.0; KNOTS]; classes];
    let mut bound = [[0.0; KNOTS]; KNOTS];
    for (of_text, of_text_bound) in sums.collect::<Vec<_>>() {
        let add = |sums: &mut [[f64; KNOTS]], others: &[[f64; KNOTS]]| {
            for (sum, other) in sums.iter_mut().flatten().zip(others.iter().flatten()) {
                *sum += other;
            }
        };
        add(&mut gradient, &of_text);
        add(&mut bound, &of_text_bound);
    }
    for (place, row) in bound.iter_mut().enumerate() {
        row[place] += 2.0 * PENALTY;
    }
    let Some(bound) = SMatrix::<f64, KNOTS, KNOTS>::from(bound).cholesky() else {
        return;
    };
    for (class, gradient) in gradient.iter().enumerate() {
        let bias = |place: usize| f64::from(calibration.biases[place][class]);
        let slope = SVector::<f64, KNOTS>::from_fn(|place, _| {
            gradient[place] - 2.0 * PENALTY * bias(place)
        });
        let step = bound.solve(&slope);
        for (biases, step) in calibration.biases.iter_mut().zip(step.iter()) {
            biases[class] += *step as f32;
        }
    }
}

/// The probability that the label of a text was drawn from the softmax and not from the base rates, and the slope of the label's
/// log probability under the softmax in the bias of each class.
pub fn bias_slopes(text: &Scored, softmax: &Calibration, base_rate_weight: f32) -> (f64, Vec<f64>) {
    let base_rate_weight = f64::from(base_rate_weight);
    let probabilities = softmax.probabilities(&text.logits, text.words);
    let least = |probability: f32| f64::from(probability).max(f64::MIN_POSITIVE);
    let of_label: f64 = (text.classes.clone())
        .map(|class| least(probabilities[class]))
        .sum();
    let base_rates = softmax.base_rates(probabilities.len());
    let base_rate: f64 = (text.classes.clone())
        .map(|class| f64::from(base_rates[class]))
        .sum();
    let mixed_in = base_rate_weight * base_rate;
    let modelled = (1.0 - base_rate_weight) * of_label;
    let slope = |(class, &probability): (usize, &f32)| {
        let target = match text.classes.contains(&class) {
            true => least(probability) / of_label,
            false => 0.0,
        };
        target - f64::from(probability)
    };
    let slopes = probabilities.iter().enumerate().map(slope).collect();
    (modelled / (modelled + mixed_in), slopes)
}

/// The weight of each text: the base rate of its label over the share of the texts with one of its classes.
fn importance_weights(texts: &[Scored], base_rates: &[f32]) -> Vec<f64> {
    let mut counts = vec![0.0; base_rates.len()];
    for class in texts.iter().filter_map(Scored::class) {
        counts[class] += 1.0;
    }
    let total: f64 = counts.iter().sum();
    (texts.iter())
        .map(|text| {
            let count: f64 = counts[text.classes.clone()].iter().sum();
            let rates = base_rates[text.classes.clone()].iter();
            let rate: f64 = rates.map(|&rate| f64::from(rate)).sum();
            if count > 0.0 {
                rate * total / count
            } else {
                1.0
            }
        })
        .collect()
}

/// The [log loss](evaluation::log_loss) of calibrated texts. An interval label counts with the sum of its classes'
/// probabilities.
pub fn log_loss(texts: &[Scored], calibration: &Calibration) -> f64 {
    evaluation::log_loss(texts.iter().map(|text| log_probability(text, calibration)))
}

fn weighted_loss(texts: &[Scored], weights: &[f64], calibration: &Calibration) -> f64 {
    let losses = (texts.iter().zip(weights))
        .map(|(text, weight)| -weight * log_probability(text, calibration));
    losses.sum::<f64>() / weights.iter().sum::<f64>()
}

/// ln of the calibrated probability of a text's label. From the logits, because the probability of a confident mistake would
/// round to 0.
pub fn log_probability(text: &Scored, calibration: &Calibration) -> f64 {
    calibration.log_probability(&text.logits, text.words, |class| {
        text.classes.contains(&class)
    })
}

/// The logarithm of the minimum between two positive numbers of a function of the logarithm: golden-section search, to a
/// precision of 1e-4.
pub fn minimum(low: f64, high: f64, loss: impl Fn(f64) -> f64) -> f64 {
    let ratio = (5f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (low.ln(), high.ln());
    let probe = |place: f64| (place, loss(place));
    let mut left = probe(high - ratio * (high - low));
    let mut right = probe(low + ratio * (high - low));
    while high - low > 1e-4 {
        // One of the two probes is reused.
        if left.1 < right.1 {
            (high, right) = (right.0, left);
            left = probe(high - ratio * (high - low));
        } else {
            (low, left) = (left.0, right);
            right = probe(low + ratio * (high - low));
        }
    }
    (low + high) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(class: usize) -> Range<usize> {
        class..class + 1
    }

    /// Nine of ten texts are of class 0, whatever the logits claim: σ(ln 9) = 0.9.
    fn texts(words: usize, claim: f32) -> impl Iterator<Item = Scored> {
        (0..1000).map(move |user| Scored {
            logits: vec![claim * 9f32.ln(), 0.0],
            classes: one(usize::from(user % 10 == 0)),
            words,
        })
    }

    /// The probability of class 0.
    fn confidence(calibration: &Calibration, text: &Scored) -> f32 {
        calibration.probabilities(&text.logits, text.words)[0]
    }

    #[test]
    fn overconfidence_is_corrected() {
        let texts: Vec<Scored> = texts(1000, 4.0).collect();
        assert!((confidence(&fit(&texts), &texts[0]) - 0.9).abs() < 1e-3);
        assert_eq!(fit(&[]), Calibration::ONE);
    }

    #[test]
    fn users_who_write_like_another_class_are_modelled_by_the_base_rate_weight() {
        // Five of six texts have the class probabilities of their logits, the others are of either class.
        let texts: Vec<Scored> = ([0.0, 1.0, 2.0, 3.0, 8.0].into_iter())
            .flat_map(|logit: f32| {
                let right = 0.5 / 6.0 + 5.0 / 6.0 / (1.0 + (-logit).exp());
                (0..600).map(move |text| Scored {
                    logits: vec![logit, 0.0],
                    classes: one(usize::from(text as f32 >= 600.0 * right)),
                    words: 1000,
                })
            })
            .collect();
        let found = fit(&texts);
        assert!(
            (found.base_rate_weight - 1.0 / 6.0).abs() < 0.03,
            "{found:?}"
        );
        assert!((found.temperature(1000) - 1.0).abs() < 0.1, "{found:?}");
    }

    #[test]
    fn overconfidence_of_short_texts_is_corrected_for_them_alone() {
        let truth = Calibration {
            asymptote: 0.5,
            length_coefficient: 8.0,
            ..Calibration::ONE
        };
        let texts: Vec<Scored> = [4, 20, 100, 2000]
            .into_iter()
            .flat_map(|words| texts(words, truth.temperature(words)))
            .collect();
        let found = fit(&texts);
        for text in &texts {
            assert!((confidence(&found, text) - 0.9).abs() < 1e-2, "{found:?}");
        }
    }

    #[test]
    fn a_confident_mistake_is_expensive() {
        // Thirty texts are right with little confidence, one is wrong with much.
        let mut texts = vec![
            Scored {
                logits: vec![0.5, 0.0],
                classes: one(0),
                words: 100
            };
            30
        ];
        texts.push(Scored {
            logits: vec![40.0, 0.0],
            classes: one(1),
            words: 100,
        });
        assert!((log_loss(&texts[30..], &Calibration::ONE) - 40.0).abs() < 1e-6);
        let found = fit(&texts);
        let loss = log_loss(&texts[30..], &found);
        assert!(loss < 6.0, "{found:?}");
    }

    /// Texts of two classes, whose logits are right in nine of ten cases if they are far apart.
    fn two_classes() -> Vec<Scored> {
        (0..2000)
            .map(|text| {
                let is_far = text % 2 == 0;
                let class = text / 2 % 2;
                let is_right = text / 4 % 10 != 0 && (is_far || text / 40 % 2 == 0);
                let claimed = if is_right { class } else { 1 - class };
                let mut logits = vec![0.0; 2];
                logits[claimed] = if is_far { 3.0 } else { 0.2 };
                Scored {
                    logits,
                    classes: one(class),
                    words: 50,
                }
            })
            .collect()
    }

    #[test]
    fn confident_predictions_have_the_accuracy_asked_for() {
        let attribute = Attribute {
            name: "gender".into(),
            classes: vec!["female".into(), "male".into()],
            coarse_classes: Vec::new(),
        };
        let texts = two_classes();
        let task = measured(&texts, &attribute, &[0.5, 0.5], 0.85);
        let threshold = task.confidence_thresholds.class;
        let confident: Vec<&Scored> = (texts.iter())
            .filter(|text| {
                confidence(&task.calibration, text).max(1.0 - confidence(&task.calibration, text))
                    >= threshold
            })
            .collect();
        assert_eq!(confident.len(), 1000);
        // Nobody can ask for more than there is.
        let task = measured(&texts, &attribute, &[0.5, 0.5], 0.99);
        assert_eq!(task.confidence_thresholds.class, 1.0);
    }

    #[test]
    fn mean_probabilities_are_the_base_rates() {
        // Three of four texts are of class 0, but the logits say half.
        let texts: Vec<Scored> = (0..1200)
            .map(|text| Scored {
                logits: vec![[0.3, -0.3][text % 2], [-0.3, 0.3][text % 2]],
                classes: one(usize::from(text % 4 == 3)),
                words: [5, 40, 600][text % 3],
            })
            .collect();
        let calibration = fit_with_biases(&texts, &[0.6, 0.4]);
        let weights = importance_weights(&texts, &[0.6, 0.4]);
        for words in [5, 40, 600] {
            let (mut sum, mut total) = (0.0, 0.0);
            for (text, weight) in texts
                .iter()
                .zip(&weights)
                .filter(|(text, _)| text.words == words)
            {
                sum += weight * f64::from(confidence(&calibration, text));
                total += weight;
            }
            assert!((sum / total - 0.6).abs() < 0.01, "{words}: {}", sum / total);
        }
    }

    #[test]
    fn class_moments_are_those_of_each_length() {
        let attribute = Attribute {
            name: "gender".into(),
            classes: vec!["female".into(), "male".into()],
            coarse_classes: Vec::new(),
        };
        let texts = |words: usize| -> Vec<Scored> {
            let logit = if words == 30 { 0.5 } else { 2.0 };
            let text = |class: usize| Scored {
                logits: vec![[logit, -logit][class], 0.0],
                classes: one(class),
                words: words.min(900),
            };
            (0..40).map(|user| text(user % 2)).collect()
        };
        let texts = MOMENT_LENGTHS.map(|words| (words, texts(words)));
        let texts = texts
            .each_ref()
            .map(|(words, texts)| (*words, texts.as_slice()));
        let moments = class_moments(&texts, &attribute, &Calibration::ONE).unwrap();
        // 1,000 words are more than half of the texts have.
        assert_eq!(moments.lengths, [30.0, 300.0, 900.0]);
        let expected = |logit: f64| 1.0 / (1.0 + (-logit).exp());
        assert!((f64::from(moments.means[0][0][0]) - expected(0.5)).abs() < 1e-3);
        assert!((f64::from(moments.means[2][0][0]) - expected(2.0)).abs() < 1e-3);
        assert_eq!(moments.users, [20, 20]);
    }
}
