//! The fused LSTM as an operation of burn's backends, with its own backward: the tensors' device decides which body
//! runs.

use burn::{
    backend::{
        Backend, Dispatch, DispatchDevice, Flex, TensorMetadata, backend_extension,
        tensor::FloatTensor,
    },
    tensor::{Device, Tensor, TensorData},
};

use super::cpu::{self, Sizes, Weights};
#[cfg(feature = "gpu")]
use super::gpu;

/// Whether the fused operation has a body for LSTMs of the sizes `hidden` on `device`.
pub fn is_fused_on(device: &Device, hidden: &[usize]) -> bool {
    match device.as_dispatch() {
        DispatchDevice::Flex(_) => true,
        #[cfg(feature = "gpu")]
        DispatchDevice::Cube(device) => gpu::fits(&device.client(), hidden),
        #[cfg(feature = "training")]
        DispatchDevice::Autodiff(_) => is_fused_on(&device.clone().inner(), hidden),
        #[allow(unreachable_patterns)]
        _ => false,
    }
}

/// The mean hidden state of each sequence, `[batch, Σ hidden]`, of LSTMs of the sizes `hidden` that read the same
/// `words`, `[batch, steps, input]`. `input` is `[input, Σ 4 · hidden]`, `bias` `[Σ 4 · hidden]`, an LSTM's columns
/// side by side; `recurrent` holds `[hidden, 4 · hidden]` of each LSTM, one after the other.
///
/// Only where [`is_fused_on`] the tensors' device.
pub fn mean_states(
    words: Tensor<3>,
    input: Tensor<2>,
    recurrent: Tensor<1>,
    bias: Tensor<1>,
    hidden: Vec<usize>,
    lengths: &[usize],
) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::lstm_means(
        words.into_dispatch(),
        input.into_dispatch(),
        recurrent.into_dispatch(),
        bias.into_dispatch(),
        hidden,
        lengths.to_vec(),
    ))
}

#[cfg_attr(
    feature = "training",
    backend_extension(Flex, Cube: cfg(feature = "gpu"), Autodiff)
)]
#[cfg_attr(
    not(feature = "training"),
    backend_extension(Flex, Cube: cfg(feature = "gpu"))
)]
trait LstmOperation: Backend {
    /// See [`mean_states`].
    fn lstm_means(
        words: FloatTensor<Self>,
        input: FloatTensor<Self>,
        recurrent: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        hidden: Vec<usize>,
        lengths: Vec<usize>,
    ) -> FloatTensor<Self>;
}

impl LstmOperation for Flex {
    fn lstm_means(
        words: FloatTensor<Self>,
        input: FloatTensor<Self>,
        recurrent: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        hidden: Vec<usize>,
        lengths: Vec<usize>,
    ) -> FloatTensor<Self> {
        let sizes = sizes::<Self>(&words, hidden);
        let (words, weights) = (
            words.to_contiguous(),
            [input, recurrent, bias].map(|t| t.to_contiguous()),
        );
        let mean = cpu::forward(&sizes, values(&words), cpu_weights(&weights), &lengths);
        tensor(mean, [sizes.batch, sizes.total_hidden()])
    }
}

#[cfg(feature = "gpu")]
impl LstmOperation for burn_cubecl::CubeBackend {
    fn lstm_means(
        words: FloatTensor<Self>,
        input: FloatTensor<Self>,
        recurrent: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        hidden: Vec<usize>,
        lengths: Vec<usize>,
    ) -> FloatTensor<Self> {
        let projected = gpu::project(words, input, bias);
        gpu::forward(projected, recurrent, &hidden, &lengths)
    }
}

fn sizes<B: Backend>(words: &FloatTensor<B>, hidden: Vec<usize>) -> Sizes {
    let [batch, steps, input] = words.shape().dims();
    Sizes {
        batch,
        steps,
        input,
        hidden,
    }
}

fn values(tensor: &FloatTensor<Flex>) -> &[f32] {
    tensor.as_slice().expect("a contiguous f32 tensor")
}

fn cpu_weights([input, recurrent, bias]: &[FloatTensor<Flex>; 3]) -> Weights<'_> {
    Weights {
        input: values(input),
        recurrent: values(recurrent),
        bias: values(bias),
    }
}

fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> FloatTensor<Flex> {
    FloatTensor::<Flex>::from_data(TensorData::new(values, shape))
}

