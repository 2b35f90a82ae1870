//! The text in the page and its predictions.

use std::sync::Arc;

use model_core::explanation::Explanation;
use model_core::language::is_han;
use model_core::prediction::UserPrediction;

use crate::protocol::Reason;

/// The prediction of the page's model for a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The distributions.
    pub prediction: UserPrediction,
    /// How long the worker took for them.
    pub milliseconds: f64,
}

/// How much each word of a text contributes to its prediction.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// The text that was explained. The words of the explanation are ranges of it.
    pub posts: Vec<String>,
    /// The contribution of each word.
    pub explanation: Arc<Explanation>,
}

/// The prediction of the single-task models for the newest text.
#[derive(Clone, Debug, PartialEq)]
pub enum Comparison {
    /// The visitor has not asked for it.
    NotWanted,
    /// The worker loads the models, or predicts.
    Coming,
    /// Their prediction.
    Here(Arc<UserPrediction>),
    /// There is none, for this reason.
    Failed(Reason),
}

/// The text, with the newest result of each kind that the page shows about it.
///
/// An edit begins a new revision of the text, and so does the load of a model. A result counts only for the revision
/// in which it was asked for. An older answer and older evidence stay on the page until newer ones replace them.
#[derive(Default)]
pub(super) struct Text {
    posts: Vec<String>,
    revision: u64,
    answer: Option<Dated<Answer>>,
    evidence: Option<Dated<Evidence>>,
    comparison: Option<Dated<Arc<UserPrediction>>>,
}

/// A result and the revision of the text that it is about.
struct Dated<T> {
    revision: u64,
    result: Result<T, Reason>,
}

impl Text {
    pub fn posts(&self) -> &[String] {
        &self.posts
    }

    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Replaces the text.
    pub fn edit(&mut self, posts: Vec<String>) {
        self.posts = posts;
        self.revision += 1;
        // The words of the evidence are places in the text before.
        self.evidence = None;
        if self.posts.is_empty() {
            self.answer = None;
        }
    }

    /// Requires new results for the same text: another model or another backend computes from now on.
    pub fn ask_again(&mut self) {
        self.revision += 1;
    }

    pub fn answer(&self) -> Option<&Result<Answer, Reason>> {
        self.answer.as_ref().map(|dated| &dated.result)
    }

    pub fn evidence(&self) -> Option<&Result<Evidence, Reason>> {
        self.evidence.as_ref().map(|dated| &dated.result)
    }

    /// The comparison of this revision.
    pub fn comparison(&self) -> Option<&Result<Arc<UserPrediction>, Reason>> {
        let dated = self.comparison.as_ref()?;
        (dated.revision == self.revision).then_some(&dated.result)
    }

    /// Whether the text has no answer yet, or an older one.
    pub fn lacks_answer(&self) -> bool {
        !self.posts.is_empty() && !self.is_current(&self.answer)
    }

    /// Whether the answer can be explained and is not yet: a text without known words has no evidence.
    pub fn lacks_evidence(&self) -> bool {
        let explicable =
            matches!(self.answer(), Some(Ok(answer)) if answer.prediction.known_words > 0);
        explicable && !self.is_current(&self.evidence)
    }

    /// Whether the text has not been compared yet.
    pub fn lacks_comparison(&self) -> bool {
        !self.posts.is_empty() && !self.is_current(&self.comparison)
    }

    /// Stores the answer to a question about this revision. An overtaken one is dropped.
    pub fn set_answer(&mut self, revision: u64, result: Result<Answer, Reason>) {
        if revision == self.revision && !self.posts.is_empty() {
            self.answer = Some(Dated { revision, result });
        }
    }

    /// Stores the evidence for this revision. An overtaken one is dropped.
    pub fn set_evidence(&mut self, revision: u64, result: Result<Explanation, Reason>) {
        if revision == self.revision {
            let result = result.map(|explanation| Evidence {
                posts: self.posts.clone(),
                explanation: Arc::new(explanation),
            });
            self.evidence = Some(Dated { revision, result });
        }
    }

    /// Stores the comparison of this revision. An overtaken one is dropped.
    pub fn set_comparison(&mut self, revision: u64, result: Result<UserPrediction, Reason>) {
        if revision == self.revision {
            let result = result.map(Arc::new);
            self.comparison = Some(Dated { revision, result });
        }
    }

    pub fn forget_answer(&mut self) {
        self.answer = None;
    }

    pub fn forget_comparison(&mut self) {
        self.comparison = None;
    }

    /// Whether more than half of the letters are Chinese.
    pub fn is_chinese(&self) -> bool {
        let characters = self.posts.iter().flat_map(|post| post.chars());
        let letters = characters.filter(|character| character.is_alphabetic());
        let (chinese, all) = letters.fold((0, 0), |(chinese, all), letter| {
            (chinese + usize::from(is_han(letter)), all + 1)
        });
        2 * chinese > all
    }

    fn is_current<T>(&self, dated: &Option<Dated<T>>) -> bool {
        (dated.as_ref()).is_some_and(|dated| dated.revision == self.revision)
    }
}
