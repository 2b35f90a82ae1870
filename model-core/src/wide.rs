//! The wide component: a linear model over which words a text has, and which pairs of neighbours, beside the LSTMs.
//!
//! Frozen vectors lie near each other for words of like use, so an LSTM over them can hardly learn what a single word
//! tells of its writer. A weight of its own for each word and pair can (Cheng et al. 2016, "Wide & Deep Learning").
//! Its scores are added to the network's logits. It is an option beyond the paper: a bundle may have none.
//!
//! Chinese is read by its characters here: they are met far more often than the words that they make up, and the pairs of
//! them are most of these words.

use std::borrow::Cow;

use hashbrown::HashMap;

use crate::{
    language::is_han,
    vocabulary::{PADDING, UNKNOWN, Vocabulary},
};

/// What a text may have: a word, by its id, followed by [`PADDING`], or two words that stand side by side.
pub type Feature = [u32; 2];

/// The characters of the words that are read by them.
#[derive(Clone, Debug, Default)]
pub struct CharacterFallback(HashMap<u32, Vec<u32>>);

impl CharacterFallback {
    /// That of a vocabulary's words of two or more Chinese characters. A character that is no word of it itself is unknown.
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

    /// Whether no word is read by its characters.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A text of word ids with these words' characters in their place.
    pub fn spell<'a>(&self, text: &'a [u32]) -> Cow<'a, [u32]> {
        if self.is_empty() {
            return Cow::Borrowed(text);
        }
        let spelt = text.iter().flat_map(|word| match self.0.get(word) {
            Some(characters) => characters.as_slice(),
            None => std::slice::from_ref(word),
        });
        Cow::Owned(spelt.copied().collect())
    }
}

/// The features of a spelt text, one for each time they are there. Words that the vocabulary does not hold are none,
/// and part of none.
pub fn features(text: &[u32]) -> impl Iterator<Item = Feature> {
    let is_known = |&id: &u32| id != UNKNOWN;
    let words = (text.iter().copied().filter(is_known)).map(|word| [word, PADDING]);
    let pairs = (text.windows(2))
        .filter(move |pair| pair.iter().all(is_known))
        .map(|pair| [pair[0], pair[1]]);
    words.chain(pairs)
}

/// How often a spelt text has each of its features.
pub fn count(text: &[u32]) -> HashMap<Feature, u32> {
    let mut counts = HashMap::new();
    for feature in features(text) {
        *counts.entry(feature).or_default() += 1;
    }
    counts
}

/// The values of a text's features: TF-IDF, sublinear and of unit length.
///
/// A feature that is there n times and was in d of N training texts has (1 + ln n) · (ln((1 + N) / (1 + d)) + 1), divided by
/// the Euclidean length of all of them: as scikit-learn's `TfidfTransformer(sublinear_tf=True)` has it.
#[derive(Clone, Debug)]
pub struct TfidfVectorizer {
    rows: HashMap<Feature, u32>,
    features: Vec<Feature>,
    /// ln((1 + N) / (1 + d)) + 1 of each feature.
    idf: Vec<f32>,
    character_fallback: CharacterFallback,
}

