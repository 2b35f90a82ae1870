//! The bundle: the one file that a trained model is.
//!
//! A safetensors file, so that any language's library reads its numbers: the network's parameters (f32), the
//! word vectors (`vectors`, 8-bit, with a scale a row in `vector_scales`), the vocabulary (`vocabulary`, UTF-8,
//! a word a line, the first with id 2). Where there is a wide component, its features (`wide.features`, u32, two word ids
//! each), what they weigh (`wide.idf`), and weights (`wide.weights`, 8-bit, with a scale and a bias a class in
//! `wide.scales` and `wide.bias`). Its metadata has one entry, [`METADATA_KEY`], a JSON object with the format's version,
//! a checksum, and the settings and the model card as JSON texts.

mod language;

use std::cmp::Ordering;
use std::collections::HashMap;

use burn::tensor::Device;
use safetensors::{
    SafeTensorError, SafeTensors,
    tensor::{Dtype, TensorView},
};
use serde::{Deserialize, Serialize};

use crate::{
    attribute::Attribute,
    aux_lstm::{AuxLstm, AuxLstmSizes},
    calibration::Calibration,
    card::ModelCard,
    embedding::Embedding,
    language::Language,
    parameters::{NamedTensor, Parameters, TensorSpec},
    vocabulary::{SPECIAL, Vocabulary},
    wide::{CharacterFallback, TfidfVectorizer, Wide},
};

pub use self::language::{LanguageCalibration, ValidationStatus};

/// The metadata entry that makes a safetensors file a bundle.
pub const METADATA_KEY: &str = "auxlstm_bundle";
/// The version of the format that this code reads and writes.
pub const FORMAT_VERSION: u32 = 4;

/// A trained model with all that is needed to use it.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// What is predicted and by a network of what sizes.
    pub settings: Settings,
    /// What the model was made from and how well it works.
    pub card: ModelCard,
    /// The words it knows.
    pub vocabulary: Vocabulary,
    /// Their vectors.
    pub embedding: Embedding,
    /// The network's parameters.
    pub parameters: Vec<NamedTensor>,
    /// The wide component beside the network, if there is one.
    pub wide: Option<Wide>,
}

/// What a bundle predicts and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The attributes, one a task, in the order of the network's tasks.
    pub attributes: Vec<Attribute>,
    /// The network's sizes.
    pub sizes: AuxLstmSizes,
    /// A user's text is read up to this many words.
    pub max_words: usize,
    /// The calibration of each task's probabilities, fitted on validation users.
    pub calibrations: Vec<Calibration>,
    /// Whether Chinese was cut into words by a dictionary in training, and has to be again.
    pub dictionary: bool,
    /// The words that a user dictionary added to it, see [`Segmenter::add_user_dictionary`].
    ///
    /// [`Segmenter::add_user_dictionary`]: crate::text::Segmenter::add_user_dictionary
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub user_dictionary: String,
    /// The probability from which on a prediction is called sure; below it the answer is "not sure".
    #[serde(default = "confidence_threshold")]
    pub confidence_threshold: f32,
    /// What holds instead for each task where the text is Chinese, if the model reads Chinese and another language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chinese: Option<Vec<LanguageCalibration>>,
}

impl Settings {
    /// The languages that the model tells apart; `None` alone where it reads one.
    pub fn languages(&self) -> Vec<Option<Language>> {
        match self.chinese {
            Some(_) => vec![Some(Language::Other), Some(Language::Chinese)],
            None => vec![None],
        }
    }

    /// The language of a text of word ids, where the model tells languages apart.
    pub fn language_of(&self, text: &[u32], vocabulary: &Vocabulary) -> Option<Language> {
        (self.chinese.as_ref()).map(|_| Language::of(text, vocabulary))
    }

