//! The messages between a page and its worker: JSON text, one value per message.
//!
//! The TypeScript declarations in `widget/protocol.d.ts` are generated from these types by a test below. The widget's
//! JavaScript (`widget/index.js`) is checked against them.

use model_core::attribute::Attribute;
use model_core::base_rates::BaseRates;
use model_core::card::ModelCard;
use model_core::explanation::Explanation;
use model_core::population::{Method, PopulationEstimate};
use model_core::prediction::{Named, UserPrediction};
use serde::{Deserialize, Serialize};

/// The backend chosen for a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export_to = "protocol.d.ts"))]
#[serde(rename_all = "snake_case")]
pub enum BackendChoice {
    /// WebGPU on a real GPU if the work is large enough and WebGPU was measured to be faster; otherwise the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// WebGPU, even on a software adapter; the CPU only if WebGPU cannot run at all.
    #[serde(rename = "webgpu")]
    WebGpu,
}

// Page and widget put it into words (`Locale::reason`).
/// Why something does not work. A text in it comes from elsewhere, such as the message of an exception, and is shown as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export_to = "protocol.d.ts"))]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The browser, or Node, has no WebGPU.
    #[serde(rename = "no_webgpu")]
    NoWebGpu,
    /// The browser has WebGPU only for pages loaded over https.
    InsecurePage,
    /// The browser fails to look for a WebGPU adapter.
    AdapterRefused(String),
    /// WebGPU finds no adapter.
    NoAdapter,
    /// The GPU code cannot use the adapter.
    NoTimestampQuery {
        /// The adapter's name.
        adapter: String,
    },
    /// The adapter computes in software.
    SoftwareAdapter {
        /// The adapter's name.
        adapter: String,
    },
    /// WebGPU has failed.
    #[serde(rename = "webgpu_failed")]
    WebGpuFailed(String),

    /// A file could not be fetched.
    NotFetched {
        /// Its address.
        address: String,
        /// What the browser says.
        detail: String,
    },
    /// The server answers with an error in place of a file.
    NotServed {
        /// The file's address.
        address: String,
        /// The HTTP status.
        status: u16,
    },
    /// A gzip file could not be unpacked.
    NotUnpacked(String),
    /// A bundle is shorter or longer than its header states.
    IncompleteBundle(String),
    /// A file is not a bundle.
    NotABundle(String),
    /// A bundle is from a newer program.
    NewerBundle {
        /// The bundle's format version.
        version: u32,
        /// The version that this program reads.
        readable: u32,
    },
    /// A bundle was written before version 0.1.0.
    OlderBundle {
        /// The bundle's format version.
        version: u32,
    },
    /// The contents of a bundle contradict its checksum or one another.
    DamagedBundle(String),
    /// The Chinese dictionary, or the user dictionary in the bundle, cannot be used.
    UnusableDictionary(String),
    /// The program that segments Chinese could not be fetched or started.
    NoSegmentation(String),
    /// Base rates cannot be read, or do not fit the model.
    UnusableBaseRates(String),

    /// The CPU or GPU could not compute a prediction.
    DeviceFailed(String),
    /// A prediction is not finite.
    NotFinite,
    /// A request is about a model that was not loaded.
    NoModel,
    /// The worker has not answered for as many users as it was asked about.
    Miscounted {
        /// The number of users in the request.
        asked: usize,
        /// The number of predictions in the reply.
        answered: usize,
    },
    /// The program of page, worker or widget has failed.
    Crashed(String),
    /// The worker's program could not be fetched.
    NoWorker,
    /// The worker has ended.
    WorkerEnded,
    /// Page and worker do not understand each other.
    Misunderstood(String),

    /// The browser cannot read a file given to the page.
    UnreadableFile(String),
    /// A file of users is compressed.
    PackedFile {
        /// The name of the compression.
        packing: String,
    },
    /// A file is in no format that holds users.
    NoUsers(String),
    /// The rest of a file cannot be read.
    BrokenFile(String),

    /// A text is too long for a message to the worker.
    TextTooLong,
    /// The widget's element is to show attributes that the model lacks.
    UnknownAttributes {
        /// The names that it lacks.
        names: String,
        /// The names that it has.
        known: String,
    },
    /// An attribute of the widget's element is not an address.
    NotAnAddress {
        /// The attribute.
        attribute: String,
        /// Its value.
        address: String,
    },
}

