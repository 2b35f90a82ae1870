use super::*;

#[test]
fn text_typed_while_loading_is_read_when_the_model_is_ready() {
    let (mut session, _) = Session::open(BUNDLE);
    assert_eq!(write(&mut session, "early"), []);
    session.receive(Reply::Started);
    let progress = Reply::Progress {
        model: MODEL,
        asset: Asset::Model,
        received: 5,
        total: Some(10),
    };
    assert_eq!(session.receive(progress), []);
    assert_eq!(
        *session.phase(),
        Phase::Fetching {
            asset: Asset::Model,
            received: 5,
            total: Some(10)
        }
    );
    session.receive(Reply::Progress {
        model: MODEL,
        asset: Asset::Model,
        received: 10,
        total: Some(10),
    });
    assert_eq!(*session.phase(), Phase::Starting);
    assert!(session.is_behind());
    let (id, posts) = asked(session.receive(ready(on_cpu())));
    assert_eq!(posts, text("early"));
    assert_eq!(session.receive(prediction(id, 1)), []);
    assert!(!session.is_behind());
    assert_eq!(words(&session), Some(1));
}

#[test]
fn another_backend_answers_the_same_text_again() {
    let mut session = session(on_cpu());
    let (old, _) = asked(write(&mut session, "a"));
    session.receive(prediction(old, 1));
    assert_eq!(
        loaded(session.choose(BackendChoice::WebGpu)),
        (BackendChoice::WebGpu, None)
    );
    assert_eq!(session.choose(BackendChoice::WebGpu), []);
    assert!(session.is_behind());
    let (new, posts) = asked(session.receive(ready(on_gpu())));
    assert_eq!(posts, text("a"));
    session.receive(prediction(new, 2));
    assert_eq!(words(&session), Some(2));
}

#[test]
fn a_backend_chosen_while_the_worker_is_busy_gets_a_new_worker() {
    let mut session = session(on_gpu());
    asked(write(&mut session, "a"));
    assert_eq!(session.choose(BackendChoice::Cpu), [Command::Restart]);
    // And again while that one loads.
    session.receive(Reply::Started);
    assert_eq!(session.choose(BackendChoice::WebGpu), [Command::Restart]);
    assert_eq!(
        loaded(session.receive(Reply::Started)),
        (BackendChoice::WebGpu, None)
    );
    let (_, posts) = asked(session.receive(ready(on_gpu())));
    assert_eq!(posts, text("a"));
}

#[test]
fn a_choice_made_before_the_worker_listens_replaces_the_first() {
    let (mut session, _) = Session::open(BUNDLE);
    assert_eq!(session.choose(BackendChoice::Cpu), [Command::Restart]);
    assert_eq!(
        loaded(session.receive(Reply::Started)),
        (BackendChoice::Cpu, None)
    );
}

#[test]
fn what_an_answer_ran_on_is_what_is_shown() {
    let mut session = session(on_gpu());
    let (id, _) = asked(write(&mut session, "a"));
    session.receive(prediction(id, 1));
    assert_eq!(session.model().map(|model| &model.backend), Some(&on_cpu()));
}

#[test]
fn a_model_from_a_file_is_sent_before_its_load() {
    let mut session = session(on_cpu());
    let commands = session.use_model(Source::File(Arc::from([1, 2, 3])));
    let [
        Command::SendBundle(bytes),
        Command::Send(Request::Load { bundle: None, .. }),
    ] = commands.as_slice()
    else {
        panic!("{commands:?}");
    };
    assert_eq!(**bytes, [1, 2, 3]);
    // Also when the worker is lost.
    assert_eq!(session.choose(BackendChoice::Cpu), [Command::Restart]);
    assert_eq!(session.receive(Reply::Started).len(), 2);
}

