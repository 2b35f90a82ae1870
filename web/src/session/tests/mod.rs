mod base_rates;
mod file;
mod loading;
mod population;
mod settling;
mod text;

use model_core::explanation::Explanation;
use model_core::population::{Method, PopulationEstimate};
use model_core::prediction::{Named, UserPrediction};

use super::*;
use crate::batch::GivenFile;
use crate::protocol::{Asset, Backend, ChunkSize, Reply};

const CHUNK: ChunkSize = ChunkSize {
    users: 256,
    characters: 16_000,
};

fn ready(backend: Backend) -> Reply {
    Reply::Ready {
        model: MODEL,
        card: Box::default(),
        attributes: Vec::new(),
        base_rates: Named(Vec::new()),
        max_words: 30_000,
        backend,
        chunk: CHUNK,
    }
}

fn on_cpu() -> Backend {
    Backend::Cpu { because: None }
}

fn on_gpu() -> Backend {
    Backend::WebGpu {
        adapter: "some gpu".into(),
        software: false,
    }
}

fn crashed(detail: &str) -> Reason {
    Reason::Crashed(detail.into())
}

fn text(text: &str) -> Vec<String> {
    vec![text.into()]
}

/// A file of users, one on each line.
fn writers(lines: impl Into<Vec<u8>>) -> Batch {
    Batch::new(vec![GivenFile::new("writers.txt", lines)])
}

/// Types a text and pauses.
fn write(session: &mut Session, new: &str) -> Vec<Command> {
    session.edit(text(new));
    session.ask()
}

/// The answer to a prediction of one user.
fn prediction(id: u64, words: usize) -> Reply {
    let prediction = UserPrediction {
        words,
        known_words: words,
        language: None,
        predictions: Named(Vec::new()),
    };
    Reply::Predicted {
        id,
        predictions: vec![prediction],
        backend: on_cpu(),
        chunk: CHUNK,
        milliseconds: 1.0,
    }
}

/// The same prediction for this many users.
fn predictions(id: u64, users: usize) -> Reply {
    let Reply::Predicted { predictions, .. } = prediction(id, 1) else {
        unreachable!()
    };
    Reply::Predicted {
        id,
        predictions: vec![predictions[0].clone(); users],
        backend: on_cpu(),
        chunk: CHUNK,
        milliseconds: 1.0,
    }
}

fn explained(id: u64) -> Reply {
    Reply::Explained {
        id,
        explanation: Explanation {
            prediction: UserPrediction {
                words: 1,
                known_words: 1,
                language: None,
                predictions: Named(Vec::new()),
            },
            words: Vec::new(),
            attributes: Named(Vec::new()),
        },
        milliseconds: 1.0,
    }
}

/// An estimate about so many users, without shares.
fn estimated(id: u64, users: u64) -> Reply {
    Reply::Estimated {
        id,
        estimate: PopulationEstimate {
            method: Method::default(),
            users,
            without_known_words: 0,
            texts: Vec::new(),
            attributes: Named(Vec::new()),
            joint: Vec::new(),
        },
        milliseconds: 1.0,
    }
}

/// The id and the set of the one estimate asked for.
fn wants_estimate(commands: Vec<Command>) -> (u64, u64) {
    match commands.as_slice() {
        [
            Command::Send(Request::Estimate {
                id,
                model: MODEL,
                set,
                ..
            }),
        ] => (*id, *set),
        other => panic!("not one estimate: {other:?}"),
    }
}

/// The id and posts of the one prediction asked for.
fn asked(commands: Vec<Command>) -> (u64, Vec<String>) {
    match commands.as_slice() {
        [Command::Send(Request::Predict { id, users, .. })] => (*id, users.concat()),
        other => panic!("not one prediction: {other:?}"),
    }
}

/// The choice and reason of the one load asked for.
fn loaded(commands: Vec<Command>) -> (BackendChoice, Option<Reason>) {
    match commands.as_slice() {
        [
            Command::Send(Request::Load {
                choice,
                cpu_because,
                ..
            }),
        ] => (*choice, cpu_because.clone()),
        other => panic!("not one load: {other:?}"),
    }
}

/// The words of the answer that is shown.
fn words(session: &Session) -> Option<usize> {
    session
        .answer()?
        .as_ref()
        .ok()
        .map(|answer| answer.prediction.words)
}

/// A session whose model runs on `backend`.
fn session(backend: Backend) -> Session {
    let (mut session, commands) = Session::open(BUNDLE);
    assert_eq!(commands, [Command::Restart]);
    assert_eq!(
        loaded(session.receive(Reply::Started)),
        (BackendChoice::Auto, None)
    );
    assert_eq!(session.receive(ready(backend)), []);
    assert_eq!(*session.phase(), Phase::Ready);
    session
}

#[test]
fn messages_are_the_same_after_json() {
    let failed = |reason| Reply::Failed {
        id: None,
        model: MODEL,
        reason,
    };
    for reply in [
        Reply::Started,
        ready(on_gpu()),
        prediction(7, 3),
        estimated(8, 20),
        failed(Reason::NoModel),
        failed(crashed("no")),
        failed(Reason::OlderBundle { version: 3 }),
    ] {
        let json = serde_json::to_string(&reply).unwrap();
        assert_eq!(serde_json::from_str::<Reply>(&json).unwrap(), reply);
    }
    let (mut session, _) = Session::open(BUNDLE);
    for command in session.receive(Reply::Started) {
        let Command::Send(request) = command else {
            panic!("{command:?}")
        };
        let json = serde_json::to_string(&request).unwrap();
        assert_eq!(serde_json::from_str::<Request>(&json).unwrap(), request);
    }
}
