//! The messages between the page and its worker: JSON text, one value a message.

use model_core::attribute::Attribute;
use model_core::card::ModelCard;
use model_core::prediction::UserPrediction;
use serde::{Deserialize, Serialize};

/// What the user wants the model to run on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackendChoice {
    /// WebGPU where there is a real GPU behind it, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// WebGPU even on a software adapter; the CPU only where WebGPU cannot run at all.
    #[serde(rename = "webgpu")]
    WebGpu,
}

/// What the model really runs on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Backend {
    /// The CPU, in this browser's WebAssembly.
    Cpu {
        /// Why WebGPU does not run although it was not ruled out; `None` where the user chose the CPU.
        because: Option<String>,
    },
    /// WebGPU.
    #[serde(rename = "webgpu")]
    WebGpu {
        /// What the browser calls the adapter.
        adapter: String,
        /// Whether the adapter is a software one.
        software: bool,
    },
}

/// From the page to the worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Make a model ready. A bundle that this worker has fetched before is not fetched again.
    Load {
        /// Where the bundle is, relative to the page.
        bundle: String,
        /// Where the Chinese dictionary is; fetched only for a model that needs it.
        dictionary: String,
        /// What to run on.
        choice: BackendChoice,
        /// Why the CPU is asked for although the user did not: what an earlier worker failed of.
        cpu_because: Option<String>,
    },
    /// Predict one user's attributes.
    Predict {
        /// Comes back in the answer.
        id: u64,
        /// The user's posts.
        posts: Vec<String>,
    },
}

/// What is being fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asset {
    /// The model bundle.
    Model,
    /// The dictionary for Chinese text.
    Dictionary,
}

/// From the worker to the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// The worker listens from now on; what was sent before is lost.
    Started,
    /// Bytes have arrived.
    Progress {
        /// Of what.
        asset: Asset,
        /// How many so far.
        received: u64,
        /// How many there will be, where the server says so.
        total: Option<u64>,
    },
    /// The model is ready.
    Ready {
        /// What the model's makers say about it.
        card: Box<ModelCard>,
        /// What it predicts.
        attributes: Vec<Attribute>,
        /// What it runs on.
        backend: Backend,
    },
    /// The answer to [`Request::Predict`].
    Prediction {
        /// The request's.
        id: u64,
        /// What the model says.
        prediction: UserPrediction,
        /// How long the prediction took, from text to probabilities.
        milliseconds: f64,
    },
    /// The model could not be loaded, or a text could not be read by it. The worker goes on.
    Failed {
        /// The request's, if it was a prediction.
        id: Option<u64>,
        /// One line: what, and where it helps, what to do.
        message: String,
    },
    /// The worker is broken and answers no more.
    Crashed {
        /// What broke it.
        message: String,
    },
}
