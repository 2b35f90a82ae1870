//! Textual features, which the paper's SVM, ME and CNN systems read in place of word vectors (section 5.2: word unigrams,
//! F-measure and POS patterns, after Mukherjee and Liu, *Improving Gender Classification of Blog Authors*, EMNLP 2010).
//!
//! [`Features`] are settings. [`fit`](Features::fit) fits them to the training users, and [`FittedFeatures`] make a sparse
//! row for each user: the columns of the first group of terms, of the next groups, the F-measure, and the patterns. Posts
//! are segmented as for the network. No term or pattern crosses the end of a post.
//!
//! Groups are scaled alike, because a linear classifier would otherwise attend most to the group with the largest numbers:
//! in each row, the terms of a group have Euclidean length 1, the patterns too, and the F-measure is between −1 and 1. Each
//! group is then multiplied by its weight.

mod formality;
mod patterns;
mod speech;
mod terms;

use model_core::{
    reader,
    text::{Segmenter, Word},
};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use formality::{Formality, f_measure};
pub use patterns::{FittedPatterns, Patterns, Posts, Value, fair_scp};
pub use speech::{PartOfSpeech, Tagger, Token};
pub use terms::{FittedTerms, Terms, Unit};

use formality::FittedFormality;
use terms::{Counts, Text};

/// The settings of features. The defaults are the paper's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Features {
    /// The maximum number of words that are read of a user.
    pub max_words: usize,
    /// Groups of words, word n-grams or character n-grams; may be empty.
    pub terms: Vec<Terms>,
    /// The F-measure, one column.
    pub formality: Formality,
    /// Frequent sequences of parts of speech.
    pub patterns: Patterns,
}

impl Default for Features {
    fn default() -> Self {
        Self {
            max_words: 5000,
            terms: vec![Terms::default()],
            formality: Formality::default(),
            patterns: Patterns::default(),
        }
    }
}

/// Why features cannot be fitted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FeatureError {
    /// A setting is out of its range.
    #[error("features: {0}")]
    Setting(String),
    /// The training users have no term or pattern of a group.
    #[error("features: {0}")]
    Nothing(String),
}

impl Features {
    /// Checks that all settings are in their ranges; the error names the first that is not.
    ///
    /// # Errors
    /// [`FeatureError::Setting`].
    pub fn check(&self) -> Result<(), FeatureError> {
        let weights = (self.terms.iter().map(|terms| terms.weight))
            .chain([self.formality.weight, self.patterns.weight]);
        for weight in weights {
            if !(weight >= 0.0 && weight.is_finite()) {
                return Err(FeatureError::Setting(format!(
                    "a weight is {weight}; permitted: at least 0 (0 leaves the group out)"
                )));
            }
        }
        if self.max_words == 0 {
            let what = "max_words is 0; permitted: at least 1".into();
            return Err(FeatureError::Setting(what));
        }
        let terms = self.terms.iter().try_for_each(Terms::check);
        terms
            .and_then(|()| self.patterns.check())
            .map_err(FeatureError::Setting)
    }

    /// Selects terms and patterns from the posts of the training users, and computes the IDF of each term and the mean
    /// F-measure.
    ///
    /// `segmenter` segments the posts. The posts of rows must be segmented by the same one.
    ///
    /// # Errors
    /// A setting is out of its range, or the training users have no term or pattern of a group.
    pub fn fit<P: AsRef<[String]> + Sync>(
        &self,
        segmenter: &Segmenter,
        users: &[P],
    ) -> Result<FittedFeatures, FeatureError> {
        self.check()?;
        let groups: Vec<&Terms> = self
            .terms
            .iter()
            .filter(|terms| terms.weight > 0.0)
            .collect();
        let counts: Vec<Counts> = groups.iter().map(|_| Counts::default()).collect();
        let tagger = self.tagger(segmenter);
        let spoken: Vec<Spoken> = users
            .par_iter()
            .map(|user| {
                let posts = self.posts(segmenter, user.as_ref());
                for (group, counts) in groups.iter().zip(&counts) {
                    let texts = texts(&posts, group.unit);
                    counts.add_user(&group.count(&texts));
                }
                Spoken::of(&posts, tagger.as_ref())
            })
            .collect();
        let nothing = FeatureError::Nothing;
        let terms = (groups.iter().zip(counts))
            .map(|(group, counts)| group.fit(counts, users.len()).map_err(nothing))
            .collect::<Result<_, _>>()?;
        let formality = (self.formality.weight > 0.0)
            .then(|| (self.formality).fit(spoken.iter().filter_map(|user| user.f_measure)));
        let patterns = (self.patterns.weight > 0.0)
            .then(|| {
                let users: Vec<_> = spoken.iter().map(|user| user.parts.as_slice()).collect();
                self.patterns.fit(&users).map_err(nothing)
            })
            .transpose()?;
        Ok(FittedFeatures {
            settings: self.clone(),
            terms,
            formality,
            patterns,
        })
    }

