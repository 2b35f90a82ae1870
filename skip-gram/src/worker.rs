//! One thread of training.

use pulp::{Arch, Simd, WithSimd};

use crate::Settings;
use crate::alias::AliasTable;
use crate::random::Random;
use crate::rows::{LocalRows, SharedRows};
use crate::step::{Sigmoid, TARGETS, Targets, step};

/// Words with ids below this are frequent, and each thread keeps copies of their output vectors. They are the majority of the
/// negative examples.
const FREQUENT: usize = 256;
/// The number of uses of such a copy after which it is merged with those of other threads.
const USES: u32 = 16;

/// The model that all threads share.
#[derive(Debug)]
pub struct Model {
    /// The vectors of words as context words; these are the result.
    inputs: SharedRows,
    /// The vectors of words as targets.
    outputs: SharedRows,
    negatives: AliasTable,
    /// The probability that an occurrence of a word is kept, of 2³².
    kept: Vec<u32>,
    sigmoid: Sigmoid,
    /// The length of a row: the dimensions, filled up with zeros to whole vectors of the instruction set, and to pairs.
    width: usize,
    dimensions: usize,
}

impl Model {
    pub fn new(counts: &[u64], settings: &Settings) -> Self {
        let dimensions = usize::from(settings.dimensions);
        let width = row_width(dimensions, Arch::new().dispatch(Lanes));
        let mut random = Random::stream(settings.seed, 0);
        let inputs = SharedRows::new(counts.len(), width, |_, column| match column < dimensions {
            true => (random.unit() - 0.5) / dimensions as f32,
            false => 0.0,
        });
        Self {
            inputs,
            outputs: SharedRows::new(counts.len(), width, |_, _| 0.0),
            negatives: AliasTable::new(counts),
            kept: kept(counts, settings.subsample),
            sigmoid: Sigmoid::new(),
            width,
            dimensions,
        }
    }

    /// The vectors of all words.
    pub fn into_vectors(self) -> Vec<f32> {
        drop(self.outputs);
        let mut vectors = Vec::with_capacity(self.kept.len() * self.dimensions);
        let mut row = vec![0.0; self.width];
        for word in 0..self.kept.len() as u32 {
            self.inputs.read(word, &mut row);
            vectors.extend_from_slice(&row[..self.dimensions]);
        }
        vectors
    }
}

/// The length of a row on a processor with this many lanes in a vector. Two numbers share an atomic word.
fn row_width(dimensions: usize, lanes: usize) -> usize {
    dimensions.next_multiple_of(lanes.max(2))
}

/// The number of lanes of a vector.
struct Lanes;

impl WithSimd for Lanes {
    type Output = usize;

    fn with_simd<S: Simd>(self, _: S) -> usize {
        S::F32_LANES
    }
}

/// A word with share f of the text is kept with probability √(t/f) + t/f, as in the program word2vec.
fn kept(counts: &[u64], subsample: f64) -> Vec<u32> {
    let sum: u64 = counts.iter().sum();
    let kept = |&count: &u64| {
        let ratio = subsample * sum as f64 / count.max(1) as f64;
        match subsample == 0.0 {
            true => u32::MAX,
            false => ((ratio.sqrt() + ratio) * f64::from(u32::MAX)) as u32,
        }
    };
    counts.iter().map(kept).collect()
}

/// A thread's state.
#[derive(Debug)]
pub struct Worker<'a> {
    model: &'a Model,
    window: usize,
    negative: usize,
    random: Random,
    contexts: ContextRows,
    targets: TargetRows,
    gradients: Vec<[f32; TARGETS]>,
    /// The words of the sentence that are kept.
    words: Vec<u32>,
}

impl<'a> Worker<'a> {
    pub fn new(model: &'a Model, settings: &Settings) -> Self {
        Self {
            model,
            window: settings.window.into(),
            negative: settings.negative.into(),
            random: Random::new(settings.seed),
            contexts: ContextRows::new(settings.window.into(), model.width),
            targets: TargetRows::new(model),
            gradients: Vec::new(),
            words: Vec::new(),
        }
    }

    /// Begins a part of the text. What is random in it depends on `random` alone, not on earlier parts.
    pub fn begin(&mut self, random: Random) {
        self.random = random;
        self.targets.begin(self.model);
    }

    /// Ends a part of the text.
    pub fn end(&mut self) {
        self.targets.end(self.model);
    }

