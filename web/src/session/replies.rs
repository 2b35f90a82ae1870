//! What becomes of the worker's replies.

use model_core::population::PopulationEstimate;
use model_core::prediction::UserPrediction;

use super::requests::{InFlight, Work};
use super::{Answer, Command, MODEL, Model, Phase, SINGLE_TASK_MODEL, Session, SingleTask};
use crate::batch::Batch;
use crate::protocol::{Asset, Backend, ChunkSize, Reason, Reply};

impl Session {
    /// The worker sends a reply.
    pub fn receive(&mut self, reply: Reply) -> Vec<Command> {
        match reply {
            Reply::Started => {
                self.is_listening = true;
                return self.load();
            }
            Reply::Progress {
                model: MODEL,
                asset,
                received,
                total,
            } => {
                self.progressed(asset, received, total);
                return Vec::new();
            }
            // The page does not show how far the single-task models are.
            Reply::Progress { .. } => return Vec::new(),
            Reply::Ready {
                model: SINGLE_TASK_MODEL,
                ..
            } => self.single_task = SingleTask::Ready,
            Reply::Ready {
                card,
                attributes,
                base_rates,
                max_words,
                backend,
                chunk,
                ..
            } => {
                self.loaded(Model {
                    source: self.source.clone(),
                    card: *card,
                    attributes,
                    base_rates,
                    max_words,
                    backend,
                    chunk,
                });
            }
            Reply::Predicted {
                id,
                predictions,
                backend,
                chunk,
                milliseconds,
            } => {
                if let Some(answered) = self.answered(id) {
                    self.predicted(answered, predictions, backend, chunk, milliseconds);
                }
            }
            Reply::Estimated { id, estimate, .. } => {
                if let Some(InFlight {
                    work: Work::Estimate(run),
                    ..
                }) = self.answered(id)
                {
                    self.estimated(run, Ok(estimate));
                }
            }
            Reply::Explained {
                id, explanation, ..
            } => match self.answered(id) {
                Some(InFlight {
                    work: Work::Weights(number),
                    ..
                }) => {
                    if let Some(settling) = self.settling_of(number) {
                        settling.set_evidence(Ok(explanation));
                    }
                }
                Some(InFlight { revision, .. }) => {
                    self.text.set_evidence(revision, Ok(explanation));
                }
                None => {}
            },
            // The page does not ask for it.
            Reply::Segmented { .. } => return Vec::new(),
            Reply::Failed {
                id: Some(id),
                reason,
                ..
            } => {
                if let Some(answered) = self.answered(id) {
                    self.failed(answered, reason);
                }
            }
            Reply::Failed {
                id: None,
                model: SINGLE_TASK_MODEL,
                reason,
            } => self.single_task = SingleTask::Failed(reason),
            Reply::Failed {
                id: None, reason, ..
            } => return self.fail(reason),
            Reply::Crashed { reason } => return self.crash(reason),
        }
        self.ask()
    }

    fn progressed(&mut self, asset: Asset, received: u64, total: Option<u64>) {
        // A model that is ready may still fetch the program for WebGPU; nothing waits for that.
        if self.phase == Phase::Ready {
            return;
        }
        self.phase = if total == Some(received) {
            // After its last byte a file is prepared.
            Phase::Starting
        } else {
            Phase::Fetching {
                asset,
                received,
                total,
            }
        };
    }

    /// The request of this id, if it is the one that the worker was asked last and had not answered yet.
    fn answered(&mut self, id: u64) -> Option<InFlight> {
        self.in_flight.take_if(|_| id == self.request)
    }

    fn predicted(
        &mut self,
        answered: InFlight,
        mut predictions: Vec<UserPrediction>,
        backend: Backend,
        chunk: ChunkSize,
        milliseconds: f64,
    ) {
        let InFlight { work, revision } = answered;
        self.notice(&backend);
        if let (Work::Answer | Work::File(_) | Work::Settling(_), Some(model)) =
            (work, &mut self.model)
        {
            model.backend = backend;
            model.chunk = chunk;
        }
        if let Work::File(run) = work {
            if let Some(batch) = self.batch_of(run) {
                batch.answer(predictions);
            }
            return;
        }
        let prediction = predictions.pop().ok_or(Reason::Miscounted {
            asked: 1,
            answered: 0,
        });
        match work {
            Work::Comparison => self.text.set_comparison(revision, prediction),
            Work::Settling(number) => {
                if let Some(settling) = self.settling_of(number) {
                    settling.set_next(prediction);
                }
            }
            _ => {
                let answer = prediction.map(|prediction| Answer {
                    prediction,
                    milliseconds,
                });
                self.text.set_answer(revision, answer);
            }
        }
    }

    /// The files that a run is about; `None` if it is not the newest, whose answers are ignored.
    fn batch_of(&mut self, run: u64) -> Option<&mut Batch> {
        self.batch.as_mut().filter(|_| run == self.runs)
    }

    fn estimated(&mut self, run: u64, estimate: Result<PopulationEstimate, Reason>) {
        if let Some(batch) = self.batch_of(run) {
            batch.set_population(estimate);
        }
    }

    fn failed(&mut self, answered: InFlight, reason: Reason) {
        let InFlight { work, revision } = answered;
        match work {
            Work::Answer => self.text.set_answer(revision, Err(reason)),
            Work::Evidence => self.text.set_evidence(revision, Err(reason)),
            Work::Comparison => self.text.set_comparison(revision, Err(reason)),
            Work::File(run) => {
                if let Some(batch) = self.batch_of(run) {
                    batch.fail(reason);
                }
            }
            Work::Estimate(run) => self.estimated(run, Err(reason)),
            Work::Settling(number) => {
                if let Some(settling) = self.settling_of(number) {
                    settling.set_next(Err(reason));
                }
            }
            Work::Weights(number) => {
                if let Some(settling) = self.settling_of(number) {
                    settling.set_evidence(Err(reason));
                }
            }
        }
    }
}
