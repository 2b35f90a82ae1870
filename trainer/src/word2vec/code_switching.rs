//! Code-switched text, from which words of two languages get vectors in one space: a word is replaced by one of its
//! translations half of the time (Gouws and Søgaard 2015).

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::{Text, TextWriter, TrainingError};

/// How often a word with translations is replaced.
const SHARE: f64 = 0.5;

impl Text {
    /// The text with words replaced by their translations at random. `pairs` are translations of each other; those with a word
    /// that occurs fewer than `min_count` times are not used, because rare words would lend their contexts to others.
    ///
    /// # Errors
    /// If a temporary file cannot be read or written.
    pub fn code_switched(
        self,
        pairs: &[(String, String)],
        min_count: u32,
        seed: u64,
    ) -> Result<Self, TrainingError> {
        let is_frequent = |word: &String| self.counts.get(word) >= u64::from(min_count);
        let mut translations: HashMap<&str, Vec<&str>> = HashMap::new();
        for (one, other) in pairs {
            if one != other && is_frequent(one) && is_frequent(other) {
                translations.entry(one).or_default().push(other);
                translations.entry(other).or_default().push(one);
            }
        }
        let mut rng = StdRng::seed_from_u64(seed);
        let mut switched = TextWriter::new()?;
        let file = File::open(self.file.path()).map_err(TrainingError::TemporaryFile)?;
        for post in BufReader::with_capacity(1 << 20, file).lines() {
            let post = post.map_err(TrainingError::TemporaryFile)?;
            let words = post.split(' ').map(|word| {
                let known = translations.get(word).filter(|_| rng.random_bool(SHARE));
                known
                    .and_then(|known| known.choose(&mut rng))
                    .copied()
                    .unwrap_or(word)
            });
            switched.add_post(words)?;
        }
        switched.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_words_are_replaced_by_frequent_translations() {
        let mut writer = TextWriter::new().unwrap();
        for _ in 0..1000 {
            writer
                .add_post(["cat", "sleeps", "猫", "today"].into_iter())
                .unwrap();
        }
        writer.add_post(["咪"].into_iter()).unwrap();
        let pairs = [("猫", "cat"), ("咪", "cat"), ("狗", "dog")];
        let pairs = pairs.map(|(one, other)| (one.to_owned(), other.to_owned()));
        let text = writer.finish().unwrap();
        let text = text.code_switched(&pairs, 5, 1).unwrap();
        assert_eq!(text.words(), 4001);
        for (word, [least, most]) in [
            ("cat", [900, 1100]),
            ("猫", [900, 1100]),
            ("today", [1000; 2]),
            ("咪", [1; 2]),
        ] {
            let count = text.counts.get(word);
            assert!(least <= count && count <= most, "{word}: {count}");
        }
    }
}
