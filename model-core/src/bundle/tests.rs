use std::collections::HashMap;

use futures_lite::future::block_on;
use rand::{Rng, SeedableRng, rngs::StdRng};
use safetensors::{
    SafeTensors,
    tensor::{Dtype, TensorView},
};

use super::{format::LARGEST, *};
use crate::{
    attribute::CoarseClass,
    aux_lstm::{AuxLstmSizes, Role},
    calibration::Calibration,
    card::{AttributeFigures, ReliabilityBin},
    parameters::{TensorSpec, checksum, save},
    predictor::Predictor,
    wide::{CharacterFallback, TfidfVectorizer},
};

/// A model of one attribute.
fn bundle() -> Bundle {
    let strings = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let sizes = AuxLstmSizes {
        input_size: 2,
        auxiliary_hidden_size: 0,
        main_hidden_size: 3,
        dense_size: 2,
        tasks: vec![(Role::Main, 2)],
    };
    let source = |spec: &TensorSpec| Ok::<_, ()>(vec![0.5; spec.len()]);
    let network = AuxLstm::new(&mut Parameters::new(&Device::flex(), source), &sizes, 0.0).unwrap();
    Bundle {
        settings: Settings {
            attributes: vec![Attribute {
                name: "gender".into(),
                classes: strings(&["female", "male"]),
                coarse_classes: Vec::new(),
            }],
            sizes,
            max_words: 50,
            calibrations: vec![LanguageCalibration::measured(
                Calibration::ONE,
                ConfidenceThresholds::both(0.6),
            )],
            dictionary: false,
            user_dictionary: String::new(),
            word_frequencies: Vec::new(),
            chinese: None,
        },
        card: ModelCard::default(),
        vocabulary: Vocabulary::new(strings(&["good", "morning"])).unwrap(),
        embedding: Embedding::quantise(&[0.5; 8], 2).unwrap(),
        parameters: save(&network),
        wide: Some(wide(2)),
        seen_users: Vec::new(),
    }
}

fn wide(classes: usize) -> Wide {
    let vectorizer =
        TfidfVectorizer::new(vec![[2, 0]], vec![1.0], CharacterFallback::default()).unwrap();
    Wide::from_parts(
        vectorizer,
        vec![1; classes],
        vec![1.0; classes],
        vec![0.0; classes],
    )
    .unwrap()
}

/// Changes after which a bundle cannot be read, each with a part of the error.
type Change = fn(&mut Bundle);
const UNSOUND: [(Change, &str); 18] = [
    (
        |bundle| bundle.settings.calibrations[0].calibration.asymptote = 0.0,
        "calibration",
    ),
    (|bundle| bundle.settings.sizes.tasks[0].1 = 4, "classes"),
    (
        |bundle| bundle.settings.sizes.main_hidden_size = usize::MAX / 2,
        "main_hidden_size",
    ),
    (
        |bundle| bundle.settings.attributes[0].classes.truncate(1),
        "two classes",
    ),
    (
        |bundle| bundle.embedding = Embedding::quantise(&[0.5; 12], 3).unwrap(),
        "differ in dimensions",
    ),
    (
        |bundle| bundle.embedding = Embedding::quantise(&[0.5; 6], 2).unwrap(),
        "differ in number",
    ),
    (
        |bundle| bundle.parameters[0].values[0] = f32::NAN,
        "not finite",
    ),
    (
        |bundle| {
            let by = [f32::INFINITY; 2].into_iter();
            bundle.wide = bundle.wide.take().map(|wide| wide.scaled(by));
        },
        "\"wide.scales\" holds a number that is not finite",
    ),
    (|bundle| bundle.wide = Some(wide(3)), "wide component"),
    (
        |bundle| bundle.settings.sizes.input_size = 20_000,
        "input_size is 20000",
    ),
    // Finite numbers whose products are not: predictions were null.
    (
        |bundle| bundle.embedding = Embedding::from_parts(vec![1; 8], vec![3e38; 4], 2).unwrap(),
        "\"vector_scales\" holds the number 3e38; permitted: at most 1e8",
    ),
    (
        |bundle| bundle.parameters[0].values[0] = -3e38,
        "holds the number -3e38",
    ),
    (
        |bundle| {
            let by = [3e38; 2].into_iter();
            bundle.wide = bundle.wide.take().map(|wide| wide.scaled(by));
        },
        "\"wide.scales\" holds the number 3e38",
    ),
    // Numbers that a browser, which has 32 bits, cannot read.
    (
        |bundle| bundle.settings.max_words = usize::MAX,
        "max_words is 18446744073709551615",
    ),
    (
        |bundle| bundle.card.figures.push(figures(1 << 40, 2)),
        "in its card is 1099511627776",
    ),
    (
        |bundle| bundle.card.figures.push(figures(2, 1 << 53)),
        "in its card is 9007199254740992",
    ),
    (
        |bundle| {
            let settings = &mut bundle.settings;
            settings.attributes.push(settings.attributes[0].clone());
            settings.sizes.tasks.push((Role::Main, 2));
            settings.calibrations.push(settings.calibrations[0].clone());
            bundle.wide = None;
        },
        "\"gender\" is there twice",
    ),
    (
        |bundle| {
            bundle.settings.attributes[0].coarse_classes = vec![CoarseClass {
                label: String::new(),
                classes: vec!["female".into(), "male".into()],
            }];
        },
        "empty label",
    ),
];