    /// How a task is known of texts in one of its [`languages`](Self::languages).
    pub fn calibration(&self, task: usize, language: Option<Language>) -> LanguageCalibration {
        match (&self.chinese, language) {
            (Some(tasks), Some(Language::Chinese)) => tasks[task],
            _ => LanguageCalibration::measured(self.calibrations[task], self.confidence_threshold),
        }
    }
}

/// What [`Settings::confidence_threshold`] is where nothing else is said: of such predictions, calibrated as they are, six in ten
/// come true at the least.
pub const CONFIDENCE_THRESHOLD: f32 = 0.6;

fn confidence_threshold() -> f32 {
    CONFIDENCE_THRESHOLD
}

/// Why a file cannot be used as a bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// The file ends before its header says, or goes on after it.
    #[error("the file is cut off or incomplete: {0}")]
    Truncated(String),
    /// The file is something else.
    #[error("the file is not an auxlstm bundle: {0}")]
    Foreign(String),
    /// The file is from a newer program.
    #[error(
        "the bundle has format version {0}, this program reads version {FORMAT_VERSION}: use a newer program"
    )]
    Newer(u32),
    /// The file was written before version 0.1.0.
    #[error(
        "the bundle has format version {0}, which only programs before 0.1.0 read: train the model again"
    )]
    Older(u32),
    /// The file's parts do not agree with its checksum or with one another.
    #[error("the bundle is damaged: {0}")]
    Corrupt(String),
}

#[derive(Serialize, Deserialize)]
struct Metadata {
    format_version: u32,
    checksum: String,
    /// [`Settings`] as JSON text: the checksum is of the text, because numbers need not survive reading to the
    /// last bit.
    settings: String,
    /// [`ModelCard`] as JSON text.
    card: String,
}

/// What is read first, before anything else of the metadata is taken to be as this version has it.
#[derive(Deserialize)]
struct Version {
    format_version: u32,
}

const VOCABULARY: &str = "vocabulary";
const VECTORS: &str = "vectors";
const SCALES: &str = "vector_scales";
const WIDE_FEATURES: &str = "wide.features";
const WIDE_IDF: &str = "wide.idf";
const WIDE_WEIGHTS: &str = "wide.weights";
const WIDE_SCALES: &str = "wide.scales";
const WIDE_BIAS: &str = "wide.bias";
/// All tensors but the network's parameters.
const NAMED: [&str; 8] = [
    VOCABULARY,
    VECTORS,
    SCALES,
    WIDE_FEATURES,
    WIDE_IDF,
    WIDE_WEIGHTS,
    WIDE_SCALES,
    WIDE_BIAS,
];

