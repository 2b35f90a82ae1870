//! The state of the single text in the page, of the models and of the worker. A file of users has its state in
//! [`batch`](crate::batch). The visitor's actions and the worker's replies go in, commands for the worker come out, and the views
//! show what is stored here. No browser is needed.
//!
//! The worker carries out one request after the other and cannot be interrupted. So the session sends it one
//! prediction or explanation at a time, and chooses the next one when the answer is there: the newest text first, then
//! its evidence, its comparison, one writer of a file, and the next chunk of a file or the estimate about its users. A
//! visitor who changes the backend or the model meanwhile does not wait for the answer: a new worker takes the place of the
//! busy one.

mod loading;
mod replies;
mod requests;
mod settling;
mod text;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use model_core::base_rates::BaseRates;
use serde_json::Value;

use crate::archive::Archive;
use crate::batch::Batch;
use crate::protocol::{BackendChoice, Reason, Request};

use loading::Load;
pub use loading::{Model, Phase, Shares, Source, is_bundle};
use requests::InFlight;
pub use settling::Settling;
use text::Text;
pub use text::{Answer, Comparison, Evidence};

/// The bundle of the English model, relative to the worker's script.
pub const BUNDLE: &str = "models/en.safetensors";
/// The bundle of the model that reads Chinese too. It is larger and needs the dictionary.
pub const BILINGUAL_BUNDLE: &str = "models/zh-en.safetensors";
/// The bundle of the single-task models that the English model is compared with.
pub const SINGLE_TASK_BUNDLE: &str = "models/en-single.safetensors";
/// The dictionary for Chinese text.
pub const DICTIONARY: &str = "dictionary/zh.front-coded.gz";

/// The number of the page's model in messages.
const MODEL: u64 = 0;
/// The number of the single-task models, which one bundle holds.
const SINGLE_TASK_MODEL: u64 = 1;

/// A command for the page to carry out on its worker.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// End the worker, if there is one, and start a new one.
    Restart,
    /// Send the worker the bytes of a bundle, for the load that follows.
    SendBundle(Arc<[u8]>),
    /// Send the worker a message.
    Send(Request),
}

/// How far this worker is with the single-task models.
#[derive(PartialEq)]
enum SingleTask {
    NotLoaded,
    Loading,
    Ready,
    Failed(Reason),
}

/// The state of the page.
pub struct Session {
    choice: BackendChoice,
    source: Source,
    /// The sources before it that may still be loaded, the newest last. Empty once the model is ready.
    earlier: Vec<Source>,
    phase: Phase,
    load: Load,
    /// Whether the worker has started. Messages that are sent earlier are lost.
    is_listening: bool,
    /// Whether this worker has given WebGPU up. It does not try it again.
    gave_up_gpu: bool,
    model: Option<Model>,
    refused: Option<Reason>,
    single_task: SingleTask,
    /// The base rates that predictions assume.
    base_rates: BaseRates,
    /// Whether given base rates did not fit the newest model.
    own_shares_misfit: bool,
    /// The newest shares that the visitor has given, in effect or not.
    own_shares: Option<BaseRates>,
    text: Text,
    wants_evidence: bool,
    wants_comparison: bool,
    /// The files whose writers can be chosen.
    archive: Option<Archive>,
    batch: Option<Batch>,
    /// The number of runs over files so far.
    runs: u64,
    settling: Option<Settling>,
    /// The number of the newest search for a writer's posts. Closing the writer or the files changes it too, which ends the
    /// search.
    searches: u64,
    /// It changes with the writer, and where the same one is predicted anew.
    settlings: u64,
    wants_weights: bool,
    /// The id of the newest request.
    request: u64,
    in_flight: Option<InFlight>,
}

impl Session {
    /// A page that opens with this bundle, and its first commands.
    pub fn open(bundle: &str) -> (Self, Vec<Command>) {
        let mut session = Self {
            choice: BackendChoice::Auto,
            source: Source::Address(bundle.into()),
            earlier: Vec::new(),
            phase: Phase::Starting,
            load: Load::default(),
            is_listening: false,
            gave_up_gpu: false,
            model: None,
            refused: None,
            single_task: SingleTask::NotLoaded,
            base_rates: BaseRates::default(),
            own_shares_misfit: false,
            own_shares: None,
            text: Text::default(),
            wants_evidence: false,
            wants_comparison: false,
            archive: None,
            batch: None,
            runs: 0,
            settling: None,
            searches: 0,
            settlings: 0,
            wants_weights: false,
            request: 0,
            in_flight: None,
        };
        let commands = session.restart(BackendChoice::Auto, None);
        (session, commands)
    }

