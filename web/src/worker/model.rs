//! A loaded model, which predicts on the CPU or on the GPU.

use std::rc::Rc;

use model_core::base_rates::BaseRates;
use model_core::explanation::Explanation;
use model_core::population::{Method, PopulationEstimate};
use model_core::prediction::{Named, UserPrediction};
use model_core::predictor::{PredictError, Predictor};
use model_core::user_set::{UserSet, hash};

use super::gpu::{Gpu, GpuModel};
use super::{Worker, now};
use crate::backend::Adapter;
use crate::protocol::{Backend, BackendChoice, ChunkSize, Reason, Reply};
use crate::speed::{Speed, characters};

/// How many of the commonest words are prepared. They make up most of a text, and take 8 MB.
const COMMONEST: usize = 3_000;
/// How many of them are prepared in a task, which takes some milliseconds. A message that arrives meanwhile waits for that long.
const AT_A_TIME: usize = 64;

/// A loaded model. It can always run on the CPU.
pub struct Model {
    predictor: Predictor,
    bundle: Rc<[u8]>,
    dictionary: Option<Rc<[u8]>>,
    choice: BackendChoice,
    /// The adapter that the model may use, or why it only runs on the CPU.
    adapter: Result<Adapter, Option<Reason>>,
    speed: Speed,
    on_gpu: Option<GpuModel>,
    /// How many of the commonest words have been prepared.
    prepared: usize,
    /// The newest set of users.
    set: Option<NumberedSet>,
}

/// A set of users by its number.
struct NumberedSet {
    number: u64,
    users: UserSet,
    /// How many users it was asked to take.
    asked: u64,
}

/// Predictions, with the backend and the chunk size that the page is told.
pub struct Predicted {
    pub predictions: Vec<UserPrediction>,
    pub backend: Backend,
    pub chunk: ChunkSize,
}

/// Predicts users. With hashes of their keys it also returns the set of these users.
pub async fn predict(
    predictor: &Predictor,
    users: &[Vec<String>],
    hashes: Option<&[u64]>,
) -> Result<(Vec<UserPrediction>, Option<UserSet>), PredictError> {
    let Some(hashes) = hashes else {
        return Ok((predictor.predict(users).await?, None));
    };
    let mut set = UserSet::new(predictor.settings(), BaseRates::Corpus);
    let predictions = predictor.predict_set(users, hashes, &mut set).await?;
    Ok((predictions, Some(set)))
}

impl Worker {
    /// Predicts users and adds them to the set of this number, if one is given. If the GPU fails it is given up, and the CPU
    /// does its work again.
    pub async fn predict(
        &mut self,
        number: u64,
        users: &[Vec<String>],
        ahead: u64,
        base_rates: BaseRates,
        set: Option<u64>,
    ) -> Result<Predicted, Reason> {
        let length = users.iter().map(|posts| characters(posts)).sum();
        let model = self.models.get_mut(&number).ok_or(Reason::NoModel)?;
        model.predictor.use_base_rates(base_rates.clone())?;
        let hashes = set.map(|set| model.hashes(set, users.len()));
        let hashes = hashes.as_deref();
        if model.wants_gpu(length, ahead) {
            match model
                .predict_on_gpu(&mut self.gpu, number, users, length, &base_rates, hashes)
                .await
            {
                Ok(predictions) => return Ok(model.predicted(predictions, true)),
                Err(failure) => self.give_up_gpu(failure),
            }
        }
        let model = self.models.get_mut(&number).ok_or(Reason::NoModel)?;
        let predictions = model.predict_on_cpu(users, length, hashes).await?;
        Ok(model.predicted(predictions, false))
    }

    /// Has a model ready on the GPU, or gives the GPU up.
    pub async fn open_gpu(&mut self, number: u64) {
        if let Some(model) = self.models.get_mut(&number)
            && let Err(failure) = model.open_gpu(&mut self.gpu, number).await
        {
            self.give_up_gpu(failure);
        }
    }

    /// All models run on the CPU from now on. The GPU is not tried again.
    fn give_up_gpu(&mut self, failure: String) {
        let because = self.gpu.give_up(failure);
        for model in self.models.values_mut() {
            model.on_gpu = None;
            if model.adapter.is_ok() {
                model.adapter = Err(Some(because.clone()));
            }
        }
    }
}

impl Model {
    pub fn new(
        predictor: Predictor,
        bundle: Rc<[u8]>,
        dictionary: Option<Rc<[u8]>>,
        choice: BackendChoice,
        adapter: Result<Adapter, Option<Reason>>,
    ) -> Self {
        Self {
            predictor,
            bundle,
            dictionary,
            choice,
            adapter,
            speed: Speed::default(),
            on_gpu: None,
            prepared: 0,
            set: None,
        }
    }

    /// Makes a first prediction on the CPU, before a visitor waits for one: a browser compiles a function of WebAssembly at
    /// its first call.
    pub async fn warm_up(&self) -> Result<(), Reason> {
        self.predictor.predict(&[vec!["warm-up".into()]]).await?;
        Ok(())
    }

    /// Has the CPU project the next of the commonest words, so that a text with them is predicted sooner. False after the last.
    pub async fn prepare(&mut self) -> bool {
        let all = self.predictor.reader().vocabulary.len().min(COMMONEST);
        let end = all.min(self.prepared + AT_A_TIME);
        if self.on_gpu.is_some() || self.prepared == end {
            return false;
        }
        // Ids are in the order of frequency. A failure will be seen at the next prediction.
        let words: Vec<u32> = (self.prepared as u32..end as u32).collect();
        let _ = self.predictor.logits(&[&words]).await;
        self.prepared = end;
        true
    }

