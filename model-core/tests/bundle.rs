//! The bundle file: writing and reading give the same bundle, and invalid files are refused.
#![cfg(feature = "training")]

use burn::tensor::Device;
use model_core::{
    attribute::{Attribute, CoarseClass},
    aux_lstm::{AuxLstm, AuxLstmSizes, Role},
    bundle::{
        Bundle, BundleError, ConfidenceThresholds, FORMAT_VERSION, LanguageCalibration,
        METADATA_KEY, Settings,
    },
    calibration::Calibration,
    card::{AttributeFigures, CoveragePoint, ModelCard, ReliabilityBin},
    embedding::Embedding,
    parameters::{self, Parameters, TensorSpec, glorot_uniform},
    prediction::UserPrediction,
    predictor::Predictor,
    vocabulary::Vocabulary,
    wide::{CharacterFallback, TfidfVectorizer, Wide},
};
use rand::{Rng, SeedableRng, rngs::StdRng};

fn attribute(name: &str, classes: &[&str], coarse_classes: &[(&str, &[&str])]) -> Attribute {
    let strings = |labels: &[&str]| labels.iter().map(|label| (*label).to_owned()).collect();
    Attribute {
        name: name.into(),
        classes: strings(classes),
        coarse_classes: coarse_classes
            .iter()
            .map(|(label, of)| CoarseClass {
                label: (*label).into(),
                classes: strings(of),
            })
            .collect(),
    }
}

/// Numbers with all their digits, as the result of a division.
fn figures() -> AttributeFigures {
    AttributeFigures {
        attribute: "gender".into(),
        language: None,
        corpus: None,
        adapted: false,
        users: 1529,
        majority: 0.525833878351864,
        accuracy: 0.5448005232177894,
        precision: 0.13316254503561697,
        recall: 0.17079361136813737,
        macro_f1: Some(0.14285714285714285),
        f: 0.1496486350840324,
        calibration_error: 0.008187476747795365,
        reliability: vec![ReliabilityBin {
            users: 1529,
            confidence: 0.5529879999,
            accuracy: 0.5448005232177894,
        }],
        coverage: vec![CoveragePoint {
            threshold: 0.55,
            coverage: 0.7331589274035317,
            accuracy: 0.5976806422836753,
        }],
    }
}

fn bundle() -> Bundle {
    let mut random = StdRng::seed_from_u64(5);
    let words: Vec<String> = ["good", "morning", "football", "essay", "can't", "好"]
        .map(String::from)
        .to_vec();
    let dimensions = 6;
    let table: Vec<f32> = (0..(words.len() + 2) * dimensions)
        .map(|_| random.random_range(-1.0..1.0))
        .collect();
    let sizes = AuxLstmSizes {
        input_size: dimensions,
        auxiliary_hidden_size: 5,
        main_hidden_size: 3,
        dense_size: 4,
        tasks: vec![(Role::Main, 3), (Role::Auxiliary, 2)],
    };
    let source = |wanted: &TensorSpec| Ok::<_, ()>(glorot_uniform(wanted, &mut random));
    let network = AuxLstm::new(&mut Parameters::new(&Device::flex(), source), &sizes, 0.0).unwrap();
    Bundle {
        settings: Settings {
            attributes: vec![
                attribute(
                    "age",
                    &["13", "14", "33+"],
                    &[("13-14", &["13", "14"]), ("33+", &["33+"])],
                ),
                attribute("gender", &["female", "male"], &[]),
            ],
            sizes,
            max_words: 50,
            dictionary: false,
            user_dictionary: String::new(),
            word_frequencies: Vec::new(),
            chinese: None,
            calibrations: [
                Calibration {
                    asymptote: 1.5,
                    length_coefficient: 3.0,
                    base_rate_weight: 0.1,
                    ..Calibration::ONE
                },
                Calibration::ONE,
            ]
            .map(|calibration| {
                LanguageCalibration::measured(calibration, ConfidenceThresholds::both(0.6))
            })
            .to_vec(),
        },
        card: ModelCard {
            name: "test".into(),
            languages: vec!["en".into()],
            figures: vec![figures()],
            ..ModelCard::default()
        },
        vocabulary: Vocabulary::new(words).unwrap(),
        embedding: Embedding::quantise(&table, dimensions).unwrap(),
        parameters: parameters::save(&network),
        wide: Some(wide()),
        seen_users: vec![7, 0xfedc_ba98],
    }
}

/// Scores for some words and pairs, of age's three classes and gender's two.
fn wide() -> Wide {
    let vectorizer = TfidfVectorizer::new(
        vec![[2, 0], [3, 0], [2, 3]],
        vec![1.0, 1.5, 2.0],
        CharacterFallback::default(),
    )
    .unwrap();
    let weights: Vec<f32> = (0..15).map(|n| (n * 7 % 11) as f32 - 5.0).collect();
    Wide::quantise(vectorizer, &weights, vec![0.5, -0.5, 0.0, 0.25, -0.25]).unwrap()
}

