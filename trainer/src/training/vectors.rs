//! Word vectors that a network reads: frozen, or learning with it.

use burn::tensor::{Device, Gradients, Tensor, TensorData};
use fused_lstm::PackedBatch;
use model_core::{embedding::Embedding, parameters::NamedTensor};

/// The vectors of one table.
pub enum Vectors<'a> {
    /// They stay as they are.
    Frozen(&'a Embedding),
    /// They learn.
    Learning(Tables),
}

impl<'a> Vectors<'a> {
    /// Vectors that learn at this rate; at rate 0 they are frozen.
    pub fn new(embedding: &'a Embedding, learning_rate: f64) -> Self {
        match learning_rate {
            0.0 => Self::Frozen(embedding),
            rate => {
                let tables = vec![embedding.rows()];
                Self::Learning(Tables::new(tables, embedding.dimensions(), rate))
            }
        }
    }

    /// Texts of word ids with the vectors of their words.
    pub fn embed(&self, texts: &[&[u32]], device: &Device) -> PackedBatch {
        match self {
            Self::Frozen(embedding) => embedding.embed(texts, device),
            Self::Learning(tables) => {
                let (ids, texts) = PackedBatch::distinct(texts);
                let vectors = tables.embed(&ids, device).swap_remove(0);
                PackedBatch::new(vectors, texts)
            }
        }
    }

    /// The same, of vectors that will [`follow`](Self::follow) their gradients if they learn.
    pub fn embed_to_learn(&mut self, texts: &[&[u32]], device: &Device) -> PackedBatch {
        match self {
            Self::Frozen(embedding) => embedding.embed(texts, device),
            Self::Learning(tables) => {
                let (ids, texts) = PackedBatch::distinct(texts);
                let vectors = tables.embed_to_learn(ids, device).swap_remove(0);
                PackedBatch::new(vectors, texts)
            }
        }
    }

    /// A step for the words that were looked up to learn.
    pub fn follow(&mut self, gradients: &Gradients) {
        if let Self::Learning(tables) = self {
            tables.follow(gradients);
        }
    }

    /// The vectors are the best so far.
    pub fn keep(&mut self) {
        if let Self::Learning(tables) = self {
            tables.keep();
        }
    }

    /// The best vectors take the place of the last, rounded as a bundle holds them: what is judged from now on has read the
    /// very table that will be served.
    pub fn restore(&mut self) {
        if let Self::Learning(tables) = self {
            tables.restore();
            if let Ok(rounded) = tables.rounded() {
                tables.tables[0].rows = rounded.rows();
            }
        }
    }

    /// The vectors as a bundle holds them; an error where learning has made a number that is none.
    pub fn embedding(&self) -> Result<Embedding, String> {
        match self {
            Self::Frozen(embedding) => Ok((*embedding).clone()),
            Self::Learning(tables) => tables.rounded(),
        }
    }

    /// What a run must know to go on: of now, and of the best epoch.
    pub fn save(&self) -> [Vec<NamedTensor>; 2] {
        let Self::Learning(tables) = self else {
            return [Vec::new(), Vec::new()];
        };
        let saved = |name: &str, values: &Vec<f32>| NamedTensor {
            name: name.to_owned(),
            shape: vec![values.len()],
            values: values.clone(),
        };
        let Table {
            rows,
            squares,
            best,
        } = &tables.tables[0];
        [
            vec![saved(ROWS, rows), saved(SQUARES, squares)],
            (!best.is_empty())
                .then(|| saved(ROWS, best))
                .into_iter()
                .collect(),
        ]
    }

    /// Goes on from what was saved, and takes it from there; an error where it does not fit.
    pub fn resume(
        &mut self,
        now: &mut Vec<NamedTensor>,
        best: &mut Vec<NamedTensor>,
    ) -> Result<(), String> {
        let Self::Learning(tables) = self else {
            return Ok(());
        };
        let table = &mut tables.tables[0];
        let length = table.rows.len();
        let take = |saved: &mut Vec<NamedTensor>, name: &str| {
            let place = (saved.iter())
                .position(|saved| saved.name == name && saved.values.len() == length)?;
            Some(saved.swap_remove(place).values)
        };
        let missing = || "the word vectors are missing or of another size".to_owned();
        table.rows = take(now, ROWS).ok_or_else(missing)?;
        table.squares = take(now, SQUARES).ok_or_else(missing)?;
        // There is none before the first epoch is over.
        table.best = match best.is_empty() {
            true => Vec::new(),
            false => take(best, ROWS).ok_or_else(missing)?,
        };
        Ok(())
    }
}

/// The names under which a run saves them.
const ROWS: &str = "vectors.rows";
const SQUARES: &str = "vectors.squares";

/// Tables of vectors that learn by Adagrad, whatever the network does: it leaves a word alone that is not in the batch.
pub struct Tables {
    tables: Vec<Table>,
    dimensions: usize,
    learning_rate: f32,
    leaves: Leaves,
}

struct Table {
    /// A row for each word id.
    rows: Vec<f32>,
    /// The sums of the squares of their gradients.
    squares: Vec<f32>,
    /// The rows of the best epoch.
    best: Vec<f32>,
}