/// The largest logit of a network of these sizes whose numbers are at most [`LARGEST`].
fn largest_logit(sizes: &AuxLstmSizes) -> f64 {
    let layer = |inputs: usize| (inputs + 1) as f64 * f64::from(LARGEST);
    let auxiliary_dense = layer(sizes.auxiliary_hidden_size);
    let dense = layer(sizes.main_hidden_size + sizes.dense_size) * auxiliary_dense;
    layer(sizes.dense_size) * dense
}

#[test]
fn no_text_overflows_with_numbers_at_the_limit() {
    let most = 1 << 14;
    let largest = AuxLstmSizes {
        input_size: most,
        auxiliary_hidden_size: most,
        main_hidden_size: most,
        dense_size: most,
        tasks: vec![(Role::Main, most)],
    };
    assert!(largest.check().is_ok());
    // Three times, for rounding and the wide component.
    assert!(3.0 * largest_logit(&largest) < f64::from(f32::MAX));

    let mut random = StdRng::seed_from_u64(9);
    for case in 0..30 {
        let mut sign = || match case {
            0 => 1.0,
            1 => -1.0,
            _ => [1.0, -1.0][usize::from(random.random::<bool>())],
        };
        let mut bundle = bundle();
        bundle.settings.sizes.auxiliary_hidden_size = 3;
        let sizes = bundle.settings.sizes.clone();
        let codes = (0..8).map(|_| 127 * sign() as i8).collect();
        bundle.embedding = Embedding::from_parts(codes, vec![LARGEST; 4], 2).unwrap();
        let vectorizer =
            TfidfVectorizer::new(vec![[2, 0]], vec![LARGEST], CharacterFallback::default());
        let weights = (0..2).map(|_| 127 * sign() as i8).collect();
        let [scales, bias] = [(); 2].map(|()| vec![LARGEST; 2]);
        bundle.wide = Wide::from_parts(vectorizer.unwrap(), weights, scales, bias).ok();
        let source =
            |spec: &TensorSpec| Ok::<_, ()>((0..spec.len()).map(|_| LARGEST * sign()).collect());
        let network = AuxLstm::new(&mut Parameters::new(&Device::flex(), source), &sizes, 0.0);
        bundle.parameters = save(&network.unwrap());
        let predictor = Predictor::load(&bundle.to_bytes().unwrap(), &Device::flex()).unwrap();
        let texts = [vec![], vec![2], vec![1, 3], [2, 3, 1].repeat(300)];
        for prediction in block_on(predictor.predict_encoded(&texts)).unwrap() {
            let (_, prediction) = &prediction.predictions.0[0];
            let sum: f32 = (prediction.probabilities.iter())
                .map(|(_, probability)| probability)
                .sum();
            assert!((sum - 1.0).abs() < 1e-5, "{case}: {sum}");
        }
        let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        let logits = block_on(predictor.logits(&texts)).unwrap();
        let most = 1.01 * largest_logit(&sizes);
        let mut sizes = logits.iter().flatten().flatten().map(|logit| logit.abs());
        assert!(sizes.all(|size| f64::from(size) <= most), "{case}");
    }
}

