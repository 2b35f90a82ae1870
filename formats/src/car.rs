//! Content-addressable archives (CAR, version 1): blocks of DAG-CBOR behind each other.

use std::io::{self, BufRead, ErrorKind, Read};

use ciborium::Value;

/// The longest block; a record of Bluesky has at most 1 MiB.
const MAX_BLOCK_BYTES: u64 = 4 << 20;

/// The blocks of an archive. Those that are not CBOR are left out.
pub(crate) struct Blocks<R> {
    reader: R,
}

impl<R: BufRead> Blocks<R> {
    /// Reads the header.
    pub(crate) fn new(mut reader: R) -> io::Result<Self> {
        let header = section(&mut reader)?.unwrap_or_default();
        match cbor(&header)
            .as_ref()
            .and_then(|header| field(header, "version"))
        {
            Some(Value::Integer(version)) if *version == 1.into() => Ok(Self { reader }),
            _ => Err(invalid("not a CAR file of version 1")),
        }
    }

    /// The next block.
    pub(crate) fn next(&mut self) -> io::Result<Option<Value>> {
        while let Some(block) = section(&mut self.reader)? {
            let mut content = block.as_slice();
            skip_identifier(&mut content)?;
            if let Some(value) = cbor(content) {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }
}

/// The value of a key of a map.
pub(crate) fn field<'a>(map: &'a Value, key: &str) -> Option<&'a Value> {
    let mut entries = map.as_map()?.iter();
    let entry = entries.find(|(name, _)| name.as_text() == Some(key));
    entry.map(|(_, value)| value)
}

fn cbor(bytes: &[u8]) -> Option<Value> {
    ciborium::from_reader(bytes).ok()
}

/// Bytes behind their length; none at the end of the file.
fn section(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    if reader.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let length = number(reader)?;
    if length > MAX_BLOCK_BYTES {
        return Err(invalid(
            "a block that is longer than 4 MiB; is this a CAR file?",
        ));
    }
    let mut bytes = Vec::new();
    reader.take(length).read_to_end(&mut bytes)?;
    match bytes.len() as u64 == length {
        true => Ok(Some(bytes)),
        false => Err(invalid("the file ends within a block; is it cut off?")),
    }
}

/// Skips the identifier of a block: version, codec and the hash of the content.
fn skip_identifier(block: &mut &[u8]) -> io::Result<()> {
    // An old identifier is a SHA-256 hash alone.
    let length = if block.starts_with(&[0x12, 0x20]) {
        34
    } else {
        for _version_codec_function in 0..3 {
            number(block)?;
        }
        number(block)?
    };
    let rest = usize::try_from(length)
        .ok()
        .and_then(|length| block.get(length..));
    *block = rest.ok_or_else(|| invalid("a block without content"))?;
    Ok(())
}

/// A number in groups of seven bits, the lowest first.
fn number(reader: &mut impl Read) -> io::Result<u64> {
    let mut number = 0;
    for shift in (0..63).step_by(7) {
        let mut byte = [0];
        reader.read_exact(&mut byte)?;
        number |= u64::from(byte[0] & 0x7f) << shift;
        if byte[0] < 0x80 {
            return Ok(number);
        }
    }
    Err(invalid("a number that is too large"))
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}
