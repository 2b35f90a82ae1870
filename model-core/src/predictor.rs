//! From text to predictions: one distribution per attribute for each user.

use std::sync::Mutex;

use burn::tensor::{Device, Tensor};

pub use crate::prediction::{AttributePrediction, CoarsePrediction, Named, UserPrediction};
#[cfg(feature = "threads")]
use rayon::prelude::*;

use crate::{
    attribute::Attribute,
    aux_lstm::{AuxLstm, MeanStates},
    bundle::{Bundle, BundleError, LanguageCalibration, Settings, ValidationStatus},
    card::ModelCard,
    embedding::Embedding,
    lstm::Serving,
    prediction::largest,
    reader::{self, Reader},
    text::{Segmenter, TextError},
    wide::Wide,
};

mod occlusion;

/// A loaded model, ready to predict on one device.
pub struct Predictor {
    settings: Settings,
    card: ModelCard,
    reader: Reader,
    embedding: Embedding,
    network: AuxLstm,
    wide: Option<Wide>,
    /// The network's LSTMs, where the CPU runs them.
    serving: Option<Mutex<Serving>>,
    device: Device,
}

/// The logits of a text, `[task][class]`.
type Logits = Vec<Vec<f32>>;

/// Why a prediction failed: the device could not compute or give back its result.
#[derive(Debug, thiserror::Error)]
#[error("the device failed: {0}")]
pub struct PredictError(String);

/// Users in one pass of the network, at most.
const BATCH: usize = 64;
/// Words in one pass of the network at most, every text counted as long as its longest; bounds the memory that a pass
/// takes, also by the readable LSTM, which pads.
const BATCH_WORDS: usize = 32_768;

