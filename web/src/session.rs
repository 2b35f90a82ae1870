//! What the page knows and does next, without the page: user actions and worker replies go in, commands
//! for the worker come out, and the views only show what is written here.

use model_core::attribute::Attribute;
use model_core::card::ModelCard;
use model_core::prediction::UserPrediction;

use crate::protocol::{Asset, Backend, BackendChoice, Reply, Request};

/// Where the model is, relative to the page.
pub const BUNDLE: &str = "models/en.safetensors";
/// Where the dictionary for Chinese text is, relative to the page.
pub const DICTIONARY: &str = "dictionary/zh.txt.gz";

/// What the page has to do to its worker.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// End the worker, if there is one, and start a new one.
    Restart,
    /// Send it a message.
    Send(Request),
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

/// The state of the page. Of a worker one thing at a time is asked, a load or a prediction: of the texts typed
/// meanwhile only the newest is asked about next, an answer that has been overtaken is never shown, and a
/// backend chosen meanwhile gets a new worker.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    choice: BackendChoice,
    phase: Phase,
    model: Option<Model>,
    answer: Option<Result<Answer, String>>,
    posts: Vec<String>,
    /// The number of the newest thing to answer: a text, on a backend.
    newest: u64,
    /// The number of the newest thing that was answered.
    answered: u64,
    in_flight: Option<u64>,
    /// What the last load asked for, which after a crash is not what the user chose.
    asked: BackendChoice,
    /// The load to send as soon as the worker listens.
    waiting: Option<Request>,
}

