//! The wide component: a linear model over words and word pairs beside the LSTMs (Cheng et al. 2016, "Wide & Deep Learning").
//!
//! Frozen vectors of words with similar use are close to each other, so an LSTM over them can hardly learn that a single word
//! is informative. The wide component has a weight for each word and pair, and its scores are added to the network's logits.
//! It is an extension of the paper, and optional: a bundle may have none.
//!
//! Chinese words are read by their characters here. Characters are far more frequent than words, and most words are pairs of
//! characters.
//!
//! ```
//! use model_core::vocabulary::PADDING;
//! use model_core::wide::{CharacterFallback, TfidfVectorizer, Wide};
//!
//! // The word 2, and the pair of the words 2 and 3; two classes.
//! let features = vec![[2, PADDING], [2, 3]];
//! let vectorizer = TfidfVectorizer::new(features, vec![1.0, 1.0], CharacterFallback::default())?;
//! let wide = Wide::quantise(vectorizer, &[1.0, -1.0, 0.0, 0.0], vec![0.0, 0.5])?;
//! // Both features occur once, so each has the value 1/√2.
//! let scores = wide.scores(&[2, 3]);
//! assert!((scores[0] - 0.5f32.sqrt()).abs() < 1e-6);
//! assert!((scores[1] - (0.5 - 0.5f32.sqrt())).abs() < 1e-6);
//! # Ok::<(), String>(())
//! ```

use std::borrow::Cow;

use hashbrown::HashMap;

use crate::{
    language::is_han,
    tfidf,
    vocabulary::{PADDING, UNKNOWN, Vocabulary},
};

/// A feature of a text: the id of a word and [`PADDING`], or the ids of two adjacent words.
pub type Feature = [u32; 2];

/// The ids of the characters of each Chinese word that is read by its characters, by the id of the word.
#[derive(Clone, Debug, Default)]
pub struct CharacterFallback(HashMap<u32, Vec<u32>>);

impl CharacterFallback {
    /// The fallback of a vocabulary: for its words of two or more Chinese characters. Characters outside the vocabulary are
    /// unknown words.
    pub fn of(vocabulary: &Vocabulary) -> Self {
        let mut character = [0; 4];
        let mut id = |letter: char| vocabulary.id(letter.encode_utf8(&mut character));
        let words = (vocabulary.words().iter()).filter(|word| {
            let mut characters = word.chars();
            characters.all(is_han) && word.chars().nth(1).is_some()
        });
        Self(
            words
                .map(|word| (vocabulary.id(word), word.chars().map(&mut id).collect()))
                .collect(),
        )
    }

    /// Whether the vocabulary has no such word.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Replaces these words by their characters in a text of word ids.
    pub fn apply<'a>(&self, text: &'a [u32]) -> Cow<'a, [u32]> {
        if self.is_empty() {
            return Cow::Borrowed(text);
        }
        let ids = text.iter().flat_map(|word| match self.0.get(word) {
            Some(characters) => characters.as_slice(),
            None => std::slice::from_ref(word),
        });
        Cow::Owned(ids.copied().collect())
    }
}

/// The features of a text after [`CharacterFallback::apply`], one for each occurrence. Unknown words are not part of any
/// feature.
pub fn features(text: &[u32]) -> impl Iterator<Item = Feature> {
    let is_known = |&id: &u32| id != UNKNOWN;
    let words = (text.iter().copied().filter(is_known)).map(|word| [word, PADDING]);
    let pairs = (text.windows(2))
        .filter(move |pair| pair.iter().all(is_known))
        .map(|pair| [pair[0], pair[1]]);
    words.chain(pairs)
}

/// The number of occurrences of each feature of a text after [`CharacterFallback::apply`].
pub fn count(text: &[u32]) -> HashMap<Feature, u32> {
    let mut counts = HashMap::new();
    for feature in features(text) {
        *counts.entry(feature).or_default() += 1;
    }
    counts
}

/// The [TF-IDF](tfidf) of a text's features: with sublinear frequencies, in rows of unit length.
#[derive(Clone, Debug)]
pub struct TfidfVectorizer {
    rows: HashMap<Feature, u32>,
    features: Vec<Feature>,
    /// The inverse document frequency of each feature.
    idf: Vec<f32>,
    character_fallback: CharacterFallback,
}

