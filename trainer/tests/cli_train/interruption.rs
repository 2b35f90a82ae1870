//! Runs that are interrupted, and continued from their checkpoints.

use super::*;

#[test]
fn a_run_killed_at_any_time_resumes_to_the_same_bundle() {
    let workplace = workplace();
    let long = [
        "--set",
        "training.epochs=60",
        "--set",
        "training.patience=0",
        // The state of trained vectors is part of a checkpoint.
        "--set",
        "network.vector_learning_rate=0.01",
    ];
    let start = Instant::now();
    workplace.success(&[&["train", "config.toml", "--output", "whole"], &long[..]].concat());
    let whole = start.elapsed();
    let arguments = [&["train", "config.toml", "--output", "killed"], &long[..]].concat();
    let resume = [&arguments[..], &["--resume"]].concat();
    let checkpoint = workplace.path("killed/checkpoint.safetensors");
    let file = |run: &str, name: &str| fs::read(workplace.path(run).join(name)).unwrap();
    let series = common::series_of_kills(8);
    let mut kills = 0;
    for number in 0..series {
        let _ = fs::remove_dir_all(workplace.path("killed"));
        // Each series kills the run and its continuation, at other times than the other series.
        for (command, share) in [(&arguments, number), (&resume, (number * 5 + 2) % series)] {
            let mut child = (workplace.command(command))
                .stderr(Stdio::null())
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            common::until("no checkpoint appeared", || {
                checkpoint.exists() || child.try_wait().unwrap().is_some()
            });
            thread::sleep(whole * share / (2 * series));
            // SIGKILL: nothing can be put in order. The run may have ended.
            let _ = child.kill();
            kills += usize::from(!child.wait().unwrap().success());
        }
        workplace.success(&resume);
        assert!(
            file("whole", "model.safetensors") == file("killed", "model.safetensors"),
            "series {number}"
        );
        assert!(file("whole", "metrics.jsonl") == file("killed", "metrics.jsonl"));
    }
    assert!(
        kills >= series as usize,
        "{kills} of {series} runs were killed"
    );
    let refused = workplace.failure(&arguments);
    assert!(refused.contains("--resume"), "{refused}");
    let other = workplace.failure(&[&arguments[..], &["--resume", "--seed", "9"]].concat());
    assert!(other.contains("seed = 1 then, 9 now"), "{other}");
    // Settings of the end of the run may be changed.
    let named = ["--resume", "--set", "card.name='My own'"];
    workplace.success(&[&arguments[..], &named].concat());
    let bundle = file("killed", "model.safetensors");
    assert!(String::from_utf8_lossy(&bundle).contains("My own"));
}

#[test]
fn a_changed_checkpoint_was_resumed_to_another_model() {
    let workplace = workplace();
    let epochs = |number: &str| format!("training.epochs={number}");
    workplace.success(&["train", "config.toml", "--set", &epochs("1")]);
    let path = workplace.path("run/checkpoint.safetensors");
    let whole = fs::read(&path).unwrap();
    let progress = b"batch = 0";
    let place = (whole.windows(progress.len())).position(|part| part == progress);
    // A digit of the progress, and a bit of the last parameter.
    for (place, bit) in [
        (place.unwrap() + progress.len() - 1, 9),
        (whole.len() - 1, 1),
    ] {
        let mut changed = whole.clone();
        changed[place] ^= bit;
        fs::write(&path, changed).unwrap();
        let line = workplace.failure(&["train", "config.toml", "--set", &epochs("2"), "--resume"]);
        assert!(
            line.contains("run/checkpoint.safetensors is not a usable checkpoint")
                && line.contains("do not match its checksum; delete it"),
            "{line}"
        );
    }
}

#[test]
fn a_run_is_not_continued_with_other_data() {
    let workplace = workplace();
    let arguments = ["train", "config.toml", "--set", "training.epochs=1"];
    workplace.success(&arguments);
    let split = || fs::read(workplace.path("run/split.json")).unwrap();
    let before = split();
    let users = fs::read_to_string(workplace.path("users.jsonl")).unwrap();
    // The last user is gone.
    let fewer = users.trim_end().rsplit_once('\n').unwrap().0;
    workplace.write("users.jsonl", fewer);
    let refused = workplace.failure(&[&arguments[..], &["--resume"]].concat());
    assert!(refused.contains("other data"), "{refused}");
    assert_eq!(split(), before, "who is a test user stays written down");
}