#[test]
fn a_crash_on_the_gpu_repeats_the_text_on_the_cpu() {
    let mut session = session(on_gpu());
    asked(write(&mut session, "a"));
    assert_eq!(
        session.receive(Reply::Crashed {
            reason: crashed("device lost")
        }),
        [Command::Restart]
    );
    let (choice, because) = loaded(session.receive(Reply::Started));
    assert_eq!(choice, BackendChoice::Cpu);
    assert_eq!(because, Some(Reason::WebGpuFailed("device lost".into())));
    assert_eq!(
        session.choice(),
        BackendChoice::Auto,
        "the switch stays where the visitor put it"
    );
    let (_, posts) = asked(session.receive(ready(on_cpu())));
    assert_eq!(posts, text("a"));
}

#[test]
fn webgpu_could_not_be_chosen_again_after_it_had_failed() {
    let mut session = session(on_gpu());
    let (id, _) = asked(write(&mut session, "a"));
    let mut answer = prediction(id, 1);
    if let Reply::Predicted { backend, .. } = &mut answer {
        let because = Some(Reason::WebGpuFailed("device lost".into()));
        *backend = Backend::Cpu { because };
    }
    session.receive(answer);
    // A worker that waits for nothing is kept.
    let use_it = |session: &mut Session, backend| {
        let (id, _) = asked(session.receive(ready(backend)));
        session.receive(prediction(id, 1));
    };
    loaded(session.choose(BackendChoice::Cpu));
    use_it(&mut session, on_cpu());
    // This one gave WebGPU up, so there must be a new one.
    assert_eq!(session.choose(BackendChoice::WebGpu), [Command::Restart]);
    assert_eq!(
        loaded(session.receive(Reply::Started)),
        (BackendChoice::WebGpu, None)
    );
    use_it(&mut session, on_gpu());
    loaded(session.choose(BackendChoice::Cpu));
    use_it(&mut session, on_cpu());
    loaded(session.choose(BackendChoice::WebGpu));
}

#[test]
fn a_crash_while_opening_the_gpu_leads_to_the_cpu_and_a_second_one_ends() {
    let (mut session, _) = Session::open(BUNDLE);
    session.receive(Reply::Started);
    assert_eq!(session.crash(crashed("no")), [Command::Restart]);
    assert_eq!(
        loaded(session.receive(Reply::Started)).0,
        BackendChoice::Cpu
    );
    assert_eq!(session.crash(crashed("still no")), []);
    assert_eq!(*session.phase(), Phase::Failed(crashed("still no")));
    write(&mut session, "a");
    assert!(
        session.is_behind() && !session.is_busy(),
        "nothing is coming"
    );
    assert_eq!(session.retry(), [Command::Restart]);
    assert_eq!(
        loaded(session.receive(Reply::Started)),
        (BackendChoice::Auto, None)
    );
}

#[test]
fn a_crash_on_the_cpu_is_shown_and_not_repeated() {
    let mut session = session(on_cpu());
    let (id, _) = asked(write(&mut session, "a"));
    session.receive(prediction(id, 1));
    asked(write(&mut session, "ab"));
    assert_eq!(session.crash(crashed("out of memory")), []);
    assert_eq!(
        session.answer(),
        None,
        "the old answer is none to the new text"
    );
    assert_eq!(session.crash(crashed("unreachable")), [], "the same again");
    assert_eq!(*session.phase(), Phase::Failed(crashed("out of memory")));
    assert_eq!(session.choose(BackendChoice::WebGpu), [Command::Restart]);
}

#[test]
fn a_program_that_does_not_start_is_no_failure_of_the_gpu() {
    let (mut session, _) = Session::open(BUNDLE);
    assert_eq!(session.crash(crashed("not found")), []);
    assert_eq!(*session.phase(), Phase::Failed(crashed("not found")));
}

