//! One LSTM: ours, in plain tensor operations, or burn-nn's.

use std::{path::PathBuf, time::Instant};

use burn::{
    module::Param,
    nn::{GateController, LstmConfig},
    tensor::{Device, Tensor, TensorData, s},
};
use fused_lstm::{Lstm, PackedBatch, reference};
use model_core::parameters::{Parameters, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::{Failure, files};

/// The LSTM, its sizes and the task.
#[derive(Deserialize)]
pub struct Request {
    folder: PathBuf,
    /// Device name, as for `--device`.
    device: String,
    batch: usize,
    steps: usize,
    input: usize,
    hidden: usize,
    body: Body,
    task: Task,
    /// Repetitions, for a profiler.
    #[serde(default)]
    times: usize,
}

/// The implementation.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Body {
    /// Our fused kernels.
    Fused,
    /// Ours, in plain tensor operations.
    Reference,
    /// burn-nn's.
    BurnNn,
}

/// The task.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Task {
    /// Write the mean hidden states and the gradients of the weights.
    Check,
    /// Compute the mean hidden states.
    Forward,
    /// Compute the mean hidden states and the gradients of the weights.
    Step,
}

/// The time of the last run.
#[derive(Serialize)]
pub struct Answer {
    ms: f64,
}

impl Request {
    /// Runs the task; returns the last run's time.
    pub fn run(&self) -> Result<Answer, Failure> {
        let plain = trainer::device::choose(&self.device)?;
        let device = match self.task {
            Task::Forward => plain,
            Task::Check | Task::Step => plain.autodiff(),
        };
        let &Request {
            batch,
            steps,
            input,
            hidden,
            ..
        } = self;
        let words = Tensor::<3>::from_data(self.read("words", [batch, steps, input])?, &device);
        let upstream = Tensor::<2>::from_data(self.read("upstream", [batch, hidden])?, &device);
        let source = |wanted: &TensorSpec| {
            let name = wanted.name.trim_start_matches("lstm.");
            files::exactly(&self.folder, name, wanted.len())
        };
        let ours = Parameters::new(&device, source).lstm("lstm", input, hidden)?;
        let theirs = burn_nn(&ours, input, hidden, &device);
        let read = PackedBatch::padded(words.clone(), &vec![steps; batch]);

        let compute = || -> Result<_, Failure> {
            // Finish queued GPU work before timing.
            device.sync()?;
            let start = Instant::now();
            let mean = match self.body {
                Body::Fused => ours.forward(&read),
                Body::Reference => reference::forward(&ours, &read),
                Body::BurnNn => {
                    let (states, _) = theirs.forward(words.clone(), None);
                    states.mean_dim(1).reshape([batch, hidden])
                }
            };
            let gradients = match self.task {
                Task::Forward => None,
                Task::Check | Task::Step => {
                    Some((mean.clone() * upstream.clone()).sum().backward())
                }
            };
            // A GPU computes asynchronously.
            device.sync()?;
            Ok((start.elapsed().as_secs_f64() * 1e3, mean, gradients))
        };
        for _ in 1..self.times {
            compute()?;
        }
        let (ms, mean, gradients) = compute()?;
        if let (Task::Check, Some(gradients)) = (self.task, &gradients) {
            self.write("mean", Some(mean.into_data()))?;
            self.write(
                "input_gradient",
                ours.input.val().grad(gradients).map(|g| g.into_data()),
            )?;
            self.write(
                "recurrent_gradient",
                ours.recurrent.val().grad(gradients).map(|g| g.into_data()),
            )?;
            self.write(
                "bias_gradient",
                ours.bias.val().grad(gradients).map(|g| g.into_data()),
            )?;
        }
        Ok(Answer { ms })
    }

    fn read<const D: usize>(&self, name: &str, shape: [usize; D]) -> Result<TensorData, Failure> {
        let values = files::exactly(&self.folder, name, shape.iter().product())?;
        Ok(TensorData::new(values, shape))
    }

    /// Writes numbers, or an empty file if the implementation has no such gradient.
    fn write(&self, name: &str, data: Option<TensorData>) -> Result<(), Failure> {
        let numbers = data.iter().flat_map(|data| data.iter::<f32>());
        files::write(
            &self.folder,
            &format!("our_{name}"),
            numbers.map(f32::to_le_bytes),
        )
    }
}

/// burn-nn's LSTM with our weights.
fn burn_nn(ours: &Lstm, input: usize, hidden: usize, device: &Device) -> burn::nn::Lstm {
    let mut lstm = LstmConfig::new(input, hidden, true).init(device);
    let fill = |gate: &mut GateController, index: usize| {
        let columns = index * hidden..(index + 1) * hidden;
        // Copied by value: a parameter must not be computed from another.
        let matrix = |ours: &Param<Tensor<2>>| {
            let part = ours.val().slice(s![.., columns.clone()]).into_data();
            Param::from_tensor(Tensor::from_data(part, device))
        };
        gate.input_transform.weight = matrix(&ours.input);
        gate.hidden_transform.weight = matrix(&ours.recurrent);
        let bias = ours.bias.val().slice(s![columns.clone()]).into_data();
        gate.hidden_transform.bias = Some(Param::from_tensor(Tensor::zeros([hidden], device)));
        gate.input_transform.bias = Some(Param::from_tensor(Tensor::from_data(bias, device)));
    };
    fill(&mut lstm.input_gate, 0);
    if let Some(gate) = &mut lstm.forget_gate {
        fill(gate, 1);
    }
    fill(&mut lstm.output_gate, 2);
    fill(&mut lstm.cell_gate, 3);
    lstm
}
