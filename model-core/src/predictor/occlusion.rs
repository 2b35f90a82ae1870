//! The evidence of each word by occlusion: the prediction with and without the word (Zeiler and Fergus 2014 for images; Li
//! et al. 2016, "erasure", for words).
//!
//! Exact occlusion of n words takes n passes over n − 1 words. But removing a word changes no state before it, and an LSTM
//! forgets: some words later the states are nearly the same again. So the LSTMs read only a window around the word, once with
//! it and once without it, and the difference of the sums of hidden states is subtracted from the sum over the whole text.
//! The time is linear in the number of words. For a text that fits into one window the result is exact.

use std::slice;

use super::{BATCH_WORDS, Logits, PredictError, Predictor, add, check_finite};
use crate::{
    attribute::Attribute,
    calibration::{Calibration, log_sum},
    explanation::{AttributeEvidence, Explanation, MOST_EXPLAINED, ReadWord},
    prediction::{Named, UserPrediction},
    vocabulary::UNKNOWN,
};

/// The words of a window on either side of the removed word. Those before it bring the LSTMs close to their true state;
/// over those after it the effect fades. With the English model the error is below 1/50 of the largest evidence in a text.
const AROUND: usize = 24;
/// The words of a window, if the text has as many.
const WINDOW: usize = AROUND + 1 + AROUND;

impl Predictor {
    /// Predicts every attribute of one user from the user's posts, with the evidence of each of the first 5,000 words, see
    /// [`AttributeEvidence`].
    ///
    /// Probabilities with and without a word are calibrated for the length of the whole text. Otherwise the shorter text would
    /// lower the confidence a little, whatever the word.
    ///
    /// # Errors
    /// If the device fails.
    pub async fn explain(&self, posts: &[String]) -> Result<Explanation, PredictError> {
        let (mut words, mut text) = (Vec::new(), Vec::new());
        for (post, read) in self.reader.words(posts).enumerate() {
            for word in read {
                let id = self.reader.vocabulary.id(&word.text);
                words.push(ReadWord {
                    post,
                    start: word.start,
                    end: word.end,
                    known: id != UNKNOWN,
                });
                text.push(id);
            }
        }
        words.truncate(MOST_EXPLAINED);
        let (prediction, attributes) = self.explain_encoded(&text).await?;
        Ok(Explanation {
            prediction,
            attributes,
            words,
        })
    }

    /// Like [`explain`](Self::explain), from the word ids of the user, as [`Reader::encode`](crate::reader::Reader::encode)
    /// returns them: the prediction, and the evidence for each attribute.
    ///
    /// # Errors
    /// If the device fails.
    pub async fn explain_encoded(
        &self,
        text: &[u32],
    ) -> Result<(UserPrediction, Named<AttributeEvidence>), PredictError> {
        let (mut whole, mut without) = self.occluded_logits(text).await?;
        if let Some(wide) = &self.wide {
            add(&mut whole, &wide.scores(text));
            for (logits, scores) in without.iter_mut().zip(wide.scores_without_each(text)) {
                add(logits, &scores);
            }
        }
        check_finite(&whole)?;
        without.iter().try_for_each(|logits| check_finite(logits))?;
        let language = self.settings.language_of(text, &self.reader.vocabulary);
        let attributes = (self.settings.attributes.iter().enumerate()).map(|(task, attribute)| {
            // Mixing with the base rates would hide the effect of words on improbable classes.
            let language_calibration = self.settings.calibration(task, language);
            let calibration = Calibration {
                base_rate_weight: 0.0,
                ..language_calibration.calibration.clone()
            };
            let factors = self.base_rate_factors(task, &calibration);
            let log_probabilities = |logits: &Logits| -> Vec<f64> {
                let log_probabilities = calibration.log_probabilities(&logits[task], text.len());
                (log_probabilities.iter().zip(&factors))
                    .map(|(log_probability, factor)| log_probability + factor.ln())
                    .collect()
            };
            let with = log_probabilities(&whole);
            let without: Vec<Vec<f64>> = without.iter().map(log_probabilities).collect();
            let evidence = |members: &[bool]| {
                let with = log_odds(&with, members);
                (without.iter())
                    .map(|without| difference(with, log_odds(without, members)))
                    .collect()
            };
            (attribute.name.clone(), of_labels(attribute, evidence))
        });
        let attributes = Named(attributes.collect());
        Ok((self.prediction(text, &whole), attributes))
    }

