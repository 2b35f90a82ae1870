//! The loop over time fused for GPUs: one launch for all sequences of all LSTMs, forward and back. One source, by way of
//! CubeCL, for WebGPU, Vulkan and CUDA.
//!
//! A workgroup carries one sequence through one LSTM. The hidden state is in the workgroup's memory, twice, so that
//! a step reads one and writes the other with a single barrier; a unit's cell is touched by the same thread always.
//! The projection of the words and the gradients of the weights are large products, which burn has kernels for.

// Serving has no backward pass.
#![cfg_attr(not(feature = "training"), allow(dead_code))]

use burn::{
    backend::{
        TensorMetadata,
        ops::{FloatTensorOps, IntTensorOps},
    },
    tensor::{Shape, TensorData},
};
use burn_cubecl::{
    CubeBackend,
    cubecl::{self, client::Client, prelude::*},
    kernel::into_contiguous,
    ops::numeric::empty_device_dtype,
    tensor::CubeTensor,
};

/// Threads of a workgroup at most: what every WebGPU adapter has to offer.
const THREADS: usize = 256;
/// Numbers of the workgroup's memory for each unit: the backward pass holds four gates and the gradients of state and
/// cell.
const NUMBERS_FOR_A_UNIT: usize = 6;

/// Whether this GPU's workgroups have the memory for LSTMs of these sizes. WebGPU promises 16 KiB: 682 units.
pub fn fits(client: &Client, hidden: &[usize]) -> bool {
    let memory = client.properties().hardware.max_shared_memory_size;
    (hidden.iter()).all(|hidden| hidden * NUMBERS_FOR_A_UNIT * size_of::<f32>() <= memory)
}

/// What the backward pass needs of the forward one.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The activated gates, `[batch, steps, Σ 4 · hidden]`.
    gates: CubeTensor,
    /// The memory cells c, `[batch, steps, Σ hidden]`.
    cells: CubeTensor,
}

type Ops = CubeBackend;

/// W·x + b of Eq. 1–4 for all LSTMs at all steps: `[batch, steps, Σ 4 · hidden]`.
pub fn project(words: CubeTensor, input: CubeTensor, bias: CubeTensor) -> CubeTensor {
    let [batch, steps, input_size] = words.shape().dims();
    let gates = bias.shape().num_elements();
    let rows = Ops::float_reshape(words, Shape::new([batch * steps, input_size]));
    let projected = Ops::float_add(
        Ops::float_matmul(rows, input),
        Ops::float_reshape(bias, Shape::new([1, gates])),
    );
    Ops::float_reshape(projected, Shape::new([batch, steps, gates]))
}

/// The mean hidden states, `[batch, Σ hidden]`, from the projected words, `[batch, steps, Σ 4 · hidden]`, an LSTM's
/// gates side by side, and the recurrent weights of all LSTMs, one after the other.
pub fn forward(
    projected: CubeTensor,
    recurrent: CubeTensor,
    hidden: &[usize],
    lengths: &[usize],
) -> CubeTensor {
    launch_forward(projected, recurrent, hidden, lengths, false).0
}

/// As [`forward`], and what the backward pass needs.
pub fn forward_keeping(
    projected: CubeTensor,
    recurrent: CubeTensor,
    hidden: &[usize],
    lengths: &[usize],
) -> (CubeTensor, Kept) {
    launch_forward(projected, recurrent, hidden, lengths, true)
}

fn launch_forward(
    projected: CubeTensor,
    recurrent: CubeTensor,
    hidden: &[usize],
    lengths: &[usize],
    keeps: bool,
) -> (CubeTensor, Kept) {
    // Where it is kept it is overwritten, and so must be nobody else's.
    let projected = match keeps && !projected.can_mut() {
        true => into_contiguous(projected).copy(),
        false => into_contiguous(projected),
    };
    let recurrent = into_contiguous(recurrent);
    let [batch, steps, _] = projected.shape().dims();
    let total: usize = hidden.iter().sum();
    let empty = |shape: Shape| {
        empty_device_dtype(
            projected.client.clone(),
            projected.device.clone(),
            shape,
            projected.dtype,
        )
    };
    let mean = empty(Shape::new([batch, total]));
    // A tensor has to be there, also where nothing is written to it.
    let cells = empty(Shape::new(if keeps {
        [batch, steps, total]
    } else {
        [1, 1, 1]
    }));
    forward_kernel::launch(
        &projected.client,
        CubeCount::Static(batch as u32, hidden.len() as u32, 1),
        threads(&projected.client, hidden),
        projected.clone().into_tensor_arg(),
        recurrent.into_tensor_arg(),
        places(hidden, &projected).into_tensor_arg(),
        whole_numbers(lengths.iter().copied(), &projected).into_tensor_arg(),
        mean.clone().into_tensor_arg(),
        cells.clone().into_tensor_arg(),
        steps as u32,
        total as u32,
        hidden.iter().copied().max().unwrap_or(0),
        keeps,
    );
    let kept = Kept {
        gates: projected,
        cells,
    };
    (mean, kept)
}

