//! The bundle as a file, in the safetensors format, so that libraries of any language can read its numbers.
//!
//! | tensor | type | shape | content |
//! |---|---|---|---|
//! | `vocabulary` | u8 | `[bytes]` | UTF-8, one word a line; the first has id 2 |
//! | `vectors`, `vector_scales` | i8, f32 | `[dimensions, words + 2]`, `[words + 2]` | word vectors, one a column: value · scale of the word |
//! | the network's parameters | f32 | | named by their path in [`AuxLstm`](crate::aux_lstm::AuxLstm) |
//! | `wide.features`, `wide.idf` | u32, f32 | `[2, features]`, `[features]` | word ids (the second is 0 for a single word); inverse document frequency |
//! | `wide.weights` | i8 | `[Σ classes, features]` | one row for each class of each task |
//! | `wide.scales`, `wide.bias` | f32 | `[Σ classes]` | |
//! | `seen_users` | u32 | `[users]` | a fingerprint of each training and validation user, see [`Bundle::seen_users`] |
//!
//! The tensors `wide.…` are there if the model has a wide component, `seen_users` if the users are known. The metadata has one entry, [`METADATA_KEY`]: a JSON
//! object with `format_version`, `checksum`, and `settings` and `card` as JSON texts.
//!
//! The numbers of one dimension are consecutive, as are those of one class: they are alike, so the file compresses better. Up to
//! version 6, `wide.features` was `[features, 2]` and `wide.weights` was `[features, Σ classes]`; in version 5,
//! `vectors` was also `[words + 2, dimensions]`.

use std::collections::HashMap;

use safetensors::{
    SafeTensorError, SafeTensors,
    tensor::{Dtype, TensorView},
};
use serde::{Deserialize, Serialize};

use super::{Bundle, BundleError};
use crate::{
    embedding::Embedding,
    file_kind::what_else,
    parameters::{NamedTensor, checksum, floats, to_le_bytes},
    vocabulary::{SPECIAL, Vocabulary},
    wide::{CharacterFallback, TfidfVectorizer, Wide},
};

/// The metadata entry that makes a safetensors file a bundle.
pub const METADATA_KEY: &str = "auxlstm_bundle";
/// The version of the format that this code writes.
pub const FORMAT_VERSION: u32 = 7;
/// The newest version whose wide component is stored feature by feature.
const FEATURE_BY_FEATURE: u32 = 6;
/// The oldest version that this code reads. Its word vectors are stored word by word.
const WORD_BY_WORD: u32 = 5;

#[derive(Serialize, Deserialize)]
struct Metadata {
    format_version: u32,
    checksum: String,
    /// [`Settings`](super::Settings) as JSON text. The checksum covers the text, since numbers may change in the last bit
    /// when they are read.
    settings: String,
    /// [`ModelCard`](crate::card::ModelCard) as JSON text.
    card: String,
}

/// The only part of the metadata that is read before the version is known.
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
const SEEN_USERS: &str = "seen_users";
/// The largest number in a tensor. It makes an overflow impossible, so no text need be tried when a bundle is loaded: gates are
/// at most 1, so mean states are too. Layers have at most 2^14 inputs, and that of Eq. 14 twice as many, so three layers bring
/// logits to about 2^43 times the cube of this number, 9·10^36. That is below the largest finite number, 3·10^38. Word vectors
/// and the wide component stay far below.
pub(super) const LARGEST: f32 = 1e8;

/// All tensors but the network's parameters.
const NAMED: [&str; 9] = [
    VOCABULARY,
    VECTORS,
    SCALES,
    WIDE_FEATURES,
    WIDE_IDF,
    WIDE_WEIGHTS,
    WIDE_SCALES,
    WIDE_BIAS,
    SEEN_USERS,
];

impl Bundle {
    /// The bytes of the file; equal bundles give equal bytes.
    ///
    /// # Errors
    /// If the parts contradict one another or a number is too large, so that the file could not be read.
    pub fn to_bytes(&self) -> Result<Vec<u8>, BundleError> {
        self.check().map_err(BundleError::Unwritable)?;
        let bytes = (self.write()).map_err(|error| BundleError::Unwritable(error.to_string()))?;
        // Writers replace files. Whatever the check overlooks must not replace a bundle by a file that cannot be read.
        match Self::from_bytes(&bytes) {
            Ok(_) => Ok(bytes),
            Err(error) => Err(BundleError::Unwritable(error.to_string())),
        }
    }

