//! Experiments that are killed, interrupted, or run by several processes.

use super::*;

#[test]
fn a_killed_experiment_continues_with_the_missing_runs() {
    let workplace = workplace();
    let experiment = ["experiment", "corpus.toml", "runs.toml"];
    let mut child = (workplace.command(&experiment))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let folder = workplace.path("out/runs");
    let stored = || fs::read_dir(&folder).map_or(0, |entries| entries.count());
    common::until("no run appeared", || {
        let is_over = child.try_wait().unwrap().is_some();
        assert!(!is_over, "it ended before it was killed");
        stored() >= 3
    });
    // SIGKILL: nothing can be put in order.
    child.kill().unwrap();
    child.wait().unwrap();
    let files = |folder: &Path| -> BTreeMap<_, _> {
        let files = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        (files.filter(|path| path.extension().is_some_and(|ending| ending == "json")))
            .map(|path| {
                (
                    path.clone(),
                    (
                        fs::read(&path).unwrap(),
                        fs::metadata(path).unwrap().modified().unwrap(),
                    ),
                )
            })
            .collect()
    };
    let before = files(&folder);
    let said = stderr(&workplace.run(&experiment));
    assert!(
        said.contains(&format!("{} of them already stored", before.len())),
        "{said}"
    );
    let after = files(&folder);
    assert_eq!(after.len(), 2 * OF_SEED.len() + OF_FIRST_SEED.len());
    assert!(before.len() < after.len());
    assert!(before.iter().all(|(path, file)| after[path] == *file));
}

#[test]
fn an_experiment_killed_at_any_time_continues_to_the_same_runs() {
    let workplace = workplace();
    let experiment = ["experiment", "corpus.toml", "runs.toml"];
    let few = ["--set", "seeds=[1]"];
    let start = Instant::now();
    workplace.success(&[&experiment[..], &few, &["-o", "whole"]].concat());
    let whole = start.elapsed();
    let made = |folder: &str| {
        let mut runs = runs(&workplace, folder);
        // All but the time is decided by the seed.
        runs.values_mut().for_each(|run| run.seconds = 0.0);
        runs
    };
    let wanted = made("whole");
    let series = common::series_of_kills(3);
    let command = [&experiment[..], &few, &["-o", "killed"]].concat();
    for number in 0..series {
        let _ = fs::remove_dir_all(workplace.path("killed"));
        for part in 1..4 {
            let mut child = (workplace.command(&command))
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            sleep(whole * (part + number) / (4 + 2 * series));
            // SIGKILL: nothing can be put in order. The experiment may have ended.
            let _ = child.kill();
            child.wait().unwrap();
        }
        let said = stderr(&workplace.run(&command));
        let made = made("killed");
        assert!(made.keys().eq(wanted.keys()), "series {number}: {said}");
        for (name, run) in &wanted {
            assert!(made[name] == *run, "series {number}: {name}");
        }
    }
}

#[test]
fn two_processes_mixed_their_runs_in_one_folder() {
    let workplace = workplace();
    let experiment = ["experiment", "corpus.toml", "runs.toml"];
    let mut first = (workplace.command(&experiment))
        .args(["--set", "systems.cnn.training.epochs=100000"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    common::until("no experiment began", || {
        workplace.path("out/experiment.json").exists()
    });
    let line = workplace.failure(&experiment);
    assert!(
        line.contains("runs with other settings of cnn: cnn.training.epochs"),
        "{line}"
    );
    first.kill().unwrap();
    first.wait().unwrap();
}

/// Both found no record when they began, and the second one's runs were stored under the record of the first.
#[test]
fn two_processes_that_begin_together_mixed_their_texts() {
    let workplace = workplace();
    let start = |words: &str| {
        let max_words = format!("text.max_words={words}");
        let part = ["--runs", "1/100", "--set", &max_words];
        let mut command = workplace.command(&["experiment", "corpus.toml", "runs.toml"]);
        command.args(part).spawn().unwrap()
    };
    let processes = [start("20"), start("10")];
    let outputs = processes.map(|process| process.wait_with_output().unwrap());
    let (winners, losers): (Vec<_>, Vec<_>) =
        (outputs.iter()).partition(|output| output.status.success());
    let said = outputs.each_ref().map(stderr);
    assert_eq!((winners.len(), losers.len()), (1, 1), "{said:?}");
    let said = stderr(losers[0]);
    assert!(
        said.contains("contains runs with other settings: text.max_words"),
        "{said}"
    );
    assert_eq!(runs(&workplace, "out").len(), 1);
}

#[test]
fn a_record_that_was_replaced_in_mid_run_kept_runs_of_other_settings() {
    let workplace = workplace();
    let experiment = ["experiment", "corpus.toml", "runs.toml"];
    let other = [
        "--runs",
        "1/100",
        "--set",
        "text.max_words=20",
        "-o",
        "other",
    ];
    workplace.success(&[&experiment[..], &other].concat());
    let mut child = workplace.command(&experiment).spawn().unwrap();
    let folder = workplace.path("out/runs");
    common::until("no run appeared", || {
        assert!(child.try_wait().unwrap().is_none(), "it ended too early");
        fs::read_dir(&folder).map_or(0, |entries| entries.count()) >= 2
    });
    let record = workplace.path("other/experiment.json");
    fs::rename(record, workplace.path("out/experiment.json")).unwrap();
    let line = common::failure(child.wait_with_output().unwrap());
    assert!(
        line.contains("out contains runs with other settings: text.max_words"),
        "{line}"
    );
    let stored = runs(&workplace, "out").len();
    assert!(stored < 2 * OF_SEED.len() + OF_FIRST_SEED.len());
}

#[test]
fn processes_share_the_runs_of_one_folder() {
    let alone = workplace();
    let command = ["experiment", "corpus.toml", "runs.toml"];
    alone.success(&command);
    let names = |workplace: &Workplace| {
        let mut names: Vec<String> = runs(workplace, "out").into_keys().collect();
        names.sort();
        names
    };

    let shared = workplace();
    let processes: Vec<_> = (0..3)
        .map(|_| shared.command(&command).stderr(Stdio::piped()).spawn())
        .collect();
    let mut made = 0;
    for process in processes {
        let output = process.unwrap().wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        made += said.matches("on validation users").count();
    }
    assert_eq!(names(&shared), names(&alone));
    assert_eq!(made, names(&alone).len(), "no run is made twice");
    assert_eq!(fs::read_dir(shared.path("out/claims")).unwrap().count(), 0);
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_complete_runs() {
    let workplace = workplace();
    let mut child = (workplace.interruptible(&["experiment", "corpus.toml", "runs.toml"]))
        .args(["--set", "systems.cnn.training.epochs=100000"])
        .spawn()
        .unwrap();
    // The runs of linear systems come first, and then a network whose training does not end.
    let folder = workplace.path("out/runs");
    common::until("no run appeared", || {
        fs::read_dir(&folder).map_or(0, |entries| entries.count()) >= 6
    });
    sleep(Duration::from_millis(300));
    let interrupt = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(interrupt.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(runs(&workplace, "out").len(), 6);
}