    /// The logits of a text, and of the text without each of its first [`MOST_EXPLAINED`] words in turn.
    async fn occluded_logits(&self, text: &[u32]) -> Result<(Logits, Vec<Logits>), PredictError> {
        let length = text.len();
        let explained = length.min(MOST_EXPLAINED);
        let whole = self.states.means(&[text], &self.embedding).await?.remove(0);
        let mut logits = Vec::with_capacity(explained);
        let window = length.min(WINDOW);
        // At the ends of the text a window keeps its length and extends further to the other side.
        let start_of = |place: usize| place.saturating_sub(AROUND).min(length - window);
        let batch = BATCH_WORDS / (2 * WINDOW);
        for first in (0..explained).step_by(batch) {
            let places = first..(first + batch).min(explained);
            let starts = start_of(first)..start_of(places.end - 1) + 1;
            let with = starts.clone().map(|start| &text[start..start + window]);
            let without: Vec<Vec<u32>> = (places.clone())
                .map(|place| {
                    let start = start_of(place);
                    [&text[start..place], &text[place + 1..start + window]].concat()
                })
                .collect();
            let texts: Vec<&[u32]> = with.chain(without.iter().map(Vec::as_slice)).collect();
            let states = self.states.means(&texts, &self.embedding).await?;
            let (with, without) = states.split_at(starts.len());
            for (place, without) in places.zip(without) {
                let with = &with[start_of(place) - starts.start];
                // A sum is the mean times the number of words; both are 0 for an empty text.
                let occluded = whole.iter().zip(with).zip(without);
                let occluded = occluded.map(|((whole, with), without)| {
                    let sum = whole * length as f32 - with * window as f32
                        + without * (window - 1) as f32;
                    sum / (length - 1).max(1) as f32
                });
                logits.push(self.heads.logits(&occluded.collect::<Vec<f32>>()));
            }
        }
        Ok((self.heads.logits(&whole), logits))
    }
}

/// The evidence for every class and coarse class of an attribute; `evidence` computes it for the set of classes marked true.
fn of_labels(attribute: &Attribute, evidence: impl Fn(&[bool]) -> Vec<f32>) -> AttributeEvidence {
    let of_label = |label: &String, classes: &[String]| {
        let members: Vec<bool> = (attribute.classes.iter())
            .map(|class| classes.contains(class))
            .collect();
        (label.clone(), evidence(&members))
    };
    let classes = (attribute.classes.iter()).map(|class| of_label(class, slice::from_ref(class)));
    let coarse_classes =
        (attribute.coarse_classes.iter()).map(|coarse| of_label(&coarse.label, &coarse.classes));
    AttributeEvidence {
        classes: Named(classes.collect()),
        coarse: (!attribute.coarse_classes.is_empty()).then(|| Named(coarse_classes.collect())),
    }
}

/// The logarithm of the odds that a text belongs to one of the classes set in `members`, from the log probability of each
/// class up to a constant. The probabilities themselves would be rounded to 0 and 1 for a confident prediction.
fn log_odds(log_probabilities: &[f64], members: &[bool]) -> f64 {
    // The evidence is 0 for all classes or none.
    if !members.contains(&true) || !members.contains(&false) {
        return 0.0;
    }
    let of = |wanted: bool| {
        let classes = log_probabilities.iter().zip(members);
        log_sum(classes.filter_map(move |(&log, &member)| (member == wanted).then_some(log)))
    };
    of(true) - of(false)
}

/// The difference of two log odds as an f32 that is no infinity: a temperature may be as small as numbers get. 0 if both are
/// infinite, because the base rates rule the class in or out and no word changes that.
fn difference(with: f64, without: f64) -> f32 {
    if with == without {
        return 0.0;
    }
    (with - without).clamp(f32::MIN.into(), f32::MAX.into()) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_odds_are_finite_where_probabilities_are_0_and_1() {
        let halved = Calibration {
            asymptote: 0.5,
            ..Calibration::ONE
        };
        let odds = |logits: &[f32], members: &[bool]| {
            log_odds(&halved.log_probabilities(logits, 9), members)
        };
        assert_eq!(odds(&[1e4, -1e4], &[true, false]), 4e4);
        assert_eq!(odds(&[1e4, -1e4], &[false, true]), -4e4);
        assert_eq!(odds(&[1e4, -1e4], &[true, true]), 0.0);
        assert_eq!(odds(&[1e4, -1e4], &[false, false]), 0.0);
        // A third each: 2 to 1.
        let two = odds(&[7.0, 7.0, 7.0], &[true, false, true]);
        assert!((two - 2f64.ln()).abs() < 1e-12);
        assert_eq!(difference(1e300, 0.0), f32::MAX);
    }
}
