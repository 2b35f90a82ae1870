//! The fused LSTM as an operation of burn's backends, with its own gradient. The device of the tensors decides which kernels
//! run.

use burn::{
    backend::{
        Backend, Dispatch, DispatchDevice, Flex, TensorMetadata, backend_extension,
        tensor::FloatTensor,
    },
    tensor::{Device, Tensor, TensorData},
};

#[cfg(feature = "gpu")]
use super::gpu;
use super::{
    PackedBatch,
    cpu::{self, Batch, Instructions, Layout, Weights},
};

/// Whether `device` has kernels for LSTMs of `hidden` units and this number of sequences.
// Only GPUs have limits, so without them the arguments are unused.
#[cfg_attr(
    not(feature = "gpu"),
    allow(unused_variables, clippy::only_used_in_recursion)
)]
pub fn is_fused_on(device: &Device, hidden: &[usize], sequences: usize) -> bool {
    match device.as_dispatch() {
        DispatchDevice::Flex(_) => true,
        #[cfg(feature = "gpu")]
        DispatchDevice::Cube(device) => gpu::fits(&device.client(), hidden, sequences),
        #[cfg(feature = "autodiff")]
        DispatchDevice::Autodiff(_) => is_fused_on(&device.clone().inner(), hidden, sequences),
        #[allow(
            unreachable_patterns,
            reason = "burn's features decide whether there are other devices"
        )]
        _ => false,
    }
}

/// The mean hidden state of each sequence, `[batch, Σ hidden]`, of LSTMs of the sizes `hidden` that read the same tokens.
/// `input` is `[input, Σ 4 · hidden]` and `bias` `[Σ 4 · hidden]`, the columns of an LSTM side by side; `recurrent` holds
/// `[hidden, 4 · hidden]` of each LSTM, one after the other.
///
/// [`is_fused_on`] must hold for the device of the tensors.
pub fn mean_states(
    batch: &PackedBatch,
    input: Tensor<2>,
    recurrent: Tensor<1>,
    bias: Tensor<1>,
    hidden: Vec<usize>,
) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::lstm_means(
        batch.vectors().clone().into_dispatch(),
        input.into_dispatch(),
        recurrent.into_dispatch(),
        bias.into_dispatch(),
        Plan::new(hidden, batch.sequences()),
    ))
}

/// The LSTMs and the sequences that they read: all arguments of the operation that are not tensors.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The number of units of each LSTM.
    pub hidden: Vec<usize>,
    /// The tokens of all sequences, one sequence after the other: rows of the vectors.
    pub tokens: Vec<u32>,
    /// The number of tokens of each sequence.
    pub lengths: Vec<usize>,
}

impl Plan {
    fn new(hidden: Vec<usize>, sequences: &[Vec<u32>]) -> Self {
        Self {
            hidden,
            tokens: sequences.concat(),
            lengths: sequences.iter().map(Vec::len).collect(),
        }
    }

    /// Σ hidden.
    pub fn total_hidden(&self) -> usize {
        self.hidden.iter().sum()
    }
}

#[cfg_attr(
    feature = "autodiff",
    backend_extension(Flex, Cube: cfg(feature = "gpu"), Autodiff)
)]
#[cfg_attr(
    not(feature = "autodiff"),
    backend_extension(Flex, Cube: cfg(feature = "gpu"))
)]
trait LstmOperation: Backend {
    /// See [`mean_states`].
    fn lstm_means(
        vectors: FloatTensor<Self>,
        input: FloatTensor<Self>,
        recurrent: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        plan: Plan,
    ) -> FloatTensor<Self>;
}

/// The arguments of the operation.
#[derive(Clone, Debug)]
struct Inputs<B: Backend> {
    /// `[distinct tokens, input]`.
    vectors: FloatTensor<B>,
    /// Input, recurrent, bias.
    weights: [FloatTensor<B>; 3],
    plan: Plan,
}

