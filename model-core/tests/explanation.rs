//! Explanations: the evidence of a word equals the effect of removing it from the text.
#![cfg(feature = "training")]

use std::path::Path;

use burn::tensor::Device;
use futures_lite::future::block_on;
use model_core::{
    attribute::{Attribute, CoarseClass},
    aux_lstm::{AuxLstm, AuxLstmSizes, Role},
    bundle::{Bundle, ConfidenceThresholds, LanguageCalibration, Settings},
    calibration::{Calibration, bias_weights},
    card::ModelCard,
    embedding::Embedding,
    explanation::Explanation,
    parameters::{self, Parameters, TensorSpec, glorot_uniform},
    predictor::{Predictor, add, logits},
    reader::Reader,
    text::Segmenter,
    vocabulary::Vocabulary,
    wide::{CharacterFallback, TfidfVectorizer, Wide},
};
use rand::{Rng, SeedableRng, rngs::StdRng};

const WORDS: [&str; 9] = [
    "good", "morning", "football", "essay", "can't", "好", "😀", "<url>", "!",
];

/// An untrained model of age, with coarse classes, and gender.
fn bundle(auxiliary_hidden_size: usize, roles: [Role; 2]) -> Bundle {
    let mut random = StdRng::seed_from_u64(5);
    let dimensions = 6;
    let table: Vec<f32> = (0..(WORDS.len() + 2) * dimensions)
        .map(|_| random.random_range(-2.0..2.0))
        .collect();
    let sizes = AuxLstmSizes {
        input_size: dimensions,
        auxiliary_hidden_size,
        main_hidden_size: 3,
        dense_size: 4,
        tasks: vec![(roles[0], 4), (roles[1], 2)],
    };
    let source = |wanted: &TensorSpec| Ok::<_, ()>(glorot_uniform(wanted, &mut random));
    let network = AuxLstm::new(&mut Parameters::new(&Device::flex(), source), &sizes, 0.0).unwrap();
    let strings = |labels: &[&str]| labels.iter().map(|label| (*label).to_owned()).collect();
    let coarse = |label: &str, classes: &[&str]| CoarseClass {
        label: label.into(),
        classes: strings(classes),
    };
    let attribute = |name: &str, classes: &[&str], coarse_classes: Vec<CoarseClass>| Attribute {
        name: name.into(),
        classes: strings(classes),
        coarse_classes,
    };
    Bundle {
        settings: Settings {
            attributes: vec![
                attribute(
                    "age",
                    &["13", "14", "23", "33+"],
                    vec![
                        coarse("young", &["13", "14"]),
                        coarse("old", &["23", "33+"]),
                    ],
                ),
                attribute("gender", &["female", "male"], vec![]),
            ],
            sizes,
            max_words: 60,
            dictionary: false,
            user_dictionary: String::new(),
            word_frequencies: Vec::new(),
            chinese: None,
            calibrations: [
                Calibration {
                    asymptote: 0.1,
                    length_coefficient: 0.3,
                    ..Calibration::ONE
                },
                Calibration {
                    base_rate_weight: 0.1,
                    ..Calibration::ONE
                },
            ]
            .map(|calibration| {
                LanguageCalibration::measured(calibration, ConfidenceThresholds::both(0.6))
            })
            .to_vec(),
        },
        card: ModelCard::default(),
        vocabulary: Vocabulary::new(WORDS.map(String::from).to_vec()).unwrap(),
        embedding: Embedding::quantise(&table, dimensions).unwrap(),
        parameters: parameters::save(&network),
        wide: Some(wide()),
        seen_users: Vec::new(),
    }
}

/// Scores for some words and pairs of [`WORDS`], of age's four classes and gender's two.
fn wide() -> Wide {
    let features = vec![[2, 0], [4, 0], [10, 0], [2, 3], [3, 2], [9, 9]];
    let vectorizer = TfidfVectorizer::new(
        features,
        vec![1.0, 1.5, 2.0, 2.5, 1.25, 3.0],
        CharacterFallback::default(),
    )
    .unwrap();
    let weights: Vec<f32> = (0..36).map(|n| (n * 7 % 11) as f32 / 5.0 - 1.0).collect();
    Wide::quantise(
        vectorizer,
        &weights,
        vec![0.5, -0.5, 0.0, 0.25, -0.125, 0.125],
    )
    .unwrap()
}

fn predictor(bundle: &Bundle) -> Predictor {
    Predictor::load(&bundle.to_bytes().unwrap(), &Device::flex()).unwrap()
}

fn explain(predictor: &Predictor, posts: &[&str]) -> Explanation {
    let posts: Vec<String> = posts.iter().map(|post| (*post).to_owned()).collect();
    block_on(predictor.explain(&posts)).unwrap()
}

