//! Adapts the calibration of a trained model to other users, from some labelled ones.
//!
//! The network stays as it is. Its logits get another temperature and another bias per class, and the base rates become those
//! of the labelled users. Both stay near what they were unless the users say otherwise (maximum a posteriori), so that few
//! users cannot do harm.

use model_core::{
    attribute::Attribute,
    base_rates::BaseRates,
    bundle::{ConfidenceThresholds, LanguageCalibration, ValidationStatus},
    calibration::{BIAS_LENGTHS, Calibration},
    population::{ClassMoments, Method, Population, UserPosterior, likelihoods},
};
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};

use crate::evaluation::{Evaluation, Report};
use crate::training::calibration::{self, Scored, minimum};

/// The fewest labelled users that an attribute is adapted to.
pub const LEAST_USERS: usize = 50;
/// The numbers of users of a learning curve.
pub const CURVE: [usize; 5] = [25, 50, 100, 200, 500];

/// The standard deviation of the prior of each class's bias, in nats, and of the logarithm of the temperature's factor.
const BIAS_SPREAD: f64 = 0.5;
const TEMPERATURE_SPREAD: f64 = 0.3;
/// Rounds of coordinate descent, and steps of the biases in each.
const ROUNDS: usize = 6;
const STEPS: usize = 60;
const FOLDS: usize = 5;
/// The random subsets of each size for the learning curve.
const SUBSETS: usize = 10;
const SEED: u64 = 1;

/// The adaptation of one attribute in one language, with what it brings.
pub struct Adapted {
    /// The calibration fitted to all users, or the model's where the fitted one has no lower log loss by cross-validation.
    /// Without class moments.
    pub calibration: LanguageCalibration,
    /// Whether the calibration is a fitted one.
    pub is_fitted: bool,
    /// The figures of the model as it was.
    pub before: Figures,
    /// The figures with a fitted calibration, by cross-validation.
    pub fitted: Figures,
    /// The shares estimated with the calibration and the class moments of other users, by cross-validation.
    pub estimated_shares: Option<Vec<f64>>,
    /// The log loss of always predicting the shares of the classes among these users.
    pub shares_alone: f64,
    /// What fewer users bring: for each number, the figures on the users left over.
    pub curve: Vec<CurvePoint>,
    /// The share of each class among the users.
    pub shares: Vec<f64>,
}

/// Figures on the labelled users.
pub struct Figures {
    /// The report on the classes and, if there are any, that on the coarse classes.
    pub reports: Vec<Report>,
    /// The estimated share of each class; `None` if the model has no class moments.
    pub shares: Option<Vec<f64>>,
}

/// A point of a learning curve: means over random subsets.
pub struct CurvePoint {
    /// The number of users fitted to.
    pub users: usize,
    /// The log loss on the others.
    pub log_loss: f64,
    /// The accuracy on the others, of labels under equal base rates.
    pub accuracy: f64,
    /// The mean absolute error of the estimated shares of the others.
    pub share_error: f64,
}

impl Adapted {
    /// The figures of the calibration.
    pub fn after(&self) -> &Figures {
        match self.is_fitted {
            true => &self.fitted,
            false => &self.before,
        }
    }
}

/// Adapts the calibration of an attribute to labelled texts.
pub fn adapt(
    before: &LanguageCalibration,
    attribute: &Attribute,
    texts: &[Scored],
    accuracy_when_confident: f64,
) -> Adapted {
    let one_class = of_one_class(texts.iter());
    let shares = class_shares(&one_class, attribute);
    let refit = |texts: &[Scored]| fit(&before.calibration, texts, attribute);
    let keep = |_: &[Scored]| before.calibration.clone();
    let (probabilities, fitted_shares) = cross_validated(attribute, texts, &refit);
    let calibration = refit(texts);
    let thresholds =
        calibration::confidence_thresholds(texts, attribute, &calibration, accuracy_when_confident);
    let fitted_calibration = LanguageCalibration::measured(calibration, thresholds);
    let as_before = |text: &Scored| before.calibration.probabilities(&text.logits, text.words);
    let before_figures = Figures {
        reports: reports(attribute, before, texts, as_before),
        shares: before.moments.as_ref().and_then(|moments| {
            estimated_shares(&one_class, attribute, &before.calibration, moments)
        }),
    };
    let mut rows = probabilities.into_iter();
    let fitted = Figures {
        reports: reports(attribute, &fitted_calibration, texts, |_| {
            rows.next().expect("one for each text")
        }),
        shares: fitted_shares,
    };
    let is_fitted = fitted.reports[0].log_loss < before_figures.reports[0].log_loss;
    let entropy = (shares.iter().filter(|share| **share > 0.0)).map(|share| -share * share.ln());
    let chosen: &dyn Fn(&[Scored]) -> Calibration = if is_fitted { &refit } else { &keep };
    let curve = curve(attribute, one_class, chosen);
    Adapted {
        is_fitted,
        estimated_shares: match is_fitted {
            true => fitted.shares.clone(),
            false => cross_validated(attribute, texts, &keep).1,
        },
        calibration: match is_fitted {
            true => fitted_calibration,
            false => LanguageCalibration {
                status: ValidationStatus::Measured,
                moments: None,
                ..before.clone()
            },
        },
        before: before_figures,
        fitted,
        // Of a single class, not −0.
        shares_alone: entropy.sum::<f64>() + 0.0,
        curve,
        shares,
    }
}

