//! Where a network's parameters come from: drawn at random before training, or read from a bundle.
//! Both go through one door, so a network is built by the same code either way.

use burn::{
    module::{Module, ModuleVisitor, Param, ParamId},
    tensor::{Device, Tensor, TensorData},
};

/// What is asked of a source: one matrix, or several equal ones side by side (the gates of an LSTM).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorSpec<'a> {
    /// The parameter's name, its path in the network.
    pub name: &'a str,
    /// Rows of each matrix; a vector is a matrix of one column.
    pub rows: usize,
    /// Columns of each matrix.
    pub columns: usize,
    /// How many such matrices stand side by side.
    pub blocks: usize,
}

impl TensorSpec<'_> {
    /// The number of values wanted.
    pub fn len(&self) -> usize {
        self.rows * self.columns * self.blocks
    }

    /// Whether nothing is wanted.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

type Source<'a, E> = dyn FnMut(&TensorSpec) -> Result<Vec<f32>, E> + 'a;

/// Hands out parameters one by one, by name.
pub struct Parameters<'a, E> {
    /// Values in row-major order over the matrices side by side; for a vector, block after block.
    source: Box<Source<'a, E>>,
    device: Device,
    handed_out: u64,
    /// What comes before every name.
    path: String,
}

impl<'a, E> Parameters<'a, E> {
    /// Parameters on `device` with the values that `source` gives; see [`TensorSpec`] for their order.
    pub fn new(
        device: &Device,
        source: impl FnMut(&TensorSpec) -> Result<Vec<f32>, E> + 'a,
    ) -> Self {
        Self {
            source: Box::new(source),
            device: device.clone(),
            handed_out: 0,
            path: String::new(),
        }
    }

    /// What `build` builds of parameters whose names begin with `part` and a dot: a network that is a part of another.
    #[cfg(feature = "training")]
    pub fn of_part<T>(
        &mut self,
        part: &str,
        build: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let whole = self.path.len();
        self.path += part;
        self.path.push('.');
        let built = build(self);
        self.path.truncate(whole);
        built
    }

    /// `blocks` matrices side by side, `[rows, blocks · columns]`.
    pub fn matrix(
        &mut self,
        name: &str,
        rows: usize,
        columns: usize,
        blocks: usize,
    ) -> Result<Param<Tensor<2>>, E> {
        let values = (self.source)(&TensorSpec {
            name: &format!("{}{name}", self.path),
            rows,
            columns,
            blocks,
        })?;
        Ok(self.parameter(TensorData::new(values, [rows, columns * blocks])))
    }

    /// `blocks` vectors one after the other, `[blocks · rows]`.
    pub fn vector(
        &mut self,
        name: &str,
        rows: usize,
        blocks: usize,
    ) -> Result<Param<Tensor<1>>, E> {
        let values = (self.source)(&TensorSpec {
            name: &format!("{}{name}", self.path),
            rows,
            columns: 1,
            blocks,
        })?;
        Ok(self.parameter(TensorData::new(values, [rows * blocks])))
    }

    fn parameter<const D: usize>(&mut self, data: TensorData) -> Param<Tensor<D>> {
        self.handed_out += 1;
        let tensor = Tensor::from_data(data, &self.device);
        // Numbered rather than random, so that an optimiser's saved state finds its parameter again.
        let tensor = if self.device.is_autodiff() {
            tensor.require_grad()
        } else {
            tensor
        };
        Param::initialized(ParamId::from(self.handed_out), tensor)
    }
}

/// The paper's initialisation: each matrix uniform in ±√(6 / (rows + columns)) (Glorot and Bengio 2010).
#[cfg(feature = "training")]
pub fn glorot_uniform(wanted: &TensorSpec, random: &mut impl rand::Rng) -> Vec<f32> {
    let bound = (6.0 / (wanted.rows + wanted.columns) as f32).sqrt();
    (0..wanted.len())
        .map(|_| random.random_range(-bound..=bound))
        .collect()
}

/// A parameter's name, shape and values, as written to a bundle.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTensor {
    /// The parameter's name, its path in the network.
    pub name: String,
    /// Its dimensions.
    pub shape: Vec<usize>,
    /// Its values in row-major order.
    pub values: Vec<f32>,
}

/// All parameters of `network` by their path in it, read back from the device.
pub fn save(network: &impl Module) -> Vec<NamedTensor> {
    #[derive(Default)]
    struct Collector {
        path: Vec<String>,
        saved: Vec<NamedTensor>,
    }
    impl ModuleVisitor for Collector {
        fn enter_module(&mut self, name: &str, _container: &str) {
            self.path.push(name.to_owned());
        }
        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.path.pop();
        }
        fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
            let data = parameter.val().into_data();
            self.saved.push(NamedTensor {
                name: self.path.join("."),
                shape: data.shape().to_vec(),
                values: data.iter::<f32>().collect(),
            });
        }
    }
    let mut collector = Collector::default();
    network.visit(&mut collector);
    collector.saved
}
