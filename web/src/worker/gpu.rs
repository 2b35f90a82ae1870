//! The worker's side of the program for WebGPU (`crate::gpu`), which runs in the same worker.
//!
//! That program may panic, or lose its GPU between two calls. Its panic hook and [`super::uncaught`] report this here,
//! because a promise of a program that has failed is never settled.

use std::cell::RefCell;

use futures::{
    FutureExt, StreamExt,
    channel::mpsc::{self, UnboundedReceiver, UnboundedSender},
    future::{Either, select},
};
use js_sys::{Function, Promise, Uint8Array};
use model_core::base_rates::BaseRates;
use model_core::prediction::UserPrediction;
use model_core::user_set::UserSet;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::reply;
use crate::js::describe;
use crate::protocol::{Asset, Reason, Reply};

#[wasm_bindgen]
extern "C" {
    /// The program's module.
    type Module;
    #[wasm_bindgen(method, catch)]
    fn open(this: &Module, failed: &Function) -> Result<Promise, JsValue>;

    /// The program's `Gpu`.
    type Device;
    #[wasm_bindgen(method, catch)]
    fn load(
        this: &Device,
        bundle: &Uint8Array,
        dictionary: Option<Uint8Array>,
    ) -> Result<GpuModel, JsValue>;

    /// A model on the GPU.
    pub type GpuModel;
    #[wasm_bindgen(method, catch)]
    fn use_base_rates(this: &GpuModel, base_rates: &str) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn predict(this: &GpuModel, request: &str) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = free)]
    fn try_free(this: &GpuModel) -> Result<(), JsValue>;
}

thread_local! {
    /// Where failures of the program are sent, from its start on.
    static FAILURES: RefCell<Option<UnboundedSender<String>>> = const { RefCell::new(None) };
}

/// Reports a failure of the program. `false`: it was never started, so the failure is not its own.
pub fn report(message: &str) -> bool {
    FAILURES.with_borrow(|failures| match failures {
        Some(failures) => {
            // A program that has been given up may fail again. That failure is ignored.
            drop(failures.unbounded_send(message.into()));
            true
        }
        None => false,
    })
}

/// The program, which is fetched when it is first needed.
pub struct Gpu {
    fetch: Function,
    state: State,
}

enum State {
    NotStarted,
    Running(Program),
    Failed(Reason),
}

struct Program {
    device: Device,
    failures: UnboundedReceiver<String>,
    /// The program calls it when it panics.
    _failed: Closure<dyn FnMut(JsValue)>,
}

impl Gpu {
    /// `fetch` returns a promise of the program's module.
    pub fn new(fetch: Function) -> Self {
        Self {
            fetch,
            state: State::NotStarted,
        }
    }

    /// Why the program was given up, if it was.
    pub fn failure(&self) -> Option<&Reason> {
        match &self.state {
            State::Failed(reason) => Some(reason),
            _ => None,
        }
    }

    /// Gives up the program because of a failure, and returns the reason for the page.
    pub fn give_up(&mut self, failure: String) -> Reason {
        let reason = Reason::WebGpuFailed(failure);
        self.state = State::Failed(reason.clone());
        reason
    }

    /// Loads the model of this number from the same bundle as on the CPU. Starts the program if it is not running.
    pub async fn load(
        &mut self,
        number: u64,
        bundle: &[u8],
        dictionary: Option<&[u8]>,
    ) -> Result<GpuModel, String> {
        if let State::NotStarted = self.state {
            reply(&Reply::Progress {
                model: number,
                asset: Asset::Gpu,
                received: 0,
                total: None,
            });
            self.state = State::Running(Program::start(&self.fetch).await?);
        }
        self.program()?
            .device
            .load(&Uint8Array::from(bundle), dictionary.map(Uint8Array::from))
            .map_err(describe)
    }

    /// Predicts users on the GPU, under these base rates. With hashes of their keys it also returns the set of these users.
    pub async fn predict(
        &mut self,
        model: &GpuModel,
        users: &[Vec<String>],
        base_rates: &BaseRates,
        hashes: Option<&[u64]>,
    ) -> Result<(Vec<UserPrediction>, Option<UserSet>), String> {
        let base_rates = serde_json::to_string(base_rates).map_err(|error| error.to_string())?;
        model.use_base_rates(&base_rates).map_err(describe)?;
        let request = serde_json::to_string(&(users, hashes)).map_err(|error| error.to_string())?;
        let answer = settle(model.predict(&request), &mut self.program()?.failures).await?;
        let answer = answer.as_string().unwrap_or_default();
        serde_json::from_str(&answer).map_err(|error| error.to_string())
    }

    fn program(&mut self) -> Result<&mut Program, String> {
        match &mut self.state {
            State::Running(program) => Ok(program),
            State::NotStarted | State::Failed(_) => Err("the program does not run".into()),
        }
    }
}

impl Program {
    async fn start(fetch: &Function) -> Result<Self, String> {
        let (sender, mut failures) = mpsc::unbounded();
        FAILURES.set(Some(sender));
        let failed = Closure::<dyn FnMut(JsValue)>::new(|message: JsValue| {
            report(&message.as_string().unwrap_or_default());
        });
        let module = fetch.call0(&JsValue::NULL).map(JsCast::unchecked_into);
        let module: Module = settle(module, &mut failures).await?.unchecked_into();
        let opened = module.open(failed.as_ref().unchecked_ref());
        Ok(Self {
            device: settle(opened, &mut failures).await?.unchecked_into(),
            failures,
            _failed: failed,
        })
    }
}

impl GpuModel {
    /// Frees the model's memory.
    pub fn free(&self) {
        // Fails only if the program has, and then there is nothing left to free.
        let _ = self.try_free();
    }
}

/// The result of a promise of the program, or the failure that keeps it from being settled.
async fn settle(
    promise: Result<Promise, JsValue>,
    failures: &mut UnboundedReceiver<String>,
) -> Result<JsValue, String> {
    let promise = promise.map_err(describe)?;
    let answer = JsFuture::from(promise).fuse();
    match select(std::pin::pin!(answer), failures.next()).await {
        Either::Left((answer, _)) => answer.map_err(describe),
        Either::Right((failure, _)) => Err(failure.unwrap_or_default()),
    }
}
