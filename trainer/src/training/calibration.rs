//! Fits calibrations, so that predicted probabilities agree with observed frequencies for texts of any length.

use std::ops::Range;

use model_core::calibration::Calibration;

use crate::evaluation;

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

/// The calibration with the lowest log loss; [`Calibration::ONE`] without texts.
pub fn fit(texts: &[Scored]) -> Calibration {
    if texts.is_empty() {
        return Calibration::ONE;
    }
    // In practice the loss has one minimum in the logarithm of each parameter, and a few rounds of coordinate descent
    // converge.
    let mut calibration = Calibration::ONE;
    for _ in 0..8 {
        let asymptote = |log: f64| Calibration {
            asymptote: log.exp() as f32,
            ..calibration
        };
        calibration = asymptote(minimum(0.02, 20.0, |log| log_loss(texts, asymptote(log))));
        let length_coefficient = |log: f64| Calibration {
            length_coefficient: log.exp() as f32,
            ..calibration
        };
        calibration = length_coefficient(minimum(0.01, 500.0, |log| {
            log_loss(texts, length_coefficient(log))
        }));
        let uniform_weight = |log: f64| Calibration {
            uniform_weight: log.exp() as f32,
            ..calibration
        };
        calibration = uniform_weight(minimum(1e-4, 0.9, |log| {
            log_loss(texts, uniform_weight(log))
        }));
    }
    calibration
}

/// The [log loss](evaluation::log_loss) of calibrated texts. An interval label counts with the sum of its classes'
/// probabilities.
pub fn log_loss(texts: &[Scored], calibration: Calibration) -> f64 {
    // From the logits, because the probability of a confident mistake would round to 0.
    evaluation::log_loss(texts.iter().map(|text| {
        calibration.log_probability(&text.logits, text.words, |class| {
            text.classes.contains(&class)
        })
    }))
}

/// The logarithm of the minimum between two positive numbers of a function of the logarithm: golden-section search, to a
/// precision of 1e-4.
fn minimum(low: f64, high: f64, loss: impl Fn(f64) -> f64) -> f64 {
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
    fn confidence(calibration: Calibration, text: &Scored) -> f32 {
        calibration.probabilities(&text.logits, text.words)[0]
    }

    #[test]
    fn overconfidence_is_corrected() {
        let texts: Vec<Scored> = texts(1000, 4.0).collect();
        assert!((confidence(fit(&texts), &texts[0]) - 0.9).abs() < 1e-3);
        assert_eq!(fit(&[]), Calibration::ONE);
    }

    #[test]
    fn users_who_write_like_another_class_are_modelled_by_the_uniform_weight() {
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
        assert!((found.uniform_weight - 1.0 / 6.0).abs() < 0.03, "{found:?}");
        assert!((found.temperature(1000) - 1.0).abs() < 0.1, "{found:?}");
    }

    #[test]
    fn overconfidence_of_short_texts_is_corrected_for_them_alone() {
        let truth = Calibration {
            asymptote: 0.5,
            length_coefficient: 8.0,
            uniform_weight: 0.0,
        };
        let texts: Vec<Scored> = [4, 20, 100, 2000]
            .into_iter()
            .flat_map(|words| texts(words, truth.temperature(words)))
            .collect();
        let found = fit(&texts);
        for text in &texts {
            assert!((confidence(found, text) - 0.9).abs() < 1e-2, "{found:?}");
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
        assert!((log_loss(&texts[30..], Calibration::ONE) - 40.0).abs() < 1e-6);
        let found = fit(&texts);
        let loss = log_loss(&texts[30..], found);
        assert!(loss < 6.0, "{found:?}");
    }
}