    /// The bytes of the file, without a check that it can be read.
    ///
    /// # Errors
    /// If a tensor's shape does not fit its values.
    pub(super) fn write(&self) -> Result<Vec<u8>, SafeTensorError> {
        let words = self.vocabulary.words().join("\n").into_bytes();
        let dimensions = self.embedding.dimensions();
        let vectors = to_bytes(&transposed(self.embedding.values(), dimensions));
        let scales = to_le_bytes(self.embedding.scales());
        let parameters: Vec<Vec<u8>> = self.parameters.iter().map(NamedTensor::to_bytes).collect();
        let rows = self.embedding.len();
        let mut tensors = vec![
            (VOCABULARY, Dtype::U8, vec![words.len()], &words),
            (VECTORS, Dtype::I8, vec![dimensions, rows], &vectors),
            (SCALES, Dtype::F32, vec![rows], &scales),
        ];
        let wide = self.wide.as_ref().map(|wide| {
            let vectorizer = wide.vectorizer();
            let ids = transposed(vectorizer.features().as_flattened(), 2);
            [
                ids.into_iter().flat_map(u32::to_le_bytes).collect(),
                to_le_bytes(vectorizer.idf()),
                to_bytes(&transposed(wide.weights(), wide.bias().len())),
                to_le_bytes(wide.scales()),
                to_le_bytes(wide.bias()),
            ]
        });
        if let (Some(wide), Some([ids, idf, weights, scales, bias])) = (&self.wide, &wide) {
            let (features, classes) = (wide.vectorizer().features().len(), wide.bias().len());
            tensors.extend([
                (WIDE_FEATURES, Dtype::U32, vec![2, features], ids),
                (WIDE_IDF, Dtype::F32, vec![features], idf),
                (WIDE_WEIGHTS, Dtype::I8, vec![classes, features], weights),
                (WIDE_SCALES, Dtype::F32, vec![classes], scales),
                (WIDE_BIAS, Dtype::F32, vec![classes], bias),
            ]);
        }
        let seen_users: Vec<u8> = (self.seen_users.iter())
            .flat_map(|user| user.to_le_bytes())
            .collect();
        if !seen_users.is_empty() {
            let shape = vec![self.seen_users.len()];
            tensors.push((SEEN_USERS, Dtype::U32, shape, &seen_users));
        }
        let parameters = (self.parameters.iter().zip(&parameters)).map(|(parameter, bytes)| {
            let view = parameter.view(bytes);
            view.map(|view| (parameter.name.clone(), view))
        });
        let views = tensors
            .into_iter()
            .map(|(name, dtype, shape, bytes)| {
                Ok((name.to_owned(), TensorView::new(dtype, shape, bytes)?))
            })
            .chain(parameters)
            .collect::<Result<Vec<_>, SafeTensorError>>()?;
        let (settings, card) = (json(&self.settings), json(&self.card));
        let metadata = Metadata {
            format_version: FORMAT_VERSION,
            checksum: checksum(
                &[&settings, &card],
                views.iter().map(|(name, view)| (name.as_str(), view)),
            ),
            settings,
            card,
        };
        // A single entry, because the library writes entries in no fixed order.
        let metadata = HashMap::from([(METADATA_KEY.to_owned(), json(&metadata))]);
        safetensors::serialize(views, Some(metadata))
    }

    /// Reads the bytes of a file and checks all that can be checked without computing.
    ///
    /// # Errors
    /// If the bytes are cut off, damaged, of another format, or of another version of this one.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BundleError> {
        if bytes.is_empty() {
            return Err(BundleError::Truncated("it is empty".into()));
        }
        if let Some(kind) = what_else(bytes) {
            return Err(BundleError::Foreign(format!("it is {kind}")));
        }
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
        match format_version {
            ..WORD_BY_WORD => return Err(BundleError::Older(format_version)),
            WORD_BY_WORD..=FORMAT_VERSION => {}
            _ => return Err(BundleError::Newer(format_version)),
        }
        let metadata: Metadata = read_json(text)?;
        let mut views = tensors.tensors();
        views.sort_by(|(a, _), (b, _)| a.cmp(b));
        let found = checksum(
            &[&metadata.settings, &metadata.card],
            views.iter().map(|(name, view)| (name.as_str(), view)),
        );
        if found != metadata.checksum {
            return Err(BundleError::Corrupt(
                "its contents do not match its checksum".into(),
            ));
        }
        let embedding = read_embedding(&tensors, format_version)?;
        let vocabulary = read_vocabulary(&tensors, embedding.len())?;
        let mut bundle = Self {
            wide: read_wide(&tensors, format_version, CharacterFallback::of(&vocabulary))?,
            vocabulary,
            embedding,
            settings: read_json(&metadata.settings)?,
            card: read_json(&metadata.card)?,
            parameters: Vec::new(),
            seen_users: match tensors.tensor(SEEN_USERS) {
                Ok(_) => integers(&tensor(&tensors, SEEN_USERS, Dtype::U32)?),
                Err(_) => Vec::new(),
            },
        };
        for (name, view) in &views {
            if !NAMED.contains(&name.as_str()) {
                let parameter = NamedTensor::from_view(name, view);
                (bundle.parameters).push(parameter.map_err(BundleError::Corrupt)?);
            }
        }
        bundle.check().map_err(BundleError::Corrupt)?;
        Ok(bundle)
    }

    /// Checks that the numbers of every tensor are finite and at most [`LARGEST`] in size.
    pub(super) fn check_numbers(&self) -> Result<(), String> {
        let wide = self.wide.iter().flat_map(|wide| {
            [
                (WIDE_IDF, wide.vectorizer().idf()),
                (WIDE_SCALES, wide.scales()),
                (WIDE_BIAS, wide.bias()),
            ]
        });
        let parameters = (self.parameters.iter())
            .map(|parameter| (parameter.name.as_str(), parameter.values.as_slice()));
        let tensors = std::iter::once((SCALES, self.embedding.scales()))
            .chain(wide)
            .chain(parameters);
        for (name, values) in tensors {
            if values.iter().any(|value| !value.is_finite()) {
                return Err(format!(
                    "its tensor {name:?} holds a number that is not finite"
                ));
            }
            if let Some(value) = values.iter().find(|value| value.abs() > LARGEST) {
                return Err(format!(
                    "its tensor {name:?} holds the number {value:e}; permitted: at most {LARGEST:e} in size, so that no \
                     prediction overflows"
                ));
            }
        }
        Ok(())
    }
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

