//! The methods: from the sums over users to shares and draws of them.

use super::{
    algebra::{Cholesky, Quadratic, triangle},
    moments::{ClassConditionals, ClassMoments, label_covariance},
    random::Random,
    sums::Sums,
};

/// Shares and draws of them.
type Shares = (Vec<f64>, Vec<Vec<f64>>);

/// Draws of a bootstrap.
const RESAMPLES: usize = 500;
/// Fewer for expectation maximisation, which takes time.
const EM_RESAMPLES: usize = 100;
/// Draws of the Bayesian method in its first round, and in its last.
const ROUNDS: [usize; 2] = [300, 4000];
/// Draws before the chain is taken to have forgotten its start.
const WARM_UP: usize = 100;
/// Scales the covariance of the class means that were measured on validation users. With 1, intervals cover too seldom,
/// because covariances from few users are uncertain too. Chosen on halves of the validation users.
const MEAN_COVARIANCE_SCALE: f64 = 2.0;
/// The covariance within the set is averaged with that expected from the moments as if the latter came from so many more
/// users. It makes estimates from a few users possible.
const PSEUDO_USERS: f64 = 20.0;
/// Keeps a covariance positive definite: no mean of posteriors is known better than ± 10⁻⁵.
const LEAST_VARIANCE: f64 = 1e-10;
/// Expected shares count like so many users with known classes.
const EXPECTED_USERS: f64 = 10.0;
const SEED: u64 = 17;

/// The mean of a vector over the users, and the covariance of the vector.
struct Observed {
    users: f64,
    mean: Vec<f64>,
    covariance: Vec<f64>,
}

impl Observed {
    fn posteriors(sums: &Sums) -> Self {
        let users = sums.users as f64;
        Self {
            users,
            mean: sums.likelihoods.mean(users),
            covariance: sums.likelihoods.covariance(users),
        }
    }

    fn labels(sums: &Sums) -> Self {
        let users = sums.users as f64;
        let mean = sums.likelihoods.label_shares(users);
        Self {
            users,
            covariance: label_covariance(&mean),
            mean,
        }
    }

    /// The covariance of the mean.
    fn covariance_of_mean(&self, classes: &ClassConditionals, shares: &[f64]) -> Vec<f64> {
        let expected = classes.covariance(shares);
        (self.covariance.iter().zip(expected))
            .map(|(own, expected)| {
                (self.users * own + PSEUDO_USERS * expected)
                    / (self.users + PSEUDO_USERS)
                    / self.users
            })
            .collect()
    }
}

/// The factor on the covariance of a class that gives the covariance of its mean over validation users.
fn mean_scale(validation_users: f64) -> f64 {
    MEAN_COVARIANCE_SCALE / validation_users.max(1.0)
}

/// CC: the shares of the predicted labels.
pub(super) fn count(sums: &Sums) -> Shares {
    let shares = sums.predicted.label_shares(sums.users as f64);
    let covariance = label_covariance(&shares);
    around(shares, covariance, sums.users)
}

/// PCC: the mean posterior under the base rates that labels are predicted with.
pub(super) fn probabilistic_count(sums: &Sums) -> Shares {
    let users = sums.users as f64;
    let covariance = sums.predicted.covariance(users);
    // Posteriors in single precision sum to nearly 1.
    let shares = normalised(sums.predicted.mean(users));
    around(shares, covariance, sums.users)
}

fn normalised(mut shares: Vec<f64>) -> Vec<f64> {
    let sum: f64 = shares.iter().sum();
    for share in &mut shares {
        *share /= sum;
    }
    shares
}

/// Shares that are means over users, with draws from their normal distribution.
fn around(shares: Vec<f64>, mut covariance: Vec<f64>, users: u64) -> Shares {
    for entry in &mut covariance {
        *entry /= users as f64;
    }
    let cholesky = Cholesky::of(&covariance, shares.len() - 1);
    let mut random = Random::new(SEED);
    let draws = (0..RESAMPLES).map(|_| {
        let draw = random.near(&shares, &cholesky);
        normalised(draw.iter().map(|share| share.max(0.0)).collect())
    });
    let draws = draws.collect();
    (shares, draws)
}

/// ACC.
pub(super) fn adjusted_count(sums: &Sums, moments: &ClassMoments) -> Shares {
    let classes = moments.of_labels(&sums.length_weights);
    adjust(&Observed::labels(sums), &classes)
}

/// PACC.
pub(super) fn probabilistic_adjusted_count(sums: &Sums, moments: &ClassMoments) -> Shares {
    let classes = moments.of_posteriors(&sums.length_weights);
    adjust(&Observed::posteriors(sums), &classes)
}

