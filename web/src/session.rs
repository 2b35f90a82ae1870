//! What the page knows and does next, without the page: user actions and worker replies go in, commands
//! for the worker come out, and the views only show what is written here.

use std::sync::Arc;

use model_core::attribute::Attribute;
use model_core::card::ModelCard;
use model_core::explanation::Explanation;
use model_core::language::is_han;
use model_core::prediction::UserPrediction;

use crate::batch::{Batch, ChunkSize, State};
use crate::protocol::{Asset, Backend, BackendChoice, Reply, Request};

/// Where the model is, as seen from the worker's script.
pub const BUNDLE: &str = "models/en.safetensors";
/// Where the model is that reads Chinese too, likewise: larger, and it needs the dictionary.
pub const BILINGUAL_BUNDLE: &str = "models/zh-en.safetensors";
/// Where the dictionary for Chinese text is, likewise.
pub const DICTIONARY: &str = "dictionary/zh.txt.gz";
/// The number of the page's model.
const MODEL: u64 = 0;
/// Where the model is that learned each attribute alone, to compare the page's own with.
pub const SINGLE_BUNDLE: &str = "models/en-single.safetensors";
/// Its number.
const SINGLE: u64 = 1;
/// What a chunk of a file should take the worker, in milliseconds: a text typed meanwhile waits so long.
const CHUNK_MS: f64 = 50.0;

/// What the page has to do to its worker.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// End the worker, if there is one, and start a new one.
    Restart,
    /// Send it the bytes of a bundle, for the load that follows.
    SendBundle(Arc<[u8]>),
    /// Send it a message.
    Send(Request),
}

/// Where a model comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// From an address, absolute or as seen from the worker's script.
    Address(String),
    /// From a file that the user has given.
    File(Arc<[u8]>),
}

/// How far the model is.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    /// The worker starts, or prepares what it has.
    Starting,
    /// Bytes arrive.
    Fetching {
        /// Of what.
        asset: Asset,
        /// How many so far.
        received: u64,
        /// How many there will be, if that is known.
        total: Option<u64>,
    },
    /// Texts can be read.
    Ready,
    /// There is no model, and this is why.
    Failed(String),
}

/// A model that is ready.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Where it came from.
    pub source: Source,
    /// What its makers say about it.
    pub card: ModelCard,
    /// What it predicts.
    pub attributes: Vec<Attribute>,
    /// What it runs on.
    pub backend: Backend,
}

/// What the model says about a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The distributions.
    pub prediction: UserPrediction,
    /// How long they took.
    pub milliseconds: f64,
}

/// What each word of a text does to its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// The text, as it was then.
    pub posts: Vec<String>,
    /// What its words do.
    pub explanation: Arc<Explanation>,
}

/// What the model that learned each attribute alone says about the newest text.
#[derive(Clone, Debug, PartialEq)]
pub enum Comparison {
    /// Nobody has asked for it.
    NotWanted,
    /// It is on its way.
    Coming,
    /// Here it is.
    Here(Arc<UserPrediction>),
    /// There is none, and this is why.
    Failed(String),
}

/// What the worker has been asked.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Work {
    /// What the model that learned each attribute alone says about the newest text of then.
    Single(u64),
    /// The newest text of then, by its number.
    Text(u64),
    /// Its evidence.
    Evidence(u64),
    /// A chunk of the file.
    File,
}

/// A file that is worked through.
struct Run {
    batch: Batch,
    /// The posts that are asked about, until they are answered.
    chunk: Option<Vec<Vec<String>>>,
    size: ChunkSize,
}