impl Bundle {
    /// The file's bytes. The same bundle gives the same bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, BundleError> {
        let words = self.vocabulary.words().join("\n").into_bytes();
        let vectors = to_bytes(self.embedding.values());
        let scales = to_le_bytes(self.embedding.scales());
        let parameters: Vec<Vec<u8>> = self
            .parameters
            .iter()
            .map(|parameter| to_le_bytes(&parameter.values))
            .collect();
        let rows = self.embedding.len();
        let mut tensors = vec![
            (VOCABULARY, Dtype::U8, vec![words.len()], &words),
            (
                VECTORS,
                Dtype::I8,
                vec![rows, self.embedding.dimensions()],
                &vectors,
            ),
            (SCALES, Dtype::F32, vec![rows], &scales),
        ];
        for (parameter, bytes) in self.parameters.iter().zip(&parameters) {
            tensors.push((&parameter.name, Dtype::F32, parameter.shape.clone(), bytes));
        }
        let wide = self.wide.as_ref().map(|wide| {
            let vectorizer = wide.vectorizer();
            let ids = vectorizer.features().as_flattened().iter();
            [
                ids.flat_map(|id| id.to_le_bytes()).collect(),
                to_le_bytes(vectorizer.idf()),
                to_bytes(wide.weights()),
                to_le_bytes(wide.scales()),
                to_le_bytes(wide.bias()),
            ]
        });
        if let (Some(wide), Some([ids, idf, weights, scales, bias])) = (&self.wide, &wide) {
            let (features, classes) = (wide.vectorizer().features().len(), wide.bias().len());
            tensors.extend([
                (WIDE_FEATURES, Dtype::U32, vec![features, 2], ids),
                (WIDE_IDF, Dtype::F32, vec![features], idf),
                (WIDE_WEIGHTS, Dtype::I8, vec![features, classes], weights),
                (WIDE_SCALES, Dtype::F32, vec![classes], scales),
                (WIDE_BIAS, Dtype::F32, vec![classes], bias),
            ]);
        }
        let views = tensors
            .into_iter()
            .map(|(name, dtype, shape, bytes)| {
                Ok((name.to_owned(), TensorView::new(dtype, shape, bytes)?))
            })
            .collect::<Result<Vec<_>, SafeTensorError>>()
            .map_err(|error| BundleError::Corrupt(error.to_string()))?;
        let (settings, card) = (json(&self.settings), json(&self.card));
        let metadata = Metadata {
            format_version: FORMAT_VERSION,
            checksum: checksum(
                &settings,
                &card,
                views.iter().map(|(name, view)| (name.as_str(), view)),
            ),
            settings,
            card,
        };
        // One entry only: the library writes them in no fixed order.
        let metadata = HashMap::from([(METADATA_KEY.to_owned(), json(&metadata))]);
        safetensors::serialize(views, Some(metadata))
            .map_err(|error| BundleError::Corrupt(error.to_string()))
    }

    /// Reads a file's bytes and checks all that can be checked without computing.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BundleError> {
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| explain(&error))?;
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| explain(&error))?;
        let text = header
            .metadata()
            .as_ref()
            .and_then(|metadata| metadata.get(METADATA_KEY))
            .ok_or_else(|| {
                BundleError::Foreign("a safetensors file without the bundle's metadata".into())
            })?;
        let Version { format_version } = read_json(text)?;
        match format_version.cmp(&FORMAT_VERSION) {
            Ordering::Less => return Err(BundleError::Older(format_version)),
            Ordering::Equal => {}
            Ordering::Greater => return Err(BundleError::Newer(format_version)),
        }
        let metadata: Metadata = read_json(text)?;
        let mut views = tensors.tensors();
        views.sort_by(|(a, _), (b, _)| a.cmp(b));
        let found = checksum(
            &metadata.settings,
            &metadata.card,
            views.iter().map(|(name, view)| (name.as_str(), view)),
        );
        if found != metadata.checksum {
            return Err(BundleError::Corrupt(
                "its contents do not match its checksum".into(),
            ));
        }
        let embedding = read_embedding(&tensors)?;
        let vocabulary = read_vocabulary(&tensors, embedding.len())?;
        let mut bundle = Self {
            wide: read_wide(&tensors, CharacterFallback::of(&vocabulary))?,
            vocabulary,
            embedding,
            settings: read_json(&metadata.settings)?,
            card: read_json(&metadata.card)?,
            parameters: Vec::new(),
        };
        for (name, view) in &views {
            if !NAMED.contains(&name.as_str()) {
                bundle.parameters.push(NamedTensor {
                    name: name.clone(),
                    shape: view.shape().to_vec(),
                    values: floats(name, view)?,
                });
            }
        }
        bundle.check().map_err(BundleError::Corrupt)?;
        Ok(bundle)
    }

    /// The network on `device`, with the bundle's parameters.
    pub fn network(&self, device: &Device) -> Result<AuxLstm, BundleError> {
        let by_name: HashMap<&str, &NamedTensor> = self
            .parameters
            .iter()
            .map(|parameter| (parameter.name.as_str(), parameter))
            .collect();
        let mut parameters = Parameters::new(device, |wanted: &TensorSpec| {
            let name = wanted.name;
            let parameter = by_name
                .get(name)
                .ok_or_else(|| BundleError::Corrupt(format!("parameter {name:?} is missing")))?;
            if parameter.values.len() != wanted.len() {
                return Err(BundleError::Corrupt(format!(
                    "parameter {name:?} has {} values instead of {}",
                    parameter.values.len(),
                    wanted.len()
                )));
            }
            Ok(parameter.values.clone())
        });
        AuxLstm::new(&mut parameters, &self.settings.sizes, 0.0)
    }

    /// Whether the parts fit one another; vocabulary and vectors do since they were read.
    fn check(&self) -> Result<(), String> {
        let Settings {
            attributes,
            sizes,
            max_words,
            calibrations,
            dictionary,
            user_dictionary,
            confidence_threshold,
            chinese,
        } = &self.settings;
        sizes.check()?;
        attributes.iter().try_for_each(Attribute::check)?;
        let classes: Vec<usize> = attributes
            .iter()
            .map(|attribute| attribute.classes.len())
            .collect();
        if !sizes.tasks.iter().map(|(_, classes)| *classes).eq(classes) {
            return Err("its tasks and its attributes differ in number or classes".into());
        }
        if *max_words == 0 {
            return Err("it reads no word of a text".into());
        }
        if calibrations.len() != attributes.len() || !calibrations.iter().all(Calibration::is_sound)
        {
            return Err("it needs a calibration with an asymptote above 0 for each task".into());
        }
        if !dictionary && !user_dictionary.is_empty() {
            return Err("it has a user dictionary and no dictionary that it adds to".into());
        }
        if !(0.0..=1.0).contains(confidence_threshold) {
            return Err("the confidence threshold is not between 0 and 1".into());
        }
        if let Some(tasks) = chinese {
            let is_sound = |task: &LanguageCalibration| {
                task.calibration.is_sound() && (0.0..=1.0).contains(&task.confidence_threshold)
            };
            if tasks.len() != attributes.len() || !tasks.iter().all(is_sound) {
                return Err("it needs a sound calibration for Chinese text for each task".into());
            }
        }
        if self.embedding.dimensions() != sizes.input_size {
            return Err("its word vectors and its network differ in dimensions".into());
        }
        let classes: usize = attributes
            .iter()
            .map(|attribute| attribute.classes.len())
            .sum();
        if self
            .wide
            .as_ref()
            .is_some_and(|wide| wide.bias().len() != classes)
        {
            return Err("its wide component and its attributes differ in classes".into());
        }
        Ok(())
    }
}

