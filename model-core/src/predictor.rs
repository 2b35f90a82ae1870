//! From a user's posts to a probability distribution for each attribute.
//!
//! ```
//! use model_core::predictor::Predictor;
//!
//! let bundle = std::fs::read("../public/models/en.safetensors")?;
//! let predictor = Predictor::on_cpu(&bundle)?;
//! let users = [vec!["my math teacher gave us so much homework".to_owned()]];
//! // Only a browser's GPU is waited for; elsewhere the future is ready at once.
//! let predictions = futures_lite::future::block_on(predictor.predict(&users))?;
//! let age = predictions[0].predictions.get("age").expect("an attribute of this model");
//! let sum: f32 = age.probabilities.iter().map(|(_, probability)| probability).sum();
//! assert!((sum - 1.0).abs() < 1e-5);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "burn")]
use burn::tensor::Device;
#[cfg(feature = "threads")]
use rayon::prelude::*;

use crate::{
    attribute::Attribute,
    aux_lstm::Heads,
    base_rates::{self, BaseRates, BaseRatesError},
    bundle::{Bundle, BundleError, Settings, ValidationStatus},
    calibration::Calibration,
    card::ModelCard,
    embedding::Embedding,
    prediction::{AttributePrediction, CoarsePrediction, Named, UserPrediction},
    reader::{self, Reader},
    text::{Segmenter, TextError},
    user_set::UserSet,
    wide::Wide,
};

mod batches;
mod occlusion;
mod states;

use batches::{BATCH_WORDS, batches, select};
#[cfg(feature = "burn")]
pub use batches::{logits, logits_by};
use states::States;

/// A loaded model, ready to predict on the CPU or on a device of burn.
///
/// It can be shared between threads and called from any of them, also from inside a parallel iterator: no lock is held
/// while it computes.
pub struct Predictor {
    settings: Settings,
    card: ModelCard,
    reader: Reader,
    embedding: Embedding,
    states: States,
    heads: Heads,
    wide: Option<Wide>,
    base_rates: BaseRates,
}

/// The logits of a text, `[task][class]`.
pub type Logits = Vec<Vec<f32>>;

/// A prediction could not be computed.
#[derive(Debug, thiserror::Error)]
pub enum PredictError {
    /// The device could not compute it or return its result.
    #[error("the device failed: {0}")]
    Device(String),
    /// The device computed no number. The sizes of a bundle's numbers exclude that, but a device may compute wrongly.
    #[error("the device computed a logit that is not finite")]
    NotFinite,
}

impl Predictor {
    /// Loads the bundle in `bytes`, to predict on the CPU.
    ///
    /// Chinese is split into characters until [`use_segmenter`](Self::use_segmenter) brings a dictionary.
    ///
    /// # Errors
    /// If `bytes` is not a bundle, is damaged, or has another format version.
    pub fn on_cpu(bytes: &[u8]) -> Result<Self, BundleError> {
        Self::new(bytes, States::on_cpu)
    }

    /// Loads the bundle in `bytes`, to predict on `device`; on [`Device::flex`] this is [`on_cpu`](Self::on_cpu).
    ///
    /// # Errors
    /// As those of [`on_cpu`](Self::on_cpu).
    #[cfg(feature = "burn")]
    pub fn load(bytes: &[u8], device: &Device) -> Result<Self, BundleError> {
        match *device == Device::flex() {
            true => Self::on_cpu(bytes),
            false => Self::new(bytes, |bundle| States::on_device(bundle, device)),
        }
    }

    fn new(
        bytes: &[u8],
        states: impl Fn(&Bundle) -> Result<States, BundleError>,
    ) -> Result<Self, BundleError> {
        let bundle = Bundle::from_bytes(bytes)?;
        let states = states(&bundle)?;
        let heads = Heads::new(&bundle.parameters, &bundle.settings.sizes);
        let Bundle {
            settings,
            card,
            vocabulary,
            embedding,
            wide,
            ..
        } = bundle;
        let reader = Reader {
            segmenter: Segmenter::new(),
            vocabulary,
            max_words: settings.max_words,
        };
        Ok(Self {
            settings,
            card,
            reader,
            embedding,
            states,
            heads: heads.map_err(BundleError::Corrupt)?,
            wide,
            base_rates: BaseRates::default(),
        })
    }

    /// Whether the model was trained on Chinese segmented with a dictionary, and so needs one to predict.
    pub fn needs_dictionary(&self) -> bool {
        self.settings.dictionary
    }