/// The state of the page. Of a worker one thing at a time is asked: a load, then predictions, of which the newest text
/// comes first, then its evidence and its comparison, then what is left of a file. An answer that has been overtaken is never shown, and a
/// backend chosen while the worker is busy gets a new worker.
pub struct Session {
    choice: BackendChoice,
    source: Source,
    phase: Phase,
    model: Option<Model>,
    refused: Option<String>,
    answer: Option<Result<Answer, String>>,
    wants_evidence: bool,
    evidence: Option<Result<Evidence, String>>,
    posts: Vec<String>,
    /// The number of the newest thing to answer: a text, on a backend.
    newest: u64,
    /// The number of the newest thing that was answered.
    answered: u64,
    /// The number of the newest thing whose evidence was given.
    explained: u64,
    comparison: Comparison,
    /// Whether this worker has been told to load that model, and whether it has it.
    single: (bool, bool),
    /// The number of the newest thing that it was asked about.
    compared: u64,
    run: Option<Run>,
    requests: u64,
    in_flight: Option<(u64, Work)>,
    /// What the last load asked for, which after a crash is not what the user chose.
    asked: BackendChoice,
    /// The load to send as soon as the worker listens.
    waiting: Option<Vec<Command>>,
}

impl Session {
    /// A page that was just opened with one of its own models, and what it does first.
    pub fn open(bundle: &str) -> (Self, Vec<Command>) {
        let mut session = Self {
            choice: BackendChoice::Auto,
            source: Source::Address(bundle.into()),
            phase: Phase::Starting,
            model: None,
            refused: None,
            answer: None,
            wants_evidence: false,
            evidence: None,
            posts: Vec::new(),
            newest: 0,
            answered: 0,
            explained: 0,
            comparison: Comparison::NotWanted,
            single: (false, false),
            compared: 0,
            run: None,
            requests: 0,
            in_flight: None,
            asked: BackendChoice::Auto,
            waiting: None,
        };
        let commands = session.restart(BackendChoice::Auto, None);
        (session, commands)
    }

    /// The user's choice of backend.
    pub fn choice(&self) -> BackendChoice {
        self.choice
    }

    /// Where the model comes from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// How far the model is.
    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    /// The model, once it was ready.
    pub fn model(&self) -> Option<&Model> {
        self.model.as_ref()
    }

    /// Why there is not the model that the user chose last, but still the one before.
    pub fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    /// The newest answer, or why there is none for a text; `None` without a text or a first answer.
    pub fn answer(&self) -> Option<&Result<Answer, String>> {
        self.answer.as_ref()
    }

    /// The evidence of the newest text, once it was asked for and is there.
    pub fn evidence(&self) -> Option<&Result<Evidence, String>> {
        self.evidence.as_ref()
    }

    /// What the model that learned each attribute alone says of the newest text.
    pub fn comparison(&self) -> &Comparison {
        &self.comparison
    }

    /// Whether there is such a model beside the one that runs.
    pub fn can_compare(&self) -> bool {
        self.is_english()
    }

    /// Whether the text is mostly Chinese, and the page's model for English is to read it.
    pub fn lacks_chinese(&self) -> bool {
        if !self.is_english() {
            return false;
        }
        let characters = self.posts.iter().flat_map(|post| post.chars());
        let letters = characters.filter(|character| character.is_alphabetic());
        let (chinese, all) = letters.fold((0, 0), |(chinese, all), letter| {
            (chinese + usize::from(is_han(letter)), all + 1)
        });
        2 * chinese > all
    }

    fn is_english(&self) -> bool {
        self.source == Source::Address(BUNDLE.into())
    }

    /// The run over a file, if the user has given one.
    pub fn batch(&self) -> Option<&Batch> {
        self.run.as_ref().map(|run| &run.batch)
    }

    /// Whether the answer, if any, is about an older text than the newest, or by an earlier model.
    pub fn is_behind(&self) -> bool {
        !self.posts.is_empty() && self.answered != self.newest
    }

    /// Whether a newer answer is on its way.
    pub fn is_busy(&self) -> bool {
        self.is_behind() && !matches!(self.phase, Phase::Failed(_))
    }

    /// The user's text is now `posts`; [`ask`](Self::ask) follows when the typing pauses.
    pub fn edit(&mut self, posts: Vec<String>) {
        if posts == self.posts {
            return;
        }
        self.newest += 1;
        self.evidence = None;
        if let Comparison::Here(_) = self.comparison {
            self.comparison = Comparison::Coming;
        }
        if posts.is_empty() || matches!(self.phase, Phase::Failed(_)) {
            // Nothing will take its place.
            self.answer = None;
        }
        self.posts = posts;
    }

