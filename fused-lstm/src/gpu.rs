//! GPU kernels for the loop over time: one launch for all sequences of all LSTMs, forward and backward. CubeCL compiles the
//! same source for WebGPU, Vulkan and CUDA.
//!
//! A workgroup runs one sequence through one LSTM. Reading the recurrent weights takes most of the time, so each gate of
//! each unit has its own thread, and many reads are in flight together. After a barrier, one thread for each unit computes
//! the state from the gates. States are in the memory of the workgroup; a cell is only used by the thread of its unit. The
//! projection of the tokens and the gradients of the weights are large products, for which burn has kernels.

#[cfg(feature = "autodiff")]
use burn::tensor::IndexingUpdateOp;
use burn::{
    backend::{
        TensorMetadata,
        ops::{FloatTensorOps, IntTensorOps},
    },
    tensor::{FloatDType, Shape, TensorData},
};
use burn_cubecl::{
    CubeBackend,
    cubecl::{self, client::Client, prelude::*},
    kernel::into_contiguous,
    ops::numeric::empty_device_contiguous_dtype,
    tensor::CubeTensor,
};

use super::operation::Plan;

/// Numbers in the memory of a workgroup for each unit. The backward pass stores the gradients of four gates, of the state
/// through each of them, and of the cell.
const NUMBERS_FOR_A_UNIT: usize = 9;

/// Recurrent weights that a thread requests together. On an H200, 16 is 1 % slower over all and 8 is 7 % slower.
const TOGETHER: usize = 32;

/// Whether the workgroups of this GPU have the memory for LSTMs of these sizes (WebGPU guarantees 16 KiB: 455 units), and
/// whether it can start one workgroup for each sequence.
pub fn fits(client: &Client, hidden: &[usize], sequences: usize) -> bool {
    let hardware = &client.properties().hardware;
    let needed = |hidden: &usize| hidden * NUMBERS_FOR_A_UNIT * size_of::<f32>();
    (hidden.iter()).all(|hidden| needed(hidden) <= hardware.max_shared_memory_size)
        && sequences <= hardware.max_cube_count.0 as usize
}

/// Intermediate values for the backward pass.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The activated gates, `[tokens, Σ 4 · hidden]`.
    gates: CubeTensor,
    /// The memory cells c, `[tokens, Σ hidden]`.
    cells: CubeTensor,
}

type Ops = CubeBackend;

/// W·x + b of Eq. 1–4 for all LSTMs: `[distinct tokens, Σ 4 · hidden]`.
pub fn project(vectors: CubeTensor, input: CubeTensor, bias: CubeTensor) -> CubeTensor {
    let gates = bias.shape().num_elements();
    let bias = Ops::float_reshape(bias, Shape::new([1, gates]));
    Ops::float_add(Ops::float_matmul(vectors, input), bias)
}

/// The mean hidden states, `[batch, Σ hidden]`, from the projected tokens, `[distinct tokens, Σ 4 · hidden]`, with the gates of
/// an LSTM side by side, and the recurrent weights of all LSTMs, one after the other.
pub fn forward(projected: CubeTensor, recurrent: CubeTensor, plan: &Plan) -> CubeTensor {
    launch_forward(projected, recurrent, plan, false).0
}

/// [`forward`], with the intermediate values for the backward pass.
#[cfg(feature = "autodiff")]
pub fn forward_keeping(
    projected: CubeTensor,
    recurrent: CubeTensor,
    plan: &Plan,
) -> (CubeTensor, Kept) {
    launch_forward(projected, recurrent, plan, true)
}

fn launch_forward(
    projected: CubeTensor,
    recurrent: CubeTensor,
    plan: &Plan,
    keeps: bool,
) -> (CubeTensor, Kept) {
    let (batch, total) = (plan.lengths.len(), plan.total_hidden());
    let empty = |rows: usize, columns: usize| {
        let (client, device) = (projected.client.clone(), projected.device.clone());
        empty_device_contiguous_dtype(client, device, Shape::new([rows, columns]), projected.dtype)
    };
    let mean = empty(batch, total);
    // A tensor needs at least one row, even if nothing is written to it. If all sequences are empty, that row must be zero,
    // because the gradients read it.
    let rows = if keeps { rows(plan) } else { 1 };
    let room = |columns: usize| match plan.tokens.is_empty() {
        true => Ops::float_zeros([rows, columns].into(), &projected.device, FloatDType::F32),
        false => empty(rows, columns),
    };
    let kept = Kept {
        gates: room(4 * total),
        cells: room(total),
    };
    forward_kernel::launch(
        &projected.client,
        CubeCount::Static(batch as u32, plan.hidden.len() as u32, 1),
        threads(&projected.client, plan),
        into_contiguous(projected.clone()).into_tensor_arg(),
        into_contiguous(recurrent).into_tensor_arg(),
        places(plan, &projected).into_tensor_arg(),
        tokens(plan, &projected).into_tensor_arg(),
        starts(plan, &projected).into_tensor_arg(),
        mean.clone().into_tensor_arg(),
        kept.gates.clone().into_tensor_arg(),
        kept.cells.clone().into_tensor_arg(),
        total as u32,
        largest(plan),
        keeps,
    );
    (mean, kept)
}

