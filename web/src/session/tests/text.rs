use super::*;

#[test]
fn the_newest_text_wins() {
    let mut session = session(on_cpu());
    let (first, _) = asked(write(&mut session, "a"));
    assert_eq!(write(&mut session, "ab"), []);
    session.edit(text("abc"));
    assert!(session.is_behind(), "even before the typing pauses");
    let (second, posts) = asked(session.receive(prediction(first, 1)));
    assert_eq!(posts, text("abc"));
    assert_eq!(words(&session), None, "an overtaken answer is not shown");
    assert!(session.is_behind());
    assert_eq!(session.receive(prediction(second, 3)), []);
    assert_eq!(words(&session), Some(3));
    assert_eq!(
        write(&mut session, "abc"),
        [],
        "the same text is not asked about again"
    );
}

#[test]
fn an_emptied_page_stays_empty() {
    let mut session = session(on_cpu());
    let (id, _) = asked(write(&mut session, "a"));
    session.edit(Vec::new());
    assert_eq!(session.receive(prediction(id, 1)), []);
    assert_eq!(session.answer(), None);
    assert!(!session.is_behind());
}

#[test]
fn evidence_is_asked_for_when_it_is_wanted_and_the_text_has_an_answer() {
    let mut session = session(on_cpu());
    assert_eq!(session.explain(true), [], "there is no text");
    let (id, _) = asked(write(&mut session, "a"));
    let commands = session.receive(prediction(id, 1));
    let [Command::Send(Request::Explain { id, posts, .. })] = commands.as_slice() else {
        panic!("no evidence is asked for: {commands:?}");
    };
    assert_eq!(*posts, text("a"));
    // Overtaken by a newer text, it is not shown.
    session.edit(text("ab"));
    let (id, _) = asked(session.receive(explained(*id)));
    assert!(session.evidence().is_none());
    let commands = session.receive(prediction(id, 1));
    let [Command::Send(Request::Explain { id, .. })] = commands.as_slice() else {
        panic!("no evidence is asked for: {commands:?}");
    };
    assert_eq!(session.receive(explained(*id)), []);
    assert_eq!(
        session.evidence().unwrap().as_ref().unwrap().posts,
        text("ab")
    );
    session.edit(text("abc"));
    assert!(session.evidence().is_none());
}

#[test]
fn the_single_task_models_are_loaded_when_they_are_wanted() {
    let mut session = session(on_cpu());
    assert_eq!(session.compare(true), [], "there is no text");
    let commands = write(&mut session, "early");
    let [load, predict] = commands.as_slice() else {
        panic!("not a load and a prediction: {commands:?}");
    };
    assert!(matches!(
        load,
        Command::Send(Request::Load {
            model: SINGLE_TASK_MODEL,
            ..
        })
    ));
    let (id, _) = asked(vec![predict.clone()]);
    assert_eq!(session.receive(prediction(id, 1)), []);
    // The page's model answers meanwhile.
    let (id, _) = asked(write(&mut session, "a"));
    assert_eq!(session.receive(prediction(id, 1)), []);
    let Reply::Ready { card, .. } = ready(on_cpu()) else {
        unreachable!()
    };
    let (id, posts) = asked(session.receive(Reply::Ready {
        model: SINGLE_TASK_MODEL,
        card,
        attributes: Vec::new(),
        base_rates: Named(Vec::new()),
        max_words: 30_000,
        backend: on_cpu(),
        chunk: CHUNK,
    }));
    assert_eq!(posts, text("a"));
    assert_eq!(session.receive(prediction(id, 7)), []);
    let Comparison::Here(compared) = session.comparison() else {
        panic!("{:?}", session.comparison());
    };
    assert_eq!((compared.words, words(&session)), (7, Some(1)));
    // The next text is predicted by all of them.
    let (id, _) = asked(write(&mut session, "ab"));
    assert_eq!(session.comparison(), Comparison::Coming);
    let (id, _) = asked(session.receive(prediction(id, 2)));
    session.receive(Reply::Failed {
        id: Some(id),
        model: SINGLE_TASK_MODEL,
        reason: crashed("too odd"),
    });
    assert_eq!(session.comparison(), Comparison::Failed(crashed("too odd")));
    assert_eq!(words(&session), Some(2));
}

#[test]
fn a_comparison_that_failed_is_tried_again_when_it_is_opened_again() {
    let mut session = session(on_cpu());
    let (id, _) = asked(write(&mut session, "a"));
    session.receive(prediction(id, 1));
    let asks_for_models = |commands: Vec<Command>| {
        matches!(
            commands[..],
            [Command::Send(Request::Load {
                model: SINGLE_TASK_MODEL,
                ..
            })]
        )
    };
    assert!(asks_for_models(session.compare(true)));
    let failed = Reply::Failed {
        id: None,
        model: SINGLE_TASK_MODEL,
        reason: crashed("no network"),
    };
    assert_eq!(session.receive(failed), []);
    assert_eq!(*session.phase(), Phase::Ready);
    assert_eq!(
        session.comparison(),
        Comparison::Failed(crashed("no network"))
    );
    assert_eq!(session.compare(false), []);
    assert_eq!(session.comparison(), Comparison::NotWanted);
    assert!(asks_for_models(session.compare(true)));
    assert_eq!(session.comparison(), Comparison::Coming);
}
