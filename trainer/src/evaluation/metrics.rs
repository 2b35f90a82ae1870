//! The figures of one attribute: from true and predicted classes, and from probabilities.

/// Figures over users that have a label. Shares are between 0 and 1; without users all are 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Metrics {
    /// How many users of each true class (row) were given each class (column).
    pub confusion: Vec<Vec<usize>>,
    /// Figures of each class.
    pub classes: Vec<ClassMetrics>,
    /// The share predicted right.
    pub accuracy: f64,
    /// The share of the most frequent true class.
    pub majority: f64,
    /// The mean of the classes' precisions.
    pub precision: f64,
    /// The mean of the classes' recalls.
    pub recall: f64,
    /// The paper's Macro-F1: 2PR / (P + R) of the two means.
    pub f: f64,
    /// The mean of the classes' F1, which is another number than [`f`](Self::f).
    pub mean_class_f1: f64,
}

/// Figures of one class; a share of nothing is 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassMetrics {
    /// Of the users given this class, the share that have it.
    pub precision: f64,
    /// Of the users that have this class, the share given it.
    pub recall: f64,
    /// The harmonic mean of the two.
    pub f1: f64,
    /// Users that have this class.
    pub users: usize,
}

impl Metrics {
    /// Compares the true classes with the predicted ones, user by user; both are below `classes`.
    pub fn new(truth: &[usize], predicted: &[usize], classes: usize) -> Self {
        let mut confusion = vec![vec![0; classes]; classes];
        for (&truth, &predicted) in truth.iter().zip(predicted) {
            confusion[truth][predicted] += 1;
        }
        let per_class: Vec<ClassMetrics> = (0..classes)
            .map(|class| {
                let right = confusion[class][class];
                let users = confusion[class].iter().sum();
                let given = confusion.iter().map(|row| row[class]).sum();
                let (precision, recall) = (share(right, given), share(right, users));
                ClassMetrics { precision, recall, f1: harmonic_mean(precision, recall), users }
            })
            .collect();
        let mean = |figure: fn(&ClassMetrics) -> f64| {
            per_class.iter().map(figure).sum::<f64>() / classes.max(1) as f64
        };
        let (precision, recall) = (mean(|class| class.precision), mean(|class| class.recall));
        Self {
            accuracy: share((0..classes).map(|class| confusion[class][class]).sum(), truth.len()),
            majority: share(per_class.iter().map(|class| class.users).max().unwrap_or(0), truth.len()),
            precision,
            recall,
            f: harmonic_mean(precision, recall),
            mean_class_f1: mean(|class| class.f1),
            classes: per_class,
            confusion,
        }
    }
}

/// How many bins of equal width the calibration error is taken over.
const BINS: usize = 15;

/// The expected calibration error: how far the probability of the predicted class is from the share predicted
/// right, over bins of that probability, weighted by their users. `probabilities` holds a row a user.
pub fn calibration_error(truth: &[usize], probabilities: &[Vec<f32>]) -> f64 {
    let mut bins = [(0.0, 0.0); BINS];
    for (&truth, row) in truth.iter().zip(probabilities) {
        let best = (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b]).then(b.cmp(&a)));
        let Some(best) = best else { continue };
        let confidence = f64::from(row[best]);
        // Bins are open below and closed above, so that certainty falls into the last.
        let bin = ((confidence * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
        bins[bin].0 += confidence;
        bins[bin].1 += f64::from(u8::from(best == truth));
    }
    bins.iter().map(|(confidence, right)| (confidence - right).abs()).sum::<f64>() / truth.len().max(1) as f64
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn harmonic_mean(a: f64, b: f64) -> f64 {
    if a + b == 0.0 { 0.0 } else { 2.0 * a * b / (a + b) }
}
