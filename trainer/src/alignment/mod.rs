//! Alignment: the word vectors of one language in the space of another's.
//!
//! The map is orthogonal, so that the words of a language stay as near to each other as they were. It is learned from pairs of
//! words that mean the same, by orthogonal Procrustes (Schönemann 1966); pairs that turn out to be each other's nearest
//! neighbours are learned from in the next round (Artetxe et al. 2018; Conneau et al. 2018).

mod dictionary;
mod neighbours;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use burn::tensor::Device;
use model_core::language::is_han;
use nalgebra::DMatrix;
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use rayon::prelude::*;

use crate::word2vec::Vectors;
use neighbours::{Neighbours, Unit, mutual, normalise};

pub use dictionary::{DictionaryError, read as read_dictionary};

/// How vectors are aligned.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The most frequent words of each language, so many of them, are what pairs are found and tested among.
    pub words: usize,
    /// Rounds of finding pairs and learning from them, after the one from the dictionary.
    pub rounds: usize,
    /// The share of the dictionary's words that are not learned from, and that the alignment is measured on.
    pub held_out: f64,
    /// Decides which these are.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            words: 20_000,
            rounds: 5,
            held_out: 0.2,
            seed: 1,
        }
    }
}

/// Vectors of two languages in one space, and how well words translate by it.
#[derive(Clone, Debug, PartialEq)]
pub struct Alignment {
    /// The words of both languages, the most frequent ones of each first; a word of both has one vector, the target's.
    pub vectors: Vectors,
    /// Pairs of the dictionary that were learned from.
    pub dictionary_pairs: usize,
    /// Words spelled alike in both languages, which were learned from too.
    pub shared_words: usize,
    /// After each round, the first of which learned from the dictionary and the shared words alone.
    pub rounds: Vec<Round>,
}

/// How well the held-out words translate after a round.
#[derive(Clone, Debug, PartialEq)]
pub struct Round {
    /// The pairs that were learned from.
    pub pairs: usize,
    /// From the source's words to the target's.
    pub forth: Precision,
    /// The other way.
    pub back: Precision,
}

/// How often a word's translation is among its nearest words of the other language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Precision {
    /// Words that were tried.
    pub words: usize,
    /// Those of them with a translation of the dictionary nearest to them.
    pub at_1: usize,
    /// Those of them with one among the five nearest.
    pub at_5: usize,
}

/// Why vectors cannot be aligned.
#[derive(Debug, thiserror::Error)]
pub enum AlignmentError {
    /// Vectors of different length are in no one space.
    #[error("the vectors have {0} and {1} dimensions; train both with the same --dimensions")]
    Dimensions(usize, usize),
    /// There is too little to learn from.
    #[error(
        "the dictionary has {0} pairs of words that both files have among their first {1}, at least {LEAST_PAIRS} are needed"
    )]
    Pairs(usize, usize),
}

/// With fewer pairs than this there is nothing to learn from.
const LEAST_PAIRS: usize = 20;

/// Puts the vectors of `source` into the space of `target`. `dictionary` has words with their translations; in whichever
/// direction.
pub fn align(
    source: &Vectors,
    target: &Vectors,
    dictionary: &[(String, String)],
    settings: &Settings,
) -> Result<Alignment, AlignmentError> {
    let dimensions = source.dimensions;
    if dimensions != target.dimensions {
        return Err(AlignmentError::Dimensions(dimensions, target.dimensions));
    }
    let [ids, other_ids] = [source, target].map(|vectors| ids(&vectors.words, settings.words));
    let known = |turned: bool| -> Vec<Pair> {
        (dictionary.iter())
            .filter_map(|(one, other)| {
                let (one, other) = if turned { (other, one) } else { (one, other) };
                Some((*ids.get(one.as_str())?, *other_ids.get(other.as_str())?))
            })
            .collect()
    };
    let (as_is, turned) = (known(false), known(true));
    let pairs = if turned.len() > as_is.len() {
        turned
    } else {
        as_is
    };
    if pairs.len() < LEAST_PAIRS {
        return Err(AlignmentError::Pairs(pairs.len(), settings.words));
    }
    let (learned, tested) = hold_out(pairs, settings);
    // A Chinese word in English text, or the other way round, is mostly a quotation.
    let shared = (ids.iter())
        .filter(|(word, _)| !word.contains(is_han))
        .filter_map(|(word, &id)| Some((id, *other_ids.get(word)?)))
        .collect();
    let pairs = Pairs {
        learned,
        shared,
        tested,
    };
    let (moved, rounds) = learn(source, target, &pairs, settings);
    Ok(Alignment {
        vectors: joined(moved, target),
        dictionary_pairs: pairs.learned.len(),
        shared_words: pairs.shared.len(),
        rounds,
    })
}