    /// The user wants to see evidence from now on, or no longer.
    pub fn explain(&mut self, wanted: bool) -> Vec<Command> {
        self.wants_evidence = wanted;
        self.ask()
    }

    /// The user wants to see what a model says that learned each attribute alone, or no longer.
    pub fn compare(&mut self, wanted: bool) -> Vec<Command> {
        self.comparison = match wanted {
            true => Comparison::Coming,
            false => Comparison::NotWanted,
        };
        self.compared = 0;
        self.ask()
    }

    /// The user gives a file of many writers.
    pub fn run_file(&mut self, batch: Batch) -> Vec<Command> {
        self.run = Some(Run {
            batch,
            chunk: None,
            size: ChunkSize {
                users: 256,
                characters: 16_000,
            },
        });
        self.ask()
    }

    /// The user wants no more of the file; what was done stays.
    pub fn cancel_file(&mut self) {
        if let Some(run) = &mut self.run {
            run.batch.cancel();
            run.chunk = None;
        }
    }

    /// The user is done with the file.
    pub fn close_file(&mut self) {
        self.run = None;
    }

    /// The user wants another backend.
    pub fn choose(&mut self, choice: BackendChoice) -> Vec<Command> {
        if choice == self.choice {
            return Vec::new();
        }
        self.choice = choice;
        self.reload(choice)
    }

    /// The user wants another model. A file is predicted by one model or not at all.
    pub fn use_model(&mut self, source: Source) -> Vec<Command> {
        self.cancel_file();
        self.source = source;
        self.refused = None;
        self.answer = None;
        self.comparison = Comparison::NotWanted;
        self.reload(self.choice)
    }

    /// The user wants to be read in Chinese too. A model that the user chose stays, and so does one that works through a file.
    pub fn read_chinese(&mut self) -> Vec<Command> {
        let batch = self.batch();
        let works = batch.is_some_and(|batch| *batch.state() == State::Running);
        if !self.is_english() || works {
            return Vec::new();
        }
        self.use_model(Source::Address(BILINGUAL_BUNDLE.into()))
    }

    /// The user wants a failed start repeated.
    pub fn retry(&mut self) -> Vec<Command> {
        self.restart(self.choice, None)
    }

    /// The worker says something.
    pub fn receive(&mut self, reply: Reply) -> Vec<Command> {
        match reply {
            Reply::Started => self.waiting.take().unwrap_or_default(),
            Reply::Progress {
                asset,
                received,
                total,
                ..
            } => {
                // Once it is ready, more is fetched only for what is asked of it.
                if self.phase != Phase::Ready {
                    // After the last byte the model is prepared.
                    self.phase = if total == Some(received) {
                        Phase::Starting
                    } else {
                        Phase::Fetching {
                            asset,
                            received,
                            total,
                        }
                    };
                }
                Vec::new()
            }
            Reply::Ready { model: SINGLE, .. } => {
                self.single = (true, true);
                self.ask()
            }
            Reply::Ready {
                card,
                attributes,
                backend,
                ..
            } => {
                self.model = Some(Model {
                    source: self.source.clone(),
                    card: *card,
                    attributes,
                    backend,
                });
                self.phase = Phase::Ready;
                self.ask()
            }
            Reply::Predicted {
                id,
                predictions,
                backend,
                milliseconds,
            } => {
                self.predicted(id, predictions, backend, milliseconds);
                self.ask()
            }
            Reply::Explained {
                id, explanation, ..
            } => {
                if let Some(Work::Evidence(number)) = self.done(id) {
                    self.explain_with(number, Ok(explanation));
                }
                self.ask()
            }
            // The page does not ask for it.
            Reply::Segmented { .. } => Vec::new(),
            Reply::Failed {
                id: Some(id),
                message,
                ..
            } => {
                match self.done(id) {
                    Some(Work::Text(number)) => self.settle(number, Err(message)),
                    Some(Work::Evidence(number)) => self.explain_with(number, Err(message)),
                    Some(Work::Single(_)) => self.comparison = Comparison::Failed(message),
                    Some(Work::File) => {
                        if let Some(run) = &mut self.run {
                            run.batch.fail(message);
                        }
                    }
                    None => {}
                }
                self.ask()
            }
            Reply::Failed {
                id: None,
                model: SINGLE,
                message,
            } => {
                self.single = (false, false);
                self.comparison = Comparison::Failed(message);
                self.ask()
            }
            Reply::Failed {
                id: None, message, ..
            } => self.fail(message),
            Reply::Crashed { message } => self.crash(message),
        }
    }

