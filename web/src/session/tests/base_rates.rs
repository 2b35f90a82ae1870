use model_core::attribute::{Attribute, CoarseClass};

use super::*;
use crate::batch::State;

/// A model that predicts age, under this name, with two coarse classes.
fn ready_for_age(attribute: &str) -> Reply {
    let coarse = |label: &str, classes: &[&str]| CoarseClass {
        label: label.into(),
        classes: classes.iter().map(|class| class.to_string()).collect(),
    };
    let age = Attribute {
        name: attribute.into(),
        classes: ["13", "14", "33+"].map(String::from).to_vec(),
        coarse_classes: vec![coarse("young", &["13", "14"]), coarse("grown", &["33+"])],
    };
    let rates = [("13", 0.25), ("14", 0.25), ("33+", 0.5)];
    let rates = rates.map(|(class, rate)| (class.to_owned(), rate));
    Reply::Ready {
        model: MODEL,
        card: Box::default(),
        base_rates: Named(vec![(attribute.into(), Named(rates.to_vec()))]),
        attributes: vec![age],
        max_words: 30_000,
        backend: on_cpu(),
        chunk: CHUNK,
    }
}

/// A session whose model predicts age.
fn session_for_age() -> Session {
    let (mut session, _) = Session::open(BUNDLE);
    session.receive(Reply::Started);
    session.receive(ready_for_age("age"));
    session
}

fn given(young: f64) -> BaseRates {
    let shares = [("young", young), ("grown", 1.0 - young)];
    let shares = shares.map(|(label, share)| (label.to_owned(), share));
    BaseRates::Given([("age".to_owned(), shares.into())].into())
}

/// The id and the base rates of the one request for a prediction or evidence.
fn assumed(commands: Vec<Command>) -> (u64, BaseRates) {
    match commands.as_slice() {
        [
            Command::Send(
                Request::Predict { id, base_rates, .. } | Request::Explain { id, base_rates, .. },
            ),
        ] => (*id, base_rates.clone()),
        other => panic!("not one request: {other:?}"),
    }
}

#[test]
fn other_base_rates_predict_and_explain_the_same_text_again() {
    let mut session = session_for_age();
    session.explain(true);
    let (old, rates) = assumed(write(&mut session, "a"));
    assert_eq!(rates, BaseRates::Equal);
    // The answer to an overtaken request is dropped.
    assert_eq!(session.use_base_rates(BaseRates::Corpus), []);
    let (id, rates) = assumed(session.receive(prediction(old, 1)));
    assert_eq!((words(&session), rates), (None, BaseRates::Corpus));
    let (id, rates) = assumed(session.receive(prediction(id, 2)));
    assert_eq!((words(&session), rates), (Some(2), BaseRates::Corpus));
    assert_eq!(session.receive(explained(id)), []);
    assert!(!session.is_behind());

    assert_eq!(session.use_base_rates(BaseRates::Corpus), [], "the same");
    let (id, rates) = assumed(session.use_base_rates(given(0.8)));
    assert_eq!(rates, given(0.8));
    assert!(session.is_busy());
    let (id, rates) = assumed(session.receive(prediction(id, 3)));
    assert_eq!((words(&session), rates), (Some(3), given(0.8)));
    session.receive(explained(id));
    assert_eq!(*session.base_rates(), given(0.8));
}

#[test]
fn other_base_rates_predict_the_comparison_and_the_file_again() {
    let mut session = session_for_age();
    let (id, _) = assumed(write(&mut session, "a"));
    session.receive(prediction(id, 1));
    session.compare(true);
    let Reply::Ready { card, .. } = ready(on_cpu()) else {
        unreachable!()
    };
    let single_task = Reply::Ready {
        model: SINGLE_TASK_MODEL,
        card,
        attributes: Vec::new(),
        base_rates: Named(Vec::new()),
        max_words: 30_000,
        backend: on_cpu(),
        chunk: CHUNK,
    };
    let (id, _) = assumed(session.receive(single_task));
    session.receive(prediction(id, 1));
    let batch = writers("one\ntwo\n");
    let (id, rates) = assumed(session.run_files(batch));
    assert_eq!(rates, BaseRates::Equal);
    assert_eq!(session.receive(predictions(id, 2)), []);
    let run = session.run_number();

    let (mut id, _) = assumed(session.use_base_rates(given(0.8)));
    assert_eq!(session.comparison(), Comparison::Coming);
    assert!(session.batch().unwrap().lines().is_empty());
    assert_ne!(session.run_number(), run, "or a download mixes two runs");
    // After the text its comparison, then the file.
    for _ in 0..2 {
        let (next, rates) = assumed(session.receive(prediction(id, 1)));
        assert_eq!(rates, given(0.8));
        id = next;
    }
    session.receive(predictions(id, 2));
    assert_eq!(session.batch().unwrap().lines().len(), 2);
}