#[cfg(unix)]
fn until_an_epoch_ended(workplace: &Workplace) {
    common::until("no epoch ended", || {
        workplace.path("run/metrics.jsonl").exists()
    });
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_a_checkpoint() {
    let workplace = workplace();
    let arguments = [
        "train",
        "config.toml",
        "--set",
        "training.epochs=100000",
        "--set",
        "training.patience=0",
    ];
    let child = workplace
        .interruptible(&arguments)
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    until_an_epoch_ended(&workplace);
    let interrupt = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(interrupt.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let said = stderr(&output);
    assert!(
        said.contains("press Ctrl-C again to stop at once"),
        "{said}"
    );
    assert!(workplace.path("run/checkpoint.safetensors").exists());
    assert!(!workplace.path("run/model.safetensors").exists());
}

/// The second Ctrl-C ends the command at once, perhaps while it writes the checkpoint.
#[cfg(unix)]
#[test]
fn ctrl_c_twice_left_temporary_files_behind() {
    let workplace = workplace();
    for pause in [0, 1, 3, 10] {
        let mut child = workplace
            .interruptible(&["train", "config.toml"])
            .args(["--set", "training.epochs=100000"])
            .args(["--set", "training.patience=0"])
            .args(["--set", "training.checkpoint_steps=1"])
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        until_an_epoch_ended(&workplace);
        for _ in 0..2 {
            // The second one finds no process if the first one has ended it.
            let _ = Command::new("kill")
                .args(["-INT", &child.id().to_string()])
                .stderr(Stdio::null())
                .status();
            thread::sleep(Duration::from_millis(pause));
        }
        assert_eq!(child.wait().unwrap().code(), Some(130));
        let left = fs::read_dir(workplace.path("run")).unwrap();
        let names: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        let is_temporary = |name: &&std::ffi::OsString| name.to_string_lossy().ends_with(".tmp");
        assert_eq!(names.iter().find(is_temporary), None);
        fs::remove_dir_all(workplace.path("run")).unwrap();
    }
}

/// `nohup` starts a command so that it ignores the end of its terminal. Commands that write their state when they are interrupted
/// handled that signal all the same, and ended.
#[cfg(target_os = "linux")]
#[test]
fn a_closed_terminal_ended_work_under_nohup() {
    let workplace = workplace();
    let nohup = ["--default-signal", "--ignore-signal=HUP"];
    let mut child = workplace
        .with_signals(&nohup, &["train", "config.toml"])
        .args(["--set", "training.epochs=100000"])
        .args(["--set", "training.patience=0"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until_an_epoch_ended(&workplace);
    let mut send = |signal: &str| {
        let kill = Command::new("kill")
            .args([signal, &child.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
        thread::sleep(Duration::from_millis(500));
        child.try_wait().unwrap()
    };
    assert_eq!(send("-HUP"), None);
    // What is not ignored still leaves a checkpoint.
    send("-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(workplace.path("run/checkpoint.safetensors").exists());
}

/// Progress that nobody reads any longer used to end the run with a panic.
#[cfg(unix)]
#[test]
fn a_reader_of_progress_that_goes_away_ended_the_run() {
    let workplace = workplace();
    let train = workplace.command(&["train", "config.toml"]);
    let output = Command::new("sh")
        .args(["-c", "\"$0\" \"$@\" 2>&1 | head -1"])
        .arg(train.get_program())
        .args(train.get_args())
        .current_dir(workplace.path(""))
        .output()
        .unwrap();
    assert_eq!(stdout(output, 0).lines().count(), 1);
    let bundle = fs::read(workplace.path("run/model.safetensors")).unwrap();
    assert!(Bundle::from_bytes(&bundle).is_ok());
}

#[test]
fn two_processes_mixed_their_runs_in_one_folder() {
    let workplace = workplace();
    let mut first = workplace
        .command(&["train", "config.toml"])
        .args(["--set", "training.epochs=100000"])
        .args(["--set", "training.patience=0"])
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // The folder is locked before anything is written to it.
    common::until("no run began", || {
        workplace.path("run/config.toml").exists()
    });
    let line = workplace.failure(&["train", "config.toml"]);
    assert!(
        line.contains("run: another process is working in this folder"),
        "{line}"
    );
    // SIGKILL: nothing can be put in order, and still no lock remains.
    first.kill().unwrap();
    first.wait().unwrap();
    let few = ["--resume", "--set", "training.epochs=1"];
    workplace.success(&[&["train", "config.toml"], &few[..]].concat());
}