    /// Segments text with `segmenter` from now on, extended by the user dictionary that the model was trained with.
    ///
    /// # Errors
    /// If the model has a user dictionary and `segmenter` has no dictionary to extend, or if the user dictionary is invalid.
    pub fn use_segmenter(&mut self, mut segmenter: Segmenter) -> Result<(), TextError> {
        if !self.settings.user_dictionary.is_empty() {
            segmenter.add_user_dictionary(&self.settings.user_dictionary)?;
        }
        self.reader.segmenter = segmenter;
        Ok(())
    }

    /// Limits the words read of each user, from now on. The model's own limit remains an upper bound.
    pub fn read_at_most(&mut self, words: usize) {
        self.reader.max_words = self.settings.max_words.min(words);
    }

    /// Assumes these base rates from now on; equal ones before.
    ///
    /// # Errors
    /// If they do not fit the attributes of the model, see [`BaseRates::check`].
    pub fn use_base_rates(&mut self, base_rates: BaseRates) -> Result<(), BaseRatesError> {
        base_rates.check(&self.settings.attributes)?;
        self.base_rates = base_rates;
        Ok(())
    }

    /// The attributes that the model predicts, in the order of its predictions.
    pub fn attributes(&self) -> &[Attribute] {
        &self.settings.attributes
    }

    /// The settings of the model: attributes, sizes, calibration.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The model card.
    pub fn card(&self) -> &ModelCard {
        &self.card
    }

    /// Segments each post as the model does. All words are returned, including unknown ones and those past the model's
    /// maximum.
    pub fn segment(&self, posts: &[String]) -> Vec<Vec<String>> {
        let words = |post: &String| -> Vec<String> {
            let words = self.reader.segmenter.words(post).into_iter();
            words.map(|word| word.text).collect()
        };
        posts.iter().map(words).collect()
    }

    /// Predicts every attribute of each user from the user's posts; the result has the order of `users`.
    ///
    /// Texts of similar length share a batch, so the time depends on the number of words and not on the longest text.
    ///
    /// # Errors
    /// If the device fails.
    pub async fn predict(
        &self,
        users: &[Vec<String>],
    ) -> Result<Vec<UserPrediction>, PredictError> {
        self.predict_encoded(&self.read(users)).await
    }

    /// Like [`predict`](Self::predict), from the word ids of each user, as [`Reader::encode`] returns them.
    ///
    /// # Errors
    /// If the device fails.
    pub async fn predict_encoded(
        &self,
        texts: &[Vec<u32>],
    ) -> Result<Vec<UserPrediction>, PredictError> {
        let logits = self.logits_of_users(texts).await?;
        Ok(self.predictions(texts, &logits))
    }

    /// Like [`predict`](Self::predict), and adds the users to a set of users. `hashes` are the [hashes](crate::user_set::hash) of the
    /// users' keys.
    ///
    /// # Errors
    /// If the device fails.
    ///
    /// # Panics
    /// If there is not one hash per user, or if the set is one of another model.
    pub async fn predict_set(
        &self,
        users: &[Vec<String>],
        hashes: &[u64],
        set: &mut UserSet,
    ) -> Result<Vec<UserPrediction>, PredictError> {
        let texts = self.read(users);
        let logits = self.count_encoded(&texts, hashes, set).await?;
        Ok(self.predictions(&texts, &logits))
    }

    /// Adds users to a set of users, from their word ids as [`Reader::encode`] returns them, and returns their logits. `hashes` are
    /// the [hashes](crate::user_set::hash) of the users' keys.
    ///
    /// # Errors
    /// If the device fails; no user is added then.
    ///
    /// # Panics
    /// If there is not one hash per user, or if the set is one of another model.
    pub async fn count_encoded(
        &self,
        texts: &[Vec<u32>],
        hashes: &[u64],
        set: &mut UserSet,
    ) -> Result<Vec<Logits>, PredictError> {
        assert_eq!(texts.len(), hashes.len(), "one hash per user");
        let logits = self.logits_of_users(texts).await?;
        for ((text, logits), &hash) in texts.iter().zip(&logits).zip(hashes) {
            set.add(&self.settings, &self.reader.vocabulary, hash, text, logits);
        }
        Ok(logits)
    }

    async fn logits_of_users(&self, texts: &[Vec<u32>]) -> Result<Vec<Logits>, PredictError> {
        let slices: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        self.logits(&slices).await
    }

    fn predictions(&self, texts: &[Vec<u32>], logits: &[Logits]) -> Vec<UserPrediction> {
        (texts.iter().zip(logits))
            .map(|(text, logits)| self.prediction(text, logits))
            .collect()
    }

