use super::*;
use crate::batch::State;

/// A file of so many users.
fn file(users: usize) -> Batch {
    let lines: String = (0..users).map(|user| format!("writer {user}\n")).collect();
    writers(lines)
}

/// The id, the number of users and the set of the one chunk asked for.
fn chunk(commands: Vec<Command>) -> (u64, usize, Option<u64>) {
    match commands.as_slice() {
        [Command::Send(Request::Predict { id, users, set, .. })] => (*id, users.len(), *set),
        other => panic!("not one chunk: {other:?}"),
    }
}

/// How many users the newest estimate is about.
fn users(session: &Session) -> Option<u64> {
    let population = session.batch()?.population()?;
    Some(population.as_ref().ok()?.users)
}

/// A session that waits for the last estimate of a file of 40 users, and the id of the request.
fn waiting() -> (Session, u64) {
    let mut session = session(on_cpu());
    let (id, ..) = chunk(session.run_files(file(40)));
    let (id, _) = wants_estimate(session.receive(predictions(id, 40)));
    (session, id)
}

#[test]
fn shares_are_estimated_whenever_the_users_have_doubled_and_at_the_end() {
    let mut session = session(on_cpu());
    let mut commands = session.run_files(file(2_000));
    let run = session.run_number();
    let mut estimates = Vec::new();
    let mut done = 0;
    loop {
        commands = match commands.as_slice() {
            [] => break,
            [Command::Send(Request::Estimate { .. })] => {
                let (id, set) = wants_estimate(commands);
                assert_eq!(set, run);
                estimates.push(done);
                session.receive(estimated(id, done as u64))
            }
            _ => {
                let (id, count, set) = chunk(commands);
                assert_eq!(set, Some(run));
                done += count;
                session.receive(predictions(id, count))
            }
        };
    }
    assert_eq!(estimates, [256, 512, 1_024, 2_000]);
    assert_eq!(users(&session), Some(2_000));
    assert_eq!(*session.batch().unwrap().state(), State::Finished);
}

#[test]
fn shares_of_a_few_users_are_not_estimated_and_a_typed_text_is_in_no_set() {
    let mut session = session(on_cpu());
    let (id, ..) = chunk(session.run_files(file(19)));
    assert_eq!(session.receive(predictions(id, 19)), []);
    assert_eq!(users(&session), None);
    let (_, _, set) = chunk(write(&mut session, "typed"));
    assert_eq!(set, None);
}

#[test]
fn a_cancelled_or_replaced_run_does_not_mix_with_the_next_one() {
    let (mut session, id) = waiting();
    assert_eq!(session.run_files(file(30)), []);
    let (id, _, set) = chunk(session.receive(estimated(id, 40)));
    assert_eq!(users(&session), None, "it is about the file before");
    assert_eq!(set, Some(session.run_number()));
    // The worker counts users whose predictions come too late, so there is no estimate about them.
    session.cancel_file();
    assert_eq!(session.receive(predictions(id, 30)), []);
    assert_eq!(users(&session), None);
}

#[test]
fn a_failed_chunk_of_an_earlier_run_ended_the_next_one() {
    let mut session = session(on_cpu());
    let (id, ..) = chunk(session.run_files(file(40)));
    assert_eq!(session.run_files(file(30)), []);
    let failed = Reply::Failed {
        id: Some(id),
        model: MODEL,
        reason: Reason::NoModel,
    };
    let (id, users, _) = chunk(session.receive(failed));
    assert_eq!(users, 30);
    wants_estimate(session.receive(predictions(id, 30)));
    assert_eq!(session.batch().unwrap().lines().len(), 30);
}

#[test]
fn a_failed_estimate_ends_no_run() {
    let mut session = session(on_cpu());
    let (id, ..) = chunk(session.run_files(file(300)));
    let (id, _) = wants_estimate(session.receive(predictions(id, 256)));
    let failed = Reply::Failed {
        id: Some(id),
        model: MODEL,
        reason: Reason::NoModel,
    };
    let (id, ..) = chunk(session.receive(failed));
    let population = session.batch().unwrap().population();
    assert_eq!(population, Some(&Err(Reason::NoModel)));
    let (id, _) = wants_estimate(session.receive(predictions(id, 44)));
    session.receive(estimated(id, 300));
    assert_eq!(users(&session), Some(300));
}

#[test]
fn an_estimate_that_was_lost_with_its_worker_is_made_again() {
    let (mut session, _) = waiting();
    assert_eq!(session.choose(BackendChoice::Cpu), [Command::Restart]);
    session.receive(Reply::Started);
    let (id, count, _) = chunk(session.receive(ready(on_cpu())));
    let batch = session.batch().unwrap();
    assert_eq!((count, batch.lines().len()), (40, 40));
    let (id, _) = wants_estimate(session.receive(predictions(id, 40)));
    assert_eq!(session.batch().unwrap().lines().len(), 40);
    assert_eq!(session.receive(estimated(id, 40)), []);
    // A file that has its estimate is left alone.
    session.choose(BackendChoice::Auto);
    assert_eq!(session.receive(ready(on_cpu())), []);
    assert_eq!(users(&session), Some(40));
}

#[test]
fn another_model_is_not_asked_about_the_users_of_the_model_before() {
    let (mut session, _) = waiting();
    let run = session.run_number();
    session.use_model(Source::File(Arc::from([1])));
    session.receive(Reply::Started);
    let (_, count, set) = chunk(session.receive(ready(on_cpu())));
    assert_eq!(users(&session), None);
    assert_eq!((count, set), (40, Some(run + 1)));
}

#[test]
fn the_saved_shares_are_a_list_of_one_estimate() {
    let (mut session, id) = waiting();
    assert_eq!(session.batch().unwrap().shares_json(), None);
    session.receive(estimated(id, 40));
    let json = session.batch().unwrap().shares_json().unwrap();
    let saved: Vec<PopulationEstimate> = serde_json::from_str(&json).unwrap();
    assert_eq!(saved.len(), 1);
    assert_eq!(saved[0].users, 40);
}