    /// The backend that the visitor chose.
    pub fn choice(&self) -> BackendChoice {
        self.choice
    }

    /// Where the model that was chosen last comes from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// How far the worker is with the page's model.
    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    /// Why there is no model. Nothing is computed until the visitor tries again.
    pub fn failure(&self) -> Option<&Reason> {
        match &self.phase {
            Phase::Failed(reason) => Some(reason),
            _ => None,
        }
    }

    /// The newest model that was ready.
    pub fn model(&self) -> Option<&Model> {
        self.model.as_ref()
    }

    /// The number of a writer's words that the model reads.
    pub fn max_words(&self) -> usize {
        self.model
            .as_ref()
            .map_or(usize::MAX, |model| model.max_words)
    }

    /// Why the model that the visitor chose last could not be loaded, and the one before is still in use.
    pub fn refused(&self) -> Option<&Reason> {
        self.refused.as_ref()
    }

    /// The base rates that predictions assume.
    pub fn base_rates(&self) -> &BaseRates {
        &self.base_rates
    }

    /// Whether the visitor's own shares did not fit the model that was loaded last, so that equal base rates took their place.
    pub fn own_shares_misfit(&self) -> bool {
        self.own_shares_misfit
    }

    /// The visitor's own shares as they begin: those that the visitor gave last if they fit the model, else those of the training
    /// users. `None` before the first model.
    pub fn own_shares(&self) -> Option<BaseRates> {
        let model = self.model.as_ref()?;
        let fits = |own: &&BaseRates| own.check(&model.attributes).is_ok();
        let own = self.own_shares.as_ref().filter(fits).cloned();
        Some(own.unwrap_or_else(|| BaseRates::Given(model.shares(&BaseRates::Corpus))))
    }

    /// The newest answer, or why there is none for a text; `None` without a text or a first answer.
    pub fn answer(&self) -> Option<&Result<Answer, Reason>> {
        self.text.answer()
    }

    /// The evidence for the newest text, once it was asked for and has arrived.
    pub fn evidence(&self) -> Option<&Result<Evidence, Reason>> {
        self.text.evidence()
    }

    /// What the single-task models predict for the newest text.
    pub fn comparison(&self) -> Comparison {
        if !self.wants_comparison {
            return Comparison::NotWanted;
        }
        match (&self.single_task, self.text.comparison()) {
            (SingleTask::Failed(reason), _) | (_, Some(Err(reason))) => {
                Comparison::Failed(reason.clone())
            }
            (_, Some(Ok(prediction))) => Comparison::Here(prediction.clone()),
            (_, None) => match self.failure() {
                Some(reason) => Comparison::Failed(reason.clone()),
                None => Comparison::Coming,
            },
        }
    }

    /// Whether there are single-task models to compare this model with.
    pub fn can_compare(&self) -> bool {
        self.is_english()
    }

    /// Whether the text is mostly Chinese, and the page's English model is to read it.
    pub fn lacks_chinese(&self) -> bool {
        self.is_english() && self.text.is_chinese()
    }

    fn is_english(&self) -> bool {
        self.source == Source::Address(BUNDLE.into())
    }

    /// The archive that the visitor has given, if several writers can be chosen from it.
    pub fn archive(&self) -> Option<&Archive> {
        self.archive.as_ref()
    }

    /// The writer of the file whose estimate is looked at.
    pub fn settling(&self) -> Option<&Settling> {
        self.settling.as_ref()
    }

    /// Why the estimate of that writer does not settle any further.
    pub fn settling_failed(&self) -> Option<&Reason> {
        let settling = self.settling()?;
        let lost = self.failure().filter(|_| settling.whole().is_none());
        settling.failed().or(lost)
    }

    /// The run over the files that the visitor has given.
    pub fn batch(&self) -> Option<&Batch> {
        self.batch.as_ref()
    }

    /// The number of the newest run over a file. It tells the runs apart.
    pub fn run_number(&self) -> u64 {
        self.runs
    }

    /// Whether the answer, if any, is about an older text than the newest, or by an earlier model.
    pub fn is_behind(&self) -> bool {
        self.text.lacks_answer()
    }

    /// Whether a newer answer is on its way.
    pub fn is_busy(&self) -> bool {
        self.is_behind() && self.failure().is_none()
    }