fn figures(users: usize, in_bin: usize) -> AttributeFigures {
    AttributeFigures {
        attribute: "gender".into(),
        language: None,
        corpus: None,
        adapted: false,
        users,
        majority: 0.5,
        accuracy: 0.5,
        precision: 0.5,
        recall: 0.5,
        macro_f1: Some(0.5),
        f: 0.5,
        calibration_error: 0.1,
        reliability: vec![ReliabilityBin {
            users: in_bin,
            confidence: 0.5,
            accuracy: 0.5,
        }],
        coverage: Vec::new(),
    }
}

#[test]
fn a_bundle_was_written_that_could_not_be_read() {
    assert!(Bundle::from_bytes(&bundle().to_bytes().unwrap()).is_ok());
    for (change, what) in UNSOUND {
        let mut bundle = bundle();
        change(&mut bundle);
        match bundle.to_bytes() {
            Err(BundleError::Unwritable(found)) => assert!(found.contains(what), "{found}"),
            other => panic!("{what}: {other:?}"),
        }
        // Files of other programs may contain it.
        match Bundle::from_bytes(&bundle.write().unwrap()) {
            Err(BundleError::Corrupt(found)) => assert!(found.contains(what), "{found}"),
            other => panic!("{what}: {other:?}"),
        }
    }
}

/// The bytes of a file with these parts, whose checksum is right.
fn sealed(version: u32, views: Vec<(String, TensorView)>, settings: &str, card: &str) -> Vec<u8> {
    let named = views.iter().map(|(name, view)| (name.as_str(), view));
    let metadata = serde_json::json!({
        "format_version": version,
        "checksum": checksum(&[settings, card], named),
        "settings": settings,
        "card": card,
    });
    let metadata = HashMap::from([(METADATA_KEY.to_owned(), metadata.to_string())]);
    safetensors::serialize(views, Some(metadata)).unwrap()
}

/// The bytes of a bundle in an older version of the format, in which these tensors had other shapes and bytes.
fn older(bundle: &Bundle, version: u32, tensors: &[(&str, Dtype, [usize; 2], &[u8])]) -> Vec<u8> {
    let whole = bundle.to_bytes().unwrap();
    let mut views = SafeTensors::deserialize(&whole).unwrap().tensors();
    for &(name, dtype, shape, bytes) in tensors {
        let (_, view) = views.iter_mut().find(|(found, _)| found == name).unwrap();
        assert_ne!((view.shape(), view.data()), (&shape[..], bytes), "{name}");
        *view = TensorView::new(dtype, shape.to_vec(), bytes).unwrap();
    }
    let settings = serde_json::to_string(&bundle.settings).unwrap();
    let card = serde_json::to_string(&bundle.card).unwrap();
    sealed(version, views, &settings, &card)
}

