//! Times training on synthetic text: `cargo bench -p skip-gram`.
//!
//! 100,000 words whose frequencies follow Zipf's law, of a vocabulary of 20,000. The argument is the length of a vector.

use divan::Bencher;
use skip_gram::{Sentences, Settings, train};

const WORDS: u32 = 20_000;

fn main() {
    divan::main();
}

#[divan::bench(args = [100, 200, 300])]
fn skip_gram(bencher: Bencher, dimensions: u16) {
    let mut state = 1_u64;
    let mut word = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let share = (state >> 40) as f64 / f64::from(1 << 24);
        f64::from(WORDS).powf(share) as u32 - 1
    };
    let sentences: Vec<Vec<u32>> = (0..5000)
        .map(|_| (0..20).map(|_| word()).collect())
        .collect();
    let mut counts = vec![1; WORDS as usize];
    for &word in sentences.iter().flatten() {
        counts[word as usize] += 1;
    }
    let settings = Settings {
        dimensions,
        epochs: 1,
        ..Settings::default()
    };
    bencher.bench(|| {
        train(
            &Sentences(&sentences),
            &counts,
            &settings,
            &false.into(),
            |_| {},
        )
    });
}