/// CRC-32 over settings, card and every tensor's name, shape and bytes in the order of names.
fn checksum<'a, 'data: 'a>(
    settings: &str,
    card: &str,
    tensors: impl Iterator<Item = (&'a str, &'a TensorView<'data>)>,
) -> String {
    let mut tensors: Vec<_> = tensors.collect();
    tensors.sort_by_key(|(name, _)| *name);
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(settings.as_bytes());
    hasher.update(card.as_bytes());
    for (name, view) in tensors {
        hasher.update(format!("{name}:{:?}:{:?}", view.dtype(), view.shape()).as_bytes());
        hasher.update(view.data());
    }
    format!("crc32:{:08x}", hasher.finalize())
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("plain data is JSON")
}

fn read_json<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, BundleError> {
    serde_json::from_str(text)
        .map_err(|error| BundleError::Corrupt(format!("its metadata cannot be read: {error}")))
}

fn explain(error: &SafeTensorError) -> BundleError {
    let text = error.to_string();
    match error {
        SafeTensorError::HeaderTooSmall
        | SafeTensorError::InvalidHeaderLength
        | SafeTensorError::MetadataIncompleteBuffer => BundleError::Truncated(text),
        _ => BundleError::Foreign(text),
    }
}

fn to_bytes(values: &[i8]) -> Vec<u8> {
    values.iter().map(|value| value.cast_unsigned()).collect()
}