impl TfidfVectorizer {
    /// A vectorizer of these features, which must all be different, each with its [`idf`](tfidf::idf).
    pub fn new(
        features: Vec<Feature>,
        idf: Vec<f32>,
        character_fallback: CharacterFallback,
    ) -> Result<Self, String> {
        if features.len() != idf.len() || features.len() > u32::MAX as usize {
            return Err("the wide component has not as many IDF values as features".into());
        }
        if idf.iter().any(|idf| idf.is_nan() || *idf <= 0.0) {
            return Err("an IDF value of the wide component is not positive".into());
        }
        let rows: HashMap<Feature, u32> = features.iter().copied().zip(0..).collect();
        if rows.len() != features.len() {
            return Err("a feature of the wide component occurs twice".into());
        }
        Ok(Self {
            rows,
            features,
            idf,
            character_fallback,
        })
    }

    /// The features, in the order of their rows.
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// The inverse document frequency of each feature.
    pub fn idf(&self) -> &[f32] {
        &self.idf
    }

    /// The characters by which Chinese words are read.
    pub fn character_fallback(&self) -> &CharacterFallback {
        &self.character_fallback
    }

    /// The rows of the features that a text has, in ascending order, with their values, which have the Euclidean length 1.
    pub fn row(&self, text: &[u32]) -> Vec<(u32, f32)> {
        let counts = self.counts(text).into_iter();
        let values: Vec<(u32, f64)> = counts
            .map(|(row, count)| (row, self.value(row, count)))
            .collect();
        tfidf::scaled(&values, 1.0)
    }

    /// The rows of the features that a text has, in ascending order, with the number of occurrences.
    fn counts(&self, text: &[u32]) -> Vec<(u32, u32)> {
        let counts = count(&self.character_fallback.apply(text)).into_iter();
        let mut counts: Vec<(u32, u32)> = counts
            .filter_map(|(feature, count)| Some((*self.rows.get(&feature)?, count)))
            .collect();
        // Sums over them must not depend on the order of the hash table.
        counts.sort_unstable_by_key(|&(row, _)| row);
        counts
    }

    /// The value of a feature before the row is scaled.
    fn value(&self, row: u32, count: u32) -> f64 {
        tfidf::value(count, self.idf[row as usize], true)
    }
}

/// The wide component of a model, for all of its tasks.
#[derive(Clone, Debug)]
pub struct Wide {
    vectorizer: TfidfVectorizer,
    /// `[features, Σ classes]`, in units of `scales`.
    weights: Vec<i8>,
    /// `[Σ classes]`.
    scales: Vec<f32>,
    /// `[Σ classes]`.
    bias: Vec<f32>,
}

impl Wide {
    /// Makes it of its parts: `weights` is `[features, Σ classes]`, the others `[Σ classes]`.
    pub fn from_parts(
        vectorizer: TfidfVectorizer,
        weights: Vec<i8>,
        scales: Vec<f32>,
        bias: Vec<f32>,
    ) -> Result<Self, String> {
        if scales.len() != bias.len() || weights.len() != vectorizer.features.len() * bias.len() {
            return Err(
                "the wide component has not as many weights as features and classes".into(),
            );
        }
        Ok(Self {
            vectorizer,
            weights,
            scales,
            bias,
        })
    }

    /// Makes it of weights, `[features, Σ classes]`, which are rounded to 8 bits relative to the largest of each class.
    pub fn quantise(
        vectorizer: TfidfVectorizer,
        weights: &[f32],
        bias: Vec<f32>,
    ) -> Result<Self, String> {
        let classes = bias.len().max(1);
        let mut scales = vec![0f32; bias.len()];
        for row in weights.chunks(classes) {
            for (scale, weight) in scales.iter_mut().zip(row) {
                *scale = scale.max(weight.abs() / f32::from(i8::MAX));
            }
        }
        let rounded = (weights.chunks(classes))
            .flat_map(|row| row.iter().zip(&scales))
            .map(|(weight, scale)| match *scale {
                0.0 => 0,
                scale => (weight / scale).round() as i8,
            })
            .collect();
        Self::from_parts(vectorizer, rounded, scales, bias)
    }

    /// The vectorizer, which has the features and their IDF.
    pub fn vectorizer(&self) -> &TfidfVectorizer {
        &self.vectorizer
    }

    /// `[features, Σ classes]`, in units of [`scales`](Self::scales).
    pub fn weights(&self) -> &[i8] {
        &self.weights
    }

    /// The unit of the weights of each class, `[Σ classes]`.
    pub fn scales(&self) -> &[f32] {
        &self.scales
    }

