//! A made-up model whose gender shows in two words, and users who write them.

use model_core::bundle::Bundle;
use model_core::wide::{CharacterFallback, TfidfVectorizer, Wide};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use super::model::untrained;

/// The untrained model, but it takes "kitchen" for female and "football" for male.
pub fn informative() -> Bundle {
    let mut bundle = untrained();
    let (football, kitchen) = (4, 7);
    let vectorizer = TfidfVectorizer::new(
        vec![[football, 0], [kitchen, 0]],
        vec![1.0, 1.0],
        CharacterFallback::default(),
    )
    .unwrap();
    // Three classes of age, two of gender.
    let weights = [[0.0, 0.0, 0.0, -2.0, 2.0], [0.0, 0.0, 0.0, 2.0, -2.0]];
    bundle.wide = Wide::quantise(vectorizer, weights.as_flattened(), vec![0.0; 5]).ok();
    bundle
}

/// Users of whom this share is female. Women write "kitchen" more often, and men "football".
pub fn users(count: usize, female: f64, seed: u64) -> Vec<Value> {
    let mut random = StdRng::seed_from_u64(seed);
    (0..count)
        .map(|id| {
            let is_female = (id as f64 + 0.5) / (count as f64) < female;
            let words: Vec<&str> = (0..20)
                .map(|_| match random.random_range(0..10) {
                    0..=2 => ["football", "kitchen"][usize::from(is_female)],
                    3 => ["kitchen", "football"][usize::from(is_female)],
                    4..=6 => "rain",
                    7 => "essay",
                    _ => "tea",
                })
                .collect();
            json!({
                "id": format!("{seed}-{id}"),
                "gender": (["male", "female"][usize::from(is_female)]),
                "month": (["2026-01", "2026-02"][id % 2]),
                "posts": [words.join(" ")],
            })
        })
        .collect()
}
