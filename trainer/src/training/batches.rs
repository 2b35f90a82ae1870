//! The batches of an epoch: the users of each, and a window of each user's text.

use std::ops::Range;

use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};

use super::examples::Example;

/// A user of a batch and the text window that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Index of the user.
    pub user: usize,
    /// The window, as a range of words.
    pub words: Range<usize>,
}

/// The number of batches whose users are sorted by length together. More reduce the padding, fewer keep the batches different
/// from epoch to epoch.
const POOL: usize = 16;

/// The number of batches of an epoch over `users` users. A remainder of less than half a batch joins the last batch: as a
/// batch of its own it would weigh as much as a full one.
pub fn count(users: usize, batch_size: usize) -> usize {
    let rest = users % batch_size;
    (users / batch_size + usize::from(rest >= batch_size.div_ceil(2))).max(usize::from(users > 0))
}

/// The batches of one epoch in order. The same seed and epoch give the same batches, so that an interrupted epoch can be
/// continued.
pub fn of_epoch(
    users: &[Example],
    part: &[usize],
    batch_size: usize,
    window_words: usize,
    seed: u64,
    epoch: usize,
) -> Vec<Vec<Item>> {
    let mut random = StdRng::seed_from_u64(mix(seed, epoch as u64));
    let mut items: Vec<Item> = part
        .iter()
        .map(|&user| {
            let length = users[user].words.len();
            let window = if window_words == 0 {
                length
            } else {
                window_words.min(length)
            };
            let start = random.random_range(0..=length - window);
            Item {
                user,
                words: start..start + window,
            }
        })
        .collect();
    items.shuffle(&mut random);
    for pool in items.chunks_mut(batch_size.saturating_mul(POOL)) {
        pool.sort_by_key(|item| item.words.len());
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

/// A seed from two numbers, such that neighbouring numbers give unrelated seeds (the finaliser of SplitMix64).
pub fn mix(seed: u64, index: u64) -> u64 {
    let mut value = seed.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::{User, UserKey};
    use std::path::Path;

    fn users() -> Vec<Example> {
        (0..500)
            .map(|index| Example {
                key: UserKey::new(Path::new("users.jsonl"), &User::default()),
                words: vec![2; 1 + index % 97].into(),
                classes: vec![],
                intervals: vec![],
                file: 0,
            })
            .collect()
    }

    #[test]
    fn every_user_is_in_one_batch_with_a_window_of_the_text() {
        let users = users();
        let part: Vec<usize> = (0..500).step_by(2).collect();
        let batches = of_epoch(&users, &part, 16, 20, 1, 0);
        let mut seen: Vec<usize> = batches.iter().flatten().map(|item| item.user).collect();
        seen.sort_unstable();
        assert_eq!(seen, part);
        for item in batches.iter().flatten() {
            let length = users[item.user].words.len();
            assert!(item.words.end <= length && item.words.len() == length.min(20));
        }
        let sizes: Vec<usize> = batches.iter().map(Vec::len).collect();
        assert!(sizes.iter().all(|size| (8..24).contains(size)), "{sizes:?}");
        for size in [1, 2, 7, 16, 100, 166, 167, 249, 250, 1000] {
            let batches = of_epoch(&users, &part, size, 20, 1, 0);
            assert_eq!(
                batches.len(),
                count(part.len(), size),
                "{size} users a batch"
            );
        }
        assert_eq!(batches, of_epoch(&users, &part, 16, 20, 1, 0));
        assert_ne!(batches, of_epoch(&users, &part, 16, 20, 1, 1));
    }

    #[test]
    fn batches_hold_texts_of_like_length() {
        let users = users();
        let part: Vec<usize> = (0..500).collect();
        let batches = of_epoch(&users, &part, 16, 0, 1, 0);
        let (words, padded) = batches.iter().fold((0, 0), |(words, padded), batch| {
            let lengths = batch.iter().map(|item| item.words.len());
            (
                words + lengths.clone().sum::<usize>(),
                padded + batch.len() * lengths.max().unwrap_or(0),
            )
        });
        assert!(
            (padded as f64) < 1.15 * words as f64,
            "{padded} steps for {words} words"
        );
    }
}