/// The shares that minimise the squared error of the observed mean, and a parametric bootstrap: the observed mean and the
/// means of the classes are drawn anew from their normal distributions.
fn adjust(observed: &Observed, classes: &ClassConditionals) -> Shares {
    let shares = Quadratic::least_squares(&classes.means, &observed.mean).minimise();
    let dimensions = shares.len() - 1;
    let covariance = observed.covariance_of_mean(classes, &shares);
    let of_mean = Cholesky::of(&covariance, dimensions);
    let of_classes: Vec<Cholesky> = (classes.covariances.iter().zip(&classes.users))
        .map(|(covariance, &users)| {
            let scaled: Vec<f64> = (covariance.iter())
                .map(|entry| mean_scale(users) * entry)
                .collect();
            Cholesky::of(&scaled, dimensions)
        })
        .collect();
    let mut random = Random::new(SEED);
    let draws = (0..RESAMPLES)
        .map(|_| {
            let mean = random.near(&observed.mean, &of_mean);
            let means: Vec<Vec<f64>> = (classes.means.iter().zip(&of_classes))
                .map(|(mean, cholesky)| random.near(mean, cholesky))
                .collect();
            Quadratic::least_squares(&means, &mean).minimise()
        })
        .collect();
    (shares, draws)
}

/// The posterior of the shares q for equally probable shares before, or near the expected ones, by generalised least squares:
/// the observed mean is normal around Mq, where the columns of M are the means of the classes. Its covariance has a part from the
/// users, who are a sample, and a part from M, which was measured on a sample too. It is that of the posterior mean of a first
/// round.
///
/// `coarse` has the classes of each coarse class. If there are any, all shares of these are equally probable before, and so are
/// all divisions of each among its classes: a coarse class of many classes is not expected to be larger.
pub(super) fn bayesian(sums: &Sums, moments: &ClassMoments, coarse: &[Vec<usize>]) -> Shares {
    let observed = Observed::posteriors(sums);
    let classes = moments.of_posteriors(&sums.length_weights);
    let count = observed.mean.len();
    let coarse: Vec<Vec<usize>> = match coarse {
        [] => (0..count).map(|class| vec![class]).collect(),
        coarse => coarse.to_vec(),
    };
    let mut random = Random::new(SEED);
    let mut shares = vec![1.0 / count as f64; count];
    let mut draws = vec![];
    for round in ROUNDS {
        let mut covariance = observed.covariance_of_mean(&classes, &shares);
        for ((of_class, &users), share) in
            (classes.covariances.iter().zip(&classes.users)).zip(&shares)
        {
            for (entry, of_class) in covariance.iter_mut().zip(of_class) {
                *entry += share * share * mean_scale(users) * of_class;
            }
        }
        for diagonal in 1..count {
            covariance[triangle(diagonal) - 1] += LEAST_VARIANCE;
        }
        // With L⁻¹ applied to both sides of Mq = b, the errors are independent and of variance 1.
        let cholesky = Cholesky::of(&covariance, count - 1);
        let whiten = |vector: &[f64]| {
            let mut vector = vector[..count - 1].to_vec();
            cholesky.solve_lower(&mut vector);
            vector
        };
        let mut columns: Vec<Vec<f64>> = classes.means.iter().map(|mean| whiten(mean)).collect();
        let mut means = whiten(&observed.mean);
        if !moments.expected_shares.is_empty() {
            expect(&moments.expected_shares, &mut columns, &mut means);
        }
        let error = Quadratic::least_squares(&columns, &means);
        draws = draw_shares(&error, &coarse, shares, round, &mut random);
        shares = (0..count)
            .map(|class| draws.iter().map(|draw| draw[class]).sum::<f64>() / round as f64)
            .collect();
    }
    (shares, draws)
}

/// Adds the equations q = the expected shares, with the errors of counting them in [`EXPECTED_USERS`] users.
fn expect(shares: &[f32], columns: &mut [Vec<f64>], means: &mut Vec<f64>) {
    let shares = normalised(shares.iter().map(|&share| share.into()).collect());
    let covariance: Vec<f64> = (label_covariance(&shares).iter())
        .map(|entry| entry / EXPECTED_USERS)
        .collect();
    let dimensions = shares.len() - 1;
    let cholesky = Cholesky::of(&covariance, dimensions);
    let whiten = |mut vector: Vec<f64>| {
        cholesky.solve_lower(&mut vector);
        vector
    };
    for (class, column) in columns.iter_mut().enumerate() {
        let unit = (0..dimensions).map(|other| f64::from(u8::from(other == class)));
        column.extend(whiten(unit.collect()));
    }
    means.extend(whiten(shares[..dimensions].to_vec()));
}

/// Draws from the density exp(−error) of the shares of coarse classes and of the shares of the classes within each, all of which
/// are equally probable before, by a slice sampler (Neal 2003). A step moves a share from one coarse class to another, divided
/// among their classes as before, or from one class of a coarse class to another. A draw is taken after each pair of coarse
/// classes, and of classes within one, had its step.
fn draw_shares(
    error: &Quadratic,
    coarse: &[Vec<usize>],
    q: Vec<f64>,
    draws: usize,
    random: &mut Random,
) -> Vec<Vec<f64>> {
    let gradient = error.gradient(&q);
    let mut chain = Chain { error, q, gradient };
    let mut drawn = Vec::with_capacity(draws);
    for sweep in 0..WARM_UP + draws {
        for (to, from) in pairs(coarse) {
            chain.step(to, from, random);
        }
        for classes in coarse {
            for (&to, &from) in pairs(classes) {
                chain.step(&[to], &[from], random);
            }
        }
        if sweep >= WARM_UP {
            drawn.push(chain.q.clone());
        }
    }
    drawn
}

