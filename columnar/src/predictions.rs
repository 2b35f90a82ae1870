//! The stream of predictions.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::slice;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, RecordBatchReader, StringArray};
use arrow_cast::cast;
use arrow_schema::{ArrowError, SchemaRef};
use futures_lite::future::block_on;
use model_core::corpus::Columns;
use model_core::prediction::UserPrediction;
use model_core::prediction_table::{WordEvidence, strongest_spellings};
use model_core::predictor::Predictor;
use model_core::user_set::{self, UserSet};
use rayon::ThreadPool;
use rayon::prelude::*;

use crate::input::{Input, Rows};
use crate::{Model, Outcome, Predicted, PredictionSchema};

/// The most users in a batch of the output.
const BATCH_USERS: usize = 1024;
/// A batch of the output ends with the user who makes the text read for it reach this many bytes.
const BATCH_BYTES: usize = 4 << 20;
/// The most bytes of a user's posts that are held as text. More are turned into word ids, of which the model reads so many.
const USER_BYTES: usize = 1 << 18;

/// The error of the second run of rows of a user.
const NOT_CONSECUTIVE: &str =
    "the rows of this user are not consecutive; sort or partition them by user";
/// The error of a row without an id.
const NO_ID: &str = "the id of the user is null";

/// Predictions about the users of a stream of record batches, see the [crate](crate).
pub struct Predictions<R> {
    model: Arc<Model>,
    source: R,
    input: Input,
    output: PredictionSchema,
    pool: Option<Arc<ThreadPool>>,
    /// The number of words of evidence, if any are wanted.
    evidence: Option<usize>,
    /// The batch that is being read, and its next row.
    rows: Option<(Rows, usize)>,
    /// The number of rows read so far.
    read: i64,
    /// The user whose rows are being read.
    current: Option<User>,
    /// Hashes of the ids of all users so far.
    seen: HashSet<u64>,
    /// Users without predictions yet, and the bytes of their text.
    waiting: Vec<User>,
    waiting_bytes: usize,
    is_over: bool,
}

/// A user without a prediction.
#[derive(Default)]
struct User {
    id: Option<String>,
    /// The number of the row that the user begins with, counted from 1.
    row: i64,
    /// The posts that are not word ids yet.
    posts: Vec<String>,
    /// The size of these posts.
    bytes: usize,
    /// The ids of the words of the posts before.
    words: Vec<u32>,
    /// Their spellings, as far as words are explained, if evidence is wanted.
    spellings: Option<Vec<String>>,
    /// Why nothing can be predicted.
    error: Option<&'static str>,
}

impl User {
    /// Adds a post, unless the model would not read it.
    fn add(&mut self, post: &str, predictor: &Predictor) {
        if self.error.is_some() || self.words.len() >= predictor.reader().max_words {
            return;
        }
        let bytes = post.len() + size_of::<String>();
        if self.bytes + bytes <= USER_BYTES {
            self.bytes += bytes;
            self.posts.push(post.to_owned());
        } else {
            self.encode(predictor);
            self.read(predictor, [post]);
        }
    }

    /// Turns the posts into word ids.
    fn encode(&mut self, predictor: &Predictor) {
        let posts = std::mem::take(&mut self.posts);
        self.read(predictor, posts);
        self.bytes = 0;
    }

    fn read<S: AsRef<str>>(&mut self, predictor: &Predictor, posts: impl IntoIterator<Item = S>) {
        let reader = predictor.reader();
        match &mut self.spellings {
            Some(spellings) => reader.encode_spelled(&mut self.words, spellings, posts),
            None => reader.encode_more(&mut self.words, posts),
        }
    }

    /// The hash by which users are sampled.
    fn hash(&self) -> u64 {
        match &self.id {
            Some(id) => user_set::hash(id),
            None => user_set::hash(&self.row.to_string()),
        }
    }

    fn memory(&self) -> usize {
        let spellings = self.spellings.iter().flatten();
        let spelled: usize = spellings.map(|word| size_of::<String>() + word.len()).sum();
        self.bytes + size_of_val(self.words.as_slice()) + spelled
    }
}

impl<R: RecordBatchReader> Predictions<R> {
    /// Predictions by `model` about the users in `source`, whose columns are found by [`Columns::places`].
    ///
    /// # Errors
    /// If the columns are missing, or of types that cannot be read.
    pub fn new(model: Arc<Model>, source: R, columns: &Columns) -> Result<Self, ArrowError> {
        let input = Input::new(&source.schema(), columns)?;
        let predictor = &model.predictor;
        let output = PredictionSchema::new(
            &predictor.card().name,
            &model.checksum,
            predictor.attributes(),
            input.id_type().clone(),
        );
        Ok(Self {
            model,
            source,
            input,
            output,
            pool: None,
            evidence: None,
            rows: None,
            read: 0,
            current: None,
            seen: HashSet::new(),
            waiting: Vec::new(),
            waiting_bytes: 0,
            is_over: false,
        })
    }