    /// The logits of texts of word ids, `[text][task][class]`, from which probabilities are calibrated.
    ///
    /// # Errors
    /// If the device fails.
    pub async fn logits(&self, texts: &[&[u32]]) -> Result<Vec<Logits>, PredictError> {
        let mut result = vec![Logits::new(); texts.len()];
        for batch in batches(texts) {
            let selected = select(texts, &batch);
            let states = self.states.means(&selected, &self.embedding).await?;
            for (states, text) in states.into_iter().zip(batch) {
                result[text] = self.heads.logits(&states);
            }
        }
        for (text, logits) in texts.iter().zip(&mut result) {
            if let Some(wide) = &self.wide {
                add(logits, &wide.scores(text));
            }
            check_finite(logits)?;
        }
        Ok(result)
    }

    /// The text pipeline of the model.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// The word ids of every user.
    fn read(&self, users: &[Vec<String>]) -> Vec<Vec<u32>> {
        let ids = |posts: &Vec<String>| self.reader.encode(posts);
        #[cfg(feature = "threads")]
        return users.par_iter().map(ids).collect();
        #[cfg(not(feature = "threads"))]
        users.iter().map(ids).collect()
    }

    /// The factors by which the base rates multiply the probabilities of the classes of a task.
    fn base_rate_factors(&self, task: usize, calibration: &Calibration) -> Vec<f64> {
        let attribute = &self.settings.attributes[task];
        let corpus = calibration.base_rates(attribute.classes.len());
        self.base_rates.factors(attribute, &corpus)
    }

    fn prediction(&self, text: &[u32], logits: &[Vec<f32>]) -> UserPrediction {
        let known_words = reader::count_known(text);
        let language = self.settings.language_of(text, &self.reader.vocabulary);
        let predictions = self.settings.attributes.iter().zip(logits).enumerate().map(
            |(task, (attribute, logits))| {
                let language_calibration = self.settings.calibration(task, language);
                let calibration = &language_calibration.calibration;
                let thresholds = language_calibration.confidence_thresholds;
                // Base rates may make one class very probable, and the text is not known to say anything.
                let transferred = language_calibration.status == ValidationStatus::Transferred;
                let mut probabilities = calibration.probabilities(logits, text.len());
                base_rates::adjust(
                    &mut probabilities,
                    &self.base_rate_factors(task, calibration),
                );
                // A text without a known word says nothing, so there is no label.
                let label = (attribute.label(&probabilities)).filter(|_| known_words > 0);
                let confident = |probability: Option<f32>, threshold: f32| {
                    !transferred && probability.is_some_and(|probability| probability >= threshold)
                };
                let coarse = (!attribute.coarse_classes.is_empty()).then(|| {
                    let sums = attribute.coarse_probabilities(&probabilities);
                    let label = label.and_then(|(_, coarse)| coarse);
                    let labels = attribute.coarse_classes.iter().map(|coarse| &coarse.label);
                    CoarsePrediction {
                        label: label.map(|coarse| attribute.coarse_classes[coarse].label.clone()),
                        confident: confident(
                            label.map(|coarse| sums[coarse]),
                            thresholds.coarse_class,
                        ),
                        probabilities: named(labels, &sums),
                    }
                });
                let label = label.map(|(class, _)| class);
                let prediction = AttributePrediction {
                    label: label.map(|class| attribute.classes[class].clone()),
                    confident: confident(label.map(|class| probabilities[class]), thresholds.class),
                    transferred,
                    probabilities: named(attribute.classes.iter(), &probabilities),
                    coarse,
                };
                (attribute.name.clone(), prediction)
            },
        );
        UserPrediction {
            words: text.len(),
            known_words,
            language,
            predictions: Named(predictions.collect()),
        }
    }
}

/// Checks the logits of a text, because NaN becomes `null` in JSON.
fn check_finite(logits: &[Vec<f32>]) -> Result<(), PredictError> {
    match logits.iter().flatten().all(|logit| logit.is_finite()) {
        true => Ok(()),
        false => Err(PredictError::NotFinite),
    }
}

/// Adds the scores of the wide component, `[Σ classes]`, to the logits of a text, `[task][class]`.
pub fn add(logits: &mut [Vec<f32>], scores: &[f32]) {
    for (logit, score) in logits.iter_mut().flatten().zip(scores) {
        *logit += score;
    }
}

fn named<'a>(labels: impl Iterator<Item = &'a String>, values: &[f32]) -> Named<f32> {
    Named(labels.cloned().zip(values.iter().copied()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logits_that_are_no_numbers_became_null_probabilities() {
        assert!(check_finite(&[vec![1e30, -1e30], vec![0.0]]).is_ok());
        for logit in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let error = check_finite(&[vec![0.0], vec![0.0, logit]]).unwrap_err();
            assert!(matches!(error, PredictError::NotFinite), "{error}");
        }
    }
}
