//! The network, the joint loss and Adagrad against PyTorch; the numbers are made by
//! `tests/reference/network/make.py`.

mod common;

use std::collections::BTreeMap;

use burn::{
    module::Module,
    optim::{AdaGradConfig, GradientsParams},
    tensor::{Device, Tensor, TensorData},
};
use fused_lstm::PackedBatch;
use model_core::{
    aux_lstm::{AuxLstm, AuxLstmSizes, Role},
    joint_loss::{Penalised, Target, joint_loss, penalty},
    parameters::{self, Parameters, TensorSpec},
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Document {
    adagrad: Adagrad,
    l2: f64,
    cases: BTreeMap<String, Case>,
}

#[derive(Deserialize)]
struct Adagrad {
    lr: f64,
    eps: f32,
}

type ByName = BTreeMap<String, Vec<f32>>;

#[derive(Deserialize)]
struct Case {
    input_size: usize,
    auxiliary_hidden_size: usize,
    main_hidden_size: usize,
    dense_size: usize,
    tasks: Vec<(Role, usize)>,
    lengths: Vec<usize>,
    normalised: bool,
    words: Vec<f32>,
    parameters: ByName,
    targets: Vec<CaseTarget>,
    logits: Vec<Vec<f32>>,
    loss: f32,
    gradients: ByName,
    after_1_steps: ByName,
    after_2_steps: ByName,
}

#[derive(Deserialize)]
struct CaseTarget {
    classes: Vec<Option<usize>>,
    weight: f32,
    class_weights: Vec<f32>,
}

fn document() -> Document {
    serde_json::from_str(include_str!("../../tests/reference/network/network.json")).unwrap()
}

fn network(case: &Case, device: &Device) -> AuxLstm {
    let sizes = AuxLstmSizes {
        input_size: case.input_size,
        auxiliary_hidden_size: case.auxiliary_hidden_size,
        main_hidden_size: case.main_hidden_size,
        dense_size: case.dense_size,
        tasks: case.tasks.clone(),
    };
    sizes.check().unwrap();
    let source = |wanted: &TensorSpec| {
        case.parameters
            .get(wanted.name)
            .cloned()
            .ok_or(wanted.name.to_owned())
    };
    AuxLstm::new(&mut Parameters::new(device, source), &sizes, 0.0).unwrap()
}

fn assert_close(what: &str, ours: &[f32], theirs: &[f32]) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (a, b) in ours.iter().zip(theirs) {
        assert!(
            (a - b).abs() <= 1e-5 * (1.0 + b.abs()),
            "{what}: {a} instead of {b}"
        );
    }
}

fn assert_parameters(what: &str, network: &AuxLstm, theirs: &ByName) {
    let ours = parameters::save(network);
    assert_eq!(ours.len(), theirs.len());
    for saved in ours {
        assert_close(
            &format!("{what}: {}", saved.name),
            &saved.values,
            &theirs[&saved.name],
        );
    }
}

/// Gradients under the names of their parameters.
fn gradients_by_name(network: &AuxLstm, gradients: &GradientsParams) -> ByName {
    struct Collector<'a> {
        path: Vec<String>,
        gradients: &'a GradientsParams,
        found: ByName,
    }
    impl burn::module::ModuleVisitor for Collector<'_> {
        fn enter_module(&mut self, name: &str, _container: &str) {
            self.path.push(name.to_owned());
        }
        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.path.pop();
        }
        fn visit_float<const D: usize>(&mut self, parameter: &burn::module::Param<Tensor<D>>) {
            let gradient = self
                .gradients
                .get::<D>(parameter.id)
                .expect("every parameter has a gradient");
            self.found
                .insert(self.path.join("."), gradient.into_data().iter().collect());
        }
    }
    let mut collector = Collector {
        path: Vec::new(),
        gradients,
        found: ByName::new(),
    };
    network.visit(&mut collector);
    collector.found
}

fn compare_on(device: &Device) {
    let document = document();
    for (name, case) in &document.cases {
        let device = device.clone().autodiff();
        let batch = case.lengths.len();
        let steps = *case.lengths.iter().max().unwrap();
        let mut network = network(case, &device);
        let targets: Vec<Target> = case
            .targets
            .iter()
            .map(|target| {
                let (classes, weights) = (target.classes.clone(), target.class_weights.clone());
                Target::exact(classes, target.weight, weights)
            })
            .collect();
        let mut optimiser = AdaGradConfig::new()
            .with_epsilon(document.adagrad.eps)
            .init();
        for step in 1..=2 {
            let words = Tensor::from_data(
                TensorData::new(case.words.clone(), [batch, steps, case.input_size]),
                &device,
            );
            let words = PackedBatch::padded(words, &case.lengths);
            let logits = if case.normalised {
                network.forward_normalised(&words)
            } else {
                network.forward(&words)
            };
            let loss = joint_loss(&logits, &targets, &device)
                + penalty(&network, Penalised::All, &device) * document.l2;
            if step == 1 {
                for (ours, theirs) in logits.iter().zip(&case.logits) {
                    let ours: Vec<f32> = ours.clone().into_data().iter().collect();
                    assert_close(&format!("{name}: logits"), &ours, theirs);
                }
                assert_close(
                    &format!("{name}: loss"),
                    &[loss.clone().into_scalar::<f32>()],
                    &[case.loss],
                );
            }
            let gradients = GradientsParams::from_grads(loss.backward(), &network);
            if step == 1 {
                let ours = gradients_by_name(&network, &gradients);
                assert_eq!(ours.len(), case.gradients.len());
                for (parameter, ours) in &ours {
                    assert_close(
                        &format!("{name}: gradient of {parameter}"),
                        ours,
                        &case.gradients[parameter],
                    );
                }
            }
            network = optimiser.step(document.adagrad.lr, network, gradients);
            let theirs = if step == 1 {
                &case.after_1_steps
            } else {
                &case.after_2_steps
            };
            assert_parameters(&format!("{name}: after step {step}"), &network, theirs);
        }
    }
}

#[test]
fn forward_gradients_and_adagrad_steps_equal_pytorch_on_the_cpu() {
    compare_on(&Device::flex());
}

/// The same on the GPU path, on whatever adapter there is; Mesa's software driver will do.
#[test]
fn forward_gradients_and_adagrad_steps_equal_pytorch_on_a_gpu() {
    if let Some(device) = common::gpu() {
        compare_on(&device);
    }
}