    /// The message that the model is ready.
    pub fn ready(&self, number: u64) -> Reply {
        Reply::Ready {
            model: number,
            card: Box::new(self.predictor.card().clone()),
            attributes: self.predictor.attributes().to_vec(),
            base_rates: self.base_rates(),
            max_words: self.predictor.settings().max_words,
            backend: self.backend(self.on_gpu.is_some()),
            chunk: self.speed.chunk(),
        }
    }

    /// The base rates of the training users, by attribute and class.
    fn base_rates(&self) -> Named<Named<f32>> {
        let settings = self.predictor.settings();
        let attributes = settings.attributes.iter().enumerate();
        let base_rates = attributes.map(|(task, attribute)| {
            let calibration = &settings.calibration(task, None).calibration;
            let rates = calibration.base_rates(attribute.classes.len());
            let classes = attribute.classes.iter().cloned();
            (attribute.name.clone(), Named(classes.zip(rates).collect()))
        });
        Named(base_rates.collect())
    }

    pub async fn explain(
        &mut self,
        posts: &[String],
        base_rates: BaseRates,
    ) -> Result<Explanation, Reason> {
        self.predictor.use_base_rates(base_rates)?;
        Ok(self.predictor.explain(posts).await?)
    }

    /// The estimated shares of the classes among the users of a set. A set that is not the newest has no users.
    pub fn estimate(&self, number: u64, method: Method) -> PopulationEstimate {
        let settings = self.predictor.settings();
        match &self.set {
            Some(set) if set.number == number => set.users.estimate(settings, method),
            _ => UserSet::new(settings, BaseRates::Corpus).estimate(settings, method),
        }
    }

    /// The hashes of further users of a set, which is begun unless it is the newest. The key of a user is the position in
    /// the set.
    fn hashes(&mut self, number: u64, users: usize) -> Vec<u64> {
        let newest = self.set.take().filter(|set| set.number == number);
        let set = self.set.insert(newest.unwrap_or_else(|| NumberedSet {
            number,
            users: UserSet::new(self.predictor.settings(), BaseRates::Corpus),
            asked: 0,
        }));
        let first = set.asked;
        set.asked += users as u64;
        (first..set.asked)
            .map(|position| hash(&position.to_string()))
            .collect()
    }

    /// Adds users to the newest set.
    fn add(&mut self, users: Option<UserSet>) -> Result<(), String> {
        match (&mut self.set, users) {
            (Some(set), Some(users)) => set.users.merge(&users),
            _ => Ok(()),
        }
    }

    pub fn segment(&self, posts: &[String]) -> Vec<Vec<String>> {
        self.predictor.segment(posts)
    }

    /// Frees the model's memory on the GPU.
    pub fn free(self) {
        if let Some(on_gpu) = self.on_gpu {
            on_gpu.free();
        }
    }

    /// Whether the GPU should predict texts of this many characters, with `ahead` more characters of work to follow.
    fn wants_gpu(&self, characters: usize, ahead: u64) -> bool {
        self.adapter.is_ok()
            && match self.choice {
                BackendChoice::Cpu => false,
                BackendChoice::WebGpu => true,
                BackendChoice::Auto => self.speed.is_gpu_better(characters, ahead),
            }
    }

    async fn predict_on_cpu(
        &mut self,
        users: &[Vec<String>],
        characters: usize,
        hashes: Option<&[u64]>,
    ) -> Result<Vec<UserPrediction>, Reason> {
        let started = now();
        let (predictions, set) = predict(&self.predictor, users, hashes).await?;
        self.add(set).map_err(Reason::Crashed)?;
        self.speed.cpu_took(characters, now() - started);
        Ok(predictions)
    }

    async fn predict_on_gpu(
        &mut self,
        gpu: &mut Gpu,
        number: u64,
        users: &[Vec<String>],
        characters: usize,
        base_rates: &BaseRates,
        hashes: Option<&[u64]>,
    ) -> Result<Vec<UserPrediction>, String> {
        let is_new = self.on_gpu.is_none();
        self.open_gpu(gpu, number).await?;
        let on_gpu = self.on_gpu.as_ref().ok_or("the model is not on the GPU")?;
        if is_new && self.choice == BackendChoice::Auto {
            // The first prediction compiles the shaders, so its time says nothing about the GPU's speed.
            gpu.predict(on_gpu, users, base_rates, None).await?;
        }
        let started = now();
        let (predictions, set) = gpu.predict(on_gpu, users, base_rates, hashes).await?;
        self.add(set)?;
        self.speed.gpu_took(characters, now() - started);
        Ok(predictions)
    }

    /// Loads the model on the GPU, unless it is there or may not go there.
    async fn open_gpu(&mut self, gpu: &mut Gpu, number: u64) -> Result<(), String> {
        if self.adapter.is_ok() && self.on_gpu.is_none() {
            let dictionary = self.dictionary.as_deref();
            self.on_gpu = Some(gpu.load(number, &self.bundle, dictionary).await?);
        }
        Ok(())
    }

    fn predicted(&self, predictions: Vec<UserPrediction>, on_gpu: bool) -> Predicted {
        Predicted {
            predictions,
            backend: self.backend(on_gpu),
            chunk: self.speed.chunk(),
        }
    }

    /// The backend as the page shows it.
    fn backend(&self, on_gpu: bool) -> Backend {
        match &self.adapter {
            Ok(Adapter { name, software, .. }) if on_gpu => Backend::WebGpu {
                adapter: name.clone(),
                software: *software,
            },
            Ok(_) => Backend::Cpu { because: None },
            Err(because) => Backend::Cpu {
                because: because.clone(),
            },
        }
    }
}