    /// Trains on one sentence.
    pub fn train(&mut self, sentence: &[u32], rate: f32) {
        let (model, random) = (self.model, &mut self.random);
        self.words.clear();
        self.words.extend(sentence.iter().filter(|&&word| {
            model.kept[word as usize] == u32::MAX || random.next_u32() < model.kept[word as usize]
        }));
        Arch::new().dispatch(Sentence { worker: self, rate });
    }
}

/// The work on a sentence.
struct Sentence<'a, 'b> {
    worker: &'a mut Worker<'b>,
    rate: f32,
}

impl WithSimd for Sentence<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { worker, rate } = self;
        let Worker {
            model,
            window,
            negative,
            random,
            contexts,
            targets,
            gradients,
            words,
        } = worker;
        let window = *window;
        for (center, &word) in words.iter().enumerate() {
            while contexts.entered < words.len().min(center + window + 1) {
                contexts.enter(model, words[contexts.entered]);
            }
            let reach = 1 + random.below(window as u32) as usize;
            contexts.select(center, reach);
            if !contexts.selected.is_empty() {
                let mut left = 1 + *negative;
                while left > 0 {
                    let drawn = left.min(TARGETS);
                    let positive = (left == 1 + *negative).then_some(word);
                    targets.draw(model, random, word, positive, drawn, rate);
                    step(
                        simd,
                        model.width,
                        (contexts.rows.values.get_mut(), &contexts.selected),
                        (targets.rows.values.get_mut(), &targets.chosen),
                        &model.sigmoid,
                        gradients,
                    );
                    targets.put_back(model);
                    left -= drawn;
                }
            }
            if center >= window {
                contexts.leave(model, center - window);
            }
        }
        for position in words.len().saturating_sub(window)..words.len() {
            contexts.leave(model, position);
        }
        contexts.entered = 0;
        contexts.slots.clear();
    }
}

/// Copies of the input vectors of the words around the center.
#[derive(Debug)]
struct ContextRows {
    rows: LocalRows,
    /// The word of each slot, and how many positions in the window have it; 0 if the slot is free.
    held: Vec<(u32, u32)>,
    /// The slot of each position of the sentence so far.
    slots: Vec<usize>,
    /// The number of positions so far.
    entered: usize,
    /// Where the vectors of the present context words begin.
    selected: Vec<usize>,
    width: usize,
}

impl ContextRows {
    fn new(window: usize, width: usize) -> Self {
        // A word enters before another leaves.
        let slots = 2 * window + 1;
        Self {
            rows: LocalRows::new(slots, width),
            held: vec![(0, 0); slots],
            slots: Vec::new(),
            entered: 0,
            selected: Vec::new(),
            width,
        }
    }

    #[inline(always)]
    fn enter(&mut self, model: &Model, word: u32) {
        let mut free = 0;
        let mut found = None;
        for (slot, &(held, positions)) in self.held.iter().enumerate() {
            if positions == 0 {
                free = slot;
            } else if held == word {
                found = Some(slot);
            }
        }
        let slot = found.unwrap_or_else(|| {
            self.rows.load(free, &model.inputs, word);
            self.held[free] = (word, 0);
            free
        });
        self.held[slot].1 += 1;
        self.slots.push(slot);
        self.entered += 1;
    }

    #[inline(always)]
    fn leave(&mut self, model: &Model, position: usize) {
        let slot = self.slots[position];
        let (word, positions) = &mut self.held[slot];
        *positions -= 1;
        if *positions == 0 {
            self.rows.merge(slot, &model.inputs, *word);
        }
    }

    /// Selects the words at most `reach` positions from the center.
    #[inline(always)]
    fn select(&mut self, center: usize, reach: usize) {
        let end = self.slots.len().min(center + reach + 1);
        let before = &self.slots[center.saturating_sub(reach)..center];
        let after = &self.slots[center + 1..end];
        self.selected.clear();
        self.selected
            .extend(before.iter().chain(after).map(|slot| slot * self.width));
    }
}

/// Copies of the output vectors of frequent words and of the present targets.
#[derive(Debug)]
struct TargetRows {
    /// First the frequent words, then one slot for each target, then one of zeros for places without a target.
    rows: LocalRows,
    frequent: usize,
    /// How often a frequent word was used since it was merged.
    uses: Vec<u32>,
    words: [u32; TARGETS],
    count: usize,
    chosen: Targets,
    width: usize,
}

