//! The word vectors that a network reads: none, frozen, or trained with it.

use burn::tensor::{Device, Gradients, Tensor, TensorData};
use fused_lstm::PackedBatch;
use model_core::{
    embedding::Embedding,
    parameters::{self, NamedTensor},
};

/// The word vectors of a network.
pub enum Vectors<'a> {
    /// The network reads no word vectors.
    None,
    /// One table that is not trained.
    Frozen(&'a Embedding),
    /// Tables that are trained.
    Trained(TrainedVectors),
}

impl<'a> Vectors<'a> {
    /// One table with this learning rate; at rate 0 it is frozen.
    pub fn new(embedding: &'a Embedding, learning_rate: f64) -> Self {
        match learning_rate {
            0.0 => Self::Frozen(embedding),
            rate => Self::Trained(TrainedVectors {
                is_quantised: true,
                ..TrainedVectors::new(vec![embedding.rows()], embedding.dimensions(), rate)
            }),
        }
    }

    /// Texts of word ids with the words' vectors, once for each table.
    pub fn embed(&self, texts: &[&[u32]], device: &Device) -> Vec<PackedBatch> {
        match self {
            Self::None => Vec::new(),
            Self::Frozen(embedding) => vec![embedding.embed(texts, device)],
            Self::Trained(tables) => tables.embed(texts, device),
        }
    }

    /// Like [`embed`](Self::embed), but trained vectors require gradients, see [`TrainedVectors::apply_gradients`].
    pub fn embed_for_training(&mut self, texts: &[&[u32]], device: &Device) -> Vec<PackedBatch> {
        match self {
            Self::Trained(tables) => tables.embed_for_training(texts, device),
            _ => self.embed(texts, device),
        }
    }

    /// The tables that are trained, if any are.
    pub fn trained(&self) -> Option<&TrainedVectors> {
        match self {
            Self::Trained(tables) => Some(tables),
            _ => None,
        }
    }

    /// The tables that are trained, if any are.
    pub fn trained_mut(&mut self) -> Option<&mut TrainedVectors> {
        match self {
            Self::Trained(tables) => Some(tables),
            _ => None,
        }
    }
}

/// Tables of word vectors that are trained by Adagrad, whatever the network's optimiser is: it leaves words outside the batch
/// unchanged.
pub struct TrainedVectors {
    tables: Vec<Table>,
    dimensions: usize,
    learning_rate: f32,
    /// Whether [`quantise`](Self::quantise) rounds the vectors to the 8 bits of a bundle.
    is_quantised: bool,
    /// The last batch that was embedded for training.
    batch: EmbeddedBatch,
}

struct Table {
    /// A row for each word id.
    rows: Vec<f32>,
    /// The sums of the squared gradients of `rows`.
    squares: Vec<f32>,
    /// The rows of the best epoch; empty before the first snapshot.
    best: Vec<f32>,
}

#[derive(Default)]
struct EmbeddedBatch {
    /// The distinct words.
    ids: Vec<u32>,
    /// Their vectors in each table, `[distinct words, dimensions]`.
    vectors: Vec<Tensor<2>>,
}

impl TrainedVectors {
    /// Tables of these rows, each with a vector of `dimensions` numbers for each word id.
    pub fn new(tables: Vec<Vec<f32>>, dimensions: usize, learning_rate: f64) -> Self {
        let tables = tables.into_iter().map(|rows| Table {
            squares: vec![0.0; rows.len()],
            best: Vec::new(),
            rows,
        });
        Self {
            tables: tables.collect(),
            dimensions,
            learning_rate: learning_rate as f32,
            is_quantised: false,
            batch: EmbeddedBatch::default(),
        }
    }

    fn embed(&self, texts: &[&[u32]], device: &Device) -> Vec<PackedBatch> {
        let (ids, texts) = PackedBatch::distinct(texts);
        with_texts(self.vectors(&ids, device), texts)
    }

    fn embed_for_training(&mut self, texts: &[&[u32]], device: &Device) -> Vec<PackedBatch> {
        let (ids, texts) = PackedBatch::distinct(texts);
        let vectors = self.vectors(&ids, device).into_iter();
        let vectors: Vec<Tensor<2>> = vectors.map(Tensor::require_grad).collect();
        self.batch = EmbeddedBatch {
            ids,
            vectors: vectors.clone(),
        };
        with_texts(vectors, texts)
    }

