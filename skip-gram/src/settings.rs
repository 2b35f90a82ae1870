//! The settings of training.

/// The settings of skip-gram training.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The length of a vector.
    pub dimensions: u16,
    /// The maximum distance of a word from the words that it predicts. The distance at each word is drawn uniformly up to it.
    pub window: u16,
    /// The number of epochs.
    pub epochs: u16,
    /// The number of negative examples for each positive one.
    pub negative: u16,
    /// The learning rate at the beginning; it falls linearly to 0.
    pub learning_rate: f64,
    /// Words with a larger share of the text are skipped at random; 0 skips none.
    pub subsample: f64,
    /// The number of threads. They train without locks, so the vectors are reproducible with one thread only.
    pub threads: usize,
    /// The seed of all random numbers.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            dimensions: 200,
            window: 5,
            epochs: 5,
            negative: 5,
            learning_rate: 0.05,
            subsample: 1e-4,
            threads: 1,
            seed: 1,
        }
    }
}

impl Settings {
    /// The name and the range of a setting that training cannot work with.
    pub(crate) fn wrong(&self) -> Option<(&'static str, &'static str)> {
        let positive = "above 0";
        let right = [
            ("dimensions", self.dimensions > 0, positive),
            ("window", self.window > 0, positive),
            ("epochs", self.epochs > 0, positive),
            ("learning_rate", self.learning_rate > 0.0, positive),
            ("subsample", self.subsample >= 0.0, "at least 0"),
            ("threads", self.threads > 0, positive),
        ];
        let wrong = right.into_iter().find(|&(_, right, _)| !right);
        wrong.map(|(name, _, permitted)| (name, permitted))
    }
}
