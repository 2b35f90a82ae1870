//! The choice of model and backend, and recovery when the worker crashes or cannot load a model.

use std::collections::BTreeMap;
use std::sync::Arc;

use model_core::attribute::Attribute;
use model_core::base_rates::BaseRates;
use model_core::card::ModelCard;
use model_core::prediction::Named;

use super::{Command, DICTIONARY, MODEL, Session, SingleTask};
use crate::protocol::{Asset, Backend, BackendChoice, ChunkSize, Reason, Request};

/// Where a model comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// An address, absolute or relative to the worker's script.
    Address(String),
    /// The bytes of a file that the visitor has chosen.
    File(Arc<[u8]>),
}

/// Whether a file is a bundle, by its name.
pub fn is_bundle(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.ends_with(".safetensors") || name.ends_with(".safetensors.gz")
}

/// How far the worker is with the page's model.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    /// The worker starts, or prepares what it has fetched.
    Starting,
    /// The worker fetches a file.
    Fetching {
        /// Which file.
        asset: Asset,
        /// Bytes so far.
        received: u64,
        /// Bytes in all, where the server says so.
        total: Option<u64>,
    },
    /// The model answers.
    Ready,
    /// There is no model, for this reason.
    Failed(Reason),
}

/// Shares from 0 to 1, by attribute and by class or coarse class.
pub type Shares = BTreeMap<String, BTreeMap<String, f64>>;

/// A model that is ready.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Where it came from.
    pub source: Source,
    /// The model's description of itself.
    pub card: ModelCard,
    /// What it predicts.
    pub attributes: Vec<Attribute>,
    /// The base rates of its training users, by attribute and class.
    pub base_rates: Named<Named<f32>>,
    /// The number of a writer's words that it reads.
    pub max_words: usize,
    /// What it ran on last.
    pub backend: Backend,
    /// How much of a file to ask for at a time.
    pub chunk: ChunkSize,
}

impl Model {
    /// The share of each coarse class, or of each class of an attribute without them, under these base rates.
    pub fn shares(&self, base_rates: &BaseRates) -> Shares {
        let shares = self.attributes.iter().map(|attribute| {
            let corpus = self.base_rates.get(&attribute.name);
            let corpus = corpus.into_iter().flat_map(Named::iter);
            let corpus: Vec<f32> = corpus.map(|(_, rate)| *rate).collect();
            let mut shares = BTreeMap::<String, f64>::new();
            for (class, rate) in base_rates.of(attribute, &corpus).into_iter().enumerate() {
                let label = match attribute.coarse_class_of(class) {
                    Some(coarse) => &attribute.coarse_classes[coarse].label,
                    None => &attribute.classes[class],
                };
                *shares.entry(label.clone()).or_default() += rate;
            }
            (attribute.name.clone(), shares)
        });
        shares.collect()
    }
}

/// The newest load of the page's model.
#[derive(Default)]
pub(super) struct Load {
    /// What it runs on. After a crash on the GPU this is the CPU, whatever the visitor chose.
    pub choice: BackendChoice,
    /// Why the CPU was taken although the visitor did not choose it.
    pub cpu_because: Option<Reason>,
}

impl Session {
    /// The visitor chooses another backend.
    pub fn choose(&mut self, choice: BackendChoice) -> Vec<Command> {
        if choice == self.choice {
            return Vec::new();
        }
        self.choice = choice;
        if choice == BackendChoice::WebGpu && self.gave_up_gpu {
            return self.restart(choice, None);
        }
        self.reload()
    }

    /// The visitor chooses another model. If it cannot be loaded, the one before is loaded again and nothing is lost. So the
    /// run over a file waits until the new model is ready.
    pub fn use_model(&mut self, source: Source) -> Vec<Command> {
        self.earlier
            .push(std::mem::replace(&mut self.source, source));
        self.refused = None;
        self.text.forget_answer();
        self.wants_comparison = false;
        self.reload()
    }

    /// The visitor wants Chinese texts to be read. A model that the visitor chose stays, and so does one that reads a file,
    /// because another one would predict the file again.
    pub fn read_chinese(&mut self) -> Vec<Command> {
        if !self.is_english() || self.batch.is_some() {
            return Vec::new();
        }
        self.use_model(Source::Address(super::BILINGUAL_BUNDLE.into()))
    }

