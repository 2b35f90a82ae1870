//! Calibration: the calibrations that make probabilities honest, for texts of any length.

use std::ops::Range;

use model_core::calibration::Calibration;

use crate::evaluation;

/// The lengths, in words, to which validation texts are cut for calibration, besides being read whole.
pub const LENGTHS: [usize; 6] = [3, 10, 30, 100, 300, 1000];

/// What a network says of one text whose class is known, or that it is one of several.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// A number for each class.
    pub logits: Vec<f32>,
    /// The classes that the true one is among; one, where it is known.
    pub classes: Range<usize>,
    /// The length of the text.
    pub words: usize,
}

impl Scored {
    /// The true class, where it is known.
    pub fn class(&self) -> Option<usize> {
        (self.classes.len() == 1).then_some(self.classes.start)
    }
}

/// The calibrations that give the true classes the least log loss. Without texts they are 1.
pub fn fit(texts: &[Scored]) -> Calibration {
    if texts.is_empty() {
        return Calibration::ONE;
    }
    // In practice the loss has one minimum in the logarithm of each; a few rounds settle all.
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

/// The [log loss](evaluation::log_loss) of calibrated texts, of which each counts the probability of all its possible classes.
pub fn log_loss(texts: &[Scored], calibration: Calibration) -> f64 {
    // From the logits, because the probability of a certain mistake would be rounded to 0.
    evaluation::log_loss(texts.iter().map(|text| {
        calibration.log_probability(&text.logits, text.words, |class| {
            text.classes.contains(&class)
        })
    }))
}

/// Where between two positive numbers a function of the logarithm with one minimum has it, as a logarithm: golden-section
/// search, down to a ten-thousandth.
fn minimum(low: f64, high: f64, loss: impl Fn(f64) -> f64) -> f64 {
    let ratio = (5f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (low.ln(), high.ln());
    let probe = |place: f64| (place, loss(place));
    let mut left = probe(high - ratio * (high - low));
    let mut right = probe(low + ratio * (high - low));
    while high - low > 1e-4 {
        // One of the two places is one of the next two.
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

    /// Nine of ten are right, whatever the logits claim: σ(ln 9) = 0.9.
    fn texts(words: usize, claim: f32) -> impl Iterator<Item = Scored> {
        (0..1000).map(move |user| Scored {
            logits: vec![claim * 9f32.ln(), 0.0],
            classes: one(usize::from(user % 10 == 0)),
            words,
        })
    }

    /// What a temperature makes of texts.
    fn sureness(calibration: Calibration, text: &Scored) -> f32 {
        calibration.probabilities(&text.logits, text.words)[0]
    }

    #[test]
    fn overconfidence_is_taken_back() {
        let texts: Vec<Scored> = texts(1000, 4.0).collect();
        assert!((sureness(fit(&texts), &texts[0]) - 0.9).abs() < 1e-3);
        assert_eq!(fit(&[]), Calibration::ONE);
    }

    #[test]
    fn writers_who_write_like_others_are_allowed_for() {
        // What is said of five in six is true, from toss-ups to certainty; the others are of either class.
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
    fn what_only_short_texts_overstate_is_taken_back_from_them_alone() {
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
            assert!((sureness(found, text) - 0.9).abs() < 1e-2, "{found:?}");
        }
    }

    #[test]
    fn a_certain_mistake_is_not_cheap() {
        // Thirty right by little, one wrong by much: more certainty would cost far more than it gains.
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
