//! Drawing words as negative examples.

use crate::random::{Random, scale};

/// The exponent of the counts (Mikolov et al. 2013).
const POWER: f64 = 0.75;

/// Walker's alias table, built as by Vose (1991). It draws a word w with probability ∝ count(w)^0.75 in constant time from 8
/// bytes for each word, so the table of a usual vocabulary fits the second-level cache.
///
/// All columns have the same probability. A column belongs to its own word up to `share`, and to `alias` above that.
#[derive(Debug)]
pub struct AliasTable {
    columns: Vec<Column>,
}

#[derive(Clone, Copy, Debug)]
struct Column {
    /// The word's own part of the column, of 2³².
    share: u32,
    alias: u32,
}

impl AliasTable {
    /// The table of words with these counts.
    pub fn new(counts: &[u64]) -> Self {
        let weights: Vec<f64> = counts
            .iter()
            .map(|&count| (count as f64).powf(POWER))
            .collect();
        let scale = counts.len() as f64 / weights.iter().sum::<f64>();
        // The probability of a word in units of a column.
        let mut heights: Vec<f64> = weights.iter().map(|weight| weight * scale).collect();
        let mut columns: Vec<Column> = (0..counts.len() as u32)
            .map(|word| Column {
                share: u32::MAX,
                alias: word,
            })
            .collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) =
            (0..heights.len()).partition(|&word| heights[word] < 1.0);
        while let (Some(&giver), Some(taker)) = (large.last(), small.pop()) {
            columns[taker] = Column {
                share: (heights[taker] * 2f64.powi(32)) as u32,
                alias: giver as u32,
            };
            heights[giver] -= 1.0 - heights[taker];
            if heights[giver] < 1.0 {
                large.pop();
                small.push(giver);
            }
        }
        // What is left has a height of 1 but for rounding, and keeps its whole column.
        Self { columns }
    }

    /// Draws a word.
    pub fn draw(&self, random: &mut Random) -> u32 {
        let bits = random.next_u64();
        let word = scale((bits >> 32) as u32, self.columns.len() as u32);
        let column = self.columns[word as usize];
        match (bits as u32) < column.share {
            true => word,
            false => column.alias,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The probability with which the table draws each word.
    fn probabilities(table: &AliasTable) -> Vec<f64> {
        let mut sums = vec![0.0; table.columns.len()];
        for (word, column) in table.columns.iter().enumerate() {
            let own = match column.alias as usize == word {
                true => 1.0,
                false => f64::from(column.share) / 2f64.powi(32),
            };
            sums[word] += own;
            sums[column.alias as usize] += 1.0 - own;
        }
        sums.iter().map(|sum| sum / sums.len() as f64).collect()
    }

    fn expected(counts: &[u64]) -> Vec<f64> {
        let weights: Vec<f64> = counts
            .iter()
            .map(|&count| (count as f64).powf(0.75))
            .collect();
        let sum: f64 = weights.iter().sum();
        weights.iter().map(|weight| weight / sum).collect()
    }

    #[test]
    fn words_have_the_probabilities_of_their_counts_to_the_power_of_three_quarters() {
        let zipf: Vec<u64> = (1..5000).map(|rank| 1_000_000 / rank).collect();
        for counts in [
            &[7][..],
            &[5, 5],
            &[1, 0, 1_000_000_000_000],
            &[3, 1, 4, 1, 5],
            &zipf,
        ] {
            let table = AliasTable::new(counts);
            for (made, expected) in probabilities(&table).into_iter().zip(expected(counts)) {
                assert!((made - expected).abs() < 1e-9, "{made} {expected}");
            }
        }
    }

    #[test]
    fn draws_follow_the_table() {
        let counts = [100, 50, 10, 1];
        let table = AliasTable::new(&counts);
        let mut random = Random::new(1);
        let mut drawn = [0_u32; 4];
        for _ in 0..1_000_000 {
            drawn[table.draw(&mut random) as usize] += 1;
        }
        for (drawn, expected) in drawn.into_iter().zip(expected(&counts)) {
            assert!((f64::from(drawn) / 1e6 - expected).abs() < 0.002);
        }
    }
}