/// A word of the source and one of the target.
type Pair = (usize, usize);

/// Words that mean the same.
struct Pairs {
    /// Of the dictionary.
    learned: Vec<Pair>,
    /// Words that are spelled alike.
    shared: Vec<Pair>,
    /// Of the dictionary, and not to be learned from.
    tested: Vec<Pair>,
}

/// The source's vectors in the target's space, and how they came there.
fn learn(
    source: &Vectors,
    target: &Vectors,
    pairs: &Pairs,
    settings: &Settings,
) -> (Vectors, Vec<Round>) {
    let dimensions = source.dimensions;
    let [(mean, from), (other_mean, to)] =
        [source, target].map(|vectors| centred(vectors, settings));
    let device = Device::flex();
    let to_unit = Unit::new(&to, dimensions, &device);
    let seeds: BTreeSet<Pair> = (pairs.learned.iter().chain(&pairs.shared).copied()).collect();
    let mut now = seeds.clone();
    let mut rounds = Vec::new();
    let map = loop {
        let map = procrustes(&from, &to, dimensions, &now);
        let mapped = Unit::new(&times(&from, &map, dimensions), dimensions, &device);
        let neighbours = Neighbours::new(&mapped, &to_unit);
        let (forth, back) = (neighbours.nearest(5), neighbours.nearest_back(5));
        let tested = pairs.tested.iter();
        rounds.push(Round {
            pairs: now.len(),
            forth: precision(&forth, tested.clone().copied()),
            back: precision(&back, tested.map(|&(one, other)| (other, one))),
        });
        if rounds.len() > settings.rounds {
            break map;
        }
        now = seeds.iter().copied().chain(mutual(&forth, &back)).collect();
    };
    // All words, not only those that were learned from, at the target's scale. What lies in one place is what is said most:
    // texts of both languages, not their vocabularies.
    let scale = deviation(target, &other_mean) / deviation(source, &mean).max(f32::MIN_POSITIVE);
    let moved = Vectors {
        values: moved(source, &of_text(source), &map, scale, &of_text(target)),
        ..source.clone()
    };
    (moved, rounds)
}

/// The first words with their places.
fn ids(words: &[String], most: usize) -> HashMap<&str, usize> {
    let words = words.iter().take(most).enumerate();
    words.map(|(id, word)| (word.as_str(), id)).collect()
}

/// Divides pairs by their first word: those to learn from, and those to be tested on.
fn hold_out(pairs: Vec<Pair>, settings: &Settings) -> (Vec<Pair>, Vec<Pair>) {
    let mut words: Vec<usize> = pairs.iter().map(|&(word, _)| word).collect();
    words.sort_unstable();
    words.dedup();
    words.shuffle(&mut StdRng::seed_from_u64(settings.seed));
    words.truncate((words.len() as f64 * settings.held_out).round() as usize);
    let tested: BTreeSet<usize> = words.into_iter().collect();
    pairs
        .into_iter()
        .partition(|(word, _)| !tested.contains(word))
}

/// The mean of a language's first vectors made as long as 1, and these less the mean, made as long as 1 again.
fn centred(vectors: &Vectors, settings: &Settings) -> (Vec<f32>, Vec<f32>) {
    let dimensions = vectors.dimensions;
    let mut values = vectors.values.clone();
    values.truncate(settings.words * dimensions);
    let mean = mean(&values, dimensions);
    values.par_chunks_exact_mut(dimensions).for_each(|row| {
        subtract(row, &mean);
        normalise(row);
    });
    (mean, values)
}

fn mean(values: &[f32], dimensions: usize) -> Vec<f32> {
    let mut sums = vec![0.0_f64; dimensions];
    for row in values.chunks_exact(dimensions) {
        for (sum, &value) in sums.iter_mut().zip(row) {
            *sum += f64::from(value);
        }
    }
    let rows = (values.len() / dimensions).max(1) as f64;
    sums.into_iter().map(|sum| (sum / rows) as f32).collect()
}

/// About the mean over the words of a text: the most frequent word comes first, and each comes up as often as its place says it
/// should (Zipf 1949).
fn of_text(vectors: &Vectors) -> Vec<f32> {
    let mut sums = vec![0.0_f64; vectors.dimensions];
    let mut frequencies = 0.0;
    for (place, row) in (1..).zip(vectors.values.chunks_exact(vectors.dimensions)) {
        let frequency = 1.0 / f64::from(place);
        frequencies += frequency;
        for (sum, &value) in sums.iter_mut().zip(row) {
            *sum += frequency * f64::from(value);
        }
    }
    (sums.into_iter())
        .map(|sum| (sum / frequencies.max(f64::MIN_POSITIVE)) as f32)
        .collect()
}

