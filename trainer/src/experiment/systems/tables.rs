//! Word vectors that go on learning with a network.

use burn::tensor::{Device, Gradients, Tensor, TensorData};
use model_core::embedding::Embedding;

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

/// The vectors of a frozen table, one for each word id.
pub fn rows(embedding: &Embedding) -> Vec<f32> {
    let values = embedding.values().chunks_exact(embedding.dimensions());
    (values.zip(embedding.scales()))
        .flat_map(|(row, scale)| row.iter().map(move |&value| f32::from(value) * scale))
        .collect()
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
    pub fn look_up(&self, ids: &[u32], device: &Device) -> Vec<Tensor<2>> {
        let look_up = |table: &Table| {
            let rows = (ids.iter())
                .map(|&id| &table.rows[id as usize * self.dimensions..][..self.dimensions]);
            let values = rows.collect::<Vec<_>>().concat();
            Tensor::from_data(
                TensorData::new(values, [ids.len(), self.dimensions]),
                device,
            )
        };
        self.tables.iter().map(look_up).collect()
    }

    /// The same, of different words that will [`follow`](Self::follow) their gradients.
    pub fn look_up_to_learn(&mut self, ids: Vec<u32>, device: &Device) -> Vec<Tensor<2>> {
        let vectors = self.look_up(&ids, device).into_iter();
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