    /// The worker is broken. What may have been the GPU's fault is tried again without it.
    pub fn crash(&mut self, message: String) -> Vec<Command> {
        if matches!(self.phase, Phase::Failed(_)) {
            // One failure can be reported twice: by the panic, and by the exception that it ends in.
            return Vec::new();
        }
        let never_started = self.waiting.is_some();
        let on_cpu = match (&self.phase, &self.model) {
            (Phase::Ready, Some(model)) => matches!(model.backend, Backend::Cpu { .. }),
            _ => self.asked == BackendChoice::Cpu,
        };
        if never_started || on_cpu {
            return self.fail(message);
        }
        self.restart(
            BackendChoice::Cpu,
            Some(format!("WebGPU failed ({message})")),
        )
    }

    /// What to ask of the worker now, if it is free.
    pub fn ask(&mut self) -> Vec<Command> {
        if self.phase != Phase::Ready {
            return Vec::new();
        }
        let mut commands = Vec::new();
        if self.lacks_comparison() && !self.single.0 {
            // The worker goes on with everything else while it is fetched.
            self.single.0 = true;
            commands.push(Command::Send(Request::Load {
                model: SINGLE,
                bundle: Some(SINGLE_BUNDLE.into()),
                dictionary: DICTIONARY.into(),
                choice: BackendChoice::Cpu,
                cpu_because: None,
            }));
        }
        if self.in_flight.is_some() {
            return commands;
        }
        let id = self.requests + 1;
        let (work, request) = if self.is_behind() {
            let request = Request::Predict {
                id,
                model: MODEL,
                users: vec![self.posts.clone()],
                ahead: 0,
            };
            (Work::Text(self.newest), request)
        } else if self.lacks_evidence() {
            let request = Request::Explain {
                id,
                model: MODEL,
                posts: self.posts.clone(),
            };
            (Work::Evidence(self.newest), request)
        } else if self.lacks_comparison() && self.single.1 {
            let request = Request::Predict {
                id,
                model: SINGLE,
                users: vec![self.posts.clone()],
                ahead: 0,
            };
            (Work::Single(self.newest), request)
        } else if let Some((users, ahead)) = self.next_chunk() {
            let request = Request::Predict {
                id,
                model: MODEL,
                users,
                ahead,
            };
            (Work::File, request)
        } else {
            return commands;
        };
        self.requests = id;
        self.in_flight = Some((id, work));
        commands.push(Command::Send(request));
        commands
    }

    fn lacks_evidence(&self) -> bool {
        let can_be_explained =
            matches!(&self.answer, Some(Ok(answer)) if answer.prediction.known_words > 0);
        self.wants_evidence
            && can_be_explained
            && !self.posts.is_empty()
            && (self.explained != self.newest || self.evidence.is_none())
    }

    fn lacks_comparison(&self) -> bool {
        self.comparison == Comparison::Coming
            && self.can_compare()
            && !self.posts.is_empty()
            && self.compared != self.newest
    }

    /// The posts of the file to ask about next, and about how many bytes of it follow.
    fn next_chunk(&mut self) -> Option<(Vec<Vec<String>>, u64)> {
        let Run { batch, chunk, size } = self.run.as_mut()?;
        if chunk.is_none() {
            *chunk = batch.next_chunk(*size);
        }
        let left = batch.bytes() - batch.bytes_read();
        Some((chunk.clone()?, left as u64))
    }

