//! The worker's line to the program for WebGPU (`crate::gpu`).

use futures::{
    FutureExt, StreamExt,
    channel::mpsc::{self, UnboundedReceiver, UnboundedSender},
    future::{Either, select},
};
use js_sys::{Function, Promise, Uint8Array};
use model_core::prediction::UserPrediction;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::fetch::describe;

#[wasm_bindgen]
extern "C" {
    /// The program's module.
    type Program;
    #[wasm_bindgen(method, catch)]
    fn open(this: &Program, failed: &Function) -> Result<Promise, JsValue>;

    type Gpu;
    #[wasm_bindgen(method, catch)]
    fn load(
        this: &Gpu,
        bundle: &Uint8Array,
        dictionary: Option<Uint8Array>,
    ) -> Result<GpuModel, JsValue>;

    /// A model on the GPU.
    pub type GpuModel;
    #[wasm_bindgen(method, catch)]
    fn predict(this: &GpuModel, users: &str) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn free(this: &GpuModel) -> Result<(), JsValue>;
}

/// The program, running.
pub struct Line {
    gpu: Gpu,
    failures: Failures,
    /// Where the program tells of its panics.
    _failed: Closure<dyn FnMut(JsValue)>,
    sender: UnboundedSender<String>,
}

type Failures = UnboundedReceiver<String>;

impl Line {
    /// Fetches and starts the program: `fetch` gives a promise of its module.
    pub async fn open(fetch: &Function) -> Result<Self, String> {
        let (sender, mut failures) = mpsc::unbounded();
        let tell = sender.clone();
        let failed = Closure::<dyn FnMut(JsValue)>::new(move |message: JsValue| {
            // Nobody listens when the line has been given up.
            let _ = tell.unbounded_send(message.as_string().unwrap_or_default());
        });
        let promise = fetch
            .call0(&JsValue::NULL)
            .map_err(|error| describe(&error))?;
        let program: Program = settle(Ok(promise.unchecked_into()), &mut failures)
            .await?
            .unchecked_into();
        let opened = program.open(failed.as_ref().unchecked_ref());
        let gpu = settle(opened, &mut failures).await?.unchecked_into();
        Ok(Self {
            gpu,
            failures,
            _failed: failed,
            sender,
        })
    }

    /// Where failures are told that the program cannot tell of itself.
    pub fn failed(&self) -> UnboundedSender<String> {
        self.sender.clone()
    }

    /// Loads a model, of what the CPU's was loaded of.
    pub fn load(&self, bundle: &[u8], dictionary: Option<&[u8]>) -> Result<GpuModel, String> {
        self.gpu
            .load(&Uint8Array::from(bundle), dictionary.map(Uint8Array::from))
            .map_err(|error| describe(&error))
    }

    /// Predicts on the GPU.
    pub async fn predict(
        &mut self,
        model: &GpuModel,
        users: &[Vec<String>],
    ) -> Result<Vec<UserPrediction>, String> {
        let users = serde_json::to_string(users).map_err(|error| error.to_string())?;
        let answer = settle(model.predict(&users), &mut self.failures).await?;
        let answer = answer.as_string().unwrap_or_default();
        serde_json::from_str(&answer).map_err(|error| error.to_string())
    }

    /// Frees a model's memory.
    pub fn free(&self, model: GpuModel) {
        // A program that has failed holds nothing that could be freed.
        let _ = model.free();
    }
}

/// What a promise comes to, or the failure that keeps it from ever coming to anything.
async fn settle(
    promise: Result<Promise, JsValue>,
    failures: &mut Failures,
) -> Result<JsValue, String> {
    let promise = promise.map_err(|error| describe(&error))?;
    let answer = JsFuture::from(promise).fuse();
    match select(std::pin::pin!(answer), failures.next()).await {
        Either::Left((answer, _)) => answer.map_err(|error| describe(&error)),
        Either::Right((failure, _)) => Err(failure.unwrap_or_default()),
    }
}
