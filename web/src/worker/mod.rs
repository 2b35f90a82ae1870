//! The worker: it owns the models and answers one request after the other. It caches fetched files.

mod adapter;
mod chinese;
mod fetch;
mod gpu;
mod load;
mod model;
mod reason;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use futures::StreamExt;
use futures::channel::mpsc::{self, UnboundedSender};
use js_sys::{Function, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::MessageEvent;

use crate::exceptions;
use crate::protocol::{Reason, Reply, Request};

use gpu::Gpu;
use load::Load;
use model::Model;
pub use model::predict;

#[wasm_bindgen]
extern "C" {
    /// Where messages are sent and received: a worker's global scope, or one end of a message channel.
    #[derive(Clone)]
    pub type Port;
    #[wasm_bindgen(method, js_name = postMessage)]
    fn post_message(this: &Port, message: &str);
    #[wasm_bindgen(method, setter)]
    fn set_onmessage(this: &Port, listener: &Function);

    #[wasm_bindgen(js_namespace = performance)]
    fn now() -> f64;

    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &Function);
}

thread_local! {
    /// The page's port. Global, because the panic hook replies too.
    static PAGE: RefCell<Option<Port>> = const { RefCell::new(None) };
}

/// Starts to listen at `port`. `fetch_gpu` and `fetch_chinese` return promises of the modules of the program for WebGPU and of
/// the one that segments Chinese. `fetch` replaces the global function of that name, which in Node cannot read files.
#[wasm_bindgen]
pub fn serve(port: Port, fetch_gpu: Function, fetch_chinese: Function, fetch: Option<Function>) {
    report_panics();
    fetch::replace(fetch);
    PAGE.set(Some(port.clone()));
    let (sender, mut tasks) = mpsc::unbounded();
    let messages = sender.clone();
    let on_message = Closure::<dyn FnMut(_)>::new(move |event: MessageEvent| {
        // Fails only if the loop below has ended, which the page has been told.
        drop(messages.unbounded_send(Task::Message(event.data())));
    });
    port.set_onmessage(on_message.as_ref().unchecked_ref());
    on_message.forget();
    spawn(async move {
        let mut worker = Worker::new(fetch_gpu, fetch_chinese, sender);
        while let Some(task) = tasks.next().await {
            worker.carry_out(task).await;
        }
    });
    reply(&Reply::Started);
}

/// Handles an uncaught exception. An exception of this program ends the worker. One of the GPU's program only ends the
/// use of the GPU.
#[wasm_bindgen]
pub fn uncaught(message: String) {
    if exceptions::has_escaped() || !gpu::report(&message) {
        let reason = Reason::Crashed(message);
        reply(&Reply::Crashed { reason });
    }
}

/// Runs a future of this program, so that [`uncaught`] recognises its exceptions.
fn spawn(future: impl Future<Output = ()> + 'static) {
    spawn_local(exceptions::watched(future));
}

/// A task of the worker.
enum Task {
    /// Answer a message from the page.
    Message(JsValue),
    /// Make a model of a bundle that was fetched.
    Fetched {
        load: Load,
        /// Of the loads of one model only the one with the highest number counts.
        number: u64,
        bundle: Result<Rc<[u8]>, Reason>,
    },
    /// Prepare the next common words of the model of this number.
    Prepare(u64),
}

/// The models and the files they are loaded from.
struct Worker {
    tasks: UnboundedSender<Task>,
    /// The number of the newest load of each model that waits for its bundle.
    loading: HashMap<u64, u64>,
    /// The number of loads requested so far.
    loads: u64,
    models: HashMap<u64, Model>,
    /// Fetched files, by address.
    fetched: HashMap<String, Rc<[u8]>>,
    /// A bundle that the page has sent.
    sent: Option<Vec<u8>>,
    gpu: Gpu,
    fetch_chinese: Function,
}

impl Worker {
    fn new(fetch_gpu: Function, fetch_chinese: Function, tasks: UnboundedSender<Task>) -> Self {
        Self {
            tasks,
            loading: HashMap::new(),
            loads: 0,
            models: HashMap::new(),
            fetched: HashMap::new(),
            sent: None,
            gpu: Gpu::new(fetch_gpu),
            fetch_chinese,
        }
    }