/// The texts whose label is one class.
fn of_one_class<'t>(texts: impl Iterator<Item = &'t Scored>) -> Vec<Scored> {
    texts
        .filter(|text| text.class().is_some())
        .cloned()
        .collect()
}

/// The share of each class among texts of one class each.
fn class_shares(texts: &[Scored], attribute: &Attribute) -> Vec<f64> {
    let mut counts = vec![0.0; attribute.classes.len()];
    for class in texts.iter().filter_map(Scored::class) {
        counts[class] += 1.0;
    }
    let total: f64 = counts.iter().sum();
    counts.iter().map(|count| count / total.max(1.0)).collect()
}

/// The calibration with the highest posterior probability given these texts.
fn fit(before: &Calibration, texts: &[Scored], attribute: &Attribute) -> Calibration {
    let classes = attribute.classes.len();
    let base_rates = expected_shares(texts, attribute);
    let shift: Vec<f64> = (base_rates.iter().zip(before.base_rates(classes)))
        .map(|(&now, then)| f64::from(now / then).ln())
        .collect();
    let mut parameters = Parameters {
        log_factor: 0.0,
        biases: vec![0.0; classes],
    };
    let with = |parameters: &Parameters| {
        let factor = parameters.log_factor.exp();
        let biases = |length: usize| {
            let old = before.biases.get(length);
            (0..classes)
                .map(|class| {
                    let old = old.map_or(0.0, |biases| f64::from(biases[class]));
                    (factor * old + shift[class] + parameters.biases[class]) as f32
                })
                .collect()
        };
        Calibration {
            asymptote: before.asymptote / factor as f32,
            length_coefficient: before.length_coefficient / factor as f32,
            base_rate_weight: before.base_rate_weight,
            biases: (0..BIAS_LENGTHS.len()).map(biases).collect(),
            base_rates: base_rates.clone(),
        }
    };
    for _ in 0..ROUNDS {
        parameters.log_factor = minimum((-2_f64).exp(), 2_f64.exp(), |log_factor| {
            let biases = parameters.biases.clone();
            let calibration = with(&Parameters { log_factor, biases });
            let losses = texts
                .iter()
                .map(|text| -calibration::log_probability(text, &calibration));
            losses.sum::<f64>() + (log_factor / TEMPERATURE_SPREAD).powi(2) / 2.0
        });
        for _ in 0..STEPS {
            let calibration = with(&parameters);
            let softmax = Calibration {
                base_rate_weight: 0.0,
                ..calibration.clone()
            };
            let mut gradient = vec![0.0; classes];
            for text in texts {
                let (modelled, slopes) =
                    calibration::bias_slopes(text, &softmax, calibration.base_rate_weight);
                for (sum, slope) in gradient.iter_mut().zip(slopes) {
                    *sum += modelled * slope;
                }
            }
            // The second derivative is at most a half for each text (Böhning 1992).
            let precision = BIAS_SPREAD.powi(-2);
            let bound = texts.len() as f64 / 2.0 + precision;
            for (bias, slope) in parameters.biases.iter_mut().zip(gradient) {
                *bias += (slope - precision * *bias) / bound;
            }
        }
    }
    with(&parameters)
}

struct Parameters {
    /// ln of the factor that logits are multiplied with.
    log_factor: f64,
    /// The term added to the logit of each class, beyond the change of the base rates.
    biases: Vec<f64>,
}

/// A random one of [`FOLDS`] folds, of nearly the same size, for each text.
fn folds(texts: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..texts).collect();
    order.shuffle(&mut StdRng::seed_from_u64(SEED));
    let mut folds = vec![0; texts];
    for (number, text) in order.into_iter().enumerate() {
        folds[text] = number % FOLDS;
    }
    folds
}

/// The probabilities of each text from a calibration fitted to the other folds, and the shares of the classes estimated in
/// the same way.
fn cross_validated(
    attribute: &Attribute,
    texts: &[Scored],
    fit: &dyn Fn(&[Scored]) -> Calibration,
) -> (Vec<Vec<f32>>, Option<Vec<f64>>) {
    let mut probabilities = vec![Vec::new(); texts.len()];
    let mut sums = vec![0.0; attribute.classes.len()];
    let (mut estimated, mut all) = (0.0, 0.0);
    let fold_of = folds(texts.len());
    for fold in 0..FOLDS {
        let of_texts = || texts.iter().zip(&fold_of);
        let others = of_texts().filter(|&(_, &of)| of != fold);
        let others: Vec<Scored> = others.map(|(text, _)| text.clone()).collect();
        let calibration = fit(&others);
        for ((text, &of), probabilities) in of_texts().zip(&mut probabilities) {
            if of == fold {
                *probabilities = calibration.probabilities(&text.logits, text.words);
            }
        }
        let held_out = of_texts().filter(|&(_, &of)| of == fold);
        let held_out = of_one_class(held_out.map(|(text, _)| text));
        let moments = moments(&others, attribute, &calibration);
        let shares = moments
            .and_then(|moments| estimated_shares(&held_out, attribute, &calibration, &moments));
        all += held_out.len() as f64;
        if let Some(shares) = shares {
            estimated += held_out.len() as f64;
            for (sum, share) in sums.iter_mut().zip(shares) {
                *sum += held_out.len() as f64 * share;
            }
        }
    }
    let shares =
        (all > 0.0 && estimated == all).then(|| sums.into_iter().map(|sum| sum / all).collect());
    (probabilities, shares)
}