    fn predicted(
        &mut self,
        id: u64,
        mut predictions: Vec<UserPrediction>,
        backend: Backend,
        milliseconds: f64,
    ) {
        let work = self.done(id);
        if let (Some(Work::Text(_) | Work::File), Some(model)) = (work, &mut self.model) {
            model.backend = backend;
        }
        match work {
            Some(Work::Text(number)) => {
                let answer = predictions.pop().map(|prediction| Answer {
                    prediction,
                    milliseconds,
                });
                let answer = answer.ok_or_else(|| "the model gave no answer".into());
                self.settle(number, answer);
            }
            Some(Work::File) => {
                if let Some(run) = &mut self.run
                    && let Some(chunk) = run.chunk.take()
                {
                    let characters = chunk.iter().flatten().map(|post| post.len()).sum::<usize>();
                    let wanted = characters as f64 * CHUNK_MS / milliseconds.max(1.0);
                    run.size.characters = (wanted as usize).clamp(2_000, 1_000_000);
                    run.batch.answer(predictions);
                }
            }
            Some(Work::Single(number)) => {
                if let (true, Some(prediction)) = (number == self.newest, predictions.pop()) {
                    self.compared = number;
                    self.comparison = Comparison::Here(Arc::new(prediction));
                }
            }
            Some(Work::Evidence(_)) | None => {}
        }
    }

    /// What was asked by this number, if it is what the worker was at.
    fn done(&mut self, id: u64) -> Option<Work> {
        let (_, work) = self.in_flight.take_if(|(in_flight, _)| *in_flight == id)?;
        Some(work)
    }

    fn settle(&mut self, number: u64, answer: Result<Answer, String>) {
        if number == self.newest && !self.posts.is_empty() {
            self.answered = number;
            self.answer = Some(answer);
        }
    }

    fn explain_with(&mut self, number: u64, explanation: Result<Explanation, String>) {
        if number == self.newest {
            self.explained = number;
            self.evidence = Some(explanation.map(|explanation| Evidence {
                posts: self.posts.clone(),
                explanation: Arc::new(explanation),
            }));
        }
    }

    /// The model is not to be had, and what was asked last has no answer; but one that was ready before takes its place again.
    fn fail(&mut self, message: String) -> Vec<Command> {
        if let Some(before) = &self.model
            && before.source != self.source
        {
            self.source = before.source.clone();
            self.refused = Some(message);
            return self.restart(self.choice, None);
        }
        if self.is_behind() {
            self.answer = None;
        }
        if let Some(run) = &mut self.run
            && *run.batch.state() == State::Running
        {
            run.batch.fail(message.clone());
        }
        self.in_flight = None;
        self.phase = Phase::Failed(message);
        Vec::new()
    }

    /// The model again, by the same worker where that is free: what it has fetched is not fetched again.
    fn reload(&mut self, choice: BackendChoice) -> Vec<Command> {
        if self.phase == Phase::Ready && self.in_flight.is_none() {
            self.load(choice, None)
        } else {
            self.restart(choice, None)
        }
    }

    /// A new worker, which is sent its load once it listens.
    fn restart(&mut self, choice: BackendChoice, cpu_because: Option<String>) -> Vec<Command> {
        self.single = (false, false);
        self.waiting = Some(self.load(choice, cpu_because));
        vec![Command::Restart]
    }

    /// A load; the newest text is asked about, again if need be, once it is through.
    fn load(&mut self, choice: BackendChoice, cpu_because: Option<String>) -> Vec<Command> {
        self.phase = Phase::Starting;
        self.asked = choice;
        self.in_flight = None;
        self.newest += 1;
        if let Comparison::Here(_) = self.comparison {
            self.comparison = Comparison::Coming;
        }
        let (bytes, bundle) = match &self.source {
            Source::Address(address) => (None, Some(address.clone())),
            Source::File(bytes) => (Some(Command::SendBundle(bytes.clone())), None),
        };
        let load = Request::Load {
            model: MODEL,
            bundle,
            dictionary: DICTIONARY.into(),
            choice,
            cpu_because,
        };
        bytes.into_iter().chain([Command::Send(load)]).collect()
    }
}

#[cfg(test)]
mod tests {
    use model_core::prediction::Named;

    use super::*;

