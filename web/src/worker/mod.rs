//! What computes: owns the models, answers one request after the other, and keeps what it has fetched.

mod adapter;
mod fetch;
mod gpu;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use burn::tensor::Device;
use futures::StreamExt;
use futures::channel::mpsc::{self, UnboundedSender};
use js_sys::{Function, Uint8Array};
use model_core::prediction::UserPrediction;
use model_core::predictor::Predictor;
use model_core::text::Segmenter;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::MessageEvent;

use crate::backend::{Adapter, Crossover, decide};
use crate::protocol::{Asset, Backend, BackendChoice, Reply, Request};

#[wasm_bindgen]
extern "C" {
    /// What messages go through: a worker's global scope, or one end of a message channel.
    #[derive(Clone)]
    pub type Port;
    #[wasm_bindgen(method, js_name = postMessage)]
    fn post_message(this: &Port, message: &str);
    #[wasm_bindgen(method, setter)]
    fn set_onmessage(this: &Port, listener: &Function);

    #[wasm_bindgen(js_namespace = performance)]
    fn now() -> f64;
}

thread_local! {
    /// The page; the panic hook, too, speaks to it.
    static PAGE: RefCell<Option<Port>> = const { RefCell::new(None) };
    /// Whom a failure of the GPU's program is told, once there is one.
    static GPU_FAILED: RefCell<Option<UnboundedSender<String>>> = const { RefCell::new(None) };
}

/// Starts listening at `port`. `fetch_gpu` gives a promise of the module of the program for WebGPU.
#[wasm_bindgen]
pub fn serve(port: Port, fetch_gpu: Function) {
    report_panics();
    PAGE.set(Some(port.clone()));
    let (sender, mut tasks) = mpsc::unbounded();
    let tell = sender.clone();
    let on_message = Closure::<dyn FnMut(_)>::new(move |event: MessageEvent| {
        // It fails only when the loop below has ended, and then the page has been told why.
        drop(tell.unbounded_send(Task::Message(event.data())));
    });
    port.set_onmessage(on_message.as_ref().unchecked_ref());
    on_message.forget();
    spawn_local(async move {
        let mut worker = Worker::new(fetch_gpu, sender);
        while let Some(task) = tasks.next().await {
            worker.carry_out(task).await;
        }
    });
    reply(&Reply::Started);
}

/// An exception that nobody has caught: the GPU's program's while that is at work, else the worker's end.
#[wasm_bindgen]
pub fn uncaught(message: String) {
    GPU_FAILED.with_borrow(|gpu| match gpu {
        // Nobody listens once the GPU has been given up, whose program may fail more than once.
        Some(gpu) => drop(gpu.unbounded_send(message)),
        None => reply(&Reply::Crashed { message }),
    });
}

/// What the worker does next.
enum Task {
    /// What a message from the page asks for.
    Message(JsValue),
    /// To make a model of what has been fetched for it meanwhile.
    Fetched(Load, Result<Rc<[u8]>, String>),
}

/// A model to load.
struct Load {
    model: u64,
    /// Where its bundle is; `None`: the page has sent it.
    address: Option<String>,
    dictionary: String,
    choice: BackendChoice,
    cpu_because: Option<String>,
    /// The number of the load: of a model's loads only the newest counts.
    number: u64,
}

/// The models and what they are made of.
struct Worker {
    tasks: UnboundedSender<Task>,
    /// The numbers of the loads that are being fetched for, by model.
    loading: HashMap<u64, u64>,
    loads: u64,
    models: HashMap<u64, Model>,
    /// What was fetched, by address.
    fetched: HashMap<String, Rc<[u8]>>,
    /// A bundle that the page has sent.
    sent: Option<Vec<u8>>,
    fetch_gpu: Function,
    gpu: Gpu,
}

/// The program for WebGPU.
enum Gpu {
    NotWanted,
    Running(Box<gpu::Line>),
    /// It is not tried again.
    Failed(String),
}