    /// The words' vectors in each table, `[words, dimensions]`.
    fn vectors(&self, ids: &[u32], device: &Device) -> Vec<Tensor<2>> {
        let of_table = |table: &Table| {
            let rows = (ids.iter())
                .map(|&id| &table.rows[id as usize * self.dimensions..][..self.dimensions]);
            let values = rows.collect::<Vec<_>>().concat();
            Tensor::from_data(
                TensorData::new(values, [ids.len(), self.dimensions]),
                device,
            )
        };
        self.tables.iter().map(of_table).collect()
    }

    /// Takes a step of Adagrad for the words of the last batch that was embedded for training.
    pub fn apply_gradients(&mut self, gradients: &Gradients) {
        let EmbeddedBatch { ids, vectors } = std::mem::take(&mut self.batch);
        for (table, vectors) in self.tables.iter_mut().zip(vectors) {
            // A table has no gradient where no user of the batch has a label for its task.
            let Some(gradient) = vectors.grad(gradients) else {
                continue;
            };
            let gradient: Vec<f32> = gradient.into_data().iter().collect();
            for (&id, gradient) in ids.iter().zip(gradient.chunks_exact(self.dimensions)) {
                table.apply_gradient(id, gradient, self.learning_rate);
            }
        }
    }

    /// Remembers the vectors as those of the best epoch.
    pub fn snapshot(&mut self) {
        for table in &mut self.tables {
            table.best.clone_from(&table.rows);
        }
    }

    /// Goes back to the vectors of the best epoch.
    pub fn restore(&mut self) {
        for table in &mut self.tables {
            table.rows = std::mem::take(&mut table.best);
        }
    }

    /// Where a bundle will hold the vectors, rounds them as it will round them, so that what is evaluated from now on is what
    /// will be served.
    ///
    /// # Errors
    /// A number that is not finite, which a large learning rate may cause.
    pub fn quantise(&mut self) -> Result<(), String> {
        if self.is_quantised {
            for table in &mut self.tables {
                table.rows = Embedding::quantise(&table.rows, self.dimensions)?.rows();
            }
        }
        Ok(())
    }

    /// The first table as a bundle holds it.
    ///
    /// # Errors
    /// A number that is not finite, which a large learning rate may cause.
    pub fn embedding(&self) -> Result<Embedding, String> {
        Embedding::quantise(&self.tables[0].rows, self.dimensions)
    }

    /// The state for a checkpoint.
    pub fn save(&self) -> Vec<NamedTensor> {
        let of_table = |(index, table): (usize, &Table)| {
            [
                (ROWS, &table.rows),
                (SQUARES, &table.squares),
                (BEST, &table.best),
            ]
            .map(|(part, values)| NamedTensor {
                name: format!("{index}.{part}"),
                shape: vec![values.len()],
                values: values.clone(),
            })
        };
        self.tables.iter().enumerate().flat_map(of_table).collect()
    }

    /// Restores the state from what [`save`](Self::save) gave.
    ///
    /// # Errors
    /// A tensor that is missing or of another size.
    pub fn load(&mut self, saved: &[NamedTensor]) -> Result<(), String> {
        for (index, table) in self.tables.iter_mut().enumerate() {
            let length = table.rows.len();
            let read = |part: &str, length| {
                parameters::values(saved, &format!("{index}.{part}"), length).map(<[f32]>::to_vec)
            };
            table.rows = read(ROWS, length)?;
            table.squares = read(SQUARES, length)?;
            // Empty before the first epoch is over.
            table.best = read(BEST, 0).or_else(|_| read(BEST, length))?;
        }
        Ok(())
    }

    /// The rows of a table, to be changed.
    #[cfg(test)]
    pub fn rows_mut(&mut self, table: usize) -> &mut [f32] {
        &mut self.tables[table].rows
    }
}

const ROWS: &str = "rows";
const SQUARES: &str = "squares";
const BEST: &str = "best";

