//! candle-nn's LSTM as a server with the same protocol as the example `bench` of the trainer: one line of JSON per request.

use std::{
    collections::HashMap,
    fs,
    io::{self, BufRead, Write},
    path::PathBuf,
    time::Instant,
};

use candle_core::{DType, Device, Tensor, Var};
use candle_nn::{LSTMConfig, RNN, VarBuilder};
use serde::Deserialize;

type Failure = Box<dyn std::error::Error>;

#[derive(Deserialize)]
struct Request {
    folder: PathBuf,
    batch: usize,
    steps: usize,
    input: usize,
    hidden: usize,
    task: Task,
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Task {
    Check,
    Forward,
    Step,
}

fn main() -> Result<(), Failure> {
    for line in io::stdin().lock().lines() {
        let request: Request = serde_json::from_str(&line?)?;
        println!("{}", serde_json::json!({ "ms": request.run()? }));
        io::stdout().flush()?;
    }
    Ok(())
}

impl Request {
    fn run(&self) -> Result<f64, Failure> {
        let &Request { batch, steps, input, hidden, task, .. } = self;
        let words = self.read("words", &[batch, steps, input])?;
        let upstream = self.read("upstream", &[batch, hidden])?;
        // Under PyTorch's names, which candle shares.
        let mut variables = HashMap::new();
        for (name, shape) in [
            ("weight_ih_l0", vec![4 * hidden, input]),
            ("weight_hh_l0", vec![4 * hidden, hidden]),
            ("bias_ih_l0", vec![4 * hidden]),
        ] {
            variables.insert(name.to_owned(), Var::from_tensor(&self.read(name, &shape)?)?);
        }
        let tensors = variables.iter().map(|(name, variable)| {
            let tensor = variable.as_tensor();
            (name.clone(), if task == Task::Forward { tensor.detach() } else { tensor.clone() })
        });
        let builder = VarBuilder::from_tensors(tensors.collect(), DType::F32, &Device::Cpu);
        let config = LSTMConfig { b_hh_init: None, ..LSTMConfig::default() };
        let lstm = candle_nn::lstm(input, hidden, config, builder)?;

        let start = Instant::now();
        let states = lstm.seq(&words)?;
        let mean = lstm.states_to_tensor(&states)?.mean(1)?;
        if task != Task::Forward {
            let gradients = (&mean * &upstream)?.sum_all()?.backward()?;
            std::hint::black_box(gradients.get(&variables["weight_hh_l0"]).is_some());
        }
        let ms = start.elapsed().as_secs_f64() * 1e3;
        if task == Task::Check {
            let values = mean.flatten_all()?.to_vec1::<f32>()?;
            let bytes: Vec<u8> = values.into_iter().flat_map(f32::to_le_bytes).collect();
            fs::write(self.folder.join("candle_mean"), bytes)?;
        }
        Ok(ms)
    }

    fn read(&self, name: &str, shape: &[usize]) -> Result<Tensor, Failure> {
        let bytes = fs::read(self.folder.join(name))?;
        let (quads, _) = bytes.as_chunks::<4>();
        let values = quads.iter().map(|quad| f32::from_le_bytes(*quad)).collect();
        Ok(Tensor::from_vec::<_, f32>(values, shape, &Device::Cpu)?)
    }
}
