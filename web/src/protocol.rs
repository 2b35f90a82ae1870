//! The messages between a page and its worker: JSON text, one value a message. The widget's JavaScript
//! (`widget/index.js`) speaks the same.

use model_core::attribute::Attribute;
use model_core::card::ModelCard;
use model_core::explanation::Explanation;
use model_core::prediction::UserPrediction;
use serde::{Deserialize, Serialize};

/// What the user wants a model to run on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackendChoice {
    /// The CPU, and WebGPU where there is a real GPU and so much to do that it has been measured to be faster.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// WebGPU even on a software adapter; the CPU only where WebGPU cannot run at all.
    #[serde(rename = "webgpu")]
    WebGpu,
}

/// What a model really runs on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Backend {
    /// The CPU, in this browser's WebAssembly.
    Cpu {
        /// Why WebGPU does not run although it was not ruled out; `None` where there is nothing to say.
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

/// From the page to the worker, which answers one after the other. A page chooses the numbers of its models
/// and of its requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Make a model ready, in place of an earlier one of this number. What this worker has fetched before is not
    /// fetched again.
    Load {
        /// The model's number.
        model: u64,
        /// Where the bundle is, absolute or as seen from the worker's script; `None`: it is in the message before,
        /// which is no text but its bytes.
        bundle: Option<String>,
        /// Where the Chinese dictionary is, likewise; fetched only for a model that needs it.
        dictionary: String,
        /// What to run on.
        choice: BackendChoice,
        /// Why the CPU is asked for although the user did not: what an earlier worker failed of.
        cpu_because: Option<String>,
    },
    /// Free a model.
    Unload {
        /// The model's number.
        model: u64,
    },
    /// Predict users' attributes.
    Predict {
        /// Comes back in the answer.
        id: u64,
        /// The model's number.
        model: u64,
        /// The posts of each user: no more than a [`ChunkSize`], so that the worker is soon free again.
        users: Vec<Vec<String>>,
        /// How many characters of the same work will be sent after these. Much work is worth a start of WebGPU.
        #[serde(default)]
        ahead: u64,
    },
    /// Say what each word of a user does to the prediction.
    Explain {
        /// Comes back in the answer.
        id: u64,
        /// The model's number.
        model: u64,
        /// The user's posts.
        posts: Vec<String>,
    },
    /// Cut posts into words as a model reads them, known or not.
    Segment {
        /// Comes back in the answer.
        id: u64,
        /// The model's number.
        model: u64,
        /// The posts.
        posts: Vec<String>,
    },
}

/// How much to ask of the worker at a time. A chunk ends with the user who brings it to either number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkSize {
    /// Users.
    pub users: usize,
    /// Characters (Unicode scalar values) of their posts.
    pub characters: usize,
}

/// What is being fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asset {
    /// The model bundle.
    Model,
    /// The dictionary for Chinese text.
    Dictionary,
    /// The program for WebGPU.
    Gpu,
}

/// From the worker to the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// The worker listens from now on; what was sent before is lost.
    Started,
    /// Bytes have arrived.
    Progress {
        /// The number of the model that they are for.
        model: u64,
        /// Of what.
        asset: Asset,
        /// How many so far.
        received: u64,
        /// How many there will be, where the server says so.
        total: Option<u64>,
    },
    /// The model is ready.
    Ready {
        /// The model's number.
        model: u64,
        /// What the model's makers say about it.
        card: Box<ModelCard>,
        /// What it predicts.
        attributes: Vec<Attribute>,
        /// What it runs on.
        backend: Backend,
        /// How much to ask of it at a time.
        chunk: ChunkSize,
    },
    /// The answer to [`Request::Predict`].
    Predicted {
        /// The request's.
        id: u64,
        /// What the model says of each user.
        predictions: Vec<UserPrediction>,
        /// What it ran on, which may not be what it ran on before.
        backend: Backend,
        /// How much to ask for next time.
        chunk: ChunkSize,
        /// How long it took, from texts to probabilities.
        milliseconds: f64,
    },
    /// The answer to [`Request::Explain`].
    Explained {
        /// The request's.
        id: u64,
        /// What each word does.
        explanation: Explanation,
        /// How long it took.
        milliseconds: f64,
    },
    /// The answer to [`Request::Segment`].
    Segmented {
        /// The request's.
        id: u64,
        /// The words of each post.
        words: Vec<Vec<String>>,
        /// How long it took.
        milliseconds: f64,
    },
    /// A request could not be answered. The worker goes on.
    Failed {
        /// The request's, if it was no load.
        id: Option<u64>,
        /// The model's number.
        model: u64,
        /// One line: what, and where it helps, what to do.
        message: String,
    },
    /// The worker is broken and answers no more.
    Crashed {
        /// What broke it.
        message: String,
    },
}