fn subtract(row: &mut [f32], mean: &[f32]) {
    for (value, mean) in row.iter_mut().zip(mean) {
        *value -= mean;
    }
}

/// How far vectors are from `mean`: the root of the mean square.
fn deviation(vectors: &Vectors, mean: &[f32]) -> f32 {
    let squares: f64 = (vectors.values.chunks_exact(vectors.dimensions))
        .flat_map(|row| row.iter().zip(mean))
        .map(|(value, mean)| f64::from(value - mean).powi(2))
        .sum();
    (squares / vectors.words.len().max(1) as f64).sqrt() as f32
}

/// The orthogonal matrix W, row after row, for which the sum of ‖x W − y‖² over the pairs of rows x of `from` and y of `to` is
/// least: U Vᵀ of the singular value decomposition of XᵀY.
fn procrustes(from: &[f32], to: &[f32], dimensions: usize, pairs: &BTreeSet<Pair>) -> Vec<f32> {
    let rows = |values: &[f32], of: fn(&Pair) -> usize| {
        let rows = pairs.iter().map(of);
        let rows: Vec<f64> = rows
            .flat_map(|row| &values[row * dimensions..][..dimensions])
            .map(|&value| f64::from(value))
            .collect();
        // A column for each pair.
        DMatrix::from_vec(dimensions, pairs.len(), rows)
    };
    let covariance = rows(from, |pair| pair.0) * rows(to, |pair| pair.1).transpose();
    let decomposed = covariance.svd(true, true);
    let (u, v) = (decomposed.u, decomposed.v_t);
    let map = u.expect("it was asked for") * v.expect("it was asked for");
    // nalgebra's matrices lie column after column.
    map.transpose().iter().map(|&value| value as f32).collect()
}

/// Each row of `values` times the square matrix `map`.
fn times(values: &[f32], map: &[f32], dimensions: usize) -> Vec<f32> {
    let mut products = vec![0.0; values.len()];
    let rows = products.par_chunks_exact_mut(dimensions);
    rows.zip(values.par_chunks_exact(dimensions))
        .for_each(|(product, row)| {
            for (value, map) in row.iter().zip(map.chunks_exact(dimensions)) {
                for (sum, map) in product.iter_mut().zip(map) {
                    *sum += value * map;
                }
            }
        });
    products
}

/// The vectors as seen from a place, mapped, scaled, and moved to another place.
fn moved(vectors: &Vectors, from: &[f32], map: &[f32], scale: f32, to: &[f32]) -> Vec<f32> {
    let dimensions = vectors.dimensions;
    let mut values = vectors.values.clone();
    (values.par_chunks_exact_mut(dimensions)).for_each(|row| subtract(row, from));
    let mut values = times(&values, map, dimensions);
    values.par_chunks_exact_mut(dimensions).for_each(|row| {
        for (value, to) in row.iter_mut().zip(to) {
            *value = *value * scale + to;
        }
    });
    values
}

/// How often one of a word's translations is among its nearest.
fn precision(nearest: &[Vec<usize>], pairs: impl Iterator<Item = Pair>) -> Precision {
    let mut translations: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (word, translation) in pairs {
        translations.entry(word).or_default().push(translation);
    }
    let found = |most: usize| {
        let found = translations.iter().filter(|(word, translations)| {
            let mut nearest = nearest[**word].iter().take(most);
            nearest.any(|near| translations.contains(near))
        });
        found.count()
    };
    Precision {
        words: translations.len(),
        at_1: found(1),
        at_5: found(5),
    }
}

/// The words of both in turn, by their frequency; those that the target has are left out of the source.
fn joined(source: Vectors, target: &Vectors) -> Vectors {
    let dimensions = target.dimensions;
    let known = ids(&target.words, target.words.len());
    let own = |&(_, word): &(usize, &String)| !known.contains_key(word.as_str());
    let mut of_source = source.words.iter().enumerate().filter(own);
    let mut of_target = target.words.iter().enumerate();
    let mut joined = Vectors {
        words: Vec::new(),
        values: Vec::new(),
        dimensions,
    };
    loop {
        let pair = (of_target.next(), of_source.next());
        if pair == (None, None) {
            return joined;
        }
        for (next, vectors) in [(pair.0, target), (pair.1, &source)] {
            let Some((place, word)) = next else {
                continue;
            };
            joined.words.push(word.clone());
            let row = &vectors.values[place * dimensions..][..dimensions];
            joined.values.extend_from_slice(row);
        }
    }
}

#[cfg(test)]
mod tests;