/// The evidence of every word for each class and coarse class, one attribute after the other.
fn evidence(explanation: &Explanation) -> Vec<(&str, &[f32])> {
    (explanation.attributes.iter())
        .flat_map(|(_, evidence)| {
            evidence
                .classes
                .iter()
                .chain(evidence.coarse.iter().flat_map(|coarse| coarse.iter()))
        })
        .map(|(label, values)| (label, values.as_slice()))
        .collect()
}

/// The exact values that [`evidence`] approximates: the whole text is predicted again without each word.
fn exact(bundle: &Bundle, posts: &[&str]) -> Vec<Vec<f64>> {
    let Settings {
        attributes,
        calibrations,
        max_words,
        ..
    } = &bundle.settings;
    let reader = Reader {
        segmenter: Segmenter::new(),
        vocabulary: bundle.vocabulary.clone(),
        max_words: *max_words,
    };
    let text = reader.encode(posts);
    let without: Vec<Vec<u32>> = (0..text.len())
        .map(|place| [&text[..place], &text[place + 1..]].concat())
        .collect();
    let texts: Vec<&[u32]> = (without.iter().map(Vec::as_slice))
        .chain([text.as_slice()])
        .collect();
    let device = Device::flex();
    let network = bundle.network(&device).unwrap();
    let mut logits = block_on(logits(&network, &bundle.embedding, &texts, &device)).unwrap();
    if let Some(wide) = &bundle.wide {
        for (logits, text) in logits.iter_mut().zip(&texts) {
            add(logits, &wide.scores(text));
        }
    }
    let whole = logits.pop().unwrap();

    let mut result = Vec::new();
    for (task, attribute) in attributes.iter().enumerate() {
        let calibration = &calibrations[task].calibration;
        let temperature = f64::from(calibration.temperature(text.len()));
        let base_rates = calibration.base_rates(attribute.classes.len());
        let equal = attribute.equal_base_rates();
        // The softmax under equal base rates.
        let power = |class: usize, logit: f32| {
            let weights = bias_weights(text.len()).into_iter();
            let bias: f64 = (weights.zip(&calibration.biases))
                .map(|(weight, biases)| weight * f64::from(biases[class]))
                .sum();
            let factor = equal[class] / f64::from(base_rates[class]);
            (f64::from(logit) / temperature + bias).exp() * factor
        };
        let mut add = |is_member: &dyn Fn(usize) -> bool| {
            let log_odds = |logits: &Vec<Vec<f32>>| {
                let mut sums = [0.0, 0.0];
                for (class, &logit) in logits[task].iter().enumerate() {
                    sums[usize::from(is_member(class))] += power(class, logit);
                }
                (sums[1] / sums[0]).ln()
            };
            result.push(
                logits
                    .iter()
                    .map(|without| log_odds(&whole) - log_odds(without))
                    .collect(),
            );
        };
        for class in 0..attribute.classes.len() {
            add(&|other| other == class);
        }
        for coarse in 0..attribute.coarse_classes.len() {
            add(&|class| attribute.coarse_class_of(class) == Some(coarse));
        }
    }
    result
}

#[test]
fn in_a_short_text_evidence_equals_the_effect_of_removing_the_word() {
    use Role::{Auxiliary, Main};
    let mut random = StdRng::seed_from_u64(3);
    for (auxiliary, roles) in [(5, [Main, Auxiliary]), (5, [Main, Main]), (0, [Main, Main])] {
        let bundle = bundle(auxiliary, roles);
        let predictor = predictor(&bundle);
        // At most as many words as a window holds.
        for length in [1, 2, 3, 10, 32, 33] {
            let words: Vec<&str> = (0..length)
                .map(|_| {
                    *["unheard", "of"]
                        .iter()
                        .chain(&WORDS)
                        .nth(random.random_range(0..11))
                        .unwrap()
                })
                .collect();
            let post = words.join(" ");
            let explanation = explain(&predictor, &[&post]);
            let evidence = evidence(&explanation);
            let exact = exact(&bundle, &[&post]);
            let labels: Vec<&str> = evidence.iter().map(|(label, _)| *label).collect();
            assert_eq!(
                labels,
                ["13", "14", "23", "33+", "young", "old", "female", "male"]
            );
            assert_eq!(explanation.words.len(), length, "{post}");
            for ((label, values), exact) in evidence.iter().zip(&exact) {
                assert_eq!(values.len(), exact.len());
                for (value, exact) in values.iter().zip(exact) {
                    assert!(
                        (f64::from(*value) - exact).abs() < 1e-4,
                        "{label}: {value}, not {exact}, in {post:?}"
                    );
                }
                assert!(
                    exact.iter().any(|value| value.abs() > 1e-3),
                    "{label} in {post:?}"
                );
            }
            let [female, male] = &evidence[6..] else {
                panic!("two classes");
            };
            let opposite: Vec<f32> = male.1.iter().map(|value| -value).collect();
            assert_eq!(female.1, opposite);
        }
    }
}