    fn ready(backend: Backend) -> Reply {
        Reply::Ready {
            model: MODEL,
            card: Box::default(),
            attributes: Vec::new(),
            backend,
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

    fn text(text: &str) -> Vec<String> {
        vec![text.into()]
    }

    /// Types a text and pauses.
    fn write(session: &mut Session, new: &str) -> Vec<Command> {
        session.edit(text(new));
        session.ask()
    }

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
            milliseconds: 1.0,
        }
    }

    fn predictions(id: u64, users: usize) -> Reply {
        let Reply::Predicted { predictions, .. } = prediction(id, 1) else {
            unreachable!()
        };
        Reply::Predicted {
            id,
            predictions: vec![predictions[0].clone(); users],
            backend: on_cpu(),
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

    /// The id and posts of the one prediction asked for.
    fn asked(commands: Vec<Command>) -> (u64, Vec<String>) {
        match commands.as_slice() {
            [Command::Send(Request::Predict { id, users, .. })] => (*id, users.concat()),
            other => panic!("not one prediction: {other:?}"),
        }
    }

    /// The choice and reason of the one load asked for.
    fn loaded(commands: Vec<Command>) -> (BackendChoice, Option<String>) {
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
    fn a_file_is_worked_through_and_typed_text_comes_first() {
        let mut session = session(on_cpu());
        let users: String = (0..600).map(|user| format!("writer {user}\n")).collect();
        let batch = Batch::new("writers.txt".into(), users.into_bytes());
        let (id, posts) = asked(session.run_file(batch));
        assert_eq!((posts.len(), posts[0].as_str()), (256, "writer 0"));
        assert_eq!(write(&mut session, "typed meanwhile"), []);
        let (typed, posts) = asked(session.receive(predictions(id, 256)));
        assert_eq!(posts, text("typed meanwhile"));
        assert_eq!(session.batch().unwrap().lines().len(), 256);
        let (id, posts) = asked(session.receive(prediction(typed, 2)));
        assert_eq!(posts[0], "writer 256");
        assert_eq!(words(&session), Some(2));
        // A worker that is lost meanwhile is asked for the same chunk again.
        assert_eq!(session.choose(BackendChoice::Cpu), [Command::Restart]);
        session.receive(Reply::Started);
        let (typed, _) = asked(session.receive(ready(on_cpu())));
        assert_eq!(
            session.receive(predictions(id, 256)),
            [],
            "the old worker's"
        );
        let (id, posts) = asked(session.receive(prediction(typed, 2)));
        assert_eq!(posts[0], "writer 256");
        let (id, posts) = asked(session.receive(predictions(id, 256)));
        assert_eq!(posts.len(), 88);
        assert_eq!(session.receive(predictions(id, 88)), []);
        let batch = session.batch().unwrap();
        assert_eq!(
            (batch.state(), batch.lines().len()),
            (&State::Finished, 600)
        );
    }

    #[test]
    fn the_single_model_is_loaded_when_it_is_wanted() {
        let mut session = session(on_cpu());
        assert_eq!(session.compare(true), [], "there is no text");
        let commands = write(&mut session, "early");
        let [load, predict] = commands.as_slice() else {
            panic!("not a load and a prediction: {commands:?}");
        };
        assert!(matches!(
            load,
            Command::Send(Request::Load { model: SINGLE, .. })
        ));
        let (id, _) = asked(vec![predict.clone()]);
        assert_eq!(session.receive(prediction(id, 1)), []);
        // The page's own model goes on meanwhile.
        let (id, _) = asked(write(&mut session, "a"));
        assert_eq!(session.receive(prediction(id, 1)), []);
        let Reply::Ready { card, .. } = ready(on_cpu()) else {
            unreachable!()
        };
        let (id, posts) = asked(session.receive(Reply::Ready {
            model: SINGLE,
            card,
            attributes: Vec::new(),
            backend: on_cpu(),
        }));
        assert_eq!(posts, text("a"));
        assert_eq!(session.receive(prediction(id, 7)), []);
        let Comparison::Here(single) = session.comparison() else {
            panic!("{:?}", session.comparison());
        };
        assert_eq!((single.words, words(&session)), (7, Some(1)));
        // The next text is asked of both.
        let (id, _) = asked(write(&mut session, "ab"));
        assert_eq!(*session.comparison(), Comparison::Coming);
        let (id, _) = asked(session.receive(prediction(id, 2)));
        session.receive(Reply::Failed {
            id: Some(id),
            model: SINGLE,
            message: "too odd".into(),
        });
        assert_eq!(*session.comparison(), Comparison::Failed("too odd".into()));
        assert_eq!(words(&session), Some(2));
    }

    #[test]
    fn a_cancelled_file_keeps_what_was_done() {
        let mut session = session(on_cpu());
        let users = "a writer\n".repeat(300);
        let batch = Batch::new("writers.txt".into(), users.into_bytes());
        let (id, _) = asked(session.run_file(batch));
        let (id, _) = asked(session.receive(predictions(id, 256)));
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
                message: "device lost".into()
            }),
            [Command::Restart]
        );
        let (choice, because) = loaded(session.receive(Reply::Started));
        assert_eq!(choice, BackendChoice::Cpu);
        assert!(because.is_some_and(|because| because.contains("device lost")));
        assert_eq!(
            session.choice(),
            BackendChoice::Auto,
            "the switch stays where the user put it"
        );
        let (_, posts) = asked(session.receive(ready(on_cpu())));
        assert_eq!(posts, text("a"));
    }

