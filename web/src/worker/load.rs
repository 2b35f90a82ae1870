//! Making models ready: their bundles are fetched beside other work, and nothing is fetched twice.

use std::rc::Rc;

use futures::future::try_join;
use model_core::predictor::Predictor;
use model_core::text::Segmenter;

use super::model::Model;
use super::{Task, Worker, adapter, chinese, fetch, reply, spawn};
use crate::backend::decide;
use crate::protocol::{Asset, BackendChoice, Reason, Reply};

/// A model to load.
pub struct Load {
    pub model: u64,
    /// The address of its bundle; `None`: the page has sent it.
    pub address: Option<String>,
    /// The address of the dictionary.
    pub dictionary: String,
    pub choice: BackendChoice,
    pub cpu_because: Option<Reason>,
}

impl Worker {
    /// Fetches the bundle for a load while the worker continues with other tasks.
    pub fn fetch_bundle(&mut self, load: Load) {
        self.loads += 1;
        let number = self.loads;
        self.loading.insert(load.model, number);
        let tasks = self.tasks.clone();
        let kept = match &load.address {
            Some(address) => self.fetched.get(address).cloned().ok_or(None),
            None => Err(self.sent.take()),
        };
        spawn(async move {
            let bundle = match (kept, &load.address) {
                (Ok(bundle), _) => Ok(bundle),
                (Err(_), Some(address)) => fetch_for(load.model, Asset::Model, address).await,
                (Err(Some(sent)), None) => fetch::gunzip(sent).await.map(Rc::from),
                (Err(None), None) => Err(Reason::NoModel),
            };
            // Fails only when the worker carries out no more tasks.
            drop(tasks.unbounded_send(Task::Fetched {
                load,
                number,
                bundle,
            }));
        });
    }

    /// Makes a model of the bundle of a load, unless the model was unloaded or loaded again meanwhile.
    pub async fn fetched(&mut self, load: Load, number: u64, bundle: Result<Rc<[u8]>, Reason>) {
        let model = load.model;
        if self.loading.get(&model) != Some(&number) {
            return;
        }
        self.loading.remove(&model);
        if let (Some(address), Ok(bundle)) = (&load.address, &bundle) {
            self.keep(address, bundle);
        }
        let loaded = match bundle {
            Ok(bundle) => self.load(load, bundle).await,
            Err(reason) => Err(reason),
        };
        if let Err(reason) = loaded {
            reply(&Reply::Failed {
                id: None,
                model,
                reason,
            });
        }
    }

    /// Makes a model ready and tells the page.
    async fn load(&mut self, load: Load, bundle: Rc<[u8]>) -> Result<(), Reason> {
        let Load {
            model: number,
            dictionary,
            choice,
            cpu_because,
            ..
        } = load;
        let mut predictor = Predictor::on_cpu(&bundle)?;
        let mut needed = None;
        if predictor.needs_dictionary() {
            let program = chinese::program(self.fetch_chinese.clone());
            let (program, dictionary) =
                try_join(program, self.dictionary(number, &dictionary)).await?;
            let segmenter = Segmenter::with_jieba(&*dictionary, |bytes| program.jieba(bytes));
            segmenter.and_then(|segmenter| predictor.use_segmenter(segmenter))?;
            needed = Some(dictionary);
        }
        let adapter = match (choice, self.gpu.failure()) {
            (BackendChoice::Cpu, _) => Err(cpu_because),
            (_, Some(reason)) => Err(Some(reason.clone())),
            _ => decide(choice, adapter::adapter().await),
        };
        let model = Model::new(predictor, bundle, needed, choice, adapter);
        if choice != BackendChoice::WebGpu {
            model.warm_up().await?;
        }
        self.models.insert(number, model);
        if choice == BackendChoice::WebGpu {
            self.open_gpu(number).await;
        }
        let model = self.models.get(&number).ok_or(Reason::NoModel)?;
        reply(&model.ready(number));
        self.prepare_later(number);
        Ok(())
    }

    /// The dictionary at an address, fetched once.
    async fn dictionary(&mut self, model: u64, address: &str) -> Result<Rc<[u8]>, Reason> {
        if let Some(bytes) = self.fetched.get(address) {
            return Ok(bytes.clone());
        }
        let bytes = fetch_for(model, Asset::Dictionary, address).await?;
        self.keep(address, &bytes);
        Ok(bytes)
    }
}

/// The bytes at an address, unpacked. Reports the progress to the page.
async fn fetch_for(model: u64, asset: Asset, address: &str) -> Result<Rc<[u8]>, Reason> {
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
