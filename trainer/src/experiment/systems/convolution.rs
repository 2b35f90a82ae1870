//! Convolution over bags of words, of CNN and PCNN (bow-CNN of Johnson and Zhang, *Effective Use of Word Order for Text
//! Categorization with Convolutional Neural Networks*, NAACL 2015).
//!
//! A region is a number of consecutive words, read as a bag: a vector with the count of each word of the vocabulary. The
//! layer's weights times that vector are computed as the sum of the weights' rows of the region's words. A region starts at
//! every word, and the outputs of the regions are pooled over the text. The paper's bags also contain the F-measure and
//! patterns of parts of speech. These have no position in the text, so the last layer reads them beside the pooled regions.

use burn::{
    module::{Module, Param},
    nn::{Dropout, DropoutConfig, Linear},
    tensor::{Device, Int, Tensor, TensorData, activation::relu},
};
use fused_lstm::PackedBatch;
use model_core::{
    aux_lstm::{UnitStatistics, linear, normalised},
    parameters::Parameters,
};
use serde::{Deserialize, Serialize};

use super::networks::{NetworkTraining, train};
use crate::config::{SelectBy, Training, Wide};
use crate::experiment::error::ExperimentError;
use crate::experiment::system::{Fitted, Problem};
use crate::experiment::users::UserFeatures;
use crate::settings::{at_least_one, within};
use crate::training::vectors::Vectors;
use crate::training::{Architecture, Batch};

/// The settings of CNN. Those of PCNN differ in the regions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CnnSettings {
    /// Words of a region.
    pub region: usize,
    /// Units of each convolution.
    pub units: usize,
    /// How a unit's values in all regions of a text are pooled.
    pub pooling: Pooling,
    /// The probability with which an input of the last layer is dropped in training.
    pub dropout: f64,
    /// How it is trained.
    pub training: Training,
}

/// How the values of many regions are pooled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// Their mean.
    Average,
    /// The largest.
    Max,
}

impl Default for CnnSettings {
    fn default() -> Self {
        Self {
            region: 3,
            units: 128,
            pooling: Pooling::Average,
            dropout: 0.3,
            // Log loss is lowest after the first epochs, when rare classes are hardly ever predicted.
            training: Training {
                select_by: SelectBy::F,
                ..Training::default()
            },
        }
    }
}

impl CnnSettings {
    /// Whether all settings are in range.
    pub fn check(&self) -> Result<(), String> {
        at_least_one("cnn.region", self.region)?;
        at_least_one("cnn.units", self.units)?;
        let holds = (0.0..1.0).contains(&self.dropout);
        within("cnn.dropout", self.dropout, holds, "from 0 to below 1")?;
        self.training.check().map_err(|what| format!("cnn.{what}"))
    }

    /// Trains a network with a convolution for each of `regions`, their numbers of words.
    pub fn train<'a>(
        &self,
        problem: &Problem<'a>,
        regions: &[usize],
    ) -> Result<Fitted<'a>, ExperimentError> {
        let architecture = BagConvolutions {
            vocabulary: problem.users.reader.vocabulary.len(),
            regions: regions.to_vec(),
            units: self.units,
            pooling: self.pooling,
            dropout: self.dropout,
            normalise: self.training.normalise,
            features: problem.features()?,
            classes: problem.class_count(problem.main),
        };
        let training = NetworkTraining {
            training: &self.training,
            architecture,
            vectors: Vectors::None,
            wide: &Wide::none(),
        };
        train(problem, training)
    }
}

/// Parallel convolutions under one output layer. It has weights for words of its own and reads no word vectors.
struct BagConvolutions<'a> {
    /// The number of word ids.
    vocabulary: usize,
    regions: Vec<usize>,
    units: usize,
    pooling: Pooling,
    dropout: f64,
    normalise: bool,
    features: &'a UserFeatures,
    classes: usize,
}

#[derive(Module, Debug)]
struct Layers {
    convolutions: Vec<Convolution>,
    dropout: Dropout,
    output: Linear,
}

#[derive(Module, Debug)]
struct Convolution {
    /// `[vocabulary, units]`.
    weight: Param<Tensor<2>>,
    /// `[units]`.
    bias: Param<Tensor<1>>,
}