    /// Computes on the threads of this pool instead of rayon's global one. The input is always read in the calling thread.
    pub fn on(mut self, pool: Arc<ThreadPool>) -> Self {
        self.pool = Some(pool);
        self
    }

    /// Adds columns with the `count` words that speak most for the label of each attribute. Each user is read many times.
    pub fn with_evidence(mut self, count: usize) -> Self {
        self.output = self.output.with_evidence();
        self.evidence = Some(count);
        self
    }

    /// Adds the users of the next batch to a set of users, instead of predicting them, and returns how many were left out,
    /// because nothing can be predicted. `None` at the end.
    ///
    /// # Errors
    /// If the source fails.
    ///
    /// # Panics
    /// If the set is one of another model.
    pub fn count_into(&mut self, set: &mut UserSet) -> Result<Option<u64>, ArrowError> {
        if self.is_over || !self.fill()? {
            return Ok(None);
        }
        let mut users = self.take_waiting();
        let read = users.len();
        users.retain(|user| user.error.is_none());
        let unreadable = (read - users.len()) as u64;
        let failed = match &self.pool {
            Some(pool) => pool.install(|| count(&self.model.predictor, &mut users, set)),
            None => count(&self.model.predictor, &mut users, set),
        };
        Ok(Some(unreadable + failed))
    }

    /// The next batch; `None` at the end.
    fn advance(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        match self.fill()? {
            true => self.predict().map(Some),
            false => Ok(None),
        }
    }

    /// Reads the users of a batch. Returns whether there are any.
    fn fill(&mut self) -> Result<bool, ArrowError> {
        while !self.is_full() {
            let Some((rows, next)) = self.rows.take() else {
                match self.source.next().transpose()? {
                    Some(batch) => self.rows = Some((self.input.rows(&batch)?, 0)),
                    None => {
                        self.is_over = true;
                        self.end_user();
                        break;
                    }
                }
                continue;
            };
            if next < rows.len() {
                self.read_row(&rows, next);
                self.rows = Some((rows, next + 1));
            }
        }
        Ok(!self.waiting.is_empty())
    }

    fn take_waiting(&mut self) -> Vec<User> {
        self.waiting_bytes = 0;
        std::mem::take(&mut self.waiting)
    }

    fn is_full(&self) -> bool {
        // Evidence takes so long that it comes in small batches, between which a caller can stop.
        let part = if self.evidence.is_some() { 16 } else { 1 };
        self.waiting.len() >= BATCH_USERS / part || self.waiting_bytes >= BATCH_BYTES / part
    }

    fn read_row(&mut self, rows: &Rows, row: usize) {
        self.read += 1;
        let id = rows.id(row);
        let is_grouped = self.input.is_grouped();
        let goes_on = |user: &User| is_grouped && user.id.is_some() && user.id.as_deref() == id;
        if !self.current.as_ref().is_some_and(goes_on) {
            self.end_user();
            let error = match id {
                None if self.input.has_ids() => Some(NO_ID),
                Some(id) if is_grouped && !self.seen.insert(hash(id)) => Some(NOT_CONSECUTIVE),
                _ => None,
            };
            self.current = Some(User {
                id: id.map(str::to_owned),
                row: self.read,
                error,
                spellings: self.evidence.map(|_| Vec::new()),
                ..User::default()
            });
        }
        if let Some(user) = &mut self.current {
            for post in rows.posts(row) {
                user.add(post, &self.model.predictor);
            }
        }
    }

    fn end_user(&mut self) {
        if let Some(user) = self.current.take() {
            self.waiting_bytes += user.memory();
            self.waiting.push(user);
        }
    }

    /// The predictions about the users who wait.
    fn predict(&mut self) -> Result<RecordBatch, ArrowError> {
        let mut users = self.take_waiting();
        let predictor = &self.model.predictor;
        let outcomes = match &self.pool {
            Some(pool) => pool.install(|| outcomes(predictor, &mut users, self.evidence)),
            None => outcomes(predictor, &mut users, self.evidence),
        };
        let ids: ArrayRef = if self.input.has_ids() {
            let ids: StringArray = users.iter().map(|user| user.id.as_deref()).collect();
            cast(&ids, self.input.id_type())?
        } else {
            Arc::new(users.iter().map(|user| user.row).collect::<Int64Array>())
        };
        self.output.batch(ids, &outcomes)
    }
}