#[test]
fn a_bad_bundle_and_a_bad_text_are_told_apart() {
    let mut session = session(on_cpu());
    let (id, _) = asked(write(&mut session, "a"));
    session.receive(Reply::Failed {
        id: Some(id),
        model: MODEL,
        reason: crashed("too odd"),
    });
    assert_eq!(session.answer(), Some(&Err(crashed("too odd"))));
    assert_eq!(*session.phase(), Phase::Ready);
    session.receive(Reply::Failed {
        id: None,
        model: MODEL,
        reason: crashed("no such file"),
    });
    assert_eq!(*session.phase(), Phase::Failed(crashed("no such file")));
}

#[test]
fn chinese_is_read_by_the_other_model_once_that_is_wanted() {
    let (mut session, _) = Session::open(BUNDLE);
    session.receive(Reply::Started);
    session.receive(ready(on_cpu()));
    write(&mut session, "i learned the word 考试 today");
    assert!(!session.lacks_chinese());
    write(&mut session, "今天有两门考试 ok");
    assert!(session.lacks_chinese());
    assert_eq!(session.source(), &Source::Address(BUNDLE.into()));
    // The worker is at work on the text: a new one takes its place.
    assert_eq!(session.read_chinese(), [Command::Restart]);
    let commands = session.receive(Reply::Started);
    let asks_for_it = |command: &Command| match command {
        Command::Send(Request::Load { bundle, .. }) => bundle.as_deref() == Some(BILINGUAL_BUNDLE),
        _ => false,
    };
    assert!(commands.iter().any(asks_for_it), "{commands:?}");
    assert!(!session.lacks_chinese());
    assert_eq!(session.read_chinese(), []);

    let (mut session, _) = Session::open(BUNDLE);
    session.use_model(Source::File(Arc::new([])));
    assert_eq!(session.read_chinese(), []);
}

#[test]
fn a_model_that_cannot_be_had_leaves_the_one_before() {
    let mut session = session(on_cpu());
    write(&mut session, "今天有两门考试 ok");
    session.read_chinese();
    session.receive(Reply::Started);
    assert_eq!(refuse(&mut session, "no network"), [Command::Restart]);
    assert_eq!(session.source(), &Source::Address(BUNDLE.into()));
    assert_eq!(session.refused(), Some(&crashed("no network")));
    session.receive(Reply::Started);
    let commands = session.receive(ready(on_cpu()));
    assert!(
        matches!(commands[..], [Command::Send(Request::Predict { .. })]),
        "{commands:?}"
    );
    assert_eq!(*session.phase(), Phase::Ready);
    assert!(session.lacks_chinese(), "it can be tried again");
    session.read_chinese();
    assert_eq!(session.refused(), None);

    // If that model fails to load too, no model is in use.
    session.receive(Reply::Started);
    refuse(&mut session, "no network");
    session.receive(Reply::Started);
    assert_eq!(refuse(&mut session, "nothing at all"), []);
    assert_eq!(*session.phase(), Phase::Failed(crashed("nothing at all")));
}

#[test]
fn progress_of_the_single_task_models_is_not_shown_as_the_pages() {
    let mut session = session(on_cpu());
    let (id, _) = asked(write(&mut session, "a"));
    session.receive(prediction(id, 1));
    session.compare(true);
    // The page's model is loaded again meanwhile.
    session.choose(BackendChoice::Cpu);
    let progress = Reply::Progress {
        model: SINGLE_TASK_MODEL,
        asset: Asset::Model,
        received: 5,
        total: Some(10),
    };
    assert_eq!(session.receive(progress), []);
    assert_eq!(*session.phase(), Phase::Starting);
}

/// The worker says that it cannot load the page's model.
fn refuse(session: &mut Session, detail: &str) -> Vec<Command> {
    session.receive(Reply::Failed {
        id: None,
        model: MODEL,
        reason: crashed(detail),
    })
}