#[test]
fn a_new_file_is_predicted_under_the_base_rates_in_effect() {
    let mut session = session_for_age();
    assert_eq!(session.use_base_rates(given(0.8)), []);
    let batch = writers("one\n");
    let (id, rates) = assumed(session.run_files(batch));
    assert_eq!(rates, given(0.8));
    session.receive(predictions(id, 1));
    let batch = session.batch().unwrap();
    assert_eq!(
        (batch.base_rates(), batch.state()),
        (&given(0.8), &State::Finished)
    );
}

#[test]
fn own_shares_begin_with_those_of_the_training_users_and_are_remembered() {
    let (session, _) = Session::open(BUNDLE);
    assert_eq!(session.own_shares(), None, "there is no model");
    let mut session = session_for_age();
    assert_eq!(session.own_shares(), Some(given(0.5)));
    session.use_base_rates(given(0.8));
    session.use_base_rates(BaseRates::Equal);
    assert_eq!(session.own_shares(), Some(given(0.8)));
    let equal = session.model().unwrap().shares(&BaseRates::Equal);
    assert!((equal["age"]["young"] - 0.5).abs() < 1e-9);
}

#[test]
fn own_shares_that_do_not_fit_another_model_make_way_for_equal_base_rates() {
    let mut session = session_for_age();
    session.use_base_rates(given(0.8));
    let batch = writers("one\n");
    let (id, _) = assumed(session.run_files(batch));
    session.receive(predictions(id, 1));
    let load = |session: &mut Session, attribute| {
        session.use_model(Source::File(Arc::from([1])));
        session.receive(ready_for_age(attribute))
    };
    // A model that they fit keeps them.
    load(&mut session, "age");
    assert_eq!(*session.base_rates(), given(0.8));
    load(&mut session, "years");
    assert_eq!(*session.base_rates(), BaseRates::Equal);
    assert!(session.own_shares_misfit());
    let batch = session.batch().unwrap();
    assert_eq!(
        (batch.base_rates(), batch.lines().len()),
        (&BaseRates::Equal, 0),
        "without results of the model before"
    );
    session.use_base_rates(BaseRates::Equal);
    assert!(!session.own_shares_misfit(), "the visitor has chosen");
}

#[test]
fn a_file_that_waits_for_another_model_is_predicted_under_base_rates_that_fit_it() {
    let mut session = session_for_age();
    session.use_base_rates(given(0.8));
    session.use_model(Source::File(Arc::from([1])));
    session.run_files(writers("one\n"));
    let (_, rates) = assumed(session.receive(ready_for_age("years")));
    assert_eq!(rates, BaseRates::Equal);
}

#[test]
fn without_a_model_an_answer_under_other_base_rates_is_forgotten() {
    let mut session = session(on_cpu());
    let (id, _) = asked(write(&mut session, "a"));
    session.receive(prediction(id, 1));
    session.crash(crashed("out of memory"));
    assert_eq!(words(&session), Some(1));
    assert_eq!(session.use_base_rates(BaseRates::Corpus), []);
    assert_eq!(session.answer(), None);
}

#[test]
fn base_rates_are_the_same_after_json() {
    for base_rates in [BaseRates::Equal, BaseRates::Corpus, given(0.75)] {
        let request = Request::Explain {
            id: 1,
            model: MODEL,
            posts: text("a"),
            base_rates,
        };
        let json = serde_json::to_string(&request).unwrap();
        assert_eq!(serde_json::from_str::<Request>(&json).unwrap(), request);
    }
    let reply = ready_for_age("age");
    let json = serde_json::to_string(&reply).unwrap();
    assert_eq!(serde_json::from_str::<Reply>(&json).unwrap(), reply);
}