/// The vectors that a batch has read, and learns.
#[derive(Default)]
struct Leaves {
    /// The distinct words.
    ids: Vec<u32>,
    /// Their vectors in each table, `[distinct words, dimensions]`.
    vectors: Vec<Tensor<2>>,
}

impl Tables {
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
            leaves: Leaves::default(),
        }
    }

    /// The words' vectors in each table, `[words, dimensions]`.
    pub fn embed(&self, ids: &[u32], device: &Device) -> Vec<Tensor<2>> {
        let embed = |table: &Table| {
            let rows = (ids.iter())
                .map(|&id| &table.rows[id as usize * self.dimensions..][..self.dimensions]);
            let values = rows.collect::<Vec<_>>().concat();
            Tensor::from_data(
                TensorData::new(values, [ids.len(), self.dimensions]),
                device,
            )
        };
        self.tables.iter().map(embed).collect()
    }

    /// The same, of different words that will [`follow`](Self::follow) their gradients.
    pub fn embed_to_learn(&mut self, ids: Vec<u32>, device: &Device) -> Vec<Tensor<2>> {
        let vectors = self.embed(&ids, device).into_iter();
        let vectors: Vec<Tensor<2>> = vectors.map(Tensor::require_grad).collect();
        self.leaves = Leaves {
            ids,
            vectors: vectors.clone(),
        };
        vectors
    }

    /// A step of Adagrad for the words that were looked up to learn.
    pub fn follow(&mut self, gradients: &Gradients) {
        let Leaves { ids, vectors } = std::mem::take(&mut self.leaves);
        for (table, vectors) in self.tables.iter_mut().zip(vectors) {
            // There is none where no user of the batch has a label for the task.
            let Some(gradient) = vectors.grad(gradients) else {
                continue;
            };
            let gradient: Vec<f32> = gradient.into_data().iter().collect();
            for (&id, gradient) in ids.iter().zip(gradient.chunks_exact(self.dimensions)) {
                table.follow(id, gradient, self.learning_rate);
            }
        }
    }

    fn rounded(&self) -> Result<Embedding, String> {
        Embedding::quantise(&self.tables[0].rows, self.dimensions)
    }

    /// The rows are the best so far.
    pub fn keep(&mut self) {
        for table in &mut self.tables {
            table.best.clone_from(&table.rows);
        }
    }

    /// The best rows take the place of the last.
    pub fn restore(&mut self) {
        for table in &mut self.tables {
            table.rows = std::mem::take(&mut table.best);
        }
    }

    /// The rows of a table, to be changed.
    #[cfg(test)]
    pub fn rows_mut(&mut self, table: usize) -> &mut [f32] {
        &mut self.tables[table].rows
    }
}

impl Table {
    /// A step of Adagrad for one word.
    fn follow(&mut self, id: u32, gradient: &[f32], learning_rate: f32) {
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
        let words = vectors.embed_to_learn(&TEXTS, &Device::flex().autodiff());
        vectors.follow(&words.vectors().clone().square().sum().backward());
    }

    fn read(vectors: &Vectors) -> Vec<f32> {
        let words = vectors.embed(&TEXTS, &Device::flex());
        words.vectors().clone().into_data().iter().collect()
    }

    #[test]
    fn at_rate_0_vectors_are_the_tables_and_others_begin_so() {
        let embedding = embedding();
        let frozen = Vectors::new(&embedding, 0.0);
        let learning = Vectors::new(&embedding, 0.1);
        assert_eq!(read(&frozen), read(&learning));
        assert_eq!(frozen.embedding().unwrap(), embedding);
        assert_eq!(learning.embedding().unwrap(), embedding);
        assert_eq!(frozen.save(), [vec![], vec![]]);
    }

    #[test]
    fn learning_goes_on_from_what_was_saved() {
        let embedding = embedding();
        let mut vectors = Vectors::new(&embedding, 0.1);
        step(&mut vectors);
        vectors.keep();
        let best = read(&vectors);
        step(&mut vectors);
        let mut again = Vectors::new(&embedding, 0.1);
        let [mut now, mut kept] = vectors.save();
        again.resume(&mut now, &mut kept).unwrap();
        assert!(now.is_empty() && kept.is_empty());
        step(&mut vectors);
        step(&mut again);
        assert_eq!(read(&vectors), read(&again));
        assert_ne!(read(&again), best);
        again.restore();
        for (restored, best) in read(&again).into_iter().zip(best) {
            assert!(
                (restored - best).abs() < 0.01,
                "{restored} instead of {best}"
            );
        }
        assert_ne!(again.embedding().unwrap(), embedding);
        let missing = again.resume(&mut Vec::new(), &mut Vec::new());
        assert!(missing.unwrap_err().contains("vectors"));
    }

    #[test]
    fn what_is_restored_is_what_the_bundle_will_hold() {
        let embedding = embedding();
        let mut vectors = Vectors::new(&embedding, 0.1);
        step(&mut vectors);
        vectors.keep();
        vectors.restore();
        let served = vectors.embedding().unwrap();
        assert_eq!(read(&vectors), read(&Vectors::new(&served, 0.0)));
    }
}