impl TfidfVectorizer {
    /// For `features` of texts that are spelt so, which must all be different, each with its ln((1 + N) / (1 + d)) + 1.
    pub fn new(
        features: Vec<Feature>,
        idf: Vec<f32>,
        character_fallback: CharacterFallback,
    ) -> Result<Self, String> {
        if features.len() != idf.len() || features.len() > u32::MAX as usize {
            return Err("its wide features and what they weigh differ in number".into());
        }
        if idf.iter().any(|idf| idf.is_nan() || *idf <= 0.0) {
            return Err("a wide feature weighs nothing".into());
        }
        let rows: HashMap<Feature, u32> = features.iter().copied().zip(0..).collect();
        if rows.len() != features.len() {
            return Err("a wide feature is there twice".into());
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

    /// What each feature weighs for being rare.
    pub fn idf(&self) -> &[f32] {
        &self.idf
    }

    /// How texts are spelt.
    pub fn character_fallback(&self) -> &CharacterFallback {
        &self.character_fallback
    }

    /// The rows of the features that a text has, in order, with their values: of unit length, or none.
    pub fn row(&self, text: &[u32]) -> Vec<(u32, f32)> {
        let counts = self.counts(text);
        let length = self.length(&counts);
        (counts.into_iter())
            .map(|(row, count)| (row, (self.value(row, count) / length) as f32))
            .collect()
    }

    /// The rows of the features that a text has, in order, with how often each is there.
    fn counts(&self, text: &[u32]) -> Vec<(u32, u32)> {
        let counts = count(&self.character_fallback.spell(text)).into_iter();
        let mut counts: Vec<(u32, u32)> = counts
            .filter_map(|(feature, count)| Some((*self.rows.get(&feature)?, count)))
            .collect();
        // Sums over them are to come out the same whatever the order of the hash table.
        counts.sort_unstable_by_key(|&(row, _)| row);
        counts
    }

    /// A feature's value before it is divided by the length.
    fn value(&self, row: u32, count: u32) -> f64 {
        match count {
            0 => 0.0,
            count => (1.0 + f64::from(count).ln()) * f64::from(self.idf[row as usize]),
        }
    }

    fn length(&self, counts: &[(u32, u32)]) -> f64 {
        let squares = (counts.iter()).map(|&(row, count)| self.value(row, count).powi(2));
        squares.sum::<f64>().sqrt()
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
    /// From its parts as a bundle holds them: `weights` is `[features, Σ classes]`, the others `[Σ classes]`.
    pub fn from_parts(
        vectorizer: TfidfVectorizer,
        weights: Vec<i8>,
        scales: Vec<f32>,
        bias: Vec<f32>,
    ) -> Result<Self, String> {
        if scales.len() != bias.len() || weights.len() != vectorizer.features.len() * bias.len() {
            return Err("its wide component has weights of another number".into());
        }
        Ok(Self {
            vectorizer,
            weights,
            scales,
            bias,
        })
    }

    /// From weights, `[features, Σ classes]`, which are rounded to 8 bits, each class's by its largest.
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

    /// The features and what they weigh.
    pub fn vectorizer(&self) -> &TfidfVectorizer {
        &self.vectorizer
    }

    /// `[features, Σ classes]`, in units of [`scales`](Self::scales).
    pub fn weights(&self) -> &[i8] {
        &self.weights
    }

    /// What a weight's unit is, for each class of each task.
    pub fn scales(&self) -> &[f32] {
        &self.scales
    }

    /// The branch with weights of at most `largest` (1 to 127) instead of 127, and what features weigh for being rare as
    /// `round` has it. What is rounded more coarsely packs better.
    pub fn coarser(mut self, largest: i8, round: impl Fn(f32) -> f32) -> Self {
        let factor = f32::from(largest) / 127.0;
        for weight in &mut self.weights {
            *weight = (f32::from(*weight) * factor).round() as i8;
        }
        self.scales.iter_mut().for_each(|scale| *scale /= factor);
        for idf in &mut self.vectorizer.idf {
            *idf = round(*idf);
        }
        self
    }

    /// What a text without any feature scores, for each class of each task.
    pub fn bias(&self) -> &[f32] {
        &self.bias
    }

    /// The branch with the scores of each class of each task multiplied by a factor of its own.
    pub fn scaled(mut self, factors: impl Iterator<Item = f32>) -> Self {
        for ((scale, bias), factor) in self.scales.iter_mut().zip(&mut self.bias).zip(factors) {
            *scale *= factor;
            *bias *= factor;
        }
        self
    }

    /// The branch without the features for which `keep` is false.
    pub fn retain(self, keep: impl Fn(Feature) -> bool) -> Self {
        let classes = self.bias.len();
        let TfidfVectorizer {
            features,
            idf,
            character_fallback,
            ..
        } = self.vectorizer;
        let kept: Vec<usize> = (0..features.len())
            .filter(|&row| keep(features[row]))
            .collect();
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

    /// What the branch adds to the logits of a text of word ids, `[Σ classes]`.
    pub fn scores(&self, text: &[u32]) -> Vec<f32> {
        let sums = Sums::new(self, text);
        self.scores_of(&sums.products, sums.squares)
    }

    /// What [`scores`](Self::scores) gives for the text without each of its words in turn.
    pub fn scores_without_each(&self, text: &[u32]) -> impl Iterator<Item = Vec<f32>> {
        let sums = Sums::new(self, text);
        (0..text.len()).map(move |place| sums.without(self, text, place))
    }

    fn scores_of(&self, products: &[f64], squares: f64) -> Vec<f32> {
        // What rounding leaves of a text without a feature is no text.
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

/// What the scores of a text are made of.
struct Sums {
    counts: HashMap<u32, u32>,
    /// The sum over features of the squares of their values.
    squares: f64,
    /// The sum over features of value times weight, `[Σ classes]`.
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
            squares: vectorizer.length(&counts).powi(2),
            counts: counts.into_iter().collect(),
            products,
        }
    }

    /// The scores without the word at `place`: it and up to two pairs go, and its neighbours become a pair.
    fn without(&self, wide: &Wide, text: &[u32], place: usize) -> Vec<f32> {
        let around = &text[place.saturating_sub(1)..(place + 2).min(text.len())];
        let joined: Vec<u32> = (around.iter().enumerate())
            .filter(|(index, _)| *index != place.min(1))
            .map(|(_, &word)| word)
            .collect();
        let mut changes: HashMap<u32, i64> = HashMap::new();
        for (text, change) in [(around, -1), (joined.as_slice(), 1)] {
            for feature in features(&wide.vectorizer.character_fallback.spell(text)) {
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
        spelt(CharacterFallback::default())
    }

    fn spelt(character_fallback: CharacterFallback) -> Wide {
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
        // 大 is no word of its own.
        assert_eq!(
            *character_fallback.spell(&[4, 5, 6, 7]),
            [2, 3, 5, UNKNOWN, 2, 3, 7]
        );
        let texts =
            [[2, 3], [4, 4], [6, 6]].map(|text| spelt(character_fallback.clone()).scores(&text));
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
        assert_eq!(coarse.scores(&[2]), [1.0, 3.0]);
        assert!((coarse.scores(&[3])[0] + 1.0 / 3.0).abs() < 1e-6);
        assert_eq!(wide.retain(|[word, _]| word == 3).scores(&[2]), [0.0, 3.0]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
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
            let wide = spelt(CharacterFallback([(4, vec![2, 3]), (5, vec![3, 3, UNKNOWN])].into()));
            for (place, scores) in wide.scores_without_each(&text).enumerate() {
                let without = [&text[..place], &text[place + 1..]].concat();
                for (fast, exact) in scores.into_iter().zip(wide.scores(&without)) {
                    prop_assert!((fast - exact).abs() < 1e-4, "{place}: {fast} instead of {exact}");
                }
            }
        }
    }
}
