//! The network of the paper, its loss and one training step:
//! `cargo run --release -p model-core --example training_step --features training`
//!
//! The main task is profession (7 classes, λ = 0.75), the auxiliary task gender (2 classes, 1 − λ). Two users are enough
//! to show how a step goes: the first has both labels, the second only the gender.

use burn::{
    optim::{AdaGradConfig, GradientsParams},
    tensor::Device,
};
use model_core::{
    aux_lstm::{AuxLstm, AuxLstmSizes, Role},
    embedding::Embedding,
    joint_loss::{Penalised, Target, joint_loss, penalty},
    parameters::{Parameters, TensorSpec, glorot_uniform},
};
use rand::{SeedableRng, rngs::StdRng};

const LAMBDA: f32 = 0.75;
const L2: f64 = 1e-4;
const LEARNING_RATE: f64 = 0.05;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let device = Device::flex().autodiff();
    let sizes = AuxLstmSizes {
        input_size: 8,
        auxiliary_hidden_size: 16,
        main_hidden_size: 16,
        dense_size: 16,
        tasks: vec![(Role::Main, 7), (Role::Auxiliary, 2)],
    };
    sizes.check()?;

    // Glorot-uniform parameters and word vectors; row 0 is padding, row 1 stands for unknown words.
    let mut random = StdRng::seed_from_u64(1);
    let mut draw = |spec: &TensorSpec| Ok::<_, String>(glorot_uniform(spec, &mut random));
    let vectors = draw(&TensorSpec {
        name: "vectors",
        rows: 10,
        columns: sizes.input_size,
        blocks: 1,
    })?;
    let embedding = Embedding::quantise(&vectors, sizes.input_size)?;
    let network = AuxLstm::new(&mut Parameters::new(&device, draw), &sizes, 0.5)?;

    // Two users of different length, as word ids.
    let texts: [&[u32]; 2] = [&[2, 3, 4, 5], &[6, 7, 2]];
    let targets = [
        Target::exact([Some(3), None], LAMBDA, vec![1.0; 7]),
        Target::exact([Some(0), Some(1)], 1.0 - LAMBDA, vec![1.0; 2]),
    ];
    let cost = |network: &AuxLstm| {
        // The same units are dropped out each time, so the costs can be compared.
        device.seed(1);
        let logits = network.forward(&embedding.embed(&texts, &device)); // Eq. 1–18
        joint_loss(&logits, &targets, &device) + penalty(network, Penalised::All, &device) * L2 // Eq. 19
    };

    let before = cost(&network);
    let mut optimiser = AdaGradConfig::new().with_epsilon(1e-10).init();
    let gradients = GradientsParams::from_grads(before.backward(), &network);
    let network = optimiser.step(LEARNING_RATE, network, gradients);
    let (before, after) = (
        before.into_scalar::<f32>(),
        cost(&network).into_scalar::<f32>(),
    );
    println!("cost before the step: {before:.4}, after: {after:.4}");
    Ok(())
}