fn with_texts(vectors: Vec<Tensor<2>>, texts: Vec<Vec<u32>>) -> Vec<PackedBatch> {
    (vectors.into_iter())
        .map(|vectors| PackedBatch::new(vectors, texts.clone()))
        .collect()
}

impl Table {
    /// Takes a step of Adagrad for one word.
    fn apply_gradient(&mut self, id: u32, gradient: &[f32], learning_rate: f32) {
        let start = id as usize * gradient.len();
        let rows = self.rows[start..]
            .iter_mut()
            .zip(&mut self.squares[start..]);
        for ((value, squares), gradient) in rows.zip(gradient) {
            *squares += gradient * gradient;
            *value -= learning_rate * gradient / (squares.sqrt() + 1e-10);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: [&[u32]; 2] = [&[2, 3, 2], &[3, 1]];

    fn embedding() -> Embedding {
        let rows: Vec<f32> = (0..5 * 3)
            .map(|k| ((k * 7 % 13) as f32 - 6.0) / 5.0)
            .collect();
        Embedding::quantise(&rows, 3).unwrap()
    }

    /// A step towards smaller vectors.
    fn step(vectors: &mut Vectors) {
        let words = vectors.embed_for_training(&TEXTS, &Device::flex().autodiff());
        let gradients = words[0].vectors().clone().square().sum().backward();
        trained(vectors).apply_gradients(&gradients);
    }

    fn trained<'v>(vectors: &'v mut Vectors) -> &'v mut TrainedVectors {
        vectors.trained_mut().unwrap()
    }

    fn read(vectors: &Vectors) -> Vec<f32> {
        let words = vectors.embed(&TEXTS, &Device::flex()).swap_remove(0);
        words.vectors().clone().into_data().iter().collect()
    }

    #[test]
    fn vectors_are_frozen_at_rate_0_and_trained_ones_begin_like_them() {
        let embedding = embedding();
        let frozen = Vectors::new(&embedding, 0.0);
        let mut learning = Vectors::new(&embedding, 0.1);
        assert_eq!(read(&frozen), read(&learning));
        assert!(frozen.trained().is_none());
        assert_eq!(trained(&mut learning).embedding().unwrap(), embedding);
    }

    #[test]
    fn training_continues_from_what_was_saved() {
        let embedding = embedding();
        let mut vectors = Vectors::new(&embedding, 0.1);
        step(&mut vectors);
        trained(&mut vectors).snapshot();
        let best = read(&vectors);
        step(&mut vectors);
        let mut again = Vectors::new(&embedding, 0.1);
        let saved = trained(&mut vectors).save();
        trained(&mut again).load(&saved).unwrap();
        step(&mut vectors);
        step(&mut again);
        assert_eq!(read(&vectors), read(&again));
        assert_ne!(read(&again), best);
        trained(&mut again).restore();
        trained(&mut again).quantise().unwrap();
        for (restored, best) in read(&again).into_iter().zip(best) {
            assert!(
                (restored - best).abs() < 0.01,
                "{restored} instead of {best}"
            );
        }
        assert_ne!(trained(&mut again).embedding().unwrap(), embedding);
        let missing = trained(&mut again).load(&saved[1..]);
        assert!(missing.unwrap_err().contains("0.rows"));
    }

    #[test]
    fn restored_vectors_are_those_that_the_bundle_will_hold() {
        let embedding = embedding();
        let mut vectors = Vectors::new(&embedding, 0.1);
        step(&mut vectors);
        trained(&mut vectors).snapshot();
        trained(&mut vectors).restore();
        trained(&mut vectors).quantise().unwrap();
        let served = trained(&mut vectors).embedding().unwrap();
        assert_eq!(read(&vectors), read(&Vectors::new(&served, 0.0)));
    }

    #[test]
    fn vectors_that_cannot_be_rounded_were_left_as_they_were() {
        let embedding = embedding();
        let mut vectors = Vectors::new(&embedding, 0.1);
        trained(&mut vectors).rows_mut(0)[7] = f32::INFINITY;
        let error = trained(&mut vectors).quantise().unwrap_err();
        assert!(error.contains("not finite"), "{error}");
    }
}