/// The backend that a model runs on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export_to = "protocol.d.ts"))]
#[serde(rename_all = "snake_case")]
pub enum Backend {
    /// The CPU, in WebAssembly.
    Cpu {
        /// Why WebGPU does not run although the choice allows it; `null` if there is nothing to explain.
        because: Option<Reason>,
    },
    /// WebGPU.
    #[serde(rename = "webgpu")]
    WebGpu {
        /// The browser's name of the adapter; empty if it does not name it.
        adapter: String,
        /// Whether the adapter is a software one.
        software: bool,
    },
}

/// A message from the page to the worker, which answers requests in their order. The page numbers its models and its
/// requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export_to = "protocol.d.ts"))]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Load a model and replace an earlier one with the same number. The worker fetches each file only once.
    Load {
        /// The model's number.
        model: u64,
        /// The address of the bundle, absolute or relative to the worker's script; `null` if the previous message was the
        /// bundle's bytes.
        bundle: Option<String>,
        /// The address of the Chinese dictionary, likewise. It is fetched only for a model that needs it.
        dictionary: String,
        /// The backend to run on.
        choice: BackendChoice,
        /// Why the page asks for the CPU although another backend was chosen: an earlier worker has failed.
        cpu_because: Option<Reason>,
    },
    /// Free a model.
    Unload {
        /// The model's number.
        model: u64,
    },
    /// Predict users' attributes.
    Predict {
        /// The number of the request, for the reply.
        id: u64,
        /// The model's number.
        model: u64,
        // At most a `ChunkSize` of them, so that the worker is soon free again.
        /// The posts of each user.
        users: Vec<Vec<String>>,
        /// The number of characters that further requests of the same work will send. It decides whether starting WebGPU
        /// is worth its time.
        #[serde(default)]
        ahead: u64,
        /// The base rates to assume.
        base_rates: BaseRates,
        /// The number of a set of users that they are added to. A model keeps one set: a new number begins an empty one.
        set: Option<u64>,
    },
    /// Estimate what share of a set of users is of each class.
    Estimate {
        /// The number of the request, for the reply.
        id: u64,
        /// The model's number.
        model: u64,
        /// The number of the set. A set that the model does not keep has no users.
        set: u64,
        /// How the shares are estimated.
        method: Method,
    },
    /// Explain a prediction: the evidence of each word of a user.
    Explain {
        /// The number of the request, for the reply.
        id: u64,
        /// The model's number.
        model: u64,
        /// The user's posts.
        posts: Vec<String>,
        /// The base rates to assume.
        base_rates: BaseRates,
    },
    /// Segment posts into words as the model does, whether its vocabulary has them or not.
    Segment {
        /// The number of the request, for the reply.
        id: u64,
        /// The model's number.
        model: u64,
        /// The posts.
        posts: Vec<String>,
    },
}

/// The size of a request. A chunk ends with the user who brings it to either number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export_to = "protocol.d.ts"))]
pub struct ChunkSize {
    /// Users.
    pub users: usize,
    /// Characters (Unicode scalar values) of their posts.
    pub characters: usize,
}

/// A file that the worker fetches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export_to = "protocol.d.ts"))]
#[serde(rename_all = "snake_case")]
pub enum Asset {
    /// The model bundle.
    Model,
    /// The dictionary for Chinese text.
    Dictionary,
    /// The program for WebGPU.
    Gpu,
}