    async fn carry_out(&mut self, task: Task) {
        match task {
            Task::Message(data) => match data.as_string() {
                None => self.sent = Some(Uint8Array::new(&data).to_vec()),
                Some(text) => match serde_json::from_str(&text) {
                    Ok(request) => self.handle(request).await,
                    Err(error) => reply(&Reply::Crashed {
                        reason: Reason::Misunderstood(error.to_string()),
                    }),
                },
            },
            Task::Fetched {
                load,
                number,
                bundle,
            } => self.fetched(load, number, bundle).await,
            Task::Prepare(number) => {
                if let Some(model) = self.models.get_mut(&number)
                    && model.prepare().await
                {
                    self.prepare_later(number);
                }
            }
        }
    }

    /// Prepares some words of a model after the messages that have arrived by then.
    fn prepare_later(&self, number: u64) {
        let tasks = self.tasks.clone();
        // Fails only when the worker carries out no more tasks.
        let prepare = move || drop(tasks.unbounded_send(Task::Prepare(number)));
        set_timeout(Closure::once_into_js(prepare).unchecked_ref());
    }

    async fn handle(&mut self, request: Request) {
        let started = now();
        match request {
            Request::Load {
                model,
                bundle,
                dictionary,
                choice,
                cpu_because,
            } => {
                self.unload(model);
                self.fetch_bundle(Load {
                    model,
                    address: bundle,
                    dictionary,
                    choice,
                    cpu_because,
                });
            }
            Request::Unload { model } => self.unload(model),
            Request::Predict {
                id,
                model,
                users,
                ahead,
                base_rates,
                set,
            } => {
                let answer = self.predict(model, &users, ahead, base_rates, set).await;
                let answer = answer.map(|predicted| Reply::Predicted {
                    id,
                    predictions: predicted.predictions,
                    backend: predicted.backend,
                    chunk: predicted.chunk,
                    milliseconds: now() - started,
                });
                answer_with(id, model, answer);
            }
            Request::Estimate {
                id,
                model,
                set,
                method,
            } => {
                let found = self.models.get(&model).ok_or(Reason::NoModel);
                let answer = found.map(|found| Reply::Estimated {
                    id,
                    estimate: found.estimate(set, method),
                    milliseconds: now() - started,
                });
                answer_with(id, model, answer);
            }
            Request::Explain {
                id,
                model,
                posts,
                base_rates,
            } => {
                let answer = match self.models.get_mut(&model) {
                    Some(found) => found.explain(&posts, base_rates).await,
                    None => Err(Reason::NoModel),
                };
                let answer = answer.map(|explanation| Reply::Explained {
                    id,
                    explanation,
                    milliseconds: now() - started,
                });
                answer_with(id, model, answer);
            }
            Request::Segment { id, model, posts } => {
                let found = self.models.get(&model).ok_or(Reason::NoModel);
                let answer = found.map(|found| Reply::Segmented {
                    id,
                    words: found.segment(&posts),
                    milliseconds: now() - started,
                });
                answer_with(id, model, answer);
            }
        }
    }

    /// Keeps what was fetched for later loads. A file is read again: that is quick, and it may have another content by then.
    fn keep(&mut self, address: &str, bytes: &Rc<[u8]>) {
        if !address.starts_with("file:") {
            self.fetched.insert(address.into(), bytes.clone());
        }
    }

    fn unload(&mut self, number: u64) {
        self.loading.remove(&number);
        if let Some(model) = self.models.remove(&number) {
            model.free();
        }
    }
}

/// Answers a request about a model, or says why there is no answer.
fn answer_with(id: u64, model: u64, answer: Result<Reply, Reason>) {
    reply(&answer.unwrap_or_else(|reason| Reply::Failed {
        id: Some(id),
        model,
        reason,
    }));
}

fn reply(reply: &Reply) {
    // These types can always be written as JSON.
    if let Ok(json) = serde_json::to_string(reply) {
        PAGE.with_borrow(|page| {
            if let Some(page) = page {
                page.post_message(&json);
            }
        });
    }
}

/// Has panics reported with their message. Without this the page would only hear of an "unreachable" instruction.
fn report_panics() {
    std::panic::set_hook(Box::new(|info| {
        console_error_panic_hook::hook(info);
        let message = info.payload_as_str().unwrap_or("panic");
        let line = message.lines().next().unwrap_or("panic");
        reply(&Reply::Crashed {
            reason: Reason::Crashed(line.into()),
        });
    }));
}
