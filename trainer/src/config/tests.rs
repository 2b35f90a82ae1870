use super::*;

const SMALL: &str = r#"
corpus = ["users.jsonl"]
vectors = "vectors.bin"
[[attributes]]
name = "gender"
classes = ["female", "male"]
"#;

fn read(text: &str, overrides: &[&str]) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    std::fs::write(&path, text).unwrap();
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    Config::read(&path, &overrides).map_err(|error| {
        error
            .to_string()
            .replace(&folder.path().display().to_string(), "")
    })
}

#[test]
fn defaults_fill_in_and_the_printed_config_reads_the_same() {
    let config = read(SMALL, &[]).unwrap();
    assert_eq!(config.text.max_words, 30_000);
    assert_eq!(config.attributes[0].role, Role::Main);
    assert_eq!(read(&config.to_toml().unwrap(), &[]).unwrap(), config);
}

#[test]
fn overrides_set_single_values() {
    let config = read(
        SMALL,
        &[
            "training.epochs=3",
            "device=wgpu",
            "training.optimiser=adam",
        ],
    )
    .unwrap();
    assert_eq!(
        (config.training.epochs, config.device.as_str()),
        (3, "wgpu")
    );
    assert_eq!(config.training.optimiser, Optimiser::Adam);
}

#[test]
fn wrong_settings_are_named_with_what_is_permitted() {
    let error = |text: &str, overrides: &[&str]| read(text, overrides).unwrap_err();
    let typo = error(&format!("sede = 3\n{SMALL}"), &[]);
    assert!(
        typo.starts_with("/config.toml:1:") && typo.contains("sede") && typo.contains("seed"),
        "{typo}"
    );
    assert_eq!(
        error(SMALL, &["network.dropout=1.5"]),
        "/config.toml, --set network.dropout=1.5: network.dropout is 1.5; permitted: from 0 to below 1"
    );
    assert_eq!(
        error(SMALL, &["split.validation=0"]),
        "/config.toml, --set split.validation=0: split.validation is 0, but the wide component needs validation users; set wide.features = 0 too"
    );
    assert!(read(SMALL, &["split.validation=0", "wide.features=0"]).is_ok());
    assert!(error(SMALL, &["training.optimiser=sgd"]).contains("adagrad"));
    assert!(error(SMALL, &["training.epochs=-1"]).contains("training.epochs=-1"));
    assert!(error(SMALL, &["split.stratify_by=age"]).contains("permitted: empty, gender"));
    assert!(
        error(SMALL, &["columns.labels.sex=s"])
            .ends_with("columns.labels: there is no attribute \"sex\"; permitted: gender")
    );
    assert!(error("vectors = \"v\"", &[]).contains("corpus"));
    assert!(error("corpus = [\"c\"]\nvectors = \"v\"", &[]).contains("no task"));
    let section = SMALL.split_once("[[").unwrap().1;
    let both = format!("{SMALL}[[{section}role = \"auxiliary\"\n");
    assert!(error(&both, &[]).contains("\"gender\" is listed twice; an attribute has one"));
    let one_class = SMALL.replace(", \"male\"", "");
    assert!(error(&one_class, &[]).contains("at least two classes"));
}

#[test]
fn settings_of_a_part_keep_the_others() {
    let config = read(&SMALL.replace("[[", "[wide]\nmin_users = 5\n[["), &[]).unwrap();
    assert_eq!(
        config.wide,
        Wide {
            min_users: 5,
            ..Wide::default()
        }
    );
}

#[test]
fn fuzz_configs() {
    let long = read(SMALL, &[]).unwrap().to_toml().unwrap();
    fuzzing::fuzz("config", &[SMALL, &long], |bytes| {
        let _ = read(&String::from_utf8_lossy(bytes), &[]);
    });
    fuzzing::fuzz(
        "override",
        &["training.epochs=3", "corpus=['a', 'b']"],
        |bytes| {
            let _ = read(SMALL, &[&String::from_utf8_lossy(bytes)]);
        },
    );
}