#[test]
fn a_bad_bundle_cancelled_the_load_of_another() {
    let bilingual = Source::Address(BILINGUAL_BUNDLE.into());
    let mut session = session(on_cpu());
    session.use_model(bilingual.clone());
    assert_eq!(
        session.use_model(Source::File(Arc::from([1]))),
        [Command::Restart]
    );
    session.receive(Reply::Started);
    assert_eq!(refuse(&mut session, "bad bundle"), [Command::Restart]);
    assert_eq!(session.source(), &bilingual);
    session.receive(Reply::Started);
    session.receive(ready(on_cpu()));
    assert_eq!(*session.phase(), Phase::Ready);
    assert_eq!(session.model().map(|model| &model.source), Some(&bilingual));
    assert_eq!(session.refused(), Some(&crashed("bad bundle")));
}

#[test]
fn a_bad_bundle_was_tried_again_for_ever_in_place_of_the_first_model() {
    let (mut session, _) = Session::open(BUNDLE);
    session.use_model(Source::File(Arc::from([1])));
    session.receive(Reply::Started);
    assert_eq!(refuse(&mut session, "bad bundle"), [Command::Restart]);
    session.receive(Reply::Started);
    assert_eq!(refuse(&mut session, "no network"), []);
    assert_eq!(*session.phase(), Phase::Failed(crashed("no network")));
    assert_eq!(session.retry(), [Command::Restart]);
    assert_eq!(session.source(), &Source::Address(BUNDLE.into()));
}

#[test]
fn a_bad_bundle_cancelled_the_file_that_was_worked_through() {
    let mut session = session(on_cpu());
    let users = "a writer\n".repeat(300);
    let (id, _) = asked(session.run_files(writers(users)));
    wants_estimate(session.receive(predictions(id, 256)));
    session.use_model(Source::File(Arc::from([1])));
    session.receive(Reply::Started);
    refuse(&mut session, "bad bundle");
    session.receive(Reply::Started);
    // The new worker counts the first users again.
    let (id, posts) = asked(session.receive(ready(on_cpu())));
    assert_eq!(
        (posts.len(), session.batch().unwrap().lines().len()),
        (256, 256)
    );
    let (id, _) = wants_estimate(session.receive(predictions(id, 256)));
    let (id, posts) = asked(session.receive(estimated(id, 256)));
    assert_eq!(posts.len(), 44);
    session.receive(predictions(id, 44));
    assert_eq!(session.batch().unwrap().lines().len(), 300);
}

#[test]
fn a_file_had_results_of_two_models() {
    for users in [300, 10] {
        let mut session = session(on_cpu());
        let (id, _) = asked(session.run_files(writers("a writer\n".repeat(users))));
        session.receive(predictions(id, users.min(256)));
        let (before, run) = (session.batch().unwrap().lines().len(), session.run_number());
        assert_eq!(before, users.min(256));
        // The language of the interface is no reason to predict it again.
        assert_eq!(session.read_chinese(), []);
        session.use_model(Source::File(Arc::from([1])));
        session.receive(Reply::Started);
        assert_eq!(session.batch().unwrap().lines().len(), before);
        let (_, posts) = asked(session.receive(ready(on_cpu())));
        assert_eq!(posts.len(), before);
        let batch = session.batch().unwrap();
        assert!(batch.is_running() && batch.lines().is_empty());
        assert_ne!(session.run_number(), run);
    }
}

#[test]
fn a_file_that_is_given_while_a_model_loads_is_read_by_it() {
    let mut session = session(on_cpu());
    session.use_model(Source::File(Arc::from([1])));
    assert_eq!(session.run_files(writers("a writer\n")), []);
    let (id, _) = asked(session.receive(ready(on_cpu())));
    session.receive(predictions(id, 1));
    assert_eq!(session.batch().unwrap().lines().len(), 1);
}

#[test]
fn names_of_bundles_in_upper_case_were_not_recognised() {
    for name in ["EN.SAFETENSORS", "en.safetensors", "En.SafeTensors.GZ"] {
        assert!(is_bundle(name), "{name}");
    }
    for name in ["safetensors", "en.safetensors.csv", "WRITERS.CSV"] {
        assert!(!is_bundle(name), "{name}");
    }
}