impl LstmOperation for Flex {
    fn lstm_means(
        vectors: FloatTensor<Self>,
        input: FloatTensor<Self>,
        recurrent: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        plan: Plan,
    ) -> FloatTensor<Self> {
        let inputs = Inputs {
            vectors,
            weights: [input, recurrent, bias],
            plan,
        }
        .contiguous();
        let mean = cpu::forward(&inputs.layout(), inputs.batch(), inputs.cpu_weights());
        inputs.mean(mean)
    }
}

impl Inputs<Flex> {
    fn contiguous(self) -> Self {
        Self {
            vectors: self.vectors.to_contiguous(),
            weights: self.weights.map(|weights| weights.to_contiguous()),
            ..self
        }
    }

    fn layout(&self) -> Layout {
        let [_, input] = self.vectors.shape().dims();
        Layout::new(Instructions::of_this_machine(), input, &self.plan.hidden)
    }

    fn batch(&self) -> Batch<'_> {
        Batch {
            vectors: values(&self.vectors),
            tokens: &self.plan.tokens,
            lengths: &self.plan.lengths,
        }
    }

    fn cpu_weights(&self) -> Weights<'_> {
        let [input, recurrent, bias] = self.weights.each_ref().map(values);
        Weights {
            input,
            recurrent,
            bias,
        }
    }

    fn mean(&self, values: Vec<f32>) -> FloatTensor<Flex> {
        tensor(values, [self.plan.lengths.len(), self.plan.total_hidden()])
    }
}

fn values(tensor: &FloatTensor<Flex>) -> &[f32] {
    tensor.as_slice().expect("a contiguous f32 tensor")
}

fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> FloatTensor<Flex> {
    FloatTensor::<Flex>::from_data(TensorData::new(values, shape))
}

#[cfg(feature = "gpu")]
impl LstmOperation for burn_cubecl::CubeBackend {
    fn lstm_means(
        vectors: FloatTensor<Self>,
        input: FloatTensor<Self>,
        recurrent: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        plan: Plan,
    ) -> FloatTensor<Self> {
        gpu::forward(gpu::project(vectors, input, bias), recurrent, &plan)
    }
}

