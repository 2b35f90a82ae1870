//! The estimated shares of the classes in a set of users, as they are shown and written.

use serde::{Deserialize, Serialize};

use super::Method;
use crate::{language::Language, prediction::Named};

/// How many standard errors above the largest divergence are significant. Of 30 bloggers with 20 words each, the divergence
/// is that far above that of more bloggers.
const SIGNIFICANT: f64 = 2.5;

/// The estimated shares of each class in a set of users.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(export_to = "protocol.d.ts")
)]
pub struct PopulationEstimate {
    /// How the shares were estimated.
    pub method: Method,
    /// The number of users with at least one known word. The others are left out.
    #[cfg_attr(feature = "typescript", ts(type = "number"))]
    pub users: u64,
    /// The number of users without a known word.
    #[cfg_attr(feature = "typescript", ts(type = "number"))]
    pub without_known_words: u64,
    /// The texts of the users of each language of the model.
    pub texts: Vec<TextCheck>,
    /// The shares for each attribute; a JSON object by attribute name.
    pub attributes: Named<AttributeShares>,
    /// The shares of pairs of classes, for each pair of attributes.
    pub joint: Vec<JointShares>,
}

/// How the texts of a set of users compare with those of the training users.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(export_to = "protocol.d.ts")
)]
pub struct TextCheck {
    /// The language, if the model distinguishes languages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub language: Option<Language>,
    /// The number of users who write it.
    #[cfg_attr(feature = "typescript", ts(type = "number"))]
    pub users: u64,
    /// The mean number of words of a user.
    pub words: f64,
    /// The share of these words that the vocabulary holds.
    pub known_words: f64,
    /// How far the word frequencies are from those of the training users; `null` if the model has none, or of one user.
    pub divergence: Option<Divergence>,
    /// Whether the texts are significantly unlike those of the training users: the shares are then not to be trusted.
    pub unlike: bool,
}

/// The shares of the classes of an attribute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(export_to = "protocol.d.ts")
)]
pub struct AttributeShares {
    /// The number of users on whom they rest: those who write a language in which the attribute was validated.
    #[cfg_attr(feature = "typescript", ts(type = "number"))]
    pub users: u64,
    /// The share of each class; a JSON object by class. `null` if there are no such users.
    pub shares: Option<Named<Share>>,
    /// The share of each coarse class, if the attribute has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub coarse: Option<Named<Share>>,
}

/// A share of users, from 0 to 1, with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(export_to = "protocol.d.ts")
)]
pub struct Share {
    /// The estimate.
    pub share: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
}

/// The shares of pairs of classes of two attributes; of coarse classes, if an attribute has any.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(export_to = "protocol.d.ts")
)]
pub struct JointShares {
    /// The attribute of the rows.
    pub rows: String,
    /// The attribute of the columns.
    pub columns: String,
    /// The classes of the rows.
    pub row_labels: Vec<String>,
    /// The classes of the columns.
    pub column_labels: Vec<String>,
    /// The share of each pair, by row.
    pub shares: Vec<Vec<f64>>,
}

/// How far the word frequencies of a set are from those of the training users.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(export_to = "protocol.d.ts")
)]
pub struct Divergence {
    /// Σ 2 (q − p)² / (q + p) over words, with the frequencies p of the training users and q of the set: twice the triangular
    /// discrimination, without the bias that the sampling of users adds.
    pub value: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// The largest value of texts like those of the training users.
    pub largest: f64,
}

impl Divergence {
    /// Whether the texts are unlike those of the training users: the divergence is significantly above the largest.
    pub fn is_unlike(&self) -> bool {
        self.value - SIGNIFICANT * self.standard_error > self.largest
    }
}
