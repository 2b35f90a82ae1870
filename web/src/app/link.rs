//! The page's connection to its worker.

use js_sys::Uint8Array;
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use web_sys::{ErrorEvent, MessageEvent, Worker, WorkerOptions, WorkerType};

use crate::js::{describe, get};
use crate::protocol::{Reason, Reply, Request};
use crate::session::{Command, Session};

/// The script that starts the worker's program.
const WORKER: &str = "./widget/start_worker.js";

/// The session and the worker that executes its commands.
#[derive(Clone, Copy)]
pub struct Link {
    session: RwSignal<Session, LocalStorage>,
    running: StoredValue<Option<Running>, LocalStorage>,
}

impl Link {
    /// Starts a session with its worker and one of the page's own models.
    pub fn open(bundle: &str) -> Self {
        let (session, commands) = Session::open(bundle);
        let link = Self {
            session: RwSignal::new_local(session),
            running: StoredValue::new_local(None),
        };
        link.perform(commands);
        link
    }

    /// A part of the session; a view that reads it follows its changes.
    pub fn watch<T: PartialEq + Send + Sync + 'static>(
        self,
        part: impl Fn(&Session) -> T + Send + Sync + 'static,
    ) -> Memo<T> {
        Memo::new(move |_| self.session.with(&part))
    }

    /// Reads the session as it is now.
    pub fn look<T>(self, at: impl FnOnce(&Session) -> T) -> T {
        self.session.with_untracked(at)
    }

    /// Changes the session and executes the commands that follow.
    pub fn act(self, action: impl FnOnce(&mut Session) -> Vec<Command>) {
        if let Some(commands) = self.session.try_update(action) {
            self.perform(commands);
        }
    }

    fn perform(self, commands: Vec<Command>) {
        for command in commands {
            let done = match command {
                Command::Restart => self.restart(),
                Command::SendBundle(bytes) => self.post(&Uint8Array::from(&*bytes)),
                Command::Send(request) => self.send(&request),
            };
            if let Err(reason) = done {
                self.act(|session| session.crash(reason));
                return;
            }
        }
    }

    fn restart(self) -> Result<(), Reason> {
        self.running.set_value(None);
        let running = Running::start(self)?;
        self.running.set_value(Some(running));
        Ok(())
    }

    fn send(self, request: &Request) -> Result<(), Reason> {
        let json = serde_json::to_string(request);
        let json = json.map_err(|error| Reason::Misunderstood(error.to_string()))?;
        self.post(&JsValue::from_str(&json))
    }

    fn post(self, message: &JsValue) -> Result<(), Reason> {
        self.running.with_value(|running| match running {
            Some(running) => running.worker.post_message(message).map_err(crashed),
            None => Err(Reason::WorkerEnded),
        })
    }
}

/// A worker and its event listeners.
struct Running {
    worker: Worker,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(ErrorEvent)>,
}

impl Running {
    fn start(link: Link) -> Result<Self, Reason> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = Worker::new_with_options(WORKER, &options).map_err(crashed)?;
        let on_message = Closure::new(move |event: MessageEvent| {
            let text = event.data().as_string().unwrap_or_default();
            match serde_json::from_str::<Reply>(&text) {
                Ok(reply) => link.act(|session| session.receive(reply)),
                Err(error) => {
                    link.act(|session| session.crash(Reason::Misunderstood(error.to_string())));
                }
            }
        });
        // Called when the worker's scripts cannot be fetched. Later failures arrive as messages.
        let on_error = Closure::new(move |event: ErrorEvent| {
            let message = (get(&event, "message").as_string()).filter(|text| !text.is_empty());
            let reason = message.map_or(Reason::NoWorker, Reason::Crashed);
            link.act(|session| session.crash(reason));
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Ok(Self {
            worker,
            _on_message: on_message,
            _on_error: on_error,
        })
    }
}

/// An exception of the browser as a reason.
fn crashed(error: JsValue) -> Reason {
    Reason::Crashed(describe(error))
}

impl Drop for Running {
    fn drop(&mut self) {
        // Messages that are still on their way belong to an earlier state of the session.
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}