    /// Rounds the weights to integers of at most `largest` (1 to 127), and the IDF by `round`, and sorts the features by their IDF
    /// and their word ids. Coarse and sorted numbers compress better. Classes without a larger weight stay as they are.
    pub fn coarser(mut self, largest: i8, round: impl Fn(f32) -> f32) -> Self {
        let classes = self.scales.len();
        for (class, scale) in self.scales.iter_mut().enumerate() {
            let of_class = self.weights.iter().skip(class).step_by(classes);
            let size = of_class.map(|weight| weight.unsigned_abs()).max();
            let factor = coarsening(size.unwrap_or(0), largest);
            *scale /= factor;
            for weight in self.weights.iter_mut().skip(class).step_by(classes) {
                *weight = (f32::from(*weight) * factor).round() as i8;
            }
        }
        for idf in &mut self.vectorizer.idf {
            *idf = round(*idf);
        }
        let TfidfVectorizer { features, idf, .. } = &self.vectorizer;
        let mut rows: Vec<usize> = (0..features.len()).collect();
        rows.sort_by(|&one, &other| {
            let by_idf = idf[one].total_cmp(&idf[other]);
            by_idf.then(features[one].cmp(&features[other]))
        });
        self.with_rows(&rows)
    }

    /// The scores of a text without features, `[Σ classes]`.
    pub fn bias(&self) -> &[f32] {
        &self.bias
    }

    /// Multiplies the scores of each class by a scale, `[Σ classes]`.
    pub fn scaled(mut self, by: impl Iterator<Item = f32>) -> Self {
        for ((scale, bias), by) in self.scales.iter_mut().zip(&mut self.bias).zip(by) {
            *scale *= by;
            *bias *= by;
        }
        self
    }

    /// Removes the features for which `keep` is false.
    pub fn retain(self, keep: impl Fn(Feature) -> bool) -> Self {
        let features = &self.vectorizer.features;
        let kept: Vec<usize> = (0..features.len())
            .filter(|&row| keep(features[row]))
            .collect();
        self.with_rows(&kept)
    }

    /// The same with these rows alone, in this order.
    fn with_rows(self, kept: &[usize]) -> Self {
        let classes = self.bias.len();
        let TfidfVectorizer {
            features,
            idf,
            character_fallback,
            ..
        } = self.vectorizer;
        let weights = (kept.iter())
            .flat_map(|row| &self.weights[row * classes..][..classes])
            .copied();
        Self {
            weights: weights.collect(),
            vectorizer: TfidfVectorizer {
                rows: (kept.iter().map(|&row| features[row])).zip(0..).collect(),
                idf: kept.iter().map(|&row| idf[row]).collect(),
                features: kept.iter().map(|&row| features[row]).collect(),
                character_fallback,
            },
            ..self
        }
    }

    /// The scores of a text of word ids, which are added to the logits of all tasks, `[Σ classes]`.
    pub fn scores(&self, text: &[u32]) -> Vec<f32> {
        let sums = Sums::new(self, text);
        self.scores_of(&sums.products, sums.squares)
    }

    /// The [`scores`](Self::scores) of the text without each of its words in turn.
    pub(crate) fn scores_without_each(&self, text: &[u32]) -> impl Iterator<Item = Vec<f32>> {
        let sums = Sums::new(self, text);
        (0..text.len()).map(move |place| sums.without(self, text, place))
    }

    fn scores_of(&self, products: &[f64], squares: f64) -> Vec<f32> {
        // Without any feature left, rounding errors may leave a tiny length.
        let length = squares.max(0.0).sqrt();
        let scale = if length > 1e-6 { 1.0 / length } else { 0.0 };
        (products.iter().zip(&self.scales).zip(&self.bias))
            .map(|((product, unit), bias)| (product * scale * f64::from(*unit)) as f32 + bias)
            .collect()
    }

    fn add(&self, products: &mut [f64], row: u32, value: f64) {
        let classes = self.bias.len();
        let weights = &self.weights[row as usize * classes..][..classes];
        for (product, &weight) in products.iter_mut().zip(weights) {
            *product += value * f64::from(weight);
        }
    }
}

/// The factor that brings integers of which the largest has this size to a size of at most `largest`; 1 if they have it.
fn coarsening(size: u8, largest: i8) -> f32 {
    match f32::from(largest) / f32::from(size.max(1)) {
        factor if factor < 1.0 => factor,
        _ => 1.0,
    }
}

/// The sums from which the scores of a text are computed.
struct Sums {
    counts: HashMap<u32, u32>,
    /// The sum of the squared values of the features.
    squares: f64,
    /// The sum of value times weight over the features, `[Σ classes]`.
    products: Vec<f64>,
}