fn to_le_bytes(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

fn tensor<'a>(
    tensors: &SafeTensors<'a>,
    name: &str,
    dtype: Dtype,
) -> Result<TensorView<'a>, BundleError> {
    let view = tensors
        .tensor(name)
        .map_err(|_| BundleError::Corrupt(format!("its tensor {name:?} is missing")))?;
    if view.dtype() != dtype {
        return Err(BundleError::Corrupt(format!(
            "its tensor {name:?} is {:?} instead of {dtype:?}",
            view.dtype()
        )));
    }
    Ok(view)
}

fn floats(name: &str, view: &TensorView) -> Result<Vec<f32>, BundleError> {
    if view.dtype() != Dtype::F32 {
        return Err(BundleError::Corrupt(format!(
            "its tensor {name:?} is {:?} instead of F32",
            view.dtype()
        )));
    }
    let values: Vec<f32> = view
        .data()
        .as_chunks::<4>()
        .0
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect();
    if values.iter().any(|value| !value.is_finite()) {
        return Err(BundleError::Corrupt(format!(
            "its tensor {name:?} holds a number that is not finite"
        )));
    }
    Ok(values)
}

/// The vocabulary, with an entry for each of `rows` vectors.
fn read_vocabulary(tensors: &SafeTensors, rows: usize) -> Result<Vocabulary, BundleError> {
    let view = tensor(tensors, VOCABULARY, Dtype::U8)?;
    let text = std::str::from_utf8(view.data())
        .map_err(|error| BundleError::Corrupt(format!("its vocabulary is not UTF-8: {error}")))?;
    // Counted before they are kept: a string takes far more memory than the line that it comes from.
    let lines = || text.split_terminator('\n');
    if lines().count() + SPECIAL != rows {
        return Err(BundleError::Corrupt(
            "its word vectors and its vocabulary differ in number".into(),
        ));
    }
    Vocabulary::new(lines().map(String::from).collect())
        .map_err(|error| BundleError::Corrupt(error.to_string()))
}

/// The wide component; a bundle without any of its tensors has none.
fn read_wide(
    tensors: &SafeTensors,
    character_fallback: CharacterFallback,
) -> Result<Option<Wide>, BundleError> {
    if tensors.tensor(WIDE_FEATURES).is_err() {
        return Ok(None);
    }
    let ids = tensor(tensors, WIDE_FEATURES, Dtype::U32)?;
    let ids: Vec<u32> = (ids.data().as_chunks::<4>().0.iter())
        .map(|bytes| u32::from_le_bytes(*bytes))
        .collect();
    let (features, []) = ids.as_chunks::<2>() else {
        return Err(BundleError::Corrupt(
            "a wide feature has half a pair".into(),
        ));
    };
    let read = |name| floats(name, &tensor(tensors, name, Dtype::F32)?);
    let weights = tensor(tensors, WIDE_WEIGHTS, Dtype::I8)?;
    let weights = weights
        .data()
        .iter()
        .map(|byte| byte.cast_signed())
        .collect();
    let (idf, scales, bias) = (read(WIDE_IDF)?, read(WIDE_SCALES)?, read(WIDE_BIAS)?);
    TfidfVectorizer::new(features.to_vec(), idf, character_fallback)
        .and_then(|vectorizer| Wide::from_parts(vectorizer, weights, scales, bias))
        .map(Some)
        .map_err(BundleError::Corrupt)
}

fn read_embedding(tensors: &SafeTensors) -> Result<Embedding, BundleError> {
    let view = tensor(tensors, VECTORS, Dtype::I8)?;
    let &[_, dimensions] = view.shape() else {
        return Err(BundleError::Corrupt("its word vectors are no table".into()));
    };
    let values = view.data().iter().map(|byte| byte.cast_signed()).collect();
    let scales = floats(SCALES, &tensor(tensors, SCALES, Dtype::F32)?)?;
    Embedding::from_parts(values, scales, dimensions).map_err(BundleError::Corrupt)
}