/// The gradient dz of the arguments of the gates at every token, `[tokens, Σ 4 · hidden]`, and the hidden states before it,
/// `[tokens, Σ hidden]`.
#[cfg(feature = "autodiff")]
pub fn backward(
    kept: Kept,
    recurrent: &CubeTensor,
    plan: &Plan,
    mean_gradient: CubeTensor,
) -> (CubeTensor, CubeTensor) {
    let Kept { gates, cells } = kept;
    // Transposed, so that neighbouring threads, which have neighbouring units, read neighbouring weights.
    let mut end = 0;
    let transposed = (plan.hidden.iter())
        .map(|&units| {
            let start = end;
            end += 4 * units * units;
            let weights = Ops::float_slice(recurrent.clone(), &[(start..end).into()]);
            let weights = Ops::float_reshape(weights, Shape::new([units, 4 * units]));
            let shape = Shape::new([4 * units * units]);
            Ops::float_reshape(Ops::float_transpose(weights), shape)
        })
        .collect();
    backward_kernel::launch(
        &gates.client,
        CubeCount::Static(plan.lengths.len() as u32, plan.hidden.len() as u32, 1),
        threads(&gates.client, plan),
        gates.clone().into_tensor_arg(),
        cells.clone().into_tensor_arg(),
        into_contiguous(Ops::float_cat(transposed, 0)).into_tensor_arg(),
        places(plan, &gates).into_tensor_arg(),
        starts(plan, &gates).into_tensor_arg(),
        into_contiguous(mean_gradient).into_tensor_arg(),
        plan.total_hidden() as u32,
        largest(plan),
    );
    (gates, cells)
}

/// The gradients of the vectors, if requested, and of the weights (input, recurrent, bias), from the result of
/// [`backward`].
#[cfg(feature = "autodiff")]
pub fn gradients(
    vectors: CubeTensor,
    input: CubeTensor,
    (dz, states): (CubeTensor, CubeTensor),
    plan: &Plan,
    asks_for_vectors: bool,
) -> (Option<CubeTensor>, [CubeTensor; 3]) {
    // As many rows as `tokens` and [`Kept`] have. A product over no rows need not be zero on a GPU.
    let (rows, total) = (rows(plan), plan.total_hidden());
    let tokens = tokens(plan, &vectors);
    let mut first = 0;
    let recurrent = (plan.hidden.iter())
        .map(|&units| {
            let of = |tensor: &CubeTensor, factor: usize| {
                let columns = factor * first..factor * (first + units);
                Ops::float_slice(tensor.clone(), &[(0..rows).into(), columns.into()])
            };
            let gradient = Ops::float_matmul(Ops::float_transpose(of(&states, 1)), of(&dz, 4));
            first += units;
            Ops::float_reshape(gradient, Shape::new([4 * units * units]))
        })
        .collect();
    let vectors_gradient = asks_for_vectors.then(|| {
        let zeros = Ops::float_zeros(vectors.shape(), &vectors.device, FloatDType::F32);
        let gradient = Ops::float_matmul(dz.clone(), Ops::float_transpose(input));
        Ops::float_select_assign(zeros, 0, tokens.clone(), gradient, IndexingUpdateOp::Add)
    });
    let vectors = Ops::float_select(vectors, 0, tokens);
    let weight_gradients = [
        Ops::float_matmul(Ops::float_transpose(vectors), dz.clone()),
        Ops::float_cat(recurrent, 0),
        Ops::float_reshape(Ops::float_sum_dim(dz, 0), Shape::new([4 * total])),
    ];
    (vectors_gradient, weight_gradients)
}

/// Rows of tensors with one row for each token; at least one, because a tensor must not be empty.
fn rows(plan: &Plan) -> usize {
    plan.tokens.len().max(1)
}

/// The number of units of the largest LSTM.
fn largest(plan: &Plan) -> usize {
    plan.hidden.iter().copied().max().unwrap_or(0)
}

/// One thread for each gate of each unit, in whole warps, up to the limit of the adapter (WebGPU guarantees 256). Beyond it,
/// a thread has several gates.
fn threads(client: &Client, plan: &Plan) -> CubeDim {
    let hardware = &client.properties().hardware;
    let most = hardware.max_units_per_cube.min(hardware.max_cube_dim.0);
    let units = largest(plan) as u32;
    CubeDim::new_1d((4 * units).next_multiple_of(32).min(most))
}

