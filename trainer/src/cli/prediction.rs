//! The prediction loop of `auxlstm predict`, `evaluate` and `compact`.

use futures_lite::future::block_on;
use model_core::prediction::UserPrediction;
use model_core::predictor::Predictor;

use super::{Failure, report_bad_records};
use crate::corpus::{Corpus, PartUsers, User};
use crate::progress::Progress;

/// Predicts the users of a corpus, or only the test users of a split, and gives `handle` one chunk of them after the other,
/// in the order of the corpus. The users come without their posts. Returns the number of bad records.
pub(super) fn predict_chunks(
    predictor: &Predictor,
    corpus: Corpus,
    test_users: Option<&PartUsers>,
    progress: Option<Progress>,
    mut handle: impl FnMut(Vec<User>, Vec<UserPrediction>) -> Result<(), Failure>,
) -> Result<u64, Failure> {
    let handle = |_, users, predictions| handle(users, predictions);
    predict_chunks_of_files(predictor, corpus, test_users, progress, handle)
}

/// [`predict_chunks`] that also gives `handle` the file that all users of a chunk are from, as an index into the corpus.
pub(super) fn predict_chunks_of_files(
    predictor: &Predictor,
    mut corpus: Corpus,
    test_users: Option<&PartUsers>,
    mut progress: Option<Progress>,
    mut handle: impl FnMut(usize, Vec<User>, Vec<UserPrediction>) -> Result<(), Failure>,
) -> Result<u64, Failure> {
    if let Some(progress) = &progress {
        corpus = corpus.with_report(progress.bad_record_printer());
    }
    let mut predicted = 0;
    while let Some(mut users) = corpus.read_chunk()? {
        if let Some(test_users) = test_users {
            users = test_users.among(corpus.file(), users);
        }
        let posts: Vec<Vec<String>> = (users.iter_mut())
            .map(|user| std::mem::take(&mut user.posts))
            .collect();
        let predictions = block_on(predictor.predict(&posts))?;
        predicted += users.len() as u64;
        handle(corpus.file(), users, predictions)?;
        if let Some(progress) = &mut progress {
            progress.set(predicted);
        }
    }
    // The bar must be gone before the line.
    drop(progress);
    report_bad_records(&corpus);
    Ok(corpus.bad_records())
}
