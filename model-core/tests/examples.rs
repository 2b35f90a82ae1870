//! The examples run as they stand.

use std::path::Path;
use std::process::Command;

fn example(name: &str) -> String {
    // Cargo builds the examples of a package before its tests, into a folder beside theirs.
    let folder = std::env::current_exe().unwrap();
    let folder = folder
        .parent()
        .and_then(Path::parent)
        .unwrap()
        .join("examples");
    let output = Command::new(folder.join(name))
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .output()
        .expect(
            "`cargo test` builds the examples unless it is limited to some targets (--test, --lib)",
        );
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn predict_names_every_attribute() {
    let printed = example("predict");
    for attribute in ["profession: ", "age: ", "gender: "] {
        assert!(printed.contains(attribute), "{printed}");
    }
}

#[test]
#[cfg(feature = "training")]
fn a_training_step_lowers_the_cost() {
    let printed = example("training_step");
    let numbers: Vec<f32> = printed
        .split([' ', ',', '\n'])
        .filter_map(|word| word.parse().ok())
        .collect();
    let &[before, after] = numbers.as_slice() else {
        panic!("{printed}");
    };
    assert!(after < before, "{printed}");
}