/// For each LSTM its first unit, its number of units, and the start of its recurrent weights.
fn places(plan: &Plan, like: &CubeTensor) -> CubeTensor {
    let (mut first, mut recurrent) = (0, 0);
    let places: Vec<usize> = (plan.hidden.iter())
        .flat_map(|&units| {
            let place = [first, units, recurrent];
            first += units;
            recurrent += 4 * units * units;
            place
        })
        .collect();
    whole_numbers(places, like)
}

/// The tokens of all sequences; at least one, because a tensor must not be empty.
fn tokens(plan: &Plan, like: &CubeTensor) -> CubeTensor {
    let none = if plan.tokens.is_empty() {
        &[0][..]
    } else {
        &[]
    };
    whole_numbers(
        (plan.tokens.iter().chain(none)).map(|&token| token as usize),
        like,
    )
}

/// The start of each sequence, and the end of the last one.
fn starts(plan: &Plan, like: &CubeTensor) -> CubeTensor {
    let mut end = 0;
    let ends = plan.lengths.iter().map(|length| {
        end += length;
        end
    });
    whole_numbers([0].into_iter().chain(ends), like)
}

fn whole_numbers(values: impl IntoIterator<Item = usize>, like: &CubeTensor) -> CubeTensor {
    let values: Vec<i32> = (values.into_iter())
        .map(|value| value.try_into().expect("fewer than 2³¹ tokens"))
        .collect();
    let shape = [values.len()];
    CubeBackend::int_from_data(TensorData::new(values, shape), &like.device)
}

// Both are constant beyond ±40. Drivers need not support infinity, so exp must not overflow; some built-in tanh does.
#[cube]
fn sigmoid(x: f32) -> f32 {
    1.0f32 / (1.0f32 + (0.0f32 - x).clamp(-40.0f32, 40.0f32).exp())
}

#[cube]
fn tanh(x: f32) -> f32 {
    1.0f32 - 2.0f32 / (1.0f32 + (x + x).clamp(-40.0f32, 40.0f32).exp())
}

/// Σₖ values[first + k] · matrix[at + k · stride]
#[cube]
fn product(
    values: &Shared<[f32]>,
    first: usize,
    matrix: &Tensor<f32>,
    at: usize,
    stride: usize,
    count: usize,
) -> f32 {
    let mut sum = 0.0f32;
    let blocks = count / TOGETHER;
    for block in 0..blocks {
        let k = block * TOGETHER;
        #[unroll]
        for next in 0..TOGETHER {
            sum += values[first + k + next] * matrix[at + (k + next) * stride];
        }
    }
    for k in blocks * TOGETHER..count {
        sum += values[first + k] * matrix[at + k * stride];
    }
    sum
}

/// Eq. 1–7 and the mean over time for one sequence and one LSTM in each workgroup.
#[cube(launch)]
fn forward_kernel(
    projected: &Tensor<f32>,
    recurrent: &Tensor<f32>,
    places: &Tensor<i32>,
    tokens: &Tensor<i32>,
    starts: &Tensor<i32>,
    mean: &mut Tensor<f32>,
    gates: &mut Tensor<f32>,
    cells: &mut Tensor<f32>,
    total: u32,
    #[comptime] capacity: usize,
    #[comptime] keeps: bool,
) {
    let sequence = CUBE_POS_X as usize;
    let lstm = CUBE_POS_Y as usize;
    let total = total as usize;
    let first = places[3 * lstm] as usize;
    let hidden = places[3 * lstm + 1] as usize;
    let weights = places[3 * lstm + 2] as usize;
    let start = starts[sequence] as usize;
    let length = starts[sequence + 1] as usize - start;
    let mut activated = Shared::<[f32]>::new_slice(4 * capacity);
    let mut state = Shared::<[f32]>::new_slice(capacity);
    let mut cell = Shared::<[f32]>::new_slice(capacity);
    let mut sum = Shared::<[f32]>::new_slice(capacity);
    let mut unit = UNIT_POS_X as usize;
    while unit < hidden {
        state[unit] = 0.0f32;
        cell[unit] = 0.0f32;
        sum[unit] = 0.0f32;
        unit += CUBE_DIM_X as usize;
    }
    sync_cube();
    for t in 0..length {
        let row = start + t;
        let token = tokens[row] as usize;
        let mut gate = UNIT_POS_X as usize;
        while gate < 4 * hidden {
            let mut value = projected[token * 4 * total + 4 * first + gate];
            value += product(&state, 0, recurrent, weights + gate, 4 * hidden, hidden);
            if gate < 3 * hidden {
                value = sigmoid(value); // Eq. 1–3
            } else {
                value = tanh(value); // Eq. 4
            }
            activated[gate] = value;
            if keeps {
                gates[row * 4 * total + 4 * first + gate] = value;
            }
            gate += CUBE_DIM_X as usize;
        }
        sync_cube();
        let mut unit = UNIT_POS_X as usize;
        while unit < hidden {
            let new = activated[unit] * activated[3 * hidden + unit];
            let c = activated[hidden + unit] * cell[unit] + new; // Eq. 5
            let h = activated[2 * hidden + unit] * tanh(c); // Eq. 6
            cell[unit] = c;
            state[unit] = h;
            sum[unit] += h;
            if keeps {
                cells[row * total + first + unit] = c;
            }
            unit += CUBE_DIM_X as usize;
        }
        sync_cube();
    }
    let count = f32::cast_from(max(length, 1));
    let mut unit = UNIT_POS_X as usize;
    while unit < hidden {
        mean[sequence * total + first + unit] = sum[unit] / count; // the mean over time
        unit += CUBE_DIM_X as usize;
    }
}

