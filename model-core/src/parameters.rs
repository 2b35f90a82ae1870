//! Parameter initialisation and loading: a network asks for its parameters by name, and a source draws them at random or
//! reads them from a bundle.

#[cfg(feature = "burn")]
mod on_device;

#[cfg(feature = "burn")]
pub use on_device::{Parameters, save};

use safetensors::{
    SafeTensorError,
    tensor::{Dtype, TensorView},
};

/// A parameter that a network needs: a matrix, or several of the same size side by side (the gates of an LSTM).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorSpec<'a> {
    /// The path of the parameter in the network.
    pub name: &'a str,
    /// Rows of each matrix; a vector is a matrix of one column.
    pub rows: usize,
    /// Columns of each matrix.
    pub columns: usize,
    /// The number of matrices side by side.
    pub blocks: usize,
}

impl TensorSpec<'_> {
    /// The number of values.
    pub fn len(&self) -> usize {
        self.rows * self.columns * self.blocks
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The initialisation of the paper: each matrix uniform in ±√(6 / (rows + columns)) (Glorot and Bengio 2010).
#[cfg(feature = "training")]
pub fn glorot_uniform(spec: &TensorSpec, random: &mut impl rand::Rng) -> Vec<f32> {
    let bound = (6.0 / (spec.rows + spec.columns) as f32).sqrt();
    (0..spec.len())
        .map(|_| random.random_range(-bound..=bound))
        .collect()
}

/// A parameter read back from a network, as a bundle holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTensor {
    /// The path of the parameter in the network.
    pub name: String,
    /// The dimensions.
    pub shape: Vec<usize>,
    /// The values in row-major order.
    pub values: Vec<f32>,
}

impl NamedTensor {
    /// The values as the bytes of a safetensors file.
    pub fn to_bytes(&self) -> Vec<u8> {
        to_le_bytes(&self.values)
    }

    /// The tensor in a safetensors file. A view does not own its bytes, so `bytes` are those of
    /// [`to_bytes`](Self::to_bytes).
    ///
    /// # Errors
    /// If the shape does not fit the number of bytes.
    pub fn view<'b>(&self, bytes: &'b [u8]) -> Result<TensorView<'b>, SafeTensorError> {
        TensorView::new(Dtype::F32, self.shape.clone(), bytes)
    }

    /// Reads a tensor of a safetensors file.
    ///
    /// # Errors
    /// If its numbers are not 32-bit floats.
    pub fn from_view(name: &str, view: &TensorView) -> Result<Self, String> {
        Ok(Self {
            name: name.to_owned(),
            shape: view.shape().to_vec(),
            values: floats(name, view)?,
        })
    }
}

/// Numbers as the bytes of a safetensors file.
pub(crate) fn to_le_bytes(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

/// The numbers of a tensor of a safetensors file.
pub(crate) fn floats(name: &str, view: &TensorView) -> Result<Vec<f32>, String> {
    if view.dtype() != Dtype::F32 {
        return Err(format!(
            "its tensor {name:?} is {:?} instead of F32",
            view.dtype()
        ));
    }
    let (values, _) = view.data().as_chunks::<4>();
    Ok(values
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect())
}

/// The values of the tensor called `name`.
///
/// # Errors
/// If it is missing or has not `length` values.
pub fn values<'t>(
    tensors: &'t [NamedTensor],
    name: &str,
    length: usize,
) -> Result<&'t [f32], String> {
    let tensor = tensors.iter().find(|tensor| tensor.name == name);
    let values = &tensor
        .ok_or_else(|| format!("tensor {name:?} is missing"))?
        .values;
    match values.len() == length {
        true => Ok(values),
        false => Err(format!(
            "tensor {name:?} has {} values instead of {length}",
            values.len()
        )),
    }
}

/// A source for [`Parameters::new`] that finds stored tensors by their names. Its error is that of [`values`].
pub fn source(tensors: &[NamedTensor]) -> impl FnMut(&TensorSpec) -> Result<Vec<f32>, String> + '_ {
    move |spec: &TensorSpec| values(tensors, spec.name, spec.len()).map(<[f32]>::to_vec)
}

static CRC32: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);

/// CRC-32 over texts and every tensor's name, type, shape and bytes in the order of names.
pub fn checksum<'a, 'data: 'a>(
    texts: &[&str],
    tensors: impl Iterator<Item = (&'a str, &'a TensorView<'data>)>,
) -> String {
    let mut tensors: Vec<_> = tensors.collect();
    tensors.sort_by_key(|(name, _)| *name);
    let mut digest = CRC32.digest();
    for text in texts {
        digest.update(text.as_bytes());
    }
    for (name, view) in tensors {
        digest.update(format!("{name}:{:?}:{:?}", view.dtype(), view.shape()).as_bytes());
        digest.update(view.data());
    }
    format!("crc32:{:08x}", digest.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensors() -> [NamedTensor; 2] {
        [("one", vec![0.1, -0.0, 1e-30]), ("two", Vec::new())].map(|(name, values)| NamedTensor {
            name: name.into(),
            shape: vec![values.len()],
            values,
        })
    }

    #[test]
    fn a_tensor_is_read_as_it_was_written_unless_it_holds_other_numbers() {
        for tensor in tensors() {
            let bytes = tensor.to_bytes();
            let view = tensor.view(&bytes).unwrap();
            assert_eq!(NamedTensor::from_view(&tensor.name, &view), Ok(tensor));
        }
        let integers = TensorView::new(Dtype::I32, vec![1], &[0; 4]).unwrap();
        let error = NamedTensor::from_view("one", &integers).unwrap_err();
        assert_eq!(error, "its tensor \"one\" is I32 instead of F32");
    }

    #[test]
    fn a_source_finds_tensors_by_name_and_checks_their_length() {
        let tensors = tensors();
        let mut source = source(&tensors);
        let mut read = |name: &str, rows: usize| {
            source(&TensorSpec {
                name,
                rows,
                columns: 1,
                blocks: 1,
            })
        };
        assert_eq!(read("one", 3), Ok(tensors[0].values.clone()));
        let error = read("one", 4).unwrap_err();
        assert_eq!(error, "tensor \"one\" has 3 values instead of 4");
        let error = read("three", 3).unwrap_err();
        assert_eq!(error, "tensor \"three\" is missing");
    }
}