#[cfg(feature = "training")]
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

    /// What goes into the operation: the words, then the weights.
    #[derive(Clone, Debug)]
    struct Inputs<B: Backend> {
        words: FloatTensor<B>,
        weights: [FloatTensor<B>; 3],
        hidden: Vec<usize>,
        lengths: Vec<usize>,
    }

    /// What a backend needs for the operation to have a gradient on it.
    trait LstmGradient: LstmOperation {
        /// What its forward pass keeps for the backward one.
        type Kept: Clone + std::fmt::Debug + Send + 'static;

        /// The mean, and what the backward pass needs.
        fn forward_keeping(inputs: &Inputs<Self>) -> (FloatTensor<Self>, Self::Kept);

        /// The gradients of the words, where asked for, and of the weights.
        fn backward(
            inputs: Inputs<Self>,
            kept: Self::Kept,
            mean_gradient: FloatTensor<Self>,
            asks_for_words: bool,
        ) -> (Option<FloatTensor<Self>>, [FloatTensor<Self>; 3]);
    }

    impl LstmGradient for Flex {
        type Kept = cpu::Kept;

        fn forward_keeping(inputs: &Inputs<Self>) -> (FloatTensor<Self>, Self::Kept) {
            let sizes = sizes::<Self>(&inputs.words, inputs.hidden.clone());
            let words = inputs.words.to_contiguous();
            let weights = inputs.weights.clone().map(|t| t.to_contiguous());
            let (mean, kept) = cpu::forward_keeping(
                &sizes,
                values(&words),
                cpu_weights(&weights),
                &inputs.lengths,
            );
            (tensor(mean, [sizes.batch, sizes.total_hidden()]), kept)
        }

        fn backward(
            inputs: Inputs<Self>,
            kept: Self::Kept,
            mean_gradient: FloatTensor<Self>,
            asks_for_words: bool,
        ) -> (Option<FloatTensor<Self>>, [FloatTensor<Self>; 3]) {
            let sizes = sizes::<Self>(&inputs.words, inputs.hidden);
            let words = inputs.words.to_contiguous();
            let weights = inputs.weights.map(|t| t.to_contiguous());
            let mean_gradient = mean_gradient.to_contiguous();
            let gradients = cpu::backward(
                &sizes,
                values(&words),
                cpu_weights(&weights),
                &inputs.lengths,
                kept,
                values(&mean_gradient),
                asks_for_words,
            );
            let gates = 4 * sizes.total_hidden();
            let recurrent = gradients.recurrent.len();
            (
                (gradients.words)
                    .map(|words| tensor(words, [sizes.batch, sizes.steps, sizes.input])),
                [
                    tensor(gradients.input, [sizes.input, gates]),
                    tensor(gradients.recurrent, [recurrent]),
                    tensor(gradients.bias, [gates]),
                ],
            )
        }
    }

    #[cfg(feature = "gpu")]
    impl LstmGradient for burn_cubecl::CubeBackend {
        type Kept = gpu::Kept;

        fn forward_keeping(inputs: &Inputs<Self>) -> (FloatTensor<Self>, Self::Kept) {
            let [input, recurrent, bias] = inputs.weights.clone();
            let projected = gpu::project(inputs.words.clone(), input, bias);
            gpu::forward_keeping(projected, recurrent, &inputs.hidden, &inputs.lengths)
        }

        fn backward(
            inputs: Inputs<Self>,
            kept: Self::Kept,
            mean_gradient: FloatTensor<Self>,
            asks_for_words: bool,
        ) -> (Option<FloatTensor<Self>>, [FloatTensor<Self>; 3]) {
            let Inputs {
                words,
                weights: [input, recurrent, _],
                hidden,
                lengths,
            } = inputs;
            let (dz, states) = gpu::backward(kept, &recurrent, &hidden, &lengths, mean_gradient);
            gpu::gradients(words, input, dz, states, &hidden, asks_for_words)
        }
    }

    impl<B: LstmGradient, C: CheckpointStrategy> LstmOperation for Autodiff<B, C> {
        fn lstm_means(
            words: FloatTensor<Self>,
            input: FloatTensor<Self>,
            recurrent: FloatTensor<Self>,
            bias: FloatTensor<Self>,
            hidden: Vec<usize>,
            lengths: Vec<usize>,
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
                    let [words, weights @ ..] = ops.parents;
                    let (words_gradient, weight_gradients) =
                        B::backward(inputs, kept, mean_gradient, words.is_some());
                    if let (Some(node), Some(gradient)) = (words, words_gradient) {
                        grads.register::<B>(node.id, gradient);
                    }
                    for (node, gradient) in weights.into_iter().zip(weight_gradients) {
                        if let Some(node) = node {
                            grads.register::<B>(node.id, gradient);
                        }
                    }
                }
            }

            let nodes = [&words, &input, &recurrent, &bias].map(|tensor| tensor.node());
            let inputs = Inputs::<B> {
                words: words.into_primitive(),
                weights: [input, recurrent, bias].map(|tensor| tensor.into_primitive()),
                hidden,
                lengths,
            };
            match LstmMeans.prepare::<C>(nodes).compute_bound().stateful() {
                OpsKind::Tracked(preparation) => {
                    let (mean, kept) = B::forward_keeping(&inputs);
                    preparation.finish((inputs, kept), mean)
                }
                OpsKind::UnTracked(preparation) => {
                    let [input, recurrent, bias] = inputs.weights;
                    let Inputs {
                        words,
                        hidden,
                        lengths,
                        ..
                    } = inputs;
                    preparation.finish(B::lstm_means(
                        words, input, recurrent, bias, hidden, lengths,
                    ))
                }
            }
        }
    }
}
