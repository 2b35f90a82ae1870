use super::*;

/// The bounds of [`Limited`].
const FREE_BYTES: u64 = 64 << 20;
const MOST_TIMES: u64 = 1000;
use std::io::{Cursor, Write};

const TEXT: &[u8] = b"first line\nsecond line\n";

fn read(bytes: Vec<u8>) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    decompress(Cursor::new(bytes), false)?.read_to_end(&mut out)?;
    Ok(out)
}

fn xz() -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
    encoder.write_all(TEXT).unwrap();
    encoder.finish().unwrap()
}

fn gzip() -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(TEXT).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn every_compression_is_recognised() {
    let zstd = zstd::encode_all(TEXT, 1).unwrap();
    for packed in [TEXT.to_vec(), xz(), gzip(), zstd] {
        assert_eq!(read(packed.clone()).unwrap(), TEXT);
    }
    assert_eq!(read(b"a".to_vec()).unwrap(), b"a");
    assert_eq!(read(Vec::new()).unwrap(), b"");
}

#[test]
fn files_that_follow_each_other_are_read_as_one() {
    for packed in [xz(), gzip(), zstd::encode_all(TEXT, 1).unwrap()] {
        assert_eq!(
            read([packed.clone(), packed].concat()).unwrap(),
            [TEXT, TEXT].concat()
        );
    }
}

/// Frames of zstd that are to be skipped, as parallel and seekable files have them.
const SKIPPED: &[u8] = b"\x50\x2a\x4d\x18\x04\0\0\0abcd";

#[test]
fn zeros_at_the_end_cost_the_whole_file() {
    for packed in [xz(), gzip(), zstd::encode_all(TEXT, 1).unwrap()] {
        for zeros in [1, 512, 70_000] {
            let zeros = vec![0; zeros];
            let padded = [packed.clone(), zeros.clone(), packed.clone(), zeros].concat();
            assert_eq!(read(padded).unwrap(), [TEXT, TEXT].concat());
        }
    }
}

#[test]
fn frames_to_be_skipped_were_text() {
    let frame = zstd::encode_all(TEXT, 1).unwrap();
    let packed = [SKIPPED, &frame, SKIPPED, &frame, SKIPPED].concat();
    assert_eq!(read(packed).unwrap(), [TEXT, TEXT].concat());
}

#[test]
fn what_follows_the_compressed_data_cost_the_whole_file() {
    for packed in [xz(), gzip(), zstd::encode_all(TEXT, 1).unwrap()] {
        let mut file = decompress(Cursor::new([&packed, &b"text"[..]].concat()), false).unwrap();
        let mut text = Vec::new();
        for _ in 0..2 {
            let error = file.read_to_end(&mut text).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
            assert!(error.to_string().contains("is not compressed"), "{error}");
        }
        assert_eq!(text, TEXT);
        // The last stream is cut off, in its head or later.
        for length in [3, packed.len() - 9] {
            let cut = [&packed[..], &packed[..length]].concat();
            let mut file = decompress(Cursor::new(cut), false).unwrap();
            let mut text = Vec::new();
            let error = file.read_to_end(&mut text).unwrap_err();
            assert_eq!(error.to_string(), "the file is cut off");
            assert!(text.starts_with(TEXT));
        }
    }
}

#[test]
fn a_cut_file_is_an_error() {
    for mut packed in [xz(), gzip(), zstd::encode_all(TEXT, 1).unwrap()] {
        packed.truncate(packed.len() - 9);
        assert!(read(packed).is_err());
    }
}

#[test]
fn a_small_file_unpacked_to_any_length() {
    let unpacked = FREE_BYTES + (16 << 20);
    let zeros = || io::repeat(b'0').take(unpacked);
    let packed = zstd::encode_all(zeros(), 1).unwrap();
    assert!(unpacked > FREE_BYTES + MOST_TIMES * packed.len() as u64);
    let mut reader = decompress(Cursor::new(packed), false).unwrap();
    let error = io::copy(&mut reader, &mut io::sink()).unwrap_err();
    assert!(
        error.to_string().contains("more than 1000 times"),
        "{error}"
    );
    let shorter = zstd::encode_all(zeros().take(FREE_BYTES), 1).unwrap();
    assert_eq!(read(shorter).unwrap().len() as u64, FREE_BYTES);
}

#[test]
fn long_windows_were_refused_without_a_hint() {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(28).unwrap();
    encoder.include_contentsize(false).unwrap();
    encoder.write_all(TEXT).unwrap();
    let packed = encoder.finish().unwrap();
    let error = read(packed.clone()).unwrap_err().to_string();
    assert!(error.contains("--long"), "{error}");
    let mut out = Vec::new();
    let mut reader = decompress(Cursor::new(packed), true).unwrap();
    reader.read_to_end(&mut out).unwrap();
    assert_eq!(out, TEXT);
}

#[test]
fn fuzz_compressed_files() {
    let zstd = zstd::encode_all(TEXT, 1).unwrap();
    let two = [SKIPPED, &zstd, &[0; 9], &zstd].concat();
    let seeds = [xz(), gzip(), zstd, two];
    fuzzing::fuzz("xz, gzip, zstd", &seeds, |bytes| {
        if let Ok(mut file) = decompress(Cursor::new(bytes.to_vec()), false) {
            let _ = io::copy(&mut file, &mut io::sink());
        }
    });
}