impl Predictor {
    /// Loads the bundle in `bytes` onto `device`. Chinese is read character by character until a segmenter with
    /// a dictionary is given, see [`use_segmenter`](Self::use_segmenter).
    pub fn load(bytes: &[u8], device: &Device) -> Result<Self, BundleError> {
        let bundle = Bundle::from_bytes(bytes)?;
        let network = bundle.network(device)?;
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
            serving: Serving::new(&network.lstms(), device).map(Mutex::new),
            network,
            wide,
            device: device.clone(),
        })
    }

    /// Whether the model was trained on Chinese cut into words by a dictionary, and needs one to predict by.
    pub fn needs_dictionary(&self) -> bool {
        self.settings.dictionary
    }

    /// Cuts text into words by this segmenter from now on, and by the user dictionary of the model's training.
    ///
    /// # Errors
    /// That the model has a user dictionary and the segmenter no dictionary, or that the bundle holds a bad one.
    pub fn use_segmenter(&mut self, mut segmenter: Segmenter) -> Result<(), TextError> {
        if !self.settings.user_dictionary.is_empty() {
            segmenter.add_user_dictionary(&self.settings.user_dictionary)?;
        }
        self.reader.segmenter = segmenter;
        Ok(())
    }

    /// Reads at most this many words of each user from now on, and never more than the model was made for.
    pub fn read_at_most(&mut self, words: usize) {
        self.reader.max_words = self.settings.max_words.min(words);
    }

    /// What is predicted, in the order of the predictions.
    pub fn attributes(&self) -> &[Attribute] {
        &self.settings.attributes
    }

    /// What the model predicts and how.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The model card.
    pub fn card(&self) -> &ModelCard {
        &self.card
    }

    /// The words of each post as the model reads them, known or not; all of them, however many the model would read.
    pub fn segment(&self, posts: &[String]) -> Vec<Vec<String>> {
        let words = |post: &String| -> Vec<String> {
            let words = self.reader.segmenter.words(post).into_iter();
            words.map(|word| word.text).collect()
        };
        posts.iter().map(words).collect()
    }

    /// Predicts every attribute of each user from their posts, in the users' order.
    ///
    /// Texts of like length are computed together, so the time taken follows the words that are there.
    pub async fn predict(
        &self,
        users: &[Vec<String>],
    ) -> Result<Vec<UserPrediction>, PredictError> {
        let texts = self.read(users);
        let slices: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        let forward = |texts: &[&[u32]]| self.network.logits(self.mean_states(texts));
        let logits = logits_by(&slices, |places| forward(&at(&slices, places))).await?;
        Ok(texts
            .iter()
            .zip(logits)
            .map(|(text, mut logits)| {
                if let Some(wide) = &self.wide {
                    add(&mut logits, &wide.scores(text));
                }
                self.prediction(text, &logits)
            })
            .collect())
    }

    /// The mean hidden states of texts of word ids.
    fn mean_states(&self, texts: &[&[u32]]) -> MeanStates<Tensor<2>> {
        match &self.serving {
            Some(serving) => {
                let mut serving = serving.lock().unwrap_or_else(|poisoned| {
                    // A panic has left something half done.
                    serving.clear_poison();
                    let mut serving = poisoned.into_inner();
                    serving.forget();
                    serving
                });
                self.network
                    .by_task(serving.forward(&self.embedding, texts))
            }
            None => {
                let words = self.embedding.embed(texts, &self.device);
                self.network.mean_states(&words)
            }
        }
    }

    /// The word ids of every user.
    fn read(&self, users: &[Vec<String>]) -> Vec<Vec<u32>> {
        let ids = |posts: &Vec<String>| self.reader.encode(posts);
        #[cfg(feature = "threads")]
        return users.par_iter().map(ids).collect();
        #[cfg(not(feature = "threads"))]
        users.iter().map(ids).collect()
    }

    fn prediction(&self, text: &[u32], logits: &[Vec<f32>]) -> UserPrediction {
        let known_words = reader::known(text);
        // Without a word the model knows, the distribution is that of nobody in particular.
        let label = |labels: &mut dyn Iterator<Item = &String>, probabilities: &[f32]| {
            let best = largest(probabilities).filter(|_| known_words > 0)?;
            labels.nth(best).cloned()
        };
        let confident = |probabilities: &[f32], confidence_threshold: f32| {
            let best = largest(probabilities).filter(|_| known_words > 0);
            best.is_some_and(|best| probabilities[best] >= confidence_threshold)
        };
        let language = self.settings.language_of(text, &self.reader.vocabulary);
        let predictions = self.settings.attributes.iter().zip(logits).enumerate().map(
            |(task, (attribute, logits))| {
                let LanguageCalibration {
                    status,
                    calibration,
                    confidence_threshold,
                } = self.settings.calibration(task, language);
                let probabilities = calibration.probabilities(logits, text.len());
                let coarse = (!attribute.coarse_classes.is_empty()).then(|| {
                    let sums = attribute.coarse_probabilities(&probabilities);
                    let mut labels = attribute.coarse_classes.iter().map(|group| &group.label);
                    CoarsePrediction {
                        label: label(&mut labels, &sums),
                        confident: confident(&sums, confidence_threshold),
                        probabilities: named(
                            attribute.coarse_classes.iter().map(|group| &group.label),
                            &sums,
                        ),
                    }
                });
                let prediction = AttributePrediction {
                    label: label(&mut attribute.classes.iter(), &probabilities),
                    confident: confident(&probabilities, confidence_threshold),
                    transferred: status == ValidationStatus::Transferred,
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

/// Adds the scores of the wide component, `[Σ classes]`, to a text's logits, `[task][class]`.
pub fn add(logits: &mut [Vec<f32>], scores: &[f32]) {
    for (logit, score) in logits.iter_mut().flatten().zip(scores) {
        *logit += score;
    }
}

/// The logits of every text (of word ids) for every task: `logits[text][task][class]`, in the texts' order.
pub async fn logits(
    network: &AuxLstm,
    embedding: &Embedding,
    texts: &[&[u32]],
    device: &Device,
) -> Result<Vec<Vec<Vec<f32>>>, PredictError> {
    let forward = |texts: &[&[u32]]| network.forward(&embedding.embed(texts, device));
    logits_by(texts, |places| forward(&at(texts, places))).await
}

/// [`logits`] of any network. `forward` gives them for a batch, `[batch, classes]` for each task; it is told the places of
/// the batch's texts in `texts`.
pub async fn logits_by(
    texts: &[&[u32]],
    forward: impl Fn(&[usize]) -> Vec<Tensor<2>>,
) -> Result<Vec<Vec<Vec<f32>>>, PredictError> {
    let mut order: Vec<usize> = (0..texts.len()).collect();
    order.sort_by_key(|&text| texts[text].len());
    let mut result = vec![Vec::new(); texts.len()];
    let mut rest = order.as_slice();
    while !rest.is_empty() {
        // The last of a batch is its longest text.
        let size = (1..=rest.len().min(BATCH))
            .take_while(|&size| size == 1 || size * texts[rest[size - 1]].len() <= BATCH_WORDS)
            .last()
            .unwrap_or(1);
        let (batch, later) = rest.split_at(size);
        rest = later;
        for (logits, &text) in read_logits(forward(batch)).await?.into_iter().zip(batch) {
            result[text] = logits;
        }
    }
    Ok(result)
}

fn at<'a>(texts: &[&'a [u32]], places: &[usize]) -> Vec<&'a [u32]> {
    places.iter().map(|&place| texts[place]).collect()
}

/// Takes the logits of several texts, `[texts, classes]` for each task, from the device.
async fn read_logits(tasks: Vec<Tensor<2>>) -> Result<Vec<Logits>, PredictError> {
    let classes: Vec<usize> = tasks.iter().map(|logits| logits.dims()[1]).collect();
    // One read for all tasks: on a GPU each read is a round trip.
    let data = Tensor::cat(tasks, 1)
        .into_data_async()
        .await
        .map_err(|error| PredictError(format!("{error:?}")))?;
    let values: Vec<f32> = data.iter().collect();
    let of_text = |row: &[f32]| {
        let mut row = row.iter().copied();
        let of_task = |&count: &usize| row.by_ref().take(count).collect();
        classes.iter().map(of_task).collect()
    };
    Ok(values
        .chunks_exact(classes.iter().sum())
        .map(of_text)
        .collect())
}

fn named<'a>(labels: impl Iterator<Item = &'a String>, values: &[f32]) -> Named<f32> {
    Named(labels.cloned().zip(values.iter().copied()).collect())
}
