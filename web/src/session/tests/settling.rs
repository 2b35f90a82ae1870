use serde_json::json;

use super::*;
use crate::archive::{Archive, Extract, Report, Writer};

fn posts(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("post {number}")).collect()
}

/// The numbers of posts and the words of the predictions so far.
fn points(session: &Session) -> Vec<(usize, usize)> {
    let points = session.settling().unwrap().points();
    points.map(|(posts, point)| (posts, point.words)).collect()
}

/// The id of the one explanation asked for, and the posts.
fn wants_evidence(commands: Vec<Command>) -> (u64, Vec<String>) {
    match commands.as_slice() {
        [Command::Send(Request::Explain { id, posts, .. })] => (*id, posts.clone()),
        other => panic!("not one explanation: {other:?}"),
    }
}

#[test]
fn ever_more_posts_are_predicted_and_typed_text_comes_first() {
    let mut session = session(on_cpu());
    let (id, asked_for) = asked(session.settle(json!("ann"), posts(3)));
    assert_eq!(asked_for, posts(1));
    assert_eq!(write(&mut session, "typed"), []);
    let (typed, asked_for) = asked(session.receive(prediction(id, 2)));
    assert_eq!(asked_for, text("typed"));
    let (id, asked_for) = asked(session.receive(prediction(typed, 1)));
    assert_eq!(asked_for, posts(2));
    assert_eq!(points(&session), [(1, 2)]);
    assert_eq!(session.settling().unwrap().whole(), None);
    let (id, asked_for) = asked(session.receive(prediction(id, 4)));
    assert_eq!(asked_for, posts(3));
    // The evidence is asked for after the last prediction.
    assert_eq!(session.weigh_posts(true), []);
    let (id, explained_posts) = wants_evidence(session.receive(prediction(id, 6)));
    assert_eq!(explained_posts, posts(3));
    assert_eq!(points(&session), [(1, 2), (2, 4), (3, 6)]);
    assert_eq!(session.settling().unwrap().whole().unwrap().words, 6);
    assert_eq!(session.receive(explained(id)), []);
    assert!(session.settling().unwrap().evidence().unwrap().is_ok());
}

#[test]
fn answers_about_an_earlier_writer_are_ignored() {
    let mut session = session(on_cpu());
    let (id, _) = asked(session.settle(json!("ann"), posts(2)));
    assert_eq!(session.settle(json!("ben"), posts(1)), []);
    let (id, _) = asked(session.receive(prediction(id, 2)));
    assert_eq!(points(&session), []);
    // So are those under earlier base rates.
    assert_eq!(session.use_base_rates(BaseRates::Corpus), []);
    let (id, _) = asked(session.receive(prediction(id, 3)));
    assert_eq!(points(&session), []);
    assert_eq!(session.receive(prediction(id, 4)), []);
    assert_eq!(points(&session), [(1, 4)]);
    assert_eq!(session.settling().unwrap().id(), "ben");
}

#[test]
fn a_search_for_an_earlier_writer_went_on() {
    let mut session = session(on_cpu());
    session.open_archive(chat(&["ann"]));
    let mut is_over = |end: fn(&mut Session)| {
        let number = session.begin_search();
        assert_eq!(session.search_number(), number);
        end(&mut session);
        session.search_number() != number
    };
    assert!(is_over(|session| {
        session.begin_search();
    }));
    assert!(is_over(Session::close_settling));
    assert!(is_over(Session::close_file));
    assert!(is_over(|session| {
        session.open_archive(chat(&["ben"]));
    }));
}

#[test]
fn a_failure_ends_the_predictions_and_another_worker_goes_on() {
    let mut session = session(on_cpu());
    let (id, _) = asked(session.settle(json!("ann"), posts(2)));
    session.receive(prediction(id, 2));
    // The new worker is asked for what the old one has not answered.
    assert_eq!(session.choose(BackendChoice::Cpu), [Command::Restart]);
    session.receive(Reply::Started);
    let (id, asked_for) = asked(session.receive(ready(on_cpu())));
    assert_eq!(asked_for, posts(2));
    let reason = Reason::NotFinite;
    let failed = Reply::Failed {
        id: Some(id),
        model: MODEL,
        reason: reason.clone(),
    };
    assert_eq!(session.receive(failed), []);
    assert_eq!(session.settling().unwrap().failed(), Some(&reason));
    assert_eq!(session.ask(), []);
}

#[test]
fn a_crash_left_an_open_writer_computing_for_ever() {
    let mut session = session(on_cpu());
    let (id, _) = asked(session.settle(json!("ann"), posts(2)));
    assert_eq!(session.settling_failed(), None);
    session.receive(prediction(id, 2));
    assert_eq!(session.crash(crashed("out of memory")), []);
    let reason = crashed("out of memory");
    assert_eq!(session.settling_failed(), Some(&reason));
    // The next worker goes on.
    assert_eq!(session.retry(), [Command::Restart]);
    assert_eq!(session.settling_failed(), None);
    session.receive(Reply::Started);
    let (id, asked_for) = asked(session.receive(ready(on_cpu())));
    assert_eq!(asked_for, posts(2));
    session.receive(prediction(id, 4));
    // A later crash takes nothing away.
    assert_eq!(session.crash(crashed("out of memory")), []);
    assert_eq!(session.settling_failed(), None);
}

#[test]
fn a_writer_without_posts_was_computed_for_ever() {
    let mut session = session(on_cpu());
    let (id, asked_for) = asked(session.settle(json!(1), Vec::new()));
    assert!(asked_for.is_empty());
    assert_eq!(session.receive(prediction(id, 0)), []);
    assert_eq!(session.settling().unwrap().whole().unwrap().words, 0);
}

/// A chat of writers with one post each.
fn chat(names: &[&str]) -> Archive {
    let mut jsonl = String::new();
    let mut extract = Extract::default();
    for name in names {
        let start = jsonl.len();
        jsonl += &format!(
            "{}\n",
            json!({ "id": name, "posts": [format!("I am {name}")] })
        );
        extract.writers.push(Writer {
            id: (*name).into(),
            posts: 1,
            words: 3,
            start,
            end: jsonl.len(),
        });
    }
    let mut archive = Archive::default();
    archive.add_found(Report::Users(extract), jsonl.into_bytes());
    archive
}

#[test]
fn a_single_writer_is_predicted_at_once_and_several_are_chosen_from() {
    let mut session = session(on_cpu());
    let (id, asked_for) = asked(session.open_archive(chat(&["ann"])));
    assert_eq!(asked_for, ["I am ann"]);
    session.receive(prediction(id, 3));
    assert!(session.archive().is_none());

    assert_eq!(session.open_archive(chat(&["ann", "ben"])), []);
    assert!(session.batch().is_none(), "the earlier file is closed");
    let (id, asked_for) = asked(session.choose_writer(Some(1)));
    assert_eq!(asked_for, ["I am ben"]);
    session.receive(prediction(id, 3));
    session.close_file();
    let (_, asked_for) = asked(session.choose_writer(None));
    assert_eq!(asked_for, ["I am ann", "I am ben"]);
    session.close_files();
    assert!(session.archive().is_none() && session.batch().is_none());
    assert_eq!(session.choose_writer(None), []);
}
