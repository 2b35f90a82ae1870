//! Alignment of word vectors: maps the vectors of one language into the space of another.
//!
//! The map is orthogonal, so it preserves the distances within a language. It is learned from pairs of translations by
//! orthogonal Procrustes (Schönemann 1966). Each further round adds the pairs that are mutual nearest neighbours after the
//! last one (Artetxe et al. 2018; Conneau et al. 2018).

mod dictionary;
mod neighbours;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use burn::tensor::Device;
use model_core::language::is_han;
use nalgebra::DMatrix;
use rayon::prelude::*;

use crate::word2vec::Vectors;
use neighbours::{Neighbours, Unit, mutual, normalise};

pub use dictionary::read as read_dictionary;

/// The settings of an alignment.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The number of words of each language, most frequent first, that can be in pairs.
    pub words: usize,
    /// The number of rounds after the first, which learns from the dictionary.
    pub rounds: usize,
    /// The share of the dictionary's words that are held out to measure the alignment.
    pub held_out: f64,
    /// The seed that selects the held-out words.
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

/// Vectors of two languages in one space, with the precision of translations.
#[derive(Clone, Debug, PartialEq)]
pub struct Alignment {
    /// The words of both languages, alternately and most frequent first. A word of both has the target's vector.
    pub vectors: Vectors,
    /// The number of pairs of the dictionary used for learning.
    pub dictionary_pairs: usize,
    /// The number of words spelled alike in both languages, which were used too.
    pub shared_words: usize,
    /// The state after each round. The first learns from the dictionary and the shared words only.
    pub rounds: Vec<Round>,
}

/// The precision on the held-out words after a round.
#[derive(Clone, Debug, PartialEq)]
pub struct Round {
    /// The number of pairs used for learning.
    pub pairs: usize,
    /// The precision from source to target.
    pub forth: Precision,
    /// The precision from target to source.
    pub back: Precision,
}

/// The number of words with a translation among their nearest neighbours of the other language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Precision {
    /// The number of held-out words.
    pub words: usize,
    /// Words whose nearest neighbour is a translation of the dictionary.
    pub at_1: usize,
    /// Words with a translation among the five nearest neighbours.
    pub at_5: usize,
}

/// Why vectors cannot be aligned.
#[derive(Debug, thiserror::Error)]
pub enum AlignmentError {
    /// The vectors have different lengths.
    #[error("the vectors have {0} and {1} dimensions; both need the same number")]
    Dimensions(usize, usize),
    /// There are too few pairs.
    #[error(
        "the dictionary has {0} pairs of words that both files have among their first {1}, at least {LEAST_PAIRS} are needed"
    )]
    Pairs(usize, usize),
}

/// The minimum number of pairs.
const LEAST_PAIRS: usize = 20;

/// Maps the vectors of `source` into the space of `target`. `dictionary` has pairs of translations, in either direction.
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
    let known = |turned: bool, tested: bool| -> Vec<Pair> {
        (dictionary.iter())
            .map(|(one, other)| if turned { (other, one) } else { (one, other) })
            .filter(|(word, _)| is_held_out(word, settings.held_out, settings.seed) == tested)
            .filter_map(|(one, other)| {
                Some((*ids.get(one.as_str())?, *other_ids.get(other.as_str())?))
            })
            .collect()
    };
    let is_turned = known(true, false).len() > known(false, false).len();
    let (learned, tested) = (known(is_turned, false), known(is_turned, true));
    let found = learned.len() + tested.len();
    if found < LEAST_PAIRS {
        return Err(AlignmentError::Pairs(found, settings.words));
    }
    // Shared words must not be Chinese: a Chinese word in English text is mostly a quotation.
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

/// A word of the source and a word of the target, as indices.
type Pair = (usize, usize);

/// Pairs of translations.
struct Pairs {
    /// Pairs of the dictionary to learn from.
    learned: Vec<Pair>,
    /// Words that are spelled alike.
    shared: Vec<Pair>,
    /// Held-out pairs of the dictionary.
    tested: Vec<Pair>,
}

/// Learns the map. Returns the source's vectors in the target's space, and the rounds.
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
    // All words are mapped, at the target's scale. The mean text of the source is moved to the mean text of the target, not
    // the mean of one vocabulary to that of the other, because models read texts.
    let scale = deviation(target, &other_mean) / deviation(source, &mean).max(f32::MIN_POSITIVE);
    let moved = Vectors {
        values: moved(source, &of_text(source), &map, scale, &of_text(target)),
        ..source.clone()
    };
    (moved, rounds)
}

/// The indices of the first `most` words.
fn ids(words: &[String], most: usize) -> HashMap<&str, usize> {
    let words = words.iter().take(most).enumerate();
    words.map(|(id, word)| (word.as_str(), id)).collect()
}

/// Whether the pairs with this word of the source are to test on and not to learn from. It depends on nothing else, so that vectors
/// are trained and aligned without the same words.
pub fn is_held_out(word: &str, share: f64, seed: u64) -> bool {
    let hash = crc32fast::hash(format!("{seed} {word}").as_bytes());
    f64::from(hash) < share * f64::from(u32::MAX)
}

/// Divides the vectors of a file in which both languages have words: those of words with Chinese characters, and the others.
pub fn by_script(vectors: &Vectors) -> (Vectors, Vectors) {
    let of = |is_chinese: bool| {
        let rows = (vectors.words.iter()).zip(vectors.values.chunks_exact(vectors.dimensions));
        let rows = rows.filter(|(word, _)| word.contains(is_han) == is_chinese);
        let (words, rows): (Vec<String>, Vec<&[f32]>) =
            rows.map(|(word, row)| (word.clone(), row)).unzip();
        Vectors {
            words,
            values: rows.concat(),
            dimensions: vectors.dimensions,
        }
    };
    (of(true), of(false))
}

/// The mean of the first vectors of a language, and these vectors centred by it and scaled to length 1.
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

/// The approximate mean vector of a text. Words are sorted by frequency, so by Zipf's law (1949) the frequency of the n-th is
/// about 1/n.
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

/// The root mean square distance of vectors from `mean`.
fn deviation(vectors: &Vectors, mean: &[f32]) -> f32 {
    let squares: f64 = (vectors.values.chunks_exact(vectors.dimensions))
        .flat_map(|row| row.iter().zip(mean))
        .map(|(value, mean)| f64::from(value - mean).powi(2))
        .sum();
    (squares / vectors.words.len().max(1) as f64).sqrt() as f32
}

/// The orthogonal matrix W, in row-major order, that minimises the sum of ‖x W − y‖² over the pairs of rows x of `from` and y of
/// `to`: U Vᵀ of the singular value decomposition of XᵀY.
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
    let map = u.expect("svd was asked for U") * v.expect("svd was asked for V");
    // nalgebra's matrices are in column-major order.
    map.transpose().iter().map(|&value| value as f32).collect()
}

/// The product of `values`, `[rows, dimensions]`, and the square matrix `map`.
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

/// (vectors − `from`) · `map` · `scale` + `to`.
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

/// The precision of pairs, from each word's nearest neighbours.
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

/// The words of both languages, alternately and by their frequency, without those of the source that the target has.
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
