//! The fused loop over time as an operation of burn's backends, with its own backward.

use burn::{
    backend::{
        Backend, Dispatch, DispatchDevice, Flex, TensorMetadata, backend_extension,
        tensor::FloatTensor,
    },
    tensor::{Device, Tensor, TensorData},
};

use super::cpu::{self, Shape};

/// Whether the fused operation has a body for `device`.
pub fn is_fused_on(device: &Device) -> bool {
    match device.as_dispatch() {
        DispatchDevice::Flex(_) => true,
        #[cfg(feature = "training")]
        DispatchDevice::Autodiff(_) => matches!(
            device.clone().inner().as_dispatch(),
            DispatchDevice::Flex(_)
        ),
        #[allow(unreachable_patterns)]
        _ => false,
    }
}

/// See [`mean_hidden_state`](super::mean_hidden_state); only where [`is_fused_on`] the tensors' device.
pub fn mean_hidden_state(
    projected: Tensor<3>,
    recurrent: Tensor<2>,
    lengths: &[usize],
) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::lstm_mean(
        projected.into_dispatch(),
        recurrent.into_dispatch(),
        lengths.to_vec(),
    ))
}

#[cfg_attr(feature = "training", backend_extension(Flex, Autodiff))]
#[cfg_attr(not(feature = "training"), backend_extension(Flex))]
trait LstmOperation: Backend {
    /// See [`super::mean_hidden_state`].
    fn lstm_mean(
        projected: FloatTensor<Self>,
        recurrent: FloatTensor<Self>,
        lengths: Vec<usize>,
    ) -> FloatTensor<Self>;
}

impl LstmOperation for Flex {
    fn lstm_mean(
        projected: FloatTensor<Self>,
        recurrent: FloatTensor<Self>,
        lengths: Vec<usize>,
    ) -> FloatTensor<Self> {
        let shape = shape_of(&projected);
        let (projected, recurrent) = (projected.to_contiguous(), recurrent.to_contiguous());
        let mean = cpu::forward(shape, values(&projected), values(&recurrent), &lengths);
        tensor(mean, [shape.batch, shape.hidden])
    }
}

fn shape_of(projected: &FloatTensor<Flex>) -> Shape {
    let [batch, steps, gates] = projected.shape().dims();
    Shape {
        batch,
        steps,
        hidden: gates / 4,
    }
}

fn values(tensor: &FloatTensor<Flex>) -> &[f32] {
    tensor.as_slice().expect("a contiguous f32 tensor")
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

    /// What a backend needs for the operation to have a gradient on it.
    trait LstmGradient: LstmOperation {
        /// The mean, the activated gates and the cells; see [`cpu::forward_keeping`].
        fn forward_keeping(
            projected: FloatTensor<Self>,
            recurrent: FloatTensor<Self>,
            lengths: &[usize],
        ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

        /// The gradient of the projected inputs and the states before each step; see [`cpu::backward`].
        fn backward(
            gates: FloatTensor<Self>,
            cells: FloatTensor<Self>,
            recurrent: FloatTensor<Self>,
            lengths: &[usize],
            mean_gradient: FloatTensor<Self>,
        ) -> (FloatTensor<Self>, FloatTensor<Self>);
    }

    impl LstmGradient for Flex {
        fn forward_keeping(
            projected: FloatTensor<Self>,
            recurrent: FloatTensor<Self>,
            lengths: &[usize],
        ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
            let shape = shape_of(&projected);
            let (mut gates, recurrent) = (owned(projected), recurrent.to_contiguous());
            let (mean, cells) =
                cpu::forward_keeping(shape, gates.storage_mut(), values(&recurrent), lengths);
            let mean = tensor(mean, [shape.batch, shape.hidden]);
            let cells = tensor(cells, [shape.batch, shape.steps, shape.hidden]);
            (mean, gates, cells)
        }

        fn backward(
            gates: FloatTensor<Self>,
            cells: FloatTensor<Self>,
            recurrent: FloatTensor<Self>,
            lengths: &[usize],
            mean_gradient: FloatTensor<Self>,
        ) -> (FloatTensor<Self>, FloatTensor<Self>) {
            let shape = shape_of(&gates);
            let (mut gates, mut cells) = (owned(gates), owned(cells));
            let (recurrent, mean_gradient) =
                (recurrent.to_contiguous(), mean_gradient.to_contiguous());
            cpu::backward(
                shape,
                gates.storage_mut(),
                cells.storage_mut(),
                values(&recurrent),
                lengths,
                values(&mean_gradient),
            );
            (gates, cells)
        }
    }

    /// A tensor whose storage is exactly its values in order, so that it can be overwritten in place.
    fn owned(tensor: FloatTensor<Flex>) -> FloatTensor<Flex> {
        FloatTensor::<Flex>::from_data(tensor.into_data())
    }

    impl<B: LstmGradient, C: CheckpointStrategy> LstmOperation for Autodiff<B, C> {
        fn lstm_mean(
            projected: FloatTensor<Self>,
            recurrent: FloatTensor<Self>,
            lengths: Vec<usize>,
        ) -> FloatTensor<Self> {
            #[derive(Debug)]
            struct LstmMean;

            impl<B: LstmGradient> Backward<B, 2> for LstmMean {
                type State = (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>, Vec<usize>);

                fn backward(
                    self,
                    ops: Ops<Self::State, 2>,
                    grads: &mut Gradients,
                    _: &mut Checkpointer,
                ) {
                    let (gates, cells, recurrent, lengths) = ops.state;
                    let mean_gradient = grads.consume::<B>(&ops.node);
                    let (projected_gradient, states_before) =
                        B::backward(gates, cells, recurrent, &lengths, mean_gradient);
                    let [projected, recurrent] = ops.parents;
                    if let Some(node) = recurrent {
                        // Σₜ hₜ₋₁ᵀ · dzₜ as one product over all steps of all sequences.
                        let [batch, steps, hidden] = states_before.shape().dims();
                        let states =
                            B::float_reshape(states_before, [batch * steps, hidden].into());
                        let dz = B::float_reshape(
                            projected_gradient.clone(),
                            [batch * steps, 4 * hidden].into(),
                        );
                        grads.register::<B>(
                            node.id,
                            B::float_matmul(B::float_transpose(states), dz),
                        );
                    }
                    if let Some(node) = projected {
                        grads.register::<B>(node.id, projected_gradient);
                    }
                }
            }

            match LstmMean
                .prepare::<C>([projected.node(), recurrent.node()])
                .compute_bound()
                .stateful()
            {
                OpsKind::Tracked(preparation) => {
                    let (mean, gates, cells) = B::forward_keeping(
                        projected.into_primitive(),
                        recurrent.primitive().clone(),
                        &lengths,
                    );
                    preparation.finish((gates, cells, recurrent.into_primitive(), lengths), mean)
                }
                OpsKind::UnTracked(preparation) => preparation.finish(B::lstm_mean(
                    projected.into_primitive(),
                    recurrent.into_primitive(),
                    lengths,
                )),
            }
        }
    }
}