fn predict(predictor: &Predictor, texts: &[&str]) -> Vec<UserPrediction> {
    let users: Vec<Vec<String>> = texts.iter().map(|text| vec![(*text).to_owned()]).collect();
    futures_lite::future::block_on(predictor.predict(&users)).unwrap()
}

#[test]
fn what_is_written_comes_back_and_bytes_are_the_same_each_time() {
    let bundle = bundle();
    let bytes = bundle.to_bytes().unwrap();
    assert_eq!(bytes, bundle.to_bytes().unwrap());
    let read = Bundle::from_bytes(&bytes).unwrap();
    assert_eq!(read.settings, bundle.settings);
    assert_eq!(read.card.name, bundle.card.name);
    // The JSON library may lose a float's last bit.
    let (read_figures, figures) = (&read.card.figures[0], &bundle.card.figures[0]);
    assert!((read_figures.precision - figures.precision).abs() < 1e-12);
    let (read_bin, bin) = (&read_figures.reliability[0], &figures.reliability[0]);
    assert_eq!(read_bin.users, bin.users);
    assert!((read_bin.confidence - bin.confidence).abs() < 1e-12);
    let (read_point, point) = (&read_figures.coverage[0], &figures.coverage[0]);
    assert_eq!(read_point.threshold, point.threshold);
    assert!((read_point.coverage - point.coverage).abs() < 1e-12);
    assert_eq!(read.vocabulary.words(), bundle.vocabulary.words());
    assert_eq!(read.embedding, bundle.embedding);
    assert_eq!(read.seen_users, bundle.seen_users);
    let scores = |bundle: &Bundle| bundle.wide.as_ref().unwrap().scores(&[2, 3, 7]);
    assert_eq!(scores(&read), scores(&bundle));
    assert!(scores(&read) != wide().bias());
    let by_name = |mut parameters: Vec<parameters::NamedTensor>| {
        parameters.sort_by(|a, b| a.name.cmp(&b.name));
        parameters
    };
    assert_eq!(by_name(read.parameters.clone()), by_name(bundle.parameters));
}

/// Figures read with their last bit changed once made a bundle disagree with its own checksum.
#[test]
fn a_card_with_long_numbers_is_no_damage() {
    assert!(Bundle::from_bytes(&bundle().to_bytes().unwrap()).is_ok());
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let bytes = bundle().to_bytes().unwrap();
    for length in 0..bytes.len() {
        let error = Bundle::from_bytes(&bytes[..length]).expect_err("a part is no bundle");
        assert!(
            matches!(error, BundleError::Truncated(_)),
            "cut at {length} of {}: {error}",
            bytes.len()
        );
    }
    let mut longer = bytes;
    longer.push(0);
    assert!(matches!(
        Bundle::from_bytes(&longer),
        Err(BundleError::Truncated(_))
    ));
}

#[test]
fn a_changed_byte_is_noticed_wherever_it_is() {
    let bytes = bundle().to_bytes().unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize + 8;
    for at in 0..bytes.len() {
        for bit in [0x01, 0x80] {
            let mut changed = bytes.clone();
            changed[at] ^= bit;
            match Bundle::from_bytes(&changed) {
                Err(_) => {}
                // Padding of the header and the like may change without a meaning.
                Ok(read) => {
                    assert!(at < header, "byte {at} of the tensors changed unnoticed");
                    let same = read.settings == bundle().settings
                        && read.vocabulary.words() == bundle().vocabulary.words()
                        && read.card.name == bundle().card.name;
                    assert!(same, "byte {at} of the header changed unnoticed");
                }
            }
        }
    }
}

#[test]
fn other_files_are_told_from_bundles() {
    let foreign = |bytes: &[u8]| Bundle::from_bytes(bytes).unwrap_err();
    assert!(matches!(foreign(b""), BundleError::Truncated(_)));
    assert!(matches!(
        foreign(b"PK\x03\x04 a zip file of some length"),
        BundleError::Truncated(_) | BundleError::Foreign(_)
    ));
    let plain = safetensors::serialize(
        Vec::<(String, safetensors::tensor::TensorView)>::new(),
        None,
    )
    .unwrap();
    assert!(matches!(foreign(&plain), BundleError::Foreign(_)));
    let mut not_json = 5u64.to_le_bytes().to_vec();
    not_json.extend(b"hello");
    assert!(matches!(foreign(&not_json), BundleError::Foreign(_)));
}