/// A loaded model. It can always run on the CPU.
struct Model {
    predictor: Predictor,
    bundle: Rc<[u8]>,
    dictionary: Option<Rc<[u8]>>,
    choice: BackendChoice,
    /// The adapter that may be used, or why the CPU runs.
    adapter: Result<Adapter, Option<String>>,
    /// Of the automatic choice.
    crossover: Crossover,
    on_gpu: Option<gpu::GpuModel>,
}

impl Worker {
    fn new(fetch_gpu: Function, tasks: UnboundedSender<Task>) -> Self {
        Self {
            tasks,
            loading: HashMap::new(),
            loads: 0,
            models: HashMap::new(),
            fetched: HashMap::new(),
            sent: None,
            fetch_gpu,
            gpu: Gpu::NotWanted,
        }
    }

    async fn carry_out(&mut self, task: Task) {
        match task {
            Task::Message(data) => match data.as_string() {
                None => self.sent = Some(Uint8Array::new(&data).to_vec()),
                Some(text) => match serde_json::from_str(&text) {
                    Ok(request) => self.handle(request).await,
                    Err(error) => reply(&Reply::Crashed {
                        message: format!("unreadable request from the page: {error}"),
                    }),
                },
            },
            Task::Fetched(load, bundle) => {
                let model = load.model;
                if self.loading.get(&model) != Some(&load.number) {
                    return;
                }
                self.loading.remove(&model);
                if let (Some(address), Ok(bundle)) = (&load.address, &bundle) {
                    self.fetched.insert(address.clone(), bundle.clone());
                }
                let loaded = match bundle {
                    Ok(bundle) => self.load(load, bundle).await,
                    Err(message) => Err(message),
                };
                if let Err(message) = loaded {
                    reply(&Reply::Failed {
                        id: None,
                        model,
                        message,
                    });
                }
            }
        }
    }

    async fn handle(&mut self, request: Request) {
        match request {
            Request::Load {
                model,
                bundle,
                dictionary,
                choice,
                cpu_because,
            } => {
                self.unload(model);
                self.loads += 1;
                self.loading.insert(model, self.loads);
                let load = Load {
                    model,
                    address: bundle,
                    dictionary,
                    choice,
                    cpu_because,
                    number: self.loads,
                };
                self.fetch_bundle(load);
            }
            Request::Unload { model } => self.unload(model),
            Request::Predict {
                id,
                model,
                users,
                ahead,
            } => {
                let started = now();
                let answer = self.predict(model, &users, ahead).await;
                let answer = answer.map(|(predictions, backend)| Reply::Predicted {
                    id,
                    predictions,
                    backend,
                    milliseconds: now() - started,
                });
                answer_with(id, model, answer);
            }
            Request::Explain { id, model, posts } => {
                let started = now();
                let answer = match self.model(model) {
                    Ok(found) => {
                        (found.predictor.explain(&posts).await).map_err(|error| error.to_string())
                    }
                    Err(message) => Err(message),
                };
                let answer = answer.map(|explanation| Reply::Explained {
                    id,
                    explanation,
                    milliseconds: now() - started,
                });
                answer_with(id, model, answer);
            }
            Request::Segment { id, model, posts } => {
                let started = now();
                let answer = self.model(model).map(|found| Reply::Segmented {
                    id,
                    words: found.predictor.segment(&posts),
                    milliseconds: now() - started,
                });
                answer_with(id, model, answer);
            }
        }
    }

    fn model(&mut self, number: u64) -> Result<&mut Model, String> {
        (self.models.get_mut(&number)).ok_or_else(|| "there is no such model".into())
    }

    fn unload(&mut self, number: u64) {
        self.loading.remove(&number);
        if let (Some(model), Gpu::Running(line)) = (self.models.remove(&number), &self.gpu)
            && let Some(on_gpu) = model.on_gpu
        {
            line.free(on_gpu);
        }
    }