/// The backward pass of [`forward_kernel`]. It replaces `gates` by dz, and `cells` by the hidden states before each step.
#[cfg(feature = "autodiff")]
#[cube(launch)]
fn backward_kernel(
    gates: &mut Tensor<f32>,
    cells: &mut Tensor<f32>,
    transposed: &Tensor<f32>,
    places: &Tensor<i32>,
    starts: &Tensor<i32>,
    mean_gradient: &Tensor<f32>,
    total: u32,
    #[comptime] capacity: usize,
) {
    let sequence = CUBE_POS_X as usize;
    let lstm = CUBE_POS_Y as usize;
    let total = total as usize;
    let first = places[3 * lstm] as usize;
    let hidden = places[3 * lstm + 1] as usize;
    let weights = places[3 * lstm + 2] as usize;
    let start = starts[sequence] as usize;
    let length = starts[sequence + 1] as usize - start;
    let count = f32::cast_from(max(length, 1));
    let mut dz = Shared::<[f32]>::new_slice(4 * capacity);
    // The gradient of the state through each of the four gates.
    let mut asked = Shared::<[f32]>::new_slice(4 * capacity);
    let mut cell_gradient = Shared::<[f32]>::new_slice(capacity);
    let mut unit = UNIT_POS_X as usize;
    while unit < hidden {
        asked[unit] = 0.0f32;
        asked[hidden + unit] = 0.0f32;
        asked[2 * hidden + unit] = 0.0f32;
        asked[3 * hidden + unit] = 0.0f32;
        cell_gradient[unit] = 0.0f32;
        unit += CUBE_DIM_X as usize;
    }
    for back in 0..length {
        let t = length - 1 - back;
        let row = start + t;
        let mut unit = UNIT_POS_X as usize;
        while unit < hidden {
            let at = row * 4 * total + 4 * first + unit;
            let cell_at = row * total + first + unit;
            let input_gate = gates[at];
            let forget_gate = gates[at + hidden];
            let output_gate = gates[at + 2 * hidden];
            let candidate = gates[at + 3 * hidden];
            let mut cell_before = 0.0f32;
            let mut state_before = 0.0f32;
            if t > 0 {
                cell_before = cells[cell_at - total];
                state_before = gates[at - 4 * total + 2 * hidden] * tanh(cell_before);
            }
            let squashed = tanh(cells[cell_at]);
            let by_state = asked[unit]
                + asked[hidden + unit]
                + asked[2 * hidden + unit]
                + asked[3 * hidden + unit];
            let dh = by_state + mean_gradient[sequence * total + first + unit] / count;
            let dc = cell_gradient[unit] + dh * output_gate * (1.0f32 - squashed * squashed);
            let input_sum = dc * candidate * input_gate * (1.0f32 - input_gate);
            let forget_sum = dc * cell_before * forget_gate * (1.0f32 - forget_gate);
            let output_sum = dh * squashed * output_gate * (1.0f32 - output_gate);
            let candidate_sum = dc * input_gate * (1.0f32 - candidate * candidate);
            cell_gradient[unit] = dc * forget_gate;
            cells[cell_at] = state_before;
            gates[at] = input_sum;
            gates[at + hidden] = forget_sum;
            gates[at + 2 * hidden] = output_sum;
            gates[at + 3 * hidden] = candidate_sum;
            dz[unit] = input_sum;
            dz[hidden + unit] = forget_sum;
            dz[2 * hidden + unit] = output_sum;
            dz[3 * hidden + unit] = candidate_sum;
            unit += CUBE_DIM_X as usize;
        }
        sync_cube();
        let mut part = UNIT_POS_X as usize;
        while part < 4 * hidden {
            let gates_before = (part / hidden) * hidden;
            let weight = weights + gates_before * hidden + part % hidden;
            asked[part] = product(&dz, gates_before, transposed, weight, hidden, hidden);
            part += CUBE_DIM_X as usize;
        }
        sync_cube();
    }
}