#[test]
fn another_format_version_is_refused_by_name() {
    let of_version = |version: u32| {
        let metadata = std::collections::HashMap::from([(
            METADATA_KEY.to_owned(),
            format!(r#"{{"format_version":{version},"something":"else"}}"#),
        )]);
        let none = Vec::<(String, safetensors::tensor::TensorView)>::new();
        let bytes = safetensors::serialize(none, Some(metadata)).unwrap();
        Bundle::from_bytes(&bytes).unwrap_err()
    };
    let newer = of_version(FORMAT_VERSION + 1);
    assert_eq!(newer, BundleError::Newer(FORMAT_VERSION + 1));
    assert!(newer.to_string().contains("newer program"));
    let older = of_version(4);
    assert_eq!(older, BundleError::Older(4));
    assert!(older.to_string().contains("train the model again"));
}

#[test]
fn a_bundle_may_lack_the_wide_component() {
    let mut bundle = bundle();
    bundle.wide = None;
    let read = Bundle::from_bytes(&bundle.to_bytes().unwrap()).unwrap();
    assert!(read.wide.is_none());
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let refused = |change: &dyn Fn(&mut Bundle)| {
        let mut bundle = bundle();
        change(&mut bundle);
        match bundle
            .to_bytes()
            .and_then(|bytes| Bundle::from_bytes(&bytes))
            .and_then(|bundle| bundle.network(&Device::flex()).map(drop))
        {
            Err(BundleError::Corrupt(what) | BundleError::Unwritable(what)) => what,
            other => panic!("{other:?}"),
        }
    };
    assert!(
        refused(&|bundle| bundle.settings.calibrations[0].calibration.asymptote = 0.0)
            .contains("calibration")
    );
    assert!(refused(&|bundle| bundle.settings.sizes.tasks[0].1 = 4).contains("classes"));
    assert!(
        refused(&|bundle| bundle.settings.sizes.main_hidden_size = usize::MAX / 2)
            .contains("main_hidden_size")
    );
    assert!(refused(&|bundle| bundle.settings.sizes.main_hidden_size = 9).contains("instead of"));
    assert!(refused(&|bundle| bundle.parameters.truncate(3)).contains("missing"));
    assert!(refused(&|bundle| bundle.parameters[0].values[0] = f32::NAN).contains("not finite"));
    let other_classes = |bundle: &mut Bundle| {
        let vectorizer =
            TfidfVectorizer::new(vec![[2, 0]], vec![1.0], CharacterFallback::default()).unwrap();
        bundle.wide = Wide::from_parts(vectorizer, vec![1], vec![1.0], vec![0.0]).ok();
    };
    assert!(refused(&other_classes).contains("wide component"));
    assert!(
        refused(&|bundle| bundle.settings.attributes[1].classes.truncate(1))
            .contains("two classes")
    );
}

#[test]
fn predictions_are_distributions_in_the_users_order() {
    let predictor = Predictor::load(&bundle().to_bytes().unwrap(), &Device::flex()).unwrap();
    let long = "good morning football ".repeat(200);
    let texts = [
        "Good morning",
        "",
        "football essay can't",
        long.as_str(),
        "xyzzy",
        "好",
    ];
    let together = predict(&predictor, &texts);
    for (prediction, text) in together.iter().zip(texts) {
        for (name, attribute) in prediction.predictions.iter() {
            let sum: f32 = attribute
                .probabilities
                .iter()
                .map(|(_, probability)| probability)
                .sum();
            assert!((sum - 1.0).abs() < 1e-5, "{name} of {text:?} sums to {sum}");
        }
        // Neither the other texts nor the padding they bring change a prediction.
        assert_eq!(predict(&predictor, &[text])[0], *prediction);
    }
    assert_eq!((together[0].words, together[0].known_words), (2, 2));
    assert_eq!(together[3].words, 50);
    assert_eq!((together[4].words, together[4].known_words), (1, 0));
    assert_eq!(together[5].known_words, 1);
    let age = together[2].predictions.get("age").unwrap();
    let coarse_classes = age.coarse.as_ref().unwrap();
    let young = age.probabilities.get("13").unwrap() + age.probabilities.get("14").unwrap();
    assert!((coarse_classes.probabilities.get("13-14").unwrap() - young).abs() < 1e-6);
    assert!(age.label.is_some() && together[4].predictions.get("age").unwrap().label.is_none());
}

#[test]
fn predictions_are_json_objects_by_name() {
    let predictor = Predictor::load(&bundle().to_bytes().unwrap(), &Device::flex()).unwrap();
    let prediction = predict(&predictor, &["good essay"]).remove(0);
    let json = serde_json::to_string(&prediction).unwrap();
    assert!(
        json.contains(r#""gender":{"label":""#) && json.contains(r#""probabilities":{"female":"#),
        "{json}"
    );
    assert_eq!(
        serde_json::from_str::<UserPrediction>(&json).unwrap(),
        prediction
    );
}