    /// The text is now `posts`. The caller also calls [`ask`](Self::ask), when the typing pauses.
    pub fn edit(&mut self, posts: Vec<String>) {
        if posts == self.text.posts() {
            return;
        }
        self.text.edit(posts);
        self.forget_if_failed();
    }

    /// Forgets an answer that no newer one will replace.
    fn forget_if_failed(&mut self) {
        if self.failure().is_some() {
            self.text.forget_answer();
        }
    }

    /// The visitor chooses base rates, which fit the model. All that is shown is predicted again.
    pub fn use_base_rates(&mut self, base_rates: BaseRates) -> Vec<Command> {
        self.own_shares_misfit = false;
        if base_rates == self.base_rates {
            return Vec::new();
        }
        if let BaseRates::Given(_) = base_rates {
            self.own_shares = Some(base_rates.clone());
        }
        self.base_rates = base_rates;
        self.predict_files_again();
        self.text.ask_again();
        self.forget_if_failed();
        self.ask()
    }

    /// The visitor wants to see evidence from now on, or no longer.
    pub fn explain(&mut self, wanted: bool) -> Vec<Command> {
        self.wants_evidence = wanted;
        self.ask()
    }

    /// The visitor wants to see the comparison with the single-task models from now on, or no longer. After a failure this
    /// tries again.
    pub fn compare(&mut self, wanted: bool) -> Vec<Command> {
        self.wants_comparison = wanted;
        self.text.forget_comparison();
        if matches!(self.single_task, SingleTask::Failed(_)) {
            self.single_task = SingleTask::NotLoaded;
        }
        self.ask()
    }

    /// The visitor gives files that the reader has read. If they are of several writers, one or all of them are chosen first.
    pub fn open_archive(&mut self, archive: Archive) -> Vec<Command> {
        self.close_files();
        if archive.writers().len() > 1 {
            self.archive = Some(archive);
            return Vec::new();
        }
        self.run_files(archive.all())
    }

    /// The visitor chooses one of the writers of the archive, or all.
    pub fn choose_writer(&mut self, place: Option<usize>) -> Vec<Command> {
        let archive = self.archive.as_ref();
        let chosen = archive.and_then(|archive| match place {
            Some(place) => archive.one(place),
            None => Some(archive.all()),
        });
        chosen.map_or_else(Vec::new, |batch| self.run_files(batch))
    }

    /// A run over the users of files.
    fn run_files(&mut self, mut batch: Batch) -> Vec<Command> {
        batch.begin_again(self.base_rates.clone());
        self.batch = Some(batch);
        self.runs += 1;
        self.close_settling();
        self.ask()
    }

    /// The visitor stops the run over the file. Its predictions so far stay.
    pub fn cancel_file(&mut self) {
        if let Some(batch) = &mut self.batch {
            batch.cancel();
        }
    }

    /// The visitor closes the results. The writers of an archive can then be chosen again.
    pub fn close_file(&mut self) {
        self.batch = None;
        self.close_settling();
    }

    /// The visitor closes all files.
    pub fn close_files(&mut self) {
        self.close_file();
        self.archive = None;
    }

    /// The visitor chooses a writer, whose posts are looked for. An earlier search ends without a result.
    pub fn begin_search(&mut self) -> u64 {
        self.searches += 1;
        self.searches
    }

    /// A search with another number than this one has been replaced or ended.
    pub fn search_number(&self) -> u64 {
        self.searches
    }

    /// The visitor wants to see how the estimate of a writer with these posts settles.
    pub fn settle(&mut self, id: Value, posts: Vec<String>) -> Vec<Command> {
        self.settling = Some(Settling::new(id, posts));
        self.settlings += 1;
        self.wants_weights = false;
        self.ask()
    }

    /// The visitor has seen it.
    pub fn close_settling(&mut self) {
        self.settling = None;
        self.searches += 1;
    }

    /// The visitor wants to see which posts speak most for a class, or no longer.
    pub fn weigh_posts(&mut self, wanted: bool) -> Vec<Command> {
        self.wants_weights = wanted;
        self.ask()
    }

    /// Another model or other base rates predict the files from now on.
    fn predict_files_again(&mut self) {
        if let Some(batch) = &mut self.batch {
            batch.begin_again(self.base_rates.clone());
            self.runs += 1;
        }
        if let Some(settling) = &mut self.settling {
            settling.ask_again();
            self.settlings += 1;
        }
    }

    /// The writer of this number, unless it is an earlier one.
    fn settling_of(&mut self, number: u64) -> Option<&mut Settling> {
        (self.settling.as_mut()).filter(|_| number == self.settlings)
    }
}