    /// Gets the bundle of a load, while the worker goes on with other tasks.
    fn fetch_bundle(&mut self, load: Load) {
        let tasks = self.tasks.clone();
        let kept = match &load.address {
            Some(address) => self.fetched.get(address).cloned().ok_or(None),
            None => Err(self.sent.take()),
        };
        spawn_local(async move {
            let bundle = match (kept, &load.address) {
                (Ok(bundle), _) => Ok(bundle),
                (Err(_), Some(address)) => fetch_for(load.model, Asset::Model, address).await,
                (Err(Some(sent)), None) => fetch::gunzip(sent).await.map(Rc::from),
                (Err(None), None) => Err("no model was sent".into()),
            };
            // It fails only when nobody carries out tasks any more.
            drop(tasks.unbounded_send(Task::Fetched(load, bundle)));
        });
    }

    /// Makes a model ready and tells the page so.
    async fn load(&mut self, load: Load, bundle: Rc<[u8]>) -> Result<(), String> {
        let Load {
            model: number,
            dictionary,
            choice,
            cpu_because,
            ..
        } = load;
        let mut predictor =
            Predictor::load(&bundle, &Device::flex()).map_err(|error| error.to_string())?;
        let mut needed = None;
        if predictor.needs_dictionary() {
            let dictionary = self.dictionary(number, &dictionary).await?;
            let segmenter = Segmenter::with_dictionary(&*dictionary);
            (segmenter.and_then(|segmenter| predictor.use_segmenter(segmenter)))
                .map_err(|error| error.to_string())?;
            needed = Some(dictionary);
        }
        let adapter = match (choice, &self.gpu) {
            (BackendChoice::Cpu, _) => Err(cpu_because),
            (_, Gpu::Failed(message)) => Err(Some(message.clone())),
            _ => decide(choice, adapter::adapter().await),
        };
        let mut model = Model {
            predictor,
            bundle,
            dictionary: needed,
            choice,
            adapter,
            crossover: Crossover::default(),
            on_gpu: None,
        };
        if choice == BackendChoice::WebGpu
            && let Err(message) = self.open_gpu(number, &mut model).await
        {
            self.give_up_gpu(&mut model, message);
        }
        if choice != BackendChoice::WebGpu {
            // Browsers compile a function of wasm when it is first called: here, before someone waits for an answer.
            let warm_up = model.predictor.predict(&[vec!["warm-up".into()]]).await;
            warm_up.map_err(|error| error.to_string())?;
        }
        reply(&Reply::Ready {
            model: number,
            card: Box::new(model.predictor.card().clone()),
            attributes: model.predictor.attributes().to_vec(),
            backend: model.backend(),
        });
        self.models.insert(number, model);
        Ok(())
    }

    /// The predictions and what they ran on. A GPU that fails is not tried again; the CPU takes its place.
    async fn predict(
        &mut self,
        number: u64,
        users: &[Vec<String>],
        ahead: u64,
    ) -> Result<(Vec<UserPrediction>, Backend), String> {
        // Out of the worker for as long as it predicts, which needs the rest of the worker.
        let mut model = (self.models.remove(&number)).ok_or("there is no such model")?;
        let predicted = self.predict_by(number, &mut model, users, ahead).await;
        self.models.insert(number, model);
        predicted
    }

    async fn predict_by(
        &mut self,
        number: u64,
        model: &mut Model,
        users: &[Vec<String>],
        ahead: u64,
    ) -> Result<(Vec<UserPrediction>, Backend), String> {
        let characters = users.iter().flatten().map(|post| post.len() as u64).sum();
        if model.wants_gpu(characters, ahead) {
            match self.predict_on_gpu(number, model, users).await {
                Ok(predictions) => return Ok((predictions, model.gpu_backend())),
                Err(message) => self.give_up_gpu(model, message),
            }
        }
        let started = now();
        let predictions = model.predictor.predict(users).await;
        let predictions = predictions.map_err(|error| error.to_string())?;
        model.crossover.cpu_took(characters, now() - started);
        Ok((predictions, model.cpu_backend()))
    }

    async fn predict_on_gpu(
        &mut self,
        number: u64,
        model: &mut Model,
        users: &[Vec<String>],
    ) -> Result<Vec<UserPrediction>, String> {
        let is_new = model.on_gpu.is_none();
        self.open_gpu(number, model).await?;
        let (Gpu::Running(line), Some(on_gpu)) = (&mut self.gpu, &model.on_gpu) else {
            return Err("it is not open".into());
        };
        if is_new && model.choice == BackendChoice::Auto {
            // The first time its shaders are compiled, which says nothing about its speed.
            line.predict(on_gpu, users).await?;
        }
        let started = now();
        let predictions = line.predict(on_gpu, users).await?;
        model.crossover.gpu_took(now() - started);
        Ok(predictions)
    }

