use super::*;
use crate::batch::State;
use crate::speed::{Speed, characters};

#[test]
fn a_file_is_worked_through_and_typed_text_comes_first() {
    let mut session = session(on_cpu());
    let users: String = (0..600).map(|user| format!("writer {user}\n")).collect();
    let batch = writers(users);
    let (id, posts) = asked(session.run_files(batch));
    assert_eq!((posts.len(), posts[0].as_str()), (256, "writer 0"));
    assert_eq!(write(&mut session, "typed meanwhile"), []);
    let (typed, posts) = asked(session.receive(predictions(id, 256)));
    assert_eq!(posts, text("typed meanwhile"));
    assert_eq!(session.batch().unwrap().lines().len(), 256);
    let (id, _) = wants_estimate(session.receive(prediction(typed, 2)));
    let (id, posts) = asked(session.receive(estimated(id, 256)));
    assert_eq!(posts[0], "writer 256");
    assert_eq!(words(&session), Some(2));
    // A new worker counts all users for the estimate. Those that have a prediction keep it.
    assert_eq!(session.choose(BackendChoice::Cpu), [Command::Restart]);
    session.receive(Reply::Started);
    let (typed, _) = asked(session.receive(ready(on_cpu())));
    assert_eq!(
        session.receive(predictions(id, 256)),
        [],
        "an answer of the old worker"
    );
    let (id, posts) = asked(session.receive(prediction(typed, 2)));
    assert_eq!(posts[0], "writer 0");
    assert_eq!(session.batch().unwrap().lines().len(), 256);
    let (id, posts) = asked(session.receive(predictions(id, 256)));
    assert_eq!(posts[0], "writer 256");
    let (id, _) = wants_estimate(session.receive(predictions(id, 256)));
    let (id, posts) = asked(session.receive(estimated(id, 512)));
    assert_eq!(posts.len(), 88);
    let (id, _) = wants_estimate(session.receive(predictions(id, 88)));
    assert_eq!(session.receive(estimated(id, 600)), []);
    let batch = session.batch().unwrap();
    assert_eq!(
        (batch.state(), batch.lines().len()),
        (&State::Finished, 600)
    );
}

#[test]
fn a_cancelled_file_keeps_what_was_done() {
    let mut session = session(on_cpu());
    let users = "a writer\n".repeat(300);
    let batch = writers(users);
    let (id, _) = asked(session.run_files(batch));
    let (id, _) = wants_estimate(session.receive(predictions(id, 256)));
    let (id, _) = asked(session.receive(estimated(id, 256)));
    session.cancel_file();
    assert_eq!(session.receive(predictions(id, 44)), []);
    let batch = session.batch().unwrap();
    assert_eq!(
        (batch.state(), batch.lines().len()),
        (&State::Cancelled, 256)
    );
    session.close_file();
    assert!(session.batch().is_none());
}

/// The milliseconds that each chunk of a file takes a worker that needs `per_character` of them, without the last chunk.
fn chunk_times(post: &str, per_character: f64) -> Vec<f64> {
    let mut session = session(on_cpu());
    let file = format!("{post}\n").repeat(3_000);
    let mut commands = session.run_files(writers(file));
    let mut speed = Speed::default();
    let mut times = Vec::new();
    while let [Command::Send(request)] = commands.as_slice() {
        let Request::Predict { id, users, .. } = request else {
            let (id, _) = wants_estimate(commands);
            commands = session.receive(estimated(id, 1));
            continue;
        };
        let milliseconds = users.concat().concat().chars().count() as f64 * per_character;
        let length = users.iter().map(|posts| characters(posts)).sum();
        speed.cpu_took(length, milliseconds);
        times.push(milliseconds);
        let mut reply = predictions(*id, users.len());
        if let Reply::Predicted { chunk, .. } = &mut reply {
            *chunk = speed.chunk();
        }
        commands = session.receive(reply);
    }
    times.pop();
    times
}

#[test]
fn chunks_of_chinese_take_no_longer_than_chunks_of_english() {
    for post in [
        "what a long day at school, and then all of that homework",
        "今天在学校过了很长的一天，然后还有那么多的作业要做，真的很累，明天还有两门考试，晚上没有时间睡觉了",
    ] {
        let times = chunk_times(post, 0.02);
        assert!(times.len() > 10, "{times:?}");
        // The first chunk is sent before anything was measured.
        for time in &times[1..] {
            assert!((45.0..55.0).contains(time), "{post}: {times:?}");
        }
    }
}

#[test]
fn the_work_ahead_is_counted_in_characters() {
    let mut session = session(on_cpu());
    let file = format!("{}\n", "学".repeat(99)).repeat(1_000);
    let commands = session.run_files(writers(file));
    let [Command::Send(Request::Predict { users, ahead, .. })] = commands.as_slice() else {
        panic!("{commands:?}");
    };
    let left = (1_000 - users.len()) * 99;
    assert!(ahead.abs_diff(left as u64) <= 99, "{ahead} of {left}");
}
