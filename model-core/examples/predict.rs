//! Predict in ten lines: `cargo run --release -p model-core --example predict [BUNDLE] [POST]`

use futures_lite::future::block_on;
use model_core::predictor::Predictor;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let bundle = arguments
        .next()
        .unwrap_or("public/models/en.safetensors".into());
    let post = arguments
        .next()
        .unwrap_or("my math teacher gave us so much homework".into());

    let predictor = Predictor::on_cpu(&std::fs::read(bundle)?)?;
    let users = [vec![post]];
    for user in block_on(predictor.predict(&users))? {
        for (attribute, prediction) in user.predictions.iter() {
            let label = prediction.label.as_deref().unwrap_or("unknown");
            let answer = if prediction.confident {
                label
            } else {
                "not sure"
            };
            println!("{attribute}: {answer} {:?}", prediction.probabilities);
        }
    }
    Ok(())
}
