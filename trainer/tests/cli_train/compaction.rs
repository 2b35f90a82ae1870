//! `auxlstm compact` on trained models.

use super::*;

#[test]
fn a_calibration_fitted_anew_to_the_same_users_is_the_same() {
    let workplace = workplace();
    workplace.success(&["train", "config.toml"]);
    let exact = [
        "--vector-step",
        "0",
        "--wide-steps",
        "127",
        "--parameter-bits",
        "23",
    ];
    let compact = ["compact", "run/model.safetensors", "-o", "same.safetensors"];
    let anew = [
        "--validation-users",
        "users.jsonl",
        "--split",
        "run/split.json",
    ];
    workplace.success(&[&compact[..], &exact, &anew].concat());
    let [trained, anew] = ["run/model.safetensors", "same.safetensors"].map(|path| {
        let bytes = fs::read(workplace.path(path)).unwrap();
        Bundle::from_bytes(&bytes).unwrap().settings
    });
    assert_eq!(trained.word_frequencies, anew.word_frequencies);
    for (trained, anew) in trained.calibrations.iter().zip(&anew.calibrations) {
        assert_eq!(trained.calibration.base_rates, anew.calibration.base_rates);
        let [one, other] = [trained, anew].map(|task| {
            let probabilities = task
                .calibration
                .probabilities(&[0.5, 0.1, -0.2][..task.calibration.base_rates.len()], 20);
            let moments = task.moments.as_ref().expect("there are validation users");
            [probabilities, moments.means[0].concat()].concat()
        });
        for (one, other) in one.iter().zip(&other) {
            assert!((one - other).abs() < 1e-3, "{trained:?} {anew:?}");
        }
    }
    let line = workplace.failure(
        &[
            &compact[..],
            &[
                "--validation-users",
                "users.jsonl",
                "--split",
                "users.jsonl",
            ],
        ]
        .concat(),
    );
    assert!(line.contains("users.jsonl: not the split"), "{line}");
}

#[test]
fn rounded_vectors_are_read_nearly_like_the_exact_ones() {
    let workplace = workplace();
    workplace.success(&["train", "config.toml"]);
    let compact = |step: &str| {
        workplace.success(&[
            "compact",
            "run/model.safetensors",
            "-o",
            "small.safetensors",
            "--wide-steps",
            "127",
            "--parameter-bits",
            "23",
            "--vector-step",
            step,
        ]);
        let small = fs::read(workplace.path("small.safetensors")).unwrap();
        let lines = workplace.success(&["predict", "small.safetensors", "users.jsonl"]);
        let shares: Vec<f64> = (lines.lines())
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .flat_map(|user| {
                let of_gender = &user["predictions"]["gender"]["probabilities"];
                let shares = of_gender.as_object().unwrap().values();
                shares
                    .map(|share| share.as_f64().unwrap())
                    .collect::<Vec<_>>()
            })
            .collect();
        let embedding = Bundle::from_bytes(&small).unwrap().embedding;
        let size = |value: &i8| u32::from(value.unsigned_abs());
        (embedding.values().iter().map(size).sum::<u32>(), shares)
    };
    let (_, exact) = compact("0");
    let (finely, nearly) = compact("0.03");
    let (coarsely, _) = compact("0.5");
    assert!(0 < coarsely && coarsely < finely / 4, "{coarsely} {finely}");
    assert!(!exact.is_empty() && exact.len() == nearly.len());
    for (exact, nearly) in exact.iter().zip(&nearly) {
        assert!((exact - nearly).abs() < 0.05, "{exact} {nearly}");
    }
    for step in ["-1", "9", "nan", "1e-300"] {
        let step = format!("--vector-step={step}");
        let output = workplace.run(&["compact", "run/model.safetensors", "-o", "no", &step]);
        let errors = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains("0.001 to 8"), "{errors}");
    }
}

#[test]
fn labels_that_a_config_maps_could_not_be_mapped_later() {
    let workplace = workplace();
    let users = fs::read_to_string(workplace.path("users.jsonl")).unwrap();
    workplace.success(&["train", "config.toml"]);
    workplace.write("users.jsonl", users.replace("\"female\"", "\"F\""));
    let map = ["--map", "gender:F=female"];
    let compact = [
        "compact",
        "run/model.safetensors",
        "-o",
        "small.safetensors",
        "--validation-users",
        "users.jsonl",
        "--test-users",
        "users.jsonl",
        "--split",
        "run/split.json",
    ];
    let card = |name: &str| {
        let bytes = fs::read(workplace.path(name)).unwrap();
        Bundle::from_bytes(&bytes).unwrap().card
    };
    let gender = |name: &str| {
        let mut figures = card(name).figures.into_iter();
        figures.find(|of| of.attribute == "gender").unwrap().users
    };
    workplace.success(&compact);
    assert!(gender("small.safetensors") < 48);
    workplace.success(&[&compact[..], &map].concat());
    assert_eq!(gender("small.safetensors"), 48);
    let adapt = [
        "adapt",
        "run/model.safetensors",
        "users.jsonl",
        "-o",
        "adapted",
    ];
    let output = workplace.run(&adapt);
    assert!(
        stderr(&output).contains(
            "gender: labels that are not classes, left out: \"F\" (120); --map ATTRIBUTE"
        ),
        "{}",
        stderr(&output)
    );
    let text = stdout(workplace.run(&[&adapt[..], &map].concat()), 0);
    assert!(text.contains("## gender: 240 users\n"), "{text}");
    for command in [&compact[..], &adapt] {
        let wrong = [command, &["--map", "gender:F=woman"]].concat();
        let line = workplace.failure(&wrong);
        assert!(
            line.contains("--map: \"gender\" has no class \"woman\""),
            "{line}"
        );
    }
    let wrong = [&compact[..], &["--accuracy-when-confident", "7"]].concat();
    stdout(workplace.run(&wrong), 2);
}