    /// The visitor wants to try again after a failure.
    pub fn retry(&mut self) -> Vec<Command> {
        self.restart(self.choice, None)
    }

    /// The worker is broken. A crash that the GPU may have caused is answered by a new worker without it.
    pub fn crash(&mut self, reason: Reason) -> Vec<Command> {
        if self.failure().is_some() {
            // One crash can be reported twice: by the panic, and by the exception that the panic ends in.
            return Vec::new();
        }
        let on_cpu = match (&self.phase, &self.model) {
            (Phase::Ready, Some(model)) => matches!(model.backend, Backend::Cpu { .. }),
            _ => self.load.choice == BackendChoice::Cpu,
        };
        if on_cpu || !self.is_listening {
            return self.fail(reason);
        }
        let because = match reason {
            Reason::Crashed(detail) => Reason::WebGpuFailed(detail),
            other => other,
        };
        self.restart(BackendChoice::Cpu, Some(because))
    }

    /// The model could not be loaded, or its worker is gone. The one that ran or was loaded before takes its place again,
    /// once: if that fails too, the one before it is next.
    pub(super) fn fail(&mut self, reason: Reason) -> Vec<Command> {
        if let Some(before) = self.earlier.pop() {
            self.source = before;
            self.refused = Some(reason);
            return self.restart(self.choice, None);
        }
        if self.is_behind() {
            self.text.forget_answer();
        }
        if let Some(batch) = &mut self.batch {
            batch.fail(reason.clone());
        }
        self.in_flight = None;
        self.phase = Phase::Failed(reason);
        Vec::new()
    }

    /// The newest model is ready. Another one than before predicts a file anew: all that is shown of it is by one model.
    /// Given base rates that do not fit the model are replaced by equal ones.
    pub(super) fn loaded(&mut self, model: Model) {
        self.own_shares_misfit = self.base_rates.check(&model.attributes).is_err();
        if self.own_shares_misfit {
            self.base_rates = BaseRates::Equal;
        }
        let is_other = |before: &Model| before.source != model.source;
        if self.model.as_ref().is_some_and(is_other) || self.own_shares_misfit {
            self.predict_files_again();
        } else if let Some(batch) = &mut self.batch {
            batch.recount();
        }
        self.earlier.clear();
        self.notice(&model.backend);
        self.model = Some(model);
        self.phase = Phase::Ready;
    }

    /// Remembers if the worker has given WebGPU up.
    pub(super) fn notice(&mut self, backend: &Backend) {
        let because = match backend {
            Backend::Cpu { because } => because.as_ref(),
            Backend::WebGpu { .. } => None,
        };
        self.gave_up_gpu |= matches!(because, Some(Reason::WebGpuFailed(_)));
    }

    /// Loads the model on the visitor's backend. A free worker does it, because what it has fetched is not fetched again;
    /// a busy one is replaced, because nothing else can interrupt it.
    fn reload(&mut self) -> Vec<Command> {
        if self.phase == Phase::Ready && self.in_flight.is_none() {
            self.begin(self.choice, None);
            self.load()
        } else {
            self.restart(self.choice, None)
        }
    }

    /// Replaces the worker. The new one is sent its load when it listens.
    pub(super) fn restart(
        &mut self,
        choice: BackendChoice,
        cpu_because: Option<Reason>,
    ) -> Vec<Command> {
        self.begin(choice, cpu_because);
        self.is_listening = false;
        self.gave_up_gpu = false;
        self.single_task = SingleTask::NotLoaded;
        vec![Command::Restart]
    }

    /// Begins a load. The newest text needs a new answer after it.
    fn begin(&mut self, choice: BackendChoice, cpu_because: Option<Reason>) {
        self.phase = Phase::Starting;
        self.load = Load {
            choice,
            cpu_because,
        };
        self.in_flight = None;
        self.text.ask_again();
    }

    /// The messages of the newest load.
    pub(super) fn load(&self) -> Vec<Command> {
        let (bytes, bundle) = match &self.source {
            Source::Address(address) => (None, Some(address.clone())),
            Source::File(bytes) => (Some(Command::SendBundle(bytes.clone())), None),
        };
        let load = Request::Load {
            model: MODEL,
            bundle,
            dictionary: DICTIONARY.into(),
            choice: self.load.choice,
            cpu_because: self.load.cpu_because.clone(),
        };
        bytes.into_iter().chain([Command::Send(load)]).collect()
    }
}