#[cfg(feature = "autodiff")]
mod backward {
    use super::*;
    use burn::backend::{
        Autodiff,
        autodiff::{
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind},
        },
    };

    /// The gradient of the operation on a backend.
    trait LstmGradient: LstmOperation {
        /// Intermediate values of the forward pass that the backward pass needs.
        type Kept: Clone + std::fmt::Debug + Send + 'static;

        /// The means and the intermediate values.
        fn forward_keeping(inputs: Inputs<Self>) -> (FloatTensor<Self>, Self::Kept);

        /// The gradients of the vectors, if requested, and of the weights.
        fn backward(
            inputs: Inputs<Self>,
            kept: Self::Kept,
            mean_gradient: FloatTensor<Self>,
            asks_for_vectors: bool,
        ) -> (Option<FloatTensor<Self>>, [FloatTensor<Self>; 3]);
    }

    impl LstmGradient for Flex {
        type Kept = cpu::Kept;

        fn forward_keeping(inputs: Inputs<Self>) -> (FloatTensor<Self>, Self::Kept) {
            let inputs = inputs.contiguous();
            let (mean, kept) =
                cpu::forward_keeping(&inputs.layout(), inputs.batch(), inputs.cpu_weights());
            (inputs.mean(mean), kept)
        }

        fn backward(
            inputs: Inputs<Self>,
            kept: Self::Kept,
            mean_gradient: FloatTensor<Self>,
            asks_for_vectors: bool,
        ) -> (Option<FloatTensor<Self>>, [FloatTensor<Self>; 3]) {
            let inputs = inputs.contiguous();
            let mean_gradient = mean_gradient.to_contiguous();
            let gradients = cpu::backward(
                &inputs.layout(),
                inputs.batch(),
                inputs.cpu_weights(),
                kept,
                values(&mean_gradient),
                asks_for_vectors,
            );
            let shape = |tensor: &FloatTensor<Self>| tensor.shape().dims::<2>();
            let [weights, recurrent, bias] = &inputs.weights;
            (
                (gradients.vectors).map(|vectors| tensor(vectors, shape(&inputs.vectors))),
                [
                    tensor(gradients.input, shape(weights)),
                    tensor(gradients.recurrent, recurrent.shape().dims::<1>()),
                    tensor(gradients.bias, bias.shape().dims::<1>()),
                ],
            )
        }
    }

    #[cfg(feature = "gpu")]
    impl LstmGradient for burn_cubecl::CubeBackend {
        type Kept = gpu::Kept;

        fn forward_keeping(inputs: Inputs<Self>) -> (FloatTensor<Self>, Self::Kept) {
            let [input, recurrent, bias] = inputs.weights;
            let projected = gpu::project(inputs.vectors, input, bias);
            gpu::forward_keeping(projected, recurrent, &inputs.plan)
        }

        fn backward(
            inputs: Inputs<Self>,
            kept: Self::Kept,
            mean_gradient: FloatTensor<Self>,
            asks_for_vectors: bool,
        ) -> (Option<FloatTensor<Self>>, [FloatTensor<Self>; 3]) {
            let Inputs {
                vectors,
                weights: [input, recurrent, _],
                plan,
            } = inputs;
            let through_time = gpu::backward(kept, &recurrent, &plan, mean_gradient);
            gpu::gradients(vectors, input, through_time, &plan, asks_for_vectors)
        }
    }

    impl<B: LstmGradient, C: CheckpointStrategy> LstmOperation for Autodiff<B, C> {
        fn lstm_means(
            vectors: FloatTensor<Self>,
            input: FloatTensor<Self>,
            recurrent: FloatTensor<Self>,
            bias: FloatTensor<Self>,
            plan: Plan,
        ) -> FloatTensor<Self> {
            #[derive(Debug)]
            struct LstmMeans;

            impl<B: LstmGradient> Backward<B, 4> for LstmMeans {
                type State = (Inputs<B>, B::Kept);

                fn backward(
                    self,
                    ops: Ops<Self::State, 4>,
                    grads: &mut Gradients,
                    _: &mut Checkpointer,
                ) {
                    let (inputs, kept) = ops.state;
                    let mean_gradient = grads.consume::<B>(&ops.node);
                    let [vectors, weights @ ..] = ops.parents;
                    let (vectors_gradient, weight_gradients) =
                        B::backward(inputs, kept, mean_gradient, vectors.is_some());
                    if let (Some(node), Some(gradient)) = (vectors, vectors_gradient) {
                        grads.register::<B>(node.id, gradient);
                    }
                    for (node, gradient) in weights.into_iter().zip(weight_gradients) {
                        if let Some(node) = node {
                            grads.register::<B>(node.id, gradient);
                        }
                    }
                }
            }

            let nodes = [&vectors, &input, &recurrent, &bias].map(|tensor| tensor.node());
            let inputs = Inputs::<B> {
                vectors: vectors.into_primitive(),
                weights: [input, recurrent, bias].map(|tensor| tensor.into_primitive()),
                plan,
            };
            match LstmMeans.prepare::<C>(nodes).compute_bound().stateful() {
                OpsKind::Tracked(preparation) => {
                    let (mean, kept) = B::forward_keeping(inputs.clone());
                    preparation.finish((inputs, kept), mean)
                }
                OpsKind::UnTracked(preparation) => {
                    let Inputs {
                        vectors,
                        weights: [input, recurrent, bias],
                        plan,
                    } = inputs;
                    let mean = B::lstm_means(vectors, input, recurrent, bias, plan);
                    preparation.finish(mean)
                }
            }
        }
    }
}