#[test]
fn bundles_of_older_versions_are_read() {
    let mut bundle = bundle();
    let vectors = vec![0, 0, 1, 2, 3, 4, 5, 6];
    bundle.embedding = Embedding::from_parts(vectors.clone(), vec![0.5; 4], 2).unwrap();
    let features = vec![[2, 0], [3, 0], [2, 3]];
    let idf = vec![1.0, 1.5, 1.5];
    let vectorizer = TfidfVectorizer::new(features, idf, CharacterFallback::default()).unwrap();
    let weights = vec![1, 2, 3, 4, 5, 6];
    let wide = Wide::from_parts(vectorizer, weights.clone(), vec![1.0; 2], vec![0.0; 2]);
    bundle.wide = Some(wide.unwrap());
    let whole = bundle.to_bytes().unwrap();
    let tensors = SafeTensors::deserialize(&whole).unwrap();
    for (name, shape, first) in [
        ("vectors", [2, 4], &[0, 1, 3, 5][..]),
        (
            "wide.features",
            [2, 3],
            &[2, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0],
        ),
        ("wide.weights", [2, 3], &[1, 3, 5]),
    ] {
        let tensor = tensors.tensor(name).unwrap();
        assert_eq!(tensor.shape(), shape, "{name}");
        assert_eq!(&tensor.data()[..first.len()], first, "{name}");
    }

    // A wide component by feature in a file that claims the newest version.
    let by_feature = [("wide.weights", Dtype::I8, [3, 2], &[1, 2, 3, 4, 5, 6][..])];
    let refused = Bundle::from_bytes(&older(&bundle, FORMAT_VERSION, &by_feature));
    assert!(
        matches!(refused, Err(BundleError::Corrupt(_))),
        "{refused:?}"
    );

    let bytes =
        |values: Vec<i8>| -> Vec<u8> { values.into_iter().map(i8::cast_unsigned).collect() };
    let (vectors, weights) = (bytes(vectors), bytes(weights));
    let features: Vec<u8> = [2u32, 0, 3, 0, 2, 3]
        .into_iter()
        .flat_map(u32::to_le_bytes)
        .collect();
    let by_feature = [
        ("wide.features", Dtype::U32, [3, 2], &*features),
        ("wide.weights", Dtype::I8, [3, 2], &*weights),
    ];
    let by_word = [("vectors", Dtype::I8, [4, 2], &*vectors)];
    for old in [
        older(&bundle, 6, &by_feature),
        older(&bundle, 5, &[&by_word[..], &by_feature].concat()),
    ] {
        let read = Bundle::from_bytes(&old).unwrap();
        assert_eq!(read.embedding, bundle.embedding);
        assert_eq!(read.to_bytes().unwrap(), whole);
    }
}

#[test]
fn a_word_with_a_line_end_was_written_as_two_words() {
    let mut bundle = bundle();
    let words = vec!["good".into(), "good\nmorning".into()];
    bundle.vocabulary = Vocabulary::new(words).unwrap();
    let error = bundle.to_bytes().unwrap_err().to_string();
    assert!(error.contains("contains a line end"), "{error}");
}

#[test]
fn figures_that_are_no_numbers_were_written_and_could_not_be_read() {
    let mut bundle = bundle();
    bundle.card.figures.push(AttributeFigures {
        f: f64::NAN,
        ..figures(2, 2)
    });
    let error = bundle.to_bytes().unwrap_err();
    assert!(matches!(error, BundleError::Unwritable(_)), "{error}");
}

#[test]
fn fuzz_bundles() {
    let bundle = bundle();
    let whole = bundle.to_bytes().unwrap();
    fuzzing::fuzz("bundle", &[&whole], |bytes| {
        drop(Bundle::from_bytes(bytes));
    });
    // Damage gets further where the checksum is that of the damaged parts.
    let tensors = SafeTensors::deserialize(&whole).unwrap().tensors();
    let texts = [
        serde_json::to_vec(&bundle.settings).unwrap(),
        serde_json::to_vec(&bundle.card).unwrap(),
    ];
    let parts: Vec<Vec<u8>> = (tensors.iter())
        .map(|(_, view)| view.data().to_vec())
        .chain(texts)
        .collect();
    fuzzing::fuzz_files("parts of a bundle", &[parts], |_, parts| {
        let (data, texts) = parts.split_at(tensors.len());
        let texts = texts.iter().map(|text| String::from_utf8_lossy(text));
        let texts: Vec<_> = texts.collect();
        let views = tensors.iter().zip(data).map(|((name, view), bytes)| {
            let shape = match view.shape() {
                [_] if view.dtype() == Dtype::U8 => vec![bytes.len()],
                shape => shape.to_vec(),
            };
            let view = TensorView::new(view.dtype(), shape, bytes);
            view.map(|view| (name.clone(), view))
        });
        let Ok(views) = views.collect::<Result<Vec<_>, _>>() else {
            return;
        };
        let bytes = sealed(FORMAT_VERSION, views, &texts[0], &texts[1]);
        if let Ok(bundle) = Bundle::from_bytes(&bytes) {
            drop(bundle.network(&Device::flex()));
        }
    });
}