impl TargetRows {
    fn new(model: &Model) -> Self {
        let frequent = model.kept.len().min(FREQUENT);
        Self {
            rows: LocalRows::new(frequent + TARGETS + 1, model.width),
            frequent,
            uses: vec![0; frequent],
            words: [0; TARGETS],
            count: 0,
            chosen: Targets {
                starts: [0; TARGETS],
                labels: [0.0; TARGETS],
                rates: [0.0; TARGETS],
            },
            width: model.width,
        }
    }

    fn begin(&mut self, model: &Model) {
        for word in 0..self.frequent {
            self.rows.load(word, &model.outputs, word as u32);
        }
    }

    fn end(&mut self, model: &Model) {
        for word in 0..self.frequent {
            self.rows.merge(word, &model.outputs, word as u32);
        }
    }

    /// Chooses the positive example, if there is one, and negative ones, `drawn` together. A negative example that is the
    /// center is left out.
    #[inline(always)]
    fn draw(
        &mut self,
        model: &Model,
        random: &mut Random,
        center: u32,
        positive: Option<u32>,
        drawn: usize,
        rate: f32,
    ) {
        self.count = 0;
        if let Some(word) = positive {
            self.words[0] = word;
            self.chosen.labels[0] = 1.0;
            self.chosen.rates[0] = rate;
            self.count = 1;
        }
        for _ in self.count..drawn {
            let word = model.negatives.draw(random);
            if word == center {
                continue;
            }
            if let Some(place) = self.words[..self.count]
                .iter()
                .position(|&other| other == word)
            {
                self.chosen.rates[place] += rate;
                continue;
            }
            self.words[self.count] = word;
            self.chosen.labels[self.count] = 0.0;
            self.chosen.rates[self.count] = rate;
            self.count += 1;
        }
        for place in 0..TARGETS {
            let slot = if place >= self.count {
                self.chosen.rates[place] = 0.0;
                self.frequent + TARGETS
            } else if (self.words[place] as usize) < self.frequent {
                self.words[place] as usize
            } else {
                let slot = self.frequent + place;
                let start = slot * self.width;
                model.outputs.read(
                    self.words[place],
                    &mut self.rows.values.get_mut()[start..][..self.width],
                );
                slot
            };
            self.chosen.starts[place] = slot * self.width;
        }
    }

    /// Writes the vectors back.
    #[inline(always)]
    fn put_back(&mut self, model: &Model) {
        for place in 0..self.count {
            let word = self.words[place];
            if (word as usize) < self.frequent {
                let uses = &mut self.uses[word as usize];
                *uses += 1;
                if *uses == USES {
                    *uses = 0;
                    self.rows.merge(word as usize, &model.outputs, word);
                }
            } else {
                let start = self.chosen.starts[place];
                model
                    .outputs
                    .write(word, &self.rows.values.get_mut()[start..][..self.width]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On processors without vector instructions, vectors of an odd number of dimensions used to panic.
    #[test]
    fn an_odd_number_of_dimensions_needs_no_vector_instructions() {
        assert_eq!([1, 2, 16].map(|lanes| row_width(25, lanes)), [26, 26, 32]);
    }

    #[test]
    fn frequent_words_are_skipped_at_random() {
        // Shares of 0.9, 0.09 and 0.01, and √(t/f) + t/f with t = 0.01.
        let shares = kept(&[900, 90, 10], 0.01);
        let shares = shares
            .into_iter()
            .map(|share| f64::from(share) / 2f64.powi(32));
        for (share, expected) in shares.zip([0.116_52, 0.444_44, 1.0]) {
            assert!((share - expected).abs() < 1e-4, "{share} {expected}");
        }
        assert_eq!(kept(&[900, 90, 10], 0.0), [u32::MAX; 3]);
    }

    #[test]
    fn negative_examples_are_other_words_and_repeated_ones_count_twice() {
        let settings = Settings {
            dimensions: 4,
            ..Settings::default()
        };
        let model = Model::new(&[5, 4, 3], &settings);
        let mut targets = TargetRows::new(&model);
        targets.begin(&model);
        let mut random = Random::new(1);
        for _ in 0..100 {
            targets.draw(&model, &mut random, 1, Some(1), TARGETS, 0.5);
            let words = &targets.words[..targets.count];
            assert_eq!(words[0], 1);
            assert!(!words[1..].contains(&1) && words.len() <= 3, "{words:?}");
            let rates: f32 = targets.chosen.rates.iter().sum();
            assert!((0.5..=3.0).contains(&rates) && targets.chosen.rates[0] == 0.5);
            assert_eq!(
                targets.chosen.labels[..targets.count].iter().sum::<f32>(),
                1.0
            );
            targets.put_back(&model);
        }
    }
}