/// The numbers of a row-major table column by column.
fn transposed<T: Copy>(values: &[T], columns: usize) -> Vec<T> {
    (0..columns)
        .flat_map(|column| values.iter().skip(column).step_by(columns))
        .copied()
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

/// The numbers of the tensor called `name`.
fn read_floats(tensors: &SafeTensors, name: &str) -> Result<Vec<f32>, BundleError> {
    floats(name, &tensor(tensors, name, Dtype::F32)?).map_err(BundleError::Corrupt)
}

/// The whole numbers of a tensor of type u32.
fn integers(view: &TensorView) -> Vec<u32> {
    let numbers = view.data().as_chunks::<4>().0.iter();
    numbers.map(|bytes| u32::from_le_bytes(*bytes)).collect()
}

/// The whole numbers of a tensor of type i8.
fn signed(view: &TensorView) -> Vec<i8> {
    view.data().iter().map(|byte| byte.cast_signed()).collect()
}

/// The vocabulary, with an entry for each of `rows` vectors.
fn read_vocabulary(tensors: &SafeTensors, rows: usize) -> Result<Vocabulary, BundleError> {
    let view = tensor(tensors, VOCABULARY, Dtype::U8)?;
    let text = std::str::from_utf8(view.data())
        .map_err(|error| BundleError::Corrupt(format!("its vocabulary is not UTF-8: {error}")))?;
    // Count first: the words as strings take far more memory than the text, which a damaged file may fill with lines.
    let lines = || text.split_terminator('\n');
    if lines().count() + SPECIAL != rows {
        return Err(BundleError::Corrupt(
            "its word vectors and its vocabulary differ in number".into(),
        ));
    }
    Vocabulary::new(lines().map(String::from).collect())
        .map_err(|error| BundleError::Corrupt(error.to_string()))
}

/// The wide component, if the bundle has its tensors.
fn read_wide(
    tensors: &SafeTensors,
    format_version: u32,
    character_fallback: CharacterFallback,
) -> Result<Option<Wide>, BundleError> {
    if tensors.tensor(WIDE_FEATURES).is_err() {
        return Ok(None);
    }
    let pairs = tensor(tensors, WIDE_FEATURES, Dtype::U32)?;
    let table = tensor(tensors, WIDE_WEIGHTS, Dtype::I8)?;
    let (mut ids, mut weights) = (integers(&pairs), signed(&table));
    if format_version > FEATURE_BY_FEATURE {
        let features = match (pairs.shape(), table.shape()) {
            (&[2, features], &[_, weighted]) if features == weighted => features,
            _ => {
                return Err(BundleError::Corrupt(
                    "the wide component does not have a column per feature".into(),
                ));
            }
        };
        ids = transposed(&ids, features);
        weights = transposed(&weights, features);
    }
    let (features, []) = ids.as_chunks::<2>() else {
        return Err(BundleError::Corrupt(
            "a wide feature has half a pair".into(),
        ));
    };
    let read = |name| read_floats(tensors, name);
    let (idf, scales, bias) = (read(WIDE_IDF)?, read(WIDE_SCALES)?, read(WIDE_BIAS)?);
    TfidfVectorizer::new(features.to_vec(), idf, character_fallback)
        .and_then(|vectorizer| Wide::from_parts(vectorizer, weights, scales, bias))
        .map(Some)
        .map_err(BundleError::Corrupt)
}

fn read_embedding(tensors: &SafeTensors, format_version: u32) -> Result<Embedding, BundleError> {
    let view = tensor(tensors, VECTORS, Dtype::I8)?;
    let &[rows, columns] = view.shape() else {
        return Err(BundleError::Corrupt(
            "its word vectors are not a table".into(),
        ));
    };
    let values = signed(&view);
    let (values, dimensions) = match format_version {
        WORD_BY_WORD => (values, columns),
        _ => (transposed(&values, columns), rows),
    };
    let scales = read_floats(tensors, SCALES)?;
    Embedding::from_parts(values, scales, dimensions).map_err(BundleError::Corrupt)
}