    /// The words of each post, up to the maximum of a user.
    fn posts<'a>(&self, segmenter: &Segmenter, posts: &'a [String]) -> Vec<(&'a str, Vec<Word>)> {
        let words = reader::words(segmenter, posts, self.max_words);
        posts.iter().map(String::as_str).zip(words).collect()
    }

    /// A tagger, if any group needs one.
    fn tagger<'a>(&self, segmenter: &'a Segmenter) -> Option<Tagger<'a>> {
        let needed = self.formality.weight > 0.0 || self.patterns.weight > 0.0;
        needed.then(|| Tagger::new(segmenter))
    }
}

/// Features with their columns.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedFeatures {
    settings: Features,
    terms: Vec<FittedTerms>,
    formality: Option<FittedFormality>,
    patterns: Option<FittedPatterns>,
}

impl FittedFeatures {
    /// The groups of terms whose weight is not 0, in the order of their columns.
    pub fn terms(&self) -> &[FittedTerms] {
        &self.terms
    }

    /// The patterns, unless their weight is 0.
    pub fn patterns(&self) -> Option<&FittedPatterns> {
        self.patterns.as_ref()
    }

    /// The number of columns of a row.
    pub fn width(&self) -> usize {
        let terms: usize = self.terms.iter().map(FittedTerms::width).sum();
        let patterns = self.patterns.as_ref().map_or(0, FittedPatterns::width);
        terms + usize::from(self.formality.is_some()) + patterns
    }

    /// The nonzero columns of one user's posts, in ascending order.
    pub fn row(&self, segmenter: &Segmenter, posts: &[String]) -> Vec<(u32, f32)> {
        self.row_with(self.settings.tagger(segmenter).as_ref(), segmenter, posts)
    }

    /// The rows of many users, in their order, computed on all cores.
    pub fn rows<P: AsRef<[String]> + Sync>(
        &self,
        segmenter: &Segmenter,
        users: &[P],
    ) -> Vec<Vec<(u32, f32)>> {
        let tagger = self.settings.tagger(segmenter);
        users
            .par_iter()
            .map(|user| self.row_with(tagger.as_ref(), segmenter, user.as_ref()))
            .collect()
    }

    fn row_with(
        &self,
        tagger: Option<&Tagger>,
        segmenter: &Segmenter,
        posts: &[String],
    ) -> Vec<(u32, f32)> {
        let posts = self.settings.posts(segmenter, posts);
        let spoken = Spoken::of(&posts, tagger);
        let mut row = Vec::new();
        let mut start = 0;
        let mut append = |columns: Vec<(u32, f32)>, width: usize| {
            row.extend((columns.into_iter()).map(|(column, value)| (start + column, value)));
            start += width as u32;
        };
        for group in &self.terms {
            append(group.columns(&texts(&posts, group.unit())), group.width());
        }
        if let Some(formality) = &self.formality {
            let value = (spoken.f_measure).map(|f_measure| formality.value(f_measure));
            let column = value.filter(|&value| value != 0.0).map(|value| (0, value));
            append(column.into_iter().collect(), 1);
        }
        if let Some(patterns) = &self.patterns {
            append(patterns.columns(&spoken.parts), patterns.width());
        }
        row
    }
}

fn texts(posts: &[(&str, Vec<Word>)], unit: Unit) -> Vec<Text> {
    posts
        .iter()
        .map(|(_, words)| Text::new(words, unit))
        .collect()
}

/// The parts of speech of a user's text.
#[derive(Default)]
struct Spoken {
    /// For each post.
    parts: Vec<Vec<PartOfSpeech>>,
    /// `None` for a text without a word.
    f_measure: Option<f64>,
}

impl Spoken {
    fn of(posts: &[(&str, Vec<Word>)], tagger: Option<&Tagger>) -> Self {
        let Some(tagger) = tagger else {
            return Self::default();
        };
        let tokens: Vec<Vec<Token>> = (posts.iter())
            .map(|(post, words)| tagger.tokens(post, words))
            .collect();
        let parts = |post: &Vec<Token>| post.iter().map(|token| token.part).collect();
        Self {
            f_measure: f_measure(tokens.iter().flatten()),
            parts: tokens.iter().map(parts).collect(),
        }
    }
}
