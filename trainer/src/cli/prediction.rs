//! The prediction loop of `auxlstm evaluate` and of commands that measure, and the loop over chunks of `predict` and others.

use futures_lite::future::block_on;
use model_core::prediction::UserPrediction;
use model_core::predictor::Predictor;

use super::{Failure, report_bad_records};
use crate::corpus::{Corpus, PartUsers, User};
use crate::progress::Progress;

/// Predicts the users of a corpus, or only the test users of a split, and gives `handle` one chunk of them after the other,
/// in the order of the corpus, with the file that they are from, as an index into the corpus. Returns the number of bad
/// records.
pub(super) fn predict_chunks(
    predictor: &Predictor,
    corpus: Corpus,
    test_users: Option<&PartUsers>,
    progress: Option<Progress>,
    mut handle: impl FnMut(usize, Vec<User>, Vec<UserPrediction>) -> Result<(), Failure>,
) -> Result<u64, Failure> {
    each_chunk(corpus, progress, |file, mut users| {
        if let Some(test_users) = test_users {
            users = test_users.among(file, users);
        }
        let posts: Vec<Vec<String>> = (users.iter_mut())
            .map(|user| std::mem::take(&mut user.posts))
            .collect();
        let predictions = block_on(predictor.predict(&posts))?;
        for (user, posts) in users.iter_mut().zip(posts) {
            user.posts = posts;
        }
        let predicted = users.len() as u64;
        handle(file, users, predictions)?;
        Ok(predicted)
    })
}

/// Gives `handle` one chunk of the users of a corpus after the other, with the file that they are from, as an index into the
/// corpus. `handle` returns the number of users for the progress. Returns the number of bad records, which is reported too.
pub(super) fn each_chunk(
    mut corpus: Corpus,
    mut progress: Option<Progress>,
    mut handle: impl FnMut(usize, Vec<User>) -> Result<u64, Failure>,
) -> Result<u64, Failure> {
    if let Some(progress) = &progress {
        corpus = corpus.with_report(progress.printer());
    }
    let mut handled = 0;
    while let Some(users) = corpus.read_chunk()? {
        handled += handle(corpus.file(), users)?;
        if let Some(progress) = &mut progress {
            progress.set(handled);
        }
    }
    // The bar must be gone before the line.
    drop(progress);
    report_bad_records(&corpus);
    Ok(corpus.bad_records())
}
