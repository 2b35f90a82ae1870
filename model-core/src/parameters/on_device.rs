//! Parameters on a device of burn.

use burn::{
    module::{Module, ModuleVisitor, Param, ParamId},
    tensor::{Device, Tensor, TensorData},
};
use fused_lstm::Lstm;

use super::{NamedTensor, TensorSpec};

type Source<'a, E> = dyn FnMut(&TensorSpec) -> Result<Vec<f32>, E> + 'a;

/// Creates the parameters of a network, one by one, on a device.
pub struct Parameters<'a, E> {
    source: Box<Source<'a, E>>,
    device: Device,
    handed_out: u64,
    /// A prefix of every name.
    path: String,
}

impl<'a, E> Parameters<'a, E> {
    /// Creates parameters on `device` with the values that `source` returns: row-major over the matrices side by side; for a
    /// vector, block after block.
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

    /// Calls `build` with `part` and a dot before every name: for a network that is a part of another.
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

    /// An LSTM of `hidden_size` units over vectors of `input_size` numbers, with the parameters `NAME.input`,
    /// `NAME.recurrent` and `NAME.bias`.
    pub fn lstm(&mut self, name: &str, input_size: usize, hidden_size: usize) -> Result<Lstm, E> {
        Ok(Lstm::new(
            self.matrix(&format!("{name}.input"), input_size, hidden_size, 4)?,
            self.matrix(&format!("{name}.recurrent"), hidden_size, hidden_size, 4)?,
            self.vector(&format!("{name}.bias"), hidden_size, 4)?,
        ))
    }

    fn parameter<const D: usize>(&mut self, data: TensorData) -> Param<Tensor<D>> {
        self.handed_out += 1;
        let tensor = Tensor::from_data(data, &self.device);
        // Numbered, not random, so that the saved state of an optimiser finds its parameters again.
        let tensor = if self.device.is_autodiff() {
            tensor.require_grad()
        } else {
            tensor
        };
        Param::initialized(ParamId::from(self.handed_out), tensor)
    }
}

/// Reads all parameters of `network` back from the device, named by their path in it.
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