/// The class moments of texts of the lengths that they have, and their shares as those expected.
fn moments(
    texts: &[Scored],
    attribute: &Attribute,
    calibration: &Calibration,
) -> Option<ClassMoments> {
    let posteriors = calibration::posteriors(texts, attribute, calibration);
    let words = calibration::median_words(texts) as f32;
    let mut moments = ClassMoments::of(&[(words, posteriors.as_slice())])?;
    moments.expected_shares = expected_shares(texts, attribute);
    Some(moments)
}

/// The share of each class among users like these: one more of each class, so that none is 0. A label that covers several
/// classes counts as an equal part of each.
pub fn expected_shares(texts: &[Scored], attribute: &Attribute) -> Vec<f32> {
    let mut counts = vec![1.0; attribute.classes.len()];
    for text in texts {
        for class in text.classes.clone() {
            counts[class] += 1.0 / text.classes.len() as f64;
        }
    }
    let total: f64 = counts.iter().sum();
    counts.iter().map(|count| (count / total) as f32).collect()
}

/// The shares of the classes among texts, estimated from their probabilities.
fn estimated_shares(
    texts: &[Scored],
    attribute: &Attribute,
    calibration: &Calibration,
    moments: &ClassMoments,
) -> Option<Vec<f64>> {
    let classes = attribute.classes.len();
    let corpus = calibration.base_rates(classes);
    let mut population = Population::new(&[(classes, &moments.lengths)], 0);
    for text in texts {
        let probabilities = calibration.probabilities(&text.logits, text.words);
        let posterior = UserPosterior {
            likelihoods: &likelihoods(&probabilities, &corpus),
            label: attribute
                .label(&probabilities)
                .map_or(0, |(class, _)| class),
            predicted: &probabilities,
        };
        population.add(0, text.words, &[posterior]);
    }
    let coarse = attribute.classes_by_coarse();
    let estimate = population.estimate(0, &coarse, Some(moments), &corpus, Method::default())?;
    Some(estimate.shares)
}

/// The reports on texts with these probabilities, under the base rates of the calibration.
fn reports(
    attribute: &Attribute,
    calibration: &LanguageCalibration,
    texts: &[Scored],
    mut probabilities: impl FnMut(&Scored) -> Vec<f32>,
) -> Vec<Report> {
    let mut evaluation = Evaluation::calibrated(attribute, calibration, &BaseRates::Equal);
    for text in texts {
        evaluation.add_classes(text.classes.clone(), probabilities(text));
    }
    evaluation.reports()
}

/// The learning curve, for numbers that leave half of the users over.
fn curve(
    attribute: &Attribute,
    mut texts: Vec<Scored>,
    fit: &dyn Fn(&[Scored]) -> Calibration,
) -> Vec<CurvePoint> {
    let mut random = StdRng::seed_from_u64(SEED);
    let all = texts.len();
    let sizes = CURVE.into_iter().filter(|size| 2 * size <= all);
    sizes
        .map(|users| {
            let mut point = CurvePoint {
                users,
                log_loss: 0.0,
                accuracy: 0.0,
                share_error: 0.0,
            };
            for _ in 0..SUBSETS {
                texts.shuffle(&mut random);
                let (fitted, others) = texts.split_at(users);
                let calibration = fit(fitted);
                let adapted = LanguageCalibration::measured(
                    calibration.clone(),
                    ConfidenceThresholds::both(1.0),
                );
                let report = reports(attribute, &adapted, others, |text| {
                    calibration.probabilities(&text.logits, text.words)
                })
                .swap_remove(0);
                let shares = moments(fitted, attribute, &calibration).and_then(|moments| {
                    estimated_shares(others, attribute, &calibration, &moments)
                });
                let truth = class_shares(others, attribute);
                let error = shares.map_or(f64::NAN, |shares| {
                    let errors = shares
                        .iter()
                        .zip(&truth)
                        .map(|(one, other)| (one - other).abs());
                    errors.sum::<f64>() / truth.len() as f64
                });
                point.log_loss += report.log_loss.unwrap_or(0.0) / SUBSETS as f64;
                point.accuracy += report.metrics.accuracy / SUBSETS as f64;
                point.share_error += error / SUBSETS as f64;
            }
            point
        })
        .collect()
}
