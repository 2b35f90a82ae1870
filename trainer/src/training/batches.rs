//! The batches of an epoch: the users of each, and a window of each user's text.

use std::{collections::HashMap, ops::Range};

use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};

use super::examples::Example;
use crate::config::{self, Training};

/// A user of a batch and the text window that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Index of the user.
    pub user: usize,
    /// The window, as a range of words.
    pub words: Range<usize>,
}

/// The number of batches whose users are sorted by length together. With more, the texts of a batch are of more equal length,
/// which is faster; with fewer, the batches differ more from epoch to epoch.
const POOL: usize = 16;

/// The number of batches of an epoch over `users` users. A remainder of less than half a batch joins the last batch: as a
/// batch of its own it would weigh as much as a full one.
pub fn count(users: usize, batch_size: usize) -> usize {
    let rest = users % batch_size;
    (users / batch_size + usize::from(rest >= batch_size.div_ceil(2))).max(usize::from(users > 0))
}

/// The batches of one epoch in order. The same seed and epoch give the same batches, so that an interrupted epoch can be
/// continued.
///
/// Texts of like length share a batch, which is faster, unless the settings [mix](Training::mixes_lengths) them.
pub fn of_epoch(
    users: &[Example],
    part: &[usize],
    training: &Training,
    seed: u64,
    epoch: usize,
) -> Vec<Vec<Item>> {
    let batch_size = training.batch_size;
    let mut random = StdRng::seed_from_u64(mix(seed, epoch as u64));
    let mut items: Vec<Item> = part
        .iter()
        .map(|&user| {
            let length = users[user].words.len();
            let window = window_length(training, &mut random).min(length);
            let start = random.random_range(0..=length - window);
            Item {
                user,
                words: start..start + window,
            }
        })
        .collect();
    items.shuffle(&mut random);
    if training.batches == config::Batches::Even {
        interleave(&mut items, |item| users[item.user].file);
    }
    if !training.mixes_lengths() {
        for pool in items.chunks_mut(batch_size.saturating_mul(POOL)) {
            pool.sort_by_key(|item| item.words.len());
        }
    }
    let before_last = count(items.len(), batch_size).saturating_sub(1) * batch_size;
    let (whole, last) = items.split_at(before_last);
    let mut batches: Vec<Vec<Item>> = (whole.chunks(batch_size).chain([last]))
        .filter(|batch| !batch.is_empty())
        .map(<[Item]>::to_vec)
        .collect();
    batches.shuffle(&mut random);
    batches
}

/// Distributes the items of each group evenly over the list. The order within a group stays.
fn interleave(items: &mut [Item], group: impl Fn(&Item) -> usize) {
    let mut sizes: HashMap<usize, usize> = HashMap::new();
    let ranks = items.iter().map(|item| {
        let size = sizes.entry(group(item)).or_default();
        *size += 1;
        *size - 1
    });
    let ranks: Vec<usize> = ranks.collect();
    let place = |(item, rank): (&Item, usize)| (rank as f64 + 0.5) / sizes[&group(item)] as f64;
    let mut placed: Vec<(f64, Item)> = (items.iter().zip(ranks))
        .map(|(item, rank)| (place((item, rank)), item.clone()))
        .collect();
    placed.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    for (item, (_, placed)) in items.iter_mut().zip(placed) {
        *item = placed;
    }
}

/// The length of a window in words, if the text is as long.
fn window_length(training: &Training, random: &mut StdRng) -> usize {
    let longest = match training.window_words {
        0 => return usize::MAX,
        words => words,
    };
    match training.min_window_words {
        0 => longest,
        shortest => {
            let [low, high] = [shortest, longest].map(|words| (words as f64).ln());
            let length = random.random_range(low..=high).exp().round() as usize;
            length.clamp(shortest, longest)
        }
    }
}

/// A seed from two numbers, such that neighbouring numbers give unrelated seeds (the finaliser of SplitMix64).
pub fn mix(seed: u64, index: u64) -> u64 {
    let mut value = seed.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests;
