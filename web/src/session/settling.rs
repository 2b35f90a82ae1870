//! One writer of a file: the predictions from ever more posts, and the evidence of the words.

use std::sync::Arc;

use model_core::explanation::Explanation;
use model_core::prediction::UserPrediction;
use serde_json::Value;

use crate::protocol::Reason;

/// The most predictions that are made.
const MOST_STEPS: usize = 12;

/// One writer.
#[derive(Clone, Debug, PartialEq)]
pub struct Settling {
    id: Value,
    posts: Arc<[String]>,
    steps: Vec<usize>,
    /// The predictions of the first steps.
    predictions: Vec<UserPrediction>,
    /// Why there are no more.
    failed: Option<Reason>,
    evidence: Option<Result<Arc<Explanation>, Reason>>,
}

impl Settling {
    pub(super) fn new(id: Value, posts: Vec<String>) -> Self {
        Self {
            id,
            steps: steps(posts.len()),
            posts: posts.into(),
            predictions: Vec::new(),
            failed: None,
            evidence: None,
        }
    }

    /// The writer's id.
    pub fn id(&self) -> &Value {
        &self.id
    }

    /// The posts in the order in which they were written.
    pub fn posts(&self) -> &[String] {
        &self.posts
    }

    /// The predictions so far, each with the number of posts that it rests on.
    pub fn points(&self) -> impl Iterator<Item = (usize, &UserPrediction)> {
        self.steps.iter().copied().zip(&self.predictions)
    }

    /// The prediction from all posts.
    pub fn whole(&self) -> Option<&UserPrediction> {
        self.predictions.get(self.steps.len() - 1)
    }

    /// Why there are no more predictions.
    pub fn failed(&self) -> Option<&Reason> {
        self.failed.as_ref()
    }

    /// The evidence of the words, once it was asked for and has arrived.
    pub fn evidence(&self) -> Option<&Result<Arc<Explanation>, Reason>> {
        self.evidence.as_ref()
    }

    /// The posts to predict next.
    pub(super) fn next(&self) -> Option<&[String]> {
        let step = self.steps.get(self.predictions.len())?;
        self.failed.is_none().then(|| &self.posts[..*step])
    }

    /// Whether the evidence can be asked for.
    pub(super) fn lacks_evidence(&self) -> bool {
        let is_explicable = self.whole().is_some_and(|whole| whole.known_words > 0);
        is_explicable && self.evidence.is_none()
    }

    pub(super) fn set_next(&mut self, prediction: Result<UserPrediction, Reason>) {
        match prediction {
            Ok(prediction) => self.predictions.push(prediction),
            Err(reason) => self.failed = Some(reason),
        }
    }

    pub(super) fn set_evidence(&mut self, explanation: Result<Explanation, Reason>) {
        self.evidence = Some(explanation.map(Arc::new));
    }

    /// Requires new predictions: another model computes from now on, or other base rates are assumed.
    pub(super) fn ask_again(&mut self) {
        self.predictions.clear();
        self.failed = None;
        self.evidence = None;
    }
}

/// Numbers of posts from 1 to all of them, each some times the one before; 0 without posts, so that there is a prediction.
fn steps(posts: usize) -> Vec<usize> {
    let last = (MOST_STEPS - 1) as f64;
    let step = |index: usize| (posts as f64).powf(index as f64 / last).round() as usize;
    let mut steps: Vec<usize> = match posts {
        0 => vec![0],
        1..=MOST_STEPS => (1..=posts).collect(),
        _ => (0..MOST_STEPS).map(step).collect(),
    };
    steps.dedup();
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_go_from_one_post_to_all() {
        assert_eq!(steps(0), [0]);
        assert_eq!(steps(1), [1]);
        assert_eq!(steps(4), [1, 2, 3, 4]);
        for posts in [13, 100, 1_000, 123_457] {
            let steps = steps(posts);
            assert!(steps.len() <= MOST_STEPS && steps.len() >= 9, "{steps:?}");
            assert_eq!((steps[0], steps.last()), (1, Some(&posts)));
            assert!(steps.is_sorted_by(|one, next| one < next), "{steps:?}");
        }
        assert_eq!(steps(1_000)[..5], [1, 2, 4, 7, 12]);
    }
}