impl Sums {
    fn new(wide: &Wide, text: &[u32]) -> Self {
        let vectorizer = &wide.vectorizer;
        let counts = vectorizer.counts(text);
        let mut products = vec![0.0; wide.bias.len()];
        for &(row, count) in &counts {
            wide.add(&mut products, row, vectorizer.value(row, count));
        }
        Self {
            squares: (counts.iter())
                .map(|&(row, count)| vectorizer.value(row, count).powi(2))
                .sum(),
            counts: counts.into_iter().collect(),
            products,
        }
    }

    /// The scores without the word at `place`: the word and its pairs are removed, and its neighbours become a pair.
    fn without(&self, wide: &Wide, text: &[u32], place: usize) -> Vec<f32> {
        let around = &text[place.saturating_sub(1)..(place + 2).min(text.len())];
        let joined: Vec<u32> = (around.iter().enumerate())
            .filter(|(index, _)| *index != place.min(1))
            .map(|(_, &word)| word)
            .collect();
        let mut changes: HashMap<u32, i64> = HashMap::new();
        for (text, change) in [(around, -1), (joined.as_slice(), 1)] {
            for feature in features(&wide.vectorizer.character_fallback.apply(text)) {
                if let Some(&row) = wide.vectorizer.rows.get(&feature) {
                    *changes.entry(row).or_default() += change;
                }
            }
        }
        let (mut squares, mut products) = (self.squares, self.products.clone());
        let mut changes: Vec<(u32, i64)> = changes.into_iter().collect();
        changes.sort_unstable();
        for (row, change) in changes {
            let before = self.counts.get(&row).copied().unwrap_or(0);
            let after = (i64::from(before) + change).max(0) as u32;
            let [before, after] = [before, after].map(|count| wide.vectorizer.value(row, count));
            squares += after.powi(2) - before.powi(2);
            wide.add(&mut products, row, after - before);
        }
        wide.scores_of(&products, squares)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Two classes of one task and three of another.
    fn wide() -> Wide {
        wide_with(CharacterFallback::default())
    }

    fn wide_with(character_fallback: CharacterFallback) -> Wide {
        let features = vec![[2, 0], [3, 0], [4, 0], [2, 3], [3, 3], [4, 2]];
        let vectorizer = TfidfVectorizer::new(
            features,
            vec![1.0, 1.5, 2.0, 2.5, 1.25, 3.0],
            character_fallback,
        )
        .unwrap();
        let weights: Vec<f32> = (0..30).map(|n| (n * 7 % 11) as f32 - 5.0).collect();
        Wide::quantise(vectorizer, &weights, vec![0.5, -0.5, 0.0, 0.25, -1.0]).unwrap()
    }

    #[test]
    fn values_of_a_text_counted_by_hand() {
        // 2 twice, 3 once, 4 and 5 unknown to the vectorizer or the vocabulary; the pair (2, 3) once.
        let row = wide().vectorizer().row(&[2, 3, UNKNOWN, 2, 5]);
        let values = [1.0 + 2f64.ln(), 1.5, 2.5];
        let length = values.iter().map(|value| value * value).sum::<f64>().sqrt();
        let expected: Vec<(u32, f32)> = [0, 1, 3]
            .into_iter()
            .zip(values.map(|value| (value / length) as f32))
            .collect();
        assert_eq!(row, expected);
        assert_eq!(wide().vectorizer().row(&[UNKNOWN, 5]), []);
        assert_eq!(wide().scores(&[]), wide().bias());
    }

    #[test]
    fn chinese_words_are_read_by_their_characters() {
        let words = ["学", "生", "学生", "bus", "大学生", "校"].map(String::from);
        let vocabulary = Vocabulary::new(words.to_vec()).unwrap();
        let character_fallback = CharacterFallback::of(&vocabulary);
        // 大 is not in the vocabulary.
        assert_eq!(
            *character_fallback.apply(&[4, 5, 6, 7]),
            [2, 3, 5, UNKNOWN, 2, 3, 7]
        );
        let texts = [[2, 3], [4, 4], [6, 6]]
            .map(|text| wide_with(character_fallback.clone()).scores(&text));
        assert_eq!(texts[0], wide().scores(&[2, 3]));
        assert_eq!(texts[1], wide().scores(&[2, 3, 2, 3]));
        assert_eq!(texts[2], wide().scores(&[UNKNOWN, 2, 3, UNKNOWN, 2, 3]));
    }

    #[test]
    fn weights_are_rounded_by_each_class() {
        let vectorizer = TfidfVectorizer::new(
            vec![[2, 0], [3, 0]],
            vec![1.0, 1.0],
            CharacterFallback::default(),
        )
        .unwrap();
        let wide = Wide::quantise(vectorizer, &[1.0, 0.0, -0.254, 0.0], vec![0.0, 3.0]).unwrap();
        assert_eq!(wide.weights(), [127, 0, -32, 0]);
        assert_eq!(wide.scores(&[2]), [1.0, 3.0]);
        let doubled = wide.clone().scaled([2.0, 0.5].into_iter());
        assert_eq!(doubled.scores(&[2]), [2.0, 1.5]);
        let coarse = wide.clone().coarser(3, f32::floor);
        assert_eq!(coarse.weights(), [3, 0, -1, 0]);
        let twice = coarse.clone().coarser(3, f32::floor);
        assert_eq!(
            (twice.weights(), twice.scales()),
            (coarse.weights(), coarse.scales())
        );
        assert_eq!(coarse.scores(&[2]), [1.0, 3.0]);
        assert!((coarse.scores(&[3])[0] + 1.0 / 3.0).abs() < 1e-6);
        assert_eq!(wide.retain(|[word, _]| word == 3).scores(&[2]), [0.0, 3.0]);
    }

    #[test]
    fn coarse_features_are_sorted_and_score_as_before() {
        let of = |features: [Feature; 3], idf: [f32; 3], weights: [i8; 3]| {
            let fallback = CharacterFallback::default();
            let vectorizer = TfidfVectorizer::new(features.to_vec(), idf.to_vec(), fallback);
            let (scales, bias) = (vec![0.5], vec![1.0]);
            Wide::from_parts(vectorizer.unwrap(), weights.to_vec(), scales, bias).unwrap()
        };
        let unsorted = of([[3, 0], [2, 3], [2, 0]], [2.0, 1.0, 2.0], [7, -5, 3]);
        let sorted = unsorted.clone().coarser(127, |idf| idf);
        assert_eq!(sorted.vectorizer().features(), [[2, 3], [2, 0], [3, 0]]);
        assert_eq!(sorted.vectorizer().idf(), [1.0, 2.0, 2.0]);
        assert_eq!(sorted.weights(), [-5, 3, 7]);
        for text in [&[2, 3][..], &[3, 3, 2], &[4]] {
            let (before, after) = (unsorted.scores(text)[0], sorted.scores(text)[0]);
            assert!((before - after).abs() < 1e-6, "{before} {after}");
        }
    }

    #[test]
    fn inconsistent_parts_are_refused() {
        let vectorizer =
            || TfidfVectorizer::new(vec![[2, 0]], vec![1.0], CharacterFallback::default()).unwrap();
        assert!(
            TfidfVectorizer::new(
                vec![[2, 0], [2, 0]],
                vec![1.0, 1.0],
                CharacterFallback::default()
            )
            .is_err()
        );
        assert!(TfidfVectorizer::new(vec![[2, 0]], vec![], CharacterFallback::default()).is_err());
        assert!(
            TfidfVectorizer::new(vec![[2, 0]], vec![f32::NAN], CharacterFallback::default())
                .is_err()
        );
        assert!(Wide::from_parts(vectorizer(), vec![1], vec![1.0], vec![]).is_err());
        assert!(Wide::from_parts(vectorizer(), vec![1, 2], vec![1.0], vec![0.0]).is_err());
    }

    proptest! {
        #[test]
        fn rows_are_in_order_and_of_unit_length(text in prop::collection::vec(0u32..7, 0..40)) {
            let row = wide().vectorizer().row(&text);
            prop_assert!(row.is_sorted_by(|(a, _), (b, _)| a < b));
            let squares: f32 = row.iter().map(|(_, value)| value * value).sum();
            prop_assert!(row.is_empty() || (squares - 1.0).abs() < 1e-5);
        }

        #[test]
        fn a_word_taken_out_is_the_text_without_it(text in prop::collection::vec(1u32..6, 1..30)) {
            // As if two of the words were Chinese, of two and of three characters.
            let wide = wide_with(CharacterFallback([(4, vec![2, 3]), (5, vec![3, 3, UNKNOWN])].into()));
            for (place, scores) in wide.scores_without_each(&text).enumerate() {
                let without = [&text[..place], &text[place + 1..]].concat();
                for (fast, exact) in scores.into_iter().zip(wide.scores(&without)) {
                    prop_assert!((fast - exact).abs() < 1e-4, "{place}: {fast} instead of {exact}");
                }
            }
        }
    }
}