impl BagConvolutions<'_> {
    /// The pooled values of one convolution, `[batch, units]`. `texts` are indices into the distinct words `ids`.
    fn convolve(
        &self,
        convolution: &Convolution,
        region: usize,
        ids: &[u32],
        texts: &[Vec<u32>],
        device: &Device,
    ) -> Tensor<2> {
        let integers = |values: Vec<i64>| {
            let count = values.len();
            Tensor::<1, Int>::from_data(TensorData::new(values, [count]), device)
        };
        let rows = (convolution.weight.val())
            .select(0, integers(ids.iter().map(|&id| id.into()).collect()));
        // An additional row of zeros for places after the end of a text.
        let nothing = ids.len() as i64;
        let rows = Tensor::cat(vec![rows, Tensor::zeros([1, self.units], device)], 0);
        // A text shorter than a region is one region.
        let count = |text: &Vec<u32>| (text.len() + 1).saturating_sub(region).max(1);
        let most = texts.iter().map(count).max().unwrap_or(1);
        let word = |offset: usize| {
            let at = |text: &Vec<u32>, place: usize| match place < count(text) {
                true => text.get(place + offset).map_or(nothing, |&row| row.into()),
                false => nothing,
            };
            let places = (texts.iter())
                .flat_map(|text| (0..most).map(move |place| at(text, place)))
                .collect();
            rows.clone().select(0, integers(places))
        };
        let sums = (1..region).fold(word(0), |sum, offset| sum + word(offset));
        let values = relu(sums + convolution.bias.val().unsqueeze()).reshape([
            texts.len(),
            most,
            self.units,
        ]);
        let mask: Vec<f32> = (texts.iter())
            .flat_map(|text| {
                let count = count(text);
                let share = match self.pooling {
                    Pooling::Average => 1.0 / count as f32,
                    // Values are at least 0, so masked places are never the maximum.
                    Pooling::Max => 1.0,
                };
                (0..most).map(move |place| if place < count { share } else { 0.0 })
            })
            .collect();
        let mask = TensorData::new(mask, [texts.len(), most, 1]);
        let values = values * Tensor::<3>::from_data(mask, device);
        match self.pooling {
            Pooling::Average => values.sum_dim(1),
            Pooling::Max => values.max_dim(1),
        }
        .squeeze_dim(1)
    }
}

