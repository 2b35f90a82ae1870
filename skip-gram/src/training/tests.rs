use super::*;
use proptest::prelude::*;

/// Two topics of four words each that never meet.
fn topics() -> Vec<Vec<u32>> {
    let word = |round: usize, place: usize| {
        let word = (place * 5 + round / 2 + place / 3) % 4;
        (word + 4 * (round % 2)) as u32
    };
    (0..3000)
        .map(|round| (0..12).map(|place| word(round, place)).collect())
        .collect()
}

fn settings() -> Settings {
    Settings {
        dimensions: 10,
        window: 2,
        epochs: 3,
        subsample: 0.0,
        ..Settings::default()
    }
}

fn train_topics(settings: &Settings) -> Vec<f32> {
    train(
        &Sentences(&topics()),
        &[4500; 8],
        settings,
        &false.into(),
        |_| {},
    )
    .unwrap()
}

fn cosine(vectors: &[f32], one: usize, other: usize) -> f32 {
    let row = |word: usize| &vectors[word * 10..][..10];
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let (a, b) = (row(one), row(other));
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// The cosines are those of a plain loop in NumPy over the same text.
#[test]
fn words_of_one_topic_come_to_lie_together_as_in_a_plain_loop() {
    let vectors = train_topics(&settings());
    assert_eq!(vectors.len(), 80);
    for (one, other, far) in [(0, 1, 4), (2, 3, 6), (5, 7, 1)] {
        let (near, far) = (cosine(&vectors, one, other), cosine(&vectors, one, far));
        assert!(
            (near - 0.21).abs() < 0.04 && (far - 0.09).abs() < 0.04,
            "{near} {far}"
        );
    }
}

/// With several threads the cosines depend on when each reads what the others have written: from 0.14 to 0.35 for words of one
/// topic on a busy machine.
#[test]
fn several_threads_on_a_busy_machine_tell_the_topics_apart() {
    let vectors = train_topics(&Settings {
        threads: 3,
        ..settings()
    });
    for (one, other, far) in [(0, 1, 4), (2, 3, 6), (5, 7, 1)] {
        let (near, far) = (cosine(&vectors, one, other), cosine(&vectors, one, far));
        assert!(near > far, "{near} {far}");
    }
}

#[test]
fn any_number_of_negative_examples_tells_the_topics_apart() {
    for negative in [1, 13] {
        let vectors = train_topics(&Settings {
            negative,
            ..settings()
        });
        let (near, far) = (cosine(&vectors, 0, 1), cosine(&vectors, 0, 4));
        assert!(near > far + 0.05, "{negative}: {near} {far}");
    }
}

#[test]
fn one_thread_gives_the_same_vectors_each_time() {
    let bits = |seed| -> Vec<u32> {
        let vectors = train_topics(&Settings {
            seed,
            subsample: 0.1,
            ..settings()
        });
        vectors.into_iter().map(f32::to_bits).collect()
    };
    assert_eq!(bits(1), bits(1));
    assert_ne!(bits(1), bits(2));
}

#[test]
fn training_reports_its_progress_and_can_be_interrupted() {
    let interrupt = AtomicBool::new(false);
    let mut shares = Vec::new();
    let long = Settings {
        epochs: 10_000,
        ..settings()
    };
    let result = train(
        &Sentences(&topics()),
        &[4500; 8],
        &long,
        &interrupt,
        |share| {
            shares.push(share);
            if shares.len() == 3 {
                interrupt.store(true, Ordering::Relaxed);
            }
        },
    );
    assert!(matches!(result, Err(Error::Interrupted)));
    assert!(
        shares.is_sorted() && (0.0..1.0).contains(shares.last().unwrap()),
        "{shares:?}"
    );
}

#[test]
fn what_cannot_be_trained_is_an_error() {
    let train = |counts: &[u64], settings| {
        train(
            &Sentences(&topics()),
            counts,
            &settings,
            &false.into(),
            |_| {},
        )
    };
    assert!(matches!(train(&[], settings()), Err(Error::NoWords)));
    let no_threads = Settings {
        threads: 0,
        ..settings()
    };
    let refused = train(&[1; 8], no_threads).unwrap_err().to_string();
    assert_eq!(refused, "the setting threads must be above 0");
    let negative = Settings {
        subsample: -1.0,
        ..settings()
    };
    let refused = train(&[1; 8], negative).unwrap_err().to_string();
    assert_eq!(refused, "the setting subsample must be at least 0");
    let steep = Settings {
        learning_rate: 1e30,
        ..settings()
    };
    assert!(matches!(train(&[4500; 8], steep), Err(Error::Diverged)));

    struct Unreadable;
    impl Source for Unreadable {
        type Error = &'static str;
        fn parts(&self) -> usize {
            5
        }
        fn read(
            &self,
            _: usize,
            _: &mut dyn FnMut(&[u32]) -> ControlFlow<()>,
        ) -> Result<(), Self::Error> {
            Err("gone")
        }
    }
    let result = super::train(&Unreadable, &[1], &settings(), &false.into(), |_| {});
    assert!(matches!(result, Err(Error::Source("gone"))));
}

proptest! {
    // Without optimisation, a case takes a while.
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_sentences_and_settings_give_finite_vectors(
        sentences in prop::collection::vec(prop::collection::vec(0_u32..300, 0..40), 0..20),
        dimensions in 1_u16..40,
        window in 1_u16..60,
        negative in 0_u16..20,
        threads in 1_usize..3,
        subsample in prop::sample::select(&[0.0, 1e-3, 1.0][..]),
    ) {
        let mut counts = vec![1; 300];
        for &word in sentences.iter().flatten() {
            counts[word as usize] += 1;
        }
        let settings = Settings { dimensions, window, negative, threads, subsample, ..settings() };
        let vectors = train(&Sentences(&sentences), &counts, &settings, &false.into(), |_| {}).unwrap();
        prop_assert_eq!(vectors.len(), 300 * usize::from(dimensions));
    }

    #[test]
    fn long_sentences_are_cut_and_words_repeat(words in prop::collection::vec(0_u32..3, 900..3000)) {
        let vectors = train(&Sentences(&[words]), &[9, 9, 9], &settings(), &false.into(), |_| {}).unwrap();
        prop_assert_eq!(vectors.len(), 30);
    }
}