/// A message from the worker to the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export_to = "protocol.d.ts"))]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// The worker listens. Messages sent before this one are lost.
    Started,
    /// Bytes of a file have arrived.
    Progress {
        /// The number of the model that needs the file.
        model: u64,
        /// The file.
        asset: Asset,
        /// The number of bytes so far.
        received: u64,
        /// The number of bytes in all, if the server of the page's own origin states it.
        total: Option<u64>,
    },
    /// The model is ready.
    Ready {
        /// The model's number.
        model: u64,
        /// The model card.
        card: Box<ModelCard>,
        /// The attributes that the model predicts.
        attributes: Vec<Attribute>,
        /// The base rates of the training users, by attribute and class. If the model reads two languages, those for texts
        /// that are not Chinese.
        base_rates: Named<Named<f32>>,
        /// The number of a user's words that it reads. The rest of a longer text is cut off.
        max_words: usize,
        /// The backend that it runs on.
        backend: Backend,
        /// The size of the first request.
        chunk: ChunkSize,
    },
    /// The reply to [`Request::Predict`].
    Predicted {
        /// The number of the request.
        id: u64,
        /// The prediction for each user, in the order of the request.
        predictions: Vec<UserPrediction>,
        /// The backend that it ran on, which may differ from the one before.
        backend: Backend,
        /// The size of the next request.
        chunk: ChunkSize,
        /// The time from texts to probabilities.
        milliseconds: f64,
    },
    /// The reply to [`Request::Estimate`].
    Estimated {
        /// The number of the request.
        id: u64,
        /// The estimated shares.
        estimate: PopulationEstimate,
        /// The time that it took.
        milliseconds: f64,
    },
    /// The reply to [`Request::Explain`].
    Explained {
        /// The number of the request.
        id: u64,
        /// The evidence of each word.
        explanation: Explanation,
        /// The time that it took.
        milliseconds: f64,
    },
    /// The reply to [`Request::Segment`].
    Segmented {
        /// The number of the request.
        id: u64,
        /// The words of each post.
        words: Vec<Vec<String>>,
        /// The time that it took.
        milliseconds: f64,
    },
    /// A request failed. The worker continues.
    Failed {
        /// The number of the request; `null` if it was to load a model.
        id: Option<u64>,
        /// The model's number.
        model: u64,
        /// Why it failed.
        reason: Reason,
    },
    /// The worker is broken and will not reply any more.
    Crashed {
        /// What broke it.
        reason: Reason,
    },
}

#[cfg(test)]
mod tests {
    use expect_test::expect_file;
    use ts_rs::{Config, TS};

    use super::*;

    /// After a change of the types, write the declarations anew: `UPDATE_EXPECT=1 cargo test -p web typescript`.
    #[test]
    fn the_typescript_declarations_are_those_of_the_types() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::new()
            .with_large_int("number")
            .with_out_dir(folder.path());
        Request::export_all(&config).unwrap();
        Reply::export_all(&config).unwrap();
        let declarations = std::fs::read_to_string(folder.path().join("protocol.d.ts")).unwrap();
        expect_file!["../widget/protocol.d.ts"].assert_eq(&declarations);
    }

    #[test]
    fn fuzz_messages() {
        let requests = [
            Request::Load {
                model: 1,
                bundle: Some("en.safetensors".into()),
                dictionary: "zh.front-coded.gz".into(),
                choice: BackendChoice::Auto,
                cpu_because: Some(Reason::NoAdapter),
            },
            Request::Predict {
                id: 2,
                model: 1,
                users: vec![vec!["a post".into(), "é".into()], Vec::new()],
                ahead: 5,
                base_rates: BaseRates::Corpus,
                set: Some(3),
            },
        ];
        let requests = requests.map(|request| serde_json::to_vec(&request).unwrap());
        fuzzing::fuzz("request to the worker", &requests, |bytes| {
            let _ = serde_json::from_slice::<Request>(bytes);
        });
        let failed = Reply::Failed {
            id: Some(2),
            model: 1,
            reason: Reason::NotServed {
                address: "en.safetensors".into(),
                status: 404,
            },
        };
        let replies = [serde_json::to_vec(&failed).unwrap()];
        fuzzing::fuzz("reply of the worker", &replies, |bytes| {
            let _ = serde_json::from_slice::<Reply>(bytes);
        });
    }
}