/// The gradient of the projected words, `[batch, steps, Σ 4 · hidden]`, and the hidden states before each step,
/// `[batch, steps, Σ hidden]`; both zero behind a sequence's end.
pub fn backward(
    kept: Kept,
    recurrent: &CubeTensor,
    hidden: &[usize],
    lengths: &[usize],
    mean_gradient: CubeTensor,
) -> (CubeTensor, CubeTensor) {
    let Kept { gates, cells } = kept;
    let [batch, steps, _] = gates.shape().dims();
    // So that neighbouring threads, which have neighbouring units, read neighbouring weights.
    let mut end = 0;
    let transposed = (hidden.iter())
        .map(|&units| {
            let start = end;
            end += 4 * units * units;
            let weights = Ops::float_slice(recurrent.clone(), &[(start..end).into()]);
            let weights = Ops::float_reshape(weights, Shape::new([units, 4 * units]));
            Ops::float_reshape(
                Ops::float_transpose(weights),
                Shape::new([4 * units * units]),
            )
        })
        .collect();
    let transposed = Ops::float_cat(transposed, 0);
    backward_kernel::launch(
        &gates.client,
        CubeCount::Static(batch as u32, hidden.len() as u32, 1),
        threads(&gates.client, hidden),
        gates.clone().into_tensor_arg(),
        cells.clone().into_tensor_arg(),
        into_contiguous(transposed).into_tensor_arg(),
        places(hidden, &gates).into_tensor_arg(),
        whole_numbers(lengths.iter().copied(), &gates).into_tensor_arg(),
        into_contiguous(mean_gradient).into_tensor_arg(),
        steps as u32,
        hidden.iter().sum::<usize>() as u32,
        hidden.iter().copied().max().unwrap_or(0),
    );
    (gates, cells)
}

/// The gradients of the words, where asked for, and of the weights (input, recurrent, bias), from what [`backward`]
/// gives.
pub fn gradients(
    words: CubeTensor,
    input: CubeTensor,
    dz: CubeTensor,
    states: CubeTensor,
    hidden: &[usize],
    asks_for_words: bool,
) -> (Option<CubeTensor>, [CubeTensor; 3]) {
    let [batch, steps, input_size] = words.shape().dims();
    let (rows, total) = (batch * steps, hidden.iter().sum::<usize>());
    let words = Ops::float_reshape(words, Shape::new([rows, input_size]));
    let dz = Ops::float_reshape(dz, Shape::new([rows, 4 * total]));
    let states = Ops::float_reshape(states, Shape::new([rows, total]));
    let mut first = 0;
    let recurrent = (hidden.iter())
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
    let words_gradient = asks_for_words.then(|| {
        let gradient = Ops::float_matmul(dz.clone(), Ops::float_transpose(input));
        Ops::float_reshape(gradient, Shape::new([batch, steps, input_size]))
    });
    let weight_gradients = [
        Ops::float_matmul(Ops::float_transpose(words), dz.clone()),
        Ops::float_cat(recurrent, 0),
        Ops::float_reshape(Ops::float_sum_dim(dz, 0), Shape::new([4 * total])),
    ];
    (words_gradient, weight_gradients)
}

/// A thread for each unit, in whole warps, as far as the adapter permits; beyond that a thread has several units.
fn threads(client: &Client, hidden: &[usize]) -> CubeDim {
    let hardware = &client.properties().hardware;
    let most = THREADS
        .min(hardware.max_units_per_cube as usize)
        .min(hardware.max_cube_dim.0 as usize);
    let units = hidden.iter().copied().max().unwrap_or(1);
    CubeDim::new_1d(units.next_multiple_of(32).min(most) as u32)
}

/// For each LSTM its first unit among all, its units, and where its recurrent weights begin.
fn places(hidden: &[usize], like: &CubeTensor) -> CubeTensor {
    let (mut first, mut recurrent) = (0, 0);
    let places: Vec<usize> = (hidden.iter())
        .flat_map(|&units| {
            let place = [first, units, recurrent];
            first += units;
            recurrent += 4 * units * units;
            place
        })
        .collect();
    whole_numbers(places, like)
}

fn whole_numbers(values: impl IntoIterator<Item = usize>, like: &CubeTensor) -> CubeTensor {
    let values: Vec<i32> = values.into_iter().map(|value| value as i32).collect();
    let shape = [values.len()];
    CubeBackend::int_from_data(TensorData::new(values, shape), &like.device)
}

#[cube]
fn sigmoid(x: f32) -> f32 {
    1.0f32 / (1.0f32 + (0.0f32 - x).exp())
}

/// Not the built-in one, which some drivers let overflow to NaN.
#[cube]
fn tanh(x: f32) -> f32 {
    1.0f32 - 2.0f32 / (1.0f32 + (x + x).exp())
}

