//! A predictor is called from the caller's threads, however they are organised.
#![cfg(feature = "threads")]

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use burn::tensor::Device;
use futures_lite::future::block_on;
use model_core::predictor::Predictor;
use rayon::prelude::*;

/// A prediction spreads over rayon's threads. While one of these waits for its part, it may begin another prediction of the
/// caller's iterator: with a lock held across the first one, it would wait for itself.
#[test]
fn a_prediction_inside_a_parallel_iterator_does_not_deadlock() {
    let (done, finished) = mpsc::channel();
    thread::spawn(move || {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../public/models/en.safetensors"
        );
        let bundle = std::fs::read(path).unwrap();
        let predictor = Predictor::load(&bundle, &Device::flex()).unwrap();
        let users: Vec<Vec<String>> = (1..40)
            .map(|words| vec!["good morning football essay ".repeat(words * 5)])
            .collect();
        let alone = block_on(predictor.predict(&users)).unwrap();
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(4)
            .build()
            .unwrap();
        let nested = pool.install(|| {
            (0..64)
                .into_par_iter()
                .map(|_| block_on(predictor.predict(&users)).unwrap())
                .collect::<Vec<_>>()
        });
        assert!(nested.iter().all(|predictions| *predictions == alone));
        done.send(()).unwrap();
    });
    (finished.recv_timeout(Duration::from_secs(120)))
        .expect("the predictions end, and are those made alone");
}