/// Made-up posts.
const LONG: [&str; 3] = [
    "So today was my first day back at school and it was sooo boring!! My math teacher gave us like ten pages of homework \
     already, can you believe it? Jenny and I sat at the back and drew little cats on her notebook for the whole lesson lol. \
     After lunch we had gym and I fell over my own shoes in front of everybody, how embarrassing is that. My mom picked me up \
     at three and we went to the mall because I needed new jeans. I found a really cute pair but they were way too expensive, \
     so I have to wait for my birthday in october. Then my brother came home with his stupid friends and they played video \
     games so loud that I could not hear my own music. I hate it when they do that! Anyway I have to go to bed now because my \
     dad says that eleven is too late on a school night. Love you guys, write me something nice :)",
    "We moved the whole database to the new server over the weekend, and of course nothing went as planned. The vendor had \
     promised that the software would run under the current release of the operating system; it does not. My manager called \
     me twice on Sunday morning while I was trying to have breakfast with my wife and our two kids. In the end a colleague \
     in the London office found a configuration file from 1999 that nobody had touched since the last project, and by four \
     in the afternoon the customers could log in again. I opened a beer, sat down on the porch and watched the dog chase \
     leaves. On days like this I wonder whether I should have become a carpenter, as my father wanted. A table stays a \
     table, it does not need a patch every Tuesday. On the other hand the mortgage has to be paid, and the company has been \
     decent to us since the baby was born.",
    "Tonight I finished the painting that I have been working on since spring. It shows the harbour at dawn, with the old \
     boats and the women who mend the nets, and a light that I have tried to catch for years and never could. My husband \
     says it is the best I have made; he says so every time, bless him. Next month there is the exhibition in the church \
     hall, and I still have to frame eleven pictures, write the labels and bake for the opening. I lie awake and think of \
     all that can go wrong. But when the house is quiet and I stand in front of the easel, I would not trade my life for \
     anything in the world. http://www.example.org has some photographs, if you would like to see. Thank you all for your \
     kind words after the funeral, they meant more to me than I can say.",
];

/// The correlation of two series.
fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let product = |a: &[f64], mean_a, b: &[f64], mean_b| -> f64 {
        (a.iter().zip(b))
            .map(|(a, b)| (a - mean_a) * (b - mean_b))
            .sum()
    };
    product(a, mean_a, b, mean_b)
        / (product(a, mean_a, a, mean_a) * product(b, mean_b, b, mean_b)).sqrt()
}

#[test]
fn in_a_long_text_a_window_is_as_good_as_the_whole() {
    let path = Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"))
        .join("../public/models/en.safetensors");
    let bytes = std::fs::read(path).unwrap();
    let bundle = Bundle::from_bytes(&bytes).unwrap();
    let predictor = Predictor::load(&bytes, &Device::flex()).unwrap();
    // More words than are removed in one pass.
    let posts = [LONG[0], LONG[1], LONG[2], LONG[0]];
    let explanation = explain(&predictor, &posts);
    assert!(explanation.words.len() > 600);
    for ((label, values), exact) in evidence(&explanation).iter().zip(exact(&bundle, &posts)) {
        let values: Vec<f64> = values.iter().copied().map(f64::from).collect();
        let correlation = correlation(&values, &exact);
        assert!(correlation > 0.99, "{label}: correlation {correlation}");
        let largest = exact
            .iter()
            .fold(0f64, |largest, value| largest.max(value.abs()));
        for (value, exact) in values.iter().zip(&exact) {
            let error = (value - exact).abs();
            // So the sign is right too, unless the evidence is close to 0.
            assert!(error < 0.02 * largest, "{label}: {value}, not {exact}");
        }
    }
}

#[test]
fn all_of_a_very_long_text_is_read_and_its_first_words_are_explained() {
    let mut bundle = bundle(5, [Role::Main, Role::Auxiliary]);
    bundle.settings.max_words = 6_000;
    let predictor = predictor(&bundle);
    let (beginning, end) = ("good unheard ".repeat(2_500), "morning ".repeat(400));
    let explanation = explain(&predictor, &[&beginning, &end]);
    assert_eq!(explanation.prediction.words, 5_400);
    assert_eq!(explanation.words.len(), 5_000);
    for (label, values) in evidence(&explanation) {
        assert_eq!(values.len(), 5_000, "{label}");
    }
    let whole = block_on(predictor.predict(&[vec![beginning, end]])).unwrap();
    assert_eq!(explanation.prediction, whole[0]);
}

