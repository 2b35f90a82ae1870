//! What computes: owns the predictor, answers one request after the other, and keeps what it has fetched.

mod fetch;
mod gpu;

use std::collections::HashMap;
use std::rc::Rc;

use burn::tensor::Device;
use futures::StreamExt;
use futures::channel::mpsc;
use model_core::predictor::Predictor;
use model_core::text::Segmenter;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use crate::backend::decide;
use crate::protocol::{Asset, Backend, BackendChoice, Reply, Request};

/// Starts listening to the page.
pub fn start() {
    report_panics();
    let (sender, mut requests) = mpsc::unbounded();
    let on_message = Closure::<dyn FnMut(_)>::new(move |event: MessageEvent| {
        let text = event.data().as_string().unwrap_or_default();
        match serde_json::from_str::<Request>(&text) {
            // It fails only when the loop below has ended, and then the page has been told why.
            Ok(request) => drop(sender.unbounded_send(request)),
            Err(error) => reply(&Reply::Crashed {
                message: format!("unreadable request from the page: {error}"),
            }),
        }
    });
    scope().set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget();
    spawn_local(async move {
        let mut worker = Worker::default();
        while let Some(request) = requests.next().await {
            worker.handle(request).await;
        }
    });
    reply(&Reply::Started);
}

/// The predictor and what it is made of.
#[derive(Default)]
struct Worker {
    /// What was fetched, by address.
    fetched: HashMap<String, Rc<[u8]>>,
    /// The GPU, which can be opened only once.
    gpu: Option<Device>,
    model: Option<Model>,
}

/// A loaded model and what it runs on.
struct Model {
    predictor: Predictor,
    backend: Backend,
}

impl Worker {
    async fn handle(&mut self, request: Request) {
        match request {
            Request::Load {
                bundle,
                dictionary,
                choice,
                cpu_because,
            } => {
                self.model = None;
                if let Err(message) = self.load(bundle, dictionary, choice, cpu_because).await {
                    reply(&Reply::Failed { id: None, message });
                }
            }
            Request::Predict { id, posts } => reply(&self.predict(id, posts).await),
        }
    }

    /// Makes a model ready and tells the page so.
    async fn load(
        &mut self,
        bundle: String,
        dictionary: String,
        choice: BackendChoice,
        cpu_because: Option<String>,
    ) -> Result<(), String> {
        let bytes = self.fetch(Asset::Model, &bundle).await?;
        let (device, backend) = match self.open_gpu(choice).await {
            Ok((device, backend)) => (device, backend),
            Err(because) => (
                Device::flex(),
                Backend::Cpu {
                    because: cpu_because.or(because),
                },
            ),
        };
        let mut predictor = Predictor::load(&bytes, &device).map_err(|error| error.to_string())?;
        if predictor.needs_dictionary() {
            let dictionary = self.fetch(Asset::Dictionary, &dictionary).await?;
            let segmenter = Segmenter::with_dictionary(&*dictionary);
            predictor.use_segmenter(segmenter.map_err(|error| error.to_string())?);
        }
        reply(&Reply::Ready {
            card: Box::new(predictor.card().clone()),
            attributes: predictor.attributes().to_vec(),
            backend: backend.clone(),
        });
        self.model = Some(Model { predictor, backend });
        Ok(())
    }

    /// The prediction, or what went wrong. A GPU that fails is not tried again: the page starts a worker that
    /// does without.
    async fn predict(&self, id: u64, posts: Vec<String>) -> Reply {
        let failed = |message| Reply::Failed {
            id: Some(id),
            message,
        };
        let Some(Model { predictor, backend }) = &self.model else {
            return failed("there is no model".into());
        };
        let started = now();
        match predictor
            .predict(&[posts])
            .await
            .map(|mut users| users.pop())
        {
            Ok(Some(prediction)) => Reply::Prediction {
                id,
                prediction,
                milliseconds: now() - started,
            },
            Ok(None) => failed("the model gave no answer".into()),
            Err(error) if matches!(backend, Backend::WebGpu { .. }) => Reply::Crashed {
                message: error.to_string(),
            },
            Err(error) => failed(error.to_string()),
        }
    }

    /// The bytes at an address, fetched once.
    async fn fetch(&mut self, asset: Asset, url: &str) -> Result<Rc<[u8]>, String> {
        if let Some(bytes) = self.fetched.get(url) {
            return Ok(bytes.clone());
        }
        let bytes = fetch::fetch(url, |received, total| {
            reply(&Reply::Progress {
                asset,
                received,
                total,
            })
        })
        .await?;
        let bytes: Rc<[u8]> = fetch::gunzip(bytes).await?.into();
        self.fetched.insert(url.into(), bytes.clone());
        Ok(bytes)
    }

    /// The GPU, or why the CPU has to do (`None`: because it is the user's choice).
    async fn open_gpu(
        &mut self,
        choice: BackendChoice,
    ) -> Result<(Device, Backend), Option<String>> {
        if choice == BackendChoice::Cpu {
            return Err(None);
        }
        let adapter = decide(choice, gpu::adapter().await)?;
        let device = match &self.gpu {
            Some(device) => device.clone(),
            None => {
                let opened = Device::wgpu_options().tasks_max(32).init_async().await;
                let opened = opened.map_err(|error| Some(format!("WebGPU failed ({error})")))?;
                self.gpu.insert(opened).clone()
            }
        };
        Ok((
            device,
            Backend::WebGpu {
                adapter: adapter.name,
                software: adapter.software,
            },
        ))
    }
}

fn scope() -> DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}

/// Milliseconds since the worker started.
fn now() -> f64 {
    scope()
        .performance()
        .map_or_else(js_sys::Date::now, |performance| performance.now())
}

fn reply(reply: &Reply) {
    let json = serde_json::to_string(reply);
    // Text can always be posted, and these types can always be written as JSON.
    if let Ok(json) = json {
        let _ = scope().post_message(&JsValue::from_str(&json));
    }
}

/// Tells the page of panics, which the browser only knows as "unreachable".
fn report_panics() {
    std::panic::set_hook(Box::new(|info| {
        console_error_panic_hook::hook(info);
        let message = info
            .payload_as_str()
            .unwrap_or("panic")
            .lines()
            .next()
            .unwrap_or("panic");
        reply(&Reply::Crashed {
            message: message.into(),
        });
    }));
}