impl<R: RecordBatchReader> Iterator for Predictions<R> {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let batch = self.advance();
        self.is_over |= batch.is_err();
        batch.transpose()
    }
}

impl<R: RecordBatchReader> RecordBatchReader for Predictions<R> {
    fn schema(&self) -> SchemaRef {
        self.output.schema()
    }
}

fn outcomes(predictor: &Predictor, users: &mut [User], evidence: Option<usize>) -> Vec<Outcome> {
    let texts = texts(predictor, users);
    let predicted = match block_on(predictor.predict_encoded(&texts)) {
        Ok(predictions) => predictions.into_iter().map(Ok).collect(),
        // The user at fault must not cost the others their predictions.
        Err(_) => texts
            .iter()
            .map(|text| predict_one(predictor, text))
            .collect(),
    };
    let predicted: Vec<Result<UserPrediction, String>> = predicted;
    let outcome = |((prediction, text), user): ((_, &Vec<u32>), &User)| {
        if let Some(error) = user.error {
            return Err(error.to_owned());
        }
        let words = match (evidence, &user.spellings) {
            (Some(count), Some(spellings)) => strongest(predictor, text, spellings, count)?,
            _ => Vec::new(),
        };
        let prediction: Result<UserPrediction, String> = prediction;
        prediction.map(|prediction| Predicted { prediction, words })
    };
    (predicted.into_par_iter().zip(&texts).zip(&*users))
        .map(outcome)
        .collect()
}

/// The strongest words of a user.
fn strongest(
    predictor: &Predictor,
    text: &[u32],
    spellings: &[String],
    count: usize,
) -> Result<Vec<WordEvidence>, String> {
    let explained = block_on(predictor.explain_encoded(text));
    let (prediction, evidence) = explained.map_err(|error| error.to_string())?;
    Ok(strongest_spellings(
        &prediction,
        &evidence,
        spellings,
        count,
    ))
}

/// Adds users to a set, and returns how many cannot be predicted.
fn count(predictor: &Predictor, users: &mut [User], set: &mut UserSet) -> u64 {
    let hashes: Vec<u64> = users.iter().map(User::hash).collect();
    let texts = texts(predictor, users);
    let mut add = |texts: &[Vec<u32>], hashes: &[u64]| {
        block_on(predictor.count_encoded(texts, hashes, set)).is_ok()
    };
    if add(&texts, &hashes) {
        return 0;
    }
    // The user at fault must not cost the others their place.
    let failed = texts
        .iter()
        .zip(hashes)
        .filter(|(text, hash)| !add(slice::from_ref(*text), slice::from_ref(hash)));
    failed.count() as u64
}

/// The word ids of each user, who has none left.
fn texts(predictor: &Predictor, users: &mut [User]) -> Vec<Vec<u32>> {
    let encode = |user: &mut User| {
        user.encode(predictor);
        std::mem::take(&mut user.words)
    };
    users.par_iter_mut().map(encode).collect()
}

fn predict_one(predictor: &Predictor, text: &[u32]) -> Result<UserPrediction, String> {
    let mut predictions =
        block_on(predictor.predict_encoded(&[text.to_vec()])).map_err(|error| error.to_string())?;
    predictions
        .pop()
        .ok_or_else(|| "no prediction was computed".to_owned())
}

/// The hash by which users are known whose rows came before.
pub(crate) fn hash(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
#[path = "../../trainer/tests/common/model.rs"]
mod model;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_of_any_length_takes_no_more_memory() {
        let bundle = model::untrained();
        let most_words = bundle.settings.max_words;
        let predictor = Predictor::on_cpu(&bundle.to_bytes().unwrap()).unwrap();
        let bound = USER_BYTES + most_words * (2 * size_of::<u32>() + size_of::<String>() + 100);
        // Posts with words, without any, empty ones, and one that is longer than all that is held.
        let (words, spaces) = ("rain tea ".repeat(1_000), " ".repeat(9_000));
        let (empty, long) = (String::new(), "unknown ".repeat(USER_BYTES));
        for ((post, repeats, read), with_evidence) in [
            (words, 500, most_words),
            (spaces, 500, 0),
            (empty, 50_000, 0),
            (long, 2, most_words),
        ]
        .into_iter()
        .flat_map(|case| [(case.clone(), false), (case, true)])
        {
            let mut user = User {
                spellings: with_evidence.then(Vec::new),
                ..User::default()
            };
            for _ in 0..repeats {
                user.add(&post, &predictor);
                assert!(user.memory() <= bound, "{}", user.memory());
            }
            user.encode(&predictor);
            assert_eq!(user.words.len(), read);
        }
    }
}