#[test]
fn words_are_found_again_in_the_posts_as_given() {
    let posts = [
        "I 😀 LOVE 咖啡！ http://t.cn/AbC",
        "",
        "Ｇｏｏｄ soooooo 👍🏽 it’s",
    ];
    let explanation = explain(&predictor(&bundle(5, [Role::Main; 2])), &posts);
    let words: Vec<(usize, &str, bool)> = (explanation.words.iter())
        .map(|word| {
            (
                word.post,
                &posts[word.post][word.start..word.end],
                word.known,
            )
        })
        .collect();
    assert_eq!(
        words,
        [
            (0, "I", false),
            (0, "😀", true),
            (0, "LOVE", false),
            (0, "咖", false),
            (0, "啡", false),
            (0, "！", true),
            (0, "http://t.cn/AbC", true),
            (2, "Ｇｏｏｄ", true),
            (2, "soooooo", false),
            (2, "👍🏽", false),
            (2, "it’s", false),
        ]
    );
    assert_eq!(explanation.prediction.words, words.len());
    assert_eq!(explanation.prediction.known_words, 4);
}

#[test]
fn there_is_an_explanation_whatever_the_posts_and_the_model() {
    let long = "good unheard ".repeat(200);
    let mut confident = bundle(5, [Role::Main, Role::Auxiliary]);
    for task in &mut confident.settings.calibrations {
        task.calibration.asymptote = 1e-44;
    }
    let mut one_coarse_class = bundle(5, [Role::Main, Role::Auxiliary]);
    let age = &mut one_coarse_class.settings.attributes[0];
    let others = age.coarse_classes.pop().unwrap();
    age.coarse_classes[0].classes.extend(others.classes);
    for bundle in [
        bundle(5, [Role::Main, Role::Auxiliary]),
        confident,
        one_coarse_class,
    ] {
        let predictor = predictor(&bundle);
        let cases: [(&[&str], usize); 6] = [
            (&[], 0),
            (&["", " . "], 0),
            (&["good"], 1),
            (&["unheard"], 1),
            (&["unheard of", "either"], 3),
            (&["morning", &long, "good"], bundle.settings.max_words),
        ];
        for (posts, words) in cases {
            let explanation = explain(&predictor, posts);
            assert_eq!(explanation.words.len(), words, "{posts:?}");
            for (label, values) in evidence(&explanation) {
                assert_eq!(values.len(), words, "{posts:?}");
                assert!(
                    values.iter().all(|value| value.is_finite()),
                    "{label} of {posts:?}: {values:?}"
                );
            }
            let users = [posts.iter().map(|post| (*post).to_owned()).collect()];
            let predictions = block_on(predictor.predict(&users)).unwrap();
            assert_eq!(explanation.prediction, predictions[0]);
        }
    }
}

#[test]
fn a_class_without_a_share_had_evidence_that_was_no_number() {
    let mut predictor = predictor(&bundle(5, [Role::Main; 2]));
    let shares =
        r#"{"age": {"13": 0, "14": 0, "23": 0.5, "33+": 0.5}, "gender": {"female": 0, "male": 1}}"#;
    predictor
        .use_base_rates(serde_json::from_str(shares).unwrap())
        .unwrap();
    let explanation = explain(&predictor, &["good essay"]);
    let age = explanation.attributes.get("age").unwrap();
    for label in ["13", "14"] {
        assert_eq!(age.classes.get(label).unwrap(), &[0.0; 2]);
    }
    assert_ne!(age.classes.get("23").unwrap(), &[0.0; 2]);
    for label in ["young", "old"] {
        assert_eq!(age.coarse.as_ref().unwrap().get(label).unwrap(), &[0.0; 2]);
    }
    let gender = explanation.attributes.get("gender").unwrap();
    assert!((gender.classes.iter()).all(|(_, values)| values == &[0.0; 2]));
}

#[test]
fn an_explanation_is_plain_json() {
    let explanation = explain(&predictor(&bundle(5, [Role::Main; 2])), &["good essay"]);
    let json = serde_json::to_value(&explanation).unwrap();
    let word = r#"{"post":0,"start":5,"end":10,"known":true}"#;
    assert_eq!(json["words"][1].to_string(), word);
    let gender = &json["attributes"]["gender"];
    assert_eq!(gender["classes"]["female"].as_array().unwrap().len(), 2);
    assert!(gender.get("coarse").is_none());
    assert!(json["attributes"]["age"]["coarse"]["young"][0].is_number());
    let read: Explanation = serde_json::from_value(json).unwrap();
    assert_eq!(read.words, explanation.words);
    assert_eq!(evidence(&read).len(), evidence(&explanation).len());
}
