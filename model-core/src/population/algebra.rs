//! Dense algebra of small symmetric matrices. A symmetric matrix is stored as its lower triangle, row by row.

/// The number of entries in the lower triangle of a `size` × `size` matrix.
pub(super) fn triangle(size: usize) -> usize {
    size * (size + 1) / 2
}

/// Adds `weight` · (`a` − `b`)(`a` − `b`)ᵀ to the lower triangle of a matrix, over as many dimensions as the matrix has.
pub(super) fn add_square(matrix: &mut [f64], weight: f64, a: &[f64], b: &[f64]) {
    let mut entries = matrix.iter_mut();
    for row in 0..a.len() {
        for column in 0..=row {
            // The vectors may have a further dimension.
            let Some(entry) = entries.next() else { return };
            *entry += weight * (a[row] - b[row]) * (a[column] - b[column]);
        }
    }
}

/// A lower triangular L with LLᵀ = S, for a positive semidefinite S.
pub(super) struct Cholesky {
    size: usize,
    factor: Vec<f64>,
}

impl Cholesky {
    /// Factors the lower triangle of S. Pivots that rounding makes too small are raised, so that it always succeeds, and the
    /// entries below them, which are rounding too, are 0.
    pub(super) fn of(matrix: &[f64], size: usize) -> Self {
        debug_assert_eq!(matrix.len(), triangle(size));
        let largest = (0..size).map(|row| matrix[triangle(row + 1) - 1]);
        let least_pivot = (1e-14 * largest.fold(0.0, f64::max)).max(1e-30);
        let mut factor = vec![0.0; matrix.len()];
        for row in 0..size {
            let start = triangle(row);
            for column in 0..=row {
                let other = triangle(column);
                let above: f64 = (factor[start..start + column].iter())
                    .zip(&factor[other..other + column])
                    .map(|(a, b)| a * b)
                    .sum();
                let rest = matrix[start + column] - above;
                let pivot = factor[other + column];
                factor[start + column] = if row == column {
                    rest.max(least_pivot).sqrt()
                } else if pivot <= least_pivot.sqrt() {
                    0.0
                } else {
                    rest / pivot
                };
            }
        }
        Self { size, factor }
    }

    fn row(&self, row: usize) -> &[f64] {
        &self.factor[triangle(row)..triangle(row + 1)]
    }

    /// Replaces v by L⁻¹v.
    pub(super) fn solve_lower(&self, v: &mut [f64]) {
        for row in 0..self.size {
            let (factors, pivot) = self.row(row).split_at(row);
            let known: f64 = factors.iter().zip(&*v).map(|(l, x)| l * x).sum();
            v[row] = (v[row] - known) / pivot[0];
        }
    }

    /// Replaces v by S⁻¹v.
    pub(super) fn solve(&self, v: &mut [f64]) {
        self.solve_lower(v);
        for row in (0..self.size).rev() {
            let (factors, pivot) = self.row(row).split_at(row);
            v[row] /= pivot[0];
            let value = v[row];
            for (x, l) in v.iter_mut().zip(factors) {
                *x -= l * value;
            }
        }
    }

    /// Lv: a draw from the normal distribution with covariance S, if v is one of independent standard normal numbers.
    pub(super) fn times(&self, v: &[f64]) -> Vec<f64> {
        (0..self.size)
            .map(|row| self.row(row).iter().zip(v).map(|(l, x)| l * x).sum())
            .collect()
    }
}

/// The function qᵀHq / 2 − gᵀq of class shares q: half the squared error of the equations Aq = b, up to a constant, with
/// H = AᵀA and g = Aᵀb.
pub(super) struct Quadratic {
    /// H, all rows.
    h: Vec<f64>,
    g: Vec<f64>,
}

impl Quadratic {
    /// The squared error of Aq = b, from the columns of A.
    pub(super) fn least_squares(columns: &[Vec<f64>], b: &[f64]) -> Self {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum();
        Self {
            h: (columns.iter())
                .flat_map(|a| columns.iter().map(move |b| dot(a, b)))
                .collect(),
            g: columns.iter().map(|a| dot(a, b)).collect(),
        }
    }

    /// The number of classes.
    pub(super) fn classes(&self) -> usize {
        self.g.len()
    }

    /// A row of H, which is symmetric.
    pub(super) fn row(&self, class: usize) -> &[f64] {
        &self.h[class * self.classes()..][..self.classes()]
    }

    /// Hq − g.
    pub(super) fn gradient(&self, q: &[f64]) -> Vec<f64> {
        (self.g.iter().enumerate())
            .map(|(class, g)| {
                let products = self.row(class).iter().zip(q).map(|(h, q)| h * q);
                products.sum::<f64>() - g
            })
            .collect()
    }

    /// The shares q ≥ 0 with Σq = 1 that minimise the function, by an active-set method: it minimises over the classes that
    /// are free, fixes the class that reaches 0 first, and frees a class if the function falls when its share grows.
    pub(super) fn minimise(&self) -> Vec<f64> {
        let classes = self.classes();
        let mut q = vec![1.0 / classes as f64; classes];
        let mut free: Vec<usize> = (0..classes).collect();
        let scale = self.h.iter().fold(0.0, |most: f64, h| most.max(h.abs()));
        // It ends after about as many rounds as there are classes; rounding could make it repeat itself.
        for _ in 0..20 * classes {
            let target = self.minimise_over(&free);
            let first_at_zero = (free.iter().enumerate())
                .filter(|&(_, &class)| target[class] < 0.0)
                .map(|(at, &class)| (q[class] / (q[class] - target[class]), at))
                .min_by(|a, b| a.0.total_cmp(&b.0));
            if let Some((step, at)) = first_at_zero {
                for (q, target) in q.iter_mut().zip(&target) {
                    *q += step * (target - *q);
                }
                q[free.remove(at)] = 0.0;
                continue;
            }
            q = target;
            let gradient = self.gradient(&q);
            let level: f64 = q.iter().zip(&gradient).map(|(q, slope)| q * slope).sum();
            let steepest = (0..classes)
                .filter(|class| !free.contains(class))
                .min_by(|&a, &b| gradient[a].total_cmp(&gradient[b]));
            match steepest {
                Some(class) if gradient[class] < level - 1e-13 * scale => free.push(class),
                _ => break,
            }
        }
        q
    }

    /// The minimum where Σq = 1 and only the shares of `free` classes differ from 0; they may be negative.
    fn minimise_over(&self, free: &[usize]) -> Vec<f64> {
        // Of many minima, one near the centre is taken.
        let ridge = 1e-13 * free.iter().map(|&c| self.row(c)[c]).fold(0.0, f64::max);
        let mut matrix = Vec::with_capacity(triangle(free.len()));
        for (at, &row) in free.iter().enumerate() {
            matrix.extend(free[..=at].iter().map(|&column| self.row(row)[column]));
            matrix[triangle(at + 1) - 1] += ridge;
        }
        let cholesky = Cholesky::of(&matrix, free.len());
        let mut solution: Vec<f64> = free.iter().map(|&class| self.g[class]).collect();
        let mut direction = vec![1.0; free.len()];
        cholesky.solve(&mut solution);
        cholesky.solve(&mut direction);
        let missing = 1.0 - solution.iter().sum::<f64>();
        let step = missing / direction.iter().sum::<f64>();
        let mut q = vec![0.0; self.classes()];
        for ((&class, solution), direction) in free.iter().zip(&solution).zip(&direction) {
            q[class] = solution + step * direction;
        }
        q
    }
}