    /// Sees to it that a model is on the GPU.
    async fn open_gpu(&mut self, number: u64, model: &mut Model) -> Result<(), String> {
        if model.adapter.is_err() || model.on_gpu.is_some() {
            return Ok(());
        }
        if let Gpu::Failed(message) = &self.gpu {
            return Err(message.clone());
        }
        if let Gpu::NotWanted = self.gpu {
            reply(&Reply::Progress {
                model: number,
                asset: Asset::Gpu,
                received: 0,
                total: None,
            });
            let line = gpu::Line::open(&self.fetch_gpu).await?;
            GPU_FAILED.set(Some(line.failed()));
            self.gpu = Gpu::Running(Box::new(line));
        }
        if let Gpu::Running(line) = &self.gpu {
            model.on_gpu = Some(line.load(&model.bundle, model.dictionary.as_deref())?);
        }
        Ok(())
    }

    fn give_up_gpu(&mut self, model: &mut Model, message: String) {
        let message = format!("WebGPU failed ({message})");
        model.adapter = Err(Some(message.clone()));
        for model in self.models.values_mut().chain([model]) {
            if model.on_gpu.take().is_some() {
                model.adapter = Err(Some(message.clone()));
            }
        }
        self.gpu = Gpu::Failed(message);
    }

    /// The dictionary, fetched once.
    async fn dictionary(&mut self, model: u64, address: &str) -> Result<Rc<[u8]>, String> {
        if let Some(bytes) = self.fetched.get(address) {
            return Ok(bytes.clone());
        }
        let bytes = fetch_for(model, Asset::Dictionary, address).await?;
        self.fetched.insert(address.into(), bytes.clone());
        Ok(bytes)
    }
}

/// The bytes at an address; the page is told how it goes.
async fn fetch_for(model: u64, asset: Asset, address: &str) -> Result<Rc<[u8]>, String> {
    let bytes = fetch::fetch(address, |received, total| {
        reply(&Reply::Progress {
            model,
            asset,
            received,
            total,
        })
    });
    Ok(fetch::gunzip(bytes.await?).await?.into())
}

impl Model {
    /// Whether these texts, of so many characters, go to the GPU.
    fn wants_gpu(&self, characters: u64, ahead: u64) -> bool {
        self.adapter.is_ok()
            && match self.choice {
                BackendChoice::Cpu => false,
                BackendChoice::WebGpu => true,
                BackendChoice::Auto => self.crossover.is_gpu_better(characters, ahead),
            }
    }

    /// What it runs on as long as nothing is asked of it.
    fn backend(&self) -> Backend {
        match self.on_gpu {
            Some(_) => self.gpu_backend(),
            None => self.cpu_backend(),
        }
    }

    fn cpu_backend(&self) -> Backend {
        Backend::Cpu {
            because: self.adapter.clone().err().flatten(),
        }
    }

    fn gpu_backend(&self) -> Backend {
        match self.adapter.clone() {
            Ok(Adapter { name, software, .. }) => Backend::WebGpu {
                adapter: name,
                software,
            },
            Err(because) => Backend::Cpu { because },
        }
    }
}

/// Answers a request for something of a model, or says why there is no answer.
fn answer_with(id: u64, model: u64, answer: Result<Reply, String>) {
    reply(&answer.unwrap_or_else(|message| Reply::Failed {
        id: Some(id),
        model,
        message,
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

/// Tells the page of panics, which the browser only knows as "unreachable".
fn report_panics() {
    std::panic::set_hook(Box::new(|info| {
        console_error_panic_hook::hook(info);
        let message = info.payload_as_str().unwrap_or("panic");
        reply(&Reply::Crashed {
            message: message.lines().next().unwrap_or("panic").into(),
        });
    }));
}