    #[test]
    fn a_crash_while_opening_the_gpu_leads_to_the_cpu_and_a_second_one_ends() {
        let (mut session, _) = Session::open(BUNDLE);
        session.receive(Reply::Started);
        assert_eq!(session.crash("no".into()), [Command::Restart]);
        assert_eq!(
            loaded(session.receive(Reply::Started)).0,
            BackendChoice::Cpu
        );
        assert_eq!(session.crash("still no".into()), []);
        assert_eq!(*session.phase(), Phase::Failed("still no".into()));
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
        assert_eq!(session.crash("out of memory".into()), []);
        assert_eq!(
            session.answer(),
            None,
            "the old answer is none to the new text"
        );
        assert_eq!(session.crash("unreachable".into()), [], "the same again");
        assert_eq!(*session.phase(), Phase::Failed("out of memory".into()));
        assert_eq!(session.choose(BackendChoice::WebGpu), [Command::Restart]);
    }

    #[test]
    fn a_program_that_does_not_start_is_no_failure_of_the_gpu() {
        let (mut session, _) = Session::open(BUNDLE);
        assert_eq!(session.crash("not found".into()), []);
        assert_eq!(*session.phase(), Phase::Failed("not found".into()));
    }

    #[test]
    fn a_bad_bundle_and_a_bad_text_are_told_apart() {
        let mut session = session(on_cpu());
        let (id, _) = asked(write(&mut session, "a"));
        session.receive(Reply::Failed {
            id: Some(id),
            model: MODEL,
            message: "too odd".into(),
        });
        assert_eq!(session.answer(), Some(&Err("too odd".into())));
        assert_eq!(*session.phase(), Phase::Ready);
        session.receive(Reply::Failed {
            id: None,
            model: MODEL,
            message: "no such file".into(),
        });
        assert_eq!(*session.phase(), Phase::Failed("no such file".into()));
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
            Command::Send(Request::Load { bundle, .. }) => {
                bundle.as_deref() == Some(BILINGUAL_BUNDLE)
            }
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
        let refuse = |session: &mut Session, message: &str| {
            session.receive(Reply::Failed {
                id: None,
                model: MODEL,
                message: message.into(),
            })
        };
        assert_eq!(refuse(&mut session, "no network"), [Command::Restart]);
        assert_eq!(session.source(), &Source::Address(BUNDLE.into()));
        assert_eq!(session.refused(), Some("no network"));
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

        // Where that is not to be had either, there is none.
        session.receive(Reply::Started);
        refuse(&mut session, "no network");
        session.receive(Reply::Started);
        assert_eq!(refuse(&mut session, "nothing at all"), []);
        assert_eq!(*session.phase(), Phase::Failed("nothing at all".into()));
    }

    #[test]
    fn messages_survive_the_way() {
        for reply in [Reply::Started, ready(on_gpu()), prediction(7, 3)] {
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
}