impl Architecture for BagConvolutions<'_> {
    type Network = Layers;
    /// The pooled values.
    type States = Tensor<2>;

    fn network<E>(&self, parameters: &mut Parameters<'_, E>) -> Result<Layers, E> {
        let mut convolutions = Vec::new();
        for index in 0..self.regions.len() {
            let name = |part: &str| format!("convolutions.{index}.{part}");
            convolutions.push(Convolution {
                weight: parameters.matrix(&name("weight"), self.vocabulary, self.units, 1)?,
                bias: parameters.vector(&name("bias"), self.units, 1)?,
            });
        }
        let others = self.features.matrix.columns() - self.features.terms;
        let read = self.units * self.regions.len() + others;
        Ok(Layers {
            convolutions,
            dropout: DropoutConfig::new(self.dropout).init(),
            output: linear(parameters, "output", read, self.classes)?,
        })
    }

    /// The pooled values of all convolutions, `[batch, Σ units]`.
    fn states(
        &self,
        layers: &Layers,
        batch: &Batch,
        _words: &[PackedBatch],
        device: &Device,
    ) -> Tensor<2> {
        let (ids, texts) = PackedBatch::distinct(&batch.texts);
        let pooled = (layers.convolutions.iter().zip(&self.regions))
            .map(|(convolution, &region)| self.convolve(convolution, region, &ids, &texts, device));
        Tensor::cat(pooled.collect(), 1)
    }

    fn normalised(&self, batch: &Batch, pooled: Tensor<2>) -> Tensor<2> {
        match self.normalise {
            true => normalised(pooled, &vec![1.0; batch.users.len()]),
            false => pooled,
        }
    }

    /// The logits, from the pooled values and the users' features that are not terms.
    fn logits(
        &self,
        layers: &Layers,
        batch: &Batch,
        pooled: Tensor<2>,
        device: &Device,
    ) -> Vec<Tensor<2>> {
        let users = &batch.users;
        let UserFeatures { matrix, terms } = self.features;
        let width = matrix.columns() - terms;
        let mut others = vec![0.0; users.len() * width];
        if width > 0 {
            for (&user, others) in users.iter().zip(others.chunks_exact_mut(width)) {
                for (column, value) in matrix.row(user).iter() {
                    if let Some(column) = (column as usize).checked_sub(*terms) {
                        others[column] = value;
                    }
                }
            }
        }
        let others = Tensor::from_data(TensorData::new(others, [users.len(), width]), device);
        let read = match width {
            0 => pooled,
            _ => Tensor::cat(vec![pooled, others], 1),
        };
        vec![layers.output.forward(layers.dropout.forward(read))]
    }

    fn folded<'a>(
        &self,
        layers: &Layers,
        batches: impl Iterator<Item = (Batch<'a>, Tensor<2>)>,
    ) -> Layers {
        let mut layers = layers.clone();
        if self.normalise {
            let mut statistics = UnitStatistics::default();
            for (batch, pooled) in batches {
                statistics.add(pooled, &vec![1.0; batch.users.len()]);
            }
            statistics.fold_into(&mut layers.output);
        }
        layers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model_core::parameters::{TensorSpec, glorot_uniform, save};
    use rand::{SeedableRng, rngs::StdRng};
    use sparse_linear::SparseMatrix;

    const VOCABULARY: usize = 9;
    const TEXTS: [&[u32]; 4] = [&[2, 3, 2, 8, 1], &[4], &[5, 5, 6, 7], &[3, 2]];

    fn features() -> UserFeatures {
        let mut matrix = SparseMatrix::new(5);
        for user in 0..TEXTS.len() {
            let others = [(1, 9.0), (3, user as f32), (4, 0.5)];
            matrix.push_row(others).unwrap();
        }
        UserFeatures { matrix, terms: 3 }
    }

    fn logits(architecture: &BagConvolutions, layers: &Layers, users: &[usize]) -> Vec<f32> {
        let batch = Batch {
            users: users.to_vec(),
            texts: users.iter().map(|&user| TEXTS[user]).collect(),
        };
        let logits = architecture.evaluate(layers, &batch, &[], &Device::flex());
        logits[0].clone().into_data().iter().collect()
    }

    /// The expected values are computed from explicit bags of words, one text at a time.
    #[test]
    fn sums_of_rows_are_the_convolution_over_bags_of_words() {
        let features = features();
        for pooling in [Pooling::Average, Pooling::Max] {
            let architecture = BagConvolutions {
                vocabulary: VOCABULARY,
                regions: vec![2, 3],
                units: 4,
                pooling,
                dropout: 0.5,
                normalise: false,
                features: &features,
                classes: 3,
            };
            let mut random = StdRng::seed_from_u64(7);
            let source = |wanted: &TensorSpec| Ok::<_, ()>(glorot_uniform(wanted, &mut random));
            let layers =
                (architecture.network(&mut Parameters::new(&Device::flex(), source))).unwrap();
            let saved = save(&layers);
            let values = |name: &str| {
                &saved
                    .iter()
                    .find(|saved| saved.name == name)
                    .unwrap()
                    .values
            };
            let mut expected = Vec::new();
            for (user, text) in TEXTS.iter().enumerate() {
                let mut read = Vec::new();
                for (index, region) in [2, 3].into_iter().enumerate() {
                    let weight = values(&format!("convolutions.{index}.weight"));
                    let bias = values(&format!("convolutions.{index}.bias"));
                    let regions: Vec<&[u32]> = match text.len() < region {
                        true => vec![text],
                        false => text.windows(region).collect(),
                    };
                    for unit in 0..4 {
                        let of_regions = regions.iter().map(|words| {
                            let mut bag = [0.0; VOCABULARY];
                            words.iter().for_each(|&id| bag[id as usize] += 1.0);
                            let product = (bag.iter().enumerate())
                                .map(|(id, count)| count * weight[id * 4 + unit])
                                .sum::<f32>();
                            (product + bias[unit]).max(0.0)
                        });
                        read.push(match pooling {
                            Pooling::Average => of_regions.sum::<f32>() / regions.len() as f32,
                            Pooling::Max => of_regions.fold(0.0, f32::max),
                        });
                    }
                }
                read.extend([user as f32, 0.5]);
                let (weight, bias) = (values("output.weight"), values("output.bias"));
                for class in 0..3 {
                    let terms = read.iter().enumerate();
                    let sum: f32 = terms
                        .map(|(index, value)| value * weight[index * 3 + class])
                        .sum();
                    expected.push(sum + bias[class]);
                }
            }
            let found = logits(&architecture, &layers, &[0, 1, 2, 3]);
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
            }
            // The other users of the batch have no influence.
            assert_eq!(logits(&architecture, &layers, &[1]).len(), 3);
            for (alone, found) in logits(&architecture, &layers, &[1])
                .iter()
                .zip(&found[3..6])
            {
                assert!((alone - found).abs() < 1e-6);
            }
        }
    }
}