/// Each pair of an item and an earlier one.
fn pairs<T>(items: &[T]) -> impl Iterator<Item = (&T, &T)> {
    (items.iter().enumerate())
        .flat_map(|(place, item)| items[..place].iter().map(move |before| (item, before)))
}

/// The present shares of the slice sampler.
struct Chain<'a> {
    error: &'a Quadratic,
    q: Vec<f64>,
    /// The gradient of the error at q.
    gradient: Vec<f64>,
}

impl Chain<'_> {
    /// Moves a random share from some classes to others, in proportion to the shares within each side. Along this line the error
    /// is a parabola, so the slice is an interval, and a uniform draw from it, cut where a share would be negative, needs no
    /// rejection.
    fn step(&mut self, to: &[usize], from: &[usize], random: &mut Random) {
        let (gaining, gained) = self.within(to);
        let (losing, lost) = self.within(from);
        let changes: Vec<(usize, f64)> = (to.iter().copied().zip(gained))
            .chain(from.iter().copied().zip(lost.map(|share| -share)))
            .collect();
        let mut slopes = vec![0.0; self.q.len()];
        for &(class, change) in &changes {
            for (slope, entry) in slopes.iter_mut().zip(self.error.row(class)) {
                *slope += change * entry;
            }
        }
        let along = |vector: &[f64]| -> f64 {
            (changes.iter())
                .map(|&(class, change)| change * vector[class])
                .sum()
        };
        let curvature = along(&slopes).max(1e-12);
        let lowest = -along(&self.gradient) / curvature;
        let half = (lowest * lowest - 2.0 * random.unit().ln() / curvature).sqrt();
        let least = (lowest - half).max(-gaining);
        let most = (lowest + half).min(losing);
        let step = (least + (most - least) * random.unit()).clamp(-gaining, losing);
        for &(class, change) in &changes {
            self.q[class] = (self.q[class] + step * change).max(0.0);
        }
        for (entry, slope) in self.gradient.iter_mut().zip(slopes) {
            *entry += step * slope;
        }
    }

    /// The share of some classes together, and the part of each in it.
    fn within<'c>(&self, classes: &'c [usize]) -> (f64, impl Iterator<Item = f64> + use<'c, '_>) {
        let sum: f64 = classes.iter().map(|&class| self.q[class]).sum();
        let part = move |&class: &usize| match sum > 0.0 {
            true => self.q[class] / sum,
            false => 1.0 / classes.len() as f64,
        };
        (sum, classes.iter().map(part))
    }
}

/// EMQ from posteriors Q of users, one after the other, with draws of a bootstrap of these users. Starts from the base rates
/// of the corpus and stops as QuaPy's does, which is before the shares are most likely. Stopping early keeps them nearer to
/// the base rates.
pub(super) fn expectation_maximisation(sample: &[f32], base_rates: &[f32]) -> Shares {
    let classes = base_rates.len();
    let users = sample.len() / classes;
    let start = normalised(base_rates.iter().map(|&rate| rate.into()).collect());
    let shares = most_likely(sample, &vec![1.0; users], start.clone());
    let mut random = Random::new(SEED);
    let draws = (0..EM_RESAMPLES)
        .map(|_| {
            let mut times = vec![0.0; users];
            for _ in 0..users {
                times[random.below(users)] += 1.0;
            }
            most_likely(sample, &times, start.clone())
        })
        .collect();
    (shares, draws)
}

/// The shares by expectation maximisation, each user counting so many times.
fn most_likely(sample: &[f32], times: &[f64], mut shares: Vec<f64>) -> Vec<f64> {
    let classes = shares.len();
    // QuaPy's criterion.
    for iteration in 0..1000 {
        let next = expected_shares(sample, times, &shares);
        let change: f64 = (next.iter().zip(&shares)).map(|(a, b)| (a - b).abs()).sum();
        shares = next;
        if iteration > 10 && change / (classes as f64) < 1e-4 {
            break;
        }
    }
    shares
}

/// A step of expectation maximisation: the mean posterior of the users, each counting so many times, if the classes have
/// these shares. The `sample` holds the likelihoods of all classes, one user after the other.
pub(super) fn expected_shares(sample: &[f32], times: &[f64], shares: &[f64]) -> Vec<f64> {
    let classes = shares.len();
    let mut sums = vec![0.0; classes];
    let mut terms = vec![0.0; classes];
    for (likelihoods, times) in sample.chunks_exact(classes).zip(times) {
        for ((term, share), &likelihood) in terms.iter_mut().zip(shares).zip(likelihoods) {
            *term = share * f64::from(likelihood);
        }
        let total: f64 = terms.iter().sum();
        // A user whom none of the classes explains is not informative.
        if total > 0.0 {
            for (sum, term) in sums.iter_mut().zip(&terms) {
                *sum += times * term / total;
            }
        }
    }
    let total: f64 = sums.iter().sum();
    if total > 0.0 {
        normalised(sums)
    } else {
        shares.to_vec()
    }
}