impl Session {
    /// A page that was just opened, and what it does first.
    pub fn open() -> (Self, Vec<Command>) {
        let mut session = Self {
            choice: BackendChoice::Auto,
            phase: Phase::Starting,
            model: None,
            answer: None,
            posts: Vec::new(),
            newest: 0,
            answered: 0,
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

    /// How far the model is.
    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    /// The model, once it was ready.
    pub fn model(&self) -> Option<&Model> {
        self.model.as_ref()
    }

    /// The newest answer, or why there is none for a text; `None` without a text or a first answer.
    pub fn answer(&self) -> Option<&Result<Answer, String>> {
        self.answer.as_ref()
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
        if posts.is_empty() || matches!(self.phase, Phase::Failed(_)) {
            // Nothing will take its place.
            self.answer = None;
        }
        self.posts = posts;
    }

    /// The user wants another backend.
    pub fn choose(&mut self, choice: BackendChoice) -> Vec<Command> {
        if choice == self.choice {
            return Vec::new();
        }
        self.choice = choice;
        if self.phase == Phase::Ready && self.in_flight.is_none() {
            // What this worker has fetched is not fetched again.
            return vec![Command::Send(self.load(choice, None))];
        }
        self.restart(choice, None)
    }

    /// The user wants a failed start repeated.
    pub fn retry(&mut self) -> Vec<Command> {
        self.restart(self.choice, None)
    }

    /// The worker says something.
    pub fn receive(&mut self, reply: Reply) -> Vec<Command> {
        match reply {
            Reply::Started => self.waiting.take().map(Command::Send).into_iter().collect(),
            Reply::Progress {
                asset,
                received,
                total,
            } => {
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
                Vec::new()
            }
            Reply::Ready {
                card,
                attributes,
                backend,
            } => {
                self.model = Some(Model {
                    card: *card,
                    attributes,
                    backend,
                });
                self.phase = Phase::Ready;
                self.ask()
            }
            Reply::Prediction {
                id,
                prediction,
                milliseconds,
            } => self.settle(
                id,
                Ok(Answer {
                    prediction,
                    milliseconds,
                }),
            ),
            Reply::Failed {
                id: Some(id),
                message,
            } => self.settle(id, Err(message)),
            Reply::Failed { id: None, message } => self.fail(message),
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

    /// There is no model, and no answer to what was asked last.
    fn fail(&mut self, message: String) -> Vec<Command> {
        if self.is_behind() {
            self.answer = None;
        }
        self.in_flight = None;
        self.phase = Phase::Failed(message);
        Vec::new()
    }

    fn settle(&mut self, id: u64, answer: Result<Answer, String>) -> Vec<Command> {
        if self.in_flight == Some(id) {
            self.in_flight = None;
        }
        if id == self.newest && !self.posts.is_empty() {
            self.answered = id;
            self.answer = Some(answer);
        }
        self.ask()
    }

    /// Asks for the newest text's prediction, if it lacks one and the worker is free.
    pub fn ask(&mut self) -> Vec<Command> {
        if self.phase != Phase::Ready || self.in_flight.is_some() || !self.is_behind() {
            return Vec::new();
        }
        self.in_flight = Some(self.newest);
        vec![Command::Send(Request::Predict {
            id: self.newest,
            posts: self.posts.clone(),
        })]
    }

    /// A new worker, which is sent its load once it listens.
    fn restart(&mut self, choice: BackendChoice, cpu_because: Option<String>) -> Vec<Command> {
        self.waiting = Some(self.load(choice, cpu_because));
        vec![Command::Restart]
    }

    /// A load; the newest text is asked about, again if need be, once it is through.
    fn load(&mut self, choice: BackendChoice, cpu_because: Option<String>) -> Request {
        self.phase = Phase::Starting;
        self.asked = choice;
        self.in_flight = None;
        self.newest += 1;
        Request::Load {
            bundle: BUNDLE.into(),
            dictionary: DICTIONARY.into(),
            choice,
            cpu_because,
        }
    }
}

#[cfg(test)]
mod tests {
    use model_core::prediction::Named;

    use super::*;

    fn ready(backend: Backend) -> Reply {
        Reply::Ready {
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
            predictions: Named(Vec::new()),
        };
        Reply::Prediction {
            id,
            prediction,
            milliseconds: 1.0,
        }
    }

    /// The id and posts of the one prediction asked for.
    fn asked(commands: Vec<Command>) -> (u64, Vec<String>) {
        match commands.as_slice() {
            [Command::Send(Request::Predict { id, posts })] => (*id, posts.clone()),
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
        let (mut session, commands) = Session::open();
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
        let (mut session, _) = Session::open();
        assert_eq!(write(&mut session, "early"), []);
        session.receive(Reply::Started);
        let progress = Reply::Progress {
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
        let (mut session, _) = Session::open();
        assert_eq!(session.choose(BackendChoice::Cpu), [Command::Restart]);
        assert_eq!(
            loaded(session.receive(Reply::Started)),
            (BackendChoice::Cpu, None)
        );
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
        let (mut session, _) = Session::open();
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
        let (mut session, _) = Session::open();
        assert_eq!(session.crash("not found".into()), []);
        assert_eq!(*session.phase(), Phase::Failed("not found".into()));
    }

    #[test]
    fn a_bad_bundle_and_a_bad_text_are_told_apart() {
        let mut session = session(on_cpu());
        let (id, _) = asked(write(&mut session, "a"));
        session.receive(Reply::Failed {
            id: Some(id),
            message: "too odd".into(),
        });
        assert_eq!(session.answer(), Some(&Err("too odd".into())));
        assert_eq!(*session.phase(), Phase::Ready);
        session.receive(Reply::Failed {
            id: None,
            message: "no such file".into(),
        });
        assert_eq!(*session.phase(), Phase::Failed("no such file".into()));
    }

    #[test]
    fn messages_survive_the_way() {
        for reply in [Reply::Started, ready(on_gpu()), prediction(7, 3)] {
            let json = serde_json::to_string(&reply).unwrap();
            assert_eq!(serde_json::from_str::<Reply>(&json).unwrap(), reply);
        }
        let (mut session, _) = Session::open();
        for command in session.receive(Reply::Started) {
            let Command::Send(request) = command else {
                panic!("{command:?}")
            };
            let json = serde_json::to_string(&request).unwrap();
            assert_eq!(serde_json::from_str::<Request>(&json).unwrap(), request);
        }
    }
}
