//! What the worker is asked, and in which order.

use model_core::base_rates::BaseRates;
use model_core::population::Method;

use super::{
    Command, DICTIONARY, MODEL, Phase, SINGLE_TASK_BUNDLE, SINGLE_TASK_MODEL, Session, Settling,
    SingleTask,
};
use crate::protocol::{BackendChoice, Request};

/// A request that the worker has not answered yet. Its id is the newest one.
pub(super) struct InFlight {
    pub work: Work,
    /// The revision of the text when the request was sent.
    pub revision: u64,
}

/// The purpose of a request.
#[derive(Clone, Copy)]
pub(super) enum Work {
    Answer,
    Evidence,
    Comparison,
    /// A chunk of the files, in the run of this number.
    File(u64),
    /// The shares among the users of the file, in the run of this number.
    Estimate(u64),
    /// The next prediction of the writer of this number.
    Settling(u64),
    /// The evidence for the writer of this number.
    Weights(u64),
}

impl Session {
    /// The next commands for the worker.
    pub fn ask(&mut self) -> Vec<Command> {
        if self.phase != Phase::Ready {
            return Vec::new();
        }
        let mut commands = Vec::new();
        if self.lacks_comparison() && self.single_task == SingleTask::NotLoaded {
            // The worker answers other requests while it fetches.
            self.single_task = SingleTask::Loading;
            commands.push(Command::Send(Request::Load {
                model: SINGLE_TASK_MODEL,
                bundle: Some(SINGLE_TASK_BUNDLE.into()),
                dictionary: DICTIONARY.into(),
                choice: BackendChoice::Cpu,
                cpu_because: None,
            }));
        }
        if self.in_flight.is_none()
            && let Some((work, request)) = self.next_request()
        {
            self.request += 1;
            self.in_flight = Some(InFlight {
                work,
                revision: self.text.revision(),
            });
            commands.push(Command::Send(request));
        }
        commands
    }

    fn lacks_comparison(&self) -> bool {
        self.wants_comparison && self.can_compare() && self.text.lacks_comparison()
    }

    /// The most urgent request, with the id that follows the newest.
    fn next_request(&mut self) -> Option<(Work, Request)> {
        let id = self.request + 1;
        let predict = |model, users, base_rates: &BaseRates| Request::Predict {
            id,
            model,
            users,
            ahead: 0,
            base_rates: base_rates.clone(),
            set: None,
        };
        let posts = || self.text.posts().to_vec();
        if self.text.lacks_answer() {
            let request = predict(MODEL, vec![posts()], &self.base_rates);
            Some((Work::Answer, request))
        } else if self.wants_evidence && self.text.lacks_evidence() {
            let request = Request::Explain {
                id,
                model: MODEL,
                posts: posts(),
                base_rates: self.base_rates.clone(),
            };
            Some((Work::Evidence, request))
        } else if self.lacks_comparison() && self.single_task == SingleTask::Ready {
            let request = predict(SINGLE_TASK_MODEL, vec![posts()], &self.base_rates);
            Some((Work::Comparison, request))
        } else if let Some(posts) = self.settling.as_ref().and_then(Settling::next) {
            let request = predict(MODEL, vec![posts.to_vec()], &self.base_rates);
            Some((Work::Settling(self.settlings), request))
        } else if self.wants_weights
            && let Some(settling) = self.settling.as_ref().filter(|one| one.lacks_evidence())
        {
            let request = Request::Explain {
                id,
                model: MODEL,
                posts: settling.posts().to_vec(),
                base_rates: self.base_rates.clone(),
            };
            Some((Work::Weights(self.settlings), request))
        } else {
            let (batch, model) = (self.batch.as_mut()?, self.model.as_ref()?);
            let set = self.runs;
            if !batch.wants_estimate()
                && let Some(users) = batch.next_chunk(model.chunk)
            {
                let request = Request::Predict {
                    id,
                    model: MODEL,
                    users: users.to_vec(),
                    ahead: batch.characters_ahead(),
                    base_rates: batch.base_rates().clone(),
                    set: Some(set),
                };
                return Some((Work::File(set), request));
            }
            // That the file is at its end may have shown only now.
            batch.wants_estimate().then_some((
                Work::Estimate(set),
                Request::Estimate {
                    id,
                    model: MODEL,
                    set,
                    method: Method::default(),
                },
            ))
        }
    }
}
