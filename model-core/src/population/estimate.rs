//! Estimated shares with their uncertainty.

use super::Method;

/// The part of the draws that an interval holds.
const COVERAGE: f64 = 0.95;

/// The estimated shares of the classes of an attribute in a set of users.
///
/// The shares are those among all users like these, of whom they are a sample. For some hundreds of users or more,
/// these are practically the shares among the users themselves.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// How the shares were estimated.
    pub method: Method,
    /// The number of users.
    pub users: u64,
    /// The share of each class; they sum to 1.
    pub shares: Vec<f64>,
    /// The 95 % interval of each share: the shortest that holds 95 % of the draws, extended to the share where that is outside,
    /// and rounded outwards to 0.001.
    ///
    /// Intervals of [`Method::Bayesian`] and of the adjusted counts include that the posteriors of each class were measured
    /// on few validation users. Those of the other methods only include that the users are a sample; they miss the errors of
    /// the classifier and are far too short. None includes that the users may write unlike the validation users.
    pub intervals: Vec<[f64; 2]>,
    /// Draws of the shares: from the posterior, or of a bootstrap.
    draws: Vec<Vec<f64>>,
}

impl Estimate {
    pub(super) fn new(method: Method, users: u64, shares: Vec<f64>, draws: Vec<Vec<f64>>) -> Self {
        let intervals = (shares.iter().enumerate())
            .map(|(class, &share)| {
                let [low, high] = shortest_interval(draws.iter().map(|draw| draw[class]).collect());
                let [from, to] = rounded_outwards(low.min(share), high.max(share));
                // Rounding permits a share of 1 less some rounding.
                [from.min(share), to.max(share)]
            })
            .collect();
        Self {
            method,
            users,
            shares,
            intervals,
            draws,
        }
    }

    /// The estimate for coarse classes, from the indices of the classes of each.
    ///
    /// # Panics
    /// If there is no such class.
    pub fn coarse(&self, coarse: &[Vec<usize>]) -> Self {
        let sums = |shares: &Vec<f64>| -> Vec<f64> {
            (coarse.iter())
                .map(|classes| {
                    classes
                        .iter()
                        .map(|&class| shares[class])
                        .sum::<f64>()
                        .min(1.0)
                })
                .collect()
        };
        let draws = self.draws.iter().map(sums).collect();
        Self::new(self.method, self.users, sums(&self.shares), draws)
    }

    /// The estimate for all users from estimates for parts of them, such as those who write one language, by one method.
    /// `None` without parts.
    ///
    /// The errors of the parts are taken to be independent.
    ///
    /// # Panics
    /// If the parts differ in their classes.
    pub fn pooled(parts: &[Self]) -> Option<Self> {
        let first = parts.first()?;
        let users: u64 = parts.iter().map(|part| part.users).sum();
        let draws = parts.iter().map(|part| part.draws.len()).max()?;
        let classes = first.shares.len();
        let weights = parts.iter().map(|part| part.users as f64 / users as f64);
        let mean = |of_parts: Vec<&Vec<f64>>| {
            let mut mean = vec![0.0; classes];
            for (weight, shares) in weights.clone().zip(of_parts) {
                assert_eq!(shares.len(), classes, "parts with the same classes");
                for (mean, share) in mean.iter_mut().zip(shares) {
                    *mean += weight * share;
                }
            }
            mean
        };
        // All parts are drawn with the same random numbers, so draws of the same number would err together.
        let draw_of = |draw: usize, place: usize| {
            let all = &parts[place].draws;
            &all[(draw + place * all.len() / parts.len()) % all.len()]
        };
        let draws = (0..draws)
            .map(|draw| mean((0..parts.len()).map(|place| draw_of(draw, place)).collect()))
            .collect();
        let shares = mean(parts.iter().map(|part| &part.shares).collect());
        Some(Self::new(first.method, users, shares, draws))
    }
}

/// The shortest interval that holds [`COVERAGE`] of the draws of a share. Unlike one between two quantiles it reaches 0 for a
/// class that may be absent.
fn shortest_interval(mut draws: Vec<f64>) -> [f64; 2] {
    draws.sort_unstable_by(f64::total_cmp);
    let inside = ((COVERAGE * draws.len() as f64).ceil() as usize).max(1);
    let shortest = (draws.windows(inside))
        .map(|window| [window[0], window[inside - 1]])
        .min_by(|a, b| (a[1] - a[0]).total_cmp(&(b[1] - b[0])));
    shortest.unwrap_or([0.0, 1.0])
}

fn rounded_outwards(low: f64, high: f64) -> [f64; 2] {
    // Sums of shares miss 1 by some rounding.
    let slack = 1e-9;
    // Adding 0 turns −0 into 0.
    [
        ((low + slack) * 1000.0).floor() / 1000.0 + 0.0,
        (((high - slack) * 1000.0).ceil() / 1000.0).min(1.0) + 0.0,
    ]
}