/// Eq. 1–8 for one sequence and one LSTM in each workgroup.
#[cube(launch)]
fn forward_kernel(
    projected: &mut Tensor<f32>,
    recurrent: &Tensor<f32>,
    places: &Tensor<i32>,
    lengths: &Tensor<i32>,
    mean: &mut Tensor<f32>,
    cells: &mut Tensor<f32>,
    steps: u32,
    total: u32,
    #[comptime] capacity: usize,
    #[comptime] keeps: bool,
) {
    let sequence = CUBE_POS_X as usize;
    let lstm = CUBE_POS_Y as usize;
    let (steps, total) = (steps as usize, total as usize);
    let first = places[3 * lstm] as usize;
    let hidden = places[3 * lstm + 1] as usize;
    let weights = places[3 * lstm + 2] as usize;
    let length = lengths[sequence] as usize;
    let mut state = Shared::<[f32]>::new_slice(2 * capacity);
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
        let now = (t % 2) * capacity;
        let next = capacity - now;
        let row = sequence * steps + t;
        let mut unit = UNIT_POS_X as usize;
        while unit < hidden {
            let at = row * 4 * total + 4 * first + unit;
            let mut input_gate = projected[at];
            let mut forget_gate = projected[at + hidden];
            let mut output_gate = projected[at + 2 * hidden];
            let mut candidate = projected[at + 3 * hidden];
            let mut weight = weights + unit;
            for k in 0..hidden {
                let h = state[now + k];
                input_gate += h * recurrent[weight];
                forget_gate += h * recurrent[weight + hidden];
                output_gate += h * recurrent[weight + 2 * hidden];
                candidate += h * recurrent[weight + 3 * hidden];
                weight += 4 * hidden;
            }
            input_gate = sigmoid(input_gate); // Eq. 1
            forget_gate = sigmoid(forget_gate); // Eq. 2
            output_gate = sigmoid(output_gate); // Eq. 3
            candidate = tanh(candidate); // Eq. 4
            let c = forget_gate * cell[unit] + input_gate * candidate; // Eq. 5
            let h = output_gate * tanh(c); // Eq. 6
            cell[unit] = c;
            state[next + unit] = h;
            sum[unit] = sum[unit] + h;
            if keeps {
                projected[at] = input_gate;
                projected[at + hidden] = forget_gate;
                projected[at + 2 * hidden] = output_gate;
                projected[at + 3 * hidden] = candidate;
                cells[row * total + first + unit] = c;
            }
            unit += CUBE_DIM_X as usize;
        }
        sync_cube();
    }
    let count = f32::cast_from(max(length, 1));
    let mut unit = UNIT_POS_X as usize;
    while unit < hidden {
        mean[sequence * total + first + unit] = sum[unit] / count; // Eq. 8
        unit += CUBE_DIM_X as usize;
    }
}

/// Back through them. `gates` become the gradient of their sums, `cells` the hidden states before each step.
#[cube(launch)]
fn backward_kernel(
    gates: &mut Tensor<f32>,
    cells: &mut Tensor<f32>,
    transposed: &Tensor<f32>,
    places: &Tensor<i32>,
    lengths: &Tensor<i32>,
    mean_gradient: &Tensor<f32>,
    steps: u32,
    total: u32,
    #[comptime] capacity: usize,
) {
    let sequence = CUBE_POS_X as usize;
    let lstm = CUBE_POS_Y as usize;
    let (steps, total) = (steps as usize, total as usize);
    let first = places[3 * lstm] as usize;
    let hidden = places[3 * lstm + 1] as usize;
    let weights = places[3 * lstm + 2] as usize;
    let length = lengths[sequence] as usize;
    let count = f32::cast_from(max(length, 1));
    let mut dz = Shared::<[f32]>::new_slice(4 * capacity);
    let mut state_gradient = Shared::<[f32]>::new_slice(capacity);
    let mut cell_gradient = Shared::<[f32]>::new_slice(capacity);
    let mut unit = UNIT_POS_X as usize;
    while unit < hidden {
        state_gradient[unit] = 0.0f32;
        cell_gradient[unit] = 0.0f32;
        for t in length..steps {
            let row = sequence * steps + t;
            let at = row * 4 * total + 4 * first + unit;
            gates[at] = 0.0f32;
            gates[at + hidden] = 0.0f32;
            gates[at + 2 * hidden] = 0.0f32;
            gates[at + 3 * hidden] = 0.0f32;
            cells[row * total + first + unit] = 0.0f32;
        }
        unit += CUBE_DIM_X as usize;
    }
    for back in 0..length {
        let t = length - 1 - back;
        let row = sequence * steps + t;
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
            let dh = state_gradient[unit] + mean_gradient[sequence * total + first + unit] / count;
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
        let mut unit = UNIT_POS_X as usize;
        while unit < hidden {
            let mut asked = 0.0f32;
            let mut weight = weights + unit;
            for gate in 0..4 * hidden {
                asked += dz[gate] * transposed[weight];
                weight += hidden;
            }
            state_gradient[unit] = asked;
            unit += CUBE_DIM_X as usize;
        }
        sync_cube();
    }
}
